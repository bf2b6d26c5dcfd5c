"""Core.OperationAvailable, Core.RequiresExplicitBinding and Core.PositionalInsert steer what they speak of (P 11.5.3, 11.4.11)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.protocol.exchange import Client

CASES: list[tuple[str, int, str | None]] = [
    # request, status, code
    ("POST Doors(1)/D.Close", 204, None), ("POST Doors(1)/D.Close", 409, "operationNotAvailable"), ("POST Doors(1)/D.Open", 204, None), ("POST Doors(1)/D.Open", 409, "operationNotAvailable"),
    ("POST Doors(3)/D.Open", 409, "operationNotAvailable"), ("POST Doors(3)/D.Close", 409, "operationNotAvailable"), ("POST Doors(1)/D.Knock", 409, "operationNotAvailable"), ("POST Doors(1)/D.Ring", 204, None),
    ("POST Doors(2)/Leads/D.Close", 204, None), ("POST Doors(2)/Leads/D.Open", 204, None), ("POST Doors(9)/D.Open", 404, "notFound"),
    ("Doors(1)/D.Tone()", 200, None), ("Doors(2)/D.Tone()", 200, None), ("Doors(3)/D.Tone()", 409, "operationNotAvailable"), ("Doors(4)/D.Tone()", 409, "operationNotAvailable"), ("Doors(4)/Leads/D.Tone()", 200, None),
    ("Doors(1)/Lock/D.Clicks()", 200, None), ("Doors(4)/Lock/D.Clicks()", 409, "operationNotAvailable"), ("POST Doors(1)/D.Paint", 501, "notImplemented"),
    ("POST Doors/D.CloseAll", 204, None), ("POST Sleep", 204, None), ("POST Wake", 409, "operationNotAvailable"), ("PATCH House", 204, None), ("POST Doors/D.CloseAll", 409, "operationNotAvailable"), ("POST Sleep", 409, "operationNotAvailable"), ("POST Wake", 204, None),
    ("POST Doors/$filter(ID eq 1)/$each/D.Close", 204, None), ("POST Doors/$filter(ID lt 3)/$each/D.Open", 204, None), ("POST Doors/$filter(ID lt 3)/$each/D.Open", 409, "operationNotAvailable"), ("Doors/$filter(ID lt 4)/$each/D.Tone()", 409, "operationNotAvailable"),
    # RequiresExplicitBinding: of a set, a type, a navigation property
    ("POST Annex(1)/D.Slam", 204, None), ("POST Doors(1)/D.Slam", 404, "unknownResource"), ("POST Doors(4)/D.Gate/D.Slam", 204, None), ("POST Doors(4)/D.Slam", 404, "unknownResource"), ("Doors(2)/Leads/D.Peep()", 200, None), ("Doors(2)/D.Peep()", 404, "unknownResource"),
    ("POST Doors/$each/D.Slam", 404, "unknownResource"), ("POST Annex/$each/D.Slam", 204, None), ("Doors?$filter=D.Peep() eq 2", 400, None),
    # PositionalInsert
    ("POST Doors(1)/Marks?$index=0", 204, None), ("POST Doors(1)/Notes?$index=0", 204, None), ("POST Doors(1)/Rings?$index=0", 204, None), ("POST Doors(1)/Coats?$index=0", 400, "optionNotAllowed"), ("POST Doors(1)/Coats", 204, None),
]


def test_operations(private: Callable[..., Client]) -> None:
    client, problems = private("doors"), []
    for line, status, code in CASES:
        changes = line.startswith(("POST", "PATCH"))
        body: Any = {"IsAwake": False} if line.startswith("PATCH") else {"value": 7 if "Rings" in line else "x"} if "D." not in line and "(1)" in line else {}
        answer = client.send(line, {"content-type": "application/json"} if changes else {}, json.dumps(body).encode() if changes else b"")
        found = answer.json["error"]["code"] if answer.status >= 400 else None
        if answer.status != status or code is not None and found != code:
            problems.append(f"{line}: {answer.status} {answer.text[:200]}")
    assert not problems, "\n".join(problems)
    assert client.get("Doors(1)/Notes")["value"] == ["x", "a"] and client.get("Doors(1)/Rings")["value"] == [7, 1]


FULL = {"accept": "application/json;odata.metadata=full"}
ALWAYS = {"#D.Ring", "#D.Paint"}
SHOWN = {1: {"#D.Close", "#D.Tone"}, 2: {"#D.Open", "#D.Tone"}, 3: set(), 4: {"#D.Close", "#D.Slam"}}


def advertised(entity: dict[str, Any]) -> set[str]:
    return {name for name, value in entity.items() if name.startswith("#") and value is not None}


def test_what_answers_advertise(clients: Any) -> None:
    """J 16, 17: available ones alone in 4.0; null for the others in 4.01."""
    client = clients["doors"]
    for target in ("Doors", "Doors?$top=1000", "Doors?$orderby=ID&$expand=Leads"):
        old, new = client.get(target, FULL)["value"], client.get(target, {**FULL, "odata-maxversion": "4.01"})["value"]
        for before, after in zip(old, new, strict=True):
            wanted = SHOWN[before["ID"]] | ALWAYS
            assert {name for name in before if name.startswith("#")} == wanted == advertised(after), before
            assert {name for name in after if name.startswith("#")} == wanted | {"#D.Open", "#D.Close", "#D.Knock", "#D.Tone"}
            if before.get("Leads"):
                assert advertised(before["Leads"]) == SHOWN[before["Leads"]["ID"]] | ALWAYS
    for key, shown in SHOWN.items():
        assert advertised(client.get(f"Doors({key})", FULL)) == shown | ALWAYS
        assert advertised(client.get(f"Doors({key})?$select=D.Close", FULL)) == shown & {"#D.Close"}
    assert advertised(client.get("Annex(1)", FULL)) == {"#D.Open", "#D.Slam"} | ALWAYS
    assert "#D.CloseAll" in client.get("Doors", FULL) and "#D.Open" not in json.dumps(client.get("Doors"))

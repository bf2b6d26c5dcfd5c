"""Every option on every kind of resource: applied, or refused; nothing is ignored (U 5.1, P 6.1, 11.2.6).

A row is a kind of resource, a column an option: `+` applied (200), `-` does not apply there (400), `n` known and not
offered (501). Custom options and unused parameter aliases never matter.
"""

from __future__ import annotations

import pytest

from tests.protocol.conftest import Clients

OPTIONS = {"filter": "1 eq 1", "search": "saw", "count": "true", "orderby": "1", "top": "1", "skip": "1", "select": "*", "expand": "*", "compute": "1 as one",
           "apply": "identity", "format": "json", "index": "0", "levels": "2", "id": "x", "schemaversion": "*", "skiptoken": "x", "deltatoken": "x"}
ANYWHERE = ("custom=1", "@p=1", "@unused=%27x%27")
DOLLAR_ONLY = ("skiptoken", "deltatoken", "levels")      # the last is an option of $expand alone
UNKNOWN = ("$nothing=1", "$it=1", "$at=2024-01-01T00:00:00Z")

#                                                                         f s c o t s s e c a f i l i s s d
#                                                                         i e o r o k e x o p o n e d c k e
#                                                                         l a u d p i l p m p r d v   h i l
TABLE = {
    "": "                                                                 - - - - - - - - - - + - - - + - -",
    "$metadata": "                                                        - - - - - - - - - - + - - - + - -",
    "Tools": "                                                            + + + + + + + + + + + - - - + - -",
    "Tools/W.PowerTool": "                                                + + + + + + + + + + + - - - + - -",
    "Tools/$filter(Code eq 'saw')": "                                     + + + + + + + + + + + - - - + - -",
    "Tools('saw')": "                                                     - - - - - - + + + - + - - - + - -",
    "Bench": "                                                            - - - - - - + + + - + - - - + - -",
    "Tools('saw')/Related": "                                             + + + + + + + + + + + - - - + - -",
    "Tools('saw')/Maker": "                                               - - - - - - + + + - + - - - + - -",
    "Tools('saw')/Boxes": "                                               + + + + + + + + + + + - - - + - -",
    "Tools('saw')/Boxes(1)": "                                            - - - - - - + + + - + - - - + - -",
    "Tools('saw')/Spot/Keeper": "                                         - - - - - - + + + - + - - - + - -",
    "Tools('saw')/Parts/0/Maker": "                                       - - - - - - + + + - + - - - + - -",
    "$entity?$id=Tools('saw')": "                                         - - - - - - + + + - + - - - + - -",
    "Tools('saw')/Code": "                                                - - - - - - - - - - + - - - + - -",
    "Tools('saw')/Origin": "                                              - - - - - - + + + - + - - - + - -",
    "Tools('saw')/Spot": "                                                - - - - - - + + + - + - - - + - -",
    "Tools('saw')/Names": "                                               + + + + + + - - - - + - - - + - -",
    "Tools('saw')/Names/0": "                                             - - - - - - - - - - + - - - + - -",
    "Tools('saw')/Parts": "                                               + + + + + + + + + + + - - - + - -",
    "Tools('saw')/Parts/0": "                                             - - - - - - + + + - + - - - + - -",
    "Tools('saw')/aliases": "                                             + + + + + + - - - - + - - - + - -",
    "Tools('drill')/aliases": "                                           - - - - - - - - - - + - - - + - -",
    "Tools('saw')/Manual": "                                              - - - - - - - - - - + - - - + - -",
    "Drawings(1)/$value": "                                               - - - - - - - - - - + - - - + - -",
    "Tools/$count": "                                                     + + + + + + - + + + - - - - + - -",
    "Tools('saw')/Related/$count": "                                      + + + + + + - + + + - - - - + - -",
    "Tools('saw')/Names/$count": "                                        + + + + + + - - - - - - - - + - -",
    "Tools('saw')/Parts/$count": "                                        + + + + + + - + + + - - - - + - -",
    "Tools('saw')/Related/$ref": "                                        + + + + + + - - - - + - - - + - -",
    "Tools('saw')/Maker/$ref": "                                          - - - - - - - - - - + - - - + - -",
    "$all": "                                                             + + + + + + + + + n + - - - + - -",
    "$all/W.Tool": "                                                      + + + + + + + + + + + - - - + - -",
    "$all/$count": "                                                      + + + + + + - + + n - - - - + - -",
    "$crossjoin(Tools,Makers)": "                                         + + + + + + + + + + + - - - + - -",
    "$crossjoin(Tools,Makers)/$count": "                                  + + + + + + - + + + - - - - + - -",
}
MEANING = {"+": 200, "-": 400, "n": 501}


@pytest.mark.parametrize("target", TABLE, ids=[target or "(root)" for target in TABLE])
def test_options(clients: Clients, target: str) -> None:
    """Each option on a kind of resource gives what the table says; a refusal names the option."""
    client, joint = clients["workshop"], "&" if "?" in target else "?"
    marks = TABLE[target].split()
    assert len(marks) == len(OPTIONS)
    for (name, value), mark in zip(OPTIONS.items(), marks, strict=True):
        for spelled in ("$" + name, name) if name not in DOLLAR_ONLY else ("$" + name,):
            answer = client.send(f"GET {target}{joint}{spelled}={value}")
            wanted = (400, 410) if name == "deltatoken" else (MEANING[mark],)
            wrong = "" if answer.status in wanted else f"{spelled} {answer.status} {answer.text[:300]}"
            assert not wrong
            if mark != "+":
                named = answer.json["error"].get("target")
                assert named == "$" + name or name == "id" and "$entity" in target
    for text in ANYWHERE:
        assert client.send(f"GET {target}{joint}{text}").status == 200
    for text in UNKNOWN:
        assert client.send(f"GET {target}{joint}{text}").status in (400, 501), text


@pytest.mark.parametrize("target", ["Tools", "Tools('saw')/Names", "Tools('saw')/Parts", "$all", "$crossjoin(Tools,Makers)"])
@pytest.mark.parametrize("options", ["$top=1&$top=1", "$top=1&top=1", "$TOP=1&$top=2", "$filter=true&filter=true", "$count=maybe", "$top=", "$skip=-1", "$top=1.5", "$orderby=", "$filter="])
def test_malformed(clients: Clients, target: str, options: str) -> None:
    """An option that is given twice or that is none is refused everywhere (P 11.2.6, U 5.1)."""
    assert clients["workshop"].send(f"GET {target}?{options}").status == 400

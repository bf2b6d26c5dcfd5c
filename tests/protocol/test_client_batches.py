"""Batches as real clients send them: shapes seen on the wire, over our own models, with what those clients read.

Where recorded requests lie beside the checkout, their batches are sent too, their names mapped to these models.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.protocol.batches import Got, answers
from tests.protocol.exchange import ROOT, Client

Private = Callable[..., Client]
UI5_PART = ("Accept:application/json;odata.metadata=minimal;IEEE754Compatible=true\r\nAccept-Language:en-US\r\n"
            "Content-Type:application/json;charset=UTF-8;IEEE754Compatible=true\r\n")
UI5 = {"X-CSRF-Token": "Fetch", "sap-cancel-on-close": "true", "MIME-Version": "1.0", "OData-MaxVersion": "4.0", "OData-Version": "4.0",
       "X-Requested-With": "XMLHttpRequest", "Accept": "multipart/mixed", "Content-Type": "multipart/mixed; boundary=batch_id-1-9"}
HTTP = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"

BODIES = [
    # client, headers, body, status of each answer
    ("OpenUI5: no blank behind colons, an epilogue", UI5,
     f"--batch_id-1-9\r\nContent-Type:application/http\r\nContent-Transfer-Encoding:binary\r\n\r\nGET Products?$count=true&$select=ID,UnitPrice&$filter=contains(Name,'a')&$skip=0&$top=20 HTTP/1.1\r\n{UI5_PART}\r\n\r\n--batch_id-1-9--\r\nGroup ID: $auto", [200]),
    ("OpenUI5: a write outside any change set", UI5,
     f"--batch_id-1-9\r\nContent-Type:application/http\r\nContent-Transfer-Encoding:binary\r\n\r\nPOST Tags HTTP/1.1\r\n{UI5_PART}\r\n{{\"Name\":\"fresh\"}}\r\n--batch_id-1-9--\r\nGroup ID: $auto", [201]),
    ("OpenUI5: an ETag that is old", UI5,
     f"--batch_id-1-9\r\nContent-Type:application/http\r\nContent-Transfer-Encoding:binary\r\n\r\nPATCH Products(1) HTTP/1.1\r\nIf-Match:W/\"1\"\r\n{UI5_PART}\r\n{{\"Name\":\"zz\"}}\r\n--batch_id-1-9--\r\nGroup ID: $auto", [412]),
    ("OpenUI5: numbers as strings", UI5,
     f"--batch_id-1-9\r\nContent-Type:application/http\r\nContent-Transfer-Encoding:binary\r\n\r\nPATCH Products(1) HTTP/1.1\r\n{UI5_PART}\r\n{{\"UnitPrice\":\"19.5\"}}\r\n--batch_id-1-9--\r\nGroup ID: $auto", [204]),
    ("OpenUI5: an action", UI5,
     f"--batch_id-1-9\r\nContent-Type:application/http\r\nContent-Transfer-Encoding:binary\r\n\r\nPOST Products(1)/Northwind.Model.Discontinue HTTP/1.1\r\n{UI5_PART}\r\n{{}}\r\n--batch_id-1-9--\r\nGroup ID: $auto", [200]),
    ("SAP Cloud SDK: a leading slash means the service", {"Accept": "multipart/mixed", "Content-Type": "multipart/mixed; boundary=batch_b8"},
     f"--batch_b8\r\n{HTTP}\r\nGET /Products?$top=1 HTTP/1.1\r\nContent-Type: application/json\r\nAccept: application/json\r\n\r\n\r\n--batch_b8\r\nContent-Type: multipart/mixed; boundary=changeset_4a\r\n\r\n--changeset_4a\r\n{HTTP}"
     "Content-Id: baab687a-cb91-4761-90b0-a06d21eac129\r\n\r\nPOST /Tags HTTP/1.1\r\nContent-Type: application/json\r\nAccept: application/json\r\n\r\n{\"Name\":\"fresh\"}\r\n\r\n--changeset_4a--\r\n--batch_b8--\r\n", [200, [201]]),
    ("o.js: absolute URLs, no change set", {"Content-Type": "multipart/mixed;boundary=batch_54", "accept": "*/*"},
     f"--batch_54\r\n{HTTP}Content-ID: 1\r\n\r\nGET {ROOT}Products HTTP/1.1\r\ncontent-type: application/json\r\n\r\n\r\n--batch_54\r\n{HTTP}Content-ID: 2\r\n\r\nGET {ROOT}Categories HTTP/1.1\r\ncontent-type: application/json\r\n\r\n\r\n"
     f"--batch_54\r\n{HTTP}Content-ID: 3\r\n\r\nPOST {ROOT}Tags HTTP/1.1\r\ncontent-type: application/json\r\n\r\n{{\"Name\":\"fresh\"}}\r\n\r\n\r\n--batch_54--\r\n", [200, 200, 201]),
    ("@odata/client: Accept means the parts, an empty line before the body", {"Accept": "application/json", "Content-Type": "multipart/mixed; boundary=6233983a-7f42"},
     f"--6233983a-7f42\r\n{HTTP}\r\nGET Products?$top=1 HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n\r\n\r\n--6233983a-7f42\r\nContent-Type: multipart/mixed; boundary=45b5be89\r\n\r\n--45b5be89\r\n{HTTP}\r\nPOST Tags HTTP/1.1\r\n"
     "Accept: application/json\r\nContent-Type: application/json\r\n\r\n\r\n{\"Name\":\"fresh\"}\r\n\r\n--45b5be89--\r\n--6233983a-7f42--", [200, [201]]),
    ("Syncfusion: bare LF, blanks behind headers, a preference for the whole", {"Content-Type": "multipart/mixed; charset=UTF-8;boundary=batch_0b", "Prefer": "return=representation", "Accept": "application/json, text/javascript, */*; q=0.01"},
     f"--batch_0b\nContent-Type: multipart/mixed; boundary=changeset_81\n\n--changeset_81\n{HTTP[:-2]} \n\nPOST Tags HTTP/1.1\nAccept: application/json, text/javascript, */*; q=0.01\nContent-Id: 0\nContent-Type: application/json; charset=utf-8 \n\n"
     f"{{\"Name\":\"fresh\"}}\n\n\n--changeset_81\n{HTTP[:-2]} \n\nPATCH Tags('new') HTTP/1.1\nContent-Id: 1\nContent-Type: application/json; charset=utf-8 \n\n{{\"Name\":\"new\",\"Color\":\"#000001\"}}\n\n\n"
     f"--changeset_81\n{HTTP[:-2]} \n\nDELETE Tags('unused') HTTP/1.1\nContent-Id: 2\nContent-Type: application/json; charset=utf-8 \n\n\n--changeset_81--\n--batch_0b--", [[201, 204, 204]]),
    ("Microsoft.OData.Client: absolute URLs, its own headers in each part", {"OData-Version": "4.0", "OData-MaxVersion": "4.0", "Accept": "multipart/mixed", "Accept-Charset": "UTF-8", "Content-Type": "multipart/mixed; boundary=batch_6b"},
     f"--batch_6b\r\n{HTTP}\r\nGET {ROOT}Products HTTP/1.1\r\nOData-Version: 4.0\r\nOData-MaxVersion: 4.0\r\nAccept: application/json;odata.metadata=minimal;\r\nAccept-Charset: UTF-8\r\nUser-Agent: Microsoft.OData.Client/7.9.0\r\nAuthorization: Bearer x\r\n\r\n"
     f"--batch_6b\r\nContent-Type: multipart/mixed; boundary=changeset_1c\r\n\r\n--changeset_1c\r\n{HTTP}Content-ID: 1\r\n\r\nPOST {ROOT}Categories HTTP/1.1\r\nOData-Version: 4.0\r\nContent-Type: application/json;odata.metadata=minimal;\r\nPrefer: return=minimal\r\n\r\n"
     f"{{\"@odata.type\":\"#Northwind.Model.Category\",\"Name\":\"Toys\"}}\r\n--changeset_1c\r\n{HTTP}Content-ID: 2\r\n\r\nPOST $1/Products HTTP/1.1\r\nContent-Type: application/json;odata.metadata=minimal;\r\n\r\n{{\"@odata.type\":\"#Northwind.Model.Product\",\"ID\":90}}\r\n--changeset_1c--\r\n--batch_6b--\r\n", [200, [204, 201]]),
    ("pyodata's form: escapes, a line end before the first delimiter, none behind the last", {"Accept": "*/*", "Content-Type": "multipart/mixed;boundary=batch_b1"},
     "\r\n--batch_b1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding:binary\r\n\r\nGET Products%281%29 HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n--batch_b1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding:binary\r\n\r\n"
     "GET Products?%24top=1&%24filter=Name+eq+%27a+b%27 HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n--batch_b1\r\nContent-Type: multipart/mixed;boundary=changeset_c1\r\n\r\n\r\n--changeset_c1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding:binary\r\n\r\n"
     "POST Tags HTTP/1.1\r\nContent-Type: application/json\r\nX-Requested-With: X\r\n\r\n{\"Name\": \"fresh\"}\r\n--changeset_c1--\r\n--batch_b1--", [200, 200, [201]]),
]


@pytest.mark.parametrize(("client", "headers", "body", "wanted"), BODIES, ids=[row[0] for row in BODIES])
def test_shape(private: Private, client: str, headers: dict[str, str], body: str, wanted: list[Any]) -> None:
    answer = private("northwind").send("POST $batch", headers, body.encode())
    assert answer.headers["content-type"].startswith("multipart/mixed; boundary=")
    assert answer.headers["content-type"].rpartition("=")[2].strip()        # where some look for the boundary
    found = answers(answer)
    statuses = [[each.status for each in one] if isinstance(one, list) else one.status for one in found]
    assert statuses == wanted
    for one in found:
        for each in one if isinstance(one, list) else [one]:
            assert each.headers["odata-version"] == "4.0"


def test_ui5_reads_strings(private: Private) -> None:
    """IEEE754Compatible of the part, not of the envelope."""
    answer = private("northwind").send("POST $batch", UI5, BODIES[0][2].encode())
    found = answers(answer)[0]
    assert isinstance(found, Got) and isinstance(found.json["@odata.count"], str)
    assert "IEEE754Compatible=true" in found.headers["content-type"] and isinstance(found.json["value"][0]["UnitPrice"], str)


# --- recorded batches ------------------------------------------------------------------------------------

RECORDED = Path(__file__).parents[3] / "shared" / "reference" / "client-requests.jsonl"
NAMES = {"incomingFlowRuns": "Tags", "'a-1'": "'new'", "'z'": "'unused'", '"id"': '"Name"', '"displayName"': '"Color"', "NW.resume": "Northwind.Model.Nothing",
         "displayName,id": "Name", "$expand=process($select=id)": "$expand=Products($select=ID)", "displayName": "Name", "createdDateTime": "Name"}


def recorded() -> list[dict[str, Any]]:
    if not RECORDED.is_file():
        return []
    lines = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [line for line in lines if line["path_template"] == "{v4root}/$batch" and line.get("body")]


LINES = recorded()


@pytest.mark.skipif(not LINES, reason="the recorded requests are not beside this checkout")
@pytest.mark.parametrize("line", LINES, ids=[f"{line['client']} {number}" for number, line in enumerate(LINES)])
def test_recorded(private: Private, line: dict[str, Any]) -> None:
    """Every part gets an answer of its own, and none is a failure of ours."""
    body = line["body"].replace("{v4root}/", ROOT)
    for old, new in NAMES.items():
        body = body.replace(old, new)
    answer = private("northwind").send("POST $batch", line["headers"], body.encode())
    parts = [each for one in answers(answer) for each in (one if isinstance(one, list) else [one])]
    assert parts and all(each.status < 500 for each in parts)
    assert not re.search("HTTP/1.1 404 .*\r\n(.*\r\n)*.*unknownResource", answer.text) or "Nothing" in body

"""`$batch` in both formats (Protocol §11.7; JSON Format §19; conformance rows P-11.7, J-19)."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pytest

from app.payload import batch as form
from app.service import batch as carried_out
from app.service.request import Request
from app.store.database import Retry
from tests.protocol.batches import Got, Items, answers, multipart, send_json, send_multipart
from tests.protocol.conftest import Clients
from tests.protocol.exchange import ROOT, Client, Some, differences, shortened

Private = Callable[..., Client]
MULTIPART = {"Content-Type": "multipart/mixed; boundary=b"}
JSON = {"Content-Type": "application/json"}


# --- batches that mean the same in both formats ----------------------------------------------------------

@dataclass(frozen=True)
class Failed:
    """A change set of which nothing is done: what the request at `at` answers."""

    status: int
    at: int = 0
    code: str | None = None


@dataclass(frozen=True)
class Batch:
    """`wanted`: for each item a status, (status, body), a list of them for a change set, or Failed. `stored`: what GETs
    show afterwards: a body, or a status."""

    spec: str
    items: Items
    wanted: list[Any]
    stored: Mapping[str, Any] = field(default_factory=dict)
    depends: Mapping[str, list[str]] | None = None


TAG = 'POST Tags {"Name": "fresh"}'
NO_TAG = {"Tags('fresh')": 404}

SAME = [
    Batch("P 11.7", ["GET Products(1)?$select=Name", "GET Products/$count", "get Tags?$filter=Name eq 'new'"],
          [(200, {"Name": "Chai"}), (200, "16"), (200, {"value": [{}]})]),
    Batch("P 11.7.1", ["GET Nothing"], [(404, {"error": {"code": "unknownResource"}})]),
    Batch("P 11.7", [TAG, "GET Tags('fresh')", "PATCH Tags('fresh') {\"Color\": \"#00ff00\"}", "DELETE Tags('new')"],
          [201, (200, {"Color": None}), 204, 204], {"Tags('fresh')": {"Color": "#00ff00"}, "Tags('new')": 404}),
    Batch("P 11.7.7.4", [[TAG, 'PATCH Products(1) {"Name": "Tea"}', "DELETE Words('alpha')/save"]], [[201, 204, 204]],
          {"Tags('fresh')": {"Name": "fresh"}, "Products(1)": {"Name": "Tea"}, "Words('alpha')": {"save": None}}),
    Batch("P 11.7.7.4", [[TAG, "DELETE Tags('nope')"]], [Failed(404, 1)], NO_TAG),
    Batch("P 11.7.7.4", [["DELETE Tags('nope')", TAG]], [Failed(404)], NO_TAG),
    Batch("P 11.7.7.4", [[TAG, 'PATCH Products(1) {"Name": 1}', "DELETE Tags('new')"]], [Failed(400, 1, "invalidValue")],
          {**NO_TAG, "Tags('new')": 200}),
    Batch("P 11.7.7.4", [[TAG, 'POST Tags {"Name": "fresh"}']], [Failed(409, 1)], NO_TAG),
    Batch("P 11.7.7.4", [[TAG], ['POST Tags {"Name": "second"}', "PUT Nothing {}"]], [[201], Failed(404, 1)],
          {"Tags('fresh')": 200, "Tags('second')": 404}),
    Batch("P 11.7.7.4", [[TAG, 'POST Orders(10248)/Northwind.Model.Ship {}']], [Failed(409, 1, "notPlaced")], NO_TAG),
    Batch("P 8.2.4", [[TAG, "DELETE Customers('ALFKI')"]], [Failed(428, 1)], NO_TAG),
    Batch("P 8.2.4", [[TAG, "DELETE Customers('ALFKI')\nIf-Match: W/\"old\""]], [Failed(412, 1)], NO_TAG),
    # references
    Batch("P 11.7.7.2", [['1: POST Categories {"Name": "Toys"}', '2: POST $1/Products {"ID": 90, "Name": "Top"}',
                          'PATCH $1 {"Description": "For all"}', 'PUT $2/Name {"value": "Ball"}']], [[201, (201, {"CategoryID": int}), 204, 204]],
          {"Categories?$filter=Name eq 'Toys'&$expand=Products": {"value": [{"Description": "For all", "Products": [{"ID": 90, "Name": "Ball"}]}]}}),
    Batch("P 11.7.4", ['a: POST Tags {"Name": "one"}', 'A: POST Tags {"Name": "two"}', 'PATCH $a {"Color": "#000001"}', 'PATCH $A {"Color": "#000002"}'],
          [201, 201, 204, 204], {"Tags('one')": {"Color": "#000001"}, "Tags('two')": {"Color": "#000002"}}),
    Batch("P 11.7.4", ["1: GET Products(1)/Category", "GET $1/Name/$value", "2: GET Products(1)", "GET $2/Category/Products/$count", "GET $2?$select=ID"],
          [200, (200, "Beverages"), 200, (200, "4"), (200, {"ID": 1, "@odata.context": ROOT + "$metadata#Products(ID)/$entity"})]),
    Batch("P 11.7.4", ["1: PATCH Products(1) {\"Name\": \"Tea\"}", "GET $1/Name/$value", "2: PUT Tags('new') {\"Color\": \"#123456\"}", "GET $2/Color/$value"],
          [204, (200, "Tea"), 204, (200, "#123456")]),
    Batch("P 11.7.4", ["1: POST Tags\nPrefer: return=minimal\n\n{\"Name\": \"fresh\"}", "GET $1"], [204, (200, {"Name": "fresh"})]),
    Batch("P 11.7.4", ['1: POST Products {"ID": 91, "@odata.type": "#Northwind.Model.DigitalProduct", "SizeInBytes": 5}', 'PATCH $1 {"SizeInBytes": 6}', "GET $1/SizeInBytes"],
          [201, 204, (200, {"value": 6})]),
    Batch("P 11.7.7.2", [['1: POST Categories {"Name": "Toys"}', '2: POST Tags {"Name": "fresh"}',
                          'POST Products {"ID": 90, "Category@odata.bind": "$1", "Tags@odata.bind": ["$2", "Tags(\'new\')"]}']], [[201, 201, 201]],
          {"Products(90)?$expand=Category,Tags($orderby=Name)": {"Category": {"Name": "Toys"}, "Tags": [{"Name": "fresh"}, {"Name": "new"}]}}),
    Batch("P 11.7.7.2", [['1: POST Tags {"Name": "fresh"}', 'POST Products(16)/Tags/$ref {"@odata.id": "$1"}']], [[201, 204]], {"Products(16)/Tags": {"value": Some([{"Name": "fresh"}])}}),
    Batch("P 11.7.7.2", ['1: POST Tags {"Name": "fresh"}', 'POST Products(16)/Tags/$ref {"@odata.id": "$1"}', "DELETE Products(16)/Tags/$ref?$id=$1"], [201, 204, 204],
          {"Products(16)/Tags?$filter=Name eq 'fresh'": {"value": []}}),
    Batch("P 11.7.7.2", [['1: POST Categories {"Name": "Toys"}', 'POST Products {"ID": 90, "Category": {"@odata.id": "$1"}}', 'PATCH Products(1) {"Category@odata.bind": "$1"}']], [[201, 201, 204]],
          {"Products(1)/Category": {"Name": "Toys"}, "Products(90)/Category": {"Name": "Toys"}}),
    Batch("P 11.7.7.2", ["1: GET Products(1)", 'POST Products {"ID": 90, "Category@odata.bind": "$1/Category"}'], [200, 201], {"Products(90)": {"CategoryID": 1}}),
    Batch("P 11.7.5", ["1: GET Customers('ALFKI')", "PATCH $1\nIf-Match: $1\n\n{\"CompanyName\": \"A\"}"], [200, 204], {"Customers('ALFKI')": {"CompanyName": "A"}}),
    Batch("P 11.7.5", [["1: POST Customers {\"CustomerID\": \"NEWCO\", \"CompanyName\": \"N\", \"Contacts\": []}", "DELETE $1\nIf-Match: $1"]], [[201, 204]], {"Customers('NEWCO')": 404}),
    Batch("P 11.7.5", ["1: GET Products(1)", "GET Products(1)\nIf-None-Match: $1"], [200, (304, None)]),
    Batch("P 11.7.4", ["metadata: GET Tags('new')", "GET $metadata"], [200, (200, re.compile("<edmx:Edmx"))]),
    # headers, bodies and URLs of parts
    Batch("P 11.7", ["GET Products(1)?$select=UnitPrice\nAccept: application/json;IEEE754Compatible=true", "GET Products(1)?$select=ID\nOData-MaxVersion: 4.01\nAccept: application/json;metadata=minimal"],
          [(200, {"UnitPrice": "18"}), (200, {"@context": str, "ID": 1})]),
    Batch("P 8.2.8.7", ["POST Tags\nPrefer: return=minimal\n\n{\"Name\": \"fresh\"}", "PATCH Tags('fresh')\nPrefer: return=representation\n\n{}"], [204, (200, {"Name": "fresh"})]),
    Batch("P 11.4.9", ["PUT Products(1)/Name/$value\nContent-Type: text/plain\n\nTea & more"], [204], {"Products(1)": {"Name": "Tea & more"}}),
    Batch("P 11.4.2", [["POST Tags\nContent-Type: text/csv\n\nx"]], [Failed(415)]),
    Batch("HTTP", ["HEAD Products(1)", "HEAD Nothing"], [(200, None), (404, None)]),
    Batch("P 9.2.2", ["BREW Products(1)", "DELETE Products"], [(405, {"error": {"code": "methodNotAllowed"}}), 405]),
    Batch("P 11.5.5", ["POST Products(1)/Northwind.Model.Discontinue", "GET Customers('ANATR')/Northwind.Model.Turnover()"], [(200, {"Discontinued": True}), (200, {"value": ...})]),
    Batch("P 11.7", ["POST Products(1)\nX-HTTP-Method: PATCH\n\n{\"Name\": \"Tea\"}"], [204], {"Products(1)": {"Name": "Tea"}}),
    Batch("U 2", [f"GET {ROOT}Products(1)?$select=ID", "GET /Products(1)?$select=ID", "GET ./Products(1)?$select=ID", "GET HTTP://SERVICE.EXAMPLE:80/Products(1)?$select=ID", "GET Products%281%29?%24select=ID", "GET Products/1/?$select=ID"],
          [(200, {"ID": 1})] * 6),
    Batch("U 2", ["GET Products?$filter=Name eq 'Chai' and ID le 1", "GET Products?$filter=Name eq 'Jalapeño'&$count=true", "GET /", "GET https://other.example/Products(1)", "GET http://service.example:8080/Products(1)"],
          [(200, {"value": [{"ID": 1}]}), (200, {"@odata.count": int}), (200, {"value": list}), (400, {"error": {"code": "foreignUrl"}}), 400]),
    Batch("J 19.1", ["POST $batch {\"requests\": []}", "POST /%24batch {\"requests\": []}", f"POST {ROOT}$batch/ {{}}", "GET $batch"], [(400, {"error": {"code": "nestedBatch"}})] * 4),
    Batch("P 11.7.7.1", [f"GET Products(1)\n{name}: x" for name in ("Expect", "From", "Max-Forwards", "Range", "TE")], [(400, {"error": {"code": "invalidPart"}})] * 5),
    Batch("P 8.2.6", ["GET Products(1)\nIsolation: snapshot"], [412]),
    Batch("P 11.7.4", ["GET $9", "PATCH $9/Name {}", "GET Products(1)\nIf-Match: $9", '1: POST Products(1)/Northwind.Model.Discontinue', "GET $1"], [(400, {"error": {"code": "unknownReference"}})] * 3 + [200, (400, {"error": {"code": "unknownReference"}})]),
    Batch("P 11.7.4", ["1: GET Nothing", "GET $1", "GET Products(1)\nIf-Match: $1", "2: GET Products/$count", "GET Products(1)\nIf-Match: $2"], [404, (424, {"error": {"code": "failedDependency"}}), 424, 200, 400]),
    Batch("J 7.1", ['POST Orders {"Freight": 123456789012345.6789}', 'POST Products {"ID": 90, "UnitPrice": 1.10e1, "Name": "\\u0041\\n/ñ"}'], [(201, {"Freight": ...}), (201, {"UnitPrice": 11, "Name": "A\n/ñ"})],
          {"Orders?$filter=Freight eq 123456789012345.6789&$select=Freight": {"value": [{}]}}),
    Batch("J 4.5", ['POST Tags {"Name": "fresh", "Name": "other"}', "GET Tags('new')"], [(400, {"error": {"code": "duplicateMember"}}), 200], NO_TAG),
]


def check(spec: str, found: list[Got | list[Got]], wanted: list[Any], in_json: bool) -> None:
    assert len(found) == len(wanted), (spec, [shortened(each) for each in found])
    for got, want in zip(found, wanted, strict=True):
        if isinstance(want, Failed):
            if in_json:
                assert isinstance(got, list)
                assert [each.status for each in got] == [want.status if at == want.at else 424 for at in range(len(got))], spec
                got = got[want.at]
            assert isinstance(got, Got) and got.status == want.status, (spec, got)
            assert got.json["error"]["code"] == (want.code or got.json["error"]["code"])
        elif isinstance(want, list):
            assert isinstance(got, list), (spec, got)
            check(spec, list(got), want, in_json)
        else:
            assert isinstance(got, Got), (spec, got)
            status, body = want if isinstance(want, tuple) else (want, ...)
            assert got.status == status, (spec, got.status, shortened(got.body))
            assert not list(differing(got, body)), (spec, list(differing(got, body)))
            assert got.headers["odata-version"] in ("4.0", "4.01")


def differing(got: Got, body: Any) -> list[str]:
    if body is ...:
        return []
    if body is None:
        return ["there is a body"] if got.body else []
    if "json" in got.headers["content-type"]:
        return list(differences(body, got.json))
    text = got.text
    return list(differences(body, json.loads(text) if text.startswith('"') else text))


def check_stored(client: Client, stored: Mapping[str, Any]) -> None:
    for target, want in stored.items():
        answer = client.send("GET " + target)
        if isinstance(want, int):
            assert answer.status == want, target
        else:
            assert answer.status == 200 and not list(differences(want, answer.json)), (target, answer.text)


@pytest.mark.parametrize("case", SAME, ids=[f"{case.spec} {case.items}"[:90] for case in SAME])
@pytest.mark.parametrize("in_json", [False, True], ids=["multipart", "json"])
def test_same_in_both_formats(private: Private, case: Batch, in_json: bool) -> None:
    client = private("northwind")
    headers = {"Prefer": "continue-on-error"}
    answer = send_json(client, case.items, headers, case.depends) if in_json else send_multipart(client, case.items, headers)
    assert answer.headers["preference-applied"] == "continue-on-error"
    check(case.spec, answers(answer), case.wanted, in_json)
    check_stored(client, case.stored)

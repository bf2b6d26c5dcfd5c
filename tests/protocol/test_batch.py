"""`$batch` in both formats (Protocol §11.7; JSON Format §19; conformance rows P-11.7, J-19)."""

from __future__ import annotations

import gzip
import json
import re
import zlib
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
    Batch("P 11.7.6", ["1: GET Products(1)?$select=CategoryID,Name", "GET Products?$select=ID&$filter=CategoryID eq $1/CategoryID and ID le 2", "GET Products?$filter=Name%20eq%20%241/Name&$select=ID", "GET Products?$filter=Name eq '$1/Name'&$top=1"],
          [200, (200, {"value": [{"ID": 1}, {"ID": 2}]}), (200, {"value": [{"ID": 1}]}), (200, {"value": []})]),
    Batch("P 11.7.6", ["1: GET Orders(10253)", "GET Orders?$select=OrderID&$filter=OrderDate eq $1/OrderDate and RequiredDate eq $1/RequiredDate and Status eq $1/Status", "GET Orders/$count?$filter=OrderDate lt @d&@d=$1/OrderDate", "GET Customers($k)?$select=CustomerID&$filter=true"],
          [200, (200, {"value": [{"OrderID": 10253}]}), (200, re.compile("^[0-9]+$")), 400]),
    Batch("P 11.7.6", ["1: GET Reviews(1)/Scores", "2: GET Products(1)/Supplier/ID", "GET Reviews?$filter=Stars in $1&$select=ID&$top=2", "GET Suppliers?$filter=ID eq $2&$select=CompanyName", "GET Products(5)?$expand=Reviews($filter=Stars in $1;$select=ID)&$select=ID"],
          [200, 200, (200, {"value": [{"ID": 1}, {"ID": 3}]}), (200, {"value": [{"CompanyName": str}]}), 200]),
    Batch("P 11.7.6", ["it: GET Products(1)", "GET Products/$count?$filter=$it/ID eq 1", "1: GET Nothing", "GET Products?$filter=ID eq $1/ID", "2: GET Products(1)", "GET Products?$filter=ID eq $2", "GET Products?$filter=ID eq $9/ID"],
          [200, (200, "1"), 404, 424, 200, 400, 400]),
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
    Batch("P 8.2.6", ["GET Products(1)\nIsolation: snapshot"], [200]),
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
def test_same_in_both_formats(private: Private, clients: Clients, case: Batch, in_json: bool) -> None:
    client = private("northwind") if re.search("POST|PATCH|PUT|DELETE", str(case.items)) else clients["northwind"]
    headers = {"Prefer": "continue-on-error"}
    answer = send_json(client, case.items, headers, case.depends) if in_json else send_multipart(client, case.items, headers)
    assert answer.headers["preference-applied"] == "continue-on-error"
    check(case.spec, answers(answer), case.wanted, in_json)
    check_stored(client, case.stored)


# --- multipart: how it is written ------------------------------------------------------------------------

ONE = "GET Products(1)?$select=ID HTTP/1.1"
PART = f"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n{ONE}\r\n\r\n"
CREATE = 'POST Tags HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{"Name": "fresh"}'

READ = [
    ("RFC 2046", "multipart/mixed; boundary=b", f"--b\r\n{PART}\r\n--b--", [200]),
    ("RFC 2046: preamble and epilogue", "multipart/mixed; boundary=b", f"not a part\r\n--b\r\n{PART}\r\n--b--\r\nGroup ID: $auto\r\n--b\r\n{PART}", [200]),
    ("RFC 2046: an empty line first", "multipart/mixed;boundary=b", f"\r\n--b\r\n{PART}\r\n--b--", [200]),
    ("RFC 2046: blanks behind delimiters", "multipart/mixed; boundary=b", f"--b \t\r\n{PART}\r\n--b--  \r\n", [200]),
    ("RFC 2046: quoted boundary", 'multipart/mixed; boundary="a b:c"', f"--a b:c\r\n{PART}\r\n--a b:c--", [200]),
    ("RFC 2046: parameters before, name in capitals", "Multipart/Mixed; charset=UTF-8;BOUNDARY=b", f"--b\r\n{PART}\r\n--b--", [200]),
    ("RFC 2046: a boundary that begins like another", "multipart/mixed; boundary=b", f"--bc\r\n\r\n--b\r\n{PART}\r\n--bc\r\n--b--", [200]),
    ("bare LF", "multipart/mixed; boundary=b", f"--b\r\n{PART}\r\n--b--".replace("\r\n", "\n"), [200]),
    ("no blank behind colons", "multipart/mixed; boundary=b", f"--b\r\nContent-Type:application/http\r\nContent-Transfer-Encoding:binary\r\n\r\n{ONE}\r\nAccept:application/json\r\n\r\n\r\n--b--", [200]),
    ("blanks behind headers", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: application/http \r\ncontent-transfer-encoding: binary \r\n\r\n{ONE} \r\nAccept : application/json \r\n\r\n--b--", [200]),
    ("a header over two lines", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: application/http;\r\n\tmsgtype=request\r\n\r\n{ONE}\r\nAccept: text/plain,\r\n application/json\r\n\r\n--b--", [200]),
    ("a header with all of its value on the next line", "multipart/mixed; boundary=b", f"--b\r\nContent-Type:\r\n application/http\r\nContent-ID:\r\n 7\r\n\r\n{ONE}\r\n\r\n--b--", [200]),
    ("no Content-Transfer-Encoding, a version", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: application/http; version=1.1; msgtype=request\r\n\r\n{ONE}\r\n\r\n--b--", [200]),
    ("no headers at all", "multipart/mixed; boundary=b", f"--b\r\n\r\n{ONE}\r\n\r\n--b--", [200]),
    ("no HTTP version, no line end", "multipart/mixed; boundary=b", "--b\r\nContent-Type: application/http\r\n\r\nGET Products(1)\r\n--b--", [200]),
    ("empty lines before the request", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: application/http\r\n\r\n\r\n\r\n{ONE}\r\n\r\n--b--", [200]),
    ("empty lines behind the body", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: application/http\r\n\r\n{CREATE}\r\n\r\n\r\n--b--", [201]),
    ("Content-Length", "multipart/mixed; boundary=b", "--b\r\nContent-Type: application/http\r\n\r\n" + CREATE.replace("json\r\n", "json\r\nContent-Length: 17\r\n") + " and more\r\n--b--", [201]),
    ("a wrong Content-Length", "multipart/mixed; boundary=b", "--b\r\nContent-Type: application/http\r\n\r\n" + CREATE.replace("json\r\n", "json\r\nContent-Length: 99999\r\n") + "\r\n--b--", [201]),
    ("a Content-Length of many digits", "multipart/mixed; boundary=b", "--b\r\nContent-Type: application/http\r\n\r\n" + CREATE.replace("json\r\n", f"json\r\nContent-Length: {'9' * 5000}\r\n") + "\r\n--b--", [201]),
    ("Content-ID inside the request", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: application/http\r\n\r\n{CREATE.replace('json', 'json' + chr(13) + chr(10) + 'Content-Id: 7')}\r\n--b\r\nContent-Type: application/http\r\n\r\nGET $7 HTTP/1.1\r\n\r\n--b--", [201, 200]),
    ("P 11.7.7.1: a change set without parts", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b\r\n{PART}\r\n--b--", [[], 200]),
    ("P 11.7.7.1: a change set that starts with an empty line", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\n{CREATE}\r\n--c--\r\nepilogue\r\n--b--", [[201]]),
    ("P 11.7.7.1: one boundary begins like the other", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\nContent-Type: application/http\r\n\r\n{CREATE}\r\n--bb--\r\n--b\r\n{PART}\r\n--b--", [[201], 200]),
    ("P 11.7.7.1: no parts", "multipart/mixed; boundary=b", "--b--", []),
    # one part is wrong, the rest goes on
    ("P 11.7.7.1: a part of another type", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: text/plain\r\n\r\n{ONE}\r\n--b\r\n{PART}\r\n--b--", [400, 200]),
    ("P 11.7.7.1: no request line", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: application/http\r\n\r\n\r\n--b\r\nContent-Type: application/http\r\n\r\n200 OK\r\n--b\r\n{PART}\r\n--b--", [400, 400, 200]),
    ("P 11.7.7.1: a change set without boundary", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: multipart/mixed\r\n\r\n--c\r\n--b\r\n{PART}\r\n--b--", [400, 200]),
    ("P 11.7.7.1: a change set that is not closed", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\n{CREATE}\r\n--b\r\n{PART}\r\n--b--", [400, 200]),
    ("P 11.7.7.1: a change set in a change set", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n--d--\r\n--c--\r\n--b\r\n{PART}\r\n--b--", [400, 200]),
    ("P 11.7.7.1: a read in a change set", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\n{CREATE}\r\n--c\r\n{PART}\r\n--c--\r\n--b--", [400]),
    ("P 11.7.3: a Content-ID that is none", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: application/http\r\nContent-ID: a b\r\n\r\n{ONE}\r\n\r\n--b\r\n{PART}\r\n--b--", [400, 200]),
    ("P 11.7.3: a Content-ID used twice", "multipart/mixed; boundary=b", f"--b\r\nContent-ID: 1\r\n{PART}\r\n--b\r\nContent-ID: 1\r\n{PART}\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\n{CREATE}\r\n--c--\r\n--b--", [200, 400, 400]),
    ("a part with a coding that nobody knows", "multipart/mixed; boundary=b", f"--b\r\nContent-Type: application/http\r\n\r\n{CREATE.replace('json', 'json' + chr(13) + chr(10) + 'Content-Encoding: br')}\r\n--b--", [415]),
]


@pytest.mark.parametrize(("spec", "kind", "body", "wanted"), READ, ids=[row[0] for row in READ])
def test_multipart_as_clients_write_it(private: Private, clients: Clients, spec: str, kind: str, body: str, wanted: list[Any]) -> None:
    client = private("northwind") if "POST" in body else clients["northwind"]
    answer = client.send("POST $batch", {"Content-Type": kind, "Prefer": "continue-on-error=true"}, body.encode())
    assert statuses(answer_list(answer)) == wanted


def answer_list(answer: Any) -> list[Got | list[Got]]:
    return [] if answer.body.startswith(b"--batch") and answer.body.count(b"\r\n") == 1 else answers(answer)


def statuses(found: list[Got | list[Got]]) -> list[Any]:
    return [[each.status for each in one] if isinstance(one, list) else one.status for one in found]


def test_a_failed_change_set_leaves_nothing(private: Private) -> None:
    client = private("northwind")
    read_in_it = multipart([["POST Tags {\"Name\": \"fresh\"}", "GET Products(1)"]])
    assert statuses(answers(client.send("POST $batch", MULTIPART, read_in_it))) == [400]
    assert client.send("GET Tags('fresh')").status == 404


ENVELOPES = [
    # what keeps a batch from being taken apart at all: nothing of it is done (P 11.7.1)
    ("P 11.7.1", {"Content-Type": "multipart/mixed"}, b"--b--", 400),
    ("P 11.7.1", {"Content-Type": "multipart/mixed; boundary="}, b"--b--", 400),
    ("P 11.7.1", {"Content-Type": "text/plain"}, b"x", 415),
    ("P 11.7.1", {"Content-Type": "application/xml"}, b"<x/>", 415),
    ("P 11.7.1", {"Content-Type": "no media type"}, b"x", 415),
    ("P 11.7.1", {}, b"{}", 415),
    ("P 11.7.7.1", MULTIPART, b"", 400),
    ("P 11.7.7.1", MULTIPART, b"--c\r\n--c--", 400),
    ("P 11.7.7.1: not closed", MULTIPART, b"--b\r\nContent-Type: application/http\r\n\r\nPOST Tags HTTP/1.1\r\n\r\n{\"Name\": \"fresh\"}\r\n", 400),
    ("J 19.1", JSON, b"", 400), ("J 19.1", JSON, b"[]", 400), ("J 19.1", JSON, b"{}", 400), ("J 19.1", JSON, b'{"requests": {}}', 400), ("J 19.1", JSON, b'{"requests": [1]}', 400),
    ("J 19.1", JSON, b'{"requests": [{"id": "1", "method": "get", "url": "Tags"},]}', 400),
    ("J 19.1", JSON, b'{"requests": [{"method": "get", "url": "Tags"}]}', 400),
    ("J 19.1", JSON, b'{"requests": [{"id": 1, "method": "get", "url": "Tags"}]}', 400),
    ("J 19.1", JSON, b'{"requests": [{"id": "a b", "method": "get", "url": "Tags"}]}', 400),
    ("J 19.1: an id twice", JSON, b'{"requests": [{"id": "1", "method": "get", "url": "Tags"}, {"id": "1", "method": "get", "url": "Tags"}]}', 400),
    ("J 19.1: an id like a group", JSON, b'{"requests": [{"id": "1", "atomicityGroup": "g", "method": "get", "url": "Tags"}, {"id": "g", "method": "get", "url": "Tags"}]}', 400),
    ("J 19.1: a group like an id", JSON, b'{"requests": [{"id": "1", "atomicityGroup": "1", "method": "get", "url": "Tags"}]}', 400),
    ("J 19.1: a group in two pieces", JSON, b'{"requests": [{"id": "1", "atomicityGroup": "g", "method": "get", "url": "Tags"}, {"id": "2", "method": "get", "url": "Tags"}, {"id": "3", "atomicityGroup": "g", "method": "get", "url": "Tags"}]}', 400),
    ("J 19.1: depends on later", JSON, b'{"requests": [{"id": "1", "dependsOn": ["2"], "method": "get", "url": "Tags"}, {"id": "2", "method": "get", "url": "Tags"}]}', 400),
    ("J 19.1: depends on itself", JSON, b'{"requests": [{"id": "1", "dependsOn": ["1"], "method": "get", "url": "Tags"}]}', 400),
    ("J 19.1: depends on text", JSON, b'{"requests": [{"id": "1", "dependsOn": "2", "method": "get", "url": "Tags"}]}', 400),
    ("RFC 8259", {"Content-Type": "application/json;charset=latin-9"}, b"{}", 415),
    ("P 8.2.4", {**MULTIPART, "If-Match": "*"}, multipart([TAG]), 400), ("P 8.2.5", {**MULTIPART, "If-None-Match": "*"}, multipart([TAG]), 400),
    ("P 8.2.7", {**MULTIPART, "OData-MaxVersion": "3.0"}, multipart([TAG]), 400),
    ("P 8.2.1", {**MULTIPART, "Accept": "text/html"}, multipart([TAG]), 406), ("P 8.2.1", {**JSON, "Accept": "application/xml"}, b'{"requests": []}', 406),
]


@pytest.mark.parametrize(("spec", "headers", "body", "status"), ENVELOPES, ids=[f"{row[0]} {row[2][:60]!r}" for row in ENVELOPES])
def test_envelope_that_is_refused(clients: Clients, spec: str, headers: dict[str, str], body: bytes, status: int) -> None:
    client = clients["northwind"]
    answer = client.send("POST $batch", headers, body)
    assert answer.status == status and answer.json["error"]["message"]
    assert client.send("GET Tags('fresh')").status == 404


METHODS = [("GET", 405), ("PUT", 405), ("PATCH", 405), ("DELETE", 405), ("HEAD", 200), ("HEAD $batch/", 200)]


@pytest.mark.parametrize(("line", "status"), METHODS)
def test_method_of_the_batch(clients: Clients, line: str, status: int) -> None:
    """P 11.7; HEAD is how some clients look for a token."""
    answer = clients["northwind"].send(line if " " in line else f"{line} $batch")
    assert answer.status == status and not (line.startswith("HEAD") and answer.body)
    assert status == 200 or answer.headers["allow"].startswith("POST")


# --- JSON: what only it has ------------------------------------------------------------------------------

@dataclass(frozen=True)
class Requests:
    """A JSON batch: its requests, the status of each answer by id, and headers of the batch."""

    spec: str
    requests: list[dict[str, Any]]
    wanted: dict[str, Any]
    sent: Mapping[str, str] = field(default_factory=dict)


def get(id: str, url: str = "Products(1)", **more: Any) -> dict[str, Any]:
    return {"id": id, "method": "get", "url": url, **more}


def tag(id: str, name: str = "fresh", **more: Any) -> dict[str, Any]:
    return {"id": id, "method": "post", "url": "Tags", "body": {"Name": name}, **more}


IN_JSON = [
    Requests("J 19.1", [], {}),
    Requests("J 19.1: members nobody knows", [get("1", depends_on=[], note=None, headers={"accept": "application/json"}, body=None)], {"1": 200}),
    Requests("J 19.1: header names in any case", [tag("1", headers={"Content-Type": "application/json", "PREFER": "return=minimal"})], {"1": 204}),
    Requests("J 19.1: no content type", [tag("1", headers={"accept": "application/json"}), tag("2", "b", headers=None)], {"1": 201, "2": 201}),
    Requests("J 19.1: a JSON string as body", [{"id": "1", "method": "put", "url": "Products(1)/Name", "body": {"value": "x"}}, {"id": "2", "method": "PUT", "url": "Products(1)/Name/$value", "headers": {"content-type": "text/plain"}, "body": "y"}], {"1": 204, "2": 204}),
    Requests("J 19.1: base64url", [{"id": "1", "method": "put", "url": "Categories(1)/Picture/$value", "headers": {"content-type": "application/octet-stream"}, "body": "_-8"}, get("2", "Categories(1)/Picture/$value")],
             {"1": 204, "2": (200, "_-8=")}),
    Requests("J 19.1: wrong requests are answered", [{"id": "1", "url": "Tags"}, {"id": "2", "method": "get"}, {"id": "3", "method": "get", "url": 5}, get("4", headers=[]), get("5", headers={"accept": 1}), get("6", **{"if": 1}),
                                                     tag("7", headers={"content-type": "text/plain"}), tag("8", headers={"content-type": "image/png"}) | {"body": "%%%"}, get("9")],
             {**{str(number): (400, {"error": {"code": "invalidPart"}}) for number in range(1, 9)}, "9": 200}),
    Requests("J 19.1: numbers that no double holds", [tag("1", x=10**400), tag("2", "b") | {"body": {"Name": "b", "Color": 10**4000}}, get("3")], {"1": 201, "2": 400, "3": 200}),
    # dependencies
    Requests("J 19.1", [get("1", "Nothing"), get("2", dependsOn=["1"]), get("3", dependsOn=["2"]), get("4", dependsOn=[]), get("5", dependsOn=["4"])],
             {"1": 404, "2": (424, {"error": {"code": "failedDependency"}}), "3": 424, "4": 200, "5": 200}),
    Requests("J 19.1: not changed is no success", [get("1"), get("2", headers={"if-none-match": "*"}), get("3", dependsOn=["1", "2"])], {"1": 200, "2": 304, "3": 424}),
    Requests("J 19.1: on a group", [tag("1", atomicityGroup="g"), tag("2", "b", atomicityGroup="g"), get("3", "Tags('b')", dependsOn=["g"])], {"1": 201, "2": 201, "3": 200}),
    Requests("J 19.1: on a group that fails", [tag("1", atomicityGroup="g"), get("2", "Nothing", atomicityGroup="g"), get("3", dependsOn=["g"]), get("4", "Tags('fresh')")], {"1": 424, "2": 404, "3": 424, "4": 404}),
    Requests("J 19.1: the whole group", [get("1", "Nothing"), tag("2", atomicityGroup="g"), tag("3", "b", atomicityGroup="g", dependsOn=["1"]), get("4", "Tags('fresh')")], {"1": 404, "2": 424, "3": 424, "4": 404}),
    Requests("J 19.1: within a group", [tag("1", atomicityGroup="g"), {"id": "2", "atomicityGroup": "g", "dependsOn": ["1"], "method": "patch", "url": "$1", "body": {"Color": "#000000"}}, get("3", "$1/Color", dependsOn=["g"])],
             {"1": 201, "2": 204, "3": (200, {"value": "#000000"})}),
    Requests("J 19.1: a read in a group sees its writes", [tag("1", atomicityGroup="g"), get("2", "Tags?$filter=Name eq 'fresh'&$top=5000", atomicityGroup="g")], {"1": 201, "2": (200, {"value": [{}]})}),
    # continue-on-error
    Requests("J 19.4", [get("1", "Nothing"), get("2")], {"1": 404, "2": 200}),
    Requests("J 19.4", [get("1", "Nothing"), get("2")], {"1": 404, "2": 200}, {"Prefer": "odata.continue-on-error"}),
    Requests("J 19.4", [get("0"), get("1", "Nothing"), get("2")], {"0": 200, "1": 404}, {"Prefer": "continue-on-error=false"}),
    Requests("J 19.4", [tag("1", atomicityGroup="g"), tag("2", atomicityGroup="g"), get("3")], {"1": 424, "2": 409}, {"Prefer": "continue-on-error=false"}),
    # conditions
    Requests("J 19.1: if", [get("1"), get("2", "Nothing"), get("3", "Products(1)", dependsOn=["2"], **{"if": "not $2/$succeeded"}), get("4", dependsOn=["1", "2"], **{"if": "$1/$succeeded and $2/$succeeded"}), get("5", **{"if": "$1/Name eq 'Chai'"})],
             {"1": 200, "2": 404, "3": 200, "4": (424, {"error": {"code": "failedDependency", "target": "if"}}), "5": 200}),
    Requests("J 19.1: if", [get("1"), get("2", "Products/$count"), get("3", "Products(1)/Name"),
                            get("a", **{"if": "$1/UnitPrice gt 17.5 and $1/UnitPrice lt 1e3 and $1/Weight ne null"}), get("b", **{"if": "$2 eq 16 and $2 mod 2 eq 0"}), get("c", **{"if": "$3 eq 'Chai' or false"}),
                            get("d", **{"if": "startswith(tolower($3),'ch') and length($3) eq 4"}), get("e", **{"if": "$1/Dimensions/Width in (9,10,11)"}), get("f", **{"if": "$3 eq '$1/$succeeded'"}), get("g", **{"if": "$1/Nothing eq null"}), get("h", **{"if": "$1/Nothing gt 1"}),
                            get("i", **{"if": "$9/$succeeded"}), get("j", **{"if": "Name eq 'Chai'"}), get("k", **{"if": "$1/$succeeded and"}), get("l", **{"if": "$3 gt 5"}), get("m", **{"if": "$1/UnitPrice div 0 gt 5"}), get("n", **{"if": "-(1) lt 0"})],
             {"1": 200, "2": 200, "3": 200, **dict.fromkeys("abcdegn", 200), **dict.fromkeys("fhijklm", 424)}),
    Requests("J 19.1: if, with every function", [get("1", "Orders(10253)"), get("2", "Categories(1)/Products"), get("3", "Employees(1)"), get("4", "Products(1)"),
                                                 get("a", **{"if": "year($1/OrderDate) eq 2024 and $1/OrderDate gt 2024-01-01T00:00:00Z"}), get("b", **{"if": "$2/$count eq 4 and $2/value/$count eq 4 and $2/0/ID eq 1"}),
                                                 get("c", **{"if": "round($4/UnitPrice) eq 18 and concat($4/Name,'!') eq 'Chai!'"}), get("d", **{"if": "$3/ShiftLength eq duration'PT8H' and $3/BirthDate lt 2000-01-01"}),
                                                 get("e", **{"if": "$4/Dimensions/Width add 1 gt 1 or false"}), get("f", **{"if": "matchesPattern($4/Name,'^C')"}), get("g", **{"if": "cast($4/ID,Edm.String) eq '1'"}),
                                                 get("h", **{"if": "$root/Products(1)/Name eq 'Chai'"}), get("i", **{"if": "$4 eq 1"}), get("j", **{"if": "$4/Name"}),
                                                 get("k", **{"if": f"$2/{'9' * 5000}/ID eq null"})],
             {**dict.fromkeys("1234abcdefgk", 200), **dict.fromkeys("hij", 424)}),
    Requests("J 19.1: if in a group", [get("1", "Nothing"), tag("2", atomicityGroup="g"), tag("3", "b", atomicityGroup="g", **{"if": "$1/$succeeded"}), get("4", "Tags('fresh')")], {"1": 404, "2": 424, "3": 424, "4": 404}),
    # answers
    Requests("J 19.5", [get("1", "Products/$count"), get("2", "$metadata"), get("3", "Categories(1)/Picture/$value"), get("4", "Products(1)/Name/$value"), {"id": "5", "method": "delete", "url": "Tags('new')"}],
             {"1": (200, "16"), "2": (200, re.compile("^<")), "3": (200, "AAECAwQFBgcICQoLDA0ODw=="), "4": (200, "Chai"), "5": (204, None)}),
    # headers of the batch
    Requests("P 11.7: inherited", [get("1", "Products(1)?$select=ID"), get("2", "Products(1)?$select=ID", headers={"accept": "application/json;odata.metadata=none"}), get("3", "Products(1)?$select=ID", headers={"odata-maxversion": "4.0"})],
             {"1": (200, {"@context": str}), "2": (200, {"ID": 1}), "3": (200, {"@odata.context": str})}, {"OData-MaxVersion": "4.01", "Accept": "application/json;metadata=minimal"}),
    Requests("P 8.2.8: not inherited", [tag("1"), get("2", "Products")], {"1": 201, "2": (200, {"value": [{}] * 16})}, {"Prefer": "return=minimal, maxpagesize=2"}),
    Requests("P 8.2.8.6: of one part", [get("1", "Products", headers={"prefer": "maxpagesize=2"})], {"1": (200, {"value": [{}, {}], "@odata.nextLink": str})}),
    Requests("P 11.7.7.6: async is for the whole", [tag("1", atomicityGroup="g", headers={"prefer": "respond-async, return=minimal"})], {"1": 204}),
]


@pytest.mark.parametrize("case", IN_JSON, ids=[f"{case.spec} {case.requests}"[:90] for case in IN_JSON])
def test_json(private: Private, clients: Clients, case: Requests) -> None:
    changes = any(request.get("method") != "get" for request in case.requests)
    client = private("northwind") if changes else clients["northwind"]
    answer = client.send("POST $batch", {**JSON, **case.sent}, json.dumps({"requests": case.requests}).encode())
    found = {each.id: each for one in answers(answer) for each in (one if isinstance(one, list) else [one])}
    assert set(found) == set(case.wanted)
    groups = {request["id"]: request.get("atomicityGroup") for request in case.requests}
    for id, want in case.wanted.items():
        status, body = want if isinstance(want, tuple) else (want, ...)
        assert id is not None and found[id].status == status, (id, found[id])
        assert not differing(found[id], body), (id, found[id])
        assert found[id].group == groups[id]


RAW = [
    # the body of a part stands as it was written, whatever is around it
    ('{"requests":[{"id":"1","method":"post","url":"Orders","body":{"Freight":123456789012345.6789}}]}', 201),
    (' { "note" : [ {"requests": 1} ] , "requests" : [ { "body" : { "Name" : "a" , "Color" : null } , "id" : "1" , "url" : "Tags" , "method" : "post" } ] } ', 201),
    ('{"requests":[{"id":"1","method":"post","url":"Tags","body":{"Name":"}]\\"{"}},{"id":"2","method":"get","url":"Tags"}]}', 201),
    ('{"requests":[{"id":"1","method":"post","url":"Tags","body":{"Name":"a"},"body":{"Name":"b"}}]}', 201),
    ('{"requests":[],"requests":[{"id":"1","method":"post","url":"Tags","body":{"Name":"\\ud83d\\ude00"}}]}', 201),
    ('{"requests":[{"id":"1","method":"post","url":"Tags","body":[]}]}', 400),
    ('{"requests":[{"id":"1","method":"post","url":"Tags","body":7}]}', 400),
    ('{"requests":[{"id":"1","method":"put","url":"Products(1)/UnitsInStock","body":{"value":12345678901234567890123}}]}', 400),
]


@pytest.mark.parametrize(("text", "status"), RAW)
def test_body_of_a_json_part(private: Private, text: str, status: int) -> None:
    client = private("northwind")
    for encoding in ("utf-8", "utf-16") if text.count('"requests"') == text.count('"body"') == 1 else ("utf-8",):
        kind = "application/json" if encoding == "utf-8" else f"application/json;charset={encoding}"
        answer = client.send("POST $batch", {"Content-Type": kind}, text.encode(encoding))
        first = answers(answer)[0]
        assert isinstance(first, Got) and first.status in (status, 409), first


def test_digits_of_a_decimal(private: Private) -> None:
    """J 7.1: no digit is lost between the envelope and the store."""
    client = private("types")
    exact = "123456789012345678.0123456789"
    body = f'{{"requests": [{{"id": "1", "method": "post", "url": "FacetedSet", "body": {{"ID": 700, "Decimal28s10": {exact}}}}}]}}'
    sets = [each["name"] for each in client.get("")["value"]]
    name = next(each for each in sets if each.lower().startswith("facet"))
    assert statuses(answers(client.send("POST $batch", JSON, body.replace("FacetedSet", name).encode()))) == [201]
    assert exact in client.send(f"GET {name}(700)").text


# --- crossed formats -------------------------------------------------------------------------------------

MIXED, PLAIN = "multipart/mixed", "application/json"
ACCEPTED = [
    # form of the request, Accept, further headers -> form of the answer
    (MIXED, None, {}, MIXED), (MIXED, "*/*", {}, MIXED), (MIXED, "multipart/mixed", {}, MIXED), (MIXED, "multipart/*", {}, MIXED),
    (MIXED, "application/json", {}, MIXED), (MIXED, "application/json, text/javascript, */*; q=0.01", {}, MIXED),
    (MIXED, "application/json", {"OData-MaxVersion": "4.01"}, PLAIN), (MIXED, "application/json;odata.metadata=minimal", {"OData-MaxVersion": "4.01"}, PLAIN),
    (MIXED, "application/json, */*;q=0.1", {"OData-MaxVersion": "4.01"}, MIXED), (MIXED, "application/json, multipart/mixed;q=0", {"OData-MaxVersion": "4.01"}, PLAIN),
    (PLAIN, None, {}, PLAIN), (PLAIN, "*/*", {}, PLAIN), (PLAIN, "application/json", {}, PLAIN), (PLAIN, "application/*;q=0.5, text/plain", {}, PLAIN),
    (PLAIN, "multipart/mixed", {}, MIXED), (PLAIN, "multipart/mixed, application/json;q=0.2", {}, PLAIN),
]


@pytest.mark.parametrize(("sent", "accept", "headers", "form"), ACCEPTED)
def test_form_of_the_answer(clients: Clients, sent: str, accept: str | None, headers: dict[str, str], form: str) -> None:
    """P 11.7.1; a client of 4.0 means the parts by `Accept: application/json`."""
    headers = {**headers, **({"Accept": accept} if accept else {})}
    items = ["1: GET Products(1)?$select=Name", "2: GET Nothing", "3: GET Products/$count"]
    send = send_multipart if sent == MIXED else send_json
    answer = send(clients["northwind"], items, {**headers, "Prefer": "continue-on-error"})
    assert answer.headers["content-type"].startswith(form)
    found = answers(answer)
    assert statuses(found) == [200, 404, 200] and [each.id for each in found if isinstance(each, Got)] == ["1", "2", "3"]


def test_crossed_change_sets(private: Private) -> None:
    """J 19.5, P 11.7.7.5: a change set gets a group of its own; every request of a group a part of its own."""
    items = ["a: GET Products(1)", ['b: POST Tags {"Name": "b"}', 'c: POST Tags {"Name": "c"}'], ['d: POST Tags {"Name": "b"}', 'e: POST Tags {"Name": "e"}'], ['f: POST Tags {"Name": "f"}']]
    as_json = answers(send_multipart(private("northwind"), items, {"Accept": "application/json", "OData-MaxVersion": "4.01", "Prefer": "continue-on-error"}))
    assert statuses(as_json) == [200, [201, 201], 409, [201]]
    groups = [each[0].group for each in as_json if isinstance(each, list)]
    assert len(set(groups)) == 2 and None not in groups
    as_parts = answers(send_json(private("northwind"), items, {"Accept": "multipart/mixed"}))
    assert statuses(as_parts) == [200, 201, 201, 409, 424, 201]
    assert [each.id for each in as_parts if isinstance(each, Got)] == list("abcdef")


def test_strict_negotiation(clients: Clients) -> None:
    answer = send_multipart(clients.of("northwind", strict=True), ["GET Products(1)"], {"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/json" and isinstance(answer.json["responses"][0]["id"], str)


def test_strict_parts(clients: Clients) -> None:
    """P 11.7.7.1: a Content-ID in change sets, and no credentials in parts; both let pass elsewhere."""
    strict, items = clients.of("northwind", strict=True), [["1: DELETE Tags('nope')", "DELETE Tags('nope')"]]
    assert statuses(answers(send_multipart(strict, items))) == [400]
    assert statuses(answers(send_multipart(clients["northwind"], items))) == [404]
    secret = ["GET Products(1)\nAuthorization: Basic x"]
    assert statuses(answers(send_multipart(strict, secret))) == [400]
    assert statuses(answers(send_multipart(clients["northwind"], secret))) == [200]


@pytest.mark.parametrize(("coding", "packed", "status"), [
    ("gzip", gzip.compress, 201), ("X-GZIP", gzip.compress, 201), ("deflate", zlib.compress, 201), ("identity", bytes, 201),
    ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data)), 201), ("gzip", bytes, 400), ("br", bytes, 415)])
def test_a_part_in_a_coding(private: Private, coding: str, packed: Any, status: int) -> None:
    """P 11.7, RFC 9110 §8.4: in both formats."""
    client = private("northwind")
    body = packed(b'{"Name": "fresh"}')
    head = f"Content-Type: application/http\r\n\r\nPOST Tags HTTP/1.1\r\nContent-Type: application/json\r\nContent-Encoding: {coding}\r\n"
    part = head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    assert statuses(answers(send_multipart(client, [part]))) == [status]
    assert client.send("GET Tags('fresh')").status == (200 if status == 201 else 404)


def test_a_coding_that_is_not_known(private: Private) -> None:
    """RFC 9110 §12.5.3, §15.5.16: the answer names those that are."""
    client = private("northwind")
    for target in ("Tags", "$batch"):
        answer = client.through_wsgi("POST", target, {"Content-Type": "application/json", "Content-Encoding": "zstd"}, b"{}")
        assert answer.status == 415 and answer.headers["accept-encoding"] == "gzip, deflate"
        assert answer.json["error"]["target"] == "Content-Encoding"


# --- stopping, and where the service lives ---------------------------------------------------------------

STOPS = [
    ({}, ["GET Products(1)", "GET Nothing", TAG], [200, 404], 404), ({}, [["DELETE Tags('nope')"], TAG], [404], 404), ({}, ["GET Products(1)\nIf-None-Match: *", TAG], [304, 201], 200),
    ({"Prefer": "continue-on-error"}, ["GET Nothing", TAG], [404, 201], 200), ({"Prefer": "odata.continue-on-error=true"}, ["GET Nothing", TAG], [404, 201], 200),
    ({"Prefer": "continue-on-error=false"}, ["GET Nothing", TAG], [404], 404), ({"Prefer": "return=minimal"}, ["GET Products(1)", "GET Products(999)", "GET Products(2)", TAG], [200, 404], 404),
]


@pytest.mark.parametrize(("headers", "items", "wanted", "stored"), STOPS)
def test_stops_at_the_first_error(private: Private, headers: dict[str, str], items: list[Any], wanted: list[int], stored: int) -> None:
    """P 11.7.7.4: a multipart batch ends with the error unless the client prefers to go on."""
    client = private("northwind")
    for _ in range(2):          # the second time from the caches
        assert statuses(answers(send_multipart(client, [each for each in items if each != TAG] + ([TAG] if items[-1] == TAG else []), headers))) in (
            wanted, [*wanted[:-1], 409])
    assert client.send("GET Tags('fresh')").status == stored


BELOW = "http://service.example/api/odata/"
PLACES = [
    ("Products(1)", 200), ("/Products(1)", 200), ("/api/odata/Products(1)", 200), (BELOW + "Products(1)", 200), ("http://service.example/api/odata", 200), ("/api/odata", 200), ("./Products(1)", 200), ("../odata/Products(1)", 200),
    ("/api/Products(1)", 404), ("http://service.example/Products(1)", 400), ("http://service.example/api/odataX/Products(1)", 400), ("../Products(1)", 400), ("//service.example/api/odata/Products(1)", 404),
]


@pytest.mark.parametrize(("url", "status"), PLACES)
def test_urls_below_a_root_path(clients: Clients, url: str, status: int) -> None:
    """P 11.7.7.1, J 19.1: absolute, rooted, relative to the batch, and with a leading slash relative to the service."""
    service = clients["northwind"].service
    for kind, body in ((MULTIPART, multipart([f"GET {url}"])), (JSON, json.dumps({"requests": [get("1", url)]}).encode())):
        headers = {name.lower(): value for name, value in kind.items()}
        response = service.handle(Request("POST", "$batch", "", headers, BytesIO(body), BELOW))
        text = response.read().decode()
        assert (f"HTTP/1.1 {status} " in text or f'"status":{status}' in text), text
        assert status != 200 or BELOW + "$metadata" in text


def test_authorization_is_that_of_the_batch(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """P 11.7.7.1: parts carry none; one that they carry all the same is not looked at."""
    service = clients["northwind"].service
    seen: list[str | None] = []
    respond = service.respond

    def noted(request: Request, *rest: Any) -> Any:
        seen.append(request.header("authorization"))
        return respond(request, *rest)
    monkeypatch.setattr(service, "respond", noted)
    send_multipart(clients["northwind"], ["GET Products?$top=1\nAuthorization: Bearer other"], {"Authorization": "Bearer mine"})
    assert seen == ["Bearer mine", None]


# --- limits and large bodies -----------------------------------------------------------------------------

def test_limits(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "MAX_PARTS", 3)
    client = clients["northwind"]
    for send in (send_multipart, send_json):
        assert send(client, ["GET Tags"] * 3).status == 200
        for items in (["GET Tags"] * 4, [[TAG] * 2, [TAG] * 2]):
            answer = send(client, items)
            assert answer.status == 400 and answer.json["error"]["code"] == "limitExceeded" and "3" in answer.json["error"]["message"]
    small = clients.of("northwind", max_body=300)
    assert send_multipart(small, ["GET Tags"]).status == 200
    assert [send(small, [TAG] * 9).status for send in (send_multipart, send_json)] == [413, 413]


def test_large_bodies(private: Private, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large parts stay out of memory on the way in (a mapped file) and on the way out (a file a part)."""
    client = private("workshop")
    monkeypatch.setattr(carried_out, "SPOOL", 1000)
    large = bytes(range(256)) * 800
    put = (b"Content-Type: application/http\r\n\r\nPUT Drawings(1)/$value HTTP/1.1\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % len(large)) + large
    assert statuses(answers(client.send("POST $batch", MULTIPART, multipart([put, 'PATCH Drawings(1) {"Title": "large"}'])))) == [204, 204]
    as_parts = answers(send_multipart(client, ["GET Drawings(1)/$value", "GET Drawings(1)"]))
    assert isinstance(as_parts[0], Got) and as_parts[0].body == large and statuses(as_parts) == [200, 200]
    as_json = answers(send_json(client, ["GET Drawings(1)/$value", "GET Drawings(1)"]))
    assert isinstance(as_json[0], Got) and urlsafe_b64decode(as_json[0].body) == large


def test_streamed_collections(private: Private, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part whose answer would be streamed gives its connection back before the next one begins."""
    client = private("industryData", page_size=0)
    alone = client.send("GET incomingFlowRuns?$top=3000").json["value"]
    monkeypatch.setattr(carried_out, "SPOOL", 1000)
    for send in (send_multipart, send_json):
        found = answers(send(client, ["GET incomingFlowRuns"] * 12))
        assert statuses(found) == [200] * 12
        assert all(isinstance(each, Got) and [one["id"] for one in each.json["value"]] == [one["id"] for one in alone] for each in found)


# --- one transaction -------------------------------------------------------------------------------------

GROUP = [['1: POST Categories {"Name": "Toys"}', '2: POST $1/Products {"ID": 90, "Name": "Top", "Tags@odata.bind": ["Tags(\'new\')"]}', 'PATCH Products(1) {"Name": "Tea"}',
          "DELETE Orders(10249)", "POST Products(2)/Northwind.Model.Discontinue", "PUT Words('alpha')/save {\"value\": \"later\"}"]]


class Broken(Exception):
    """A store that fails."""


@pytest.mark.parametrize("send", [send_multipart, send_json])
def test_a_fault_at_any_statement_leaves_nothing(private: Private, send: Callable[..., Any]) -> None:
    """P 11.7.7.4: all of the change set or nothing, wherever it breaks."""
    client = private("northwind")
    store = client.service.store
    targets = ["Categories", "Products?$expand=Tags", "Orders", "OrderDetails", "Words"]
    before = [client.get(target) for target in targets]
    for number in range(200):
        left = [number]

        def fail(text: str) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Broken(text)
        store.on_statement = fail
        found = answers(send(client, GROUP))
        store.on_statement = None
        if left[0] >= 0:
            break
        one = found[0] if isinstance(found[0], Got) else next(each for each in found[0] if each.status != 424)
        assert one.status == 500 and "Broken" not in one.text
        assert [client.get(target) for target in targets] == before, number
    assert number > 15 and statuses(found) == [[201, 201, 204, 204, 200, 204]]


def test_a_group_that_lost_begins_again(private: Private) -> None:
    client = private("northwind")
    store = client.service.store
    losses = [2]

    def lose(text: str) -> None:
        if text.startswith("UPDATE") and losses[0]:
            losses[0] -= 1
            raise Retry()
    store.on_statement = lose
    try:
        assert statuses(answers(send_multipart(client, GROUP))) == [[201, 201, 204, 204, 200, 204]]
    finally:
        store.on_statement = None
    assert losses == [0] and client.get("Products(90)/Category")["Name"] == "Toys"


def test_many_creates_in_one_change_set(private: Private) -> None:
    client = private("northwind")
    items = [[f'{number}: POST Tags {{"Name": "tag {number}"}}' for number in range(300)]]
    found = answers(send_multipart(client, items))
    assert statuses(found) == [[201] * 300] and [each.id for each in found[0]] == [str(number) for number in range(300)]  # type: ignore[union-attr]
    assert client.send("GET Tags/$count").text == "308"
    assert statuses(answers(send_multipart(client, [[*items[0][:1]]]))) == [409]


def test_reads_of_one_shape_are_one_statement(clients: Clients) -> None:
    """DESIGN §12 k; every answer is the one that the request alone would get."""
    client = clients["northwind"]
    targets = [f"Products({number})" for number in (3, 1, 2, 99, 1)] + [f"OrderDetails(OrderID=10251,ProductID={number})" for number in (10, 15, 5)] + [
        f"Products({number})?$select=Name" for number in (1, 2)] + ["Words('alpha')", "Words('beta')", "Suppliers(fb3a51bb-6407-5375-a85c-496cc66652be)", "Suppliers(FB3A51BB-6407-5375-A85C-496CC66652BE)"]
    alone = [client.send(f"GET {target}") for target in targets]
    for _ in range(2):
        with client.statements() as statements:
            found = answers(send_json(client, [f"GET {target}" for target in targets]))
    assert len(statements) == 6         # one a shape, and one for the product that is not there
    for got, one in zip(found, alone, strict=True):
        assert isinstance(got, Got) and got.status == one.status
        assert got.status != 200 or (got.json == one.json and got.headers["etag"] == one.headers["etag"] and got.headers["content-type"] == one.headers["content-type"])
    again = answers(send_json(client, [f"GET {target}" for target in targets], {"OData-MaxVersion": "4.01"}))
    assert {each.headers["odata-version"] for each in again if isinstance(each, Got)} == {"4.01"}


@pytest.mark.parametrize("model", ["industryData", "industryData-beta"])
def test_said_in_the_metadata(clients: Clients, model: str) -> None:
    """V: Capabilities.BatchSupport."""
    text = clients[model].send("GET $metadata", {"Accept": "application/json"}).text
    assert '"@Capabilities.BatchSupport":' in text and '"RequestDependencyConditionsSupported":true' in text.replace(" ", "")

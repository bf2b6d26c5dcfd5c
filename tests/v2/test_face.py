"""The V2 face over the WSGI application: OData 2.0, protocol and JSON format."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from lxml import etree

from app.errors import ConfigurationError
from tests.protocol.conftest import files
from tests.protocol.exchange import ROOT, Answer, Client, differences

V2 = ROOT + "v2/"
JSON = "application/json;charset=utf-8"
EDM = "{http://schemas.microsoft.com/ado/2008/09/edm}"
CHANGES = """--b
Content-Type: multipart/mixed; boundary=c

--c
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

POST Products HTTP/1.1
Content-Type: application/json

{"ID":701,"Name":"a","ReleaseDate":"/Date(1000)/","UnitPrice":"1.5"}
--c
Content-Type: application/http
Content-Transfer-Encoding: binary

MERGE $1 HTTP/1.1
Content-Type: application/json

{"Name":"b"}
--c
Content-Type: application/http
Content-Transfer-Encoding: binary

MERGE Products(%s) HTTP/1.1
Content-Type: application/json

{"Name":"c"}
--c--
--b
Content-Type: application/http
Content-Transfer-Encoding: binary

GET Products(1)?$select=ID HTTP/1.1

--b--
"""


def ask(client: Client, line: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
    method, _, target = line.partition(" ")
    data = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    kind = {"Content-Type": "application/json"} if body is not None else {}
    return client.through_wsgi(method, target, {**kind, **(headers or {})}, data)


def same(expected: Any, actual: Any) -> None:
    assert not list(differences(expected, actual, "body"))


READS = [
    ("GET v2", {"d": {"EntitySets": list}}),
    ("GET v2/Products(1)", {"d": {"__metadata": {"uri": f"{V2}Products(1)", "type": "Northwind.Model.Product", "etag": re.compile('^W/"')},
                                  "ID": 1, "UnitPrice": "18", "Category": {"__deferred": {"uri": f"{V2}Products(1)/Category"}}}}),
    ("GET v2/Products?$top=1&$select=ID&$inlinecount=allpages", {"d": {"results": [{"ID": 1}], "__count": "16"}}),
    ("GET v2/Products(1)/Name/", {"d": {"Name": "Chai"}}),
    ("GET v2/Products(1)/Category", {"d": {"__metadata": {"type": "Northwind.Model.Category"}, "ID": 1}}),
    ("GET v2/Products?$expand=Category&$top=1&$select=ID,Category/Name", {"d": {"results": [{"Category": {"Name": "Beverages"}}]}}),
    ("GET v2/Categories(1)?$expand=Products", {"d": {"Products": {"results": list}}}),
    ("GET v2/Categories(1)/$links/Products", {"d": {"results": list}}),
    ("GET v2/Products(1)/$links/Category", {"d": {"uri": f"{V2}Categories(1)"}}),
    ("GET v2/Products?$filter=substringof('hai',Name)%20eq%20true&$select=ID", {"d": {"results": [{"ID": 1}]}}),
]


@pytest.mark.parametrize(("line", "expected"), READS, ids=[line for line, _ in READS])
def test_reads(clients: Any, line: str, expected: Any) -> None:
    answer = ask(clients["northwind"], line)
    assert (answer.status, answer.headers["content-type"], answer.headers["dataserviceversion"]) == (200, JSON, "2.0")
    assert "odata-version" not in answer.headers
    same(expected, answer.json)


@pytest.mark.parametrize(("line", "headers", "status", "code"), [
    ("GET v2/Products(4711)", {}, 404, "notFound"), ("GET v2/Nope", {}, 404, "unknownResource"), ("GET v2/Company", {}, 404, "unknownResource"),
    ("GET v2/Products?$filter=Nope%20eq%201", {}, 400, "unknownProperty"), ("GET v2/Products?$search=a", {}, 400, "unknownOption"),
    ("GET v2/Products?$format=csv", {}, 406, "notAcceptable"), ("GET v2/Products", {"Accept": "text/csv"}, 406, "notAcceptable"),
    ("GET v2/Products", {"DataServiceVersion": "3.0"}, 400, "unsupportedVersion"),
    (f"GET v2/Products?$filter=ReleaseDate%20eq%20time'PT{'9' * 5000}H'", {}, 400, "invalidLiteral"),
    ("POST v2/Products", {"X-HTTP-Method": "BREW"}, 400, "invalidHeader"), ("DELETE v2/Products(4711)", {}, 404, "notFound"),
    ("GET v2/Products?$filter=replace(Name,'a','b')%20eq%20'c'", {}, 501, "notImplemented")])
def test_errors_are_objects_with_a_message_object(clients: Any, line: str, headers: Mapping[str, str], status: int, code: str) -> None:
    answer = ask(clients["northwind"], line, headers=headers)
    assert answer.status == status
    same({"error": {"code": code, "message": {"lang": "en", "value": str}}}, answer.json)


def test_what_is_no_json_comes_as_it_is(clients: Any) -> None:
    client = clients["northwind"]
    assert ask(client, "GET v2/Products/$count").body == b"16"
    assert ask(client, "GET v2/Products(1)/Name/$value").body == b"Chai"
    assert ask(client, "HEAD v2/Products").body == b""
    old = ask(client, "GET v2/Products?$top=1", headers={"MaxDataServiceVersion": "1.0"}).json
    assert isinstance(old["d"], list)


def test_pages_follow(clients: Any) -> None:
    client = clients.of("northwind", page_size=7)
    target, ids = "v2/Products?$select=ID&$orderby=ID%20desc&$top=10", []
    while target:
        found = ask(client, f"GET {target}").json["d"]
        ids += [each["ID"] for each in found["results"]]
        target = found.get("__next", "").removeprefix(ROOT)
    assert len(ids) == 10 and ids == sorted(ids, reverse=True)


def test_changes(private: Callable[..., Client]) -> None:
    client = private("northwind")
    made = ask(client, "POST v2/Products", {"d": {
        "__metadata": {"type": "Northwind.Model.Product"}, "ID": 700, "Name": "new", "UnitPrice": "2.5", "ReleaseDate": "/Date(1704164645123)/",
        "Category": {"__metadata": {"uri": f"{V2}Categories(1)"}}, "Supplier": {"__deferred": {"uri": "x"}}}})
    assert made.status == 201 and made.headers["location"] == f"{V2}Products(700)"
    same({"d": {"ReleaseDate": "/Date(1704164645123+0000)/", "UnitPrice": "2.5"}}, made.json)
    assert client.get("Products(700)?$expand=Category")["Category"]["ID"] == 1
    for line, headers in (("MERGE v2/Products(700)", {}), ("PATCH v2/Products(700)", {}), ("PUT v2/Products(700)", {}),
                          ("POST v2/Products(700)", {"X-HTTP-Method": "MERGE"})):
        answer = ask(client, line, {"Name": line}, headers)
        assert (answer.status, answer.body) == (204, b"") and client.get("Products(700)")["Name"] == line
    assert ask(client, "PUT v2/Products(700)/Name", {"Name": "alone"}).status == 204
    assert client.get("Products(700)")["Name"] == "alone"
    assert ask(client, "PUT v2/Products(700)/$links/Category", {"uri": f"{V2}Categories(2)"}).status == 204
    assert client.get("Products(700)?$expand=Category")["Category"]["ID"] == 2
    assert ask(client, "MERGE v2/Products(701)", {"Name": "x"}).status == 404
    assert ask(client, "MERGE v2/Products(700)", {"Name": "x"}, {"If-Match": 'W/"old"'}).status == 412
    assert ask(client, "POST v2/Products", "{").status == 400
    assert ask(client, "DELETE v2/Products(700)").status == 204
    assert ask(client, "GET v2/Products(700)").status == 404


@pytest.mark.parametrize(("other", "status", "names"), [("2", [201, 204, 204, 200], ["b", "c"]), ("4711", [404, 200], ["gone", "Chang"])])
def test_batches(private: Callable[..., Client], other: str, status: list[int], names: list[str]) -> None:
    """A change set is done whole or not at all."""
    client = private("northwind")
    answer = ask(client, "POST v2/$batch", CHANGES.replace("%s", other), {"Content-Type": "multipart/mixed; boundary=b"})
    assert answer.status == 202 and answer.headers["dataserviceversion"] == "2.0"
    assert [int(each) for each in re.findall(r"HTTP/1\.1 (\d+)", answer.text)] == status
    found = ask(client, "GET v2/Products(701)")
    assert [found.json["d"]["Name"] if found.status == 200 else "gone", client.get("Products(2)")["Name"]] == names


def test_an_action_by_its_key(private: Callable[..., Client]) -> None:
    client = private("industryData")
    run = client.get("incomingFlowRuns?$filter=status eq 'completed'&$top=1")["value"][0]["id"]
    assert ask(client, f"POST v2/incomingFlowRun_collateExtractedData?id='{run}'").status == 204
    assert ask(client, "POST v2/incomingFlowRun_collateExtractedData?id='none'").status == 404
    assert ask(client, "POST v2/incomingFlowRun_collateExtractedData").status == 400
    before = client.get(f"incomingFlowRuns('{run}')")
    for method in ("GET", "HEAD", "PUT", "DELETE"):         # reading must change nothing
        answer = ask(client, f"{method} v2/incomingFlowRun_collateExtractedData?id='{run}'")
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert client.get(f"incomingFlowRuns('{run}')") == before


@pytest.mark.parametrize("name", ["northwind", "types", "industryData", "industryData-beta"])
def test_the_document_names_only_what_is_there(clients: Any, name: str) -> None:
    """Every type, association and set that is mentioned is declared, and every entity type has its key."""
    tree = etree.fromstring(ask(clients[name], "GET v2/$metadata").body)
    places = {f"{schema.get('Namespace')}.{each.get('Name')}" for schema in tree.iter(f"{EDM}Schema") for each in schema}
    sets = {each.get("Name") for each in tree.iter(f"{EDM}EntitySet")}
    mentioned = {value for each in tree.iter() for attribute in ("Type", "EntityType", "Relationship", "Association")
                 if (value := each.get(attribute)) is not None and not value.startswith("Edm.")}
    assert mentioned <= places
    assert {each.get("EntitySet") for each in tree.iter(f"{EDM}End", f"{EDM}FunctionImport") if each.get("EntitySet")} <= sets
    for kind in tree.iter(f"{EDM}EntityType"):
        own = {each.get("Name") for each in kind.iter(f"{EDM}Property")}
        assert {each.get("Name") for each in kind.iter(f"{EDM}PropertyRef")} <= own and kind.find(f"{EDM}Key") is not None


def test_a_set_of_the_name_of_a_face_is_refused_at_start(service_of: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match="ODATA_V2_PATH"):
        service_of(*files("northwind"), v2_path="Products")


def test_the_document_is_written_once_and_known_by_its_etag(clients: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = clients["northwind"]
    first = ask(client, "GET v2/$metadata")
    again = ask(client, "GET v2/$metadata", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    monkeypatch.setattr("app.v2.edmx.document", lambda view: b"written again")
    changed = ask(client, "GET v2/$metadata", headers={"If-None-Match": 'W/"other"'})
    assert (changed.status, changed.body) == (200, first.body)


def test_who_asks_is_found_out_once(private: Any) -> None:
    """A request of the face, and a batch with all that is in it, is authenticated once."""
    client = private("northwind")
    asked, authenticate = [], client.service.authenticate

    def counting(request: Any) -> Any:
        asked.append(request.path)
        return authenticate(request)
    client.service.authenticate = counting
    assert ask(client, "GET v2/Products(1)").status == 200
    assert len(asked) == 1
    assert ask(client, "POST v2/$batch", CHANGES % 1, {"Content-Type": "multipart/mixed; boundary=b"}).status == 202
    assert len(asked) == 2

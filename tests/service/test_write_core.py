"""Changes through the service, on every store: what is stored afterwards, and that a refusal stores nothing.

Protocol §8.2.4, §8.2.5, §11.4; conformance P-11.4.*; DESIGN §4, §6.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from app.service.request import Request
from app.service.response import Response

TESTS = Path(__file__).parent.parent
MODELS = TESTS / "models"
ROOT = "http://service.example/"


class Client:
    """Sends requests to one service."""

    def __init__(self, service: Any) -> None:
        self.service = service

    def send(self, line: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON of 'METHOD path?query'."""
        method, _, target = line.partition(" ")
        path, _, query = target.partition("?")
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        if data is not None:
            named.setdefault("content-type", "application/json")
        response: Response = self.service.handle(
            Request(method, path, query, named, None if data is None else BytesIO(data), ROOT))
        text = response.read()
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return response.status, response.headers, json.loads(text) if text and is_json else text

    def get(self, target: str) -> Any:
        status, _, found = self.send(f"GET {target}")
        assert status == 200, (target, status, found)
        return found

    def etag(self, target: str) -> str:
        return str(self.send(f"GET {target}")[1]["ETag"])

    def dump(self) -> dict[str, Any]:
        """Every row of every table."""
        service = self.service
        names = {table for id in service.mapping.sources() for table in tables(service, id)}
        found = {}
        for name in (*names, "odata_changes", "odata_streams"):
            quote = "`" if service.store.dialect.name == "mariadb" else '"'
            found[name] = sorted(map(repr, service.store.run(f"SELECT * FROM {quote}{name}{quote}")))
        return found


def tables(service: Any, id: str) -> Iterator[str]:
    from app.store.schema import definitions
    yield from (each.name for each in definitions(service.mapping, id))


@pytest.fixture
def northwind(service_of: Callable[..., Any]) -> Client:
    return Client(service_of(MODELS / "northwind.xml", MODELS / "northwind.data.json", MODELS / "northwind.py"))


@pytest.fixture
def tenant(service_of: Callable[..., Any]) -> Client:
    folder = TESTS.parent / "edmx"
    return Client(service_of(folder / "industryData.xml", folder / "industryData.data.json", folder / "industryData.py"))


SUPPLIER = "Suppliers(fb3a51bb-6407-5375-a85c-496cc66652be)"
ANY = {"If_Match": "*"}


# --- create ----------------------------------------------------------------------------------------------

def test_a_created_entity_is_what_a_get_shows(northwind: Client) -> None:
    status, headers, made = northwind.send("POST Categories", {"Name": "New", "ID": 999})
    assert (status, made["Name"], made["ID"] != 999) == (201, "New", True)
    assert headers["Location"] == f"{ROOT}Categories({made['ID']})"
    assert northwind.get(f"Categories({made['ID']})") == made
    assert headers["ETag"] == made["@odata.etag"] == northwind.etag(f"Categories({made['ID']})")


def test_minimal_creation_names_the_entity_and_no_etag(northwind: Client) -> None:
    status, headers, made = northwind.send("POST Tags", {"Name": "a/b c"}, Prefer="return=minimal")
    assert (status, made) == (204, b"")
    assert headers["Location"] == headers["OData-EntityId"] == f"{ROOT}Tags('a%2Fb%20c')"
    assert headers["Preference-Applied"] == "return=minimal"
    assert "ETag" not in headers


def test_a_deep_insert_is_shown_as_deep_as_it_was_sent(northwind: Client) -> None:
    body = {"Name": "Deep", "Products": [
        {"ID": 500, "Name": "P", "Supplier": {"@id": SUPPLIER}, "Tags": [{"@id": "Tags('new')"}, {"Name": "fresh"}],
         "Reviews": [{"Stars": 5, "WrittenAt": "2020-01-01T00:00:00Z"}]}]}
    status, _, made = northwind.send("POST Categories", body)
    assert status == 201
    (product,) = made["Products"]
    assert (product["ID"], product["CategoryID"], product["Reviews"][0]["Stars"]) == (500, made["ID"], 5)
    shown = northwind.get("Products(500)?$expand=Tags($orderby=Name),Supplier,Category")
    assert [tag["Name"] for tag in shown["Tags"]] == ["fresh", "new"]
    assert (shown["Supplier"]["ID"], shown["Category"]["ID"]) == (SUPPLIER[10:-1], made["ID"])


def test_new_entities_may_point_at_each_other_where_one_can_wait(northwind: Client) -> None:
    body = {"EmployeeID": 100, "FirstName": "a", "LastName": "b",
            "Manager": {"EmployeeID": 102, "FirstName": "e", "LastName": "f"},
            "Reports": [{"EmployeeID": 101, "FirstName": "c", "LastName": "d"}]}
    assert northwind.send("POST Employees", body)[0] == 201
    shown = northwind.get("Employees(100)?$expand=Manager,Reports")
    assert (shown["Manager"]["EmployeeID"], [each["EmployeeID"] for each in shown["Reports"]]) == (102, [101])


def test_a_post_to_a_navigation_property_creates_and_links(northwind: Client) -> None:
    status, _, made = northwind.send("POST Customers('ALFKI')/Orders", {"Details": [{"ProductID": 1, "UnitPrice": 2.5}]})
    assert (status, made["CustomerID"], made["Status"], made["Details"][0]["OrderID"]) == (
        201, "ALFKI", "Draft", made["OrderID"])
    status, _, shelf = northwind.send("POST Warehouses('HAM')/Shelves", {"Number": 9, "Bins": [{"Label": "Q"}]})
    assert status == 201
    assert northwind.get("Warehouses('HAM')/Shelves(9)/Bins")["value"][0]["Label"] == "Q"


# --- update ----------------------------------------------------------------------------------------------

UPDATES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    # request, body                                                      where to look, what is there
    ("PATCH Products(1)", {"Name": "x", "ID": 5}, "Products(1)", {"Name": "x", "ID": 1, "UnitPrice": 18}),
    ("PATCH Products(1)", {"Dimensions": {"Width": 11}}, "Products(1)", {"Dimensions": {"Width": 11, "Height": 20.5, "Depth": None}}),
    ("PATCH Products(1)", {"Dimensions": None}, "Products(1)", {"Dimensions": None}),
    ("PATCH Products(1)", {"Features": "Fragile,Organic"}, "Products(1)", {"Features": "Fragile,Organic"}),
    ("PATCH Products(1)", {"CategoryID": 2}, "Products(1)/Category", {"ID": 2}),
    ("PATCH Products(1)", {"Category@odata.bind": "Categories(3)", "CategoryID": 2}, "Products(1)", {"CategoryID": 3}),
    ("PATCH Products(1)", {"Category": None}, "Products(1)", {"CategoryID": None}),
    ("PUT Products(1)", {"Name": "x"}, "Products(1)", {"Name": "x", "Ean": None, "UnitPrice": 0, "CategoryID": 1}),
    ("PATCH Suppliers(fb3a51bb-6407-5375-a85c-496cc66652be)", {"Phones": []}, SUPPLIER, {"Phones": []}),
    ("PATCH Suppliers(fb3a51bb-6407-5375-a85c-496cc66652be)", {"Address": {"City": "Rom"}}, SUPPLIER,
     {"Address": {"Street": "49 Gilbert St.", "City": "Rom", "PostalCode": "EC1 4SD"}}),
    ("PATCH Suppliers(fb3a51bb-6407-5375-a85c-496cc66652be)",
     {"Address": {"@odata.type": "#Northwind.Model.ForeignAddress", "Country": "UK"}}, SUPPLIER,
     {"Address": {"@odata.type": "#Northwind.Model.ForeignAddress", "Street": "49 Gilbert St.", "City": "London",
                  "PostalCode": "EC1 4SD", "Country": "UK", "CustomsNotes": []}}),
    ("PUT Suppliers(fb3a51bb-6407-5375-a85c-496cc66652be)", {"CompanyName": "n", "Address": {"City": "Rom"}}, SUPPLIER,
     {"Address": {"Street": None, "City": "Rom", "PostalCode": None}, "LeadTimes": []}),
    ("PATCH Customers('ALFKI')", {"loyaltyPoints": "many", "more@odata.type": "#Int64", "more": 5}, "Customers('ALFKI')",
     {"loyaltyPoints": "many", "more@odata.type": "#Int64", "more": 5, "since": "1996-08-25"}),
    ("PATCH Company", {"Name": "NW"}, "Company", {"Name": "NW", "ID": 1}),
    ("PATCH Products(1)/Northwind.Model.Product", {"Name": "cast"}, "Products(1)", {"Name": "cast"}),
    ("PATCH Products(6)", {"ShelfLife": "P1D"}, "Products(6)", {"ShelfLife": "P1D"}),
    ("PATCH Products(1)/Category", {"Name": "by the way"}, "Categories(1)", {"Name": "by the way"}),
]


@pytest.mark.parametrize(("line", "body", "target", "expected"), UPDATES, ids=[f"{case[0]} {case[1]}"[:90] for case in UPDATES])
def test_updates(northwind: Client, line: str, body: Any, target: str, expected: dict[str, Any]) -> None:
    status, _, found = northwind.send(line, body, **ANY)
    assert status == 204, found
    shown = northwind.get(target)
    assert {name: shown.get(name) for name in expected} == expected


def test_an_update_that_changes_nothing_keeps_the_etag(northwind: Client) -> None:
    before = northwind.etag("Products(1)")
    assert northwind.send("PATCH Products(1)", {"Name": "Chai", "UnitPrice": 18.00}, **ANY)[0] == 204
    assert northwind.etag("Products(1)") == before
    assert northwind.send("PATCH Products(1)", {"Name": "Tea"}, **ANY)[0] == 204
    assert northwind.etag("Products(1)") != before


def test_what_an_update_answers(northwind: Client) -> None:
    tag = northwind.etag("Products(1)")
    status, headers, _ = northwind.send("PATCH Products(1)", {"Name": "a"}, If_Match=tag)
    assert (status, headers["ETag"]) == (204, northwind.etag("Products(1)"))
    status, headers, _ = northwind.send("PATCH Products(1)", {"Name": "b"}, If_Match="*")
    assert (status, "ETag" in headers) == (204, False)
    status, headers, found = northwind.send("PATCH Products(1)", {"Name": "c"}, Prefer="return=representation", **ANY)
    assert (status, found["Name"], headers["Preference-Applied"]) == (200, "c", "return=representation")
    status, _, found = northwind.send("PATCH Products(1)?$select=Name&$expand=Category($select=ID)", {"Name": "d"}, **ANY)
    assert (status, found["Name"], found["Category"]["ID"], "UnitPrice" in found) == (200, "d", 1, False)


# --- deep update -----------------------------------------------------------------------------------------

def test_a_full_collection_is_the_whole_truth(northwind: Client) -> None:
    body = {"Shelves": [{"Number": 1, "MaxLoad": 7}, {"Number": 10}]}
    assert northwind.send("PATCH Warehouses('HAM')", body)[0] == 204
    shown = northwind.get("Warehouses('HAM')?$expand=Shelves($expand=Bins)")["Shelves"]
    assert [(each["Number"], each["MaxLoad"], len(each["Bins"])) for each in shown] == [(1, 7, 2), (10, None, 0)]
    body = {"Tags": [{"@id": "Tags('vegan')"}, {"Name": "fresh"}]}
    assert northwind.send("PATCH Products(1)", body, **ANY)[0] == 204
    assert {each["Name"] for each in northwind.get("Products(1)/Tags")["value"]} == {"vegan", "fresh"}


def test_a_delta_changes_what_it_names(northwind: Client) -> None:
    body = {"Shelves@delta": [{"@removed": {"reason": "deleted"}, "Number": 1}, {"Number": 2, "MaxLoad": 3}, {"Number": 3}]}
    assert northwind.send("PATCH Warehouses('HAM')", body)[0] == 204
    shown = northwind.get("Warehouses('HAM')?$expand=Shelves")["Shelves"]
    assert [(each["Number"], each["MaxLoad"]) for each in shown] == [(2, 3), (3, None)]
    body = {"Orders@delta": [{"@removed": {"reason": "changed"}, "OrderID": 10248}, {"@id": "Orders(10249)"}, {"Freight": 1}]}
    assert northwind.send("PATCH Customers('ALFKI')", body, **ANY)[0] == 204
    assert northwind.get("Orders(10248)")["CustomerID"] is None
    assert northwind.get("Orders(10249)")["CustomerID"] == "ALFKI"


# --- upsert ----------------------------------------------------------------------------------------------

UPSERTS = [
    ("PATCH Products(777)", {"Name": "n"}, {}, 201),
    ("PUT Products(777)", {"Name": "n"}, {"If_None_Match": "*"}, 201),
    ("PUT Products(777)", {"Name": "n", "ID": 5}, {}, 201),
    ("PATCH Products(777)", {"Name": "n"}, {"If_Match": "*"}, 412),
    ("PATCH Products(777)", {"Name": "n"}, {"If_Match": 'W/"1"'}, 412),
    ("PUT Products(1)", {"Name": "n"}, {"If_None_Match": "*"}, 412),
    ("PATCH Orders(777)", {"Freight": 1}, {}, 404),                         # the service makes the key
    ("PATCH Products(1)/Supplier", {"CompanyName": "x"}, {}, 404),          # nothing is related, and nothing is created
    ("PATCH PriceChanges(ProductID=1,ValidFrom=2030-01-01T00:00:00Z)", {"Price": 1}, {}, 201),
    ("PATCH PriceChanges(ProductID=7777,ValidFrom=2030-01-01T00:00:00Z)", {"Price": 1}, {}, 409),
    ("PUT Warehouses('HAM')/Shelves(77)", {}, {}, 201),
    ("PUT Warehouses('NOPE')/Shelves(77)", {}, {}, 404),
    ("PATCH Customers('ALFKI')/Orders(77777)", {}, {}, 404),
]


@pytest.mark.parametrize(("line", "body", "headers", "status"), UPSERTS, ids=[f"{case[0]} {case[2]}" for case in UPSERTS])
def test_upserts(northwind: Client, line: str, body: Any, headers: dict[str, str], status: int) -> None:
    if line == "PATCH Products(1)/Supplier":
        assert northwind.send("DELETE Products(1)/Supplier/$ref", **ANY)[0] == 204
    before = northwind.dump()
    found = northwind.send(line, body, **headers)
    assert found[0] == status, found
    if status == 201:
        assert northwind.send(line.replace(line.split()[0], "GET"))[0] == 200
    else:
        assert northwind.dump() == before


# --- delete ----------------------------------------------------------------------------------------------

def test_a_delete_takes_along_what_belongs_to_it(northwind: Client) -> None:
    assert northwind.send("DELETE Orders(10249)")[0] == 204
    assert northwind.send("GET Orders(10249)")[0] == 404
    assert northwind.get("OrderDetails?$filter=OrderID eq 10249")["value"] == []
    assert northwind.send("DELETE Categories(1)")[0] == 204
    assert northwind.get("Products?$filter=CategoryID eq 1")["value"] == []
    assert northwind.get("Products(1)")["CategoryID"] is None
    assert northwind.send("DELETE Warehouses('HAM')")[0] == 204
    assert northwind.send("DELETE Employees(2)")[0] == 204
    assert northwind.send("GET Company/Director")[0] == 204


def test_what_is_needed_stays_and_its_referrers_are_named(northwind: Client) -> None:
    before = northwind.dump()
    status, _, found = northwind.send(f"DELETE {SUPPLIER}")
    assert (status, found["error"]["code"]) == (409, "stillReferenced")
    assert [each["target"] for each in found["error"]["details"]] == [f"Products({each})" for each in (1, 2, 3, 9, 15)]
    assert northwind.dump() == before


# --- links -----------------------------------------------------------------------------------------------

def test_links_come_and_go(northwind: Client) -> None:
    tags = "Products(1)/Tags"
    names = {each["Name"] for each in northwind.get(tags)["value"]}
    for _ in range(2):
        assert northwind.send(f"POST {tags}/$ref", {"@odata.id": "../../Tags('unused')"}, **ANY)[0] == 204
    assert {each["Name"] for each in northwind.get(tags)["value"]} == {*names, "unused"}
    assert northwind.send(f"DELETE {tags}/$ref?$id={ROOT}Tags('unused')", **ANY)[0] == 204
    assert northwind.send(f"DELETE {tags}('unused')/$ref", **ANY)[0] == 404
    assert northwind.send(f"PUT {tags}/$ref", {"value": [{"@id": "Tags('unused')"}]}, **ANY)[0] == 204
    assert [each["Name"] for each in northwind.get(tags)["value"]] == ["unused"]
    assert northwind.send(f"DELETE {tags}/$ref", **ANY)[0] == 400
    assert northwind.send(f"DELETE {tags}/$ref", OData_MaxVersion="4.01", **ANY)[0] == 204
    assert northwind.get(tags)["value"] == []
    assert northwind.send("PUT Products(1)/Category/$ref", {"@id": f"{ROOT}Categories(2)"}, **ANY)[0] == 204
    assert northwind.get("Products(1)")["CategoryID"] == 2
    assert northwind.send("DELETE Products(1)/Category/$ref", **ANY)[0] == 204
    assert northwind.get("Products(1)")["CategoryID"] is None
    assert northwind.send("POST Categories(1)/Products/$ref", {"@id": "Products(1)"})[0] == 204
    assert northwind.get("Products(1)")["CategoryID"] == 1


# --- properties ------------------------------------------------------------------------------------------

PROPERTIES = [
    ("PUT Products(1)/Name", {"value": "x"}, "Products(1)", "Name", "x"),
    ("PUT Products(1)/Name/$value", b"raw", "Products(1)", "Name", "raw"),
    ("DELETE Products(1)/Name", None, "Products(1)", "Name", None),
    ("PUT Products(1)/Dimensions/Depth", {"value": 3}, "Products(1)", "Dimensions", {"Width": 10, "Height": 20.5, "Depth": 3}),
    ("PATCH Products(1)/Dimensions", {"Width": 1}, "Products(1)", "Dimensions", {"Width": 1, "Height": 20.5, "Depth": None}),
    ("DELETE Products(1)/Dimensions", None, "Products(1)", "Dimensions", None),
    ("PUT Products(1)/Features", {"value": "Fragile"}, "Products(1)", "Features", "Fragile"),
    (f"PUT {SUPPLIER}/Phones", {"value": ["1", "2"]}, SUPPLIER, "Phones", ["1", "2"]),
    (f"POST {SUPPLIER}/Phones", {"value": "9"}, SUPPLIER, "Phones", ["(171) 555-2222", "9"]),
    (f"DELETE {SUPPLIER}/Phones", None, SUPPLIER, "Phones", []),
    (f"PUT {SUPPLIER}/Address/City", {"value": "Rom"}, SUPPLIER, "Address",
     {"Street": "49 Gilbert St.", "City": "Rom", "PostalCode": "EC1 4SD"}),
    ("POST Customers('ALFKI')/Contacts", {"Name": "z"}, "Customers('ALFKI')/Contacts?$top=9", "value",
     [{"Name": "Maria Anders", "Emails": ["maria@alfki.example", "m.anders@alfki.example"], "Address": None},
      {"Name": "z", "Emails": [], "Address": None}]),
    ("PUT Customers('ALFKI')/extra", {"value": "hm"}, "Customers('ALFKI')", "extra", "hm"),
    ("PUT Customers('ALFKI')/loyaltyPoints", {"value": 5}, "Customers('ALFKI')", "loyaltyPoints", 5),
    ("DELETE Customers('ALFKI')/loyaltyPoints", None, "Customers('ALFKI')", "loyaltyPoints", None),
]


@pytest.mark.parametrize(("line", "body", "target", "name", "value"), PROPERTIES, ids=[case[0][:80] for case in PROPERTIES])
def test_properties(northwind: Client, line: str, body: Any, target: str, name: str, value: Any) -> None:
    kind = {"Content_Type": "text/plain"} if isinstance(body, bytes) else {}
    status, _, found = northwind.send(line, body, **ANY, **kind)
    assert status == 204, found
    assert northwind.get(target)[name] == value


# --- refusals --------------------------------------------------------------------------------------------

REFUSALS: list[tuple[str, Any, dict[str, str], int, str | None, str | None]] = [
    # request, body, headers                                                            status, code, target
    ("POST Products", {"ID": 1}, {}, 409, "duplicateKey", None),
    ("POST Products", {"ID": 2000, "Ean": "4000000000017"}, {}, 409, "duplicateKey", None),
    ("POST Products", {"ID": 2000, "CategoryID": 9999}, {}, 409, "referenceConflict", None),
    ("POST Products", {"ID": 2000, "Category@odata.bind": "Categories(9999)"}, {}, 400, "referenceNotFound",
     "Category@odata.bind"),
    ("POST Products", {"ID": 2000, "Category@odata.bind": "Tags('new')"}, {}, 400, "wrongSet", "Category@odata.bind"),
    ("POST Products", {"ID": 2000, "Category@odata.bind": "http://elsewhere/Categories(1)"}, {}, 400, "referenceNotFound",
     "Category@odata.bind"),
    ("POST Products", {"ID": 2000, "Category@odata.bind": "Nonsense(1)"}, {}, 400, "referenceNotFound", "Category@odata.bind"),
    ("POST Products", {"ID": 2000, "Tags": [{"Name": "fresh"}, {"Name": "new", "Color": "#112233"}]}, {}, 409, "duplicateKey", None),
    ("POST Categories", {"Name": "a", "Products": [{"ID": 2000}, {"ID": 1, "Name": "x"}]}, {}, 409, "duplicateKey", None),
    ("POST Categories", {}, {}, 400, "missingValue", "Name"),
    ("POST Categories", {"Name": "a", "Nmae": "b", "Picture": "?"}, {}, 400, "invalidBody", None),
    ("POST Categories", b"{", {}, 400, "malformedJson", None),
    ("POST Categories", b"", {}, 400, "malformedJson", None),
    ("POST Categories", b"x", {"Content_Type": "text/plain"}, 415, "unsupportedMediaType", "Content-Type"),
    ("POST Reviews", {"Stars": 5, "WrittenAt": "2020-01-01T00:00:00Z"}, {}, 400, "missingValue", "Product"),
    ("POST Products(1)/Reviews", {"Stars": 5, "WrittenAt": "2020-01-01T00:00:00Z", "Product@odata.bind": "Products(2)"}, {},
     400, "conflictingLinks", "Product"),
    ("POST OrderDetails", {"OrderID": 10248, "ProductID": 9, "UnitPrice": 1}, {}, 409, "discontinued", "Product"),
    ("POST Nothing", {}, {}, 404, None, None),
    ("POST Products(1)", {}, {}, 405, None, None),
    ("POST Customers('NOPE')/Orders", {}, {}, 404, None, None),
    ("PATCH Customers('ALFKI')", {"CompanyName": "x"}, {}, 428, "ifMatchRequired", "If-Match"),
    ("PATCH Customers('ALFKI')", {"CompanyName": "x"}, {"If_Match": 'W/"1"'}, 412, "preconditionFailed", "If-Match"),
    ("PATCH Categories(1)", {"@odata.etag": 'W/"1"', "Name": "x"}, {"OData_Version": "4.01"}, 412, "preconditionFailed",
     "@odata.etag"),
    ("DELETE Customers('ALFKI')", None, {"If_Match": '"1"'}, 412, "preconditionFailed", "If-Match"),
    ("DELETE Categories(9999)", None, {}, 404, None, None),
    ("DELETE Company", None, {}, 405, None, None),
    ("PATCH Products(1)", {"UnitPrice": None}, ANY, 400, "nullNotAllowed", "UnitPrice"),
    ("PATCH Products(4)", {"Dimensions": {"Width": 1}}, ANY, 400, "missingValue", "Dimensions/Height"),
    ("PATCH Products(1)", {"@odata.type": "#Northwind.Model.DigitalProduct"}, ANY, 400, "typeChange", "@odata.type"),
    ("PATCH Products(1)", {"ShelfLife": "P1D"}, ANY, 400, "unknownProperty", "ShelfLife"),
    ("PATCH OrderDetails(OrderID=10249,ProductID=4)", {"Product@odata.bind": "Products(1)"}, {}, 400, "keyChange", None),
    ("PUT OrderDetails(OrderID=10249,ProductID=4)/Product/$ref", {"@id": "Products(1)"}, {}, 405, None, None),
    ("PATCH Warehouses('HAM')", {"Shelves": [{"Number": 1}], "Keeper@odata.bind": "Employees(9999)"}, {}, 400,
     "referenceNotFound", "Keeper@odata.bind"),
    ("POST Categories(1)/Products/$ref", {"@id": "Products(9999)"}, {}, 400, "referenceNotFound", "@odata.id"),
    ("POST Categories(1)/Products/$ref", {}, {}, 400, "missingValue", "@odata.id"),
    ("POST Warehouses('HAM')/Shelves/$ref", {"@id": "Warehouses('HAM')/Shelves(1)"}, {}, 405, None, None),
    ("POST Categories/$ref", {"@id": "Categories(1)"}, {}, 405, None, None),
    (f"DELETE Categories(1)/Products/$ref?$id={ROOT}Products(5)", None, {}, 404, None, "$id"),
    ("PUT Products(1)/ID", {"value": 2}, ANY, 405, None, None),
    ("PUT Products(1)/UnitPrice", {"value": None}, ANY, 400, "nullNotAllowed", "UnitPrice"),
    ("PUT Products(1)/UnitPrice/$value", b"much", {**ANY, "Content_Type": "text/plain"}, 400, "invalidValue", "UnitPrice"),
    ("PUT Products(9999)/Name", {"value": "x"}, {}, 404, None, None),
    ("PATCH Products(9999)/Dimensions", {}, {}, 404, None, None),
    (f"PATCH {SUPPLIER}/Phones", {"value": []}, {}, 405, None, None),
    ("POST Products(1)/Northwind.Model.Ship", {}, {}, 404, None, None),
    ("POST Orders(10248)/Northwind.Model.Ship", {}, {}, 409, "notPlaced", "Status"),
    ("POST Orders(10248)/Northwind.Model.Ship", {"too": 1}, {}, 400, "unknownParameter", "too"),
    ("POST RaisePrices", {"category": 1}, {}, 400, "missingValue", "percent"),
]


@pytest.mark.parametrize(("line", "body", "headers", "status", "code", "target"), REFUSALS,
                         ids=[f"{case[0]} {case[1]}"[:90] for case in REFUSALS])
def test_a_refusal_stores_nothing(northwind: Client, line: str, body: Any, headers: dict[str, str], status: int,
                                  code: str | None, target: str | None) -> None:
    before = northwind.dump()
    found = northwind.send(line, body, **headers)
    assert found[0] == status, found
    error = found[2]["error"]
    assert code is None or (error["code"], error.get("target")) == (code, target), error
    assert northwind.dump() == before


# --- the change log --------------------------------------------------------------------------------------

def test_every_change_is_logged_and_nothing_of_the_data_file(northwind: Client) -> None:
    run = northwind.service.store.run
    text = 'SELECT source, kind FROM odata_changes ORDER BY sequence'
    assert run(text) == []
    northwind.send("POST Categories", {"Name": "a"})
    northwind.send("PATCH Products(1)", {"Name": "b", "Tags@odata.bind": ["Tags('unused')"]}, OData_Version="4.0", **ANY)
    northwind.send("DELETE Orders(10249)")
    found = run(text)
    assert found[:3] == [("Categories", "create"), ("Products", "update"), ("Products", "link")]
    assert found[-1] == ("Orders", "delete")
    assert set(found[3:-1]) == {("OrderDetails", "delete")}


# --- operations and rules --------------------------------------------------------------------------------

def test_operations_change_data_and_answer(northwind: Client) -> None:
    status, _, found = northwind.send("POST RaisePrices", {"category": 1, "percent": 10})
    assert (status, found["value"] > 0) == (200, True)
    assert northwind.get("Products(1)")["UnitPrice"] == 19.8
    status, _, found = northwind.send("POST Products(1)/Northwind.Model.Discontinue", {}, **ANY)
    assert (status, found["Discontinued"]) == (200, True)
    assert northwind.send("POST ForgetTags")[0] == 204
    assert [each["ID"] for each in northwind.get("TopProducts(count=2)?$select=ID")["value"]] == [
        each["ID"] for each in northwind.get("Products?$orderby=UnitPrice desc,ID&$top=2")["value"]]
    assert northwind.get("PriceWithTax(price=100)")["value"] == 119


def test_operations_keep_of_the_clock_what_a_property_has_room_for(northwind: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(northwind.service, "now", lambda: "2125-11-29T15:10:00.123456Z")
    assert northwind.send("POST RaisePrices", {"category": 1, "percent": 10})[0] == 200
    assert northwind.get("PriceChanges?$orderby=ValidFrom desc&$top=1")["value"][0]["ValidFrom"] == "2125-11-29T15:10:00.123Z"
    assert northwind.send("POST PriceChanges", {"ProductID": 1, "ValidFrom": "2125-11-30T00:00:00.1234Z", "Price": 1})[0] == 400


def test_rules_see_links_about_to_be_made(tenant: Client) -> None:
    status, _, made = tenant.send("POST years", {
        "displayName": "n", "startDate": "2026-08-03", "endDate": "2027-06-29",
        "year2": {"value@odata.bind": "referenceDefinitions('RefSchoolYear-2026')"}})
    assert (status, made["year2"]) == (201, {"code": "2026"})
    assert tenant.get(f"years('{made['id']}')/year2/value")["code"] == "2026"
    assert tenant.send(f"PATCH years('{made['id']}')", {"year2": {"code": "2025"}})[2]["year2"] == {"code": "2025"}
    assert tenant.get(f"years('{made['id']}')/year2/value")["code"] == "2025"


def test_a_run_is_collated(tenant: Client) -> None:
    run = "incomingFlowRuns('f904e29a-a96e-553f-aab3-86bf859067e7')"
    assert tenant.send(f"GET {run}/extractedData")[0] == 204
    assert tenant.send(f"POST {run}/collateExtractedData")[0] == 204
    status, headers, found = tenant.send(f"GET {run}/extractedData")
    assert (status, found["run"]["id"], headers["Content-Type"]) == (200, run[18:-2], "application/json")
    assert found["process"]["displayName"].startswith("Northstar SIS")
    statistics = tenant.get(run)["statistics"]
    assert (statistics["extractedRecordCount"], statistics["extractedRecordCount@odata.type"]) == (found["recordCount"], "#Int64")


# --- streams ---------------------------------------------------------------------------------------------

MEDIA = """<?xml version="1.0"?>
<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.01">
  <edmx:DataServices>
    <Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="Media">
      <EntityType Name="Photo" HasStream="true">
        <Key><PropertyRef Name="ID"/></Key>
        <Property Name="ID" Type="Edm.Int64" Nullable="false">
          <Annotation Term="Org.OData.Core.V1.Computed"/>
        </Property>
        <Property Name="Title" Type="Edm.String"/>
        <Property Name="Thumbnail" Type="Edm.Stream">
          <Annotation Term="Org.OData.Core.V1.AcceptableMediaTypes"><Collection><String>image/*</String></Collection></Annotation>
        </Property>
      </EntityType>
      <EntityContainer Name="Container"><EntitySet Name="Photos" EntityType="Media.Photo"/></EntityContainer>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>
"""


def test_media_entities_and_stream_properties(service_of: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "media.xml").write_text(MEDIA)
    (tmp_path / "media.data.json").write_text(
        '{"Photos":[{"ID":5,"$value":"AAECAw","$value@odata.mediaContentType":"image/png"}]}')
    client = Client(service_of(tmp_path / "media.xml", tmp_path / "media.data.json"))
    assert client.send("GET Photos(5)/$value")[2] == b"\x00\x01\x02\x03"
    content = bytes(range(256)) * 2000
    status, headers, made = client.send("POST Photos", content, Content_Type="image/gif")
    assert status == 201
    photo = headers["Location"].removeprefix(ROOT)
    status, headers, found = client.send(f"GET {photo}/$value")
    assert (status, headers["Content-Type"], found == content) == (200, "image/gif", True)
    assert client.send(f"GET {photo}/$value", If_None_Match=headers["ETag"])[0] == 304
    status, part, found = client.send(f"GET {photo}/$value", Range="bytes=131070-131075")
    assert (status, part["Content-Range"], found) == (206, f"bytes 131070-131075/{len(content)}", content[131070:131076])
    assert client.send(f"GET {photo}/$value", Range="bytes=9999999-")[0] == 416
    assert client.send(f"PUT {photo}/$value", b"new", Content_Type="text/plain", If_Match='W/"0"')[0] == 412
    assert client.send(f"PUT {photo}/$value", b"new", Content_Type="text/plain")[0] == 204
    assert client.send(f"GET {photo}/$value")[2] == b"new"
    assert client.send(f"GET {photo}/Thumbnail")[0] == 204
    assert client.send(f"PUT {photo}/Thumbnail", b"x", Content_Type="text/plain")[0] == 415
    assert client.send(f"PUT {photo}/Thumbnail", b"x", Content_Type="image/png")[0] == 204
    assert client.send(f"GET {photo}/Thumbnail")[2] == b"x"
    assert client.send(f"DELETE {photo}/Thumbnail")[0] == 204
    assert client.send(f"GET {photo}/Thumbnail")[0] == 204
    assert client.send(f"PATCH {photo}", {"Title": "t"})[0] == 204
    assert client.send(f"DELETE {photo}/$value")[0] == 204
    assert client.send(f"GET {photo}")[0] == 404


# --- all or nothing --------------------------------------------------------------------------------------

PATHS = [
    ("POST Categories", {"Name": "Deep", "Products": [{"ID": 500, "Tags": [{"@id": "Tags('new')"}, {"Name": "fresh"}]}]}),
    ("PATCH Warehouses('HAM')", {"Shelves": [{"Number": 1, "MaxLoad": 7, "Bins": []}, {"Number": 10}]}),
    ("DELETE Orders(10249)", None),
    ("DELETE Warehouses('HAM')", None),
    ("PUT Products(1)/Tags/$ref", {"value": [{"@id": "Tags('unused')"}]}),
    ("POST RaisePrices", {"category": 1, "percent": 10}),
]


class Broken(Exception):
    """The fault injected."""


@pytest.mark.parametrize(("line", "body"), PATHS, ids=[case[0] for case in PATHS])
def test_a_fault_at_any_statement_leaves_nothing_behind(northwind: Client, line: str, body: Any) -> None:
    store, before = northwind.service.store, northwind.dump()
    status, point = 500, 0
    while status == 500:
        left = point

        def fail(text: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Broken

        store.on_statement = fail
        status = northwind.send(line, body, **ANY)[0]
        store.on_statement = None
        if status == 500:
            assert northwind.dump() == before, point
        point += 1
        assert point < 200
    assert status < 300
    assert northwind.dump() != before

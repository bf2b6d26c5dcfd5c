"""Delta links: what changed in the result of a query (P 11.3, 8.2.8.9; J 15). Each row changes data between two readings."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from app.service.service import Service
from app.store import changelog
from tests.protocol.exchange import ABSENT, ROOT, Client, Some, differences

TRACK = {"Prefer": "track-changes"}
MODERN = {"OData-MaxVersion": "4.01"}
Change = tuple[str, str, Any]


# --- asking ----------------------------------------------------------------------------------------------

def delta_link(client: Client, query: str, headers: dict[str, str] | None = None) -> str:
    """The delta link at the end of the pages of a query."""
    answer = client.send(query, {**TRACK, **(headers or {})})
    assert answer.status == 200, answer.text
    assert answer.headers.get("preference-applied") == "track-changes"
    while "@odata.nextLink" in answer.json:
        assert "@odata.deltaLink" not in answer.json
        answer = client.send(answer.json["@odata.nextLink"].removeprefix(ROOT))
    assert list(answer.json)[-1] == "@odata.deltaLink"
    return str(answer.json["@odata.deltaLink"]).removeprefix(ROOT)


def change(client: Client, *changes: Change) -> None:
    for method, target, body in changes:
        content = json.dumps(body).encode() if body is not None else b""
        sent = {"Content-Type": "application/json", **({"If-Match": "*"} if method in ("PATCH", "PUT", "DELETE") else {})}
        answer = client.send(f"{method} {target}", sent, content)
        assert 200 <= answer.status < 300, (method, target, answer.text)


def value(body: Any) -> list[Any]:
    """The objects of a delta, without what changes with every run."""
    return [{name: [value({"value": [each]})[0] for each in item] if isinstance(item, list) and item and isinstance(
        item[0], dict) else item for name, item in each.items() if name != "@odata.etag"} for each in body["value"]]


def gone(base: str, path: str, reason: str) -> dict[str, Any]:
    return {"@odata.context": f"#{base}/$deletedEntity", "id": ROOT + path, "reason": reason}


def removed(reason: str, **key: Any) -> dict[str, Any]:
    """The form of 4.01."""
    return {"@odata.removed": {"reason": reason}, **key}


def linked(base: str, source: str, relationship: str, target: str, kind: str = "link") -> dict[str, Any]:
    return {"@odata.context": f"#{base}/${kind}", "source": source, "relationship": relationship, "target": target}


def unlinked(base: str, source: str, relationship: str, target: str) -> dict[str, Any]:
    return linked(base, source, relationship, target, "deletedLink")


def member(base: str, **made: Any) -> dict[str, Any]:
    return {"@odata.context": f"#{base}/$entity", **made}


# --- the table -------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Case:
    """Section, query, changes, the objects of the delta in 4.0 and (where they differ) in 4.01."""

    spec: str
    query: str
    changes: tuple[Change, ...]
    old: list[Any]
    new: list[Any] | None = None
    model: str = "northwind"


NEW = ("POST", "Products", {"ID": 99, "Name": "Mate", "UnitPrice": 12})
CHEAP = "Products?$filter=UnitPrice lt 15&$select=ID,Name"
DIGITAL = "#Northwind.Model.DigitalProduct"
TREE = "Categories?$select=ID&$expand=Products($select=ID)&$filter=ID eq 3 or ID eq 5"

CASES = [
    Case("P 11.3.2 nothing changed", "Categories?$select=ID", (), []),
    Case("J 15.2 added", "Products?$select=ID,Name", (NEW,), [{"ID": 99, "Name": "Mate"}]),
    Case("J 15.2 changed, all that is selected", "Products?$select=ID,Name,UnitPrice",
         (("PATCH", "Products(1)", {"Name": "Chai 2"}),), [{"ID": 1, "Name": "Chai 2", "UnitPrice": 18}]),
    Case("J 15.2 keys not selected: the id", "Products?$select=Name", (("PATCH", "Products(1)", {"Name": "Chai 2"}),),
         [{"@odata.id": ROOT + "Products(1)", "Name": "Chai 2"}]),
    Case("J 15.3 deleted", "Tags?$select=Name", (("DELETE", "Tags('new')", None),),
         [gone("Tags", "Tags('new')", "deleted")], [removed("deleted", Name="new")]),
    Case("J 15.3 a composite key", "PriceChanges?$select=Price",
         (("DELETE", "PriceChanges(ProductID=1,ValidFrom=2019-01-01T00:00:00Z)", None),),
         [gone("PriceChanges", "PriceChanges(ProductID=1,ValidFrom=2019-01-01T00%3A00%3A00Z)", "deleted")],
         [removed("deleted", ProductID=1, ValidFrom="2019-01-01T00:00:00Z")]),
    Case("P 11.3 created and deleted: never seen", "Products?$select=ID", (NEW, ("DELETE", "Products(99)", None)), []),
    Case("P 11.3 deleted and created again", "Tags?$select=Name,Color", (
        ("DELETE", "Tags('new')", None), ("POST", "Tags", {"Name": "new", "Color": "#ffffff"})),
        [gone("Tags", "Tags('new')", "deleted"), {"Name": "new", "Color": "#ffffff"}],
        [removed("deleted", Name="new"), {"Name": "new", "Color": "#ffffff"}]),
    Case("P 11.3 another in the place of a deleted one", "Tags?$select=Name,Color", (
        ("POST", "Tags", {"Name": "z"}), ("DELETE", "Tags('z')", None), ("POST", "Tags", {"Name": "y"})),
        [{"Name": "y", "Color": None}]),
    Case("P 11.3.1 several changes of one entity: one object", "Products?$select=ID,Name", (
        ("PATCH", "Products(1)", {"Name": "A"}), ("PATCH", "Products(1)", {"Name": "B"})), [{"ID": 1, "Name": "B"}]),
    Case("P 11.3.1 what is not selected", "Products?$select=ID,Name", (("PATCH", "Products(1)", {"UnitPrice": 3}),), []),
    Case("P 11.3.1 complex values", "Customers?$select=CustomerID,Address/City",
         (("PATCH", "Customers('ALFKI')", {"Address": {"City": "Bonn"}}),),
         [{"CustomerID": "ALFKI", "Address": {"City": "Bonn"}}]),
    Case("P 11.3.1 dynamic properties", "Customers?$select=CustomerID,Mood",
         (("PATCH", "Customers('ALFKI')", {"Mood": "fine"}),), [{"CustomerID": "ALFKI", "Mood": "fine"}]),
    Case("P 11.3.1 links of what is not expanded", "Products?$select=ID",
         (("POST", "Products(1)/Tags/$ref", {"@odata.id": "Tags('gift')"}),), []),
    # filters
    Case("P 11.3.1 begins to match", CHEAP, (("PATCH", "Products(1)", {"UnitPrice": 3}),), [{"ID": 1, "Name": "Chai"}]),
    Case("P 11.3.1 ends to match", CHEAP, (("PATCH", "Products(3)", {"UnitPrice": 33}),),
         [gone("Products", "Products(3)", "changed")], [removed("changed", ID=3)]),
    Case("P 11.3.1 never matched", CHEAP, (("PATCH", "Products(1)", {"Name": "Chai 2"}),
                                           ("POST", "Products", {"ID": 98, "UnitPrice": 99})), []),
    Case("P 11.3.1 still matches", CHEAP, (("PATCH", "Products(3)", {"Name": "Syrup"}),), [{"ID": 3, "Name": "Syrup"}]),
    Case("P 11.3.1 over a navigation property", "Products?$select=ID&$filter=Category/Name eq 'Digital'",
         (("PATCH", "Categories(3)", {"Name": "Digital"}),), [{"ID": 8}, {"ID": 9}]),
    Case("P 11.3.1 the related entity stops to match", "Products?$select=ID&$filter=Category/Name eq 'Beverages' and ID lt 3",
         (("PATCH", "Categories(1)", {"Name": "Drinks"}),),
         [gone("Products", f"Products({each})", "changed") for each in (1, 2, 14, 15)],
         [removed("changed", ID=each) for each in (1, 2, 14, 15)]),
    Case("P 11.3.1 any", "Customers?$select=CustomerID&$filter=Orders/any(o:o/Freight eq 777)",
         (("PATCH", "Orders(10253)", {"Freight": 777}),), [{"CustomerID": "ALFKI"}]),
    Case("P 11.3.1 any, moved away", "Customers?$select=CustomerID&$filter=Orders/any(o:o/OrderID eq 10253)",
         (("PATCH", "Orders(10253)", {"CustomerID": "BERGS"}),),
         [gone("Customers", "Customers('ALFKI')", "changed"), {"CustomerID": "BERGS"}],
         [removed("changed", CustomerID="ALFKI"), {"CustomerID": "BERGS"}]),
    Case("P 11.3.1 any, deleted", "Products?$select=ID&$filter=Tags/any(t:t/Name eq '50%25 off')",
         (("DELETE", "Tags('50%25%20off')", None),), [gone("Products", "Products(7)", "changed")], [removed("changed", ID=7)]),
    Case("P 11.3.1 any, a link less", "Products?$select=ID&$filter=Tags/any(t:t/Name eq 'vegan')",
         (("DELETE", "Products(1)/Tags('vegan')/$ref", None),), [gone("Products", "Products(1)", "changed")],
         [removed("changed", ID=1)]),
    Case("P 11.3.1 $search", "Categories?$select=ID&$search=zebra", (("PATCH", "Categories(2)", {"Description": "A zebra"}),),
         [{"ID": 2}]),
    # other collections
    Case("P 11.3 a derived type", "Products/Northwind.Model.PerishableProduct?$select=ShelfLife,ID&$filter=ID eq 99",
         (("POST", "Products", {"@odata.type": "#Northwind.Model.PerishableProduct", "ID": 99}),),
         [{"ID": 99, "ShelfLife": "P7D"}]),
    Case("P 11.3 a navigation property", "Customers('ALFKI')/Orders?$select=OrderID", (
        ("PATCH", "Orders(10253)", {"CustomerID": "BERGS"}), ("PATCH", "Orders(10252)", {"CustomerID": "ALFKI"})),
        [{"OrderID": 10252}, gone("Orders", "Orders(10253)", "changed")],
        [{"OrderID": 10252}, removed("changed", OrderID=10253)]),
    Case("P 11.3 a navigation property to many", "Products(1)/Tags?$select=Name", (
        ("POST", "Products(1)/Tags/$ref", {"@odata.id": "Tags('gift')"}), ("DELETE", "Products(1)/Tags('new')/$ref", None)),
        [gone("Tags", "Tags('new')", "changed"), {"Name": "gift"}], [removed("changed", Name="new"), {"Name": "gift"}]),
    Case("P 11.3 a containment", "Warehouses('HAM')/Shelves?$select=Number", (
        ("POST", "Warehouses('HAM')/Shelves", {"Number": 77}), ("POST", "Warehouses('SEA')/Shelves", {"Number": 78}),
        ("DELETE", "Warehouses('HAM')/Shelves(1)", None)),
        [gone("Warehouses('HAM')/Shelves", "Warehouses('HAM')/Shelves(1)", "deleted"), {"Number": 77}],
        [removed("deleted", Number=1), {"Number": 77}]),
    # expanded properties
    Case("J 15.4 a related entity changed", "Customers?$select=CustomerID&$expand=Orders($select=OrderID,Freight;$filter=OrderID eq 10253)",
         (("PATCH", "Orders(10253)", {"Freight": 5}),), [member("Orders", OrderID=10253, Freight=5)],
         [{"CustomerID": "ALFKI", "Orders@odata.delta": [{"OrderID": 10253, "Freight": 5}]}]),
    Case("J 15.4 moved", "Customers?$select=CustomerID&$expand=Orders($select=OrderID;$filter=OrderID eq 10253)",
         (("PATCH", "Orders(10253)", {"CustomerID": "BERGS"}),),
         [unlinked("Customers", "Customers('ALFKI')", "Orders", "Orders(10253)"), member("Orders", OrderID=10253),
          linked("Customers", "Customers('BERGS')", "Orders", "Orders(10253)")],
         [{"CustomerID": "ALFKI", "Orders@odata.delta": [removed("changed", OrderID=10253)]},
          {"CustomerID": "BERGS", "Orders@odata.delta": [{"OrderID": 10253}]}]),
    Case("J 15.5 a related entity deleted", "Products?$select=ID&$expand=Reviews($select=ID)&$filter=ID eq 1",
         (("DELETE", "Reviews(1)", None),), [gone("Reviews", "Reviews(1)", "deleted")],
         [{"ID": 1, "Reviews@odata.delta": [removed("deleted", ID=1)]}]),
    Case("J 15.4 links to many", "Products?$select=ID&$expand=Tags($select=Name)&$filter=ID eq 1", (
        ("POST", "Products(1)/Tags/$ref", {"@odata.id": "Tags('gift')"}), ("DELETE", "Products(1)/Tags('new')/$ref", None)),
        [unlinked("Products", "Products(1)", "Tags", "Tags('new')"), member("Tags", Name="gift"),
         linked("Products", "Products(1)", "Tags", "Tags('gift')")], [{"ID": 1, "Tags@odata.delta": [removed("changed", Name="new"), {"Name": "gift"}]}]),
    Case("J 15.4 an entity deleted with its links", "Products?$select=ID&$expand=Tags($select=Name)&$filter=ID eq 2",
         (("DELETE", "Tags('sale')", None),), [gone("Tags", "Tags('sale')", "deleted")], [{"ID": 2, "Tags@odata.delta": [removed("deleted", Name="sale")]}]),
    Case("J 15.4 a new entity with its links", TREE, (
        ("POST", "Categories", {"Name": "Spices"}), ("PATCH", "Products(16)", {"CategoryID": 5})),
        [member("Products", ID=16), linked("Categories", "Categories(5)", "Products", "Products(16)")],
        [{"ID": 5, "Products@odata.delta": [{"ID": 16}]}]),
    Case("J 15.4 to one: another", "Orders?$select=OrderID&$expand=Customer($select=CustomerID)",
         (("PATCH", "Orders(10253)", {"CustomerID": "BERGS"}),),
         [member("Customers", CustomerID="BERGS"), linked("Orders", "Orders(10253)", "Customer", "Customers('BERGS')")],
         [{"OrderID": 10253, "Customer": {"CustomerID": "BERGS"}}]),
    Case("J 15.5 to one: none", "Orders?$select=OrderID&$expand=Customer($select=CustomerID)",
         (("PATCH", "Orders(10253)", {"CustomerID": None}),),
         [unlinked("Orders", "Orders(10253)", "Customer", "Customers('ALFKI')")], [{"OrderID": 10253, "Customer": None}]),
    Case("P 11.3.1 references: membership only", "Products?$select=ID&$expand=Tags/$ref&$filter=ID eq 1", (
        ("PATCH", "Tags('new')", {"Color": "#111111"}),), []),
    Case("J 15.4 two levels", "Customers?$select=CustomerID&$filter=CustomerID eq 'ALFKI'"
         "&$expand=Orders($select=OrderID;$filter=OrderID eq 10253;$expand=Employee($select=FirstName))",
         (("PATCH", "Employees(3)", {"FirstName": "Jo"}),), [member("Employees", **{
             "@odata.type": "#Northwind.Model.SalesPerson", "@odata.id": ROOT + "Employees(3)", "FirstName": "Jo"})],
         [{"CustomerID": "ALFKI", "Orders@odata.delta": [{"OrderID": 10253, "Employee": dict}]}]),
    Case("J 15.5 to one: deleted", "Orders?$select=OrderID&$expand=Employee($select=EmployeeID)&$filter=OrderID eq 10251", (
        ("PATCH", "Orders(10251)", {"EmployeeID": None}), ("DELETE", "Employees(4)", None)),
        [gone("Employees", "Employees(4)", "deleted")],
        [{"OrderID": 10251, "Employee": removed("deleted", EmployeeID=4)}]),
    Case("J 15.3 another related entity in the place of a deleted one", "Products?$select=ID&$expand=PriceChanges($select="
         "ProductID,ValidFrom)&$filter=ID eq 14", (
             ("DELETE", "PriceChanges(ProductID=14,ValidFrom=2023-01-01T00:00:00Z)", None),
             ("POST", "PriceChanges", {"ProductID": 14, "ValidFrom": "2024-01-01T00:00:00Z", "Price": 3})),
         Some([gone("PriceChanges", "PriceChanges(ProductID=14,ValidFrom=2023-01-01T00%3A00%3A00Z)", "deleted"),
               linked("Products", "Products(14)", "PriceChanges",
                      "PriceChanges(ProductID=14,ValidFrom=2024-01-01T00%3A00%3A00.000Z)")]),
         [{"ID": 14, "PriceChanges@odata.delta": [removed("deleted", ProductID=14, ValidFrom="2023-01-01T00:00:00Z"),
                                                  {"ProductID": 14, "ValidFrom": "2024-01-01T00:00:00.000Z"}]}]),
    Case("J 15.3 references", "Products?$select=ID&$expand=Tags/$ref&$filter=ID eq 1", (
        ("POST", "Products(1)/Tags/$ref", {"@odata.id": "Tags('gift')"}), ("DELETE", "Products(1)/Tags('new')/$ref", None)),
        [unlinked("Products", "Products(1)", "Tags", "Tags('new')"), linked("Products", "Products(1)", "Tags", "Tags('gift')")],
        [{"ID": 1, "Tags@odata.delta": [removed("changed", Name="new"), {"@odata.id": ROOT + "Tags('gift')"}]}]),
    Case("P 11.3.1 a number of related entities", "Products?$select=ID&$expand=Tags/$count&$filter=ID eq 1",
         (("POST", "Products(1)/Tags/$ref", {"@odata.id": "Tags('gift')"}),), [{"ID": 1, "Tags@odata.count": 3}]),
    Case("J 15.2 the first of many: in full", "Products?$select=ID&$expand=Tags($select=Name;$orderby=Color;$top=1)"
         "&$filter=ID eq 1", (("PATCH", "Tags('vegan')", {"Color": "#000000"}),),
         [member("Tags", Name="vegan"), linked("Products", "Products(1)", "Tags", "Tags('vegan')")],
         [{"ID": 1, "Tags": [{"Name": "vegan"}]}]),
    Case("J 15.3 a filter of related entities", "Categories?$select=ID&$expand=Products($select=ID;$filter=UnitPrice lt 15)"
         "&$filter=ID eq 1", (("PATCH", "Products(1)", {"UnitPrice": 3}),),
         [member("Products", ID=1), linked("Categories", "Categories(1)", "Products", "Products(1)")],
         [{"ID": 1, "Products@odata.delta": [{"ID": 1}]}]),
    Case("J 15.3 contained", "Warehouses?$select=Code&$expand=Shelves($select=Number;$expand=Bins($select=Label))", (
        ("POST", "Warehouses('HAM')/Shelves", {"Number": 77}), ("DELETE", "Warehouses('HAM')/Shelves(1)", None)),
        [gone("Warehouses('HAM')/Shelves", "Warehouses('HAM')/Shelves(1)", "deleted"),
         member("Warehouses('HAM')/Shelves", Number=77),
         linked("Warehouses", "Warehouses('HAM')", "Shelves", "Warehouses('HAM')/Shelves(77)")],
        [{"Code": "HAM", "Shelves@odata.delta": [removed("deleted", Number=1), {"Number": 77, "Bins": []}]}]),
    Case("J 15.3 what is related, with what is related to it", "Customers?$select=CustomerID&$filter=CustomerID eq 'ALFKI'"
         "&$expand=Orders($select=OrderID;$expand=Details($select=Quantity,ProductID,OrderID))",
         (("POST", "Orders", {"CustomerID": "ALFKI", "Details": [{"ProductID": 1, "Quantity": 5, "UnitPrice": 1}]}),
          ("PATCH", "OrderDetails(OrderID=10253,ProductID=1)", {"Quantity": 77})),
         Some([member("Orders", OrderID=10274),
               linked("Orders", "Orders(10274)", "Details", "OrderDetails(OrderID=10274,ProductID=1)")]),
         [{"CustomerID": "ALFKI", "Orders@odata.delta": Some([
             {"OrderID": 10274, "Details": [{"OrderID": 10274, "ProductID": 1, "Quantity": 5}]},
             {"OrderID": 10253, "Details@odata.delta": [{"OrderID": 10253, "ProductID": 1, "Quantity": 77}]}])}]),
    Case("P 11.2.5.2.1.1 $levels", "Employees?$select=EmployeeID&$filter=EmployeeID eq 2"
         "&$expand=Reports($levels=2;$select=EmployeeID)", (("PATCH", "Employees(7)", {"Manager": {"@id": "Employees(8)"}}),),
         [unlinked("Employees", "Employees(5)", "Reports", "Employees(7)"),
          member("Employees", EmployeeID=7), linked("Employees", "Employees(8)", "Reports", "Employees(7)")],
         [{"EmployeeID": 2, "Reports@odata.delta": [
             {"EmployeeID": 5, "Reports@odata.delta": [removed("changed", EmployeeID=7)]},
             {"EmployeeID": 8, "Reports@odata.delta": [{"EmployeeID": 7}]}]}]),
    Case("P 11.3.1 of a derived type", "Products/Northwind.Model.DigitalProduct?$filter=UnitPrice lt 15&$select=ID", (
        ("PATCH", "Products(1)", {"UnitPrice": 99}),), []),
    Case("P 11.3.2 still in the result, less one link", "Products?$select=ID&$expand=Tags($select=Name)&$filter=ID eq 1 and UnitPrice lt 50", (
        ("PATCH", "Products(1)", {"UnitPrice": 20}), ("DELETE", "Products(1)/Tags('new')/$ref", None)),
        [{"ID": 1}, unlinked("Products", "Products(1)", "Tags", "Tags('new')"), member("Tags", Name="vegan"),
         linked("Products", "Products(1)", "Tags", "Tags('vegan')")], [{"ID": 1, "Tags": [{"Name": "vegan"}]}]),
    Case("P 11.3.2 deleted and made again: related", "Products?$select=ID&$expand=Tags($select=Name)&$filter=ID le 2", (
        ("DELETE", "Tags('vegan')", None), ("POST", "Tags", {"Name": "vegan", "Products": [{"@id": "Products(2)"}]})),
        [gone("Tags", "Tags('vegan')", "deleted"), member("Tags", Name="vegan"),
         linked("Products", "Products(2)", "Tags", "Tags('vegan')")],
        [{"ID": 1, "Tags@odata.delta": [removed("deleted", Name="vegan")]}, {"ID": 2, "Tags@odata.delta": [{"Name": "vegan"}]}]),
    Case("P 11.3.2 deleted and made again: in the result", "Tags?$select=Name&$expand=Products($select=ID)&$filter=Name eq 'vegan'", (
        ("DELETE", "Tags('vegan')", None), ("POST", "Tags", {"Name": "vegan"})),
        [gone("Tags", "Tags('vegan')", "deleted"), {"Name": "vegan"}], Some([{"Name": "vegan", "Products": []}])),
    Case("J 15.2 nothing of what is expanded", "Categories?$select=ID&$expand=Products($select=ID;$filter=UnitPrice lt 15)",
         (("PATCH", "Products(2)", {"Name": "Chang 2"}),), []),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{case.spec}: {case.query}"[:90] for case in CASES])
def test_delta(private: Callable[..., Client], case: Case) -> None:
    client = private(case.model)
    link = delta_link(client, case.query)
    change(client, *case.changes)
    old, new = client.get(link), client.get(link, MODERN)
    for body, expected in ((old, case.old), (new, case.old if case.new is None else case.new)):
        assert re.fullmatch(re.escape(ROOT) + r"\$metadata#.*/\$delta", body["@odata.context"])
        assert "@odata.nextLink" not in body
        assert not (found := list(differences(expected, value(body)))), found
        assert isinstance(expected, Some) or [set(each) for each in value(body)] == [set(each) for each in expected]
        again = body["@odata.deltaLink"].removeprefix(ROOT)
        assert client.get(again)["value"] == []


def test_what_was_made_again_is_told_of_last(private: Callable[..., Client]) -> None:
    """P 11.3.2: the changes, applied in order, give the present. SQLite puts the new entity in the row of the first one."""
    client = private("northwind")
    link = delta_link(client, "Tags?$select=Name")
    change(client, ("DELETE", "Tags('long-lasting')", None), ("DELETE", "Tags('unused')", None), ("POST", "Tags", {"Name": "unused"}))
    for headers in ({}, MODERN):
        assert value(client.get(link, headers))[-1] == {"Name": "unused"}


# --- single entities -------------------------------------------------------------------------------------

SINGLE = [
    ("Products(1)?$select=ID,Name", ("PATCH", "Products(1)", {"Name": "Mate"}), {"ID": 1, "Name": "Mate"}, "Products(ID,Name)/$entity/$delta"),
    ("Products(1)?$select=ID,Name", ("PATCH", "Products(2)", {"Name": "Mate"}), {"@odata.id": ROOT + "Products(1)"},
     "Products(ID,Name)/$entity/$delta"),
    ("Tags('new')", ("DELETE", "Tags('new')", None), {"id": ROOT + "Tags('new')", "reason": "deleted"}, "Tags/$deletedEntity"),
    ("Warehouses('HAM')/Shelves(1)?$select=Number,MaxLoad", ("PATCH", "Warehouses('HAM')/Shelves(1)", {"MaxLoad": 5}),
     {"Number": 1, "MaxLoad": 5}, "Warehouses('HAM')/Shelves(Number,MaxLoad)/$entity/$delta"),
    ("Company?$select=ID,Name", ("PATCH", "Company", {"Name": "North"}), {"ID": 1, "Name": "North"}, "Company(ID,Name)/$delta"),
]


@pytest.mark.parametrize(("query", "changed", "expected", "fragment"), SINGLE, ids=[row[0] + row[1][1] for row in SINGLE])
def test_single_entities(private: Callable[..., Client], query: str, changed: Change, expected: dict[str, Any],
                         fragment: str) -> None:
    """P 11.3, J 15.1: one object, the delta link in it."""
    client = private("northwind")
    link = delta_link(client, query)
    change(client, changed)
    body = client.get(link)
    assert body.pop("@odata.context") == f"{ROOT}$metadata#{fragment}"
    assert body.pop("@odata.deltaLink").startswith(ROOT)
    body.pop("@odata.etag", None)
    assert body == expected


# --- pages, counts, forms --------------------------------------------------------------------------------

def test_pages(private: Callable[..., Client]) -> None:
    """P 11.3.2: pages of changes end with a new delta link; what changes between pages of either kind is told."""
    client = private("northwind", page_size=3)
    first = client.get("Tags?$select=Name", TRACK)
    change(client, ("POST", "Tags", {"Name": "between"}), ("DELETE", "Tags('new')", None))
    link = delta_link(client, "Tags?$select=Name")
    body = first
    while "@odata.nextLink" in body:
        body = client.get(body["@odata.nextLink"].removeprefix(ROOT))
    assert value(client.get(body["@odata.deltaLink"].removeprefix(ROOT))) == [
        gone("Tags", "Tags('new')", "deleted"), {"Name": "between"}]
    change(client, *(("POST", "Tags", {"Name": f"t{number}"}) for number in range(7)))
    assert client.send(link.replace("?", "/$count?")).text == "7"
    counted = client.get(link + "&$count=true", {"Prefer": "maxpagesize=2"})
    assert list(counted)[:2] == ["@odata.context", "@odata.count"] and (counted["@odata.count"], len(counted["value"])) == (7, 2)
    pages = client.pages(link, {"Prefer": "maxpagesize=2,track-changes"})
    assert [[each["Name"] for each in page["value"]] for page in pages] == [["t0", "t1", "t2"][:2], ["t2", "t3"], ["t4", "t5"], ["t6"]]
    assert ["@odata.deltaLink" in page for page in pages] == [False, False, False, True]
    page = client.send(link, {"Prefer": "maxpagesize=2,odata.track-changes"})
    assert page.headers["preference-applied"] == "maxpagesize=2, odata.track-changes"
    change(client, ("DELETE", "Tags('t3')", None), ("POST", "Tags", {"Name": "late"}))
    rest = client.pages(pages[0]["@odata.nextLink"].removeprefix(ROOT))
    told = [each["Name"] for page in rest for each in page["value"]]
    assert told == ["t2", "t4", "t5", "t6"]
    assert value(client.get(rest[-1]["@odata.deltaLink"].removeprefix(ROOT)))[-1] == {"Name": "late"}


def test_flat_pages(private: Callable[..., Client]) -> None:
    """P 11.3.2: a page ends among the links of one entity, the next goes on there."""
    client = private("northwind")
    link = delta_link(client, "Products?$select=ID&$expand=Tags($select=Name)&$filter=ID eq 3")
    change(client, *(("POST", "Products(3)/Tags/$ref", {"@odata.id": f"Tags('{name}')"}) for name in ("new", "sale", "gift")))
    whole = value(client.get(link))
    assert len(whole) == 6
    pages = client.pages(link, {"Prefer": "maxpagesize=4"})
    assert [len(page["value"]) for page in pages] == [4, 2]
    assert [each for page in pages for each in value(page)] == whole


def test_the_link(private: Callable[..., Client]) -> None:
    """P 11.3.1: it keeps the query, not what cuts and counts it."""
    client = private("northwind")
    link = delta_link(client, "Products?$top=2&$skip=1&$orderby=Name&$count=true&$filter=ID gt 3&$select=ID,Name&$search=NOT x")
    names = sorted(part.partition("=")[0] for part in link.partition("?")[2].split("&"))
    assert names == ["$deltatoken", "$filter", "$search", "$select"]


def test_full_metadata(private: Callable[..., Client]) -> None:
    """J 15.3: a removed entity has a context and its id."""
    client = private("northwind")
    link = delta_link(client, "Tags")
    change(client, ("DELETE", "Tags('new')", None))
    body = client.get(link, {**MODERN, "Accept": "application/json;metadata=full"})
    assert [list(each) for each in body["value"]] == [["@context", "@removed", "@id", "Name"]]
    assert list(body) == ["@context", "value", "@deltaLink"]


def test_a_nested_delta_is_a_body(private: Callable[..., Client]) -> None:
    """J 15.3, 15.6: what an answer says of one service makes another one the same."""
    first, second = private("northwind"), private("northwind")
    query = "Products?$select=ID,Name&$expand=Tags($select=Name),Reviews($select=ID,Stars)&$filter=ID le 3"
    link = delta_link(first, query)
    change(first, ("PATCH", "Products(2)", {"Name": "Chang 2"}), ("DELETE", "Reviews(1)", None),
           ("POST", "Products(1)/Tags/$ref", {"@odata.id": "Tags('gift')"}), ("DELETE", "Products(1)/Tags('new')/$ref", None),
           ("PATCH", "Reviews(3)", {"Stars": 2}))
    body = first.get(link, MODERN)
    assert len(body["value"]) == 2 and second.get(query)["value"] != first.get(query)["value"]
    change(second, ("PATCH", "Products", {"@odata.context": "#$delta", "value": value(body)}))
    assert value(second.get(query)) == value(first.get(query))


@pytest.mark.parametrize("query", ["Products/$ref", "Products/$count", "Products?$apply=aggregate($count as N)", "TopProducts(count=1)",
                                   "Orders(10253)/Customer", "Products?$select=ID&$filter=$root/Categories(1)/Name eq Name",
                                   "Employees?$expand=Reports($levels=max)", "Employees?$expand=Reports($apply=aggregate($count as N))",
                                   "Products(1)?$expand=Tags", "Products?$filter=ReleaseDate lt now()"])
def test_what_is_not_tracked(clients: Any, query: str) -> None:
    """P 8.2.8: a preference that cannot be met is left out, and not said to be applied."""
    answer = clients["northwind"].send(query, TRACK)
    assert answer.status == 200 and "preference-applied" not in answer.headers and "deltaLink" not in answer.text


def test_an_entity_with_what_is_expanded(private: Callable[..., Client]) -> None:
    """J 15.1, 15.2: nested in 4.01; 4.0 has no form for it, and its clients are told to read again."""
    client = private("northwind")
    link = delta_link(client, "Products(1)?$select=ID&$expand=Tags($select=Name)", MODERN)
    change(client, ("DELETE", "Products(1)/Tags('new')/$ref", None))
    assert client.get(link, MODERN)["Tags@odata.delta"] == [removed("changed", Name="new")]
    assert client.send(link).status == 410


def test_metadata_none(clients: Any) -> None:
    """J 3.1.3: no delta without control information."""
    client = clients["northwind"]
    none = {"Accept": "application/json;odata.metadata=none"}
    assert "deltaLink" not in client.send("Tags", {**TRACK, **none}).text
    assert client.send(delta_link(client, "Tags"), none).status == 400


# --- tokens ----------------------------------------------------------------------------------------------

def test_tokens(private: Callable[..., Client]) -> None:
    """P 11.3.2: a token that says nothing (any more) is 410, with the URL that reads everything again."""
    client = private("northwind")
    query = "Tags?$select=Name&$filter=Color ne 'x'"
    link = delta_link(client, query)
    for wrong in (link + "x", link.replace("Name", "Color"), "Tags?$deltatoken=nonsense", link.replace("Tags", "Regions")):
        answer = client.send(wrong) if "Regions" not in wrong else client.send("Regions?" + link.split("&")[-1])
        assert answer.status == 410, answer.text
        assert answer.json["error"]["code"] == "deltaTokenExpired"
    answer = client.send(link + "x")
    assert client.send(answer.headers["location"].removeprefix(ROOT)).status == 200


def test_retention(private: Callable[..., Client]) -> None:
    """What is older than the settings keep is gone: tokens from before it are 410, later ones work."""
    client = private("northwind")
    service: Service = client.service
    before = delta_link(client, "Tags?$select=Name")
    change(client, *(("POST", "Tags", {"Name": f"t{number}"}) for number in range(3)))
    after = delta_link(client, "Tags?$select=Name")
    assert changelog.purge(service.store, "2025-11-29T15:00:00Z") == 0
    assert len(client.get(before)["value"]) == 3
    gone, patience = 0, time.monotonic() + 60
    while gone < 2 and time.monotonic() < patience:     # PostgreSQL keeps what is younger than any transaction on the server
        gone += changelog.purge(service.store, "2025-12-30T00:00:00Z")
    assert gone == 2
    assert client.send(before).status == 410
    change(client, ("POST", "Tags", {"Name": "last"}))
    assert value(client.get(after)) == [{"Name": "last"}]


def test_a_slow_writer(private: Callable[..., Client]) -> None:
    """P 11.3.2: what is committed late is told later, however early it was begun."""
    client = private("northwind")
    store = client.service.store
    link = delta_link(client, "Tags?$select=Name")
    begun, go = threading.Event(), threading.Event()

    def slow() -> None:
        from app.plan.changes import Change as Wanted
        from app.service.session import WriteSession
        with store.write():
            session = WriteSession(client.service.catalogue, now=client.service.now())
            session.create("Tags", Wanted("Northwind.Model.Tag", "create", {"Name": "slow"}))
            session.finish()
            begun.set()
            go.wait(20)
    writer = threading.Thread(target=slow)
    writer.start()
    assert begun.wait(20)
    fast = store.dialect.name == "postgresql"           # the other stores let one write at a time
    if fast:
        change(client, ("POST", "Tags", {"Name": "fast"}))
    body = client.get(link)
    assert value(body) == ([{"Name": "fast"}] if fast else [])
    go.set()
    writer.join(20)
    assert value(client.get(body["@odata.deltaLink"].removeprefix(ROOT))) == [{"Name": "slow"}]


@pytest.mark.parametrize("headers", [{}, {"OData-MaxVersion": "4.01"}])
def test_what_became_null_is_told(private: Callable[..., Client], headers: dict[str, str]) -> None:
    """P 8.2.8.6: `omit-values` leaves nothing out of a delta."""
    client = private("northwind")
    link = delta_link(client, "Products?$select=Weight,Rating", headers)
    change(client, ("PATCH", "Products(1)", {"Weight": None}))
    answer = client.send("GET " + link, {**headers, "Prefer": "omit-values=nulls"})
    assert value(answer.json) == [{"@odata.id": ROOT + "Products(1)", "Rating": Decimal("4.5"), "Weight": None}]
    assert "preference-applied" not in answer.headers


FULL: dict[str, Any] = {"CompanyName": "x"}
LOST: list[tuple[str, str, list[Change], list[Change], Any]] = [    # model, query, before, between, what is told
    ("northwind", "Customers", [("PATCH", "Customers('ALFKI')", {"Mood": "fine", "Level": 5})], [("PUT", "Customers('ALFKI')", {**FULL, "Level": 6})], [{"CompanyName": "x", "Mood": None, "Level": 6}]),
    ("northwind", "Customers", [("PATCH", "Customers('ALFKI')", {"Mood": "fine"})], [("DELETE", "Customers('ALFKI')/Mood", None)], [{"Mood": None}]),
    ("northwind", "Customers?$select=CompanyName,Mood,Level", [("PATCH", "Customers('ALFKI')", {"Mood": "fine", "Level": 5})], [("PUT", "Customers('ALFKI')", FULL)], [{"Level": None, "Mood": None}]),
    ("northwind", "Customers?$select=CompanyName", [("PATCH", "Customers('ALFKI')", {"Mood": "fine"})], [("PUT", "Customers('ALFKI')", FULL)], [{"CompanyName": "x", "Mood": ABSENT}]),
    ("northwind", "Customers", [("PATCH", "Customers('ALFKI')", {"Mood": "fine"})], [("PUT", "Customers('ALFKI')", FULL), ("PATCH", "Customers('ALFKI')", {"Mood": "well"})], [{"Mood": "well"}]),
    ("northwind", "Customers?$filter=Mood eq null", [("PATCH", "Customers('ALFKI')", {"Mood": "fine"})], [("PUT", "Customers('ALFKI')", FULL)], [{"CustomerID": "ALFKI", "Mood": None}]),
    ("northwind", "Orders?$select=OrderID&$expand=Customer", [("PATCH", "Customers('BLAUS')", {"Mood": "fine"}), ("PATCH", "Orders(10248)", {"CustomerID": "BLAUS"})],
     [("PUT", "Customers('BLAUS')", FULL)], Some([{"OrderID": 10248, "Customer": {"CustomerID": "BLAUS", "Mood": None}}])),
    ("workshop", "Tools", [("POST", "Tools", {"Code": "t1", "Spot": {"Shelf": "s", "Lamp": True, "Dust": 2}})], [("PUT", "Tools('t1')/Spot", {"Dust": 3})], [{"Code": "t1", "Spot": {"Shelf": None, "Dust": 3, "Lamp": None}}]),
    ("workshop", "Tools?$select=Spot/Shelf", [("POST", "Tools", {"Code": "t1", "Spot": {"Lamp": True}})], [("PUT", "Tools('t1')/Spot", {"Shelf": "s"})], [{"Spot": {"Shelf": "s", "Lamp": ABSENT}}]),
    ("workshop", "Tools", [("POST", "Tools", {"Code": "t1", "Spot": {"Lamp": True}})], [("PATCH", "Tools('t1')", {"Spot": None})], [{"Spot": None}]),
    ("workshop", "Tools", [("POST", "Tools", {"Code": "t1"})], [("PATCH", "Tools('t1')", {"Extra": 1}), ("PUT", "Tools('t1')", {})], [{"Code": "t1", "Extra": None}]),
    ("workshop", "Tools", [], [("POST", "Tools", {"Code": "t1", "Extra": 1}), ("PUT", "Tools('t1')", {})], [{"Code": "t1", "Extra": ABSENT}]),
]


@pytest.mark.parametrize(("model", "query", "before", "between", "told"), LOST, ids=[f"{row[0]}-{number}" for number, row in enumerate(LOST)])
@pytest.mark.parametrize("headers", [{}, {"OData-MaxVersion": "4.01"}], ids=["4.0", "4.01"])
def test_dynamic_properties_that_are_gone_are_told_as_null(model: str, query: str, before: list[Change], between: list[Change], told: Any,
                                                           headers: dict[str, str], private: Callable[..., Client]) -> None:
    """P 11.4.3: null and absent are the same of a dynamic property, but what is not told is unchanged."""
    client = private(model)
    change(client, *before)
    if "$expand" in query and not headers:      # beside its order, not in it
        told = Some([{"CustomerID": "BLAUS", "Mood": None}])
    link = delta_link(client, query, headers)
    change(client, *between)
    assert list(differences(told, client.send("GET " + link, headers).json["value"])) == []

"""`$orderby`, `$top`, `$skip`, `$count`, and pages: each row once, in one order, whatever the sort (Protocol §11.2.6).

Paging rows are compared with the unpaged answer; statement counts are those of the store's own report.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Client, Exchange, rows, split

NS = "Northwind.Model."
ALL = list(range(1, 17))
NEXT, COUNT = "@odata.nextLink", "@odata.count"


# --- $orderby --------------------------------------------------------------------------------------------

ORDER: list[tuple[str, str, str, str, list[Any]]] = [
    ("P 11.2.6.2", "northwind", "Products?$orderby=Rating&$select=ID", "ID",
     [3, 10, 13, 16, 12, 7, 9, 4, 14, 8, 11, 2, 1, 15, 5, 6]),
    ("P 11.2.6.2", "northwind", "Products?$orderby=Rating desc,ID&$select=ID", "ID",
     [6, 5, 1, 15, 2, 11, 8, 14, 4, 9, 7, 12, 3, 10, 13, 16]),
    ("P 11.2.6.2", "northwind", "Products?$orderby=Rating ASC,ID DESC&$top=5", "ID", [16, 13, 10, 3, 12]),
    ("P 11.2.6.2", "northwind", "Products?$orderby=UnitPrice desc,Name&$top=3", "Name", ["Ipoh Coffee", "Queso Manchego La Pastora", "OData in a Week (e-book)"]),
    ("P 11.2.6.2", "northwind", "Products?$orderby=Discontinued desc,ID&$top=4", "ID", [9, 13, 16, 1]),
    ("P 11.2.6.2", "northwind", "Products?$orderby=Category/Name,ID", "ID", [7, 13, 16, 1, 2, 14, 15, 11, 12, 3, 4, 10, 8, 9, 5, 6]),
    ("P 11.2.6.2", "northwind", "Products?$orderby=Category/Name desc,ID desc&$top=4", "ID", [6, 5, 9, 8]),
    ("P 11.2.6.2", "northwind", "Products?$orderby=Dimensions/Width desc,ID&$top=3", "ID", [8, 13, 7]),
    ("P 11.2.6.2", "northwind", "Products?$orderby=length(Name),ID&$top=4", "ID", [16, 1, 7, 2]),
    ("P 11.2.6.2", "northwind", "Products?$orderby=tolower(Name) desc&$top=3", "ID", [7, 13, 9]),
    ("P 11.2.6.2", "northwind", "Products?$orderby=UnitPrice mul UnitsInStock desc&$top=2", "ID", [6, 14]),
    ("P 11.2.6.2", "northwind", f"Products?$orderby={NS}PerishableProduct/ShelfLife desc&$top=3", "ID", [6, 5, 7]),
    ("P 11.2.6.2", "northwind", "Products?$orderby=Tags/$count desc,ID&$top=3", "ID", [14, 7, 1]),
    ("P 11.2.6.2", "northwind", "Products?$orderby=CategoryID ne null,ID&$top=4", "ID", [7, 13, 16, 1]),
    ("P 11.2.6.1.3", "northwind", "Products?$orderby=UnitPrice add @x desc&@x=1&$top=1", "ID", [15]),
    ("P 11.2.6.2", "northwind", "Customers?$orderby=CustomerID", "CustomerID",
     ["A'B&C", "ALFKI", "ANATR", "ANTON", "AROUT", "BERGS", "BLAUS", "a/b c"]),
    ("P 11.2.6.2", "northwind", "Customers?$orderby=Orders/$count desc,CustomerID&$top=3", "CustomerID", ["ALFKI", "AROUT", "A'B&C"]),
    ("P 11.2.6.2", "northwind", "Customers?$orderby=loyaltyPoints desc,CustomerID&$top=3", "CustomerID", ["ALFKI", "AROUT", "A'B&C"]),
    ("P 11.2.6.2", "northwind", "Customers?$orderby=CreditLimit,CustomerID", "CustomerID",
     ["ANATR", "BLAUS", "a/b c", "ANTON", "A'B&C", "BERGS", "ALFKI", "AROUT"]),
    ("P 11.2.6.2", "northwind", "Orders?$orderby=Status desc,OrderID&$top=2", "OrderID", [10252, 10257]),
    ("P 11.2.6.2", "northwind", "Orders?$orderby=Freight,OrderID&$top=6", "OrderID", [10248, 10254, 10260, 10266, 10272, 10269]),
    ("P 11.2.6.2", "northwind", "Employees?$orderby=ShiftLength desc,EmployeeID&$top=3", "EmployeeID", [9, 2, 1]),
    ("P 11.2.6.2", "northwind", "Employees?$orderby=ShiftStart,EmployeeID", "EmployeeID", [4, 9, 7, 2, 1, 8, 3, 5, 6]),
    ("P 11.2.6.2", "northwind", "Employees?$orderby=Manager/LastName,LastName&$top=4", "EmployeeID", [2, 9, 7, 6]),
    ("P 11.2.6.2", "northwind", "Words?$orderby=group desc,in&$top=2", "in", ["alpha", "$count"]),
    ("P 11.2.6.2", "northwind", "Categories(1)/Products?$orderby=UnitPrice", "ID", [14, 1, 2, 15]),
    ("P 11.2.6.2", "northwind", "Tags('vegan')/Products?$orderby=Name desc", "ID", [7, 14, 10, 1]),
    ("P 11.2.6.2", "northwind", "Warehouses('HAM')/Shelves?$orderby=MaxLoad desc", "Number", [1, 2]),
    ("P 11.2.6.2", "types", "Plains?$orderby=String,ID", "ID", [1, 2, 5, 6, 8, 3, 7, 4, 9, 10, 11, 12]),
    ("P 11.2.6.2", "types", "Plains?$orderby=Decimal,ID&$filter=Decimal ne null", "ID", [7, 4, 2, 6, 5, 3]),
    ("P 11.2.6.2", "types", "Plains?$orderby=Double,ID&$filter=Double ne null", "ID", [6, 2, 4, 5, 7, 3]),
    ("P 11.2.6.2", "types", "Plains?$orderby=Int64 desc&$top=4", "ID", [3, 4, 5, 2]),
    ("P 11.2.6.2", "types", "Plains?$orderby=DateTimeOffset desc&$top=4", "ID", [3, 4, 5, 2]),
    ("P 11.2.6.2", "types", "Plains?$orderby=Duration&$filter=Duration ne null", "ID", [4, 2, 5, 3]),
    ("P 11.2.6.2", "types", "Plains?$orderby=Boolean,ID&$filter=Boolean ne null", "ID", [2, 3, 4]),
    ("P 11.2.6.2", "types", "Plains?$orderby=Guid desc&$top=3", "ID", [3, 4, 2]),
    ("P 11.2.6.2", "types", "Plains?$orderby=TimeOfDay desc&$top=3", "ID", [3, 4, 2]),
    ("P 11.2.6.2", "types", "Plains?$orderby=Enum&$filter=Enum ne null", "ID", [2, 3, 4]),
    ("P 11.2.6.2", "industryData", "referenceDefinitions?$orderby=sortOrder desc,id&$top=2", "id", ["RefSubject-localHistory", "RefSubject-schoolGarden"]),
    ("P 11.2.6.2", "industryData", "incomingFlowRuns?$orderby=startDateTime desc&$top=3", "startDateTime",
     ["2025-11-29T14:01:10Z", "2025-11-29T14:00:41.2093715Z", "2025-11-29T14:00:12Z"]),
]


@pytest.mark.parametrize(("spec", "model", "target", "member", "values"), ORDER, ids=[f"{row[0]}: {row[2]}"[:100] for row in ORDER])
def test_order(clients: Clients, spec: str, model: str, target: str, member: str, values: list[Any]) -> None:
    found = [entity[member] for entity in clients[model].get(target)["value"]]
    if "startDateTime" in target:
        assert found == sorted(found, reverse=True) and len(found) == len(values)
    else:
        assert found == values, spec


AMOUNTS = [
    Exchange("P 11.2.6.3", "Products?$top=2", 200, {"value": [{"ID": 1}, {"ID": 2}], NEXT: ABSENT}),
    Exchange("P 11.2.6.3", "Products?$top=0", 200, {"value": [], NEXT: ABSENT}),
    Exchange("P 11.2.6.3", "Products?$top=0&$count=true", 200, {"value": [], COUNT: 16}),
    Exchange("P 11.2.6.3", "Products?$top=99999999999999999999999", 200, {"value": [{}] * 16}),
    Exchange("P 11.2.6.4", "Products?$skip=14", 200, {"value": [{"ID": 15}, {"ID": 16}]}),
    Exchange("P 11.2.6.4", "Products?$skip=99", 200, {"value": []}),
    Exchange("P 11.2.6.4", "Products?$skip=99999999999999999999999&$count=true", 200, {"value": [], COUNT: 16}),
    Exchange("P 11.2.6.4", "Products?$top=2&$skip=3", 200, {"value": [{"ID": 4}, {"ID": 5}]}),
    Exchange("P 11.2.6.4", "Products?$skip=3&$top=2", 200, {"value": [{"ID": 4}, {"ID": 5}]}),
    Exchange("P 11.2.6.4", "Products?$skip=0&$top=1", 200, {"value": [{"ID": 1}]}),
    Exchange("P 11.2.6.5", "Products?$count=true&$top=2", 200, {COUNT: 16, "value": [{}, {}]}),
    Exchange("P 11.2.6.5", "Products?$count=true&$skip=10", 200, {COUNT: 16, "value": [{}] * 6}),
    Exchange("P 11.2.6.5", "Products?$count=true&$filter=Discontinued&$top=1", 200, {COUNT: 3, "value": [{"ID": 9}]}),
    Exchange("P 11.2.6.5", "Products?$count=TRUE", 200, {COUNT: 16}),
    Exchange("P 11.2.6.5", "Products?$count=false", 200, {COUNT: ABSENT}),
    Exchange("P 11.2.6.5", "Products?count=true", 200, {COUNT: 16}),
    Exchange("P 11.2.6.5", "Categories(1)/Products?$count=true&$top=1", 200, {COUNT: 4, "value": [{"ID": 1}]}),
    Exchange("P 11.2.6.5", "Categories(6)/Products?$count=true", 200, {COUNT: 0, "value": []}),
    Exchange("P 11.2.6.5", "Products?$count=1", 400, {"error": {"target": "$count"}}),
    Exchange("P 11.2.6.5", "Products?$count=", 400),
    Exchange("P 11.2.6.3", "Products?$top=-1", 400, {"error": {"target": "$top"}}),
    Exchange("P 11.2.6.3", "Products?$top=+1", 400),
    Exchange("P 11.2.6.3", "Products?$top=1.5", 400),
    Exchange("P 11.2.6.3", "Products?$top=a", 400),
    Exchange("P 11.2.6.3", "Products?$top=", 400),
    Exchange("P 11.2.6.4", "Products?$skip=-1", 400, {"error": {"target": "$skip"}}),
    Exchange("P 11.2.6", "Products?$top=1&$top=1", 400),
    Exchange("P 11.2.6", "Products?$top=1&top=1", 400),
    Exchange("P 11.2.6", "Products?$top=1&$TOP=1", 400),
    Exchange("U 5.1", "Products(1)?$top=1", 400, {"error": {"target": "$top"}}),
    Exchange("U 5.1", "Products(1)?$count=true", 400),
    Exchange("U 5.1", "Products(1)/Name?$top=1", 400),
    Exchange("P 11.2.6.2", "Products?$orderby=Nmae", 400, {"error": {"code": "unknownProperty", "target": "$orderby", "message": re.compile("'Name'")}}),
    Exchange("P 11.2.6.2", "Products?$orderby=Tags", 400),
    Exchange("P 11.2.6.2", "Products?$orderby=Dimensions", 400),
    Exchange("P 11.2.6.2", "Products?$orderby=Category", 400),
    Exchange("P 11.2.6.2", "Products?$orderby=Tags/Name", 400),
    Exchange("P 11.2.6.2", "Products?$orderby=ShelfLife", 400, {"error": {"message": re.compile("PerishableProduct/ShelfLife")}}),
    Exchange("P 11.2.6.2", "Categories?$orderby=Picture", (400, 501)),
    Exchange("P 11.2.6.2", "Products?$orderby=Name up", 400),
    Exchange("P 11.2.6.2", "Products?$orderby=Name,", 400),
    Exchange("P 11.2.6.2", "Products?$orderby=", 400),
    Exchange("P 11.2.6.2", "incomingFlowRuns?$orderby=extractedData", 400, model="industryData"),
    Exchange("P 11.2.6.2", "Products/$count?$orderby=Name", (200, 400)),
    Exchange("P 8.2.8.5", "Products?$top=3", 200, {"value": [{"ID": 1}, {"ID": 2}], NEXT: str},
             {"Preference-Applied": "maxpagesize=2"}, {"Prefer": "maxpagesize=2"}),
    Exchange("P 8.2.8.5", "Products?$top=2", 200, {"value": [{"ID": 1}, {"ID": 2}], NEXT: ABSENT}, sent={"Prefer": "maxpagesize=2"}),
    Exchange("P 13.2.1(4)", "Products", 200, {"value": [{"ID": 1}, {"ID": 2}], NEXT: str},
             {"Preference-Applied": "odata.maxpagesize=2"}, {"Prefer": "odata.maxpagesize=2"}),
    Exchange("P 8.2.8", "Products?$top=1", 200, {"value": [{}]}, {"Preference-Applied": None}, {"Prefer": "unheard-of=1; x, maxpagesize=0"}),
    Exchange("P 8.2.8.5", "Products?$select=ID", 200, {"value": [{}] * 16, NEXT: ABSENT}, sent={"Prefer": "maxpagesize=16"}),
    Exchange("P 8.2.8", "Products", 200, {"value": [{}] * 3}, {"Preference-Applied": "maxpagesize=3"},
             {"Prefer": "return=minimal, maxpagesize=3, maxpagesize=5"}),
    Exchange("P 8.2.8.5", "Products/$ref", 200, {"value": [{"@odata.id": f"{ROOT}Products(1)"}], NEXT: str}, sent={"Prefer": "maxpagesize=1"}),
    # tokens that this service did not give for this request
    Exchange("P 11.2.6.7", "Products?$skiptoken=abc", 400, {"error": {"code": "invalidToken", "target": "$skiptoken"}}),
    Exchange("P 11.2.6.7", "Products?$skiptoken=10447", 400),
    Exchange("P 11.2.6.7", "Products?$skiptoken=%00%ff", 400),
    Exchange("P 11.2.6.7", "Products?$skiptoken=é", 400),
    Exchange("P 11.2.6.7", "Products?$skiptoken=", 400),
    Exchange("P 11.2.6.7", "Products?$skiptoken=" + base64.urlsafe_b64encode(bytes(12) + b"[null,1]").decode().rstrip("="), 400),
]


@rows(AMOUNTS)
def test_amounts(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


# --- pages -----------------------------------------------------------------------------------------------

PAGED = [
    ("northwind", "Products", 5), ("northwind", "Products?$orderby=Rating", 3), ("northwind", "Products?$orderby=Rating desc", 3),
    ("northwind", "Products?$orderby=Rating,Name desc", 1), ("northwind", "Products?$orderby=CategoryID", 2),
    ("northwind", "Products?$orderby=CategoryID desc", 2), ("northwind", "Products?$orderby=Category/Name desc,UnitPrice", 4),
    ("northwind", "Products?$orderby=length(Name)", 3), ("northwind", "Products?$orderby=Features", 4),
    ("northwind", "Products?$orderby=ReleaseDate desc", 5), ("northwind", "Products?$orderby=Discontinued desc,Rating", 2),
    ("northwind", "Products?$orderby=Name", 5), ("northwind", "Products?$orderby=UnitPrice mul 2 desc", 5),
    ("northwind", "Products?$orderby=Tags/$count", 5), ("northwind", "Products?$orderby=Dimensions/Depth,Dimensions/Width desc", 3),
    ("northwind", f"Products?$orderby={NS}PerishableProduct/ShelfLife", 6), ("northwind", "Products?$orderby=Supplier/Address/City", 3),
    ("northwind", "Products?$filter=UnitPrice gt 10&$orderby=Rating&$select=Name", 3),
    ("northwind", "Products?$select=Name&$orderby=UnitPrice desc&$expand=Category($select=Name)", 5),
    ("northwind", "Products?$skip=3&$orderby=Rating desc", 4), ("northwind", "Products?$compute=UnitPrice mul 2 as twice&$orderby=twice&$select=twice", 6),
    ("northwind", "Products?$top=7&$orderby=Rating", 3), ("northwind", "Products?$top=6", 3), ("northwind", "Products?$skip=1&$top=7", 2),
    ("northwind", "OrderDetails", 10), ("northwind", "OrderDetails?$orderby=Discount,Quantity desc", 7),
    ("northwind", "PriceChanges?$orderby=Price desc", 5), ("northwind", "Customers?$orderby=loyaltyPoints", 2),
    ("northwind", "Customers?$orderby=CompanyName desc", 3), ("northwind", "Customers?$orderby=Orders/$count desc", 2),
    ("northwind", "Orders?$orderby=Freight desc", 6), ("northwind", "Orders?$orderby=DeliverAt,RequiredDate desc", 4),
    ("northwind", "Orders?$orderby=Status,CustomerID", 5), ("northwind", "Suppliers?$orderby=ID", 2),
    ("northwind", "Employees?$orderby=ShiftLength", 2), ("northwind", "Employees?$orderby=ShiftStart desc", 2),
    ("northwind", "Products?$orderby=Rating div 3", 1), ("northwind", "Products?$orderby=Rating sub 0.1 desc,ID mod 3", 1),
    ("northwind", "OrderDetails?$orderby=Discount mul 7 desc", 3), ("northwind", "Orders?$orderby=cast(Freight,Edm.Single)", 2),
    ("northwind", "Products?$orderby=UnitPrice divby 7 desc", 1), ("northwind", "Shippers?$orderby=OnTimeRatio div 3 desc", 1),
    ("northwind", "Employees?$orderby=ShiftLength div 7 desc", 2), ("northwind", "Orders?$orderby=OrderDate sub 1996-07-04T00:00:00Z desc", 3),
    ("northwind", "Products?$orderby=case(ID lt 5:'a',true:null) desc,Rating div 7", 2), ("northwind", "Products?$filter=matchesPattern(Name,@p)&@p='a'&$orderby=Rating desc", 2),
    ("northwind", "Words?$orderby=group", 2), ("northwind", "Categories(1)/Products?$orderby=Name", 2), ("northwind", "Categories(1)/Products", 1),
    ("northwind", "Tags('vegan')/Products?$orderby=UnitPrice desc", 1), ("northwind", "Warehouses('HAM')/Shelves(1)/Bins", 1),
    ("northwind", f"Products/{NS}PerishableProduct?$orderby=ShelfLife", 2), ("northwind", "Company/Warehouses", 1),
    ("northwind", "Products/$filter(UnitPrice gt 15)?$orderby=Name", 4), ("northwind", "Products/$ref?$orderby=Name", 5),
    ("northwind", "Products?filter=ID gt 2&ORDERBY=Name desc&$Select=ID", 5), ("northwind", "Products?$filter=UnitPrice gt @p&@p=10&$orderby=Name", 4),
    ("northwind", "Territories?$orderby=Region/RegionID desc,Description", 5),
    ("northwind", "Employees?$orderby=length(LastName),Manager/Manager/LastName", 2), ("northwind", "Employees?$orderby=-(EmployeeID),trim(Manager/LastName)", 3),
    ("northwind", "Products?$orderby=ID,trim(Category/Name)", 1), ("northwind", "Products?$orderby=-(ID),Category/Name,Name", 3),
    *[("types", f"Plains?$orderby={name}{direction}", 3) for name in (
        "Boolean", "Byte", "Date", "DateTimeOffset", "Decimal", "Double", "Duration", "Guid", "Int64", "Single", "String", "TimeOfDay",
        "Enum", "Flags", "Definition") for direction in ("", " desc")],
    ("types", "Anythings?$orderby=dynamic", 1), ("types", "Anythings?$orderby=Bag/ratio desc", 1), ("types", "Keyeds?$orderby=Decimal desc", 1),
    ("industryData", "incomingFlowRuns?$orderby=startDateTime", 100), ("industryData", "incomingFlowRuns?$orderby=statistics/warnings desc", 100),
    ("industryData", "incomingFlowRuns?$orderby=status,endDateTime desc", 90), ("industryData", "incomingFlowRuns?$orderby=statistics/people/total", 100),
    ("industryData", "industryData/referenceDefinitions?$orderby=createdDateTime", 50),
    ("industryData", "incomingFlows/9a1475e3-a433-5414-9935-6c414a931e37/runs?$orderby=status", 50),
]


@pytest.mark.parametrize(("model", "target", "size"), PAGED, ids=[f"P 11.2.6.7: {row[1]} by {row[2]}"[:100] for row in PAGED])
def test_pages(clients: Clients, model: str, target: str, size: int) -> None:
    """All pages together are the unpaged answer; none is longer than asked; the count is the same on each."""
    client = clients[model]
    whole = client.get(target)
    assert NEXT not in whole
    counted = target + ("&" if "?" in target else "?") + "$count=true"
    total = client.get(counted)[COUNT]
    pages = client.pages(counted, {"Prefer": f"maxpagesize={size}"})
    assert [entity for page in pages for entity in page["value"]] == whole["value"]
    assert all(len(page["value"]) == size for page in pages[:-1]) and 0 < len(pages[-1]["value"]) <= size
    assert {page[COUNT] for page in pages} == {total}
    assert {page["@odata.context"] for page in pages} == {whole["@odata.context"]}


CHANGED = ["", "Rating", "Rating desc", "Rating desc,Name", "Name,Rating desc", "length(Name) desc", "UnitPrice mul 2", "Category/Name desc,UnitPrice"]


@pytest.mark.parametrize("order", CHANGED)
def test_rows_come_and_go_between_pages(private: Callable[..., Client], order: str) -> None:
    """Each entity that stays comes once, in its place, whatever comes and goes around it; the entity that the page before
    ended with may be gone (P 11.2.6.7). Many are equal, some are null."""
    client = private("northwind")
    new = [{"ID": number, "Name": "x" * (number % 4 + 1), "Rating": (None, 2, 4)[number % 3], "UnitPrice": number % 5, "CategoryID": (None, 1, 2)[number % 3]}
           for number in range(100, 114)]
    for row in new:
        assert client.handled("POST", "Products", {"content-type": "application/json"}, json.dumps(row).encode()).status == 201
    target = "Products?$filter=ID ge 100&$select=ID" + (f"&$orderby={order}" if order else "")
    before = [entity["ID"] for entity in client.get(target)["value"]]
    page = client.get(target, {"Prefer": "maxpagesize=4"})
    shown = [entity["ID"] for entity in page["value"]]
    assert shown == before[:4]
    gone = {before[3], before[1], before[6]}
    for number in gone:
        assert client.send(f"DELETE Products({number})").status == 204
    for number, twin in enumerate((before[2], before[4], before[9], before[13]), 200):
        row = {**new[twin - 100], "ID": number}
        assert client.handled("POST", "Products", {"content-type": "application/json"}, json.dumps(row).encode()).status == 201
    rest: list[int] = []
    while NEXT in page:
        page = client.get(page[NEXT].removeprefix(ROOT), {"Prefer": "maxpagesize=4"})
        rest += [entity["ID"] for entity in page["value"]]
    after = [entity["ID"] for entity in client.get(target)["value"]]
    assert set(before[4:]) - gone <= set(rest) and not set(shown) & set(rest)
    assert rest == after[len(after) - len(rest):]


def test_next_links_keep_the_path_as_it_was(clients: Clients) -> None:
    """Keys with escaped characters stay escaped; the metadata level is the client's to repeat (P 11.2.6.7)."""
    client = clients["northwind"]
    found = client.get("Customers/A'B%26C/Orders?$select=OrderID", {"Prefer": "maxpagesize=2"})
    assert found[NEXT].startswith(f"{ROOT}Customers/A'B%26C/Orders?$select=OrderID&$skiptoken=")
    assert re.fullmatch(r"[-A-Za-z0-9._~!$&'()*+,;=:@/?%]+", found[NEXT])


def first_link(client: Client, target: str, size: int = 2) -> str:
    link = client.get(target, {"Prefer": f"maxpagesize={size}"})[NEXT]
    assert isinstance(link, str)
    return link.removeprefix(ROOT)


TAMPERED: list[tuple[str, Callable[[str], str]]] = [
    ("cut off", lambda link: link[:-1]),
    ("one letter more", lambda link: link + "A"),
    ("another letter in it", lambda link: link[:-9] + ("A" if link[-9] != "A" else "B") + link[-8:]),
    ("another set", lambda link: link.replace("Products", "Categories")),
    ("another filter", lambda link: link.replace("gt%201", "gt%202").replace("gt 1", "gt 2")),
    ("no filter", lambda link: "Products?" + link[link.index("$orderby"):]),
    ("another order", lambda link: link.replace("$orderby=Name", "$orderby=UnitPrice")),
    ("another direction", lambda link: link.replace("$orderby=Name", "$orderby=Name%20desc")),
    ("with a top", lambda link: link + "&$top=1"),
    ("twice", lambda link: link + "&" + link[link.index("$skiptoken"):]),
]


@pytest.mark.parametrize(("how", "change"), TAMPERED, ids=[how for how, _ in TAMPERED])
def test_tampered_tokens(clients: Clients, how: str, change: Callable[[str], str]) -> None:
    client = clients["northwind"]
    link = first_link(client, "Products?$filter=UnitPrice gt 1&$orderby=Name")
    assert client.send("GET " + link).status == 200
    changed = change(link)
    assert changed != link
    answer = client.send("GET " + changed)
    assert answer.status == 400, (how, answer.text)


def test_a_token_goes_with_another_format(clients: Clients) -> None:
    """What shapes the text alone may change from page to page (P 11.2.6.7)."""
    client = clients["northwind"]
    link = first_link(client, "Products?$orderby=Name")
    full = client.get(link, {"Accept": "application/json;odata.metadata=none"})
    assert [entity["ID"] for entity in full["value"]] == [entity["ID"] for entity in client.get(link)["value"]]


def test_the_page_of_the_service_itself(clients: Clients) -> None:
    """Without a wish the service's page holds; `maxpagesize` is capped; a larger `$top` is paged until satisfied."""
    client = clients.of("northwind", page_size=4, max_page_size=6)
    assert [len(page["value"]) for page in client.pages("Products")] == [4, 4, 4, 4]
    assert [len(page["value"]) for page in client.pages("Products?$top=10")] == [4, 4, 2]
    assert [len(page["value"]) for page in client.pages("Products?$top=8")] == [4, 4]
    capped = client.send("GET Products", {"Prefer": "maxpagesize=100"})
    assert len(capped.json["value"]) == 6 and capped.headers["preference-applied"] == "maxpagesize=6"
    nested = client.get("Customers?$expand=Orders&$filter=CustomerID eq 'ALFKI'", {"Prefer": "maxpagesize=100"})["value"][0]
    assert len(nested["Orders"]) == 6 and "Orders@odata.nextLink" not in nested
    assert len(client.get("Categories?$expand=Products&$filter=ID eq 1")["value"][0]["Products"]) == 4
    page = client.get("Categories?$expand=Products&$top=1")
    assert page["value"][0]["Products"] and "Products@odata.nextLink" not in page["value"][0]
    assert "Reviews@odata.nextLink" not in client.get("Products?$expand=Reviews&$top=4")["value"][0]


def test_no_server_paging(clients: Clients) -> None:
    """`page_size=0`: everything at once, as a stream."""
    client = clients.of("industryData", page_size=0)
    found = client.get("incomingFlowRuns?$count=true&$select=id")
    assert (found[COUNT], len(found["value"]), NEXT in found) == (540, 540, False)
    assert len({entity["id"] for entity in found["value"]}) == 540
    assert client.send("GET industryData/incomingFlows/nosuch/runs").status == 404


STREAMED = ["incomingFlowRuns?$select=id", "incomingFlowRuns?$count=true&$select=id,statistics&$orderby=startDateTime desc",
            "incomingFlowRuns?$expand=process($select=displayName)&$select=id", "incomingFlowRuns?$top=130&$select=id", "incomingFlowRuns?$skip=500&$count=true&$select=id",
            "incomingFlowRuns?$filter=status eq 'completed'&$count=true&$orderby=displayName&$select=id", "referenceDefinitions?$expand=translations($select=displayName;$count=true)",
            "incomingFlowRuns/$ref", "industryData/incomingFlows/9a1475e3-a433-5414-9935-6c414a931e37/runs?$orderby=status&$select=id", "incomingFlowRuns?$filter=false&$count=true"]


@pytest.mark.parametrize("target", STREAMED)
@pytest.mark.parametrize("size", [None, 60, 120])
def test_streams(clients: Clients, monkeypatch: pytest.MonkeyPatch, target: str, size: int | None) -> None:
    """What goes out in chunks is what goes out whole, next links, counts and expansions included (P 11.2.6.7)."""
    whole = clients["industryData"].get(target)
    client = clients.of("industryData", page_size=0)
    monkeypatch.setattr("app.service.read.CHUNK", 25)
    wish = {"Prefer": f"maxpagesize={size}"} if size else {}
    answer = client.handled(*split("GET " + target), {})
    assert without_etags(answer.json) == without_etags(whole)
    pages = client.pages(target, wish)
    assert [without_etags(entity) for page in pages for entity in page["value"]] == [without_etags(entity) for entity in whole["value"]]
    assert {page.get(COUNT) for page in pages} == {whole.get(COUNT)}
    assert all(len(page["value"]) == size for page in pages[:-1])


def without_etags(value: Any) -> Any:
    """A value without what differs between two stores with the same data."""
    if isinstance(value, dict):
        return {name: without_etags(each) for name, each in value.items() if name not in ("@odata.etag", "eTag")}
    return [without_etags(each) for each in value] if isinstance(value, list) else value


# --- statements ------------------------------------------------------------------------------------------

STATEMENTS = [
    ("northwind", "Products", 1), ("northwind", "Products(1)", 1), ("northwind", "Products(1)/Name", 1), ("northwind", "Products(1)/Name/$value", 1),
    ("northwind", "Products/$count", 1), ("northwind", "Products?$count=true", 1), ("northwind", "Products?$count=true&$top=2", 2),
    ("northwind", "Products?$filter=Discontinued&$count=true&$top=5", 1), ("northwind", "Products?$expand=Category", 2),
    ("northwind", "Products?$expand=Category,Supplier,Tags", 4), ("northwind", "Categories?$expand=Products($expand=Supplier)", 3),
    ("northwind", "Categories?$expand=Products($top=1;$orderby=UnitPrice desc)", 2), ("northwind", "Categories?$expand=Products($count=true)", 2),
    ("northwind", "Categories?$expand=Products/$count", 1), ("northwind", "Tags?$expand=Products($select=ID)", 2),
    ("northwind", "Warehouses?$expand=Shelves($expand=Bins($expand=Product))", 4), ("northwind", "Categories(1)/Products", 1),
    ("northwind", "Products?$filter=Tags/any(t:t/Name eq 'new') and Category/Name ne 'x'", 1), ("northwind", "Employees(2)?$expand=Reports($levels=3)", 4), ("northwind", "Employees?$expand=Reports($levels=3)", 2),
    ("northwind", "Customers?$orderby=Orders/$count desc", 1), ("northwind", "Products(1)/Category/Products?$expand=Category", 2),
    ("northwind", "Products/$ref", 1), ("northwind", "Products?$top=0", 1), ("industryData", "incomingFlowRuns?$expand=process&$top=50", 2),
    ("industryData", "runGroups?$expand=runs($expand=process)&$top=100", 3), ("northwind", "$metadata", 0), ("northwind", "", 0),
]


@pytest.mark.parametrize(("model", "target", "count"), STATEMENTS, ids=[f"{row[1]} takes {row[2]}" for row in STATEMENTS])
def test_statements(clients: Clients, model: str, target: str, count: int) -> None:
    """As many statements as paths, never one for each row."""
    client = clients[model]
    with client.statements() as seen:
        client.handled(*split("GET " + target), {})
    assert len(seen) == count, seen

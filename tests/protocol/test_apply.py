"""`$apply` over HTTP: the objects of its result, their context, and the options and pages behind it (Data Aggregation §3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.protocol.conftest import Clients
from tests.protocol.exchange import Client, Exchange, Some, rows, split

BEVERAGES = {"@odata.id": None, "Category": {"Name": "Beverages"}, "Total@odata.type": "#Decimal", "Total": 87.9}
PER_CATEGORY = "groupby((Category/Name),aggregate(UnitPrice%20with%20sum%20as%20Total))"

CASES: list[tuple[str, str, str, Any]] = [
    # spec      request                                                          context            value
    ("A 3.2.1", "Products?$apply=aggregate(UnitPrice with sum as T)", "Products(T)",
     [{"@odata.id": None, "T@odata.type": "#Decimal", "T": 282.1401}]),
    *[("A 3.2.1.3", f"Customers?$apply={text}", f"Customers({name})", [{"@odata.id": None, name: value}]) for text, name, value in (
        ("aggregate(loyaltyPoints with sum as T)", "T", 1207.0), ("aggregate(loyaltyPoints with average as T)", "T", 603.5), ("aggregate(note with sum as T)", "T", None), ("compute(ratio as R)/aggregate(R with sum as T)", "T", 0.75),
        ("aggregate(loyaltyPoints with sum from CustomerID with average as T)", "T", 603.5), ("topsum(1000,loyaltyPoints)/groupby((CustomerID))", "CustomerID", "ALFKI"))],
    ("A 3.2.1.4", "Products?$apply=aggregate($count as N)", "Products(N)",
     [{"@odata.id": None, "N@odata.type": "#Decimal", "N": 16}]),
    ("A 3.2.3.1", "Products?$apply=groupby((CategoryID))&$top=2", "Products(CategoryID)",
     [{"@odata.id": None, "CategoryID": None}, {"@odata.id": None, "CategoryID": 1}]),
    ("A 3.2.3.1", f"Products?$apply={PER_CATEGORY}&$filter=Total gt 85", "Products(Category(Name),Total)", [BEVERAGES]),
    ("A 3.2.3.1", "Products?$apply=groupby((Category/Name))&$top=1", "Products(Category(Name))",
     [{"@odata.id": None, "Category": None}]),
    ("A 3-02", f"Products?$apply={PER_CATEGORY}&$orderby=Total desc&$top=1", "Products(Category(Name),Total)", [BEVERAGES]),
    ("A 3-02", f"Products?$apply={PER_CATEGORY}&$orderby=Total desc&$top=1&$select=Total", "Products(Total)",
     [{"@odata.id": None, "Total@odata.type": "#Decimal", "Total": 87.9}]),
    ("A 3-02", f"Products?$apply={PER_CATEGORY}&$compute=Total mul 2 as Twice&$filter=Twice gt 170&$select=Twice",
     "Products(Twice)", [{"@odata.id": None, "Twice@odata.type": "#Decimal", "Twice": 175.8}]),
    ("A 3.2.3.2", "Products?$apply=groupby((rollup($all,CategoryID)),aggregate(UnitPrice with sum as T))&$filter=T gt 280",
     "Products(T)", [{"@odata.id": None, "T@odata.type": "#Decimal", "T": 282.1401}]),
    ("A 3.3.1", "Products?$apply=topcount(1,UnitPrice)&$select=ID", "Products(ID)", [{"@odata.etag": ..., "ID": 15}]),
    ("A 3.4.2", "Products?$apply=compute(UnitPrice mul 2 as Twice)/filter(Twice gt 80)&$select=ID,Twice", "Products(ID,Twice)",
     [{"@odata.etag": ..., "ID": 15, "Twice@odata.type": "#Decimal", "Twice": 92}]),
    ("A 3.2.2", "Products?$apply=concat(aggregate(UnitPrice with max as M),aggregate(UnitPrice with min as N))", "Products(@Core.AnyStructure)",
     [{"@odata.id": None, "M@odata.type": "#Decimal", "M": 46}, {"@odata.id": None, "N@odata.type": "#Decimal", "N": 0}]),
    ("A 3.2.3.1", "Products?$apply=filter(ID eq 1)/groupby((Category))", "Products(Category)",
     [{"@odata.id": None, "Category": {"@odata.etag": ..., "ID": 1, "Name": "Beverages", "Description": ..., "Picture": ...}}]),
    ("A 3.2.1.1", "Reviews?$apply=aggregate(Scores with sum as S,Scores with average as A,Scores/$count as N)", "Reviews(S,A,N)",
     [{"@odata.id": None, "S@odata.type": "#Int64", "S": 48, "A": 48 / 14, "N@odata.type": "#Decimal", "N": 14}]),
    ("A 3.2.1.1", "Products?$apply=aggregate(Reviews/Scores with sum as S,Reviews/$count as R,Reviews/Scores/$count as N,Supplier/Phones/$count as P)", "Products(S,R,N,P)",
     [{"@odata.id": None, "S@odata.type": "#Int64", "S": 48, "R@odata.type": "#Decimal", "R": 10, "N@odata.type": "#Decimal", "N": 14, "P@odata.type": "#Decimal", "P": 4}]),
    ("A 3.2.1.1", "Customers?$apply=aggregate(Contacts/Emails/$count as E,Contacts/Name with max as M)", "Customers(E,M)",
     [{"@odata.id": None, "E@odata.type": "#Decimal", "E": 3, "M": "Thomas Hardy"}]),
    ("A 3.2.1", "incomingFlowRuns?$apply=groupby((status),aggregate($count as n))&$orderby=n", "incomingFlowRuns(status,n)",
     [{"@odata.id": None, "status": name, "n@odata.type": "#Decimal", "n": number} for name, number in (
         ("running", 3), ("failed", 8), ("completedWithErrors", 42), ("completedWithWarnings", 97), ("completed", 390))]),
]


def alike(expected: Any, actual: Any) -> bool:
    """Equal, `...` standing for anything that is there."""
    if expected is ...:
        return True
    if isinstance(expected, dict):
        return (isinstance(actual, dict) and list(expected) == list(actual)
                and all(alike(value, actual[name]) for name, value in expected.items()))
    if isinstance(expected, list):
        return isinstance(actual, list) and len(expected) == len(actual) and all(map(alike, expected, actual))
    return bool(actual is not None and not isinstance(actual, str) and float(actual) == expected
                if isinstance(expected, int | float) else actual == expected)


@pytest.mark.parametrize(("spec", "request_", "context", "value"), CASES, ids=[f"{row[0]}: {row[1]}" for row in CASES])
def test_results(spec: str, request_: str, context: str, value: Any, clients: Clients) -> None:
    client = clients["industryData" if request_.startswith("incoming") else "northwind"]
    answer = client.get(request_.replace(" ", "%20"))
    assert answer["@odata.context"].partition("#")[2] == context, spec
    assert alike(value, answer["value"]), f"{spec}: {answer['value']}"


def test_newer_rows_carry_no_id(clients: Clients) -> None:
    """V401-14: a 4.01 answer leaves the null id out, and types have no '#'."""
    answer = clients["northwind"].get("Products?$apply=aggregate($count%20as%20N)", {"OData-MaxVersion": "4.01"})
    assert answer["value"] == [{"N@odata.type": "Decimal", "N": 16}]


def test_counts_are_of_the_result(clients: Clients) -> None:
    """A 3-03, P 11.2.6.5: `$count` counts rows of the result, whatever the page."""
    client = clients["northwind"]
    assert client.send("Products/$count?$apply=groupby((CategoryID))").text == "6"
    assert client.get(f"Products?$apply={PER_CATEGORY}&$count=true&$top=1&$filter=Total%20gt%2040")["@odata.count"] == 3


RELATED: list[tuple[str, str, str, Any]] = [
    # spec    request of the sales model                                                    context, some of each item
    ("A 3.8", "Products?$expand=Sales($apply=aggregate(Amount with sum as Total))&$select=ID", "Products(ID,Sales(Total))",
     [("P1", [{"Total": 4}]), ("P2", [{"Total": 12}]), ("P3", [{"Total": 8}]), ("P4", [{"Total": None}])]),
    ("A 3.8", "Products?$expand=Sales($apply=groupby((Customer/Country),aggregate($count as N));$orderby=N desc;$top=1)&$select=ID",
     "Products(ID,Sales(Customer(Country),N))",
     [("P1", [{"Customer": {"Country": "Netherlands"}, "N": 1}]), ("P2", [{"Customer": {"Country": "USA"}, "N": 2}]),
      ("P3", [{"Customer": {"Country": "Netherlands"}, "N": 2}]), ("P4", [])]),
    ("A 3.8", "Products?$expand=Sales($apply=filter(Amount gt 3)/aggregate($count as N);$count=true)&$select=ID",
     "Products(ID,Sales(N))", [("P1", [{"N": 0}]), ("P2", [{"N": 2}]), ("P3", [{"N": 1}]), ("P4", [{"N": 0}])]),
    ("A 3.8", "Products?$expand=Sales($apply=concat(aggregate(Amount with max as M),filter(Amount lt 2)/aggregate($count as N)))"
     "&$select=ID", "Products(ID,Sales(@Core.AnyStructure))",
     [("P1", [{"M": 2}, {"N": 0}]), ("P2", [{"M": 8}, {"N": 0}]), ("P3", [{"M": 4}, {"N": 2}]), ("P4", [{"M": None}, {"N": 0}])]),
    ("A 3.8", "Products?$expand=Sales($apply=filter(Amount gt 2);$select=ID)&$select=ID", "Products(ID,Sales(ID))",
     [("P1", []), ("P2", [{"ID": "3"}, {"ID": "4"}]), ("P3", [{"ID": "5"}]), ("P4", [])]),
    ("A 3.4.3", "Products?$apply=addnested(Sales,filter(Amount gt 3) as Sales4)&$select=ID", "Products(ID,Sales4())",
     [("P1", []), ("P2", [{"ID": "3"}, {"ID": "4"}]), ("P3", [{"ID": "5"}]), ("P4", [])]),
    ("A 3.4.3", "Products?$apply=addnested(Sales,filter(Amount gt 3) as F)/filter(F/$count gt 1)&$select=ID&$expand=F($select=Amount)",
     "Products(ID,F())", [("P2", [{"Amount": 4}, {"Amount": 8}])]),
    ("A 3.4.3", "Products?$apply=addnested(Sales,aggregate(Amount with sum as Total) as A)/filter(ID gt 'P3')&$select=ID",
     "Products(ID,A())", [("P4", [{"Total": None}])]),
]


@pytest.mark.parametrize(("spec", "request_", "context", "value"), RELATED, ids=[f"{row[0]}: {row[1]}" for row in RELATED])
def test_related(spec: str, request_: str, context: str, value: Any, clients: Clients) -> None:
    """`$apply` of expanded and of nested collections: each parent's own, a statement for each path and, where parents have
    nothing to aggregate, one for all of these."""
    client = clients["sales"]
    with client.statements() as seen:
        answer = client.handled(*split(request_), {"odata-maxversion": "4.01", "accept": "application/json;metadata=minimal"}).json
    assert answer["@context"].partition("#")[2] == context, spec
    found = []
    for item in answer["value"]:
        *_, related = (each for name, each in item.items() if "@" not in name)
        found.append((item["ID"], [{name: each for name, each in one.items() if "@" not in name} for one in related]))
    assert [(key, len(related)) for key, related in found] == [(key, len(related)) for key, related in value]
    for (_, actual), (_, expected) in zip(found, value, strict=True):
        assert [{name: each[name] for name in wanted} for each, wanted in zip(actual, expected, strict=True)] == expected
    assert len([text for text in seen if text.startswith(("SELECT", "WITH"))]) <= 4


@pytest.mark.parametrize("size", [1, 2, 4, 100])
def test_pages_of_the_result(size: int, clients: Clients) -> None:
    """P 11.2.6.7: next links over the result of `$apply` give each row once, `$top` counted across pages."""
    client = clients["northwind"]
    target = f"Products?$apply={PER_CATEGORY}&$orderby=Total%20desc&$top=5"
    whole, found = client.get(target)["value"], []
    while target:
        answer = client.get(target, {"Prefer": f"maxpagesize={size}"})
        found += answer["value"]
        target = answer.get("@odata.nextLink", "").removeprefix("http://service.example/")
    assert found == whole and len(found) == 5


@pytest.mark.parametrize("target", ["Customers('C1')/Addresses?$apply=orderby(Floors desc)&$top=2", "Customers('C1')/Addresses?$apply=groupby((Floors))&$orderby=Floors"])
def test_pages_of_values(target: str, clients: Clients) -> None:
    """P 11.2.6.7, 8.2.8.6: so do they over a collection of values; the preference is told."""
    client = clients["sales"]
    whole, found = client.get(target.replace(" ", "%20"))["value"], []
    target = target.replace(" ", "%20")
    while target:
        answer = client.handled("GET", target, {"prefer": "maxpagesize=1"})
        assert answer.headers["preference-applied"] == "maxpagesize=1"
        found += answer.json["value"]
        target = answer.json.get("@odata.nextLink", "").removeprefix("http://service.example/")
    assert found == whole and len(found) > 1


PIPELINES = [
    "filter(Amount gt 1)/groupby((Product/Name,Customer/Country),aggregate(Amount with sum as T,$count as N))/topcount(2,T)",
    "groupby((rollup(Customer/Country,Product/Name),rollup(Time/Year,Time/Month)),aggregate(Amount with average as A))/filter(A gt 1)",
    "concat(aggregate(Amount with sum as T),groupby((Customer/Name),topcount(1,Amount)/aggregate($count as N)))/skip(1)/top(3)",
    "groupby((Customer/Country),aggregate(Amount with sum from Time with average from Product/Name with max as M,Forecast))",
    "compute(Amount mul 2 as B)/orderby(B desc)/toppercent(50,B)/search(x)", "aggregate(Product with countdistinct as P)",
    "descendants($root/SalesOrganizations,SalesOrgHierarchy,SalesOrganization/ID,filter(Amount gt 1),keep start)/"
    "traverse($root/SalesOrganizations,SalesOrgHierarchy,SalesOrganization/ID,preorder,Name)/aggregate($count as N)",
    "compute(Amount mul 2 as B)/topcount(5,B)/aggregate($count as N)",
    "groupby((rolluprecursive($root/SalesOrganizations,SalesOrgHierarchy,ID)),aggregate(Amount with sum as T))",
]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_one_statement(pipeline: str, private: Callable[..., Client]) -> None:
    """A pipeline is one statement, whatever is behind it; those of search keep its index current."""
    client = private("sales")
    client.handled(*split("Sales?$apply=search(x)"), {})
    with client.statements() as seen:
        answer = client.handled(*split(f"Sales?$apply={pipeline}&$orderby=Amount&$filter=Amount ne 77&$top=5"), {})
    assert answer.status == 200, answer.text
    assert len([text for text in seen if text.lstrip("(").startswith(("SELECT", "WITH"))]) == 1, seen


JOINED = "Categories?$apply=join(Products as P,aggregate(UnitPrice with max as Top))"
ROWS = [
    # a joined row has what its sequence made; what the sequence took away is null, what never was is unknown
    Exchange("DA 3.5.1", f"{JOINED}&$filter=P/Top gt 40&$select=ID", 200, {"value": [{"ID": 1}]}),
    Exchange("DA 3.1", f"{JOINED}/filter(P/UnitPrice eq null and P/Category/Name eq null and ID lt 2)&$select=ID", 200, {"value": [{"ID": 1}]}),
    Exchange("DA 3.1", f"{JOINED}/groupby((ID),aggregate(P/UnitPrice with max as Z))/filter(ID eq 1)", 200, {"value": [{"ID": 1, "Z": None}]}),
    Exchange("DA 3.1", f"{JOINED}/filter(P/Tops gt 1)", 400, {"error": {"code": "unknownProperty", "target": "$apply", "message": "Northwind.Model.Product has no property 'Tops'. Did you mean 'Top'?"}}),
    Exchange("DA 3.1", f"{JOINED}&$filter=P/UnitPrise gt 1", 400, {"error": {"code": "unknownProperty", "target": "$filter", "message": "Northwind.Model.Product has no property 'UnitPrise'. Did you mean 'UnitPrice'?"}}),
    Exchange("DA 3.1", "Categories?$apply=aggregate(ID with max as Top)/filter(Topp gt 1)", 400, {"error": {"code": "unknownProperty", "message": "Northwind.Model.Category has no property 'Topp'. Did you mean 'Top'?"}}),
    # values of no declared type, and complex ones, are written as what they are
    Exchange("DA 3.2.3.1", "Anythings?$apply=groupby((Primitive))&$orderby=Primitive&$filter=Primitive ne null", 200,
             {"value": Some([{"Primitive": "text"}, {"Primitive": True}, {"Primitive@odata.type": "#Int64", "Primitive": 9007199254740993}])}, model="types"),
    Exchange("DA 3.2.3.1", "Anythings?$apply=filter(ID eq 2)/groupby((Untyped))", 200, {"value": [{"Untyped": {"a": [1, "two", None, {"b": True}]}}]}, model="types"),
    Exchange("DA 3.2.3.1", "Anythings?$apply=filter(ID eq 4)/groupby((Bag/ratio))", 200, {"value": [{"Bag": {"ratio": -2.25}}]}, model="types"),
    Exchange("DA 3.2.3.1", "Anythings?$apply=filter(ID eq 4)/groupby((Bag))", 200, {"value": [{"Bag": {"ratio": -2.25}}]}, model="types"),
    Exchange("DA 3.2.3.1", "Anythings?$apply=compute(Primitive as p)/filter(ID eq 2)/groupby((p))", 200, {"value": [{"p@odata.type": "#Int64", "p": 9007199254740993}]}, model="types"),
    Exchange("DA 3.1.3", "Plains?$apply=aggregate(Guid with min as G,Guid with max as H,Boolean with min as B,Boolean with max as C)", 200,
             {"value": [{"G": "00000000-0000-0000-0000-000000000000", "H": "ffffffff-ffff-ffff-ffff-ffffffffffff", "B": False, "C": True}]}, model="types"),
    Exchange("DA 3.2.1", "Anythings?$apply=aggregate(cast(Primitive,Edm.Decimal) with max as m)", 200, {"value": [{"m": 9007199254740993}]}, model="types"),
    Exchange("DA 3.2.1.3.2", "Plains?$apply=aggregate(Enum with max as M,Enum with min as N,Flags with max as F)", 200, {"value": [{"M@odata.type": "#Types.Color", "M": "green", "N": "ultraviolet", "F": "monday,someday"}]}, model="types"),
    Exchange("DA 3.2.1.3.2", "Plains?$apply=groupby((Boolean),aggregate(Enum with max as M))/filter(Boolean eq false)", 200, {"value": [{"Boolean": False, "M": "ultraviolet"}]}, model="types"),
    Exchange("DA 3.2.1.5", "Plains?$apply=aggregate(Enum with max from Boolean with min as M)/filter(M lt 'red')", 200, {"value": [{"M": "ultraviolet"}]}, model="types"),
    Exchange("DA 3.6.1", "Plains?$filter=Enum eq $these/aggregate(Enum with max)&$select=ID", 200, {"value": [{"ID": 4}]}, model="types"),
    Exchange("DA 3.2.1.3.1", "Plains?$apply=aggregate(Enum with sum as M)", 400, {"error": {"target": "$apply"}}, model="types"),
    Exchange("DA 3.2.1", "Anythings?$apply=aggregate(Primitive with max as m)", 501, {"error": {"target": "$apply"}}, model="types"),
    Exchange("DA 3.2.3.1", "Anythings?$apply=groupby((Primitive))/filter(Primitive eq true)", 501, {"error": {"target": "$apply"}}, model="types"),
]


@rows(ROWS)
def test_rows(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])

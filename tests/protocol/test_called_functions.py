"""Functions of the model inside expressions, in every option (Protocol §11.5.4.1; URL Conventions §5.1.1.14.4)."""

from __future__ import annotations

import re

import pytest

from app.service import called
from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, Exchange, rows

NS = "Northwind.Model."
BUYERS = ["ALFKI", "ANATR", "ANTON", "AROUT", "BERGS", "A'B&C"]


def of(name: str, *values: object) -> dict[str, object]:
    return {"value": [{name: value} for value in values]}


CALLS = [
    # calls of constants: once
    Exchange("P 11.5.4.1", f"Products?$filter={NS}PriceWithTax(price=100,percent=19) gt 118 and ID lt 3&$select=ID", 200, of("ID", 1, 2)),
    Exchange("P 11.5.4.1", f"Products?$filter={NS}PriceWithTax(price=100,percent=19) gt 119 and ID lt 3&$select=ID", 200, of("ID")),
    Exchange("P 11.5.4.1", f"Products?$filter={NS}PriceWithTax(percent=@q,price=@p) eq 2 and ID eq 1&$select=ID&@p=1&@q=100", 200, of("ID", 1)),
    Exchange("U 5.1.1.14.3", "Products?$filter=$root/PriceWithTax(price=1) gt 1&$select=ID&$top=1", 200, of("ID", 1)),
    Exchange("U 5.1.1.14.3", f"Orders?$filter=$root/Customers('ALFKI')/{NS}Turnover() eq 729.7&$select=OrderID&$top=1", 200, of("OrderID", 10248)),
    Exchange("U 5.1.1.14.3", f"Orders?$filter=$root/Customers('NOONE')/{NS}Turnover() eq null&$select=OrderID&$top=1", 200, of("OrderID", 10248)),
    Exchange("U 5.1.1.14.3", f"Employees?$filter=$root/Employees/{NS}Busiest()/EmployeeID eq EmployeeID&$select=EmployeeID", 200, of("EmployeeID", 5)),
    Exchange("P 11.5.4.1", f"Products?$filter=$it in {NS}TopProducts(count=3)&$select=ID", 200, of("ID", 6, 11, 15)),
    Exchange("P 11.5.4.1", f"Products?$filter={NS}TopProducts(count=3)/any(p:p/ID eq $it/ID)&$select=ID", 200, of("ID", 6, 11, 15)),
    Exchange("P 11.5.4.1", f"Products?$filter={NS}TopProducts(count=3)/$count eq 3&$select=ID&$top=1", 200, of("ID", 1)),
    Exchange("P 11.5.4.1", f"Products?$filter={NS}TopProducts(count=0)/any()&$select=ID", 200, of("ID")),
    # calls that depend on the row
    Exchange("P 11.5.4.1", f"Products?$filter={NS}PriceWithTax(price=UnitPrice) gt 30&$select=ID", 200, of("ID", 6, 11, 15)),
    Exchange("P 11.5.4.1", f"Products?$filter={NS}PriceWithTax(price=UnitPrice,percent=@p) gt 90&$select=ID&@p=100", 200, of("ID", 15)),
    Exchange("P 11.5.4.1", f"Products?$filter=UnitPrice gt {NS}PriceWithTax(price=$root/Products(1)/UnitPrice)&$select=ID", 200, of("ID", 4, 6, 7, 11, 15)),
    Exchange("P 11.5.4.1", f"Products?$orderby={NS}PriceWithTax(price=UnitPrice) desc&$select=ID&$top=3", 200, of("ID", 15, 6, 11)),
    Exchange("P 11.2.5.3", f"Products?$compute={NS}PriceWithTax(price=UnitPrice) as gross&$orderby=gross desc&$select=gross&$filter=gross lt 40&$top=1", 200,
             {"value": [{"gross@odata.type": "#Decimal", "gross": 35.69}]}),
    Exchange("P 11.2.5.3", f"Products?$compute=UnitPrice mul 2 as twice,{NS}PriceWithTax(price=twice) as gross&$select=gross&$top=1", 200, {"value": [{"gross": 42.84, "twice": ABSENT}]}),
    Exchange("P 11.5.4.1", f"Customers?$filter={NS}Turnover() gt 100&$select=CustomerID", 200, of("CustomerID", *BUYERS)),
    Exchange("U 5.1.1.14.4", f"Customers?$filter=$it/{NS}Turnover() gt 100&$select=CustomerID", 200, of("CustomerID", *BUYERS)),
    Exchange("P 11.5.4.1", f"Customers?$filter=not ({NS}Turnover() gt 0)&$select=CustomerID", 200, of("CustomerID", "BLAUS", "a/b c")),
    Exchange("P 11.5.4.1", f"Customers?$orderby={NS}Turnover() desc&$select=CustomerID&$top=2", 200, of("CustomerID", "AROUT", "ANTON")),
    Exchange("P 11.2.6.7", f"Customers?$orderby={NS}Turnover() desc&$select=CustomerID", 200, {"@odata.nextLink": re.compile("Turnover"), "value": [{"CustomerID": "AROUT"}]}, sent={"Prefer": "maxpagesize=1"}),
    Exchange("P 11.2.10", f"Customers/$count?$filter={NS}Turnover() gt 100", 200, "6"),
    Exchange("U 4.12", f"Customers/$filter(@f)?@f={NS}Turnover() gt 1000&$select=CustomerID", 200, of("CustomerID", "ANTON", "AROUT")),
    Exchange("P 11.5.4.1", f"Customers('ALFKI')?$compute={NS}Turnover() as t&$select=t", 200, {"t": 729.7}),
    Exchange("P 11.5.4.1", f"Orders?$filter=Customer/{NS}Turnover() gt 2000&$select=CustomerID&$top=1", 200, of("CustomerID", "AROUT")),
    Exchange("U 5.1.3", f"Orders?$expand=Customer($compute={NS}Turnover() as t;$select=t)&$select=OrderID&$top=1", 200, {"value": [{"OrderID": 10248, "Customer": {"t": 729.7}}]}),
    Exchange("U 5.1.3", f"Customers?$expand=Orders($filter=Customer/{NS}Turnover() gt 200;$select=OrderID;$top=1)&$select=CustomerID&$top=2", 200,
             {"value": [{"Orders": [{"OrderID": 10248}]}, {"Orders": []}]}),
    Exchange("U 5.1.1.13", f"Categories?$filter=Products/any(p:{NS}PriceWithTax(price=p/UnitPrice) gt 50)&$select=ID", 200, of("ID", 1)),
    Exchange("U 4.8", f"Categories?$filter=Products/$count($filter={NS}PriceWithTax(price=UnitPrice) gt 20) eq 4&$select=ID", 200, {"value": list}),
    Exchange("P 11.5.4.1", f"Products?$filter={NS}PriceWithTax(price=Weight) eq null and ID gt 13&$select=ID", 200, of("ID", 16)),
    # results that are complex values, collections or entities
    *[Exchange("U 5.1.1.14.4", f"Items?$filter={text}&$select=Id", 200, of("Id", *ids), model="calls") for text, ids in (
        ("Calls.Words(prefix='x')/any(w:w eq 'xfig')", [1, 2, 3]), ("concat('f',Name) in Calls.Words()", []), ("'fig' in Calls.Words()", [1, 2, 3]),
        ("Calls.Sizes()/any(s:s/Width eq Id and s/Unit eq 'm')", [3]), ("Calls.Sizes()/any(s:s/Calls.Box/Depth eq 8)", [1, 2, 3]), ("length(Calls.Words()) eq Id", [3]),
        ("Calls.Sizes()/$count eq Id", [3]), ("$root/Items(1)/Calls.Biggest()/Calls.Box/Depth eq Id add 1", [3]), ("$root/Items(2)/Calls.Biggest() eq null", [1, 2, 3]),
        ("$root/Items(9)/Calls.Biggest()/Width eq null", [1, 2, 3]), ("$root/Items/Calls.First() eq $it", [1]),
        ("Calls.Biggest()/Width gt 3", [3]), ("Calls.Biggest() eq null", [2]), ("Calls.Biggest() ne null", [1, 3]), ("not (Calls.Biggest()/Width gt 3)", [1, 2]),
        ("Calls.Biggest()/Calls.Box/Depth eq 4", [1]), ("isof(Calls.Biggest(),Calls.Box)", [1]), ("Calls.Biggest() eq Size", [2]),
        ("Calls.Parts()/any(p:p eq 'b')", [1]), ("not Calls.Parts()/any()", [2]), ("'c' in Calls.Parts()", [3]), ("Calls.Parts()/$count eq 2", [1]),
        ("Group/Items/Calls.First()/Name eq 'one'", [1, 2]), ("Group/Items/Calls.First() eq $it", [1]), ("Group/Items/Calls.First() eq null", [3]),
        ("Group/Items/Calls.First()/Next/Id eq Id", [2]), ("$it in Group/Items/Calls.Named(names=['two'])", [2]))],
    *[Exchange("U 5.1.1.14.4", f"Groups?$filter={text}&$select=Code", 200, of("Code", *codes), model="calls") for text, codes in (
        ("Items/Calls.Named(names=['two'])/any(i:i/Id eq 2)", ["g1"]), ("Items/Calls.Named(names=['one','two'])/$count eq 2", ["g1"]), ("Items/Calls.Named(names=['none'])/any()", []),
        ("Items/any(i:i/Calls.Biggest()/Width eq 3)", ["g1"]), ("Items/any(i:i/Calls.Parts()/any(p:p eq 'a'))", ["g1"]), ("Items/Calls.First()/Id eq null", ["g2"]))],
    Exchange("P 11.2.6.2", "Items?$orderby=Calls.Biggest()/Width desc&$select=Id", 200, of("Id", 3, 1, 2), model="calls"),
    Exchange("P 11.2.5.3", "Items?$compute=Calls.Biggest()/Width as w,Calls.Parts() as p,Calls.Biggest() as b&$select=w,p,b&$top=2", 200,
             {"value": [{"w": 3, "p": ["a", "b"], "b": {"@odata.type": "#Calls.Box", "Width": 3, "Unit": "cm", "Depth": 4}}, {"w": None, "p": [], "b": None}]}, model="calls"),
    Exchange("U 5.1.3", "Groups?$expand=Items($filter=Group/Items/Calls.First()/Id eq Id;$select=Id)&$select=Code", 200, {"value": [{"Items": [{"Id": 1}]}, {"Items": []}]}, model="calls"),
    Exchange("DA 3.3", "Groups?$apply=filter(Items/Calls.First()/Id eq 1)/aggregate($count as N)", 200, of("N", 1), model="calls"),
    Exchange("P 11.5.4.1", "Items?$filter=Size/Calls.Double()/Width gt 1", 501, {"error": {"message": re.compile("Double of these values")}}, model="calls"),
    Exchange("U 5.1.1.13", "Groups?$filter=Items/any(i:i/Group/Items/Calls.First()/Id eq 1)", 501, {"error": {"message": re.compile("First of these values, with an entity")}}, model="calls"),
    # patterns that are no literals
    Exchange("U 5.1.1.7.1", "Products?$filter=matchesPattern(Name,@p)&$select=ID&@p='^Cha'", 200, of("ID", 1, 2)),
    Exchange("U 5.1.1.7.1", "Products?$filter=matchesPattern(Name,@p)&$select=ID&@p='^Chai'", 200, of("ID", 1)),
    Exchange("U 5.1.1.7.1", "Products?$filter=matchesPattern(Name,@p)&$select=ID", 200, of("ID")),
    Exchange("U 5.1.1.7.1", "Products?$filter=matchesPattern(Name,@p)&@p='('", 400, {"error": {"code": "invalidPattern", "target": "$filter"}}),
    Exchange("U 5.1.1.7.1", "Products/$filter(matchesPattern(Name,@p))/$count?@p='^Cha'", 200, "2"),
    Exchange("U 5.1.1.7.1", "Products?$orderby=matchesPattern(Name,@p) desc,ID&@p='^Chang'&$select=ID&$top=2", 200, of("ID", 2, 1)),
    Exchange("U 5.1.1.7.1", "Categories?$filter=Products/any(p:matchesPattern(p/Name,@p))&@p='^Cha'&$select=ID", 200, of("ID", 1)),
    Exchange("U 5.1.1.7.1", "Categories?$expand=Products($filter=matchesPattern(Name,@p);$select=ID)&@p='^Cha'&$select=ID&$top=1", 200, {"value": [{"Products": [{"ID": 1}, {"ID": 2}]}]}),
    Exchange("U 5.1.1.7.1", "Suppliers?$select=Phones($filter=matchesPattern($this,@p))&@p='^x'&$top=1", 200, of("Phones", [])),
    # calls in sequences of $apply over other instances than those of the path
    Exchange("DA 3.5.1", f"Categories?$apply=join(Products as P,filter({NS}PriceWithTax(price=UnitPrice) gt 50))/groupby((ID,P/ID))", 200, {"value": [{"ID": 1, "P": {"ID": 15}}]}),
    Exchange("DA 3.5.1", f"Categories?$apply=outerjoin(Products as P,filter({NS}PriceWithTax(price=$this/UnitPrice) gt 50))/groupby((ID,P/ID))/filter(ID lt 3)", 200,
             {"value": [{"ID": 1, "P": {"ID": 15}}, {"ID": 2, "P": None}]}),
    Exchange("DA 3.5.1", f"Categories?$apply=join(Products as P,compute(UnitPrice mul 2 as t,{NS}PriceWithTax(price=t) as g))/groupby((ID),aggregate(P/g with max as m))/filter(ID eq 1)", 200,
             {"value": [{"ID": 1, "m": 109.48}]}),
    Exchange("DA 3.5.2", f"Categories?$apply=addnested(Products,filter({NS}PriceWithTax(price=UnitPrice) gt 50) as E)&$select=ID&$expand=E($select=ID)&$top=2", 200,
             {"value": [{"ID": 1, "E": [{"ID": 15}]}, {"ID": 2, "E": []}]}),
    Exchange("DA 3.5.2", f"Categories?$apply=addnested(Products,compute({NS}PriceWithTax(price=UnitPrice) as g) as E)&$select=ID&$expand=E($select=g;$top=1)&$top=1", 200,
             {"value": [{"ID": 1, "E": [{"g": 21.42}]}]}),
    Exchange("DA 3.5.2", f"Orders?$apply=addnested(Customer,compute($this/{NS}Turnover() as t) as C)&$top=1&$select=OrderID&$expand=C($select=t)", 200, {"value": [{"OrderID": 10248, "C": {"t": 729.7}}]}),
    Exchange("DA 3.5.2", f"Products?$apply=groupby((CategoryID),nest(filter({NS}PriceWithTax(price=UnitPrice) gt 50) as N))&$filter=CategoryID eq 1", 200,
             {"value": [{"CategoryID": 1, "N": [{"ID": 15}]}]}),
    Exchange("DA 3.3", f"Products?$apply=compute(UnitPrice mul 2 as t)/filter({NS}PriceWithTax(price=t) gt 90)&$select=ID", 200, of("ID", 6, 15)),
    Exchange("DA 3.3", f"Products?$apply=compute(UnitPrice mul 2 as t)&$filter={NS}PriceWithTax(price=t) gt 90&$select=ID", 200, of("ID", 6, 15)),
    Exchange("DA 3.4", f"Categories?$filter=Products/aggregate({NS}PriceWithTax(price=UnitPrice) with max) gt 50&$select=ID", 200, of("ID", 1)),
    Exchange("P 11.5.4.1", f"Products?$filter=ID lt 2 and {NS}PriceWithTax(price=UnitPrice) gt 1&$expand=Category($select=ID;$expand=Products($filter={NS}PriceWithTax(price=UnitPrice) gt 22;$select=ID))&$select=ID",
             200, {"value": [{"ID": 1, "Category": {"ID": 1, "Products": [{"ID": 2}, {"ID": 15}]}}]}),
    *[Exchange("DA 3.5.1", f"{path}", 501, {"error": {"message": re.compile("PriceWithTax over these values")}}) for path in (
        f"Categories?$apply=join(Products as P)/filter({NS}PriceWithTax(price=P/UnitPrice) gt 50)",
        f"Categories?$apply=join(Products as P,aggregate(UnitPrice with max as m))/filter({NS}PriceWithTax(price=P/m) gt 50)",
        f"Products?$apply=groupby((UnitPrice))/filter({NS}PriceWithTax(price=UnitPrice) gt 50)",
        f"Products?$apply=groupby((UnitPrice))&$filter={NS}PriceWithTax(price=UnitPrice) gt 50",
        f"Products?$apply=aggregate(UnitPrice with max as m)/compute({NS}PriceWithTax(price=m) as g)")],
    # what is refused
    Exchange("P 11.5.4.1", f"Employees?$filter=Reports/{NS}Busiest() ne null&$select=EmployeeID", 200, of("EmployeeID", 2, 5)),
    Exchange("P 11.5.4.1", f"Products?$filter={NS}Turnover() gt 1", 400, {"error": {"code": "unknownFunction", "target": "$filter"}}),
    Exchange("P 11.5.4.1", f"Customers?$filter={NS}Turnover(x=1) gt 1", 400, {"error": {"target": "$filter"}}),
    Exchange("P 11.5.4.1", f"Products?$filter={NS}Discontinue() eq null", 400, {"error": {"message": re.compile("action")}}),
    Exchange("P 11.5.4.1", f"Products?$filter={NS}PriceWithTax(price='a') gt 1", 400),
]


@rows(CALLS)
def test_calls(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


def test_inputs_are_limited(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function is called for so many inputs; the other conditions of the filter narrow them."""
    monkeypatch.setattr(called, "INPUTS", 3)
    client, condition = clients["northwind"], f"{NS}PriceWithTax(price=UnitPrice) gt 1"
    assert client.send(f"Products?$filter={condition}").json["error"]["code"] == "limitExceeded"
    found = client.get(f"Products?$filter={condition} and ID lt 4&$select=ID")
    assert [each["ID"] for each in found["value"]] == [1, 2, 3]

"""`$levels`: the same expansion again below its own entities, to a depth or as far as the data goes.

Protocol §11.2.5.2.1.1, §10.10; URL Conventions §5.1.3.
"""

from __future__ import annotations

from typing import Any

import pytest

from app.service import levels
from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Exchange, Only, rows

META = ROOT + "$metadata#"
CONTEXT, ID, ETAG, TYPE = "@odata.context", "@odata.id", "@odata.etag", "@odata.type"
MODERN = {"OData-MaxVersion": "4.01"}
NS = "Northwind.Model."
SAW, DRILL = Only({ID: f"{ROOT}Tools('saw')"}), Only({ID: f"{ROOT}Tools('drill')"})


def shop(spec: str, target: str, status: int = 200, body: Any = ..., **more: Any) -> Exchange:
    return Exchange(spec, target, status, body, model="workshop", **more)


def chain(*codes: str, end: Any = ABSENT) -> Any:
    """Tools, each the next of the one before it."""
    found = end
    for code in reversed(codes):
        found = {"Code": code, "Next": found}
    return found


DEPTHS = [
    shop("U 5.1.3", "Tools('saw')?$expand=Next($levels=1)", 200, chain("saw", "file")),
    shop("U 5.1.3", "Tools('saw')?$expand=Next($levels=2)", 200, chain("saw", "file", "drill")),
    shop("U 5.1.3", "Tools('saw')?$expand=Next($levels=5)", 200, chain("saw", "file", "drill", "saw", "file", "drill")),
    shop("U 5.1.3", "Tools('vice')?$expand=Next($levels=3)", 200, chain("vice", end=None)),
    shop("U 5.1.3", "Tools('saw')?$expand=Next(LEVELS=2)", 200, chain("saw", "file", "drill")),
    shop("U 5.1.3", "Tools('saw')?$expand=Next($levels=max)", 200, chain("saw", "file", "drill", end=SAW)),
    shop("U 5.1.3", "Tools('saw')?$expand=Next($levels=MAX;$select=Code)", 200, chain("saw", "file", "drill", end=SAW)),
    shop("U 5.1.3", "Tools?$expand=Next($levels=max;$select=Code)&$filter=Code ne 'saw'", 200,
         {"value": [chain("file", "drill", "saw", end=Only({ID: f"{ROOT}Tools('file')"})), chain("drill", "saw", "file", end=DRILL), chain("vice", end=None)]}),
    shop("U 5.1.3", "Tools('saw')/Next?$expand=Next($levels=2)", 200, chain("file", "drill", "saw")),
    shop("U 5.1.3", "Bench/Tool?$expand=Next($levels=2)", 200, chain("vice", end=None)),
    shop("U 5.1.3", "Tools('saw')?$expand=Related($levels=max;$select=Code;$orderby=Code)", 200,
         {"Related": [{"Code": "drill", "Related": [DRILL, SAW]}, {"Code": "file", "Related": [SAW]}]}),
    shop("U 5.1.3", "Tools('saw')?$expand=Related($levels=2;$select=Code;$orderby=Code)", 200,
         {"Related": [{"Code": "drill", "Related": [{"Code": "drill", "Related": ABSENT}, {"Code": "saw"}]}, {"Code": "file", "Related": [{"Code": "saw"}]}]}),
    shop("U 5.1.3", "Tools('saw')?$expand=Related($levels=2;$select=Code;$filter=Code ne 'saw';$orderby=Code)", 200,
         {"Related": [{"Code": "drill", "Related": [{"Code": "drill"}]}, {"Code": "file", "Related": []}]}),
    shop("U 5.1.3", "Tools('saw')?$expand=Related($levels=2;$select=Code;$orderby=Code desc;$top=1)", 200, {"Related": [{"Code": "file", "Related": [{"Code": "saw"}]}]}),
    shop("U 5.1.3", "Tools('saw')?$expand=Related($levels=2;$count=true;$top=0)", 200, {"Related@odata.count": 2, "Related": []}),
    shop("U 5.1.3", "Tools('drill')?$expand=Related($levels=2;$count=true;$select=Code;$orderby=Code;$skip=1)", 200,
         {"Related@odata.count": 2, "Related": [{"Code": "saw", "Related@odata.count": 2, "Related": [{"Code": "file", "Related@odata.count": ABSENT}]}]}),
    shop("U 5.1.3", "Tools('drill')?$expand=Workshop.PowerTool/Battery($levels=2)", 200, {"Battery": {"Code": "file", "Battery": ABSENT}}),
    shop("U 5.1.3", "Tools?$expand=W.PowerTool/Battery($levels=max)&$filter=Code eq 'drill' or Code eq 'saw'", 200,
         {"value": [{"Code": "saw", "Battery": ABSENT}, {"Code": "drill", "Battery": {"Code": "file", "Battery": ABSENT}}]}),
    shop("U 5.1.3", "Tools('saw')/Boxes(1)?$expand=Boxes($levels=max;$select=No)", 200,
         {CONTEXT: f"{META}Tools('saw')/Boxes(Boxes+(No))/$entity", "Boxes": [{"No": 1, "Boxes": [{"No": 7, "Boxes": []}]}, {"No": 2, "Boxes": []}]}),
    shop("U 5.1.3", "Tools('saw')?$expand=Boxes($expand=Boxes($levels=2;$select=No);$select=No)&$select=Code", 200,
         {"Boxes": [{"No": 1, "Boxes": [{"No": 1, "Boxes": [{"No": 7, "Boxes": ABSENT}]}, {"No": 2, "Boxes": []}]}, {"No": 2, "Boxes": []}]}),
    shop("U 5.1.3", "Tools('saw')?$expand=Boxes($levels=2)", 400),
    Exchange("U 5.1.3", "Employees(2)?$expand=Reports($levels=max;$select=EmployeeID;$orderby=EmployeeID)", 200,
             {"Reports": [{"EmployeeID": 1, "Reports": []}, {"EmployeeID": 3}, {"EmployeeID": 4}, {"EmployeeID": 5, "Reports": [{"EmployeeID": 6, "Reports": []}, {}, {}]}, {}]}),
    Exchange("U 5.1.3", f"Employees(2)?$expand=Reports/{NS}SalesPerson($levels=max;$select=EmployeeID)", 200, {"Reports": [{"EmployeeID": 1, "Reports": []}, {"EmployeeID": 3}]}),
    Exchange("U 5.1.3", f"Products(11)?$expand={NS}DigitalProduct/Requires($levels=3;$select=ID)", 200, {"Requires": [{"ID": 12, "Requires": []}]}),
    # what stands beside it
    Exchange("F37", "Employees(6)?$expand=Manager($levels=2;$expand=Orders($select=OrderID;$orderby=OrderID;$top=1),Territories/$count;$select=LastName)&$select=LastName", 200,
             {"LastName": "Suyama", "Manager": {"LastName": "Buchanan", "Orders": [{"OrderID": int}], "Territories@odata.count": 0,
                                                "Manager": {"LastName": "Fuller", "Orders": [{}], "Territories@odata.count": int, "Manager": ABSENT}}}),
    Exchange("F37", "Employees(6)?$expand=Manager($levels=max;$select=LastName),Orders/$count&$select=LastName", 200,
             {"Orders@odata.count": int, "Manager": {"Orders@odata.count": ABSENT, "Manager": {"Manager": None}}}),
    Exchange("F37", "Employees(6)?$expand=Manager($levels=2;$expand=Reports($levels=2;$select=LastName;$filter=EmployeeID lt 3);$select=LastName)", 200,
             {"Manager": {"LastName": "Buchanan", "Reports": [], "Manager": {"LastName": "Fuller", "Reports": [{"LastName": "Dávila", "Reports": []}]}}}),
    # every navigation property
    shop("U 5.1.3", "Tools('saw')?$expand=*", 200, {"Maker": {"Founded": 1902, "Tools": ABSENT}, "Next": {"Code": "file", "Next": ABSENT}, "Related": [{}, {}], "Boxes": [{}, {}]}),
    shop("U 5.1.3", "Tools('saw')?$expand=*($levels=2)", 200, {"Maker": {"Tools": [{}, {}]}, "Next": {"Next": {"Code": "drill", "Next": ABSENT}, "Maker": {}}, "Boxes": [{"Boxes": [{}, {}]}, {}]}),
    shop("U 5.1.3", "Tools('saw')?$expand=*/$ref", 200, {"Maker": Only({ID: f"{ROOT}Makers('acme')"}), "Next": {ID: f"{ROOT}Tools('file')"}, "Boxes": [{ID: f"{ROOT}Tools('saw')/Boxes(1)"}, {}]}),
    shop("U 5.1.3", "Tools('saw')?$expand=*/$ref,Next($levels=2)", 200, {"Next": {"Next": {"Code": "drill"}}, "Maker": Only({ID: f"{ROOT}Makers('acme')"})}),
    shop("U 5.1.3", "Bench?$expand=Spot/*", (200), {"Spot": {"Keeper": {"Founded": None}}}),
    shop("U 5.1.3", "Tools('saw')?$expand=*($top=1)", 400),
    # context
    shop("P 10.10", "Tools('saw')?$expand=Next($levels=2)", 200, {CONTEXT: META + "Tools(Next+())/$entity"}, sent=MODERN),
    shop("P 10.10", "Tools('saw')?$expand=Next($levels=2)", 200, {CONTEXT: META + "Tools/$entity"}),
    shop("P 10.10", "Tools?$expand=Next($levels=max;$select=Code)&$select=Code,Next", 200, {CONTEXT: META + "Tools(Code,Next,Next+(Code))"}),
    shop("P 10.10", "Tools('saw')?$expand=Next($levels=1)", 200, {CONTEXT: META + "Tools(Next())/$entity"}, sent=MODERN),
    # what it cannot be
    shop("U 5.1.3", "Tools('saw')?$expand=Next($levels=0)", 400),
    shop("U 5.1.3", "Tools('saw')?$expand=Next($levels=%2B1)", 400),
    shop("U 5.1.3", "Tools('saw')?$expand=Next($levels=many)", 400),
    shop("U 5.1.3", "Tools('saw')?$expand=Next($levels=51)", 400, {"error": {"code": "limitExceeded"}}),
    shop("U 5.1.3", "Tools('saw')?$expand=Maker($levels=2)", 400),
    shop("U 5.1.3", "Tools('saw')?$levels=2", 400),
]


@rows(DEPTHS)
def test_levels(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@pytest.mark.parametrize(("target", "count"), [
    ("Employees(2)?$expand=Reports($levels=max)", 4), ("Employees(6)?$expand=Manager($levels=max)", 3), ("Employees?$expand=Reports($levels=2)", 3),
    ("Employees(6)?$expand=Manager($levels=2;$expand=Territories)", 5)])
def test_one_statement_for_each_level(clients: Clients, target: str, count: int) -> None:
    """An entity is asked about once, however often the tree shows it (DESIGN §3)."""
    client = clients["northwind"]
    client.send("GET " + target)
    with client.statements() as seen:
        client.handled("GET", target, {})
    assert len(seen) <= count


def test_pages_of_levels(clients: Clients) -> None:
    """Next links inside a recursive expansion carry what is left of the levels (P 8.2.8.5, 11.2.6.7)."""
    client = clients["northwind"]
    found = client.get("Employees(2)?$expand=Reports($levels=2;$select=EmployeeID;$orderby=EmployeeID desc)&$select=EmployeeID", {"Prefer": "maxpagesize=2"})
    assert [each["EmployeeID"] for each in found["Reports"]] == [8, 5]
    inner = found["Reports"][1]
    assert [each["EmployeeID"] for each in inner["Reports"]] == [9, 7]
    last = client.get(inner["Reports@odata.nextLink"].removeprefix(ROOT))
    assert last["value"] == [{TYPE: f"#{NS}SalesPerson", ETAG: last["value"][0][ETAG], "EmployeeID": 6}]
    rest = client.get(found["Reports@odata.nextLink"].removeprefix(ROOT))
    assert [(each["EmployeeID"], each["Reports"]) for each in rest["value"]] == [(4, []), (3, []), (1, [])]


def test_what_one_expansion_may_write(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree that would grow beyond all measure is refused by name (DESIGN §9)."""
    monkeypatch.setattr(levels, "ENTITIES", 20)
    answer = clients["workshop"].send("GET Tools?$expand=Related($levels=9;$select=Code)")
    assert answer.status == 400 and answer.json["error"]["code"] == "limitExceeded"

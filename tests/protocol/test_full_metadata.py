"""What answers say at full metadata, what at minimal, and what clients may do without (JSON Format §3.1, §4.5, §8, §16).

Preferences that shape an answer: Protocol §8.2.8.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Client, Exchange, Only, rows

NS = "Northwind.Model."
META = ROOT + "$metadata#"
CONTEXT, ID, ETAG, TYPE, EDIT, READ = "@odata.context", "@odata.id", "@odata.etag", "@odata.type", "@odata.editLink", "@odata.readLink"
FULL = {"Accept": "application/json;odata.metadata=full"}
MODERN_FULL = {"Accept": "application/json;metadata=full", "OData-MaxVersion": "4.01"}
TAG = re.compile('^W/"')


def links(path: str, *names: str) -> dict[str, str]:
    """Navigation and association links of these names below an entity."""
    return {f"{name}@odata.{kind}": f"{ROOT}{path}/{name}{suffix}" for name in names for kind, suffix in (("navigationLink", ""), ("associationLink", "/$ref"))}


def at(spec: str, target: str, body: Any, **more: Any) -> Exchange:
    return Exchange(spec, target, 200, body, model="workshop", **more)


ENTITIES = [
    Exchange("J 3.1.2", "Products(1)", 200, {CONTEXT: META + "Products/$entity", TYPE: f"#{NS}Product", ID: f"{ROOT}Products(1)", ETAG: TAG, EDIT: "Products(1)", READ: ABSENT,
                                             **links("Products(1)", "Category", "Supplier", "Tags", "OrderDetails", "PriceChanges", "Reviews")}, sent=FULL),
    Exchange("J 4.5.9", "Products(5)", 200, {ID: f"{ROOT}Products(5)", EDIT: f"Products(5)/{NS}PerishableProduct", **links(f"Products(5)/{NS}PerishableProduct", "Category")}, sent=FULL),
    Exchange("J 4.5.9", "Regions(1)", 200, {ID: f"{ROOT}Regions(1)", READ: "Regions(1)", EDIT: ABSENT}, sent=FULL),
    Exchange("J 3.1.2", "OrderDetails(OrderID=10249,ProductID=4)", 200, {ID: f"{ROOT}OrderDetails(OrderID=10249,ProductID=4)"}, sent=FULL),
    Exchange("J 3.1.2", "Warehouses('HAM')/Shelves(1)/Bins", 200, {"value": [{ID: f"{ROOT}Warehouses('HAM')/Shelves(1)/Bins('A')", EDIT: "Warehouses('HAM')/Shelves(1)/Bins('A')"}, {}]}, sent=FULL),
    Exchange("J 4.5.8", "Tags('a%2Fb')", 200, {ID: f"{ROOT}Tags('a%2Fb')", EDIT: "Tags('a%2Fb')"}, sent=FULL),
    at("J 3.1.2", "Bench", {TYPE: "#Workshop.Bench", ID: ROOT + "Bench", EDIT: "Bench", **links("Bench", "Tool")}, sent=FULL),
    at("J 3.1.2", "Tools('saw')?$expand=Maker,Boxes($expand=Boxes)", {"Maker": {TYPE: "#Workshop.Maker", ID: f"{ROOT}Makers('acme')", **links("Makers('acme')", "Tools")},
       "Boxes": [{ID: f"{ROOT}Tools('saw')/Boxes(1)", "Boxes": [{ID: f"{ROOT}Tools('saw')/Boxes(1)/Boxes(1)"}, {}]}, {}]}, sent=FULL),
    at("J 8.1", "Tools('saw')", {"Spot": {TYPE: "#Workshop.Spot", **links("Tools('saw')/Spot", "Keeper")},
                                 "Parts": [links("Tools('saw')/Parts/0", "Maker"), links("Tools('saw')/Parts/1/Workshop.MovingPart", "Maker"), {}]}, sent=FULL),
    at("J 8.1", "Tools('saw')/Spot", {CONTEXT: f"{META}Tools('saw')/Spot", **links("Tools('saw')/Spot", "Keeper")}, sent=FULL),
    at("J 8.1", "Tools('saw')/Parts?$filter=Name eq 'screw'", {"value": [links("Tools('saw')/Parts/2", "Maker")]}, sent=FULL),
    at("J 4.5.3", "Tools('saw')", {"Code@odata.type": ABSENT, "Sizes@odata.type": "#Collection(Int32)", "Prices@odata.type": "#Collection(Decimal)", "Colors@odata.type": "#Collection(Workshop.Color)",
                                   "Origin": {TYPE: "#Workshop.Place"}, "aliases@odata.type": "#Collection(String)"}, sent=FULL),
    at("J 4.5.3", "Tools('saw')", {"@type": "#Workshop.Tool", "@id": f"{ROOT}Tools('saw')", "@editLink": "Tools('saw')", "Sizes@type": "Collection(Int32)", "Maker@navigationLink": str}, sent=MODERN_FULL),
    at("J 3.1.2", "Makers?$select=Founded", {"value": [{ID: f"{ROOT}Makers('acme')", EDIT: "Makers('acme')", "Tools@odata.navigationLink": ABSENT}, {}]}, sent=FULL),
    at("J 3.1.2", "Makers?$select=Founded,Tools", {"value": [links("Makers('acme')", "Tools"), {}]}, sent=FULL),
    at("J 14", "Tools('saw')/Related/$ref", {CONTEXT: META + "Collection($ref)", "value": [Only({ID: f"{ROOT}Tools('file')"}), {}]}, sent=FULL),
]

OPERATIONS = [
    Exchange("J 17", "Products(1)", 200, {f"#{NS}Discontinue": Only(title="Discontinue", target=f"{ROOT}Products(1)/{NS}Discontinue")}, sent=FULL),
    Exchange("J 17", "Products(5)", 200, {f"#{NS}Discontinue": {"target": f"{ROOT}Products(5)/{NS}PerishableProduct/{NS}Discontinue"}}, sent=FULL),
    Exchange("J 17", "Products(1)", 200, {f"#{NS}Discontinue": ABSENT}),
    Exchange("J 17", "Customers('ALFKI')", 200, {f"#{NS}Turnover": {"title": "Turnover", "target": f"{ROOT}Customers('ALFKI')/{NS}Turnover"}}, sent=FULL),
    Exchange("J 17", f"Products(1)?$select=ID,{NS}Discontinue", 200, {f"#{NS}Discontinue": {}}, sent=FULL),
    Exchange("J 17", f"Products(1)?$select=ID,{NS}*", 200, {f"#{NS}Discontinue": {}}, sent=FULL),
    Exchange("J 17", "Products(1)?$select=ID", 200, {f"#{NS}Discontinue": ABSENT}, sent=FULL),
    Exchange("J 16", "Employees", 200, {f"#{NS}Busiest": Only(title="Busiest", target=f"{ROOT}Employees/{NS}Busiest"), "value": list}, sent=FULL),
    Exchange("J 16", "Employees(2)/Reports", 200, {f"#{NS}Busiest": {"target": f"{ROOT}Employees(2)/Reports/{NS}Busiest"}}, sent=FULL),
    Exchange("J 16", "Employees?$select=LastName", 200, {f"#{NS}Busiest": ABSENT}, sent=FULL),
    Exchange("J 16", "Employees", 200, {f"#{NS}Busiest": ABSENT}),
    at("J 16", "Tools", {"#Workshop.CleanAll": {"target": f"{ROOT}Tools/Workshop.CleanAll"}, "#Workshop.Lightest": {}, "value": [{"#Workshop.Sharpen": {}, "#Workshop.Heaviest": {}}, {}, {}, {}]}, sent=FULL),
]

MINIMAL = [
    Exchange("J 3.1.1", "Products(1)", 200, {ID: ABSENT, EDIT: ABSENT, TYPE: ABSENT, ETAG: TAG}),
    Exchange("J 4.5.8", "Products?$select=Name&$top=1", 200, {"value": [{ID: f"{ROOT}Products(1)", EDIT: ABSENT}]}),
    Exchange("J 4.5.8", "OrderDetails?$select=OrderID,Quantity&$top=1", 200, {"value": [{ID: re.compile("OrderDetails")}]}),
    Exchange("J 4.5.8", "OrderDetails?$select=OrderID,ProductID&$top=1", 200, {"value": [{ID: ABSENT}]}),
    at("J 4.5.8", "Makers?$select=Name/Long", {"value": [{ID: f"{ROOT}Makers('acme')"}, {}]}),
    at("J 4.5.8", "Makers?$select=Name/Short", {"value": [{ID: ABSENT}, {}]}),
    at("J 4.5.8", "Makers?$select=Name", {"value": [{ID: ABSENT}, {}]}),
    at("J 4.5.8", "Makers?$expand=Tools($select=Sizes;$top=1;$orderby=Code)&$top=1", {"value": [{ID: ABSENT, "Tools": [{ID: f"{ROOT}Tools('file')"}]}]}),
    at("J 4.5.8", "Tools('saw')/Boxes?$select=Screws", {"value": [{ID: f"{ROOT}Tools('saw')/Boxes(1)"}, {}]}),
    at("U 5.1.4", "Tools?$select=Code,@Core.Description&$top=1", {"value": [Only({ETAG: TAG, "Code": "saw"})]}),
    at("U 5.1.4", "Tools?$select=Code,Origin/@Core.Description&$top=1", {"value": [{"Code": "saw"}]}),
    at("J 3.1.1", "Tools('saw')", {"Parts": [{"Maker@odata.navigationLink": ABSENT}, {TYPE: "#Workshop.MovingPart"}, {}], "Spot": {TYPE: ABSENT}}),
]

NULLS, DEFAULTS = {"Prefer": "omit-values=nulls"}, {"Prefer": "omit-values=defaults"}
PREFERENCES = [
    Exchange("P 8.2.8.6", "Products(16)", 200, {"ID": 16, "Name": ABSENT, "Discontinued": bool}, {"Preference-Applied": "omit-values=nulls", "Vary": re.compile("Prefer")}, NULLS),
    Exchange("P 8.2.8.6", "Products(16)", 200, {"Name": None}, {"Preference-Applied": None}, {"Prefer": "omit-values=some"}),
    Exchange("P 8.2.8.6", "Products(16)", 200, {"Name": None}, {"Preference-Applied": None}, {"Prefer": "odata.omit-values=nulls"}),
    Exchange("P 8.2.8.6", "Products?$filter=ID eq 1&$select=Discontinued,Features,UnitPrice,Dimensions", 200,
             {"value": [{"Discontinued": ABSENT, "Features": "Organic", "UnitPrice": 18, "Dimensions": Only(Width=10, Height=20.5)}]}, {"Preference-Applied": "omit-values=defaults"}, DEFAULTS),
    Exchange("P 8.2.8.6", "Products?$filter=ID eq 1&$select=Discontinued,Dimensions", 200, {"value": [{"Discontinued": False, "Dimensions": Only(Width=10, Height=20.5)}]}, sent=NULLS),
    Exchange("P 8.2.8.6", "Faceteds?$select=ID,Required,Defaulted", 200, {"value": list}, {"Preference-Applied": "omit-values=defaults"}, DEFAULTS, model="types"),
    at("P 8.2.8.6", "Tools('saw')?$select=Names,Parts", {"Names": ["Säge", "scie", None, "saw"], "Parts": [{"Origin": Only(Town="Solingen")}, {"Origin": ABSENT}, {"Weight": ABSENT}]}, sent=NULLS),
    at("P 8.2.8.6", "Tools('vice')?$expand=Maker&$select=Code,Spot", {"Maker": None, "Spot": ABSENT}, sent=NULLS),
    at("P 8.2.8.6", "Makers?$expand=Tools($select=Origin;$orderby=Code)&$select=Founded", {"value": [{"Tools": [{"Origin": ABSENT}, {"Origin": {}}]}, {"Founded": ABSENT, "Tools": []}]}, sent=NULLS),
    at("P 8.2.8.6", "Tools('drill')/Origin", Only({CONTEXT: f"{META}Tools('drill')/Origin"}), headers={"Preference-Applied": "omit-values=nulls"}, sent=NULLS),
    at("P 8.2.8.6", "Tools?$select=Code,Origin", {"value": [{}, Only({ETAG: TAG, "Code": "file"}), {}, {}]}, headers={"Preference-Applied": "maxpagesize=4, omit-values=nulls"},
       sent={"Prefer": "omit-values=nulls, maxpagesize=4"}),
    Exchange("P 8.2.8.6", "Products(1)/Discontinued", 200, {"value": False}, sent=DEFAULTS),
    Exchange("P 8.2.8.6", "Products(16)/Name", 204, None, {"Preference-Applied": None}, NULLS),
    Exchange("P 8.2.8.6", "Products/$count", 200, "16", {"Preference-Applied": None}, NULLS),
    Exchange("P 8.2.8.6", "", 200, ..., {"Preference-Applied": None}, NULLS),
    Exchange("P 8.2.8.4", "Products(1)", 200, {"Name": "Chai"}, {"Preference-Applied": 'include-annotations="*"'}, {"Prefer": 'include-annotations="*"'}),
    Exchange("P 8.2.8.4", "Products(1)", 200, ..., {"Preference-Applied": None}, {"Prefer": 'include-annotations="Namespace"'}),
    Exchange("P 8.2.8.4", "Products?$top=1", 200, ..., {"Preference-Applied": 'odata.include-annotations="display.*,-*"'}, {"Prefer": 'odata.include-annotations="display.*,-*"'}),
    Exchange("P 8.2.8", "Products(1)", 200, {"Name": "Chai"}, {"Preference-Applied": None}, {"Prefer": "something=else, allow-entityreferences"}),
]

FORMATS = [
    Exchange("P 11.2.11", "Products(1)/Name/$value?$format=text/plain", 200, "Chai"),
    Exchange("P 11.2.11", "Products(1)/Name/$value?$format=text/*", 200, "Chai"),
    Exchange("P 11.2.11", "Products(1)/Name/$value?$format=json", 406),
    Exchange("P 11.2.11", "Products(1)/Name/$value", 200, "Chai", sent={"Accept": "application/json"}),
    Exchange("P 11.2.11", "Categories(1)/Picture/$value?$format=application/octet-stream", 200, bytes(range(16))),
    Exchange("P 11.2.11", "Categories(1)/Picture/$value?$format=text/plain", 406),
    Exchange("P 11.2.11", "Products(1)?$format=application/json;foo=1", 406),
    Exchange("P 11.2.11", "Products(1)?$format=json;odata.metadata=full", 406),
    Exchange("P 11.2.11", "Products(1)?$format=application/json;odata.metadata=most", 406),
    Exchange("P 11.2.11", "Products?$format=application/json;metadata=full;IEEE754Compatible=true&$top=1", 200, {"value": [{"UnitPrice": "18", ID: str}]}),
    Exchange("P 11.2.11", "$all?$format=xml", 406, model="workshop"),
    Exchange("P 11.2.11", "$crossjoin(Tools,Makers)?$format=text/html", 406, model="workshop"),
    Exchange("P 11.2.11", "Products/$count?$format=json", 400),
    Exchange("P 11.2.12", "Products(1)?$schemaversion=*", 200, {"ID": 1}),
    Exchange("P 11.2.12", "Products(1)?SchemaVersion=*", 200, {"ID": 1}),
    Exchange("P 11.2.12", "Products(1)?$schemaversion=2", 404, {"error": {"target": "$schemaversion"}}),
    Exchange("P 11.2.12", "$metadata?$schemaversion=2", 404),
    Exchange("P 11.2.12", "?$schemaversion=x", 404),
]


@rows(ENTITIES)
def test_entities(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(OPERATIONS)
def test_operations(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(MINIMAL)
def test_minimal(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(PREFERENCES)
def test_preferences(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(FORMATS)
def test_formats(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@pytest.mark.parametrize("target", ["Tools?$expand=Maker,Boxes($expand=Boxes),Spot/Keeper", "Drawings?$expand=Tool", "Makers?$expand=Tools", "Bench?$expand=Tool"])
def test_links_work(clients: Clients, target: str) -> None:
    """Every link that an answer at full metadata shows leads somewhere (J 4.5.8 to 4.5.12)."""
    client = clients["workshop"]
    found: list[str] = []

    def gather(value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                gather(item)
        if isinstance(value, dict):
            for name, item in value.items():
                if re.search(r"@odata\.(id|editLink|readLink|navigationLink|associationLink|mediaReadLink|mediaEditLink)$", name):
                    found.append(item.removeprefix(ROOT))
                gather(item)
    gather(client.get(target, FULL))
    assert len(found) > 10
    for link in dict.fromkeys(found):
        answer = client.send("GET " + link)
        assert answer.status in (200, 204), (link, answer.status)


def test_what_was_created_without_its_nulls(private: Callable[..., Client]) -> None:
    """P 8.2.8.6: the answer to POST keeps what has not its default value; those to PATCH and PUT keep everything."""
    client = private("types")
    sent, key = {"Content-Type": "application/json"}, {"ID": 900}
    made = client.send("POST Faceteds", {**sent, **NULLS}, json.dumps({**key, "Defaulted": None, "Decimal5": 7}).encode())
    assert (made.status, made.headers["preference-applied"]) == (201, NULLS["Prefer"])
    assert {name for name in made.json if "@" not in name} == {"ID", "Required", "Defaulted", "Decimal5"}
    made = client.send("POST Faceteds", {**sent, **DEFAULTS}, json.dumps({"ID": 901, "Defaulted": None}).encode())
    assert {name for name in made.json if "@" not in name} == {"ID", "Defaulted"}
    kept = {**sent, "Prefer": "return=representation, omit-values=nulls"}
    changed = client.send("PATCH Faceteds(900)", kept, b'{"Decimal5":null}')
    assert changed.json["Decimal5"] is None and changed.headers["preference-applied"] == "return=representation"


@pytest.mark.parametrize("accept", ["application/json;metadata=full", "application/json;metadata=full;streaming=true", "application/json;odata.metadata=full;odata.streaming=true"])
@pytest.mark.parametrize(("request_", "name"), [
    ("Products(1)?$expand=Category,Tags($count=true)", "Category"), ("Products?$expand=Category,Tags($count=true)&$top=2", "Tags"), ("Employees(2)?$expand=Reports($levels=2)", "Reports"),
    ("Products(5)?$expand=Supplier/$ref,Reviews", "Supplier"), ("Categories(1)?$expand=Products($top=1)", "Products"),
])
def test_links_stand_immediately_before_what_is_expanded(clients: Clients, request_: str, name: str, accept: str) -> None:
    """The association link before the navigation link before the property, what else belongs to it in front of them (J 8.1, J 8.2, J 4.4)."""
    found = json.loads(clients["northwind"].send(f"GET {request_}", {"Accept": accept, "OData-MaxVersion": "4.0" if "odata." in accept else "4.01"}).body)
    prefix = "odata." if "odata." in accept else ""
    for entity in found.get("value", [found]):
        members = list(entity)
        at = members.index(name)
        assert members[at - 2:at] == [f"{name}@{prefix}associationLink", f"{name}@{prefix}navigationLink"]
        own = [index for index, member in enumerate(members) if member.partition("@")[0] == name and not member.endswith("nextLink")]
        assert own == list(range(own[0], own[0] + len(own))) and own[-1] == at


def test_a_count_stands_with_the_links_of_its_property(clients: Clients) -> None:
    """Also where the property itself is not there (J 4.4, J 8.3)."""
    found = clients["northwind"].get("Employees(2)?$expand=Reports/$count,Orders", FULL)
    members = [member for member in found if member.startswith("Reports@")]
    assert members == ["Reports@odata.associationLink", "Reports@odata.navigationLink", "Reports@odata.count"]
    at = list(found).index(members[0])
    assert list(found)[at:at + 3] == members


@pytest.mark.parametrize("accept", [{}, FULL])
def test_navigation_properties_come_last_in_older_answers(clients: Clients, accept: dict[str, str]) -> None:
    """Behind every structural property, an expanded stream too (J 4.4)."""
    found = clients["workshop"].get("Orders(2)", accept)
    for order in (found, found["Follows"]):
        members = [member.partition("@")[0] for member in order]
        assert "Note" in members and max(members.index(name) for name in ("No", "Note")) < min(members.index(name) for name in ("Maker", "Tools", "Follows") if name in members)

"""`$all`: the entities of every set as one collection; `$crossjoin`: the combinations of the entities of some.

URL Conventions §4.15, §4.16; Protocol §10.19, §10.20.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Exchange, Only, rows

META = ROOT + "$metadata#"
CONTEXT, COUNT, ID, ETAG, TYPE = "@odata.context", "@odata.count", "@odata.id", "@odata.etag", "@odata.type"
TEXT = {"Content-Type": "text/plain"}
NONE = {"Accept": "application/json;odata.metadata=none"}
FULL = {"Accept": "application/json;odata.metadata=full"}
MODERN = {"OData-MaxVersion": "4.01", "Accept": "application/json;metadata=minimal"}
PAIRS = "$crossjoin(Tools,Makers)"
MADE = "$filter=Tools/Maker/Name/Short eq Makers/Name/Short"


def at(spec: str, target: str, status: int | tuple[int, ...] = 200, body: Any = ..., headers: dict[str, Any] | None = None,
       **more: Any) -> Exchange:
    return Exchange(spec, target, status, body, headers or {}, model="workshop", **more)


def codes(*values: str) -> dict[str, Any]:
    return {"value": [{"Code": value} for value in values]}


ALL = [
    at("P 10.19", "$all?$top=1", 200, Only({CONTEXT: META + "Collection(Edm.EntityType)", "value": [
        {CONTEXT: META + "Tools/$entity", TYPE: "#Workshop.Tool", ETAG: str, "Code": "saw", "Sizes": [30, 10, 20, 10]}]})),
    at("P 10.19", "$all?$skip=11", 200, {"value": [{CONTEXT: META + "Bench", TYPE: "#Workshop.Bench", "Notes": ["oil", "dust"]}]}),
    at("P 10.19", "$all?$top=3", 200, {"value": [{}, {}, {CONTEXT: META + "Tools/$entity", TYPE: "#Workshop.PowerTool", "Code": "drill"}]}),
    at("P 10.19", "$all?$top=1", 200, {"@context": META + "Collection(Edm.EntityType)", "value": [{"@context": META + "Tools/$entity", "@type": "#Workshop.Tool"}]}, sent=MODERN),
    at("J 3.1.3", "$all?$top=1", 200, Only(value=[{CONTEXT: ABSENT, TYPE: ABSENT, "Code": "saw"}]), sent=NONE),
    at("J 3.1.2", "$all?$top=1", 200, {"value": [{CONTEXT: str, TYPE: "#Workshop.Tool", ID: f"{ROOT}Tools('saw')"}]}, sent=FULL),
    at("U 4.16", "$all/$count", 200, "12", TEXT),
    at("U 4.16", "$all?$count=true&$top=0", 200, Only({CONTEXT: str, COUNT: 12, "value": []})),
    at("U 4.16", "$all/$count?$filter=isof(Workshop.Maker)", 200, "2", TEXT),
    at("U 4.16", "$all?$filter=isof(W.PowerTool)", 200, {"value": [{"Code": "drill"}]}),
    at("U 4.16", "$all?$filter=W.Tool/Code eq 'saw' or W.Maker/Founded eq 1902", 200, {"value": [{"Code": "saw"}, {"Founded": 1902}]}),
    at("U 4.16", "$all?$filter=W.Tool/Origin/Town eq 'Solingen'", 200, codes("saw")),
    at("U 4.16", "$all?$filter=W.Tool/Maker/Name/Short eq 'acme'&$orderby=W.Tool/Code", 200, codes("file", "saw")),
    at("U 4.16", "$all?$orderby=W.Drawing/ID desc,W.Tool/Code desc&$top=5", 200,
       {"value": [{"ID": 3}, {"ID": 2}, {"ID": 1}, {"Code": "vice"}, {"Code": "saw"}]}),
    at("U 4.16", "$all?$select=W.Tool/Code,W.Drawing/Title&$skip=3&$top=4", 200,
       {"value": [{"Code": "vice", "Sizes": ABSENT}, {ID: f"{ROOT}Makers('acme')", "Founded": ABSENT}, {ID: f"{ROOT}Makers('bolt')"}, {"Title": "saw, front"}]}),
    at("U 4.16", "$all?$expand=W.Tool/Maker($select=Founded),W.Drawing/Tool($select=Code)&$filter=W.Tool/Code eq 'saw' or W.Drawing/ID eq 1", 200,
       {"value": [{"Code": "saw", "Maker": {"Founded": 1902}}, {"ID": 1, "Tool": {"Code": "saw"}, "Maker": ABSENT}]}),
    at("U 4.16", "$all/Workshop.Tool?$select=Code", 200, {CONTEXT: META + "Collection(Workshop.Tool)(Code)", "value": [
        Only({CONTEXT: META + "Tools(Code)/$entity", ETAG: str, "Code": "saw"}), {}, {TYPE: "#Workshop.PowerTool"}, {}]}),
    at("U 4.16", "$all/W.Tool?$filter=Code gt 'g' and Sizes/$count gt 0&$orderby=Code desc", 200, codes("vice", "saw")),
    at("U 4.16", "$all/W.Tool?$orderby=Next/Code,Code&$top=2", 200, codes("vice", "file")),
    at("U 4.16", "$all/W.Tool?$compute=length(Code) as n&$select=Code,n&$orderby=n desc,Code&$top=2", 200, {"value": [{"Code": "drill", "n": 5}, {"Code": "file", "n": 4}]}),
    at("U 4.16", "$all/W.Tool?$expand=Maker($select=Founded)&$filter=Code eq 'saw'", 200, {"value": [{"Maker": {"Founded": 1902}}]}),
    at("U 4.16", "$all/W.Tool?$select=Sizes($orderby=$this;$top=1)&$top=1", 200, {"value": [{"Sizes": [10]}]}),
    at("P 10.6", "$all/W.PowerTool", 200, {CONTEXT: META + "Collection(Workshop.PowerTool)", "value": [{CONTEXT: META + "Tools/Workshop.PowerTool/$entity", "Watts": 500}]}),
    at("U 4.16", "$all/W.Tool/$count", 200, "4", TEXT),
    at("U 4.16", "$all/W.Tool/$count?$filter=Code lt 'g'", 200, "2", TEXT),
    at("U 4.16", "$all/W.Bench", 200, {"value": [{CONTEXT: META + "Bench", "Notes": list}]}),
    at("U 4.16", "$all/W.Box", 200, Only({CONTEXT: META + "Collection(Workshop.Box)", "value": []})),
    at("U 4.16", "$all/W.Box/$count", 200, "0", TEXT),
    at("U 4.16", "$all/W.Box?$count=true", 200, {COUNT: 0, "value": []}),
    at("U 4.16", "$all?$search=saw", 200, {"value": [{"Code": "saw"}, {"Title": "saw, front"}]}),
    at("U 4.16", "$all?$search=saw NOT front", 200, {"value": [{"Code": "saw"}]}),
    at("U 4.16", "$all/W.Place", (400, 404)),
    at("U 4.16", "$all/W.Nothing", (400, 404)),
    at("U 4.16", "$all/Code", (400, 404)),
    at("U 4.16", "$all('saw')", (400, 404)),
    at("U 4.16", "$all?$filter=Code eq 'saw'", 400),
    at("U 4.16", "$all?$apply=aggregate($count as n)&$select=n", 200, {"value": [{"n": int}]}),
    at("U 4.16", "POST $all", 405),
]

CROSSJOIN = [
    at("P 10.20", f"{PAIRS}?$top=2", 200, Only({CONTEXT: META + "Collection(Edm.ComplexType)", "value": [
        Only({"Tools@odata.navigationLink": f"{ROOT}Tools('saw')", "Makers@odata.navigationLink": f"{ROOT}Makers('acme')"}),
        Only({"Tools@odata.navigationLink": f"{ROOT}Tools('saw')", "Makers@odata.navigationLink": f"{ROOT}Makers('bolt')"})]})),
    at("P 10.20", f"{PAIRS}?$top=1&$expand=Tools($select=Code)", 200,
       {"value": [Only({"Tools": Only({ETAG: str, "Code": "saw"}), "Makers@odata.navigationLink": f"{ROOT}Makers('acme')"})]}),
    at("P 10.20", f"{PAIRS}?$top=1&$expand=Tools($select=Code)", 200,
       {"@context": META + "Collection(Edm.ComplexType)", "value": [{"Tools": {"@etag": str}, "Makers@navigationLink": f"{ROOT}Makers('acme')"}]}, sent=MODERN),
    at("J 3.1.3", f"{PAIRS}?$top=1&$expand=Tools($select=Code)", 200, Only(value=[Only(Tools=Only(Code="saw"))]), sent=NONE),
    at("U 4.15", f"{PAIRS}?{MADE}&$expand=Tools($select=Code),Makers($select=Founded)&$orderby=Tools/Code", 200,
       {"value": [{"Tools": {"Code": "file"}, "Makers": {"Founded": 1902}}, {"Tools": {"Code": "saw"}, "Makers": {"Founded": 1902}}]}),
    at("U 4.15", f"{PAIRS}?$filter=Tools/Code eq 'drill' and Makers/Founded eq null&$expand=Tools", 200, {"value": [{"Tools": {TYPE: "#Workshop.PowerTool", "Watts": 500}}]}),
    at("U 4.15", f"{PAIRS}?$expand=Tools($expand=Maker($select=Founded);$select=Code)&$filter=Tools/Code eq 'saw'&$top=1", 200,
       {"value": [{"Tools": {"Code": "saw", "Maker": {"Founded": 1902}}}]}),
    at("U 4.15", f"{PAIRS}?$expand=Tools/$ref&$top=1", 200, {"value": [{"Tools": Only({ID: f"{ROOT}Tools('saw')"})}]}),
    at("U 4.15", f"{PAIRS}?$orderby=Makers/Founded desc,Tools/Code desc&$top=2&$expand=Tools($select=Code)", 200, {"value": [{"Tools": {"Code": "vice"}}, {"Tools": {"Code": "saw"}}]}),
    at("U 4.15", f"{PAIRS}?$skip=7", 200, {"value": [{"Tools@odata.navigationLink": f"{ROOT}Tools('vice')", "Makers@odata.navigationLink": f"{ROOT}Makers('bolt')"}]}),
    at("U 4.15", f"{PAIRS}?$count=true&$top=1", 200, {COUNT: 8, "value": [{}]}),
    at("U 4.15", f"{PAIRS}?$count=true&{MADE}&$top=0", 200, {COUNT: 2, "value": []}),
    at("U 4.15", f"{PAIRS}/$count", 200, "8", TEXT),
    at("U 4.15", f"{PAIRS}/$count?{MADE}", 200, "2", TEXT),
    at("U 4.15", "$crossjoin(Tools,Makers,Drawings)/$count", 200, "24", TEXT),
    at("U 4.15", "$crossjoin(Makers)?$top=1", 200, {"value": [Only({"Makers@odata.navigationLink": f"{ROOT}Makers('acme')"})]}),
    at("U 4.15", f"{PAIRS}?$select=Tools&$top=1", 200, {"value": [Only({"Tools@odata.navigationLink": f"{ROOT}Tools('saw')"})]}),
    at("P 11.2.5.3", f"{PAIRS}?$compute=length(Tools/Code) add length(Makers/Name/Short) as n&$select=n&$orderby=n desc&$top=1", 200,
       {"value": [Only({"n@odata.type": "#Int32", "n": 9})]}),
    at("U 4.15", f"{PAIRS}?$filter=Tools/Parts/any(p:p/Maker/Name/Short eq Makers/Name/Short)&$expand=Tools($select=Code),Makers($select=Name/Short)", 200,
       {"value": [{"Tools": {"Code": "saw"}, "Makers": {"Name": {"Short": "acme"}}}, {"Tools": {"Code": "saw"}}, {"Tools": {"Code": "file"}, "Makers": {"Name": {"Short": "bolt"}}}]}),
    at("U 4.15", f"{PAIRS}?$filter=Tools/Maker eq Makers&$expand=Tools($select=Code)", 200, {"value": [{"Tools": {"Code": "saw"}}, {"Tools": {"Code": "file"}}]}),
    Exchange("U 4.15", "$crossjoin(Products,Categories)?$filter=Products/CategoryID eq Categories/ID and Products/ID eq 1&$expand=Products($select=ID),Categories($select=Name)", 200,
             {"value": [{"Products": {"ID": int}, "Categories": {"Name": str}}]}),
    at("U 4.15", "$crossjoin(Tools,Nothing)", 404),
    at("U 4.15", "$crossjoin(Tools,Bench)", 404),
    at("U 4.15", "$crossjoin(Tools,Tools)", 400),
    at("U 4.15", "$crossjoin()", (400, 404)),
    at("U 4.15", "$crossjoin", (400, 404)),
    at("U 4.15", f"{PAIRS}/Tools", (400, 404)),
    at("U 4.15", f"{PAIRS}?$filter=Tools/Code", 400),
    at("U 4.15", f"{PAIRS}?$filter=Code eq 'saw'", 400),
    at("U 4.15", f"{PAIRS}?$expand=Drawings", 400),
    at("U 4.15", f"{PAIRS}?$select=Code", 400),
    at("U 4.15", f"{PAIRS}?$search=saw&$count=true", 200, {COUNT: 2, "value": list}),
    at("U 4.15", f"{PAIRS}?$apply=aggregate($count as n)", (200, 501)),
    at("U 4.15", f"POST {PAIRS}", 405),
]


@rows(ALL)
def test_all(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(CROSSJOIN)
def test_crossjoin(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


PAGED = ["$all?$select=W.Tool/Code", "$all?$orderby=W.Tool/Code desc", "$all?$orderby=W.Maker/Founded,W.Tool/Code&$filter=not isof(W.Bench)", "$all?$top=5",
         "$all/W.Tool?$orderby=Maker/Founded desc", "$all?$skip=2&$top=6", f"{PAIRS}?$expand=Makers($select=Founded)", f"{PAIRS}?$orderby=Makers/Founded desc,Tools/Code",
         f"{PAIRS}?$orderby=Makers/Founded&$top=5", f"{PAIRS}?$skip=3", f"{PAIRS}?{MADE}"]


@pytest.mark.parametrize("target", PAGED)
@pytest.mark.parametrize("size", [1, 3])
def test_pages(clients: Clients, target: str, size: int) -> None:
    """Pages show every item once, in the order of the whole (P 11.2.6.7)."""
    client = clients["workshop"]
    whole = client.get(target)["value"]
    pages = client.pages(target, {"Prefer": f"maxpagesize={size}"})
    assert [item for page in pages for item in page["value"]] == whole
    assert all(len(page["value"]) <= size for page in pages) and len(pages) == -(-len(whole) // size)


def test_statements(clients: Clients) -> None:
    """One statement for the page, one for each set that has entities on it (DESIGN §3)."""
    client = clients["workshop"]
    for target, count in (("$all?$top=5", 3), ("$all?$filter=not isof(W.Order)", 5), ("$all?$top=1&$count=true", 3), (PAIRS, 3), (f"{PAIRS}?$expand=Tools($expand=Maker)", 4), (f"{PAIRS}/$count", 1)):
        client.get(target) if "/$count" not in target else client.send("GET " + target)
        with client.statements() as seen:
            client.handled("GET", target.replace(" ", "%20"), {})
        assert len(seen) == count, target


def test_the_union_has_all_entities(clients: Clients) -> None:
    """`$all` counts what the sets and singletons count (U 4.16)."""
    for client in (clients["northwind"], clients["industryData"]):
        total = 0
        for each in client.get("")["value"]:
            if each.get("kind", "EntitySet") == "EntitySet":
                total += int(client.send(f"GET {each['url']}/$count").text)
        sets = set(client.service.model.sets) - {each["url"] for each in client.get("")["value"]}
        total += sum(int(client.send(f"GET {name}/$count").text) for name in sets) + len(client.service.model.singletons)
        assert int(client.send("GET $all/$count").text) == total

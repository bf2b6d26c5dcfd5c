"""Collections of values and complex values: addressed with options, chosen from in `$select`, items by position.

URL Conventions §4.6 to §4.12, §5.1.4; Protocol §10.13, §11.2.4, §11.2.5.1.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Exchange, Only, rows

META = ROOT + "$metadata#"
CONTEXT, COUNT, ID, TYPE = "@odata.context", "@odata.count", "@odata.id", "@odata.type"
SAW = "Tools('saw')"
TEXT = {"Content-Type": "text/plain"}
NONE = {"Accept": "application/json;odata.metadata=none"}
IEEE = {"Accept": "application/json;IEEE754Compatible=true"}
MODERN = {"OData-MaxVersion": "4.01"}
SPOT = {"Shelf": "A1", "Marks": ["x", "y", "z"], "Room": {"Town": "Basel", "Storey": 1}, "humidity@odata.type": "#Int32", "humidity": 40}


def got(spec: str, target: str, *values: Any, **more: Any) -> Exchange:
    """A request below the saw that gives these items."""
    return Exchange(spec, f"{SAW}/{target}", 200, {"value": list(values)}, model="workshop", **more)


def at(spec: str, target: str, status: int | tuple[int, ...] = 200, body: Any = ..., headers: dict[str, Any] | None = None,
       **more: Any) -> Exchange:
    return Exchange(spec, target, status, body, headers or {}, model="workshop", **more)


PRIMITIVE = [
    at("P 10.13", f"{SAW}/Names?$filter=startswith($it,'s')", 200, Only({CONTEXT: f"{META}{SAW}/Names", "value": ["scie", "saw"]})),
    got("U 5.1.1.14", "Names?$filter=startswith($this,'s')", "scie", "saw"),
    got("U 5.1.1.14", "Names?$filter=$it eq null", None),
    got("U 5.1.1.14", "Names?$filter=$it ne null&$orderby=length($it),$it desc", "saw", "scie", "Säge"),
    got("P 11.2.6.2", "Names?$orderby=$it", None, "Säge", "saw", "scie"),
    got("P 11.2.6.2", "Names?$orderby=$it desc", "scie", "saw", "Säge", None),
    got("P 11.2.6.3", "Names?$top=2", "Säge", "scie"),
    got("P 11.2.6.4", "Names?$skip=3", "saw"),
    got("P 11.2.6.4", "Names?$skip=1&$top=2", "scie", None),
    got("P 11.2.6.4", "Names?$skip=9"),
    got("P 11.2.6.3", "Names?$top=0"),
    at("P 11.2.6.5", f"{SAW}/Names?$count=true&$top=1", 200, Only({CONTEXT: f"{META}{SAW}/Names", COUNT: 4, "value": ["Säge"]})),
    at("P 11.2.6.5", f"{SAW}/Names?$count=true&$filter=contains($it,'a')&$top=0", 200, {COUNT: 1, "value": []}),
    at("J 3.2", f"{SAW}/Sizes?$count=true", 200, {COUNT: "4", "value": [30, 10, 20, 10]}, sent=IEEE),
    got("P 11.2.6.2", "Sizes?$orderby=$it", 10, 10, 20, 30),
    got("U 5.1.1.1", "Sizes?$filter=$it in (10,20)&$orderby=$it desc", 20, 10, 10),
    got("U 5.1.1.2", "Sizes?$filter=$it mod 20 eq 0", 20),
    got("P 11.2.6.1.3", "Sizes?$filter=$it gt @least&@least=15", 30, 20),
    got("P 11.2.1", "Sizes?top=1&FILTER=$it lt 30", 10),
    got("P 11.2.6.2", "Prices?$orderby=$it desc", 100, 10.25, 9.5, 9.5),
    got("U 5.1.1.1", "Prices?$filter=$it lt 9.51", 9.5, 9.5),
    at("J 3.2", f"{SAW}/Prices?$filter=$it gt 10", 200, {"value": ["10.25", "100"]}, sent=IEEE),
    got("U 5.1.1.1", "Moments?$filter=$it lt 2024-05-01T11:30:00%2B02:00", "2024-05-01T09:00:00.5Z"),
    got("P 11.2.6.2", "Moments?$orderby=$it", "2024-05-01T09:00:00.5Z", "2024-05-01T10:00:00Z"),
    got("U 5.1.1.1", "Colors?$filter=$it eq Workshop.Color'red'", "red"),
    got("U 5.1.1.1", "Colors?$filter=$it eq 'blue'", "blue"),
    got("P 11.2.6.2", "Colors?$orderby=$it", "red", "blue"),
    got("U 5.1.1.1", "Switches?$filter=$it", True, True),
    got("P 11.2.6.2", "Switches?$orderby=$it", False, True, True),
    got("P 11.2.6.2", "Ratios?$orderby=$it desc", 2.5, 0.5, 0.25),
    got("U 4.12", "Names/$filter(startswith($it,'s'))", "scie", "saw"),
    got("U 4.12", "Names/$filter(@s)?@s=startswith($it,'s')", "scie", "saw"),
    got("U 4.12", "Names/$filter(startswith($it,'s'))/$filter($it ne 'saw')", "scie"),
    got("U 4.12", "Names/$filter(startswith($it,'s'))?$filter=$it ne 'saw'&$top=5", "scie"),
    got("U 4.10", "Boxes(1)/Screws?$orderby=$it", 4, 5),
    at("P 10.13", f"{SAW}/Boxes(1)/Boxes(2)/Screws?$top=1", 200, {CONTEXT: f"{META}{SAW}/Boxes(1)/Boxes(2)/Screws", "value": [9]}),
    at("P 10.13", "Bench/Notes?$filter=$it eq 'oil'", 200, {CONTEXT: META + "Bench/Notes", "value": ["oil"]}),
    at("P 10.13", f"{SAW}/Next/Sizes?$top=1", 200, {CONTEXT: f"{META}Tools('file')/Sizes", "value": [1]}),
    at("U 4.8", f"{SAW}/Names/$count", 200, "4", TEXT),
    at("P 11.2.10", f"{SAW}/Names/$count?$filter=$it ne null", 200, "3", TEXT),
    at("P 11.2.10", f"{SAW}/Names/$filter($it ne null)/$count", 200, "3", TEXT),
    at("P 11.2.10", f"{SAW}/Names/$filter($it ne null)/$count?$filter=$it eq 'saw'", 400),
    at("U 4.8", "Tools('file')/Names/$count", 200, "0", TEXT),
    got("U 5.1.8", "Names?$search=SAW", "saw"),
    got("U 5.1.8", "Names?$search=saw OR scie", "scie", "saw"),
    got("U 5.1.8", "Names?$search=NOT saw&$filter=$it ne null", "Säge", "scie"),
    got("U 5.1.8", "Sizes?$search=10"),
    got("U 5.1.8", "aliases?$search=ripsaw", "ripsaw"),
    # items
    at("U 4.10", f"{SAW}/Names/0", 200, Only({CONTEXT: META + "Edm.String", "value": "Säge"})),
    at("U 4.10", f"{SAW}/Names/-1", 200, {"value": "saw"}),
    at("U 4.10", f"{SAW}/Names/2", 204, None),
    at("U 4.10", f"{SAW}/Names/4", 404, {"error": {"code": "notFound"}}),
    at("U 4.10", f"{SAW}/Names/-5", 404),
    at("U 4.10", f"{SAW}/Names/%2B1", (400, 404)),
    at("U 4.10", f"{SAW}/Names/x", 404),
    at("U 4.10", f"{SAW}/Names/$filter(startswith($it,'s'))/1", 200, {"value": "saw"}),
    at("P 11.2.4.1", f"{SAW}/Names/0/$value", 200, "Säge", {"Content-Type": "text/plain;charset=utf-8"}),
    at("P 11.2.4.1", f"{SAW}/Prices/1/$value", 200, "10.25", TEXT),
    at("P 11.2.4.1", f"{SAW}/Moments/1/$value", 200, "2024-05-01T09:00:00.5Z", TEXT),
    at("P 11.2.4.1", f"{SAW}/Switches/1/$value", 200, "false", TEXT),
    at("P 11.2.4.1", f"{SAW}/Ratios/1/$value", 200, "2.5", TEXT),
    at("P 11.2.4.1", f"{SAW}/Colors/0/$value", 200, "blue", TEXT),
    # what there is not
    at("P 11.2.4", "Tools('none')/Names?$top=1", 404),
    at("P 11.2.4", "Tools('none')/Names/$count", 404),
    at("U 5.1", f"{SAW}/Names?$select=x", 400),
    at("U 5.1", f"{SAW}/Names?$expand=Maker", 400),
    at("U 5.1", f"{SAW}/Names?$compute=1 as x", 400),
    at("U 5.1", f"{SAW}/Names?$apply=aggregate($count as n)", 400),
    at("U 5.1", f"{SAW}/Names?$filter=Length gt 1", 400),
    at("U 5.1", f"{SAW}/Names?$filter=$it", 400, {"error": {"target": "$filter"}}),
    at("U 5.1", f"{SAW}/Names?$orderby=Code", 400),
    at("U 4.8", f"{SAW}/Names/$count?$select=x", 400),
    at("U 4.7", f"{SAW}/Names/$value", 400),
    at("U 4.4", f"{SAW}/Names/$ref", 404),
]

COMPLEX = [
    at("P 10.13", f"{SAW}/Parts?$select=Name&$filter=Weight gt 0.2", 200, Only({CONTEXT: f"{META}{SAW}/Parts(Name)", "value": [Only(Name="blade")]})),
    got("P 11.2.6.2", "Parts?$orderby=Weight&$select=Name", {"Name": "screw"}, {"Name": "grip"}, {"Name": "blade"}),
    got("P 11.2.6.2", "Parts?$orderby=Labels/$count desc,Name&$select=Name", {"Name": "blade"}, {"Name": "screw"}, {"Name": "grip"}),
    got("P 11.2.6.2", "Parts?$orderby=Origin/Town desc&$select=Name&$top=2", {"Name": "screw"}, {"Name": "blade"}),
    got("U 5.1.1.13", "Parts?$filter=Labels/any(l:l eq 'steel')&$select=Name", {"Name": "blade"}, {"Name": "screw"}),
    got("U 5.1.1.13", "Parts?$filter=Labels/$count eq 0&$select=Name", {"Name": "grip"}),
    got("U 5.1.1.1", "Parts?$filter=Origin eq null&$select=Name", {"Name": "grip"}),
    got("U 5.1.1.15", "Parts?$filter=Maker/Name/Short eq 'bolt'&$select=Name", {"Name": "grip"}),
    got("U 5.1.1.1", "Parts?$filter=Maker ne null&$orderby=Name desc&$select=Name", {"Name": "grip"}, {"Name": "blade"}),
    got("U 5.1.1.14", "Parts?$filter=$it/Name eq 'blade' and $this/Weight gt 0&$select=Name", {"Name": "blade"}),
    got("U 4.11", "Parts/Workshop.MovingPart", {TYPE: "#Workshop.MovingPart", "Name": "grip", "Speed": 3}),
    at("P 10.13", f"{SAW}/Parts/W.MovingPart?$filter=Speed eq 3&$select=Speed", 200, {CONTEXT: f"{META}{SAW}/Parts/Workshop.MovingPart(Speed)", "value": [{"Speed": 3}]}),
    at("U 4.11", f"{SAW}/Parts/W.MovingPart/$count", 200, "1", TEXT),
    at("U 4.11", f"{SAW}/Parts/W.MovingPart/0/Speed", 200, {CONTEXT: META + "Edm.Int32", "value": 3}),
    got("U 5.1.1.11", "Parts?$filter=isof(W.MovingPart)&$select=Name", {"Name": "grip"}),
    got("U 4.11", "Parts?$filter=W.MovingPart/Speed gt 1&$select=Name", {"Name": "grip"}),
    got("P 11.2.5.3", "Parts?$compute=Weight mul 2 as double&$select=Name,double&$filter=double gt 1&$orderby=double",
        Only({"Name": "blade", "double@odata.type": "#Decimal", "double": 1.5})),
    at("P 10.13", f"{SAW}/Parts?$compute=length(Name) as n&$select=n&$top=1", 200, {CONTEXT: f"{META}{SAW}/Parts(n)", "value": [Only({"n@odata.type": "#Int32", "n": 5})]}),
    got("P 11.2.5.1", "Parts?$select=Origin/Town&$top=1", Only(Origin=Only(Town="Solingen"))),
    got("P 11.2.5.1", "Parts?$select=Name,Labels($top=1;$count=true)&$top=2", Only({"Name": "blade", "Labels@odata.count": 2, "Labels": ["steel"]}),
        {"Name": "grip", "Labels@odata.count": 0, "Labels": []}),
    got("U 5.1.3", "Parts?$expand=Maker($select=Founded)&$select=Name", {"Name": "blade", "Maker": {"Founded": 1902}}, {"Maker": {"Founded": None}}, {"Maker": None}),
    at("P 10.13", f"{SAW}/Parts?$expand=Maker($select=Founded)", 200, {CONTEXT: f"{META}{SAW}/Parts(Maker(Founded))", "value": [{"Weight": 0.75, "Maker": {}}, {}, {}]}),
    got("U 5.1.3", "Parts?$expand=Maker&$filter=Name eq 'grip'&$select=Name", {"Name": "grip", "Maker": {"Name": {"Short": "bolt"}}}),
    got("U 5.1.8", "Parts?$search=steel&$select=Name&$orderby=Name desc", Only(Name="screw"), Only(Name="blade")),
    got("U 5.1.8", "Parts?$search=steel sharp&$select=Name", {"Name": "blade"}),
    got("U 5.1.8", "Parts?$search=steel NOT ulm&$count=true&$select=Name", {"Name": "blade"}),
    got("U 5.1.8", 'Parts?$search="steel sharp"&$select=Name'),
    at("U 4.10", f"{SAW}/Parts/0", 200, {CONTEXT: META + "Workshop.Part", "Name": "blade", TYPE: ABSENT}),
    at("U 4.10", f"{SAW}/Parts/1", 200, {CONTEXT: META + "Workshop.Part", TYPE: "#Workshop.MovingPart", "Name": "grip"}),
    at("U 4.10", f"{SAW}/Parts/-1?$select=Name", 200, Only({CONTEXT: META + "Workshop.Part(Name)", "Name": "screw"})),
    at("U 4.10", f"{SAW}/Parts/0?$expand=Maker", 200, {"Name": "blade", "Maker": {"Founded": 1902}}),
    at("U 4.10", f"{SAW}/Parts/0?$compute=Weight mul 4 as w&$select=w", 200, Only({CONTEXT: META + "Workshop.Part(w)", "w@odata.type": "#Decimal", "w": 3})),
    at("U 4.10", f"{SAW}/Parts/0/Name/$value", 200, "blade", TEXT),
    at("U 4.10", f"{SAW}/Parts/0/Labels?$orderby=$it", 200, {CONTEXT: META + "Collection(Edm.String)", "value": ["sharp", "steel"]}),
    at("U 4.10", f"{SAW}/Parts/0/Labels/1", 200, {"value": "sharp"}),
    at("U 4.10", f"{SAW}/Parts/$filter(Weight lt 0.5)/0/Name", 200, {"value": "grip"}),
    at("U 4.10", f"{SAW}/Parts/$filter(Weight gt 0.2)/0/Labels?$filter=$it eq 'sharp'", 200, {"value": ["sharp"]}),
    at("U 4.10", f"{SAW}/Parts/2/Origin/Town", 200, {"value": "Ulm"}),
    at("U 4.10", f"{SAW}/Parts/1/Origin", 204, None),
    at("U 4.10", f"{SAW}/Parts/1/Origin/Town", (204, 404)),
    at("U 4.10", f"{SAW}/Parts/3", 404),
    at("U 4.11", f"{SAW}/Parts/0/W.MovingPart", 404),
    at("U 4.10", f"{SAW}/Parts/0/Maker", 200, {CONTEXT: META + "Makers/$entity", "Founded": 1902}),
    at("U 4.10", f"{SAW}/Parts/-2/Maker/Name/Short", 200, {CONTEXT: META + "Makers('bolt')/Name/Short", "value": "bolt"}),
    at("U 4.10", f"{SAW}/Parts/0/Maker/$ref", 200, {CONTEXT: META + "$ref", ID: ROOT + "Makers('acme')"}),
    at("U 4.10", f"{SAW}/Parts/0/Maker/Tools?$select=Code&$orderby=Code", 200, {"value": [{"Code": "file"}, {"Code": "saw"}]}),
    at("P 11.2.7", f"{SAW}/Parts/2/Maker", 204, None),
    at("P 11.2.7", f"{SAW}/Parts/3/Maker", 404),
    at("P 11.2.7", f"{SAW}/Parts/-4/Maker", 404),
    at("P 11.2.7", "Tools('none')/Parts/0/Maker", 404),
    at("U 4.10", f"{SAW}/Parts/Maker", (400, 404)),
    at("U 5.1", f"{SAW}/Parts?$filter=Nmae eq 'x'", 400, {"error": {"target": "$filter"}}),
    at("J 3.1.3", f"{SAW}/Parts/W.MovingPart", 200, Only(value=[{"Name": "grip", TYPE: ABSENT}]), sent=NONE),
]

SINGLE = [
    at("P 10.13", f"{SAW}/Origin?$select=Town", 200, Only({CONTEXT: f"{META}{SAW}/Origin(Town)", "Town": "Solingen"})),
    at("P 11.2.5.3", f"{SAW}/Origin?$compute=Storey add 1 as up&$select=up", 200, Only({CONTEXT: f"{META}{SAW}/Origin(up)", "up@odata.type": "#Int32", "up": 3})),
    at("P 11.2.5.3", f"{SAW}/Origin?$compute=Storey add 1 as up,up mul 2 as more", 200, {"Town": "Solingen", "up": 3, "more": 6}),
    at("P 11.2.5.3", f"{SAW}/Spot?$compute=concat(Shelf,'!') as loud&$select=loud", 200, Only({CONTEXT: f"{META}{SAW}/Spot(loud)", "loud": "A1!"})),
    at("P 11.2.4", "Tools('file')/Origin?$select=Town", 204, None),
    at("P 11.2.5.3", "Tools('drill')/Origin?$compute=Storey add 1 as up", 200, {"Town": None, "Storey": None, "up": None, "up@odata.type": ABSENT}),
    at("U 5.1.3", f"{SAW}/Spot?$expand=Keeper", 200, {CONTEXT: f"{META}{SAW}/Spot", **SPOT, "Keeper": {"Founded": 1902}}),
    at("P 10.9", f"{SAW}/Spot?$expand=Keeper", 200, {CONTEXT: f"{META}{SAW}/Spot(Keeper())"}, sent=MODERN),
    at("U 5.1.3", f"{SAW}/Spot?$select=Shelf&$expand=Keeper($select=Founded)", 200,
       Only({CONTEXT: f"{META}{SAW}/Spot(Shelf,Keeper(Founded))", "Shelf": "A1", "Keeper": {"Founded": 1902}})),
    at("U 5.1.3", "Tools('drill')/Spot?$expand=Keeper", 200, {"Shelf": "B2", "Keeper": None}),
    at("U 5.1.3", "Bench/Spot?$expand=Keeper($expand=Tools($count=true))", 200, {"Keeper": {"Tools@odata.count": 0, "Tools": []}}),
    at("U 4.6", f"{SAW}/Spot/Keeper", 200, {CONTEXT: META + "Makers/$entity"}),
    at("U 4.6", f"{SAW}/Spot/Keeper/Founded/$value", 200, "1902", TEXT),
    at("P 11.2.7", "Tools('drill')/Spot/Keeper", 204, None),
    at("U 4.6", f"{SAW}/Spot/Marks?$skip=1", 200, {CONTEXT: f"{META}{SAW}/Spot/Marks", "value": ["y", "z"]}),
    at("U 4.6", f"{SAW}/Spot/Room/Town", 200, {"value": "Basel"}),
    at("U 4.6", f"{SAW}/Spot?$select=Room/Town,humidity", 200, Only({CONTEXT: f"{META}{SAW}/Spot(Room/Town,humidity)", "Room": Only(Town="Basel"),
                                                                     "humidity@odata.type": "#Int32", "humidity": 40})),
    at("U 4.6", f"{SAW}/Spot/humidity/$value", 200, "40", TEXT),
    at("U 5.1", f"{SAW}/Origin?$filter=Town eq 'x'", 400),
    at("U 5.1", f"{SAW}/Origin?$top=1", 400),
    at("U 5.1", f"{SAW}/Origin?$count=true", 400),
    at("U 5.1", f"{SAW}/Origin?$expand=Town", 400),
]

DYNAMIC = [
    at("J 6", f"{SAW}/aliases?$filter=contains($it,'s')&$orderby=$it&$top=2", 200,
       Only({CONTEXT: f"{META}{SAW}/aliases", TYPE: "#Collection(String)", "value": ["backsaw", "handsaw"]})),
    at("J 6", f"{SAW}/counts?$filter=$it gt 8&$count=true", 200, {TYPE: "#Collection(Int32)", COUNT: 2, "value": [11, 9]}),
    got("J 6", "counts?$orderby=$it desc", 11, 9, 7),
    at("J 6", f"{SAW}/counts/1", 200, {TYPE: "#Int32", "value": 11}),
    at("J 6", f"{SAW}/aliases/-1/$value", 200, "backsaw", TEXT),
    at("J 6", f"{SAW}/aliases/$count", 200, "3", TEXT),
    at("J 6", f"{SAW}/aliases/$count?$filter=startswith($it,'r')", 200, "1", TEXT),
    at("J 6", "Tools('drill')/aliases?$top=1", 400),
    at("J 6", "Tools('drill')/aliases", 200, {"value": "only text"}),
    at("J 6", f"{SAW}/unheard?$top=1", (204, 404)),
    at("J 6", "Tools?$select=aliases($orderby=$this;$top=1)", 200,
       {"value": [{"aliases": ["backsaw"]}, {"aliases": None}, {"aliases": "only text"}, {"aliases": None}]}),
    at("U 5.1.4", "Tools?$select=Code,unheard&$top=1", 200, {CONTEXT: META + "Tools(Code,unheard)", "value": [{"Code": "saw", "unheard": None}]}),
    at("U 5.1.4", f"{SAW}?$select=Spot/unheard,Spot/humidity", 200, {"Spot": Only({"humidity@odata.type": "#Int32", "humidity": 40, "unheard": None})}),
    at("U 5.1.4", f"{SAW}?$select=unheard($top=1)", 200, {"unheard": None}),
    at("U 5.1.4", "Makers?$select=unheard", 400),
]


def chosen(spec: str, select: str, *values: Any, context: str = "") -> Exchange:
    """What `$select` leaves of the four tools."""
    body: dict[str, Any] = {"value": list(values)}
    if context:
        body[CONTEXT] = f"{META}Tools({context})"
    return Exchange(spec, f"Tools?$select={select}", 200, body, model="workshop")


SELECTED = [
    chosen("U 5.1.4", "Names($filter=contains($this,'a'))", {"Names": ["saw"]}, {"Names": []}, {"Names": []}, {"Names": []}, context="Names"),
    chosen("U 5.1.4", "Sizes($orderby=$this desc;$top=2;$count=true)", {"Sizes@odata.count": 4, "Sizes": [30, 20]}, {"Sizes@odata.count": 1, "Sizes": [1]},
           {"Sizes@odata.count": 0, "Sizes": []}, {"Sizes@odata.count": 1, "Sizes": [2]}),
    chosen("U 5.1.4", "Names($search=drill OR vice)", {"Names": []}, {"Names": []}, {"Names": ["drill"]}, {"Names": ["vice"]}),
    chosen("U 5.1.4", "Sizes(skip=1;top=1)", {"Sizes": [10]}, {"Sizes": []}, {"Sizes": []}, {"Sizes": []}),
    chosen("U 5.1.4", "Sizes($filter=$this ge @p;@p=20)", {"Sizes": [30, 20]}, {}, {}, {}),
    chosen("U 5.1.4", "Sizes($filter=$this ge @p)&@p=20", {"Sizes": [30, 20]}, {}, {}, {}),
    chosen("U 5.1.4", "Sizes($filter=$this gt length($it/Code))&$filter=Code in ('saw','vice')", {"Sizes": [30, 10, 20, 10]}, {"Sizes": []}),
    chosen("U 5.1.4", "Code,Parts($select=Name;$filter=Weight gt 0.2)", {"Code": "saw", "Parts": [Only(Name="blade")]}, {"Parts": [{"Name": "body"}]}, {"Parts": []}, {},
           context="Code,Parts/Name"),
    chosen("U 5.1.4", "Parts($filter=Origin/Town eq $it/Origin/Town;$select=Name)&$filter=Code eq 'saw'", {"Parts": [{"Name": "blade"}]}),
    chosen("U 5.1.4", "Parts($filter=Maker/Name/Short eq 'bolt';$select=Name)", {"Parts": [{"Name": "grip"}]}, {"Parts": [{"Name": "body"}]}, {}, {}),
    chosen("U 5.1.4", "Parts($select=Name,Labels($filter=$this eq 'steel'))&$top=1", {"Parts": [{"Name": "blade", "Labels": ["steel"]}, {"Labels": []}, {"Labels": ["steel"]}]}),
    chosen("U 5.1.4", "Parts/Labels($filter=$this ne 'steel')&$top=1", {"Parts": [Only(Labels=["sharp"]), {"Labels": []}, {"Labels": []}]}, context="Parts/Labels"),
    chosen("U 5.1.4", "Parts($orderby=Name desc;$select=Labels($orderby=$this;$top=1);$top=2)&$top=1", {"Parts": [{"Labels": ["steel"]}, {"Labels": []}]}),
    chosen("U 5.1.4", "Parts($compute=length(Name) as n;$select=n;$orderby=n)&$top=1", {"Parts": [{"n": 4}, {"n": 5}, {"n": 5}]}),
    chosen("U 5.1.4", "Origin($compute=Storey add 1 as up;$select=up,Town)", {"Origin": Only({"Town": "Solingen", "up@odata.type": "#Int32", "up": 3})}, {"Origin": None},
           {"Origin": {"up": None}}, {"Origin": None}, context="Origin/up,Origin/Town"),
    chosen("U 5.1.4", "Spot($select=Marks($filter=$this ne 'y'),Shelf)&$top=2", {"Spot": Only(Shelf="A1", Marks=["x", "z"])}, {"Spot": None}),
    chosen("U 5.1.4", "Spot/Marks($top=1)&$top=2", {"Spot": Only(Marks=["x"])}, {"Spot": None}),
    chosen("U 5.1.4", "Spot($select=*)&$top=1", {"Spot": SPOT}),
    chosen("U 5.1.4", "*,Sizes($top=1)&$top=1", {"Code": "saw", "Sizes": [30], "Prices": [9.5, 10.25, 9.5, 100], "aliases": list}),
    chosen("U 5.1.4", "Parts/W.MovingPart/Speed&$top=1", {"Parts": [Only(), {"Speed": 3}, Only()]}),
    at("U 5.1.4", "Makers?$expand=Tools($select=Sizes($orderby=$this;$top=1);$orderby=Code)", 200,
       {CONTEXT: META + "Makers(Tools(Sizes))", "value": [{"Tools": [{"Sizes": [1]}, {"Sizes": [10]}]}, {"Tools": []}]}),
    at("U 5.1.4", "Bench?$select=Notes($orderby=$this)", 200, {"Notes": ["dust", "oil"]}),
    at("U 5.1.4", "Tools?$select=Names($expand=Maker)", 400),
    at("U 5.1.4", "Tools?$select=Names($select=x)", 400),
    at("U 5.1.4", "Tools?$select=Origin($filter=Town eq 'x')", 400),
    at("U 5.1.4", "Tools?$select=Code($top=1)", 400),
    at("U 5.1.4", "Tools?$select=Sizes($top=1),Sizes($skip=1)", 400),
    at("U 5.1.4", "Tools?$select=Maker($top=1)", 400),
    at("U 5.1.4", "Tools?$select=Sizes($top=x)", 400),
]


RESULTS = [
    at("P 10.14", "Words()", 200, Only({CONTEXT: META + "Collection(Edm.String)", "value": ["one", "two", "three"]})),
    at("P 11.2.6.5", "Words?$count=true&$skip=1&$top=1", 200, {COUNT: 3, "value": ["two"]}),
    at("U 4.8", "Words()/$count", 200, "3", TEXT),
    at("U 5.1", "Words()?$filter=$it eq 'one'", (200, 501)),
    at("U 5.1", "Words()?$orderby=$it", (200, 501)),
    at("U 5.1", "Words()/$count?$filter=$it eq 'one'", (200, 501)),
    at("U 5.1", "Words()?$select=x", 400),
    at("P 10.14", "Places()?$select=Town&$skip=1", 200, {CONTEXT: META + "Collection(Workshop.Place)(Town)", "value": [Only(Town="Basel")]}),
    at("U 5.1", "Places()?$filter=Town eq 'Ulm'", (200, 501)),
    at("A 3.2.1", "Places()?$apply=aggregate($count as n,Town with max as Last)&$select=Last", 200, {CONTEXT: META + "Collection(Workshop.Place)(Last)", "value": [Only(Last="Ulm")]}),
    at("A 3.3.2", "Places()?$apply=filter(Town ne 'Ulm')&$select=Town", 200, {CONTEXT: META + "Collection(Workshop.Place)(Town)", "value": [Only(Town="Basel")]}),
    at("A 3.3.2", "Places()/$count?$apply=filter(Town ne 'Ulm')", 200, "1", TEXT),
    at("U 5.1", "Places()?$compute=1 as one", (200, 501)),
    at("P 10.15", f"{SAW}/W.Heaviest()", 200, {CONTEXT: META + "Workshop.Part", "Name": "blade", "Weight": 0.75}),
    at("P 10.15", f"{SAW}/W.Heaviest()?$select=Name", 200, Only({CONTEXT: META + "Workshop.Part(Name)", "Name": "blade"})),
    at("P 11.5.4", "Tools('vice')/W.Heaviest()", 204, None),
    at("U 5.1", f"{SAW}/W.Heaviest()?$top=1", 400),
    at("P 11.5.4", "Tools/W.Lightest()?$select=Code", 200, {CONTEXT: META + "Tools(Code)/$entity", "Code": "drill"}),
    at("P 11.5.4", "Tools/W.Lightest()/Sizes/$count", 200, "0", TEXT),
    at("P 11.5.4", "Tools/$filter(Code ne 'drill')/W.Lightest()/Sizes?$top=1", 200, {CONTEXT: META + "Tools('file')/Sizes", "value": [1]}),
    at("P 11.5.4", "Tools/W.Lightest()/Next?$select=Code", 200, {"Code": "saw"}),
]


@rows(RESULTS)
def test_results_of_operations(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(PRIMITIVE)
def test_collections_of_primitive_values(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(COMPLEX)
def test_collections_of_complex_values(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(SINGLE)
def test_complex_values(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(DYNAMIC)
def test_dynamic_collections(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(SELECTED)
def test_options_in_select(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@pytest.mark.parametrize(("target", "items"), [
    ("Sizes", [30, 10, 20, 10]), ("Sizes?$orderby=$it desc", [30, 20, 10, 10]), ("Sizes?$skip=1&$top=3", [10, 20, 10]), ("Sizes?$top=2", [30, 10]),
    ("Sizes?$filter=$it lt 30", [10, 20, 10]), ("Parts?$select=Name", [{"Name": "blade"}, {"Name": "grip"}, {"Name": "screw"}])])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_of_values(clients: Clients, target: str, items: list[Any], size: int) -> None:
    """Collections of values come in pages too, and their next links end where the items do (P 8.2.8.5, 11.2.6.7)."""
    pages = clients["workshop"].pages(f"{SAW}/{target}", {"Prefer": f"maxpagesize={size}"})
    found = [{key: value for key, value in item.items() if "@" not in key} if isinstance(item, dict) else item for page in pages for item in page["value"]]
    assert found == items
    assert len(pages) == -(-len(items) // size)
    answer = clients["workshop"].send(f"GET {SAW}/{target}", {"Prefer": f"maxpagesize={size}"})
    assert answer.headers["preference-applied"] == f"maxpagesize={size}"


def test_a_token_belongs_to_its_request(clients: Clients) -> None:
    """A page link with other options, or a made-up one, is refused (P 11.2.6.7)."""
    client = clients["workshop"]
    link = client.get(f"{SAW}/Sizes", {"Prefer": "maxpagesize=1"})["@odata.nextLink"].removeprefix(ROOT)
    assert client.send("GET " + link.replace("Sizes?", "Sizes?$orderby=$it&")).status == 400
    assert client.send("GET " + link.replace("Sizes", "Prices")).status == 400
    assert client.send(f"GET {SAW}/Sizes?$skiptoken=x").status == 400


def test_one_statement_for_each_choice(clients: Clients) -> None:
    """However many entities: their rows, and one statement for each collection that is chosen from (DESIGN §3)."""
    client = clients["workshop"]
    target = "GET Tools?$select=Sizes($filter=$this gt 1),Names($orderby=$this),Parts($top=1;$select=Labels($filter=$this ne 'x'))"
    client.send(target)
    with client.statements() as seen:
        client.handled("GET", target.removeprefix("GET ").replace(" ", "%20"), {})
    assert len(seen) == 4

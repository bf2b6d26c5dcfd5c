"""What columns mean may change while data is there: values and links are carried to where the model of today keeps them, or the start
is refused before anything is touched; going back shows everything again (DESIGN §4, docs/configuration.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from app.errors import ConfigurationError
from app.service.service import Service
from tests.protocol.exchange import Client

KEY = '<Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>'
MODEL = f"""<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.01"><edmx:Reference Uri="store.xml">
<edmx:Include Namespace="odata.store.v1" Alias="Store"/></edmx:Reference><edmx:DataServices>
<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="ns">
<EnumType Name="Kind"><Member Name="A" Value="1"/><Member Name="B" Value="2"/><Member Name="C" Value="3"/></EnumType>
<ComplexType Name="Place"><Property Name="Street" Type="Edm.String"/><Property Name="Rate" Type="Edm.Decimal" Scale="2"/>
<Property Name="Sort" Type="ns.Kind"/></ComplexType>
<ComplexType Name="Spot"><Property Name="Label" Type="Edm.String"/><Property Name="Level" Type="Edm.Int32"/>
<Property Name="Marks" Type="Collection(Edm.Int32)" Nullable="false"/></ComplexType>
<EntityType Name="Thing">{KEY}<Property Name="Name" Type="Edm.String"/><Property Name="Kind" Type="ns.Kind"/><Property Name="Num" Type="Edm.Int32"/>
<Property Name="At" Type="Edm.DateTimeOffset" Precision="2"/>
<Property Name="Place" Type="ns.Place"/><Property Name="Firm" Type="ns.Place" Nullable="false"/><Property Name="Spot" Type="ns.Spot"/>
<Property Name="Kinds" Type="Collection(ns.Kind)" Nullable="false"/><Property Name="OtherID" Type="Edm.Int32"/>
<NavigationProperty Name="Boss" Type="ns.Other" Partner="Minions"/><NavigationProperty Name="Second" Type="ns.Other"/>
<NavigationProperty Name="Bound" Type="ns.Other"><ReferentialConstraint Property="OtherID" ReferencedProperty="ID"/></NavigationProperty>
<NavigationProperty Name="Friends" Type="Collection(ns.Other)"/>
<NavigationProperty Name="Parts" Type="Collection(ns.Part)" ContainsTarget="true"/></EntityType>
<EntityType Name="Big" BaseType="ns.Thing"><Property Name="Wide" Type="Edm.Int32"/></EntityType>
<EntityType Name="Part">{KEY}<Property Name="Title" Type="Edm.String"/><Property Name="Photo" Type="Edm.Stream"/></EntityType>
<EntityType Name="Other">{KEY}<NavigationProperty Name="Minions" Type="Collection(ns.Thing)" Partner="Boss"/></EntityType>
<EntityType Name="Free" OpenType="true">{KEY}</EntityType>
<EntityContainer Name="C"><EntitySet Name="Things" EntityType="ns.Thing"/><EntitySet Name="Others" EntityType="ns.Other"/>
<EntitySet Name="Frees" EntityType="ns.Free"/></EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"""

PLACE = {"Street": "s", "Rate": 1.25, "Sort": "B"}
SPOT = {"Label": "l", "Level": 7, "Marks": [1, 2]}
FIRST = {"ID": 1, "Name": "one", "Kind": "C", "Num": 5, "At": "2020-01-01T00:00:00.50Z", "Place": PLACE, "Firm": PLACE, "Spot": SPOT, "Kinds": ["A", "C"],
         "OtherID": 2}
LINKS = {"Boss@odata.bind": "Others(1)", "Second@odata.bind": "Others(2)", "Friends@odata.bind": ["Others(1)", "Others(2)"],
         "Parts": [{"ID": 1, "Title": "p"}, {"ID": 2, "Title": "q"}]}
BIG = {"@odata.type": "#ns.Big", "ID": 3, "Wide": 77, "Firm": {"Street": None}, "Boss@odata.bind": "Others(1)"}
FILL: list[tuple[str, Any]] = [("Others", {"ID": 1}), ("Others", {"ID": 2}), ("Things", {**FIRST, **LINKS}), ("Things", BIG),
                               ("Frees", {"ID": 1, "Extra": "x", "N@odata.type": "#Int64", "N": 5, "Rest": [1]})]
READS = ("Things?$expand=Boss,Second,Bound,Friends,Parts", "Others?$expand=Minions", "Frees", "Things(1)/Parts(1)/Photo")

Change = tuple[tuple[str, str], ...]
SPOT_AS, PLACE_AS = '<ComplexType Name="Spot">', '<ComplexType Name="Place">'
RENAMED = '><Annotation Term="Store.RenamedFrom" String="{}"/></{}>'
ROOT = (f'<EntityType Name="Thing">{KEY}', f'<EntityType Name="Root" Abstract="true">{KEY}<NavigationProperty Name="Parts" '
        'Type="Collection(ns.Part)" ContainsTarget="true"/></EntityType><EntityType Name="Thing" BaseType="ns.Root">')
PARTS = ('<NavigationProperty Name="Parts" Type="Collection(ns.Part)" ContainsTarget="true"/></EntityType>\n<EntityType Name="Big"', '</EntityType><EntityType Name="Big"')

# What changes → what the first entities show then (request → members), and whether going back shows everything as before.
CARRIED: dict[str, tuple[Change, dict[str, Any], bool]] = {
    "columns become a document: a collection": (((PLACE_AS, PLACE_AS + '<Property Name="New" Type="Collection(Edm.String)" Nullable="false"/>'),), {
        "Things(1)": {"Place": {**PLACE, "New": []}, "Firm": {**PLACE, "New": []}}, "Things?$filter=Place/Rate gt 1.2 and Place/Sort eq 'B'&$count=true": {"@odata.count": 1}}, True),
    "columns become a document: open": (((PLACE_AS, PLACE_AS.replace(">", ' OpenType="true">')),), {"Things(1)": {"Place": PLACE}, "Things(3)": {"Place": None}}, True),
    "columns become a document: a derived type": (((SPOT_AS, '<ComplexType Name="Far" BaseType="ns.Place"/>' + SPOT_AS),), {"Things(1)/Place/Street": {"value": "s"}}, True),
    "a complex value may be null": ((('Type="ns.Place" Nullable="false"', 'Type="ns.Place"'),), {"Things(1)": {"Firm": PLACE}, "Things(3)": {"Firm": {"Street": None, "Rate": None, "Sort": None}}}, True),
    "a member in columns with a default": (((PLACE_AS, PLACE_AS + '<Property Name="New" Type="Edm.Int32" Nullable="false" DefaultValue="4"/>'),), {
        "Things(1)": {"Place": {**PLACE, "New": 4}, "Firm": {**PLACE, "New": 4}}, "Things(3)": {"Place": None}}, True),
    "a member of a document": (((SPOT_AS, SPOT_AS + '<Property Name="New" Type="Edm.String"/>'),), {"Things(1)": {"Spot": {**SPOT, "New": None}}}, True),
    "wider in a document": ((('"Level" Type="Edm.Int32"', '"Level" Type="Edm.Int64"'),), {"Things(1)": {"Spot": SPOT}}, True),
    "more digits, and as many again": ((('Precision="2"', 'Precision="5"'),), {"Things(1)": {"At": "2020-01-01T00:00:00.50000Z"}}, True),
    "a member of an enumeration more": ((('<Member Name="C" Value="3"/>', '<Member Name="C" Value="3"/><Member Name="D" Value="4"/>'),), {"Things(1)": {"Kind": "C", "Kinds": ["A", "C"]}}, True),
    "a member of an enumeration under another name": ((('<Member Name="C"', '<Member Name="CC"'),), {"Things(1)": {"Kind": "CC", "Kinds": ["A", "CC"]}}, True),
    "one becomes many": ((('"Second" Type="ns.Other"', '"Second" Type="Collection(ns.Other)"'),), {"Things(1)/Second": {"value": [{"ID": 2}]}}, True),
    "one becomes many on the side of the column": ((('"Boss" Type="ns.Other"', '"Boss" Type="Collection(ns.Other)"'),), {
        "Things(1)/Boss": {"value": [{"ID": 1}]}, "Others(1)/Minions?$count=true": {"@odata.count": 2}}, True),
    "no partner any more": (((' Partner="Minions"', ''), (' Partner="Boss"', '')), {"Things(1)/Boss": {"ID": 1}, "Others(1)/Minions?$count=true": {"@odata.count": 2}}, True),
    "a partner": ((('"Friends" Type="Collection(ns.Other)"', '"Friends" Type="Collection(ns.Other)" Partner="Back"'),
                   ('<NavigationProperty Name="Minions"', '<NavigationProperty Name="Back" Type="Collection(ns.Thing)" Partner="Friends"/><NavigationProperty Name="Minions"')), {
        "Things(1)/Friends?$count=true": {"@odata.count": 2}, "Others(2)/Back": {"value": [{"ID": 1}]}}, True),
    "a partner that holds the column": ((('"Second" Type="ns.Other"', '"Second" Type="ns.Other" Partner="Back"'),
                                         ('<NavigationProperty Name="Minions"', '<NavigationProperty Name="Back" Type="ns.Thing" Partner="Second"/><NavigationProperty Name="Minions"')), {
        "Things(1)/Second": {"ID": 2}, "Others(2)/Back": {"ID": 1}}, True),
    "no referential constraint": ((('<ReferentialConstraint Property="OtherID" ReferencedProperty="ID"/>', ''),), {"Things(1)/Bound": {"ID": 2}}, True),
    "contained entities of a base type": ((ROOT, PARTS), {"Things(1)/Parts": {"value": [{"ID": 1, "Title": "p"}, {"ID": 2}]}, "Things(1)/Parts(1)/Photo": b"png"}, True),
    "another namespace, and more": ((("ns.", "zz."), ('Namespace="ns"', 'Namespace="zz"'), ('<Property Name="Title"', '<Property Name="More" Type="Edm.Int32" DefaultValue="3"/><Property Name="Title"')), {
        "Things(1)/Parts(1)": {"Title": "p", "More": 3}, "Things(1)/Parts(1)/Photo": b"png", "Things/zz.Big": {"value": [{"ID": 3, "Wide": 77}]}}, True),
    "a set of the base type": (((f'<EntityType Name="Free" OpenType="true">{KEY}', f'<EntityType Name="Basis" Abstract="true">{KEY}</EntityType><EntityType Name="Free" BaseType="ns.Basis" OpenType="true">'),
                                ('EntityType="ns.Free"', 'EntityType="ns.Basis"')), {"Frees/ns.Free": {"value": [{"ID": 1, "Extra": "x"}]}}, True),
    "other names": ((('Name="Place" Type="ns.Place"/>', 'Name="Ort" Type="ns.Place"' + RENAMED.format("Place", "Property")), ('"Level" Type="Edm.Int32"/>', '"Rank" Type="Edm.Int32"' + RENAMED.format("Level", "Property")),
                     ('Name="Street" Type="Edm.String"/>', 'Name="Road" Type="Edm.String"' + RENAMED.format("Street", "Property")),
                     ('"Second" Type="ns.Other"/>', '"Deputy" Type="ns.Other"' + RENAMED.format("Second", "NavigationProperty")),
                     ('"Friends" Type="Collection(ns.Other)"/>', '"Pals" Type="Collection(ns.Other)"' + RENAMED.format("Friends", "NavigationProperty")),
                     ('Name="Parts" Type="Collection(ns.Part)" ContainsTarget="true"/>', 'Name="Bits" Type="Collection(ns.Part)" ContainsTarget="true"' + RENAMED.format("Parts", "NavigationProperty")),
                     ('"Photo" Type="Edm.Stream"/>', '"Pic" Type="Edm.Stream"' + RENAMED.format("Photo", "Property")),
                     ('Name="Frees" EntityType="ns.Free"/>', 'Name="Opens" EntityType="ns.Free"' + RENAMED.format("Frees", "EntitySet"))), {
        "Things(1)?$expand=Deputy,Pals,Bits": {"Ort": {"Road": "s", "Rate": 1.25, "Sort": "B"}, "Firm": {"Road": "s"}, "Spot": {"Label": "l", "Rank": 7, "Marks": [1, 2]},
                                               "Deputy": {"ID": 2}, "Pals": [{"ID": 1}, {"ID": 2}], "Bits": [{"ID": 1}, {"ID": 2}]},
        "Things(1)/Bits(1)/Pic": b"png", "Opens(1)": {"Extra": "x"}}, False),
    "what was dynamic is declared": ((('OpenType="true">' + KEY, 'OpenType="true">' + KEY + '<Property Name="Extra" Type="Edm.String"/><Property Name="N" Type="Edm.Int64"/>'),), {
        "Frees?$filter=Extra eq 'x' and N eq 5": {"value": [{"Extra": "x", "N": 5, "Rest": [1]}]}}, False),
}

BIG_TYPE = '<EntityType Name="Big" BaseType="ns.Thing"><Property Name="Wide" Type="Edm.Int32"/></EntityType>'
REFUSED: dict[str, tuple[Change, str]] = {
    "required of a derived type": ((('<Property Name="Wide"', '<Property Name="New" Type="Edm.Int32" Nullable="false"/><Property Name="Wide"'),), "'New' of 'Things' is required"),
    "required in columns": (((PLACE_AS, PLACE_AS + '<Property Name="New" Type="Edm.Int32" Nullable="false"/>'),), "'Place/New' of 'Things' is required"),
    "required in columns, null there": ((('Name="Street" Type="Edm.String"', 'Name="Street" Type="Edm.String" Nullable="false"'),), "'Firm/Street' of 'Things' is required"),
    "required in a document": (((SPOT_AS, SPOT_AS + '<Property Name="New" Type="Edm.Int32" Nullable="false"/>'),), "'Spot of Things/New' is required"),
    "required complex value": ((('Name="Place" Type="ns.Place"', 'Name="Place" Type="ns.Place" Nullable="false"'),), "'Place' of 'Things' is required"),
    "required document": ((('Name="Spot" Type="ns.Spot"', 'Name="Spot" Type="ns.Spot" Nullable="false"'),), "'Spot' of 'Things' is required"),
    "required link": ((('"Second" Type="ns.Other"', '"Second" Type="ns.Other" Nullable="false"'),), "'Second' of 'Things' is required"),
    "required new link": ((('<NavigationProperty Name="Second"', '<NavigationProperty Name="New" Type="ns.Other" Nullable="false"/><NavigationProperty Name="Second"'),), "'New' of 'Things' is required"),
    "a member of an enumeration less": ((('<Member Name="C" Value="3"/>', ''),), "'Kind' of 'Things' holds the member 'C'"),
    "a member of an enumeration less, in columns and documents": ((('<Member Name="B" Value="2"/>', ''),), "'Place/Sort' of 'Things' holds the member 'B'"),
    "members of an enumeration the other way round": ((('"A" Value="1"', '"A" Value="3"'), ('"C" Value="3"', '"C" Value="1"')), "'Kind' of 'Things' holds the member 'C'"),
    "a number becomes an enumeration": ((('"Num" Type="Edm.Int32"', '"Num" Type="ns.Kind"'),), "'Num' of 'Things' holds Edm.Int32 .* ns.Kind"),
    "an enumeration becomes a number": ((('"Kind" Type="ns.Kind"', '"Kind" Type="Edm.Int64"'),), "'Kind' of 'Things' holds ns.Kind .* Edm.Int64"),
    "another type in a document": ((('"Level" Type="Edm.Int32"', '"Level" Type="Edm.String"'),), "'Spot of Things/Level' holds Edm.Int32"),
    "another type in a collection": ((('"Kinds" Type="Collection(ns.Kind)"', '"Kinds" Type="Collection(Edm.Int32)"'),), "'Kinds of Things' holds ns.Kind"),
    "many in a document": ((('"Level" Type="Edm.Int32"', '"Level" Type="Collection(Edm.Int32)" Nullable="false"'),), "'Spot of Things/Level' holds one value"),
    "gone from a document": ((('<Property Name="Level" Type="Edm.Int32"/>', ''),), "'Spot of Things/Level' holds values"),
    "a complex value becomes a text": ((('Name="Place" Type="ns.Place"', 'Name="Place" Type="Edm.String"'),), "'Place' of 'Things' holds ns.Place"),
    "fewer digits": ((('Precision="2"', 'Precision="0"'),), "'At' of 'Things'"),
    "many become one": ((('"Friends" Type="Collection(ns.Other)"', '"Friends" Type="ns.Other"'),), "'Friends' of 'Things' has more links"),
    "one to one": ((('"Minions" Type="Collection(ns.Thing)"', '"Minions" Type="ns.Thing"'),), "has more links"),
    "links become a constraint": ((('"Second" Type="ns.Other"/>', '"Second" Type="ns.Other"><ReferentialConstraint Property="ID" ReferencedProperty="ID"/></NavigationProperty>'),), "'Things' name by ID"),
    "contained now": ((('"Friends" Type="Collection(ns.Other)"', '"Friends" Type="Collection(ns.Other)" ContainsTarget="true"'),), "'Friends' of 'Things' leads to entities"),
    "contained no more": ((('Type="Collection(ns.Part)" ContainsTarget="true"', 'Type="Collection(ns.Part)"'), ('<EntitySet Name="Others"', '<EntitySet Name="All" EntityType="ns.Part"/><EntitySet Name="Others"')), "'Parts' of 'Things' leads to entities"),
    "one contained": ((('"Parts" Type="Collection(ns.Part)"', '"Parts" Type="ns.Part"'),), "'Parts' of 'Things' holds several"),
    "one of several": ((('<EntitySet Name="Others" EntityType="ns.Other"/>', '<Singleton Name="Others" Type="ns.Other"/>'),), "'Others' holds several entities"),
    "a derived type with entities is gone": (((BIG_TYPE, ''),), "of the type ns.Big"),
    "a type with entities is abstract": ((('<EntityType Name="Big"', '<EntityType Name="Big" Abstract="true"'),), "ns.Big, which is abstract"),
    "the set of another type": ((('EntityType="ns.Free"', 'EntityType="ns.Part"'),), "of the type ns.Free"),
    "a key that is not one": (((f'<EntityType Name="Part">{KEY}', '<EntityType Name="Part"><Key><PropertyRef Name="New"/></Key><Property Name="ID" Type="Edm.Int32"/><Property Name="New" Type="Edm.Int32" Nullable="false" DefaultValue="1"/>'),), "have the same .*New"),
    "the table of what is gone": ((PARTS, ('<EntitySet Name="Others"', '<EntitySet Name="Thing_Parts" EntityType="ns.Other"/><EntitySet Name="Others"')), "'Thing_Parts' would be that of 'ns.Thing/Parts'"),
    "a dynamic property of another type": ((('OpenType="true">' + KEY, 'OpenType="true">' + KEY + '<Property Name="N" Type="Edm.Guid"/>'),), "'N' of 'Frees' is a dynamic property"),
}


def changed(pairs: Change) -> str:
    text = MODEL
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def visited(service: Service, work: Callable[[Client], Any]) -> Any:
    try:
        return work(Client(service))
    finally:
        service.close()


def fill(client: Client) -> None:
    for target, body in FILL:
        answer = client.send(f"POST {target}", {"content-type": "application/json"}, json.dumps(body).encode())
        assert answer.status == 201, answer.text
    assert client.send("PUT Things(1)/Parts(1)/Photo", {"content-type": "image/png"}, b"png").status < 300


def everything(client: Client) -> list[str]:
    """All that the first model shows, without the versions."""
    answers = [client.send(f"GET {target}") for target in READS]
    assert [each.status for each in answers] == [200] * len(READS)
    return [re.sub(r'"@odata.etag":"(\\.|[^"\\])*",?', "", each.text) for each in answers]


def like(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(name in found and like(value, found[name]) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(wanted) == len(found) and all(map(like, wanted, found))
    return float(found) == wanted if isinstance(wanted, float) else bool(wanted == found)


@pytest.mark.parametrize("half", (0, 1))
def test_values_and_links_are_carried_over_and_back(half: int, opened: Callable[[str], Service]) -> None:
    visited(opened(MODEL), fill)
    first, problems = visited(opened(MODEL), everything), []
    for name, (pairs, reads, back) in sorted([*CARRIED.items()][half::2], key=lambda case: not case[1][2]):
        def look(client: Client, name: str = name, reads: dict[str, Any] = reads) -> None:
            for target, wanted in reads.items():
                answer = client.send(f"GET {target}")
                if answer.status != 200 or not (answer.body == wanted if isinstance(wanted, bytes) else like(wanted, answer.json)):
                    problems.append(f"{name}: {target}: {answer.status} {answer.text}")
        visited(opened(changed(pairs)), look)
        if back and (again := visited(opened(MODEL), everything)) != first:
            problems.append(f"{name}: going back: {again}")
    assert not problems, "\n".join(problems)


def test_what_is_refused_touches_nothing(opened: Callable[[str], Service]) -> None:
    visited(opened(MODEL), fill)
    first, problems = visited(opened(MODEL), everything), []
    for name, (pairs, said) in REFUSED.items():
        try:
            opened(changed(pairs)).close()
        except ConfigurationError as error:
            if not re.search(said, str(error)):
                problems.append(f"{name}: {error}")
        else:
            problems.append(f"{name}: not refused")
    assert not problems, "\n".join(problems)
    assert visited(opened(MODEL), everything) == first

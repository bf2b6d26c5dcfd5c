"""Models that are valid and seldom seen: what they declare can be created, read, changed and deleted (CSDL §8.4, §13; P 11.4)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.store import schema
from tests.conftest import ROOT as ROOT_FOLDER
from tests.protocol.exchange import ABSENT, Client, Exchange, Only

ServiceOf = Callable[..., Any]
HEAD = '<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.01"><edmx:DataServices>'
TAIL = "</edmx:DataServices></edmx:Edmx>"
SCHEMA = '<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="{}">{}</Schema>'
ROOT = "http://service.example/"


def opened(service_of: ServiceOf, folder: Path, text: str) -> Client:
    (folder / "model.xml").write_text(text, encoding="utf-8")
    return Client(service_of(folder / "model.xml"))


def step(spec: str, request: str, status: int, body: Any = ..., content: Any = None, headers: dict[str, Any] | None = None,
         **sent: str) -> Exchange:
    given = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in sent.items()}}
    return Exchange(spec, request, status, body, headers or {}, given, b"" if content is None else json.dumps(content).encode())


def walk(client: Client, steps: list[Exchange]) -> None:
    for each in steps:
        each.check(client)


# --- contained entities that know their owner --------------------------------------------------------------

ORDERS = HEAD + SCHEMA.format("ns", """
<EntityType Name="Order"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
 <NavigationProperty Name="Items" Type="Collection(ns.Item)" ContainsTarget="true" Partner="Order"/>
 <NavigationProperty Name="Bill" Type="ns.Bill" ContainsTarget="true" Partner="Order"/></EntityType>
<EntityType Name="Item"><Key><PropertyRef Name="No"/></Key><Property Name="No" Type="Edm.Int32" Nullable="false"/>
 <NavigationProperty Name="Order" Type="ns.Order" Nullable="false" Partner="Items"/></EntityType>
<EntityType Name="Bill"><Key><PropertyRef Name="No"/></Key><Property Name="No" Type="Edm.Int32" Nullable="false"/>
 <NavigationProperty Name="Order" Type="ns.Order" Nullable="false"/></EntityType>
<EntityContainer Name="C"><EntitySet Name="Orders" EntityType="ns.Order"/>{}</EntityContainer>""") + TAIL
OWNERS = {"one kind of owner": "", "two kinds of owners": '<Singleton Name="Last" Type="ns.Order"/>'}
OWNED = [
    step("X 8.4", "POST Orders", 201, {"Items": [{"No": 1}, {"No": 2}], "Bill": {"No": 5}},
         {"ID": 1, "Items": [{"No": 1}, {"No": 2}], "Bill": {"No": 5}}),
    step("X 8.4", "POST Orders", 201, ..., {"ID": 2}),
    step("X 8.4", "POST Orders(2)/Items", 201, {"No": 7}, {"No": 7}, {"Location": ROOT + "Orders(2)/Items(7)"}),
    step("X 8.4", "PATCH Orders(2)/Items(8)", 201, {"No": 8}, {}),
    step("X 8.4", "PUT Orders(2)/Bill", 201, {"No": 3}, {"No": 3}),
    step("X 8.4", "GET Orders(2)/Items(7)/Order", 200, {"ID": 2}),
    step("X 8.4", "GET Orders(2)/Bill/Order", 200, {"ID": 2}),
    step("X 8.4", "GET Orders?$expand=Items($expand=Order($select=ID))", 200, {"value": [
        {"Items": [{"Order": {"ID": 1}}] * 2}, {"Items": [{"Order": {"ID": 2}}] * 2}]}),
    step("X 8.4", "GET Orders?$filter=Items/any(i:i/Order/ID eq 2 and i/No eq 7)", 200, {"value": [{"ID": 2}]}),
    step("P 11.4.3.1", "PATCH Orders(2)", 204, None, {"Items": [{"No": 7}, {"No": 9}]}, OData_Version="4.01"),
    step("P 11.4.3.1", "GET Orders(2)/Items", 200, {"value": [{"No": 7}, {"No": 9}]}),
    step("P 11.4.5", "DELETE Orders(2)", 204, None),
    step("P 11.4.5", "GET Orders?$expand=Items,Bill", 200, {"value": [{"ID": 1, "Items": [{"No": 1}, {"No": 2}]}]}),
]


@pytest.mark.parametrize("more", OWNERS.values(), ids=OWNERS)
def test_contained_entities_need_not_be_told_their_owner(more: str, service_of: ServiceOf, tmp_path: Path) -> None:
    client = opened(service_of, tmp_path, ORDERS.format(more))
    walk(client, OWNED)
    if more:
        walk(client, [step("X 8.4", "PATCH Last", 201, ..., {"ID": 5}), step("X 8.4", "POST Last/Items", 201, {"No": 1}, {"No": 1}),
                      step("X 8.4", "GET Last/Items", 200, {"value": [{"No": 1}]}), step("P 11.4.5", "DELETE Last/Items(1)", 204)])


def test_data_files_need_not_tell_the_owner(service_of: ServiceOf, tmp_path: Path) -> None:
    (tmp_path / "model.xml").write_text(ORDERS.format(OWNERS["two kinds of owners"]), encoding="utf-8")
    (tmp_path / "data.json").write_text('{"Orders": [{"ID": 1, "Items": [{"No": 1}]}], "Last": {"ID": 2, "Items": [{"No": 1}]}}')
    client = Client(service_of(tmp_path / "model.xml", tmp_path / "data.json"))
    walk(client, [step("X 8.4", "GET Orders(1)/Items(1)/Order", 200, {"ID": 1}), step("X 8.4", "GET Last/Items(1)", 200, {"No": 1})])


# --- entities that go with what is contained, while its owner needs them --------------------------------------

MAKERS = HEAD + SCHEMA.format("ns", """
<EntityType Name="Maker"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/></EntityType>
<EntityType Name="Thing"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
 <NavigationProperty Name="Maker" Type="ns.Maker" Nullable="false"/>
 <NavigationProperty Name="Mate" Type="ns.Thing"><OnDelete Action="Cascade"/></NavigationProperty>
 <NavigationProperty Name="Parts" Type="Collection(ns.Part)" ContainsTarget="true"/></EntityType>
<EntityType Name="Part"><Key><PropertyRef Name="No"/></Key><Property Name="No" Type="Edm.Int32" Nullable="false"/>
 <NavigationProperty Name="Maker" Type="ns.Maker"><OnDelete Action="Cascade"/></NavigationProperty></EntityType>
<EntityContainer Name="C"><EntitySet Name="Makers" EntityType="ns.Maker"/><EntitySet Name="Things" EntityType="ns.Thing">
 <NavigationPropertyBinding Path="Maker" Target="Makers"/><NavigationPropertyBinding Path="Parts/Maker" Target="Makers"/>
 <NavigationPropertyBinding Path="Mate" Target="Things"/></EntitySet>
</EntityContainer>""") + TAIL
MADE = [
    step("P 11.4.2", "POST Makers", 201, ..., {"ID": 1}), step("P 11.4.2", "POST Makers", 201, ..., {"ID": 2}),
    *[step("P 11.4.2", "POST Things", 201, ..., {"ID": thing, "Maker@odata.bind": f"Makers({maker})", "Parts": [
        {"No": 1, "Maker@odata.bind": f"Makers({maker})"}]}) for thing, maker in ((1, 1), (2, 2), (3, 2))],
    step("X 8.6", "DELETE Things(1)", 204, None),
    step("X 8.6", "DELETE Things(2)", 409, {"error": {"code": "stillReferenced"}}),
    step("X 8.6", "GET Things?$expand=Maker,Parts", 200, {"value": [{"ID": 2, "Maker": {"ID": 2}, "Parts": [{"No": 1}]}, {"ID": 3}]}),
    step("X 8.6", "GET Makers", 200, {"value": [{"ID": 2}]}),
    # the maker goes with a part of the one, and is needed by the other, which goes too
    step("X 8.6", "PATCH Things(2)", 204, None, {"Mate@odata.bind": "Things(3)"}),
    step("X 8.6", "DELETE Things(2)", 204, None), step("X 8.6", "GET Things", 200, {"value": []}), step("X 8.6", "GET Makers", 200, {"value": []}),
]


def test_what_goes_with_a_part_goes_after_the_whole(service_of: ServiceOf, tmp_path: Path) -> None:
    walk(opened(service_of, tmp_path, MAKERS), MADE)


# --- names beyond ASCII ------------------------------------------------------------------------------------

LETTERS = HEAD + SCHEMA.format("命名.空間", """
<EntityType Name="型"><Key><PropertyRef Name="鍵"/></Key><Property Name="鍵" Type="Edm.Int32" Nullable="false"/>
 <Property Name="Größe" Type="Edm.String"/>
 <NavigationProperty Name="部" Type="Collection(命名.空間.部品)" ContainsTarget="true"/>
 <NavigationProperty Name="友" Type="命名.空間.型"/></EntityType>
<EntityType Name="派生" BaseType="命名.空間.型"/>
<EntityType Name="部品"><Key><PropertyRef Name="番号"/></Key><Property Name="番号" Type="Edm.Int32" Nullable="false"/>
 <Property Name="画" Type="Edm.Stream"/></EntityType>
<EntityContainer Name="箱"><EntitySet Name="集合" EntityType="命名.空間.型"/></EntityContainer>""") + TAIL
SET, PART, PICTURE = "%E9%9B%86%E5%90%88", "%E9%83%A8", "%E7%94%BB"
DERIVED = "%E5%91%BD%E5%90%8D.%E7%A9%BA%E9%96%93.%E6%B4%BE%E7%94%9F"
NAMED = [
    step("RFC 9110 §5.5", "POST 集合", 201, {"Größe": "x"}, {"鍵": 1, "Größe": "x", "部": [{"番号": 1}]},
         {"Location": f"{ROOT}{SET}(1)"}),
    step("RFC 9110 §5.5", "POST 集合", 204, None, {"@odata.type": "#命名.空間.派生", "鍵": 2, "友@odata.bind": "集合(1)"},
         {"Location": f"{ROOT}{SET}(2)/{DERIVED}", "OData-EntityId": f"{ROOT}{SET}(2)"}, Prefer="return=minimal"),
    step("P 4.1", "POST 集合(1)/部", 201, {"番号": 2}, {"番号": 2}, {"Location": f"{ROOT}{SET}(1)/{PART}(2)"}),
    step("P 4.1", "GET 集合(2)/友/$ref", 200, {"@odata.id": f"{ROOT}{SET}(1)"}),
    step("J 4.5.8", "GET 集合(1)?$select=Größe", 200, {"@odata.id": f"{ROOT}{SET}(1)", "Größe": "x", "鍵": ABSENT}),
    step("J 4.5.11", "GET 集合(1)?$format=application/json;odata.metadata=full", 200, {
        "@odata.type": "#命名.空間.型", "@odata.editLink": f"{SET}(1)", "部@odata.navigationLink": f"{ROOT}{SET}(1)/{PART}"}),
    step("J 4.5.12", "GET 集合(1)/部(1)?$select=画", 200, {"画@odata.mediaReadLink": f"{ROOT}{SET}(1)/{PART}(1)/{PICTURE}"}),
    step("U 4.3", f"GET {SET}({'1'})/{PART}(1)", 200, {"番号": 1}),
    step("U 5.1.1", "GET 集合?$filter=Größe eq 'x' and 友 eq null&$expand=部", 200, {"value": [{"部": [{"番号": 1}, {"番号": 2}]}]}),
]


def test_names_beyond_ascii(service_of: ServiceOf, tmp_path: Path) -> None:
    """Identifiers of any script; URLs in headers and bodies are ASCII."""
    walk(opened(service_of, tmp_path, LETTERS), NAMED)


# --- names that databases take for one another -----------------------------------------------------------------

KEYED = '<Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>'
LINKED = """<NavigationProperty Name="links" Type="Collection(x.Base)"/><NavigationProperty Name="Links" Type="Collection(x.Base)"/>
 <NavigationProperty Name="one" Type="x.Base"/><NavigationProperty Name="parts" Type="Collection(x.Part)" ContainsTarget="true"/>"""
BOUND = {
    "A": ["B_C_D"], "A_B": ["C_D"], "Docs": ["c/near", "c/NEAR", "C/near", "C/NEAR"], "docs": ["c/near", "c/NEAR"],
    "B": [f"{space}.Sub/{path}" for space in "xy" for path in ("links", "Links", "one", "parts/links")]}
SAID = {"ID": 1, "İ": "1", "i": "2", "ı": "3", "I": "4", "ß": "5", "ss": "6", "s": "7", "é": "8", "E": "9", "e\u0301": "10",
        "\U0001d4b3": "11", "\U0001d4b4": "12"}
ALIKE = HEAD + SCHEMA.format("x", f"""<EntityType Name="Base">{KEYED}</EntityType>
<EntityType Name="Part">{KEYED}<NavigationProperty Name="links" Type="Collection(x.Base)"/></EntityType>
<EntityType Name="Sub" BaseType="x.Base">{LINKED}</EntityType>
<EntityType Name="A">{KEYED}<Property Name="B_C" Type="Edm.String"/><NavigationProperty Name="B_C_D" Type="x.Base"/></EntityType>
<EntityType Name="AB">{KEYED}<Property Name="C" Type="Edm.String"/><NavigationProperty Name="C_D" Type="x.Base"/></EntityType>
<EntityType Name="K"><Key><PropertyRef Name="B_C"/></Key><Property Name="B_C" Type="Edm.Int32" Nullable="false"/></EntityType>
<EntityType Name="KB"><Key><PropertyRef Name="C"/></Key><Property Name="C" Type="Edm.Int32" Nullable="false"/></EntityType>
<ComplexType Name="Cx"><Property Name="s" Type="Collection(Edm.String)" Nullable="false"/>
 <NavigationProperty Name="near" Type="x.Base"/><NavigationProperty Name="NEAR" Type="Collection(x.Base)"/></ComplexType>
<EntityType Name="Doc">{KEYED}<Property Name="c" Type="x.Cx"/><Property Name="C" Type="Collection(x.Cx)" Nullable="false"/></EntityType>
<EntityType Name="Say">{KEYED}{"".join(f'<Property Name="{name}" Type="Edm.String"/>' for name in SAID if name != "ID")}</EntityType>
<EntityContainer Name="Z"><EntitySet Name="S" EntityType="x.Base"/><EntitySet Name="s" EntityType="x.Base"/>
{"".join(f'<EntitySet Name="{name}" EntityType="x.{kind}">' + "".join(
    f'<NavigationPropertyBinding Path="{path}" Target="S"/>' for path in BOUND.get(name, ())) + "</EntitySet>" for name, kind in (
    ("A", "A"), ("A_B", "AB"), ("k", "K"), ("k_B", "KB"), ("Docs", "Doc"), ("docs", "Doc"), ("B", "Base"), ("says", "Say")))}
</EntityContainer>""") + SCHEMA.format("y", f'<EntityType Name="Sub" BaseType="x.Base">{LINKED}</EntityType>') + TAIL
DOCUMENT = {"ID": 1, "c": {"s": [], "near@odata.bind": "S(1)", "NEAR@odata.bind": ["S(2)"]}}
APART = [
    *[step("X 17.1", "POST S", 201, ..., {"ID": number}) for number in (1, 2, 3)], step("X 17.1", "POST s", 201, ..., {"ID": 1}),
    *[step("X 17.1", "POST B", 201, ..., {
        "@odata.type": f"#{space}.Sub", "ID": number, "links@odata.bind": [f"S({number})"], "Links@odata.bind": ["S(3)"],
        "one@odata.bind": f"S({number})", "parts": [{"ID": 1, "links@odata.bind": [f"S({number})"]}]})
      for number, space in ((1, "x"), (2, "y"))],
    *[step("X 17.1", f"GET B({number})/{space}.Sub?$expand=links,Links,one,parts($expand=links)", 200, {
        "links": [{"ID": number}], "Links": [{"ID": 3}], "one": {"ID": number}, "parts": [{"ID": 1, "links": [{"ID": number}]}]})
      for number, space in ((1, "x"), (2, "y"))],
    step("X 17.1", "POST A", 201, {"B_C": "x"}, {"ID": 1, "B_C": "x", "B_C_D@odata.bind": "S(1)"}),
    step("X 17.1", "POST A_B", 201, {"C": "y"}, {"ID": 1, "C": "y", "C_D@odata.bind": "S(2)"}),
    step("X 17.1", "GET A?$expand=B_C_D", 200, {"value": [{"B_C": "x", "B_C_D": {"ID": 1}}]}),
    step("X 17.1", "GET A_B?$expand=C_D", 200, {"value": [{"C": "y", "C_D": {"ID": 2}}]}),
    step("X 17.1", "POST k", 201, ..., {"B_C": 1}), step("X 17.1", "POST k_B", 201, ..., {"C": 1}),
    step("X 17.1", "POST k", 409, ..., {"B_C": 1}), step("X 17.1", "POST k_B", 409, ..., {"C": 1}),
    step("X 17.1", "POST Docs", 201, ..., {**DOCUMENT, "C": [{"s": [], "near@odata.bind": "S(3)", "NEAR@odata.bind": ["S(1)"]}]}),
    step("X 17.1", "POST docs", 201, ..., DOCUMENT),
    step("X 17.1", "GET Docs?$expand=c/near,c/NEAR,C/near,C/NEAR", 200, {"value": [
        {"c": {"near": {"ID": 1}, "NEAR": [{"ID": 2}]}, "C": [{"near": {"ID": 3}, "NEAR": [{"ID": 1}]}]}]}),
    step("X 17.1", "GET docs?$expand=c/near,c/NEAR", 200, {"value": [{"c": {"near": {"ID": 1}, "NEAR": [{"ID": 2}]}, "C": []}]}),
    step("X 17.1", "POST says", 201, SAID, SAID), step("X 17.1", "GET says?$filter=é eq '8' and E eq '9' and ß ne s", 200, {"value": [SAID]}),
    step("X 17.1", "PATCH says(1)", 200, {**SAID, "\U0001d4b4": "13"}, {"\U0001d4b4": "13"}, Prefer="return=representation"),
]


def test_names_that_are_alike_to_a_database(service_of: ServiceOf, tmp_path: Path) -> None:
    walk(opened(service_of, tmp_path, ALIKE), APART)


# --- referential constraints over a part of a key: drafts ------------------------------------------------------

DRAFTS = HEAD + SCHEMA.format("d", """
<EntityType Name="Order"><Key><PropertyRef Name="ID"/><PropertyRef Name="Active"/></Key><Property Name="ID" Type="Edm.Guid" Nullable="false"/>
 <Property Name="Active" Type="Edm.Boolean" Nullable="false"/><NavigationProperty Name="Items" Type="Collection(d.Item)" Partner="up"/></EntityType>
<EntityType Name="Item"><Key><PropertyRef Name="up_ID"/><PropertyRef Name="pos"/><PropertyRef Name="Active"/></Key>
 <Property Name="up_ID" Type="Edm.Guid" Nullable="false"/><Property Name="pos" Type="Edm.Int32" Nullable="false"/>
 <Property Name="Active" Type="Edm.Boolean" Nullable="false"/><Property Name="of_ID" Type="Edm.Guid"/>
 <NavigationProperty Name="up" Type="d.Order" Nullable="false" Partner="Items"><ReferentialConstraint Property="up_ID" ReferencedProperty="ID"/></NavigationProperty>
 <NavigationProperty Name="of" Type="d.Order"><ReferentialConstraint Property="of_ID" ReferencedProperty="ID"/></NavigationProperty></EntityType>
<EntityContainer Name="C"><EntitySet Name="Orders" EntityType="d.Order"><NavigationPropertyBinding Path="Items" Target="Items"/></EntitySet>
 <EntitySet Name="Items" EntityType="d.Item"><NavigationPropertyBinding Path="up" Target="Orders"/><NavigationPropertyBinding Path="of" Target="Orders"/></EntitySet>
</EntityContainer>""") + TAIL
ONE, OTHER = ("11111111-2222-3333-4444-555555555555", "66666666-2222-3333-4444-555555555555")
DRAFTED = [
    step("X 8.5", "POST Orders", 201, ..., {"ID": ONE, "Active": False, "Items": [{"pos": 1, "Active": False}]}),
    step("X 8.5", "POST Orders", 201, ..., {"ID": OTHER, "Active": True}),
    step("X 8.5", f"POST Orders(ID={ONE},Active=false)/Items", 201, {"up_ID": ONE, "of_ID": None}, {"pos": 2, "Active": False}),
    step("X 8.5", "POST Items", 201, {"up_ID": ONE, "of_ID": OTHER}, {
        "pos": 3, "Active": False, "up@odata.bind": f"Orders(ID={ONE},Active=false)", "of@odata.bind": f"Orders(ID={OTHER},Active=true)"}),
    step("X 8.5", "GET Orders?$expand=Items&$orderby=ID", 200, {"value": [
        {"ID": ONE, "Items": [{"up_ID": ONE, "pos": 1}, {"up_ID": ONE, "pos": 2}, {"up_ID": ONE, "pos": 3}]}, {"ID": OTHER, "Items": []}]}),
    step("X 8.5", f"PATCH Items(up_ID={ONE},pos=2,Active=false)", 200, {"of_ID": ONE}, {
        "of@odata.bind": f"Orders(ID={ONE},Active=false)"}, Prefer="return=representation"),
    step("X 8.5", f"PATCH Items(up_ID={ONE},pos=2,Active=false)", 400, {"error": {"code": "keyChange"}}, {
        "up@odata.bind": f"Orders(ID={OTHER},Active=true)"}),
    step("X 8.5", f"GET Items(up_ID={ONE},pos=2,Active=false)?$expand=up,of", 200, {"up": {"ID": ONE}, "of": {"ID": ONE}}),
]


def test_constraints_over_a_part_of_a_key(service_of: ServiceOf, tmp_path: Path) -> None:
    walk(opened(service_of, tmp_path, DRAFTS), DRAFTED)


# --- complex values of several types -----------------------------------------------------------------------

PLACES = HEAD + SCHEMA.format("ns", """
<EntityType Name="Thing"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
 <Property Name="Place" Type="ns.Place"/></EntityType>
<ComplexType Name="Place" OpenType="true"><Property Name="Street" Type="Edm.String"/></ComplexType>
<ComplexType Name="Home" BaseType="ns.Place" OpenType="true"><Property Name="Rooms" Type="Edm.Byte"/><Property Name="Mark" Type="Edm.Byte"/></ComplexType>
<ComplexType Name="Shop" BaseType="ns.Place" OpenType="true"><Property Name="Mark" Type="Edm.String"/></ComplexType>
<EntityContainer Name="C"><EntitySet Name="Things" EntityType="ns.Thing"/></EntityContainer>""") + TAIL
GUID = "11111111-2222-3333-4444-555555555555"
MORE = {"Dyn": 1, "Id@odata.type": "#Guid", "Id": GUID}
PLACED = [
    step("P 11.4.2", "POST Things", 201, {"Place": MORE}, {"ID": 1, "Place": {"Street": "é", **MORE}}),
    step("P 11.4.9.3", "PATCH Things(1)", 204, None, {"Place": {"@odata.type": "#ns.Home", "Rooms": 9, "Mark": 3}}),
    step("P 11.4.9.3", "GET Things(1)/Place", 200, {"@odata.type": "#ns.Home", "Street": "é", "Rooms": 9, "Mark": 3, **MORE}),
    step("J 4.5.3", "PATCH Things(1)/Place", 400, {"error": {"code": "missingType", "target": "Rooms"}}, {"Rooms": "many"}),
    step("P 11.4.9.3", "PATCH Things(1)/Place", 204, None, {"@odata.type": "#ns.Shop", "Dyn": 2}),
    step("P 11.4.9.3", "GET Things(1)/Place", 200, {"@odata.type": "#ns.Shop", "Street": "é", "Mark": None, "Rooms": ABSENT, **MORE, "Dyn": 2}),
    step("P 11.4.9.3", "PATCH Things(1)", 204, None, {"Place": {"@odata.type": "#ns.Place"}}),
    step("P 11.4.9.3", "GET Things(1)/Place", 200, {"@odata.type": ABSENT, "Street": "é", "Mark": ABSENT, **MORE, "Dyn": 2}),
    step("P 11.2.4.1", "GET Things(1)/Place/Street/$value", 200, "é", headers={"Content-Type": "text/plain;charset=utf-8"}),
]


def test_complex_values_change_their_type(service_of: ServiceOf, tmp_path: Path) -> None:
    """What both types inherit and what is dynamic stays."""
    walk(opened(service_of, tmp_path, PLACES), PLACED)


SHAPES = HEAD + SCHEMA.format("ns", """
<EntityType Name="Thing"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
 <Property Name="Shape" Type="ns.Shape"/><Property Name="Shapes" Type="Collection(ns.Shape)" Nullable="false"/></EntityType>
<ComplexType Name="Shape" Abstract="true"><Property Name="Name" Type="Edm.String"/></ComplexType>
<ComplexType Name="Circle" BaseType="ns.Shape"><Property Name="Radius" Type="Edm.Int32"/></ComplexType>
<EntityContainer Name="C"><EntitySet Name="Things" EntityType="ns.Thing"/></EntityContainer>""") + TAIL
CIRCLE, NO_SHAPE = {"@odata.type": "#ns.Circle", "Name": "a", "Radius": 1}, {"error": {"code": "abstractType"}}
SHAPED = [
    step("P 11.4.2", "POST Things", 201, {"Shape": CIRCLE}, {"ID": 1, "Shape": CIRCLE, "Shapes": [CIRCLE]}),
    step("P 11.4.3", "PATCH Things(1)", 204, None, {"Shape": {"Name": "b"}}), step("P 11.4.3", "GET Things(1)/Shape", 200, {**CIRCLE, "Name": "b"}),
    step("P 11.4.9.3", "PATCH Things(1)/Shape", 204, None, {"Name": "c"}), step("P 11.4.9.3", "GET Things(1)/Shape", 200, {**CIRCLE, "Name": "c"}),
    step("P 11.4.13", "PATCH Things(1)/Shapes/0", 204, None, {"Name": "d"}), step("P 11.4.13", "GET Things(1)/Shapes", 200, {"value": [{**CIRCLE, "Name": "d"}]}),
    *[step("X 9", request, 400, NO_SHAPE, content) for request, content in (
        ("PUT Things(1)/Shape", {"Name": "e"}), ("POST Things(1)/Shapes", {"Name": "e"}), ("PUT Things(1)", {"Shape": {"Name": "e"}}),
        ("PATCH Things(1)", {"Shapes": [{"Name": "e"}]}), ("POST Things", {"ID": 2, "Shape": {"Name": "e"}}), ("PATCH Things(2)", {"Shape": {"Name": "e"}}))],
    step("P 11.4.9.2", "DELETE Things(1)/Shape", 204),
    *[step("X 9", request, 400, NO_SHAPE, content) for request, content in (
        ("PATCH Things(1)", {"Shape": {"Name": "e"}}), ("PATCH Things(1)/Shape", {"Name": "e"}))],
    step("P 11.2.4", "GET Things", 200, {"value": [{"ID": 1, "Shape": None}]}),
]


def test_values_of_abstract_types_keep_theirs(service_of: ServiceOf, tmp_path: Path) -> None:
    """A PATCH need not say it again."""
    walk(opened(service_of, tmp_path, SHAPES), SHAPED)


# --- everything at once ------------------------------------------------------------------------------------

KINDS = HEAD + SCHEMA.format("ns", """
<EntityType Name="Thing"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
 <Property Name="Untyped" Type="Edm.Untyped"/><Property Name="Several" Type="Collection(Edm.Untyped)" Nullable="true"/>
 <Property Name="Primitive" Type="Edm.PrimitiveType"/><Property Name="Complex" Type="Edm.ComplexType"/>
 <Property Name="Floating" Type="Edm.Decimal" Precision="7" Scale="floating"/>
 <Property Name="Variable" Type="Edm.Decimal" Scale="variable"/><Property Name="Whole" Type="Edm.Decimal"/>
 <Property Name="Fine" Type="Edm.DateTimeOffset" Precision="12"/><Property Name="Long" Type="Edm.String" MaxLength="max"/>
 <Property Name="Place" Type="Edm.GeographyPoint" SRID="variable"/><Property Name="Any" Type="Edm.Geometry"/>
 <Property Name="Marks" Type="ns.Marks" DefaultValue="A,C"/><Property Name="Lists" Type="Collection(ns.Marks)" Nullable="false"/>
 <Property Name="Weight" Type="ns.Weight" Precision="4" Scale="1"/><Property Name="Codes" Type="Collection(ns.Code)" Nullable="true"/>
 <Property Name="Box" Type="ns.Box" Nullable="false"/></EntityType>
<EntityType Name="Compound"><Key><PropertyRef Name="A"/><PropertyRef Name="P/X" Alias="PX"/><PropertyRef Name="P/In/Y" Alias="PY"/></Key>
 <Property Name="A" Type="ns.Code" Nullable="false"/><Property Name="P" Type="ns.Part" Nullable="false"/>
 <Property Name="N" Type="Edm.String"/></EntityType>
<ComplexType Name="Part"><Property Name="X" Type="ns.Marks" Nullable="false"/><Property Name="In" Type="ns.In" Nullable="false"/></ComplexType>
<ComplexType Name="In"><Property Name="Y" Type="Edm.Duration" Nullable="false"/></ComplexType>
<ComplexType Name="Box"><Property Name="B" Type="ns.Code" Nullable="false" DefaultValue="b"/></ComplexType>
<EnumType Name="Marks" IsFlags="true" UnderlyingType="Edm.Int64"><Member Name="None" Value="0"/><Member Name="A" Value="1"/>
 <Member Name="B" Value="2"/><Member Name="C" Value="4"/><Member Name="Far" Value="4611686018427387904"/></EnumType>
<TypeDefinition Name="Code" UnderlyingType="Edm.String" MaxLength="4"/><TypeDefinition Name="Weight" UnderlyingType="Edm.Decimal"/>
<EntityContainer Name="C"><EntitySet Name="Things" EntityType="ns.Thing"/><EntitySet Name="Compounds" EntityType="ns.Compound"/>
<Singleton Name="Maybe" Type="ns.Thing" Nullable="true"/></EntityContainer>""") + TAIL
KEY = "A='a%2F''b',PX=ns.Marks'A,C',PY=duration'PT1H'"
WHOLE = {"ID": 1, "Untyped": {"a": [1, {"b": None}]}, "Several": [1, "x", [2], {"q": 1}], "Primitive@odata.type": "#Int32",
         "Primitive": 5, "Complex": {"@odata.type": "#ns.Box", "B": "z"}, "Floating": 1.234, "Variable": 12.25, "Whole": 7,
         "Fine": "2020-01-01T00:00:00.123456789012Z", "Long": "x" * 3000, "Place": {"type": "Point", "coordinates": [1.5, 2.5]},
         "Any": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}, "Marks": "B,Far", "Lists": ["A", "A,B"], "Weight": 12.5,
         "Codes": ["ab", None], "Box": {"B": "y"}}
KIND_STEPS = [
    step("X 7", "POST Things", 201, ..., WHOLE, OData_MaxVersion="4.01"),
    step("X 7", "GET Things(1)", 200, {
        "Untyped": Only({"a": [1, {"b": None}]}), "Several": [1, "x", [2], {"q": 1}], "Primitive": 5, "Complex": {"B": "z"},
        "Floating": 1.234, "Variable": 12.25, "Fine": "2020-01-01T00:00:00.123456789012Z", "Marks": "B,Far", "Weight": 12.5,
        "Lists": ["A", "A,B"], "Codes": ["ab", None], "Box": {"B": "y"}, "Place": {"coordinates": [1.5, 2.5]}}),
    step("X 7.3", "POST Things", 201, {"Marks": "A,C", "Box": {"B": "b"}, "Several": [], "Untyped": None}, {"ID": 2, "Box": {}}),
    step("X 7.2.1", "POST Things", 400, {"error": {"target": "Box"}}, {"ID": 3}),
    *(step("J 7.1", "PATCH Things(1)", 400, {"error": {"target": "Any", "code": "invalidValue"}}, {"Any": value}) for value in (
        {"type": "Nope", "coordinates": []}, {"type": "Point", "coordinates": ["a", "b"]}, {"type": "LineString", "coordinates": [1, 2]},
        {"type": "Point", "coordinates": [[1, 2], [3, 4]]}, {"type": "GeometryCollection", "geometries": [5]}, {"type": "Point", "coordinates": [True, 1]},
        {"type": "Point", "coordinates": [1, 2], "crs": "x"}, {"type": "Point", "coordinates": [1, 2], "crs": {"type": "name", "properties": None}})),
    step("X 7.2.6", "PATCH Things(1)", 400, {"error": {"code": "valueOutOfRange", "target": "Any"}},
         {"Any": {"type": "Point", "coordinates": [1, 2], "crs": {"type": "name", "properties": {"name": "EPSG:4326"}}}}),
    step("X 7.2.6", "PATCH Things(1)", 204, None, {"Place": {"type": "Point", "coordinates": [1, 2], "crs": {"type": "name", "properties": {"name": "EPSG:3857"}}}}),
    step("P 11.2.4.1", "GET Things(1)/Place/$value", 200, "SRID=3857;Point(1 2)"),
    step("P 11.2.4.1", "GET Things(1)/Any/$value", 200, "SRID=0;LineString(0 0,1 1)"),
    step("X 11", "POST Things", 400, {"error": {"target": re.compile("^Codes")}}, {"ID": 3, "Box": {}, "Codes": ["toolong"]}),
    step("X 11", "POST Things", 400, {"error": {"target": "Weight"}}, {"ID": 3, "Box": {}, "Weight": 12.55}),
    step("X 10.3", "POST Things", 400, {"error": {"target": "Marks"}}, {"ID": 3, "Box": {}, "Marks": "A,Z"}),
    step("U 5.1.1", "GET Things?$filter=Marks has ns.Marks'Far' and Lists/any(l:l has 'B') and Weight gt 12&$select=ID", 200,
         {"value": [{"ID": 1}]}),
    step("X 6.5", "POST Compounds", 201, ..., {"A": "a/'b", "P": {"X": "A,C", "In": {"Y": "PT1H"}}}, {"Location": f"{ROOT}Compounds({KEY})"}),
    step("X 6.5", f"GET Compounds({KEY})", 200, {"P": {"In": {"Y": "PT1H"}}}),
    step("U 4.3.1", "GET Compounds(A='a%2F''b',PX='A,C',PY='PT1H')", 200, {"A": "a/'b"}),
    step("P 11.4.3", f"PATCH Compounds({KEY})", 204, None, {"N": "n"}),
    step("P 11.4.5", f"DELETE Compounds({KEY})", 204, None),
    step("P 9.1.4", "GET Maybe", 204, None),
    step("X 13.3", "PUT Maybe", 201, {"ID": 9}, {"ID": 9, "Box": {}}),
    step("X 13.3", "GET Maybe/Box/B/$value", 200, "b"),
    step("X 13.3", "DELETE Maybe", 204, None),
    step("P 9.1.4", "GET Maybe", 204, None),
    step("P 9.1.4", "GET Maybe/Box", 404),
    step("P 11.1.2", "GET $metadata", 200, re.compile('Name="Variable"'), None, {"Content-Type": "application/xml"}),
]


def test_seldom_seen_types(service_of: ServiceOf, tmp_path: Path) -> None:
    walk(opened(service_of, tmp_path, KINDS), KIND_STEPS)


# --- large models ------------------------------------------------------------------------------------------

LINKED = HEAD + SCHEMA.format("ns", """
<EntityType Name="A"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
 <NavigationProperty Name="Parts" Type="Collection(ns.B)" ContainsTarget="true"/></EntityType>
<EntityType Name="B"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
 <NavigationProperty Name="Others" Type="Collection(ns.A)"/>
 <NavigationProperty Name="Inner" Type="Collection(ns.B)" ContainsTarget="true"/></EntityType>
<EntityContainer Name="C"><EntitySet Name="As" EntityType="ns.A"/></EntityContainer>""") + TAIL


def test_entities_go_before_the_tables_that_could_refer_to_them_are_made(service_of: ServiceOf, tmp_path: Path,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "EAGER", 1)
    walk(opened(service_of, tmp_path, LINKED), [
        step("P 11.4.2", "POST As", 201, ..., {"ID": 1}), step("P 11.4.2", "POST As", 201, ..., {"ID": 2}),
        step("P 11.4.5", "DELETE As(1)", 204, None),
        step("P 11.4.2", "POST As(2)/Parts", 201, {"ID": 3}, {"ID": 3, "Others": [{"@id": "As(2)"}]}),
        step("P 11.4.5", "GET As(2)/Parts?$expand=Others", 200, {"value": [{"Others": [{"ID": 2}]}]}),
        step("P 11.4.5", "DELETE As(2)", 204, None), step("P 11.4.5", "GET As", 200, {"value": []})])


# --- collections of entities behind complex values ----------------------------------------------------------

BEHIND = HEAD + SCHEMA.format("ns", """
<ComplexType Name="Wing"><Property Name="Team" Type="ns.Team"/></ComplexType>
<ComplexType Name="Team"><Property Name="Name" Type="Edm.String"/>
 <NavigationProperty Name="People" Type="Collection(ns.Person)"/></ComplexType>
<EntityType Name="Person"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/></EntityType>
<EntityType Name="House"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
 <Property Name="Team" Type="ns.Team"/><Property Name="Wing" Type="ns.Wing"/><Property Name="Teams" Type="Collection(ns.Team)" Nullable="false"/></EntityType>
<EntityContainer Name="C"><EntitySet Name="People" EntityType="ns.Person"/><EntitySet Name="Houses" EntityType="ns.House">
 <NavigationPropertyBinding Path="Team/People" Target="People"/><NavigationPropertyBinding Path="Teams/People" Target="People"/>
 <NavigationPropertyBinding Path="Wing/Team/People" Target="People"/></EntitySet></EntityContainer>""") + TAIL
COUNTED = [
    *(step("P 11.4.2", "POST People", 201, ..., {"ID": number}) for number in (1, 2, 3)),
    step("P 11.4.2.2", "POST Houses", 201, ..., {"ID": 1, "Team": {"Name": "a", "People@odata.bind": ["People(1)", "People(2)"]}, "Wing": {"Team": {"People@odata.bind": ["People(3)"]}},
                                                 "Teams": [{"Name": "b", "People@odata.bind": ["People(1)"]}, {"Name": "c", "People@odata.bind": ["People(1)", "People(3)"]}]}),
    step("P 11.4.2", "POST Houses", 201, ..., {"ID": 2}),
    step("U 5.1.3", "GET Houses?$expand=Team/People/$count", 200, {"value": [{"Team": {"People@odata.count": 2}}, {"Team": None}]}),
    step("U 5.1.3", "GET Houses?$expand=Team/People($count=true;$top=1)", 200, {"value": [{"Team": {"People@odata.count": 2, "People": [{"ID": 1}]}}, {"Team": None}]}),
    step("U 5.1.3", "GET Houses?$expand=Team/People/$count($filter=ID gt 1)", 200, {"value": [{"Team": {"People@odata.count": 1}}, {}]}),
    step("U 5.1.3", "GET Houses(1)?$expand=Wing/Team/People($count=true)", 200, {"Wing": {"Team": {"People@odata.count": 1, "People": [{"ID": 3}]}}}),
    step("U 5.1.3", "GET Houses(1)?$expand=Teams/People($count=true;$top=1)", 200, {"Teams": [{"People@odata.count": 1}, {"People@odata.count": 2, "People": [{"ID": 1}]}]}),
    step("U 5.1.3", "GET Houses(1)?$expand=Teams/People/$count($filter=ID gt 1)", 200, {"Teams": [{"People@odata.count": 0}, {"People@odata.count": 1}]}),
    step("U 4.8", "GET Houses?$filter=Team/People/$count eq 2", 200, {"value": [{"ID": 1}]}),
    step("U 4.8", "GET Houses?$filter=Team/People/$count($filter=ID gt 2) eq 0", 200, {"value": [{"ID": 1}, {"ID": 2}]}),
    step("U 4.8", "GET Houses?$filter=Teams/any(t:t/People/$count eq 2)", 200, {"value": [{"ID": 1}]}),
    step("U 4.8", "GET Houses(1)/Team/People/$count", 200, "2"),
    step("U 4.3", "GET Houses?$filter=Team/People(2)/ID eq 2", 200, {"value": [{"ID": 1}]}),
    step("U 4.3", "GET Houses?$filter=Team/People(3)/ID eq 3", 200, {"value": []}),
    step("U 4.3", "GET Houses?$filter=Teams/any(t:t/People(3)/ID eq 3 and t/Name eq 'c')", 200, {"value": [{"ID": 1}]}),
    step("U 4.3", "GET Houses?$filter=Teams/any(t:t/People(3)/ID eq 3 and t/Name eq 'b')", 200, {"value": []}),
]


def test_counts_behind_complex_values(service_of: ServiceOf, tmp_path: Path) -> None:
    walk(opened(service_of, tmp_path, BEHIND), COUNTED)


# --- the example of README ---------------------------------------------------------------------------------

SHOP = HEAD + SCHEMA.format("shop", """
<EntityType Name="order"><Key><PropertyRef Name="id"/></Key><Property Name="id" Type="Edm.Int32" Nullable="false"/>
 <Property Name="shipped" Type="Edm.DateTimeOffset"/></EntityType>
<Action Name="ship" IsBound="true"><Parameter Name="order" Type="shop.order"/></Action>
<EntityContainer Name="C"><EntitySet Name="orders" EntityType="shop.order"/></EntityContainer>""") + TAIL


def test_the_operation_in_readme_works(service_of: ServiceOf, tmp_path: Path) -> None:
    found = re.search(r"```python\n(from app import Conflict.*?)```", (ROOT_FOLDER / "README.md").read_text(), re.S)
    assert found is not None
    (tmp_path / "shop.xml").write_text(SHOP)
    (tmp_path / "shop.py").write_text(found[1])
    walk(Client(service_of(tmp_path / "shop.xml", None, tmp_path / "shop.py")), [
        step("P 11.4.2", "POST orders", 201, ..., {"id": 1}),
        step("P 11.5.5.1", "POST orders(1)/shop.ship", 204),
        step("P 11.2.4", "GET orders(1)", 200, {"shipped": re.compile("Z$")}),
        step("P 11.5.5.1", "POST orders(1)/shop.ship", 409, {"error": {"message": re.compile("already")}}),
    ])


# --- navigation properties that no set is behind -------------------------------------------------------------

LOOSE = HEAD + SCHEMA.format("ns", """
<ComplexType Name="Place"><Property Name="City" Type="Edm.String"/><NavigationProperty Name="Other" Type="ns.Loose"/></ComplexType>
<EntityType Name="Loose"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/></EntityType>
<EntityType Name="Thing"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
 <Property Name="Place" Type="ns.Place"/>
 <NavigationProperty Name="Loose" Type="ns.Loose"/><NavigationProperty Name="Many" Type="Collection(ns.Loose)"/>
 <NavigationProperty Name="Next" Type="ns.Thing"/></EntityType>
<EntityContainer Name="C"><EntitySet Name="Things" EntityType="ns.Thing"/></EntityContainer>""") + TAIL


def test_everything_expanded_is_what_leads_somewhere(service_of: ServiceOf, tmp_path: Path) -> None:
    walk(opened(service_of, tmp_path, LOOSE), [
        step("X 8.4", "POST Things", 201, ..., {"ID": 1, "Place": {"City": "B"}}),
        step("U 5.1.3", "GET Things?$expand=*", 200, {"value": [{"ID": 1, "Next": None, "Loose": ABSENT, "Many": ABSENT}]}),
        step("U 5.1.3", "GET Things(1)?$expand=*($levels=2)", 200, {"ID": 1, "Next": None, "Loose": ABSENT}),
        step("U 5.1.3", "GET Things?$expand=*/$ref,Place/*", 200, {"value": [{"Next": None, "Loose": ABSENT}]}),
        step("U 5.1.3", "GET Things?$expand=*", 200, {"value": [{"Next": None}]}, Prefer="track-changes"),
        step("U 5.1.3", "GET Things?$expand=Loose", 501), step("U 5.1.3", "GET Things?$expand=Many($top=1)", 501)])


# --- types of other documents -------------------------------------------------------------------------------

OTHER = "http://other.example/svc/$metadata"
ABROAD = HEAD.replace("<edmx:DataServices>", f"""<edmx:Reference Uri="{OTHER}"><edmx:Include Namespace="Other.Model" Alias="O"/></edmx:Reference>
<edmx:Reference Uri="beside.xml"><edmx:Include Namespace="Beside.Model" Alias="B"/></edmx:Reference><edmx:DataServices>""") + SCHEMA.format("ns", """
<EntityType Name="T" OpenType="true"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
 <Property Name="c" Type="ns.C"/><Property Name="u" Type="Edm.Untyped"/><Property Name="p" Type="Edm.PrimitiveType"/></EntityType>
<EntityType Name="D" BaseType="ns.T" OpenType="true"/><ComplexType Name="C" OpenType="true"><Property Name="a" Type="Edm.Int32"/></ComplexType>
<EntityContainer Name="K"><EntitySet Name="Ts" EntityType="ns.T"/></EntityContainer>""") + TAIL
BESIDE = HEAD + SCHEMA.format("Beside.Model", """<TypeDefinition Name="Short" UnderlyingType="Edm.String" MaxLength="3"/>
<TypeDefinition Name="Span" UnderlyingType="Edm.Duration"/><TypeDefinition Name="Sum" UnderlyingType="Edm.Decimal" Scale="2"/>""") + TAIL
NEW = {"OData_Version": "4.01", "OData_MaxVersion": "4.01", "Accept": "application/json;metadata=minimal"}
FOREIGN = [
    step("J 4.5.3", "POST Ts", 201, {"@type": "#ns.D"}, {"ID": 1, "@type": f"{ROOT}$metadata#ns.D"}, **NEW),
    step("J 4.5.3", "POST Ts", 201, {"@type": "#ns.D"}, {"ID": 2, "@type": "$metadata?$schemaversion=*#ns.D"}, **NEW),
    step("J 4.5.3", "POST Ts", 400, {"error": {"code": "unknownType", "target": "@odata.type", "message": re.compile("not at hand")}},
         {"ID": 3, "@type": f"{OTHER}#Other.Model.D"}, **NEW),
    step("J 4.5.3", "POST Ts", 400, {"error": {"code": "unknownType", "target": "d", "message": re.compile("neither this service")}},
         {"ID": 3, "d@type": "http://third.example/$metadata#Third.Type", "d": 1}, **NEW),
    step("J 4.5.3", "POST Ts", 400, {"error": {"code": "unknownType", "target": "c/@odata.type"}}, {"ID": 3, "c": {"@type": f"{OTHER}#Other.Model.C"}}, **NEW),
    step("J 4.5.3", "POST Ts", 400, {"error": {"code": "valueTooLong", "target": "d"}}, {"ID": 3, "d@type": "#B.Short", "d": "abcd"}, **NEW),
    step("J 4.5.3", "POST Ts", 400, {"error": {"code": "invalidValue", "target": "d"}}, {"ID": 3, "d@type": "#B.Span", "d": "day"}, **NEW),
    step("J 4.5.3", "POST Ts", 201, {"s@type": "#Beside.Model.Short", "s": "abc", "t@type": "#Beside.Model.Span", "t": "PT5S", "n@type": "#Beside.Model.Sum", "n": 1.5},
         {"ID": 3, "s@type": "#B.Short", "s": "abc", "t@type": "#B.Span", "t": "PT5S", "n@type": "#B.Sum", "n": 1.5}, **NEW),
    step("J 4.5.3", "GET Ts(3)?$select=t,n", 200, {"t@odata.type": "#Beside.Model.Span", "t": "PT5S", "n@odata.type": "#Beside.Model.Sum", "n": "1.5"},
         Accept="application/json;IEEE754Compatible=true"),
    step("J 4.5.3", "POST Ts", 201, ..., {"ID": 4, "v@type": f"{OTHER}#O.E", "v": "red", "o@type": "#Other.Model.C", "o": {"z": 1.5, "in": {"@type": "#O.I", "k": [1]}},
                                          "l@type": f"{OTHER}#Collection(O.C)", "l": [{"z": 1}, {"@type": "#O.I"}], "u": {"@type": "#O.C", "z": 2},
                                          "p@type": "O.N", "p": 5, "c": {"a": 1, "m@type": "#O.E", "m": "blue"}}, **NEW),
    step("J 4.5.3", "GET Ts(4)", 200, {"v@type": f"{OTHER}#Other.Model.E", "v": "red",
                                       "o": Only({"@type": f"{OTHER}#Other.Model.C", "z": 1.5, "in": Only({"@type": f"{OTHER}#Other.Model.I", "k": [1]})}),
                                       "l@type": f"{OTHER}#Collection(Other.Model.C)", "l": [Only(z=1), Only({"@type": f"{OTHER}#Other.Model.I"})],
                                       "u": Only({"@type": f"{OTHER}#Other.Model.C", "z": 2}), "p@type": f"{OTHER}#Other.Model.N", "p": 5,
                                       "c": Only({"a": 1, "m@type": f"{OTHER}#Other.Model.E", "m": "blue"})}, **NEW),
    step("J 4.5.3", "GET Ts(4)", 200, {"v@odata.type": f"{OTHER}#Other.Model.E", "o": {"@odata.type": f"{OTHER}#Other.Model.C"}, "l": [Only(z=1), Only({"@odata.type": f"{OTHER}#Other.Model.I"})]},
         Accept="application/json;odata.metadata=full"),
    step("J 3.1.3", "GET Ts(4)", 200, {"v@odata.type": ABSENT, "o": Only(z=1.5, **{"in": Only(k=[1])}), "l": [Only(z=1), Only()], "u": Only(z=2), "c": Only(a=1, m="blue")},
         Accept="application/json;odata.metadata=none"),
    step("J 4.5.3", "PUT Ts(4)/v", 204, None, {"@type": f"{OTHER}#O.E", "value": "blue"}, **NEW),
    step("J 4.5.3", "GET Ts(4)/v", 200, {"@type": f"{OTHER}#Other.Model.E", "value": "blue"}, **NEW),
    step("U 5.1.1", "GET Ts?$filter=o/z gt 1&$select=ID", 200, {"value": [{"ID": 4}]}, **NEW),
    step("J 4.5.3", "GET $metadata", 200, re.compile(f'<edmx:Reference Uri="{re.escape(OTHER)}">\\s*<edmx:Include Namespace="Other.Model" Alias="O"/>')),
]


def test_types_of_other_documents(service_of: ServiceOf, tmp_path: Path) -> None:
    """Types by URL, of this service, of documents beside the model, and of one on the web that only the model knows of (J 4.5.1, J 4.5.3)."""
    (tmp_path / "beside.xml").write_text(BESIDE, encoding="utf-8")
    walk(opened(service_of, tmp_path, ABROAD), FOREIGN)


BELOW = """
<EntityType Name="T" OpenType="true"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/></EntityType>
<EntityType Name="U" BaseType="A.T" OpenType="true"><Property Name="s" Type="Edm.String"/></EntityType>
<EntityType Name="V" BaseType="A.T" OpenType="true"><Property Name="n" Type="Edm.Int32"/></EntityType>
<EntityContainer Name="C"><EntitySet Name="Ts" EntityType="A.T"/></EntityContainer>"""

POINT = {"type": "Point", "coordinates": [1, 2]}

UNDECLARED = [
    step("U 4.6", "POST Ts", 201, {"s": "dynamic", "n": "too"},
         {"ID": 1, "s": "dynamic", "n": "too", "g@odata.type": "#GeographyPoint", "g": POINT, "o": POINT, "l@odata.type": "#Collection(GeographyPoint)", "l": [POINT]}),
    step("U 4.6", "POST Ts", 201, {"s": "declared", "n": 7.5}, {"ID": 2, "@odata.type": "#A.U", "s": "declared", "n": 7.5}),
    step("U 4.6", "POST Ts", 201, {"n": 8}, {"ID": 3, "@odata.type": "#A.V", "n": 8}),
    *[step("U 4.6", f"GET Ts({id})/{name}", 200, {"value": value}) for id, name, value in ((1, "s", "dynamic"), (1, "n", "too"), (2, "s", "declared"), (2, "n", 7.5), (3, "n", 8))],
    step("U 4.6", "GET Ts(3)/s", 204, None),
    step("P 11.2.5.1", "GET Ts?$select=s,n&$orderby=ID", 200, {"value": [{"s": "dynamic", "n": "too"}, {"s": "declared", "n": 7.5}, {"s": None, "n": 8}]}),
    step("J 11", "GET Ts(1)/g", 200, {"@odata.type": "#GeographyPoint", "value": Only(POINT), "type": ABSENT}),
    step("J 11", "GET Ts(1)/g", 200, {"@type": "GeographyPoint", "value": Only(POINT)}, Accept="application/json;metadata=full", OData_MaxVersion="4.01"),
    step("J 11", "GET Ts(1)/g", 200, Only(value=Only(POINT)), Accept="application/json;odata.metadata=none"),
    step("J 11", "GET Ts(1)/l/0", 200, {"value": Only(POINT), "type": ABSENT}),
    step("J 11", "GET Ts(1)/o", 200, {"type": "Point", "coordinates": [1, 2], "value": ABSENT}),
    step("J 11", "PUT Ts(1)/g", 204, None, {"@odata.type": "#GeographyPoint", "value": {"type": "Point", "coordinates": [3, 4]}}),
    step("J 11", "GET Ts(1)/g", 200, {"value": {"coordinates": [3, 4]}}),
]


def test_dynamic_properties_by_themselves(service_of: ServiceOf, tmp_path: Path) -> None:
    """Also one that has the name of what a derived type declares, and a Geo value, whose object is not that of the answer."""
    walk(opened(service_of, tmp_path, HEAD + SCHEMA.format("A", BELOW) + TAIL), UNDECLARED)


# --- keys inside complex values that are kept whole --------------------------------------------------------

SPOTS = HEAD + SCHEMA.format("ns", """
<ComplexType Name="Place"><Property Name="No" Type="Edm.Int16" Nullable="false"/><Property Name="Word" Type="Edm.String"/></ComplexType>
<ComplexType Name="Room" BaseType="ns.Place"><Property Name="Size" Type="Edm.Int32"/></ComplexType>
<ComplexType Name="House" OpenType="true"><Property Name="Door" Type="ns.Place" Nullable="false"/></ComplexType>
<EntityType Name="Spot"><Key><PropertyRef Name="ID"/><PropertyRef Name="Place/No" Alias="no"/><PropertyRef Name="House/Door/No" Alias="door"/></Key>
 <Property Name="ID" Type="Edm.Int32" Nullable="false"/><Property Name="Place" Type="ns.Place" Nullable="false"/>
 <Property Name="House" Type="ns.House" Nullable="false"/><NavigationProperty Name="Next" Type="ns.Spot"/>
 <Annotation Term="Org.OData.Core.V1.AlternateKeys"><Collection><Record><PropertyValue Property="Key"><Collection>
  <Record><PropertyValue Property="Name" PropertyPath="Place/Word"/><PropertyValue Property="Alias" String="word"/></Record>
 </Collection></PropertyValue></Record></Collection></Annotation></EntityType>
<EntityContainer Name="C"><EntitySet Name="Spots" EntityType="ns.Spot"><NavigationPropertyBinding Path="Next" Target="Spots"/></EntitySet>
</EntityContainer>""") + TAIL
FIRST = {"ID": 1, "Place": {"No": 2, "Word": "two"}, "House": {"Colour": "red", "Door": {"No": 3}}}
SECOND = {"ID": 1, "Place": {"@odata.type": "#ns.Room", "No": 4, "Word": "four", "Size": 9}, "House": {"Door": {"No": 3}}}
IN_VALUES = [
    step("X 6.5", "POST Spots", 201, FIRST, FIRST, {"Location": ROOT + "Spots(ID=1,no=2,door=3)"}),
    step("X 6.5", "POST Spots", 201, SECOND, {**SECOND, "Next@odata.bind": "Spots(ID=1,no=2,door=3)"}),
    step("X 6.5", "POST Spots", 409, {"error": {"code": "duplicateKey"}}, {**FIRST, "Place": {"No": 2}}),
    step("X 6.5", "GET Spots(ID=1,no=4,door=3)?$expand=Next($select=ID)", 200, {**SECOND, "Next": {"ID": 1}}),
    step("X 6.5", "GET Spots/$ref", 200, {"value": [{"@odata.id": ROOT + f"Spots(ID=1,no={no},door=3)"} for no in (2, 4)]}),
    step("X 6.5", "GET Spots(ID=1,no=3,door=3)", 404),
    step("U 4.3.5", "GET Spots(word='four')", 200, SECOND),
    step("P 11.4.3", "PATCH Spots(ID=1,no=4,door=3)", 204, None, {"Place": {"No": 9, "Word": "for"}, "House": {"Door": {"Word": "d"}}}),
    step("P 11.4.3", "GET Spots(word='for')/Place", 200, {"No": 4, "Size": 9}), step("U 4.3.5", "GET Spots(word='four')", 404),
    step("P 11.4.4", "PUT Spots(ID=5,no=6,door=7)", 201, {"ID": 5, "Place": {"No": 6, "Word": "six"}, "House": {"Door": {"No": 7}}},
         {"Place": {"Word": "six"}}),
    step("X 6.5", "GET Spots?$filter=Place/No gt 2&$orderby=Place/No desc&$top=1", 200, {"value": [{"ID": 5}]}),
    step("P 11.4.5", "DELETE Spots(ID=1,no=2,door=3)", 204), step("P 11.4.5", "GET Spots/$count", 200, "2"),
]


def test_keys_inside_complex_values(service_of: ServiceOf, tmp_path: Path) -> None:
    walk(opened(service_of, tmp_path, SPOTS), IN_VALUES)


# --- paths behind functions --------------------------------------------------------------------------------

FILMS = HEAD + SCHEMA.format("ns", """
<TypeDefinition Name="Minutes" UnderlyingType="Edm.Int32"/>
<EntityType Name="Film" HasStream="true"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
 <Property Name="Length" Type="ns.Minutes"/><Property Name="Poster" Type="Edm.Stream"/><NavigationProperty Name="Next" Type="ns.Film"/></EntityType>
<Function Name="Word" IsComposable="true"><ReturnType Type="Edm.String" Nullable="false"/></Function>
<Function Name="Films" IsBound="true" IsComposable="true"><Parameter Name="word" Type="Edm.String" Nullable="false"/>
 <ReturnType Type="Collection(ns.Film)" Nullable="false"/></Function>
<Function Name="Seconds" IsBound="true"><Parameter Name="length" Type="ns.Minutes"/><ReturnType Type="Edm.Int32"/></Function>
<Function Name="Latest" IsComposable="true"><Parameter Name="before" Type="Edm.Int32" Nullable="false"/><ReturnType Type="ns.Film"/></Function>
<Function Name="Again" IsBound="true" IsComposable="true"><Parameter Name="film" Type="ns.Film" Nullable="false"/><ReturnType Type="ns.Film"/></Function>
<EntityContainer Name="C"><EntitySet Name="Films" EntityType="ns.Film"><NavigationPropertyBinding Path="Next" Target="Films"/></EntitySet>
 <FunctionImport Name="Word" Function="ns.Word"/><FunctionImport Name="Latest" Function="ns.Latest" EntitySet="Films"/></EntityContainer>""") + TAIL
FUNCTIONS = """
from app import Operations

operations = Operations()


@operations.function("ns.Word")
def word(*, context):
    return "two"


@operations.function("ns.Films", bound_to="Edm.String")
def films(word, *, context):
    return context.set("Films").where("ID ge @least", least=len(word) - 1)


@operations.function("ns.Seconds", bound_to="ns.Minutes")
def seconds(length, *, context):
    return length and 60 * length


@operations.function("ns.Latest")
def latest(before, *, context):
    return context.set("Films").where("ID lt @before", before=before).orderby("ID desc").first()


@operations.function("ns.Again", bound_to="ns.Film")
def again(film, *, context):
    return film
"""
ALONG = [
    *[step("P 11.4.7.1", "POST Films", 201, {"ID": id}, "film", Slug=str(id)) for id in (1, 2)],
    step("P 11.4.8", "PUT Films(1)/Poster", 204, content="poster"),
    step("P 11.4.6", "PUT Films(2)/Next/$ref", 204, None, {"@odata.id": "Films(1)"}),
    step("P 11.2.3", "GET Latest(before=9)/$value", 200, "film"), step("P 11.2.3", "GET Latest(before=9)/Next/Poster", 200, "poster"),
    step("P 11.2.3", "GET Latest(before=9)/ns.Again()/Next/$value", 200, "film"), step("P 11.2.3", "GET Films(2)/ns.Again()/Poster", 204),
    step("P 11.2.3", "GET Latest(before=1)/$value", 404), step("P 11.2.3", "GET Latest(before=2)/Next/$value", 404),
    step("P 11.4.7.2", "PUT Latest(before=9)/$value", 405, content="x"),
    step("P 11.4.3", "PATCH Films(2)", 204, None, {"Length": 90}), step("X 11.1", "GET Films(2)/Length/ns.Seconds()", 200, {"value": 5400}),
    step("X 11.1", "GET Films?$filter=Length/ns.Seconds() gt 60&$select=ID", 200, {"value": [{"ID": 2}]}),
    step("P 10.2", "GET Word()/ns.Films()", 200, {"@odata.context": ROOT + "$metadata#Collection(ns.Film)", "value": [{"ID": 2}]}),
    step("P 10.2", "GET Word()/ns.Films()(2)/ns.Again()", 200, {"@odata.context": ROOT + "$metadata#ns.Film", "ID": 2}),
    step("P 10.2", "GET Latest(before=9)/ns.Again()", 200, {"ID": 2}), step("P 11.2.10", "GET Word()/ns.Films()/$count", 200, "1"),
]


def test_paths_behind_functions(service_of: ServiceOf, tmp_path: Path) -> None:
    (tmp_path / "films.xml").write_text(FILMS)
    (tmp_path / "films.py").write_text(FUNCTIONS)
    walk(Client(service_of(tmp_path / "films.xml", None, tmp_path / "films.py")), ALONG)


# --- results of functions -----------------------------------------------------------------------------------

GIVING = HEAD + SCHEMA.format("ns", """
<EnumType Name="Shade"><Member Name="dark" Value="1"/></EnumType>
<Function Name="Where"><ReturnType Type="Edm.GeographyPoint"/></Function><Function Name="Price"><ReturnType Type="Edm.Decimal" Scale="2"/></Function>
<Function Name="Prices"><ReturnType Type="Collection(Edm.Int64)"/></Function><Function Name="Tint"><ReturnType Type="ns.Shade"/></Function>
<Function Name="Word"><ReturnType Type="Edm.String"/></Function><Function Name="Any"><ReturnType Type="Edm.Untyped"/></Function>
<EntityContainer Name="C"><FunctionImport Name="Where" Function="ns.Where"/><FunctionImport Name="Price" Function="ns.Price"/>
 <FunctionImport Name="Prices" Function="ns.Prices"/><FunctionImport Name="Tint" Function="ns.Tint"/><FunctionImport Name="Word" Function="ns.Word"/>
 <FunctionImport Name="Any" Function="ns.Any"/></EntityContainer>""") + TAIL
GIVERS = """
from app import Operations

operations = Operations()
for name, result in (("Where", {"type": "Point", "coordinates": [1.5, 2]}), ("Price", 2.5), ("Prices", [1, 2]), ("Tint", "dark"), ("Word", "w"), ("Any", {"a": 1})):
    operations.function(f"ns.{name}")(lambda *, context, result=result: result)
"""
POINT = {"type": "Point", "coordinates": [1.5, 2]}
GIVEN = [(name, type, value) for name, type, value in (
    ("Where", "GeographyPoint", POINT), ("Price", "Decimal", 2.5), ("Prices", "Collection(Int64)", [1, 2]), ("Tint", "#ns.Shade", "dark"), ("Word", None, "w"))]


def test_types_of_results(service_of: ServiceOf, tmp_path: Path) -> None:
    """J 3.1.2, J 4.5.3, J 11: full metadata names the types that JSON does not tell; a GeoJSON value is a value all the same."""
    (tmp_path / "giving.xml").write_text(GIVING)
    (tmp_path / "giving.py").write_text(GIVERS)
    client = Client(service_of(tmp_path / "giving.xml", None, tmp_path / "giving.py"))
    for name, type, value in GIVEN:
        body = client.get(f"{name}()", {"Accept": "application/json;metadata=full;streaming=true", "OData-MaxVersion": "4.01"})
        assert list(body) == ["@context", *(["@type"] if type else []), "value"] and body["value"] == value and body.get("@type") == type
        assert client.get(f"{name}()") == {"@odata.context": body["@context"], "value": value}
    assert client.get("Any()", {"Accept": "application/json;odata.metadata=none"}) == {"a": 1}


# --- entities that refer to each other -----------------------------------------------------------------------

RING = HEAD + SCHEMA.format("ns", """
<EntityType Name="A"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/><Property Name="BID" Type="Edm.Int32"/>
 <NavigationProperty Name="B" Type="ns.B"><ReferentialConstraint Property="BID" ReferencedProperty="ID"/></NavigationProperty>
 <NavigationProperty Name="Bs" Type="Collection(ns.B)" Partner="A"/></EntityType>
<EntityType Name="B"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/><Property Name="AID" Type="Edm.Int32"/>
 <NavigationProperty Name="A" Type="ns.A" Partner="Bs"><ReferentialConstraint Property="AID" ReferencedProperty="ID"/></NavigationProperty></EntityType>
<EntityContainer Name="C"><EntitySet Name="As" EntityType="ns.A"/><EntitySet Name="Bs" EntityType="ns.B"/></EntityContainer>""") + TAIL
IN_A_RING = [
    step("P 11.4.2.2", "POST As", 201, {"ID": 1, "BID": 1, "B": {"ID": 1, "AID": 1}}, {"ID": 1, "B": {"ID": 1, "AID": 1}}),
    step("P 11.4.2.2", "GET Bs(1)?$expand=A($expand=B)", 200, {"AID": 1, "A": {"ID": 1, "BID": 1, "B": {"ID": 1}}}),
    step("P 11.4.2.2", "POST As", 201, {"ID": 2, "BID": 3, "Bs": [{"ID": 2, "AID": 2}, {"ID": 3, "AID": 2}]}, {"ID": 2, "BID": 3, "Bs": [{"ID": 2}, {"ID": 3}]}),
    step("P 11.4.2.2", "GET As?$filter=B/A/ID eq ID and B/ID ne 2", 200, {"value": [{"ID": 1}, {"ID": 2}]}),
    step("P 11.4.2.2", "POST As", 409, {"error": {"code": "referenceConflict"}}, {"ID": 4, "BID": 5, "Bs": [{"ID": 4}]}),
    step("P 11.4.2.2", "POST As", 409, {"error": {"code": "referenceConflict"}}, {"ID": 4, "B": {"ID": 4, "AID": 5}}),
    step("P 11.4.2.2", "GET Bs", 200, {"value": [{"ID": 1}, {"ID": 2}, {"ID": 3}]}),
]


def test_new_entities_name_each_other_by_their_keys(service_of: ServiceOf, tmp_path: Path) -> None:
    walk(opened(service_of, tmp_path, RING), IN_A_RING)


# --- required references that no set answers ----------------------------------------------------------------

UNANSWERED = HEAD + SCHEMA.format("ns", """
<EntityType Name="Principal" Abstract="true"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/></EntityType>
<EntityType Name="User" BaseType="ns.Principal"/><EntityType Name="Team" BaseType="ns.Principal"/>
<EntityType Name="Account"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>
 <NavigationProperty Name="Owner" Type="ns.Principal" Nullable="false"/>
 <NavigationProperty Name="Creator" Type="ns.User" Nullable="false"/></EntityType>
<EntityContainer Name="C"><EntitySet Name="Accounts" EntityType="ns.Account"/><EntitySet Name="Users" EntityType="ns.User"/>
 <EntitySet Name="Teams" EntityType="ns.Team"/></EntityContainer>""") + TAIL


def test_a_required_reference_to_no_set_is_not_asked_for(service_of: ServiceOf, tmp_path: Path) -> None:
    """Dataverse declares such owners: what nobody can bind cannot be missed; what one set answers is (CSDL §8.3, §13.4.1)."""
    walk(opened(service_of, tmp_path, UNANSWERED), [
        step("P 11.4.2", "POST Users", 201, content={"ID": 1}),
        step("P 11.4.2", "POST Accounts", 400, {"error": {"code": "missingValue", "target": "Creator"}}, {"ID": 1}),
        step("P 11.4.2", "POST Accounts", 201, content={"ID": 1, "Creator@odata.bind": "Users(1)"}),
        step("P 11.2.3", "GET Accounts(1)?$expand=Creator", 200, {"ID": 1, "Creator": {"ID": 1}}),
        step("P 9.3.1", "GET Accounts(1)?$expand=Owner", 501, {"error": {"code": "notImplemented"}}),
    ])

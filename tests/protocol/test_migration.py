"""A model that changes while data is there: what is stored is found again (DESIGN §4); what cannot be kept stops the start."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.csdl import load
from app.errors import ConfigurationError
from app.payload.stored import Documents
from app.service.service import Service
from app.store import connect, map_model, migrate
from tests.protocol.exchange import ABSENT, Client, Exchange

HEAD = ('<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.01"><edmx:Reference Uri="store.xml">'
        '<edmx:Include Namespace="odata.store.v1" Alias="Store"/></edmx:Reference><edmx:DataServices>'
        '<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="ns">')
TAIL = "</Schema></edmx:DataServices></edmx:Edmx>"
KEY = '<Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>'
PLAIN = """<Property Name="Name" Type="Edm.String" MaxLength="10"/><Property Name="Size" Type="Edm.Int16"/>
<Property Name="Price" Type="Edm.Decimal" Precision="5" Scale="2"/><Property Name="At" Type="Edm.DateTimeOffset" Precision="3"/>
<Property Name="Must" Type="Edm.String" Nullable="false"/><Property Name="Place" Type="ns.Place"/>"""


def model(members: str = PLAIN, *, more: str = "", place: str = "", types: str = "", sets: str = "", name: str = "Things") -> str:
    return f"""{HEAD}<EntityType Name="Thing" OpenType="true">{KEY}{members}
<NavigationProperty Name="Parts" Type="Collection(ns.Part)" ContainsTarget="true"/>
<NavigationProperty Name="Friends" Type="Collection(ns.Thing)"/></EntityType><EntityType Name="Part">{KEY}{more}</EntityType>
<EntityType Name="Other">{KEY}<NavigationProperty Name="Thing" Type="ns.Thing"/></EntityType>
<ComplexType Name="Place"><Property Name="Street" Type="Edm.String"/>{place}</ComplexType>{types}
<EntityContainer Name="C"><EntitySet Name="{name}" EntityType="ns.Thing"/><EntitySet Name="Others" EntityType="ns.Other"/>{sets}
</EntityContainer>{TAIL}"""


def changed(*pairs: tuple[str, str], **more: str) -> str:
    """The plain model with some texts replaced."""
    members = PLAIN
    for old, new in pairs:
        assert old in members
        members = members.replace(old, new)
    return model(members, **more)


def step(request: str, status: int, body: Any = ..., content: Any = None) -> Exchange:
    return Exchange("DESIGN 4", request, status, body, {}, {"Content-Type": "application/json"},
                    b"" if content is None else json.dumps(content).encode())


FIRST: dict[str, Any] = {"ID": 1, "Name": "one", "Size": 5, "Price": 1.25, "At": "2020-01-01T00:00:00.120Z", "Must": "m",
                         "Place": {"Street": "s"}, "Dyn": "d"}
START = [
    step("POST Things", 201, ..., {**FIRST, "Parts": [{"ID": 1}, {"ID": 2}]}),
    step("POST Things", 201, ..., {"ID": 2, "Must": "n", "Friends@odata.bind": ["Things(1)"]}),
    step("POST Others", 201, ..., {"ID": 1, "Thing@odata.bind": "Things(1)"}),
]
STILL = [
    step("GET Things(1)?$expand=Parts", 200, {**FIRST, "Parts": [{"ID": 1}, {"ID": 2}]}),
    step("GET Things(2)?$expand=Friends", 200, {"ID": 2, "Must": "n", "Friends": [{"ID": 1}]}),
    step("GET Others(1)?$expand=Thing", 200, {"Thing": {"ID": 1, "Name": "one"}}),
]
ADDED = '<Property Name="Good" Type="Edm.Boolean" Nullable="false" DefaultValue="true"/><Property Name="Tags" Type="Collection(Edm.String)"/>'
KIND = '<EnumType Name="Kind"><Member Name="A" Value="1"/><Member Name="B" Value="2"/></EnumType>'
DERIVED = ('<EntityType Name="Big" BaseType="ns.Thing" OpenType="true"><Property Name="Wide" Type="Edm.Int32"/></EntityType>')
SAME = model()
NUMBERED = (f'{HEAD}<EntityType Name="Thing"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false">'
            '<Annotation Term="Org.OData.Core.V1.Computed"/></Property></EntityType>'
            f'<EntityContainer Name="C"><EntitySet Name="Things" EntityType="ns.Thing"/></EntityContainer>{TAIL}')
CHANGES: dict[str, list[tuple[str, list[Exchange]]]] = {
    "new properties": [
        (model(PLAIN + ADDED + '<Property Name="Kind" Type="ns.Kind" DefaultValue="B"/>', types=KIND, more=ADDED), [
            step("GET Things(1)", 200, {**FIRST, "Good": True, "Tags": [], "Kind": "B"}),
            step("GET Things(1)/Parts(2)", 200, {"Good": True, "Tags": []}),
            step("GET Things?$filter=Good and Kind eq 'B'", 200, {"value": [{"ID": 1}, {"ID": 2}]}),
            step("POST Things", 201, {"Good": False}, {"ID": 3, "Must": "x", "Good": False})])],
    "wider": [
        (changed(('MaxLength="10"', 'MaxLength="40"'), ("Int16", "Int64"), ('Precision="5" Scale="2"', 'Precision="12" Scale="3"'),
                 ('Precision="3"', 'Precision="6"'), ('"Must" Type="Edm.String" Nullable="false"', '"Must" Type="Edm.String"')), [
            step("PATCH Things(2)", 204, None, {"Name": "x" * 40, "Size": 1 << 40, "Price": 123456789.125, "Must": None,
                                                "At": "2020-01-01T00:00:00.12Z"}),
            step("GET Things?$filter=At eq 2020-01-01T00:00:00.12Z and Price gt 1", 200, {"value": [
                {"ID": 1, "At": "2020-01-01T00:00:00.120000Z"}, {"Name": "x" * 40, "Size": 1 << 40, "Price": 123456789.125, "Must": None}]})]),
        (changed(('MaxLength="10"', 'MaxLength="20"'), ('Precision="3"', 'Precision="6"'),
                 ('"Must" Type="Edm.String" Nullable="false"', '"Must" Type="Edm.String"')), [      # narrower: values stay
            step("GET Things(2)", 200, {"Name": "x" * 40, "Size": 1 << 40, "Price": 123456789.125})])],
    "gone and back": [
        (model(""), [step("GET Things(1)", 200, {"ID": 1, "Dyn": "d", "Name": ABSENT, "Must": ABSENT}), step("POST Things", 201, ..., {"ID": 3}),
                     step("DELETE Things(3)", 204, None)]),
        (SAME, STILL)],
    "gone and back as something else": [
        (model(""), []),
        (changed(('"Size" Type="Edm.Int16"', '"Size" Type="Edm.Guid"')), ConfigurationError),       # type: ignore[list-item]
        (SAME, STILL)],
    "renamed": [
        (changed(('Name="Name" Type="Edm.String" MaxLength="10"/>', 'Name="Title" Type="Edm.String" MaxLength="20">'
                  '<Annotation Term="Store.RenamedFrom" String="Name"/></Property>'), ('"Size"', '"size"')), [
            step("GET Things(1)", 200, {"Title": "one", "Name": ABSENT, "size": 5}),
            step("PATCH Things(1)", 204, None, {"Title": "two"}), step("GET Things?$filter=Title eq 'two' and size eq 5", 200, {"value": [{"ID": 1}]})])],
    "searched": [
        (SAME, [step("GET Things?$search=one", 200, {"value": [{"ID": 1}]}), step("GET Things?$search=word", 200, {"value": []})]),
        (changed(('<Property Name="Name" Type="Edm.String" MaxLength="10"/>', '<Property Name="New" Type="Edm.String" DefaultValue="word"/>')), [
            step("GET Things?$search=one", 200, {"value": []}), step("GET Things?$search=word", 200, {"value": [{"ID": 1}, {"ID": 2}]})])],
    "derived types, references, links, sets": [
        (model(types=DERIVED, more='<NavigationProperty Name="Maker" Type="ns.New"/>', sets='<EntitySet Name="News" EntityType="ns.New"/>').replace(
            "</Schema>", f'<EntityType Name="New">{KEY}<NavigationProperty Name="Things" Type="Collection(ns.Thing)"/></EntityType></Schema>'), [
            *STILL, step("GET Things?$filter=isof(ns.Big)", 200, {"value": []}),
            step("POST Things", 201, {"Wide": 1}, {"@odata.type": "#ns.Big", "ID": 3, "Must": "x", "Wide": 1}),
            step("POST News", 201, ..., {"ID": 1, "Things@odata.bind": ["Things(1)", "Things(3)"]}),
            step("PATCH Things(1)/Parts(1)", 204, None, {"Maker@odata.bind": "News(1)"}),
            step("GET News(1)?$expand=Things", 200, {"Things": [{"ID": 1, "Name": "one"}, {"ID": 3}]}),
            step("GET Things(1)/Parts(1)/Maker", 200, {"ID": 1})]),
        (SAME, ConfigurationError),         # type: ignore[list-item]
        (model(types=DERIVED), [step("DELETE Things(3)", 204, None)]),
        (SAME, [step("GET Things(1)?$expand=Parts", 200, {**FIRST, "Parts": [{"ID": 1}, {"ID": 2}]}),
                step("GET Others(1)?$expand=Thing", 200, {"Thing": {"ID": 1}})])],
    "a set is gone": [
        (SAME.replace('<EntitySet Name="Others" EntityType="ns.Other"/>', '<EntitySet Name="More" EntityType="ns.Other"/>'), [
            step("GET More", 200, {"value": []}), *STILL[:2], step("GET Others", 404)]),
        (SAME, STILL)],
    "types in another schema": [
        (model(types=DERIVED), [step("POST Things", 201, ..., {"@odata.type": "#ns.Big", "ID": 3, "Must": "x", "Wide": 1})]),
        (model(types=DERIVED.replace("Big", "Huge")), ConfigurationError),      # type: ignore[list-item]
        (model(types=DERIVED.replace("Big", "Huge").replace("</EntityType>", '<Annotation Term="Store.RenamedFrom" String="Big"/></EntityType>')), [
            step("GET Things/ns.Huge", 200, {"value": [{"ID": 3, "Wide": 1}]})]),
        (model(types=DERIVED.replace("Big", "Huge")).replace('"ns', '"ns2').replace("(ns", "(ns2"), [
            step("GET Things/ns2.Huge", 200, {"value": [{"ID": 3, "Wide": 1}]}), *STILL])],
    "another kind of owners": [
        (SAME.replace("<EntityType Name=\"Other\">" + KEY, "<EntityType Name=\"Other\">" + KEY +
                      '<NavigationProperty Name="Parts" Type="Collection(ns.Part)" ContainsTarget="true"/>'), STILL),
        (SAME.replace("</EntityContainer>", '<Singleton Name="One" Type="ns.Thing"/></EntityContainer>'), [
            *STILL, step("PUT One", 201, ..., {"ID": 1, "Must": "one", "Parts": [{"ID": 9}]}), *STILL, step("GET One/Parts", 200, {"value": [{"ID": 9}]})]),
        (SAME, ConfigurationError)],         # type: ignore[list-item]
}
REFUSED = {
    "required without a value": (model(PLAIN + '<Property Name="New" Type="Edm.String" Nullable="false"/>'), "'New' .* required now"),
    "required where some have none": (changed(('"Name" Type="Edm.String"', '"Name" Type="Edm.String" Nullable="false"')), "'Name' .* required now"),
    "another type": (changed(('"Size" Type="Edm.Int16"', '"Size" Type="Edm.String"')), "'Size' .* holds Edm.Int16"),
    "fewer digits": (changed(('Precision="3"', 'Precision="0"')), "'At' .* Precision 3"),
    "another set under a reference": (model(name="Stuff"), "'Others' .* 'Stuff'"),
    "a reference to nothing": (model(PLAIN + """<NavigationProperty Name="To" Type="ns.Thing"><ReferentialConstraint Property="Size"
        ReferencedProperty="ID"/></NavigationProperty>""").replace("Edm.Int16", "Edm.Int32"), "'Things'"),
}


def walk(opened: Callable[[str], Service], text: str, steps: list[Exchange]) -> None:
    service = opened(text)
    try:
        for each in steps:
            each.check(Client(service))
    finally:
        service.close()


@pytest.mark.parametrize("stages", CHANGES.values(), ids=CHANGES)
def test_what_is_stored_is_found_again(stages: list[tuple[str, Any]], opened: Callable[[str], Service]) -> None:
    walk(opened, SAME, START + STILL)
    for text, steps in stages:
        if steps is ConfigurationError:
            with pytest.raises(ConfigurationError):
                opened(text)
        else:
            walk(opened, text, steps)
            walk(opened, text, [])      # once is enough


def test_a_number_stays_given_whatever_its_key_is_called(opened: Callable[[str], Service]) -> None:
    walk(opened, NUMBERED, [step("POST Things", 201, {"ID": 1}, {}), step("POST Things", 201, {"ID": 2}, {}), step("DELETE Things(2)", 204)])
    walk(opened, NUMBERED.replace('"ID"', '"No"').replace("<Annotation", '<Annotation Term="Store.RenamedFrom" String="ID"/><Annotation'), [
        step("GET Things", 200, {"value": [{"No": 1}]}), step("POST Things", 201, {"No": 3}, {})])


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_kept_stops_the_start(text: str, said: str, opened: Callable[[str], Service]) -> None:
    walk(opened, SAME, START)
    with pytest.raises(ConfigurationError, match=said):
        opened(text)
    walk(opened, SAME, STILL)


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_tables_without_entities_take_any_form(text: str, said: str, opened: Callable[[str], Service]) -> None:
    walk(opened, SAME, [])
    walk(opened, text, [step("GET Others", 200, {"value": []})])


FAR = changed(('MaxLength="10"/>', 'MaxLength="40"><Annotation Term="Store.RenamedFrom" String="Name"/></Property>'), ('"Name"', '"Title"'),
              ("Int16", "Int64"), ('Precision="3"', 'Precision="6"'), ('"Must" Type="Edm.String" Nullable="false"', '"Must" Type="Edm.String"'),
              more='<NavigationProperty Name="Maker" Type="ns.Other"/>', types=DERIVED).replace('RenamedFrom" String="Title"', 'RenamedFrom" String="Name"')
ARRIVED = [
    step("GET Things(1)?$expand=Parts", 200, {"Title": "one", "Size": 5, "Must": "m", "Place": {"Street": "s"}, "Dyn": "d",
                                              "At": "2020-01-01T00:00:00.120000Z", "Parts": [{"ID": 1}, {"ID": 2}]}),
    step("GET Things(2)?$expand=Friends", 200, {"Friends": [{"ID": 1}]}),
    step("GET Others(1)?$expand=Thing", 200, {"Thing": {"ID": 1, "Title": "one"}}),
    step("PATCH Things(1)/Parts(1)", 204, None, {"Maker@odata.bind": "Others(1)"}),
]


@pytest.mark.parametrize("first", range(1, 5))
def test_a_migration_that_is_cut_off_is_carried_out_at_the_next_start(first: int, opened: Callable[[str], Service], database_url: str,
                                                                      tmp_path: Path) -> None:
    """At every eighth statement or so, each database after its own manner."""
    walk(opened, SAME, START)
    (tmp_path / "far.xml").write_text(FAR, encoding="utf-8")
    made = load(tmp_path / "far.xml")
    mapping = map_model(made)
    cut = 0
    for last in range(2 * first, 40, 8):
        store, left = connect(database_url), iter(range(last))

        def count(text: str, left: Any = left) -> None:
            if next(left, None) is None:
                raise InterruptedError(text)
        store.on_statement = count
        try:
            migrate.migrate(store, mapping, Documents(made))
        except InterruptedError:
            cut += 1
        finally:
            store.close()
    assert cut
    walk(opened, FAR, ARRIVED)

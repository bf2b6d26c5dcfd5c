"""The mapping of models to tables, columns and relations (DESIGN §4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.csdl import load
from app.store import Mapping, map_model, schema
from app.store.mapping import (Contained, Document, Flat, Inverse, Link, Reference, Scalar, Storage, StreamSlot,
                               Unbound,
                               Whole)

MODEL = """<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.01"><edmx:DataServices>
<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="m" Alias="s">{}</Schema>
</edmx:DataServices></edmx:Edmx>"""
ITEM = """<EntityType Name="{0}"><Key><PropertyRef Name="id"/></Key><Property Name="id" Type="Edm.Int32"
Nullable="false"/> {1}</EntityType>"""


def mapped(folder: Path, types: str, container: str) -> Mapping:
    """The mapping of a small model."""
    file = folder / "model.xml"
    file.write_text(MODEL.format(f'{types}<EntityContainer Name="c">{container}</EntityContainer>'))
    return map_model(load(file))


def entity(name: str, members: str = "") -> str:
    return ITEM.format(name, members)


def sets(*names: str, type: str = "") -> str:
    return "".join(f'<EntitySet Name="{name}" EntityType="m.{type or name}"/>' for name in names)


def shown(storage: Storage) -> str:
    """A storage on one line."""
    match storage:
        case Scalar(column):
            facets = ",".join(str(each) for each in (column.max_length, column.precision,
                                                     column.scale) if each is not None)
            return f"{column.name}:{column.type.removeprefix('Edm.')}({facets}){'' if column.nullable else '!'}"
        case Flat(_, members, present):
            return f"[{present.name if present else '!'}: {' '.join(map(shown, members.values()))}]"
        case Document(column, _, collection):
            return f"{column.name}:json{'*' if collection else ''}"
        case StreamSlot(name):
            return f"stream {name}"


MEMBERS = [
    # set, declaring type, property, storage
    ("Products", "Product", "ID", "ID:Int32()!"),
    ("Products", "Product", "Name", "Name:String(80)"),
    ("Products", "Product", "ReleaseDate", "ReleaseDate:DateTimeOffset(3)"),
    ("Products", "Product", "UnitPrice", "UnitPrice:Decimal(10,4)!"),
    ("Products", "Product", "Weight", "Weight:Decimal(9,3)"),
    ("Products", "Product", "Features", "Features:Int64()!"),
    ("Products", "Product", "Dimensions",
     "[Dimensions_present: Dimensions_Width:Decimal(8,2) Dimensions_Height:Decimal(8,2)"
     " Dimensions_Depth:Decimal(8,2)]"),
]


@pytest.mark.parametrize(("id", "owner", "name", "expected"), MEMBERS)
def test_members(northwind: Mapping, id: str, owner: str, name: str, expected: str) -> None:
    assert shown(northwind.table(id).members[f"Northwind.Model.{owner}", name]) == expected


RELATIONS = [
    ("Products", "Product", "Category", Reference), ("Categories", "Category", "Products", Inverse),
    ("Products", "Product", "Tags", Link), ("Tags", "Tag", "Products", Link)]


@pytest.mark.parametrize(("id", "owner", "name", "kind"), RELATIONS)
def test_relations(northwind: Mapping, id: str, owner: str, name: str, kind: type) -> None:
    assert isinstance(northwind.relation(id, f"Northwind.Model.{owner}", name), kind)


def test_both_ends_of_a_link_are_one_table(northwind: Mapping) -> None:
    there = northwind.relation("Products", "Northwind.Model.Product", "Tags")
    back = northwind.relation("Tags", "Northwind.Model.Tag", "Products")
    assert isinstance(there, Link) and isinstance(back, Link)
    assert there.table == back.table and (there.own, there.other) == (back.other, back.own)


@pytest.mark.parametrize("fixture", ["northwind", "all_types", "industry"])
def test_definitions_of_one_name_are_equal_and_names_differ(fixture: str, request: pytest.FixtureRequest) -> None:
    mapping: Mapping = request.getfixturevalue(fixture)
    found: dict[str, schema.Definition] = {}
    for id in mapping.sources():
        for definition in schema.definitions(mapping, id):
            folded = [column.name.casefold() for column in definition.columns]
            assert len(set(folded)) == len(folded)
            assert found.setdefault(definition.name.casefold(), definition) == definition


def test_whole_sets_and_containment(industry: Mapping) -> None:
    hub = "microsoft.graph.industryData.industryDataHub"
    kinds = {name: type(industry.relation("industryData", hub, name)) for name in industry.model.navigations(hub)}
    assert kinds["directoryMatchingProcess"] is Contained and Whole in kinds.values()


# --- names -----------------------------------------------------------------------------------------------

def test_tables_whose_names_differ_in_case_only(tmp_path: Path) -> None:
    mapping = mapped(tmp_path, entity("A"), sets("runs", "Runs", "other", type="A"))
    names = [mapping.table(id).name for id in mapping.sources()]
    assert len({name.casefold() for name in names}) == 3 and names[2] == "other"


@pytest.mark.parametrize("name", ["odata_meta", "SQLITE_x", "pg_class", "a_b_link"])
def test_names_that_are_not_for_models(tmp_path: Path, name: str) -> None:
    found = mapped(tmp_path, entity("A"), sets(name, type="A")).table(name).name
    assert found.casefold() != name.casefold() and not found.casefold().startswith(("odata_", "sqlite_", "pg_"))


def test_a_contained_table_beside_a_set_of_its_name(tmp_path: Path) -> None:
    nav = '<NavigationProperty Name="B" Type="Collection(m.B)" ContainsTarget="true"/>'
    mapping = mapped(tmp_path, entity("A", nav) + entity("B"), sets("A") + sets("A_B", type="B"))
    assert len({mapping.table(id).name for id in mapping.sources()}) == 3


def test_columns_whose_names_clash(tmp_path: Path) -> None:
    members = "".join(f'<Property Name="{name}" Type="Edm.String"/>' for name in ("Name", "NAME", "xmin", "_id",
                                                                                  "select"))
    inner = '<ComplexType Name="C"><Property Name="b" Type="Edm.Int32"/></ComplexType>'
    members += '<Property Name="a" Type="m.C"/><Property Name="a_b" Type="Edm.Int32"/>'
    derived = '<EntityType Name="D" BaseType="m.A"><Property Name="extra" Type="Edm.Int32"/></EntityType>'
    derived += '<EntityType Name="E" BaseType="m.A"><Property Name="extra" Type="Edm.String"/></EntityType>'
    mapping = mapped(tmp_path, inner + entity("A", members) + derived, sets("A"))
    table = mapping.table("A")
    names = [column.name for column in table.columns]
    assert len({name.casefold() for name in names}) == len(names)
    assert {"Name", "A$NAME", "A$xmin", "_id", "__id", "select", "a_b", "A$a_b", "extra", "E$extra"} <= set(names)
    assert table.row_id.name == "__id" and table.discriminator is not None


def test_long_names_are_cut(tmp_path: Path) -> None:
    mapping = mapped(tmp_path, entity("A" * 100, f'<Property Name="{"p" * 128}" Type="Edm.String"/>'),
                     sets("S" * 100, type="A" * 100))
    table = mapping.table("S" * 100)
    assert all(len(name.encode()) <= 60 for name in (table.name, *(column.name for column in table.columns)))


def test_navigation_of_one_name_in_two_derived_types(tmp_path: Path) -> None:
    nav = '<NavigationProperty Name="parts" Type="Collection(m.{})"/>'
    derived = "".join(f'<EntityType Name="{name}" BaseType="m.A">{nav.format(target)}</EntityType>'
                      for name, target in (("D", "P"), ("E", "Q")))
    mapping = mapped(tmp_path, entity("A") + derived + entity("P") + entity("Q"), sets("A", "P", "Q"))
    first, second = mapping.relation("A", "m.D", "parts"), mapping.relation("A", "m.E", "parts")
    assert isinstance(first, Link) and isinstance(second, Link) and first.table != second.table


# --- keys and references ---------------------------------------------------------------------------------

def test_keys_are_required_and_bounded(tmp_path: Path) -> None:
    key = '<EntityType Name="A"><Key><PropertyRef Name="id"/></Key><Property Name="id" Type="Edm.String"/></EntityType>'
    refers = """<Property Name="aId" Type="Edm.String"/><NavigationProperty Name="a" Type="m.A">
    <ReferentialConstraint Property="aId" ReferencedProperty="id"/></NavigationProperty>"""
    mapping = mapped(tmp_path, key + entity("B", refers), sets("A", "B"))
    column = mapping.table("A").key[0][1]
    assert (column.nullable, column.max_length) == (False, 255)
    found = mapping.relation("B", "m.B", "a")
    assert isinstance(found, Reference) and [each.max_length for each in found.own] == [255]


def test_a_contained_entity_refers_to_its_owner(tmp_path: Path) -> None:
    nav = '<NavigationProperty Name="lines" Type="Collection(m.Line)" ContainsTarget="true" Partner="order"/>'
    back = '<NavigationProperty Name="order" Type="m.Order" Nullable="false" Partner="lines"/>'
    mapping = mapped(tmp_path, entity("Order", nav) + entity("Line", back), sets("Order"))
    table = mapping.table("m.Order/lines")
    found = mapping.relation("m.Order/lines", "m.Line", "order")
    assert table.owner is not None and not table.references
    assert found == Reference("Order", (table.owner.column,), (mapping.table("Order").row_id,), False)


def test_owners_of_two_kinds(tmp_path: Path) -> None:
    nav = '<NavigationProperty Name="lines" Type="Collection(m.Line)" ContainsTarget="true"/>'
    mapping = mapped(tmp_path, entity("Order", nav) + entity("Line"), sets("Orders", "Drafts", type="Order"))
    owner = mapping.table("m.Order/lines").owner
    assert owner is not None and owner.tables == ("Orders", "Drafts") and owner.source is not None
    assert not mapping.table("m.Order/lines").indexes[0].columns[0][0] == owner.column.name


BINDINGS = [
    ("B", "B"), ("m.c/B", "B"), ("One/inner", "m.One/inner"), ("Nowhere", None)]


@pytest.mark.parametrize(("target", "expected"), BINDINGS)
def test_targets_of_bindings(tmp_path: Path, target: str, expected: str | None) -> None:
    """CSDL §13.4.1: a set, a set with its container, a containment path."""
    inner = '<NavigationProperty Name="inner" Type="Collection(m.B)" ContainsTarget="true"/>'
    nav = '<NavigationProperty Name="b" Type="m.B"/>'
    container = f"""<EntitySet Name="A" EntityType="m.A"><NavigationPropertyBinding Path="b"
    Target="{target}"/></EntitySet> <Singleton Name="One" Type="m.One"/>""" + sets("B") + sets("B2", type="B")
    mapping = mapped(tmp_path, entity("A", nav) + entity("B") + entity("One", inner), container)
    found = mapping.relation("A", "m.A", "b")
    assert isinstance(found, Unbound) if expected is None else isinstance(found, Reference) and found.target == expected


ON_DELETE = [("", "true", "SET NULL"), ("", "false", "NO ACTION"), ("Cascade", "true", "CASCADE"),
             ("SetNull", "true", "SET NULL"),
             ("None", "true", "NO ACTION"), ("SetDefault", "true", "NO ACTION")]


@pytest.mark.parametrize(("action", "nullable", "expected"), ON_DELETE)
def test_on_delete(tmp_path: Path, action: str, nullable: str, expected: str) -> None:
    said = f'<OnDelete Action="{action}"/>' if action else ""
    nav = f'<NavigationProperty Name="bs" Type="Collection(m.B)" Partner="a">{said}</NavigationProperty>'
    back = f'<NavigationProperty Name="a" Type="m.A" Nullable="{nullable}" Partner="bs"/>'
    mapping = mapped(tmp_path, entity("A", nav) + entity("B", back), sets("A", "B"))
    assert [key.on_delete for key in schema.definitions(mapping, "B")[0].foreign_keys] == [expected]

"""Content: what the columns of a table mean, as a store remembers it beside their form, to be compared with what a later
model means by them: members and where they are, relations and where their links are, the types that both are made of.

`describe` writes it, `Content.read` reads it; `Shapes.adapted` brings a JSON value of the types that were into those that
are. Raises ConfigurationError where that would invent, change or lose something. No database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from typing import Any, TypeVar

from app.edm import types
from app.edm.index import Model
from app.edm.model import Property, TypeRef
from app.errors import ConfigurationError
from app.store.mapping import Contained, Document, Flat, Inverse, Link, Mapping, Reference, Scalar, Storage, Table

TYPE = "@odata.type"

Place = list[Any]       # where the links of a navigation property are: ['link', table, …], ['reference', …] …


@dataclass(frozen=True, slots=True)
class Member:
    """A structural property: `storage` is ['scalar', column, type], ['flat', column that tells null or None, {name:
    storage}], ['document', column] or ['stream', name]."""

    declaring: str
    name: str
    type: str
    collection: bool
    nullable: bool
    storage: list[Any]


@dataclass(frozen=True, slots=True)
class Relation:
    """A navigation property and the place of its links."""

    declaring: str
    name: str
    collection: bool
    nullable: bool
    place: Place


Found = TypeVar("Found", Member, Relation)


@dataclass(frozen=True, slots=True)
class Content:
    """All of a table."""

    type: str
    row: str
    discriminator: str | None
    members: tuple[Member, ...]
    relations: tuple[Relation, ...]
    types: MappingType[str, dict[str, Any]]

    @classmethod
    def read(cls, text: str) -> Content | None:
        """The content of what `describe` wrote; None of another text."""
        if not text.startswith("{"):
            return None
        found = json.loads(text)
        return cls(found["type"], found["row"], found["discriminator"], tuple(Member(*each) for each in found["members"]),
                   tuple(Relation(*each) for each in found["relations"]), found["types"])

    def member(self, declaring: str, *names: str | None) -> Member | None:
        """The property of one of these names that a type had: of the type called so, else the only one."""
        return _one([each for each in self.members if each.name in names], declaring)

    def relation(self, declaring: str, *names: str | None) -> Relation | None:
        """The navigation property of one of these names that a type had."""
        return _one([each for each in self.relations if each.name in names], declaring)


def _one(found: list[Found], declaring: str) -> Found | None:
    same = [each for each in found if simple(each.declaring) == simple(declaring)] or found
    return same[0] if len(same) == 1 else None


def simple(name: str) -> str:
    """A qualified name without its namespace."""
    return name.rpartition(".")[2]


# --- writing ---------------------------------------------------------------------------------------------

def describe(mapping: Mapping, id: str) -> str:
    """The content of the table of a mapping id as one line of JSON."""
    table, model = mapping.table(id), mapping.model
    found: dict[str, dict[str, Any]] = {}
    members = []
    for (declaring, name), storage in table.members.items():
        ref = model.underlying(model.properties(declaring)[name].type)
        _types(model, ref.name, found)
        members.append([declaring, name, ref.name, ref.collection, ref.nullable is not False, _storage(storage)])
    relations = [[owner, each.name, each.collection, each.nullable is not False, place(mapping, table, owner, each.name)]
                 for owner, each in mapping.navigations(id)]
    return json.dumps({"type": table.type, "row": table.row_id.name, "members": members,
                       "discriminator": table.discriminator.name if table.discriminator else None,
                       "relations": relations, "types": found,
                       "concrete": table.concrete}, separators=(",", ":"))


def _storage(storage: Storage) -> list[Any]:
    match storage:
        case Scalar(column):
            return ["scalar", column.name, column.edm]
        case Flat(_, members, present):
            return ["flat", present.name if present else None, {name: _storage(each) for name, each in members.items()}]
        case Document(column, _, _):
            return ["document", column.name]
    return ["stream", storage.name]


def place(mapping: Mapping, table: Table, owner: str, name: str) -> Place:
    """Where the links of a navigation property are."""
    relation = mapping.relation(table.id, owner, name)
    match relation:
        case Reference() | Inverse():
            target = mapping.table(relation.target)
            kind = "reference" if isinstance(relation, Reference) else "inverse"
            return [kind, [each.name for each in relation.own], target.name, [each.name for each in relation.other],
                    target.row_id.name]
        case Link():
            return ["link", relation.table, relation.own.name, relation.other.name, mapping.table_name(relation.target)]
        case Contained():
            target = mapping.table(relation.target)
            assert target.owner is not None
            source = target.owner.source
            return ["contained", target.name, target.row_id.name, target.owner.column.name, source.name if source else None]
    return []


def _types(model: Model, name: str, found: dict[str, dict[str, Any]]) -> None:
    """What a type is made of, and the types below it."""
    if name in found:
        return
    if (kind := model.enum_type(name)) is not None:
        found[name] = {"values": {each.name: each.value for each in kind.members}, "flags": kind.flags}
    elif (structure := model.complex_type(name)) is not None:
        members = {each.name: model.underlying(each.type) for each in model.properties(name).values()}
        found[name] = {"open": model.is_open(name), "abstract": structure.abstract, "members": {
            each: [ref.name, ref.collection, ref.nullable is not False] for each, ref in members.items()}}
        for below in (*(ref.name for ref in members.values()), *model.derived(name)):
            _types(model, below, found)


# --- values of enumerations ------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Members:
    """The members of an enumeration, before or now."""

    type: str
    values: MappingType[str, int]
    flags: bool

    @classmethod
    def before(cls, name: str, kinds: MappingType[str, dict[str, Any]]) -> Members | None:
        """Of an enumeration of former content."""
        found = kinds.get(name, {})
        return cls(name, found["values"], found["flags"]) if "values" in found else None

    @classmethod
    def now(cls, model: Model, name: str) -> Members | None:
        """Of an enumeration of the model."""
        kind = model.enum_type(name)
        return None if kind is None else cls(name, {each.name: each.value for each in kind.members}, kind.flags)

    def spelt(self, number: int) -> list[str] | None:
        """The members that make a number, or None."""
        for name, value in self.values.items():
            if value == number:
                return [name]
        bits = [name for name, value in self.values.items() if self.flags and value > 0 and number & value == value]
        union = 0
        for name in bits:
            union |= self.values[name]
        return bits if bits and union == number else None

    def lost(self, number: int, new: Members) -> str | None:
        """The member of a stored number that the enumeration of today has not, or with another value. One that has another
        name and the same value is renamed."""
        names = self.spelt(number)
        if names is None:
            return None         # of no member before
        if len(names) > 1 and not new.flags:
            return ",".join(names)
        renamed = simple(self.type) == simple(new.type)
        for name in names:
            value = self.values[name]
            if new.values.get(name, value if renamed and value in new.values.values() else None) != value:
                return name
        return None


# --- documents -------------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Shapes:
    """The types that were (`old`) and the model that is; `default` gives the canonical value of DefaultValue."""

    old: MappingType[str, dict[str, Any]]
    model: Model
    defaults: Callable[[Property], Any]
    renames: Callable[[str, Property], str | None]

    def same(self, name: str, new: str) -> bool:
        """Whether values of a type can stay as they are."""
        found: dict[str, dict[str, Any]] = {}
        _types(self.model, new, found)
        return name == new and all(self.old.get(each) == found[each] for each in found)

    def adapted(self, value: Any, was: tuple[str, bool, bool], ref: TypeRef, path: str) -> Any:
        """A value of a document in the form of the type of today."""
        ref = self.model.underlying(ref)
        if value is None:
            if ref.nullable is False and was[2] and not ref.collection:
                raise ConfigurationError(f"'{path}' is required now and is null in entities that are stored")
            return [] if ref.collection else None
        if isinstance(value, list) != ref.collection:
            raise ConfigurationError(f"'{path}' holds {'a collection' if isinstance(value, list) else 'one value'} and the model "
                                     "wants the other: give the property another name, or take its values out first")
        if isinstance(value, list):
            return [None if each is None else self._item(each, was[0], ref.name, path) for each in value]
        return self._item(value, was[0], ref.name, path)

    def _item(self, value: Any, was: str, name: str, path: str) -> Any:
        kind = self.model.kind(name)
        if kind == "complex" and isinstance(value, dict):
            return self._object(value, was, name, path)
        if kind == "enum" and was in self.old and isinstance(value, str):
            return self._enum(value, was, name, path)
        if was == name or name in ("Edm.Untyped", "Edm.PrimitiveType", "Edm.ComplexType") or not self.differs(value, was, name):
            return value
        raise ConfigurationError(f"'{path}' holds {was} and the model wants {name}: give the property another name, or take its "
                                 "values out first")

    @staticmethod
    def differs(value: Any, was: str, name: str) -> bool:
        """Whether a primitive value of a type is none of another one."""
        if was in types.INTEGERS and name in types.INTEGERS:
            low, high = types.INTEGER_RANGES[name]
            return not isinstance(value, int) or not low <= value <= high
        return (was, name) != ("Edm.Single", "Edm.Double")

    def _enum(self, value: str, was: str, name: str, path: str) -> str:
        old, new = Members.before(was, self.old), Members.now(self.model, name)
        if old is None or new is None or old.values == new.values:
            return value
        made = []
        for part in value.split(","):
            number = old.values.get(part)
            if number is not None and old.lost(number, new):
                raise ConfigurationError(f"'{path}' holds the member '{part}' of {was}, which {name} does not have with this "
                                         "value: keep the member, or take its values out first")
            made.append(part if number is None or part in new.values else "".join(new.spelt(number) or [part]))
        return ",".join(made)

    def _object(self, value: dict[str, Any], was: str, declared: str, path: str) -> dict[str, Any]:
        given = value.get(TYPE)
        old_type, new_type = was, declared
        if isinstance(given, str):
            old_type = given.removeprefix("#")
            family = (declared, *self.model.derived(declared))
            new_type = next((each for each in family if each == old_type), None) or next(
                (each for each in family if simple(each) == simple(old_type)), "")
            if not new_type:
                raise ConfigurationError(f"'{path}' holds a value of the type {old_type}, which the model does not have")
        kind = self.model.complex_type(new_type)
        if kind is not None and kind.abstract:
            raise ConfigurationError(f"'{path}' holds a value of the type {old_type}, which is abstract now")
        before = self.old.get(old_type, {}).get("members", {})
        made: dict[str, Any] = {TYPE: "#" + new_type} if given is not None else {}
        taken = {TYPE}
        for name, member in self.model.properties(new_type).items():
            if member.type.name == "Edm.Stream":
                continue
            former = name if name in before else self.renames(new_type, member) or name
            made[name] = self._member(value, former, member, before, f"{path}/{name}")
            taken |= {name, former}
        for name, item in value.items():
            if name not in taken:
                if name in before and item not in (None, []) and not self.model.is_open(new_type):
                    raise ConfigurationError(f"'{path}/{name}' holds values and the model has it no more: keep it, or take its "
                                             "values out first")
                if name not in before or item not in (None, []):
                    made[name] = item
        return made

    def _member(self, value: dict[str, Any], name: str, member: Property, before: MappingType[str, Any], path: str) -> Any:
        ref = self.model.underlying(member.type)
        was = tuple(before[name]) if name in before else (ref.name, ref.collection, True)
        if name in value and (value[name] is not None or name in before):
            return self.adapted(value[name], was, ref, path)
        if ref.collection:
            return []
        found = self.defaults(member)
        if found is None and ref.nullable is False:
            raise ConfigurationError(f"'{path}' is required now and entities that are stored have no value for it: give it a "
                                     "DefaultValue, or let it be null")
        return found


def scalars(storage: list[Any]) -> Iterator[str]:
    """The columns of a member."""
    match storage:
        case ["scalar", column, _] | ["document", column]:
            yield column
        case ["flat", present, members]:
            if present is not None:
                yield present
            for each in members.values():
                yield from scalars(each)

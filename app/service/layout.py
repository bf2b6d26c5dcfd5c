"""Layout: how the entities of one concrete type lie in the columns of their table.

Values here are canonical, with enumerations as member names (what rules and operations see); columns hold integers.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.edm import vocabularies
from app.edm.index import Model
from app.edm.model import EnumType, NavigationProperty, Property
from app.payload.stored import Documents
from app.payload.values import EnumNames
from app.plan.changes import BIND, TYPE
from app.store.mapping import (Column, Document, DocumentLink, Flat, Mapping, Relation, Scalar, Storage, StreamSlot,
                               Table)


@dataclass(frozen=True, slots=True)
class Place:
    """A property and where it is kept."""

    property: Property
    owner: str
    storage: Storage


class Enums:
    """Member names ⇄ numbers of the enumerations of a model, for single values and whole trees."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._names: dict[str, EnumNames] = {}
        self._inside: dict[str, bool] = {}

    def names(self, kind: EnumType) -> EnumNames:
        found = self._names.get(kind.name)
        if found is None:
            found = self._names[kind.name] = EnumNames(kind)
        return found

    def number(self, kind: EnumType, text: Any) -> Any:
        """The number of member names."""
        if not isinstance(text, str):
            return text
        values = {member.name: member.value for member in kind.members}
        total = 0
        for part in text.split(","):
            total |= values[part.strip()] if part.strip() in values else int(part)
        return total

    def named(self, value: Any, type: str) -> Any:
        """A canonical value with names for the numbers of enumerations; dicts are new ones."""
        if value is None or not self.inside(type):
            return value
        if isinstance(value, list):
            return [self.named(item, type) for item in value]
        kind = self.model.enum_type(type)
        if kind is not None:
            return self.names(kind)[value] if isinstance(value, int) else value
        if not isinstance(value, MappingType):
            return value
        given = value.get(TYPE)
        actual = self.model.full(given.removeprefix("#")) if isinstance(given, str) else type
        members = self.model.properties(actual) if self.model.structured(actual) else {}
        return {name: self.named(item, self.model.underlying(members[name].type).name) if name in members else item
                for name, item in value.items()}

    def inside(self, type: str, above: tuple[str, ...] = ()) -> bool:
        """Whether values of the type can hold a member of an enumeration."""
        found = self._inside.get(type)
        if found is None:
            kind = self.model.kind(type)
            found = kind == "enum" or kind == "complex" and type not in above and any(
                self.inside(self.model.underlying(member.type).name, (*above, type))
                for each in (type, *self.model.derived(type)) for member in self.model.properties(each).values())
            if not above:
                self._inside[type] = found
        return found


class Layout:
    """The members of a concrete type and their columns."""

    def __init__(self, mapping: Mapping, id: str, type: str, documents: Documents, enums: Enums) -> None:
        self.mapping, self.model, self.id, self.type = mapping, mapping.model, id, type
        self.table: Table = mapping.table(id)
        self.documents, self.enums = documents, enums
        model = self.model
        self.places: dict[str, Place] = {}
        for name, member in model.properties(type).items():
            owner = model.declaring(type, name) or type
            storage = self.table.members[owner, name]
            if not vocabularies.shows_etag(model, owner, member):
                self.places[name] = Place(member, owner, storage)
        self.etag_names = frozenset(model.properties(type)) - frozenset(self.places)
        self.navigations: dict[str, NavigationProperty] = model.navigations(type)
        self.open = model.is_open(type)
        self.has_stream = model.has_stream(type)

    # --- questions ---------------------------------------------------------------------------------------

    @cached_property
    def key_paths(self) -> tuple[tuple[str, str], ...]:
        """(name in key predicates, property path) of the key."""
        return tuple((part.name, part.path) for part in self.model.key(self.type))

    @cached_property
    def streams(self) -> tuple[str, ...]:
        """The stream properties; '$value' for a media entity."""
        own = tuple(name for name, place in self.places.items() if isinstance(place.storage, StreamSlot))
        return (*own, "$value") if self.has_stream else own

    @cached_property
    def links(self) -> tuple[DocumentLink, ...]:
        """The document links of this type's own properties."""
        return tuple(link for link in self.mapping.document_links(self.id)
                     if link.path.partition("/")[0] in self.places)

    @cached_property
    def of_column(self) -> dict[str, str]:
        """Column name → property in it."""
        return {column.name: name for name, place in self.places.items() for column in _columns(place.storage)}

    def relation(self, name: str) -> Relation:
        """How a navigation property of the type is followed."""
        return self.mapping.relation(self.id, self.type, name)

    def computed(self, name: str) -> bool:
        place = self.places[name]
        return vocabularies.computed(self.model, place.owner, place.property)

    # --- columns → values --------------------------------------------------------------------------------

    def value(self, name: str, row: MappingType[str, Any]) -> Any:
        """The value of a property in a row (column name → canonical value)."""
        place = self.places[name]
        return self._read(place.storage, row)

    def _read(self, storage: Storage, row: MappingType[str, Any]) -> Any:
        match storage:
            case Scalar(column):
                value = row[column.name]
                if column.edm == column.type or value is None:
                    return value
                kind = self.model.enum_type(column.edm)
                return value if kind is None else self.enums.names(kind)[value]
            case Document(column, type, collection):
                return self.documents.decode(row[column.name], type, collection)
            case Flat(_, members, present):
                if present is not None and not row[present.name]:
                    return None
                return {name: self._read(inner, row) for name, inner in members.items()}
        return None

    # --- values → columns --------------------------------------------------------------------------------

    def columns(self, name: str, value: Any) -> list[tuple[Column, Any]]:
        """The columns of a property for a value."""
        found: list[tuple[Column, Any]] = []
        self._write(self.places[name].storage, value, found)
        return found

    def _write(self, storage: Storage, value: Any, found: list[tuple[Column, Any]]) -> None:
        match storage:
            case Scalar(column):
                if column.edm != column.type and value is not None:
                    kind = self.model.enum_type(column.edm)
                    value = value if kind is None else self.enums.number(kind, value)
                found.append((column, value))
            case Document(column, type, _):
                found.append((column, self.documents.encode(value, type)))
            case Flat(_, members, present):
                if present is not None:
                    found.append((present, value is not None))
                for name, inner in members.items():
                    self._write(inner, None if value is None else value.get(name), found)


def _columns(storage: Storage) -> list[Column]:
    match storage:
        case Scalar(column) | Document(column, _, _):
            return [column]
        case Flat(_, members, present):
            below = [column for inner in members.values() for column in _columns(inner)]
            return [present, *below] if present is not None else below
    return []


def strip_binds(value: Any) -> Any:
    """A complex value without the links that its body held."""
    if isinstance(value, MappingType):
        return {name: strip_binds(item) for name, item in value.items() if not name.endswith(BIND)}
    return [strip_binds(item) for item in value] if isinstance(value, list) else value

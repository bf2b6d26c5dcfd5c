"""Layout: how the entities of one concrete type lie in the columns of their table.

Values here are canonical, with enumerations as member names (what rules and operations see); columns hold integers.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.edm import types, vocabularies
from app.edm.index import Model
from app.edm.model import EnumType, NavigationProperty, Property
from app.payload.schemas import Schemas
from app.payload.stored import Documents
from app.payload.values import EnumNames
from app.plan.changes import TYPE
from app.store.mapping import (Column, Document, DocumentLink, Flat, Mapping, Reference, Relation, Scalar, Storage,
                               StreamSlot, Table)

Read = Callable[[MappingType[str, Any]], Any]
Write = Callable[[Any, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Place:
    """A property, where it is kept, and the name and kind of its underlying type."""

    property: Property
    owner: str
    storage: Storage
    type: str
    kind: str


def new_key(max_length: int | str | None) -> str:
    """A key of random text: a UUID, or as much of its digits as `max_length` characters hold."""
    text = uuid.uuid4()
    return str(text) if not isinstance(max_length, int) or max_length >= 36 else text.hex[:max_length]


@dataclass(frozen=True, slots=True)
class Gap:
    """A member that needs a value where nobody gave one: its default, an empty collection, or what the service finds."""

    name: str
    place: Place
    default: Callable[[], Any] | None
    required: bool


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

    def __init__(self, mapping: Mapping, id: str, type: str, documents: Documents, enums: Enums, schemas: Schemas) -> None:
        self.mapping, self.model, self.id, self.type = mapping, mapping.model, id, type
        self.table: Table = mapping.table(id)
        self.documents, self.enums, self.schemas = documents, enums, schemas
        model = self.model
        self.places: dict[str, Place] = {}
        for name, member in model.properties(type).items():
            owner = model.declaring(type, name) or type
            if not vocabularies.shows_etag(model, owner, member):
                underlying = model.underlying(member.type).name
                self.places[name] = Place(member, owner, self.table.members[owner, name], underlying, model.kind(underlying))
        self.etag_names = frozenset(model.properties(type)) - frozenset(self.places)
        self.navigations: dict[str, NavigationProperty] = model.navigations(type)
        self.open = model.is_open(type)
        self.has_stream = model.has_stream(type)
        self._relations: dict[str, Relation] = {}
        self._tied: dict[str, tuple[tuple[str, str], ...]] = {}
        self._readers: dict[str, Read] = {name: self._reader(place.storage) for name, place in self.places.items()}
        self._writers: dict[str, Write] = {name: self._writer(place.storage) for name, place in self.places.items()}

    # --- questions ---------------------------------------------------------------------------------------

    @cached_property
    def key_paths(self) -> tuple[tuple[str, str], ...]:
        """(name in key predicates, property path) of the key."""
        return tuple((part.name, part.path) for part in self.model.key(self.type))

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """The columns of the key that hold numbers which the service makes."""
        made = [path for _, path in self.key_paths if path in self.places and self.places[path].type in types.INTEGERS
                and (self.has_stream or self.computed(path))]
        return tuple(column for path in made for column in self.columns(path, None))

    @cached_property
    def streams(self) -> tuple[str, ...]:
        """The stream properties; '$value' for a media entity."""
        own = tuple(name for name, place in self.places.items() if isinstance(place.storage, StreamSlot))
        return (*own, "$value") if self.has_stream else own

    @cached_property
    def structured(self) -> frozenset[str]:
        """The properties whose values are not simply stored as they are: of complex types and of enumerations."""
        return frozenset(name for name, place in self.places.items() if place.kind in ("complex", "enum"))

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Every column of the table."""
        return tuple(column.name for column in self.table.columns)

    @cached_property
    def links(self) -> tuple[DocumentLink, ...]:
        """The document links of this type's own properties."""
        return tuple(link for link in self.mapping.document_links(self.id)
                     if link.path.partition("/")[0] in self.places)

    @cached_property
    def of_column(self) -> dict[str, str]:
        """Column name → property in it."""
        return {column.name: name for name, place in self.places.items() for column in _columns(place.storage)}

    @cached_property
    def loose(self) -> dict[str, tuple[tuple[str, ...], str | None]]:
        """The columns of documents that may hold dynamic properties: where they are in the entity, and their type."""
        found: dict[str, tuple[tuple[str, ...], str | None]] = {}
        if self.table.dynamic is not None:
            found[self.table.dynamic.name] = (), None
        for name, place in self.places.items():
            found.update(_loose(self.model, (name,), place.storage))
        return found

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """The members that cannot simply be null where nobody gave them a value."""
        found = []
        for name, place in self.places.items():
            default, required = self.schemas.default(place.property), not self.schemas.nullable(place.property)
            if not isinstance(place.storage, StreamSlot) and (default is not None or required):
                found.append(Gap(name, place, default, required))
        return tuple(found)

    @cached_property
    def ties(self) -> tuple[tuple[str, ...], ...]:
        """The columns that hold each reference to another entity, the owner of a contained one among them."""
        relations = (self.relation(name) for name in self.navigations)
        found = [tuple(column.name for column in relation.own) for relation in relations if isinstance(relation, Reference)]
        if self.table.owner is not None:
            source = self.table.owner.source
            found.append((self.table.owner.column.name, *([source.name] if source is not None else [])))
        return tuple(dict.fromkeys(found))

    @cached_property
    def required_links(self) -> tuple[tuple[str, Reference], ...]:
        """The references that have to lead somewhere."""
        found = ((name, self.relation(name)) for name, navigation in self.navigations.items()
                 if not navigation.collection and navigation.nullable is False and not navigation.contains_target)
        return tuple((name, relation) for name, relation in found if isinstance(relation, Reference))

    @cached_property
    def way_back(self) -> frozenset[str]:
        """The navigation properties of contained entities that lead to their owner: nobody has to bind them."""
        return self.mapping.way_back(self.id) & self.navigations.keys()

    def relation(self, name: str) -> Relation:
        """How a navigation property of the type is followed."""
        found = self._relations.get(name)
        if found is None:
            found = self._relations[name] = self.mapping.relation(self.id, self.type, name)
        return found

    def tied(self, name: str) -> tuple[tuple[str, str], ...]:
        """(property, column of the target) of referential constraints that do not make up the reference, as they name a part
        of the target's key: a link gives the properties their values all the same (CSDL XML 8.5)."""
        if name not in self._tied:
            relation, navigation = self.relation(name), self.navigations[name]
            found: list[tuple[str, str]] = []
            if isinstance(relation, Reference):
                for each in navigation.constraints:
                    place = self.places.get(each.property)
                    own = place.storage.column if place is not None and isinstance(place.storage, Scalar) else None
                    other = self.mapping.column(relation.target, navigation.type, each.referenced)
                    if own is not None and own not in relation.own and other is not None:
                        found.append((each.property, other.name))
            self._tied[name] = tuple(found)
        return self._tied[name]

    def computed(self, name: str) -> bool:
        """Whether the service makes the value of a property."""
        place = self.places[name]
        return vocabularies.computed(self.model, place.owner, place.property)

    # --- columns → values --------------------------------------------------------------------------------

    def value(self, name: str, row: MappingType[str, Any]) -> Any:
        """The value of a property in a row (column name → canonical value)."""
        return self._readers[name](row)

    def _reader(self, storage: Storage) -> Read:
        match storage:
            case Scalar(column):
                name, kind = column.name, self.model.enum_type(column.edm)
                if kind is None:
                    return lambda row: row[name]
                names = self.enums.names(kind)
                return lambda row: names[row[name]]
            case Document(column, type, collection, _):
                name, decode = column.name, self.documents.decode
                return lambda row: decode(row[name], type, collection)
            case Flat(_, members, present):
                inner = {name: self._reader(each) for name, each in members.items()}
                if present is None:
                    return lambda row: {name: read(row) for name, read in inner.items()}
                there = present.name
                return lambda row: {name: read(row) for name, read in inner.items()} if row[there] else None
        return lambda row: None

    # --- values → columns --------------------------------------------------------------------------------

    def store(self, name: str, value: Any, columns: dict[str, Any]) -> None:
        """Put the value of a property into columns (name → canonical value)."""
        self._writers[name](value, columns)

    def store_all(self, values: MappingType[str, Any]) -> dict[str, Any]:
        """The columns of all properties; null where there is no value."""
        columns: dict[str, Any] = {}
        for name, write in self._writers.items():
            write(values.get(name), columns)
        return columns

    def writer(self, name: str) -> Write:
        """What puts the value of a property into columns."""
        return self._writers[name]

    def columns(self, name: str, value: Any) -> dict[str, Any]:
        """The columns of a property for a value."""
        found: dict[str, Any] = {}
        self._writers[name](value, found)
        return found

    def _writer(self, storage: Storage) -> Write:
        match storage:
            case Scalar(column):
                return self._scalar_writer(column)
            case Document(column, type, _, copies):
                name, encode = column.name, self.documents.encode
                copied = [(path.split("/"), self._writer(each)) for path, each in copies]

                def document(value: Any, columns: dict[str, Any]) -> None:
                    columns[name] = encode(value, type)
                    for path, write in copied:
                        item = value
                        for step in path:
                            item = item.get(step) if isinstance(item, MappingType) else None
                        write(item, columns)
                return document
            case Flat(_, members, present):
                inner = [(name, self._writer(each)) for name, each in members.items()]

                def flat(value: Any, columns: dict[str, Any]) -> None:
                    if present is not None:
                        columns[present.name] = value is not None
                    for name, write in inner:
                        write(None if value is None else value.get(name), columns)
                return flat
        return lambda value, columns: None

    def _scalar_writer(self, column: Column) -> Write:
        name, kind = column.name, self.model.enum_type(column.edm)

        def plain(value: Any, columns: dict[str, Any]) -> None:
            columns[name] = value

        def enum(value: Any, columns: dict[str, Any]) -> None:
            columns[name] = None if value is None or kind is None else self.enums.number(kind, value)
        return plain if kind is None else enum


def _columns(storage: Storage) -> list[Column]:
    match storage:
        case Scalar(column):
            return [column]
        case Document(column, _, _, copies):
            return [column, *(each.column for _, each in copies)]
        case Flat(_, members, present):
            below = [column for inner in members.values() for column in _columns(inner)]
            return [present, *below] if present is not None else below
    return []


def _loose(model: Model, path: tuple[str, ...], storage: Storage) -> Iterator[tuple[str, tuple[tuple[str, ...], str]]]:
    match storage:
        case Document(column, type, False) if model.kind(type) == "complex":
            yield column.name, (path, type)
        case Flat(_, members, _):
            for name, inner in members.items():
                yield from _loose(model, (*path, name), inner)

"""Selections: entities of a set or behind a navigation property, for operations and rules.

`where`, `orderby` and `expand` take URL syntax; a selection is read when it is iterated, and reads go through bind,
plan and sql like a request, in the transaction at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from app import sql, url
from app.bind import bind_options
from app.bind import nodes as bound
from app.edm import types
from app.edm.model import NavigationProperty
from app.errors import NotImplementedByService
from app.plan import CountQuery, Query, Source
from app.plan.changes import TYPE
from app.plan.nodes import Output
from app.service.entities import Entity
from app.service.paths import path_of
from app.store.mapping import Column, Contained, Inverse, Link, Reference, StreamSlot

if TYPE_CHECKING:
    from app.service.session import WriteSession

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Selection:
    """Some entities, not read yet. Every method gives a new selection or an answer."""

    session: WriteSession
    source: Source
    parent: tuple[Entity, NavigationProperty] | None = None
    filters: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] = ()
    order: str = ""
    expansion: str = ""
    limit: int | None = None
    values: tuple[Any, ...] = ()

    # --- making ------------------------------------------------------------------------------------------

    @classmethod
    def of(cls, session: WriteSession, name: str) -> Selection:
        """The entities of a set or singleton."""
        element = session.model.source_of(name)
        if element is None:
            raise KeyError(f"There is no entity set '{name}'")
        return cls(session, session.planner.start(name, element.type))

    @classmethod
    def over(cls, session: WriteSession, entity: Entity, navigation: NavigationProperty) -> Selection:
        """The entities that a collection navigation property of an entity leads to."""
        table = entity.layout.table
        start = Source(entity.layout.id, entity.type, grants=session.planner.grants, key=(
            (table.row_id, bound.Literal(entity.row_id or 0, "Edm.Int64")),))
        return cls(session, session.planner.follow(start, entity.type, navigation), (entity, navigation))

    @property
    def type(self) -> str:
        """The type of the entities."""
        return self.source.type

    def where(self, text: str, **parameters: Any) -> Selection:
        """Those that satisfy a filter; `@name` in it stands for a parameter (canonical values, entities' members)."""
        return replace(self, filters=(*self.filters, (text, tuple(parameters.items()))))

    def orderby(self, text: str) -> Selection:
        """In this order."""
        return replace(self, order=text)

    def expand(self, text: str) -> Selection:
        """With related entities read along: names of navigation properties, with options as in a URL."""
        return replace(self, expansion=text)

    def top(self, count: int) -> Selection:
        """The first of them."""
        return replace(self, limit=count)

    # --- answers -----------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Entity]:
        return iter(self._read(self.limit))

    def first(self) -> Entity | None:
        """The first one, or None."""
        found = self._read(1)
        return found[0] if found else None

    def exists(self) -> bool:
        """Whether there is one."""
        return bool(self._read(1, expand=False))

    def count(self) -> int:
        """How many there are."""
        session = self.session
        options = self._options()
        statement = sql.compile_count(CountQuery(self.source, options.filter), session.mapping, session.store.dialect)
        number = int(sql.fetch(session.store, statement, self.parameters())[0][0])
        return number if self.limit is None else min(number, self.limit)

    def get(self, key: Any) -> Entity | None:
        """The one with this key: a value, a tuple of values, or a dict; None where there is none."""
        table = self.session.mapping.table(self.source.table)
        if not isinstance(key, Mapping):
            parts = key if isinstance(key, tuple) else (key,)
            key = {name: value for (name, _), value in zip(table.key, parts, strict=True)}
        if self.parent is None and not self.filters:
            return self.session.by_key(self.source.table, key)
        pairs = tuple((column, bound.Literal(key[name], column.edm)) for name, column in table.key)
        return replace(self, source=replace(self.source, key=self.source.key + pairs)).first()

    def insert(self, values: Mapping[str, Any]) -> Entity:
        """Create an entity here, computed and read-only members included; rules run."""
        session = self.session
        from app.payload.schemas import Reading
        reading = Reading("create", trusted=True, quoted=True)
        if self.parent is None:
            return session.insert(self.source.table, values)
        entity, navigation = self.parent
        supplied, tied = session.reader.implied(entity.type, navigation)
        change = session.reader.read_entity(values, self.source.type, reading, supplied=supplied, bound=tied)
        contained = isinstance(self.source.relation, Contained)
        return session.create(self.source.table, change, owner=entity if contained else None, parent=self.parent)

    def narrowed(self) -> tuple[Source, tuple[bound.OrderItem, ...]]:
        """The selection as a source, its filter in it, and its order."""
        options = self._options()
        if options.filter is None:
            return self.source, options.orderby
        before = self.source.predicate
        predicate = options.filter if before is None else bound.Logic("and", (before, options.filter))
        return replace(self.source, predicate=predicate), options.orderby

    # --- reading -----------------------------------------------------------------------------------------

    def _options(self) -> bound.Options:
        session = self.session
        parts, aliases = [], {}
        for index, (text, parameters) in enumerate(self.filters):
            for name, value in parameters:
                alias = f"{name}{index}"
                text = text.replace(f"@{name}", f"@{alias}")
                aliases[alias] = literal(value)
            parts.append(f"({text})")
        query = {"$filter": " and ".join(parts), "$orderby": self.order, "$expand": self.expansion}
        query |= {f"@{name}": value for name, value in aliases.items()}
        text = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items() if value)
        resource = bound.Resource("collection", (), "", self.type, self.type, True, self.source.table)
        return bind_options(url.parse("", text).options, resource, session.model, "GET")

    def parameters(self, parents: tuple[tuple[Any, ...], ...] = ()) -> sql.Values:
        """The values that statements over the selection are bound to."""
        return sql.Values(literals=self.values, parents=parents, now=self.session.now, principal=self.session.principal_values)

    def _read(self, limit: int | None, expand: bool = True) -> list[Entity]:
        session = self.session
        options = self._options()
        table = session.mapping.table(self.source.table)
        query = Query(self.source, _outputs(table.columns), options.filter, options.search,
                      session.planner.order(self.source, options), limit=limit)
        statement = sql.compile_query(query, session.mapping, session.store.dialect)
        rows = sql.fetch(session.store, statement, self.parameters())
        found = [session.entity(self.source.table, session.writer.record(table, row)) for row in rows]
        for item in options.expand if expand else ():
            for start in range(0, len(found), CHUNK):
                self._attach(found[start:start + CHUNK], item)
        return found

    def _attach(self, entities: list[Entity], item: bound.ExpandItem) -> None:
        """Read what an expand item leads to, for many entities with one statement."""
        session, navigation = self.session, item.navigation
        if navigation is None or len(item.path) != 1:
            raise NotImplementedByService(feature=f"Expanding '{'/'.join(item.path)}' in a selection")
        name = navigation.name
        relation = session.planner.relation(self.source.table, self.type, navigation)
        target = session.mapping.table(relation.target)
        source = Source(relation.target, navigation.type, session.planner.types(relation.target, navigation.type),
                        relation=relation, parents=True, grant=session.planner.granted(relation.target, False),
                        grants=session.planner.grants)
        links: dict[int, tuple[Any, ...]] = {
            index: tuple(session.writer.bind(column, session.column_value(entity, column))
                         for column in _own(entity, relation))
            for index, entity in enumerate(entities) if name in entity.layout.navigations}
        query = Query(source, _outputs(target.columns), item.options.filter, item.options.search,
                      session.planner.order(source, item.options))
        statement = sql.compile_query(query, session.mapping, session.store.dialect)
        rows = sql.fetch(session.store, statement, self.parameters(tuple(links.values())))
        width = statement.link_count
        found: dict[tuple[Any, ...], list[Entity]] = {}
        for row in rows:
            found.setdefault(tuple(row[:width]), []).append(
                session.entity(relation.target, session.writer.record(target, row[width:])))
        for index, link in links.items():
            related = found.get(link, [])
            entities[index].expanded[name] = related if navigation.collection else related[0] if related else None


def _own(entity: Entity, relation: Any) -> tuple[Column, ...]:
    match relation:
        case Reference(own=own) | Inverse(own=own):
            return own
        case Link() | Contained():
            return (entity.layout.table.row_id,)
    raise NotImplementedByService(feature="Expanding a whole set in a selection")


def _outputs(columns: tuple[Column, ...]) -> tuple[Output, ...]:
    return tuple(Output(column=column, type=column.edm) for column in columns)


def literal(value: Any) -> str:
    """A Python value as a URL literal."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return "(" + ",".join(literal(item) for item in value) + ")"
        case str():
            return types.literal("Edm.String", value) if not _instant(value) else value
        case bytes():
            return types.literal("Edm.Binary", value)
        case float():
            return types.write_double(value)
        case _:
            return types.write_decimal(value) if value.__class__.__name__ == "Decimal" else str(value)


def _instant(value: str) -> bool:
    """Whether a text can only be meant as an instant: canonical values do not tell their type."""
    try:
        return "T" in value and value.endswith("Z") and bool(types.parse("Edm.DateTimeOffset", value))
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an action returns whose work goes on behind the answer: 202, with the URL of `location` where there is one."""

    location: Entity | None = None


class Context:
    """What rules and operations are given: the time, who asks, entity sets, and JSON and URLs of entities."""

    __slots__ = ("session",)

    def __init__(self, session: WriteSession) -> None:
        self.session = session

    @property
    def now(self) -> str:
        """The present instant, the same during a request."""
        return self.session.now

    @property
    def principal(self) -> str:
        """Who asks; '' for nobody in particular."""
        return self.session.principal

    @property
    def language(self) -> tuple[str, ...]:
        """The languages that the client prefers, best first."""
        return self.session.languages

    def set(self, name: str) -> Selection:
        """The entities of a set or singleton."""
        return Selection.of(self.session, name)

    def singleton(self, name: str) -> Entity | None:
        """The entity of a singleton."""
        return self.set(name).first()

    def accepted(self, location: Entity | None = None) -> Accepted:
        """What an action returns to answer 202 instead of its result: its work goes on, and `location` tells how far."""
        return Accepted(location)

    def url(self, entity: Entity) -> str:
        """The absolute canonical URL of an entity."""
        return self.session.root + path_of(entity)

    def json(self, entity: Entity, expand: str = "") -> dict[str, Any]:
        """An entity as plain JSON data, as it is stored: its type, members and dynamic properties; `expand` names
        navigation properties to show as well."""
        documents, model = self.session.catalogue.documents, self.session.model
        made: dict[str, Any] = {TYPE: f"#{entity.type}"}
        for name, place in entity.layout.places.items():
            if not isinstance(place.storage, StreamSlot):
                made[name] = documents.plain(entity[name], model.underlying(place.property.type).name)
        if entity.layout.open:
            made.update(documents.plain_dynamic(entity.dynamic))
        for name in filter(None, expand.split(",")):
            related = entity[name]
            made[name] = [self.json(each) for each in related] if isinstance(related, list) else (
                None if related is None else self.json(related))
        return made

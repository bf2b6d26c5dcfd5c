"""Changes: what a query depends on, and what of it changed between two boundaries of the change log.

`interest` reads off a bound query which members of its entities it shows, which decide whether an entity is in its result,
and over which navigation properties it looks (`Hop`); `Window` is the log between two boundaries; `Trail` follows hops
backwards, from entities that changed to those that look at them, over links of now and of then. Raises Untracked for what
cannot be told from the log. Protocol §11.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from app import sql
from app.bind import nodes as bound
from app.edm.model import NavigationProperty, Property
from app.errors import NotImplementedByService
from app.plan import Planner, Source
from app.plan.shape import Followed
from app.service.catalogue import Catalogue
from app.sql.pairs import compile_pairs
from app.store.changelog import Entry
from app.store.mapping import Column, Contained, DocumentLink, Inverse, Link, Reference, Scalar, Table, Whole

Pairs = set[tuple[int, int]]
LEVELS = 8          # of `$levels`, each of which is a branch of its own


class Untracked(Exception):
    """The changes of this query cannot be told."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A navigation property that a query looks over: the table that has it, its name, the table that it leads to."""

    own: str
    name: str
    relation: Followed
    target: str


@dataclass(frozen=True, slots=True)
class Interest:
    """What a query reads of the entities of one table.

    `shown`: the properties in the answer, None for all. `decides`: the properties and columns that decide which entities
    are in it. `unsure`: any of them may. `chains`: navigation properties that the decision looks over, one after the other.
    """

    table: str
    shown: frozenset[str] | None
    decides: frozenset[str] = frozenset()
    unsure: bool = False
    chains: tuple[tuple[Hop, ...], ...] = ()
    branches: tuple[Branch, ...] = ()

    def tables(self) -> set[str]:
        """Every table whose changes count."""
        found = {self.table}
        for hop in (hop for chain in self.chains for hop in chain):
            found |= {hop.own, hop.target}
        for branch in self.branches:
            found |= branch.interest.tables()
        return found


@dataclass(frozen=True, slots=True)
class Branch:
    """An expanded navigation property."""

    hop: Hop
    item: bound.ExpandItem
    interest: Interest


# --- what a query depends on -----------------------------------------------------------------------------

def interest(planner: Planner, source: Source, options: bound.Options) -> Interest:
    """What the answer to a query depends on. Raises Untracked."""
    try:
        found = _Reader(planner, source.table)
        found.origin(source)
        return found.interest(source, options)
    except NotImplementedByService:
        raise Untracked from None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a path has led: over these hops, and these complex properties after them."""

    table: str
    hops: tuple[Hop, ...] = ()
    path: tuple[str, ...] = ()


class _Reader:
    """Gathers the dependencies of one query."""

    def __init__(self, planner: Planner, table: str) -> None:
        self.planner, self.mapping, self.model = planner, planner.mapping, planner.model
        self.table = self.mapping.table(table)
        self.decides: set[str] = set()
        self.chains: dict[tuple[Hop, ...], None] = {}
        self.root = _Place(table)

    def origin(self, source: Source) -> None:
        """The path of the resource: what ties its entities to the one in front of it."""
        relation, parent = source.relation, source.parent
        if relation is None or parent is None:
            return
        above: Source | None = parent
        while above is not None:
            if above.predicate is not None or not isinstance(above.relation, Contained | None):
                raise Untracked
            above = above.parent
        if isinstance(relation, Inverse):
            self.depend(relation.other)
        elif not isinstance(relation, Contained | Link | Whole):
            raise Untracked

    def depend(self, columns: Iterable[Column]) -> None:
        """Own columns decide: they are named by their properties where they have any."""
        for column in columns:
            self.decides.add(column.name)
            self.decides |= {name for (_, name), storage in self.table.members.items()
                             if isinstance(storage, Scalar) and storage.column == column}

    def interest(self, source: Source, options: bound.Options) -> Interest:
        for node in (source.predicate, source.grant, options.filter, *(each.expression for each in options.compute)):
            if node is not None:
                self.walk(node, self.root, {})
        select = options.select
        shown = None
        if select is not None and not any(item.kind == "star" or item.path == ("*",) for item in select):
            shown = frozenset(next((step for step in item.path if "." not in step), "") for item in select)
            if self.table.dynamic is not None and any(item.kind == "dynamic" for item in select):
                shown |= {self.table.dynamic.name}
        branches = tuple(self.branch(source, item) for item in self.planner.followed(source, options.expand))
        return Interest(source.table, shown, frozenset(self.decides), options.search is not None, tuple(self.chains), branches)

    def branch(self, source: Source, item: bound.ExpandItem) -> Branch:
        if item.navigation is None or item.options.apply is not None or not 0 < item.levels <= LEVELS:
            raise Untracked
        navigation, item = item.navigation, self.planner.unrolled(item) if item.levels > 1 else item
        *steps, name = item.path
        owner = source.type
        for step in steps:
            owner = self.model.full(step) if "." in step else self.model.properties(owner)[step].type.name
        path = tuple(step for step in steps if "." not in step)
        owner = self.model.declaring(owner, name) or owner if not path else owner
        relation = self.planner.relation(source.table, owner, navigation, path)
        below = Source(relation.target, item.cast or navigation.type, grant=self.planner.grants.get(relation.target),
                       grants=self.planner.grants)
        reader = _Reader(self.planner, relation.target)
        if item.options.top is not None or item.options.skip is not None:
            for each in item.options.orderby:
                reader.walk(each.expression, reader.root, {})
        inner = reader.interest(below, item.options)
        if item.suffix:
            inner = replace(inner, shown=frozenset())
        return Branch(Hop(source.table, name, relation, relation.target), item, inner)

    # --- expressions -------------------------------------------------------------------------------------

    def walk(self, node: Any, this: _Place | None, known: Mapping[str, _Place | None]) -> None:
        """Everything that an expression looks at."""
        match node:
            case (bound.This() | bound.It() | bound.Variable() | bound.PropertyPath() | bound.DynamicPath()
                  | bound.NavigationPath() | bound.CastPath() | bound.Filtered()):
                self.place(node, this, known)
            case bound.Count(collection, condition):
                self.walk(condition, self.place(collection, this, known), known)
            case bound.Lambda(_, collection, variable, predicate):
                place = self.place(collection, this, known)
                self.walk(predicate, this, {**known, variable: place} if variable else known)
            case bound.Root() | bound.FunctionCall() | bound.These() | bound.AggregateValue() | bound.Call("now"):
                raise Untracked
            case tuple():
                for each in node:
                    self.walk(each, this, known)
            case _ if is_dataclass(node) and not isinstance(node, Property | NavigationProperty):
                for each in fields(node):
                    self.walk(getattr(node, each.name), this, known)

    def place(self, node: Any, this: _Place | None, known: Mapping[str, _Place | None]) -> _Place | None:
        """Where a path leads; None where it has left the entities."""
        match node:
            case bound.This():
                return this
            case bound.It():
                return self.root
            case bound.Variable(name):
                return known.get(name)
            case bound.CastPath(base):
                return self.place(base, this, known)
            case bound.Filtered(collection, predicate):
                place = self.place(collection, this, known)
                self.walk(predicate, place, known)
                return place
            case bound.PropertyPath(base, declared):
                place = self.place(base, this, known)
                if place is None:
                    return None
                if not place.hops and not place.path:
                    self.decides.add(declared.name)
                return replace(place, path=(*place.path, declared.name))
            case bound.DynamicPath(base):
                place = self.place(base, this, known)
                if place is not None and not place.hops and not place.path and self.table.dynamic is not None:
                    self.decides.add(self.table.dynamic.name)
                return None
            case bound.NavigationPath(base, navigation, owner):
                self.walk(node.key, this, known)
                place = self.place(base, this, known)
                if place is None:
                    raise Untracked
                relation = self.planner.relation(place.table, owner, navigation, place.path)
                if not place.hops and isinstance(relation, Reference):
                    self.depend(relation.own)
                hops = (*place.hops, Hop(place.table, navigation.name, relation, relation.target))
                self.chains[hops] = None
                return _Place(relation.target, hops)
        self.walk(node, this, known)
        return None


# --- what changed ----------------------------------------------------------------------------------------

@dataclass(slots=True)
class Touch:
    """What happened to one row. `created`, `deleted`: at some time, at the end; `ended`: the key of the entity that was in
    it before and was deleted (a row may be used again). `names`: the properties and columns that changed; `was`: to whom
    it was tied."""

    key: dict[str, Any]
    created: bool = False
    deleted: bool = False
    ended: dict[str, Any] | None = None
    names: set[str] = field(default_factory=set)
    was: list[dict[str, Any]] = field(default_factory=list)

    @property
    def fresh(self) -> bool:
        """Whether nobody can have seen the entity before."""
        return self.created and self.ended is None

    def concerns(self, shown: frozenset[str] | None, decides: frozenset[str], table: Table) -> bool:
        """Whether an answer that shows and depends on these members tells of it."""
        if self.created or self.deleted or self.names & decides:
            return True
        if shown is not None:
            return bool(self.names & shown)
        structural = {name for _, name in table.members} | ({table.dynamic.name} if table.dynamic is not None else set())
        return bool(self.names & structural)


class Window:
    """The change log between two boundaries."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.tables: dict[str, dict[int, Touch]] = {}
        self.links: list[Entry] = []
        for entry in entries:
            if entry.kind in ("link", "unlink"):
                self.links.append(entry)
            if entry.kind not in ("create", "update", "delete"):
                continue
            touch = self.tables.setdefault(entry.source, {}).setdefault(entry.row, Touch(entry.key))
            if entry.kind == "delete" and not touch.created:
                touch.ended = entry.key
            touch.created = touch.created or entry.kind == "create"
            touch.deleted, touch.key = entry.kind == "delete", entry.key
            touch.names.update(entry.names)
            if entry.was:
                touch.was.append(entry.was)

    def of(self, table: str) -> dict[int, Touch]:
        """Row id → what happened to it."""
        return self.tables.get(table, {})

    def told(self, about: Interest, table: Table) -> set[int]:
        """The entities whose own changes an answer tells of."""
        return {row for row, touch in self.of(about.table).items() if touch.concerns(about.shown, about.decides, table)}


class Trail:
    """Follows hops backwards within one view of the data."""

    def __init__(self, catalogue: Catalogue, window: Window) -> None:
        self.catalogue, self.mapping, self.window = catalogue, catalogue.mapping, window

    def related(self, hop: Hop, rows: Iterable[int], by_target: bool = True) -> Pairs:
        """(row of `hop.own`, row of `hop.target`) that are related now, of the rows at one end."""
        wanted = sorted(set(rows))
        if not wanted:
            return set()
        statement = compile_pairs(hop.own, hop.relation, hop.target, by_target, self.mapping, self.catalogue.store.dialect)
        return set(sql.fetch(self.catalogue.store, statement, sql.Values(rows=wanted)))

    def parted(self, hop: Hop) -> Pairs:
        """Pairs that were related at some time in the window, by what the log tells of columns and deleted entities."""
        relation, found = hop.relation, set[tuple[int, int]]()
        match relation:
            case Inverse(_, own, other):
                for row, was in self._was(hop.target):
                    found |= {(holder, row) for holder in self._rows(hop.own, own, [was.get(each.name) for each in other])}
            case Contained():
                owner = self.mapping.table(hop.target).owner
                assert owner is not None
                for row, was in self._was(hop.target):
                    if owner.column.name in was and (owner.source is None or was.get(owner.source.name) == hop.own):
                        found.add((int(was[owner.column.name]), row))
            case Reference(_, own, other):
                for row, was in self._was(hop.own):
                    values = [was.get(each.name) for each in own]
                    found |= {(row, target) for target in (*self._rows(hop.target, other, values),
                                                           *self._ended(hop.target, other, values))}
            case Link() | DocumentLink():
                ended = relation.other.name if isinstance(relation, Link) else relation.columns[2].name
                for row, was in self._was(hop.target):
                    found |= {(int(holder), row) for holder in was.get(f"{relation.table}.{ended}", ())}
            case Whole():
                gone = [row for row, touch in self.window.of(hop.target).items() if touch.deleted]
                holders = self._all(hop.own) if gone else []
                found |= {(holder, row) for holder in holders for row in gone}
        return found | {pair for pair, there in self.linked(hop) if not there}

    def linked(self, hop: Hop) -> Iterator[tuple[tuple[int, int], bool]]:
        """((row of `hop.own`, row of `hop.target`), whether the link came or went) of links that were made or ended."""
        relation = hop.relation
        if not isinstance(relation, Link):
            return
        for entry in self.window.links:
            name, target, row = entry.names
            for owner, navigation in self.mapping.navigations(entry.source):
                if navigation.name != name:
                    continue
                made = self.mapping.relation(entry.source, owner, name)
                if isinstance(made, Link) and made.table == relation.table:
                    forward = made.own.name == relation.own.name
                    yield ((entry.row, int(row)) if forward else (int(row), entry.row)), entry.kind == "link"
                    break

    def _was(self, table: str) -> Iterator[tuple[int, dict[str, Any]]]:
        for row, touch in self.window.of(table).items():
            for was in touch.was:
                yield row, was

    def _rows(self, id: str, columns: tuple[Column, ...], values: list[Any]) -> list[int]:
        """The rows of a table whose columns have these values."""
        if any(value is None for value in values):
            return []
        table = self.mapping.table(id)
        if columns == (table.row_id,):
            return [int(values[0])]
        found = self.catalogue.writer.find(table, list(zip(columns, values, strict=True)))
        return [int(row[table.row_id.name]) for row in found]

    def _ended(self, id: str, columns: tuple[Column, ...], values: list[Any]) -> list[int]:
        """The rows of deleted entities whose keys had these values."""
        names = {column: name for name, column in self.mapping.table(id).key}
        if any(value is None for value in values) or not set(columns) <= names.keys():
            return []
        wanted = dict(zip((names[column] for column in columns), values, strict=True))
        return [row for row, touch in self.window.of(id).items() if touch.ended is not None
                and all(touch.ended.get(name) == value for name, value in wanted.items())]

    def _all(self, id: str) -> list[int]:
        table = self.mapping.table(id)
        return [int(row) for row, in self.catalogue.writer.pairs(table.name, (table.row_id.name,), {})]

    def moved(self, hop: Hop) -> set[int]:
        """The rows of the target that were tied to another row of `hop.own`, or to none."""
        if not isinstance(hop.relation, Inverse):
            return set()
        return {row for row, was in self._was(hop.target) if any(column.name in was for column in hop.relation.other)}

    # --- from what changed to who looks at it ------------------------------------------------------------

    def holders(self, hop: Hop, rows: Iterable[int]) -> set[int]:
        """Those that are or were related to any of the rows, or whose links changed."""
        found = {holder for holder, _ in self.related(hop, {*rows, *self.moved(hop)})}
        return found | {holder for holder, _ in self.parted(hop)} | {pair[0] for pair, _ in self.linked(hop)}

    def swayed(self, about: Interest) -> set[int]:
        """The entities about whose membership something at the end of a chain may have decided anew."""
        found: set[int] = set()
        for chain in about.chains:
            rows = set(self.window.of(chain[-1].target))
            for hop in reversed(chain):
                rows = self.holders(hop, rows)
            found |= rows
        return found

    def reached(self, about: Interest) -> set[int]:
        """The entities in whose expanded properties something changed."""
        found: set[int] = set()
        for branch in about.branches:
            inner = branch.interest
            rows = self.window.told(inner, self.mapping.table(inner.table)) | self.swayed(inner) | self.reached(inner)
            found |= self.holders(branch.hop, rows)
            if isinstance(branch.hop.relation, Reference):
                names = {column.name for column in branch.hop.relation.own}
                names |= {name for (_, name), storage in self.mapping.table(branch.hop.own).members.items()
                          if isinstance(storage, Scalar) and storage.column in branch.hop.relation.own}
                found |= {row for row, touch in self.window.of(branch.hop.own).items() if touch.names & names}
        return found

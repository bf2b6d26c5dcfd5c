"""Scope: what a name of the typed tree stands for while one SELECT is compiled.

A `Frame` is the FROM clause of one SELECT; LEFT JOINs for to-one paths are added to it when a path first needs them and
shared by every path that starts alike. A `Place` is what a path leads to: a row, a complex value, a JSON value, a column.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import peewee as pw

from app.edm.index import Model
from app.errors import LimitExceeded, NotImplementedByService
from app.plan.nodes import NO_GRANTS, Grants
from app.sql import terms
from app.store import mapping
from app.store.dialects import Dialect


SOURCES = 2000          # of one statement: what doubles with every `concat` or `rollup` ends early


class Build:
    """What the parts of one statement share: the store, the mapping, the numbering of aliases, the grants."""

    def __init__(self, dialect: Dialect, tables: mapping.Mapping, grants: Grants) -> None:
        self.dialect = dialect
        self.mapping = tables
        self.model: Model = tables.model
        self.grants = grants                # row predicates of the policy, by mapping id
        self.searched: set[str] = set()     # tables whose search index the statement reads
        self.tables: set[str] = set()       # mapping ids of the tables that it reads
        self._aliases = 0

    def alias(self) -> str:
        """An alias that no other source of the statement has."""
        self._aliases += 1
        if self._aliases > SOURCES:
            raise LimitExceeded(limit="size of an expression", allowed=f"{SOURCES} tables and selections in one statement")
        return f"t{self._aliases}"

    def table(self, name: str) -> pw.Table:
        return pw.Table(name).alias(self.alias())

    @property
    def seen(self) -> Model:
        """The model without the members that are hidden from who asks."""
        return self.grants.model or self.model

    def whole(self, type_name: str, what: str) -> None:
        """Raises NotImplementedByService where values of a complex type, which are told apart as they are kept, have members
        that are hidden."""
        if self._partial(type_name):
            raise NotImplementedByService(feature=f"{what} values of {type_name}, of which members are hidden,")

    def _partial(self, type_name: str, above: tuple[str, ...] = ()) -> bool:
        if type_name in above or self.model.complex_type(type_name) is None:
            return False
        kinds = (type_name, *self.model.derived(type_name))
        return not self.seen.narrowed.isdisjoint(kinds) or any(
            self._partial(self.model.underlying(member.type).name, (*above, type_name))
            for each in kinds for member in self.model.properties(each).values())

    @contextlib.contextmanager
    def unrestricted(self) -> Iterator[None]:
        """What a row predicate itself reaches is not hidden by others."""
        held, self.grants = self.grants, NO_GRANTS
        yield
        self.grants = held


class Frame:
    """The FROM clause of one SELECT: a source and what is joined to it."""

    def __init__(self, build: Build, source: pw.Source) -> None:
        self.build = build
        self.source: pw.Source = source
        self._joined: dict[int, dict[Hashable, Row]] = {}

    @property
    def joined(self) -> dict[Hashable, Row]:
        """What is joined already, by place. What a row predicate joined, which hides nothing, is not for others."""
        return self._joined.setdefault(id(self.build.grants), {})

    def saved(self) -> tuple[pw.Source, dict[int, dict[Hashable, Row]]]:
        """The clause as it is."""
        return self.source, {key: dict(rows) for key, rows in self._joined.items()}

    def restore(self, saved: tuple[pw.Source, dict[int, dict[Hashable, Row]]]) -> None:
        """The clause as it was."""
        self.source, self._joined = saved

    def join(self, source: pw.Source, on: pw.Node, kind: str = pw.JOIN.LEFT_OUTER) -> None:
        self.source = pw.Join(self.source, source, kind, terms.operand(on))


@dataclass(frozen=True, slots=True, eq=False)
class Operand:
    """A scalar value of an Edm type. `column`: the column that the node is, when it is one: then it is in stored form,
    else in expression form (see `store.dialects`). `literal`: it comes from the request. `special`: a Decimal that may be
    NaN. `missing`: whether there is no value, where null may also mean a dynamic value of another type."""

    node: pw.Node
    type: str
    column: mapping.Column | None = None
    nullable: bool = True
    literal: bool = False
    special: bool = False
    missing: pw.Node | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """An entity: a row of `table` under `alias`. `cast`: values count only where the row is of one of these
    types. `optional`: there may be no row (LEFT JOIN). `key` names the place for shared joins."""

    frame: Frame
    alias: pw.Table
    table: mapping.Table
    key: Hashable = ()
    cast: tuple[str, ...] | None = None
    optional: bool = False

    def __post_init__(self) -> None:
        self.frame.build.tables.add(self.table.id)

    @property
    def name(self) -> str:
        """The alias of the row, which no other of the statement has."""
        return str(getattr(self.alias, "_alias"))

    def column(self, column: mapping.Column) -> pw.Entity:
        """A column of the row. The alias is known, so Peewee need not look it up."""
        return terms.Named(self.name, column.name)


@dataclass(frozen=True, slots=True, eq=False)
class One:
    """The entity at the end of a to-one navigation, joined only when something besides its key is asked for."""

    base: Row
    relation: mapping.Relation
    id: str                         # mapping id of the target
    key: Hashable
    on: tuple[pw.Node, ...] = ()    # of a member addressed by key
    type: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Complex:
    """A complex value flattened into columns of a row."""

    row: Row
    flat: mapping.Flat
    above: Complex | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Json:
    """A value inside a JSON document: `steps` below `node`. `dynamic`: undeclared. `guards`: conditions of casts on the
    way. `row`, `path`, `ordinal`: the entity, the path in it and the position in the outermost collection, for links.
    `declared`: of an abstract type, so that it may stand under '@value' beside its type."""

    node: pw.Node
    steps: tuple[str, ...]
    type: str
    collection: bool = False
    dynamic: bool = False
    guards: tuple[pw.Node, ...] = ()
    row: Row | None = None
    path: tuple[str, ...] = ()
    ordinal: pw.Node | None = None
    declared: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Staged:
    """A row of a derived table of `$apply`: its columns by path ('Total', 'Customer/Country'). `prefix`: the path so far.
    A column whose type is '@' and a mapping id holds the row id of an entity of that table."""

    frame: Frame
    columns: Mapping[str, Operand]
    prefix: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A stream of an entity: only whether there is one can be asked."""

    row: Row
    name: str


Place: TypeAlias = Row | One | Complex | Json | Staged | Operand | Stream


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression sees: the current instance, `$it`, lambda variables, added names (as expressions or places).
    `these` opens the current collection of `$apply` again: its FROM, conditions and instance, and the conditions that hold
    it to the group of the current instance. `frame`: where `$root` is joined of values that are in no table."""

    build: Build
    this: Place
    it: Place | None = None
    variables: Mapping[str, Place] = field(default_factory=dict)
    names: Mapping[str, Any] = field(default_factory=dict)
    these: Callable[[], tuple[Frame, list[pw.Node], Place]] | None = None
    frame: Frame | None = None

    def of(self, member: Place) -> Scope:
        """The scope of the members of a collection: `this` is the member, added names are those of the outer instance."""
        return replace(self, this=member, names={})

    def with_names(self, names: Mapping[str, Any]) -> Scope:
        """The scope with further names of the current instance."""
        return replace(self, names={**self.names, **names})

    def with_variable(self, name: str | None, member: Place) -> Scope:
        return replace(self, variables={**self.variables, name: member}) if name else self


@dataclass(slots=True, eq=False)
class Members:
    """An open subselect over the members of a collection: its FROM, its conditions, what a member is, and its position
    where the collection is kept as JSON."""

    frame: Frame
    where: list[pw.Node]
    member: Place
    position: pw.Node | None = None

    def select(self, *columns: pw.Node) -> pw.Select:
        query = pw.Select([self.frame.source], columns)
        return query.where(terms.all_of(self.where)) if self.where else query

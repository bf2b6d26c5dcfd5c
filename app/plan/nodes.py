"""Every value that crosses the line between meaning and SQL.

A read is one `Query` for the root and one for each expanded path; a `Query` is one SELECT over the entities of one
table. Expressions in it are those of the typed tree (`app.bind.nodes`); the compiler in `app.sql` resolves their paths
against the mapping. A `Shape` says how the selected columns become JSON members; it knows positions, not SQL.
Plans hold no values of a request: literals are `bind.nodes.Parameter`s, everything else that changes from request to
request is a `Slot`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from app.bind import nodes as bound
from app.edm import Model
from app.edm.model import NavigationProperty
from app.errors import Forbidden
from app.store.mapping import Column, Contained, DocumentLink, Inverse, Link, Reference, Storage, Whole
from app.url import nodes as url

# --- what stands for values ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slot:
    """A value of the request, put in place of this mark when the statement runs.

    `kind`: 'literal' (index into the lifted literals), 'list' (a lifted `in` list, one parameter), 'parents' (link values
    of the parents, one parameter), 'parent' (the link value of one parent; index = which column), 'keyset' (index into the
    sort values of the skiptoken), 'top', 'skip', 'limit', 'principal' (index into the principal's values), 'key'
    (index into the values of a key given by the service itself), 'rows' (row ids, one parameter), 'now', 'root'.
    `type`: the Edm type that the value is converted to; `column`: the column it is compared with, when there is one
    (its stored form decides, e.g. fraction digits). `most`: a number of rows is cut to this; 0: to nothing.
    """

    kind: str
    index: int = 0
    type: str = ""
    column: Column | None = None
    most: int = 0


# --- what a policy leaves ---------------------------------------------------------------------------------

class Grants(Mapping[str, bound.Expression]):
    """The row predicates of a policy by mapping id. Looking up a table that the policy does not let its principals read
    raises Forbidden, so that no way to reach it has to ask first. `unsearchable`: tables with words that are hidden;
    `model`: without the members that are, None where none is."""

    __slots__ = ("_predicates", "_lists", "_single", "unsearchable", "model")

    def __init__(self, predicates: Mapping[str, bound.Expression] | None = None, lists: Mapping[str, str] | None = None,
                 single: Mapping[str, str] | None = None, unsearchable: frozenset[str] = frozenset(),
                 model: Model | None = None) -> None:
        self._predicates = predicates or {}
        self._lists, self._single = lists or {}, single or {}   # mapping id → why not, as a list and one by one
        self.unsearchable, self.model = unsearchable, model

    def seeing(self, model: Model) -> Grants:
        """The same under a view of the model."""
        return Grants(self._predicates, self._lists, self._single, self.unsearchable, model)

    def __getitem__(self, id: str) -> bound.Expression:
        if id in self._lists:
            raise Forbidden(self._lists[id])
        return self._predicates[id]

    def one(self, id: str) -> bound.Expression | None:
        """The predicate of a table of which one entity is read: by key, or by a single-valued navigation property."""
        if id in self._single:
            raise Forbidden(self._single[id])
        return self._predicates.get(id)

    def __contains__(self, id: object) -> bool:
        return id in self._predicates or id in self._lists

    def __iter__(self) -> Iterator[str]:
        return iter(self._predicates)

    def __len__(self) -> int:
        return len(self._predicates)


NO_GRANTS = Grants()


# --- where rows come from --------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Source:
    """Entities of one table, narrowed and tied to where they are reached from.

    `table`: mapping id. `types`: the concrete types wanted when fewer than the table holds, else None (discriminator
    test). `key`: (column, expression) pairs of a key predicate. `predicate`: `/$filter(…)` segments and casts of the path,
    already bound to this type. `grant`: the row predicate of the policy. `parent` and `relation`: the entity that the
    navigation starts from; it is joined. `parents`: the rows come for many parents at once, whose link values arrive as
    one list parameter (an expanded path); then `relation` is set and `parent` is None. `ordinal`: of a `DocumentLink`, which
    item of its collection the navigation starts from; negative from the end. `grants`: the row predicates of the policy by
    mapping id, for every table that the expressions of the query reach. `rows`: only those whose row ids are given, here or
    with the request.
    """

    table: str
    type: str
    types: tuple[str, ...] | None = None
    key: tuple[tuple[Column, bound.Expression | Slot], ...] = ()
    predicate: bound.Expression | None = None
    grant: bound.Expression | None = None
    relation: Reference | Inverse | Link | Contained | Whole | DocumentLink | None = None
    parent: Source | None = None
    parents: bool = False
    ordinal: int | bound.Parameter | None = None
    grants: Grants = field(default_factory=lambda: NO_GRANTS, compare=False)
    rows: bool | tuple[int, ...] = False


# --- one SELECT ------------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Output:
    """One selected column: a stored column of the row, or the value of an expression ('computed' properties, sort
    values that are expressions), or a count of related rows. `within`: the path to the complex value that the expression
    is about, and to which `compute` adds names."""

    column: Column | None = None
    expression: bound.Expression | None = None
    type: str = ""
    within: bound.Expression | None = None
    compute: tuple[bound.ComputedProperty, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key: an expression or a column of the table (`column`), and its direction. Null is lowest."""

    expression: bound.Expression | None
    descending: bool = False
    column: Column | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """What `$apply` works on where this is not the entities of one table: the items of a collection of values behind `steps`
    from the entity of a query, or those of a `document`, a JSON array in the stored form; or the entities of several `sources`,
    which are counted only."""

    type: str
    steps: tuple[bound.PathStep, ...] = ()
    document: str | None = None
    sources: tuple[Source, ...] = ()


Product: TypeAlias = tuple[tuple[str, Source], ...]     # the sets of `$crossjoin` by name, for `$apply` on their combinations


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT: rows of `source` that satisfy `filter` and `search`, in `order` (complete: the last item is unique).

    `outputs`: the columns in order; for a child query (`source.parents`) the compiler puts the link columns first
    (`links` of them). `after`: for a page behind a skiptoken, which of its sort values are null, one flag per order item;
    None on a first page. `skip`, `top`: Slots or numbers; for a child query they count per parent.
    `limit`: rows fetched at most (page size + 1), over all.
    """

    source: Source
    outputs: tuple[Output, ...]
    filter: bound.Expression | None = None
    search: url.Search | None = None
    order: tuple[Order, ...] = ()
    after: tuple[bool, ...] | None = None
    skip: Slot | int | None = None
    top: Slot | int | None = None
    limit: Slot | int | None = None
    compute: tuple[bound.ComputedProperty, ...] = ()
    apply: bound.Apply | None = None
    links: int = 0
    distinct: bool = False
    product: Product = ()
    items: Items | None = None


@dataclass(frozen=True, slots=True)
class CountQuery:
    """SELECT COUNT(*) of what `source`, `filter` and `search` leave."""

    source: Source
    filter: bound.Expression | None = None
    search: url.Search | None = None
    compute: tuple[bound.ComputedProperty, ...] = ()
    apply: bound.Apply | None = None
    parents: bool = False        # counts per parent: (link values…, count)
    product: Product = ()
    items: Items | None = None


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """One SELECT over the items of a collection-valued property: which of them are wanted, in which order.

    `source`: the entities, by their row ids (`source.parents`). `steps`: properties and casts from the entity to the
    collection. The rest is about an item. A row: the row id, the position in every collection on the way (the item's own
    last), the outputs.
    """

    source: Source
    steps: tuple[bound.PathStep, ...]
    filter: bound.Expression | None = None
    order: tuple[Order, ...] = ()
    compute: tuple[bound.ComputedProperty, ...] = ()
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True, slots=True)
class ValueQuery:
    """One SELECT over values that are in no table: those of `type` in `document`, a JSON array in the stored form. A row: the
    position of an item, the outputs."""

    document: str
    type: str
    filter: bound.Expression | None = None
    order: tuple[Order, ...] = ()
    compute: tuple[bound.ComputedProperty, ...] = ()
    outputs: tuple[Output, ...] = ()
    grants: Grants = field(default_factory=lambda: NO_GRANTS, compare=False)


@dataclass(frozen=True, slots=True)
class Gathering:
    """One SELECT of what makes up the items of `$all` (an entity of any of the `sources`) or, with `names`, of `$crossjoin`
    (an entity of each, under the name of its set).

    A row: the number of the source (`$all` only), the row id of each entity, the outputs, the values of `order`.
    `after`, `skip`, `limit` are those of a `Query`; the row ids complete the order.
    """

    sources: tuple[Source, ...]
    names: tuple[str, ...] = ()
    filter: bound.Expression | None = None
    search: url.Search | None = None
    order: tuple[Order, ...] = ()
    compute: tuple[bound.ComputedProperty, ...] = ()
    outputs: tuple[Output, ...] = ()
    after: tuple[bool, ...] | None = None
    skip: Slot | int | None = None
    limit: Slot | int | None = None


# --- how rows become JSON --------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Member:
    """One structural member of an entity or complex value.

    `index`: position of its column in the row (of the presence column for a nullable Flat, -1 when it has none).
    `storage` tells the form; `members`: those of a Flat. `selected`: sub-selection of a Document, else None.
    `type`: the declared Edm type; `computed`: a `$compute` property (its type is not declared), of a dynamic value with
    the position of its type, `typed_by` (-1: its type is not kept);
    `tag`: it shows the ETag of the version at `index`; `below_root`: it shows a URL below the service root, absolute.
    """

    name: str
    index: int
    storage: Storage | None
    type: str
    collection: bool = False
    members: tuple[Member, ...] = ()
    selected: SelectTree | None = None
    computed: bool = False
    typed_by: int = -1
    tag: bool = False
    below_root: bool = False


SelectTree: TypeAlias = Mapping[str, Any]       # member name → None (all of it) or a SelectTree


@dataclass(frozen=True, slots=True)
class Choice:
    """The items of a collection-valued property that an answer shows, out of those that its document holds.

    `path`: member names from the object to the collection. `own`: positions of what the object is found by in its row: the
    row id, behind that of `$it` where the query looks back at it. `query`:
    what chooses and sorts, and computes the members `computed` of each item; None: the items as they stand. With a
    `search` the item itself is its last output.
    """

    path: tuple[str, ...]
    own: tuple[int, ...]
    query: ItemQuery | None
    computed: tuple[bound.ComputedProperty, ...] = ()
    search: url.Search | None = None
    top: int | bound.Parameter | None = None
    skip: int | bound.Parameter | None = None
    count: bool = False


@dataclass(frozen=True, slots=True)
class Inner:
    """Computed members of the complex values in a collection: `path` leads to the collection, `own` as in a `Choice`, `query`
    computes; `parts` are about an item and the outputs."""

    path: tuple[str, ...]
    own: tuple[int, ...]
    query: ItemQuery
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A computed member of a single complex value: `path` leads to the value, `index` is the position in the row. `count`: not
    the member `name`, but the number of its items."""

    path: tuple[str, ...]
    name: str
    type: str
    index: int
    count: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """Where a row of a recursive expansion holds what its next level needs: link values, number of related entities."""

    own: tuple[int, ...]
    count: int | None


@dataclass(frozen=True, slots=True)
class Expansion:
    """An expanded navigation property and the plan that reads it.

    `path`: complex properties in front; `owner`: the type that has the property (instances of other types leave it out);
    `own`: positions of the link values in the parent's row; `suffix`: '' entities, '$ref' references, '$count' only the
    count; `count`: position in the parent's row of the number of related entities, None when it was not asked for;
    `page`: nested page size, 0 without. `again`: the same plan reads further levels, `levels` in all (0: as many as there
    are). `counting`: the number of results of `$apply` for each parent. `options`: of what `addnested` made, which has a
    context of its own.
    """

    name: str
    navigation: NavigationProperty
    owner: str
    own: tuple[int, ...]
    collection: bool
    suffix: str
    read: Read | Rows | None
    count: int | None = None
    path: tuple[str, ...] = ()
    page: int = 0
    levels: int = 1
    again: Again | None = None
    counting: CountQuery | None = None
    options: bound.Options | None = None


@dataclass(frozen=True, slots=True)
class Inline:
    """An expanded stream: the member names to it and the slot where its content is ('$value' for a media entity)."""

    path: tuple[str, ...]
    slot: str


@dataclass(frozen=True, slots=True)
class Shape:
    """How one row becomes one object.

    `variants`: concrete type → its structural members, in model order. `discriminator`, `version`, `row`: positions in
    the row, or None. `key`: (name, position, column) for ids. `everything`: nothing was left out by `$select`.
    `dynamic`: position of the dynamic properties; `dynamic_names`: those selected, None for all.
    `declared`: the type that needs no `@odata.type`. `navigations`: selected navigation properties, None for all.
    `operations`: qualified names of selected operations, None for all. `choices`, `parts`, `inner`: what the
    options nested in `$select` make of members, innermost first. `row` is there where entities of the table have streams;
    `streams`: those selected, None for all; `inlined`: those expanded.
    """

    table: str
    declared: str
    variants: Mapping[str, tuple[Member, ...]]
    discriminator: int | None
    version: int | None
    row: int | None
    key: tuple[tuple[str, int, Column], ...]
    expansions: tuple[Expansion, ...] = ()
    dynamic: int | None = None
    dynamic_names: frozenset[str] | None = None
    everything: bool = True
    navigations: frozenset[str] | None = None
    operations: frozenset[str] | None = None
    streams: frozenset[str] | None = None
    choices: tuple[Choice, ...] = ()
    parts: tuple[Part, ...] = ()
    inner: tuple[Inner, ...] = ()
    inlined: tuple[Inline, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """A query and its shape. `sort`: positions in the row of the values of `query.order`, for the skiptoken."""

    query: Query
    shape: Shape
    sort: tuple[int, ...] = ()


# --- rows of groups and aggregates -----------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Cell:
    """One property of a row: where its value, its mark of absence and the marks of what its path runs through are.

    `exists`: (steps, position of the mark) for entities that the path runs through and types that it casts to. `annotated`:
    the type is not that of a declared property and JSON does not tell it. `read`: of an entity, what reads it by the row id
    that is its value; with an empty path its members are those of the row. `suffix` '$ref': a reference to it.
    """

    path: tuple[str, ...]
    type: str
    collection: bool
    index: int
    absent: int
    exists: tuple[tuple[int, int], ...] = ()
    annotated: bool = False
    read: Read | None = None
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A collection in a row: those of all rows come from one query, and are handed out by the values of the groups, at `own`
    in the row and `groups` in what is read. `options`: for their context."""

    name: str
    own: tuple[int, ...]
    read: Read | Rows
    groups: tuple[int, ...]
    options: bound.Options


@dataclass(frozen=True, slots=True)
class Rows:
    """A query whose rows are those of groups and aggregates. `empty`: the same over no entities at all, for the parents of an
    expanded path that have none."""

    query: Query
    cells: tuple[Cell, ...]
    held: tuple[Held, ...] = ()
    empty: Query | None = None

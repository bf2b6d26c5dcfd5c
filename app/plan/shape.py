"""Shape: the columns that one query selects, and how a row of them becomes an object.

In: a source and its options. Out: `Shape`, with the outputs allocated on the way. DESIGN §3; Protocol §11.2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from app.bind import nodes as bound
from app.edm import types, vocabularies
from app.edm.model import Property
from app.errors import NotImplementedByService
from app.plan.changes import TYPE
from app.plan.nested import Nested, grow, shown
from app.plan.nodes import Inline, Member, Order, Output, SelectTree, Shape, Source
from app.store.mapping import (Column, Contained, Document, DocumentLink, Flat, Inverse, Link, Reference, Scalar,
                               StreamSlot, Table, Unbound, Whole)

if TYPE_CHECKING:
    from app.plan.read import Planner

Followed: TypeAlias = Reference | Inverse | Link | Contained | Whole | DocumentLink
Members: TypeAlias = tuple[Member, ...]


class Variants(Mapping[str, Members]):
    """Concrete type → its members, made when they are first asked for: of a wide hierarchy few types have rows."""

    def __init__(self, names: tuple[str, ...], make: Callable[[str], Members]) -> None:
        self._made: dict[str, Members | None] = dict.fromkeys(names)
        self._make = make

    def __getitem__(self, name: str) -> Members:
        known = self._made[name]
        if known is None:
            known = self._made[name] = self._make(name)
        return known

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


class ShapeBuilder:
    """Allocates the columns of one query and describes its objects."""

    def __init__(self, planner: Planner, source: Source, options: bound.Options) -> None:
        self.planner, self.model = planner, planner.model
        self.source, self.options = source, options
        self.table: Table = planner.mapping.table(source.table)
        self.outputs: list[Output] = []
        self.positions: dict[object, int] = {}
        self.links: tuple[Column, ...] = ()
        if source.parents and source.relation is not None:
            self.links = link_columns(source.relation)
            if source.parent is not None:
                above = planner.mapping.table(source.parent.table).row_id
                self.links = (above,) if not source.parent.parents else (planner.mapping.table(root_of(source)).row_id, above)
        self.star, self.trees = self._selection()
        self.whole = self.star and all(item.path == ("*",) for _, item in self.trees)
        self.computed: Members = ()
        self._allocated: set[str] = set()
        self._of_type: dict[str, dict[str, Member]] = {}
        self.nested = Nested(self.model, self.table, source, self.add)
        self._whole: dict[tuple[str, str], Member] = {}
        self._columns: dict[str, int] = {}
        if source.parent is None and isinstance(source.relation, Reference | Inverse):     # link columns are columns of the row
            self._columns.update((column.name, at) for at, column in enumerate(self.links))

    # --- columns -----------------------------------------------------------------------------------------

    def add(self, output: Output) -> int:
        """The position of an output in the row (behind the link columns), adding it once."""
        found = self.positions.get(output)
        if found is None:
            found = self.positions[output] = len(self.links) + len(self.outputs)
            self.outputs.append(output)
        return found

    def column(self, column: Column) -> int:
        """The position of a column, which its name tells from the others."""
        found = self._columns.get(column.name)
        if found is None:
            found = self._columns[column.name] = len(self.links) + len(self.outputs)
            self.outputs.append(Output(column, None, column.edm))
        return found

    def output_of(self, item: Order) -> int:
        if item.column is not None:
            return self.column(item.column)
        assert item.expression is not None
        kind = getattr(item.expression, "type", "")
        return self.add(Output(expression=item.expression, type="" if kind in types.ABSTRACT else kind))

    def link_positions(self, relation: Followed, by_row: bool = False) -> tuple[int, ...]:
        """Positions of the values that related rows are found by; `by_row`: the row id, whatever the relation."""
        match relation:
            case _ if by_row:           # below the first level with that of `$it` in front, which is the first of the row
                own = (self.column(self.table.row_id),)
                return (0, *own) if self.source.parents else own
            case Reference(own=own) | Inverse(own=own):
                return tuple(self.column(column) for column in own)
            case Link() | Contained() | DocumentLink():
                return (self.column(self.table.row_id),)
            case Whole():
                return ()

    def looking_back(self) -> tuple[Column, ...]:
        """The link columns of an expansion whose options look back at `$it`."""
        own = (self.table.row_id,)
        return own if not self.source.parents else (self.planner.mapping.table(root_of(self.source)).row_id, *own)

    # --- selection ---------------------------------------------------------------------------------------

    def _selection(self) -> tuple[bool, list[tuple[str | None, bound.SelectItem]]]:
        """Whether all structural properties are selected, and the selected paths with the type of their first cast."""
        if self.options.select is None:
            return True, []
        star = any(item.path == ("*",) for item in self.options.select)
        trees: list[tuple[str | None, bound.SelectItem]] = []
        for item in self.options.select:
            cast = item.path[0] if item.path and "." in item.path[0] else None
            trees.append((cast, item))
        return star, trees

    def _selected(self, variant: str, name: str) -> SelectTree | bool:
        """True: the member whole; False: not at all; a tree: parts of it."""
        tree: dict[str, Any] = {}
        narrowed = False
        for cast, item in self.trees:
            if item.kind not in ("property", "dynamic", "stream", "star"):
                continue
            path = item.path
            if cast is not None:
                if not self.model.is_a(variant, self.model.full(cast)):
                    continue
                path = path[1:]
            if not path or path[0] != name:
                continue
            grow(tree, path, item.options)
            narrowed = True
            if tree[name] is None:
                return True
        return tree[name] if narrowed else self.star        # a path into a complex value narrows it, even beside '*'

    def build(self) -> Shape:
        table = self.table
        type_names = self.source.types or table.concrete or (self.source.type,)
        variants = self._variants(type_names)
        needs = self.planner.followed(self.source, self.options.expand)
        discriminator = self.column(table.discriminator) if table.discriminator and (
            len(table.concrete) > 1 or table.concrete != (self.source.type,)) else None
        version = self.column(table.version)
        family = self.planner.mapping.family(self.source.table)
        streamed = any(self.model.has_stream(each) for each in family) or any(
            isinstance(each, StreamSlot) for each in table.members.values())
        row = self.column(table.row_id) if streamed else None
        key = tuple((name, self.column(column), column) for name, column in table.key)
        dynamic, names = self._dynamic()
        self.computed = tuple(self._computed())
        expansions = tuple(self.planner.expansion(self, item) for item in needs if item.navigation is not None)
        navigations, operations = self._links_selected()
        nested = self.nested
        nested.visit(self.options.select or (), self.source.type)
        return Shape(self.source.table, self.source.type, variants, discriminator, version, row, key, expansions, dynamic,
                     names, self.options.select is None or self.star, navigations, operations, self._streams(),
                     tuple(nested.choices), tuple(nested.parts), tuple(nested.inner), tuple(self._inlined()))

    def _variants(self, names: tuple[str, ...]) -> Mapping[str, Members]:
        """The members that entities of each type show, and `computed` ones behind them; their columns are allocated now."""
        if not self.whole:
            made = {name: tuple(self._selected_members(name)) for name in names}
            return Variants(names, lambda name: made[name] + self.computed)
        for name in names:
            self._allocate(name)
        return Variants(names, lambda name: (*self._all(name).values(), *self.computed))

    def _selected_members(self, variant: str) -> Iterator[Member]:
        for name, member in self.model.properties(variant).items():
            selected = self._selected(variant, name)
            if selected is False and any(len(item.path) > 1 and item.path[0] == name for item in self.options.expand):
                selected = {}                # nothing of it but what is expanded in it
            if selected is not False:
                owner = self.model.declaring(variant, name) or variant
                made = self._kept(owner, member, None if selected is True else selected)
                if made is not None:
                    yield made

    def _own(self, type: str) -> tuple[str | None, list[tuple[str, Property]]]:
        """The base of a type, where the table can hold it too, and (declaring type, property) of what that does not have;
        nothing of a type that is hidden."""
        line, kind = self.model.lineage(type), self.model.structured(type)
        if kind is not None and self.table.type in line[1:]:
            return line[1], [(type, each) for each in kind.properties]
        return None, [(self.model.declaring(type, name) or type, each) for name, each in self.model.properties(type).items()]

    def _allocate(self, type: str) -> None:
        """Allocates the columns of every member of a type, those of its base first."""
        if type in self._allocated:
            return
        self._allocated.add(type)
        above, own = self._own(type)
        if above is not None:
            self._allocate(above)
        for owner, member in own:
            storage = self.table.members[owner, member.name]
            if isinstance(storage, Scalar) and not vocabularies.shows_etag(self.model, owner, member):
                self.column(storage.column)
            else:
                self._kept(owner, member, None)

    def _all(self, type: str) -> dict[str, Member]:
        """Every member of a type by name, those of its base first."""
        known = self._of_type.get(type)
        if known is None:
            above, own = self._own(type)
            known = {} if above is None else dict(self._all(above))
            known |= {each.name: made for owner, each in own if (made := self._kept(owner, each, None)) is not None}
            self._of_type[type] = known
        return known

    def _kept(self, owner: str, member: Property, tree: SelectTree | None) -> Member | None:
        """A member that a type declares, all of it or a part; None for a stream."""
        if tree is None and (known := self._whole.get((owner, member.name))) is not None:
            return known
        storage = self.table.members[owner, member.name]
        if isinstance(storage, StreamSlot):
            return None
        if vocabularies.shows_etag(self.model, owner, member):
            return Member(member.name, self.column(self.table.version), None, "Edm.String", tag=True)
        made = self._member(member, storage, tree)
        if vocabularies.below_root(self.model, owner, member):
            made = replace(made, below_root=True)
        if tree is None:
            self._whole[owner, member.name] = made
        return made

    def _member(self, member: Property, storage: object, tree: SelectTree | None) -> Member:
        ref = self.model.underlying(member.type)
        match storage:
            case Scalar(column):
                return Member(member.name, self.column(column), storage, ref.name)
            case Flat(type, members, present):
                inner = []
                for name, own in self.model.properties(type).items():
                    if tree is None or name in tree:
                        inner.append(self._member(own, members[name], tree.get(name) if tree else None))
                index = self.column(present) if present is not None else -1
                return Member(member.name, index, storage, type, False, tuple(inner))
            case Document(column, type, collection):
                return Member(member.name, self.column(column), storage, type, collection, selected=tree)
        raise AssertionError(storage)

    def _computed(self) -> list[Member]:
        found = []
        for computed in shown(self.options):
            index = self.add(Output(expression=computed.expression, type=computed.type))
            found.append(self._computed_member(computed, index))
        return found

    def _computed_member(self, computed: bound.ComputedProperty, index: int) -> Member:
        """The member of a computed property; a value that is kept as JSON is written as what is stored is."""
        expression, type, many = computed.expression, self.model.full(computed.type), computed.collection
        kind = self.model.kind(type)
        if kind == "entity":
            raise NotImplementedByService(feature=f"An entity as the computed property '{computed.name}'", target="$compute")
        if not many and kind != "complex" and type not in types.ABSTRACT | types.GEO:
            return Member(computed.name, index, None, type, computed=True)
        stored = Document(Column(computed.name, "json", "json"), type, many)
        kept = -1
        if isinstance(expression, bound.DynamicPath):
            kept = self.add(Output(expression=replace(expression, name=expression.name + TYPE), type="Edm.String"))
        return Member(computed.name, index, stored, type, many, computed=True, typed_by=kept)

    def _dynamic(self) -> tuple[int | None, frozenset[str] | None]:
        if self.table.dynamic is None:
            return None, None
        if self.star:
            return self.column(self.table.dynamic), None
        paths = [item.path[1:] if cast else item.path for cast, item in self.trees if item.kind == "dynamic"]
        names = frozenset(path[0] for path in paths if not self._declared(path[0]))
        return (self.column(self.table.dynamic), names) if names else (None, None)

    def _declared(self, name: str) -> bool:
        """Whether every entity has the property by its type, so that none has a dynamic one of the name."""
        return all(name in self.model.properties(each) for each in self.planner.mapping.family(self.source.table))

    def _links_selected(self) -> tuple[frozenset[str] | None, frozenset[str] | None]:
        if self.options.select is None:
            return None, None
        navigations = frozenset(item.path[-1] for _, item in self.trees if item.kind == "navigation")
        operations = frozenset(item.path[-1] for _, item in self.trees if item.kind == "operations")
        return navigations, operations

    def _inlined(self) -> Iterator[Inline]:
        """The streams that `$expand` names."""
        for item in self.options.expand:
            if item.navigation is None:
                path = tuple(step for step in item.path if "." not in step)
                type = self.source.type
                for step in item.path[:-1]:
                    declared = self.model.properties(type).get(step)
                    if declared is not None and declared.type.collection:
                        raise NotImplementedByService(feature="$expand of a stream in a collection of complex values")
                    type = self.model.full(step) if declared is None else declared.type.name
                yield Inline(path, "/".join(path))

    def _streams(self) -> frozenset[str] | None:
        if self.star:
            return None
        return frozenset(item.path[-1] for _, item in self.trees if item.kind == "stream")


def root_of(source: Source) -> str:
    """The table of the entities that `$it` stands for inside an expansion."""
    while source.parent is not None:
        source = source.parent
    return source.table


def link_columns(relation: Followed) -> tuple[Column, ...]:
    """The columns that a child query selects first: those by which its rows are handed to their parents."""
    match relation:
        case Reference(other=other) | Inverse(other=other):
            return other
        case Link(own=own):
            return (own,)
        case DocumentLink(columns=columns):
            return columns[:2]
        case Contained():
            return (Column("_owner", "Edm.Int64", "Edm.Int64"),)
        case Whole() | Unbound():
            return ()

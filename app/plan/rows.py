"""Plans of the rows that `$apply` makes of entities: groups, aggregates, collections held by rows (Data Aggregation §3).

No SQL, no values of the request. Raises NotImplementedByService, by name, for what rows cannot show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.bind import nodes as bound
from app.errors import NotImplementedByService
from app.plan.nested import shown_of_rows
from app.plan.nodes import Cell, Held, Items, Order, Output, Product, Query, Read, Rows, Slot, Source
from app.store.mapping import Inverse

if TYPE_CHECKING:
    from app.plan.read import Planner

ABSENT, EXISTS = "@absent", "@exists"
BOOLEAN = "Edm.Boolean"
TOLD = ("Edm.String", "Edm.Boolean", "Edm.Double")      # types that JSON tells
MAKES_ROWS = (bound.Aggregate, bound.Nest)


class RowPlanner:
    """Plans the rows of one query; `links`: columns that a child query selects first; `product`: the sets of `$crossjoin`;
    `items`: the values that rows are made of."""

    def __init__(self, planner: Planner, source: Source, options: bound.Options, links: int = 0, product: Product = (),
                 items: Items | None = None) -> None:
        assert options.apply is not None
        self.product, self.items = dict(product), items
        self.type = source.type if items is None else items.type
        self.planner, self.model, self.source = planner, planner.model, source
        self.options, self.apply, self.links = options, options.apply, links
        self.outputs: list[Output] = []
        self.places: dict[tuple[str, str, bool], int] = {}
        self.expanded = {item.path: item for item in options.expand}

    def rows(self, limit: Slot | None = None) -> Rows:
        """The plan. A child query is cut per parent, else by `limit`."""
        cells, held = [], []
        for each in sorted(shown_of_rows(self.options), key=lambda one: bool(one.path)):       # an instance first
            if each.nested is not None:
                if not self.expanded or each.path in self.expanded:
                    held.append(self.held(each.path[0], each.nested))
                continue
            cell = self.cell(each)
            if cell is not None:
                cells.append(cell)
        if not self.outputs:            # a row that holds collections only
            self.outputs.append(Output(expression=bound.Literal(True, BOOLEAN), type=BOOLEAN))
        child = self.source.parents
        skip = amount(self.options.skip) if child else Slot("skip")
        query = Query(self.source, tuple(self.outputs), self.options.filter, self.options.search, self.order(), None, skip,
                      amount(self.options.top) if child else None, limit, self.options.compute, self.apply, self.links,
                      product=tuple(self.product.items()), items=self.items)
        empty = None
        if child and makes_rows(self.apply):
            nowhere = Source(self.source.table, self.source.type, predicate=bound.Literal(False, BOOLEAN),
                             grants=self.source.grants)
            empty = replace(query, source=nowhere, limit=query.top, top=None, links=0)
        return Rows(query, tuple(cells), tuple(held), empty)

    def order(self) -> tuple[Order, ...]:
        return tuple(Order(item.expression, item.descending) for item in self.options.orderby)

    def add(self, name: str, type: str, collection: bool = False) -> int:
        """The position of a value of the row."""
        at = self.places.setdefault((name, type, collection), len(self.outputs))
        if at == len(self.outputs):
            self.outputs.append(Output(expression=bound.AliasPath(name, type, collection), type=type))
        return self.links + at

    # --- cells -------------------------------------------------------------------------------------------

    def cell(self, each: bound.RowProperty) -> Cell | None:
        """One property; None where `$expand` names others."""
        name = "/".join(each.path)
        type, navigation = self.leads(each.path)
        entity = each.navigation and not each.collection
        item = None
        if self.expanded and navigation and each.path:
            item = self.expanded.get(each.path[:navigation])
            if item is None:
                return None
            if not entity and not _within(item, each.path[navigation:]):
                return None
        at = self.add(name, each.type, each.collection)
        absent = self.add(name + ABSENT, BOOLEAN)
        marks = tuple((steps, self.add("/".join(each.path[:steps]) + EXISTS, BOOLEAN)) for steps in range(1, len(each.path)))
        if entity:
            read = self.entity(each, item)
            return Cell(each.path, each.type, False, at, absent, marks, False, read, "" if item is None else item.suffix)
        declared = type is not None
        annotated = not declared and len(each.path) == 1 and each.type not in TOLD
        return Cell(each.path, each.type, each.collection, at, absent, marks, annotated)

    def leads(self, path: tuple[str, ...]) -> tuple[str | None, int]:
        """The declared type at the end of a path, None where it is none of declared properties; how many of its steps lead
        to the last navigation property."""
        type, last = self.type, 0
        for count, step in enumerate(path, 1):
            if count == 1 and step in self.product:
                type, last = self.product[step].type, 1
                continue
            if self.product and count == 1:
                return None, 0
            navigation = self.model.navigations(type).get(step)
            declared = self.model.properties(type).get(step)
            if "." in step:
                type = self.model.full(step)
            elif navigation is not None:
                type, last = navigation.type, count
            elif declared is not None:
                type = self.model.full(declared.type.name)
            else:
                return None, last
        return type, last

    def entity(self, each: bound.RowProperty, item: bound.ExpandItem | None) -> Read:
        """What reads the entities of a grouping path by their row ids."""
        options = bound.Options() if item is None else item.options
        if item is not None and (item.cast or item.levels != 1):
            raise NotImplementedByService(feature=f"This form of expanding '{'/'.join(each.path)}' behind $apply")
        if not each.path:
            selected = self.options.select
            if selected is not None:
                selected = tuple(one for one in selected if one.kind != "computed")
            options = bound.Options(selected, self.options.expand)
        table = self.table_of(each.path)
        own = (self.planner.mapping.table(table).row_id,)
        source = Source(table, each.type, relation=Inverse(table, own, own, ("", "")), parents=True,
                        grant=self.planner.granted(table, True), grants=self.source.grants)
        return self.planner.read(source, options, collection=False)

    def table_of(self, path: tuple[str, ...]) -> str:
        """The table of the entities at the end of a grouping path."""
        if self.items is not None:
            raise NotImplementedByService(feature=f"Grouping values by '{'/'.join(path)}'" if path else "Values beside rows")
        table, type = self.source.table, self.source.type
        if path and path[0] in self.product:
            table, type, path = self.product[path[0]].table, self.product[path[0]].type, path[1:]
        for step in path:
            if "." in step:
                type = self.model.full(step)
                continue
            navigation = self.model.navigations(type).get(step)
            if navigation is None:
                raise NotImplementedByService(feature=f"Grouping by '{'/'.join(path)}'")
            table = self.planner.mapping.target(table, type, step) or table
            type = navigation.type
        return table

    # --- collections held by rows ------------------------------------------------------------------------

    def held(self, name: str, nested: bound.Apply) -> Held:
        """The collections that `nest` puts into the rows, all of them by one query (§3.5.2)."""
        item = self.expanded.get((name,))
        if item is not None and (item.options != bound.Options() or item.suffix):
            raise NotImplementedByService(feature=f"Options of '{name}', which nest made,")
        if self.items is not None:
            raise NotImplementedByService(feature="nest of values")
        inner, groups = _unnested(self.apply, name, nested)
        keys = dict(pair for each in groups for pair in self.keys(each))
        own = (*range(self.links), *(self.add(key, each.type) for key, each in keys.items()))
        options, first = bound.Options(apply=inner), tuple(range(self.links))
        shown = bound.Options(apply=nested)
        if nested.row is not None:
            hidden = frozenset(each.path for each in groups) - {each.path for each in nested.row}
            planner = RowPlanner(self.planner, self.source, options, self.links)
            rows = planner.rows()
            found = (*first, *(planner.add(key, each.type) for key, each in keys.items()))
            query = replace(rows.query, outputs=tuple(planner.outputs), skip=None)
            kept = tuple(each for each in rows.cells if each.path not in hidden)
            return Held(name, own, replace(rows, query=query, cells=kept, empty=None), found, shown)
        outputs = tuple(keys.values())
        read, at = self.planner.read_with(self.source, options, outputs)
        return Held(name, own, read, (*first, *at), shown)

    def keys(self, group: bound.RowProperty) -> Iterator[tuple[str, Output]]:
        """What tells the groups of a grouping property from each other: its value, and whether what its path runs through is
        there and of the type that is asked for."""
        yield "/".join(group.path), Output(expression=group.expression, type=group.type)
        node: Any = group.expression
        for steps in range(len(group.path) - 1, 0, -1):
            node = getattr(node, "base", None)
            match node:
                case bound.CastPath(base, type):
                    test: bound.Expression = bound.IsOf(base, type)
                case bound.NavigationPath() | bound.PropertyPath():
                    kind = "entity" if isinstance(node, bound.NavigationPath) else "complex"
                    test = bound.Compare("ne", node, bound.Literal(None, "null"), kind)
                case _:
                    continue
            yield "/".join(group.path[:steps]) + EXISTS, Output(expression=test, type=BOOLEAN)


def _unnested(apply: bound.Apply, name: str, nested: bound.Apply) -> tuple[bound.Apply, tuple[bound.RowProperty, ...]]:
    """The sequence with what `nest` nests in the place of `nest`, and the properties that it is grouped by. Raises
    NotImplementedByService where other transformations follow than those that leave rows out."""
    *before, last = apply.transformations
    while isinstance(last, bound.Filter | bound.OrderBy | bound.TopSkip | bound.Identity) and before:
        last = before.pop()
    if isinstance(last, bound.Nest) and any(each == name for each, _ in last.items):
        return replace(nested, transformations=(*before, *nested.transformations)), ()
    if isinstance(last, bound.GroupBy) and last.then is not None:
        then, groups = _unnested(last.then, name, nested)
        if not groups and all(isinstance(each, bound.RowProperty) for each in last.items):
            own = tuple(each for each in last.items if isinstance(each, bound.RowProperty))
            row = None
            if nested.row is not None:
                taken = {each.path for each in nested.row}
                row = (*(replace(each, expression=None) for each in own if each.path not in taken), *nested.row)
            return replace(nested, transformations=(*before, replace(last, then=then)), row=row), own
    raise NotImplementedByService(feature=f"'{name}', which nest makes, in this place")


def start_of(apply: bound.Apply, source: Source, planner: Planner) -> Source:
    """The entities that a sequence is about: those that a function found, where it begins with these. Raises Forbidden where
    they may not be read."""
    first = apply.transformations[0]
    if not isinstance(first, bound.Given) or (first.table, first.type) == (source.table, source.type):
        return source
    return planner.narrow(planner.start(first.table, planner.mapping.declared_type(first.table)), first.type)


def amount(value: int | bound.Parameter | None) -> Slot | int | None:
    """$top or $skip as a plan has it: its place among the values of a request."""
    return Slot("literal", value.index, "Edm.Int64") if isinstance(value, bound.Parameter) else value


def makes_rows(apply: bound.Apply) -> bool:
    """Whether a sequence has a result for no entities at all."""
    return any(isinstance(each, MAKES_ROWS) or isinstance(each, bound.Concat) and any(map(makes_rows, each.sequences))
               for each in apply.transformations)


def _within(item: bound.ExpandItem, path: tuple[str, ...]) -> bool:
    """Whether an expand item shows a property of what a grouping path runs through."""
    options = item.options
    if item.suffix or replace(options, select=None) != bound.Options():
        raise NotImplementedByService(feature=f"Options of '{'/'.join(item.path)}', of which only parts are grouped,")
    return options.select is None or any(one.kind == "star" or path[:len(one.path)] == one.path for one in options.select)

"""Nested options: what the parentheses of a selected property ask for, as choices of items and computed parts.

`$select=Tags($filter=…;$orderby=…;$top=1)`, `$select=Address($compute=… as x;$select=x)`, at any depth. A property that is
addressed with options is read the same way. Protocol §11.2.5.1; URL Conventions §5.1.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from app.bind import nodes as bound
from app.edm import types
from app.edm.index import Model
from app.edm.model import NavigationProperty, Property
from app.errors import NotImplementedByService
from app.plan.nodes import Choice, Inner, ItemQuery, Order, Output, Part, Source
from app.store.mapping import Inverse, Table

# A dynamic value has a sort key for each kind that it may be of; the last: any value that JSON keeps as a string.
DYNAMIC_KINDS = ("Edm.Boolean", "Edm.Decimal", "Edm.PrimitiveType")
Steps = tuple[bound.PathStep, ...]


@dataclass(slots=True)
class Nested:
    """Gathers the choices and parts of the selected properties of one query over `source`; `add` allocates outputs of it."""

    model: Model
    table: Table
    source: Source
    add: Callable[[Output], int]
    choices: list[Choice] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    inner: list[Inner] = field(default_factory=list)

    def visit(self, select: tuple[bound.SelectItem, ...], type: str, above: Steps = (), inside: bool = False) -> None:
        """The items of a `$select` over values of `type`, which `above` leads to; `inside`: through a collection."""
        for item in select:
            if item.options is None:
                continue
            steps, last, collection, through = walk(item.path, type, self.model)
            steps, through, options = above + steps, inside or through, item.options
            self.visit(options.select or (), last, steps, through or collection)
            if collection:
                self.choose(steps, last, options)
            elif options.compute and through:
                self.compute_inside(steps, options)
            else:
                self.compute(steps, options)

    def choose(self, steps: Steps, type: str, options: bound.Options) -> None:
        """The items of the collection at the end of `steps`."""
        computed = primitive(options, self.model)
        order = tuple(order for item in options.orderby for order in sort_keys(item))
        query = None
        looks_back = self.looks_back(options)
        if options.filter is not None or options.search is not None or order or computed:
            outputs = tuple(Output(expression=each.expression, type=each.type) for each in computed)
            if options.search is not None:
                outputs += (Output(expression=bound.This(type)),)
            query = ItemQuery(self.items(looks_back), steps, options.filter, order, options.compute, outputs)
        if query is None and options.top is None and options.skip is None and not options.count:
            return
        self.choices.append(Choice(names(steps), self.own(looks_back), query, computed, options.search, options.top,
                                   options.skip, options.count))

    def looks_back(self, options: bound.Options) -> bool:
        """Whether options are about `$it`, which is not the entity that they are nested in."""
        return self.source.parents and mentions(options)

    def items(self, looks_back: bool) -> Source:
        """The entities whose items are read, by their row ids."""
        own = (self.table.row_id,)
        return Source(self.table.id, self.table.type, relation=Inverse(self.table.id, own, own, ("", "")), parents=True,
                      parent=self.source if looks_back else None, grants=self.source.grants)

    def own(self, looks_back: bool) -> tuple[int, ...]:
        """The positions of what an entity and `$it` are found by."""
        row = self.add(Output(column=self.table.row_id, type=self.table.row_id.edm))
        return (0, row) if looks_back else (row,)

    def compute(self, steps: Steps, options: bound.Options) -> None:
        """The computed members of the complex value at the end of `steps`."""
        within = path_of(steps, bound.This(self.table.type))
        for each in primitive(options, self.model):
            index = self.add(Output(None, each.expression, each.type, within, options.compute))
            self.parts.append(Part(names(steps), each.name, each.type, index))

    def compute_inside(self, steps: Steps, options: bound.Options) -> None:
        """The computed members of the complex values that `steps` lead to through a collection."""
        computed = primitive(options, self.model)
        if computed:
            self.beside(steps, lambda within: tuple(Output(None, each.expression, each.type, within, options.compute)
                                                    for each in computed),
                        [each.name for each in computed], self.looks_back(options))

    def count(self, steps: Steps, name: str, counting: Callable[[bound.Expression], bound.Expression], back: bool) -> None:
        """The number of entities related to each of the complex values that `steps` lead to through a collection."""
        self.beside(steps, lambda within: (Output(expression=counting(within), type="Edm.Int64"),), [name],
                    back and self.source.parents, True)

    def beside(self, steps: Steps, outputs: Callable[[bound.Expression], tuple[Output, ...]], called: list[str], back: bool,
               count: bool = False) -> None:
        """What is computed of the complex values that `steps` lead to through a collection."""
        at = max(index for index, step in enumerate(steps)
                 if isinstance(step, bound.PropertyStep) and step.property.type.collection) + 1
        start = steps[at - 1]
        assert isinstance(start, bound.PropertyStep)
        found = outputs(path_of(steps[at:], bound.This(self.model.full(start.property.type.name))))
        parts = tuple(Part(names(steps[at:]), name, each.type, index, count)
                      for index, (name, each) in enumerate(zip(called, found, strict=True)))
        self.inner.append(Inner(names(steps[:at]), self.own(back), ItemQuery(self.items(back), steps[:at], outputs=found), parts))


def walk(path: tuple[str, ...], type: str, model: Model) -> tuple[Steps, str, bool, bool]:
    """The steps of a selected path, its type, whether it ends in a collection and whether it ran through one."""
    steps: list[bound.PathStep] = []
    collection = through = False
    for name in path:
        through = through or collection
        collection = False
        declared = model.properties(type).get(name)
        if "." in name:
            type = model.full(name)
            steps.append(bound.CastStep(type))
        elif declared is not None:
            ref = model.underlying(declared.type)
            steps.append(bound.PropertyStep(declared, type))
            type, collection = model.full(ref.name), ref.collection
        else:
            steps.append(bound.DynamicStep(name))
            type, collection = "Edm.Untyped", True
    return tuple(steps), type, collection, through


def path_of(steps: Steps, start: bound.Expression) -> bound.Expression:
    """The expression of the value that steps lead to."""
    for step in steps:
        match step:
            case bound.PropertyStep(declared, owner):
                start = bound.PropertyPath(start, declared, owner, declared.type.name)
            case bound.CastStep(type):
                start = bound.CastPath(start, type)
            case bound.DynamicStep(name):
                start = bound.DynamicPath(start, name)
    return start


def names(steps: Steps) -> tuple[str, ...]:
    """The member names on a path, casts left out."""
    return tuple(step.property.name if isinstance(step, bound.PropertyStep) else step.name for step in steps
                 if isinstance(step, bound.PropertyStep | bound.DynamicStep))


def grow(tree: dict[str, Any], path: tuple[str, ...], options: bound.Options | None = None) -> None:
    """Adds a path, and what is selected below it, to a selection tree; a leaf (None) selects all below it."""
    *above, last = [step for step in path if "." not in step and step != "*"]
    for step in above:
        tree = tree.setdefault(step, {})
        if tree is None:
            return
    nested = options.select if options is not None else None
    if nested is None or any(each.path == ("*",) for each in nested):
        tree[last] = None
    elif tree.setdefault(last, {}) is not None:
        for each in nested:
            if each.kind not in ("computed", "annotation", "operations"):
                grow(tree[last], each.path, each.options)


def shown(options: bound.Options) -> tuple[bound.ComputedProperty, ...]:
    """Of the properties added by `$compute` and `$apply` those that the answer shows: all, or those selected (Protocol
    §11.2.5.3)."""
    aliases = options.apply.aliases if options.apply is not None else ()
    added = (*(bound.ComputedProperty(each.name, bound.AliasPath(each.name, each.type), each.type) for each in aliases
               if each.type.startswith("Edm.")), *options.compute)
    if options.select is None or any(item.path == ("*",) for item in options.select):
        return added
    wanted = {item.path[-1] for item in options.select if item.kind == "computed"}
    return tuple(each for each in added if each.name in wanted)


def primitive(options: bound.Options, model: Model) -> tuple[bound.ComputedProperty, ...]:
    """The shown properties where only primitive ones can be: raises NotImplementedByService for another."""
    for each in shown(options):
        if each.collection or each.type in types.ABSTRACT | types.GEO or model.kind(each.type) in ("entity", "complex"):
            raise NotImplementedByService(feature=f"'{each.name}' as a computed property of a value", target="$compute")
    return shown(options)


def shown_of_rows(options: bound.Options) -> tuple[bound.RowProperty, ...]:
    """The properties of the rows that `$apply` made which the answer shows: those that `$select` leaves, and those of
    `$compute`."""
    assert options.apply is not None
    computed = (bound.RowProperty((each.name,), each.type) for each in options.compute)
    found = (*(options.apply.row or ()), *computed)
    if options.select is None or any(item.kind == "star" for item in options.select):
        return found
    wanted = {item.path for item in options.select}
    return tuple(each for each in found if not each.path or any(each.path[:len(path)] == path for path in wanted))


def sort_keys(item: bound.OrderItem) -> tuple[Order, ...]:
    """The sort keys of an item of `$orderby`: one for each kind of value where it is dynamic."""
    expression = item.expression
    if isinstance(expression, bound.DynamicPath | bound.This) and expression.type in types.ABSTRACT:
        return tuple(Order(bound.Cast(expression, kind), item.descending) for kind in DYNAMIC_KINDS)
    return (Order(expression, item.descending),)


def mentions(node: object, kind: type = bound.It) -> bool:
    """Whether a node of this kind, `$it`, stands anywhere in an expression, or in a tuple of nodes."""
    if isinstance(node, kind):
        return True
    if isinstance(node, tuple):
        return any(mentions(each, kind) for each in node)
    if not is_dataclass(node) or isinstance(node, Property | NavigationProperty):
        return False
    return any(mentions(getattr(node, each.name), kind) for each in fields(node))

"""Apply: each transformation of `$apply` as a step from one stage to the next.

Steps are lazy: a sequence is a function that makes its stage, so that `concat` and `rollup` can start from the same input
more than once. Data Aggregation §3; peewee-recipes §16.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import peewee as pw

from app import errors
from app.bind import nodes as bound
from app.plan.nodes import Items, Product, Slot, Source
from app.sql import aggregates, expression, hierarchies, members, paths, relations, search, sources, stages, terms, walks
from app.sql.scope import Build, Frame, Json, Members, Operand, Row, Staged
from app.sql.sources import Opened
from app.sql.stages import Make, Stage, sealed
from app.sql.statement import Bind


PARENT, ROLLUP_NODE = "@parent", "@rollupnode"
ONE_ROW = bound.AggregateExpression(None, "count", "@nest", "Edm.Decimal")


def applied(apply: bound.Apply, source: Source, opened: Opened, product: Product = ()) -> Opened:
    """The rows that `$apply` makes of the rows of a source; of an expanded path for each parent apart; of the combinations of
    a `product`."""
    build = opened.frame.build
    links = [column for _, column in opened.links]
    again = [opened]

    def make() -> Stage:
        found = again.pop() if again else sources.open_source(source, build)
        assert isinstance(found.this, Row)
        if product:
            return combinations(found, product)
        groups = {f"{PARENT}{index}": Operand(node, column.edm, column, False)
                  for index, (node, column) in enumerate(found.links)}
        return Stage(build, found.frame, found.this, [*found.where, *sources.among_parents(found)], groups=groups)
    stage = within_groups(apply, make)()
    parents = [stage.groups[f"{PARENT}{index}"].node for index in range(len(links))]
    return Opened(stage.frame, stage.this, stage.where, tuple(zip(parents, links)), False, stage.this, stage.names,
                  stage.total_order())


def of_items(apply: bound.Apply, items: Items, source: Source, build: Build) -> Opened:
    """The rows that `$apply` makes of the items of a collection of values."""
    for each in apply.transformations:
        recursive = isinstance(each, bound.GroupBy) and any(isinstance(item, bound.RollupRecursive) for item in each.items)
        if recursive or isinstance(each, bound.Relatives | bound.Traverse):
            raise errors.NotImplementedByService(feature=f"A hierarchy of {items.type}, which is no entity type,")

    def unknown(each: Source) -> Stage:
        opened = sources.open_source(each, build)
        return Stage(build, opened.frame, Staged(opened.frame, {}), opened.where)

    def make() -> Stage:
        if items.sources:
            return stages.union([unknown(each) for each in items.sources])
        if items.document is not None:
            found = walks.listed(items.document, items.type, build)
        else:
            opened = sources.open_source(source, build)
            found, _ = walks.walked(items.steps, Members(opened.frame, opened.where, opened.row), build)
        if not isinstance(found.member, Json):
            raise errors.NotImplementedByService(feature=f"$apply on a collection of {items.type}")
        assert found.position is not None
        place = Operand(found.position, "Edm.Int64", nullable=False)
        return Stage(build, found.frame, found.member, found.where, {stages.PLACE: place})
    stage = within_groups(apply, make)()
    return Opened(stage.frame, stage.this, stage.where, (), False, stage.this, stage.names, stage.total_order())


def combinations(opened: Opened, product: Product) -> Stage:
    """The rows of `$crossjoin`: their columns are the row ids of its entities, their names these entities."""
    build, frame, where = opened.frame.build, opened.frame, list(opened.where)
    rows = {product[0][0]: opened.row}
    for name, source in product[1:]:
        table = build.mapping.table(source.table)
        alias = build.table(table.name)
        rows[name] = Row(frame, alias, table)
        frame.join(alias, terms.TRUE, pw.JOIN.INNER)
        where.extend(sources.own_conditions(source, rows[name]))
    columns = {name: paths.row_id(row) for name, row in rows.items()}
    return Stage(build, frame, Staged(frame, columns), where, dict(rows))


def sequence(apply: bound.Apply, make: Make) -> Make:
    """What a sequence of transformations makes of its input.

    Raises NotImplementedByService for a transformation that SQL does not compute here.
    """
    for each in apply.transformations:
        make = step(each, make)
    return make


def step(node: bound.Transformation, make: Make) -> Make:
    """What one transformation makes of its input."""
    match node:
        case bound.Identity():
            return make
        case bound.Aggregate(expressions):
            return lambda: aggregates.aggregate(expressions, make)
        case bound.GroupBy():
            return lambda: group(node, make)
        case bound.Concat(sequences):
            return lambda: stages.union([within_groups(each, make)() for each in sequences])
        case bound.Nest():
            return lambda: aggregates.aggregate((ONE_ROW,), make)
        case bound.AddNested():         # what it adds is read beside the instances
            return make
        case bound.Relatives():
            return lambda: hierarchies.relatives(node, make, sequence, amount_of)
        case bound.Traverse():
            return lambda: hierarchies.traverse(node, make, sequence)
        case bound.Given():
            return lambda: given(node, make().build)
    change = CHANGES.get(type(node))
    if change is None:
        raise errors.NotImplementedByService(feature=f"The transformation {type(node).__name__.lower()}")
    return lambda: change(node, again(make))


def again(make: Make) -> Stage:
    """The input of a transformation, which `$these` may open once more."""
    stage = make()
    stage.again = make
    return stage


def given(node: bound.Given, build: Build) -> Stage:
    """The entities that a function found, as one list parameter of places and row ids."""
    table = build.mapping.table(node.table)
    columns = (table.row_id, table.row_id)
    mark = pw.Value(build.dialect.rows_writer(columns)(list(enumerate(node.rows))), unpack=False)
    listed: Any = build.dialect.rows_source(mark, columns, build.alias())
    place, id = listed.columns
    alias = build.table(table.name)
    frame = Frame(build, listed.table)
    row = Row(frame, alias, table, ("instance",))
    frame.join(alias, terms.compare(row.column(table.row_id), "=", id), pw.JOIN.INNER)
    order = [(Operand(place, "Edm.Int64", nullable=False), False)]
    return Stage(build, frame, row, [*relations.narrowed(build, row, node.type), *relations.granted(row)], order=order)


# --- transformations of one stage ------------------------------------------------------------------------

def filtered(node: bound.Filter, stage: Stage) -> Stage:
    stage.where.append(expression.condition(node.predicate, stage.scope))
    return stage


def searched(node: bound.Search, stage: Stage) -> Stage:
    stage.where.append(search.matches(node.search, [stage.this], stage.build))
    return stage


def computed(node: bound.Compute, stage: Stage) -> Stage:
    """Added properties of instances stay expressions; those of rows become columns of the row."""
    if not isinstance(stage.this, Staged):
        stage.names.update((each.name, each.expression) for each in node.items)
        return stage
    columns = dict(stage.this.columns)
    for each in node.items:
        columns = {**columns, each.name: expression.value(each.expression, stage.scope)}
        stage.this = Staged(stage.frame, columns)
    return stage


def ordered(node: bound.OrderBy, stage: Stage) -> Stage:
    """A stable sort: what was sorted by before decides among equals."""
    items = [(expression.value(each.expression, stage.scope), each.descending) for each in node.items]
    stage.order = [*items, *stage.order]
    return stage


def cut(node: bound.TopSkip, stage: Stage) -> Stage:
    """`top` and `skip`: of each group where there are groups."""
    amount = amount_of(node.count)
    if stage.groups:
        rank = terms.over(pw.fn.ROW_NUMBER(), [each.node for each in stage.groups.values()], stages.sort(stage))
        found, inner = sealed(stage, extra={"rn": rank})
        found.where.append(terms.compare(pw.Column(inner, "rn"), "<=" if node.kind == "top" else ">", amount))
        return found
    order = stages.sort(stage)

    def finish(query: pw.Select) -> pw.Select:
        query = query.order_by(*order)
        return query.limit(amount) if node.kind == "top" else query.offset(amount)
    return sealed(stage, finish)[0]


def amount_of(count: int | bound.Parameter) -> pw.Node:
    return pw.Value(Bind(Slot("literal", count.index, "Edm.Int64")) if isinstance(count, bound.Parameter) else count)


def extreme(node: bound.TopBottom, stage: Stage) -> Stage:
    """topcount and its like: ranks and running sums by window functions, cut outside; what is left keeps the order that it
    had (§3.3.1)."""
    build = stage.build
    operand = expression.value(node.value, stage.scope)
    descending = node.kind.startswith("top")
    amount = expression.value(node.amount, stage.scope)
    stage.order = [(operand, descending), *stage.order]
    order = stages.sort(stage)
    by = [each.node for each in stage.groups.values()]
    if node.kind.endswith("count"):
        rank = terms.over(pw.fn.ROW_NUMBER(), by, order)
        found, inner = sealed(stage, extra={"rn": rank} | carried(amount))
        found.order = found.order[1:]
        amount = outside(amount, inner)
        wanted = build.dialect.cast(amount.node, amount.type, "Edm.Int64", None) if amount.type != "Edm.Int32" else amount.node
        found.where.append(terms.compare(pw.Column(inner, "rn"), "<=", wanted))
        return found
    if operand.type == "Edm.Int64":                 # their sums need more than 64 bits
        operand = expression.plain_form(operand, "Edm.Decimal", build)
    sums = aggregates.running(node.kind, operand, by, order, build)
    found, inner = sealed(stage, extra=sums | carried(amount))
    found.order = found.order[1:]
    found.where.append(aggregates.within(node.kind, inner, operand.type, outside(amount, inner), build))
    return found


def carried(amount: Operand) -> dict[str, pw.Node]:
    """An amount that is computed from the collection becomes a column; a literal stays one."""
    return {} if amount.literal else {"amount": amount.node}


def outside(amount: Operand, inner: pw.Source) -> Operand:
    return amount if amount.literal else stages.column(inner, "amount", amount)


def joined(node: bound.Join, stage: Stage) -> Stage:
    """A row per instance and related instance, which the alias stands for (§3.5.1)."""
    steps = () if node.then is None else node.then.transformations
    if all(isinstance(each, bound.Filter | bound.Compute | bound.Identity) for each in steps):
        kept = stage.frame.saved()
        if directly(node, steps, stage):
            return stage
        stage.frame.restore(kept)
    apart(node, stage)
    return stage


def directly(node: bound.Join, steps: Sequence[bound.Transformation], stage: Stage) -> bool:
    """Joins related instances; False where the rows that an outer join leaves out cannot be told in its condition, because
    it, or the relation, needs more than one join."""
    before = stage.frame.source
    row = members.onto(node.path, stage.scope, stage.frame, pw.JOIN.LEFT_OUTER if node.outer else pw.JOIN.INNER)
    source = stage.frame.source
    if not isinstance(row, Row):
        raise errors.NotImplementedByService(feature="join of a collection of values")
    inner = Stage(stage.build, stage.frame, row, list(relations.cast_condition(stage.build, row)))
    for each in steps:
        inner = step(each, lambda found=inner: found)()      # type: ignore[misc]
    if node.outer and inner.where:
        if not isinstance(source, pw.Join) or source.lhs is not before or stage.frame.source is not source:
            return False
        on = terms.all_of([getattr(source, "_on"), *inner.where])
        stage.frame.source = pw.Join(before, source.rhs, source.join_type, on)
    else:
        stage.where.extend(inner.where)
    for name, added in inner.names.items():
        stage.names[f"{node.alias}/{name}"] = stages.scalar(added, inner.scope)
    stage.names[node.alias] = row
    return True


def apart(node: bound.Join, stage: Stage) -> None:
    """Joins what a sequence makes of the related instances of every parent."""
    parent = stage.this
    if not isinstance(parent, Row) or node.then is None:
        raise errors.NotImplementedByService(feature="This sequence inside join behind an aggregation")
    kind = pw.JOIN.LEFT_OUTER if node.outer else pw.JOIN.INNER
    found, place, added = attached(node.path, node.then, stage.frame, parent, kind)
    stage.order = [*stage.order, (paths.row_id(parent), False), *found.order]
    added = {f"{node.alias}/{name}": replace(each, nullable=each.nullable or node.outer) for name, each in added.items()}
    stage.names.update({name: relations.entity(stage.frame, each, name) if each.type.startswith("@") else each
                        for name, each in added.items()})
    if isinstance(place, Row):
        stage.names[node.alias] = place


def attached(path: bound.Expression, then: bound.Apply, frame: Frame, parent: Row, kind: str
             ) -> tuple[Stage, Row | Staged, dict[str, Operand]]:
    """Joins a derived table of what a sequence makes of the related instances of every parent; with it what stands for one of
    them, and the values that it has beside its own."""
    found, inner = of_each(path, then, parent.table.id, frame.build)
    frame.join(inner, terms.compare(paths.row_id(parent).node, "=", found.groups[PARENT].node), kind)
    if not isinstance(found.this, Row):
        assert isinstance(found.this, Staged)
        columns = {name: each for name, each in found.this.columns.items() if name != PARENT}
        return found, replace(found.this, frame=frame), columns
    added = {name: replace(paths.row_id(each), node=pw.Column(inner, f"a{index}")) if isinstance(each, Row) else each
             for index, (name, each) in enumerate(found.names.items())}
    table = found.this.table
    row = Row(frame, frame.build.table(table.name), table, optional=kind != pw.JOIN.INNER)
    frame.join(row.alias, terms.compare(row.column(table.row_id), "=", pw.Column(inner, "id")), kind)
    return found, row, added


def of_each(path: bound.Expression, then: bound.Apply, table: str, build: Build) -> tuple[Stage, pw.Select]:
    """What a sequence makes of the instances that a path leads to from every entity of a table, whose row id is its group."""
    def parents() -> Stage:
        row = members.open_row(build, table)
        return Stage(build, row.frame, row, groups={PARENT: paths.row_id(row)})

    def related() -> Stage:
        found = parents()
        place = members.onto(path, found.scope, found.frame)
        if not isinstance(place, Row):
            raise errors.NotImplementedByService(feature="A sequence over a collection of values of each instance")
        return stages.over_related(found, place)
    return sealed(again(within_groups(then, related, parents)))


CHANGES: Mapping[type, Callable[[Any, Stage], Stage]] = {
    bound.Filter: filtered, bound.Search: searched, bound.Compute: computed, bound.OrderBy: ordered,
    bound.TopSkip: cut, bound.TopBottom: extreme, bound.Join: joined,
}


NARROWING = (bound.Filter, bound.Search, bound.TopSkip, bound.TopBottom, bound.Join)


# --- groups ----------------------------------------------------------------------------------------------

def group(node: bound.GroupBy, make: Make) -> Stage:
    """groupby: the `then` sequence for every combination of values; rolled-up levels one after the other (§3.2.3)."""
    levels: list[list[tuple[bound.RowProperty | bound.RollupRecursive, ...]]] = []
    for item in node.items:
        match item:
            case bound.RowProperty() | bound.RollupRecursive():
                levels.append([(item,)])
            case bound.Rollup(properties, everything):
                down = range(len(properties), -1 if everything else 0, -1)
                levels.append([properties[:count] for count in down])
    parts = [grouped(tuple(itertools.chain(*chosen)), node.then, make) for chosen in itertools.product(*levels)]
    return parts[0] if len(parts) == 1 else stages.union(parts)


def grouped(properties: Sequence[bound.RowProperty | bound.RollupRecursive], then: bound.Apply | None, make: Make) -> Stage:
    """The groups of one level."""
    outside: list[str] = []

    def start() -> Stage:
        stage = make()
        outside[:] = stage.groups
        found = stages.named([each for each in properties if isinstance(each, bound.RowProperty)], stage)
        recursive = [each for each in properties if isinstance(each, bound.RollupRecursive)]
        for position, each in enumerate(recursive, 1):
            found["/".join(each.shown.path)] = hierarchies.rolled_up(each, stage, sequence, f"{ROLLUP_NODE}{position}")
        stage.groups = {**stage.groups, **found}
        return stage
    only = properties[0] if len(properties) == 1 else None
    every = None if not isinstance(only, bound.RollupRecursive) else lambda: (
        start() if make().groups else hierarchies.every_node(only, make(), sequence))
    found = within_groups(then, start, every)() if then is not None \
        else aggregates.aggregate(() if properties else (ONE_ROW,), start, every)
    found.groups = {path: found.groups[path] for path in outside}
    return found


def within_groups(then: bound.Apply, start: Make, every: Make | None = None) -> Make:
    """What a sequence makes of each group. A group that loses all its rows on the way to `aggregate` still has its one row."""
    steps = then.transformations
    at = next((index for index, each in enumerate(steps) if isinstance(each, bound.Aggregate)), 0)
    if every is None and not any(isinstance(each, NARROWING) for each in steps[:at]) \
            or not steps or not isinstance(steps[at], bound.Aggregate):
        return sequence(then, start)
    before, aggregate = sequence(replace(then, transformations=steps[:at]), start), steps[at]
    assert isinstance(aggregate, bound.Aggregate)
    return sequence(replace(then, transformations=steps[at + 1:]),
                    lambda: aggregates.aggregate(aggregate.expressions, before, every or start))

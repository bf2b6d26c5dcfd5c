"""Aggregates: one row per group, or one row, out of a stage.

Values are computed in a derived table and aggregated outside it, so that no grouping expression holds a parameter. What
is reached by a navigation path counts once for each entity, in a derived table of its own (Aggregation §3.2.1.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import peewee as pw

from app import errors
from app.bind import nodes as bound
from app.bind.scope import is_collection
from app.sql import expression, members, paths, relations, stages, terms
from app.sql.scope import Build, Frame, Operand, Place, Row, Scope
from app.sql.stages import Make, Stage
from app.store.clauses import when

COUNTS = ("count", "countdistinct")


@dataclass(slots=True, eq=False)
class Table:
    """A derived table of groups with aggregates: its groups by path and its aggregates by alias."""

    source: pw.Select
    groups: dict[str, Operand]
    values: dict[str, Operand]


def aggregate(expressions: Sequence[bound.AggregateExpression], make: Make, every: Make | None = None) -> Stage:
    """`aggregate(…)` over each group of the stage; without expressions its distinct groups. `every`: a stage that has all
    the groups, where some may have lost all their rows."""
    plain = tuple(each for each in expressions if each.over is None and not each.from_ and each.custom is None
                  and not unfolds(each))
    apart: dict[bound.Expression | None, list[bound.AggregateExpression]] = {}
    tables: list[Table] = []
    for each in expressions:
        if each.from_:
            tables.append(stepwise(each, make))
        elif each.custom is not None:
            tables.append(custom(each, make))
        elif unfolds(each):
            tables.append(unfolded(each, make()))
        elif each.over is not None:
            apart.setdefault(each.over, []).append(each)
    stage = make()
    build = stage.build
    tables.extend(reached(over, tuple(found), make()) for over, found in apart.items() if over is not None)
    if plain or stage.groups or not tables:
        tables.insert(0, direct(plain, stage))
    if every is not None and stage.groups:
        tables.insert(0, direct((), every()))
    return combined(tables, [each.alias for each in expressions], build)


def combined(tables: Sequence[Table], aliases: Sequence[str], build: Build) -> Stage:
    """The tables side by side: the first has every group."""
    first = tables[0]
    frame = Frame(build, first.source)
    values = dict(first.values)
    for each in tables[1:]:
        on = [build.dialect.same(first.groups[path].node, operand.node) for path, operand in each.groups.items()]
        frame.join(each.source, terms.all_of(on))
        values.update((alias, counted(operand, build)) for alias, operand in each.values.items())
    columns = {**first.groups, **{alias: values[alias] for alias in aliases}}
    return stages.of_rows(build, frame, columns, groups=dict(first.groups))


def counted(operand: Operand, build: Build) -> Operand:
    """An aggregate that a group may have no row for: a count is 0 then, everything else null."""
    if operand.nullable:
        return operand
    zero = expression.constant(bound.Literal(Decimal(0), operand.type), build).node
    return replace(operand, node=pw.fn.COALESCE(operand.node, zero))


def direct(expressions: Sequence[bound.AggregateExpression], stage: Stage) -> Table:
    """Aggregates of values of the instances themselves."""
    operands = [None if each.expression is None else expression.value(each.expression, stage.scope) for each in expressions]
    return grouped(expressions, operands, stage)


def grouped(expressions: Sequence[bound.AggregateExpression], operands: Sequence[Operand | None], stage: Stage,
            identity: pw.Node | None = None) -> Table:
    """GROUP BY over a derived table of groups and values; with an `identity` every entity counts once in its group."""
    build = stage.build
    for each in expressions:
        if each.expression is not None:
            build.whole(each.expression.type, "Counting")
    selected = [terms.aliased(operand.node, f"g{index}") for index, operand in enumerate(stage.groups.values())]
    selected += [terms.aliased(expression.promoted(operand, "", build), f"v{index}")
                 for index, operand in enumerate(operands) if operand is not None]
    if identity is not None:
        selected.append(terms.aliased(identity, "id"))
    query = stage.select(selected or [terms.ONE])
    inner = stages.derived(query.distinct() if identity is not None else query, build)
    groups = carried(stage.groups, "g", inner)
    values = {each.alias: applied(each.method, operand, pw.Column(inner, f"v{index}"), each.type, build)
              for index, (each, operand) in enumerate(zip(expressions, operands))}
    return outer(inner, groups, values, build)


def outer(inner: pw.Select, groups: dict[str, Operand], values: dict[str, Operand], build: Build) -> Table:
    """The aggregating SELECT as a derived table."""
    columns = [terms.aliased(operand.node, f"g{index}") for index, operand in enumerate(groups.values())]
    columns += [terms.aliased(operand.node, f"a{index}") for index, operand in enumerate(values.values())]
    query = pw.Select([inner], columns)
    if groups:
        query = query.group_by(*(operand.node for operand in groups.values()))
    source = stages.derived(query, build)
    return Table(source, carried(groups, "g", source), carried(values, "a", source))


def carried(operands: Mapping[str, Operand], letter: str, source: pw.Source) -> dict[str, Operand]:
    """The same values as columns of a derived table, which numbers them behind a letter."""
    return {name: stages.column(source, f"{letter}{index}", each) for index, (name, each) in enumerate(operands.items())}


def reached(over: bound.Expression, expressions: Sequence[bound.AggregateExpression], stage: Stage) -> Table:
    """Aggregates of what a navigation path leads to, each entity once in each group."""
    build = stage.build
    transformed = over if isinstance(over, bound.Transformed) else None
    if transformed is None or members.narrows(transformed):
        place = members.onto(over if transformed is None else transformed.path, stage.scope, stage.frame)
        if transformed is not None:
            stage.where.extend(members.narrowed(transformed, place, stage.scope))
    else:
        place = made(transformed, stage)
    if isinstance(place, Row):
        identity: pw.Node | None = place.column(place.table.row_id)
        stage.where.extend([terms.not_null(place.column(place.table.row_id)), *relations.cast_condition(build, place)])
    else:
        identity = None
    scope = Scope(build, place, stage.this)
    operands = [Operand(identity, "Edm.Int64") if each.expression is None and identity is not None else
                None if each.expression is None else expression.value(each.expression, scope) for each in expressions]
    return grouped(expressions, operands, stage, identity)


def made(node: bound.Transformed, stage: Stage) -> Place:
    """What `addnested` made, joined to the stage."""
    from app.sql import apply
    if not isinstance(stage.this, Row):
        raise errors.NotImplementedByService(feature=f"'{node.name}', which addnested made, in this place")
    return apply.attached(node.path, node.apply, stage.frame, stage.this, pw.JOIN.INNER)[1]


def unfolds(each: bound.AggregateExpression) -> bool:
    """Whether the values of an aggregate are those of a collection that each instance has."""
    return each.custom is None and each.expression is not None and is_collection(each.expression)


def unfolded(each: bound.AggregateExpression, stage: Stage) -> Table:
    """An aggregate of the values of collections; what a navigation path leads to has its collection once in each group."""
    assert each.expression is not None
    if each.over is not None:
        stage = reached_entities(each, stage)
    place = members.onto(each.expression, stage.scope, stage.frame)
    return grouped([each], [None if each.method == "count" else paths.operand(place, stage.build)], stage)


def stepwise(each: bound.AggregateExpression, make: Make) -> Table:
    """`E with m from p with n …`: aggregated by p as well, then that again (§3.2.1.5)."""
    steps = list(each.from_)
    own: dict[str, Operand] = {}
    remaining: list[dict[str, Operand]] = []

    def start() -> Stage:
        stage = make()
        own.update(stage.groups)
        remaining[:] = [stages.named(step.properties, stage) for step in steps]
        for properties in remaining:
            stage.groups.update(properties)
        return stage
    if each.custom is not None:
        table = custom(replace(each, alias="value"), start)
    else:
        first = bound.AggregateExpression(each.expression, each.method, "value", step_type(each, start().build), each.over)
        if unfolds(first):
            table = unfolded(first, start())
        else:
            table = direct([first], start()) if each.over is None else reached(each.over, [first], start())
    build = make().build
    for index, step in enumerate(steps):
        kept = [*own, *(path for later in remaining[index + 1:] for path in later)]
        groups = {path: table.groups[path] for path in dict.fromkeys(kept)}
        operand = table.values["value"]
        values = {"value": applied(step.method, operand, expression.promoted(operand, "", build), step.type, build)}
        table = outer(table.source, groups, values, build)
    return Table(table.source, table.groups, {each.alias: table.values["value"]})


def custom(each: bound.AggregateExpression, make: Make) -> Table:
    """A custom aggregate: its transformations for each group, over the entities that a path reaches, each once."""
    from app.sql import apply
    assert each.custom is not None and each.expression is not None
    found = apply.within_groups(each.custom, make if each.over is None else lambda: reached_entities(each, make()))()
    build = found.build
    value = expression.value(each.expression, found.scope)
    kind = value.type if each.from_ else each.type
    columns = [terms.aliased(operand.node, f"g{index}") for index, operand in enumerate(found.groups.values())]
    columns.append(terms.aliased(expression.promoted(value, kind, build), "a0"))
    inner = stages.derived(found.select(columns), build)
    return Table(inner, carried(found.groups, "g", inner), {each.alias: Operand(pw.Column(inner, "a0"), kind)})


def reached_entities(each: bound.AggregateExpression, stage: Stage) -> Stage:
    """The entities that the path of an aggregate expression reaches, each once in each group."""
    assert each.over is not None
    place = members.onto(each.over, stage.scope, stage.frame)
    if not isinstance(place, Row):
        raise errors.NotImplementedByService(feature=f"The custom aggregate '{each.alias}' of values")
    return stages.over_related(stage, place)


def step_type(each: bound.AggregateExpression, build: Build) -> str:
    from app.bind.aggregate import result_type
    operand = getattr(each.expression, "type", "Edm.Decimal")
    return result_type(each.method, operand, build.model)


# --- the functions ---------------------------------------------------------------------------------------

def applied(method: str, operand: Operand | None, node: pw.Node, type_name: str, build: Build) -> Operand:
    """The aggregate of a column of values in expression form."""
    dialect = build.dialect
    if operand is None:
        return Operand(dialect.promote(pw.fn.COUNT(terms.STAR), "Edm.Int64", type_name), type_name, nullable=False)
    if method in COUNTS:
        return Operand(dialect.promote(pw.fn.COUNT(distinct(node)), "Edm.Int64", type_name), type_name, nullable=False)
    source = expression.stored_type(operand.type, build)
    if method == "average" and type_name == "Edm.Duration":
        mean = dialect.aggregate(method, node, "Edm.Int64", "Edm.Double")
        return Operand(dialect.cast(mean, "Edm.Double", "Edm.Int64"), type_name)
    return Operand(dialect.aggregate(method, node, source, type_name), type_name)


def distinct(node: pw.Node) -> pw.Node:
    return pw.NodeList((pw.SQL("DISTINCT"), node))


def running(kind: str, operand: Operand, by: Sequence[pw.Node], order: Sequence[pw.Node], build: Build) -> dict[str, pw.Node]:
    """For each row its value `v`, the sum of all, the sum up to it, and the `turn`: where running sums turn back, the sum of
    what is positive from the top and of what is negative from the bottom."""
    source = expression.stored_type(operand.type, build)
    value = expression.promoted(operand, "", build)
    zero = expression.promoted(expression.constant(bound.Literal(0, "Edm.Int32"), build), source, build)
    ahead = when(terms.compare(value, ">" if kind.startswith("top") else "<", zero), value)
    total, turn = (pw.fn.SUM(each) if source != "Edm.Decimal" else build.dialect.aggregate("sum", each, source, source)
                   for each in (value, ahead))
    return {"v": value, "total": terms.over(total, by, []), "running": terms.over(total, by, order, running=True),
            "turn": terms.over(turn, by, [])}


def within(kind: str, inner: pw.Source, type_name: str, amount: Operand, build: Build) -> pw.Node:
    """Whether a row belongs to the smallest beginning whose sum reaches the amount, or the percentage of the total: no sum
    before it has. Sums from the top rise, then fall; from the bottom they fall, then rise; null adds nothing."""
    decimal = "Edm.Double" if "Edm.Double" in (type_name, amount.type) or type_name == "Edm.Single" else "Edm.Decimal"

    def number(operand: Operand) -> pw.Node:
        return expression.promoted(operand, decimal, build)

    def compute(operator: str, left: pw.Node, right: pw.Node) -> pw.Node:
        return build.dialect.arithmetic(operator, left, right, [decimal, decimal], decimal)

    def known(name: str) -> pw.Node:
        return pw.fn.COALESCE(number(Operand(pw.Column(inner, name), type_name)), zero)
    zero = expression.promoted(expression.constant(bound.Literal(0, "Edm.Int32"), build), decimal, build)
    value = number(Operand(pw.Column(inner, "v"), type_name))
    before = compute("sub", known("running"), known("v"))
    rising = terms.compare(value, ">=", zero)
    most = when(rising, before, known("turn")) if kind.startswith("top") else before      # of the sums before the row
    least = before if kind.startswith("top") else when(rising, known("turn"), before)
    wanted = number(amount)
    if kind.endswith("percent"):
        hundred = expression.promoted(expression.constant(bound.Literal(100, "Edm.Int32"), build), decimal, build)
        most, least = compute("mul", most, hundred), compute("mul", least, hundred)
        wanted = compute("mul", number(Operand(pw.Column(inner, "total"), type_name)), wanted)
    return terms.any_of([terms.all_of([terms.compare(wanted, ">", zero), terms.compare(most, "<", wanted)]),
                         terms.all_of([terms.compare(wanted, "<", zero), terms.compare(least, ">", wanted)])])

"""The meaning of `$apply`, computed naively: each transformation makes a list of instances or rows out of one.

A row of an aggregation is an `Instance` without a type whose properties stand under their path ('Owner/Name'); what it
lacks is absent, not null. `EXISTS` before the path of an entity or complex value on the way tells whether it is there, before
a cast whether it is of that type.
Data Aggregation §3.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from app.bind import nodes
from app.edm import types
from tests.oracle import evaluate
from tests.oracle.evaluate import Env, sort_key
from tests.oracle.values import EXACT, Failure, is_nan, ordered, promote, rounded, whole
from tests.oracle.world import Instance, World, enum_text

EXISTS = "@exists "


class Failed(Exception):
    """The request must fail."""


def value(node: Any, row: Instance, world: World) -> Any:
    """An expression for one instance or row. Raises Failed."""
    found = evaluate.evaluate(node, Env(world, row, row))
    if isinstance(found, Failure):
        raise Failed(found.code)
    return found


def run(apply: nodes.Apply, rows: Sequence[Instance], world: World) -> list[Instance]:
    """What a sequence of transformations makes of its input. Raises Failed."""
    found = list(rows)
    for each in apply.transformations:
        found = transform(each, found, world)
    return found


def transform(node: nodes.Transformation, rows: list[Instance], world: World) -> list[Instance]:
    match node:
        case nodes.Identity():
            return rows
        case nodes.Filter(predicate):
            return [row for row in rows if value(predicate, row, world) is True]
        case nodes.Compute(items):
            return [computed(row, items, world) for row in rows]
        case nodes.OrderBy(items):
            return arranged(items, rows, world)
        case nodes.TopSkip(kind, count):
            return rows[:int(str(count))] if kind == "top" else rows[int(str(count)):]
        case nodes.Concat(sequences):
            return [row for each in sequences for row in run(each, rows, world)]
        case nodes.TopBottom():
            return extreme(node, rows, world)
        case nodes.Aggregate(expressions):
            return [Instance({each.alias: aggregated(each, rows, world) for each in expressions})]
        case nodes.GroupBy():
            return grouped(node, rows, world)
        case _:
            raise NotImplementedError(node)


def computed(row: Instance, items: Sequence[nodes.ComputedProperty], world: World) -> Instance:
    found = Instance(row)
    for item in items:
        found[item.name] = value(item.expression, found, world)
    return found


def arranged(items: Sequence[nodes.OrderItem], rows: Sequence[Instance], world: World) -> list[Instance]:
    """A stable sort."""
    found = list(rows)
    for item in reversed(items):
        keys = {id(row): sort_key(value(item.expression, row, world), item.expression.type) for row in found}
        found.sort(key=lambda row: keys[id(row)], reverse=item.descending)
    return found


def extreme(node: nodes.TopBottom, rows: list[Instance], world: World) -> list[Instance]:
    """The first by value, so many or until their sum reaches the amount (§3.3.1); null is the lowest value, and adds
    nothing."""
    amount: Any = value(node.amount, Instance(), world)
    item = nodes.OrderItem(node.value, node.kind.startswith("top"))
    found = arranged([item], rows, world)
    if node.kind.endswith("count"):
        return found[:int(amount)]
    values = [Decimal(value(node.value, row, world) or 0) for row in found]
    if node.kind.endswith("percent"):
        total = functools.reduce(EXACT.add, values, Decimal(0))
        amount = EXACT.divide(EXACT.multiply(total, Decimal(amount)), Decimal(100))
    kept, total = [], Decimal(0)
    for row, each in zip(found, values):
        if (total >= amount) if amount >= 0 else (total <= amount):
            break
        kept.append(row)
        total = EXACT.add(total, each)
    return kept


# --- aggregate (§3.2.1) ----------------------------------------------------------------------------------

def aggregated(each: nodes.AggregateExpression, rows: Sequence[Instance], world: World) -> Any:
    """One aggregate over rows; what a path reaches counts once."""
    members: list[Any] = list(rows)
    if each.over is not None:
        reached = flat(value(each.over, row, world) for row in rows)
        members = list({id(entity): entity for entity in reached}.values())
    if each.expression is None:
        return Decimal(len(members))
    values = flat(value(each.expression, member, world) for member in members)
    return method(each.method, values, each.expression.type, each.type)


def flat(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for each in values:
        found.extend(each if isinstance(each, list) else [each])
    return [each for each in found if each is not None]


def method(name: str, values: list[Any], kind: str, result: str) -> Any:
    if name == "count":
        return Decimal(len(values))
    if name == "countdistinct":
        return Decimal(len({ordered(each, kind) for each in values}))
    if not values:
        return None
    if name in ("min", "max"):
        best = min if name == "min" else max
        return best(values, key=lambda each: ordered(each, kind))
    values = [promote(each, result) for each in values]
    if result in ("Edm.Double", "Edm.Single"):
        total = sum(values)
        return total / len(values) if name == "average" else total
    exact = functools.reduce(EXACT.add, values) if result == "Edm.Decimal" else sum(values)
    if name == "average":
        return rounded(EXACT.divide(Decimal(exact), Decimal(len(values))), 20)
    if result != "Edm.Decimal" and isinstance(whole(exact), Failure):
        raise Failed
    return exact


# --- groupby (§3.2.3) ------------------------------------------------------------------------------------

def grouped(node: nodes.GroupBy, rows: list[Instance], world: World) -> list[Instance]:
    levels = [[item.levels[:count] for count in range(len(item.levels), 0 if not item.all else -1, -1)]
              if isinstance(item, nodes.Rollup) else [(item,)] for item in node.items]
    found: list[Instance] = []
    for chosen in itertools.product(*levels):
        found.extend(level(tuple(itertools.chain(*chosen)), node.then, rows, world))       # type: ignore[arg-type]
    return found


def level(properties: Sequence[nodes.RowProperty], then: nodes.Apply | None, rows: list[Instance],
          world: World) -> list[Instance]:
    """A row per combination of values, or what `then` makes of the instances that have it."""
    groups: dict[tuple[Any, ...], tuple[Instance, list[Instance]]] = {}
    for row in rows:
        head = heading(properties, row, world)
        key = tuple(head.items())
        groups.setdefault(key, (head, []))[1].append(row)
    if then is None:
        return [head for head, _ in groups.values()]
    return [Instance({**head, **each}) for head, members in groups.values() for each in run(then, members, world)]


def heading(properties: Sequence[nodes.RowProperty], row: Instance, world: World) -> Instance:
    """The grouping properties of a row, and which of the entities and complex values on the way are there."""
    found = Instance()
    for each in properties:
        base: Any = each.expression
        names = list(each.path)
        found["/".join(names)] = value(base, row, world)
        if isinstance(base, nodes.AliasPath):
            found.update({name: there for name, there in row.items() if name.startswith(EXISTS)
                          and "/".join(names).startswith(name.removeprefix(EXISTS) + "/")})
            continue
        while len(names) > 1:
            names.pop()
            base = base.base
            found[EXISTS + "/".join(names)] = value(base, row, world) is not None
    return found


# --- as an answer shows it -------------------------------------------------------------------------------

def shown(row: Instance, kinds: dict[str, str], world: World) -> dict[str, Any]:
    """A row of an aggregation as an object: nested along the paths, null where something on the way is not there."""
    made: dict[str, Any] = {}
    for name, kind in kinds.items():
        if name not in row:
            continue
        way, last = name.split("/")[:-1], name.rpartition("/")[2]
        target, path = made, ""
        for step in way:
            path = f"{path}/{step}" if path else step
            there = row.get(EXISTS + path) is not False
            if not there and "." not in step:
                target[step] = None
            if not there:
                break
            if "." in step:
                continue
            if not isinstance(target.setdefault(step, {}), dict):
                target[step] = {}
            target = target[step]
        else:
            target[last] = text_of(row[name], kind, world)
    return made


def text_of(found: Any, kind: str, world: World) -> Any:
    """A value in the form of JSON, instants without the zeros that a Precision adds."""
    if found is None or isinstance(found, bool | int | Decimal | float) and kind in types.NUMBERS | {"Edm.Boolean"}:
        return found
    if world.model.enum_type(kind) is not None:
        return enum_text(world.model, kind, found)
    return types.write(kind, found)


def alike(one: Any, other: Any) -> bool:
    """Whether two values of answers are the same; doubles as far as adding in another order allows."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, float):
        return not is_nan(one) and (one == float(other) or abs(Decimal(one) - Decimal(other)) <= abs(Decimal(one)) * Decimal("1e-9"))
    return bool(one == other)

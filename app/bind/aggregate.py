"""Aggregate expressions: `path with method as alias`, `$count as alias`, and what type each method gives.

Data Aggregation §3.2.1; inside expressions §3.5.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from app import errors
from app.bind import expression, member, nodes
from app.bind.scope import Scope, describe, is_collection
from app.edm import aggregation, types
from app.edm.index import Model
from app.url import nodes as url
from app.url import parse_apply

METHODS = ("sum", "min", "max", "average", "countdistinct")


def result_type(method: str, operand: str, model: Model, position: int = 0) -> str:
    """The type of an aggregate; raises TypeMismatch where the method does not take the operand.

    Sums of integers are Int64, of Int64 Decimal; averages Double, of Decimal Decimal; counts Decimal (§3.2.1.3).
    """
    if method in ("countdistinct", "count"):
        return "Edm.Decimal"
    if method in ("min", "max"):
        if operand in expression.DYNAMIC:
            raise errors.NotImplementedByService(feature=f"'{method}' of values of no declared type, without cast,",
                                                 position=position)
        if operand in types.PRIMITIVES and operand not in expression.ONLY_NULL or model.enum_type(operand) is not None:
            return operand
    elif operand in ("Edm.Decimal", "Edm.Duration"):
        return operand
    elif operand in types.NUMBERS:
        if method == "average" or operand not in types.INTEGERS:
            return "Edm.Double"
        return "Edm.Decimal" if operand == "Edm.Int64" else "Edm.Int64"
    raise errors.TypeMismatch(reason=f"'{method}' does not take {operand}", position=position)


def bind_aggregate(item: url.AggregateExpression, scope: Scope, named: bool = True) -> nodes.AggregateExpression:
    """One aggregate expression over instances that `scope` sees; `named`: it must have an alias."""
    if item.custom is not None:
        return _custom(item, scope, named)
    if named and item.alias is None:
        raise errors.BindError("An aggregate expression needs 'as' and an alias", position=item.position)
    alias = item.alias or ""
    if item.expression is None:
        over = None
        steps = _steps(item, "Edm.Decimal", scope)
        kind = steps[-1].type if steps else "Edm.Decimal"
        if item.path:
            over = grouping_path(item.path, scope, many=True)
            if not is_collection(over) and scope.model.entity_type(over.type) is None:
                raise errors.BindError(f"$count does not apply to {describe(over)}", position=item.position)
            entities, values = _apart(over, scope)
            if values is not None and is_collection(values):
                return nodes.AggregateExpression(values, "count", alias, kind, entities, steps)
        return nodes.AggregateExpression(None, "count", alias, kind, over, steps)
    method = item.method
    if method is None:
        raise errors.BindError("An aggregate expression needs 'with' and a method", position=item.position)
    if method not in METHODS:
        if "." in method:
            raise errors.NotImplementedByService(feature=f"The aggregation method {method}", position=item.position)
        raise errors.BindError(f"There is no aggregation method '{method}'", hint=errors.closest(method, METHODS),
                               position=item.position)
    over, operand = _split(item.expression, scope)
    if operand is None:
        if method != "countdistinct":
            raise errors.TypeMismatch(reason=f"'{method}' does not take entities", position=item.position)
        kind = "Edm.Decimal"
    else:
        operand = expression.as_number(operand) if method in ("sum", "average") else operand
        kind = result_type(method, operand.type, scope.model, item.position)
    steps = _steps(item, kind, scope)
    return nodes.AggregateExpression(operand, method, alias, steps[-1].type if steps else kind, over, steps)


def _steps(item: url.AggregateExpression, kind: str, scope: Scope) -> tuple[nodes.FromClause, ...]:
    """The `from` clauses behind a value of type `kind`; a custom aggregate of its own values is their sum."""
    steps = []
    for each in item.from_:
        method = each.method or "sum"
        if method not in METHODS:
            raise errors.NotImplementedByService(feature=f"The aggregation method {method}")
        kind = result_type(method, kind, scope.model, item.position)
        properties = tuple(row_property(path, scope) for path in each.properties)
        steps.append(nodes.FromClause(properties, method, kind))
    return tuple(steps)


def _split(syntax: url.Expression, scope: Scope) -> tuple[nodes.Expression | None, nodes.Expression | None]:
    """The path up to its last navigation property, and the expression on what it leads to (§3.2.1.1)."""
    if not isinstance(syntax, url.Path):
        return None, expression.bind_expression(syntax, scope)
    return _apart(expression.bind_expression(syntax, replace(scope, flatten=True)), scope)


def _apart(node: nodes.Expression, scope: Scope) -> tuple[nodes.Expression | None, nodes.Expression | None]:
    """A path as the part up to its last navigation property, and the values behind that."""
    tail: list[nodes.PropertyPath | nodes.CastPath | nodes.DynamicPath] = []
    current = node
    while isinstance(current, nodes.PropertyPath | nodes.CastPath | nodes.DynamicPath):
        tail.append(current)
        current = current.base
    entities = isinstance(current, nodes.AliasPath) and scope.model.entity_type(current.type) is not None
    if not isinstance(current, nodes.NavigationPath | nodes.Transformed) and not entities:
        return None, node
    if tail and isinstance(tail[-1], nodes.CastPath):
        current = tail.pop()
    if not tail:
        return current, None
    rebuilt: nodes.Expression = nodes.This(current.type)
    for each in reversed(tail):
        own = each.property.type.collection if isinstance(each, nodes.PropertyPath) else False
        rebuilt = replace(each, base=rebuilt, collection=own or is_collection(rebuilt))
    return current, rebuilt


def _custom(item: url.AggregateExpression, scope: Scope, named: bool) -> nodes.AggregateExpression:
    """A custom aggregate (§5.2): what its transformations make, of values that rows have already their sum, of a property of
    its name the sum as well."""
    name, model, position = item.custom or "", scope.model, item.position
    over = grouping_path(item.path, scope, many=True) if item.path else None
    type = scope.type if over is None else over.type
    found = aggregation.custom_aggregate(model, type, name)
    if found is None:
        if name in model.properties(type) or name in scope.names:
            raise errors.BindError(f"'{name}' needs 'with', an aggregation method, 'as' and an alias", position=position)
        raise errors.UnknownProperty(f"There is no custom aggregate '{name}'", position=position)
    inner = scope if over is None else replace(scope.inside(type), these=type)
    kind, sequence = found.type, None
    operand: nodes.Expression | None = None
    if over is None and name in scope.names:
        operand = scope.names[name]
    elif over is None and scope.closed:
        raise errors.NotImplementedByService(feature=f"The custom aggregate {name} of rows without it", position=position)
    elif found.transformations:
        sequence, operand = _transformations(found, inner, position)
    elif name in model.properties(type) and not scope.closed:
        operand = grouping_path((name,), inner)
    if operand is None:
        raise errors.NotImplementedByService(feature=f"The custom aggregate {name}", position=position)
    if sequence is None:
        operand = expression.as_number(operand)
        kind = result_type("sum", operand.type, model, position)
    alias = item.alias or (name if named else "")
    steps = _steps(item, kind, scope)
    return nodes.AggregateExpression(operand, "sum", alias, steps[-1].type if steps else kind, over, steps, sequence)


def _transformations(found: aggregation.CustomAggregate, scope: Scope, position: int) -> tuple[nodes.Apply, nodes.Expression]:
    """The bound sequence of a custom aggregate, of one row, and the property of this row that has its name."""
    from app.bind.apply import bind_apply
    bound, after = bind_apply(parse_apply(found.transformations), replace(scope, names={}, closed=False))
    if bound.row is None or found.name not in after.names:
        raise errors.NotImplementedByService(feature=f"The custom aggregate {found.name}", position=position)
    return bound, after.names[found.name]


def grouping_path(path: Iterable[str], scope: Scope, many: bool = False) -> nodes.Expression:
    """The node of a path of names and casts; collections on the way only with `many`."""
    steps = tuple(url.NameStep(name) for name in path)
    return member.bind_path(url.Path("", steps), replace(scope, flatten=many))


def row_property(path: tuple[str, ...], scope: Scope) -> nodes.RowProperty:
    """A grouping property: a single-valued path (§3.2.3.1)."""
    node = grouping_path(path, scope)
    if is_collection(node) or node.type == "Edm.Stream" or node.type in types.GEO:
        raise errors.TypeMismatch(reason=f"'{'/'.join(path)}' of type {describe(node)} cannot be grouped by")
    names = tuple(scope.model.full(name) if "." in name else name for name in path)
    return nodes.RowProperty(names, node.type, node, navigation=scope.model.entity_type(node.type) is not None)

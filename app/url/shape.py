"""The shape of a request: its tree with the literals lifted out, which is the key of the plan cache.

Lifted: numbers, strings, Guids, dates, times, durations, enumeration literals; `in` lists as one value whatever their
length; `$top` and `$skip` unless 0; skip and delta tokens; path segments that can only be keys. What decides the meaning of
the text around it stays in: null, booleans, INF and NaN, binary and geo literals, divisors, the counts of `topcount`
and its like, and the arguments of `matchespattern`, `substring`, casts, geo and date functions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import is_not
from typing import Any, TypeAlias

from app.url.nodes import (NO_OPTIONS, AliasDefinition, Argument, ArrayLiteral, Binary, Call, ListExpression, Literal, Options,
                           Parameter, ParameterList, Segment, Target, TopBottomT)

Value: TypeAlias = Literal | tuple[Literal, ...]

_LIFTED = frozenset({"number", "string", "guid", "date", "timeOfDay", "dateTimeOffset", "duration", "enum"})
_KEPT_IN = frozenset({"matchespattern", "substring", "cast", "isof", "geo.distance", "geo.length", "geo.intersects",
                      "year", "month", "day", "hour", "minute", "second", "fractionalseconds", "date", "time",
                      "totaloffsetminutes", "totalseconds"})
_DIVISIONS = frozenset({"div", "divby", "mod"})


def lift(target: Target) -> tuple[Target, tuple[Value, ...]]:
    """The lifted target and the literals taken out, in the order of their `Parameter.index`.

    Two targets whose lifted forms are equal (they hash alike; positions do not count) differ in those values only.
    Custom options and the texts of options are left out, and so is `Segment.text` where parentheses were read: a
    binder that needs one of them must decline and bind the target itself. A list becomes a tuple without its nulls.
    """
    values: list[Value] = []
    return _target(target, values), tuple(values)


def number_range(text: str) -> str:
    """Which of int32, int64, decimal, double is the smallest to hold a number as written."""
    if "e" in text or "E" in text or text[-1] in "FN":
        return "double"
    if "." in text or len(text) > 20:
        return "decimal"
    number = int(text)
    if -2 ** 31 <= number < 2 ** 31:
        return "int32"
    return "int64" if -2 ** 63 <= number < 2 ** 63 else "decimal"


def _profile(literal: Literal) -> tuple[str, str | None, str]:
    """What stays of a literal in the shape: kind, type, range."""
    if literal.kind == "number":
        return "number", None, number_range(literal.text)
    if literal.kind == "dateTimeOffset" and not literal.text.endswith(("Z", "+00:00", "-00:00")):
        return "dateTimeOffset+", None, ""
    return literal.kind, literal.type, ""


def _is_lifted(node: object) -> bool:
    return isinstance(node, Literal) and node.kind in _LIFTED and node.text not in ("INF", "-INF", "NaN")


def _rewrite(node: Any, values: list[Value]) -> Any:
    """`node` with its literals replaced; the node itself when there are none."""
    if not node:
        return node
    kind = type(node)
    special = _SPECIAL.get(kind)
    if special is not None:
        return special(node, values)
    if kind is tuple:
        items = tuple([_rewrite(item, values) for item in node])
        return items if any(map(is_not, items, node)) else node
    return _fields(node, values)


_FIELDS: dict[type, tuple[str, ...]] = {}


def _names(kind: type) -> tuple[str, ...]:
    """The fields of a kind of node; none of what is no node."""
    known = _FIELDS.get(kind)
    if known is None:
        found = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
        known = _FIELDS[kind] = tuple(field.name for field in found)
    return known


def _fields(node: Any, values: list[Value]) -> Any:
    """A node rebuilt from its rewritten fields."""
    changed = False
    arguments = []
    for name in _names(type(node)):
        old = getattr(node, name)
        new = old if old is None or type(old) in _ATOMS else _rewrite(old, values)
        changed = changed or new is not old
        arguments.append(new)
    return type(node)(*arguments) if changed else node


_ATOMS = frozenset({str, int, bool})


def _literal(node: Literal, values: list[Value]) -> Literal | Parameter:
    if not _is_lifted(node):
        return node
    values.append(node)
    kind, type_name, range_name = _profile(node)
    return Parameter(len(values) - 1, kind, type_name, range_name, node.position)


def _binary(node: Binary, values: list[Value]) -> Binary:
    right = node.right
    left = _rewrite(node.left, values)
    if node.operator == "in" and isinstance(right, (ListExpression, ArrayLiteral)) and right.items:
        right = _list(right, values)
    elif node.operator not in _DIVISIONS or not isinstance(right, Literal):
        right = _rewrite(right, values)
    return node if left is node.left and right is node.right else Binary(node.operator, left, right, node.position)


def _list(node: ListExpression | ArrayLiteral, values: list[Value]) -> Any:
    """A list of liftable literals and nulls as one parameter; any other list item by item."""
    members: list[Literal] = []
    for item in node.items:
        if isinstance(item, Literal) and item.kind == "null":
            continue
        if not isinstance(item, Literal) or not _is_lifted(item):
            return _fields(node, values)
        members.append(item)
    values.append(tuple(members))
    kinds = sorted({_profile(member) for member in members},
                   key=lambda profile: (profile[0], profile[1] or "", profile[2]))
    return ParameterList(len(values) - 1, tuple(kinds), len(members) < len(node.items), node.position)


def _call(node: Call, values: list[Value]) -> Call:
    if node.name not in _KEPT_IN:
        rebuilt: Call = _fields(node, values)
        return rebuilt
    arguments = tuple(item if isinstance(item, Literal) else _rewrite(item, values) for item in node.arguments)
    return Call(node.name, arguments, node.position)


def _argument(node: Argument, values: list[Value]) -> Argument:
    """An argument; the name of a hierarchy and the place of a grouping are not values."""
    fixed = node.name in ("HierarchyQualifier", "Position") and isinstance(node.value, Literal)
    return node if fixed else Argument(node.name, _rewrite(node.value, values), node.position)


def _top_bottom(node: TopBottomT, values: list[Value]) -> TopBottomT:
    amount = node.amount if isinstance(node.amount, Literal) else _rewrite(node.amount, values)
    return TopBottomT(node.kind, amount, _rewrite(node.value, values), node.position)


def _alias(node: AliasDefinition, values: list[Value]) -> AliasDefinition:
    value = node.value
    if not isinstance(value, Literal) or _profile(value)[0] != "dateTimeOffset+":       # functions of dates need the offset
        value = _rewrite(value, values)
    return AliasDefinition(node.name, value, "", node.problem)


def _target(node: Target, values: list[Value]) -> Target:
    return Target(tuple([_segment(each, values) for each in node.segments]), _options(node.options, values))


def _segment(node: Segment, values: list[Value]) -> Segment:
    if node.problem is not None:
        return node
    if not node.name:
        digits = node.text.removeprefix("-")
        whole = digits.isascii() and digits.isdigit()
        values.append(Literal("segment", node.text))
        return Segment("", value=Parameter(len(values) - 1, "segment", None, "integer" if whole else ""))
    if len(node.text) == len(node.name):
        return node
    return Segment("", node.name, _rewrite(node.arguments, values), _rewrite(node.key, values),
                   _rewrite(node.predicate, values))


def _options(node: Options, values: list[Value]) -> Options:
    if node is NO_OPTIONS:
        return node
    changed: dict[str, Any] = {"custom": (), "texts": ()}
    for name in ("compute", "apply", "filter", "orderby", "search", "select", "expand", "aliases", "at", "from_", "to",
                 "to_inclusive"):
        old = getattr(node, name)
        if old is not None:
            changed[name] = _rewrite(old, values)
    for name in ("top", "skip"):
        number = getattr(node, name)
        if number:
            values.append(Literal("number", str(number)))
            changed[name] = Parameter(len(values) - 1, "number", None, "int64")
    if node.deltatoken is not None:
        changed["deltatoken"] = ""
    if node.skiptoken is not None:
        values.append(Literal("skiptoken", str(node.skiptoken)))
        changed["skiptoken"] = Parameter(len(values) - 1, "skiptoken")
    if all(value is getattr(node, name) for name, value in changed.items()):
        return node
    return dataclasses.replace(node, **changed)


_SPECIAL: dict[type, Callable[[Any, list[Value]], Any]] = {
    Literal: _literal, Binary: _binary, Call: _call, TopBottomT: _top_bottom, AliasDefinition: _alias,
    Segment: _segment, Options: _options, Argument: _argument,
}

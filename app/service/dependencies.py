"""Conditions of batch requests: the member `if`, decided from the answers so far (JSON Format §19.1).

Beside literals an expression has `$id/$succeeded`, `$id` and `$id/path`: whether a request succeeded, what it answered,
and a value inside of that. Raises FailedDependency for a condition that cannot be decided here.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, DecimalException
from typing import Any

from app import url
from app.errors import FailedDependency, ODataError
from app.payload.batch import PartAnswer
from app.url import nodes

REFERENCE = re.compile(r"'(?:[^']|'')*'|\$([A-Za-z0-9\-._~]+)((?:/[^\s/(),:']+)*)")
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le}
CALCULATE: Mapping[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "divby": operator.truediv,
    "mod": operator.mod}
CALLS: Mapping[str, Callable[..., Any]] = {
    "contains": lambda text, part: part in text, "startswith": str.startswith, "endswith": str.endswith,
    "length": lambda text: Decimal(len(text)), "tolower": str.lower, "toupper": str.upper, "trim": str.strip}


def holds(condition: str, answers: Mapping[str, PartAnswer]) -> bool:
    """Whether a condition is true after these answers, by request id."""
    values: list[Any] = []

    def named(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0]
        values.append(_referenced(found[1], found[2].removeprefix("/"), answers))
        return f"@r{len(values) - 1}"

    try:
        return _value(url.parse_expression(REFERENCE.sub(named, condition)), values) is True
    except FailedDependency:
        raise
    except ODataError as error:
        reason = error.text
    except (TypeError, ValueError, DecimalException) as error:
        reason = str(error)
    raise FailedDependency(f"The condition cannot be decided: {reason}", target="if")


def _referenced(id: str, path: str, answers: Mapping[str, PartAnswer]) -> Any:
    answer = answers.get(id)
    if answer is None:
        raise FailedDependency(f"The condition asks for '${id}', which names no request before", target="if")
    if path == "$succeeded":
        return answer.succeeded
    if not isinstance(answer.body, bytes) or not answer.body:
        return None
    if not answer.headers.get("Content-Type", "").startswith("application/json"):
        text = answer.body.decode("utf-8", "replace")
        return Decimal(text) if re.fullmatch(r"-?\d+", text) else text
    value = json.loads(answer.body, parse_float=Decimal, parse_int=Decimal)
    if isinstance(value, dict) and "value" in value and "@odata.context" in value and not path:
        return value["value"]
    for step in path.split("/") if path else ():
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _value(node: nodes.Expression, values: list[Any]) -> Any:
    """The value of an expression without model or data."""
    match node:
        case nodes.Alias(name):
            return values[int(name[1:])]
        case nodes.Literal("null"):
            return None
        case nodes.Literal("boolean", text):
            return text == "true"
        case nodes.Literal("number", text):
            return Decimal(text)
        case nodes.Literal(_, text):
            return text
        case nodes.Unary("not", operand):
            inner = _value(operand, values)
            return None if inner is None else not inner
        case nodes.Unary("neg", operand):
            return -_value(operand, values)
        case nodes.Binary("and" | "or" as name, left, right):
            return _joined(name == "or", _value(left, values), _value(right, values))
        case nodes.Binary("in", left, nodes.ListExpression(items)):
            return _value(left, values) in [_value(item, values) for item in items]
        case nodes.Binary("eq" | "ne" as name, left, right):
            return (_value(left, values) == _value(right, values)) == (name == "eq")
        case nodes.Binary(name, left, right) if name in COMPARE:
            operands = _value(left, values), _value(right, values)
            return None not in operands and COMPARE[name](*operands)
        case nodes.Binary(name, left, right) if name in CALCULATE:
            operands = _value(left, values), _value(right, values)
            return None if None in operands else CALCULATE[name](*operands)
        case nodes.Call(name, arguments) if name in CALLS:
            given = [_value(each, values) for each in arguments]
            return None if None in given else CALLS[name](*given)
    raise FailedDependency("The condition uses what conditions of a batch do not have here", target="if")


def _joined(decides: bool, left: Any, right: Any) -> Any:
    """`and`, `or` with null as unknown (URL Conventions §5.1.1.2)."""
    if left is decides or right is decides:
        return decides
    return None if None in (left, right) else not decides

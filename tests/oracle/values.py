"""Values of the oracle: failures, forms that compare, arithmetic (URL Conventions §5.1.1.2, §5.1.1.18).

A value is a canonical Python value, None for null, an `Instance`, a list, a `Typed` dynamic value, or a `Failure`: the
request must fail.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from app.edm import types
from tests.oracle.world import Typed

EXACT = decimal.Context(prec=400, Emax=99999, Emin=-99999, traps=[])
QUOTIENT_DIGITS = 20                # fraction digits of a decimal quotient: the service's choice (§5.1.1.2.5)
WIDE = 2**63
DAY = 86_400 * types.TICKS
FLOATS = ("Edm.Double", "Edm.Single")


@dataclass(frozen=True, slots=True)
class Failure:
    """The request must be answered with an error of this code."""

    code: str


OVERFLOW, DIVISION = Failure("arithmeticOverflow"), Failure("divisionByZero")


def bare(value: Any) -> Any:
    return value.value if isinstance(value, Typed) else value


def ordered(value: Any, kind: str) -> Any:
    """A value in the form that Python sorts as OData does."""
    if kind in types.NUMBERS:
        return promote(value, kind)
    if kind in ("Edm.DateTimeOffset", "Edm.TimeOfDay"):
        head, _, fraction = value.removesuffix("Z").partition(".")
        return head, fraction.ljust(12, "0")
    return value


def is_nan(value: Any) -> bool:
    return isinstance(value, float | Decimal) and bool(value != value)


def promote(value: Any, target: str) -> Any:
    """A number as a number of a wider type (§5.1.1.18)."""
    if value is None or isinstance(value, Failure):
        return value
    if target in FLOATS:
        return float(value)
    return Decimal(value) if target == "Edm.Decimal" and isinstance(value, int) else value


# --- arithmetic (§5.1.1.2) -------------------------------------------------------------------------------

def whole(value: int) -> int | Failure:
    return value if -WIDE <= value < WIDE else OVERFLOW


def _integers(operator: str, left: int, right: int) -> Any:
    if operator in ("div", "mod"):
        if right == 0:
            return DIVISION
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        return whole(quotient if operator == "div" else left - right * quotient)
    return whole({"add": left + right, "sub": left - right, "mul": left * right}[operator])


def _decimals(operator: str, left: Decimal, right: Decimal) -> Any:
    if operator in ("div", "mod") and right == 0:
        return DIVISION
    if operator == "mod":
        return EXACT.remainder(left, right)
    if operator in ("div", "divby"):
        if right == 0:
            return Decimal("NaN") if left == 0 or is_nan(left) else Decimal("Infinity").copy_sign(left)
        return rounded(EXACT.divide(left, right), QUOTIENT_DIGITS)
    return {"add": EXACT.add, "sub": EXACT.subtract, "mul": EXACT.multiply}[operator](left, right)


def _doubles(operator: str, left: float, right: float) -> Any:
    if operator == "mod":
        if right == 0:
            return DIVISION
        return math.nan if math.isinf(left) or is_nan(left) or is_nan(right) else math.fmod(left, right)
    if operator in ("div", "divby"):
        if right == 0:
            return math.nan if left == 0 or is_nan(left) else math.copysign(math.inf, left)
        found = left / right
    else:
        found = {"add": left + right, "sub": left - right, "mul": left * right}[operator]
    return OVERFLOW if math.isinf(found) and math.isfinite(left) and math.isfinite(right) else found


NUMERIC: dict[str, Callable[[str, Any, Any], Any]] = {
    "integer": _integers, "Edm.Decimal": _decimals, "Edm.Double": _doubles, "Edm.Single": _doubles}


def rounded(value: Decimal, digits: int = 0, rounding: str = ROUND_HALF_UP) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), rounding, EXACT) if value.is_finite() else value


def temporal(node: Any, left: Any, right: Any) -> Any:
    """What is computed with durations and instants; a duration in a product counts ticks, rounded."""
    operator, first, second = node.operator, node.left.type, node.right.type
    if first in types.NUMBERS:
        return _scaled(right, left, "mul")
    if first == "Edm.Duration":
        if second != "Edm.Duration":
            return _scaled(left, right, operator)
        return whole(left + right if operator == "add" else left - right)
    if second != "Edm.Duration":
        return ticks(left, first) - ticks(right, second)
    moved = ticks(left, first) + (right if operator == "add" else -right)
    try:
        return instant(moved) if first == "Edm.DateTimeOffset" else instant(moved)[:10]
    except OverflowError:
        return OVERFLOW


def _scaled(duration: int, factor: Any, operator: str) -> Any:
    number = Decimal(repr(factor)) if isinstance(factor, float) else Decimal(factor)
    if operator == "mul":
        found = EXACT.multiply(Decimal(duration), number)
    elif number == 0:
        return DIVISION
    else:
        found = EXACT.divide(Decimal(duration), number)
    return whole(int(rounded(found))) if found.is_finite() else OVERFLOW


def ticks(value: str, kind: str) -> int:
    """Ticks of 100 ns since the year 1; of a date, its midnight."""
    if kind == "Edm.Date":
        return (date.fromisoformat(value).toordinal() - 1) * DAY
    head, _, fraction = value.removesuffix("Z").partition(".")
    since = datetime.fromisoformat(head) - datetime(1, 1, 1)
    return (since.days * 86_400 + since.seconds) * types.TICKS + int(fraction[:7].ljust(7, "0"))


def instant(count: int) -> str:
    seconds, rest = divmod(count, types.TICKS)
    moment = datetime(1, 1, 1) + timedelta(seconds=seconds)
    return moment.isoformat() + (f".{rest:07d}".rstrip("0") if rest else "") + "Z"

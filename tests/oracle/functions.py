"""Canonical functions and casts of the oracle (URL Conventions §5.1.1.5 to 10)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from app.bind.literal import enum_value
from app.edm import types
from app.edm.index import Model
from app.errors import ODataError
from tests.oracle.values import EXACT, Failure, rounded
from tests.oracle.world import Typed, enum_text

NOW = "2025-11-29T15:10:00Z"
DIGIT = re.compile(r"^[+-]?\d")
WHITE_SPACE = ("\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
               "\u202f\u205f\u3000")


def substring(whole_value: Any, start: int, count: int | None = None) -> Any:
    """Of a text or a list: a negative start counts from the end."""
    begin = max(len(whole_value) + start, 0) if start < 0 else start
    return whole_value[begin:] if count is None else whole_value[begin:begin + max(count, 0)]


def simple(mapped: Callable[[str], str]) -> Callable[[str], str]:
    """Simple case mapping: one character for one (DESIGN §5)."""
    def one(char: str) -> str:
        found = mapped(char)
        return found if len(found) == 1 else "i" if char == "İ" and mapped is str.lower else char
    return lambda text: "".join(map(one, text))


def _part(start: int, of_time: int) -> Callable[[str], int]:
    width = 4 if start == 0 else 2

    def part(value: str) -> int:
        at = of_time if value[2] == ":" else start
        return int(value[at:at + width])
    return part


def _fraction(value: str) -> Decimal:
    return Decimal("0." + (value.removesuffix("Z").partition(".")[2] or "0"))


def stepped(name: str, value: Any) -> Any:
    if isinstance(value, int) or not math.isfinite(value):
        return value
    rounding = {"round": ROUND_HALF_UP, "floor": ROUND_FLOOR, "ceiling": ROUND_CEILING}[name]
    return type(value)(rounded(Decimal(value), 0, rounding))


def matches(text: str, pattern: str) -> bool:
    """The patterns that are generated mean the same in ECMAScript and here but for these."""
    mine = re.sub(r"(?<!\\)\.", "[^\n\r\u2028\u2029]", pattern.replace("$", r"\Z"))
    mine = mine.replace(r"\S", f"[^{WHITE_SPACE}\ufeff]")
    return re.search(mine, text, re.ASCII) is not None


def _indexof(found: list[Any], part: list[Any]) -> int:
    return next((at for at in range(len(found) - len(part) + 1) if found[at:at + len(part)] == part), -1)


def _subset(found: list[Any], part: list[Any]) -> bool:
    return all(found.count(each) >= part.count(each) for each in part)


def _subsequence(found: list[Any], part: list[Any]) -> bool:
    rest = iter(found)
    return all(any(each == wanted for each in rest) for wanted in part)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "concat": lambda a, b: a + b, "contains": lambda a, b: b in a, "endswith": lambda a, b: a.endswith(b),
    "startswith": lambda a, b: a.startswith(b), "indexof": lambda a, b: a.find(b), "length": len,
    "substring": substring,
    "matchespattern": matches, "tolower": simple(str.lower), "toupper": simple(str.upper),
    "trim": lambda a: a.strip(WHITE_SPACE),
    "date": lambda a: a[:10], "time": lambda a: a[11:-1], "year": _part(0, 0), "month": _part(5, 0), "day": _part(8, 0),
    "hour": _part(11, 0), "minute": _part(14, 3), "second": _part(17, 6), "fractionalseconds": _fraction,
    "totaloffsetminutes": lambda a: 0, "totalseconds": lambda a: EXACT.divide(Decimal(a), Decimal(types.TICKS)),
    "now": lambda: NOW, "mindatetime": lambda: "0001-01-01T00:00:00Z",
    "maxdatetime": lambda: "9999-12-31T23:59:59.9999999Z"}

LISTS: dict[str, Callable[..., Any]] = {
    "concat": lambda a, b: [*a, *b], "contains": lambda a, b: _indexof(a, b) >= 0,
    "endswith": lambda a, b: len(a) >= len(b) and a[len(a) - len(b):] == b, "startswith": lambda a, b: a[:len(b)] == b,
    "indexof": _indexof, "length": len, "substring": substring, "hassubset": _subset, "hassubsequence": _subsequence}


# --- casts (§5.1.1.10) -----------------------------------------------------------------------------------

def cast(value: Any, source: str, target: str, facets: Any, model: Model) -> Any:
    """The value as one of the type `target`; null where it cannot be."""
    if value is None or isinstance(value, Failure):
        return value
    if isinstance(value, Typed):
        return of_kind(value, target)
    enum, wanted = model.enum_type(source), model.enum_type(target)
    if wanted is not None:
        members = [each.value for each in wanted.members]
        if source == "Edm.String":
            try:
                found = enum_value(value, wanted)
            except ODataError:
                return None
            mixed = "," in value and any(DIGIT.search(part) for part in value.split(","))      # names or one number
            return found if " " not in value and not mixed and (wanted.flags or found in members) else None
        if enum is not None:
            return value if enum is wanted else None
        return value if source in types.INTEGERS and (wanted.flags or value in members) else None
    if target == "Edm.String":
        text = enum_text(model, source, value) if enum is not None else types.write(source, value)
        limit = facets.max_length if facets is not None else None
        return text if not isinstance(limit, int) or len(text) <= limit else None
    if source == "Edm.String":
        try:
            value = types.parse(target, value)
        except ValueError:
            return None
    elif (source in types.NUMBERS or enum is not None) and target in types.NUMBERS:
        value = number_cast(value, target)
    elif source != target:
        value = _temporal_cast(value, source, target)
    if target == "Edm.Decimal" and value is not None and facets is not None and isinstance(facets.scale, int):
        value = rounded(value, facets.scale)
        if facets.precision is not None and value.is_finite() and value.adjusted() >= facets.precision - facets.scale:
            return None
    return value


def of_kind(value: Typed, target: str) -> Any:
    """A dynamic value where a value of a certain type is wanted: null where it is of another kind."""
    if value.type == target:
        return value.value
    if target in types.NUMBERS and value.type in types.NUMBERS:
        fits = target not in types.INTEGERS or math.isfinite(value.value) and value.value == int(value.value)
        return number_cast(value.value, target) if fits else None
    return None


def number_cast(value: Any, target: str) -> Any:
    """A number as another type: rounded, null where it does not fit."""
    if target in types.INTEGERS:
        if not math.isfinite(value):
            return None
        found = int(rounded(Decimal(value)))
        low, high = types.INTEGER_RANGES[target]
        return found if low <= found <= high else None
    if target == "Edm.Decimal":
        return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if target == "Edm.Single":
        try:
            return types.single(float(value))
        except ValueError:
            return None
    return float(value)


def _temporal_cast(value: str, source: str, target: str) -> str | None:
    match source, target:
        case "Edm.DateTimeOffset", "Edm.Date":
            return value[:10]
        case "Edm.DateTimeOffset", "Edm.TimeOfDay":
            return value[11:-1]
        case "Edm.Date", "Edm.DateTimeOffset":
            return value + "T00:00:00Z"
    return None

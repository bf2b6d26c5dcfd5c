"""Forms: canonical values of instants and numbers ⇄ what columns hold, where the form is the same on several stores."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from app.store.mapping import Column

DIGITS = 7      # fraction digits of an instant whose column names no Precision, and of the expression form

TRUTH: dict[Any, bool | None] = {None: None, 0: False, 1: True}
NAN = float("nan")


def digits(column: Column | None) -> int:
    """How many fraction digits the stored form of an instant has."""
    return DIGITS if column is None or column.precision is None else column.precision


def fixed(count: int) -> Callable[[str | None], str | None]:
    """The writer of instants as text with `count` fraction digits. Digits beyond them can only stand in a comparison:
    they follow after the end of the stored form, so that the text still sorts between its neighbours."""
    zeros = "0" * count

    def write(value: str | None) -> str | None:
        if value is None:
            return None
        zone = "Z" if value[-1] == "Z" else ""
        head, _, fraction = (value[:-1] if zone else value).partition(".")
        if not count:
            return f"{head}{zone}.{fraction.rstrip('0')}" if fraction.rstrip("0") else head + zone
        return f"{head}.{(fraction + zeros)[:count]}{zone}{fraction[count:].rstrip('0')}"
    return write


def native_instant(value: str | None) -> str | None:
    """The writer for native columns: at most six fraction digits, the rest cut."""
    if value is None:
        return None
    zone = "Z" if value[-1] == "Z" else ""
    head, point, fraction = (value[:-1] if zone else value).partition(".")
    return head + point + fraction[:6] + zone


def strip_fraction(value: str | None) -> str | None:
    """Instant text without the trailing zeros of its fraction."""
    if value is None or "." not in value:
        return value
    if value[-1] == "Z":
        return value[:-1].rstrip("0").rstrip(".") + "Z"
    if "Z" in value:                        # a literal of more digits than the form has: see `fixed`
        return value.replace("Z", "") + "Z"
    return value.rstrip("0").rstrip(".")


def padded(count: int) -> Callable[[str], str]:
    """Instant text without zone, its fraction filled up to `count` digits."""
    def pad(value: str) -> str:
        head, _, fraction = value.partition(".")
        return f"{head}.{fraction:0<{count}}" if count else head
    return pad


def boolean(value: Any) -> bool | None:
    """0 and 1 as Boolean."""
    return TRUTH[value]


def nan_from_text(value: Any) -> float | None:
    """A double that may be the text 'NaN'."""
    return float(value) if value.__class__ is not float and value is not None else value


def nan_to_text(value: float | None) -> Any:
    """A double, NaN as text; an integer as a double."""
    if value is None:
        return None
    return "NaN" if value != value else float(value)


def json_text(value: Any) -> str | None:
    """A JSON value as text; text stays as it is."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def to_double(value: Any) -> float | None:
    """A number as a double."""
    return None if value is None else float(value)

"""Primitive values in bodies: JSON → canonical Python value, per type (JSON Format §7.1).

Python values are taken too where they are of the type already (what operations and rules write). ValueError with a
sentence where a value is not of the type.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from app.edm import geo, types
from app.payload.syntax import Number

Read = Callable[[Any], Any]


def described(value: Any) -> str:
    """What a JSON value is, in words."""
    if isinstance(value, Number) or value.__class__ in (int, float, Decimal):
        return "a number"
    names = {str: "a string", bool: "a Boolean", dict: "an object", list: "an array"}
    return names.get(value.__class__, f"a {value.__class__.__name__}")


def mismatch(value: Any, name: str) -> ValueError:
    """The error of a JSON value of the wrong kind."""
    return ValueError(f"{described(value)} is no value of {name}")


def primitive_reader(name: str, quoted: bool, short_quoted: bool = False, zoneless: bool = False) -> Read:
    """What reads values of a primitive type; `quoted`: Int64 and Decimal may come as strings (JSON Format §3.2), and
    with `short_quoted` shorter integers; `zoneless`: a DateTimeOffset may be without offset."""
    if name == "Edm.DateTimeOffset" and not zoneless:
        return _instant
    if name in types.INTEGERS:
        return _integer(name, quoted and name == "Edm.Int64" or short_quoted)
    if name == "Edm.Decimal":
        return _decimal(quoted)
    if name in ("Edm.Double", "Edm.Single"):
        return _double(name)
    if name in types.GEO:
        return _geo(name)
    return {"Edm.Boolean": _boolean, "Edm.String": _string, "Edm.Binary": _binary,
            "Edm.Duration": _duration}.get(name) or _text(name)


def _integer(name: str, quoted: bool) -> Read:
    low, high = types.INTEGER_RANGES[name]

    def read(value: Any) -> int:
        if value.__class__ is Number or quoted and value.__class__ is str:
            found: int = types.parse(name, value)
            return found
        if value.__class__ is not int:
            raise mismatch(value, name)
        if not low <= value <= high:
            raise ValueError(f"{value} is outside the range of {name}, {low} to {high}")
        number: int = value
        return number
    return read


def _decimal(quoted: bool) -> Read:
    def read(value: Any) -> Decimal:
        if value.__class__ is Number or value.__class__ is str and (quoted or value in ("INF", "-INF", "NaN")):
            found: Decimal = types.parse("Edm.Decimal", value)
            return found
        if value.__class__ in (int, Decimal):
            return Decimal(value)
        if value.__class__ is float:
            return Decimal(repr(value))
        raise mismatch(value, "Edm.Decimal")
    return read


def _double(name: str) -> Read:
    def read(value: Any) -> float:
        if value.__class__ is Number or value.__class__ is str and value in ("INF", "-INF", "NaN"):
            found: float = types.parse(name, value)
            return found
        if value.__class__ in (int, float, Decimal):
            number = float(value)
            return types.single(number) if name == "Edm.Single" else number
        raise mismatch(value, name)
    return read


def _boolean(value: Any) -> bool:
    if value.__class__ is not bool:
        raise mismatch(value, "Edm.Boolean")
    return bool(value)


def _string(value: Any) -> str:
    if value.__class__ is not str:
        raise mismatch(value, "Edm.String")
    return types.checked_string(value)


def _binary(value: Any) -> bytes:
    if value.__class__ is bytes:
        return bytes(value)
    return bytes(_text("Edm.Binary")(value))


def _instant(value: Any) -> str:
    if value.__class__ is not str:
        raise mismatch(value, "Edm.DateTimeOffset")
    found: str = types.parse("Edm.DateTimeOffset", value)
    if not types.has_offset(value):
        raise ValueError(f"'{value[:40]}' has no offset from UTC, like Z or +01:00")
    return found


def _duration(value: Any) -> int:
    if value.__class__ is int:
        return int(value)
    return int(_text("Edm.Duration")(value))


def _text(name: str) -> Read:
    def read(value: Any) -> Any:
        if value.__class__ is not str:
            raise mismatch(value, name)
        return types.parse(name, value)
    return read


def _geo(name: str) -> Read:
    shape = name.removeprefix("Edm.Geography").removeprefix("Edm.Geometry")
    wanted = "GeometryCollection" if shape == "Collection" else shape

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise mismatch(value, name)
        found: dict[str, Any] = untyped(value)
        kind = found.get("type")
        if not isinstance(kind, str) or (wanted and kind != wanted):
            raise ValueError(f"a GeoJSON object of type '{wanted or 'Point'}' is a value of {name}")
        geo.check(found)
        inner = "geometries" if kind == "GeometryCollection" else "coordinates"
        return {"type": kind, inner: found[inner], **{key: found[key] for key in found if key not in ("type", inner)}}
    return read


def plain_number(text: str) -> int | float:
    """A number whose type nobody declared: whole ones within Int64 exactly, others as Double."""
    if len(text) < 19 and text.isdigit():
        return int(text)
    if text.lstrip("-").isdigit() and len(text) < 20 and -2**63 <= int(text) < 2**63:
        return int(text)
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is outside the range of Edm.Double")
    return number


def untyped(value: Any) -> Any:
    """Any JSON value as plain Python data (JSON Format §7.5)."""
    if value.__class__ is Number:
        return plain_number(value)
    if isinstance(value, str):
        return types.checked_string(value)
    if isinstance(value, dict):
        return {types.checked_string(name): untyped(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [untyped(item) for item in value]
    return value

"""Values as JSON: canonical Python value → what orjson writes, per type and format (JSON Format §7)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import orjson

from app.edm import types
from app.edm.index import Model
from app.edm.model import EnumType
from app.payload.format import Format

Convert = Callable[[Any], Any]


class EnumNames(dict[int | None, str | None]):
    """Integer → text of an enumeration: a member, members joined by ',', or the number where none fit."""

    def __init__(self, kind: EnumType) -> None:
        super().__init__({member.value: member.name for member in reversed(kind.members)})
        self[None] = None
        self.kind = kind

    def __missing__(self, value: int | None) -> str | None:
        assert value is not None
        text = str(value)
        if self.kind.flags:
            left, names = value, []
            for member in sorted(self.kind.members, key=lambda each: -each.value):
                if member.value and left & member.value == member.value:
                    names.append(member.name)
                    left &= ~member.value
            if names and not left:
                text = ",".join(reversed(names))
        self[value] = text
        return text


def _double(value: float) -> Any:
    if math.isfinite(value):
        return value
    return types.write_double(value)


def _decimal(value: Decimal) -> Any:
    if not value.is_finite():
        return types.write_decimal(value)
    return orjson.Fragment(types.write_decimal(value))


def json_converter(model: Model, name: str, format: Format) -> Convert | None:
    """What makes a non-null canonical value of the type `name` ready for orjson; None when it is already."""
    match name:
        case "Edm.Int64":
            return str if format.ieee754 else None
        case "Edm.Decimal":
            return types.write_decimal if format.ieee754 else _decimal
        case "Edm.Double" | "Edm.Single":
            return _double
        case "Edm.Duration":
            return types.write_duration
        case "Edm.Binary":
            return types.write_binary
    kind = model.enum_type(name)
    if kind is not None:
        return EnumNames(kind).__getitem__
    return None


DEDUCIBLE = frozenset({"Edm.String", "Edm.Boolean", "Edm.Double"})


def dumps(value: Any) -> bytes:
    """Compact JSON."""
    return orjson.dumps(value)


def dumps_behind(head: Mapping[str, Any], objects: Iterable[dict[str, Any]]) -> list[bytes]:
    """The JSON of each of the objects, behind the members of `head`."""
    first = orjson.dumps(head)[:-1]
    lead = first + b"," if head else first
    return [(lead if each else first) + orjson.dumps(each)[1:] for each in objects]

"""Faults: what is wrong with the values of a body, collected into one BodyError."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from marshmallow import ValidationError

from app.errors import BodyError, Detail


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a value; `path` is added on the way up. `required`: a member that was left out."""

    code: str
    message: str
    required: bool = False


def refuse(code: str, message: str, required: bool = False) -> NoReturn:
    """Raise the fault of the value at hand."""
    raise ValidationError([Fault(code, message, required)])


def details(messages: Any, path: str = "") -> list[tuple[str, Fault]]:
    """(target path, fault) of every fault in a tree of messages, in document order."""
    if isinstance(messages, Mapping):
        found: list[tuple[str, Fault]] = []
        for name, inner in messages.items():
            found += details(inner, path if name == "_schema" else f"{path}/{name}" if path else str(name))
        return found
    return [(path, fault) for fault in messages]


def raise_faults(faults: Iterable[tuple[str, Fault]]) -> None:
    """Raise one BodyError with all faults; nothing where there is none. A single fault is told at the top as well."""
    listed = [Detail(fault.code, fault.message, path or None) for path, fault in faults]
    if len(listed) == 1:
        raise BodyError(listed[0].message, code=listed[0].code, target=listed[0].target)
    if listed:
        raise BodyError(f"The body has {len(listed)} faults.", details=listed)

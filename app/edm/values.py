"""Annotation values as Python data."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.edm.expressions import Collection, Constant, EnumMember, Expression, Null, PathExpression, Record


def plain(value: Expression | None) -> Any:
    """A constant annotation value as Python data: records as dicts, collections as lists, enumeration members as a list
    of member names, paths as text; a dynamic expression, which has no constant value, as None."""
    match value:
        case Constant("Bool", text):
            return text == "true"
        case Constant("Int", text):
            return int(text)
        case Constant("Decimal", text):
            return Decimal(text)
        case Constant("Float", text):
            return float(text)
        case Constant(_, text):
            return text
        case EnumMember(members):
            return [member.rpartition("/")[2] for member in members]
        case PathExpression(_, path):
            return path
        case Collection(items):
            return [plain(item) for item in items]
        case Record(properties):
            return {each.name: plain(each.value) for each in properties}
        case Null():
            return None
        case _:
            return None

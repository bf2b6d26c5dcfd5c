"""Literals: which type a literal takes, and its canonical value.

The type follows from the kind of the literal, the range of a number and what stands beside it (`literal_type`), never
from the value, because a lifted literal has none when a request is bound. Text becomes a value in `literal_value`.
URL Conventions §5.1.1.14; ABNF primitiveLiteral.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from app import errors
from app.bind import nodes
from app.edm import geo, types
from app.edm.index import Model
from app.edm.model import EnumType
from app.url import nodes as url
from app.url.shape import number_range

Syntax: TypeAlias = url.Literal | url.Parameter

RANGES = {"int32": "Edm.Int32", "int64": "Edm.Int64", "decimal": "Edm.Decimal", "double": "Edm.Double"}
KINDS = {"boolean": "Edm.Boolean", "string": "Edm.String", "guid": "Edm.Guid", "date": "Edm.Date",
         "timeOfDay": "Edm.TimeOfDay", "dateTimeOffset": "Edm.DateTimeOffset", "dateTimeOffset+": "Edm.DateTimeOffset",
         "duration": "Edm.Duration", "binary": "Edm.Binary"}
DIGITS = re.compile(r"[+-]?[0-9]+")


def range_of(literal: Syntax) -> str:
    """The range of a number literal, lifted or not."""
    return literal.range if isinstance(literal, url.Parameter) else number_range(literal.text)


def number_type(range_name: str, wanted: str | None) -> str:
    """The type of a number beside an operand of type `wanted`: that type if every number of the range fits, else the
    smallest type that holds it, so that comparing promotes instead of failing (U-LIT-NUM)."""
    if wanted in ("Edm.Double", "Edm.Single"):
        return wanted
    if wanted == "Edm.Decimal":
        return "Edm.Double" if range_name == "double" else wanted
    if wanted == "Edm.Int64" and range_name == "int32":
        return wanted
    return RANGES[range_name]


def literal_type(literal: Syntax, wanted: str | None, model: Model) -> str:
    """The type that a literal takes beside `wanted`; its own type where the kinds do not go together (the caller then
    finds the mismatch). Raises UnknownType for an enumeration prefix that names no enumeration."""
    match literal.kind:
        case "null":
            return "null"
        case "number":
            return number_type(range_of(literal), wanted)
        case "string":
            return wanted if wanted and (wanted == "Edm.Duration" or model.enum_type(wanted)) else "Edm.String"
        case "enum":
            return _enum_type(literal, wanted, model)
        case "guid" if wanted == "Edm.String":
            return wanted           # grids send string keys that look like one without quotes
        case "geography" | "geometry":
            family = "Edm." + literal.kind.capitalize()
            return family + geo.shape(literal.text) if isinstance(literal, url.Literal) else family
        case kind:
            return KINDS[kind]


def _enum_type(literal: Syntax, wanted: str | None, model: Model) -> str:
    written = literal.type or wanted or ""
    found = model.enum_type(written)
    if found is not None:
        return found.name
    # Some clients write the type's simple name, or put their own namespace before it.
    if wanted and model.type(written) is None and written.rpartition(".")[2] == wanted.rpartition(".")[2] \
            and model.enum_type(wanted):
        return wanted
    names = [name for name, each in model.types.items() if isinstance(each, EnumType)]
    raise errors.UnknownType(name=written, hint=errors.closest(written, names), position=literal.position)


def bind_literal(literal: Syntax, wanted: str | None, model: Model) -> nodes.Literal | nodes.Parameter:
    """The node of a literal beside an operand of type `wanted` (None: nothing beside it)."""
    return make(literal, literal_type(literal, wanted, model), model)


def make(literal: Syntax, type_name: str, model: Model) -> nodes.Literal | nodes.Parameter:
    """The node of a literal whose type is decided."""
    if isinstance(literal, url.Parameter):
        return nodes.Parameter(literal.index, type_name)
    return nodes.Literal(literal_value(literal, type_name, model), type_name)


def bind_exactly(literal: Syntax, wanted: str, model: Model, json: bool = False) -> nodes.Literal | nodes.Parameter:
    """The node of a literal that must be of the type `wanted`: a key value, a parameter of an operation.

    `json`: inside a JSON literal, where strings stand for every type without a JSON form of its own.
    Raises TypeMismatch when the kind or the range of the literal says that it is not.
    """
    if literal.kind == "segment":
        if isinstance(literal, url.Parameter) and literal.range == "" and wanted in types.INTEGERS:
            raise errors.TypeMismatch(reason=f"The key is not of type {wanted}", position=literal.position)
        return make(literal, wanted, model)
    if wanted in ("Edm.Untyped", "Edm.PrimitiveType"):
        return bind_literal(literal, None, model)
    found = literal_type(literal, wanted, model)
    fits = found == wanted or found == "null"
    if literal.kind == "number" and wanted in types.NUMBERS:
        reach = range_of(literal)
        fits = wanted not in types.INTEGERS or reach == "int32" or (reach == "int64" and wanted == "Edm.Int64")
    elif found.startswith("Edm.Geo"):
        fits = wanted.startswith(found) or found.startswith(wanted)
    elif json and literal.kind == "string":
        fits = True
    if not fits:
        raise errors.TypeMismatch(reason=f"{_quote(literal)} is not of type {wanted}", position=literal.position)
    return make(literal, "null" if found == "null" else wanted, model)


def literal_value(literal: url.Literal, type_name: str, model: Model) -> Any:
    """The canonical Python value of a literal for the type it was bound to.

    Raises TypeMismatch (400, with the position) when the text is not of the type, is outside its range, or names no
    member of the enumeration.
    """
    if literal.kind == "null":
        return None
    try:
        enum = model.types.get(type_name)
        if isinstance(enum, EnumType):
            return enum_value(literal.text, enum)
        if type_name.startswith("Edm.Geo"):
            return geo.read(literal.text)
        if literal.kind == "number" and type_name in ("Edm.Double", "Edm.Single"):
            return _float(literal.text, type_name)
        return types.parse(type_name, literal.text)
    except errors.TypeMismatch as error:
        error.position = literal.position
        raise
    except ValueError as error:
        raise errors.TypeMismatch(reason=str(error), position=literal.position) from None


def _float(text: str, type_name: str) -> float:
    try:
        value: float = types.parse(type_name, text)
    except ValueError:
        value = float(text)          # beyond the range of the type: greater or less than all its values
        if type_name == "Edm.Single" and abs(value) < 1:
            raise
        return float("inf") if value > 0 else float("-inf")
    return value


def enum_value(text: str, enum: EnumType) -> int:
    """The number behind 'Member', 'A,B' (flags) or '5' (ABNF enumValue); TypeMismatch naming the closest member."""
    values = {member.name: member.value for member in enum.members}
    names = [part.strip() for part in text.split(",")]
    if len(names) > 1 and not enum.flags:
        raise errors.TypeMismatch(reason=f"{enum.name} takes one member, not '{text}'")
    low, high = types.INTEGER_RANGES[enum.underlying]
    total = 0
    for name in names:
        value = values.get(name)
        if value is None:
            if not DIGITS.fullmatch(name) or len(name) > 20 or not low <= int(name) <= high:
                hint = errors.closest(name, values)
                raise errors.TypeMismatch(reason=f"{enum.name} has no member '{name}'", hint=hint)
            value = int(name)
        total |= value
    return total


def _quote(literal: Syntax) -> str:
    if isinstance(literal, url.Parameter):
        return f"A {literal.kind} literal"
    return {"string": f"'{literal.text}'", "null": "null"}.get(literal.kind, literal.text)

"""Dynamic properties in bodies: values whose type nobody declared, or that an annotation beside them names.

The type is kept as 'name@odata.type' in its 4.0 form, where JSON alone does not tell it. JSON Format 4.01 §4.5.3, §7.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from app.edm import types
from app.payload.primitives import Read, plain_number, primitive_reader, untyped
from app.payload.schemas import Reading, Schemas, refuse
from app.payload.syntax import Number
from app.plan.changes import TYPE

Complex = Callable[[Any, str, Reading], dict[str, Any]]
# type, whether a collection, reader of single values, whether a single complex value, whether JSON tells it, as written
Annotation: TypeAlias = tuple[str, bool, Read, bool, bool, str]
TOLD = ("Edm.String", "Edm.Boolean", "Edm.Double", "Edm.Untyped")


class DynamicReader:
    """Reads undeclared members. `complex` reads complex values: (value, type, reading) → dict."""

    def __init__(self, schemas: Schemas, complex: Complex) -> None:
        self.schemas, self.model, self.complex = schemas, schemas.model, complex
        self._known: dict[str, Annotation] = {}

    def member(self, name: str, value: Any, annotation: Any, reading: Reading) -> dict[str, Any]:
        """An undeclared member and, where it is needed, its type. Raises ValidationError, ValueError."""
        if annotation is None:
            return {name: self.value(value, reading)}
        known = self._known.get(annotation) if annotation.__class__ is str else None
        type, many, read, complex, told, shown = known or self._annotated(annotation)
        if value is not None and many:
            if value.__class__ not in (list, tuple):
                refuse("invalidValue", "A collection is written as an array.")
            value = [None if item is None else read(item) for item in value]
        elif value is not None:
            value = read(value)
        if complex:
            return {name: None if value is None else {TYPE: "#" + type, **value}}
        if told and (value.__class__ is not float or value - value == 0):
            return {name: value}
        return {name + TYPE: shown, name: value}

    def _annotated(self, annotation: Any) -> Annotation:
        """What a type annotation says."""
        if not isinstance(annotation, str):
            refuse("unknownType", "A type is named by a string.")
        inner = annotation.rpartition("#")[2]
        many = inner.startswith("Collection(") and inner.endswith(")")
        type = self.schemas.resolve(inner[11:-1] if many else inner)
        if type is None or self.model.kind(type) == "entity":
            refuse("unknownType", f"There is no type '{annotation[:200]}' for a property.")
        bare = type.removeprefix("Edm.")
        found = self._known[annotation] = (
            type, many, self._reader(type), not many and self.model.kind(type) == "complex", not many and type in TOLD,
            f"#Collection({bare})" if many else "#" + bare)
        return found

    def _reader(self, type: str) -> Read:
        kind = self.model.enum_type(type)
        reading = Reading("create")
        if kind is not None:
            numbers = self.schemas.enum_reader(kind, reading)
            names = {member.value: member.name for member in kind.members}
            return lambda value: names.get(number := numbers(value), value if kind.flags else str(number))
        if self.model.kind(type) == "complex":
            return lambda value: self.complex(value, type, reading)
        if type == "Edm.Untyped":
            return lambda value: self.value(value, reading)
        return primitive_reader(type, True) if type in types.PRIMITIVES else untyped

    def value(self, value: Any, reading: Reading) -> Any:
        """A value whose type nobody names; objects keep the annotated types of their own members."""
        kind = value.__class__
        if kind is Number:
            return plain_number(value)
        if kind is str:
            return types.checked_string(value)
        if kind is list or kind is tuple:
            return [self.value(item, reading) for item in value]
        return self._object(value, reading) if kind is dict else untyped(value)

    def _object(self, value: dict[str, Any], reading: Reading) -> dict[str, Any]:
        given = value.get(TYPE, value.get("@type"))
        if given is not None:
            type = self.schemas.resolve(given)
            if type is None:
                refuse("unknownType", f"There is no type '{given}'.")
            if self.model.kind(type) == "complex":
                return {TYPE: "#" + type, **self.complex(value, type, replace(reading, operation="create"))}
        if "@" not in "".join(value):
            return {name: self.value(item, reading) for name, item in value.items()}
        made: dict[str, Any] = {}
        for name, item in value.items():
            if "@" in name:
                continue
            annotation = value.get(name + TYPE)
            if annotation is None:
                annotation = value.get(name + "@type")
            if annotation is None:
                made[name] = self.value(item, reading)
            else:
                made.update(self.member(name, item, annotation, reading))
        return made

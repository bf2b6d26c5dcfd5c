"""Dynamic properties in bodies: values whose type nobody declared, or that an annotation beside them names.

The type is kept as 'name@odata.type' in its 4.0 form, where JSON alone does not tell it. JSON Format 4.01 §4.5.3, §7.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from app.edm import types
from app.edm.model import TypeRef
from app.payload.faults import refuse
from app.payload.primitives import Read, plain_number, primitive_reader, untyped
from app.payload.schemas import Reading, Schemas
from app.payload.syntax import Number
from app.plan.changes import TYPE

Complex = Callable[[Any, str, Reading], dict[str, Any]]
# whether a collection, reader of single values, whether a single complex value (None: where it is an object), whether JSON
# tells the type, the type as it is kept
Annotation: TypeAlias = tuple[bool, Read, bool | None, bool, str]
KEPT = 1000         # annotations whose meaning is kept
TOLD = ("Edm.String", "Edm.Boolean", "Edm.Double", "Edm.Untyped")


class DynamicReader:
    """Reads undeclared members. `complex` reads complex values: (value, type, reading) → dict."""

    def __init__(self, schemas: Schemas, complex: Complex) -> None:
        self.schemas, self.model, self.complex = schemas, schemas.model, complex
        self._known: dict[str, Annotation] = {}

    def member(self, name: str, value: Any, annotation: Any, reading: Reading) -> dict[str, Any]:
        """An undeclared member and, where it is needed, its type. Raises ValidationError, ValueError."""
        made: dict[str, Any] = {}
        self.put(made, name, value, annotation, reading)
        return made

    def put(self, made: dict[str, Any], name: str, value: Any, annotation: Any, reading: Reading) -> None:
        """The same into what is made of an object."""
        if annotation is None:
            made[name] = self.value(value, reading)
            return
        known = self._known.get(annotation) if annotation.__class__ is str else None
        many, read, complex, told, shown = known or self._annotated(annotation)
        if value is not None and many:
            if value.__class__ not in (list, tuple):
                refuse("invalidValue", "A collection is written as an array.")
            value = [None if item is None else read(item) for item in value]
        elif value is not None:
            value = read(value)
        if complex or complex is None and value.__class__ is dict:
            value = None if value is None else {TYPE: shown, **value}
        elif not told or value.__class__ is float and value - value != 0:
            made[name + TYPE] = shown
        made[name] = value

    def _annotated(self, annotation: Any) -> Annotation:
        """What a type annotation says."""
        if not isinstance(annotation, str):
            refuse("unknownType", "A type is named by a string.")
        inner = annotation.rpartition("#")[2]
        many = inner.startswith("Collection(") and inner.endswith(")")
        name = inner[11:-1] if many else inner
        type = self.schemas.resolve(name)
        found: Annotation
        if type is not None and self.model.kind(type) != "entity":
            bare = type.removeprefix("Edm.")
            found = (many, self._reader(type), not many and self.model.kind(type) == "complex", not many and type in TOLD,
                     f"#Collection({bare})" if many else "#" + bare)
        elif type is None and (shown := self.schemas.external(name, many)) is not None:
            found = many, lambda value: self.value(value, Reading("create")), False if many else None, False, shown
        else:
            refuse("unknownType", f"There is no type '{annotation[:200]}' for a property{self.schemas.advice(name)}")
        if len(self._known) < KEPT:
            self._known[annotation] = found
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
        if self.model.kind(type) == "definition":
            return self.schemas.typed(TypeRef(type), Reading("create", quoted=True))
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
                shown = self.schemas.external(str(given).rpartition("#")[2])
                if shown is None:
                    refuse("unknownType", f"There is no type '{str(given)[:200]}'{self.schemas.advice(str(given))}")
                return {TYPE: shown, **self.members(value, reading)}
            if self.model.kind(type) == "complex":
                return {TYPE: "#" + type, **self.complex(value, type, replace(reading, operation="create"))}
        return self.members(value, reading)

    def members(self, value: dict[str, Any], reading: Reading) -> dict[str, Any]:
        """The members of an object that no type declares."""
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
                self.put(made, name, item, annotation, reading)
        return made

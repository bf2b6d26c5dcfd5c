"""Omission: members left out of answers where the client prefers so (Protocol §8.2.8.6).

`omit-values=nulls` leaves out what is null (of what was created: where null is the default), `defaults` what has its
default value: the declared one, else null.
Expanded properties and items of collections always stay.
"""

from __future__ import annotations

from typing import Any

from app.edm import types
from app.edm.index import Model
from app.edm.model import Property
from app.payload.format import Format
from app.payload.values import dumps, json_converter

NULL = b"null"


class Omission:
    """Leaves members out of objects of a model, in one format."""

    def __init__(self, model: Model, format: Format) -> None:
        self.model, self.format = model, format
        self._defaults: dict[str, dict[str, bytes]] = {}

    def object(self, target: dict[str, Any], type: str, kept: frozenset[str] = frozenset()) -> None:
        """Takes the members out of an entity or complex value; `kept`: names of expanded properties."""
        declared, control = self.model.properties(type), self.format.control
        for name in [each for each in target if "@" not in each and not each.startswith("#") and each not in kept]:
            member, value = declared.get(name), target[name]
            if self._omitted(type, name, member, value):
                del target[name]
                target.pop(control("type", name), None)
            elif member is not None:
                self.values(value, self.model.underlying(member.type).name)

    def values(self, value: Any, declared: str) -> None:
        """Takes members out of a complex value, or of each in a collection."""
        if isinstance(value, list):
            for item in value:
                self.values(item, declared)
        elif isinstance(value, dict) and declared not in types.GEO:
            given = value.get(self.format.control("type"))
            self.object(value, self.model.full(given.removeprefix("#")) if isinstance(given, str) else declared)

    def _omitted(self, type: str, name: str, member: Property | None, value: Any) -> bool:
        if self.format.omit != "defaults" or member is None:
            return value is None and (self.format.omit != "unset" or member is None or member.default is None)
        return not isinstance(value, dict | list) and dumps(value) == self.default(type, name, member)

    def default(self, type: str, name: str, member: Property) -> bytes:
        """The default value of a property, as JSON."""
        known = self._defaults.setdefault(type, {})
        if name not in known:
            ref = self.model.underlying(member.type)
            enum = self.model.enum_type(ref.name)
            if member.default is None or enum is not None:
                known[name] = NULL if member.default is None else dumps(member.default)
            else:
                value = types.parse(ref.name, member.default)
                convert = json_converter(self.model, ref.name, self.format)
                known[name] = dumps(value if convert is None else convert(value))
        return known[name]

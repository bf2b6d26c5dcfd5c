"""Documents as they are stored: canonical complex values, collections and dynamic properties ⇄ JSON text.

The text is OData JSON 4.0 with minimal metadata: declared members in model order, dynamic ones behind them under their
`name@odata.type`, Decimal as string. Enumerations are member names on both sides; links are no part of documents.
`documents` turns stored text into answers. DESIGN §4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import orjson

from app.edm import types
from app.edm.index import Model
from app.payload.documents import dynamic_type
from app.plan.changes import TYPE, VALUE

Convert = Callable[[Any], Any]


def _double(value: float) -> Any:
    return value if value - value == 0 else types.write_double(value)


_ENCODE: Mapping[str, Convert] = {"Edm.Decimal": types.write_decimal, "Edm.Double": _double, "Edm.Single": _double,
                                  "Edm.Duration": types.write_duration, "Edm.Binary": types.write_binary}


AS_THEY_ARE = frozenset({"Edm.String", "Edm.Untyped", "Edm.Guid", "Edm.DateTimeOffset", "Edm.Date", "Edm.TimeOfDay"})
SIMPLE = frozenset({str, int, bool, float, type(None)})     # values of no declared type that stay as they are


def _parse(name: str) -> Convert:
    return lambda value: types.parse(name, value) if isinstance(value, str) else value


def _float(value: Any) -> float:
    return float(value)


_DECODE: Mapping[str, Convert] = {"Edm.Decimal": _parse("Edm.Decimal"), "Edm.Double": _float, "Edm.Single": _float,
                                  "Edm.Duration": _parse("Edm.Duration"), "Edm.Binary": _parse("Edm.Binary")}


class Documents:
    """Encodes and decodes the documents of a model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._members: dict[str, tuple[tuple[str, str], ...]] = {}
        self._navigations: dict[str, frozenset[str]] = {}
        self._types: dict[str, str] = {}

    def encode(self, value: Any, type: str) -> str | None:
        """The text of a complex value or a collection; None for null."""
        return None if value is None else orjson.dumps(self._walk(value, type, _ENCODE)).decode()

    def plain(self, value: Any, type: str) -> Any:
        """A value as the plain JSON data that its document would hold."""
        return self._walk(value, type, _ENCODE)

    def plain_dynamic(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Dynamic properties as plain JSON data."""
        return self._dynamic(members, frozenset(), _ENCODE)

    def decode(self, text: str | None, type: str, collection: bool) -> Any:
        """The canonical value of stored text."""
        if text is None:
            return [] if collection else None
        return self._walk(orjson.loads(text), type, _DECODE)

    def encode_dynamic(self, members: Mapping[str, Any]) -> str | None:
        """The text of the dynamic properties of an entity; None where it has none."""
        made = self._dynamic(members, frozenset(), _ENCODE)
        return orjson.dumps(made).decode() if made else None

    def decode_dynamic(self, text: str | None) -> dict[str, Any]:
        """The dynamic properties of an entity with their 'name@odata.type'."""
        return self._dynamic(orjson.loads(text), frozenset(), _DECODE) if text else {}

    # --- one walk for both ways --------------------------------------------------------------------------

    def members(self, type: str) -> tuple[tuple[str, str], ...]:
        """(name, Edm type) of the declared members that documents hold, in model order."""
        found = self._members.get(type)
        if found is None:
            pairs = ((member.name, self.model.underlying(member.type).name)
                     for member in self.model.properties(type).values())
            found = self._members[type] = tuple(pair for pair in pairs if pair[1] != "Edm.Stream")
            self._navigations[type] = frozenset(self.model.navigations(type)) | {name for name, _ in found}
        return found

    def _walk(self, value: Any, type: str, convert: Mapping[str, Convert]) -> Any:
        kind = value.__class__
        if value is None or kind is bool or kind is str and type in AS_THEY_ARE:
            return value
        if kind is list or kind is tuple:
            return [self._walk(item, type, convert) for item in value]
        if kind is dict:
            return dict(value) if type in types.GEO else self._object(value, type, convert)
        function = convert.get(type)
        if function is not None:
            return function(value)
        return types.write_decimal(value) if kind is Decimal else value

    def _object(self, value: dict[str, Any], declared: str, convert: Mapping[str, Convert]) -> dict[str, Any]:
        given = value.get(TYPE)
        if VALUE in value:
            return {TYPE: given, VALUE: self._walk(value[VALUE], dynamic_type(self.model, given), convert)}
        if given is None and declared == "Edm.Untyped":
            return self._dynamic(value, frozenset(), convert)
        actual = self.model.full(given.removeprefix("#")) if isinstance(given, str) else declared
        made: dict[str, Any] = {TYPE: given} if given is not None else {}
        if self.model.complex_type(actual) is None:
            return made | self._dynamic(value, frozenset(), convert)
        for name, type in self.members(actual):
            if name in value or convert is _ENCODE:
                made[name] = self._walk(value.get(name), type, convert)
        if len(value) > len(made):
            made.update(self._dynamic(value, self._navigations[actual], convert))
        return made

    def _dynamic(self, value: Mapping[str, Any], declared: frozenset[str], convert: Mapping[str, Convert]
                 ) -> dict[str, Any]:
        made: dict[str, Any] = {}
        annotated = "@" in "".join(value)
        if not annotated and not declared:
            return {name: item if item.__class__ in SIMPLE else self._walk(item, "Edm.Untyped", convert)
                    for name, item in value.items()}
        known = self._types
        for name, item in value.items():
            if annotated and "@" in name or name in declared:
                continue
            annotation, type = value.get(name + TYPE) if annotated else None, "Edm.Untyped"
            if annotation is not None:
                type = known.get(annotation) or known.setdefault(annotation, dynamic_type(self.model, annotation))
                made[name + TYPE] = annotation
            made[name] = item if item.__class__ in SIMPLE and type not in convert else self._walk(item, type, convert)
        return made

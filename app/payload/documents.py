"""Stored JSON documents → answers: complex values, collections and dynamic properties in any format.

Documents are stored as OData JSON 4.0, minimal metadata: declared members in model order, `name@odata.type` before a
dynamic member whose type JSON does not tell, `@odata.type` where a value is of a derived type, Decimal as string. Text
goes through untouched wherever the answer's form equals the stored form (DESIGN §4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from app.edm import types
from app.edm.index import Model
from app.edm.model import TypeRef
from app.payload.format import Format
from app.payload.values import json_converter
from app.plan.changes import TYPE, VALUE
from app.edm.types import parse

Tree = Mapping[str, Any]
EXTERNAL = "://"      # in the name of a type that another document declares
INEXACT = frozenset({"Edm.Decimal", "Edm.Untyped", "Edm.PrimitiveType"})      # what is stored in another form than written


def parsed(value: Any) -> Any:
    """A written value as data, where it goes out as the text that is stored."""
    return orjson.loads(orjson.dumps(value)) if isinstance(value, orjson.Fragment) else value


class DocumentWriter:
    """Writes documents of a model in one format."""

    def __init__(self, model: Model, format: Format) -> None:
        self.model, self.format = model, format
        self._convert: dict[str, Callable[[Any], Any] | None] = {}

    def writer(self, type: str, collection: bool, tree: Tree | None, opened: bool = False) -> Callable[[str | None], Any]:
        """Stored text → what orjson writes; `opened`: as objects, into which expanded properties are put."""
        plain = self.format.metadata == "minimal" and self.format.prefixed and not self.format.ieee754 and tree is None \
            and not opened and not self.format.omit
        exact = plain and self.keeps_text(type)
        modern = self.format.version != "4.0"

        def write(text: str | None) -> Any:
            if text is None:
                return [] if collection else None
            if exact and "#Decimal" not in text and not (modern and TYPE in text):
                return orjson.Fragment(text)
            value = orjson.loads(text)
            return self.collection(value, type, tree) if collection else self.value(value, type, tree)
        return write

    def keeps_text(self, type: str) -> bool:
        """Whether no declared member below is a Decimal or of an abstract type, so that stored text can go out as it
        is."""
        found = self.model.contents(type)
        return found.isdisjoint(INEXACT) and found.isdisjoint(self.model.narrowed)

    def collection(self, items: Any, type: str, tree: Tree | None = None) -> Any:
        return [self.value(item, type, tree) for item in items] if isinstance(items, list) else items

    def value(self, value: Any, type: str, tree: Tree | None = None) -> Any:
        """A parsed stored value of the declared type → the answer's form."""
        if value is None:
            return None
        if isinstance(value, dict) and (self.model.kind(type) in ("complex", "untyped", "unknown") or type in types.ABSTRACT):
            return self.complex(value, type, tree)
        if isinstance(value, list):
            return self.collection(value, type, tree)
        return self.primitive(value, type)

    def primitive(self, value: Any, type: str) -> Any:
        if type not in self._convert:
            self._convert[type] = json_converter(self.model, type, self.format) if type in (
                "Edm.Int64", "Edm.Decimal") else None
        convert = self._convert[type]
        if convert is None:
            return value
        return convert(parse(type, value) if isinstance(value, str) else value)

    def complex(self, value: dict[str, Any], declared: str, tree: Tree | None = None) -> dict[str, Any]:
        """A complex object, with the type annotation that it needs."""
        format, model = self.format, self.model
        given = value.get(TYPE)
        actual = model.full(given.removeprefix("#")) if isinstance(given, str) else declared
        out: dict[str, Any] = {}
        if isinstance(given, str) and EXTERNAL in given and format.metadata != "none":
            out[format.control("type")] = given
        elif format.metadata == "full" and model.kind(actual) == "complex" or given is not None and format.metadata == "minimal":
            out[format.control("type")] = format.type_name(actual)
        properties = model.properties(actual) if model.structured(actual) else {}
        for name, item in value.items():
            if "@" in name or actual in model.narrowed and name not in properties:
                continue
            if tree is not None and name not in tree:
                continue
            inner = tree.get(name) if tree is not None else None
            member = properties.get(name)
            if member is not None and isinstance(item, dict) and VALUE in item:
                self.dynamic_member(out, name, item[VALUE], item[TYPE], inner)
            elif member is not None:
                out[name] = self.value(item, model.underlying(member.type).name, inner)
            else:
                self.dynamic_member(out, name, item, value.get(name + TYPE), inner)
        if tree and model.is_open(actual):
            out.update((name, None) for name in tree if name not in out and name not in model.navigations(actual))
        return out

    def dynamic_member(self, out: dict[str, Any], name: str, item: Any, annotation: str | None, tree: Tree | None = None
                       ) -> None:
        """Adds a dynamic member with the type annotation that it needs."""
        format = self.format
        if annotation is not None and format.metadata != "none":
            out[format.control("type", name)] = annotation if EXTERNAL in annotation else format.type_name(
                *named_type(self.model, annotation))
        out[name] = self.value(item, dynamic_type(self.model, annotation), tree)

    def annotated(self, name: str, tree: Tree | None) -> Callable[[str | None], dict[str, Any]]:
        """Stored text of a property of an abstract type → its member, its type before it where it is kept."""
        def write(text: str | None) -> dict[str, Any]:
            value = None if text is None else orjson.loads(text)
            out: dict[str, Any] = {}
            if isinstance(value, dict) and VALUE in value:
                self.dynamic_member(out, name, value[VALUE], value[TYPE], tree)
            else:
                out[name] = self.value(value, "Edm.Untyped", tree)
            return out
        return write

    def typed(self, name: str) -> Callable[[str | None, str | None], dict[str, Any]]:
        """Text of a dynamic value, and its stored type annotation as JSON text → a member, its type before it."""
        def write(text: str | None, annotation: str | None) -> dict[str, Any]:
            out: dict[str, Any] = {}
            known = None if annotation is None else orjson.loads(annotation)
            self.dynamic_member(out, name, None if text is None else orjson.loads(text), known)
            return out
        return write

    def dynamic(self, names: frozenset[str] | None) -> Callable[[str | None], dict[str, Any]]:
        """Stored dynamic properties of an entity → members to merge into it. One that is selected and not there is null
        (URL Conventions §5.1.4)."""
        unset = dict.fromkeys(sorted(names or ()))

        def write(text: str | None) -> dict[str, Any]:
            if not text:
                return dict(unset)
            stored = orjson.loads(text)
            out: dict[str, Any] = {}
            for name, item in stored.items():
                if "@" not in name and (names is None or name in names):
                    self.dynamic_member(out, name, item, stored.get(name + TYPE))
            return {**out, **{name: None for name in unset if name not in out}} if unset else out
        return write


def dynamic_type(model: Model, annotation: str | None) -> str:
    """The type of what stands beside a stored type annotation, primitive where that names a type definition; Untyped
    without one."""
    return "Edm.Untyped" if annotation is None else model.underlying(TypeRef(named_type(model, annotation)[0])).name


def named_type(model: Model, annotation: str) -> tuple[str, bool]:
    """(type, whether a collection) that a stored type annotation names."""
    name, many = annotation.rpartition("#")[2], False
    if name.startswith("Collection(") and name.endswith(")"):
        name, many = name[11:-1], True
    if "." not in name:
        name = "Edm." + name
    return model.full(name), many


def decode_document(text: str) -> Any:
    """The parsed form of a stored document."""
    return orjson.loads(text)

"""Verbose JSON of OData 2.0 from bodies of 4.0, and the other way (OData 2.0, JSON format).

Answers are read in full metadata with long numbers as strings; the types come from the view, starting where the context
URL says.
"""

from __future__ import annotations

import base64
import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.edm.model import TypeRef
from app.errors import BodyError
from app.payload.syntax import Number, read_json, write_json
from app.v2.literals import time_of_day
from app.v2.urls import entity_id, entity_uri
from app.v2.view import View

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MOMENT = re.compile(r"/Date\((-?\d{1,20})(?:[+-]\d{1,4})?\)/")
INSTANT = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?(?:Z|([+-]\d\d):(\d\d))?")
NUMBERS = frozenset({"Edm.Byte", "Edm.SByte", "Edm.Int16", "Edm.Int32", "Edm.Double", "Edm.Single"})
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verbose:
    """Bodies between a view and its service; `root` and `face`: the addresses of the 4.0 service and of the face.
    `iso`: dates are written as Atom has them, in the way of ISO 8601."""

    view: View
    root: str
    face: str
    iso: bool = False

    # --- answers -----------------------------------------------------------------------------------------

    def answer(self, body: bytes, last: str, next_link: str | None, plain_arrays: bool) -> bytes:
        """The 2.0 body of a 4.0 answer. `last`: the name that wraps a single value; `next_link`: of the next page;
        `plain_arrays`: collections without `results`, as OData 1.0 has them."""
        data = read_json(body)
        found, _ = self.found(data, last)
        if isinstance(found, list):
            count = data.get("@odata.count")
            whole: Any = {"results": found}
            if count is not None:
                whole["__count"] = str(count)
            if next_link is not None:
                whole["__next"] = next_link
            found = found if plain_arrays else whole
        return write_json({"d": found})

    def found(self, data: Object, last: str) -> tuple[Any, TypeRef | None]:
        """What a 4.0 answer holds: entities, links, values, or {`last`: value}; and its type, None for links."""
        fragment = str(data.get("@odata.context", "")).partition("#")[2]
        model, items = self.view.model, data.get("value")
        many = isinstance(items, list)
        if fragment.endswith("$ref") or fragment.startswith("Collection($ref"):
            return [self._uri(each) for each in items or ()] if many else self._uri(data), None
        name = re.split(r"[(/]", fragment, maxsplit=1)[0]
        if name in model.sets and ("$entity" in fragment or many or "@odata.id" in data):
            type = self._behind(fragment, model.sets[name].type)
            if many:
                return [self.entity(each, type) for each in items or ()], TypeRef(type)
            if "value" not in data and self.view.model.entity_type(type) is not None:
                return self.entity(data, type), TypeRef(type)
        ref = self._type(fragment)
        if many:
            return [self.value(each, replaced(ref)) for each in items or ()], ref
        if model.kind(ref.name) == "entity":
            return self.entity(data, ref.name), ref
        return {last: self.value(data["value"] if "value" in data else data, ref)}, ref

    def _behind(self, fragment: str, type: str) -> str:
        """The type of the entities that a context URL ends at, starting from the type of its set."""
        for step in re.sub(r"\([^/]*\)", "", fragment).split("/")[1:]:
            link = self.view.model.navigations(type).get(step)
            type = link.type if link is not None else type
        return type

    def _type(self, fragment: str) -> TypeRef:
        """The type of a property or of a result that a context URL names."""
        model = self.view.model
        path = re.sub(r"\([^/]*\)", "", fragment).split("/")
        if path[0] in model.sets:
            type = model.sets[path[0]].type
            found: TypeRef | None = None
            for step in path[1:]:
                member = model.properties(type).get(step)
                link = model.navigations(type).get(step) if model.entity_type(type) is not None else None
                found = member.type if member is not None else found
                type = link.type if link is not None else member.type.name if member is not None else type
            return found or TypeRef(type)
        match = re.fullmatch(r"Collection\((.*)\)", fragment)
        return TypeRef(model.full(match[1] if match is not None else fragment), collection=match is not None)

    def _uri(self, data: Object) -> Object:
        return {"uri": entity_uri(self.view.model, str(data.get("@odata.id", "")), self.root, self.face)}

    def entity(self, data: Object | None, type: str) -> Object | None:
        """An entity with its metadata, its properties, and links where nothing was expanded."""
        if data is None:
            return None
        model = self.view.model
        uri = self._uri(data)["uri"]
        head: Object = {"id": uri, "uri": uri, "type": type}
        if "@odata.etag" in data:
            head["etag"] = data["@odata.etag"]
        if model.has_stream(type):
            head |= {"media_src": f"{uri}/$value", "edit_media": f"{uri}/$value",
                     "content_type": data.get("@odata.mediaContentType", "application/octet-stream")}
        out: Object = {"__metadata": head}
        for name, member in model.properties(type).items():
            if name in data:
                out[name] = self.value(data[name], member.type)
        for name, link in model.navigations(type).items():
            if name in data:
                found = data[name]
                out[name] = {"results": [self.entity(each, link.type) for each in found]} if isinstance(found, list) \
                    else self.entity(found, link.type)
            elif f"{name}@odata.navigationLink" in data:
                out[name] = {"__deferred": {"uri": f"{uri}/{name}"}}
        return out

    def value(self, value: Any, ref: TypeRef) -> Any:
        """A value of a property as OData 2.0 writes it."""
        if value is None:
            return None
        match ref.name:
            case "Edm.DateTimeOffset":
                return value if self.iso else f"/Date({_milliseconds(value)}+0000)/"
            case "Edm.Date":
                return f"{value}T00:00:00" if self.iso else f"/Date({_milliseconds(value)})/"
            case "Edm.TimeOfDay":
                hours, minutes, seconds = str(value).split(":")
                return f"PT{hours}H{minutes}M{seconds}S"
            case "Edm.Binary":
                return str(value).translate(str.maketrans("-_", "+/")) + "=" * (-len(value) % 4)
            case "Edm.Int64" | "Edm.Decimal":
                return str(value)
        if self.view.model.kind(ref.name) != "complex" or not isinstance(value, dict):
            return value
        shown = {name: self.value(value.get(name), member.type)
                 for name, member in self.view.model.properties(ref.name).items() if name in value}
        return {"__metadata": {"type": ref.name}, **shown}

    # --- bodies ------------------------------------------------------------------------------------------

    def body(self, data: bytes, type: str | None, links: bool) -> bytes:
        """The 4.0 body of a 2.0 one: of an entity or value of `type`, or of a link. Raises BodyError."""
        tree = read_json(data)
        if isinstance(tree, dict) and set(tree) == {"d"}:
            tree = tree["d"]
        if not isinstance(tree, dict):
            raise BodyError("The body is a JSON object", code="invalidBody")
        if links:
            if not isinstance(tree.get("uri"), str):
                raise BodyError("A link is {\"uri\": …}", code="invalidBody", target="uri")
            return write_json({"@odata.id": entity_id(self.view, tree["uri"], self.root, self.face)})
        return write_json(self._read(tree, type) if type is not None else tree)

    def _read(self, tree: Mapping[str, Any], type: str) -> Object:
        model = self.view.model
        properties = model.properties(type)
        links = model.navigations(type) if model.entity_type(type) is not None else {}
        out: Object = {}
        for name, value in tree.items():
            if name == "__metadata" or isinstance(value, dict) and "__deferred" in value:
                continue
            if name in links:
                out |= self._linked(name, value, links[name].type, links[name].collection)
            elif name in properties:
                out[name] = self._value(value, properties[name].type)
            else:
                out[name] = value
        return out

    def _linked(self, name: str, value: Any, type: str, many: bool) -> Object:
        items = value.get("results", [value]) if isinstance(value, dict) else value
        if value is None or not isinstance(items, list):
            return {f"{name}@odata.bind": None} if value is None else {name: value}
        uris = [each["__metadata"].get("uri") for each in items if isinstance(each, dict)
                and isinstance(each.get("__metadata"), dict) and set(each) == {"__metadata"}]
        if uris and len(uris) == len(items) and all(isinstance(uri, str) for uri in uris):
            found = [entity_id(self.view, uri, self.root, self.face) for uri in uris]
            return {f"{name}@odata.bind": found if many else found[0]}
        read = [self._read(each, type) if isinstance(each, dict) else each for each in items]
        return {name: read if many else read[0] if read else None}

    def _value(self, value: Any, ref: TypeRef) -> Any:
        if isinstance(value, dict) and self.view.model.kind(ref.name) == "complex":
            return self._read(value, ref.name)
        if not isinstance(value, str) or isinstance(value, Number):
            return value
        match ref.name:
            case "Edm.DateTimeOffset":
                return _instant(value)
            case "Edm.Date":
                return _instant(value)[:10]
            case "Edm.TimeOfDay":
                return time_of_day(value) if value.startswith("PT") else value
            case "Edm.Binary":
                return base64.urlsafe_b64encode(_decoded(value)).decode()
        return Number(value) if ref.name in NUMBERS and re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", value) else value


def error(body: bytes, language: str = "en") -> bytes:
    """The 2.0 error of a 4.0 one: the message is an object there."""
    found = read_json(body)["error"]
    inner = {name: found[name] for name in ("target", "details") if found.get(name)} | (found.get("innererror") or {})
    shown = {"code": found["code"], "message": {"lang": language, "value": found["message"]}}
    return write_json({"error": {**shown, "innererror": inner} if inner else shown})


def replaced(ref: TypeRef) -> TypeRef:
    """The type of one item."""
    return TypeRef(ref.name)


def _milliseconds(text: str) -> int:
    match = INSTANT.fullmatch(text)
    if match is None:
        raise BodyError(f"'{text[:60]}' is not a date", code="invalidValue")
    year, month, day, hour, minute, second = (int(each or 0) for each in match.groups()[:6])
    moment = datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.UTC)
    return (moment - EPOCH) // datetime.timedelta(milliseconds=1) + int((match[7] or "0").ljust(3, "0")[:3])


def _instant(text: str) -> str:
    match = MOMENT.fullmatch(text)
    if match is None:
        return text if re.search(r"(Z|[+-]\d\d:\d\d)$", text) or "T" not in text else text + "Z"
    try:
        moment = EPOCH + datetime.timedelta(milliseconds=int(match[1]))
    except OverflowError:
        raise BodyError(f"'{text[:60]}' is out of range", code="invalidValue") from None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise BodyError(f"'{text[:60]}' is not base64", code="invalidValue") from None

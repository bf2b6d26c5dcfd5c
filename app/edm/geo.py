"""Geo values: the well-known text of URLs and `$value` ⇄ GeoJSON as the canonical Python value.

`read` takes the content of a geo literal, 'SRID=n;Point(1 2)'; the coordinate system becomes a `crs` member only where
it is not the default (4326 for geography). ABNF fullPointLiteral and its siblings; JSON Format §7.1.
"""

from __future__ import annotations

import re
from typing import Any

SHAPES = {"point": "Point", "linestring": "LineString", "polygon": "Polygon", "multipoint": "MultiPoint",
          "multilinestring": "MultiLineString", "multipolygon": "MultiPolygon", "collection": "Collection",
          "geometrycollection": "Collection"}
DEPTHS = {"Point": 0, "LineString": 1, "MultiPoint": 1, "Polygon": 2, "MultiLineString": 2, "MultiPolygon": 3}
DEFAULT_SRID = 4326

_SYSTEM = re.compile(r"EPSG:\d{1,6}")
_START = re.compile(r"(?:SRID=(\d{1,6});)?\s*([A-Za-z]+)", re.IGNORECASE)
_TOKEN = re.compile(r"\s*([(),]|[A-Za-z]+|[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")


def shape(text: str) -> str:
    """'Point', 'LineString' … of a geo literal's content; '' where it is none (reading it then fails)."""
    found = _START.match(text)
    return SHAPES.get(found[2].lower(), "") if found else ""


def read(text: str) -> dict[str, Any]:
    """The GeoJSON of 'SRID=n;WKT'; ValueError with a sentence when it is malformed."""
    start = _START.match(text)
    if not start:
        raise ValueError(f"'{text[:40]}' is not well-known text")
    reader = _Reader(text, start.start(2))
    value = reader.geometry()
    reader.end()
    if start[1] and int(start[1]) != DEFAULT_SRID:
        value["crs"] = {"type": "name", "properties": {"name": f"EPSG:{int(start[1])}"}}
    return value


class _Reader:
    """One pass over well-known text."""

    def __init__(self, text: str, position: int) -> None:
        self.text = text
        self.position = position

    def peek(self) -> str:
        found = _TOKEN.match(self.text, self.position)
        return found[1] if found else ""

    def take(self, expected: str = "") -> str:
        found = _TOKEN.match(self.text, self.position)
        if not found or (expected and found[1] != expected):
            raise ValueError(f"'{self.text[:60]}' is not well-known text")
        self.position = found.end()
        return found[1]

    def end(self) -> None:
        if self.text[self.position:].strip():
            raise ValueError(f"'{self.text[:60]}' is not well-known text")

    def geometry(self) -> dict[str, Any]:
        name = self.take()
        kind = SHAPES.get(name.lower())
        if kind is None:
            raise ValueError(f"'{name}' is not a shape")
        if kind == "Collection":
            return {"type": "GeometryCollection", "geometries": self.items(self.geometry)}
        return {"type": kind, "coordinates": self.coordinates(DEPTHS[kind]) if kind != "Point" else self.single()}

    def single(self) -> list[float]:
        self.take("(")
        value = self.numbers()
        self.take(")")
        return value

    def coordinates(self, depth: int) -> list[Any]:
        if depth == 1:
            return self.items(lambda: self.single() if self.peek() == "(" else self.numbers())
        return self.items(lambda: self.coordinates(depth - 1))

    def items(self, one: Any) -> list[Any]:
        self.take("(")
        found = []
        if self.peek() != ")":
            found.append(one())
            while self.peek() == ",":
                self.take(",")
                found.append(one())
        self.take(")")
        return found

    def numbers(self) -> list[float]:
        found = []
        while self.peek() not in ("", ",", ")", "("):
            found.append(float(self.take()))
        if not 2 <= len(found) <= 4:
            raise ValueError("a position has two to four numbers")
        return found


def system(type: str, srid: int | str | None) -> int:
    """The reference system of the values of a type with this SRID facet that name none themselves (CSDL §7.2.6)."""
    return srid if isinstance(srid, int) else DEFAULT_SRID if type.startswith("Edm.Geography") else 0


def named(value: dict[str, Any]) -> str | None:
    """The reference system that a GeoJSON value names, 'EPSG:n' as n."""
    return str(value["crs"]["properties"]["name"]).rpartition(":")[2] if "crs" in value else None


def check(value: Any) -> None:
    """Nothing where the value is GeoJSON; else ValueError with a sentence (JSON Format §7.1, RFC 7946 §3.1)."""
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "GeometryCollection":
        if not isinstance(value.get("geometries"), list):
            raise ValueError("a GeoJSON GeometryCollection has an array 'geometries'")
        for each in value["geometries"]:
            check(each)
    elif isinstance(kind, str) and kind in DEPTHS:
        if not isinstance(value.get("coordinates"), list):
            raise ValueError(f"a GeoJSON {kind} has an array 'coordinates'")
        _check_positions(value["coordinates"], DEPTHS[kind], kind)
    else:
        raise ValueError(f"GeoJSON is an object whose type is one of {', '.join((*DEPTHS, 'GeometryCollection'))}")
    match value:
        case {"crs": {"type": "name", "properties": {"name": str(name)}}} if _SYSTEM.fullmatch(name):
            return
        case {"crs": _}:
            raise ValueError("a reference system is written {\"type\":\"name\",\"properties\":{\"name\":\"EPSG:4326\"}}")


def _check_positions(items: Any, depth: int, kind: str) -> None:
    if not isinstance(items, list):
        raise ValueError(f"the coordinates of a {kind} are nested deeper")
    if depth:
        for each in items:
            _check_positions(each, depth - 1, kind)
        if depth == 1 and kind.endswith("LineString") and len(items) < 2:
            raise ValueError("a LineString has two or more positions")
        if depth == 1 and kind.endswith("Polygon") and (len(items) < 4 or items[0] != items[-1]):
            raise ValueError("a ring of a Polygon has four or more positions, of which the last is the first")
    elif not 2 <= len(items) <= 4 or any(each.__class__ not in (int, float) for each in items):
        raise ValueError("a position has two to four numbers")


def write(value: dict[str, Any], srid: int = DEFAULT_SRID) -> str:
    """'SRID=n;WKT' of a GeoJSON value, as `$value` gives it; `srid`: where the value names none."""
    return f"SRID={named(value) or srid};{_write(value)}"


def _write(value: dict[str, Any]) -> str:
    if value["type"] == "GeometryCollection":
        return "Collection(" + ",".join(_write(each) for each in value["geometries"]) + ")"
    body = _list(value["coordinates"], DEPTHS[value["type"]], value["type"] == "MultiPoint")
    name: str = value["type"]
    return name + (f"({body})" if name == "Point" else body)


def _list(items: list[Any], depth: int, enclosed: bool) -> str:
    if depth == 0:
        return " ".join(repr(number)[:-2] if repr(number).endswith(".0") else repr(number) for number in items)
    inner = (_list(each, depth - 1, enclosed) for each in items)
    return "(" + ",".join(f"({each})" if enclosed and depth == 1 else each for each in inner) + ")"

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


def write(value: dict[str, Any]) -> str:
    """'SRID=n;WKT' of a GeoJSON value, as `$value` and cast to string give it."""
    name = value.get("crs", {}).get("properties", {}).get("name", f"EPSG:{DEFAULT_SRID}")
    return f"SRID={name.rpartition(':')[2]};{_write(value)}"


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

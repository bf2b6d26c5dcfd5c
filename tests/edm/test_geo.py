"""Geo values: well-known text to GeoJSON and back. ABNF fullPointLiteral and its siblings; JSON Format §7.1."""

from __future__ import annotations

from typing import Any

import pytest

from app.edm import geo

SHAPES = [
    ("SRID=4326;Point(142.1 64.1)", "Point", [142.1, 64.1]),
    ("SRID=4326;Point(1 2 3)", "Point", [1.0, 2.0, 3.0]),
    ("SRID=4326;LineString(1 2,3 4)", "LineString", [[1.0, 2.0], [3.0, 4.0]]),
    ("SRID=4326;MultiPoint((1 2),(3 4))", "MultiPoint", [[1.0, 2.0], [3.0, 4.0]]),
    ("SRID=4326;Polygon((0 0,1 0,1 1,0 0))", "Polygon", [[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]),
    ("SRID=4326;MultiLineString((1 2,3 4),(5 6,7 8))", "MultiLineString",
     [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]),
    ("SRID=4326;MultiPolygon(((0 0,1 0,1 1,0 0)))", "MultiPolygon",
     [[[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]]),
]

FAULTS = ["", "SRID=4326;", "SRID=4326;Blob(1 2)", "SRID=4326;Point(1)", "SRID=4326;Point(1 2", "SRID=4326;Point(1 2)x",
          "SRID=4326;Point(a b)", "SRID=x;Point(1 2)"]


@pytest.mark.parametrize(("text", "kind", "coordinates"), SHAPES, ids=[row[1] + row[0] for row in SHAPES])
def test_both_ways(text: str, kind: str, coordinates: list[Any]) -> None:
    assert geo.read(text) == {"type": kind, "coordinates": coordinates}
    assert geo.shape(text) == kind
    assert geo.write(geo.read(text)) == text


def test_collection_and_other_coordinate_system() -> None:
    text = "SRID=3857;Collection(Point(1 2),LineString(1 2,3 4))"
    value = geo.read(text)
    assert value["type"] == "GeometryCollection" and len(value["geometries"]) == 2
    assert value["crs"]["properties"]["name"] == "EPSG:3857"
    assert geo.write(value) == text


@pytest.mark.parametrize("text", FAULTS)
def test_faults(text: str) -> None:
    with pytest.raises(ValueError):
        geo.read(text)


RINGS = [
    ("Polygon", [[[0, 0], [1, 0], [1, 1], [0, 0]]], True), ("Polygon", [[[0, 0], [1, 0], [1, 1]]], False), ("Polygon", [[[0, 0], [1, 0], [0, 0]]], False),
    ("Polygon", [[[0, 0], [1, 0], [1, 1], [0, 1]]], False), ("MultiPolygon", [[[[0, 0], [1, 0], [1, 1], [0, 0]]], [[[0, 0], [1, 0], [1, 1], [0, 1]]]], False),
    ("LineString", [[0, 0], [1, 1]], True), ("LineString", [[0, 0]], False), ("LineString", [], False), ("MultiLineString", [[[0, 0], [1, 1]], [[0, 0]]], False),
    ("MultiLineString", [], True), ("MultiPoint", [[0, 0]], True), ("MultiPoint", [], True),
]


@pytest.mark.parametrize(("kind", "coordinates", "valid"), RINGS)
def test_lines_and_rings(kind: str, coordinates: list[Any], valid: bool) -> None:
    """RFC 7946 §3.1.4, §3.1.6: a line has two positions or more, a ring four or more and ends where it begins."""
    value = {"type": "GeometryCollection", "geometries": [{"type": kind, "coordinates": coordinates}]}
    if valid:
        geo.check(value)
    else:
        with pytest.raises(ValueError, match="two or more positions|four or more positions"):
            geo.check(value)

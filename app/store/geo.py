"""Geography and geometry: distance, length and intersection of GeoJSON values (URL Conventions §5.1.1.11).

Geography: great circles on a sphere with the mean radius of the Earth, in metres. Geometry: the plane, in units of its
coordinates. A point on the boundary of a polygon intersects it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

EARTH_RADIUS = 6_371_008.8

Point = Sequence[float]


def _coordinates(text: str) -> Any:
    return json.loads(text)["coordinates"]


def great_circle(first: Point, second: Point) -> float:
    """Metres between two positions (longitude, latitude)."""
    west, south, east, north = map(math.radians, (first[0], first[1], second[0], second[1]))
    half = math.sin((north - south) / 2) ** 2 + math.cos(south) * math.cos(north) * math.sin((east - west) / 2) ** 2
    return 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(half)))


def planar(first: Point, second: Point) -> float:
    """The distance of two positions in the plane."""
    return math.dist(first[:2], second[:2])


def distance(first: str | None, second: str | None, geography: int) -> float | None:
    """`geo.distance` of two points."""
    if first is None or second is None:
        return None
    return (great_circle if geography else planar)(_coordinates(first), _coordinates(second))


def length(line: str | None, geography: int) -> float | None:
    """`geo.length` of a line."""
    if line is None:
        return None
    between = great_circle if geography else planar
    points = _coordinates(line)
    return math.fsum(between(first, second) for first, second in zip(points, points[1:]))


def intersects(point: str | None, polygon: str | None) -> bool | None:
    """`geo.intersects` of a point and a polygon: inside the outer ring and in no hole, boundaries included."""
    if point is None or polygon is None:
        return None
    position, rings = _coordinates(point), _coordinates(polygon)
    if any(_on_boundary(position, ring) for ring in rings):
        return True
    return bool(rings) and _inside(position, rings[0]) and not any(_inside(position, hole) for hole in rings[1:])


def _on_boundary(point: Point, ring: Sequence[Point]) -> bool:
    x, y = point[0], point[1]
    for (ax, ay, *_), (bx, by, *_) in zip(ring, ring[1:]):
        cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        if cross == 0 and min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by):
            return True
    return False


def _inside(point: Point, ring: Sequence[Point]) -> bool:
    x, y, inside = point[0], point[1], False
    for (ax, ay, *_), (bx, by, *_) in zip(ring, ring[1:]):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
    return inside

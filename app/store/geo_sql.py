"""Geography and geometry in SQL, for databases that take no functions of ours: what `geo` computes, of GeoJSON text.

A point is within a polygon where a ray from it crosses an odd number of edges, those of holes included, or where it lies on
one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import peewee as pw
from peewee import fn

from app.store.clauses import NULL, ONE, ZERO, Node, all_of, enclosed, infix, when, words
from app.store.geo import EARTH_RADIUS

if TYPE_CHECKING:
    from app.store.dialects import Function

Number = Callable[[Node, Sequence[str | int]], Node]    # (JSON, steps of names and places) → the number there
Rows = Callable[[Node, Sequence[str], str], tuple[Node, Node, Node]]    # (JSON, steps, alias) → table, item, position

TWO = pw.SQL("2")


def functions(number: Number, rows: Rows) -> dict[str, Function]:
    """`geo.distance`, `geo.length` and `geo.intersects` of a database that reads JSON by `number` and `rows`."""

    def apart(kinds: Sequence[str], *ends: Node) -> Node:
        return (great_circle if kinds[0].startswith("Edm.Geography") else planar)(*ends)

    def ends(first: Node, second: Node, steps: Sequence[str]) -> list[Node]:
        return [number(node, (*steps, place)) for node in (first, second) for place in (0, 1)]

    def distance(arguments: Sequence[Node], kinds: Sequence[str]) -> Node:
        return apart(kinds, *ends(arguments[0], arguments[1], ("coordinates",)))

    def edges(node: Node, steps: Sequence[str]) -> tuple[Node, list[Node]]:
        """Two positions that follow one another: what to select from, the condition included, and their coordinates."""
        (one, first, place), (two, second, behind) = (rows(node, steps, alias) for alias in ("g1", "g2"))
        return words(one, "JOIN", two, "ON", infix(behind, "=", infix(place, "+", ONE))), ends(first, second, ())

    def length(arguments: Sequence[Node], kinds: Sequence[str]) -> Node:
        table, found = edges(arguments[0], ("coordinates",))
        total = fn.COALESCE(enclosed("SELECT SUM(", apart(kinds, *found), ") FROM", table), ZERO)
        return when(infix(arguments[0], "IS NOT", NULL), total)

    def intersects(arguments: Sequence[Node], kinds: Sequence[str]) -> Node:
        point, polygon = arguments
        x, y = (number(point, ("coordinates", place)) for place in (0, 1))
        rings, ring, _ = rows(polygon, ("coordinates",), "g0")
        table, (ax, ay, bx, by) = edges(ring, ())
        touching = words("MAX(CASE WHEN", touches(x, y, ax, ay, bx, by), "THEN 1 ELSE 0 END) = 1")
        crossing = words("SUM(CASE WHEN", crosses(x, y, ax, ay, bx, by), "THEN 1 ELSE 0 END)")
        odd = infix(fn.MOD(crossing, TWO), "=", ONE)
        found = enclosed("SELECT", pw.NodeList((touching, odd), " OR ", True), "FROM", rings, "CROSS JOIN", table)
        return when(all_of(*(infix(each, "IS NOT", NULL) for each in arguments)), fn.COALESCE(found, pw.SQL("FALSE")))

    return {"geo.distance": distance, "geo.length": length, "geo.intersects": intersects}


def great_circle(west: Node, south: Node, east: Node, north: Node) -> Node:
    """Metres between two positions."""
    def squared(first: Node, second: Node) -> Node:
        sine = fn.SIN(infix(infix(fn.RADIANS(second), "-", fn.RADIANS(first)), "/", TWO))
        return infix(sine, "*", sine)
    scale = infix(fn.COS(fn.RADIANS(south)), "*", fn.COS(fn.RADIANS(north)))
    half = infix(squared(south, north), "+", infix(scale, "*", squared(west, east)))
    return infix(pw.SQL(f"{2 * EARTH_RADIUS}e0"), "*", fn.ASIN(fn.LEAST(pw.SQL("1e0"), fn.SQRT(half))))


def planar(ax: Node, ay: Node, bx: Node, by: Node) -> Node:
    """The distance of two positions in the plane."""
    across, along = infix(bx, "-", ax), infix(by, "-", ay)
    return fn.SQRT(infix(infix(across, "*", across), "+", infix(along, "*", along)))


def touches(x: Node, y: Node, ax: Node, ay: Node, bx: Node, by: Node) -> Node:
    """Whether a position lies on an edge."""
    cross = infix(infix(infix(bx, "-", ax), "*", infix(y, "-", ay)), "-", infix(infix(by, "-", ay), "*", infix(x, "-", ax)))
    bounds = [words(value, "BETWEEN", fn.LEAST(first, second), "AND", fn.GREATEST(first, second))
              for value, first, second in ((x, ax, bx), (y, ay, by))]
    return all_of(infix(cross, "=", ZERO), *bounds)


def crosses(x: Node, y: Node, ax: Node, ay: Node, bx: Node, by: Node) -> Node:
    """Whether an edge crosses the ray from a position."""
    place = infix(infix(infix(infix(bx, "-", ax), "*", infix(y, "-", ay)), "/", fn.NULLIF(infix(by, "-", ay), ZERO)), "+", ax)
    return all_of(infix(infix(ay, ">", y), "<>", infix(by, ">", y)), infix(x, "<", place))

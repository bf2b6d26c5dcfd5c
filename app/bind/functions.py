"""The canonical functions: an open table of signatures by lower-case name.

A new function is a new row here, a row per database in `store/dialects.py`, and a case in the tests. `cast`, `isof`,
`case` and `isdefined`, whose arguments are not values, are bound by `app.bind.expression`.
URL Conventions §5.1.1.5 to §5.1.1.11.
"""

from __future__ import annotations

from dataclasses import dataclass

COLLECTION = "Collection"       # a collection of anything
SAME = "="                      # the type of the first argument


@dataclass(frozen=True, slots=True)
class Signature:
    """Argument types and the result type; COLLECTION takes any collection, the result SAME is the first argument's."""

    arguments: tuple[str, ...]
    result: str
    collection: bool = False


def _row(result: str, *arguments: str, collection: bool = False) -> Signature:
    return Signature(tuple(argument if argument in (COLLECTION, SAME) else f"Edm.{argument}" for argument in arguments),
                     result if result == SAME else f"Edm.{result}", collection)


def _each(result: str, *types: str) -> tuple[Signature, ...]:
    return tuple(_row(result, name) for name in types)


FUNCTIONS: dict[str, tuple[Signature, ...]] = {
    # strings and collections
    "concat": (_row("String", "String", "String"), _row(SAME, COLLECTION, COLLECTION, collection=True)),
    "contains": (_row("Boolean", "String", "String"), _row("Boolean", COLLECTION, COLLECTION)),
    "endswith": (_row("Boolean", "String", "String"), _row("Boolean", COLLECTION, COLLECTION)),
    "indexof": (_row("Int32", "String", "String"), _row("Int32", COLLECTION, COLLECTION)),
    "length": (_row("Int32", "String"), _row("Int32", COLLECTION)),
    "startswith": (_row("Boolean", "String", "String"), _row("Boolean", COLLECTION, COLLECTION)),
    "substring": (_row("String", "String", "Int32"), _row("String", "String", "Int32", "Int32"),
                  _row(SAME, COLLECTION, "Int32", collection=True),
                  _row(SAME, COLLECTION, "Int32", "Int32", collection=True)),
    # collections
    "hassubset": (_row("Boolean", COLLECTION, COLLECTION),),
    "hassubsequence": (_row("Boolean", COLLECTION, COLLECTION),),
    # strings
    "matchespattern": (_row("Boolean", "String", "String"),),
    "tolower": (_row("String", "String"),),
    "toupper": (_row("String", "String"),),
    "trim": (_row("String", "String"),),
    # dates and times
    "date": _each("Date", "DateTimeOffset"),
    "time": _each("TimeOfDay", "DateTimeOffset"),
    "year": _each("Int32", "Date", "DateTimeOffset"),
    "month": _each("Int32", "Date", "DateTimeOffset"),
    "day": _each("Int32", "Date", "DateTimeOffset"),
    "hour": _each("Int32", "DateTimeOffset", "TimeOfDay"),
    "minute": _each("Int32", "DateTimeOffset", "TimeOfDay"),
    "second": _each("Int32", "DateTimeOffset", "TimeOfDay"),
    "fractionalseconds": _each("Decimal", "DateTimeOffset", "TimeOfDay"),
    "totaloffsetminutes": _each("Int32", "DateTimeOffset"),
    "totalseconds": _each("Decimal", "Duration"),
    "now": (_row("DateTimeOffset"),),
    "maxdatetime": (_row("DateTimeOffset"),),
    "mindatetime": (_row("DateTimeOffset"),),
    # numbers: an integer is promoted to the first row that takes it
    "ceiling": (_row("Decimal", "Decimal"), _row("Double", "Double")),
    "floor": (_row("Decimal", "Decimal"), _row("Double", "Double")),
    "round": (_row("Decimal", "Decimal"), _row("Double", "Double")),
    # geography and geometry
    "geo.distance": (_row("Double", "GeographyPoint", "GeographyPoint"),
                     _row("Double", "GeometryPoint", "GeometryPoint")),
    "geo.intersects": (_row("Boolean", "GeographyPoint", "GeographyPolygon"),
                       _row("Boolean", "GeometryPoint", "GeometryPolygon")),
    "geo.length": (_row("Double", "GeographyLineString"), _row("Double", "GeometryLineString")),
}

# Functions of a literal in another offset than the one that values are kept in, which must fail (§5.1.1.8).
OFFSET_SENSITIVE = frozenset({"year", "month", "day", "hour", "time"})

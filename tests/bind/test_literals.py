"""Literals: the canonical value for the type they were bound to, or the error of a text that is not of it.

Each row: type, literal as in a URL, value. URL Conventions 4.01 §5.1.1.14.1; ABNF primitiveLiteral.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from app import bind, errors, url
from app.bind.functions import FUNCTIONS
from app.url.expression import FUNCTIONS as ARITIES
from tests.bind.answering import model

VALUES = [
    ("Edm.Int32", "5", 5),
    ("Edm.Int64", "-9223372036854775808", -2 ** 63),
    ("Edm.Decimal", "3.140", Decimal("3.14")),
    ("Edm.Decimal", "5", Decimal(5)),
    ("Edm.Double", "3.14", 3.14),
    ("Edm.Double", "1e400", math.inf),
    ("Edm.Double", "-INF", -math.inf),
    ("Edm.Single", "3.14", 3.14),
    ("Edm.Single", "-1e300", -math.inf),
    ("Edm.String", "'O''Neil'", "O'Neil"),
    ("Edm.Boolean", "TRUE", True),
    ("Edm.Guid", "01234567-89AB-CDEF-0123-456789ABCDEF", "01234567-89ab-cdef-0123-456789abcdef"),
    ("Edm.Date", "2020-02-29", "2020-02-29"),
    ("Edm.TimeOfDay", "07:59", "07:59:00"),
    ("Edm.DateTimeOffset", "2020-01-01T00:30:00.50+01:00", "2019-12-31T23:30:00.5Z"),
    ("Edm.Duration", "duration'P1DT1S'", 864010000000),
    ("Edm.Duration", "'-PT1S'", -10000000),
    ("Edm.Binary", "binary'T0RhdGE'", b"OData"),
    ("Edm.GeographyPoint", "geography'SRID=4326;Point(142.1 64.1)'", {"type": "Point", "coordinates": [142.1, 64.1]}),
    ("Edm.GeometryLineString", "geometry'SRID=3857;LineString(1 2,3 4)'",
     {"type": "LineString", "coordinates": [[1.0, 2.0], [3.0, 4.0]],
      "crs": {"type": "name", "properties": {"name": "EPSG:3857"}}}),
    ("Types.Color", "'red'", 1),
    ("Types.Color", "Types.Color'ultraviolet'", -1),
    ("Types.Color", "'2'", 2),
    ("Types.Days", "'monday,tuesday'", 3),
    ("Types.Days", "'monday, 2'", 3),
    ("Edm.Int32", "null", None),
    ("Edm.DateTimeOffset", "2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
    ("Edm.DateTimeOffset", "2017-01-01T00:59:60.5+01:00", "2017-01-01T00:00:00.5Z"),
]

FAULTS = [
    ("Edm.Byte", "300", "300 is outside the range of Edm.Byte, 0 to 255."),
    ("Edm.Date", "2020-02-30", "2020-02-30 is not a day of the calendar."),
    ("Edm.DateTimeOffset", "9999-12-31T23:59:60Z", "9999-12-31T23:59:60Z is outside the years 0001 to 9999 in UTC."),
    ("Edm.Duration", "'soon'", "'soon' is not a duration."),
    ("Types.Color", "'rad'", "Types.Color has no member 'rad'. Did you mean 'red'?"),
    ("Types.Color", "'Red'", "Types.Color has no member 'Red'. Did you mean 'red'?"),
    ("Types.Color", "'red,green'", "Types.Color takes one member, not 'red,green'."),
    ("Types.Days", "'99999999999999999999'", "Types.Days has no member '99999999999999999999'."),
]


def literal(text: str) -> url.nodes.Literal:
    found = url.parse_expression(text)
    assert isinstance(found, url.nodes.Literal)
    return found


@pytest.mark.parametrize(("type_name", "text", "expected"), VALUES, ids=[f"{row[0]} {row[1]}" for row in VALUES])
def test_value(type_name: str, text: str, expected: Any) -> None:
    assert bind.literal_value(literal(text), type_name, model("types")) == expected


@pytest.mark.parametrize(("type_name", "text", "expected"), FAULTS, ids=[f"{row[0]} {row[1]}" for row in FAULTS])
def test_fault(type_name: str, text: str, expected: str) -> None:
    with pytest.raises(errors.TypeMismatch) as caught:
        bind.literal_value(literal(text), type_name, model("types"))
    assert (caught.value.text, caught.value.position) == (expected, 0)


def test_every_function_of_the_grammar_has_signatures() -> None:
    special = {"cast", "isof", "case", "isdefined"}
    assert set(FUNCTIONS) | special == set(ARITIES)
    for name, rows in FUNCTIONS.items():
        low, high = ARITIES[name]
        assert {len(row.arguments) for row in rows} == set(range(low, high + 1)), name

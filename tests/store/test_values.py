"""Every primitive type, stored and read back, as DESIGN §4 promises; on every store."""

from __future__ import annotations

import itertools
import math
from decimal import Decimal
from typing import Any

import peewee as pw
import pytest

from app.errors import BodyError
from app.store import Store, schema
from app.store.mapping import Column
from app.store.schema import Definition

NUMBERS = itertools.count()
WIDE = "a\u0301 😀 \U0010FFFF '\"\\%s %% \n\t"


def column(edm_type: str, **facets: Any) -> Column:
    return Column("value", edm_type, edm_type, True, **facets)


VALUES: list[tuple[Column, list[Any]]] = [
    (column("Edm.Boolean"), [True, False]),
    (column("Edm.Byte"), [0, 255]), (column("Edm.SByte"), [-128, 127]), (column("Edm.Int16"), [-2**15, 2**15 - 1]),
    (column("Edm.Int32"), [-2**31, 2**31 - 1]), (column("Edm.Int64"), [-2**63, 2**63 - 1, 0]),
    (column("Edm.Duration"), [-2**63, 2**63 - 1]),
    (column("Edm.Decimal", precision=28, scale=10), [
        Decimal("999999999999999999.9999999999"), Decimal("-0.0000000001"), Decimal(0), Decimal("1.10")]),
    (column("Edm.Decimal", scale="variable"), [Decimal("1234567890123456789012345678"), Decimal("-1.5E-20")]),
    (column("Edm.Double"), [0.1, -1.7976931348623157e308, 5e-324, 1e22, -0.0, 123456789.123456789, 3.0]),
    (column("Edm.Single"), [0.1, 3.4028235e38]),
    (column("Edm.String"), ["", " ", "a ", WIDE, "x" * 100_000]), (column("Edm.String", max_length=20), ["", "ß" * 20]),
    (column("Edm.Guid"), ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
    (column("Edm.Binary"), [b"", bytes(range(256)) * 3]),
    (column("Edm.Date"), ["0001-01-01", "9999-12-31", "2024-02-29"]),
    (column("Edm.DateTimeOffset"), ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "2024-01-01T00:00:00.5Z"]),
    (column("Edm.TimeOfDay"), ["00:00:00", "23:59:59.9999999"]),
    (column("json"), ['{"b":1.10,"a":[1,{"x":null}],"b2":12345678901234567890.1234}', "null", '"😀"', "[]"]),
]

WITH_PRECISION: list[tuple[str, int, str, str]] = [
    # written with as many digits as the column has
    ("Edm.DateTimeOffset", 0, "2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
    ("Edm.DateTimeOffset", 3, "0001-01-01T00:00:00.5Z", "0001-01-01T00:00:00.500Z"),
    ("Edm.DateTimeOffset", 6, "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ("Edm.DateTimeOffset", 7, "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.0000000Z"),
    ("Edm.DateTimeOffset", 12, "2024-01-01T00:00:00.123456789012Z", "2024-01-01T00:00:00.123456789012Z"),
    ("Edm.TimeOfDay", 0, "23:59:59", "23:59:59"), ("Edm.TimeOfDay", 3, "00:00:00.25", "00:00:00.250"),
    ("Edm.TimeOfDay", 7, "12:00:00", "12:00:00.0000000"),
]


def keep(store: Store, kind: Column, values: list[Any]) -> str:
    """A table with the values, numbered from 0, and a null."""
    name = f"kept_{next(NUMBERS)}"
    number = Column("id", "Edm.Int64", "Edm.Int64", False)
    for statement in schema.create_table(store, Definition(name, (number, kind), key=("id",))):
        store.execute(statement)
    write = store.dialect.writer(kind.edm, kind)
    insert, _ = store.compile(pw.Table(name).insert([(0, None)], columns=[pw.Entity("id"), pw.Entity("value")]))
    store.executemany(insert,
                      [(at, value if write is None else write(value)) for at, value in enumerate([*values, None])])
    return name


def select(name: str, node: Any = None, order: str = "id") -> pw.Select:
    query: pw.Select = pw.Select([pw.Entity(name)], [node or pw.Entity(name, "value")]).order_by(pw.Entity(name, order))
    return query


def kept(store: Store, kind: Column, values: list[Any]) -> list[Any]:
    """The values after a round trip, null last; streams give the same."""
    name = keep(store, kind, values)
    text, _ = store.compile(select(name, store.dialect.select(pw.Entity(name, "value"), kind)))
    read = store.dialect.reader(kind)
    found = [value if read is None else read(value) for value, in store.run(text)]
    with store.stream(text, (), 2) as stream:
        assert repr([value if read is None else read(value) for rows in stream for value, in rows]) == repr(found)
    assert found.pop() is None
    return found


def in_expressions(store: Store, kind: Column, values: list[Any]) -> list[Any]:
    """The values after a round trip, read in expression form."""
    name = keep(store, kind, values)
    read = store.dialect.expression_reader(kind.edm)
    rows = store.run(*store.compile(select(name, store.dialect.value(pw.Entity(name, "value"), kind))))
    return [value if read is None else read(value) for value, in rows[:-1]]


@pytest.mark.parametrize(("kind", "values"), VALUES,
                         ids=[f"{kind.type} {kind.precision or kind.max_length}" for kind, _ in VALUES])
def test_round_trip(shared: Store, kind: Column, values: list[Any]) -> None:
    found = kept(shared, kind, values)
    assert found == values and in_expressions(shared, kind, values) == values
    assert [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize(("edm_type", "precision", "given", "expected"), WITH_PRECISION)
def test_precision(shared: Store, edm_type: str, precision: int, given: str, expected: str) -> None:
    kind = column(edm_type, precision=precision)
    assert kept(shared, kind, [given]) == [expected]
    seven = given if precision < 12 else "2024-01-01T00:00:00.1234567Z"
    assert in_expressions(shared, kind, [given]) == [seven]


@pytest.mark.parametrize("edm_type", ["Edm.Double", "Edm.Single"])
def test_numbers_that_are_none(shared: Store, edm_type: str) -> None:
    """NaN and infinities; MariaDB has neither: 400 naming the store."""
    if shared.dialect.name != "mariadb":
        found = kept(shared, column(edm_type), [math.nan, math.inf, -math.inf])
        assert math.isnan(found[0]) and found[1:] == [math.inf, -math.inf]
        return
    for value in (math.nan, math.inf):
        with pytest.raises(BodyError, match="MariaDB"):
            kept(shared, column(edm_type), [value])


def test_order_of_decimals(shared: Store) -> None:
    """Order and equality in SQL are those of the numbers."""
    numbers = [Decimal(text) for text in (
        "-1E+20", "-10.5", "-10.05", "-1", "-0.001", "0", "0.0001", "0.001", "1", "1.5", "2", "1E+20")]
    kind = column("Edm.Decimal", scale="variable")
    read = shared.dialect.reader(kind)
    rows = shared.run(*shared.compile(select(keep(shared, kind, numbers[::-1]), None, "value")))
    assert [value if read is None else read(value) for value, in rows if value is not None] == numbers


def test_a_literal_of_more_digits_lies_between_its_neighbours(shared: Store) -> None:
    """Compared in stored form with an instant of more digits than the column has."""
    kind = column("Edm.DateTimeOffset", precision=7)
    name = keep(shared, kind, ["2024-01-01T00:00:00.1Z", "2024-01-01T00:00:00.1000001Z"])
    write = shared.dialect.writer(kind.edm, kind)
    assert write is not None
    for operator, count in (("<", 1), ("=", 0), (">", 1)):
        query = pw.Select([pw.Entity(name)], [pw.fn.COUNT(pw.SQL("*"))]).where(pw.Expression(
            pw.Entity(name, "value"), operator, pw.Value(write("2024-01-01T00:00:00.10000005Z"))))
        assert shared.run(*shared.compile(query)) == [(count,)]

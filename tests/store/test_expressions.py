"""What is no function: comparison, lists, JSON, enumerations, aggregates; the same on every store (DESIGN §5)."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import peewee as pw
import pytest

from app.store import Store
from app.store.mapping import Column
from tests.store.conftest import evaluate, operand

S, I, L, D, F, B = "Edm.String", "Edm.Int32", "Edm.Int64", "Edm.Decimal", "Edm.Double", "Edm.Boolean"
NAN = math.nan

COMPARISONS: list[tuple[str, Any, Any, str, bool | None]] = [
    ("eq", "a", "A", S, False), ("eq", "a", "a ", S, False), ("lt", "B", "a", S, True), ("lt", "Z", "é", S, True),
    ("lt", "\uffff", "😀", S, True), ("gt", Decimal("10"), Decimal("9.5"), D, True),
    ("eq", Decimal("1.0"), Decimal("1.00"), D, True),
    ("lt", Decimal("-2"), Decimal("-1"), D, True), ("eq", None, 1, I, None), ("gt", True, False, B, True),
    ("lt", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.0000001Z", "Edm.DateTimeOffset", True),
]
NUMBERS_THAT_ARE_NONE = [("eq", NAN, NAN, False), ("ne", NAN, NAN, True), ("gt", NAN, 1.0, False),
                         ("lt", 1.0, NAN, False),
                         ("ge", NAN, NAN, False), ("eq", math.inf, math.inf, True), ("lt", -math.inf, 0.0, True)]


@pytest.mark.parametrize(("operator", "left", "right", "kind", "expected"), COMPARISONS)
def test_comparisons(shared: Store, operator: str, left: Any, right: Any, kind: str, expected: bool | None) -> None:
    node = shared.dialect.compare(operator, operand(shared, left, kind), operand(shared, right, kind), kind)
    assert evaluate(shared, node, B) is expected
    assert evaluate(shared, shared.dialect.known(node), B) is bool(expected)


@pytest.mark.parametrize(("operator", "left", "right", "expected"), NUMBERS_THAT_ARE_NONE)
def test_nan_equals_nothing(shared: Store, operator: str, left: float, right: float, expected: bool) -> None:
    """URL Conventions §5.1.1.1.1; on stores that can hold NaN."""
    if shared.dialect.name != "mariadb":
        node = shared.dialect.compare(operator, operand(shared, left, F), operand(shared, right, F), F)
        assert evaluate(shared, node, B) is expected


@pytest.mark.parametrize(("left", "right", "expected"),
                         [(None, None, True), (None, "a", False), ("a", "a", True), ("a", "b", False)])
def test_same(shared: Store, left: Any, right: Any, expected: bool) -> None:
    assert evaluate(shared, shared.dialect.same(operand(shared, left, S), operand(shared, right, S)), B) is expected


def test_has_and_negation(shared: Store) -> None:
    for flags, wanted, expected in ((7, 5, True), (6, 5, False), (None, 1, None), (-1, -2, True)):
        assert evaluate(shared, shared.dialect.has(operand(shared, flags, L), operand(shared, wanted, L)),
                        B) is expected
    for value, kind in ((5, I), (Decimal("1.5"), D), (2.5, F), (7, "Edm.Duration")):
        assert evaluate(shared, shared.dialect.negate(operand(shared, value, kind), kind), kind) == -value


LISTS: list[tuple[str, dict[str, Any], list[Any], Any, bool]] = [
    (S, {}, ["a", "é😀", "\"'\\"], "\"'\\", True), (S, {"max_length": 20}, ["a"], "A", False),
    (S, {}, ["a"], "a ", False),
    (L, {}, [2**63 - 1, 5], 2**63 - 1, True), (I, {}, [], 5, False),
    (D, {"scale": 2}, [Decimal("1.10")], Decimal("1.1"), True),
    (F, {}, [0.1, 5.0], 0.1, True), ("Edm.Guid", {}, ["aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"],
                                     "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", True),
    ("Edm.DateTimeOffset", {"precision": 3}, ["2024-01-01T00:00:00.5Z"], "2024-01-01T00:00:00.5Z", True),
    ("Edm.DateTimeOffset", {}, ["2024-01-01T00:00:00.5Z"], "2024-01-01T00:00:00.5Z", True),
    ("Edm.Date", {}, ["2024-01-01"], "2024-01-01", True), (B, {}, [True], True, True), (B, {}, [True], False, False),
]


@pytest.mark.parametrize(("kind", "facets", "values", "value", "expected"), LISTS)
def test_lists_are_one_parameter(shared: Store, kind: str, facets: dict[str, Any], values: list[Any], value: Any,
                                 expected: bool) -> None:
    dialect = shared.dialect
    mark = pw.Value(dialect.list_writer(kind)(values), unpack=False)
    assert evaluate(shared, dialect.in_list(operand(shared, value, kind), mark, kind), B) is expected
    # in the form of a column, also as a table of rows
    column = Column("v", kind, kind, **facets)
    write = dialect.writer(kind, column)
    name = kind.rpartition(".")[2] + "".join(map(str, facets.values()))
    shared.execute(shared.compile(pw.NodeList((pw.SQL("CREATE TABLE IF NOT EXISTS"), pw.Entity(name), pw.SQL(
        f"(v {dialect.ddl_type(column)})"))))[0])
    shared.execute(*shared.compile(pw.Table(name).delete()))
    shared.execute(*shared.compile(pw.Table(name).insert([(write(value) if write else value,)],
                                                         columns=[pw.Entity("v")])))
    mark = pw.Value(dialect.list_writer(kind, column)(values), unpack=False)
    count = pw.Select([pw.Entity(name)], [pw.fn.COUNT(pw.SQL("*"))])
    assert shared.run(*shared.compile(count.where(dialect.in_list(pw.Entity(name, "v"), mark, kind,
                                                                  column)))) == [(expected,)]
    mark = pw.Value(dialect.rows_writer([column, column])([(each, each) for each in values]), unpack=False)
    given = dialect.rows_source(mark, [column, column], "t2")
    query = pw.Select([pw.Entity(name), given.table], [pw.fn.COUNT(pw.SQL("*"))])
    both = [pw.Expression(pw.Entity(name, "v"), "=", each) for each in given.columns]
    assert shared.run(*shared.compile(query.where(pw.NodeList(both, " AND ")))) == [(expected,)]


DOCUMENT = {
    "text": "a\"é😀", "empty": "", "no": None, "true": True, "false": False, "five": 5, "half": 0.5,
    "big": "9223372036854775807",
    "exact": "12345678901234567890.1234", "inf": "INF", "at": "2024-01-01T00:00:00.5Z", "time": "10:00:00",
    "date": "2024-01-01", "long": "PT1M", "inner": {"x": {"y": "deep"}, "@odata.type": "#ns.T"}, "mode": "B",
    "flags": "A,C",
    "day@odata.type": "#Date", "day": "2024-01-01", "count@odata.type": "#Int64", "count": "12", "items": [1, None, 3],
    "rows": [{"a": "x"}, {"a": "y"}], "words": ["b", "a"]}

PATHS: list[tuple[str, str, Any]] = [
    ("text", S, "a\"é😀"), ("empty", S, ""), ("no", S, None), ("missing", S, None), ("true", B, True),
    ("false", B, False),
    ("five", I, 5), ("big", L, 2**63 - 1), ("exact", D, Decimal("12345678901234567890.1234")), ("half", F, 0.5),
    ("five", F, 5.0),
    ("at", "Edm.DateTimeOffset", "2024-01-01T00:00:00.5Z"), ("time", "Edm.TimeOfDay", "10:00:00"),
    ("date", "Edm.Date", "2024-01-01"),
    ("long", "Edm.Duration", 600_000_000), ("inner/x/y", S, "deep"), ("inner/@odata.type", S, "#ns.T")]

DYNAMIC: list[tuple[str, str, Any]] = [
    ("text", S, "a\"é😀"), ("day", S, None), ("day", "Edm.Date", "2024-01-01"), ("date", "Edm.Date", None),
    ("five", I, 5),
    ("five", S, None), ("half", F, 0.5), ("half", D, Decimal("0.5")), ("count", L, 12), ("big", L, None),
    ("true", B, True),
    ("five", B, None), ("no", S, None), ("missing", I, None)]


def document(store: Store) -> Any:
    text = pw.Value(json.dumps(DOCUMENT))
    return pw.Cast(text, "json") if store.dialect.name == "postgresql" else text


@pytest.mark.parametrize(("path", "kind", "expected"), PATHS)
def test_json_paths(shared: Store, path: str, kind: str, expected: Any) -> None:
    assert evaluate(shared, shared.dialect.json_get(document(shared), path.split("/"), kind), kind) == expected


@pytest.mark.parametrize(("path", "kind", "expected"), DYNAMIC)
def test_dynamic_values_have_the_type_written_beside_them(shared: Store, path: str, kind: str, expected: Any) -> None:
    assert evaluate(shared, shared.dialect.json_dynamic(document(shared), [path], kind), kind) == expected
    if kind in (S, "Edm.Date", B):
        assert evaluate(shared, shared.dialect.json_is(document(shared), [path], kind), B) is (expected is not None)


def test_dynamic_numbers_compare_exactly(shared: Store) -> None:
    """5.5 is above 5, although an integer is asked for."""
    node = shared.dialect.json_dynamic(document(shared), ["half"], I)
    assert evaluate(shared, shared.dialect.compare("gt", node, operand(shared, 0, I), I), B) is True


def test_json_items(shared: Store) -> None:
    dialect = shared.dialect

    def items(path: list[str], kind: str) -> list[Any]:
        found = dialect.json_items(document(shared), path, "t7")
        value = dialect.json_item(found.value, kind)
        return shared.run(*shared.compile(pw.Select([found.table], [found.ordinal, value]).order_by(found.ordinal)))

    assert items(["words"], S) == [(0, "b"), (1, "a")]
    assert items(["items"], I) == [(0, 1), (1, None), (2, 3)]
    assert items(["missing"], S) == [] and items(["text"], S) == [] or dialect.name == "sqlite"
    rows = dialect.json_items(document(shared), ["rows"], "t7")
    inner = dialect.json_get(rows.value, ["a"], S)
    assert shared.run(*shared.compile(pw.Select([rows.table], [inner]).order_by(rows.ordinal))) == [("x",), ("y",)]
    for path, length in (("words", 2), ("missing", None), ("inner", None)):
        assert evaluate(shared, dialect.json_length(document(shared), [path]), I) == length or (path, dialect.name) == (
            "inner", "sqlite")


def test_enumerations_in_json(shared: Store) -> None:
    members = {"A": 1, "B": 2, "C": 4}
    for path, flags, expected in (("mode", False, 2), ("flags", True, 5), ("text", False, None), ("no", True, None)):
        text = shared.dialect.json_get(document(shared), [path], S)
        assert evaluate(shared, shared.dialect.enum_value(text, members, flags), L) == expected


AGGREGATES: list[tuple[str, list[Any], str, str, Any]] = [
    ("sum", [Decimal("0.1"), Decimal("0.2"), None], D, D, Decimal("0.3")),
    ("average", [Decimal(1), Decimal(1), Decimal(2)], D, D, Decimal("1.33333333333333333333")),
    ("sum", [1, 2, None], I, L, 3), ("sum", [1, 2], I, D, Decimal(3)), ("average", [1, 2], I, F, 1.5),
    ("sum", [0.5, 0.25], F, F, 0.75),
    ("min", ["b", "a", None], S, S, "a"), ("max", [Decimal(9), Decimal(10)], D, D, Decimal(10)),
    ("countdistinct", [1, 1, None, 2], I, L, 2), ("sum", [None], D, D, None), ("average", [None], D, D, None)]


@pytest.mark.parametrize(("method", "values", "kind", "result", "expected"), AGGREGATES)
def test_aggregates(shared: Store, method: str, values: list[Any], kind: str, result: str, expected: Any) -> None:
    rows = pw.Select(None, [operand(shared, values[0], kind).alias("v")])
    for value in values[1:]:
        rows = rows.union_all(pw.Select(None, [operand(shared, value, kind).alias("v")]))
    source = rows.alias("t1")
    node = shared.dialect.aggregate(method, source.c.v, kind, result)
    found = shared.run(*shared.compile(source.select_from(node)))[0][0]
    read = shared.dialect.expression_reader(result)
    assert (found if read is None else read(found)) == expected

"""Row predicates of a policy hold wherever a query reaches their table: paths, joins, lambdas, counts, expanded paths."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.bind import bind, bind_filter
from app.plan import Grants
from app.plan import nodes as plan
from app.plan.read import Planner
from app.sql import Values, compile_count, compile_query, fetch
from app.store.database import Store
from app.store.mapping import Mapping
from app.url import lift, parse
from tests.sql.asking import key_of, read_rows

Opened = tuple[Mapping, Store]

GRANTS = {"Categories": ("Northwind.Model.Category", "Name ne 'Condiments'"),
          "Products": ("Northwind.Model.Product", "not Discontinued"),
          "Suppliers": ("Northwind.Model.Supplier", "Products/any(p:p/Category/Name ne 'Condiments')")}

CASES: list[tuple[str, str, list[Any]]] = [
    ("Categories", "", [1, 3, 4, 5, 6]),
    ("Categories(2)", "", []),
    ("Categories(2)/Products", "", []),
    ("Categories(3)/Products", "", [8]),
    ("Products(3)/Category", "", []),
    ("Products", "$filter=Category eq null", [3, 4, 7, 10]),
    ("Products", "$filter=Category/ID eq 2", []),
    ("Products", "$filter=Category/Name eq 'Condiments'", []),
    ("Products", "$filter=CategoryID eq 2", [3, 4, 10]),
    ("Categories", "$filter=Products/any(p:p/Discontinued)", []),
    ("Categories", "$filter=Products/$count eq 1", [3]),
    ("Tags", "$filter=Products/any(p:p/ID eq 9) or Products/any(p:p/ID eq 8)", ["sale", "gift"]),
    ("Reviews", "$filter=Product/Category eq null", [6]),
    ("Reviews", "$filter=$root/Products(9)/Name eq null and ID lt 3", [1, 2]),
    ("Products", "$filter=Supplier eq null", [4]),
]


def planner(mapping: Mapping) -> Planner:
    return Planner(mapping, Grants({name: bind_filter(text, kind, mapping.model) for name, (kind, text) in GRANTS.items()}))


def found(mapping: Mapping, path: str, query: str) -> tuple[plan.Read, Values]:
    target, literals = lift(parse(path, query))
    request = bind(target, mapping.model)
    source, _ = planner(mapping).source(request.resource.steps)
    return planner(mapping).read(source, request.options, collection=request.resource.collection), Values(literals)


@pytest.mark.parametrize(("path", "query", "keys"), CASES)
def test_hidden_rows(northwind: Opened, path: str, query: str, keys: list[Any]) -> None:
    mapping, store = northwind
    read, values = found(mapping, path, query)
    statement = compile_query(read.query, mapping, store.dialect)
    assert [key_of(read.shape, row) for row in read_rows(statement, values, store)] == keys
    counted = compile_count(plan.CountQuery(read.query.source, read.query.filter), mapping, store.dialect)
    assert fetch(store, counted, values)[0][0] == len(keys)


def test_hidden_children(northwind: Opened) -> None:
    mapping, store = northwind
    read, values = found(mapping, "Suppliers", "$expand=Products($top=9;$orderby=ID)")
    child = read.shape.expansions[0].read
    assert child is not None
    parents = [(number,) for number in range(1, 6)]
    statement = compile_query(child.query, mapping, store.dialect)
    rows = read_rows(statement, replace(values, parents=parents), store)
    assert [key_of(child.shape, row) for row in rows] == [1, 2, 3, 15, 5, 6, 7, 10, 8, 14, 11, 12]

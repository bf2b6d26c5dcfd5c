"""Hierarchies in `$apply`: ancestors, descendants, tree order, subtotals. Data Aggregation 4.0 §6."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal as D
from typing import Any
from urllib.parse import quote

import pytest

from app.store.database import Store
from app.store.mapping import Mapping
from tests.databases import Databases
from tests.sql.asking import aggregated
from tests.sql.loading import Loader, model, open_store

TREE = {"A": None, "B": "A", "C": "A", "D": "B", "E": "B", "F": "E", "X": None, "Y": "X"}
SALES = {1: ("A", 1), 2: ("D", 10), 3: ("F", 100), 4: ("F", 200), 5: ("Y", 5), 6: (None, 1000)}


@pytest.fixture(scope="module")
def routes(databases: Databases) -> Iterator[tuple[Mapping, Store]]:
    url = databases.empty()
    mapping = model("routes")
    store = open_store(mapping, url)
    units: list[dict[str, Any]] = [{"ID": name, "Name": f"unit {name}"} for name in TREE]
    for unit, above in zip(units, TREE.values()):
        if above is not None:
            unit["Superior@odata.bind"] = f"Units('{above}')"
    sales = [{"ID": number, "Amount": amount} | ({"Unit@odata.bind": f"Units('{unit}')"} if unit else {})
             for number, (unit, amount) in SALES.items()]
    Loader(mapping, store).load({"Units": units, "Sales": sales})
    yield mapping, store
    store.close()
    databases.drop(url)


H = "$root/Units,Tree"
CASES: list[tuple[str, str, list[tuple[Any, ...]]]] = [
    # ancestors and descendants (§6.2.1)
    ("Units", f"ancestors({H},ID,filter(ID eq 'F'))", [("A",), ("B",), ("E",)]),
    ("Units", f"ancestors({H},ID,filter(ID eq 'F'),keep start)", [("A",), ("B",), ("E",), ("F",)]),
    ("Units", f"ancestors({H},ID,filter(ID eq 'F'),1)", [("E",)]),
    ("Units", f"ancestors({H},ID,filter(ID eq 'F' or ID eq 'Y'),2,keep start)", [("B",), ("E",), ("F",), ("X",), ("Y",)]),
    ("Units", f"ancestors({H},ID,filter(ID eq 'A'))", []),
    ("Units", f"ancestors({H},ID,filter(ID eq 'F' or ID eq 'B'))", [("A",), ("B",), ("E",)]),
    ("Units", f"descendants({H},ID,filter(ID eq 'B'))", [("D",), ("E",), ("F",)]),
    ("Units", f"descendants({H},ID,filter(ID eq 'A'),1)", [("B",), ("C",)]),
    ("Units", f"descendants({H},ID,filter(ID eq 'A'),2,keep start)", [("A",), ("B",), ("C",), ("D",), ("E",)]),
    ("Sales", f"descendants({H},Unit/ID,filter(Unit/ID eq 'A'))", [(2,), (3,), (4,)]),
    ("Sales", f"ancestors({H},Unit/ID,filter(Amount gt 50))", [(1,)]),
    ("Sales", f"descendants({H},Unit/ID,filter(Unit/ID eq 'A'),keep start)/aggregate(Amount with sum as T)", [(D(311),)]),
    # tree order (§6.2.2)
    ("Units", f"traverse({H},ID,preorder)", [(name,) for name in "ABDEFCXY"]),
    ("Units", f"traverse({H},ID,postorder)", [(name,) for name in "DFEBCAYX"]),
    ("Units", f"traverse({H},ID,preorder,Name desc)", [(name,) for name in "XYACBEFD"]),
    ("Units", f"filter(ID ne 'B')/traverse({H},ID,preorder)", [(name,) for name in "ADEFCXY"]),
    ("Units", f"traverse({H},ID,preorder,filter(ID eq 'B'))", [(name,) for name in "BDEF"]),
    ("Sales", f"traverse({H},Unit/ID,preorder,Name asc)", [(1,), (2,), (3,), (4,), (5,)]),
    # subtotals of nodes over all below them (§6.3); in the place of a node its row, whose entity is read apart
    ("Sales", f"groupby((rolluprecursive({H},Unit/ID)),aggregate(Amount with sum as T,$count as N))",
     [(1, D(311), D(4)), (2, D(310), D(3)), (3, None, D(0)), (4, D(10), D(1)), (5, D(300), D(2)), (6, D(300), D(2)),
      (7, D(5), D(1)), (8, D(5), D(1))]),
    ("Sales", f"groupby((rolluprecursive({H},Unit/ID,filter(ID eq 'B' or ID eq 'X'))),aggregate(Amount with max as M))",
     [(2, D(200)), (7, D(5))]),
]


@pytest.mark.parametrize(("path", "apply", "rows"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_hierarchy(routes: tuple[Mapping, Store], path: str, apply: str, rows: list[tuple[Any, ...]]) -> None:
    assert aggregated(*routes, path, "$apply=" + quote(apply)) == rows


def test_cycles_end(routes: tuple[Mapping, Store]) -> None:
    """A node that is above itself is met once."""
    mapping, store = routes
    table = mapping.table("Units")
    superior = table.references["Routes.Model.Unit", "Superior"].name
    text = f'UPDATE "Units" SET "{superior}" = {{}} WHERE "_id" = 7'
    text = text.replace('"', "`") if store.dialect.name == "mariadb" else text
    store.execute(text.format("8"))
    try:
        found = aggregated(mapping, store, "Units", "$apply=" + quote(f"descendants({H},ID,filter(ID eq 'X'))"))
        assert [row[0] for row in found] == ["X", "Y"]
    finally:
        store.execute(text.format("NULL"))

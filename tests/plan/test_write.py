"""Writes planned: the order of steps, and what a delete takes along (DESIGN §4, §6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import csdl
from app.errors import BodyError
from app.plan.changes import AddLink, Connect, Delete, DropLink, Insert, Need, Step, Update
from app.plan.write import Departure, departure, order
from app.store.mapping import Mapping, map_model

NORTHWIND = Path(__file__).parent.parent / "models" / "northwind.xml"
NAV = ("T", "n")


def insert(entity: int, *needs: int, optional: tuple[int, ...] = (), table: str = "T", name: str = "") -> Insert:
    found = [*(Need(each, NAV) for each in needs), *(Need(each, NAV, False) for each in optional)]
    return Insert(entity, table, name or str(entity), tuple(found))


def shown(steps: tuple[Step, ...]) -> str:
    """Steps on one line: +1 insert, ~1 update, -1 delete, 1=2 key, 1=0 key to null, 1*2 link, 1/2 unlink."""
    words = []
    for step in steps:
        match step:
            case Insert(entity):
                words.append(f"+{entity}")
            case Update(entity):
                words.append(f"~{entity}")
            case Delete(entity):
                words.append(f"-{entity}")
            case Connect(entity, _, _, target):
                words.append(f"{entity}={target or 0}")
            case AddLink(entity, _, _, target):
                words.append(f"{entity}*{target}")
            case DropLink(entity, _, _, target):
                words.append(f"{entity}/{target}")
    return " ".join(words)


ORDERS = [
    ([insert(1, 2), insert(2, 3), insert(3)], "+3 +2 +1"),
    ([insert(3), insert(2), insert(1)], "+1 +2 +3"),
    ([insert(1, table="B"), insert(2, table="A"), insert(3, table="A", name="1")], "+3 +2 +1"),
    ([insert(1, 9)], "+1"),                                             # what exists needs no waiting
    ([insert(1, optional=(2,)), insert(2)], "+2 +1"),
    ([insert(1, optional=(2,)), insert(2, optional=(1,))], "+1 +2 1=2"),
    ([insert(1, 2), insert(2, optional=(1,))], "+2 +1 2=1"),
    ([insert(1, optional=(1,))], "+1 1=1"),
    ([insert(1, 2, 3), insert(2, 4), insert(3, 4), insert(4)], "+4 +2 +3 +1"),
    ([Update(5, "B"), AddLink(1, "T", NAV, 2), insert(1), Update(4, "A"), insert(2), Delete(3, "T"),
      DropLink(6, "T", NAV, 7), Connect(8, "T", NAV, None), Connect(5, "B", NAV, 1)],
     "6/7 8=0 -3 +1 +2 ~4 ~5 1*2 5=1"),
]


@pytest.mark.parametrize(("steps", "text"), ORDERS, ids=[case[1] for case in ORDERS])
def test_steps_are_put_in_order(steps: list[Step], text: str) -> None:
    assert shown(order(steps)) == text


@pytest.mark.parametrize("steps", [[insert(1, 1)], [insert(1, 2), insert(2, 1)], [insert(1, 2), insert(2, 3), insert(3, 1)]])
def test_new_entities_that_require_each_other_are_refused(steps: list[Step]) -> None:
    with pytest.raises(BodyError) as caught:
        order(steps)
    assert caught.value.code == "cyclicReference"


@pytest.fixture(scope="module")
def mapping() -> Mapping:
    return map_model(csdl.load(NORTHWIND))


def told(found: Departure) -> set[str]:
    return {*(f"{each.action} {each.table}.{each.navigation}" for each in found.referrers),
            *(f"children {each}" for each in found.children), *(f"links {table}.{column}" for table, column, _ in found.links)}


DEPARTURES = [
    ("Categories", {"null Products.Category"}),
    ("Products", {"cascade PriceChanges.Product", "cascade Reviews.Product", "refuse OrderDetails.Product",
                  "null Northwind.Model.Shelf/Bins.Product", "links Products_Tags_link.source",
                  "links Products_DigitalProduct$Requires_link.source", "links Products_DigitalProduct$Requires_link.target"}),
    ("Suppliers", {"refuse Products.Supplier"}),
    ("Orders", {"cascade OrderDetails.Order"}),
    ("Warehouses", {"children Northwind.Model.Warehouse/Shelves", "links Company_Warehouses_link.target"}),
    ("Employees", {"null Orders.Employee", "null Employees.Manager", "null Warehouses.Keeper", "null Company.Director",
                   "links Employees_Territories_link.source"}),
    ("OrderDetails", set()),
]


@pytest.mark.parametrize(("table", "expected"), DEPARTURES, ids=[case[0] for case in DEPARTURES])
def test_what_goes_with_an_entity(mapping: Mapping, table: str, expected: set[str]) -> None:
    assert told(departure(mapping, table)) == expected

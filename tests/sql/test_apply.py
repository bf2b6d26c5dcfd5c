"""`$apply` on real databases: (entity set, transformations, rows in the order of the result).

A row holds the properties of the result in order; of instances their keys and the names that were added. Without an
order of its own a result is sorted by all its properties. Data Aggregation 4.0 §3.
"""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any
from urllib.parse import quote

import pytest

from app.errors import NotImplementedByService
from app.store.database import Store
from app.store.mapping import Mapping
from tests.sql.asking import aggregated

Opened = tuple[Mapping, Store]

CASES: list[tuple[str, str, list[tuple[Any, ...]]]] = [
    # aggregate and its methods (§3.2.1)
    ("Products", "aggregate(UnitPrice with sum as Total)", [(D("282.1401"),)]),
    ("Products",
     "aggregate(UnitPrice with max as Max,UnitPrice with min as Min,UnitPrice with average as Avg,$count as N)",
     [(D("46"), D("0"), D("17.63375625"), D("16"))]),
    ("Products", "aggregate(Rating with average as A,Rating with sum as S,Rating with countdistinct as D)",
     [(3.78125, 45.375, D("11"))]),
    ("Products", "aggregate(UnitsInStock with sum as S,UnitsInStock with average as A,Name with max as M)",
     [(973, 60.8125, 'Tofu')]),
    # groupby (§3.2.3.1)
    ("Products", "groupby((CategoryID))", [(None,), (1,), (2,), (3,), (4,), (5,)]),
    ("Products", "groupby((Category/Name))",
     [(None,), ('Beverages',), ('Books',), ('Condiments',), ('Confections',), ('Dairy Products',)]),
    ("Products", "groupby((Category/Name),aggregate(UnitPrice with sum as Total,$count as N))",
     [(None, D("30.2501"), D("3")), ('Beverages', D("87.9"), D("4")), ('Books', D("29.99"), D("2")),
      ('Condiments', D("47.5"), D("3")), ('Confections', D("27.45"), D("2")), ('Dairy Products', D("59.05"),
      D("2"))]),
    ("Products", "groupby((Category/Name,Discontinued),aggregate(UnitPrice mul UnitsInStock with sum as Value))",
     [(None, False, D("813.75")), (None, True, D("840.012")), ('Beverages', False, D("4257")), ('Books', False,
      D("0")), ('Condiments', False, D("1900.5")), ('Confections', False, D("506.05")), ('Confections', True,
      D("30")), ('Dairy Products', False, D("3731.1"))]),
    ("Products", "groupby((Category/Name),aggregate($count as N))/filter(N gt 2)",
     [(None, D("3")), ('Beverages', D("4")), ('Condiments', D("3"))]),
    # sequences (§3.1)
    ("Products",
     "filter(UnitPrice gt 10)/groupby((Category/Name),aggregate(UnitPrice with max as M))/orderby(M desc)",
     [('Beverages', D("46")), ('Dairy Products', D("38")), ('Books', D("29.99")), (None, D("23.25")),
      ('Condiments', D("22")), ('Confections', D("17.45"))]),
    ("Products", "groupby((Category/Name),aggregate(UnitPrice with sum as T))/orderby(T desc)/top(2)",
     [('Beverages', D("87.9")), ('Dairy Products', D("59.05"))]),
    ("Products", "groupby((Category/Name),aggregate(UnitPrice with sum as T))/orderby(T desc)/skip(2)",
     [('Condiments', D("47.5")), (None, D("30.2501")), ('Books', D("29.99")), ('Confections', D("27.45"))]),
    # compute (§3.4.2)
    ("Products", "compute(UnitPrice mul UnitsInStock as Value)",
     [(1, D("702")), (2, D("323")), (3, D("130")), (4, D("1166")), (5, D("463.1")), (6, D("3268")), (7,
      D("813.75")), (8, D("506.05")), (9, D("30")), (10, D("604.5")), (11, D("0")), (12, D("0")), (13,
      D("840.012")), (14, D("2450")), (15, D("782")), (16, D("0"))]),
    ("Products", "compute(UnitPrice mul UnitsInStock as Value)/filter(Value gt 1000)",
     [(4, D("1166")), (6, D("3268")), (14, D("2450"))]),
    ("Products", "compute(UnitPrice mul UnitsInStock as Value)/aggregate(Value with sum as T)", [(D("12078.412"),)]),
    ("Products", "compute(year(ReleaseDate) as Y)/groupby((Y),aggregate($count as N))",
     [(None, D("2")), (2016, D("1")), (2017, D("2")), (2018, D("1")), (2019, D("3")), (2020, D("2")), (2021,
      D("1")), (2022, D("1")), (2023, D("2")), (2024, D("1"))]),
    # topcount and its like (§3.3.1)
    ("Products", "topcount(3,UnitPrice)", [(6,), (11,), (15,)]),
    ("Products", "bottomcount(2,UnitPrice)", [(12,), (16,)]),
    ("Products", "topsum(100,UnitPrice)", [(6,), (11,), (15,)]),
    ("Products", "toppercent(50,UnitPrice)", [(4,), (6,), (7,), (11,), (15,)]),
    ("Products", "bottompercent(10,UnitPrice)", [(3,), (9,), (12,), (13,), (14,), (16,)]),
    ("Products", "bottomsum(15,UnitPrice)", [(3,), (12,), (13,), (14,), (16,)]),
    ("Products", "groupby((CategoryID),topcount(1,UnitPrice))", [(4,), (6,), (7,), (8,), (11,), (15,)]),
    ("Products", "groupby((CategoryID),topcount(1,UnitPrice)/aggregate(UnitPrice with sum as S))",
     [(None, D("23.25")), (1, D("46")), (2, D("22")), (3, D("17.45")), (4, D("38")), (5, D("29.99"))]),
    # concat (§3.2.2)
    ("Products", "concat(topcount(1,UnitPrice),bottomcount(1,UnitPrice))", [(15,), (12,)]),
    ("Products",
     "concat(aggregate(UnitPrice with sum as T),groupby((CategoryID),aggregate(UnitPrice with sum as T)))",
     [(D("282.1401"), None), (D("27.45"), 3), (D("29.99"), 5), (D("30.2501"), None), (D("47.5"), 2),
      (D("59.05"), 4), (D("87.9"), 1)]),
    # rollup (§3.2.3.2)
    ("Products", "groupby((rollup(Category/Name,Discontinued)),aggregate(UnitPrice with sum as T))",
     [(None, False, D("23.25")), (None, True, D("7.0001")), ('Beverages', False, D("87.9")), ('Books', False,
      D("29.99")), ('Condiments', False, D("47.5")), ('Confections', False, D("17.45")), ('Confections', True,
      D("10")), ('Dairy Products', False, D("59.05")), (None, None, D("30.2501")), ('Beverages', None,
      D("87.9")), ('Books', None, D("29.99")), ('Condiments', None, D("47.5")), ('Confections', None,
      D("27.45")), ('Dairy Products', None, D("59.05"))]),
    ("Products", "groupby((rollup($all,CategoryID)),aggregate(UnitPrice with sum as T))",
     [(None, D("30.2501")), (1, D("87.9")), (2, D("47.5")), (3, D("27.45")), (4, D("59.05")), (5, D("29.99")),
      (None, D("282.1401"))]),
    # related entities count once (§3.2.1.1)
    ("Products", "aggregate(Tags/$count as N)", [(D("7"),)]),
    ("Products", "aggregate(Category/Name with countdistinct as N)", [(D("5"),)]),
    ("Products", "aggregate(Reviews/Stars with sum as S,Reviews/Stars with average as A,UnitPrice with sum as P)",
     [(38, 3.8, D("282.1401"))]),
    ("Products", "groupby((Category/Name),aggregate(Reviews/Stars with sum as S,$count as N))",
     [(None, 2, D("3")), ('Beverages', 21, D("4")), ('Books', 4, D("2")), ('Condiments', None, D("3")),
      ('Confections', 5, D("2")), ('Dairy Products', 6, D("2"))]),
    ("Customers", "groupby((Address/City),aggregate(Orders/Freight with sum as F))",
     [(None, D("141.37")), ('', None), ('Berlin', D("148.27")), ('London', D("81.03")), ('Luleå', D("81.03")),
      ('Mannheim', None), ('México D.F.', D("93.1"))]),
    ("Orders", "groupby((Status),aggregate(Freight with sum as F,Freight with average as A))",
     [(0, D("232.75"), D("46.55")), (10, D("28.73"), D("7.1825")), (20, D("178.15"), D("22.26875")), (255,
      D("149.42"), D("37.355"))]),
    ("OrderDetails", "groupby((Product/Category/Name),aggregate(Quantity mul UnitPrice with sum as T))",
     [(None, D("2724.0057")), ('Beverages', D("3950")), ('Books', D("839.72")), ('Condiments', D("2710.5")),
      ('Confections', D("709.2")), ('Dairy Products', D("2831.4"))]),
    # from (§3.2.1.5)
    ("OrderDetails", "aggregate(Quantity with sum from ProductID with max as M)", [(109,)]),
    ("OrderDetails", "groupby((Product/Name),aggregate(Quantity with sum from Order/CustomerID with average as M))",
     [('Aniseed Syrup', 17.5), ('Chai', 27.25), ('Chang', 12.0), ("Chef Anton's Cajun Seasoning",
      25.666666666666668), ('Genen Shouyu', 14.333333333333334), ('Glühwein 🍷', 40.0), ('Ipoh Coffee', 17.0),
      ('OData in a Week (e-book)', 28.0), ('Pavlova', 16.0), ('Queso Cabrales', 14.0),
      ('Queso Manchego La Pastora', 29.5), ("Reader's App", 21.0), ("Sir Rodney's Scones", 21.5),
      ('Solvent «extra» 100 %', 28.5), ('Tofu', 25.0)]),
    # join and outerjoin (§3.5.1)
    ("Products", "join(Reviews as R)/groupby((R/Stars),aggregate($count as N))",
     [(1, D("1")), (2, D("1")), (3, D("1")), (4, D("3")), (5, D("4"))]),
    ("Products", "join(Reviews as R)", [(1,), (1,), (2,), (5,), (5,), (7,), (8,), (11,), (14,), (14,)]),
    ("Products", "outerjoin(Tags as T)/groupby((T/Name),aggregate($count as N))",
     [(None, D("7")), ('50% off', D("1")), ('a/b', D("1")), ('gift', D("4")), ('long-lasting', D("1")), ('new',
      D("4")), ('sale', D("3")), ('vegan', D("4"))]),
    ("Products", "join(Reviews as R,filter(Stars eq 5))/groupby((Name),aggregate($count as N))",
     [('Chai', D("1")), ('Glühwein 🍷', D("1")), ('Pavlova', D("1")), ('Queso Cabrales', D("1"))]),
    ("Products", "outerjoin(Reviews as R,filter(Stars eq 5))/groupby((R/Stars),aggregate($count as N))",
     [(None, D(12)), (5, D(4))]),
    # groups of entities, by their row ids
    ("Products", "groupby((Supplier))", [(None,), (1,), (2,), (3,), (4,), (5,)]),
    ("Products", "groupby((Supplier),aggregate(UnitPrice with max as M))",
     [(None, D("22")), (1, D("46")), (2, D("38")), (3, D("23.25")), (4, D("17.45")), (5, D("29.99"))]),
    # aggregates of aggregates
    ("Products", "groupby((Category/Name),aggregate(UnitPrice with sum as T))/aggregate(T with average as A)",
     [(D("47.02335"),)]),
    ("Products", "groupby((Category/Name),aggregate(UnitPrice with sum as T))/compute(T div 2 as H)",
     [(None, D("30.2501"), D("15.12505")), ('Beverages', D("87.9"), D("43.95")), ('Books', D("29.99"),
      D("14.995")), ('Condiments', D("47.5"), D("23.75")), ('Confections', D("27.45"), D("13.725")),
      ('Dairy Products', D("59.05"), D("29.525"))]),
    ("Products", "groupby((Features),aggregate($count as N))",
     [(0, D("8")), (1, D("1")), (2, D("1")), (4, D("1")), (5, D("2")), (8, D("2")), (9, D("1"))]),
    ("Products", "aggregate(ReleaseDate with max as Last,ReleaseDate with min as First)",
     [('2024-11-29T17:00:00Z', '2016-02-29T23:59:59.999Z')]),
    ("Employees", "aggregate(ShiftLength with sum as S,ShiftLength with average as A,BirthDate with min as B)",
     [(2961000000000, 370125000000, '1952-02-19')]),
    ("Products", "aggregate(Northwind.Model.DigitalProduct/SizeInBytes with sum as S)", [(D("9007199359598593"),)]),
    # the current collection (§3.5)
    ("Products", "filter(UnitPrice ge $these/aggregate(UnitPrice with max))", [(15,)]),
    ("Products", "filter(UnitPrice gt $these/aggregate(UnitPrice with average))",
     [(1,), (2,), (4,), (5,), (6,), (7,), (11,), (15,)]),
    ("Products", "groupby((CategoryID),filter(UnitPrice eq $these/aggregate(UnitPrice with max)))",
     [(4,), (6,), (7,), (8,), (11,), (15,)]),
    ("Products", "topcount($these/$count div 4,UnitPrice)", [(6,), (7,), (11,), (15,)]),
    ("Products", "groupby((CategoryID),topcount($these/$count div 2,UnitPrice))",
     [(2,), (4,), (6,), (7,), (8,), (11,), (15,)]),
    ("Products", "groupby((CategoryID),aggregate(UnitPrice with sum as T))/filter($these/$count gt 3 and T gt 40)",
     [(1, D("87.9")), (2, D("47.5")), (4, D("59.05"))]),
    ("Customers", "filter(Orders/aggregate(Freight with sum) gt 100)", [("ALFKI",)]),
    # identity, top, skip, orderby, filter (§3.3, §3.4.1)
    ("Products", "identity",
     [(1,), (2,), (3,), (4,), (5,), (6,), (7,), (8,), (9,), (10,), (11,), (12,), (13,), (14,), (15,), (16,)]),
    ("Products", "top(3)/aggregate(UnitPrice with sum as T)", [(D("47"),)]),
    ("Products", "orderby(UnitPrice desc)/top(3)", [(15,), (6,), (11,)]),
    ("Products", "skip(14)", [(15,), (16,)]),
    ("Products",
     "filter(CategoryID eq 99)/aggregate(UnitPrice with sum as T,$count as N,Name with countdistinct as D)",
     [(None, D("0"), D("0"))]),
    ("Suppliers", "aggregate(Products/UnitPrice with max as M)", [(D("46"),)]),
    ("Products", "aggregate($count as N)/concat(identity,identity)", [(D("16"),), (D("16"),)]),
]


@pytest.mark.parametrize(("path", "apply", "rows"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_apply(northwind: Opened, path: str, apply: str, rows: list[tuple[Any, ...]]) -> None:
    assert aggregated(*northwind, path, "$apply=" + quote(apply)) == rows


OPTIONS: list[tuple[str, str, list[tuple[Any, ...]]]] = [
    ("Products", "$apply=groupby((CategoryID),aggregate(UnitPrice with sum as T))&$filter=T gt 40&$orderby=T desc",
     [(1, D("87.9")), (4, D("59.05")), (2, D("47.5"))]),
    ("Products", "$apply=filter(UnitPrice gt 20)&$filter=Discontinued eq false&$orderby=Name", [(4,), (15,), (11,), (5,), (6,), (7,)]),
    ("Products", "$apply=groupby((Category/Name))&$filter=startswith(Category/Name,'Con')", [("Condiments",), ("Confections",)]),
    ("Products", "$apply=groupby((rollup($all,CategoryID)),aggregate($count as N))&$filter=isdefined(CategoryID) and N gt 2",
     [(None, D(3)), (1, D(4)), (2, D(3))]),
    ("Customers('ALFKI')/Orders", "$apply=aggregate(Freight with sum as F,$count as N)", [(D("148.27"), D(6))]),
]


@pytest.mark.parametrize(("path", "query", "rows"), OPTIONS)
def test_options_see_the_result(northwind: Opened, path: str, query: str, rows: list[tuple[Any, ...]]) -> None:
    """Data Aggregation §3: the other options work on what `$apply` gives."""
    assert aggregated(*northwind, path, quote(query, safe="=&$")) == rows


@pytest.mark.parametrize(("apply", "feature"), [
    ("join(Reviews as R,aggregate($count as N))/filter(R eq null)", "AliasPath"),
])
def test_what_sql_does_not_compute_is_named(northwind: Opened, apply: str, feature: str) -> None:
    with pytest.raises(NotImplementedByService, match=feature):
        aggregated(*northwind, "Products", "$apply=" + apply)

"""Order, pages, counts, computed values and expanded paths on real databases.

Protocol 4.01 §11.2.6; URL Conventions 4.01 §5.1.3 to §5.1.7.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.store.database import Store
from app.store.mapping import Mapping
from tests.sql.asking import counted, expanded, keys, pages, values_of

Opened = tuple[Mapping, Store]

# Null comes first ascending and last descending (§11.2.6.2); equal rows in the order of their row ids, in the direction
# of the last item.
ORDERS: list[tuple[str, str, list[Any]]] = [
    ("Products", "", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
    ("Products", "$orderby=Rating desc,Name", [6, 5, 1, 15, 2, 11, 8, 14, 4, 9, 7, 12, 16, 3, 10, 13]),
    ("Products", "$orderby=Rating,Name desc", [13, 10, 3, 16, 12, 7, 9, 4, 14, 8, 11, 2, 15, 1, 5, 6]),
    ("Products", "$orderby=tolower(Name) desc", [7, 13, 9, 12, 6, 5, 8, 11, 15, 14, 10, 4, 2, 1, 3, 16]),
    ("Products", "$orderby=UnitPrice mul UnitsInStock,ID", [11, 12, 16, 9, 3, 2, 5, 8, 10, 1, 15, 7, 13, 4, 14, 6]),
    ("Products", "$orderby=Category/Name,Supplier/CompanyName desc",
     [7, 13, 16, 14, 15, 2, 1, 12, 11, 10, 3, 4, 8, 9, 6, 5]),
    ("Products", "$orderby=Discontinued desc,UnitPrice", [16, 13, 9, 12, 14, 3, 10, 8, 1, 2, 5, 4, 7, 11, 6, 15]),
    ("Products", "$orderby=Tags/$count desc", [14, 7, 10, 8, 5, 1, 11, 4, 2, 16, 15, 13, 12, 9, 6, 3]),
    ("Products", "$orderby=Dimensions/Depth,Weight desc", [6, 5, 15, 9, 1, 16, 12, 11, 4, 3, 14, 2, 10, 7, 13, 8]),
    ("Products", "$orderby=(Rating gt 4),ID desc", [16, 14, 13, 12, 10, 9, 8, 7, 4, 3, 15, 11, 6, 5, 2, 1]),
    ("Orders", "$orderby=DeliverAt desc,RequiredDate&$filter=OrderID gt 10262",
     [10267, 10265, 10264, 10273, 10271, 10270, 10268, 10272, 10263, 10266, 10269]),
    ("Orders", "$orderby=Customer/Address/City desc,OrderDate&$filter=OrderID lt 10259",
     [10249, 10258, 10252, 10251, 10254, 10248, 10253, 10257, 10250, 10255, 10256]),
    ("Customers", "$orderby=loyaltyPoints desc", ["ALFKI", "AROUT", "a/b c", "A'B&C", "BLAUS", "BERGS", "ANTON", "ANATR"]),
    ("Customers", "$orderby=Address/City", ["ANTON", "A'B&C", "a/b c", "ALFKI", "AROUT", "BERGS", "BLAUS", "ANATR"]),
]


@pytest.mark.parametrize(("path", "query", "found"), ORDERS)
def test_order(northwind: Opened, path: str, query: str, found: list[Any]) -> None:
    assert keys(*northwind, path, query) == found


@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize(("path", "query", "found"), ORDERS)
def test_pages_give_each_row_once_in_order(northwind: Opened, path: str, query: str, found: list[Any], size: int) -> None:
    """Protocol §11.2.6.7, whatever the sort values: null, descending, expressions."""
    sheets = pages(*northwind, path, query, size)
    assert [key for sheet in sheets for key in sheet] == found
    assert all(len(sheet) == size for sheet in sheets[:-1])


PATHS: list[tuple[str, str, list[Any]]] = [
    ("Products(7)", "", [7]),
    ("Products(99)", "", []),
    ("Products(barcode='4000000000079')", "", [7]),
    ("Employees(badge='E%2F009')", "", [9]),
    ("PriceChanges(ProductID=2,ValidFrom=2021-01-01T00:00:00.5Z)", "", [(2, "2021-01-01T00:00:00.500Z")]),
    ("Categories(1)/Products", "$filter=UnitPrice gt 18", [2, 15]),
    ("Products(1)/Category", "", [1]),
    ("Products(7)/Category", "", []),
    ("Products(14)/Tags", "$orderby=Name", ["gift", "new", "sale", "vegan"]),
    ("Tags('gift')/Products", "", [4, 5, 8, 14]),
    ("Warehouses('HAM')/Shelves(1)/Bins", "", ["A", "B"]),
    ("Warehouses('HAM')/Shelves(2)/Bins('A')", "", ["A"]),
    ("Warehouses('HAM')/Shelves(2)/Bins('A')/Product", "", [5]),
    ("Customers('AROUT')/Orders(10251)/Details", "", [(10251, 10), (10251, 15), (10251, 5)]),
    ("Customers('AROUT')/Orders(10249)/Details", "", []),
    ("Company/Warehouses", "", ["HAM", "SEA"]),
    ("Company/Director/Reports", "$filter=Badge/IssuedOn ne null", [1, 3]),
    ("Products/Northwind.Model.DigitalProduct", "", [11, 12]),
    ("Products/Northwind.Model.DigitalProduct(11)/Requires", "", [12]),
    ("Products(11)/Northwind.Model.DigitalProduct/Requires", "", [12]),
    ("Products(1)/Northwind.Model.DigitalProduct", "", []),
    ("Products/$filter(UnitPrice gt 30)", "$filter=Category ne null", [6, 15]),
    ("Employees(5)/Manager/Manager", "", []),
    ("Employees(6)/Manager/Manager", "", [2]),
]


@pytest.mark.parametrize(("path", "query", "found"), PATHS)
def test_path(northwind: Opened, path: str, query: str, found: list[Any]) -> None:
    """URL Conventions §4.3 to §4.12: keys, navigation, casts, filter segments; one statement each."""
    assert keys(*northwind, path, query) == found


COUNTS = [
    ("Products", "", 16), ("Products", "$filter=UnitPrice gt 20", 6), ("Customers('ALFKI')/Orders", "", 6),
    ("Products/Northwind.Model.DigitalProduct", "", 2), ("Categories", "$filter=Products/any(p:p/Rating gt 4.6)", 1),
    ("Products(14)/Tags", "$filter=Color ne null", 4),
]


@pytest.mark.parametrize(("path", "query", "found"), COUNTS)
def test_count(northwind: Opened, path: str, query: str, found: int) -> None:
    assert counted(*northwind, path, query) == found


VALUES: list[tuple[str, str, list[Any]]] = [
    ("Suppliers", "LeadTimes/$count", [2, 0, 1, 1, 0]),
    ("Suppliers", "Address/City", ["London", "Oviedo", "Tokyo", None, "Redmond"]),
    ("Customers", "CreditLimit mul 2", [Decimal(10000), None, Decimal("0.02"), Decimal("19999999999.98"), Decimal(501), None,
                                        Decimal(2), None]),
    ("Customers", "loyaltyPoints", ["1200", None, None, "7", None, None, None, None]),
    ("Regions", "concat(Description,'!')", ["Eastern!", "Western!", "Northern!", "Overseas!"]),
    ("Regions", "RegionID mod 2 eq 0", [False, True, False, False]),
    ("Regions", "RegionID divby 4", [Decimal("0.25"), Decimal("0.5"), Decimal("0.75"), Decimal("63.75")]),
    ("Shippers", "year(Founded)", [1987, None, 1971]),
    ("Shippers", "OnTimeRatio mul 2", [1.975, None, 0.002]),
    ("Shippers", "not (OnTimeRatio gt 0.5)", [False, True, True]),
    ("Shippers", "Founded sub 1971-01-01", [5964 * 864000000000, None, 0]),
    ("Employees", "ShiftLength", [288000000000, 378000000000, 288000000000, None, 288000000000, 279000000000, 216000000000,
                                  288000000000, 936000000000]),
    ("Employees", "ShiftStart", ["08:30:00.000", "07:00:00.000", "08:30:00.250", None, "22:00:00.000", "22:00:00.000",
                                 "06:15:30.125", "08:30:00.000", None]),
    ("Employees", "Manager/LastName", ["Fuller", None, "Fuller", "Fuller", "Fuller", "Buchanan", "Buchanan", "Fuller",
                                       "Buchanan"]),
    ("Employees", "case(Manager eq null:'top',Reports/any():'middle',true:'staff')",
     ["staff", "top", "staff", "staff", "middle", "staff", "staff", "staff", "staff"]),
    ("Reviews", "WrittenAt", ["2020-01-02T03:04:05.6789012Z", "2020-05-01T00:00:00.0000000Z", "2020-06-01T10:00:00.5000000Z",
                              "2020-07-01T00:00:00.0000000Z", "2020-08-01T00:00:00.0000000Z", "2021-07-01T00:00:00.0000000Z",
                              "2018-01-01T00:00:00.0000000Z", "2023-10-01T00:00:00.0000000Z", "2024-12-01T19:00:00.0000000Z",
                              "2024-12-02T19:00:00.0000000Z"]),
]


@pytest.mark.parametrize(("path", "expression", "found"), VALUES)
def test_computed_value(northwind: Opened, path: str, expression: str, found: list[Any]) -> None:
    """URL Conventions §5.1.10; values as the readers of the statement's columns give them."""
    assert values_of(*northwind, path, expression) == found


EXPANSIONS: list[tuple[str, str, list[dict[Any, list[Any]]]]] = [
    ("Products", "$expand=Category&$filter=ID gt 12", [{13: [], 14: [1], 15: [1], 16: []}]),
    ("Categories", "$expand=Products($orderby=UnitPrice desc)",
     [{1: [15, 2, 1, 14], 2: [4, 10, 3], 3: [8, 9], 4: [6, 5], 5: [11, 12], 6: []}]),
    ("Categories", "$expand=Products($orderby=UnitPrice desc;$top=2)",
     [{1: [15, 2], 2: [4, 10], 3: [8, 9], 4: [6, 5], 5: [11, 12], 6: []}]),
    ("Categories", "$expand=Products($filter=UnitPrice gt 5;$orderby=Name;$top=2;$skip=1)",
     [{1: [2, 15], 2: [4, 10], 3: [9], 4: [6], 5: [], 6: []}]),
    ("Categories", "$expand=Products($skip=2)", [{1: [14, 15], 2: [10], 3: [], 4: [], 5: [], 6: []}]),
    ("Products", "$filter=ID in (1,7,14)&$expand=Tags($orderby=Name desc;$top=2)",
     [{1: ["vegan", "new"], 7: ["vegan", "a/b"], 14: ["vegan", "sale"]}]),
    ("Products", "$filter=ID in (1,7,14)&$expand=Tags($filter=Color ne null)",
     [{1: ["new", "vegan"], 7: ["vegan"], 14: ["new", "sale", "vegan", "gift"]}]),
    ("Orders", "$filter=OrderID in (10250,10251,10252)&$expand=Details($top=1),Customer,Employee",
     [{10250: [(10250, 7)], 10251: [(10251, 10)], 10252: []}, {10250: ["ANTON"], 10251: ["AROUT"], 10252: ["BERGS"]},
      {10250: [9], 10251: [4], 10252: [8]}]),
    ("Warehouses", "$expand=Shelves($top=1),Keeper", [{"HAM": [1], "SEA": [1], "NEW": []}, {"HAM": [7], "SEA": [], "NEW": []}]),
    ("Employees", "$filter=EmployeeID lt 6&$expand=Reports($top=2),Manager,Territories($orderby=TerritoryID desc)",
     [{1: [], 2: [1, 3], 3: [], 4: [], 5: [6, 7]}, {1: [2], 2: [], 3: [2], 4: [2], 5: [2]},
      {1: ["01730", "01581"], 2: [], 3: ["02116"], 4: ["85014", "06897"], 5: []}]),
    ("Company", "$expand=Warehouses,Director", [{1: ["HAM", "SEA"]}, {1: [2]}]),
    ("Products", "$filter=ID in (1,14)&$expand=Reviews($filter=Stars gt $it/Rating)", [{1: [1], 14: [9, 10]}]),
]


@pytest.mark.parametrize(("path", "query", "found"), EXPANSIONS)
def test_expanded_path(northwind: Opened, path: str, query: str, found: list[dict[Any, list[Any]]]) -> None:
    """URL Conventions §5.1.3: one statement for the children of all parents, options and pages per parent."""
    assert expanded(*northwind, path, query) == found

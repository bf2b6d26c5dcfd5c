"""The SQL of typical requests on every store, without a server: one golden file a theme.

`--update-golden` writes the files anew; the difference is to be read. DESIGN of reads: one statement a path, one
parameter for the links of all parents, literals never in the text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.plan import nodes as plan
from app.sql import Bind, Statement, compile_count, compile_query
from app.store.dialects import Dialect
from app.store.mariadb import MariaDB
from app.store.mapping import Mapping
from app.store.postgresql import CockroachDB, PostgreSQL
from app.store.sqlite import SQLite
from tests.sql.asking import aggregate_statement, compiled, planned
from tests.sql.loading import model

GOLDEN = Path(__file__).parent.parent / "golden" / "sql"
DIALECTS: tuple[Dialect, ...] = (SQLite(), PostgreSQL(), MariaDB(), CockroachDB())

THEMES: dict[str, list[tuple[str, str]]] = {
    "paths": [
        ("Tags('new')", ""),
        ("Categories(1)/Products(2)", "$select=Name"),
        ("Warehouses('HAM')/Shelves(1)/Bins", "$select=Label"),
        ("Tags('new')/Products", "$select=Name"),
        ("Products/Northwind.Model.DigitalProduct", "$select=SizeInBytes"),
        ("PriceChanges(ProductID=2,ValidFrom=2021-01-01T00:00:00.5Z)", "$select=Price"),
    ],
    "filters": [
        ("Tags", "$filter=Name eq 'x' or Color eq null"),
        ("Tags", "$filter=not (Color eq '%23ff0000') and not contains(Name,'a')"),
        ("Tags", "$filter=Color in ('%23ff0000',null)"),
        ("Tags", "$filter=Products/any(p:p/UnitPrice gt 10 and p/Category/Name eq 'Books')"),
        ("Tags", "$filter=Products/all(p:p/Rating ge 3)"),
        ("Tags", "$filter=Products/$count gt 2"),
        ("Regions", "$filter=RegionID add 1 gt 2 and RegionID divby 2 lt 1.5"),
        ("Shippers", "$filter=OnTimeRatio ge 0.5 and year(Founded) eq 1987"),
        ("Shippers", "$filter=tolower(CompanyName) eq 'speedy' and ID eq 828d7583-2afa-56d7-91c9-464f3ddc67d6"),
        ("PriceChanges", "$filter=ValidFrom gt 2021-01-01T00:00:00Z and Price eq Product/UnitPrice"),
        ("Territories", "$filter=Region/RegionID eq 1 and Employees/any()"),
    ],
    "documents": [
        ("Warehouses", "$filter=Address/City eq 'Hamburg'&$select=Code"),
        ("Warehouses", "$filter=Address/Northwind.Model.ForeignAddress/Country eq 'JP'&$select=Code"),
        ("Suppliers", "$filter=Phones/any(p:startswith(p,'(98)')) and LeadTimes/$count eq 2&$select=CompanyName"),
        ("Customers", "$filter=loyaltyPoints gt 10 and Contacts/any(c:c/Emails/any())&$select=CompanyName"),
    ],
    "pages": [
        ("Tags", "$orderby=Color desc,Name"),
        ("Tags", "$orderby=Name"),
        ("Tags", "$orderby=tolower(Color)"),
    ],
    "expanded": [
        ("Territories", "$expand=Region($select=Description)"),
        ("Regions", "$expand=Territories($select=Description;$orderby=Description)"),
        ("Regions", "$expand=Territories($select=Description;$top=2)"),
        ("Regions", "$expand=Territories($select=Description;$orderby=Description desc;$top=2;$skip=1)"),
        ("Tags", "$expand=Products($select=Name;$top=1)"),
        ("Warehouses", "$expand=Shelves($select=MaxLoad)"),
    ],
    "aggregated": [
        ("Products", "$apply=aggregate(UnitPrice with sum as Total,$count as N)"),
        ("Products", "$apply=filter(UnitPrice gt 1)/groupby((Category/Name),aggregate(UnitPrice with average as A))/filter(A gt 5)"),
        ("Regions", "$apply=topcount(2,RegionID)"),
        ("Regions", "$apply=groupby((rollup($all,Description)),aggregate(RegionID with max as M))"),
        ("Products", "$apply=aggregate(Reviews/Stars with sum as S)"),
    ],
}


def shown(statement: Statement) -> str:
    marks = [f"{mark.slot.kind}[{mark.slot.index}]" + (f":{mark.slot.type}" if mark.slot.type else "")
             if isinstance(mark, Bind) else repr(mark) for mark in statement.marks]
    return f"  {statement.text}\n" + (f"    {', '.join(marks)}\n" if marks else "")


def statements(theme: str, mapping: Mapping, dialect: Dialect, path: str, query: str) -> list[Statement]:
    if theme == "aggregated":
        return [aggregate_statement(mapping, dialect, path, query)[0]]
    if theme == "pages":
        keys = len(planned(mapping, path, query)[0].query.order)
        flags = ((False,) * keys, (True, *(False,) * (keys - 1)))
        return [compiled(mapping, dialect, path, query, limit=plan.Slot("limit"), after=each)[0] for each in flags]
    found = planned(mapping, path, query)[0]
    if theme == "expanded":
        return [compile_query(each.read.query, mapping, dialect) for each in found.shape.expansions if each.read]
    if theme == "paths":
        counted = plan.CountQuery(found.query.source, found.query.filter)
        return [compile_query(found.query, mapping, dialect), compile_count(counted, mapping, dialect)]
    return [compile_query(found.query, mapping, dialect)]


@pytest.fixture(scope="module")
def mapping() -> Mapping:
    return model()


@pytest.mark.parametrize("theme", THEMES)
def test_sql(theme: str, mapping: Mapping, pytestconfig: Any) -> None:
    lines = []
    for path, query in THEMES[theme]:
        lines.append(f"{path}?{query}\n" if query else f"{path}\n")
        for dialect in DIALECTS:
            lines.append(f" {dialect.name}\n")
            lines.extend(map(shown, statements(theme, mapping, dialect, path, query)))
        lines.append("\n")
    text, file = "".join(lines), GOLDEN / f"{theme}.txt"
    if pytestconfig.getoption("--update-golden"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")

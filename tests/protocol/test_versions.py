"""What the negotiated version changes: conformance.md section 2b, one row or more for each difference.

Protocol §8.1.5, §8.2.7; JSON Format 4.01 §3, §4.5, §8.5, §15; 4.0 the same sections.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.protocol.changing import ANY, SHOWN, error, tell
from tests.protocol.exchange import ABSENT, ROOT, Client

META = ROOT + "$metadata#"
OLD, NEW = {"OData-MaxVersion": "4.0"}, {"OData-MaxVersion": "4.01"}
BODY40, BODY401 = {"OData-Version": "4.0"}, {"OData-Version": "4.01"}
BARE = {**NEW, "Accept": "application/json;metadata=minimal"}
FULL40, FULL401 = {**OLD, "Accept": "application/json;odata.metadata=full"}, {**NEW, "Accept": "application/json;metadata=full"}

ROWS: list[tuple[Any, ...]] = [
    # V401-01 control information: with the prefix in 4.0; both read
    ("V401-01", "Tags", None, 200, {"@odata.context": META + "Tags", "@context": ABSENT}, OLD, {"OData-Version": "4.0"}), ("V401-01", "Tags", None, 200, {"@context": META + "Tags", "@odata.context": ABSENT}, BARE, {"OData-Version": "4.01"}),
    ("V401-01", "POST Products", {"@type": "#Northwind.Model.DigitalProduct", "ID": 900}, 201, {"@odata.type": "#Northwind.Model.DigitalProduct"}, BODY401), ("V401-01", "POST Products", {"@odata.type": "#Northwind.Model.DigitalProduct", "ID": 901}, 201, {"@type": "#Northwind.Model.DigitalProduct"}, {**BODY401, **BARE}),
    # V401-02 parameters of the media type
    ("V401-02", "Tags", None, 200, ..., OLD, {"Content-Type": "application/json;odata.metadata=minimal"}), ("V401-02", "Tags", None, 200, ..., NEW, {"Content-Type": "application/json;metadata=minimal"}),
    ("V401-02", "Tags", None, 200, ..., {**OLD, "Accept": "application/json;metadata=none;IEEE754Compatible=true"}, {"Content-Type": "application/json;odata.metadata=none;IEEE754Compatible=true"}),
    ("V401-02", "Tags?$format=application/json;odata.metadata=none", None, 200, {"@context": ABSENT, "@odata.context": ABSENT}, NEW, {"Content-Type": "application/json;metadata=none"}),
    # V401-03 names of primitive types
    ("V401-03", "Products(1)?$select=ReleaseDate", None, 200, {"ReleaseDate@odata.type": "#DateTimeOffset"}, FULL40), ("V401-03", "Products(1)?$select=ReleaseDate", None, 200, {"ReleaseDate@type": "DateTimeOffset"}, FULL401),
    ("V401-03", "PATCH Customers('ALFKI')", {"a@odata.type": "#Int64", "a": 5, "b@odata.type": "Int64", "b": 6}, 200, {"a@odata.type": "#Int64", "b@odata.type": "#Int64"}, {**ANY, **SHOWN}),
    # V401-04 binding; an unmarked body takes both
    ("V401-04", "PATCH Products(1)", {"Category@odata.bind": None}, 204, None, BODY40), ("V401-04", "Products(1)", None, 200, {"CategoryID": None}), ("V401-04", "PATCH Products(1)", {"Category": {"@id": "Categories(2)"}}, 200, {"CategoryID": 2}, {**BODY401, **SHOWN}),
    ("V401-04", "PATCH Products(1)", {"Category@odata.bind": "Categories(3)"}, 200, {"CategoryID": 3}, SHOWN), ("V401-04", "PATCH Products(1)", {"Category@odata.bind": "Categories(3)", "Category": {"@id": "Categories(2)"}}, 400, error("conflictingLinks", "Category")),
    # V401-05 context URLs name what is expanded
    ("V401-05", "Products?$expand=Category", None, 200, {"@odata.context": META + "Products"}, OLD), ("V401-05", "Products?$expand=Category", None, 200, {"@odata.context": META + "Products(Category())"}, NEW),
    # V401-06 deltas: see test_set_changes; V401-07 deep updates
    ("V401-06", "PATCH Tags", {"value": [{"@removed": {}, "Name": "unused"}]}, 200, {"value": [{"reason": "deleted", "id": ROOT + "Tags('unused')"}]}, {**SHOWN, **OLD}),
    ("V401-07", "PATCH Products(1)", {"Category": {"ID": 2, "Name": "x"}}, 400, error("nestedEntity", "Category"), BODY40), ("V401-07", "PATCH Products(1)", {"Category": {"ID": 2, "Name": "x"}}, 204, None, BODY401), ("V401-07", "PATCH Products(1)", {"Tags@delta": []}, 400, ..., BODY40), ("V401-07", "PATCH Products(1)", {"Tags@delta": []}, 204, None, BODY401),
    # V401-08 ETags in bodies
    ("V401-08", "PATCH Categories(1)", {"@odata.etag": 'W/"1"', "Name": "x"}, 204, None, BODY40), ("V401-08", "PATCH Categories(1)", {"@odata.etag": 'W/"1"', "Name": "x"}, 412, ..., BODY401), ("V401-08", "PATCH Categories(1)", {"@odata.etag": 'W/"1"', "Name": "y"}, 204),
    # V401-11 exponents of decimals; V401-12 INF and NaN
    ("V401-11", "PATCH Products(1)", b'{"UnitPrice": 1.5e1}', 200, {"UnitPrice": 15}, {**BODY401, **SHOWN}), ("V401-11", "Products(1)?$select=UnitPrice", None, 200, {"UnitPrice": 15}, OLD),
    ("V401-12", "POST Shippers", {"ID": "11111111-2222-3333-4444-555555555555", "CompanyName": "s", "OnTimeRatio": "INF"}, (201, 400), ..., BODY40), ("V401-12", "PATCH Products(1)", {"UnitPrice": "INF"}, 400, ..., BODY40), ("V401-12", "PATCH Products(1)", {"UnitPrice": "INF"}, 400, ..., BODY401),
    # V401-14 an entity without an address: 4.0 says so by a null id
    ("V401-14", "Products?$apply=groupby((CategoryID))&$top=1", None, 200, {"value": [{"@odata.id": None}]}, OLD),
    # V401-16 syntax of 4.01 under a ceiling of 4.0
    ("V401-16", "Products/1?$compute=UnitPrice divby 2 as Half&$select=Half", None, 200, {"Half": ...}, OLD), ("V401-16", "Products?$filter=ID in (1,2)", None, 200, {"value": [{}, {}]}, OLD), ("V401-16", "Products/$filter(ID lt 3)/$count", None, 200, "2", OLD),
    ("V401-16", "PATCH Products/$filter(ID lt 3)/$each", {"Name": "e"}, 204, None, OLD), ("V401-16", "Products?$filter=case(ID lt 3:true,true:false)", None, 200, {"value": [{}, {}]}, OLD), ("V401-16", "Products?$schemaversion=*", None, 200, ..., OLD),
    # V401-17 names of preferences
    ("V401-17", "Products", None, 200, {"value": [{}] * 2}, {**OLD, "Prefer": "maxpagesize=2"}, {"Preference-Applied": "maxpagesize=2"}), ("V401-17", "Products", None, 200, {"value": [{}] * 2}, {**NEW, "Prefer": "odata.maxpagesize=2"}, {"Preference-Applied": "odata.maxpagesize=2"}),
    ("V401-17", "PATCH Tags", {"value": []}, 204, None, {**NEW, "Prefer": "odata.continue-on-error"}, {"Preference-Applied": "odata.continue-on-error"}),
    # a body without OData-Version is read as OData-MaxVersion says (DESIGN §7)
    ("P-8.1.5-03", "PATCH Products(1)", {"Category": {"ID": 2, "Name": "x"}}, 400, ..., OLD), ("P-8.1.5-03", "PATCH Products(1)", {"Category": {"ID": 2, "Name": "x"}}, 204), ("P-8.1.5", "Tags", None, 400, error("unsupportedVersion"), {"OData-Version": "5.0"}), ("P-8.2.7", "Tags", None, 400, error("unsupportedVersion"), {"OData-MaxVersion": "3.0"}),
]


@pytest.mark.parametrize("section", sorted({row[0] for row in ROWS}))
def test_versions(private: Callable[..., Client], section: str) -> None:
    tell(private("northwind"), [row for row in ROWS if row[0] == section])


SPECIAL = ("INF", "-INF", "NaN", 1.5, None)
FOUND: list[tuple[str, list[Any]]] = [
    ("$filter=ID ge 900", [*SPECIAL]), ("$filter=Decimal7f eq INF", ["INF"]), ("$filter=Decimal7f eq NaN", []),
    ("$filter=Decimal7f gt 1 and ID ge 900", ["INF", 1.5]), ("$filter=Decimal7f lt 1", ["-INF"]), ("$filter=Decimal7f in (INF,1.5)", ["INF", 1.5]),
    ("$filter=ID ge 900 and Decimal7f eq Decimal7f", ["INF", "-INF", 1.5, None]), ("$filter=-(Decimal7f) add 1 eq INF", ["-INF"]),
    ("$filter=ID ge 900&$orderby=Decimal7f", [None, "-INF", 1.5, "INF", "NaN"]), ("$filter=ID ge 900&$orderby=Decimal7f desc", ["NaN", "INF", 1.5, "-INF", None]),
    ("$apply=filter(ID ge 900)/groupby((Decimal7f))&$orderby=Decimal7f", [None, "-INF", 1.5, "INF", "NaN"]),
    *((f"$apply=filter({test})/aggregate(Decimal7f with {method} as Decimal7f)", [value]) for test, method, value in (
        ("ID ge 900", "sum", "NaN"), ("ID ge 900", "average", "NaN"), ("ID in (900,903)", "sum", "INF"), ("ID in (901,903)", "average", "-INF"), ("ID ge 900", "min", "-INF"))),
]


def test_decimals_that_are_no_numbers(private: Callable[..., Client]) -> None:
    """V401-12, J 7.1: a Decimal with floating scale holds INF, -INF and NaN, in bodies of 4.01; MariaDB has no place for them."""
    client = private("types")
    held = client.service.store.dialect.name != "mariadb"
    for number, value in enumerate(SPECIAL, 900):
        there = held or value in (1.5, None)
        tell(client, [("V401-12", "POST Faceteds", {"ID": number, "Decimal7f": value}, 201 if there else 400, {"Decimal7f": value} if there else ..., {**BODY401, **NEW})])
    tell(client, [("V401-12", "POST Faceteds", {"ID": 910, "Decimal7f": "INF"}, 400, error("valueOutOfRange", "Decimal7f"), BODY40),
                  ("V401-12", "POST Faceteds", {"ID": 910, "Decimal28v": "INF"}, 400, error("valueOutOfRange", "Decimal28v"), BODY401)])
    for target, values in FOUND if held else ():
        assert [each["Decimal7f"] for each in client.get(f"Faceteds?{target}")["value"]] == values, target
    for order, numbers in (("", [904, 901, 903, 900, 902]), (" desc", [902, 900, 903, 901, 904])) if held else ():
        pages = client.pages(f"Faceteds?$filter=ID ge 900&$orderby=Decimal7f{order}&$select=ID", {"Prefer": "maxpagesize=1"})
        assert [row["ID"] for page in pages for row in page["value"]] == numbers

"""What an answer looks like: media types, metadata levels, versions, numbers, ETags (Protocol §8; JSON Format §3, §4)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Exchange, Only, rows

NS = "Northwind.Model."
META = ROOT + "$metadata#"
MINIMAL = "application/json;odata.metadata=minimal"
V40 = {"OData-Version": "4.0", "Content-Type": MINIMAL}
V401 = {"OData-Version": "4.01", "Content-Type": "application/json;metadata=minimal"}
POWER_QUERY = ("application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,application/atomsvc+xml;q=0.8,"
               "application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7")
STATISTICS = "incomingFlowRuns('f904e29a-a96e-553f-aab3-86bf859067e7')/statistics"


def accept(text: str, **more: str) -> dict[str, str]:
    return {"Accept": text, **more}


MODERN = {"OData-MaxVersion": "4.01"}

VERSIONS = [
    Exchange("P 8.2.7", "Products(1)", 200, {"@odata.context": META + "Products/$entity"}, V40),
    Exchange("P 8.2.7", "Products(1)", 200, {"@odata.context": str}, V40, {"OData-MaxVersion": "4.0"}),
    Exchange("P 8.2.7", "Products(1)", 200, {"@odata.context": str, "@context": ABSENT}, V401, MODERN),
    Exchange("P 8.2.7", "Products(1)", 200, ..., V401, {"OData-MaxVersion": "4.1"}),
    Exchange("P 8.2.7", "Products(1)", 200, ..., V401, {"OData-MaxVersion": "5.0"}),
    Exchange("P 8.2.7", "Products(1)", 200, ..., V401, {"OData-MaxVersion": "99"}),
    Exchange("P 8.2.7", "Products(1)", 200, ..., V40, {"OData-MaxVersion": "4.0;NetFx"}),
    Exchange("P 8.2.7", "Products(1)", 400, {"error": {"target": "OData-MaxVersion"}}, {"OData-Version": "4.0"}, {"OData-MaxVersion": "3.0"}),
    Exchange("P 8.2.7", "Products(1)", 400, ..., {}, {"OData-MaxVersion": "new"}),
    Exchange("P 8.2.7", "Products(1)", 400, ..., {}, {"OData-MaxVersion": "4.0.1"}),
    Exchange("P 8.1.5", "Products(1)", 200, ..., V40, {"OData-Version": "4.0"}),
    Exchange("P 8.1.5", "Products(1)", 200, ..., V40, {"OData-Version": "4.01"}),
    Exchange("P 8.1.5", "Products(1)", 400, ..., {}, {"OData-Version": "3.0"}),
    Exchange("P 8.1.5", "Products(1)", 400, ..., {}, {"OData-Version": "4.2"}),
    Exchange("P 8.1.5", "Products(1)", 200, ..., V401, {"OData-Version": "4.0", "OData-MaxVersion": "4.01"}),
    Exchange("P 8.3.8", "Products(1)", 200, ..., {"Vary": re.compile("OData-MaxVersion")}),
    Exchange("P 8.3.8", "Products(1)", 200, ..., {"Vary": re.compile("Accept, Accept-Language, Prefer")}),
    Exchange("P 8.1.5", "Products(99)", 404, ..., {"OData-Version": "4.01", "Content-Type": re.compile("metadata=minimal")}, MODERN),
    Exchange("P 8.1.5", "Products/$count", 200, "16", {"OData-Version": "4.01"}, MODERN),
    Exchange("J 4.5", "Products?$count=true&$top=1", 200, {"@context": META + "Products", "@count": 16, "value": [{"@etag": str, "ID": 1}]}, V401,
             accept("application/json;metadata=minimal", **MODERN)),
    Exchange("J 4.5", "Products", 200, {"@nextLink": str, "value": [{}]}, V401, accept("application/json;metadata=minimal", Prefer="maxpagesize=1", **MODERN)),
    Exchange("J 4.5", "Products(5)", 200, {"@type": f"#{NS}PerishableProduct"}, V401, accept("application/json;metadata=minimal", **MODERN)),
    Exchange("J 4.5.3", "Customers('ALFKI')", 200, {"since@odata.type": "#Date", "loyaltyPoints@odata.type": "#Int32"}, V40),
    Exchange("J 4.5.3", "Customers('ALFKI')", 200, {"since@type": "Date", "loyaltyPoints@type": "Int32"}, V401, accept("application/json;metadata=minimal", **MODERN)),
    Exchange("J 4.5.3", "Customers('BLAUS')", 200, {"tags@odata.type": "#Collection(String)"}, V40),
    Exchange("J 4.5.3", "Customers('BLAUS')", 200, {"tags@type": re.compile(r"^#?Collection\(String\)$")}, V401, accept("application/json;metadata=minimal", **MODERN)),
    Exchange("P 8.2.7", "Products?$filter=ID in (1,2)&$select=ID", 200, {"value": [{}, {}]}, V40, {"OData-MaxVersion": "4.0"}),
]

NEGOTIATION = [
    Exchange("P 8.2.1", "Products(1)", 200, ..., V40, accept("application/json")),
    Exchange("P 8.2.1", "Products(1)", 200, ..., V40, accept("*/*")),
    Exchange("P 8.2.1", "Products(1)", 200, ..., V40, accept("application/*")),
    Exchange("P 8.2.1", "Products(1)", 200, ..., V40, accept("")),
    Exchange("P 8.2.1", "Products(1)", 200, ..., V40, accept("text/html, application/json;q=0.1")),
    Exchange("P 8.2.1", "Products(1)", 200, ..., V40, accept("text/html,*/*;q=0.8")),
    Exchange("P 8.2.1", "Products(1)", 200, ..., V40, accept("APPLICATION/JSON;ODATA.METADATA=MINIMAL")),
    Exchange("P 7", "Products(1)", 406, {"error": {"code": "notAcceptable"}}, {}, accept("application/xml")),
    Exchange("P 7", "Products(1)", 406, ..., {}, accept("text/html")),
    Exchange("P 7", "Products(1)", 406, ..., {}, accept("application/json;q=0")),
    Exchange("P 7", "Products", 406, ..., {}, accept("application/atom+xml")),
    Exchange("P 7", "Products(1)/Name", 406, ..., {}, accept("text/plain")),
    Exchange("P 8.2.1", "Products(1)", 200, ..., {"Content-Type": "application/json;odata.metadata=full"}, accept("application/json;odata.metadata=full")),
    Exchange("P 8.2.1", "Products(1)", 200, ..., {"Content-Type": "application/json;odata.metadata=none"}, accept("application/json;odata.metadata=none")),
    Exchange("P 13.2.1(4)", "Products(1)", 200, ..., {"Content-Type": "application/json;odata.metadata=full"}, accept("application/json;metadata=full")),
    Exchange("P 13.2.1(4)", "Products(1)", 200, ..., {"Content-Type": "application/json;metadata=none"}, accept("application/json;odata.metadata=none", **MODERN)),
    Exchange("P 8.2.1", "Products(1)", 200, ..., {"Content-Type": "application/json;odata.metadata=none"},
             accept("application/json;odata.metadata=full;q=0.5,application/json;odata.metadata=none")),
    Exchange("P 8.2.1", "Products(1)", 200, ..., {"Content-Type": "application/json;odata.metadata=none"},
             accept("application/json;odata.metadata=none,*/*")),
    Exchange("P 8.2.1", "Products(1)", 200, ..., {"Content-Type": "application/json;odata.metadata=full"},
             accept("application/json;odata.metadata=most,application/json;odata.metadata=full;q=0.5")),
    Exchange("P 8.2.1", "Products(1)", 200, ..., {"Content-Type": MINIMAL + ";charset=utf-8"}, accept("application/json;charset=utf-8")),
    Exchange("J 3.2", "Products(1)", 200, ..., {"Content-Type": MINIMAL + ";IEEE754Compatible=true"}, accept("application/json;IEEE754Compatible=true")),
    Exchange("J 3.2", "Products(1)", 200, {"UnitPrice": 18}, V40, accept("application/json;IEEE754Compatible=false")),
    Exchange("J 4.4", "Products(1)", 200, ..., {"Content-Type": MINIMAL + ";odata.streaming=true"}, accept("application/json;odata.streaming=true")),
    Exchange("J 4.4", "Products(1)", 200, ..., {"Content-Type": "application/json;metadata=minimal;streaming=true"}, accept("application/json;streaming=true", **MODERN)),
    # what clients send
    Exchange("client Power Query", "Products?$top=1", 200, ..., V40, accept(POWER_QUERY, **{"OData-MaxVersion": "4.0", "MaxDataServiceVersion": "3.0"})),
    Exchange("client DevExtreme", "Products?$top=1", 200, ..., V40, accept("application/json;odata=verbose,text/plain, */*; q=0.01")),
    Exchange("client Microsoft.OData.Client", "Products?$top=1", 200, ..., V40, accept("application/json;odata.metadata=minimal;")),
    Exchange("client Microsoft.OData.Client", "Products?$top=1", 200, ..., {"OData-Version": "4.0"},
             accept("application/json;odata.metadata=minimal;", **{"Accept-Charset": "UTF-8"})),
    Exchange("client Kendo", "Products?$top=1", 200, ..., V40, accept("application/json, text/javascript, */*; q=0.01")),
    Exchange("client Simple.OData.Client", "Products?$top=1", 200, ..., V40, accept("application/json, application/xml, application/text")),
    Exchange("client SSIS", "Products?$top=1", 200, ..., V40, accept("application/json;odata=light")),
    Exchange("client Olingo", "Products(1)/Name/$value", 200, "Chai", {"Content-Type": "text/plain"}, accept("text/plain", **{"Content-Type": "text/plain"})),
    Exchange("client browser", "Products?$top=1", 200, ..., V40, accept("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")),
    # $format
    Exchange("P 11.2.11", "Products(1)?$format=json", 200, ..., V40, accept("application/xml")),
    Exchange("P 11.2.11", "Products(1)?$format=JSON", 200, ..., V40),
    Exchange("P 11.2.11", "Products(1)?format=json", 200, ..., V40),
    Exchange("P 11.2.11", "Products(1)?$format=application/json;odata.metadata=full", 200, ..., {"Content-Type": "application/json;odata.metadata=full"}),
    Exchange("P 11.2.11", "Products(1)?$format=application/json;metadata=none", 200, {"@odata.context": ABSENT, "ID": 1}, {"Content-Type": "application/json;odata.metadata=none"}),
    Exchange("P 11.2.11", "Products(1)?$format=application/json;IEEE754Compatible=true", 200, {"UnitPrice": "18"}),
    Exchange("P 11.2.11", "Products(1)?$format=application%2Fjson", 200, ..., V40),
    Exchange("P 11.2.11", "Products(1)?$format=xml", 406),
    Exchange("P 11.2.11", "Products(1)?$format=atom", 406),
    Exchange("P 11.2.11", "Products(1)?$format=nonsense", (400, 406)),
    Exchange("P 11.2.11", "Products(1)?$format=", 400),
    Exchange("P 11.2.11", "Products(1)?$format=json&$format=json", 400),
    # HEAD
    Exchange("HTTP", "HEAD Products", 200, None, V40),
    Exchange("HTTP", "HEAD Products(1)", 200, None, {**V40, "ETag": re.compile('^W/"')}),
    Exchange("HTTP", "HEAD Products(1)/", 200, None, V40),
    Exchange("HTTP", "HEAD Products(99)", 404, None),
    Exchange("HTTP", "HEAD Products/$count", 200, None, {"Content-Type": "text/plain"}),
    Exchange("HTTP", "HEAD Products?$filter=Nmae eq 1", 400, None),
]

LEVELS = [
    Exchange("J 3.1.3", "Products(5)", 200, {"@odata.context": ABSENT, "@odata.etag": ABSENT, "@odata.type": ABSENT, "ID": 5}, sent=accept("application/json;odata.metadata=none")),
    Exchange("J 3.1.3", "Products?$count=true", 200, Only({"@odata.count": 16, "value": [{"ID": 1}], "@odata.nextLink": str}),
             sent=accept("application/json;odata.metadata=none", Prefer="maxpagesize=1")),
    Exchange("J 3.1.3", "Customers('ALFKI')", 200, {"since@odata.type": ABSENT, "since": "1996-08-25"}, sent=accept("application/json;odata.metadata=none")),
    Exchange("J 3.1.3", STATISTICS, 200, {"@odata.context": ABSENT, "bytesRead@odata.type": ABSENT, "bytesRead": 734118902}, sent=accept("application/json;odata.metadata=none"), model="industryData"),
    Exchange("J 3.1.3", "Products(1)/Name", 200, Only(value="Chai"), sent=accept("application/json;odata.metadata=none")),
    Exchange("J 3.1.3", "Categories(1)/Products/$ref", 200, {"@odata.context": ABSENT, "value": [{"@odata.id": str}] * 4}, sent=accept("application/json;odata.metadata=none")),
    Exchange("J 3.1.1", "Products(1)", 200, {"@odata.id": ABSENT, "@odata.editLink": ABSENT, "@odata.type": ABSENT, "@odata.etag": re.compile('^W/"'), "Category@odata.navigationLink": ABSENT}),
    Exchange("J 3.1.1", "Products(5)", 200, {"@odata.type": f"#{NS}PerishableProduct"}),
    Exchange("J 3.1.1", "Customers('ANATR')", 200, {"Address": {"@odata.type": f"#{NS}ForeignAddress", "Country": "MX"}}),
    Exchange("J 3.1.1", STATISTICS, 200, {"bytesRead@odata.type": "#Int64", "durationSeconds@odata.type": ABSENT, "sourceHash@odata.type": ABSENT, "organizations@odata.type": "#Int32"}, model="industryData"),
    Exchange("J 3.1.2", "Products(1)", 200, {
        "@odata.context": META + "Products/$entity", "@odata.type": f"#{NS}Product", "@odata.id": f"{ROOT}Products(1)", "@odata.etag": str,
        "@odata.editLink": re.compile(r"Products\(1\)$"), "Category@odata.navigationLink": re.compile(r"Products\(1\)/Category$"),
        "Category@odata.associationLink": re.compile(r"Products\(1\)/Category/\$ref$"), "ReleaseDate@odata.type": "#DateTimeOffset", "Name@odata.type": ABSENT,
        "UnitPrice@odata.type": "#Decimal", "Features@odata.type": f"#{NS}ProductFeatures", "Dimensions": {"@odata.type": f"#{NS}Dimensions"},
        f"#{NS}Discontinue": {"title": str, "target": re.compile(rf"Products\(1\)/{NS}Discontinue$")}}, sent=accept("application/json;odata.metadata=full")),
    Exchange("J 4.5.9", "Products(5)", 200, {"@odata.id": f"{ROOT}Products(5)", "@odata.editLink": re.compile(rf"Products\(5\)/{NS}PerishableProduct$")},
             sent=accept("application/json;odata.metadata=full")),
    Exchange("J 3.1.2", "Warehouses('HAM')/Shelves(1)", 200, {"@odata.id": f"{ROOT}Warehouses('HAM')/Shelves(1)", "@odata.type": f"#{NS}Shelf",
                                                              "Bins@odata.navigationLink": re.compile(r"Warehouses\('HAM'\)/Shelves\(1\)/Bins$")},
             sent=accept("application/json;odata.metadata=full")),
    Exchange("J 4.5.9", "Regions(1)", 200, {"@odata.id": f"{ROOT}Regions(1)", "@odata.readLink": re.compile(r"Regions\(1\)$"), "@odata.editLink": ABSENT},
             sent=accept("application/json;odata.metadata=full")),
    Exchange("J 3.1.2", "Company", 200, {"@odata.id": f"{ROOT}Company", "@odata.editLink": re.compile("Company$")}, sent=accept("application/json;odata.metadata=full")),
    Exchange("J 3.1.2", "Categories(1)?$expand=Products($top=1)", 200, {"Products": [{"@odata.id": f"{ROOT}Products(1)", "@odata.type": f"#{NS}Product"}]},
             sent=accept("application/json;odata.metadata=full")),
    Exchange("J 3.1.2", "Warehouses?$expand=Shelves($expand=Bins)&$top=1", 200,
             {"value": [{"Shelves": [{"@odata.id": f"{ROOT}Warehouses('HAM')/Shelves(1)", "Bins": [{"@odata.id": f"{ROOT}Warehouses('HAM')/Shelves(1)/Bins('A')"}, {}]}, {}]}]},
             sent=accept("application/json;odata.metadata=full")),
    Exchange("J 3.1.2", "Products(1)?$select=Name,Category", 200, {"@odata.id": f"{ROOT}Products(1)", "Category@odata.navigationLink": str, "Supplier@odata.navigationLink": ABSENT},
             sent=accept("application/json;odata.metadata=full")),
    Exchange("J 3.1.2", "Suppliers?$top=1", 200, {"value": [{"Phones@odata.type": "#Collection(String)", "LeadTimes@odata.type": "#Collection(Duration)"}]},
             sent=accept("application/json;odata.metadata=full")),
    Exchange("J 3.1.2", "Products(1)", 200, {"@type": f"#{NS}Product", "@id": f"{ROOT}Products(1)", "UnitPrice@type": "Decimal", "@odata.type": ABSENT},
             sent=accept("application/json;metadata=full", **MODERN)),
    Exchange("J 9", "incomingFlowRuns?$top=1", 200, {"value": [{"extractedData@odata.mediaReadLink": str, "extractedData": ABSENT, "transformedData@odata.mediaReadLink": str}]},
             sent=accept("application/json;odata.metadata=full"), model="industryData"),
    Exchange("J 8.1", "sourceSystems?$filter=displayName eq 'Cobalt HR'", 200, {"value": [{"directoryUserMatchingSettings": [{"roleGroup": ABSENT}, {}]}]}, model="industryData"),
]
BIG = "79228162514264337593543950335"
VALUES = [
    Exchange("J 7.1", "Plains(1)", 200, {name: None for name in ("Binary", "Boolean", "Date", "Decimal", "Double", "Int64", "String", "Enum", "Flags")}, model="types"),
    Exchange("J 7.1", "Plains(2)", 200, Only({
        "@odata.context": META + "Plains/$entity", "@odata.etag": str, "ID": 2, "Binary": "", "Boolean": False, "Byte": 0, "Date": "0001-01-01",
        "DateTimeOffset": "0001-01-01T00:00:00.0000000Z", "Decimal": 0, "Double": 0.0, "Duration": "PT0S", "Guid": "00000000-0000-0000-0000-000000000000", "Int16": -32768,
        "Int32": -2147483648, "Int64": -9223372036854775808, "SByte": -128, "Single": 0.0, "String": "", "TimeOfDay": "00:00:00.0000000", "Enum": "ultraviolet",
        "Flags": "none", "Definition": 0}), model="types"),
    Exchange("J 7.1", "Plains(3)", 200, {
        "Binary": re.compile("^_-8A=*$"), "Boolean": True, "Byte": 255, "Date": "9999-12-31", "DateTimeOffset": "9999-12-31T23:59:59.9999999Z", "Decimal": Decimal(BIG),
        "Double": 1.7976931348623157e308, "Duration": "P10675199DT2H48M5.4775807S", "Guid": "ffffffff-ffff-ffff-ffff-ffffffffffff", "Int64": 9223372036854775807,
        "Single": 3.4028235e38, "String": "Zażółć 🚀 東京 ñ «north» O'Fallon/100 % \\ \" \t\n", "TimeOfDay": "23:59:59.9999999", "Enum": "red", "Flags": "monday,someday",
        "Definition": Decimal("123456789012345678.0123456789")}, model="types"),
    Exchange("J 7.1", "Plains(4)", 200, {"DateTimeOffset": "2025-11-29T14:29:02.1234567Z", "Decimal": Decimal("-0.00000000000000000001"), "Double": 5e-324, "Duration": "-P1DT2H3M4.5S",
                                         "Int64": 9007199254740993, "Single": 0.1, "String": "null", "TimeOfDay": "12:34:56.7890000", "Flags": "monday,tuesday"}, model="types"),
    Exchange("J 7.1", "Plains(6)", 200, {"Decimal": 1000, "Double": -1e-07}, model="types"),
    Exchange("J 3.2", "Plains(3)", 200, {"Int64": "9223372036854775807", "Decimal": BIG, "Definition": "123456789012345678.0123456789", "Double": 1.7976931348623157e308, "Int32": 2147483647},
             sent=accept("application/json;IEEE754Compatible=true"), model="types"),
    Exchange("J 3.2", "Plains(6)", 200, {"Decimal": "1000"}, sent=accept("application/json;IEEE754Compatible=true"), model="types"),
    Exchange("J 3.2", "Plains?$count=true&$top=1", 200, {"@odata.count": "12"}, sent=accept("application/json;IEEE754Compatible=true"), model="types"),
    Exchange("J 3.2", "Categories?$expand=Products($count=true)&$top=1", 200, {"value": [{"Products@odata.count": "4"}]}, sent=accept("application/json;IEEE754Compatible=true")),
    Exchange("J 3.2", "Plains(3)/Int64", 200, {"value": "9223372036854775807"}, sent=accept("application/json;IEEE754Compatible=true"), model="types"),
    Exchange("J 3.2", "Listeds(2)", 200, {"Int64s": ["9223372036854775807", "-9223372036854775808", "9007199254740993"], "Decimals": [BIG, "-0.5", "1"]},
             sent=accept("application/json;IEEE754Compatible=true"), model="types"),
    Exchange("J 7.1", "Listeds(2)", 200, {
        "Binaries": ["", re.compile("^_-8A=*$")], "Booleans": [True, False], "Dates": ["2024-02-29", "0001-01-01"], "DateTimes": ["2025-11-29T14:00:41.2093715Z", "2025-11-29T14:00:00Z"],
        "Decimals": [Decimal(BIG), Decimal("-0.5"), 1], "Doubles": [0.1, -1.5e300, 0.0], "Durations": ["PT1S", "-P1D"], "Int64s": [9223372036854775807, -9223372036854775808, 9007199254740993],
        "Strings": ["", None, "O'Fallon", "🚀"], "Times": ["00:00:00", "23:59:59.5"], "Colors": ["red", "ultraviolet", "red"]}, model="types"),
    Exchange("J 7", "Listeds(1)", 200, {name: [] for name in ("Binaries", "Decimals", "Strings", "Colors")}, model="types"),
    Exchange("J 4.5.3", "Anythings(2)", 200, {
        "Primitive": 9007199254740993, "dynamic@odata.type": "#Int32", "dynamic": 12, "other": "text", "other@odata.type": ABSENT,
        "Untyped": {"a": [1, "two", None, {"b": True}]},
        "Bag": {"text": "plain", "flag": True, "nothing": None, "ratio": 0.5, "count": 7, "big": 9223372036854775807, "money@odata.type": "#Decimal", "money": Decimal(BIG),
                "when": "2025-11-29T14:00:41.2093715Z", "span": re.compile("^PT(90M|1H30M)$"), "color@odata.type": "#Types.Color", "color": "green", "list@odata.type": "#Collection(String)",
                "list": [], "numbers": [1, 9007199254740993], "nested": {"x": 1, "y": {"z": "deep"}}, "bag": {"@odata.type": "#Types.Bag", "inner": "typed"}}}, model="types"),
    Exchange("J 3.2", "Anythings(2)", 200, {"dynamic": 12, "Bag": {"big": "9223372036854775807", "money": BIG, "count": 7, "numbers": ["1", "9007199254740993"]}},
             sent=accept("application/json;IEEE754Compatible=true"), model="types"),
    Exchange("J 3.2", STATISTICS, 200, {"bytesRead@odata.type": "#Int64", "bytesRead": "734118902"}, sent=accept("application/json;IEEE754Compatible=true"), model="industryData"),
    Exchange("J 4.5.3", "Anythings(2)", 200, {"Bag": {"big@type": "Int64", "money@type": "Decimal", "list@type": re.compile(r"^#?Collection\(String\)$"), "color@type": "#Types.Color",
                                                      "bag": {"@type": "#Types.Bag"}, "big@odata.type": ABSENT}},
             sent=accept("application/json;metadata=minimal", **MODERN), model="types"),
    Exchange("J 7.1", "Shapes(2)", 200, {"GeographyPoint": {"type": "Point", "coordinates": [142.1, 64.1]}}, model="types"),
    Exchange("J 7.1", "Faceteds(2)", 200, {"Decimal5s2": Decimal("999.99"), "Decimal28v": Decimal("1234567890123456789012345678"), "DateTime3": "2025-11-29T14:00:41.209Z", "Time0": "14:00:41",
                                           "Duration3": "PT1.125S", "DateTimeBare": "2025-11-29T14:00:41.2093715Z"}, model="types"),
    Exchange("J 7.1", "Keyeds", 200, {"value": [{"Enum": "green", "Inner": {"Code": "x"}, "Note": "first"}, {"Int64": -9223372036854775808}]}, model="types"),
    Exchange("J 7.1", "Products?$filter=ID in (5,8,14)&$select=Features", 200, {"value": [{"Features": re.compile("^(Fragile,Organic|Organic,Fragile)$")}, {"Features": str}, {"Features": str}]}),
    Exchange("J Conf 22", "Products(16)", 200, {"Name": None, "Rating": None, "Dimensions": None, "CategoryID": None}),
    Exchange("J 7.1", "Plains(3)/Double/$value", 200, re.compile(r"^1\.7976931348623157e\+?308$", re.I), model="types"),
    Exchange("P 11.2.4.1", "Plains(3)/Decimal/$value", 200, BIG, model="types"),
    Exchange("P 11.2.4.1", "Plains(3)/Int64/$value", 200, "9223372036854775807", model="types"),
    Exchange("P 11.2.4.1", "Plains(4)/Duration/$value", 200, "-P1DT2H3M4.5S", model="types"),
    Exchange("P 11.2.4.1", "Plains(3)/Enum/$value", 200, "red", model="types"),
    Exchange("P 11.2.4.1", "Plains(3)/Boolean/$value", 200, "true", model="types"),
]


@rows(VERSIONS)
def test_versions(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(NEGOTIATION)
def test_negotiation(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(LEVELS)
def test_metadata_levels(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(VALUES)
def test_values(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


def test_nested_links_stay_without_metadata(clients: Clients) -> None:
    """metadata=none leaves next links and counts in, nested ones too (J 3.1.3)."""
    found = clients["northwind"].get("Categories?$expand=Products($count=true)", accept("application/json;odata.metadata=none", Prefer="maxpagesize=1"))
    (category,) = found["value"]
    assert category["Products@odata.count"] == 4 and category["Products@odata.nextLink"].startswith(ROOT)
    assert [name for name in category if name.startswith("@")] == []


def test_text_of_numbers(clients: Clients) -> None:
    """Decimals keep every digit on the wire and have no exponent in 4.0 (J 3.2, V401-11)."""
    text = clients["types"].send("GET Plains?$select=Decimal,Definition").text
    assert f'"Decimal":{BIG}' in text and '"Decimal":-0.00000000000000000001' in text and '"Decimal":1000' in text
    assert '"Definition":123456789012345678.0123456789' in text


ORDERED = ["Products(1)", "Products?$count=true&$top=2", "Customers('ALFKI')", "Products(5)?$expand=Category", "Products(1)/Name", "Categories?$expand=Products($count=true)"]


@pytest.mark.parametrize("target", ORDERED)
@pytest.mark.parametrize("level", ["minimal", "full"])
def test_order_of_members(clients: Clients, target: str, level: str) -> None:
    """Context first, then type, id and etag, annotations right before their property: what streaming asks for (J 4.4)."""
    found = clients["northwind"].get(target, accept(f"application/json;odata.metadata={level};odata.streaming=true"))
    assert next(iter(found)) == "@odata.context"
    if "@odata.count" in found:
        assert list(found).index("@odata.count") < list(found).index("value")
    check_order(found)


def check_order(value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            check_order(item)
    if not isinstance(value, dict):
        return
    names = list(value)
    control = [name for name in names if name in ("@odata.context", "@odata.type", "@odata.id", "@odata.etag")]
    assert names[:len(control)] == control
    assert control == [name for name in ("@odata.context", "@odata.type", "@odata.id", "@odata.etag") if name in value]
    for index, name in enumerate(names):
        owner, at, annotation = name.partition("@")
        if owner and at and annotation in ("odata.type", "odata.count") and owner in value:
            rest = [each for each in names[index + 1:names.index(owner)] if not each.startswith(owner + "@")]
            assert names.index(owner) > index and not rest
    for item in value.values():
        check_order(item)


# --- ETags -----------------------------------------------------------------------------------------------

def test_etag_of_an_entity(clients: Clients) -> None:
    """Header and payload say the same; If-None-Match gives 304, If-Match of another 412 (P 8.2.4, 8.2.5, 8.3.2)."""
    client = clients["northwind"]
    answer = client.send("GET Products(1)")
    tag = answer.headers["etag"]
    assert tag == answer.json["@odata.etag"] and re.fullmatch(r'W/"[^"]+"', tag)
    for header in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        fresh = client.send("GET Products(1)", {"If-None-Match": header})
        assert (fresh.status, fresh.body, fresh.headers.get("etag")) == (304, b"", tag)
        assert "content-type" not in fresh.headers
    assert client.send("GET Products(1)", {"If-None-Match": 'W/"x"'}).status == 200
    assert client.send("GET Products(1)", {"If-Match": tag}).status == 200
    refused = client.send("GET Products(1)", {"If-Match": 'W/"x"'})
    assert (refused.status, refused.json["error"]["code"], refused.json["error"]["target"]) == (412, "preconditionFailed", "If-Match")
    assert client.send("GET Products(1)", {"If-Match": "*"}).status == 200


def test_etag_does_not_cover_what_is_expanded(clients: Clients) -> None:
    """With an expansion the ETag says nothing of the whole answer: no 304 (P 8.2.5)."""
    client = clients["northwind"]
    tag = client.send("GET Products(1)?$expand=Category").headers.get("etag") or client.send("GET Products(1)").headers["etag"]
    assert client.send("GET Products(1)?$expand=Category", {"If-None-Match": tag}).status == 200


def test_etags_differ_between_entities_and_agree_between_answers(clients: Clients) -> None:
    client = clients["northwind"]
    tags = {entity["ID"]: entity["@odata.etag"] for entity in client.get("Products?$select=ID")["value"]}
    assert len(set(tags.values())) == len(tags)
    assert client.get("Products(5)")["@odata.etag"] == tags[5]
    assert client.get("Categories(4)?$expand=Products($filter=ID eq 5)")["Products"][0]["@odata.etag"] == tags[5]
    assert client.send("GET Products(5)/Name").headers.get("etag") in (None, tags[5])


def test_a_property_that_shows_the_etag(clients: Clients) -> None:
    """`eTag` of industryData is the entity's ETag, in every answer."""
    client = clients["industryData"]
    for entity in client.get("years")["value"]:
        assert entity["eTag"] == entity["@odata.etag"]
    answer = client.send("GET industryData")
    assert answer.json["eTag"] == answer.json["@odata.etag"] == answer.headers["etag"]
    found = client.get("incomingFlows?$select=eTag&$expand=year($select=eTag)&$top=1")["value"][0]
    assert found["eTag"] == found["@odata.etag"] and found["year"]["eTag"] == found["year"]["@odata.etag"]

"""Resource paths: keys in every form, casts, properties, navigation, references, counts; what is missing and what is null.

URL Conventions §2, §4; Protocol §10, §11.2.
"""

from __future__ import annotations

import re
from typing import Any

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Exchange, Only, rows

CONTEXT = "@odata.context"
META = ROOT + "$metadata#"
NS = "Northwind.Model."
EXOTIC = "fb3a51bb-6407-5375-a85c-496cc66652be"
ANEJO = "339d809c-7e01-5993-8ceb-72421c18112e"
TEXT = {"Content-Type": "text/plain"}
RUN = "f904e29a-a96e-553f-aab3-86bf859067e7"
KEYED = ("Keyeds(Boolean=true,Byte=7,Date=2025-11-29,DateTimeOffset=2025-11-29T14:00:41.2093715Z,Decimal=12.5,"
         "Duration=duration'PT90M',Enum=Types.Color'green',Guid=871f22b9-e3ca-526b-83db-3cbf9134bf2b,"
         "Int64=9223372036854775807,String='O''Fallon%2FÉvora',TimeOfDay=14:00:00.25,Code='x')")


def ids(name: str, *values: Any) -> dict[str, Any]:
    return {"value": [{name: value} for value in values]}


KEYS = [
    Exchange("U 4.3.1", "Products(1)", 200, {CONTEXT: META + "Products/$entity", "ID": 1, "Name": "Chai"}),
    Exchange("U 4.3.1", "Products(ID=1)", 200, {"ID": 1}),
    Exchange("U 4.3.6", "Products/1", 200, {CONTEXT: META + "Products/$entity", "ID": 1}),
    Exchange("U 2.1", "Products(%31)", 200, {"ID": 1}),
    Exchange("U 2.2", "Products%281%29", 200, {"ID": 1}),
    Exchange("U 4.3.1", "Products(1)/", 200, {"ID": 1}),
    Exchange("U 4.3.6", "Products/1/", 200, {"ID": 1}),
    Exchange("U 4.3.1", "Products(1)?", 200, {"ID": 1}),
    Exchange("U 2.2", "Tags('a%2Fb')", 200, {"Name": "a/b"}),
    Exchange("U 2.1", "Tags/a%2Fb", 200, {"Name": "a/b"}),
    Exchange("U 2.1", "Tags/a%2fb", 200, {"Name": "a/b"}),
    Exchange("U 2.2", "Tags('50%25%20off')", 200, {"Name": "50% off"}),
    Exchange("U 4.3.6", "Tags/50%25%20off", 200, {"Name": "50% off"}),
    Exchange("U 4.3.1", "Tags(Name='new')", 200, {"Name": "new", "Color": "#00ff00"}),
    Exchange("U 2.2", "Tags(%27new%27)", 200, {"Name": "new"}),
    Exchange("U 2.2", "Customers('A''B%26C')", 200, {"CustomerID": "A'B&C"}),
    Exchange("U 2.2", "Customers('A%27%27B%26C')", 200, {"CustomerID": "A'B&C"}),
    Exchange("U 4.3.6", "Customers/A'B%26C", 200, {"CustomerID": "A'B&C"}),
    Exchange("U 2.2", "Customers('a%2Fb%20c')", 200, {"CustomerID": "a/b c"}),
    Exchange("U 4.3.6", "Customers/a%2Fb%20c", 200, {"CustomerID": "a/b c"}),
    Exchange("U 4.3.1", "Words('null')", 200, {"in": "null"}),
    Exchange("U 4.3.6", "Words/null", 200, {"in": "null"}),
    Exchange("U 4.3.6", "Words/true", 200, {"in": "true"}),
    Exchange("U 4.3.1", "Words('$count')", 200, {"in": "$count"}),
    Exchange("U 4.3.6", "Words/$count", 200, "5", TEXT),
    Exchange("U 4.3.1", "Words(in='alpha')/order", 200, {"in": "beta"}),
    Exchange("U 4.3.1", "OrderDetails(OrderID=10249,ProductID=4)", 200, {CONTEXT: META + "OrderDetails/$entity", "Quantity": 8}),
    Exchange("U 4.3.1", "OrderDetails(ProductID=4,OrderID=10249)", 200, {"Quantity": 8}),
    Exchange("U 4.3.6", "OrderDetails/10249/4", 200, {"Quantity": 8}),
    Exchange("U 4.3.3", "Orders(10249)/Details(4)", 200, {CONTEXT: META + "OrderDetails/$entity", "Quantity": 8}),
    Exchange("U 4.3.3", "Orders(10249)/Details(ProductID=4)", 200, {"Quantity": 8}),
    Exchange("U 4.3.3", "Orders(10249)/Details(OrderID=10249,ProductID=4)", 200, {"Quantity": 8}),
    Exchange("U 4.3.3", "Orders(10249)/Details(OrderID=10250,ProductID=7)", 404),
    Exchange("U 4.3.6", "Orders/10249/Details/4", 200, {"Quantity": 8}),
    Exchange("U 4.3.1", "PriceChanges(ProductID=2,ValidFrom=2019-01-01T00:00:00.5Z)", 200, {"Price": 12.5}),
    Exchange("U 4.3.1", "PriceChanges(ProductID=2,ValidFrom=2019-01-01T01:00:00.500%2B01:00)", 200, {"Price": 12.5}),
    Exchange("U 4.3.3", "Products(1)/PriceChanges(2021-01-01T00:00:00Z)", 200, {"Price": 13.25}),
    Exchange("U 4.3.1", f"Suppliers({EXOTIC})", 200, {"CompanyName": "Exotic Liquids"}),
    Exchange("ABNF guidValue", f"Suppliers({EXOTIC.upper()})", 200, {"ID": EXOTIC}),
    Exchange("U 4.3.6", f"Suppliers/{EXOTIC}", 200, {"CompanyName": "Exotic Liquids"}),
    Exchange("U 4.3.5", "Products(barcode='4000000000017')", 200, {"ID": 1}),
    Exchange("U 4.3.5", "Products(barcode='4000000000018')", 404),
    Exchange("U 4.3.5", "Employees(badge='E%2F009')", 200, {"EmployeeID": 9}),
    Exchange("P 11.2.6.1.3", "Products(@id)?@id=1", 200, {"ID": 1}),
    Exchange("P 11.2.6.1.3", "Products(ID=@id)?@id=1&$select=Name", 200, {"Name": "Chai"}),
    Exchange("P 11.2.6.1.3", "OrderDetails(OrderID=@o,ProductID=@p)?@p=4&@o=10249", 200, {"Quantity": 8}),
    Exchange("P 13.2.1", "Customers(@c)?@c='a/b c'", 200, {"CustomerID": "a/b c"}),
    Exchange("ABNF keyPropertyValue", KEYED, 200, {"Note": "first"}, model="types"),
    Exchange("U 4.3.6", f"incomingFlowRuns/{RUN}", 200, {CONTEXT: META + "incomingFlowRuns/$entity", "id": RUN}, model="industryData"),
    Exchange("U 4.3.1", f"incomingFlowRuns('{RUN}')", 200, {"id": RUN}, model="industryData"),
    # what is no key
    Exchange("P 11.2.2", "Products(99)", 404, {"error": {"code": "notFound"}}),
    Exchange("P 11.2.2", "Products/99", 404),
    *[Exchange("U 4", target, 404, {"error": {"code": "unknownResource"}}) for target in ("$all(x)", "$all('saw'desc", "$all())", "$metadata(", "$metadata(x)", "$entity(x)?$id=Products(1)", "$entity(?$id=Products(1)", "$batch()")],
    Exchange("P 11.2.2", "OrderDetails(OrderID=10249,ProductID=5)", 404),
    Exchange("U 4.3", "Products('1')", 400, {"error": {"code": "typeMismatch"}}),
    Exchange("U 4.3", "Products(abc)", (400, 404)),
    Exchange("U 4.3", "Products/abc", 404),
    Exchange("U 4.3", "Products()", (400, 404)),
    Exchange("U 4.3", "Products(null)", 400),
    Exchange("U 4.3", "Products(1.5)", (400, 404)),
    Exchange("U 4.3", "Products(1)(2)", (400, 404)),
    Exchange("U 4.3", "Products(Id=1)", 400, {"error": {"message": re.compile("'ID'")}}),
    Exchange("U 4.3", "Products(ID=1,ID=2)", 400),
    Exchange("U 4.3", "OrderDetails(10249)", 400, {"error": {"message": re.compile("OrderID, ProductID")}}),
    Exchange("U 4.3", "OrderDetails(OrderID=10249)", 400, {"error": {"message": re.compile("ProductID")}}),
    Exchange("U 4.3", "OrderDetails/10249", (400, 404)),
    Exchange("U 4.3", "Products(99999999999999999999)", (400, 404)),
    Exchange("U 4.3", "Products(-1)", 404),
    Exchange("U 4.3", "Suppliers('x')", 400),
    Exchange("U 2.2", "Customers('O'Neil')", 400, {"error": {"code": "syntaxError"}}),
    Exchange("U 2.2", "Customers('O%27Neil')", 400),
    Exchange("U 2.2", "Tags('a/b')", (400, 404)),
    Exchange("U 2.1", "Tags('a%2')", 400),
    Exchange("U 2.1", "Tags('%ff')", 400),
    Exchange("P 11.2.6.1.3", "Products(@id)", (400, 404)),
    Exchange("U 4.3", "Company(1)", 400),
]


CASTS = [
    Exchange("U 4.11", f"Products/{NS}PerishableProduct", 200,
             {CONTEXT: f"{META}Products/{NS}PerishableProduct",
              "value": [{"ID": 5, "@odata.type": ABSENT}, {"ID": 6}, {"ID": 7}]}),
    Exchange("U 4.11", "Products/Self.PerishableProduct", 200, {"value": [{"ID": 5}, {"ID": 6}, {"ID": 7}]}),
    Exchange("U 4.11", f"Products/{NS}DigitalProduct/$count", 200, "2", TEXT),
    Exchange("P 10.6", f"Products(5)/{NS}PerishableProduct", 200,
             {CONTEXT: f"{META}Products/{NS}PerishableProduct/$entity", "ID": 5, "ShelfLife": "P30D"}),
    Exchange("U 4.11", f"Products/{NS}PerishableProduct(5)", 200, {"ID": 5, "ShelfLife": "P30D"}),
    Exchange("U 4.3.6", f"Products/{NS}PerishableProduct/5", 200, {"ID": 5}),
    Exchange("P 10.6", "Products(5)", 200, {CONTEXT: META + "Products/$entity", "@odata.type": f"#{NS}PerishableProduct",
                                            "ShelfLife": "P30D"}),
    Exchange("U 4.11", f"Products(5)/{NS}Product", 200, {"ID": 5}),
    Exchange("U 4.11", f"Products(1)/{NS}PerishableProduct", 404),
    Exchange("U 4.11", f"Products/{NS}PerishableProduct(1)", 404),
    Exchange("U 4.11", f"Products/{NS}PerishableProduct?$filter=StorageTemperature lt 0", 200, {"value": [{"ID": 6}]}),
    Exchange("U 4.11", f"Categories(5)/Products/{NS}DigitalProduct", 200,
             {CONTEXT: f"{META}Products/{NS}DigitalProduct", "value": [{"ID": 11}, {"ID": 12}]}),
    Exchange("U 4.11", f"Categories(4)/Products/{NS}DigitalProduct", 200, {"value": []}),
    Exchange("U 4.11", f"Employees(2)/Reports/{NS}SalesPerson/$count", 200, "2", TEXT),
    Exchange("U 4.11", f"Employees(3)/Manager/{NS}SalesPerson", 404),
    Exchange("U 4.11", f"Employees(6)/{NS}SalesPerson/Quota", 200, {"value": 90000}),
    Exchange("U 4.11", f"Products(5)/{NS}PerishableProduct/ShelfLife", 200, {"value": "P30D"}),
    Exchange("P 11.2.4", "Products(5)/ShelfLife", 404, {"error": {"code": "unknownResource"}}),
    Exchange("U 4.11", f"Products/{NS}Nothing", (400, 404)),
    Exchange("U 4.11", f"Products/{NS}Order", (400, 404)),
    Exchange("U 4.11", f"Products(1)/{NS}Order", (400, 404)),
    Exchange("U 4.11", "incomingFlows/microsoft.graph.industryData.incomingApiFlow", 200,
             {CONTEXT: f"{META}incomingFlows/microsoft.graph.industryData.incomingApiFlow", "value": [{"displayName": "OneRoster API"}]},
             model="industryData"),
    Exchange("P 4.4", "incomingFlows/incomingApiFlow/$count", 200, "1", TEXT, model="industryData"),
]

PROPERTIES = [
    Exchange("P 10.13", "Products(1)/Name", 200, Only({CONTEXT: META + "Products(1)/Name", "value": "Chai"}),
             {"Content-Type": "application/json;odata.metadata=minimal"}),
    Exchange("P 10.13", "Products/1/Name", 200, {CONTEXT: META + "Products(1)/Name"}),
    Exchange("P 11.2.4", "Products(16)/Name", 204, None),
    Exchange("P 11.2.4", "Products(16)/Name/$value", 204, None),
    Exchange("P 11.2.4", "Products(99)/Name", 404),
    Exchange("P 11.2.4", "Products(1)/Nmae", 404, {"error": {"code": "unknownResource", "message": re.compile("'Name'")}}),
    Exchange("P 11.2.4.1", "Products(1)/Name/$value", 200, "Chai", TEXT),
    Exchange("P 11.2.4.1", "Products(14)/Name/$value", 200, "Glühwein 🍷"),
    Exchange("P 11.2.4.1", "Products(2)/ReleaseDate/$value", 200, "2019-04-12T08:30:00.125Z", TEXT),
    Exchange("P 11.2.4.1", "Products(5)/UnitPrice/$value", 200, "21.05", TEXT),
    Exchange("P 11.2.4.1", "Products(1)/UnitsInStock/$value", 200, "39", TEXT),
    Exchange("P 11.2.4.1", "Products(1)/Discontinued/$value", 200, "false", TEXT),
    Exchange("P 11.2.4.1", "Products(1)/Rating/$value", 200, "4.5", TEXT),
    Exchange("P 11.2.4.1", "Products(5)/Features/$value", 200, re.compile("^(Fragile,Organic|Organic,Fragile)$"), TEXT),
    Exchange("P 11.2.4.1", f"Suppliers({EXOTIC})/ID/$value", 200, EXOTIC, TEXT),
    Exchange("P 11.2.4.1", "Employees(2)/ShiftLength/$value", 200, "PT10H30M", TEXT),
    Exchange("P 11.2.4.1", "Employees(3)/ShiftStart/$value", 200, "08:30:00.250", TEXT),
    Exchange("P 11.2.4.1", "Employees(1)/BirthDate/$value", 200, "1968-12-08", TEXT),
    Exchange("P 11.2.4.1", "Categories(1)/Picture/$value", 200, bytes(range(16)), {"Content-Type": "application/octet-stream"}),
    Exchange("P 11.2.4.1", "Categories(5)/Picture/$value", 200, b""),
    Exchange("J 7.1", "Categories(3)/Picture", 200, {"value": "__4="}),
    Exchange("P 11.2.4", "Categories(2)/Picture", 204, None),
    Exchange("J 7.1", "Products(1)/UnitPrice", 200, {"value": 18}),
    Exchange("J 7.1", "Employees(2)/ShiftLength", 200, {"value": "PT10H30M"}),
    Exchange("J 11", "Products(1)/Dimensions", 200,
             Only({CONTEXT: META + "Products(1)/Dimensions", "Width": 10, "Height": 20.5, "Depth": None})),
    Exchange("U 4.6", "Products(1)/Dimensions/Height", 200, {CONTEXT: META + "Products(1)/Dimensions/Height", "value": 20.5}),
    Exchange("U 4.6", "Products(1)/Dimensions/Height/$value", 200, "20.5", TEXT),
    Exchange("U 4.6", "Products(1)/Dimensions/Depth", 204, None),
    Exchange("P 11.2.4", "Products(4)/Dimensions", 204, None),
    Exchange("P 11.2.4", "Products(4)/Dimensions/Width", (204, 404)),
    Exchange("J 11", f"Suppliers({ANEJO})/Phones", 200,
             Only({CONTEXT: f"{META}Suppliers({ANEJO})/Phones", "value": ["(98) 598 76 54", "(98) 598 76 55"]})),
    Exchange("U 4.8", f"Suppliers({ANEJO})/Phones/$count", 200, "2", TEXT),
    Exchange("J 7", f"Suppliers({ANEJO})/LeadTimes", 200, {"value": []}),
    Exchange("J 11", f"Suppliers({EXOTIC})/LeadTimes", 200, {"value": ["P3D", "P10D"]}),
    Exchange("J 4.5.3", f"Suppliers({ANEJO})/Address", 200,
             {"@odata.type": f"#{NS}ForeignAddress", "City": "Oviedo", "Country": "ES", "CustomsNotes": ["keep cool", "1 °C"]}),
    Exchange("U 4.11", f"Suppliers({ANEJO})/Address/{NS}ForeignAddress/Country", 200, {"value": "ES"}),
    Exchange("U 4.11", f"Suppliers({ANEJO})/Address/{NS}ForeignAddress", 200, {"Country": "ES"}),
    Exchange("U 4.11", f"Suppliers({EXOTIC})/Address/{NS}ForeignAddress", 404),
    Exchange("U 4.6", f"Suppliers({EXOTIC})/Address/City/$value", 200, "London", TEXT),
    Exchange("J 11", "Customers('ALFKI')/Contacts", 200,
             {"value": [{"Name": "Maria Anders", "Emails": ["maria@alfki.example", "m.anders@alfki.example"], "Address": None}]}),
    Exchange("U 4.8", "Customers('AROUT')/Contacts/$count", 200, "2", TEXT),
    Exchange("J 6", "Customers('ALFKI')/loyaltyPoints", 200, {"value": 1200}),
    Exchange("P 11.2.4.1", "Customers('ALFKI')/loyaltyPoints/$value", 200, "1200"),
    Exchange("J 6", "Customers('ALFKI')/since", 200, {"value": "1996-08-25"}),
    Exchange("J 6", "Customers('BERGS')/note", 200, {"value": "pays late"}),
    Exchange("J 6", "Customers('BLAUS')/tags", 200, {"value": ["b2b", "eu"]}),
    Exchange("P 11.2.4", "Customers('ANATR')/note", (204, 404)),
    Exchange("P 11.2.4", "Customers('NOONE')/note", 404),
    Exchange("U 4.7", "Products(1)/Dimensions/$value", (400, 404)),
    Exchange("U 4.7", f"Suppliers({ANEJO})/Phones/$value", (400, 404)),
    Exchange("U 4.14", "Products(1)/$value", (400, 404)),
    Exchange("U 4.7", "Products/$value", (400, 404)),
    Exchange("U 4.8", "Products(1)/$count", (400, 404)),
    Exchange("U 4.8", "Products(1)/Name/$count", (400, 404)),
    Exchange("U 4.6", "Products(1)/Name/Length", 404),
    Exchange("U 4", "Products(1)/$nosuch", (400, 404)),
    Exchange("U 4", "$nosuch", (400, 404)),
    Exchange("J 11", f"incomingFlowRuns('{RUN}')/statistics", 200,
             {CONTEXT: f"{META}incomingFlowRuns('{RUN}')/statistics", "bytesRead@odata.type": "#Int64", "bytesRead": int,
              "people": {"total": 21740}}, model="industryData"),
    Exchange("J 6", f"incomingFlowRuns('{RUN}')/statistics/bytesRead", 200, {"value": 734118902}, model="industryData"),
    Exchange("J 6", f"incomingFlowRuns('{RUN}')/statistics/people/active", 200, {"value": 21108}, model="industryData"),
    Exchange("P 11.2.4", f"incomingFlowRuns('{RUN}')/blockingError", 204, None, model="industryData"),
    Exchange("J 9", f"incomingFlowRuns('{RUN}')/extractedData", 204, None, model="industryData"),
]

ITEMS = [
    Exchange("U 4.10", f"Suppliers({ANEJO})/Phones/0", 200, {CONTEXT: META + "Edm.String", "value": "(98) 598 76 54"}),
    Exchange("U 4.10", f"Suppliers({ANEJO})/Phones/-1", 200, {"value": "(98) 598 76 55"}),
    Exchange("U 4.10", f"Suppliers({ANEJO})/Phones/2", 404),
    Exchange("U 4.10", f"Suppliers({ANEJO})/Phones/-3", 404),
    Exchange("U 4.10", f"Suppliers({ANEJO})/Phones/first", 404),
    Exchange("U 4.10", "Customers('AROUT')/Contacts/1/Name", 200, {"value": "Tess O'Dea"}),
    Exchange("U 4.10", "Listeds(2)/Int64s/-1", 200, {"value": 9007199254740993}, model="types"),
    Exchange("P 11.2.4.1", "Shapes(2)/GeographyPoint/$value", 200, "SRID=4326;Point(142.1 64.1)", TEXT, model="types"),
    Exchange("P 11.2.4.1", "Shapes(2)/GeometryPoint/$value", 200, "SRID=3857;Point(142.1 64.1)", TEXT, model="types"),
    Exchange("P 11.2.4.1", "Shapes(1)/GeographyPoint/$value", 204, None, model="types"),
    Exchange("P 11.2.4", "Customers('BERGS')/note/more", 404),
    Exchange("P 11.2.4", "Customers('BLAUS')/tags/more", 404),
    Exchange("U 4.3.6", "Keyeds/true/7/2025-11-29/2025-11-29T14:00:41.2093715Z/12.5/PT90M/green/871f22b9-e3ca-526b-83db-3cbf9134bf2b/"
                        "9223372036854775807/O'Fallon%2FÉvora/14:00:00.25/x", 200, {"Note": "first"}, model="types"),
]

NAVIGATION = [
    Exchange("P 10.3", "Products(1)/Category", 200, {CONTEXT: META + "Categories/$entity", "Name": "Beverages"}),
    Exchange("P 11.2.7", "Products(7)/Category", 204, None),
    Exchange("P 11.2.7", "Products(99)/Category", 404),
    Exchange("U 4.3", "Products(1)/Category/Name", 200, {CONTEXT: re.compile(r"#(Categories\(1\)|Products\(1\)/Category)/Name$"),
                                                         "value": "Beverages"}),
    Exchange("P 11.2.4", "Products(7)/Category/Name", (204, 404)),
    Exchange("P 10.2", "Categories(1)/Products", 200, {CONTEXT: META + "Products", **ids("ID", 1, 2, 14, 15)}),
    Exchange("P 11.2.7", "Categories(6)/Products", 200, Only({CONTEXT: META + "Products", "value": []})),
    Exchange("P 11.2.7", "Categories(99)/Products", 404),
    Exchange("P 11.2.7", "Categories(1)/Prodcuts", 404, {"error": {"message": re.compile("'Products'")}}),
    Exchange("U 4.3", "Categories(1)/Products(2)", 200, {CONTEXT: META + "Products/$entity", "ID": 2}),
    Exchange("U 4.3", "Categories(1)/Products(5)", 404),
    Exchange("U 4.3", "Categories(1)/Products(2)/Supplier/CompanyName", 200, {"value": "Exotic Liquids"}),
    Exchange("U 4.8", "Categories(1)/Products/$count", 200, "4", TEXT),
    Exchange("U 4.8", "Categories(6)/Products/$count", 200, "0", TEXT),
    Exchange("U 4.8", "Categories(99)/Products/$count", 404),
    Exchange("P 11.2.7", "Tags('vegan')/Products", 200, ids("ID", 1, 7, 10, 14)),
    Exchange("P 11.2.7", "Products(14)/Tags?$orderby=Name", 200, ids("Name", "gift", "new", "sale", "vegan")),
    Exchange("P 11.2.7", "Employees(2)/Reports", 200, ids("EmployeeID", 1, 3, 4, 5, 8)),
    Exchange("P 11.2.7", "Employees(1)/Manager/Reports(5)/Reports", 200, ids("EmployeeID", 6, 7, 9)),
    Exchange("P 11.2.7", "Employees(2)/Manager", 204, None),
    Exchange("U 4.3", f"Products(11)/{NS}DigitalProduct/Requires", 200, {CONTEXT: META + "Products", **ids("ID", 12)}),
    Exchange("U 4.3", "Products(11)/Requires", 404),
    Exchange("P 11.2.7", "Orders(10248)/Employee", 204, None),
    Exchange("P 11.2.7", "Territories('SW1A%201AA')/Region", 200, {"Description": "Overseas"}),
    Exchange("P 11.2.7", "incomingFlowRuns('7dc5465f-29d6-5a79-b375-6b65b8cec57e')/process", 200,
             {CONTEXT: META + "incomingFlows/$entity", "@odata.type": "#microsoft.graph.industryData.incomingFileFlow",
              "displayName": "Northstar SIS 2025-2026"}, model="industryData"),
    Exchange("P 11.2.7", "industryData/incomingFlows", 200, {CONTEXT: META + "incomingFlows", "value": [{}] * 6}, model="industryData"),
    Exchange("U 4.3", "industryData/incomingFlows/9a1475e3-a433-5414-9935-6c414a931e37/runs/$count", 200, "180", TEXT,
             model="industryData"),
    Exchange("U 4.3", "industryData/incomingFlows/9a1475e3-a433-5414-9935-6c414a931e37/year", 200, {CONTEXT: META + "years/$entity"},
             model="industryData"),
    Exchange("U 4.3", "industryData/incomingFlows/nosuch", 404, model="industryData"),
]

REFERENCES = [
    Exchange("P 10.11", "Categories(1)/Products/$ref", 200,
             Only({CONTEXT: META + "Collection($ref)", "value": [Only({"@odata.id": f"{ROOT}Products({key})"}) for key in (1, 2, 14, 15)]})),
    Exchange("P 10.12", "Products(1)/Category/$ref", 200, Only({CONTEXT: META + "$ref", "@odata.id": f"{ROOT}Categories(1)"})),
    Exchange("P 11.2.8", "Products(7)/Category/$ref", (204, 404)),
    Exchange("P 11.2.8", "Products(99)/Category/$ref", 404),
    Exchange("P 11.2.8", "Categories(6)/Products/$ref", 200, {"value": []}),
    Exchange("P 11.2.8", "Products/$ref?$top=1", 200, {"value": [{"@odata.id": f"{ROOT}Products(1)"}]}),
    Exchange("P 11.2.8", "Categories(1)/Products/$ref?$filter=UnitPrice gt 18&$orderby=UnitPrice desc&$count=true", 200,
             {"@odata.count": 2, "value": [{"@odata.id": f"{ROOT}Products(15)"}, {"@odata.id": f"{ROOT}Products(2)"}]}),
    Exchange("U 4.3.1", "Orders(10249)/Details/$ref", 200, {"value": [{"@odata.id": f"{ROOT}OrderDetails(OrderID=10249,ProductID=4)"}]}),
    Exchange("U 2.2", "Products(7)/Tags/$ref?$orderby=Name", 200,
             {"value": [{"@odata.id": f"{ROOT}Tags('50%25%20off')"}, {"@odata.id": f"{ROOT}Tags('a%2Fb')"}, {"@odata.id": f"{ROOT}Tags('vegan')"}]}),
    Exchange("P 11.2.8", "Products(1)/Name/$ref", (400, 404)),
    Exchange("P 11.2.8", "Products(1)/Dimensions/$ref", (400, 404)),
    Exchange("U 4.4", "Warehouses('HAM')/Shelves/$ref", 200,
             {"value": [{"@odata.id": f"{ROOT}Warehouses('HAM')/Shelves(1)"}, {"@odata.id": f"{ROOT}Warehouses('HAM')/Shelves(2)"}]}),
    Exchange("P 11.2.8", "incomingFlowRuns('7dc5465f-29d6-5a79-b375-6b65b8cec57e')/process/$ref", 200,
             {"@odata.id": f"{ROOT}incomingFlows('9a1475e3-a433-5414-9935-6c414a931e37')"}, model="industryData"),
]

SINGLETONS = [
    Exchange("P 10.4", "Company", 200, {CONTEXT: META + "Company", "ID": 1, "Name": "Northwind Traders"}),
    Exchange("P 10.13", "Company/Name", 200, {CONTEXT: META + "Company/Name", "value": "Northwind Traders"}),
    Exchange("U 4.6", "Company/Headquarters/City/$value", 200, "Twin Points", TEXT),
    Exchange("P 10.3", "Company/Director", 200, {CONTEXT: META + "Employees/$entity", "EmployeeID": 2}),
    Exchange("P 10.2", "Company/Warehouses", 200, {CONTEXT: META + "Warehouses", **ids("Code", "HAM", "SEA")}),
    Exchange("U 4.8", "Company/$count", (400, 404)),
    Exchange("P 10.8", "Company?$select=Name", 200, {CONTEXT: META + "Company(Name)", "Name": "Northwind Traders", "ID": ABSENT}),
    Exchange("P 10.4", "industryData", 200, {CONTEXT: META + "industryData", "statistics": {"organizations": 26}}, model="industryData"),
]

CONTAINED = [
    Exchange("P 10.2", "Warehouses('HAM')/Shelves", 200, {CONTEXT: META + "Warehouses('HAM')/Shelves", **ids("Number", 1, 2)}),
    Exchange("P 10.3", "Warehouses('HAM')/Shelves(1)", 200, {CONTEXT: META + "Warehouses('HAM')/Shelves/$entity", "MaxLoad": 250.5}),
    Exchange("U 4.3.2", "Warehouses('HAM')/Shelves(Number=1)", 200, {"MaxLoad": 250.5}),
    Exchange("P 10.2", "Warehouses('HAM')/Shelves(1)/Bins", 200, {CONTEXT: META + "Warehouses('HAM')/Shelves(1)/Bins", **ids("Label", "A", "B")}),
    Exchange("P 10.3", "Warehouses('HAM')/Shelves(1)/Bins('A')", 200,
             {CONTEXT: META + "Warehouses('HAM')/Shelves(1)/Bins/$entity", "Quantity": 10}),
    Exchange("U 4.3.6", "Warehouses/HAM/Shelves/1/Bins/A", 200,
             {CONTEXT: META + "Warehouses('HAM')/Shelves(1)/Bins/$entity", "Quantity": 10}),
    Exchange("U 4.3.2", "Warehouses('HAM')/Shelves(2)/Bins('A')", 200, {"Quantity": 3}),
    Exchange("U 4.3.2", "Warehouses('HAM')/Shelves(2)/Bins('B')", 404),
    Exchange("U 4.3.2", "Warehouses('SEA')/Shelves(2)", 404),
    Exchange("U 4.3.2", "Warehouses('NEW')/Shelves", 200, {"value": []}),
    Exchange("U 4.3.2", "Warehouses('XXX')/Shelves", 404),
    Exchange("U 4.3.2", "Warehouses('HAM')/Shelves(1)/MaxLoad", 200,
             {CONTEXT: META + "Warehouses('HAM')/Shelves(1)/MaxLoad", "value": 250.5}),
    Exchange("P 10.3", "Warehouses('HAM')/Shelves(1)/Bins('A')/Product", 200, {CONTEXT: META + "Products/$entity", "ID": 1}),
    Exchange("P 11.2.7", "Warehouses('HAM')/Shelves(1)/Bins('B')/Product", 204, None),
    Exchange("U 4.8", "Warehouses('HAM')/Shelves(1)/Bins/$count", 200, "2", TEXT),
    Exchange("U 4.3.2", "Shelves", 404),
    Exchange("P 10.3", "industryData/insightsOutgoingFlow", 200,
             {CONTEXT: META + "industryData/insightsOutgoingFlow/$entity", "displayName": "Insights"}, model="industryData"),
    Exchange("P 10.2", "referenceDefinitions/RefRole-student/translations", 200,
             {CONTEXT: META + "referenceDefinitions('RefRole-student')/translations", "value": [{"displayName": "Student"}, {}, {}]},
             model="industryData"),
]

COUNTS_AND_METHODS = [
    Exchange("P 11.2.10", "Products/$count", 200, "16", TEXT),
    Exchange("P 11.2.10", "Products/$count", 200, "16", TEXT, {"Accept": "application/json"}),
    Exchange("P 11.2.10", "Products/$count/", 200, "16"),
    Exchange("P 11.2.10", "Products/$count?$filter=Discontinued", 200, "3", TEXT),
    Exchange("P 11.2.10", "Products/$count?$top=2", (200, 400), re.compile("16|optionNotAllowed")),
    Exchange("U 4.12", "Products/$filter(UnitPrice gt 20)/$count", 200, "6", TEXT),
    Exchange("P 11.4.12", "Products/$filter(ID gt 1)/$each", 405, headers={"Allow": "PATCH, DELETE"}),
    Exchange("U 4.12", "Customers/$filter(Address/City eq 'Berlin')/$count", 200, "1", TEXT),
    Exchange("U 4.12", "Categories/$filter(Products/any(p:p/UnitPrice gt 40))(1)/Products/$filter(Category/Name ne 'a)/(')/$count", 200, "4", TEXT),
    Exchange("U 4.12", "Categories/$filter(Products/any(p:p/UnitPrice gt 40)/$count", 400),
    Exchange("U 4.12", "Products/$filter(@f)?@f=UnitPrice gt 20&$filter=CategoryID eq 4", 200, ids("ID", 5, 6)),
    Exchange("U 4.12", "Products/$filter(ID gt 3)(4)?$select=ID", 200, {CONTEXT: META + "Products(ID)/$entity", "ID": 4}),
    Exchange("U 4.12", "Products/$filter(@f)(ID=5)/Category/Name?@f=ID gt 3", 200, {CONTEXT: META + "Categories(4)/Name"}),
    Exchange("U 4.12", "Products/$filter(ID gt 3)(1)", 404),
    Exchange("U 4.12", "Products/$filter(ID gt 3)()", 400),
    Exchange("U 4.12", "Products/$filter(UnitPrice gt 20)/$filter(CategoryID eq 4)", 200, ids("ID", 5, 6)),
    Exchange("P 9.2.1", "Nothing", 404, {"error": {"code": "unknownResource", "target": "Nothing"}}),
    Exchange("P 9.2.1", "products", 404, {"error": {"message": re.compile("Did you mean 'Products'")}}),
    Exchange("P 9.2.1", "Prodcts(1)", 404, {"error": {"message": re.compile("Did you mean 'Products'")}}),
    Exchange("P 9.2.2", "DELETE Products", 405, headers={"Allow": re.compile("GET")}),
    Exchange("P 9.2.2", "PUT Products/$count", 405, headers={"Allow": re.compile("GET")}),
    Exchange("P 9.2.2", "POST Products(1)", 405, headers={"Allow": re.compile("PATCH")}),
    Exchange("P 11.5.5", "GET RaisePrices", 405, headers={"Allow": "POST"}),
    Exchange("P 11.5.5", f"GET Products(1)/{NS}Discontinue", 405, headers={"Allow": "POST"}),
    Exchange("P 9.2.2", "GET $batch", 405, headers={"Allow": "POST"}),
    Exchange("P 9.2.2", "BREW Products", 405, headers={"Allow": re.compile("GET")}),
    Exchange("P 10.19", "$all?$top=1", 200, {CONTEXT: META + "Collection(Edm.EntityType)", "value": [{CONTEXT: re.compile("#.+/\\$entity$"), "@odata.type": str}]}),
    Exchange("P 10.20", "$crossjoin(Products,Categories)?$top=1", 200,
             {CONTEXT: META + "Collection(Edm.ComplexType)", "value": [Only({"Products@odata.navigationLink": str, "Categories@odata.navigationLink": str})]}),
    Exchange("U 4.15", "$crossjoin(Products,Nothing)", (400, 404)),
    Exchange("U 4.3.4", "$entity?$id=Products(1)", 200, {CONTEXT: META + "Products/$entity", "ID": 1}),
    Exchange("U 4.3.4", f"$entity?$id={ROOT}Products(1)", 200, {"ID": 1}),
    Exchange("U 4.3.4", "$entity?$id=Products(99)", 404),
    Exchange("U 4.3.4", f"$entity/{NS}PerishableProduct?$id=Products(5)&$select=ShelfLife", 200, {"ShelfLife": "P30D"}),
    Exchange("U 4.3.4", f"$entity/{NS}PerishableProduct?$id=Products(1)", 404),
    Exchange("U 4.3.4", "$entity", 400, {"error": {"target": "$id"}}),
    Exchange("U 4.3.4", "$entity?$id=http://elsewhere.example/Products(1)", (400, 404)),
    Exchange("U 4.3.4", "Products"), Exchange("U 4.3.4", "$entity?$id=Products", (400, 404)),
]

ALL = [*KEYS, *CASTS, *PROPERTIES, *ITEMS, *NAVIGATION, *REFERENCES, *SINGLETONS, *CONTAINED, *COUNTS_AND_METHODS]


@rows(ALL)
def test_addressing(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


def test_canonical_urls_lead_back(clients: Clients) -> None:
    """The `@odata.id` of every entity, whatever its key, is an address of that entity (P 4.1, U 4.3.1)."""
    for model, names in {"northwind": ["Products", "Tags", "Customers", "Suppliers", "OrderDetails", "PriceChanges", "Words",
                                       "Territories", "Reviews"],
                         "types": ["Plains", "Keyeds"], "industryData": ["referenceDefinitions", "dataConnectors"]}.items():
        client = clients[model]
        for name in names:
            full = client.get(name, {"Accept": "application/json;odata.metadata=full"})
            for entity in full["value"][:20]:
                link = entity["@odata.id"]
                assert link.startswith(ROOT + name)
                found = client.get(link.removeprefix(ROOT), {"Accept": "application/json;odata.metadata=full"})
                assert {key: found[key] for key in entity} == entity

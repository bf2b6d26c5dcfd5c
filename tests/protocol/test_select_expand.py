"""`$select` and `$expand`: what is in an answer, what is not, and what its context URL says (Protocol §11.2.5, §10.7–10.10)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Exchange, Only, Some, rows

NS = "Northwind.Model."
CONTEXT, ETAG, ID, TYPE = "@odata.context", "@odata.etag", "@odata.id", "@odata.type"
META = ROOT + "$metadata#"
MODERN = {"OData-MaxVersion": "4.01"}
FLOW = "9a1475e3-a433-5414-9935-6c414a931e37"


def context(text: str) -> dict[str, Any]:
    return {CONTEXT: META + text}


SELECT = [
    Exchange("P 11.2.5.1", "Products(1)?$select=ID,Name", 200,
             Only({**context("Products(ID,Name)/$entity"), ETAG: str, "ID": 1, "Name": "Chai"})),
    Exchange("J 4.5.8", "Products(1)?$select=Name", 200,
             Only({**context("Products(Name)/$entity"), ETAG: str, ID: f"{ROOT}Products(1)", "Name": "Chai"})),
    Exchange("P 10.7", "Products?$select=ID&$top=2", 200, {**context("Products(ID)"), "value": [Only({ETAG: str, "ID": 1}), Only({ETAG: str, "ID": 2})]}),
    Exchange("P 11.2.5.1", "Products(1)?$select=*", 200, {**context("Products(*)/$entity"), "Name": "Chai", "Dimensions": {"Width": 10}, "Category": ABSENT}),
    Exchange("P 11.2.5.1", "Products(1)?$select=*,Category", 200, {"Name": "Chai", "Category": ABSENT}),
    Exchange("P 11.2.5.1", "Products(1)?select=Name", 200, {"Name": "Chai", "ID": ABSENT}),
    Exchange("P 11.2.5.1", "Products(1)?$SELECT=Name , ID", 200, {"Name": "Chai", "ID": 1, "UnitPrice": ABSENT}),
    Exchange("P 11.2.5.1", "Products(1)?$select=Name,Name,ID", 200, {**context("Products(Name,ID)/$entity"), "Name": "Chai"}),
    Exchange("U 5.1.4", "Products(1)?$select=Dimensions", 200, {**context("Products(Dimensions)/$entity"), "Dimensions": Only(Width=10, Height=20.5, Depth=None)}),
    Exchange("U 5.1.4", "Products(1)?$select=Dimensions/Width", 200, {**context("Products(Dimensions/Width)/$entity"), "Dimensions": Only(Width=10)}),
    Exchange("P 10.7", "Products(1)?$select=Dimensions($select=Width,Depth)", 200,
             {**context("Products(Dimensions/Width,Dimensions/Depth)/$entity"), "Dimensions": Only(Width=10, Depth=None)}),
    Exchange("U 5.1.4", "Products(4)?$select=ID,Dimensions/Width", 200, {"ID": 4, "Dimensions": None}),
    Exchange("U 5.1.4", "Products(1)?$select=Name,Category", 200, {**context("Products(Name,Category)/$entity"), "Name": "Chai", "Category": ABSENT}),
    Exchange("U 5.1.4", "Products?$select=ID,Northwind.Model.PerishableProduct/ShelfLife&$filter=ID in (4,5)", 200,
             {**context(f"Products(ID,{NS}PerishableProduct/ShelfLife)"), "value": [Only({ETAG: str, "ID": 4}), Only({ETAG: str, TYPE: f"#{NS}PerishableProduct", "ID": 5, "ShelfLife": "P30D"})]}),
    Exchange("U 5.1.4", f"Products/{NS}PerishableProduct?$select=ID,ShelfLife&$top=1", 200,
             {**context(f"Products/{NS}PerishableProduct(ID,ShelfLife)"), "value": [Only({ETAG: str, "ID": 5, "ShelfLife": "P30D"})]}),
    Exchange("U 5.1.4", "Products?$select=ShelfLife", 400, {"error": {"message": re.compile("PerishableProduct/ShelfLife")}}),
    Exchange("U 5.1.4", f"Products(1)?$select=Name,{NS}*", 200, {"Name": "Chai"}),
    Exchange("U 5.1.4", f"Products(1)?$select=Name,{NS}Discontinue", 200, {"Name": "Chai"}),
    Exchange("U 5.1.4", "Products(1)?$select=Nmae", 400, {"error": {"code": "unknownProperty", "target": "$select", "message": re.compile("'Name'")}}),
    Exchange("U 5.1.4", "Products(1)?$select=", 400),
    Exchange("U 5.1.4", "Products(1)?$select=Name,", 400),
    Exchange("U 5.1.4", "Products(1)?$select=Name&$select=ID", 400),
    Exchange("U 5.1.4", "Products(1)?$select=Dimensions($expand=Category)", 400),
    Exchange("U 5.1.4", "Products(1)?$select=Category/Name", 400),
    Exchange("U 5.1.4", "Products(1)?$select=Name/Length", 400),
    Exchange("P 11.2.5.1", "Products?$select=ID&$orderby=Name desc&$top=1", 200, {"value": [Only({TYPE: f"#{NS}PerishableProduct", ETAG: str, "ID": 7})]}),
    Exchange("U 5.1.4", "Customers('ALFKI')?$select=CustomerID,loyaltyPoints", 200, {"CustomerID": "ALFKI", "loyaltyPoints": 1200, "since": ABSENT}),
    Exchange("U 5.1.4", "Customers('ALFKI')?$select=CompanyName", 200, {"CompanyName": "Alfreds Futterkiste", "loyaltyPoints": ABSENT}),
    Exchange("U 5.1.4", "Customers('ALFKI')?$select=*", 200, {"loyaltyPoints": 1200, "since": "1996-08-25", "since@odata.type": "#Date"}),
    Exchange("U 5.1.4", "Customers('ALFKI')?$select=Contacts/Name", 200, {"Contacts": [Only(Name="Maria Anders")]}),
    Exchange("U 5.1.4", "Customers('ALFKI')?$select=Contacts($select=Name)", 200, {"Contacts": [Only(Name="Maria Anders")]}),
    Exchange("U 5.1.4", f"Suppliers?$select=Address/{NS}ForeignAddress/Country&$filter=Address/City eq 'Oviedo'", 200, {"value": [{"Address": Only({TYPE: f"#{NS}ForeignAddress", "Country": "ES"})}]}),
    Exchange("P 11.2.5.1", "Customers('ALFKI')?$select=Contacts($top=1),Contacts($skip=1)", 400, {"error": {"target": "$select", "message": re.compile("two places")}}),
    Exchange("P 11.2.5.1", "Products(1)?$select=Category($select=Name)&$expand=Category", 400),
    Exchange("U 5.1.4", "Products(1)?$select=ID,@Core.Description", 200, Only({**context("Products(ID,@Core.Description)/$entity"), ETAG: str, "ID": 1})),
    Exchange("P 10.8", "Company?$select=Headquarters/City", 200, {**context("Company(Headquarters/City)"), "Headquarters": Only(City="Twin Points")}),
    Exchange("P 10.13", "Products(1)/Dimensions?$select=Width", 200, Only({CONTEXT: re.compile(r"#Products\(1\)/Dimensions\(Width\)$|#Products\(1\)/Dimensions$"), "Width": 10})),
    Exchange("P 10.8", "Warehouses('HAM')/Shelves(1)?$select=Number", 200, {**context("Warehouses('HAM')/Shelves(Number)/$entity"), "MaxLoad": ABSENT}),
    Exchange("P 10.7", "Categories(1)/Products?$select=Name&$top=1", 200, {**context("Products(Name)"), "value": [{"Name": "Chai"}]}),
    Exchange("P 11.2.5.3", "Products(1)?$select=ID,twice&$compute=UnitPrice mul 2 as twice", 200,
             {**context("Products(ID,twice)/$entity"), "ID": 1, "twice": 36, "twice@odata.type": "#Decimal"}),
    Exchange("P 11.2.5.3", "Products?$compute=length(Name) as n&$filter=n eq 4&$orderby=n&$select=ID,n", 200,
             {"value": [{"ID": 1, "n": 4, "n@odata.type": "#Int32"}, {"ID": 7, "n": 4}]}),
    Exchange("P 11.2.5.3", "Products(1)?$compute=concat(Name,'!') as loud&$select=loud", 200, {"loud": "Chai!", "loud@odata.type": ABSENT}),
    Exchange("P 11.2.5.3", "Products(1)?$compute=UnitPrice mul 2 as Name", 400),
    Exchange("J 4.5.3", "Products(1)?$compute=UnitPrice mul 2 as twice&$select=twice", 200, {"twice@odata.type": "Decimal"}, sent=MODERN),
    Exchange("J 9", "incomingFlowRuns?$select=id,extractedData&$top=1", 200, {"value": [{"id": str, "extractedData": ABSENT}]}, model="industryData"),
    Exchange("U 5.1.4", "incomingFlowRuns('f904e29a-a96e-553f-aab3-86bf859067e7')?$select=statistics/bytesRead,statistics/people", 200,
             {"statistics": Only({"bytesRead@odata.type": "#Int64", "bytesRead": 734118902, "people": {"total": 21740}})}, model="industryData"),
    Exchange("U 5.1.4", "incomingFlows?$select=displayName,microsoft.graph.industryData.incomingApiFlow/apiFilter&$filter=displayName eq 'OneRoster API'", 200,
             {"value": [{"displayName": "OneRoster API", "apiFilter": None, "readinessStatus": ABSENT}]}, model="industryData"),
]

EXPAND = [
    Exchange("U 5.1.3", "Products(1)?$expand=Category", 200, {**context("Products/$entity"), "Category": {"ID": 1, "Name": "Beverages", CONTEXT: ABSENT}}),
    Exchange("U 5.1.3", "Products(7)?$expand=Category", 200, {"Category": None}),
    Exchange("U 5.1.3", "Products?expand=Category&$top=1", 200, {**context("Products"), "value": [{"Category": {"ID": 1}}]}),
    Exchange("P 10.9", "Products?$expand=Category&$top=1", 200, {CONTEXT: META + "Products(Category())"}, sent=MODERN),
    Exchange("P 10.9", "Products(1)?$expand=Category($select=Name)", 200,
             {**context("Products(Category(Name))/$entity"), "Category": Only({ETAG: str, ID: f"{ROOT}Categories(1)", "Name": "Beverages"})}),
    Exchange("P 10.9", "Products(1)?$select=ID&$expand=Category($select=ID)", 200,
             Only({**context("Products(ID,Category(ID))/$entity"), ETAG: str, "ID": 1, "Category": Only({ETAG: str, "ID": 1})})),
    Exchange("P 10.9", "Products(1)?$select=ID,Category&$expand=Category", 200, {**context("Products(ID,Category)/$entity"), "Category": {"Name": "Beverages"}}),
    Exchange("P 10.9", "Products(1)?$select=ID,Category&$expand=Category", 200, {CONTEXT: META + "Products(ID,Category,Category())/$entity"}, sent=MODERN),
    Exchange("U 5.1.4", "Products(1)?$select=ID&$expand=Category", 200, {"ID": 1, "Name": ABSENT, "Category": {"Name": "Beverages"}}),
    # the context of 4.0 names no cast: the entities say their type
    Exchange("J 4.5.3", "Employees(2)?$expand=Reports/Northwind.Model.SalesPerson&$select=EmployeeID", 200,
             {**context("Employees(EmployeeID)/$entity"), "Reports": [{"@odata.type": "#Northwind.Model.SalesPerson", "EmployeeID": each} for each in (1, 3)]}),
    Exchange("J 4.5.3", "Orders(10250)?$expand=Employee/Northwind.Model.SalesPerson&$select=OrderID", 200, {"Employee": {"@odata.type": "#Northwind.Model.SalesPerson"}}),
    Exchange("U 5.1.3", "Products(1)?$expand=Category,Supplier($select=CompanyName),Tags", 200,
             {"Category": {"ID": 1}, "Supplier": {"CompanyName": "Exotic Liquids", "Phones": ABSENT}, "Tags": [{"Name": "new"}, {"Name": "vegan"}]}),
    Exchange("U 5.1.3", "Categories?$expand=Products($select=ID)&$select=ID", 200,
             {**context("Categories(ID,Products(ID))"),
              "value": [{"Products": [{"ID": key} for key in keys]} for keys in ([1, 2, 14, 15], [3, 4, 10], [8, 9], [5, 6], [11, 12], [])]}),
    Exchange("U 5.1.3", "Categories?$expand=Products($filter=UnitPrice gt 20;$select=ID)", 200,
             {"value": [{"Products": [{"ID": key} for key in keys]} for keys in ([15], [4], [], [5, 6], [11], [])]}),
    Exchange("U 5.1.3", "Categories?$expand=Products(filter=UnitPrice gt 20;select=ID)&$top=1", 200, {"value": [{"Products": [{"ID": 15}]}]}),
    Exchange("U 5.1.3", "Categories?$expand=Products($orderby=UnitPrice desc;$top=1;$select=ID)", 200,
             {"value": [{"Products": [{"ID": key} for key in keys]} for keys in ([15], [4], [8], [6], [11], [])]}),
    Exchange("U 5.1.3", "Categories?$expand=Products($orderby=UnitPrice desc;$skip=1;$top=2;$select=ID)", 200,
             {"value": [{"Products": [{"ID": key} for key in keys]} for keys in ([2, 1], [10, 3], [9], [5], [12], [])]}),
    Exchange("U 5.1.3", "Categories?$expand=Products($top=0)", 200, {"value": [{"Products": []}] * 6}),
    Exchange("U 5.1.3", "Categories?$expand=Products($count=true;$top=1;$select=ID)", 200,
             {"value": [{"Products@odata.count": count} for count in (4, 3, 2, 2, 2, 0)]}),
    Exchange("U 5.1.3", "Categories?$expand=Products($count=true;$filter=UnitPrice gt 20)", 200,
             {"value": [{"Products@odata.count": count} for count in (1, 1, 0, 2, 1, 0)]}),
    Exchange("U 5.1.3", "Categories?$expand=Products/$count", 200, {"value": [{"Products@odata.count": count, "Products": ABSENT} for count in (4, 3, 2, 2, 2, 0)]}),
    Exchange("U 5.1.3", "Categories?$expand=Products/$count($filter=UnitPrice gt 20)&$top=1", 200, {"value": [{"Products@odata.count": 1}]}),
    Exchange("U 5.1.3", "Categories(1)?$expand=Products/$ref", 200,
             {**context("Categories/$entity"), "Products": [Only({ID: f"{ROOT}Products({key})"}) for key in (1, 2, 14, 15)]}),
    Exchange("U 5.1.3", "Categories(1)?$expand=Products/$ref($filter=ID gt 2;$orderby=ID desc)", 200, {"Products": [{ID: f"{ROOT}Products(15)"}, {ID: f"{ROOT}Products(14)"}]}),
    Exchange("U 5.1.3", "Products(1)?$expand=Category/$ref", 200, {"Category": Only({ID: f"{ROOT}Categories(1)"})}),
    Exchange("U 5.1.3", "Products(7)?$expand=Category/$ref", 200, {"Category": None}),
    Exchange("U 5.1.3", "Products(11)?$expand=*", 200, {"Category": {"ID": 5}, "Supplier": {"CompanyName": "Bits & Bytes"}, "Tags": [{"Name": "new"}], "Reviews": [{"ID": 8}], "OrderDetails": [{}], "PriceChanges": []}),
    Exchange("U 5.1.3", "Products(1)?$expand=*/$ref", 200, {"Category": {ID: f"{ROOT}Categories(1)"}, "Reviews": [{ID: f"{ROOT}Reviews(1)"}, {ID: f"{ROOT}Reviews(2)"}]}),
    Exchange("U 5.1.3", "Products(1)?$expand=*/$ref,Category", 200, {"Category": {"Name": "Beverages"}, "Reviews": [{ID: f"{ROOT}Reviews(1)"}, {}]}),
    Exchange("U 5.1.3", "Products(1)?$expand=Category($expand=Products($expand=Supplier($select=CompanyName);$top=1;$select=ID))", 200,
             {"Category": {"Products": [{"ID": 1, "Supplier": {"CompanyName": "Exotic Liquids"}}]}}),
    Exchange("P 10.9", "Categories?$expand=Products($expand=Supplier)&$top=1", 200, {CONTEXT: META + "Categories(Products(Supplier()))"}, sent=MODERN),
    Exchange("P 10.9", "Categories?$expand=Products($expand=Supplier)&$top=1", 200, context("Categories")),
    Exchange("P 10.9", "Categories?$expand=Products($expand=Supplier($select=ID))&$top=1", 200, context("Categories(Products(Supplier(ID)))")),
    Exchange("U 5.1.3", "Employees?$expand=Reports($levels=2;$select=EmployeeID)&$filter=EmployeeID eq 2&$select=EmployeeID", 200,
             {"value": [{"EmployeeID": 2, "Reports": [{"EmployeeID": 1, "Reports": []}, {"EmployeeID": 3}, {"EmployeeID": 4},
                                                      {"EmployeeID": 5, "Reports": [{"EmployeeID": 6, "Reports": ABSENT}, {"EmployeeID": 7}, {"EmployeeID": 9}]}, {"EmployeeID": 8}]}]}),
    Exchange("P 10.10", "Employees(2)?$expand=Reports($levels=2;$select=EmployeeID)&$select=EmployeeID", 200,
             context("Employees(EmployeeID,Reports+(EmployeeID))/$entity")),
    Exchange("U 5.1.3", "Employees(6)?$expand=Manager($levels=max;$select=LastName)", 200, {"Manager": {"LastName": "Buchanan", "Manager": {"LastName": "Fuller", "Manager": None}}}),
    Exchange("U 5.1.3", "Employees(6)?$expand=Manager($levels=1)", 200, {"Manager": {"EmployeeID": 5, "Manager": ABSENT}}),
    Exchange("U 5.1.3", "Employees(2)?$expand=Reports($levels=0)", 400),
    Exchange("U 5.1.3", "Employees(2)?$expand=Reports($levels=-1)", 400),
    Exchange("U 5.1.3", "Products(1)?$expand=Category($levels=2)", 400),
    Exchange("P 13.1.3(9.3)", f"Products?$expand={NS}DigitalProduct/Requires($select=ID)&$filter=ID in (1,11,12)&$select=ID", 200,
             {"value": [{"ID": 1, "Requires": ABSENT}, {"ID": 11, "Requires": [{"ID": 12}]}, {"ID": 12, "Requires": []}]}),
    Exchange("P 13.1.3(9.3)", f"Categories(5)?$expand=Products/{NS}DigitalProduct($select=ID)", 200, {"Products": [{"ID": 11}, {"ID": 12}]}),
    Exchange("P 13.1.3(9.3)", f"Categories(4)?$expand=Products/{NS}DigitalProduct", 200, {"Products": []}),
    Exchange("U 5.1.3", "Tags?$expand=Products($select=ID;$orderby=ID)&$filter=Name in ('vegan','unused')", 200,
             {"value": [{"Name": "vegan", "Products": [{"ID": 1}, {"ID": 7}, {"ID": 10}, {"ID": 14}]}, {"Name": "unused", "Products": []}]}),
    Exchange("U 5.1.3", "Orders?$expand=Details($expand=Product($select=Name);$select=Quantity)&$filter=OrderID eq 10250&$select=OrderID", 200,
             {"value": [{"Details": [{"Quantity": 15, "Product": {"Name": "Tofu"}}, {"Quantity": 16, "Product": {"Name": "Reader's App"}}]}]}),
    Exchange("U 5.1.3", "Warehouses?$expand=Shelves($expand=Bins($expand=Product($select=ID)))", 200,
             {"value": [{"Code": "HAM", "Shelves": [{"Number": 1, "Bins": [{"Label": "A", "Product": {"ID": 1}}, {"Label": "B", "Product": None}]}, {"Number": 2, "Bins": [{"Product": {"ID": 5}}]}]},
                        {"Code": "SEA", "Shelves": [{"Bins": [{"Product": {"ID": 14}}]}]}, {"Code": "NEW", "Shelves": []}]}),
    Exchange("U 5.1.3", "Warehouses('HAM')?$expand=Shelves/$ref", 200, {"Shelves": [{ID: f"{ROOT}Warehouses('HAM')/Shelves(1)"}, {}]}),
    Exchange("U 5.1.3", "Company?$expand=Director,Warehouses($select=Code)", 200, {**context("Company(Warehouses(Code))"), "Director": {"LastName": "Fuller"}, "Warehouses": [{"Code": "HAM"}, {"Code": "SEA"}]}),
    Exchange("U 5.1.3", "Products(1)/Category?$expand=Products($select=ID;$top=1)", 200, {**context("Categories(Products(ID))/$entity"), "Products": [{"ID": 1}]}),
    Exchange("U 5.1.3", "Categories(1)/Products?$expand=Supplier&$filter=ID eq 2", 200, {"value": [{"Supplier": {"CompanyName": "Exotic Liquids"}}]}),
    Exchange("U 5.1.3", "Products?$expand=Category&$filter=Category/Name eq 'Books'&$orderby=Category/Name", 200, {"value": [{"Category": {"ID": 5}}, {"Category": {"ID": 5}}]}),
    Exchange("U 5.1.3", "Categories?$expand=Products($filter=contains(Name,';)') or Name eq 'a,b(';$select=ID)&$top=1", 200, {"value": [{"Products": []}]}),
    Exchange("U 5.1.1.14.4", "Categories?$expand=Products($filter=ID eq $it/ID;$select=ID)&$select=ID", 200, {"value": [{"Products": keys} for keys in ([{"ID": 1}], [], [], [], [], [])]}),
    Exchange("U 5.1.4", "Products?$select=Dimensions(Width)", 400, {"error": {"target": "$select", "message": re.compile("is no function")}}),
    Exchange("U 5.1.3", "Categories?$expand=Products($compute=UnitPrice mul 2 as twice;$select=ID,twice;$filter=ID eq 1)&$top=1", (200, 501)),
    Exchange("P 11.2.6.1.3", "Categories?$expand=Products($filter=UnitPrice gt @p;$select=ID)&@p=20&$top=1", 200, {"value": [{"Products": [{"ID": 15}]}]}),
    Exchange("P 13.2.3(9)", "Categories?$expand=Products(@p=20;$filter=UnitPrice gt @p;$select=ID)&$top=1", 200, {"value": [{"Products": [{"ID": 15}]}]}),
    Exchange("U 5.1.3", "Products(1)?$expand=Catgory", 400, {"error": {"target": "$expand", "message": re.compile("'Category'")}}),
    Exchange("U 5.1.3", "Products(1)?$expand=Name", 400),
    Exchange("U 5.1.3", "Products(1)?$expand=Dimensions", 400),
    Exchange("U 5.1.3", "Products(1)?$expand=Category,Category", 400),
    Exchange("U 5.1.3", "Products(1)?$expand=Category($top=1)", 400),
    Exchange("U 5.1.3", "Products(1)?$expand=Category($nosuch=1)", 400),
    Exchange("U 5.1.3", "Products(1)?$expand=Category($select=ID", 400),
    Exchange("U 5.1.3", "Products(1)?$expand=", 400),
    Exchange("U 5.1.3", "Products(1)?$expand=Category($select=ID;$select=Name)", 400),
    Exchange("U 5.1.3", "Categories(1)?$expand=Products($orderby=Nmae)", 400, {"error": {"message": re.compile("'Name'")}}),
    Exchange("U 5.1", "Products/$count?$expand=Category", (200, 400)),
    Exchange("U 5.1", "Products(1)/Name?$expand=Category", 400),
    Exchange("U 5.1.3", "incomingFlowRuns?$expand=process&$top=1", 200, {**context("incomingFlowRuns"), "value": [{"process": {TYPE: "#microsoft.graph.industryData.incomingApiFlow"}}]}, model="industryData"),
    Exchange("P 10.9", "incomingFlowRuns?$select=id,status&$expand=process($select=id)&$top=1", 200, {CONTEXT: META + "incomingFlowRuns(id,status,process(id))"}, sent=MODERN, model="industryData"),
    Exchange("U 5.1.3", "incomingFlowRuns?$expand=process/microsoft.graph.industryData.incomingFileFlow&$top=3", 200,
             {"value": [{"process": None}, {"process": {"displayName": "Cobalt HR"}}, {"process": {"displayName": "Northstar SIS 2025-2026"}}]}, model="industryData"),
    Exchange("U 5.1.3", f"incomingFlows('{FLOW}')?$expand=dataConnector($expand=sourceSystem),year,runs($top=1;$orderby=startDateTime desc;$count=true)", 200,
             {"dataConnector": {TYPE: "#microsoft.graph.industryData.azureDataLakeConnector", "sourceSystem": {"displayName": "Northstar SIS"}},
              "year": {"startDate": "2025-08-01"}, "runs@odata.count": 180,
              "runs": [{TYPE: "#microsoft.graph.industryData.incomingFlowRun", "id": "7dc5465f-29d6-5a79-b375-6b65b8cec57e"}]}, model="industryData"),
    Exchange("U 5.1.3", "incomingFlows?$expand=industryData.incomingFileFlow/fileDataConnector($select=displayName)&$orderby=displayName&$top=2", 200,
             {"value": [{"displayName": "Cobalt HR", "fileDataConnector": {"displayName": "Cobalt HR export"}}, {"displayName": "Legacy import"}]}, model="industryData"),
    Exchange("U 5.1.3", "runGroups/4b16c02b-fae1-5fb3-ad52-15df9aced463?$expand=runs($select=id,status)", 200,
             {**context("runGroups(runs(id,status))/$entity"), "runs": [{"status": "running"}] * 3}, model="industryData"),
    Exchange("U 5.1.3", "industryData?$expand=incomingFlows($select=displayName;$orderby=displayName;$top=2),insightsOutgoingFlow", 200,
             {"incomingFlows": [{"displayName": "Cobalt HR"}, {"displayName": "Legacy import"}], "insightsOutgoingFlow": {"displayName": "Insights"}}, model="industryData"),
    Exchange("U 5.1.3", "sourceSystems?$expand=directoryUserMatchingSettings/roleGroup($select=displayName)&$filter=displayName eq 'Cobalt HR'", 200,
             {"value": [{"directoryUserMatchingSettings": [{"roleGroup": {"displayName": "Staff"}}, {"roleGroup": {"displayName": "Staff"}}]}]}, model="industryData"),
    Exchange("U 5.1.3", "years?$expand=year2/value($select=code)&$top=1", 200, {"value": [{"year2": {"code": "2023", "value": {"code": "2023"}}}]}, model="industryData"),
    Exchange("U 5.1.3", "referenceDefinitions('RefRole-student')?$expand=translations($filter=language eq 'es-MX';$select=displayName)", 200,
             {"translations": [{"displayName": "Estudiante"}]}, model="industryData"),
]


@rows(SELECT)
def test_select(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(EXPAND)
def test_expand(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


NESTED = [
    ("northwind", "Categories?$expand=Products", "Products", 2), ("northwind", "Categories?$expand=Products($orderby=Rating desc;$select=ID)", "Products", 1),
    ("northwind", "Tags?$expand=Products($select=Name;$orderby=Name)", "Products", 2), ("northwind", "Warehouses?$expand=Shelves", "Shelves", 1),
    ("northwind", "Categories?$expand=Products($filter=UnitPrice gt 10;$expand=Supplier($select=CompanyName))", "Products", 2),
    ("northwind", "Customers?$expand=Orders($orderby=Freight;$select=OrderID)", "Orders", 2),
    ("northwind", "Customers?$filter=contains(CustomerID,'''')&$expand=Orders($filter=Status ne 'Draft')", "Orders", 1),
    ("industryData", "incomingFlows?$expand=runs($select=id;$orderby=startDateTime desc)", "runs", 50),
    ("northwind", "Categories?$expand=Products($skip=1;$orderby=Name)", "Products", 1), ("northwind", "Categories?$expand=Products($top=3)", "Products", 2),
    ("northwind", "Categories?$expand=Products($top=3;$skip=1;$orderby=Name desc;$count=true)", "Products", 1),
    ("industryData", "referenceDefinitions?$expand=translations", "translations", 2),
]


@pytest.mark.parametrize(("model", "target", "name", "size"), NESTED, ids=[f"U 5.1.3: {row[1]} by {row[3]}"[:100] for row in NESTED])
def test_nested_pages(clients: Clients, model: str, target: str, name: str, size: int) -> None:
    """An expanded collection is paged too, and its next link goes on where it stopped (P 8.2.8.5, J 4.5.5)."""
    client, wish = clients[model], {"Prefer": f"maxpagesize={size}"}
    whole = client.get(target)["value"]
    paged = [entity for page in client.pages(target, wish) for entity in page["value"]]
    assert len(paged) == len(whole)
    cut = 0
    for entity, full in zip(paged, whole, strict=True):
        assert len(entity[name]) <= size
        members = list(entity[name])
        if f"{name}@odata.nextLink" in entity:
            cut += 1
            link = entity[f"{name}@odata.nextLink"]
            assert link.startswith(ROOT)
            for page in client.pages(link.removeprefix(ROOT), wish):
                members.extend(page["value"])
        assert [without_control(member) for member in members] == [without_control(member) for member in full[name]]
    assert cut


def without_control(value: dict[str, Any]) -> dict[str, Any]:
    return {name: member for name, member in value.items() if not name.startswith("@")}


def test_every_row_of_one_expand_is_its_own(clients: Clients) -> None:
    """Expanded entities are those that the navigation itself addresses (U 5.1.3, P 11.2.7)."""
    client = clients["northwind"]
    for product in client.get("Products?$expand=Category,Supplier,Tags,Reviews,PriceChanges,OrderDetails&$select=ID")["value"]:
        for name in ("Tags", "Reviews", "PriceChanges", "OrderDetails"):
            addressed = client.get(f"Products({product['ID']})/{name}")["value"]
            assert sorted(map(repr, addressed)) == sorted(map(repr, product[name]))
        for name in ("Category", "Supplier"):
            answer = client.send(f"GET Products({product['ID']})/{name}")
            assert (product[name] is None) == (answer.status == 204)


SOME = Some([{"ID": 1}])


def test_matchers_see_a_difference() -> None:
    """The table's own tools: a row that does not hold fails."""
    from tests.protocol.exchange import differences
    assert not list(differences(SOME, [{"ID": 2}, {"ID": 1, "x": 1}]))
    assert list(differences(SOME, [{"ID": 2}])) and list(differences(Only(a=1), {"a": 1, "b": 2}))
    assert list(differences({"a": ABSENT}, {"a": None})) and list(differences(1, True)) and list(differences(True, 1))
    assert list(differences([1], [1, 2])) and list(differences("a", None)) and list(differences(None, 0))

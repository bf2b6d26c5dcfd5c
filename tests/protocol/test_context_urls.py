"""Context URLs of every form, in both versions (Protocol §10)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ROOT

NS = "Northwind.Model."
PERISHABLE, DIGITAL = NS + "PerishableProduct", NS + "DigitalProduct"
HAM = "Warehouses('HAM')"

# section, model, request, fragment (None: no '#'), fragment in a 4.01 answer where it is another
TABLE: list[tuple[Any, ...]] = [
    ("10.1", "northwind", "", None),
    # collections of entities
    ("10.2", "northwind", "Products", "Products"),
    ("10.2", "northwind", "Products?$filter=false", "Products"),
    ("10.2", "northwind", "Categories(1)/Products", "Products"),
    ("10.2", "northwind", "Company/Warehouses", "Warehouses"),
    ("10.2", "northwind", "Tags('new')/Products?$top=1", "Products"),
    ("10.2", "northwind", f"{HAM}/Shelves", f"{HAM}/Shelves"),
    ("10.2", "northwind", f"{HAM}/Shelves(1)/Bins", f"{HAM}/Shelves(1)/Bins"),
    ("10.2", "northwind", "Warehouses/HAM/Shelves/1/Bins", f"{HAM}/Shelves(1)/Bins"),
    ("10.2", "northwind", f"Company/{HAM}/Shelves", f"{HAM}/Shelves"),
    ("10.2", "workshop", "Bench/Tool/Boxes", "Tools('vice')/Boxes"),
    ("10.2", "workshop", "Drawings(1)/Tool/Boxes(1)/Boxes", "Tools('saw')/Boxes(1)/Boxes"),
    ("10.2", "northwind", "TopProducts(count=1)", "Products"),
    # entities
    ("10.3", "northwind", "Products(1)", "Products/$entity"),
    ("10.3", "northwind", "Products/1", "Products/$entity"),
    ("10.3", "northwind", "Products(barcode='4000000000017')", "Products/$entity"),
    ("10.3", "northwind", "$entity?$id=Products(1)", "Products/$entity"),
    ("10.3", "northwind", "Products(1)/Category", "Categories/$entity"),
    ("10.3", "northwind", "Orders(10249)/Details(4)", "OrderDetails/$entity"),
    ("10.3", "northwind", "Company/Director", "Employees/$entity"),
    ("10.3", "northwind", f"{HAM}/Shelves(1)", f"{HAM}/Shelves/$entity"),
    ("10.3", "northwind", f"{HAM}/Shelves(1)/Bins('A')", f"{HAM}/Shelves(1)/Bins/$entity"),
    ("10.3", "northwind", f"{HAM}/Shelves(1)/Bins('A')/Product", "Products/$entity"),
    ("10.3", "workshop", "Drawings(1)/Tool/Boxes(1)", "Tools('saw')/Boxes/$entity"),
    ("10.3", "workshop", "Tools('saw')/Parts/0/Maker", "Makers/$entity"),
    ("10.3", "northwind", f"Employees/{NS}Busiest()", "Employees/$entity"),
    ("10.4", "northwind", "Company", "Company"),
    ("10.4", "industryData", "industryData", "industryData"),
    # derived types
    ("10.5", "northwind", f"Products/{PERISHABLE}", f"Products/{PERISHABLE}"),
    ("10.5", "northwind", "Products/Self.PerishableProduct", f"Products/{PERISHABLE}"),
    ("10.5", "northwind", f"Categories(4)/Products/{PERISHABLE}", f"Products/{PERISHABLE}"),
    ("10.6", "northwind", f"Products(5)/{PERISHABLE}", f"Products/{PERISHABLE}/$entity"),
    ("10.6", "northwind", f"Products/{PERISHABLE}(5)", f"Products/{PERISHABLE}/$entity"),
    ("10.6", "northwind", "Products(5)", "Products/$entity"),
    # projections
    ("10.7", "northwind", "Products?$select=ID,Name&$top=1", "Products(ID,Name)"),
    ("10.7", "northwind", "Products?$select=Name,ID,Name&$top=1", "Products(Name,ID)"),
    ("10.7", "northwind", "Products?$select=*&$top=1", "Products(*)"),
    ("10.7", "northwind", "Products?$select=ID,Dimensions/Width&$top=1", "Products(ID,Dimensions/Width)"),
    ("10.7", "northwind", "Products?$select=ID,Dimensions($select=Width,Height)&$top=1", "Products(ID,Dimensions/Width,Dimensions/Height)"),
    ("10.7", "northwind", f"Products?$select=ID,{PERISHABLE}/ShelfLife&$top=1", f"Products(ID,{PERISHABLE}/ShelfLife)"),
    ("10.7", "northwind", "Products?$select=ID,Self.PerishableProduct/ShelfLife&$top=1", f"Products(ID,{PERISHABLE}/ShelfLife)"),
    ("10.7", "northwind", f"Products/{PERISHABLE}?$select=ShelfLife&$top=1", f"Products/{PERISHABLE}(ShelfLife)"),
    ("10.7", "northwind", "Products?$select=ID,Category&$top=1", "Products(ID,Category)"),
    ("10.7", "northwind", f"Products?$select=ID,{NS}*&$top=1", f"Products(ID,{NS}*)"),
    ("10.7", "northwind", f"Products?$select=ID,{NS}Discontinue&$top=1", f"Products(ID,{NS}Discontinue)"),
    ("10.7", "northwind", f"{HAM}/Shelves?$select=Number", f"{HAM}/Shelves(Number)"),
    ("10.7", "northwind", "Customers?$select=loyaltyPoints&$top=1", "Customers(loyaltyPoints)"),
    ("10.7", "workshop", "Tools?$select=Parts($filter=Weight gt 1;$select=Name)", "Tools(Parts/Name)"),
    ("10.7", "workshop", "Tools?$select=Sizes($top=1)", "Tools(Sizes)"),
    ("10.7", "northwind", "Products?$compute=UnitPrice mul 2 as double&$select=ID,double&$top=1", "Products(ID,double)"),
    ("10.7", "northwind", "Products?$compute=UnitPrice mul 2 as double&$top=1", "Products(*,double)"),
    ("10.7", "northwind", "Products?$compute=UnitPrice mul 2 as double,Features as f&$expand=Category&$top=1", "Products(*,double,f)", "Products(*,double,f,Category())"),
    ("10.9", "northwind", "Products?$expand=Tags($compute=length(Name) as l)&$top=1", "Products(Tags(*,l))"),
    ("10.8", "northwind", "Products(1)?$select=ID,Name", "Products(ID,Name)/$entity"),
    ("10.8", "northwind", "Company?$select=Name", "Company(Name)"),
    ("10.8", "northwind", f"Products(5)/{PERISHABLE}?$select=ShelfLife", f"Products/{PERISHABLE}(ShelfLife)/$entity"),
    ("10.8", "northwind", f"{HAM}/Shelves(1)?$select=Number", f"{HAM}/Shelves(Number)/$entity"),
    # expansions
    ("10.9", "northwind", "Products?$expand=Category&$top=1", "Products", "Products(Category())"),
    ("10.9", "northwind", "Products?$expand=Category($select=Name)&$top=1", "Products(Category(Name))"),
    ("10.9", "northwind", "Products?$expand=Category($select=Name),Supplier&$top=1", "Products(Category(Name))", "Products(Category(Name),Supplier())"),
    ("10.9", "northwind", "Products?$select=ID&$expand=Category&$top=1", "Products(ID)", "Products(ID,Category())"),
    ("10.9", "northwind", "Products?$select=ID,Category&$expand=Category&$top=1", "Products(ID,Category)", "Products(ID,Category,Category())"),
    ("10.9", "northwind", "Products?$select=ID,Category&$expand=Category($select=Name)&$top=1", "Products(ID,Category,Category(Name))"),
    ("10.9", "northwind", "Categories?$expand=Products($expand=Supplier($select=CompanyName))&$top=1", "Categories(Products(Supplier(CompanyName)))"),
    ("10.9", "northwind", "Categories?$expand=Products($expand=Supplier)&$top=1", "Categories", "Categories(Products(Supplier()))"),
    ("10.9", "northwind", "Products?$expand=Category/$ref,Tags/$count&$top=1", "Products"),
    ("10.9", "northwind", f"Products?$expand={DIGITAL}/Requires($select=ID)&$top=1", f"Products({DIGITAL}/Requires(ID))"),
    ("10.9", "northwind", f"Products/{DIGITAL}?$expand=Requires&$top=1", f"Products/{DIGITAL}", f"Products/{DIGITAL}(Requires())"),
    ("10.9", "workshop", "Tools?$expand=Spot/Keeper($select=Founded)", "Tools(Spot/Keeper(Founded))"),
    ("10.9", "workshop", "Tools?$expand=Manual", "Tools"),
    ("10.10", "northwind", "Products(1)?$expand=Category($select=Name)", "Products(Category(Name))/$entity"),
    ("10.10", "northwind", "Company?$expand=Director($select=LastName)", "Company(Director(LastName))"),
    ("10.10", "northwind", "Employees(2)?$expand=Reports($levels=2;$select=LastName)", "Employees(Reports+(LastName))/$entity"),
    ("10.10", "northwind", "Employees(2)?$expand=Reports($levels=max)", "Employees/$entity", "Employees(Reports+())/$entity"),
    ("10.10", "northwind", "Employees(2)?$select=LastName,Reports&$expand=Reports($levels=2;$select=LastName)", "Employees(LastName,Reports,Reports+(LastName))/$entity"),
    # references
    ("10.11", "northwind", "Categories(4)/Products/$ref", "Collection($ref)"),
    ("10.11", "northwind", "Products/$ref", "Collection($ref)"),
    ("10.12", "northwind", "Products(1)/Category/$ref", "$ref"),
    ("10.12", "northwind", "Products(1)/$ref", "$ref"),
    # properties
    ("10.13", "northwind", "Products(1)/Name", "Products(1)/Name"),
    ("10.13", "northwind", "Products/1/Name", "Products(1)/Name"),
    ("10.13", "northwind", "Products(barcode='4000000000017')/Name", "Products(1)/Name"),
    ("10.13", "northwind", "Products(1)/Dimensions", "Products(1)/Dimensions"),
    ("10.13", "northwind", "Products(1)/Dimensions?$select=Width", "Products(1)/Dimensions(Width)"),
    ("10.13", "northwind", "Products(1)/Dimensions/Width", "Products(1)/Dimensions/Width"),
    ("10.13", "northwind", f"Products(5)/{PERISHABLE}/ShelfLife", f"Products(5)/{PERISHABLE}/ShelfLife"),
    ("10.13", "northwind", f"Products/{PERISHABLE}(5)/ShelfLife", f"Products(5)/{PERISHABLE}/ShelfLife"),
    ("10.13", "northwind", f"Products(5)/{PERISHABLE}/Name", "Products(5)/Name"),
    ("10.13", "northwind", "Products(1)/Category/Name", "Categories(1)/Name"),
    ("10.13", "northwind", "OrderDetails(ProductID=4,OrderID=10249)/Quantity", "OrderDetails(OrderID=10249,ProductID=4)/Quantity"),
    ("10.13", "northwind", "Tags('a%2Fb')/Name", "Tags('a%2Fb')/Name"),
    ("10.13", "northwind", f"{HAM}/Shelves(1)/MaxLoad", f"{HAM}/Shelves(1)/MaxLoad"),
    ("10.13", "northwind", "Company/Name", "Company/Name"),
    ("10.13", "northwind", "Company/Director/LastName", "Employees(2)/LastName"),
    ("10.13", "northwind", "Customers('ALFKI')/loyaltyPoints", "Customers('ALFKI')/loyaltyPoints"),
    ("10.13", "workshop", "Tools('saw')/Parts", "Tools('saw')/Parts"),
    ("10.13", "workshop", "Tools('saw')/Parts/W.MovingPart", "Tools('saw')/Parts/Workshop.MovingPart"),
    ("10.13", "workshop", "Tools('saw')/Parts/0/Labels", "Collection(Edm.String)"),
    ("10.15", "workshop", "Tools('saw')/Parts/0/Name", "Edm.String"),
    ("10.13", "workshop", "Tools('saw')/Spot?$expand=Keeper($select=Founded)", "Tools('saw')/Spot(Keeper(Founded))"),
    ("10.13", "workshop", "Tools('saw')/Spot/Keeper/Founded", "Makers('acme')/Founded"),
    ("10.13", "workshop", "Bench/Tool/Boxes", "Tools('vice')/Boxes"),
    ("10.13", "workshop", "Drawings(1)/Tool/Boxes(1)/Screws", "Tools('saw')/Boxes(1)/Screws"),
    # values without an entity
    ("10.15", "workshop", "Tools('saw')/Names/0", "Edm.String"),
    ("10.15", "workshop", "Tools('saw')/Parts/0", "Workshop.Part"),
    ("10.15", "workshop", "Tools('saw')/Parts/0?$select=Name", "Workshop.Part(Name)"),
    ("10.16", "northwind", "PriceWithTax(price=10)", "Edm.Decimal"),
    ("10.16", "northwind", f"Customers('ALFKI')/{NS}Turnover()", "Edm.Decimal"),
    # $all and $crossjoin
    ("10.19", "workshop", "$all", "Collection(Edm.EntityType)"),
    ("10.19", "workshop", "$all/W.Maker?$select=Founded", "Collection(Workshop.Maker)(Founded)"),
    ("10.20", "workshop", "$crossjoin(Tools,Makers)", "Collection(Edm.ComplexType)"),
    ("A 3.1", "northwind", "Products?$apply=groupby((CategoryID),aggregate($count as n))", "Products(CategoryID,n)"),
]


@pytest.mark.parametrize("row", TABLE, ids=[f"P {row[0]}: {row[1]} {row[2]}"[:100] for row in TABLE])
def test_context(clients: Clients, row: tuple[Any, ...]) -> None:
    """The context URL of an answer; where 4.01 does not differ, both versions say the same."""
    _, model, target, fragment, *rest = row
    wanted = {"4.0": fragment, "4.01": rest[0] if rest else fragment}
    for version, each in wanted.items():
        for accept, name in (("application/json", "@odata.context"), ("application/json;metadata=minimal", "@context" if version == "4.01" else "@odata.context"),
                             ("application/json;odata.metadata=full", "@odata.context")):
            answer = clients[model].send("GET " + target, {"OData-MaxVersion": version, "Accept": accept})
            assert answer.status == 200, answer.text[:300]
            assert next(iter(answer.json)) == name
            assert answer.json[name] == f"{ROOT}$metadata" + ("" if each is None else "#" + each)
        answer = clients[model].send("GET " + target, {"OData-MaxVersion": version, "Accept": "application/json;metadata=none"})
        assert "context" not in json.dumps([name for name in answer.json if name.startswith("@")]) or each is None

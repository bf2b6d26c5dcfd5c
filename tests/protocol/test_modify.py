"""Data modification, one story for each resource: conformance.md section 12, and section 13 for operations.

Protocol §8.2.4, §8.2.5, §8.2.8.7, §9.1, §11.4, §11.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.protocol.changing import ANY, MINIMAL, SHOWN, V401, error, tell
from tests.protocol.exchange import ABSENT, ROOT, Client, Some

NS = "Northwind.Model."
SUPPLIER = "Suppliers(fb3a51bb-6407-5375-a85c-496cc66652be)"
WRITTEN = "2020-01-01T00:00:00Z"

STORIES: dict[str, list[tuple[Any, ...]]] = {
    "create": [
        ("P-11.4.2-01", "POST Tags", {"Name": "a b"}, 201, {"@odata.context": ROOT + "$metadata#Tags/$entity", "Name": "a b", "Color": None}, {}, {"Location": ROOT + "Tags('a%20b')", "ETag": str}),
        ("P-11.4.2-02", "POST Tags", {"Name": "m"}, 204, None, MINIMAL, {"Location": ROOT + "Tags('m')", "OData-EntityId": ROOT + "Tags('m')", "Preference-Applied": "return=minimal", "ETag": None}),
        ("P-11.4.2-03", "POST Categories(1)/Products", {"ID": 900, "Name": "x"}, 201, {"ID": 900, "CategoryID": 1}, {}, {"Location": ROOT + "Products(900)"}),
        ("P-11.4.2-03", "POST Customers('ALFKI')/Orders", {}, 201, {"CustomerID": "ALFKI", "Status": "Draft"}),
        ("P-11.4.2-03", "POST Warehouses('HAM')/Shelves(1)/Bins", {"Label": "N"}, 201, {"@odata.context": ROOT + "$metadata#Warehouses('HAM')/Shelves(1)/Bins/$entity", "Quantity": 0}, {}, {"Location": ROOT + "Warehouses('HAM')/Shelves(1)/Bins('N')"}),
        ("P-11.4.2-03", "POST Customers('NOPE')/Orders", {}, 404),
        ("P-11.4.2-04", f"POST Products/{NS}PerishableProduct", {"ID": 901}, 201, {"@odata.type": f"#{NS}PerishableProduct", "ShelfLife": "P7D"}, {}, {"Location": f"{ROOT}Products(901)/{NS}PerishableProduct"}),
        ("P-11.4.2-04", f"POST Products/{NS}PerishableProduct", {"@odata.type": f"#{NS}DigitalProduct", "ID": 902}, 400, error("typeMismatch", "@odata.type")),
        ("P-11.4.2-04", f"POST Categories(1)/Products/{NS}DigitalProduct", {"ID": 903}, 201, {"CategoryID": 1, "SizeInBytes": 0}),
        ("P-11.4.2-04", "POST Products", {"@odata.type": f"#{NS}DigitalProduct", "ID": 904, "SizeInBytes": 5}, 201, {"SizeInBytes": 5}),
        ("P-11.4.2-04", "POST Products", {"@odata.type": "#Northwind.Model.Tag", "ID": 905}, 400, error("typeMismatch")),
        ("P-11.4.2-05", "POST Categories", {"ID": 999, "Name": "c"}, 201, {"ID": lambda id: id != 999}),
        ("P-11.4.2-05", "POST Categories(1)/Products", {"ID": 906, "CategoryID": 2}, 201, {"CategoryID": 1}),
        ("P-11.4.2-06", "POST Products", {"ID": 907}, 201, {"Name": None, "UnitPrice": 0, "Features": "None", "Discontinued": False, "Dimensions": None}),
        ("P-11.4.2-06", "POST Suppliers", {"CompanyName": "s"}, 201, {"Phones": [], "Address": None}),
        ("P-11.4.2-06", "POST Categories", {"Description": "d"}, 400, error("missingValue", "Name")),
        ("P-11.4.2-07", "POST Products", {"ID": 908, "bogus": 1}, 400, error("unknownProperty", "bogus")),
        ("P-11.4.2-07", "POST Customers", {"CustomerID": "NEW", "CompanyName": "n", "bogus": 5}, 201, {"bogus": 5}),
        ("P-11.4.2-08", "POST Products", {"ID": 1}, 409, error("duplicateKey")),
        ("P-11.4.2-08", "POST Products", {"ID": 909, "Ean": "4000000000017"}, 409, error("duplicateKey")),
        ("P-11.4.2.1-01", "POST Orders", {"Customer@odata.bind": "Customers('ALFKI')"}, 201, {"CustomerID": "ALFKI"}),
        ("P-11.4.2.1-01", "POST Orders", {"Customer": {"@id": "Customers('ALFKI')"}}, 201, {"CustomerID": "ALFKI"}),
        ("P-11.4.2.1-01", "POST Orders", {"Customer": {"@id": "Customers('NOPE')"}}, 400, error("referenceNotFound", "Customer")),
        ("P-11.4.2.1-01", "POST Products?$expand=Tags($select=Name;$orderby=Name)", {"ID": 913, "Tags@odata.bind": ["Tags('vegan')"], "Tags": [{"Name": "added"}]}, 201, {"Tags": [{"Name": "added"}, {"Name": "vegan"}]}, {"OData-Version": "4.0"}),
        ("P-11.4.2.1-01", "POST Products", {"ID": 914, "Tags": [{"Name": "added too"}], "Tags@odata.bind": ["Tags('nope')"]}, 400, error("referenceNotFound", "Tags@odata.bind")), ("P-11.4.2.1-01", "Tags('added%20too')", None, 404),
        ("P-11.4.2.1-01", "POST Orders", {"Customer@odata.bind": "Customers('ALFKI')", "Customer": {"CustomerID": "NEW2", "CompanyName": "n"}}, 400, error("conflictingLinks", "Customer")),
        ("P-11.4.2.1-02", "POST Categories(1)/Products", {"ID": 910, "Category": {"@id": "Categories(2)"}}, 400, error("conflictingLinks", "Category")),
        ("P-11.4.2.2-02", "POST Customers('ALFKI')/Orders", {"Details": [{"ProductID": 1, "UnitPrice": 2.5}]}, 201, {"Details": [{"ProductID": 1, "Quantity": 1}]}),
        ("P-11.4.2.2-02", "POST Products", {"@odata.type": f"#{NS}DigitalProduct", "ID": 911, "SizeInBytes": 1, "Category": {"Name": "deep"}, "Requires": [{"ID": 912}]}, 201, {"Category": {"Name": "deep"}, "Requires": [{"ID": 912}]}),
        ("P-11.4.1.5-02", "POST Categories?$select=Name", {"Name": "s"}, 201, {"Name": "s", "ID": ABSENT}),
        ("P-11.4.1.5-02", "POST Categories?$expand=Products", {"Name": "e"}, 201, {"Products": []}),
        ("P-11.4.1.5-02", "POST Categories?$select=Name", {"Name": "t"}, 204, None, MINIMAL, {"Preference-Applied": "return=minimal"}),
        ("P-11.4.2-01", "POST Regions", {"RegionID": 9, "Description": "r"}, 405, ..., {}, {"Allow": re.compile("GET")}),
        ("P-11.4.2-01", "POST Products(1)", {}, 405), ("P-11.4.2-01", "POST $metadata", {}, 405), ("P-11.4.2-01", "POST Nothing", {}, 404),
    ],
    "update": [
        ("P-11.4.3-01", "PATCH Products(1)", {"Dimensions": {"Width": 11}}, 200, {"Dimensions": {"Width": 11, "Height": 20.5}}, SHOWN, {"Preference-Applied": "return=representation", "ETag": str}),
        ("P-11.4.3-01", "PATCH Categories(1)/Products(1)", {"Name": "by way"}, 204, None), ("P-11.4.3-01", "PATCH Products(barcode='4000000000017')", {"Name": "alt"}, 204),
        ("P-11.4.3-01", "PATCH Orders(10248)/Customer", {"CompanyName": "q"}, 204, None, ANY), ("P-11.4.3-01", "PATCH Products(9999)/Category", {"Name": "q"}, 404),
        ("P-11.4.3-02", "PUT Products(1)", {"Name": "put"}, 200, {"Name": "put", "Ean": None, "UnitPrice": 0, "CategoryID": 1}, SHOWN),
        ("P-11.4.3-02", "PUT Reviews(1)", {}, 400, error("missingValue", "Stars")),
        ("P-11.4.3-03", "PATCH Reviews(1)", {"ID": 7, "WrittenAt": WRITTEN, "Stars": 4}, 200, {"ID": 1, "Stars": 4, "WrittenAt": re.compile("^2020-01-02")}, SHOWN),
        ("P-11.4.3-05", "PATCH Products(1)", {"@odata.type": f"#{NS}DigitalProduct"}, 400, error("typeChange", "@odata.type")),
        ("P-11.4.3-06", "PATCH Orders(10248)", {"CustomerID": "AROUT"}, 200, {"CustomerID": "AROUT"}, SHOWN), ("P-11.4.3-06", "Orders(10248)/Customer?$select=CustomerID", None, 200, {"CustomerID": "AROUT"}),
        ("P-11.4.3-06", "PATCH Orders(10248)", {"CustomerID": "NOPE"}, 409, error("referenceConflict")),
        ("P-11.4.3-06", "PATCH Orders(10248)", {"CustomerID": "AROUT", "Customer": {"@id": "Customers('ALFKI')"}}, 200, {"CustomerID": "ALFKI"}, SHOWN),
        ("P-11.4.3-09", "PATCH Products(1)", {"UnitPrice": None}, 400, error("nullNotAllowed", "UnitPrice")),
        ("P-11.4.3-09", "PATCH Reviews(1)", {"Product@odata.bind": None}, 400, error("nullNotAllowed")), ("P-11.4.3-09", "PATCH Reviews(1)", {"Product": None}, 400, error("nullNotAllowed")),
        ("P-11.4.3-01", "PATCH Orders(10248)", {"Status": "Nope"}, 400, error("invalidEnumValue", "Status")), ("P-11.4.3-01", "PATCH Orders(10248)", [], 400),
        ("P-11.4.1.5-02", "PATCH Products(1)?$select=Name&$expand=Category($select=ID)", {"Name": "d"}, 200, {"Name": "d", "Category": {"ID": 1}, "UnitPrice": ABSENT}),
        ("P-11.4.3.1", "PATCH Products(1)", {"Tags": [{"Name": "vegan"}, {"Name": "fresh"}]}, 200, {"Tags": Some([{"Name": "vegan"}, {"Name": "fresh"}])}, SHOWN),
        ("P-11.4.3.1", "PUT Products(1)", {"Tags": [{"Name": "vegan", "Color": "#123456"}]}, 200, {"Tags": [{"Name": "vegan", "Color": "#123456"}]}, SHOWN),
        ("P-11.4.5-03", "DELETE Company", None, 405), ("P-11.4.3-01", "PATCH Company", {"Name": "NW"}, 200, {"Name": "NW"}, SHOWN), ("P-11.4.3-01", "PATCH Regions(1)", {"Description": "x"}, 405),
    ],
    "conditions": [
        ("P-11.4.1.1-04", "PATCH Customers('ALFKI')", {"CompanyName": "x"}, 428, error("ifMatchRequired", "If-Match")), ("P-11.4.1.1-04", "DELETE Customers('ALFKI')", None, 428),
        ("P-8.2.4-01", "PATCH Customers('ALFKI')", {"CompanyName": "x"}, 412, ..., {"If-Match": 'W/"1"'}), ("P-8.2.4-01", "DELETE Customers('ALFKI')", None, 412, ..., {"If-Match": '"1", W/"2"'}),
        ("P-8.2.4-03", "PATCH Customers('ALFKI')", {"CompanyName": "x"}, 204, None, ANY, {"ETag": None, "OData-EntityId": ROOT + "Customers('ALFKI')"}),
        ("P-8.2.4-01", "PUT Customers('ALFKI')/Address", {"City": "x"}, 412, ..., {"If-Match": 'W/"1"'}), ("P-8.2.4-01", f"POST Products(1)/{NS}Discontinue", {}, 412, ..., {"If-Match": 'W/"1"'}),
        ("P-8.2.4-01", "Products(1)", None, 412, ..., {"If-Match": 'W/"1"'}), ("P-8.2.5-01", "Products(1)", None, 304, None, {"If-None-Match": "*"}, {"ETag": str}),
        ("P-8.2.5-01", f"POST Products(1)/{NS}Discontinue", {}, 412, ..., {"If-None-Match": "*"}), ("P-8.2.5-01", "DELETE Products(1)", None, 412, ..., {"If-None-Match": "*"}),
        ("P-8.2.4-02", "PUT Tags('n')", {}, 412, ..., ANY), ("P-8.2.4-02", "PATCH Tags('n')", {}, 412, ..., {"If-Match": 'W/"1"'}), ("P-8.2.4-02", "Tags('n')", None, 404),
        ("P-8.2.5-02", "PUT Tags('vegan')", {}, 412, ..., {"If-None-Match": "*"}), ("P-8.2.5-02", "PUT Tags('n')", {}, 201, {"Name": "n"}, {"If-None-Match": "*"}),
        ("P-11.4.3-08", "PATCH Categories(1)", {"@etag": 'W/"1"', "Name": "x"}, 412, error("preconditionFailed", "@odata.etag"), {"OData-Version": "4.01"}),
        ("P-11.4.3-08", "PATCH Products(6)", {"Category": {"ID": 2, "@etag": 'W/"1"', "Name": "x"}}, 412, error("preconditionFailed", "Category/@odata.etag"), {"OData-Version": "4.01"}),
        ("P-11.4.3-08", "PATCH Categories(1)", {"@etag": "*", "Name": "x"}, 204, None, {"OData-Version": "4.01"}),
    ],
    "upsert": [
        ("P-11.4.4-01", "PUT Tags('z')", {"Color": "#112233"}, 201, {"Name": "z", "Color": "#112233"}, {}, {"Location": ROOT + "Tags('z')"}),
        ("P-11.4.4-01", "PATCH Tags('y')", {}, 204, None, MINIMAL, {"OData-EntityId": ROOT + "Tags('y')"}), ("P-8.2.8.7-02", "PUT Tags('y')", {}, 204, None, {}, {"OData-EntityId": ROOT + "Tags('y')"}), ("P-11.4.4-01", "PATCH Tags('x')", {"Color": "x"}, 400, error("patternMismatch", "Color")),
        ("P-11.4.4-03", "PUT Tags('w')", {"Name": "other"}, 201, {"Name": "w"}), ("P-11.4.4-01", "PUT Categories(1)/Products(4000)", {}, 201, {"ID": 4000, "CategoryID": 1}),
        ("P-11.4.4-01", "PUT Warehouses('HAM')/Shelves(77)", {}, 201, {"Number": 77}), ("P-11.4.4-01", "PUT Warehouses('NOPE')/Shelves(77)", {}, 404),
        ("P-11.4.4-02", "PATCH Orders(777)", {"Freight": 1}, 404), ("P-11.4.4-02", "PATCH Company/Director", {"FirstName": "x"}, (204, 404)), ("P-11.4.4-02", "PATCH Products(barcode='4999999999999')", {}, 404),
    ],
    "delete": [
        ("P-11.4.5-01", "DELETE Orders(10249)", None, 204, None), ("P-11.4.5-01", "DELETE Orders(10249)", None, 404), ("P-11.4.5-02", "OrderDetails?$filter=OrderID eq 10249", None, 200, {"value": []}),
        ("P-11.4.5-02", "DELETE Categories(1)", None, 204), ("P-11.4.5-02", "Products(1)", None, 200, {"CategoryID": None}), ("P-11.4.5-02", f"DELETE {SUPPLIER}", None, 409, error("stillReferenced")),
        ("P-11.4.5-01", "DELETE Warehouses('HAM')/Shelves(1)", None, 204), ("P-11.4.5-01", "Warehouses('HAM')/Shelves(1)/Bins", None, 404), ("P-11.4.5-01", "DELETE Regions(1)", None, 405),
        ("P-11.4.5-02", "DELETE Reviews(1)/Product", None, 405), ("P-11.4.5-01", "DELETE Products", None, 405), ("P-11.4.5-02", "DELETE Tags('vegan')", None, 204), ("P-11.4.5-01", "Products/$count?$filter=Tags/any(t:t/Name eq 'vegan')", None, 200, "0"),
    ],
    "links": [
        ("P-8.2.4", "POST Customers('ALFKI')/Orders/$ref", {"@id": "Orders(10249)"}, 204), ("P-8.2.4", "Orders(10249)", None, 200, {"CustomerID": "ALFKI"}),
        *[("P-11.4.6.1-01", "POST Products(1)/Tags/$ref", {"@odata.id": id}, 204, None) for id in ("../../Tags('unused')", "Tags('unused')", ROOT + "Tags('unused')", "/Tags('unused')")],
        ("P-11.4.6.2-01", f"DELETE Products(1)/Tags/$ref?$id={ROOT}Tags('unused')", None, 204, None), ("P-11.4.6.2-01", "DELETE Products(1)/Tags/$ref?$id=Tags('unused')", None, 404, error("notFound")),
        ("P-11.4.6.2-01", "DELETE Products(1)/Tags/$ref?$id=../../Tags('organic')", None, (204, 404)), ("P-11.4.6.2-02", "POST Products(1)/Tags/$ref", {"@id": "Tags('vegan')"}, 204), ("P-11.4.6.2-02", "DELETE Products(1)/Tags('vegan')/$ref", None, 204, None),
        ("P-11.4.6.2-01", "DELETE Products(1)/Category/$ref?$id=Categories(1)", None, 400, error("optionNotAllowed", "$id")), ("P-11.4.6.2-01", "DELETE Products(1)/Category/$ref", None, 204), ("P-11.4.6.2-01", "Products(1)/Category", None, 204, None),
        ("P-11.4.6.2-03", "DELETE Reviews(1)/Product/$ref", None, 400, error("requiredReference", "Product")), ("P-11.4.6.2-03", "DELETE Products(1)/Reviews/$ref?$id=Reviews(1)", None, 409, error("requiredReference")),
        ("P-11.4.6.3-01", "PUT Products(1)/Category/$ref", {"@id": "Categories(2)"}, 204, None), ("P-11.4.6.3-01", "Products(1)", None, 200, {"CategoryID": 2}), ("P-11.4.6.3-01", "PUT Products(1)/Category/$ref", {"@id": "Tags('new')"}, 400, error("wrongSet")),
        ("P-11.4.6.3-01", "PUT OrderDetails(OrderID=10249,ProductID=4)/Product/$ref", {"@id": "Products(1)"}, 405), ("P-11.4.6.4-01", "PUT Products(1)/Tags/$ref", {"@id": "Tags('vegan')"}, 400, error("missingValue", "value")), ("P-11.4.6.1-01", "POST Products(1)/Tags/$ref?$id=Tags('vegan')", {"@id": "Tags('unused')"}, 400, error("optionNotAllowed", "$id")),
        ("P-11.4.6.4-01", "PUT Products(1)/Tags/$ref", {"value": [{"@id": "Tags('vegan')"}]}, 204), ("P-11.4.6.4-01", "Products(1)/Tags/$count", None, 200, "1"),
        ("P-11.4.6.4-01", "DELETE Products(1)/Tags/$ref", None, 400, error("missingOption", "$id")), ("P-11.4.6.4-01", "DELETE Products(1)/Tags/$ref", None, 204, None, V401), ("P-11.4.6.4-01", "Products(1)/Tags/$count", None, 200, "0"),
        ("P-11.4.6.1-01", "POST Warehouses('HAM')/Shelves/$ref", {"@id": "Warehouses('HAM')/Shelves(1)"}, 405), ("P-11.4.6.1-01", "POST Categories/$ref", {"@id": "Categories(1)"}, 405), ("P-11.4.6.1-01", "POST Products(1)/Tags/$ref", {}, 400, error("missingValue")),
    ],
    "properties": [
        ("P-11.4.9.1-01", "PATCH Customers('ALFKI')", {"Mood": "fine", "Level": 5}, 204, None, ANY), ("P-11.4.9.1-01", "PUT Customers('ALFKI')/CompanyName", {"value": "c"}, 204, None, ANY), ("P-11.4.9.3-01", "PUT Customers('ALFKI')/Address", {"City": "c"}, 204, None, ANY), ("P-11.4.9.1-01", "Customers('ALFKI')", None, 200, {"CompanyName": "c", "Mood": "fine", "Level": 5}),
        ("P-11.4.9.1-01", "PUT Products(1)/Name", {"value": "y"}, 200, {"@odata.context": ROOT + "$metadata#Products(1)/Name", "value": "y"}, SHOWN), ("P-11.4.9.1-01", "PUT Products(1)/Name", {"value": None}, 204, None),
        ("P-11.4.9.1-01", "PUT Products(1)/UnitPrice/$value", b"3.5", 204, None, {"Content-Type": "text/plain"}), ("P-11.4.9.1-01", "Products(1)/UnitPrice/$value", None, 200, "3.5"), ("P-11.4.9.1-01", "PUT Products(1)/UnitPrice/$value", b"3", 415, ..., {"Content-Type": "image/png"}),
        ("P-11.4.9.1-01", "PUT Products(1)/Name", {"Value": "y"}, 400), ("P-11.4.9.1-01", "PUT Products(1)/ID", {"value": 2}, 405), ("P-11.4.9.1-01", "PUT Reviews(1)/WrittenAt", {"value": WRITTEN}, 405), ("P-11.4.9.1-01", "PUT Products(9999)/Name", {"value": "y"}, 404),
        ("P-11.4.9.2-01", "DELETE Products(1)/Name/$value", None, 204, None), ("P-11.4.9.2-01", "DELETE Products(1)/UnitPrice", None, 400, error("nullNotAllowed", "UnitPrice")),
        ("P-11.4.9.3-01", "PATCH Products(1)/Dimensions", {"Width": 1}, 204), ("P-11.4.9.3-01", "Products(1)/Dimensions", None, 200, {"Width": 1, "Height": 20.5}), ("P-11.4.9.3-01", "PUT Products(1)/Dimensions", {"Width": 1}, 400, error("missingValue", "Dimensions/Height")),
        ("P-11.4.9.3-01", "PUT Products(1)/Dimensions", {"Width": 1, "Height": 2}, 204), ("P-11.4.9.3-01", "DELETE Products(1)/Dimensions", None, 204), ("P-11.4.9.3-01", "Products(1)/Dimensions", None, 204),
        ("P-11.4.9.4-01", f"PATCH {SUPPLIER}/Phones", {"value": []}, 405), ("P-11.4.9.4-01", f"PUT {SUPPLIER}/Phones", {"value": ["1", "2"]}, 204), ("P-11.4.9.4-01", f"POST {SUPPLIER}/Phones", {"value": "3"}, 204), ("P-11.4.9.4-01", f"POST {SUPPLIER}/Phones?$index=0", {"value": "0"}, 204),
        ("P-11.4.9.4-01", f"POST {SUPPLIER}/Phones?$index=-2", {"value": "x"}, 204), ("P-11.4.9.4-01", f"{SUPPLIER}/Phones", None, 200, {"value": ["0", "1", "2", "x", "3"]}), ("P-11.4.10-01", f"PUT {SUPPLIER}/Phones/1", {"value": "one"}, 204), ("P-11.4.10-01", f"DELETE {SUPPLIER}/Phones/-1", None, 204),
        ("P-11.4.10-01", f"DELETE {SUPPLIER}/Phones/9", None, 404), ("P-11.4.10-01", f"{SUPPLIER}/Phones", None, 200, {"value": ["0", "one", "2", "x"]}), ("P-11.4.9.4-01", f"DELETE {SUPPLIER}/Phones", None, 204), ("P-11.4.9.4-01", f"{SUPPLIER}/Phones", None, 200, {"value": []}),
        ("P-11.4.9.4-01", "POST Customers('ALFKI')/Contacts", {"Name": "q"}, 204, None, ANY), ("P-11.4.9.4-01", "POST Customers('ALFKI')/Contacts", {"Name": "q"}, 428), ("P-11.4.10-01", "PATCH Customers('ALFKI')/Contacts/0", {"Emails": ["x"], "Address": {"City": "Y"}}, 204, None, ANY),
        ("P-11.4.10-01", "PATCH Customers('ALFKI')/Contacts/0", {"Address": {"Street": "Z"}}, 204, None, ANY), ("P-11.4.10-01", "Customers('ALFKI')/Contacts/0", None, 200, {"Name": "Maria Anders", "Emails": ["x"], "Address": {"Street": "Z", "City": "Y"}}),
        ("P-11.4.10-01", "PUT Customers('ALFKI')/Contacts/0", {"Emails": []}, 400, error("missingValue", "Contacts/Name"), ANY), ("P-11.4.10-01", "PUT Customers('ALFKI')/Contacts/0", {"Name": "z"}, 204, None, ANY), ("P-11.4.10-01", "Customers('ALFKI')/Contacts/0", None, 200, {"Name": "z", "Emails": []}),
        ("P-11.4.10-01", "POST Customers('ALFKI')/Contacts/0/Emails", {"value": "e"}, 204, None, ANY), ("P-11.4.9.1-01", "PUT Customers('ALFKI')/extra", {"value": 5}, 204, None, ANY), ("P-11.4.9.2-01", "DELETE Customers('ALFKI')/extra", None, 204, None, ANY),
    ],
    "operations": [
        ("P-11.5.4.2-01", "TopProducts(count=2)?$select=ID", None, 200, {"@odata.context": ROOT + "$metadata#Products(ID)", "value": [{}, {}]}), ("P-11.5.4.2-01", "TopProducts(count=9,category=1)?$filter=ID gt 1&$count=true&$orderby=ID", None, 200, {"@odata.count": 3}),
        ("P-11.5.4.1-03", "TopProducts?@count=2", None, 200, {"value": [{}, {}]}), ("P-11.5.4.1-01", "TopProducts(count=@c)?@c=2", None, 200, {"value": [{}, {}]}), ("P-11.5.4.2-01", "TopProducts(cnt=2)", None, 400), ("P-11.5.4.2-01", "TopProducts", None, 400),
        ("P-11.5.4.1-04", "TopProducts(count=2)/Category", None, 400), ("P-11.5.4-01", "POST TopProducts(count=2)", {}, 405), ("P-11.5.4.1-06", "PriceWithTax(price=100)", None, 200, {"value": 119}), ("P-11.5.4.1-06", "PriceWithTax(price=100,percent=7)", None, 200, {"value": 107}),
        ("P-11.5.4.1-06", "PriceWithTax(percent=7)", None, 400), ("P-11.5.1-01", f"Customers('ALFKI')/{NS}Turnover()", None, 200, {"value": 729.7}), ("P-11.5.1-01", f"Customers('NOPE')/{NS}Turnover()", None, 404),
        ("P-11.5.1-01", f"Employees/{NS}Busiest()?$select=EmployeeID&$expand=Orders($select=OrderID;$top=1)", None, 200, {"EmployeeID": 5, "Orders": [{"OrderID": 10249}]}), ("P-11.5.4.1-05", f"Employees/$filter(EmployeeID gt 1000)/{NS}Busiest()", None, 204, None),
        ("P-11.5.1-01", f"Employees/{NS}SalesPerson/{NS}Busiest()", None, 200, {"@odata.type": f"#{NS}SalesPerson"}), ("P-11.5.1-01", f"Employees(2)/Reports/{NS}Busiest()", None, 200, {"EmployeeID": 5}),
        ("P-11.5.5.1-01", f"Products(1)/{NS}Discontinue", None, 405, ..., {}, {"Allow": "POST"}), ("P-11.5.5.1-01", f"POST Products(1)/{NS}Discontinue/Category", {}, 404), ("P-11.5.5.1-04", f"POST Products(1)/{NS}Discontinue?$select=ID,Discontinued", {}, 200, {"ID": 1, "Discontinued": True, "Name": ABSENT}),
        ("P-11.5.5.1-04", f"POST Products(1)/{NS}Discontinue", b"", 204, None, MINIMAL, {"Preference-Applied": "return=minimal"}), ("P-11.5.1-01", f"POST Products(6)/{NS}PerishableProduct/{NS}Discontinue", {}, 200, {"ID": 6}), ("P-11.5.5.1-02", "POST ForgetTags", b"", 204, None),
        ("P-11.5.5.1-03", "POST RaisePrices", {"category": 1}, 400, error("missingValue", "percent")), ("P-11.5.5.1-03", "POST RaisePrices", {"category": 1, "percent": "x"}, 400, error("invalidValue", "percent")), ("P-11.5.5.1-03", "POST RaisePrices", {"category": 2, "percent": 1, "more": 1}, 400, error("unknownParameter", "more")),
        ("P-11.5.5.1-04", "POST RaisePrices", {"category": 1, "percent": 1}, 200, {"@odata.context": ROOT + "$metadata#Edm.Int32", "value": int}), ("P-11.5.5.1-03", f"POST Orders(10248)/{NS}Ship", {"to": {"Citty": "x"}}, 400, error("unknownProperty", "to/Citty")),
        ("P-11.5.5.1-04", f"POST Orders(10248)/{NS}Ship", {}, 409, error("notPlaced", "Status")), ("P-6.3-01", f"POST Products(1)/{NS}Nothing", {}, 404), ("P-6.3-01", f"POST Products(1)/{NS}Ship", {}, 404),
    ],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_modification(private: Callable[..., Client], story: list[tuple[Any, ...]]) -> None:
    tell(private("northwind"), story)

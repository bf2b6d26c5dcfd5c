"""Changes of many: PATCH and PUT of collections, `/$each`, operations on each member, deep updates as deltas.

Protocol §11.4.3.1, §11.4.12 to §11.4.14, §11.5.2; JSON Format §15; json-shapes §21.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.protocol.changing import ANY, GOING_ON, SHOWN, V401, error, tell
from tests.protocol.exchange import ABSENT, ROOT, Client, Only, Some

NS = "Northwind.Model."
SUPPLIER = "Suppliers(fb3a51bb-6407-5375-a85c-496cc66652be)"
ID, EXCEPTION = "@Org.OData.Core.V1.ContentID", "@Org.OData.Core.V1.DataModificationException"
GONE = {"reason": "deleted"}
BOTH = {"Prefer": "continue-on-error, return=representation", **V401}
NEW = {**SHOWN, **V401}


def failed(operation: str, status: int, code: str) -> dict[str, Any]:
    return {EXCEPTION: {"failedOperation": operation, "responseCode": status, "info": {"code": code, "message": str, "severity": "error"}}}


def link(kind: str, source: str, relationship: str, target: str) -> dict[str, str]:
    return {"@context": f"#Products/${kind}", "source": source, "relationship": relationship, "target": target}


def value(*items: Any) -> dict[str, Any]:
    return {"value": list(items)}


STORIES: dict[str, list[tuple[Any, ...]]] = {
    "delta of a set": [
        ("P-11.4.12-01", "PATCH Tags", {"@context": "#$delta", **value({"Name": "vegan", "Color": "#000001"}, {ID: "7", "Name": "n"}, {"@removed": GONE, "Name": "unused"})}, 200,
         {"@odata.context": ROOT + "$metadata#Tags/$delta", "value": [{"Name": "vegan", "Color": "#000001", ID: ABSENT}, {ID: "7", "Name": "n", "Color": None}, {"@odata.removed": GONE, "@odata.id": ROOT + "Tags('unused')"}]}, NEW, {"Preference-Applied": "return=representation"}),
        ("P-11.4.12-01", "PATCH Tags", value({"Name": "vegan", "Color": "#000002"}), 204, None), ("P-11.4.12-01", "Tags('vegan')", None, 200, {"Color": "#000002"}), ("P-11.4.12-01", "Tags('unused')", None, 404),
        ("V401-06", "PATCH Tags", value({"@odata.context": "#Tags/$deletedEntity", "id": "Tags('n')"}), 200, value(Only({"@odata.context": ROOT + "$metadata#Tags/$deletedEntity", "id": ROOT + "Tags('n')", "reason": "deleted"})), SHOWN),
        ("P-11.4.12-01", "PATCH Tags", value({"Name": "vegan", "Color": "#000003"}, {"Name": "bad", "Color": "x"}), 400, error("patternMismatch", "value/1/Color")), ("P-11.4.12-01", "Tags('vegan')", None, 200, {"Color": "#000002"}),
        ("P-11.4.12-01", "PATCH Tags", value({"@removed": {}, "@id": "Tags('never')"}), 204), ("P-11.4.12-01", "PATCH Tags", value({"@removed": GONE, "Color": "#000003"}), 400, error("missingValue", "value/0")), ("P-11.4.12-01", "PATCH Tags", value(), 200, value(), SHOWN), ("P-11.4.12-01", "PATCH Tags", {"Name": "x"}, 400, error("invalidBody", "value")),
        ("P-11.4.12-01", "PATCH Tags?$filter=Name eq 'vegan'", value(), 400, error("optionNotAllowed", "$filter")), ("P-11.4.12-01", f"PATCH Products/{NS}PerishableProduct", value(), 400), ("P-11.4.12-01", "PATCH Regions", value({"RegionID": 1, "Description": "n"}), 405),
        ("P-11.4.12-01", "PATCH Tags", value({"Name": "a"}, {"Name": "b"}), 400, error("tooManyAffected", "Prefer"), {"Prefer": "max-affected=1"}), ("P-11.4.12-01", "Tags('a')", None, 404),
        ("P-11.4.12-01", "PATCH Reviews", value({"ID": 1, "Stars": 2}, {"Stars": 3, "WrittenAt": "2020-01-01T00:00:00Z", "Product": {"@id": "Products(1)"}}), 200, value({"ID": 1, "Stars": 2}, {"Stars": 3}), NEW),
        ("P-11.4.3-08", "PATCH Customers", value({"CustomerID": "ALFKI", "CompanyName": "n"}), 428), ("P-11.4.3-08", "PATCH Customers", value({"CustomerID": "ALFKI", "CompanyName": "n", "@etag": 'W/"1"'}), 412), ("P-11.4.3-08", "PATCH Customers", value({"CustomerID": "ALFKI", "@etag": "*"}), 204),
        ("P-11.4.12-01", "PATCH Products", value({"ID": 6, "ShelfLife": "P2D"}, {"ID": 1, "Tags@delta": [{"Name": "vegan"}]}), 200, value({"ID": 6, "ShelfLife": "P2D"}, {"ID": 1}), NEW), ("P-11.4.3.1-03", "Products(1)/Tags?$select=Name", None, 200, {"value": Some([{"Name": "vegan"}])}),
        ("P-11.4.12-01", "PATCH Products", value({"ID": 1, "Tags": [{"@id": "Tags('vegan')"}]}, {"ID": 2}), 200, value({"ID": 1, "Tags": [{"Name": "vegan"}]}, {"ID": 2, "Tags": ABSENT}), NEW),
        ("P-11.4.12-01", "PATCH Products", value(link("deletedLink", "Products(1)", "Tags", "Tags('vegan')"), link("link", "Products(2)", "Category", "Categories(3)")), 204), ("P-11.4.12-01", "Products(2)/CategoryID", None, 200, {"value": 3}),
        ("P-11.4.12-01", "Products(1)/Tags/$count?$filter=Name eq 'vegan'", None, 200, "0"), ("P-11.4.12-01", "PATCH Products", value(link("link", "Products(2)", "Nope", "Tags('vegan')")), 400, error("unknownProperty")),
    ],
    "going on": [
        ("P-11.4.12-02", "PATCH Tags", value({"Name": "vegan", "Color": "#000004"}, {"Name": "bad", "Color": "x", ID: "2"}, {"Nme": "q"}), 200,
         {"@odata.context": ROOT + "$metadata#Tags/$delta", "value": [{ID: "2", "@odata.removed": GONE, "Name": "bad", **failed("insert", 400, "patternMismatch")}, {"@odata.removed": GONE, **failed("insert", 400, "invalidBody")}]}, GOING_ON, {"Preference-Applied": "continue-on-error"}),
        ("P-11.4.12-02", "Tags('vegan')", None, 200, {"Color": "#000004"}), ("P-11.4.12-02", "PATCH Tags", value({"Name": "vegan", "Color": "x"}), 200, value({"Name": "vegan", "Color": "#000004", **failed("update", 400, "patternMismatch")}), GOING_ON),
        ("P-11.4.12-02", "PATCH Suppliers", value({"@removed": GONE, "@id": SUPPLIER}, {"CompanyName": "new"}), 200, value({"CompanyName": str, **failed("delete", 409, "stillReferenced")}), GOING_ON),
        ("P-11.4.12-02", "Suppliers/$count?$filter=CompanyName eq 'new'", None, 200, "1"), ("P-11.4.12-02", "PATCH Suppliers", value({"@removed": GONE, "@id": SUPPLIER}), 409, error("stillReferenced")),
        ("P-11.4.12-02", "PATCH Products", value({"ID": 1, "CategoryID": 999}, {"ID": 2, "Name": "fine"}), 200, value({"ID": 1, "CategoryID": 1, **failed("update", 409, "referenceConflict")}, {"ID": 2, "Name": "fine", EXCEPTION: ABSENT}), BOTH),
        ("P-11.4.12-02", "PATCH Products", value(link("link", "Products(2)", "Category", "Categories(999)"), link("deletedLink", "Reviews(1)", "Product", "Products(1)")), 200,
         value({"@odata.context": ROOT + "$metadata#Products/$deletedLink", "source": "Products(2)", **failed("link", 400, "referenceNotFound")}, {"@odata.context": ROOT + "$metadata#Products/$link", **failed("unlink", 400, "missingValue")}), GOING_ON),
    ],
    "delta of a navigation property": [
        ("P-11.4.12-01", "PATCH Customers('ALFKI')/Orders", value({"OrderID": 10248, "Freight": 5}, {"Freight": 6}, {"@removed": {"reason": "changed"}, "OrderID": 10253}), 200,
         {"@odata.context": ROOT + "$metadata#Orders/$delta", "value": [{"OrderID": 10248, "CustomerID": "ALFKI", "Freight": 5}, {"CustomerID": "ALFKI", "Freight": 6}, {"@odata.removed": {"reason": "changed"}, "@odata.id": ROOT + "Orders(10253)"}]}, NEW),
        ("P-11.4.12-01", "Orders(10253)", None, 200, {"CustomerID": None}), ("P-11.4.12-01", "PATCH Orders(10249)/Details", value({"ProductID": 4, "Quantity": 9}, {"ProductID": 5, "UnitPrice": 3}), 200, value({"OrderID": 10249, "ProductID": 4, "Quantity": 9}, {"OrderID": 10249, "ProductID": 5}), NEW),
        ("P-11.4.12-01", "PATCH Warehouses('HAM')/Shelves", value({"Number": 1, "MaxLoad": 9}, {"Number": 44}, {"@removed": GONE, "Number": 2}), 200,
         {"@odata.context": ROOT + "$metadata#Warehouses('HAM')/Shelves/$delta", "value": [{"Number": 1, "MaxLoad": 9}, {"Number": 44}, {"@odata.id": ROOT + "Warehouses('HAM')/Shelves(2)", "Number": 2}]}, NEW),
        ("P-11.4.12-01", "PATCH Warehouses('NOPE')/Shelves", value(), 404),
    ],
    "conditions of collections": [
        *[("P-11.4.1.1-03", f"{method} Tags", body, 412, error("preconditionFailed", "If-Match"), {"If-Match": 'W/"1"'}) for method, body in (("POST", {"Name": "c1"}), ("PATCH", value({"Name": "c1"})), ("PUT", value({"Name": "c1"})))],
        ("P-11.4.1.1-03", "POST Warehouses('HAM')/Shelves", {"Number": 77}, 412, error("preconditionFailed"), {"If-Match": 'W/"1"'}), ("P-11.4.1.1-03", "Tags('c1')", None, 404), ("P-11.4.1.1-03", "Warehouses('HAM')/Shelves(77)", None, 404), ("P-11.4.1.1-03", "POST Tags", {"Name": "c1"}, 201, ..., {"If-Match": "*"}),
    ],
    "full sets": [
        ("P-11.4.12-03", "PUT Tags", value({"Name": "vegan"}, {"Name": "q2", "Color": "#000001"}), 204, None), ("P-11.4.12-03", "Tags?$orderby=Name", None, 200, value({"Name": "q2", "Color": "#000001"}, {"Name": "vegan", "Color": None})),
        ("P-11.4.12-03", "PUT Tags", value({"@removed": {}, "Name": "vegan"}), 400), ("P-11.4.12-03", "PUT Warehouses('HAM')/Shelves", value({"Number": 3, "MaxLoad": 9}), 204), ("P-11.4.12-03", "Warehouses('HAM')/Shelves", None, 200, value({"Number": 3, "MaxLoad": 9})),
        ("P-11.4.12-03", "PUT Products(2)/Tags", value({"Name": "q2"}), 204), ("P-11.4.12-03", "Products(2)/Tags", None, 200, value({"Name": "q2", "Color": None})), ("P-11.4.12-03", "Tags/$count", None, 200, "2"),
        ("P-11.4.12-03", "PUT Tags", value({"Name": "q2", "Color": "#000003"}, {"Name": "q3"}), 200, Only({"@odata.context": ROOT + "$metadata#Tags", "value": [{"Name": "q2", "Color": "#000003"}, {"Name": "q3"}]}), NEW),
        ("P-11.4.12-03", "PUT Tags", value({"Name": "q2", "Color": "x"}, {"Name": "q4", "Color": "y"}), 200, value({"Name": "q2", "Color": "#000003", **failed("update", 400, "patternMismatch")}), GOING_ON), ("P-11.4.12-03", "Tags?$orderby=Name", None, 200, value({"Name": "q2"})), ("P-11.4.12-03", "PUT Regions", value(), 405),
    ],
    "update of each": [
        ("P-11.4.13-01", "PATCH Products/$filter(ID lt 3)/$each", {"Name": "q"}, 204, None), ("P-11.4.13-01", "Products/$count?$filter=Name eq 'q'", None, 200, "2"),
        ("P-11.4.13-01", "PATCH Products/$filter(ID lt 3)/$each?$select=ID,Name", {"Name": "r"}, 200, {"@odata.context": ROOT + "$metadata#Products(ID,Name)", "value": [{"ID": 1, "Name": "r"}, {"ID": 2, "Name": "r", "UnitPrice": ABSENT}]}, V401),
        ("P-11.4.13-01", "PATCH Products/$filter(ID lt 3)/$each", {"CategoryID": 2, "Dimensions": {"Width": 1, "Height": 2}}, 204, None, {"Prefer": "max-affected=3"}, {"Preference-Applied": "max-affected=3"}), ("P-11.4.13-01", "Products(2)", None, 200, {"CategoryID": 2, "Dimensions": {"Width": 1, "Height": 2}}),
        ("P-11.4.13-01", "PATCH Products/$each", {"Name": "s"}, 400, error("tooManyAffected", "Prefer"), {"Prefer": "max-affected=3"}), ("P-11.4.13-01", "PATCH Products/$filter(ID lt 3)/$each", {"Ean": "1"}, 409, error("duplicateKey")), ("P-11.4.13-01", "Products(1)", None, 200, {"Ean": "4000000000017"}),
        ("P-11.4.13-01", "PATCH Products/$filter(ID lt 3)/$each", {"Ean": "1"}, 200, value({"ID": 2, "Ean": "4000000000024", **failed("update", 409, "duplicateKey")}), GOING_ON), ("P-11.4.13-01", "Products(1)", None, 200, {"Ean": "1"}),
        ("P-11.4.13-01", "PATCH Products/$filter(@f)/$each?@f=ID eq 1", {"Name": "t"}, 204), ("P-11.4.13-01", "PATCH Products/$filter(ID gt 1000)/$each", {"Name": "t"}, 204), ("P-11.4.13-01", "PATCH Products/$each?$filter=ID eq 1", {"Name": "u"}, 400, error("optionNotAllowed", "$filter")),
        ("P-11.4.13-01", f"PATCH Products/{NS}PerishableProduct/$each?$select=ID", {"ShelfLife": "P9D"}, 200, value({"ID": 5}, {"ID": 6}, {"ID": 7}), V401), ("P-11.4.13-01", "PATCH Products/$each", {"ShelfLife": "P9D"}, 400, error("unknownProperty", "ShelfLife")),
        ("P-11.4.13-01", "PATCH Customers('ALFKI')/Orders/$each", {"Freight": 1.5}, 204), ("P-11.4.13-01", "Orders/$count?$filter=Freight eq 1.5 and CustomerID ne 'ALFKI'", None, 200, "0"), ("P-11.4.13-01", "PATCH Customers('NOPE')/Orders/$each", {"Freight": 1.5}, 404),
        ("P-11.4.1.1-04", "PATCH Customers/$each", {"CompanyName": "1"}, 428), ("P-11.4.1.1-04", "PATCH Customers/$each", {"CompanyName": "1"}, 204, None, ANY), ("P-11.4.13-01", "PATCH Regions/$each", {"Description": "1"}, 405), ("P-11.4.13-01", "POST Products/$each", {}, 405),
        ("P-11.4.13-01", "PATCH Warehouses/$each", {"Shelves@delta": [{"Number": 98}]}, 200, {"@odata.context": ROOT + "$metadata#Warehouses", "value": Some([{"Code": "HAM", "Shelves": Some([{"Number": 98}])}])}, NEW),
        ("P-11.4.13-01", "PATCH Warehouses/$each", {"Shelves@delta": [{"Number": 99}]}, 204), ("P-11.4.13-01", "Warehouses('HAM')/Shelves(99)", None, 200),
    ],
    "delete of each": [
        ("P-11.4.14-01", "DELETE Reviews/$filter(Stars lt 3)/$each", None, 200, {"@odata.context": ROOT + "$metadata#Reviews/$delta", "value": Some([{"@odata.removed": GONE, "@odata.id": ROOT + "Reviews(5)"}])}, NEW), ("P-11.4.14-01", "Reviews/$count?$filter=Stars lt 3", None, 200, "0"),
        ("P-11.4.14-01", "DELETE Reviews/$each", None, 400, error("tooManyAffected"), {"Prefer": "max-affected=1"}), ("P-11.4.14-01", "DELETE Reviews/$each", None, 204, None), ("P-11.4.14-01", "Reviews/$count", None, 200, "0"),
        ("P-11.4.14-01", "DELETE Orders/$filter(OrderID eq 10249)/$each", None, 204), ("P-11.4.14-01", "OrderDetails/$count?$filter=OrderID eq 10249", None, 200, "0"), ("P-11.4.14-01", "DELETE Warehouses('HAM')/Shelves/$each", None, 204), ("P-11.4.14-01", "Warehouses('HAM')/Shelves/$count", None, 200, "0"),
        ("P-11.4.14-01", "DELETE Suppliers/$each", None, 409, error("stillReferenced")), ("P-11.4.14-01", "DELETE Suppliers/$each", None, 200, {"value": Some([failed("delete", 409, "stillReferenced")])}, GOING_ON), ("P-11.4.14-01", "DELETE Regions/$each", None, 405), ("P-11.4.14-01", "DELETE Products/$filter(ID lt 3)", None, 405),
    ],
    "operations on each": [
        ("P-11.5.2-01", f"POST Products/$filter(ID lt 4)/$each/{NS}Discontinue?$select=ID,Discontinued", {}, 200, {"@odata.context": ROOT + "$metadata#Products(ID,Discontinued)", "value": [{"ID": 1, "Discontinued": True}, {"ID": 2}, {"ID": 3}]}),
        ("P-11.5.2-01", f"POST Products/$filter(ID lt 4)/$each/{NS}Discontinue", {}, 204, None, {"Prefer": "return=minimal"}), ("P-11.5.2-01", f"POST Orders/$filter(OrderID lt 10250)/$each/{NS}Ship", {}, 409, error("notPlaced")), ("P-11.5.2-01", "Orders(10249)", None, 200, {"Status": "Placed"}),
        ("P-11.5.2-01", f"POST Orders/$filter(OrderID lt 10250)/$each/{NS}Ship", {}, 200, value({"@odata.id": ROOT + "Orders(10248)", **failed("invoke", 409, "notPlaced")}), GOING_ON), ("P-11.5.2-01", "Orders(10249)", None, 200, {"Status": "Shipped"}),
        ("P-11.5.2-01", f"Customers/$filter(CustomerID eq 'ALFKI')/$each/{NS}Turnover()", None, 200, {"@odata.context": ROOT + "$metadata#Collection(Edm.Decimal)", "value": [{"value": 729.7}]}), ("P-11.5.2-01", f"Customers/$each/{NS}Nope()", None, 404),
    ],
    "members that go": [     # example 79 of the protocol
        ("P-11.4.3.1-03", "PATCH Categories(1)?$expand=Products($select=ID)", {"Products": [{"@id": "Products(1)"}, {"@id": "Products(2)"}, {"ID": 900, "UnitPrice": 3}]}, 200, {"Products": [{"ID": 1}, {"ID": 2}, {"ID": 900}]}, V401),
        ("P-11.4.3.1-03", "PATCH Categories(1)?$expand=Products($select=ID,Name)", {"Products@delta": [{"@removed": {"reason": "deleted"}, "@id": "Products(900)"}, {"@removed": {"reason": "changed"}, "@id": "Products(1)"}, {"@id": "Products(4)"}, {"@id": "Products(2)", "Name": "new"}]}, 200, {"Products": [{"ID": 2, "Name": "new"}, {"ID": 4}]}, V401),
        ("P-11.4.3.1-03", "Products(900)", None, 404), ("P-11.4.3.1-03", "Products(1)", None, 200, {"CategoryID": None}), ("P-11.4.3.1-03", "PATCH Categories(1)", {"Products@delta": [{"@removed": {"reason": "changed"}}]}, 400, error("missingValue", "Products@delta/0")),
        ("P-11.4.3.1-03", "PATCH Warehouses('HAM')", {"Shelves": [{"Number": 1}, {"Number": 2}]}, 204), ("P-11.4.3.1-03", "PATCH Warehouses('HAM')", {"Shelves@delta": [{"@removed": {"reason": "changed"}, "@id": "Warehouses('HAM')/Shelves(1)"}]}, 204), ("P-11.4.3.1-03", "Warehouses('HAM')/Shelves", None, 200, value({"Number": 2})),
    ],
    "deep update": [
        ("P-11.4.3.1-03", "PATCH Products(1)", {"Tags@delta": [{"@removed": {"reason": "changed"}, "@id": "Tags('new')"}, {"@odata.removed": GONE, "@odata.id": "Tags('vegan')"}]}, 204), ("P-11.4.3.1-03", "Products(1)/Tags/$count?$filter=Name eq 'new' or Name eq 'vegan'", None, 200, "0"), ("P-11.4.3.1-03", "Tags('new')", None, 200), ("P-11.4.3.1-03", "Tags('vegan')", None, 404), ("P-11.4.3.1-03", "POST Tags", {"Name": "vegan"}, 201),
        ("P-11.4.3.1-02", "PUT Employees(2)/Manager/$ref", {"@id": "Employees(2)"}, 204), ("P-11.4.3.1-02", "PATCH Employees(2)", {"Manager": {"@id": "Employees(3)"}, "Reports": []}, 204), ("P-11.4.3.1-02", "Employees(2)/Manager?$select=EmployeeID", None, 200, {"EmployeeID": 3}),
        ("P-11.4.3.1-04", "PATCH Categories(1)", {"Products@delta": [{"ID": 6, "ShelfLife": "P2D"}, {"ID": 800, "UnitPrice": 3}]}, 204), ("P-11.4.3.1-04", "Products(6)", None, 200, {"ShelfLife": "P2D", "CategoryID": 1}), ("P-11.4.3.1-04", "Products(800)", None, 200, {"UnitPrice": 3, "CategoryID": 1}),
        ("P-11.4.3.1-04", "PATCH Categories(1)", {"Products@delta": [{"ID": 6, "ShelfLife": "P3D"}, {"ID": 1, "ShelfLife": "P2D"}]}, 400, error("unknownProperty", "Products@delta/1/ShelfLife")), ("P-11.4.3.1-05", "Products(6)", None, 200, {"ShelfLife": "P2D"}),
        ("P-11.4.3.1-04", "PATCH Categories(1)", {"Products@delta": [{"@type": f"#{NS}DigitalProduct", "ID": 801, "SizeInBytes": 3}]}, 204), ("P-11.4.3.1-04", "PATCH Categories(1)", {"Products@delta": [{"ID": 802, "SizeInBytes": 3}]}, 400, error("unknownProperty")),
        ("P-11.4.3.1-04", "PATCH Products(6)", {"Category": {"ID": 2, "Name": "renamed"}}, 200, {"CategoryID": 2, "Category": {"ID": 2, "Name": "renamed"}}, SHOWN), ("P-11.4.3.1-04", "PATCH Products(6)", {"Category": {"Name": "created"}}, 200, {"Category": {"Name": "created", "ID": 7}}, SHOWN),
        ("P-11.4.3.1-04", "PATCH Products(6)", {"Category": {"@id": "Categories(1)", "Name": "by id"}}, 204), ("P-11.4.3.1-04", "PATCH Products(6)", {"Category": {"@id": "Categories(1)", "ID": 2}}, 400, error("conflictingLinks", "Category")),
        ("P-11.4.3.1-02", "PATCH Orders(10249)", {"Details": [{"ProductID": 4, "Quantity": 10}]}, (204, 409)), ("P-11.4.3.1-03", "PATCH Orders(10249)", {"Details@delta": [{"ProductID": 4, "Quantity": 11}]}, 200, {"Details": Some([{"ProductID": 4, "Quantity": 11}])}, SHOWN),
        ("P-11.4.3.1-02", "PUT Warehouses('HAM')", {"Address": {}, "Shelves": [{"Number": 3, "MaxLoad": 10}, {"Number": 5}]}, 200, {"Shelves": [{"Number": 3, "MaxLoad": 10}, {"Number": 5}]}, SHOWN), ("P-11.4.3.1-03", "PUT Warehouses('HAM')", {"Address": {}, "Shelves@delta": []}, 400),
        ("P-11.4.3.1-01", "PATCH Products(6)", {"Category": {"ID": 2, "Name": "x"}}, 400, error("nestedEntity", "Category"), {"OData-Version": "4.0"}), ("P-11.4.3.1-01", "PATCH Products(6)", {"Tags@odata.bind": ["Tags('unused')"]}, 204, None, {"OData-Version": "4.0"}),
    ],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_changes_of_many(private: Callable[..., Client], story: list[tuple[Any, ...]]) -> None:
    tell(private("northwind"), story)


PLAIN = [
    # many rows of a type without rules and without anything that hangs on them: as many statements as for one
    ("PATCH Words/$each", b'{"eq": 7}', {}), ("PATCH Products/$each", b'{"Name": "n"}', {}), ("DELETE Reviews/$each", b"", {}), ("DELETE PriceChanges/$each", b"", {}),
]


@pytest.mark.parametrize(("line", "body", "sent"), PLAIN, ids=[case[0] for case in PLAIN])
def test_many_rows_are_one_statement(private: Callable[..., Client], line: str, body: bytes, sent: dict[str, str]) -> None:
    client = private("northwind")
    with client.statements() as seen:
        assert client.send(line, {"Content-Type": "application/json", **sent} if body else sent, body).status == 204
    verb = "DELETE FROM" if line.startswith("DELETE") else "UPDATE"
    changing = [text for text in seen if text.startswith(verb) and "odata_" not in text]
    assert len(changing) == 1, seen

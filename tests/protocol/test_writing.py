"""Data modification beyond the plain entity: complex values that link, keys inside them, streams, `$ref` by key, deltas.

Protocol §11.4; JSON Format §7.1, §8.5, §14; conformance.md sections 4 and 12.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.protocol.changing import MINIMAL, SHOWN, V401, error, tell
from tests.protocol.exchange import ABSENT, ROOT, Client, Only, Some

SUPPLIER = "Suppliers(c09bf3d1-eb12-5f24-937b-2a4955209b53)"
NEW = {"OData-Version": "4.01", **V401}
ID = "@Org.OData.Core.V1.ContentID"
SVG, TEXT, HTML = {"Content-Type": "image/svg+xml"}, {"Content-Type": "text/plain"}, {"Content-Type": "text/html"}
MADE_BY_ACME, MADE_BY_BOLT = ({"Maker": {"Name": {"Short": name}}} for name in ("acme", "bolt"))
NO_OFFSET = "2024-05-01T10:00:00"

WORKSHOP: dict[str, list[tuple[Any, ...]]] = {
    "numbers are given once": [
        ("P-11.4.7.1-01", "POST Drawings", b"<svg/>", 201, {"ID": 4}, SVG), ("P-11.4.7.3-01", "DELETE Drawings(4)", None, 204), ("P-11.4.7.1-01", "POST Drawings", b"<svg/>", 201, {"ID": 5}, SVG),
    ],
    "complex values that link": [
        ("P-11.4.2.2-02", "POST Tools", {"Code": "t1", "Spot": {"Keeper": {"Name": {"Short": "new1"}}}, "Parts": [{"Name": "p", "Maker": {"Name": {"Short": "new2"}}}, {"Name": "q", "Maker": {"@id": "Makers('acme')"}}]}, 201,
         {"Spot": {"Keeper": {"Name": {"Short": "new1"}}}, "Parts": [{"Maker": {"Name": {"Short": "new2"}}}, {"Maker": {"Name": {"Short": "acme"}}}]}),
        ("P-11.4.3.1-04", "PATCH Tools('t1')", {"Spot": {"Keeper": {"Name": {"Short": "new3"}, "Founded": 7}}}, 200, {"Spot": {"Keeper": {"Founded": 7}}}, {**NEW, **SHOWN}),
        ("P-11.4.3.1-04", "PATCH Bench", {"Spot": {"Keeper": {"Name": {"Short": "new4"}}}}, 204, None, NEW), ("P-11.4.3.1-04", "Bench?$expand=Spot/Keeper", None, 200, {"Spot": {"Keeper": {"Name": {"Short": "new4"}}}}),
        ("P-11.4.6.3-01", "PUT Tools('t1')/Spot/Keeper/$ref", {"@id": "Makers('acme')"}, 204), ("P-11.4.9.3-01", "PATCH Tools('t1')/Spot", {"Keeper@odata.bind": "Makers('bolt')"}, 204),
        ("P-11.4.2.1-01", "POST Tools", {"Code": "t2", "Parts": [{"Name": "p", "Maker@odata.bind": "Makers('nope')"}]}, 400, error("referenceNotFound")), ("P-11.4.2.1-01", "Tools('t2')", None, 404),
    ],
    "items keep their links": [
        ("P-11.4.10-01", "PATCH Tools('saw')/Parts/2", {"Weight": 1}, 204), ("P-11.4.10-01", "Tools('saw')/Parts?$expand=Maker", None, 200, {"value": [MADE_BY_ACME, MADE_BY_BOLT, {"Maker": None}]}), ("P-11.4.10-01", "DELETE Tools('saw')/Parts/0", None, 204), ("P-11.4.10-01", "Tools('saw')/Parts?$expand=Maker", None, 200, {"value": [MADE_BY_BOLT, {"Maker": None}]}),
        ("P-11.4.9.4-01", "POST Tools('saw')/Parts?$index=0", {"Name": "first", "Maker@odata.bind": "Makers('acme')"}, 204), ("P-11.4.9.4-01", "Tools('saw')/Parts?$expand=Maker", None, 200, {"value": [MADE_BY_ACME, MADE_BY_BOLT, {"Maker": None}]}), ("P-11.4.10-01", "PATCH Tools('saw')/Parts/1", {"Maker@odata.bind": "Makers('acme')"}, 204),
        ("P-11.4.10-01", "Tools('saw')/Parts?$expand=Maker", None, 200, {"value": [MADE_BY_ACME, MADE_BY_ACME, {"Maker": None}]}), ("P-11.4.10-01", "PUT Tools('saw')/Parts/0", {"Name": "bare"}, 204), ("P-11.4.10-01", "Tools('saw')/Parts?$expand=Maker", None, 200, {"value": [{"Maker": None}, MADE_BY_ACME, {"Maker": None}]}),
    ],
    "references in items": [
        ("P-11.4.6.3-01", "PUT Tools('saw')/Parts/0/Maker/$ref", {"@id": "Makers('bolt')"}, 204, None), ("P-11.4.6.2-01", "DELETE Tools('saw')/Parts/-2/Maker/$ref", None, 204, None), ("P-11.4.6.3-01", "Tools('saw')/Parts?$expand=Maker", None, 200, {"value": [MADE_BY_BOLT, {"Maker": None}, {"Maker": None}]}),
        ("P-11.4.6.3-01", "PUT Tools('saw')/Parts/7/Maker/$ref", {"@id": "Makers('bolt')"}, 404), ("P-11.4.6.3-01", "PUT Tools('nope')/Parts/0/Maker/$ref", {"@id": "Makers('bolt')"}, 404), ("P-11.4.6.3-01", "PUT Tools('saw')/Parts/0/Maker/$ref", {"@id": "Makers('nope')"}, 400, error("referenceNotFound")),
        ("P-11.4.3-01", "PATCH Tools('saw')/Parts/0/Maker", {"Founded": 3}, 204), ("P-11.4.3-01", "Makers('bolt')", None, 200, {"Founded": 3}),
    ],
    "each of a collection of values": [
        ("P-11.4.13-01", "PATCH Tools('saw')/Parts/$each", {"Weight": 1, "Origin": {"Town": "U"}}, 204, None), ("P-11.4.13-01", "Tools('saw')/Parts?$expand=Maker", None, 200, {"value": [{"Weight": 1, "Origin": {"Town": "U", "Storey": None}, **MADE_BY_ACME}, {"Weight": 1, **MADE_BY_BOLT}, {"Weight": 1, "Origin": {"Town": "U", "Storey": 0}}]}),
        ("P-11.4.13-01", "PATCH Tools('saw')/Parts/$filter(Name eq 'grip')/$each", {"Weight": 2}, 204), ("P-11.4.13-01", "PATCH Tools('saw')/Parts/Workshop.MovingPart/$each", {"Labels": ["x"]}, 204), ("P-11.4.13-01", "Tools('saw')/Parts", None, 200, {"value": [{"Weight": 1, "Labels": ["steel", "sharp"]}, {"Weight": 2, "Labels": ["x"]}, {"Weight": 1}]}),
        ("P-11.4.13-01", "PATCH Tools('saw')/Parts/$each", {"Bogus": 3}, 400, error("unknownProperty")), ("P-11.4.13-01", "PATCH Tools('saw')/Sizes/$filter($it gt 15)/$each", {"value": 5}, 204), ("P-11.4.13-01", "Tools('saw')/Sizes", None, 200, {"value": [5, 10, 5, 10]}), ("P-11.4.13-01", "PATCH Tools('saw')/Sizes/$each", {"value": "x"}, 400, error("invalidValue")),
        ("P-11.4.14-01", "DELETE Tools('saw')/Sizes/$filter($it eq 5)/$each", None, 204, None), ("P-11.4.14-01", "Tools('saw')/Sizes", None, 200, {"value": [10, 10]}), ("P-11.4.14-01", "DELETE Tools('saw')/Sizes/$each", None, 400, error("tooManyAffected"), {"Prefer": "max-affected=1"}), ("P-11.4.14-01", "DELETE Tools('saw')/Parts/$filter(Weight eq 1)/$each", None, 204),
        ("P-11.4.14-01", "Tools('saw')/Parts?$expand=Maker", None, 200, {"value": [{"Name": "grip", **MADE_BY_BOLT}]}), ("P-11.4.13-01", "PUT Tools('saw')/Sizes/$each", {"value": 5}, 405), ("P-11.4.13-01", "PATCH Tools('nope')/Sizes/$each", {"value": 5}, 404),
    ],
    "keys inside complex values": [
        ("P-11.4.3-03", "PATCH Makers('acme')", {"Name": {"Short": "x", "Long": "L"}}, 200, {"Name": {"Short": "acme", "Long": "L"}}, SHOWN),
        ("P-11.4.3-02", "PUT Makers('acme')", {"Name": {"Long": "M"}}, 200, {"Name": {"Short": "acme", "Long": "M"}, "Founded": None}, SHOWN),
        ("P-11.4.9.3-01", "PATCH Makers('acme')/Name", {"Short": "x", "Long": "O"}, 200, {"Short": "acme", "Long": "O"}, SHOWN), ("P-11.4.9.3-01", "PUT Makers('acme')/Name", {"Short": 5, "Long": "P"}, 200, {"Short": "acme", "Long": "P"}, SHOWN), ("P-11.4.9.3-01", "PUT Makers('acme')/Name", {}, 200, {"Short": "acme", "Long": None}, SHOWN),
        ("P-11.4.9.3-01", "PUT Makers('acme')/Name/Long", {"value": "M"}, 204), ("P-11.4.9.3-01", "PUT Makers('acme')/Name/Short", {"value": "x"}, 405), ("P-11.4.9.3-01", "PUT Makers('acme')/Name", {"value": None}, 400, error("nullNotAllowed", "Name")), ("P-11.4.9.3-01", "DELETE Makers('acme')/Name", None, 400, error("nullNotAllowed", "Name")),
        ("P-11.4.4-03", "PUT Makers('new')", {"Name": {"Short": "x", "Long": "N"}}, 201, {"Name": {"Short": "new", "Long": "N"}}), ("P-11.4.4-03", "PATCH Makers('newer')", {}, 201, {"Name": {"Short": "newer"}}),
    ],
    "media": [
        ("P-11.4.7.1-01", "POST Drawings", b"<svg/>", 201, {"ID": 4, "Title": None}, SVG, {"Location": ROOT + "Drawings(4)", "ETag": str}), ("P-11.4.7.1-01", "Drawings(4)/$value", None, 200, b"<svg/>", {}, {"Content-Type": "image/svg+xml", "Content-Disposition": "attachment"}),
        ("P-11.4.7.1-01", "POST Plans", b"a", 201, {"Name": "ground floor"}, {**TEXT, "Slug": "ground%20floor"}), ("P-11.4.7.1-01", "POST Plans", b"b", 201, {"Name": lambda name: name != "ground floor"}, {**TEXT, "Slug": "ground%20floor"}),
        ("P-11.4.7.1-01", "POST Plans", b"c", 201, {"Name": re.compile("^[0-9a-f]{12}$")}, {**TEXT, "Slug": "much too long for it"}), ("P-11.4.4-02", "PUT Drawings(77)", {"Title": "x"}, 404),
        ("P-11.4.7.2-01", "PUT Drawings(1)/$value", b"<p/>", 200, {"ID": 1}, {**HTML, **SHOWN}), ("P-11.4.7.2-01", "PUT Drawings(1)/$value", b"x", 412, ..., {**HTML, "If-Match": '"1"'}), ("P-11.4.7.2-01", "PUT Drawings(99)/$value", b"x", 404, ..., HTML),
        ("P-11.4.7.2-01", "PATCH Drawings(1)", {"$value": "YQ"}, 204, None, NEW), ("P-11.4.7.2-01", "Drawings(1)/$value", None, 200, b"a", {}, {"Content-Disposition": 'attachment; filename="saw, front"'}),
        ("P-11.4.2.2-05", "PATCH Tools('saw')", {"Related@delta": []}, 204, None, NEW), ("P-11.4.7.2-01", "PATCH Drawings(1)", {"Title": "Säge \"1\""}, 204), ("P-11.4.7.2-01", "Drawings(1)/$value", None, 200, b"a", {}, {"Content-Disposition": "attachment; filename=\"S?ge _1_\"; filename*=UTF-8''S%C3%A4ge%20%221%22"}),
        ("P-11.4.7.3-01", "DELETE Drawings(2)/$value", None, 204, None), ("P-11.4.7.3-01", "Drawings(2)", None, 404), ("P-11.4.7.3-01", "DELETE Drawings(1)", None, 204), ("P-11.4.7.3-01", "Drawings(1)/$value", None, 404),
    ],
    "streams": [
        ("P-11.4.8-01", "PUT Tools('saw')/Manual", b"<p/>", 204, None, {**HTML, **SHOWN}, {"ETag": str, "Preference-Applied": None}), ("P-11.4.8-01", "Tools('saw')/Manual", None, 200, b"<p/>"), ("P-11.4.8-01", "Tools('saw')/Sketch", None, 200, ..., {}, {"Content-Disposition": 'inline; filename="sketch"'}),
        ("P-11.4.8-01", "DELETE Tools('saw')/Manual", None, 204, None), ("P-11.4.8-01", "Tools('saw')/Manual", None, 204, None), ("P-11.4.8-01", "PUT Tools('saw')/Manual", b"a", 204, None, {**HTML, "If-None-Match": "*"}), ("P-11.4.8-01", "PUT Tools('saw')/Manual", b"b", 412, ..., {**HTML, "If-None-Match": "*"}),
        ("P-11.4.8-01", "POST Tools('saw')/Manual", b"a", 405, ..., HTML), ("P-11.4.8-01", "PUT Tools('nope')/Manual", b"a", 404, ..., HTML),
    ],
    "ranges": [
        ("RFC 9110 14.2", "PUT Tools('saw')/Manual", b"0123456789", 204, None, TEXT), *[("RFC 9110 14.2", "Tools('saw')/Manual", None, status, content, {"Range": text}, {"Content-Range": told, "Content-Length": str(len(content)) if isinstance(content, bytes) else ...}) for text, status, content, told in (
            ("bytes=2-3", 206, b"23", "bytes 2-3/10"), ("bytes=8-", 206, b"89", "bytes 8-9/10"), ("bytes=-3", 206, b"789", "bytes 7-9/10"), ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"), ("bytes=5-99", 206, b"56789", "bytes 5-9/10"), ("bytes=0-0,50-", 206, b"0", "bytes 0-0/10"),
            ("bytes=10-", 416, error("rangeNotSatisfiable", "Range"), "bytes */10"), ("bytes=-0", 416, error("rangeNotSatisfiable", "Range"), "bytes */10"), ("bytes=20-30, 40-", 416, error("rangeNotSatisfiable", "Range"), "bytes */10"), ("bytes=3-2", 200, b"0123456789", None), ("chars=1-2", 200, b"0123456789", None), ("bytes=a-b", 200, b"0123456789", None), ("bytes=0-5,3-8", 200, b"0123456789", None),
            ("bytes=" + ",".join(f"{at}-{at}" for at in range(21)), 200, b"0123456789", None), ("bytes=0-1, -2", 206, re.compile(r"^--(\w+)\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n--\1\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n--\1--\r\n$"), None))],
        ("RFC 9110 14.2", "Tools('saw')/Manual", None, 200, b"0123456789", {"Range": "bytes=2-3", "If-Range": 'W/"1"'}),
        ("RFC 9110 15.5.17", "Tools('saw')/Manual", None, 416, error("rangeNotSatisfiable", "Range"), {"Range": "bytes=10-"}, {"Content-Type": re.compile("^application/json"), "Content-Range": "bytes */10", "ETag": str}),
    ],
    "keys in complex values": [
        ("P-11.4.2-08", "POST Makers", {"Name": {"Short": "acme"}}, 409, {"error": {"code": "duplicateKey", "message": re.compile("with this (Name/Short|key)[.]$")}}),
    ],
    "collections of values": [
        ("P-11.4.9.4-01", "POST Tools('saw')/Sizes", {"value": 99}, 200, {"value": [30, 10, 20, 10, 99]}, SHOWN), ("P-11.4.9.4-01", "POST Tools('saw')/Sizes", {"value": 98}, 204, None, {"Prefer": "return=minimal"}, {"Preference-Applied": "return=minimal"}),
        ("P-11.4.9.4-01", "POST Tools('saw')/Sizes", {"value": [1]}, 400, error("invalidValue")), ("P-11.4.9.4-01", "PUT Tools('saw')/Sizes", {"value": [None]}, 400, error("nullNotAllowed", "Sizes/0")), ("J-7-01", "PUT Tools('saw')/Sizes", {"value": None}, 400, error("nullNotAllowed", "Sizes")),
        ("J-7.1-DTO", "POST Tools('saw')/Moments", {"value": NO_OFFSET}, 400, error("invalidValue", "Moments")), ("J-7.1-DTO", "POST Tools('saw')/Moments", {"value": NO_OFFSET + "+05:30"}, 200, {"value": ["2024-05-01T10:00:00Z", "2024-05-01T09:00:00.5Z", "2024-05-01T04:30:00Z"]}, SHOWN),
    ],
}

NORTHWIND: dict[str, list[tuple[Any, ...]]] = {
    "names that clients give": [
        ("P-11.4.2.2-03", "POST Orders", {"@Core.ContentID": "r", "Customer": {ID: "c", "CustomerID": "NEWC", "CompanyName": "n"}, "Details": [{"@Core.ContentID": "1", "ProductID": 2, "UnitPrice": 2}, {"@Core.ContentID": "2", "Product": {"@Core.ContentID": "p", "ID": 1000}, "UnitPrice": 3}]}, 201,
         {ID: "r", "Customer": {ID: "c"}, "Details": [{ID: "1", "ProductID": 2, "Product": {ID: ABSENT}}, {ID: "2", "ProductID": 1000, "Product": {ID: "p"}}]}),
        ("P-11.4.2.2-03", "PATCH Products(1)", {"Reviews@delta": [{"@Core.ContentID": "7", "Stars": 3, "WrittenAt": "2024-01-01T00:00:00Z"}]}, 200, {"Reviews": Some([{"ID": 1, ID: ABSENT}, {ID: "7", "WrittenAt": "2024-01-01T00:00:00.0000000Z"}])}, {**NEW, **SHOWN}),
    ],
    "references by key": [
        ("J-14-01", "PUT Products(1)/Category/$ref", {"ID": 2}, 204, None), ("J-14-01", "Products(1)", None, 200, {"CategoryID": 2}), ("J-14-01", "PUT Products(1)/Category/$ref", {"ID": 99}, 400, error("referenceNotFound", "@odata.id")),
        ("J-14-01", "PUT Products(1)/Category/$ref", {"ID": 1, "Name": "x"}, 400, error("missingValue", "@odata.id")), ("J-14-01", "PUT Products(1)/Tags/$ref", {"value": [{"Name": "vegan"}, {"@id": "Tags('new')"}]}, 204), ("J-14-01", "Products(1)/Tags/$count", None, 200, "2"),
    ],
    "links and ETags": [
        ("P-11.4.1.1-01", "PUT Products(1)/Tags/$ref", {"value": []}, 204, None, NEW), ("P-11.4.1.1-01", "POST Products(1)/Tags/$ref", {"@id": "Tags('vegan')"}, 412, ..., {"If-Match": 'W/"1"'}), ("P-11.4.1.1-01", "POST Products(1)/Tags/$ref", {"@id": "Tags('vegan')"}, 204, None, {"If-Match": "*"}),
    ],
    "members of deltas": [
        ("P-11.4.3.1-03", "PATCH Products(1)", {"Tags": [{"Name": "new", "@removed": {}}]}, 400, error("invalidValue", "Tags/0"), NEW), ("P-11.4.12-01", "PATCH Tags", {"value": [{"@id": "Tags('by id')", "Color": "#222222"}]}, 200, {"value": [{"Name": "by id", "Color": "#222222"}]}, {**NEW, **SHOWN}),
        ("P-11.4.3.1-04", "PATCH Tags", {"value": [{"@id": "Tags('a')", "Name": "b"}]}, 400, error("conflictingLinks"), NEW), ("P-11.4.3.1-04", "PATCH Products(1)", {"Tags@delta": [{"@id": "Tags('other')", "Color": "#333333"}]}, 204, None, NEW), ("P-11.4.3.1-04", "Products(1)/Tags('other')", None, 200, {"Color": "#333333"}),
        ("P-11.4.3.1-04", "PATCH Categories", {"value": [{"@id": "Categories(99)", "Name": "b"}]}, 400, error("referenceNotFound"), NEW), ("P-11.4.12-01", "PATCH Tags", {"value": [{"@odata.context": "#Products/$link", "source": "Products(2)", "relationship": "Tags", "target": "Tags('other')"}]}, 204), ("P-11.4.12-01", "Products(2)/Tags('other')", None, 200, {"Name": "other"}),
    ],
    "ids and annotations": [
        ("J-4.3-02", "PUT PriceChanges(ProductID=1,ValidFrom=2024-01-01T00:00:00Z)", {"Price": 5}, 201, {"Price": 5}, {}, {"Location": ROOT + "PriceChanges(ProductID=1,ValidFrom=2024-01-01T00%3A00%3A00Z)"}),
        ("J-4.5-01", "POST Products", {"ID": 4001, "@odata.context": "$metadata#Products/$entity", "@my.term": [1], "Name@Core.Description": "d", "@odata.count": 1, "#Self.Discontinue": {}, "Name@odata.type": "#String", "Name": "n"}, 201, {"Name": "n", "@my.term": ABSENT}),
        ("J-4.5.9-02", "PATCH Products(4001)", {"@odata.editLink": "Products(1)", "@odata.readLink": "x", "Category@odata.navigationLink": "Categories(2)", "Category@odata.associationLink": "y", "Name": "m"}, 200, {"ID": 4001, "Name": "m", "CategoryID": None}, SHOWN),
        ("J-4.3-03", "PATCH Products(4001)", {"@odata.context": ROOT + "$metadata#Products/$entity", "Category@odata.bind": "Categories(1)"}, 200, {"CategoryID": 1}, SHOWN), ("J-4.3-03", "PATCH Products(4001)", {"Category@odata.bind": "/Categories(2)"}, 200, {"CategoryID": 2}, SHOWN),
        ("J-4.3-03", "PATCH Products(4001)", {"Category@odata.bind": ROOT + "Categories(1)"}, 200, {"CategoryID": 1}, SHOWN), ("J-4.3-03", "PATCH Products(4001)", {"Category@odata.bind": "Categories/2"}, 200, {"CategoryID": 2}, SHOWN), ("J-4.3-03", "PATCH Products(4001)", {"Category@odata.bind": "http://other.example/Categories(1)"}, 400, error("referenceNotFound")),
        ("J-Conf-24", "PATCH Products(4001)", {"@type": "#Northwind.Model.Product", "Category": {"@id": "Categories(1)"}}, 200, {"CategoryID": 1}, {**NEW, **SHOWN}), ("J-Conf-24", "PATCH Products(4001)", {"@odata.type": "#Northwind.Model.Product", "Category": {"@odata.id": "Categories(2)"}}, 200, {"CategoryID": 2}, {**NEW, **SHOWN}),
        ("J-Conf-24", "PATCH Products(4001)", {"Category@odata.bind": None}, 200, {"CategoryID": None}, {"OData-Version": "4.0", **SHOWN}), ("P-11.4.3.1-01", "PATCH Products(4001)", {"Category": {"Name": "new"}}, 400, error("nestedEntity"), {"OData-Version": "4.0"}),
        ("P-11.4.3.1-01", "PATCH Products(4001)", {"Tags@odata.bind": ["Tags('vegan')"]}, 204, None, {"OData-Version": "4.0"}), ("P-11.4.3.1-01", "PATCH Products(4001)", {"Tags@odata.bind": ["Tags('new')"]}, 204, None, {"OData-Version": "4.0"}), ("P-11.4.3.1-01", "Products(4001)/Tags/$count", None, 200, "2"),
    ],
    "annotations anywhere": [      # of terms that nobody knows, at every level of every kind of body
        ("J-4.5-01", "POST Products", {"ID": 4001, "UnitPrice": 1, "@my.t": {"a": [None]}, "UnitPrice@my.t#q": 1, "Dimensions@my.t": 1, "Dimensions": {"Width": 1, "Height": 2, "@my.t": 1, "Width@my.t": 2}, "Tags": [{"Name": "q", "@my.t": 1, "Color@my.t": 5}], "Tags@my.t": [1]}, 201, {"ID": 4001, "@my.t": ABSENT, "Tags": [{"Name": "q", "@my.t": ABSENT}]}),
        ("J-4.5-01", "PATCH Customers('ALFKI')", {"Contacts": [{"Name": "a", "@my.t": 1, "Name@my.t": 1, "Emails": [], "Emails@my.t": 1}], "Contacts@my.t": 1, "Mood": "x", "Mood@my.t": 3, "New@my.t": 1}, 204, None, {"If-Match": "*"}), ("J-4.5-01", "Customers('ALFKI')", None, 200, {"Contacts": [Only({"Name": "a", "Emails": [], "Address": None})], "Mood": "x", "Mood@my.t": ABSENT, "New": ABSENT}),
        *[("J-4.5-01", f"PUT {path}", {**body, "@my.t": 1}, 204, None, {"If-Match": "*"}) for path, body in (("Products(1)/Name", {"value": "x", "value@my.t": 1}), ("Products(1)/Dimensions", {"Width": 1, "Height": 2, "Width@my.t": 1}), ("Customers('ALFKI')/Mood", {"value": "y", "value@my.t": 1}), (f"{SUPPLIER}/Phones", {"value": ["1"], "value@my.t": 1}), ("Products(1)/Category/$ref", {"@id": "Categories(2)"}), ("Products(1)/Tags/$ref", {"value": [{"@id": "Tags('q')", "@my.t": 1}], "value@my.t": 2}))],
        ("J-4.5-01", f"POST {SUPPLIER}/Phones", {"value": "2", "@my.t": 1, "value@my.t": 1}, 204), ("J-4.5-01", "PATCH Products", {"value": [{"ID": 2, "@my.t": 1, "Name@my.t": 2}, {"@removed": {"reason": "deleted", "@my.t": 1}, "@id": "Products(4001)", "@my.t": 1}], "@my.t": 1, "value@my.t": 1}, 204, None, NEW),
        ("J-4.5-01", "PATCH Products/$filter(ID eq 2)/$each", {"Name": "q", "@my.t": 1, "Name@my.t": 1}, 204), ("J-4.5-01", "POST RaisePrices", {"category": 1, "percent": 1, "@my.t": 1, "percent@my.t": 1}, 200), ("J-4.5-01", "POST Orders(10249)/Northwind.Model.Ship", {"to": {"City": "x", "@my.t": 1, "City@my.t": 1}, "@my.t": 1, "to@my.t": 1}, 204),
        ("J-4.5-01", "POST $batch", {"requests": [{"id": "1", "method": "PATCH", "url": "Products(2)", "@my.t": 1, "body": {"Name": "b", "@my.t": 1}, "headers": {"content-type": "application/json"}, "body@my.t": 1}], "@my.t": 1, "requests@my.t": 1}, 200, {"responses": [{"id": "1", "status": 204}]}),
        ("J-4.5.14-01", "PATCH Products(2)", {"Tags@collectionAnnotations": {"0": {}}, "@collectionAnnotations": {}, "@Core.Messages": [{"code": "x"}], "Name@Core.DataModificationException": {"x": 1}}, 204, None, NEW),
        ("P-8.2.8.4", "Products(2)?$select=ID", None, 200, Only({"@odata.context": ..., "@odata.etag": ..., "ID": 2}), {"Prefer": 'include-annotations="my.t"'}),
    ],
    "numbers are given once": [
        ("P-11.4.2", "POST Categories", {"Name": "a"}, 201, {"ID": 7}), ("P-11.4.5", "DELETE Categories(7)", None, 204), ("P-11.4.2", "POST Categories", {"Name": "b"}, 201, {"ID": 8}), ("P-4.1", "Categories(7)", None, 404),
        ("P-11.4.5", "DELETE Categories(8)", None, 204), ("P-11.4.5", "DELETE Categories(6)", None, 204), ("P-11.4.2", "POST Categories", {"Name": "c"}, 201, {"ID": 9}),
        ("P-11.4.14", "DELETE Reviews/$each", None, 204), ("P-11.4.2", "POST Products(1)/Reviews", {"Stars": 3, "WrittenAt": "2024-01-01T00:00:00Z"}, 201, {"ID": 11}), ("P-11.4.14", "DELETE Reviews/$each", None, 204, None, {"Prefer": "continue-on-error"}), ("P-11.4.2", "POST Products(1)/Reviews", {"Stars": 3, "WrittenAt": "2024-01-01T00:00:00Z"}, 201, {"ID": 12}),
        ("P-11.4.2", "POST Products", {"ID": 4001, "UnitPrice": 1, "Reviews": [{"Stars": 1, "WrittenAt": "2024-01-01T00:00:00Z"}]}, 201, {"Reviews": [{"ID": 13}]}), ("P-11.4.5", "DELETE Products(4001)", None, 204), ("P-11.4.2", "POST Products(2)/Reviews", {"Stars": 3, "WrittenAt": "2024-01-01T00:00:00Z"}, 201, {"ID": 14}),
        ("P-11.4.12", "PATCH Orders", {"value": [{"@removed": {"reason": "deleted"}, "OrderID": 10273}, {"Freight": 1}]}, 204), ("P-11.4.12", "Orders?$filter=Freight eq 1&$select=OrderID", None, 200, {"value": [{"OrderID": 10274}]}),
    ],
    "types and texts": [
        ("P-11.4.4-01", "PATCH Employees(5)/Northwind.Model.SalesPerson", {"FirstName": "x", "LastName": "y"}, 404), ("P-11.4.4-01", "PATCH Products(3001)/Northwind.Model.DigitalProduct", {}, 201, {"SizeInBytes": 0}),
        ("J-7.1-DTO", "PATCH Products(1)", {"ReleaseDate": NO_OFFSET}, 400, error("invalidValue", "ReleaseDate")), ("J-7.1-DTO", "PUT Products(1)/ReleaseDate/$value", NO_OFFSET.encode(), 400, ..., TEXT), ("J-7.1-DTO", "PUT Products(1)/ReleaseDate/$value", b"2024-05-01T10:00Z", 204, None, TEXT),
        ("P-11.4.9.1-01", "PUT Products(1)/Name/$value", b"M\xfcsli", 204, None, {"Content-Type": "text/plain;charset=iso-8859-1"}), ("P-11.4.9.1-01", "Products(1)/Name/$value", None, 200, "Müsli"), ("P-11.4.9.1-01", "PUT Products(1)/Name/$value", b"x", 415, ..., {"Content-Type": "text/plain;charset=nope"}),
    ],
}


@pytest.mark.parametrize("story", WORKSHOP.values(), ids=WORKSHOP)
def test_values_and_streams(private: Callable[..., Client], story: list[tuple[Any, ...]]) -> None:
    tell(private("workshop"), story)


@pytest.mark.parametrize("story", NORTHWIND.values(), ids=NORTHWIND)
def test_names_links_and_texts(private: Callable[..., Client], story: list[tuple[Any, ...]]) -> None:
    tell(private("northwind"), story)


def test_links_change_the_etag_of_their_entity(private: Callable[..., Client]) -> None:
    client = private("northwind")
    tags = []
    for line, status in (("PUT Products(1)/Tags('none')/$ref", 405), ("DELETE Products(1)/Tags/$ref?$id=Tags('vegan')", 204), ("DELETE Products(1)/Tags/$ref?$id=Tags('vegan')", 404)):
        tags.append(client.send("Products(1)").headers["etag"])
        assert client.send(line).status == status
    assert tags[0] == tags[1] != tags[2] == client.send("Products(1)").headers["etag"]


def test_times_without_offset_are_a_leniency(private: Callable[..., Client]) -> None:
    tell(private("northwind", lenient=frozenset({"zoneless-times"})), [
        ("J-7.1-DTO", "PATCH Products(1)", {"ReleaseDate": NO_OFFSET}, 200, {"ReleaseDate": NO_OFFSET + ".000Z"}, SHOWN)])


GUESTS = "Accounts(80)/Seat/Guests"


def guests(*ids: int) -> tuple[Any, ...]:
    return "P-11.4.6.1-01", f"{GUESTS}?$select=ID&$orderby=ID", None, 200, {"value": [{"ID": each} for each in ids]}


SEATS: list[tuple[Any, ...]] = [
    *[("P-11.4.2-01", "POST Plain", {"ID": each}, 201) for each in (301, 302, 303)],
    ("P-11.4.2.1-01", "POST Accounts", {"ID": 80, "Seat": {"Row": 1, "Guests@odata.bind": ["Plain(301)"]}}, 201), guests(301),
    ("P-11.4.6.1-01", f"POST {GUESTS}/$ref", {"@odata.id": "Plain(302)"}, 204), ("P-11.4.6.1-01", f"POST {GUESTS}/$ref", {"@odata.id": "Plain(302)"}, 204), guests(301, 302),
    ("P-11.4.3.1-01", "PATCH Accounts(80)", {"Seat": {"Guests@odata.bind": ["Plain(303)"]}}, 204), guests(301, 302, 303),
    ("P-11.4.6.2-01", f"DELETE {GUESTS}/$ref?$id=Plain(301)", None, 204), guests(302, 303), ("P-11.4.6.2-02", f"DELETE {GUESTS}(302)/$ref", None, 204), guests(303), ("P-11.4.6.2-02", f"DELETE {GUESTS}(302)/$ref", None, 404),
    ("P-11.4.2-03", f"POST {GUESTS}", {"ID": 304}, 201), guests(303, 304), ("P-11.4.2-03", "Plain(304)", None, 200), ("P-11.4.2-08", f"POST {GUESTS}", {"ID": 304}, 409), ("P-11.4.2-07", f"POST {GUESTS}", {"ID": 305, "Nope": 1}, 400),
    ("P-11.4.2-03", "POST Accounts(1)/Seat/Guests", {"ID": 306}, 404), ("P-11.4.2-03", "POST Accounts(99)/Seat/Guests", {"ID": 306}, 404), ("P-11.4.2-03", "Plain(306)", None, 404), guests(303, 304),
    ("P-11.4.3.1-03", "PATCH Accounts(80)/Seat", {"Guests@delta": [{"ID": 307}, {"ID": 303, "@removed": {"reason": "changed"}}]}, 204), guests(304, 307),
    ("P-11.4.3.1-03", "PATCH Accounts(80)/Seat", {"Guests@delta": [{"ID": 307, "@removed": {"reason": "deleted"}}]}, 204), guests(304), ("P-11.4.3.1-03", "Plain(307)", None, 404), ("P-11.4.3.1-03", "Plain(303)", None, 200),
    ("P-11.4.6.4-01", f"PUT {GUESTS}/$ref", {"value": [{"@odata.id": "Plain(301)"}, {"@odata.id": "Plain(302)"}]}, 204), guests(301, 302), ("P-11.4.3.1-02", "PATCH Accounts(80)", {"Seat": {"Guests": [{"@id": "Plain(303)"}]}}, 204), guests(303),
]


def test_collections_of_entities_inside_values(private: Callable[..., Client]) -> None:
    """Links are added to those that are there, and end one by one."""
    tell(private("capabilities"), SEATS)


GUID = "abcdef01-2345-6789-abcd-ef0123456789"
TYPED: list[tuple[Any, ...]] = [
    # the type that stands beside a value of Edm.PrimitiveType or Edm.Untyped is kept, however it is sent
    ("J-4.5.3-01", "POST Anythings", {"ID": 900, "Primitive@odata.type": "#Date", "Primitive": "2024-01-01", "Untyped@odata.type": "#Types.Bag", "Untyped": {"z": 1}, "Bag": {}}, 201),
    ("J-4.5.3-01", "Anythings(900)", None, 200, {"Primitive@odata.type": "#Date", "Primitive": "2024-01-01", "Untyped": {"@odata.type": "#Types.Bag", "z": 1}}),
    *[each for type, value, literal in (
        ("Decimal", 1.25, "1.25"), ("Double", 1.5, "1.5"), ("Int64", 9007199254740995, "9007199254740995"), ("Int32", 77, "77"), ("Guid", GUID, GUID), ("Date", "2024-01-02", "2024-01-02"),
        ("Boolean", False, "false"), ("String", "it's", "'it''s'"), ("DateTimeOffset", "2024-01-02T03:04:05Z", "2024-01-02T04:04:05%2B01:00"), ("Duration", "PT3S", "duration'PT3S'"), ("TimeOfDay", "10:00:01", "10:00:01"))
      for each in (("U-5.1.1", "PUT Anythings(900)/Primitive", {"value": value, "value@odata.type": "#" + type}, 204), ("U-5.1.1", f"Anythings?$filter=Primitive eq {literal}&$select=ID", None, 200, {"value": [{"ID": 900}]}),
                   ("U-5.1.1", f"Anythings?$filter=ID eq 900 and Primitive ne {literal}&$select=ID", None, 200, {"value": []}))],
    ("J-4.5.3-01", "PUT Anythings(900)/Primitive", {"value": "PT1S", "value@odata.type": "#Duration"}, 204), ("J-4.5.3-01", "PUT Anythings(900)/Untyped", {"@odata.type": "#Guid", "value": GUID}, 204),
    ("J-4.5.3-01", "Anythings(900)", None, 200, {"Primitive@odata.type": "#Duration", "Primitive": "PT1S", "Untyped@odata.type": "#Guid", "Untyped": GUID}),
    ("J-4.5.3-01", "Anythings(900)/Primitive", None, 200, {"@odata.type": "#Duration", "value": "PT1S"}), ("J-4.5.3-01", "PUT Anythings(900)/Primitive", {"value": "x", "value@odata.type": "#Date"}, 400),
    ("J-4.5.3-01", "PUT Anythings(900)/Primitive", {"value": 1, "value@odata.type": "#Nope"}, 400), ("J-4.5.3-01", "PUT Anythings(900)/Primitive", {"value": 5}, 204), ("J-4.5.3-01", "Anythings(900)/Primitive", None, 200, {"value": 5}),
    ("P-11.4.9.3-01", "PUT Anythings(900)/Bag", {"value": 5}, 204), ("P-11.4.9.3-01", "Anythings(900)/Bag", None, 200, {"value": 5}),
    # Unicode="false" takes ASCII alone (X 7.2.6)
    ("X-7.2.6", "POST Faceteds", {"ID": 900, "Ascii": "\u00e9"}, 400), ("X-7.2.6", "POST Faceteds", {"ID": 900, "Ascii": "e"}, 201), ("X-7.2.6", "PUT Faceteds(900)/Ascii", {"value": "\u03b1"}, 400),
    # limits of values, on every store the same
    *[("P-11.4.2-07", "POST Plains", {"ID": 901, **value}, 400) for value in (
        {"Int64": 2 ** 63}, {"Int64": "5"}, {"Int32": 1.5}, {"Boolean": 1}, {"Byte": 256}, {"SByte": 128}, {"Decimal": "NaN"}, {"Date": "0000-01-01"}, {"Date": "10000-01-01"}, {"Date": "2023-02-29"}, {"DateTimeOffset": "2024-01-01T24:00:00Z"},
        {"DateTimeOffset": "2024-01-01T00:00:00"}, {"DateTimeOffset": "9999-12-31T23:59:59-01:00"}, {"DateTimeOffset": "2024-01-01T00:00:00.12345678Z"}, {"TimeOfDay": "24:00:00"}, {"TimeOfDay": "23:59:60"}, {"Duration": "P1Y"},
        {"Duration": "P999999999999D"}, {"Guid": "{" + GUID + "}"}, {"Binary": "@@"}, {"Enum": "Nope"}, {"String": "a\u0000"}, {"String": "\ud800"}, {"String": 5}, {"Nope": 1})],
    ("P-11.4.2-07", "Plains(901)", None, 404),
    # a leap second is valid; no store counts them, so it is the second after it
    ("J-7.1-DTO", "PATCH Plains(2)", {"DateTimeOffset": "2016-12-31T23:59:60Z"}, 204), ("J-7.1-DTO", "Plains(2)/DateTimeOffset", None, 200, {"value": "2017-01-01T00:00:00.0000000Z"}),
]


def test_types_of_values(private: Callable[..., Client]) -> None:
    tell(private("types"), TYPED)


def test_a_complex_value_is_set_to_null(private: Callable[..., Client]) -> None:
    """`{"value": null}` is what its answers would say (P 11.4.9.2)."""
    tell(private("northwind"), [("P-11.4.9.2-01", "PUT Orders(10249)/ShipTo", {"value": None}, 204), ("P-11.4.9.2-01", "Orders(10249)/ShipTo", None, 204),
                                ("P-11.4.9.2-01", "PUT Warehouses('HAM')/Address", {"value": None}, 400), ("P-11.4.9.2-01", "PUT Orders(10249)/ShipTo", {"value": 1}, 400)])


XML = {"Accept": "application/xml"}
STREAMS: list[tuple[Any, ...]] = [
    ("P-11.4.8-01", "PATCH Tools('saw')", {"Manual": "AAAA", "Manual@odata.mediaContentType": "image/png"}, 204), ("P-11.4.8-01", "Tools('saw')/Manual", None, 200), ("P-11.4.8-01", "PATCH Tools('saw')", {"Manual": None}, 204),
    ("P-11.4.8-01", "Tools('saw')/Manual", None, 204), ("P-11.4.8-01", "POST Tools", {"Code": "n1", "Manual": None}, 201), ("P-11.4.7.1-01", "POST Plans", {"Name": "p2"}, 201, {"Name": "p1"}, {"Slug": "p1"}), ("P-11.4.7.1-01", "Plans('p1')/$value", None, 200, {"Name": "p2"}, {}, {"Content-Type": "application/json"}),
    ("P-11.4.7.1-01", "POST Plans", {}, 204, None, {"Slug": "p3", **MINIMAL}), ("P-11.4.7.1-01", "Plans('p2')", None, 404), ("P-11.4.8-01", "PATCH Plans('p1')", {"$value": None}, 400),
    # who takes no JSON is shown none, and nothing has happened (P 8.2.1)
    ("P-7-02", "POST Tools", {"Code": "n2"}, 406, ..., XML), ("P-7-02", "Tools('n2')", None, 404), ("P-7-02", "POST Tools", {"Code": "n2"}, 204, None, {**XML, **MINIMAL}), ("P-7-02", "PATCH Tools('n2')", {"Sizes": [1]}, 204, None, XML),
    ("P-7-02", "PATCH Tools('n2')", {"Sizes": [2]}, 406, ..., {**XML, "Prefer": "return=representation"}), ("P-7-02", "Tools('n2')/Sizes", None, 200, {"value": [1]}),
]


def test_streams_that_go_and_answers_nobody_takes(private: Callable[..., Client]) -> None:
    tell(private("workshop"), STREAMS)

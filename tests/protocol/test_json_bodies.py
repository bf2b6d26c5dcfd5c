"""What bodies may hold besides their values: relative URLs, annotations, links, types; conformance rows J-4.3 to J-Conf-24.

JSON Format §4.3, §4.5, §7.5, §18, §20.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.protocol.changing import ANY, error, tell
from tests.protocol.exchange import ABSENT, ROOT, Client

FULL, NEW = {"Accept": "application/json;odata.metadata=full"}, {"OData-Version": "4.01", "OData-MaxVersion": "4.01"}
LINK = "POST Products(16)/Tags/$ref"
ODD = "Tags('a%3Ab%2Fc%3Fd%23e''f')"
NOTES: dict[str, Any] = {"@foo.bar": 1, "Name@foo.bar": {"x": 1}, "@odata.count": "q", "@x.y#z": [1], "@odata.unknown": {"a": 1}}
LINKS: dict[str, Any] = {"@odata.editLink": "x", "@odata.readLink": 5, "Products@odata.navigationLink": "y", "Products@odata.associationLink": 3}

STORIES: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "J-4.3": ("northwind", [
        ("J-4.3-03", LINK, {"@odata.id": "Tags('new')"}, 204), ("J-4.3-03", LINK, {"@odata.context": ROOT + "$metadata#$ref", "@odata.id": "Tags('sale')"}, 204), ("J-4.3-03", LINK, {"@odata.id": "../../Tags('vegan')"}, 204),
        ("J-4.3-03", LINK, {"@odata.id": "/Tags('gift')"}, 204), ("J-4.3-03", LINK, {"@odata.id": ROOT + "Tags('a%2Fb')"}, 204), ("J-4.3-03", LINK, {"@odata.id": "http://other.example/Tags('gift')"}, 400, error("referenceNotFound")), ("J-4.3-03", "Products(16)/Tags/$count", None, 200, "5"),
        ("J-4.3-02", "POST Tags", {"Name": "a:b/c?d#e'f"}, 201, {"@odata.editLink": ODD}, FULL, {"Location": ROOT + ODD}), ("J-4.3-02", ODD, None, 200, {"Name": "a:b/c?d#e'f"}),
        ("J-4.3-01", "Products(5)?$expand=Category", None, 200, {"@odata.editLink": "Products(5)/Northwind.Model.PerishableProduct", "Category": {"@odata.editLink": "Categories(4)"}}, FULL),
    ]),
    "J-4.5": ("northwind", [
        ("J-4.5-01", "POST Tags", {"Name": "a", **NOTES}, 201, {"Name": "a", "@foo.bar": ABSENT}), ("J-4.5-01", "POST Tags", {"Name": "a1", "\ud800": 1}, 400, error("malformedJson")), ("J-4.5-01", "POST Tags", {"Name": "a1", "Color": "\udfff"}, 400, error("invalidValue", "Color")), ("J-4.5-01", "POST Customers('ALFKI')/Orders", [{"\ud83d": {}}], 400, error("malformedJson")), ("J-4.5-01", "POST Tags", {"Name": "b", **{name.replace("odata.", ""): note for name, note in NOTES.items()}}, 201, {"Name": "b"}, NEW),
        ("J-20-01", "PATCH Tags('a')", {"Color@display.style": {"bold": True}, "Color": "#000001"}, 204), ("J-20-01", "Tags('a')", None, 200, {"Color": "#000001"}), ("J-4.5.9-02", "PATCH Tags('a')", {"Color": "#000002", **LINKS}, 204), ("J-4.5.9-02", "Tags('a')", None, 200, {"Name": "a", "Color": "#000002"}),
        ("J-4.5.7-01", "Tags?$top=2", None, 200, {"@odata.deltaLink": ABSENT, "@odata.nextLink": str}, {"Prefer": "track-changes, maxpagesize=1"}), ("J-4.5.7-01", "Tags", None, 200, {"@odata.deltaLink": str, "@odata.nextLink": ABSENT}, {"Prefer": "track-changes"}),
        ("J-Conf-24", "PATCH Products(1)", {"@odata.type": "#Northwind.Model.Product", "Tags@odata.bind": ["Tags('sale')"]}, 204, None, {"OData-Version": "4.0"}), ("J-Conf-24", "PATCH Products(1)", {"@type": "Northwind.Model.Product", "Tags@delta": [{"@id": "Tags('gift')"}]}, 204, None, NEW),
        ("J-Conf-24", "PATCH Products(1)", {"@odata.type": "#Northwind.Model.Product", "Tags@odata.delta": [{"@odata.id": "Tags('gift')"}]}, 204, None, NEW),
    ]),
    "J-7.5": ("types", [
        ("J-7.5-01", "POST Anythings", {"ID": 77, "Bag": {}, "Untyped": [1, "a", {"b": [None, 2.5, [True]]}]}, 201), ("J-7.5-01", "Anythings(77)", None, 200, {"Untyped": [1, "a", {"b": [None, 2.5, [True]]}]}),
        ("J-Conf-16", "POST Anythings", {"@odata.type": ROOT + "$metadata#Types.Anything", "ID": 79, "Bag": {}}, 201), ("J-Conf-16", "POST Anythings", {"@odata.type": "http://other.example/$metadata#NS.T", "ID": 80, "Bag": {}}, 400, error("unknownType", "@odata.type")),
    ]),
    "J-18": ("workshop", [
        ("J-18-01", "POST Tools('saw')/Workshop.Sharpen", None, 204), ("J-18-01", "POST Tools('saw')/Workshop.Sharpen", {}, 204), ("J-18-01", "POST Tools('saw')/Workshop.Sharpen", {"x": 1}, 400, error("unknownParameter", "x")),
        ("J-10-01", "PATCH Drawings(1)", {"Title": "t", "$value": "AAEC", "$value@mediaContentType": "image/png"}, 204, None, {**NEW, **ANY}), ("V401-09", "Drawings(1)/$value", None, 200, b"\x00\x01\x02", {}, {"Content-Type": "image/png"}),
    ]),
}


@pytest.mark.parametrize("name", STORIES)
def test_bodies(private: Callable[..., Client], name: str) -> None:
    model, story = STORIES[name]
    tell(private(model), story)


def test_nested_values(private: Callable[..., Client], store: str) -> None:
    """J-7.5: 90 levels are kept, or refused as a limit of the store; what is there stays."""
    deep: Any = 1
    for _ in range(90):
        deep = [deep]
    one = "GET Anythings(2)?$select=Untyped"
    status, found = (400, {"Untyped": 5}) if store == "mariadb" else (204, {"Untyped": deep})
    tell(private("types"), [("J-7.5-01", "PATCH Anythings(2)", {"Untyped": 5}, 204), ("J-7.5-01", "PATCH Anythings(2)", {"Untyped": deep}, status, error("limitExceeded") if status == 400 else None),
                            ("J-7.5-01", one, None, 200, found)])

"""Headers of requests and answers, row by row: versions, methods, preferences, media types and charsets of bodies.

Protocol §8, §9.2.2, §11.2.11; RFC 7240; RFC 9110 §9.3.7, §12; conformance rows P-8.1.5, P-8.2, P-8.2.8, P-9.2-03.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Client, Exchange, rows

JSON = {"Content-Type": "application/json"}
TAG = b'{"Name":"fresh"}'
READ, SET, ONE = "GET, HEAD", "GET, HEAD, POST, PATCH, PUT", "GET, HEAD, PATCH, PUT, DELETE"


def prefer(text: str, applied: str | None, target: str = "Products?$select=ID,Weight&$top=3", spec: str = "P-8.2.8-01", body: Any = ...) -> Exchange:
    return Exchange(spec, target, headers={"Preference-Applied": applied}, sent={"Prefer": text}, body=body)


READING = [
    # the version of the answer (P-8.2.7-01, -02): decimals, up to 4.01
    *[Exchange("P-8.2.7-01", "Products(1)", headers={"OData-Version": version}, sent={"OData-MaxVersion": text})
      for text, version in (("4", "4.0"), ("4.0", "4.0"), ("4.00", "4.0"), ("4.001", "4.0"), ("4.01", "4.01"), ("4.010", "4.01"), ("4.1", "4.01"), ("5.0", "4.01"), ("99", "4.01"), ("4.0;NetFx", "4.0"))],
    *[Exchange("P-8.2.7-02", "Products(1)", 400, {"error": {"code": "unsupportedVersion", "target": "OData-MaxVersion"}}, {"OData-Version": "4.0"}, {"OData-MaxVersion": text})
      for text in ("3.0", "3.99", "x", "4.01.1", "-4", "4.²", "4" * 5000)],
    *[Exchange("P-8.1.5-02", "Products(1)", 400, {"error": {"code": "unsupportedVersion", "target": "OData-Version"}}, sent={"OData-Version": text}) for text in ("3.0", "4.1", "5.0", "x", "²")],
    # methods (P-9.2-03): what a resource knows, whatever was tried
    *[Exchange("P-9.2-03", f"{method} {target}", status, headers={"Allow": allowed}) for method, status in (("OPTIONS", 204), ("TRACE", 405), ("BREW", 405)) for target, allowed in (
        ("", READ), ("$metadata", READ), ("Products", SET), ("Products(1)", ONE), ("Products(1)/Category/$ref", "GET, HEAD, POST, PUT, DELETE"), ("Products/$count", READ),
        ("RaisePrices", "POST"), ("$all", READ), ("$batch", "POST, HEAD"), ("TopProducts(count=1)", READ))],
    # what properties and capabilities take away is in no Allow (P-9.2-03)
    *[Exchange("P-9.2-03", f"{method} {target}", status, headers={"Allow": allowed}) for method, status in (("OPTIONS", 204), ("TRACE", 405), ("BREW", 405)) for target, allowed in (
        ("Products(1)/ID", READ), ("Products(1)/Name", "GET, HEAD, PUT, PATCH, DELETE"), ("Regions", READ), ("Regions(1)", READ), ("Regions(1)/Description", READ), ("Products/$ref", READ), ("Products(1)/$ref", READ), ("Warehouses('HAM')/Shelves/$ref", READ), ("Products/$each", "PATCH, DELETE"), ("Regions/$each", ""))],
    *[Exchange("P-9.2-03", f"{method} {target}", 405, headers={"Allow": allowed}) for method, target, allowed in (
        ("POST", "Products(1)/ID", READ), ("POST", "Regions(1)", READ), ("PATCH", "Regions(1)", READ), ("PUT", "Regions", READ), ("DELETE", "Regions", READ), ("PATCH", "Products/$ref", READ), ("PUT", "Products(1)/$ref", READ), ("POST", "Warehouses('HAM')/Shelves/$ref", READ), ("PUT", "Products/$each", "PATCH, DELETE"), ("GET", "Products/$each", "PATCH, DELETE"))],
    *[Exchange("P-9.2-03", f"{method} {target}", 405, headers={"Allow": READ}) for method in ("POST", "PATCH", "PUT", "DELETE") for target in ("", "$metadata", "Products/$count", "$all", "TopProducts(count=1)")],
    Exchange("P-9.2-03", "POST Products(1)", 405, headers={"Allow": ONE}), Exchange("P-9.2-03", "DELETE Products", 405, headers={"Allow": SET}), Exchange("P-9.2-03", "RaisePrices", 405, headers={"Allow": "POST"}),
    Exchange("P-9.2-02", "OPTIONS Nothing", 404), Exchange("HTTP", "GET Products(1)", sent={"X-HTTP-Method": "DELETE"}), Exchange("HTTP", "HEAD Products(1)", 200, None), Exchange("HTTP", "HEAD Products(99)", 404, None),
    # preferences (P-8.2.8): both names where there are two, the first of several, nothing for what is not known
    prefer("maxpagesize=2", "maxpagesize=2"), prefer("odata.maxpagesize=2", "odata.maxpagesize=2"), prefer('MaxPageSize="2"', "maxpagesize=2"), prefer("maxpagesize=2, odata.maxpagesize=3", "maxpagesize=2", spec="P-13.2-01"), prefer("odata.maxpagesize=3, maxpagesize=2", "maxpagesize=2", spec="P-13.2-01"),
    prefer("maxpagesize=2,maxpagesize=3", "maxpagesize=2", spec="P-8.2.8-03"), *[prefer(text, None) for text in ("maxpagesize=0", "maxpagesize=-1", "maxpagesize=x", "maxpagesize", "foo=bar; baz", "foo,,,;;", "=", '"x', "handling=strict", "continue-on-error", "allow-entityreferences", "wait=5", 'maxpagesize="²"', "maxpagesize=" + "9" * 5000, "max-affected=" + "9" * 5000, "wait=" + "9" * 5000)],
    *[prefer(text, None, spec="P-8.2.8-02") for text in ("odata.omit-values=nulls", "odata.wait=5", "odata.respond-async", "omit-values=some")], *[prefer(text, None, spec="P-8.2.8.7-01") for text in ("return=minimal", "return=representation")],
    prefer("omit-values=nulls", "omit-values=nulls", "Products(2)?$select=ID,Weight", "P-8.2.8.6", {"ID": 2}), prefer("omit-values=defaults", "omit-values=defaults", "Products(1)?$select=ID,Discontinued", "P-8.2.8.6", {"ID": 1, "Discontinued": ABSENT}),
    prefer('include-annotations="*,-display.*"', 'include-annotations="*,-display.*"', spec="P-8.2.8.4"), prefer('odata.include-annotations="-*"', 'odata.include-annotations="-*"', spec="P-8.2.8.4"), prefer("track-changes", "track-changes", "Tags", "P-8.2.8.9"), prefer("odata.track-changes,odata.maxpagesize=2", "odata.maxpagesize=2, odata.track-changes", "Tags", "P-8.3.6-01"),
    # options of the temporal extension, which is not offered (T-02)
    *[Exchange("T-02", f"Products?{name}=2020-01-01", 501, {"error": {"target": name}}) for name in ("$at", "$from", "$to", "$toInclusive")], *[Exchange("T-02", f"Products?$expand=Category({name}=2020-01-01)", 501) for name in ("$at", "$from")],
    # `$format` (P-11.2.11-01): a parameter nobody knows leaves nothing to choose
    *[Exchange("P-8.2.1-02", f"{target}$format=application/json;foo=bar", 406) for target in ("?", "$metadata?", "Products?", "Products(1)/Name?")],
    *[Exchange("P-11.2.11-01", f"Products(1)?$format={text}", status) for text, status in (("json", 200), ("JSON", 200), ("application/json;odata.metadata=full", 200), ("xml", 406), ("atom", 406), ("foo", 406), ("json;metadata=none", 406), ("application/json,text/plain", 406), ("", 400))],
]


@rows(READING)
def test_reading(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients["northwind"])


BODIES = [
    ("P-415-01", {"Content-Type": "text/plain"}, TAG, 415), ("P-415-01", {"Content-Type": "application/xml"}, TAG, 415), ("P-415-01", {"Content-Type": "application/vnd.x+json"}, TAG, 415), ("P-415-01", {"Content-Type": "json"}, TAG, 415), ("P-415-01", {"Content-Type": "*/*"}, TAG, 415), ("P-415-01", {}, TAG, 201),
    ("J-4.1-02", {"Content-Type": "application/json;charset=utf-8"}, TAG, 201), ("J-4.1-02", {"Content-Type": 'application/json; charset="UTF-8"'}, TAG, 201), ("J-4.1-02", {"Content-Type": "application/json;charset=utf-16"}, TAG.decode().encode("utf-16"), 201), ("J-4.1-02", {"Content-Type": "application/json;charset=UTF-16BE"}, TAG.decode().encode("utf-16-be"), 201),
    ("J-4.1-02", {"Content-Type": "application/json;charset=utf-32"}, TAG.decode().encode("utf-32"), 201), ("J-4.1-02", {"Content-Type": "application/json;charset=nothing"}, TAG, 415), ("J-4.1-02", JSON, b"\xef\xbb\xbf" + TAG, 201), ("J-4.1-02", {"Content-Type": "application/json;charset=utf-8"}, b'{"Name":"\xff"}', 400),
    ("J-4.4-03", {"Content-Type": "application/json;odata.metadata=minimal;odata.streaming=true"}, b'{"Name":"fresh","@odata.type":"#Northwind.Model.Tag"}', 201), ("J-3-01", {"Content-Type": "Application/JSON;IEEE754compatible=TRUE"}, TAG, 201),
    *[("P-9.4-06", JSON, body, 400) for body in (b"", b"[]", b"null", b"{", b"NaN", b'{"Name":"a","Name":"b"}')],
    ("P-8.2.8-02", {**JSON, "Prefer": "odata.return=minimal"}, TAG, 201), ("P-8.2.8.7-02", {**JSON, "Prefer": "return=minimal"}, TAG, 204), ("P-8.2.8-03", {**JSON, "Prefer": "return=minimal, return=representation"}, TAG, 204),
]


@pytest.mark.parametrize(("spec", "headers", "body", "status"), BODIES, ids=[f"{row[0]} {row[1]} {row[2][:20]!r}" for row in BODIES])
def test_bodies(private: Callable[..., Client], spec: str, headers: dict[str, str], body: bytes, status: int) -> None:
    answer = Exchange(spec, "POST Tags", status, sent=headers, content=body).check(private("northwind"))
    if status == 204:
        assert answer.headers["odata-entityid"] == answer.headers["location"] == ROOT + "Tags('fresh')"


@pytest.mark.parametrize("prefer", ["return=minimal", "return=representation"])
def test_nothing_is_returned_by_delete(private: Callable[..., Client], prefer: str) -> None:
    """P-8.2.8.7: `return` has no effect on DELETE, so none is said to be applied."""
    answer = private("northwind").send("DELETE Tags('unused')", {"Prefer": prefer})
    assert answer.status == 204 and "preference-applied" not in answer.headers


NUMBERS = [
    ("J-3.2-02", "application/json", '{"UnitPrice": 18.5}', 204), ("J-3.2-03", "application/json", '{"UnitPrice": "18.5"}', 400), ("J-3.2-03", "application/json;IEEE754Compatible=false", '{"UnitPrice": "18.5"}', 400), ("J-3.2-03", "application/json;IEEE754Compatible=true", '{"UnitPrice": "18.5"}', 204),
    ("J-3.2-03", "application/json;IEEE754Compatible=true", '{"UnitPrice": 18.5}', 204), ("J-7.1-Dec", "application/json", '{"UnitPrice": 18.500000000}', 204), ("J-7.1-Dec", "application/json", '{"UnitPrice": 18.12345}', 400), ("J-7.1-Dec", "application/json", '{"UnitPrice": 1e400}', 400), ("J-7.1-Dec", "application/json", '{"UnitPrice": 1e999999999}', 400),
    ("J-7.1-Dec", "application/json", '{"UnitPrice": -0.0}', 204), ("J-7.1-Int", "application/json", '{"UnitsInStock": 32768}', 400), ("J-7.1-Int", "application/json", '{"UnitsInStock": 1.5}', 400), ("J-7.1-Dbl", "application/json", '{"Rating": NaN}', 400),
]


@pytest.mark.parametrize(("spec", "media", "body", "status"), NUMBERS)
@pytest.mark.parametrize("version", ["4.0", "4.01"])
def test_numbers(private: Callable[..., Client], spec: str, media: str, body: str, status: int, version: str) -> None:
    Exchange(spec, "PATCH Products(1)", status, sent={"Content-Type": media, "OData-Version": version}, content=body.encode()).check(private("northwind"))


TUNNELLED = [({"X-HTTP-Method": "PATCH"}, 204), ({"X-HTTP-Method": "patch"}, 204), ({"X-HTTP-Method": "MERGE"}, 204), ({"X-HTTP-Method-Override": "PUT"}, 204), ({"X-HTTP-Method": "GET"}, 400), ({"X-HTTP-Method": "BREW"}, 400)]


@pytest.mark.parametrize(("headers", "status"), TUNNELLED)
def test_tunnelled_methods(private: Callable[..., Client], headers: dict[str, str], status: int) -> None:
    client = private("northwind")
    answer = client.send("POST Tags('new')", {**JSON, **headers}, json.dumps({"Color": "#123456"}).encode())
    assert answer.status == status
    assert client.get("Tags('new')")["Color"] == ("#123456" if status == 204 else "#00ff00")


def test_a_post_is_told_from_a_tunnelled_one(private: Callable[..., Client]) -> None:
    """Also where the same POST was answered before, and with a body and a content type of its own each time."""
    client = private("northwind")
    for name in ("one", "two", "three"):
        assert client.send("POST Tags", JSON, json.dumps({"Name": name}).encode()).status == 201
        assert client.send("POST Tags", {**JSON, "X-HTTP-Method": "BREW"}, b"{}").status == 400
        assert client.send("POST Tags", {**JSON, "X-HTTP-Method-Override": "PUT"}, b"{}").status == 400
        assert client.send("POST Tags", {"Content-Type": "text/plain"}, b"{}").status == 415
        assert client.send("POST Tags", {**JSON, "Prefer": "return=minimal"}, json.dumps({"Name": name * 2}).encode()).status == 204
        assert client.send("POST Tags", JSON, json.dumps({"Name": name}).encode()).status == 409
        assert client.get(f"Tags('{name}')")["Name"] == name

"""Atom on the V2 face: documents that readers without JSON get (OData 2.0, Atom format)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from lxml import etree

from app import csdl
from app.v2.atom import Atom
from app.v2.view import view
from tests.protocol.exchange import ROOT, Answer, Client
from tests.v2.test_face import V2

NS = {"a": "http://www.w3.org/2005/Atom", "app": "http://www.w3.org/2007/app",
      "d": "http://schemas.microsoft.com/ado/2007/08/dataservices",
      "m": "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"}
READER = {"Accept": "application/atom+xml,application/xml"}
FEED, ENTRY = "application/atom+xml;type=feed;charset=utf-8", "application/atom+xml;type=entry;charset=utf-8"
SERVICE, XML = "application/atomsvc+xml;charset=utf-8", "application/xml;charset=utf-8"
RELATED = "http://schemas.microsoft.com/ado/2007/08/dataservices/related/"


def ask(client: Client, line: str, headers: Mapping[str, str] = READER) -> Answer:
    method, _, target = line.partition(" ")
    return client.through_wsgi(method, target, dict(headers), b"")


READS = [
    ("GET v2", SERVICE, {"string(/app:service/@xml:base)": V2, "boolean(//app:collection[@href='Products']/a:title)": True}),
    ("GET v2/Products?$top=2&$inlinecount=allpages&$select=ID", FEED, {
        "string(/a:feed/@xml:base)": V2, "string(/a:feed/m:count)": "16", "count(/a:feed/a:entry)": 2.0,
        "string(/a:feed/a:id)": f"{V2}Products", "string(/a:feed/a:link[@rel='self']/@href)": "Products",
        "string(//a:entry[2]//d:ID)": "2", "count(//d:Name)": 0.0}),
    ("GET v2/Products(1)", ENTRY, {
        "string(/a:entry/a:id)": f"{V2}Products(1)", "starts-with(/a:entry/@m:etag, 'W/')": True,
        "string(/a:entry/a:link[@rel='edit']/@href)": "Products(1)",
        "string(/a:entry/a:category/@term)": "Northwind.Model.Product",
        "string(/a:entry/a:content/@type)": "application/xml",
        "string(/a:entry/a:content/m:properties/d:Name)": "Chai", "count(//d:Name/@m:type)": 0.0,
        "string(//d:ID/@m:type)": "Edm.Int32", "string(//d:UnitPrice)": "18", "string(//d:UnitPrice/@m:type)": "Edm.Decimal",
        f"string(//a:link[@rel='{RELATED}Category']/@href)": "Products(1)/Category",
        f"string(//a:link[@rel='{RELATED}Category']/@type)": "application/atom+xml;type=entry", "count(//m:inline)": 0.0}),
    ("GET v2/Categories(1)?$expand=Products", ENTRY, {
        f"string(/a:entry/a:link[@rel='{RELATED}Products']/@type)": "application/atom+xml;type=feed",
        f"count(/a:entry/a:link[@rel='{RELATED}Products']/m:inline/a:feed/a:entry) > 1": True}),
    ("GET v2/Products?$expand=Category&$top=1", FEED, {
        f"string(/a:feed/a:entry/a:link[@rel='{RELATED}Category']/m:inline/a:entry/a:content/m:properties/d:Name)": "Beverages"}),
    ("GET v2/Products(1)/Name", XML, {"string(/d:Name)": "Chai"}),
    ("GET v2/Products(1)/UnitPrice", XML, {"string(/d:UnitPrice[@m:type='Edm.Decimal'])": "18"}),
    ("GET v2/Products(1)/$links/Category", XML, {"string(/d:uri)": f"{V2}Categories(1)"}),
    ("GET v2/Categories(1)/$links/Products", XML, {f"boolean(/d:links/d:uri[.='{V2}Products(1)'])": True}),
    ("GET v2/Products?$filter=ID eq 4711", FEED, {"count(//a:entry)": 0.0}),
]


@pytest.mark.parametrize(("line", "kind", "found"), READS, ids=[line for line, _, _ in READS])
def test_reads(clients: Any, line: str, kind: str, found: Mapping[str, Any]) -> None:
    answer = ask(clients["northwind"], line.replace(" eq ", "%20eq%20"))
    assert (answer.status, answer.headers["content-type"], answer.headers["dataserviceversion"]) == (200, kind, "2.0")
    tree = etree.fromstring(answer.body)
    assert {path: tree.xpath(path, namespaces=NS) for path in found} == found


@pytest.mark.parametrize(("headers", "option", "atom"), [
    ({}, "", False), ({"Accept": "*/*"}, "", False), ({"Accept": "application/json,application/atom+xml"}, "", False),
    ({"Accept": "text/html,application/xml;q=0.9,*/*;q=0.8"}, "", False), ({"Accept": "application/xml"}, "", True),
    ({"Accept": "application/atom+xml,*/*"}, "", True), ({}, "?$format=atom", True), (READER, "?$format=json", False),
])
def test_json_goes_before_atom(clients: Any, headers: Mapping[str, str], option: str, atom: bool) -> None:
    kind = ask(clients["northwind"], f"GET v2/Products{option}", headers).headers["content-type"]
    assert kind.startswith("application/atom+xml") == atom and kind.startswith("application/json") != atom


def test_pages_follow_one_another(clients: Any) -> None:
    seen, target = [], "v2/Products?$select=ID"
    while target:
        tree = etree.fromstring(ask(clients["northwind"], f"GET {target}", {**READER, "Prefer": "odata.maxpagesize=7"}).body)
        seen += tree.xpath("//d:ID/text()", namespaces=NS)
        target = tree.xpath("string(/a:feed/a:link[@rel='next']/@href)", namespaces=NS).removeprefix(ROOT)
    assert len(seen) == len(set(seen)) == 16


@pytest.mark.parametrize(("value", "kind", "text", "more"), [
    (None, "Edm.Int32", None, {"m:null": "true"}), (True, "Edm.Boolean", "true", {}), ("2020-01-31", "Edm.DateTime", "2020-01-31T00:00:00", {}),
    ("10:20:30", "Edm.Time", "PT10H20M30S", {}), ("AP-_", "Edm.Binary", "AP+/", {}), (" a ", None, " a ", {"xml:space": "preserve"}),
    ("a\u0001\ufffeb<&", None, "a\ufffd\ufffdb<&", {}), ("2020-01-31T10:00:00.1234567Z", "Edm.DateTimeOffset", "2020-01-31T10:00:00.1234567Z", {}),
])
def test_values(value: Any, kind: str | None, text: str | None, more: Mapping[str, str]) -> None:
    """Primitive values as XML Schema has them; what XML cannot hold is replaced."""
    type = {"Edm.DateTime": "Edm.Date", "Edm.Time": "Edm.TimeOfDay", None: "Edm.String"}.get(kind, kind)
    model = csdl.read(f"""<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0"><edmx:DataServices>
        <Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="n"><EntityType Name="E"><Key><PropertyRef Name="ID"/></Key>
        <Property Name="ID" Type="Edm.Int32" Nullable="false"/><Property Name="P" Type="{type}"/></EntityType>
        <EntityContainer Name="C"><EntitySet Name="Es" EntityType="n.E"/></EntityContainer></Schema></edmx:DataServices></edmx:Edmx>""".encode())
    body = json.dumps({"@odata.context": "http://h/$metadata#Es(1)/P", "value": value}).encode()
    content, written = Atom(view(model), "http://h/", "http://h/v2/").answer(body, "Es(1)/P", "P", None)
    element = etree.fromstring(written)
    names = {f"{{{NS['m']}}}": "m:", "{http://www.w3.org/XML/1998/namespace}": "xml:"}
    found = {next(short + name.removeprefix(long) for long, short in names.items() if name.startswith(long)): each
             for name, each in element.attrib.items()}
    assert (content, element.text, found) == (XML, text, {**({"m:type": kind} if kind else {}), **more})


@pytest.mark.parametrize(("line", "status", "code"), [
    ("GET v2/Products(4711)", 404, "notFound"), ("GET v2/Nope", 404, "unknownResource"),
    ("GET v2/Products?$filter=Nope%20eq%201", 400, "unknownProperty")])
def test_errors(clients: Any, line: str, status: int, code: str) -> None:
    answer = ask(clients["northwind"], line)
    assert (answer.status, answer.headers["content-type"]) == (status, XML)
    tree = etree.fromstring(answer.body)
    assert tree.xpath("string(/m:error/m:code)", namespaces=NS) == code
    assert tree.xpath("string(/m:error/m:message)", namespaces=NS) and tree.xpath("string(//@xml:lang)") == "en"

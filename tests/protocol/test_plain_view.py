"""The view at `bi/` for readers that know little of OData: same data, simpler `$metadata`, links that stay inside it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from app import csdl
from tests.protocol.conftest import Clients, files
from tests.protocol.exchange import ROOT, Answer, Client, Exchange, rows

BI = ROOT + "bi/"
NS = {"edm": "http://docs.oasis-open.org/odata/ns/edm"}
IEEE = "application/json;IEEE754Compatible=true"

VIEW = [
    Exchange("P 11.1.1", "GET bi", 200, {"@odata.context": f"{BI}$metadata"}),
    Exchange("P 11.1.1", "GET bi/", 200, {"@odata.context": f"{BI}$metadata"}),
    Exchange("P 10.2", "GET bi/Products?$top=1&$select=ID", 200, {"@odata.context": f"{BI}$metadata#Products(ID)", "value": [{"ID": 1}]}),
    Exchange("P 11.2.6.7", "GET bi/Products?$select=ID", 200, {"@odata.nextLink": re.compile(rf"^{BI}Products\?")}, sent={"Prefer": "maxpagesize=2"}),
    Exchange("U 5.1.1.1", "GET bi/Products?$filter=Features eq 'Fragile'&$count=true&$top=0", 200, {"@odata.count": int}),
    Exchange("P 11.2.2", "GET bi/Products(4711)", 404, {"error": {"code": "notFound"}}),
    Exchange("U 4", "GET bi/nosuch", 404),
    Exchange("U 4", "GET bible", 404),
    Exchange("P 9.2.2", "DELETE bi/$metadata", 405),
]


@rows(VIEW)
def test_view(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


def sent(client: Client, line: str, body: dict[str, Any], kind: str = "application/json") -> Answer:
    return client.send(line, {"Content-Type": kind}, json.dumps(body).encode())


@pytest.mark.parametrize("name", ["northwind", "industryData", "industryData-beta"])
def test_the_document_of_the_view_is_simple_and_whole(name: str, private: Callable[..., Client]) -> None:
    """Every entity of a set that is not polymorphic has all its members in one type without a base (CSDL §6.2)."""
    client, model = private(name), csdl.load(files(name)[0])
    answer = client.send("GET bi/$metadata")
    assert answer.status == 200 and b"Annotation" not in answer.body and b"edmx:Reference" not in answer.body
    tree = etree.fromstring(answer.body)
    assert not tree.findall(".//edm:EnumType", NS) and not tree.findall(".//edm:TypeDefinition", NS)
    types = {f"{schema.get('Namespace')}.{kind.get('Name')}": kind for schema in tree.iter(f"{{{NS['edm']}}}Schema")
             for kind in schema.findall("edm:EntityType", NS)}
    for each in model.sets.values():
        if model.derived(each.type):
            continue
        shown, base = set(), each.type
        while base:
            shown |= {member.get("Name") for member in types[base] if member.get("Name")}
            base = types[base].get("BaseType")
        assert shown == {*model.properties(each.type), *model.navigations(each.type)} - {
            member.name for member in model.properties(each.type).values()
            if model.kind(member.type.name) == "complex" and not model.properties(member.type.name)}


@pytest.mark.parametrize("headers", [
    {"X-SAP-Security-Session": "disabled", "X-Requested-With": "XMLHttpRequest", "Accept": "*/*"},
    {"User-Agent": "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)", "OData-MaxVersion": "4.0",
     "MaxDataServiceVersion": "3.0", "Accept": "application/json;odata.metadata=minimal;q=1.0,application/xml;q=0.7"},
], ids=["OpenUI5", "Power Query"])
def test_some_clients_get_the_simple_document_at_the_root(private: Callable[..., Client], headers: dict[str, str]) -> None:
    """OpenUI5 follows no base types, Power Query takes no navigation in complex types; `--strict` gives them what all get."""
    line, client, strict = "GET $metadata", private("industryData"), private("industryData", strict=True)
    assert b"BaseType=\"microsoft.graph.industryData.run\"" in client.send(line).body
    shown = client.send(line, headers)
    assert b"BaseType=\"microsoft.graph.industryData.run\"" not in shown.body
    complex = etree.fromstring(shown.body).iterfind(".//edm:ComplexType", NS)
    assert not any(each.findall("edm:NavigationProperty", NS) for each in complex)
    assert shown.headers["vary"] != client.send("GET ").headers["vary"]
    assert strict.send(line, headers).body == strict.send(line).body


def test_batches_and_changes_below_the_view(private: Callable[..., Client]) -> None:
    client = private("northwind")
    body: dict[str, Any] = {"requests": [
        {"id": "1", "method": "POST", "url": "Products", "body": {"ID": 900, "Name": "new"}},
        {"id": "2", "method": "GET", "url": f"{BI}Products(900)"}, {"id": "3", "method": "GET", "url": "$metadata"}]}
    answers = sent(client, "POST bi/$batch", body).json["responses"]
    assert [each["status"] for each in answers] == [201, 200, 200]
    assert answers[0]["headers"]["location"] == f"{BI}Products(900)"
    assert client.get("Products(900)")["Name"] == "new"
    assert sent(client, "PATCH bi/Products(900)", {"Name": "newer"}).status in (200, 204)


def test_short_integers_as_strings(private: Callable[..., Client]) -> None:
    """Kendo writes keys so; IEEE754Compatible is for longer numbers, and `--strict` holds to that (JSON Format §3.2)."""
    client, strict, body = private("northwind"), private("northwind", strict=True), {"ID": "901", "Name": "x"}
    assert sent(strict, "POST Products", body, IEEE).status == 400
    assert sent(client, "POST Products", body).status == 400
    assert sent(client, "POST Products", {**body, "ID": "9x"}, IEEE).status == 400
    assert sent(client, "POST Products", body, IEEE).status == 201

"""The service document and `$metadata` in every form (Protocol §11.1; JSON Format §5; CSDL §3, §13)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Exchange, Only, rows

NORTHWIND = ["Categories", "Products", "Tags", "Suppliers", "PriceChanges", "Reviews", "Customers", "Orders", "Shippers",
             "Employees", "Regions", "Territories", "Warehouses", "Words"]
INDUSTRY = ["incomingFlowRuns", "runGroups", "incomingFlows", "outgoingFlows", "dataConnectors", "sourceSystems", "years",
            "roleGroups", "referenceDefinitions", "operations"]


def sets(names: list[str]) -> list[dict[str, str]]:
    return [Only(name=name, kind="EntitySet", url=name) for name in names]


NORTHWIND_BODY = Only({"@odata.context": f"{ROOT}$metadata",
                       "value": [*sets(NORTHWIND), Only(name="Company", kind="Singleton", url="Company")]})
JSON40 = {"Content-Type": "application/json;odata.metadata=minimal", "OData-Version": "4.0"}
JSON401 = {"Content-Type": "application/json;metadata=minimal", "OData-Version": "4.01"}

SERVICE = [
    Exchange("P 11.1.1", "GET ", 200, NORTHWIND_BODY, JSON40),
    Exchange("P 11.1.1", "GET /", 200, NORTHWIND_BODY, JSON40),
    Exchange("P 11.1.1", "GET ?", 200, NORTHWIND_BODY),
    Exchange("P 11.2.11", "GET ?$format=json", 200, NORTHWIND_BODY, JSON40),
    Exchange("P 11.2.11", "GET ?$format=JSON", 200, NORTHWIND_BODY, JSON40),
    Exchange("P 8.2.7", "GET ", 200, {"@odata.context": f"{ROOT}$metadata"}, JSON401, {"OData-MaxVersion": "4.01"}),
    Exchange("J 4.5.1", "GET ", 200, {"@context": f"{ROOT}$metadata", "@odata.context": ABSENT}, JSON401,
             {"OData-MaxVersion": "4.01", "Accept": "application/json;metadata=minimal"}),
    Exchange("J 3.1.3", "GET ", 200, Only(value=list), {"Content-Type": "application/json;odata.metadata=none"},
             {"Accept": "application/json;odata.metadata=none"}),
    Exchange("P 7", "GET ", 200, NORTHWIND_BODY, JSON40, {"Accept": "application/xml;q=0.9,*/*;q=0.1"}),
    Exchange("P 7", "GET ", 406, {"error": {"code": "notAcceptable"}}, {}, {"Accept": "application/xml"}),
    Exchange("P 11.2.11", "GET ?$format=atom", 406),
    Exchange("U 5.1", "GET ?$filter=true", 400, {"error": {"target": "$filter"}}),
    Exchange("U 5.1", "GET ?$top=1", 400, {"error": {"target": "$top"}}),
    Exchange("P 6.1", "GET ?$nosuch=1", 400, {"error": {"code": "unknownOption", "target": "$nosuch"}}),
    Exchange("P 9.2.2", "POST ", 405, headers={"Allow": re.compile("GET")}),
    Exchange("P 9.2.2", "DELETE ", 405, headers={"Allow": re.compile("GET")}),
    Exchange("X 13.2", "GET ", 200, {"value": [*sets(INDUSTRY), Only(name="industryData", kind="Singleton", url="industryData")]},
             model="industryData"),
    Exchange("HTTP", "HEAD ", 200, None, JSON40),
]

XML = {"Content-Type": "application/xml", "OData-Version": "4.0"}
XML401 = {"Content-Type": "application/xml", "OData-Version": "4.01"}
PLAIN_JSON = {"Content-Type": re.compile("^application/json")}
VERSION40 = re.compile(r'<edmx:Edmx[^>]* Version="4\.0"')
VERSION401 = re.compile(r'<edmx:Edmx[^>]* Version="4\.01"')

POWER_QUERY = {"Accept": "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,application/atomsvc+xml;q=0.8,"
                         "application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7"}

METADATA = [
    Exchange("P 11.1.2", "GET $metadata", 200, VERSION40, XML),
    Exchange("P 11.1.2", "GET $metadata/", 200, VERSION40, XML),
    Exchange("U 2.2", "GET %24metadata", 200, VERSION40, XML),
    Exchange("P 11.1.2", "GET $metadata", 200, VERSION40, XML, {"Accept": "*/*"}),
    Exchange("P 11.1.2", "GET $metadata", 200, VERSION40, XML, {"Accept": "application/xml"}),
    Exchange("P 11.1.2", "GET $metadata", 200, VERSION40, XML, {"Accept": "application/*"}),
    Exchange("P 11.1.2", "GET $metadata", 200, VERSION40, XML, {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}),
    Exchange("P 11.1.2", "GET $metadata", 200, VERSION40, XML, {"Accept": "application/xml", "MaxDataServiceVersion": "3.0"}),
    Exchange("P 11.1.2", "GET $metadata", 200, VERSION40, XML, {"Accept": "application/json;q=0.5,application/xml"}),
    Exchange("P 11.1.2", "GET $metadata", 200, {"$Version": "4.0", "$EntityContainer": "Northwind.Model.Container"}, PLAIN_JSON,
             {"Accept": "application/json"}),
    Exchange("P 11.1.2", "GET $metadata", 200, {"$Version": "4.0"}, PLAIN_JSON, {"Accept": "application/json", "OData-MaxVersion": "4.0"}),
    Exchange("P 11.1.2", "GET $metadata", 200, {"$Version": "4.0"}, PLAIN_JSON, {"Accept": "application/json,application/xml;q=0.7"}),
    Exchange("P 11.1.2", "GET $metadata", 200, VERSION40, XML, {**POWER_QUERY, "OData-MaxVersion": "4.0"}),
    Exchange("P 11.1.2", "GET $metadata?$format=json", 200, {"$EntityContainer": "Northwind.Model.Container"}, PLAIN_JSON),
    Exchange("P 11.2.11", "GET $metadata?$format=application/json", 200, {"$Version": "4.0"}, PLAIN_JSON, {"Accept": "application/xml"}),
    Exchange("P 11.2.11", "GET $metadata?$format=xml", 200, VERSION40, XML, {"Accept": "application/json"}),
    Exchange("P 11.2.11", "GET $metadata?$format=application/xml", 200, VERSION40, XML),
    Exchange("X 3.1", "GET $metadata", 200, VERSION401, XML401, {"OData-MaxVersion": "4.01"}),
    Exchange("X 3.1", "GET $metadata", 200, {"$Version": "4.01"}, PLAIN_JSON, {"OData-MaxVersion": "4.01", "Accept": "application/json"}),
    Exchange("C 2.1.1", "GET $metadata", 200, {"Northwind.Model": {"DigitalProduct": {"SizeInBytes": {"$DefaultValue": "0"}}}},
             {"Content-Type": "application/json;IEEE754Compatible=true"}, {"Accept": "application/json;ieee754compatible=TRUE"}),
    Exchange("C 2.1.1", "GET $metadata?$format=application/json;IEEE754Compatible=true", 200,
             {"Northwind.Model": {"DigitalProduct": {"SizeInBytes": {"$DefaultValue": "0"}}}},
             {"Content-Type": "application/json;IEEE754Compatible=true"}),
    Exchange("C 2.1.1", "GET $metadata", 200, {"Northwind.Model": {"DigitalProduct": {"SizeInBytes": {"$DefaultValue": 0}}}},
             {"Content-Type": "application/json"}, {"Accept": "application/json;IEEE754Compatible=false"}),
    Exchange("C 2.1.2", "GET $metadata", 200, {"Northwind.Model": {"Review": {"Stars": {"@Validation.Minimum@odata.type": "#Int64"}}}},
             {"Content-Type": "application/json;odata.metadata=full"}, {"Accept": "application/json;odata.metadata=full"}),
    Exchange("C 2.1.2", "GET $metadata?$format=application/json;metadata=none;IEEE754Compatible=true", 200,
             {"Northwind.Model": {"Review": {"Stars": {"@Validation.Minimum": "1", "@Validation.Minimum@type": ABSENT}}}},
             {"Content-Type": "application/json;metadata=none;IEEE754Compatible=true"}, {"OData-MaxVersion": "4.01"}),
    Exchange("P 9.2.3", "GET $metadata", 406, {"error": {"code": "notAcceptable"}}, {}, {"Accept": "text/html"}),
    Exchange("P 9.2.3", "GET $metadata?$format=atom", 406),
    Exchange("U 5.1", "GET $metadata?$top=1", 400),
    Exchange("P 11.2.12", "GET $metadata?$schemaversion=*", 200, VERSION40, XML),
    Exchange("P 11.2.12", "GET $metadata?$schemaversion=2", 404, {"error": {"target": "$schemaversion"}}),
    Exchange("ABNF", "GET $Metadata", 404, {"error": {"code": "unknownResource"}}),
    Exchange("ABNF", "GET metadata", 404),
    Exchange("U 4", "GET $metadata/Products", 404),
    Exchange("P 9.2.2", "POST $metadata", 405, headers={"Allow": re.compile("GET")}),
    Exchange("HTTP", "HEAD $metadata", 200, None, XML),
]


@rows(SERVICE)
def test_service_document(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(METADATA)
def test_metadata(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@pytest.mark.parametrize("model", ["northwind", "types", "industryData"])
@pytest.mark.parametrize("headers", [{}, {"OData-MaxVersion": "4.01"}], ids=["4.0", "4.01"])
def test_metadata_says_what_it_must(clients: Clients, model: str, headers: dict[str, str]) -> None:
    """One container, no vocabulary of our own, references to what this service serves (X 3.3, X 13, P 13.2)."""
    text = clients[model].send("GET $metadata", headers).text
    assert text.count("<EntityContainer ") == 1
    assert "odata.store.v1" not in text and "Store." not in text
    uris = re.findall(r'<edmx:Reference Uri="([^"]*)"', text)
    assert uris and all(uri.startswith(f"{ROOT}-/vocabularies/") for uri in uris)
    assert len(set(uris)) == len(uris)
    assert "Core.ODataVersions" in text or "ODataVersions" in text


@pytest.mark.parametrize("model", ["northwind", "industryData"])
def test_both_forms_name_the_same_things(clients: Clients, model: str) -> None:
    """XML and JSON have the same types and sets (P 11.1.2)."""
    client = clients[model]
    text = client.send("GET $metadata").text
    document: dict[str, Any] = client.get("$metadata?$format=json")
    schemas = {name: value for name, value in document.items() if isinstance(value, dict) and "." in name and "$" not in name}
    names = {name for schema in schemas.values() for name, value in schema.items()
             if isinstance(value, dict) and value.get("$Kind") in ("EntityType", "ComplexType", "EnumType", "TypeDefinition")}
    for name, schema in schemas.items():            # CSDL JSON §5.1: where there is an alias it is used
        assert not schema.get("$Alias") or f'"{name}.' not in json.dumps(schema)
    assert names == set(re.findall(r'<(?:EntityType|ComplexType|EnumType|TypeDefinition) [^>]*?Name="([^"]*)"', text))


def test_metadata_has_an_etag(clients: Clients) -> None:
    """The ETag of `$metadata` is good for If-None-Match, per form (P 8.3.2)."""
    client = clients["northwind"]
    tags = {client.send("GET $metadata", {"Accept": accept, "OData-MaxVersion": version}).headers["etag"]
            for accept in ("application/xml", "application/json", "application/json;IEEE754Compatible=true")
            for version in ("4.0", "4.01")}
    assert len(tags) == 6
    tag = client.send("GET $metadata").headers["etag"]
    answer = client.send("GET $metadata", {"If-None-Match": tag})
    assert (answer.status, answer.body) == (304, b"")
    assert client.send("GET $metadata", {"If-None-Match": 'W/"other"'}).status == 200
    assert [client.send("GET $metadata", {"If-Match": match}).status for match in (tag, "*", 'W/"other"')] == [200, 200, 412]


@pytest.mark.parametrize("request_", ["GET ", "GET Products(1)", "GET Products?$top=1", "GET Products(1)/Name", "GET Products?$apply=aggregate($count as n)",
                                      "GET Categories(1)/Products/$ref"])
def test_full_metadata_names_the_version_of_the_metadata(clients: Clients, request_: str) -> None:
    """The ETag of `$metadata` as metadataEtag of answers with full metadata (J 4.5.2, P 8.3.2)."""
    client = clients["northwind"]
    for version, prefix in (("4.0", "odata."), ("4.01", "")):
        headers = {"OData-MaxVersion": version}
        tag = client.send("GET $metadata", headers).headers["etag"]
        for level, expected in (("full", tag), ("minimal", None), ("none", None)):
            answer = client.send(request_, {**headers, "Accept": f"application/json;{prefix}metadata={level}"})
            assert json.loads(answer.body).get(f"@{prefix}metadataEtag") == expected
        assert client.send("GET $metadata", {**headers, "If-None-Match": tag}).status == 304

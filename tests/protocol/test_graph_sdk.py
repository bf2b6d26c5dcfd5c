"""The published model as the Microsoft Graph SDK for Python calls it, below `/beta`: its requests, recorded as it sends them.

The SDK sends `accept: application/json`, no OData header, keys as segments, operations by their qualified names; it reads
prefixed control information, `#`-types with the full namespace, `innerError`. The documented exchanges are in a table of
our own; where the sample files lie beside the checkout, they are replayed too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, WIRE, Answer, Client, Only, Some, differences

BASE = "http://service.example/beta"
HUB = "external/industryData"
NS = "microsoft.graph.industryData."
SDK = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "python-httpx/0.28.1 kiota-python/1.16.0"}
RUN, FLOW, CONNECTOR, API = ("4b16c02b-fae1-5fb3-ad52-15df9aced463", "9a1475e3-a433-5414-9935-6c414a931e37",
                             "fa36a766-8694-5989-ae1e-0c5e17045f09", "930c226d-7cad-5ae5-9da9-d704368b4a5f")
YEAR, CHECK, ACTIVITY = ("250853de-d2f9-5bb3-b62a-66cfc819b9ee", "04af2efe-e999-574d-90b3-ad99c24b3fee",
                         "1d3f2429-ec3d-545d-9bbd-b2d64181b232")
SET, PROVISIONING = "247cf74c-4ca2-58cb-9dd4-d68ef28f49eb", "07bc7fa4-9f33-53a8-b7af-eb7859d31253"
UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
INSTANT = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d*?))?0*Z$")


class Sdk:
    """Sends what the SDK sends, through the WSGI application below `/beta`."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def send(self, line: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        method, _, target = line.partition(" ")
        if target.startswith("http"):
            target = target.removeprefix("http://service.example/")
        else:
            target = "beta/" + quote(target, safe=WIRE)
        sent = {**SDK, **(headers or {})}
        content = b""
        if body is not None:
            content = json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        answer = self.client.through_wsgi(method, target, {name: value for name, value in sent.items() if value}, content)
        assert answer.headers["odata-version"] == "4.0"
        return answer

    def get(self, target: str, **headers: str) -> Any:
        answer = self.send("GET " + target, None, headers)
        assert answer.status == 200, answer.text
        return answer.json


@pytest.fixture
def sdk(clients: Clients) -> Sdk:
    """Reads only."""
    return Sdk(clients.of("industryData-beta", root_path="/beta"))


@pytest.fixture
def shared(clients: Clients) -> Sdk:
    """Changes that do not get into each other's way."""
    return Sdk(clients.of("industryData-beta", root_path="/beta", page_size=999))


@pytest.fixture
def own(private: Callable[..., Client]) -> Callable[..., Sdk]:
    """`own(**settings)`: the SDK on a service of its own."""
    return lambda **settings: Sdk(private("industryData-beta", root_path="/beta", **settings))


def wanted(expected: Any, answer: Answer, status: int) -> None:
    assert answer.status == status, answer.text[:600]
    if expected is None:
        assert not answer.body
    elif expected is not ...:
        actual = answer.json if answer.headers["content-type"].startswith("application/json") else answer.text
        found = list(differences(expected, plain(actual)))
        assert not found, found


def plain(value: Any) -> Any:
    """Instants without the zeros that their precision shows: they are compared by value."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    found = INSTANT.match(value) if isinstance(value, str) else None
    return value if found is None else found[1] + (f".{found[2]}" if found[2] else "") + "Z"


# --- reads -----------------------------------------------------------------------------------------------

NORTHSTAR = {"@odata.type": f"#{NS}inboundFileFlow", "id": FLOW, "displayName": "Northstar SIS 2025-2026", "readinessStatus": "ready",
             "dataDomain": "educationRostering", "effectiveDateTime": "2025-08-01T05:00:00Z", "expirationDateTime": "2026-06-30T05:00:00Z"}
SCHOOL_YEAR = {"@odata.type": ABSENT, "id": YEAR, "displayName": "School year 2025-2026", "startDate": "2025-08-01", "endDate": "2026-06-30", "year": {"code": "2025"}}
FOUND = [{"code": "RequiredFileNotFound", "message": "orgs.csv is required but was not uploaded.", "target": "orgs.csv", "details": [], "innerError": None}]
ABSENT_FILE = [{"code": "OptionalFileNotFound", "message": "classes.csv was not uploaded.", "target": "classes.csv", "details": [], "innerError": None}]
OPTIONS = ("$count=true&$expand=activities&$filter=status%20eq%20%27completed%27%20and%20startDateTime%20gt%202025-11-20T00%3A00%3A00Z"
           "&$orderby=startDateTime%20desc,id&$select=id,displayName&$skip=2&$top=2")

READS = [
    # target, status, body
    ("", 200, {"value": [{"name": "external", "kind": "Singleton", "url": "external"}]}),
    ("external", 200, {"@odata.context": BASE + "/$metadata#external"}),
    (HUB, 200, {"@odata.context": re.compile(f"^{BASE}/\\$metadata#{HUB}"), "id": ABSENT}),
    *((f"{HUB}/{name}", 200, {"@odata.context": f"{BASE}/$metadata#{HUB}/{name}", "value": [{}] * count}) for name, count in (
        ("runs", 180), ("inboundFlows", 6), ("dataConnectors", 4), ("sourceSystems", 3), ("years", 3), ("roleGroups", 5),
        ("referenceDefinitions", 126), ("operations", 9), ("outboundProvisioningFlowSets", 2))),
    (f"{HUB}/runs?{OPTIONS}", 200, {"@odata.count": 6, "value": [Only({"@odata.etag": str, "id": str, "displayName": str, "activities": [
        {"@odata.type": f"#{NS}inboundFlowActivity", "status": "completed"}] * 3})] * 2}),
    (f"{HUB}/runs?$filter=displayName%20eq%20%27O%27%27Neil%27", 200, {"value": []}),
    (f"{HUB}/runs?$search=2025%2011%2029&$top=1", 200, {"value": [{}]}),
    (f"{HUB}/inboundFlows?$expand=dataConnector%28%24expand%3DsourceSystem%29,year", 200, {"value": Some([
        {**NORTHSTAR, "year": SCHOOL_YEAR, "dataConnector": {"@odata.type": f"#{NS}azureDataLakeConnector", "id": CONNECTOR, "sourceSystem": {"vendor": "Northstar Learning"}}},
        {"@odata.type": f"#{NS}inboundApiFlow", "dataConnector": {"@odata.type": f"#{NS}oneRosterApiDataConnector"}}])}),
    (f"{HUB}/inboundFlows?$filter=readinessStatus%20eq%20%27disabled%27&$select=displayName", 200, {"value": [{"@odata.type": f"#{NS}inboundFileFlow", "displayName": "Legacy import"}]}),
    (f"{HUB}/inboundFlows?$expand=year", 200, {"value": Some([{**NORTHSTAR, "year": SCHOOL_YEAR}])}),
    (f"{HUB}/runs/$count", 200, "180"), (f"{HUB}/years/$count?$filter=startDate%20ge%202024-08-01", 200, "2"),
    (f"{HUB}/runs/{RUN}", 200, {"@odata.type": ABSENT, "id": RUN, "displayName": "Run 2025-11-29 14:00 UTC", "startDateTime": "2025-11-29T14:00:00Z", "endDateTime": None, "status": "running", "blockingError": None}),
    (f"{HUB}/runs('{RUN}')", 200, {"id": RUN}),
    (f"{HUB}/runs/a%2Fb%20c%27%C3%A9", 404, {"error": {"code": "notFound", "message": re.compile("a/b c'é"), "target": "id"}}),
    (f"{HUB}/runs/nope", 404, {"error": {"code": "notFound", "message": str, "target": "id", "details": [], "innerError": {"date": str, "request-id": str}}}),
    (f"{HUB}/nope", 404, {"error": {"code": "unknownResource"}}), (f"{HUB}/runs?$filter=nope%20eq%201", 400, {"error": {"code": "unknownProperty", "target": "$filter"}}),
    (f"{HUB}/runs?$filter=status%20eq%20%27nope%27", 400, {"error": {"target": "$filter"}}),
    (f"{HUB}/runs/{RUN}/activities", 200, {"value": [{"@odata.type": f"#{NS}inboundFlowActivity", "status": "inProgress"}] * 3}),
    (f"{HUB}/runs/{RUN}/activities?$expand=activity", 200, {"value": Some([{"@odata.type": f"#{NS}inboundFlowActivity", "id": ACTIVITY, "displayName": "Northstar SIS 2025-2026", "status": "inProgress", "blockingError": None, "activity": NORTHSTAR}])}),
    (f"{HUB}/runs/{RUN}/activities/{ACTIVITY}", 200, {"@odata.type": f"#{NS}inboundFlowActivity", "id": ACTIVITY}),
    (f"{HUB}/runs/{RUN}/activities/{ACTIVITY}/activity", 200, {"@odata.context": f"{BASE}/$metadata#{HUB}/inboundFlows/$entity", **NORTHSTAR}),
    (f"{HUB}/inboundFlows/{FLOW}/year", 200, SCHOOL_YEAR), (f"{HUB}/inboundFlows/{FLOW}/dataConnector", 200, {"@odata.type": f"#{NS}azureDataLakeConnector", "fileFormat": {"code": "educationSchoolDataSyncV2Rev1"}}),
    (f"{HUB}/dataConnectors/{API}/sourceSystem", 200, {"displayName": "Northstar SIS", "userMatchingSettings": [{"matchTarget": {"code": "userPrincipalName"}, "sourceIdentifier": {"code": "username"}}, {}]}),
    (f"{HUB}/dataConnectors/{API}", 200, {"apiFormat": "oneRoster", "credential": {"@odata.type": f"#{NS}oAuth2ClientCredential", "clientSecret": ABSENT}}),
    (f"{HUB}/dataConnectors/{NS}azureDataLakeConnector/$count", 200, "3"),
    (f"{HUB}/outboundProvisioningFlowSets/{SET}/provisioningFlows", 200, {"value": [{"@odata.type": f"#{NS}userProvisioningFlow", "id": PROVISIONING, "readinessStatus": "failed"}, {"@odata.type": f"#{NS}classGroupProvisioningFlow"}, {"@odata.type": f"#{NS}securityGroupProvisioningFlow"}]}),
    (f"{HUB}/outboundProvisioningFlowSets?$filter=filter%20ne%20null", 200, {"value": [{"filter": {"@odata.type": f"#{NS}basicFilter", "attribute": "orgExternalId", "in": ["BW-HS-1", "BW-HS-2"]}}]}),
    (f"{HUB}/roleGroups/temporary", 200, {"roles": []}), (f"{HUB}/referenceDefinitions/RefRole-student", 200, {"code": "student", "createdDateTime": "0001-01-01T00:00:00Z", "sortIndex": 10, "source": "CEDS"}),
    (f"{HUB}/operations/{CHECK}", 200, {"@odata.type": f"#{NS}fileValidateOperation", "id": CHECK, "createdDateTime": "2025-11-29T15:00:00Z", "lastActionDateTime": "2025-11-29T15:00:09.4410226Z",
                                        "resourceLocation": f"{BASE}/{HUB}/dataConnectors/{CONNECTOR}", "status": "succeeded", "statusDetail": None, "validatedFiles": ["users.csv", "roles.csv"], "errors": FOUND, "warnings": ABSENT_FILE}),
    # functions
    (f"{HUB}/runs/{RUN}/{NS}getStatistics()", 200, {"runId": RUN, "status": "completedWithWarnings", "inboundTotals": {"people": 21108, "matchedPeopleByRole": [{"role": "student", "count": 18102}, {"role": "teacher", "count": 1288}]},
                                                    "activityStatistics": [{"@odata.type": f"#{NS}inboundActivityResults", "activityId": FLOW, "status": "completedWithWarnings", "people": {"total": 21740, "active": 21108, "inactive": 632}}]}),
    (f"{HUB}/runs/{RUN}/{NS}getStatistics", 200, {"runId": RUN}), (f"{HUB}/runs/{RUN}/getStatistics", 200, {"runId": RUN}),
    (f"{HUB}/runs/{NS}getStatistics()", 200, {"runId": RUN}), (f"{HUB}/runs/getStatistics", 200, {"runId": RUN}),
    (f"{HUB}/runs/nope/{NS}getStatistics()", 404, ...),
    (f"{HUB}/dataConnectors/{CONNECTOR}/{NS}azureDataLakeConnector/{NS}getUploadSession(resetSession=true)", 200,
     {"containerId": UUID, "containerExpirationDateTime": "2025-11-30T04:00:00.3096785Z", "sessionUrl": "https://lake.brightwater.example/upload?sig=invented", "sessionExpirationDateTime": "2025-11-29T16:00:00.5792917Z"}),
    (f"{HUB}/dataConnectors/{CONNECTOR}/{NS}azureDataLakeConnector/getUploadSession", 200, {"containerId": UUID}),
    (f"{HUB}/dataConnectors/{API}/{NS}azureDataLakeConnector/getUploadSession", 404, ...),
]


@pytest.mark.parametrize(("target", "status", "body"), READS, ids=[row[0][:100] for row in READS])
def test_read(sdk: Sdk, target: str, status: int, body: Any) -> None:
    headers = {"accept": "text/plain;q=0.9"} if "$count" in target.partition("?")[0] else {}
    wanted(body, sdk.send(f"GET {target}", None, headers), status)


def test_pages(sdk: Sdk) -> None:
    """The next link is followed as it stands, without any accept header."""
    page = sdk.get(f"{HUB}/runs?$select=id", prefer="maxpagesize=70")
    seen = [each["id"] for each in page["value"]]
    while "@odata.nextLink" in page:
        assert page["@odata.nextLink"].startswith(f"{BASE}/{HUB}/runs?")
        answer = sdk.send("GET " + page["@odata.nextLink"], None, {"accept": "", "prefer": "maxpagesize=70"})
        page = answer.json
        seen += [each["id"] for each in page["value"]]
    assert len(seen) == len(set(seen)) == 180


def test_metadata(sdk: Sdk) -> None:
    """The published elements, containment and all; nothing of what only steers this service."""
    text = sdk.send("GET $metadata", None, {"accept": "application/xml"}).text
    for part in ('<Singleton Name="external" Type="microsoft.graph.externalConnectors.external">', 'Name="industryData" Type="microsoft.graph.industryData.industryDataRoot" ContainsTarget="true"',
                 '<NavigationProperty Name="runs" Type="Collection(microsoft.graph.industryData.industryDataRun)" ContainsTarget="true"', '<Member Name="orgExternalId" Value="1"/>', "bindingParameter"):
        assert part in text
    assert "odata.store.v1" not in text and "Store." not in text


# --- writes ----------------------------------------------------------------------------------------------

BIND = {"dataConnector@odata.bind": f"{BASE}/{HUB}/dataConnectors/{CONNECTOR}", "year@odata.bind": f"{BASE}/{HUB}/years('{YEAR}')"}
NEW_FLOW = {"@odata.type": f"#{NS}inboundFileFlow", "displayName": "From the SDK", "dataDomain": "educationRostering", "effectiveDateTime": "2025-11-30T00:00:00+05:30"}
NEW_YEAR = {"displayName": "SY 2027", "startDate": "2027-08-02", "endDate": "2028-06-30", "year": {"code": "2027", "@odata.type": f"#{NS}yearReferenceValue"}}
SOURCE = {"sourceSystem@odata.bind": f"{HUB}/sourceSystems/11ffe7a0-81f8-59d5-933d-d4651b31e837"}
ONE_ROSTER = {"@odata.type": f"#{NS}oneRosterApiDataConnector", "displayName": "Again", "apiFormat": "oneRoster", "baseUrl": "https://sis.example", "apiVersion": "1.2", "isContactsEnabled": False,
              "isDemographicsEnabled": False, "isFlagsEnabled": False, "credential": {"clientId": "me", "clientSecret": "hush", "displayName": "key", "@odata.type": f"#{NS}oAuth1ClientCredential"}}

WRITES = [
    # line, body, status, body of the answer
    (f"POST {HUB}/inboundFlows", {**NEW_FLOW, **BIND}, 201, {"@odata.type": f"#{NS}inboundFileFlow", "id": UUID, "readinessStatus": "ready", "effectiveDateTime": "2025-11-29T18:30:00Z", "expirationDateTime": None}),
    (f"POST {HUB}/inboundFlows", {**NEW_FLOW, "dataConnector@odata.bind": f"{HUB}/dataConnectors/{CONNECTOR}", "year@odata.bind": f"/beta/{HUB}/years/{YEAR}"}, 201, {"id": UUID}),
    (f"POST {HUB}/inboundFlows", {**NEW_FLOW, "dataConnector": {"id": CONNECTOR, "@odata.type": f"#{NS}azureDataLakeConnector"}, "year": {"id": YEAR}}, 201, {"year": {"id": YEAR}, "dataConnector": {"id": CONNECTOR}}),
    (f"POST {HUB}/inboundFlows", NEW_FLOW, 400, {"error": {"code": "invalidBody", "details": [{"target": "dataConnector"}, {"target": "year"}]}}),
    (f"POST {HUB}/inboundFlows", {**NEW_FLOW, **BIND, "@odata.type": f"#{NS}inboundFlow"}, 400, {"error": {"code": "abstractType"}}),
    (f"POST {HUB}/inboundFlows", {**NEW_FLOW, **BIND, "readinessStatus": "unknownFutureValue"}, 400, {"error": {"target": "readinessStatus"}}),
    (f"POST {HUB}/inboundFlows", {**NEW_FLOW, **BIND, "year@odata.bind": f"{BASE}/{HUB}/years/nope"}, 400, {"error": {"code": "referenceNotFound"}}),
    (f"POST {HUB}/years", NEW_YEAR, 201, {"id": UUID, **{name: value for name, value in NEW_YEAR.items() if name != "year"}, "year": {"code": "2027"}}),
    (f"POST {HUB}/years", {**NEW_YEAR, "endDate": "2027-01-01"}, 400, {"error": {"code": "invalidPeriod", "target": "endDate"}}),
    (f"PATCH {HUB}/years/{YEAR}", {"displayName": "SY 2025-26"}, 204, None),
    (f"PATCH {HUB}/years/{YEAR}", {"id": YEAR, "@odata.etag": 'W/"2"', "displayName": "SY 2025-26"}, 204, None),
    (f"PATCH {HUB}/years/{YEAR}", {"end_date": None, "displayName": "x"}, 400, {"error": {"code": "unknownProperty", "message": re.compile("'endDate'")}}),
    (f"PATCH {HUB}/years/{YEAR}", {"endDate": None}, 400, {"error": {"target": "endDate"}}),
    (f"DELETE {HUB}/years/{YEAR}", None, 409, {"error": {"code": "stillReferenced", "details": Some([{"target": f"{HUB}/inboundFlows('{FLOW}')"}])}}),
    (f"POST {HUB}/sourceSystems", {"displayName": "New", "userMatchingSettings": [{"priorityOrder": 0, "matchTarget": {"code": "mail", "@odata.type": f"#{NS}userMatchTargetReferenceValue"},
                                   "sourceIdentifier": {"value@odata.bind": f"{HUB}/referenceDefinitions/RefIdentifierType-username"}, "roleGroup@odata.bind": f"{BASE}/{HUB}/roleGroups('students')"}]}, 201,
     {"userMatchingSettings": [{"matchTarget": {"code": "mail"}, "sourceIdentifier": {"code": "username"}}], "vendor": None}),
    (f"POST {HUB}/dataConnectors", {"@odata.type": f"#{NS}azureDataLakeConnector", "displayName": "New", "fileFormat": {"code": "educationClever"}, **SOURCE}, 201, {"fileFormat": {"code": "educationClever"}}),
    (f"POST {HUB}/dataConnectors", {**ONE_ROSTER, **SOURCE}, 201, {"credential": {"@odata.type": f"#{NS}oAuth1ClientCredential", "clientId": "me", "clientSecret": ABSENT}}),
    (f"POST {HUB}/referenceDefinitions", {"code": "kayak", "referenceType": "RefSubject", "sortIndex": 5, "isDisabled": False}, 201, {"id": "RefSubject-kayak", "createdDateTime": "2025-11-29T15:10:00Z", "source": "Brightwater"}),
    (f"POST {HUB}/outboundProvisioningFlowSets", {"displayName": "S", "filter": {"attribute": "orgExternalId", "in": ["a"], "@odata.type": f"#{NS}basicFilter"}}, 201, {"createdDateTime": "2025-11-29T15:10:00Z", "filter": {"in": ["a"]}}),
    (f"POST {HUB}/outboundProvisioningFlowSets/{SET}/provisioningFlows", {"@odata.type": f"#{NS}securityGroupProvisioningFlow", "creationOptions": {"createBasedOnRoleGroup": True, "createBasedOnOrgPlusRoleGroup": False}}, 201, {"readinessStatus": "notReady"}),
    (f"POST {HUB}/roleGroups", {"displayName": "G", "roles": [{"value@odata.bind": f"{HUB}/referenceDefinitions/RefSubject-art"}]}, 400, {"error": {"code": "wrongReferenceType", "target": "roles/value"}}),
    # actions: no body, no content type
    (f"POST {HUB}/runs/{NS}start", None, 202, None), (f"POST {HUB}/runs/start", None, 202, None),
    (f"POST {HUB}/dataConnectors/{CONNECTOR}/{NS}validate", None, 202, None), (f"POST {HUB}/inboundFlows/{FLOW}/dataConnector/{NS}validate", None, 202, None), (f"POST {HUB}/dataConnectors/{API}/validate", None, 202, None),
    (f"POST {HUB}/outboundProvisioningFlowSets/{SET}/provisioningFlows/{PROVISIONING}/{NS}reset", None, 202, None),
    (f"POST {HUB}/dataConnectors/nope/{NS}validate", None, 404, ...), (f"GET {HUB}/dataConnectors/{CONNECTOR}/{NS}validate", None, 405, ...),
]


@pytest.mark.parametrize(("line", "body", "status", "answered"), WRITES, ids=[f"{row[0]} {json.dumps(row[1])}"[:110] for row in WRITES])
def test_write(shared: Sdk, line: str, body: Any, status: int, answered: Any) -> None:
    answer = shared.send(line, body)
    wanted(answered, answer, status)
    if status == 201:
        assert answer.headers["location"].startswith(f"{BASE}/{HUB}/")
        assert plain(shared.send("GET " + answer.headers["location"]).json)["id"] == answer.json["id"]


def test_fetched_and_sent_back(own: Callable[..., Sdk]) -> None:
    """All members come back, read-only ones and control information included; then it is deleted, by its ETag."""
    sdk = own()
    created = sdk.send(f"POST {HUB}/years", NEW_YEAR).json
    place = f"{HUB}/years/{created['id']}"
    fetched = {name: value for name, value in sdk.get(place).items() if value is not None and name != "@odata.context"}
    assert sdk.send(f"PATCH {place}", {**fetched, "displayName": "changed"}).status == 204
    assert sdk.get(place)["displayName"] == "changed"
    assert sdk.send(f"DELETE {place}", None, {"if-match": fetched["@odata.etag"]}).status == 412
    assert sdk.send(f"DELETE {place}", None, {"if-match": sdk.get(place)["@odata.etag"]}).status == 204
    assert sdk.send(f"GET {place}").status == 404


def test_a_url_of_this_service_is_filtered_as_it_is_shown(sdk: Sdk, own: Callable[..., Sdk]) -> None:
    """Store.BelowRoot: stored below the service root, absolute wherever a client sees or says it (P 11.2.6.1)."""
    shown = [each["resourceLocation"] for each in plain(sdk.get(f"{HUB}/operations?$select=resourceLocation"))["value"]]
    wanted, path = shown[0], f"{HUB}/operations"

    def found(query: str, member: str = "resourceLocation") -> list[Any]:
        return [each[member] for each in sdk.get(f"{path}?{query}")["value"]]
    assert wanted.startswith(f"{BASE}/{HUB}/dataConnectors/")
    assert found(f"$filter=resourceLocation eq '{wanted}'") == [wanted] * shown.count(wanted)
    assert sorted(found(f"$filter=resourceLocation in ('{wanted}','{shown[1]}')")) == sorted(each for each in shown if each in (wanted, shown[1]))
    assert len(found(f"$filter=startswith(resourceLocation,'{BASE}/{HUB}/')")) == len(shown)
    assert found(f"$filter=startswith(resourceLocation,'{HUB}')") == found("$filter=resourceLocation eq null") == []
    assert found("$orderby=resourceLocation desc&$top=7") == sorted(shown, reverse=True)[:7]
    assert found("$apply=groupby((resourceLocation))/orderby(resourceLocation)") == sorted(set(shown))
    assert found("$apply=aggregate(resourceLocation with max as last)", "last") == [max(shown)]
    assert found("$compute=concat(resourceLocation,'!') as loud&$select=loud&$top=1", "loud") == [wanted + "!"]
    first = sdk.get(f"{HUB}?$expand=operations($filter=resourceLocation eq '{wanted}';$select=id)")["operations"]
    assert len(first) == shown.count(wanted)
    pages, link = [], f"{path}?$orderby=resourceLocation,id desc&$select=resourceLocation"
    while link:
        page = sdk.send(f"GET {link}", None, {"prefer": "odata.maxpagesize=2"}).json
        pages += [each["resourceLocation"] for each in page["value"]]
        link = page.get("@odata.nextLink")
    assert pages == sorted(shown)
    fresh = own()
    answer = fresh.send(f"POST {wanted.removeprefix(BASE + '/')}/{NS}validate", None, {"content-length": "0"})
    assert fresh.send("GET " + answer.headers["location"]).json["resourceLocation"] == wanted


def test_leniencies_for_the_sdk(own: Callable[..., Sdk]) -> None:
    """Nulls under Python names, and times without an offset."""
    sdk = own(lenient=frozenset({"unknown-nulls", "zoneless-times"}))
    assert sdk.send(f"PATCH {HUB}/inboundFlows/{FLOW}", {"expiration_date_time": None, "effectiveDateTime": "2025-08-02T03:04:05.678901"}).status == 204
    assert plain(sdk.get(f"{HUB}/inboundFlows/{FLOW}"))["effectiveDateTime"] == "2025-08-02T03:04:05.678901Z"


def test_check_is_followed(own: Callable[..., Sdk]) -> None:
    """validate → Location → operation; what was found depends on the format of the connector."""
    sdk = own()
    answer = sdk.send(f"POST {HUB}/dataConnectors/{CONNECTOR}/{NS}validate", None, {"content-length": "0"})
    check = sdk.send("GET " + answer.headers["location"]).json
    assert answer.headers["location"].startswith(f"{BASE}/{HUB}/operations(")
    assert check["@odata.type"] == f"#{NS}fileValidateOperation" and check["status"] == "succeeded"
    assert check["resourceLocation"] == f"{BASE}/{HUB}/dataConnectors/{CONNECTOR}"
    assert [each["target"] for each in check["errors"]] == ["orgs.csv", "users.csv", "roles.csv"]
    assert sdk.send(f"GET {HUB}/operations/$count").text == "9"        # the check that waited for the upload
    assert sdk.send(f"POST {HUB}/dataConnectors/{CONNECTOR}/{NS}validate").headers["location"] != answer.headers["location"]
    assert sdk.send(f"GET {HUB}/operations/$count").text == "10"


def test_starts_are_limited(own: Callable[..., Sdk]) -> None:
    """Five in twelve hours; the answer says when the next one is possible."""
    sdk = own()
    for _ in range(5):
        assert sdk.send(f"POST {HUB}/runs/{NS}start").status == 202
    answer = sdk.send(f"POST {HUB}/runs/{NS}start")
    assert answer.status == 429 and answer.json["error"]["code"] == "tooManyRequests"
    assert 0 < int(answer.headers["retry-after"]) <= 12 * 3600 + 1
    runs = sdk.get(f"{HUB}/runs?$filter=status%20eq%20'running'&$expand=activities($expand=activity)&$orderby=startDateTime%20desc")["value"]
    assert len(runs) == 6 and [[each["activity"]["displayName"] for each in run["activities"]] for run in runs[:1]] == [["Cobalt HR", "Northstar SIS 2025-2026", "OneRoster API"]]
    assert sdk.get(f"{HUB}/runs/{runs[0]['id']}/{NS}getStatistics()")["inboundTotals"] is None


def test_reset(own: Callable[..., Sdk]) -> None:
    sdk = own()
    place = f"{HUB}/outboundProvisioningFlowSets/{SET}/provisioningFlows/{PROVISIONING}"
    assert sdk.send(f"POST {place}/{NS}reset").status == 202
    wanted({"readinessStatus": "ready", "lastModifiedDateTime": "2025-11-29T15:10:00Z"}, sdk.send(f"GET {place}"), 200)


def test_batch(own: Callable[..., Sdk]) -> None:
    """URLs with a leading slash are relative to the service; `depends_on` is no member of OData's."""
    requests = [{"id": "b66983bf-c791-5630-b0eb-8386890caa1f", "method": "GET", "url": f"/{HUB}/runs/{RUN}", "depends_on": [], "headers": {"accept": "application/json"}},
                {"id": "fb1e2b70-7490-5a02-bbf4-a3ef4dddbbb5", "method": "POST", "url": f"/{HUB}/years", "depends_on": [], "headers": {"accept": "application/json", "content-type": "application/json"}, "body": NEW_YEAR},
                {"id": "3", "method": "GET", "url": f"/beta/{HUB}/years/$count"}, {"id": "4", "method": "POST", "url": f"/{HUB}/runs/{NS}start", "headers": {}}]
    answer = own().send("POST $batch", {"requests": requests}, {"accept": ""})
    wanted({"responses": [{"id": requests[0]["id"], "status": 200, "headers": {"content-type": "application/json;odata.metadata=minimal"}, "body": {"id": RUN, "status": "running"}},
                          {"id": requests[1]["id"], "status": 201, "headers": {"location": re.compile(f"^{BASE}/{HUB}/years")}, "body": {"id": UUID, "year": {"code": "2027"}}},
                          {"id": "3", "status": 200, "body": "4"}, {"id": "4", "status": 202, "body": ABSENT}]}, answer, 200)


# --- the documented exchanges ----------------------------------------------------------------------------

SAMPLES = Path(__file__).parents[1] / "models" / "samples"
FILES = sorted(SAMPLES.glob("published-*.json"))
OF_THE_MOMENT = {"@odata.context", "id", "@odata.etag", "containerId", "date", "request-id", "client-request-id", "message"}


def compared(value: Any, subset: bool) -> Any:
    """A sample's body as what an answer has to match: ids, times of now and texts may differ."""
    if isinstance(value, dict):
        return {name.lower() if name == "Content-Type" else name: kind(each) if name in OF_THE_MOMENT else (
            re.compile("^application/json") if name == "Content-Type" else compared(each, subset)) for name, each in value.items() if name != "client-request-id"}
    if isinstance(value, list):
        items = [compared(each, False) for each in value]
        return Some(items) if subset else items
    return value


def kind(value: Any) -> Any:
    return str if isinstance(value, str) else ...


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_sample(own: Callable[..., Sdk], file: Path) -> None:
    sample = json.loads(file.read_text(encoding="utf-8").replace("{serviceRoot}", BASE))
    request, response = sample["request"], sample["response"]
    headers = {name.lower(): value for name, value in request.get("headers", {}).items()}
    answer = own().send(f"{request['method']} {request['url']}", request.get("body"), headers)
    assert answer.status == response["status"]
    for name in ("ETag", "Location"):
        assert name not in response["headers"] or name.lower() in answer.headers
    if "body" not in response:
        assert not answer.body
        return
    kinds = response["headers"].get("Content-Type", "").partition(";")[0]
    assert answer.headers["content-type"].partition(";")[0] == kinds
    found = list(differences(compared(response["body"], bool(sample.get("subset"))), plain(answer.json)))
    assert not found, found


def lines(table: list[Any]) -> Iterator[str]:
    for row in table:
        yield row[0]


def test_every_operation_of_the_model_is_called(sdk: Sdk) -> None:
    called = " ".join([*lines(READS), *lines(WRITES)])
    assert all(f"{NS}{name}" in called for name in ("start", "validate", "reset", "getStatistics", "getUploadSession"))

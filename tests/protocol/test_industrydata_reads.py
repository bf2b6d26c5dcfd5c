"""industryData as its documents have it: the counts of the sample tenant, every documented request, and a replay of them.

The tables are this project's own; the samples of every documented operation (tests/models/samples) are replayed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Client, Exchange, Some, rows, shortened

NS = "microsoft.graph.industryData."
CONTEXT, TYPE, ETAG = "@odata.context", "@odata.type", "@odata.etag"
META = ROOT + "$metadata#"
TEXT = {"Content-Type": "text/plain"}
JSON = {"Content-Type": "application/json;odata.metadata=minimal", "OData-Version": "4.0"}
TAGGED = {**JSON, "ETag": re.compile('^W/"')}
RUNNING, FINISHED = "7dc5465f-29d6-5a79-b375-6b65b8cec57e", "f904e29a-a96e-553f-aab3-86bf859067e7"
FLOW, LAKE, YEAR = "9a1475e3-a433-5414-9935-6c414a931e37", "fa36a766-8694-5989-ae1e-0c5e17045f09", "250853de-d2f9-5bb3-b62a-66cfc819b9ee"
GROUP, SOURCE = "4b16c02b-fae1-5fb3-ad52-15df9aced463", "11ffe7a0-81f8-59d5-933d-d4651b31e837"


def instant(text: Any) -> datetime | None:
    """The instant that a text says, to the microsecond; None for other texts."""
    if not isinstance(text, str):
        return None
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
    return datetime.fromisoformat(f"{found[1]}.{(found[2] or '0')[:6]:0<6}{found[3]}") if found else None


def at(text: str) -> Callable[[Any], bool]:
    """The same instant, however many digits."""
    wanted = instant(text)

    def same(value: Any) -> bool:
        return instant(value) == wanted
    same.__name__ = text
    return same


def get(spec: str, target: str, body: Any = ..., headers: dict[str, Any] | None = None, status: int = 200, **sent: str) -> Exchange:
    return Exchange(spec, "GET " + target, status, body, headers or {}, {name.replace("_", "-"): value for name, value in sent.items()},
                    model="industryData")


def counted(target: str, number: int) -> Exchange:
    return get("P 11.2.10", target, str(number), TEXT)


COUNTS = [
    counted("incomingFlowRuns/$count", 540), counted("runGroups/$count", 180), counted("incomingFlows/$count", 6), counted("outgoingFlows/$count", 2),
    counted("dataConnectors/$count", 4), counted("sourceSystems/$count", 3), counted("years/$count", 3), counted("roleGroups/$count", 5),
    counted("referenceDefinitions/$count", 126), counted("operations/$count", 9), counted("incomingFlowRuns/$count?$filter=status eq 'failed'", 8),
    counted("incomingFlowRuns/$count?$filter=status eq 'running'", 3), counted("incomingFlowRuns/$count?$filter=status eq 'completedWithErrors'", 42),
    counted("incomingFlowRuns/$count?$filter=status eq 'completedWithWarnings'", 97), counted("incomingFlowRuns/$count?$filter=status eq 'completed'", 390),
    counted("incomingFlowRuns/$count?$filter=endDateTime eq null", 3), counted("incomingFlows/$count?$filter=readinessStatus eq 'ready'", 3),
    counted(f"incomingFlows/{NS}incomingApiFlow/$count", 1), counted(f"incomingFlows/{NS}incomingFileFlow/$count", 5), counted(f"dataConnectors/{NS}azureDataLakeConnector/$count", 3),
    counted("industryData/referenceDefinitions/$count?$filter=referenceType eq 'RefRole'", 24), counted("industryData/incomingFlows/$count", 6), counted("industryData/dataShareOutgoingFlows/$count", 2),
    counted("operations/$count?$filter=status eq 'succeeded'", 5), counted("roleGroups('staff')/roles/$count", 9), counted("roleGroups/temporary/roles/$count", 0),
    get("P 11.2.6.5", "incomingFlowRuns?$filter=status eq 'failed'&$count=true", {"@odata.count": 8, "value": [{"status": "failed", "blockingError": {"code": str}}] * 8}),
    get("P 11.5.4", "referenceDefinitions/localized(referenceType='RefRole')", {"value": [{"code": str}] * 24}),
    get("P 11.2.5.2", "incomingFlowRuns?$expand=process($select=id)&$select=id&$top=600", {"value": lambda found: len(found) == 540 and all(run["process"] for run in found)}),
    get("J 7.1", "referenceDefinitions/RefRole-student", {"createdDateTime": at("0001-01-01T00:00:00Z"), "sortOrder": "0010"}),
    get("J 7.1", "incomingFlowRuns('6dc80ff3-b83d-576e-9c0b-f69af27f1338')/displayName", {"value": "O'Fallon/Évora «north» 100 %"}),
    get("J 7.1", "incomingFlowRuns('9094d957-2f45-5acf-ac57-4b2129801ac5')?$select=displayName", {"displayName": lambda text: len(text) == 100}),
    get("J 7", "roleGroups/temporary", {"displayName": "Temporary", "roles": []}),
    get("J 7", "sourceSystems?$filter=vendor eq null", {"value": [{"displayName": "Summer Academy Roster", "vendor": None}]}),
]

ERROR = {"code": "ConnectorUnavailable", "message": "The source system did not answer in time.", "target": "dataConnector",
         "details": [{"code": "Timeout", "message": "No answer within 300 s.", "target": "staff.csv"}],
         "innerError": {"code": "TcpConnect", "message": "connection refused", "details": [], "target": None, "attempts": 3, "lastHost": "files.cobalt.example"}}

DOCUMENTED = [
    get("GET hub", "industryData", {CONTEXT: META + "industryData", ETAG: str, "id": "871f22b9-e3ca-526b-83db-3cbf9134bf2b", "eTag": str,
                                    "identityMatchingSettings": {"externalIdMatchingStyle": "uniquePerSourceSystem"},
                                    "statistics": {"organizations": 26, "people": 21740, "groups": 9412, "memberships": 188300}, "incomingFlows": ABSENT}, TAGGED),
    get("list runs", "incomingFlowRuns?$filter=status%20in%20('running','failed')&$orderby=startDateTime%20desc&$top=20&$count=true",
        {CONTEXT: META + "incomingFlowRuns", "@odata.count": 11, "value": Some([
            {ETAG: str, "id": RUNNING, "displayName": "Northstar SIS 2025-2026, 2025-11-29 14:00", "startDateTime": at("2025-11-29T14:00:41.2093715Z"), "endDateTime": None, "status": "running",
             "blockingError": None, "statistics": lambda value: value == {}},
            {"id": "3053d91f-a81f-54c0-8722-bb3720438ff7", "displayName": "Cobalt HR, 2025-10-09 14:00", "startDateTime": at("2025-10-09T14:02:05Z"), "endDateTime": at("2025-10-09T14:08:44Z"),
             "status": "failed", "blockingError": ERROR, "statistics": {"errors": 1}}])}, JSON),
    get("get run", f"incomingFlowRuns/{FINISHED}", {
        CONTEXT: META + "incomingFlowRuns/$entity", "displayName": "Northstar SIS 2025-2026, 2025-11-25 14:00", "startDateTime": at("2025-11-25T14:00:17Z"),
        "endDateTime": at("2025-11-25T14:31:31.5Z"), "status": "completedWithWarnings", "blockingError": None, "process": ABSENT, "extractedData": ABSENT,
        "statistics": {"organizations": 26, "errors": 0, "warnings": 12, "people": {"total": 21740, "active": 21108, "inactive": 632},
                       "matchedPeopleByRole": [{"role": "student", "count": 18102}, {"role": "teacher", "count": 1288}], "bytesRead@odata.type": "#Int64",
                       "bytesRead": 734118902, "durationSeconds": 1874.5, "rejectedFiles@odata.type": "#Collection(String)", "rejectedFiles": [],
                       "sourceHash": "b64:9Yk2", "schemaRevision": None}}, TAGGED),
    get("list process", f"incomingFlowRuns/{RUNNING}/process", {
        TYPE: f"#{NS}incomingFileFlow", "displayName": "Northstar SIS 2025-2026", "readinessStatus": "ready", "dataDomain": "educationRostering",
        "recurrenceEffectiveDateTime": at("2025-08-01T05:00:00Z"), "recurrenceExpirationDateTime": at("2026-06-30T05:00:00Z"), "isPaused": False}, TAGGED),
    get("list flows", "industryData/incomingFlows?$expand=dataConnector($expand=sourceSystem),year", {CONTEXT: META + "incomingFlows", "value": Some([
        {TYPE: f"#{NS}incomingFileFlow", "id": FLOW, "dataConnector": {TYPE: f"#{NS}azureDataLakeConnector", "displayName": "Northstar nightly CSV", "formatSettings": {
            "format": "educationSchoolDataSyncV2Rev1", "additionalData": None, "requiredFiles": ["orgs.csv", "users.csv", "roles.csv"], "optionalFiles": ["classes.csv", "enrollments.csv"]},
            "sourceSystem": {"vendor": "Northstar Learning", "directoryUserMatchingSettings": [
                {"directoryUserMatchProperty": "userPrincipalName", "priorityOrder": 0, "sourceUserMatchProperty": {"code": "username"}, "sourceUserSuffix": "@brightwater.example", "roleGroup": ABSENT},
                {"directoryUserMatchProperty": "studentId", "sourceUserSuffix": None}]}},
         "year": {"displayName": "School year 2025-2026", "startDate": "2025-08-01", "endDate": "2026-06-30", "year": "2025", "year2": {"code": "2025", "value": ABSENT}}}])}, JSON),
    get("list flow runs", f"industryData/incomingFlows/{FLOW}/runs?$orderby=startDateTime%20desc&$top=1&$select=id,displayName,status",
        {CONTEXT: META + "incomingFlowRuns(id,displayName,status)", "value": [{"id": RUNNING, "status": "running", "startDateTime": ABSENT}]}, JSON),
    get("get group", f"industryData/runGroups/{GROUP}?$expand=runs($select=id,status)",
        {CONTEXT: META + "runGroups(runs(id,status))/$entity", "displayName": "Run 2025-11-29 14:00 UTC", "endDateTime": None, "status": "running",
         "runs": [{TYPE: f"#{NS}incomingFlowRun", "id": str, "status": "running", "displayName": ABSENT}] * 3}, JSON),
    get("getUploadSession", f"dataConnectors/{LAKE}/{NS}azureDataLakeConnector/{NS}getUploadSession()",
        {CONTEXT: META + f"{NS}fileUploadSession", "sessionUri": "https://lake.brightwater.example/upload?sig=invented", "sessionExpiration": at("2025-11-29T16:00:00Z"),
         "containerId": "7b133603-0aa4-5273-8037-b100c4d1bfc7", "containerExpiration": at("2025-11-30T04:00:00Z")}, JSON),
    get("getUploadSession", f"dataConnectors/{LAKE}/azureDataLakeConnector/getUploadSession", {"containerId": "7b133603-0aa4-5273-8037-b100c4d1bfc7"}, JSON),
    get("localized", "industryData/referenceDefinitions/localized(referenceType='RefRole')",
        {CONTEXT: META + f"Collection({NS}localizedReferenceDefinitionView)", "value": Some([
            {"code": "student", "displayName": "Estudiante", "namespace": "CEDS", "url": f"{ROOT}referenceDefinitions/RefRole-student"}, {"code": "teacher", "displayName": "Docente"}])},
        JSON, Accept_Language="es-MX"),
    get("invitees", "industryData/dataShareOutgoingFlows/getPotentialDataShareInvitees",
        {CONTEXT: META + "Collection(microsoft.graph.identity)", "value": Some([{"id": "08971e1e-4c02-5e16-8088-e5926c6cb573", "displayName": "Ana Ortega"}, {"displayName": "Piet de Wit"}])}, JSON),
    get("members of process", f"incomingFlows('{FLOW}')/{NS}incomingFileFlow/fileDataConnector", {TYPE: f"#{NS}azureDataLakeConnector", "id": LAKE}),
    get("insights", "industryData/insightsOutgoingFlow", {"displayName": "Insights", "readinessStatus": "ready"}, TAGGED),
    get("matching", "industryData/directoryMatchingProcess", {"displayName": "Directory matching"}, TAGGED),
    get("operation", "operations?$filter=status eq 'failed'", {"value": [{TYPE: f"#{NS}validateOperation", "statusDetail": "The container is gone", "errors": []}]}),
    get("links inside values", f"sourceSystems('{SOURCE}')/directoryUserMatchingSettings", {"value": [{"priorityOrder": 0, "roleGroup": ABSENT}, {"priorityOrder": 1}]}),
    get("enum sentinel", "incomingFlowRuns/$count?$filter=status eq 'unknownFutureValue'", "0"),
    get("unbound navigation", "outgoingFlows('2404d33b-bf48-5b82-8f8d-6f66ccc17da0')/runs", {"error": {"message": re.compile("runs")}}, status=501),
    get("no such run", "incomingFlowRuns/nosuch", {"error": {"code": "notFound", "innerError": {"request-id": str}}}, status=404),
    get("a stranger's name", "incomingFlowRun", {"error": {"message": re.compile("Did you mean 'incomingFlowRuns'")}}, status=404),
]


@rows([*COUNTS, *DOCUMENTED])
def test_reads(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients["industryData"])


def test_pages_of_the_tenant(clients: Clients) -> None:
    """`maxpagesize=100` gives six pages of runs, each run once (P 8.2.8.5)."""
    pages = clients["industryData"].pages("incomingFlowRuns", {"Prefer": "maxpagesize=100"})
    assert [len(page["value"]) for page in pages] == [100, 100, 100, 100, 100, 40]
    assert len({run["id"] for page in pages for run in page["value"]}) == 540


def test_a_property_that_shows_the_etag_is_a_property_like_others(clients: Clients) -> None:
    client = clients["industryData"]
    tags = [each["eTag"] for each in client.get("referenceDefinitions?$select=eTag")["value"]]

    def found(query: str, member: str = "eTag") -> list[Any]:
        return [each[member] for each in client.get(f"referenceDefinitions?{query}")["value"]]
    assert sorted(found("$orderby=eTag&$select=eTag")) == sorted(tags) and len(set(tags)) == 126
    pages = client.pages("referenceDefinitions?$orderby=eTag&$select=eTag", {"Prefer": "maxpagesize=50"})
    assert [each["eTag"] for page in pages for each in page["value"]] == sorted(tags)
    assert found("$orderby=eTag desc&$select=eTag&$top=9") == sorted(tags, reverse=True)[:9]
    assert found(f"$filter=eTag eq '{quote(tags[7])}'&$select=eTag") == [tags[7]]
    assert sorted(found(f"$filter=eTag in ('{quote(tags[7])}','x','{quote(tags[2])}')&$select=eTag")) == sorted((tags[7], tags[2]))
    assert found("$apply=groupby((eTag))/orderby(eTag)/top(3)") == sorted(tags)[:3]
    assert found("$apply=aggregate(eTag with max as last)", "last") == [max(tags)]
    flows = client.get("incomingFlows?$expand=year($select=eTag)&$select=id")["value"]
    year = flows[0]["year"]["eTag"]
    assert {each["id"] for each in client.get(f"incomingFlows?$filter=year/eTag eq '{quote(year)}'&$select=id")["value"]} \
        == {each["id"] for each in flows if each["year"]["eTag"] == year}
    derived = f"incomingFlows?$filter={NS}incomingApiFlow/eTag ne null&$select=id"
    assert len(client.get(derived)["value"]) == len(client.get(f"incomingFlows/{NS}incomingApiFlow")["value"])


def test_runs_that_start_together_keep_their_order(clients: Clients) -> None:
    """Two runs with one startDateTime: a page may end between them (P 11.2.6.3)."""
    client = clients["industryData"]
    target = "incomingFlowRuns?$filter=startDateTime eq 2025-09-21T14:01:02Z&$orderby=startDateTime&$select=id"
    whole = [run["id"] for run in client.get(target)["value"]]
    assert len(whole) > 1
    pages = client.pages(target, {"Prefer": "maxpagesize=1"})
    assert [run["id"] for page in pages for run in page["value"]] == whole


# --- the documents' own samples --------------------------------------------------------------------------

SAMPLES = Path(__file__).parents[1] / "models" / "samples"
FILES = sorted(SAMPLES.glob("draft-*.json"))
SHOWN = {CONTEXT, ETAG, "eTag", "id", "message", "date", "request-id", "createdDateTime"}       # there, whatever their value
LEFT_OUT = {"client-request-id"}


def unlike(wanted: Any, found: Any, subset: list[str], place: str = "body") -> Iterator[str]:
    """Where an answer differs from a sample, by the rules of the replay."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            yield f"{place}: {shortened(found)}"
            return
        for name, value in wanted.items():
            if name in LEFT_OUT:
                continue
            if name not in found:
                yield f"{place}.{name} is missing"
            elif name not in SHOWN:
                yield from unlike(value, found[name], subset, f"{place}.{name}")
    elif isinstance(wanted, list):
        if place.rpartition(".")[2] in subset:
            for value in wanted:
                if not any(not list(unlike(value, each, subset)) for each in found):
                    yield f"{place}: nothing like {shortened(value)}"
        elif not isinstance(found, list) or len(found) != len(wanted):
            yield f"{place}: {shortened(found)}"
        else:
            for index, (value, each) in enumerate(zip(wanted, found, strict=True)):
                yield from unlike(value, each, subset, f"{place}[{index}]")
    elif instant(wanted) is not None:
        if instant(wanted) != instant(found):
            yield f"{place}: {found}"
    elif isinstance(wanted, bool) or wanted is None or isinstance(wanted, str):
        if wanted != found:
            yield f"{place}: {shortened(found)}"
    elif isinstance(found, bool) or float(found) != float(wanted):
        yield f"{place}: {shortened(found)}"


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_replay(file: Path, private: Callable[..., Client]) -> None:
    """A sample's request on a fresh store gives the sample's answer."""
    client = private("industryData")
    sample = json.loads(file.read_text(encoding="utf-8").replace("{serviceRoot}/", ROOT))
    request, answer = sample["request"], sample["response"]
    target = request["url"].removeprefix(ROOT)
    headers = {name: value for name, value in request["headers"].items() if name not in ("Authorization", "Content-Length")}
    if "If-Match" in headers:
        tag = client.send("GET " + target.partition("?")[0]).headers["etag"]
        headers["If-Match"] = 'W/"stale"' if answer["status"] == 412 else tag
    if "after the flow's running run" in (sample.get("note") or "") or target.endswith("/runNow"):
        client.send(f"PATCH incomingFlowRuns/{RUNNING}", {"Content-Type": "application/json"}, b'{"status":"completed"}')
    body = json.dumps(request["body"]).encode() if "body" in request else b""
    got = client.send(f"{request['method']} {target}", headers, body)
    assert got.status == answer["status"], got.text
    wanted = answer.get("headers", {})
    if "Content-Type" in wanted:
        assert got.headers["content-type"].partition(";")[0] == wanted["Content-Type"].partition(";")[0]
    for name in ("ETag", "Location"):
        assert name not in wanted or name.lower() in got.headers, name
    if "body" in answer:
        assert not list(unlike(answer["body"], json.loads(got.body), sample.get("subset", [])))
    else:
        assert got.body == b""

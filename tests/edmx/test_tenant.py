"""The sample tenant as a file: how many of each there are, who is linked to whom, the rows that tests rely on.

No service takes part: the file is read as JSON, and the script that writes it must write it again.
"""

from __future__ import annotations

import ast
import json
import re
import runpy
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

EDMX = Path(__file__).parents[2] / "edmx"
RUN_NAMES = {"OneRoster API", "Cobalt HR", "Northstar SIS 2025-2026"}
BIND = re.compile(r"(\w+)\('([^']*)'\)")


@pytest.fixture(scope="module")
def tenant() -> dict[str, Any]:
    data: dict[str, Any] = json.loads((EDMX / "industryData.data.json").read_text(encoding="utf-8"))
    return data


@pytest.fixture(scope="module")
def seed() -> dict[str, Any]:
    return runpy.run_path(str(EDMX / "industryData.seed.py"))


def key(kind: str, ordinal: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"brightwater/{kind}/{ordinal}"))


def by_id(rows: list[dict[str, Any]], identifier: str) -> dict[str, Any]:
    (row,) = [row for row in rows if row["id"] == identifier]
    return row


def in_order(instant: str) -> str:
    return instant.removesuffix("Z")


COUNTS = [
    ("sourceSystems", 3), ("dataConnectors", 4), ("years", 3), ("roleGroups", 5), ("referenceDefinitions", 126),
    ("incomingFlows", 6), ("outgoingFlows", 2), ("runGroups", 180), ("incomingFlowRuns", 540), ("operations", 9),
]


@pytest.mark.parametrize(("entity_set", "count"), COUNTS)
def test_count(tenant: dict[str, Any], entity_set: str, count: int) -> None:
    assert len(tenant[entity_set]) == count


def test_nothing_else_is_in_it(tenant: dict[str, Any]) -> None:
    assert set(tenant) == {name for name, _ in COUNTS} | {"industryData"}


COUNTERS = [
    ("incomingFlowRuns", "status", {"running": 3, "failed": 8, "completedWithErrors": 42,
                                    "completedWithWarnings": 97, "completed": 390}),
    ("operations", "status", {"succeeded": 5, "running": 2, "failed": 1, "notStarted": 1}),
    ("incomingFlows", "readinessStatus", {"ready": 3, "expired": 1, "notReady": 1, "deleted": 1}),
    ("incomingFlows", "@odata.type", {"#microsoft.graph.industryData.incomingFileFlow": 5,
                                      "#microsoft.graph.industryData.incomingApiFlow": 1}),
    ("dataConnectors", "@odata.type", {"#microsoft.graph.industryData.azureDataLakeConnector": 3,
                                       "#microsoft.graph.industryData.apiDataConnector": 1}),
    ("outgoingFlows", "sharingState", {"running": 1, "pending": 1}),
    ("referenceDefinitions", "referenceType", {
        "RefRole": 24, "RefGradeLevel": 18, "RefIdentifierType": 10, "RefSchoolYear": 8, "RefOrgType": 12,
        "RefEmailAddressType": 4, "RefUserMatchTarget": 7, "RefFileFormat": 6, "RefSectionRole": 6,
        "RefAcademicSessionType": 5, "RefSubject": 26}),
]


@pytest.mark.parametrize(("entity_set", "member", "counts"), COUNTERS, ids=[f"{s}-{m}" for s, m, _ in COUNTERS])
def test_counts_by_value(tenant: dict[str, Any], entity_set: str, member: str, counts: dict[str, int]) -> None:
    assert Counter(row[member] for row in tenant[entity_set]) == counts


ORDINALS = [
    ("sourceSystems", "sourceSystemDefinition"), ("dataConnectors", "dataConnector"),
    ("years", "yearTimePeriodDefinition"), ("incomingFlows", "incomingFlow"),
    ("outgoingFlows", "dataShareOutgoingFlow"), ("incomingFlowRuns", "incomingFlowRun"), ("runGroups", "runGroup"),
    ("operations", "validateOperation"),
]


@pytest.mark.parametrize(("entity_set", "kind"), ORDINALS)
def test_identifiers_come_from_ordinals(tenant: dict[str, Any], entity_set: str, kind: str) -> None:
    rows = tenant[entity_set]
    assert [row["id"] for row in rows] == [key(kind, ordinal) for ordinal in range(1, len(rows) + 1)]


def test_identifiers_of_lists(tenant: dict[str, Any]) -> None:
    definitions = tenant["referenceDefinitions"]
    assert all(row["id"] == f"{row['referenceType']}-{row['code']}" for row in definitions)
    assert len({row["id"] for row in definitions}) == 126
    translations = [each for row in definitions for each in row["translations"]]
    assert [each["id"] for each in translations] == [key("referenceTranslation", n) for n in range(1, 293)]
    assert Counter(each["language"] for each in translations) == {"en-US": 126, "es-MX": 126, "fr-CA": 40}
    assert tenant["industryData"]["id"] == "871f22b9-e3ca-526b-83db-3cbf9134bf2b"


def test_role_groups(tenant: dict[str, Any]) -> None:
    sizes = {row["id"]: len(row["roles"]) for row in tenant["roleGroups"]}
    assert sizes == {"staff": 9, "students": 2, "contacts": 3, "everyone": 14, "temporary": 0}


def test_matching_settings(tenant: dict[str, Any]) -> None:
    assert [len(row["directoryUserMatchingSettings"]) for row in tenant["sourceSystems"]] == [2, 2, 1]
    assert [row["vendor"] for row in tenant["sourceSystems"]] == ["Northstar Learning", "Cobalt People", None]


# --- links -----------------------------------------------------------------------------------------

def links(value: Any) -> Iterator[str]:
    """Every link of a value, at any depth."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name.endswith("@odata.bind"):
                yield from member if isinstance(member, list) else [member]
            else:
                yield from links(member)
    elif isinstance(value, list):
        for item in value:
            yield from links(item)


def test_links_resolve(tenant: dict[str, Any]) -> None:
    known = {(name, row["id"]) for name, rows in tenant.items() if isinstance(rows, list) for row in rows}
    targets = [BIND.fullmatch(link) for link in links(tenant)]
    assert len(targets) > 1000 and all(match and match.groups() in known for match in targets)


REQUIRED_LINKS = [("incomingFlowRuns", "process"), ("incomingFlows", "dataConnector"), ("incomingFlows", "year"),
                  ("dataConnectors", "sourceSystem"), ("runGroups", "runs")]


@pytest.mark.parametrize(("entity_set", "navigation"), REQUIRED_LINKS)
def test_everyone_is_linked(tenant: dict[str, Any], entity_set: str, navigation: str) -> None:
    assert all(row[f"{navigation}@odata.bind"] for row in tenant[entity_set])


def test_codes_agree_with_what_they_are_bound_to(tenant: dict[str, Any]) -> None:
    codes = {f"referenceDefinitions('{row['id']}')": row["code"] for row in tenant["referenceDefinitions"]}
    values = [role for row in tenant["roleGroups"] for role in row["roles"]]
    values += [row["year2"] for row in tenant["years"]]
    values += [setting["sourceUserMatchProperty"] for row in tenant["sourceSystems"]
               for setting in row["directoryUserMatchingSettings"]]
    assert all(codes[value["value@odata.bind"]] == value["code"] for value in values)


def test_runs_belong_to_one_group_each(tenant: dict[str, Any]) -> None:
    bound = [link for group in tenant["runGroups"] for link in group["runs@odata.bind"]]
    assert bound == [f"incomingFlowRuns('{run['id']}')" for run in tenant["incomingFlowRuns"]]


def test_groups_show_the_worst_of_their_runs(tenant: dict[str, Any]) -> None:
    worst_first = ["running", "failed", "completedWithErrors", "completedWithWarnings", "completed"]
    runs = tenant["incomingFlowRuns"]
    for number, group in enumerate(tenant["runGroups"]):
        members = runs[number * 3:number * 3 + 3]
        assert group["status"] == min((run["status"] for run in members), key=worst_first.index)
        ends = [run["endDateTime"] for run in members]
        assert group["endDateTime"] == (None if None in ends else max(ends, key=in_order))


# --- runs ------------------------------------------------------------------------------------------

def test_runs_end_as_their_status_says(tenant: dict[str, Any]) -> None:
    for run in tenant["incomingFlowRuns"]:
        assert (run["endDateTime"] is None) == (run["status"] == "running") == (run["statistics"] == {})
        assert (run["blockingError"] is not None) == (run["status"] == "failed")
        assert run["endDateTime"] is None or in_order(run["endDateTime"]) > in_order(run["startDateTime"])


def test_runs_cover_ninety_days(tenant: dict[str, Any]) -> None:
    starts = sorted(in_order(run["startDateTime"]) for run in tenant["incomingFlowRuns"])
    assert starts[0][:13] == "2025-09-01T02" and starts[-1][:13] == "2025-11-29T14"
    assert {start[11:13] for start in starts} == {"02", "14"}
    names = Counter(run["displayName"].partition(",")[0] for run in tenant["incomingFlowRuns"])
    assert {name for name, count in names.items() if count > 1} == RUN_NAMES


SHOWN = [
    (516, {"id": "f904e29a-a96e-553f-aab3-86bf859067e7", "status": "completedWithWarnings",
           "displayName": "Northstar SIS 2025-2026, 2025-11-25 14:00",
           "startDateTime": "2025-11-25T14:00:17Z", "endDateTime": "2025-11-25T14:31:31.5Z"}),
    (540, {"id": "7dc5465f-29d6-5a79-b375-6b65b8cec57e", "status": "running", "endDateTime": None, "statistics": {},
           "displayName": "Northstar SIS 2025-2026, 2025-11-29 14:00",
           "startDateTime": "2025-11-29T14:00:41.2093715Z"}),
    (233, {"id": "3053d91f-a81f-54c0-8722-bb3720438ff7", "status": "failed",
           "displayName": "Cobalt HR, 2025-10-09 14:00",
           "startDateTime": "2025-10-09T14:02:05Z", "endDateTime": "2025-10-09T14:08:44Z"}),
]


@pytest.mark.parametrize(("ordinal", "members"), SHOWN, ids=[str(ordinal) for ordinal, _ in SHOWN])
def test_documented_run(tenant: dict[str, Any], ordinal: int, members: dict[str, Any]) -> None:
    run = tenant["incomingFlowRuns"][ordinal - 1]
    assert {name: run[name] for name in members} == members


def test_documented_statistics(tenant: dict[str, Any]) -> None:
    statistics = by_id(tenant["incomingFlowRuns"], "f904e29a-a96e-553f-aab3-86bf859067e7")["statistics"]
    assert {name: value for name, value in statistics.items() if "@" not in name} == {
        "organizations": 26, "errors": 0, "warnings": 12,
        "people": {"total": 21740, "active": 21108, "inactive": 632},
        "groups": {"total": 9412, "active": 9020, "inactive": 392},
        "memberships": {"total": 188300, "active": 181577, "inactive": 6723},
        "matchedPeopleByRole": [{"role": "student", "count": 18102}, {"role": "teacher", "count": 1288}],
        "bytesRead": 734118902, "durationSeconds": 1874.5, "rejectedFiles": [], "sourceHash": "b64:9Yk2",
        "schemaRevision": None}


def test_statistics_hold_every_shape(tenant: dict[str, Any]) -> None:
    finished = [run["statistics"] for run in tenant["incomingFlowRuns"] if run["status"].startswith("completed")]
    types = {value for statistics in finished for name, value in statistics.items() if name.endswith("@odata.type")}
    assert types == {"#Int32", "#Int64", "#DateTimeOffset", "#Guid", "#Collection(String)"}
    assert any(statistics.get("bytesRead", 0) > 2**53 for statistics in finished)
    full = max(map(len, finished))
    assert len(finished) // 40 < sum(len(statistics) < full for statistics in finished) < len(finished) // 12


def test_a_tenth_of_the_instants_has_seven_digits(tenant: dict[str, Any]) -> None:
    instants = [run[name] for run in tenant["incomingFlowRuns"] for name in ("startDateTime", "endDateTime")]
    exact = [instant for instant in instants if instant and re.search(r"\.\d{7}Z$", instant)]
    assert 0.07 < len(exact) / len(instants) < 0.13


# --- the edges -------------------------------------------------------------------------------------

def test_edge_rows(tenant: dict[str, Any]) -> None:
    runs, definitions = tenant["incomingFlowRuns"], tenant["referenceDefinitions"]
    names = [run["displayName"] for run in runs]
    assert "O'Fallon/Évora «north» 100 %" in names
    assert 100 in map(len, names)
    assert Counter(run["startDateTime"] for run in runs).most_common(1)[0][1] == 2
    system = [row for row in definitions if row["createdDateTime"] == "0001-01-01T00:00:00Z"]
    assert {row["namespace"] for row in system} == {"CEDS", "IMS Global"}
    assert {row["namespace"] for row in definitions if row not in system} == {"Brightwater"}
    assert any(row["id"] != row["id"].lower() for row in definitions)


def test_contained_in_the_hub(tenant: dict[str, Any]) -> None:
    hub = tenant["industryData"]
    assert hub["identityMatchingSettings"] == {"externalIdMatchingStyle": "uniquePerSourceSystem"}
    assert {name: hub["statistics"][name] for name in ("organizations", "people", "groups", "memberships")} == {
        "organizations": 26, "people": 21740, "groups": 9412, "memberships": 188300}
    assert all(hub[name]["readinessStatus"] == "ready" for name in ("directoryMatchingProcess", "insightsOutgoingFlow"))


# --- the script ------------------------------------------------------------------------------------

def test_the_script_writes_the_file(seed: dict[str, Any]) -> None:
    assert seed["text"](seed["tenant"]()) == (EDMX / "industryData.data.json").read_text(encoding="utf-8")


def test_a_larger_scale_adds_runs_and_changes_none(seed: dict[str, Any], tenant: dict[str, Any]) -> None:
    large = seed["tenant"](2)
    assert (len(large["incomingFlowRuns"]), len(large["runGroups"])) == (1080, 360)
    first = {name: rows[:len(tenant[name])] if isinstance(rows, list) else rows for name, rows in large.items()}
    assert first == tenant
    statuses = Counter(run["status"] for run in large["incomingFlowRuns"])
    assert (statuses["running"], statuses["failed"]) == (3, 16)
    assert len({run["id"] for run in large["incomingFlowRuns"]}) == 1080


def test_script_and_operations_agree_on_files(seed: dict[str, Any]) -> None:
    source = ast.parse((EDMX / "industryData.py").read_text(encoding="utf-8"))
    (files,) = [node.value for node in source.body
                if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "FILES"]
    assert files is not None
    known = ast.literal_eval(files)
    assert all(known[name] == value for name, value in seed["FILES"].items())

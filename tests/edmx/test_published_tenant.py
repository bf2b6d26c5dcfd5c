"""The sample tenant in the published model: the file that its script writes, as many of each, linked to what is there."""

from __future__ import annotations

import base64
import json
import re
import runpy
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

EDMX = Path(__file__).parents[2] / "edmx"
BIND = re.compile(r"external/industryData/(\w+)\('([^']*)'\)")


@pytest.fixture(scope="module")
def tenant() -> dict[str, Any]:
    data: dict[str, Any] = json.loads((EDMX / "industryData-beta.data.json").read_text(encoding="utf-8"))
    hub: dict[str, Any] = data["external"]["industryData"]
    return hub


def test_the_script_writes_the_file() -> None:
    seed = runpy.run_path(str(EDMX / "industryData-beta.seed.py"))
    assert seed["text"](seed["tenant"]()) == (EDMX / "industryData-beta.data.json").read_text(encoding="utf-8")


COUNTS = {"referenceDefinitions": 126, "roleGroups": 5, "sourceSystems": 3, "dataConnectors": 4, "years": 3, "inboundFlows": 6,
          "outboundProvisioningFlowSets": 2, "runs": 180, "operations": 9}


def test_counts(tenant: dict[str, Any]) -> None:
    assert {name: len(rows) for name, rows in tenant.items()} == COUNTS
    assert sum(len(run["activities"]) for run in tenant["runs"]) == 540


def test_states(tenant: dict[str, Any]) -> None:
    """Those of the draft tenant, under their published names."""
    assert Counter(each["status"] for run in tenant["runs"] for each in run["activities"]) == {
        "inProgress": 3, "failed": 8, "completedWithErrors": 42, "completedWithWarnings": 97, "completed": 390}
    assert Counter(flow["readinessStatus"] for flow in tenant["inboundFlows"]) == {
        "ready": 3, "expired": 1, "notReady": 1, "disabled": 1}
    for run in tenant["runs"]:
        assert (run["endDateTime"] is None) == (run["status"] == "running")
        assert (run["blockingError"] is not None) == (run["status"] == "failed")


def test_same_identifiers_as_in_the_draft(tenant: dict[str, Any]) -> None:
    draft = json.loads((EDMX / "industryData.data.json").read_text(encoding="utf-8"))
    for published, other in (("inboundFlows", "incomingFlows"), ("runs", "runGroups"), ("years", "years"), ("operations", "operations"),
                             ("dataConnectors", "dataConnectors"), ("referenceDefinitions", "referenceDefinitions")):
        assert [row["id"] for row in tenant[published]] == [row["id"] for row in draft[other]]


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
    known = {(name, row["id"]) for name, rows in tenant.items() for row in rows}
    found = [BIND.fullmatch(link) for link in links(tenant)]
    assert len(found) > 500 and all(match and match.groups() in known for match in found)


def test_statistics_add_up(tenant: dict[str, Any]) -> None:
    """The document of a run tells of its activities that measured something, and what they come to together."""
    flows = {flow["id"]: flow["displayName"] for flow in tenant["inboundFlows"]}
    for run in tenant["runs"]:
        found = json.loads(base64.urlsafe_b64decode(run["statistics"] + "=="))
        assert found["runId"] == run["id"] and (found["status"] == run["status"] or run["status"] == "running")
        results = found["activityStatistics"]
        assert all(flows[each["activityId"]] == each["displayName"] for each in results)
        assert found["inboundTotals"]["people"] == sum(each["people"]["active"] for each in results if each["people"])


def test_script_and_operations_agree_on_files(tenant: dict[str, Any]) -> None:
    text = (EDMX / "industryData-beta.py").read_text(encoding="utf-8")
    formats = {connector["fileFormat"]["code"] for connector in tenant["dataConnectors"] if "fileFormat" in connector}
    assert all(f'"{each}"' in text for each in formats)

"""The sample tenant in the published model: the same district, flows and runs as in the draft one.

    python edmx/industryData-beta.seed.py                       writes industryData-beta.data.json beside this file

What the two models share comes from `industryData.seed.py` and is only written differently; identifiers are the same.
Runs are the draft's groups of runs, activities the runs in them: an activity is known by its flow, so that its
identifier is unique within its run only. What a run measured is kept as the document that getStatistics answers.
"""

from __future__ import annotations

import argparse
import base64
import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

Entity: TypeAlias = dict[str, Any]

DRAFT = runpy.run_path(str(Path(__file__).with_name("industryData.seed.py")))
NS = "#microsoft.graph.industryData."
ROOT = "external/industryData"
MEASURES = ("people", "groups", "memberships")
COUNTS = ("total", "active", "inactive")
CHANGED = "2025-07-21T09:30:00Z"

# Entities of the documentation that the draft does not have.
FLOW_SET, STUDENT_FLOW = "247cf74c-4ca2-58cb-9dd4-d68ef28f49eb", "07bc7fa4-9f33-53a8-b7af-eb7859d31253"


def identifier(kind: str, ordinal: int) -> str:
    return str(DRAFT["identifier"](kind, ordinal))


def link(collection: str, key: str) -> str:
    return f"{ROOT}/{collection}('{key}')"


def place(draft: str) -> str:
    """A link of the draft as one of this model: `years('1')` -> `external/industryData/years('1')`."""
    return f"{ROOT}/{draft.replace('incomingFlows', 'inboundFlows')}"


def reference_value(list_name: str, code: str) -> Entity:
    return {"code": code, "value@odata.bind": link("referenceDefinitions", f"{list_name}-{code}")}


def renamed(status: str) -> str:
    return {"running": "inProgress"}.get(status, status)


# --- lists, sources, flows -------------------------------------------------------------------------

def reference_definitions() -> Iterator[Entity]:
    places: dict[str, int] = {}
    for row in DRAFT["reference_definitions"]():
        kind = row["referenceType"]
        places[kind] = places.get(kind, 0) + 1
        yield {"id": row["id"], "code": row["code"], "createdDateTime": row["createdDateTime"],
               "displayName": row["translations"][0]["displayName"], "isDisabled": False,
               "lastModifiedDateTime": row["createdDateTime"], "referenceType": kind, "sortIndex": places[kind] * 10,
               "source": row["namespace"]}


def role_groups() -> Iterator[Entity]:
    for row in DRAFT["role_groups"]():
        yield row | {"roles": [reference_value("RefRole", role["code"]) for role in row["roles"]]}


def source_systems() -> Iterator[Entity]:
    for row in DRAFT["source_systems"]():
        settings = [{"matchTarget": reference_value("RefUserMatchTarget", setting["directoryUserMatchProperty"]),
                     "priorityOrder": setting["priorityOrder"],
                     "sourceIdentifier": reference_value("RefIdentifierType",
                                                         setting["sourceUserMatchProperty"]["code"]),
                     "roleGroup@odata.bind": place(setting["roleGroup@odata.bind"])}
                    for setting in row["directoryUserMatchingSettings"]]
        yield {"id": row["id"], "displayName": row["displayName"], "vendor": row["vendor"],
               "userMatchingSettings": settings}


def data_connectors() -> Iterator[Entity]:
    for row in DRAFT["data_connectors"]():
        common = {"id": row["id"], "displayName": row["displayName"],
                  "sourceSystem@odata.bind": place(row["sourceSystem@odata.bind"])}
        if "formatSettings" in row:
            yield {"@odata.type": NS + "azureDataLakeConnector", **common,
                   "fileFormat": reference_value("RefFileFormat", row["formatSettings"]["format"])}
        else:
            yield {"@odata.type": NS + "oneRosterApiDataConnector", **common, "apiFormat": "oneRoster",
                   "baseUrl": "https://sis.northstar.example/ims/oneroster/v1p1",
                   "credential": {"@odata.type": NS + "oAuth2ClientCredential", "displayName": "Northstar key",
                                  "isValid": True, "lastValidDateTime": "2025-11-29T14:00:03.25Z",
                                  "clientId": "brightwater", "clientSecret": None, "scope": "roster.readonly",
                                  "tokenUrl": "https://sis.northstar.example/token"},
                   "apiVersion": "1.1", "isContactsEnabled": True, "isDemographicsEnabled": False,
                   "isFlagsEnabled": False}


def years() -> Iterator[Entity]:
    for row in DRAFT["years"]():
        yield {"id": row["id"], "displayName": row["displayName"], "startDate": row["startDate"],
               "endDate": row["endDate"], "year": reference_value("RefSchoolYear", row["year"])}


def inbound_flows() -> Iterator[Entity]:
    for row in DRAFT["incoming_flows"]():
        readiness = {"deleted": "disabled"}.get(row["readinessStatus"], row["readinessStatus"])
        yield {"@odata.type": row["@odata.type"].replace("incoming", "inbound"), "id": row["id"],
               "displayName": row["displayName"], "readinessStatus": readiness, "dataDomain": row["dataDomain"],
               "effectiveDateTime": row["recurrenceEffectiveDateTime"],
               "expirationDateTime": row["recurrenceExpirationDateTime"],
               "dataConnector@odata.bind": place(row["dataConnector@odata.bind"]),
               "year@odata.bind": place(row["year@odata.bind"])}


def flow_sets() -> Iterator[Entity]:
    def flow(kind: str, ordinal: int, readiness: str, **members: Any) -> Entity:
        key = STUDENT_FLOW if ordinal == 1 else identifier("provisioningFlow", ordinal)
        return {"@odata.type": NS + kind, "id": key, "createdDateTime": DRAFT["OWN_TIME"],
                "lastModifiedDateTime": CHANGED, "readinessStatus": readiness, **members}

    users: Entity = {"additionalAttributes": ["userGradeLevel"], "additionalOptions": {
        "allowStudentContactAssociation": False, "markAllStudentsAsMinors": None, "studentAgeGroup": "minor"}}
    classes = {"additionalAttributes": ["courseTitle", "classCode"],
               "additionalOptions": {"createTeam": True, "writeDisplayNameOnCreateOnly": False},
               "enrollmentMappings": {"memberEnrollmentMappings": [reference_value("RefSectionRole", "student")],
                                      "ownerEnrollmentMappings": [reference_value("RefSectionRole", "leadTeacher"),
                                                                  reference_value("RefSectionRole", "coTeacher")]}}
    units = {"createBasedOnOrg": True, "createBasedOnOrgPlusRoleGroup": False}
    groups = {"createBasedOnRoleGroup": True, "createBasedOnOrgPlusRoleGroup": False}
    rows = (
        (FLOW_SET, "Everyone", None,
         [flow("userProvisioningFlow", 1, "failed", createUnmatchedUsers=False, creationOptions=None,
               managementOptions=users),
          flow("classGroupProvisioningFlow", 2, "ready", configuration=classes),
          flow("securityGroupProvisioningFlow", 3, "ready", creationOptions=groups)]),
        (identifier("outboundProvisioningFlowSet", 2), "High schools",
         {"@odata.type": NS + "basicFilter", "attribute": "orgExternalId", "in": ["BW-HS-1", "BW-HS-2"]},
         [flow("administrativeUnitProvisioningFlow", 4, "notReady", creationOptions=units)]),
    )
    for key, name, chosen, flows in rows:
        yield {"id": key, "createdDateTime": DRAFT["OWN_TIME"], "displayName": name, "filter": chosen,
               "lastModifiedDateTime": CHANGED, "provisioningFlows": flows}


# --- runs ------------------------------------------------------------------------------------------

def metric(figures: Entity | None) -> Entity | None:
    return None if figures is None else {name: figures[name] for name in COUNTS}


def results(run: Entity, flow: Entity) -> Entity:
    """What an activity measured; figures that the draft leaves out are null."""
    figures = run["statistics"]
    whole = figures.get("organizations")
    return {"@odata.type": NS + "inboundActivityResults", "activityId": flow["id"], "displayName": flow["displayName"],
            "status": renamed(run["status"]), "errors": figures.get("errors"), "warnings": figures.get("warnings"),
            **{name: metric(figures.get(name)) for name in MEASURES},
            "organizations": None if whole is None else {"total": whole, "active": whole, "inactive": 0},
            "matchedPeopleByRole": figures.get("matchedPeopleByRole", []), "unmatchedPeopleByRole": []}


def totals(measured: list[Entity], unmatched: int) -> Entity:
    """The figures of all activities together: active ones of each kind, people by role."""
    def added(name: str, part: str | None) -> int:
        return sum((each[name][part] if part else each[name]) for each in measured if each[name] is not None)

    roles: dict[str, int] = {}
    for each in measured:
        for row in each["matchedPeopleByRole"]:
            roles[row["role"]] = roles.get(row["role"], 0) + row["count"]
    return {"errors": added("errors", None), "warnings": added("warnings", None),
            **{name: added(name, "active") for name in MEASURES}, "organizations": max(
                (each["organizations"]["active"] for each in measured if each["organizations"]), default=0),
            "matchedPeopleByRole": [{"role": role, "count": count} for role, count in roles.items()],
            "unmatchedPeopleByRole": [{"role": "student", "count": unmatched}] if unmatched else []}


def statistics(key: str, status: str, measured: list[Entity], ordinal: int) -> Entity:
    return {"runId": key, "status": status, "inboundTotals": totals(measured, ordinal % 50),
            "activityStatistics": measured}


def shown_statistics(key: str, flow: Entity) -> Entity:
    """Those of the run that goes on, as the documentation shows them: the first results of one flow."""
    figures = DRAFT["SHOWN_RUNS"][516]["statistics"]
    measured = results({"status": "completedWithWarnings", "statistics": figures}, flow)
    found = statistics(key, "completedWithWarnings", [measured], 44)
    measured["matchedPeopleByRole"] = measured["matchedPeopleByRole"][:1]
    return found


def document(value: Entity) -> Entity:
    """A JSON document as the content of the stream `statistics`."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return {"statistics": base64.urlsafe_b64encode(text).decode().rstrip("="),
            "statistics@odata.mediaContentType": "application/json"}


def activity(run: Entity, flows: dict[str, Entity], ordinals: dict[str, int]) -> Entity:
    flow = run["process@odata.bind"]
    return {"@odata.type": NS + "inboundFlowActivity", "id": identifier("activity", ordinals[flow]),
            "displayName": flows[flow]["displayName"], "status": renamed(run["status"]),
            "blockingError": run["blockingError"], "activity@odata.bind": place(flow)}


def runs() -> Iterator[Entity]:
    flows = {link: flow for flow in inbound_flows() for link in [f"incomingFlows('{flow['id']}')"]}
    ordinals = {key: number for number, key in enumerate(flows, 1)}
    drafts, groups = DRAFT["all_runs"](1)
    by_link = {f"incomingFlowRuns('{run['id']}')": run for run in drafts}
    for ordinal, group in enumerate(groups, 1):
        members = [by_link[each] for each in group["runs@odata.bind"]]
        activities = [activity(run, flows, ordinals) for run in members]
        error = next((run["blockingError"] for run in members if run["blockingError"]), None)
        finished = [results(run, flows[run["process@odata.bind"]]) for run in members if run["status"] != "running"]
        found = statistics(group["id"], group["status"], finished, ordinal) if finished else shown_statistics(
            group["id"], next(iter(flows.values())))
        yield {"id": group["id"], "displayName": group["displayName"], "startDateTime": group["startDateTime"],
               "endDateTime": group["endDateTime"], "status": group["status"],
               "blockingError": error if group["status"] == "failed" else None, **document(found),
               "activities": sorted(activities, key=lambda each: str(each["displayName"]))}


def operations() -> Iterator[Entity]:
    """Checks; what was found of the files in each goes with its result."""
    files = {1: ["users.csv", "roles.csv"], 2: ["school.csv", "student.csv", "teacher.csv"],
             3: ["students.csv", "teachers.csv"]}
    connectors = {f"dataConnectors/{identifier('dataConnector', number)}": number for number in (1, 2, 3)}
    for row in DRAFT["operations"]():
        checked = row["status"] == "succeeded"
        yield row | {"@odata.type": NS + "fileValidateOperation",
                     "resourceLocation": f"{ROOT}/{row['resourceLocation']}",
                     "validatedFiles": files[connectors[row["resourceLocation"]]] if checked else []}


def tenant() -> dict[str, Entity]:
    """The whole data file: one object with everything in it."""
    return {"external": {"industryData": {
        "referenceDefinitions": list(reference_definitions()), "roleGroups": list(role_groups()),
        "sourceSystems": list(source_systems()), "dataConnectors": list(data_connectors()), "years": list(years()),
        "inboundFlows": list(inbound_flows()), "outboundProvisioningFlowSets": list(flow_sets()), "runs": list(runs()),
        "operations": list(operations())}}}


def text(data: dict[str, Entity]) -> str:
    """The file, one entity a line."""
    def compact(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    parts = ",\n".join(f'"{name}":[\n' + ",\n".join(map(compact, rows)) + "\n]"
                       for name, rows in data["external"]["industryData"].items())
    return '{"external":{"industryData":{\n' + parts + "\n}}}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the sample tenant in the published model.")
    beside = Path(__file__).with_name("industryData-beta.data.json")
    parser.add_argument("--out", type=Path, default=beside, metavar="FILE")
    parser.parse_args().out.write_text(text(tenant()), encoding="utf-8")


if __name__ == "__main__":
    main()

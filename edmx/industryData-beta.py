"""Operations and rules of industryData as it was published: what the model names and the service does.

Operations act on what the store holds and nothing else: there is no scheduler and no data lake behind this service.
A check therefore ends at once, and always finds an empty container; what an action answers with 202 is done already.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from app import BadRequest, ODataError, Operations

if TYPE_CHECKING:
    from app import Change, Context, Entity, Selection

NS = "microsoft.graph.industryData."
RUN, CONNECTOR, LAKE = NS + "industryDataRun", NS + "industryDataConnector", NS + "azureDataLakeConnector"
UPLOADS = "https://lake.brightwater.example/upload?sig=invented"
STARTS, WINDOW = 5, timedelta(hours=12)
SCHEDULE = ("T02:00:00Z", "T14:00:00Z")         # when runs begin that nobody asked for

# What each file format asks for: required and optional files.
FILES: dict[str | None, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "educationClever": (("schools.csv", "sections.csv", "students.csv", "teachers.csv", "enrollments.csv"), ()),
    "educationOneRoster": (("orgs.csv", "users.csv", "courses.csv", "classes.csv", "enrollments.csv",
                            "academicSessions.csv"), ("demographics.csv",)),
    "educationSchoolDataSyncV1": (("school.csv", "section.csv", "student.csv", "teacher.csv", "studentenrollment.csv",
                                   "teacherroster.csv"), ()),
    "educationSchoolDataSyncUK": (("school.csv", "section.csv", "student.csv", "teacher.csv", "studentenrollment.csv",
                                   "teacherroster.csv"), ("user.csv",)),
    "educationSchoolDataSyncV2": (("orgs.csv", "users.csv", "roles.csv"),
                                  ("classes.csv", "enrollments.csv", "academicSessions.csv")),
    "educationSchoolDataSyncV2Rev1": (("orgs.csv", "users.csv", "roles.csv"), ("classes.csv", "enrollments.csv")),
}

operations = Operations()


# --- runs ------------------------------------------------------------------------------------------

@operations.action(NS + "start", bound_to=f"Collection({RUN})")
def start(runs: Selection, *, context: Context) -> Any:
    """Begin a run of every flow that is ready and in effect, besides the scheduled ones."""
    now = context.now
    since = shown(moment(now) - WINDOW)
    earlier = [run["startDateTime"] for run in runs.where("startDateTime gt @since", since=since)]
    asked_for = sorted(each for each in earlier if not each.endswith(SCHEDULE))
    if len(asked_for) >= STARTS:
        free = moment(asked_for[-STARTS]) + WINDOW
        raise ODataError(f"A run can be started {STARTS} times in 12 hours; the next one after {shown(free)}.",
                         status=429, code="tooManyRequests",
                         headers={"Retry-After": str(int((free - moment(now)).total_seconds()) + 1)})
    activities = [{"@odata.type": f"#{NS}inboundFlowActivity", "displayName": flow["displayName"],
                   "status": "inProgress", "blockingError": None, "activity": flow}
                  for flow in flows_in_effect(context, now)]
    runs.insert({"displayName": f"Run {now[:16].replace('T', ' ')} UTC", "startDateTime": now, "endDateTime": None,
                 "status": "running", "blockingError": None, "activities": activities})
    return context.accepted()


def flows_in_effect(context: Context, now: str) -> Iterable[Entity]:
    return collection("inboundFlows", context).where(
        "readinessStatus eq 'ready' and effectiveDateTime le @now"
        " and (expirationDateTime eq null or expirationDateTime gt @now)", now=now).orderby("displayName")


@operations.function(NS + "getStatistics", bound_to=RUN)
def statistics_of_run(run: Entity, *, context: Context) -> dict[str, Any]:
    """The figures that the run has so far."""
    found = run.stream("statistics")
    measured: dict[str, Any] = json.loads(found[0]) if found else {"activityStatistics": [], "inboundTotals": None}
    return {"runId": run["id"], "status": run["status"], **measured}


@operations.function(NS + "getStatistics", bound_to=f"Collection({RUN})")
def statistics_of_latest(runs: Selection, *, context: Context) -> dict[str, Any] | None:
    """The figures of the latest of the runs; none where there is no run."""
    latest = runs.orderby("startDateTime desc,id").first()
    return None if latest is None else statistics_of_run(latest, context=context)


# --- checks ----------------------------------------------------------------------------------------

@operations.action(NS + "validate", bound_to=CONNECTOR)
def validate(connector: Entity, *, context: Context) -> Any:
    """Check what was uploaded and record what was found; the answer says where."""
    required, optional = wanted_files(connector)
    waiting = waiting_check(connector, context)
    found = {"status": "succeeded", "statusDetail": None, "lastActionDateTime": context.now, "validatedFiles": [],
             "errors": [missing("RequiredFileNotFound", name, "is required but was not uploaded") for name in required],
             "warnings": [missing("OptionalFileNotFound", name, "was not uploaded") for name in optional]}
    if waiting is not None:
        waiting.update(found)
        return context.accepted(waiting)
    return context.accepted(collection("operations", context).insert(
        {"@odata.type": f"#{NS}fileValidateOperation", "createdDateTime": context.now,
         "resourceLocation": place(connector), **found}))


def wanted_files(connector: Entity) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The files that a connector's format asks for; none where it takes no files."""
    format = connector.get("fileFormat") if connector.type == LAKE else None
    return FILES.get(format["code"], ((), ())) if format is not None else ((), ())


def checks(connector: Entity, context: Context) -> Selection:
    """The checks of a connector."""
    return collection("operations", context).where("resourceLocation eq @place", place=place(connector))


def place(connector: Entity) -> str:
    """Where a connector is, relative to the service root: as its checks name it."""
    return f"external/industryData/dataConnectors/{connector['id']}"


def waiting_check(connector: Entity, context: Context) -> Entity | None:
    """The check of the container that takes uploads; its detail reads `Container <id> takes uploads`."""
    waiting = checks(connector, context).where("status eq 'notStarted' and startswith(statusDetail,'Container ')")
    return waiting.orderby("createdDateTime desc").first()


def missing(code: str, name: str, what: str) -> dict[str, Any]:
    return {"code": code, "message": f"{name} {what}.", "target": name, "details": [], "innerError": None}


@operations.function(NS + "getUploadSession", bound_to=LAKE)
def get_upload_session(connector: Entity, resetSession: bool | None = None, *, context: Context) -> dict[str, Any]:
    """Where to upload until the end of the hour: the container that waits for its check, else the next one; on request
    a new one."""
    waiting = waiting_check(connector, context)
    if waiting is not None and not resetSession:
        container = waiting["statusDetail"].split()[1]
    else:
        occasion = context.now if resetSession else str(checks(connector, context).count())
        container = str(uuid.uuid5(uuid.NAMESPACE_URL, f"brightwater/container/{connector['id']}/{occasion}"))
    ends = moment(context.now[:13] + ":00:00Z") + timedelta(hours=1)
    return {"containerId": container, "containerExpirationDateTime": f"{(ends + WINDOW).isoformat()}.3096785Z",
            "sessionUrl": UPLOADS, "sessionExpirationDateTime": f"{ends.isoformat()}.5792917Z"}


# --- provisioning ----------------------------------------------------------------------------------

@operations.action(NS + "reset", bound_to=NS + "provisioningFlow")
def reset(flow: Entity, *, context: Context) -> Any:
    """Provision again as on the first run; a flow that failed is ready for it."""
    ready = {"readinessStatus": "ready"} if flow["readinessStatus"] == "failed" else {}
    flow.update({"lastModifiedDateTime": context.now, **ready})
    return context.accepted()


@operations.rule(NS + "outboundProvisioningFlowSet", on=("create", "update"))
def date_set(change: Change, *, context: Context) -> None:
    date(change, context)


@operations.rule(NS + "provisioningFlow", on=("create", "update"))
def date_flow(change: Change, *, context: Context) -> None:
    date(change, context)
    if change.old is None:
        change.new["readinessStatus"] = change.new["readinessStatus"] or "notReady"


def date(change: Change, context: Context) -> None:
    change.new["lastModifiedDateTime"] = context.now
    if change.old is None:
        change.new["createdDateTime"] = context.now


# --- lists -----------------------------------------------------------------------------------------

@operations.rule(NS + "referenceDefinition", on=("create", "update"))
def identify_definition(change: Change, *, context: Context) -> None:
    """A list value is known by its list and its code, and tells who defined it and when."""
    date(change, context)
    if change.old is None:
        change.new["id"] = f"{change.new['referenceType']}-{change.new['code']}"
        change.new["source"] = "Brightwater"


@operations.rule(NS + "yearTimePeriodDefinition", on=("create", "update"))
def refer_to_year(change: Change, *, context: Context) -> None:
    """A year begins before it ends and is a value of its list."""
    if change.new["endDate"] < change.new["startDate"]:
        raise BadRequest("A year cannot end before it begins.", code="invalidPeriod", target="endDate")
    if "year" in change.changed:
        refer([change.new["year"]], "RefSchoolYear", "year/value", context)


@operations.rule(NS + "roleGroup", on=("create", "update"))
def refer_to_roles(change: Change, *, context: Context) -> None:
    if "roles" in change.changed:
        refer(change.new["roles"], "RefRole", "roles/value", context)


@operations.rule(NS + "apiDataConnector", on=("create", "update"))
def forget_secret(change: Change, *, context: Context) -> None:
    """A secret is taken and not kept: nothing behind this service would need it."""
    credential = change.new["credential"]
    if credential is not None and credential.get("clientSecret") is not None:
        credential["clientSecret"] = None


@operations.rule(LAKE, on=("create", "update"))
def refer_to_format(change: Change, *, context: Context) -> None:
    if "fileFormat" in change.changed:
        refer([change.new["fileFormat"]], "RefFileFormat", "fileFormat/value", context)


@operations.rule(NS + "sourceSystemDefinition", on=("create", "update"))
def refer_to_identifiers(change: Change, *, context: Context) -> None:
    if "userMatchingSettings" in change.changed:
        settings = change.new["userMatchingSettings"]
        for name, list_name in (("matchTarget", "RefUserMatchTarget"), ("sourceIdentifier", "RefIdentifierType")):
            refer([setting.get(name) for setting in settings], list_name, f"userMatchingSettings/{name}/value", context)


@operations.rule(NS + "classGroupProvisioningFlow", on=("create", "update"))
def refer_to_section_roles(change: Change, *, context: Context) -> None:
    if "configuration" in change.changed:
        for name, values in change.new["configuration"]["enrollmentMappings"].items():
            if isinstance(values, list):
                refer(values, "RefSectionRole", f"configuration/enrollmentMappings/{name}/value", context)


def refer(values: Iterable[dict[str, Any] | None], list_name: str, target: str, context: Context) -> None:
    """Give each reference value its code where the change links its definition, else the definition of its code.

    A code that its list does not have is kept and links to nothing: lists may be extended later.
    """
    for value in values:
        if value is None:
            continue
        definition, code = value.get("value"), value.get("code")
        if definition is None:
            value["value"] = collection("referenceDefinitions", context).get(f"{list_name}-{code}") if code else None
        elif definition["referenceType"] != list_name:
            raise BadRequest(f"'{definition['id']}' is not a value of {list_name}.", code="wrongReferenceType",
                             target=target)
        else:
            value["code"] = definition["code"]


# --- places and times ------------------------------------------------------------------------------

def collection(name: str, context: Context) -> Selection:
    """One of the collections of industry data."""
    external = context.singleton("external")
    root = external.navigate("industryData") if external is not None else None
    if root is None:
        raise BadRequest("There is no industry data.", code="noIndustryData")
    found: Selection = root.navigate(name)
    return found


def moment(instant: str) -> datetime:
    return datetime.fromisoformat(instant[:26].removesuffix("Z"))


def shown(time: datetime) -> str:
    return f"{time.isoformat()}Z"

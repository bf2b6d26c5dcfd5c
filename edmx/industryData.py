"""Operations and state rules of industryData: what the model names and the service does.

States: a run begins `running` and ends in one of the other states for good; its group shows the worst state
of its runs. Operations act on what the store holds and nothing else: there is no scheduler and no data lake
behind this service, so an upload container is always found empty.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from app import BadRequest, Conflict, Operations

if TYPE_CHECKING:
    from app import Change, Context, Entity, Selection

NS = "microsoft.graph.industryData."
RUN, FLOW, LAKE = NS + "incomingFlowRun", NS + "incomingFlow", NS + "azureDataLakeConnector"
WORST_FIRST = ("running", "failed", "completedWithErrors", "completedWithWarnings", "completed")
UPLOADS = "https://lake.brightwater.example/upload?sig=invented"
CONTAINER_LIFE = timedelta(hours=12)

# What each file format asks for: required and optional files.
FILES: dict[str | None, tuple[list[str], list[str]]] = {
    "educationClever": (["schools.csv", "sections.csv", "students.csv", "teachers.csv", "enrollments.csv"], []),
    "educationOneRoster": (["orgs.csv", "users.csv", "courses.csv", "classes.csv", "enrollments.csv",
                            "academicSessions.csv"], ["demographics.csv"]),
    "educationSchoolDataSyncV1": (["school.csv", "section.csv", "student.csv", "teacher.csv",
                                   "studentenrollment.csv", "teacherroster.csv"], []),
    "educationSchoolDataSyncUK": (["school.csv", "section.csv", "student.csv", "teacher.csv",
                                   "studentenrollment.csv", "teacherroster.csv"], ["user.csv"]),
    "educationSchoolDataSyncV2": (["orgs.csv", "users.csv", "roles.csv"],
                                  ["classes.csv", "enrollments.csv", "academicSessions.csv"]),
    "educationSchoolDataSyncV2Rev1": (["orgs.csv", "users.csv", "roles.csv"], ["classes.csv", "enrollments.csv"]),
}

# The directory of the tenant, which is not part of the model.
PEOPLE = {str(uuid.uuid5(uuid.NAMESPACE_URL, f"brightwater/user/{number}")): name for number, name in enumerate((
    "Marisol Vega", "Dev Chandra", "Grace Okafor", "Tomás Ibarra", "Lena Sørensen", "Amir Haddad", "Ana Ortega",
    "Ruth Feldman", "Joon-ho Park", "Cécile Martin", "Sam Whitfield", "Piet de Wit"), 1)}

operations = Operations()


# --- runs ------------------------------------------------------------------------------------------

@operations.rule(RUN, on=("create", "update", "delete"))
def keep_states(change: Change, *, context: Context) -> None:
    """A run ends once, not before it began, and is kept while it goes on; its group follows it."""
    old, new = change.old, change.new
    if new is None:
        if old["status"] == "running":
            raise Conflict("A run in progress cannot be deleted.", code="runInProgress", target="status")
    else:
        if old is not None and old["status"] != "running" and new["status"] == "running":
            raise Conflict("A finished run cannot be set back to running.", code="invalidStateTransition",
                           target="status")
        ends = old is not None and old["status"] == "running" and new["status"] != "running"
        if ends and new["endDateTime"] is None:
            new["endDateTime"] = max(context.now, new["startDateTime"], key=in_order)
        if new["endDateTime"] is not None and in_order(new["endDateTime"]) < in_order(new["startDateTime"]):
            raise BadRequest("A run cannot end before it begins.", code="invalidPeriod", target="endDateTime")
    if old is not None and (new is None or summary([old]) != summary([new])):
        follow(old["id"], new, context)


def follow(key: str, run: Entity | None, context: Context) -> None:
    """Bring the groups of a run up to date with what it is about to be (None: deleted)."""
    for group in context.set("runGroups").where("runs/any(r:r/id eq @run)", run=key):
        others = [member for member in group.navigate("runs") if member["id"] != key]
        members = others if run is None else [*others, run]
        if members:
            group.update(summary(members))


def summary(runs: Sequence[Entity]) -> dict[str, Any]:
    """What a group of these runs shows: the worst state, the last end, the sums of errors and warnings."""
    status = min((run["status"] for run in runs), key=WORST_FIRST.index)
    if status == "running":
        return {"status": status, "endDateTime": None}
    figures: dict[str, Any] = {}
    for name in ("errors", "warnings"):
        figures[f"{name}@odata.type"] = "#Int32"
        figures[name] = sum(number(run["statistics"].get(name)) for run in runs)
    ends = [run["endDateTime"] for run in runs if run["endDateTime"] is not None]
    return {"status": status, "endDateTime": max(ends, key=in_order, default=None), "statistics": figures}


@operations.action(NS + "collateExtractedData", bound_to=RUN)
def collate_extracted(run: Entity, *, context: Context) -> None:
    """Gather what the run took in; a second call replaces the first."""
    refuse_running(run)
    collate(run, "extractedData", "extractedRecordCount", "total", context)


@operations.action(NS + "collateTransformedData", bound_to=RUN)
def collate_transformed(run: Entity, *, context: Context) -> None:
    """Gather what the run made of the data; a failed run made nothing."""
    refuse_running(run)
    if run["status"] == "failed":
        raise Conflict("A failed run has no transformed data.", code="runFailed", target="status")
    collate(run, "transformedData", "transformedRecordCount", "active", context)


def refuse_running(run: Entity) -> None:
    if run["status"] == "running":
        raise Conflict("The run has not finished yet.", code="runInProgress", target="status")


def collate(run: Entity, stream: str, counter: str, part: str, context: Context) -> None:
    """Note the count and the time in the statistics, then write run and surroundings into `stream`."""
    statistics = run["statistics"]
    records = number(statistics.get("organizations"))
    for name in ("people", "groups", "memberships"):
        figures = statistics.get(name)
        records += number(figures.get(part)) if isinstance(figures, dict) else 0
    run.update({"statistics": {f"{counter}@odata.type": "#Int64", counter: records,
                               "collatedDateTime@odata.type": "#DateTimeOffset", "collatedDateTime": context.now}})
    flow = run.navigate("process")
    connector = flow and flow.navigate("dataConnector")
    parts = {
        "run": run,
        "process": flow,
        "dataConnector": connector,
        "sourceSystem": connector and connector.navigate("sourceSystem"),
        "year": flow and flow.navigate("year"),
        "runGroup": context.set("runGroups").where("runs/any(r:r/id eq @run)", run=run["id"]).first(),
    }
    document = {"collatedDateTime": context.now, "recordCount": records} | {
        name: None if entity is None else context.json(entity) for name, entity in parts.items()}
    run.set_stream(stream, json.dumps(document, ensure_ascii=False).encode(), "application/json")


# --- flows -----------------------------------------------------------------------------------------

@operations.action(NS + "pause", bound_to=FLOW)
def pause(flow: Entity, *, context: Context) -> None:
    """Leave the flow out of scheduled runs."""
    flow.update({"isPaused": True})


@operations.action(NS + "resume", bound_to=FLOW)
def resume(flow: Entity, *, context: Context) -> None:
    """Let the flow take part again."""
    flow.update({"isPaused": False})


@operations.action(NS + "runNow", bound_to=FLOW)
def run_now(flow: Entity, *, context: Context) -> None:
    """Begin a run of the flow in a group of its own: one at a time, of a ready flow, inside its period."""
    now = context.now
    if flow["readinessStatus"] != "ready":
        raise Conflict("The flow is not ready.", code="flowNotReady", target="readinessStatus")
    if in_order(now) < in_order(flow["recurrenceEffectiveDateTime"]):
        raise Conflict("The flow is not yet in effect.", code="flowNotInEffect", target="recurrenceEffectiveDateTime")
    expiration = flow["recurrenceExpirationDateTime"]
    if expiration is not None and in_order(now) >= in_order(expiration):
        raise Conflict("The flow has expired.", code="flowNotInEffect", target="recurrenceExpirationDateTime")
    if flow.navigate("runs").where("status eq 'running'").exists():
        raise Conflict("A run of this flow is in progress.", code="runInProgress", target="status")
    started: dict[str, Any] = {"startDateTime": now, "endDateTime": None, "status": "running", "statistics": {}}
    minute = now[:16].replace("T", " ")
    run = context.set("incomingFlowRuns").insert(
        started | {"displayName": f"{flow['displayName']}, {minute}", "process": flow})
    context.set("runGroups").insert(started | {"displayName": f"Run {minute} UTC", "runs": [run]})


# --- uploads ---------------------------------------------------------------------------------------

@operations.rule(LAKE, on=("create", "update"))
def name_files(change: Change, *, context: Context) -> None:
    """The files of a connector follow from its format."""
    settings = change.new["formatSettings"]
    if settings is not None:
        settings["requiredFiles"], settings["optionalFiles"] = FILES.get(settings.get("format"), ([], []))


@operations.function(NS + "getUploadSession", bound_to=LAKE)
def get_upload_session(connector: Entity, resetSession: bool = False, *, context: Context) -> dict[str, Any]:
    """Where to upload: the container that waits for its check, else the next one; on request a new one."""
    waiting = waiting_check(connector, context)
    if resetSession:
        container = new_container(connector, context.now)
    elif waiting is not None:
        container = waiting["statusDetail"].split()[1]
    else:
        container = new_container(connector, str(checks(connector, context).count()))
    session_ends = datetime.fromisoformat(context.now[:13] + ":00:00") + timedelta(hours=1)
    return {"sessionUri": UPLOADS, "sessionExpiration": f"{session_ends.isoformat()}Z", "containerId": container,
            "containerExpiration": f"{(session_ends + CONTAINER_LIFE).isoformat()}Z"}


@operations.action(NS + "validateUploadSession", bound_to=LAKE)
def validate_upload_session(connector: Entity, *, context: Context) -> None:
    """Check the upload against the format and record what was found among the operations."""
    settings = connector["formatSettings"] or {}
    found = {
        "status": "succeeded", "statusDetail": None, "lastActionDateTime": context.now,
        "errors": [missing("RequiredFileNotFound", name, "is required but was not uploaded")
                   for name in settings.get("requiredFiles", ())],
        "warnings": [missing("OptionalFileNotFound", name, "was not uploaded")
                     for name in settings.get("optionalFiles", ())],
    }
    waiting = waiting_check(connector, context)
    if waiting is not None:
        waiting.update(found)
    else:
        context.set("operations").insert({"@odata.type": f"#{NS}validateOperation", "createdDateTime": context.now,
                                          "resourceLocation": f"dataConnectors/{connector['id']}", **found})


def checks(connector: Entity, context: Context) -> Selection:
    return context.set("operations").where("resourceLocation eq @place", place=f"dataConnectors/{connector['id']}")


def waiting_check(connector: Entity, context: Context) -> Entity | None:
    """The check of the container that takes uploads; its detail reads `Container <id> takes uploads`."""
    waiting = checks(connector, context).where("status eq 'notStarted' and startswith(statusDetail,'Container ')")
    return waiting.orderby("createdDateTime desc").first()


def new_container(connector: Entity, occasion: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"brightwater/container/{connector['id']}/{occasion}"))


def missing(code: str, name: str, what: str) -> dict[str, Any]:
    return {"code": code, "message": f"{name} {what}.", "target": name, "details": [], "innerError": None}


# --- lists -----------------------------------------------------------------------------------------

@operations.rule(NS + "referenceDefinition", on=("create",))
def identify_definition(change: Change, *, context: Context) -> None:
    """A list value is known by its list and its code."""
    new = change.new
    new["id"] = f"{new['referenceType']}-{new['code']}"
    new["createdDateTime"] = context.now


@operations.rule(NS + "referenceTranslation", on=("create",))
def date_translation(change: Change, *, context: Context) -> None:
    change.new["createdDateTime"] = context.now


@operations.rule(NS + "yearTimePeriodDefinition", on=("create", "update"))
def refer_to_year(change: Change, *, context: Context) -> None:
    if "year2" in change.changed:
        refer([change.new["year2"]], "RefSchoolYear", "year2/value", context)


@operations.rule(NS + "roleGroup", on=("create", "update"))
def refer_to_roles(change: Change, *, context: Context) -> None:
    if "roles" in change.changed:
        refer(change.new["roles"], "RefRole", "roles/value", context)


@operations.rule(NS + "sourceSystemDefinition", on=("create", "update"))
def refer_to_identifiers(change: Change, *, context: Context) -> None:
    if "directoryUserMatchingSettings" in change.changed:
        settings = change.new["directoryUserMatchingSettings"]
        refer([setting.get("sourceUserMatchProperty") for setting in settings], "RefIdentifierType",
              "directoryUserMatchingSettings/sourceUserMatchProperty/value", context)


def refer(values: Iterable[dict[str, Any] | None], list_name: str, target: str, context: Context) -> None:
    """Give each reference value its code where the change links its definition, else the definition of its code.

    A code that its list does not have is kept and links to nothing: lists may be extended later.
    """
    for value in values:
        if value is None:
            continue
        definition, code = value.get("value"), value.get("code")
        if definition is None:
            value["value"] = context.set("referenceDefinitions").get(f"{list_name}-{code}") if code else None
        elif definition["referenceType"] != list_name:
            raise BadRequest(f"'{definition['id']}' is not a value of {list_name}.", code="wrongReferenceType",
                             target=target)
        else:
            value["code"] = definition["code"]


@operations.function(NS + "localized", bound_to=f"Collection({NS}referenceDefinition)")
def localized(definitions: Selection, referenceType: str, *, context: Context) -> list[dict[str, Any]]:
    """The values of one list in the language that the request prefers."""
    chosen = definitions.where("referenceType eq @list", list=referenceType).orderby("sortOrder")
    return [{"code": definition["code"],
             "displayName": label(definition["translations"], context.language) or definition["code"],
             "namespace": definition["namespace"], "url": address(definition, context)}
            for definition in chosen.expand("translations")]


def address(definition: Entity, context: Context) -> str:
    """The URL of a definition as the documents write it, its key as a segment."""
    return f"{context.url(definition).rpartition('(')[0]}/{quote(definition['id'], safe='')}"


def label(translations: Iterable[Entity], languages: Iterable[str]) -> str | None:
    """The name in the first language that there is one in: `es-MX`, else any `es`; at last American English."""
    names: dict[str, str | None] = {(item["language"] or "").lower(): item["displayName"] for item in translations}
    for language in (*languages, "en-US"):
        wanted = language.lower()
        while wanted:
            for known, name in names.items():
                if known == wanted or known.startswith(f"{wanted}-"):
                    return name
            wanted = wanted.rpartition("-")[0]
    return None


@operations.action(NS + "resetDataModelToDefaults", bound_to=NS + "industryDataHub")
def reset_data_model(hub: Entity, *, context: Context) -> None:
    """Remove every list value that did not come with the system."""
    own = context.set("referenceDefinitions").where("createdDateTime ne 0001-01-01T00:00:00Z")
    for definition in list(own):
        definition.delete()


# --- shares ----------------------------------------------------------------------------------------

@operations.function(NS + "getPotentialDataShareInvitees", bound_to=f"Collection({NS}dataShareOutgoingFlow)")
def get_potential_invitees(shares: Selection, *, context: Context) -> list[dict[str, Any]]:
    """Everyone in the directory who is not yet offered one of the shares."""
    invited = {user for share in shares for user in share["inviteeUserIds"]}
    return [{"id": user, "displayName": name} for user, name in PEOPLE.items() if user not in invited]


# --- values ----------------------------------------------------------------------------------------

def number(value: object) -> int:
    """A dynamic member as a count: whatever is not a whole number counts nothing."""
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and value == value // 1:
        return int(value)
    return 0


def in_order(instant: str) -> str:
    """A sort key: without the final Z a fraction sorts after the whole second it belongs to."""
    return instant.removesuffix("Z")

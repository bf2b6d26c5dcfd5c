"""The sample tenant: Brightwater Unified School District, invented and the same on every run.

    python edmx/industryData.seed.py                            writes industryData.data.json beside this file
    python edmx/industryData.seed.py --scale 50 --out FILE      the load profile: 50 times the runs

The output is a data file: entity set -> entities, singleton -> object, in OData JSON with `@odata.bind` links
and type annotations on dynamic members. Identifiers are UUIDv5 of `brightwater/{type}/{ordinal}`, so nothing
but the tables below and `SEED` decides what is written. A larger scale adds earlier runs with further
ordinals; the 90 days from `FIRST_SLOT` on are the same at every scale.
"""

from __future__ import annotations

import argparse
import json
import random
import string
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeAlias

Entity: TypeAlias = dict[str, Any]

SEED = 20251129
SECOND = 10_000_000                                       # instants and durations count 100 ns
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
FIRST_SLOT = datetime(2025, 9, 1, 2, tzinfo=timezone.utc)
DAYS = 90
SLOT = timedelta(hours=12)
SYSTEM_TIME = "0001-01-01T00:00:00Z"
OWN_TIME = "2025-07-15T16:20:11.25Z"
NS = "#microsoft.graph.industryData."

STATUSES = {"failed": 8, "completedWithErrors": 42, "completedWithWarnings": 97, "completed": 390, "running": 3}
WORST_FIRST = ("running", "failed", "completedWithErrors", "completedWithWarnings", "completed")

# Flows that run, in the order of their runs in a slot: ordinal of the flow, people, groups, memberships, roles.
READY = (
    (6, 21_655, 9_377, 187_420, ("student", "teacher", "parent")),
    (3, 2_318, 84, 5_120, ("teacher", "aide", "principal")),
    (1, 21_740, 9_412, 188_300, ("student", "teacher")),
)
FLOWS = (
    # name, derived type, readiness, connector, year, from, to
    ("Northstar SIS 2025-2026", "incomingFileFlow", "ready", 1, 3, "2025-08-01T05:00:00Z", "2026-06-30T05:00:00Z"),
    ("Northstar SIS 2024-2025", "incomingFileFlow", "expired", 1, 2, "2024-08-01T05:00:00Z", "2025-06-30T05:00:00Z"),
    ("Cobalt HR", "incomingFileFlow", "ready", 2, 3, "2025-08-01T05:00:00Z", None),
    ("Summer Academy", "incomingFileFlow", "notReady", 3, 3, "2026-06-01T05:00:00Z", "2026-08-15T05:00:00Z"),
    ("Legacy import", "incomingFileFlow", "deleted", 1, 1, "2023-08-01T05:00:00Z", "2024-06-30T05:00:00Z"),
    ("OneRoster API", "incomingApiFlow", "ready", 4, 3, "2025-08-15T05:00:00Z", "2026-06-30T05:00:00Z"),
)
ROLE_GROUPS = {
    "staff": ("Staff", ("teacher", "aide", "principal", "assistantPrincipal", "counselor", "librarian", "nurse",
                        "coach", "proctor")),
    "students": ("Students", ("student", "auditor")),
    "contacts": ("Contacts", ("parent", "guardian", "relative")),
}
FILES = {
    "educationSchoolDataSyncV2Rev1": (["orgs.csv", "users.csv", "roles.csv"], ["classes.csv", "enrollments.csv"]),
    "educationSchoolDataSyncV1": (["school.csv", "section.csv", "student.csv", "teacher.csv", "studentenrollment.csv",
                                   "teacherroster.csv"], []),
    "educationClever": (["schools.csv", "sections.csv", "students.csv", "teachers.csv", "enrollments.csv"], []),
}

# List: name, who defines it, then a value a line: code, en-US, es-MX and sometimes fr-CA; `+` marks the tenant's own.
LISTS = """
RefRole CEDS
student|Student|Estudiante|Élève
teacher|Teacher|Docente|Enseignant
auditor|Auditing student|Estudiante oyente|Auditeur libre
aide|Teaching aide|Auxiliar docente|Aide-enseignant
principal|Principal|Director|Directeur d'école
assistantPrincipal|Assistant principal|Subdirector|Directeur adjoint
counselor|Counselor|Orientador|Conseiller
librarian|Librarian|Bibliotecario|Bibliothécaire
nurse|School nurse|Enfermero escolar|Infirmier scolaire
coach|Coach|Entrenador|Entraîneur
proctor|Proctor|Supervisor de examen|Surveillant d'examen
parent|Parent|Madre o padre|Parent
guardian|Guardian|Tutor legal|Tuteur
relative|Relative|Familiar|Proche
administrator|District administrator|Administrador del distrito|Administrateur du district
itSupport|IT support|Soporte técnico|Soutien informatique
secretary|School secretary|Secretario escolar|Secrétaire d'école
busDriver|Bus driver|Conductor de autobús|Chauffeur d'autobus
custodian|Custodian|Conserje|Concierge
psychologist|School psychologist|Psicólogo escolar|Psychologue scolaire
socialWorker|Social worker|Trabajador social|Travailleur social
substituteTeacher|Substitute teacher|Docente suplente|Enseignant suppléant
+volunteer|Volunteer|Voluntario|Bénévole
+communityPartner|Community partner|Socio comunitario|Partenaire communautaire

RefGradeLevel CEDS
infantToddler|Infant/toddler|Lactante/maternal
preschool|Preschool|Preescolar
preKindergarten|Prekindergarten|Prekínder
transitionalKindergarten|Transitional kindergarten|Kínder de transición
kindergarten|Kindergarten|Kínder
grade01|First grade|Primer grado
grade02|Second grade|Segundo grado
grade03|Third grade|Tercer grado
grade04|Fourth grade|Cuarto grado
grade05|Fifth grade|Quinto grado
grade06|Sixth grade|Sexto grado
grade07|Seventh grade|Séptimo grado
grade08|Eighth grade|Octavo grado
grade09|Ninth grade|Noveno grado
grade10|Tenth grade|Décimo grado
grade11|Eleventh grade|Undécimo grado
grade12|Twelfth grade|Duodécimo grado
postsecondary|Postsecondary|Educación superior

RefIdentifierType CEDS
username|User name|Nombre de usuario|Nom d'utilisateur
studentNumber|Student number|Número de estudiante|Numéro d'élève
emailAddress|Email address|Correo electrónico|Adresse courriel
teacherNumber|Teacher number|Número de docente|Numéro d'enseignant
employeeId|Employee ID|Número de empleado|Numéro d'employé
stateId|State ID|Identificador estatal|Identifiant d'État
districtId|District ID|Identificador del distrito|Identifiant du district
sisId|SIS ID|Identificador del SIE|Identifiant du SIE
badgeNumber|Badge number|Número de credencial|Numéro d'insigne
externalId|External ID|Identificador externo|Identifiant externe

RefSchoolYear CEDS
2021|School year 2021-2022|Ciclo escolar 2021-2022
2022|School year 2022-2023|Ciclo escolar 2022-2023
2023|School year 2023-2024|Ciclo escolar 2023-2024
2024|School year 2024-2025|Ciclo escolar 2024-2025
2025|School year 2025-2026|Ciclo escolar 2025-2026
2026|School year 2026-2027|Ciclo escolar 2026-2027
2027|School year 2027-2028|Ciclo escolar 2027-2028
2028|School year 2028-2029|Ciclo escolar 2028-2029

RefOrgType CEDS
district|District|Distrito
school|School|Escuela
department|Department|Departamento
program|Program|Programa
campus|Campus|Plantel
region|Region|Región
county|County|Condado
stateAgency|State agency|Agencia estatal
serviceAgency|Education service agency|Agencia de servicios educativos
charterNetwork|Charter network|Red de escuelas chárter
college|College|Colegio universitario
university|University|Universidad

RefEmailAddressType CEDS
home|Home|Casa
work|Work|Trabajo
organizational|Organizational|Institucional
other|Other|Otro

RefUserMatchTarget IMS Global
objectId|Object ID|Identificador de objeto
userPrincipalName|User principal name|Nombre principal de usuario
mail|Mail|Correo
mailNickname|Mail nickname|Alias de correo
anchorId|Anchor ID|Identificador de anclaje
studentId|Student ID|Identificador de estudiante
teacherId|Teacher ID|Identificador de docente

RefFileFormat IMS Global
educationClever|Clever|Clever
educationOneRoster|OneRoster|OneRoster
educationSchoolDataSyncV1|School Data Sync V1|School Data Sync V1
educationSchoolDataSyncUK|School Data Sync UK|School Data Sync Reino Unido
educationSchoolDataSyncV2|School Data Sync V2|School Data Sync V2
educationSchoolDataSyncV2Rev1|School Data Sync V2 (first revision)|School Data Sync V2 (primera revisión)

RefSectionRole IMS Global
leadTeacher|Lead teacher|Docente titular|Enseignant principal
coTeacher|Co-teacher|Codocente|Coenseignant
assistant|Assistant|Asistente|Assistant
student|Student|Estudiante|Élève
auditor|Auditor|Oyente|Auditeur
observer|Observer|Observador|Observateur

RefAcademicSessionType IMS Global
schoolYear|School year|Ciclo escolar
semester|Semester|Semestre
term|Term|Período
quarter|Quarter|Bimestre
gradingPeriod|Grading period|Período de calificación

RefSubject IMS Global
algebra|Algebra|Álgebra
art|Art|Arte
biology|Biology|Biología
calculus|Calculus|Cálculo
chemistry|Chemistry|Química
civics|Civics|Civismo
computerScience|Computer science|Informática
dance|Dance|Danza
earthScience|Earth science|Ciencias de la tierra
economics|Economics|Economía
english|English|Inglés
french|French|Francés
geography|Geography|Geografía
geometry|Geometry|Geometría
health|Health|Salud
history|History|Historia
mathematics|Mathematics|Matemáticas
music|Music|Música
physicalEducation|Physical education|Educación física
physics|Physics|Física
spanish|Spanish|Español
theater|Theater|Teatro
+marineBiology|Marine biology|Biología marina
+robotics|Robotics|Robótica
+schoolGarden|School garden|Huerto escolar
+localHistory|History of Brightwater|Historia de Brightwater
"""

# Runs that the documentation shows, literally: ordinal -> members.
SHOWN_RUNS: dict[int, Entity] = {
    233: {
        "status": "failed", "startDateTime": "2025-10-09T14:02:05Z", "endDateTime": "2025-10-09T14:08:44Z",
        "blockingError": {
            "code": "ConnectorUnavailable", "message": "The source system did not answer in time.",
            "target": "dataConnector",
            "details": [{"code": "Timeout", "message": "No answer within 300 s.", "target": "staff.csv"}],
            "innerError": {"code": "TcpConnect", "message": "connection refused", "target": None, "details": [],
                           "attempts@odata.type": "#Int32", "attempts": 3, "lastHost": "files.cobalt.example"}},
        "statistics": {"errors@odata.type": "#Int32", "errors": 1},
    },
    516: {
        "status": "completedWithWarnings",
        "startDateTime": "2025-11-25T14:00:17Z", "endDateTime": "2025-11-25T14:31:31.5Z",
        "statistics": {
            "organizations@odata.type": "#Int32", "organizations": 26, "errors@odata.type": "#Int32", "errors": 0,
            "warnings@odata.type": "#Int32", "warnings": 12,
            "people": {"total": 21740, "active": 21108, "inactive": 632},
            "groups": {"total": 9412, "active": 9020, "inactive": 392},
            "memberships": {"total": 188300, "active": 181577, "inactive": 6723},
            "matchedPeopleByRole": [{"role": "student", "count": 18102}, {"role": "teacher", "count": 1288}],
            "bytesRead@odata.type": "#Int64", "bytesRead": 734118902, "durationSeconds": 1874.5,
            "rejectedFiles@odata.type": "#Collection(String)", "rejectedFiles": [],
            "sourceHash": "b64:9Yk2", "schemaRevision": None},
    },
    538: {"status": "running"},
    539: {"status": "running"},
    540: {"status": "running", "startDateTime": "2025-11-29T14:00:41.2093715Z"},
}
EDGE_NAMES = {
    100: "O'Fallon/Évora «north» 100 %",
    200: "Nightly intake of every school, section, course and roster of the district, repeated after an outage",
}
SAME_START = {302: 301}                                   # two runs that begin at the same instant


# --- how things are written ------------------------------------------------------------------------

def identifier(kind: str, ordinal: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"brightwater/{kind}/{ordinal}"))


def link(entity_set: str, key: str) -> str:
    return f"{entity_set}('{key}')"


def ticks(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 10


def instant(count: int) -> str:
    """An instant as OData writes it: a fraction of up to seven digits, without trailing zeros."""
    seconds, rest = divmod(count, SECOND)
    fraction = f".{rest:07d}".rstrip("0").rstrip(".")
    return f"{EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def parse(text: str) -> int:
    """`instant`, the other way round."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return ticks(datetime.fromisoformat(whole).replace(tzinfo=timezone.utc)) + int(fraction.ljust(7, "0") or 0)


def typed(**members: tuple[str | None, Any]) -> Entity:
    """Dynamic members, each with its type where JSON does not tell it."""
    result: Entity = {}
    for name, (type_name, value) in members.items():
        if type_name:
            result[f"{name}@odata.type"] = f"#{type_name}"
        result[name] = value
    return result


# --- lists, sources, flows -------------------------------------------------------------------------

def reference_definitions() -> Iterator[Entity]:
    ordinal = 0
    for block in LISTS.strip().split("\n\n"):
        head, *lines = block.splitlines()
        name, _, namespace = head.partition(" ")
        for place, line in enumerate(lines, 1):
            own = line.startswith("+")
            code, *labels = line.removeprefix("+").split("|")
            created = OWN_TIME if own else SYSTEM_TIME
            translations = []
            for language, label in zip(("en-US", "es-MX", "fr-CA"), labels):
                ordinal += 1
                translations.append({"id": identifier("referenceTranslation", ordinal), "createdDateTime": created,
                                     "language": language, "displayName": label})
            yield {"id": f"{name}-{code}", "namespace": "Brightwater" if own else namespace, "referenceType": name,
                   "code": code, "createdDateTime": created, "sortOrder": f"{place * 10:04d}",
                   "translations": translations}


def reference_value(list_name: str, code: str) -> Entity:
    return {"code": code, "value@odata.bind": link("referenceDefinitions", f"{list_name}-{code}")}


def role_groups() -> Iterator[Entity]:
    everyone = tuple(role for _, roles in ROLE_GROUPS.values() for role in roles)
    groups = ROLE_GROUPS | {"everyone": ("Everyone", everyone), "temporary": ("Temporary", ())}
    for key, (name, roles) in groups.items():
        yield {"id": key, "displayName": name, "roles": [reference_value("RefRole", role) for role in roles]}


def source_systems() -> Iterator[Entity]:
    def setting(order: int, directory: str, source: str, suffix: str | None, group: str) -> Entity:
        return {"directoryUserMatchProperty": directory, "priorityOrder": order,
                "sourceUserMatchProperty": reference_value("RefIdentifierType", source),
                "sourceUserSuffix": suffix, "roleGroup@odata.bind": link("roleGroups", group)}

    rows = (
        ("Northstar SIS", "Northstar Learning",
         [setting(0, "userPrincipalName", "username", "@brightwater.example", "everyone"),
          setting(1, "studentId", "studentNumber", None, "students")]),
        ("Cobalt HR", "Cobalt People",
         [setting(0, "mail", "emailAddress", None, "staff"), setting(1, "teacherId", "employeeId", None, "staff")]),
        ("Summer Academy Roster", None, [setting(0, "mail", "emailAddress", None, "students")]),
    )
    for ordinal, (name, vendor, settings) in enumerate(rows, 1):
        yield {"id": identifier("sourceSystemDefinition", ordinal), "displayName": name, "vendor": vendor,
               "directoryUserMatchingSettings": settings}


def data_connectors() -> Iterator[Entity]:
    rows = (("Northstar nightly CSV", "educationSchoolDataSyncV2Rev1", 1),
            ("Cobalt HR export", "educationSchoolDataSyncV1", 2),
            ("Summer Academy upload", "educationClever", 3),
            ("Northstar OneRoster", "educationGenericOneRoster1_1", 1))
    for ordinal, (name, kind, system) in enumerate(rows, 1):
        common = {"id": identifier("dataConnector", ordinal), "displayName": name}
        source = {"sourceSystem@odata.bind": link("sourceSystems", identifier("sourceSystemDefinition", system))}
        if kind in FILES:
            required, optional = FILES[kind]
            settings = {"format": kind, "additionalData": None, "requiredFiles": required, "optionalFiles": optional}
            yield {"@odata.type": NS + "azureDataLakeConnector", **common, "formatSettings": settings, **source}
        else:
            yield {"@odata.type": NS + "apiDataConnector", **common, "credential": None, "systemContract": kind,
                   **source}


def years() -> Iterator[Entity]:
    for ordinal, first in enumerate((2023, 2024, 2025), 1):
        yield {"id": identifier("yearTimePeriodDefinition", ordinal),
               "displayName": f"School year {first}-{first + 1}",
               "startDate": f"{first}-08-01", "endDate": f"{first + 1}-06-30", "year": str(first),
               "year2": reference_value("RefSchoolYear", str(first))}


def incoming_flows() -> Iterator[Entity]:
    for ordinal, (name, kind, readiness, connector, year, effective, expiration) in enumerate(FLOWS, 1):
        source = link("dataConnectors", identifier("dataConnector", connector))
        flow = {"@odata.type": NS + kind, "id": identifier("incomingFlow", ordinal), "displayName": name,
                "readinessStatus": readiness, "dataDomain": "educationRostering",
                "recurrenceEffectiveDateTime": effective, "recurrenceExpirationDateTime": expiration,
                "isPaused": False, "dataConnector@odata.bind": source,
                "year@odata.bind": link("years", identifier("yearTimePeriodDefinition", year))}
        yield flow | ({"fileDataConnector@odata.bind": source} if kind == "incomingFileFlow" else {"apiFilter": None})


def outgoing_flows() -> Iterator[Entity]:
    rows = (("Family portal", "ready", "running", "family-portal", 3),
            ("Research extract", "notReady", "pending", "research-extract", 9))
    for ordinal, (name, readiness, state, share, user) in enumerate(rows, 1):
        yield {"@odata.type": NS + "dataShareOutgoingFlow", "id": identifier("dataShareOutgoingFlow", ordinal),
               "displayName": name, "readinessStatus": readiness, "inviteeUserIds": [identifier("user", user)],
               "sharingState": state, "shareName": share}


# --- runs ------------------------------------------------------------------------------------------

def with_fraction(rng: random.Random, count: int) -> int:
    """The instant, on a tenth of the calls with seven digits of a second."""
    return count + (rng.randrange(SECOND // 10) * 10 + rng.randint(1, 9) if rng.random() < 0.1 else 0)


def figures(rng: random.Random, total: int) -> Entity:
    seen = total + rng.randint(-40, 40)
    inactive = rng.randint(0, seen // 20)
    return {"total": seen, "active": seen - inactive, "inactive": inactive}


def statistics(rng: random.Random, status: str, start: int, end: int, flow: tuple[int, int, int, int, tuple[str, ...]],
               ordinal: int) -> Entity:
    """Every JSON shape that an open type can hold; one run in twenty leaves some members out."""
    _, people, groups, memberships, roles = flow
    persons = figures(rng, people)
    left = persons["active"]
    matched = []
    for role in roles:
        count = rng.randint(left // 3, left * 2 // 3)
        left -= count
        matched.append({"role": role, "count": count})
    large = rng.random() < 0.05
    result = typed(
        organizations=("Int32", 26 - rng.randint(0, 2)),
        errors=("Int32", rng.randint(1, 60) if status == "completedWithErrors" else 0),
        warnings=("Int32", 0 if status == "completed" else rng.randint(1, 200)),
        people=(None, persons), groups=(None, figures(rng, groups)), memberships=(None, figures(rng, memberships)),
        matchedPeopleByRole=(None, matched),
        bytesRead=("Int64", 2**53 + 1 + rng.randrange(10**12) if large else rng.randrange(10**7, 10**9)),
        durationSeconds=(None, round((end - start) / SECOND, 1)),
        collatedDateTime=("DateTimeOffset", instant(with_fraction(rng, end + rng.randint(1, 60) * SECOND))),
        rejectedFiles=("Collection(String)", ["enrollments.csv"] if status == "completedWithErrors" else []),
        sourceHash=(None, "b64:" + "".join(rng.choices(string.ascii_letters + string.digits, k=4))),
        correlationId=("Guid", identifier("correlation", ordinal)),
        schemaRevision=(None, None))
    if rng.random() < 0.05:
        for name in rng.sample([name for name in result if "@" not in name], rng.randint(2, 5)):
            result.pop(name)
            result.pop(f"{name}@odata.type", None)
    return result


def blocking_error(rng: random.Random) -> Entity:
    code, message, target, cause = rng.choice((
        ("ConnectorUnavailable", "The source system did not answer in time.", "dataConnector", "TcpConnect"),
        ("QuotaExceeded", "The upload is larger than the tenant may store.", "dataConnector", "ContainerFull"),
        ("SchemaMismatch", "A required column is missing.", "formatSettings", "ColumnNotFound")))
    return {"code": code, "message": message, "target": target, "details": [],
            "innerError": {"code": cause, "message": message, "target": None, "details": [],
                           "attempts@odata.type": "#Int32", "attempts": rng.randint(1, 5),
                           "lastHost": rng.choice(("files.cobalt.example", "sis.northstar.example"))}}


def run(rng: random.Random, ordinal: int, slot: datetime, status: str, earlier: list[Entity]) -> Entity:
    flow = READY[(ordinal - 1) % len(READY)]
    start = with_fraction(rng, ticks(slot) + rng.randint(0, 240) * SECOND)
    if ordinal in SAME_START:
        start = parse(earlier[SAME_START[ordinal] - 1]["startDateTime"])
    end = with_fraction(rng, start - start % SECOND + rng.randint(6 * 60, 95 * 60) * SECOND)
    numbers: Entity = {}
    if status.startswith("completed"):
        numbers = statistics(rng, status, start, end, flow, ordinal)
    elif status == "failed":
        numbers = typed(errors=("Int32", rng.randint(1, 3)))
    name = EDGE_NAMES.get(ordinal, f"{FLOWS[flow[0] - 1][0]}, {slot:%Y-%m-%d %H:%M}")
    return {"id": identifier("incomingFlowRun", ordinal), "displayName": name, "startDateTime": instant(start),
            "endDateTime": None if status == "running" else instant(end), "status": status,
            "blockingError": blocking_error(rng) if status == "failed" else None, "statistics": numbers,
            "process@odata.bind": link("incomingFlows", identifier("incomingFlow", flow[0]))
            } | SHOWN_RUNS.get(ordinal, {})


def run_group(ordinal: int, slot: datetime, runs: list[Entity]) -> Entity:
    status = min((run["status"] for run in runs), key=WORST_FIRST.index)
    ended = status != "running"
    numbers = typed(**{name: ("Int32", sum(run["statistics"].get(name, 0) for run in runs))
                       for name in ("errors", "warnings")}) if ended else {}
    return {"id": identifier("runGroup", ordinal), "displayName": f"Run {slot:%Y-%m-%d %H:%M} UTC",
            "startDateTime": instant(ticks(slot)),
            "endDateTime": instant(max(parse(run["endDateTime"]) for run in runs)) if ended else None,
            "status": status, "blockingError": None, "statistics": numbers,
            "runs@odata.bind": [link("incomingFlowRuns", run["id"]) for run in runs]}


def slots(scale: int) -> Iterator[datetime]:
    """The 90 days first, then as many days again as the scale asks for, each lot before the one it follows."""
    for lot in range(scale):
        begin = FIRST_SLOT - lot * timedelta(days=DAYS)
        yield from (begin + number * SLOT for number in range(DAYS * 2))


def statuses(rng: random.Random, scale: int) -> Iterator[str]:
    """One status a run, as often as `STATUSES` says; what `SHOWN_RUNS` fixes stands where it is fixed."""
    for lot in range(scale):
        fixed = {number: members["status"] for number, members in SHOWN_RUNS.items()} if lot == 0 else {}
        pool = [status for status, count in STATUSES.items() for _ in range(count)]
        if lot:
            pool = ["completed" if status == "running" else status for status in pool]
        for status in fixed.values():
            pool.remove(status)
        rng.shuffle(pool)
        yield from (fixed[number] if number in fixed else pool.pop() for number in range(1, sum(STATUSES.values()) + 1))


def all_runs(scale: int) -> tuple[list[Entity], list[Entity]]:
    """Runs and the groups they were started in."""
    rng = random.Random(SEED)
    status = statuses(rng, scale)
    runs: list[Entity] = []
    groups: list[Entity] = []
    for number, slot in enumerate(slots(scale), 1):
        members: list[Entity] = []
        for _ in READY:
            members.append(run(rng, len(runs) + 1, slot, next(status), runs))
            runs.append(members[-1])
        groups.append(run_group(number, slot, members))
    return runs, groups


# --- the rest --------------------------------------------------------------------------------------

def operations() -> Iterator[Entity]:
    """Checks of the last half hour; the one that has not started is of the container that takes uploads now."""
    missing: Entity = {"code": "RequiredFileNotFound", "message": "orgs.csv is required but was not uploaded.",
                       "target": "orgs.csv", "details": [], "innerError": None}
    absent: Entity = {"code": "OptionalFileNotFound", "message": "classes.csv was not uploaded.",
                      "target": "classes.csv", "details": [], "innerError": None}
    container = identifier("container", 1)
    rows: tuple[tuple[str, int, str, str, str | None, list[Entity], list[Entity]], ...] = (
        ("succeeded", 2, "14:41:10", "14:41:52.75", None, [], []),
        ("succeeded", 3, "14:48:00", "14:48:31", None, [missing | {
            "message": "schools.csv is required but was not uploaded.", "target": "schools.csv"}], []),
        ("succeeded", 1, "15:00:00", "15:00:09.4410226", None, [missing], [absent]),
        ("succeeded", 1, "15:02:30", "15:02:41", None, [], [absent]),
        ("succeeded", 2, "15:04:00", "15:04:07.5", None, [], []),
        ("running", 2, "15:06:20", "15:06:21", "Reading student.csv", [], []),
        ("running", 3, "15:07:05", "15:07:05.125", "Reading sections.csv", [], []),
        ("failed", 3, "15:07:40", "15:08:10", "The container is gone", [], []),
        ("notStarted", 1, "15:09:30", "15:09:30", f"Container {container} takes uploads", [], []),
    )
    for ordinal, (status, connector, created, last, detail, errors, warnings) in enumerate(rows, 1):
        yield {"@odata.type": NS + "validateOperation", "id": identifier("validateOperation", ordinal),
               "createdDateTime": f"2025-11-29T{created}Z", "lastActionDateTime": f"2025-11-29T{last}Z",
               "resourceLocation": f"dataConnectors/{identifier('dataConnector', connector)}", "status": status,
               "statusDetail": detail, "errors": errors, "warnings": warnings}


def hub() -> Entity:
    numbers = {"organizations": 26, "people": 21740, "groups": 9412, "memberships": 188300}
    return {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, "brightwater/hub")),
            "identityMatchingSettings": {"externalIdMatchingStyle": "uniquePerSourceSystem"},
            "statistics": typed(**{name: ("Int32", value) for name, value in numbers.items()}),
            "directoryMatchingProcess": {"id": identifier("directoryMatchingProcess", 1),
                                         "displayName": "Directory matching", "readinessStatus": "ready"},
            "insightsOutgoingFlow": {"id": identifier("insightsOutgoingFlow", 1),
                                     "displayName": "Insights", "readinessStatus": "ready"}}


def tenant(scale: int = 1) -> dict[str, list[Entity] | Entity]:
    """The whole data file, what is referred to before what refers to it."""
    runs, groups = all_runs(scale)
    return {"referenceDefinitions": list(reference_definitions()), "roleGroups": list(role_groups()),
            "sourceSystems": list(source_systems()), "dataConnectors": list(data_connectors()),
            "years": list(years()), "incomingFlows": list(incoming_flows()),
            "outgoingFlows": list(outgoing_flows()), "incomingFlowRuns": runs, "runGroups": groups,
            "operations": list(operations()), "industryData": hub()}


def text(data: dict[str, list[Entity] | Entity]) -> str:
    """The file, one entity a line."""
    def compact(value: Entity) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    parts = []
    for name, value in data.items():
        body = compact(value) if isinstance(value, dict) else "[\n" + ",\n".join(map(compact, value)) + "\n]"
        parts.append(f'"{name}":{body}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the sample tenant.")
    parser.add_argument("--scale", type=int, default=1, metavar="N", help="N times the runs (50: the load profile)")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("industryData.data.json"), metavar="FILE")
    arguments = parser.parse_args()
    arguments.out.write_text(text(tenant(arguments.scale)), encoding="utf-8")


if __name__ == "__main__":
    main()

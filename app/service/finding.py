"""Finding: resource paths and ids in bodies → stored entities, inside the session's transaction.

A key in a set is looked up directly; any other path goes through plan and SQL like a read. Ids in bodies resolve
against the context URL of the body, then the request URL, then the service root (JSON Format §4.3, conformance
J-4.3-03).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urljoin, urlsplit

from app import sql, url
from app.bind import bind, literal_value
from app.bind import nodes as bound
from app.errors import BodyError, NotFound, NotImplementedByService, ODataError
from app.plan import Query
from app.plan.changes import Reference
from app.plan.nodes import Output, Source
from app.service.entities import Entity

if TYPE_CHECKING:
    from app.service.session import WriteSession

Steps = tuple[bound.PathStep, ...]


def value_of(expression: bound.Expression, values: Sequence[Any], model: Any) -> Any:
    """The canonical value of a constant in a key."""
    match expression:
        case bound.Parameter(index, type):
            return literal_value(values[index], type, model)
        case bound.Literal(value):
            return value
    raise NotImplementedByService(feature="An expression in a key")


def find(session: WriteSession, steps: Steps, values: Sequence[Any] = (), *, lock: bool = False, start: Source | None = None
         ) -> Entity | None:
    """The entity at the end of a path of sets, keys, navigation properties and casts, or of one behind `start`; None where it
    is not there."""
    match steps:
        case (bound.SingletonStep(singleton), *rest) if all(isinstance(step, bound.CastStep) for step in rest):
            found = session.visible(session.by_columns(singleton.name, [], lock=lock))
            return _cast(session, found, rest)
        case (bound.SetStep(element), bound.KeyStep(key, alternate), *rest) if all(
                isinstance(step, bound.CastStep) for step in rest):
            table = session.mapping.table(element.name)
            columns = dict(table.key)
            if alternate:
                columns = next(dict(each) for each in table.alternate_keys if {name for name, _ in each} == {
                    name for name, _ in key})
            wanted = [(columns[name], value_of(value, values, session.model)) for name, value in key]
            return _cast(session, session.visible(session.by_columns(element.name, wanted, lock=lock)), rest)
    source, rest_steps = session.planner.source(steps, start)
    if rest_steps:
        raise NotImplementedByService(feature="This resource path in a change")
    rows = rows_of(session, source, values, limit=1)
    if not rows:
        return None
    entity = session.entity(source.table, rows[0])
    return session.reload(entity) if lock else entity


def rows_of(session: WriteSession, source: Source, values: Sequence[Any], limit: int | None = None
            ) -> list[dict[str, Any]]:
    """The rows (column name → canonical value) of a source of the planner."""
    table = session.mapping.table(source.table)
    query = Query(source, tuple(Output(column=column, type=column.edm) for column in table.columns), limit=limit)
    statement = sql.compile_query(query, session.mapping, session.store.dialect)
    given = sql.Values(literals=tuple(values), now=session.now, principal=session.principal_values,
                       root=session.root)
    rows = sql.fetch(session.store, statement, given)
    return [session.writer.record(table, row) for row in rows]


def _cast(session: WriteSession, found: Entity | None, casts: Sequence[bound.PathStep]) -> Entity | None:
    if found is None or all(session.model.is_a(found.type, step.type) for step in casts
                            if isinstance(step, bound.CastStep)):
        return found
    return None


# --- ids in bodies ---------------------------------------------------------------------------------------

def resolve(session: WriteSession, reference: Reference, table: str | None, type: str) -> Entity:
    """The stored entity that a body refers to. `table`, `type`: where it must be and what it must be.

    Raises BodyError (400) with the place in the body: an id that is no URL of this service, names nothing, or names an
    entity that the navigation property cannot lead to.
    """
    found: Entity | None
    if reference.row is not None:
        found = session.by_row(*reference.row)
    elif reference.key is not None:
        found = session.by_key(table, reference.key) if table is not None else None
    else:
        found = session.known_id(reference.url) or locate(session, reference)
    if session.guard is not None and reference.row is None and table is not None:
        session.guard.reaches(table)
    if found is None or session.visible(found) is None:
        given = reference.url or ",".join(map(str, (reference.key or {}).values()))
        raise BodyError(f"'{given[:200]}' names no entity of this service.", code="referenceNotFound",
                        target=reference.at or None)
    if table is not None and found.layout.id != table:
        raise BodyError(f"An entity of '{found.layout.id}' cannot be related here; it has to be one of '{table}'.",
                        code="wrongSet", target=reference.at or None)
    if type and not session.model.is_a(found.type, type):
        raise BodyError(f"An entity of type {found.type} cannot be related here; {type} is expected.",
                        code="typeMismatch", target=reference.at or None)
    return found


def locate(session: WriteSession, reference: Reference) -> Entity | None:
    """The entity that an id names by any of its readings."""
    problem: ODataError | None = None
    for target in readings(session, reference):
        try:
            found = _at(session, target)
        except NotFound:
            continue
        except ODataError as error:
            if error.status != 400:
                raise
            problem = error
            continue
        if found is not None:
            return found
    if problem is not None:
        raise BodyError(f"'{reference.url[:200]}' is no id of an entity: {problem.text}", code="invalidReference",
                        target=reference.at or None)
    return None


def key_at(session: WriteSession, reference: Reference, table: str) -> dict[str, Any] | None:
    """The key of an entity of a table that an id would name, whether there is one or not; None for any other id."""
    for target in readings(session, reference):
        path, _, query = target.partition("?")
        try:
            steps = bind(url.parse(path, query), session.seen).resource.steps
            place, rest = session.planner.source(steps)
        except ODataError:
            continue
        last = steps[-1]
        if isinstance(last, bound.KeyStep) and not last.alternate and not rest and place.table == table:
            return {name: value_of(value, (), session.model) for name, value in last.key}
    return None


def referenced(session: WriteSession, text: str) -> Entity | None:
    """The entity that `$id` or `$id/path` stands for inside a batch (Protocol §11.7.4)."""
    id, slash, rest = text.removeprefix("$").partition("/")
    path = session.references(id) if session.references is not None else None
    return None if path is None else _at(session, path + slash + rest)


def _at(session: WriteSession, target: str) -> Entity | None:
    """The entity at a URL below the root; None where the URL is one of something else."""
    path, _, query = target.partition("?")
    resource = bind(url.parse(path, query), session.seen).resource
    return None if resource.kind != "entity" or resource.suffix else find(session, resource.steps)


def readings(session: WriteSession, reference: Reference) -> list[str]:
    """What an id can mean, relative to the service root, the likeliest first."""
    text, root = reference.url.strip(), session.root
    base = reference.base.partition("#")[0] if reference.base else None
    if base is not None:
        base = urljoin(session.request_url, base)
    candidates = [urljoin(base, text)] if base else []
    candidates += [urljoin(session.request_url, text), urljoin(root, text)]
    below = [target for each in candidates if (target := below_root(each, root)) is not None]
    if text.startswith("/"):
        below.append(text.lstrip("/"))
    return list(dict.fromkeys(below))


def below_root(text: str, root: str) -> str | None:
    """An absolute URL relative to the service root; None where it is not below it."""
    wanted, given = urlsplit(root), urlsplit(text)
    if given.scheme.lower() != wanted.scheme.lower() or _host(given) != _host(wanted):
        return None
    if not given.path.startswith(wanted.path):
        return None
    return given.path[len(wanted.path):] + (f"?{given.query}" if given.query else "")


def _host(parts: SplitResult) -> str:
    standard = {"http": ":80", "https": ":443"}.get(parts.scheme.lower(), "")
    host = parts.netloc.lower()
    return host.removesuffix(standard) if standard else host

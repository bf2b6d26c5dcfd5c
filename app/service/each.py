"""`/$each`: one change, or one call of an operation, for every member of a collection.

Types without rules are changed and deleted with one statement for all rows where nothing else hangs on them; anything
else goes row by row. All or nothing, unless `continue-on-error`. Protocol §11.4.13, §11.4.14, §11.5.2; DESIGN §6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

from app import sql
from app.bind import nodes as bound
from app.edm import vocabularies
from app.edm.model import TypeRef
from app.errors import (Conflict, NotFound, NotImplementedByService, ODataError, PreconditionFailed, PreconditionRequired,
                        ServiceUnavailable)
from app.payload.values import dumps
from app.plan import Query
from app.plan import changes as plan
from app.plan.nodes import Output
from app.service import alterations, availability, bodies, invoke, outcomes, read, readback, results
from app.service.call import Call
from app.service.entities import Entity
from app.service.finding import Steps
from app.service.gathering import Gathering
from app.service.layout import Layout
from app.service.outcomes import Outcome
from app.service.paths import path_of
from app.service.response import Response
from app.service.restrictions import place_of
from app.service.selections import Context
from app.service.session import WriteSession
from app.service.write import allow, place, prepare, session_of, transact
from app.store.mapping import Document, Scalar


def update(call: Call) -> Response:
    """PATCH: the same change for each member."""
    outcomes.check_options(call)
    tree = bodies.json_body(call)
    change = call.reader.read_entity(tree, call.resource.type, bodies.reading(call, "patch"))
    change = replace(change, etag=None, key={})
    asked = alterations.written(call.policy, call.mapping, prepare(call), tree, "update", place(call)).become

    def all_at_once(session: WriteSession, entities: list[Entity]) -> bool:
        layouts = {entity.type: entity.layout for entity in entities}
        if session.guard is not None or not all(
                _plain_update(session, layout, change) for layout in layouts.values()):
            return False
        _update_all(session, entities[0].layout, entities, change)      # members of a declared type have one place
        return True
    return _changed(call, "update", all_at_once,
                    lambda session, entity: session.update(entity, change, asked), change)


def delete(call: Call) -> Response:
    """DELETE: each member, with what goes with it."""
    outcomes.check_options(call)

    def all_at_once(session: WriteSession, entities: list[Entity]) -> bool:
        layouts = {entity.type: entity.layout for entity in entities}
        if session.guard is None and all(_plain_delete(session, layout) for layout in layouts.values()):
            for entity in entities:
                assert entity.row is not None and entity.handle is not None
                was = {name: entity.row[name] for tie in entity.layout.ties for name in tie}
                session.log(entity, "delete", None, was)
                session.numbers.leave(entity)
                session.deleted.add(entity.handle)
            _all_there(session.writer.delete_all(entities[0].layout.table, _ids(entities)), entities)
        else:
            gathering = Gathering(session)
            for entity in entities:
                gathering.delete(entity)
            session.carry_out(gathering)
        return True
    return _changed(call, "delete", all_at_once,
                    lambda session, entity: session.delete(entity))


# --- members ---------------------------------------------------------------------------------------------

def _in_front(call: Call) -> Steps:
    """The path of the collection."""
    steps = call.resource.steps
    return steps[:next(index for index, step in enumerate(steps) if isinstance(step, bound.EachStep))]


def _members(call: Call, session: WriteSession) -> list[Entity]:
    """The entities that the path in front of `/$each` leads to, under the grants of the policy."""
    source, rest = session.planner.source(_in_front(call))
    if rest:
        raise NotImplementedByService(feature="/$each of a collection of values")
    call.service.catalogue.prepare(source.table)
    table = session.mapping.table(source.table)
    query = Query(source, tuple(Output(column=column, type=column.edm) for column in table.columns))
    rows = sql.fetch(session.store, sql.compile_query(query, session.mapping, session.store.dialect),
                     sql.Values(literals=tuple(call.values), now=session.now, principal=session.principal_values,
                                root=session.root))
    if not rows and source.parent is not None and not read.exists(call, source.parent):
        raise NotFound(reason=read.describe(call, source.parent))
    outcomes.guard(call, len(rows))
    unique = {row[table.row_id.name]: row for row in (session.writer.record(table, each) for each in rows)}
    return [session.entity(source.table, unique[id]) for id in sorted(unique)]


def _check(call: Call, id: str) -> None:
    """A set under Core.OptimisticConcurrency is changed with `If-Match: *`: no single ETag speaks for many entities."""
    wanted = call.request.header("if-match")
    if wanted is not None and wanted.strip() != "*":
        raise PreconditionFailed("A collection has no ETag", target="If-Match")
    if wanted is None and vocabularies.optimistic_concurrency(call.model, id):
        raise PreconditionRequired(target="If-Match")


def _changed(call: Call, operation: str, all_at_once: Callable[[WriteSession, list[Entity]], bool],
             one: Callable[[WriteSession, Entity], Any], change: plan.Change | None = None) -> Response:
    """Change the members, with one statement where that can be; the answer is a collection of those that a `change` was made
    to, or a delta of deleted ones."""
    def work(session: WriteSession) -> Response:
        entities = _members(call, session)
        if not entities:
            return outcomes.answer(call, (), delta=change is None)
        id = entities[0].layout.id
        allow(call, id, operation, call.request.method, place_of(call.model, call.resource))
        _check(call, id)
        paths = [path_of(entity) if operation == "delete" else "" for entity in entities]
        errors: list[ODataError | None] = [None] * len(entities)
        if call.wishes.goes_on:
            errors = [_attempt(session, partial(one, session, entity)) for entity in entities]
        elif not all_at_once(session, entities):
            for entity in entities:
                one(session, entity)
        return outcomes.answer(call, [
            Outcome(operation, entity.handle if error is not None or operation == "update" else None, path, error=error,
                    change=change) for entity, path, error in zip(entities, paths, errors, strict=True)], delta=change is None)
    return transact(call, work)


def _attempt(session: WriteSession, work: Callable[[], Any]) -> ODataError | None:
    """Why a member failed; None where it did not."""
    try:
        session.attempt(work)
    except ServiceUnavailable:
        raise
    except ODataError as error:
        return error
    return None


# --- one statement for all -------------------------------------------------------------------------------

def _ids(entities: Sequence[Entity]) -> list[int]:
    return [entity.row_id for entity in entities if entity.row_id is not None]


def _all_there(count: int, entities: Sequence[Entity]) -> None:
    if count != len(entities):
        raise Conflict("The entities changed at the same time; try again", code="changedMeanwhile")


def _plain_update(session: WriteSession, layout: Layout, change: plan.Change) -> bool:
    """Whether a change means the same columns for every row, and nothing hangs on them."""
    if change.links or change.streams or change.dynamic or (
            session.rules is not None and session.rules.has_rules(layout.type, "update")):
        return False
    tied = session.reader.schemas.tied(layout.type)
    keys = {column.name for key in layout.table.alternate_keys for _, column in key}
    for name in change.values:
        place = layout.places.get(name)
        if place is None or place.kind == "complex" or name in tied or not isinstance(place.storage, Scalar | Document):
            return False
        if place.storage.column.name in keys:
            return False
    return True


def _update_all(session: WriteSession, layout: Layout, entities: Sequence[Entity], change: plan.Change) -> None:
    columns: dict[str, Any] = {}
    for name, value in change.values.items():
        layout.store(name, session.catalogue.enums.named(value, layout.places[name].type), columns)
    touched = [each for each in entities if each.row is not None and any(
        each.row[name] != value for name, value in columns.items())]
    if not touched:
        return
    _all_there(session.writer.update_all(layout.table, _ids(touched), columns), touched)
    for entity in touched:
        assert entity.row is not None
        names = sorted({layout.of_column.get(name, name) for name, value in columns.items() if entity.row[name] != value})
        entity.row.update(columns)
        entity.row[layout.table.version.name] += 1
        session.log(entity, "update", names)


def _plain_delete(session: WriteSession, layout: Layout) -> bool:
    """Whether nothing goes with an entity of the type, and nothing can keep it."""
    if layout.streams or session.rules is not None and session.rules.has_rules(layout.type, "delete"):
        return False
    gone = session.catalogue.departure(layout.id)
    return not (gone.referrers or gone.related or gone.children or gone.links or gone.owned or gone.documents)


# --- operations ------------------------------------------------------------------------------------------

def perform(call: Call) -> Response:
    """POST of an action: one call for each member (§11.5.2)."""
    step = call.resource.steps[-1]
    assert isinstance(step, bound.OperationStep)
    operation = step.operation
    function = invoke.permitted(call, operation, _in_front(call))
    tree = bodies.json_body(call, optional=True)
    parameters = call.reader.read_parameters(tree, operation, bodies.reading(call, "create"))

    def work(session: WriteSession) -> Response:
        entities = _members(call, session)
        given: list[Any] = []
        failed: list[tuple[Entity, ODataError]] = []

        def one(entity: Entity) -> None:
            availability.demand(call, session, operation, (entity,))
            values = invoke.completed(session, operation, function, invoke.converted(session, operation, parameters))
            given.append(function(entity, **values, context=Context(session)))
        for entity in entities:
            if not call.wishes.goes_on:
                one(entity)
                continue
            error = _attempt(session, partial(one, entity))
            if error is not None:
                failed.append((entity, error))
        return _acted(call, session, step, given, failed)
    return transact(call, work)


def _acted(call: Call, session: WriteSession, step: bound.OperationStep, given: list[Any],
           failed: list[tuple[Entity, ODataError]]) -> Response:
    """What each call gave; the members whose call failed come last, annotated."""
    returns = step.operation.returns
    if failed:
        format = call.wishes.format
        notes = [{format.control("id"): call.request.root + path_of(entity),
                  outcomes.EXCEPTION: outcomes.exception("invoke", error)} for entity, error in failed]
        headers = {"Content-Type": format.content_type, **outcomes.applied(call)}
        if returns is not None and given and call.wishes.returns != "minimal":
            text = _shown(call, session, returns.type, given).read()
            return Response(200, headers, text.removesuffix(b"]}") + b"," + dumps(notes)[1:] + b"}")
        type = session.mapping.table(failed[0][0].layout.id).type if returns is None else returns.type.name
        return Response(200, headers, dumps({**read.context_member(call, f"Collection({type})"), "value": notes}))
    if returns is None or call.wishes.returns == "minimal":
        return Response(204, outcomes.applied(call))
    response = _shown(call, session, returns.type, given)
    response.headers.update(outcomes.applied(call))
    return response


def _shown(call: Call, session: WriteSession, ref: TypeRef, found: list[Any], rest: Steps = ()) -> Response:
    """What each call gave, as a collection of objects: a primitive result, or a collection, is the `value` of one (JSON
    Format §12)."""
    if not ref.collection:
        several = session.model.underlying(replace(ref, collection=True))
        kind = session.model.kind(several.name)
        if kind == "entity":        # a collection of entities holds no null
            return invoke.shown(call, session, several, [each for each in found if each is not None], rest)
        return results.answer(call, results.canonical(session, several, found), rest, wrapped=kind != "complex" and not rest)
    single = replace(session.model.underlying(ref), collection=False)
    if rest or call.resource.suffix or any(getattr(call.options, each.name) not in (None, (), False)
                                           for each in fields(call.options) if each.name not in ("select", "expand", "compute")):
        raise NotImplementedByService(feature="Options and a path behind an operation on /$each whose results are collections")
    lists = [list(each or ()) for each in found]
    if session.model.kind(single.name) == "entity":
        options = readback.shaped(call.options)
        tables: dict[str, list[int]] = {}
        for entity in (each for inner in lists for each in inner):
            tables.setdefault(entity.layout.id, []).append(entity.row_id)
        shown = {(table, row): each.body for table, rows in tables.items()
                 for row, each in readback.by_row(call, table, rows, options=options).items()}
        written = [[shown[each.handle] for each in inner if each.handle in shown] for inner in lists]
    else:
        written = [results.written(call, results.canonical(session, ref, inner)) for inner in lists]
    body = {**read.context_member(call, f"Collection(Collection({single.name}))"), "value": [{"value": each} for each in written]}
    return Response(200, {"Content-Type": call.wishes.format.content_type}, dumps(body))


def evaluate(call: Call) -> Response:
    """GET of a function: one call for each member."""
    steps = call.resource.steps
    at = next(index for index, step in enumerate(steps) if isinstance(step, bound.OperationStep))
    step, rest = steps[at], steps[at + 1:]
    assert isinstance(step, bound.OperationStep)
    if any(isinstance(each, bound.OperationStep) for each in rest):
        raise NotImplementedByService(feature="A function behind another one on /$each")
    function = invoke.permitted(call, step.operation, _in_front(call))
    returns = step.operation.returns
    assert returns is not None
    with call.store.read():
        session = session_of(call, writable=False)
        entities = _members(call, session)
        values = invoke.arguments(call, session, step, function)
        for entity in entities:
            availability.demand(call, session, step.operation, (entity,))
        found = [function(entity, **values, context=Context(session)) for entity in entities]
        if returns.type.nullable is False and not returns.type.collection and None in found:
            raise NotFound(reason=f"The function {step.operation.name} found nothing for one of them")
        return _shown(call, session, returns.type, found, rest)

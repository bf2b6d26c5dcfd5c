"""Invoking operations: the binding and the parameters of a request → the registered function → the answer.

An action runs in the write transaction of its request, a function in one view of the data. What comes back as
entities is read again by the options of the request, so `$select`, `$expand`, `$filter` work on it. Protocol §11.5;
conformance.md §13.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.bind import nodes as bound
from app.edm import types, vocabularies
from app.edm.index import Operation
from app.edm.model import TypeRef
from app.errors import BadRequest, NotFound, NotImplementedByService, PreconditionFailed, TypeMismatch
from app.payload.schemas import Reading
from app.plan import Source
from app.plan import changes as plan
from app.service import answers, availability, bodies, read, results
from app.service.apply import ApplyAnswer
from app.service.call import Call
from app.service.conditions import matches
from app.service.entities import Entity
from app.service.finding import Steps, find, value_of
from app.service.paths import path_of
from app.service.response import Response
from app.service.selections import Accepted, Context, Selection
from app.service.session import WriteSession
from app.service.results import Value
from app.service.values import PropertyAnswer
from app.service.write import collection_steps, session_of, transact


def function_of(call: Call, operation: Operation) -> Any:
    """The registered function. Raises NotImplementedByService where there is none."""
    found = call.service.operations.handler(operation)
    if found is None:
        raise NotImplementedByService(feature=f"The operation '{operation.name}'", target=operation.name)
    return found


def permitted(call: Call, operation: Operation, steps: Steps, start: Source | Value | None = None) -> Any:
    """The registered function, where whoever asks may invoke it on what the steps lead to: an operation that is granted by
    name brings its own rights, any other needs the right to read there (and Forbidden is raised)."""
    call.policy.invoke(operation.name)
    if operation.bound and operation.name not in call.policy.trusted and not isinstance(start, Value):
        call.service.planner(call.policy).source(steps, start)
    return function_of(call, operation)


# --- actions ---------------------------------------------------------------------------------------------

def perform(call: Call) -> Response:
    """POST of an action (Protocol §11.5.5)."""
    step = call.resource.steps[-1]
    assert isinstance(step, bound.OperationStep)
    operation = step.operation
    function = permitted(call, operation, call.resource.steps[:-1])
    tree = bodies.json_body(call, optional=True)
    parameters = call.reader.read_parameters(tree, operation, bodies.reading(call, "create"))

    def work(session: WriteSession) -> Response:
        binding = bound_to(call, session, operation, call.resource.steps[:-1], lock=True)
        if binding and isinstance(binding[0], Entity):
            _check_etag(call, binding[0])
        elif binding and (call.request.header("if-match") or "*").strip() != "*":
            raise PreconditionFailed("A collection has no ETag", target="If-Match")
        availability.demand(call, session, operation, binding)
        values = completed(session, operation, function, converted(session, operation, parameters))
        result = function(*binding, **values, context=Context(session))
        return _acted(call, session, operation, result)
    return transact(call, work)


def _check_etag(call: Call, entity: Entity) -> None:
    wanted, known = call.request.header("if-match"), call.request.header("if-none-match")
    if wanted is not None and not matches(wanted, entity.etag):
        raise PreconditionFailed(target="If-Match")
    if known is not None and matches(known, entity.etag):
        raise PreconditionFailed(target="If-None-Match")


def _acted(call: Call, session: WriteSession, operation: Operation, result: Any) -> Response:
    if isinstance(result, Accepted):
        place = result.location
        return Response(202, {} if place is None else {"Location": call.request.root + path_of(place)})
    if operation.returns is None or result is None and not operation.returns.type.collection:
        return answers.no_content(call)
    if isinstance(result, Entity):
        if result.handle in session.created:
            return answers.created(call, result)
        if call.wishes.returns == "minimal":
            return answers.no_content(call)
        return answers.show(call, result, call.options)
    if call.wishes.returns == "minimal":
        return answers.no_content(call)
    return shown(call, session, operation.returns.type, result, ())


# --- functions -------------------------------------------------------------------------------------------

def evaluate(call: Call) -> Response:
    """GET of a function, or of a path that goes on behind one (Protocol §11.5.4)."""
    if call.resource.each():
        from app.service import each
        return each.evaluate(call)
    with call.store.read():
        session = session_of(call, writable=False)
        operation, result, rest = _called(call, session, call.resource.steps)
        assert operation.returns is not None
        if result is None and not operation.returns.type.collection:
            return _nothing(call, operation, rest)
        return shown(call, session, operation.returns.type, result, rest)


def entity_behind(call: Call, session: WriteSession, steps: Steps) -> Entity | None:
    """The entity that a path with functions leads to; None where there is none."""
    operation, result, rest = _called(call, session, steps)
    if result is None:
        return None
    start = _start(call, session, operation, result)
    if isinstance(start, Value):
        raise NotImplementedByService(feature="An entity behind a value that is not stored")
    return find(session, rest, call.values, start=start)


def _called(call: Call, session: WriteSession, steps: Steps) -> tuple[Operation, Any, Steps]:
    """The last function of a path, or the one that gave nothing, with its result and the steps behind it."""
    start: Source | Value | None = None
    rest = steps
    while True:
        at = next(index for index, step in enumerate(rest) if isinstance(step, bound.OperationStep))
        step, before, rest = rest[at], rest[:at], rest[at + 1:]
        assert isinstance(step, bound.OperationStep)
        operation = step.operation
        assert operation.returns is not None
        function = permitted(call, operation, before, start)
        binding = bound_to(call, session, operation, before, start=start)
        availability.demand(call, session, operation, binding)
        result = function(*binding, **arguments(call, session, step, function), context=Context(session))
        if result is None and not operation.returns.type.collection \
                or not any(isinstance(each, bound.OperationStep) for each in rest):
            return operation, result, rest
        start = _start(call, session, operation, result)


def _start(call: Call, session: WriteSession, operation: Operation, result: Any) -> Source | Value:
    """What a function gave, for a path that goes on to another function."""
    assert operation.returns is not None
    ref = session.model.underlying(operation.returns.type)
    if session.model.kind(ref.name) != "entity" or isinstance(result, dict):
        return results.canonical(session, ref, result)
    source, _ = _narrowed(call, session, result, ref)
    planner = call.service.planner(call.policy)
    planner.granted(source.table, not ref.collection)
    return replace(source, grants=planner.grants)


def _nothing(call: Call, operation: Operation, rest: Steps) -> Response:
    assert operation.returns is not None
    if rest or operation.returns.type.nullable is False and call.model.kind(operation.returns.type.name) == "entity":
        raise NotFound(reason=f"The function {operation.name} found nothing")
    return Response(204)


def arguments(call: Call, session: WriteSession, step: bound.OperationStep, function: Any) -> dict[str, Any]:
    """The parameters of a function by name."""
    found = {name: argument_of(call, session, step.operation, name, value) for name, value in step.arguments}
    return completed(session, step.operation, function, found)


def completed(session: WriteSession, operation: Operation, function: Any, values: dict[str, Any]) -> dict[str, Any]:
    """The parameters with those that may be left out: the DefaultValue of Core.OptionalParameter, else what the Python function
    has for it, else null (§11.5.4.1.1, §11.5.5.1)."""
    for each in operation.parameters[1 if operation.bound else 0:]:
        if each.name in values:
            continue
        text = vocabularies.optional_default(session.model, each)
        if text is not None:
            values[each.name] = argument(session, session.reader.default_argument(each, text), each.type)
            continue
        asked = inspect.signature(function).parameters.get(each.name)
        if asked is not None and asked.default is inspect.Parameter.empty:
            values[each.name] = [] if each.type.collection else None
    return values


def argument_of(call: Call, session: WriteSession, operation: Operation, name: str, value: bound.Expression) -> Any:
    """The value of a parameter in the URL."""
    parameter = next(each for each in operation.parameters if each.name == name)
    match value:
        case bound.ListValue(items) if not any(isinstance(item, bound.ObjectValue) for item in items):
            found: Any = [_simple(call, item) for item in items]
        case bound.ObjectValue() | bound.ListValue():
            found = call.reader.read_argument(_tree(call, value), parameter, Reading("create", trusted=True, quoted=True))
        case bound.Root(source, collection=False) if call.model.entity_type(parameter.type.name) is not None:
            row = _simple(call, value)      # of the entity, where there is one that the caller may see
            return None if row is None and parameter.type.nullable else _there(session, source, row, name)
        case bound.Root() | bound.NavigationPath() | bound.CastPath() if call.model.entity_type(parameter.type.name) is not None:
            raise NotImplementedByService(feature=f"A path to entities as the parameter '{name}'")
        case _:
            found = _simple(call, value, parameter.type.name)
            if found is None and not parameter.type.nullable:
                raise TypeMismatch(reason=f"The parameter '{name}' must not be null")
    return argument(session, found, parameter.type)


def _there(session: WriteSession, source: str, row: int | None, name: str) -> Entity:
    found = None if row is None else session.by_row(source, row)
    if found is None:
        raise BadRequest("The entity is not there", code="referenceNotFound", target=name)
    return found


def _simple(call: Call, value: bound.Expression, wanted: str = "") -> Any:
    """The value of a constant, or of an expression that the database computes, as a number of the type wanted."""
    if isinstance(value, bound.Literal | bound.Parameter):
        return value_of(value, call.values, call.model)
    given: str = getattr(value, "type")
    return results.computed(call, bound.Cast(value, wanted) if wanted != given and {wanted, given} <= types.NUMBERS else value)


def _tree(call: Call, value: bound.Expression) -> Any:
    match value:
        case bound.ObjectValue(members):
            return {name: _tree(call, inner) for name, inner in members}
        case bound.ListValue(items):
            return [_tree(call, item) for item in items]
    return _simple(call, value)


# --- binding and parameters ------------------------------------------------------------------------------

def bound_to(call: Call, session: WriteSession, operation: Operation, steps: Steps, lock: bool = False,
             start: Source | Value | None = None) -> tuple[Any, ...]:
    """The binding parameter: an entity, a selection, or a value; () for an unbound operation. `start`: what an earlier
    function of the path gave."""
    if not operation.bound:
        return ()
    ref = operation.parameters[0].type
    if isinstance(start, Value):
        return (results.along(call, start, steps).value,)
    if call.model.kind(ref.name) != "entity":
        return (_value(call, session, steps, start),)
    if ref.collection:
        source, rest = session.planner.source(steps, start)
        if rest:
            raise NotImplementedByService(feature="This binding")
        parent = None
        if source.parent is not None and start is None:
            before, last = collection_steps(steps)
            owner = find(session, before, call.values)
            if owner is None:
                raise NotFound(reason=read.describe(call, source.parent))
            parent = (owner, last.navigation) if isinstance(last, bound.NavigationStep) else None
        return (Selection(session, source, parent, values=tuple(call.values)),)
    entity = find(session, steps, call.values, lock=lock, start=start)
    if entity is None:
        raise NotFound(reason=f"There is no entity at '{call.request.path[:200]}'")
    return (entity,)


def _value(call: Call, session: WriteSession, steps: Steps, start: Source | None) -> Any:
    """The value of the property that an operation is bound to."""
    at = next(index for index, step in enumerate(steps) if isinstance(step, bound.PropertyStep))
    entity, step = find(session, steps[:at], call.values, start=start), steps[at]
    if entity is None:
        raise NotFound(reason=f"There is no entity at '{call.request.path[:200]}'")
    assert isinstance(step, bound.PropertyStep)
    first = Value(entity[step.property.name], session.model.underlying(step.property.type))
    return None if first.value is None else results.along(call, first, steps[at + 1:]).value


def converted(session: WriteSession, operation: Operation, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an action as its function sees them."""
    return {name: argument(session, value, parameter_type(operation, name)) for name, value in parameters.items()}


def parameter_type(operation: Operation, name: str) -> TypeRef:
    """The type of a parameter of an overload."""
    return next(each.type for each in operation.parameters if each.name == name)


def argument(session: WriteSession, value: Any, ref: TypeRef) -> Any:
    """A parameter as the function sees it: entities for references, names for enumerations, complete complex values."""
    if isinstance(value, list):
        single = replace(ref, collection=False)
        return [argument(session, item, single) for item in value]
    if isinstance(value, plan.Reference):
        return session.resolve(value, None, ref.name)
    if isinstance(value, plan.Change):
        paths = {part.name: part.path for part in session.model.key(value.type)}
        return {**{paths[name]: each for name, each in value.key.items()}, **value.values, **value.dynamic}
    if isinstance(value, dict) and session.model.kind(ref.name) == "complex":
        value = session.reader.schemas.complete(ref.name, value)
    return session.catalogue.enums.named(value, session.model.underlying(ref).name)


# --- results ---------------------------------------------------------------------------------------------

def shown(call: Call, session: WriteSession, returns: TypeRef, result: Any, rest: Steps) -> Response:
    """The answer that shows a result, or what a path behind the function finds in it."""
    ref = session.model.underlying(returns)
    if session.model.kind(ref.name) == "entity" and not isinstance(result, dict):
        return _entities(call, session, ref, result, rest)
    return results.answer(call, results.canonical(session, ref, result), rest)


def _entities(call: Call, session: WriteSession, ref: TypeRef, result: Any, rest: Steps) -> Response:
    source, ordered = _narrowed(call, session, result, ref)
    options = call.options
    if options.apply is not None:
        first = (bound.OrderBy(ordered),) if ordered else ()
        options = replace(options, apply=replace(options.apply, transformations=(*first, *options.apply.transformations)))
    elif not options.orderby:
        options = replace(options, orderby=ordered)
    planner = call.service.planner(call.policy, call.wishes.page_size)
    planner.granted(source.table, not ref.collection)           # whether the principal may read what the operation found
    source, behind = planner.source(rest, replace(source, grants=planner.grants))
    if behind:
        return PropertyAnswer(call, source, behind)(call)
    if call.resource.suffix == "$count":
        return read.CountAnswer(call, source, options)(call)
    if options.apply is not None:
        return ApplyAnswer(call, source, options)(call)
    if call.resource.kind == "collection" or call.resource.kind == "action" and ref.collection:
        return read.CollectionAnswer(call, source, options)(call)
    return read.EntityAnswer(call, source, options)(call)


def _narrowed(call: Call, session: WriteSession, result: Any, ref: TypeRef) -> tuple[Source, tuple[bound.OrderItem, ...]]:
    """The entities of a result as a source, and their order. Raises NotFound for none of no known set."""
    ordered: tuple[bound.OrderItem, ...] = ()
    if isinstance(result, Selection):
        source, ordered = result.narrowed()
    if not isinstance(result, Selection) or result.limit is not None:
        found = [result] if isinstance(result, Entity) else list(result)
        if not found:
            return _none(call, session, ref), ()
        source = _among(session, found)
        ordered = ordered or _as_given(session, found)
    return source, ordered


def _none(call: Call, session: WriteSession, ref: TypeRef) -> Source:
    """No entity of the set that the result is declared to be from, else of one that holds its type."""
    ids = [call.resource.source] if call.resource.source is not None else []
    ids += [id for id in session.mapping.sources() if session.model.is_a(session.mapping.declared_type(id), ref.name)]
    if not ids:
        raise NotFound(reason="The function found nothing")
    start = session.planner.start(ids[0], session.mapping.declared_type(ids[0]))
    return replace(start, predicate=bound.Literal(False, "Edm.Boolean"))


def _as_given(session: WriteSession, found: Sequence[Entity]) -> tuple[bound.OrderItem, ...]:
    """The order of a list of entities."""
    if len(found) < 2:
        return ()
    branches = tuple((is_this(session, each), bound.Literal(index, "Edm.Int32")) for index, each in enumerate(found))
    return (bound.OrderItem(bound.Case(branches, "Edm.Int32")),)


def _among(session: WriteSession, found: Sequence[Entity]) -> Source:
    """These entities as a source."""
    tables = {each.layout.id for each in found}
    if len(tables) != 1:
        raise NotImplementedByService(feature="A result with entities of several sets")
    table = session.mapping.table(tables.pop())
    start = session.planner.start(table.id, table.type)
    if len(found) == 1:
        return replace(start, key=((table.row_id, bound.Literal(found[0].row_id, "Edm.Int64")),))
    conditions = tuple(is_this(session, each) for each in found)
    predicate = conditions[0] if len(conditions) == 1 else bound.Logic("or", conditions)
    return replace(start, predicate=predicate)


def is_this(session: WriteSession, entity: Entity, place: bound.Expression | None = None) -> bound.Expression:
    """The condition that an entity is this one, by its key; `place`: the path to the entity that is asked about."""
    parts: list[bound.Expression] = []
    for _, path in entity.layout.key_paths:
        current = bound.This(entity.layout.table.type) if place is None else place
        owner, value = entity.layout.table.type, entity
        for step in path.split("/"):
            member = session.model.properties(owner)[step]
            type = session.model.underlying(member.type).name
            current, owner, value = bound.PropertyPath(current, member, owner, type), type, value[step]
        kind = session.model.enum_type(type)
        constant: Any = session.catalogue.enums.number(kind, value) if kind is not None else value
        parts.append(bound.Compare("eq", current, bound.Literal(constant, type), type))
    return parts[0] if len(parts) == 1 else bound.Logic("and", tuple(parts))

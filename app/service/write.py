"""Requests that change data: which handler answers which method on which resource, and the handlers of entities.

Bodies are read before the transaction begins; everything after that happens in one, which an error undoes. Links are in
`links`, properties in `properties`, streams in `media`, actions in `invoke`. Protocol §11.4; conformance.md §12.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from app.bind import nodes as bound
from app.edm import vocabularies
from app.edm.index import Model
from app.edm.places import Place
from app.errors import Forbidden, MethodNotAllowed, NotFound, NotImplementedByService, PreconditionFailed, PreconditionRequired
from app.plan import Planner
from app.plan import changes as plan
from app.service import alterations, answers, bodies, restrictions
from app.service.call import Call
from app.service.conditions import matches
from app.service.entities import Entity
from app.service.finding import Steps, find, value_of
from app.service.response import Response
from app.service.session import WriteSession
from app.store.mapping import Contained, Unbound, Whole

Handler = Callable[[Call], Response]
T = TypeVar("T")


def admitted(call: Call) -> Handler:
    """The handler of a change, once all is seen to that method, URL and policy say by themselves: it may answer further
    requests of the same text. Raises MethodNotAllowed where the resource does not know the method, Forbidden."""
    resource, method = call.resource, call.request.method
    handler = _routes(resource).get(method)
    if handler is None:
        raise MethodNotAllowed(method=method, resource=describe(resource), allow=methods(resource, call.model))
    steps = call.resource.steps
    restrictions.addressed(call.policy, call.resource)
    if steps and isinstance(steps[0], bound.SetStep | bound.SingletonStep):
        admit(call)
    return creation(call) if handler is create else updating(call) if handler is update else handler


def methods(resource: bound.Resource, model: Model) -> tuple[str, ...]:
    """The methods that a resource has, as far as its URL and the model tell (Protocol §9.2.2)."""
    if resource.kind == "batch":
        return "POST", "HEAD"
    if resource.kind == "entityReference" or resource.suffix == "$query":
        return "GET", "HEAD"
    operation = resource.operation() is not None
    unread = resource.kind == "action" or resource.each() and not operation or not operation and resource.steps and (
        vocabularies.read_restrictions(model, restrictions.place_of(model, resource), resource.kind != "collection")
        .get("Readable") is False)
    return (*(() if unread else ("GET", "HEAD")),
            *(each for each in _routes(resource) if operation or _has(resource, model, each)))


def _has(resource: bound.Resource, model: Model, method: str) -> bool:
    """Whether properties and capabilities leave a resource a method that others of its kind have."""
    from app.service import properties
    where = restrictions.place_of(model, resource)
    if resource.suffix == "$ref":
        last = next(step for step in reversed(resource.steps) if isinstance(step, bound.NavigationStep))
        return not last.navigation.contains_target and alterations.has(
            model, "update", restrictions.place_before(model, resource))
    part = any(isinstance(step, bound.PropertyStep | bound.DynamicStep) for step in resource.steps)
    right = kind_of(resource, method, part)
    if part:
        return properties.unwritable(model, resource.steps) is None and alterations.has(model, right, where)
    if resource.kind == "entity" and right == "update" and not resource.suffix:
        return method in vocabularies.update_methods(model, where) and (
            alterations.has(model, "update", where) or alterations.has(model, "insert", where))
    if resource.kind == "collection" and right == "update" and not resource.each():
        return vocabularies.delta_updates(model, where) if method == "PATCH" else any(
            alterations.has(model, each, where) for each in alterations.TERMS)
    return alterations.has(model, right, where)


def narrowed(call: Call, error: MethodNotAllowed) -> None:
    """Let Allow of an answer name what the resource has, without the method that was refused just now."""
    told = error.headers.get("Allow", "")
    refused = ("GET", "HEAD") if call.request.method in ("GET", "HEAD") else (call.request.method,)
    error.headers["Allow"] = ", ".join(each for each in methods(call.resource, call.model) if each not in refused and (
        not told or each in told.split(", ")))


def admit(call: Call) -> None:
    """Raises Forbidden where the right to a change is missing, or a path leads through entities that may not be read, and
    MethodNotAllowed for what the capabilities of a place rule out: before anything is looked at."""
    policy, resource, method = call.policy, call.resource, call.request.method
    step = resource.operation()
    if step is not None:
        policy.invoke(step.operation.name)
        alterations.invoked(call, step)
        return
    source, rest = Planner(call.mapping).source(resource.steps)
    parent = source.parent
    above = parent
    while above is not None:
        policy.grants.one(above.table)
        above = above.parent
    where = restrictions.place_of(call.model, resource)
    if resource.suffix == "$ref" and parent is not None:
        alterations.linked(call)
        policy.require("update", parent.table)
        alterations.permitted(policy, restrictions.place_before(call.model, resource), "update", method)
        alterations.options(call, vocabularies.change_options(call.model, "UpdateRestrictions", where))
        return
    part = any(isinstance(step, bound.PropertyStep | bound.DynamicStep) for step in rest)
    right = kind_of(resource, method, part)
    alterations.check(call, right)
    if part or resource.suffix == "$value":
        alterations.part(call)
    elif resource.kind == "entity" and right == "update":
        alterations.updated_by(policy, where, method)
        try:
            policy.require("insert", source.table)
            alterations.permitted(policy, where, "insert", method)
            return
        except (Forbidden, MethodNotAllowed):           # what is not there cannot be created, so it has to be there
            pass
    if resource.kind == "collection" and right == "update" and not resource.each():     # its members say what they are
        if method == "PATCH":
            alterations.delta_taken(policy, where)
        elif not any(alterations.has(call.model, each, where) for each in alterations.TERMS):
            alterations.permitted(policy, where, right, method)
        return
    policy.require(right, source.table)
    alterations.permitted(policy, where, right, method)


def kind_of(resource: bound.Resource, method: str, part: bool) -> str:
    """The right that a request is about; `part`: it changes a part of an entity. Members of a delta have rights of their own."""
    if part or resource.suffix == "$value" and method != "DELETE":
        return "update"
    return {"POST": "insert", "DELETE": "delete"}.get(method, "update")


def _routes(resource: bound.Resource) -> dict[str, Handler]:
    """Method → handler for a resource."""
    from app.service import each, invoke, links, media, properties, sets
    collection = bool(resource.steps) and resource.kind == "collection"
    match resource.kind, resource.suffix:
        case ("all" | "crossjoin"), _:
            return {}
        case ("batch" | "entityReference"), _:
            raise NotImplementedByService(feature="$batch" if resource.kind == "batch" else f"${resource.kind}")
        case _, "$query":
            raise NotImplementedByService(feature="$query")
        case _, _ if resource.operation() is not None:
            step = resource.operation()
            is_action = step is not None and resource.steps[-1] is step and not hasattr(step.operation, "composable")
            return {"POST": each.perform if resource.each() else invoke.perform} if is_action else {}
        case "collection", "" if resource.each():
            return {"PATCH": each.update, "DELETE": each.delete}
        case ("complexCollection" | "primitiveCollection"), "" if resource.each():
            return {"PATCH": properties.change_each, "DELETE": properties.clear_each}
        case _ if resource.each():
            return {}
        case _, _ if any(isinstance(step, bound.FilterStep) for step in resource.steps):
            return {}
        case _, "$ref" if not any(isinstance(step, bound.NavigationStep) for step in resource.steps):
            return {}
        case "collection", "$ref":
            return {"POST": links.add, "PUT": links.replace_all, "DELETE": links.remove}
        case "entity", "$ref" if isinstance(resource.steps[-1], bound.KeyStep):
            return {"DELETE": links.remove}
        case "entity", "$ref":
            return {"POST": links.add, "PUT": links.add, "DELETE": links.remove}
        case "collection", "" if collection:
            return {"POST": create, "PATCH": sets.change, "PUT": sets.replace_all}
        case "entity", "":
            return {"PATCH": update, "PUT": update, "DELETE": delete}
        case "entity", "$value":
            return {"PUT": media.replace_media, "DELETE": media.remove_media}
        case "stream", _:
            return {"PUT": media.replace_stream, "DELETE": media.remove_stream}
        case "dynamic", "":
            return {"PATCH": properties.change, "PUT": properties.change, "DELETE": properties.clear}
        case "complex", "":
            return {"PATCH": properties.change, "PUT": properties.change, "DELETE": properties.clear}
        case "primitive", ("" | "$value"):
            return {"PUT": properties.change, "PATCH": properties.change, "DELETE": properties.clear}
        case ("complexCollection" | "primitiveCollection"), "":
            return {"PUT": properties.change, "POST": properties.append, "DELETE": properties.clear}
    return {}


def describe(resource: bound.Resource) -> str:
    """A resource in a sentence."""
    names = {"collection": "a collection of entities", "entity": "an entity", "complex": "a complex property",
             "primitive": "a primitive property", "service": "the service document", "all": "$all", "crossjoin": "$crossjoin",
             "metadata": "the metadata document", "stream": "a stream property", "action": "an action"}
    if resource.suffix:
        return f"{resource.suffix} of {names.get(resource.kind, 'this resource')}"
    return names.get(resource.kind, "this resource")


def read_stream(call: Call) -> Response:
    """GET of a stream property or of a media entity's stream."""
    from app.service import media
    return media.read(call)


# --- transactions ----------------------------------------------------------------------------------------

def session_of(call: Call, writable: bool = True) -> WriteSession:
    """A session for a call; not `writable`: one of functions, which have no side effects (CSDL §12.3)."""
    service = call.service
    return WriteSession(service.catalogue, now=service.now(), root=call.request.root,
                        request_url=call.request.root + call.request.path, principal=call.principal.id,
                        rules=service.operations, languages=call.wishes.languages,
                        references=call.request.references, policy=call.policy, values=call.policy.of(call.principal),
                        writable=writable)


def transact(call: Call, work: Callable[[WriteSession], T]) -> T:
    """The result of `work` in one write transaction, its change log included; all of it undone by an error."""
    def attempt() -> T:
        session = session_of(call)
        result = work(session)
        session.finish()
        return result
    return call.store.transact(attempt)


def place(call: Call) -> Place:
    """The place that a request is about."""
    return restrictions.place_of(call.model, call.resource)


def prepare(call: Call, change: plan.Change | None = None) -> str:
    """The table that a request is about, made where a large model has not needed it so far."""
    id = Planner(call.mapping).source(call.resource.steps)[0].table
    call.service.catalogue.prepare(id, change)
    return id


# --- preconditions ---------------------------------------------------------------------------------------

def check_conditions(call: Call, entity: Entity | None, *, changes: bool = True, where: Place = ()) -> None:
    """If-Match, If-None-Match and Core.OptimisticConcurrency against the entity as stored (Protocol §8.2.4, §8.2.5).
    `changes`: whether the entity itself is about to change; `where`: the place of the request, where it is known."""
    wanted, known = call.request.header("if-match"), call.request.header("if-none-match")
    tag = None if entity is None else entity.etag
    if wanted is not None and not matches(wanted, tag):
        raise PreconditionFailed(None if entity else "There is no entity that If-Match could match", target="If-Match")
    if known is not None and tag is not None and matches(known, tag):
        raise PreconditionFailed("The entity is there already" if known.strip()
                                 == "*" else None, target="If-None-Match")
    if changes and entity is not None and wanted is None and (
            vocabularies.optimistic_concurrency(call.model, entity.layout.id)
            or vocabularies.etag_demanded(call.model, where or place(call))):
        raise PreconditionRequired(target="If-Match")


def check_collection(call: Call, parent: Entity | None) -> None:
    """If-Match of a change of a collection: it has no ETag of its own, only `*` and that of the entity in front of it are met
    (Protocol §11.4.1.1)."""
    wanted = call.request.header("if-match")
    if wanted is not None and wanted.strip() != "*" and not matches(wanted, None if parent is None else parent.etag):
        raise PreconditionFailed("A collection has no ETag", target="If-Match")


def allow(call: Call, id: str, right: str, method: str, where: Place = ()) -> None:
    """Refuse what the policy does not allow, or the capabilities of a place (that of a table, where none is said) rule out;
    `right`: insert, update or delete."""
    call.policy.require(right, id)
    alterations.permitted(call.policy, where or (id,), right, method)


# --- create ----------------------------------------------------------------------------------------------

def collection_steps(steps: Steps) -> tuple[Steps, bound.PathStep]:
    """The steps in front of a collection of entities, and the step that names it; casts behind it say the type only."""
    at = max(index for index, step in enumerate(steps) if isinstance(step, bound.SetStep | bound.NavigationStep))
    return steps[:at], steps[at]


def create(call: Call) -> Response:
    """POST to a collection: a new entity there, related to the one that the collection belongs to (§11.4.2)."""
    return creation(call)(call)


def creation(call: Call) -> Handler:
    """The handler of POSTs to one collection: what URL and policy say of all of them is found out once."""
    resource, where, right = call.resource, place(call), "insert"
    before, last = collection_steps(resource.steps)
    if call.model.has_stream(resource.type):        # the body is the stream, even where it is JSON (§11.4.7.1)
        from app.service import media
        return media.create
    inside = any(isinstance(step, bound.PropertyStep) for step in before)
    supplied, tied, navigation, into = frozenset[str](), frozenset[str](), None, ""
    if isinstance(last, bound.NavigationStep):
        navigation = last.navigation
        supplied, tied = call.reader.implied(last.owner, navigation)
    elif isinstance(last, bound.SetStep):
        into = last.set.name

    def handler(call: Call) -> Response:
        tree = bodies.json_body(call)
        change = call.reader.read_entity(tree, resource.type, bodies.reading(call, "create"), supplied=supplied, bound=tied)
        if into:
            call.service.catalogue.prepare(into, change)
        id = into or prepare(call, change)
        asked = alterations.written(call.policy, call.mapping, id, tree, right, where).become
        if inside:
            from app.service import links
            return links.create(call, change, asked)

        def work(session: WriteSession) -> Response:
            if into:                                # `admit` asked whether it may be
                check_collection(call, None)
                return answers.created(call, session.create(into, change, asked=asked), change)
            assert isinstance(last, bound.NavigationStep) and navigation is not None
            parent, id, owner = parent_of(call, session, before, last)
            check_collection(call, parent)
            relates = not isinstance(parent.layout.relation(navigation.name), Contained | Whole)
            entity = session.create(id, change, owner=owner, parent=(parent, navigation) if relates else None, asked=asked)
            return answers.created(call, entity, change)
        return transact(call, work)
    return handler


def parent_of(call: Call, session: WriteSession, before: Steps, last: bound.NavigationStep
              ) -> tuple[Entity, str, Entity | None]:
    """The entity in front of a navigation property, the table that it leads to, and the owner of what is created
    there, which has to be allowed."""
    found = parent_at(call, session, before, last)
    allow(call, found[1], "insert", "POST", place(call))
    return found


def parent_at(call: Call, session: WriteSession, before: Steps, last: bound.NavigationStep
              ) -> tuple[Entity, str, Entity | None]:
    """The same where nothing need be created."""
    if any(isinstance(step, bound.PropertyStep) for step in before):
        raise NotImplementedByService(feature="This change of a collection inside a complex value")
    parent = find(session, before, call.values, lock=True)
    if parent is None:
        raise NotFound(reason=f"There is no entity in front of '{last.navigation.name}'")
    name = last.navigation.name
    relation = parent.layout.relation(name)
    if isinstance(relation, Unbound):
        raise NotImplementedByService(f"{relation.reason}; it is not implemented by this service", target=name)
    return parent, relation.target, parent if isinstance(relation, Contained) else None


# --- update and upsert -----------------------------------------------------------------------------------

def update(call: Call) -> Response:
    """PATCH and PUT of an entity: changed, replaced, or created where its key is free (§11.4.3, §11.4.4)."""
    return updating(call)(call)


def updating(call: Call) -> Handler:
    """The handler of such requests: what URL and policy say of all of them is found out once."""
    resource, method, where = call.resource, call.request.method, place(call)
    operation = "put" if method == "PUT" else "patch"
    id = Planner(call.mapping).source(resource.steps)[0].table
    nested = any("/" in part.path for part in call.model.key(resource.type))

    def handler(call: Call) -> Response:
        tree, reader, reading = bodies.json_body(call), call.reader, bodies.reading(call, operation)
        call.service.catalogue.prepare(id)
        type = _stored_type(call, id)
        change = None if type is None or nested else reader.read_entity(tree, type, reading)
        call.service.catalogue.prepare(id, change)

        def work(session: WriteSession) -> Response:
            entity = find(session, resource.steps, call.values, lock=True)
            check_conditions(call, entity, where=where)
            if entity is None:
                return _upsert(call, session, id, tree)
            allow(call, id, "update", method, where)
            body = alterations.written(call.policy, call.mapping, id, tree, "update", where)
            wanted = change
            if wanted is None or entity.type != type:
                whole = keyed(call, tree, dict(entity.key), operation == "put") if nested else tree
                wanted = reader.read_entity(whole, entity.type, reading)
            tag = call.request.header("if-match")
            if tag is not None:     # it goes before an ETag in the body
                wanted = replace(wanted, etag=None)
            session.update(entity, wanted, body.become)
            current = session.by_row(entity.layout.id, entity.row_id or 0)
            if current is None:
                raise NotFound(reason="The entity was deleted by what its change brought about")
            knows = tag not in (None, "*") and not call.service.operations.has_rules(entity.type, "update")
            return answers.updated(call, current, knows, wanted)
        return transact(call, work)
    return handler


def keyed(call: Call, tree: Any, key: Mapping[str, Any], whole: bool) -> Any:
    """A body whose complex values hold the members that belong to the key as they are in `key` (Protocol §11.4.3, §11.4.4);
    `whole`: also where the body leaves them out."""
    if not isinstance(tree, dict):
        return tree
    made = dict(tree)
    for part in call.model.key(call.resource.type):
        top, *steps = part.path.split("/")
        if not steps or part.name not in key or not (whole or isinstance(made.get(top), dict)):
            continue
        place = made[top] = dict(made[top]) if isinstance(made.get(top), dict) else {}
        for step in steps[:-1]:
            inner = place.get(step)
            place[step] = place = dict(inner) if isinstance(inner, dict) else {}
        place[steps[-1]] = key[part.name]
    return made


def _stored_type(call: Call, id: str) -> str | None:
    """The type of the entity to change, which says what its body means; None where there is no entity."""
    concrete = [each for each in call.mapping.table(id).concrete if call.model.is_a(each, call.resource.type)]
    if len(concrete) == 1:
        return concrete[0]
    found = find(session_of(call), call.resource.steps, call.values)
    return None if found is None else found.type


def _upsert(call: Call, session: WriteSession, id: str, tree: Any) -> Response:
    """Create the entity that a URL names; 404 where the service makes the key, or the URL says nothing of it
    (§11.4.4)."""
    steps = call.resource.steps
    casts = [step for step in steps if not isinstance(step, bound.CastStep)]
    last, before = casts[-1], steps[:steps.index(casts[-1])]
    missing = NotFound(reason=f"There is no entity at '{call.request.path[:200]}'")
    type = call.resource.type
    if call.model.has_stream(type) or len(casts) < len(steps) and find(session, tuple(casts), call.values) is not None:
        raise missing       # media entities are posted; an entity of another type keeps its key
    values: dict[str, Any] = {}
    owner: Entity | None = None
    navigation: bound.NavigationStep | None = None
    match last:
        case bound.KeyStep(key, False):
            paths = {part.name: part.path for part in call.model.key(type)}
            members = call.model.properties(type)
            for name, value in key:
                found = value_of(value, call.values, call.model)
                if "/" in paths.get(name, ""):
                    tree = keyed(call, tree, {name: found}, True)
                    continue
                member = members.get(paths.get(name, ""))
                if member is None or vocabularies.computed(call.model, type, member):
                    raise missing
                values[member.name] = found
            _, holder = collection_steps(before)
            navigation = holder if isinstance(holder, bound.NavigationStep) else None
        case bound.NavigationStep(each) if each.contains_target:
            navigation = last
        case bound.SingletonStep():
            pass
        case _:
            raise missing
    if not vocabularies.upsertable(call.model, place(call)):
        raise missing
    parent: Entity | None = None
    if navigation is not None:
        parent, id, owner = parent_of(call, session, steps[:steps.index(navigation)], navigation)
    allow(call, id, "insert", call.request.method, place(call))
    body = alterations.written(call.policy, call.mapping, id, tree, "insert", place(call))
    reader = call.reader
    supplied, tied = frozenset[str](), frozenset[str]()
    if navigation is not None:
        supplied, tied = reader.implied(navigation.owner, navigation.navigation)
    change = reader.read_entity(tree, type, bodies.reading(call, "create"), supplied={*supplied, *values}, bound=tied)
    change = replace(change, values={**change.values, **values}, key={})
    relates = parent is not None and owner is None and navigation is not None
    related = (parent, navigation.navigation) if relates and parent is not None and navigation is not None else None
    if related is not None and isinstance(related[0].layout.relation(related[1].name), Whole):
        related = None
    return answers.created(call, session.create(id, change, owner=owner, parent=related, asked=body.become), change)


# --- delete ----------------------------------------------------------------------------------------------

def delete(call: Call) -> Response:
    """DELETE of an entity with what goes with it (§11.4.5)."""
    id = prepare(call)

    def work(session: WriteSession) -> Response:
        entity = find(session, call.resource.steps, call.values, lock=True)
        check_conditions(call, entity)
        if entity is None:
            raise NotFound(reason=f"There is no entity at '{call.request.path[:200]}'")
        allow(call, id, "delete", "DELETE", place(call))
        singleton = call.model.singletons.get(id)
        if singleton is not None and not singleton.nullable:
            raise MethodNotAllowed(method="DELETE", resource=f"the singleton '{id}'", allow=(
                "GET", "HEAD", "PATCH", "PUT"))
        last = call.resource.steps[-1]
        if isinstance(last, bound.NavigationStep) and last.navigation.nullable is False:
            raise MethodNotAllowed(method="DELETE", resource=f"'{last.navigation.name}', which is required",
                                   allow=("GET", "HEAD", "PATCH", "PUT"))
        session.delete(entity)
        return answers.no_content(call)
    return transact(call, work)


def stored(call: Call, session: WriteSession, steps: Steps) -> Entity:
    """The entity at the end of a path, locked, conditions checked; NotFound where it is not there."""
    entity = find(session, steps, call.values, lock=True)
    check_conditions(call, entity)
    if entity is None:
        raise NotFound(reason=f"There is no entity at '{call.request.path[:200]}'")
    return entity

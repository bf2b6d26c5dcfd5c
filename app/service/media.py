"""Streams: media entities and stream properties, uploaded, downloaded whole or in ranges, removed.

Content goes to and from the store in chunks. Every stream has an ETag and a content type of its own.
Protocol §11.1.3, §11.4.7, §11.4.8; RFC 9110 §14.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

from app.bind import nodes as bound
from app.edm import types, vocabularies
from app.edm.model import NavigationProperty
from app.errors import (BodyError, MethodNotAllowed, NotFound, NotImplementedByService, PreconditionFailed,
                        RangeNotSatisfiable, UnsupportedMediaType)
from app.payload.writer import write_etag
from app.plan import changes as plan
from app.service import answers, bodies, ranges, uploads
from app.service.call import Call
from app.service.conditions import matches
from app.service.entities import Entity
from app.service.finding import Steps, find
from app.service.invoke import entity_behind
from app.service.response import Response
from app.service.session import WriteSession
from app.service.write import (allow, check_collection, check_conditions, collection_steps, parent_of, place, prepare,
                               session_of, transact)
from app.store import streams
from app.store.mapping import KEY_LENGTH, Contained, Whole

OCTETS = "application/octet-stream"


def _spot(call: Call) -> tuple[Steps, str, bound.PropertyStep | None]:
    """The steps of the entity, the name of the stream, and the property that declares it."""
    steps = call.resource.steps
    called = max((index for index, step in enumerate(steps) if isinstance(step, bound.OperationStep)), default=-1)
    at = next((index for index, step in enumerate(steps) if index > called and isinstance(step, bound.PropertyStep)), None)
    if at is None:
        return steps, "$value", None
    last = steps[-1]
    if not isinstance(last, bound.PropertyStep):
        raise NotImplementedByService(feature="This path to a stream")
    return steps[:at], "/".join(step.property.name for step in steps[at:] if isinstance(step, bound.PropertyStep)), last


def _entity(call: Call, session: WriteSession, steps: Steps, lock: bool = False) -> Entity:
    if not lock and any(isinstance(step, bound.OperationStep) for step in steps):
        entity = entity_behind(call, session, steps)
    else:
        entity = find(session, steps, call.values, lock=lock)
    if entity is None:
        raise NotFound(reason=f"There is no entity at '{call.request.path[:200]}'")
    return entity


# --- reading ---------------------------------------------------------------------------------------------

def read(call: Call) -> Response:
    """GET: the content, whole or the range asked for; 204 where there is none."""
    steps, name, step = _spot(call)
    if not any(isinstance(step, bound.OperationStep) for step in steps):
        call.service.planner(call.policy).source(steps)         # whether it may be read at all
    entity = _entity(call, session_of(call), steps)
    assert entity.handle is not None
    found = streams.info(call.store, *entity.handle, name)
    if found is None:
        return Response(204)
    tag = write_etag(found.version)
    headers = {"Content-Type": found.content_type, "ETag": tag, "Accept-Ranges": "bytes",
               "X-Content-Type-Options": "nosniff"}
    disposition = _disposition(call, entity, step)
    if disposition is not None:
        headers["Content-Disposition"] = disposition
    wanted, known = call.request.header("if-match"), call.request.header("if-none-match")
    if wanted is not None and not matches(wanted, tag):
        raise PreconditionFailed(target="If-Match")
    if known is not None and matches(known, tag):
        return Response(304, {"ETag": tag})
    return _content(call, found, headers)


def _content(call: Call, found: streams.StreamInfo, headers: dict[str, str]) -> Response:
    """The content, whole or in the ranges asked for (RFC 9110 §14)."""
    text, condition = call.request.header("range"), call.request.header("if-range")
    spans = None if text is None or condition not in (None, headers["ETag"]) else ranges.spans(text, found.length)
    if spans == []:
        raise RangeNotSatisfiable(length=found.length, target="Range",
                                  headers={"Content-Range": f"bytes */{found.length}", "ETag": headers["ETag"]})

    def read(start: int, end: int) -> Iterator[bytes]:
        return streams.read(call.store, found, start, end)
    status = 200 if spans is None else 206
    if spans is not None and len(spans) > 1:
        boundary = f"ranges_{found.id:x}_{found.version:x}"
        between = ranges.heads(spans, found.content_type, found.length, boundary)
        headers["Content-Type"] = f"multipart/byteranges; boundary={boundary}"
        length, chunks = sum(map(len, between)) + sum(end - start for start, end in spans), ranges.body(spans, between, read)
    else:
        start, end = spans[0] if spans else (0, found.length)
        if spans:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.length}"
        length, chunks = end - start, read(start, end)
    headers["Content-Length"] = str(length)
    if length <= streams.CHUNK:
        return Response(status, headers, b"".join(chunks))
    return Response(status, headers, _opened(chunks))


def _disposition(call: Call, entity: Entity, step: bound.PropertyStep | None) -> str | None:
    """Content-Disposition as Core.ContentDisposition says (RFC 6266); its file name may be a property of the entity."""
    said = vocabularies.content_disposition(call.model, entity.type if step is None else step.owner,
                                            None if step is None else step.property)
    if said is None:
        return None
    kind, name, path = said
    if path is not None:
        value: Any = entity
        for part in path.split("/"):
            value = value[part] if isinstance(value, Entity | dict) and part in value else None
        name = value if isinstance(value, str) else None
    if not name:
        return kind
    plain = re.sub(r'["\\\x00-\x1f]', "_", name.encode("ascii", "replace").decode())
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'{kind}; filename="{plain}"{extended}'


def _opened(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks, the first one read already: an error in it still gets a status."""
    first = next(chunks)

    def rest() -> Iterator[bytes]:
        yield first
        yield from chunks
    return rest()


# --- writing ---------------------------------------------------------------------------------------------

def _media_type(call: Call, owner: str, step: bound.PropertyStep | None) -> str:
    """The content type of an upload. Raises UnsupportedMediaType where Core.AcceptableMediaTypes does not name it."""
    kind = bodies.content_type(call)
    text = call.request.header("content-type") or OCTETS
    model = call.model
    if step is not None:
        accepted = vocabularies.acceptable_media_types(model, vocabularies.member_target(
            model.declaring(step.owner, step.property.name) or step.owner, step.property.name), step.property)
    else:
        element = model.entity_type(owner)
        accepted = () if element is None else vocabularies.acceptable_media_types(model, element.name, element)
    if accepted and kind is not None and not any(_fits(f"{kind.type}/{kind.subtype}", each) for each in accepted):
        raise UnsupportedMediaType(f"'{text[:60]}' is not one of {', '.join(accepted)}", target="Content-Type")
    return text


def _fits(kind: str, pattern: str) -> bool:
    wanted = pattern.partition(";")[0].strip().lower()
    return wanted in (kind, "*/*") or wanted.endswith("/*") and kind.startswith(wanted[:-1])


def _check_stream(call: Call, entity: Entity, name: str) -> None:
    """If-Match and If-None-Match of an upload are about the stream, where there is one already."""
    assert entity.handle is not None
    found = streams.info(call.store, *entity.handle, name)
    tag = None if found is None else write_etag(found.version)
    wanted, known = call.request.header("if-match"), call.request.header("if-none-match")
    if wanted is not None and not matches(wanted, tag) and not matches(wanted, entity.etag):
        raise PreconditionFailed(target="If-Match")
    if known is not None and matches(known, tag):
        raise PreconditionFailed(target="If-None-Match")


def replace_stream(call: Call) -> Response:
    """PUT of a stream property, or of the stream of a media entity: 204, or 200 with the entity where asked for."""
    steps, name, step = _spot(call)
    if step is not None and vocabularies.read_only(call.model, step.owner, step.property):
        raise MethodNotAllowed(f"'{step.property.name}' cannot be written", allow=("GET", "HEAD"))

    def checked(session: WriteSession) -> tuple[Entity, str]:
        entity = _entity(call, session, steps, lock=True)
        allow(call, entity.layout.id, "update", "PUT", place(call))
        kind = _media_type(call, entity.type, step)
        _check_stream(call, entity, name)
        if session.guard is not None:
            session.guard.change("update", entity, (name.partition("/")[0],))
        return entity, kind

    with uploads.received(call, lambda: checked(session_of(call))) as upload:
        def work(session: WriteSession) -> Response:
            entity, kind = checked(session)
            assert entity.handle is not None
            made = upload.become(*entity.handle, name, kind)
            session.log(entity, "stream", [name])
            if step is None and answers.wants_representation(call, False):
                return answers.show(call, entity, call.options)
            return answers.no_content(call, [("ETag", write_etag(made.version))])
        return transact(call, work)


replace_media = replace_stream


def remove_stream(call: Call) -> Response:
    """DELETE of a stream property: it has no content any more (§11.4.8.2)."""
    steps, name, step = _spot(call)
    assert step is not None
    if vocabularies.read_only(call.model, step.owner, step.property):
        raise MethodNotAllowed(f"'{step.property.name}' cannot be written", allow=("GET", "HEAD"))
    if step.property.type.nullable is False:
        raise BodyError(f"'{step.property.name}' cannot be null.", code="nullNotAllowed", target=step.property.name)

    def work(session: WriteSession) -> Response:
        entity = _entity(call, session, steps, lock=True)
        allow(call, entity.layout.id, "update", "DELETE", place(call))
        _check_stream(call, entity, name)
        session.set_stream(entity, name, None)
        return answers.no_content(call)
    return transact(call, work)


def remove_media(call: Call) -> Response:
    """DELETE of a media entity's stream deletes the entity (§11.4.7.3)."""
    steps, _, _ = _spot(call)

    def work(session: WriteSession) -> Response:
        entity = _entity(call, session, steps, lock=True)
        check_conditions(call, entity)
        allow(call, entity.layout.id, "delete", "DELETE", place(call))
        session.delete(entity)
        return answers.no_content(call)
    return transact(call, work)


def _key(call: Call, session: WriteSession, id: str, type: str) -> dict[str, Any]:
    """The key of an entity posted as nothing but content: what `Slug` wishes where that is free, else the next number; text
    and Guids are made as for any entity (§11.4.7.1; RFC 5023 §9.7)."""
    found: dict[str, Any] = {}
    layout = session.catalogue.layout(id, type)
    wish = unquote(call.request.header("slug") or "").strip()
    for name, path in layout.key_paths:
        place = layout.places.get(path)
        if place is None or layout.computed(path):
            continue
        (column,) = layout.columns(path, None)
        if place.type in types.INTEGERS:
            found[path] = session.numbers.next(layout.table, column)
        elif place.type == "Edm.String" and len(layout.key_paths) == 1 and wish and len(wish) <= (
                place.property.type.max_length if isinstance(place.property.type.max_length, int) else KEY_LENGTH):
            if session.by_key(id, {name: wish}) is None:
                found[path] = wish
    return found


def create(call: Call) -> Response:
    """POST of any content to a set of media entities: an entity with that stream (§11.4.7.1)."""
    before, last = collection_steps(call.resource.steps)
    type = call.resource.type
    reader = call.reader
    keys = frozenset(part.path for part in call.model.key(type))
    values = reader.complete_entity(plan.Change(type, "create", supplied=keys))
    prepare(call)

    def home(session: WriteSession) -> tuple[str, Entity | None, tuple[Entity, NavigationProperty] | None, str]:
        owner: Entity | None = None
        related = None
        if isinstance(last, bound.SetStep):
            id = last.set.name
            allow(call, id, "insert", "POST", place(call))
            check_collection(call, None)
        else:
            assert isinstance(last, bound.NavigationStep)
            parent, id, owner = parent_of(call, session, before, last)
            check_collection(call, parent)
            if not isinstance(parent.layout.relation(last.navigation.name), Contained | Whole):
                related = parent, last.navigation
        return id, owner, related, _media_type(call, type, None)

    with uploads.received(call, lambda: home(session_of(call))) as upload:
        def work(session: WriteSession) -> Response:
            id, owner, related, kind = home(session)
            change = plan.Change(type, "create", {**values, **_key(call, session, id, type)})
            entity = session.create(id, change, owner=owner, parent=related)
            assert entity.handle is not None
            upload.become(*entity.handle, "$value", kind)
            return answers.created(call, entity)
        return transact(call, work)

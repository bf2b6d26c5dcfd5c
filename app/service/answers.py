"""Answers of changes: the entity as a later GET would show it, its URLs, and what `Prefer: return` makes of it.

Compiled reads of single rows are kept per service, so that a create costs one prepared statement more. Protocol
§8.2.8.7, §9.1.2, §9.1.4, §11.4.1.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app import url
from app.bind import bind_options
from app.bind import nodes as bound
from app.edm import vocabularies
from app.edm.index import Model
from app.payload import context
from app.payload.values import dumps
from app.plan import changes as plan
from app.payload.writer import uri
from app.service import readback
from app.service.call import Call
from app.service.entities import Entity
from app.service.paths import collection_of, path_of
from app.service.read import compile_read, context_member
from app.service.response import Response
from app.service.wishes import require_json
from app.store.mapping import Table

NESTING = (dict, list, plan.Links)
CONDITIONS = ("if-match", "if-none-match")
CONTENT_ID = "@Org.OData.Core.V1.ContentID"


# --- what the client wants back --------------------------------------------------------------------------

def wants_representation(call: Call, default: bool) -> bool:
    """Whether the answer shows what was changed: the preference, else options that shape it, else the default."""
    wished = call.wishes.returns
    if wished is not None:
        return wished == "representation"
    return default or call.options.select is not None or bool(call.options.expand)


def applied(call: Call) -> dict[str, str]:
    """Preference-Applied for a `return` preference."""
    wished = call.wishes.returns
    return {} if wished is None else {"Preference-Applied": f"{call.wishes.spelled['return']}={wished}"}


# --- entities ------------------------------------------------------------------------------------------

def edit_url(call: Call, entity: Entity) -> str:
    """The absolute edit URL: with a cast where the entity's type derives from the declared one (JSON Format §4.5.9)."""
    cast = f"/{entity.type}" if entity.type != entity.layout.table.type else ""
    return call.request.root + path_of(entity) + uri(cast)


def show(call: Call, entity: Entity, options: bound.Options, status: int = 200, change: plan.Change | None = None
         ) -> Response:
    """The entity in the form of a GET, read in the transaction at hand; `change`: what the body said of it."""
    table = entity.layout.table
    if not call.policy.readable(table.id):
        return no_content(call)
    require_json(call.wishes, call.service.settings.strict)
    base = collection_of(entity)
    assert entity.row_id is not None
    shown = readback.entity(call, table.id, entity.row_id, base=base if table.owner is not None else "",
                            options=readback.shaped(options))
    if shown is None:
        return no_content(call)
    if change is not None and call.wishes.format.metadata != "none":
        echo(shown.body, change)
    fragment = context.entities(base, entity.type, table.type, options, call.wishes.version, single=True, cast=False,
                                source=True, singleton=table.singleton)
    headers = {"Content-Type": call.wishes.format.content_type, **applied(call)}
    if shown.etag is not None:
        headers["ETag"] = shown.etag
    return Response(status, headers, dumps({**context_member(call, fragment), **shown.body}))


def created(call: Call, entity: Entity, change: plan.Change | None = None) -> Response:
    """201 with the entity, or 204 for `return=minimal` (Protocol §11.4.2)."""
    location = {"Location": edit_url(call, entity)}
    if not wants_representation(call, True):
        return Response(204, {**location, "OData-EntityId": call.request.root + path_of(entity), **applied(call)})
    response = show(call, entity, as_sent(call, entity, change), 201, change)
    response.headers.update(location)
    return response


def as_sent(call: Call, entity: Entity, change: plan.Change | None) -> bound.Options:
    """The options of the request, or those that expand what its body nests (Protocol §11.4.2.2, §11.4.3.1)."""
    options = call.options
    text = nested([change]) if change is not None and not options.expand and options.select is None else ""
    return expanded(call, entity.layout.table, entity.type, text) if text else options


def nested(changes: Sequence[plan.Change], model: Model | None = None) -> str:
    """The `$expand` that shows the entities nested in a body, as deep as they were sent (Protocol §11.4.2.2); with a `model`
    every nested collection, whatever it holds (§11.4.12, §11.4.13)."""
    found: dict[str, list[plan.Change]] = {}
    whole = set()
    for change in changes:
        for name, links in change.links.items():
            found.setdefault(name, []).extend(each for each in links.targets if isinstance(each, plan.Change))
            if model is not None and links.mode != "add" and model.navigations(change.type)[name].collection:
                whole.add(name)
        _inside(change.values, "", found)
    parts = []
    for path, inner in found.items():
        if inner or path in whole:
            below = nested(inner, model)
            parts.append(f"{path}($expand={below})" if below else path)
    return ",".join(parts)


def _inside(value: Any, path: str, found: dict[str, list[plan.Change]]) -> None:
    """The entities nested in complex values, by the paths to them."""
    if isinstance(value, list):
        for item in value:
            _inside(item, path, found)
    elif isinstance(value, dict):
        given = value.get(plan.TYPE)
        cast = f"/{given.rpartition('#')[2]}" if isinstance(given, str) else ""
        for name, each in value.items():
            if each.__class__ not in NESTING:
                continue
            if name.endswith(plan.BIND) and isinstance(each, plan.Links):
                inner = [target for target in each.targets if isinstance(target, plan.Change)]
                if inner:
                    found.setdefault(f"{path}{cast}/{name.removesuffix(plan.BIND)}", []).extend(inner)
            elif isinstance(each, (dict, list)):
                _inside(each, f"{path}{cast}/{name}" if path else name, found)


def echo(shown: dict[str, Any], change: plan.Change) -> None:
    """Core.ContentID of each entity that the body gave one (Protocol §11.4.2.2): nested ones are told by their keys, those
    whose keys the service made by their order, in which they come last."""
    if change.content_id is not None:
        shown[CONTENT_ID] = change.content_id
    for name, links in change.links.items():
        found = shown.get(name)
        left = [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, dict)]
        targets = [each for each in links.targets if isinstance(each, plan.Change) and each.removed is None]
        unnamed = []
        for target in targets:
            like = next((each for each in left if target.key and all(
                str(each.get(key)) == str(value) for key, value in target.key.items())), None)
            if like is None:
                unnamed.append(target)
            else:
                left.remove(like)
                echo(like, target)
        for each, target in zip(left[len(left) - len(unnamed):], unnamed, strict=False):
            echo(each, target)


def expanded(call: Call, table: Table, type: str, text: str) -> bound.Options:
    """The options `$expand=text` over entities of one type."""
    known = {*call.model.navigations(table.type), *call.model.properties(table.type)}
    text = ",".join(part if part.partition("(")[0].partition("/")[0] in known else f"{type}/{part}"
                    for part in _split(text))
    resource = bound.Resource("entity", (), "", table.type, table.type, False, table.id)
    return bind_options(url.parse_options(f"$expand={text}"), resource, call.model, "GET")


def _split(text: str) -> list[str]:
    """Items of a list whose commas inside parentheses do not count."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and not depth:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


def updated(call: Call, entity: Entity, knows_state: bool, change: plan.Change | None = None) -> Response:
    """200 with the entity or 204; the ETag on a 204 only where the client can know the stored state (Protocol
    §9.1.4)."""
    default = vocabularies.update_returns(call.model) == "representation"
    if wants_representation(call, default):
        return show(call, entity, as_sent(call, entity, change), change=change)
    headers = {"OData-EntityId": call.request.root + path_of(entity), **applied(call)}
    if knows_state and entity.etag is not None:
        headers["ETag"] = entity.etag
    return Response(204, headers)


# --- values and other resources --------------------------------------------------------------------------

def reread(call: Call) -> Response:
    """What a GET of the same URL answers now."""
    headers = {name: value for name, value in call.request.headers.items() if name not in CONDITIONS}
    again = replace(call, request=replace(call.request, method="GET", headers=headers, body=None))
    response = compile_read(again)(again)
    response.headers.update(applied(call))
    return response


def no_content(call: Call, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """204 without a body; `return=representation` is not applied by it, and neither is by DELETE (Protocol §8.2.8.7)."""
    minimal = call.wishes.returns == "minimal" and call.request.method != "DELETE"
    return Response(204, {**dict(headers), **(applied(call) if minimal else {})})

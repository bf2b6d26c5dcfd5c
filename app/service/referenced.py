"""Values of earlier answers in a batch: `$id` and `$id/path` in queries and conditions, `$id/$succeeded` in conditions.

They become literals, so that whatever an expression can be they can be part of. What a value is, the context of the answer
tells; where it does not, its JSON. Protocol §11.7.6; JSON Format §19.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_plus

from app import bind
from app.bind import nodes as bound
from app.edm import Model
from app.edm.model import TypeRef
from app.errors import BodyError, FailedDependency, ODataError
from app.payload.batch import PartAnswer
from app.service import results
from app.service.availability import roots
from app.url.context import parse_context

if TYPE_CHECKING:
    from app.service.call import Call

Answers = Mapping[str, PartAnswer]
REFERENCE = re.compile(r"'(?:[^']|'')*'|(?<![\w$@])\$([A-Za-z0-9\-._~]+)((?:/[^\s/(),:;&'\"\]}]+)*)(?![=\w])")
OWN = frozenset({"it", "root", "this", "count", "ref", "value", "all", "crossjoin", "entity"})     # which win (§11.7.6)
BARE = frozenset({"Edm.Guid", "Edm.Date", "Edm.DateTimeOffset", "Edm.TimeOfDay", "Edm.Decimal", "Edm.Int64", "Edm.Double",
                  "Edm.Single"})        # JSON strings that literals write without quotes
PREFIXED = {"Edm.Duration": "duration", "Edm.Binary": "binary"}


@dataclass(frozen=True, slots=True)
class Found:
    """A value of an answer and its type, None where nothing tells it."""

    value: Any
    type: TypeRef | None = None


def holds(call: Call, condition: str, answers: Answers) -> bool:
    """Whether a condition is true after these answers, by request id. Raises FailedDependency for one that cannot be
    decided from them."""
    def succeeded(id: str, path: str) -> str:
        answer = answers.get(id)
        if answer is None:
            raise FailedDependency(f"The condition asks for '${id[:60]}', which names no request before", target="if")
        return str(answer.succeeded).lower() if path == "$succeeded" else literal(value_of(answer, path, call.model), call.model)

    try:
        asked = bind.bind_filter(_replaced(condition, succeeded), "Edm.Boolean", call.model)
        if any(roots(asked)):
            raise BodyError("it asks for more than the answers")
        only = results.Value([True], TypeRef("Edm.Boolean", True))
        return bool(results.positions(call, only, (bound.FilterStep(asked),)))
    except FailedDependency:
        raise
    except ODataError as error:
        raise FailedDependency(f"The condition cannot be decided: {error.text}", target="if") from None


def in_query(query: str, answers: Answers, model: Model) -> str:
    """A query with values in the place of references to answers. Raises FailedDependency for those of failed requests."""
    if not answers or "$" not in query and "%24" not in query:
        return query

    def known(id: str, path: str) -> str | None:
        answer = answers.get(id)
        if answer is None or id.lower() in OWN:
            return None
        if not answer.succeeded:
            raise FailedDependency(name=id)
        return literal(value_of(answer, path, model), model)

    def option(text: str) -> str:
        name, equals, value = text.partition("=")
        if name.lower() in ("$id", "%24id"):
            return text
        given = unquote_plus(value)
        made = _replaced(given, known)
        return text if made == given else name + equals + quote(made, safe="")
    return "&".join(map(option, query.split("&")))


def _replaced(text: str, value: Any) -> str:
    """An expression with `value(id, path)` in the place of each reference; None leaves it as it is."""
    def one(found: re.Match[str]) -> str:
        made = None if found[1] is None else value(found[1], found[2].removeprefix("/"))
        return found[0] if made is None else str(made)
    return REFERENCE.sub(one, text)


# --- values ----------------------------------------------------------------------------------------------

def value_of(answer: PartAnswer, path: str, model: Model) -> Found:
    """What a path leads to in the body of an answer; null where there is nothing."""
    if not isinstance(answer.body, bytes) or not answer.body:
        return Found(None)
    if not answer.headers.get("Content-Type", "").startswith("application/json"):
        text = answer.body.decode("utf-8", "replace")
        return Found(Decimal(text) if re.fullmatch(r"-?[0-9]+", text) else text)
    body = json.loads(answer.body, parse_float=Decimal, parse_int=Decimal)
    context = next((body[name] for name in ("@odata.context", "@context") if name in body), "")
    found = Found(body, _type(context.partition("#")[2], model))
    steps = path.split("/") if path else []
    single = found.type is not None and not found.type.collection and model.kind(found.type.name) in ("entity", "complex")
    if "value" in body and not single and steps[:1] != ["value"]:
        found = Found(body["value"], found.type)
    for step in steps:
        found = _step(found, step, model)
    return found


def _type(fragment: str, model: Model) -> TypeRef | None:
    """What a context says about the body."""
    try:
        context = parse_context(fragment)
    except ODataError:
        return None
    found: TypeRef | None = None
    for at, step in enumerate(context.path):
        source = model.source_of(step.name) if not at else None
        if source is not None:
            single = step.name in model.singletons or step.arguments is not None or context.suffix == "$entity"
            found = TypeRef(source.type, collection=not single)
        elif "." in step.name:
            found = TypeRef(model.full(step.name), collection=found.collection if found else context.collection)
        elif found is not None:
            found = _member(found, step.name, model)
    return found


def _member(ref: TypeRef, name: str, model: Model) -> TypeRef | None:
    if model.kind(ref.name) not in ("entity", "complex"):
        return None
    declared = model.properties(ref.name).get(name)
    if declared is not None:
        return model.underlying(declared.type)
    navigation = model.navigations(ref.name).get(name) if model.kind(ref.name) == "entity" else None
    return None if navigation is None else TypeRef(navigation.type, collection=navigation.collection)


def _step(found: Found, step: str, model: Model) -> Found:
    value, ref = found.value, found.type
    if isinstance(value, list):
        if step == "$count":
            return Found(Decimal(len(value)))
        inside = re.fullmatch(r"-?[0-9]{1,18}", step) and -len(value) <= int(step) < len(value)
        return Found(value[int(step)], TypeRef(ref.name) if ref else None) if inside else Found(None)
    if not isinstance(value, dict):
        return Found(None)
    named = value.get("@odata.type", value.get("@type"))
    if isinstance(named, str) and model.structured(named.removeprefix("#")) is not None:
        ref = TypeRef(named.removeprefix("#"))
    return Found(value.get(step), _member(ref, step, model) if ref is not None else None)


def literal(found: Found, model: Model) -> str:
    """A value as a literal of an expression. Raises BodyError where there is none for it."""
    value, type = found.value, found.type.name if found.type is not None else ""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        ref = TypeRef(type) if type else None
        return "(" + ",".join(literal(Found(each, ref), model) for each in value) + ")"
    if not isinstance(value, str):
        raise BodyError("A reference to an object is no value of an expression", code="unknownReference")
    quoted = "'" + value.replace("'", "''") + "'"
    if type in BARE:
        return value
    return (type if model.kind(type) == "enum" else PREFIXED.get(type, "")) + quoted

"""Values that operations give: complex and primitive ones, or collections of them, which are in no table.

A path behind the operation is walked in the value; `$filter`, `$orderby` and `$compute` are left to SQL, which gets the
collection as a document and tells positions. Protocol §11.5.4.1; JSON Format §11, §12; URL Conventions §4.5, §4.9, §4.12.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from app import sql
from app.bind import nodes as bound
from app.edm.model import TypeRef
from app.errors import NotFound, NotImplementedByService, OptionNotAllowed
from app.payload import context
from app.payload.documents import DocumentWriter
from app.payload.schemas import Reading
from app.payload.values import DEDUCIBLE, dumps
from app.plan.changes import TYPE
from app.plan.nested import grow, primitive, sort_keys
from app.plan.nodes import Items, Output, Source, ValueQuery
from app.service import items, read
from app.service.call import Call
from app.service.finding import Steps
from app.service.response import Response
from app.service.selections import Selection
from app.service.session import WriteSession
from app.service.values import paged, raw_value

EVALUATED = frozenset({"select", "filter", "search", "orderby", "compute", "top", "skip", "count", "skiptoken"})
OF_MANY = ("filter", "search", "orderby", "top", "skip", "count")
ABSTRACT = frozenset({"Edm.Untyped", "Edm.PrimitiveType", "Edm.ComplexType"})


@dataclass(frozen=True, slots=True)
class Value:
    """A value in canonical form, enumerations as names, and its type."""

    value: Any
    ref: TypeRef


def canonical(session: WriteSession, ref: TypeRef, result: Any) -> Value:
    """What a Python function gave, checked against the declared type. Raises ValidationError, ValueError."""
    if isinstance(result, Selection):
        result = list(result)
    reading = Reading("create", trusted=True, quoted=True, cut=True)
    checked = session.reader.schemas.typed(replace(ref, nullable=True), reading)(result)
    return Value(session.catalogue.enums.named(_completed(session, checked, ref.name), ref.name), ref)


def _completed(session: WriteSession, value: Any, type: str) -> Any:
    if session.model.kind(type) != "complex":
        return value
    if isinstance(value, list):
        return [_completed(session, item, type) for item in value]
    return session.reader.schemas.complete(type, value) if isinstance(value, dict) else value


# --- paths -----------------------------------------------------------------------------------------------

def along(call: Call, start: Value, steps: Steps) -> Value:
    """What a path leads to in a value. Raises NotFound where there is nothing, NotImplementedByService for a link."""
    found = start
    for step in steps:
        found = _step(call, found, step)
    return found


def _step(call: Call, found: Value, step: bound.PathStep) -> Value:
    value, ref = found.value, found.ref
    match step:
        case bound.CastStep(type) if ref.collection:
            return Value([item for item in value if _is(call, item, ref.name, type)], replace(ref, name=type))
        case bound.CastStep(type):
            if value is not None and not _is(call, value, ref.name, type):
                raise NotFound(reason=f"The value is not of type {type}")
            return Value(value, replace(ref, name=type))
        case bound.FilterStep(predicate):
            query = _query(call, found, bound.Options(filter=predicate))
            return Value([value[row[0]] for row in _rows(call, query)], ref)
        case bound.OrdinalStep(index):
            at = read.amount(call, index) or 0
            if not isinstance(value, list) or not -len(value) <= at < len(value):
                raise NotFound(reason=f"There is no item {at}")
            return Value(value[at], replace(ref, collection=False))
        case bound.PropertyStep(property):
            if not isinstance(value, dict):
                raise NotFound(reason=f"'{property.name}' is part of a value that is null, or that has no members")
            return Value(value.get(property.name), call.model.underlying(property.type))
        case bound.DynamicStep(name):
            if not isinstance(value, dict):
                raise NotFound(reason=f"'{name}' is part of a value that is null, or that has no members")
            return Value(value.get(name), TypeRef("Edm.Untyped"))
    raise NotImplementedByService(feature="This path behind a function whose result is no entity")


def positions(call: Call, found: Value, steps: Steps) -> set[int]:
    """The positions of the items of a collection that filters and casts leave."""
    left = set(range(len(found.value)))
    for step in steps:
        if isinstance(step, bound.FilterStep):
            left &= {row[0] for row in _rows(call, _query(call, found, bound.Options(filter=step.predicate)))}
        elif isinstance(step, bound.CastStep):
            left = {at for at in left if _is(call, found.value[at], found.ref.name, step.type)}
    return left


def _is(call: Call, value: Any, declared: str, type: str) -> bool:
    given = value.get(TYPE) if isinstance(value, dict) else None
    return value is not None and call.model.is_a(call.model.full(given.removeprefix("#")) if given else declared, type)


def computed(call: Call, expression: bound.Expression) -> Any:
    """The value of an expression that is about no instance, canonical."""
    query = ValueQuery("[0]", "Edm.Int32", outputs=(Output(expression=expression, type=getattr(expression, "type")),),
                       grants=call.service.planner(call.policy).grants)
    statement = sql.compile_values(query, call.mapping, call.store.dialect)
    (_, value), = sql.fetch(call.store, statement, call.service.values(call))
    read = sql.readers(statement, call.store.dialect)[1]
    return value if value is None or read is None else read(value)


# --- options ---------------------------------------------------------------------------------------------

def _query(call: Call, found: Value, options: bound.Options) -> ValueQuery:
    """The query of the items (of a single value as the only item) that options ask for."""
    listed = found.value if found.ref.collection else [found.value]
    computed = tuple(Output(expression=each.expression, type=each.type) for each in primitive(options, call.model))
    return ValueQuery(_document(call, listed, found.ref.name), found.ref.name, options.filter,
                      tuple(order for item in options.orderby for order in sort_keys(item)), options.compute, computed,
                      call.service.planner(call.policy).grants)


def _document(call: Call, value: Any, type: str) -> str:
    text = call.service.catalogue.documents.encode(value, type)
    assert text is not None
    return text


def _rows(call: Call, query: ValueQuery) -> Sequence[Sequence[Any]]:
    statement = sql.compile_values(query, call.mapping, call.store.dialect)
    return sql.fetch(call.store, statement, call.service.values(call))


def _check(call: Call, ref: TypeRef) -> None:
    """Refuse the options that do not apply to such a value, or that nothing here evaluates."""
    options = call.options
    for each in fields(options):
        given = getattr(options, each.name) not in (None, (), False)
        if given and each.name not in EVALUATED:
            raise NotImplementedByService(feature=f"${each.name} on the result of this operation", target=f"${each.name}")
        if given and each.name in OF_MANY and not ref.collection:
            raise OptionNotAllowed(name=f"${each.name}", resource="a single value", target=f"${each.name}")


def _selection(options: bound.Options) -> dict[str, Any] | None:
    """What `$select` leaves of a value; None: all of it."""
    if options.select is None or any(item.path == ("*",) for item in options.select):
        return None
    tree: dict[str, Any] = {}
    for item in options.select:
        if item.options is not None and any(getattr(item.options, each.name) not in (None, (), False)
                                            for each in fields(item.options) if each.name != "select"):
            raise NotImplementedByService(feature="Options inside $select of the result of this operation", target="$select")
        if item.kind != "computed":
            grow(tree, item.path, item.options)
    return tree


def _chosen(call: Call, found: Value, written: Any) -> Any:
    """The written value as the options leave it, with what `$compute` adds."""
    options = call.options
    items_ = written if found.ref.collection else [written]
    if options.filter is not None or options.orderby or options.compute:
        query = _query(call, found, options)
        statement = sql.compile_values(query, call.mapping, call.store.dialect)
        readers = sql.readers(statement, call.store.dialect)[1:]
        values = items.Values(call.model, call.wishes.format)
        puts = [values.member(each.name, each.type, convert)
                for each, convert in zip(primitive(options, call.model), readers, strict=True)]
        chosen = []
        for position, *computed in sql.fetch(call.store, statement, call.service.values(call)):
            item = items_[position]
            for put, value in zip(puts, computed, strict=True):
                if isinstance(item, dict):
                    put(item, value)
            chosen.append((position, item))
    else:
        chosen = list(enumerate(items_))
    if options.search is not None:
        texts = found.ref.name == "Edm.String"
        chosen = [(at, item) for at, item in chosen if items.matches(options.search, items.texts(
            found.value[at] if texts else _document(call, found.value[at], found.ref.name), not texts))]
    left = [item for _, item in chosen]
    return left if found.ref.collection else left[0]


def _applied(call: Call, found: Value) -> Response:
    """What `$apply` makes of the items of a collection."""
    from app.service.applied import Applied, shape
    ref, options = found.ref, shape(call.options)
    if options.expand:
        raise NotImplementedByService(feature="$expand on the result of this operation", target="$expand")
    document = _document(call, found.value, ref.name)
    source = Source("", ref.name, grants=call.service.planner(call.policy).grants)
    applied = Applied(call, source, Items(ref.name, document=document), call.options)
    write = DocumentWriter(call.model, call.wishes.format).writer(ref.name, True, _selection(options), opened=True)
    fragment = context.values(ref.name, True, call.options, call.wishes.version)
    return applied.result(call, fragment, lambda: write(document))


# --- answers ---------------------------------------------------------------------------------------------

def written(call: Call, found: Value) -> Any:
    """A value in the form of the answer, `$select` applied."""
    writer = DocumentWriter(call.model, call.wishes.format).writer(
        found.ref.name, found.ref.collection, _selection(call.options), opened=True)
    return writer(_document(call, found.value, found.ref.name))


def answer(call: Call, start: Value, steps: Steps, wrapped: bool = False) -> Response:
    """The answer that shows a value, or what a path leads to in it; `wrapped`: each member of a collection as an object."""
    found = along(call, start, steps)
    value, ref, suffix = found.value, found.ref, call.resource.suffix
    if value is None and not ref.collection:
        return Response(204)
    if call.options.apply is not None:
        return _applied(call, found)
    _check(call, ref)
    format = replace(call.wishes.format, ieee754=True) if suffix == "$value" else call.wishes.format
    writer = DocumentWriter(call.model, format).writer(ref.name, ref.collection, _selection(call.options), opened=True)
    written = _chosen(call, found, writer(_document(call, value, ref.name)))
    if suffix == "$count":
        if not ref.collection:
            raise NotFound(reason="$count applies to collections")
        return Response(200, {"Content-Type": "text/plain"}, str(len(written)).encode("ascii"))
    if suffix == "$value":
        return raw_value(call, written, {})
    body: dict[str, Any] = read.context_member(call, context.values(ref.name, ref.collection, call.options, call.wishes.version))
    telling = call.model.kind(ref.name) == "enum" or ref.name.startswith("Edm.") and ref.name not in ABSTRACT
    if telling and format.metadata == "full" and not wrapped and (ref.collection or ref.name not in DEDUCIBLE):
        body[format.control("type")] = format.type_name(ref.name, ref.collection)
    if not ref.collection:
        geo = ref.name.startswith("Edm.Geo")
        body.update(written if isinstance(written, dict) and not geo else {"value": written})
    else:
        written = [{"value": each} for each in written] if wrapped else written
        page = read.page_of(call) if call.request.method in ("GET", "HEAD") else 0      # an action is not invoked for each page
        return paged(call, call.options, written, page, body, {"Content-Type": format.content_type})
    return Response(200, {"Content-Type": format.content_type}, dumps(body))

"""Answers about properties: primitive, complex, collections of values, dynamic ones, items, raw values, counts.

A property is read like a selected one: what the request asks of it becomes nested options of a `$select`, so both ways
answer alike; then the path is walked in the one object that comes back. Protocol §11.2.4; URL Conventions §4.6 to §4.12.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app import sql
from app.bind import nodes as bound
from app.edm import geo, types, vocabularies
from app.edm.model import TypeRef
from app.errors import InvalidToken, NotFound, NotImplementedByService, OptionNotAllowed
from app.payload import context
from app.payload.omission import Omission
from app.payload.values import dumps
from app.plan import Source
from app.service import read
from app.service.addresses import contained_base
from app.service.call import Call
from app.service.response import Response
from app.service.rows import Node, Run
from app.service.wishes import require

Steps = tuple[bound.PathStep, ...]
LIST = ("filter", "search", "orderby", "top", "skip", "count")


def select_item(steps: Steps, options: bound.Options) -> bound.SelectItem:
    """The steps behind an entity as a selected path whose nested options are `options`; predicates on the way become
    filters of the collection that they follow."""
    path: list[str] = []
    predicates: list[bound.Expression] = []
    kind, type, many = "property", "", False
    for index, step in enumerate(steps):
        match step:
            case bound.PropertyStep(declared):
                if predicates:
                    options = bound.Options(select=(select_item(steps[index:], options),))
                    break
                path.append(declared.name)
                type, many = declared.type.name, declared.type.collection
            case bound.DynamicStep(name):
                path.append(name)
                kind, type, many = "dynamic", "Edm.Untyped", False
            case bound.CastStep(cast) if many:
                predicates.append(bound.IsOf(bound.This(type), cast))
            case bound.CastStep(cast):
                path.append(cast)
            case bound.FilterStep(predicate):
                predicates.append(predicate)
            case bound.OrdinalStep():
                many = False
            case _:
                raise NotImplementedByService(feature="This path behind a property")
    if options.filter is not None:
        predicates.append(options.filter)
    found = None if not predicates else predicates[0] if len(predicates) == 1 else bound.Logic("and", tuple(predicates))
    return bound.SelectItem(tuple(path), kind, replace(options, filter=found))


def expanded(steps: Steps, options: bound.Options) -> tuple[bound.ExpandItem, ...]:
    """The items of `$expand` on a complex value as items on its entity."""
    path = tuple(step.type if isinstance(step, bound.CastStep) else name_of(step) for step in steps
                 if isinstance(step, bound.PropertyStep | bound.CastStep))
    return tuple(replace(item, path=(*path, *item.path)) for item in options.expand)


class PropertyAnswer:
    """A structural property of one entity, whole, in part or raw, at any depth."""

    def __init__(self, call: Call, source: Source, steps: Steps) -> None:
        self.source, self.steps, self.options = source, steps, call.options
        self.raw = call.resource.suffix == "$value"
        self.listed = any(getattr(self.options, name) not in (None, (), False) for name in LIST)
        inner = replace(self.options, expand=(), top=None, skip=None, count=False, skiptoken=None)
        options = bound.Options(select=(select_item(steps, inner),), expand=expanded(steps, self.options))
        form = replace(call.wishes.format, omit="")
        if self.raw:
            form = replace(form, metadata="minimal", ieee754=True)
        self.bare = form.metadata == "none" and any(isinstance(step, bound.CastStep | bound.DynamicStep) for step in steps)
        if self.bare:                       # the test of a cast, or of a Geo value, needs the types that the answer leaves out
            form = replace(form, metadata="minimal")
        self.page = read.page_of(call)
        self.cast = self._cast(call)
        planner = call.service.planner(call.policy, call.wishes.page_size)
        self.node = Node(call.sight, planner.read(source, options, collection=False), form, call.request.root,
                         opened=frozenset({name_of(steps[0])}))

    def _cast(self, call: Call) -> tuple[str, ...]:
        """The cast segment in front of a property that the declared type of the entity does not have."""
        first, declared = self.steps[0], call.mapping.declared_type(self.source.table)
        if not isinstance(first, bound.PropertyStep) or first.property.name in call.model.properties(declared):
            return ()
        return (self.source.type,)

    def __call__(self, call: Call) -> Response:
        if not self.node.several:
            return self.answer(call)
        with call.store.read():             # several statements, one view of the data
            return self.answer(call)

    def answer(self, call: Call) -> Response:
        """The answer, inside the view of the data that it is to show."""
        run = Run(call.service.values(call), call.syntax.options)
        rows = sql.fetch(call.store, self.node.statement, run.values)
        if not rows:
            raise NotFound(reason=read.describe(call, self.source))
        tag = self.node.writer.etag(rows[0])
        headers = {"ETag": tag} if tag is not None else {}
        if tag is not None:
            fresh = read.conditional(call, tag, not self.options.expand)
            if fresh is not None:
                return fresh
        base = contained_base(call) if self.node.writer.needs_base else ""
        value, annotation = self.walk(call, self.node.objects(rows[:1], run, base)[0])
        if call.wishes.format.omit:         # what is addressed itself stays
            Omission(call.model, call.wishes.format).values(value, call.resource.type)
        if self.bare:
            value = without_control(value)
        if call.resource.suffix == "$count":
            if not isinstance(value, list):
                raise NotFound(reason="$count applies to collections")
            return Response(200, {"Content-Type": "text/plain"}, str(len(value)).encode("ascii"))
        if value is None:
            return Response(204, headers)
        if self.raw:
            return raw_value(call, value, headers)
        headers["Content-Type"] = call.wishes.format.content_type
        body: dict[str, Any] = read.context_member(call, self.fragment(call, self.node.writer.path(rows[0], base)))
        if isinstance(value, dict) and not is_geo(call, annotation):
            body.update(value)
            return Response(200, headers, dumps(body))
        if annotation is not None and call.wishes.format.metadata != "none":
            body[call.wishes.format.control("type")] = annotation
        if isinstance(value, list):
            return paged(call, self.options, value, self.page, body, headers)
        if self.listed or call.skiptoken() is not None:
            name = call.syntax.options.texts[0][0]
            raise OptionNotAllowed(name=name, resource="a single value", target=name)
        body["value"] = value
        return Response(200, headers, dumps(body))

    def fragment(self, call: Call, entity: str) -> str:
        """The context URL behind '#': the path of the property below the canonical URL of its entity; the type of an item
        of a collection and of what is in one, for which there is no such form (Protocol §10.13 to §10.15)."""
        listed = context.select_list(call.options, call.wishes.version)
        if any(isinstance(step, bound.OrdinalStep) for step in self.steps):
            type = call.resource.type
            return (f"Collection({type})" if call.resource.collection else type) + listed
        return "/".join([entity, *self.cast, *filter(None, map(segment_of, self.steps))]) + listed

    def walk(self, call: Call, value: Any) -> tuple[Any, str | None]:
        """The value at the end of the path, and its type annotation when it is dynamic."""
        annotation, declared = None, ""
        for step in self.steps:
            match step:
                case bound.PropertyStep() | bound.DynamicStep():
                    name = name_of(step)
                    if not isinstance(value, dict):
                        raise NotFound(reason=f"'{name}' is part of a value that is null, or that has no members")
                    if isinstance(step, bound.DynamicStep) and name not in value:
                        return None, None
                    annotation = value.get(call.wishes.format.control("type", name))
                    value = value.get(name)
                    declared = step.property.type.name if isinstance(step, bound.PropertyStep) else ""
                case bound.OrdinalStep(index):
                    at = read.amount(call, index) or 0
                    if not isinstance(value, list) or not -len(value) <= at < len(value):
                        raise NotFound(reason=f"There is no item {at}")
                    value = value[at]
                    annotation = annotation and annotation.replace("Collection(", "").rstrip(")")
                case bound.CastStep(type) if not isinstance(value, list):
                    given = value.get(call.wishes.format.control("type")) if isinstance(value, dict) else None
                    actual = call.model.full(given.removeprefix("#") if given else declared)
                    if value is not None and not call.model.is_a(actual, type):
                        raise NotFound(reason=f"The value is not of type {type}")
        return value, annotation


def name_of(step: bound.PathStep) -> str:
    """The member name of a step; '' for other steps."""
    return step.property.name if isinstance(step, bound.PropertyStep) else str(getattr(step, "name", ""))


def segment_of(step: bound.PathStep) -> str:
    """A step of a property path as a context URL writes it; '' for those that it leaves out."""
    return step.type if isinstance(step, bound.CastStep) else name_of(step)


def is_geo(call: Call, annotation: str | None) -> bool:
    """Whether the value of a path is a Geo value, by what the model or the value itself says: an object that is primitive."""
    type = call.resource.type if annotation is None else "Edm." + annotation.lstrip("#")
    return call.model.underlying(TypeRef(type)).name.startswith("Edm.Geo")


def without_control(value: Any) -> Any:
    """A value without the control information in it."""
    if isinstance(value, dict):
        return {name: without_control(each) for name, each in value.items() if "@" not in name}
    return [without_control(each) for each in value] if isinstance(value, list) else value


def raw_value(call: Call, value: Any, headers: dict[str, str]) -> Response:
    """`/$value` of a primitive: its ABNF value form as text/plain; Binary as bytes (Protocol §11.2.4.1)."""
    property = call.resource.property
    name = property.type.name if property is not None else "Edm.String"
    if isinstance(value, dict) and name.startswith("Edm.Geo"):
        ref = call.model.underlying(property.type) if property is not None else TypeRef(name)
        text = geo.write(value, geo.system(ref.name, ref.srid))
        return Response(200, {**headers, "Content-Type": "text/plain"}, text.encode("utf-8"))
    if isinstance(value, dict | list):
        raise NotFound(reason="A raw value is had of primitive properties only")
    if name == "Edm.Binary":
        owner = next((step.owner for step in reversed(call.resource.steps) if isinstance(step, bound.PropertyStep)), "")
        media = vocabularies.media_type(call.model, owner, property) or "application/octet-stream"
        require(call.wishes, media)
        return Response(200, {**headers, "Content-Type": media}, types.parse(name, value))
    require(call.wishes, "text/plain")
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, float):
        text = types.write_double(value)
    else:
        text = str(value)
    media = "text/plain" if text.isascii() else "text/plain;charset=utf-8"      # without, clients read Latin-1
    return Response(200, {**headers, "Content-Type": media}, text.encode("utf-8"))


def paged(call: Call, options: bound.Options, items: list[Any], page: int, body: dict[str, Any], headers: dict[str, str]
          ) -> Response:
    """A page of a collection of values, with their number and the link to the next page. `body`: the members in front;
    `page`: how many items there are at most, 0 for any number."""
    control = call.wishes.format.control
    start, left = read.amount(call, options.skip) or 0, read.amount(call, options.top)
    token = call.skiptoken()
    if token is not None:
        values = call.service.read_token(call, token)
        if len(values) != 2:
            raise InvalidToken(name="$skiptoken", target="$skiptoken")
        start, left = values
    if options.count:
        body[control("count")] = str(len(items)) if call.wishes.format.ieee754 else len(items)
    end = len(items) if left is None else min(len(items), start + left)
    stop = min(end, start + page) if page else end
    body["value"] = items[start:stop]
    if stop < end:
        body[control("nextLink")] = call.service.next_link(call, [stop, None if left is None else start + left - stop])
    if call.wishes.page_size and page:
        headers["Preference-Applied"] = f"{call.wishes.spelled['maxpagesize']}={page}"
    return Response(200, headers, dumps(body))

"""Requests to single properties: primitive, complex, collections, dynamic ones, items of collections, raw values.

The new value of the outermost property is made from the stored one and then stored like a member of an entity body.
Protocol §11.4.9, §11.4.10.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from app.bind import nodes as bound
from app.edm import types, vocabularies
from app.edm.index import Model
from app.edm.model import Property
from app.errors import BodyError, MethodNotAllowed, NotFound, NotImplementedByService, OptionNotAllowed, UnsupportedMediaType
from app.plan import changes as plan
from app.plan.changes import BIND, TYPE
from app.service import answers, bodies, outcomes, results
from app.service.call import Call
from app.service.entities import Entity
from app.service.finding import Steps, value_of
from app.service.gathering import merge
from app.service.response import Response
from app.service.session import WriteSession
from app.service.write import allow, place, prepare, stored, transact

Edit = Callable[[Any], Any]


def unwritable(model: Model, steps: Steps) -> str | None:
    """Why no property on a path can be written by itself; None where it can."""
    found = [step for step in steps if isinstance(step, bound.PropertyStep)]
    for step in found:
        if vocabularies.read_only(model, step.owner, step.property) or (
                step.property.type.name != "Edm.Stream" and vocabularies.immutable(model, step.owner, step.property)):
            return f"'{step.property.name}' cannot be written"
    path = tuple(step.property.name for step in found)
    if found and any(path[:len(each)] == each for each in _keys(model, found[0].owner)):
        return f"'{'/'.join(path)}' is part of the key"
    return None


def _keys(model: Model, type: str) -> list[tuple[str, ...]]:
    """The paths of the key."""
    return [tuple(part.path.split("/")) for part in model.key(type)]


class _Spot:
    """The property that a request is about: the entity's path, the steps behind it, and the declaration at the end."""

    def __init__(self, call: Call) -> None:
        steps = call.resource.steps
        at = next(index for index, step in enumerate(steps) if isinstance(step, bound.PropertyStep | bound.DynamicStep))
        self.call, self.entity_steps, self.steps = call, steps[:at], steps[at:]
        self.last = next(step for step in reversed(steps) if isinstance(step, bound.PropertyStep | bound.DynamicStep))
        self.item = isinstance(steps[-1], bound.OrdinalStep)
        self._check()

    def _check(self) -> None:
        """Computed, immutable and key members cannot be written (Protocol §11.4.3)."""
        why = unwritable(self.call.model, self.steps)
        if why is not None:
            raise MethodNotAllowed(why, allow=("GET", "HEAD"))

    @property
    def member(self) -> Property | None:
        """The declared property at the end; None for a dynamic one."""
        return self.last.property if isinstance(self.last, bound.PropertyStep) else None

    @property
    def key_parts(self) -> list[tuple[str, ...]]:
        """The paths below a single complex property that belong to the key of the entity."""
        found = [step for step in self.steps if isinstance(step, bound.PropertyStep)]
        path = tuple(step.property.name for step in found)
        keys = _keys(self.call.model, found[0].owner) if found and len(found) + sum(
            isinstance(step, bound.CastStep) for step in self.steps) == len(self.steps) else []
        return [each[len(path):] for each in keys if len(each) > len(path) and each[:len(path)] == path]

    @property
    def owner(self) -> str:
        return self.last.owner if isinstance(self.last, bound.PropertyStep) else ""

    def store(self, edit: Edit, operation: str, names: dict[str, Any] | None = None) -> Response:
        """Change the value at the spot; `names`: the new members of a dynamic property."""
        call = self.call
        prepare(call)

        def work(session: WriteSession) -> Response:
            entity = stored(call, session, self.entity_steps)
            allow(call, entity.layout.id, "update", call.request.method, place(call))
            first = self.steps[0]
            if isinstance(first, bound.PropertyStep):
                name = first.property.name
                value = self._edited(linked(session, entity, name), self.steps[1:], edit, names)
                change = plan.Change(entity.type, "set", {name: value})
            else:
                assert isinstance(first, bound.DynamicStep)
                change = plan.Change(entity.type, "patch", dynamic=self._dynamic(entity, first.name, edit, names))
            session.update(entity, change)
            return self._answer(operation)
        return transact(call, work)

    def _answer(self, operation: str) -> Response:
        call = self.call
        default = vocabularies.update_returns(call.model) == "representation" and operation != "delete"
        if operation == "each":
            return answers.no_content(call)
        if call.request.method == "POST":       # one item more: the collection where it is asked for
            default = False
        hidden = any(isinstance(step, bound.PropertyStep) and vocabularies.unreadable(call.model, step.owner, step.property)
                     for step in self.steps)
        if call.request.method != "DELETE" and not hidden and answers.wants_representation(call, default):
            return answers.reread(call)
        return answers.no_content(call)

    def _dynamic(self, entity: Entity, name: str, edit: Edit, names: dict[str, Any] | None) -> dict[str, Any]:
        if len(self.steps) > 1:
            if name not in entity.dynamic:
                raise NotFound(reason=f"There is no property '{name}'")
            return {name: self._edited(copy.deepcopy(entity.dynamic[name]), self.steps[1:], edit, names)}
        return names if names is not None else {name: edit(entity.dynamic.get(name))}

    def _edited(self, value: Any, steps: tuple[bound.PathStep, ...], edit: Edit, names: dict[str, Any] | None) -> Any:
        """The value with the part at the end of `steps` edited."""
        if not steps:
            return edit(value)
        step, rest = steps[0], steps[1:]
        match step:
            case bound.CastStep():
                return self._edited(value, rest, edit, names)
            case bound.OrdinalStep(index):
                number = index if isinstance(index, int) else value_of(index, self.call.values, self.call.model)
                if not isinstance(value, list) or not -len(value) <= number < len(value):
                    raise NotFound(reason=f"There is no item {number}")
                if not rest and edit is drop:
                    del value[number]
                else:
                    value[number] = self._edited(value[number], rest, edit, names)
                return value
            case bound.PropertyStep(property):
                if not isinstance(value, dict):
                    raise NotFound(reason=f"'{property.name}' is part of a value that is null")
                value[property.name] = self._edited(value.get(property.name), rest, edit, names)
                return value
            case bound.DynamicStep(name):
                if not isinstance(value, dict):
                    raise NotFound(reason=f"'{name}' is part of a value that is null")
                if not rest and names is not None:
                    value.pop(name + TYPE, None)
                    value.update(names)
                else:
                    value[name] = self._edited(value.get(name), rest, edit, names)
                return value
        raise NotImplementedByService(feature="This path in a change")


def linked(session: WriteSession, entity: Entity, name: str) -> Any:
    """A copy of the value of a property; the items of a collection with their links, which move along with them."""
    value = copy.deepcopy(entity[name])
    for link in entity.layout.links if isinstance(value, list) else ():
        top, *steps = link.path.split("/")
        if top != name:
            continue
        owner, ordinal, target = (column.name for column in link.columns)
        for position, row in session.writer.pairs(link.table, (ordinal, target), {owner: entity.row_id}):
            place = value[position] if 0 <= position < len(value) else None
            for step in steps[:-1]:
                place = place.get(step) if isinstance(place, dict) else None
            if isinstance(place, dict):
                known = place.get(steps[-1] + BIND)
                others = known.targets if isinstance(known, plan.Links) else ()
                place[steps[-1] + BIND] = plan.Links((*others, plan.Reference(row=(link.target, row))))
    return value


def drop(value: Any) -> Any:
    """The edit of DELETE."""
    return None


def change(call: Call) -> Response:
    """PUT and PATCH: `{"value": …}`, a complex object (merged on PATCH), or a raw value (§11.4.9.1, §11.4.9.3)."""
    spot = _Spot(call)
    member = spot.member
    if call.resource.suffix == "$value":
        value = _raw(call, spot)
        return spot.store(lambda old: value, "put")
    reading = bodies.reading(call, "patch" if call.request.method == "PATCH" else "put")
    tree = bodies.json_body(call)
    reader = call.reader
    if member is None:
        assert isinstance(spot.last, bound.DynamicStep)
        return spot.store(drop, "patch", reader.read_dynamic(tree, spot.last.name, reading))
    enums = call.service.catalogue.enums
    name = call.model.underlying(member.type).name
    if spot.item:
        single = enums.named(reader.read_item(tree, spot.owner, member, reading), name)
        if reading.operation == "patch" and isinstance(single, dict):
            return spot.store(lambda old: merge(call.model, name, old, single) if isinstance(old, dict) else single, "put")
        return spot.store(lambda old: single, "put")
    parts = spot.key_parts
    found = None if parts else enums.named(reader.read_value(tree, spot.owner, member, reading), name)

    def edit(old: Any) -> Any:
        new: Any = found
        if parts:
            whole = _keyed(tree, parts, old, reading.operation == "put")
            new = enums.named(reader.read_value(whole, spot.owner, member, reading), name)
        both = reading.operation == "patch" and isinstance(new, dict) and isinstance(old, dict)
        return merge(call.model, name, old, new) if both else new
    return spot.store(edit, "put")


def _keyed(tree: Any, parts: list[tuple[str, ...]], old: Any, whole: bool) -> Any:
    """The body of a complex property with the members that belong to the key as they are: no body changes them (§11.4.3).
    `whole`: also where it leaves them out."""
    if not isinstance(tree, dict) or not isinstance(old, dict) or "value" in tree and "value" not in old:
        return tree
    made = dict(tree)
    for name, *rest in parts:
        if rest:
            inner = [tuple(rest)]
            if name in made or whole:
                made[name] = _keyed(made.get(name, {}), inner, old.get(name), whole)
        elif name in made or whole:
            made[name] = old[name]
    return made


def _raw(call: Call, spot: _Spot) -> Any:
    """The body of PUT …/$value: text in the form of a literal, bytes for Binary."""
    member = spot.member
    if member is None:
        raise NotImplementedByService(feature="$value of a dynamic property in a change")
    name = call.model.underlying(member.type).name
    body = bodies.raw_body(call)
    if name == "Edm.Binary":
        raw: Any = body
    else:
        kind = bodies.content_type(call)
        if kind is not None and kind.type != "text":
            raise UnsupportedMediaType(name=call.request.header("content-type"), target="Content-Type")
        try:
            text = bodies.text(body, kind)
            raw = text if call.model.enum_type(name) or name == "Edm.DateTimeOffset" else types.parse(name, text)
        except ValueError as error:
            raise BodyError(f"The value of '{member.name}' is not valid: {error}.", code="invalidValue",
                            target=member.name) from None
    found = call.reader.checked(raw, spot.owner, member, replace(bodies.reading(call, "put"), quoted=True))
    return call.service.catalogue.enums.named(found, name)


def append(call: Call) -> Response:
    """POST to a collection property: one more item, at `$index` or at the end (§11.4.9.4)."""
    spot = _Spot(call)
    member = spot.member
    if member is None:
        raise NotImplementedByService(feature="POST to a dynamic collection")
    reading = bodies.reading(call, "create")
    item = call.reader.read_item(bodies.json_body(call), spot.owner, member, reading)
    named = call.service.catalogue.enums.named(item, call.model.underlying(member.type).name)
    index = call.syntax.options.index
    if index is not None and not vocabularies.positional(call.model, spot.owner, member):
        raise OptionNotAllowed(name="$index", resource=f"'{member.name}', whose items are added at the end", target="$index")

    def edit(old: Any) -> Any:
        items = list(old or ())
        at = len(items) if index is None else index if index >= 0 else len(items) + index + 1
        items.insert(max(0, at), named)
        return items
    return spot.store(edit, "put")


# --- /$each ----------------------------------------------------------------------------------------------

def _each(call: Call) -> tuple[_Spot, Callable[[list[Any]], set[int]]]:
    """The collection in front of `/$each`, and what tells the positions of the items that its filters and casts leave."""
    steps = call.resource.steps
    end = next(index for index, step in enumerate(steps) if isinstance(step, bound.EachStep))
    last = max(index for index, step in enumerate(steps[:end]) if not isinstance(step, bound.FilterStep | bound.CastStep))
    resource = replace(call.resource, steps=steps[:last + 1])
    spot = _Spot(replace(call, bound=replace(call.bound, resource=resource)))
    if spot.member is None:
        raise NotImplementedByService(feature="/$each of a dynamic collection")
    ref = call.model.underlying(spot.member.type)

    def wanted(items: list[Any]) -> set[int]:
        found = results.positions(call, results.Value(items, ref), steps[last + 1:end])
        outcomes.guard(call, len(found))
        return found
    return spot, wanted


def change_each(call: Call) -> Response:
    """PATCH of `/$each`: each item changed alike, complex ones merged (§11.4.13)."""
    spot, wanted = _each(call)
    assert spot.member is not None
    name = call.model.underlying(spot.member.type).name
    item = call.reader.read_item(bodies.json_body(call), spot.owner, spot.member, bodies.reading(call, "patch"))
    new = call.service.catalogue.enums.named(item, name)

    def edit(old: Any) -> Any:
        items = list(old or ())
        for at in wanted(items):
            both = isinstance(new, dict) and isinstance(items[at], dict)
            items[at] = merge(call.model, name, items[at], new) if both else new
        return items
    return spot.store(edit, "each")


def clear_each(call: Call) -> Response:
    """DELETE of `/$each`: the items go (§11.4.14)."""
    spot, wanted = _each(call)

    def edit(old: Any) -> Any:
        gone = wanted(list(old or ()))
        return [item for at, item in enumerate(old or ()) if at not in gone]
    return spot.store(edit, "each")


def clear(call: Call) -> Response:
    """DELETE: null, or an empty collection; an item of a collection goes (§11.4.9.2, §11.4.9.4)."""
    spot = _Spot(call)
    member = spot.member
    if member is None:
        assert isinstance(spot.last, bound.DynamicStep)
        return spot.store(drop, "patch", {spot.last.name: None})
    if spot.item:
        return spot.store(drop, "put")
    if member.type.collection:
        return spot.store(lambda old: [], "put")
    if not call.reader.schemas.nullable(replace(member)):
        raise BodyError(f"'{member.name}' cannot be null.", code="nullNotAllowed", target=member.name)
    return spot.store(drop, "put")

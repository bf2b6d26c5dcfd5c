"""Requests to `$ref`: entities become related, stop being related, or all of them are replaced.

Success is 204 without a body. Protocol §11.4.6.
"""

from __future__ import annotations

from typing import Any

from app.bind import nodes as bound
from app.errors import BodyError, MethodNotAllowed, NotFound, NotImplementedByService, OptionNotAllowed, UnknownOption
from app.plan import changes as plan
from app.plan.changes import BIND
from app.service import answers, bodies
from app.service.call import Call
from app.service.entities import Entity
from app.service.finding import find, value_of
from app.service.gathering import Asked, Gathering
from app.service.properties import linked
from app.service.response import Response
from app.service.restrictions import place_before
from app.service.session import WriteSession
from app.service.write import allow, check_conditions, place, prepare, transact
from app.store.mapping import Reference, Unbound, Whole


class _Link:
    """The navigation property that a `$ref` request is about."""

    def __init__(self, call: Call) -> None:
        steps = call.resource.steps
        at = max(index for index, step in enumerate(steps) if isinstance(step, bound.NavigationStep))
        self.call = call
        prepare(call)
        step = steps[at]
        assert isinstance(step, bound.NavigationStep)
        self.navigation, self.name = step.navigation, step.navigation.name
        if self.navigation.contains_target:
            raise MethodNotAllowed(f"'{self.name}' contains its entities; they are created and deleted instead",
                                   allow=("GET", "HEAD"))
        self.key_steps = steps[:at + 2] if any(isinstance(each, bound.KeyStep) for each in steps[at + 1:]) else None
        inside = (bound.PropertyStep, bound.CastStep, bound.OrdinalStep)
        start = next((index for index, each in enumerate(steps[:at]) if isinstance(each, bound.PropertyStep) and all(
            isinstance(behind, inside) for behind in steps[index:at])), at)
        self.path = tuple(each.property.name for each in steps[start:at] if isinstance(each, bound.PropertyStep))
        self.ordinal = next((each.index for each in steps[start:at] if isinstance(each, bound.OrdinalStep)), None)
        self.parent_steps = steps[:start] if self.path else steps[:at]

    def parent(self, session: WriteSession) -> Entity:
        """The entity whose links change. Raises NotFound, MethodNotAllowed where its links are not stored."""
        call = self.call
        entity = find(session, self.parent_steps, call.values, lock=True)
        check_conditions(call, entity, changes=not self.navigation.collection)
        if entity is None:
            raise NotFound(reason=f"There is no entity in front of '{self.name}'")
        allow(call, entity.layout.id, "update", call.request.method,
              place_before(call.model, call.resource))
        if not self.path:
            relation = entity.layout.relation(self.name)
            if isinstance(relation, Unbound):
                raise NotImplementedByService(
                    f"{relation.reason}; it is not implemented by this service", target=self.name)
            if isinstance(relation, Whole):
                raise MethodNotAllowed(
                    f"'{self.name}' leads to every entity of '{relation.target}'; its links cannot be "
                    "changed", allow=("GET", "HEAD"))
            if isinstance(relation, Reference) and not self.navigation.collection and any(
                    column in relation.own for _, column in entity.layout.table.key):
                raise MethodNotAllowed(f"'{self.name}' is part of the key", allow=("GET", "HEAD"))
        return entity

    def there(self, entity: Entity) -> bool:
        """Whether the complex value that has the links is not null."""
        value = entity[self.path[0]]
        if isinstance(value, list):
            return True         # which item it is, and whether it is there, is seen when it is changed
        for step in self.path[1:]:
            value = value.get(step) if isinstance(value, dict) else None
        return isinstance(value, dict)

    def held(self, session: WriteSession, entity: Entity) -> list[Entity]:
        """The entities that the links of a complex value lead to."""
        link = next((each for each in entity.layout.links if each.path == "/".join((*self.path, self.name))), None)
        items = entity[self.path[0]]
        number = -1 if self.ordinal is None else self._number()
        number += len(items) if isinstance(items, list) and self.ordinal is not None and number < 0 else 0
        return [] if link is None else session.inner_members(entity, link, number)

    def _number(self) -> int:
        assert self.ordinal is not None
        return self.ordinal if isinstance(self.ordinal, int) else int(value_of(self.ordinal, self.call.values, self.call.model))

    def target(self, session: WriteSession, entity: Entity, reference: plan.Reference) -> Entity:
        if self.path:
            table = next((each.target for each in entity.layout.links if each.path == "/".join((*self.path, self.name))), None)
        else:
            table = getattr(entity.layout.relation(self.name), "target", None)
        return session.resolve(reference, table, self.navigation.type)

    def store_in_value(self, session: WriteSession, entity: Entity, links: plan.Links) -> None:
        """Links of a complex value: a PATCH of that value (Protocol §11.4.6)."""
        name = self.path[0]
        if isinstance(entity[name], list):
            session.update(entity, plan.Change(entity.type, "set", {name: self._in_item(linked(session, entity, name), links)}))
            return
        value: Any = {self.name + BIND: links}
        for step in reversed(self.path[1:]):
            value = {step: value}
        session.update(entity, plan.Change(entity.type, "patch", {name: value}))

    def _in_item(self, items: list[Any], links: plan.Links) -> list[Any]:
        """The items of a collection of complex values, with the links of one of them changed."""
        if self.ordinal is None:
            raise NotImplementedByService(feature="$ref of every item of a collection of complex values")
        number = self._number()
        place = items[number] if -len(items) <= number < len(items) else None
        for step in self.path[1:]:
            place = place.get(step) if isinstance(place, dict) else None
        if not isinstance(place, dict):
            raise NotFound(reason=f"There is no item {number}")
        known = place.get(self.name + BIND)
        others = known.targets if links.mode == "add" and isinstance(known, plan.Links) else ()
        place[self.name + BIND] = plan.Links((*others, *links.targets))
        return items


def add(call: Call) -> Response:
    """POST to the references of a collection, PUT (or POST) to that of a single property (§11.4.6.1, §11.4.6.3)."""
    link = _Link(call)
    references = call.reader.read_references(bodies.json_body(call), link.navigation.type)
    if len(references) != 1:
        raise BodyError("One reference is expected.", target="@odata.id")

    def work(session: WriteSession) -> Response:
        entity = link.parent(session)
        if link.path:
            mode = "add" if link.navigation.collection else "set"
            link.store_in_value(session, entity, plan.Links(references, mode))
            return answers.no_content(call)
        gathering = Gathering(session)
        gathering.relate(entity, link.name, link.target(session, entity, references[0]))
        session.carry_out(gathering)
        return answers.no_content(call)
    return transact(call, work)


def create(call: Call, change: plan.Change, asked: Asked) -> Response:
    """POST to a collection of entities inside a complex value: a new entity, related by it (§11.4.2)."""
    link, id = _Link(call), prepare(call, change)

    def work(session: WriteSession) -> Response:
        entity = link.parent(session)
        allow(call, id, "insert", "POST", place(call))
        if not link.there(entity):
            raise NotFound(reason=f"There is nothing in front of '{link.name}'")
        made = session.create(id, change, asked=asked)
        link.store_in_value(session, entity, plan.Links((plan.Reference(row=made.handle),), "add"))
        return answers.created(call, made, change)
    return transact(call, work)


def replace_all(call: Call) -> Response:
    """PUT to the references of a collection: these and no others (§11.4.6.4)."""
    link = _Link(call)
    body = bodies.json_body(call)
    if not (isinstance(body, dict) and isinstance(body.get("value"), list)):
        raise BodyError("All references of a collection are an object with the array 'value'; POST adds a single one.",
                        code="missingValue", target="value")
    references = call.reader.read_references(body, link.navigation.type)

    def work(session: WriteSession) -> Response:
        entity = link.parent(session)
        if link.path:
            link.store_in_value(session, entity, plan.Links(references))
            return answers.no_content(call)
        gathering = Gathering(session)
        gathering.replace(entity, link.name, [link.target(session, entity, each) for each in references])
        session.carry_out(gathering)
        return answers.no_content(call)
    return transact(call, work)


def remove(call: Call) -> Response:
    """DELETE of references: of a single property, of one member (by `$id` or key), or of all (§11.4.6.2, §11.4.6.4)."""
    link = _Link(call)
    id = call.syntax.options.id
    many = link.navigation.collection and link.key_steps is None
    if id is not None and not many:
        raise OptionNotAllowed(name="$id", resource="a single reference", target="$id")
    if id is None and many and call.wishes.version == "4.0" and call.request.header("odata-version") != "4.01":
        raise UnknownOption("$id must name the entity to remove; without it OData 4.01 removes all of them",
                            code="missingOption", target="$id")

    def work(session: WriteSession) -> Response:
        entity = link.parent(session)
        if link.path:
            left: list[Entity] = []
            if link.navigation.collection and (id is not None or link.key_steps is not None):
                left = link.held(session, entity)
                left.remove(_member(call, session, link, entity, id, left))
            link.store_in_value(session, entity, plan.Links(tuple(plan.Reference(row=each.handle) for each in left)))
            return answers.no_content(call)
        gathering = Gathering(session)
        if not link.navigation.collection:
            relation = entity.layout.relation(link.name)
            if isinstance(relation, Reference) and not relation.nullable:
                raise BodyError(f"'{link.name}' is required.", code="requiredReference", target=link.name)
            gathering.replace(entity, link.name, [])
        elif many and id is None:
            gathering.replace(entity, link.name, [])
        else:
            gathering.unrelate(entity, link.name, _member(call, session, link, entity, id))
        session.carry_out(gathering)
        return answers.no_content(call)
    return transact(call, work)


def _member(call: Call, session: WriteSession, link: _Link, entity: Entity, id: str | None, held: list[Entity] | None = None
            ) -> Entity:
    """The member whose link goes (`held`: of these); NotFound where it is not related."""
    if link.key_steps is not None:
        found = find(session, link.key_steps, call.values)
        if held is not None and found not in held:
            found = None
    else:
        try:
            found = link.target(session, entity, plan.Reference(id or "", "$id"))
        except BodyError as error:
            raise NotFound(reason=error.text, target="$id") from None
        if found not in (session.members(entity, link.name) if held is None else held):
            found = None
    if found is None:
        raise NotFound(reason=f"The entity is not related by '{link.name}'")
    return found

"""Gathering: a tree of changes → entities with their new values, and the steps that store them.

Nothing is written here. References are resolved, nested entities matched with stored ones by id or key, links
compared with those that are there; `plan.write.order` then puts the steps in order. Protocol §11.4.2 to §11.4.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.edm.model import NavigationProperty
from app.errors import BodyError, Conflict, MethodNotAllowed, NotImplementedByService, PreconditionFailed
from app.payload.faults import raise_faults
from app.plan import changes as plan
from app.plan.changes import BIND, TYPE
from app.service.conditions import matches
from app.service.departures import Departures
from app.service.entities import Entity
from app.service.finding import key_at, locate
from app.service.layout import Layout
from app.store.mapping import Contained, DocumentLink, Inverse, Link, Reference, Relation, Unbound, Whole

if TYPE_CHECKING:
    from app.service.session import WriteSession

Asked = Callable[[str, str, str], None]     # 'insert', 'update' or 'delete'; the table; where in the body


class Gathering:
    """Collects the steps of one change."""

    def __init__(self, session: WriteSession, asked: Asked | None = None) -> None:
        self.session, self.mapping, self.model = session, session.mapping, session.model
        self.asked = asked                          # whether what becomes of a nested entity is allowed
        self.steps: list[plan.Step] = []
        self.entities: list[Entity] = []
        self.streams: list[tuple[Entity, str, plan.Stream]] = []
        self.departures = Departures(session)
        self._handles: dict[int, int] = {}
        self._inserts: dict[int, int] = {}          # entity → position of its step
        self._updates: set[int] = set()
        self._stored: dict[tuple[str, int], Entity] = {}

    # --- handles -----------------------------------------------------------------------------------------

    def enter(self, entity: Entity) -> int:
        """The handle of an entity in this change."""
        found = self._handles.get(id(entity))
        if found is None:
            found = self._handles[id(entity)] = len(self.entities)
            self.entities.append(entity)
        return found

    def one(self, entity: Entity) -> Entity:
        """The entity that stands for a stored row in this change, whoever found it."""
        if entity.handle is None:
            return entity
        return self._stored.setdefault(entity.handle, entity)

    def touch(self, entity: Entity) -> None:
        """An update step for a stored entity, once."""
        handle = self.enter(entity)
        if handle not in self._inserts and handle not in self._updates:
            self._updates.add(handle)
            self.steps.append(plan.Update(handle, entity.layout.id, _name(entity)))

    def need(self, entity: Entity, navigation: tuple[str, str], target: Entity, required: bool) -> None:
        """A new entity that points to another: that one first, where it is new as well."""
        handle = self.enter(entity)
        other = self.enter(target)
        if handle in self._inserts and target.row is None:
            step = self.steps[self._inserts[handle]]
            assert isinstance(step, plan.Insert)
            self.steps[self._inserts[handle]] = plan.Insert(
                handle, step.table, step.name, (*step.needs, plan.Need(other, navigation, required)))
        elif target.row is None:
            self.steps.append(plan.Connect(handle, entity.layout.id, navigation, other))

    # --- entities ----------------------------------------------------------------------------------------

    def create(self, id: str, change: plan.Change, owner: Entity | None = None) -> Entity:
        """A new entity of a table, with everything nested in it."""
        table = self.mapping.table(id)
        if not self.model.is_a(change.type, table.type):
            raise BodyError(f"An entity of type {change.type} has no place in '{id}'.", code="typeMismatch",
                            target=change.at or None)
        if self.asked is not None:
            self.asked("insert", id, change.at)
        if change.url is not None and change.operation != "create":
            change = self._keyed(change, id)
        if change.operation != "create" or change.only_key:
            change = self.completed(change)
        if change.type not in table.concrete:
            raise BodyError(f"{change.type.rpartition('.')[2]} is abstract; @odata.type must name a concrete type.",
                            code="abstractType", target=f"{change.at}/@odata.type".lstrip("/"))
        layout = self.session.catalogue.layout(id, change.type)
        entity = Entity(self.session, layout)
        entity.owner = owner
        handle = self.enter(entity)
        self._inserts[handle] = len(self.steps)
        self.steps.append(plan.Insert(handle, id, ",".join(map(str, change.key.values()))))
        if owner is not None:
            self.need(entity, (id, ""), owner, True)
        entity.values.update(change.values)
        for name in [name for name in change.values if name in layout.structured] if layout.structured else ():
            entity.values[name] = self._value(layout, name, change.values[name], None, change.at)
        entity.dynamic.update(change.dynamic)
        for name, links in change.links.items():
            self._links(entity, name, links, change.at)
        self.streams += [(entity, name, stream) for name, stream in change.streams.items()]
        return entity

    def _keyed(self, change: plan.Change, id: str) -> plan.Change:
        """A member named by an id that nothing has so far: to be created under the key of that id (§11.4.3.1)."""
        reference = plan.Reference(change.url or "", f"{change.at}/@odata.id".lstrip("/"), change.base)
        key = key_at(self.session, reference, id)
        paths = {part.name: part.path for part in self.model.key(change.type)}
        layout = self.session.catalogue.layout(id, change.type) if change.type in self.mapping.table(id).concrete else None
        if key is None or layout is None or any(
                path not in layout.places or layout.computed(path) for path in paths.values()):
            raise BodyError(f"'{reference.url[:200]}' names no entity of this service.", code="referenceNotFound",
                            target=reference.at)
        if any(key[name] != value for name, value in change.key.items()):
            raise BodyError("The id and the key name two entities.", code="conflictingLinks", target=change.at or None)
        values = {paths[name]: value for name, value in key.items()}
        made = self.completed(replace(change, url=None, supplied=change.supplied | values.keys(), key=key))
        return replace(made, values={**made.values, **values}, url=None)

    def completed(self, change: plan.Change) -> plan.Change:
        """A change that was meant as an update, as the creation of an entity: what is missing has its default."""
        if change.body is not None:
            change = self.session.reader.read_again(change, change.type, "create")
            if not change.only_key:
                return change
        values = self.session.reader.complete_entity(change)
        return plan.Change(change.type, "create", values, change.dynamic, change.links, change.streams, change.key,
                           at=change.at)

    def update(self, entity: Entity, change: plan.Change) -> None:
        """New values and links for a stored entity (Protocol §11.4.3)."""
        entity = self.one(entity)
        layout = entity.layout
        if change.typed and not self.model.is_a(entity.type, change.type):
            raise BodyError(f"The entity is of type {entity.type}, which cannot change.", code="typeChange",
                            target=f"{change.at}/@odata.type".lstrip("/"))
        if change.etag not in (None, "*") and not matches(str(change.etag), entity.etag):
            raise PreconditionFailed(target=f"{change.at}/@odata.etag".lstrip("/"))
        if change.faults and change.type != entity.type and self.model.is_a(entity.type, change.type):
            change = self.session.reader.read_again(change, entity.type, change.operation)
        raise_faults(change.faults)
        if self.asked is not None:
            self.asked("update", layout.id, change.at)
        self.touch(entity)
        for name, value in change.values.items():
            if name not in layout.places:
                raise BodyError(f"{layout.type} has no property '{name}'.", code="unknownProperty", target=name)
            old = entity[name] if change.operation == "patch" else None
            entity.values[name] = self._value(layout, name, value, old, change.at, entity[name], entity)
            entity.assigned.add(name)
        if change.operation == "put" and layout.open:
            entity.dynamic.clear()
        for name in [name for name in change.dynamic if "@" not in name]:
            entity.dynamic.pop(name + TYPE, None)
        entity.dynamic.update(change.dynamic)
        for name, links in change.links.items():
            self._links(entity, name, links, change.at)
        self.streams += [(entity, name, stream) for name, stream in change.streams.items()]

    def delete(self, entity: Entity, at: str | None = None) -> None:
        """A stored entity goes. `at`: where a body says so."""
        if self.asked is not None and at is not None:
            self.asked("delete", entity.layout.id, at)
        handle = self.enter(self.one(entity))
        if not any(isinstance(step, plan.Delete) and step.entity == handle for step in self.steps):
            self.steps.append(plan.Delete(handle, entity.layout.id, _name(entity)))

    # --- values ------------------------------------------------------------------------------------------

    def _value(self, layout: Layout, name: str, value: Any, merged: Any, at: str, old: Any = None,
               holder: Entity | None = None) -> Any:
        """The value of a property as it will be stored: complex values complete, merged with `merged` on PATCH; members
        that a client cannot send come from `old`; links in them resolved, those that are added to the ones of `holder`."""
        place = layout.places[name]
        if value is None or place.kind not in ("complex", "enum"):
            return value
        type, schemas = place.type, self.session.reader.schemas
        named = self._named(value, type)
        if place.kind == "enum":
            return named
        path = f"{at}/{name}" if at else name
        if isinstance(named, list):
            items = [schemas.complete(type, item, None, f"{path}/{index}") if item is not None else None
                     for index, item in enumerate(named)]
            return self._resolved(layout, [self._named(item, type) for item in items], type, name)
        whole = merge(self.model, type, merged, named) if isinstance(merged, Mapping) else named
        whole = schemas.complete(type, whole, old if isinstance(old, Mapping) and same_type(old, whole) else None, path)
        guard = self.session.guard
        if guard is not None and whole is not None:
            whole = guard.restored(type, whole, old)
        return self._resolved(layout, self._named(whole, type), type, name, holder)

    def _named(self, value: Any, type: str) -> Any:
        return self.session.catalogue.enums.named(value, type)

    def _resolved(self, layout: Layout, value: Any, type: str, path: str, holder: Entity | None = None) -> Any:
        """The links of a complex value (`name@odata.bind`) as entities under their own names."""
        if isinstance(value, list):
            return [self._resolved(layout, item, type, path) for item in value]
        if not isinstance(value, dict):
            return value
        given = value.get(TYPE)
        actual = self.model.full(given.removeprefix("#")) if isinstance(given, str) else type
        made: dict[str, Any] = {}
        for name, item in value.items():
            member = self.model.properties(actual).get(name) if self.model.structured(actual) else None
            if name.endswith(BIND):
                bare = name.removesuffix(BIND)
                made[bare] = self._complex_link(layout, actual, bare, f"{path}/{bare}", item, holder)
            elif member is not None and isinstance(item, dict | list):
                inner = None if isinstance(item, list) else holder
                made[name] = self._resolved(layout, item, self.model.underlying(member.type).name, f"{path}/{name}", inner)
            else:
                made[name] = item
        return made

    def _complex_link(self, layout: Layout, owner: str, name: str, path: str, links: plan.Links, holder: Entity | None) -> Any:
        navigation = self.model.navigations(owner)[name]
        link = next((each for each in layout.links if each.path == path), None)
        if link is None:
            raise NotImplementedByService(feature=f"Linking over '{path}'")
        found = [self._target(target, link, navigation.type, None) for target in links.targets if not _is_removed(target)]
        if not navigation.collection:
            return found[0] if found else None
        kept = self.session.inner_members(holder, link) if holder is not None and links.mode != "set" else []
        for target in links.targets:
            if isinstance(target, plan.Change) and target.removed is not None:
                gone = self._existing(target, link.target, navigation.type, None, None)
                kept = [each for each in kept if each != gone]
                if gone is not None and target.removed == "deleted":
                    self.delete(gone, target.at)
        return list({each.handle or id(each): each for each in (*kept, *found)}.values())

    # --- links -------------------------------------------------------------------------------------------

    def relate(self, entity: Entity, name: str, target: Entity) -> None:
        """Relate one more entity by a navigation property."""
        entity = self.one(entity)
        relation = self._relation(entity.layout, name)
        if isinstance(relation, Reference | Inverse) and not entity.layout.navigations[name].collection:
            self._set_one(entity, name, relation, target)
        elif not isinstance(relation, Contained | Whole):
            self._add(entity, name, relation, target)

    def unrelate(self, entity: Entity, name: str, target: Entity) -> None:
        """End a relation to one member of a collection."""
        self._drop(self.one(entity), name, self._relation(entity.layout, name), self.one(target))

    def replace(self, entity: Entity, name: str, targets: Sequence[Entity]) -> None:
        """Relate exactly these entities."""
        entity = self.one(entity)
        relation = self._relation(entity.layout, name)
        if not entity.layout.navigations[name].collection:
            self._set_one(entity, name, relation, targets[0] if targets else None)
        else:
            self._set_all(entity, name, relation, [self.one(target) for target in targets])

    def _relation(self, layout: Layout, name: str) -> Reference | Inverse | Link | Contained | Whole:
        relation = layout.relation(name)
        if isinstance(relation, Unbound):
            raise NotImplementedByService(f"{relation.reason}; it is not implemented by this service", target=name)
        return relation

    def _links(self, entity: Entity, name: str, links: plan.Links, at: str) -> None:
        navigation = entity.layout.navigations.get(name)
        path = f"{at}/{name}" if at else name
        if navigation is None:
            raise BodyError(f"{entity.type} has no navigation property '{name}'.", code="unknownProperty", target=path)
        relation = self._relation(entity.layout, name)
        if isinstance(relation, Whole):
            raise BodyError(f"'{name}' leads to every entity of '{relation.target}'; links cannot be stored.",
                            code="linksNotStored", target=path)
        if isinstance(relation, Contained):
            self._children(entity, navigation, relation, links, path)
            return
        found = [(target, self._target(target, relation, navigation.type, entity))
                 for target in links.targets if not _is_removed(target)]
        targets = [each for _, each in found if each is not None]
        if not navigation.collection:
            self._set_one(entity, name, relation, targets[0] if targets else None)
        elif links.mode == "set" and entity.row is not None:
            self._set_all(entity, name, relation, targets)
        else:
            for target in targets:
                self._add(entity, name, relation, target)
        for removed in links.targets:
            if isinstance(removed, plan.Change) and removed.removed is not None:
                self._remove(entity, name, relation, navigation, removed)

    def _remove(self, entity: Entity, name: str, relation: Relation, navigation: NavigationProperty,
                change: plan.Change) -> None:
        """A member of a delta that goes: unlinked, or deleted as well (Protocol §11.4.3.1)."""
        target = self._existing(change, getattr(relation, "target", ""), navigation.type, entity, relation)
        if target is None:
            return
        if change.removed == "deleted":
            self.delete(target, change.at)
        else:
            self._drop(entity, name, relation, self.one(target))

    def _set_one(self, entity: Entity, name: str, relation: Relation, target: Entity | None) -> None:
        navigation = entity.layout.navigations[name]
        if isinstance(relation, Reference):
            entity.linked[name] = target
            if target is not None:
                self.need(entity, (entity.layout.type, name), target, navigation.nullable is False)
            self.touch(entity)
            return
        assert isinstance(relation, Inverse)
        current = self.session.related(entity, name) if entity.row is not None else None
        if isinstance(current, Entity) and current != target:
            self._drop(entity, name, relation, self.one(current))
        if target is not None:
            self._add(entity, name, relation, target)

    def _set_all(self, entity: Entity, name: str, relation: Relation, targets: Sequence[Entity]) -> None:
        for current in self.session.members(entity, name):
            if current not in targets and self.session.visible(current) is not None:
                self._drop(entity, name, relation, self.one(current))
        for target in targets:
            self._add(entity, name, relation, target)

    def _add(self, entity: Entity, name: str, relation: Relation, target: Entity) -> None:
        if isinstance(relation, Inverse):
            partner = relation.partner[1]
            if partner not in target.layout.navigations:
                raise BodyError(
                    f"An entity of type {target.type} cannot be related by '{name}'.", code="typeMismatch", target=name)
            implied = target.linked.get(partner)
            if implied is not None and implied != entity and target.row is None:
                raise BodyError(f"'{partner}' is bound to another entity than the request relates it to.",
                                code="conflictingLinks", target=partner)
            target.linked[partner] = entity
            required = target.layout.navigations[partner].nullable is False
            self.need(target, (target.layout.type, partner), entity, required)
            self.touch(target)
        elif isinstance(relation, Link):
            self.steps.append(plan.AddLink(self.enter(entity), entity.layout.id,
                              (entity.layout.type, name), self.enter(target)))

    def _drop(self, entity: Entity, name: str, relation: Relation, target: Entity) -> None:
        if isinstance(relation, Contained):
            self.delete(target)
        elif isinstance(relation, Inverse):
            partner = relation.partner[1]
            back = target.layout.relation(partner)
            if not isinstance(back, Reference) or not back.nullable or not all(column.nullable for column in back.own):
                raise Conflict(f"{_name(target)} cannot be without '{partner}'.", code="requiredReference", target=name)
            now = target.linked[partner] if partner in target.linked else self.session.related(target, partner)
            if now == entity:       # and not related to another by the same change
                target.linked[partner] = None
                self.touch(target)
        elif isinstance(relation, Link):
            self.steps.append(plan.DropLink(self.enter(entity), entity.layout.id,
                              (entity.layout.type, name), self.enter(target)))
        elif isinstance(relation, Whole):
            raise MethodNotAllowed(f"'{name}' leads to every entity of '{relation.target}'; links cannot be removed")

    # --- contained entities ------------------------------------------------------------------------------

    def _children(self, entity: Entity, navigation: NavigationProperty, relation: Contained, links: plan.Links, at: str
                  ) -> None:
        """Contained entities: created with their owner, matched by key on update, deleted where they are left out."""
        kept: list[Entity] = []
        single = None if navigation.collection or entity.row is None else self.session.related(entity, navigation.name)
        for target in links.targets:
            if isinstance(target, plan.Reference):
                found = self.session.resolve(target, relation.target, navigation.type)
                if not self._owns(entity, found):
                    raise BodyError(f"A contained entity cannot be moved to '{navigation.name}' of another.",
                                    code="containedElsewhere", target=target.at or None)
                kept.append(self.one(found))
                continue
            existing = single if isinstance(
                single, Entity) else self._existing(
                target, relation.target, navigation.type, entity, relation)
            if target.removed is not None:
                if existing is not None:
                    self.delete(existing, target.at)
            elif existing is not None:
                kept.append(self.one(existing))
                self.update(existing, target)
            else:
                kept.append(self.create(relation.target, target, entity))
        if entity.row is not None and links.mode == "set":
            for child in self.session.members(entity, navigation.name):
                if child not in kept and self.session.visible(child) is not None:
                    self.delete(child, at)

    @staticmethod
    def _owns(entity: Entity, child: Entity) -> bool:
        owner = child.layout.table.owner
        assert owner is not None and child.row is not None
        return child.row[owner.column.name] == entity.row_id and (
            owner.source is None or child.row[owner.source.name] == entity.layout.id)

    # --- targets -----------------------------------------------------------------------------------------

    def _target(self, target: plan.Target, relation: Reference | Inverse | Link | DocumentLink, type: str,
                parent: Entity | None) -> Entity:
        """The entity that a link leads to: stored, changed on the way, or new."""
        table = relation.target
        if isinstance(target, plan.Reference):
            return self.one(self.session.resolve(target, table, type))
        tie = None if isinstance(relation, DocumentLink) else relation
        existing = self._existing(target, table, type, parent, tie)
        if existing is not None:
            existing = self.one(existing)
            if target.operation != "create":
                self.update(existing, target)
                return existing
            if target.only_key:
                return existing
        return self.create(table, target)

    def member(self, change: plan.Change, table: str, type: str, parent: Entity | None = None, name: str = ""
               ) -> tuple[str, Entity | None]:
        """A member of the change of a whole collection: a set's, or that of a navigation property of `parent`. What is
        done ('insert', 'update', 'delete', 'unlink') and the entity; None for a removed one that is not there."""
        relation = None if parent is None else self._relation(parent.layout, name)
        owner = parent if isinstance(relation, Contained) else None
        existing = self._existing(change, table, type, parent, relation)
        if change.removed is not None:
            if parent is None or owner is not None or change.removed == "deleted":
                if existing is not None:
                    self.delete(existing)
                return "delete", existing
            if existing is not None:
                self.unrelate(parent, name, existing)
            return "unlink", existing
        operation = "insert" if existing is None else "update"
        if existing is None:
            entity = self.create(table, change, owner)
        else:
            entity = self.one(existing)
            self.update(entity, change)
        if parent is not None and owner is None and not isinstance(relation, Whole):
            self.relate(parent, name, entity)
        return operation, entity

    def stored(self, change: plan.Change, table: str, type: str, parent: Entity | None = None, name: str = ""
               ) -> Entity | None:
        """The stored entity that such a member names, if there is one."""
        return self._existing(change, table, type, parent, None if parent is None else self._relation(parent.layout, name))

    def _existing(self, change: plan.Change, table: str, type: str, parent: Entity | None, relation: Relation | None
                  ) -> Entity | None:
        """The stored entity that a nested one stands for, by id or by key (they have to agree)."""
        key, owner = dict(change.key), parent if isinstance(relation, Contained) else None
        if isinstance(relation, Inverse) and parent is not None and parent.row is not None and (
                key or len(relation.other) == len(self.mapping.table(table).key)):
            names = {column.name: name for name, column in self.mapping.table(table).key}
            for own, other in zip(relation.own, relation.other, strict=True):    # the part that the parent gives
                if other.name in names:
                    key.setdefault(names[other.name], self.session.column_value(parent, own))
        by_key = self.session.by_key(table, key, owner) if key else None
        if change.url is None:
            return by_key
        found = self.session.known_id(change.url) or self._by_url(change, table, type)
        if found is not None and by_key is not None and found != by_key:
            raise BodyError("The id and the key name two entities.", code="conflictingLinks", target=change.at or None)
        return found

    def _by_url(self, change: plan.Change, table: str, type: str) -> Entity | None:
        reference = plan.Reference(change.url or "", f"{change.at}/@odata.id".lstrip("/"), change.base)
        found = locate(self.session, reference)
        if found is None or change.removed is not None or change.operation == "create":
            return found
        return self.session.resolve(reference, table, type)


def _is_removed(target: plan.Target) -> bool:
    return isinstance(target, plan.Change) and target.removed is not None


def _name(entity: Entity) -> str:
    """An entity as it is called in messages."""
    return ",".join(str(value) for _, value in entity.key)


def same_type(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether two complex values are of one type."""
    return old.get(TYPE) == new.get(TYPE)


def _actual(model: Any, declared: str, given: Any) -> str:
    return model.full(given.removeprefix("#")) if isinstance(given, str) else declared


def merge(model: Any, type: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """A complex value after PATCH: members given replace the old ones, complex ones merge (Protocol §11.4.3)."""
    made = dict(old)
    had, actual = (_actual(model, type, given) for given in (old.get(TYPE), new.get(TYPE, old.get(TYPE))))
    members = model.properties(actual) if model.structured(actual) else {}
    if actual != had:       # another type keeps what both inherit and what is dynamic (§11.4.9.3)
        before = model.properties(had) if model.structured(had) else {}
        made = {name: value for name, value in old.items()
                if name != TYPE and before.get(bare := name.partition("@")[0]) is members.get(bare)}
    read = members if TYPE in new else model.properties(type) if model.structured(type) else {}
    for name, value in new.items():
        if "@" not in name:
            made.pop(name + TYPE, None)
    for name, value in new.items():
        member = members.get(name)
        if member is not None and name not in read:
            raise BodyError(f"'{name}' is a property of {actual}: the value has to say so in '@odata.type'.",
                            code="missingType", target=name)
        if member is not None and isinstance(value, Mapping) and isinstance(made.get(name), Mapping):
            made[name] = merge(model, model.underlying(member.type).name, made[name], value)
        else:
            made[name] = value
    if actual == type:
        made.pop(TYPE, None)
    return made

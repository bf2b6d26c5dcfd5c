"""Departures: an entity is deleted, and with it everything that OnDelete, containment and links say.

Children go before parents. What has to stay refuses the whole with 409, naming up to five entities that still refer
(Protocol §11.4.5; DESIGN §4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.errors import Conflict, Detail
from app.plan.write import CASCADE, DEFAULT, REFUSE, Departure, Referrer
from app.service.entities import Entity
from app.service.paths import path_of
from app.store import Retry
from app.store.mapping import Link, Reference

if TYPE_CHECKING:
    from app.service.session import WriteSession

NAMED = 5


class Departures:
    """Deletes of one change; an entity reached twice goes once."""

    def __init__(self, session: WriteSession) -> None:
        self.session = session
        self.leaving: set[tuple[str, int]] = set()
        self._after: list[Entity] = []
        self._at: Entity | None = None
        self._all: set[tuple[str, int]] | None = None

    def remove(self, entity: Entity) -> None:
        """Delete a stored entity and what goes with it. What those that go point to is last: an entity above them, which
        goes after them, may refer to it too."""
        self._after.append(entity)
        self._all = None
        while self._after:
            self._at = self._after.pop(0)
            self._remove(self._at)

    def _remove(self, entity: Entity) -> None:
        handle = entity.handle
        assert handle is not None and entity.row is not None
        if handle in self.leaving or handle in self.session.deleted:
            return
        session, table = self.session, entity.layout.table
        current = session.by_row(*handle)
        if current is None:
            return
        if session.guard is not None:
            with session.following(bool(self.leaving)):
                session.guard.change("delete", current)
        self.leaving.add(handle)
        session.run_rules("delete", current, None)
        departure = session.catalogue.departure(entity.layout.id)
        for other in self._refuse(current, departure):
            self._remove(other)
        self._referrers(current, departure)
        self._after += self._related(current, departure)
        for id in departure.children:
            for child in session.all_by_columns(id, session.owned(session.mapping.table(id), current)):
                self._remove(child)
        was = {name: current.row[name] for tie in current.layout.ties for name in tie}  # type: ignore[index]
        made = session.catalogue.made
        for name, column, id in departure.links:
            if made(id):
                self._unlink(name, column, "target" if column == "source" else "source", current, was)
        for link in departure.owned:
            session.writer.remove(link.table, {link.columns[0].name: current.row_id})
        for link in filter(lambda each: made(each.owner), departure.documents):
            self._unlink(link.table, link.columns[2].name, link.columns[0].name, current, was)
        for name in current.layout.streams:
            with session.following():
                session.set_stream(current, name, None)
        session.log(current, "delete", None, was)
        session.numbers.leave(current)
        assert current.row_id is not None
        if not session.writer.delete(table, current.row_id, current.version):
            raise Retry("The entity changed at the same time")
        session.deleted.add(handle)

    def _unlink(self, table: str, own: str, other: str, entity: Entity, was: dict[str, Any]) -> None:
        """The entity's rows of a link table go; `was` learns to whom they tied it."""
        ties = sorted({row for row, in self.session.writer.pairs(table, (other,), {own: entity.row_id})})
        if ties:
            was[f"{table}.{own}"] = ties
            self.session.writer.remove(table, {own: entity.row_id})

    def _refuse(self, entity: Entity, departure: Departure) -> list[Entity]:
        """Raise Conflict where entities refer to this one that have to; those of them that go too are the result: they go
        first."""
        found: list[Detail] = []
        first: list[Entity] = []
        for referrer in departure.referrers:
            if referrer.action != REFUSE:
                continue
            for other in self._who(entity, referrer):
                if other.handle in self.leaving:
                    continue
                if self._goes(other):
                    first.append(other)
                elif len(found) <= NAMED:
                    path = path_of(other) if self.session.visible(other) is not None else "an entity"
                    found.append(Detail("referenced", f"{path} needs it as '{referrer.navigation}'.", path))
        for owner, navigation in departure.related:
            if navigation.on_delete == "None" and self.session.model.is_a(entity.type, owner):
                related = self._ahead(entity, navigation.name, navigation.collection)
                if related:
                    found.append(Detail("referenced", f"It is related by '{navigation.name}'.", navigation.name))
        if found:
            names = ", ".join(detail.target or "" for detail in found[:NAMED])
            more = " and others" if len(found) > NAMED else ""
            raise Conflict(f"The entity cannot be deleted: {names}{more} refer to it.", code="stillReferenced",
                           details=found[:NAMED])
        return first

    def _goes(self, entity: Entity) -> bool:
        """Whether an entity goes later on. All that does is looked for when somebody first asks, which is seldom."""
        if self._all is None:
            session, self._all = self.session, set()
            waiting = [*self._after, *((self._at,) if self._at is not None else ())]
            while waiting:
                each = waiting.pop()
                if each.handle is None or each.handle in self._all:
                    continue
                self._all.add(each.handle)
                departure = session.catalogue.departure(each.layout.id)
                waiting += self._related(each, departure)
                for id in departure.children:
                    waiting += session.all_by_columns(id, session.owned(session.mapping.table(id), each))
                for referrer in departure.referrers:
                    if referrer.action == CASCADE:
                        waiting += self._who(each, referrer)
        return entity.handle in self._all

    def _who(self, entity: Entity, referrer: Referrer) -> list[Entity]:
        assert entity.row is not None
        return self.session.all_by_columns(referrer.table, [
            (own, entity.row[other.name]) for own, other in zip(referrer.own, referrer.other, strict=True)])

    def _referrers(self, entity: Entity, departure: Departure) -> None:
        """Those that refer to the entity go with it, or lose the reference."""
        for referrer in departure.referrers:
            if referrer.action == REFUSE:
                continue
            for other in self._who(entity, referrer):
                if other.handle in self.leaving:
                    self._release(other, referrer)
                elif referrer.action == CASCADE:
                    self._remove(other)
                else:
                    self._release(other, referrer)

    def _release(self, other: Entity, referrer: Referrer) -> None:
        """Set the key of a reference to null, or to the defaults of its properties."""
        if other.handle in self.leaving and not all(column.nullable for column in referrer.own):
            return      # it goes as well
        if referrer.action == DEFAULT:
            for column in referrer.own:
                name = other.layout.of_column.get(column.name)
                if name is not None:
                    place = other.layout.places[name]
                    default = self.session.reader.schemas.default(place.property)
                    other.values[name] = default() if default is not None else None
                    other.assigned.add(name)
        else:
            other.linked[referrer.navigation] = None
        with self.session.following():
            self.session.store_update(other)

    def _related(self, entity: Entity, departure: Departure) -> list[Entity]:
        """Entities that this one points to and that OnDelete takes along."""
        found: list[Entity] = []
        for owner, navigation in departure.related:
            if navigation.on_delete == "Cascade" and self.session.model.is_a(entity.type, owner):
                found += self._ahead(entity, navigation.name, navigation.collection)
        return found

    def _ahead(self, entity: Entity, name: str, collection: bool) -> list[Entity]:
        relation = entity.layout.relation(name)
        if collection and isinstance(relation, Link):
            return self.session.members(entity, name)
        found = self.session.related(entity, name) if isinstance(relation, Reference) else None
        return [found] if isinstance(found, Entity) else []

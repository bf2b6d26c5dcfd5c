"""Waiting references: key values in a body that name an entity which the same body creates later (Protocol §11.4.2.2).

Where the columns may be null they are stored as null first and get their values when the other entity is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from app.service.entities import Entity
from app.store.mapping import Reference

if TYPE_CHECKING:
    from app.service.session import WriteSession


class Waiting:
    """The references of one body that wait. `coming`: the entities that are to be inserted."""

    def __init__(self, session: WriteSession, coming: Iterable[Entity]) -> None:
        self.session = session
        self.coming: dict[str, list[Entity]] = {}
        self.held: list[tuple[Entity, dict[str, Any]]] = []
        for each in coming:
            self.coming.setdefault(each.layout.id, []).append(each)
        self._left = {id(each) for several in self.coming.values() for each in several}
        self._named: dict[tuple[str, tuple[str, ...]], dict[tuple[Any, ...], set[int]]] = {}

    def hold(self, entity: Entity, columns: dict[str, Any]) -> None:
        """An entity is about to be inserted: takes the values of its references to later ones out of its columns."""
        self._left.discard(id(entity))
        held: dict[str, Any] = {}
        for name in entity.layout.navigations if self._left else ():
            relation = entity.layout.relation(name)
            if isinstance(relation, Reference) and relation.nullable and all(own.nullable for own in relation.own):
                values = tuple(columns.get(own.name) for own in relation.own)
                if None not in values and not self._left.isdisjoint(self._with(relation).get(values, ())):
                    held |= {own.name: columns[own.name] for own in relation.own}
        if held:
            self.held.append((entity, held))
            columns.update(dict.fromkeys(held))

    def _with(self, relation: Reference) -> dict[tuple[Any, ...], set[int]]:
        """Values that a reference would have → the entities of the body that it would lead to, looked for once."""
        key = relation.target, tuple(other.name for other in relation.other)
        found = self._named.get(key)
        if found is None:
            found = self._named[key] = {}
            for each in self.coming.get(relation.target, ()):
                values = tuple(self.session.column_value(each, other) for other in relation.other)
                found.setdefault(values, set()).add(id(each))
        return found

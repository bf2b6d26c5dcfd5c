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
    """The references of one body that wait. `coming`: the entities that are to be inserted, in order."""

    def __init__(self, session: WriteSession, coming: Iterable[Entity]) -> None:
        self.session = session
        self.coming: dict[str, list[Entity]] = {}
        self.held: list[tuple[Entity, dict[str, Any]]] = []
        for each in coming:
            self.coming.setdefault(each.layout.id, []).append(each)

    def hold(self, entity: Entity, columns: dict[str, Any]) -> None:
        """The next entity is about to be inserted: takes the values of its references to later ones out of its columns."""
        self.coming[entity.layout.id].pop(0)
        held: dict[str, Any] = {}
        for name in entity.layout.navigations if any(self.coming.values()) else ():
            relation = entity.layout.relation(name)
            if isinstance(relation, Reference) and relation.nullable and all(own.nullable for own in relation.own):
                values = [columns.get(own.name) for own in relation.own]
                if None not in values and any(values == [self.session.column_value(each, other) for other in relation.other]
                                              for each in self.coming.get(relation.target, ())):
                    held |= {own.name: columns[own.name] for own in relation.own}
        if held:
            self.held.append((entity, held))
            columns.update(dict.fromkeys(held))

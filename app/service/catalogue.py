"""Catalogue: what all write sessions of a service share: layouts, schemas, statements, and what deletes take along.

Everything is made on first use and never changes. One catalogue belongs to one store and one mapping.
"""

from __future__ import annotations

from app.payload.bodies import BodyReader
from app.payload.stored import Documents
from app.plan import Planner
from app.plan.write import Departure, departure
from app.service.layout import Enums, Layout
from app.sql.write import Writer
from app.store import search
from app.store.database import Store
from app.store.mapping import Mapping


class Catalogue:
    """The parts of one service that changing data needs."""

    def __init__(self, store: Store, mapping: Mapping) -> None:
        self.store, self.mapping, self.model = store, mapping, mapping.model
        self.reader = BodyReader(self.model)
        self.documents = Documents(self.model)
        self.enums = Enums(self.model)
        self.writer = Writer(store)
        self.planner = Planner(mapping)
        self.search = search.Index(store, mapping)
        self._layouts: dict[tuple[str, str], Layout] = {}
        self._departures: dict[str, Departure] = {}

    def layout(self, id: str, type: str) -> Layout:
        """The layout of a concrete type in a table."""
        found = self._layouts.get((id, type))
        if found is None:
            found = self._layouts[id, type] = Layout(
                self.mapping, id, type, self.documents, self.enums, self.reader.schemas)
        return found

    def departure(self, id: str) -> Departure:
        """What goes when an entity of a table is deleted."""
        found = self._departures.get(id)
        if found is None:
            found = self._departures[id] = departure(self.mapping, id)
        return found

"""Catalogue: what all write sessions of a service share: layouts, schemas, statements, and what deletes take along.

Everything is made on first use and never changes. One catalogue belongs to one store and one mapping.
"""

from __future__ import annotations

from functools import cached_property

from app.payload.bodies import BodyReader
from app.payload.stored import Documents
from app.plan import Planner
from app.plan.changes import Change
from app.plan.write import Departure, departure
from app.service.layout import Enums, Layout
from app.sql.write import Writer
from app.store import schema, search
from app.store.database import Store
from app.store.mapping import Mapping


class Catalogue:
    """The parts of one service that changing data needs."""

    def __init__(self, store: Store, mapping: Mapping) -> None:
        self.store, self.mapping, self.model = store, mapping, mapping.model
        self.reader = BodyReader(self.model)
        self.documents = Documents(self.model)
        self.enums = Enums(self.model)
        self.writer = Writer(store, self.make_table if schema.grows(mapping) else None)
        self.planner = Planner(mapping)
        self.search = search.Index(store, mapping)
        self._layouts: dict[tuple[str, str], Layout] = {}
        self._departures: dict[str, Departure] = {}

    def make_table(self, id: str) -> None:
        """The table of a mapping id is there."""
        schema.ensure(self.store, self.mapping, id)

    def layout(self, id: str, type: str) -> Layout:
        """The layout of a concrete type in a table."""
        found = self._layouts.get((id, type))
        if found is None:
            found = self._layouts[id, type] = Layout(
                self.mapping, id, type, self.documents, self.enums, self.reader.schemas)
        return found

    # --- large models make their tables when they are first used -----------------------------------------

    @cached_property
    def eager(self) -> bool:
        """Whether every table was made at start."""
        return len(list(self.mapping.sources())) <= schema.EAGER

    def made(self, id: str) -> bool:
        """Whether a table is there."""
        return self.eager or schema.present(self.store, id)

    def prepare(self, id: str, change: Change | None = None) -> None:
        """Make the table of a mapping id and those that a change of its entities reaches. Outside a transaction."""
        if self.eager:
            return
        schema.ensure(self.store, self.mapping, id)
        for owner, navigation in self.mapping.navigations(id):
            target = self.mapping.target(id, owner, navigation.name)
            if target is not None:
                schema.ensure(self.store, self.mapping, target)
        for name, links in change.links.items() if change is not None else ():
            below = self.mapping.target(id, change.type, name) if change is not None else None
            for each in links.targets:
                if below is not None and isinstance(each, Change):
                    self.prepare(below, each)

    def departure(self, id: str) -> Departure:
        """What goes when an entity of a table is deleted."""
        found = self._departures.get(id)
        if found is None:
            found = self._departures[id] = departure(self.mapping, id)
        return found

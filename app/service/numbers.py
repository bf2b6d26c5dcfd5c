"""Numbers: integer keys that the service makes. None is given twice, or a link that a client has kept would lead to another
entity than the one it was made for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.sql.write import Writer
from app.store.mapping import Table

if TYPE_CHECKING:
    from app.service.entities import Entity


class Numbers:
    """The numbers of one transaction: those that went with their rows, until `keep` remembers them."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._gone: dict[str, tuple[Table, dict[str, int]]] = {}

    def next(self, table: Table, column: str) -> int:
        """A number that no entity of the table has or had."""
        _, gone = self._gone.get(table.id, (table, {}))
        return max(self._writer.next_integer(table, column), gone.get(column, 0) + 1)

    def leave(self, entity: Entity) -> None:
        """An entity is deleted."""
        assert entity.row is not None
        for column in entity.layout.numbers:
            _, gone = self._gone.setdefault(entity.layout.id, (entity.layout.table, {}))
            gone[column] = max(gone.get(column, 0), entity.row[column])

    def keep(self) -> None:
        """Remember what is not to be given again, before the transaction ends."""
        for table, gone in self._gone.values():
            for column, number in gone.items():
                self._writer.retire(table, column, number)
        self._gone = {}

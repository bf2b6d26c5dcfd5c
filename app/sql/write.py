"""Writes: INSERT, UPDATE, DELETE and the look-ups of single rows that go with them, one prepared text per (table,
columns).

Peewee builds and compiles each text once; afterwards only the driver runs. Values come in as canonical values of their
columns, rows go out the same way. Raises what the store raises (Conflict for broken references and doubled keys).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import peewee as pw

from app.errors import DuplicateKey
from app.sql.terms import all_of
from app.store import numbers
from app.store.database import Result, Store
from app.store.forms import strip_fraction
from app.store.mapping import Column, Document, Flat, Scalar, Storage, Table

Convert = Callable[[Any], Any] | None


INT64 = "Edm.Int64"
ON_TABLES = frozenset({"find", "insert", "insert rows", "update", "delete", "max"})


class Writer:
    """The write statements of one store. Holds texts and converters, no values. `ready`: called with the mapping id of a
    table before its first statement of a kind, where tables are made when they are first used."""

    def __init__(self, store: Store, ready: Callable[[str], None] | None = None) -> None:
        self._ready = ready
        self.store, self.dialect = store, store.dialect
        self._texts: dict[tuple[Any, ...], str] = {}
        self._inserts: dict[tuple[str, tuple[str, ...]], tuple[str, tuple[Convert, ...]]] = {}
        self._updates: dict[tuple[str, tuple[str, ...]], tuple[str, tuple[Any, ...], tuple[Convert, ...]]] = {}
        self._memory: tuple[str, tuple[int, ...]] | None = None
        self._numbers: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {}
        self._readers: dict[str, tuple[Convert, ...]] = {}
        self._writers: dict[Column, Convert] = {}

    # --- values ------------------------------------------------------------------------------------------

    def bind(self, column: Column, value: Any) -> Any:
        """A canonical value in the form that its column holds."""
        if value is None:
            return None
        try:
            convert = self._writers[column]
        except KeyError:
            convert = self._writers[column] = self.dialect.writer(column.edm, column)
        return value if convert is None else convert(value)

    def record(self, table: Table, row: Sequence[Any]) -> dict[str, Any]:
        """Column name → canonical value of a row of all columns of the table."""
        readers = self._readers.get(table.id)
        if readers is None:
            readers = self._readers[table.id] = tuple(self._reader(column) for column in table.columns)
        return {column.name: value if read is None or value is None else read(value)
                for column, read, value in zip(table.columns, readers, row, strict=True)}

    def _reader(self, column: Column) -> Convert:
        """Stored form → canonical value: instants lose the zeros that a column with Precision shows."""
        read = self.dialect.reader(column)
        if column.type not in ("Edm.DateTimeOffset", "Edm.TimeOfDay") or column.precision is None:
            return read
        return strip_fraction if read is None else lambda value: strip_fraction(read(value))

    # --- texts -------------------------------------------------------------------------------------------

    def _text(self, key: tuple[Any, ...], build: Callable[[], pw.Node]) -> str:
        text = self._texts.get(key)
        if text is None:
            if self._ready is not None and key[0] in ON_TABLES:
                self._ready(key[1])
            text = self._texts[key] = self.store.compile(build())[0]
        return text

    @staticmethod
    def _matches(source: Any, names: Iterable[str]) -> pw.Node:
        return all_of([pw.Expression(pw.Column(source, name), "=", pw.Value(0)) for name in names])

    # --- rows --------------------------------------------------------------------------------------------

    def find(self, table: Table, where: Sequence[tuple[Column, Any]], *, lock: bool = False) -> list[dict[str, Any]]:
        """The rows whose columns have these values, none of them null; `lock`: nobody else may change them
        meanwhile."""
        names = tuple(column.name for column, _ in where)
        lock = lock and self.dialect.name != "sqlite"       # its write transaction locks everything

        def build() -> pw.Node:
            source = pw.Table(table.name).alias("t")
            query = pw.Select([source], [self.dialect.select(pw.Column(source, column.name), column)
                                         for column in table.columns])
            if names:
                query = query.where(self._matches(source, names))
            query = query.order_by(pw.Column(source, table.row_id.name))
            return query.for_update() if lock else query
        text = self._text(("find", table.id, names, lock), build)
        rows = self.store.run(text, [self.bind(column, value) for column, value in where])
        return [self.record(table, row) for row in rows]

    def insert(self, table: Table, values: Mapping[str, Any]) -> int:
        """Insert a row, columns by name; its row id."""
        names = tuple(values)
        known = self._inserts.get((table.id, names))
        if known is None:
            columns = self._named(table, names)
            text = self.store.compile(self._insert(table, columns, True))[0]
            known = self._inserts[table.id, names] = text, self._converters(columns)
        text, converters = known
        parameters = [value if convert is None or value is None else convert(value)
                      for convert, value in zip(converters, values.values(), strict=True)]
        return int(self._execute(table, text, parameters).rows[0][0])

    def insert_rows(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
        """Insert many whole rows, their row ids among them; columns that a row does not name are null."""
        text = self._text(("insert rows", table.id), lambda: self._insert(table, table.columns, False))
        columns = [(column.name, convert) for column, convert in zip(
            table.columns, self._converters(table.columns), strict=True)]
        return self.store.executemany(text, [
            [value if convert is None or value is None else convert(value)
             for name, convert in columns for value in (row.get(name),)] for row in rows])

    def _execute(self, table: Table, text: str, parameters: Sequence[Any]) -> Result:
        """Run a changing statement; a doubled key is told by the paths of its properties."""
        try:
            return self.store.execute(text, parameters)
        except DuplicateKey as error:
            paths = dict(path for (_, name), storage in table.members.items() for path in column_paths(name, storage))
            raise DuplicateKey(paths.get(name, name) for name in error.names) from error

    @staticmethod
    def _insert(table: Table, columns: tuple[Column, ...], returning: bool) -> pw.Node:
        source = pw.Table(table.name)
        named = [pw.Column(source, column.name) for column in columns]
        query = pw.Insert(source, [[pw.Value(0)] * len(named)], columns=named)
        return query.returning(pw.Column(source, table.row_id.name)) if returning else query

    @staticmethod
    def _named(table: Table, names: tuple[str, ...]) -> tuple[Column, ...]:
        columns = {column.name: column for column in table.columns}
        return tuple(columns[name] for name in names)

    def _converters(self, columns: Iterable[Column]) -> tuple[Convert, ...]:
        return tuple(self.dialect.writer(column.edm, column) for column in columns)

    def update(self, table: Table, row_id: int, version: int, values: Mapping[str, Any]) -> bool:
        """Change a row that still has this version, which goes up by one; whether it had."""
        names = tuple(values)
        known = self._updates.get((table.id, names))
        if known is None:
            source = pw.Table(table.name)
            changes: dict[Any, Any] = {pw.Column(source, name): pw.Value(index) for index, name in enumerate(names)}
            counter = pw.Column(source, table.version.name)
            changes[counter] = pw.Expression(counter, "+", pw.SQL("1"))
            where = all_of([pw.Expression(pw.Column(source, column.name), "=", pw.Value(len(names) + index))
                            for index, column in enumerate((table.row_id, table.version))])
            known = self._updates[table.id, names] = (
                *self.store.compile(pw.Update(source, changes).where(where)), self._converters(self._named(table, names)))
        text, places, converters = known    # Peewee sorts what it sets: the marks tell the order
        bound = [value if convert is None or value is None else convert(value)
                 for convert, value in zip(converters, values.values(), strict=True)]
        bound += (row_id, version)
        return self._execute(table, text, [bound[place] for place in places]).count > 0

    def update_all(self, table: Table, rows: Sequence[int], values: Mapping[str, Any]) -> int:
        """Change the rows with these ids alike, with one statement; each version goes up by one. How many there were."""
        names = tuple(values)
        source = pw.Table(table.name)
        changes: dict[Any, Any] = {pw.Column(source, name): pw.Value(index) for index, name in enumerate(names)}
        counter = pw.Column(source, table.version.name)
        changes[counter] = pw.Expression(counter, "+", pw.SQL("1"))
        mark = self.dialect.in_list(pw.Column(source, table.row_id.name), pw.Value(len(names)), INT64)
        text, places = self.store.compile(pw.Update(source, changes).where(mark))
        bound = [self.bind(column, values[column.name]) for column in self._named(table, names)]
        bound.append(self.dialect.list_writer(INT64)(list(rows)))
        return self._execute(table, text, [bound[place] for place in places]).count

    def delete_all(self, table: Table, rows: Sequence[int]) -> int:
        """Delete the rows with these ids, with one statement; how many there were."""
        def build() -> pw.Node:
            source = pw.Table(table.name)
            return pw.Delete(source).where(
                self.dialect.in_list(pw.Column(source, table.row_id.name), pw.Value(0), INT64))
        text = self._text(("delete all", table.id), build)
        return self.store.execute(text, [self.dialect.list_writer(INT64)(list(rows))]).count

    def delete(self, table: Table, row_id: int, version: int) -> bool:
        """Delete a row that still has this version; whether it had."""
        def build() -> pw.Node:
            source = pw.Table(table.name)
            return pw.Delete(source).where(self._matches(source, (table.row_id.name, table.version.name)))
        return self.store.execute(self._text(("delete", table.id), build), [row_id, version]).count > 0

    def next_integer(self, table: Table, name: str) -> int:
        """The next number for an integer key that the service makes, greater than any that was given."""
        statement = self._numbers.get((table.name, name))
        if statement is None:
            if self._ready is not None:
                self._ready(table.id)
            statement = self._numbers[table.name, name] = numbers.query(self.store, table.name, name)
        return numbers.following(self.store, table.name, name, statement)

    def retire(self, table: Table, name: str, number: int) -> None:
        """A number of an integer key that the service makes has gone with its row: no greater one being there, it is
        remembered."""
        if number > self._highest(table, name):
            if self._memory is None:
                self._memory = numbers.memory(self.store)
            text, places = self._memory
            given = (numbers.name(table.name, name), numbers.digits(number))
            self.store.execute(text, [given[place] for place in places])

    def _highest(self, table: Table, name: str) -> int:
        def build() -> pw.Node:
            source = pw.Table(table.name).alias("t")
            return pw.Select([source], [pw.fn.MAX(pw.Column(source, name))])
        return int(self.store.run(self._text(("max", table.id, name), build))[0][0] or 0)

    def advance(self, table: Table) -> None:
        """Let new row ids follow those that were inserted with the rows (SQLite and MariaDB do so by themselves)."""
        if self.dialect.name not in ("postgresql", "cockroachdb"):
            return
        name, column = '"' + table.name.replace('"', '""') + '"', table.row_id.name
        sequence = pw.fn.pg_get_serial_sequence(name, column)
        text, parameters = self.store.compile(
            pw.Select(columns=[pw.fn.setval(sequence, self._highest(table, column) or 1)]))
        self.store.run(text, parameters)

    # --- rows of link tables and other tables of ours -----------------------------------------------------

    def pairs(self, name: str, wanted: Sequence[str], where: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Columns of the rows of a table of integers and texts whose columns have these values."""
        names = tuple(where)

        def build() -> pw.Node:
            source = pw.Table(name).alias("t")
            query = pw.Select([source], [pw.Column(source, each) for each in wanted])
            return query.where(self._matches(source, names)) if names else query
        return self.store.run(self._text(("pairs", name, tuple(wanted), names), build), list(where.values()))

    def add(self, name: str, values: Mapping[str, Any]) -> None:
        """Insert a row."""
        self.store.execute(self._add_text(name, tuple(values)), list(values.values()))

    def add_rows(self, name: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
        """Insert many rows."""
        self.store.executemany(self._add_text(name, columns), rows)

    def _add_text(self, name: str, columns: tuple[str, ...]) -> str:
        def build() -> pw.Node:
            source = pw.Table(name)
            return pw.Insert(
                source, [[pw.Value(0)] * len(columns)],
                columns=[pw.Column(source, each) for each in columns])
        return self._text(("add", name, columns), build)

    def remove(self, name: str, where: Mapping[str, Any]) -> int:
        """Delete the rows whose columns have these values; how many they were."""
        names = tuple(where)

        def build() -> pw.Node:
            source = pw.Table(name)
            return pw.Delete(source).where(self._matches(source, names))
        return self.store.execute(self._text(("remove", name, names), build), list(where.values())).count


def column_paths(path: str, storage: Storage) -> Iterator[tuple[str, str]]:
    """The columns of a property by name, with the paths of what they hold."""
    match storage:
        case Scalar(column):
            yield column.name, path
        case Flat(_, members):
            for name, member in members.items():
                yield from column_paths(f"{path}/{name}", member)
        case Document(copies=copies):
            for name, copy in copies:
                yield copy.column.name, f"{path}/{name}"

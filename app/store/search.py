"""Search: one index table for all stores, the words of every searchable entity with their positions (DESIGN §5).

Words are NFKC, in simple lower case, cut at everything that is neither letter nor digit. The index of a set is built when
it is first searched (sets that are never searched cost nothing) and from then on kept by every write, in the same
transaction. A phrase cannot run from one property into the next: there is a gap between their positions.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import peewee as pw

from app.edm import vocabularies
from app.store import casing, schema
from app.store.database import Store
from app.store.mapping import Column, Document, Flat, Mapping, Scalar, Storage

GAP = 100
TERM_LENGTH = 200
CHUNK = 500
BATCH = 100_000         # entries that are inserted together while an index is built, sorted: the nearer, the cheaper
MARK = "search:"
_WORDS = re.compile(r"[^\W_]+")

Field = tuple[Column, tuple[str, ...]]      # a column, and the member names to go inside its JSON text
Entry = tuple[str, str, int, int]           # term, mapping id, row id, position
KEY = ("term", "source", "row", "position")


def words(text: str) -> list[str]:
    """The words of a text, in order, as the index has them."""
    folded = text.lower() if text.isascii() else casing.lower(unicodedata.normalize("NFKC", text)) or ""
    found: list[str] = _WORDS.findall(folded)
    return found if len(folded) <= TERM_LENGTH else [word[:TERM_LENGTH] for word in found]


def fields(mapping: Mapping, id: str) -> tuple[Field, ...]:
    """Where the searchable texts of a table are: the paths of Store.Searchable, else every string (type by type)."""
    table, model = mapping.table(id), mapping.model
    found: dict[Field, None] = {}
    for each in mapping.family(id):
        wanted = vocabularies.searchable_properties(model, each)
        names = model.properties(each) if wanted is None else {}
        for path in wanted if wanted is not None else tuple(names):
            top, *steps = path.split("/")
            if top in model.properties(each) and vocabularies.unreadable(model, each, model.properties(each)[top]):
                continue
            storage = table.members.get((model.declaring(each, top) or each, top))
            if storage is not None:
                found.update(dict.fromkeys(_texts(storage, tuple(steps), wanted is not None)))
    return tuple(found)


def _texts(storage: Storage, steps: tuple[str, ...], named: bool) -> Iterator[Field]:
    match storage:
        case Scalar(column) if column.edm == "Edm.String" and not steps:
            yield column, ()
        case Flat(_, members, _) if steps:
            if steps[0] in members:
                yield from _texts(members[steps[0]], steps[1:], named)
        case Flat(_, members, _):
            for member in members.values():
                yield from _texts(member, (), named)
        case Document(column, type, _) if named or type == "Edm.String":
            yield column, steps


class Index:
    """The search index of one store."""

    def __init__(self, store: Store, mapping: Mapping) -> None:
        self.store, self.mapping = store, mapping
        self._built: set[str] = set()
        self._texts: dict[str, tuple[str, tuple[Field, ...]]] = {}

    # --- keeping -----------------------------------------------------------------------------------------

    def ensure(self, ids: Iterable[str]) -> None:
        """The indexes of these tables are there; builds those that are missing."""
        for id in ids:
            if id not in self._built:
                with self.store.write():
                    self._hold(id)
                    if schema.setting(self.store, MARK + id) != self._form(id):
                        self._build(id)
                self._built.add(id)

    def keep(self, touched: Iterable[tuple[str, int]]) -> None:
        """Bring the entries of rows (mapping id, row id) up to date. Inside the transaction that changed them, after its
        last change: the set may have been indexed meanwhile."""
        rows: dict[str, list[int]] = {}
        for id, row in touched:
            rows.setdefault(id, []).append(row)
        for id in self.indexed() & rows.keys():
            self.refresh(id, rows[id])

    def indexed(self) -> set[str]:
        """The mapping ids that have an index."""
        return {row[0][len(MARK):] for row in self.store.run(*self._marks)}

    @cached_property
    def _marks(self) -> tuple[str, tuple[Any, ...]]:
        """The statement that finds the indexes; compiled once, since every write asks it."""
        table = pw.Table("odata_meta").alias("t1")
        name = pw.Column(table, "name")
        return self.store.compile(pw.Select([table], [name]).where(
            pw.Expression(name, ">=", pw.Value(MARK)), pw.Expression(name, "<", pw.Value(MARK[:-1] + ";"))))

    def refresh(self, id: str, rows: Sequence[int]) -> None:
        """The entries of these rows anew; of rows that are gone none stay."""
        index = pw.Table("odata_search")
        for start in range(0, len(rows), CHUNK):
            part = list(dict.fromkeys(rows[start:start + CHUNK]))
            gone = index.delete().where(pw.Expression(pw.Entity("source"), "=", pw.Value(id)),
                                        pw.Expression(pw.Entity("row"), "IN", pw.EnclosedNodeList(
                                            [pw.Value(row) for row in part])))
            self.store.execute(*self.store.compile(gone))
            entries: list[Entry] = []
            self._read(id, "IN", pw.EnclosedNodeList([pw.Value(row) for row in part]), entries)
            self._add(entries)

    def _form(self, id: str) -> str:
        """What the index of a table is made of: another one when the model searches other properties."""
        return hashlib.sha256(repr([(column.name, steps) for column, steps in fields(self.mapping, id)]).encode()).hexdigest()

    def _build(self, id: str) -> None:
        self.store.execute(*self.store.compile(pw.Table("odata_search").delete().where(
            pw.Expression(pw.Entity("source"), "=", pw.Value(id)))))
        table = [each for each in schema.system_tables(self.store.dialect.name) if each.name == "odata_search"]
        with self.store.driver.unhurried(self.store.connection()), schema.filling(
                self.store, () if self.indexed() - {id} else table):
            self._fill(id)
        if self.store.dialect.name == "postgresql":     # else it plans for a handful of hits until it looks by itself
            self.store.execute(*self.store.compile(pw.NodeList((pw.SQL("ANALYZE"), pw.Entity("odata_search")))))
        schema.set_setting(self.store, MARK + id, self._form(id))

    def _fill(self, id: str) -> None:
        """Inserts the entries of every row."""
        entries: list[Entry] = []
        last = self._read(id, ">", pw.Value(0), entries)
        while last:
            if len(entries) >= BATCH:
                self._add(entries)
                entries = []
            last = self._read(id, ">", pw.Value(last), entries)
        self._add(entries)

    def _hold(self, id: str) -> None:
        """No other transaction changes the table until this one ends (SQLite has one writer anyway)."""
        name = self.mapping.table(id).name
        if self.store.dialect.name == "postgresql":
            self.store.execute(*self.store.compile(pw.NodeList((pw.SQL("LOCK TABLE"), pw.Entity(name),
                                                                pw.SQL("IN SHARE MODE")))))
        elif self.store.dialect.name == "mariadb":
            self.store.run(*self.store.compile(pw.NodeList((
                pw.SQL("SELECT COUNT(*) FROM"), pw.Entity(name), pw.SQL("LOCK IN SHARE MODE")))))

    def _read(self, id: str, operator: str, rows: pw.Node, entries: list[Entry]) -> int:
        """Collects the entries of the next rows whose row ids compare so; the last of these, 0 where there are none."""
        table, found = self.mapping.table(id), fields(self.mapping, id)
        if not found:
            return 0
        columns = tuple(dict.fromkeys(column for column, _ in found))
        places = [(columns.index(column) + 1, column.type == "json", steps) for column, steps in found]
        source = pw.Table(table.name).alias("t1")
        row_id = pw.Column(source, table.row_id.name)
        chosen = [self.store.dialect.select(pw.Column(source, column.name), column) for column in columns]
        query = pw.Select([source], [row_id, *chosen]).where(pw.Expression(row_id, operator, rows))
        number = 0
        for row in self.store.run(*self.store.compile(query.order_by(row_id).limit(CHUNK))):
            number, position = row[0], 0
            for at, document, steps in places:
                value = row[at]
                if value is None:
                    continue
                for text in _inside(json.loads(value), steps) if document else (value,):
                    said = words(text)
                    entries.extend([(word, id, number, position + index) for index, word in enumerate(said)])
                    position += len(said) + GAP
        return int(number)

    def _add(self, entries: list[Entry]) -> None:
        """Inserts entries in the order of the table's key."""
        if entries:
            entries.sort()
            columns = [pw.Entity(name) for name in KEY]
            text, _ = self.store.compile(pw.Insert(pw.Table("odata_search"), [[pw.Value(0)] * len(KEY)], columns=columns))
            self.store.executemany(text, entries)


def _inside(value: Any, steps: tuple[str, ...]) -> Iterator[str]:
    """The strings at a path of a parsed document, through collections; below its end, every string but control information."""
    if isinstance(value, list):
        for item in value:
            yield from _inside(item, steps)
    elif isinstance(value, dict):
        for name, item in value.items():
            if "@" not in name and (not steps or name == steps[0]):
                yield from _inside(item, steps[1:])
    elif isinstance(value, str) and not steps:
        yield value

"""Change log: which entities changed between two boundaries, in the order in which the changes became visible.

A boundary is a text that stands for "everything seen so far": the next number of the log where transactions that write
take turns (SQLite; MariaDB and CockroachDB by `take_turn`), the snapshot itself on PostgreSQL, where a slow transaction
commits lower numbers after higher ones were seen. Read it in the transaction that reads the data. Old lines go by `purge`;
the newest always stays, so that no number is given twice. DESIGN §6; peewee-recipes §19.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import peewee as pw

from app.store import schema
from app.store.clauses import infix, words
from app.store.database import Store, Stream
from app.store.mapping import Column

PURGED = "changes_purged"
AT = Column("at", "Edm.DateTimeOffset", "Edm.DateTimeOffset", False)
READ = (Column("source", "Edm.String", "Edm.String"), Column("row", "Edm.Int64", "Edm.Int64"), Column("key", "json", "json"),
        Column("kind", "Edm.String", "Edm.String"), Column("columns", "json", "json"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `key`: name in key predicates → value as JSON. `names`: the properties (else columns) that changed, or
    what a link is. `was`: columns by which the entity was tied to others before → their old values."""

    source: str
    row: int
    key: dict[str, Any]
    kind: str
    names: tuple[Any, ...] = ()
    was: dict[str, Any] | None = None


def boundary(store: Store, view: Store | Stream | None = None) -> str:
    """What the present view of the data has seen."""
    if store.dialect.name == "postgresql":
        return str((view or store).run("SELECT pg_current_snapshot()::text")[0][0])
    return str(int((view or store).run(f"SELECT MAX({_quoted(store, 'sequence')}) FROM odata_changes")[0][0] or 0) + 1)


def _quoted(store: Store, name: str) -> str:
    return f"`{name}`" if store.dialect.name == "mariadb" else f'"{name}"'


def kept(store: Store, old: str) -> bool:
    """Whether the log still has everything that came after a boundary."""
    purged = schema.setting(store, PURGED)
    return purged is None or int(purged) < int(old.partition(":")[0])


def moved(store: Store, old: str, sources: Iterable[str] | None = None) -> bool:
    """Whether anything of some tables (None: of any) has changed since a boundary, or may have: the log is no longer kept."""
    if not kept(store, old):
        return True
    log = pw.Table("odata_changes").alias("t1")
    query = log.select(pw.Entity("t1", "sequence")).where(_behind(store, old, None, sources)).limit(1)
    return bool(store.run(*store.compile(query)))


def since(store: Store, sources: Iterable[str], old: str, new: str) -> list[Entry]:
    """The lines about some tables between two boundaries, in order."""
    log, dialect = pw.Table("odata_changes").alias("t1"), store.dialect
    order = [pw.Entity("t1", name) for name in (("xid", "sequence") if dialect.name == "postgresql" else ("sequence",))]
    query = log.select(*(dialect.select(pw.Entity("t1", column.name), column) for column in READ))
    query = query.where(_behind(store, old, new, sources)).order_by(*order)
    return [_entry(row) for row in store.run(*store.compile(query))]


def _behind(store: Store, old: str, new: str | None, sources: Iterable[str] | None) -> pw.Node:
    """The condition of lines between two boundaries (None: up to what can be seen) about some tables (None: any)."""
    number = pw.Entity("t1", "sequence")
    where: list[pw.Node] = []
    if store.dialect.name == "postgresql":
        xid = pw.Entity("t1", "xid")
        where = [infix(xid, ">=", words("CAST(", pw.Value(old.partition(":")[0]), "AS xid8)")),
                 words("NOT pg_visible_in_snapshot(", xid, ", CAST(", pw.Value(old), "AS pg_snapshot))")]
        if new is not None:
            where.append(words("pg_visible_in_snapshot(", xid, ", CAST(", pw.Value(new), "AS pg_snapshot))"))
    else:
        where = [infix(number, ">=", pw.Value(int(old)))]
        if new is not None:
            where.append(infix(number, "<", pw.Value(int(new))))
    if sources is not None:
        source: pw.Node = pw.Entity("t1", "source")
        if store.dialect.name == "sqlite":
            source = words("+", source)         # the numbers find the lines, not the table that they are about
        where.append(infix(source, "IN", pw.NodeList([pw.Value(each) for each in sorted(sources)], ", ", True)))
    return pw.NodeList(where, " AND ", True)


def _entry(row: tuple[Any, ...]) -> Entry:
    source, number, key, kind, columns = row
    listed = _parsed(columns) or []
    was = listed.pop() if listed and isinstance(listed[-1], dict) else None
    return Entry(source, int(number), _parsed(key) or {}, kind, tuple(listed), was)


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str | bytes) else value


def take_turn(store: Store) -> None:
    """Before the lines of a transaction are written: wait until every other writer of lines has ended, where numbers
    would else be seen out of their order."""
    if store.dialect.name in ("mariadb", "cockroachdb"):
        store.run("SELECT value FROM odata_meta WHERE name = 'secret' FOR UPDATE")


def purge(store: Store, cutoff: str) -> int:
    """Remove the lines written before an instant, but the newest; how many they were."""
    log, at = pw.Table("odata_changes"), store.dialect.writer(AT.edm, AT)
    column = "xid" if store.dialect.name == "postgresql" else "sequence"
    limit = pw.Value(at(cutoff) if at is not None else cutoff)
    aliased: Any = log.alias("t1")
    old = infix(pw.Entity("t1", "at"), "<", limit)
    newest = infix(pw.Entity("t1", "sequence"), "<", words("(SELECT MAX(", pw.Entity("sequence"), ") FROM odata_changes)"))
    where = [old, newest]
    shown: pw.Node = pw.Entity("t1", column)
    if column == "xid":
        where.append(words(shown, "< pg_snapshot_xmin(pg_current_snapshot())"))
        shown = words("CAST(", shown, "AS text)")
    found = aliased.select(shown).where(pw.NodeList(where, " AND ", True)).order_by(pw.Entity("t1", column).desc()).limit(1)
    with store.write():
        rows = store.run(*store.compile(found))
        if not rows:
            return 0
        last = str(rows[0][0])
        mark = words("CAST(", pw.Value(last), "AS xid8)") if column == "xid" else pw.Value(int(last))
        gone = log.delete().where(infix(pw.Entity("at"), "<", limit), infix(pw.Entity(column), "<=", mark))
        count = store.execute(*store.compile(gone)).count
        schema.set_setting(store, PURGED, last)
        return count

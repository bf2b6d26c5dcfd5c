"""Numbers: integer keys that the service makes, each of them given once.

The next number follows the greatest that is stored and the greatest that was: `memory` remembers the latter when its row
goes, so that what an old link named is never another entity. Remembered in `odata_meta`, as text of fixed length that
compares like the number.
"""

from __future__ import annotations

import peewee as pw

from app.store.clauses import enclosed, infix, words
from app.store.database import Store

DIGITS = 20


def name(table: str, column: str) -> str:
    """The name under which the greatest number of a column is remembered."""
    return f"last {table}.{column}"


def query(store: Store, table: str, column: str) -> tuple[str, tuple[str, ...]]:
    """The statement that reads the greatest number stored and the one remembered, and what it binds."""
    end = ["FOR UPDATE"] if store.dialect.name == "mariadb" else []     # the present, whatever was read before
    stored = pw.Table(table).alias("t1").select(pw.fn.MAX(pw.Entity("t1", column)))
    meta = pw.Table("odata_meta").alias("t2").select(pw.Entity("t2", "value")).where(
        infix(pw.Entity("t2", "name"), "=", pw.Value(name(table, column))))
    return store.compile(words("SELECT", pw.NodeList([enclosed(stored, *end), enclosed(meta, *end)], ", ")))


def following(store: Store, table: str, column: str, statement: tuple[str, tuple[str, ...]]) -> int:
    """The next number of a column (`statement`: its `query`). Inside `write()`; a second transaction that asks for the same
    column waits for the end of this one."""
    if store.dialect.name == "postgresql":
        store.run("SELECT pg_advisory_xact_lock(hashtext(%s), hashtext(%s))", (table, column))
    stored, remembered = store.run(*statement)[0]
    return max(int(stored or 0), int(remembered or 0)) + 1


def memory(store: Store) -> tuple[str, tuple[int, ...]]:
    """The statement that remembers a number whose row has gone, in the transaction in which it went, and the places of
    what it binds: 0 the `name` of the column, 1 the `digits` of the number. The greatest stays."""
    stored, marked = pw.Entity("odata_meta", "value"), pw.Value(1)
    insert = pw.Table("odata_meta").insert([(0, marked)], columns=[pw.Entity("name"), pw.Entity("value")])
    greater = pw.Function("MAX" if store.dialect.name == "sqlite" else "GREATEST", (stored, marked))
    target = {} if store.dialect.name == "mariadb" else {"conflict_target": [pw.Entity("name")]}
    return store.compile(insert.on_conflict(update={pw.Entity("value"): greater}, **target))


def digits(number: int) -> str:
    """A number as it is remembered."""
    return str(number).zfill(DIGITS)


def rename(store: Store, old: tuple[str, str], new: tuple[str, str]) -> None:
    """A column (table, column) is another one now."""
    if old != new:
        named = pw.Entity("name")
        store.execute(*store.compile(pw.Table("odata_meta").update({named: pw.Value(name(*new))}).where(
            infix(named, "=", pw.Value(name(*old))))))

"""The floor under every case: the bare statement, tuples, dictionaries, orjson; no parser, no model, no checks."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from benchmarks.dataset import PROCESS_COLUMNS, RUN_COLUMNS

CONTEXT = "http://localhost/$metadata#"
RUN = ", ".join(f"r.{name}" for name in RUN_COLUMNS)
PROCESS = ", ".join(f"p.{name}" for name in PROCESS_COLUMNS)


class Bare:
    """Hand-written answers to the cases over `plain.db`, in the order of the rows as the service gives them."""

    def __init__(self, path: Path, process: str) -> None:
        self.process = process
        self.connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "mmap_size=268435456", "cache_size=-16384"):
            self.connection.execute(f"PRAGMA {pragma}")

    def close(self) -> None:
        self.connection.close()

    def rows(self, columns: tuple[str, ...], text: str, *values: Any) -> list[dict[str, Any]]:
        return [dict(zip(columns, row)) for row in self.connection.execute(text, values)]

    def page(self, rows: list[dict[str, Any]], **more: Any) -> bytes:
        return orjson.dumps({"@odata.context": CONTEXT + "runs", **more, "value": rows})

    def key(self, key: str) -> bytes:
        row, = self.rows(RUN_COLUMNS, f"SELECT {RUN} FROM runs r WHERE id = ?", key)
        return orjson.dumps({"@odata.context": CONTEXT + "runs/$entity", **row})

    def top(self, number: int) -> bytes:
        return self.page(self.rows(RUN_COLUMNS, f"SELECT {RUN} FROM runs r ORDER BY rowid LIMIT ?", number))

    def filtered(self) -> bytes:
        return self.page(self.rows(
            ("id", "displayName", "status"), "SELECT id, displayName, status FROM runs WHERE status = ? "
            "ORDER BY startDateTime DESC, rowid LIMIT 50", "failed"))

    def expand_one(self) -> bytes:
        width = len(RUN_COLUMNS)
        rows = []
        for row in self.connection.execute(f"SELECT {RUN}, {PROCESS} FROM runs r JOIN processes p ON p.id = "
                                           "r.processId ORDER BY r.rowid LIMIT 1000"):
            rows.append(dict(zip(RUN_COLUMNS, row)) | {"process": dict(zip(PROCESS_COLUMNS, row[width:]))})
        return self.page(rows)

    def expand_many(self) -> bytes:
        parents = self.rows(PROCESS_COLUMNS, f"SELECT {PROCESS} FROM processes p ORDER BY rowid LIMIT 50")
        for parent in parents:
            parent["runs"] = []
        by_key = {parent["id"]: parent["runs"] for parent in parents}
        keys = orjson.dumps(list(by_key)).decode()
        for child in self.rows(
                RUN_COLUMNS, f"SELECT {RUN} FROM json_each(?) k JOIN runs r ON r.rowid IN (SELECT rowid FROM runs "
                "WHERE processId = k.value ORDER BY rowid LIMIT 5)", keys):
            by_key[child["processId"]].append(child)
        return self.page(parents)

    def count(self) -> bytes:
        number, = self.connection.execute("SELECT COUNT(*) FROM runs WHERE status = ?", ("failed",)).fetchone()
        rows = self.rows(RUN_COLUMNS, f"SELECT {RUN} FROM runs r WHERE status = ? ORDER BY rowid LIMIT 1", "failed")
        return self.page(rows, **{"@odata.count": number})

    def export(self) -> Iterator[bytes]:
        cursor = self.connection.execute(f"SELECT {RUN} FROM runs r ORDER BY rowid")
        yield b'{"@odata.context":"' + CONTEXT.encode() + b'runs","value":['
        lead = b""
        while chunk := cursor.fetchmany(1000):
            yield lead + orjson.dumps([dict(zip(RUN_COLUMNS, row)) for row in chunk])[1:-1]
            lead = b","
        yield b"]}"

    def create(self) -> bytes:
        row = (str(uuid.uuid4()), "posted run", "2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z", "posted", self.process,
               "{}")
        self.connection.execute("INSERT INTO runs VALUES(?,?,?,?,?,?,?)", row)
        return orjson.dumps({"@odata.context": CONTEXT + "runs/$entity", **dict(zip(RUN_COLUMNS, row))})

    def group(self) -> bytes:
        return self.page(self.rows(("status", "n"), "SELECT status, COUNT(*) FROM runs GROUP BY status"))

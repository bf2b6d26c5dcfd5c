"""Render: Peewee nodes as the text of one dialect, without a connection, within a limit.

An operation that names its operand more than once doubles the text with every level; the limit ends that before memory
does, and a request is told so. Identifiers and placeholders are Peewee's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import peewee as pw
from playhouse.cockroachdb import CockroachDatabase

from app.errors import LimitExceeded

PIECES = 100_000        # of text: far beyond what an expression of the permitted depth takes

DATABASES: Mapping[str, pw.Database] = {
    "sqlite": pw.SqliteDatabase(None), "postgresql": pw.PostgresqlDatabase(None), "mariadb": pw.MySQLDatabase(None),
    "cockroachdb": CockroachDatabase(None)}
# Peewee would ask the server whether compound queries may have parentheses; every MariaDB of today takes them.
DATABASES["mariadb"].compound_select_parentheses = pw.CSQ_PARENTHESES_GROUPED


class Bounded(pw.Context):
    """A Peewee context that refuses to grow beyond the limit."""

    _sql: list[str]

    def literal(self, keyword: str) -> Bounded:
        self._sql.append(keyword)
        if len(self._sql) > PIECES:
            raise LimitExceeded(limit="size of an expression", allowed=f"{PIECES} pieces of SQL")
        return self


def render(query: pw.Node, dialect: str) -> tuple[str, list[Any]]:
    """The text of a query for a dialect, and what its placeholders stand for, in order. Raises LimitExceeded."""
    context: Any = Bounded(**DATABASES[dialect].get_context_options())
    text, marks = context.sql(query).query()
    return text, marks

"""Run: a statement and the values of a request become rows.

Rows are tuples as the driver gives them; `Statement.columns` tells which reader each column needs (`readers`).
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from app.sql.statement import Convert, Statement, Values
from app.store import Store
from app.store.database import Stream
from app.store.dialects import Dialect

CHUNK = 1000


def fetch(store: Store | Stream, statement: Statement, values: Values) -> list[tuple[Any, ...]]:
    """All rows of a statement, in the view of an open stream where that is given.

    Raises TypeMismatch for a literal that is not of its type, else what the store raises.
    """
    rows = store.run(statement.text, [get(values) for get in statement.getters])
    if statement.by is not None:
        rows.sort(key=itemgetter(statement.by))
    return rows


def stream(store: Store, statement: Statement, values: Values, size: int = CHUNK) -> Stream:
    """The rows in chunks, over a connection and a view of their own; to be closed."""
    return store.stream(statement.text, [get(values) for get in statement.getters], size)


def readers(statement: Statement, dialect: Dialect) -> tuple[Convert | None, ...]:
    """For each column the function from what the driver gives to the canonical value; None where it is that already."""
    return tuple(dialect.expression_reader(type_name) if column is None else dialect.reader(column)
                 for column, type_name in statement.columns)

"""Pairs: which rows of a table are related to which of another, told by the row ids at either end.

The ids come as one list (`Values.rows`), so the text is the same for any number of them.
"""

from __future__ import annotations

import peewee as pw

from app.plan.nodes import NO_GRANTS
from app.sql import compile as queries
from app.sql import relations, sources
from app.sql.scope import Build, Frame, Row
from app.sql.statement import Statement
from app.store import mapping as tables
from app.store.dialects import Dialect


def compile_pairs(own: str, relation: tables.Relation | tables.DocumentLink, target: str, by_target: bool,
                  mapping: tables.Mapping, dialect: Dialect) -> Statement:
    """(row id of `own`, row id of `target`) of related rows; `by_target`: the ids given are those of the targets."""
    build = Build(dialect, mapping, NO_GRANTS)
    table, other = mapping.table(own), mapping.table(target)
    alias = build.table(table.name)
    row = Row(Frame(build, alias), alias, table)
    there = Row(row.frame, build.table(other.name), other, ("pair",))
    relations.inner(row.frame, there, relations.ties(build, relation, row, there))
    nodes = [(row.column(table.row_id), table.row_id), (there.column(other.row_id), other.row_id)]
    asked = there if by_target else row
    query = pw.Select([row.frame.source], [node for node, _ in nodes]).where(sources.among_rows(asked))
    return queries.statement(query, [(node, column, column.edm) for node, column in nodes], 0, build)

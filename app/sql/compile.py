"""Compile: a plan's query becomes one SELECT as text, with marks where values of the request go.

Peewee nodes only; texts depend on the plan alone. For an expanded path with a page per parent the form is the one that
was measured best for the store: LATERAL on PostgreSQL, ROW_NUMBER elsewhere. DESIGN §3; peewee-recipes §5, §10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import peewee as pw
from playhouse.cockroachdb import CockroachDatabase

from app.bind import nodes as bound
from app.plan.nodes import CountQuery, Order, Output, Query, Slot
from app.sql import expression, keyset, search, sources, terms
from app.sql.scope import Build, Operand, Scope
from app.sql.statement import Bind, Statement, getter
from app.store import mapping as tables
from app.store.dialects import Dialect
from app.store.mapping import Column

WRITERS: Mapping[str, pw.Database] = {
    "sqlite": pw.SqliteDatabase(None), "postgresql": pw.PostgresqlDatabase(None), "mariadb": pw.MySQLDatabase(None),
    "cockroachdb": CockroachDatabase(None)}
# Peewee would ask the server whether compound queries may have parentheses; every MariaDB of today takes them.
WRITERS["mariadb"].compound_select_parentheses = pw.CSQ_PARENTHESES_GROUPED

Grants = Mapping[str, bound.Expression]
Columns = tuple[tuple[Column | None, str], ...]
Selected = list[tuple[pw.Node, Column | None, str]]


def compile_query(query: Query, mapping: tables.Mapping, dialect: Dialect, grants: Grants | None = None) -> Statement:
    """The SELECT of a query. `grants`: row predicates by mapping id, for the tables that its expressions reach.

    Raises NotImplementedByService, naming it, for what cannot be computed in SQL or is kept nowhere.
    """
    build = Build(dialect, mapping, grants or {})
    opened = sources.open_source(query.source, build)
    scope = named(opened.scope, query.compute)
    opened.where.extend(conditions(query.filter, query.search, scope))
    selected = [(dialect.select(node, column), column, column.edm) for node, column in opened.links]
    selected.extend(output(each, scope) for each in query.outputs)
    order = [ordering(each, scope) for each in query.order]
    if query.after is not None:
        opened.where.append(keyset.after([operand for operand, _ in order], [down for _, down in order], query.after, build))
    if opened.links and (query.top is not None or query.skip is not None):
        from app.sql import children
        built = children.paged(query, opened, selected, order)
    else:
        built = plain(query, opened, selected, order)
    return statement(built, selected, len(opened.links), build)


def compile_count(query: CountQuery, mapping: tables.Mapping, dialect: Dialect, grants: Grants | None = None) -> Statement:
    """SELECT COUNT(*); with `parents` one row per parent that has any: its link values and the count."""
    build = Build(dialect, mapping, grants or {})
    opened = sources.open_source(query.source, build)
    opened.where.extend(conditions(query.filter, query.search, named(opened.scope, query.compute)))
    selected: Selected = [(dialect.select(node, column), column, column.edm) for node, column in opened.links]
    selected.append((pw.fn.COUNT(terms.STAR), None, "Edm.Int64"))
    opened.where.extend(sources.among_parents(opened.links, build))
    built = select(opened, selected)
    if opened.links:
        built = built.group_by(*(node for node, _ in opened.links))
    return statement(built, selected, len(opened.links), build)


# --- parts -----------------------------------------------------------------------------------------------

def named(scope: Scope, compute: Sequence[bound.ComputedProperty]) -> Scope:
    """The scope with the names that `$compute` adds."""
    return Scope(scope.build, scope.this, scope.it, scope.variables, {each.name: each.expression for each in compute})


def conditions(filter: bound.Expression | None, wanted: Any, scope: Scope) -> list[pw.Node]:
    found = [] if filter is None else [expression.condition(filter, scope)]
    return found if wanted is None else [*found, search.matches(wanted, scope.this, scope.build)]


def output(each: Output, scope: Scope) -> tuple[pw.Node, Column | None, str]:
    """What is selected for an output, and what its values are."""
    if each.column is not None:
        operand = Operand(scope.this.column(each.column), each.column.edm, each.column)     # type: ignore[union-attr]
    else:
        assert each.expression is not None
        operand = expression.value(each.expression, scope)
    if operand.column is None:
        return operand.node, None, each.type or operand.type
    return scope.build.dialect.select(operand.node, operand.column), operand.column, operand.type


def ordering(each: Order, scope: Scope) -> tuple[Operand, bool]:
    """A sort key and whether it descends."""
    if each.column is not None:
        node = scope.this.column(each.column)                                               # type: ignore[union-attr]
        return Operand(node, each.column.edm, each.column, each.column.nullable), each.descending
    assert each.expression is not None
    return expression.value(each.expression, scope), each.descending


def sort(order: Sequence[tuple[Operand, bool]], build: Build) -> list[pw.Node]:
    """ORDER BY: null first ascending, last descending; said only where there can be one, so that a key's index serves."""
    found = []
    for operand, descending in order:
        if operand.nullable:
            found.append((build.dialect.descending if descending else build.dialect.ascending)(operand.node))
        else:
            found.append(pw.Ordering(operand.node, "DESC" if descending else "ASC"))
    return found


def select(opened: sources.Opened, selected: Selected) -> pw.Select:
    built = pw.Select([opened.row.frame.source], [node for node, _, _ in selected])
    return built.where(terms.all_of(opened.where)) if opened.where else built


def plain(query: Query, opened: sources.Opened, selected: Selected, order: Sequence[tuple[Operand, bool]]) -> pw.Select:
    """The query without pages per parent."""
    build = opened.row.frame.build
    opened.where.extend(sources.among_parents(opened.links, build))
    built = select(opened, selected)
    if query.distinct:
        built = built.distinct()
    if order:
        built = built.order_by(*sort(order, build))
    limit = query.limit if query.limit is not None else query.top
    if limit is not None:
        built = built.limit(number(limit))
    if query.skip is not None:
        built = built.offset(number(query.skip))
    return built


def number(amount: Slot | int) -> pw.Node:
    """A number of rows, as a parameter."""
    return pw.Value(Bind(amount) if isinstance(amount, Slot) else amount)


def statement(query: pw.Node, selected: Selected, links: int, build: Build) -> Statement:
    """The text of a query and everything needed to run it."""
    text, marks = WRITERS[build.dialect.name].get_sql_context().sql(query).query()
    columns: Columns = tuple((column, type_name) for _, column, type_name in selected)
    return Statement(text, tuple(marks), columns, links, tuple(getter(mark, build.model) for mark in marks))

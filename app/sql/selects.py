"""Selects: what a query selects and sorts by, and the SELECT of rows that are open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import peewee as pw

from app.bind import nodes as bound
from app.plan.nodes import Order, Output, Query, Slot
from app.sql import expression, paths, search, terms
from app.sql.scope import Operand, Row, Scope
from app.sql.sources import Opened
from app.sql.statement import Bind
from app.store.mapping import Column
from app.url import nodes as url

Selected: TypeAlias = list[tuple[pw.Node, Column | None, str]]      # node, its column if it is one, Edm type


def selection(query: Query, opened: Opened, scope: Scope) -> Selected:
    """The link columns of a child query, then its outputs."""
    select = opened.frame.build.dialect.select
    found: Selected = [(select(node, column), column, column.edm) for node, column in opened.links]
    return found + [output(each, scope) for each in query.outputs]


def output(each: Output, scope: Scope) -> tuple[pw.Node, Column | None, str]:
    """What is selected for an output, and what its values are; of an entity its row id."""
    column = each.column
    if column is not None:
        assert isinstance(scope.this, Row)
        return scope.build.dialect.select(scope.this.column(column), column), column, column.edm
    assert each.expression is not None
    if each.within is not None:
        scope = named(scope.of(paths.within(each.within, scope)), each.compute)
    entity = scope.build.model.entity_type(each.type) is not None
    operand = paths.row_id(paths.within(each.expression, scope)) if entity else expression.value(each.expression, scope)
    if operand.column is None:
        return operand.node, None, each.type or operand.type
    return scope.build.dialect.select(operand.node, operand.column), operand.column, operand.type


def ordering(each: Order, scope: Scope) -> tuple[Operand, bool]:
    """A sort key and whether it descends."""
    if each.column is not None:
        return of_row(each.column, scope), each.descending
    assert each.expression is not None
    return expression.value(each.expression, scope), each.descending


def of_row(column: Column, scope: Scope) -> Operand:
    """A column of the row that the query selects."""
    assert isinstance(scope.this, Row)
    return Operand(scope.this.column(column), column.edm, column, column.nullable)


def conditions(filter: bound.Expression | None, wanted: url.Search | None, scope: Scope) -> list[pw.Node]:
    """`$filter` and `$search`."""
    found = [] if filter is None else [expression.condition(filter, scope)]
    return found if wanted is None else [*found, search.matches(wanted, [scope.this], scope.build)]


def named(scope: Scope, compute: Sequence[bound.ComputedProperty]) -> Scope:
    """The scope with the names that `$compute` adds."""
    return scope.with_names({each.name: each.expression for each in compute}) if compute else scope


def select(opened: Opened, columns: Sequence[pw.Node]) -> pw.Select:
    """SELECT columns FROM … WHERE …"""
    built = terms.select(opened.frame.source, columns)
    return built.where(terms.all_of(opened.where)) if opened.where else built


def number(amount: Slot | int) -> pw.Node:
    """A number of rows, as a parameter."""
    return pw.Value(Bind(amount) if isinstance(amount, Slot) else amount)


def limited(built: pw.Select, limit: Slot | int | None, skip: Slot | int | None = None) -> pw.Select:
    """LIMIT and OFFSET, where they are given."""
    built = built if limit is None else built.limit(number(limit))
    return built if skip is None else built.offset(number(skip))

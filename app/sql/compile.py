"""Compile: a plan's query becomes one SELECT as text, with marks where values of the request go.

Peewee nodes only; texts depend on the plan alone. After `$apply` the rest of the query works on its result; a plan pages
that by `skip`. DESIGN §3; Protocol §11.2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import peewee as pw

from app.plan.nodes import CountQuery, Query
from app.sql import apply, children, order, search, selects, sources, terms
from app.sql.order import Ordered
from app.sql.render import render
from app.sql.scope import Build, Frame, Place, Scope
from app.sql.sources import Opened
from app.sql.statement import Statement, getter
from app.store import mapping as tables
from app.store.dialects import Dialect


def compile_query(query: Query, mapping: tables.Mapping, dialect: Dialect) -> Statement:
    """The SELECT of a query.

    Raises NotImplementedByService, naming it, for what cannot be computed in SQL or is kept nowhere.
    """
    build = Build(dialect, mapping, query.source.grants)
    way = search_way(query, build)
    if way == "late":
        return found_late(query, build)
    opened, scope = opened_rows(query, build, way)
    selected = selects.selection(query, opened, scope)
    keys = sort_keys(query, opened, scope)
    parts = order.branches(keys, query.after, build) if query.after is not None else []
    if len(parts) > 1 and query.limit is not None and keys[0][0].column is not None:
        return statement(two_parts(parts, query, opened, selected, keys), selected, len(opened.links), build)
    if parts:
        opened.where.append(terms.any_of(parts))
    if opened.links and (query.top is not None or query.skip is not None):
        built, by = children.paged(query, opened, selected, keys)
        return statement(built, selected, len(opened.links), build, by)
    return statement(plain(query, opened, selected, keys), selected, len(opened.links), build)


def compile_count(query: CountQuery, mapping: tables.Mapping, dialect: Dialect) -> Statement:
    """SELECT COUNT(*); with `parents` one row per parent that has any: its link values and the count."""
    build = Build(dialect, mapping, query.source.grants)
    opened, _ = opened_rows(query, build)
    selected: selects.Selected = [(dialect.select(node, column), column, column.edm) for node, column in opened.links]
    selected.append((pw.fn.COUNT(terms.STAR), None, "Edm.Int64"))
    opened.where.extend(sources.among_parents(opened))
    built = selects.select(opened, [node for node, _, _ in selected])
    if opened.links:
        built = built.group_by(*(node for node, _ in opened.links))
    return statement(built, selected, len(opened.links), build)


def opened_rows(query: Query | CountQuery, build: Build, way: str = "") -> tuple[Opened, Scope]:
    """The rows that the query selects from, and what its expressions see; `way`: that of the search."""
    opened, scope = unfiltered_rows(query, build)
    opened.where.extend(selects.conditions(query.filter, None if way else query.search, scope))
    if way and query.search is not None:
        opened.where.extend(search.towards(query.search, opened.row, way))
    return opened, scope


def unfiltered_rows(query: Query | CountQuery, build: Build) -> tuple[Opened, Scope]:
    """The same before `$filter` and `$search`."""
    def opening() -> Opened:
        if query.items is not None and query.apply is not None:
            return apply.of_items(query.apply, query.items, query.source, build)
        found = sources.open_source(query.source, build)
        return found if query.apply is None else apply.applied(query.apply, query.source, found, query.product)

    def these() -> tuple[Frame, list[pw.Node], Place]:
        other = opening()
        same = [build.dialect.same(node, own) for (node, _), (own, _) in zip(other.links, opened.links)]
        return other.frame, [*other.where, *same], other.this
    opened = opening()
    return opened, selects.named(replace(opened.scope, these=these), query.compute)


def search_way(query: Query, build: Build) -> str:
    """How the rows that a search found are reached where a page of them is wanted (see `search.towards`); '' where the
    planner of the store finds the best way, or all are wanted."""
    whole = query.limit is None and query.top is None
    if query.search is None or whole or query.apply is not None or query.source.parents or query.distinct or not query.order:
        return ""
    sorted_ = query.order[0].column != build.mapping.table(query.source.table).row_id
    return {"postgresql": "array" if sorted_ else "", "mariadb": "late" if sorted_ else "walk"}.get(build.dialect.name, "")


def found_late(query: Query, build: Build) -> Statement:
    """A page of what a search found in another order than that of the rows: row ids and sort keys are sorted alone, and the
    rows of the page are looked up at the end."""
    inner, scope = opened_rows(query, build, "late")
    keys = sort_keys(query, inner, scope)
    if query.after is not None:
        inner.where.append(order.after(keys, query.after, build))
    row_id = inner.row.table.row_id
    ids = selects.select(inner, [terms.aliased(inner.row.column(row_id), "k")]).order_by(*order.sort(keys, build))
    page = selects.limited(ids, query.limit if query.limit is not None else query.top, query.skip).alias(build.alias())
    opened, scope = unfiltered_rows(query, build)
    opened.where.append(terms.among(opened.row.column(row_id), pw.Select([page], [pw.Column(page, "k")])))
    selected = selects.selection(query, opened, scope)
    built = selects.select(opened, [node for node, _, _ in selected])
    return statement(built.order_by(*order.sort(sort_keys(query, opened, scope), build)), selected, 0, build)


def sort_keys(query: Query, opened: Opened, scope: Scope) -> Ordered:
    """The sort keys of the query; behind `$apply` what it ordered by decides among equals."""
    if query.apply is None:
        return [selects.ordering(each, scope) for each in query.order]
    asked = [selects.ordering(each, scope) for each in query.order if each.expression is not None]
    return [*asked, *opened.order]


def plain(query: Query, opened: Opened, selected: selects.Selected, keys: Ordered) -> pw.Select:
    """The query without pages per parent."""
    opened.where.extend(sources.among_parents(opened))
    built = selects.select(opened, [node for node, _, _ in selected])
    if query.distinct:
        built = built.distinct()
    if keys:
        built = built.order_by(*order.sort(keys, opened.frame.build))
    return selects.limited(built, query.limit if query.limit is not None else query.top, query.skip)


def two_parts(parts: Sequence[pw.Node], query: Query, opened: Opened, selected: selects.Selected, keys: Ordered) -> pw.Select:
    """A page that may run on from values to null: each part cut to the page, so that both are read off an index."""
    build = opened.frame.build
    named = {f"c{index}": node for index, (node, _, _) in enumerate(selected)}
    named |= {f"o{index}": operand.node for index, (operand, _) in enumerate(keys)}
    columns = [terms.aliased(node, name) for name, node in named.items()]
    cut = []
    for part in parts:
        inner = terms.select(opened.frame.source, columns).where(terms.all_of([*opened.where, part]))
        inner = selects.limited(inner.order_by(*order.sort(keys, build)), query.limit).alias(build.alias())
        cut.append(pw.Select([inner], [terms.aliased(pw.Column(inner, name), name) for name in named]))
    whole = cut[0].union_all(cut[1]).alias(build.alias())
    outer = [(replace(operand, node=pw.Column(whole, f"o{index}")), down) for index, (operand, down) in enumerate(keys)]
    built = pw.Select([whole], [pw.Column(whole, f"c{index}") for index in range(len(selected))])
    return selects.limited(built.order_by(*order.sort(outer, build)), query.limit)


def statement(query: pw.Node, selected: selects.Selected, links: int, build: Build, by: int | None = None) -> Statement:
    """The text of a query and everything needed to run it."""
    text, marks = render(query, build.dialect.name)
    columns = tuple((column, type_name) for _, column, type_name in selected)
    return Statement(text, tuple(marks), columns, links, tuple(getter(mark, build.model) for mark in marks),
                     frozenset(build.searched), frozenset(build.tables), by)

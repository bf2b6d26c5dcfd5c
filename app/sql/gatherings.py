"""Gatherings: which entities make up the items of `$all` and `$crossjoin`.

`$all` is one SELECT over the SELECTs of all tables, each of them cut to the page, so that a page costs little however
many tables there are. `$crossjoin` is a join without conditions but those of the filter. URL Conventions §4.15, §4.16.
"""

from __future__ import annotations

from typing import Any

import peewee as pw

from app.plan.nodes import Gathering, Source
from app.sql import compile as queries
from app.sql import expression, order, search, selects, sources, terms
from app.sql.order import Ordered
from app.sql.scope import Build, Operand, Row, Scope
from app.sql.statement import Statement
from app.store import mapping as tables
from app.store.dialects import Dialect

ROW = "Edm.Int64"


def compile_gathering(query: Gathering, mapping: tables.Mapping, dialect: Dialect, count: bool = False) -> Statement:
    """The SELECT of a gathering, or of the number of its items. Raises NotImplementedByService as expressions do."""
    build = Build(dialect, mapping, query.sources[0].grants)
    if query.names:
        built, selected = product(query, build, count)
    else:
        built, selected = union(query, build, count)
    return queries.statement(built, selected, 0, build)


# --- $crossjoin ------------------------------------------------------------------------------------------

def product(query: Gathering, build: Build, count: bool) -> tuple[pw.Select, selects.Selected]:
    """One row for each combination of entities."""
    opened = sources.open_source(query.sources[0], build)
    places = {query.names[0]: opened.row}
    for name, source in zip(query.names[1:], query.sources[1:], strict=True):
        table = build.mapping.table(source.table)
        alias = build.table(table.name)
        places[name] = Row(opened.frame, alias, table)
        opened.frame.join(alias, terms.TRUE, pw.JOIN.INNER)
        opened.where.extend(sources.own_conditions(source, places[name]))
    scope = selects.named(Scope(build, opened.row, None, {}, dict(places)), query.compute)
    opened.where.extend(selects.conditions(query.filter, None, scope))
    if query.search is not None:
        opened.where.append(search.matches(query.search, list(places.values()), build))
    if count:
        return selects.select(opened, [pw.fn.COUNT(terms.STAR)]), [(pw.fn.COUNT(terms.STAR), None, ROW)]
    ids = [row_id(each) for each in places.values()]
    asked = [selects.ordering(each, scope) for each in query.order]
    keys = [*asked, *((each, False) for each in ids)]
    if query.after is not None:
        opened.where.append(order.after(keys, query.after, build))
    selected: selects.Selected = [(each.node, None, ROW) for each in ids]
    selected += [selects.output(each, scope) for each in query.outputs]
    selected += [sort_value(operand, build) for operand, _ in asked]
    built = selects.select(opened, [node for node, _, _ in selected]).order_by(*order.sort(keys, build))
    return selects.limited(built, query.limit, query.skip), selected


# --- $all ------------------------------------------------------------------------------------------------

def union(query: Gathering, build: Build, count: bool) -> tuple[pw.Select, selects.Selected]:
    """One row for each entity of each source, in the order asked for, then source by source."""
    built, types = branch(query, query.sources[0], 0, build, count)
    for number, source in enumerate(query.sources[1:], 1):
        built = built.union_all(branch(query, source, number, build, count)[0])
    inner = built.alias(build.alias())
    if count:
        return pw.Select([inner], [pw.fn.COUNT(terms.STAR)]), [(pw.fn.COUNT(terms.STAR), None, ROW)]
    columns = [pw.Column(inner, f"c{index}") for index in range(2 + len(types))]
    asked = [(Operand(column, type), each.descending) for column, type, each in zip(columns[2:], types, query.order, strict=True)]
    keys = [*asked, *((Operand(column, ROW, nullable=False), False) for column in columns[:2])]
    whole = pw.Select([inner], columns).order_by(*order.sort(keys, build))
    selected: selects.Selected = list(zip(columns, [None] * len(columns), [ROW, ROW, *types], strict=True))
    return selects.limited(whole, query.limit, query.skip), selected


def branch(query: Gathering, source: Source, number: int, build: Build, count: bool) -> tuple[Any, list[str]]:
    """The entities of one source: its number, the row id, the sort values; no more of them than the page can show."""
    opened = sources.open_source(source, build)
    scope = selects.named(opened.scope, query.compute)
    opened.where.extend(selects.conditions(query.filter, query.search, scope))
    asked: Ordered = []
    for each in query.order:
        operand, descending = selects.ordering(each, scope)
        node, _, type = sort_value(operand, build)
        asked.append((Operand(node, type, nullable=operand.nullable), descending))
    own, row = Operand(pw.SQL(str(number)), ROW, nullable=False), row_id(opened.row)
    if query.after is not None:
        opened.where.append(order.after([*asked, (own, False), (row, False)], query.after, build))
    nodes = [own.node, row.node, *(operand.node for operand, _ in asked)]
    part = selects.select(opened, [terms.aliased(node, f"c{index}") for index, node in enumerate(nodes)])
    if query.limit is not None and query.skip is None and not count:
        inner = selects.limited(part.order_by(*order.sort([*asked, (row, False)], build)), query.limit).alias(build.alias())
        part = pw.Select([inner], [terms.aliased(pw.Column(inner, f"c{index}"), f"c{index}") for index in range(len(nodes))])
    return part, [operand.type for operand, _ in asked]


def row_id(row: Row) -> Operand:
    return Operand(row.column(row.table.row_id), ROW, nullable=False)


def sort_value(operand: Operand, build: Build) -> tuple[pw.Node, None, str]:
    """A sort value in the form that all expressions of its type have, whatever column it comes from."""
    found = expression.plain_form(operand, operand.type, build)
    return found.node, None, found.type

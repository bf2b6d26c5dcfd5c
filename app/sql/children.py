"""Children: the rows of an expanded path with a page per parent, in the order of the query within each parent.

PostgreSQL takes the page of each parent by LATERAL. SQLite looks the keys of each page up in a correlated subselect where
an index gives their order; else, and on MariaDB, the rows of each parent are numbered. peewee-recipes §5.
"""

from __future__ import annotations

import peewee as pw

from app.bind import nodes as bound
from app.plan.nested import mentions
from app.plan.nodes import Query
from app.sql import order as sorting
from app.sql import selects, sources, terms
from app.sql.order import Ordered
from app.sql.scope import Operand
from app.sql.selects import Selected, limited
from app.sql.sources import Opened
from app.store.mapping import Contained, Inverse, Table


def paged(query: Query, opened: Opened, selected: Selected,
          order: Ordered) -> tuple[pw.Select, int | None]:
    """The query, cut per parent, in the order of the query, or in any order and the output by which `fetch` sorts."""
    dialect = opened.frame.build.dialect
    if dialect.lateral and opened.parents:
        return lateral(query, opened, selected, order), None
    if dialect.name == "sqlite" and opened.parents and indexed(query, opened.row.table) \
            and not mentions((query.filter, query.compute), bound.These):
        by = row_id(query, opened, selected)
        return correlated(query, opened, selected, order, by is None), by
    return numbered(query, opened, selected, order), None


def row_id(query: Query, opened: Opened, selected: Selected) -> int | None:
    """The position of the row id among the outputs, where it is the whole order: SQLite would copy every row into its sorter
    to bring them into the order that they nearly have."""
    wanted = opened.row.table.row_id
    if len(query.order) != 1 or query.order[0].descending or query.limit is not None:
        return None
    return next((index for index, (_, column, _) in enumerate(selected) if column is wanted), None)


def numbered(query: Query, opened: Opened, selected: Selected,
             order: Ordered) -> pw.Select:
    """ROW_NUMBER per parent in a derived table, cut outside it."""
    build = opened.frame.build
    opened.where.extend(sources.among_parents(opened))
    rank = terms.over(pw.fn.ROW_NUMBER(), [node for node, _ in opened.links], sorting.sort(order, build))
    inner, name = terms.select(opened.frame.source, [*named(selected), terms.aliased(rank, "rn")]), build.alias()
    numbered = inner.where(terms.all_of(opened.where)).alias(name)
    rn: pw.Node = terms.Named(name, "rn")
    columns = [terms.Named(name, f"c{index}") for index in range(len(selected))]
    where = []
    if query.skip is not None:
        where.append(terms.compare(rn, ">", selects.number(query.skip)))
        rn = terms.compare(rn, "-", selects.number(query.skip))
    if query.top is not None:
        where.append(terms.compare(rn, "<=", selects.number(query.top)))
    built = terms.select(numbered, columns).where(terms.all_of(where))
    built = built.order_by(*columns[:len(opened.links)], terms.Named(name, "rn"))
    return limited(built, query.limit)


def lateral(query: Query, opened: Opened, selected: Selected,
            order: Ordered) -> pw.Select:
    """A page of children for each parent of the list, read straight off an index that fits."""
    build = opened.frame.build
    given = sources.parents_table(opened.links, build)
    ties = [terms.compare(node, "=", each) for (node, _), each in zip(opened.links, given.columns, strict=True)]
    keys = [terms.aliased(operand.node, f"o{index}") for index, (operand, _) in enumerate(order)]
    inner, name = terms.select(opened.frame.source, [*named(selected), *keys]), build.alias()
    inner = inner.where(terms.all_of([*ties, *opened.where])).order_by(*sorting.sort(order, build))
    page = limited(inner, query.top, query.skip).alias(name)
    columns = [terms.Named(name, f"c{index}") for index in range(len(selected))]
    built = terms.select(pw.Join(given.table, page, pw.JOIN.LATERAL, pw.SQL("TRUE")), columns)
    outer = [(Operand(terms.Named(name, f"o{index}"), each.type, nullable=each.nullable), down)
             for index, (each, down) in enumerate(order)]
    built = built.order_by(*columns[:len(opened.links)], *sorting.sort(outer, build))
    return limited(built, query.limit)


def indexed(query: Query, table: Table) -> bool:
    """Whether an index of the table gives the rows of one parent in the order of the query."""
    if query.source.parent is not None:
        return False
    match query.source.relation:
        case Inverse(other=other):
            links = tuple(column.name for column in other)
        case Contained() if table.owner is not None and table.owner.source is None:
            links = (table.owner.column.name,)
        case _:
            return False
    keys = [(each.column.name, each.descending) for each in query.order if each.column is not None]
    if len(keys) < len(query.order) or not keys or keys[-1][0] != table.row_id.name:
        return False
    wanted = [*((name, False) for name in links), *keys[:-1]]       # the row id ends every index, ascending
    for index in table.indexes:
        columns = list(index.columns)[:len(wanted)]
        if len(index.columns) > len(wanted) and index.columns[len(wanted)][0] != table.row_id.name:
            continue
        backwards = [(name, not down) if name not in links else (name, down) for name, down in columns]
        if (columns == wanted and not keys[-1][1]) or (backwards == wanted and keys[-1][1]):
            return True
    return False


def correlated(query: Query, opened: Opened, selected: Selected,
               order: Ordered, ordered: bool) -> pw.Select:
    """The row ids of each page in a subselect that reads no more of the index than the page."""
    row, build = opened.row, opened.frame.build
    inner = sources.open_source(query.source, build)
    scope = selects.named(inner.scope, query.compute)
    inner.where.extend(selects.conditions(query.filter, query.search, scope))
    given = sources.parents_table(opened.links, build)
    ties = [terms.compare(node, "=", each) for (node, _), each in zip(inner.links, given.columns, strict=True)]
    keys = sorting.sort([selects.ordering(each, scope) for each in query.order], build)
    page = pw.Select([inner.row.frame.source], [inner.row.column(row.table.row_id)])
    page = page.where(terms.all_of([*ties, *inner.where])).order_by(*keys)
    page = limited(page, query.top, query.skip)
    row.frame.source = pw.Join(given.table, row.frame.source, pw.JOIN.CROSS)       # SQLite keeps this order
    built = terms.select(row.frame.source, [node for node, _, _ in selected])
    built = built.where(terms.among(row.column(row.table.row_id), page))
    if not ordered:
        return built
    built = built.order_by(*(node for node, _ in opened.links), *sorting.sort(order, build))
    return limited(built, query.limit)


def named(selected: Selected) -> list[pw.Node]:
    """The selected columns under names of ours: `c0`, `c1` …"""
    return [terms.aliased(node, f"c{index}") for index, (node, _, _) in enumerate(selected)]

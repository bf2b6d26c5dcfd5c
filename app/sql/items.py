"""Items: which items of a collection-valued property are wanted, in which order, with what is computed of them.

A row names an item by the row id of its entity and its position in every collection on the way; the documents themselves
come with their entities, in the form that all answers share. Protocol §11.2.5.1, §11.2.6.
"""

from __future__ import annotations

from app.plan.nodes import ItemQuery, ValueQuery
from app.sql import compile as queries
from app.sql import order, selects, sources, walks
from app.sql.scope import Build, Members, Scope
from app.sql.statement import Statement
from app.store import mapping as tables
from app.store.dialects import Dialect


def compile_items(query: ItemQuery, mapping: tables.Mapping, dialect: Dialect) -> Statement:
    """The SELECT of an item query: row id, positions, outputs, in the order asked for.

    Raises NotImplementedByService, by name, for what SQL cannot compute.
    """
    build = Build(dialect, mapping, query.source.grants)
    opened = sources.open_source(query.source, build)
    found, positions = walks.walked(query.steps, Members(opened.frame, opened.where, opened.row), build)
    scope = selects.named(Scope(build, found.member, opened.it or opened.row), query.compute)
    found.where.extend(sources.among_parents(opened))
    found.where.extend(selects.conditions(query.filter, None, scope))
    selected: selects.Selected = [(dialect.select(node, column), column, column.edm) for node, column in opened.links]
    selected += [(node, None, "Edm.Int64") for node in positions]
    selected += [selects.output(each, scope) for each in query.outputs]
    keys = [selects.ordering(each, scope) for each in query.order]
    built = found.select(*(node for node, _, _ in selected))
    built = built.order_by(*order.sort(keys, build), *positions)
    return queries.statement(built, selected, len(opened.links) + len(positions), build)


def compile_values(query: ValueQuery, mapping: tables.Mapping, dialect: Dialect) -> Statement:
    """The SELECT of a query over values that the request has found: positions and outputs, in the order asked for.

    Raises NotImplementedByService, by name, for what SQL cannot compute.
    """
    build = Build(dialect, mapping, query.grants)
    found = walks.listed(query.document, query.type, build)
    scope = selects.named(Scope(build, found.member, found.member, frame=found.frame), query.compute)
    found.where.extend(selects.conditions(query.filter, None, scope))
    assert found.position is not None
    selected: selects.Selected = [(found.position, None, "Edm.Int64"), *(selects.output(each, scope) for each in query.outputs)]
    built = found.select(*(node for node, _, _ in selected))
    built = built.order_by(*order.sort([selects.ordering(each, scope) for each in query.order], build), found.position)
    return queries.statement(built, selected, 1, build)

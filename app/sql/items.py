"""Items: which items of a collection-valued property are wanted, in which order, with what is computed of them.

A row names an item by the row id of its entity and its position in every collection on the way; the documents themselves
come with their entities, in the form that all answers share. Protocol §11.2.5.1, §11.2.6.
"""

from __future__ import annotations

from collections.abc import Sequence

import peewee as pw

from app import errors
from app.bind import nodes as bound
from app.plan.nodes import NO_GRANTS, ItemQuery, ValueQuery
from app.sql import compile as queries
from app.sql import members, order, paths, selects, sources
from app.sql.scope import Build, Json, Members, Place, Scope
from app.sql.statement import Statement
from app.store import mapping as tables
from app.store.dialects import Dialect


def compile_items(query: ItemQuery, mapping: tables.Mapping, dialect: Dialect) -> Statement:
    """The SELECT of an item query: row id, positions, outputs, in the order asked for.

    Raises NotImplementedByService, by name, for what SQL cannot compute.
    """
    build = Build(dialect, mapping, query.source.grants)
    opened = sources.open_source(query.source, build)
    found, positions = walked(query.steps, Members(opened.frame, opened.where, opened.row), build)
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
    build = Build(dialect, mapping, NO_GRANTS)
    document = pw.Value(query.document, unpack=False)
    given = pw.Cast(document, "json") if dialect.name == "postgresql" else document
    found = members.items(Json(given, (), query.type, True), build)
    scope = selects.named(Scope(build, found.member, found.member), query.compute)
    found.where.extend(selects.conditions(query.filter, None, scope))
    assert found.position is not None
    selected: selects.Selected = [(found.position, None, "Edm.Int64"), *(selects.output(each, scope) for each in query.outputs)]
    built = found.select(*(node for node, _, _ in selected))
    built = built.order_by(*order.sort([selects.ordering(each, scope) for each in query.order], build), found.position)
    return queries.statement(built, selected, 1, build)


def walked(steps: Sequence[bound.PathStep], found: Members, build: Build) -> tuple[Members, list[pw.Node]]:
    """The items at the end of a path, joined to the entity, and their positions in the collections on the way."""
    place: Place = found.member
    positions: list[pw.Node] = []

    def entered() -> Place:
        nonlocal found
        found = members.items(place, build, found)
        assert found.position is not None
        positions.append(found.position)
        return found.member

    for step in steps:
        if isinstance(place, Json) and place.collection:
            place = entered()
        match step:
            case bound.PropertyStep(declared, owner):
                place = paths.member(place, owner, declared.name, build)
            case bound.DynamicStep(name):
                place = paths.dynamic(place, name, build)
            case bound.CastStep(type_name):
                place = paths.cast(place, type_name, build)
            case _:
                raise errors.NotImplementedByService(feature="This path to a collection")
    entered()
    return found, positions

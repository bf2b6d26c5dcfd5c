"""Relations: how related rows are reached, as conditions of a join and as shared LEFT JOINs of to-one paths.

A to-one path is joined once per frame; a path to the key of its target needs no join where this row holds that key.
DESIGN §4; URL Conventions §5.1.1.15 (null anywhere makes the path null).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import peewee as pw

from app import errors
from app.bind import nodes as bound
from app.sql import expression, terms
from app.sql.scope import Build, Frame, One, Operand, Row, Scope
from app.store import mapping


@dataclass(frozen=True, slots=True, eq=False)
class Ties:
    """What ties related rows to their parent. `link`: the link table in between (its own conditions in `link_on`).
    `on`: conditions of the target's row."""

    on: tuple[pw.Node, ...]
    link: pw.Table | None = None
    link_on: tuple[pw.Node, ...] = ()


def ties(build: Build, relation: mapping.Relation | mapping.DocumentLink, own: Row, target: Row,
         ordinal: pw.Node | None = None) -> Ties:
    """The conditions that tie `target`'s row to `own`'s. `ordinal`: position in a collection of complex values.

    Raises NotImplementedByService for a navigation property that leads nowhere.
    """
    match relation:
        case mapping.Reference() | mapping.Inverse():
            pairs = zip(relation.own, relation.other, strict=True)
            on = tuple(terms.compare(target.column(theirs), "=", own.column(mine)) for mine, theirs in pairs)
            return Ties((*on, *cast_condition(build, own)))
        case mapping.Link():
            link = build.table(relation.table)
            return Ties((terms.compare(target.column(target.table.row_id), "=", pw.Column(link, relation.other.name)),), link,
                        (terms.compare(pw.Column(link, relation.own.name), "=", own.column(own.table.row_id)),
                         *cast_condition(build, own)))
        case mapping.Contained():
            return Ties((*owned(target, own.table.id, own.column(own.table.row_id)), *cast_condition(build, own)))
        case mapping.Whole():
            return Ties(tuple(cast_condition(build, own)))
        case mapping.DocumentLink():
            link = build.table(relation.table)
            owner, position, related = (pw.Column(link, column.name) for column in relation.columns)
            place = terms.compare(position, "=", ordinal) if ordinal is not None else terms.TRUE
            return Ties((terms.compare(target.column(target.table.row_id), "=", related),), link,
                        (terms.compare(owner, "=", own.column(own.table.row_id)), place))
        case mapping.Unbound(reason):
            raise errors.NotImplementedByService(reason)


def owned(target: Row, owner: str, row_id: pw.Node) -> Sequence[pw.Node]:
    """The conditions of a contained row whose owner is a row of the table `owner`."""
    held = target.table.owner
    assert held is not None
    own = [terms.compare(target.column(held.column), "=", row_id)]
    if held.source is not None:
        own.append(terms.compare(target.column(held.source), "=", pw.Value(owner)))
    return own


def cast_condition(build: Build, row: Row) -> tuple[pw.Node, ...]:
    """The test that a row is of the types its place was cast to; none where it was not."""
    return (type_test(build, row, row.cast),) if row.cast is not None else ()


def type_test(build: Build, row: Row, types: Sequence[str]) -> pw.Node:
    """Whether the row is of one of the concrete types."""
    wanted = [each for each in row.table.concrete if each in types]
    if row.table.discriminator is None or len(wanted) == len(row.table.concrete):
        return terms.not_null(row.column(row.table.row_id)) if row.optional else terms.TRUE if wanted else terms.FALSE
    column = row.column(row.table.discriminator)
    if len(wanted) == 1:
        return terms.compare(column, "=", pw.Value(wanted[0]))
    return terms.any_of([terms.compare(column, "=", pw.Value(each)) for each in wanted])


def narrowed(build: Build, row: Row, type_name: str) -> tuple[pw.Node, ...]:
    """The test that a row of a table with more types is of `type_name`; none where every row is."""
    types = build.model.concrete(type_name)
    if row.table.discriminator is None or set(row.table.concrete) <= set(types):
        return ()
    return (type_test(build, row, types),)


def granted(row: Row) -> list[pw.Node]:
    """The row predicate of the policy for a row that an expression reaches, as a condition of that row alone."""
    build = row.frame.build
    grant = build.grants.get(row.table.id)
    if grant is None:
        return []
    with build.unrestricted():
        alone = Row(Frame(build, row.alias), row.alias, row.table)
        test = expression.condition(grant, Scope(build, alone, alone))
        if alone.frame.source is row.alias:
            return [test]
    # it needs joins: apart from the SELECT that the row belongs to
    return [terms.among(row.column(row.table.row_id), seen(build, row.table, grant))]


def seen(build: Build, table: mapping.Table, grant: bound.Expression) -> pw.Select:
    """The row ids of a table that a row predicate leaves."""
    with build.unrestricted():
        alias = build.table(table.name)
        row = Row(Frame(build, alias), alias, table)
        test = expression.condition(grant, Scope(build, row, row))
        return pw.Select([row.frame.source], [row.column(table.row_id)]).where(test)


def follow(base: Row, relation: mapping.Relation | mapping.DocumentLink, id: str, key: Hashable, type_name: str,
           on: Sequence[pw.Node] = (), ordinal: pw.Node | None = None) -> Row:
    """The row at the end of a to-one relation: joined on first use, shared afterwards."""
    frame = base.frame
    if key in frame.joined:
        return frame.joined[key]
    build = frame.build
    table = build.mapping.table(id)
    row = Row(frame, build.table(table.name), table, key, optional=True)
    tied = ties(build, relation, base, row, ordinal)
    if tied.link is not None:
        frame.join(tied.link, terms.all_of(tied.link_on))
    extra = narrowed(build, row, type_name) if isinstance(relation, mapping.Whole) else ()
    frame.join(row.alias, terms.all_of([*tied.on, *on, *extra, *granted(row)]))
    frame.joined[key] = row
    return row


def entity(frame: Frame, operand: Operand, path: str) -> Row:
    """The entity whose row id a column of `$apply` holds, joined once."""
    key = ("entity", path)
    if key not in frame.joined:
        table = frame.build.mapping.table(operand.type[1:])
        row = Row(frame, frame.build.table(table.name), table, key, optional=True)
        frame.join(row.alias, terms.compare(row.column(table.row_id), "=", operand.node))
        frame.joined[key] = row
    return frame.joined[key]


def row_of(one: One) -> Row:
    """The joined row of a to-one place."""
    return follow(one.base, one.relation, one.id, one.key, one.type, one.on)


def relation_of(build: Build, row: Row, node: bound.NavigationPath) -> mapping.Relation:
    """How a navigation property is followed from a row's table; raises NotImplementedByService where it is not."""
    relation = build.mapping.relation(row.table.id, node.owner, node.navigation.name)
    if isinstance(relation, mapping.Unbound):
        raise errors.NotImplementedByService(relation.reason)
    return relation


def inner(frame: Frame, row: Row, tied: Ties) -> None:
    """Joins related rows so that a parent without any disappears."""
    if tied.link is not None:
        frame.join(tied.link, terms.all_of(tied.link_on), pw.JOIN.INNER)
    frame.join(row.alias, terms.all_of(tied.on), pw.JOIN.INNER)

"""Sources: the FROM clause of a query: its table, the parents that its path runs through, the parents it is read for.

Every table on the way carries its key predicate, its discriminator test, its `/$filter` segments and its grant. An
expanded path gets the link values of all parents as one parameter, so that its text never changes.
DESIGN §3, §4; peewee-recipes §5, §6, §8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import peewee as pw

from app import errors
from app.plan.nodes import Slot, Source
from app.sql import expression, relations, terms
from app.sql.scope import Build, Frame, Json, Operand, Row, Scope, Staged
from app.sql.statement import Bind, Convert
from app.store import mapping
from app.store.clauses import ListSource
from app.store.mapping import Column


@dataclass(slots=True, eq=False)
class Opened:
    """Rows to select from. `this`: what a row is; `where`: the conditions so far; `links`: the link columns of a child query
    as (node, column); `parents`: they are still to be compared with those of the parents; `it`: what `$it` means, the row
    itself or, of an expanded path, the parent's; `names`, `order`: what `$apply` added and sorted by."""

    frame: Frame
    this: Row | Staged | Json
    where: list[pw.Node]
    links: tuple[tuple[pw.Node, Column], ...] = ()
    parents: bool = False
    it: Row | Staged | Json | None = None
    names: Mapping[str, Any] = field(default_factory=dict)
    order: list[tuple[Operand, bool]] = field(default_factory=list)

    @property
    def row(self) -> Row:
        """The row of a query without `$apply`."""
        assert isinstance(self.this, Row)
        return self.this

    @property
    def scope(self) -> Scope:
        return Scope(self.frame.build, self.this, self.it, {}, self.names)


def open_source(source: Source, build: Build) -> Opened:
    """The rows of a source. Raises NotImplementedByService for a relation that is not kept."""
    table = build.mapping.table(source.table)
    alias = build.table(table.name)
    row = Row(Frame(build, alias), alias, table)
    opened = Opened(row.frame, row, [], parents=source.parents, it=None if source.parents else row)
    if source.relation is not None and source.parents:
        opened.links = link_nodes(source.relation, row, opened.where) if source.parent is None else beside_parent(source, opened)
    elif source.relation is not None and source.parent is not None:
        join_parents(row, source, opened.where)
    opened.where.extend(own_conditions(source, row))
    return opened


def own_conditions(source: Source, row: Row) -> list[pw.Node]:
    """What narrows the rows of one table of a path."""
    build = row.frame.build
    scope = Scope(build, row, row)
    found: list[pw.Node] = []
    for column, wanted in source.key:
        operand = Operand(row.column(column), column.edm, column)
        found.append(terms.compare(operand.node, "=", expression.beside(wanted, operand, scope)))
    if source.rows is not False:
        found.append(among_rows(row, source.rows))
    if source.types is not None:
        found.append(relations.type_test(build, row, source.types))
    if source.predicate is not None:
        found.append(expression.condition(source.predicate, scope))
    if source.grant is not None:
        with build.unrestricted():
            found.append(expression.condition(source.grant, scope))
    return found


def join_parents(row: Row, source: Source, where: list[pw.Node]) -> None:
    """Joins the chain of parents, each with its own conditions."""
    frame, build = row.frame, row.frame.build
    child, relation, parent = row, source.relation, source.parent
    while parent is not None and relation is not None:
        table = build.mapping.table(parent.table)
        above = Row(frame, build.table(table.name), table, ("parent", child.key))
        tied = relations.ties(build, relation, above, child, position(source, above, build))
        if tied.link is not None:
            frame.join(tied.link, terms.all_of(tied.on), pw.JOIN.INNER)
        frame.join(above.alias, terms.all_of(tied.link_on or tied.on), pw.JOIN.INNER)
        where.extend(own_conditions(parent, above))
        child, source = above, parent
        relation, parent = source.relation, source.parent


def position(source: Source, above: Row, build: Build) -> pw.Node | None:
    """The position of the item that a link starts from, counted from the end where it is negative."""
    if source.ordinal is None or not isinstance(source.relation, mapping.DocumentLink):
        return None
    name = source.relation.path.partition("/")[0]
    document = next(each for (_, member), each in above.table.members.items() if member == name)
    assert isinstance(document, mapping.Document)
    number: Any = source.ordinal
    if not isinstance(number, int):
        number = Bind(Slot("literal", number.index, "Edm.Int64"))
    length = build.dialect.json_length(above.column(document.column), ())
    end = terms.compare(length, "+", pw.Value(number))
    return pw.Case(None, [(terms.compare(pw.Value(number), "<", pw.SQL("0")), end)], pw.Value(number))


def beside_parent(source: Source, opened: Opened) -> tuple[tuple[pw.Node, Column], ...]:
    """Joins the parents of an expanded path whose options look back at `$it`; a row belongs to a parent by its row id, and
    below the first level to what `$it` stands for as well, whose rows the list of parents names."""
    row, build = opened.row, opened.row.frame.build
    assert source.parent is not None and source.relation is not None
    table = build.mapping.table(source.parent.table)
    outer = opened.it = Row(row.frame, build.table(table.name), table, ("$it",) if not source.parent.parents else ("parent",))
    tied = relations.ties(build, source.relation, outer, row)
    if tied.link is not None:
        row.frame.join(tied.link, terms.all_of(tied.on), pw.JOIN.INNER)
    row.frame.join(outer.alias, terms.all_of(tied.link_on or tied.on), pw.JOIN.INNER)
    own = outer.column(table.row_id), table.row_id
    if not source.parent.parents:
        return (own,)
    while source.parent is not None:
        source = source.parent
    root = build.mapping.table(source.table)
    opened.it = Row(row.frame, build.table(root.name), root, ("$it",))
    row.frame.join(opened.it.alias, terms.TRUE, pw.JOIN.INNER)
    return (opened.it.column(root.row_id), root.row_id), own


def link_nodes(relation: mapping.Relation | mapping.DocumentLink, row: Row,
               where: list[pw.Node]) -> tuple[tuple[pw.Node, Column], ...]:
    """The columns that tell to which parent a row belongs; a link table is joined for them."""
    build = row.frame.build
    match relation:
        case mapping.Reference(other=other) | mapping.Inverse(other=other):
            return tuple((row.column(column), column) for column in other)
        case mapping.Link(own=own, other=far):
            return (linked(row, build.table(relation.table), own, far),)
        case mapping.DocumentLink(columns=(owner, position, target)):
            link = build.table(relation.table)
            return linked(row, link, owner, target), (pw.Column(link, position.name), position)
        case mapping.Contained(owner=owner_table):
            held = row.table.owner
            assert held is not None
            if held.source is not None:
                where.append(terms.compare(row.column(held.source), "=", pw.Value(owner_table)))
            return ((row.column(held.column), held.column),)
        case mapping.Whole():
            return ()
        case mapping.Unbound(reason):
            raise errors.NotImplementedByService(reason)
    raise AssertionError(relation)


def linked(row: Row, link: pw.Table, own: Column, far: Column) -> tuple[pw.Node, Column]:
    on = terms.compare(row.column(row.table.row_id), "=", pw.Column(link, far.name))
    row.frame.join(link, on, pw.JOIN.INNER)
    return pw.Column(link, own.name), own


def among_rows(row: Row, known: bool | tuple[int, ...] = True) -> pw.Node:
    """The condition that a row is one of those that are known, else of those whose row ids the request gives: one parameter,
    whatever their number."""
    dialect, column = row.frame.build.dialect, row.table.row_id
    write = dialect.list_writer(column.edm, column)
    given = write(list(known)) if isinstance(known, tuple) else Bind(Slot("rows", 0, column.edm, column), write)
    mark = pw.Value(given, unpack=False)
    return dialect.in_list(row.column(column), mark, column.edm, column)


def among_parents(opened: Opened) -> list[pw.Node]:
    """The conditions that rows belong to one of the given parents: one parameter, whatever their number."""
    links, build = opened.links, opened.frame.build
    if not links or not opened.parents:
        return []
    dialect = build.dialect
    if len(links) == 1:
        node, column = links[0]
        mark = pw.Value(Bind(Slot("parents", 0, column.edm, column), parent_list(column, build)), unpack=False)
        return [dialect.in_list(node, mark, column.edm, column)]
    given = parents_table(links, build)
    tie = [terms.compare(node, "=", each) for (node, _), each in zip(links, given.columns, strict=True)]
    return [terms.exists(given.table, tie)]


def parents_table(links: Sequence[tuple[pw.Node, Column]], build: Build) -> ListSource:
    """The link values of all parents as a table."""
    columns = tuple(column for _, column in links)
    readers = [build.dialect.reader(column) for column in columns]
    write = build.dialect.rows_writer(columns)

    def convert(rows: list[tuple[Any, ...]]) -> Any:
        return write([tuple(value if read is None else read(value) for read, value in zip(readers, row)) for row in rows])
    mark = pw.Value(Bind(Slot("parents", -1), convert if any(readers) else write), unpack=False)
    return build.dialect.rows_source(mark, columns, build.alias())


def parent_list(column: Column, build: Build) -> Convert:
    """Link values as rows hold them → the one list parameter."""
    read, write = build.dialect.reader(column), build.dialect.list_writer(column.edm, column)
    return write if read is None else lambda values: write([read(value) for value in values])

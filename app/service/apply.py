"""Answers to `$apply`: instances with added properties, or rows of groups and aggregates (Data Aggregation §3).

Options behind `$apply` work on its result; so does paging, by offset, since the result has a complete order of its own.
Rows are transient: they have no ETag, and in 4.0 a null id. A property that a row does not have is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app import sql
from app.bind import nodes as bound
from app.errors import NotFound, NotImplementedByService
from app.payload.values import DEDUCIBLE, dumps, json_converter
from app.plan import CountQuery, Query, Slot, Source
from app.plan.nodes import Order, Output
from app.service import readback
from app.service.addresses import canonical_base
from app.service.call import Call
from app.service.read import amount, context_member, describe, exists, page_of
from app.service.response import Response
from app.service.rows import Node, Run

ABSENT, EXISTS = "@absent", "@exists"


@dataclass(frozen=True, slots=True)
class Cell:
    """One property of a row: where its value, its mark of absence and (of a path) the mark of the entity in front are."""

    path: tuple[str, ...]
    type: str
    collection: bool
    index: int
    absent: int
    exists: tuple[tuple[int, int], ...] = ()     # (steps, position of the mark) for entities that the path runs through
    table: str | None = None        # of an entity: the table that its row id is of
    annotated: bool = False         # the type is not that of a declared property and JSON does not tell it


class ApplyAnswer:
    """The result of `$apply` on a collection; `/$count` of it is a CountAnswer like any other."""

    def __init__(self, call: Call, source: Source, options: bound.Options) -> None:
        assert options.apply is not None
        self.source, self.options, self.apply = source, options, options.apply
        self.format, self.root = call.wishes.format, call.request.root
        self.page = page_of(call)
        self.limited = self.page > 0 or options.top is not None
        self.planner = call.service.planner(call.policy, call.wishes.page_size)
        self.count = None
        if options.count:
            query = CountQuery(source, options.filter, options.search, options.compute, options.apply)
            self.count = call.service.ready(sql.compile_count(query, call.mapping, call.store.dialect))
        self.node: Node | None = None
        self.cells: tuple[Cell, ...] = ()
        limit = Slot("limit") if self.limited else None
        if self.apply.row is None:
            read = self.planner.read(source, options, collection=True, limit=limit)
            self.node = Node(call.sight, read, self.format, self.root)
            self.statement = self.node.statement
        else:
            if options.expand:
                raise NotImplementedByService(feature="$expand behind $apply on a navigation property that is not grouped")
            self.statement = self.rows(call, limit)
        self.fragment = self.context(call)

    # --- planning ----------------------------------------------------------------------------------------

    def rows(self, call: Call, limit: Slot | None) -> sql.Statement:
        """The statement of a result of rows."""
        options, outputs, cells = self.options, [], []
        for each in self.shown():
            name = "/".join(each.path)
            entity = call.model.entity_type(each.type) is not None
            outputs += [Output(expression=bound.AliasPath(name, each.type, each.collection), type=each.type),
                        Output(expression=bound.AliasPath(name + ABSENT, "Edm.Boolean"), type="Edm.Boolean")]
            at = len(outputs) - 2
            marks = []
            for steps in range(1, len(each.path)):
                marks.append((steps, len(outputs)))
                outputs.append(Output(expression=bound.AliasPath("/".join(each.path[:steps]) + EXISTS, "Edm.Boolean"),
                                      type="Edm.Boolean"))
            declared = entity or call.model.property_at(self.source.type, name) is not None
            annotated = not declared and len(each.path) == 1 and each.type not in DEDUCIBLE
            table = self.table_of(call, each.path) if entity else None
            cells.append(Cell(each.path, each.type, each.collection, at, at + 1, tuple(marks), table, annotated))
        self.cells = tuple(cells)
        order = tuple(Order(item.expression, item.descending) for item in options.orderby)
        query = Query(self.source, tuple(outputs), options.filter, options.search, order, None, Slot("skip"), None, limit,
                      options.compute, options.apply)
        return call.service.ready(sql.compile_query(query, call.mapping, call.store.dialect))

    def shown(self) -> Iterator[bound.RowProperty]:
        """The properties of the row that `$select` leaves, then those of `$compute`."""
        computed = tuple(bound.RowProperty((each.name,), each.type) for each in self.options.compute)
        wanted = None
        if self.options.select is not None and not any(item.kind == "star" for item in self.options.select):
            wanted = {item.path for item in self.options.select}
        for each in (*(self.apply.row or ()), *computed):
            if wanted is None or any(each.path[:len(path)] == path for path in wanted):
                yield each

    def table_of(self, call: Call, path: tuple[str, ...]) -> str:
        """The table of the entities at the end of a grouping path."""
        table, type = self.source.table, self.source.type
        for step in path:
            if "." in step:
                type = call.model.full(step)
                continue
            navigation = call.model.navigations(type).get(step)
            if navigation is None:
                raise NotImplementedByService(feature=f"Grouping by '{'/'.join(path)}'")
            table = call.mapping.target(table, type, step) or table
            type = navigation.type
        return table

    def context(self, call: Call) -> str:
        """`Set(Customer(Country),Total)`: the properties of the rows, nested as their objects are (§3.1.1)."""
        from app.payload import context
        base, known = canonical_base(call)
        options = self.options if self.apply.row is None else bound.Options()
        type, declared = call.resource.type, call.resource.declared or call.resource.type
        text = context.entities(base, type, declared, options, call.wishes.version, single=False, cast=type != declared,
                                source=known)
        if self.apply.row is None:
            return text
        tree: dict[str, Any] = {}
        for cell in self.cells:
            inner = tree
            for step in cell.path:
                inner = inner.setdefault(step, {})
        return text + _listed(tree)

    # --- answering ---------------------------------------------------------------------------------------

    def __call__(self, call: Call) -> Response:
        top, offset = amount(call, self.options.top), amount(call, self.options.skip) or 0
        token = call.skiptoken()
        if token is not None:
            top, offset = call.service.read_token(call, token)
        page = self.page
        limit = top if top is not None and (not page or top <= page) else page + 1
        values = call.service.values(call, limit=limit, skip=offset)
        found = sql.fetch(call.store, self.statement, values)
        if not found and self.source.parent is not None and not exists(call, self.source.parent):
            raise NotFound(reason=describe(call, self.source.parent))
        more = bool(page) and (top is None or top > page) and len(found) > page
        found = found[:page] if more else found
        body: dict[str, Any] = context_member(call, self.fragment)
        if self.count is not None:
            total = int(sql.fetch(call.store, self.count, values)[0][0])
            body[self.format.control("count")] = str(total) if self.format.ieee754 else total
        if self.node is not None:
            body["value"] = self.node.objects(found, Run(values, call.syntax.options))
        else:
            body["value"] = self.objects(call, found)
        if more:
            left = None if top is None else top - page
            body[self.format.control("nextLink")] = call.service.next_link(call, [left, offset + page])
        return Response(200, {"Content-Type": self.format.content_type}, dumps(body))

    def objects(self, call: Call, found: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        """One object a row."""
        entities = {cell.index: self.entities(call, cell, found) for cell in self.cells if cell.table is not None}
        reads = sql.readers(self.statement, call.store.dialect)
        writes = {cell.index: json_converter(call.model, cell.type, self.format) for cell in self.cells}
        transient = self.format.version == "4.0" and self.format.metadata != "none"
        typed = self.format.metadata != "none"
        made = []
        for row in found:
            item: dict[str, Any] = {self.format.control("id"): None} if transient else {}
            for cell in self.cells:
                if row[cell.absent]:
                    continue
                missing = next((steps for steps, at in cell.exists if not row[at]), None)
                if missing is not None:
                    _put(item, cell.path[:missing], None)
                    continue
                value = row[cell.index]
                if value is not None:
                    read, write = reads[cell.index], writes[cell.index]
                    if cell.table is not None:
                        value = entities[cell.index].get(value)
                    else:
                        value = value if read is None else read(value)
                        value = value if write is None else write(value)
                if typed and cell.annotated and value is not None:
                    item[self.format.control("type", cell.path[-1])] = self.format.type_name(cell.type, cell.collection)
                _put(item, cell.path, value)
            made.append(item)
        return made

    def entities(self, call: Call, cell: Cell, found: Sequence[Sequence[Any]]) -> dict[int, dict[str, Any]]:
        """Row id → object of the entities that the rows are grouped by (§3.2.3.1: expanded unless asked otherwise)."""
        assert cell.table is not None
        ids = list(dict.fromkeys(row[cell.index] for row in found if row[cell.index] is not None))
        shown = readback.by_row(call, cell.table, ids, declared=cell.type)
        return {id: each.body for id, each in shown.items()}


def _put(item: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Sets the value at a path of an object, making the objects in between."""
    *steps, name = (step for step in path if "." not in step)
    for step in steps:
        if item.get(step) is None:
            item[step] = {}
        item = item[step]
    known = item.get(name)
    item[name] = {**value, **known} if isinstance(value, dict) and isinstance(known, dict) else value


def _listed(tree: dict[str, Any]) -> str:
    return "(" + ",".join(name + (_listed(inner) if inner else "") for name, inner in tree.items()) + ")" if tree else ""

"""Answers to `$apply` on collections of complex values: rows of groups and aggregates, or the values that are left.

SQL opens the collection item by item and does the rest as for entities; where items stay items it tells their positions, and
they are shown as their property shows them. Data Aggregation §3; Protocol §11.2.4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from app import sql
from app.bind import nodes as bound
from app.errors import NotFound, NotImplementedByService
from app.payload.values import dumps
from app.plan import CountQuery, Query, Slot, Source
from app.plan.nested import primitive, sort_keys
from app.plan.nodes import Items, Output
from app.plan.rows import RowPlanner
from app.service import read
from app.service.addresses import contained_base
from app.service.call import Call
from app.service.grouped import RowNode
from app.service.items import Values
from app.service.response import Response
from app.service.rows import Run
from app.service.values import PropertyAnswer, Steps
from app.sql.stages import PLACE

INT64 = "Edm.Int64"


class Applied:
    """The result of `$apply` on the items of a collection of values, and its `/$count`."""

    def __init__(self, call: Call, source: Source, items: Items, options: bound.Options) -> None:
        apply = options.apply
        assert apply is not None
        self.options, self.format, self.page = options, call.wishes.format, read.page_of(call)
        limit = Slot("limit") if self.page or options.top is not None else None
        self.count = None
        if options.count or call.resource.suffix == "$count":
            count = CountQuery(source, options.filter, options.search, options.compute, apply, items=items)
            self.count = call.service.ready(sql.compile_count(count, call.mapping, call.store.dialect))
        self.rows: RowNode | None = None
        if apply.row is not None:
            planner = call.service.planner(call.policy, call.wishes.page_size)
            rows = RowPlanner(planner, source, options, items=items).rows(limit)
            self.rows = RowNode(call.sight, rows, self.format, call.request.root)
            self.rows.transient, self.statement = False, self.rows.statement
            return
        computed = primitive(options, call.model)
        outputs = (Output(expression=bound.AliasPath(PLACE, INT64), type=INT64),
                   *(Output(expression=each.expression, type=each.type) for each in computed))
        query = Query(source, outputs, options.filter, options.search, tuple(
            order for item in options.orderby for order in sort_keys(item)), skip=Slot("skip"), limit=limit,
            compute=options.compute, apply=apply, items=items)
        self.statement = call.service.ready(sql.compile_query(query, call.mapping, call.store.dialect))
        values, readers = Values(call.model, self.format), sql.readers(self.statement, call.store.dialect)[1:]
        self.puts = [values.member(each.name, each.type, convert) for each, convert in zip(computed, readers, strict=True)]

    def result(self, call: Call, fragment: str, whole: Callable[[], list[Any]]) -> Response:
        """A page of the result; `whole`: all items of the collection as they are shown."""
        found = call.service.values(call)
        total = 0 if self.count is None else int(sql.fetch(call.store, self.count, found)[0][0])
        if call.resource.suffix == "$count":
            return Response(200, {"Content-Type": "text/plain"}, str(total).encode("ascii"))
        top, offset = read.amount(call, self.options.top), read.amount(call, self.options.skip) or 0
        token = call.skiptoken()
        if token is not None:
            top, offset = call.service.read_token(call, token)
        page = self.page
        limit = top if top is not None and (not page or top <= page) else page + 1
        values = call.service.values(call, limit=limit, skip=offset)
        rows = sql.fetch(call.store, self.statement, values)
        more = bool(page) and (top is None or top > page) and len(rows) > page
        rows = rows[:page] if more else rows
        body: dict[str, Any] = read.context_member(call, fragment)
        if self.options.count:
            body[self.format.control("count")] = str(total) if self.format.ieee754 else total
        if self.rows is not None:
            body["value"] = self.rows.objects(rows, Run(values, call.syntax.options))
        else:
            items = whole()
            body["value"] = [self.item(items[row[0]], row[1:]) for row in rows]
        if more:
            link = call.service.next_link(call, [None if top is None else top - page, offset + page])
            body[self.format.control("nextLink")] = link
        return Response(200, read.paged_headers(call, page), dumps(body))

    def item(self, item: Any, computed: Sequence[Any]) -> Any:
        """An item with what was computed of it."""
        made = dict(item)
        for put, value in zip(self.puts, computed, strict=True):
            put(made, value)
        return made


class AppliedValues:
    """The result of `$apply` on a collection of complex values of one entity."""

    def __init__(self, call: Call, source: Source, steps: Steps) -> None:
        options = call.options
        assert options.apply is not None
        steps, behind = split(steps)
        last = steps[-1]
        assert isinstance(last, bound.PropertyStep)
        type = call.model.full(last.property.type.name)
        apply = replace(options.apply, transformations=(*as_filters(behind, type), *options.apply.transformations))
        self.applied = Applied(call, source, Items(type, steps), replace(options, apply=apply))
        inner = replace(call.bound, resource=replace(call.resource, steps=(), suffix=""), options=shape(options))
        self.property = PropertyAnswer(replace(call, bound=inner), source, steps)

    def __call__(self, call: Call) -> Response:
        with call.store.read():             # several statements, one view of the data
            node, values = self.property.node, call.service.values(call)
            rows = sql.fetch(call.store, node.statement, values)
            if not rows:
                raise NotFound(reason=read.describe(call, self.property.source))
            base = contained_base(call) if node.writer.needs_base else ""

            def whole() -> Any:
                return self.property.walk(call, node.objects(rows[:1], Run(values, call.syntax.options), base)[0])[0]
            return self.applied.result(call, self.property.fragment(call, node.writer.path(rows[0], base)), whole)


def shape(options: bound.Options) -> bound.Options:
    """What options that `$apply` goes before say of the form of values."""
    assert options.apply is not None
    if options.apply.row is not None:
        return bound.Options()
    select = None if options.select is None else tuple(each for each in options.select if each.kind != "computed")
    return bound.Options(select, options.expand)


def split(steps: Steps) -> tuple[Steps, Steps]:
    """The path to a collection, and the casts and filters behind it."""
    end = len(steps)
    while isinstance(steps[end - 1], bound.CastStep | bound.FilterStep):
        end -= 1
    if not all(isinstance(each, bound.PropertyStep | bound.CastStep) for each in steps[:end]) or not isinstance(
            steps[end - 1], bound.PropertyStep):
        raise NotImplementedByService(feature="$apply on this collection", target="$apply")
    return steps[:end], steps[end:]


def as_filters(steps: Steps, type: str) -> list[bound.Transformation]:
    """Casts and filters behind a collection as transformations."""
    return [bound.Filter(each.predicate if isinstance(each, bound.FilterStep) else bound.IsOf(bound.This(type), each.type))
            for each in steps if isinstance(each, bound.FilterStep | bound.CastStep)]

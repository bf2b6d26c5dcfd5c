"""Answers to `$apply`: instances with added properties, or rows of groups and aggregates (Data Aggregation §3).

Options behind `$apply` work on its result; so does paging, by offset, since the result has a complete order of its own.
"""

from __future__ import annotations

from typing import Any

from app import sql
from app.bind import nodes as bound
from app.errors import NotFound
from app.payload import context
from app.payload.values import dumps
from app.plan import CountQuery, Slot, Source
from app.plan.nodes import Items, Product
from app.plan.rows import RowPlanner
from app.service.addresses import canonical_base
from app.service.call import Call
from app.service.grouped import RowNode
from app.service.read import amount, context_member, describe, exists, page_of, paged_headers
from app.service.response import Response
from app.service.rows import Node, Run


class ApplyAnswer:
    """The result of `$apply` on a collection; `/$count` of it is a CountAnswer like any other."""

    def __init__(self, call: Call, source: Source, options: bound.Options, product: Product = (),
                 items: Items | None = None) -> None:
        assert options.apply is not None
        self.source, self.options = source, options
        self.format = call.wishes.format
        self.page = page_of(call)
        limit = Slot("limit") if self.page > 0 or options.top is not None else None
        planner = call.service.planner(call.policy, call.wishes.page_size)
        self.count = None
        if options.count:
            query = CountQuery(source, options.filter, options.search, options.compute, options.apply, product=product,
                               items=items)
            self.count = call.service.ready(sql.compile_count(query, call.mapping, call.store.dialect))
        self.node: Node | RowNode
        if options.apply.row is None:
            read = planner.read(source, options, collection=True, limit=limit)
            self.node = Node(call.sight, read, self.format, call.request.root)
        else:
            rows = RowPlanner(planner, source, options, product=product, items=items).rows(limit)
            self.node = RowNode(call.sight, rows, self.format, call.request.root)
        if product:                     # rows of no entity type
            assert isinstance(self.node, RowNode)
            self.node.transient, self.fragment = False, "Collection(Edm.ComplexType)"
            return
        base, known = canonical_base(call)
        type, declared = call.resource.type, call.resource.declared or call.resource.type
        if isinstance(options.apply.transformations[0], bound.Given) and (source.table, source.type) != (base, type):
            base, known = source.table, source.table in call.model.sets
            type, declared = source.type, call.mapping.declared_type(source.table)
        self.fragment = context.entities(base, type, declared, options, call.wishes.version, single=False,
                                         cast=type != declared, source=known)

    def __call__(self, call: Call) -> Response:
        if self.count is None and not self.node.several:
            return self.answer(call)
        with call.store.read():             # several statements, one view of the data
            return self.answer(call)

    def answer(self, call: Call) -> Response:
        """A page of the result."""
        top, offset = amount(call, self.options.top), amount(call, self.options.skip) or 0
        token = call.skiptoken()
        if token is not None:
            top, offset = call.service.read_token(call, token)
        page = self.page
        limit = top if top is not None and (not page or top <= page) else page + 1
        values = call.service.values(call, limit=limit, skip=offset)
        found = sql.fetch(call.store, self.node.statement, values)
        if not found and self.source.parent is not None and not exists(call, self.source.parent):
            raise NotFound(reason=describe(call, self.source.parent))
        more = bool(page) and (top is None or top > page) and len(found) > page
        found = found[:page] if more else found
        body: dict[str, Any] = context_member(call, self.fragment)
        if self.count is not None:
            total = int(sql.fetch(call.store, self.count, values)[0][0])
            body[self.format.control("count")] = str(total) if self.format.ieee754 else total
        body["value"] = self.node.objects(found, Run(values, call.syntax.options))
        if more:
            left = None if top is None else top - page
            body[self.format.control("nextLink")] = call.service.next_link(call, [left, offset + page])
        return Response(200, paged_headers(call, self.page), dumps(body))

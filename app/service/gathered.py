"""Answers to `$all` and `$crossjoin`: which entities make up a page, then these entities, one statement for each set.

URL Conventions §4.15, §4.16; Protocol §10.19, §10.20.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app import sql
from app.bind import nodes as bound
from app.edm import vocabularies
from app.errors import Forbidden, InvalidToken, NotImplementedByService
from app.payload import context
from app.payload.values import dumps
from app.plan import Slot, Source
from app.plan.nested import mentions, primitive, sort_keys
from app.plan.nodes import Gathering, Items, Output
from app.service import read, restrictions
from app.service.call import Call
from app.service.items import Values
from app.service.response import Response
from app.service.rows import CHUNK, Node, Run, portable, unportable
from app.service.wishes import require_json
from app.store.mapping import Inverse

Row = Sequence[Any]
Item = dict[str, Any]


class Gathered:
    """What both have in common: pages, counts, the entities of a page."""

    fragment = ""
    lead = 0            # positions of a row in front of the outputs

    def __init__(self, call: Call, sources: tuple[Source, ...], names: tuple[str, ...],
                 outputs: tuple[Output, ...] = ()) -> None:
        options = call.options
        if not call.resource.suffix:
            require_json(call.wishes, call.service.settings.strict)
        self.options, self.format, self.root = options, call.wishes.format, call.request.root
        self.page = read.page_of(call) or CHUNK
        skip = Slot("literal", options.skip.index, "Edm.Int64") if isinstance(options.skip, bound.Parameter) else options.skip
        order = tuple(each for item in options.orderby for each in sort_keys(item))
        self.query = Gathering(sources, names, options.filter, options.search, order, options.compute, outputs, None, skip,
                               Slot("limit"))
        self.statement = self.compiled(call, self.query)
        self.after: dict[tuple[bool, ...], sql.Statement] = {}
        self.counting = self.compiled(call, self.query, True) if options.count or call.resource.suffix else None
        start = self.lead + len(outputs)
        self.sort = (*range(start, start + len(order)), *range(self.lead))
        self.readers = sql.readers(self.statement, call.store.dialect)
        self.nodes: dict[str, Node] = {}

    @staticmethod
    def compiled(call: Call, query: Gathering, count: bool = False) -> sql.Statement:
        return call.service.ready(sql.compile_gathering(query, call.mapping, call.store.dialect, count))

    def __call__(self, call: Call) -> Response:
        with call.store.read():
            if call.resource.suffix == "$count":
                number = self.counted(call)
                return Response(200, {"Content-Type": "text/plain"}, str(number).encode("ascii"))
            return self.answer(call)

    def counted(self, call: Call) -> int:
        assert self.counting is not None
        return int(sql.fetch(call.store, self.counting, call.service.values(call))[0][0])

    def answer(self, call: Call) -> Response:
        """A page of items."""
        control = self.format.control
        top, statement = read.amount(call, self.options.top), self.statement
        keyset: tuple[Any, ...] = ()
        token = call.skiptoken()
        if token is not None:
            top, keyset = self.token(call, token)
            statement = self.behind(call, tuple(value is None for value in keyset))
        limit = top if top is not None and top <= self.page else self.page + 1
        values = call.service.values(call, keyset=keyset, limit=limit)
        rows = sql.fetch(call.store, statement, values)
        more = limit > self.page and len(rows) > self.page
        rows = rows[:self.page] if more else rows
        body: dict[str, Any] = read.context_member(call, self.fragment)
        if self.options.count:
            number = self.counted(call)
            body[control("count")] = str(number) if self.format.ieee754 else number
        body["value"] = self.items(call, rows, Run(values, call.syntax.options))
        if more:
            link = call.service.next_link(call, [None if top is None else top - self.page, *self.sort_values(rows[-1])])
            body[control("nextLink")] = link
        headers = {"Content-Type": self.format.content_type}
        if call.wishes.page_size:
            headers["Preference-Applied"] = f"{call.wishes.spelled['maxpagesize']}={self.page}"
        return Response(200, headers, dumps(body))

    def sort_values(self, row: Row) -> list[Any]:
        """What a token holds of the last row of a page."""
        found = []
        for at in self.sort:
            convert = self.readers[at]
            value = row[at] if convert is None or row[at] is None else convert(row[at])
            found.append(portable(value, self.statement.columns[at][1]))
        return found

    def token(self, call: Call, token: str) -> tuple[int | None, tuple[Any, ...]]:
        """What is left of `$top`, and the sort values of the last row sent."""
        left, *values = call.service.read_token(call, token)
        if len(values) != len(self.sort):
            raise InvalidToken(name="$skiptoken", target="$skiptoken")
        types = [self.statement.columns[at][1] for at in self.sort]
        return left, tuple(unportable(value, type) for value, type in zip(values, types, strict=True))

    def behind(self, call: Call, nulls: tuple[bool, ...]) -> sql.Statement:
        """The statement of a page behind a token."""
        found = self.after.get(nulls)
        if found is None:
            found = self.after[nulls] = self.compiled(call, replace(self.query, after=nulls, skip=None))
        return found

    def items(self, call: Call, rows: Sequence[Row], run: Run) -> list[Item]:
        raise NotImplementedError

    def entities(self, call: Call, source: Source, options: bound.Options, ids: Sequence[int], run: Run, declared: str,
                 trail: tuple[str, ...] = ()) -> dict[int, tuple[Item, str]]:
        """Row id → object and canonical path of entities of one source."""
        node = self.nodes.get(source.table)
        if node is None:
            own = (call.mapping.table(source.table).row_id,)
            by_row = Source(source.table, source.type, relation=Inverse(source.table, own, own, ("", "")), parents=True,
                            grants=source.grants)
            plan = call.service.planner(call.policy, call.wishes.page_size).read(by_row, options, collection=False)
            plan = replace(plan, shape=replace(plan.shape, declared=declared))
            node = self.nodes[source.table] = Node(call.sight, plan, self.format, self.root, trail)
        found = sql.fetch(call.store, node.statement, replace(run.values, parents=[(each,) for each in dict.fromkeys(ids)]))
        made = node.objects(found, run)
        return {row[0]: (each, path) for row, each, path in zip(found, made, node.paths(found, ""), strict=True)}


def sources_of(call: Call) -> tuple[Source, ...]:
    """The sets and singletons that can hold entities of the type that is asked for."""
    type, planner = call.resource.type, call.service.planner(call.policy)
    found = []
    for name in (*call.model.sets, *call.model.singletons):
        table = call.mapping.table(name)
        if any(call.model.is_a(each, type) for each in table.concrete) and readable(call, name):
            with contextlib.suppress(Forbidden):
                types = None if type == "Edm.EntityType" else planner.types(name, type)
                found.append(replace(planner.start(name, table.type if types is None else type), types=types))
    return tuple(found)


class AllAnswer(Gathered):
    """`$all` and `$all/NS.Type`: every entity of every set, and every singleton."""

    lead = 2

    def __init__(self, call: Call, sources: tuple[Source, ...]) -> None:
        self.type, self.sources = call.resource.type, sources
        self.fragment = f"Collection({self.type})"
        if self.type != "Edm.EntityType":
            self.fragment += context.select_list(call.options, call.wishes.version)
        super().__init__(call, sources, ())

    def items(self, call: Call, rows: Sequence[Row], run: Run) -> list[Item]:
        found: dict[tuple[int, int], Item] = {}
        for number in dict.fromkeys(row[0] for row in rows):
            source = self.sources[number]
            ids = [row[1] for row in rows if row[0] == number]
            own, declared = self.own(call, source), call.mapping.declared_type(source.table)
            fragment = context.entities(source.table, source.type, declared, own, call.wishes.version, single=True, cast=True,
                                        source=True, singleton=source.table in call.model.singletons)
            head = read.context_member(call, fragment)
            for id, (made, _) in self.entities(call, source, own, ids, run, self.type).items():
                found[number, id] = {**head, **made}
        return [found[row[0], row[1]] for row in rows if (row[0], row[1]) in found]

    def own(self, call: Call, source: Source) -> bound.Options:
        """The options that shape the entities of one source: without what is about types that it does not hold."""
        concrete = call.mapping.table(source.table).concrete

        def held(path: tuple[str, ...]) -> bool:
            cast = call.model.full(path[0]) if "." in path[0] else ""
            return not cast or any(call.model.is_a(each, cast) for each in concrete)
        options = self.options
        select = None if options.select is None else tuple(item for item in options.select if held(item.path))
        return bound.Options(select, tuple(item for item in options.expand if held(item.path)), compute=options.compute)


def nothing(call: Call) -> Response:
    """`$all/NS.Type` where no set holds the type."""
    if call.resource.suffix == "$count":
        return Response(200, {"Content-Type": "text/plain"}, b"0")
    body: dict[str, Any] = read.context_member(call, f"Collection({call.resource.type})")
    if call.options.count:
        body[call.wishes.format.control("count")] = 0
    return Response(200, {"Content-Type": call.wishes.format.content_type}, dumps({**body, "value": []}))


def all_answer(call: Call) -> read.Handler:
    """The answer to `$all`."""
    sources = sources_of(call)
    if call.options.apply is not None:
        return applied(call, sources)
    return AllAnswer(call, sources) if sources else nothing


def applied(call: Call, sources: tuple[Source, ...]) -> read.Handler:
    """`$apply` on the entities of a type: of one set; those of several sets, which have no property in common, are counted."""
    from app.service.apply import ApplyAnswer
    type, options, counted = call.resource.type, call.options, call.resource.suffix == "$count"
    items = None
    if len(sources) == 1 and sources[0].table in call.model.sets:
        restrictions.check(call.policy, (sources[0].table,), type, options, by_key=False, counted=counted)
    if len(sources) != 1:
        assert options.apply is not None
        if not sources or options.apply.row is None or mentions(options.apply, bound.This):
            raise NotImplementedByService(feature=f"$apply on properties of {type} in {len(sources)} sets", target="$apply")
        items = Items(type, sources=sources)
    if counted:
        return read.CountAnswer(call, sources[0], options, (), items)
    return ApplyAnswer(call, sources[0], options, (), items)


def crossjoin_answer(call: Call) -> read.Handler:
    """The answer to `$crossjoin`."""
    for name in call.resource.sets:
        restrictions.joined(call.policy, name, call.model.sets[name].type, call.options)
    if call.options.apply is None:
        return CrossjoinAnswer(call)
    from app.service.apply import ApplyAnswer
    planner = call.service.planner(call.policy)
    product = tuple((name, planner.start(name, call.model.sets[name].type)) for name in call.resource.sets)
    if call.resource.suffix == "$count":
        return read.CountAnswer(call, product[0][1], call.options, product)
    return ApplyAnswer(call, product[0][1], call.options, product)


class CrossjoinAnswer(Gathered):
    """`$crossjoin(A,B)`: every combination of entities, as links unless they are expanded."""

    fragment = "Collection(Edm.ComplexType)"

    def __init__(self, call: Call) -> None:
        self.names = call.resource.sets
        self.lead = len(self.names)
        planner = call.service.planner(call.policy)
        self.sources = tuple(planner.start(name, call.model.sets[name].type) for name in self.names)
        options = call.options
        self.computed = primitive(options, call.model)
        selected = None if options.select is None else {item.path[0] for item in options.select}
        self.linked = [name for name in self.names if selected is None or name in selected or "*" in selected]
        self.expanded = {item.path[0]: item for item in options.expand}
        outputs = tuple(Output(expression=each.expression, type=each.type) for each in self.computed)
        super().__init__(call, self.sources, self.names, outputs)
        values = Values(call.model, self.format)
        self.puts = [values.member(each.name, each.type, self.readers[self.lead + index])
                     for index, each in enumerate(self.computed)]

    def items(self, call: Call, rows: Sequence[Row], run: Run) -> list[Item]:
        made: list[Item] = [{} for _ in rows]
        for index, (name, source) in enumerate(zip(self.names, self.sources, strict=True)):
            item = self.expanded.get(name)
            if item is None and (name not in self.linked or self.format.metadata == "none"):
                continue
            options = item.options if item is not None and not item.suffix else bound.Options(select=())
            source = source if item is None or not item.cast else replace(source, type=item.cast)
            ids = [row[index] for row in rows]
            found = self.entities(call, source, options, ids, run, source.type, (name,))
            for target, id in zip(made, ids, strict=True):
                entity, path = found[id]
                if item is None:
                    target[self.format.control("navigationLink", name)] = self.root + path
                elif item.suffix:
                    target[name] = {self.format.control("id"): self.root + path}
                else:
                    target[name] = dict(entity)
        for target, row in zip(made, rows, strict=True):
            for put, value in zip(self.puts, row[self.lead:], strict=False):
                put(target, value)
        return made


def readable(call: Call, name: str) -> bool:
    """Whether a set may be read at all (Capabilities.ReadRestrictions)."""
    return vocabularies.allowed(call.model, "ReadRestrictions", "Readable", name)

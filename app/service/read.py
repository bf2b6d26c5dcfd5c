"""Answers to GET: collections, entities, properties, counts, references, raw values.

Each answer class is compiled once per shape of request and format, and answers with the values of one request. What is
not found is told apart from what is null: a missing parent is 404, an empty navigation 204. Protocol §11.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from app import sql
from app.bind import nodes as bound
from app.errors import InvalidToken, MethodNotAllowed, NotFound
from app.payload import context
from app.payload.values import dumps
from app.plan import CountQuery, Read, Slot, Source
from app.plan.nodes import Items, Product
from app.plan.rows import start_of
from app.service import delta, restrictions
from app.service.addresses import canonical_base, contained_base, literal
from app.service.call import Call
from app.service.response import Response
from app.service.rows import CHUNK, Node, Run, unportable
from app.service.wishes import require_json
from app.store import changelog

READABLE = ("GET", "HEAD")


def context_member(call: Call, fragment: str) -> dict[str, str]:
    """The context control information as the first member; none for metadata=none (JSON Format §4.5.1). With metadata=full
    the entity tag of the metadata document follows (§4.5.2), unless streaming asks for the type in that place (§4.4)."""
    format = call.wishes.format
    if format.metadata == "none":
        return {}
    context = {format.control("context"): f"{call.request.root}$metadata#{fragment}"}
    if format.metadata == "full" and not format.streaming:
        context[format.control("metadataEtag")] = call.service.metadata_tag(call)
    return context


# --- entities --------------------------------------------------------------------------------------------

class EntityAnswer:
    """One entity, by key, singleton or to-one navigation."""

    def __init__(self, call: Call, source: Source, options: bound.Options) -> None:
        planner = call.service.planner(call.policy, call.wishes.page_size)
        self.source = source
        self.read: Read = planner.read(source, options, collection=False)
        self.node = Node(call.sight, self.read, call.wishes.format, call.request.root)
        self.content_type = call.wishes.format.content_type
        self.plain_etag = not options.expand
        self.fixed_fragment = None if call.resource.contained else self.fragment(call)
        self.reference = call.resource.suffix == "$ref"
        self.holder = Node(call.sight, planner.read(source.parent, bound.Options(), collection=False), call.wishes.format,
                           call.request.root) if self.reference and source.parent is not None else None

    def fragment(self, call: Call) -> str:
        resource, options = call.resource, call.options
        if call.resource.suffix == "$ref":
            return "$ref"
        base, known = canonical_base(call)
        cast = any(isinstance(step, bound.CastStep) for step in resource.steps[-2:])
        return context.entities(base, resource.type, resource.declared or resource.type, options, call.wishes.version,
                                single=True, cast=cast, source=known,
                                singleton=base in call.model.singletons and not resource.contained)

    def __call__(self, call: Call) -> Response:
        if delta.tracks(call, self.source):
            with call.store.read():
                return self.answer(call, changelog.boundary(call.store))
        if self.holder is None:
            return self.answer(call)
        with call.store.read():
            return self.answer(call)

    def answer(self, call: Call, since: str | None = None) -> Response:
        """The answer, with a link to what changes from the boundary `since` on."""
        run = Run(call.service.values(call), call.syntax.options)
        rows = sql.fetch(call.store, self.node.statement, run.values)
        if not rows:
            return absent(call, self.source)
        row = rows[0]
        tag = self.node.writer.etag(row)
        if self.holder is not None:         # a reference changes with the entity that holds it, not with the one it leads to
            held = sql.fetch(call.store, self.holder.statement, run.values)
            tag = self.holder.writer.etag(held[0]) if held else None
        headers = {"Content-Type": self.content_type}
        if tag is not None:
            headers["ETag"] = tag
            fresh = conditional(call, tag, self.plain_etag)
            if fresh is not None:
                return fresh
        base = contained_base(call) if self.node.writer.needs_base else ""
        fragment = self.fixed_fragment if self.fixed_fragment is not None else self.fragment(call)
        body = context_member(call, fragment)
        if self.reference:
            made: dict[str, Any] = {call.wishes.format.control("id"): call.request.root + self.node.writer.path(row, base)}
        else:
            made = self.node.objects([row], run, base)[0]
        if since is not None:
            made[call.wishes.format.control("deltaLink")] = delta.link(call, since)
            headers["Preference-Applied"] = call.wishes.spelled["track-changes"]
        return Response(200, headers, dumps({**body, **made}))

    def expanded(self, call: Call) -> Response:
        """The answer of several statements, over one view of the data."""
        with call.store.read():
            return self(call)


def conditional(call: Call, tag: str, covers: bool) -> Response | None:
    """304 or 412 by If-None-Match and If-Match of a read (Protocol §8.2.4, §8.2.5)."""
    from app.service.conditions import matches
    wanted = call.request.header("if-match")
    if wanted is not None and not matches(wanted, tag):
        from app.errors import PreconditionFailed
        raise PreconditionFailed(target="If-Match")
    known = call.request.header("if-none-match")
    if covers and known is not None and matches(known, tag):
        return Response(304, {"ETag": tag})
    return None


def absent(call: Call, source: Source) -> Response:
    """No row: 204 where a to-one navigation or a nullable singleton is null, 404 where the entity or something before it
    does not exist."""
    singleton = call.model.singletons.get(source.table)
    if singleton is not None and singleton.nullable and source.types is None and not call.resource.suffix:
        return Response(204)
    if source.relation is not None and source.parent is not None and not source.key:
        if exists(call, source.parent):
            if call.resource.suffix == "$value":
                raise NotFound(reason="There is no related media entity")
            if source.types is None or not exists(call, replace(source, types=None)):
                return Response(204)
            raise NotFound(reason=f"The related entity is not of type {source.type}")
    names = [column.name for column, _ in source.key]
    raise NotFound(reason=describe(call, source), target=names[0] if len(names) == 1 else None)


def describe(call: Call, source: Source) -> str:
    """A sentence about what was not found."""
    name = source.table.rpartition("/")[2]
    if source.key:
        key = ", ".join(str(literal(call, value)) for _, value in source.key if not isinstance(value, Slot))
        return f"There is no entity with key '{key[:200]}' in '{name}'"
    return f"There is no entity at '{name}'"


def exists(call: Call, source: Source) -> bool:
    """Whether any entity is there."""
    statement = call.service.ready(sql.compile_count(CountQuery(source), call.mapping, call.store.dialect))
    return bool(sql.fetch(call.store, statement, call.service.values(call))[0][0])


# --- collections -----------------------------------------------------------------------------------------

def page_of(call: Call) -> int:
    """How many items a page holds at most; 0: any number."""
    settings, wanted = call.service.settings, call.wishes.page_size
    return min(wanted, settings.max_page_size or wanted) if wanted else settings.page_size


def paged_headers(call: Call, page: int) -> dict[str, str]:
    """The headers of an answer in pages of a size."""
    headers = {"Content-Type": call.wishes.format.content_type}
    if call.wishes.page_size:
        headers["Preference-Applied"] = f"{call.wishes.spelled['maxpagesize']}={page}"
    return headers


class CollectionAnswer:
    """Entities of a set, of a collection navigation, of a cast or filtered collection; with count, pages, references."""

    def __init__(self, call: Call, source: Source, options: bound.Options) -> None:
        service = call.service
        self.planner = service.planner(call.policy, call.wishes.page_size)
        self.source, self.options = source, options
        self.format, self.root = call.wishes.format, call.request.root
        self.references = call.resource.suffix == "$ref"
        self.page = page_of(call)
        self.limited = options.top is not None or self.page > 0
        self.plan(call)
        self.after: dict[tuple[bool, ...], Node] = {}
        self.count = None
        if options.count:
            self.count = service.ready(sql.compile_count(self.count_query(), call.mapping, call.store.dialect))
        self.fixed_fragment = None if call.resource.contained else self.fragment(call)
        self.checks_parent = source.parent is not None

    def count_query(self) -> CountQuery:
        options = self.options
        return CountQuery(self.source, options.filter, options.search, options.compute, options.apply)

    def plan(self, call: Call) -> None:
        limit = Slot("limit") if self.limited else None
        self.node = Node(call.sight, self.planner.read(self.source, self.options, collection=True, limit=limit),
                         self.format, self.root)

    def fragment(self, call: Call) -> str:
        if self.references:
            return "Collection($ref)"
        resource, options = call.resource, call.options
        base, known = canonical_base(call)
        return context.entities(base, resource.type, resource.declared or resource.type, options, call.wishes.version,
                                single=False, cast=resource.type != resource.declared, source=known)

    def __call__(self, call: Call) -> Response:
        top = amount(call, self.options.top)
        keyset: tuple[Any, ...] = ()
        node = self.node
        token = call.skiptoken()
        since = "" if token is None and delta.tracks(call, self.source) else None
        if token is not None:
            remaining, *sort = call.service.read_token(call, token)
            if isinstance(remaining, list):
                remaining, since = remaining
            if len(sort) != len(self.node.keyset.types):
                raise InvalidToken(name="$skiptoken", target="$skiptoken")
            try:
                keyset = tuple(unportable(value, type) for value, type in zip(sort, self.node.keyset.types, strict=True))
            except ValueError:              # from before the model was changed
                raise InvalidToken(name="$skiptoken", target="$skiptoken") from None
            top = remaining if top is not None else None
            node = self.page_after(call, tuple(value is None for value in keyset))
        page = self.page
        limit = top if top is not None and (not page or top <= page) else page + 1
        values = call.service.values(call, keyset=keyset, limit=limit, skip=amount(call, self.options.skip) or 0)
        run = Run(values, call.syntax.options, since=since)
        fragment = self.fixed_fragment if self.fixed_fragment is not None else self.fragment(call)
        base = contained_base(call) if node.writer.needs_base else ""
        if not self.limited or limit > CHUNK + 1:
            return self.stream(call, node, run, fragment, base, top, keyset)
        if self.count is None and not node.several and since is None:
            return self.whole(call, node, run, fragment, base, top, limit)
        with call.store.read():             # several statements, one view of the data
            return self.whole(call, node, run, fragment, base, top, limit)

    def whole(self, call: Call, node: Node, run: Run, fragment: str, base: str, top: int | None, limit: int) -> Response:
        """The answer as one piece."""
        page, values = self.page, run.values
        if run.since == "":
            run = replace(run, since=changelog.boundary(call.store))
        rows = sql.fetch(call.store, node.statement, values)
        if not rows and self.checks_parent and not exists(call, self.source.parent):  # type: ignore[arg-type]
            raise NotFound(reason=describe(call, self.source.parent))  # type: ignore[arg-type]
        more = bool(page) and (top is None or top > page) and len(rows) > page
        if more:
            rows = rows[:page]
        body = self.head(call, fragment)
        if self.count is not None:
            body[self.format.control("count")] = self.number(self.counted(call, values, rows, more, bool(values.keyset), limit))
        body["value"] = self.items(node, rows, run, base)
        body.update(self.links(call, node, rows[-1] if more else None, top, run.since))
        return Response(200, self.headers(call), dumps(body))

    def head(self, call: Call, fragment: str) -> dict[str, Any]:
        """The members in front: the context, at full metadata the operations bound to the collection (JSON Format §16)."""
        found: dict[str, Any] = context_member(call, fragment)
        if self.format.metadata == "full" and not self.references:
            from app.service.availability import holds
            wanted, url = self.node.shape.operations, call.request.root + call.request.path.rstrip("/")
            for each in call.sight.advertised(call.resource.type, True, self.source.table):
                plain = each.name.partition("(")[0]
                if wanted is None or plain in wanted or f"{plain.rpartition('.')[0]}.*" in wanted:
                    there = holds(call, each.when)
                    if there or self.format.version != "4.0":
                        found["#" + each.name] = {"title": each.title, "target": f"{url}/{plain}"} if there else None
        return found

    def headers(self, call: Call) -> dict[str, str]:
        headers = paged_headers(call, self.page)
        if call.skiptoken() is None and delta.tracks(call, self.source):
            paged = headers.get("Preference-Applied")
            headers["Preference-Applied"] = (f"{paged}, " if paged else "") + call.wishes.spelled["track-changes"]
        return headers

    def number(self, value: int) -> int | str:
        return str(value) if self.format.ieee754 else value

    def items(self, node: Node, rows: list[Any], run: Run, base: str) -> list[dict[str, Any]]:
        if self.references:
            name = self.format.control("id")
            return [{name: self.root + path} for path in node.paths(rows, base)]
        return node.objects(rows, run, base)

    def counted(self, call: Call, values: sql.Values, rows: list[Any], more: bool, later: bool, limit: int) -> int:
        """The count: what the page proves, or a statement (DESIGN §3)."""
        if not later and not more and len(rows) < limit and (rows or not values.skip):
            return len(rows) + (values.skip or 0)
        assert self.count is not None
        return int(sql.fetch(call.store, self.count, values)[0][0])

    def page_after(self, call: Call, nulls: tuple[bool, ...]) -> Node:
        """The compiled query of a page behind a token, by which of its sort values are null."""
        node = self.after.get(nulls)
        if node is None:
            limit = Slot("limit") if self.limited else None
            read = self.planner.read(self.source, self.options, collection=True, limit=limit, after=nulls)
            node = self.after[nulls] = Node(call.sight, read, self.format, self.root)
        return node

    def links(self, call: Call, node: Node, row: Any, top: int | None, since: str | None = None) -> dict[str, str]:
        """What stands behind the items: the next page, after the last `row` of this one, or at the end the changes since a
        boundary."""
        if row is not None:
            remaining: Any = None if top is None else top - self.page
            token = [remaining if since is None else [remaining, since], *node.keyset.values(row)]
            return {self.format.control("nextLink"): call.service.next_link(call, token)}
        return {} if since is None else {self.format.control("deltaLink"): delta.link(call, since)}

    def stream(self, call: Call, node: Node, run: Run, fragment: str, base: str, top: int | None,
               keyset: tuple[Any, ...]) -> Response:
        """Rows in chunks of 1,000; the first chunk is fetched before the status line is sent (DESIGN §3)."""
        format = self.format
        head = self.head(call, fragment)
        stream = sql.stream(call.store, node.statement, run.values, CHUNK)
        run = replace(run, view=stream)
        try:
            if run.since == "":
                run = replace(run, since=changelog.boundary(call.store, stream))
            first = next(stream, [])
            if not first and self.checks_parent and not exists(call, self.source.parent):  # type: ignore[arg-type]
                raise NotFound(reason=describe(call, self.source.parent))  # type: ignore[arg-type]
            if self.count is not None:
                if len(first) < CHUNK and not keyset and (first or not run.values.skip):
                    total = len(first) + (run.values.skip or 0)
                    total = total - 1 if self.page and len(first) > self.page else total
                else:
                    total = int(sql.fetch(stream, self.count, run.values)[0][0])
                head[format.control("count")] = self.number(total)
            opening = dumps({**head, "value": []})[:-2]
            started = self.items(node, first[:self.page] if self.page else first, run, base)
        except BaseException:
            stream.close()
            raise
        page = self.page if top is None or top > self.page else 0

        def chunks() -> Iterator[bytes]:
            yield opening + dumps(started)[1:-1]
            sent, last, rows = len(started), first[:len(started)], first
            more = len(first) > len(started)
            for rows in stream:
                if page and sent + len(rows) > page:
                    more, rows = True, rows[:page - sent]
                if rows:
                    yield (b"," if sent else b"") + dumps(self.items(node, rows, run, base))[1:-1]
                    sent, last = sent + len(rows), rows
                if more:
                    break
            tail = b"]"
            links = self.links(call, node, last[-1] if more and last else None, top, run.since)
            yield tail + (b"," + dumps(links)[1:] if links else b"}")

        return Response(200, self.headers(call), chunks(), stream.close)


def amount(call: Call, value: int | bound.Parameter | None) -> int | None:
    """The number of `$top` or `$skip`; those beyond Int64 count as Int64's greatest."""
    if value is None:
        return None
    number = value if isinstance(value, int) else int(literal(call, value))
    return min(number, 2**63 - 1)


class CountAnswer:
    """`/$count`: the bare number (Protocol §11.2.10)."""

    def __init__(self, call: Call, source: Source, options: bound.Options, product: Product = (),
                 items: Items | None = None) -> None:
        query = CountQuery(source, options.filter, options.search, options.compute, options.apply, product=product, items=items)
        self.statement = call.service.ready(sql.compile_count(query, call.mapping, call.store.dialect))
        self.source = source

    def __call__(self, call: Call) -> Response:
        number = sql.fetch(call.store, self.statement, call.service.values(call))[0][0]
        if not number and self.source.parent is not None and not exists(call, self.source.parent):
            raise NotFound(reason=describe(call, self.source.parent))
        return Response(200, {"Content-Type": "text/plain"}, str(number).encode("ascii"))


# --- choosing --------------------------------------------------------------------------------------------

Handler = Callable[[Call], Response]


def compile_read(call: Call) -> Handler:
    """The answer to a GET of a bound resource, ready for any values of the same shape."""
    resource, options = call.resource, call.options
    planner = call.service.planner(call.policy, call.wishes.page_size)
    if resource.suffix in ("", "$ref") and resource.kind != "stream":
        require_json(call.wishes, call.service.settings.strict)
    source, rest = planner.source(resource.steps)
    restrictions.addressed(call.policy, resource)
    where, counted = restrictions.place_of(call.model, resource), resource.suffix == "$count"
    if rest:
        from app.service.values import PropertyAnswer
        restrictions.readable(call.policy, where, True)
        path = tuple(step.property.name for step in rest if isinstance(step, bound.PropertyStep))
        restrictions.check_values(call.policy, where, path, options, counted)
        if options.apply is not None:
            from app.service.applied import AppliedValues
            return AppliedValues(call, source, rest)
        return PropertyAnswer(call, source, rest)
    restrictions.check(call.policy, where, resource.type, options, by_key=resource.kind != "collection", counted=counted,
                       filtered=any(isinstance(step, bound.FilterStep) for step in resource.steps))
    if options.apply is not None:
        source = start_of(options.apply, source, planner)
    if options.deltatoken is not None:
        return delta.DeltaAnswer(call, source, options)
    if resource.suffix == "$count":
        return CountAnswer(call, source, options)
    if resource.kind == "collection":
        if options.apply is not None:
            from app.service.apply import ApplyAnswer
            return ApplyAnswer(call, source, options)
        return CollectionAnswer(call, source, options)
    if resource.kind == "entity":
        answer = EntityAnswer(call, source, options)
        return answer.expanded if answer.node.several else answer
    raise MethodNotAllowed(method=call.request.method, resource="this resource", allow=READABLE)


__all__ = ["CollectionAnswer", "CountAnswer", "EntityAnswer", "compile_read", "literal"]

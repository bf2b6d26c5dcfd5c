"""Delta links: what changed in the result of a query since it was read, filter-aware (Protocol §11.3; JSON Format §15).

The first request says `Prefer: track-changes`; its last page ends with a link whose `$deltatoken` holds the boundary of the
change log that the data was read at. The link's answer looks at the entities that the log names, and at those that look at
them, and asks the query which of them are in its result now. A token that no longer can be answered is 410.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from app import sql
from app.bind import nodes as bound
from app.edm import vocabularies
from app.errors import BindError, Gone, InvalidToken
from app.payload import context
from app.payload import delta as form
from app.payload.values import dumps, json_converter
from app.payload.writer import key_predicate
from app.plan import Source
from app.service import lost, restrictions
from app.service.changes import Branch, Interest, Touch, Trail, Untracked, Window, interest
from app.service.predicates import Uses, start
from app.service.response import Response
from app.service.rows import CHUNK, QUERY_SAFE, Node, Run, unportable
from app.store import changelog, schema
from app.store.mapping import Link

if TYPE_CHECKING:
    from app.service.call import Call

LEFT_OUT = frozenset({"$top", "$skip", "$count", "$orderby", "$skiptoken", "$deltatoken"})
COUNT = "/$count"

Item = dict[str, Any]


# --- the first request -----------------------------------------------------------------------------------

def tracks(call: Call, source: Source) -> bool:
    """Whether the client asks for the changes of this query, and they can be told."""
    if "track-changes" not in call.wishes.preferences or call.wishes.format.metadata == "none":
        return False
    resource = call.resource
    if resource.suffix or resource.operation() is not None or call.request.method not in ("GET", "HEAD"):
        return False
    if not _offered(call):
        return False
    try:
        interest_of(call, source)
    except Untracked:
        return False
    return True


def _offered(call: Call) -> bool:
    """Whether ChangeTracking offers the changes of this query: with what it filters by, and what it expands."""
    where = restrictions.place_of(call.model, call.resource)
    value = vocabularies.tracked(call.model, where)
    filterable, expandable = (vocabularies.names(value, f"{each}Properties") for each in ("Filterable", "Expandable"))
    uses = Uses(call.model, start(call.model, where))
    used = {each.path for each in uses.of(call.options.filter)} if call.options.filter is not None else set()
    return (value.get("Supported") is not False and (not filterable or used <= filterable)
            and (not expandable or {restrictions.path_of(each) for each in call.options.expand} <= expandable))


def interest_of(call: Call, source: Source) -> Interest:
    """What the result of a query depends on. Raises Untracked."""
    if call.options.apply is not None or call.resource.kind == "entity" and (
            source.relation is not None and (source.parent is None or not source.key)):
        raise Untracked
    found = interest(call.service.planner(call.policy), source, call.options)
    if call.resource.kind == "entity" and call.wishes.version == "4.0" and any(
            branch.item.suffix != "$count" for branch in found.branches):
        raise Untracked     # links have their place beside entities, not in one
    return found


def link(call: Call, since: str) -> str:
    """The delta link that begins at a boundary."""
    return _url(call, [since])


def _texts(call: Call) -> tuple[tuple[str, str], ...]:
    return tuple((name, text) for name, text in call.syntax.options.texts if name not in LEFT_OUT)


def _path(call: Call) -> str:
    return call.request.path.rstrip("/").removesuffix(COUNT)


def _query(call: Call) -> str:
    return "".join(f"{quote(name, safe=QUERY_SAFE)}={quote(text, safe=QUERY_SAFE)}&" for name, text in _texts(call))


def _url(call: Call, values: list[Any]) -> str:
    token = call.service.tokens.write(_scope(call), values)
    return f"{call.request.root}{_path(call)}?{_query(call)}$deltatoken={token}"


def _scope(call: Call) -> str:
    """What a token is bound to: the query, the policy, and the form in which its entities are kept."""
    from app.service.service import scope_of
    source, _ = call.service.planner(call.policy).source(call.resource.steps)
    kept = call.service.delta_scopes.get(source.table)
    if kept is None:
        kept = schema.fingerprint(call.store, schema.definitions(call.mapping, source.table))
        call.service.delta_scopes[source.table] = kept
    return "\n".join(("delta", call.policy.id, kept, scope_of(_path(call), _texts(call))))


# --- the link --------------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Position:
    """Where an answer begins: changes after the boundary `old` and, on later pages, up to `new`, behind `skip` objects of
    the entity `row`."""

    old: str
    new: str | None = None
    row: int = 0
    skip: int = 0


class DeltaAnswer:
    """The answers to the delta links of one query."""

    def __init__(self, call: Call, source: Source, options: bound.Options) -> None:
        service = call.service
        planner = service.planner(call.policy, call.wishes.page_size)
        try:
            self.about = interest_of(call, source)
        except Untracked:
            raise gone(call) from None
        self.source, self.format, self.root = source, call.wishes.format, call.request.root
        self.table = call.mapping.table(source.table)
        self.counts, self.single = call.resource.suffix == "$count", call.resource.kind == "entity"
        self.nested = self.format.version != "4.0"
        kept = replace(options, top=None, skip=None, orderby=(), count=False, skiptoken=None, deltatoken=None)
        self.options = kept if self.nested else replace(kept, expand=tuple(
            each for each in kept.expand if each.suffix == "$count"))
        read = planner.read(replace(source, rows=True), self.options, collection=True)
        self.node = Node(call.sight, read, self.format, self.root)
        self.row = self.node.read.sort[-1]
        self.tables = self.about.tables() | ({source.parent.table} if source.parent is not None else set())
        self.keys = Keys(call, source)
        self.links: Any = None
        self.inside: Any = None
        self.plain = self.node
        self.in_full: tuple[Branch, ...] = ()
        if self.about.branches and self.nested:
            from app.service.delta_nested import Nested, whole
            self.inside = Nested(call, self.about.branches)
            self.in_full = tuple(each for each in self.about.branches if whole(each))
            plain = planner.read(replace(source, rows=True), replace(self.options, expand=()), collection=True)
            self.plain = Node(call.sight, plain, self.format, self.root)
        elif self.about.branches:
            from app.service.delta_links import Links
            self.links = Links(call, self.about.branches)
            self.in_full = tuple(each for each in self.about.branches if each.item.suffix == "$count")
        self.unsure = self.about.unsure
        own = Source(source.table, source.type, grant=source.grant, grants=source.grants)
        self.granted = None if source.grant is None else interest(planner, own, bound.Options())

    def __call__(self, call: Call) -> Response:
        if self.format.metadata == "none":
            raise BindError("Changes cannot be told with metadata=none", code="metadataNeeded", target="$format")
        position = self.position(call)
        waits = "callback" in call.wishes.preferences and call.request.method == "GET" and call.request.snapshot is None
        response, nothing = self.answer(call, position, waits)
        if nothing:
            from app.service.watches import watched
            return watched(call, nothing) or response
        return response

    def answer(self, call: Call, position: Position, waits: bool) -> tuple[Response, str]:
        """The answer and, for a client that waits for changes, the next delta link where there is none."""
        from app.service.read import page_of
        with call.store.read():
            new = position.new or changelog.boundary(call.store)
            if not changelog.kept(call.store, position.old):
                raise gone(call)
            window = Window(changelog.since(call.store, self.tables, position.old, new))
            found = Changes(self, call, window)
            if self.counts:
                return Response(200, {"Content-Type": "text/plain"}, str(sum(1 for _ in found.items(0))).encode()), ""
            nothing = _url(call, [new]) if waits and position.new is None and not any(found.items(0)) else ""
            if self.single:
                return self.one(call, found, new), nothing
            page = 0 if call.request.snapshot else page_of(call)
            return self.page(call, found, replace(position, new=new), page), nothing

    def position(self, call: Call) -> Position:
        """What the token says. Raises Gone for one that was not made for this query."""
        try:
            return Position(*call.service.tokens.read(_scope(call), call.syntax.options.deltatoken or "", "$deltatoken"))
        except InvalidToken:
            raise gone(call) from None

    def page(self, call: Call, found: Changes, position: Position, page: int) -> Response:
        """The objects behind a position, up to a page of them."""
        value: list[Item] = []
        last, sent, more = position.row, position.skip, False
        for row, index, item in found.items(position.row):
            if row == position.row and index < position.skip:
                continue
            if page and len(value) >= page:
                more = True
                break
            value.append(item)
            last, sent = row, index + 1
        body: dict[str, Any] = {self.format.control("context"): f"{self.root}$metadata#{self.fragment(call, found.base)}/$delta"}
        if call.options.count:      # of what is told, links and removals included (JSON Format §15.1)
            number = sum(1 for _ in found.items(0))
            body[self.format.control("count")] = str(number) if self.format.ieee754 else number
        body["value"] = value
        if more:
            body[self.format.control("nextLink")] = _url(call, [position.old, position.new, last, sent])
        else:
            body[self.format.control("deltaLink")] = _url(call, [position.new])
        headers = {"Content-Type": self.format.content_type}
        applied = [call.wishes.spelled["track-changes"]] if "track-changes" in call.wishes.spelled else []
        if call.wishes.page_size:
            applied.insert(0, f"{call.wishes.spelled['maxpagesize']}={page}")
        return Response(200, {**headers, **({"Preference-Applied": ", ".join(applied)} if applied else {})}, dumps(body))

    def one(self, call: Call, found: Changes, new: str) -> Response:
        """The change of a single entity: the entity, a removed one, or its id alone where nothing changed. The context is that
        of the entity and says that it is a delta (Protocol §10.17, JSON Format §15.2)."""
        items = [item for _, _, item in found.items(0)]
        path = found.base + found.keys.own(call)
        made = items[0] if items else {self.format.control("id"): self.root + path}
        kind = "deletedEntity" if self.format.control("removed") in made or "reason" in made else "entity"
        fragment = self.fragment(call, found.base) if kind == "entity" else found.base
        tail = ("" if self.table.singleton else f"/${kind}") + ("/$delta" if kind == "entity" else "")
        made = {self.format.control("context"): f"{self.root}$metadata#{fragment}{tail}",
                **{name: value for name, value in made.items() if name != self.format.control("context")},
                self.format.control("deltaLink"): _url(call, [new])}
        return Response(200, {"Content-Type": self.format.content_type}, dumps(made))

    def fragment(self, call: Call, base: str) -> str:
        from app.service.addresses import canonical_base
        resource = call.resource
        return context.entities(base, resource.type, resource.declared or resource.type, call.options, call.wishes.version,
                                single=False, cast=resource.type != resource.declared, source=canonical_base(call)[1])


def gone(call: Call) -> Gone:
    """The answer to a token that says nothing any more: read the whole again."""
    where = f"{call.request.root}{_path(call)}"
    query = _query(call).rstrip("&")
    return Gone("Changes since this token are no longer known; read the full set again", code="deltaTokenExpired",
                target="$deltatoken", headers={"Location": where + (f"?{query}" if query else "")})


class Keys:
    """The ids of entities that an answer names without showing them."""

    def __init__(self, call: Call, source: Source) -> None:
        self.service, self.format, self.source = call.service, call.wishes.format, source
        self.mapping, self.model = call.mapping, call.model
        self.table = call.mapping.table(source.table)
        plain = Source(source.table, source.type, source.types, grant=source.grant, grants=source.grants, rows=True)
        self.node = Node(call.sight, call.service.planner(call.policy).read(plain, bound.Options(select=()), collection=True),
                         self.format, call.request.root)
        self.row = self.node.read.sort[-1]
        properties = self.model.properties(self.table.type)
        self.plain = bool(self.table.key) and all(name in properties for name, _ in self.table.key)
        self.kinds = {name: json_converter(self.model, column.edm, self.format) for name, column in self.table.key}

    def stored(self, call: Call, rows: list[int]) -> dict[int, dict[str, Any]]:
        """Row id → key (name → canonical value) of entities that are there and may be seen."""
        if not rows:
            return {}
        values = replace(call.service.values(call), rows=rows)
        found = sql.fetch(call.store, self.node.statement, values)
        return {row[self.row]: {name: value for name, _, value in self.node.writer.key(row)} for row in found}

    def logged(self, key: Mapping[str, Any]) -> dict[str, Any]:
        """The canonical values of a key as the log has it."""
        found = {}
        for name, column in self.table.key:
            value = key.get(name)
            kind = self.model.enum_type(column.edm)
            found[name] = self.service.catalogue.enums.number(kind, value) if kind is not None \
                else unportable(value, column.edm)
        return found

    def path(self, base: str, key: Mapping[str, Any]) -> str:
        """The URL of an entity below the service root; `base`: that of its collection."""
        if not self.node.writer.keyed or self.table.singleton:
            return base
        return base + key_predicate(self.model, [(name, column.edm, key[name]) for name, column in self.table.key])

    def json(self, key: Mapping[str, Any]) -> dict[str, Any] | None:
        """The key as members of an object; None where it is not made of properties."""
        if not self.plain or not self.node.writer.keyed:
            return None
        return {name: value if convert is None or value is None else convert(value)
                for name, value in key.items() for convert in [self.kinds[name]]}

    def removed(self, root: str, base: str, key: Mapping[str, Any], reason: str) -> Item:
        """The entity as one that is no longer there."""
        return form.removed(self.format, base, root + self.path(base, key), self.json(key), reason)

    def asked(self, call: Call) -> dict[str, Any]:
        """The key that the request names."""
        from app.service.addresses import literal
        wanted = {column.name: literal(call, value) for column, value in self.source.key}     # type: ignore[arg-type]
        return {name: wanted.get(column.name) for name, column in self.table.key}

    def own(self, call: Call) -> str:
        """The key predicate of the request."""
        return self.path("", self.asked(call))


class Changes:
    """The changes of one answer."""

    def __init__(self, answer: DeltaAnswer, call: Call, window: Window) -> None:
        from app.service.addresses import canonical_base, contained_base
        self.answer, self.call, self.window, self.keys = answer, call, window, answer.keys
        about, source = answer.about, answer.source
        self.touched = window.of(about.table)
        self.trail = trail = Trail(call.service.catalogue, window)
        self.base = contained_base(call) if answer.table.owner is not None else canonical_base(call)[0]
        self.changed = window.told(about, answer.table)
        self.swayed = trail.swayed(about)
        self.swayed |= {row for row, touch in self.touched.items() if answer.unsure and touch.names}
        if isinstance(source.relation, Link) and source.parent is not None:
            from app.service.changes import Hop
            hop = Hop(source.parent.table, "", source.relation, source.table)
            self.swayed |= {pair[1] for pair, _ in trail.linked(hop)}
        self.reached = trail.reached(about)
        self.in_full = trail.reached(replace(about, branches=answer.in_full))
        rows = self.changed | self.swayed | self.reached
        if answer.single and not answer.table.singleton:
            rows &= self.addressed(rows)
        self.rows = sorted(rows)
        self.ends = self.endings()

    def addressed(self, rows: set[int]) -> set[int]:
        """Of the rows those that have the key of the request, now or when they were deleted."""
        wanted = self.keys.asked(self.call)
        found = {row for row, key in self.keys.stored(self.call, sorted(rows)).items() if key == wanted}
        logged = {row: (touch.key, touch.ended) for row, touch in self.touched.items() if row in rows}
        return found | {row for row, keys in logged.items() if any(
            key is not None and self.keys.logged(key) == wanted for key in keys)}

    def items(self, start: int) -> Iterator[tuple[int, int, Item]]:
        """(row, number among the objects of the row, object) from the row `start` on, in order; row 0 stands before all."""
        if not start and self.answer.links:
            for index, item in enumerate(self.answer.links.deleted(self.call, self)):
                yield 0, index, item
        rows = [row for row in self.rows if row >= start]
        for at in range(0, len(rows), CHUNK):
            yield from self.chunk(rows[at:at + CHUNK])

    def chunk(self, rows: list[int]) -> Iterator[tuple[int, int, Item]]:
        answer, call = self.answer, self.call
        full = [row for row in rows if not answer.inside or self.new(row) or row in self.in_full]
        there = self.read(answer.node, full)
        told = {row for row in there if answer.inside or row in self.changed or row in self.in_full or self.new(row)}
        if answer.inside:
            known = self.read(answer.plain, [row for row in rows if row not in set(full)])
            told |= answer.inside.attach(call, self, known) | known.keys() & self.changed
            there |= known
        stored = self.keys.stored(call, [row for row in rows if row not in there and not self.deleted(row)])
        links = answer.links.of(call, self, {row: path for row, (_, path) in there.items()}) if answer.links else {}
        for row in rows:
            items = [] if answer.links else self.ended(row, there[row][1] if row in there else None)
            if row in there:
                items += [*([there[row][0]] if row in told else []), *links.get(row, ())]
            else:
                items += self.left(row, stored.get(row))
            for index, item in enumerate(items):
                yield row, index, item

    def read(self, node: Node, rows: list[int]) -> dict[int, tuple[Item, str]]:
        """Row → (object, URL below the root) of those of the rows that are in the result."""
        if not rows:
            return {}
        run = Run(replace(self.call.service.values(self.call), rows=rows), self.call.syntax.options)
        found, at = sql.fetch(self.call.store, node.statement, run.values), node.read.sort[-1]
        made, paths = node.objects(found, run, self.base), node.paths(found, self.base)
        there = {row[at]: (each, path) for row, each, path in zip(found, made, paths, strict=True)}
        lost.tell(there, self.touched, self.answer.options)
        return there

    def deleted(self, row: int) -> bool:
        return row in self.touched and self.touched[row].deleted

    def new(self, row: int) -> bool:
        """Whether an entity of the result may not have been in it before."""
        touch = self.touched.get(row)
        return row in self.swayed or touch is not None and (touch.created or bool(touch.names & self.answer.about.decides))

    def hidden_since(self, row: int, touch: Touch | None) -> bool:
        """Whether an entity that the policy hides may have been seen before."""
        granted = self.answer.granted
        if granted is None:
            return False
        return row in self.trail.swayed(granted) or touch is not None and bool(touch.names & granted.decides)

    def endings(self) -> dict[int, list[dict[str, Any]]]:
        """Row → keys of the deleted entities that are told of there: where each was, or before one with the same key that
        is in a row before (SQLite uses row ids again)."""
        found: dict[int, list[dict[str, Any]]] = {}
        ended = {row: self.keys.logged(touch.ended) for row, touch in self.touched.items() if touch.ended is not None}
        again = {self.keys.path("", self.keys.logged(touch.key)): row for row, touch in self.touched.items()
                 if touch.created and not touch.deleted} if ended else {}
        for row, key in ended.items():
            found.setdefault(min(row, again.get(self.keys.path("", key), row)), []).append(key)
        return found

    def ended(self, row: int, path: str | None) -> list[Item]:
        """The removals of entities that were deleted, unless one with the same URL (`path`) has come in its place. Raises
        Gone where a policy keeps it from being said whether the client could see it."""
        keys = [key for key in self.ends.get(row, ()) if path is None or self.keys.path(self.base, key) != path]
        if keys and self.answer.granted is not None:
            raise gone(self.call)
        return [self.keys.removed(self.answer.root, self.base, key, "deleted") for key in keys]

    def left(self, row: int, key: dict[str, Any] | None) -> list[Item]:
        """The removal of an entity that is not in the result, where it may have been. Raises Gone where a policy keeps
        it from being said whether the client could see it."""
        touch = self.touched.get(row)
        if touch is not None and (touch.created or touch.deleted):
            return []
        if not self.new(row) or key is None and not self.hidden_since(row, touch):
            return []
        if key is None:
            raise gone(self.call)
        return [self.keys.removed(self.answer.root, self.base, key, "changed")]

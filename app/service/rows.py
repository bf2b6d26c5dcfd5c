"""Run a compiled read: rows in, objects with their expansions out; one statement a path, for up to 1,000 parents at once.

`Node` is a `Read` made ready for one format and root: compiled statement, object writer, compiled children. It holds no
value of a request. DESIGN §3 "Fixed number of statements".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from app import sql
from app.edm.index import Model
from app.payload.format import Format
from app.payload.omission import Omission
from app.payload.writer import ObjectWriter
from app.plan.nodes import CountQuery, Expansion, Query, Read, Rows
from app.service.advertised import Advertised, told
from app.service.grouped import RowNode, context_url
from app.service.innerlinks import InnerLinks
from app.service.items import Chooser, InnerParts, Parts, Values
from app.service.levels import Found, Levels, Related, link_of
from app.service.streamed import Streamed
from app.store.database import Store, Stream
from app.store.mapping import DocumentLink, Mapping, Whole
from app.url import nodes as url

CHUNK = 1000
T = TypeVar("T")


class Environment(Protocol):
    """What compiling a read needs of the service."""

    model: Model
    mapping: Mapping
    store: Store

    def ready(self, statement: sql.Statement) -> sql.Statement: ...

    def advertised(self, type_name: str, collection: bool = False, id: str = "") -> list[Advertised]: ...

    def next_token(self, path: str, texts: tuple[tuple[str, str], ...], values: list[Any], snapshot: str | None = None
                   ) -> str: ...


@dataclass(frozen=True, slots=True)
class Keyset:
    """Reads the sort values of a row, for tokens: positions and what makes each canonical."""

    positions: tuple[int, ...]
    readers: tuple[Any, ...]
    types: tuple[str, ...]

    def values(self, row: Sequence[Any]) -> list[Any]:
        return [portable(row[at] if read is None or row[at] is None else read(row[at]), type)
                for at, read, type in zip(self.positions, self.readers, self.types, strict=True)]


def portable(value: Any, type: str) -> Any:
    """A canonical value as JSON that reads back exactly: everything but numbers and Booleans as text."""
    from app.edm import types
    if value is None or isinstance(value, bool | int):
        return value
    return types.write("Edm.Double" if type == "Edm.Single" else type, value) if type.startswith("Edm.") else value


def unportable(value: Any, type: str) -> Any:
    """The canonical value out of `portable`."""
    from app.edm import types
    if isinstance(value, str) and type.startswith("Edm.") and type not in ("Edm.String", "Edm.Untyped"):
        return types.parse("Edm.Double" if type == "Edm.Single" else type, value)      # databases compute Singles as Doubles
    return value


@dataclass(frozen=True, slots=True)
class Run:
    """What changes from request to request: the values, and the options as the client wrote them."""

    values: sql.Values
    options: url.Options
    view: Stream | None = None      # the stream whose view of the data the statements share; else the store
    since: str | None = None        # the boundary behind which a delta link will begin; '' until it is read

    def texts(self, trail: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """The options of an expanded property as those of a request for it, found along the expanded names: with what is
        left of `$levels`, and with every parameter alias on the way."""
        options: url.Options | None = self.options
        item: url.ExpandItem | None = None
        levels: int | str | None = None
        aliases: list[tuple[str, str]] = []
        for name in trail:
            aliases += [pair for pair in options.texts if pair[0].startswith("@")] if options else []
            found = next((each for each in (options.expand or ()) if name in each.path), None) if options else None
            if found is None and item is not None and item.path[-1] == name and levels is not None:
                levels = levels - 1 if isinstance(levels, int) else levels
            else:
                item = found
                levels = item.options.levels if item and item.options else None
            options = item.options if item else None
        texts = [pair for pair in options.texts if pair[0] != "$levels"] if options else []
        if item is not None and levels is not None and levels != 1:
            left = levels - 1 if isinstance(levels, int) else levels
            inner = ";".join(f"{name}={text}" for name, text in [*texts, ("$levels", str(left))])
            again = f"{'/'.join(item.path)}{item.suffix}({inner})"
            texts = [*((name, f"{text},{again}" if name == "$expand" else text) for name, text in texts)]
            if not any(name == "$expand" for name, _ in texts):
                texts.append(("$expand", again))
        given = {name for name, _ in texts}
        return (*texts, *dict(pair for pair in aliases if pair[0] not in given).items())


class Node:
    """One compiled query with its children. `trail`: the navigation properties expanded on the way here."""

    def __init__(self, environment: Environment, read: Read, format: Format, root: str, trail: tuple[str, ...] = (),
                 opened: frozenset[str] = frozenset()) -> None:
        operations = None
        if format.metadata == "full":
            read, operations = told(read, lambda type: environment.advertised(type, id=read.shape.table))
        self.environment, self.read, self.format, self.root, self.trail = environment, read, format, root, trail
        store = environment.store
        self.statement = environment.ready(sql.compile_query(read.query, environment.mapping, store.dialect))
        self.shape = read.shape
        readers = sql.readers(self.statement, store.dialect)
        self.writer = ObjectWriter(read.shape, format, environment.model, environment.mapping, store.dialect.reader, root,
                                   operations, readers, opened)
        self.links = self.statement.link_count
        self.expansions = tuple(Child(self, expansion) for expansion in read.shape.expansions)
        values = Values(environment.model, format)
        self.parts = Parts(read.shape.parts, values, readers)
        self.choosers = tuple(Chooser(choice, values, environment) for choice in read.shape.choices)
        self.inside = tuple(InnerParts(inner, values, environment) for inner in read.shape.inner)
        self.streamed, self.inner = Streamed(self), InnerLinks(self)
        self.omission = Omission(environment.model, format)
        self.kept = frozenset(each.name for each in read.shape.expansions if not each.path)
        self.several = bool(self.expansions or self.choosers or self.inside or self.streamed.needed)
        positions = read.sort
        self.keyset = Keyset(positions, tuple(readers[at] for at in positions),
                             tuple(self.statement.columns[at][1] for at in positions))

    def objects(self, rows: Sequence[Sequence[Any]], run: Run, base: str | Sequence[str] = ""
                ) -> list[dict[str, Any]]:
        """The objects of the rows, expansions included."""
        made = self.writer.objects(rows, base)
        if self.inner.needed:
            self.inner.attach(rows, made, base)
        for child in self.expansions:
            for start in range(0, len(rows), CHUNK):
                part = base if isinstance(base, str) else base[start:start + CHUNK]
                child.attach(rows[start:start + CHUNK], made[start:start + CHUNK], run, part)
        self.parts.attach(rows, made)
        nested: tuple[InnerParts | Chooser, ...] = (*self.inside, *self.choosers)
        for chooser in nested:
            for start in range(0, len(rows), CHUNK):
                chooser.attach(rows[start:start + CHUNK], made[start:start + CHUNK], run.values, run.view)
        if self.streamed.needed:
            for start in range(0, len(rows), CHUNK):
                part = base if isinstance(base, str) else base[start:start + CHUNK]
                self.streamed.attach(rows[start:start + CHUNK], made[start:start + CHUNK], part, run.view)
        if self.format.omit:
            for row, target in zip(rows, made, strict=True):
                self.omission.object(target, self.writer.type_of(row), self.kept)
        return made

    def paths(self, rows: Sequence[Sequence[Any]], base: str | Sequence[str]) -> list[str]:
        """The canonical URL of each row, relative to the root."""
        if isinstance(base, str):
            return [self.writer.path(row, base) for row in rows]
        return [self.writer.path(row, each) for row, each in zip(rows, base, strict=True)]


class Child:
    """An expanded navigation property: reads the related entities of many parents and hands them out."""

    def __init__(self, parent: Node, expansion: Expansion) -> None:
        self.parent, self.expansion = parent, expansion
        self.environment = parent.environment
        self.trail = (*parent.trail, expansion.name)
        self.node: Node | None = None
        self.rows: RowNode | None = None
        match expansion.read:
            case Rows():
                self.rows = RowNode(parent.environment, expansion.read, parent.format, parent.root, self.trail)
            case Read():
                self.node = Node(parent.environment, expansion.read, parent.format, parent.root, self.trail)
        self.empty = self.counting = None
        if isinstance(expansion.read, Rows) and expansion.read.empty is not None:
            self.empty = self.compiled(sql.compile_query, expansion.read.empty)
        if expansion.counting is not None:
            self.counting = self.compiled(sql.compile_count, expansion.counting)
        self.context = ""
        if expansion.options is not None and expansion.read is not None:
            single = not expansion.collection
            self.context = context_url(parent.environment, parent.root, parent.format, expansion.read, expansion.options, single)
        self.count_name = parent.format.control("count", expansion.name)
        self.context_name = parent.format.control("context", expansion.name)
        self.next_name = parent.format.control("nextLink", expansion.name)
        self.id_name = parent.format.control("id")
        links = ("associationLink", "navigationLink") if parent.format.metadata == "full" else ()
        self.link_names = tuple(parent.format.control(each, expansion.name) for each in links)
        relation = None if expansion.read is None else expansion.read.query.source.relation
        self.whole = isinstance(relation, Whole)
        self.inside = isinstance(relation, DocumentLink)
        self.nested = self.inside or expansion.again is not None
        model = parent.environment.model
        self.everywhere = bool(expansion.path) or all(model.is_a(variant, expansion.owner) for variant in parent.shape.variants)
        self.segment = self._segment(model)

    def compiled(self, compile: Callable[..., sql.Statement], query: Query | CountQuery) -> sql.Statement:
        environment = self.environment
        return environment.ready(compile(query, environment.mapping, environment.store.dialect))

    def _segment(self, model: Model) -> str:
        """The path from the entity to its related ones, casts included where the addresses need them."""
        expansion = self.expansion
        steps = [*expansion.path, expansion.name]
        if not expansion.path and not model.is_a(self.parent.writer.table.type, expansion.owner):
            steps.insert(0, expansion.owner)
        if isinstance(expansion.read, Read) and expansion.read.query.source.type != expansion.navigation.type:
            steps.append(expansion.read.query.source.type)
        return "/".join(steps)

    def attach(self, rows: Sequence[Sequence[Any]], made: list[dict[str, Any]], run: Run,
               base: str | Sequence[str]) -> None:
        """Puts the related entities of `rows` into the objects made of them."""
        expansion = self.expansion
        if not self.everywhere:
            model, type_of = self.environment.model, self.parent.writer.type_of
            chosen = [index for index, row in enumerate(rows) if model.is_a(type_of(row), expansion.owner)]
            rows, made = [rows[index] for index in chosen], [made[index] for index in chosen]
            if not isinstance(base, str):
                base = [base[index] for index in chosen]
        if not rows:
            return
        if expansion.read is None:
            for row, target in zip(rows, made, strict=True) if expansion.count is not None else ():
                for _, holder in self._values(target) if self.expansion.path else ((-1, target),):
                    self._hold_links(holder)
                    self._number(holder, row[expansion.count])      # type: ignore[index]
            return
        if self.nested:
            self._attach_nested(rows, made, run, base)
        else:
            self._attach(rows, made, run, base)

    def _attach(self, rows: Sequence[Sequence[Any]], made: list[dict[str, Any]], run: Run, base: str | Sequence[str]) -> None:
        """Entities of one level: what was found goes straight into its place, paths are made where a next link needs them."""
        expansion, links, name = self.expansion, self._links(rows), self.expansion.name
        wanted = [link for link in dict.fromkeys(links) if link is not None]
        paths = dict(zip(links, self.parent.paths(rows, base), strict=True)) if self.node and self.node.writer.needs_base else {}
        keys, found, objects = self._read(wanted, run, paths) if wanted else ([], [], [])
        if not expansion.collection:
            one = dict(zip(reversed(keys), reversed(objects), strict=True))     # the first of several
            for target, link in zip(made, links, strict=True):
                if self.context:
                    target[self.context_name] = self.context
                self._hold_links(target)
                target[name] = one.get(link)
            return
        several, of_link = grouped(keys, objects), None
        at, page, counts = expansion.count, expansion.page, self._counts(wanted, keys, run)
        for index, (target, link) in enumerate(zip(made, links, strict=True)):
            related = several.get(link) or []
            if at is not None or counts:
                self._number(target, counts.get(link, 0) if at is None else rows[index][at])
            if self.context:
                target[self.context_name] = self.context
            self._hold_links(target)
            if not page or len(related) <= page:
                target[name] = related
                continue
            target[name] = related[:page]
            of_link = of_link or grouped(keys, found)
            path, = self.parent.paths([rows[index]], base if isinstance(base, str) else [base[index]])
            self._put_link(target, of_link[link][page - 1], path, run, 1)

    def _attach_nested(self, rows: Sequence[Sequence[Any]], made: list[dict[str, Any]], run: Run, base: str | Sequence[str]
                       ) -> None:
        """Entities of several levels, or of complex values, of which an entity may have many."""
        expansion, paths = self.expansion, self.parent.paths(rows, base)
        places = self._places(rows, made)
        wanted = list(dict.fromkeys(link for _, _, link in places if link is not None))
        found: Found = {}
        if wanted:
            found = self.related(wanted, run, {link: paths[index] for index, _, link in places})
        levels = Levels(self, {link: found.get(link, []) for link in wanted}, run) if expansion.again is not None else None
        for index, holder, link in places:
            related = found.get(link, [])
            if levels is not None:
                related = levels.grown(related, frozenset({paths[index]}))
            count = None if expansion.count is None else rows[index][expansion.count]
            self.hand_out(holder, related, paths[index], run, 1, count)

    def hand_out(self, holder: dict[str, Any], related: list[Related], path: str, run: Run, level: int, count: Any) -> None:
        """Puts related entities into the object that has the property; `path`: of its entity."""
        if count is not None:
            self._number(holder, count)
        if self.context:
            holder[self.context_name] = self.context
        self._hold_links(holder)
        if self.expansion.collection:
            self._put(holder, related, path, run, level)
        else:
            holder[self.expansion.name] = related[0].made if related else None

    def _hold_links(self, holder: dict[str, Any]) -> None:
        """Puts the links of the property immediately before its value (JSON Format §4.4, §8.1, §8.2)."""
        for name in self.link_names:
            if name in holder:
                holder[name] = holder.pop(name)

    def _number(self, holder: dict[str, Any], count: Any) -> None:
        holder[self.count_name] = str(count) if self.parent.format.ieee754 else count

    def _places(self, rows: Sequence[Sequence[Any]], made: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any], Any]]:
        """(index of the row, object that gets the property, link value); no link value: nothing can be related."""
        if self.inside:
            at = self.expansion.own[0]
            return [(index, holder, (row[at], ordinal)) for index, (row, target) in enumerate(zip(rows, made, strict=True))
                    for ordinal, holder in self._values(target)]
        return [(index, target, link) for index, (target, link) in enumerate(zip(made, self._links(rows), strict=True))]

    def _values(self, target: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
        """(position, or -1 outside a collection; complex value) where the navigation property is one of complex values."""
        first, *rest = self.expansion.path
        value = target.get(first)
        for ordinal, each in enumerate(value) if isinstance(value, list) else [(-1, value)]:
            for step in rest:
                each = each.get(step) if isinstance(each, dict) else None
            if isinstance(each, dict):
                yield ordinal, each

    def _links(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        own = self.expansion.own
        if len(own) == 1:
            at = own[0]
            return [row[at] for row in rows]
        return [link_of(row, own) for row in rows]

    def related(self, wanted: list[Any], run: Run, paths: dict[Any, str]) -> Found:
        """The related entities by link value; `paths`: those of the entities that they are related to."""
        keys, rows, made = self._read(wanted, run, paths)
        node, found = self.node, Found()
        own = node.paths(rows, self._base(keys, paths)) if node and self.expansion.again is not None else [""] * len(rows)
        for key, row, each, path in zip(keys, rows, made, own, strict=True):
            found.setdefault(key, []).append(Related(row, each, path))
        return found

    def _read(self, wanted: list[Any], run: Run, paths: dict[Any, str]
              ) -> tuple[list[Any], list[tuple[Any, ...]], list[dict[str, Any]]]:
        """What is related to these link values: link value, row and object of each."""
        node = self.node
        if node is None:
            return self._read_rows(wanted, run)
        count = node.links
        parents = [(link,) for link in wanted] if count == 1 else wanted
        rows = sql.fetch(run.view or self.environment.store, node.statement, replace(run.values, parents=parents))
        keys: list[Any] = [row[0] for row in rows] if count == 1 else [tuple(row[:count]) for row in rows]
        base = self._base(keys, paths)
        if self.expansion.suffix:
            return keys, rows, [{self.id_name: self.parent.root + path} for path in node.paths(rows, base)]
        return keys, rows, node.objects(rows, run, base)

    def _base(self, keys: list[Any], paths: dict[Any, str]) -> str | list[str]:
        """Where the related entities are addressed, where that depends on the entity they are related to."""
        assert self.node is not None
        return [f"{paths[key]}/{self.expansion.name}" for key in keys] if self.node.writer.needs_base else ""

    def _read_rows(self, wanted: list[Any], run: Run) -> tuple[list[Any], list[Any], list[dict[str, Any]]]:
        """Link values, rows and objects of groups and aggregates; a parent without any has those of no entities."""
        node, store = self.rows, run.view or self.environment.store
        assert node is not None
        count = node.links
        run = replace(run, values=replace(run.values, parents=[(link,) for link in wanted] if count == 1 else wanted))
        rows = sql.fetch(store, node.statement, run.values)
        keys: list[Any] = [row[0] for row in rows] if count == 1 else [tuple(row[:count]) for row in rows]
        made, known = node.objects(rows, run), set(keys)
        missing = [link for link in wanted if link not in known]
        if missing and self.empty is not None:
            none = [(*[None] * count, *row) for row in sql.fetch(store, self.empty, run.values)]
            for link in missing:
                keys += [link] * len(none)
                rows, made = [*rows, *none], [*made, *node.objects(none, run)]
        return keys, rows, made

    def _counts(self, wanted: list[Any], keys: list[Any], run: Run) -> dict[Any, int]:
        """The number of results of `$apply` by link value."""
        if self.counting is None or not wanted:
            return {}
        count = self.counting.link_count
        values = replace(run.values, parents=[(link,) for link in wanted] if count == 1 else wanted)
        found = dict.fromkeys(wanted, 0)
        if self.rows is not None:
            found.update((link, len(each)) for link, each in grouped(keys, keys).items())
        for row in sql.fetch(run.view or self.environment.store, self.counting, values):
            found[row[0] if count == 1 else tuple(row[:count])] = row[count]
        return found

    def _put(self, holder: dict[str, Any], related: list[Related], path: str, run: Run, level: int) -> None:
        page = self.expansion.page
        more = bool(page) and len(related) > page
        if more:
            related = related[:page]
        holder[self.expansion.name] = [each.made for each in related]
        if more:
            self._put_link(holder, related[-1].row, path, run, level)

    def _put_link(self, holder: dict[str, Any], last: Sequence[Any], path: str, run: Run, level: int) -> None:
        """The URL of the page behind the row `last`; `path`: of the entity that has the property."""
        expansion, node = self.expansion, self.node
        assert node is not None
        target = f"{path}/{self.segment}" + ("/$ref" if expansion.suffix else "")
        texts = run.texts((*self.trail, *[expansion.name] * (level - 1)))
        texts = tuple(pair for pair in texts if pair[0] != "$skip")             # the token begins behind it
        wanted = dict(texts).get("$top")
        left = None if wanted is None else int(wanted) - expansion.page
        token = self.environment.next_token(target, texts, [left, *node.keyset.values(last)], run.values.snapshot)
        query = "".join(f"{name}={quote(text, safe=QUERY_SAFE)}&" for name, text in texts)
        holder[self.next_name] = f"{self.parent.root}{target}?{query}$skiptoken={token}"


def grouped(keys: Sequence[Any], items: Sequence[T]) -> dict[Any, list[T]]:
    """The items of each key, in order."""
    found: dict[Any, list[T]] = {}
    for key, item in zip(keys, items, strict=True):
        if key in found:
            found[key].append(item)
        else:
            found[key] = [item]
    return found


QUERY_SAFE = "!$'()*,;:@/?-._~"

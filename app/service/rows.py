"""Run a compiled read: rows in, objects with their expansions out; one statement a path, for up to 1,000 parents at once.

`Node` is a `Read` made ready for one format and root: compiled statement, object writer, compiled children. It holds no
value of a request. DESIGN §3 "Fixed number of statements".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import quote

from app import sql
from app.edm.index import Model
from app.payload.format import Format
from app.payload.writer import ObjectWriter
from app.plan.nodes import Expansion, Read
from app.store.database import Store
from app.store.mapping import Mapping, Whole
from app.url import nodes as url

CHUNK = 1000


class Environment(Protocol):
    """What compiling a read needs of the service."""

    model: Model
    mapping: Mapping
    store: Store

    def advertised(self, type_name: str) -> list[tuple[str, str]]: ...

    def next_token(self, path: str, texts: tuple[tuple[str, str], ...], values: list[Any]) -> str: ...


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
    return types.write(type, value) if type.startswith("Edm.") else value


def unportable(value: Any, type: str) -> Any:
    """The canonical value out of `portable`."""
    from app.edm import types
    if isinstance(value, str) and type.startswith("Edm.") and type not in ("Edm.String", "Edm.Untyped"):
        return types.parse(type, value)
    return value


@dataclass(frozen=True, slots=True)
class Run:
    """What changes from request to request: the values, and the options as the client wrote them."""

    values: sql.Values
    options: url.Options

    def texts(self, trail: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """The option texts in the parentheses of an expanded property, found along the expanded names."""
        options: url.Options | None = self.options
        for name in trail:
            item = next((each for each in (options.expand or ()) if each.path and name in each.path), None) if options else None
            options = item.options if item else None
        return tuple((name, text) for name, text in options.texts if name != "$levels") if options else ()


class Node:
    """One compiled query with its children. `trail`: the navigation properties expanded on the way here."""

    def __init__(self, environment: Environment, read: Read, format: Format, root: str, trail: tuple[str, ...] = ()) -> None:
        self.environment, self.read, self.format, self.root, self.trail = environment, read, format, root, trail
        store = environment.store
        self.statement = sql.compile_query(read.query, environment.mapping, store.dialect)
        self.shape = read.shape
        self.writer = ObjectWriter(read.shape, format, environment.model, environment.mapping, store.dialect.reader, root,
                                   environment.advertised)
        self.links = self.statement.link_count
        self.expansions = tuple(Child(self, expansion) for expansion in read.shape.expansions)
        positions = read.sort
        columns = [self.statement.columns[at] for at in positions]
        self.keyset = Keyset(positions, tuple(store.dialect.reader(column) if column is not None else None
                                              for column, _ in columns), tuple(type for _, type in columns))

    def objects(self, rows: Sequence[Sequence[Any]], run: Run, base: str | Sequence[str] = ""
                ) -> list[dict[str, Any]]:
        """The objects of the rows, expansions included."""
        made = self.writer.objects(rows, base)
        for child in self.expansions:
            for start in range(0, len(rows), CHUNK):
                part = base if isinstance(base, str) else base[start:start + CHUNK]
                child.attach(rows[start:start + CHUNK], made[start:start + CHUNK], run, part)
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
        self.node = None if expansion.read is None else Node(parent.environment, expansion.read, parent.format, parent.root,
                                                             self.trail)
        self.composite = len(expansion.own) > 1
        self.count_name = parent.format.control("count", expansion.name)
        self.next_name = parent.format.control("nextLink", expansion.name)
        self.id_name = parent.format.control("id")
        relation = None if expansion.read is None else expansion.read.query.source.relation
        self.whole = isinstance(relation, Whole)
        self.needs_paths = expansion.page > 0 or (self.node is not None and self.node.writer.needs_base)
        model = parent.environment.model
        self.everywhere = all(model.is_a(variant, expansion.owner) for variant in parent.shape.variants) or bool(expansion.path)

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
        if expansion.count is not None and self.parent.format.metadata != "none" or expansion.suffix == "$count":
            as_text = self.parent.format.ieee754
            for row, target in zip(rows, made, strict=True):
                number = row[expansion.count]  # type: ignore[index]
                self._holder(target)[self.count_name] = str(number) if as_text else number
        if self.node is None:
            return
        paths = self.parent.paths(rows, base) if self.needs_paths else []
        links = self._links(rows)
        wanted = list(dict.fromkeys(link for link in links if link is not None))
        if not wanted and not self.whole:
            found: dict[Any, list[Any]] = {}
        else:
            found = self._related(wanted, run, dict(zip(links, paths, strict=True)) if paths else {})
        for index, (target, link) in enumerate(zip(made, links, strict=True)):
            related = found.get(link, [])
            holder = self._holder(target)
            if holder is None:
                continue
            if not expansion.collection:
                holder[expansion.name] = related[0][1] if related else None
            else:
                self._put(holder, related, paths[index] if paths else "", run)

    def _holder(self, target: dict[str, Any]) -> Any:
        for step in self.expansion.path:
            target = target.get(step) if isinstance(target, dict) else None  # type: ignore[assignment]
            if target is None:
                return None
        return target

    def _links(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        own = self.expansion.own
        if not own:
            return [()] * len(rows)
        if len(own) == 1:
            at = own[0]
            return [row[at] for row in rows]
        return [None if any(row[at] is None for at in own) else tuple(row[at] for at in own) for row in rows]

    def _related(self, wanted: list[Any], run: Run, paths: dict[Any, str]) -> dict[Any, list[Any]]:
        """Link value → its (row, object) pairs, in order."""
        node = self.node
        assert node is not None
        rows = sql.fetch(self.environment.store, node.statement, replace(run.values, parents=wanted if self.composite else [(link,) for link in wanted]))
        count = node.links
        if count == 0:
            keys: list[Any] = [()] * len(rows)
        elif count == 1:
            keys = [row[0] for row in rows]
        else:
            keys = [tuple(row[:count]) for row in rows]
        base: str | list[str] = ""
        if node.writer.needs_base:
            base = [f"{paths[key]}/{self.expansion.name}" for key in keys]
        if self.expansion.suffix == "$ref":
            made: list[dict[str, Any]] = [{self.id_name: self.parent.root + path} for path in node.paths(rows, base)]
        else:
            made = node.objects(rows, run, base)
        found: dict[Any, list[Any]] = {}
        for key, row, each in zip(keys, rows, made, strict=True):
            found.setdefault(key, []).append((row, each))
        return found

    def _put(self, holder: dict[str, Any], related: list[Any], path: str, run: Run) -> None:
        expansion, node = self.expansion, self.node
        assert node is not None
        page = expansion.page
        more = bool(page) and len(related) > page
        if more:
            related = related[:page]
        holder[expansion.name] = [each for _, each in related]
        if more:
            target = "/".join((path, *expansion.path, expansion.name))
            texts = run.texts(self.trail)
            token = self.environment.next_token(target, texts, [None, *node.keyset.values(related[-1][0])])
            query = "".join(f"{name}={quote(text, safe=QUERY_SAFE)}&" for name, text in texts)
            holder[self.next_name] = f"{self.parent.root}{target}?{query}$skiptoken={token}"


QUERY_SAFE = "!$'()*,;:@/?-._~"

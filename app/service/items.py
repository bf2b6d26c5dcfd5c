"""Items and parts: what options nested in `$select` leave of collections of values, and add to complex values.

Choices are made by SQL, over the items of up to 1,000 entities at once; the values themselves are those of the documents
that the entities bring along. Protocol §11.2.5.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app import sql
from app.bind import literal_value
from app.bind import nodes as bound
from app.edm.index import Model
from app.payload.documents import decode_document
from app.payload.format import Format
from app.payload.values import DEDUCIBLE, json_converter
from app.plan.nodes import Choice, Inner, ItemQuery, Part
from app.store.database import Stream
from app.store.search import words
from app.url import nodes as url

if TYPE_CHECKING:
    from app.service.rows import Environment

Convert = Callable[[Any], Any]
Put = Callable[[dict[str, Any], Any], None]
Place = tuple[dict[str, Any], tuple[int, ...]]
Chosen = dict[tuple[Any, ...], list[tuple[Any, ...]]]


class Values:
    """Writes computed values in one format."""

    def __init__(self, model: Model, format: Format) -> None:
        self.model, self.format = model, format

    def member(self, name: str, type: str, read: Convert | None) -> Put:
        """What puts a value of a row into an object, its type before it where JSON does not tell it."""
        write = json_converter(self.model, type, self.format)
        control, annotation = self.format.control("type", name), self.format.type_name(type)
        told = self.format.metadata == "none" or type in DEDUCIBLE or type == "Edm.Untyped"

        def put(target: dict[str, Any], value: Any) -> None:
            if value is not None:
                value = value if read is None else read(value)
                value = value if write is None else write(value)
                if not told:
                    target[control] = annotation
            target[name] = value
        return put

    def count(self, name: str) -> Put:
        """What puts the number of items of a member before it."""
        control = self.format.control("count", name)
        return lambda target, value: annotate(target, name, control, str(value) if self.format.ieee754 else value)


class Parts:
    """Adds the computed members of single complex values."""

    def __init__(self, parts: Sequence[Part], values: Values, readers: Sequence[Convert | None]) -> None:
        self.parts = [(part, values.member(part.name, part.type, readers[part.index])) for part in parts]

    def attach(self, rows: Sequence[Sequence[Any]], made: Sequence[dict[str, Any]]) -> None:
        """Puts the values of `rows` into the objects made of them."""
        for part, put in self.parts:
            for row, target in zip(rows, made, strict=True):
                for holder, _ in holders(target, part.path):
                    put(holder, row[part.index])


class Places:
    """Reads what an item query finds: (what the object is found by, positions in the collections on the way) → rows."""

    def __init__(self, own: Sequence[int], query: ItemQuery, environment: Environment) -> None:
        self.own, self.store = own, environment.store
        self.statement = environment.ready(sql.compile_items(query, environment.mapping, self.store.dialect))
        self.readers = sql.readers(self.statement, self.store.dialect)[self.statement.link_count:]

    def read(self, rows: Sequence[Sequence[Any]], run: sql.Values, view: Stream | None) -> list[tuple[Any, ...]]:
        """The rows about the items of `rows`: what names an item, then the outputs."""
        parents = list(dict.fromkeys(tuple(row[at] for at in self.own) for row in rows))
        found = sql.fetch(view or self.store, self.statement, replace(run, parents=parents))
        return [each for each in found if each[self.statement.link_count - 1] is not None]


class InnerParts:
    """Adds the computed members of complex values inside a collection."""

    def __init__(self, inner: Inner, values: Values, environment: Environment) -> None:
        self.inner, self.places = inner, Places(inner.own, inner.query, environment)
        self.parts = [(part, values.count(part.name) if part.count else
                       values.member(part.name, part.type, self.places.readers[part.index])) for part in inner.parts]

    def attach(self, rows: Sequence[Sequence[Any]], made: Sequence[dict[str, Any]], run: sql.Values, view: Stream | None) -> None:
        """Puts what is computed of the items of `rows` into the objects made of them."""
        named = self.places.statement.link_count
        found = {tuple(each[:named]): each[named:] for each in self.places.read(rows, run, view)}
        for row, target in zip(rows, made, strict=True):
            for item, positions in holders(target, self.inner.path):
                computed = found.get((*(row[at] for at in self.inner.own), *positions))
                if computed is None:
                    continue
                for part, put in self.parts:
                    for holder, _ in holders(item, part.path):
                        put(holder, computed[part.index])


class Chooser:
    """Leaves, in a collection of values, the items that were asked for."""

    def __init__(self, choice: Choice, values: Values, environment: Environment) -> None:
        self.choice, self.values = choice, values
        self.model = environment.model
        self.places: Places | None = None
        self.puts: list[Put] = []
        self.parsed = False
        if choice.query is not None:
            self.places = Places(choice.own, choice.query, environment)
            self.puts = [values.member(each.name, each.type, read)
                         for each, read in zip(choice.computed, self.places.readers)]
            last = choice.query.outputs[-1].expression if choice.search is not None else None
            self.parsed = last is not None and last.type != "Edm.String"
        self.count_name = values.format.control("count", choice.path[-1])

    def attach(self, rows: Sequence[Sequence[Any]], made: Sequence[dict[str, Any]], run: sql.Values,
               view: Stream | None = None) -> None:
        """Replaces the collections in the objects made of `rows`; `view`: the stream whose view of the data holds."""
        choice, name = self.choice, self.choice.path[-1]
        chosen = self._chosen(self.places, rows, run, view) if self.places is not None else None
        skip, top = amount(choice.skip, run, self.model) or 0, amount(choice.top, run, self.model)
        for row, target in zip(rows, made, strict=True):
            for holder, positions in holders(target, choice.path[:-1]):
                items = holder.get(name)
                if not isinstance(items, list):
                    continue
                if chosen is not None:
                    wanted = chosen.get((*(row[at] for at in choice.own), *positions), ())
                    items = [self._item(items[found[0]], found[1:]) for found in wanted]
                if choice.count:
                    annotate(holder, name, self.count_name, str(len(items)) if self.values.format.ieee754 else len(items))
                holder[name] = items[skip:] if top is None else items[skip:skip + top]

    def _chosen(self, places: Places, rows: Sequence[Sequence[Any]], run: sql.Values, view: Stream | None) -> Chosen:
        """(what the object is found by, positions of the outer items) → (position, computed values…) of the items wanted,
        in order."""
        found: Chosen = {}
        at, search = places.statement.link_count - 1, self.choice.search
        for each in places.read(rows, run, view):
            if search is None or matches(search, texts(each[-1], self.parsed)):
                found.setdefault(tuple(each[:at]), []).append(tuple(each[at:]))
        return found

    def _item(self, item: Any, computed: Sequence[Any]) -> Any:
        for put, value in zip(self.puts, computed):
            if isinstance(item, dict):
                put(item, value)
        return item


def texts(item: Any, parsed: bool) -> list[list[str]]:
    """The words of every string in an item, text or JSON text."""
    if not parsed:
        return [words(item)] if isinstance(item, str) else []
    found: list[list[str]] = []
    pending = [decode_document(item)] if isinstance(item, str) else []
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            found.append(words(value))
        else:
            pending.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
    return found


def matches(search: url.Search, strings: list[list[str]]) -> bool:
    """Whether strings match a search expression, by the rules of the search index (DESIGN §5)."""
    match search:
        case url.SearchAnd(operands):
            return all(matches(each, strings) for each in operands)
        case url.SearchOr(operands):
            return any(matches(each, strings) for each in operands)
        case url.SearchNot(operand):
            return not matches(operand, strings)
        case url.SearchTerm(text) | url.SearchPrefix(text):
            wanted = words(text)
            *whole, last = wanted or [""]
            for string in strings:
                for start in range(len(string) - len(wanted) + 1):
                    final = string[start + len(whole)] if wanted else ""
                    ends = final.startswith(last) if isinstance(search, url.SearchPrefix) else final == last
                    if wanted and ends and string[start:start + len(whole)] == whole:
                        return True
    return False


def holders(target: Any, path: Sequence[str], positions: tuple[int, ...] = ()) -> Iterator[Place]:
    """The objects that a path of member names leads to, with the positions in the collections on the way."""
    if isinstance(target, list):
        for index, each in enumerate(target):
            yield from holders(each, path, (*positions, index))
    elif isinstance(target, dict):
        if path:
            yield from holders(target.get(path[0]), path[1:], positions)
        else:
            yield target, positions


def annotate(holder: dict[str, Any], name: str, annotation: str, value: Any) -> None:
    """Puts control information right before the member that it is about (JSON Format §4.4), or where that would be."""
    members = list(holder.items())
    holder.clear()
    for key, each in members:
        if key == name:
            holder[annotation] = value
        holder[key] = each
    holder.setdefault(annotation, value)


def amount(value: int | bound.Parameter | None, run: sql.Values, model: Model) -> int | None:
    """A number of `$top` or `$skip`."""
    if isinstance(value, bound.Parameter):
        literal = run.literals[value.index]
        return min(int(literal_value(literal, value.type, model)), 2**63 - 1)    # type: ignore[arg-type]
    return value

"""Items and parts: what options nested in `$select` leave of collections of values, and add to complex values.

Choices are made by SQL, over the items of up to 1,000 entities at once; the values themselves are those of the documents
that the entities bring along. Protocol §11.2.5.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from app import sql
from app.bind import literal_value
from app.bind import nodes as bound
from app.edm.index import Model
from app.payload.format import Format
from app.payload.values import DEDUCIBLE, json_converter
from app.plan.nodes import Choice, Part
from app.store.database import Store
from app.store.mapping import Mapping

Convert = Callable[[Any], Any]
Place = tuple[dict[str, Any], tuple[int, ...]]


class Values:
    """Writes computed values in one format."""

    def __init__(self, model: Model, format: Format) -> None:
        self.model, self.format = model, format

    def member(self, name: str, type: str, read: Convert | None) -> Callable[[dict[str, Any], Any], None]:
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


class Chooser:
    """Leaves, in a collection of values, the items that were asked for."""

    def __init__(self, choice: Choice, values: Values, store: Store, mapping: Mapping) -> None:
        self.choice, self.values, self.store, self.model = choice, values, store, mapping.model
        self.statement = None
        self.puts: list[Callable[[dict[str, Any], Any], None]] = []
        if choice.query is not None:
            self.statement = sql.compile_items(choice.query, mapping, store.dialect)
            readers = sql.readers(self.statement, store.dialect)[self.statement.link_count:]
            self.puts = [values.member(each.name, each.type, read) for each, read in zip(choice.computed, readers, strict=True)]
        self.count_name = values.format.control("count", choice.path[-1])

    def attach(self, rows: Sequence[Sequence[Any]], made: Sequence[dict[str, Any]], run: sql.Values) -> None:
        """Replaces the collections in the objects made of `rows`."""
        choice, name = self.choice, self.choice.path[-1]
        chosen = self._chosen(rows, run) if self.statement is not None else None
        skip, top = amount(choice.skip, run, self.model) or 0, amount(choice.top, run, self.model)
        for row, target in zip(rows, made, strict=True):
            for holder, positions in holders(target, choice.path[:-1]):
                items = holder.get(name)
                if not isinstance(items, list):
                    continue
                if chosen is not None:
                    items = [self._item(items[found[0]], found[1:]) for found in chosen.get((row[choice.row], *positions), ())]
                if choice.count:
                    annotate(holder, name, self.count_name, str(len(items)) if self.values.format.ieee754 else len(items))
                holder[name] = items[skip:] if top is None else items[skip:skip + top]

    def _chosen(self, rows: Sequence[Sequence[Any]], run: sql.Values) -> dict[tuple[Any, ...], list[tuple[Any, ...]]]:
        """(row id, positions of the outer items) → (position, computed values…) of the items wanted, in order."""
        assert self.statement is not None
        parents = [(each,) for each in dict.fromkeys(row[self.choice.row] for row in rows)]
        found: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        at = self.statement.link_count - 1
        for each in sql.fetch(self.store, self.statement, replace(run, parents=parents)):
            if each[at] is not None:
                found.setdefault(tuple(each[:at]), []).append(tuple(each[at:]))
        return found

    def _item(self, item: Any, computed: Sequence[Any]) -> Any:
        for put, value in zip(self.puts, computed, strict=True):
            if isinstance(item, dict):
                put(item, value)
        return item


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
    """Puts control information right before the member that it is about (JSON Format §4.4)."""
    members = list(holder.items())
    holder.clear()
    for key, each in members:
        if key == name:
            holder[annotation] = value
        holder[key] = each


def amount(value: int | bound.Parameter | None, run: sql.Values, model: Model) -> int | None:
    """A number of `$top` or `$skip`."""
    if isinstance(value, bound.Parameter):
        literal = run.literals[value.index]
        return min(int(literal_value(literal, value.type, model)), 2**63 - 1)    # type: ignore[arg-type]
    return value

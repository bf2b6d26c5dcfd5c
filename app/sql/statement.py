"""Statement: SQL text, what stands behind its placeholders, and what its columns are.

A `Mark` is what Peewee hands back for a placeholder: a constant of the shape, or a `Bind` to a value of the request.
`Values` are the values of one request; `Statement.parameters` puts them in place, through functions that were chosen
once, when the statement was compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from app.bind.literal import literal_value
from app.edm.index import Model
from app.plan.nodes import Slot
from app.store.mapping import Column
from app.url import nodes as url

Literals: TypeAlias = tuple[url.Literal | tuple[url.Literal, ...], ...]


class Moment:
    """The present of one request: read off the clock when it is first needed, then always the same."""

    __slots__ = ("_clock", "_value")

    def __init__(self, clock: Callable[[], str]) -> None:
        self._clock, self._value = clock, ""

    def __str__(self) -> str:
        if not self._value:
            self._value = self._clock()
        return self._value


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one request.

    `literals`: as lifted from the text. `parents`: link values of the parents, as their rows hold them (before any
    reader). `parent`: those of one parent. `keyset`: sort values of a skiptoken, canonical. `principal`, `key`: canonical.
    `rows`: row ids. `snapshot`: the boundary that next links stay at. `root`: the service root as the client sees it; empty
    for the code of operations, which sees URLs below it as they are stored.
    """

    literals: Literals = ()
    parents: Sequence[tuple[Any, ...]] = ()
    parent: tuple[Any, ...] = ()
    keyset: tuple[Any, ...] = ()
    principal: tuple[Any, ...] = ()
    key: tuple[Any, ...] = ()
    top: int | None = None
    skip: int | None = None
    limit: int | None = None
    snapshot: str | None = None
    now: str | Moment = ""
    rows: Sequence[int] = ()
    root: str = ""


Getter: TypeAlias = Callable[[Values], Any]
Convert: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Bind:
    """A value of the request: `convert` turns its canonical value into the form of the database (None: as it is); for a
    list it takes the whole list."""

    slot: Slot
    convert: Convert | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A compiled SELECT.

    `marks`: the placeholders in order, constants in the form of the database. `columns`: (column or None, Edm type) of
    every output, the `link_count` link columns of a child query first. `searched`: tables whose search index it reads;
    `tables`: mapping ids of all that it reads. `by`: the column of row ids that its rows are still to be sorted by.
    """

    text: str
    marks: tuple[Any, ...]
    columns: tuple[tuple[Column | None, str], ...]
    link_count: int = 0
    getters: tuple[Getter, ...] = field(default=(), compare=False, repr=False)
    searched: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
    by: int | None = None

    def parameters(self, values: Values) -> list[Any]:
        """What the driver binds. Raises TypeMismatch for a literal that is not of its type."""
        return [get(values) for get in self.getters]


def getter(mark: Any, model: Model) -> Getter:
    """The function that finds the value of a mark in the values of a request."""
    if not isinstance(mark, Bind):
        return lambda values: mark
    return READERS[mark.slot.kind](mark.slot, mark.convert or _same, model)


def _same(value: Any) -> Any:
    return value


def _literal(slot: Slot, convert: Convert, model: Model) -> Getter:
    index, type_name, most = slot.index, slot.type, slot.most

    def get(values: Values) -> Any:
        return convert(literal_value(values.literals[index], type_name, model))    # type: ignore[arg-type]
    return (lambda values: min(get(values), most)) if most else get


def _list(slot: Slot, convert: Convert, model: Model) -> Getter:
    index, type_name = slot.index, slot.type

    def get(values: Values) -> Any:
        return convert([literal_value(each, type_name, model) for each in values.literals[index]])  # type: ignore[union-attr]
    return get


def _parents(slot: Slot, convert: Convert, model: Model) -> Getter:
    """One value of each parent that has all of them, every parent once; the whole tuples when the index is -1."""
    index = slot.index

    def get(values: Values) -> Any:
        rows = dict.fromkeys(row for row in values.parents if None not in row)
        return convert(list(rows) if index < 0 else [row[index] for row in rows])
    return get


def _member(name: str) -> Callable[[Slot, Convert, Model], Getter]:
    def reader(slot: Slot, convert: Convert, model: Model) -> Getter:
        index = slot.index
        return lambda values: convert(getattr(values, name)[index])
    return reader


def _number(name: str) -> Callable[[Slot, Convert, Model], Getter]:
    return lambda slot, convert, model: lambda values: convert(getattr(values, name))


READERS: Mapping[str, Callable[[Slot, Convert, Model], Getter]] = {
    "literal": _literal, "list": _list, "parents": _parents, "parent": _member("parent"), "keyset": _member("keyset"),
    "principal": _member("principal"), "key": _member("key"), "top": _number("top"), "skip": _number("skip"),
    "limit": _number("limit"), "rows": _number("rows"),
    "now": lambda slot, convert, model: lambda values: convert(str(values.now)),
    "root": _number("root"),
}

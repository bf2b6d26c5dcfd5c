"""From the text of a request to its statements and rows, without a service: url, bind, plan, sql."""

from __future__ import annotations

from typing import Any

from app.bind import bind
from app.bind import nodes as bound
from app.plan import nodes as plan
from app.plan.read import Planner
from app.sql import Statement, Values, compile_query, fetch
from app.sql.run import readers
from app.store.database import Store
from app.store.dialects import Dialect
from app.store.mapping import Mapping
from app.url import lift, parse

NOW = "2025-11-29T15:10:00Z"


def planned(mapping: Mapping, path: str, query: str, **rest: Any) -> tuple[plan.Read, Values, bound.Request]:
    target, literals = lift(parse(path, query))
    request = bind(target, mapping.model)
    planner = Planner(mapping)
    source, _ = planner.source(request.resource.steps)
    found = planner.read(source, request.options, collection=request.resource.collection, **rest)
    return found, Values(literals, now=NOW), request


def compiled(mapping: Mapping, dialect: Dialect, path: str, query: str = "", **rest: Any) -> tuple[Statement, Values, plan.Read]:
    found, values, request = planned(mapping, path, query, **rest)
    return compile_query(found.query, mapping, dialect), values, found


def keys(mapping: Mapping, store: Store, path: str, query: str = "") -> list[Any]:
    """The keys of the answer, in its order."""
    statement, values, found = compiled(mapping, store.dialect, path, query)
    rows = fetch(store, statement, values)
    reads = readers(statement, store.dialect)
    answer = []
    for row in rows:
        read = [value if reader is None else reader(value) for reader, value in zip(reads, row)]
        key = tuple(read[position] for _, position, _ in found.shape.key)
        answer.append(key[0] if len(key) == 1 else key)
    return answer


def values_of(mapping: Mapping, store: Store, path: str, expression: str, kind: str = "") -> list[Any]:
    """The canonical values of a computed property, in the order of the key."""
    statement, values, found = compiled(mapping, store.dialect, path, f"$compute={expression} as computed&$select=computed")
    place = next(member.index for members in found.shape.variants.values() for member in members if member.computed)
    read = readers(statement, store.dialect)[place]
    return [row[place] if read is None else read(row[place]) for row in fetch(store, statement, values)]

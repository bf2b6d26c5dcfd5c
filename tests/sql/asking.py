"""From the text of a request to its statements and rows, without a service: url, bind, plan, sql."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from app.bind import bind
from app.bind import nodes as bound
from app.plan import nodes as plan
from app.plan.read import Planner
from app.sql import Statement, Values, compile_count, compile_query, fetch
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


def compiled(mapping: Mapping, dialect: Dialect, path: str, query: str = "",
             **rest: Any) -> tuple[Statement, Values, plan.Read]:
    found, values, request = planned(mapping, path, query, **rest)
    return compile_query(found.query, mapping, dialect), values, found


def read_rows(statement: Statement, values: Values, store: Store) -> list[tuple[Any, ...]]:
    """Rows of canonical values."""
    reads = readers(statement, store.dialect)
    return [tuple(value if read is None else read(value) for read, value in zip(reads, row))
            for row in fetch(store, statement, values)]


def key_of(shape: plan.Shape, row: tuple[Any, ...]) -> Any:
    key = tuple(row[position] for _, position, _ in shape.key)
    return key[0] if len(key) == 1 else key


def keys(mapping: Mapping, store: Store, path: str, query: str = "") -> list[Any]:
    """The keys of the answer, in its order."""
    statement, values, found = compiled(mapping, store.dialect, path, query)
    return [key_of(found.shape, row) for row in read_rows(statement, values, store)]


def counted(mapping: Mapping, store: Store, path: str, query: str = "") -> int:
    """The number that `/$count` of the path gives."""
    found, values, request = planned(mapping, path, query)
    statement = compile_count(plan.CountQuery(found.query.source, request.options.filter), mapping, store.dialect)
    return int(fetch(store, statement, values)[0][0])


def pages(mapping: Mapping, store: Store, path: str, query: str, size: int) -> list[list[Any]]:
    """The keys of all pages of `size`, each found by the sort values of the last row of the one before."""
    answer: list[list[Any]] = []
    after: tuple[bool, ...] | None = None
    keyset: tuple[Any, ...] = ()
    while True:
        statement, values, found = compiled(mapping, store.dialect, path, query, limit=plan.Slot("limit"), after=after)
        rows = read_rows(statement, replace(values, limit=size, keyset=keyset), store)
        if not rows:
            return answer
        answer.append([key_of(found.shape, row) for row in rows])
        keyset = tuple(rows[-1][position] for position in found.sort)
        after = tuple(value is None for value in keyset)


def expanded(mapping: Mapping, store: Store, path: str, query: str) -> list[dict[Any, list[Any]]]:
    """For each expanded path: the key of every parent with the keys of its children."""
    statement, values, found = compiled(mapping, store.dialect, path, query)
    raw = fetch(store, statement, values)
    parents = read_rows(statement, values, store)
    answer = []
    for each in found.shape.expansions:
        assert each.read is not None
        links = [tuple(row[position] for position in each.own) for row in raw]
        child = compile_query(each.read.query, mapping, store.dialect)
        given = replace(values, parents=links)
        by_link: dict[Any, list[Any]] = {}
        for row, canonical in zip(fetch(store, child, given), read_rows(child, given, store)):
            by_link.setdefault(row[:child.link_count], []).append(key_of(each.read.shape, canonical))
        answer.append({key_of(found.shape, row): by_link.get(link, []) for row, link in zip(parents, links)})
    return answer


def values_of(mapping: Mapping, store: Store, path: str, expression: str) -> list[Any]:
    """The canonical values of a computed property, in the order of the key."""
    query = f"$compute={quote(expression)} as computed&$select=computed"
    statement, values, found = compiled(mapping, store.dialect, path, query)
    place = next(member.index for members in found.shape.variants.values() for member in members if member.computed)
    return [row[place] for row in read_rows(statement, values, store)]


def aggregated(mapping: Mapping, store: Store, path: str, query: str) -> list[tuple[Any, ...]]:
    """The rows of `$apply`: the values of the row's properties in order; of instances their keys and added names."""
    statement, values = aggregate_statement(mapping, store.dialect, path, query)
    return read_rows(statement, values, store)


def aggregate_statement(mapping: Mapping, dialect: Dialect, path: str, query: str) -> tuple[Statement, Values]:
    target, literals = lift(parse(path, query))
    request = bind(target, mapping.model)
    options = request.options
    assert options.apply is not None
    source, _ = Planner(mapping).source(request.resource.steps)
    if options.apply.row is None:
        outputs = [plan.Output(column) for _, column in mapping.table(source.table).key]
        outputs += [plan.Output(expression=bound.AliasPath(each.name, each.type), type=each.type)
                    for each in options.apply.aliases if mapping.model.kind(each.type) == "primitive"]
    else:
        outputs = [plan.Output(expression=bound.AliasPath("/".join(each.path), each.type), type=each.type)
                   for each in options.apply.row]
    order = tuple(plan.Order(item.expression, item.descending) for item in options.orderby)
    made = plan.Query(source, tuple(outputs), options.filter, None, order, apply=options.apply, compute=options.compute)
    return compile_query(made, mapping, dialect), Values(literals, now=NOW)

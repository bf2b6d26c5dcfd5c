"""Entities by row id, as a later GET would show them: what modifications and operations answer with (Protocol §11.4.1.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app import sql
from app.bind import nodes as bound
from app.plan import Source
from app.plan.nodes import Slot
from app.service.call import Call
from app.service.rows import Node, Run
from app.store.mapping import Inverse
from app.url import nodes as url

PLAIN = bound.Options()
INT64 = "Edm.Int64"


@dataclass(frozen=True, slots=True)
class Shown:
    """One entity: its object and its ETag."""

    body: dict[str, Any]
    etag: str | None


def shaped(options: bound.Options) -> bound.Options:
    """Of the options of a request, those that shape an entity."""
    if options.select is None and not options.expand and not options.compute:
        return PLAIN
    return bound.Options(select=options.select, expand=options.expand, compute=options.compute)


def entities(call: Call, table: str, rows: Sequence[int], *, base: str = "", declared: str | None = None,
             options: bound.Options = PLAIN, expanded: bool = True) -> list[Shown]:
    """The entities of these row ids, in their order; ids without a row are left out.

    `base`: the URL of the containment collection for contained entities. `options`: bound for the request (its literals
    are those of the call). One statement, and one for each expanded path.
    """
    found = by_row(call, table, rows, base=base, declared=declared, options=options, expanded=expanded)
    return [found[row] for row in rows if row in found]


def by_row(call: Call, table: str, rows: Sequence[int], *, base: str = "", declared: str | None = None,
           options: bound.Options = PLAIN, expanded: bool = True) -> dict[int, Shown]:
    """Row id → entity; ids without a row are left out."""
    node = _node(call, table, declared, options)
    run = Run(call.service.values(call, parents=[(row,) for row in rows]), call.syntax.options if expanded else url.Options())
    found = sql.fetch(call.store, node.statement, run.values)
    made = node.objects(found, run, base)
    return {row[0]: Shown(each, node.writer.etag(row)) for row, each in zip(found, made, strict=True)}


def entity(call: Call, table: str, row: int, *, base: str = "", declared: str | None = None,
           options: bound.Options = PLAIN) -> Shown | None:
    """One entity by row id, or None when the policy or a concurrent delete hides it."""
    node = _node(call, table, declared, options, alone=True)
    run = Run(call.service.values(call, key=(row,)), call.syntax.options)
    found = sql.fetch(call.store, node.statement, run.values)
    return Shown(node.objects(found, run, base)[0], node.writer.etag(found[0])) if found else None


def _node(call: Call, table: str, declared: str | None, options: bound.Options, alone: bool = False) -> Node:
    """The compiled read of entities of a table by row id (`alone`: of one); cached where nothing of the request is in it."""
    service = call.service
    key = (alone, table, declared, call.wishes.format, call.request.root, call.policy.id)
    plain = options is PLAIN or options == PLAIN
    cached = service.by_row.get(key) if plain else None
    if cached is not None:
        return cached
    place = call.mapping.table(table)
    source = Source(table, declared or place.type, grant=call.policy.grants.one(table), grants=call.policy.grants)
    if alone:
        source = replace(source, key=((place.row_id, Slot("key", 0, INT64, place.row_id)),))
    else:
        source = replace(source, relation=Inverse(table, (place.row_id,), (place.row_id,), ("", "")), parents=True)
    read = service.planner(call.policy, call.wishes.page_size).read(source, options, collection=False)
    node = Node(call.sight, read, call.wishes.format, call.request.root)
    if plain:
        service.by_row.put(key, node)
    return node

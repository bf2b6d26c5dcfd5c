"""Entities by row id, as a later GET would show them: what modifications and operations answer with (Protocol §11.4.1.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app import sql
from app.bind import nodes as bound
from app.plan import Source
from app.service.call import Call
from app.service.rows import Node, Run
from app.store.mapping import Inverse
from app.url import nodes as url

PLAIN = bound.Options()


@dataclass(frozen=True, slots=True)
class Shown:
    """One entity: its object and its ETag."""

    body: dict[str, Any]
    etag: str | None


def shaped(options: bound.Options) -> bound.Options:
    """Of the options of a request, those that shape an entity."""
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
    found = entities(call, table, [row], base=base, declared=declared, options=options)
    return found[0] if found else None


def _node(call: Call, table: str, declared: str | None, options: bound.Options) -> Node:
    """The compiled read of entities of a table by row id; cached where nothing of the request is in it."""
    service = call.service
    key = ("by row", table, declared, call.wishes.format, call.request.root, call.policy.id)
    cached = service.by_row.get(key) if options == PLAIN else None
    if cached is not None:
        return cached
    place = call.mapping.table(table)
    relation = Inverse(table, (place.row_id,), (place.row_id,), ("", ""))
    source = Source(table, declared or place.type, relation=relation, parents=True,
                    grant=call.policy.grants.one(table), grants=call.policy.grants)
    read = service.planner(call.policy, call.wishes.page_size).read(source, options, collection=False)
    node = Node(call.sight, read, call.wishes.format, call.request.root)
    if options == PLAIN:
        service.by_row.put(key, node)
    return node

"""Entities by key, many by one statement: GETs of a batch that differ in nothing but the key (DESIGN §12 k).

Each answer is what the GET alone would give; what is not there is left to be asked for alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from app import sql
from app.bind import literal_value
from app.bind import nodes as bound
from app.edm import types
from app.errors import ODataError
from app.payload.values import dumps_behind
from app.payload.writer import write_etag
from app.service.access import Principal
from app.service.call import Call
from app.service.read import EntityAnswer, context_member
from app.service.rows import CHUNK, Node, Run
from app.store.mapping import Inverse

KEYS = frozenset({"Edm.String", "Edm.Guid", "Edm.Date", *types.INTEGERS})      # whose canonical form is the only one


class Asked(NamedTuple):
    """A GET of an entity by its key, as it was answered before. `key`: canonical values; `parent`: as the store has them."""

    handler: EntityAnswer
    call: Call
    key: tuple[Any, ...]
    parent: tuple[Any, ...]


def asked(handler: Any, call: Call) -> Asked | None:
    """The GET as one that can be answered together with others of its shape: an entity of a set by key, without expansions
    or literals elsewhere. None for any other."""
    if not isinstance(handler, EntityAnswer) or handler.reference or handler.fixed_fragment is None:
        return None
    source, node, model, dialect = handler.source, handler.node, call.model, call.store.dialect
    if (not source.key or source.relation is not None or source.parent is not None or source.predicate is not None
            or len(call.values) != len(source.key) or node.several or node.writer.needs_base):
        return None
    key, parent = [], []
    for column, value in source.key:
        if not isinstance(value, bound.Parameter) or column.edm not in KEYS:
            return None
        try:
            found = literal_value(call.values[value.index], value.type, model)
        except ODataError:      # what is wrong with it, the request alone tells
            return None
        write = dialect.writer(column.edm, column)
        key.append(found)
        parent.append(found if write is None else write(found))
    return Asked(handler, call, tuple(key), tuple(parent))


def entities(handler: EntityAnswer, calls: Sequence[Asked], principal: Principal
             ) -> list[tuple[dict[str, str], bytes] | None]:
    """(headers, body) of the answer to each of the GETs; None where there is no such entity."""
    call = calls[0].call.again(calls[0].call.request, principal)
    node = _node(handler, call)
    common = {"Content-Type": handler.content_type, "OData-Version": call.wishes.version}
    at = node.shape.version
    context = context_member(call, handler.fixed_fragment or "")
    readers = [call.store.dialect.reader(column) for column, _ in handler.source.key]
    width, as_stored = len(readers), not any(readers)
    found: dict[tuple[Any, ...], tuple[dict[str, str], bytes]] = {}
    for start in range(0, len(calls), CHUNK):
        parents = [each.parent for each in calls[start:start + CHUNK]]
        run = Run(call.service.values(call, parents=parents), call.syntax.options)
        rows = sql.fetch(call.store, node.statement, run.values)
        for row, body in zip(rows, dumps_behind(context, node.objects(rows, run)), strict=True):
            key = row[:width] if as_stored else tuple([value if read is None else read(value)
                                                       for value, read in zip(row, readers)])
            found[key] = common if at is None else {**common, "ETag": write_etag(row[at])}, body
    return [found.get(each.key) for each in calls]


def _node(handler: EntityAnswer, call: Call) -> Node:
    """The compiled read of entities by a list of keys; made once for a handler."""
    service = call.service
    node = service.by_row.get(handler)
    if node is None:
        source = handler.source
        columns = tuple(column for column, _ in source.key)
        relation = Inverse(source.table, columns, columns, ("", ""))
        read = service.planner(call.policy, call.wishes.page_size).read(
            replace(source, key=(), relation=relation, parents=True), call.options, collection=False)
        node = Node(call.sight, read, call.wishes.format, call.request.root)
        service.by_row.put(handler, node)
    return node

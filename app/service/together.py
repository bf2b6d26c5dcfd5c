"""Entities by key, many by one statement: GETs of a batch that differ in nothing but the key (DESIGN §12 k).

Each answer is what the GET alone would give; what is not there is left to be asked for alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app import sql
from app.bind import literal_value
from app.bind import nodes as bound
from app.edm import types
from app.payload.values import dumps
from app.service.access import Principal
from app.service.call import Call
from app.service.read import EntityAnswer, context_member
from app.service.response import Response
from app.service.rows import CHUNK, Node, Run
from app.store.mapping import Inverse

KEYS = frozenset({"Edm.String", "Edm.Guid", "Edm.Date", *types.INTEGERS})      # whose canonical form is the only one


def joins(handler: Any, call: Call) -> bool:
    """Whether GETs of this shape can be answered together: entities of a set by key, without expansions or literals
    elsewhere."""
    if not isinstance(handler, EntityAnswer) or handler.reference or handler.fixed_fragment is None:
        return False
    source, node = handler.source, handler.node
    return (bool(source.key) and source.relation is None and source.parent is None and source.predicate is None
            and len(call.values) == len(source.key)
            and all(isinstance(value, bound.Parameter) and column.edm in KEYS for column, value in source.key)
            and not node.several and not node.writer.needs_base)


def entities(handler: EntityAnswer, calls: Sequence[Call], principal: Principal) -> list[Response | None]:
    """The answers to the calls, in their order; None where there is no such entity. Raises TypeMismatch for a key that
    is none."""
    call = calls[0].again(calls[0].request, principal)
    node = _node(handler, call)
    model, dialect = call.model, call.store.dialect
    parts = [(value.index, value.type) for _, value in handler.source.key if isinstance(value, bound.Parameter)]
    keys = [tuple([literal_value(each.values[index], type, model) for index, type in parts]) for each in calls]
    columns = [column for column, _ in handler.source.key]
    writers, readers = [dialect.writer(each.edm, each) for each in columns], [dialect.reader(each) for each in columns]
    parents = [tuple([value if write is None else write(value) for value, write in zip(key, writers)]) for key in keys]
    version, content_type, tag = call.wishes.version, handler.content_type, node.writer.etag
    head = dumps(context_member(call, handler.fixed_fragment or ""))[:-1]
    comma = b"," if len(head) > 1 else b""
    found: dict[tuple[Any, ...], tuple[str | None, bytes]] = {}
    for start in range(0, len(parents), CHUNK):
        run = Run(replace(call.service.values(call), parents=parents[start:start + CHUNK]), call.syntax.options)
        rows = sql.fetch(call.store, node.statement, run.values)
        for row, made in zip(rows, node.objects(rows, run), strict=True):
            key = tuple([value if read is None else read(value) for value, read in zip(row, readers)])
            found[key] = tag(row), b"".join((head, comma if made else b"", dumps(made)[1:]))
    answers: list[Response | None] = []
    for key in keys:
        etag, body = found.get(key) or (None, None)
        headers = {"Content-Type": content_type, "OData-Version": version}
        if etag is not None:
            headers["ETag"] = etag
        answers.append(None if body is None else Response(200, headers, body))
    return answers


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

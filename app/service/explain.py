"""Explain: what a GET would do, stage by stage, and none of its results.

`Accept: application/vnd.odata.plan+json`, where the settings allow it, answers with the syntax tree, the typed tree, the
statements with their parameters and the database's own plan of each, the time of every stage and whether the plan was
known. Values that only a run knows (the parents of an expanded path, a page's sort values) are named, not shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from app import bind, sql, url
from app.payload.values import dumps
from app.service.call import Call
from app.service.grouped import RowNode
from app.service.response import Response
from app.service.rows import Node
from app.sql.statement import Bind
from app.url import nodes as syntax

MEDIA_TYPE = "application/vnd.odata.plan+json"
PREFIXES = {"sqlite": "EXPLAIN QUERY PLAN "}
RUN_TIME = frozenset({"parents", "parent", "keyset", "limit", "top", "skip", "key", "now", "principal"})
Made = TypeVar("Made")


class Clock:
    """Times of named stages, in µs."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}

    def __call__(self, stage: str, work: Callable[..., Made], *arguments: Any) -> Made:
        start = time.perf_counter()
        try:
            return work(*arguments)
        finally:
            self.times[stage] = round((time.perf_counter() - start) * 1e6, 1)


def explain(call: Call, lifted: syntax.Target, cached: bool, compile_answer: Callable[[Call], Any]) -> Response:
    """The answer to a request for its plan; `compile_answer` makes the handler without running it."""
    clock = Clock()
    clock("parse", url.parse, call.request.path, call.request.query)
    clock("lift", url.lift, call.syntax)
    clock("bind", bind.bind, lifted, call.model)
    handler = clock("plan", compile_answer, call)
    body = {
        "syntax": url.show(call.syntax),
        "shape": url.show(lifted),
        "typed": bind.show(call.bound),
        "cached": cached,
        "statements": [_statement(purpose, statement, call) for purpose, statement in _statements(handler)],
        "times": clock.times,
    }
    return Response(200, {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"}, dumps(body))


def _statements(handler: Any) -> Iterator[tuple[str, sql.Statement]]:
    """The statements of a handler with what each is for: the resource, each expanded path, the count."""
    node = getattr(handler, "node", None)
    if isinstance(node, Node):
        yield from _of_node(node)
    elif isinstance(node, RowNode):
        yield from _of_rows(node, "resource")
    elif isinstance(getattr(handler, "statement", None), sql.Statement):
        yield "resource", handler.statement
    if isinstance(getattr(handler, "count", None), sql.Statement):
        yield "count", handler.count


def _of_node(node: Node) -> Iterator[tuple[str, sql.Statement]]:
    yield "/".join(node.trail) or "resource", node.statement
    for child in node.expansions:
        if child.node is not None:
            yield from _of_node(child.node)
        elif child.rows is not None:
            yield from _of_rows(child.rows, "/".join(child.trail))


def _of_rows(node: RowNode, purpose: str) -> Iterator[tuple[str, sql.Statement]]:
    yield purpose, node.statement
    for each in node.entities:
        yield from _of_node(each.node)
    for held in node.held:
        if isinstance(held.node, RowNode):
            yield from _of_rows(held.node, held.held.name)
        else:
            yield from _of_node(held.node)


def _statement(purpose: str, statement: sql.Statement, call: Call) -> dict[str, Any]:
    values = call.service.values(call, limit=1, skip=0)
    shown: list[Any] = []
    for mark, get in zip(statement.marks, statement.getters, strict=True):
        if isinstance(mark, Bind) and mark.slot.kind in RUN_TIME:
            shown.append({"at run time": mark.slot.kind})
        else:
            value = get(values)
            shown.append(value if value is None or isinstance(value, bool | int | float | str) else str(value))
    return {"for": purpose, "sql": statement.text, "parameters": shown, "plan": _plan(statement, values, call)}


def _plan(statement: sql.Statement, values: sql.Values, call: Call) -> list[str]:
    """The database's plan, a line each; that of a statement whose values come at run time is for an empty list of them."""
    store = call.store
    try:
        parameters = statement.parameters(values)
    except IndexError:          # sort values of a page that was not asked for
        return []
    rows = store.run(PREFIXES.get(store.dialect.name, "EXPLAIN ") + statement.text, parameters)
    if store.dialect.name == "sqlite":
        return [str(row[3]) for row in rows]
    return [" ".join(str(value) for value in row if value is not None) for row in rows]

"""Isolation: `Isolation: snapshot`, one point in time for all that a request says (Protocol §8.2.6).

A reading request runs in one read transaction, a changing one in a transaction that sees the data as of its beginning, a
batch as a whole in one of the two. Next links carry the boundary of the change log at that time: the page behind them is
of the same point in time as long as nothing that it reads has changed since, and 410 afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from app.errors import Gone
from app.payload.batch import Group, Item
from app.service.request import Request
from app.service.response import Response
from app.service.rows import Node
from app.store import changelog
from app.url.headers import is_snapshot

if TYPE_CHECKING:
    from app.service.call import Call

READS = ("GET", "HEAD")
HEADERS = ("isolation", "odata-isolation")
MARK = "snapshot"           # the member of a next link's token that holds the boundary
Handler = Callable[["Call"], Response]
Result = TypeVar("Result")


def asked(request: Request) -> bool:
    """Whether a request is to be isolated."""
    headers = request.headers
    return any(name in headers and is_snapshot(headers[name]) for name in HEADERS)


def isolated(call: Call, handler: Handler, answer: Callable[[Handler, Call], Response]) -> Response:
    """What `answer` makes of a handler and a call that asks for a snapshot, or goes on in one. Raises Gone where the
    snapshot is no longer there."""
    token = call.skiptoken()
    marked = call.service.marked(call, token) if token is not None else None
    if marked is None and not asked(call.request):
        return answer(handler, call)
    if call.request.method not in READS:
        with call.store.isolated():
            return answer(handler, call)
    with call.store.read():
        if marked is not None and changelog.moved(call.store, marked, read_by(handler)):
            raise Gone("The data has changed since this snapshot; read it anew", code="snapshotGone", target="$skiptoken")
        request = replace(call.request, snapshot=marked or changelog.boundary(call.store))
        return whole(answer(handler, replace(call, request=request)))


def whole(response: Response) -> Response:
    """A streamed answer of rows as one piece, while the transaction lasts that it is read in."""
    if isinstance(response.body, bytes) or not response.headers.get("Content-Type", "").startswith("application/json"):
        return response
    try:
        return Response(response.status, response.headers, b"".join(response.body))
    finally:
        response.discard()


def read_by(handler: Any) -> frozenset[str] | None:
    """The tables that the pages of a handler are read from; None where it may be any."""
    node = getattr(handler, "node", None)
    return _tables(node) if isinstance(node, Node) else None


def _tables(node: Node) -> frozenset[str] | None:
    if node.choosers or node.streamed.needed or node.inner.needed:
        return None
    found = node.statement.tables
    for child in node.expansions:
        below = frozenset[str]() if child.expansion.read is None else _tables(child.node) if child.node is not None else None
        if below is None:
            return None
        found |= below
    return found


def batch(call: Call, items: tuple[Item, ...], run: Callable[[tuple[Item, ...]], Result]) -> Result:
    """What `run` makes of the parts of a batch, in one transaction where a snapshot is asked for: a part that fails is
    undone alone."""
    if not asked(call.request) or call.store.in_transaction:
        return run(items)

    def apart() -> Result:
        with call.store.apart():
            return run(items)
    only_reads = not call.service.grows and all(
        not isinstance(each, Group) and each.method in READS and "search" not in each.url.lower() for each in items)
    if only_reads:
        with call.store.read():
            return run(items)
    with call.store.isolated():
        return call.store.transact(apart)

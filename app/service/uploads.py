"""Uploads: content is received before the transaction begins that makes it current, so that no other writer waits for its
sender. Protocol §11.4.7, §11.4.8.

Short content stays in memory. Of longer one the chunks are stored aside, in transactions of their own, and the entity takes
them over; those that none took are removed.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from app.errors import PayloadTooLarge
from app.service.call import Call
from app.store import Store, streams

SHORT = streams.TOGETHER * streams.CHUNK        # bytes of content that stays in memory


@dataclass(frozen=True, slots=True)
class Upload:
    """The content of one request: its chunks, or the number of the stream that they were stored aside as."""

    store: Store
    chunks: Iterable[bytes] = ()
    aside: int | None = None

    def become(self, source: str, row: int, name: str, content_type: str) -> streams.StreamInfo:
        """Make the content that of a stream, inside the caller's transaction; again where that is tried again."""
        if self.aside is None:
            return streams.put(self.store, source, row, name, self.chunks, content_type)
        return streams.take_over(self.store, self.aside, source, row, name, content_type)


@contextlib.contextmanager
def received(call: Call, check: Callable[[], object]) -> Iterator[Upload]:
    """The content of a request. `check` raises what stands against it, before a long one is received.

    Raises PayloadTooLarge. Inside a transaction of others it is read as it is stored: there it is in memory, or a file.
    """
    chunks, store = _chunks(call), call.store
    if store.in_transaction:
        yield Upload(store, chunks)
        return
    first: list[bytes] = []
    size = 0
    for chunk in chunks:
        first.append(chunk)
        size += len(chunk)
        if size > SHORT:
            break
    else:
        yield Upload(store, first)
        return
    check()
    aside = streams.put_aside(store, itertools.chain(first, chunks))
    try:
        yield Upload(store, aside=aside)
    finally:
        with contextlib.suppress(Exception):     # what remains goes with the next start
            streams.discard(store, aside)


def _chunks(call: Call) -> Iterator[bytes]:
    """The body in chunks. Raises PayloadTooLarge."""
    body, left = call.request.body, call.service.settings.max_stream
    if body is not None and body.seekable():
        body.seek(0)
    while body is not None and (chunk := body.read(streams.CHUNK)):
        left -= len(chunk)
        if left < 0:
            raise PayloadTooLarge(allowed=call.service.settings.max_stream)
        yield chunk

"""Streams: the bytes of media entities and stream properties, in chunks (DESIGN §4).

A stream belongs to (mapping id, row id, name); the name of a media stream is '$value'. One that was put aside belongs to
nobody ('', 0, when and a random text) until it is taken over. But for `put_aside` and `discard` everything here runs in the
caller's transaction; no stream is ever in memory as a whole.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import peewee as pw

from app.store.database import Store

CHUNK = 128 * 1024
TOGETHER = 32           # chunks that are put aside, or discarded, in one transaction
DAY = 86_400            # seconds after which what was put aside has been left behind
STREAMS, CHUNKS = "odata_streams", "odata_chunks"


class View(Protocol):
    """Where statements run: the store, or a stream of rows with a view of the data of its own."""

    def run(self, text: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What is known of a stream without reading it; `version` changes with every `put` and makes its ETag."""

    id: int
    content_type: str
    length: int
    version: int


def _equals(name: str, value: Any) -> pw.Expression:
    return pw.Expression(pw.Entity(name), "=", pw.Value(value))


def _owned(source: str, row: int, name: str | None = None) -> pw.NodeList:
    conditions = [_equals("source", source), _equals("row", row)]
    if name is not None:
        conditions.append(_equals("name", name))
    return pw.NodeList(conditions, " AND ")


def _columns(*names: str) -> list[pw.Entity]:
    return [pw.Entity(name) for name in names]


def info(store: Store, source: str, row: int, name: str) -> StreamInfo | None:
    """What is known of a stream, or None where there is none."""
    query = pw.Select([pw.Entity(STREAMS)], _columns("id", "content_type", "length", "version"))
    rows = store.run(*store.compile(query.where(_owned(source, row, name))))
    return StreamInfo(*rows[0]) if rows else None


def known(store: Store, view: View, source: str, rows: Sequence[int]) -> dict[tuple[int, str], StreamInfo]:
    """What is known of the streams of some rows, by row id and name."""
    query = pw.Select([pw.Entity(STREAMS)], _columns("row", "name", "id", "content_type", "length", "version"))
    wanted = pw.NodeList([_equals("source", source), _among(store, "row", rows)], " AND ")
    return {(row, name): StreamInfo(*rest) for row, name, *rest in view.run(*store.compile(query.where(wanted)))}


def contents(store: Store, view: View, infos: Iterable[StreamInfo]) -> dict[int, bytes]:
    """The bytes of some streams by their ids, whole: for short ones."""
    found = {each.id: b"" for each in infos}
    query = pw.Select([pw.Entity(CHUNKS)], _columns("stream", "data")).where(_among(store, "stream", list(found)))
    for id, data in view.run(*store.compile(query.order_by(*_columns("stream", "ordinal")))):
        found[id] += bytes(data)
    return found


def _among(store: Store, name: str, ids: Sequence[int]) -> pw.Node:
    mark = pw.Value(store.dialect.list_writer("Edm.Int64")(list(ids)), unpack=False)
    return store.dialect.in_list(pw.Entity(name), mark, "Edm.Int64")


def put(store: Store, source: str, row: int, name: str, chunks: Iterable[bytes], content_type: str) -> StreamInfo:
    """Store a stream in place of the one that may be there. Raises what `chunks` raises."""
    version = _make_way(store, source, row, name)
    id = _enter(store, source, row, name, content_type, version)
    length = _fill(store, id, enumerate(_even(chunks)))
    _update(store, id, {"length": length})
    return StreamInfo(id, content_type, length, version)


def put_aside(store: Store, chunks: Iterable[bytes]) -> int:
    """Store a stream that belongs to nobody yet, in short transactions of its own; its number. Raises what `chunks` raises,
    and leaves nothing then."""
    id = store.transact(lambda: _enter(store, "", 0, f"{int(time.time())}.{secrets.token_hex(8)}", "", 0))
    try:
        length, numbered = 0, enumerate(_even(chunks))
        while part := list(itertools.islice(numbered, TOGETHER)):
            length += store.transact(lambda: _fill(store, id, part))
        store.transact(lambda: _update(store, id, {"length": length}))
    except BaseException:
        discard(store, id)
        raise
    return id


def take_over(store: Store, id: int, source: str, row: int, name: str, content_type: str) -> StreamInfo:
    """Make a stream that was put aside that of a row, in place of the one that may be there."""
    version = _make_way(store, source, row, name)
    _update(store, id, {"source": source, "row": row, "name": name, "content_type": content_type, "version": version})
    made = info(store, source, row, name)
    assert made is not None
    return made


def discard(store: Store, id: int) -> None:
    """Remove a stream that was put aside, in short transactions; nothing where it was taken over."""
    mine = pw.NodeList([_equals("id", id), _equals("source", "")], " AND ")
    asked = store.compile(pw.Select([pw.Entity(STREAMS)], _columns("length")).where(mine))
    count = store.compile(pw.Select([pw.Entity(CHUNKS)], [pw.fn.COUNT(pw.SQL("*"))]).where(_equals("stream", id)))
    if not store.run(*asked):
        return
    for end in range(store.run(*count)[0][0], TOGETHER, -TOGETHER):
        part = pw.NodeList([_equals("stream", id), pw.Expression(pw.Entity("ordinal"), ">=", pw.Value(end - TOGETHER))], " AND ")
        store.transact(lambda: store.execute(*store.compile(pw.Table(CHUNKS).delete().where(part))))
    store.transact(lambda: store.execute(*store.compile(pw.Table(STREAMS).delete().where(mine))))


def sweep(store: Store, age: int = DAY) -> int:
    """Remove what was put aside longer ago than `age` seconds and left behind; how many streams."""
    rows = store.run(*store.compile(pw.Select([pw.Entity(STREAMS)], _columns("id", "name")).where(_equals("source", ""))))
    old = [id for id, name in rows if int(name.partition(".")[0]) <= time.time() - age]
    for id in old:
        discard(store, id)
    return len(old)


def _make_way(store: Store, source: str, row: int, name: str) -> int:
    """Remove the stream that may be there; the version of the one that follows."""
    before = info(store, source, row, name)
    delete(store, source, row, name)
    return before.version + 1 if before is not None else secrets.randbits(62)


def _enter(store: Store, source: str, row: int, name: str, content_type: str, version: int) -> int:
    """A stream without content; its number."""
    store.execute(*store.compile(pw.Table(STREAMS).insert([(source, row, name, content_type, 0, version)], columns=_columns(
        "source", "row", "name", "content_type", "length", "version"))))
    made = info(store, source, row, name)
    assert made is not None
    return made.id


def _fill(store: Store, id: int, numbered: Iterable[tuple[int, bytes]]) -> int:
    """Chunks with their ordinals; how many bytes."""
    add, _ = store.compile(pw.Table(CHUNKS).insert([(0, 0, b"")], columns=_columns("stream", "ordinal", "data")))
    length = 0
    for ordinal, chunk in numbered:
        store.execute(add, (id, ordinal, chunk))
        length += len(chunk)
    return length


def _update(store: Store, id: int, values: dict[str, Any]) -> None:
    changes = {pw.Entity(name): value for name, value in values.items()}
    store.execute(*store.compile(pw.Table(STREAMS).update(changes).where(_equals("id", id))))


def _even(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in chunks of one size, so that a position tells its chunk."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        while len(rest) >= CHUNK:
            yield rest[:CHUNK]
            rest = rest[CHUNK:]
    if rest:
        yield rest


def read(store: Store, stream: StreamInfo, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The bytes from `start` up to, not including, `end`, a chunk at a time."""
    end = stream.length if end is None else min(end, stream.length)
    text, _ = store.compile(pw.Select([pw.Entity(CHUNKS)], _columns("data")).where(
        pw.NodeList([_equals("stream", 0), _equals("ordinal", 0)], " AND ")))
    while start < end:
        ordinal, offset = divmod(start, CHUNK)
        data = bytes(store.run(text, (stream.id, ordinal))[0][0])[offset:offset + end - start]
        start += len(data)
        yield data


def delete(store: Store, source: str, row: int, name: str | None = None) -> bool:
    """Remove a stream, or all streams of a row; whether there was one. Its chunks go with it."""
    return store.execute(*store.compile(pw.Table(STREAMS).delete().where(_owned(source, row, name)))).count > 0

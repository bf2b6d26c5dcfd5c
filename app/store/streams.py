"""Streams: the bytes of media entities and stream properties, in chunks (DESIGN §4).

A stream belongs to (mapping id, row id, name); the name of a media stream is '$value'. Everything here runs in the
caller's transaction; no stream is ever in memory as a whole.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import peewee as pw

from app.store.database import Store

CHUNK = 128 * 1024
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
    before = info(store, source, row, name)
    delete(store, source, row, name)
    version = before.version + 1 if before is not None else secrets.randbits(62)
    table = pw.Table(STREAMS)
    store.execute(*store.compile(table.insert([(source, row, name, content_type, 0, version)], columns=_columns(
        "source", "row", "name", "content_type", "length", "version"))))
    made = info(store, source, row, name)
    assert made is not None
    add, _ = store.compile(pw.Table(CHUNKS).insert([(0, 0, b"")], columns=_columns("stream", "ordinal", "data")))
    length = 0
    for ordinal, chunk in enumerate(_even(chunks)):
        store.execute(add, (made.id, ordinal, chunk))
        length += len(chunk)
    store.execute(*store.compile(pw.Table(STREAMS).update({pw.Entity("length"): length}).where(_equals("id", made.id))))
    return StreamInfo(made.id, content_type, length, version)


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

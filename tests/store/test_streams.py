"""Streams: bytes in chunks, ranges, replacement (DESIGN §4)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.store import Mapping, Store, schema, streams


def test_put_read_replace_delete(empty: Store, northwind: Mapping) -> None:
    schema.create(empty, northwind, [])
    content = bytes(range(256)) * 2000

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(content), 7001):
            yield content[at:at + 7001]

    with empty.write():
        made = streams.put(empty, "Photos", 5, "$value", pieces(), "image/png")
    assert (made.length, made.content_type) == (len(content), "image/png")
    assert streams.info(empty, "Photos", 5, "$value") == made
    assert streams.info(empty, "Photos", 5, "other") is None
    chunks = list(streams.read(empty, made))
    assert b"".join(chunks) == content and max(map(len, chunks)) == streams.CHUNK
    chunk, size = streams.CHUNK, len(content)
    for start, end in ((0, 1), (chunk - 1, chunk + 1), (3, 400_000), (size - 2, size + 9)):
        assert b"".join(streams.read(empty, made, start, end)) == content[start:end]
    with empty.write():
        second = streams.put(empty, "Photos", 5, "$value", [b"x"], "text/plain")
    assert second.version == made.version + 1 and list(streams.read(empty, second)) == [b"x"]
    with empty.write():
        assert streams.delete(empty, "Photos", 5) and not streams.delete(empty, "Photos", 5)
    assert empty.run("SELECT COUNT(*) FROM odata_chunks") == [(0,)]


def test_an_empty_stream_and_a_failing_upload(empty: Store, northwind: Mapping) -> None:
    schema.create(empty, northwind, [])
    with empty.write():
        made = streams.put(empty, "Photos", 1, "scan", [], "text/plain")
    assert made.length == 0 and list(streams.read(empty, made)) == []

    def broken() -> Iterator[bytes]:
        yield b"first"
        raise OSError("gone")

    with pytest.raises(OSError), empty.write():
        streams.put(empty, "Photos", 1, "scan", broken(), "text/plain")
    assert streams.info(empty, "Photos", 1, "scan") == made

"""Uploads: nobody waits for the sender of content, and nothing is left of one that failed (Protocol §11.4.7, §11.4.8)."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.service import uploads
from app.service.request import Request
from app.service.response import Response
from app.store import streams
from tests.protocol.exchange import ROOT, Client

LENGTHS = [10, uploads.SHORT, uploads.SHORT + 1, 2 * uploads.SHORT + 70_000]
TARGETS = ["PUT Drawings(1)/$value", "POST Drawings"]


class Sender(io.RawIOBase):
    """A body that comes in pieces of 100,000 bytes and cannot be read again; `meanwhile` is called in its middle."""

    def __init__(self, content: bytes, meanwhile: Callable[[], None]) -> None:
        self.content, self.meanwhile, self.at = content, meanwhile, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self.at <= len(self.content) // 2 < self.at + 100_000:
            self.meanwhile()
        part = self.content[self.at:self.at + min(100_000, size if size >= 0 else 100_000)]
        self.at += len(part)
        return part


def send(client: Client, line: str, content: bytes, meanwhile: Callable[[], None] = lambda: None, **headers: str) -> Response:
    method, _, path = line.partition(" ")
    given = {"content-type": "image/png", "if-match": "*", **headers} if method == "PUT" else {"content-type": "image/png"}
    body: Any = Sender(content, meanwhile)
    response = client.service.handle(Request(method, path, "", given, body, ROOT))
    response.read()
    return response


def stored(client: Client) -> tuple[int, int, int]:
    """How many streams and chunks there are, and how many streams belong to nobody."""
    def run(text: str) -> int:
        return int(client.service.store.run("SELECT COUNT(*) FROM " + text)[0][0])
    return run("odata_streams"), run("odata_chunks"), run("odata_streams WHERE source = ''")


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("line", TARGETS)
def test_others_write_while_content_comes(line: str, length: int, private: Callable[..., Client]) -> None:
    client = private("workshop", busy_timeout=1.0)
    content = bytes(index % 251 for index in range(1000)) * (length // 1000 + 1)
    content = content[:length]
    answers: list[int] = []

    def write() -> None:
        body = json.dumps({"Title": "meanwhile"}).encode()
        answers.append(client.send("PATCH Drawings(2)", {"Content-Type": "application/json", "If-Match": "*"}, body).status)

    def elsewhere() -> None:
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()

    response = send(client, line, content, elsewhere)
    assert response.status in (201, 204) and answers and set(answers) <= {200, 204}
    made = response.headers.get("Location", ROOT + "Drawings(1)").removeprefix(ROOT)
    assert client.send(f"GET {made}/$value").body == content
    assert stored(client)[2] == 0


def test_nothing_is_left_of_what_fails(private: Callable[..., Client]) -> None:
    client = private("workshop", max_stream=3 * uploads.SHORT)
    before = stored(client)
    long = b"x" * (3 * uploads.SHORT)

    def gone() -> None:
        raise OSError("the sender is gone")

    assert send(client, "PUT Drawings(1)/$value", long, gone).status == 500
    assert send(client, "POST Drawings", long * 2).status == 413
    unread: list[str] = []
    assert send(client, "PUT Drawings(99)/$value", long, lambda: unread.append("read")).status == 404
    refused = {"if-match": 'W/"1"'}
    assert send(client, "PUT Drawings(1)/$value", long, lambda: unread.append("read"), **refused).status == 412
    assert stored(client) == before and not unread


def test_what_a_dead_process_left_goes(private: Callable[..., Client]) -> None:
    client = private("workshop")
    store, before = client.service.store, stored(client)

    def chunks() -> Iterator[bytes]:
        yield from [b"x" * streams.CHUNK] * (2 * streams.TOGETHER + 3)

    aside = streams.put_aside(store, chunks())
    assert stored(client)[2] == 1 and streams.sweep(store) == 0
    assert streams.sweep(store, 0) == 1 and stored(client) == before
    streams.discard(store, aside)
    assert stored(client) == before

"""The ASGI bridge: environ, bodies, back-pressure, broken bodies, clients that leave (ASGI 3.0, PEP 3333)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest

from app.web.asgi import Bridge, Stalled, environ_of
from app.web.odata import Face
from tests.web.fake import FakeService, settings

Message = dict[str, Any]


def scope(path: bytes = b"/", query: bytes = b"", method: str = "GET",
          headers: Iterable[tuple[bytes, bytes]] = ()) -> dict[str, Any]:
    return {"type": "http", "http_version": "1.1", "server": ("127.0.0.1", "8000"), "client": ("127.0.0.1", "5"),
            "scheme": "http", "path": path.decode(), "raw_path": path, "query_string": query, "method": method,
            "headers": [(b"host", b"svc.example"), *headers]}


class Client:
    """The server's side of the bridge: gives the body in pieces, takes what is sent."""

    def __init__(self, *pieces: bytes, leaves_after: int | None = None, takes: int | None = None) -> None:
        self.pieces = list(pieces)
        self.sent: list[Message] = []
        self.leaves_after, self.takes = leaves_after, takes
        self.left = asyncio.Event()

    async def receive(self) -> Message:
        if self.pieces:
            return {"type": "http.request", "body": self.pieces.pop(0), "more_body": bool(self.pieces)}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        if self.leaves_after is not None and len(self.sent) > self.leaves_after:
            self.left.set()
        if self.takes is not None and len(self.sent) > self.takes:
            await asyncio.Event().wait()

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def complete(self) -> bool:
        return bool(self.sent) and not self.sent[-1].get("more_body") and self.sent[-1]["type"] == "http.response.body"


def run(asked: dict[str, Any], client: Callable[[], Client], *, threads: int = 0, max_body: int = 100,
        stall: float = 5.0) -> tuple[Client, FakeService, BaseException | None]:
    service = FakeService()
    bridge = Bridge(Face(service, settings(max_body=max_body)), threads=threads, max_body=max_body, stall=stall)

    async def main() -> tuple[Client, BaseException | None]:
        there = client()
        try:
            await bridge(asked, there.receive, there.send)
        except Exception as error:
            return there, error
        return there, None

    there, error = asyncio.run(main())
    if bridge.pool:
        bridge.pool.shutdown()
    return there, service, error


@pytest.fixture(params=[0, 2], ids=["in the loop", "in threads"])
def threads(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_environ() -> None:
    environ = environ_of(scope(b"/a%2Fb/\xc3\xa9", b"$top=1", "POST", [
        (b"content-type", b"application/json"), (b"x-two", b"1"), (b"x-two", b"2"), (b"cookie", b"a=1"),
        (b"cookie", b"b=2"), (b"x_forwarded_host", b"evil.example")]))
    assert environ["RAW_URI"] == "/a%2Fb/\xc3\xa9?$top=1" and environ["PATH_INFO"] == "/a/b/\xc3\xa9"
    assert environ["CONTENT_TYPE"] == "application/json" and environ["HTTP_X_TWO"] == "1, 2"
    assert environ["HTTP_COOKIE"] == "a=1; b=2" and environ["HTTP_HOST"] == "svc.example"
    assert "HTTP_X_FORWARDED_HOST" not in environ


def test_a_whole_answer_is_two_messages(threads: int) -> None:
    client, service, error = run(scope(b"/runs"), Client, threads=threads)
    assert error is None and [message["type"] for message in client.sent] == [
        "http.response.start", "http.response.body"]
    assert client.sent[0]["status"] == 200 and client.body == b'{"value":[]}'
    assert (b"content-length", b"12") in client.sent[0]["headers"]


def test_a_stream_is_sent_chunk_by_chunk(threads: int) -> None:
    client, service, error = run(scope(b"/stream"), Client, threads=threads)
    assert error is None and client.complete and len(client.body) == 500_000 and len(client.sent) == 7
    assert service.closed == 1


def test_a_broken_body_is_never_completed(threads: int) -> None:
    client, service, error = run(scope(b"/broken"), Client, threads=threads)
    assert isinstance(error, RuntimeError) and not client.complete and len(client.body) == 200_000
    assert service.closed == 1


def test_a_client_that_leaves_ends_the_iteration(threads: int) -> None:
    client, service, error = run(scope(b"/endless"), lambda: Client(leaves_after=3), threads=threads)
    assert error is None and not client.complete and service.closed == 1


def test_a_client_that_takes_nothing_is_cut(threads: int) -> None:
    client, service, error = run(scope(b"/endless"), lambda: Client(takes=2), threads=threads, stall=0.05)
    assert isinstance(error, Stalled) and not client.complete and service.closed == 1


def test_a_slow_reader_holds_nobody_else(threads: int) -> None:
    service = FakeService()
    bridge = Bridge(Face(service, settings()), threads=threads, max_body=100)

    async def main() -> bytes:
        slow, quick = Client(takes=2), Client()
        reading = asyncio.ensure_future(bridge(scope(b"/endless"), slow.receive, slow.send))
        while len(slow.sent) < 3:
            await asyncio.sleep(0)
        await bridge(scope(b"/small"), quick.receive, quick.send)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        return quick.body

    assert asyncio.run(main()) == b'{"value":[]}'
    assert service.closed == 1
    if bridge.pool:
        bridge.pool.shutdown()


BODIES = [
    ((b"hello",),                       [(b"content-length", b"5")],                b"hello"),
    ((b"he", b"", b"llo"),              [(b"transfer-encoding", b"chunked")],       b"hello"),
    ((b"x" * 60, b"y" * 40),            [(b"content-length", b"100")],              b"x" * 60 + b"y" * 40),
    ((),                                [],                                         b"none"),
    ((b"",),                            [(b"content-length", b"0")],                b"none"),
]


@pytest.mark.parametrize(("pieces", "headers", "read"), BODIES)
def test_bodies_are_spooled(pieces: tuple[bytes, ...], headers: list[tuple[bytes, bytes]], read: bytes) -> None:
    client, _, error = run(scope(b"/body", b"", "POST", headers), lambda: Client(*pieces))
    assert error is None and client.body == read


@pytest.mark.parametrize("headers", [[(b"content-length", b"101")], [(b"transfer-encoding", b"chunked")]])
def test_a_body_beyond_the_limit_is_not_taken(headers: list[tuple[bytes, bytes]]) -> None:
    client, _, error = run(scope(b"/body", b"", "POST", headers), lambda: Client(*[b"x" * 60] * 5))
    assert type(error).__name__ == "PayloadTooLarge" and len(client.pieces) >= 3


@pytest.mark.parametrize("pieces", [[b"x" * 10], []], ids=["half way", "before the body"])
@pytest.mark.parametrize("length", [(b"transfer-encoding", b"chunked"), (b"content-length", b"20")])
def test_a_client_that_leaves_while_sending_is_forgotten(pieces: list[bytes], length: tuple[bytes, bytes]) -> None:
    def leaving() -> Client:
        client = Client(*pieces)
        client.left.set()

        async def receive() -> Message:
            message = await Client.receive(client)
            return {**message, "more_body": True} if message["type"] == "http.request" else message
        client.receive = receive            # type: ignore[method-assign]
        return client

    client, service, error = run(scope(b"/body", b"", "POST", [length]), leaving)
    assert error is None and client.sent[0]["status"] == 408 and client.complete and not service.requests


def test_a_client_that_stops_sending_is_told_so() -> None:
    def stopping() -> Client:
        client = Client(b"x" * 10, b"never")

        async def receive() -> Message:
            if len(client.pieces) == 1:
                await asyncio.Event().wait()
            return await Client.receive(client)
        client.receive = receive            # type: ignore[method-assign]
        return client

    client, service, error = run(scope(b"/body", b"", "POST", [(b"content-length", b"20")]), stopping, stall=0.05)
    assert error is None and client.sent[0]["status"] == 408 and client.complete and not service.requests


def test_lifespan_closes_the_service() -> None:
    closed: list[bool] = []
    bridge = Bridge(Face(FakeService(), settings()), threads=2, max_body=1, closing=lambda: closed.append(True))
    coming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> Message:
        return coming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message["type"])

    asyncio.run(_awaited(bridge({"type": "lifespan"}, receive, send)))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"] and closed == [True]


async def _awaited(step: Awaitable[None]) -> None:
    await step

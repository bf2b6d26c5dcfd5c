"""ASGI on the outside, WSGI on the inside: the bridge that `odata serve` puts under its server.

Hands the raw target on as `RAW_URI`; spools the request body; awaits every chunk of the answer, so that a slow reader
holds nothing but its own response. A body that fails midway is raised to the server, which then cuts the connection:
the client never sees a broken export as a complete message. A client that is gone, or takes nothing for `STALL`
seconds, ends the iteration and closes the response.
"""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, BinaryIO, TypeVar, cast
from urllib.parse import unquote_to_bytes

from app.url.headers import parse_number
from app.web.odata import body_limit

T = TypeVar("T")
Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
WsgiApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]

STALL = 60.0                    # seconds without progress, in either direction
IN_MEMORY = 1024 * 1024         # a larger body goes to a temporary file


class Stalled(Exception):
    """The client took or sent nothing for too long."""


class Bridge:
    """`application` as an ASGI application.

    threads: 0 runs every call in the event loop (SQLite: threads over sqlite3 lose), else the size of the pool.
    max_body, max_stream: spooling ends beyond them; the application sees the length and refuses. closing: called at
    shutdown.
    """

    def __init__(self, application: WsgiApplication, *, threads: int, max_body: int, max_stream: int = 0,
                 stall: float = STALL, closing: Callable[[], None] | None = None) -> None:
        self.application = application
        self.max_body, self.max_stream = max_body, max_stream
        self.stall = stall
        self.closing = closing
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="request") if threads else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.live(receive, send)

    async def live(self, receive: Receive, send: Send) -> None:
        """Answer start-up and shutdown; at shutdown the service is closed."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                if self.pool:
                    self.pool.shutdown()
                if self.closing:
                    self.closing()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        environ = environ_of(scope)
        if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ or scope["http_version"] == "2":
            try:
                environ["wsgi.input"], length = await self.spool(environ, receive)
            except Stalled:                     # an unfinished request is none; whoever still listens is told so
                await send({"type": "http.response.start", "status": 408, "headers": [(b"connection", b"close")]})
                await send({"type": "http.response.body", "body": b""})
                return
            environ["CONTENT_LENGTH"] = str(length)
        try:
            start = Start()
            body = await self.run(self.application, environ, start)
            try:
                if isinstance(body, list):
                    await send(start.message)
                    await send({"type": "http.response.body", "body": b"".join(body)})
                else:
                    await self.stream(start, iter(body), receive, send)
            finally:
                if close := getattr(body, "close", None):
                    await self.run(close)
        finally:
            environ["wsgi.input"].close()

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call `function` where calls belong: here, or in the pool."""
        if self.pool is None:
            return function(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self.pool, function, *arguments)

    async def spool(self, environ: dict[str, Any], receive: Receive) -> tuple[BinaryIO, int]:
        """The whole request body and its length; what is beyond the limit stays unread."""
        declared = parse_number(environ.get("CONTENT_LENGTH", ""))
        allowed = body_limit(environ.get("CONTENT_TYPE", ""), self.max_body, self.max_stream)
        if declared is not None and declared > allowed:
            return io.BytesIO(), declared
        message = await self.received(receive)
        data, more = message.get("body", b""), message.get("more_body", False)
        if not more:
            return io.BytesIO(data), len(data)
        spool = cast("BinaryIO", tempfile.SpooledTemporaryFile(IN_MEMORY))
        length = spool.write(data)
        try:
            while more and length <= allowed:
                message = await self.received(receive)
                length += spool.write(message.get("body", b""))
                more = message.get("more_body", False)
        except Stalled:
            spool.close()
            raise
        spool.seek(0)
        return spool, length

    async def stream(self, start: Start, chunks: Iterator[bytes], receive: Receive, send: Send) -> None:
        """Send chunk by chunk until the end, the client's going away, an error or a stall."""
        chunk = await self.run(next, chunks, None)
        await send(start.message)
        gone = asyncio.ensure_future(disconnected(receive))
        try:
            while chunk is not None and not gone.done():
                await self.progress(send({"type": "http.response.body", "body": chunk, "more_body": True}))
                await asyncio.sleep(0)      # a fast reader must not keep the loop from everybody else
                chunk = await self.run(next, chunks, None)
            if not gone.done():
                await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()

    async def received(self, receive: Receive) -> Message:
        """The next part of the request. Raises Stalled where the client went away: what came is not the whole body."""
        message = await self.progress(receive())
        if message["type"] == "http.disconnect":
            raise Stalled("the client went away before its request was complete")
        return message

    async def progress(self, step: Awaitable[T]) -> T:
        """Await `step`, for as long as the other side has."""
        try:
            async with asyncio.timeout(self.stall):
                return await step
        except TimeoutError:
            raise Stalled(f"no progress for {self.stall:g} s") from None


class Start:
    """PEP 3333's start_response, kept until the first bytes are there."""

    __slots__ = ("message",)
    message: Message

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        self.message = {
            "type": "http.response.start", "status": int(status[:3]),
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]}
        return _write


def _write(data: bytes) -> None:
    raise RuntimeError("This server takes the body as the application's return value")


async def disconnected(receive: Receive) -> None:
    """Come back when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


# --- scope to environ ----------------------------------------------------------------------------

@lru_cache(maxsize=512)
def _environ_key(name: bytes) -> str | None:
    """The WSGI key of a header. A name with an underscore has none: it would pass for the one with a hyphen."""
    if b"_" in name:
        return None
    key = name.decode("latin-1").replace("-", "_").upper()
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def environ_of(scope: Scope) -> dict[str, Any]:
    """PEP 3333's environ of an ASGI scope, with the target as it was sent in `RAW_URI`."""
    raw, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    client, server = scope.get("client"), scope.get("server")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1") if "%" in raw else raw,
        "QUERY_STRING": query,
        "RAW_URI": f"{raw}?{query}" if query else raw,
        "SERVER_NAME": server[0] if server else "localhost",
        "SERVER_PORT": str(server[1]) if server else "80",
        "SERVER_PROTOCOL": "HTTP/" + scope["http_version"],
        "REMOTE_ADDR": client[0] if client else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        key = _environ_key(name)
        if key is None:
            continue
        text = value.decode("latin-1")
        if key in environ:
            text = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ', '}{text}"
        environ[key] = text
    return environ

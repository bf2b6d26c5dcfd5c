"""The OData face as one WSGI callable: WSGI environ → service `Request` → `Response` → WSGI.

Hands on the raw target: path and query are split before percent-decoding, so `a%2Fb` stays one segment. The root the
client sees comes from `Host`, and from `Forwarded` or `X-Forwarded-*` where the peer is a trusted proxy (RFC 7239).
Raises nothing; an exception out of a streamed body reaches the server, which must cut the connection.
"""

from __future__ import annotations

import ipaddress
import io
import json
import re
import string
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, BinaryIO, Protocol, cast
from urllib.parse import quote

from app.errors import PayloadTooLarge
from app.service import codings
from app.service.request import Request
from app.service.response import Response
from app.service.settings import Settings
from app.url.headers import parse_number
from app.web import headers as transport
from app.web.observed import Observer, Watch

Environ = dict[str, Any]

STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
HOST = re.compile(r"[A-Za-z0-9.~_-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
PRINTABLE = string.digits + string.ascii_letters + string.punctuation
PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*")


class Handler(Protocol):
    """What the face needs of a service."""

    def handle(self, request: Request) -> Response: ...


class StartResponse(Protocol):
    """PEP 3333."""

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any: ...


class Face:
    """Serves `service` as a WSGI application, whatever the method and the path."""

    def __init__(self, service: Handler, settings: Settings, observers: Sequence[Observer] = ()) -> None:
        self.service = service
        self.observers = observers
        self.root_path = settings.root_path
        self.max_body, self.max_stream = settings.max_body, settings.max_stream
        self.origins = settings.cors_origins
        self.trusted = trusted(settings.trusted_proxies)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        response = self.answer(environ)
        start_response(STATUS.get(response.status) or f"{response.status} Unknown", list(response.headers.items()))
        if isinstance(response.body, bytes):
            return [response.body] if response.body else []
        return Body(response)

    def answer(self, environ: Environ) -> Response:
        """The response as it goes out: coded, with length and CORS headers, without a body where HEAD asked."""
        method = environ["REQUEST_METHOD"]
        watch = Watch(self.observers, method, raw_target(environ), environ.get("REMOTE_ADDR", "")) if self.observers else None
        headers = request_headers(environ)
        response = misdirected(environ) or transport.preflight(method, headers, self.origins)
        if response is None and method == "OPTIONS" and raw_target(environ) == "*":     # of the server, not of a resource
            response = Response(204, {"Allow": transport.ALLOWED_METHODS})
        if response is None:
            request = self.request(environ, method, headers)
            response = refusal(404, "notFound", "There is no service at this address.") if request is None \
                else self.service.handle(request)
            transport.compress(response, headers.get("accept-encoding"))
            if self.origins:
                transport.allow_origin(response.headers, headers.get("origin"), self.origins)
        if isinstance(response.body, bytes) and response.status >= 200 and response.status not in (204, 304):
            response.headers["Content-Length"] = str(len(response.body))
        if method == "HEAD":
            close(response)
            response.body, response.close = b"", None
        if watch is not None:
            watch.follow(response)
        return response

    def request(self, environ: Environ, method: str, headers: dict[str, str]) -> Request | None:
        """The service's request, or None when the target is not below the service root."""
        path, _, query = raw_target(environ).partition("?")
        below = self.below(environ)
        if below:
            if not path.startswith(below) or path[len(below):len(below) + 1] not in ("", "/"):
                return None
            path = path[len(below):]
        allowed = body_limit(headers.get("content-type", ""), self.max_body, self.max_stream)
        return Request(method, path[1:], query, headers, request_body(environ, headers, allowed),
                       self.root(environ, headers) + below + "/")

    def below(self, environ: Environ) -> str:
        """The path of the service root on this server, without a final slash."""
        return cast("str", environ.get("SCRIPT_NAME", "")) + self.root_path

    def service_document(self, environ: Environ) -> tuple[str, Response]:
        """The service root as the client sees it, and the service document for who sent this request to another address."""
        headers = {name: value for name, value in request_headers(environ).items()
                   if name not in ("accept", "accept-charset", "if-none-match", "odata-version", "odata-maxversion", "prefer")}
        root = self.root(environ, headers) + self.below(environ) + "/"
        return root, self.service.handle(Request("GET", "", "", {**headers, "accept": "application/json"}, io.BytesIO(), root))

    def root(self, environ: Environ, headers: dict[str, str]) -> str:
        """Scheme, host and any prefix that a trusted proxy took off, without a final slash."""
        scheme, host, prefix = environ.get("wsgi.url_scheme", "http"), headers.get("host", ""), ""
        if self.trusted and self.trusted(environ.get("REMOTE_ADDR", "")):
            scheme, host, prefix = forwarded(headers, scheme, host)
        if not HOST.fullmatch(host):
            host = f"{environ.get('SERVER_NAME') or 'localhost'}:{environ.get('SERVER_PORT') or 80}"
        return f"{scheme}://{host}{prefix}"


class Body:
    """A streamed body under WSGI: closes the response once, whether it was read to its end or not."""

    def __init__(self, response: Response) -> None:
        self._chunks = cast("Iterator[bytes]", response.body)
        self._close = response.close

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        closing, self._close = self._close, None
        generator_close = getattr(self._chunks, "close", None)
        try:
            if generator_close:
                generator_close()
        finally:
            if closing:
                closing()


def close(response: Response) -> None:
    """Give back what a streamed response holds, without reading it."""
    if response.streamed:
        Body(response).close()
    elif response.close:
        response.close()


def refusal(status: int, code: str, message: str) -> Response:
    """An error answer for what never reaches the service (JSON Format §21.1)."""
    body = json.dumps({"error": {"code": code, "message": message}}, separators=(",", ":")).encode()
    return Response(status, {"Content-Type": "application/json", "Content-Language": "en", "OData-Version": "4.0"},
                    body)


def misdirected(environ: Environ) -> Response | None:
    """The refusal of an HTTP/1.1 request that does not name one host, or not as one (RFC 9112 §3.2); None of others. What is
    refused here never gets into a link."""
    if environ.get("SERVER_PROTOCOL") != "HTTP/1.1" or HOST.fullmatch(environ.get("HTTP_HOST", "")):
        return None
    return refusal(400, "invalidHost", "The header Host has to name one host, and its port where that is not the usual one.")


# --- what the environ says -----------------------------------------------------------------------

def raw_target(environ: Environ) -> str:
    """Path and query as they were sent. Servers that hide them cost the difference between `%2F` and `/`."""
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if target is None:
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        query = environ.get("QUERY_STRING", "")
        return quote(path.encode("latin-1"), safe="/!$&'()*+,;=:@~") + (f"?{query}" if query else "")
    if not target.startswith("/"):
        target = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", "", target)
    return cast("str", target) if target.isascii() else quote(target.encode("latin-1"), safe=PRINTABLE)


@lru_cache(maxsize=512)
def _header_name(key: str) -> str:
    return key[5:].replace("_", "-").lower()


def request_headers(environ: Environ) -> dict[str, str]:
    """The request's headers by lower-case name."""
    headers = {_header_name(key): value for key, value in environ.items() if key.startswith("HTTP_")}
    if content_type := environ.get("CONTENT_TYPE"):
        headers["content-type"] = content_type
    if content_length := environ.get("CONTENT_LENGTH"):
        headers["content-length"] = content_length
    return headers


@lru_cache(maxsize=16)
def trusted(networks: tuple[str, ...]) -> Any:
    """A test for peer addresses whose forwarding headers are believed; None when there are none."""
    if not networks:
        return None
    if "*" in networks:
        return lambda address: True
    known = [ipaddress.ip_network(network, strict=False) for network in networks]

    @lru_cache(maxsize=1024)
    def believed(address: str) -> bool:
        try:
            peer = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(peer in network for network in known)
    return believed


def forwarded(headers: dict[str, str], scheme: str, host: str) -> tuple[str, str, str]:
    """Scheme, host and path prefix as the nearest proxy reports them: the last element of each list."""
    def last(name: str) -> str:
        return headers.get(name, "").rpartition(",")[2].strip()

    pairs = (pair.partition("=") for pair in last("forwarded").split(";"))
    named = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
    scheme = (named.get("proto") or last("x-forwarded-proto") or scheme).lower()
    host = named.get("host") or last("x-forwarded-host") or host
    port = last("x-forwarded-port")
    if port.isdigit() and not re.search(r":\d+$", host) and port != {"http": "80", "https": "443"}.get(scheme):
        host = f"{host}:{port}"
    prefix = last("x-forwarded-prefix").rstrip("/")
    return scheme if scheme in ("http", "https") else "http", host, prefix if PATH.fullmatch(prefix) else ""


# --- the request's body --------------------------------------------------------------------------

def body_limit(kind: str, most: int, stream: int) -> int:
    """How long a body may be: what is neither JSON nor a batch is the content of a stream."""
    parsed = kind.partition(";")[0].strip().lower()
    return most if parsed in ("", "application/json") or parsed.startswith("multipart/") else max(most, stream)


class Incoming(io.RawIOBase):
    """A body that ends where its length says and fails with 413 beyond the limit, whoever reads it."""

    def __init__(self, stream: BinaryIO, length: int | None, limit: int) -> None:
        self._stream, self._length, self._limit = stream, length, limit
        self._begin()

    def _begin(self) -> None:
        too_long = self._length is not None and self._length > self._limit
        self._left = self._limit + 1 if self._length is None or too_long else self._length
        self._room = -1 if too_long else self._limit

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        """Whether a second attempt at a transaction can read it again."""
        return bool(getattr(self._stream, "seekable", bool)())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Back to the beginning, and nowhere else."""
        if offset or whence != io.SEEK_SET or not self.seekable():
            raise io.UnsupportedOperation("a body is read from its beginning")
        self._begin()
        return self._stream.seek(0)

    def tell(self) -> int:
        return (self._length if self._length is not None else self._limit + 1) - self._left

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(min(len(buffer), self._left)) if self._left and self._room >= 0 else b""
        self._left -= len(data)
        self._room -= len(data)
        if self._room < 0:
            raise PayloadTooLarge(allowed=self._limit)
        buffer[:len(data)] = data
        return len(data)


def request_body(environ: Environ, headers: dict[str, str], limit: int) -> BinaryIO | None:
    """The body as a binary stream, decoded from its Content-Encoding; None when the request has none."""
    length = parse_number(headers.get("content-length", ""))
    chunked = "transfer-encoding" in headers and environ.get("wsgi.input_terminated")
    if length == 0 or (length is None and not chunked):
        return None
    body = cast("BinaryIO", io.BufferedReader(Incoming(environ["wsgi.input"], length, limit)))
    return codings.decoded(body, headers.get("content-encoding", ""), limit)

"""The OData face: environ to Request, Response to WSGI. Raw targets (Part 2 §2), roots behind proxies (RFC 7239),
bodies (RFC 9110 §8.4, §8.6)."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import Any

import pytest

from app.errors import BodyError, ODataError, PayloadTooLarge, UnsupportedMediaType
from app.web.odata import Face, raw_target
from tests.web.fake import FakeService, settings

Answer = tuple[str, dict[str, str], bytes]


def environ(target: str | None = "/", method: str = "GET", **more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": "", "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000", "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
        "HTTP_HOST": "svc.example:8000"}
    if target is not None:
        base["RAW_URI"] = target
    return base | more


def call(face: Face, env: dict[str, Any]) -> Answer:
    head: list[Any] = []
    body = face(env, lambda status, headers, exc_info=None: head.extend((status, dict(headers))))
    data = b"".join(body)
    if close := getattr(body, "close", None):
        close()
    return head[0], head[1], data


TARGETS = [
    # raw target                         path                query
    ("/",                                "",                 ""),
    ("/runs",                            "runs",             ""),
    ("/runs/",                           "runs/",            ""),
    ("//runs",                           "/runs",            ""),
    ("/runs/a%2Fb",                      "runs/a%2Fb",       ""),
    ("/runs('a%2Fb')?$top=1",            "runs('a%2Fb')",    "$top=1"),
    ("/runs?%24filter=a%20eq%20'%3F'",   "runs",             "%24filter=a%20eq%20'%3F'"),
    ("/runs?a=1?b=2",                    "runs",             "a=1?b=2"),
    ("/runs?x=a+b%2Bc",                  "runs",             "x=a+b%2Bc"),
    ("http://other.example/runs?a",      "runs",             "a"),
    ("/%C3%A9",                          "%C3%A9",           ""),
    ("/\xc3\xa9",                        "%C3%A9",           ""),
]


@pytest.mark.parametrize(("target", "path", "query"), TARGETS, ids=[row[0] for row in TARGETS])
def test_the_raw_target_is_handed_on(target: str, path: str, query: str) -> None:
    service = FakeService()
    call(Face(service, settings()), environ(target))
    request = service.requests[0]
    assert (request.path, request.query, request.root) == (path, query, "http://svc.example:8000/")


def test_without_a_raw_target_the_path_is_quoted_again() -> None:
    env = environ(None, PATH_INFO="/runs('a b')/\xc3\xa9", QUERY_STRING="$top=1", SCRIPT_NAME="/x")
    assert raw_target(env) == "/x/runs('a%20b')/%C3%A9?$top=1"


HERE = "http://svc.example:8000/"
ANY: dict[str, Any] = {"trusted_proxies": ("*",)}
ROOTS: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    # settings               environ                                            path     root
    ({"root_path": "/x"},    {"RAW_URI": "/x/runs"},                            "runs",  HERE + "x/"),
    ({"root_path": "/x"},    {"RAW_URI": "/x"},                                 "",      HERE + "x/"),
    ({},                     {"RAW_URI": "/m/runs", "SCRIPT_NAME": "/m"},       "runs",  HERE + "m/"),
    ({"root_path": "/x"},    {"RAW_URI": "/m/x/r", "SCRIPT_NAME": "/m"},        "r",     HERE + "m/x/"),
    ({},                     {"HTTP_HOST": "bad host<"},                        "",      "http://127.0.0.1:8000/"),
    ({},                     {"HTTP_HOST": "[::1]:80"},                         "",      "http://[::1]:80/"),
    ({},                     {"HTTP_X_FORWARDED_HOST": "evil.example"},         "",      HERE),
    ({"trusted_proxies": ("10.0.0.0/8",)}, {"HTTP_X_FORWARDED_HOST": "a.example"}, "",   HERE),
    ({"trusted_proxies": ("127.0.0.0/8",)}, {"HTTP_X_FORWARDED_HOST": "a.example"}, "",  "http://a.example/"),
    (ANY,                    {"HTTP_X_FORWARDED_HOST": "b.example, a.example"}, "",      "http://a.example/"),
    (ANY,                    {"HTTP_X_FORWARDED_PROTO": "https"},               "",      "https://svc.example:8000/"),
    (ANY,                    {"HTTP_X_FORWARDED_PREFIX": "/p/"},                "",      HERE + "p/"),
    (ANY,                    {"HTTP_X_FORWARDED_PREFIX": "/a b"},               "",      HERE),
    (ANY,                    {"HTTP_X_FORWARDED_PORT": "81", "HTTP_X_FORWARDED_HOST": "a.example"}, "",
     "http://a.example:81/"),
    (ANY,                    {"HTTP_X_FORWARDED_PORT": "80", "HTTP_X_FORWARDED_HOST": "a.example"}, "",
     "http://a.example/"),
    (ANY,                    {"HTTP_FORWARDED": 'for=1.2.3.4, host="a.example:81";proto=https'}, "",
     "https://a.example:81/"),
]


@pytest.mark.parametrize(("configured", "more", "path", "root"), ROOTS)
def test_the_root_is_what_the_client_sees(configured: dict[str, Any], more: dict[str, Any], path: str,
                                          root: str) -> None:
    service = FakeService()
    call(Face(service, settings(**configured)), environ() | more)
    assert (service.requests[0].path, service.requests[0].root) == (path, root)


@pytest.mark.parametrize("host", ["", "a b", "a.example, b.example", "a.example/x", "u@a.example", "a.example:x", "a.example\r\nX: y", '"><script>'])
def test_a_request_that_names_no_host_is_refused(host: str) -> None:
    """RFC 9112 3.2: HTTP/1.1 asks for one Host; requests of other versions get links to the address of the server."""
    service = FakeService()
    status, headers, body = call(Face(service, settings()), environ(HTTP_HOST=host, SERVER_PROTOCOL="HTTP/1.1"))
    assert status == "400 Bad Request" and b'"code":"invalidHost"' in body and headers["Content-Length"] == str(len(body))
    assert host.encode() not in body or not host
    assert not service.requests
    call(Face(service, settings()), environ(HTTP_HOST=host, SERVER_PROTOCOL="HTTP/1.0"))
    assert service.requests[0].root == "http://127.0.0.1:8000/"


@pytest.mark.parametrize("target", ["/", "/y/runs", "/xy"])
def test_outside_the_root_path_there_is_no_service(target: str) -> None:
    service = FakeService()
    status, headers, body = call(Face(service, settings(root_path="/x")), environ(target))
    assert status == "404 Not Found" and headers["Content-Type"] == "application/json" and b'"code"' in body
    assert not service.requests


def test_headers_by_lower_case_name() -> None:
    service = FakeService()
    call(Face(service, settings()), environ(HTTP_ODATA_MAXVERSION="4.01", CONTENT_TYPE="application/json"))
    headers = service.requests[0].headers
    assert headers["odata-maxversion"] == "4.01" and headers["content-type"] == "application/json"


@pytest.mark.parametrize(("path", "length"), [("small", "12"), ("large", str(6 * 2000 + 3)), ("empty", None),
                                              ("stream", None)])
def test_content_length_is_there_where_it_is_known(path: str, length: str | None) -> None:
    for method in ("GET", "HEAD"):
        service = FakeService()
        status, headers, body = call(Face(service, settings()), environ(f"/{path}", method))
        assert headers.get("Content-Length") == length
        assert (body == b"") == (method == "HEAD" or path == "empty")
        assert service.closed == service.opened


def test_a_stream_is_closed_when_it_is_left_unread() -> None:
    service = FakeService()
    body: Any = Face(service, settings())(environ("/endless"), lambda *head: None)
    next(iter(body))
    body.close()
    body.close()
    assert service.closed == 1


BODIES = [
    (b"", {}, None),
    (b"hello", {"CONTENT_LENGTH": "5"}, b"hello"),
    (b"hello and the next request", {"CONTENT_LENGTH": "5"}, b"hello"),
    (b"hello", {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}, b"hello"),
    (b"hello", {}, None),
    (gzip.compress(b"hello", mtime=0), {"HTTP_CONTENT_ENCODING": "gzip"}, b"hello"),
    (zlib.compress(b"hello"), {"HTTP_CONTENT_ENCODING": "deflate"}, b"hello"),
    (b"hello", {"HTTP_CONTENT_ENCODING": "identity", "CONTENT_LENGTH": "5"}, b"hello"),
]


@pytest.mark.parametrize(("sent", "more", "read"), BODIES)
def test_bodies_are_read_to_their_end_and_decoded(sent: bytes, more: dict[str, Any], read: bytes | None) -> None:
    service = FakeService()
    if "HTTP_CONTENT_ENCODING" in more:
        more = more | {"CONTENT_LENGTH": str(len(sent))}
    _, _, body = call(Face(service, settings()), environ("/body", "POST", **more) | {"wsgi.input": io.BytesIO(sent)})
    assert body == (b"none" if read is None else read)


BAD_BODIES: list[tuple[bytes, dict[str, Any], type[ODataError]]] = [
    (b"x" * 101, {"CONTENT_LENGTH": "101"}, PayloadTooLarge),
    (b"x" * 101, {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}, PayloadTooLarge),
    (gzip.compress(b"x" * 101, mtime=0), {"HTTP_CONTENT_ENCODING": "gzip"}, PayloadTooLarge),
    (b"not gzip", {"HTTP_CONTENT_ENCODING": "gzip"}, BodyError),
    (gzip.compress(b"hello", mtime=0)[:-9], {"HTTP_CONTENT_ENCODING": "gzip"}, BodyError),
    (b"hello", {"HTTP_CONTENT_ENCODING": "br"}, UnsupportedMediaType),
]


@pytest.mark.parametrize(("sent", "more", "error"), BAD_BODIES)
def test_bodies_that_cannot_be_read_say_so_when_read(sent: bytes, more: dict[str, Any],
                                                     error: type[ODataError]) -> None:
    if "wsgi.input_terminated" not in more:
        more = more | {"CONTENT_LENGTH": str(len(sent))}
    with pytest.raises(error):
        call(Face(FakeService(), settings(max_body=100)),
             environ("/body", "POST", **more) | {"wsgi.input": io.BytesIO(sent)})


def test_a_body_of_exactly_the_limit_is_read() -> None:
    _, _, body = call(Face(FakeService(), settings(max_body=100)),
                      environ("/body", "POST", CONTENT_LENGTH="100") | {"wsgi.input": io.BytesIO(b"x" * 100)})
    assert body == b"x" * 100

"""Content coding (RFC 9110 §8.4, §12.5.3) and CORS (Fetch)."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest

from app.web.headers import coding
from app.web.odata import Face
from tests.web.fake import FakeService, settings
from tests.web.test_odata import call, environ

CODINGS = [
    ("gzip, deflate, br", "gzip"), ("deflate", "deflate"), ("gzip;q=0, deflate", "deflate"), ("*", "gzip"),
    ("br", None), ("identity", None), ("", None), ("gzip;q=0.5, identity", None), ("GZIP", "gzip"),
    ("gzip;q=x", None), ("*;q=0", None), ("deflate;q=0.9, gzip;q=0.8", "deflate"), ("gzip; q=0.7", "gzip"),
]


@pytest.mark.parametrize(("accepted", "chosen"), CODINGS)
def test_accept_encoding(accepted: str, chosen: str | None) -> None:
    assert coding(accepted) == chosen


@pytest.mark.parametrize(("name", "decode"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
@pytest.mark.parametrize("path", ["large", "stream"])
def test_answers_are_coded_as_accepted(name: str, decode: Any, path: str) -> None:
    face = Face(FakeService(), settings())
    _, plain_headers, plain = call(face, environ(f"/{path}"))
    _, headers, coded = call(face, environ(f"/{path}", HTTP_ACCEPT_ENCODING=name))
    assert headers["Content-Encoding"] == name and decode(coded) == plain and len(coded) < len(plain)
    assert plain_headers["Vary"] == headers["Vary"] == "Accept-Encoding" and "Content-Encoding" not in plain_headers
    assert headers.get("Content-Length") == (str(len(coded)) if path == "large" else None)


@pytest.mark.parametrize("path", ["small", "empty", "binary"])
def test_what_gains_nothing_stays_plain(path: str) -> None:
    _, headers, _ = call(Face(FakeService(), settings()), environ(f"/{path}", HTTP_ACCEPT_ENCODING="gzip"))
    assert "Content-Encoding" not in headers


def test_a_strong_etag_becomes_weak_where_the_bytes_differ() -> None:
    face = Face(FakeService(), settings())
    assert call(face, environ("/strong"))[1]["ETag"] == '"a"'
    assert call(face, environ("/strong", HTTP_ACCEPT_ENCODING="gzip"))[1]["ETag"] == 'W/"a"'


ORIGIN = "https://app.example"
CORS = [
    # configured          origin    allowed origin, credentials
    ((),                  ORIGIN,   None,   None),
    ((ORIGIN,),           ORIGIN,   ORIGIN, "true"),
    ((ORIGIN,),           "https://evil.example", None, None),
    (("*",),              ORIGIN,   "*",    None),
    (("*", ORIGIN),       ORIGIN,   ORIGIN, "true"),
    ((ORIGIN,),           None,     None,   None),
]


@pytest.mark.parametrize(("configured", "origin", "allowed", "credentials"), CORS)
def test_cors(configured: tuple[str, ...], origin: str | None, allowed: str | None, credentials: str | None) -> None:
    face = Face(FakeService(), settings(cors_origins=configured))
    more = {"HTTP_ORIGIN": origin} if origin else {}
    _, headers, _ = call(face, environ(**more))
    assert headers.get("Access-Control-Allow-Origin") == allowed
    assert headers.get("Access-Control-Allow-Credentials") == credentials
    assert ("OData-Version" in headers.get("Access-Control-Expose-Headers", "")) == (allowed is not None)
    assert ("Origin" in headers.get("Vary", "")) == (ORIGIN in configured)


def test_preflight() -> None:
    service = FakeService()
    face = Face(service, settings(cors_origins=(ORIGIN,)))
    status, headers, body = call(face, environ(
        "/runs", "OPTIONS", HTTP_ORIGIN=ORIGIN, HTTP_ACCESS_CONTROL_REQUEST_METHOD="MERGE",
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="odata-version,x-own"))
    assert status == "204 No Content" and body == b"" and not service.requests
    assert headers["Access-Control-Allow-Headers"] == "odata-version,x-own"
    assert {"PATCH", "PUT", "DELETE", "MERGE"} <= set(headers["Access-Control-Allow-Methods"].split(", "))


def test_options_without_cors_is_the_services_business() -> None:
    service = FakeService()
    call(Face(service, settings()), environ("/runs", "OPTIONS", HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET"))
    assert service.requests[0].method == "OPTIONS"


@pytest.mark.parametrize("root", ["/", "/beta/"])
def test_options_of_the_server_as_a_whole(root: str) -> None:
    """`OPTIONS *` asks for no resource of the service (RFC 9110 §9.3.7)."""
    service = FakeService()
    status, headers, body = call(Face(service, settings(root_path=root)), environ("*", "OPTIONS", RAW_URI="*"))
    assert status == "204 No Content" and body == b"" and not service.requests
    assert {"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"} <= set(headers["Allow"].split(", "))

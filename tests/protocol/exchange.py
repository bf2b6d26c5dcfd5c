"""Exchanges: one request and what must come back, as one row of a table.

A row names its section of the standard (P protocol, U URL conventions, J JSON format, X CSDL). Requests are written as
people read them: blanks, quotes and letters of any script stand for themselves and are escaped on the way; `%` begins an
escape. Whatever only reads is sent twice, through `Service.handle` and through the WSGI application, and has to come
back the same: the second time it comes from the caches.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO
from typing import Any
from urllib.parse import quote, unquote

import pytest

from app.service.request import Request
from app.service.service import Service
from app.web import application

ROOT = "http://service.example/"
METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "MERGE", "TRACE", "BREW")
WIRE = "".join(sorted(set(string.punctuation + string.ascii_letters + string.digits) - set('"<>\\^`{|}')))
OF_THE_WAY = {"content-length", "request-id"}
# A delta token names a snapshot of the server, which other databases of the same server move on too.
DELTA_TOKEN = re.compile(rb"deltatoken=[A-Za-z0-9_-]*")
REQUEST_ID = re.compile(rb'"(client-)?request-id":"[^"]*"')


# --- what must come back ---------------------------------------------------------------------------------

class Absent:
    """The mark of a member that must not be there."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


class Only(dict[str, Any]):
    """An object with these members and no other."""


class Some(list[Any]):
    """An array that has, among others, an item like each of these."""


def differences(expected: Any, actual: Any, place: str = "body") -> Iterator[str]:
    """What keeps `actual` from matching: nothing when it does.

    `...` matches everything; a type its instances; a pattern the texts it is found in; a function what it says yes to;
    a dict every object that has these members; a list arrays of this length.
    """
    match expected:
        case _ if expected is ...:
            return
        case Absent():
            yield f"{place} is there: {shortened(actual)}"
        case re.Pattern():
            if not isinstance(actual, str) or not expected.search(actual):
                yield f"{place}: {shortened(actual)} does not match {expected.pattern}"
        case type():
            if not isinstance(actual, expected) or isinstance(actual, bool) and expected is not bool:
                yield f"{place}: {shortened(actual)} is no {expected.__name__}"
        case dict():
            yield from _object(expected, actual, place)
        case Some():
            yield from _some(expected, actual, place)
        case list() | tuple():
            if not isinstance(actual, list) or len(actual) != len(expected):
                yield f"{place}: {shortened(actual)} is not {shortened(expected)}"
                return
            for index, (wanted, found) in enumerate(zip(expected, actual, strict=True)):
                yield from differences(wanted, found, f"{place}[{index}]")
        case bool() | None:
            if actual is not expected:
                yield f"{place}: {shortened(actual)} is not {expected}"
        case str():
            if actual != expected:
                yield f"{place}: {shortened(actual)} is not {shortened(expected)}"
        case float():
            if not isinstance(actual, Decimal | int) or isinstance(actual, bool) or float(actual) != expected:
                yield f"{place}: {shortened(actual)} is not {expected}"
        case int() | Decimal():
            if not isinstance(actual, Decimal | int) or isinstance(actual, bool) or actual != expected:
                yield f"{place}: {shortened(actual)} is not {expected}"
        case _:
            if not expected(actual):
                yield f"{place}: {shortened(actual)} is refused by {getattr(expected, '__name__', expected)}"


def _object(expected: Mapping[str, Any], actual: Any, place: str) -> Iterator[str]:
    if not isinstance(actual, dict):
        yield f"{place}: {shortened(actual)} is no object"
        return
    for name, wanted in expected.items():
        if name in actual:
            yield from differences(wanted, actual[name], f"{place}.{name}")
        elif wanted is not ABSENT:
            yield f"{place}.{name} is missing from {shortened(actual)}"
    if isinstance(expected, Only) and (more := [name for name in actual if name not in expected]):
        yield f"{place} has more: {', '.join(more)}"


def _some(expected: Sequence[Any], actual: Any, place: str) -> Iterator[str]:
    for wanted in expected:
        if not isinstance(actual, list) or not any(not list(differences(wanted, item)) for item in actual):
            yield f"{place}: nothing in it is like {shortened(wanted)}"


def shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 400 else text[:397] + "…"


# --- sending ---------------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")


class Client:
    """Sends requests to one service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.application = application(service, service.settings).wsgi_app

    def send(self, line: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """The answer to a request line ('GET' may be left out); what only reads is sent both ways."""
        method, target = split(line)
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        answer = self.handled(method, target, sent, body)
        if method == "GET":
            again = self.through_wsgi(method, target, sent, body)
            assert comparable(again) == comparable(answer), "the WSGI application answers differently"
        elif method == "HEAD":
            answer = self.through_wsgi(method, target, sent, body)
        return answer

    def handled(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Through `Service.handle`."""
        path, _, query = target.partition("?")
        response = self.service.handle(Request(method, path, query, headers, BytesIO(body) if body else None, ROOT))
        lowered = {name.lower(): value for name, value in response.headers.items()}
        assert len(lowered) == len(response.headers)
        return Answer(response.status, lowered, response.read())

    def through_wsgi(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Through the WSGI application, the target as a server hands it on."""
        path, _, query = target.partition("?")
        environ = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": "/" + unquote(path, "latin-1"),
                   "QUERY_STRING": query, "RAW_URI": "/" + target, "SERVER_NAME": "service.example", "SERVER_PORT": "80",
                   "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "service.example", "REMOTE_ADDR": "127.0.0.1",
                   "wsgi.url_scheme": "http", "wsgi.input": BytesIO(body), "wsgi.errors": BytesIO(), "wsgi.version": (1, 0),
                   "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False}
        if body:
            environ["CONTENT_LENGTH"] = str(len(body))
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key] = value
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, found: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], Any]:
            started.append((status, found))
            return lambda data: None

        chunks = self.application(environ, start_response)
        content = b"".join(chunks)
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
        status, found = started[-1]
        names = [name.lower() for name, _ in found]
        assert len(set(names)) == len(names), f"a header is there twice: {names}"
        return Answer(int(status[:3]), dict(zip(names, [value for _, value in found], strict=True)), content)

    def get(self, target: str, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON of a GET that must succeed."""
        answer = self.send("GET " + target, headers)
        assert answer.status == 200, (answer.status, shortened(answer.text))
        return answer.json

    def pages(self, target: str, headers: Mapping[str, str] | None = None) -> list[Any]:
        """The bodies of all pages, following the next links."""
        found = [self.get(target, headers)]
        while "@odata.nextLink" in found[-1]:
            link = found[-1]["@odata.nextLink"]
            assert link.startswith(ROOT)
            assert len(found) < 1000
            found.append(self.get(link.removeprefix(ROOT), headers))
        return found

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """The statements that run meanwhile."""
        seen: list[str] = []
        self.service.store.on_statement = seen.append
        try:
            yield seen
        finally:
            self.service.store.on_statement = None


def split(line: str) -> tuple[str, str]:
    """'GET Products?$top=1' → method and target, escaped for the wire."""
    method, blank, target = line.partition(" ")
    if method not in METHODS or not blank and not method.isupper():
        method, target = "GET", line
    return method, quote(target, safe=WIRE)


def comparable(answer: Answer) -> tuple[Any, ...]:
    headers = {name: value.replace(", Accept-Encoding", "") for name, value in answer.headers.items() if name not in OF_THE_WAY}
    return answer.status, headers, DELTA_TOKEN.sub(b"", REQUEST_ID.sub(b"", answer.body))


# --- rows ------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Exchange:
    """One row: section, request line, status, body and headers of the answer, headers and body sent, model.

    `body`: as `differences` reads it, over JSON; a str for any other answer; None for an empty one. `headers`: a text, a
    pattern, or None where the header must be missing.
    """

    spec: str
    request: str
    status: int | tuple[int, ...] = 200
    body: Any = ...
    headers: Mapping[str, Any] = field(default_factory=dict)
    sent: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    model: str = "northwind"

    def check(self, client: Client) -> Answer:
        """Sends the request and compares what comes back."""
        answer = client.send(self.request, self.sent, self.content)
        wanted = self.status if isinstance(self.status, tuple) else (self.status,)
        assert answer.status in wanted, f"{self.spec}: {self.request}\nstatus {answer.status}: {shortened(answer.body)}"
        found: list[str] = []
        for name, value in self.headers.items():
            actual = answer.headers.get(name.lower())
            if value is None:
                if actual is not None:
                    found.append(f"there is a header {name}: {actual}")
            else:
                found.extend(differences(value, actual, name))
        found.extend(self._body(answer))
        found.extend(well_formed(answer))
        assert not found, "\n".join([f"{self.spec}: {self.request}", *found])
        return answer

    def _body(self, answer: Answer) -> Iterable[str]:
        if self.body is ...:
            return ()
        if self.body is None:
            return [f"there is a body: {answer.body[:200]!r}"] if answer.body else []
        if isinstance(self.body, bytes):
            return [] if self.body == answer.body else [f"the body is {answer.body[:200]!r}"]
        kind = answer.headers.get("content-type", "")
        if not kind.startswith("application/json"):
            return differences(self.body, answer.text)
        return differences(self.body, answer.json)


def well_formed(answer: Answer) -> Iterator[str]:
    """What holds for every answer: one version; a type for every body; the form of errors (P 8.1.5, 8.1.1, 9.4)."""
    if answer.headers.get("odata-version") not in ("4.0", "4.01"):
        yield f"OData-Version is {answer.headers.get('odata-version')}"
    if answer.body and "content-type" not in answer.headers:
        yield "a body without Content-Type"
    if answer.status >= 400 and answer.body:
        error = answer.json.get("error")
        yield from differences({"code": re.compile("^[a-z][A-Za-z0-9]*$"), "message": re.compile(r"\S.*[.?!]$")}, error, "error")
        if set(answer.json) != {"error"} or not answer.headers.get("content-language"):
            yield "an error with other members, or without Content-Language"
        if "Traceback" in answer.text:
            yield "an error that tells of the inside"
    if answer.status == 500:
        yield "status 500"


def rows(table: Iterable[Exchange]) -> pytest.MarkDecorator:
    """Parametrizes a test by `exchange`."""
    found = list(table)
    return pytest.mark.parametrize("exchange", found, ids=[f"{row.spec}: {row.request}"[:100] for row in found])

"""Batch bodies: multipart/mixed and JSON → parts, and part answers → either form (Protocol §11.7, JSON Format §19).

Reading is forgiving where real clients need it: bare LF, blanks behind header names or lines, preambles and epilogues,
`Content-ID` inside or outside the embedded request. Raises BodyError for an envelope that cannot be read.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.errors import BodyError, LimitExceeded
from app.payload.syntax import write_json

MAX_PARTS = 10_000
STATUS_WORDS = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 304: "Not Modified", 400: "Bad Request",
                401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
                409: "Conflict", 410: "Gone", 412: "Precondition Failed", 413: "Payload Too Large",
                415: "Unsupported Media Type", 424: "Failed Dependency", 428: "Precondition Required",
                500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable"}
REQUEST_ID = re.compile(r"[A-Za-z0-9\-._~]+")


@dataclass(frozen=True, slots=True)
class Part:
    """One request of a batch. `id`: Content-ID or JSON id, None without. `problem`: why it cannot be carried out."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    id: str | None = None
    group: str | None = None
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Requests that succeed or fail together: a change set or an atomicity group."""

    id: str | None
    parts: tuple[Part, ...]
    depends_on: tuple[str, ...] = ()


Item = Part | Group


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """The answer to one part."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    id: str | None = None
    group: str | None = None


# --- multipart -------------------------------------------------------------------------------------------

def read_multipart(data: bytes, boundary: str) -> tuple[Item, ...]:
    """The items of a multipart/mixed body, change sets as groups."""
    items: list[Item] = []
    count = 0
    for headers, content in _sections(data, boundary):
        media = headers.get("content-type", "application/http")
        if media.lower().startswith("multipart/"):
            inner = _boundary(media)
            if inner is None:
                raise BodyError(reason="a change set names no boundary")
            parts = tuple(_embedded(part_headers, part) for part_headers, part in _sections(content, inner))
            count += len(parts)
            items.append(Group(headers.get("content-id"), parts))
        else:
            count += 1
            items.append(_embedded(headers, content))
        if count > MAX_PARTS:
            raise LimitExceeded(limit="number of requests in a batch", allowed=MAX_PARTS)
    if not items:
        raise BodyError(reason=f"no part between boundaries '{boundary[:80]}'")
    return tuple(items)


def boundary_of(media_type: str) -> str | None:
    """The boundary parameter of a multipart media type."""
    return _boundary(media_type)


def _boundary(media_type: str) -> str | None:
    match = re.search(r';\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', media_type, re.IGNORECASE)
    return (match[1] or match[2]) if match else None


def _sections(data: bytes, boundary: str) -> list[tuple[dict[str, str], bytes]]:
    """(headers, content) of every part; what stands before the first and behind the last delimiter is ignored."""
    mark = b"--" + boundary.encode("latin-1", "replace")
    delimiter = re.compile(rb"(?:\A|\r?\n)" + re.escape(mark) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    found, start = [], None
    for match in delimiter.finditer(data):
        if start is not None:
            found.append(_headed(data[start:match.start()]))
        if match[1]:
            return found
        start = match.end()
    if start is None:
        raise BodyError(reason=f"boundary '{boundary[:80]}' does not occur in the body")
    raise BodyError(reason=f"the closing boundary '--{boundary[:80]}--' is missing")


def _headed(section: bytes) -> tuple[dict[str, str], bytes]:
    """Header lines up to a blank line, and the rest."""
    section = section.removeprefix(b"\r").removeprefix(b"\n")
    headers: dict[str, str] = {}
    while section:
        line, newline, rest = section.partition(b"\n")
        text = line.strip().decode("latin-1")
        if not text:
            return headers, rest
        name, colon, value = text.partition(":")
        if not colon:
            return headers, section
        headers[name.strip().lower()] = value.strip()
        section = rest
    return headers, b""


def _embedded(outer: Mapping[str, str], content: bytes) -> Part:
    """The embedded HTTP request of an application/http part."""
    media = outer.get("content-type", "application/http").partition(";")[0].strip().lower()
    line, _, rest = content.lstrip(b"\r\n").partition(b"\n")
    words = line.strip().decode("utf-8", "replace").split(" ")
    headers, body = _headed(rest)
    id = outer.get("content-id") or headers.get("content-id")
    problem = None
    if media != "application/http":
        problem = f"A part has the content type '{media[:60]}', not application/http"
    elif len(words) < 2 or not words[0].isalpha():
        problem = "A part does not begin with a request line such as 'GET People HTTP/1.1'"
    elif id is not None and not REQUEST_ID.fullmatch(id):
        problem = f"'{id[:40]}' is not a valid Content-ID"
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) <= len(body):
        body = body[:int(length)]
    elif not body.strip():
        body = b""
    url = " ".join(words[1:-1]) if len(words) > 2 and words[-1].startswith("HTTP/") else " ".join(words[1:])
    return Part(words[0].upper(), url, headers, body, id, problem=problem)


def write_multipart(answers: Sequence[PartAnswer | tuple[PartAnswer, ...]]) -> tuple[str, bytes]:
    """(media type, body) of the answers; a tuple becomes a change-set response."""
    boundary = f"batch_{uuid.uuid4()}"
    out = bytearray()
    for each in answers:
        out += f"--{boundary}\r\n".encode()
        if isinstance(each, tuple):
            inner = f"changeset_{uuid.uuid4()}"
            out += f"Content-Type: multipart/mixed; boundary={inner}\r\n\r\n".encode()
            for answer in each:
                out += f"--{inner}\r\n".encode() + _http(answer) + b"\r\n"
            out += f"--{inner}--\r\n".encode()
        else:
            out += _http(each) + b"\r\n"
    out += f"--{boundary}--\r\n".encode()
    return f"multipart/mixed; boundary={boundary}", bytes(out)


def _http(answer: PartAnswer) -> bytes:
    head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
    if answer.id is not None:
        head += f"Content-ID: {answer.id}\r\n"
    head += f"\r\nHTTP/1.1 {answer.status} {STATUS_WORDS.get(answer.status, 'Status')}\r\n"
    for name, value in answer.headers.items():
        head += f"{name}: {value}\r\n"
    if answer.body:
        head += f"Content-Length: {len(answer.body)}\r\n"
    return head.encode("latin-1", "replace") + b"\r\n" + answer.body


# --- JSON ------------------------------------------------------------------------------------------------

def read_json_batch(value: Any) -> tuple[Item, ...]:
    """The items of a parsed JSON batch, adjacent members of an atomicity group as one Group (JSON Format §19.1)."""
    requests = value.get("requests") if isinstance(value, dict) else None
    if not isinstance(requests, list):
        raise BodyError(reason="a JSON batch has an array 'requests'", target="requests")
    if len(requests) > MAX_PARTS:
        raise LimitExceeded(limit="number of requests in a batch", allowed=MAX_PARTS)
    items: list[Item] = []
    seen: set[str] = set()
    groups: dict[str, int] = {}
    for index, raw in enumerate(requests):
        part = _json_part(raw, f"requests/{index}")
        if part.id is None or part.id in seen or part.id in groups:
            raise BodyError(reason=f"the id '{part.id}' is missing or used twice", target=f"requests/{index}/id")
        for name in part.depends_on:
            if name not in seen and name not in groups:
                raise BodyError(reason=f"'{name[:60]}' in dependsOn names no request or group before",
                                target=f"requests/{index}/dependsOn")
        seen.add(part.id)
        if part.group is None:
            items.append(part)
            continue
        last = items[-1] if items else None
        if isinstance(last, Group) and last.id == part.group:
            items[-1] = Group(part.group, (*last.parts, part), last.depends_on + part.depends_on)
        elif part.group in groups or part.group in seen:
            raise BodyError(reason=f"the requests of atomicity group '{part.group}' do not stand together",
                            target=f"requests/{index}/atomicityGroup")
        else:
            groups[part.group] = len(items)
            items.append(Group(part.group, (part,), part.depends_on))
    return tuple(items)


def _json_part(raw: Any, target: str) -> Part:
    if not isinstance(raw, dict):
        raise BodyError(reason="a request of a batch is an object", target=target)

    def text(name: str, needed: bool = False) -> str | None:
        value = raw.get(name)
        if value is None and not needed:
            return None
        if not isinstance(value, str) or not value:
            raise BodyError(reason=f"'{name}' is a string", target=f"{target}/{name}")
        return value

    headers = raw.get("headers") or {}
    if not isinstance(headers, dict) or not all(isinstance(each, str) for each in headers.values()):
        raise BodyError(reason="'headers' is an object of strings", target=f"{target}/headers")
    headers = {str(name).lower(): value for name, value in headers.items()}
    depends = raw.get("dependsOn") or []
    if not isinstance(depends, list) or not all(isinstance(each, str) for each in depends):
        raise BodyError(reason="'dependsOn' is an array of ids", target=f"{target}/dependsOn")
    id = text("id", needed=True)
    if id is not None and not REQUEST_ID.fullmatch(id):
        raise BodyError(reason=f"'{id[:40]}' is not a valid id", target=f"{target}/id")
    method = (text("method", needed=True) or "").upper()
    body = _json_body(raw.get("body"), headers, target)
    if body and "content-type" not in headers:
        headers["content-type"] = "application/json"
    return Part(method, text("url", needed=True) or "", headers, body, id, text("atomicityGroup"), tuple(depends), text("if"))


def _json_body(value: Any, headers: Mapping[str, str], target: str) -> bytes:
    if value is None:
        return b""
    media = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media.endswith("json"):
        return write_json(value)
    if not isinstance(value, str):
        raise BodyError(reason=f"a body of type {media} is a string", target=f"{target}/body")
    if media.startswith("text/"):
        return value.encode("utf-8")
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (binascii.Error, ValueError):
        raise BodyError(reason=f"a body of type {media} is base64url", target=f"{target}/body") from None


def write_json_batch(answers: Sequence[PartAnswer]) -> bytes:
    """The JSON envelope of the answers (JSON Format §19.5)."""
    responses = []
    for answer in answers:
        entry: dict[str, Any] = {"id": answer.id if answer.id is not None else str(uuid.uuid4())}
        if answer.group is not None:
            entry["atomicityGroup"] = answer.group
        entry["status"] = answer.status
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if headers:
            entry["headers"] = headers
        if answer.body:
            media = headers.get("content-type", "").partition(";")[0].strip().lower()
            if media.endswith("json"):
                entry["body"] = orjson.Fragment(answer.body)
            elif media.startswith("text/") or media.endswith("xml"):
                entry["body"] = answer.body.decode("utf-8", "replace")
            else:
                entry["body"] = base64.urlsafe_b64encode(answer.body).decode("ascii")
        responses.append(entry)
    return orjson.dumps({"responses": responses})

"""Batch bodies: multipart/mixed and JSON → parts, and part answers → either form (Protocol §11.7, JSON Format §19).

Reading is forgiving where real clients need it: bare LF, blanks behind header names and lines, preambles and epilogues,
`Content-ID` inside or outside the embedded request. What is wrong with one part is that part's `problem`; BodyError is
raised only for an envelope that cannot be taken apart.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import mmap
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import IO, Any, NamedTuple, TypeAlias

import orjson

from app.errors import BodyError, LimitExceeded
from app.payload.syntax import read_json, write_json
from app.url.headers import is_request_id, parse_number

MAX_PARTS = 10_000
HEADER_LINE = 16_384
COPIED = 65_536                     # longer bodies stay where they are, in the mapped envelope
PIECE = 49_152                      # of a spooled answer; a multiple of 3, so that base64 pieces join
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


class _Lower(dict[str, str]):
    """Names of headers of answers → in lower case."""

    def __missing__(self, name: str) -> str:
        return self.setdefault(name, name.lower())


PLAIN_METHODS = {"GET": "GET", "get": "GET", "DELETE": "DELETE", "delete": "DELETE"}
NO_HEADERS: Mapping[str, str] = {}  # of parts that have id, method and URL, and nothing else
ALONE = ((), None, None)            # depends on nothing, under no condition, without a problem
UNQUOTED = (str, type(None))        # bodies that need not be found in the text of the envelope
LOWER = _Lower()
_make = tuple.__new__               # of a named tuple with all its fields: half the time of its own

Data: TypeAlias = bytes | mmap.mmap


class Part(NamedTuple):
    """One request of a batch. `id`: Content-ID or JSON id, None without. `problem`: why it cannot be carried out."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | memoryview = b""
    id: str | None = None
    group: str | None = None
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    problem: str | None = None

    @property
    def bare(self) -> bool:
        """Whether it is a GET that says nothing but its URL."""
        return self.method == "GET" and (self.headers is NO_HEADERS or not self.headers and self[6:] == ALONE)


class Group(NamedTuple):
    """Requests that succeed or fail together: a change set or an atomicity group."""

    id: str | None
    parts: tuple[Part, ...]
    depends_on: tuple[str, ...] = ()
    problem: str | None = None


Item: TypeAlias = Part | Group


class PartAnswer(NamedTuple):
    """The answer to one part. `body` may be a file, read from its beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes | IO[bytes]
    id: str | None = None
    group: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the request did what it asked for."""
        return 200 <= self.status < 300


# --- multipart, in ---------------------------------------------------------------------------------------

def read_multipart(data: Data, boundary: str) -> tuple[Item, ...]:
    """The items of a multipart/mixed body, change sets as groups (Protocol §11.7.7)."""
    items: list[Item] = []
    count = 0
    for start, end in _sections(data, 0, len(data), boundary):
        headers, at = _headers(data, start, end)
        if headers.get("content-type", "").lower().startswith("multipart/"):
            group = _change_set(headers, data, at, end)
            items.append(group)
            count += len(group.parts)
        else:
            items.append(_embedded(headers, data, at, end))
            count += 1
        if count > MAX_PARTS:
            raise LimitExceeded(limit="number of requests in a batch", allowed=MAX_PARTS)
    return tuple(items)


def _change_set(headers: Mapping[str, str], data: Data, at: int, end: int) -> Group:
    id, boundary = headers.get("content-id"), boundary_of(headers["content-type"])
    if boundary is None:
        return Group(id, (), problem="A change set names no boundary")
    try:
        sections = list(_sections(data, at, end, boundary))
    except BodyError as error:
        return Group(id, (), problem=error.text)
    return Group(id, tuple(_embedded(*_headed(data, *section)) for section in sections))


def boundary_of(media_type: str) -> str | None:
    """The boundary parameter of a multipart media type."""
    match = re.search(r';\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', media_type, re.IGNORECASE)
    return (match[1] or match[2]) if match else None


def _sections(data: Data, start: int, end: int, boundary: str) -> Iterator[tuple[int, int]]:
    """(start, end) of every part; what stands before the first and behind the last delimiter is ignored."""
    mark = b"--" + boundary.encode("latin-1", "replace")
    opened: int | None = None
    at = data.find(mark, start, end)
    while at >= 0:
        behind = at + len(mark)
        closes = data[behind:behind + 2] == b"--"
        line_end = data.find(b"\n", behind, end)
        line_end = end if line_end < 0 else line_end
        fits = line_end - behind < HEADER_LINE and not data[behind + 2 * closes:line_end].strip()
        if fits and (at == start or data[at - 1:at] == b"\n"):
            if opened is not None:
                cut = at - 1 if at > opened else at                     # the line end before it belongs to it
                yield opened, cut - 1 if cut > opened and data[cut - 1:cut] == b"\r" else cut
            if closes:
                return
            opened = min(line_end + 1, end)
        at = data.find(mark, behind, end)
    if opened is None:
        raise BodyError(reason=f"boundary '{boundary[:80]}' does not occur in it")
    raise BodyError(reason=f"the closing boundary '--{boundary[:80]}--' is missing")


def _headers(data: Data, at: int, end: int) -> tuple[dict[str, str], int]:
    """Header lines up to a blank line, names in lower case, and where the rest begins."""
    headers: dict[str, str] = {}
    last = ""
    while at < end:
        stop = data.find(b"\n", at, min(end, at + HEADER_LINE))
        stop = min(end, at + HEADER_LINE) if stop < 0 else stop
        line = data[at:stop].strip()
        if not line:
            return headers, min(stop + 1, end)
        name, colon, value = line.partition(b":")
        if not colon and last and data[at:at + 1] in (b" ", b"\t"):     # goes on with the line before (RFC 9112 §5.2)
            headers[last] = f"{headers[last]} {line.decode('latin-1')}".lstrip()
        elif not colon:
            return headers, at
        else:
            last = name.strip().lower().decode("latin-1")
            headers[last] = value.strip().decode("latin-1")
        at = stop + 1
    return headers, end


def _headed(data: Data, start: int, end: int) -> tuple[dict[str, str], Data, int, int]:
    headers, at = _headers(data, start, end)
    return headers, data, at, end


def _embedded(outer: Mapping[str, str], data: Data, at: int, end: int) -> Part:
    """The embedded HTTP request of an application/http part."""
    media = outer.get("content-type", "application/http").partition(";")[0].strip().lower()
    while data[at:at + 1] in (b"\r", b"\n") and at < end:
        at += 1
    stop = data.find(b"\n", at, end)
    stop = end if stop < 0 else stop
    words = data[at:stop].strip().decode("utf-8", "replace").split(" ")
    headers, start = _headers(data, min(stop + 1, end), end)
    id = outer.get("content-id") or headers.get("content-id")
    problem = None
    if media != "application/http":
        problem = f"A part has the content type '{media[:60]}', not application/http"
    elif len(words) < 2 or not words[0].isalpha():
        problem = "A part does not begin with a request line such as 'GET People HTTP/1.1'"
    elif id is not None and not is_request_id(id):
        problem = f"'{id[:40]}' is not a valid Content-ID"
    length = parse_number(headers.get("content-length", ""))
    exact = length is not None and length <= end - start
    if length is not None and exact:
        end = start + length
    body: bytes | memoryview = data[start:end] if end - start < COPIED else memoryview(data)[start:end]
    if not exact and isinstance(body, bytes) and not body.strip():
        body = b""
    url = " ".join(words[1:-1]) if len(words) > 2 and words[-1].startswith("HTTP/") else " ".join(words[1:])
    return Part(words[0].upper(), url.strip(), headers, body, id, problem=problem)


# --- multipart, out --------------------------------------------------------------------------------------

def write_multipart(answers: Sequence[PartAnswer | list[PartAnswer]]) -> tuple[str, Iterator[bytes]]:
    """(media type, pieces of the body) of the answers; a list becomes a change-set response (Protocol §11.7.7.5)."""
    boundary = f"batch_{uuid.uuid4()}"
    return f"multipart/mixed; boundary={boundary}", _multipart(answers, boundary)


def _multipart(answers: Sequence[PartAnswer | list[PartAnswer]], boundary: str) -> Iterator[bytes]:
    for each in answers:
        if isinstance(each, PartAnswer):
            yield from _http(each, boundary)
            continue
        inner = f"changeset_{uuid.uuid4()}"
        yield f"--{boundary}\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n".encode()
        for answer in each:
            yield from _http(answer, inner)
        yield f"--{inner}--\r\n".encode()
    yield f"--{boundary}--\r\n".encode()


def _http(answer: PartAnswer, boundary: str) -> Iterator[bytes]:
    head = [f"--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"]
    if answer.id is not None:
        head.append(f"Content-ID: {answer.id}\r\n")
    head.append("\r\n" + (STATUS_LINES.get(answer.status) or f"HTTP/1.1 {answer.status} Unknown\r\n"))
    head += [f"{name}: {value}\r\n" for name, value in answer.headers.items()]
    body = answer.body
    length = len(body) if isinstance(body, bytes) else body.seek(0, 2)
    head.append(f"Content-Length: {length}\r\n\r\n" if length else "\r\n")
    yield "".join(head).encode("latin-1", "replace")
    yield from _pieces(body)
    yield b"\r\n"


def _pieces(body: bytes | IO[bytes]) -> Iterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    body.seek(0)
    while piece := body.read(PIECE):
        yield piece


# --- JSON, in --------------------------------------------------------------------------------------------

def read_json_batch(data: bytes, charset: str | None = None) -> tuple[Item, ...]:
    """The items of a JSON batch, adjacent members of an atomicity group as one Group (JSON Format §19.1).

    The body of a part is the text that stands in the envelope, numbers and all.
    """
    try:
        tree = orjson.loads(data if charset is None or charset.lower() in ("utf-8", "utf8") else b"")
    except orjson.JSONDecodeError:
        try:
            data = write_json(read_json(data, charset))
        except orjson.JSONEncodeError as error:
            raise BodyError(reason=str(error), code="malformedJson") from None
        tree = json.loads(data, parse_int=float)        # numbers that no double holds, too: they may stand in a body
    requests = tree.get("requests") if isinstance(tree, dict) else None
    if not isinstance(requests, list):
        raise BodyError(reason="a JSON batch has an array 'requests'", target="requests")
    if len(requests) > MAX_PARTS:
        raise LimitExceeded(limit="number of requests in a batch", allowed=MAX_PARTS)
    plain = [_plain_part(raw) for raw in requests]
    if all(plain) and len({part[4] for part in plain if part}) == len(plain):      # part[4]: its id
        return tuple(filter(None, plain))
    bodied = any(isinstance(each, dict) and each.get("body").__class__ not in UNQUOTED for each in requests)
    texts = _body_texts(data.decode("utf-8")) if bodied else None
    return _grouped([part or _json_part(raw, index, texts[index] if texts else "")
                     for index, (part, raw) in enumerate(zip(plain, requests, strict=True))])


def _grouped(parts: list[Part]) -> tuple[Item, ...]:
    """The parts with the members of each atomicity group together. Raises BodyError for ids and groups that are not as
    JSON Format §19.1 asks."""
    items: list[Item] = []
    ids: set[str] = set()
    groups: set[str] = set()
    for index, part in enumerate(parts):
        id, group = part.id or "", part.group
        if id in ids or id in groups:
            raise BodyError(reason=f"the id '{id}' is used twice", target=f"requests/{index}/id", code="duplicateId")
        for name in part.depends_on:
            if name not in ids and name not in groups:
                raise BodyError(reason=f"'{name[:60]}' in dependsOn names no request or group before",
                                target=f"requests/{index}/dependsOn")
        ids.add(id)
        if group is None:
            items.append(part)
            continue
        last = items[-1] if items else None
        if isinstance(last, Group) and last.id == group:
            items[-1] = Group(group, (*last.parts, part), last.depends_on + part.depends_on)
            continue
        if group in groups or group in ids:
            raise BodyError(reason=f"'{group[:60]}' names a request or a group that has ended already",
                            target=f"requests/{index}/atomicityGroup")
        groups.add(group)
        items.append(Group(group, (part,), part.depends_on))
    return tuple(items)


def _plain_part(raw: Any) -> Part | None:
    """One request object that has id, method and URL, and nothing else; None for any other."""
    if raw.__class__ is dict and len(raw) == 3:
        take = raw.get
        id, url, method = take("id"), take("url"), take("method")
        if id.__class__ is url.__class__ is method.__class__ is str and method in PLAIN_METHODS and (
                id.isalnum() and id.isascii() or is_request_id(id)):
            return _make(Part, (PLAIN_METHODS[method], url, NO_HEADERS, b"", id, None, *ALONE))
    return None


def _json_part(raw: Any, index: int, text: str) -> Part:
    """One request object; `text`: its body as it is written. Raises BodyError where it cannot be answered by its id."""
    target = f"requests/{index}"
    if not isinstance(raw, dict):
        raise BodyError(reason="a request of a batch is an object", target=target)
    take = raw.get
    id, method, url = take("id"), take("method"), take("url")
    if not isinstance(id, str) or not is_request_id(id):
        raise BodyError(reason=f"'{str(id)[:40]}' is not a valid id", target=f"{target}/id")
    group, condition = take("atomicityGroup"), take("if")
    if group is not None and (not isinstance(group, str) or not group):
        raise BodyError(reason="'atomicityGroup' is a string", target=f"{target}/atomicityGroup")
    depends = take("dependsOn") or ()
    if not isinstance(depends, list | tuple) or not all(isinstance(each, str) for each in depends):
        raise BodyError(reason="'dependsOn' is an array of ids", target=f"{target}/dependsOn")
    headers, body, problem = take("headers"), take("body"), None
    headers = {} if headers is None else headers
    if not isinstance(method, str) or not method.isalpha():
        problem, method = "'method' is one of get, post, patch, put, delete", ""
    elif not isinstance(url, str):
        problem, url = "'url' is a string", ""
    elif condition is not None and not isinstance(condition, str):
        problem, condition = "'if' is a string", None
    elif not isinstance(headers, dict) or not all(isinstance(each, str) for each in headers.values()):
        problem, headers = "'headers' is an object of strings", {}
    content = b""
    if headers:
        headers = {name.lower(): value for name, value in headers.items()}
    if body is not None and problem is None:
        headers.setdefault("content-type", "application/json")
        try:
            content = _json_body(body, headers["content-type"], text)
        except ValueError as error:
            problem = str(error)
    return Part(method.upper(), str(url), headers, content, id, group, tuple(depends), condition, problem)


def _json_body(value: Any, media_type: str, text: str) -> bytes:
    """The bytes of a body: JSON as it stands, text as a string, anything else as base64url."""
    media = media_type.partition(";")[0].strip().lower()
    if media.endswith("json"):
        return orjson.dumps(value) if isinstance(value, str) else text.encode("utf-8")
    if not isinstance(value, str):
        raise ValueError(f"A body of type {media[:60]} is a string")
    if media.startswith("text/"):
        return value.encode("utf-8")
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"A body of type {media[:60]} is base64url") from None


_value = json.JSONDecoder().raw_decode
_gap = re.compile(r"[ \t\n\r:,]*")


def _skip(text: str, at: int) -> int:
    """Where the next name, value or bracket of valid JSON is."""
    found = _gap.match(text, at)
    return found.end() if found else at


def _body_texts(text: str) -> list[str]:
    """The text of the member 'body' of each request of an envelope that is valid JSON."""
    found: list[str] = []
    at = _skip(text, _skip(text, 0) + 1)
    while text[at] != "}":
        name, at = _value(text, at)
        at = _skip(text, at)
        if name == "requests" and text[at] == "[":
            found, at = _bodies(text, at)
        else:
            at = _value(text, at)[1]
        at = _skip(text, at)
    return found


def _bodies(text: str, at: int) -> tuple[list[str], int]:
    """The bodies of an array of requests, and where it ends."""
    found: list[str] = []
    at = _skip(text, at + 1)
    while text[at] != "]":
        body = ""
        if text[at] != "{":
            at = _value(text, at)[1] - 1
        else:
            at = _skip(text, at + 1)
            while text[at] != "}":
                name, at = _value(text, at)
                start = _skip(text, at)
                at = _value(text, start)[1]
                if name == "body":
                    body = text[start:at]
                at = _skip(text, at)
        found.append(body)
        at = _skip(text, at + 1)
    return found, at + 1


# --- JSON, out -------------------------------------------------------------------------------------------

def write_json_batch(answers: Sequence[PartAnswer]) -> Iterator[bytes]:
    """Pieces of the JSON envelope of the answers (JSON Format §19.5)."""
    lead, ready = b'{"responses":[', list[dict[str, Any]]()
    for answer in answers:
        status, names, body, id, group = answer
        headers = {LOWER[name]: value for name, value in names.items()}
        entry: dict[str, Any] = {"id": id if id is not None else str(uuid.uuid4()), "status": status, "headers": headers}
        if group is not None:
            entry = {"id": entry["id"], "atomicityGroup": group, "status": status, "headers": headers}
        media = headers.get("content-type", "")
        if body.__class__ is bytes and (not body or media.startswith("application/json")):
            if body:
                entry["body"] = orjson.Fragment(body)
            ready.append(entry)
            continue
        if ready:
            yield lead + orjson.dumps(ready)[1:-1]
            lead, ready = b",", []
        yield lead + orjson.dumps(entry)[:-1] + b',"body":'
        yield from _json_pieces(body, media)
        yield b"}"
        lead = b","
    if ready or not answers:
        yield lead + orjson.dumps(ready)[1:-1]
    yield b"]}"


def _json_pieces(body: bytes | IO[bytes], media_type: str) -> Iterator[bytes]:
    """A body as JSON: itself, or a string of text, or of base64url."""
    media = media_type.partition(";")[0].strip().lower()
    if media.endswith("json"):
        yield from _pieces(body)
        return
    yield b'"'
    if media.startswith("text/") or media.endswith("xml"):
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        for piece in _pieces(body):
            yield orjson.dumps(decode(piece))[1:-1]
    else:
        for piece in _pieces(body):
            yield base64.urlsafe_b64encode(piece)
    yield b'"'

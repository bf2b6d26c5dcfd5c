"""Batches of OData 2.0: each part on its own, change sets as atomicity groups of a 4.0 batch.

A change set that fails is answered with one error in the place of its answers, and the status of the whole is 202.
"""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app.errors import BodyError, ODataError
from app.payload.batch import Group, Part, PartAnswer, boundary_of, read_multipart, write_multipart
from app.payload.syntax import read_json, write_json
from app.service.request import Request
from app.service.response import Response
from app.v2.urls import Address, address

if TYPE_CHECKING:
    from app.v2.face import Face

REFERENCE = re.compile(r"\$([A-Za-z0-9._~-]+)(?=/|$)")
SYSTEM = frozenset({"batch", "metadata"})


def answer(face: Face, request: Request) -> Response:
    """The answer to a batch. Raises BodyError for an envelope that cannot be read."""
    boundary = boundary_of(request.header("content-type") or "")
    if request.method != "POST" or boundary is None:
        raise BodyError("A batch is a POST of multipart/mixed with a boundary", code="invalidBatch")
    items = read_multipart(request.body.read() if request.body is not None else b"", boundary)
    answers = [_change_set(face, request, each) if isinstance(each, Group) else _single(face, request, each)
               for each in items]
    kind, body = write_multipart(answers)
    return Response(202, {"Content-Type": kind, "DataServiceVersion": "2.0"}, b"".join(body))


def _single(face: Face, outer: Request, part: Part) -> PartAnswer:
    response = face.handle(_request(face, outer, part))
    return PartAnswer(response.status, response.headers, response.read(), part.id)


def _request(face: Face, outer: Request, part: Part) -> Request:
    """The request of a part, below the service root."""
    path, _, query = _below(face, outer, part.url).partition("?")
    headers = {name: value for name, value in part.headers.items() if name != "authorization"}
    headers |= {name: value for name in ("authorization", "x-api-key") if (value := outer.header(name)) is not None}
    return replace(outer, method=part.method, path=f"{face.path}/{path}", query=query, headers=headers,
                   body=io.BytesIO(bytes(part.body)) if part.body else None)


def _below(face: Face, outer: Request, url: str) -> str:
    """The part of a URL below the face: absolute, from the host's root, or relative."""
    place = urlsplit(face.root(outer)).path
    url = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/]*", "", url.partition("#")[0])
    return url.removeprefix(place).lstrip("/")


def _change_set(face: Face, outer: Request, group: Group) -> PartAnswer | list[PartAnswer]:
    """The answers of a change set, or the error of the first request that failed."""
    seen, entries = face.view_of(outer), []
    known: dict[str, str] = {}
    try:
        if group.problem is not None:
            raise BodyError(group.problem, code="invalidPart")
        for index, part in enumerate(group.parts):
            if part.problem is not None:
                raise BodyError(part.problem, code="invalidPart")
            id = part.id or f"part{index}"
            request = replace(_request(face, outer, part), path=_below(face, outer, part.url).partition("?")[0])
            found = _address(face, outer, request, known)
            known[id] = request.path
            inner = face.inner(request, seen, found, _meant(part))
            entries.append((id, request, found, _entry(id, inner)))
    except ODataError as error:
        response = face.refused(face.service.failed(error, outer))
        return PartAnswer(response.status, response.headers, response.read())
    if not entries:
        return []
    body = write_json({"requests": [entry for _, _, _, entry in entries]})
    headers = {name: value for name, value in outer.headers.items() if name in ("authorization", "x-api-key")}
    response = face.service.handle(replace(
        outer, path="$batch", query="", body=io.BytesIO(body),
        headers={**headers, "content-type": "application/json", "accept": "application/json"}))
    if response.status >= 400:
        response = face.refused(response)
        return PartAnswer(response.status, response.headers, response.read())
    return _answers(face, outer, entries, response)


def _meant(part: Part) -> str:
    method = part.headers.get("x-http-method", part.method).upper() if part.method == "POST" else part.method
    return "PATCH" if method == "MERGE" else method


def _address(face: Face, outer: Request, request: Request, known: dict[str, str]) -> Address:
    """The 4.0 address of a part; a reference to an earlier one stays as it is, its type is that of what it made."""
    seen, match = face.view_of(outer), REFERENCE.match(request.path)
    if match is None or match[1] in SYSTEM:
        return address(seen, request.path, request.query)
    made = known.get(match[1])
    if made is None:
        raise BodyError(f"'{match[0]}' names no request of this change set", code="unknownReference")
    found = address(seen, made + request.path[match.end():], request.query)
    return replace(found, path=match[0] + found.path[len(address(seen, made, "").path):])


def _entry(id: str, inner: Request) -> dict[str, Any]:
    """A request of a JSON batch."""
    headers = {name: value for name, value in inner.headers.items() if name not in ("authorization", "x-api-key")}
    entry: dict[str, Any] = {"id": id, "atomicityGroup": "set", "method": inner.method, "headers": headers,
                             "url": inner.path + (f"?{inner.query}" if inner.query else "")}
    if inner.body is not None:
        entry["body"] = read_json(inner.body.read())
    return entry


def _answers(face: Face, outer: Request, entries: list[Any], response: Response) -> PartAnswer | list[PartAnswer]:
    seen, found = face.view_of(outer), read_json(response.read())["responses"]
    failures = [each for each in found if int(each["status"]) >= 400]
    by_id = {each["id"]: each for each in failures or found}
    first = next((each["id"] for each in failures if int(each["status"]) != 424), None)
    answers = []
    for id, request, place, _ in entries:
        if first in (None, id):
            shown = face.outer(request, seen, place, _response(by_id[id]))
            answers.append(PartAnswer(shown.status, shown.headers, shown.read(), id))
    return answers[0] if failures else answers


def _response(entry: dict[str, Any]) -> Response:
    """A response of a JSON batch as one that came alone."""
    names = {"etag": "ETag"}
    headers = {names.get(name, name.title()): value for name, value in entry.get("headers", {}).items()}
    body = entry.get("body")
    return Response(int(entry["status"]), headers, b"" if body is None else write_json(body))

"""`$batch`: parts run in-process through `Service.handle`, groups in one transaction (Protocol §11.7, JSON Format §19).

Multipart stops at the first failure unless `continue-on-error`; a JSON batch goes on with what does not depend on it
unless `continue-on-error=false`. References `$id` stand for the entity that an earlier request created or returned.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from app.errors import BodyError, FailedDependency, MethodNotAllowed, NotAcceptable, ODataError, UnsupportedMediaType
from app.payload import batch as form
from app.payload.batch import Group, Item, Part, PartAnswer
from app.payload.reader import read_json
from app.service.call import Call
from app.service.request import Request
from app.service.response import Response
from app.url.headers import parse_media_type

INHERITED = ("accept", "accept-charset", "accept-language", "odata-version", "odata-maxversion", "authorization",
             "client-request-id")
NOT_IN_PARTS = ("expect", "from", "max-forwards", "range", "te")
SYSTEM_IDS = frozenset({"metadata", "batch", "crossjoin", "all", "entity", "root", "id"})
REFERENCE = re.compile(r"^/?\$([A-Za-z0-9\-._~]+)(?=/|$|\?)")


class _Failed(Exception):
    """Rolls back a group; carries the answer of the request that failed."""

    def __init__(self, answer: PartAnswer) -> None:
        self.answer = answer


def batch(call: Call) -> Response:
    """The answer to POST `$batch`."""
    request = call.request
    if request.method != "POST":
        raise MethodNotAllowed(method=request.method, resource="$batch", allow=("POST",))
    for name in ("if-match", "if-none-match"):
        if request.header(name) is not None:
            raise BodyError(f"{name} does not apply to a batch, only to its parts", target=name)
    content_type = request.header("content-type") or ""
    media = parse_media_type(content_type)
    data = request.body.read() if request.body is not None else b""
    if media is not None and media.type == "multipart":
        boundary = form.boundary_of(content_type)
        if boundary is None:
            raise BodyError(reason="the Content-Type of a batch names no boundary", target="Content-Type")
        items, multipart = form.read_multipart(data, boundary), True
    elif media is not None and (media.type, media.subtype) == ("application", "json"):
        items, multipart = form.read_json_batch(read_json(data)), False
    else:
        raise UnsupportedMediaType(name=content_type[:60], target="Content-Type")
    preference = call.wishes.preferences.get("continue-on-error")
    goes_on = not multipart if preference is None else str(preference).lower() != "false"
    answers = _Run(call, goes_on, multipart).run(items)
    return _answer(call, answers, multipart)


def _answer(call: Call, answers: list[PartAnswer | tuple[PartAnswer, ...]], multipart: bool) -> Response:
    """The envelope that the client accepts; its own form when it does not say (Protocol §11.7.1)."""
    as_multipart = multipart
    for each in call.wishes.ranges:
        if (each.type, each.subtype) == ("multipart", "mixed") or each.type == "multipart":
            as_multipart = True
            break
        if (each.type, each.subtype) == ("application", "json"):
            as_multipart = False
            break
        if each.type == "*":
            break
    else:
        if call.wishes.ranges and not any(each.type == "application" for each in call.wishes.ranges):
            raise NotAcceptable(reason="a batch answers multipart/mixed or application/json")
    headers = {}
    if "continue-on-error" in call.wishes.preferences:
        headers["Preference-Applied"] = call.wishes.spelled["continue-on-error"]
    if as_multipart:
        media, body = form.write_multipart(answers)
        return Response(200, {**headers, "Content-Type": media}, body)
    flat: list[PartAnswer] = []
    for number, answer in enumerate(answers):
        if isinstance(answer, tuple):
            flat.extend(replace(each, group=each.group or f"group{number}") for each in answer)
        else:
            flat.append(answer)
    return Response(200, {**headers, "Content-Type": "application/json"}, form.write_json_batch(flat))


class _Run:
    """One batch on its way."""

    def __init__(self, call: Call, goes_on: bool, multipart: bool) -> None:
        self.call, self.goes_on, self.multipart = call, goes_on, multipart
        self.root = call.request.root
        self.known: dict[str, str] = {}               # id → entity URL below the root
        self.succeeded: dict[str, bool] = {}          # id of a request or group → whether it did
        self.etags: dict[str, str] = {}
        self.ids: set[str] = set()

    def run(self, items: tuple[Item, ...]) -> list[PartAnswer | tuple[PartAnswer, ...]]:
        answers: list[PartAnswer | tuple[PartAnswer, ...]] = []
        for item in items:
            if isinstance(item, Group):
                answer, failed = self.group(item)
            else:
                one = self.part(item)
                answer, failed = one, one.status >= 400
                self.note(item.id, not failed)
            answers.append(answer)
            if failed and not self.goes_on:
                break
        return answers

    def note(self, id: str | None, fine: bool) -> None:
        if id is not None:
            self.succeeded[id] = fine

    def group(self, group: Group) -> tuple[PartAnswer | tuple[PartAnswer, ...], bool]:
        """A change set or atomicity group: all or nothing."""
        broken = next((name for name in group.depends_on if not self.succeeded.get(name, True)), None)
        if broken is not None:
            answers = tuple(self.error(FailedDependency(name=broken), part) for part in group.parts)
            self.fail(group)
            return answers, True
        done: list[PartAnswer] = []
        try:
            with self.call.store.write():
                for part in group.parts:
                    if part.method in ("GET", "HEAD") and self.multipart:
                        raise _Failed(self.error(BodyError("A change set holds no reads"), part))
                    answer = self.part(part)
                    if answer.status >= 400:
                        raise _Failed(answer)
                    self.note(part.id, True)
                    done.append(answer)
        except _Failed as failed:
            self.fail(group)
            if self.multipart:
                return failed.answer, True
            others = FailedDependency(name=failed.answer.id or "")
            return tuple(failed.answer if part.id == failed.answer.id else self.error(others, part)
                         for part in group.parts), True
        self.note(group.id, True)
        return tuple(done), False

    def fail(self, group: Group) -> None:
        for part in group.parts:
            self.note(part.id, False)
            if part.id is not None:
                self.known.pop(part.id, None)
        self.note(group.id, False)

    def part(self, part: Part) -> PartAnswer:
        """One request, as if it had come alone."""
        try:
            request = self.request(part)
        except ODataError as error:
            return self.error(error, part)
        response = self.call.service.handle(request)
        body = response.read() if request.method != "HEAD" else b""
        self.remember(part, request, response)
        return PartAnswer(response.status, response.headers, body, part.id, part.group)

    def remember(self, part: Part, request: Request, response: Response) -> None:
        if part.id is None or response.status >= 400:
            return
        place = response.headers.get("OData-EntityId") or response.headers.get("Location")
        self.known[part.id] = place.removeprefix(self.root) if place else request.path
        if "ETag" in response.headers:
            self.etags[part.id] = response.headers["ETag"]

    def request(self, part: Part) -> Request:
        if part.problem is not None:
            raise BodyError(part.problem, code="invalidPart")
        if part.id is not None:
            if part.id in self.ids:
                raise BodyError(f"The id '{part.id}' is used twice in this batch", code="duplicateId")
            self.ids.add(part.id)
        broken = next((name for name in part.depends_on if not self.succeeded.get(name, True)), None)
        if broken is not None:
            raise FailedDependency(name=broken)
        if part.condition is not None:
            raise FailedDependency("Conditions ('if') on requests of a batch are not supported", target="if")
        for name in NOT_IN_PARTS:
            if name in part.headers:
                raise BodyError(f"The header '{name}' is not allowed in a part of a batch", code="invalidPart")
        path, query = self.target(part.url)
        if path.rstrip("/").lower() == "$batch":
            raise BodyError("A batch cannot stand inside a batch", code="nestedBatch")
        headers = self.headers(part.headers)
        body = self.resolve(part.body, headers)
        if body:
            headers["content-length"] = str(len(body))
        return Request(part.method, path, query, headers, io.BytesIO(body) if body else None, self.root)

    def headers(self, own: Mapping[str, str]) -> dict[str, str]:
        outer = self.call.request.headers
        headers = {name: outer[name] for name in INHERITED if name in outer}
        if "multipart" in headers.get("accept", ""):
            del headers["accept"]
        kept = [each for each in (outer.get("prefer") or "").split(",")
                if each.strip().lower().removeprefix("odata.").startswith(("include-annotations", "allow-entityreferences"))]
        if kept:
            headers["prefer"] = ",".join(kept)
        headers.update(own)
        if "authorization" in own and "authorization" in outer:
            headers["authorization"] = outer["authorization"]
        for name in ("if-match", "if-none-match"):
            value = headers.get(name, "")
            if value.startswith("$") and value[1:] in self.etags:
                headers[name] = self.etags[value[1:]]
        headers.pop("content-length", None)
        return headers

    def target(self, url: str) -> tuple[str, str]:
        """(path below the root, query) of a part's URL in any of its forms, references resolved."""
        match = REFERENCE.match(url)
        if match and match[1] not in SYSTEM_IDS:
            known = self.known.get(match[1])
            if known is None:
                raise BodyError(f"'${match[1]}' names no request of this batch that returned an entity", code="unknownReference")
            url = known + url[match.end():]
        path, _, query = url.partition("?")
        root = urlsplit(self.root)
        if "://" in path.partition("/")[0] + path[:12] and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", path):
            absolute = urlsplit(path)
            if absolute.netloc.lower() != root.netloc.lower() and not absolute.path.startswith(root.path):
                raise BodyError(f"The URL '{url[:200]}' is not part of this service", code="foreignUrl")
            path = absolute.path
            return path.removeprefix(root.path).lstrip("/") if path.startswith(root.path) else path.lstrip("/"), query
        if path.startswith("/"):
            path = path.removeprefix(root.path) if root.path != "/" and path.startswith(root.path) else path[1:]
        return path.lstrip("/"), query

    def resolve(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The body with `$id` references in entity ids replaced (Protocol §11.7.7.2)."""
        if not body or b"$" not in body or not self.known or "json" not in headers.get("content-type", "json"):
            return body
        for id in sorted(self.known, key=len, reverse=True):
            if id in SYSTEM_IDS:
                continue
            pattern = re.compile(rb'"/?\$' + re.escape(id.encode()) + rb'((?:/[^"\\]*)?)"')
            place = json.dumps(self.root + self.known[id])[1:-1].encode()
            body = re.sub(rb'("(?:[^"\\]*@(?:odata\.)?(?:bind|id))"\s*:\s*)(\[[^\]]*\]|"[^"\\]*")',
                          lambda found: found[1] + pattern.sub(
                              lambda inner: b'"' + place + inner[1] + b'"', found[2]), body)
        return body

    def error(self, error: ODataError, part: Part) -> PartAnswer:
        response = self.call.service.failed(error, self.call.request, self.call.wishes.version)
        return PartAnswer(response.status, response.headers, response.read(), part.id, part.group)

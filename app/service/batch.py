"""`$batch`: parts run in-process by `Service.respond`, groups in one transaction (Protocol §11.7, JSON Format §19).

Multipart stops at the first failure unless `continue-on-error`; a JSON batch goes on with what does not depend on it
unless `continue-on-error=false`. References `$id` stand for the entity that an earlier request created or returned.
"""

from __future__ import annotations

import contextlib
import mmap
import tempfile
from typing import IO, Any, cast

from app.edm import vocabularies
from app.errors import (BodyError, FailedDependency, MethodNotAllowed, NotAcceptable, ODataError, PayloadTooLarge,
                        UnsupportedMediaType)
from app.payload import batch as form
from app.payload.batch import NO_HEADERS, Group, Item, Part, PartAnswer
from app.service import bodies, isolation, jobs
from app.service.call import Call
from app.service.parts import Done, Requests
from app.service.request import Request
from app.service.response import Response
from app.service.rewrites import tunnelled
from app.service.together import Asked, asked, entities
from app.store.database import Retry

READS = ("GET", "HEAD")
SPOOL = 1 << 20
CHUNK = 1 << 18

_make = tuple.__new__       # of a named tuple with all its fields: half the time of its own

Answers = list[PartAnswer | list[PartAnswer]]


class _Failed(Exception):
    """Rolls back a group; carries the answer of the request that failed."""

    def __init__(self, answer: PartAnswer) -> None:
        self.answer = answer


def probe(call: Call) -> Response:
    """The answer to HEAD, by which clients look for a token before they send a batch; GET is refused."""
    if call.request.method != "HEAD":
        raise MethodNotAllowed(method=call.request.method, resource="$batch", allow=("POST", "HEAD"))
    return Response(200, {"Allow": "POST, HEAD"})


def batch(call: Call) -> Response:
    """The answer to POST `$batch`."""
    request = tunnelled(call.request)
    if request.method != "POST":
        raise MethodNotAllowed(method=request.method, resource="$batch", allow=("POST", "HEAD"))
    for name in ("if-match", "if-none-match"):
        if request.header(name) is not None:
            raise BodyError(f"{name} does not apply to a batch, only to its parts", target=name)
    kind = bodies.content_type(call)
    support = vocabularies.batch_support(call.model)
    formats = support.get("SupportedFormats") if support is not None else None
    if formats and kind is not None and f"{kind.type}/{kind.subtype}" not in {each.partition(";")[0] for each in formats}:
        raise UnsupportedMediaType(f"A batch is one of {', '.join(formats)} here", target="Content-Type")
    if kind is not None and kind.type == "multipart":
        boundary = form.boundary_of(request.header("content-type") or "")
        if boundary is None:
            raise BodyError(reason="the Content-Type of a batch names no boundary", target="Content-Type")
        items, multipart = form.read_multipart(_content(call), boundary), True
    elif kind is not None and (kind.type, kind.subtype) == ("application", "json"):
        items, multipart = form.read_json_batch(bodies.raw_body(call), kind.get("charset")), False
    else:
        raise UnsupportedMediaType(name=(request.header("content-type") or "")[:60], target="Content-Type")
    as_multipart = _answers_multipart(call, multipart)
    goes_on = support is None or bool(support.get("ContinueOnErrorSupported"))
    preference = call.wishes.preferences.get("continue-on-error") if goes_on else None
    goes_on = not multipart if preference is None else str(preference).lower() != "false"
    response = _envelope(
        isolation.batch(call, items, lambda items: _Run(
            call, multipart, goes_on, not (multipart or as_multipart)).run(items)), multipart, as_multipart)
    if preference is not None:
        spelled = call.wishes.spelled["continue-on-error"]
        response.headers["Preference-Applied"] = spelled if preference is True else f"{spelled}={preference}"
    return response


def _content(call: Call) -> form.Data:
    """The body, in memory when it is small, else as a mapped file. Raises PayloadTooLarge."""
    body, allowed = call.request.body, call.service.settings.max_body
    head = body.read(min(SPOOL, allowed) + 1) if body is not None else b""
    if len(head) > allowed:
        raise PayloadTooLarge(allowed=allowed)
    if len(head) <= SPOOL or body is None:
        return head
    with tempfile.TemporaryFile() as file:
        while head:
            file.write(head)
            if file.tell() > allowed:
                raise PayloadTooLarge(allowed=allowed)
            head = body.read(CHUNK)
        file.flush()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


# --- the answer ------------------------------------------------------------------------------------------

def _answers_multipart(call: Call, multipart: bool) -> bool:
    """Whether the answer is multipart: the form of the request where the client takes it at all (Protocol §11.7.1).

    A multipart batch is answered in JSON only to clients that say that they know OData 4.01, which brought it: those
    of 4.0 send `Accept: application/json` for the parts.
    """
    ranges = [each for each in call.wishes.ranges if each.q > 0]

    def taken(type: str, subtype: str) -> bool:
        return not call.wishes.ranges or any(
            each.type in (type, "*") and each.subtype in (subtype, "*") for each in ranges)

    json, mixed = taken("application", "json"), taken("multipart", "mixed")
    if not json and not mixed:
        raise NotAcceptable(reason="a batch answers multipart/mixed or application/json")
    if not multipart:
        return not json
    return mixed or call.wishes.version == "4.0" and not call.service.settings.strict


def _envelope(answers: Answers, multipart: bool, as_multipart: bool) -> Response:
    """The response with all answers, streamed where one of them is in a file."""
    flat: list[PartAnswer] = []
    for number, answer in enumerate(answers):
        if isinstance(answer, PartAnswer):
            flat.append(answer)
        else:
            flat += [each if each.group else each._replace(group=f"group{number}") for each in answer]
    if as_multipart:
        media, pieces = form.write_multipart(answers if multipart else list(flat))
    else:
        media, pieces = "application/json", form.write_json_batch(flat)
    headers = {"Content-Type": media}
    files = [each.body for each in flat if not isinstance(each.body, bytes)]
    if not files:
        return Response(200, headers, b"".join(pieces))

    def close() -> None:
        for file in files:
            file.close()
    return Response(200, headers, pieces, close)


def _kept(response: Response, wanted: bool) -> bytes | IO[bytes]:
    """The body of a part; a streamed one in a file, so that it gives its connection back."""
    if isinstance(response.body, bytes):
        return response.body if wanted else b""
    spool = tempfile.SpooledTemporaryFile(SPOOL)
    try:
        for chunk in response.body if wanted else ():
            spool.write(chunk)
    except BaseException:
        spool.close()
        raise
    finally:
        response.discard()
    if spool.tell() > SPOOL:
        return cast("IO[bytes]", spool)
    with spool:
        spool.seek(0)
        return spool.read()


# --- carrying it out -------------------------------------------------------------------------------------

class _Run:
    """One batch on its way."""

    def __init__(self, call: Call, multipart: bool, goes_on: bool, in_json: bool) -> None:
        self.call, self.multipart, self.goes_on, self.in_json = call, multipart, goes_on, in_json
        self.needed: frozenset[str] = frozenset()
        self.done = Done(call, support=vocabularies.batch_support(call.model))
        self.groups = 0
        self.requests = requests = Requests(call.request, self.done)
        self.around = call.service.surroundings(requests.root, requests.inherited, call.policy)
        self.known = call.service.asked_by_key(self.around)

    def run(self, items: tuple[Item, ...]) -> Answers:
        """The answers in order, up to the one that ends the batch."""
        answers: Answers = []
        at = 0
        parts = [part for item in items for part in (item.parts if isinstance(item, Group) else (item,))]
        self.needed = frozenset(name for part in parts for name in part.depends_on)
        while at < len(items):
            item = items[at]
            if isinstance(item, Group):
                answer, failed = self.group(item)
                answers.append(answer)
                at += 1
            else:
                reads = self.reads(items, at)
                ones = self.together(reads) if len(reads) > 1 else [self.part(item)]
                answers += ones
                failed = ones[-1].status >= 400
                at += len(ones)
            if failed and not self.goes_on:
                break
        return answers

    # --- reads -------------------------------------------------------------------------------------------

    def reads(self, items: tuple[Item, ...], start: int) -> list[tuple[Part, Asked | None]]:
        """The requests from `start` on that read and have nothing to do with each other or with those before; with what is
        known of them."""
        found: list[tuple[Part, Asked | None]] = []
        ids: set[str | None] = set()
        answers, known, plain = self.done.answers, self.known.get, self.requests.plain
        for item in items[start:] if start else items:
            if isinstance(item, Group) or item.id in answers or item.id in ids:
                break
            hit = known(item.url) if item.headers is NO_HEADERS and item.method == "GET" or item.bare else None
            if hit is None and not plain(item):
                break
            found.append((item, hit))
            if item.id is not None:
                ids.add(item.id)
        return found

    def together(self, parts: list[tuple[Part, Asked | None]]) -> list[PartAnswer]:
        """The answers to such requests, up to the one that ends the batch; entities of one shape by one statement."""
        shapes: dict[Any, list[tuple[int, Asked]]] = {}
        for index, (part, hit) in enumerate(parts):
            hit = hit or self.look(part)
            if hit is not None:
                shapes.setdefault(hit.handler, []).append((index, hit))
        found: list[tuple[dict[str, str], bytes] | None] = [None] * len(parts)
        for handler, of_shape in shapes.items():
            if len(of_shape) > 1:
                with contextlib.suppress(ODataError):       # whose fault it was, the single requests tell
                    ready = entities(handler, [each for _, each in of_shape], self.call.principal)
                    for (index, _), made in zip(of_shape, ready, strict=True):
                        found[index] = made
        answers: list[PartAnswer] = []
        noted = self.done.answers
        for (part, _), made in zip(parts, found, strict=True):
            if made is None:
                answers.append(self.part(part))
                if answers[-1].status >= 400 and not self.goes_on:
                    break
            else:
                id = part.id
                answers.append(answer := _make(PartAnswer, (200, *made, id, None)))
                if id is not None:
                    noted[id] = part.url, answer        # `reads` saw to it that no other has this id
        return answers

    def look(self, part: Part) -> Asked | None:
        """What is known of a request that was answered before."""
        service, requests = self.call.service, self.requests
        path, _, query = part.url.partition("?")
        around = self.around if not part.headers else service.surroundings(
            requests.root, requests.headers(part.headers), self.call.policy)
        hit = service.known(path, query, around)
        found = None if hit is None else asked(*hit)
        if found is not None and part.bare:
            self.known.put(part.url, found)
        return found

    # --- groups ------------------------------------------------------------------------------------------

    def group(self, group: Group) -> tuple[PartAnswer | list[PartAnswer], bool]:
        """(answers, whether it failed) of a change set or atomicity group: all or nothing."""
        before = self.done.answers
        self.groups += 1
        self.done.group = self.groups
        try:
            return self._group(group, before)
        finally:
            self.done.group = 0

    def _group(self, group: Group, before: dict[str, tuple[str, PartAnswer]]) -> tuple[PartAnswer | list[PartAnswer], bool]:
        def attempt() -> list[PartAnswer]:
            self.done.answers = dict(before)
            answers = []
            for part in group.parts:
                if part.method in READS and self.multipart:
                    raise _Failed(self.error(BodyError("A change set holds no reads", code="invalidPart"), part))
                answers.append(self.part(part))
                if answers[-1].status >= 400:
                    raise _Failed(answers[-1])
            return answers

        try:
            self.admit(group)
            answers = self.call.store.transact(attempt) if group.parts else []
        except _Failed as failed:
            answer = failed.answer
        except ODataError as error:                     # at the end of the transaction
            if isinstance(error, Retry) and self.call.store.in_transaction:
                raise
            answer = self.error(error, group.parts[0])
        else:
            if group.id is not None:
                self.done.groups[group.id] = True
            return answers, False
        self.done.answers = before
        return self.failed(group, answer), True

    def admit(self, group: Group) -> None:
        """Raises _Failed where one of the group may not be carried out: then nothing of it is."""
        if group.problem is not None:
            raise _Failed(self.error(BodyError(group.problem, code="invalidPart"), Part("", "", {}, id=group.id)))
        if self.multipart and self.call.service.settings.strict and any(part.id is None for part in group.parts):
            nameless = BodyError("Each request of a change set has a Content-ID", code="invalidPart")
            raise _Failed(self.error(nameless, group.parts[0]))
        members = {part.id for part in group.parts}
        for part in group.parts:
            outside = tuple(name for name in part.depends_on if name not in members)
            try:
                self.done.check(part._replace(depends_on=outside))
            except ODataError as error:
                raise _Failed(self.error(error, part)) from None

    def failed(self, group: Group, answer: PartAnswer) -> PartAnswer | list[PartAnswer]:
        """The answers of a group of which nothing was done (Protocol §11.7.7.5, JSON Format §19.5)."""
        for part in group.parts:
            self.done.note(part, answer)
        if group.id is not None:
            self.done.groups[group.id] = False
        if self.multipart:
            return answer
        why = FailedDependency(name=answer.id or "") if answer.status != 424 else FailedDependency(
            "The atomicity group was not carried out")
        return [answer if part.id == answer.id else self.error(why, part) for part in group.parts]

    # --- requests ----------------------------------------------------------------------------------------

    def part(self, part: Part) -> PartAnswer:
        """The answer to one request, as if it had come alone; Retry where the transaction around it has to begin
        again."""
        call, done = self.call, self.done
        try:
            if part.id in done.answers or part.depends_on or part.condition or part.problem:
                done.check(part)
            if self.waits(part):
                request = self.requests.request(part, True)
                response = jobs.submit(call.service, request, call.principal)
            else:
                request = self.requests.request(part)
                response = call.service.respond(request, call.principal, call.policy)
            body = _kept(response, part.method != "HEAD")
        except Exception as error:
            if isinstance(error, Retry) and call.store.in_transaction:
                raise
            return done.note(part, self.error(error, part))
        response.headers.pop("Vary", None)
        return done.note(part, PartAnswer(response.status, response.headers, body, part.id, part.group), request.path)

    def waits(self, part: Part) -> bool:
        """Whether a request may be answered later: one that asks for that, in no group, that nothing depends on and that
        depends on nothing, where the answer is JSON (JSON Format §19.6)."""
        prefer = part.headers.get("prefer", "")
        return ("respond-async" in prefer and self.in_json and not self.call.store.in_transaction and part.group is None
                and not part.depends_on and part.condition is None and part.id not in self.needed and jobs.wanted(prefer)
                and vocabularies.supported(self.call.model, "AsynchronousRequestsSupported"))

    def error(self, error: Exception, part: Part) -> PartAnswer:
        """The answer of what went wrong with a part."""
        headers = {**self.requests.inherited, **part.headers}
        response = self.call.service.failed(error, Request(part.method, "", "", headers, None, self.requests.root))
        del response.headers["Vary"]
        body = b"" if part.method == "HEAD" else response.read()
        return PartAnswer(response.status, response.headers, body, part.id, part.group)

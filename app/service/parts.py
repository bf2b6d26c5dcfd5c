"""Parts of a batch as requests: what is known of those before, their URLs in every form, the headers that they inherit.

`Done` keeps the answers by request id and tells what references stand for; `Requests` makes the requests. Protocol
§11.7.3 to §11.7.7.1; JSON Format §19.1.
"""

from __future__ import annotations

import io
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from app.errors import BodyError, FailedDependency, NotImplementedByService, ODataError
from app.payload.batch import Part, PartAnswer
from app.service import referenced
from app.service.call import Call
from app.service.codings import decoded
from app.service.request import Request
from app.service.rewrites import host
from app.url.headers import parse_preferences

INHERITED = ("accept-charset", "accept-language", "odata-version", "odata-maxversion", "odata-isolation", "isolation",
             "client-request-id")
INHERITED_PREFERENCES = ("include-annotations", "allow-entityreferences")
NOT_IN_PARTS = ("expect", "from", "max-forwards", "range", "te")
CREDENTIALS = ("authorization", "proxy-authorization")      # of parts, which are not looked at
ASYNCHRONOUS = ("respond-async", "wait")
SYSTEM_IDS = frozenset({"metadata", "batch", "crossjoin", "all", "entity", "root", "id", "it", "this"})
REFERENCE = re.compile(r"/?\$([A-Za-z0-9\-._~]+)(?=/|$|\?)")
PLAIN_URL = re.compile(r"(?![A-Za-z][A-Za-z0-9+.-]*:/)[A-Za-z][\w%()'=,;:/.*-]*(\?[!\"$-~]*)?", re.ASCII)
PLAIN_HEADERS = frozenset({"accept", "accept-charset", "accept-language", "content-type", "odata-version",
                           "odata-maxversion"})
VALUE = re.compile(r"[^&](?:\$|%24)")       # in a value, where the name of an option is not
PRINTABLE = string.ascii_letters + string.digits + string.punctuation


# --- what is done ----------------------------------------------------------------------------------------

@dataclass(slots=True)
class Done:
    """The answers so far. `answers`: request id → URL that the request was about ('' for POST), answer; `groups`: id of
    a group → whether it succeeded."""

    call: Call
    answers: dict[str, tuple[str, PartAnswer]] = field(default_factory=dict)
    groups: dict[str, bool] = field(default_factory=dict)
    support: Mapping[str, Any] | None = None            # BatchSupport; None: everything is offered
    members: dict[str, int] = field(default_factory=dict)   # request id → the change set that it was in
    group: int = 0                                      # the change set under way; 0: none

    def note(self, part: Part, answer: PartAnswer, path: str = "") -> PartAnswer:
        """The answer, kept under the id of its request unless another one has that."""
        if part.id is not None:
            self.members.setdefault(part.id, self.group)
            self.answers.setdefault(part.id, ("" if part.method == "POST" else path, answer))
        return answer

    def require(self, flag: str, what: str) -> None:
        """Raises NotImplementedByService for what BatchSupport says that there is not."""
        if self.support is not None and not self.support.get(flag):
            raise NotImplementedByService(feature=what)

    def across(self, id: str) -> None:
        """The same for a reference to a request that is not in the change set under way."""
        if id in self.answers and self.members.get(id, 0) != self.group:
            self.require("ReferencesAcrossChangeSetsSupported", "A reference across change sets")

    def in_body(self, id: str) -> str | None:
        """What a reference in a body stands for."""
        if id in self.answers:
            self.require("ReferencesInRequestBodiesSupported", "A reference in a body")
        return self.place(id)

    def check(self, part: Part) -> None:
        """Raises what keeps a request from being carried out."""
        if part.problem is not None:
            raise BodyError(part.problem, code="invalidPart")
        if part.id in self.answers:
            raise BodyError(f"The id '{part.id}' is used twice in this batch", code="duplicateId")
        if part.condition is not None:
            self.require("RequestDependencyConditionsSupported", "A condition ('if') of a request")
            if not referenced.holds(self.call, part.condition, self.known()):
                raise FailedDependency("The condition of the request does not hold", target="if")
            return
        for name in part.depends_on:
            if name in self.answers and not self.answers[name][1].succeeded or not self.groups.get(name, True):
                raise FailedDependency(name=name)

    def known(self) -> dict[str, PartAnswer]:
        """The answers by request id."""
        return {id: answer for id, (_, answer) in self.answers.items()}

    def place(self, id: str) -> str | None:
        """The path of the entity that `$id` stands for: the one that a request created, else the one that it was about
        (Protocol §11.7.4)."""
        self.across(id)
        path, answer = self.answers.get(id, ("", None))
        if answer is None or not answer.succeeded or id.lower() in SYSTEM_IDS:
            return None
        made = answer.headers.get("OData-EntityId") or answer.headers.get("Location")
        if made is None:
            return path.partition("?")[0].rstrip("/") or None
        found = made.removeprefix(self.call.request.root)
        return None if found.startswith("-/") else found        # the monitor of a request that is answered later

    def tag(self, id: str) -> str | None:
        """The ETag that a request returned (Protocol §11.7.5)."""
        if id in self.answers:
            self.require("EtagReferencesSupported", "A reference to an ETag")
            self.across(id)
        return self.answers[id][1].headers.get("ETag") if id in self.answers else None

    def unknown(self, id: str, what: str) -> ODataError:
        """The error of a reference that leads nowhere."""
        if id in self.answers and not self.answers[id][1].succeeded:
            return FailedDependency(name=id)
        return BodyError(f"'${id[:60]}' names no request of this batch that returned {what}",
                         code="unknownReference")


# --- requests --------------------------------------------------------------------------------------------

class Requests:
    """Makes the requests of the parts of one batch, `outer` being the request of the batch."""

    def __init__(self, outer: Request, done: Done) -> None:
        self.outer, self.done, self.root = outer, done, outer.root
        place = urlsplit(self.root)
        self.host, self.root_path = host(place.netloc, place.scheme), place.path
        self.inherited = self._inherited()
        settings = done.call.service.settings
        self.strict, self.limit = settings.strict, settings.max_body

    def request(self, part: Part, later: bool = False) -> Request:
        """The request that a part stands for; `later`: it may say that it can wait. Raises BodyError, FailedDependency for a
        reference."""
        url, done = part.url, self.done
        path, _, query = url.partition("?") if PLAIN_URL.fullmatch(url) else self.target(url)
        if done.answers and VALUE.search(query):
            query = referenced.in_query(query, done.known(), done.call.model)
        if path.startswith(("$", "%")) and unquote(path).rstrip("/").lower() == "$batch":
            raise BodyError("A batch cannot stand inside a batch", code="nestedBatch")
        headers: Mapping[str, str] = self.headers(part.headers, later) if part.headers else self.inherited
        if not part.body:
            return Request(part.method, path, query, headers, None, self.root, done.in_body, self.outer.plain)
        body: Any = io.BytesIO(part.body) if isinstance(part.body, bytes) else io.BufferedReader(Window(part.body))
        if "content-encoding" in part.headers:
            body = decoded(body, part.headers["content-encoding"], self.limit)
        return Request(part.method, path, query, headers, body, self.root, done.in_body, self.outer.plain)

    def plain(self, part: Part) -> bool:
        """Whether a part reads and says nothing that makes it depend on others."""
        return (part.method == "GET" and not (part.problem or part.depends_on or part.condition)
                and PLAIN_URL.fullmatch(part.url) is not None
                and (not part.headers or part.headers.keys() <= PLAIN_HEADERS))

    # --- headers -----------------------------------------------------------------------------------------

    def _inherited(self) -> dict[str, str]:
        """The headers of the batch that hold for parts without their own (Protocol §11.7, §8)."""
        outer = self.outer.headers
        found = {name: outer[name] for name in INHERITED if name in outer}
        accept = [each.strip() for each in outer.get("accept", "").split(",")]
        accept = [each for each in accept if each and not each.lower().startswith("multipart/")]
        if accept:
            found["accept"] = ",".join(accept)
        general = [each for each in outer.get("prefer", "").split(",") if _preference(each) in INHERITED_PREFERENCES]
        if general:
            found["prefer"] = ",".join(general)
        return found

    def headers(self, own: Mapping[str, str], later: bool = False) -> dict[str, str]:
        """The headers of a part with what it inherits; who asks is said by the batch alone (Protocol §11.7.7.1)."""
        for name in NOT_IN_PARTS + (CREDENTIALS if self.strict else ()):
            if name in own:
                raise BodyError(f"The header '{name}' is not allowed in a part of a batch", code="invalidPart")
        headers = {**self.inherited, **own}
        for name in ("content-length", "content-encoding", *CREDENTIALS):
            headers.pop(name, None)
        if "prefer" in own:
            given = {_preference(each) for each in own["prefer"].split(",")}
            wanted = [each for each in own["prefer"].split(",") if later or _preference(each) not in ASYNCHRONOUS]
            general = [each for each in self.inherited.get("prefer", "").split(",") if _preference(each) not in given]
            headers["prefer"] = ",".join(filter(None, general + wanted))
        for name in ("if-match", "if-none-match"):
            value = own.get(name, "").strip()
            if value.startswith("$"):
                tag = self.done.tag(value[1:])
                if tag is None:
                    raise self.done.unknown(value[1:], "an ETag").with_target(name)
                headers[name] = tag
        return headers

    # --- URLs --------------------------------------------------------------------------------------------

    def target(self, url: str) -> tuple[str, str, str]:
        """(path below the root, '?', query) of a URL in any of its forms, its reference resolved (Protocol §11.7.7.1,
        JSON Format §19.1)."""
        url = quote(url.partition("#")[0], safe=PRINTABLE)
        match = REFERENCE.match(url)
        if match is not None and match[1].lower() not in SYSTEM_IDS:
            known = self.done.place(match[1])
            if known is None:
                raise self.done.unknown(match[1], "an entity")
            return (known + url[match.end():]).partition("?")
        if url.startswith("."):
            url = urljoin(self.root, url)
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url):
            place = urlsplit(url)
            path, query = place.path, place.query
            if host(place.netloc, place.scheme) != self.host or not (path + "/").startswith(self.root_path):
                raise BodyError(f"The URL '{url[:200]}' is not part of this service", code="foreignUrl")
            return path[len(self.root_path):].lstrip("/"), "?", query
        path, mark, query = url.partition("?")
        if (path + "/").startswith(self.root_path):
            path = path[len(self.root_path):]
        return path.lstrip("/"), mark, query


class Window(io.RawIOBase):
    """A part of a mapped body as a stream."""

    def __init__(self, content: memoryview) -> None:
        self._left = content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def _preference(text: str) -> str:
    """The name of a preference, without 'odata.'."""
    found = parse_preferences(text)
    return found[0].name.lower().removeprefix("odata.") if found else ""

"""The V2 face: requests below its path are carried out as requests of OData 4.0, and answered in verbose JSON or in Atom.

OData 2.0 (MS-ODATA): protocol, URI conventions, JSON format. Whatever goes wrong is answered with a 2.0 error object; a
request outside the path goes to the service as it is.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import unquote

from app.edm import Model
from app.errors import BindError, MethodNotAllowed, NotAcceptable, NotFound, UnsupportedMediaType
from app.payload.syntax import read_json, write_json
from app.service.conditions import matches
from app.service.request import Request
from app.service.response import Response
from app.v2 import atom, batch, edmx, verbose
from app.v2.urls import Address, address, entity_uri, next_link
from app.v2.verbose import Verbose
from app.v2.view import View, view

VERSION = {"DataServiceVersion": "2.0"}
JSON = "application/json;charset=utf-8"
FULL = "application/json;odata.metadata=full;IEEE754Compatible=true"
COMPATIBLE = "application/json;IEEE754Compatible=true"
PASSED = ("authorization", "if-match", "if-none-match", "accept-language", "slug", "x-api-key", "client-request-id")
GIVEN = ("ETag", "Location", "WWW-Authenticate", "Retry-After", "Allow", "Content-Language")
READS = ("GET", "HEAD")


class Service(Protocol):
    """What the face needs of a service."""

    def handle(self, request: Request) -> Response: ...

    def failed(self, error: Exception, request: Request) -> Response: ...

    def identified(self, request: Request) -> Request: ...

    def seen_by(self, request: Request) -> tuple[str, Model]: ...


class Face:
    """Handles the requests of a service, those below the path of the V2 face in OData 2.0."""

    def __init__(self, service: Service, path: str) -> None:
        self.service, self.path = service, path
        self._views: dict[str, View] = {}
        self._documents: dict[str, tuple[bytes, str]] = {}

    def handle(self, request: Request) -> Response:
        """The answer to one request; never raises."""
        if not request.path.startswith(self.path) or request.path[len(self.path):len(self.path) + 1] not in ("", "/"):
            return self.service.handle(request)
        inner = replace(request, path=request.path[len(self.path) + 1:].strip("/"))
        try:
            return self.answer(inner)
        except Exception as error:      # what was not foreseen goes to the service's log, and the answer is silent
            return self.refused(self.service.failed(error, inner), wants_atom(inner))

    def answer(self, request: Request) -> Response:
        """The answer to a request whose path is below the face. Raises ODataError."""
        method = _method(request)
        _check_version(request)
        request = self.service.identified(request)
        seen = self.view_of(request)
        if request.path in ("$metadata", "%24metadata"):
            return self.metadata(request)
        _check_form(request)
        if not request.path:
            names = [each.name for each in seen.model.sets.values()]
            if wants_atom(request):
                return Response(200, {"Content-Type": atom.SERVICE, **VERSION}, atom.service(names, self.root(request)))
            return Response(200, {"Content-Type": JSON, **VERSION}, write_json({"d": {"EntitySets": names}}))
        if request.path in ("$batch", "%24batch"):
            return batch.answer(self, request)
        found = address(seen, request.path, request.query)
        response = self.service.handle(self.inner(request, seen, found, method))
        return self.outer(request, seen, found, response)

    def view_of(self, request: Request) -> View:
        """The view of the model as far as the one who sent an identified request may see it."""
        id, model = self.service.seen_by(request)
        found = self._views.get(id)
        if found is None:
            found = self._views[id] = view(model)
        return found

    def metadata(self, request: Request) -> Response:
        """`$metadata`, written once per view; 304 where the client has it."""
        id, _ = self.service.seen_by(request)
        known = self._documents.get(id)
        if known is None:
            body = edmx.document(self.view_of(request))
            known = self._documents[id] = body, f'W/"{hashlib.sha256(body).hexdigest()[:16]}"'
        body, tag = known
        had = request.header("if-none-match")
        if had is not None and matches(had, tag):
            return Response(304, {"ETag": tag, **VERSION})
        return Response(200, {"Content-Type": "application/xml", "ETag": tag, **VERSION}, body)

    def root(self, request: Request) -> str:
        """The address of the face."""
        return f"{request.root}{self.path}/"

    # --- 2.0 → 4.0 ---------------------------------------------------------------------------------------

    def inner(self, request: Request, seen: View, found: Address, method: str) -> Request:
        """The request of 4.0. Raises BodyError, MethodNotAllowed, UnsupportedMediaType."""
        headers = {name: value for name in PASSED if (value := request.header(name)) is not None}
        headers |= {"accept": FULL, "odata-maxversion": "4.0"}
        if found.operation is not None and method not in (READS if found.operation.method == "GET" else ("POST",)):
            raise MethodNotAllowed(method=method, resource=f"'{found.operation.name}'", allow=(found.operation.method,))
        if method in READS:
            if found.path.endswith(("/$value", "/$count")):
                headers["accept"] = "*/*"
            return replace(request, method=method, path=found.path, query=found.query, headers=headers, body=None)
        if method in ("PATCH", "PUT"):
            headers["prefer"] = "return=minimal"
            headers.setdefault("if-match", "*")         # OData 2.0 has no upsert
        body: bytes | None = None
        if found.operation is not None:     # its arguments were query options
            body = write_json(dict(found.arguments))
        elif method == "POST" and found.type is not None and not found.links and seen.model.has_stream(found.type):
            pass        # a media entity is posted as its stream (Protocol §11.4.7.1)
        elif method != "DELETE" and not found.path.endswith("/$value") and _is_json(request):
            data = request.body.read() if request.body is not None else b""
            written = Verbose(seen, request.root, self.root(request))
            type, single = found.type, not found.links and found.last in _properties(seen, request.path)
            body = _wrapped(data, found.last) if single else written.body(data, type, found.links)
        if body is None:
            headers |= {name: value for name in ("content-type", "content-length")
                        if (value := request.header(name)) is not None}
            return replace(request, method=method, path=found.path, query=found.query, headers=headers)
        headers["content-type"] = COMPATIBLE
        return replace(request, method=method, path=found.path, query=found.query, headers=headers,
                       body=io.BytesIO(body))

    # --- 4.0 → 2.0 ---------------------------------------------------------------------------------------

    def outer(self, request: Request, seen: View, found: Address, response: Response) -> Response:
        """The answer of 2.0."""
        as_atom = wants_atom(request)
        if response.status == 412 and request.header("if-match") is None:
            missing = NotFound(reason="There is no entity at this address")
            return self.refused(self.service.failed(missing, request), as_atom)
        if response.status >= 400:
            return self.refused(response, as_atom)
        headers = {name: response.headers[name] for name in GIVEN if name in response.headers} | VERSION
        face = self.root(request)
        if "Location" in headers:
            headers["Location"] = entity_uri(seen.model, headers["Location"], request.root, face)
        kind = response.headers.get("Content-Type", "")
        if response.status == 204 and request.method in READS and not as_atom:
            return Response(200, headers | {"Content-Type": JSON}, b'{"d":null}')
        if not kind.startswith("application/json"):
            headers |= {name: response.headers[name] for name in ("Content-Type", "Content-Disposition")
                        if name in response.headers}
            return Response(response.status, headers, response.body, response.close)
        body = response.read()
        link = re.search(rb'"@odata\.nextLink":"([^"]*)"', body)
        on = next_link(face, request.path, request.query, link[1].decode()) if link is not None else None
        if as_atom:
            kind, written = atom.Atom(seen, request.root, face).answer(body, request.path, found.last, on)
            return Response(response.status, headers | {"Content-Type": kind}, written)
        old = (request.header("maxdataserviceversion") or "").startswith("1.")
        written = Verbose(seen, request.root, face).answer(body, found.last, on, old)
        return Response(response.status, headers | {"Content-Type": JSON}, written)

    def refused(self, response: Response, as_atom: bool = False) -> Response:
        """An error of 4.0 as one of 2.0."""
        headers = {name: response.headers[name] for name in GIVEN if name in response.headers} | VERSION
        body = response.read()
        if body:
            body, headers["Content-Type"] = (atom.error(body), atom.XML) if as_atom else (verbose.error(body), JSON)
        return Response(response.status, headers, body)


def _method(request: Request) -> str:
    """The method that is meant: MERGE is PATCH, and a POST may name another one."""
    method = request.method
    if method == "POST":
        method = (request.header("x-http-method") or request.header("x-http-method-override") or method).strip().upper()
        if method not in ("POST", "MERGE", "PATCH", "PUT", "DELETE"):
            raise BindError(f"X-HTTP-Method cannot be '{method[:20]}'", code="invalidHeader", target="X-HTTP-Method")
    return "PATCH" if method == "MERGE" else method


def _check_version(request: Request) -> None:
    text = (request.header("dataserviceversion") or "2.0").partition(";")[0].strip()
    if not re.fullmatch(r"\d\.\d", text) or text > "2.0":
        raise BindError(f"DataServiceVersion '{text[:20]}' is not spoken here; 2.0 is", code="unsupportedVersion",
                        target="DataServiceVersion")


def _format(request: Request) -> str | None:
    """`$format`, in lower case."""
    chosen = re.search(r"(?:^|&)(?:\$|%24)format=([^&]*)", request.query, re.IGNORECASE)
    return unquote(chosen[1]).lower() if chosen is not None else None


def wants_atom(request: Request) -> bool:
    """Whether a read is answered in Atom: where `$format` or Accept name it, or XML, and no JSON."""
    if request.method not in READS:
        return False
    chosen = _format(request)
    if chosen is not None:
        return chosen.startswith(("atom", "application/atom", "xml", "application/xml"))
    accept = (request.header("accept") or "").lower()
    return "json" not in accept and ("/atom" in accept or "/xml" in accept and "*/*" not in accept)


def _check_form(request: Request) -> None:
    """Raises NotAcceptable where neither JSON nor Atom will do."""
    chosen = _format(request)
    if wants_atom(request) or chosen is not None and chosen.startswith(("json", "application/json")):
        return
    accept = (request.header("accept") or "").lower()
    if chosen is not None or accept and request.method in READS and "/$" not in request.path and not re.search(
            r"json|\*/\*|application/\*|multipart/", accept):
        raise NotAcceptable(reason="the V2 face answers in JSON and in Atom")


def _is_json(request: Request) -> bool:
    kind = (request.header("content-type") or "application/json").lower()
    if "atom" in kind or kind.startswith(("application/xml", "text/xml")):
        raise UnsupportedMediaType(name=kind[:60], target="Content-Type")
    return "json" in kind


def _properties(seen: View, path: str) -> Mapping[str, Any]:
    """The properties of the entity that the last segment of a path belongs to; {} where it is no property."""
    owner = path.rpartition("/")[0]
    if not owner:
        return {}
    type = address(seen, owner, "").type
    return seen.model.properties(type) if type is not None and seen.model.structured(type) is not None else {}


def _wrapped(data: bytes, name: str) -> bytes:
    """The body of a single property: {"Name": value} as {"value": value}, of a complex one its members."""
    tree = read_json(data)
    tree = tree.get("d", tree) if isinstance(tree, dict) else tree
    value = tree[name] if isinstance(tree, dict) and name in tree else tree
    return write_json(value if isinstance(value, dict) else {"value": value})

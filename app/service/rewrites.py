"""Requests that stand for others: `$entity?$id=…` for the entity it names, POST `…/$query` for a GET, tunnelled methods.

Each function gives back the request (or target) that is meant; the rest of the service never sees the disguise.
URL Conventions §4.3.4, §4.17; Protocol §11.2.9.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote, urlsplit

from app import url
from app.bind import nodes as bound
from app.edm import Model, vocabularies
from app.errors import BindError, BodyError, MethodNotAllowed, NotImplementedByService, UnsupportedMediaType
from app.payload.syntax import read_json
from app.service.request import Request
from app.url import nodes
from app.url.headers import parse_media_type

TUNNELLED = ("PATCH", "PUT", "DELETE", "MERGE")
QUERY_SEGMENT = re.compile(r"/\$query/*$")
QUERY_BYTES = 1 << 20


def tunnelled(request: Request) -> Request:
    """The method that X-HTTP-Method names on a POST; MERGE is PATCH."""
    if request.method == "MERGE":
        return replace(request, method="PATCH")
    name = None
    if request.method == "POST":
        name = request.header("x-http-method") or request.header("x-http-method-override")
    if name is None:
        return request
    method = name.strip().upper()
    if method not in TUNNELLED:
        raise BindError(f"X-HTTP-Method cannot be '{name[:20]}'", code="invalidHeader", target="X-HTTP-Method")
    return replace(request, method="PATCH" if method == "MERGE" else method)


def query_in_body(request: Request, model: Model) -> Request:
    """POST `path/$query` with the query part as text, as a form or as a JSON object of its options: the GET of `path` (URL
    Conventions §4.17)."""
    match = QUERY_SEGMENT.search("/" + request.path) if "$query" in request.path else None
    if match is None:
        return request
    if request.method != "POST":
        raise MethodNotAllowed(method=request.method, resource="$query", allow=("POST",))
    if not vocabularies.supported(model, "QuerySegmentSupported"):
        raise NotImplementedByService(feature="$query")
    media = parse_media_type(request.header("content-type") or "text/plain")
    read = None if media is None else QUERY_READERS.get(f"{media.type}/{media.subtype}")
    if read is None:
        raise UnsupportedMediaType(name=(request.header("content-type") or "")[:60], target="Content-Type")
    data = request.body.read(QUERY_BYTES + 1) if request.body is not None else b""
    if len(data) > QUERY_BYTES:
        raise BodyError(reason=f"a query is limited to {QUERY_BYTES} bytes")
    text = read(data)
    query = "&".join(part for part in (request.query, text) if part)
    return replace(request, method="GET", path=request.path[:match.start()].lstrip("/") if match.start() else "",
                   query=query, body=None)


def _encoded(data: bytes) -> str:
    """The query part as it would stand in a URL, or as a form."""
    try:
        return data.decode("ascii").strip()
    except UnicodeDecodeError:
        raise BodyError(reason="the query is percent-encoded ASCII") from None


def _options(data: bytes) -> str:
    """The query part made of a JSON object: name → text, number or Boolean."""
    found = read_json(data) if data.strip() else {}
    if not isinstance(found, dict) or any(isinstance(value, dict | list) or value is None for value in found.values()):
        raise BodyError(reason="a query is a JSON object of query options and their texts")
    texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in found.items()}
    return "&".join(f"{quote(name, safe='$@')}={quote(text, safe='')}" for name, text in texts.items())


QUERY_READERS: dict[str, Callable[[bytes], str]] = {
    "text/plain": _encoded, "application/x-www-form-urlencoded": _encoded, "application/json": _options}


def viewed(request: Request, name: str) -> Request:
    """A request below the path of the BI view as one of a service whose root that path is."""
    first, _, rest = request.path.partition("/")
    return replace(request, path=rest, root=f"{request.root}{name}/", plain=True) if first == name else request


def dereferenced(target: nodes.Target, root: str) -> nodes.Target:
    """The target that `$entity?$id=…` means; other targets as they are (URL Conventions §4.3.4)."""
    first = target.segments[0] if target.segments else None
    if first is None or first.name != "$entity" or first.arguments is not None or first.problem is not None:
        return target
    id = target.options.id
    if id is None:
        raise BindError("$entity needs the query option $id", code="missingOption", target="$id")
    return nodes.Target((*entity_path(id, root), *target.segments[1:]), replace(target.options, id=None))


def check_dereferenced(path: str, resource: bound.Resource) -> None:
    """Raises BindError where `$entity` was given the id of something that is no entity."""
    if path.lstrip("/").startswith(("$entity", "%24entity")) and resource.kind != "entity":
        raise BindError("$id does not name an entity", code="invalidEntityId", target="$id")


def entity_path(id: str, root: str) -> tuple[nodes.Segment, ...]:
    """The path segments of an entity-id, absolute or relative to the service root. Raises BindError for one that is not
    of this service."""
    path = id
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", id):
        absolute, own = urlsplit(id), urlsplit(root)
        if not absolute.path.startswith(own.path) or host(absolute.netloc, absolute.scheme) != host(own.netloc, own.scheme):
            raise BindError(f"'{id[:200]}' is not an entity of this service", code="foreignEntity", target="$id")
        path = absolute.path[len(own.path):]
    elif id.startswith("/"):
        own_path = urlsplit(root).path
        path = id.removeprefix(own_path).lstrip("/")
    if "?" in path or "#" in path:
        raise BindError(f"'{id[:200]}' is not an entity-id", code="invalidEntityId", target="$id")
    return url.parse_entity_reference(path)


def host(netloc: str, scheme: str) -> str:
    """Host and port, without the port that the scheme implies."""
    host = netloc.rpartition("@")[2].lower()
    return host.removesuffix({"http": ":80", "https": ":443"}.get(scheme.lower(), ""))

"""Headers that are the transport's business: content coding (RFC 9110 §8.4, §12.5.3) and CORS (Fetch standard).

In: the request's headers in lower case and a `Response`. Out: the `Response` as it goes out. Nothing here knows OData
beyond the names of its headers.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache

from app.service.codings import WINDOW
from app.service.response import Response

SMALLEST_COMPRESSED = 1024      # below it a compressed answer is hardly smaller and costs both sides time
LEVEL = 1                       # 447 kB of JSON: 2.3 ms at level 1, 5.5 ms at 6, for 15 % fewer bytes
CODED_TYPES = ("application/json", "application/xml", "application/atom", "text/", "multipart/")

EXPOSED = ("Content-Encoding, ETag, Last-Modified, Link, Location, OData-EntityId, OData-Version, Preference-Applied, "
           "Retry-After, Server-Timing, X-CSRF-Token, X-Request-ID, DataServiceVersion")
ALLOWED_METHODS = "GET, HEAD, POST, PUT, PATCH, MERGE, DELETE, OPTIONS"
ALLOWED_HEADERS = ("Accept, Accept-Language, Authorization, Content-Type, DataServiceVersion, If-Match, "
                   "If-None-Match, MaxDataServiceVersion, OData-Isolation, OData-MaxVersion, OData-Version, Prefer, "
                   "X-CSRF-Token, X-HTTP-Method, X-Requested-With")


# --- content coding ------------------------------------------------------------------------------

@lru_cache(maxsize=256)
def coding(accept_encoding: str) -> str | None:
    """The coding to use for an Accept-Encoding value: 'gzip', 'deflate' or None for none."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, _, parameters = part.strip().partition(";")
        try:
            weights[name.strip()] = float(parameters.strip().removeprefix("q=") or 1)
        except ValueError:
            weights[name.strip()] = 0.0
    fallback = weights.get("*", 0.0)
    identity = weights.get("identity", 0.0)
    best = max(WINDOW, key=lambda name: weights.get(name, fallback))
    weight = weights.get(best, fallback)
    return best if weight > 0 and weight >= identity else None


def compress(response: Response, accept_encoding: str | None) -> None:
    """Code the body as the client accepts it; a stream stays a stream, each chunk leaving at once."""
    headers = response.headers
    if not headers.get("Content-Type", "").startswith(CODED_TYPES) or "Content-Encoding" in headers \
            or "Content-Range" in headers or response.status in (204, 206, 304):
        return
    body = response.body
    if isinstance(body, bytes) and len(body) < SMALLEST_COMPRESSED:
        return
    vary(headers, "Accept-Encoding")
    name = coding(accept_encoding) if accept_encoding else None
    if name is None:
        return
    if isinstance(body, bytes):
        coder = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW[name])
        response.body = coder.compress(body) + coder.flush()
    else:
        response.body = _compressed(body, WINDOW[name])
    headers["Content-Encoding"] = name
    headers.pop("Content-Length", None)
    tag = headers.get("ETag", "")
    if tag.startswith('"'):
        headers["ETag"] = "W/" + tag    # the coded bytes are not the bytes the strong tag names


def _compressed(chunks: Iterator[bytes], window: int) -> Iterator[bytes]:
    coder = zlib.compressobj(LEVEL, zlib.DEFLATED, window)
    for chunk in chunks:
        yield coder.compress(chunk) + coder.flush(zlib.Z_SYNC_FLUSH)
    yield coder.flush()


def vary(headers: dict[str, str], name: str) -> None:
    """Add `name` to Vary, once."""
    present = headers.get("Vary")
    if present is None:
        headers["Vary"] = name
    elif name.lower() not in present.lower():
        headers["Vary"] = f"{present}, {name}"


# --- CORS ----------------------------------------------------------------------------------------

def preflight(method: str, headers: Mapping[str, str], origins: tuple[str, ...]) -> Response | None:
    """The answer to a CORS preflight, or None when the request is not one that is answered here."""
    if method != "OPTIONS" or not origins or "access-control-request-method" not in headers:
        return None
    response = Response(204)
    if allow_origin(response.headers, headers.get("origin"), origins):
        response.headers["Access-Control-Allow-Methods"] = ALLOWED_METHODS
        response.headers["Access-Control-Allow-Headers"] = headers.get("access-control-request-headers",
                                                                       ALLOWED_HEADERS)
        response.headers["Access-Control-Max-Age"] = "7200"
    return response


def allow_origin(answer: dict[str, str], origin: str | None, origins: tuple[str, ...]) -> bool:
    """Let the page of `origin` read the answer where `origins` says so. Credentials go only to origins named one by
    one: with `*` any page could act as its visitor."""
    if not origins:
        return False
    if "*" not in origins:
        vary(answer, "Origin")
    if origin is None:
        return False
    if origin in origins:
        answer["Access-Control-Allow-Origin"] = origin
        answer["Access-Control-Allow-Credentials"] = "true"
        vary(answer, "Origin")
    elif "*" in origins:
        answer["Access-Control-Allow-Origin"] = "*"
    else:
        return False
    answer["Access-Control-Expose-Headers"] = EXPOSED
    return True

"""Bodies of requests: media type, size, charset, and how they are read (Protocol §8.1; JSON Format §3)."""

from __future__ import annotations

import codecs
from functools import lru_cache
from typing import Any

from app.errors import PayloadTooLarge, UnsupportedMediaType
from app.payload.schemas import Reading
from app.payload.syntax import read_json
from app.service.call import Call
from app.url.headers import MediaRange, parse_media_type


def content_type(call: Call) -> MediaRange | None:
    """The media type of the body; None without the header. Raises UnsupportedMediaType for a malformed one."""
    return _media_type(call.request.header("content-type"))


def _media_type(text: str | None) -> MediaRange | None:
    if text is None or not text.strip():
        return None
    found = parse_media_type(text)
    if found is None:
        raise UnsupportedMediaType(name=text[:60], target="Content-Type")
    return found


def is_json(kind: MediaRange | None) -> bool:
    """Whether a body of this type is JSON; one without a type is taken for it."""
    return kind is None or (kind.type, kind.subtype) == ("application", "json")


def raw_body(call: Call) -> bytes:
    """The whole body. Raises PayloadTooLarge."""
    if call.request.body is None:
        return b""
    allowed = call.service.settings.max_body
    body = call.request.body.read(allowed + 1)
    if len(body) > allowed:
        raise PayloadTooLarge(allowed=allowed)
    return body


def json_body(call: Call, *, optional: bool = False) -> Any:
    """The body as a JSON tree; None for an empty one where it may be. Raises BodyError, UnsupportedMediaType."""
    kind = content_type(call)
    body = raw_body(call)
    if optional and not body.strip():
        return None
    if not is_json(kind):
        raise UnsupportedMediaType(name=call.request.header("content-type"), target="Content-Type")
    return read_json(body, None if kind is None else kind.get("charset"))


def text(body: bytes, kind: MediaRange | None) -> str:
    """A body of text in its charset, UTF-8 without one. Raises ValueError, UnsupportedMediaType."""
    charset = (kind.get("charset") if kind is not None else None) or "utf-8"
    try:
        codecs.lookup(charset)
    except LookupError:
        raise UnsupportedMediaType(f"The charset '{charset[:40]}' is not known", target="Content-Type") from None
    return body.decode(charset)


def reading(call: Call, operation: str) -> Reading:
    """How the body of this request is read."""
    wishes, settings = call.wishes, call.service.settings
    return _reading(operation, call.request.header("content-type"), wishes.body_version, wishes.body_version_given,
                    settings.lenient, settings.strict)


@lru_cache(256)
def _reading(operation: str, content_type: str | None, version: str, given: bool, lenient: frozenset[str], strict: bool
             ) -> Reading:
    kind = _media_type(content_type)
    compatible = kind is not None and (kind.get("ieee754compatible") or "").lower() == "true"
    return Reading(operation, quoted=compatible or "quoted-numbers" in lenient, short_quoted=compatible and not strict,
                   version=version, etags=given and version == "4.01", unknown_nulls="unknown-nulls" in lenient,
                   enum_numbers="enum-numbers" in lenient, zoneless="zoneless-times" in lenient)

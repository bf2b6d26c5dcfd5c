"""Request bodies as text: bytes in the charset of their media type → a strict JSON tree.

Numbers stay text (`Number`), so that 28 digits arrive as 28 digits. Refused with a position: duplicate member names,
NaN and Infinity tokens, invalid encodings, more than `MAX_DEPTH` levels. RFC 8259; DESIGN §6.
"""

from __future__ import annotations

import codecs
import json
from typing import Any

import orjson

from app.errors import BodyError, UnsupportedMediaType

MAX_DEPTH = 100
BRACKETED = (dict, list)
UTF8 = "utf-8-sig"
CHARSETS = {"utf-8": UTF8, "utf8": UTF8, "us-ascii": "ascii", "ascii": "ascii", "utf-16": "utf-16",
            "utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "utf-32": "utf-32", "utf-32le": "utf-32-le",
            "utf-32be": "utf-32-be", "iso-8859-1": "iso-8859-1"}


class Number(str):
    """The text of a JSON number."""

    __slots__ = ()


class _Duplicate(ValueError):
    """Two members of one name."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _Duplicate(name)
            seen.add(name)
    return found


def _token(text: str) -> Any:
    raise ValueError(f"'{text}' is not a JSON value")


_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_float=Number, parse_int=Number, parse_constant=_token)


def read_json(body: bytes, charset: str | None = None) -> Any:
    """The tree of a JSON body: dict, list, str, Number, bool, None.

    Raises BodyError (400) with `position`, UnsupportedMediaType (415) for a charset nobody knows.
    """
    text = _decode(body, charset)
    try:
        found, end = _DECODER.raw_decode(text, _start(text))
    except _Duplicate as error:
        name = str(error)
        raise BodyError(f"The body has two members named '{name}'", code="duplicateMember", target=name,
                        position=_second(text, name)) from None
    except json.JSONDecodeError as error:
        raise BodyError(reason=f"{error.msg} at position {error.pos}",
                        code="malformedJson", position=error.pos) from None
    except RecursionError:
        raise BodyError(reason="it is nested too deeply", code="malformedJson") from None
    except ValueError as error:
        token = str(error).split("'")[1]
        raise BodyError(reason=str(error), code="malformedJson", position=text.find(token)) from None
    if text[end:].strip(" \t\r\n"):
        raise BodyError(reason=f"text follows the JSON value at position {end}", code="malformedJson", position=end)
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(found) > MAX_DEPTH:
        raise BodyError(reason=f"it is nested more than {MAX_DEPTH} levels deep", code="malformedJson")
    if ("\\ud" in text or "\\uD" in text) and not _named_in_unicode(found):
        raise BodyError(reason="the name of a member has half of a surrogate pair", code="malformedJson")
    return found


def _named_in_unicode(tree: Any) -> bool:
    """Whether every member name is text; what values may be is said where they are read (RFC 8259 §8.2)."""
    if isinstance(tree, dict):
        return not any("\ud800" <= each <= "\udfff" for name in tree for each in name) \
            and all(map(_named_in_unicode, tree.values()))
    return all(map(_named_in_unicode, tree)) if isinstance(tree, list) else True


def write_json(tree: Any) -> bytes:
    """A tree of `read_json` as JSON, numbers as they were written."""
    return orjson.dumps(
        tree, option=orjson.OPT_PASSTHROUGH_SUBCLASS, default=lambda number: orjson.Fragment(str(number)))


def _decode(body: bytes, charset: str | None) -> str:
    name = charset.strip("\"' ").lower() if charset else ""
    if not name:
        name = _guess(body)
    codec = CHARSETS.get(name)
    if codec is None:
        raise UnsupportedMediaType(f"The charset '{charset}' is not known here", target="Content-Type")
    if codec == UTF8 and not body.startswith(codecs.BOM_UTF8):
        codec = "utf-8"                 # which is faster
    try:
        return body.decode(codec)
    except UnicodeDecodeError as error:
        raise BodyError(reason=f"byte {error.start} is not {name.upper()}", code="malformedJson",
                        position=error.start) from None
    except UnicodeError:
        raise BodyError(reason=f"it is not {name.upper()}", code="malformedJson", position=0) from None


def _guess(body: bytes) -> str:
    """UTF-8, or what a byte order mark or the zero bytes around the first character tell (RFC 4627 §3)."""
    if body.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if 0 not in body[:4]:
        return "utf-8"
    zeros = tuple(index for index, byte in enumerate(body[:4]) if not byte)
    return {(1, 3): "utf-16le", (0, 2): "utf-16be", (1, 2, 3): "utf-32le", (0, 1, 2): "utf-32be"}.get(zeros, "utf-8")


def _start(text: str) -> int:
    start = len(text) - len(text.lstrip(" \t\r\n"))
    if start == len(text):
        raise BodyError(reason="it is empty", code="malformedJson", position=0)
    return start


def _second(text: str, name: str) -> int | None:
    quoted = json.dumps(name, ensure_ascii=False)
    first = text.find(quoted)
    found = text.find(quoted, first + 1)
    return found if found >= 0 else None


def _depth(tree: Any) -> int:
    """Levels of objects and arrays."""
    depth, level = 0, [tree] if tree.__class__ in BRACKETED else []
    while level:
        depth += 1
        level = [child for node in level for child in (node.values() if node.__class__ is dict else node)
                 if child.__class__ in BRACKETED]
    return depth

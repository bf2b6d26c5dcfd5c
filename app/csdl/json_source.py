"""The text of a CSDL JSON document as values, hardened, with the place of every member when asked for.

Numbers stay text (`Number`), so that nothing is rounded. Refused: duplicate names, NaN and Infinity, lone
surrogates, deep nesting.
"""

from __future__ import annotations

import json
import re
from typing import Any

from app.csdl.source import MAX_DEPTH, Broken, Source

MAX_NESTING = 2 * MAX_DEPTH + 20
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_TOKEN = re.compile(r"[ \t\r\n]*(?:([{}\[\],:])|(\"(?:[^\"\\\x00-\x1f]|\\.)*\")"
                    r"|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|(true|false|null))")
_WORDS = {"true": True, "false": False, "null": None}


class Number(str):
    """A JSON number as the document wrote it."""

    __slots__ = ()


class _Duplicate(Exception):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Duplicate
    return found


def _refused(word: str) -> Any:
    raise ValueError(word)


def parse(source: Source) -> Any:
    """The value of a document. Raises Broken: encoding, syntax, duplicate names, depth."""
    text = source.decode().removeprefix("\ufeff")
    source.text = text
    try:
        value = json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_refused,
                           object_pairs_hook=_unique)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value
    except json.JSONDecodeError as error:
        raise source.broken("doc-syntax", error.pos, reason=error.msg) from None
    except UnicodeEncodeError:
        match = _SURROGATE.search(text)
        raise source.broken("doc-encoding", match.start() if match else 0, reason="half of a surrogate pair") from None
    except (_Duplicate, ValueError, RecursionError):
        Positions(source).parse()    # finds the place and says why
        raise source.broken("doc-depth", allowed=MAX_NESTING) from None


class Positions:
    """A slower reading that remembers where each container and each member began."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.offsets: dict[tuple[int, str | int | None], int] = {}
        self._kept: list[Any] = []    # ids stay unique while their objects live

    def parse(self) -> Any:
        """The value. Raises Broken like `parse`, with the exact place."""
        value, offset = self._value(0, 0)
        rest = self.source.text[offset:].lstrip(" \t\r\n")
        if rest:
            raise self.source.broken("doc-syntax", len(self.source.text) - len(rest), reason="Extra data")
        return value

    def place(self, container: object, member: str | int | None = None) -> tuple[int, int]:
        """Line and column of a member, else of its container."""
        offset = self.offsets.get((id(container), member))
        return self.source.place(self.offsets.get((id(container), None), 0) if offset is None else offset)

    def _token(self, offset: int) -> tuple[re.Match[str], int]:
        match = _TOKEN.match(self.source.text, offset)
        if match is None:
            bare = re.compile(r"[ \t\r\n]*").match(self.source.text, offset)
            raise self.source.broken("doc-syntax", bare.end() if bare else offset, reason="Expecting value")
        return match, match.start(match.lastindex or 0)

    def _value(self, offset: int, depth: int) -> tuple[Any, int]:
        if depth > MAX_NESTING:
            raise self.source.broken("doc-depth", offset, allowed=MAX_NESTING)
        match, start = self._token(offset)
        mark = match[1]
        if mark == "{":
            return self._object(match.end(), start, depth)
        if mark == "[":
            return self._array(match.end(), start, depth)
        if mark:
            raise self.source.broken("doc-syntax", start, reason="Expecting value")
        if match[2] is not None:
            return self._string(match[2], start), match.end()
        return (Number(match[3]) if match[3] is not None else _WORDS[match[4]]), match.end()

    def _string(self, raw: str, start: int) -> str:
        try:
            return str(json.loads(raw))
        except json.JSONDecodeError as error:
            raise self.source.broken("doc-syntax", start + error.pos, reason=error.msg) from None

    def _object(self, offset: int, start: int, depth: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        self._keep(found, start)
        match, at = self._token(offset)
        while match[1] != "}":
            if match[2] is None:
                raise self.source.broken("doc-syntax", at, reason="Expecting property name enclosed in double quotes")
            name = self._string(match[2], at)
            if name in found:
                raise self.source.broken("doc-duplicate-member", at, name=name)
            self.offsets[id(found), name] = at
            match, colon = self._token(match.end())
            if match[1] != ":":
                raise self.source.broken("doc-syntax", colon, reason="Expecting ':' delimiter")
            found[name], offset = self._value(match.end(), depth + 1)
            match, at = self._separator(offset, "}")
        return found, match.end()

    def _array(self, offset: int, start: int, depth: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        self._keep(found, start)
        match, at = self._token(offset)
        if match[1] == "]":
            return found, match.end()
        while True:
            match, at = self._token(offset)
            self.offsets[id(found), len(found)] = at
            value, offset = self._value(offset, depth + 1)
            found.append(value)
            match, at = self._token(offset)
            if match[1] == "]":
                return found, match.end()
            if match[1] != ",":
                raise self.source.broken("doc-syntax", at, reason="Expecting ',' delimiter")
            offset = match.end()

    def _separator(self, offset: int, end: str) -> tuple[re.Match[str], int]:
        match, at = self._token(offset)
        if match[1] == ",":
            match, at = self._token(match.end())
            if match[1] == end:
                raise self.source.broken("doc-syntax", at, reason="Illegal trailing comma")
        elif match[1] != end:
            raise self.source.broken("doc-syntax", at, reason="Expecting ',' delimiter")
        return match, at

    def _keep(self, container: Any, start: int) -> None:
        self._kept.append(container)
        self.offsets[id(container), None] = start


__all__ = ["Broken", "Number", "Positions", "parse"]

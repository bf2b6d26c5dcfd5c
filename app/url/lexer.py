"""Lexical rules: percent-decoding, names, literals, and the reader that all grammar layers stand on.

No token list: every rule matches a compiled pattern at the current position, because what a character means in
OData depends on where it stands (a comma ends an item of `$select` and belongs to a word of `$search`). Patterns
are possessive, so that no text makes them backtrack.

URL Conventions 4.01 §2; ABNF sections 6 (names), 7 (literals) and 9 (punctuation).
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import unquote

from app import errors
from app.url.nodes import Literal


@dataclass(frozen=True, slots=True)
class Limits:
    """What one URL may cost, and how it is read.

    `strict`: refuse what clients write and the grammar does not have: blanks around the separators of lists,
    `not(…)` without a blank, an enumeration literal with an unqualified type. `zoneless`: take a date-time literal
    without offset as UTC.
    """

    url_length: int = 65_536
    depth: int = 80
    nodes: int = 5_000
    list_items: int = 10_000
    expand_depth: int = 12
    strict: bool = False
    zoneless: bool = False


DEFAULT_LIMITS = Limits()

# --- percent-decoding (Part 2 §2.1) ------------------------------------------------------------------

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def decode(raw: str, *, plus: bool = False) -> str:
    """`raw` percent-decoded once; with `plus` a `+` is a blank (query part).

    Raises UrlError with the position of a malformed escape or of text that is not UTF-8.
    """
    if plus and "+" in raw:
        raw = raw.replace("+", " ")
    if "%" not in raw and raw.isascii():
        return raw
    bad = _BAD_ESCAPE.search(raw)
    if bad is not None:
        raise errors.UrlError(reason=f"'%' at position {bad.start()} needs two hexadecimal digits",
                              position=bad.start())
    try:
        text = unquote(raw, errors="strict")
        text.encode()
    except UnicodeError:
        position = _first_undecodable(raw)
        raise errors.UrlError(reason=f"the bytes at position {position} are not UTF-8", position=position) from None
    return text


def _first_undecodable(raw: str) -> int:
    """Where the first run of escapes (or lone surrogate) that is no UTF-8 begins."""
    for run in re.finditer(r"(?:%[0-9A-Fa-f]{2})++|[\ud800-\udfff]", raw):
        try:
            unquote(run[0], errors="strict").encode()
        except UnicodeError:
            return run.start()
    return 0


# --- names (ABNF section 6) --------------------------------------------------------------------------

# ASCII letters, digits, '_' and all beyond ASCII; said by what is left out: `re` takes 9 ms over a set that names the rest
IDENTIFIER = r"[^\x00-@\[-\x5e\x60{-\x7f][^\x00-/:-@\[-\x5e\x60{-\x7f]*+"
QUALIFIED = rf"{IDENTIFIER}(?:\.{IDENTIFIER})*+"
_LEADING = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl"})
_FOLLOWING = _LEADING | {"Nd", "Mn", "Mc", "Pc", "Cf"}
_NAME_LENGTH = 128


def bad_name(name: str) -> tuple[int, str] | None:
    """What is wrong with an identifier or qualified name that has the right shape, and where; None when it is fine.

    The pattern admits every character above ASCII; this looks at Unicode categories and the length.
    """
    if len(name) <= _NAME_LENGTH and name.isascii():
        return None
    offset = 0
    for part in name.split("."):
        if len(part) > _NAME_LENGTH:
            return offset + _NAME_LENGTH, f"a name of at most {_NAME_LENGTH} characters"
        allowed = _LEADING
        for index, character in enumerate(part):
            if character > "\x7f" and unicodedata.category(character) not in allowed:
                return offset + index, "a letter, a digit or an underscore"
            allowed = _FOLLOWING
        offset += len(part) + 1
    return None


# --- literals (ABNF section 7) -----------------------------------------------------------------------

STRING = r"'[^']*+(?:''[^']*+)*+'"
GUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}(?![0-9A-Za-z_])"
_HOUR_MINUTE = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
DATE = r"-?(?:0[0-9]{3}|[1-9][0-9]{3,}+)-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
TIME_OF_DAY = rf"{_HOUR_MINUTE}(?::(?:[0-5][0-9]|60)(?:\.[0-9]{{1,12}}+)?)?"
# A raw plus in the query is read as a blank: where only a sign can stand, a blank is that plus.
DATE_TIME_OFFSET = rf"{DATE}[Tt]{TIME_OF_DAY}(?:[Zz]|[-+ ]{_HOUR_MINUTE})?"
NUMBER = r"[-+]?[0-9]++(?:\.[0-9]++)?(?:[eE][-+ ]?[0-9]++)?"
_DURATION = re.compile(r"-?P(?=[0-9T])(?:[0-9]++D)?(?:T(?=[0-9])(?:[0-9]++H)?(?:[0-9]++M)?"
                       r"(?:[0-9]++(?:\.[0-9]++)?S)?)?", re.IGNORECASE | re.ASCII)
_BASE64 = re.compile(r"(?:[-\w]{4})*+(?:[-\w]{2}[AEIMQUYcgkosw048]=?|[-\w][AQgw](?:==)?)?", re.ASCII)
_MEMBER = rf"(?:{IDENTIFIER}|[-+]?[0-9]{{1,19}}+)"
_MEMBERS = re.compile(rf"{_MEMBER}(?:,{_MEMBER})*+")
JSON_STRING = re.compile(r'"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*+"')

_POSITION = r"{n} {n}(?: {n}){{0,2}}".format(n=r"(?:[-+]?[0-9]++(?:\.[0-9]++)?(?:e[-+]?[0-9]++)?|-?INF|NaN)")
_POINT = rf"\({_POSITION}\)"
_RING = rf"\({_POSITION}(?:,{_POSITION})*+\)"
_LINE = rf"\({_POSITION}(?:,{_POSITION})++\)"
_POLYGON = rf"\({_RING}(?:,{_RING})*+\)"
_SHAPE = re.compile("(?:" + "|".join((
    rf"Point{_POINT}", rf"LineString{_LINE}", rf"Polygon{_POLYGON}",
    rf"MultiPoint\((?:{_POINT}(?:,{_POINT})*+)?\)", rf"MultiLineString\((?:{_LINE}(?:,{_LINE})*+)?\)",
    rf"MultiPolygon\((?:{_POLYGON}(?:,{_POLYGON})*+)?\)")) + ")", re.IGNORECASE | re.ASCII)
_SRID = re.compile(r"SRID=[0-9]{1,5};", re.IGNORECASE | re.ASCII)
_COLLECTION = re.compile(r"GeometryCollection\(", re.IGNORECASE | re.ASCII)


def _is_well_known_text(text: str) -> bool:
    """Whether `text` is `SRID=n;` and one shape, collections nested to any depth."""
    found = _SRID.match(text)
    if found is None:
        return False
    position, depth = found.end(), 0
    while True:
        opened = _COLLECTION.match(text, position)
        if opened is not None:
            position, depth = opened.end(), depth + 1
            continue
        shape = _SHAPE.match(text, position)
        if shape is None:
            return False
        position = shape.end()
        while depth and text.startswith(")", position):
            position, depth = position + 1, depth - 1
        if not depth:
            return position == len(text)
        if not text.startswith(",", position):
            return False
        position += 1


def prefixed_literal(prefix: str, content: str, position: int) -> Literal | None:
    """The literal `prefix'content'`, None when the content does not fit the prefix.

    `prefix`: duration, binary, geography, geometry in any case, or the name of an enumeration type.
    """
    kind = prefix.lower()
    if kind == "duration":
        return Literal(kind, content.upper(), None, position) if _DURATION.fullmatch(content) else None
    if kind == "binary":
        return Literal(kind, content, None, position) if _BASE64.fullmatch(content) else None
    if kind in ("geography", "geometry"):
        return Literal(kind, content, None, position) if _is_well_known_text(content) else None
    return Literal("enum", content, prefix, position) if _MEMBERS.fullmatch(content) else None


def is_enum_content(content: str) -> bool:
    """Whether `content` is a list of enumeration members or numbers (ABNF enumValue)."""
    return _MEMBERS.fullmatch(content) is not None


_PREFIX = errors.UrlError.message.partition("{")[0]


def reason(error: errors.UrlError) -> str:
    """What is wrong, without the sentence around it: for a fault that is kept and raised later."""
    return error.text.removeprefix(_PREFIX).removesuffix(".")


# --- the reader --------------------------------------------------------------------------------------

_BLANKS = re.compile(r"[ \t]*+").match
_WORD = re.compile(IDENTIFIER).match
_EXCERPT = 24


class Reader:
    """A position in one decoded text, and what has been spent on it.

    `level` counts how deep the reading methods are nested, `height` is that of the expression read last, `nodes`
    the operands so far. Methods leave `position` behind what they read and raise UrlError at what they cannot.
    """

    __slots__ = ("text", "position", "limits", "nodes", "level", "height", "expanding")

    def __init__(self, text: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self.text = text
        self.limits = limits
        self.position = self.nodes = self.level = self.height = self.expanding = 0

    def fail(self, expected: str, position: int | None = None) -> NoReturn:
        """Raise UrlError: `expected` is missing at `position` (default: here)."""
        at = self.position if position is None else position
        found = repr(self.text[at:at + _EXCERPT]) if at < len(self.text) else "the end"
        raise errors.UrlError(reason=f"expected {expected} at position {at}, found {found}", position=at)

    def exceed(self, limit: str, allowed: int) -> NoReturn:
        """Raise LimitExceeded."""
        raise errors.LimitExceeded(limit=limit, allowed=allowed, position=self.position)

    def finish(self, expected: str = "the end") -> None:
        """Make sure that the whole text was read; `expected` says what could have followed."""
        if self.position < len(self.text):
            self.fail(expected)

    def peek(self) -> str:
        """The next character, '' at the end."""
        return self.text[self.position:self.position + 1]

    def take(self, literal: str) -> bool:
        """Step over `literal` when it stands here."""
        if self.text.startswith(literal, self.position):
            self.position += len(literal)
            return True
        return False

    def expect(self, literal: str) -> None:
        """Step over `literal`, which must stand here."""
        if not self.take(literal):
            self.fail(f"'{literal}'")

    def blanks(self) -> None:
        """Step over blanks and tabs (BWS)."""
        self.position = _BLANKS(self.text, self.position).end()  # type: ignore[union-attr]

    def separator(self, literal: str) -> bool:
        """Step over `literal` between items of a list; blanks around it unless strict."""
        if self.limits.strict:
            return self.take(literal)
        before = self.position
        self.blanks()
        if self.take(literal):
            self.blanks()
            return True
        self.position = before
        return False

    def checked(self, name: str, start: int) -> str:
        """`name`, which begins at `start` and has the shape of one, or UrlError when a character is not allowed."""
        bad = bad_name(name)
        if bad is not None:
            self.fail(bad[1], start + bad[0])
        return name

    def identifier(self, what: str) -> str:
        """A simple name; `what` says which, for the error."""
        found = _WORD(self.text, self.position)
        if found is None:
            self.fail(what)
        self.position = found.end()
        return self.checked(found[0], found.start())

    def json_string(self) -> str:
        """A JSON string, its escapes resolved; UrlError at lone surrogates."""
        start = self.position
        found = JSON_STRING.match(self.text, start)
        if found is None:
            self.fail("a JSON string")
        self.position = found.end()
        text: str = json.loads(found[0], strict=False)
        try:
            text.encode()
        except UnicodeEncodeError:
            self.fail("a JSON string without lone surrogates", start)
        return text

    def count(self, what: str) -> None:
        """Note one more of the things whose number is limited; `what` names them for the error."""
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            self.exceed(f"number of {what}", self.limits.nodes)

    def nest(self) -> None:
        """Go one level deeper; the caller comes back by `level -= 1`."""
        self.level += 1
        if self.level > 2 * self.limits.depth:
            self.exceed("nesting of an expression", self.limits.depth)

    def grow(self, below: int) -> None:
        """Note that the node just built stands above one of height `below`."""
        self.height = below + 1
        if below >= self.limits.depth:
            self.exceed("nesting of an expression", self.limits.depth)

"""Literals and expressions of OData 2.0 as those of 4.0, and keys the other way (OData 2.0, URI conventions).

Texts are decoded. What is not understood stays as it is: the 4.0 parser judges it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence

from app.errors import BindError, NotImplementedByService

TYPED = r"(?:datetimeoffset|datetime|time|guid|binary|[xX])'(?:[^']|'')*'"
TOKEN = re.compile(rf"""
    (?P<typed>{TYPED}) | (?P<string>'(?:[^']|'')*')
  | (?P<guid>[0-9A-Fa-f]{{8}}(?:-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}})
  | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[lLmMdDfF]?(?![\w.]))
  | (?P<word>[^\W\d][\w.]*(?:/[^\W\d][\w.]*)*) | (?P<blank>\s+) | (?P<other>.)""", re.VERBOSE | re.DOTALL)
TIME = re.compile(r"PT(?:(\d{1,2})H)?(?:(\d{1,2})M)?(?:(\d{1,2})(\.\d+)?S)?")
DATETIME = re.compile(r"(\d{4,}-\d\d-\d\d)(?:T(\d\d:\d\d)(:\d\d(?:\.\d+)?)?)?Z?")
OPERATORS = {"gte": "ge", "lte": "le"}              # pyodata writes these
COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
TYPE_FUNCTIONS = frozenset({"cast", "isof"})

TypeOf = Callable[[str], str | None]
Token = tuple[str, str]


def literal(text: str, type: str | None = None) -> str:
    """One literal as 4.0 writes it; `type`: the Edm type that is wanted, if known. Raises BindError for a malformed
    one."""
    match = TOKEN.fullmatch(text.strip())
    kind = match.lastgroup if match is not None else None
    if kind == "number":
        return text.strip().rstrip("lLmMdDfF")
    return _typed(text.strip(), type) if kind == "typed" else text.strip()


def _typed(text: str, type: str | None) -> str:
    prefix, _, rest = text.partition("'")
    value = rest[:-1]
    match prefix.lower():
        case "guid":
            return value
        case "datetimeoffset":
            value = value.upper()
            return value if re.search(r"(Z|[+-]\d\d:\d\d)$", value) else value + "Z"
        case "datetime":
            found = DATETIME.fullmatch(value)
            if found is None:
                raise BindError(f"'{text[:60]}' is not a date and time", code="invalidLiteral")
            return found[1] if type == "Edm.Date" else f"{found[1]}T{found[2] or '00:00'}{found[3] or ':00'}Z"
        case "time":
            return time_of_day(value)
    try:
        data = bytes.fromhex(value)
    except ValueError:
        raise BindError(f"'{text[:60]}' is not a binary literal", code="invalidLiteral") from None
    return f"binary'{base64.urlsafe_b64encode(data).decode()}'"


def time_of_day(text: str) -> str:
    """PT13H20M5.5S as 13:20:05.5. Raises BindError."""
    found = TIME.fullmatch(text)
    if found is None:
        raise BindError(f"'{text[:60]}' is not a time", code="invalidLiteral")
    hours, minutes, seconds = (int(each or 0) for each in found.groups()[:3])
    return f"{hours:02}:{minutes:02}:{seconds:02}{found[4] or ''}"


def expression(text: str, type_of: TypeOf) -> str:
    """A filter or orderby items as 4.0 writes them; `type_of` gives the Edm type of a path. Raises BindError,
    NotImplementedByService for `replace`."""
    tokens = [(match.lastgroup or "", match[0]) for match in TOKEN.finditer(text)]
    out, at = [], 0
    while at < len(tokens):
        found, at = _sequence(tokens, at, type_of)
        out += [found, *(piece for _, piece in tokens[at:at + 1])]
        at += 1
    return "".join(out)


def _sequence(tokens: Sequence[Token], at: int, type_of: TypeOf) -> tuple[str, int]:
    """The tokens from `at` up to the comma or parenthesis that ends them."""
    out: list[str] = []
    compared: str | None = None             # the type of the path in front of an operator
    while at < len(tokens):
        kind, text = tokens[at]
        if text in (",", ")"):
            break
        at += 1
        if text == "(":
            inner, at = _arguments(tokens, at, type_of)
            out.append(f"({','.join(inner)})")
        elif kind == "word" and at < len(tokens) and tokens[at][1] == "(":
            arguments, at = _arguments(tokens, at + 1, type_of)
            out.append(_call(text, arguments))
        elif kind == "word":
            out.append(OPERATORS.get(text, text))
            compared = compared if OPERATORS.get(text, text) in COMPARISONS else type_of(text)
        else:
            out.append(literal(text, compared) if kind in ("typed", "number") else text)
    return "".join(out), at


def _arguments(tokens: Sequence[Token], at: int, type_of: TypeOf) -> tuple[list[str], int]:
    """The arguments behind an open parenthesis, and where it goes on behind the closing one."""
    found: list[str] = []
    while True:
        text, at = _sequence(tokens, at, type_of)
        found.append(text)
        if at >= len(tokens) or tokens[at][1] == ")":
            return found, at + 1
        at += 1


def _call(name: str, arguments: list[str]) -> str:
    if name == "substringof" and len(arguments) == 2:
        return f"contains({arguments[1].strip()},{arguments[0].strip()})"
    if name == "replace":
        raise NotImplementedByService(feature="The function 'replace'")
    if name in TYPE_FUNCTIONS:
        arguments = [*arguments[:-1], arguments[-1].strip().strip("'")]
    return f"{name} ({arguments[0]})" if name in ("not", "and", "or") else f"{name}({','.join(arguments)})"


def split(text: str) -> Iterator[tuple[str | None, str]]:
    """(name, literal) of each key property or argument in the text between parentheses; the name None where a value
    stands alone."""
    pieces, current = [], ""
    for match in TOKEN.finditer(text):
        if match[0] == ",":
            pieces.append(current)
            current = ""
        else:
            current += match[0]
    for piece in (*pieces, current):
        first = TOKEN.match(piece.strip())
        if first is not None and first.lastgroup == "word" and piece.strip()[first.end():].lstrip().startswith("="):
            yield first[0], piece.strip()[first.end():].lstrip()[1:].strip()
        else:
            yield None, piece.strip()


def key_literal(text: str, type: str) -> str:
    """A key value of 4.0 as OData 2.0 writes it."""
    match type:
        case "Edm.Guid":
            return f"guid'{text}'"
        case "Edm.Int64":
            return f"{text}L"
        case "Edm.Decimal":
            return f"{text}M"
        case "Edm.DateTimeOffset":
            return f"datetimeoffset'{text}'"
        case "Edm.Date":
            return f"datetime'{text}T00:00:00'"
        case "Edm.TimeOfDay":
            hours, minutes, seconds = text.split(":")
            return f"time'PT{hours}H{minutes}M{seconds}S'"
        case "Edm.Binary":
            return f"X'{_hexadecimal(text.partition(chr(39))[2][:-1])}'"
    return text if text.startswith("'") or not text.endswith("'") else text[text.index("'"):]


def _hexadecimal(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex().upper()
    except binascii.Error:
        return ""

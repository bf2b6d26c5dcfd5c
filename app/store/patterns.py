"""Patterns: the ECMAScript regular expression of `matchesPattern`, rewritten so that every store reads it alike.

Kept: literals, `.`, classes, `\\d \\w \\s` and their complements, groups (also named and non-capturing), alternation,
the anchors `^ $ \\b \\B`, quantifiers (greedy or not, which no search for a match can tell apart). Look-around, back
references, Unicode property escapes, empty classes and counts above 255 are answered with 501 by name; what is no
ECMAScript pattern at all with 400. The escapes mean what they mean in ECMAScript without flags, character by
character. URL Conventions §5.1.1.7.1.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import re2

from app.errors import BindError, NotImplementedByService

COUNT_LIMIT = 255       # PostgreSQL's
LENGTH_LIMIT = 1000
DEPTH_LIMIT = 50

LINE_ENDS = "\n\r\u2028\u2029"
# what an escape stands for inside a class: \d \w \s, and the complements
RANGES = {"d": "09", "w": "09AZ__az",
          "s": "\t\r  \xa0\xa0\u1680\u1680\u2000\u200a\u2028\u2029\u202f\u202f\u205f\u205f\u3000\u3000\ufeff\ufeff"}


def _classes() -> dict[str, str]:
    found = {}
    for letter, bounds in RANGES.items():
        pairs = list(zip(bounds[::2], bounds[1::2]))
        lows, highs = [1, *(ord(high) + 1 for _, high in pairs)], [*(ord(low) - 1 for low, _ in pairs), 0x10FFFF]
        found[letter] = "".join(_range(low, high) for low, high in pairs)
        found[letter.upper()] = "".join(_range(chr(low), chr(high)) for low, high in zip(lows, highs) if low <= high)
    return found


def _range(low: str, high: str) -> str:
    return f"{class_literal(low)}-{class_literal(high)}"


def class_literal(char: str) -> str:
    """A character that stands for itself inside a class."""
    return "\\" + char if char in "\\^-[]" else char


CLASSES = _classes()
CONTROLS = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_QUANTIFIER = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})")
_NAMED_GROUP = re.compile(r"\?<[A-Za-z_$][A-Za-z0-9_$]*>")
BOUNDARIES = {"sqlite": ("\\b", "\\B"), "postgresql": ("\\y", "\\Y"), "cockroachdb": ("\\b", "\\B"),
              "mariadb": ("\\b", "\\B")}
ENDS = {"sqlite": "$", "postgresql": "$", "cockroachdb": "$", "mariadb": "\\z"}


@functools.lru_cache(1024)
def translate(pattern: str, dialect: str) -> str:
    """The pattern for a database. Raises BindError (400) or NotImplementedByService (501), naming the construct."""
    if len(pattern) > LENGTH_LIMIT:
        raise BindError(f"A pattern is limited to {LENGTH_LIMIT} characters", code="limitExceeded")
    reader = _Reader(pattern, dialect)
    found = reader.alternation(0)
    if reader.position < len(pattern):
        raise reader.invalid("an unmatched ')'")
    if dialect == "sqlite":
        compiled(found)
    else:
        translate(pattern, "sqlite")    # what is too large for one store is refused on all
    return found


@functools.lru_cache(1024)
def compiled(pattern: str) -> Any:
    """A translated pattern, ready to search in time linear in the text."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error:
        raise unsupported("A repetition this large") from None


def unsupported(construct: str) -> NotImplementedByService:
    return NotImplementedByService(feature=f"{construct} in a pattern of matchesPattern")


class _Reader:
    """One pass over a pattern, writing as it reads."""

    def __init__(self, text: str, dialect: str) -> None:
        self.text = text
        self.position = 0
        self.boundary = BOUNDARIES[dialect]
        self.end = ENDS[dialect]

    def invalid(self, reason: str) -> BindError:
        return BindError(f"The pattern has {reason} at position {self.position}", code="invalidPattern")

    def peek(self, text: str) -> bool:
        return self.text.startswith(text, self.position)

    def take(self) -> str:
        if self.position >= len(self.text):
            raise self.invalid("an unexpected end")
        self.position += 1
        return self.text[self.position - 1]

    def alternation(self, depth: int) -> str:
        if depth > DEPTH_LIMIT:
            raise unsupported("Deep nesting")
        branches = [self.sequence(depth)]
        while self.peek("|"):
            self.position += 1
            branches.append(self.sequence(depth))
        return "|".join(branches)

    def sequence(self, depth: int) -> str:
        found = []
        while self.position < len(self.text) and self.text[self.position] not in "|)":
            found.append(self.term(depth))
        return "".join(found)

    def term(self, depth: int) -> str:
        if _QUANTIFIER.match(self.text, self.position):
            raise self.invalid("nothing to repeat")
        char = self.take()
        if char == "^":
            return self.assertion("^")
        if char == "$":
            return self.assertion(self.end)
        if char == "\\" and self.text[self.position:self.position + 1] in ("b", "B"):
            return self.assertion(self.boundary[self.take() == "B"])
        return self.quantified(self.atom(char, depth))

    def assertion(self, text: str) -> str:
        if _QUANTIFIER.match(self.text, self.position):
            raise self.invalid("nothing to repeat")
        return text

    def atom(self, char: str, depth: int) -> str:
        if char == "(":
            return self.group(depth)
        if char == "[":
            return self.character_class()
        if char == ".":
            return f"[^{LINE_ENDS}]"
        if char == "\\":
            found = self.escape()
            return f"[{found}]" if len(found) > 1 else literal(found)
        return literal(char)

    def group(self, depth: int) -> str:
        if self.peek("?:"):
            self.position += 2
        elif named := _NAMED_GROUP.match(self.text, self.position):
            self.position = named.end()
        elif self.peek("?=") or self.peek("?!"):
            raise unsupported("Look-ahead")
        elif self.peek("?<=") or self.peek("?<!"):
            raise unsupported("Look-behind")
        elif self.peek("?"):
            raise self.invalid("an invalid group")
        inner = self.alternation(depth + 1)
        if not self.peek(")"):
            raise self.invalid("an unclosed group")
        self.position += 1
        return f"(?:{inner})"

    def quantified(self, atom: str) -> str:
        found = _QUANTIFIER.match(self.text, self.position)
        if found is None:
            return atom
        self.position = found.end()
        numbers = [int(number) for number in re.findall(r"\d+", found[0])]
        if any(number > COUNT_LIMIT for number in numbers):
            raise unsupported(f"A count above {COUNT_LIMIT}")
        if len(numbers) == 2 and numbers[0] > numbers[1]:
            raise self.invalid("a range of counts out of order")
        if self.peek("?"):
            self.position += 1
        if _QUANTIFIER.match(self.text, self.position):
            raise self.invalid("nothing to repeat")
        return atom + found[0]

    def escape(self) -> str:
        """What an escape stands for: one character, or the inside of a class (longer than one character)."""
        char = self.take()
        if char in CLASSES:
            return CLASSES[char]
        if char in CONTROLS:
            return CONTROLS[char]
        if char in "123456789" or char == "k":
            raise unsupported("A back reference")
        if char in "pP" and self.peek("{"):
            raise unsupported("A Unicode property")
        if char in ("x", "u"):
            return self.code(2 if char == "x" else 4, char)
        if char == "0":
            raise unsupported("U+0000")
        if char == "c":
            letter = self.take()
            if not (letter.isascii() and letter.isalpha()):
                raise self.invalid("an invalid control escape")
            return chr(ord(letter) % 32)
        return char

    def code(self, digits: int, char: str) -> str:
        found = re.compile(r"[0-9A-Fa-f]{%d}" % digits).match(self.text, self.position)
        if found is None:
            return char
        self.position = found.end()
        number = int(found[0], 16)
        if number == 0 or 0xD800 <= number < 0xE000:
            raise unsupported("U+0000 or a surrogate")
        return chr(number)

    def character_class(self) -> str:
        negative = self.peek("^")
        self.position += negative
        if negative and self.peek("]"):
            self.position += 1
            return f"[{_range(chr(1), chr(0x10FFFF))}]"
        if self.peek("]"):
            raise unsupported("An empty class")
        parts: list[str] = []
        while not self.peek("]"):
            parts.append(self.class_item())
        self.position += 1
        return f"[{'^' if negative else ''}{''.join(parts)}]"

    def class_item(self) -> str:
        first = self.class_atom()
        if not (self.peek("-") and not self.peek("-]")):
            return first if len(first) > 1 else class_literal(first)
        self.position += 1
        last = self.class_atom()
        if len(first) > 1 or len(last) > 1:         # '[\w-.]': the minus stands for itself
            return "".join(each if len(each) > 1 else class_literal(each) for each in (first, "-", last))
        if first > last:
            raise self.invalid("a range out of order")
        return f"{class_literal(first)}-{class_literal(last)}"

    def class_atom(self) -> str:
        char = self.take()
        if char != "\\":
            return char
        if self.peek("b"):
            self.position += 1
            return "\b"
        return self.escape()


def literal(char: str) -> str:
    """A character that stands for itself outside a class."""
    return "\\" + char if char in "\\^$.|?*+()[]{}" else char

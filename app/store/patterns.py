"""Patterns: the ECMAScript regular expression of `matchesPattern`, read by us and written so that every store reads it alike.

All of ECMAScript 2016 but what the stores cannot answer alike, which is 501 by name: references to groups that may not
have matched, or from or into look-around; look-behind of no fixed length. `\\p{…}` means general categories, by the
tables of Python. Lazy quantifiers are greedy ones: no search for a match can tell them apart. What is no pattern at all is
400. The escapes mean what they mean in ECMAScript without flags, character by character. URL Conventions §5.1.1.7.1.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import re2

from app.errors import BindError, NotImplementedByService
from app.store import characters, matching
from app.store.characters import Bounds
from app.store.matching import Back, Border, Chars, Choice, Edge, Group, Look, Part, Repeat, Sequence, width

COUNT_LIMIT = 1000      # RE2's
CHUNK = 255             # PostgreSQL's largest count
LENGTH_LIMIT = 1000
DEPTH_LIMIT = 50

CONTROLS = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_QUANTIFIER = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})")
_NAMED_GROUP = re.compile(r"\?<([A-Za-z_$][A-Za-z0-9_$]*)>")
_REFERENCE = re.compile(r"k<([A-Za-z_$][A-Za-z0-9_$]*)>|\d+")
_GROUPS = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?<([A-Za-z_$][A-Za-z0-9_$]*)>|(?!\?))", re.DOTALL)
_PROPERTY = re.compile(r"\{(?:(?:General_Category|gc)=)?([A-Za-z_]+)\}")
_LOW_SURROGATE = re.compile(r"\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})")
SHORT = {(0, None): "*", (1, None): "+", (0, 1): "?"}
LOOKS = {"?=": (True, False), "?!": (True, True), "?<=": (False, False), "?<!": (False, True)}


@functools.lru_cache(1024)
def translate(pattern: str, dialect: str) -> str:
    """The pattern for a database: of SQLite as it is. Raises BindError (400) or NotImplementedByService (501), naming the
    construct; what is too large for one store is refused on all."""
    compiled(pattern)
    return pattern if dialect == "sqlite" else _Writer(dialect, parsed(pattern)).text


@functools.lru_cache(1024)
def parsed(pattern: str) -> Choice:
    """The tree of a pattern. Raises BindError, NotImplementedByService."""
    if len(pattern) > LENGTH_LIMIT:
        raise BindError(f"A pattern is limited to {LENGTH_LIMIT} characters", code="limitExceeded")
    reader = _Reader(pattern)
    found = reader.alternation(0)
    if reader.position < len(pattern):
        raise reader.invalid("an unmatched ')'")
    checked(found, (), {})
    return found


@functools.lru_cache(1024)
def compiled(pattern: str) -> Any:
    """What searches for a pattern on SQLite: RE2, in time linear in the text, and where that cannot, our own search."""
    tree = parsed(pattern)
    if matching.needed(tree):
        return matching.Matcher(tree)
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(_Writer("sqlite", tree).text, options=options)
    except re2.error:
        raise unsupported("A repetition this large") from None


def unsupported(construct: str) -> NotImplementedByService:
    return NotImplementedByService(feature=f"{construct} in a pattern of matchesPattern")


# --- reading ---------------------------------------------------------------------------------------------

class _Reader:
    """One pass over a pattern. `numbers`: those of the groups by where they begin, `names`: by name."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        groups = [each for each in _GROUPS.finditer(text) if each[0][0] == "("]
        self.numbers = {each.start(): number for number, each in enumerate(groups, 1)}
        self.names = {each[1]: number for number, each in enumerate(groups, 1) if each[1]}

    def invalid(self, reason: str) -> BindError:
        return BindError(f"The pattern has {reason} at position {self.position}", code="invalidPattern")

    def peek(self, text: str) -> bool:
        return self.text.startswith(text, self.position)

    def take(self) -> str:
        if self.position >= len(self.text):
            raise self.invalid("an unexpected end")
        self.position += 1
        return self.text[self.position - 1]

    def alternation(self, depth: int) -> Choice:
        if depth > DEPTH_LIMIT:
            raise unsupported("Deep nesting")
        branches = [self.sequence(depth)]
        while self.peek("|"):
            self.position += 1
            branches.append(self.sequence(depth))
        return Choice(tuple(branches))

    def sequence(self, depth: int) -> Sequence:
        found = []
        while self.position < len(self.text) and self.text[self.position] not in "|)":
            found.append(self.term(depth))
        return Sequence(tuple(found))

    def term(self, depth: int) -> Part:
        if _QUANTIFIER.match(self.text, self.position):
            raise self.invalid("nothing to repeat")
        char = self.take()
        if char in "^$":
            return self.assertion(Edge(char == "$"))
        if char == "\\" and self.text[self.position:self.position + 1] in ("b", "B"):
            return self.assertion(Border(self.take() == "B"))
        part = self.atom(char, depth)
        return self.assertion(part) if isinstance(part, Look) else self.quantified(part)

    def assertion(self, part: Part) -> Part:
        if _QUANTIFIER.match(self.text, self.position):
            raise self.invalid("nothing to repeat")
        return part

    def atom(self, char: str, depth: int) -> Part:
        if char == "(":
            return self.group(depth)
        if char == "[":
            return self.character_class()
        if char == ".":
            return Chars(characters.NO_LINE_END)
        if char != "\\":
            return Chars(characters.single(char))
        if self.peek("k<") and self.names or self.text[self.position:self.position + 1] in set("123456789"):
            return self.reference()
        return Chars(self.escape())

    def reference(self) -> Back:
        """What refers to a group, by number or name."""
        found = _REFERENCE.match(self.text, self.position)
        if found is None:
            raise self.invalid("an invalid reference")
        number = self.names.get(found[1], 0) if found[1] else int(found[0])
        if not 0 < number <= len(self.numbers):
            raise self.invalid("a reference to a group that is not there")
        self.position = found.end()
        return Back(number)

    def group(self, depth: int) -> Part:
        number = self.numbers.get(self.position - 1)
        look = next((text for text in LOOKS if self.peek(text)), None) if number is None else None
        if named := _NAMED_GROUP.match(self.text, self.position):
            self.position = named.end()
        elif look is not None:
            self.position += len(look)
        elif self.peek("?:"):
            self.position += 2
        elif self.peek("?"):
            raise self.invalid("an invalid group")
        inner = self.alternation(depth + 1)
        if not self.peek(")"):
            raise self.invalid("an unclosed group")
        self.position += 1
        if look is None:
            return inner if number is None else Group(number, inner)
        ahead, negative = LOOKS[look]
        if not ahead and None in (width(each) for each in inner.branches):
            raise unsupported("Look-behind of no fixed length")
        return Look(ahead, negative, inner)

    def quantified(self, part: Part) -> Part:
        found = _QUANTIFIER.match(self.text, self.position)
        if found is None:
            return part
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
        least = numbers[0] if numbers else int(found[0] == "+")
        most = 1 if found[0] == "?" else numbers[-1] if numbers and ",}" not in found[0] else None
        return Repeat(part, least, most)

    def escape(self) -> Bounds:
        """The characters that an escape stands for."""
        char = self.take()
        if char in characters.ESCAPES:
            return characters.ESCAPES[char]
        if char in CONTROLS:
            return characters.single(CONTROLS[char])
        if char in "123456789" or char == "k":
            raise unsupported("A back reference here")
        if char in "pP" and self.peek("{"):
            return self.category(char == "P")
        if char in ("x", "u"):
            return self.code(2 if char == "x" else 4, char)
        if char == "0":
            return characters.single("\0")
        if char == "c":
            letter = self.take()
            if not (letter.isascii() and letter.isalpha()):
                raise self.invalid("an invalid control escape")
            return characters.single(chr(ord(letter) % 32))
        return characters.single(char)

    def category(self, negative: bool) -> Bounds:
        named = _PROPERTY.match(self.text, self.position)
        found = None if named is None else characters.category(named[1])
        if named is None or found is None:
            raise unsupported("A Unicode property other than a general category")
        self.position = named.end()
        return characters.complement(found) if negative else found

    def code(self, digits: int, char: str) -> Bounds:
        """A character by its number; two surrogates are one."""
        found = re.compile(r"[0-9A-Fa-f]{%d}" % digits).match(self.text, self.position)
        if found is None:
            return characters.single(char)
        self.position = found.end()
        number = int(found[0], 16)
        if 0xD800 <= number < 0xDC00 and (low := _LOW_SURROGATE.match(self.text, self.position)):
            self.position = low.end()
            number = 0x10000 + ((number - 0xD800) << 10) + int(low[1], 16) - 0xDC00
        return number, number + 1

    def character_class(self) -> Chars:
        negative = self.peek("^")
        self.position += negative
        parts: list[Bounds] = []
        while not self.peek("]"):
            parts.append(self.class_item())
        self.position += 1
        found = characters.united(parts)
        return Chars(characters.complement(found) if negative else found)

    def class_item(self) -> Bounds:
        first = self.class_atom()
        if not (self.peek("-") and not self.peek("-]")):
            return first
        self.position += 1
        last = self.class_atom()
        if len(first) != 2 or len(last) != 2 or first[1] - first[0] > 1 or last[1] - last[0] > 1:
            return characters.united((first, characters.single("-"), last))     # '[\\w-.]': the minus stands for itself
        if first > last:
            raise self.invalid("a range out of order")
        return first[0], last[1]

    def class_atom(self) -> Bounds:
        char = self.take()
        if char != "\\":
            return characters.single(char)
        if self.peek("b"):
            self.position += 1
            return characters.single("\b")
        return self.escape()


def checked(part: Part, place: tuple[object, ...], closed: dict[int, tuple[object, ...]]) -> None:
    """Raises NotImplementedByService for a reference to a group that may not have matched where it stands: the stores
    differ in what it matches then. `place`: the branches, repetitions and look-around that the part is in."""
    match part:
        case Back(number):
            known = closed.get(number)
            if known is None or place[:len(known)] != known or any(isinstance(each, Look) for each in place):
                raise unsupported("A reference to a group that may not have matched")
        case Choice(branches) if len(branches) > 1:
            for index, branch in enumerate(branches):
                checked(branch, (*place, (id(part), index)), closed)
        case Repeat(inner):
            checked(inner, (*place, id(part)), closed)
        case Look(inner=inner):
            checked(inner, (*place, part), closed)
        case _:
            for each in matching.below(part):
                checked(each, place, closed)
            if isinstance(part, Group):
                closed[part.number] = place


# --- writing ---------------------------------------------------------------------------------------------

class _Writer:
    """A tree as the text of a pattern for a database; only groups that are referred to are kept as such."""

    def __init__(self, dialect: str, tree: Choice) -> None:
        self.dialect = dialect
        self.numbers = matching.referred(tree)
        self.text = self.alternatives(tree)

    def alternatives(self, choice: Choice) -> str:
        return "|".join("".join(map(self.part, branch.parts)) for branch in choice.branches)

    def part(self, part: Part) -> str:
        match part:
            case Chars(bounds):
                return one_of(bounds)
            case Edge(end):
                return ("\\z" if self.dialect == "mariadb" else "$") if end else "^"
            case Border(inner):
                return self.border(inner)
            case Group(number, choice):
                return f"({'' if number in self.numbers else '?:'}{self.alternatives(choice)})"
            case Choice():
                return f"(?:{self.alternatives(part)})"
            case Back(number):
                return f"(?:\\{self.numbers[number]})"
            case Look(ahead, negative, choice):
                return f"(?{'' if ahead else '<'}{'!' if negative else '='}{self.alternatives(choice)})"
            case Repeat():
                return self.repeated(part)
            case _:
                return "".join(map(self.part, matching.below(part)))

    def border(self, inner: bool) -> str:
        """Between a word and what is none: letters of ASCII, which only RE2 means by itself."""
        if self.dialect == "sqlite":
            return "\\B" if inner else "\\b"
        word = one_of(characters.ESCAPES["w"])
        same, other = f"(?<={word})(?={word})|(?<!{word})(?!{word})", f"(?<={word})(?!{word})|(?<!{word})(?={word})"
        return f"(?:{same if inner else other})"

    def repeated(self, repeat: Repeat) -> str:
        text, least, most = self.part(repeat.part), repeat.least, repeat.most
        if (least, most) in SHORT:
            return text + SHORT[least, most]
        if max(least, most or 0) <= CHUNK:
            return f"{text}{{{least},{'' if most is None else most}}}" if least != most else f"{text}{{{least}}}"
        if any(isinstance(each, Group) and each.number in self.numbers for each in matching.walked(repeat)):
            raise unsupported(f"A count above {CHUNK} of a group that is referred to")
        counts = [f"{{{each}}}" for each in chunks(least)]
        counts += ["*"] if most is None else [f"{{0,{each}}}" for each in chunks(most - least)]
        return "(?:" + "".join(text + each for each in counts) + ")"


def chunks(count: int) -> list[int]:
    """A count as a sum of such as every store takes."""
    return [CHUNK] * (count // CHUNK) + ([count % CHUNK] if count % CHUNK else [])


def one_of(bounds: Bounds) -> str:
    """A set of characters as a class, without U+0000 and the surrogates, which no text holds."""
    ranges = [(max(low, first), min(high, last)) for low, high in zip(bounds[::2], bounds[1::2])
              for first, last in ((1, 0xD800), (0xE000, 0x110000)) if low < last and high > first]
    if not ranges:
        return "[^" + span(1, 0xD800) + span(0xE000, 0x110000) + "]"
    if len(ranges) == 1 and ranges[0][1] - ranges[0][0] == 1:
        char = chr(ranges[0][0])
        return "\\" + char if char in "\\^$.|?*+()[]{}" else char
    return "[" + "".join(span(*each) for each in ranges) + "]"


def span(low: int, high: int) -> str:
    """A range of a class."""
    first, last = ("\\" + each if each in "\\^-[]" else each for each in (chr(low), chr(high - 1)))
    return first if high - low == 1 else f"{first}-{last}"

"""Sets of characters as ranges of code points: the escapes of ECMAScript, complements, the general categories of Unicode.

A set is a sorted tuple of bounds (first, behind the last, first, …): a character is in it where an odd number of bounds is
not above it.
"""

from __future__ import annotations

import functools
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from typing import TypeAlias

Bounds: TypeAlias = tuple[int, ...]

ALL = (0, 0x110000)
LONG_NAMES = {"Letter": "L", "Cased_Letter": "LC", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Titlecase_Letter": "Lt",
              "Modifier_Letter": "Lm", "Other_Letter": "Lo", "Mark": "M", "Number": "N", "Decimal_Number": "Nd",
              "Punctuation": "P", "Symbol": "S", "Separator": "Z", "Space_Separator": "Zs", "Other": "C", "Control": "Cc"}


def united(parts: Iterable[Bounds]) -> Bounds:
    """The characters of any of the sets."""
    found: list[int] = []
    for low, high in sorted((part[index], part[index + 1]) for part in parts for index in range(0, len(part), 2)):
        if found and low <= found[-1]:
            found[-1] = max(found[-1], high)
        else:
            found += (low, high)
    return tuple(found)


def complement(bounds: Bounds) -> Bounds:
    """All other characters."""
    low, high = ALL
    found = bounds[1:] if bounds[:1] == (low,) else (low, *bounds)
    return found[:-1] if found[-1:] == (high,) else (*found, high)


def single(char: str) -> Bounds:
    return ord(char), ord(char) + 1


def contains(bounds: Bounds, char: str) -> bool:
    return bisect_right(bounds, ord(char)) % 2 == 1


def _of(text: str) -> Bounds:
    return united((ord(low), ord(high) + 1) for low, high in zip(text[::2], text[1::2]))


ESCAPES = {"d": _of("09"), "w": _of("09AZ__az"),
           "s": _of("\t\r  \xa0\xa0\u1680\u1680\u2000\u200a\u2028\u2029\u202f\u202f\u205f\u205f\u3000\u3000\ufeff\ufeff")}
ESCAPES |= {letter.upper(): complement(bounds) for letter, bounds in ESCAPES.items()}
NO_LINE_END = complement(_of("\n\n\r\r\u2028\u2029"))


@functools.lru_cache(1)
def _categories() -> dict[str, Bounds]:
    found: dict[str, list[int]] = {}
    last = ""
    for code in range(*ALL):
        category = unicodedata.category(chr(code))
        if category != last:
            if last:
                found[last].append(code)
            found.setdefault(category, []).append(code)
            last = category
    found[last].append(ALL[1])
    return {name: tuple(bounds) for name, bounds in found.items()}


def category(name: str) -> Bounds | None:
    """The characters of a general category, or of all whose name begins so; None for an unknown one."""
    name = LONG_NAMES.get(name, name)
    wanted = ("Lu", "Ll", "Lt") if name == "LC" else (name,)
    parts = [bounds for each, bounds in _categories().items() if each.startswith(wanted)]
    return united(parts) if parts else None

"""Case mapping and white space of Unicode, character by character (URL Conventions §5.1.1.7).

Simple mapping: a character whose full mapping is longer keeps its simple one or stays, so that every store gives the
same.
"""

from __future__ import annotations

import functools

WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"

# Where letters with case are: scripts of the Basic Multilingual Plane, ligatures, full-width forms, planes above.
_RANGES = ((0x41, 0x2E00), (0xA640, 0xAC00), (0xFB00, 0xFB18), (0xFF21, 0xFF5B), (0x10400, 0x10600), (0x10C80, 0x10DA0),
           (0x118A0, 0x118E0), (0x16E40, 0x16EE0), (0x1E900, 0x1E950))


@functools.cache
def _tables() -> tuple[dict[int, int], dict[int, int]]:
    lower, upper = {0x130: 0x69}, {}
    for code in (code for start, end in _RANGES for code in range(start, end)):
        char = chr(code)
        down, up = char.lower(), char.upper()
        if len(up) > 1:             # Greek letters with iota below have a single capital, which is their title case
            up = char.title() if len(char.title()) == 1 else char
        if len(down) == 1 and down != char:
            lower[code] = ord(down)
        if up != char:
            upper[code] = ord(up)
    return lower, upper


def lower(text: str | None) -> str | None:
    """`tolower`."""
    if text is None:
        return None
    return text.lower() if text.isascii() else text.translate(_tables()[0])


def upper(text: str | None) -> str | None:
    """`toupper`."""
    if text is None:
        return None
    return text.upper() if text.isascii() else text.translate(_tables()[1])


def trim(text: str | None) -> str | None:
    """`trim`: without white space at both ends."""
    return None if text is None else text.strip(WHITE_SPACE)

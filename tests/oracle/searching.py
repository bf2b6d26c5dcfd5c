"""`$search`: what is generated, and what the oracle finds: words of NFKC texts in lower case, phrases of them (§5.1.8)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from app.url import nodes as url
from tests.oracle.functions import simple
from tests.oracle.generate import Writer
from tests.oracle.world import Instance, World

SEARCHED = {"World.Thing": ("String", "Other", "Words", "Place/Name"), "World.Owner": ("Name",), "World.Tag": ("Name",),
            "World.Loose": ("Name",)}
WORDS = ("a", "b", "ab", "abc", "ba", "Neil", "ä", "strasse", "12", "red", "line", "TRUE", "null", "y", "20")
PHRASES = ("line break", "o'neil", "a b", "100%", "!!", "2020 02", "A,B", "😀", "Äb", "q", "-12", "ΑΣ", "İ", "ſ")


def searched(writer: Writer, depth: int) -> str:
    """A search expression."""
    if depth and writer.chance(40):
        parts = [searched(writer, depth - 1) for _ in range(2)]
        return f"({writer.one_of((' OR ', ' AND ', ' ')).join(parts)})"
    if depth and writer.chance(20):
        return f"NOT {searched(writer, 0)}"
    return str(writer.one_of(WORDS)) if writer.chance(60) else f'"{writer.one_of(PHRASES)}"'


def matches(search: url.Search, entity: Instance, rows: World) -> bool:
    """Whether an entity has what is searched for, in one of its texts."""
    match search:
        case url.SearchAnd(operands):
            return all(matches(each, entity, rows) for each in operands)
        case url.SearchOr(operands):
            return any(matches(each, entity, rows) for each in operands)
        case url.SearchNot(operand):
            return not matches(operand, entity, rows)
    wanted = words(search.text)
    return bool(wanted) and any(wanted == text[at:at + len(wanted)] for text in map(words, texts(entity, rows))
                                for at in range(len(text)))


def words(text: str) -> list[str]:
    """Runs of letters and digits, in lower case."""
    folded = simple(str.lower)(unicodedata.normalize("NFKC", text))
    return "".join(char if char.isalnum() else " " for char in folded).split()


def texts(entity: Instance, rows: World) -> Iterator[str]:
    for base, paths in SEARCHED.items():
        if rows.model.is_a(entity["@type"], base):
            for path in paths:
                value: Any = entity
                for step in path.split("/"):
                    value = value and value[step]
                yield from (each for each in (value if isinstance(value, list) else [value]) if each is not None)

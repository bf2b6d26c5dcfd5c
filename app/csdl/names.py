"""Names of a document, alias to namespace and back: qualified names, types, paths, targets."""

from __future__ import annotations

import re
from collections.abc import Mapping

_WORD = re.compile(r"[^(),\s]+")


class Names:
    """Replaces the qualifier of names by the map given: alias → namespace for readers, the reverse for writers."""

    def __init__(self, qualifiers: Mapping[str, str]) -> None:
        self.qualifiers = qualifiers
        self._seen: dict[str, str] = {}

    def name(self, name: str) -> str:
        """A qualified name; names without a known qualifier stay as they are."""
        found = self._seen.get(name)
        if found is None:
            head, dot, last = name.rpartition(".")
            found = f"{self.qualifiers[head]}.{last}" if dot and head in self.qualifiers else name
            self._seen[name] = found
        return found

    def type(self, text: str) -> tuple[str, bool]:
        """'Collection(ns.T)' → ('ns.T', True)."""
        if text.startswith("Collection(") and text.endswith(")"):
            return self.name(text[11:-1]), True
        return self.name(text), False

    def path(self, path: str) -> str:
        """A path: qualified segments (casts, containers, overloads with parameter types) and terms after '@'."""
        if "." not in path:
            return path
        found = self._seen.get("/" + path)
        if found is None:
            found = "/".join(self._segment(segment) for segment in _segments(path))
            self._seen["/" + path] = found
        return found

    def _segment(self, segment: str) -> str:
        head, at, term = segment.partition("@")
        if at:
            name, mark, qualifier = term.partition("#")
            return self._segment(head) + at + self.name(name) + mark + qualifier
        if "(" in head:
            return _WORD.sub(lambda match: self.name(match[0]), head)
        return self.name(head) if "." in head else head

    def members(self, text: str) -> tuple[str, ...]:
        """'ns.Enum/A ns.Enum/B' → its members."""
        return tuple(self.path(member) for member in text.split())


def _segments(path: str) -> list[str]:
    """The parts between slashes outside parentheses."""
    if "(" not in path:
        return path.split("/")
    parts, depth, start = [], 0, 0
    for offset, char in enumerate(path):
        depth += (char == "(") - (char == ")")
        if char == "/" and depth <= 0:
            parts.append(path[start:offset])
            start = offset + 1
    return [*parts, path[start:]]

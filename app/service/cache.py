"""Bounded maps for plans and request texts: the oldest entry goes when the map is full (DESIGN §3)."""

from __future__ import annotations

from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

ENTRIES = 4096


class Bounded(Generic[Key, Value]):
    """A dict of at most `size` entries; a lost entry costs a new plan, never an answer."""

    __slots__ = ("_entries", "_size", "get")

    def __init__(self, size: int = ENTRIES) -> None:
        self._entries: dict[Key, Value] = {}
        self._size = size
        self.get = self._entries.get

    def put(self, key: Key, value: Value) -> None:
        """Adds an entry; threads may race here, and then one of them plans again."""
        entries = self._entries
        while len(entries) >= self._size:
            try:
                del entries[next(iter(entries))]
            except (KeyError, StopIteration, RuntimeError):
                break
        entries[key] = value

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

"""Where the decisions of generated requests come from: hypothesis, a random source, or a list that is played again.

`pick(n)` is a number below n; what is simple comes first in each choice, so that smaller numbers write simpler requests.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

Pick = Callable[[int], int]
Made = TypeVar("Made")
TRIES = 400             # requests that may be asked to make one smaller


@st.composite
def drawn(draw: Callable[[st.SearchStrategy[Any]], Any], write: Callable[[Pick], Any]) -> Any:
    """What `write` makes of the choices of hypothesis."""
    return write(lambda count: int(draw(st.integers(0, count - 1))))


class Played:
    """The choices given, then those of a random source, without one zeros; `made` are all that were taken."""

    def __init__(self, given: Sequence[int] = (), source: random.Random | None = None) -> None:
        self.given, self.source = given, source
        self.made: list[int] = []

    def __call__(self, count: int) -> int:
        at = len(self.made)
        if at < len(self.given):
            found = min(self.given[at], count - 1)
        else:
            found = self.source.randrange(count) if self.source is not None else 0
        self.made.append(found)
        return found


def shrunk(choices: Sequence[int], differs: Callable[[Sequence[int]], bool]) -> Sequence[int]:
    """Fewer and smaller choices that still differ."""
    best, left = list(choices), TRIES

    def better(candidate: list[int]) -> bool:
        nonlocal best, left
        if left <= 0 or candidate == best:
            return False
        left -= 1
        if not differs(candidate):
            return False
        best = candidate
        return True

    size = max(len(best) // 2, 1)
    while size and left:
        at = 0
        while at < len(best):
            if not better(best[:at] + best[at + size:]):
                at += size
        size //= 2
    for at in range(len(best)):
        for smaller in (0, 1, best[at] // 2, best[at] - 1):
            if at < len(best) and smaller < best[at] and better([*best[:at], smaller, *best[at + 1:]]):
                break
    return best

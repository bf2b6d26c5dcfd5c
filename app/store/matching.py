"""The tree of a pattern, and a search for it where RE2 cannot: look-around and references to groups.

The search keeps what it has tried, so that without references its time is that of the text times the pattern; with them
the number of steps is limited.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.errors import LimitExceeded, NotImplementedByService
from app.store import characters
from app.store.characters import Bounds

STEPS = 100_000         # of one search
SIZE = 5_000            # instructions of one pattern


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a set."""

    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Edge:
    """The start or the end of the text."""

    end: bool


@dataclass(frozen=True, slots=True)
class Border:
    """A place between a word and what is none, or (`inner`) any other place."""

    inner: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A group that can be referred to by `number`."""

    number: int
    inner: Choice


@dataclass(frozen=True, slots=True)
class Back:
    """What the group matched."""

    number: int


@dataclass(frozen=True, slots=True)
class Look:
    """What follows, or is before, and is not part of the match."""

    ahead: bool
    negative: bool
    inner: Choice


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part so many times; `most` None: without limit."""

    part: Part
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts one behind the other."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several sequences."""

    branches: tuple[Sequence, ...]


Groups: TypeAlias = tuple[tuple[int, int, int], ...]
State: TypeAlias = tuple[int, int, Groups]
Part: TypeAlias = Chars | Edge | Border | Group | Back | Look | Repeat | Sequence | Choice


def below(part: Part) -> tuple[Part, ...]:
    """The parts of a part."""
    match part:
        case Choice(inner) | Sequence(inner):
            return inner
        case Group(_, choice) | Look(_, _, choice):
            return (choice,)
        case Repeat(inner):
            return (inner,)
    return ()


def walked(part: Part) -> Iterator[Part]:
    """A part and all below it."""
    yield part
    for each in below(part):
        yield from walked(each)


def needed(part: Part) -> bool:
    """Whether a pattern is beyond RE2."""
    return any(isinstance(each, Look | Back) for each in walked(part))


def referred(part: Part) -> dict[int, int]:
    """The groups that are referred to, numbered anew in the order of where they begin."""
    wanted = {each.number for each in walked(part) if isinstance(each, Back)}
    found = [each.number for each in walked(part) if isinstance(each, Group) and each.number in wanted]
    return {number: index for index, number in enumerate(found, 1)}


def width(part: Part) -> int | None:
    """How many characters a part takes, where that is always the same."""
    match part:
        case Chars():
            return 1
        case Choice(branches):
            found = {width(each) for each in branches}
            return found.pop() if len(found) == 1 else None
        case Sequence(parts):
            widths = [width(each) for each in parts]
            return None if None in widths else sum(each or 0 for each in widths)
        case Group(_, inner):
            return width(inner)
        case Repeat(inner, least, most):
            one = width(inner)
            return None if one is None or least != most else one * least
        case Back():
            return None
    return 0


class Matcher:
    """A pattern as a program of instructions (what, operand, where to go on)."""

    def __init__(self, tree: Choice) -> None:
        self.program: list[tuple[str, Any, int]] = []
        self.referred = referred(tree)
        self.start = self._part(tree, self._add("match", None, 0))

    def _add(self, what: str, operand: Any, then: int) -> int:
        if len(self.program) >= SIZE:
            raise NotImplementedByService(feature="A repetition this large in a pattern of matchesPattern")
        self.program.append((what, operand, then))
        return len(self.program) - 1

    def _part(self, part: Part, then: int) -> int:
        """Where the instructions of a part begin that is followed by those at `then`."""
        match part:
            case Choice(branches):
                starts = [self._part(each, then) for each in branches]
                found = starts[-1]
                for start in reversed(starts[:-1]):
                    found = self._add("split", start, found)
                return found
            case Sequence(parts):
                for each in reversed(parts):
                    then = self._part(each, then)
                return then
            case Repeat():
                return self._repeat(part, then)
            case Group(number, inner):
                if number not in self.referred:
                    return self._part(inner, then)
                return self._add("open", number, self._part(inner, self._add("close", number, then)))
            case Look(ahead, _, inner):
                back = 0 if ahead else width(inner)
                start = self._part(inner, self._add("match", None, 0))
                return self._add("look", (part.negative, back, start), then)
            case Chars(bounds):
                return self._add("char", bounds, then)
            case Back(number):
                return self._add("back", number, then)
            case Edge(end):
                return self._add("edge", end, then)
            case Border(inner):
                return self._add("border", inner, then)

    def _repeat(self, part: Repeat, then: int) -> int:
        if part.most is None:
            loop = self._add("split", 0, then)
            self.program[loop] = ("split", self._part(part.part, loop), then)
            then = loop
        else:
            end = then
            for _ in range(part.most - part.least):
                then = self._add("split", self._part(part.part, then), end)
        for _ in range(part.least):
            then = self._part(part.part, then)
        return then

    def search(self, text: str) -> bool | None:
        """True where a match stands anywhere in the text. Raises LimitExceeded where that takes too long to tell."""
        run = _Run(self.program, text)
        return True if any(run.matches(self.start, at) for at in range(len(text) + 1)) else None


class _Run:
    """One search: what failed, and how many steps were taken. A state: an instruction, a place in the text, and where the
    groups that are referred to began and ended."""

    def __init__(self, program: list[tuple[str, Any, int]], text: str) -> None:
        self.program, self.text, self.steps = program, text, 0
        self.failed: set[State] = set()
        self.looked: dict[tuple[int, int], bool] = {}

    def matches(self, start: int, at: int, tried: set[State] | None = None) -> bool:
        """Whether the instructions at `start` match from a place of the text."""
        tried = self.failed if tried is None else tried
        waiting: list[State] = [(start, at, ())]
        while waiting:
            state = waiting.pop()
            if state in tried:
                continue
            tried.add(state)
            self.steps += 1
            if self.steps > STEPS:
                raise LimitExceeded(limit="number of steps of matchesPattern on one text", allowed=STEPS)
            index, at, groups = state
            what, operand, then = self.program[index]
            match what:
                case "match":
                    return True
                case "split":
                    waiting += ((then, at, groups), (operand, at, groups))
                case "open":
                    waiting.append((then, at, (*(each for each in groups if each[0] != operand), (operand, at, at))))
                case "close":
                    waiting.append((then, at, tuple((name, begun, at if name == operand else ended)
                                                    for name, begun, ended in groups)))
                case _:
                    end = self.passed(what, operand, at, groups)
                    if end >= 0:
                        waiting.append((then, end, groups))
        return False

    def passed(self, what: str, operand: Any, at: int, groups: Groups) -> int:
        """Where the text goes on behind an instruction that tests it; -1 where it does not hold."""
        text = self.text
        match what:
            case "char":
                return at + 1 if at < len(text) and characters.contains(operand, text[at]) else -1
            case "edge":
                return at if at == (len(text) if operand else 0) else -1
            case "border":
                return at if (self.word(at - 1) == self.word(at)) == operand else -1
            case "back":
                begun, ended = next(each[1:] for each in groups if each[0] == operand)
                known = text[begun:ended]
                return at + len(known) if text.startswith(known, at) else -1
        negative, back, start = operand
        if (start, at) not in self.looked:
            self.looked[start, at] = at >= back and self.matches(start, at - back, set())
        return at if self.looked[start, at] != negative else -1

    def word(self, at: int) -> bool:
        return 0 <= at < len(self.text) and characters.contains(characters.ESCAPES["w"], self.text[at])

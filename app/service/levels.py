"""Levels: the further levels of an expansion with `$levels`, one statement a level, each entity asked about once.

`$levels=max` ends where an entity is among its own ancestors: it is then written as a reference. Protocol §11.2.5.2.1.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from app.errors import LimitExceeded
from app.plan.read import MAX_LEVELS

if TYPE_CHECKING:
    from app.service.rows import Child, Run

ENTITIES = 100_000      # what one recursive expansion may write


class Related(NamedTuple):
    """A related entity: its row, its object without further levels, its canonical path ('' where nobody asks)."""

    row: Sequence[Any]
    made: dict[str, Any]
    path: str


Found = dict[Any, list[Related]]        # link value → related entities, in order


class Levels:
    """What the expansion `child` finds below the entities of its first level."""

    def __init__(self, child: Child, first: Found, run: Run) -> None:
        self.child, self.run = child, run
        assert child.node is not None
        self.expansion, self.model, self.writer = child.expansion, child.environment.model, child.node.writer
        self.everywhere = all(self.model.is_a(each, child.expansion.owner) for each in child.node.shape.variants)
        self.known: Found = dict(first)
        self.written = 0
        self._gather(first)

    def _gather(self, fresh: Mapping[Any, list[Related]]) -> None:
        """Reads level after level what is related to entities not met before."""
        for _ in range(1, self.expansion.levels or MAX_LEVELS):
            wanted = {link: each.path for related in fresh.values() for each in related
                      if (link := self._link(each.row)) is not None and link not in self.known}
            if not wanted:
                return
            fresh = self.child.related(list(wanted), self.run, wanted)
            self.known.update((link, fresh.get(link, [])) for link in wanted)

    def _has(self, row: Sequence[Any]) -> bool:
        """Whether an entity is of a type that has the property."""
        return self.everywhere or self.model.is_a(self.writer.type_of(row), self.expansion.owner)

    def _link(self, row: Sequence[Any]) -> Any:
        """The link value of the next level; None where nothing can be related, or the type has no such property."""
        assert self.expansion.again is not None
        if not self._has(row):
            return None
        return link_of(row, self.expansion.again.own)

    def grown(self, related: Sequence[Related], ancestors: frozenset[str], level: int = 1) -> list[Related]:
        """The entities of a level with those below them; `ancestors`: the paths of the entities above."""
        found = []
        self.written += len(related)
        if self.written > ENTITIES:
            raise LimitExceeded(limit="entities in a recursive expansion", allowed=ENTITIES, target="$expand")
        for each in related:
            if not self.expansion.levels and each.path in ancestors:
                found.append(each._replace(made={self.child.id_name: self.child.parent.root + each.path}))
                continue
            made = dict(each.made)
            if level < (self.expansion.levels or MAX_LEVELS):
                self._continue(each, made, ancestors | {each.path}, level)
            found.append(each._replace(made=made))
        return found

    def _continue(self, each: Related, made: dict[str, Any], ancestors: frozenset[str], level: int) -> None:
        assert self.expansion.again is not None
        if not self._has(each.row):
            return
        below = self.grown(self.known.get(self._link(each.row), ()), ancestors, level + 1)
        at = self.expansion.again.count
        self.child.hand_out(made, below, each.path, self.run, level + 1, None if at is None else each.row[at])


def link_of(row: Sequence[Any], own: Sequence[int]) -> Any:
    """The value that related entities are found by; None where nothing can be related."""
    if not own:
        return ()
    if len(own) == 1:
        return row[own[0]]
    return None if any(row[at] is None for at in own) else tuple(row[at] for at in own)

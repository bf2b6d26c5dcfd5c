"""Delta of expanded properties for OData 4.01: inside the entity that they belong to (JSON Format §15.2, §15.3).

An entity that the client knows has `Nav@delta` with what changed: related entities that are new to it with all that is
expanded below them, changed ones with their own nested deltas, removed ones with the reason. A property of one related
entity has that entity, a removed one, or null. A property of which the log cannot tell single changes (`whole`) is written
in full, as are all properties of entities that are new to the client.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from app.service.changes import Branch
from app.service.delta import Changes
from app.service.delta_links import Looked, Outcome, There

if TYPE_CHECKING:
    from app.service.call import Call


def whole(branch: Branch) -> bool:
    """Whether an expanded property is only ever written in full: a number, the first of many, or a place inside a value."""
    item = branch.item
    return (item.suffix == "$count" or item.options.top is not None or item.options.skip is not None
            or any("." not in step for step in item.path[:-1]) or any(whole(each) for each in branch.interest.branches))


class Nested:
    """The expanded properties of one level."""

    def __init__(self, call: Call, branches: Iterable[Branch]) -> None:
        self.branches = tuple(NestedBranch(call, branch) for branch in branches if not whole(branch))

    def attach(self, call: Call, changes: Changes, made: There) -> set[int]:
        """Puts into known entities (row → object, URL) what happened in their expanded properties; those with any."""
        return {row for branch in self.branches for row in branch.attach(call, changes, made)}


class NestedBranch(Looked):
    """One expanded property in an answer that nests."""

    def __init__(self, call: Call, branch: Branch) -> None:
        super().__init__(call, branch)
        self.inner = Nested(call, self.about.branches)
        self.full = self.node if not self.about.branches else self.compiled(call, self.options)
        navigation = branch.item.navigation
        assert navigation is not None
        self.collection = navigation.collection
        self.member = call.wishes.format.control("delta", self.hop.name) if self.collection else self.hop.name

    def attach(self, call: Call, changes: Changes, made: There) -> set[int]:
        """The rows of entities that have something of this property in them now."""
        paths = {row: path for row, (_, path) in made.items()}
        outcome = self.outcome(call, changes, paths, set())
        known = {target: outcome.there[target] for target in {target for _, target in outcome.now}}
        if self.references:
            id, root = call.wishes.format.control("id"), call.request.root
            known = {target: ({id: root + path}, path) for target, (_, path) in known.items()}
        if self.inner.branches:
            self.complete(call, changes, outcome, paths, known)
            came = {target for _, target in outcome.came}
            told = self.inner.attach(call, changes, {row: each for row, each in known.items() if row not in came})
        else:
            told = set()
        found: dict[int, list[Any]] = {}
        for own, target in outcome.ended:
            ended = self.gone(changes, own, target, outcome.stored.get(target), paths[own])
            if ended is not None:
                reason, base, key = ended
                item = self.keys.removed(call.request.root, base, key, reason)
                found.setdefault(own, []).append(item if self.collection or reason == "deleted" else None)
        for own, target in outcome.now:
            if (own, target) in outcome.came or (target in outcome.changed or target in told) and not self.references:
                found.setdefault(own, []).append(known[target][0])
        for own, items in found.items():
            made[own][0][self.member] = items if self.collection else items[-1]
        return set(found)

    def complete(self, call: Call, changes: Changes, outcome: Outcome, paths: Mapping[int, str], known: There) -> None:
        """Replaces the objects of related entities that are new to the client by those with all that is expanded."""
        owners = {target: paths[own] for own, target in outcome.came}
        known.update(self.read(call, self.full, sorted(owners), owners, changes.window.of(self.hop.target)))

"""A contest: the same request answered by a store and by the oracle, and what differs.

`ask_keys` gives the request to the store as a service would plan it, its literals lifted out; the oracle reads the same
text with the literals in place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.bind import bind
from app.errors import LimitExceeded, NotImplementedByService, ODataError
from app.service.service import Service
from app.url import parse
from tests.oracle import evaluate, world
from tests.oracle.generate import query
from tests.oracle.values import Failure
from tests.oracle.world import Instance, World
from tests.sql import asking


SETS = {"Things": "World.Thing", "Owners": "World.Owner", "Tags": "World.Tag", "Looses": "World.Loose",
        "Things/World.Special": "World.Special", "Things(3)/Children": "World.Thing", "Things(1)/Tags": "World.Tag",
        "Owners('o1')/Things": "World.Thing", "Owners('O1')/Staff": "World.Owner"}
PATHS = ("Things", "Things", "Things", "Looses", "Owners", "Tags")
PLACES = (*PATHS, *SETS)


@dataclass(slots=True)
class Tally:
    """What was asked of one store: `answered` alike, `failed` alike, `refused` by name (501; too large a statement)."""

    store: str
    answered: int = 0
    failed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        return {"agree": self.answered + self.failed, "refused": self.refused.total(), "differ": len(self.differences)}

    def __str__(self) -> str:
        counts = self.counts
        return (f"{counts['agree']:,} agree on {self.store} ({self.failed} failing as they must), {counts['refused']} refused, "
                f"{counts['differ']} differ")


class Difference(AssertionError):
    """A store and the oracle disagree."""

    def __init__(self, world: World, text: str) -> None:
        super().__init__(f"model and rows of seed {world.seed}: {text}")


@dataclass(slots=True)
class Contest:
    """One world in one store, behind a service."""

    service: Service
    world: World
    tally: Tally

    def ask_keys(self, path: str, options: Mapping[str, str]) -> None:
        """Raises Difference where the store's keys, or its failure, are not those of the oracle."""
        text = query(dict(options))
        expected, suspects = self.oracle(path, text)
        try:
            found: Any = asking.keys(world.mapping(self.world.variation), self.service.store, path, text)
        except (NotImplementedByService, LimitExceeded) as error:
            self.tally.refused[error.text] += 1
            return
        except ODataError as error:
            if "cannot hold" in error.text:                 # infinite numbers on MariaDB
                self.tally.refused[error.text] += 1
                return
            self.failing(error, expected, suspects, path, text)
            return
        if isinstance(expected, Failure):
            raise Difference(self.world, f"{path}?{show(options)}\n  the store answers {found}, the oracle fails")
        keys = [key(each) for each in expected]
        if "$orderby" not in options:
            keys, found = sorted(keys), sorted(found)
        if keys != found:
            alone = [each for each in keys if each not in found], [each for each in found if each not in keys]
            raise Difference(self.world, f"{path}?{show(options)}"
                             f"\n  only the oracle: {alone[0]}\n  only the store: {alone[1]}"
                             f"\n  oracle {keys}\n  store  {found}")
        self.tally.answered += 1

    def oracle(self, path: str, text: str) -> tuple[list[Instance] | Failure, bool]:
        """What the answer must be, and whether it may as well be a failure."""
        request = bind(parse(path, text), self.world.model)
        members = self.world.members(path)
        options = request.options
        chosen: list[Instance] | Failure = list(members)
        suspects: list[Failure] = []
        if options.filter is not None:
            chosen, suspects = evaluate.select(options.filter, members, self.world)
        if options.orderby and not isinstance(chosen, Failure):
            chosen = evaluate.arrange(options.orderby, chosen, self.world)
        return chosen, bool(suspects)

    def failing(self, error: ODataError, expected: Any, suspects: bool, path: str, text: str) -> None:
        if error.code not in ("arithmeticOverflow", "divisionByZero"):
            raise Difference(self.world, f"{path}?{text}\n  the store refuses: {error.code}: {error}")
        if not suspects and not isinstance(expected, Failure):
            options = bind(parse(path, text), self.world.model).options
            trees = [options.filter, *(item.expression for item in options.orderby)]
            members = self.world.members(path)
            if not any(tree is not None and evaluate.may_fail(tree, self.world, members) for tree in trees):
                raise Difference(self.world, f"{path}?{text}\n  the store fails: {error.code}; the oracle does not")
        self.tally.failed += 1


def show(options: Mapping[str, str]) -> str:
    return "&".join(f"{name}={text}" for name, text in options.items())


def key(entity: Instance) -> Any:
    """The key of an entity as `asking.keys` gives it."""
    if "A" in entity:
        return entity["A"], entity["B"]
    return entity["Code"] if "Code" in entity else entity["ID"]

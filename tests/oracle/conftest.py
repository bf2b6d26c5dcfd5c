"""The arena of the contests: a store with the rows of one world, and how many requests are generated.

By default a bounded number, always the same; `--soak` generates 20,000 a store, other ones each time, and `ODATA_SOAK`
sets the number. The counts are printed at the end of the run.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, seed, settings

from app.store import Store, connect
from tests.databases import Databases
from tests.oracle import world
from tests.oracle.contest import Contest, Tally

LONG = 20_000

Arena = Callable[[int], Contest]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is generated: `soak` also changes the examples and the rows from run to run."""

    examples: int | None
    soak: bool

    def run(self, default: int, test: Callable[[], None]) -> None:
        """Run a test that was decorated with `given`, this many times."""
        examples = self.examples or default
        number = random.SystemRandom().randrange(2**32) if self.soak else 0
        limits = settings(max_examples=examples, derandomize=not self.soak, database=None, deadline=None,
                          suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink))
        run = limits(test)
        (seed(number)(run) if self.soak else run)()


@pytest.fixture(scope="session")
def effort(request: pytest.FixtureRequest) -> Effort:
    soak = bool(request.config.getoption("--soak"))
    asked = os.environ.get("ODATA_SOAK")
    return Effort(int(asked) if asked else LONG if soak else None, soak)


@pytest.fixture(scope="session")
def arena(databases: Databases) -> Iterator[Arena]:
    """`arena(seed)`: a contest over the world of that seed, in the store under test."""
    opened: dict[int, tuple[Store, str, world.World]] = {}

    def enter(number: int) -> Contest:
        if number not in opened:
            url = databases.empty()
            store, rows = connect(url), world.made(number, finite=databases.store == "mariadb")
            world.load_rows(store, rows)
            opened[number] = store, url, rows
        store, _, rows = opened[number]
        return Contest(store, rows, Tally(databases.store))

    yield enter
    for store, url, _ in opened.values():
        store.close()
        databases.drop(url)

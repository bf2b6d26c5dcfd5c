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
from hypothesis import HealthCheck, Phase, settings

from app.store import Store, connect
from tests.databases import Databases
from tests.oracle import world
from tests.oracle.contest import Contest

FILTERS = 400           # filters a store in a short run
LONG = 20_000           # and in a long one
ROUND = 2_000           # over the same rows

Arena = Callable[[int], Contest]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is generated: `asked` filters a store and of the rest in proportion; `soak` also changes examples and
    rows from run to run."""

    asked: int | None
    soak: bool

    def rounds(self, default: int, first: int) -> Iterator[tuple[int, int]]:
        """(seed of the rows, number of examples): one round, or as many as a long run takes with ever other rows."""
        left = default if self.asked is None else max(self.asked * default // FILTERS, 1)
        seed = random.SystemRandom().randrange(10**6) if self.soak else first
        while left > 0:
            yield seed, min(left, ROUND) if self.soak else left
            left -= ROUND if self.soak else left
            seed += 1

    def run(self, examples: int, test: Callable[[], None]) -> None:
        """Run a test that was decorated with `given`, this many times."""
        limits = settings(max_examples=examples, derandomize=not self.soak, database=None, deadline=None,
                          suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink))
        limits(test)()


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
        return Contest(store, rows)

    yield enter
    for store, url, _ in opened.values():
        store.close()
        databases.drop(url)

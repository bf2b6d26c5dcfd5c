"""The arena of the contests: a store with the rows of one world, and how many requests are generated.

By default 2,230 a store, always the same; `--soak` generates 22,300, other ones each time, and `ODATA_SOAK` sets the number.
The counts are printed at the end of the run.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from app.store import Store, connect
from tests.databases import Databases
from tests.oracle import world
from tests.oracle.contest import Contest
from tests.oracle.world import SEEDS, World

USUAL = 2_230           # requests a store in a short run: what the tests name, put together
LONG = 22_300           # and in a long one
MODELS = 4              # models in a short run
ROUND = 500             # requests over the same model and rows in a long one

Arena = Callable[[int], Contest]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is generated: `asked` requests a store; `soak` also changes examples, rows and models from run to run."""

    asked: int | None
    soak: bool

    def rounds(self, default: int, first: int) -> Iterator[tuple[int, int]]:
        """(seed of model and rows, number of examples), the model as written first in a short run."""
        left = default if self.asked is None else max(self.asked * default // USUAL, 1)
        seed = random.SystemRandom().randrange(10**6) if self.soak else first
        size = ROUND if self.soak else -(-left // MODELS)
        while left > 0:
            yield seed, min(left, size)
            left -= size
            seed += SEEDS

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


Serving = Callable[[int, bool], tuple[Any, World]]


@pytest.fixture(scope="session")
def serving(databases: Databases, shared_service_of: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Serving:
    """`serving(seed, finite)`: a service over the world of that seed, and the world."""
    opened: dict[tuple[int, bool], tuple[Any, World]] = {}

    def open_one(seed: int, finite: bool) -> tuple[Any, World]:
        if (seed, finite) not in opened:
            rows = world.made(seed, finite=finite or databases.store == "mariadb")
            data = world.write_rows(tmp_path_factory.mktemp("oracle"), rows)
            opened[seed, finite] = shared_service_of(world.model_file(rows.variation), data), rows
        return opened[seed, finite]
    return open_one

"""The arena of the contests: stores with the rows of worlds, and how many requests are generated.

By default 2,500 a store, always the same, out of the choices of hypothesis; `--soak` asks 25,000, other ones each time, goes
on past what differs and shows it as small as it gets. `ODATA_SOAK` sets the number, `ODATA_SEED` the first world of a soak.
The counts are printed at the end of the run.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from app.service.service import Service
from app.service.settings import Settings
from tests.conftest import NOW
from tests.databases import Databases
from tests.oracle import world
from tests.oracle.choices import Pick, Played, drawn, shrunk
from tests.oracle.contest import PATHS, SETS, Contest, Difference, Tally, show
from tests.oracle.world import SEEDS, World

USUAL = 2_500           # requests a store in a short run: what the tests name, put together
LONG = 25_000           # and in a long one
MODELS = 4              # models in a short run
ROUND = 500             # requests over the same model and rows in a long one
MANY = 20               # differences after which a soak ends

Arena = Callable[..., Contest]
Compete = Callable[..., None]
Asked: TypeAlias = tuple[str, dict[str, str]]
Write = Callable[[Pick, str, World], dict[str, str]]
Ask = Callable[[Contest, str, dict[str, str]], None]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is generated: `asked` requests a store; a soak also changes requests, rows and models from run to run."""

    asked: int | None
    soak: bool
    seed: int

    def rounds(self, default: int, first: int) -> Iterator[tuple[int, int]]:
        """(seed of model and rows, number of requests), the model as written first in a short run."""
        left = default if self.asked is None else max(self.asked * default // USUAL, 1)
        seed = self.seed if self.soak else first
        size = ROUND if self.soak else -(-left // MODELS)
        while left > 0:
            yield seed, min(left, size)
            left -= size
            seed += SEEDS


@pytest.fixture(scope="session")
def effort(request: pytest.FixtureRequest) -> Effort:
    soak = bool(request.config.getoption("--soak"))
    asked, seed = os.environ.get("ODATA_SOAK"), os.environ.get("ODATA_SEED")
    return Effort(int(asked) if asked else LONG if soak else None, soak,
                  int(seed) if seed else random.SystemRandom().randrange(10**6))


@pytest.fixture(scope="session")
def arena(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """`arena(seed, finite=False)`: a contest over the world of that seed, in the store under test."""
    opened: dict[tuple[int, bool], tuple[Contest, str]] = {}

    def enter(seed: int, finite: bool = False) -> Contest:
        if (seed, finite) not in opened:
            rows = world.made(seed, finite=finite or databases.store == "mariadb")
            data, url = world.write_rows(tmp_path_factory.mktemp("oracle"), rows), databases.empty()
            service = Service.open(Settings(model=world.model_file(rows.variation), data=data, database=url, now=NOW))
            opened[seed, finite] = Contest(service, rows, Tally(databases.store)), url
        return opened[seed, finite][0]

    yield enter
    for contest, url in opened.values():
        contest.service.close()
        databases.drop(url)


@pytest.fixture
def compete(arena: Arena, effort: Effort, databases: Databases, record_property: Callable[[str, Any], None],
            capsys: pytest.CaptureFixture[str]) -> Compete:
    """`compete(name, default, write, ask)`: ask what `write` makes of choices over the worlds that begin with `first`."""
    def tell(text: str) -> None:
        with capsys.disabled():
            print(text, flush=True)

    def run(name: str, default: int, write: Write, ask: Ask, *, first: int = 1, paths: Sequence[str] = PATHS,
            finite: bool = False) -> None:
        tally = Tally(databases.store)
        for seed, count in effort.rounds(default, first):
            contest = arena(seed, finite)
            contest.tally = tally

            def request(pick: Pick, rows: World = contest.world) -> Asked:
                path = paths[pick(len(paths))]
                return path, write(pick, SETS[path], rows)

            if effort.soak:
                soak(contest, request, ask, f"{seed} {name}", count, tell)
            else:
                limits = settings(max_examples=count, derandomize=True, database=None, deadline=None,
                                  suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink))
                limits(given(drawn(request))(lambda asked: ask(contest, *asked)))()
        record_property("count", f"oracle, {name}: {tally}")
        record_property("oracle", (databases.store, tally.counts))
        if tally.differences:
            pytest.fail("\n\n".join([f"{name}: {tally}", *tally.differences]), pytrace=False)
    return run


def soak(contest: Contest, request: Callable[[Pick], Asked], ask: Ask, name: str, count: int,
         tell: Callable[[str], None]) -> None:
    """Ask so many requests, past those that differ, which the tally keeps as small as they get."""
    tally = contest.tally

    def outcome(pick: Pick) -> tuple[type[Exception], str] | None:
        """What is wrong with the answer."""
        asked = request(pick)
        try:
            ask(contest, *asked)
        except Difference as difference:
            return Difference, str(difference)
        except Exception as error:
            return type(error), f"model and rows of seed {contest.world.seed}: {asked[0]}?{show(asked[1])}\n  {error!r}"
        return None

    for number in range(count):
        if len(tally.differences) >= MANY:
            return
        played = Played(source=random.Random(f"{name} {number}"))
        found = outcome(played)
        if found is None:
            continue
        contest.tally = Tally(tally.store)
        kind = found[0]
        least = shrunk(played.made, lambda choices: (outcome(Played(choices)) or (None,))[0] is kind)
        _, text = outcome(Played(least)) or found
        contest.tally = tally
        if not any(each.endswith(text) for each in tally.differences):
            tally.differences.append(f"{name} {number}: {text}")
            tell(f"\n{tally.differences[-1]}")

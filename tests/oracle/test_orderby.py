"""`$orderby`: generated expressions arrange entities on every store as the oracle does (Protocol §11.2.6.2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.databases import Databases
from tests.oracle.conftest import Arena, Effort
from tests.oracle.contest import Tally
from tests.oracle.generate import orders
from tests.oracle.test_filters import PATHS, SETS
from tests.oracle.world import World

EXAMPLES = 420


@pytest.mark.soak
def test_generated_orders(arena: Arena, databases: Databases, effort: Effort,
                          record_property: Callable[[str, Any], None]) -> None:
    tally = Tally(databases.store)
    for seed, examples in effort.rounds(EXAMPLES, 1):
        contest = arena(seed)
        requests = st.sampled_from(PATHS).flatmap(partial(asked, contest.world))
        effort.run(examples, given(requests)(lambda request: contest.ask(*request)))
        tally.add(contest.tally)
    record_property("count", f"oracle, $orderby: {tally}, 0 differences")


def asked(rows: World, path: str) -> st.SearchStrategy[tuple[str, dict[str, str]]]:
    return st.tuples(st.just(path), orders(SETS[path], rows))


FOUND = ["0", "cast(0,Edm.Int32),ID desc", "null,Guid desc", "case(Boolean:Instant) desc,String", "Double desc",
         "Single,Double", "Boolean desc,Form/Tint", "Parent/Owner/Since,Time3 desc", "-(Int64) desc",
         "'a',World.Special/Corner/On"]


@pytest.mark.parametrize("text", FOUND)
def test_found_differences(text: str, arena: Arena) -> None:
    arena(2).ask("Things", {"$orderby": text})

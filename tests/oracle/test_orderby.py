"""`$orderby`: generated expressions arrange entities on every store as the oracle does (Protocol §11.2.6.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.conftest import Arena, Effort
from tests.oracle.generate import orders
from tests.oracle.test_filters import PATHS, SETS

EXAMPLES = 200


@pytest.mark.soak
def test_generated_orders(arena: Arena, effort: Effort, record_property: Callable[[str, Any], None]) -> None:
    contest = arena(2)

    @given(st.sampled_from(PATHS).flatmap(lambda path: st.tuples(st.just(path), orders(SETS[path], contest.world.finite))))
    def run(request: tuple[str, dict[str, str]]) -> None:
        contest.ask(*request)

    effort.run(EXAMPLES, run)
    record_property("count", f"oracle, $orderby: {contest.tally}, 0 differences")

"""Modifications: after generated sequences of requests the store is what the naive model says (Protocol §11.4, §11.7.1, §11.3)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.databases import Databases
from tests.oracle.conftest import Effort
from tests.oracle.history import Ground, tell
from tests.oracle.world import SEEDS

SHORT, LONG = 320, 20_000       # steps a store
SIZE, HISTORY = 80, 250         # and of one history


@pytest.mark.soak
def test_generated_modifications(databases: Databases, effort: Effort, tmp_path_factory: pytest.TempPathFactory,
                                 record_property: Callable[[str, Any], None], capsys: pytest.CaptureFixture[str]) -> None:
    ground = Ground(databases, tmp_path_factory.mktemp("modifications"))
    left = int(os.environ.get("ODATA_SOAK", LONG)) if effort.soak else SHORT
    size, seed, counts, differences = HISTORY if effort.soak else SIZE, effort.seed if effort.soak else 1, Counter[str](), []
    while left > 0 and len(differences) < 20:
        found, wrong = ground.run(seed, range(min(left, size)), counts)
        if wrong:
            least, said = ground.least(seed, range(len(found.log)), wrong)
            differences.append(tell(seed, least or found, said))
            with capsys.disabled():
                print("\n" + differences[-1], flush=True)
        left -= size
        seed += SEEDS
    told = f"{counts['agree'] + counts['failing']:,} agree on {databases.store} ({counts['failing']} failing as they must), " \
        f"{counts['refused']} refused, {len(differences)} differ; {counts['deltas']:,} deltas"
    record_property("count", f"oracle, modifications: {told}")
    record_property("oracle", (databases.store, {"agree": counts["agree"] + counts["failing"], "refused": counts["refused"],
                                                 "differ": len(differences)}))
    assert not differences, "\n\n".join(differences)

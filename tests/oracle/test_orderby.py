"""`$orderby`: generated expressions arrange entities on every store as the oracle does (Protocol §11.2.6.2)."""

from __future__ import annotations

import pytest

from tests.oracle.conftest import Arena, Compete
from tests.oracle.contest import Contest
from tests.oracle.generate import orders


@pytest.mark.soak
def test_generated_orders(compete: Compete) -> None:
    compete("$orderby", 420, orders, Contest.ask_keys)


FOUND = ["0", "cast(0,Edm.Int32),ID desc", "null,Guid desc", "case(Boolean:Instant) desc,String", "Double desc",
         "Single,Double", "Boolean desc,Form/Tint", "Parent/Owner/Since,Time3 desc", "-(Int64) desc",
         "'a',World.Special/Corner/On", "round(Double mul 1e200),floor(Parent/Double mul 1e30)",
         "ceiling(Parent/Double mul -1e40) desc", "cast(-(Int32),Edm.Int32)", "cast(2,World.Marks)", "cast(0,World.Marks),cast(2,Edm.Int64),ID desc", "cast(Int32 mul 2,Edm.Int32),-(Byte) desc"]


@pytest.mark.parametrize("text", FOUND)
def test_found_differences(text: str, arena: Arena) -> None:
    arena(2).ask_keys("Things", {"$orderby": text})

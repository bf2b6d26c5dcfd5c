"""`$apply`: generated pipelines give the rows of the oracle on every store (Data Aggregation §3)."""

from __future__ import annotations

import pytest

from tests.oracle.conftest import Arena, Compete
from tests.oracle.pipelines import pipelines
from tests.oracle.rows import ask_rows


@pytest.mark.soak
def test_generated_pipelines(compete: Compete) -> None:
    compete("$apply", 540, pipelines, ask_rows, first=4, paths=("Things",), finite=True)


FOUND = [
    # a group that loses all its rows has its row all the same; a count of nothing is 0
    "groupby((Bag/Note),filter(null)/aggregate(Int32 with max as A,$count as B))",
    "groupby((Guid,Byte),aggregate(World.Special/Mate/SByte with countdistinct as A,Tags/$count as B))",
    # what a grouping path runs through may be missing
    "groupby((Parent/Place/Size))", "groupby((Place/Spot/On),aggregate($count as A))",
    "groupby((World.Extra/Corner/On))", "groupby((Parent/Form/Tint))", "groupby((Parent/Byte))/groupby((Parent/Byte),aggregate(Parent/Byte with max as A))",
    # sums turn back where values change their sign; null adds nothing
    "topsum(100,SByte)", "topsum(-100,SByte)", "bottomsum(100,Parent/SByte)", "bottomsum(-100,SByte)",
    "bottomsum(0,Byte)",
    "toppercent(99.5,Int16)", "bottompercent(10,SByte)", "toppercent(50,Owner/Rank)",
    # sums that 64 bits do not hold
    "bottomsum(1,Int64)", "aggregate(Int64 with sum as A)", "toppercent(10,Parent/Int64)",
    # numbers beyond the range of a type, flags kept as text
    "filter(Single in (0,1.7976931348623157e+308))", "groupby((Form/World.Round/Marks),aggregate($count as A))",
]


@pytest.mark.parametrize("text", FOUND)
def test_found_differences(text: str, arena: Arena) -> None:
    ask_rows(arena(4, finite=True), "Things", {"$apply": text})

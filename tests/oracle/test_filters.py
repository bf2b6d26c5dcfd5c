"""`$filter`: generated expressions select what the oracle selects, on every store (URL Conventions §5.1.1)."""

from __future__ import annotations

import pytest

from tests.oracle.conftest import Arena, Compete
from tests.oracle.contest import Contest
from tests.oracle.generate import filters


@pytest.mark.soak
def test_generated_filters(compete: Compete) -> None:
    compete("$filter", 950, filters, Contest.ask_keys)


# --- what once differed ----------------------------------------------------------------------------------

FOUND = [
    # a dynamic value of another type is not null
    ("Things", "(Bag/d2 le Date)"), ("Things", "(Bag/d4 ne String)"), ("Things", "(Bag/d3 ge Instant3)"),
    ("Things", "(Bag/d1 eq cast(toupper(''),Edm.Guid))"), ("Looses", "(d1 eq d2)"), ("Looses", "(d3 ge d4)"),
    # NaN of a decimal equals nothing and exceeds nothing
    ("Things", "(Int32 divby 0 eq Int64 divby 0)"), ("Things", "(0 divby 0 ge Int32)"), ("Looses", "(d2 gt -7)"),
    # a number that is already whole is rounded as the decimal that it is promoted to
    ("Things", "round(floor(Place/Size)) eq 0"), ("Things", "not (ceiling(Int64) gt 0)"),
    # enumerations and their text
    ("Things", "cast(concat('',String),World.Color) eq null"), ("Things", "cast(String,World.Marks) ne null"),
    ("Things", "cast(Marks,Edm.String) eq 'B,C'"), ("Things", "contains(cast(Color,Edm.String),'e')"),
    ("Things", "cast('00',World.Color) eq World.Color'Red'"), ("Things", "cast(concat('+',String),World.Color) eq Color"),
    ("Things", "cast('A,A,A',World.Marks) eq Marks"), ("Things", "cast(concat('A,',String),World.Marks) ne null"),
    ("Things", "cast(concat('-0',String),World.Marks) ne null"),
    ("Things", "cast(Int64,World.Color) eq World.Color'Green'"), ("Things", "cast('A,B',World.Marks) eq Marks"),
    # null of no type
    ("Things", "(null has World.Marks'A') eq null"), ("Things", "Duration eq (Date sub null)"), ("Things", "null sub Date eq null"),
    # remainders of doubles are exact
    ("Things", "1e0 mod 0.1e0 gt 0.05"), ("Things", "1e22 mod 3e0 eq 1"), ("Things", "Double mod 0.3e0 gt Parent/Double mod 0.7e0"),
    ("Things", "-1e0 mod 5e-324 eq 0"), ("Things", "(case(Double ne 0:Double) mod case(Parent/Double ne 0:Parent/Double)) eq null"),
    # a collection is never null
    ("Things", "hassubset(substring(Colors,Parent/ID,2),[])"),
    ("Things", "not (null)"), ("Things", "case(Boolean:null) eq null"), ("Things", "(Boolean le case(Boolean:null))"),
    # a column behind a cast to a derived type
    ("Things", "World.Extra/Corner/On eq 0001-01-01"), ("Things", "World.Special/Corner/X add 1 gt 1"),
    # positions that only 64 bits hold, and null positions
    ("Things", "substring(String,Int64) eq ''"), ("Things", "substring(String,0,Int64) eq 'a'"),
    ("Things", "substring(String,SByte,Int32) eq null"), ("Things", "substring(String,1,Byte) eq 'b'"),
    # what structures are made of
    ("Things", "Form ne Parent/Form"), ("Things", "Place eq Parent/Place"), ("Things", "Place/Home eq Place/Spot"),
    # factors of durations that are no number
    ("Things", "Duration mul Double eq Duration"), ("Things", "duration'PT1S' mul Parent/Double gt duration'PT1S'"),
    # constants as operands
    ("Things", "isof(World.Thing) gt Boolean"), ("Looses", "d4 ne isof(-(0),Edm.Decimal)"),
]


@pytest.mark.parametrize(("path", "text"), FOUND, ids=[text for _, text in FOUND])
def test_found_differences(path: str, text: str, arena: Arena) -> None:
    arena(1).ask_keys(path, {"$filter": text})

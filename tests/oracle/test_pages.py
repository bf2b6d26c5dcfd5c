"""Options together, page by page: all pages of generated requests are the answer of the oracle (Protocol §11.2.5, §11.2.6)."""

from __future__ import annotations

import pytest

from tests.oracle.conftest import Arena, Compete
from tests.oracle.contest import PLACES
from tests.oracle.pages import ask_pages, pages


@pytest.mark.soak
def test_generated_pages(compete: Compete) -> None:
    compete("pages", 270, pages, ask_pages, paths=PLACES)


FOUND = [{"$compute": "round(0) as C1,floor(Required) as C2"}, {"$select": "Forms/Label,Spots/On", "$expand": "Children,Parts"},
         {"$compute": "0001-01-01T00:00:00.123456789012Z as C1", "$orderby": "C1,Double"},
         {"$compute": "((null add duration'PT0S') sub null) as C1", "$orderby": "(C1 add duration'PT0S')"},
         {"$orderby": "Parent/Double,String desc", "$select": "Place/Spot"}]


@pytest.mark.parametrize("options", FOUND, ids=str)
def test_found_differences(options: dict[str, str], arena: Arena) -> None:
    ask_pages(arena(2), "Things", {**options, "maxpagesize": "2"})


@pytest.mark.parametrize(("seed", "path", "options"), [
    (727080, "Things", {"$filter": "Bag/d1 div ID le 0"}),          # the quotient of a number of 309 digits
    (727100, "Things(1)/Tags", {"$compute": "(0001-01-01T00:00:00Z sub 9999-12-31T00:00:00Z) as C1",      # of no entities
                                "$filter": "(now() add C1) eq 0001-01-01T00:00:00Z"}),
])
def test_found_in_other_worlds(seed: int, path: str, options: dict[str, str], arena: Arena) -> None:
    ask_pages(arena(seed), path, {**options, "maxpagesize": "7"})

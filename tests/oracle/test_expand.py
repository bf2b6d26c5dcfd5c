"""`$expand`: nested entities of generated requests are those of the oracle, in its order (URL Conventions §5.1.3).

The whole service answers: one read per expanded path, stitched together.
"""

from __future__ import annotations

import pytest

from tests.oracle.conftest import Arena, Compete
from tests.oracle.contest import PLACES
from tests.oracle.nested import ask_nested, expands


@pytest.mark.soak
def test_generated_expands(compete: Compete) -> None:
    compete("$expand", 320, expands, ask_nested, paths=PLACES)


FOUND = [
    ("Things", {"$expand": "Parts($orderby=null;$top=1;$count=true),Lid"}),
    ("Things", {"$expand": "Children($filter=Parts/$count($filter=$it/Boolean or null) eq 0;$orderby=0)"}),
    ("Things", {"$expand": "Friends/World.Special($orderby=Double desc;$skip=1;$expand=Mate,Tags/$ref($top=1))"}),
    ("Owners", {"$expand": "Things($orderby=Place/Price,String desc;$top=2;$expand=Parent($expand=Owner)),"
                           "Boss($expand=Staff)"}),
]


@pytest.mark.parametrize(("path", "options"), FOUND, ids=[options["$expand"] for _, options in FOUND])
def test_found_differences(path: str, options: dict[str, str], arena: Arena) -> None:
    ask_nested(arena(3), path, options)

"""`$apply`: generated pipelines give the rows of the oracle on every store (Data Aggregation §3).

The whole service answers. Rows are compared without their order, except behind `orderby` at the end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from app.bind import bind, nodes
from app.service.request import Request
from app.url import parse
from tests.databases import Databases
from tests.oracle import aggregation
from tests.oracle.conftest import Effort, Serving
from tests.oracle.contest import Difference, Tally, key, show
from tests.oracle.generate import query
from tests.oracle.pipelines import pipelines
from tests.oracle.world import Instance, World

EXAMPLES = 540
FRACTION = re.compile(r"^((?:\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d)\.(\d*?)0*(Z?)$")


def expected(apply: nodes.Apply, rows: World) -> list[Any]:
    """What the answer shows: objects, or keys with added properties."""
    found = aggregation.run(apply, rows.sets["Things"], rows)
    if apply.row is not None:
        kinds = {"/".join(each.path): each.type for each in apply.row}
        return [aggregation.shown(row, kinds, rows) for row in found]
    return [{"@key": key(row)} | {each.name: aggregation.text_of(row.get(each.name), each.type, rows)
                                  for each in apply.aliases} for row in found]


def answered(row: dict[str, Any], apply: nodes.Apply) -> Any:
    """An object of the answer, as far as it is compared."""
    if apply.row is not None:
        return bare(row)
    return {"@key": key(Instance(row)), **{each.name: bare(row.get(each.name)) for each in apply.aliases}}


def bare(found: Any) -> Any:
    """A value without control information, instants without the zeros that a Precision adds."""
    if isinstance(found, dict):
        return {name: bare(each) for name, each in found.items() if "@" not in name}
    fraction = FRACTION.match(found) if isinstance(found, str) else None
    return f"{fraction[1]}{'.' if fraction[2] else ''}{fraction[2]}{fraction[3]}" if fraction else found


def refused(error: dict[str, Any]) -> bool:
    """Whether a store says that it cannot: too large a statement, a number that it has no place for."""
    return error["code"] == "limitExceeded" or "cannot hold" in error["message"]


def ask(service: Any, rows: World, tally: Tally, options: dict[str, str]) -> None:
    text = query(options)
    request = bind(parse("Things", text), rows.model)
    apply = request.options.apply
    assert apply is not None
    response = service.handle(Request("GET", "Things", text))
    body = json.loads(response.read(), parse_float=Decimal)
    if response.status == 501 or response.status == 400 and refused(body["error"]):
        tally.refused[body["error"]["message"]] += 1
        return
    try:
        wanted = expected(apply, rows)
    except aggregation.Failed as failure:
        if response.status == 200:
            raise Difference(rows, f"{show(options)}\n  the service answers, the oracle fails: {failure}") from None
        tally.failed += 1
        return
    if response.status != 200:
        if body["error"]["code"] not in ("arithmeticOverflow", "divisionByZero") or "filter" not in options["$apply"]:
            raise Difference(rows, f"{show(options)}\n  {response.status} {body}")
        tally.failed += 1           # in a filter, on the way to rows that do not count
        return
    found = [answered(row, apply) for row in body["value"]]
    rest = list(found)
    for row in wanted:
        match = next((at for at, each in enumerate(rest) if aggregation.alike(row, each)), None)
        if match is None:
            raise Difference(rows, f"{show(options)}\n  only the oracle: {row}\n  left over: {rest}"
                             f"\n  oracle  {wanted}\n  service {found}")
        rest.pop(match)
    if rest:
        raise Difference(rows, f"{show(options)}\n  only the service: {rest}\n  oracle {wanted}")
    tally.answered += 1


@pytest.mark.soak
def test_generated_pipelines(serving: Serving, databases: Databases, effort: Effort,
                             record_property: Callable[[str, Any], None]) -> None:
    tally = Tally(databases.store)
    for seed, examples in effort.rounds(EXAMPLES, 4):
        tested, rows = serving(seed, True)
        effort.run(examples, given(pipelines(rows))(lambda options: ask(tested, rows, tally, options)))
    record_property("count", f"oracle, $apply: {tally}, 0 differences")


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
def test_found_differences(text: str, serving: Serving, databases: Databases) -> None:
    ask(*serving(4, True), Tally(databases.store), {"$apply": text})

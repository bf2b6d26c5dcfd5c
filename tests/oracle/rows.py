"""Rows of `$apply`: the answer of a service and that of the oracle (Data Aggregation §3). Rows have no order to compare."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from app.bind import bind, nodes
from app.service.request import Request
from app.url import parse
from tests.oracle import aggregation
from tests.oracle.contest import Contest, Difference, key, show
from tests.oracle.generate import query
from tests.oracle.world import Instance, World

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
    if isinstance(found, list):
        return [bare(each) for each in found]
    fraction = FRACTION.match(found) if isinstance(found, str) else None
    return f"{fraction[1]}{'.' if fraction[2] else ''}{fraction[2]}{fraction[3]}" if fraction else found


def refused(error: dict[str, Any]) -> bool:
    """Whether a store says that it cannot: too large a statement, a number that it has no place for."""
    return error["code"] == "limitExceeded" or "cannot hold" in error["message"]


def ask_rows(contest: Contest, path: str, options: dict[str, str]) -> None:
    """Raises Difference where the rows are not those of the oracle, in any order."""
    rows, tally, text = contest.world, contest.tally, query(options)
    request = bind(parse(path, text), rows.model)
    apply = request.options.apply
    assert apply is not None
    response = contest.service.handle(Request("GET", path, text))
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

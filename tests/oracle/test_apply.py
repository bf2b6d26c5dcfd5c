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
from tests.oracle import aggregation, world
from tests.oracle.conftest import Effort
from tests.oracle.contest import Difference, Tally, key, show
from tests.oracle.generate import query
from tests.oracle.pipelines import pipelines
from tests.oracle.world import Instance, World

EXAMPLES = 250
FRACTION = re.compile(r"^((?:\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d)\.(\d*?)0*(Z?)$")


@pytest.fixture(scope="session")
def service(shared_service_of: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, World]:
    rows = world.made(4, finite=True)
    data = world.write_rows(tmp_path_factory.mktemp("oracle"), rows)
    return shared_service_of(world.MODEL_FILE, data), rows


def expected(apply: nodes.Apply, rows: World) -> list[Any]:
    """What the answer shows: objects, or keys with added properties."""
    found = aggregation.run(apply, rows.sets["Things"], rows)
    if apply.row is not None:
        kinds = {"/".join(each.path): each.type for each in apply.row}
        return [aggregation.shown(row, kinds, rows) for row in found]
    return [{"@key": key(row), **{each.name: aggregation.text_of(row.get(each.name), each.type, rows) for each in apply.aliases}}
            for row in found]


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


def ask(service: Any, rows: World, tally: Tally, options: dict[str, str]) -> None:
    text = query(options)
    request = bind(parse("Things", text), rows.model)
    apply = request.options.apply
    assert apply is not None
    response = service.handle(Request("GET", "Things", text))
    body = json.loads(response.read(), parse_float=Decimal)
    if response.status == 501 or response.status == 400 and body["error"]["code"] == "limitExceeded":
        tally.refused[body["error"]["message"]] += 1
        return
    try:
        wanted = expected(apply, rows)
    except aggregation.Failed as failure:
        if response.status == 200:
            raise Difference(f"{show(options)}\n  the service answers, the oracle fails: {failure}") from None
        tally.failed += 1
        return
    if response.status != 200:
        if body["error"]["code"] not in ("arithmeticOverflow", "divisionByZero") or "filter" not in options["$apply"]:
            raise Difference(f"{show(options)}\n  {response.status} {body}")
        tally.failed += 1           # in a filter, on the way to rows that do not count
        return
    found = [answered(row, apply) for row in body["value"]]
    rest = list(found)
    for row in wanted:
        match = next((at for at, each in enumerate(rest) if aggregation.alike(row, each)), None)
        if match is None:
            raise Difference(f"{show(options)}\n  only the oracle: {row}\n  left over: {rest}\n  oracle {wanted}\n  service {found}")
        rest.pop(match)
    if rest:
        raise Difference(f"{show(options)}\n  only the service: {rest}\n  oracle {wanted}")
    tally.answered += 1


@pytest.mark.soak
def test_generated_pipelines(service: tuple[Any, World], databases: Databases, effort: Effort,
                             record_property: Callable[[str, Any], None]) -> None:
    tested, rows = service
    tally = Tally(databases.store)

    @given(pipelines())
    def run(options: dict[str, str]) -> None:
        ask(tested, rows, tally, options)

    effort.run(EXAMPLES, run)
    record_property("count", f"oracle, $apply: {tally}, 0 differences")

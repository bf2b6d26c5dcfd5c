"""Entities with what is expanded below them: answers of a service and those of the oracle (URL Conventions §5.1.3).

Keys at every level are compared, and counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

from app.bind import bind, nodes
from app.service.request import Request
from app.url import parse
from tests.oracle import evaluate, world
from tests.oracle.contest import Contest, Difference, key, show
from tests.oracle.evaluate import Env
from tests.oracle.generate import query
from tests.oracle.values import Failure
from tests.oracle.world import Instance, World


class Failed(Exception):
    """The oracle: the request must fail."""


def trees(members: Sequence[Instance], options: nodes.Options, rows: World, it: Instance | None = None) -> list[Any]:
    """Entities as far as the answer shows them, after filter, order, skip, top: [key, {navigation property: below}].
    `it`: the entity that the resource path addresses, for those below it."""
    return [[key(each), below(each, options, rows, it or each)] for each in cut(chosen(members, options, rows, it), options)]


def cut(found: Sequence[Instance], options: nodes.Options) -> Sequence[Instance]:
    """What `$skip` and `$top` leave."""
    start = options.skip if isinstance(options.skip, int) else 0
    return found[start:] if options.top is None else found[start:start + int(str(options.top))]


def chosen(members: Sequence[Instance], options: nodes.Options, rows: World, it: Instance | None) -> list[Instance]:
    names = {each.name: each.expression for each in options.compute}
    found = [each for each in members if options.filter is None or truth(options.filter, Env(rows, each, it or each, names=names))]
    arranged = evaluate.arrange(options.orderby, sorted(found, key=position(rows)), rows, it, names)
    if isinstance(arranged, Failure):
        raise Failed
    return arranged


def truth(predicate: Any, env: Env) -> bool:
    outcome = evaluate.evaluate(predicate, env)
    if isinstance(outcome, Failure):
        raise Failed
    return outcome is True


def position(rows: World) -> Callable[[Instance], int]:
    """Where an entity is stored, which decides among equals; contained ones keep their order."""
    places = {id(each): at for members in rows.sets.values() for at, each in enumerate(members)}
    return lambda entity: places.get(id(entity), 0)


def below(entity: Instance, options: nodes.Options, rows: World, it: Instance) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for item in options.expand:
        name = item.path[-1]
        if name not in entity:
            continue                        # of a derived type that this is not
        related = entity[name]
        if item.cast:
            kept = [each for each in (related if isinstance(related, list) else [related])
                    if each is not None and rows.model.is_a(each["@type"], item.cast)]
            related = kept if isinstance(related, list) else kept[0] if kept else None
        if isinstance(related, list):
            made[name] = trees(related, item.options, rows, it)
            if item.options.count:
                made[name + "@odata.count"] = len(chosen(related, item.options, rows, it))
        else:
            made[name] = None if related is None else [key(related), below(related, item.options, rows, it)]
    return made


def addresses(rows: World) -> dict[str, Any]:
    """Entity-id below the service root → key."""
    found = {}
    for members in rows.sets.values():
        for each in members:
            found[world.address(each)] = key(each)
            for segment, part in rows.contained(each):
                found[f"{world.address(each)}/{segment}"] = key(part)
                for below, screw in rows.contained(part):
                    found[f"{world.address(each)}/{segment}/{below}"] = key(screw)
    return found


def answered(value: Any, expected: Any, ids: dict[str, Any]) -> Any:
    """An answer in the form of `trees`, as far as that looks."""
    if isinstance(value, list):
        return [answered(each, expected[at] if isinstance(expected, list) and at < len(expected) else None, ids)
                for at, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    wanted = expected[1] if isinstance(expected, list) and len(expected) == 2 and isinstance(expected[1], dict) else {}
    shown = {name: answered(each, wanted.get(name), ids) for name, each in value.items()
             if name.endswith("@odata.count") or isinstance(each, list | dict) and name in wanted
             or each is None and name in wanted}
    if {*value} <= {"@odata.id", "@odata.type"}:
        return [ids[unquote(value["@odata.id"]).removeprefix("http://localhost/")], {}]
    return [key(Instance(value)), shown]


def ask_nested(contest: Contest, path: str, options: dict[str, str]) -> None:
    """Raises Difference where the entities of any level are not those of the oracle, in its order."""
    rows, tally, text = contest.world, contest.tally, query(options)
    response = contest.service.handle(Request("GET", path, text))
    body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
    if response.status == 501 or b'"limitExceeded"' in body or b"cannot hold" in body:
        tally.refused[json.loads(body)["error"]["message"]] += 1
        return
    request = bind(parse(path, text), rows.model)
    try:
        expected = trees(rows.sets[path], request.options, rows)
    except Failed:
        expected = []
        if "$top=0" in options.get("$expand", ""):        # what is not shown is not computed
            return
        if response.status == 200:
            raise Difference(rows, f"{path}?{show(options)}\n  the service answers, the oracle fails") from None
    if response.status != 200:
        tally.failed += 1
        if json.loads(body)["error"]["code"] not in ("arithmeticOverflow", "divisionByZero"):
            raise Difference(rows, f"{path}?{show(options)}\n  {response.status} {body!r}")
        return
    found = answered(json.loads(body)["value"], expected, addresses(rows))
    if found != expected:
        raise Difference(rows, f"{path}?{show(options)}\n  oracle  {expected}\n  service {found}")
    tally.answered += 1

"""Entities with what is expanded below them: answers of a service and those of the oracle (URL Conventions §5.1.3).

Keys at every level are compared, and counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from app.bind import bind, nodes
from app.service.request import Request
from app.url import parse
from tests.oracle import evaluate, world
from tests.oracle.choices import Pick
from tests.oracle.contest import SETS, Contest, Difference, key, show
from tests.oracle.evaluate import Env
from tests.oracle.generate import NAMES, Start, Writer, items, query
from tests.oracle.searching import matches, searched
from tests.oracle.values import Failure
from tests.oracle.world import Instance, World


# --- what is asked ---------------------------------------------------------------------------------------

def expands(pick: Pick, type_name: str, rows: World, depth: int = 3) -> dict[str, str]:
    """`$expand` of up to three navigation properties, nested, with options of their own; and options beside it."""
    writer = Writer(pick, type_name, rows)
    options = {"$expand": expand(writer, type_name, depth)}
    if writer.chance(40):
        options["$filter"] = writer.boolean(1)
    if writer.chance(30):
        options["$orderby"] = items(writer)
    if writer.chance(30):
        options["$top"] = str(writer.one_of((1, 3, 10)))
    return {**options, **writer.aliases}


def expand(writer: Writer, type_name: str, depth: int) -> str:
    """Each path once."""
    model = writer.model
    known = {name: navigation for name, navigation in model.navigations(type_name).items()}
    for derived in model.derived(type_name):
        known.update({f"{derived}/{name}": navigation for name, navigation in model.navigations(derived).items()
                      if model.declaring(derived, name) == derived})
    return ",".join(_item(writer, name, known[name], depth) for name in writer.some_of(sorted(known), 3))


def _item(writer: Writer, name: str, navigation: Any, depth: int) -> str:
    starts, aliases, names = writer.starts, writer.aliases, writer.names
    target, suffix = navigation.type, ""
    if writer.model.derived(target) and writer.chance(15):
        target = writer.one_of(writer.model.derived(target))
        name = f"{name}/{target}"
    elif writer.chance(10):
        suffix = "/$ref"
    writer.starts, writer.names = [Start("", target)], {}
    options = _options(writer, navigation, target, depth, suffix)
    again = writer.model.navigations(target).get(name)
    if not suffix and again is not None and again.type == navigation.type and not any(each.startswith("$expand") for each in options) \
            and writer.chance(25):
        options.append(f"$levels={writer.one_of((2, 3, 1))}")
    writer.starts, writer.aliases, writer.names = starts, aliases, names
    return name + suffix + (f"({';'.join(options)})" if options else "")


def _options(writer: Writer, navigation: Any, target: str, depth: int, suffix: str) -> list[str]:
    options = []
    if not suffix and writer.chance(15):
        options.append(f"$compute={computed(writer)}")
    if navigation.collection:
        if writer.chance(50):
            options.append(f"$filter={writer.boolean(2)}")
        if writer.chance(50):
            options.append(f"$orderby={items(writer)}")
        if writer.chance(40):
            options.append(f"$top={writer.one_of((1, 2, 0))}")
        if writer.chance(30):
            options.append(f"$skip={writer.one_of((1, 2))}")
        if writer.chance(30):
            options.append("$count=true")
        if navigation.type in SETS.values() and writer.chance(8):
            options.append(f"$search={searched(writer, 1)}")
    if not suffix and depth > 1 and writer.chance(50) and writer.model.navigations(target):
        options.append(f"$expand={expand(writer, target, depth - 1)}")
    return options


def computed(writer: Writer) -> str:
    """One or two computed properties, which the other options may use."""
    kinds: Sequence[tuple[str, Callable[[int], str]]] = (
        ("Edm.Int32", writer.integer), ("Edm.Double", writer.number), ("Edm.String", writer.string),
        ("Edm.Date", writer.date), ("Edm.DateTimeOffset", writer.instant), ("Edm.Boolean", writer.boolean),
        ("Edm.Duration", writer.duration), ("Edm.TimeOfDay", writer.time), ("Edm.Guid", writer.guid),
        ("World.Color", writer.color))
    made, added = [], {}
    for name in ("C1", "C2")[:writer.one_of((1, 2))]:
        kind, write = writer.one_of(kinds)
        text = write(2)
        made.append(f"{text if text != 'null' else f'cast(null,{kind})'} as {name}")
        added[kind] = (*added.get(kind, ()), name)
    writer.names = added
    writer.starts = [NAMES, *writer.starts]
    return ",".join(made)


# --- what the oracle shows -------------------------------------------------------------------------------

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
    names = names_of(options)
    found = [each for each in members if (options.search is None or matches(options.search, each, rows))
             and (options.filter is None or truth(options.filter, Env(rows, each, it or each, names=names)))]
    arranged = evaluate.arrange(options.orderby, sorted(found, key=position(rows)), rows, it, names)
    if isinstance(arranged, Failure):
        raise Failed
    return arranged


def names_of(options: nodes.Options) -> dict[str, nodes.Expression]:
    return {each.name: each.expression for each in options.compute}


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
        related, nested = entity[name], item.options
        if item.levels > 1:
            nested = replace(nested, expand=(*nested.expand, replace(item, levels=item.levels - 1)))
        if item.cast:
            kept = [each for each in (related if isinstance(related, list) else [related])
                    if each is not None and rows.model.is_a(each["@type"], item.cast)]
            related = kept if isinstance(related, list) else kept[0] if kept else None
        if isinstance(related, list):
            made[name] = trees(related, nested, rows, it)
            if item.options.count:
                made[name + "@odata.count"] = len(chosen(related, item.options, rows, it))
        else:
            made[name] = None if related is None else [key(related), below(related, nested, rows, it)]
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
        expected = trees(rows.members(path), request.options, rows)
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

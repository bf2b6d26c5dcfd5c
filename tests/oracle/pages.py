"""Whole requests, page by page: options together, every value that is shown, counts, and links to the next page.

All pages put together are the answer of the oracle: `$search`, `$filter` and `$orderby` over computed properties, then
`$skip` and `$top`; of each entity the selected properties with their values. Protocol §11.2.5, §11.2.6.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from app.bind import bind, nodes
from app.edm import types
from app.service.request import Request
from app.url import parse
from tests.oracle import evaluate, nested
from tests.oracle.aggregation import text_of
from tests.oracle.choices import Pick
from tests.oracle.contest import Contest, Difference, show
from tests.oracle.evaluate import Env
from tests.oracle.generate import Writer, items, query
from tests.oracle.nested import computed, expand
from tests.oracle.rows import bare
from tests.oracle.searching import searched
from tests.oracle.values import Failure
from tests.oracle.world import Instance, Typed, World

SIZE = "maxpagesize"                # not an option: a preference
FAILURES = ("arithmeticOverflow", "divisionByZero")


# --- what is asked ---------------------------------------------------------------------------------------

def pages(pick: Pick, type_name: str, rows: World) -> dict[str, str]:
    """Options that are used together, and the size of a page."""
    writer = Writer(pick, type_name, rows)
    options: dict[str, str] = {}
    if writer.chance(50):
        options["$compute"] = computed(writer)
    if writer.chance(50):
        options["$filter"] = writer.boolean(2)
    if writer.chance(60):
        options["$orderby"] = items(writer)
    if writer.chance(60):
        options["$select"] = _selected(writer, type_name)
    if writer.chance(20):
        options["$search"] = searched(writer, 2)
    if writer.chance(15):
        options["$expand"] = expand(writer, type_name, 1)
    for name, choices in (("$skip", (1, 3, 0, 50)), ("$top", (5, 1, 0, 12, 100))):
        if writer.chance(25):
            options[name] = str(writer.one_of(choices))
    if writer.chance(40):
        options["$count"] = "true"
    return {**options, SIZE: str(writer.one_of((7, 2, 1, 11, 100))), **writer.aliases}


def _selected(writer: Writer, type_name: str) -> str:
    model = writer.model
    own = [*model.properties(type_name)]
    derived = [f"{each}/{name}" for each in model.derived(type_name) for name in model.properties(each)
               if model.declaring(each, name) == each]
    below = [f"{name}/{inner}" for name in own if (ref := model.underlying(model.properties(type_name)[name].type))
             and model.kind(ref.name) == "complex" for inner in model.properties(ref.name)]
    names = [name for each in writer.names.values() for name in each]
    chosen = writer.some_of([*own, *derived, *below, *names * 5, *(["d1", "nothing"] if model.is_open(type_name) else ()), "*"], 4)
    if "*" in chosen:           # beside it a path into a complex value narrows that, and a dynamic property may stay away
        chosen = [each for each in chosen if each not in below and each not in ("d1", "nothing")]
    whole = {each for each in chosen if "/" not in each}
    return ",".join(each for each in chosen if each.split("/")[0] not in whole or "/" not in each)


# --- what the oracle shows -------------------------------------------------------------------------------

def shown(value: Any, kind: str, rows: World) -> Any:
    """A value as JSON has it."""
    if isinstance(value, list):
        return [shown(each, kind, rows) for each in value]
    if isinstance(value, Typed):
        return shown(value.value, value.type, rows)
    if isinstance(value, Instance):
        return structure(value, rows)
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        return types.write(kind, value)
    return bare(text_of(value, kind, rows))


def structure(value: Instance, rows: World) -> dict[str, Any]:
    model = rows.model
    declared = model.properties(value["@type"])
    made = {name: shown(value[name], model.underlying(member.type).name, rows) for name, member in declared.items()}
    links = model.navigations(value["@type"])
    return made | {name: shown(each, "", rows) for name, each in value.items()
                   if name not in declared and name not in links and name != "@type"}


def selected(entity: Instance, options: nodes.Options, rows: World) -> dict[str, Any]:
    """What an object has besides navigation properties. Raises Failed."""
    whole, made = structure(entity, rows), {}
    listed = options.select if options.select is not None else (nodes.SelectItem((), "star"),)
    for item in listed:
        names = [step for step in item.path if "." not in step]
        cast = next((step for step in item.path if "." in step), entity["@type"])
        if item.kind == "star":
            made |= whole
        elif rows.model.is_a(entity["@type"], cast) and names[0] in whole:
            pick(whole, made, names)
        elif item.kind == "dynamic" and rows.model.is_a(entity["@type"], cast):
            made[names[0]] = None
    for each in options.compute:
        if options.select is None or any(item.kind == "star" or item.path == (each.name,) for item in listed):
            value = evaluate.evaluate(each.expression, Env(rows, entity, entity, names=nested.names_of(options)))
            if isinstance(value, Failure):
                raise nested.Failed
            made[each.name] = shown(value, each.type, rows)
    return made


def pick(whole: Any, made: dict[str, Any], names: list[str]) -> None:
    """Take what a path leads to over into the same place."""
    name, *rest = names
    if not rest or whole[name] is None:
        made[name] = whole[name]
    elif isinstance(whole[name], list):
        target = made.setdefault(name, [each and {} for each in whole[name]])
        for source, into in zip(whole[name], target):
            if source is not None and rest[0] in source:
                pick(source, into, rest)
    else:
        target = made.setdefault(name, {})
        if rest[0] in whole[name]:
            pick(whole[name], target, rest)


# --- the contest -----------------------------------------------------------------------------------------

def ask_pages(contest: Contest, path: str, options: dict[str, str]) -> None:
    """Raises Difference where the pages are not what the oracle shows."""
    rows, tally = contest.world, contest.tally
    size = int(options[SIZE])
    text = query({name: value for name, value in options.items() if name != SIZE})
    request = bind(parse(path, text), rows.model).options
    about = f"{path}?{show(options)}"
    got, sizes, error, count = walk(contest, path, text, size)
    if error is not None:
        refused = error["code"] in ("notImplemented", "limitExceeded") or "cannot hold" in error["message"]
        if not refused and (error["code"] not in FAILURES or not may_fail(request, path, rows)):
            raise Difference(rows, f"{about}\n  {error}")
        if refused:
            tally.refused[error["message"]] += 1
        else:
            tally.failed += 1
        return
    try:
        chosen = nested.chosen(rows.members(path), request, rows, None)
        kept = nested.cut(chosen, request)
        wanted = [selected(each, request, rows) for each in kept]
        below = [nested.below(each, request, rows, each) for each in kept]
    except nested.Failed:
        if not got and {"$skip", "$top"} & {*options}:          # what is not shown is not computed
            return
        raise Difference(rows, f"{about}\n  the service answers, the oracle fails") from None
    if count != (len(chosen) if request.count else None):
        raise Difference(rows, f"{about}\n  counted {count} of {len(chosen)}")
    if sizes[:-1] != [size] * (len(sizes) - 1) or sizes[-1] > size:
        raise Difference(rows, f"{about}\n  pages of {sizes}")
    links = {item.path[-1] for item in request.expand}
    ids = nested.addresses(rows) if links else {}
    mine = [({name: each for name, each in bare(row).items() if name not in links},
             {name: nested.answered(each, tree.get(name), ids) for name, each in row.items() if name in tree})
            for row, tree in zip(got, below)]
    apart = [text for one, (other, _) in zip(wanted, mine) for text in differing(one, other)]
    if len(got) != len(wanted) or apart:
        raise Difference(rows, f"{about}\n  {len(wanted)} rows in pages of {sizes}\n  " + "\n  ".join(apart[:5]))
    if below != [tree for _, tree in mine]:
        raise Difference(rows, f"{about}\n  oracle  {below}\n  service {[tree for _, tree in mine]}")
    tally.answered += 1


def walk(contest: Contest, path: str, text: str,
         size: int) -> tuple[list[dict[str, Any]], list[int], dict[str, Any] | None, int | None]:
    """The objects of all pages, their numbers, an error, the count of the first page."""
    got: list[dict[str, Any]] = []
    sizes: list[int] = []
    count = None
    while True:
        response = contest.service.handle(Request("GET", path, text, {"prefer": f"odata.maxpagesize={size}"}))
        body = json.loads(response.read(), parse_float=Decimal)
        if response.status != 200:
            return got, sizes, body["error"], count
        if not sizes:
            count = body.get("@odata.count")
        got += body["value"]
        sizes.append(len(body["value"]))
        for row in body["value"]:
            error = completed(contest, row, size)
            if error is not None:
                return got, sizes, error, count
        following = body.get("@odata.nextLink")
        if following is None or len(sizes) > 200:
            return got, sizes, None, count
        path, text = target(following)


def completed(contest: Contest, row: dict[str, Any], size: int) -> dict[str, Any] | None:
    """Put the further pages of collections inside an object behind their first ones."""
    for name in [each for each in row if each.endswith("@odata.nextLink")]:
        more, _, error, _ = walk(contest, *target(row.pop(name)), size)
        if error is not None:
            return error
        row[name.removesuffix("@odata.nextLink")] += more
    for value in row.values():
        for each in value if isinstance(value, list) else [value]:
            error = completed(contest, each, size) if isinstance(each, dict) else None
            if error is not None:
                return error
    return None


def target(link: str) -> tuple[str, str]:
    path, _, text = link.removeprefix("http://localhost/").partition("?")
    return path, text


def may_fail(options: nodes.Options, path: str, rows: World) -> bool:
    trees = [options.filter, *(item.expression for item in (*options.orderby, *options.compute)),
             *(tree for item in options.expand for tree in (item.options.filter, *(each.expression for each in item.options.orderby)))]
    if any(item.options.filter or item.options.orderby or item.options.compute for item in options.expand):
        return True
    members = rows.members(path)        # of none, what is the same for all may be computed all the same
    return not members or any(
        tree is not None and evaluate.may_fail(tree, rows, members, nested.names_of(options)) for tree in trees)


def differing(one: Any, other: Any, at: str = "") -> Iterator[str]:
    """Where a value of the oracle is not what is answered."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in [*one, *(each for each in other if each not in one)]:
            yield from differing(one.get(name, "absent"), other.get(name, "absent"), f"{at}/{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for first, second in zip(one, other):
            yield from differing(first, second, at)
    elif not same(one, other):
        yield f"{at}: oracle {one!r}, service {other!r}"


def same(one: Any, other: Any) -> bool:
    """Whether two values are one, doubles by their digits."""
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    return bool(float(other) == one if isinstance(one, float) and isinstance(other, int | Decimal) else one == other)

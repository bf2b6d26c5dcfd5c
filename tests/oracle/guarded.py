"""What a principal is answered under a policy, beside what anybody is answered where nothing hidden exists.

`write` makes requests of every kind out of choices: paths over hidden and visible keys, the options of all generators, and
manners of asking them (pages, counts, batches, other formats and faces). `ask_both` gives each to both services.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import quote

from app.edm import types
from app.service import jobs
from app.service.access import Principal
from app.service.request import Request
from app.service.service import Service
from tests.oracle.choices import Pick
from tests.oracle.contest import Contest, Difference, show
from tests.oracle.generate import Writer, filters, orders, query
from tests.oracle.nested import expand, expands
from tests.oracle.pages import SIZE, differing, pages
from tests.oracle.pipelines import pipelines
from tests.oracle.rulings import ADMIN, CLERK, Ruling
from tests.oracle.world import World

MANNER = "manner"               # not an option: how it is asked
MANNERS = ("get", "get", "get", "get", "count", "ref", "each", "batch", "body", "full", "newer", "v2", "bi", "none", "head", "get", "get", "later")
VOLATILE = re.compile(r"(?i)(.*@(odata\.)?|^)(media|metadata)?(etag|nextlink|deltalink|readlink)$|innererror|request-id|\$ReferentialConstraint|@Org\.OData\.Capabilities\.V1\.ReadRestrictions")
LINK = re.compile(r"(.*)@(odata\.)?nextLink")
PAGES = 25                      # that are followed of one answer
STARTS = {"Things": "World.Thing", "Owners": "World.Owner", "Tags": "World.Tag", "Looses": "World.Loose", "Sun": "World.Owner"}
ROOT = "http://localhost/"


@dataclass(slots=True)
class Answer:
    """Status, what is left of the headers, and the body."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def code(self) -> str:
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return str(error.get("code")) if isinstance(error, dict) else ""

    @property
    def message(self) -> str:
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return str(error.get("message")) if isinstance(error, dict) else ""

    @property
    def content(self) -> Any:
        return [self.status, stripped(self.body)]


@dataclass(slots=True)
class Guarded(Contest):
    """A service under a policy, and `other`: one in which nothing that it hides exists."""

    other: Service
    ruling: Ruling
    told: Counter[str] = field(default_factory=Counter)         # what the answers were, `else`: that others get another one


def send(service: Service, who: Principal, method: str, path: str, text: str = "", headers: dict[str, str] | None = None,
         body: bytes = b"") -> Answer:
    response = service.handle(Request(method, path, text, headers or {}, BytesIO(body) if body else None, principal=who))
    content = response.read()
    named = {name.lower(): value for name, value in response.headers.items()}
    if content and "json" in named.get("content-type", ""):
        return Answer(response.status, named, json.loads(content))
    return Answer(response.status, named, re.sub(rb"<(\w+:)?updated>[^<]*|[?&;]\$?skiptoken=[^\"'<&]*|(etag|updated)=\"[^\"]*\"", b"", content))


def stripped(value: Any) -> Any:
    """JSON without what differs from store to store."""
    if isinstance(value, dict):
        return {name: stripped(each) for name, each in value.items() if not VOLATILE.fullmatch(name)}
    return [stripped(each) for each in value] if isinstance(value, list) else value


# --- what is asked ---------------------------------------------------------------------------------------

def write(pick: Pick, ruling: Ruling) -> tuple[str, dict[str, str]]:
    """A path, and its options; now and then with names that are hidden."""
    rows = ruling.full if pick(100) >= 88 else ruling.left
    writer = Writer(pick, "World.Thing", rows)
    manner = writer.one_of(MANNERS)
    if writer.chance(6):
        return across(writer), {MANNER: manner}
    path, kind, many = walked(writer, ruling)
    if kind is None:
        return path, {MANNER: writer.one_of(("get", "batch", "later", "bi", "v2"))}
    options: dict[str, str] = {}
    if many and rows.model.entity_type(kind):
        writes: tuple[Callable[[Pick, str, World], dict[str, str]], ...] = (filters, orders, expands, pages, pages, pipelines, joined)
        if not rows.model.navigations(kind):
            writes = filters, orders
        made = writer.one_of(writes)(pick, kind, rows)
        options = {"$select": "ID,Code", **made} if made.keys() == {"nothing"} else made
    elif rows.model.entity_type(kind) and rows.model.navigations(kind) and writer.chance(60):
        inner = Writer(pick, kind, rows)
        options = {"$expand": expand(inner, kind, 2), **inner.aliases}
    return path, {**options, MANNER: manner}


def key(writer: Writer, kind: str, rows: World) -> str:
    """The key of some entity of a type, hidden or not, or of none."""
    base = next((each for each in rows.model.lineage(kind) if each in STARTS.values()), kind)
    if base == "World.Owner":
        return types.literal("Edm.String", writer.one_of(("o1", "O1", "x'y", "a b", "ä", "none")))
    if base == "World.Tag":
        return f"A={writer.one_of((1, 2**62, 3))},B={types.literal('Edm.String', writer.one_of(('x', 'X', 'y' + chr(39))))}"
    return str(writer.pick(3) + 1 if base in ("World.Part", "World.Screw") else writer.pick(31) + 1)


def walked(writer: Writer, ruling: Ruling) -> tuple[str, str | None, bool]:
    """A resource path of up to four steps, the structured type that it ends at (None: a value), whether it is a collection."""
    rows, model = writer.rows, writer.rows.model
    name = writer.one_of(("Things", "Things", "Things", "Owners", "Tags", "Looses", "Sun"))
    path, kind, many = name, STARTS[name], name != "Sun"
    for _ in range(writer.one_of((0, 0, 1, 2, 3))):
        if many and writer.chance(25) and model.type(kind) is not None and model.derived(kind):
            kind = writer.one_of(model.derived(kind))
            path += f"/{kind}"
        if many and writer.chance(80):
            path, many = f"{path}({key(writer, kind, rows)})", False
        elif many:
            break
        if model.type(kind) is None:
            break
        links, values = list(model.navigations(kind).values()), list(model.properties(kind))
        if links and writer.chance(75):
            link = writer.one_of(links)
            path, kind, many = f"{path}/{link.name}", link.type, link.collection
        elif values:
            return f"{path}/{writer.one_of(values)}{writer.one_of(('', '', '/$value'))}", None, False
    return path, kind, many


def across(writer: Writer) -> str:
    """Requests of several sets, and of documents."""
    one, two = writer.one_of(("Things", "Owners", "Looses")), writer.one_of(("Owners", "Tags", "Looses"))
    inner = Writer(writer.pick, STARTS[one], writer.rows)
    condition = quote(inner.boolean(1), safe="")
    return str(writer.one_of((
        "$all", "$all?$count=true&$top=3", "$all/World.Special", "$all/World.Owner/$count", "$all?$apply=aggregate($count as N)", f"$crossjoin({one},{two})/$count", "", "$metadata?$format=json",
        f"$crossjoin({one},{two})?$apply=aggregate($count as N)", f"$crossjoin({one},{two})?$expand={one}($select=Name),{two}($select=Name)&$top=4",
        f"$crossjoin(Things,{two})?$filter=Things/ID gt 4 and Things/Owner ne null&$expand=Things($select=ID)",
        f"$entity?$id={one}({key(writer, STARTS[one], writer.rows)})", f"{one}/$filter({condition})" if not inner.aliases else one,
        f"{one}/$filter({condition})/$count" if not inner.aliases else one, f"{one}({key(writer, STARTS[one], writer.rows)})/$ref")))


def joined(pick: Pick, kind: str, rows: World) -> dict[str, str]:
    """`$apply` over related entities, and over a hierarchy of things."""
    writer = Writer(pick, kind, rows)
    links = [each for each in rows.model.navigations(kind).values()]
    if not links:
        return {"$apply": "aggregate($count as N)"}
    link = writer.one_of(links)
    keys = [each.path for each in rows.model.key(link.type)]
    inner = Writer(pick, link.type, rows)
    condition = inner.boolean(1)
    if inner.aliases:
        condition = "true"
    first = [each.path for each in rows.model.key(kind)]
    plain = [name for name, each in rows.model.properties(link.type).items() if not each.type.collection and rows.model.kind(each.type.name) != "complex"]
    name = writer.one_of(plain)
    many = (f"join({link.name} as J)/groupby((J/{keys[0]}),aggregate($count as N))", f"outerjoin({link.name} as J)/aggregate($count as N)",
            f"outerjoin({link.name} as J,filter({condition}))/groupby(({first[0]},J/{keys[0]}))", f"aggregate({link.name}/{name} with countdistinct as D,{link.name}/$count as N)",
            f"groupby(({first[0]}),aggregate({link.name}/{name} with max as M))", f"addnested({link.name},filter({condition}) as X)/aggregate(X/$count as N)",
            f"filter({link.name}/any())/aggregate($count as N)", f"concat(aggregate({link.name}/$count as N),topcount(2,{first[0]})/groupby(({first[0]})))")
    one = (f"groupby(({link.name}/{name}),aggregate($count as N))", f"aggregate({link.name}/{name} with countdistinct as D)", f"filter({link.name} ne null)/aggregate($count as N)",
           f"groupby((rollup({link.name}/{keys[0]},{link.name}/{name})),aggregate($count as N))")
    return {"$apply": str(writer.one_of(many if link.collection else one))}


# --- how it is asked -------------------------------------------------------------------------------------

def asking(path: str, options: dict[str, str]) -> Callable[[Service, Principal], list[Answer]]:
    """The request as somebody sends it to a service; all pages of its answer."""
    path, _, given = path.partition("?")
    manner = options[MANNER]
    text = query({name: each for name, each in options.items() if name.startswith(("$", "@"))}) or query(
        dict(part.split("=", 1) for part in given.split("&")) if given else {})
    headers = {"prefer": f"maxpagesize={options[SIZE]}"} if SIZE in options else {}
    path = path.replace(" ", "%20").replace("ä", "%C3%A4")
    joint = "?" if text else ""

    def one(service: Service, who: Principal) -> list[Answer]:
        match manner:
            case "count":
                return [send(service, who, "GET", f"{path}/$count", text, headers)]
            case "ref":
                return [send(service, who, "GET", f"{path}/$ref", text, headers)]
            case "each":
                return [send(service, who, "GET", path, f"{text}{'&' if text else ''}$count=true&$top=0", headers)]
            case "batch":
                parts = [{"id": "1", "method": "GET", "url": f"{path}{joint}{text}"}, {"id": "2", "method": "GET", "url": "$1/ID"}, {"id": "3", "method": "GET", "url": "$1/Parent"}]
                return [send(service, who, "POST", "$batch", "", {"content-type": "application/json"}, json.dumps({"requests": parts}).encode())]
            case "body":
                return [send(service, who, "POST", f"{path}/$query", "", {"content-type": "text/plain", **headers}, text.encode())]
            case "later":
                return [later(service, who, path, text)]
            case "full":
                headers["accept"] = "application/json;odata.metadata=full"
            case "newer":
                headers["odata-maxversion"] = "4.01"
            case "none":
                headers["accept"] = "application/json;odata.metadata=none;IEEE754Compatible=true"
            case "v2":
                return [send(service, who, "GET", f"v2/{path}", text, {"accept": "application/json"})]
            case "bi":
                return paged(service, who, f"bi/{path}", text, headers)
            case "head":
                return [send(service, who, "HEAD", path, text, headers)]
        return paged(service, who, path, text, headers)
    return one


def paged(service: Service, who: Principal, path: str, text: str, headers: dict[str, str]) -> list[Answer]:
    """The answer, and those of its next links."""
    found = [send(service, who, "GET", path, text, headers)]
    for answer in found:
        for link in links(answer.body):
            if len(found) < PAGES:
                path, _, text = link.removeprefix(ROOT).partition("?")
                found.append(send(service, who, "GET", path, text, headers))
    return found


def links(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            if LINK.fullmatch(name):
                yield each
            else:
                yield from links(each)
    elif isinstance(value, list):
        for each in value:
            yield from links(each)


def later(service: Service, who: Principal, path: str, text: str) -> Answer:
    """The result of an asynchronous request, whose monitor is nobody else's."""
    taken = send(service, who, "GET", path, text, {"prefer": "respond-async"})
    if taken.status != 202:
        return taken
    monitor = taken.headers["location"].removeprefix(ROOT)
    jobs.work(service, jobs.me())
    if who == CLERK:
        others = {send(service, other, method, monitor).status for other in (ADMIN, Principal("o1", CLERK.scopes, CLERK.roles, "y"), Principal("", roles=CLERK.roles)) for method in ("GET", "DELETE")}
        assert others == {404}, f"the monitor answers others {others}"
    found = send(service, who, "GET", monitor, headers={"odata-maxversion": "4.01"})
    return Answer(int(found.headers.get("asyncresult", found.status)), {}, found.body)


# --- the contest -----------------------------------------------------------------------------------------

def ask_both(twins: Guarded, path: str, options: dict[str, str]) -> None:
    """Raises Difference where the clerk learns of anything hidden."""
    ask = asking(path, options)
    found, expected = ask(twins.service, CLERK), ask(twins.other, ADMIN)
    about = f"{path}?{show(options)}\n  {twins.ruling}"
    first = found[0]
    if any(each.status == 500 for each in (*found, *expected)):
        raise Difference(twins.world, f"{about}\n  {[each.content for each in (*found, *expected) if each.status == 500]}")
    if any(map(too_much, (*found, *expected))):
        twins.tally.refused[next(each.message for each in (*found, *expected) if too_much(each))] += 1
        return
    if [each.content for each in found] == [each.content for each in expected]:
        if first.status < 400:
            twins.tally.answered += 1
            twins.told["else"] += [each.content for each in ask(twins.service, ADMIN)] != [each.content for each in found]
        else:
            twins.tally.failed += 1
        twins.told[str(first.status)] += 1
        return
    if twins.ruling.closed and any("You may not read" in (each.message or str(each.body)) for each in found):
        twins.tally.failed += 1
        twins.told["closed"] += 1
        return
    at = next((number for number, (one, other) in enumerate(zip(found, expected, strict=False)) if one.content != other.content), min(len(found), len(expected)))
    apart = list(differing(*[[each.content for each in answers[at:at + 1]] for answers in (expected, found)]))
    raise Difference(twins.world, f"{about}\n  page {at}, {len(apart)} places (oracle: without all that; service: as the clerk)\n  " + "\n  ".join(each[:600] for each in apart[:4]))


def too_much(answer: Answer) -> bool:
    return answer.status == 501 or answer.code == "limitExceeded" or "cannot hold" in answer.message

"""Histories: generated modifications one after the other, the store beside the naive model after every step.

What is compared: the status, the answer's representation, everything that is stored with all its links, and what delta links
from before tell. A history that differs is shown as the fewest requests that still do.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

from app.service.request import Request
from app.service.service import Service
from app.service.settings import Settings
from tests.conftest import NOW
from tests.databases import Databases
from tests.oracle import world
from tests.oracle.bodies import escaped
from tests.oracle.changes import Author, Step
from tests.oracle.pages import differing, shown
from tests.oracle.rows import bare
from tests.oracle.state import SETS, Refused, State, Unclear, state_of
from tests.oracle.world import SEEDS, Maker, World

EVERY = 5               # steps after which everything is compared
PATIENCE = 20           # seconds in which fewer requests are looked for
DYNAMIC = ("d1", "d2", "d3", "d4")
PLACES = (*SETS.values(), "Sun")


class Wrong(AssertionError):
    """The store is not what the naive model is."""


@dataclass(slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


def start(seed: int, finite: bool) -> tuple[World, State]:
    """The rows that a history begins with."""
    maker = Maker(seed, finite, world.model(seed // SEEDS, True))
    rows = maker.world(7)
    for thing in rows.sets["Things"]:
        for form in (thing["Form"], *thing["Forms"]):
            if form is not None:
                form.pop("Mark", None)
    for each in rows.entities("World.Thing"):
        if maker.model.navigations("World.Thing")["Owner"].nullable is False and each["Owner"] is None:
            each["Owner"] = rows.sets["Owners"][0]
    return rows, state_of(rows)


@dataclass(slots=True)
class History:
    """One store and the naive model of it."""

    service: Service
    state: State
    rows: World
    finite: bool
    counts: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)
    links: dict[str, tuple[str, Any]] = field(default_factory=dict)    # set → delta link, what it was then

    # --- asking ------------------------------------------------------------------------------------------

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        target, _, query = path.removeprefix("http://localhost/").partition("?")
        response = self.service.handle(Request(method, target, query, headers, BytesIO(body) if body else None))
        content = response.read()
        json_like = content and "json" in response.headers.get("Content-Type", "")
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()},
                      json.loads(content, parse_float=Decimal) if json_like else content)

    def go(self, index: int, seed: int) -> None:
        """One step, and what can be seen of it. Raises Wrong."""
        step = Author(self.state, random.Random(f"{seed} {index}"), self.finite).step()
        headers = step.sent()
        after = self.state.copy()
        result, statuses = None, frozenset[int]()
        statuses |= self._condition(step, headers)
        try:
            result = step.run(after)
        except Refused as refusal:
            statuses |= refusal.statuses
        except Unclear:
            return
        body = self._batch(step) if step.parts else step.content()
        if step.parts:
            headers["content-type"] = "application/json"
        self.log.append(f"{index}: {step}{''.join(f' {name}: {headers[name]}' for name in ('if-match', 'if-none-match') if name in headers)}")
        answer = self.send(step.method, step.path, headers, body)
        if answer.status >= 500 and answer.status != 501:
            raise Wrong(f"answers {answer.status}: {answer.body}")
        if answer.status == 501 or answer.status == 400 and "cannot hold" in str(answer.body):
            self.counts["refused"] += 1
            self.check()
            return
        if step.parts:
            fine = all(each["status"] < 400 for each in answer.body["responses"]) if answer.status == 200 else False
        else:
            fine = answer.status < 400
        if after.doubtful and not fine and not statuses:
            statuses = frozenset({409})
        self._judge(step, answer, fine, statuses)
        if not fine:
            self.counts["failing"] += 1
            self.check()
            return
        self.state = after
        self._represented(step, answer, result)
        self.counts["agree"] += 1

    def _condition(self, step: Step, headers: dict[str, str]) -> frozenset[int]:
        """The headers of a condition, and the statuses if it fails."""
        if not step.condition:
            return frozenset()
        there = step.subject is not None and step.subject in self.state.rows
        if step.condition == "none":
            headers["if-none-match"] = "*"
            return frozenset({412}) if there else frozenset()
        tag = "*"
        if step.condition == "right" and there:
            tag = self.send("GET", self.path(step.subject), {}).headers["etag"]         # type: ignore[arg-type]
        elif step.condition == "wrong":
            tag = 'W/"wrong"'
        headers["if-match"] = tag
        return frozenset() if there and step.condition != "wrong" else frozenset({412, 404})

    def path(self, number: int) -> str:
        return escaped(self.state.address(number))

    def _batch(self, step: Step) -> bytes:
        parts = []
        for index, each in enumerate(step.parts):
            content = each.content().decode()
            parts.append(f'{{"id":"{index}","method":"{each.method}","url":{json.dumps(each.path)},"atomicityGroup":"g",'
                         f'"headers":{json.dumps(each.sent())}{"," if content else ""}{chr(34) + "body" + chr(34) + ":" + content if content else ""}}}')
        return f'{{"requests":[{",".join(parts)}]}}'.encode()

    def _judge(self, step: Step, answer: Answer, fine: bool, statuses: frozenset[int]) -> None:
        if fine and statuses:
            raise Wrong(f"answers {answer.status}, must fail with one of {sorted(statuses)}: {answer.body}")
        if not fine and not statuses:
            raise Wrong(f"must succeed, answers {answer.status}: {answer.body}")
        if step.parts:
            return
        if fine and answer.status not in step.success:
            raise Wrong(f"answers {answer.status}, not one of {sorted(step.success)}")
        if not fine and answer.status not in statuses | {400, 409}:
            raise Wrong(f"fails with {answer.status}, not with one of {sorted(statuses)}: {answer.body}")

    def _represented(self, step: Step, answer: Answer, number: int | None) -> None:
        """The entity that an answer shows, and its address."""
        if number is None or number not in self.state.rows or step.parts:
            return
        for name in ("location", "odata-entityid"):
            if name in answer.headers and not answer.headers[name].startswith(f"http://localhost/{self.path(number)}"):
                raise Wrong(f"{name}: {answer.headers[name]} of {self.path(number)}")
        if answer.status in (200, 201) and isinstance(answer.body, dict):
            row = self.state.shown(number)
            links = self.state.model.navigations(row["@type"])
            found = {name: value for name, value in tidy(plain(answer.body)).items() if name not in links}
            apart = list(differing(tidy(shown(row, "", self.rows)), found))
            if apart:
                raise Wrong("the answer shows another entity:\n    " + "\n    ".join(apart[:5]))

    # --- everything --------------------------------------------------------------------------------------

    def check(self) -> None:
        """Everything that is stored, and what delta links tell. Raises Wrong."""
        for name in PLACES:
            query = f"{name}?$expand={expands(self.state, name)}"
            answer = self.send("GET", query, {"prefer": "track-changes", "odata-maxversion": "4.01"})
            if answer.status != 200:
                raise Wrong(f"GET {query} answers {answer.status}: {answer.body}")
            found = [answer.body] if name == "Sun" else answer.body["value"]
            mine = {json_key(self.state.key(each)): self.tree(each) for each in self.state.members((name,))}
            theirs = {json_key(keyed(each)): tidy(plain(each)) for each in found}
            apart = list(differing(mine, theirs))
            if apart:
                raise Wrong(f"{name} differ (oracle: expected):\n    " + "\n    ".join(apart[:6]))
            if name != "Sun":
                self._delta(name, answer.body)

    def _delta(self, name: str, body: Any) -> None:
        """What the delta link from before tells makes the old rows the new ones."""
        new = {json_key(keyed(each)): tidy(plain(each)) for each in body["value"]}
        if name in self.links:
            link, old = self.links[name]
            answer = self.send("GET", link, {"odata-maxversion": "4.01"})
            if answer.status != 200:
                raise Wrong(f"GET {link} answers {answer.status}: {answer.body}")
            made = {json: value for json, value in old.items()}
            idle = []
            for item in answer.body["value"]:
                apply(made, item)
            for item in answer.body["value"]:
                key = item_key(item)
                if key in old and key in new and not list(differing(old[key], new[key])) and old[key] is made.get(key):
                    idle.append(key)
            apart = list(differing(new, made))
            if apart or idle:
                raise Wrong(f"the delta of {name} (oracle: now; service: then and the delta){idle}:\n    "
                            + "\n    ".join(apart[:6]) + f"\n    {json.dumps(answer.body['value'], default=str)[:1500]}")
            self.counts["deltas"] += 1
        if name not in self.links or self.counts["deltas"] % 3:
            self.links[name] = (body["@deltaLink"] if "@deltaLink" in body else body["@odata.deltaLink"], new)

    def tree(self, number: int) -> dict[str, Any]:
        """An entity as the service should show it with everything expanded."""
        state = self.state
        made: dict[str, Any] = tidy(shown(state.shown(number), "", self.rows))
        for name, navigation in state.navigations(number).items():
            related = state.related(number, name)
            found = [self.tree(each) if navigation.contains_target else
                     {part.path: value for part, value in zip(state.model.key(state.rows[each]["@type"]), state.key(each), strict=True)}
                     for each in related]
            made[name] = {json_key(keyed(each)): each for each in found} if navigation.collection else found[0] if found else None
        return made


# --- answers in a form to compare ------------------------------------------------------------------------

def plain(value: Any) -> Any:
    """An object of an answer without control information; entities inside by their keys."""
    return bare(value)


def tidy(value: Any) -> Any:
    """Collections of entities as objects by key; dynamic members that are null away."""
    if isinstance(value, dict):
        made = {name: tidy(each) for name, each in value.items() if each is not None or name not in DYNAMIC}
        for name in ("Parts", "Lid", "Screws", "Children", "Friends", "Tags", "Things", "Staff", "Peers", "Mate", "Maker", "Next"):
            if isinstance(made.get(name), list):
                made[name] = {json_key(keyed(each)): each for each in made[name]}
        return made
    return [tidy(each) for each in value] if isinstance(value, list) else value


def keyed(row: Any) -> tuple[Any, ...]:
    return (row["A"], row["B"]) if "A" in row else (row["Code"] if "Code" in row else row["ID"],)


def json_key(key: tuple[Any, ...]) -> str:
    return "|".join(map(str, key))


def item_key(item: Any) -> str:
    return json_key(keyed(item))


def apply(rows: dict[str, Any], item: Any) -> None:
    """Apply an item of a delta to objects by key (JSON Format §15)."""
    key = item_key(item)
    if "@removed" in item or "@odata.removed" in item:
        rows.pop(key, None)
        return
    rows[key] = patched(rows.get(key) or {}, item)


def patched(old: Any, item: Any) -> Any:
    """An object with what an item says of it; values come all together, so that dynamic ones that are missing are gone."""
    made = {name: value for name, value in old.items() if name not in DYNAMIC or not item.keys() - {"@id", "@type"}}
    for name, value in item.items():
        bare_name, _, control = name.partition("@")
        if control.endswith("delta"):
            inner = dict(made.get(bare_name) or {})
            for each in value:
                apply(inner, each)
            made[bare_name] = inner
        elif not control and isinstance(value, dict) and ("@removed" in value or "@odata.removed" in value):
            made[name] = None
        elif not control and isinstance(value, dict) and name in ("Lid", "Parts") and isinstance(made.get(name), dict) \
                and keyed(made[name]) == keyed(value):
            made[name] = patched(made[name], value)
        elif not control:
            made[name] = tidy(bare({name: value})).get(name)
    return tidy(made)


def expands(state: State, name: str) -> str:
    """The `$expand` that shows all links and all that is contained."""
    if name == "Sun":
        return "Boss($select=Code)"
    return below(state, next(kind for kind, each in SETS.items() if each == name))


def below(state: State, kind: str) -> str:
    model, parts = state.model, dict[str, str]()
    for each in (kind, *model.derived(kind)):
        for name, navigation in model.navigations(each).items():
            owner = str(model.declaring(each, name))
            if navigation.contains_target:
                inner = below(state, navigation.type)
                parts[name] = f"{name}($expand={inner})" if inner else name
            else:
                keys = ",".join(part.path for part in model.key(navigation.type))
                parts[name] = f"{'' if model.is_a(kind, owner) else owner + '/'}{name}($select={keys})"
    return ",".join(parts.values())


# --- running ---------------------------------------------------------------------------------------------

@dataclass(slots=True)
class Ground:
    """Makes the store of a seed, again and again."""

    databases: Databases
    folder: Path
    model: Callable[[int, bool], Path] = world.model_file

    def history(self, seed: int, stack: ExitStack) -> History:
        finite = self.databases.store == "mariadb"
        rows, state = start(seed, finite)
        folder = self.folder / str(seed)
        folder.mkdir(exist_ok=True)
        data = world.write_rows(folder, rows)
        file = self.model(seed // SEEDS, True)

        def prepare(url: str) -> None:
            Service.open(Settings(model=file, data=data, database=url, now=NOW)).close()
        url = self.databases.prepared(("history", seed), prepare)
        service = Service.open(Settings(model=file, database=url, now=NOW), prepare=False)
        stack.callback(self.databases.drop, url)
        stack.callback(service.close)
        return History(service, state, rows, finite)

    def run(self, seed: int, steps: Sequence[int], counts: Counter[str] | None = None, every: int = EVERY) -> tuple[History, str]:
        """The history of some steps, and what is wrong at its end ('' where nothing is)."""
        with ExitStack() as stack:
            found = self.history(seed, stack)
            if counts is not None:
                found.counts = counts
            try:
                found.check()
                for index in steps:
                    found.go(index, seed)
                    if every and index % every == 0:
                        found.check()
                found.check()
            except Wrong as wrong:
                return found, str(wrong)
            except Exception as error:              # nothing that a client sends may raise
                return found, f"{type(error).__name__}: {error!r}"
        return found, ""

    def least(self, seed: int, steps: Sequence[int], wrong: str) -> tuple[History | None, str]:
        """Fewer steps that go wrong in the same way, found within some patience."""
        best, text = self.run(seed, steps, every=1)         # the first that is seen to be wrong
        kept = [*steps[:max(len(best.log), 1)]]
        size, until = max(len(kept) // 2, 1), time.monotonic() + PATIENCE
        while text and size and time.monotonic() < until:
            at = 0
            while at < len(kept) - 1 and time.monotonic() < until:
                less = kept[:at] + kept[min(at + size, len(kept) - 1):]
                found, said = self.run(seed, less, every=0)
                if said[:8] == text[:8] and len(found.log) == len(less):
                    kept, best, text = less, found, said
                else:
                    at += size
            size //= 2
        return (best, text) if text else (None, wrong)


def tell(seed: int, found: History, wrong: str) -> str:
    steps = "\n  ".join(found.log[-12:])
    return f"history of seed {seed}, {len(found.log)} requests:\n  {steps}\n  → {wrong}"

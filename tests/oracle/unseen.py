"""Histories of two stores under one policy, one of which has nothing of what it hides: whoever it is hidden from cannot tell
them apart, by no modification, and nothing that is hidden changes (docs/security.md).

A refusal that says more than that is looked at by itself: what the other store would have done is found out in an atomic batch
that fails after it.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.service.service import Service
from app.service.settings import Settings
from tests.conftest import NOW
from tests.oracle import world
from tests.oracle.bodies import Step, escaped
from tests.oracle.changes import Author
from tests.oracle.guarded import Answer, send, stripped
from tests.oracle.history import Ground, History, Wrong, expands, json_key, keyed, start, tidy
from tests.oracle.pages import differing
from tests.oracle.rows import bare
from tests.oracle.rulings import ADMIN, CLERK, Ruler, Ruling
from tests.oracle.state import SETS, Refused, State, Unclear, state_of
from tests.oracle.world import SEEDS

LINKS = ("Parent", "Children", "Owner", "Friends", "Tags", "Mate", "Peers", "Boss", "Staff", "Things", "Maker", "Next", "Mark")
DOCUMENTED = ("would lie outside of what you may change", "would take along what you may not change")
Tree = dict[str, Any]


@dataclass(slots=True)
class Pair:
    """Both stores, and what requests are written from: everything, and what is left of it."""

    one: Service
    other: Service
    ruling: Ruling
    all: State
    left: State
    finite: bool
    counts: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)
    links: dict[str, tuple[str, str]] = field(default_factory=dict)

    def go(self, index: int, seed: int) -> None:
        """One step of the clerk, on both. Raises Wrong."""
        chance = random.Random(f"unseen {seed} {index}")
        every = chance.random() < 0.4
        state = self.all if every else self.left
        step = Author(state, chance, self.finite).step()
        tags = [self.conditions(step, state, each) for each in (self.one, self.other)]
        self.log.append(f"{index}: {step} {tags[0]}")
        before = self.tree(self.one, ADMIN)
        seen = self.tree(self.one, CLERK)
        found = self.sent(self.one, step, tags[0])
        after = self.tree(self.one, ADMIN)
        if found.status >= 500 and found.status != 501:
            raise Wrong(f"answers {found.status}: {found.body}")
        self.kept(step, before, after, seen, failed(found))
        if refused(found):
            self.counts["refused"] += 1
            return
        told = [text for text in texts(found) if any(each in text for each in DOCUMENTED)]
        if told:
            would = self.tried(step, tags[1])
            if not failed(would):
                self.counts["documented"] += 1
                return
            self.counts["failing"] += 1
            return
        expected = self.sent(self.other, step, tags[1])
        apart = list(differing(self.content(expected), self.content(found)))
        if apart and not refused(expected):
            raise Wrong(f"{found.status} tells what is hidden (oracle: without it): " + "\n    ".join(each[:700] for each in apart[:4]))
        if failed(found):
            self.counts["failing"] += 1
            return
        self.counts["agree"] += 1
        copied = state.copy()
        try:
            step.run(copied)
        except (Refused, Unclear, KeyError, StopIteration):
            return
        if every:
            self.all = copied
        else:
            self.left = copied

    # --- asking ------------------------------------------------------------------------------------------

    def conditions(self, step: Step, state: State, service: Service) -> dict[str, str]:
        """The header of a condition, as a client of this store sends it."""
        if step.condition in ("", "none"):
            return {"if-none-match": "*"} if step.condition else {}
        tag = "*" if step.condition == "*" else 'W/"wrong"'
        if step.condition == "right" and step.subject in state.rows:
            tag = send(service, CLERK, "GET", escaped(state.address(step.subject))).headers.get("etag", tag)
        return {"if-match": tag}

    def sent(self, service: Service, step: Step, more: dict[str, str]) -> Answer:
        path, _, query = step.path.removeprefix("http://localhost/").partition("?")
        if step.parts:
            return send(service, CLERK, "POST", "$batch", "", {"content-type": "application/json"}, batch(step.parts))
        return send(service, CLERK, step.method, path, query, {**step.sent(), **more}, step.content())

    def tried(self, step: Step, more: dict[str, str]) -> Answer:
        """What the other store would answer; it stays as it is."""
        step.headers |= more
        found = send(self.other, CLERK, "POST", "$batch", "", {"content-type": "application/json"},
                     batch(step.parts or (step,), '{"id":"last","method":"DELETE","url":"Nothing(1)","atomicityGroup":"g"}'))
        rest = [each for each in found.body["responses"] if each["id"] != "last"] if found.status == 200 else []
        status = next((each["status"] for each in rest if each["status"] not in (424,) and each["status"] >= 400), 200)
        return Answer(status if found.status == 200 else found.status, {}, None)

    def content(self, answer: Answer) -> Any:
        headers = {name: answer.headers.get(name) for name in ("location", "odata-entityid", "preference-applied", "content-type", "allow")}
        return [answer.status, headers, stripped(answer.body) if not isinstance(answer.body, bytes) else answer.body.decode(errors="replace")]

    # --- what is stored ----------------------------------------------------------------------------------

    def tree(self, service: Service, who: Any, state: State | None = None) -> Tree:
        """Everything that somebody sees, by set and key."""
        made: Tree = {}
        for name in SETS.values():
            text = f"$expand={expands(self.all, name)}" if who is ADMIN else self.shown(name)
            answer = send(service, who, "GET", name, text, {"odata-maxversion": "4.01"})
            if answer.status != 200:
                raise Wrong(f"GET {name}?{text} answers {answer.status}: {answer.body}")
            made[name] = {json_key(keyed(each)): tidy(bare(each)) for each in answer.body["value"]}
        return made

    def shown(self, name: str) -> str:
        """`$expand` of what the clerk knows of."""
        policy = self.one.access.policy(CLERK)
        state = State(policy.model)
        found = expands(state, name)
        return f"$expand={found}" if found else ""

    def kept(self, step: Step, before: Tree, after: Tree, seen: Tree, failed: bool) -> None:
        """What failed changed nothing; whatever the clerk cannot see is as it was. Raises Wrong."""
        apart = list(differing(before, after)) if failed and not step.parts else []
        if apart:
            raise Wrong("it fails, and changes the store (oracle: before):\n    " + "\n    ".join(apart[:5]))
        old, new = dict(unseen(before, seen)), after
        for place, value in old.items():
            there: Any = new
            for each in place:
                there = there.get(each, GONE) if isinstance(there, dict) else GONE
            inside = len(place) > 2 and isinstance(value, Value)       # a property of a row that may have gone
            now = there if not isinstance(there, dict) or isinstance(value, Value) else structural(there)
            was = value.value if isinstance(value, Value) else value
            if inside and (there is GONE or step.parts):
                continue
            apart = list(differing(was, now))
            if apart:
                raise Wrong(f"what is hidden at {place} changes (oracle: before):\n    " + "\n    ".join(apart[:5]))

    def check(self) -> None:
        """Both stores look alike to the clerk, and their delta links tell the same. Raises Wrong."""
        apart = list(differing(self.tree(self.other, CLERK), self.tree(self.one, CLERK)))
        if apart:
            raise Wrong("the clerk sees a difference (oracle: without what is hidden):\n    " + "\n    ".join(apart[:5]))
        for name in SETS.values():
            if name in self.links:
                told = [send(service, CLERK, "GET", *link.removeprefix("http://localhost/").split("?"), {"odata-maxversion": "4.01"})
                        for service, link in zip((self.other, self.one), self.links[name], strict=True)]
                items = [[each.status, ordered(each)] for each in told]
                apart = list(differing(*items))
                if apart and told[1].status != 410:
                    raise Wrong(f"the delta of {name} (oracle: without what is hidden):\n    " + "\n    ".join(each[:500] for each in apart[:5]))
                self.counts["deltas"] += 1
                self.counts["410"] += told[1].status == 410
            found = [send(service, CLERK, "GET", name, self.shown(name), {"prefer": "track-changes", "odata-maxversion": "4.01"}) for service in (self.other, self.one)]
            self.links[name] = tuple(next(each.body[name] for name in ("@deltaLink", "@odata.deltaLink") if name in each.body) for each in found)      # type: ignore[assignment]


@dataclass(slots=True, eq=False)
class Value:
    """The value of a property that is hidden."""

    value: Any


GONE = "gone"


def unseen(all: Tree, seen: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Where rows and properties are that one sees and the other one does not."""
    for name, value in all.items():
        at = (*place, name)
        if place and name in LINKS:
            continue
        if not isinstance(seen, dict) or name not in seen:
            rows = len(at) == 2 or len(at) > 2 and at[-2] in ("Parts", "Screws") or name == "Lid"
            if rows and isinstance(value, dict):
                yield at, structural(value)
            elif name not in ("Parts", "Screws"):
                yield at, Value(value)
        elif isinstance(value, dict):
            if name == "Lid" and seen[name] is None:
                yield at, structural(value)
            else:
                yield from unseen(value, seen[name], at)


def structural(row: Any) -> Any:
    """A row without its links."""
    if isinstance(row, dict):
        return {name: structural(value) for name, value in row.items() if name not in LINKS}
    return row


def ordered(answer: Answer) -> Any:
    """What a delta tells, in an order of its own."""
    if answer.status != 200:
        return answer.code
    return sorted((json.dumps(sorted_lists(stripped(each)), sort_keys=True) for each in answer.body["value"]))


def sorted_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: sorted((sorted_lists(each) for each in found), key=str) if isinstance(found, list) and "delta" in name or name in LINKS and isinstance(found, list)
                else sorted_lists(found) for name, found in value.items()}
    return value


def failed(answer: Answer) -> bool:
    if isinstance(answer.body, dict) and "responses" in answer.body:
        return any(each["status"] >= 400 for each in answer.body["responses"])
    return answer.status >= 400


def refused(answer: Answer) -> bool:
    return any("cannot hold" in each or "not implemented" in each for each in texts(answer)) or answer.status == 501


def texts(answer: Answer) -> list[str]:
    """The messages of an answer, of each of a batch."""
    if isinstance(answer.body, dict) and "responses" in answer.body:
        return [str(each["body"]["error"]["message"]) for each in answer.body["responses"] if each["status"] >= 400 and "body" in each]
    return [answer.message] if answer.message else []


def batch(parts: tuple[Step, ...], last: str = "") -> bytes:
    """An atomic batch."""
    made = []
    for index, each in enumerate(parts):
        content = each.content().decode()
        made.append(f'{{"id":"{index}","method":"{each.method}","url":{json.dumps(each.path)},"atomicityGroup":"g","headers":{json.dumps(each.sent())}'
                    f'{"," if content else ""}{chr(34) + "body" + chr(34) + ":" + content if content else ""}}}')
    return f'{{"requests":[{",".join([*made, *([last] if last else [])])}]}}'.encode()


class Pairs(Ground):
    """Makes the stores of a seed, again and again."""

    def history(self, seed: int, stack: ExitStack) -> History:
        finite = self.databases.store == "mariadb"
        rows, _ = start(seed, finite)
        ruling = Ruler(rows, seed, plain=True).changing()
        folder = self.folder / f"unseen{seed}"
        folder.mkdir(exist_ok=True)
        file, policy = self.model(seed // SEEDS, True), ruling.write(folder)[0]
        services = [self.opened(seed, name, file, each, folder, policy, stack) for name, each in (("all", rows), ("left", ruling.left))]
        return Pair(services[0], services[1], ruling, state_of(rows), state_of(ruling.left), finite)      # type: ignore[return-value]

    def opened(self, seed: int, name: str, file: Path, rows: world.World, folder: Path, policy: Path, stack: ExitStack) -> Service:
        (folder / name).mkdir(exist_ok=True)
        data = world.write_rows(folder / name, rows)

        def prepare(url: str) -> None:
            Service.open(Settings(model=file, data=data, database=url, now=NOW)).close()
        url = self.databases.prepared(("unseen", seed, name), prepare)
        service = Service.open(Settings(model=file, database=url, now=NOW, policy=policy), prepare=False)
        stack.callback(self.databases.drop, url)
        stack.callback(service.close)
        return service

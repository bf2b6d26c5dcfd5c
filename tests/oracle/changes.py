"""Generated modifications: each step is a request and what it makes of the naive model (Protocol §11.4)."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from app.edm import types
from app.edm.index import Model
from app.edm.model import NavigationProperty, TypeRef
from tests.oracle.bodies import JSON, ROOT, Step, Texts, escaped
from tests.oracle.state import SETS, Home, Node, Refused, Said, State, Target, Unclear, key_of, literal
from tests.oracle.world import Instance, Maker, enum_text

CODES = ("o1", "O1", "x'y", "a b", "ä", "n1", "n2", "n/3", "n%4")
ADD, CHANGE, NONE = frozenset({201}), frozenset({200, 204}), frozenset({204})


class Author(Texts):
    """Writes one step for a state."""

    def __init__(self, state: State, chance: random.Random, finite: bool) -> None:
        super().__init__(state, chance)
        self.maker = Maker(0, finite, state.model)
        self.maker.random = chance
        self.taken: set[int] = set()        # entities that the body says something of: each once
        self.named: set[int] = set()        # and those that it links: they cannot go
        self.keys: set[tuple[str, tuple[Any, ...]]] = set()         # of new ones: what is there would be changed

    def chance(self, percent: int) -> bool:
        return self.random.random() * 100 < percent

    def step(self) -> Step:
        kinds: tuple[tuple[Callable[[], Step | None], int], ...] = (
            (self.post, 16), (self.patch, 20), (self.put, 8), (self.upsert, 6), (self.delete, 7), (self.reference, 14),
            (self.member, 14), (self.delta, 8), (self.each, 4), (self.full, 3), (self.batch, 6))
        made = None
        while made is None:
            make = self.random.choices([each for each, _ in kinds], [weight for _, weight in kinds])[0]
            self.begin()
            made = make()
            if made is not None:
                self._dress(made)
        return made

    def begin(self) -> None:
        """Another body."""
        self.taken, self.named, self.keys, self.replacing = set(), set(), set(), False

    def _dress(self, step: Step) -> None:
        """Preferences and conditions."""
        step.version = self.version
        if self.quoted and step.kind == JSON:
            step.kind = JSON + ";IEEE754Compatible=true"
        if not step.prefer and not step.parts:
            step.prefer = self.random.choice(("", "", "representation", "minimal"))
        if step.prefer == "minimal":
            step.success = NONE
        elif step.prefer == "representation" and step.subject is not None and step.method in ("PATCH", "PUT"):
            step.success = step.success & {200, 201} or step.success
        if step.subject is not None and step.method != "POST" and self.chance(25):
            step.condition = self.random.choice(("*", "right", "right", "wrong"))

    # --- values ------------------------------------------------------------------------------------------

    def values(self, kind: str, share: int, partial: Instance | None = None) -> Instance:
        """Values of some properties; complex ones of a PATCH of `partial` may be incomplete too."""
        found = Instance({"@type": kind})
        keys = {part.path for part in self.model.key(kind)} if self.model.entity_type(kind) else set()
        for name, member in self.model.properties(kind).items():
            if name in keys or not self.chance(share):
                continue
            ref = self.model.underlying(member.type)
            if name == "BossCode":
                found[name] = self.random.choice((*CODES, None))
            elif self.model.kind(ref.name) == "complex" and not ref.collection:
                found[name] = self.complex(ref, partial.get(name) if partial is not None else None, partial is not None)
            elif self.chance(2):
                found[name] = None
            else:
                found[name] = self.maker.value(ref)
        if self.model.is_open(kind) and self.chance(60):
            dynamic = self.maker.dynamic(Instance())
            found |= {name: value for name, value in dynamic.items() if self.chance(50)}
        return found

    def complex(self, ref: TypeRef, old: Any, patch: bool) -> Any:
        if ref.nullable is not False and self.chance(15):
            return None
        if isinstance(old, Instance) and self.chance(70):
            return self.values(old["@type"], 40, old)
        kind = self.random.choice(self.model.concrete(ref.name))
        return self.values(kind, 85, Instance() if patch else None)

    def key(self, kind: str) -> dict[str, Any]:
        names = {part.path for part in self.model.key(kind)}
        if "Code" in names:
            return {"Code": self.random.choice(CODES)}
        if "A" in names:
            return {"A": self.random.choice((1, 2, 2**62)), "B": self.random.choice(("x", "X", "y'", "z/"))}
        return {"ID": self.random.randrange(1, 18)}

    # --- trees -------------------------------------------------------------------------------------------

    def some(self, numbers: list[int], most: int = 3, navigation: NavigationProperty | None = None) -> list[int]:
        """Entities of which the body says nothing so far; what ends another link of theirs is said once."""
        left = [each for each in dict.fromkeys(numbers) if each not in self.taken]
        chosen = self.random.sample(left, min(len(left), self.random.randrange(most + 1)))
        self.named |= {*chosen}
        if navigation is not None and navigation.partner and not self.model.navigations(navigation.type)[navigation.partner].collection:
            self.taken |= {*chosen}
        return chosen

    def leaving(self, numbers: list[int], reasons: tuple[str, ...]) -> list[Node]:
        """Members of a delta that go, by themselves."""
        found = []
        for each in self.random.sample(numbers, min(len(numbers), self.random.randrange(3))):
            if each in self.taken | self.named:
                continue
            self.taken.add(each)
            after, reason = self.state.copy(), self.random.choice(reasons)
            try:
                after.delete(each)
            except Refused:
                pass
            gone = self.state.rows.keys() - after.rows.keys()
            if all(len(self.state.homes[other]) == 2 for other in gone - {each}) or reason == "changed" and "deleted" in reasons:
                found.append(Node(self.state.rows[each]["@type"], at=each, removed=reason))
        return found

    def new(self, kind: str, depth: int = 1, skip: str = "", exact: bool = False) -> Node:
        """A new entity, of this type or (unless `exact`) one that derives from it, with links and nested ones."""
        kind = kind if exact else self.random.choice(self.model.concrete(kind))
        values = self.values(kind, 90)
        for name, member in self.model.properties(kind).items():      # mostly what is needed is there
            ref = self.model.underlying(member.type)
            if name not in values and ref.nullable is False and not ref.collection and member.default is None \
                    and self.chance(97) and name not in {part.path for part in self.model.key(kind)}:
                values[name] = self.maker.value(ref)
        node = Node(kind, {**self.key(kind), **values})
        for name, navigation in self.model.navigations(kind).items():
            needed = navigation.nullable is False and not navigation.collection
            if name == skip or not needed and not self.chance(25):
                continue
            if navigation.contains_target:
                if depth:
                    made = [self.new(navigation.type, depth - 1) for _ in range(self.random.randrange(1, 3) if navigation.collection else 1)]
                    node.links[name] = Said([*distinct(self.model, made)])
                continue
            chosen: list[Target] = [*self.some(self.state.candidates(navigation), 3, navigation)]
            if depth and self.chance(25):
                chosen = [self.new(navigation.type, 0, navigation.partner or "")]
            if not navigation.collection:
                chosen = chosen[:1]
            if chosen:
                node.links[name] = Said(chosen)
        return node

    def changed(self, number: int, share: int, depth: int = 1) -> Node:
        """Changes of an entity that is there."""
        self.taken.add(number)
        row = self.state.rows[number]
        node = Node(row["@type"], {name: value for name, value in self.values(row["@type"], share, row).items()}, at=number)
        if depth:
            for name, navigation in self.state.navigations(number).items():
                if self.chance(18) and (said := self.said(number, name, navigation)) is not None:
                    node.links[name] = said
        if "Staff" in node.links:
            node.values.pop("BossCode", None)           # who may be one of them says so once
        return node

    def said(self, number: int, name: str, navigation: NavigationProperty) -> Said | None:
        """What an update says of a navigation property."""
        modern = self.version == "4.01"
        if navigation.contains_target:
            return self._contained(number, name, navigation) if modern else None
        related, all = self.state.related(number, name), self.state.candidates(navigation)
        if not navigation.collection:
            if navigation.nullable is not False and self.chance(30):
                return Said([])
            if modern and self.chance(25):
                at = [each for each in self.some(related or all, 1) if each not in self.named - {*related, *all}]
                return Said([self.nested(at[0], navigation)]) if at else None
            if modern and self.chance(20):
                return Said([*self.fresh(navigation)]) if navigation.nullable is not False else None
            chosen: list[Target] = [*self.some(all, 1)]
            return Said(chosen) if chosen else None
        if not modern:
            return Said([*self.some(all, 3, navigation)], "add")
        if self.chance(50):
            return Said([*self.some(related + all, 3, navigation), *self._nested(navigation, all)] if self.chance(80) else [])
        targets: list[Target] = [*self.some(all, 2, navigation), *self._nested(navigation, all)]
        targets += self.leaving(related, ("changed", "changed", "deleted"))
        self.random.shuffle(targets)
        return Said(targets, "delta")

    def _nested(self, navigation: NavigationProperty, all: list[int]) -> list[Target]:
        if self.chance(60):
            return []
        if self.chance(40):
            return [*self.fresh(navigation)]
        return [self.nested(each, navigation) for each in self.some([each for each in all if each not in self.named], 1, navigation)]

    def fresh(self, navigation: NavigationProperty) -> list[Node]:
        """A nested entity under a free key."""
        node = self.new(navigation.type, 0, navigation.partner or "")
        home = next(SETS[each] for each in self.model.lineage(node.type) if each in SETS)
        key = key_of(self.model, node.values)
        if (home, key) in self.keys or self.state.find((home,), key) is not None:
            return []
        self.keys.add((home, key))
        if navigation.partner == "Staff":
            node.values.pop("BossCode", None)
        return [node]

    def nested(self, number: int, navigation: NavigationProperty) -> Node:
        """A change inside another: what relates it is said by its place."""
        node = self.changed(number, 30, 0)
        if navigation.partner in ("Boss", "Staff"):
            node.values.pop("BossCode", None)
        return node

    def _contained(self, number: int, name: str, navigation: NavigationProperty) -> Said | None:
        there = self.state.members((number, name))
        if not navigation.collection:
            if self.chance(25) and navigation.nullable is not False:
                return Said([])
            return Said([self._keyed(self.changed(there[0], 30, 0)) if there else self.new(navigation.type, 0)])
        kept: list[Node] = [self._keyed(self.changed(each, 30, 0)) for each in self.some(there)]
        made = [self.new(navigation.type, 1) for _ in range(self.random.randrange(2))]
        keys = {self.state.key(each) for each in there}
        nodes = [*kept, *(each for each in distinct(self.model, made) if key_of(self.model, each.values) not in keys)]
        if self.chance(50):
            return Said([*nodes])
        return Said([*nodes, *map(self._keyed, self.leaving(there, ("deleted", "changed")))], "delta")

    def _keyed(self, node: Node) -> Node:
        """A contained entity is named by its key."""
        assert node.at is not None
        row = self.state.rows[node.at]
        node.values = {**{part.path: row[part.path] for part in self.model.key(row["@type"])}, **node.values}
        return node

    # --- requests for entities ---------------------------------------------------------------------------

    def anyone(self, *, sun: bool = False) -> int:
        some = [number for number, home in self.state.homes.items() if sun or home != ("Sun",)]
        return self.random.choice(some or [*self.state.homes])

    def post(self) -> Step | None:
        """To a set, to a related collection, to contained entities (§11.4.2)."""
        if self.chance(50):
            kind = self.random.choice([*SETS, "World.Thing"])
            node, home = self.new(kind), (SETS[kind],)
            if self.chance(10) and not self.model.is_open(node.type):
                node.values["Nope"] = 1
                return Step("POST", SETS[kind], refused(400), self.json(node, kind))
            return Step("POST", SETS[kind], lambda state: state.create(node, home), self.json(node, kind), ADD)
        number = self.anyone()
        links = {name: each for name, each in self.state.navigations(number).items() if each.collection}
        if not links:
            return None
        name = self.random.choice([*links])
        node = self.new(links[name].type, 1, links[name].partner or "")
        path = f"{self.url(number)}/{self.cast(number, name)}{name}"
        contained = links[name].contains_target
        base = next(each for each in self.model.lineage(links[name].type))
        home: Home = (number, name) if contained else (next(SETS[each] for each in self.model.lineage(links[name].type) if each in SETS),)

        def run(state: State) -> int:
            if contained:
                return state.create(node, home)
            made = state.create(node, home, (number, name) if links[name].partner else None)
            state.add(number, name, made)
            return made
        return Step("POST", path, run, self.json(node, base), ADD)

    def patch(self, share: int = 25) -> Step:
        number = self.anyone(sun=True)
        node = self.changed(number, share)
        return self._update("PATCH", number, node)

    def put(self) -> Step:
        number = self.anyone(sun=True)
        self.taken.add(number)
        self.replacing = True
        row = self.state.rows[number]
        whole = self.new(row["@type"], 0, exact=True)
        node = Node(row["@type"], {name: value for name, value in self.values(row["@type"], 85).items()}, at=number)
        node.values |= {name: value for name, value in whole.values.items() if name not in node.values and self.chance(80)}
        for name, navigation in self.state.navigations(number).items():
            if self.chance(12) and (said := self.said(number, name, navigation)) is not None and said.mode != "delta":
                node.links[name] = said
        return self._update("PUT", number, node)

    def _update(self, method: str, number: int, node: Node) -> Step:
        if "Staff" in node.links:
            node.values.pop("BossCode", None)           # one of both

        def run(state: State) -> int:
            state.update(number, node, method == "PUT")
            return number
        return Step(method, self.url(number), run, self.json(node, node.type), subject=number)

    def upsert(self) -> Step | None:
        """PUT and PATCH of a key, there or not (§11.4.4)."""
        home: Home = (self.random.choice([*SETS.values()]),)
        kind = next(each for each, name in SETS.items() if name == home[0])
        if self.chance(25):
            number = self.anyone()
            below = [each for each in self.state.navigations(number).values() if each.contains_target and each.collection]
            if not below:
                return None
            home, kind = (number, below[0].name), below[0].type
        node = self.new(kind, 0)
        method = self.random.choice(("PUT", "PATCH"))
        key = key_of(self.model, node.values)
        number = self.state.find(home, key)
        if number is not None and (self.state.rows[number]["@type"] != node.type or self.version == "4.0" and any(
                isinstance(each, Node) for said in node.links.values() for each in said.targets)):
            return None
        if number is not None and any(self.state.navigations(number)[name].contains_target or number in said.targets
                                      for name, said in node.links.items()):
            return None
        path = f"{self.url(home[0])}/{home[1]}" if len(home) == 2 else home[0]
        if number is not None:
            node.at = number if method == "PATCH" else None
            node.values = {name: value for name, value in node.values.items() if name != "BossCode" or "Staff" not in node.links}
            for name, said in node.links.items():
                if self.version == "4.0" and self.model.navigations(node.type)[name].collection:
                    said.mode = "add"

        def run(state: State) -> int:
            there = state.find(home, key)
            if there is None:
                return state.create(node, home)
            state.update(there, node, method == "PUT")
            return there
        step = Step(method, path + escaped(literal(self.model, kind, key)), run, self.json(node, kind), ADD if number is None else CHANGE)
        step.subject = number
        if self.chance(20):
            step.condition = "none"
        elif number is None and self.chance(20):
            step.condition = "*"
        return step

    def delete(self) -> Step | None:
        number = self.anyone()
        if self.state.homes[number] == ("Sun",):
            return None
        path = self.url(number)
        ones = [(each, name) for each in self.state.rows for name, navigation in self.state.navigations(each).items()
                if not navigation.collection and navigation.nullable is not False and self.state.related(each, name) == [number]]
        if ones and self.chance(30):
            holder, name = self.random.choice(ones)
            path = f"{self.url(holder)}/{self.cast(holder, name)}{name}"
        return Step("DELETE", path, lambda state: state.delete(number), success=NONE, subject=number, prefer="minimal" if self.chance(20) else "")

    # --- links -------------------------------------------------------------------------------------------

    def reference(self) -> Step | None:
        """`$ref`: added, removed, replaced (§11.4.6)."""
        number = self.anyone()
        links = {name: each for name, each in self.state.navigations(number).items() if not each.contains_target}
        if not links:
            return None
        name, navigation = self.random.choice([*links.items()])
        related, all = self.state.related(number, name), self.state.candidates(navigation)
        path = f"{self.url(number)}/{self.cast(number, name)}{name}"
        target = self.random.choice(related if related and self.chance(50) else all) if all else None
        method = self.random.choice(("POST", "DELETE", "PUT", "PUT each"))

        def run(make: Callable[[State], None]) -> Callable[[State], int | None]:
            def ran(state: State) -> int | None:
                make(state)
                return None
            return ran
        if method == "DELETE":
            if not navigation.collection:
                return Step("DELETE", f"{path}/$ref", run(lambda state: state.replace_links(number, name, [])), success=NONE)
            if target is None:
                return None

            def drop(state: State) -> None:
                if target not in state.related(number, name):
                    raise Refused(404)
                state.drop(number, name, target)
            home = self.state.homes[target]
            text = self.url(target).removeprefix(str(home[0]))
            url = f"{path}{text}/$ref" if self.chance(50) else f"{path}/$ref?$id={quote(ROOT + self.url(target))}"
            return Step("DELETE", url, run(drop), success=NONE)
        if navigation.collection and method == "PUT each":
            chosen = self.some(all)
            return Step("PUT", f"{path}/$ref", run(lambda state: state.replace_links(number, name, chosen)),
                        {"value": [self.ref(each) for each in chosen]}, NONE)
        if target is None or method != "POST" and navigation.collection:
            return None
        if self.chance(10):
            return Step("POST" if navigation.collection else "PUT", f"{path}/$ref", refused(400, 404), {self.at("id"): f"{ROOT}Things(999)"})
        return Step("POST" if navigation.collection else "PUT", f"{path}/$ref", run(
            lambda state: state.add(number, name, target)), self.ref(target), NONE)

    # --- properties --------------------------------------------------------------------------------------

    def member(self) -> Step | None:
        """A property by its own URL (§11.4.9)."""
        number = self.anyone(sun=True)
        row = self.state.rows[number]
        kind = row["@type"]
        keys = {part.path for part in self.model.key(kind)}
        name, member = self.random.choice([(name, each) for name, each in self.model.properties(kind).items() if name not in keys])
        ref = self.model.underlying(member.type)
        declared = self.model.declaring(kind, name)
        home = self.state.homes[number]
        cast = f"{declared}/" if home != ("Sun",) and declared not in self.model.lineage(self.base(number)) else \
            f"{kind}/" if home == ("Sun",) and not self.model.is_a("World.Owner", str(declared)) else ""
        path = f"{self.url(number)}/{cast}{name}"

        def setting(value: Any) -> Callable[[State], None]:
            return lambda state: state.update(number, Node(kind, {name: value}))
        complex = self.model.kind(ref.name) == "complex"
        if self.chance(20):
            if ref.collection:
                return Step("DELETE", path, setting([]), success=NONE)
            return Step("DELETE", path, setting(None), success=NONE)
        if ref.collection and self.chance(40):
            item = self.maker.value(TypeRef(ref.name, False, ref.nullable, ref.max_length, ref.precision, ref.scale))
            body = self.value(item, ref.name) if isinstance(item, Instance) else {"value": self.value(item, ref.name)}
            if item is None:
                body = {"value": None}
            return Step("POST", path, lambda state: state.update(number, Node(kind, {name: [*state.rows[number][name], item]})), body,
                        frozenset({200, 201, 204}))
        if complex and not ref.collection:
            method = self.random.choice(("PUT", "PATCH"))
            old = row[name]
            value = self.complex(TypeRef(ref.name, False, False), old if method == "PATCH" else None, method == "PATCH")
            body = self.value(value, ref.name, old if method == "PATCH" else None)

            def whole(state: State) -> None:
                if method == "PUT":
                    state.rows[number][name] = None
                state.update(number, Node(kind, {name: value}))
            return Step(method, path, whole, body, CHANGE)
        value = self.random.choice((*CODES, None)) if name == "BossCode" else self.maker.value(ref)
        if not ref.collection and value is not None and ref.name != "Edm.Binary" and self.chance(30):
            text = enum_text(self.model, ref.name, value) if self.model.enum_type(ref.name) else types.write(ref.name, value)
            raw = str(text) if not isinstance(text, bool) else str(text).lower()
            return Step("PUT", f"{path}/$value", setting(value), raw.encode(), NONE, kind="text/plain;charset=utf-8", prefer="minimal")
        return Step("PUT", path, setting(value), {"value": self.value(value, ref.name)}, CHANGE)

    # --- many at once ------------------------------------------------------------------------------------

    def delta(self) -> Step | None:
        """PATCH of a collection with a delta (§11.4.12)."""
        if self.chance(70):
            kind = self.random.choice([*SETS])
            home: Home = (SETS[kind],)
            path = home[0]
        else:
            number = self.anyone()
            below = [each for each in self.state.navigations(number).values() if each.contains_target and each.collection]
            if not below:
                return None
            home, kind = (number, below[0].name), below[0].type
            path = f"{self.url(number)}/{below[0].name}"
        self.version = "4.01"
        there = self.state.members(home)
        nodes = [self._keyed(self.changed(each, 25, 1)) for each in self.some(there, 2)]
        keys = {self.state.key(each) for each in there}
        nodes += [each for each in distinct(self.model, [self.new(kind, 1) for _ in range(self.random.randrange(3))])
                  if key_of(self.model, each.values) not in keys]
        nodes += map(self._keyed, self.leaving(there, ("deleted",)))
        self.random.shuffle(nodes)

        def run(state: State) -> None:
            for node in nodes:
                if node.removed:
                    if node.at in state.rows:
                        state.delete(node.at)       # type: ignore[arg-type]
                elif node.at is not None and node.at in state.rows:
                    state.update(node.at, node)
                else:
                    state.create(node, home)
        body = {self.at("context"): "#$delta", "value": [self.json(node, kind, key=True) for node in nodes]}
        return Step("PATCH", path, run, body, CHANGE)

    def full(self) -> Step | None:
        """PUT of a collection: these and no others (§11.4.12)."""
        number = self.anyone()
        below = [each for each in self.state.navigations(number).values() if each.contains_target and each.collection]
        if not below:
            return None
        self.version = "4.01"
        home = (number, below[0].name)
        nodes = distinct(self.model, [self.new(below[0].type, 0) for _ in range(self.random.randrange(4))])

        def run(state: State) -> None:
            keys = [key_of(self.model, node.values) for node in nodes]
            for each in state.members(home):
                if state.key(each) not in keys:
                    state.delete(each)
            for node in nodes:
                there = state.find(home, key_of(self.model, node.values))
                if there is None:
                    state.create(node, home)
                elif node.type not in (state.rows[there]["@type"], below[0].type):      # the declared type is not told
                    raise Refused(400)
                else:
                    state.update(there, node, True)
        return Step("PUT", f"{self.url(number)}/{below[0].name}", run, {"value": [self.json(each, below[0].type) for each in nodes]}, CHANGE)

    def each(self) -> Step:
        """PATCH and DELETE of `/$each` (§11.4.13, §11.4.14)."""
        kind, name, low = self.random.choice((("World.Thing", "ID", 3), ("World.Loose", "ID", 3), ("World.Owner", "Code", "a b"), ("World.Tag", "A", 1)))
        limit = self.random.randrange(1, 12) if name == "ID" else low
        path = f"{SETS[kind]}/$filter({name} le {quote(types.literal('Edm.String', limit) if name == 'Code' else str(limit))})/$each"
        home = (SETS[kind],)

        def chosen(state: State) -> list[int]:
            return [each for each in state.members(home) if state.rows[each][name] <= limit]
        if self.chance(40):
            def gone(state: State) -> None:
                for each in chosen(state):
                    if each in state.rows:
                        state.delete(each)
            return Step("DELETE", path, gone)
        node = Node(kind, {name: value for name, value in self.values(kind, 12).items() if not isinstance(value, Instance)})

        def run(state: State) -> None:
            state.doubtful |= not chosen(state)         # a body for nobody may be looked at
            for each in chosen(state):
                state.update(each, Node(state.rows[each]["@type"], node.values))
        return Step("PATCH", path, run, self.json(node, kind))

    def batch(self) -> Step | None:
        """An atomic group: all or nothing (§11.7)."""
        state, parts = self.state, []
        for _ in range(self.random.randrange(2, 4)):
            self.begin()
            make = self.random.choice((self.post, self.patch, self.reference, self.member, self.delete, self.upsert))
            made = make()
            if made is None or made.kind != JSON or made.condition:
                self.state = state
                return None
            parts.append(made)
            after = self.state.copy()
            try:
                made.run(after)
            except Refused:
                break                       # the last one, and all for nothing
            except Unclear:
                self.state = state
                return None
            if after.doubtful:
                self.state = state
                return None
            self.state = after
        self.state = state
        for each in parts:
            self._dress(each)
            each.condition = ""

        def run(state: State) -> None:
            for each in parts:
                each.run(state)
        return Step("POST", "$batch", run, success=frozenset({200}), parts=tuple(parts))


def distinct(model: Model, nodes: list[Node]) -> list[Node]:
    """Nodes of one collection by different keys."""
    found = {key_of(model, each.values): each for each in nodes}
    return [*found.values()]


def refused(*statuses: int) -> Callable[[State], int | None]:
    def run(state: State) -> int | None:
        raise Refused(*statuses)
    return run

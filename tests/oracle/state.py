"""The naive model of modifications: entities, links, and what Protocol §11.4 makes of them. Nothing of `app` but the model.

A request is a tree of `Node`s, one for each entity that it speaks of; entities are known by numbers. What must not be raises
`Refused`, and the copy that was being changed is thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from app.edm import types
from app.edm.index import Model
from app.edm.model import NavigationProperty, Property
from tests.oracle.world import Instance, Typed, World

SETS = {"World.Thing": "Things", "World.Owner": "Owners", "World.Tag": "Tags", "World.Loose": "Looses"}
Home: TypeAlias = tuple[Any, ...]       # a set, or an owner and its containment navigation property
TIED = {"BossCode": "Boss"}             # dependent properties


class Refused(Exception):
    """The request fails with one of these statuses."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(statuses)
        self.statuses = frozenset(statuses)


class Unclear(Exception):
    """The standard leaves open what comes of the request: it is not sent."""


@dataclass(slots=True)
class Node:
    """What a body says of an entity: `at` is the one that exists already, as the request knows it; `removed` of a delta."""

    type: str
    values: dict[str, Any] = field(default_factory=dict)
    links: dict[str, Said] = field(default_factory=dict)
    at: int | None = None
    removed: str = ""


Target: TypeAlias = Node | int


@dataclass(slots=True)
class Said:
    """What it says of a navigation property: 'set' is the whole truth, 'add' comes on top, 'delta' member by member."""

    targets: list[Target]
    mode: str = "set"


@dataclass(slots=True)
class State:
    """Entities by number, where they live, and the links between them."""

    model: Model
    rows: dict[int, Instance] = field(default_factory=dict)
    homes: dict[int, Home] = field(default_factory=dict)
    links: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    last: int = 0
    before: int = 0             # the last entity from before the request
    doubtful: bool = False      # the standard leaves open whether this may be

    def copy(self) -> State:
        return State(self.model, {number: Instance(row) for number, row in self.rows.items()}, dict(self.homes),
                     {name: list(pairs) for name, pairs in self.links.items()}, self.last, self.last)

    # --- what is there -----------------------------------------------------------------------------------

    def navigations(self, number: int) -> dict[str, NavigationProperty]:
        found = self.model.navigations(self.rows[number]["@type"])
        return {"Boss": found["Boss"]} if self.homes[number] == ("Sun",) else found

    def members(self, home: Home) -> list[int]:
        return [number for number, each in self.homes.items() if each == home]

    def key(self, number: int) -> tuple[Any, ...]:
        return key_of(self.model, self.rows[number])

    def find(self, home: Home, key: tuple[Any, ...]) -> int | None:
        return next((number for number in self.members(home) if self.key(number) == key), None)

    def address(self, number: int) -> str:
        home, key = self.homes[number], self.key(number)
        if home == ("Sun",):
            return "Sun"
        text = literal(self.model, self.rows[number]["@type"], key)
        if len(home) == 1:
            return f"{home[0]}{text}"
        many = self.model.navigations(self.rows[home[0]]["@type"])[home[1]].collection
        return f"{self.address(home[0])}/{home[1]}{text if many else ''}"

    def candidates(self, navigation: NavigationProperty) -> list[int]:
        """What a navigation property may lead to."""
        base = next(each for each in self.model.lineage(navigation.type) if each in SETS)
        return [each for each in self.members((SETS[base],)) if self.model.is_a(self.rows[each]["@type"], navigation.type)]

    def _relation(self, number: int, name: str) -> tuple[str, bool, bool, bool]:
        """The name of a relation, whether it is read forward, and whether each end leads to one entity only."""
        navigation, owner = self.navigations(number)[name], self.model.declaring(self.rows[number]["@type"], name)
        here = f"{'Sun' if self.homes[number] == ('Sun',) else owner}.{name}"
        if navigation.partner is None or here.startswith("Sun."):
            return here, True, not navigation.collection, False
        back = self.model.navigations(navigation.type)[navigation.partner]
        there = f"{self.model.declaring(navigation.type, back.name)}.{back.name}"
        return min(here, there), here < there, not navigation.collection, not back.collection

    def related(self, number: int, name: str) -> list[int]:
        if self.navigations(number)[name].contains_target:
            return self.members((number, name))
        relation, forward, _, _ = self._relation(number, name)
        pairs = self.links.get(relation, ())
        return [two for one, two in pairs if one == number] if forward else [one for one, two in pairs if two == number]

    # --- links -------------------------------------------------------------------------------------------

    def add(self, number: int, name: str, target: int) -> None:
        """Relate one more; where an end leads to one entity only, its present one goes."""
        relation, forward, one, back_one = self._relation(number, name)
        pairs = self.links.setdefault(relation, [])
        pair = (number, target) if forward else (target, number)
        mine, others = (0, 1) if forward else (1, 0)
        pairs[:] = [each for each in pairs if each != pair and not (one and each[mine] == number)
                    and not (back_one and each[others] == target)]
        pairs.append(pair)

    def drop(self, number: int, name: str, target: int) -> None:
        """End a relation. Raises Refused where one of both cannot be without."""
        navigation = self.navigations(number)[name]
        back = self.model.navigations(navigation.type).get(navigation.partner or "")
        if navigation.nullable is False and not navigation.collection or \
                back is not None and back.nullable is False and not back.collection:
            raise Refused(400, 409)
        relation, forward, _, _ = self._relation(number, name)
        self.links[relation].remove((number, target) if forward else (target, number))

    def replace_links(self, number: int, name: str, targets: list[int]) -> None:
        """Exactly these."""
        navigation = self.navigations(number)[name]
        if not navigation.collection and not targets and navigation.nullable is False:
            raise Refused(400, 409)
        if navigation.collection or not targets:
            for each in self.related(number, name):
                if each not in targets:
                    self.drop(number, name, each)
        for each in targets:
            if each not in self.related(number, name):
                self.add(number, name, each)

    # --- entities ----------------------------------------------------------------------------------------

    def create(self, node: Node, home: Home, related: tuple[int, str] | None = None) -> int:
        """A new entity, what is nested in it included (§11.4.2)."""
        self.last += 1
        number = self.last
        if node.type not in self.model.concrete(node.type):
            raise Refused(400, 409)
        if (there := self.find(home, key_of(self.model, node.values))) is not None:
            raise Unclear if there > self.before else Refused(409)      # one body makes it twice
        tied = {name: node.values[name] for name in TIED if name in node.values}
        values = Instance({name: value for name, value in node.values.items() if name not in TIED})
        self.rows[number], self.homes[number] = complete(self.model, node.type, values), home
        if related is not None:
            self.add(*related, number)
        implied = self.navigations(related[0])[related[1]].partner if related is not None else None
        self._tie(number, {name: value for name, value in tied.items()
                           if TIED[name] not in node.links and TIED[name] != implied and value is not None})
        for name, said in node.links.items():
            self._link(number, name, Said(said.targets, "add"))
        for name, navigation in self.navigations(number).items():
            if navigation.nullable is False and not navigation.collection and not self.related(number, name):
                raise Refused(400)
        return number

    def update(self, number: int, node: Node, whole: bool = False) -> None:
        """New values: those said, the others stay or (`whole`) have their defaults; links that are said (§11.4.3)."""
        row = self.rows[number]
        kind = row["@type"]
        keys = {part.path for part in self.model.key(kind)}
        said = Instance({name: value for name, value in node.values.items() if name not in keys and name not in TIED})
        if whole:
            self.rows[number] = complete(self.model, kind, Instance({**{name: row[name] for name in keys}, **said}))
        else:
            self.rows[number] = merged(self.model, kind, row, said)
        self._tie(number, {name: value for name, value in node.values.items()
                           if name in TIED and TIED[name] not in node.links})
        for name, links in node.links.items():
            self._link(number, name, links, whole)

    def _tie(self, number: int, values: dict[str, Any]) -> None:
        """A dependent property moves the link."""
        for name, value in values.items():
            target = None if value is None else self.find(("Owners",), (value,))
            if value is not None and target is None:
                raise Refused(400, 409)
            if target is not None and target > self.before:
                raise Unclear               # what is new may depend on this one
            self.replace_links(number, TIED[name], [] if target is None else [target])

    def _link(self, number: int, name: str, said: Said, whole: bool = False) -> None:
        navigation = self.navigations(number)[name]
        if navigation.contains_target:
            self._contain(number, navigation, said, whole)
            return
        found = []
        for each in said.targets:
            if isinstance(each, Node) and each.removed:
                if each.at in self.rows and each.removed == "deleted":
                    self.delete(each.at)                                        # type: ignore[arg-type]
                elif each.at in self.related(number, name):
                    self.drop(number, name, each.at)                            # type: ignore[arg-type]
            elif isinstance(each, int):
                if each not in self.rows:
                    raise Refused(400, 404)
                found.append(each)
            elif each.at is not None:
                if each.values.keys() - {"@type"}:          # else it is a reference
                    self.update(each.at, each, whole)
                found.append(each.at)
            else:
                base = next(kind for kind in self.model.lineage(each.type) if kind in SETS)
                found.append(self.create(each, (SETS[base],), self._implied(number, name)))
        if said.mode == "set" or not navigation.collection:
            self.replace_links(number, name, found)
        else:
            for target in found:
                self.add(number, name, target)

    def _implied(self, number: int, name: str) -> tuple[int, str] | None:
        """The link that a new entity has by where it is nested: it may need it."""
        navigation = self.navigations(number)[name]
        return (number, name) if navigation.partner else None

    def _contain(self, number: int, navigation: NavigationProperty, said: Said, whole: bool) -> None:
        home, kept = (number, navigation.name), []
        for each in said.targets:
            assert isinstance(each, Node)
            there = self.members(home)
            at = self.find(home, key_of(self.model, each.values)) if navigation.collection else next(iter(there), None)
            if each.removed:
                if at is not None:
                    self.delete(at)
            elif at is not None:
                self.update(at, each, whole)
                kept.append(at)
            else:
                kept.append(self.create(each, home))
        if said.mode == "set":
            for at in self.members(home):
                if at not in kept:
                    self.delete(at)

    def delete(self, number: int) -> None:
        """An entity goes with what it contains and what OnDelete takes along; links to all of them end (§11.4.5)."""
        leaving = [number]
        for each in leaving:                            # grows on the way
            found = [inner for inner, home in self.homes.items() if home[0] == each and len(home) == 2]
            for name, navigation in self.navigations(each).items():
                if navigation.on_delete == "Cascade" and not navigation.contains_target:
                    found += self.related(each, name)
            leaving += [other for other in dict.fromkeys(found) if other not in leaving]
        for each in leaving:
            for name, navigation in self.navigations(each).items():
                if navigation.on_delete == "None" and not navigation.contains_target and (others := self.related(each, name)):
                    if not all(other in leaving for other in others):
                        raise Refused(409)
                    self.doubtful = True
        for other in self.rows:
            for name, navigation in self.navigations(other).items():
                if navigation.nullable is False and not navigation.collection and other not in leaving and \
                        any(each in leaving for each in self.related(other, name)):
                    raise Refused(409)
        for each in leaving:
            del self.rows[each], self.homes[each]
        for pairs in self.links.values():
            pairs[:] = [pair for pair in pairs if pair[0] not in leaving and pair[1] not in leaving]

    # --- as it is shown ----------------------------------------------------------------------------------

    def shown(self, number: int) -> Instance:
        """The structural properties."""
        row = Instance(self.rows[number])
        if "BossCode" in self.model.properties(row["@type"]):
            boss = self.related(number, "Boss")
            row["BossCode"] = self.key(boss[0])[0] if boss else None
        return row


# --- values ----------------------------------------------------------------------------------------------

def key_of(model: Model, row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["A"], row["B"]) if "A" in row else (row.get("Code", row.get("ID")),)


def literal(model: Model, kind: str, key: tuple[Any, ...]) -> str:
    members = model.properties(kind)
    texts = [(part.path, types.literal(model.underlying(members[part.path].type).name, value))
             for part, value in zip(model.key(kind), key, strict=True)]
    return f"({texts[0][1]})" if len(texts) == 1 else "(" + ",".join(f"{name}={text}" for name, text in texts) + ")"


def initial(model: Model, owner: str, member: Property) -> Any:
    """The value of a property that was left out: its default, nothing, or none: then it is needed (CSDL §7.2.7)."""
    ref = model.underlying(member.type)
    if member.type.collection:
        return []
    if member.default is not None:
        kind = model.enum_type(ref.name)
        if kind is not None:
            return next(each.value for each in kind.members if each.name == member.default)
        return types.parse(ref.name, member.default)
    if ref.nullable is False:
        raise Refused(400)
    return None


def admitted(model: Model, member: Property, value: Any) -> Any:
    """A value that a body gives: null only where it may be."""
    ref = model.underlying(member.type)
    if value is None and (ref.collection or ref.nullable is False):
        raise Refused(400)
    if isinstance(value, list):
        if None in value and ref.nullable is False:
            raise Refused(400)
        return [complete(model, each["@type"], each) if isinstance(each, Instance) else each for each in value]
    return value


def complete(model: Model, kind: str, said: Instance) -> Instance:
    """A new value of a structured type: what is said, defaults elsewhere."""
    made, declared = Instance({"@type": kind}), model.properties(kind)
    for name, member in declared.items():
        if name in TIED:
            continue
        value = admitted(model, member, said[name]) if name in said else initial(model, kind, member)
        made[name] = complete(model, value["@type"], value) if isinstance(value, Instance) else value
    made |= {name: value for name, value in said.items() if isinstance(value, Typed) and name not in declared}
    return made


def merged(model: Model, kind: str, old: Instance, said: Instance) -> Instance:
    """A structured value after PATCH: members said replace, complex ones merge, dynamic ones go by null (§11.4.3)."""
    declared = model.properties(kind)
    made = Instance({"@type": kind})
    for name, member in declared.items():
        if name in TIED:
            continue
        was = old.get(name)
        if name not in said:
            made[name] = was if name in old else initial(model, kind, member)
            continue
        value = admitted(model, member, said[name])
        if isinstance(value, Instance) and isinstance(was, Instance):
            value = merged(model, value["@type"], was, value)
        elif isinstance(value, Instance):
            value = complete(model, value["@type"], value)
        made[name] = value
    dynamic = {name: value for name, value in old.items() if isinstance(value, Typed) and name not in declared}
    dynamic |= {name: value for name, value in said.items() if name not in declared and name != "@type"}
    made |= {name: value for name, value in dynamic.items() if isinstance(value, Typed)} if model.is_open(kind) else {}
    return made


# --- from the generated rows -----------------------------------------------------------------------------

def state_of(world: World) -> State:
    """The state that the rows of a world are."""
    state = State(world.model)
    numbers: dict[int, int] = {}
    made: list[Instance] = []

    def enter(row: Instance, home: Home) -> None:
        state.last += 1
        numbers[id(row)], state.homes[state.last] = state.last, home
        links = world.model.navigations(row["@type"])
        state.rows[state.last] = Instance({name: value for name, value in row.items() if name not in links and name not in TIED})
        number = state.last
        made.append(row)
        for segment, below in world.contained(row):
            enter(below, (number, segment.partition("(")[0]))

    for name, members in world.sets.items():
        for each in members:
            enter(each, (name,))
    for row in made:
        number = numbers[id(row)]
        for name, navigation in state.navigations(number).items():
            if not navigation.contains_target:
                for target in row[name] if navigation.collection else [row[name]] if row[name] is not None else []:
                    state.add(number, name, numbers[id(target)])
    return state

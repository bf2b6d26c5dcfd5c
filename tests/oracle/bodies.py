"""The texts of generated modifications: addresses, values and bodies of both versions (JSON Format §4.5, §7, §8.5, §15)."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from app.edm import types
from app.edm.model import EnumType, NavigationProperty
from tests.oracle.state import SETS, Node, State, Target
from tests.oracle.world import Instance, Typed, enum_text

ROOT = "http://localhost/"
JSON = "application/json"
CHANGE = frozenset({200, 204})
RAW = re.compile(r'"\\u0000([^"]*)"')


@dataclass(slots=True)
class Step:
    """A request; `run` makes of a state what it means, and gives the entity that the answer shows."""

    method: str
    path: str
    run: Callable[[State], int | None]
    body: Any = None
    success: frozenset[int] = CHANGE
    version: str = "4.01"
    prefer: str = ""
    condition: str = ""             # of If-Match: '*', 'right', 'wrong'; 'none' is If-None-Match: *
    subject: int | None = None      # the entity that it is about
    kind: str = JSON
    parts: tuple[Step, ...] = ()    # of an atomic batch
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else RAW.sub(r"\1", json.dumps(self.body)).encode()

    def sent(self) -> dict[str, str]:
        found = {"odata-version": self.version, "odata-maxversion": self.version, **self.headers}
        if self.body is not None:
            found["content-type"] = self.kind
        if self.prefer:
            found["prefer"] = f"return={self.prefer}"
        return found

    def __str__(self) -> str:
        inner = "".join(f"\n      {each}" for each in self.parts)
        told = " ".join(f"{name}: {value}" for name, value in self.sent().items() if name != "odata-maxversion")
        return f"{self.method} {self.path}  {told}  {self.content().decode() if not self.parts else ''}{inner}"


class Texts:
    """Writes what is said of the entities of a state, in one version. `quoted`: IEEE754Compatible."""

    def __init__(self, state: State, chance: random.Random) -> None:
        self.state, self.model, self.random = state, state.model, chance
        self.version = chance.choice(("4.0", "4.01"))
        self.quoted = chance.random() < 0.3
        self.replacing = False              # by PUT

    def url(self, number: int) -> str:
        return escaped(self.state.address(number))

    def at(self, name: str) -> str:
        return f"@odata.{name}" if self.version == "4.0" or self.random.random() < 0.3 else f"@{name}"

    def ref(self, number: int) -> dict[str, str]:
        return {self.at("id"): ROOT + self.url(number)}

    def cast(self, number: int, name: str) -> str:
        """The cast that the navigation property of a derived type needs in a path."""
        owner = str(self.model.declaring(self.state.rows[number]["@type"], name))
        return "" if self.model.is_a(self.base(number), owner) else f"{owner}/"

    def json(self, node: Node, declared: str, key: bool = False) -> dict[str, Any]:
        """A body, or a part of one."""
        made: dict[str, Any] = {}
        if node.removed:
            made[self.at("removed")] = {"reason": node.removed}
        if node.type != declared:
            made[self.at("type")] = f"#{node.type}"
        if node.at is not None and not node.values.keys() & {part.path for part in self.model.key(node.type)} and (node.removed or key):
            made[self.at("id")] = ROOT + self.url(node.at)
        made |= self.members(node.values, node.type, None if self.replacing else self.state.rows.get(node.at or 0))
        for name, said in node.links.items():
            navigation = self.model.navigations(node.type)[name]
            targets = [self._target(each, navigation) for each in said.targets]
            many = navigation.collection
            refs = all(isinstance(each, int) for each in said.targets)
            if self.version == "4.0" and refs and not navigation.contains_target:
                urls = [ROOT + self.url(each) for each in said.targets if isinstance(each, int)]
                made[f"{name}@odata.bind"] = urls if many else urls[0] if urls else None
            elif said.mode == "delta":
                made[f"{name}{self.at('delta')}"] = targets
            else:
                made[name] = targets if many else targets[0] if targets else None
        return made

    def _target(self, target: Target, navigation: NavigationProperty) -> dict[str, Any]:
        if isinstance(target, int):
            return self.ref(target)
        if target.at is not None and not target.values.keys() & {part.path for part in self.model.key(target.type)}:
            return {self.at("id"): ROOT + self.url(target.at), **self.json(replace(target, removed=""), navigation.type),
                    **({self.at("removed"): {"reason": target.removed}} if target.removed else {})}
        return self.json(target, navigation.type)

    def members(self, values: dict[str, Any], kind: str, old: Any = None) -> dict[str, Any]:
        """Members of an object; `old`: what they are merged with."""
        made: dict[str, Any] = {}
        declared = self.model.properties(kind)
        for name, value in values.items():
            if isinstance(value, Typed):
                made[f"{name}@odata.type"] = "#" + value.type[4:]
                made[name] = self.value(value.value, value.type)
            elif name in declared:
                was = old.get(name) if isinstance(old, Instance) else None
                made[name] = self.value(value, self.model.underlying(declared[name].type).name, was)
            elif name != "@type":
                made[name] = value
        return made

    def value(self, value: Any, kind: str, old: Any = None) -> Any:
        """A value in JSON; `old`: what a complex value is merged with, another type than its must be told."""
        if isinstance(value, list):
            return [self.value(each, kind) for each in value]
        if isinstance(value, Instance):
            type = value["@type"]
            inner = self.members(value, type, old)
            if isinstance(old, Instance):
                plain = old["@type"] == type and value.keys() - {"@type"} <= self.model.properties(kind).keys()
            else:
                plain = type == kind
            return inner if plain else {self.at("type"): f"#{type}", **inner}
        if value is None or isinstance(value, bool):
            return value
        if isinstance(self.model.type(kind), EnumType):
            return enum_text(self.model, kind, value)
        if isinstance(value, Decimal) or kind == "Edm.Int64":
            text = types.write(kind, value) if isinstance(value, Decimal) else str(value)
            return text if self.quoted else f"\0{text}"
        if isinstance(value, float) and value - value == 0 or isinstance(value, int) and kind != "Edm.Duration":
            return value
        return types.write(kind, value)

    def base(self, number: int) -> str:
        """The type that the place of an entity is declared with."""
        home = self.state.homes[number]
        if len(home) == 1:
            return next((kind for kind, name in SETS.items() if name == home[0]), "World.Owner")
        return self.model.navigations(self.state.rows[home[0]]["@type"])[home[1]].type


def escaped(path: str) -> str:
    """An address as it stands in a URL: what is inside of quotes escaped."""
    return quote(path, safe="/()',=") if "'" not in path else re.sub(
        r"'(?:[^']|'')*'", lambda found: "'" + quote(found[0][1:-1], safe="'") + "'", path)

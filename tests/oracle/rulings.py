"""Rulings: generated policy files over a world, and the world that they leave: without the rows and the names that are hidden.

What is left is made from the rows and the CSDL text, not by the service: predicates are computed by the oracle.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from app import csdl, url
from app.bind import Scope, nodes
from app.bind.expression import bind_boolean
from app.edm import types
from app.edm.index import Model
from app.errors import ODataError
from app.service.access import Principal
from tests.oracle import evaluate, world
from tests.oracle.choices import Played
from tests.oracle.generate import Writer
from tests.oracle.searching import SEARCHED
from tests.oracle.values import Failure
from tests.oracle.variations import EDM
from tests.oracle.world import Instance, Maker, World

TABLES = {"Things": "World.Thing", "Owners": "World.Owner", "Tags": "World.Tag", "Looses": "World.Loose", "Sun": "World.Owner",
          "Things/Parts": "World.Part", "Things/Lid": "World.Part", "Things/Parts/Screws": "World.Screw"}
KEYS = frozenset({"ID", "Code", "A", "B"})
VALUES = {"number": "Edm.Int32", "numbers": "Collection(Edm.Int32)", "words": "Collection(Edm.String)"}
CLERK = Principal("o1", roles=frozenset({"clerk", "helper"}), tenant="x", claims={"number": 4, "numbers": [1, 2, 3, 5, 8, 13, 21], "words": ["a", "ab", "o1", "ä"]})
ADMIN = Principal("root", roles=frozenset({"admin"}))
RISKY = re.compile(r" (add|sub|mul|div|divby|mod) |-\(|cast|round|floor|ceiling")        # what may fail in rows that it need not be computed for
# predicates that ask for values of the principal, by what every type of the table has
OWN = {"World.Thing": ("ID in @principal.numbers", "Owner/Code eq @principal.id", "String in @principal.words or Required gt @principal.number",
                       "Friends/any(f:f/ID le @principal.number)"),
       "World.Owner": ("Code ne @principal.id", "Name in @principal.words or Code in @principal.words", "Things/any(t:t/ID in @principal.numbers)"),
       "World.Tag": ("B eq @principal.tenant", "Things/$count gt @principal.number"),
       "World.Loose": ("ID in @principal.numbers", "Next/ID gt @principal.number"),
       "World.Part": ("ID ne @principal.number", "Maker/Code eq @principal.id or ID eq 1"), "World.Screw": ("ID eq 1",)}
# without lambdas and paths to other rows, whatever happens to those
PLAIN = {"World.Thing": ("ID in @principal.numbers", "ID mod 3 ne 0 or Required gt @principal.number"), "World.Owner": ("Code in @principal.words", "Code ne @principal.id"),
         "World.Tag": ("B eq @principal.tenant",), "World.Loose": ("ID mod 2 eq 1", "ID le @principal.number"), "World.Part": ("ID ne 2",), "World.Screw": ("ID eq 1",)}


@dataclass(slots=True)
class Ruling:
    """A policy for the clerk, who has two roles, and what it leaves of a world."""

    full: World
    left: World
    document: dict[str, Any]
    schema: str                                                 # the CSDL without what is hidden
    closed: frozenset[str] = frozenset()                        # tables that may not be read
    predicates: dict[str, list[str]] = field(default_factory=dict)
    hidden: dict[str, set[str]] = field(default_factory=dict)   # type → names
    gone: dict[str, int] = field(default_factory=dict)          # table → rows that are hidden

    def write(self, folder: Path) -> tuple[Path, Path]:
        """The files of the policy and of the model that is left."""
        policy, schema = folder / "policy.json", folder / "left.xml"
        policy.write_text(json.dumps(self.document), encoding="utf-8")
        schema.write_text(self.schema, encoding="utf-8")
        return policy, schema

    def __str__(self) -> str:
        return f"rows {self.predicates}, hides {self.hidden} of {self.document['rules'][1].get('hide', {})}, closed {sorted(self.closed)}"


class Ruler:
    """Makes the ruling of one seed over a world. `plain`: predicates are about nothing but the row itself."""

    def __init__(self, full: World, seed: int, plain: bool = False) -> None:
        self.full, self.model, self.plain = full, full.model, plain
        self.random = random.Random(f"ruling {seed}")
        self.predicates: dict[str, list[str]] = {}
        self.trees: dict[str, list[Any]] = {}
        self.hidden: dict[str, set[str]] = {}
        self.hidden_types: set[str] = set()
        self.hidden_sets: set[str] = set()
        self.closed: set[str] = set()

    def changing(self) -> Ruling:
        """A ruling of who changes things: all names stay in what is left, with other values where they are hidden."""
        for table, kind in TABLES.items():
            if table != "Sun" and self.random.random() < 0.45:
                self.restrict(table, kind)
        if self.model.navigations("World.Thing")["Owner"].nullable is False:
            self.predicates.pop("Owners", None), self.trees.pop("Owners", None)
        if self.random.random() < 0.6:
            self.hide()
        allowed = self.allowed("Owners")
        for each in self.full.sets["Owners"]:           # the key of a hidden entity is not hidden where a property holds it
            if each["Boss"] is not None and not allowed(each["Boss"]):
                each["Boss"]["Staff"].remove(each)
                each["Boss"] = each["BossCode"] = None
        gone: dict[str, int] = {}
        left = self.trimmed(self.model, gone)
        maker = Maker(0, self.full.finite, self.model)
        maker.random = self.random
        for kind, names in self.hidden.items():
            for row in (each for each in left.entities(kind) if self.model.entity_type(kind)):
                for name in sorted(names & self.model.properties(kind).keys() - {"Required", "BossCode"}):
                    row[name] = maker.value(self.model.underlying(self.model.properties(kind)[name].type))
        return Ruling(self.full, left, self.document(), "", frozenset(), self.predicates, self.hidden, gone)

    def ruling(self, schema: str) -> Ruling:
        chance = self.random.random
        for table, kind in TABLES.items():
            if chance() < (0.6 if table in ("Things", "Owners", "Tags") else 0.35):
                self.restrict(table, kind)
        if chance() < 0.7:
            self.hide()
        if chance() < 0.35:
            kinds = [each for base in ("World.Thing", "World.Owner", "World.Part", "World.Tag") for each in self.model.derived(base)]
            self.hidden_types |= {self.random.choice(kinds)}
        if chance() < 0.2 and not self.plain:
            self.hidden_sets.add(self.random.choice(("Tags", "Looses", "Owners")))
        if chance() < 0.25:
            self.closed.add(self.random.choice([each for each in ("Tags", "Looses", "Owners", "Things/Parts", "Sun") if each not in self.hidden_sets]))
        return self.ruled(schema)

    def given(self, table: str, text: str) -> None:
        """A predicate over a table that is not generated."""
        self.predicates[table], self.trees[table] = [text], [self.bound(text, TABLES[table])]

    def ruled(self, schema: str) -> Ruling:
        """What was decided, and what it leaves of the rows and of this CSDL."""
        text = without(schema, self.hidden, self.hidden_types, self.hidden_sets, self.unsearchable())
        gone: dict[str, int] = {}
        left = self.trimmed(csdl.read(text.encode()), gone)
        return Ruling(self.full, left, self.document(), text, frozenset(self.closed), self.predicates, self.hidden, gone)

    # --- what is ruled -----------------------------------------------------------------------------------

    def restrict(self, table: str, kind: str) -> None:
        """One predicate over a table, or one for each role, that leaves some of its rows."""
        members = list(self.members(table))
        for number in range(self.random.choice((1, 1, 2))):
            for _ in range(12):
                text = self.written(kind)
                tree = self.bound(text, kind)
                if tree is None:
                    continue
                kept, suspects = evaluate.select(tree, members, self.full)
                if isinstance(kept, Failure) or suspects or RISKY.search(text):
                    continue
                if number or not members or 0.2 <= len(kept) / len(members) <= 0.85:
                    self.predicates.setdefault(table, []).append(text)
                    self.trees.setdefault(table, []).append(tree)
                    break

    def written(self, kind: str) -> str:
        if self.plain or self.random.random() < 0.3:
            return self.random.choice((PLAIN if self.plain else OWN)[kind])
        writer = Writer(Played(source=self.random), kind, self.full)
        text = writer.boolean(2)
        return text if not writer.aliases else "false"

    def bound(self, text: str, kind: str) -> Any:
        """The predicate with the clerk's values in it, as the oracle computes it; None where it does not fit the model."""
        for name, declared in {**VALUES, "id": "Edm.String", "tenant": "Edm.String"}.items():
            value: Any = CLERK.value(name, declared)
            item = declared.removeprefix("Collection(").removesuffix(")")
            literal = f"({','.join(types.literal(item, each) for each in value)})" if isinstance(value, list) else types.literal(item, value)
            text = re.sub(rf"@principal\.{name}\b", lambda _, literal=literal: literal, text)       # type: ignore[misc]
        try:
            return bind_boolean(url.parse_expression(text), Scope(self.model, kind, nodes.This(kind)))
        except ODataError:
            return None

    def hide(self) -> None:
        """Some members of some types; none of open ones, nor keys."""
        model = self.model
        for kind in self.random.sample(("World.Thing", "World.Thing", "World.Owner", "World.Tag", "World.Place", "World.Form", "World.Spot", "World.Part", "World.Special"), 4):
            short = model.type(kind)
            if short is None or any(model.is_open(each) for each in (kind, *model.derived(kind))):
                continue
            names = [each.name for each in short.members if each.name not in KEYS]      # type: ignore[union-attr]
            self.hidden.setdefault(kind, set()).update(self.random.sample(names, min(len(names), self.random.choice((0, 1, 1, 2, 5)))))
        self.hidden = {kind: names for kind, names in self.hidden.items() if names}

    def unsearchable(self) -> set[str]:
        """The types whose search would read hidden words."""
        found = set()
        for kind, paths in SEARCHED.items():
            for path in paths:
                first, _, rest = path.partition("/")
                if first in self.hidden.get(kind, ()) or rest and rest in self.hidden.get("World.Place", ()):
                    found.add(kind)
        return found

    def document(self) -> dict[str, Any]:
        """The policy file."""
        sets: dict[str, Any] = {"*": {}}
        for table, texts in self.predicates.items():
            sets[table] = {"rows": texts[0]}
        for table in self.closed:
            sets[table] = {"allow": ["insert", "update", "delete"]}
        hide: dict[str, Any] = {"properties": {kind: sorted(names) for kind, names in self.hidden.items()}}
        if self.hidden_types:
            hide["types"] = sorted(self.hidden_types)
        if self.hidden_sets:
            hide["sets"] = sorted(self.hidden_sets)
        more = {table: {"rows": texts[1]} for table, texts in self.predicates.items() if len(texts) > 1 and table not in self.closed}
        return {"values": VALUES, "rules": [{"roles": ["admin"], "sets": {"*": {}}}, {"roles": ["clerk"], "sets": sets, "hide": hide},
                                            {"roles": ["helper"], "sets": more}]}

    # --- what it leaves ----------------------------------------------------------------------------------

    def members(self, table: str) -> Iterator[Instance]:
        """The rows of a table, which a containment has for all its owners."""
        head, *steps = table.split("/")
        found = list(self.full.sets[head])
        if steps[-1:] == ["Screws"]:
            yield from self.full.entities("World.Screw")
            return
        for step in steps:
            found = [below for each in found for below in (each[step] if isinstance(each[step], list) else [each[step]]) if below is not None]
        yield from found

    def allowed(self, table: str) -> Callable[[Instance], bool]:
        if table in self.closed or table in self.hidden_sets:
            return lambda _: False
        kept = None
        if table in self.trees:
            kept = {id(each) for tree in self.trees[table] for each in evaluate.select(tree, list(self.members(table)), self.full)[0]}      # type: ignore[union-attr]

        def test(entity: Instance) -> bool:
            if any(self.model.is_a(entity["@type"], each) for each in self.hidden_types):
                return False
            return kept is None or id(entity) in kept
        return test

    def trimmed(self, model: Model, gone: dict[str, int]) -> World:
        """The world without the rows that are hidden, and without the names that are not in this model."""
        tests = {table: self.allowed(table) for table in TABLES}
        made: dict[int, Instance] = {}

        def enter(entity: Instance, table: str) -> None:
            if not tests[table](entity):
                gone[table] = gone.get(table, 0) + 1
                return
            made[id(entity)] = Instance({"@type": entity["@type"]})
            for name, navigation in self.model.navigations(entity["@type"]).items():
                if navigation.contains_target:
                    below = f"{table}/{name}" if name != "Screws" else "Things/Parts/Screws"
                    for each in entity[name] if navigation.collection else [entity[name]] if entity[name] is not None else []:
                        enter(each, below)

        def copied(value: Any) -> Any:
            if isinstance(value, list):
                return [copied(each) for each in value]
            if not isinstance(value, Instance):
                return value
            return filled(value, Instance({"@type": value["@type"]}))

        def filled(old: Instance, new: Instance) -> Instance:
            kind = old["@type"]
            declared = self.model.properties(kind)
            for name, value in old.items():
                if name in declared and name in model.properties(kind) or name not in declared and name not in self.model.navigations(kind):
                    new[name] = copied(value) if name != "@type" else value
            for name, navigation in model.navigations(kind).items():
                if navigation.collection:
                    new[name] = [made[id(each)] for each in old[name] if id(each) in made]
                elif name in old or model.entity_type(kind):
                    new[name] = made.get(id(old[name])) if old[name] is not None else None
            return new

        for table in self.full.sets:
            for entity in self.full.sets[table]:
                enter(entity, table)
        for each in self.full.entities("World.Thing") + self.full.entities("World.Owner") + self.full.entities("World.Tag") + \
                self.full.entities("World.Loose") + self.full.entities("World.Part") + self.full.entities("World.Screw"):
            if id(each) in made:
                filled(each, made[id(each)])
        sets = {table: [made[id(each)] for each in rows if id(each) in made] for table, rows in self.full.sets.items() if table not in self.hidden_sets}
        return World(model, self.full.finite, self.full.seed, sets)


def without(schema: str, hidden: dict[str, set[str]], hidden_types: set[str], hidden_sets: set[str], unsearchable: set[str]) -> str:
    """CSDL without the names that are hidden, and without what cannot be without them."""
    tree = ElementTree.fromstring(schema)
    body = next(tree.iter(f"{EDM}Schema"))
    kinds = {f"World.{each.get('Name')}": each for tag in ("ComplexType", "EntityType") for each in body.iter(EDM + tag)}

    def members(each: ElementTree.Element) -> list[ElementTree.Element]:
        return [*each.findall(f"{EDM}Property"), *each.findall(f"{EDM}NavigationProperty")]

    def target(member: ElementTree.Element) -> str:
        return (member.get("Type") or "").removeprefix("Collection(").removesuffix(")").replace("Self.", "World.")

    def lineage(kind: str) -> list[str]:
        found = [kind]
        while kinds[found[-1]].get("BaseType"):
            found.append((kinds[found[-1]].get("BaseType") or "").replace("Self.", "World."))
        return found

    out = {kind for kind in kinds if hidden_types & {*lineage(kind)}}
    lost = {kind: set(names) for kind, names in hidden.items()}
    targets = {"Tags": "World.Tag", "Looses": "World.Loose", "Owners": "World.Owner"}
    for kind, each in kinds.items():
        for member in members(each):
            if target(member) in out or member.tag == f"{EDM}NavigationProperty" and any(targets[name] == target(member) for name in hidden_sets):
                lost.setdefault(kind, set()).add(member.get("Name") or "")

    def is_lost(kind: str, name: str) -> bool:
        return any(name in lost.get(each, ()) for each in lineage(kind))

    def led(kind: str, path: str) -> bool:
        """Whether a path runs through anything that is lost."""
        for step in path.split("/"):
            if "." in step:
                kind = step
                if kind in out:
                    return True
                continue
            if is_lost(kind, step):
                return True
            kind = next((target(each) for above in lineage(kind) for each in members(kinds[above]) if each.get("Name") == step), "")
            if kind not in kinds:
                break
        return False

    for container in body.iter(f"{EDM}EntityContainer"):
        for source in list(container):
            kind = (source.get("EntityType") or source.get("Type") or "").replace("Self.", "World.")
            if source.get("Name") in hidden_sets or kind in out:
                container.remove(source)
                continue
            for binding in source.findall(f"{EDM}NavigationPropertyBinding"):
                if led(kind, binding.get("Path") or "") or binding.get("Target") in hidden_sets:
                    source.remove(binding)
            if kind in unsearchable:
                note = ElementTree.SubElement(source, f"{EDM}Annotation", Term="Org.OData.Capabilities.V1.SearchRestrictions")
                record = ElementTree.SubElement(note, f"{EDM}Record")
                ElementTree.SubElement(record, f"{EDM}PropertyValue", Property="Searchable", Bool="false")
    for kind, each in kinds.items():
        for note in each.findall(f"{EDM}Annotation"):
            for listed in note.findall(f"{EDM}Collection"):
                for path in listed.findall(f"{EDM}PropertyPath"):
                    if led(kind, path.text or ""):
                        listed.remove(path)
    for kind, each in kinds.items():
        for member in members(each):
            if member.get("Name") in lost.get(kind, ()):
                each.remove(member)
                continue
            if member.get("Partner") and is_lost(target(member), member.get("Partner") or ""):
                del member.attrib["Partner"]
            for constraint in member.findall(f"{EDM}ReferentialConstraint"):     # the value stays where the entity is hidden
                member.remove(constraint)
    for kind in out:
        body.remove(kinds[kind])
    return ElementTree.tostring(tree, encoding="unicode")


def made(seed: int, finite: bool) -> Ruling:
    """The ruling of a seed over the world of it."""
    full = world.made(seed, finite)
    return Ruler(full, seed).ruling(world.model_file(full.variation).read_text(encoding="utf-8"))


def fixed(finite: bool, rows: dict[str, str], hidden: dict[str, set[str]], sets: set[str]) -> Ruling:
    """A ruling over the model as written: predicates, properties and sets that are hidden."""
    full = world.made(1, finite)
    ruler = Ruler(full, 1)
    for table, text in rows.items():
        ruler.given(table, text)
    ruler.hidden, ruler.hidden_sets = hidden, sets
    return ruler.ruled(world.model_file(full.variation).read_text(encoding="utf-8"))

"""A small world: the model of `world.xml` or a variation of it, rows full of edge values, and how they get into a store.

Rows are Python values: an entity or complex value is an `Instance`, a dict of canonical values with its type under
'@type'; related entities are references to one another. The same seed gives the same model and rows: ten seeds share a model. `finite` leaves out what a
store cannot hold (NaN and infinite doubles on MariaDB).
"""

from __future__ import annotations

import atexit
import json
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from app.csdl import load
from app.edm import types
from app.edm.index import Model
from app.edm.model import EnumType, TypeRef
from app.payload.values import EnumNames
from app.store.mapping import Mapping, map_model
from tests.oracle.variations import ruled_by, varied

SEEDS = 10              # that share a model
INFINITY = float("inf")
DAY = 86_400 * types.TICKS


class Instance(dict[str, Any]):
    """An entity or complex value. Equal only to itself, named by its type and key."""

    def __hash__(self) -> int:          # type: ignore[override]
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __repr__(self) -> str:
        return f"<{self['@type']} {self.get('ID', self.get('Code', self.get('A', '')))}>"


@dataclass(frozen=True, slots=True)
class Typed:
    """The value of a dynamic property and its type."""

    value: Any
    type: str


@dataclass(slots=True, repr=False)
class World:
    """Entities by entity set and singleton, in the order in which they are stored."""

    model: Model
    finite: bool = False
    seed: int = 0
    sets: dict[str, list[Instance]] = field(default_factory=dict)
    words: dict[tuple[str, int], Any] = field(default_factory=dict)         # what can be written over its types

    def __repr__(self) -> str:
        return f"World({self.seed})"

    @property
    def variation(self) -> int:
        return self.seed // SEEDS

    def members(self, path: str) -> list[Instance]:
        """What a path leads to: a set, entities of a derived type in it, or what is related to an entity, as it is stored."""
        first, _, rest = path.partition("/")
        name, _, key = first.removesuffix(")").partition("(")
        if not key:
            return [each for each in self.sets[name] if not rest or self.model.is_a(each["@type"], rest)]
        entity = next(each for each in self.sets[name] if str(each.get("ID", each.get("Code"))) == key.strip("'"))
        places = {id(each): at for members in self.sets.values() for at, each in enumerate(members)}
        return sorted(entity[rest], key=lambda each: places[id(each)])

    def contained(self, entity: Instance) -> Iterator[tuple[str, Instance]]:
        """What an entity contains, and the segment of each."""
        for name, navigation in self.model.navigations(entity["@type"]).items():
            if navigation.contains_target:
                below = entity[name]
                yield from [(f"{name}({each['ID']})", each) for each in below] if navigation.collection else \
                    [(name, below)] if below is not None else []

    def entities(self, type_name: str) -> list[Instance]:
        """Every entity of a type, wherever it lives."""
        found = [each for members in self.sets.values() for each in members]
        for each in found:
            found.extend(below for _, below in self.contained(each))
        return [each for each in found if self.model.is_a(each["@type"], type_name)]


@cache
def model_file(variation: int, ruled: bool = False) -> Path:
    """The file of a variation of the model; `ruled`: with defaults, required links and OnDelete."""
    folder = tempfile.mkdtemp(prefix="world-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder, "world.xml")
    path.write_text(ruled_by(variation) if ruled else varied(variation), encoding="utf-8")
    return path


@cache
def model(variation: int = 0, ruled: bool = False) -> Model:
    return load(model_file(variation, ruled))


@cache
def mapping(variation: int = 0) -> Mapping:
    return map_model(model(variation))


# --- values ----------------------------------------------------------------------------------------------

STRINGS = ("", "a", "b", "A", "ab", "abc", "ba", " ", "a ", " a", "O'Neil", "''", "a%b", "a_b", "%", "_", "100%", "ä",
           "a\u0308", "Äb", "Straße", "ß", "İ", "ΑΣ", "σς", "ſ", "😀", "𝒳y", "y𝒳", "a😀b", "\u00a0x\u2003", "\tx\n",
           "\u001fx", "\ufeffx", "line\nbreak", '"q"', "back\\slash", "\\", "a,b", "12", "-12", "12.5", "1e3", "true",
           "TRUE", "null", "NaN", "INF", "2020-02-29", "2020-02-30", "2020-02-29T12:00:00Z", "2020-02-29T12:00:00",
           "12:30", "PT1H", "-P1DT2H", "Red", "A,B", "0", "5", "01234567-89AB-cdef-0123-456789abcdef", "zz",
           "\U0010ffff", "\uffff", "\ue000")
DECIMALS = tuple(map(Decimal, (
    "0", "1", "-1", "1.0", "2", "3", "0.1", "0.2", "0.3", "0.5", "-0.5", "1.5", "2.5", "-2.5", "10", "100.01", "-7.25",
    "0.0000000001", "-0.0000000001", "999999999999999999.9999999999", "-999999999999999999.9999999999",
    "123456789012345678.0123456789", "9223372036854775807", "9223372036854775808", "255.5", "127.4999999999")))
DOUBLES = (0.0, -0.0, 1.0, -1.0, 2.0, 3.0, 0.1, 0.2, 0.3, 0.5, -0.5, 1.5, 2.5, -2.5, 100.01, 1e16, -1e16, 1e22, 1e100,
           1e-7, 5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 9007199254740993.0, 2147483647.5,
           0.49999999999999994, 9.223372036854775807e18)
SPECIAL_DOUBLES = (float("nan"), INFINITY, -INFINITY)
DATES = ("0001-01-01", "0001-12-31", "1582-10-15", "1899-12-31", "1969-12-31", "1970-01-01", "2000-02-29", "2020-02-29",
         "2023-12-31", "2024-01-01", "2024-02-29", "9999-12-31")
TIMES = ("00:00:00", "00:00:00.0000001", "00:00:01", "01:02:03.004", "12:00:00", "12:30:45.5", "12:30:45.9999999",
         "23:59:59", "23:59:59.9999999")
DURATIONS = (0, 1, -1, types.TICKS, -types.TICKS, types.TICKS // 2, 90 * 60 * types.TICKS, DAY, -DAY, DAY // 2,
             -DAY // 2, 365 * DAY, 400 * 365 * DAY, 2**63 - 1, -(2**63 - 1), 123_456_789)
GUIDS = ("00000000-0000-0000-0000-000000000000", "01234567-89ab-cdef-0123-456789abcdef",
         "ffffffff-ffff-ffff-ffff-ffffffffffff", "80000000-0000-0000-0000-000000000001")
BINARIES = (b"", b"\0", b"abc", bytes(range(250, 256)))


def _instants() -> tuple[str, ...]:
    return ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59Z",
            *(f"{date}T{time}Z" for date in DATES[1:-1] for time in TIMES[::2]))


def _integers(name: str) -> tuple[int, ...]:
    low, high = types.INTEGER_RANGES[name]
    usual = (-7, -2, -1, 0, 1, 2, 3, 5, 7, 10, 42, 100, 255, 2**31)
    return tuple(sorted({low, low + 1, high, high - 1, *(each for each in usual if low <= each <= high)}, key=abs))


POOLS: dict[str, tuple[Any, ...]] = {
    "Edm.Boolean": (False, True), "Edm.String": STRINGS, "Edm.Decimal": DECIMALS, "Edm.Double": DOUBLES,
    "Edm.Single": tuple(types.single(each) for each in DOUBLES if abs(each) < 3e38), "Edm.Date": DATES,
    "Edm.TimeOfDay": TIMES,
    "Edm.DateTimeOffset": _instants(), "Edm.Duration": DURATIONS, "Edm.Guid": GUIDS, "Edm.Binary": BINARIES,
    **{name: _integers(name) for name in types.INTEGERS}}


# --- rows ------------------------------------------------------------------------------------------------

class Maker:
    """Makes the rows of one seed."""

    def __init__(self, seed: int, finite: bool, given: Model | None = None) -> None:
        self.model = given or model(seed // SEEDS)
        self.seed = seed
        self.random = random.Random(seed)
        self.finite = finite

    def world(self, things: int) -> World:
        """Every entity set, `things` things and in proportion of the others."""
        owners = [self.entity("World.Owner", Code=code) for code in ("o1", "O1", "x'y", "a b", "ä")]
        tags = [self.entity("World.Tag", A=number, B=text) for number in (1, 2**62) for text in ("x", "X", "y'")]
        kinds = ("World.Thing",) * 4 + self.model.concrete("World.Thing")[1:] * 2
        made = [self.entity("World.Thing", kinds[index % 6] if things > 5 else self.random.choice(kinds[:6]), ID=index + 1)
                for index in range(things)]
        special = [each for each in made if self.model.is_a(each["@type"], "World.Special")]
        for index, thing in enumerate(made):
            self.relate(thing, "Parent", made[:index])
            for name, targets in (("Owner", owners), ("Friends", made), ("Tags", tags), ("Mate", made), ("Peers", special)):
                self.relate(thing, name, targets)
            if self.partner(thing, "Children") is None:
                self.relate(thing, "Children", made)
            self.contain(thing, "Parts", lambda number: self.part(number, owners))
            self.contain(thing, "Lid", lambda number: self.part(number, owners))
            for form in (thing["Form"], *thing["Forms"]):
                if form is not None and form["@type"] == "World.Round":
                    form["Mark"] = self.random.choice((None, *tags))
        for index, owner in enumerate(owners):
            boss = self.random.choice((None, *owners[:index]))
            owner["Boss"], owner["BossCode"] = boss, boss and boss["Code"]
            if boss is not None:
                boss["Staff"].append(owner)
        for each in (*owners, *tags):
            if self.partner(each, "Things") is None:
                self.relate(each, "Things", made)
        loose = [self.entity("World.Loose", ID=index + 1) for index in range(things // 2)]
        for each in loose:
            self.relate(each, "Next", loose)
        sun = self.entity("World.Owner", Code="sun", BossCode=None)
        found = {"Things": made, "Owners": owners, "Tags": tags, "Looses": loose, "Sun": [sun]}
        return World(self.model, self.finite, self.seed, found)

    def entity(self, base: str, type_name: str | None = None, **given: Any) -> Instance:
        """An entity of a type, or of one that derives from it."""
        kinds = self.model.concrete(base)
        made = self.instance(type_name or self.random.choice(kinds), **given)
        return self.dynamic(made) if self.model.is_open(made["@type"]) else made

    def instance(self, type_name: str, **given: Any) -> Instance:
        """An instance with every declared property; navigation properties are empty."""
        found = Instance({"@type": type_name})
        for name, member in self.model.properties(type_name).items():
            ref = self.model.underlying(member.type)
            found[name] = given[name] if name in given else self.value(ref)
        for name, navigation in self.model.navigations(type_name).items():
            found[name] = [] if navigation.collection else None
        return found

    def value(self, ref: TypeRef) -> Any:
        if ref.collection:
            item = TypeRef(ref.name, False, ref.nullable, ref.max_length, ref.precision, ref.scale)
            return [self.value(item) for _ in range(self.random.randrange(4))]
        if ref.nullable is not False and self.random.random() < 0.25:
            return None
        kind = self.model.type(ref.name)
        if isinstance(kind, EnumType):
            values = [member.value for member in kind.members]
            return self.random.choice((*values, values[1] | values[4])) if kind.flags else self.random.choice(values)
        if kind is not None:
            concrete = self.model.concrete(ref.name)
            made = self.instance(self.random.choice(concrete))
            if self.model.is_open(ref.name):
                self.dynamic(made)
            return made
        return self.primitive(ref)

    def primitive(self, ref: TypeRef) -> Any:
        choose = self.random.choice
        if ref.name == "Edm.Double" and not self.finite and self.random.random() < 0.2:
            return choose(SPECIAL_DOUBLES)
        if ref.name == "Edm.Single" and not self.finite and self.random.random() < 0.2:
            return choose(SPECIAL_DOUBLES)
        if ref.name == "Edm.String" and isinstance(ref.max_length, int):
            return choose([each for each in STRINGS if len(each) <= (ref.max_length or 0)])
        if ref.name == "Edm.Decimal" and isinstance(ref.scale, int):
            return choose([each for each in DECIMALS if abs(each) < 10**18])
        found = choose(POOLS[ref.name])
        if ref.precision is not None and ref.name in ("Edm.DateTimeOffset", "Edm.TimeOfDay"):
            zone = "Z" if found.endswith("Z") else ""
            head, _, fraction = found.removesuffix("Z").partition(".")
            fraction = fraction[:ref.precision].rstrip("0")
            return head + ("." + fraction if fraction else "") + zone
        return found

    def dynamic(self, found: Instance) -> Instance:
        """Dynamic properties `d1` to `d4`, of any type, or absent."""
        kinds = ("Edm.Double", "Edm.String", "Edm.Boolean", "Edm.Int64", "Edm.Decimal", "Edm.Date", "Edm.Guid",
                 "Edm.DateTimeOffset")
        for name in ("d1", "d2", "d3", "d4"):
            if self.random.random() < 0.75:
                kind = self.random.choice(kinds[:4] if name < "d3" else kinds)
                value = self.primitive(TypeRef(kind))
                if self.finite and kind == "Edm.Double" and not 1e-20 < abs(value) < 1e20:
                    value = 0.0                     # MariaDB has 65 digits for what may be an integer
                found[name] = None if value is None or self.random.random() < 0.1 else Typed(value, kind)
        return found

    def part(self, number: int, owners: list[Instance]) -> Instance:
        made = self.entity("World.Part", ID=number)
        self.relate(made, "Maker", owners)
        self.contain(made, "Screws", lambda number: self.entity("World.Screw", ID=number))
        return made

    def some(self, members: list[Instance]) -> list[Instance]:
        return self.random.sample(members, min(self.random.randrange(4), len(members)))

    def contain(self, owner: Instance, name: str, make: Callable[[int], Instance]) -> None:
        """Fill a containment navigation property."""
        many = self.model.navigations(owner["@type"])[name].collection
        count = self.random.randrange(3)
        owner[name] = [make(number + 1) for number in range(count)] if many else make(1) if count else None

    def partner(self, source: Instance, name: str) -> str | None:
        return self.model.navigations(source["@type"])[name].partner

    def relate(self, source: Instance, name: str, targets: list[Instance]) -> None:
        """Fill a navigation property, where the type has it, and the other side."""
        navigation = self.model.navigations(source["@type"]).get(name)
        if navigation is None:
            return
        found = self.some(targets) if navigation.collection else [self.random.choice((None, *targets))] if targets else []
        for target in found:
            if navigation.collection:
                source[name].append(target)
            else:
                source[name] = target
            if target is not None and navigation.partner is not None:
                target[navigation.partner].append(source)


def made(seed: int, finite: bool = False, things: int = 30) -> World:
    """The world of a seed."""
    return Maker(seed, finite).world(things)


# --- into a store ----------------------------------------------------------------------------------------

def document(world: World) -> dict[str, Any]:
    """The rows as a data file: each link once, entities in their order."""
    def structure(value: Instance, declared: str) -> dict[str, Any]:
        kind = value["@type"]
        made: dict[str, Any] = {"@odata.type": f"#{kind}"} if kind != declared else {}
        for name, member in world.model.properties(kind).items():
            made[name] = content(value[name], world.model.underlying(member.type).name)
        for name, item in value.items():
            if isinstance(item, Typed):
                made[f"{name}@odata.type"] = "#" + item.type[4:]
                made[name] = content(item.value, item.type)
            elif item is None and name not in {**world.model.properties(kind), **world.model.navigations(kind)}:
                made[name] = None
        for name, navigation in world.model.navigations(kind).items():
            target = value.get(name)
            if navigation.contains_target:
                many = navigation.collection
                made[name] = [structure(each, navigation.type) for each in target] if many else \
                    structure(target, navigation.type) if target is not None else None
            elif target and not (navigation.partner and name in ("Children", "Things", "Staff")) \
                    and not navigation.constraints:
                many = isinstance(target, list)
                made[f"{name}@odata.bind"] = [address(each) for each in target] if many else address(target)
        return made

    def content(value: Any, type_name: str) -> Any:
        if isinstance(value, list):
            return [content(each, type_name) for each in value]
        if isinstance(value, Instance):
            return structure(value, type_name)
        if isinstance(world.model.type(type_name), EnumType) and value is not None:
            return enum_text(world.model, type_name, value)
        if isinstance(value, bytes | Decimal) or type_name == "Edm.Duration" and value is not None \
                or isinstance(value, float) and value - value != 0:
            return types.write(type_name, value)
        return value

    declared = {"Things": "World.Thing", "Owners": "World.Owner", "Tags": "World.Tag", "Looses": "World.Loose"}
    found = {name: [structure(each, declared.get(name, "World.Owner")) for each in members]
             for name, members in world.sets.items()}
    return {**found, "Sun": found["Sun"][0]} if found.get("Sun") else {name: each for name, each in found.items() if name != "Sun"}


def enum_text(model: Model, type_name: str, value: int) -> str:
    """The text of an enumeration in payloads."""
    kind = model.enum_type(type_name)
    assert kind is not None
    return str(EnumNames(kind)[value])


def address(entity: Instance) -> str:
    if "Code" in entity:
        return f"Owners({types.literal('Edm.String', entity['Code'])})"
    if "A" in entity:
        return f"Tags(A={entity['A']},B={types.literal('Edm.String', entity['B'])})"
    return f"{'Looses' if entity['@type'] == 'World.Loose' else 'Things'}({entity['ID']})"


def write_rows(folder: Path, world: World) -> Path:
    """The rows as a data file in a folder."""
    path = folder / "world.data.json"
    path.write_text(json.dumps(document(world)), encoding="utf-8")
    return path

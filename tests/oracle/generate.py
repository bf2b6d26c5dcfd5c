"""Well-typed expressions as text: what a client could write over any model.

`filters`, `orders`, `expands` write query options out of choices; everything they write must bind. What is simple comes
first in each choice, so that a failing expression shrinks to its core. URL Conventions §5.1.1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from app.edm import types
from app.edm.index import Model
from app.edm.model import EnumType
from tests.oracle import world
from tests.oracle.choices import Pick
from tests.oracle.world import World

INTEGERS = ("Edm.Int32", "Edm.Int64", "Edm.Int16", "Edm.Byte", "Edm.SByte")
FRACTIONS = ("Edm.Decimal", "Edm.Double", "Edm.Single")
PATTERNS = ("^a", "b$", "[ab]+", "a.b", "^.$", "(a|A)b?", "\\d+", "^\\S+$", "ä", "\\.", "^$", "a{2}", "[^a-z]", "'", "^.{2,3}$",
            "^(ab|ba)+$", "[\\d-]", "a?b*c", "x|y", "😀")
OFFSETS = ("2020-02-29T12:00:00+05:30", "1969-12-31T23:59:59.5-14:00", "2000-02-29T00:00:00.000+00:01",
           "2020-02-29T12:30:45.999999999999Z", "9999-12-31T23:59:59.999999900001Z")
MAX_DEPTH = 4


# --- what can be written over a type ---------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The paths of a structured type, by what they lead to: an Edm or enumeration type, 'complex T', 'entity T',
    'items T' (a collection of values), 'members T' (of complex values or entities), 'dynamic'."""

    paths: dict[str, tuple[str, ...]]

    def kinds(self, start: str) -> list[str]:
        return [kind for kind in self.paths if kind.startswith(start)]


def vocabulary(rows: World, type_name: str, hops: int = 2) -> Vocabulary:
    """What can be written over a type of the model of a world, which keeps it."""
    known: Vocabulary | None = rows.words.get((type_name, hops))
    if known is None:
        found: dict[str, list[str]] = {}
        _walk(rows.model, type_name, "", hops, found, set())
        known = rows.words[type_name, hops] = Vocabulary({kind: tuple(paths) for kind, paths in found.items()})
    return known


def _walk(model: Model, type_name: str, prefix: str, hops: int, found: dict[str, list[str]], above: set[str]) -> None:
    inherited = above if prefix.endswith(type_name + "/") else set()
    for name, member in model.properties(type_name).items():
        if name in inherited:
            continue
        ref, path = model.underlying(member.type), prefix + name
        structured = model.kind(ref.name) == "complex"
        kind = ("members " if structured else "items ") + ref.name if ref.collection else ref.name
        found.setdefault(f"complex {ref.name}" if structured and not ref.collection else kind, []).append(path)
        if structured and not ref.collection:
            _walk(model, ref.name, path + "/", hops, found, set())
    for name, navigation in model.navigations(type_name).items():
        if name in inherited:
            continue
        path = prefix + name
        found.setdefault(("members " if navigation.collection else "entity ") + navigation.type, []).append(path)
        if hops and not navigation.collection:
            _walk(model, navigation.type, path + "/", hops - 1, found, set())
    if model.is_open(type_name):
        found.setdefault("dynamic", []).extend(prefix + name for name in ("d1", "d2", "d3", "d4", "nothing"))
    if hops:
        for derived in model.derived(type_name):
            members = {*model.properties(type_name), *model.navigations(type_name)}
            _walk(model, derived, f"{prefix}{derived}/", hops - 1, found, members)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a path may begin: a prefix and the type there ('' in front of the current instance)."""

    prefix: str
    type: str

    def path(self, rest: str) -> str:
        return f"{self.prefix}/{rest}" if self.prefix else rest


NAMES = Start("", "")           # names that `$compute` or `$apply` added


# --- expressions -----------------------------------------------------------------------------------------

class Writer:
    """Writes expressions over the instances of a type, picking at every turn."""

    def __init__(self, pick: Pick, type_name: str, rows: World) -> None:
        self.pick, self.finite, self.rows, self.model = pick, rows.finite, rows, rows.model
        self.starts = [Start("", type_name)]
        self.root = type_name
        self.aliases: dict[str, str] = {}
        self.names: dict[str, tuple[str, ...]] = {}         # added names by kind, seen from the start NAMES
        self.count = 0

    # --- choices -----------------------------------------------------------------------------------------

    def one_of(self, choices: Sequence[Any]) -> Any:
        return choices[self.pick(len(choices))] if len(choices) > 1 else choices[0]

    def some_of(self, choices: Sequence[Any], most: int) -> list[Any]:
        """One to `most` different ones."""
        return list(dict.fromkeys(self.one_of(choices) for _ in range(self.pick(most) + 1)))

    def chance(self, percent: int) -> bool:
        return self.pick(100) >= 100 - percent

    def either(self, depth: int, leaves: Sequence[Callable[[int], str | None]],
               branches: Sequence[Callable[[int], str | None]]) -> str:
        """What one of the writers gives: at depth 0 a leaf; the first leaf where the chosen writer has nothing."""
        if self.chance(2):
            return "null"
        if depth and self.chance(65):
            found = self.one_of(branches)(depth - 1)
        else:
            found = self.one_of(leaves)(depth)
        return found if found is not None else leaves[0](depth) or "null"

    def path(self, *kinds: str) -> str | None:
        """A path to a value of one of the kinds from one of the starts, the innermost first; None without one."""
        places = self.places(self.elsewhere(), kinds) if self.chance(5) else []
        places = places or self.places(self.starts, kinds)
        if not places:
            return None
        start, kind = self.one_of(places)
        if start.type == kind:
            return str(start.prefix)
        return str(start.path(self.one_of(self.known(start)[kind])))

    def places(self, starts: list[Start], kinds: Sequence[str]) -> list[tuple[Start, str]]:
        return [(start, kind) for start in reversed(starts) for kind in kinds
                if (start.prefix and start.type == kind) or kind in self.known(start)]

    def elsewhere(self) -> list[Start]:
        """Beginnings of paths that lead to one entity by its key, of the whole service or of a collection."""
        found = [Start("$root/Things(3)", "World.Thing"), Start("$root/Owners('o1')", "World.Owner"),
                 Start("$root/Sun", "World.Owner"), Start("$root/Looses(2)", "World.Loose")]
        for start in self.starts:
            for name, navigation in self.model.navigations(start.type).items():
                if name in ("Children", "Parts", "Screws") and navigation.collection:
                    found.append(Start(start.path(f"{name}({self.one_of('123')})"), navigation.type))
        return found

    def known(self, start: Start) -> dict[str, tuple[str, ...]]:
        if start is NAMES:
            return self.names
        return vocabulary(self.rows, start.type).paths if self.model.structured(start.type) is not None else {}

    def kinds(self, beginning: str) -> list[str]:
        found = [kind for start in reversed(self.starts) for kind in self.known(start) if kind.startswith(beginning)]
        return list(dict.fromkeys(found))

    def literal(self, kind: str) -> str:
        """A literal of a type, now and then as a parameter alias."""
        text = self.literal_text(kind)
        if self.chance(4):
            name = f"@p{len(self.aliases)}"
            self.aliases[name] = text
            return name
        return text

    def literal_text(self, kind: str) -> str:
        enum = self.model.type(kind)
        if isinstance(enum, EnumType):
            names = [member.name for member in enum.members]
            return f"{kind}'{self.one_of([*names, *(['A,B', 'B,C'] if enum.flags else [])])}'"
        pool: Sequence[Any] = world.POOLS[kind]
        if kind in ("Edm.Double", "Edm.Single"):
            pool = [each for each in pool if self.finite or abs(each) < 1e300]
            pool = [*pool, *(() if self.finite else world.SPECIAL_DOUBLES)]
        return types.literal(kind, self.one_of(pool))

    def call(self, name: str, *arguments: str) -> str:
        return f"{name}({','.join(arguments)})"

    # --- Boolean -----------------------------------------------------------------------------------------

    def boolean(self, depth: int) -> str:
        leaves = [self.comparison, lambda _: self.path("Edm.Boolean"), self.null_test,
                  lambda _: self.one_of(("true", "false", "null"))]
        return self.either(depth, leaves, [
            self.comparison, self.logic, self.negation, self.membership, self.string_test, self.quantified, self.has,
            self.is_of, self.case_of(self.boolean), self.structures, self.dynamic, self.counted, self.listed])

    def logic(self, depth: int) -> str:
        operator = self.one_of((" and ", " or "))
        operands = [self.boolean(depth) for _ in range(self.one_of((2, 2, 3)))]
        return f"({operator.join(operands)})"

    def negation(self, depth: int) -> str:
        return f"not ({self.boolean(depth)})"

    def comparison(self, depth: int) -> str:
        writer = self.one_of((self.number, self.number, self.string, self.instant, self.date, self.time, self.duration,
                              self.guid, self.color, self.marks, self.boolean))
        left = writer(max(depth - 1, 0))
        right = "null" if self.chance(8) else writer(max(depth - 1, 0))
        if writer == self.instant and self.chance(10):
            right = self.one_of(OFFSETS)
        return f"({left} {self.one_of(('eq', 'ne', 'gt', 'lt', 'ge', 'le'))} {right})"

    def null_test(self, depth: int) -> str:
        kinds = [kind for kind in self.kinds("") if not kind.startswith(("items", "members"))]
        path = self.path(self.one_of(kinds)) if kinds else None
        return f"({path or 'null'} {self.one_of(('eq', 'ne'))} null)"

    def membership(self, depth: int) -> str | None:
        writer, kind = self.one_of((
            (self.number, "Edm.Int32"), (self.string, "Edm.String"), (self.date, "Edm.Date"),
            (self.instant, "Edm.DateTimeOffset"), (self.guid, "Edm.Guid"), (self.duration, "Edm.Duration"),
            (self.color, "World.Color"), (self.number, "Edm.Decimal"), (self.number, "Edm.Double")))
        if self.chance(25):
            items = self.path(f"items {kind}")
            return items and f"({writer(depth)} in {items})"
        listed = [self.literal_text(kind) for _ in range(self.one_of((1, 2, 3, 0)))]
        if self.chance(15):
            listed.append("null")
        return f"({writer(depth)} in ({','.join(listed)}))"

    def string_test(self, depth: int) -> str:
        name = self.one_of(("contains", "startswith", "endswith", "matchesPattern"))
        if name == "matchesPattern":
            return self.call(name, self.string(depth), types.literal("Edm.String", self.one_of(PATTERNS)))
        return self.call(name, self.string(depth), self.string(depth))

    def has(self, depth: int) -> str:
        return f"({self.marks(depth)} has {self.literal_text('World.Marks')})"

    def is_of(self, depth: int) -> str | None:
        if self.chance(50):
            kinds = [kind for kind in self.kinds("entity ") + self.kinds("complex ")]
            if kinds:
                kind = self.one_of(kinds)
                return self.call("isof", self.path(kind) or "", self.one_of(self.model.concrete(kind.split()[1])))
        own = self.one_of([start for start in self.starts if self.model.structured(start.type)] or [None])
        if own is not None and self.chance(50):
            wanted = self.one_of(self.model.concrete(own.type))
            return self.call("isof", *([own.prefix] if own.prefix else []), wanted)
        kind = self.one_of(("Edm.Int32", "Edm.String", "Edm.Decimal"))
        return self.call("isof", self.number(depth) if kind != "Edm.String" else self.string(depth), kind)

    def structures(self, depth: int) -> str | None:
        """eq and ne of entities, of complex values."""
        kinds = self.kinds("entity ") + self.kinds("complex ")
        if not kinds:
            return None
        kind = self.one_of(kinds)
        return f"({self.path(kind)} {self.one_of(('eq', 'ne'))} {self.path(kind)})"

    def dynamic(self, depth: int) -> str | None:
        path = self.path("dynamic")
        if path is None:
            return None
        compared = self.one_of(("eq", "ne", "gt", "lt", "ge", "le"))
        writer = self.one_of((self.number, self.string, self.boolean, self.date, self.guid, self.instant))
        return str(self.one_of((
            lambda: f"({path} {compared} {writer(depth)})",
            lambda: f"({path} {compared} {self.path('dynamic') or path})",
            lambda: f"(({path} {self.one_of(('add', 'sub', 'mul', 'div', 'mod'))} {self.number(depth)}) {compared} "
                    f"{self.number(depth)})",
            lambda: self.call(self.one_of(("contains", "startswith")), str(path), self.string(depth)),
            lambda: f"(length({path}) {compared} 2)",
            lambda: f"({path} {self.one_of(('and', 'or'))} {self.boolean(depth)})",
            lambda: self.call("isof", str(path), self.one_of(("Edm.String", "Edm.Double", "Edm.Boolean", "Edm.Int64"))),
            lambda: f"({path} in ({self.literal_text('Edm.Int32')},{self.literal_text('Edm.Int32')}))",
            lambda: f"({path} in ('a',{self.literal_text('Edm.String')}))"))())

    # --- collections -------------------------------------------------------------------------------------

    def collection(self) -> tuple[str, str] | None:
        """A collection and the type of its members."""
        if self.chance(4):
            return self.one_of((("$root/Owners", "World.Owner"), ("$root/Tags", "World.Tag")))
        kinds = self.kinds("items ") + self.kinds("members ")
        if not kinds:
            return None
        kind = self.one_of(kinds)
        path, type_name = self.path(kind), kind.split()[1]
        derived = self.model.derived(type_name) if self.model.structured(type_name) else ()
        if derived and self.chance(20):
            type_name = self.one_of(derived)
            path = f"{path}/{type_name}"
        return str(path), type_name

    def listed(self, depth: int) -> str | None:
        """A function of collections of values, or their equality."""
        kinds = self.kinds("items ")
        if not kinds:
            return None
        kind = self.one_of(kinds)
        left, right = self.path(kind), self.one_of((lambda: self.path(kind), lambda: self.array(kind.split()[1])))()
        if self.chance(30):
            left = self.one_of((f"concat({left},{right})", f"substring({left},1)", f"substring({left},{self.integer(0)},2)"))
        if self.chance(25):
            return f"({left} {self.one_of(('eq', 'ne'))} {right})"
        if self.chance(20):
            return f"(indexof({left},{right}) {self.one_of(('ge', 'eq', 'lt'))} {self.one_of('01')})"
        if self.chance(15):
            return f"(length({left}) {self.one_of(('ge', 'eq', 'lt'))} {self.integer(depth)})"
        name = self.one_of(("hassubset", "hassubsequence", "contains", "startswith", "endswith"))
        return self.call(name, str(left), right)

    def array(self, kind: str) -> str:
        """A collection literal."""
        def item() -> str:
            value = self.one_of(world.POOLS[kind])
            if isinstance(value, float | Decimal):
                return types.write(kind, value) if math.isfinite(value) else "1"
            as_it_is = kind in types.INTEGERS | {"Edm.String"}
            return json.dumps(value if as_it_is else types.write(kind, value), ensure_ascii=False)
        if kind not in world.POOLS:
            return "[]"
        return "[" + ",".join(item() for _ in range(self.one_of((1, 2, 0)))) + "]"

    def quantified(self, depth: int) -> str | None:
        found = self.collection()
        if found is None:
            return None
        path, type_name = found
        if self.chance(12):
            return f"{path}/any()"
        self.count += 1
        variable = f"v{self.count}"
        inner = self.within(Start(variable, type_name), lambda: self.boolean(depth))
        return f"{path}/{self.one_of(('any', 'all'))}({variable}:{inner})"

    def counted(self, depth: int) -> str | None:
        count = self.count_of(depth)
        return count and f"({count} {self.one_of(('eq', 'ne', 'gt', 'lt', 'ge', 'le'))} {self.one_of('0123')})"

    def count_of(self, depth: int) -> str | None:
        found = self.collection()
        if found is None:
            return None
        path, type_name = found
        if self.chance(60) or path.startswith("$root"):
            return f"{path}/$count"
        if not self.model.structured(type_name):
            starts = self.starts
            self.starts = [Start("$it", self.root), *(each for each in starts if each.prefix not in ("", "$it", "$this"))]
            predicate = self.within(Start("$this", type_name), lambda: self.boolean(depth))
            self.starts = starts
            return f"{path}/$count($filter={predicate})"
        starts = self.starts
        self.starts = [Start("$it", self.root), *(each for each in starts if each.prefix not in ("", "$it", "$this"))]
        predicate = self.within(Start("", type_name), lambda: self.boolean(depth))
        self.starts = starts
        return f"{path}/$count($filter={predicate})" if self.chance(50) else f"{path}/$filter({predicate})/$count"

    def within(self, start: Start, write: Callable[[], str]) -> str:
        self.starts.append(start)
        try:
            return write()
        finally:
            self.starts.pop()

    # --- numbers -----------------------------------------------------------------------------------------

    def number(self, depth: int) -> str:
        leaves = [lambda _: self.literal("Edm.Int32"), lambda _: self.path(*INTEGERS), lambda _: self.path(*FRACTIONS),
                  lambda _: self.literal(self.one_of((*INTEGERS, *FRACTIONS)))]
        return self.either(depth, leaves, [
            self.arithmetic, self.arithmetic, self.minus, self.integer, self.stepped, self.case_of(self.number),
            self.to_number, self.seconds, self.count_of])

    def arithmetic(self, depth: int) -> str:
        operator = self.one_of(("add", "sub", "mul", "div", "mod", "divby"))
        return f"({self.number(depth)} {operator} {self.number(depth)})"

    def minus(self, depth: int) -> str:
        return f"(-({self.number(depth)}))"

    def integer(self, depth: int) -> str:
        """An integer: a path, a small literal, or a function that gives one."""
        leaves = [lambda _: self.literal(self.one_of(("Edm.Byte", "Edm.SByte"))), lambda _: self.path(*INTEGERS)]
        return self.either(depth, leaves, [
            lambda depth: self.call("length", self.string(depth)),
            lambda depth: self.call("indexof", self.string(depth), self.string(depth)),
            lambda depth: self.call(self.one_of(("year", "month", "day")),
                                    self.one_of((self.instant, self.date))(depth)),
            lambda depth: self.call(self.one_of(("hour", "minute", "second")),
                                    self.one_of((self.instant, self.time))(depth)),
            lambda depth: self.call("totaloffsetminutes", self.instant(depth))])

    def stepped(self, depth: int) -> str:
        return self.call(self.one_of(("round", "floor", "ceiling")), self.number(depth))

    def seconds(self, depth: int) -> str:
        if self.chance(50):
            return self.call("totalseconds", self.duration(depth))
        return self.call("fractionalseconds", self.one_of((self.instant, self.time))(depth))

    def to_number(self, depth: int) -> str:
        source = self.one_of((self.number, self.string, self.color))(depth)
        return self.call("cast", source, self.one_of((*INTEGERS, *FRACTIONS)))

    def case_of(self, write: Callable[[int], str]) -> Callable[[int], str]:
        def case(depth: int) -> str:
            pairs = [f"{self.boolean(depth)}:{write(depth)}" for _ in range(self.one_of((1, 2)))]
            if self.chance(50):
                pairs.append(f"true:{write(depth)}")
            return self.call("case", *pairs)
        return case

    # --- texts -------------------------------------------------------------------------------------------

    def string(self, depth: int) -> str:
        return self.either(depth, [lambda _: self.literal("Edm.String"), lambda _: self.path("Edm.String")], [
            lambda depth: self.call("concat", self.string(depth), self.string(depth)),
            lambda depth: self.call("substring", self.string(depth), self.integer(depth)),
            lambda depth: self.call("substring", self.string(depth), self.integer(depth),
                                    self.one_of(("0", "1", "3", "2147483647", self.path(*INTEGERS) or "2"))),
            lambda depth: self.call(self.one_of(("tolower", "toupper", "trim")), self.string(depth)),
            self.case_of(self.string), self.to_string])

    def to_string(self, depth: int) -> str:
        writer = self.one_of((self.integer, self.date, self.instant, self.time, self.duration, self.guid, self.boolean,
                              self.color, self.marks, lambda depth: self.path("Edm.Decimal") or "1.5",
                              lambda depth: self.path("Edm.Binary") or "'x'", self.string))
        return self.call("cast", writer(depth), "Edm.String")

    # --- dates and the rest ------------------------------------------------------------------------------

    def plain(self, kind: str) -> list[Callable[[int], str | None]]:
        return [lambda _: self.literal(kind), lambda _: self.path(kind)]

    def instant(self, depth: int) -> str:
        kind = "Edm.DateTimeOffset"
        constant = ("now()", "mindatetime()", "maxdatetime()")
        return self.either(depth, [*self.plain(kind), lambda _: self.one_of(constant)], [
            lambda depth: f"({self.instant(depth)} {self.one_of(('add', 'sub'))} {self.duration(depth)})",
            lambda depth: self.call("cast", self.one_of((self.string, self.date))(depth), kind),
            self.case_of(self.instant)])

    def date(self, depth: int) -> str:
        return self.either(depth, self.plain("Edm.Date"), [
            lambda depth: f"({self.date(depth)} {self.one_of(('add', 'sub'))} {self.duration(depth)})",
            lambda depth: self.call("date", self.instant(depth)),
            lambda depth: self.call("cast", self.one_of((self.instant, self.string))(depth), "Edm.Date"),
            self.case_of(self.date)])

    def time(self, depth: int) -> str:
        return self.either(depth, self.plain("Edm.TimeOfDay"), [
            lambda depth: self.call("time", self.instant(depth)),
            lambda depth: self.call("cast", self.one_of((self.instant, self.string))(depth), "Edm.TimeOfDay"),
            self.case_of(self.time)])

    def duration(self, depth: int) -> str:
        return self.either(depth, self.plain("Edm.Duration"), [
            lambda depth: f"({self.instant(depth)} sub {self.instant(depth)})",
            lambda depth: f"({self.date(depth)} sub {self.date(depth)})",
            lambda depth: f"({self.duration(depth)} {self.one_of(('add', 'sub'))} {self.duration(depth)})",
            lambda depth: f"({self.duration(depth)} {self.one_of(('mul', 'div'))} {self.number(depth)})",
            lambda depth: f"(-({self.duration(depth)}))",
            lambda depth: self.call("cast", self.string(depth), "Edm.Duration"), self.case_of(self.duration)])

    def guid(self, depth: int) -> str:
        return self.either(depth, self.plain("Edm.Guid"), [
            lambda depth: self.call("cast", self.string(depth), "Edm.Guid"), self.case_of(self.guid)])

    def color(self, depth: int) -> str:
        return self.either(depth, self.plain("World.Color"), [
            lambda depth: self.call("cast", self.one_of((self.string, self.integer))(depth), "World.Color"),
            self.case_of(self.color)])

    def marks(self, depth: int) -> str:
        return self.either(depth, self.plain("World.Marks"), [
            lambda depth: self.call("cast", self.one_of((self.string, self.integer))(depth), "World.Marks"),
            self.case_of(self.marks)])

    def sortable(self, depth: int) -> str:
        writer = self.one_of((self.number, self.string, self.date, self.instant, self.boolean, self.duration, self.time,
                              self.guid, self.color, self.marks))
        return str(writer(depth))


# --- query strings ---------------------------------------------------------------------------------------

def query(options: dict[str, str]) -> str:
    """The query string of decoded options."""
    return "&".join(f"{name}={quote(text, safe='')}" for name, text in options.items())


def filters(pick: Pick, type_name: str, rows: World, depth: int = MAX_DEPTH) -> dict[str, str]:
    """`$filter` (and its parameter aliases) over instances of a type."""
    writer = Writer(pick, type_name, rows)
    return {"$filter": writer.boolean(depth), **writer.aliases}


def orders(pick: Pick, type_name: str, rows: World, depth: int = 2) -> dict[str, str]:
    """`$orderby` of one to three items."""
    writer = Writer(pick, type_name, rows)
    items = [writer.sortable(depth) + writer.one_of(("", " asc", " desc")) for _ in range(writer.one_of((1, 2, 3)))]
    return {"$orderby": ",".join(items), **writer.aliases}


def items(writer: Writer) -> str:
    """One or two items of `$orderby`."""
    return ",".join(writer.sortable(1) + writer.one_of(("", " desc")) for _ in range(writer.one_of((1, 2))))

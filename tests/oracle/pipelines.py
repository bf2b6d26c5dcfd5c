"""Well-typed `$apply` pipelines as text (Data Aggregation §3).

What is computed stays within bounds: where a request must fail is the matter of filters. `top` and `skip` come where
the order is decided: over instances, and over rows sorted by everything that tells them apart.
"""

from __future__ import annotations

from typing import Any

from app.edm import types
from tests.oracle.choices import Pick
from tests.oracle.generate import INTEGERS, NAMES, Start, Writer, vocabulary
from tests.oracle.world import World

EXACT = (*INTEGERS, "Edm.Decimal")
AVERAGED = ("Edm.Int32", "Edm.Int16", "Edm.Byte", "Edm.SByte", "Edm.Decimal")       # 64 bits would be rounded before
ORDERED = (*EXACT, "Edm.String", "Edm.Date", "Edm.DateTimeOffset", "Edm.Duration", "Edm.TimeOfDay", "Edm.Double")
GROUPED = ("World.Color", "Edm.Boolean", "Edm.Byte", "Edm.String", "Edm.Date", "Edm.Decimal", "World.Marks", "Edm.Guid")
SAFE = ("Int16 add 1", "Byte mul 2", "length(String)", "year(Date)", "Int16 divby 2", "case(Boolean:Int16,true:0)",
        "Owner/Rank sub 1", "Children/$count", "Required div 3", "cast(Byte,Edm.Decimal) mul 0.5")


class Pipeline:
    """Writes transformations over things, one after the other."""

    def __init__(self, writer: Writer, type_name: str) -> None:
        self.writer, self.type = writer, type_name
        self.writer.starts = [NAMES, Start("", type_name)]
        self.rows = False           # whether an aggregation has made rows of the instances
        self.settled = True         # whether the order is decided
        self.keys: tuple[str, ...] = ()
        self.count = 0

    def alias(self) -> str:
        self.count += 1
        return f"A{self.count}"

    def pick(self, *kinds: str) -> str | None:
        return self.writer.path(*kinds)

    def add(self, name: str, kind: str) -> None:
        self.writer.names = {**self.writer.names, kind: (*self.writer.names.get(kind, ()), name)}

    # --- sequences ---------------------------------------------------------------------------------------

    def sequence(self, steps: int) -> str:
        return "/".join(self.step() for _ in range(steps))

    def step(self) -> str:
        choices = [self.filter, self.compute, self.orderby, self.aggregate, self.groupby, self.extreme]
        if self.settled:
            choices.append(self.cut)
        return str(self.writer.one_of(choices)())

    def filter(self) -> str:
        return f"filter({self.writer.boolean(1)})"

    def compute(self) -> str:
        name = self.alias()
        if self.rows:
            column = self.pick(*EXACT)
            text, kind = (f"{column} add 1", "Edm.Decimal") if column else ("1", "Edm.Int32")
            if column and column not in self.writer.names.get("Edm.Decimal", ()):
                kind = "Edm.Int64"
        else:
            text = self.writer.one_of(SAFE)
            kind = "Edm.Decimal" if "divby" in text or "0.5" in text else "Edm.Int64"
        self.add(name, kind)
        return f"compute({text} as {name})"

    def orderby(self) -> str:
        direction = self.writer.one_of(("", " desc"))
        if not self.rows:
            return f"orderby({self.pick(*ORDERED)}{direction})"
        if not self.keys or any("/" in key for key in self.keys):       # what is null and what is not there tie
            return "identity"
        self.settled = True
        return f"orderby({','.join(key + direction for key in self.keys)})"

    def cut(self) -> str:
        return str(self.writer.one_of(("top(3)", "skip(1)", "top(1)", "skip(2)/top(5)", "top(0)")))

    def extreme(self) -> str:
        """topcount and its like, of a number."""
        end = self.writer.one_of(("top", "bottom"))
        kind = self.writer.one_of(("count", "percent", "sum"))
        value = self.pick(*EXACT)
        if value is None or self.rows or not self.settled:
            return "identity"           # the order of equal rows is not ours to know
        self.settled = False
        amount = {"count": ("1", "2", "5"), "percent": ("50", "10", "99.5"), "sum": ("100", "1", "1000000")}[kind]
        return f"{end}{kind}({self.writer.one_of(amount)},{value})"

    # --- aggregation -------------------------------------------------------------------------------------

    def aggregate(self) -> str:
        found = [self.aggregated() for _ in range(self.writer.one_of((1, 2)))]
        self.become({kind: name for _, name, kind in found}, ())
        self.writer.names = {}
        for _, name, kind in found:
            self.add(name, kind)
        return f"aggregate({','.join(text for text, _, _ in found)})"

    def aggregated(self) -> tuple[str, str, str]:
        """An aggregate expression, its alias, its type."""
        name = self.alias()
        method = self.writer.one_of(("count", "sum", "min", "max", "average", "countdistinct"))
        prefix = self.prefix()
        if method == "count":
            return f"{prefix}$count as {name}", name, "Edm.Decimal"
        kinds = {"sum": EXACT, "average": AVERAGED, "countdistinct": (*ORDERED, *GROUPED)}.get(method, ORDERED)
        path = self.pick(*kinds) if not prefix else self.below(prefix, kinds)
        if path is None:
            return f"$count as {name}", name, "Edm.Decimal"
        result = "Edm.Decimal" if method == "countdistinct" else "Edm.Double" if method == "average" else ""
        return f"{path} with {method} as {name}", name, result or "Edm.Untyped"

    def prefix(self) -> str:
        """A way to related entities, now and then."""
        if self.rows or not self.writer.chance(35):
            return ""
        known = vocabulary(self.writer.rows, self.type, 1).paths
        found = [kind for kind in known if kind.startswith("members ") and self.writer.model.entity_type(kind.split()[1])]
        return f"{self.writer.one_of(known[self.writer.one_of(found)])}/" if found else ""

    def below(self, prefix: str, kinds: tuple[str, ...]) -> str | None:
        *_, name = prefix[:-1].split("/")
        model = self.writer.model
        target = next(navigation.type for each in (self.type, *model.derived(self.type), "World.Owner", "World.Part")
                      for navigation in model.navigations(each).values() if navigation.name == name)
        paths = [path for kind in kinds for path in vocabulary(self.writer.rows, target, 0).paths.get(kind, ())]
        return prefix + self.writer.one_of(paths) if paths else None

    def groupby(self) -> str:
        kinds = [kind for kind in GROUPED if self.pick_all(kind)]
        if not kinds:
            return "identity"
        keys = list(dict.fromkeys(self.writer.one_of(self.pick_all(self.writer.one_of(kinds))) for _ in range(
            self.writer.one_of((1, 2)))))
        kind_of = {key: next(kind for kind in kinds if key in self.pick_all(kind)) for key in keys}
        rolled = len(keys) > 1 and self.writer.chance(20)
        then = ""
        made: list[tuple[str, str, str]] = []
        if self.writer.chance(70):
            before = f"filter({self.writer.boolean(1)})/" if self.writer.chance(20) else ""
            made = [self.aggregated() for _ in range(self.writer.one_of((1, 2)))]
            then = f",{before}aggregate({','.join(text for text, _, _ in made)})"
        self.become({}, () if rolled else tuple(keys))
        for key in keys:
            if not rolled or "/" not in key:        # of a path that was rolled up no step is left
                self.add(key, kind_of[key])
        for _, name, kind in made:
            self.add(name, kind)
        listed = ",".join(keys)
        return f"groupby(({f'rollup({listed})' if rolled else listed}){then})"

    def pick_all(self, kind: str) -> list[str]:
        paths = [] if self.rows else [path for path in vocabulary(self.writer.rows, self.type, 1).paths.get(kind, ())
                                      if "Home" not in path and path.count("/") < 3]
        return [*self.writer.names.get(kind, ()), *paths]

    def become(self, columns: dict[str, str], keys: tuple[str, ...]) -> None:
        self.rows, self.settled, self.keys = True, False, keys
        self.writer.starts, self.writer.names = [NAMES], {}
        del columns


def pipelines(pick: Pick, type_name: str, rows: World) -> dict[str, str]:
    """`$apply` of one to four transformations, or `concat` of two sequences."""
    writer = Writer(pick, type_name, rows)
    pipeline = Pipeline(writer, type_name)
    text = pipeline.sequence(writer.one_of((1, 2, 3, 4)))
    if not pipeline.rows and writer.chance(15):
        other: Any = Pipeline(writer, type_name)
        other.count = 50
        text = f"{text}/concat(identity,{other.filter()})"
    return {"$apply": text, **writer.aliases}


assert set(EXACT) < types.PRIMITIVES

"""SQLite: its types, and the functions of the tables below; those in Python are in `sqlite_functions`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from peewee import fn

from app.edm import types
from app.errors import NotImplementedByService
from app.store import decimals, forms
from app.store.dialects import (FLOATS, ONE, Dialect, Function, JsonItems, ListSource, all_of, infix, pw, text, when, words)
from app.store.mapping import Column

_TEXT = ("Edm.String", "Edm.Guid", "Edm.Date", "Edm.DateTimeOffset", "Edm.TimeOfDay", "Edm.Decimal", "json")
NAN = pw.SQL("'NaN'")


def ours(name: str) -> Callable[..., Any]:
    """A function of `sqlite_functions`."""
    return lambda *arguments: getattr(fn, f"odata_{name}")(*arguments)


def json_path(steps: Sequence[str]) -> Any:
    """A path as a literal, so that an index over the expression is found."""
    for step in steps:
        if '"' in step or "\\" in step:
            raise NotImplementedByService(feature=f"The member name '{step}' in a path")
    return text("$" + "".join(f'."{step}"' for step in steps))


class SQLite(Dialect):
    """SQLite 3.38 and later."""

    name = "sqlite"
    placeholder = "?"
    native_instants = False
    ddl_types = {
        **dict.fromkeys(types.INTEGERS | {"Edm.Boolean", "Edm.Duration"}, "INTEGER"),
        **dict.fromkeys(_TEXT, "TEXT"),
        "Edm.Double": "REAL", "Edm.Single": "REAL", "Edm.Binary": "BLOB"}
    expression_types = {**dict.fromkeys(types.INTEGERS, "INTEGER"), "Edm.Double": "REAL", "Edm.Single": "REAL"}
    reads = {
        "Edm.Boolean": forms.boolean, "Edm.Decimal": decimals.decode, "Edm.Double": forms.nan_from_text,
        "Edm.Single": forms.nan_from_text, "Edm.DateTimeOffset": forms.strip_fraction, "Edm.TimeOfDay": forms.strip_fraction}
    writes = {"Edm.Decimal": decimals.encode, "Edm.Double": forms.nan_to_text, "Edm.Single": forms.nan_to_text,
              "json": forms.json_text}
    operators = {
        "integer add": ours("int_add"), "integer sub": ours("int_sub"), "integer mul": ours("int_mul"),
        "integer div": ours("int_div"), "integer mod": ours("int_mod"),
        "double add": ours("dbl_add"), "double sub": ours("dbl_sub"), "double mul": ours("dbl_mul"),
        "double div": ours("dbl_div"), "double divby": ours("dbl_div"), "double mod": ours("dbl_mod"),
        "double round": ours("dbl_round"), "double floor": ours("dbl_floor"), "double ceiling": ours("dbl_ceiling"),
        "decimal add": ours("dec_add"), "decimal sub": ours("dec_sub"), "decimal mul": ours("dec_mul"),
        "decimal div": ours("dec_div"), "decimal divby": ours("dec_divby"), "decimal mod": ours("dec_mod"),
        "decimal round": ours("dec_round"), "decimal floor": ours("dec_floor"), "decimal ceiling": ours("dec_ceiling"),
        "decimal scale": ours("dec_to_scale"),
        "instant add duration": ours("dto_add"), "instant sub instant": ours("dto_diff"),
        "date add duration": ours("date_add"), "date sub date": ours("date_diff"),
        "duration mul": ours("dur_mul"), "duration div": ours("dur_div")}
    json_kinds = {"string": ("text",), "number": ("integer", "real"), "boolean": ("true", "false")}

    def own_functions(self) -> dict[str, Function]:
        def geography(kinds: Sequence[str]) -> Any:
            return pw.SQL(str(int(kinds[0].startswith("Edm.Geography"))))
        return {"geo.distance": lambda a, kinds: fn.odata_geo_distance(a[0], a[1], geography(kinds)),
                "geo.length": lambda a, kinds: fn.odata_geo_length(a[0], geography(kinds)),
                "geo.intersects": lambda a, kinds: fn.odata_geo_intersects(a[0], a[1])}

    def ddl_type(self, column: Column) -> str:
        return self.ddl_types[column.type]

    # --- comparison and lists ----------------------------------------------------------------------------

    def same(self, left: Any, right: Any, edm_type: str = "") -> Any:
        return infix(left, "IS", right)

    def not_nan(self, left: Any, right: Any) -> Any:
        return all_of(infix(left, "IS NOT", NAN), infix(right, "IS NOT", NAN))

    def is_number(self, node: Any) -> Any:
        return infix(node, "<>", NAN)

    def in_list(self, node: Any, mark: Any, edm_type: str, column: Column | None = None) -> Any:
        return infix(node, "IN", words("(SELECT value FROM", fn.json_each(mark), ")"))

    def rows_source(self, mark: Any, columns: Sequence[Column], alias: str) -> ListSource:
        value = pw.Entity(alias, "value")
        return ListSource(words(fn.json_each(mark), "AS", pw.Entity(alias)),
                          tuple(fn.json_extract(value, text(f"$[{index}]")) for index in range(len(columns))))

    # --- text --------------------------------------------------------------------------------------------

    def position(self, whole: Any, part: Any) -> Any:
        return fn.INSTR(whole, part)

    def ends(self, whole: Any, part: Any) -> Any:
        start = infix(infix(fn.LENGTH(whole), "-", fn.LENGTH(part)), "+", ONE)
        return all_of(infix(fn.LENGTH(whole), ">=", fn.LENGTH(part)), infix(fn.SUBSTR(whole, start), "=", part))

    def matches(self, node: Any, pattern: str) -> Any:
        return fn.odata_matches(node, pw.Value(pattern))

    def lower(self, node: Any) -> Any:
        return fn.odata_lower(node)

    def upper(self, node: Any) -> Any:
        return fn.odata_upper(node)

    def trim(self, node: Any) -> Any:
        return fn.odata_trim(node)

    def greatest(self, first: Any, second: Any) -> Any:
        return fn.MAX(first, second)

    # --- numbers -----------------------------------------------------------------------------------------

    def seconds(self, node: Any) -> Any:
        return fn.odata_dec_scaled(node, pw.SQL("7"))

    def decimal_of_text(self, node: Any) -> Any:
        return fn.odata_dec_text(node)

    def to_decimal(self, node: Any) -> Any:
        return fn.odata_dec_int(node)

    def to_double(self, node: Any, source: str) -> Any:
        return fn.odata_dec_double(node) if source == "Edm.Decimal" else pw.Cast(node, "REAL")

    def to_text(self, node: Any, source: str) -> Any:
        return fn.odata_to_text(node, text(source))

    def parsed(self, node: Any, target: str) -> Any:
        return fn.odata_parsed(node, text(target))

    def rounded_integer(self, node: Any, source: str, low: int, high: int) -> Any:
        return fn.odata_to_integer(node, pw.SQL(str(low) if low > -2**63 else "(-9223372036854775807 - 1)"), pw.SQL(str(high)))

    def decimal_of_double(self, node: Any) -> Any:
        return fn.odata_to_decimal(node)

    def single(self, node: Any) -> Any:
        return fn.odata_to_single(node)

    # --- JSON --------------------------------------------------------------------------------------------

    def json_text(self, node: Any, steps: Sequence[str]) -> Any:
        return infix(node, "->>", json_path(steps))

    def json_kind(self, node: Any, steps: Sequence[str]) -> Any:
        return fn.json_type(node, json_path(steps))

    def json_boolean(self, found: Any) -> Any:
        return found

    def json_double(self, found: Any) -> Any:
        return pw.NodeList((pw.SQL("CASE"), found, pw.SQL("WHEN 'INF' THEN 9e999 WHEN '-INF' THEN -9e999 ELSE"), found,
                            pw.SQL("END")), parens=True)

    def dynamic_number(self, node: Any, wanted: str) -> Any:
        return fn.odata_dec_number(node) if wanted in types.INTEGERS else node

    def json_items(self, node: Any, steps: Sequence[str], alias: str) -> JsonItems:
        source = words(fn.json_each(node, json_path(steps)), "AS", pw.Entity(alias))
        return JsonItems(source, pw.Entity(alias, "value"), pw.Entity(alias, "key"))

    def json_length(self, node: Any, steps: Sequence[str]) -> Any:
        return fn.json_array_length(node, json_path(steps))

    # --- aggregates --------------------------------------------------------------------------------------

    def total(self, node: Any, result: str) -> Any:
        if result == "Edm.Decimal":
            return fn.odata_dec_sum(node)
        return self._beside_nan(node, fn.SUM(node)) if result in FLOATS else fn.SUM(node)

    def average(self, node: Any, result: str) -> Any:
        return fn.odata_dec_avg(node) if result == "Edm.Decimal" else self._beside_nan(node, fn.AVG(node))

    def _beside_nan(self, node: Any, found: Any) -> Any:
        return when(fn.MAX(infix(node, "IS", NAN)), NAN, found)

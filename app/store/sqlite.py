"""SQLite: its types, and the functions of the tables below; those in Python are in `sqlite_functions`."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import peewee as pw
from peewee import fn

from app.edm import types
from app.errors import NotImplementedByService
from app.store import decimals, forms
from app.store.clauses import (ONE, JsonItems, ListSource, Node, Operation, all_of, infix, text, when, words)
from app.store.dialects import FLOATS, Convert, Dialect, Function
from app.store.mapping import Column

_TEXT = ("Edm.String", "Edm.Guid", "Edm.Date", "Edm.DateTimeOffset", "Edm.TimeOfDay", "Edm.Decimal", "json")
NAN = pw.SQL("'NaN'")
DECIMAL_NAN = pw.SQL(f"'{decimals.encode(Decimal('NaN'))}'")


def ours(name: str) -> Operation:
    """A function of `sqlite_functions`."""
    return lambda *arguments: getattr(fn, f"odata_{name}")(*arguments)


def json_path(steps: Sequence[str]) -> Node:
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
        "Edm.Single": forms.nan_from_text, "Edm.DateTimeOffset": forms.strip_fraction,
        "Edm.TimeOfDay": forms.strip_fraction}
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
        def geography(kinds: Sequence[str]) -> Node:
            return pw.SQL(str(int(kinds[0].startswith("Edm.Geography"))))
        return {"geo.distance": lambda a, kinds: fn.odata_geo_distance(a[0], a[1], geography(kinds)),
                "geo.length": lambda a, kinds: fn.odata_geo_length(a[0], geography(kinds)),
                "geo.intersects": lambda a, kinds: fn.odata_geo_intersects(a[0], a[1])}

    def ddl_type(self, column: Column) -> str:
        return self.ddl_types[column.type]

    # --- comparison and lists ----------------------------------------------------------------------------

    def same(self, left: Node, right: Node, edm_type: str = "") -> Node:
        return infix(left, "IS", right)

    def not_nan(self, left: Node, right: Node) -> Node:
        return all_of(infix(left, "IS NOT", NAN), infix(right, "IS NOT", NAN))

    def is_number(self, node: Node, edm_type: str) -> Node:
        return infix(node, "<>", DECIMAL_NAN if edm_type == "Edm.Decimal" else NAN)

    def in_list(self, node: Node, mark: Node, edm_type: str, column: Column | None = None) -> Node:
        return infix(node, "IN", words("(SELECT value FROM", fn.json_each(mark), ")"))

    def rows_writer(self, columns: Sequence[Column]) -> Convert:
        if len(columns) > 1:
            return super().rows_writer(columns)
        write = self.list_writer(columns[0].edm, columns[0])
        return lambda rows: write([value for value, in rows])

    def rows_source(self, mark: Node, columns: Sequence[Column], alias: str) -> ListSource:
        value = pw.Entity(alias, "value")
        found = (value,) if len(columns) == 1 else tuple(
            fn.json_extract(value, text(f"$[{index}]")) for index in range(len(columns)))
        return ListSource(words(fn.json_each(mark), "AS", pw.Entity(alias)), found)

    # --- text --------------------------------------------------------------------------------------------

    def position(self, whole: Node, part: Node) -> Node:
        return fn.INSTR(whole, part)

    def ends(self, whole: Node, part: Node) -> Node:
        start = infix(infix(fn.LENGTH(whole), "-", fn.LENGTH(part)), "+", ONE)
        return all_of(infix(fn.LENGTH(whole), ">=", fn.LENGTH(part)), infix(fn.SUBSTR(whole, start), "=", part))

    def matches(self, node: Node, pattern: str) -> Node:
        return fn.odata_matches(node, pw.Value(pattern))

    def hexadecimal(self, node: Node) -> Node:
        return when(words(node, "IS NOT NULL"), fn.PRINTF(pw.Value("%x"), node))      # of null it makes a 0

    def lower(self, node: Node) -> Node:
        return fn.odata_lower(node)

    def upper(self, node: Node) -> Node:
        return fn.odata_upper(node)

    def trim(self, node: Node) -> Node:
        return fn.odata_trim(node)

    def greatest(self, first: Node, second: Node) -> Node:
        return fn.MAX(first, second)

    # --- numbers -----------------------------------------------------------------------------------------

    def seconds(self, node: Node) -> Node:
        return fn.odata_dec_scaled(node, pw.SQL("7"))

    def decimal_of_text(self, node: Node) -> Node:
        return fn.odata_dec_text(node)

    def to_decimal(self, node: Node) -> Node:
        return fn.odata_dec_int(node)

    def to_double(self, node: Node, source: str) -> Node:
        return fn.odata_dec_double(node) if source == "Edm.Decimal" else pw.Cast(node, "REAL")

    def to_text(self, node: Node, source: str) -> Node:
        return fn.odata_to_text(node, text(source))

    def parsed(self, node: Node, target: str) -> Node:
        return fn.odata_parsed(node, text(target))

    def rounded_integer(self, node: Node, source: str, low: int, high: int) -> Node:
        return fn.odata_to_integer(node, pw.SQL(str(low) if low > -2**63 else "(-9223372036854775807 - 1)"),
                                   pw.SQL(str(high)))

    def decimal_of_double(self, node: Node) -> Node:
        return fn.odata_to_decimal(node)

    def single(self, node: Node) -> Node:
        return fn.odata_to_single(node)

    # --- JSON --------------------------------------------------------------------------------------------

    def json_text(self, node: Node, steps: Sequence[str]) -> Node:
        return infix(node, "->>", json_path(steps))

    def json_part(self, node: Node, steps: Sequence[str]) -> Node:
        return infix(node, "->", json_path(steps))

    def json_kind(self, node: Node, steps: Sequence[str]) -> Node:
        return fn.json_type(node, json_path(steps))

    def json_boolean(self, found: Node) -> Node:
        return found

    def json_double(self, found: Node) -> Node:
        return pw.NodeList((pw.SQL("CASE"), found, pw.SQL("WHEN 'INF' THEN 9e999 WHEN '-INF' THEN -9e999 ELSE"), found,
                            pw.SQL("END")), parens=True)

    def dynamic_number(self, node: Node, wanted: str) -> Node:
        return fn.odata_dec_number(node) if wanted in types.INTEGERS else node

    def json_items(self, node: Node, steps: Sequence[str], alias: str) -> JsonItems:
        source = words(fn.json_each(node, json_path(steps)), "AS", pw.Entity(alias))
        key = pw.Entity(alias, "key")
        return JsonItems(source, pw.Entity(alias, "value"), key, infix(infix(node, "->", json_path(steps)), "->", key))

    def json_length(self, node: Node, steps: Sequence[str]) -> Node:
        return fn.json_array_length(node, json_path(steps))

    # --- aggregates --------------------------------------------------------------------------------------

    def total(self, node: Node, result: str) -> Node:
        if result == "Edm.Decimal":
            return fn.odata_dec_sum(node)
        return self._beside_nan(node, fn.SUM(node)) if result in FLOATS else fn.SUM(node)

    def aggregate(self, method: str, node: Node, edm_type: str, result: str) -> Node:
        if method == "average" and edm_type in types.INTEGERS and result in FLOATS:
            return fn.AVG(node)         # integers are never NaN, and their mean is a double
        return super().aggregate(method, node, edm_type, result)

    def average(self, node: Node, result: str) -> Node:
        return fn.odata_dec_avg(node) if result == "Edm.Decimal" else self._beside_nan(node, fn.AVG(node))

    def _beside_nan(self, node: Node, found: Node) -> Node:
        return when(fn.MAX(infix(node, "IS", NAN)), NAN, found)

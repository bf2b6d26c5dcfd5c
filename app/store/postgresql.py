"""PostgreSQL (17 and later for case mapping outside ASCII) and CockroachDB: types and functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peewee as pw
from peewee import fn

from app.edm import types
from app.store import casing, forms, geo_sql
from app.store.clauses import (ONE, ZERO, JsonItems, ListSource, Node, Operation, all_of, enclosed, infix,
                               missing, substr, text, when, words)
from app.store.decimals import QUOTIENT_SCALE
from app.store.dialects import FLOATS, Convert, Dialect, Function
from app.store.mapping import Column

ORDINAL = 'COLLATE "C"'
DAY = pw.SQL("864000000000")
SCALE = pw.SQL(str(QUOTIENT_SCALE))
INSTANT = pw.SQL("'YYYY-MM-DD\"T\"HH24:MI:SS.US'")


def cast(node: Node, kind: str) -> Node:
    return pw.Cast(node, kind)


def ordinal(node: Node) -> Node:
    """Text in ordinal collation."""
    return enclosed(node, ORDINAL)


# --- numbers ---------------------------------------------------------------------------------------------

def integer(operator: str) -> Operation:
    """An operation of two integers in 64 bits: leaving them is an error of the database."""
    return lambda left, right: infix(cast(left, "bigint"), operator, cast(right, "bigint"))


def plain(operator: str) -> Operation:
    return lambda left, right: infix(left, operator, right)


def special(left: Node, kind: str) -> Node:
    """What division by zero gives where the type has it: INF, -INF, or NaN, by the sign of the left side."""
    positive = all_of(infix(left, ">", ZERO), infix(left, "<>", f"'NaN'::{kind}"))
    return enclosed("CASE WHEN", positive, f"THEN 'Infinity'::{kind} WHEN", infix(left, "<", ZERO),
                    f"THEN '-Infinity'::{kind} WHEN", left, f"IS NOT NULL THEN 'NaN'::{kind} END")


def double_quotient(left: Node, right: Node) -> Node:
    return when(infix(right, "=", ZERO), special(left, "double precision"), infix(left, "/", right))


def double_remainder(left: Node, right: Node) -> Node:
    """The exact remainder, for which there is no operator: of the mantissas, as whole numbers of the same exponent."""
    exponent = "greatest(bits.{0} >> 52, 1)"
    mantissa = "(bits.{0} & 4503599627370495) + (bits.{0} >> 52 > 0)::int * 4503599627370496"
    parts = ", ".join(f"{exponent.format(name)} AS {name}e, ({mantissa.format(name)})::numeric AS {name}m" for name in "ab")
    bits = ", ".join(f"('x' || encode(float8send(abs(pair.{name})), 'hex'))::bit(64)::bigint AS {name}" for name in "ab")
    return enclosed(
        "SELECT CASE WHEN pair.a IS NULL OR pair.b IS NULL THEN NULL WHEN pair.b = 0 THEN 1 / pair.b::int "
        "WHEN pair.a = 'NaN' OR pair.b = 'NaN' OR abs(pair.a) = 'Infinity' THEN 'NaN'::float8 "
        "WHEN abs(pair.a) < abs(pair.b) THEN pair.a "
        "ELSE sign(pair.a) * mod(part.am * power(2::numeric, part.ae - part.be), part.bm)::float8 "
        "* power(2::float8, part.be - 1075) END FROM (SELECT", cast(left, "float8"), "AS a,", cast(right, "float8"),
        f"AS b OFFSET 0) AS pair, LATERAL (SELECT {bits}) AS bits, LATERAL (SELECT {parts}) AS part")


def decimal_quotient(left: Node, right: Node) -> Node:
    """Twenty fraction digits, whatever the operands have."""
    wide = infix(left, "*", pw.SQL("1." + "0" * (QUOTIENT_SCALE + 4)))
    return fn.round(infix(wide, "/", right), SCALE)


def decimal_fraction(left: Node, right: Node) -> Node:
    return when(infix(right, "=", ZERO), special(left, "numeric"), decimal_quotient(left, right))


def double_round(node: Node) -> Node:
    """Halves away from zero; the addition turns -0 into 0."""
    size = fn.abs(node)
    up = enclosed("CASE WHEN", infix(size, "-", fn.trunc(size)), ">= 0.5 THEN 1 ELSE 0 END")
    return infix(infix(fn.sign(node), "*", infix(fn.trunc(size), "+", up)), "+", ZERO)


# --- instants --------------------------------------------------------------------------------------------

def moment(node: Node) -> Node:
    """An instant in expression form as a timestamp of microseconds."""
    return cast(substr(node, 1, 26), "timestamp")


def seventh(node: Node) -> Node:
    """The digit that a timestamp does not hold."""
    return cast(substr(node, 27, 1), "bigint")


def dated(found: Node, pattern: Any, width: int) -> Node:
    """A timestamp or date as text; an error outside the years 1 to 9999 (16 bits are just exceeded there)."""
    year = fn.EXTRACT(words("YEAR FROM", found))
    bounds = infix(cast(infix(year, "+", pw.SQL("22768")), "smallint"), "+",
                   cast(infix(year, "-", pw.SQL("32769")), "smallint"))
    return fn.LEFT(fn.to_char(found, pattern), infix(pw.SQL(str(width)), "+", infix(pw.SQL("0"), "*", bounds)))


def instant_add(left: Node, right: Node) -> Node:
    count = infix(cast(right, "bigint"), "+", seventh(left))
    whole = fn.floor(infix(count, "*", pw.SQL("0.1")))      # numeric division would round
    rest = infix(count, "-", cast(infix(whole, "*", pw.SQL("10")), "bigint"))
    # an interval is multiplied as a double: seconds and microseconds apart stay exact
    seconds = infix(fn.div(whole, pw.SQL("1000000")), "*", pw.SQL("interval '1 second'"))
    exact = infix(infix(moment(left), "+", seconds), "+", infix(fn.mod(whole, pw.SQL("1000000")), "*", pw.SQL(
        "interval '1 microsecond'")))
    return ordinal(enclosed(dated(exact, INSTANT, 26), "||", cast(rest, "text"), "|| 'Z'"))


def instant_difference(left: Node, right: Node) -> Node:
    apart = fn.EXTRACT(words("EPOCH FROM", infix(moment(left), "-", moment(right))))
    return infix(cast(infix(apart, "*", pw.SQL("10000000")), "bigint"), "+", infix(seventh(left), "-", seventh(right)))


def date_add(left: Node, right: Node) -> Node:
    begun = when(infix(infix(right, "%%", DAY), "<", ZERO), ONE, ZERO)
    days = cast(infix(infix(right, "/", DAY), "-", begun), "integer")
    return ordinal(dated(infix(cast(left, "date"), "+", days), pw.SQL("'YYYY-MM-DD'"), 10))


def date_difference(left: Node, right: Node) -> Node:
    return infix(infix(cast(left, "date"), "-", cast(right, "date")), "*", DAY)


def duration_scaled(operator: str) -> Operation:
    def scaled(duration: Node, number: Node) -> Node:
        return cast(fn.round(infix(cast(duration, "numeric"), operator, cast(number, "numeric"))), "bigint")
    return scaled


class PostgreSQL(Dialect):
    """PostgreSQL, spoken to in UTC, with instants, uuid and json as text (see `drivers`)."""

    name = "postgresql"
    lateral = True
    case_collation = 'COLLATE "pg_c_utf8"'      # PostgreSQL 17 and later
    ddl_types = {
        "Edm.Boolean": "boolean", "Edm.Byte": "smallint", "Edm.SByte": "smallint", "Edm.Int16": "smallint",
        "Edm.Int32": "integer", "Edm.Int64": "bigint", "Edm.Duration": "bigint", "Edm.Decimal": "numeric",
        "Edm.Double": "double precision", "Edm.Single": "double precision", "Edm.String": f"text {ORDINAL}",
        "Edm.Guid": "uuid", "Edm.Binary": "bytea", "Edm.Date": "date", "json": "json"}
    expression_types = {
        **dict.fromkeys(types.INTEGERS | {"Edm.Duration"}, "bigint"), "Edm.Boolean": "boolean",
        "Edm.Decimal": "numeric",
        "Edm.Double": "double precision", "Edm.Single": "double precision", "Edm.Guid": "uuid", "Edm.Binary": "bytea",
        "Edm.String": "text", "Edm.Date": "text", "Edm.DateTimeOffset": "text", "Edm.TimeOfDay": "text", "json": "text"}
    reads = {"Edm.DateTimeOffset": forms.strip_fraction, "Edm.TimeOfDay": forms.strip_fraction,
             "Edm.Double": forms.to_double, "Edm.Single": forms.to_double}
    writes = {"json": forms.json_text}
    operators = {
        "integer add": integer("+"), "integer sub": integer("-"), "integer mul": integer("*"),
        "integer div": integer("/"),
        "integer mod": integer("%%"),
        "double add": plain("+"), "double sub": plain("-"), "double mul": plain("*"), "double div": double_quotient,
        "double divby": double_quotient, "double mod": double_remainder, "double round": double_round,
        "double floor": lambda node: infix(fn.floor(node), "+", ZERO), "double ceiling": lambda node: infix(
            fn.ceil(node), "+", ZERO),
        "decimal add": plain("+"), "decimal sub": plain("-"), "decimal mul": plain("*"),
        "decimal div": decimal_quotient,
        "decimal divby": decimal_fraction, "decimal mod": plain("%%"), "decimal round": fn.round,
        "decimal floor": fn.floor,
        "decimal ceiling": fn.ceil, "decimal scale": lambda node, scale: fn.round(node, pw.SQL(str(scale))),
        "instant add duration": instant_add, "instant sub instant": instant_difference, "date add duration": date_add,
        "date sub date": date_difference, "duration mul": duration_scaled("*"), "duration div": duration_scaled("/")}
    json_kinds = {"string": ("string",), "number": ("number",), "boolean": ("boolean",)}

    def own_functions(self) -> dict[str, Function]:
        def number(node: Node, steps: Sequence[str | int]) -> Node:
            path = text("{" + ",".join(map(str, steps)) + "}")
            return cast(infix(cast(node, "json"), "#>>", cast(path, "text[]")), "double precision")

        def rows(node: Node, steps: Sequence[str], alias: str) -> tuple[Node, Node, Node]:
            found = self.json_items(cast(node, "json"), steps, alias)
            return found.table, found.value, found.ordinal
        return geo_sql.functions(number, rows)

    def ddl_type(self, column: Column) -> str:
        if column.type == "Edm.DateTimeOffset":
            return f"timestamptz({column.precision})" if self.native(column) else f"text {ORDINAL}"
        if column.type == "Edm.TimeOfDay":
            return f"time({column.precision})" if self.native(column) else f"text {ORDINAL}"
        return self.ddl_types[column.type]

    def reader(self, column: Column) -> Convert | None:
        return None if column.type in ("Edm.Double", "Edm.Single") else super().reader(column)

    def native_reader(self, column: Column) -> Convert | None:
        pad = forms.padded(column.precision or 0)
        if column.type == "Edm.TimeOfDay":
            return lambda value: None if value is None else pad(value)
        # '2024-01-02 03:04:05.5+00', as the server writes it with DateStyle ISO in UTC
        return lambda value: None if value is None else f"{value[:10]}T{pad(value[11:-3])}Z"

    def native_value(self, node: Node, column: Column) -> Node:
        if column.type == "Edm.TimeOfDay":
            return ordinal(fn.to_char(node, pw.SQL("'HH24:MI:SS.US\"0\"'")))
        utc = words(node, "AT TIME ZONE 'UTC'")
        return ordinal(fn.to_char(utc, pw.SQL("'YYYY-MM-DD\"T\"HH24:MI:SS.US\"0Z\"'")))

    def value(self, node: Node, column: Column) -> Node:
        if column.type == "Edm.Date":
            return ordinal(fn.to_char(node, pw.SQL("'YYYY-MM-DD'")))
        if column.type == "json":
            return pw.Cast(node, "text")
        return super().value(node, column)

    def literal_cast(self, edm_type: str) -> str | None:
        return self.expression_types.get(edm_type, "bigint" if not edm_type.startswith("Edm.") else "text")

    def typed(self, node: Node, edm_type: str) -> Node:
        kind = self.literal_cast(edm_type)
        cast = pw.Cast(node, kind)
        return ordinal(cast) if kind == "text" else cast

    def list_writer(self, edm_type: str, column: Column | None = None) -> Convert:
        write = self.writer(edm_type, column)
        return list if write is None else lambda values: [write(value) for value in values]

    def ascending(self, node: Node) -> Node:
        return pw.Ordering(node, "ASC", nulls="first")

    def descending(self, node: Node) -> Node:
        return pw.Ordering(node, "DESC", nulls="last")

    def same(self, left: Node, right: Node, edm_type: str = "") -> Node:
        return infix(left, "IS NOT DISTINCT FROM", right)

    def not_nan(self, left: Node, right: Node) -> Node:
        nan = pw.SQL("'NaN'::double precision")
        return pw.NodeList((infix(left, "IS DISTINCT FROM", nan), infix(right, "IS DISTINCT FROM", nan)), " AND ", True)

    def is_number(self, node: Node, edm_type: str) -> Node:
        return infix(node, "<>", pw.SQL(f"'NaN'::{'double precision' if edm_type in FLOATS else 'numeric'}"))

    # --- lists -------------------------------------------------------------------------------------------

    def stored_sql_type(self, column: Column) -> str:
        """The type of a column without its collation."""
        return self.ddl_type(column).partition(" COLLATE")[0]

    def in_list(self, node: Node, mark: Node, edm_type: str, column: Column | None = None) -> Node:
        kind = self.literal_cast(edm_type) if column is None else self.stored_sql_type(column)
        return infix(node, "=", fn.ANY(cast(mark, f"{kind}[]")))

    def rows_writer(self, columns: Sequence[Column]) -> Convert:
        write = super().rows_writer(columns)
        return lambda rows: write([[None if value is None else str(value) for value in row] for row in rows])

    def rows_source(self, mark: Node, columns: Sequence[Column], alias: str) -> ListSource:
        value = pw.Entity(alias, "value")
        found = []
        for index, column in enumerate(columns):
            kind = self.stored_sql_type(column)
            node = cast(infix(value, "->>", pw.SQL(str(index))), kind)
            found.append(ordinal(node) if kind == "text" else node)
        return ListSource(words(fn.json_array_elements(cast(mark, "json")), "AS", pw.Entity(alias), "(value)"),
                          tuple(found))

    # --- text --------------------------------------------------------------------------------------------

    def position(self, whole: Node, part: Node) -> Node:
        return fn.strpos(whole, part)

    def starts(self, whole: Node, part: Node) -> Node:
        return fn.starts_with(whole, part)

    def ends(self, whole: Node, part: Node) -> Node:
        return infix(fn.RIGHT(whole, fn.LENGTH(part)), "=", part)

    def narrow(self, node: Node) -> Node:
        return cast(node, "integer")

    def matches(self, node: Node, pattern: str) -> Node:
        return infix(node, "~", cast(pw.Value(pattern), "text"))

    def hexadecimal(self, node: Node) -> Node:
        return ordinal(fn.TO_HEX(node))

    def lower(self, node: Node) -> Node:
        return ordinal(fn.LOWER(enclosed(node, self.case_collation)))

    def upper(self, node: Node) -> Node:
        return ordinal(fn.UPPER(enclosed(node, self.case_collation)))

    def trim(self, node: Node) -> Node:
        return fn.btrim(node, text(casing.WHITE_SPACE))

    # --- numbers and casts -------------------------------------------------------------------------------

    def integer(self, node: Node) -> Node:
        return cast(node, "bigint")

    def seconds(self, node: Node) -> Node:
        return infix(cast(node, "numeric"), "*", pw.SQL("0.0000001"))

    def decimal_of_text(self, node: Node) -> Node:
        return cast(fn.REPLACE(node, text("INF"), text("Infinity")), "numeric")

    def to_text(self, node: Node, source: str) -> Node:
        match source:
            case "Edm.Decimal":
                node = fn.REPLACE(cast(fn.trim_scale(node), "text"), text("Infinity"), text("INF"))
            case "Edm.Double" | "Edm.Single":
                node = fn.REPLACE(cast(node, "text"), text("Infinity"), text("INF"))
            case "Edm.DateTimeOffset":
                node = fn.regexp_replace(node, text("[.]?0*Z$"), text("Z"))
            case "Edm.TimeOfDay":
                node = fn.regexp_replace(node, text("[.]?0*$"), text(""))
            case "Edm.Duration":
                node = self.duration_text(node)
            case "Edm.Binary":
                node = fn.translate(fn.encode(node, text("base64")), pw.SQL("'+/' || chr(10)"), text("-_"))
        return ordinal(cast(node, "text"))

    def parsed(self, node: Node, target: str) -> Node:
        return PARSERS[target](node) if target in PARSERS else missing(f"cast of Edm.String to {target} on PostgreSQL")()

    def rounded_integer(self, node: Node, source: str, low: int, high: int) -> Node:
        found = fn.round(node) if source == "Edm.Decimal" else double_round(node)
        kind = "numeric" if source == "Edm.Decimal" else "double precision"
        fits = all_of(infix(found, ">=", pw.SQL(f"{low}::{kind}")), infix(found, "<", pw.SQL(f"{high + 1}::{kind}")))
        return when(fits, cast(found, "bigint"))

    def decimal_of_double(self, node: Node) -> Node:
        return cast(cast(node, "text"), "numeric")

    def single(self, node: Node) -> Node:
        small = infix(infix(fn.abs(node), "<=", pw.SQL("3.4028234663852886e38")), "OR",
                      infix(fn.abs(node), ">=", pw.SQL("'Infinity'")))
        return when(small, cast(cast(cast(node, "real"), "text"), "double precision"))

    # --- JSON --------------------------------------------------------------------------------------------

    def _at(self, steps: Sequence[str]) -> Node:
        quoted = ('"' + step.replace("\\", "\\\\").replace('"', '\\"') + '"' for step in steps)
        return words(text("{" + ",".join(quoted) + "}"), "::text[]")

    def json_text(self, node: Node, steps: Sequence[str]) -> Node:
        return ordinal(infix(node, "#>>", self._at(steps)))

    def json_part(self, node: Node, steps: Sequence[str]) -> Node:
        return cast(infix(node, "#>", self._at(steps)), "text")

    def json_kind(self, node: Node, steps: Sequence[str]) -> Node:
        return fn.json_typeof(infix(node, "#>", self._at(steps)))

    def aggregate(self, method: str, node: Node, edm_type: str, result: str) -> Node:
        if method in ("min", "max") and edm_type == "Edm.Boolean":
            return fn.BOOL_AND(node) if method == "min" else fn.BOOL_OR(node)
        if method in ("min", "max") and edm_type == "Edm.Guid":         # PostgreSQL has none of uuid
            return cast(super().aggregate(method, ordinal(cast(node, "text")), edm_type, result), "uuid")
        return super().aggregate(method, node, edm_type, result)

    def json_boolean(self, found: Node) -> Node:
        return cast(found, "boolean")

    def json_double(self, found: Node) -> Node:
        return cast(fn.REPLACE(found, text("INF"), text("Infinity")), "double precision")

    def json_items(self, node: Node, steps: Sequence[str], alias: str) -> JsonItems:
        found = infix(node, "#>", self._at(steps)) if steps else node
        array = when(infix(fn.json_typeof(found), "=", text("array")), found)
        source = words(fn.json_array_elements(array), "WITH ORDINALITY AS", pw.Entity(alias), "(value, position)")
        return JsonItems(source, pw.Entity(alias, "value"), infix(pw.Entity(alias, "position"), "-", ONE))

    def json_item(self, value: Node, edm_type: str) -> Node:
        return self.json_get(value, (), edm_type)

    def json_value(self, found: Node, edm_type: str) -> Node:
        return cast(found, "uuid") if edm_type == "Edm.Guid" else super().json_value(found, edm_type)

    def json_length(self, node: Node, steps: Sequence[str]) -> Node:
        found = infix(node, "#>", self._at(steps)) if steps else node
        return fn.json_array_length(when(infix(fn.json_typeof(found), "=", text("array")), found))

    # --- aggregates --------------------------------------------------------------------------------------

    def total(self, node: Node, result: str) -> Node:
        return cast(fn.SUM(node), "bigint") if result in types.INTEGERS else fn.SUM(node)

    def average(self, node: Node, result: str) -> Node:
        if result == "Edm.Decimal":
            return decimal_quotient(fn.SUM(node), fn.NULLIF(fn.COUNT(node), ZERO))
        return fn.AVG(node)


# --- text as values of other types -----------------------------------------------------------------------

TIME = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,12})?)?"
DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
DURATION = "[+-]?P([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+([.][0-9]+)?S)?)?"
UNITS = (("([0-9]+)D", 864_000_000_000), ("T.*?([0-9]+)H", 36_000_000_000), ("T.*?([0-9]+)M", 600_000_000),
         ("([0-9]+)([.][0-9]+)?S", 10_000_000))


def like(node: Node, pattern: str, flag: str = "~") -> Node:
    """Whether the whole text matches."""
    return infix(node, flag, text(f"^({pattern})$"))


def valid(node: Node, kind: str) -> Node:
    """Whether the server reads the text as a value of the type."""
    return fn.pg_input_is_valid(node, text(kind))


def piece(node: Node, pattern: str) -> Node:
    """What the parentheses of a pattern match."""
    return fn.substring(node, text(pattern))


def parsed_integer(low: int, high: int) -> Operation:
    def parse(node: Node) -> Node:
        number = cast(node, "numeric")
        fits = all_of(infix(number, ">=", pw.SQL(str(low))), infix(number, "<=", pw.SQL(str(high))))
        return when(like(node, "[+-]?[0-9]{1,40}"), when(fits, cast(node, "bigint")))
    return parse


def parsed_number(kind: str) -> Operation:
    def parse(node: Node) -> Node:
        digits = like(node, "[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,4})?")
        named = cast(fn.REPLACE(node, text("INF"), text("Infinity")), kind)
        return enclosed("CASE WHEN", infix(node, "IN", "('INF', '-INF', 'NaN')"), "THEN", named, "WHEN", digits, "THEN",
                        when(valid(node, kind), cast(node, kind)), "END")
    return parse


def fraction(node: Node) -> Node:
    """The seven fraction digits of the seconds in a text."""
    return fn.RPAD(fn.COALESCE(piece(node, "[.]([0-9]+)"), text("")), pw.SQL("7"), text("0"))


def parsed_time(node: Node) -> Node:
    whole = infix(fn.RPAD(fn.split_part(node, text("."), ONE), pw.SQL("8"), text(":00")), "|| '.' ||", fraction(node))
    return when(like(node, TIME), ordinal(whole))


def parsed_instant(node: Node) -> Node:
    seconds = fn.regexp_replace(node, text("[.][0-9]+"), text(""))
    utc = words(cast(seconds, "timestamptz"), "AT TIME ZONE 'UTC'")
    whole = infix(fn.to_char(utc, pw.SQL("'YYYY-MM-DD\"T\"HH24:MI:SS'")), "|| '.' ||",
                  infix(fraction(node), "||", text("Z")))
    in_years = infix(fn.EXTRACT(words("YEAR FROM", utc)), "BETWEEN 1 AND", pw.SQL("9999"))
    return when(like(node, f"(?!0000){DATE}[Tt]{TIME}([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?"),
                when(valid(seconds, "timestamptz"), when(in_years, ordinal(whole))))


def parsed_duration(node: Node) -> Node:
    upper = fn.UPPER(node)
    units = [infix(fn.COALESCE(cast(piece(upper, pattern), "bigint"), ZERO), "*", pw.SQL(str(ticks)))
             for pattern, ticks in UNITS]
    total = pw.NodeList((*units, cast(fraction(node), "bigint")), " + ", True)
    negative = infix(fn.LEFT(node, ONE), "=", text("-"))
    shaped = all_of(like(upper, DURATION), infix(upper, "~", text("[0-9][DHMS]$")))
    return when(shaped, infix(enclosed("CASE WHEN", negative, "THEN -1 ELSE 1 END"), "*", total))


PARSERS: dict[str, Operation] = {
    **{name: parsed_integer(*bounds) for name, bounds in types.INTEGER_RANGES.items()},
    "Edm.Decimal": parsed_number("numeric"), "Edm.Double": parsed_number("double precision"),
    "Edm.Single": parsed_number("double precision"),
    "Edm.Boolean": lambda node: enclosed("CASE", fn.LOWER(node), "WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END"),
    "Edm.Guid": lambda node: when(like(node, "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"), cast(node, "uuid")),
    "Edm.Date": lambda node: when(like(node, f"(?!0000){DATE}"), when(valid(node, "date"), node)),
    "Edm.TimeOfDay": parsed_time, "Edm.DateTimeOffset": parsed_instant, "Edm.Duration": parsed_duration}


class CockroachDB(PostgreSQL):
    """CockroachDB: PostgreSQL's language, case mapping without a collation; known by its SQL text only."""

    name = "cockroachdb"

    def lower(self, node: Node) -> Node:
        return ordinal(fn.LOWER(node))

    def upper(self, node: Node) -> Node:
        return ordinal(fn.UPPER(node))

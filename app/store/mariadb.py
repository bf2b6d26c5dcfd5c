"""MariaDB 10.11 and later: types and functions. NaN and infinities cannot be stored there."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from peewee import fn

from app.edm import types
from app.errors import BodyError
from app.store import casing, forms
from app.store.decimals import QUOTIENT_SCALE
from app.store.dialects import (NULL, ONE, ZERO, Convert, Dialect, Function, JsonItems, ListSource, all_of, enclosed, infix,
                                missing, pw, substr, text, when, words)
from app.store.mapping import Column

ORDINAL = "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
ASCII = "CHARACTER SET ascii COLLATE ascii_nopad_bin"
DECIMAL_DIGITS, DECIMAL_SCALE = 65, 30
VARCHAR_LIMIT = 255     # longer texts are kept off the row, whose size is limited


def finite_double(value: float | None) -> float | None:
    """A double that MariaDB can hold."""
    if value is not None and not math.isfinite(value):
        raise BodyError("MariaDB cannot hold NaN or an infinite number")
    return None if value is None else float(value)


def bounded_decimal(value: Decimal | None) -> Decimal | None:
    """A decimal that MariaDB can hold: 65 digits, 30 of them after the point."""
    if value is None:
        return None
    if not isinstance(value, Decimal):
        return Decimal(value)
    exponent = value.normalize(types.EXACT).as_tuple().exponent
    if not isinstance(exponent, int):
        raise BodyError("MariaDB cannot hold NaN or an infinite number")
    if -exponent > DECIMAL_SCALE or value.adjusted() >= DECIMAL_DIGITS - DECIMAL_SCALE:
        raise BodyError(f"MariaDB holds at most {DECIMAL_DIGITS - DECIMAL_SCALE} digits before and {DECIMAL_SCALE} digits "
                        f"after the decimal point")
    return value


def naive_instant(value: str | None) -> str | None:
    """An instant for a DATETIME column: without zone, at most six fraction digits."""
    found = forms.native_instant(value)
    return None if found is None else found.removesuffix("Z")


CASING = "COLLATE utf8mb4_uca1400_as_cs"            # knows the letters of Unicode 14; MariaDB 10.10 and later
DAY = pw.SQL("864000000000")
SCALE = pw.SQL(str(QUOTIENT_SCALE))
DECIMAL = f"DECIMAL({DECIMAL_DIGITS},{DECIMAL_SCALE})"
FAILURE = pw.SQL("(SELECT 1 UNION SELECT 2)")       # an error where a row gets there, and nowhere else


def cast(node: Any, kind: str) -> Any:
    return pw.Cast(node, kind)


# --- numbers ---------------------------------------------------------------------------------------------

def plain(operator: str) -> Any:
    return lambda left, right: infix(left, operator, right)


def divided(operator: str) -> Any:
    """A division, failing where the divisor is zero: by itself it would give null."""
    return lambda left, right: when(infix(right, "=", ZERO), when(infix(left, "IS NOT", NULL), FAILURE),
                                    infix(left, operator, right))


def quotient(left: Any, right: Any) -> Any:
    """Twenty fraction digits."""
    return fn.ROUND(divided("/")(left, right), SCALE)


def double_round(node: Any) -> Any:
    """Halves away from zero; the addition turns -0 into 0."""
    size = fn.ABS(node)
    cut = fn.TRUNCATE(size, ZERO)
    up = infix(infix(size, "-", cut), ">=", pw.SQL("0.5"))
    return infix(infix(fn.SIGN(node), "*", infix(cut, "+", up)), "+", ZERO)


# --- instants --------------------------------------------------------------------------------------------

def moment(node: Any) -> Any:
    """An instant in expression form as a DATETIME of microseconds."""
    return cast(substr(node, 1, 26), "DATETIME(6)")


def seventh(node: Any) -> Any:
    """The digit that a DATETIME does not hold."""
    return cast(substr(node, 27, 1), "SIGNED")


def within_years(found: Any, *arguments: Any) -> Any:
    """The text of an instant or date; where it is null or of the year 0 although no argument is null, an error."""
    wrong = infix(infix(found, "IS", NULL), "OR", infix(fn.LEFT(found, pw.SQL("4")), "=", text("0000")))
    present = all_of(*(infix(each, "IS NOT", NULL) for each in arguments))
    too_large = infix("9223372036854775807", "+", fn.CHAR_LENGTH(arguments[0]))
    return when(all_of(wrong, present), too_large, found)


def instant_add(left: Any, right: Any) -> Any:
    count = infix(right, "+", seventh(left))
    whole = fn.FLOOR(infix(count, "/", pw.SQL("10")))
    rest = cast(infix(count, "-", infix(whole, "*", pw.SQL("10"))), "SIGNED")
    moved = fn.DATE_ADD(moment(left), words("INTERVAL", whole, "MICROSECOND"))
    return within_years(fn.CONCAT(fn.DATE_FORMAT(moved, pw.Value("%Y-%m-%dT%H:%i:%s.%f")), rest, text("Z")), left, right)


def instant_difference(left: Any, right: Any) -> Any:
    apart = fn.TIMESTAMPDIFF(pw.SQL("MICROSECOND"), moment(right), moment(left))
    return infix(infix(apart, "*", pw.SQL("10")), "+", infix(seventh(left), "-", seventh(right)))


def date_add(left: Any, right: Any) -> Any:
    moved = fn.DATE_ADD(cast(left, "DATE"), words("INTERVAL", fn.FLOOR(infix(right, "/", DAY)), "DAY"))
    return within_years(fn.DATE_FORMAT(moved, pw.Value("%Y-%m-%d")), left, right)


def date_difference(left: Any, right: Any) -> Any:
    return infix(fn.DATEDIFF(left, right), "*", DAY)


def duration_scaled(operator: str) -> Any:
    operation = divided("/") if operator == "/" else plain(operator)
    return lambda duration, number: cast(fn.ROUND(operation(cast(duration, "DECIMAL(30,0)"), cast(number, DECIMAL))), "SIGNED")


class MariaDB(Dialect):
    """MariaDB, spoken to in UTC with binary collation, instants as text (see `drivers`)."""

    name = "mariadb"
    ddl_types = {
        "Edm.Boolean": "BOOLEAN", "Edm.Byte": "SMALLINT", "Edm.SByte": "SMALLINT", "Edm.Int16": "SMALLINT",
        "Edm.Int32": "INT", "Edm.Int64": "BIGINT", "Edm.Duration": "BIGINT", "Edm.Double": "DOUBLE", "Edm.Single": "DOUBLE",
        "Edm.Guid": f"CHAR(36) {ASCII}", "Edm.Binary": "LONGBLOB", "Edm.Date": "DATE"}
    expression_types = {
        **dict.fromkeys(types.INTEGERS | {"Edm.Duration"}, "SIGNED"), "Edm.Double": "DOUBLE", "Edm.Single": "DOUBLE",
        "Edm.Decimal": DECIMAL}
    reads = {"Edm.Boolean": forms.boolean, "Edm.DateTimeOffset": forms.strip_fraction, "Edm.TimeOfDay": forms.strip_fraction}
    writes = {"Edm.Double": finite_double, "Edm.Single": finite_double, "Edm.Decimal": bounded_decimal,
              "native Edm.DateTimeOffset": naive_instant, "native Edm.TimeOfDay": forms.native_instant,
              "json": forms.json_text}
    operators = {
        "integer add": plain("+"), "integer sub": plain("-"), "integer mul": plain("*"), "integer div": divided("DIV"),
        "integer mod": divided("%%"),
        "double add": plain("+"), "double sub": plain("-"), "double mul": plain("*"), "double div": divided("/"),
        "double divby": divided("/"), "double mod": divided("%%"), "double round": double_round, "double floor": fn.FLOOR,
        "double ceiling": fn.CEILING,
        "decimal add": plain("+"), "decimal sub": plain("-"), "decimal mul": plain("*"), "decimal div": quotient,
        "decimal divby": quotient, "decimal mod": divided("%%"), "decimal round": fn.ROUND, "decimal floor": fn.FLOOR,
        "decimal ceiling": fn.CEILING, "decimal scale": lambda node, scale: fn.ROUND(node, pw.SQL(str(scale))),
        "instant add duration": instant_add, "instant sub instant": instant_difference, "date add duration": date_add,
        "date sub date": date_difference, "duration mul": duration_scaled("*"), "duration div": duration_scaled("/")}
    json_kinds = {"string": ("STRING",), "number": ("INTEGER", "DOUBLE", "DECIMAL"), "boolean": ("BOOLEAN",)}

    def own_functions(self) -> dict[str, Function]:
        return {name: missing(f"Function {name} on MariaDB") for name in ("geo.distance", "geo.length", "geo.intersects")}

    def ddl_type(self, column: Column) -> str:
        match column.type:
            case "Edm.DateTimeOffset" | "Edm.TimeOfDay" if self.native(column):
                return f"{'DATETIME' if column.type == 'Edm.DateTimeOffset' else 'TIME'}({column.precision})"
            case "Edm.DateTimeOffset" | "Edm.TimeOfDay":
                return f"VARCHAR(40) {ASCII}"
            case "Edm.Decimal":
                return self.decimal_type(column)
            case "Edm.String":
                length = column.max_length
                if length is not None and length <= VARCHAR_LIMIT:
                    return f"VARCHAR({length}) {ORDINAL}"
                return f"{'TEXT' if length is not None and length <= 16_000 else 'LONGTEXT'} {ORDINAL}"
            case "json":
                return f"LONGTEXT {ORDINAL} CHECK (json_valid(`{column.name.replace('`', '``')}`))"
        return self.ddl_types[column.type]

    def decimal_type(self, column: Column) -> str:
        """DECIMAL with the facets of the column where they fit, else as wide as there is."""
        if isinstance(column.scale, int) and column.scale <= DECIMAL_SCALE:
            return f"DECIMAL({min(column.precision or DECIMAL_DIGITS, DECIMAL_DIGITS)},{column.scale})"
        return DECIMAL

    def native_reader(self, column: Column) -> Convert | None:
        if column.type == "Edm.TimeOfDay":
            return None
        return lambda value: None if value is None else f"{value[:10]}T{value[11:]}Z"

    def native_value(self, node: Any, column: Column) -> Any:
        if column.type == "Edm.TimeOfDay":
            return fn.TIME_FORMAT(node, pw.Value("%H:%i:%s.%f0"))
        return fn.DATE_FORMAT(node, pw.Value("%Y-%m-%dT%H:%i:%s.%f0Z"))

    def value(self, node: Any, column: Column) -> Any:
        if column.type == "Edm.Date":
            return fn.DATE_FORMAT(node, pw.Value("%Y-%m-%d"))
        return super().value(node, column)

    def join_text(self, *parts: Any) -> Any:
        return fn.CONCAT(*parts)

    def same(self, left: Any, right: Any, edm_type: str = "") -> Any:
        return infix(left, "<=>", right)

    def is_number(self, node: Any) -> Any:
        return infix(node, "=", node)       # there is no NaN

    def has(self, left: Any, right: Any) -> Any:
        return infix(cast(infix(left, "&", right), "SIGNED"), "=", right)       # `&` gives unsigned numbers

    # --- lists -------------------------------------------------------------------------------------------

    def list_writer(self, edm_type: str, column: Column | None = None) -> Convert:
        write = super().list_writer(edm_type, column)
        if (column.type if column is not None else edm_type) != "Edm.Decimal":
            return write
        return lambda values: json.dumps([types.write_decimal(value) for value in values])

    def rows_writer(self, columns: Sequence[Column]) -> Convert:
        write = super().rows_writer(columns)
        return lambda rows: write([[types.write_decimal(value) if isinstance(value, Decimal) else value for value in row]
                                   for row in rows])

    def list_type(self, edm_type: str, column: Column | None) -> str:
        """The type of a value in a list parameter."""
        kind = column.type if column is not None else edm_type
        if kind in types.INTEGERS or kind == "Edm.Duration" or not kind.startswith("Edm."):
            return "BIGINT"
        if kind in ("Edm.Decimal", "Edm.Double", "Edm.Single", "Edm.Boolean"):
            return {"Edm.Decimal": DECIMAL, "Edm.Boolean": "BOOLEAN"}.get(kind, "DOUBLE")
        if column is not None and (kind != "Edm.String" or column.max_length is not None and column.max_length <= VARCHAR_LIMIT):
            return self.ddl_type(column)
        return f"LONGTEXT {ORDINAL}"

    def in_list(self, node: Any, mark: Any, edm_type: str, column: Column | None = None) -> Any:
        table = words("(SELECT j.v FROM JSON_TABLE(", mark, ", '$[*]' COLUMNS(v", self.list_type(edm_type, column),
                      "PATH '$')) AS j)")
        return infix(node, "IN", table)

    def rows_source(self, mark: Any, columns: Sequence[Column], alias: str) -> ListSource:
        parts = [words(f"v{index} {self.list_type(column.edm, column)} PATH '$[{index}]'") for index, column in enumerate(columns)]
        table = words("JSON_TABLE(", mark, ", '$[*]' COLUMNS", pw.NodeList(parts, ", ", True), ") AS", pw.Entity(alias))
        return ListSource(table, tuple(pw.Entity(alias, f"v{index}") for index in range(len(columns))))

    # --- text --------------------------------------------------------------------------------------------

    def length(self, node: Any) -> Any:
        return fn.CHAR_LENGTH(node)

    def position(self, whole: Any, part: Any) -> Any:
        return fn.LOCATE(part, whole)

    def ends(self, whole: Any, part: Any) -> Any:
        return infix(fn.RIGHT(whole, fn.CHAR_LENGTH(part)), "=", part)

    def matches(self, node: Any, pattern: str) -> Any:
        return infix(node, "REGEXP", pw.Value(pattern))

    def lower(self, node: Any) -> Any:
        return enclosed(fn.LOWER(enclosed(node, CASING)), "COLLATE utf8mb4_nopad_bin")

    def upper(self, node: Any) -> Any:
        return enclosed(fn.UPPER(enclosed(node, CASING)), "COLLATE utf8mb4_nopad_bin")

    def trim(self, node: Any) -> Any:
        return fn.REGEXP_REPLACE(node, pw.Value(f"^[{casing.WHITE_SPACE}]+|[{casing.WHITE_SPACE}]+\\z"), text(""))

    # --- numbers and casts -------------------------------------------------------------------------------

    def seconds(self, node: Any) -> Any:
        return infix(node, "*", pw.SQL("0.0000001"))

    def decimal_of_text(self, node: Any) -> Any:
        return cast(node, DECIMAL)

    def to_text(self, node: Any, source: str) -> Any:
        match source:
            case "Edm.Boolean":
                return enclosed("CASE", node, "WHEN 1 THEN 'true' WHEN 0 THEN 'false' END")
            case "Edm.Decimal":
                shown = cast(node, "CHAR")
                return when(infix(fn.LOCATE(text("."), shown), ">", ZERO), fn.REGEXP_REPLACE(shown, text("[.]?0*$"), text("")), shown)
            case "Edm.DateTimeOffset":
                return fn.REGEXP_REPLACE(node, text("[.]?0*Z$"), text("Z"))
            case "Edm.TimeOfDay":
                return fn.REGEXP_REPLACE(node, text("[.]?0*$"), text(""))
            case "Edm.Duration" | "Edm.Binary":
                missing(f"cast of {source} to Edm.String on MariaDB")()
        return cast(node, "CHAR")

    def parsed(self, node: Any, target: str) -> Any:
        return PARSERS[target](node) if target in PARSERS else missing(f"cast of Edm.String to {target} on MariaDB")()

    def rounded_integer(self, node: Any, source: str, low: int, high: int) -> Any:
        found = fn.ROUND(node) if source == "Edm.Decimal" else double_round(node)
        top = pw.SQL(str(high + 1) if source == "Edm.Decimal" else f"{high + 1}e0")
        return when(all_of(infix(found, ">=", pw.SQL(str(low))), infix(found, "<", top)), cast(found, "SIGNED"))

    def decimal_of_double(self, node: Any) -> Any:
        return cast(node, DECIMAL)

    def single(self, node: Any) -> Any:
        small = infix(fn.ABS(node), "<=", pw.SQL("3.4028234663852886e38"))
        nearest = cast(node, "FLOAT")
        short = cast(nearest, "CHAR")       # six digits, where they are enough
        return when(small, when(infix(cast(short, "FLOAT"), "=", nearest), cast(short, "DOUBLE"), cast(nearest, "DOUBLE")))

    # --- JSON --------------------------------------------------------------------------------------------

    def _path(self, steps: Sequence[str], tail: str = "") -> Any:
        return text("$" + "".join(f'."{step}"' for step in steps) + tail)

    def json_text(self, node: Any, steps: Sequence[str]) -> Any:
        found = fn.JSON_EXTRACT(node, self._path(steps))
        return when(infix(fn.JSON_TYPE(found), "<>", text("NULL")), fn.JSON_UNQUOTE(found))

    def json_kind(self, node: Any, steps: Sequence[str]) -> Any:
        return fn.JSON_TYPE(fn.JSON_EXTRACT(node, self._path(steps)))

    def json_boolean(self, found: Any) -> Any:
        return enclosed("CASE", found, "WHEN 'true' THEN 1 WHEN '1' THEN 1 WHEN 'false' THEN 0 WHEN '0' THEN 0 END")

    def json_double(self, found: Any) -> Any:
        return cast(found, "DOUBLE")

    def json_items(self, node: Any, steps: Sequence[str], alias: str) -> JsonItems:
        source = words("JSON_TABLE(", node, ",", self._path(steps, "[*]"), "COLUMNS(position FOR ORDINALITY, value JSON PATH '$')) AS",
                       pw.Entity(alias))
        return JsonItems(source, pw.Entity(alias, "value"), infix(pw.Entity(alias, "position"), "-", ONE))

    def json_item(self, value: Any, edm_type: str) -> Any:
        return self.json_value(value, edm_type)

    def json_length(self, node: Any, steps: Sequence[str]) -> Any:
        found = fn.JSON_EXTRACT(node, self._path(steps))
        return when(infix(fn.JSON_TYPE(found), "=", text("ARRAY")), fn.JSON_LENGTH(found))

    # --- aggregates --------------------------------------------------------------------------------------

    def total(self, node: Any, result: str) -> Any:
        return cast(fn.SUM(node), "SIGNED") if result in types.INTEGERS else fn.SUM(node)

    def average(self, node: Any, result: str) -> Any:
        return fn.ROUND(fn.AVG(node), SCALE) if result == "Edm.Decimal" else fn.AVG(node)


# --- text as values of other types -----------------------------------------------------------------------

TIME = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,12})?)?"
DATE = "(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
DURATION = "[+-]?P([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+([.][0-9]+)?S)?)?"
OFFSET = "[+-]([01][0-9]|2[0-3]):[0-5][0-9]"
UNITS = (("[0-9]+(?=D)", 864_000_000_000), ("[0-9]+(?=H)", 36_000_000_000), ("[0-9]+(?=M)", 600_000_000),
         ("[0-9]+(?=([.][0-9]+)?S)", 10_000_000))


def like(node: Any, pattern: str) -> Any:
    """Whether the whole text matches."""
    return infix(node, "REGEXP", pw.Value(f"^({pattern})\\z"))


def parsed_integer(low: int, high: int) -> Any:
    def parse(node: Any) -> Any:
        number = cast(node, "DECIMAL(65,0)")
        fits = all_of(infix(number, ">=", pw.SQL(str(low))), infix(number, "<=", pw.SQL(str(high))))
        return when(like(node, "[+-]?[0-9]{1,40}"), when(fits, cast(number, "SIGNED")))
    return parse


def parsed_number(kind: str) -> Any:
    return lambda node: when(like(node, "[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,3})?"), cast(node, kind))


def fraction(node: Any) -> Any:
    """The seven fraction digits of the seconds in a text."""
    digits = fn.SUBSTR(fn.REGEXP_SUBSTR(node, text("[.][0-9]+")), pw.SQL("2"))
    return fn.RPAD(digits, pw.SQL("7"), text("0"))


def parsed_time(node: Any) -> Any:
    whole = fn.RPAD(fn.REGEXP_REPLACE(node, text("[.].*"), text("")), pw.SQL("8"), text(":00"))
    return when(like(node, TIME), fn.CONCAT(whole, text("."), fraction(node)))


def parsed_date(node: Any) -> Any:
    return when(like(node, DATE), when(infix(cast(node, "DATE"), "IS NOT", NULL), node))


def parsed_instant(node: Any) -> Any:
    local = fn.RPAD(fn.REGEXP_REPLACE(fn.SUBSTR(node, pw.SQL("12")), text("([.]|[Zz+-]).*"), text("")), pw.SQL("8"), text(":00"))
    moment = cast(fn.CONCAT(substr(node, 1, 10), text(" "), local), "DATETIME")
    offset = fn.REGEXP_SUBSTR(node, text(OFFSET + "$"))
    minutes = infix(infix(cast(substr(offset, 2, 2), "SIGNED"), "*", pw.SQL("60")), "+", cast(substr(offset, 5, 2), "SIGNED"))
    shift = enclosed("CASE", fn.LEFT(offset, ONE), "WHEN '+' THEN", infix(ZERO, "-", minutes), "WHEN '-' THEN", minutes, "ELSE 0 END")
    moved = fn.DATE_FORMAT(fn.DATE_ADD(moment, words("INTERVAL", shift, "MINUTE")), pw.Value("%Y-%m-%dT%H:%i:%s."))
    return when(like(node, f"{DATE}[Tt]{TIME}([Zz]|{OFFSET})?"), when(infix(fn.LEFT(moved, pw.SQL("4")), "<>", text("0000")), fn.CONCAT(
        moved, fraction(node), text("Z"))))


def parsed_duration(node: Any) -> Any:
    upper = fn.UPPER(node)
    units = [infix(cast(fn.CONCAT(text("0"), fn.REGEXP_SUBSTR(upper if at == 0 else fn.REGEXP_REPLACE(upper, text("^.*T"), text("")),
                                                              text(pattern))), "SIGNED"), "*", pw.SQL(str(ticks)))
             for at, (pattern, ticks) in enumerate(UNITS)]
    total = pw.NodeList((*units, cast(fraction(node), "SIGNED")), " + ", True)
    negative = infix(fn.LEFT(node, ONE), "=", text("-"))
    return when(all_of(like(upper, DURATION), infix(upper, "REGEXP", text("[0-9][DHMS]$"))), infix(
        enclosed("CASE WHEN", negative, "THEN -1 ELSE 1 END"), "*", total))


PARSERS = {
    **{name: parsed_integer(*bounds) for name, bounds in types.INTEGER_RANGES.items()},
    "Edm.Decimal": parsed_number(DECIMAL), "Edm.Double": parsed_number("DOUBLE"), "Edm.Single": parsed_number("DOUBLE"),
    "Edm.Boolean": lambda node: enclosed("CASE", fn.LOWER(node), "WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"),
    "Edm.Guid": lambda node: when(like(node, "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"), fn.LOWER(node)),
    "Edm.Date": parsed_date, "Edm.TimeOfDay": parsed_time, "Edm.DateTimeOffset": parsed_instant,
    "Edm.Duration": parsed_duration}

"""MariaDB 10.11 and later: types and functions. NaN and infinities cannot be stored there."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import peewee as pw
from peewee import fn

from app.edm import types
from app.errors import BodyError
from app.store import casing, forms, geo_sql
from app.store.clauses import (NULL, ONE, ZERO, JsonItems, ListSource, Node, Operation, all_of, enclosed, infix,
                               missing, substr, text, when, words)
from app.store.decimals import QUOTIENT_SCALE
from app.store.dialects import Convert, Dialect, Function, out_of_range, stored_type
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


def whole_decimal(value: Any) -> Any:
    """A decimal also where MariaDB computed an integer."""
    return Decimal(value) if isinstance(value, int) else value


def whole_integer(value: Any) -> Any:
    """An integer also where MariaDB computed a decimal, as it does for what it negates. Raises BindError beyond 64 bits."""
    if not isinstance(value, Decimal):
        return value
    number = int(value)
    if not -2**63 <= number < 2**63:
        raise out_of_range()
    return number


def naive_instant(value: str | None) -> str | None:
    """An instant for a DATETIME column: without zone, at most six fraction digits."""
    found = forms.native_instant(value)
    return None if found is None else found.removesuffix("Z")


CASING = "COLLATE utf8mb4_uca1400_as_cs"            # knows the letters of Unicode 14; MariaDB 10.10 and later
DAY = pw.SQL("864000000000")
SCALE = pw.SQL(str(QUOTIENT_SCALE))
DECIMAL = f"DECIMAL({DECIMAL_DIGITS},{DECIMAL_SCALE})"
FAILURE = pw.SQL("(SELECT 1 UNION SELECT 2)")       # an error where a row gets there, and nowhere else


def cast(node: Node, kind: str) -> Node:
    return pw.Cast(node, kind)


def ordinal(node: Node) -> Node:
    """Text in ordinal collation, without padding."""
    return enclosed(node, "COLLATE utf8mb4_nopad_bin")


# --- numbers ---------------------------------------------------------------------------------------------

def plain(operator: str) -> Operation:
    return lambda left, right: infix(left, operator, right)


def integer_difference(left: Node, right: Node) -> Node:
    """Zero minus the least integer would be that again, without an error."""
    return when(infix(left, "=", ZERO), enclosed("-", right), infix(left, "-", right))


def divided(operator: str) -> Operation:
    """A division, failing where the divisor is zero: by itself it would give null."""
    return lambda left, right: when(infix(right, "=", ZERO), when(infix(left, "IS NOT", NULL), FAILURE),
                                    infix(left, operator, right))


def quotient(left: Node, right: Node) -> Node:
    """Twenty fraction digits."""
    return fn.ROUND(divided("/")(left, right), SCALE)


def unclipped(node: Node) -> Node:
    """A whole double: without this a table that is sorted would cut it to 17 digits. Also turns -0 into 0."""
    return infix(node, "+", pw.SQL("0e0"))


def double_round(node: Node) -> Node:
    """Halves away from zero."""
    size = fn.ABS(node)
    cut = fn.TRUNCATE(size, ZERO)
    up = infix(infix(size, "-", cut), ">=", pw.SQL("0.5"))
    return unclipped(infix(fn.SIGN(node), "*", infix(cut, "+", up)))


# --- instants --------------------------------------------------------------------------------------------

def moment(node: Node) -> Node:
    """An instant in expression form as a DATETIME of microseconds."""
    return cast(substr(node, 1, 26), "DATETIME(6)")


def seventh(node: Node) -> Node:
    """The digit that a DATETIME does not hold."""
    return cast(substr(node, 27, 1), "SIGNED")


def within_years(found: Node, *arguments: Node) -> Node:
    """The text of an instant or date; where it is null or of the year 0 although no argument is null, an error."""
    wrong = infix(infix(found, "IS", NULL), "OR", infix(fn.LEFT(found, pw.SQL("4")), "=", text("0000")))
    present = all_of(*(infix(each, "IS NOT", NULL) for each in arguments))
    too_large = infix("9223372036854775807", "+", fn.CHAR_LENGTH(arguments[0]))
    return when(all_of(wrong, present), too_large, found)


def instant_add(left: Node, right: Node) -> Node:
    count = infix(right, "+", seventh(left))
    whole = fn.FLOOR(infix(count, "/", pw.SQL("10")))
    rest = cast(infix(count, "-", infix(whole, "*", pw.SQL("10"))), "SIGNED")
    moved = fn.DATE_ADD(moment(left), words("INTERVAL", whole, "MICROSECOND"))
    shown = fn.DATE_FORMAT(moved, pw.Value("%Y-%m-%dT%H:%i:%s.%f"))
    return within_years(fn.CONCAT(shown, rest, text("Z")), left, right)


def instant_difference(left: Node, right: Node) -> Node:
    apart = fn.TIMESTAMPDIFF(pw.SQL("MICROSECOND"), moment(right), moment(left))
    return infix(infix(apart, "*", pw.SQL("10")), "+", infix(seventh(left), "-", seventh(right)))


def date_add(left: Node, right: Node) -> Node:
    moved = fn.DATE_ADD(cast(left, "DATE"), words("INTERVAL", fn.FLOOR(infix(right, "/", DAY)), "DAY"))
    return within_years(fn.DATE_FORMAT(moved, pw.Value("%Y-%m-%d")), left, right)


def date_difference(left: Node, right: Node) -> Node:
    return infix(fn.DATEDIFF(left, right), "*", DAY)


def duration_scaled(operator: str) -> Operation:
    operation = divided("/") if operator == "/" else plain(operator)

    def scaled(duration: Node, number: Node) -> Node:
        found = fn.ROUND(operation(cast(duration, "DECIMAL(30,0)"), cast(number, DECIMAL)))
        too_large = infix("9223372036854775807", "+", fn.ABS(fn.SIGN(found)))       # a cast would cut it without a word
        return when(infix(fn.ABS(found), ">", "9223372036854775807"), too_large, cast(found, "SIGNED"))
    return scaled


class MariaDB(Dialect):
    """MariaDB, spoken to in UTC with binary collation, instants as text (see `drivers`)."""

    name = "mariadb"
    ddl_types = {
        "Edm.Boolean": "BOOLEAN", "Edm.Byte": "SMALLINT", "Edm.SByte": "SMALLINT", "Edm.Int16": "SMALLINT",
        "Edm.Int32": "INT", "Edm.Int64": "BIGINT", "Edm.Duration": "BIGINT", "Edm.Double": "DOUBLE",
        "Edm.Single": "DOUBLE",
        "Edm.Guid": f"CHAR(36) {ASCII}", "Edm.Binary": "LONGBLOB", "Edm.Date": "DATE"}
    expression_types = {
        **dict.fromkeys(types.INTEGERS | {"Edm.Duration"}, "SIGNED"), "Edm.Double": "DOUBLE", "Edm.Single": "DOUBLE",
        "Edm.Decimal": DECIMAL}
    reads = {"Edm.Boolean": forms.boolean, "Edm.DateTimeOffset": forms.strip_fraction,
             "Edm.TimeOfDay": forms.strip_fraction}
    writes = {"Edm.Double": finite_double, "Edm.Single": finite_double, "Edm.Decimal": bounded_decimal,
              "native Edm.DateTimeOffset": naive_instant, "native Edm.TimeOfDay": forms.native_instant,
              "json": forms.json_text}
    operators = {
        "integer add": plain("+"), "integer sub": integer_difference, "integer mul": plain("*"), "integer div": divided("DIV"),
        "integer mod": divided("%%"),
        "double add": plain("+"), "double sub": plain("-"), "double mul": plain("*"), "double div": divided("/"),
        "double divby": divided("/"), "double mod": divided("%%"), "double round": double_round,
        "double floor": lambda node: unclipped(fn.FLOOR(node)), "double ceiling": lambda node: unclipped(fn.CEILING(node)),
        "decimal add": plain("+"), "decimal sub": plain("-"), "decimal mul": plain("*"), "decimal div": quotient,
        "decimal divby": quotient, "decimal mod": divided("%%"), "decimal round": fn.ROUND, "decimal floor": fn.FLOOR,
        "decimal ceiling": fn.CEILING, "decimal scale": lambda node, scale: fn.ROUND(node, pw.SQL(str(scale))),
        "instant add duration": instant_add, "instant sub instant": instant_difference, "date add duration": date_add,
        "date sub date": date_difference, "duration mul": duration_scaled("*"), "duration div": duration_scaled("/")}
    json_kinds = {"string": ("STRING",), "number": ("INTEGER", "DOUBLE", "DECIMAL"), "boolean": ("BOOLEAN",)}

    def own_functions(self) -> dict[str, Function]:
        def number(node: Node, steps: Sequence[str | int]) -> Node:
            path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
            return cast(fn.JSON_EXTRACT(node, text(f"${path}")), "DOUBLE")

        def rows(node: Node, steps: Sequence[str], alias: str) -> tuple[Node, Node, Node]:
            found = self.json_items(node, steps, alias)
            return found.table, found.value, found.ordinal
        return geo_sql.functions(number, rows)

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

    def expression_reader(self, edm_type: str) -> Convert | None:
        if stored_type(edm_type, None) in types.INTEGERS | {"Edm.Duration"}:
            return whole_integer
        return whole_decimal if edm_type == "Edm.Decimal" else super().expression_reader(edm_type)

    def native_reader(self, column: Column) -> Convert | None:
        if column.type == "Edm.TimeOfDay":
            return None
        return lambda value: None if value is None else f"{value[:10]}T{value[11:]}Z"

    def native_value(self, node: Node, column: Column) -> Node:
        if column.type == "Edm.TimeOfDay":
            return fn.TIME_FORMAT(node, pw.Value("%H:%i:%s.%f0"))
        return fn.DATE_FORMAT(node, pw.Value("%Y-%m-%dT%H:%i:%s.%f0Z"))

    def value(self, node: Node, column: Column) -> Node:
        if column.type == "Edm.Date":
            return fn.DATE_FORMAT(node, pw.Value("%Y-%m-%d"))
        found = super().value(node, column)
        if column.type in ("Edm.Guid", "Edm.DateTimeOffset", "Edm.TimeOfDay") and not self.native(column):
            return ordinal(fn.CONVERT(words(found, "USING utf8mb4")))       # kept in ASCII
        return found

    def join_text(self, *parts: Node) -> Node:
        return fn.CONCAT(*parts)

    def same(self, left: Node, right: Node, edm_type: str = "") -> Node:
        return infix(left, "<=>", right)

    def is_number(self, node: Node, edm_type: str) -> Node:
        return infix(node, "=", node)       # there is no NaN

    def has(self, left: Node, right: Node) -> Node:
        return infix(cast(infix(left, "&", right), "SIGNED"), "=", right)       # `&` gives unsigned numbers

    # --- lists -------------------------------------------------------------------------------------------

    def list_writer(self, edm_type: str, column: Column | None = None) -> Convert:
        write = super().list_writer(edm_type, column)
        if (column.type if column is not None else edm_type) != "Edm.Decimal":
            return write
        return lambda values: json.dumps([types.write_decimal(value) for value in values])

    def rows_writer(self, columns: Sequence[Column]) -> Convert:
        writers = [self.writer(column.edm, column) for column in columns]

        def write(rows: Sequence[Sequence[Any]]) -> str:
            written = [[value if each is None else each(value) for each, value in zip(writers, row)] for row in rows]
            return json.dumps(written, ensure_ascii=False, default=types.write_decimal)
        return write

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

    def in_list(self, node: Node, mark: Node, edm_type: str, column: Column | None = None) -> Node:
        table = words("(SELECT j.v FROM JSON_TABLE(", mark, ", '$[*]' COLUMNS(v", self.list_type(edm_type, column),
                      "PATH '$')) AS j)")
        return infix(node, "IN", table)

    def rows_source(self, mark: Node, columns: Sequence[Column], alias: str) -> ListSource:
        parts = [words(f"v{index} {self.list_type(column.edm, column)} PATH '$[{index}]'")
                 for index, column in enumerate(columns)]
        table = words("JSON_TABLE(", mark, ", '$[*]' COLUMNS", pw.NodeList(parts, ", ", True), ") AS", pw.Entity(alias))
        return ListSource(table, tuple(pw.Entity(alias, f"v{index}") for index in range(len(columns))))

    # --- text --------------------------------------------------------------------------------------------

    def length(self, node: Node) -> Node:
        return fn.CHAR_LENGTH(node)

    def position(self, whole: Node, part: Node) -> Node:
        return fn.LOCATE(part, whole)

    def ends(self, whole: Node, part: Node) -> Node:
        return infix(fn.RIGHT(whole, fn.CHAR_LENGTH(part)), "=", part)

    def matches(self, node: Node, pattern: str) -> Node:
        return infix(node, "REGEXP", pw.Value(pattern))

    def hexadecimal(self, node: Node) -> Node:
        return ordinal(fn.CONVERT(words(fn.LOWER(fn.HEX(node)), "USING utf8mb4")))

    def lower(self, node: Node) -> Node:
        return ordinal(fn.LOWER(enclosed(node, CASING)))

    def upper(self, node: Node) -> Node:
        return ordinal(fn.UPPER(enclosed(node, CASING)))

    def trim(self, node: Node) -> Node:
        return fn.REGEXP_REPLACE(node, pw.Value(f"^[{casing.WHITE_SPACE}]+|[{casing.WHITE_SPACE}]+\\z"), text(""))

    # --- numbers and casts -------------------------------------------------------------------------------

    def seconds(self, node: Node) -> Node:
        return infix(node, "*", pw.SQL("0.0000001"))

    def decimal_of_text(self, node: Node) -> Node:
        return cast(node, DECIMAL)

    def to_text(self, node: Node, source: str) -> Node:
        match source:
            case "Edm.Boolean":
                return enclosed("CASE", node, "WHEN 1 THEN 'true' WHEN 0 THEN 'false' END")
            case "Edm.Decimal":
                shown = cast(node, "CHAR")
                return when(infix(fn.LOCATE(text("."), shown), ">", ZERO),
                            fn.REGEXP_REPLACE(shown, text("[.]?0*$"), text("")), shown)
            case "Edm.DateTimeOffset":
                return fn.REGEXP_REPLACE(node, text("[.]?0*Z$"), text("Z"))
            case "Edm.TimeOfDay":
                return fn.REGEXP_REPLACE(node, text("[.]?0*$"), text(""))
            case "Edm.Duration":
                return self.duration_text(node)
            case "Edm.Binary":
                short = fn.REPLACE(fn.REPLACE(fn.TO_BASE64(node), text("+"), text("-")), text("/"), text("_"))
                return ordinal(fn.CONVERT(words(fn.REPLACE(short, pw.SQL("CHAR(10)"), text("")), "USING utf8mb4")))
        return cast(node, "CHAR")

    def parsed(self, node: Node, target: str) -> Node:
        return PARSERS[target](node) if target in PARSERS else missing(f"cast of Edm.String to {target} on MariaDB")()

    def rounded_integer(self, node: Node, source: str, low: int, high: int) -> Node:
        found = fn.ROUND(node) if source == "Edm.Decimal" else double_round(node)
        top = pw.SQL(str(high + 1) if source == "Edm.Decimal" else f"{high + 1}e0")
        return when(all_of(infix(found, ">=", pw.SQL(str(low))), infix(found, "<", top)), cast(found, "SIGNED"))

    def decimal_of_double(self, node: Node) -> Node:
        return cast(node, DECIMAL)

    def single(self, node: Node) -> Node:
        small = infix(fn.ABS(node), "<=", pw.SQL("3.4028234663852886e38"))
        nearest = cast(node, "FLOAT")
        short = cast(nearest, "CHAR")       # six digits, where they are enough
        return when(small,
                    when(infix(cast(short, "FLOAT"), "=", nearest), cast(short, "DOUBLE"), cast(nearest, "DOUBLE")))

    # --- JSON --------------------------------------------------------------------------------------------

    def _path(self, steps: Sequence[str], tail: str = "") -> Node:
        return text("$" + "".join(f'."{step}"' for step in steps) + tail)

    def json_text(self, node: Node, steps: Sequence[str]) -> Node:
        found = fn.JSON_EXTRACT(node, self._path(steps))
        return when(infix(fn.JSON_TYPE(found), "<>", text("NULL")), ordinal(fn.JSON_UNQUOTE(found)))

    def json_part(self, node: Node, steps: Sequence[str]) -> Node:
        return fn.JSON_EXTRACT(node, self._path(steps))

    def json_kind(self, node: Node, steps: Sequence[str]) -> Node:
        return fn.JSON_TYPE(fn.JSON_EXTRACT(node, self._path(steps)))

    def json_boolean(self, found: Node) -> Node:
        return enclosed("CASE", found, "WHEN 'true' THEN 1 WHEN '1' THEN 1 WHEN 'false' THEN 0 WHEN '0' THEN 0 END")

    def json_double(self, found: Node) -> Node:
        return cast(found, "DOUBLE")

    def json_items(self, node: Node, steps: Sequence[str], alias: str) -> JsonItems:
        source = words("JSON_TABLE(", node, ",", self._path(steps, "[*]"),
                       "COLUMNS(position FOR ORDINALITY, value JSON PATH '$')) AS",
                       pw.Entity(alias))
        return JsonItems(source, pw.Entity(alias, "value"), infix(pw.Entity(alias, "position"), "-", ONE))

    def json_item(self, value: Node, edm_type: str) -> Node:
        return self.json_get(value, (), edm_type)

    def json_length(self, node: Node, steps: Sequence[str]) -> Node:
        found = fn.JSON_EXTRACT(node, self._path(steps))
        return when(infix(fn.JSON_TYPE(found), "=", text("ARRAY")), fn.JSON_LENGTH(found))

    # --- aggregates --------------------------------------------------------------------------------------

    def total(self, node: Node, result: str) -> Node:
        return cast(fn.SUM(node), "SIGNED") if result in types.INTEGERS else fn.SUM(node)

    def average(self, node: Node, result: str) -> Node:
        return fn.ROUND(fn.AVG(node), SCALE) if result == "Edm.Decimal" else fn.AVG(node)


# --- text as values of other types -----------------------------------------------------------------------

TIME = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,12})?)?"
DATE = "(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
DURATION = "[+-]?P([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+([.][0-9]+)?S)?)?"
OFFSET = "[+-]([01][0-9]|2[0-3]):[0-5][0-9]"
UNITS = (("[0-9]+(?=D)", 864_000_000_000), ("[0-9]+(?=H)", 36_000_000_000), ("[0-9]+(?=M)", 600_000_000),
         ("[0-9]+(?=([.][0-9]+)?S)", 10_000_000))


def like(node: Node, pattern: str) -> Node:
    """Whether the whole text matches."""
    return infix(node, "REGEXP", pw.Value(f"^({pattern})\\z"))


def parsed_integer(low: int, high: int) -> Operation:
    def parse(node: Node) -> Node:
        number = cast(node, "DECIMAL(65,0)")
        fits = all_of(infix(number, ">=", pw.SQL(str(low))), infix(number, "<=", pw.SQL(str(high))))
        return when(like(node, "[+-]?[0-9]{1,40}"), when(fits, cast(number, "SIGNED")))
    return parse


def parsed_number(kind: str) -> Operation:
    return lambda node: when(like(node, "[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,3})?"), cast(node, kind))


def fraction(node: Node) -> Node:
    """The seven fraction digits of the seconds in a text."""
    digits = fn.SUBSTR(fn.REGEXP_SUBSTR(node, text("[.][0-9]+")), pw.SQL("2"))
    return fn.RPAD(digits, pw.SQL("7"), text("0"))


def parsed_time(node: Node) -> Node:
    whole = fn.RPAD(fn.REGEXP_REPLACE(node, text("[.].*"), text("")), pw.SQL("8"), text(":00"))
    return when(like(node, TIME), fn.CONCAT(whole, text("."), fraction(node)))


def parsed_date(node: Node) -> Node:
    return when(like(node, DATE), when(infix(cast(node, "DATE"), "IS NOT", NULL), node))


def parsed_instant(node: Node) -> Node:
    clock = fn.REGEXP_REPLACE(fn.SUBSTR(node, pw.SQL("12")), text("([.]|[Zz+-]).*"), text(""))
    moment = cast(fn.CONCAT(substr(node, 1, 10), text(" "), fn.RPAD(clock, pw.SQL("8"), text(":00"))), "DATETIME")
    offset = fn.REGEXP_SUBSTR(node, text(OFFSET + "$"))
    hours, rest = cast(substr(offset, 2, 2), "SIGNED"), cast(substr(offset, 5, 2), "SIGNED")
    minutes = infix(infix(hours, "*", pw.SQL("60")), "+", rest)
    shift = enclosed("CASE", fn.LEFT(offset, ONE), "WHEN '+' THEN", infix(ZERO, "-", minutes), "WHEN '-' THEN", minutes,
                     "ELSE 0 END")
    moved = fn.DATE_FORMAT(fn.DATE_ADD(moment, words("INTERVAL", shift, "MINUTE")), pw.Value("%Y-%m-%dT%H:%i:%s."))
    whole = when(infix(fn.LEFT(moved, pw.SQL("4")), "<>", text("0000")), fn.CONCAT(moved, fraction(node), text("Z")))
    return when(like(node, f"{DATE}[Tt]{TIME}([Zz]|{OFFSET})?"), whole)


def parsed_duration(node: Node) -> Node:
    upper = fn.UPPER(node)
    clock = fn.REGEXP_REPLACE(upper, text("^.*T"), text(""))
    units = []
    for pattern, ticks in UNITS:
        number = fn.REGEXP_SUBSTR(upper if "D" in pattern else clock, text(pattern))
        units.append(infix(cast(fn.CONCAT(text("0"), number), "SIGNED"), "*", pw.SQL(str(ticks))))
    total = pw.NodeList((*units, cast(fraction(node), "SIGNED")), " + ", True)
    negative = infix(fn.LEFT(node, ONE), "=", text("-"))
    shaped = all_of(like(upper, DURATION), infix(upper, "REGEXP", text("[0-9][DHMS]$")))
    return when(shaped, infix(enclosed("CASE WHEN", negative, "THEN -1 ELSE 1 END"), "*", total))


PARSERS: dict[str, Operation] = {
    **{name: parsed_integer(*bounds) for name, bounds in types.INTEGER_RANGES.items()},
    "Edm.Decimal": parsed_number(DECIMAL), "Edm.Double": parsed_number("DOUBLE"), "Edm.Single": parsed_number("DOUBLE"),
    "Edm.Boolean": lambda node: enclosed("CASE", fn.LOWER(node), "WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"),
    "Edm.Guid": lambda node: when(like(node, "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"), fn.LOWER(node)),
    "Edm.Date": parsed_date, "Edm.TimeOfDay": parsed_time, "Edm.DateTimeOffset": parsed_instant,
    "Edm.Duration": parsed_duration}

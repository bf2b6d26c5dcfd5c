"""Dialects: what differs between databases, as one table per database.

A value has two forms in SQL. Its **stored form** is what a column holds: `writer(type, column)`, `reader(column)`,
`select(node, column)` and `list_writer` speak it, and comparing a column with a literal in that form lets an index
work. Its **expression form** is the one form that every expression of an Edm type has, whatever column it came from:
functions take and give it. `value(node, column)` turns stored into expression form; `writer(type)` and
`expression_reader(type)` speak expression form.

Expression forms: Boolean, integers, enumerations, Duration (ticks of 100 ns, 64 bit) are native; Decimal is exact (on
SQLite the text of `decimals`); Double and Single are doubles (on SQLite NaN is the text 'NaN'); String, Guid, Binary
are native; Date is 'YYYY-MM-DD', DateTimeOffset 'YYYY-MM-DDTHH:MM:SS.fffffffZ', TimeOfDay 'HH:MM:SS.fffffff', text in
ordinal collation on every store. 'json' is text.

Functions of the tables take (arguments, their Edm types), all in expression form, and give a Peewee node in expression
form. A null argument gives null. Semantics: DESIGN §5, URL Conventions §5.1.1, the same rows on every store.
Readers and writers leave None alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import peewee as pw
from peewee import fn

from app.edm import types as edm_types
from app.edm.model import TypeRef
from app.errors import BindError
from app.store import forms, patterns
from app.store.clauses import (NULL, ONE, ZERO, ListSource, Node, Operation, all_of, constant, infix, substr, text,
                               when, whole_number, words)
from app.store.documents import Documents
from app.store.mapping import Column

Convert: TypeAlias = Callable[[Any], Any]
Function: TypeAlias = Callable[[Sequence[Node], Sequence[str]], Node]

NUMERIC = edm_types.NUMBERS
TEXT_LIMIT = 2147483646
FAR = pw.SQL(str(TEXT_LIMIT))   # behind the end of every text, and within the numbers that functions of text take
# where the parts of an instant (or date) and of a time of day stand in the expression form, and how long they are
PARTS = {"year": (1, 0, 4), "month": (6, 0, 2), "day": (9, 0, 2), "hour": (12, 1, 2), "minute": (15, 4, 2),
         "second": (18, 7, 2)}
COMPARISONS: Mapping[str, str] = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
FLOATS = frozenset({"Edm.Double", "Edm.Single"})
LIST = json.JSONEncoder(ensure_ascii=False)


class Dialect(Documents):
    """What one database writes; the subclasses are the tables. Has no state and needs no connection."""

    name: str = ""
    placeholder: str = "%s"
    native_instants: bool = True                    # columns of Precision up to 6 have the database's own type
    ddl_types: Mapping[str, str] = {}               # Column.type → type of a column
    expression_types: Mapping[str, str] = {}        # Edm type → SQL type of an expression
    lateral: bool = False                           # LATERAL joins
    operators: Mapping[str, Operation] = {}    # 'integer add' … 'instant sub instant', 'double round'
    reads: Mapping[str, Convert] = {}               # Edm type → reader of the expression form
    writes: Mapping[str, Convert] = {}              # Edm type → writer of the expression form

    def __init__(self) -> None:
        self.functions: dict[str, Function] = {**self.common_functions(), **self.own_functions()}

    def own_functions(self) -> dict[str, Function]:
        """The canonical functions of this database beside the common ones."""
        return {}

    # --- columns -----------------------------------------------------------------------------------------

    def native(self, column: Column) -> bool:
        """Whether an instant or time of day is kept in the database's own type (DESIGN §4)."""
        return self.native_instants and column.precision is not None and column.precision <= 6

    def ddl_type(self, column: Column) -> str:
        """The type of a column in DDL, collation and checks included."""
        raise NotImplementedError

    def writer(self, edm_type: str, column: Column | None = None) -> Convert | None:
        """Canonical value → what is bound: in the stored form of the column, else in expression form. None: as it is.

        Raises BodyError when this store cannot hold the value.
        """
        kind = stored_type(edm_type, column)
        if kind in ("Edm.DateTimeOffset", "Edm.TimeOfDay"):
            if column is not None and self.native(column):
                return self.writes.get("native " + kind, forms.native_instant)
            return forms.fixed(forms.digits(column))
        return self.writes.get(kind)

    def list_writer(self, edm_type: str, column: Column | None = None) -> Convert:
        """Canonical values (no null among them) → the one parameter of `in_list`."""
        write = self.writer(edm_type, column)
        if stored_type(edm_type, column) in FLOATS:         # JSON has no infinity, but numbers that are read as one
            each = write or _same
            return lambda values: LIST.encode([each(value) for value in values]).replace("Infinity", "9e999")
        if write is None:
            return LIST.encode
        return lambda values: LIST.encode([write(value) for value in values])

    def reader(self, column: Column) -> Convert | None:
        """Stored form → canonical value; None: it is canonical. Instants of a column with Precision come with all their
        digits, ready to be written."""
        if column.type in ("Edm.DateTimeOffset", "Edm.TimeOfDay"):
            if self.native(column):
                return self.native_reader(column)
            return None if column.precision is not None else forms.strip_fraction
        return self.reads.get(column.type)

    def native_reader(self, column: Column) -> Convert | None:
        """The reader of an instant or time of day in the database's own type."""
        return None

    def expression_reader(self, edm_type: str) -> Convert | None:
        """Expression form → canonical value; None: it is canonical."""
        return self.reads.get(stored_type(edm_type, None))

    def select(self, node: Node, column: Column) -> Node:
        """What to select to read a column: the node itself where the driver hands values over as `reader` wants
        them."""
        return node

    def value(self, node: Node, column: Column) -> Node:
        """A column in expression form."""
        if column.type in ("Edm.DateTimeOffset", "Edm.TimeOfDay"):
            if self.native(column):
                return self.native_value(node, column)
            return self.seven_digits(node, column)
        return node

    def native_value(self, node: Node, column: Column) -> Node:
        """An instant or time of day of the database's own type in expression form."""
        raise NotImplementedError

    def seven_digits(self, node: Node, column: Column) -> Node:
        """Instant text of `column.precision` digits as text of seven."""
        precision = column.precision
        if precision is None or precision == 7:
            return node
        zone = "Z" if column.type == "Edm.DateTimeOffset" else ""
        seconds = 19 if zone else 8
        if precision > 7:
            return self.join_text(fn.SUBSTR(node, pw.SQL("1"), pw.SQL(str(seconds + 8))), text(zone)) if zone else \
                fn.SUBSTR(node, pw.SQL("1"), pw.SQL(str(seconds + 8)))
        tail = ("." if precision == 0 else "") + "0" * (7 - precision) + zone
        kept = seconds + (precision + 1 if precision else 0)
        return self.join_text(fn.SUBSTR(node, pw.SQL("1"), pw.SQL(str(kept))), text(tail))

    def join_text(self, *parts: Node) -> Node:
        """Texts one after the other; null where one is null."""
        return pw.NodeList(parts, " || ", True)

    def literal_cast(self, edm_type: str) -> str | None:
        """The SQL type that a bare parameter of this Edm type (in expression form) is cast to; None: no cast needed."""
        return None

    def typed(self, node: Node, edm_type: str) -> Node:
        """A bare parameter in expression form, cast where the database would guess its type."""
        kind = self.literal_cast(edm_type)
        return node if kind is None else pw.Cast(node, kind)

    # --- order and comparison ----------------------------------------------------------------------------

    def ascending(self, node: Node) -> Node:
        """ASC with null first."""
        return pw.Ordering(node, "ASC")

    def descending(self, node: Node) -> Node:
        """DESC with null last."""
        return pw.Ordering(node, "DESC")

    def known(self, condition: Node) -> Node:
        """The condition with unknown turned to false."""
        return infix(condition, "IS", pw.SQL("TRUE"))

    def compare(self, operator: str, left: Node, right: Node, edm_type: str) -> Node:
        """`eq ne gt ge lt le` of two operands in one form: unknown where one is null, NaN equal to and above
        nothing."""
        plain = infix(left, COMPARISONS[operator], right)
        guard = self.not_nan(left, right) if edm_type in FLOATS else None
        if guard is None:
            return plain
        return infix(plain, "OR", pw.NodeList((pw.SQL("NOT"), guard), parens=True)) if operator == "ne" \
            else all_of(plain, guard)

    def same(self, left: Node, right: Node, edm_type: str = "") -> Node:
        """`eq` that is never unknown: null equals null and nothing else."""
        raise NotImplementedError

    def not_nan(self, left: Node, right: Node) -> Node | None:
        """A condition that holds where neither double is NaN; None where the database has no NaN."""
        return None

    def is_number(self, node: Node, edm_type: str) -> Node:
        """Whether a number is not NaN; unknown for null."""
        return infix(node, "=", node)

    def alike(self, first: Column, second: Column) -> bool:
        """Whether two columns keep values in the same stored form, so that they may be compared as they are."""
        instants = ("Edm.DateTimeOffset", "Edm.TimeOfDay")
        return first.type == second.type and (first.type not in instants or forms.digits(first) == forms.digits(second))

    # --- lists -------------------------------------------------------------------------------------------

    def in_list(self, node: Node, mark: Node, edm_type: str, column: Column | None = None) -> Node:
        """Whether `node` is among the values of a list parameter that `list_writer(edm_type, column)` wrote."""
        raise NotImplementedError

    def rows_writer(self, columns: Sequence[Column]) -> Convert:
        """Rows of canonical values → the one parameter of `rows_source`."""
        writers = [self.writer(column.edm, column) or _same for column in columns]
        return lambda rows: LIST.encode([[write(value) for write, value in zip(writers, row)] for row in rows])

    def rows_source(self, mark: Node, columns: Sequence[Column], alias: str) -> ListSource:
        """The rows of a list parameter as a table, its columns in stored form."""
        raise NotImplementedError

    # --- operators ---------------------------------------------------------------------------------------

    def arithmetic(self, operator: str, left: Node, right: Node, types: Sequence[str], result: str) -> Node:
        """`add sub mul div divby mod`: numbers both of the type `result`; temporal operands of the two `types`.

        Overflow and division by zero are errors (400) where the type has no infinity; overflow of a double is one too.
        """
        if result in NUMERIC:
            kind = "integer" if result in edm_types.INTEGERS else "decimal" if result == "Edm.Decimal" else "double"
            return self.operators[f"{kind} {operator}"](left, right)
        first, second = types
        if first in NUMERIC:                                    # a number times a duration
            first, second, left, right = second, first, right, left
        if first == second == "Edm.Duration":
            return self.operators[f"integer {operator}"](left, right)
        short = {"Edm.DateTimeOffset": "instant", "Edm.Date": "date", "Edm.Duration": "duration"}
        if second == "Edm.Duration" and operator == "sub":
            operator, right = "add", self.negate(right, second)
        if first == "Edm.Duration":
            return self.duration_scaled(operator, left, right, second)
        return self.operators[f"{short[first]} {operator} {short[second]}"](left, right)

    def duration_scaled(self, operator: str, duration: Node, number: Node, number_type: str) -> Node:
        """A duration `mul`, `div` or `divby` a number, rounded to ticks."""
        number = self.number_cast(number, number_type, "Edm.Decimal") if number_type != "Edm.Decimal" else number
        return self.operators["duration mul" if operator == "mul" else "duration div"](duration, number)

    def negate(self, node: Node, edm_type: str) -> Node:
        """Unary minus."""
        kind = "decimal" if edm_type == "Edm.Decimal" else "double" if edm_type in FLOATS else "integer"
        zero = self.promote(pw.SQL("0"), "Edm.Int64", "Edm.Decimal") if kind == "decimal" else pw.SQL("0")
        return self.operators[f"{kind} sub"](zero, node)

    def promote(self, node: Node, source: str, target: str) -> Node:
        """A number of one type as a number of a wider one (URL Conventions §5.1.1.18); other types as they are."""
        if target == "Edm.Decimal" and source in edm_types.INTEGERS:
            return self.to_decimal(node)
        if target in FLOATS and source in edm_types.INTEGERS | {"Edm.Decimal"}:
            return self.to_double(node, source)
        return node

    def to_decimal(self, node: Node) -> Node:
        """An integer as a decimal."""
        return pw.Cast(node, self.expression_types["Edm.Decimal"])

    def to_double(self, node: Node, source: str) -> Node:
        """An integer or decimal as a double."""
        return pw.Cast(node, self.expression_types["Edm.Double"])

    def has(self, left: Node, right: Node) -> Node:
        """Whether all flags of `right` are set in `left`."""
        return infix(infix(left, "&", right), "=", right)

    # --- functions that differ in name only --------------------------------------------------------------

    def common_functions(self) -> dict[str, Function]:
        """The canonical functions that are the same on every store but for the steps below."""
        return {
            "concat": lambda a, types: self.join_text(*a),
            "contains": lambda a, types: infix(self.position(a[0], a[1]), ">", ZERO),
            "indexof": lambda a, types: infix(self.position(a[0], a[1]), "-", ONE),
            "startswith": lambda a, types: self.starts(a[0], a[1]),
            "endswith": lambda a, types: self.ends(a[0], a[1]),
            "length": lambda a, types: self.length(a[0]),
            "substring": lambda a, types: self.substring(*a),
            "matchespattern": lambda a, types: self.matches(a[0], patterns.translate(constant(a[1]), self.name)),
            "tolower": lambda a, types: self.lower(a[0]),
            "toupper": lambda a, types: self.upper(a[0]),
            "trim": lambda a, types: self.trim(a[0]),
            "date": lambda a, types: substr(a[0], 1, 10),
            "time": lambda a, types: substr(a[0], 12, 16),
            **{name: self._part(*place) for name, place in PARTS.items()},
            "fractionalseconds": lambda a, types: self.decimal_of_text(self.join_text(
                text("0."), substr(a[0], 21 if types[0] == "Edm.DateTimeOffset" else 10, 7))),
            "totaloffsetminutes": lambda a, types: when(infix(a[0], "IS NOT", NULL), ZERO),
            "mindatetime": lambda a, types: self.typed(text("0001-01-01T00:00:00.0000000Z"), "Edm.DateTimeOffset"),
            "maxdatetime": lambda a, types: self.typed(text("9999-12-31T23:59:59.9999999Z"), "Edm.DateTimeOffset"),
            "totalseconds": lambda a, types: self.seconds(a[0]),
            "round": self._step("round"), "floor": self._step("floor"), "ceiling": self._step("ceiling")}

    def _part(self, instant: int, time: int, width: int) -> Function:
        return lambda a, types: self.integer(substr(a[0], time if types[0] == "Edm.TimeOfDay" else instant, width))

    def _step(self, name: str) -> Function:
        def step(arguments: Sequence[Node], types: Sequence[str]) -> Node:
            if types[0] in edm_types.INTEGERS:
                return self.to_decimal(arguments[0])
            return self.operators[f"{'decimal' if types[0] == 'Edm.Decimal' else 'double'} {name}"](arguments[0])
        return step

    def position(self, whole: Node, part: Node) -> Node:
        """The one-based position of one text in another, 0 where it does not occur."""
        raise NotImplementedError

    def ends(self, whole: Node, part: Node) -> Node:
        """Whether one text ends with another."""
        raise NotImplementedError

    def matches(self, node: Node, pattern: str) -> Node:
        """Whether a text has a match of a translated pattern."""
        raise NotImplementedError

    def hexadecimal(self, node: Node) -> Node:
        """A whole number that is not negative as hexadecimal digits, in lower case."""
        raise NotImplementedError

    def lower(self, node: Node) -> Node:
        """Lower case by the simple mapping of Unicode."""
        raise NotImplementedError

    def upper(self, node: Node) -> Node:
        """Upper case by the simple mapping of Unicode."""
        raise NotImplementedError

    def trim(self, node: Node) -> Node:
        """Without Unicode white space at both ends."""
        raise NotImplementedError

    def seconds(self, node: Node) -> Node:
        """Ticks as seconds, a decimal."""
        raise NotImplementedError

    def decimal_of_text(self, node: Node) -> Node:
        """The text of a number as a decimal."""
        raise NotImplementedError

    def integer(self, node: Node) -> Node:
        """Text of digits as an integer."""
        return pw.Cast(node, self.expression_types["Edm.Int64"])

    def length(self, node: Node) -> Node:
        """The number of characters."""
        return fn.LENGTH(node)

    def starts(self, whole: Node, part: Node) -> Node:
        """Whether one text begins with another."""
        return infix(fn.SUBSTR(whole, ONE, self.length(part)), "=", part)

    def substring(self, whole: Node, start: Node, count: Node | None = None) -> Node:
        """Zero-based; a negative start counts from the end and stops at the beginning; a negative count is none."""
        begins, length = whole_number(start), None if count is None else whole_number(count)
        if begins is not None and begins >= 0 and (count is None or length is not None):     # the text once, however deep
            parts = [pw.SQL(str(min(begins + 1, TEXT_LIMIT)))]
            return fn.SUBSTR(whole, *parts, *([] if length is None else [pw.SQL(str(max(0, min(length, TEXT_LIMIT))))]))
        begin = when(infix(start, "<", ZERO), self.greatest(infix(self.length(whole), "+", start), ZERO), at_most(start, FAR))
        first = self.narrow(infix(begin, "+", ONE))
        if count is None:
            return fn.SUBSTR(whole, first)
        return fn.SUBSTR(whole, first, self.narrow(when(infix(count, "<", ZERO), ZERO, at_most(count, FAR))))

    def narrow(self, node: Node) -> Node:
        """A small number in the type that the functions of text take."""
        return node

    def greatest(self, first: Node, second: Node) -> Node:
        """The greater of two numbers."""
        return fn.GREATEST(first, second)

    # --- casts -------------------------------------------------------------------------------------------

    def cast(self, node: Node, source: str, target: str, facets: TypeRef | None = None) -> Node:
        """`cast` between primitive types: null where it fails (URL Conventions §5.1.1.10.1).

        Raises NotImplementedByService, by name, for a pair that this database cannot convert.
        """
        if target == "Edm.String":
            return self._limited(node if source == target else self.to_text(node, source), facets)
        if source == target and source not in edm_types.INTEGERS:
            found = node
        elif source == "Edm.String":
            found = self.parsed(node, target)
        elif source in NUMERIC and target in NUMERIC:
            found = self.number_cast(node, source, target)
        else:
            found = self._temporal_cast(node, source, target)
        if target == "Edm.Decimal" and facets is not None and isinstance(facets.scale, int):
            return self.operators["decimal scale"](found, facets.scale)
        return found

    def _limited(self, node: Node, facets: TypeRef | None) -> Node:
        limit = facets.max_length if facets is not None else None
        return node if not isinstance(limit, int) else when(infix(self.length(node), "<=", pw.SQL(str(limit))), node)

    def _temporal_cast(self, node: Node, source: str, target: str) -> Node:
        match source, target:
            case "Edm.DateTimeOffset", "Edm.Date":
                return substr(node, 1, 10)
            case "Edm.DateTimeOffset", "Edm.TimeOfDay":
                return substr(node, 12, 16)
            case "Edm.Date", "Edm.DateTimeOffset":
                return self.join_text(node, text("T00:00:00.0000000Z"))
        return self.typed(NULL, target)

    def number_cast(self, node: Node, source: str, target: str) -> Node:
        """A number as another numeric type: rounded to an integer, null where it does not fit."""
        if target in edm_types.INTEGERS:
            low, high = edm_types.INTEGER_RANGES[target]
            if source in edm_types.INTEGERS:
                fits = all_of(infix(node, ">=", pw.SQL(str(low))), infix(node, "<=", pw.SQL(str(high))))
                return node if target == "Edm.Int64" else when(fits, node)
            return self.rounded_integer(node, source, low, high)
        if target == "Edm.Decimal":
            return self.to_decimal(node) if source in edm_types.INTEGERS else self.decimal_of_double(node)
        found = self.promote(node, source, target)
        return self.single(found) if target == "Edm.Single" and source != target else found

    def to_text(self, node: Node, source: str) -> Node:
        """A value as text, in the ABNF value form."""
        raise NotImplementedError

    def duration_text(self, node: Node) -> Node:
        """Ticks as the text of a duration."""
        def number(amount: int) -> Node:
            return pw.SQL(str(amount))

        def shown(amount: Node, letter: str) -> Node:
            return when(infix(amount, ">", ZERO), self.join_text(self.to_text(amount, "Edm.Int64"), text(letter)), text(""))

        divide, remainder = self.operators["integer div"], self.operators["integer mod"]
        size = fn.ABS(node)
        day, second = number(864_000_000_000), number(10_000_000)
        hours, minutes = (shown(remainder(divide(size, number(ticks)), number(limit)), letter)
                          for ticks, limit, letter in ((36_000_000_000, 24, "H"), (600_000_000, 60, "M")))
        rest = remainder(size, second)
        digits = fn.TRIM(words("TRAILING '0' FROM", fn.LPAD(self.to_text(rest, "Edm.Int64"), pw.SQL("7"), text("0"))))
        part = when(infix(rest, ">", ZERO), self.join_text(text("."), digits), text(""))
        whole = self.to_text(remainder(divide(size, second), number(60)), "Edm.Int64")
        seconds = when(infix(remainder(size, number(600_000_000)), ">", ZERO), self.join_text(whole, part, text("S")), text(""))
        time = when(infix(remainder(size, day), ">", ZERO), self.join_text(text("T"), hours, minutes, seconds), text(""))
        sign = when(infix(node, "<", ZERO), text("-"), when(infix(node, ">", ZERO), text("")))
        return when(infix(node, "=", ZERO), text("PT0S"), self.join_text(sign, text("P"), shown(divide(size, day), "D"), time))

    def parsed(self, node: Node, target: str) -> Node:
        """The value that a text stands for; null where it stands for none."""
        raise NotImplementedError

    def rounded_integer(self, node: Node, source: str, low: int, high: int) -> Node:
        """A decimal or double rounded to an integer; null outside the range."""
        raise NotImplementedError

    def decimal_of_double(self, node: Node) -> Node:
        """A double as a decimal, by its shortest digits."""
        raise NotImplementedError

    def single(self, node: Node) -> Node:
        """A double as the nearest Edm.Single; null outside its range."""
        raise NotImplementedError

    # --- aggregates --------------------------------------------------------------------------------------

    def aggregate(self, method: str, node: Node, edm_type: str, result: str) -> Node:
        """`sum min max average countdistinct` of values in expression form; `result`: the Edm type it is to have."""
        if method in ("sum", "average"):
            node = self.promote(node, edm_type, result)
            return self.total(node, result) if method == "sum" else self.average(node, result)
        if method == "countdistinct":
            return fn.COUNT(words("DISTINCT", node))
        return fn.MIN(node) if method == "min" else fn.MAX(node)

    def total(self, node: Node, result: str) -> Node:
        """SUM of numbers of the type `result`."""
        return fn.SUM(node)

    def average(self, node: Node, result: str) -> Node:
        """The mean of numbers of the type `result`; of decimals rounded like a quotient."""
        return fn.AVG(node)


def out_of_range() -> BindError:
    """The error where a computed number leaves the range of its type."""
    return BindError("A number left the range of its type while the expression was computed", code="arithmeticOverflow")


def stored_type(edm_type: str, column: Column | None) -> str:
    """The primitive type behind an Edm type: that of the column, the integer of an enumeration."""
    if column is not None:
        return column.type
    if edm_type in edm_types.GEO or edm_type == "Edm.Untyped":
        return "json"
    return edm_type if edm_type.startswith("Edm.") or edm_type == "json" else "Edm.Int64"


def at_most(node: Node, limit: Node) -> Node:
    """The lesser of a number and a limit; null stays null."""
    return when(infix(node, ">", limit), limit, node)


def _same(value: Any) -> Any:
    return value

"""Dialects: what differs between databases, as one table per database.

A value has two forms in SQL. Its **stored form** is what a column holds: `writer(type, column)`, `reader(column)`,
`select(node, column)` and `list_writer` speak it, and comparing a column with a literal in that form lets an index work.
Its **expression form** is the one form that every expression of an Edm type has, whatever column it came from: functions
take and give it. `value(node, column)` turns stored into expression form; `writer(type)` and `expression_reader(type)`
speak expression form.

Expression forms: Boolean, integers, enumerations, Duration (ticks of 100 ns, 64 bit) are native; Decimal is exact (on
SQLite the text of `decimals`); Double and Single are doubles (on SQLite NaN is the text 'NaN'); String, Guid, Binary are
native; Date is 'YYYY-MM-DD', DateTimeOffset 'YYYY-MM-DDTHH:MM:SS.fffffffZ', TimeOfDay 'HH:MM:SS.fffffff', text in ordinal
collation on every store. 'json' is text.

Functions of the tables take (arguments, their Edm types), all in expression form, and give a Peewee node in expression
form. A null argument gives null. Semantics: DESIGN §5, URL Conventions §5.1.1, the same rows on every store.
Readers and writers leave None alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import peewee as pw
from peewee import fn

from app.edm import types as edm_types
from app.edm.model import TypeRef
from app.errors import NotImplementedByService
from app.store import forms, patterns
from app.store.mapping import Column

Convert: TypeAlias = Callable[[Any], Any]
Function: TypeAlias = Callable[[Sequence[Any], Sequence[str]], Any]

NULL, ZERO, ONE = pw.SQL("NULL"), pw.SQL("0"), pw.SQL("1")
NUMERIC = edm_types.NUMBERS


def words(*parts: Any) -> pw.NodeList:
    """Parts one after the other, strings being SQL keywords."""
    return pw.NodeList([pw.SQL(part) if isinstance(part, str) else part for part in parts])


def enclosed(*parts: Any) -> pw.NodeList:
    """`words` in parentheses."""
    return pw.NodeList([pw.SQL(part) if isinstance(part, str) else part for part in parts], parens=True)


def infix(left: Any, operator: str, right: Any) -> pw.NodeList:
    """`(left operator right)`, the operator as it is written."""
    return enclosed(left, operator, right)


def all_of(*conditions: Any) -> pw.NodeList:
    """AND of conditions, flat."""
    return pw.NodeList(conditions, " AND ", True)


def when(condition: Any, then: Any, otherwise: Any = None) -> pw.NodeList:
    """CASE WHEN condition THEN … ELSE … END, with NULL where nothing is said."""
    return enclosed("CASE WHEN", condition, "THEN", then, "ELSE", NULL if otherwise is None else otherwise, "END")


def text(value: str) -> pw.SQL:
    """A constant text of ours, or a name of the model, as a SQL literal."""
    if "%" in value or "\\" in value:
        raise NotImplementedByService(feature=f"The name '{value}' in an expression")
    return pw.SQL("'" + value.replace("'", "''") + "'")


def substr(node: Any, start: int, count: int) -> Any:
    """`count` characters from the one-based position `start`."""
    return fn.SUBSTR(node, pw.SQL(str(start)), pw.SQL(str(count)))


def constant(node: Any) -> str:
    """The text of a literal that is part of the statement's shape. Raises NotImplementedByService for anything else."""
    while not isinstance(node, pw.Value) and hasattr(node, "node" if hasattr(node, "node") else "nodes"):
        node = node.node if hasattr(node, "node") else node.nodes[0]
    if isinstance(node, pw.Value) and isinstance(node.value, str):
        return node.value
    raise NotImplementedByService(feature="matchesPattern with a pattern that is not a literal")


@dataclass(frozen=True, slots=True, eq=False)
class ListSource:
    """A list parameter of tuples as a table: `table` for FROM (already aliased), `columns` in the order of the tuples."""

    table: Any
    columns: tuple[Any, ...]


@dataclass(frozen=True, slots=True, eq=False)
class JsonItems:
    """The items of a JSON array as a table: `table` for FROM (already aliased), the item, its zero-based position."""

    table: Any
    value: Any
    ordinal: Any


class Dialect:
    """What one database writes; the subclasses are the tables. Has no state and needs no connection."""

    name: str = ""
    placeholder: str = "%s"
    native_instants: bool = True                    # columns of Precision up to 6 have the database's own type
    ddl_types: Mapping[str, str] = {}               # Column.type → type of a column
    expression_types: Mapping[str, str] = {}        # Edm type → SQL type of an expression
    lateral: bool = False                           # LATERAL joins
    operators: Mapping[str, Callable[..., Any]] = {}    # 'integer add' … 'instant sub instant', 'double round'
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
        write = self.writer(edm_type, column) or _same
        return lambda values: json.dumps([write(value) for value in values], ensure_ascii=False)

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

    def select(self, node: Any, column: Column) -> Any:
        """What to select to read a column: the node itself where the driver hands values over as `reader` wants them."""
        return node

    def value(self, node: Any, column: Column) -> Any:
        """A column in expression form."""
        if column.type in ("Edm.DateTimeOffset", "Edm.TimeOfDay"):
            if self.native(column):
                return self.native_value(node, column)
            return self.seven_digits(node, column)
        return node

    def native_value(self, node: Any, column: Column) -> Any:
        """An instant or time of day of the database's own type in expression form."""
        raise NotImplementedError

    def seven_digits(self, node: Any, column: Column) -> Any:
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

    def join_text(self, *parts: Any) -> Any:
        """Texts one after the other; null where one is null."""
        return pw.NodeList(parts, " || ", True)

    def literal_cast(self, edm_type: str) -> str | None:
        """The SQL type that a bare parameter of this Edm type (in expression form) is cast to; None: no cast needed."""
        return None

    def typed(self, node: Any, edm_type: str) -> Any:
        """A bare parameter in expression form, cast where the database would guess its type."""
        kind = self.literal_cast(edm_type)
        return node if kind is None else pw.Cast(node, kind)

    # --- order and comparison ----------------------------------------------------------------------------

    def ascending(self, node: Any) -> Any:
        """ASC with null first."""
        return pw.Ordering(node, "ASC")

    def descending(self, node: Any) -> Any:
        """DESC with null last."""
        return pw.Ordering(node, "DESC")

    def known(self, condition: Any) -> Any:
        """The condition with unknown turned to false."""
        return infix(condition, "IS", pw.SQL("TRUE"))

    def compare(self, operator: str, left: Any, right: Any, edm_type: str) -> Any:
        """`eq ne gt ge lt le` of two operands in one form: unknown where one is null, NaN equal to and above nothing."""
        plain = infix(left, COMPARISONS[operator], right)
        guard = self.not_nan(left, right) if edm_type in FLOATS else None
        if guard is None:
            return plain
        return infix(plain, "OR", pw.NodeList((pw.SQL("NOT"), guard), parens=True)) if operator == "ne" \
            else all_of(plain, guard)

    def same(self, left: Any, right: Any, edm_type: str = "") -> Any:
        """`eq` that is never unknown: null equals null and nothing else."""
        raise NotImplementedError

    def not_nan(self, left: Any, right: Any) -> Any | None:
        """A condition that holds where neither double is NaN; None where the database has no NaN."""
        return None

    def is_number(self, node: Any) -> Any:
        """Whether a double is not NaN; unknown for null."""
        return infix(node, "=", node)

    def alike(self, first: Column, second: Column) -> bool:
        """Whether two columns keep values in the same stored form, so that they may be compared as they are."""
        instants = ("Edm.DateTimeOffset", "Edm.TimeOfDay")
        return first.type == second.type and (first.type not in instants or forms.digits(first) == forms.digits(second))

    # --- lists -------------------------------------------------------------------------------------------

    def in_list(self, node: Any, mark: Any, edm_type: str, column: Column | None = None) -> Any:
        """Whether `node` is among the values of a list parameter that `list_writer(edm_type, column)` wrote."""
        raise NotImplementedError

    def rows_writer(self, columns: Sequence[Column]) -> Convert:
        """Rows of canonical values → the one parameter of `rows_source`."""
        writers = [self.writer(column.edm, column) or _same for column in columns]
        return lambda rows: json.dumps([[write(value) for write, value in zip(writers, row)] for row in rows],
                                       ensure_ascii=False)

    def rows_source(self, mark: Any, columns: Sequence[Column], alias: str) -> ListSource:
        """The rows of a list parameter as a table, its columns in stored form."""
        raise NotImplementedError

    # --- operators ---------------------------------------------------------------------------------------

    def arithmetic(self, operator: str, left: Any, right: Any, types: Sequence[str], result: str) -> Any:
        """`add sub mul div divby mod`: numbers both of the type `result`; temporal operands of the two `types`.

        Overflow and division by zero are errors (400) where the type has no infinity; overflow of a double is one too.
        """
        if result in NUMERIC:
            kind = "integer" if result in edm_types.INTEGERS else "decimal" if result == "Edm.Decimal" else "double"
            return self.operators[f"{kind} {operator}"](left, right)
        first, second = types
        if first == second == "Edm.Duration":
            return self.operators[f"integer {operator}"](left, right)
        short = {"Edm.DateTimeOffset": "instant", "Edm.Date": "date", "Edm.Duration": "duration"}
        if second == "Edm.Duration" and operator == "sub":
            operator, right = "add", self.negate(right, second)
        if first == "Edm.Duration":
            return self.duration_scaled(operator, left, right, second)
        return self.operators[f"{short[first]} {operator} {short[second]}"](left, right)

    def duration_scaled(self, operator: str, duration: Any, number: Any, number_type: str) -> Any:
        """A duration `mul` or `div` a number, rounded to ticks."""
        if number_type in edm_types.INTEGERS:
            number = self.promote(number, number_type, "Edm.Decimal")
        return self.operators[f"duration {operator}"](duration, number)

    def negate(self, node: Any, edm_type: str) -> Any:
        """Unary minus."""
        kind = "decimal" if edm_type == "Edm.Decimal" else "double" if edm_type in FLOATS else "integer"
        zero = self.promote(pw.SQL("0"), "Edm.Int64", "Edm.Decimal") if kind == "decimal" else pw.SQL("0")
        return self.operators[f"{kind} sub"](zero, node)

    def promote(self, node: Any, source: str, target: str) -> Any:
        """A number of one type as a number of a wider one (URL Conventions §5.1.1.18); other types as they are."""
        if target == "Edm.Decimal" and source in edm_types.INTEGERS:
            return self.to_decimal(node)
        if target in FLOATS and source in edm_types.INTEGERS | {"Edm.Decimal"}:
            return self.to_double(node, source)
        return node

    def to_decimal(self, node: Any) -> Any:
        """An integer as a decimal."""
        return pw.Cast(node, self.expression_types["Edm.Decimal"])

    def to_double(self, node: Any, source: str) -> Any:
        """An integer or decimal as a double."""
        return pw.Cast(node, self.expression_types["Edm.Double"])

    def has(self, left: Any, right: Any) -> Any:
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
        def step(arguments: Sequence[Any], types: Sequence[str]) -> Any:
            if types[0] in edm_types.INTEGERS:
                return arguments[0]
            return self.operators[f"{'decimal' if types[0] == 'Edm.Decimal' else 'double'} {name}"](arguments[0])
        return step

    def position(self, whole: Any, part: Any) -> Any:
        """The one-based position of one text in another, 0 where it does not occur."""
        raise NotImplementedError

    def ends(self, whole: Any, part: Any) -> Any:
        """Whether one text ends with another."""
        raise NotImplementedError

    def matches(self, node: Any, pattern: str) -> Any:
        """Whether a text has a match of a translated pattern."""
        raise NotImplementedError

    def lower(self, node: Any) -> Any:
        """Lower case by the simple mapping of Unicode."""
        raise NotImplementedError

    def upper(self, node: Any) -> Any:
        """Upper case by the simple mapping of Unicode."""
        raise NotImplementedError

    def trim(self, node: Any) -> Any:
        """Without Unicode white space at both ends."""
        raise NotImplementedError

    def seconds(self, node: Any) -> Any:
        """Ticks as seconds, a decimal."""
        raise NotImplementedError

    def decimal_of_text(self, node: Any) -> Any:
        """The text of a number as a decimal."""
        raise NotImplementedError

    def integer(self, node: Any) -> Any:
        """Text of digits as an integer."""
        return pw.Cast(node, self.expression_types["Edm.Int64"])

    def length(self, node: Any) -> Any:
        """The number of characters."""
        return fn.LENGTH(node)

    def starts(self, whole: Any, part: Any) -> Any:
        """Whether one text begins with another."""
        return infix(fn.SUBSTR(whole, ONE, self.length(part)), "=", part)

    def substring(self, whole: Any, start: Any, count: Any = None) -> Any:
        """Zero-based; a negative start counts from the end and stops at the beginning; a negative count is none."""
        begin = when(infix(start, "<", ZERO), self.greatest(infix(self.length(whole), "+", start), ZERO), start)
        first = infix(begin, "+", ONE)
        return fn.SUBSTR(whole, first) if count is None else fn.SUBSTR(whole, first, self.greatest(count, ZERO))

    def greatest(self, first: Any, second: Any) -> Any:
        """The greater of two numbers."""
        return fn.GREATEST(first, second)

    # --- casts -------------------------------------------------------------------------------------------

    def cast(self, node: Any, source: str, target: str, facets: TypeRef | None = None) -> Any:
        """`cast` between primitive types: null where it fails (URL Conventions §5.1.1.10.1).

        Raises NotImplementedByService, by name, for a pair that this database cannot convert.
        """
        if target == "Edm.String":
            return self._limited(node if source == target else self.to_text(node, source), facets)
        if source == target:
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

    def _limited(self, node: Any, facets: TypeRef | None) -> Any:
        limit = facets.max_length if facets is not None else None
        return node if not isinstance(limit, int) else when(infix(self.length(node), "<=", pw.SQL(str(limit))), node)

    def _temporal_cast(self, node: Any, source: str, target: str) -> Any:
        match source, target:
            case "Edm.DateTimeOffset", "Edm.Date":
                return substr(node, 1, 10)
            case "Edm.DateTimeOffset", "Edm.TimeOfDay":
                return substr(node, 12, 16)
            case "Edm.Date", "Edm.DateTimeOffset":
                return self.join_text(node, text("T00:00:00.0000000Z"))
        return self.typed(NULL, target)

    def number_cast(self, node: Any, source: str, target: str) -> Any:
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

    def to_text(self, node: Any, source: str) -> Any:
        """A value as text, in the ABNF value form."""
        raise NotImplementedError

    def parsed(self, node: Any, target: str) -> Any:
        """The value that a text stands for; null where it stands for none."""
        raise NotImplementedError

    def rounded_integer(self, node: Any, source: str, low: int, high: int) -> Any:
        """A decimal or double rounded to an integer; null outside the range."""
        raise NotImplementedError

    def decimal_of_double(self, node: Any) -> Any:
        """A double as a decimal, by its shortest digits."""
        raise NotImplementedError

    def single(self, node: Any) -> Any:
        """A double as the nearest Edm.Single; null outside its range."""
        raise NotImplementedError

    # --- JSON --------------------------------------------------------------------------------------------

    json_kinds: Mapping[str, tuple[str, ...]] = {}      # string, number, boolean → the database's names

    def json_text(self, node: Any, steps: Sequence[str]) -> Any:
        """The scalar at a path of member names as text, strings without quotes; null where there is none."""
        raise NotImplementedError

    def json_kind(self, node: Any, steps: Sequence[str]) -> Any:
        """The database's name for the kind of the value at a path; null where there is none."""
        raise NotImplementedError

    def json_boolean(self, found: Any) -> Any:
        """The text of a JSON Boolean as a Boolean."""
        raise NotImplementedError

    def json_double(self, found: Any) -> Any:
        """The text of a JSON number, or of INF, -INF, NaN, as a double."""
        raise NotImplementedError

    def json_items(self, node: Any, steps: Sequence[str], alias: str) -> JsonItems:
        """The items of the array at a path as a table; none where there is no array."""
        raise NotImplementedError

    def json_item(self, value: Any, edm_type: str) -> Any:
        """A scalar item of `json_items` in expression form."""
        return self.json_value(value, edm_type)

    def json_length(self, node: Any, steps: Sequence[str]) -> Any:
        """How many items the array at a path has; null where there is none."""
        raise NotImplementedError

    def json_get(self, node: Any, steps: Sequence[str], edm_type: str) -> Any:
        """The scalar at a path in the expression form of its declared type. An enumeration is the text of its members
        (see `enum_value`); 'Edm.Untyped' is any text, for a test on null."""
        return self.json_value(self.json_text(node, steps), edm_type)

    def json_value(self, found: Any, edm_type: str) -> Any:
        """The text of a JSON scalar in the expression form of a type."""
        match edm_type:
            case "Edm.Boolean":
                return self.json_boolean(found)
            case "Edm.Double" | "Edm.Single":
                return self.json_double(found)
            case "Edm.Decimal":
                return self.decimal_of_text(found)
            case "Edm.Duration" | "Edm.DateTimeOffset" | "Edm.TimeOfDay":
                return self.parsed(found, edm_type)
        return self.integer(found) if edm_type in edm_types.INTEGERS else found

    def json_dynamic(self, node: Any, steps: Sequence[str], wanted: str) -> Any:
        """The dynamic value at a path as a value of the type `wanted`; null where it is of another kind. What is kept as a
        JSON string is of the type written beside it (`name@odata.type`), or a String."""
        number, string = self._of_kind(node, steps, "number"), self._of_kind(node, steps, "string")
        if wanted in NUMERIC:
            said = self._said(node, steps, *(name[4:] for name in NUMERIC))
            kind = "Edm.Decimal" if wanted in edm_types.INTEGERS else wanted        # 5.5 is no 5
            found = self.json_get(node, steps, kind)
            return self.dynamic_number(when(pw.NodeList((number, all_of(string, said)), " OR ", True), found), wanted)
        if wanted == "Edm.Boolean":
            return when(self._of_kind(node, steps, "boolean"), self.json_get(node, steps, wanted))
        return when(self.json_is(node, steps, wanted), self.json_get(node, steps, wanted))

    def dynamic_number(self, node: Any, wanted: str) -> Any:
        """A dynamic number read as a decimal, for an operand of the type `wanted`."""
        return node

    def json_is(self, node: Any, steps: Sequence[str], edm_type: str) -> Any:
        """Whether the dynamic value at a path is of a primitive type; never unknown."""
        said = self._said(node, steps, edm_type.removeprefix("Edm."))
        kind = {"Edm.String": "string", "Edm.Boolean": "boolean", "Edm.Double": "number"}.get(edm_type)
        if kind is None or not steps:
            return self.known(said if kind is None else self._of_kind(node, steps, kind))
        unsaid = infix(self._written(node, steps), "IS", NULL)
        return self.known(all_of(self._of_kind(node, steps, kind), pw.NodeList((unsaid, said), " OR ", True)))

    def _of_kind(self, node: Any, steps: Sequence[str], kind: str) -> Any:
        names = pw.NodeList([text(name) for name in self.json_kinds[kind]], ", ", True)
        return infix(self.json_kind(node, steps), "IN", names)

    def _written(self, node: Any, steps: Sequence[str]) -> Any:
        return self.json_text(node, (*steps[:-1], steps[-1] + "@odata.type"))

    def _said(self, node: Any, steps: Sequence[str], *names: str) -> Any:
        if not steps:
            return pw.SQL("1 = 0")
        wanted = [text(prefix + name) for name in sorted(names) for prefix in ("#", "#Edm.")]
        return infix(self._written(node, steps), "IN", pw.NodeList(wanted, ", ", True))

    def enum_value(self, found: Any, members: Mapping[str, int], flags: bool) -> Any:
        """The text of enumeration members as their integer: null for null, and for a name that is none of them."""
        if not flags:
            pairs = [words("WHEN", text(name), "THEN", pw.SQL(str(value))) for name, value in members.items()]
            return enclosed("CASE", found, *pairs, "END")
        listed = self.join_text(text(","), found, text(","))
        bits = [when(infix(self.position(listed, text(f",{name},")), ">", ZERO), pw.SQL(str(value)), ZERO)
                for name, value in members.items() if value]
        return when(infix(found, "IS NOT", NULL), pw.NodeList(bits or [ZERO], " | ", True))

    # --- aggregates --------------------------------------------------------------------------------------

    def aggregate(self, method: str, node: Any, edm_type: str, result: str) -> Any:
        """`sum min max average countdistinct` of values in expression form; `result`: the Edm type it is to have."""
        if method in ("sum", "average"):
            node = self.promote(node, edm_type, result)
            return self.total(node, result) if method == "sum" else self.average(node, result)
        if method == "countdistinct":
            return fn.COUNT(words("DISTINCT", node))
        return getattr(fn, method.upper())(node)

    def total(self, node: Any, result: str) -> Any:
        """SUM of numbers of the type `result`."""
        return fn.SUM(node)

    def average(self, node: Any, result: str) -> Any:
        """The mean of numbers of the type `result`; of decimals rounded like a quotient."""
        return fn.AVG(node)

# where the parts of an instant (or date) and of a time of day stand in the expression form, and how long they are
PARTS = {"year": (1, 0, 4), "month": (6, 0, 2), "day": (9, 0, 2), "hour": (12, 1, 2), "minute": (15, 4, 2), "second": (18, 7, 2)}
COMPARISONS: Mapping[str, str] = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
FLOATS = frozenset({"Edm.Double", "Edm.Single"})


def stored_type(edm_type: str, column: Column | None) -> str:
    """The primitive type behind an Edm type: that of the column, the integer of an enumeration."""
    if column is not None:
        return column.type
    if edm_type in edm_types.GEO or edm_type == "Edm.Untyped":
        return "json"
    return edm_type if edm_type.startswith("Edm.") or edm_type == "json" else "Edm.Int64"


def _same(value: Any) -> Any:
    return value


def missing(feature: str) -> Callable[..., Any]:
    """A function that this database does not have."""
    def refuse(*arguments: Any) -> Any:
        raise NotImplementedByService(feature=feature)
    return refuse

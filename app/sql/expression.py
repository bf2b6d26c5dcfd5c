"""Expressions: the typed tree as Peewee nodes, with the null rules of OData.

`condition` compiles for a place where unknown counts as false (a filter): there a comparison with a literal stays plain
and keeps its index. `value` is exact: comparisons are two-valued, `and`, `or`, `not` three-valued, so that it may be
negated, compared, projected. URL Conventions §5.1.1; peewee-recipes §3, §9.
"""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import peewee as pw

from app import errors
from app.bind import nodes as bound
from app.bind.scope import is_collection
from app.edm import types
from app.plan.nodes import Slot
from app.sql import enumerations, kinship, members, paths, structures, terms
from app.sql.scope import Build, Json, Operand, Scope
from app.sql.statement import Bind, Convert
from app.store.mapping import Column

CONSTANTS = (bound.Literal, bound.Parameter, Slot)
FLOATS = frozenset({"Edm.Double", "Edm.Single"})
NATIVE_DIGITS = 6       # fraction digits of the databases' own instants
BOOLEAN = "Edm.Boolean"


# --- conditions ------------------------------------------------------------------------------------------

def condition(node: bound.Expression, scope: Scope) -> pw.Node:
    """A Boolean expression where unknown counts as false: the result is true exactly where the expression is."""
    match node:
        case bound.Logic(operator, operands):
            parts = [condition(each, scope) for each in operands]
            return terms.all_of(parts) if operator == "and" else terms.any_of(parts)
        case bound.Compare():
            return compare(node, scope, False)
        case bound.In():
            return membership(node, scope, False)
        case bound.Literal(content, _):
            return terms.TRUE if content is True else terms.FALSE
        case _:
            return value(node, scope).node


def exact(node: bound.Expression, scope: Scope) -> Operand | None:
    """A Boolean expression with all three truth values; None for other nodes."""
    match node:
        case bound.Logic(operator, operands):
            parts = [value(each, scope).node for each in operands]
            found = terms.all_of(parts) if operator == "and" else terms.any_of(parts)
        case bound.Not(operand):
            found = terms.no(value(operand, scope).node)
        case bound.Compare():
            found = compare(node, scope, True)
        case bound.In():
            found = membership(node, scope, True)
        case bound.Has(left, right):
            found = has(left, right, scope)
        case bound.Lambda():
            found = members.any_or_all(node, scope)
        case bound.Kinship():
            found = kinship.test(node, scope)
        case bound.IsOf(operand, type_name, collection):
            found = structures.is_of(operand, type_name, collection, scope)
        case _:
            return None
    return Operand(found, BOOLEAN)


# --- values ----------------------------------------------------------------------------------------------

def value(node: bound.Expression, scope: Scope, wanted: str = "") -> Operand:
    """The scalar value of an expression; `wanted`: the type that a dynamic value is to have.

    Raises NotImplementedByService, by name, for what cannot be computed in SQL.
    """
    build = scope.build
    if isinstance(node, CONSTANTS):
        return constant(node, build)
    if isinstance(node, bound.AliasPath) and not isinstance(scope.names.get(node.name, paths.NOTHING), paths.PLACES):
        return value(scope.names[node.name], scope, wanted)
    found = paths.place(node, scope)
    if found is not None:
        return paths.operand(found, build, wanted)
    logical = exact(node, scope)
    if logical is not None:
        return logical
    return computed(node, scope)


def computed(node: bound.Expression, scope: Scope) -> Operand:
    """The value of an operation that is neither a path nor Boolean logic."""
    dialect = scope.build.dialect
    match node:
        case bound.Negate(operand, type_name):
            return Operand(dialect.negate(plain(operand, scope, type_name), type_name), type_name)
        case bound.Arithmetic():
            return arithmetic(node, scope)
        case bound.Call():
            return call(node, scope)
        case bound.Cast(operand, type_name, facets):
            return cast(operand, type_name, facets, scope)
        case bound.Case(branches, type_name):
            found = [(condition(test, scope), value(result, scope, type_name)) for test, result in branches]
            pairs = [(test, promoted(result, type_name, scope.build)) for test, result in found]
            return Operand(pw.Case(None, pairs), type_name, special=any(result.special for _, result in found))
        case bound.Count():
            return Operand(members.count(node, scope), "Edm.Int64", nullable=False)
        case bound.AggregateValue():
            return members.aggregate(node, scope)
        case bound.AnnotationPath():
            return null(node.type, scope.build)
        case bound.FunctionCall(function):
            raise errors.NotImplementedByService(feature=f"Function {function.name} in an expression")
        case bound.ListValue() | bound.ObjectValue():
            raise errors.NotImplementedByService(feature="A collection or object literal as the value of an expression")
        case _:
            raise errors.NotImplementedByService(feature=f"{type(node).__name__} as a value")


def constant(node: Any, build: Build, column: Column | None = None, operator: str = "") -> Operand:
    """A literal of the request or of its shape: bare in the form of `column` beside that column, else with its type said.
    `operator`: by which it is compared, if it is."""
    dialect = build.dialect
    if isinstance(node, Slot):
        column = column or node.column
    if isinstance(node, bound.Literal) and node.value is None:
        return null(node.type, build)
    write = fitting(dialect.writer(node.type, column), node.type, column, operator, build)
    if isinstance(node, bound.Literal):
        mark: Any = node.value if write is None else write(node.value)
    elif isinstance(node, bound.Parameter):
        mark = Bind(Slot("literal", node.index, node.type, column), write)
    else:
        mark = Bind(node, write)
    found = pw.Value(mark, unpack=False)
    if column is None:
        return Operand(dialect.typed(found, node.type), node.type, nullable=False, literal=True)
    return Operand(found, node.type, column, nullable=False, literal=True)


def fitting(write: Convert | None, type_name: str, column: Column | None, operator: str, build: Build) -> Convert | None:
    """The writer of a literal that is compared. NaN equals nothing and exceeds nothing: it becomes null. An instant with
    more digits than the database's own type keeps becomes the neighbour that compares alike; it equals nothing."""
    if type_name in FLOATS and (operator or column is not None):
        return lambda number: None if number != number else number if write is None else write(number)
    if column is None or type_name not in ("Edm.DateTimeOffset", "Edm.TimeOfDay") or not build.dialect.native(column):
        return write
    return lambda instant: within_digits(instant, operator, write)


def within_digits(instant: str | None, operator: str, write: Convert | None) -> Any:
    """The instant itself, or the nearest with six digits that no stored value lies between."""
    if instant is not None and types.fraction_digits(instant) > NATIVE_DIGITS:
        cut = types.scaled_fraction(instant, NATIVE_DIGITS)
        instant = following(cut) if operator in ("ge", "lt") else cut if operator in ("gt", "le") else None
    return instant if write is None or instant is None else write(instant)


def following(instant: str) -> str:
    """The next microsecond; at the end of time the instant itself."""
    day = "" if "T" in instant else "2000-01-01T"
    try:
        after = datetime.datetime.fromisoformat(day + instant.removesuffix("Z")) + datetime.timedelta(microseconds=1)
    except OverflowError:
        return instant
    if day and after.day > 1:
        return "24:00:00"
    text = after.isoformat(timespec="microseconds")
    return text[11:] if day else text + "Z"


def null(type_name: str, build: Build) -> Operand:
    if type_name == "null":
        return Operand(pw.SQL("NULL"), type_name, literal=True)
    return Operand(build.dialect.typed(pw.SQL("NULL"), type_name), type_name, literal=True)


def stored_type(type_name: str, build: Build) -> str:
    """The primitive type behind an enumeration; others as they are."""
    return "Edm.Int64" if build.model.enum_type(type_name) is not None else type_name


def plain(node: bound.Expression, scope: Scope, type_name: str = "") -> pw.Node:
    """A value in the form that expressions of its type have, promoted to `type_name`."""
    return promoted(value(node, scope, type_name), type_name, scope.build)


def promoted(operand: Operand, type_name: str, build: Build) -> pw.Node:
    node = operand.node
    if operand.column is not None:
        node = build.dialect.value(node, operand.column)
    source, target = stored_type(operand.type, build), stored_type(type_name or operand.type, build)
    return node if source == target else build.dialect.promote(node, source, target)


def beside(node: bound.Expression | Slot, other: Operand, scope: Scope) -> pw.Node:
    """A value in the form of the column that `other` is: a bare literal, or whatever `node` gives."""
    if isinstance(node, CONSTANTS) and other.column is not None:
        return constant(node, scope.build, other.column).node
    return plain(node, scope, other.type)                 # type: ignore[arg-type]


# --- comparison ------------------------------------------------------------------------------------------

SYMBOLS = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
DYNAMIC_TYPES = ("Edm.String", "Edm.Decimal", "Edm.Boolean", "Edm.Date", "Edm.DateTimeOffset", "Edm.TimeOfDay", "Edm.Duration",
                 "Edm.Guid")                # what dynamic values are compared as
MIRRORED = {"gt": "lt", "lt": "gt", "ge": "le", "le": "ge", "eq": "eq", "ne": "ne"}


def compare(node: bound.Compare, scope: Scope, two_valued: bool) -> pw.Node:
    """A comparison: true where it holds; otherwise false, or unknown where `two_valued` is not asked for."""
    operator, left, right, kind = node.operator, node.left, node.right, node.operand_type
    if is_null(left):
        operator, left, right = MIRRORED[operator], right, left
    if is_null(right):
        return with_null(operator, left, scope)
    if kind in ("entity", "complex", "collection"):
        same = structures.equal(left, right, kind, scope)
        return terms.no(same) if operator == "ne" else same
    if kind == "Edm.Untyped":
        return dynamic_values(node, scope, two_valued)
    if isinstance(left, CONSTANTS) and not isinstance(right, CONSTANTS):
        operator, left, right = MIRRORED[operator], right, left
    first, second = pair(left, right, kind, scope, operator)
    if operator == "ne":
        return terms.no(equality(first, second, scope.build, True))
    found = (equality if operator == "eq" else order(SYMBOLS[operator]))(first, second, scope.build, two_valued)
    return found


def dynamic_values(node: bound.Compare, scope: Scope, two_valued: bool) -> pw.Node:
    """A comparison of two dynamic values: it holds where it holds for them as values of one type."""
    if node.operator == "ne":
        return terms.no(dynamic_values(replace(node, operator="eq"), scope, True))
    return terms.any_of([compare(replace(node, operand_type=kind), scope, two_valued) for kind in DYNAMIC_TYPES])


def is_null(node: bound.Expression) -> bool:
    return isinstance(node, bound.Literal) and node.value is None


def with_null(operator: str, operand: bound.Expression, scope: Scope) -> pw.Node:
    """A comparison with the null literal."""
    if operator in ("gt", "lt"):
        return terms.FALSE
    test = terms.TRUE if is_null(operand) else absence(operand, scope)
    return terms.no(test) if operator == "ne" else test


def absence(node: bound.Expression, scope: Scope) -> pw.Node:
    """Whether an expression is null; never unknown."""
    if isinstance(node, bound.AliasPath) and not isinstance(scope.names.get(node.name, paths.NOTHING), paths.PLACES):
        return absence(scope.names[node.name], scope)
    found = paths.place(node, scope)
    return paths.absent(found, scope.build) if found is not None else terms.is_null(value(node, scope).node)


def pair(left: bound.Expression, right: bound.Expression, kind: str, scope: Scope,
         operator: str = "eq") -> tuple[Operand, Operand]:
    """Both operands in one form: the stored form of a column beside a literal or a like column, else that of expressions."""
    build = scope.build
    first = constant(left, build, operator=operator) if isinstance(left, CONSTANTS) else value(left, scope, kind)
    if isinstance(right, CONSTANTS):
        if first.column is not None and stored_type(first.type, build) == stored_type(right.type, build):
            return first, constant(right, build, first.column, operator)
        second = constant(right, build, operator=operator)
    else:
        second = value(right, scope, kind)
    if first.column is not None and second.column is not None and build.dialect.alike(first.column, second.column):
        return first, second
    return plain_form(first, kind, build), plain_form(second, kind, build)


def plain_form(operand: Operand, type_name: str, build: Build) -> Operand:
    """The operand in the form that expressions of `type_name` have."""
    return replace(operand, node=promoted(operand, type_name, build), type=type_name, column=None)


def equality(first: Operand, second: Operand, build: Build, two_valued: bool) -> pw.Node:
    """Null-safe `=`: where at most one side can be null, plain."""
    if first.nullable and second.nullable:
        if first.missing is not None or second.missing is not None:
            alike = equality(replace(first, nullable=False, missing=None), second, build, two_valued)
            return terms.any_of([alike, terms.all_of([nothing(first), nothing(second)])])
        found = build.dialect.same(first.node, second.node)
        return terms.all_of([found, known_number(first, build)]) if may_be_nan(first, second) else found
    found = terms.compare(first.node, "=", second.node)
    if may_be_nan(first, second) and not (first.literal or second.literal):
        found = terms.all_of([found, build.dialect.is_number(first.node, first.type)])
    return terms.known(found) if two_valued and uncertain(first, second) else found


def uncertain(first: Operand, second: Operand) -> bool:
    """Whether comparing two operands can be unknown; a literal that cannot be stored is bound as null."""
    return first.nullable or second.nullable or first.type in FLOATS or first.type in types.TEMPORAL


def may_be_nan(first: Operand, second: Operand) -> bool:
    return first.type in FLOATS or first.special or second.special


def known_number(operand: Operand, build: Build) -> pw.Node:
    return terms.any_of([terms.is_null(operand.node), build.dialect.is_number(operand.node, operand.type)])


def nothing(operand: Operand) -> pw.Node:
    """Whether an operand is null; a dynamic value of another type than wanted is not."""
    return terms.is_null(operand.node) if operand.missing is None else operand.missing


def order(symbol: str) -> Any:
    """`<`, `<=`, `>`, `>=` by the rules of OData: false with one null, and `ge`, `le` true with two; NaN exceeds nothing."""
    def found(first: Operand, second: Operand, build: Build, two_valued: bool) -> pw.Node:
        test = terms.compare(first.node, symbol, second.node)
        greater = first if symbol[0] == ">" else second
        if may_be_nan(first, second) and not greater.literal:
            test = terms.all_of([test, build.dialect.is_number(greater.node, greater.type)])
        if symbol[1:] and first.nullable and second.nullable:
            test = terms.any_of([test, terms.all_of([nothing(first), nothing(second)])])
        return terms.known(test) if two_valued and uncertain(first, second) else test
    return found


def membership(node: bound.In, scope: Scope, two_valued: bool) -> pw.Node:
    """`in`: equality with one of the items; never unknown where `two_valued`."""
    items, build = node.items, scope.build
    if isinstance(items, bound.ParameterList):
        operand = value(node.operand, scope, node.operand_type)
        found = in_parameters(operand, items, build)
        tests = [terms.known(found) if two_valued and operand.nullable else found]
        if items.has_null:
            tests.append(absence(node.operand, scope))
        return terms.any_of(tests)
    if isinstance(items, tuple):
        return terms.any_of([compare(bound.Compare("eq", node.operand, item, node.operand_type), scope, two_valued)
                             for item in items])
    return members.contains(items, node.operand, node.operand_type, scope)


def in_parameters(operand: Operand, items: bound.ParameterList, build: Build) -> pw.Node:
    """Membership in a list that is one parameter, in the form of the column where the operand is one."""
    dialect = build.dialect
    column, node = operand.column, operand.node
    if column is None or stored_type(operand.type, build) != stored_type(items.type, build):
        column, node = None, promoted(operand, items.type, build)
    slot = Slot(items.kind, items.index, items.type, column)
    mark = pw.Value(Bind(slot, fitting_list(dialect.list_writer(items.type, column), items.type, column, build)), unpack=False)
    return dialect.in_list(node, mark, items.type, column)


def fitting_list(write: Convert, type_name: str, column: Column | None, build: Build) -> Convert:
    """The writer of a list without those of its members that equal nothing."""
    fit = fitting(None, type_name, column, "eq", build)
    return write if fit is None else lambda members: write([each for each in map(fit, members) if each is not None])


def has(left: bound.Expression, right: bound.Expression, scope: Scope) -> pw.Node:
    """All flags of the right operand are set on the left; null gives null."""
    return scope.build.dialect.has(plain(left, scope), plain(right, scope))


# --- operations ------------------------------------------------------------------------------------------

def arithmetic(node: bound.Arithmetic, scope: Scope) -> Operand:
    """add, sub, mul, div, divby, mod: numbers promoted to the type of the result, temporal operands as they are."""
    build = scope.build
    left, right = value(node.left, scope), value(node.right, scope)
    kinds = stored_type(left.type, build), stored_type(right.type, build)
    numeric = node.type not in ("Edm.DateTimeOffset", "Edm.Date", "Edm.Duration")
    target = node.type if numeric else ""
    special = node.operator == "divby" or left.special or right.special
    return Operand(build.dialect.arithmetic(node.operator, promoted(left, target, build), promoted(right, target, build),
                                            kinds, node.type), node.type, special=special and node.type == "Edm.Decimal")


def call(node: bound.Call, scope: Scope) -> Operand:
    """A canonical function."""
    build, dialect = scope.build, scope.build.dialect
    if node.name == "now":
        return constant(Slot("now", 0, "Edm.DateTimeOffset"), build)
    if node.name == "isdefined":
        return is_defined(node.arguments[0], scope)
    if any(is_collection(argument) for argument in node.arguments):
        return members.call(node, scope)
    function = dialect.functions.get(node.name)
    if function is None:
        raise errors.NotImplementedByService(feature=f"Function {node.name}")
    arguments = [value(argument, scope) for argument in node.arguments]
    return Operand(function([promoted(each, "", build) for each in arguments],
                            [stored_type(each.type, build) for each in arguments]), node.type,
                   special=node.type == "Edm.Decimal" and any(each.special for each in arguments))


def is_defined(node: bound.Expression, scope: Scope) -> Operand:
    """Whether the current row of `$apply` has a property (Aggregation §3.7)."""
    assert isinstance(node, bound.AliasPath)
    steps = node.name.split("/")
    marks = [value(bound.AliasPath("/".join(steps[:at]) + "@exists", BOOLEAN), scope).node
             for at, step in enumerate(steps, 1) if "." in step]
    absent = value(bound.AliasPath(node.name + "@absent", BOOLEAN), scope)
    return Operand(terms.all_of([terms.no(absent.node), *marks]), BOOLEAN, nullable=False)


def cast(operand: bound.Expression, type_name: str, facets: Any, scope: Scope) -> Operand:
    """`cast` between primitive types; null where it cannot. A dynamic value is taken as what it is."""
    build = scope.build
    found = paths.place(operand, scope)
    if isinstance(found, Json) and found.dynamic:
        return paths.operand(found, build, type_name)
    given = paths.operand(found, build) if found is not None else value(operand, scope)
    of_enum = enumerations.cast(promoted(given, "", build), given.type, type_name, build)
    if of_enum is not None:
        return Operand(of_enum, type_name)
    source, target = stored_type(given.type, build), stored_type(type_name, build)
    if source == target and facets is None and (found is not None or target not in types.INTEGERS):
        return replace(given, type=type_name)           # a stored integer fits; arithmetic runs in 64 bits, whatever its type
    special = target == "Edm.Decimal" and (given.special or source in FLOATS or source == "Edm.String")
    return Operand(build.dialect.cast(promoted(given, "", build), source, target, facets), type_name, special=special)

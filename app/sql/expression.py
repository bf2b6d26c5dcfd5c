"""Expressions: the typed tree as Peewee nodes, with the null rules of OData.

`condition` compiles for a place where unknown counts as false (a filter): there a comparison with a literal stays plain
and keeps its index. `value` is exact: comparisons are two-valued, `and`, `or`, `not` three-valued, so that it may be
negated, compared, projected. URL Conventions §5.1.1; peewee-recipes §3, §9.
"""

from __future__ import annotations

from typing import Any

import peewee as pw

from app import errors
from app.bind import nodes as bound
from app.bind.scope import is_collection
from app.plan.nodes import Slot
from app.sql import members, paths, structures, terms
from app.sql.scope import Build, Json, Operand, Scope
from app.sql.statement import Bind, Convert
from app.store.mapping import Column

CONSTANTS = (bound.Literal, bound.Parameter, Slot)
FLOATS = frozenset({"Edm.Double", "Edm.Single"})
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
            pairs = [(condition(test, scope), plain(result, scope, type_name)) for test, result in branches]
            return Operand(pw.Case(None, pairs), type_name)
        case bound.Count():
            return Operand(members.count(node, scope), "Edm.Int64", nullable=False)
        case bound.AnnotationPath():
            return null(node.type, scope.build)
        case bound.FunctionCall(function):
            raise errors.NotImplementedByService(feature=f"Function {function.name} in an expression")
        case _:
            raise errors.NotImplementedByService(feature=f"{type(node).__name__} as a value")


def constant(node: Any, build: Build, column: Column | None = None) -> Operand:
    """A literal of the request or of its shape: bare in the form of `column` beside that column, else with its type said."""
    dialect = build.dialect
    if isinstance(node, Slot):
        column = column or node.column
    if isinstance(node, bound.Literal) and node.value is None:
        return null(node.type, build)
    write = dialect.writer(node.type, column)
    if isinstance(node, bound.Literal):
        mark: Any = node.value if write is None else write(node.value)
    elif isinstance(node, bound.Parameter):
        mark = Bind(Slot("literal", node.index, node.type, column), comparable(write) if node.type in FLOATS else write)
    else:
        mark = Bind(node, write)
    found = pw.Value(mark, unpack=False)
    if column is None:
        return Operand(dialect.typed(found, node.type), node.type, nullable=False, literal=True)
    return Operand(found, node.type, column, nullable=False, literal=True)


def comparable(write: Convert | None) -> Convert:
    """NaN equals nothing and exceeds nothing, like null in a comparison that takes unknown for false."""
    return lambda number: None if number != number else number if write is None else write(number)


def null(type_name: str, build: Build) -> Operand:
    return Operand(build.dialect.typed(pw.SQL("NULL"), type_name), type_name)


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
    if isinstance(left, CONSTANTS) and not isinstance(right, CONSTANTS):
        operator, left, right = MIRRORED[operator], right, left
    first, second = pair(left, right, kind, scope)
    if operator == "ne":
        return terms.no(equality(first, second, scope.build, True))
    found = (equality if operator == "eq" else order(SYMBOLS[operator]))(first, second, scope.build, two_valued)
    return found


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


def pair(left: bound.Expression, right: bound.Expression, kind: str, scope: Scope) -> tuple[Operand, Operand]:
    """Both operands in one form: the stored form of a column beside a literal or a like column, else that of expressions."""
    build = scope.build
    wanted = kind if kind != "Edm.Untyped" else "Edm.String"
    first = value(left, scope, wanted)
    if isinstance(right, CONSTANTS):
        if first.column is not None and stored_type(first.type, build) == stored_type(right.type, build):
            return first, constant(right, build, first.column)
        second = constant(right, build)
    else:
        second = value(right, scope, wanted)
    if first.column is not None and second.column is not None and build.dialect.alike(first.column, second.column):
        return first, second
    return plain_form(first, wanted, build), plain_form(second, wanted, build)


def plain_form(operand: Operand, type_name: str, build: Build) -> Operand:
    """The operand in the form that expressions of `type_name` have."""
    return Operand(promoted(operand, type_name, build), type_name, None, operand.nullable, operand.literal)


def equality(first: Operand, second: Operand, build: Build, two_valued: bool) -> pw.Node:
    """Null-safe `=`: where at most one side can be null, plain."""
    if first.nullable and second.nullable:
        found = build.dialect.same(first.node, second.node)
        return found if first.type not in FLOATS else terms.all_of([found, known_number(first.node, build)])
    found = terms.compare(first.node, "=", second.node)
    if first.type in FLOATS and not (first.literal or second.literal):
        found = terms.all_of([found, build.dialect.is_number(first.node)])
    return terms.known(found) if two_valued and uncertain(first, second) else found


def uncertain(first: Operand, second: Operand) -> bool:
    """Whether comparing two operands can be unknown; a literal NaN is bound as null."""
    return first.nullable or second.nullable or first.type in FLOATS


def known_number(node: pw.Node, build: Build) -> pw.Node:
    return terms.any_of([terms.is_null(node), build.dialect.is_number(node)])


def order(symbol: str) -> Any:
    """`<`, `<=`, `>`, `>=` by the rules of OData: false with one null, and `ge`, `le` true with two; NaN exceeds nothing."""
    def found(first: Operand, second: Operand, build: Build, two_valued: bool) -> pw.Node:
        test = terms.compare(first.node, symbol, second.node)
        greater = first if symbol[0] == ">" else second
        if first.type in FLOATS and not greater.literal:
            test = terms.all_of([test, build.dialect.is_number(greater.node)])
        if symbol[1:] and first.nullable and second.nullable:
            test = terms.any_of([test, terms.all_of([terms.is_null(first.node), terms.is_null(second.node)])])
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
    slot = Slot("list", items.index, items.type, column)
    mark = pw.Value(Bind(slot, dialect.list_writer(items.type, column)), unpack=False)
    return dialect.in_list(node, mark, items.type, column)


def has(left: bound.Expression, right: bound.Expression, scope: Scope) -> pw.Node:
    """All flags of the right operand are set on the left; null gives null."""
    return scope.build.dialect.has(plain(left, scope), plain(right, scope))


# --- operations ------------------------------------------------------------------------------------------

def arithmetic(node: bound.Arithmetic, scope: Scope) -> Operand:
    """add, sub, mul, div, divby, mod: numbers promoted to the type of the result, temporal operands as they are."""
    build = scope.build
    left, right = value(node.left, scope), value(node.right, scope)
    types = stored_type(left.type, build), stored_type(right.type, build)
    numeric = node.type not in ("Edm.DateTimeOffset", "Edm.Date", "Edm.Duration")
    target = node.type if numeric else ""
    return Operand(build.dialect.arithmetic(node.operator, promoted(left, target, build), promoted(right, target, build),
                                            types, node.type), node.type)


def call(node: bound.Call, scope: Scope) -> Operand:
    """A canonical function."""
    build, dialect = scope.build, scope.build.dialect
    if node.name == "now":
        return constant(Slot("now", 0, "Edm.DateTimeOffset"), build)
    if any(is_collection(argument) for argument in node.arguments):
        return members.call(node, scope)
    function = dialect.functions.get(node.name)
    if function is None:
        raise errors.NotImplementedByService(feature=f"Function {node.name}")
    arguments = [value(argument, scope) for argument in node.arguments]
    return Operand(function([promoted(each, "", build) for each in arguments],
                            [stored_type(each.type, build) for each in arguments]), node.type)


def cast(operand: bound.Expression, type_name: str, facets: Any, scope: Scope) -> Operand:
    """`cast` between primitive types; null where it cannot. A dynamic value is taken as what it is."""
    build = scope.build
    found = paths.place(operand, scope)
    if isinstance(found, Json) and found.dynamic:
        return paths.operand(found, build, type_name)
    given = paths.operand(found, build) if found is not None else value(operand, scope)
    source, target = stored_type(given.type, build), stored_type(type_name, build)
    return Operand(build.dialect.cast(promoted(given, "", build), source, target, facets), type_name)



"""Common expressions: every operand gets its type, literals the type of what stands beside them.

Operators follow the tables below; a null literal is null in arithmetic and canonical functions. Raises TypeMismatch,
UnknownProperty, UnknownType, UnknownFunction with the position; NotImplementedByService for what this service lacks.
URL Conventions §5.1.1.
"""

from __future__ import annotations

from app import errors
from app.bind import member, nodes
from app.bind.functions import COLLECTION, FUNCTIONS, OFFSET_SENSITIVE, SAME, Signature
from app.bind.literal import Syntax, bind_exactly, bind_literal, make
from app.bind.scope import Scope, describe, is_collection
from app.edm import types
from app.edm.index import Model
from app.edm.model import EnumType, TypeRef
from app.url import nodes as url

BOOLEAN = "Edm.Boolean"
NULL = nodes.Literal(None, "null")
EQUALITY = ("eq", "ne")
COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
ONLY_NULL = types.GEO | {"Edm.Binary", "Edm.Stream"}          # §5.1.1.1: compare with nothing but null
ORDERED = types.PRIMITIVES - ONLY_NULL
DYNAMIC = ("Edm.Untyped", "Edm.PrimitiveType")

# §5.1.1.2: what temporal operands give; every pair that is in neither table nor numeric is ill-typed.
TEMPORAL = {
    ("add", "Edm.DateTimeOffset", "Edm.Duration"): "Edm.DateTimeOffset",
    ("add", "Edm.Date", "Edm.Duration"): "Edm.Date",
    ("add", "Edm.Duration", "Edm.Duration"): "Edm.Duration",
    ("sub", "Edm.DateTimeOffset", "Edm.Duration"): "Edm.DateTimeOffset",
    ("sub", "Edm.Date", "Edm.Duration"): "Edm.Date",
    ("sub", "Edm.Duration", "Edm.Duration"): "Edm.Duration",
    ("sub", "Edm.DateTimeOffset", "Edm.DateTimeOffset"): "Edm.Duration",
    ("sub", "Edm.Date", "Edm.Date"): "Edm.Duration",
}


def bind_expression(syntax: url.Expression, scope: Scope) -> nodes.Expression:
    """The typed form of an expression."""
    match syntax:
        case url.Path():
            return member.bind_path(syntax, scope)
        case url.Literal() | url.Parameter():
            return bind_literal(syntax, None, scope.model)
        case url.Binary(operator):
            if operator in COMPARISONS:
                return _comparison(syntax, scope)
            if operator in ("and", "or"):
                return _logic(syntax, scope)
            if operator == "in":
                return _membership(syntax, scope)
            if operator == "has":
                return _has(syntax, scope)
            return _arithmetic(syntax, scope)
        case url.Unary("not", operand):
            return nodes.Not(bind_boolean(operand, scope))
        case url.Unary(_, operand):
            return _negation(bind_expression(operand, scope), syntax)
        case url.Call():
            return _call(syntax, scope)
        case url.CaseCall():
            return _case(syntax, scope)
        case url.Alias(name, position):
            value, context = scope.alias(name, position)
            return NULL if value is None else bind_expression(value, context)
        case url.ArrayLiteral(items):
            return list_value([bind_expression(item, scope) for item in items], scope.model)
        case url.ObjectLiteral(members):
            bound = tuple((name, bind_expression(value, scope)) for name, value in members)
            return nodes.ObjectValue(bound, "Edm.Untyped")
        case _:
            raise errors.BindError(reason=f"{type(syntax).__name__} is no operand here", position=syntax.position)


def bind_boolean(syntax: url.Expression, scope: Scope) -> nodes.Expression:
    """An expression that must be Boolean (or null, or dynamic)."""
    node = bind_expression(syntax, scope)
    if node.type == BOOLEAN and not is_collection(node):
        return node
    if is_null(node):
        return node
    if node.type in DYNAMIC and not is_collection(node):
        return nodes.Cast(node, BOOLEAN)
    raise errors.TypeMismatch(reason=f"The expression must be Boolean, not {describe(node)}",
                              position=position_of(syntax))


def is_null(node: nodes.Expression) -> bool:
    """Whether the node is the null literal, or is null because it was applied to it."""
    return isinstance(node, nodes.Literal) and node.value is None


def position_of(syntax: url.Expression) -> int:
    """Where an expression begins."""
    while isinstance(syntax, url.Binary):
        syntax = syntax.left
    return syntax.position


# --- pairs of operands -----------------------------------------------------------------------------------

def literal_of(syntax: url.Expression, scope: Scope) -> Syntax | None:
    """The literal that an operand is, directly or by an alias."""
    while isinstance(syntax, url.Alias):
        value, scope = scope.alias(syntax.name, syntax.position)
        if value is None:
            return url.Literal("null", "null", None, syntax.position)
        syntax = value
    return syntax if isinstance(syntax, url.Literal | url.Parameter) else None


def bind_beside(syntax: url.Expression, other: nodes.Expression, scope: Scope) -> nodes.Expression:
    """An operand beside one that is bound: a literal takes its type, an array its item type, a bare name may be a
    member of its enumeration, where no property has that name."""
    literal = literal_of(syntax, scope)
    if literal is not None:
        return bind_literal(literal, other.type, scope.model)
    if isinstance(syntax, url.ArrayLiteral) and is_collection(other):
        return bind_value(syntax, TypeRef(other.type, True), scope)
    enum = scope.model.types.get(other.type)
    if isinstance(enum, EnumType) and isinstance(syntax, url.Path) and not syntax.root and len(syntax.steps) == 1:
        step = syntax.steps[0]
        if isinstance(step, url.NameStep) and step.arguments is None and not member.is_known(step.name, scope):
            literal = url.Literal("string", step.name, None, step.position)
            return make(literal, enum.name, scope.model)
    return bind_expression(syntax, scope)


def _pair(syntax: url.Binary, scope: Scope) -> tuple[nodes.Expression, nodes.Expression]:
    if literal_of(syntax.left, scope) is None:
        left = bind_expression(syntax.left, scope)
        return left, bind_beside(syntax.right, left, scope)
    if literal_of(syntax.right, scope) is None:
        right = bind_expression(syntax.right, scope)
        return bind_beside(syntax.left, right, scope), right
    left = bind_expression(syntax.left, scope)
    right = bind_beside(syntax.right, left, scope)
    return bind_beside(syntax.left, right, scope), right


def common_type(left: str, right: str, model: Model) -> str | None:
    """The type that two types are compared in, None where there is none (§5.1.1.18)."""
    if left == right or right == "null" or right in DYNAMIC:
        return left
    if left == "null" or left in DYNAMIC:
        return right
    promoted = types.promote(left, right)
    if promoted is not None:
        return promoted
    if model.structured(left) or model.structured(right):
        if model.is_a(left, right):
            return right
        return left if model.is_a(right, left) else None
    if left in types.GEO and right in types.GEO:
        return left if left.startswith(right) or right.startswith(left) else None
    return None


def _mismatch(operator: str, left: nodes.Expression, right: nodes.Expression, position: int) -> errors.TypeMismatch:
    return errors.TypeMismatch(reason=f"'{operator}' does not take {describe(left)} and {describe(right)}",
                               position=position)


# --- comparison and logic --------------------------------------------------------------------------------

def _comparison(syntax: url.Binary, scope: Scope) -> nodes.Expression:
    left, right = _pair(syntax, scope)
    return compare(syntax.operator, left, right, scope.model, syntax.position)


def compare(operator: str, left: nodes.Expression, right: nodes.Expression, model: Model,
            position: int = 0) -> nodes.Expression:
    """`left operator right` with the type that both are compared in (§5.1.1.1)."""
    common = common_type(left.type, right.type, model)
    if common in ORDERED and not is_collection(left) and not is_collection(right):
        return nodes.Compare(operator, left, right, common)
    nulls = is_null(left) + is_null(right)
    if nulls == 2:
        return nodes.Compare(operator, left, right, "null")
    if nulls == 1 and is_collection(right if is_null(left) else left):
        return nodes.Literal(operator == "ne", BOOLEAN)                 # a collection is never null
    kind = _operand_kind(left, right, common, model)
    if kind is None or (kind in ("entity", "complex", "collection") or kind in ONLY_NULL) and operator not in EQUALITY:
        raise _mismatch(operator, left, right, position)
    if kind in ONLY_NULL and not nulls:
        raise errors.TypeMismatch(reason=f"Values of {kind} can be compared with null only", position=position)
    return nodes.Compare(operator, left, right, kind)


def _operand_kind(left: nodes.Expression, right: nodes.Expression, common: str | None, model: Model) -> str | None:
    if common is None or is_collection(left) != is_collection(right):
        return None
    if is_collection(left):
        return "collection"
    kind = model.kind(common)
    return kind if kind in ("entity", "complex") else common


def _logic(syntax: url.Binary, scope: Scope) -> nodes.Expression:
    operands: list[nodes.Expression] = []
    _flatten(syntax, syntax.operator, scope, operands)
    return nodes.Logic(syntax.operator, tuple(operands))


def _flatten(syntax: url.Expression, operator: str, scope: Scope, operands: list[nodes.Expression]) -> None:
    while isinstance(syntax, url.Binary) and syntax.operator == operator:
        _flatten(syntax.left, operator, scope, operands)
        syntax = syntax.right
    operands.append(bind_boolean(syntax, scope))


def _membership(syntax: url.Binary, scope: Scope) -> nodes.Expression:
    right = syntax.right
    if isinstance(right, url.Alias):
        value, context = scope.alias(right.name, right.position)
        if isinstance(value, url.ListExpression | url.ArrayLiteral | url.ParameterList):
            right, scope_right = value, context
        else:
            scope_right = scope
    else:
        scope_right = scope
    if isinstance(right, url.ParameterList):
        operand = bind_expression(syntax.left, scope)
        return _in_parameters(operand, right, scope.model)
    if isinstance(right, url.ListExpression | url.ArrayLiteral):
        return _in_list(syntax, right.items, scope, scope_right)
    items = bind_expression(right, scope)
    operand = bind_beside(syntax.left, items, scope)
    common = common_type(operand.type, items.type, scope.model)
    if not is_collection(items):
        raise errors.TypeMismatch(reason=f"The right side of 'in' is a list like (1,2) or a collection, not {describe(items)}",
                                  position=syntax.position)
    if is_collection(operand) or common is None:
        raise _mismatch("in", operand, items, syntax.position)
    kind = scope.model.kind(common)
    return nodes.In(operand, items, kind if kind in ("entity", "complex") else common)


def _in_list(syntax: url.Binary, items: tuple[url.Expression, ...], scope: Scope,
             scope_right: Scope) -> nodes.Expression:
    if literal_of(syntax.left, scope) is None or not items:
        operand = bind_expression(syntax.left, scope)
    else:
        operand = bind_beside(syntax.left, bind_expression(items[0], scope_right), scope)
    bound = tuple(bind_beside(item, operand, scope_right) for item in items)
    common: str | None = operand.type
    for item in bound:
        common = None if common is None else common_type(common, item.type, scope.model)
        if common is None or is_collection(item) != is_collection(operand) and not is_null(item):
            raise _mismatch("in", operand, item, syntax.position)
    assert common is not None
    kind = "collection" if is_collection(operand) else scope.model.kind(common)
    return nodes.In(operand, bound, kind if kind in ("collection", "entity", "complex") else common)


def _in_parameters(operand: nodes.Expression, items: url.ParameterList, model: Model) -> nodes.Expression:
    common = operand.type
    for kind, name, reach in items.kinds:
        item = bind_literal(url.Parameter(items.index, kind, name, reach, items.position), operand.type, model)
        joint = common_type(common, item.type, model)
        if joint is None or is_collection(operand):
            raise _mismatch("in", operand, item, items.position)
        common = joint
    return nodes.In(operand, nodes.ParameterList(items.index, common, items.has_null), common)


def _has(syntax: url.Binary, scope: Scope) -> nodes.Expression:
    left = bind_expression(syntax.left, scope)
    right = bind_beside(syntax.right, left, scope)
    if is_null(left) and (is_null(right) or scope.model.enum_type(right.type) is not None):
        return nodes.Literal(None, "Edm.Boolean")
    if scope.model.enum_type(left.type) is None or right.type not in (left.type, "null") or is_collection(left):
        raise _mismatch("has", left, right, syntax.position)
    return nodes.Has(left, right)


# --- arithmetic ------------------------------------------------------------------------------------------

def _arithmetic(syntax: url.Binary, scope: Scope) -> nodes.Expression:
    operator = syntax.operator
    left, right = _pair(syntax, scope)
    left, right = _duration(left, right, syntax.left, scope), _duration(right, left, syntax.right, scope)
    if is_collection(left) or is_collection(right):
        raise _mismatch(operator, left, right, syntax.position)
    if left.type in DYNAMIC:
        left = nodes.Cast(left, _number_beside(right.type))
    if right.type in DYNAMIC:
        right = nodes.Cast(right, _number_beside(left.type))
    result = arithmetic_type(operator, left.type, right.type)
    if result is None:
        raise _mismatch(operator, left, right, syntax.position)
    if result == "null":
        return nodes.Literal(None, result)
    return nodes.Arithmetic(operator, left, right, result)


def as_number(node: nodes.Expression) -> nodes.Expression:
    """What is summed up: a value of no declared type as the number that it may be; any other as it is."""
    return nodes.Cast(node, "Edm.Double") if node.type in DYNAMIC and not is_collection(node) else node


def _number_beside(other: str) -> str:
    """The type of a dynamic number beside another operand: exact beside what is exact, and never cut to an integer."""
    return "Edm.Decimal" if other in types.INTEGERS or other == "Edm.Decimal" else "Edm.Double"


def _duration(node: nodes.Expression, other: nodes.Expression, syntax: url.Expression,
              scope: Scope) -> nodes.Expression:
    """A string literal beside a date is a duration without its prefix (§5.1.1.14.1)."""
    if node.type == "Edm.String" and other.type in ("Edm.DateTimeOffset", "Edm.Date"):
        literal = literal_of(syntax, scope)
        if literal is not None:
            return make(literal, "Edm.Duration", scope.model)
    return node


def arithmetic_type(operator: str, left: str, right: str) -> str | None:
    """The type of the result, None for a pair that the operator does not take (§5.1.1.2).

    Integers are computed as Int32 at least; `divby` of integers is Decimal.
    """
    if left == "null" or right == "null":
        return "null"           # what null stands for is open, so is the result
    promoted = types.promote(left, right)
    if promoted is not None:
        if promoted in types.INTEGERS:
            if operator == "divby":
                return "Edm.Decimal"
            return "Edm.Int64" if promoted == "Edm.Int64" else "Edm.Int32"
        return promoted
    if operator in ("mul", "div", "divby") and left == "Edm.Duration" and right in types.NUMBERS:
        return left
    if operator == "mul" and right == "Edm.Duration" and left in types.NUMBERS:
        return right
    return TEMPORAL.get((operator, left, right))


def _negation(operand: nodes.Expression, syntax: url.Unary) -> nodes.Expression:
    if is_null(operand):
        return operand
    if operand.type in DYNAMIC:
        operand = nodes.Cast(operand, "Edm.Double")
    if is_collection(operand) or operand.type not in types.NUMBERS | {"Edm.Duration"}:
        raise errors.TypeMismatch(reason=f"'-' does not take {describe(operand)}", position=syntax.position)
    return nodes.Negate(operand, arithmetic_type("sub", operand.type, operand.type) or operand.type)


# --- calls -----------------------------------------------------------------------------------------------

def _call(syntax: url.Call, scope: Scope) -> nodes.Expression:
    name = syntax.name
    if name in ("cast", "isof"):
        return _cast(syntax, scope)
    if name == "isdefined":
        return member.is_defined(syntax, scope)
    rows = FUNCTIONS.get(name)
    if rows is None:
        raise errors.UnknownFunction(name=name, hint=errors.closest(name, FUNCTIONS), position=syntax.position)
    literals = [literal_of(argument, scope) for argument in syntax.arguments]
    given = [bind_expression(argument, scope) for argument in syntax.arguments]
    given = [NULL if node.type == "null" else _array_beside(argument, node, given, scope)
             for argument, node in zip(syntax.arguments, given)]
    for row in rows:
        if len(row.arguments) == len(given) and all(
                _takes(wanted, node, literal) for wanted, node, literal in zip(row.arguments, given, literals)):
            return _called(name, row, given, literals, scope)
    found = ",".join(describe(node) for node in given)
    expected = " or ".join(f"({','.join(row.arguments)})" for row in rows)
    raise errors.TypeMismatch(reason=f"{name} takes {expected}, not ({found})", position=syntax.position)


def _array_beside(syntax: url.Expression, node: nodes.Expression, given: list[nodes.Expression],
                  scope: Scope) -> nodes.Expression:
    """An argument; an array literal takes its item type from the other collection."""
    if not isinstance(syntax, url.ArrayLiteral):
        return node
    other = next((each for each in given if is_collection(each) and not isinstance(each, nodes.ListValue)), None)
    return node if other is None else bind_beside(syntax, other, scope)


def _takes(wanted: str, node: nodes.Expression, literal: Syntax | None) -> bool:
    if is_null(node):
        return True
    if wanted == COLLECTION or is_collection(node):
        return wanted == COLLECTION and is_collection(node)
    found = node.type
    if found == wanted or found in DYNAMIC:
        return True
    if wanted == "Edm.Int32":
        return found in types.INTEGERS
    if wanted == "Edm.Decimal":
        return found in types.INTEGERS
    if wanted == "Edm.Double":
        return found in types.NUMBERS
    if wanted == "Edm.Duration":
        return literal is not None and literal.kind == "string"
    return found in ("Edm.Geography", "Edm.Geometry") and wanted.startswith(found)


def _called(name: str, row: Signature, given: list[nodes.Expression], literals: list[Syntax | None],
            scope: Scope) -> nodes.Expression:
    arguments = list(given)
    for index, (wanted, node) in enumerate(zip(row.arguments, given)):
        literal = literals[index]
        if node.type in DYNAMIC and wanted != COLLECTION:
            arguments[index] = nodes.Cast(node, wanted)
        elif literal is not None and wanted in ("Edm.Decimal", "Edm.Double", "Edm.Duration") and node.type != "null":
            arguments[index] = make(literal, wanted, scope.model)
        if literal is not None and name in OFFSET_SENSITIVE and _has_offset(literal):
            raise errors.BindError(f"{name} of a literal in another offset than Z cannot be evaluated: this service "
                                   "keeps values in UTC", position=literal.position)
        if name == "substring" and index == 2 and isinstance(literal, url.Literal) and literal.text.startswith("-"):
            raise errors.BindError("The length in substring must not be negative", position=literal.position)
        if name == "totaloffsetminutes" and isinstance(literal, url.Literal) and _has_offset(literal):
            return nodes.Literal(types.offset_minutes(literal.text), row.result)
    result = given[0].type if row.result == SAME else row.result
    if any(is_null(node) for node in arguments):
        return nodes.Literal(None, "null" if row.collection else result)
    return nodes.Call(name, tuple(arguments), result, row.collection)


def _has_offset(literal: Syntax) -> bool:
    if literal.kind == "dateTimeOffset" and isinstance(literal, url.Literal):
        return not literal.text.endswith(("Z", "+00:00", "-00:00"))
    return literal.kind == "dateTimeOffset+"


def _cast(syntax: url.Call, scope: Scope) -> nodes.Expression:
    """`cast` and `isof`; without an expression they take the current instance."""
    target = syntax.arguments[-1]
    if not isinstance(target, url.TypeName):
        raise errors.BindError(f"{syntax.name} needs a type name", position=syntax.position)
    operand = bind_expression(syntax.arguments[0], scope) if len(syntax.arguments) == 2 else scope.this
    model = scope.model
    ref = type_named(target.name, model, target.position)
    kind = model.kind(ref.name)
    collection = target.collection or is_collection(operand)
    if kind in ("entity", "complex"):
        related = model.is_a(ref.name, operand.type) or model.is_a(operand.type, ref.name) or operand.type in DYNAMIC
        if not (related or is_null(operand)):
            if syntax.name == "isof":
                return nodes.Literal(False, BOOLEAN)
            raise _uncastable(operand, ref, target.position)
        if syntax.name == "cast":
            return operand if is_null(operand) else nodes.CastPath(operand, ref.name, collection)
    if syntax.name == "isof":
        return nodes.IsOf(operand, ref.name, collection)
    if is_null(operand):
        return nodes.Literal(None, ref.name)
    if kind not in ("entity", "complex") and model.kind(operand.type) in ("entity", "complex"):
        raise _uncastable(operand, ref, target.position)
    facets = ref if ref != TypeRef(ref.name) else None
    return nodes.Cast(operand, ref.name, facets, collection)


def _uncastable(operand: nodes.Expression, ref: TypeRef, position: int) -> errors.TypeMismatch:
    return errors.TypeMismatch(reason=f"{describe(operand)} cannot be cast to {ref.name}", position=position)


def type_named(name: str, model: Model, position: int) -> TypeRef:
    """The type of this name with the facets of its definition; raises UnknownType."""
    if name in types.PRIMITIVES or name in ("Edm.Untyped", "Edm.PrimitiveType", "Edm.ComplexType", "Edm.EntityType"):
        return TypeRef(name)
    found = model.type(name)
    if found is None:
        known = [*model.types, *types.PRIMITIVES]
        raise errors.UnknownType(name=name, hint=errors.closest(name, known), position=position)
    return model.underlying(TypeRef(found.name))


def _case(syntax: url.CaseCall, scope: Scope) -> nodes.Expression:
    conditions = [bind_boolean(condition, scope) for condition, _ in syntax.branches]
    values = [bind_expression(value, scope) for _, value in syntax.branches]
    common: str | None = "null"
    for literals in (False, True):          # literals take the type of the other results
        for index, (_, value) in enumerate(syntax.branches):
            if (literal_of(value, scope) is not None) == literals and common is not None:
                if literals and common != "null":
                    values[index] = bind_beside(value, nodes.This(common), scope)
                common = common_type(common, values[index].type, scope.model)
    if common is None or any(is_collection(value) for value in values):
        found = ", ".join(describe(value) for value in values)
        raise errors.TypeMismatch(reason=f"The results of case are of incompatible types: {found}",
                                  position=syntax.position)
    return NULL if common == "null" else nodes.Case(tuple(zip(conditions, values)), common)


# --- values of a given type ------------------------------------------------------------------------------

def list_value(items: list[nodes.Expression], model: Model) -> nodes.ListValue:
    """A collection literal whose item type follows from its items; Edm.Untyped where they have none in common."""
    common: str | None = "null"
    for item in items:
        common = None if common is None else common_type(common, item.type, model)
    return nodes.ListValue(tuple(items), "Edm.Untyped" if common in (None, "null") else common or "Edm.Untyped")


def bind_value(syntax: url.Expression, ref: TypeRef, scope: Scope, what: str = "The value",
               json: bool = False) -> nodes.Expression:
    """An expression that must be assignable to the type `ref`: a parameter value, a key value, a member in JSON.

    Raises TypeMismatch naming `what`, which also holds for null where `ref` is not nullable.
    """
    model = scope.model
    ref = model.underlying(ref)
    wanted = model.full(ref.name)
    if isinstance(syntax, url.Alias):
        value, context = scope.alias(syntax.name, syntax.position)
        if value is None:
            value = url.Literal("null", "null", None, syntax.position)
        return bind_value(value, ref, context, what, json)
    if isinstance(syntax, url.Literal | url.Parameter):
        if syntax.kind == "null":
            if ref.nullable is False or ref.collection:
                raise errors.TypeMismatch(reason=f"{what} must not be null", position=syntax.position)
            return NULL
        if ref.collection or model.structured(wanted):
            raise errors.TypeMismatch(reason=f"{what} must be of type {ref}", position=syntax.position)
        return bind_exactly(syntax, wanted, model, json)
    if isinstance(syntax, url.ArrayLiteral | url.ListExpression) and (ref.collection or wanted in DYNAMIC):
        item = TypeRef(ref.name, False, ref.nullable, ref.max_length, ref.precision, ref.scale)
        return nodes.ListValue(tuple(bind_value(each, item, scope, what, True) for each in syntax.items), wanted)
    if isinstance(syntax, url.ObjectLiteral) and not ref.collection and (model.structured(wanted) or wanted in DYNAMIC):
        return _object(syntax, wanted, scope)
    node = bind_beside(syntax, nodes.This(wanted), scope)
    fits = node.type == wanted or wanted in DYNAMIC or node.type in DYNAMIC or model.is_a(node.type, wanted) or (
        types.promote(node.type, wanted) == wanted) or (node.type in types.INTEGERS and wanted in types.INTEGERS)
    if not fits or is_collection(node) != ref.collection:
        raise errors.TypeMismatch(reason=f"{what} must be of type {ref}, not {describe(node)}",
                                  position=position_of(syntax))
    return nodes.Cast(node, wanted) if node.type in DYNAMIC and wanted not in DYNAMIC else node


def _object(syntax: url.ObjectLiteral, type_name: str, scope: Scope) -> nodes.Expression:
    """A structured literal; `@type` may name a derived type, other control information is kept as it is."""
    model = scope.model
    for name, value in syntax.members:
        if name in ("@type", "@odata.type") and isinstance(value, url.Literal):
            found = model.structured(value.text.removeprefix("#"))
            if found is None or not (model.is_a(found.name, type_name) or type_name in DYNAMIC):
                raise errors.UnknownType(name=value.text, position=syntax.position)
            type_name = found.name
    members = []
    properties, navigations = model.properties(type_name), model.navigations(type_name)
    for name, value in syntax.members:
        if "@" in name or type_name in DYNAMIC:
            members.append((name, bind_expression(value, scope)))
        elif name in properties:
            members.append((name, bind_value(value, properties[name].type, scope, f"'{name}'", True)))
        elif name in navigations:
            target = navigations[name]
            members.append((name, bind_value(value, TypeRef(target.type, target.collection), scope, f"'{name}'", True)))
        elif model.is_open(type_name):
            members.append((name, bind_expression(value, scope)))
        else:
            raise member.unknown_member(type_name, name, model, syntax.position)
    return nodes.ObjectValue(tuple(members), type_name)

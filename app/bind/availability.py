"""Availability: Core.OperationAvailable as a condition over what an operation is bound to.

The annotation is written as the text of a `$filter` and bound like one: paths begin with the name of the binding parameter, or
at the container (CSDL §14.4.1.2). Raises NotImplementedByService for an expression that has no such text.
"""

from __future__ import annotations

from app import errors
from app.bind import nodes
from app.bind.expression import bind_boolean
from app.bind.scope import Scope
from app.edm import types, vocabularies
from app.edm.expressions import (Apply, Cast, Collection, Constant, EnumMember, Expression, If, IsOf, Null, Operator,
                                 PathExpression)
from app.edm.index import Model, Operation
from app.url import parse_expression

PREFIXED = {"Binary": "binary", "Duration": "duration"}
SINGLE = "Edm.Boolean"


def available(model: Model, operation: Operation) -> bool | nodes.Expression:
    """Whether an overload can be invoked: always, never, or where a condition over its binding parameter holds."""
    value = vocabularies.availability(model, operation)
    if value is None:
        return True
    if isinstance(value, Constant) and value.kind == "Bool":
        return value.text == "true"
    bound = operation.parameters[0] if operation.bound else None
    type = SINGLE if bound is None or bound.type.collection else model.full(model.underlying(bound.type).name)
    try:
        name = bound.name if bound is not None and not bound.type.collection else ""
        return bind_boolean(parse_expression(text(model, value, name)), Scope(model, type, nodes.This(type)))
    except errors.NotImplementedByService:
        raise
    except errors.ODataError as error:
        raise errors.NotImplementedByService(f"Nobody can tell whether '{operation.name}' is available: {error.text}") from None


def text(model: Model, value: Expression | None, name: str) -> str:
    """An annotation expression as an expression of a URL; `name`: the binding parameter that paths begin with."""
    def inner(each: Expression | None) -> str:
        return text(model, each, name)

    match value:
        case Constant("String", content):
            return types.literal("Edm.String", content)
        case Constant(kind, content):
            return f"{PREFIXED[kind]}'{content}'" if kind in PREFIXED else content
        case EnumMember(members):
            return members[0].rpartition("/")[0] + "'" + ",".join(each.rpartition("/")[2] for each in members) + "'"
        case PathExpression("Path", path):
            return path_text(model, path, name)
        case Null():
            return "null"
        case Operator("Not", (operand,)):
            return f"not ({inner(operand)})"
        case Operator("Neg", (operand,)):
            return f"-({inner(operand)})"
        case Operator("In", (operand, Collection(items))):
            return f"{inner(operand)} in ({','.join(map(inner, items))})"
        case Operator(operator, operands):
            return "(" + f" {operator.lower()} ".join(map(inner, operands)) + ")"
        case If(condition, then, otherwise):
            return f"case({inner(condition)}:{inner(then)},true:{inner(otherwise) if otherwise is not None else 'null'})"
        case Cast(type, operand, False):
            return f"cast({inner(operand)},{type})"
        case IsOf(type, operand, False):
            return f"isof({inner(operand)},{type})"
        case Apply(function, arguments) if function.startswith("odata."):
            return f"{function.removeprefix('odata.')}({','.join(map(inner, arguments))})"
    raise errors.NotImplementedByService(feature="An availability that is said in this way")


def path_text(model: Model, path: str, name: str) -> str:
    """A path of an annotation as one of a URL."""
    first, _, rest = path.partition("/")
    if not first:
        container, _, rest = rest.partition("/")
        if model.container is None or model.full(container) != model.container.name:
            raise errors.NotImplementedByService(feature=f"The path {path} in an availability")
        return f"$root/{rest}"
    if first == name and name:
        return rest or "$it"
    raise errors.NotImplementedByService(feature=f"The path {path} in an availability")

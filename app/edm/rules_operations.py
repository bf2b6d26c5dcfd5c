"""Rules of actions and functions: overloads, parameters, entity set paths (CSDL §12)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.edm.check import Check, Hit, hit
from app.edm.expressions import Constant
from app.edm.findings import declare
from app.edm.model import Action, Annotation, Function, NavigationProperty, binding_type

declare(
    ("operation-kind", "error", "§12.1, §12.3", "'{name}' is an action and a function", "Rename one of them."),
    ("operation-binding", "error", "§12.9", "'{name}' is bound and has no parameter",
     "The first parameter is the binding parameter."),
    ("parameter-twice", "error", "§12.9", "'{name}' has two parameters '{parameter}'", "Rename one of them."),
    ("parameter-stream", "error", "§4.4", "The parameter '{parameter}' of '{name}' is a stream",
     "Only a binding parameter can be one."),
    ("parameter-optional-order", "error", "§12.9",
     "'{parameter}' of '{name}' is required and follows an optional parameter",
     "Put required parameters first."),
    ("parameter-optional-binding", "error", "§12.9", "The binding parameter of '{name}' is optional",
     "Remove the annotation."),
    ("action-unbound-twice", "error", "§12.2", "The unbound action '{name}' is declared twice",
     "Unbound actions have no overloads."),
    ("action-bound-twice", "error", "§12.2", "The action '{name}' is bound to {type} twice",
     "Overloads differ in their binding parameter type."),
    ("function-return", "error", "§12.3", "The function '{name}' returns nothing", "Give it a return type."),
    ("function-overload-names", "error", "§12.4", "Two overloads of '{name}' have the same parameter names",
     "Overloads differ in the names of their parameters."),
    ("function-overload-types", "error", "§12.4", "Two overloads of '{name}' have the same parameter types",
     "Overloads differ in the types of their parameters."),
    ("function-overload-return", "error", "§12.4", "An overload of '{name}' returns {type}, another one {other}",
     "Overloads with the same binding return the same type."),
    ("set-path-unbound", "error", "§12.6", "'{name}' is not bound and has an entity set path",
     "Use the EntitySet of its import."),
    ("set-path-return", "error", "§12.6", "'{name}' returns no entity and has an entity set path", "Remove the path."),
    ("set-path-start", "error", "§12.6",
     "The entity set path '{path}' does not start with the binding parameter '{parameter}'",
     "Begin with the name of the binding parameter."),
    ("set-path-binding", "error", "§12.6",
     "The entity set path '{path}' starts at a binding parameter that is no entity",
     "Bind to an entity or a collection of entities."),
    ("set-path-segment", "error", "§12.6", "'{segment}' of the entity set path '{path}' does not exist",
     "Correct the path."),
    ("set-path-end", "error", "§12.6",
     "The entity set path '{path}' ends at '{segment}', which is no navigation property",
     "End with a navigation property."),
    ("set-path-type", "error", "§12.6", "The entity set path '{path}' leads to {type}, '{name}' returns {returned}",
     "Both belong to the same hierarchy."),
)

_OPTIONAL = "Org.OData.Core.V1.OptionalParameter"


def check(context: Check) -> Iterator[Hit]:
    """Every hit among the operations of the document."""
    for schema in context.model.schemas:
        functions = {each.name for each in schema.functions}
        for action in schema.actions:
            if action.name in functions:
                yield hit("operation-kind", action, name=action.name)
        for operation in schema.operations:
            yield from signature(context, operation)
            if operation.entity_set_path is not None:
                yield from set_path(context, operation, operation.entity_set_path)
        yield from action_overloads(schema.actions)
        yield from function_overloads(schema.functions)


def signature(context: Check, operation: Action | Function) -> Iterator[Hit]:
    """Binding, parameters and return type of one overload."""
    name = operation.name
    if operation.bound and not operation.parameters:
        yield hit("operation-binding", operation, name=name)
    if isinstance(operation, Function) and operation.returns is None:
        yield hit("function-return", operation, name=name)
    seen: set[str] = set()
    optional = False
    for index, parameter in enumerate(operation.parameters):
        binding = operation.bound and index == 0
        if parameter.name in seen:
            yield hit("parameter-twice", parameter, name=name, parameter=parameter.name)
        seen.add(parameter.name)
        if not binding and not parameter.type.collection and context.primitive(parameter.type) == "Edm.Stream":
            yield hit("parameter-stream", parameter, name=name, parameter=parameter.name)
        if _is_optional(parameter.annotations):
            optional = True
            if binding:
                yield hit("parameter-optional-binding", parameter, name=name)
        elif optional and not binding:
            yield hit("parameter-optional-order", parameter, name=name, parameter=parameter.name)


def _is_optional(annotations: tuple[Annotation, ...]) -> bool:
    return any(each.term == _OPTIONAL and each.value != Constant("Bool", "false") for each in annotations)


# --- overloads -------------------------------------------------------------------------------------------

def action_overloads(actions: tuple[Action, ...]) -> Iterator[Hit]:
    """Actions differ in their binding parameter type; unbound ones have no overloads."""
    seen: set[tuple[str, str | None]] = set()
    for action in actions:
        bound = binding_type(action)
        if (action.name, bound) in seen:
            if bound is None:
                yield hit("action-unbound-twice", action, name=action.name)
            else:
                yield hit("action-bound-twice", action, name=action.name, type=bound)
        seen.add((action.name, bound))


def function_overloads(functions: tuple[Function, ...]) -> Iterator[Hit]:
    """Functions differ in names and in types of their parameters, and not in what they return."""
    names: set[Any] = set()
    types: set[Any] = set()
    returns: dict[Any, str] = {}
    for function in functions:
        bound = binding_type(function)
        rest = function.parameters[1:] if bound is not None else function.parameters
        by_name = (function.name, bound, frozenset(each.name for each in rest))
        by_type = (function.name, bound, tuple(str(each.type) for each in rest))
        if by_name in names:
            yield hit("function-overload-names", function, name=function.name)
        elif by_type in types:
            yield hit("function-overload-types", function, name=function.name)
        names.add(by_name)
        types.add(by_type)
        if function.returns is not None:
            returned = str(function.returns.type)
            other = returns.setdefault((function.name, bound), returned)
            if other != returned:
                yield hit("function-overload-return", function, name=function.name, type=returned, other=other)


# --- entity set paths ------------------------------------------------------------------------------------

def set_path(context: Check, operation: Action | Function, path: str) -> Iterator[Hit]:
    """An entity set path leads from the binding parameter along navigation to what is returned (§12.6)."""
    name = operation.name
    if not operation.bound:
        yield hit("set-path-unbound", operation, name=name)
        return
    if operation.returns is None or context.kind(operation.returns.type.name) not in ("entity", "unknown"):
        yield hit("set-path-return", operation, name=name)
        return
    if not operation.parameters:
        return
    binding = operation.parameters[0]
    head, _, rest = path.partition("/")
    if head != binding.name:
        yield hit("set-path-start", operation, path=path, parameter=binding.name)
        return
    if context.kind(binding.type.name) not in ("entity", "unknown"):
        yield hit("set-path-binding", operation, path=path)
        return
    reached = binding.type.name
    if context.model.structured(reached) is None or context.unresolved_lineage(reached):
        return
    if rest:
        last: Any = None
        for segment, found in context.walk(reached, rest):
            if found is None:
                yield hit("set-path-segment", operation, path=path, segment=segment)
                return
            last, reached = (last, found) if isinstance(found, str) else (found, _type(found))
        if not isinstance(last, NavigationProperty):
            yield hit("set-path-end", operation, path=path, segment=rest.rpartition("/")[2])
            return
    returned, model = operation.returns.type.name, context.model
    if not (model.is_a(returned, reached) or model.is_a(reached, returned)) and model.structured(returned) is not None:
        yield hit("set-path-type", operation, path=path, type=reached, name=name, returned=returned)


def _type(member: Any) -> str:
    return member.type if isinstance(member, NavigationProperty) else str(member.type.name)

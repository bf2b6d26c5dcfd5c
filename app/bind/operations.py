"""Operations: which overload a call means, and its arguments as typed expressions.

An overload is found by name, binding type (nearest first) and the set of parameter names: an exact set first, then one
that omits optional parameters only. Protocol §11.5.4.2, §11.5.5.2; URL Conventions §4.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app import errors
from app.edm import vocabularies
from app.edm.index import Model, Operation
from app.edm.model import Action, Function, Parameter


@dataclass(frozen=True, slots=True)
class Binding:
    """What an operation is to be bound to. `source`, `link`: the set that it is from, the member of a type that leads to it."""

    type: str
    collection: bool
    source: str | None = None
    link: tuple[str, str] | None = None


def parameters(operation: Operation) -> tuple[Parameter, ...]:
    """The parameters without the binding parameter."""
    return operation.parameters[1:] if operation.bound else operation.parameters


def named(model: Model, name: str, binding: Binding | None) -> tuple[Operation, ...]:
    """The operations that `name` may mean, bound to `binding` or unbound: a qualified name with or without alias, else
    a name in a default namespace; failing those, the same in another case. () where there is none."""
    if "." in name:
        names: Iterable[str] = (model.full(name),)
    else:
        names = [f"{namespace}.{name}" for namespace in model.default_namespaces]
    found = [each for full in names for each in _bound(model, full, binding)]
    if not found and ("." in name or model.default_namespaces):
        folded = {full.casefold() for full in names}
        alike = [full for full in model.operations if full.casefold() in folded]
        found = [each for full in alike for each in _bound(model, full, binding)]
    return tuple(found)


def _bound(model: Model, name: str, binding: Binding | None) -> list[Operation]:
    """The overloads of a full name for the binding, the nearest binding type first."""
    overloads = model.operations.get(name, ())
    if binding is None:
        return [each for each in overloads if not each.bound]
    lineage = model.lineage(binding.type)
    ranked = []
    for each in overloads:
        if each.bound and each.parameters and each.parameters[0].type.collection == binding.collection:
            wanted = model.full(model.underlying(each.parameters[0].type).name)
            if model.is_a(binding.type, wanted) and offered(model, each, binding):
                ranked.append((lineage.index(wanted) if wanted in lineage else len(lineage), each))
    return [each for _, each in sorted(ranked, key=lambda item: item[0])]


def offered(model: Model, operation: Operation, binding: Binding) -> bool:
    """Whether an operation that fits by its type is bound there (Core.RequiresExplicitBinding)."""
    return not vocabularies.bound_explicitly(model, operation) or model.full(operation.name) in vocabularies.explicit_bindings(
        model, binding.type, binding.source, binding.link)


def choose(model: Model, candidates: tuple[Operation, ...], names: Iterable[str], position: int = 0) -> Operation:
    """The overload among `candidates` (same name, nearest first) that takes exactly these parameter names.

    An action takes its parameters in the body, so the first candidate that is one is chosen. Raises BindError when no
    overload fits, or several do by leaving out optional parameters.
    """
    given = set(names)
    for each in candidates:
        if isinstance(each, Action) or {parameter.name for parameter in parameters(each)} == given:
            return each
    fitting = [each for each in candidates if _fits(model, each, given)]
    if fitting:
        nearest = [each for each in fitting if _binding_type(each) == _binding_type(fitting[0])]
        if len(nearest) > 1:
            raise errors.BindError(f"Several overloads of {fitting[0].name} take these parameters", position=position)
        return nearest[0]
    lists = [[parameter.name for parameter in parameters(each)] for each in candidates]
    expected = " or ".join(f"({','.join(names)})" for names in lists)
    known = [name for names in lists for name in names]
    unknown = sorted(given - set(known))
    raise errors.BindError(f"{candidates[0].name} takes the parameters {expected}, not ({','.join(sorted(given))})",
                           hint=errors.closest(unknown[0], known) if unknown else None, position=position)


def _fits(model: Model, operation: Operation, given: set[str]) -> bool:
    own = parameters(operation)
    required = {each.name for each in own if not vocabularies.optional_parameter(model, each)} if own else set()
    return given <= {each.name for each in own} and required <= given


def _binding_type(operation: Operation) -> str:
    return operation.parameters[0].type.name if operation.bound and operation.parameters else ""


def is_function(operation: Operation) -> bool:
    """Whether the operation is a function."""
    return isinstance(operation, Function)

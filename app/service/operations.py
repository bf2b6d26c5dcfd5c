"""Operations and rules: the Python functions beside a model, checked against it at start and called by name.

    operations = Operations()

    @operations.action("ns.approve", bound_to="ns.Order")
    def approve(order, *, context): …

Handlers take the binding parameter (an `Entity`, or a `Selection` for a collection) first, the parameters by name,
and `context`. What they return becomes the answer: None, an `Entity`, a `Selection` or list of entities, a value of
the return type; of an action also `context.accepted(entity)`, which answers 202 with the entity's URL as Location.
Raise `Conflict`, `BadRequest` or any other ODataError to refuse; everything done so far is undone. DESIGN §6.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from app.edm.index import Model, Operation
from app.edm.model import Action, binding_type
from app.errors import ConfigurationError, closest
from app.service.entities import Change
from app.service.selections import Context

if TYPE_CHECKING:
    from app.service.call import Call
    from app.service.response import Response
    from app.service.session import WriteSession

Function = TypeVar("Function", bound=Callable[..., Any])
KINDS = ("create", "update", "delete")


@dataclass(frozen=True, slots=True)
class _Handler:
    name: str
    bound_to: str | None
    is_action: bool
    call: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class _Rule:
    type: str
    kinds: tuple[str, ...]
    call: Callable[..., Any]


class Operations:
    """The handlers and rules of one model."""

    def __init__(self) -> None:
        self._handlers: list[_Handler] = []
        self._rules: list[_Rule] = []
        self._model: Model | None = None
        self._by_operation: dict[tuple[str, str | None], _Handler] = {}
        self._by_type: dict[tuple[str, str], tuple[_Rule, ...]] = {}

    # --- registering -------------------------------------------------------------------------------------

    def action(self, name: str, *, bound_to: str | None = None) -> Callable[[Function], Function]:
        """Register the function that carries out an action; `bound_to`: its binding type, 'ns.T' or
        'Collection(ns.T)'."""
        return self._register(name, bound_to, True)

    def function(self, name: str, *, bound_to: str | None = None) -> Callable[[Function], Function]:
        """Register the function that computes a function of the model."""
        return self._register(name, bound_to, False)

    def _register(self, name: str, bound_to: str | None, is_action: bool) -> Callable[[Function], Function]:
        def register(function: Function) -> Function:
            self._handlers.append(_Handler(name, bound_to, is_action, function))
            return function
        return register

    def rule(self, type: str, *, on: Sequence[str] = KINDS) -> Callable[[Function], Function]:
        """Register `f(change, *, context)` to run before entities of the type (and of derived types) are stored."""
        def register(function: Function) -> Function:
            self._rules.append(_Rule(type, tuple(on), function))
            return function
        return register

    # --- checking ----------------------------------------------------------------------------------------

    def check(self, model: Model) -> None:
        """Compare with the model and get ready for it. Raises ConfigurationError for a handler or rule that the
        model has no place for, or whose parameters differ from the declared ones."""
        self._model, self._by_operation, self._by_type = model, {}, {}
        for handler in self._handlers:
            name, binding = model.full(handler.name), _full(model, handler.bound_to)
            overloads = [each for each in model.overloads(name) if binding_type(each) == binding
                         and isinstance(each, Action) == handler.is_action]
            kind = "action" if handler.is_action else "function"
            if not overloads:
                raise ConfigurationError(
                    f"The model has no {kind} '{handler.name}'" + (f" bound to {handler.bound_to}" if binding else ""),
                    hint=closest(name, model.operations))
            if (name, binding) in self._by_operation:
                raise ConfigurationError(f"Two functions carry out the {kind} '{handler.name}'")
            _check_parameters(handler, overloads)
            self._by_operation[name, binding] = handler
        for rule in self._rules:
            if model.structured(rule.type) is None:
                raise ConfigurationError(
                    f"There is no type '{rule.type}' for a rule", hint=closest(rule.type, model.types))
            if unknown := set(rule.kinds) - set(KINDS):
                raise ConfigurationError(f"A rule cannot run on '{unknown.pop()}'; it runs on {', '.join(KINDS)}")

    # --- rules -------------------------------------------------------------------------------------------

    def rules(self, type: str, kind: str) -> tuple[_Rule, ...]:
        """The rules that run for a type, those of base types first."""
        found = self._by_type.get((type, kind))
        if found is None:
            model = self._model
            lineage = [] if model is None else list(reversed(model.lineage(type)))
            rules = [] if model is None else [(lineage.index(name), rule) for rule in self._rules if kind in rule.kinds
                                              and (name := model.full(rule.type)) in lineage]
            found = self._by_type[type, kind] = tuple(rule for _, rule in sorted(rules, key=lambda pair: pair[0]))
        return found

    def has_rules(self, type: str, kind: str) -> bool:
        """Whether any rule runs for a type."""
        return bool(self._rules) and bool(self.rules(type, kind))

    def apply(self, change: Change, session: WriteSession) -> None:
        """Run the rules for a change."""
        about = change.new or change.old
        for rule in self.rules(about.type, change.kind):
            rule.call(change, context=Context(session))

    # --- operations --------------------------------------------------------------------------------------

    def handler(self, operation: Operation) -> Callable[..., Any] | None:
        """The function that carries out an overload; None where nobody registered one."""
        model = self._model
        name = operation.name if model is None else model.full(operation.name)
        found = self._by_operation.get((name, binding_type(operation)))
        return None if found is None else found.call


def _full(model: Model, bound_to: str | None) -> str | None:
    if bound_to is None:
        return None
    if bound_to.startswith("Collection("):
        return f"Collection({model.full(bound_to[11:-1])})"
    return model.full(bound_to)


def _check_parameters(handler: _Handler, overloads: Iterable[Operation]) -> None:
    """Each declared parameter has a place in the function, and the function asks for nothing else."""
    signature = list(inspect.signature(handler.call).parameters.values())
    takes_all = any(each.kind is each.VAR_KEYWORD for each in signature)
    named = {each.name: each for each in signature if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)}
    if handler.bound_to is not None and signature:
        named.pop(signature[0].name, None)
    known: set[str] = {"context"}
    for overload in overloads:
        names = [each.name for each in overload.parameters[1 if overload.bound else 0:]]
        known.update(names)
        for name in names:
            if name not in named and not takes_all:
                raise ConfigurationError(f"The function for '{handler.name}' has no parameter '{name}'",
                                         hint=closest(name, named))
    for name, each in named.items():
        if name not in known and each.default is each.empty:
            raise ConfigurationError(
                f"The function for '{handler.name}' asks for '{name}', which the model does not declare",
                hint=closest(name, known))
    if "context" not in named and not takes_all:
        raise ConfigurationError(f"The function for '{handler.name}' takes no 'context'")


def load_operations(path: Path | None) -> Operations:
    """The `operations` of a Python file; empty ones without a file. Raises ConfigurationError."""
    if path is None:
        return Operations()
    name = f"_odata_operations_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigurationError(f"The operations file {path} cannot be read")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigurationError(f"The operations file {path} fails: {error}") from error
    found = getattr(module, "operations", None)
    if not isinstance(found, Operations):
        raise ConfigurationError(f"The operations file {path} has no `operations = Operations()`")
    return found


def answer_function(call: Call) -> Response:
    """The answer to a GET of a function, or of a path that goes on behind one."""
    from app.service.invoke import evaluate
    return evaluate(call)

"""Bind: URL syntax + model -> typed request.

Every name gets its declaration, every operand its type, every navigation its set. No SQL, no HTTP, no state, and no
value of a lifted literal: what a request means depends on its shape alone; `literal_value` makes the values later.
Raises BindError and its like (400), UnknownResource (404), NotImplementedByService (501), with `target` naming the path
segment or query option at fault, `position` the offset into it, and the closest valid name in the message.
"""

from __future__ import annotations

from app.bind import nodes
from app.bind.expression import bind_boolean, bind_expression
from app.bind.literal import literal_value
from app.bind.options import bind_options
from app.bind.path import bind_path, bind_reference
from app.bind.scope import DEFAULT_LIMITS, Limits, Scope
from app.bind.show import show
from app.edm.index import Model
from app.errors import ODataError
from app.url import Target, parse_expression

__all__ = ["DEFAULT_LIMITS", "Limits", "Scope", "bind", "bind_expression", "bind_filter", "bind_lifted", "bind_options",
           "bind_path", "bind_reference", "literal_value", "show"]


def bind(target: Target, model: Model, method: str = "GET", limits: Limits = DEFAULT_LIMITS) -> nodes.Request:
    """The typed form of a request target, lifted or not."""
    resource = bind_path(target.segments, model, target.options, method, limits)
    return nodes.Request(resource, bind_options(target.options, resource, model, method, limits), target)


def bind_lifted(lifted: Target, target: Target, model: Model, method: str = "GET",
                limits: Limits = DEFAULT_LIMITS) -> tuple[nodes.Request, bool]:
    """A lifted target bound, and whether the result holds for every target of its shape.

    It does not where the text is needed: custom options may be parameters of a function, a segment with parentheses may
    be a key. Then, and where binding fails (the text makes the better message), `target` itself is bound.
    """
    if not target.options.custom:
        try:
            return bind(lifted, model, method, limits), True
        except ODataError:
            pass
    return bind(target, model, method, limits), False


def bind_filter(text: str, type_name: str, model: Model) -> nodes.Expression:
    """A Boolean expression in URL syntax, over instances of `type_name`."""
    return bind_boolean(parse_expression(text), Scope(model, type_name, nodes.This(type_name)))

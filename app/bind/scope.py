"""Where a name is looked up: the model, the current instance, variables, aliases and added properties.

A `Scope` is a value; entering a lambda, a nested option or a filtered collection makes another one. Also here: the
questions about bound nodes that every part of the binder asks (`is_collection`, `describe`).
URL Conventions §5.1.1.13 to §5.1.1.16.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from app import errors
from app.bind import nodes
from app.edm.index import Model
from app.url import nodes as url


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may grow to: levels of nested `$expand`, expanded paths in all, nested parameter aliases."""

    expand_depth: int = 16
    expands: int = 400
    alias_depth: int = 24


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression sees.

    `it`: the type of the instance that the resource path addresses ('' for none); `this`: the implicit start of paths;
    `at_it`: whether they are the same. `names`: added properties by path ('Total', 'Customer/Country'); `closed`: after
    an aggregation, when the declared properties not among `names` are gone. `aliases`: parameter aliases with the scope
    of their definition. `flatten`: paths may run on through collections (aggregation). `these`: the type of the current
    collection, where it is not that of `this`.
    """

    model: Model
    it: str
    this: nodes.Expression
    at_it: bool = True
    variables: Mapping[str, nodes.Variable] = field(default_factory=lambda: NOTHING)
    names: Mapping[str, nodes.Expression] = field(default_factory=lambda: NOTHING)
    closed: bool = False
    aliases: Mapping[str, Alias] = field(default_factory=lambda: NOTHING)
    limits: Limits = DEFAULT_LIMITS
    alias_depth: int = 0
    flatten: bool = False
    these: str = ""

    @property
    def type(self) -> str:
        """The type of the current instance."""
        return self.this.type

    def inside(self, type_name: str) -> Scope:
        """The scope of the members of a collection of `type_name`, as a nested option or `$filter(…)` sees them."""
        return Scope(self.model, self.it, nodes.This(type_name), False, self.variables, aliases=self.aliases,
                     limits=self.limits, alias_depth=self.alias_depth)

    def with_variable(self, variable: nodes.Variable) -> Scope:
        """The scope of a lambda predicate."""
        return replace(self, variables={**self.variables, variable.name: variable})

    def with_names(self, names: Mapping[str, nodes.Expression], closed: bool | None = None) -> Scope:
        """The scope after `$compute` or a transformation; `names` are all added names."""
        return replace(self, names=names, closed=self.closed if closed is None else closed)

    def with_aliases(self, definitions: tuple[url.AliasDefinition, ...], context: Scope | None = None) -> Scope:
        """The scope with further parameter aliases, whose values are seen from `context` (default: the result)."""
        if not definitions:
            return self
        found = dict(self.aliases)
        scope = replace(self, aliases=found)
        for each in definitions:
            found[each.name] = Alias(each, context or scope)
        return scope

    def alias(self, name: str, position: int) -> tuple[url.Expression | None, Scope]:
        """The value of a parameter alias and the scope to bind it in; None for an alias that is not defined (null).

        Raises UrlError when its value is not an expression, BindError when aliases refer to each other without end.
        """
        found = self.aliases.get(name)
        if found is None:
            return None, self
        if found.definition.value is None:
            raise errors.UrlError(reason=found.definition.problem or f"@{name} has no value", target=f"@{name}")
        if self.alias_depth >= self.limits.alias_depth:
            raise errors.BindError(f"The parameter alias @{name} refers to itself or to too many others",
                                   target=f"@{name}", position=position)
        return found.definition.value, self._seen_by(found)

    def _seen_by(self, alias: Alias) -> Scope:
        """The scope of an alias value: what was current where the alias was defined, without lambda variables."""
        origin, depth = alias.scope, self.alias_depth + 1
        if origin.this is self.this:
            return replace(self, variables=origin.variables, aliases=origin.aliases, alias_depth=depth)
        outer = nodes.It(origin.it) if origin.at_it and origin.it else nodes.This("")
        return replace(origin, this=outer, at_it=False, alias_depth=depth)


@dataclass(frozen=True, slots=True)
class Alias:
    """A parameter alias and where it was defined."""

    definition: url.AliasDefinition
    scope: Scope


NOTHING: Mapping[str, Any] = MappingProxyType({})


def default_type(name: str, model: Model) -> str | None:
    """The structured type that a simple name means in a default namespace (Protocol §4.4)."""
    for namespace in model.default_namespaces:
        found = model.structured(f"{namespace}.{name}")
        if found is not None:
            return found.name
    return None


def is_collection(node: nodes.Expression) -> bool:
    """Whether the node stands for many values."""
    match node:
        case nodes.Filtered() | nodes.ParameterList():
            return True
        case nodes.Count() | nodes.Lambda() | nodes.AggregateValue():
            return False
        case _:
            return bool(getattr(node, "collection", False))


def describe(node: nodes.Expression) -> str:
    """The type of a node, as a message names it."""
    return f"Collection({node.type})" if is_collection(node) else node.type

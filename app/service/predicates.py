"""Predicates: what an expression uses of the entities that it is about, and what form it has for one property.

Every path is told from the entity that the request is about, through lambda variables and navigation, with the place that it
leads to. Capabilities vocabulary FilterRestrictions, FilterExpressionType.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

from app.bind import bindings
from app.bind import nodes as bound
from app.edm import Model, places
from app.edm.model import Function, NavigationProperty, Property
from app.edm.places import Place

RANGE = frozenset({"eq", "lt", "le", "gt", "ge"})
LOWER, UPPER = frozenset({"gt", "ge"}), frozenset({"lt", "le"})
T = TypeVar("T")
SEARCHES = frozenset({"startswith", "endswith", "contains"})


@dataclass(frozen=True, slots=True)
class Spot:
    """What a path leads to. `names`: its steps without casts; `where`: the place of the entity that it ends in; `trail`: the
    complex properties behind that; `levels`: how many navigation properties it follows; `navigates`: whether the last step is
    one, of the entity at `before`."""

    names: tuple[str, ...] = ()
    where: Place = ()
    anchor: bindings.Place = bindings.Place()
    trail: tuple[str, ...] = ()
    levels: int = 0
    before: Place = ()
    navigates: bool = False

    @property
    def path(self) -> str:
        return "/".join(self.names)


def start(model: Model, where: Place) -> Spot:
    """The entity at a place."""
    last = where[-1] if where else ""
    return Spot((), where, bindings.Place(model.source_of(last.partition("/")[0])))


class Uses:
    """Walks expressions about the entities at a place."""

    def __init__(self, model: Model, here: Spot) -> None:
        self.model, self.here = model, here

    def of(self, node: Any) -> Iterator[Spot]:
        """Every path, and the beginnings of each."""
        yield from self._walk(node, self.here, {})

    def spot(self, node: Any, this: Spot, variables: Mapping[str, Spot]) -> Spot | None:
        """Where a path leads; None for what is no path from the entity."""
        match node:
            case bound.This() | bound.These():
                return this
            case bound.It():
                return self.here
            case bound.Variable(name):
                return variables.get(name)
            case bound.Root(source):
                return Spot(("$root", source), (source,), bindings.Place(self.model.source_of(source)))
            case bound.PropertyPath(base, declared):
                return self._below(base, declared.name, this, variables)
            case bound.DynamicPath(base, name):
                return self._below(base, name, this, variables)
            case bound.CastPath(base, type):
                found = self.spot(base, this, variables)
                return None if found is None else replace(found, anchor=found.anchor.below(type))
            case bound.Filtered(collection):
                return self.spot(collection, this, variables)
            case bound.NavigationPath(base, navigation, owner):
                found = self.spot(base, this, variables)
                if found is None:
                    return None
                anchor, target = found.anchor.follow(navigation, self.model)
                where = places.below(self.model, found.where, owner, found.trail, navigation, target)
                return Spot((*found.names, navigation.name), where, anchor, (), found.levels + 1, found.where, True)
        return None

    def _below(self, base: Any, name: str, this: Spot, variables: Mapping[str, Spot]) -> Spot | None:
        found = self.spot(base, this, variables)
        return None if found is None else replace(found, names=(*found.names, name), anchor=found.anchor.below(name),
                                                  trail=(*found.trail, name), navigates=False)

    def _walk(self, node: Any, this: Spot, variables: Mapping[str, Spot]) -> Iterator[Spot]:
        found = self.spot(node, this, variables)
        if found is not None and found.names and not isinstance(node, bound.This | bound.These | bound.It | bound.Variable):
            yield found
        match node:
            case bound.Lambda(_, collection, variable, predicate):
                inner = self.spot(collection, this, variables)
                yield from self._walk(collection, this, variables)
                if inner is not None and variable is not None:
                    yield from self._walk(predicate, this, {**variables, variable: inner})
            case bound.Count(collection) | bound.Filtered(collection) | bound.AggregateValue(collection):
                inner = self.spot(collection, this, variables)
                yield from self._walk(collection, this, variables)
                for each in fields(node):
                    if each.name != "collection" and inner is not None:
                        yield from self._walk(getattr(node, each.name), inner, variables)
            case _:
                for each in parts(node):
                    yield from self._walk(each, this, variables)


def parts(node: Any) -> Iterator[Any]:
    """What a node is made of."""
    if isinstance(node, tuple):
        yield from node
    elif is_dataclass(node) and not isinstance(node, type | Property | NavigationProperty):
        for each in fields(node):
            yield getattr(node, each.name)


def inlined(node: T, names: Mapping[str, Any]) -> T:
    """An expression, or what is made of expressions, with what names stand for in their places."""
    if not names:
        return node
    match node:
        case bound.AliasPath(name) if name in names:
            return names[name]  # type: ignore[no-any-return]
        case tuple():
            return tuple(inlined(each, names) for each in node)  # type: ignore[return-value]
        case Property() | NavigationProperty() | Function():
            return node
    if not is_dataclass(node) or isinstance(node, type):
        return node
    made = {each.name: inlined(getattr(node, each.name), names) for each in fields(node)}
    return replace(node, **made) if any(getattr(node, name) is not each for name, each in made.items()) else node


def functions(node: Any) -> Iterator[str]:
    """The canonical functions that an expression calls."""
    if isinstance(node, bound.Call):
        yield node.name
    for each in parts(node):
        yield from functions(each)


# --- the form of a filter for one property ---------------------------------------------------------------

def fits(uses: Uses, predicate: Any, path: str, kind: str) -> bool:
    """Whether a filter says of a property what a FilterExpressionType allows; one that does not name it does."""
    def own(node: Any) -> bool:
        found = uses.spot(node, uses.here, {})
        return found is not None and found.path == path

    def constant(node: Any) -> bool:
        return not any(True for _ in uses.of(node))

    def comparison(node: Any) -> str:
        """The operator, as if the property stood on the left; '' for anything else."""
        match node:
            case bound.Compare(operator, left, right) if own(left) and constant(right):
                return operator
            case bound.Compare(operator, left, right) if own(right) and constant(left):
                return {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}.get(operator, operator)
            case bound.In(operand) if own(operand):
                return "in"
            case bound.Call(name, (first, second)) if name in SEARCHES and own(first) and constant(second):
                return "search"
        return ""

    def interval(node: Any) -> bool:
        if isinstance(node, bound.Logic) and node.operator == "and" and len(node.operands) == 2:
            first, second = map(comparison, node.operands)
            return {first, second} <= RANGE and bool({first, second} & LOWER) and bool({first, second} & UPPER)
        return comparison(node) in RANGE

    said = [each for each in conjuncts(predicate) if any(spot.path == path for spot in uses.of(each))]
    if not said:
        return True
    whole = said[0] if len(said) == 1 else bound.Logic("and", tuple(said))
    branches = whole.operands if isinstance(whole, bound.Logic) and whole.operator == "or" else (whole,)
    ranges = all(interval(each) or comparison(each) == "in" for each in branches) or all(
        comparison(each) == "ne" for each in said)
    match kind:
        case "SingleValue":
            return comparison(whole) == "eq"
        case "MultiValue":
            return all(comparison(each) in ("eq", "in") for each in branches)
        case "SingleRange":
            return interval(whole)
        case "MultiRange":
            return ranges
        case "SearchExpression":
            return all(comparison(each) == "search" for each in branches)
        case "MultiRangeOrSearchExpression":
            return ranges or all(interval(each) or comparison(each) in ("in", "search") for each in branches)
    return True


def conjuncts(node: Any) -> Iterator[Any]:
    """The operands of `and` at the top of a predicate."""
    if isinstance(node, bound.Logic) and node.operator == "and":
        for each in node.operands:
            yield from conjuncts(each)
    else:
        yield node

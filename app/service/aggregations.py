"""What ApplySupported leaves of `$apply`: transformations, rollup, `from`, the properties to group by and to aggregate.

Raises NotImplementedByService for what is not offered there, BindError (400) for a property that is not. Aggregation §5.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from app.bind import nodes as bound
from app.edm import Model
from app.edm.aggregation import apply_supported
from app.errors import BindError, NotImplementedByService

NAMES = {bound.Aggregate: "aggregate", bound.GroupBy: "groupby", bound.Filter: "filter", bound.Search: "search",
         bound.Compute: "compute", bound.OrderBy: "orderby", bound.Identity: "identity", bound.Concat: "concat",
         bound.Nest: "nest", bound.AddNested: "addnested", bound.Traverse: "traverse"}


def check(model: Model, source: str | None, type: str, apply: bound.Apply) -> None:
    """Raises for what the annotations of a set, or of its type, leave out."""
    said = apply_supported(model, source, type)
    if said:
        _Rules(said, source or type).sequence(apply)


class _Rules:
    """What is said of one set."""

    def __init__(self, said: dict[str, Any], what: str) -> None:
        self.what, self.said = what, said
        self.offered = said.get("Transformations")
        rollup = said.get("Rollup")
        self.rollups = {"None": 0, "SingleHierarchy": 1}.get(rollup[0] if isinstance(rollup, list) else "", None)
        self.groupable = said.get("GroupableProperties") or ()
        self.aggregatable = {each["Property"]: each.get("SupportedAggregationMethods") or ()
                             for each in said.get("AggregatableProperties") or () if "Property" in each}

    def sequence(self, apply: bound.Apply) -> None:
        """A sequence over the instances of the set."""
        for each in apply.transformations:
            name = name_of(each)
            if self.offered is not None and name not in self.offered:
                raise NotImplementedByService(feature=f"The transformation {name} on '{self.what}'", target="$apply")
            match each:
                case bound.Aggregate(expressions):
                    for one in expressions:
                        self.aggregate(one)
                    return
                case bound.GroupBy(items, then):
                    self.group(items)
                    if then is not None:
                        self.sequence(then)
                    return
                case bound.Concat(sequences):
                    for inner in sequences:
                        self.sequence(inner)
                case bound.Nest(nested):
                    for _, inner in nested:
                        self.sequence(inner)

    def group(self, items: tuple[Any, ...]) -> None:
        """The properties that are grouped by."""
        rolled = [each for each in items if not isinstance(each, bound.RowProperty)]
        if self.rollups is not None and len(rolled) > self.rollups:
            raise NotImplementedByService(feature=f"This form of rollup on '{self.what}'", target="$apply")
        for each in items:
            for one in each.levels if isinstance(each, bound.Rollup) else (getattr(each, "property", each),):
                path = plain(one.path)
                if self.groupable and not any(path == known or path.startswith(known + "/") for known in self.groupable):
                    raise BindError(f"'{self.what}' cannot be grouped by '{path}'", code="notGroupable", target="$apply")

    def aggregate(self, each: bound.AggregateExpression) -> None:
        """One aggregate expression."""
        if each.from_ and self.said.get("From") is False:
            raise NotImplementedByService(feature=f"from on '{self.what}'", target="$apply")
        if not self.aggregatable or each.custom is not None:
            return
        before = path_of(each.over)
        used = [f"{before}/{path}" if before else path for path in leaves(each.expression)]
        for path in used or ([before] if before and each.method != "count" else []):
            methods = self.aggregatable.get(path)
            if methods is None:
                raise BindError(f"'{path}' of '{self.what}' cannot be aggregated", code="notAggregatable", target="$apply")
            if methods and each.method not in methods:
                raise BindError(f"'{path}' of '{self.what}' is aggregated by {', '.join(methods)} only",
                                code="notAggregatable", target="$apply")


def name_of(node: bound.Transformation) -> str:
    """The name of a transformation; of a function its qualified name."""
    match node:
        case bound.TopSkip(kind) | bound.TopBottom(kind) | bound.Relatives(kind):
            return kind
        case bound.Join(outer):
            return "outerjoin" if outer else "join"
        case bound.SetFunction(call):
            return call.function.name
        case bound.Given(function):
            return function
    return NAMES[type(node)]


def plain(path: tuple[str, ...]) -> str:
    """A path without casts."""
    return "/".join(step for step in path if "." not in step)


def path_of(node: Any) -> str:
    """The property path of an expression, '' for what is none."""
    steps: list[str] = []
    while isinstance(node, bound.PropertyPath | bound.NavigationPath | bound.CastPath):
        if isinstance(node, bound.PropertyPath):
            steps.insert(0, node.property.name)
        elif isinstance(node, bound.NavigationPath):
            steps.insert(0, node.navigation.name)
        node = node.base
    return "/".join(steps) if isinstance(node, bound.This) else ""


def leaves(node: Any) -> Iterator[str]:
    """The property paths of an expression, whole."""
    path = path_of(node)
    if path:
        yield path
    elif isinstance(node, tuple):
        for each in node:
            yield from leaves(each)
    elif is_dataclass(node):
        for field in fields(node):
            yield from leaves(getattr(node, field.name))

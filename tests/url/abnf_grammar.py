"""The model behind the OASIS test cases: what the names in a tree may be, by the Constraints of a suite.

The grammar names model elements (`entitySetName`, `complexProperty` …); our trees do not. This walks a tree and asks
whether some reading of its names agrees with the grammar: a kind is followed from step to step.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from app.url import nodes as n

ANY = frozenset({"entityCol", "entity", "complexCol", "complex", "primitiveCol", "primitive", "stream"})
COLLECTIONS = frozenset({"entityCol", "complexCol", "primitiveCol"})
PROPERTIES = {
    "entityColNavigationProperty": "entityCol", "entityNavigationProperty": "entity",
    "complexColProperty": "complexCol", "complexProperty": "complex", "primitiveColProperty": "primitiveCol",
    "primitiveKeyProperty": "primitive", "primitiveNonKeyProperty": "primitive", "streamProperty": "stream",
}
FUNCTIONS = {f"{kind}Function": kind for kind in ("entityCol", "entity", "complexCol", "complex", "primitiveCol",
                                                  "primitive")}


class Suite:
    """The Constraints of one suite: a rule that they list matches the listed texts only, any other every name."""

    def __init__(self, constraints: Mapping[str, Iterable[str]]) -> None:
        self.listed = {rule: {unquote(text) for text in texts} for rule, texts in constraints.items()}

    def matches(self, rule: str, name: str) -> bool:
        return name in self.listed[rule] if rule in self.listed else True

    def kinds(self, rules: Mapping[str, str], name: str) -> set[str]:
        """The kinds that `name` can have by `rules` (rule → kind)."""
        return {kind for rule, kind in rules.items() if self.matches(rule, name)}

    def properties(self, name: str) -> set[str]:
        found = self.kinds(PROPERTIES, name)
        if "customAggregate" in self.listed and name in self.listed["customAggregate"]:
            found.add("primitive")
        return found

    def qualified(self, name: str, rules: Iterable[str]) -> bool:
        """Whether a name, its namespace optional, is of one of the rules."""
        *namespace, last = name.split(".")
        return (all(self.matches("namespacePart", part) for part in namespace)
                and any(self.matches(rule, last) for rule in rules))

    def functions(self, name: str) -> set[str]:
        return {kind for rule, kind in FUNCTIONS.items() if self.qualified(name, [rule])}

    def is_type(self, name: str) -> bool:
        return self.qualified(name, ("entityTypeName", "complexTypeName"))

    # --- resource paths (section 1) ------------------------------------------------------------------

    def resource_path(self, segments: tuple[n.Segment, ...]) -> bool:
        if not segments:
            return True
        first, rest = segments[0], segments[1:]
        if first.problem is not None:
            return False
        if first.name == "$crossjoin":
            names = [item.value.steps[0].name for item in first.arguments or ()]
            return all(self.matches("entitySetName", name) for name in names) and self._ends_in_query(rest)
        if first.name == "$all":
            return not rest or (len(rest) == 1 and self.is_type(rest[0].name))
        readings: list[str] = []
        if not first.name or first.name[0] == "$" or "." in first.name:
            return False
        if self.matches("entitySetName", first.name):
            if first.arguments is None:
                readings.append("entityCol")
            elif self.is_key(first.arguments) and first.key is None:
                readings.append("entity")
        if first.arguments is None and self.matches("singletonEntity", first.name):
            readings.append("entity")
        if first.arguments is None and self.matches("actionImport", first.name) and not rest:
            return True
        imports = self.kinds({rule + "Import": kind for rule, kind in FUNCTIONS.items()}, first.name)
        readings += self._called(imports, first, rest)
        return any(self.after(kind, rest) for kind in readings)

    def _called(self, kinds: set[str], segment: n.Segment, rest: tuple[n.Segment, ...]) -> list[str]:
        """The kinds after a function call; without parentheses nothing but `$query` may follow."""
        if segment.arguments is None:
            return list(kinds) if self._ends_in_query(rest) else []
        if not self.are_parameters(segment.arguments):
            return []
        if segment.key is None:
            return list(kinds)
        return ["entity"] if "entityCol" in kinds and self.is_key(segment.key) else []

    @staticmethod
    def _ends_in_query(rest: tuple[n.Segment, ...]) -> bool:
        return not rest or [segment.name for segment in rest] == ["$query"]

    def is_key(self, arguments: tuple[n.Argument, ...]) -> bool:
        if not arguments:
            return False
        return all(self._is_literal(item.value) for item in arguments)

    def are_parameters(self, arguments: tuple[n.Argument, ...]) -> bool:
        return all(item.name is not None and self.matches("parameterName", item.name)
                   and self._is_literal(item.value) for item in arguments)

    def _is_literal(self, value: n.Expression) -> bool:
        if isinstance(value, n.Path):
            return self.matches("enumerationMember", value.steps[0].name) and "enumerationMember" in self.listed
        return isinstance(value, (n.Literal, n.Alias))

    def after(self, kind: str, segments: tuple[n.Segment, ...]) -> bool:
        """Whether `segments` can follow a resource of `kind`."""
        if not segments:
            return True
        segment, rest = segments[0], segments[1:]
        name = segment.name
        if segment.problem is None and name[:1] == "$":
            return self._dollar(kind, name, rest)
        if kind == "entityCol" and self.matches("keyPathLiteral", segment.text) and (
                "keyPathLiteral" in self.listed or not name):
            if self.after("entityCol", rest) or self.after("entity", rest):
                return True
        if segment.problem is not None:
            return False
        if kind in ("complexCol", "primitiveCol") and re.fullmatch("-?[0-9]+", segment.text):
            return not rest
        if not name:
            return False
        if kind in ("entity", "complex") and segment.arguments is None and any(
                self.after(found, rest) for found in self.properties(name)):
            return True
        if kind in ("entity", "complex") and segment.arguments and "entityCol" in self.properties(name) \
                and self.is_key(segment.arguments) and self.after("entity", rest):
            return True
        if kind[:6] == "entity" and self.qualified(name, ("entityTypeName",)):
            if segment.arguments is None and self.after(kind, rest):
                return True
            if kind == "entityCol" and segment.arguments and self.is_key(segment.arguments):
                return self.after("entity", rest)
        if kind[:7] == "complex" and self.qualified(name, ("complexTypeName",)) and segment.arguments is None:
            return self.after(kind, rest)
        if segment.arguments is None and self.qualified(name, ("action",)) and not rest:
            return True
        return any(self.after(found, rest) for found in self._called(self.functions(name), segment, rest))

    def _dollar(self, kind: str, name: str, rest: tuple[n.Segment, ...]) -> bool:
        if kind == "entityCol" and name == "$filter":
            return self.after(kind, rest)
        if kind == "entityCol" and name == "$each":
            return not rest or (len(rest) == 1 and self.qualified(rest[0].name, ("action", *FUNCTIONS)))
        allowed = {"entityCol": "$count $ref $query", "complexCol": "$count $query", "primitiveCol": "$count $query",
                   "entity": "$ref $value $query", "complex": "$query", "primitive": "$value $query", "stream": ""}
        return name in allowed[kind].split() and not rest

    # --- expressions (section 4) ---------------------------------------------------------------------

    def tree(self, node: object) -> bool:
        """Whether every path in `node` (any node of a tree) can be read by the model."""
        if isinstance(node, n.Path):
            return self.path(node) and self.tree(node.steps)
        if isinstance(node, n.ListExpression):
            return all(self._is_literal(item) for item in node.items)
        if isinstance(node, n.AggregateExpression):
            return self._aggregated(node)
        if isinstance(node, n.GroupByT):
            return all(self._grouping(item) for item in node.items) and self.tree(node.then)
        if isinstance(node, n.JoinT):
            return bool({"entityCol", "complexCol"} & self.properties(node.path[0])) and self.tree(node.then)
        if isinstance(node, n.TypeName):
            return True
        if isinstance(node, tuple):
            return all(self.tree(item) for item in node)
        if dataclasses.is_dataclass(node):
            return all(self.tree(getattr(node, field.name)) for field in dataclasses.fields(node))
        return True

    def path(self, path: n.Path) -> bool:
        steps = path.steps
        if path.root == "$root":
            first = steps[0]
            assert isinstance(first, n.NameStep)
            kinds = set()
            if self.matches("entitySetName", first.name):
                kinds.add("entityCol" if first.arguments is None else "entity")
            if self.matches("singletonEntity", first.name):
                kinds.add("entity")
            kinds |= self.kinds({rule + "Import": kind for rule, kind in FUNCTIONS.items()}, first.name)
            return any(self.follow(kind, steps[1:]) for kind in kinds)
        if path.root in ("$it", "$this") or path.root[:1] == "@":
            return not steps or any(self.follow(kind, steps) for kind in ANY)
        if path.root == "$these":
            return self.follow("entityCol", steps)
        first = steps[0]
        if isinstance(first, n.NameStep) and first.arguments is None and "." not in first.name \
                and self.matches("lambdaVariableExpr", first.name):
            if len(steps) == 1 or any(self.follow(kind, steps[1:]) for kind in ANY):
                return True
        return self.follow("entity", steps, first=True)

    def follow(self, kind: str, steps: tuple[n.Step, ...], first: bool = False) -> bool:
        """Whether `steps` can follow an expression of `kind`."""
        if not steps:
            return True
        step, rest = steps[0], steps[1:]
        match step:
            case n.CountStep() | n.LambdaStep() | n.AggregateStep():
                return kind in COLLECTIONS and not rest
            case n.FilterStep():
                return kind in COLLECTIONS and self.follow(kind, rest)
            case n.AnnotationStep():
                return any(self.follow(found, rest) for found in ANY)
            case n.NameStep(name, arguments):
                return self._named(kind, name, arguments, rest, first)
        return False

    def _named(self, kind: str, name: str, arguments: tuple[n.Argument, ...] | None, rest: tuple[n.Step, ...],
               first: bool) -> bool:
        if name == "":
            return kind == "entityCol" and self.follow("entity", rest)
        if arguments is not None:
            if all(item.name is not None for item in arguments) and any(
                    self.follow(found, rest) for found in self.functions(name)):
                return True
            keyed = "entityCol" in self.properties(name) or kind == "entityCol" and self.is_type(name)
            return bool(arguments) and keyed and self.follow("entity", rest)
        if kind in ("entity", "complex") and any(self.follow(found, rest) for found in self.properties(name)):
            return True
        if kind == "entityCol" and "keyPathLiteral" in self.listed and self.matches("keyPathLiteral", name):
            return self.follow("entity", rest)
        return self.is_type(name) and bool(rest or kind[:7] == "complex") and self.follow(kind, rest)

    # --- $apply --------------------------------------------------------------------------------------

    def _aggregated(self, node: n.AggregateExpression) -> bool:
        """Paths of aggregates cross collections; all other expressions do not."""
        if isinstance(node.expression, n.Path) and all(
                isinstance(step, n.NameStep) and step.arguments is None for step in node.expression.steps):
            names = tuple(step.name for step in node.expression.steps)  # type: ignore[union-attr]
            fits = bool(node.expression.root) or self.data_path(names, crossing=True, cast_last=True)
        else:
            fits = self.tree(node.expression)
        if node.custom is not None:
            fits = self.matches("customAggregate", node.custom)
        return (fits and self.data_path(node.path, crossing=True, cast_last=True)
                and all(self.data_path(path) for item in node.from_ for path in item.properties)
                and (node.alias is None or self.matches("expressionAlias", node.alias)))

    def _grouping(self, item: n.GroupingItem) -> bool:
        if isinstance(item, n.GroupingPath):
            return self.data_path(item.path)
        if isinstance(item, n.Rollup):
            return all(self.data_path(path) for path in item.paths)
        return self.tree(item.before)

    def data_path(self, names: tuple[str, ...], crossing: bool = False, cast_last: bool = False) -> bool:
        """A path of data aggregation: structured steps, one primitive at the end, collections only if `crossing`."""
        for index, name in enumerate(names):
            last = index == len(names) - 1
            found = self.properties(name)
            if not crossing:
                found -= COLLECTIONS
            if not last:
                found -= {"primitive", "primitiveCol", "stream"}
            if not found and not (self.is_type(name) and (not last or cast_last)):
                return False
        return True

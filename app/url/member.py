"""Member paths: steps between slashes, key predicates, parameters, lambdas, counts and filters of collections.

URL Conventions 4.01 §5.1.1.13 to §5.1.1.16; ABNF section 4 (memberExpr and what it reaches).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import NoReturn

from app import errors
from app.url.lexer import IDENTIFIER, QUALIFIED
from app.url.nodes import (AggregateExpression, AggregateStep, AnnotationStep, Argument, CountStep, Expression,
                           FilterStep, LambdaStep, NameStep, Path, RefStep, Search, Step)
from app.url.search import SearchReader

_match_step = re.compile(rf"""
    (?P<name>{QUALIFIED}) | @(?P<at>{QUALIFIED}(?:\#{IDENTIFIER})?) | \$(?P<dollar>[A-Za-z]++)
  | (?P<key>[^\x00-,/:-@\[-\x5e\x60{{-}}\x7f]++)""", re.VERBOSE).match
match_named = re.compile(rf"({IDENTIFIER})=").match
match_empty = re.compile(r"\([ \t]*+\)").match
_match_lambda = re.compile(rf"\([ \t]*+({IDENTIFIER})[ \t]*+:[ \t]*+").match
_match_json_start = re.compile(r"[ \t]++(?=[\[{])").match
_match_count_option = re.compile(r"\$?(filter|search)=", re.IGNORECASE | re.ASCII).match


class MemberReader(SearchReader, ABC):
    """The rules of member paths and of what stands in their parentheses."""

    __slots__ = ()

    @abstractmethod
    def expression(self, minimum: int = 1) -> Expression:
        """A common expression, read by the layer above."""

    @abstractmethod
    def aggregate_expression(self, *, transformation: bool) -> AggregateExpression:
        """The content of `aggregate(…)`, read by the layer of `$apply`."""

    def arguments(self, *, several: bool = False) -> tuple[Argument, ...]:
        """`(name=value,…)`, `(value)` or `()`; more than one value without name only with `several`."""
        self.position += 1
        self.nest()
        self.blanks()
        items: list[Argument] = []
        names: set[str | None] = set()
        height = 0
        if not self.take(")"):
            while True:
                items.append(self._argument(names, several))
                height = max(height, self.height)
                self.blanks()
                if self.take(")"):
                    break
                if not self.take(","):
                    self.fail("',' or ')'")
                self.blanks()
        self.level -= 1
        self.grow(height)
        return tuple(items)

    def _argument(self, names: set[str | None], several: bool) -> Argument:
        """One argument; `names` has those before it, None for one without name."""
        start = self.position
        found = match_named(self.text, start)
        if names and (None in names or found is None) and not (several and found is None and names == {None}):
            self.fail("')', or name=value for every key property or parameter")
        if found is None:
            names.add(None)
            return Argument(None, self.expression(), start)
        name = self.checked(found[1], start)
        if name in names:
            self.twice(name, start)
        names.add(name)
        self.position = found.end()
        return Argument(name, self.value(), start)

    def twice(self, name: str, position: int) -> NoReturn:
        raise errors.UrlError(reason=f"'{name}' is given twice, at position {position}", position=position)

    def value(self) -> Expression:
        """The value of a parameter or alias: an expression; a JSON array or object may follow blanks."""
        found = _match_json_start(self.text, self.position)
        if found is not None:
            self.position = found.end()
        return self.expression()

    def path(self, root: str, steps: list[Step], start: int, height: int = 1) -> Path:
        if steps and self.peek() == "(":
            self._key(steps)
            height = max(height, self.height)
        while self.take("/"):
            self.height = 1
            self._step(steps)
            height = max(height, self.height)
        self.height = height
        if root in ("$root", "$these") and not steps:
            self.fail("'/'")
        return Path(root, tuple(steps), start)

    def _step(self, steps: list[Step]) -> None:
        """One step behind a slash, and the key predicate that may follow it."""
        start = self.position
        self.count("steps in a path")
        found = _match_step(self.text, start)
        if found is None:
            self.fail("a name, '@', '$count', '$filter', 'any' or 'all'")
        self.position = found.end()
        kind = found.lastgroup
        if kind == "at":
            steps.append(self.annotation(found["at"], start))
        elif kind == "dollar":
            steps.append(self._dollar_step(found["dollar"], start))
        elif kind == "key":
            steps.append(NameStep(found[0], None, start))
        elif self.peek() != "(":
            steps.append(NameStep(self.checked(found[0], start), None, start))
        elif found[0].lower() in ("any", "all"):
            steps.append(self._lambda(found[0].lower(), start))
        elif found[0] == "aggregate":
            steps.append(self._aggregate(start))
        else:
            steps.append(NameStep(self.checked(found[0], start), self.arguments(), start))
        if self.peek() == "(" and isinstance(steps[-1], (NameStep, FilterStep)):
            self._key(steps)

    def _key(self, steps: list[Step]) -> None:
        start, height = self.position, self.height
        steps.append(NameStep("", self.arguments(), start))
        self.height = max(height, self.height)

    def _dollar_step(self, name: str, start: int) -> Step:
        if name == "count":
            return self._count(start)
        if name in ("ref", "value"):
            return RefStep(name, start)
        if name != "filter":
            self.fail("'$count', '$filter', '$ref' or '$value'", start)
        self.expect("(")
        self.blanks()
        self.nest()
        predicate = self.expression()
        self.level -= 1
        self.grow(self.height)
        self.blanks()
        self.expect(")")
        return FilterStep(predicate, start)

    def _count(self, start: int) -> CountStep:
        """`$count`, with options in parentheses (Part 2 §4.8)."""
        if not self.take("("):
            return CountStep(None, None, start)
        self.nest()
        predicate: Expression | None = None
        search: Search | None = None
        height = 0
        while True:
            found = _match_count_option(self.text, self.position)
            if found is None:
                self.fail("$filter= or $search=")
            self.position = found.end()
            if (predicate if found[1].lower() == "filter" else search) is not None:
                self.twice("$" + found[1].lower(), found.start())
            if found[1].lower() == "filter":
                predicate = self.expression()
                height = self.height
            else:
                search = self.search()
            if self.take(")"):
                break
            if not self.separator(";"):
                self.fail("';' or ')'")
        self.level -= 1
        self.grow(height)
        return CountStep(predicate, search, start)

    def _lambda(self, operator: str, start: int) -> LambdaStep:
        found = _match_lambda(self.text, self.position)
        if found is None:
            empty = match_empty(self.text, self.position) if operator == "any" else None
            if empty is None:
                self.fail("'(', a variable and ':'")
            self.position = empty.end()
            return LambdaStep(operator, None, None, start)
        variable = self.checked(found[1], found.start(1))
        self.position = found.end()
        self.nest()
        predicate = self.expression()
        self.level -= 1
        self.grow(self.height)
        self.blanks()
        self.expect(")")
        return LambdaStep(operator, variable, predicate, start)

    def _aggregate(self, start: int) -> AggregateStep:
        """`/aggregate(…)` on a collection (Aggregation §3.6)."""
        self.position += 1
        self.blanks()
        self.nest()
        content = self.aggregate_expression(transformation=False)
        self.level -= 1
        self.blanks()
        self.expect(")")
        return AggregateStep((content,), start)

    def annotation(self, name: str, start: int) -> AnnotationStep:
        term, _, qualifier = name.partition("#")
        self.checked(term, start + 1)
        if qualifier:
            self.checked(qualifier, start + 2 + len(term))
        return AnnotationStep(term, qualifier or None, start)

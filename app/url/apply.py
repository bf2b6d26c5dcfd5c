"""`$apply`: transformations, aggregate expressions, grouping; also the items of `$orderby` and `$compute`.

Every word of this grammar is lower case and case-sensitive. Data Aggregation 4.0 §3 and §6.2; Aggregation ABNF.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from app import errors
from app.url.expression import ExpressionReader
from app.url.lexer import IDENTIFIER, QUALIFIED
from app.url.nodes import (AggregateExpression, AggregateFrom, AggregateT, ComputeItem, ComputeT, ConcatT, CountStep,
                           FilterT, FunctionT, GroupByT, GroupingItem, GroupingPath, HierarchyT, IdentityT, JoinT,
                           NameStep, NestT, OrderByT, OrderItem, Path, Rollup, RollupRecursive, SearchT, TopBottomT,
                           TopSkipT, Transformation, TraverseT)

METHODS = ("sum", "min", "max", "average", "countdistinct")
_MAX_INT64 = 2 ** 63 - 1

_match_word = re.compile(QUALIFIED).match
_match_path = re.compile(rf"{QUALIFIED}(?:/{QUALIFIED})*+").match
_match_term_path = re.compile(rf"(?:@{QUALIFIED}(?:#{IDENTIFIER})?|{QUALIFIED})(?:/{QUALIFIED})*+").match
_match_digits = re.compile(r"[0-9]++").match
_match_with = re.compile(r"[ \t]++with[ \t]++").match
_match_from = re.compile(r"[ \t]++from[ \t]++").match
_match_as = re.compile(r"[ \t]++as[ \t]++").match
_match_compute_as = re.compile(r"[ \t]++as[ \t]++", re.IGNORECASE | re.ASCII).match
_match_direction = re.compile(r"[ \t]++(asc|desc)(?![0-9A-Za-z_])", re.IGNORECASE | re.ASCII).match
_match_count = re.compile(r"\$count(?![0-9A-Za-z_(/])").match
_match_comma = re.compile(r"[ \t]*+,[ \t]*+").match
_match_close = re.compile(r"[ \t]*+\)").match


def bounded(digits: str) -> int:
    """The number that `digits` write, cut to the largest Int64 (Protocol §11.2.6.3: any number of digits)."""
    return int(digits) if len(digits) < 19 else min(int(digits.lstrip("0")[:20] or "0"), _MAX_INT64)


class ApplyReader(ExpressionReader):
    """The rules of `$apply`, `$orderby` and `$compute`."""

    __slots__ = ()

    # --- $orderby and $compute, also inside $apply ---------------------------------------------------

    def order_items(self) -> tuple[OrderItem, ...]:
        """`expression [asc|desc],…` (Part 2 §5.1.5)."""
        items = [self._order_item()]
        while self.separator(","):
            items.append(self._order_item())
        return tuple(items)

    def _order_item(self) -> OrderItem:
        expression = self.expression()
        found = _match_direction(self.text, self.position)
        if found is None:
            return OrderItem(expression)
        self.position = found.end()
        return OrderItem(expression, found[1].lower() == "desc")

    def compute_items(self) -> tuple[ComputeItem, ...]:
        """`expression as name,…` (Part 2 §5.1.10)."""
        items = [self._compute_item(_match_compute_as)]
        while self.separator(","):
            items.append(self._compute_item(_match_compute_as))
        return tuple(items)

    def _compute_item(self, match_as: Callable[[str, int], re.Match[str] | None]) -> ComputeItem:
        expression = self.expression()
        found = match_as(self.text, self.position)
        if found is None:
            self.fail("' as ' and a name")
        self.position = found.end()
        return ComputeItem(expression, self.identifier("the name of the computed property"))

    # --- sequences -----------------------------------------------------------------------------------

    def transformations(self) -> tuple[Transformation, ...]:
        """`transformation/transformation/…`."""
        self.nest()
        items = [self._transformation()]
        while self.take("/"):
            items.append(self._transformation())
        self.level -= 1
        return tuple(items)

    def _transformation(self) -> Transformation:
        start = self.position
        found = _match_word(self.text, start)
        if found is None:
            self.fail("a transformation")
        self.count("transformations")
        name = found[0]
        self.position = found.end()
        if name == "identity" and self.peek() != "(":
            return IdentityT(start)
        if self.peek() != "(":
            self.fail("'('" if name in TRANSFORMATIONS or "." in name else "a transformation",
                      None if name in TRANSFORMATIONS or "." in name else start)
        if "." in name:
            step = NameStep(self.checked(name, start), self.arguments(), start)
            return FunctionT(step, start)
        read = TRANSFORMATIONS.get(name)
        if read is None:
            hint = errors.closest(name, TRANSFORMATIONS)
            raise errors.UrlError(f"The URL is malformed: there is no transformation '{name}' (position {start})",
                                  position=start, hint=hint)
        self.position += 1
        self.blanks()
        self.nest()
        self.nest()
        result = read(self, name, start)
        self.level -= 2
        self._close()
        return result

    def _close(self) -> None:
        found = _match_close(self.text, self.position)
        if found is None:
            self.fail("',' or ')'")
        self.position = found.end()

    def _comma(self) -> None:
        if not self._more():
            self.fail("','")

    def _more(self) -> bool:
        """Step over a comma and the blanks around it."""
        found = _match_comma(self.text, self.position)
        if found is None:
            return False
        self.position = found.end()
        return True

    def _alias(self, what: str) -> str:
        found = _match_as(self.text, self.position)
        if found is None:
            self.fail(f"' as ' and {what}")
        self.position = found.end()
        return self.identifier(what)

    def _data_path(self, what: str) -> tuple[str, ...]:
        """Names with slashes between."""
        found = _match_path(self.text, self.position)
        if found is None:
            self.fail(what)
        self.position = found.end()
        return tuple(self.checked(part, found.start()) for part in found[0].split("/"))

    # --- aggregate -----------------------------------------------------------------------------------

    def aggregate_expression(self, *, transformation: bool) -> AggregateExpression:
        """One aggregate expression; as argument of the function `aggregate` it has no alias (§3.6)."""
        start = self.position
        whole = _match_count(self.text, start)
        if whole is not None:
            self.position = whole.end()
            return self._counted((), start, transformation)
        operand = self.expression()
        if _match_with(self.text, self.position) is not None:
            method = self._method()
            from_ = self._from(custom=False)
            alias = self._alias("the alias of the aggregate") if transformation else None
            return AggregateExpression(operand, method, alias, (), None, from_, start)
        names = _names(operand)
        if names is None:
            self.fail("' with ' and an aggregation method")
        if names[-1] == "$count":
            return self._counted(names[:-1], start, transformation)
        from_ = self._from(custom=True)
        alias = None
        if transformation and (from_ or _match_as(self.text, self.position) is not None):
            alias = self._alias("the alias of the aggregate")
        return AggregateExpression(None, None, alias, names[:-1], names[-1], from_, start)

    def _counted(self, path: tuple[str, ...], start: int, transformation: bool) -> AggregateExpression:
        from_ = self._from(custom=False)
        alias = self._alias("the alias of $count") if transformation else None
        return AggregateExpression(None, None, alias, path, None, from_, start)

    def _method(self) -> str:
        found = _match_with(self.text, self.position)
        if found is None:
            self.fail("' with ' and an aggregation method")
        self.position = found.end()
        word = _match_word(self.text, self.position)
        if word is None or ("." not in word[0] and word[0] not in METHODS):
            self.fail("sum, min, max, average, countdistinct or a qualified name")
        self.position = word.end()
        return self.checked(word[0], word.start())

    def _from(self, *, custom: bool) -> tuple[AggregateFrom, ...]:
        """`from properties with method` any number of times; after a custom aggregate without method too."""
        items: list[AggregateFrom] = []
        while True:
            found = _match_from(self.text, self.position)
            if found is None:
                return tuple(items)
            self.position = found.end()
            properties = [self._data_path("a grouping property")]
            while self._more():
                properties.append(self._data_path("a grouping property"))
            method = None
            if not custom or _match_with(self.text, self.position) is not None:
                method = self._method()
            items.append(AggregateFrom(tuple(properties), method))

    def _read_aggregate(self, name: str, start: int) -> Transformation:
        items = [self.aggregate_expression(transformation=True)]
        while self._more():
            items.append(self.aggregate_expression(transformation=True))
        return AggregateT(tuple(items), start)

    # --- groupby -------------------------------------------------------------------------------------

    def _read_groupby(self, name: str, start: int) -> Transformation:
        self.expect("(")
        self.blanks()
        items = [self._grouping_item()]
        while self._more():
            items.append(self._grouping_item())
        self._close()
        then = self.transformations() if self._more() else ()
        return GroupByT(tuple(items), then, start)

    def _grouping_item(self) -> GroupingItem:
        for name, read in (("rollup(", self._rollup), ("rolluprecursive(", self._rollup_recursive)):
            if self.take(name):
                self.blanks()
                item = read()
                self._close()
                return item
        return GroupingPath(self._data_path("a grouping property"))

    def _rollup(self) -> GroupingItem:
        """`rollup(p1,p2,…)`, `rollup(Hierarchy)`, or with `$all` first as earlier editions had it."""
        everything = self.take("$all")
        paths: list[tuple[str, ...]] = []
        while (self._more() if everything or paths else True):
            paths.append(self._data_path("a grouping property"))
        if not everything and len(paths) == 1 and (len(paths[0]) > 1 or "." in paths[0][0]):
            self.fail("','")
        return Rollup(tuple(paths), everything)

    def _rollup_recursive(self) -> GroupingItem:
        hierarchy, qualifier, node = self._hierarchy()
        before: tuple[Transformation, ...] = ()
        keep = False
        if self._more():
            before = self.transformations()
            keep = self._keep_start()
        return RollupRecursive(hierarchy, qualifier, node, before, keep)

    # --- hierarchies (§6.2) --------------------------------------------------------------------------

    def _hierarchy(self) -> tuple[Path, str, tuple[str, ...]]:
        """`$root/…,qualifier,node property`."""
        start = self.position
        nodes = self.operand() if self.text.startswith("$root/", start) else None
        if not isinstance(nodes, Path):
            self.fail("$root/ and the path of the hierarchy", start)
        self._comma()
        qualifier = self.identifier("the qualifier of the hierarchy")
        self._comma()
        return nodes, qualifier, self._data_path("the path of the node property")

    def _keep_start(self) -> bool:
        before = self.position
        if self._more() and self.take("keep start"):
            return True
        self.position = before
        return False

    def _read_related(self, name: str, start: int) -> Transformation:
        hierarchy, qualifier, node = self._hierarchy()
        self._comma()
        first = self.transformations()
        before = self.position
        distance = None
        digits = _match_digits(self.text, self.position) if self._more() else None
        if digits is not None:
            self.position = digits.end()
            distance = bounded(digits[0])
        else:
            self.position = before
        return HierarchyT(name, hierarchy, qualifier, node, first, distance, self._keep_start(), start)

    def _read_traverse(self, name: str, start: int) -> Transformation:
        hierarchy, qualifier, node = self._hierarchy()
        self._comma()
        order = self.identifier("preorder or postorder")
        if order not in ("preorder", "postorder"):
            self.fail("preorder or postorder", self.position - len(order))
        first: tuple[Transformation, ...] = ()
        items: tuple[OrderItem, ...] = ()
        if self._more():
            word = _match_word(self.text, self.position)
            following = self.text[word.end():word.end() + 1] if word else ""
            if word and (word[0] in _PRESERVING and following == "(" or "." in word[0] and following == "("
                         and not word[0].startswith("geo.") or word[0] == "identity" and following in ",) /"):
                first = self.transformations()
                if self._more():
                    items = self._apply_order_items()
            else:
                items = self._apply_order_items()
        return TraverseT(hierarchy, qualifier, node, order, first, items, start)

    # --- the other transformations -------------------------------------------------------------------

    def _apply_order_items(self) -> tuple[OrderItem, ...]:
        items = [self._order_item()]
        while self._more():
            items.append(self._order_item())
        return tuple(items)

    def _read_orderby(self, name: str, start: int) -> Transformation:
        return OrderByT(self._apply_order_items(), start)

    def _read_compute(self, name: str, start: int) -> Transformation:
        items = [self._compute_item(_match_as)]
        while self._more():
            items.append(self._compute_item(_match_as))
        return ComputeT(tuple(items), start)

    def _read_filter(self, name: str, start: int) -> Transformation:
        return FilterT(self.expression(), start)

    def _read_search(self, name: str, start: int) -> Transformation:
        return SearchT(self.search(), start)

    def _read_concat(self, name: str, start: int) -> Transformation:
        sequences = [self.transformations()]
        self._comma()
        sequences.append(self.transformations())
        while self._more():
            sequences.append(self.transformations())
        return ConcatT(tuple(sequences), start)

    def _read_top_skip(self, name: str, start: int) -> Transformation:
        digits = _match_digits(self.text, self.position)
        if digits is None:
            self.fail("a number without sign")
        self.position = digits.end()
        return TopSkipT(name, bounded(digits[0]), start)

    def _read_top_bottom(self, name: str, start: int) -> Transformation:
        amount = self.expression()
        self._comma()
        return TopBottomT(name, amount, self.expression(), start)

    def _read_nest(self, name: str, start: int) -> Transformation:
        path = None
        if name == "addnested":
            path = self._data_path("the path of a collection")
            self._comma()
        items = [self._nested_sequence()]
        while self._more():
            items.append(self._nested_sequence())
        return NestT(path, tuple(items), start)

    def _read_expand(self, name: str, start: int) -> Transformation:
        """`expand(path[,filter(…)][,expand(…)…])` of earlier editions: addnested under the name of the property itself."""
        path = self._data_path("the path of a navigation property")
        steps: list[Transformation] = []
        while self._more():
            at = self.position
            steps.append(self._transformation())
            if not isinstance(steps[-1], FilterT if not steps[1:] else NestT) and not isinstance(steps[-1], NestT):
                self.fail("filter or expand", at)
        return NestT(path, ((tuple(steps) or (IdentityT(start),), path[-1]),), start)

    def _nested_sequence(self) -> tuple[tuple[Transformation, ...], str]:
        sequence = self.transformations()
        return sequence, self._alias("the name of the nested collection")

    def _read_join(self, name: str, start: int) -> Transformation:
        found = _match_term_path(self.text, self.position)
        if found is None:
            self.fail("the path of a collection")
        self.position = found.end()
        alias = self._alias("the alias of the joined instance")
        then = self.transformations() if self._more() else ()
        return JoinT(name == "outerjoin", tuple(found[0].split("/")), alias, then, start)


def _names(node: object) -> tuple[str, ...] | None:
    """The names of a plain path, '$count' for a count at its end; None for any other expression."""
    if not isinstance(node, Path) or node.root or not node.steps:
        return None
    names: list[str] = []
    for step in node.steps:
        if isinstance(step, NameStep) and step.arguments is None:
            names.append(step.name)
        elif isinstance(step, CountStep) and step is node.steps[-1] and (step.filter or step.search) is None:
            names.append("$count")
        else:
            return None
    return tuple(names)


_TOP_BOTTOM = ("topcount", "topsum", "toppercent", "bottomcount", "bottomsum", "bottompercent")
TRANSFORMATIONS: Mapping[str, Callable[[ApplyReader, str, int], Transformation]] = {
    "aggregate": ApplyReader._read_aggregate, "groupby": ApplyReader._read_groupby,
    "filter": ApplyReader._read_filter, "search": ApplyReader._read_search,
    "compute": ApplyReader._read_compute, "orderby": ApplyReader._read_orderby,
    "concat": ApplyReader._read_concat, "top": ApplyReader._read_top_skip, "skip": ApplyReader._read_top_skip,
    "nest": ApplyReader._read_nest, "addnested": ApplyReader._read_nest, "join": ApplyReader._read_join,
    "expand": ApplyReader._read_expand,
    "outerjoin": ApplyReader._read_join, "ancestors": ApplyReader._read_related,
    "descendants": ApplyReader._read_related, "traverse": ApplyReader._read_traverse,
} | dict.fromkeys(_TOP_BOTTOM, ApplyReader._read_top_bottom)
_PRESERVING = {"filter", "search", "orderby", "top", "skip", "ancestors", "descendants", "traverse", *_TOP_BOTTOM}

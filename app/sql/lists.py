"""Lists: ordered collections of primitive values, compared item by item.

Equality, `contains`, `startswith`, `endswith`, `indexof`, `hassubset`, `hassubsequence`. Never unknown: a collection is
never null. URL Conventions §5.1.1.5, §5.1.1.6, §5.1.1.1.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import peewee as pw

from app import errors
from app.bind import nodes as bound
from app.bind.expression import common_type
from app.sql import expression, members, paths, terms
from app.sql.scope import Build, Frame, Members, Operand, Place, Scope


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """A collection that can be opened as often as needed: its members come with their positions. `parts`: what it is put
    together of, one behind the other."""

    parts: tuple[Callable[[], Members], ...]
    build: Build

    def opened(self, conditions: Sequence[Callable[[Members], pw.Node]]) -> Iterator[Members]:
        """The parts, each with the items that satisfy conditions."""
        for part in self.parts:
            found = part()
            found.where.extend([each(found) for each in conditions])
            yield found

    def count(self, *conditions: Callable[[Members], pw.Node]) -> pw.Node:
        """The number of items that satisfy conditions."""
        return added([terms.scalar(found.select(pw.fn.COUNT(terms.STAR))) for found in self.opened(conditions)])

    def any(self, *conditions: Callable[[Members], pw.Node]) -> pw.Node:
        """Whether there is an item that satisfies conditions."""
        return terms.any_of([terms.exists(found.frame.source, found.where) for found in self.opened(conditions)])

    def first(self, *conditions: Callable[[Members], pw.Node]) -> pw.Node:
        """The position of the first item that satisfies conditions; null where there is none."""
        least = [terms.scalar(found.select(pw.fn.MIN(position(found)))) for found in self.opened(conditions)]
        return pw.fn.COALESCE(*least) if len(least) > 1 else least[0]

    def value(self, found: Members, type_name: str) -> Operand:
        return expression.plain_form(paths.operand(found.member, self.build, type_name), type_name, self.build)


def added(numbers: Sequence[pw.Node]) -> pw.Node:
    """The sum of numbers."""
    return numbers[0] if len(numbers) == 1 else pw.NodeList(tuple(numbers), " + ", True)


def listed(node: bound.Expression, kind: str, scope: Scope) -> Listed:
    """A collection as a list of items of type `kind`. Raises NotImplementedByService for one without positions or of
    structured values."""
    build = scope.build
    if build.model.kind(kind) not in ("primitive", "enum", "untyped"):
        raise errors.NotImplementedByService(feature=f"Collections of {kind} in this place")
    match node:
        case bound.ListValue():
            return Listed((lambda: literal(node, kind, scope),), build)
        case bound.Call("substring", (whole, start, *rest)):
            return part(listed(whole, kind, scope), start, rest[0] if rest else None, scope)
        case bound.Call("concat", (first, second)):
            return joined(listed(first, kind, scope), listed(second, kind, scope))
    if not isinstance(node, bound.PropertyPath | bound.DynamicPath | bound.Stored):
        raise errors.NotImplementedByService(feature=f"{type(node).__name__} as an ordered collection")
    return stored(paths.within(node, scope), build)


def stored(place: Place, build: Build) -> Listed:
    """A collection kept as JSON as a list."""
    return Listed((lambda: members.items(place, build),), build)


def literal(node: bound.ListValue, type_name: str, scope: Scope) -> Members:
    """The items of a collection literal as a derived table."""
    build = scope.build
    values = [expression.promoted(expression.value(each, scope, type_name), type_name, build) for each in node.items]
    rows = [pw.Select(columns=[terms.aliased(value, "value"), terms.aliased(pw.SQL(str(place)), "position")])
            for place, value in enumerate(values)]
    if not rows:
        empty = expression.null(type_name, build).node
        rows = [pw.Select(columns=[terms.aliased(empty, "value"), terms.aliased(pw.SQL("0"), "position")]).limit(0)]
    whole: Any = rows[0]
    for each in rows[1:]:
        whole = whole.union_all(each)
    source = whole.alias(build.alias())
    return Members(Frame(build, source), [], Operand(pw.Column(source, "value"), type_name), pw.Column(source, "position"))


def part(whole: Listed, start: bound.Expression, count: bound.Expression | None, scope: Scope) -> Listed:
    """`substring` of a list: zero-based, a negative start counts from the end and stops at the beginning."""
    build = scope.build

    def cut(piece: Callable[[], Members]) -> Members:
        found = piece()
        begin = expression.plain(start, scope)
        behind = build.dialect.greatest(terms.compare(whole.count(), "+", begin), pw.SQL("0"))
        begin = pw.Case(None, [(terms.compare(begin, "<", pw.SQL("0")), behind)], begin)
        place = terms.compare(position(found), "-", begin)
        found.where.append(terms.compare(place, ">=", pw.SQL("0")))
        if count is not None:
            found.where.append(terms.compare(place, "<", expression.plain(count, scope)))
        return Members(found.frame, found.where, found.member, place)
    return Listed(tuple(partial(cut, each) for each in whole.parts), build)


def joined(first: Listed, second: Listed) -> Listed:
    """`concat` of two lists."""
    def behind(piece: Callable[[], Members]) -> Members:
        found = piece()
        return Members(found.frame, found.where, found.member, terms.compare(position(found), "+", first.count()))
    return Listed((*first.parts, *(partial(behind, each) for each in second.parts)), first.build)


# --- what is asked of two lists --------------------------------------------------------------------------

def pair(left: bound.Expression, right: bound.Expression, scope: Scope) -> tuple[Listed, Listed, str]:
    """Both collections, and the type that their items are compared in."""
    kind = common_type(left.type, right.type, scope.build.model) or left.type
    return listed(left, kind, scope), listed(right, kind, scope), kind


def like(first: Listed, second: Listed, kind: str, one: Members, two: Members) -> pw.Node:
    return expression.equality(first.value(one, kind), second.value(two, kind), first.build, False)


def matches(first: Listed, second: Listed, kind: str, offset: pw.Node | None = None) -> pw.Node:
    """Whether the second list lies in the first, from a position on."""
    def unmatched(two: Members) -> pw.Node:
        place = position(two) if offset is None else terms.compare(position(two), "+", offset)
        return terms.no(first.any(lambda one: terms.compare(position(one), "=", place),
                                  lambda one: like(first, second, kind, one, two)))
    return terms.no(second.any(unmatched))


def position(found: Members) -> pw.Node:
    assert found.position is not None
    return found.position


def equal(left: bound.Expression, right: bound.Expression, scope: Scope) -> pw.Node:
    """Whether two ordered collections have the same items in the same order."""
    return alike(*pair(left, right, scope))


def alike(first: Listed, second: Listed, kind: str) -> pw.Node:
    """Whether two lists have the same items in the same order."""
    return terms.all_of([terms.compare(first.count(), "=", second.count()), matches(first, second, kind)])


def call(name: str, left: bound.Expression, right: bound.Expression, scope: Scope) -> pw.Node:
    """A canonical function of two collections. Raises NotImplementedByService, by name, for the others."""
    if name == "hassubsequence":
        return subsequence(left, right, scope)
    function = FUNCTIONS.get(name)
    if function is None:
        raise errors.NotImplementedByService(feature=f"{name} of collections")
    return function(*pair(left, right, scope))


def contains(first: Listed, second: Listed, kind: str) -> pw.Node:
    within = first.any(lambda start: matches(first, second, kind, position(start)))
    return terms.any_of([within, terms.no(second.any())])


def ends(first: Listed, second: Listed, kind: str) -> pw.Node:
    return matches(first, second, kind, terms.compare(first.count(), "-", second.count()))


def index(first: Listed, second: Listed, kind: str) -> pw.Node:
    """Where the second list begins in the first; -1 where it does not."""
    least = first.first(lambda start: matches(first, second, kind, position(start)))
    nowhere = pw.Case(None, [(second.any(), pw.SQL("-1"))], pw.SQL("0"))
    return pw.fn.COALESCE(least, nowhere)


def subset(first: Listed, second: Listed, kind: str) -> pw.Node:
    """Whether every item of the second list is in the first, and no more often than there."""
    def missing(two: Members) -> pw.Node:
        there = first.count(lambda one: like(first, second, kind, one, two))
        wanted = second.count(lambda other: like(second, second, kind, other, two))
        return terms.any_of([terms.compare(wanted, ">", there), terms.compare(there, "=", pw.SQL("0"))])    # NaN is nowhere
    return terms.no(second.any(missing))


def subsequence(left: bound.Expression, right: bound.Expression, scope: Scope) -> pw.Node:
    """Whether the items of a literal stand in a list in this order: each at the first place behind the one before."""
    if not isinstance(right, bound.ListValue):
        raise errors.NotImplementedByService(feature="hassubsequence with a second operand that is not a literal")
    first, build = listed(left, left.type, scope), scope.build
    place: pw.Node = pw.SQL("-1")

    def behind(place: pw.Node) -> Callable[[Members], pw.Node]:
        return lambda found: terms.compare(position(found), ">", place)

    def same(wanted: Operand) -> Callable[[Members], pw.Node]:
        return lambda found: expression.equality(first.value(found, left.type), wanted, build, False)

    for each in right.items:
        wanted = expression.plain_form(expression.value(each, scope, left.type), left.type, build)
        place = first.first(behind(place), same(wanted))
    return terms.not_null(place)


FUNCTIONS: dict[str, Callable[[Listed, Listed, str], pw.Node]] = {
    "contains": contains, "startswith": matches, "endswith": ends, "indexof": index, "hassubset": subset,
}

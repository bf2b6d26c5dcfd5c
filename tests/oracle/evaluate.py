"""The meaning of the typed tree, computed naively over Python values: what every store must agree with.

Written from the standard, not from the SQL: URL Conventions §5.1.1 with the null rules of §5.1.1.1 (comparisons are
never null, `and`, `or`, `not` three-valued, functions and arithmetic of null are null).

A value is a canonical Python value, None for null, an `Instance`, a list, a `Typed` dynamic value, or a `Failure`: the
request must fail. What may fail though no result needs it (the other side of an `and` that is false) is kept in
`Env.suspects`: there the standard leaves the order of evaluation open.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from app.bind import nodes
from app.bind.scope import is_collection
from app.edm import types
from app.edm.index import Model
from tests.oracle.functions import FUNCTIONS, LISTS, cast, of_kind, stepped
from tests.oracle.values import DIVISION, NUMERIC, OVERFLOW, Failure, bare, is_nan, ordered, promote, temporal, whole
from tests.oracle.world import Instance, Typed, World


NEVER_NULL = (nodes.Compare, nodes.In, nodes.IsOf, nodes.Lambda, nodes.Count)


@dataclass(slots=True)
class Env:
    """What an expression sees. `wide`: look for failures also where a database may look though it need not;
    `elsewhere`: other entities in the place of those that navigation properties lead to."""

    world: World
    this: Any
    it: Any = None
    variables: dict[str, Any] = field(default_factory=dict)
    names: dict[str, nodes.Expression] = field(default_factory=dict)
    suspects: list[Failure] = field(default_factory=list)
    wide: bool = False
    elsewhere: dict[Any, Any] = field(default_factory=dict)

    @property
    def model(self) -> Model:
        return self.world.model

    def fail(self, failure: Failure) -> Failure:
        self.suspects.append(failure)
        return failure


def evaluate(node: Any, env: Env) -> Any:
    """The value of a node of the typed tree."""
    return EVALUATORS[type(node)](node, env)


# --- paths (§5.1.1.14, §5.1.1.15) ------------------------------------------------------------------------

def _step(node: Any, env: Env, follow: Callable[[Any], Any]) -> Any:
    """What `follow` gives for the base of a path: of a collection for each member, of null nothing."""
    base = evaluate(node.base, env)
    if isinstance(base, list):
        found: list[Any] = []
        for each in base:
            below = follow(each)
            found.extend(below if isinstance(below, list) else [] if below is None else [below])
        return found
    if base is None:
        return [] if is_collection(node) else None
    found = follow(base)
    return [] if found is None and is_collection(node) else found


def _property(node: nodes.PropertyPath, env: Env) -> Any:
    return _step(node, env, lambda base: base.get(node.property.name))


def _dynamic(node: nodes.DynamicPath, env: Env) -> Any:
    return _step(node, env, lambda base: base.get(node.name) if isinstance(base, Instance) else None)


def _navigation(node: nodes.NavigationPath, env: Env) -> Any:
    if env.elsewhere and node in env.elsewhere:
        return env.elsewhere[node]
    found = _step(replace(node, collection=node.navigation.collection or node.collection), env,
                  lambda base: base.get(node.navigation.name))
    return _keyed(found, node.key, env) if node.key else found


def _keyed(members: list[Instance], key: nodes.Key, env: Env) -> Instance | None:
    wanted = {name: evaluate(value, env) for name, value in key}
    return next((each for each in members if all(each[name] == value for name, value in wanted.items())), None)


def _cast_path(node: nodes.CastPath, env: Env) -> Any:
    base = evaluate(node.base, env)
    if isinstance(base, list):
        return [each for each in base if each is not None and env.model.is_a(each["@type"], node.type)]
    return base if base is not None and env.model.is_a(base["@type"], node.type) else None


def _root(node: nodes.Root, env: Env) -> Any:
    members = env.world.sets[node.source]
    if node.collection:
        return [each for each in members if env.model.is_a(each["@type"], node.type)]
    return _keyed(members, node.key, env) if node.key else members[0]


def _filtered(node: nodes.Filtered, env: Env) -> Any:
    members = evaluate(node.collection, env)
    _look_wide(node.collection, node.predicate, env)
    return [each for each in members if evaluate(node.predicate, replace(env, this=each)) is True]


def _alias(node: nodes.AliasPath, env: Env) -> Any:
    if node.name in env.names:
        return evaluate(env.names[node.name], env)
    return env.this.get(node.name)


def _count(node: nodes.Count, env: Env) -> Any:
    members = evaluate(node.collection, env)
    if node.filter is None:
        return len(members)
    _look_wide(node.collection, node.filter, env)
    outcomes = [evaluate(node.filter, replace(env, this=each)) for each in members]
    failed = [each for each in outcomes if isinstance(each, Failure)]
    return failed[0] if failed else sum(each is True for each in outcomes)


def _lambda(node: nodes.Lambda, env: Env) -> Any:
    members = evaluate(node.collection, env)
    if node.predicate is None or node.variable is None:
        return bool(members)
    _look_wide(node.collection, node.predicate, env, node.variable)
    inner = [replace(env, variables={**env.variables, node.variable: each}) for each in members]
    outcomes = [evaluate(node.predicate, each) for each in inner]
    decisive = node.operator == "any"
    if any((each is True) is decisive and not isinstance(each, Failure) for each in outcomes):
        return decisive
    return next((each for each in outcomes if isinstance(each, Failure)), not decisive)


def _look_wide(collection: Any, predicate: Any, env: Env, variable: str | None = None) -> None:
    """Failures of a predicate over members of other instances, which a database may have computed on its way."""
    if not env.wide:
        return
    while isinstance(collection, nodes.Filtered | nodes.CastPath):
        collection = collection.collection if isinstance(collection, nodes.Filtered) else collection.base
    if isinstance(collection, nodes.NavigationPath | nodes.Root):
        for each in env.world.entities(collection.type):
            inner = replace(env, variables={**env.variables, variable: each}) if variable else replace(env, this=each)
            evaluate(predicate, inner)


# --- comparison (§5.1.1.1) -------------------------------------------------------------------------------

def _compare(node: nodes.Compare, env: Env) -> Any:
    left, right = evaluate(node.left, env), evaluate(node.right, env)
    failed, other = (node.left, right) if isinstance(left, Failure) else (node.right, left)
    if Failure in (type(left), type(right)) and other is None and isinstance(failed, NEVER_NULL) and node.operator in ("eq", "ne"):
        return node.operator == "ne"                # a database may know that without a look at what fails
    return compare(node.operator, left, right, node.operand_type, env)


def compare(operator: str, left: Any, right: Any, kind: str, env: Env) -> Any:
    """A comparison: never null; false for `gt`, `lt` with null, true for `ge`, `le` of two nulls."""
    if isinstance(left, Failure) or isinstance(right, Failure):
        failure, other = (left, right) if isinstance(left, Failure) else (right, left)
        if other is None and operator not in ("eq", "ne") or isinstance(other, Typed) and of_kind(other, kind) is None:
            return operator == "ne"
        return failure
    if operator in ("eq", "ne"):
        return equal(left, right, kind, env) is (operator == "eq")
    if left is None or right is None:
        return operator in ("ge", "le") and left is None and right is None
    first, second = _alike(left, right, kind)
    if first is None or is_nan(first) or is_nan(second):
        return False
    return {"gt": first > second, "ge": first >= second, "lt": first < second, "le": first <= second}[operator]


def equal(left: Any, right: Any, kind: str, env: Env) -> bool:
    """Null equals null and nothing else, NaN nothing at all."""
    if left is None or right is None:
        return left is None and right is None
    if kind == "entity":
        return left is right
    if kind == "complex":
        return _same_structure(left, right, env)
    if isinstance(left, list) or isinstance(right, list):
        return len(left) == len(right) and all(equal(one, other, "", env) for one, other in zip(left, right))
    if isinstance(left, Instance) and isinstance(right, Instance):
        return _same_structure(left, right, env)
    first, second = _alike(left, right, kind)
    return first is not None and not is_nan(first) and bool(first == second)


def _same_structure(left: Instance, right: Instance, env: Env) -> bool:
    names = {*left, *right} - {"@type"} - {*env.model.navigations(left["@type"])}
    return left["@type"] == right["@type"] and all(equal(left.get(name), right.get(name), "", env) for name in names)


def _alike(left: Any, right: Any, kind: str) -> tuple[Any, Any]:
    """Both values in a form that Python compares; (None, None) where they do not go together."""
    kinds = [value.type for value in (left, right) if isinstance(value, Typed)]
    if kinds:
        both = [*kinds, kind] if len(kinds) < 2 else kinds
        common = types.promote(both[0], both[1]) or (both[0] if both[0] == both[1] else None)
        if common is None:
            return None, None
        left, right = bare(left), bare(right)
        kind = common
    return ordered(left, kind), ordered(right, kind)


def _in(node: nodes.In, env: Env) -> Any:
    operand = evaluate(node.operand, env)
    items: Any = node.items
    found = [evaluate(item, env) for item in items] if isinstance(items, tuple) else evaluate(items, env)
    outcomes = [compare("eq", operand, item, node.operand_type, env) for item in found]
    if True in outcomes:
        return True
    return next((each for each in outcomes if isinstance(each, Failure)), False)


def _has(node: nodes.Has, env: Env) -> Any:
    left, right = evaluate(node.left, env), evaluate(node.right, env)
    decided = _strict((left, right))
    return left & right == right if decided is True else decided


# --- logic (§5.1.1.1.7 to 9) -----------------------------------------------------------------------------

def _logic(node: nodes.Logic, env: Env) -> Any:
    outcomes = [evaluate(operand, env) for operand in node.operands]
    decisive = node.operator == "or"
    if any(each is decisive for each in outcomes):
        return decisive
    failed = [each for each in outcomes if isinstance(each, Failure)]
    if failed and (decisive or None not in outcomes):       # null and what fails cannot be true any more
        return failed[0]
    return None if None in outcomes else not decisive


def _not(node: nodes.Not, env: Env) -> Any:
    found = evaluate(node.operand, env)
    return found if found is None or isinstance(found, Failure) else not found


def _case(node: nodes.Case, env: Env) -> Any:
    branches = [(evaluate(condition, env), evaluate(value, env)) for condition, value in node.branches]
    for condition, value in branches:
        if isinstance(condition, Failure):
            return condition
        if condition is True:
            return promote(value, node.type)
    return None


# --- arithmetic (§5.1.1.2) -------------------------------------------------------------------------------

def _strict(values: Sequence[Any]) -> Any:
    """None or a failure, where one of the operands decides the result by being that."""
    if any(value is None for value in values):
        return None
    return next((value for value in values if isinstance(value, Failure)), True)


def _arithmetic(node: nodes.Arithmetic, env: Env) -> Any:
    left, right = evaluate(node.left, env), evaluate(node.right, env)
    decided = _strict((left, right))
    if decided is not True:
        return decided
    if node.type in types.NUMBERS:
        family = "integer" if node.type in types.INTEGERS else node.type
        found = NUMERIC[family](node.operator, promote(left, node.type), promote(right, node.type))
        if isinstance(found, float) and found == 0 and left != 0 and node.operator in ("mul", "div", "divby"):
            env.suspects.append(OVERFLOW)           # PostgreSQL tells that a result is too small for a double
    else:
        found = temporal(node, left, right)
    if env.world.finite and isinstance(found, float | Decimal) and not math.isfinite(found):
        found = DIVISION
    return env.fail(found) if isinstance(found, Failure) else found


def _negate(node: nodes.Negate, env: Env) -> Any:
    found = evaluate(node.operand, env)
    if found is None or isinstance(found, Failure):
        return found
    if not isinstance(found, int):
        return -found
    found = whole(-found)
    return env.fail(found) if isinstance(found, Failure) else found


# --- canonical functions (§5.1.1.5 to 9) -----------------------------------------------------------------

def _call(node: nodes.Call, env: Env) -> Any:
    arguments = [evaluate(argument, env) for argument in node.arguments]
    decided = _strict(arguments)
    if decided is not True:
        return [] if decided is None and is_collection(node) else decided          # a collection is never null
    if arguments and isinstance(arguments[0], list):
        if node.name in ("concat", "substring"):
            return LISTS[node.name](*arguments)
        double = any(isinstance(item, float) for each in arguments for item in each)
        return LISTS[node.name](*([object() if is_nan(item) else float(item) if double and item is not None else item for item in each]
                                  for each in arguments))
    if node.name in ("round", "floor", "ceiling"):
        return stepped(node.name, promote(arguments[0], node.type))
    return FUNCTIONS[node.name](*arguments)


# --- casts (§5.1.1.10) -----------------------------------------------------------------------------------

def _cast(node: nodes.Cast, env: Env) -> Any:
    found = evaluate(node.operand, env)
    if isinstance(found, list):
        return [cast(each, node.operand.type, node.type, node.facets, env.model) for each in found]
    made = cast(found, node.operand.type, node.type, node.facets, env.model)
    return None if env.world.finite and isinstance(made, float | Decimal) and not math.isfinite(made) else made


def _is_of(node: nodes.IsOf, env: Env) -> Any:
    value = evaluate(node.operand, env)
    if value is None:
        return False
    if isinstance(value, Failure):
        return value if env.model.is_a(node.operand.type, node.of) else False
    if isinstance(value, Typed):
        return value.type == node.of
    if isinstance(value, Instance):
        return env.model.is_a(value["@type"], node.of)
    return env.model.is_a(node.operand.type, node.of)


# --- literals --------------------------------------------------------------------------------------------

def _object(node: nodes.ObjectValue, env: Env) -> Any:
    made = Instance({"@type": node.type})
    for name, member in env.model.properties(node.type).items():
        made[name] = [] if member.type.collection else None
    made.update({name: evaluate(value, env) for name, value in node.members if "@" not in name})
    return made


EVALUATORS: dict[type, Callable[[Any, Env], Any]] = {
    nodes.Literal: lambda node, env: node.value, nodes.It: lambda node, env: env.it,
    nodes.This: lambda node, env: env.this,
    nodes.Variable: lambda node, env: env.variables[node.name], nodes.Root: _root, nodes.PropertyPath: _property,
    nodes.DynamicPath: _dynamic, nodes.NavigationPath: _navigation, nodes.CastPath: _cast_path, nodes.AliasPath: _alias,
    nodes.AnnotationPath: lambda node, env: None, nodes.Count: _count, nodes.Filtered: _filtered, nodes.Lambda: _lambda,
    nodes.Compare: _compare, nodes.In: _in, nodes.Has: _has, nodes.Logic: _logic, nodes.Not: _not,
    nodes.Negate: _negate,
    nodes.Arithmetic: _arithmetic, nodes.Call: _call, nodes.Cast: _cast, nodes.IsOf: _is_of, nodes.Case: _case,
    nodes.ListValue: lambda node, env: [evaluate(item, env) for item in node.items], nodes.ObjectValue: _object}


# --- whole requests --------------------------------------------------------------------------------------

def select(predicate: Any, members: Sequence[Instance], world: World) -> tuple[list[Instance] | Failure, list[Failure]]:
    """The members that a filter keeps, or why it must fail; and every way in which it may."""
    suspects: list[Failure] = []
    kept, failed = [], None
    for each in members:
        outcome = evaluate(predicate, Env(world, each, each, suspects=suspects))
        if isinstance(outcome, Failure):
            failed = outcome
        elif outcome is True:
            kept.append(each)
    return failed or kept, suspects


def sort_key(value: Any, kind: str) -> tuple[int, Any]:
    """Null first, NaN last, false before true, text by code points (Protocol §11.2.6.2)."""
    if value is None:
        return 0, 0
    found = ordered(bare(value), kind if not isinstance(value, Typed) else value.type)
    return (2, 0) if is_nan(found) else (1, found)


def arrange(items: Sequence[nodes.OrderItem], members: Sequence[Instance], world: World,
            it: Instance | None = None, names: dict[str, Any] | None = None) -> list[Instance] | Failure:
    """The members in order; members that tie in their order of storage, backwards where the last item descends."""
    found = list(members)
    if items and items[-1].descending:
        found.reverse()
    for item in reversed(items):
        keys = []
        for each in found:
            value = evaluate(item.expression, Env(world, each, it or each, names=names or {}))
            if isinstance(value, Failure):
                return value
            keys.append(sort_key(value, item.expression.type))
        order = sorted(range(len(found)), key=keys.__getitem__, reverse=item.descending)       # ties stay as they stand
        found = [found[at] for at in order]
    return found


def may_fail(node: Any, world: World, members: Sequence[Instance], names: dict[str, Any] | None = None) -> bool:
    """Whether a database that computes more than it must may fail: constants, members of other instances, and entities
    that a path does not lead to from anywhere, but a scan of their table does."""
    env = Env(world, None, names=names or {}, wide=True)
    for part in constants(node):
        evaluate(part, env)
    for each in members:
        evaluate(node, replace(env, this=each, it=each))
    paths = {each for each in parts(node) if isinstance(each, nodes.NavigationPath) and not each.collection}
    choices = [[(path, entity) for entity in world.entities(path.type)] for path in sorted(paths, key=repr)]
    together = [dict(chosen) for chosen in itertools.islice(itertools.product(*choices), 3000 if len(paths) > 1 else 0)]
    for elsewhere in [*({path: entity} for choice in choices for path, entity in choice), *together]:
        if env.suspects:
            break
        for each in members:
            evaluate(node, replace(env, this=each, it=each, elsewhere=elsewhere))
    return bool(env.suspects)


def parts(node: Any) -> Iterator[Any]:
    """A tree and everything in it."""
    if isinstance(node, tuple):
        for each in node:
            yield from parts(each)
    elif hasattr(node, "__dataclass_fields__") and type(node) in EVALUATORS:
        yield node
        for name in node.__dataclass_fields__:
            yield from parts(getattr(node, name))


def constants(node: Any) -> list[Any]:
    """The parts of a tree that depend on nothing."""
    found: list[Any] = []

    def walk(part: Any) -> bool:
        if isinstance(part, tuple | list):
            return all([walk(each) for each in part])
        if isinstance(part, nodes.This | nodes.It | nodes.Variable | nodes.Root | nodes.AliasPath):
            return False
        if not hasattr(part, "__dataclass_fields__"):
            return True
        free = all([walk(getattr(part, name)) for name in part.__dataclass_fields__])
        if free and isinstance(part, nodes.Arithmetic | nodes.Negate | nodes.Call | nodes.Cast | nodes.Case):
            found.append(part)
        return free

    walk(node)
    return found

"""`$apply`: each transformation bound against the result of the one before; the type of the last row is the result.

After an aggregation the row holds its groups and aliases and nothing else; options that follow see that row.
Data Aggregation §3 and §6.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from app import errors
from app.bind import aggregate, expression, hierarchies, member, nodes, operations
from app.bind.scope import Scope, describe, is_collection
from app.edm import types
from app.edm.values import plain
from app.url import nodes as url

LEVELED = "Org.OData.Aggregation.V1.LeveledHierarchy"
Row = tuple[nodes.RowProperty, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What a transformation gets: the scope of its input, its row (None: instances of the input type), added names, the
    properties that are grouped by."""

    scope: Scope
    row: Row | None = None
    aliases: tuple[nodes.ComputedProperty, ...] = ()
    groups: frozenset[str] = frozenset()

    def with_row(self, row: Iterable[nodes.RowProperty]) -> State:
        """After an aggregation."""
        found = {each.path: each for each in row}
        names = {}
        for path, each in found.items():
            name = "/".join(path)
            names[name] = nodes.AliasPath(name, each.type, each.collection)
            if not path:
                del names[name]
        scope = replace(self.scope, names=names, closed=() not in found)
        return State(scope, tuple(replace(each, expression=None) for each in found.values()), groups=self.groups)

    def with_added(self, added: Iterable[nodes.ComputedProperty], inner: Iterable[nodes.RowProperty] = (),
                   rows: bool = False) -> State:
        """With further properties on every instance; `inner`: what is known below the last of them; `rows`: nothing else
        is there."""
        names, row, aliases = dict(self.scope.names), self.row, self.aliases
        for each in added:
            many = is_collection(each.expression)
            transformed = isinstance(each.expression, nodes.Transformed)
            names[each.name] = each.expression if transformed else nodes.AliasPath(each.name, each.type, many, rows)
            if row is None:
                aliases += (each,)
            else:
                row += (nodes.RowProperty((each.name,), each.type, None, many),)
            for part in inner:
                path = "/".join((each.name, *part.path))
                names[path] = nodes.AliasPath(path, part.type, part.collection)
        return State(replace(self.scope, names=names), row, aliases, self.groups)


def bind_apply(transformations: tuple[url.Transformation, ...], scope: Scope) -> tuple[nodes.Apply, Scope]:
    """A sequence of transformations over instances that `scope` sees, and the scope of its result; over combinations of
    entities where the scope has names of these only (`$crossjoin`)."""
    row = tuple(nodes.RowProperty((name,), each.type, navigation=True) for name, each in scope.names.items()) or None
    apply, state = _sequence(transformations, State(replace(scope, these=scope.type), row if scope.closed else None))
    return apply, replace(state.scope, these="")


def result_scope(apply: nodes.Apply, scope: Scope) -> Scope:
    """What options behind a sequence see, whose instances `scope` sees."""
    state = State(scope).with_added(apply.aliases)
    return (state if apply.row is None else state.with_row(apply.row)).scope


def _sequence(transformations: tuple[url.Transformation, ...], state: State) -> tuple[nodes.Apply, State]:
    bound = []
    for each in transformations:
        node, state = _bind(each, state)
        bound.append(node)
    return nodes.Apply(tuple(bound), state.row, state.aliases, state.scope.type), state


def _bind(syntax: url.Transformation, state: State) -> tuple[nodes.Transformation, State]:
    scope = state.scope
    match syntax:
        case url.AggregateT(items):
            return _aggregate(items, state)
        case url.GroupByT():
            return _group(syntax, state)
        case url.FilterT(predicate):
            return nodes.Filter(expression.bind_boolean(predicate, scope)), state
        case url.SearchT(search):
            return nodes.Search(search), state
        case url.ComputeT(items):
            computed, _ = bind_compute(items, scope)
            return nodes.Compute(computed), state.with_added(computed)
        case url.OrderByT(items):
            return nodes.OrderBy(bind_order(items, scope)), state
        case url.TopSkipT(kind, count):
            return nodes.TopSkip(kind, number(count)), state
        case url.IdentityT():
            return nodes.Identity(), state
        case url.ConcatT(sequences):
            return _concat(sequences, state)
        case url.TopBottomT():
            return _extreme(syntax, scope), state
        case url.NestT():
            return _nest(syntax, state)
        case url.JoinT():
            return _join(syntax, state)
        case url.HierarchyT():
            return _relatives(syntax, state), state
        case url.TraverseT():
            return _traverse(syntax, state), state
        case url.FunctionT(step):
            return _function(step, state)


def number(value: int | url.Parameter) -> int | nodes.Parameter:
    """A count, lifted or not."""
    return nodes.Parameter(value.index, "Edm.Int64") if isinstance(value, url.Parameter) else value


def bind_order(items: Iterable[url.OrderItem], scope: Scope) -> tuple[nodes.OrderItem, ...]:
    """The items of `$orderby`: primitive values that have an order (Protocol §11.2.6.2)."""
    bound = []
    for item in items:
        node = expression.bind_expression(item.expression, scope)
        kind = scope.model.kind(node.type)
        if is_collection(node) or kind in ("entity", "complex") or node.type == "Edm.Stream" or node.type in types.GEO:
            raise errors.TypeMismatch(reason=f"Values of type {describe(node)} cannot be sorted",
                                      position=expression.position_of(item.expression))
        bound.append(nodes.OrderItem(node, item.descending))
    return tuple(bound)


def bind_compute(items: Iterable[url.ComputeItem], scope: Scope) -> tuple[tuple[nodes.ComputedProperty, ...], Scope]:
    """The items of `$compute` and the scope that sees them; an item may use those before it (Part 2 §5.1.10)."""
    bound: list[nodes.ComputedProperty] = []
    for item in items:
        check_alias(item.name, scope)
        node = expression.bind_expression(item.expression, scope)
        bound.append(nodes.ComputedProperty(item.name, node, node.type, is_collection(node)))
        alias = nodes.AliasPath(item.name, node.type, is_collection(node))
        scope = scope.with_names({**scope.names, item.name: alias})
    return tuple(bound), scope


def check_alias(name: str, scope: Scope, declared: bool = True) -> None:
    """Raises BindError where an alias is taken: by another, or (`declared`) by a declared property."""
    model = scope.model
    taken = name in model.properties(scope.type) or name in model.navigations(scope.type)
    if name in scope.names or declared and taken:
        raise errors.BindError(f"The name '{name}' is taken", target=name)


# --- aggregation -----------------------------------------------------------------------------------------

def _aggregate(items: tuple[url.AggregateExpression, ...], state: State) -> tuple[nodes.Transformation, State]:
    bound: list[nodes.AggregateExpression] = []
    for item in items:
        node = aggregate.bind_aggregate(item, state.scope)
        if node.alias in state.groups or any(node.alias == each.alias for each in bound):
            raise errors.BindError(f"The name '{node.alias}' is taken", target=node.alias, position=item.position)
        bound.append(node)
    row = [nodes.RowProperty((each.alias,), each.type) for each in bound]
    return nodes.Aggregate(tuple(bound)), state.with_row(row)


def _group(syntax: url.GroupByT, state: State) -> tuple[nodes.Transformation, State]:
    items: list[nodes.RowProperty | nodes.Rollup | nodes.RollupRecursive] = []
    groups: list[nodes.RowProperty] = []
    tested: dict[str, str] = {}         # names of the nodes that rows are about → their types
    for item in syntax.items:
        match item:
            case url.GroupingPath(path):
                groups.append(aggregate.row_property(path, state.scope))
                items.append(groups[-1])
            case url.Rollup(paths, everything):
                if len(paths) == 1 and not everything:
                    paths = _levels(paths[0], state.scope)
                levels = tuple(aggregate.row_property(path, state.scope) for path in paths)
                items.append(nodes.Rollup(levels, everything))
                groups.extend(replace(level, partial=everything or at > 0) for at, level in enumerate(levels))
            case url.RollupRecursive(nodes_path, qualifier, path, before, keep_start):
                hierarchy = hierarchies.hierarchy(nodes_path, qualifier, state.scope)
                property_ = _identifier(path, state.scope)
                start = _over_nodes(before, hierarchy, state.scope)
                shown = _shown(property_, hierarchy, state.scope)
                items.append(nodes.RollupRecursive(hierarchy, property_, shown, start, keep_start))
                groups.append(shown)
                tested[f"{hierarchies.ROLLUP_NODE}{len(tested) + 1}"] = hierarchy.nodes.type
    groups = _of_some(groups, state.scope)
    if not syntax.then:
        return nodes.GroupBy(tuple(items)), state.with_row(groups)
    own = frozenset("/".join(each.path) for each in groups)
    added = {name: nodes.AliasPath(name, type) for name, type in tested.items()}
    inner = replace(state.scope, names={**state.scope.names, **added})
    then, after = _sequence(syntax.then, replace(state, scope=inner, groups=state.groups | own))
    node = nodes.GroupBy(tuple(items), then)
    if then.row is None:
        return node, replace(after, groups=state.groups)
    known = {each.path for each in groups}
    return node, state.with_row([*groups, *(each for each in then.row if each.path not in known)])


def _of_some(groups: list[nodes.RowProperty], scope: Scope) -> list[nodes.RowProperty]:
    """Grouping properties behind casts are of some rows only, unless there is one for every type (§3.1.1)."""
    model = scope.model
    of = {each.path[0] for each in groups if each.path and "." in each.path[0]}
    every = bool(of) and all(any(model.is_a(type, each) for each in of) for type in model.concrete(scope.type))
    return [replace(each, partial=each.partial or any("." in step for step in each.path[int(every):])) for each in groups]


def _shown(property_: nodes.RowProperty, hierarchy: nodes.RecursiveHierarchy, scope: Scope) -> nodes.RowProperty:
    """What rows of `rolluprecursive` show of their node (the cases of §6.2.2): the instance, the related entity, or the
    identifier."""
    node = property_.expression
    if isinstance(node, nodes.PropertyPath) and node.property == hierarchy.node.property and isinstance(
            hierarchy.node.base, nodes.This) and node.base.type == hierarchy.nodes.type:
        if isinstance(node.base, nodes.This) and not scope.closed:
            return nodes.RowProperty((), scope.type, node.base, navigation=True)
        if isinstance(node.base, nodes.NavigationPath | nodes.AliasPath):
            return nodes.RowProperty(property_.path[:-1], node.base.type, node.base, navigation=True)
    return property_


def _levels(path: tuple[str, ...], scope: Scope) -> tuple[tuple[str, ...], ...]:
    """The paths of a named leveled hierarchy (§5.5.1)."""
    model = scope.model
    for each in model.lineage(scope.type):
        kind = model.structured(each)
        found = model.annotation(LEVELED, each, kind.annotations if kind else (), path[0])
        value = plain(found.value) if found is not None else None
        if isinstance(value, list):
            return tuple(tuple(item.split("/")) for item in value)
    raise errors.BindError(f"There is no leveled hierarchy '{'/'.join(path)}'; rollup of properties takes two or more")


def _concat(sequences: tuple[tuple[url.Transformation, ...], ...], state: State) -> tuple[nodes.Transformation, State]:
    bound, states = zip(*(_sequence(each, state) for each in sequences))
    node = nodes.Concat(bound)
    if all(each.row is None for each in states):
        added = {alias.name: alias for each in states for alias in each.aliases}
        names = {name: value for each in states for name, value in each.scope.names.items()}
        return node, State(replace(state.scope, names=names), None, tuple(added.values()), state.groups)
    rows = [_whole(each) if each.row is None else each.row for each in states]
    declared = {(name,) for name in state.scope.model.properties(state.scope.type)}
    known = [{one.path for one in other if not one.partial} for other in rows]
    known = [paths | declared if () in paths else paths for paths in known]
    row = [replace(each, partial=not all(each.path in paths for paths in known)) for properties in rows for each in properties]
    return node, state.with_row(row)


def _whole(state: State) -> Row:
    """A row that still is an instance of the input type, with what was added to it."""
    whole = nodes.RowProperty((), state.scope.type, nodes.This(state.scope.type), navigation=True)
    for each in state.aliases:
        if isinstance(each.expression, nodes.Transformed) or state.scope.model.structured(each.type) is not None:
            raise errors.NotImplementedByService(feature=f"'{each.name}' of instances beside rows in concat")
    return whole, *(nodes.RowProperty((each.name,), each.type, None, is_collection(each.expression)) for each in state.aliases)


def _extreme(syntax: url.TopBottomT, scope: Scope) -> nodes.Transformation:
    """topcount and its like: the amount is of the collection, the value of each instance."""
    outside = replace(scope, this=nodes.This(""), names={}, closed=False, at_it=True)
    amount = expression.bind_beside(syntax.amount, nodes.This("Edm.Decimal"), outside)
    value = expression.bind_expression(syntax.value, scope)
    sums = not syntax.kind.endswith("count")
    value = expression.as_number(value) if sums else value
    fits = value.type in types.NUMBERS or value.type == "Edm.Duration" or not sums and (
        value.type in expression.ORDERED or value.type in expression.DYNAMIC)
    if amount.type not in types.NUMBERS or is_collection(value) or not fits:
        raise errors.TypeMismatch(reason=f"{syntax.kind} does not take {describe(amount)} and {describe(value)}",
                                  position=syntax.position)
    if isinstance(amount, nodes.Literal):
        _check_amount(syntax, amount)
    return nodes.TopBottom(syntax.kind, amount, value)


def _check_amount(syntax: url.TopBottomT, amount: nodes.Literal) -> None:
    """A count is a positive integer, a percentage positive and at most 100 (§3.3.1.1, §3.3.1.2)."""
    if syntax.kind.endswith("count"):
        wanted, fits = "a positive integer", amount.value > 0 and amount.value % 1 == 0
    elif syntax.kind.endswith("percent"):
        wanted, fits = "a positive number of at most 100", 0 < amount.value <= 100
    else:
        return
    if not fits:
        raise errors.BindError(f"The first argument of {syntax.kind} must be {wanted}", position=syntax.position)


# --- nesting and joining ---------------------------------------------------------------------------------

def _nest(syntax: url.NestT, state: State) -> tuple[nodes.Transformation, State]:
    if syntax.path is not None:
        return _add_nested(syntax, syntax.path, state)
    items, row = [], []
    for transformations, name in syntax.items:
        apply, _ = _sequence(transformations, state)
        items.append((name, apply))
        row.append(nodes.RowProperty((name,), apply.type, None, True, True, nested=apply))
    if len({name for name, _ in items}) < len(items):
        raise errors.BindError("The names in nest must differ", position=syntax.position)
    return nodes.Nest(tuple(items)), state.with_row(row)


def _add_nested(syntax: url.NestT, path: tuple[str, ...], state: State) -> tuple[nodes.Transformation, State]:
    node = aggregate.grouping_path(path, state.scope, many=True)
    if state.scope.model.structured(node.type) is None:
        raise errors.TypeMismatch(reason=f"addnested needs a navigation or complex property, not {describe(node)}",
                                  position=syntax.position)
    last = node.base if isinstance(node, nodes.CastPath) else node
    if state.row is not None:
        raise errors.NotImplementedByService(feature="addnested behind an aggregation", position=syntax.position)
    if not isinstance(last, nodes.NavigationPath):
        raise errors.NotImplementedByService(feature="addnested of complex values", position=syntax.position)
    if any(isinstance(each, nodes.NavigationPath) for each in _bases(last)):
        raise errors.BindError("Only the last segment of the path of addnested can be a navigation property",
                               position=syntax.position)
    many = last.navigation.collection
    added = []
    for transformations, name in syntax.items:
        if name != path[-1]:            # the transformation `expand` of earlier editions
            check_alias(name, state.scope)
        if not many and not all(isinstance(each, url.IdentityT | url.ComputeT) or isinstance(each, url.NestT) and each.path
                                for each in transformations):
            raise errors.BindError("A single entity is transformed by identity, compute and addnested only",
                                   position=syntax.position)
        apply, _ = _sequence(transformations, State(_related(node, state.scope)))
        added.append(nodes.ComputedProperty(name, nodes.Transformed(name, node, apply, apply.type, many), apply.type))
    return nodes.AddNested(node, tuple((each.name, each.expression.apply) for each in added
                                       if isinstance(each.expression, nodes.Transformed))), state.with_added(added)


def _bases(node: nodes.Expression) -> Iterable[nodes.Expression]:
    """What a path runs through."""
    while isinstance(node, nodes.NavigationPath | nodes.PropertyPath | nodes.CastPath):
        node = node.base
        yield node


def _join(syntax: url.JoinT, state: State) -> tuple[nodes.Transformation, State]:
    node = aggregate.grouping_path(syntax.path, state.scope)
    if not is_collection(node) or state.scope.model.structured(node.type) is None:
        raise errors.TypeMismatch(reason="join needs a collection-valued navigation or complex property, not "
                                         + describe(node), position=syntax.position)
    check_alias(syntax.alias, state.scope)
    then: nodes.Apply | None = None
    inner: Row = ()
    rows = False
    if syntax.then:
        then, after = _sequence(syntax.then, State(_related(node, state.scope)))
        rows = then.row is not None
        inner = then.row or tuple(nodes.RowProperty((each.name,), each.type) for each in after.aliases)
    added = nodes.ComputedProperty(syntax.alias, _one(node), node.type)
    return nodes.Join(syntax.outer, node, syntax.alias, then), state.with_added([added], inner, rows)


def _one(node: nodes.Expression) -> nodes.Expression:
    assert isinstance(node, nodes.NavigationPath | nodes.PropertyPath | nodes.CastPath | nodes.AliasPath)
    return replace(node, collection=False)


def _related(node: nodes.Expression, scope: Scope) -> Scope:
    return replace(scope.inside(node.type), these=node.type)


def _function(step: url.NameStep, state: State) -> tuple[nodes.Transformation, State]:
    model, type_name = state.scope.model, state.scope.type
    if state.row is not None:
        raise errors.BindError(f"{step.name} takes entities; behind an aggregation there are none", position=step.position)
    candidates = operations.named(model, step.name, operations.Binding(type_name, True))
    if not candidates:
        message = f"There is no transformation or function '{step.name}' for Collection({type_name})"
        raise errors.UnknownFunction(message, position=step.position)
    call = member.call(step, nodes.These(type_name), candidates, state.scope)
    if not call.collection or model.structured(call.type) is None:
        raise errors.TypeMismatch(reason=f"{step.name} does not give a collection of instances", position=step.position)
    scope = replace(state.scope, this=nodes.This(call.type), these=call.type, names={}, closed=False)
    return nodes.SetFunction(call), State(scope, groups=state.groups)


# --- hierarchies -----------------------------------------------------------------------------------------

def _over_nodes(transformations: tuple[url.Transformation, ...], hierarchy: nodes.RecursiveHierarchy,
                scope: Scope) -> nodes.Apply | None:
    if not transformations:
        return None
    inner = replace(scope.inside(hierarchy.nodes.type), these=hierarchy.nodes.type)
    return _sequence(transformations, State(inner))[0]


def _identifier(path: tuple[str, ...], scope: Scope) -> nodes.RowProperty:
    """The node identifier of an instance (§6.1)."""
    if is_collection(aggregate.grouping_path(path, scope, many=True)):
        raise errors.NotImplementedByService(feature=f"A hierarchy related through collections, '{'/'.join(path)}',")
    return aggregate.row_property(path, scope)


def _relatives(syntax: url.HierarchyT, state: State) -> nodes.Transformation:
    hierarchy = hierarchies.hierarchy(syntax.hierarchy, syntax.qualifier, state.scope)
    start, _ = _sequence(syntax.start, state)
    distance = None if syntax.distance is None else number(syntax.distance)
    property_ = _identifier(syntax.property, state.scope)
    return nodes.Relatives(syntax.kind, hierarchy, property_, start, distance, syntax.keep_start)


def _traverse(syntax: url.TraverseT, state: State) -> nodes.Transformation:
    hierarchy = hierarchies.hierarchy(syntax.hierarchy, syntax.qualifier, state.scope)
    start = _over_nodes(syntax.start, hierarchy, state.scope)
    orderby = bind_order(syntax.orderby, state.scope.inside(hierarchy.nodes.type))
    return nodes.Traverse(hierarchy, _identifier(syntax.property, state.scope), syntax.order, start, orderby)

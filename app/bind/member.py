"""Member paths inside expressions: names become properties, casts, calls, lambdas and counts of the current type.

Order of look-up of a first name: lambda variable, added name (`$compute`, `$apply`), declared member, dynamic property.
`expression` and this module call each other: a path holds expressions, an expression paths.
URL Conventions §5.1.1.13 to §5.1.1.16, §4.8, §4.12.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app import errors
from app.bind import aggregate, expression, hierarchies, key, nodes, operations
from app.bind.functions import FUNCTIONS
from app.bind.scope import Scope, default_type, describe, is_collection
from app.edm import vocabularies
from app.edm.index import Model, Operation
from app.url import nodes as url


def bind_path(syntax: url.Path, scope: Scope) -> nodes.Expression:
    """The node of a member path."""
    steps = syntax.steps
    if syntax.root == "":
        node, rest = _first(steps, scope)
    elif syntax.root == "$it":
        node, rest = _it(scope), steps
    elif syntax.root == "$this":
        if not scope.type:
            raise errors.BindError("There is no $this here", position=syntax.position)
        node, rest = scope.this, steps
    elif syntax.root == "$these":
        node, rest = nodes.These(scope.these or scope.type), steps
    elif syntax.root == "$root":
        node, rest = _root(steps, scope)
    else:
        value, context = scope.alias(syntax.root[1:], syntax.position)
        node, rest = (expression.NULL if value is None else expression.bind_expression(value, context)), steps
    return walk(node, rest, scope)


def walk(node: nodes.Expression, steps: Sequence[url.Step], scope: Scope) -> nodes.Expression:
    """The node that `steps` lead to from `node`."""
    index, count = 0, len(steps)
    while index < count:
        current = steps[index]
        index += 1
        if index < count and isinstance(current, url.NameStep):
            following = steps[index]
            if isinstance(following, url.NameStep) and following.name == "":       # a key behind F(p=1) or a cast
                node = _keyed(_step(node, current, scope), following.arguments or (), scope, following.position)
                index += 1
                continue
        node = _step(node, current, scope)
    return node


def is_known(name: str, scope: Scope) -> bool:
    """Whether a simple name means something as the first step of a path."""
    return name in scope.variables or name in scope.names or name in scope.model.properties(scope.type) \
        or name in scope.model.navigations(scope.type) or scope.model.is_open(scope.type)


# --- where a path begins ---------------------------------------------------------------------------------

def _first(steps: Sequence[url.Step], scope: Scope) -> tuple[nodes.Expression, Sequence[url.Step]]:
    """The node of the first step (or steps) of a path without a root, and the steps that remain."""
    step = steps[0]
    if not isinstance(step, url.NameStep):
        return scope.this, steps
    name = step.name
    if step.arguments is not None:
        return _unrooted_call(step, scope), steps[1:]
    if name in scope.variables:
        return scope.variables[name], steps[1:]
    if scope.names:
        taken, found = added(steps, scope)
        if isinstance(found, nodes.AliasPath) and found.row and taken < len(steps):
            return _gone(steps, scope, taken, found.type)
        if found is not None:
            return found, steps[taken:]
    if scope.closed and "." not in name:
        return _gone(steps, scope, 0, scope.type)
    if "." in name and scope.model.structured(name) is None:
        found_operations = operations.named(scope.model, name, None)
        if found_operations:
            return call(step, None, found_operations, scope), steps[1:]
    return scope.this, steps


def added(steps: Sequence[url.Step], scope: Scope) -> tuple[int, nodes.Expression | None]:
    """The longest beginning of a path that is an added name ('Customer/Country'), and its node."""
    path, best, taken = "", None, 0
    for index, step in enumerate(steps):
        if not isinstance(step, url.NameStep) or step.arguments is not None:
            break
        name = scope.model.full(step.name) if "." in step.name else step.name
        path = f"{path}/{name}" if path else name
        if path in scope.names:
            best, taken = scope.names[path], index + 1
    return taken, best


def _gone(steps: Sequence[url.Step], scope: Scope, taken: int, type: str) -> tuple[nodes.Expression, Sequence[url.Step]]:
    """A declared property that an aggregation took away is null (Aggregation §3.1); what never was is unknown. `taken`: the
    steps that lead to the row, made of instances of `type`."""
    model, first = scope.model, steps[taken]
    if isinstance(first, url.NameStep) and "." not in first.name and first.arguments is None \
            and model.structured(type) is not None and not model.is_open(type):
        declared_here = {*model.properties(type), *model.navigations(type)}
        if first.name not in declared_here:
            above = "".join(f"{step.name}/" for step in steps[:taken] if isinstance(step, url.NameStep))
            here = {name.removeprefix(above).partition("/")[0] for name in scope.names if name.startswith(above)}
            raise errors.UnknownProperty(f"{type} has no property '{first.name}'", position=first.position,
                                         hint=errors.closest(first.name, [*here, *declared_here]))
    plain = replace(scope, this=nodes.This(type), names={}, closed=False)
    declared = walk(plain.this, steps[taken:], plain)
    prefix = "/".join(step.name for step in steps if isinstance(step, url.NameStep)) + "/"
    if any(name.startswith(prefix) for name in scope.names):
        raise errors.NotImplementedByService(feature=f"Using '{prefix[:-1]}', of which only parts are grouped,")
    return nodes.Literal(None, declared.type), ()


def _it(scope: Scope) -> nodes.Expression:
    if not scope.it:
        raise errors.BindError("There is no $it here")
    return scope.this if scope.at_it else nodes.It(scope.it)


def _root(steps: Sequence[url.Step], scope: Scope) -> tuple[nodes.Expression, Sequence[url.Step]]:
    """`$root/Set`, `$root/Set(key)`, `$root/Set/key`, `$root/Singleton`, `$root/FunctionImport(…)`."""
    model, step = scope.model, steps[0]
    if not isinstance(step, url.NameStep):
        raise errors.BindError("$root must be followed by an entity set, a singleton or a function import")
    source = model.source_of(step.name)
    if source is not None:
        whole = step.name in model.sets
        if step.arguments is not None and not whole:
            raise errors.BindError(f"The singleton '{step.name}' has no key", position=step.position)
        if step.arguments is not None:
            found = key.bind_key(step.arguments, source.type, scope, step.position).key
            return nodes.Root(step.name, found, source.type), steps[1:]
        if whole and len(steps) > 1 and _is_segment_key(steps[1], source.type, model):
            assert isinstance(steps[1], url.NameStep)
            text = url.Literal("segment", steps[1].name, None, steps[1].position)
            try:
                found = key.bind_segments((text,), source.type, scope).key
            except errors.UnknownResource as error:
                raise errors.BindError(error.text, position=text.position) from None
            return nodes.Root(step.name, found, source.type), steps[2:]
        return nodes.Root(step.name, (), source.type, whole), steps[1:]
    imported = model.function_imports.get(step.name)
    if imported is not None:
        return call(step, None, operations.named(model, imported.function, None), scope), steps[1:]
    known = [*model.sets, *model.singletons, *model.function_imports]
    raise errors.BindError(f"There is no '{step.name}' at the root of this service",
                           hint=errors.closest(step.name, known), position=step.position)


def _is_segment_key(step: url.Step, type_name: str, model: Model) -> bool:
    if not isinstance(step, url.NameStep) or step.arguments is not None or len(model.key(type_name)) != 1:
        return False
    return model.structured(step.name) is None \
        and not operations.named(model, step.name, operations.Binding(type_name, True))


# --- one step --------------------------------------------------------------------------------------------

def _step(node: nodes.Expression, step: url.Step, scope: Scope) -> nodes.Expression:
    match step:
        case url.NameStep():
            return _named(node, step, scope)
        case url.AnnotationStep(term):
            if not vocabularies.supported(scope.model, "AnnotationValuesInQuerySupported"):
                raise errors.NotImplementedByService(feature="An annotation in a query option")
            return nodes.AnnotationPath(node, scope.model.full(term))
        case url.CountStep(predicate, search, position):
            _need_collection(node, "$count", position)
            bound = None if predicate is None else expression.bind_boolean(predicate, scope.inside(node.type))
            return nodes.Count(node, bound, search)
        case url.FilterStep(predicate, position):
            _need_collection(node, "$filter", position)
            if isinstance(predicate, url.Alias):        # §4.12: the alias stands for an expression on the members
                value, _ = scope.alias(predicate.name, predicate.position)
                predicate = predicate if value is None else value
            return nodes.Filtered(node, expression.bind_boolean(predicate, scope.inside(node.type)), node.type)
        case url.LambdaStep():
            return _lambda(node, step, scope)
        case url.AggregateStep(items, position):
            _need_collection(node, "aggregate", position)
            inner = scope.inside(node.type)
            if isinstance(node, nodes.These) and node.type == scope.type:       # rows have what was added to them
                inner = replace(inner, names=scope.names, closed=scope.closed)
            aggregated = aggregate.bind_aggregate(items[0], inner, named=False)
            return nodes.AggregateValue(node, aggregated, aggregated.type)
        case url.RefStep(name, position):
            raise errors.NotImplementedByService(feature=f"/${name} inside an expression", position=position)


def _need_collection(node: nodes.Expression, what: str, position: int) -> None:
    if not is_collection(node) and node.type != "Edm.Untyped":
        raise errors.BindError(f"'{what}' applies to collections, not to {describe(node)}", position=position)


def _lambda(node: nodes.Expression, step: url.LambdaStep, scope: Scope) -> nodes.Expression:
    if isinstance(node, nodes.AnnotationPath):          # no annotation is stored: an empty collection
        return nodes.Literal(step.operator == "all", "Edm.Boolean")
    _need_collection(node, step.operator, step.position)
    if step.predicate is None or step.variable is None:
        return nodes.Lambda(step.operator, node, None, None)
    inner = scope.with_variable(nodes.Variable(step.variable, node.type))
    return nodes.Lambda(step.operator, node, step.variable, expression.bind_boolean(step.predicate, inner))


def _named(node: nodes.Expression, step: url.NameStep, scope: Scope) -> nodes.Expression:
    name, model = step.name, scope.model
    if isinstance(node, nodes.AnnotationPath):
        return nodes.AnnotationPath(node.base, f"{node.term}/{name}")
    many = is_collection(node)
    if "." in name or model.default_namespaces:
        cast = cast_name(name, node.type, model)
        if cast is not None:
            checked_cast(node.type, cast, model, step.position)
            found: nodes.Expression = nodes.CastPath(node, cast, many)
            return found if step.arguments is None else _keyed(found, step.arguments, scope, step.position)
        if "." in name:
            return _bound_call(node, step, scope)
    if many and not scope.flatten:
        candidates = operations.named(model, name, operations.Binding(node.type, True))
        if candidates:
            return call(step, node, candidates, scope)
        raise errors.BindError(f"'{name}' cannot follow {describe(node)}: use any, all, $count or $filter",
                               position=step.position)
    named = find_member(node, name, model, many, step.position, step.arguments is None)
    if named is None:
        return _bound_call(node, step, scope)
    return named if step.arguments is None else _keyed(named, step.arguments, scope, step.position)


def cast_name(name: str, type_name: str, model: Model) -> str | None:
    """The full name of the type that a step names: qualified, or in a default namespace where no member has the
    name."""
    if "." in name:
        found = model.structured(name)
        return None if found is None else found.name
    if name in model.properties(type_name) or name in model.navigations(type_name):
        return None
    return default_type(name, model)


def find_member(node: nodes.Expression, name: str, model: Model, many: bool = False, position: int = 0,
                dynamic: bool = True) -> nodes.Expression | None:
    """The property `name` of `node`; None where the name may be that of an operation in a default namespace.

    Raises UnknownProperty on a closed type, TypeMismatch below a primitive value.
    """
    type_name = node.type
    declared = model.properties(type_name).get(name)
    if declared is not None:
        ref = declared.type
        real = ref.name if ref.name.startswith("Edm.") else model.underlying(ref).name
        return nodes.PropertyPath(node, declared, type_name, real, ref.collection or many)
    navigation = model.navigations(type_name).get(name)
    if navigation is not None:
        return nodes.NavigationPath(node, navigation, type_name, navigation.type, navigation.collection or many)
    if dynamic and (type_name == "Edm.Untyped" or model.is_open(type_name)):
        return nodes.DynamicPath(node, name)
    if not dynamic or operations.named(model, name, operations.Binding(type_name, many)):
        return None
    if isinstance(node, nodes.Transformed) and _makes(node.apply, name):
        raise errors.NotImplementedByService(feature=f"'{name}' that addnested made, in what follows,", position=position)
    if not type_name:
        raise errors.BindError(f"The property path '{name}' cannot be used here", position=position)
    if model.structured(type_name) is None:
        raise errors.TypeMismatch(reason=f"'{name}' cannot follow a value of type {describe(node)}", position=position)
    raise unknown_member(type_name, name, model, position)


def _makes(apply: nodes.Apply, name: str) -> bool:
    """Whether a sequence of transformations makes a property of that name."""
    return any(each.name == name for each in apply.aliases) or any(each.path == (name,) for each in apply.row or ())


def unknown_member(type_name: str, name: str, model: Model, position: int = 0) -> errors.UnknownProperty:
    """The error for a name that a type does not have, with the closest that it or a derived type has."""
    known = [*model.properties(type_name), *model.navigations(type_name)]
    hint = errors.closest(name, known)
    if hint is None:
        below = {f"{each}/{name}" for each in model.derived(type_name)
                 if name in model.properties(each) or name in model.navigations(each)}
        hint = min(below, default=None)
    return errors.UnknownProperty(type=type_name, name=name, hint=hint, position=position)


def checked_cast(source: str, target: str, model: Model, position: int = 0) -> None:
    """Raises TypeMismatch unless `target` is `source`, derives from it or is a base of it."""
    if not (model.is_a(target, source) or model.is_a(source, target)):
        raise errors.TypeMismatch(reason=f"{target} does not derive from {source}", position=position)


def _keyed(node: nodes.Expression, arguments: tuple[url.Argument, ...], scope: Scope,
           position: int) -> nodes.Expression:
    """A member of a collection by its key."""
    if not is_collection(node) or scope.model.entity_type(node.type) is None:
        raise errors.BindError(f"{describe(node)} takes no key", position=position)
    bound = key.bind_key(arguments, node.type, scope, position).key
    if isinstance(node, nodes.NavigationPath) and not node.key:
        return replace(node, collection=False, key=bound)
    if isinstance(node, nodes.Root) and not node.key:
        return replace(node, collection=False, key=bound)
    below = node.base if isinstance(node, nodes.CastPath) else None
    if isinstance(below, nodes.NavigationPath | nodes.Root) and not below.key:
        return nodes.CastPath(replace(below, collection=False, key=bound), node.type)
    raise errors.NotImplementedByService(feature="A key behind this collection inside an expression", position=position)


# --- calls of service-defined functions ------------------------------------------------------------------

def _unrooted_call(step: url.NameStep, scope: Scope) -> nodes.Expression:
    """`NS.F(p=1)` or `F(p=1)` at the start of a path: the unbound function, else one bound to the current instance."""
    function = hierarchies.function_name(step.name, scope.model)
    if function is not None:
        return hierarchies.call(step, function, scope)
    candidates = operations.named(scope.model, step.name, None)
    if candidates:
        return call(step, None, candidates, scope)
    return _named(scope.this, step, scope)


def _bound_call(node: nodes.Expression, step: url.NameStep, scope: Scope) -> nodes.Expression:
    binding = operations.Binding(node.type, is_collection(node))
    candidates = operations.named(scope.model, step.name, binding)
    if candidates:
        return call(step, node, candidates, scope)
    if "." not in step.name:
        if step.arguments is not None and all(each.name is None for each in step.arguments):
            raise errors.UnknownFunction(name=step.name, hint=errors.closest(step.name, FUNCTIONS),
                                         position=step.position)
        raise unknown_member(node.type, step.name, scope.model, step.position)
    if scope.model.operations.get(scope.model.full(step.name)):
        raise errors.UnknownFunction(f"'{step.name}' is not bound to {describe(node)}", position=step.position)
    known = [*scope.model.types, *scope.model.operations]
    raise errors.UnknownType(f"There is no type or function '{step.name}'", hint=errors.closest(step.name, known),
                             position=step.position)


def call(step: url.NameStep, binding: nodes.Expression | None, candidates: tuple[Operation, ...],
         scope: Scope) -> nodes.FunctionCall:
    """The call of a service-defined function; raises UnknownFunction for an action, BindError for wrong parameters."""
    functions = tuple(each for each in candidates if operations.is_function(each))
    if not functions:
        raise errors.UnknownFunction(f"The action {candidates[0].name} cannot be called in an expression",
                                     position=step.position)
    arguments = step.arguments or ()
    if any(each.name is None for each in arguments):
        raise errors.BindError(f"The parameters of {functions[0].name} need names", position=step.position)
    function = operations.choose(scope.model, functions, [each.name or "" for each in arguments], step.position)
    assert function.returns is not None
    result = scope.model.underlying(function.returns.type)
    return nodes.FunctionCall(function, binding, bind_arguments(function, arguments, scope),
                              scope.model.full(result.name), result.collection)


def bind_arguments(function: Operation, arguments: tuple[url.Argument, ...],
                   scope: Scope) -> tuple[tuple[str, nodes.Expression], ...]:
    """The arguments of a call in the order of the parameters; omitted optional ones are left out."""
    given = {each.name: each for each in arguments}
    bound = []
    for parameter in operations.parameters(function):
        argument = given.get(parameter.name)
        if argument is not None:
            value = expression.bind_value(argument.value, parameter.type, scope, f"The parameter '{parameter.name}'")
            bound.append((parameter.name, value))
    return tuple(bound)


def is_defined(syntax: url.Call, scope: Scope) -> nodes.Expression:
    """`isdefined(path)`: whether the current row has the property (Aggregation §3.7)."""
    path = syntax.arguments[0]
    if not isinstance(path, url.Path) or path.root not in ("", "$it", "$this"):
        raise errors.BindError("isdefined takes a property path", position=syntax.position)
    node = bind_path(replace(path, root=""), scope)
    if isinstance(node, nodes.AliasPath):
        return nodes.Call("isdefined", (node,), "Edm.Boolean")
    return nodes.Literal(not isinstance(node, nodes.Literal), "Edm.Boolean")

"""Functions of the model inside expressions: what they give is found first, then the request is planned without them.

Handlers are Python, so no database can call them. A call of constants is carried out once; one that depends on the row is
carried out for each distinct input that the rows of its set have, and becomes a `case` over these. The plan of such a
request serves it alone. Protocol §11.5.4.1; URL Conventions §5.1.1.14.4; conformance U-FUNC-01.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeAlias

from app import sql
from app.bind import nodes as bound
from app.edm.index import Operation
from app.edm.model import EntitySet, NavigationProperty, Property, Singleton, TypeRef
from app.errors import Forbidden, LimitExceeded, NotFound, NotImplementedByService
from app.payload.schemas import Reading
from app.plan import Query, Source
from app.plan.nodes import Output
from app.plan.rows import start_of
from app.service import transformed
from app.service.call import Call
from app.service.entities import Entity
from app.service.finding import value_of
from app.service.invoke import argument, argument_of, function_of, is_this, parameter_type
from app.service.selections import Context, Selection
from app.service.session import WriteSession
from app.service.write import session_of

INPUTS = 1000           # distinct inputs that a function is called with, for the rows of one request
CONSTANTS = (bound.Literal, bound.Parameter, bound.ParameterList, bound.ListValue, bound.ObjectValue)
LEAVES = (Property, NavigationProperty, EntitySet, Singleton, Operation, TypeRef)
TRUTH, TEXT = "Edm.Boolean", "Edm.String"
Branch: TypeAlias = tuple[bound.Expression | None, Any]         # a condition (None: always) and what the function gave


def mentioned(node: object) -> bool:
    """Whether a function of the model, or a pattern that is no literal, stands in an expression of a bound request."""
    return any(isinstance(each, bound.FunctionCall | bound.SetFunction) or is_open_pattern(each) for each in walked(node))


def is_open_pattern(node: Any) -> bool:
    """Whether a node is `matchesPattern` with a pattern that a statement cannot be made of before its value is known."""
    return isinstance(node, bound.Call) and node.name == "matchespattern" and not isinstance(node.arguments[1], bound.Literal)


def walked(node: object) -> list[Any]:
    """A node and all below it, but for what is in set functions of `$apply`, which are transformations."""
    found: list[Any] = []
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, tuple):
            waiting.extend(each)
        elif isinstance(each, bound.SetFunction):
            found.append(each)
        elif is_dataclass(each) and not isinstance(each, LEAVES):
            found.append(each)
            waiting.extend(getattr(each, part.name) for part in fields(each))
    return found


def instances(node: object) -> set[Any]:
    """The instances that an expression is about."""
    return {each for each in walked(node) if isinstance(each, bound.This | bound.It | bound.Variable | bound.These)}


def without_calls(call: Call) -> Call:
    """The call, its functions replaced by what they give."""
    resource, options = call.resource, call.options
    with call.store.read():
        found = _Evaluation(call, session_of(call, writable=False))
        steps = tuple(found.step(resource.steps, index) for index in range(len(resource.steps)))
        resource = replace(resource, steps=steps)
        root = found.source(steps)
        if root is not None and options.apply is not None and transformed.transforms(options.apply):
            apply = transformed.without_functions(call, found.session, root, options.apply, found.transformation)
            options, root = replace(options, apply=apply), start_of(apply, root, found.planner)
        options = found.options(options, _Places(root, root, {}))
        for each in walked(options):
            if isinstance(each, bound.SetFunction):
                name = each.call.function.name
                raise NotImplementedByService(feature=f"The function {name} as a transformation in this place")
    return replace(call, bound=replace(call.bound, resource=resource, options=options))


@dataclass(frozen=True, slots=True)
class _Places:
    """The rows that `This`, `It` and the lambda variables stand for; None where they are no entities of one table."""

    this: Source | None
    it: Source | None
    variables: Mapping[str, Source | None]
    compute: tuple[bound.ComputedProperty, ...] = ()
    filter: bound.Expression | None = None

    def of(self, this: Source | None) -> _Places:
        """Inside the members of a collection."""
        return replace(self, this=this, compute=(), filter=None)

    def behind(self, step: bound.Transformation) -> _Places:
        """Behind a transformation of `$apply`."""
        match step:
            case bound.Compute(items):
                return replace(self, compute=(*self.compute, *items))
            case bound.Aggregate() | bound.GroupBy() | bound.Nest():
                return self.of(None)
            case bound.Concat(sequences) if any(each.row is not None for each in sequences):
                return self.of(None)
        return self

    @property
    def key(self) -> tuple[object, ...]:
        """What tells these places from others."""
        return (self.this, self.it, tuple(sorted(self.variables.items(), key=lambda each: each[0])), self.compute, self.filter)


class _Evaluation:
    """Replaces the calls of one request."""

    def __init__(self, call: Call, session: WriteSession) -> None:
        self.call, self.session, self.model = call, session, call.model
        self.planner = call.service.planner(call.policy)
        self.known: dict[object, bound.Expression] = {}

    # --- places ------------------------------------------------------------------------------------------

    def source(self, steps: tuple[bound.PathStep, ...]) -> Source | None:
        """The entities that a path leads to; None for other resources."""
        if not steps or not isinstance(steps[0], bound.SetStep | bound.SingletonStep):
            return None
        source, rest = self.planner.source(steps)
        return None if rest else source

    def reached(self, node: bound.Expression, places: _Places) -> Source | None:
        """All entities of the table that a path of an expression leads to."""
        match node:
            case bound.This() | bound.These():
                return places.this
            case bound.It():
                return places.it
            case bound.Variable(name):
                return places.variables.get(name)
            case bound.Root(source, _, type):
                return self.planner.start(source, type)
            case bound.CastPath(base) | bound.Filtered(base):
                return self.reached(base, places)
            case bound.NavigationPath(base, navigation, owner):
                below = self.reached(base, places)
                if below is None:
                    return None
                return self.planner.start(self.planner.relation(below.table, owner, navigation).target, navigation.type)
        return None

    # --- walking -----------------------------------------------------------------------------------------

    def step(self, steps: tuple[bound.PathStep, ...], index: int) -> bound.PathStep:
        """A step of the resource path."""
        step = steps[index]
        if not isinstance(step, bound.FilterStep):
            return step
        source = self.source(steps[:index])
        return replace(step, predicate=self.expression(step.predicate, _Places(source, source, {})))

    def options(self, options: bound.Options, places: _Places) -> bound.Options:
        """Options with their calls replaced; conditions without calls narrow the rows that functions are called for."""
        apply = options.apply
        if apply is None:
            places = replace(places, filter=self._plain(options.filter))
        else:
            apply, places = self.sequence(apply, places)
        computed, places = self.computed(options.compute, places)
        expand = tuple(replace(item, options=self.options(item.options, places.of(self._expanded(item))))
                       for item in options.expand)
        select = None if options.select is None else tuple(
            item if item.options is None else replace(item, options=self.options(item.options, places.of(None)))
            for item in options.select)
        rest = {name: self.expression(getattr(options, name), places) for name in ("filter", "orderby")}
        return replace(options, apply=apply, compute=computed, expand=expand, select=select, **rest)

    def transformation(self, node: bound.Transformation, source: Source) -> Any:
        """A transformation of the entities of a source; functions that are transformations themselves stay."""
        return self.expression(node, _Places(source, source, {}))

    def computed(self, items: Sequence[bound.ComputedProperty], places: _Places
                 ) -> tuple[tuple[bound.ComputedProperty, ...], _Places]:
        """Computed properties, each of which sees those before it, and the places behind them."""
        for each in items:
            made = replace(each, expression=self.expression(each.expression, places))
            places = replace(places, compute=(*places.compute, made))
        return places.compute[len(places.compute) - len(items):], places

    def sequence(self, apply: bound.Apply, places: _Places) -> tuple[bound.Apply, _Places]:
        """A sequence of transformations, and the places behind it; what it shows changes as its transformations do."""
        done: list[bound.Transformation] = []
        known: dict[bound.ComputedProperty, bound.ComputedProperty] = {}
        entities = places
        for each in apply.transformations:
            made = self.expression(each, places)
            done.append(made)
            if isinstance(each, bound.Compute):
                known.update(zip(each.items, made.items, strict=True))
            places = places.behind(made)
            entities = places if places.this is not None else entities
        aliases = tuple(known[each] if each in known else self.expression(each, places) for each in apply.aliases)
        return replace(apply, transformations=tuple(done), aliases=aliases, row=self.expression(apply.row, entities)), places

    @staticmethod
    def _plain(filter: bound.Expression | None) -> bound.Expression | None:
        """The conditions of a filter that need no function."""
        parts = filter.operands if isinstance(filter, bound.Logic) and filter.operator == "and" else (filter,)
        kept = tuple(each for each in parts if each is not None and not mentioned(each) and not any(
            isinstance(below, bound.AliasPath) for below in walked(each)))
        return None if not kept else kept[0] if len(kept) == 1 else bound.Logic("and", kept)

    def _expanded(self, item: bound.ExpandItem) -> Source | None:
        return None if item.source is None or item.source not in self.model.sets else self.planner.start(
            item.source, item.cast or item.type)

    def expression(self, node: Any, places: _Places) -> Any:
        """A node, or a tuple of nodes, with its calls replaced."""
        if isinstance(node, tuple):
            return tuple(self.expression(each, places) for each in node)
        if not is_dataclass(node) or isinstance(node, (*LEAVES, bound.SetFunction)) or not mentioned(node):
            return node
        match node:
            case bound.Lambda(_, collection, str(variable), predicate):
                inner = {**places.variables, variable: self.reached(collection, places)}
                return replace(node, collection=self.expression(collection, places),
                               predicate=self.expression(predicate, replace(places, variables=inner)))
            case bound.Apply():
                return self.sequence(node, places)[0]
            case bound.Compute(items):
                return bound.Compute(self.computed(items, places)[0])
        given: Any = node
        inside = self._inside(node, places)
        changed: Any = replace(given, **{each.name: self.expression(getattr(given, each.name), inside.get(each.name, places))
                                         for each in fields(given)})
        match changed:
            case bound.FunctionCall():
                return self.result(changed, places)
            case bound.Call() if is_open_pattern(changed):
                return self.pattern(changed, places)
        return changed

    def _inside(self, node: Any, places: _Places) -> Mapping[str, _Places]:
        """The places of the parts of a node that are about other instances than the node is."""
        match node:
            case bound.Count(collection):
                return {"filter": places.of(self.reached(collection, places))}
            case bound.Filtered(collection):
                return {"predicate": places.of(self.reached(collection, places))}
            case bound.AggregateValue(collection):
                return {"expression": places.of(self.reached(collection, places))}
            case bound.AggregateExpression(over=over) if over is not None:
                inside = places.of(self.reached(over, places))
                return {"expression": inside, "custom": inside}
            case bound.Transformed(path=path):
                return {"apply": places.of(self.reached(path, places))}
            case bound.AddNested(path):
                return {"items": places.of(self.reached(path, places))}
            case bound.Join(path=path):
                return {"then": places.of(self.reached(path, places))}
            case bound.Traverse(hierarchy) | bound.RollupRecursive(hierarchy):
                inside = places.of(self.reached(hierarchy.nodes, places))
                return {"start": inside, "orderby": inside}
        return {}

    # --- calls -------------------------------------------------------------------------------------------

    def result(self, node: bound.FunctionCall, places: _Places) -> bound.Expression:
        """What a call stands for."""
        operation = node.function
        self.call.policy.invoke(operation.name)
        function = function_of(self.call, operation)
        varying = [each for each in (*self._bindings(node), *(value for _, value in node.arguments))
                   if not isinstance(each, CONSTANTS)]
        roots = instances(tuple(varying))
        added = any(isinstance(each, bound.AliasPath) for operand in varying for each in walked(operand))
        if not roots and not added and all(isinstance(value, CONSTANTS) for _, value in node.arguments):
            return self._constant(node, function, places)
        key = (node, places.key)
        if key not in self.known:
            self.known[key] = self._by_row(node, function, varying, roots, places)
        return self.known[key]

    def pattern(self, node: bound.Call, places: _Places) -> bound.Expression:
        """`matchesPattern` for each pattern that the rows have: patterns are read by us, not by the database."""
        text, pattern = node.arguments
        if isinstance(pattern, bound.Parameter):
            value = value_of(pattern, self.call.values, self.model)
            return replace(node, arguments=(text, bound.Literal(value, pattern.type)))
        rows, _ = self._inputs("matchesPattern", [pattern], instances(pattern), places)
        found = [each for row in rows for each in row.values() if each is not None]
        branches = tuple((bound.Compare("eq", pattern, bound.Literal(each, TEXT), TEXT),
                          replace(node, arguments=(text, bound.Literal(each, TEXT)))) for each in found)
        return bound.Case(branches, TRUTH) if branches else bound.Literal(None, TRUTH)

    def _bindings(self, node: bound.FunctionCall) -> tuple[bound.Expression, ...]:
        """What the binding of a call is told by: itself, or the entity that has the collection."""
        match node.binding:
            case None:
                return ()
            case bound.NavigationPath(base, collection=True) if not isinstance(base, bound.NavigationPath) or not base.collection:
                return (base,)
            case binding:
                return (binding,)

    def _unable(self, name: str, why: str) -> NotImplementedByService:
        return NotImplementedByService(feature=f"The function {name} {why} in an expression")

    def _called(self, node: bound.FunctionCall, function: Callable[..., Any], binding: tuple[Any, ...],
                given: Mapping[bound.Expression, Any]) -> Any:
        """The result of the function, canonical: entities as they are, other values checked against the type."""
        session, operation = self.session, node.function
        values = {name: argument(session, given[value], parameter_type(operation, name)) if value in given
                  else argument_of(self.call, session, operation, name, value) for name, value in node.arguments}
        result = function(*binding, **values, context=Context(session))
        assert operation.returns is not None
        ref = session.model.underlying(operation.returns.type)
        if result is None or session.model.kind(ref.name) == "entity":
            return result
        reading = Reading("create", trusted=True, quoted=True)
        return session.reader.schemas.typed(replace(ref, nullable=True), reading)(result)

    def _constant(self, node: bound.FunctionCall, function: Callable[..., Any], places: _Places) -> bound.Expression:
        """The result of a call that no row has a part in, as an expression."""
        binding: tuple[Any, ...] = ()
        if node.binding is not None:
            source = self._one(node.binding, places)
            if source is None:
                raise self._unable(node.function.name, "bound to this")
            selection = Selection(self.session, source, values=tuple(self.call.values))
            binding = (selection if node.function.parameters[0].type.collection else selection.first(),)
            if binding == (None,):
                return self._made(node, (), places)
        result = self._called(node, function, binding, {})
        return self._made(node, () if result is None else ((None, result),), places)

    def _one(self, node: bound.Expression, places: _Places) -> Source | None:
        """The entities of `$root/Set`, `$root/Set(key)` or `$root/Singleton`, or behind them."""
        match node:
            case bound.Root(source, key, type):
                start = self.planner.start(source, type)
                columns = dict(self.planner.mapping.table(source).key)
                return replace(start, key=tuple((columns[name], value) for name, value in key))
            case bound.CastPath(base, type) if (below := self._one(base, places)) is not None:
                return self.planner.narrow(below, type)
            case bound.NavigationPath(base, navigation, owner, key=()) if (below := self._one(base, places)) is not None:
                return self.planner.follow(below, owner, navigation)
        return None

    # --- results -----------------------------------------------------------------------------------------

    def _made(self, node: bound.FunctionCall, branches: Sequence[Branch], places: _Places) -> bound.Expression:
        """What a call stands for: its results, each under its condition, and null where none holds."""
        if self.model.entity_type(node.type) is not None:
            return self._entities(node, branches, places) if node.collection else self._entity(node, branches)
        if node.collection or self.model.kind(node.type) == "complex":
            encode = self.call.service.catalogue.documents.encode
            made = ((test, encode(result, node.type)) for test, result in branches)
            return bound.Stored(tuple((test, text) for test, text in made if text is not None), node.type, node.collection)
        return _chosen([(test, bound.Literal(result, node.type)) for test, result in branches], node.type)

    def _entity(self, node: bound.FunctionCall, branches: Sequence[Branch]) -> bound.Expression:
        """The entity whose key is that of the result, by a `case` for each part of the key."""
        id = self._table(node, [found for _, found in branches])
        table = self.planner.mapping.table(id)
        if table.singleton and all(test is None for test, _ in branches):
            return bound.Root(id, (), node.type)
        if table.singleton or any(isinstance(each, bound.Variable) for test, _ in branches for each in walked(test)):
            raise self._unable(node.function.name, "of these values, with an entity,")
        key = tuple((name, _chosen([(test, bound.Literal(found.row[column.name] if found.row else None, column.edm))
                                    for test, found in branches], column.edm)) for name, column in table.key)
        return bound.Root(id, key, node.type)

    def _entities(self, node: bound.FunctionCall, branches: Sequence[Branch], places: _Places) -> bound.Expression:
        """Those of the entities of a set that the function gave for the row."""
        several = [(test, list(result or ())) for test, result in branches]
        found = [each for _, some in several for each in some]
        if len(found) > INPUTS:
            raise LimitExceeded(limit="number of entities of a function in an expression", allowed=INPUTS)
        whole = bound.Root(self._table(node, found), (), node.type, True)
        if places.this is not places.it and any(isinstance(each, bound.This) for test, _ in several for each in walked(test)):
            raise self._unable(node.function.name, "of these values, with entities,")
        kept: list[bound.Expression] = []
        for test, some in several:
            tests = tuple(is_this(self.session, each, bound.This(node.type)) for each in some)
            if tests:
                of_these = _any(tests)
                kept.append(of_these if test is None else bound.Logic("and", (_from_inside(test), of_these)))
        return bound.Filtered(whole, _any(kept) if kept else bound.Literal(False, TRUTH), node.type)

    def _table(self, node: bound.FunctionCall, found: Sequence[Entity]) -> str:
        """The one set or singleton that has the results; where there are none, any that can have them."""
        for each in found:
            if each.layout.table.owner is not None:
                raise self._unable(node.function.name, "with a contained entity")
            if each.layout.id != found[0].layout.id:
                raise self._unable(node.function.name, "with entities of several sets")
        if found:
            return found[0].layout.id
        for name, element in self.model.sets.items():
            if self.model.is_a(node.type, element.type) or self.model.is_a(element.type, node.type):
                return name
        raise self._unable(node.function.name, "without a set of its type")

    # --- rows --------------------------------------------------------------------------------------------

    def _by_row(self, node: bound.FunctionCall, function: Callable[..., Any], varying: Sequence[bound.Expression],
                roots: set[Any], places: _Places) -> bound.Expression:
        """The results by the inputs that the rows have, as a `case`."""
        rows, tables = self._inputs(node.function.name, varying, roots, places)
        branches: list[Branch] = []
        for given in rows:
            self._branch(node, function, given, tables, branches)
        return self._made(node, branches, places)

    def _inputs(self, name: str, varying: Sequence[bound.Expression], roots: set[Any], places: _Places
                ) -> tuple[list[dict[bound.Expression, Any]], dict[bound.Expression, Source | None]]:
        """The distinct values of operands that the rows have, and the tables of those that are entities."""
        kinds = {type(each) if not isinstance(each, bound.Variable) else each.name for each in roots} or {bound.This}
        known: dict[Any, Source | None] = {bound.This: places.this, bound.It: places.it, **places.variables}
        source = known.get(kinds.pop())
        added = {each.name for part in varying for each in walked(part) if isinstance(each, bound.AliasPath)}
        if kinds or source is None or not added <= {each.name for each in places.compute}:
            raise self._unable(name, "over these values")
        outputs: list[Output] = []
        tables: dict[bound.Expression, Source | None] = {}
        for each in varying:
            entity = self.model.entity_type(each.type) is not None
            target = self.reached(each, places) if entity else None
            if getattr(each, "collection", False) or self.model.kind(each.type) == "complex" or entity and (
                    target is None or self.planner.mapping.table(target.table).owner is not None):
                raise self._unable(name, "of these values")
            tables[each] = target
            outputs.append(Output(expression=_rooted(each), type=each.type))
        at_root = bound.This in {type(each) for each in roots}
        query = Query(source, tuple(outputs), filter=places.filter if at_root else None, compute=places.compute,
                      limit=INPUTS + 1, distinct=True)
        statement = sql.compile_query(query, self.call.mapping, self.call.store.dialect)
        readers = sql.readers(statement, self.call.store.dialect)
        rows = sql.fetch(self.call.store, statement, self.call.service.values(self.call))
        if len(rows) > INPUTS:
            raise LimitExceeded(limit=f"number of inputs of {name} in an expression", allowed=INPUTS)
        return [{each: value if value is None or read is None else read(value)
                 for each, value, read in zip(varying, row, readers, strict=True)} for row in rows], tables

    def _branch(self, node: bound.FunctionCall, function: Callable[..., Any], given: dict[bound.Expression, Any],
                tables: Mapping[bound.Expression, Source | None],
                branches: list[Branch]) -> None:
        """The result for one input, where there is one."""
        tests: list[bound.Expression] = []
        for each, value in given.items():
            target = tables[each]
            if target is not None and value is not None:
                entity = self.session.by_row(target.table, value)
                assert entity is not None
                tests.append(is_this(self.session, entity, each))
                given[each] = entity
            else:
                kind = "null" if value is None else each.type
                tests.append(bound.Compare("eq", each, bound.Literal(value, kind), "entity" if target else each.type))
        if any(given.get(value, value) is None and not parameter_type(node.function, name).nullable
               for name, value in node.arguments):
            return                                              # nothing to call it with: null, as of canonical functions
        binding: tuple[Any, ...] = ()
        if node.binding is not None:
            owner = given[self._bindings(node)[0]]
            if owner is None:
                return                                          # a function of nothing gives nothing
            match node.binding:
                case bound.NavigationPath(navigation=navigation, collection=True):
                    binding = (Selection.over(self.session, owner, navigation),)
                case _:
                    binding = (owner,)
        try:
            result = self._called(node, function, binding, given)
        except (Forbidden, NotFound):
            return
        if result is not None:
            branches.append((tests[0] if len(tests) == 1 else bound.Logic("and", tuple(tests)), result))


def _rooted(node: Any) -> Any:
    """An expression about `$it` or a lambda variable as one about the current instance."""
    if isinstance(node, bound.It | bound.Variable):
        return bound.This(node.type)
    return _parts(node, _rooted)


def _from_inside(node: Any) -> Any:
    """A condition on the current instance as one on `$it`, for the members of a collection."""
    if isinstance(node, bound.This):
        return bound.It(node.type)
    return _parts(node, _from_inside)


def _parts(node: Any, change: Callable[[Any], Any]) -> Any:
    """An expression with each of its parts changed."""
    if isinstance(node, tuple):
        return tuple(change(each) for each in node)
    if not is_dataclass(node) or isinstance(node, LEAVES):
        return node
    changed: Any = node
    return replace(changed, **{each.name: change(getattr(changed, each.name)) for each in fields(changed)})


def _any(tests: Sequence[bound.Expression]) -> bound.Expression:
    return tests[0] if len(tests) == 1 else bound.Logic("or", tuple(tests))


def _chosen(branches: Sequence[tuple[bound.Expression | None, bound.Expression]], type: str) -> bound.Expression:
    """The value whose condition holds; one that has no condition is alone."""
    held = tuple((test, value) for test, value in branches if test is not None)
    if held:
        return bound.Case(held, type)
    return branches[0][1] if branches else bound.Literal(None, type)

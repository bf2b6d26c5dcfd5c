"""Plan a read: a bound resource and its options become a `Read` tree, one query for each expanded path.

No SQL, no values of the request. Raises NotImplementedByService for what cannot be reached in this mapping,
OptionNotAllowed for `$levels` on something that does not recur. Protocol §11.2; DESIGN §3.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import replace

from app.bind import nodes as bound
from app.edm import Model, vocabularies
from app.edm.model import NavigationProperty
from app.errors import BindError, LimitExceeded, NotImplementedByService
from app.plan.nested import mentions, names, path_of, sort_keys, walk
from app.plan.nodes import (NO_GRANTS, Again, CountQuery, Expansion, Grants, Order, Output, Query, Read, Shape, Slot,
                            Source)
from app.plan.rows import RowPlanner, amount
from app.plan.shape import Followed, ShapeBuilder, link_columns
from app.store.mapping import Column, Inverse, Mapping, Scalar, Unbound

MAX_LEVELS = 50         # what is nested deeper cannot be written as JSON
INT64 = "Edm.Int64"


class Planner:
    """Plans over one mapping under one policy: its `grants`, and its view of the model where it hides members.
    `page`: nested page size; 0: nested collections are never cut."""

    def __init__(self, mapping: Mapping, grants: MappingType[str, bound.Expression] = NO_GRANTS, page: int = 0,
                 model: Model | None = None) -> None:
        self.mapping, self.model = mapping, model or mapping.model
        self.grants = grants if isinstance(grants, Grants) else Grants(grants)
        self.page = page

    # --- sources -----------------------------------------------------------------------------------------

    def source(self, steps: tuple[bound.PathStep, ...], start: Source | None = None
               ) -> tuple[Source, tuple[bound.PathStep, ...]]:
        """The entities that a path leads to, and the steps behind them (properties, operations). `start`: where a path
        that does not begin at the service root does begin (behind a function)."""
        source: Source | None = start
        prefix: list[bound.PropertyStep] = []
        ordinal: int | bound.Parameter | None = None
        for index, step in enumerate(steps):
            match step:
                case bound.SetStep(element):
                    source = self.start(element.name, element.type, keyed(steps, index))
                case bound.SingletonStep(singleton):
                    source = self.start(singleton.name, singleton.type, True)
                case bound.KeyStep(key, alternate) if source:
                    source = replace(source, key=source.key + self._key(source, key, alternate))
                case bound.NavigationStep(navigation, owner) if source:
                    source = self.follow(source, owner, navigation, tuple(each.property.name for each in prefix), ordinal,
                                         keyed(steps, index))
                    prefix, ordinal = [], None
                case bound.CastStep(type) if source and not prefix:
                    source = self.narrow(source, type)
                case bound.FilterStep(predicate) if source:
                    both = predicate if source.predicate is None else bound.Logic("and", (source.predicate, predicate))
                    source = replace(source, predicate=both)
                case bound.PropertyStep() if source and self._leads_on(steps[index + 1:]):
                    prefix.append(step)
                case bound.CastStep() if prefix:
                    continue
                case bound.OrdinalStep(number) if prefix:
                    ordinal = number
                case _:
                    if source is None:
                        raise NotImplementedByService(feature="This resource path")
                    return source, steps[index:]
        if source is None:
            raise NotImplementedByService(feature="This resource path")
        return source, ()

    @staticmethod
    def _leads_on(rest: tuple[bound.PathStep, ...]) -> bool:
        """Whether a navigation property follows behind complex properties and casts."""
        for step in rest:
            if isinstance(step, bound.NavigationStep):
                return True
            if not isinstance(step, bound.PropertyStep | bound.CastStep | bound.OrdinalStep):
                return False
        return False

    def start(self, id: str, type: str, single: bool = False) -> Source:
        """The entities of a table. Raises Forbidden where the policy does not let them be read (`single`: one of them)."""
        return Source(id, type, grant=self.granted(id, single), grants=self.grants)

    def granted(self, id: str, single: bool) -> bound.Expression | None:
        """The row predicate of a table that is reached; Forbidden where it may not be."""
        return self.grants.one(id) if single else self.grants.get(id)

    def _key(self, source: Source, key: bound.Key, alternate: bool) -> tuple[tuple[Column, bound.Expression | Slot], ...]:
        table = self.mapping.table(source.table)
        columns = dict(table.key)
        if alternate:
            for candidate in table.alternate_keys:
                if {name for name, _ in candidate} == {name for name, _ in key}:
                    columns = dict(candidate)
        return tuple((columns[name], value) for name, value in key)

    def narrow(self, source: Source, type: str) -> Source:
        """The source, only entities of `type`."""
        return replace(source, type=type, types=self.types(source.table, type))

    def types(self, table: str, type: str) -> tuple[str, ...] | None:
        """The concrete types below `type` when the table can hold others too, else None."""
        concrete = self.model.concrete(type)
        return None if set(self.mapping.table(table).concrete) <= set(concrete) else concrete

    def relation(self, table: str, owner: str, navigation: NavigationProperty,
                 path: tuple[str, ...] = ()) -> Followed:
        """How the navigation property is followed; raises 501 by name when it leads nowhere."""
        if path:
            wanted = "/".join((*path, navigation.name))
            for link in self.mapping.document_links(table):
                if link.path == wanted:
                    return link
            raise NotImplementedByService(feature=f"Navigation over '{wanted}'")
        found = self.mapping.relation(table, owner, navigation.name)
        if isinstance(found, Unbound):
            raise NotImplementedByService(f"{found.reason}; it is not implemented by this service", target=navigation.name)
        return found

    def follow(self, source: Source, owner: str, navigation: NavigationProperty, path: tuple[str, ...] = (),
               ordinal: int | bound.Parameter | None = None, single: bool = False) -> Source:
        """The entities related to those of `source`; `path`, `ordinal`: the complex value that they are related to;
        `single`: only one of them is asked for."""
        relation = self.relation(source.table, owner, navigation, path)
        if ordinal is not None:
            source = self._with_item(source, path[0], ordinal)
        grant = self.granted(relation.target, single or not navigation.collection)
        return Source(relation.target, navigation.type, self.types(relation.target, navigation.type), relation=relation,
                      parent=source, grant=grant, ordinal=ordinal, grants=self.grants)

    def _with_item(self, source: Source, name: str, ordinal: int | bound.Parameter) -> Source:
        """The source, only entities whose collection `name` has an item at the position."""
        at: bound.Expression = bound.Literal(ordinal, INT64) if isinstance(ordinal, int) else ordinal
        declared = self.model.properties(source.type)[name]
        items = bound.PropertyPath(bound.This(source.type), declared, source.type, declared.type.name, True)
        count, zero = bound.Count(items), bound.Literal(0, INT64)
        counted = bound.Compare("ge", bound.Arithmetic("add", at, count, INT64), zero, INT64)
        there = bound.Logic("or", (
            bound.Logic("and", (bound.Compare("ge", at, zero, INT64), bound.Compare("lt", at, count, INT64))),
            bound.Logic("and", (bound.Compare("lt", at, zero, INT64), counted))))
        return replace(source, predicate=there if source.predicate is None else bound.Logic("and", (source.predicate, there)))

    # --- reads -------------------------------------------------------------------------------------------

    def read(self, source: Source, options: bound.Options, *, collection: bool, limit: Slot | int | None = None,
             after: tuple[bool, ...] | None = None) -> Read:
        """The plan of the entities of `source` under `options`."""
        builder = ShapeBuilder(self, source, options)
        return self.assembled(builder, builder.build(), collection, limit, after)

    def assembled(self, builder: ShapeBuilder, shape: Shape, collection: bool, limit: Slot | int | None = None,
                  after: tuple[bool, ...] | None = None) -> Read:
        """The read whose columns a builder has allocated."""
        source, options = builder.source, builder.options
        order: tuple[Order, ...] = ()
        sort: tuple[int, ...] = ()
        if collection and options.apply is None:
            order = self.order(source, options)
            sort = tuple(builder.output_of(item) for item in order)
        elif collection:                # the result of $apply has a complete order of its own
            order = tuple(Order(item.expression, item.descending) for item in options.orderby)
        skip = amount(options.skip) if after is None else None
        if options.apply is not None and not source.parents:
            skip = Slot("skip")
        query = Query(source, tuple(builder.outputs), options.filter, options.search, order, after, skip,
                      amount(options.top) if source.parents else None, limit, options.compute,
                      options.apply, len(builder.links))
        return Read(query, shape, sort)

    def read_with(self, source: Source, options: bound.Options, outputs: tuple[Output, ...]) -> tuple[Read, tuple[int, ...]]:
        """The read of all entities of `source`, with further outputs, and where these are in its rows."""
        builder = ShapeBuilder(self, source, options)
        shape = builder.build()
        at = tuple(builder.add(each) for each in outputs)
        read = self.assembled(builder, shape, True)
        return replace(read, query=replace(read.query, skip=None)), at

    def order(self, source: Source, options: bound.Options) -> tuple[Order, ...]:
        """The complete order: what the client asked for, then the row id in the direction of the last item (so that one
        index serves both)."""
        asked = tuple(order for item in options.orderby for order in self._order_items(source, item))
        last = asked[-1].descending if asked else False
        return (*asked, Order(None, last, self.mapping.table(source.table).row_id))

    def _order_items(self, source: Source, item: bound.OrderItem) -> tuple[Order, ...]:
        """The sort keys of an item; a column where it is one, for the sake of its index."""
        expression = item.expression
        if isinstance(expression, bound.PropertyPath) and isinstance(expression.base, bound.This):
            table = self.mapping.table(source.table)
            owner = self.model.declaring(expression.owner, expression.property.name) or expression.owner
            storage = table.members.get((owner, expression.property.name))
            if isinstance(storage, Scalar) and self.model.is_a(source.type, expression.owner) \
                    and self.model.kind(storage.column.edm) != "enum" \
                    and not vocabularies.computed_text(self.model, owner, expression.property):
                return (Order(expression, item.descending, storage.column),)
        return sort_keys(item)

    def followed(self, source: Source, items: tuple[bound.ExpandItem, ...]) -> tuple[bound.ExpandItem, ...]:
        """The items of `$expand`; of those that `*` stands for the ones that lead somewhere."""
        return tuple(item for item in items if item.explicit or item.navigation is None or self._leads(source, item))

    def _leads(self, source: Source, item: bound.ExpandItem) -> bool:
        *steps, name = item.path
        owner = self._owner(source.type, tuple(steps), name)
        path = tuple(step for step in item.path if "." not in step)
        if len(path) > 1:
            return any(link.path == "/".join(path) for link in self.mapping.document_links(source.table))
        return not isinstance(self.mapping.relation(source.table, owner, name), Unbound)

    def expansion(self, builder: ShapeBuilder, item: bound.ExpandItem) -> Expansion:
        """The plan of one expand item, its link values allocated in the parent's row."""
        navigation = item.navigation
        assert navigation is not None
        added = builder.options.apply.aliases if builder.options.apply is not None else ()
        joined = next((each for each in added if item.path == (each.name,) and not item.at), None)
        if joined is not None:
            return self.joined(builder, item, joined)
        *steps, name = item.at or item.path
        path = tuple(step for step in steps if "." not in step)
        owner = self._owner(builder.source.type, tuple(steps), name)
        relation = self.relation(builder.source.table, owner, navigation, path)
        target = Source(relation.target, navigation.type, self.types(relation.target, item.cast or navigation.type),
                        relation=relation, parents=True, grants=self.grants,
                        grant=self.granted(relation.target, not navigation.collection))
        if item.cast:
            target = replace(target, type=item.cast)
        options = item.options
        outer = any(mentions(each) for each in (options.filter, options.orderby, options.compute, options.expand, options.select))
        repeats = self._repeats(item, target, bool(path))
        if outer:
            target = replace(target, parent=replace(builder.source, key=(), predicate=None, rows=False, ordinal=None))
            if not builder.source.parents:
                target = replace(target, parent=Source(builder.source.table, builder.source.type, parents=repeats))
        own = builder.link_positions(relation, outer)
        if outer and repeats and not builder.source.parents:
            own *= 2            # every level is found by `$it` and the entity above, which on the first are the same
        count = counting = None
        if options.count and options.apply is not None and not path:
            counting = CountQuery(target, options.filter, options.search, options.compute, options.apply, True)
        elif item.suffix == "$count" or options.count:
            count = self._counted(builder, item, owner, navigation)
        if item.suffix == "$count":
            return Expansion(name, navigation, owner, own, True, item.suffix, None, count, path)
        transformed = options if item.at else None
        if options.apply is not None and options.apply.row is not None:
            if item.levels != 1 or item.suffix:
                raise NotImplementedByService(feature="$levels or $ref of groups and aggregates", target="$expand")
            links = builder.looking_back() if outer else link_columns(relation)
            rows = RowPlanner(self, target, options, len(links)).rows()
            return Expansion(item.path[-1], navigation, owner, own, navigation.collection, "", rows, None, path,
                             counting=counting, options=transformed)
        if item.levels != 1 and not item.suffix and not repeats:
            options = self._next_level(item, options)
        inner = ShapeBuilder(self, target, options)
        shape, again = inner.build(), None
        if item.cast:           # the context of 4.0 does not name the cast where nothing is selected below it
            shape = replace(shape, declared=navigation.type)
        if repeats:
            number = Output(expression=self._counting(item, owner, navigation, bound.This(owner)), type=INT64)
            again = Again(inner.link_positions(relation, outer), inner.add(number) if options.count else None)
        read = self.assembled(inner, shape, navigation.collection)
        page = self.page if navigation.collection and not outer and not path and options.apply is None else 0
        if page:
            read = replace(read, query=replace(read.query, top=_at_most(read.query.top, page + 1)))
        return Expansion(item.path[-1], navigation, owner, own, navigation.collection, item.suffix, read, count, path, page,
                         item.levels if repeats else 1, again, counting, transformed)

    def joined(self, builder: ShapeBuilder, item: bound.ExpandItem, alias: bound.ComputedProperty) -> Expansion:
        """The plan of an expanded alias of `join`: its row id is in the parent's row."""
        navigation, path = item.navigation, alias.expression
        assert navigation is not None
        while isinstance(path, bound.CastPath):
            path = path.base
        if not isinstance(path, bound.NavigationPath) or not isinstance(path.base, bound.This) or item.levels != 1:
            raise NotImplementedByService(feature=f"Expanding '{alias.name}', which join added,", target="$expand")
        relation = self.relation(builder.source.table, path.owner, path.navigation)
        row_id = self.mapping.table(relation.target).row_id
        target = Source(relation.target, item.type, self.types(relation.target, item.type), parents=True,
                        relation=Inverse(relation.target, (row_id,), (row_id,), ("", "")), grants=self.grants,
                        grant=self.granted(relation.target, True))
        own = (builder.add(Output(expression=bound.AliasPath(alias.name, alias.type), type=alias.type)),)
        read = self.read(target, item.options, collection=False)
        return Expansion(alias.name, navigation, builder.source.type, own, False, item.suffix, read)

    def _owner(self, start: str, steps: tuple[str, ...], name: str) -> str:
        current = start
        for step in steps:
            current = self.model.full(step) if "." in step else self.model.properties(current)[step].type.name
        return self.model.declaring(current, name) or current if not steps else current

    def _counted(self, builder: ShapeBuilder, item: bound.ExpandItem, owner: str, navigation: NavigationProperty) -> int | None:
        """The position of the number of related entities in the parent's row; None where the values of a collection have one
        each."""
        steps, _, many, through = walk((item.at or item.path)[:-1], builder.source.type, self.model)
        if not many and not through:
            base = bound.This(owner) if not names(steps) else path_of(steps, bound.This(builder.source.type))
            return builder.add(Output(expression=self._counting(item, owner, navigation, base), type=INT64))
        builder.nested.count(steps, navigation.name, lambda base: self._counting(item, owner, navigation, base),
                             mentions(item.options.filter))
        return None

    def _counting(self, item: bound.ExpandItem, owner: str, navigation: NavigationProperty, base: bound.Expression
                  ) -> bound.Expression:
        """The number of entities related to `base`."""
        members: bound.Expression = bound.NavigationPath(base, navigation, owner, navigation.type, True)
        if item.cast:
            members = bound.CastPath(members, item.cast, True)
        return bound.Count(members, item.options.filter, item.options.search)

    def _repeats(self, item: bound.ExpandItem, target: Source, inside: bool) -> bool:
        """Whether the plan of one level of `$levels` is that of the next, because both start from the same table."""
        if item.levels == 1 or item.suffix:
            return False
        if item.levels > MAX_LEVELS:
            raise LimitExceeded(limit="$levels", allowed=MAX_LEVELS, target="$expand")
        if inside and not item.levels:
            raise NotImplementedByService(feature="$levels=max through a complex value")
        assert item.navigation is not None
        *steps, name = self._again(item)
        if inside:
            return False
        owner = self._owner(target.type, tuple(steps), name)
        return self.relation(target.table, owner, item.navigation) == target.relation

    def _again(self, item: bound.ExpandItem) -> tuple[str, ...]:
        """The path of the same item one level down (Protocol §11.2.5.2.1.1)."""
        target, path = item.cast or item.type, item.path
        if len(path) > 1 and "." in path[0] and path[1] in self.model.navigations(target):
            return path[1:]
        first = self.model.full(path[0])
        known = path[0] in {**self.model.navigations(target), **self.model.properties(target)}
        if not known and not ("." in path[0] and self.model.is_a(first, target)):
            raise BindError(reason=f"$levels needs '{path[-1]}' to lead to its own type", target="$expand",
                            code="levelsNotPossible")
        return path

    def unrolled(self, item: bound.ExpandItem) -> bound.ExpandItem:
        """An item with `$levels` as one of a single level that has the next one inside."""
        return replace(item, levels=1, options=self._next_level(item, item.options))

    def _next_level(self, item: bound.ExpandItem, options: bound.Options) -> bound.Options:
        """The options of an item with `$levels`, with the same item one level down."""
        left = item.levels - 1 if item.levels else 0
        return replace(options, expand=(*options.expand, replace(item, levels=left, path=self._again(item))))


def keyed(steps: tuple[bound.PathStep, ...], index: int) -> bool:
    """Whether a key follows a step of a path."""
    return len(steps) > index + 1 and isinstance(steps[index + 1], bound.KeyStep)


def _at_most(top: Slot | int | None, most: int) -> Slot | int:
    """A number of rows, cut."""
    if isinstance(top, Slot):
        return replace(top, most=most)
    return most if top is None else min(top, most)

"""Functions of the model as transformations of `$apply`: the collection before goes to the handler, what it finds goes on.

Handlers are Python, so the sequence is cut at each of them: the entities before it are told by a condition, or by their row
ids where more than filters came before; those that it gives take its place as one list of row ids, and what follows is one
statement again. Data Aggregation §3; Protocol §11.5.4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from app import sql
from app.bind import nodes as bound
from app.errors import LimitExceeded, NotImplementedByService
from app.plan import Query, Source
from app.plan.nodes import Output
from app.plan.rows import start_of
from app.service import aggregations
from app.service.call import Call
from app.service.entities import Entity
from app.service.invoke import argument_of, completed, function_of
from app.service.selections import Context, Selection
from app.service.session import WriteSession

MOST = 10_000           # entities that a function is given, and that it may give
CONSTANTS = (bound.Literal, bound.Parameter, bound.ListValue, bound.ObjectValue)

Calls: TypeAlias = Callable[[bound.Transformation, Source], bound.Transformation]   # a transformation without functions of rows


def transforms(apply: bound.Apply) -> bool:
    """Whether a function is one of the transformations, where it can be carried out."""
    return any(isinstance(each, bound.SetFunction) or isinstance(each, bound.Concat) and any(map(transforms, each.sequences))
               for each in apply.transformations)


def without_functions(call: Call, session: WriteSession, source: Source, apply: bound.Apply, calls: Calls) -> bound.Apply:
    """The sequence with what its functions give in their place. Raises for what the annotations of the set refuse,
    LimitExceeded for too many entities, NotImplementedByService for a function in a place where each row has its own input."""
    source_id = source.table if source.table in call.model.sets else None
    aggregations.check(call.policy.model, source_id, source.type, apply)
    return _Functions(call, session, calls).sequence(apply, source, ())


class _Functions:
    """Carries out the functions of one request."""

    def __init__(self, call: Call, session: WriteSession, calls: Calls) -> None:
        self.call, self.session, self.calls = call, session, calls
        self.planner = call.service.planner(call.policy)

    def sequence(self, apply: bound.Apply, source: Source, before: Sequence[bound.Transformation]) -> bound.Apply:
        """A sequence behind others, `before`, over the entities of a source."""
        done: list[bound.Transformation] = []
        for each in apply.transformations:
            so_far = (*before, *done)
            here = start_of(bound.Apply(so_far, None, (), ""), source, self.planner) if so_far else source
            if isinstance(each, bound.SetFunction):
                done, before = [self.given(each.call, here, so_far)], ()
            else:
                each = self.calls(each, here)
                if isinstance(each, bound.Concat):
                    each = bound.Concat(tuple(self.same(inner, here, so_far) for inner in each.sequences))
                done.append(each)
        return replace(apply, transformations=tuple(done))

    def same(self, apply: bound.Apply, source: Source, before: Sequence[bound.Transformation]) -> bound.Apply:
        """One of several sequences: what a function finds there is of the same table."""
        found = self.sequence(apply, source, before)
        first = found.transformations[0]
        if isinstance(first, bound.Given) and (first.table, first.type) != (source.table, source.type):
            raise NotImplementedByService(feature=f"Entities of another set, which {first.function} finds, beside others")
        return found

    # --- calls -------------------------------------------------------------------------------------------

    def given(self, node: bound.FunctionCall, source: Source, before: Sequence[bound.Transformation]) -> bound.Given:
        """What a function makes of the entities that a sequence leaves."""
        operation = node.function
        self.call.policy.invoke(operation.name)
        function = function_of(self.call, operation)
        if not all(isinstance(value, CONSTANTS) for _, value in node.arguments):
            raise NotImplementedByService(feature=f"A parameter of the transformation {operation.name} that is no constant")
        values = {name: argument_of(self.call, self.session, operation, name, value) for name, value in node.arguments}
        values = completed(self.session, operation, function, values)
        selection = Selection(self.session, self.narrowed(source, before), values=tuple(self.call.values))
        return self.found(node, source, function(selection, **values, context=Context(self.session)))

    def narrowed(self, source: Source, before: Sequence[bound.Transformation]) -> Source:
        """The entities that a sequence leaves, as a source."""
        if all(isinstance(each, bound.Filter) for each in before):
            parts = [each.predicate for each in before if isinstance(each, bound.Filter)]
            parts += [] if source.predicate is None else [source.predicate]
            predicate = None if not parts else parts[0] if len(parts) == 1 else bound.Logic("and", tuple(parts))
            return replace(source, predicate=predicate)
        match before:
            case (bound.Given(rows=rows),):
                return replace(source, rows=rows)
        apply = bound.Apply(tuple(before), None, (), source.type)
        query = Query(source, (self.id_of(source),), apply=apply, limit=MOST + 1)
        return replace(source, rows=self.ids(query, self.call.service.values(self.call), "a function is given"))

    def found(self, node: bound.FunctionCall, source: Source, result: Any) -> bound.Given:
        """The result of a function, as row ids of one table."""
        name, table = node.function.name, self.fallback(node, source)
        if isinstance(result, Selection):
            table = result.source.table
            narrow, order = result.narrowed()
            options = bound.Options(orderby=order)
            query = Query(narrow, (self.id_of(narrow),), order=self.session.planner.order(narrow, options),
                          limit=MOST + 1 if result.limit is None else min(result.limit, MOST + 1))
            rows = self.ids(query, result.parameters(), "a function gives")
        else:
            entities = list(result or ())
            if not all(isinstance(each, Entity) and each.row_id is not None for each in entities):
                raise NotImplementedByService(feature=f"A result of {name} that is no stored entity")
            tables = {each.layout.id for each in entities}
            if len(tables) > 1:
                raise NotImplementedByService(feature="A result with entities of several sets")
            table = tables.pop() if tables else table
            rows = self.within(tuple(each.row_id for each in entities), "a function gives")
        if self.planner.mapping.table(table).owner is not None and table != source.table:
            raise NotImplementedByService(feature=f"Contained entities, which {name} finds,")
        return bound.Given(name, table, node.type, rows)

    def fallback(self, node: bound.FunctionCall, source: Source) -> str:
        """The table of no entities."""
        mapping, model = self.planner.mapping, self.call.model
        held = [source.table, *mapping.sources()]
        return next((each for each in held if model.is_a(node.type, mapping.declared_type(each))), source.table)

    def id_of(self, source: Source) -> Output:
        column = self.planner.mapping.table(source.table).row_id
        return Output(column=column, type=column.edm)

    def ids(self, query: Query, values: sql.Values, what: str) -> tuple[int, ...]:
        """The row ids that a query finds."""
        statement = self.call.service.ready(sql.compile_query(query, self.call.mapping, self.call.store.dialect))
        return self.within(tuple(row[0] for row in sql.fetch(self.call.store, statement, values)), what)

    @staticmethod
    def within(rows: tuple[int, ...], what: str) -> tuple[int, ...]:
        if len(rows) > MOST:
            raise LimitExceeded(limit=f"number of entities that {what} in $apply", allowed=MOST)
        return rows

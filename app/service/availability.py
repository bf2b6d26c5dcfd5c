"""Availability of operations: whether one can be invoked on what it is bound to (Core.OperationAvailable).

One condition for each overload (`bind.availability`); asked of stored entities by a statement of their row, of values as of the
items of a collection. Protocol §11.5.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from app import sql
from app.bind import nodes as bound
from app.bind.availability import available
from app.edm.index import Operation
from app.edm.model import TypeRef
from app.errors import Conflict
from app.plan import Query, Source
from app.plan.nodes import Output
from app.service import results
from app.service.call import Call
from app.service.entities import Entity
from app.service.predicates import parts
from app.service.session import WriteSession
from app.store.mapping import Inverse


def holds(call: Call, when: bool | bound.Expression) -> bool:
    """Whether a condition holds that is about nothing but the service: asked of the row of a singleton that it names."""
    if isinstance(when, bool):
        return when
    start = next(roots(when), None)
    if start is None:
        return bool(results.positions(call, results.Value([True], TypeRef("Edm.Boolean", True)), (bound.FilterStep(when),)))
    table = call.mapping.table(start)
    query = Query(Source(table.id, table.type, predicate=when), (Output(column=table.row_id, type="Edm.Int64"),), limit=1)
    statement = call.service.ready(sql.compile_query(query, call.mapping, call.store.dialect))
    return bool(sql.fetch(call.store, statement, call.service.values(call)))


def roots(node: Any) -> Iterator[str]:
    """The sets and singletons that an expression begins at."""
    if isinstance(node, bound.Root):
        yield node.source
    for each in parts(node):
        yield from roots(each)


def demand(call: Call, session: WriteSession, operation: Operation, binding: tuple[Any, ...]) -> None:
    """Raises Conflict where an operation is not available for its binding parameter, Protocol §11.5.3."""
    when = available(session.model, operation)
    if when is True:
        return
    if when is False or not _holds(call, session, operation, when, binding[0] if binding else None):
        raise Conflict(f"'{operation.name}' is not available" + (" here" if binding else "") + " at present",
                       code="operationNotAvailable", target=operation.name)


def _holds(call: Call, session: WriteSession, operation: Operation, when: bound.Expression, binding: Any) -> bool:
    if isinstance(binding, Entity):
        table = session.mapping.table(binding.layout.id)
        relation = Inverse(table.id, (table.row_id,), (table.row_id,), ("", ""))
        source = Source(table.id, table.type, relation=relation, parents=True, predicate=when)
        query = Query(source, (Output(column=table.row_id, type="Edm.Int64"),), links=1)
        statement = sql.compile_query(query, session.mapping, session.store.dialect)
        return bool(sql.fetch(session.store, statement, sql.Values(parents=[(binding.row_id,)], now=session.now)))
    parameter = operation.parameters[0].type if operation.bound else None
    if parameter is None or parameter.collection:
        return holds(call, when)
    return bool(results.positions(call, results.Value([binding], replace(parameter, collection=True)), (bound.FilterStep(when),)))

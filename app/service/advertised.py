"""Advertised operations: what answers at full metadata say can be invoked, one more column for each condition.

JSON Format §16, §17; Core.OperationAvailable, Core.RequiresExplicitBinding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from app.bind import nodes as bound
from app.bind.availability import available
from app.edm import vocabularies
from app.edm.index import Model, Operation
from app.edm.model import Action
from app.errors import NotImplementedByService
from app.plan.nodes import Output, Read

NEVER = -1


@dataclass(frozen=True, slots=True)
class Advertised:
    """An operation as answers at full metadata show it: its member without '#', its title, whether it can be invoked."""

    name: str
    title: str
    when: bool | bound.Expression = True


def advertised(model: Model, type: str, collection: bool = False, id: str = "") -> list[Advertised]:
    """The operations bound to a single entity of the type, or to a collection of them, in the table `id`: `NS.Action`,
    `NS.Function(p1,p2)`, `NS.Function` where it has no parameters to name (JSON Format §16, §17; ABNF qualifiedFunctionName).
    One that is always unavailable is among them."""
    found: dict[str, Advertised] = {}
    owner, slash, name = id.rpartition("/")
    for operation in model.bound_to(type, collection):
        if vocabularies.bound_explicitly(model, operation) and operation.name not in vocabularies.explicit_bindings(
                model, type, None if slash else id, (owner, name) if slash else None):
            continue
        names = ",".join(each.name for each in operation.parameters[1:]
                         if not vocabularies.optional_parameter(model, each))
        member = operation.name if isinstance(operation, Action) or not names else f"{operation.name}({names})"
        described = vocabularies.ask(model, vocabularies.CORE + "Description", operation.name, operation)
        title = described if isinstance(described, str) else operation.name.rpartition(".")[2]
        found.setdefault(member, Advertised(member, title, _when(model, operation)))
    return list(found.values())


def _when(model: Model, operation: Operation) -> bool | bound.Expression:
    """What answers can tell of an operation: one whose condition is not understood is shown."""
    try:
        return available(model, operation)
    except NotImplementedByService:
        return True


def told(read: Read, operations: Callable[[str], Sequence[Advertised]]
         ) -> tuple[Read, Callable[[str], list[tuple[str, str, int | None]]]]:
    """A read with a column for each condition, and what the writer of objects asks: of the operations of a type the member, the
    title, and where in the row it says whether the operation is available (None: it always is, NEVER)."""
    outputs: dict[bound.Expression, int] = {}
    start = read.query.links + len(read.query.outputs)

    def of(type: str) -> list[tuple[str, str, int | None]]:
        return [(each.name, each.title, (None if each.when else NEVER) if isinstance(each.when, bool) else
                 outputs.setdefault(each.when, start + len(outputs))) for each in operations(type)]
    known = {type: of(type) for type in read.shape.variants}
    if outputs:
        more = tuple(Output(expression=each, type="Edm.Boolean") for each in outputs)
        read = replace(read, query=replace(read.query, outputs=(*read.query.outputs, *more)))
    return read, known.__getitem__

"""Addresses: the canonical URL of what a request addresses, relative to the service root, as context URLs and ids name it.

A contained entity is addressed below its owner. Where the request does not say who that is (a to-one navigation, an
alternate key), the owner is looked up. Protocol §10.2, §10.3; URL Conventions §4.3.1, §4.3.2.
"""

from __future__ import annotations

from typing import Any

from app import sql
from app.bind import literal_value
from app.bind import nodes as bound
from app.errors import NotFound, NotImplementedByService
from app.payload.writer import key_predicate
from app.plan import Source
from app.service.call import Call
from app.service.rows import Node
from app.store.mapping import Contained


def literal(call: Call, value: bound.Expression) -> Any:
    """The canonical value of a constant or lifted expression."""
    match value:
        case bound.Parameter(index, type):
            return literal_value(call.values[index], type, call.model)
        case bound.Literal(constant):
            return constant
    raise NotImplementedByService(feature="An expression in a key")


def canonical_base(call: Call) -> tuple[str, bool]:
    """(what a context URL names the entities by, whether they belong to a set or containment at all)."""
    resource = call.resource
    if resource.contained:
        return contained_base(call), True
    if resource.source is not None:
        return resource.source, True
    functions = any(isinstance(step, bound.OperationStep) for step in resource.steps)
    if resource.kind in ("entity", "collection") and resource.steps and not functions:
        source, _ = call.service.planner(call.policy).source(resource.steps)
        fixed = call.mapping.fixed_path(source.table)
        return fixed or "", fixed is not None
    return "", False


def contained_base(call: Call) -> str:
    """The URL of the containment property that the addressed entities belong to, their own key left out."""
    steps = call.resource.steps
    end = max(index for index, step in enumerate(steps) if isinstance(step, bound.NavigationStep)) + 1
    written = _written(call, steps[:end])
    if written is not None:
        return written
    source, _ = call.service.planner(call.policy).source(steps[:end])
    return _read(call, source, steps[:end])


def _written(call: Call, steps: tuple[bound.PathStep, ...]) -> str | None:
    """The path as the request writes it, in canonical form; None where it leaves an owner open."""
    out: list[str] = []
    table, key = "", ""
    known = True
    for step in steps:
        match step:
            case bound.SetStep(element):
                out, table, known = [element.name], element.name, False
            case bound.SingletonStep(singleton):
                out, table, known, key = [singleton.name], singleton.name, True, ""
            case bound.KeyStep(parts, alternate):
                pairs = [(name, str(getattr(value, "type", "")), literal(call, value)) for name, value in parts]
                key, known = key_predicate(call.model, pairs), not alternate
            case bound.NavigationStep(navigation, owner):
                target = call.mapping.target(table, owner, navigation.name)
                if navigation.contains_target:
                    if not known:
                        return None
                    out[-1] += key
                    out += [*_cast(call, table, owner, navigation.name), navigation.name]
                    known = not navigation.collection
                else:
                    out = [target or navigation.name]
                    known = target in call.model.singletons
                table, key = target or "", ""
            case bound.OperationStep():
                return None
    return "/".join(out)


def _cast(call: Call, table: str, owner: str, name: str) -> list[str]:
    """The cast segment in front of a navigation property that the table's declared type does not have."""
    declaring = call.model.declaring(owner, name) or owner
    return [] if call.model.is_a(call.mapping.declared_type(table), declaring) else [owner]


def _read(call: Call, source: Source, steps: tuple[bound.PathStep, ...]) -> str:
    """The path of a containment as its stored owner has it."""
    parent, last = source.parent, steps[-1]
    if parent is None or not isinstance(last, bound.NavigationStep):
        raise NotImplementedByService(feature="A contained entity behind this path")
    above = max((index for index, step in enumerate(steps[:-1]) if isinstance(step, bound.NavigationStep)), default=-1) + 1
    base = _read(call, parent, steps[:above]) if isinstance(parent.relation, Contained) else ""
    read = call.service.planner(call.policy).read(parent, bound.Options(select=()), collection=False)
    node = Node(call.sight, read, call.wishes.format, call.request.root)
    rows = sql.fetch(call.store, node.statement, call.service.values(call))
    if not rows:
        raise NotFound(reason=f"There is no entity in front of '{last.navigation.name}'")
    own = node.paths(rows[:1], base)[0]
    return "/".join([own, *_cast(call, parent.table, last.owner, last.navigation.name), last.navigation.name])

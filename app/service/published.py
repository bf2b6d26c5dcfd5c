"""Published: the model of a policy as `$metadata` tells it, without annotations that name what is hidden (DESIGN §9).

In: the model that requests are bound against, what is hidden of it. Out: a model to write down, never to decide by: there, a
restriction or the availability of an operation that depends on something hidden still counts, here nobody is told.
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any

from app.edm import Model
from app.edm import model as edm
from app.edm.expressions import Collection, Constant, EnumMember, PathExpression, PropertyValue, Record
from app.service.view import Hidden

STEPS = re.compile(r"[/@#(),]")
NOT_NAMES = {"name", "kind", "function", "line"}        # of an expression: what they hold names nothing of the model


def published(model: Model, hidden: Hidden) -> Model:
    """The model without the annotations, and the parts of annotations, that name what is hidden (as `view.closed` gives it)."""
    if not hidden:
        return model
    silent = _Silent(model, hidden)
    return Model(tuple(map(silent.element, model.schemas)), model.references, model.version,
                 tuple(map(silent.element, model.included)), model.source, model.narrowed)


class _Silent:
    """Rebuilds elements without what their annotations say of hidden ones."""

    def __init__(self, model: Model, hidden: Hidden) -> None:
        self.model = model
        members = {name for each in hidden.members.values() for name in each}
        self.gone = {*members, *hidden.sets, *hidden.types, *hidden.operations}

    def element(self, node: Any) -> Any:
        """An element of a schema, or a tuple of them; the same one where nothing of it goes."""
        if isinstance(node, tuple):
            if node and isinstance(node[0], edm.Annotation):
                return self.annotations(node)
            made = tuple(map(self.element, node))
            return node if all(new is old for new, old in zip(made, node, strict=True)) else made
        if not is_dataclass(node) or isinstance(node, type):
            return node
        changed = {each.name: new for each in fields(node)
                   if (new := self.element(old := getattr(node, each.name))) is not old}
        if isinstance(node, edm.Action | edm.Function) and self.names(node.entity_set_path or ""):
            changed["entity_set_path"] = None
        return replace(node, **changed) if changed else node

    def annotations(self, annotations: tuple[edm.Annotation, ...]) -> tuple[edm.Annotation, ...]:
        found = []
        for each in annotations:
            value = each.value if each.value is None else self.expression(each.value)
            if not self.names(each.qualifier or "") and (value is not None or each.value is None):
                found.append(replace(each, value=value, annotations=self.annotations(each.annotations)))
        return tuple(found)

    def expression(self, value: Any) -> Any:
        """What is left of an expression: a collection without items, a record without members that are nothing any more; None
        for a record that itself names something hidden, and for every other expression that does."""
        match value:
            case Collection(items):
                return Collection(tuple(left for each in items if (left := self.expression(each)) is not None))
            case Record(properties):
                if any(isinstance(each.value, Constant | PathExpression) and self.mentions(each.value) for each in properties):
                    return None
                return replace(value, annotations=self.annotations(value.annotations), properties=tuple(
                    left for each in properties if (left := self.member(each)) is not None))
        return None if self.mentions(value) else value

    def member(self, member: PropertyValue) -> PropertyValue | None:
        value = None if member.value is None else self.expression(member.value)
        if value is None and member.value is not None:
            return None
        return replace(member, value=value, annotations=self.annotations(member.annotations))

    def mentions(self, value: Any) -> bool:
        match value:
            case str():
                return self.names(value)
            case Constant(kind, text):
                return kind == "String" and self.names(text)
            case EnumMember():
                return False
            case tuple():
                return any(map(self.mentions, value))
        return is_dataclass(value) and any(
            self.mentions(getattr(value, each.name)) for each in fields(value) if each.name not in NOT_NAMES)

    def names(self, text: str) -> bool:
        """Whether a step of a path, or of a qualified name with its signature, is hidden."""
        return any(step in self.gone or self.model.full(step) in self.gone for step in STEPS.split(text) if step)

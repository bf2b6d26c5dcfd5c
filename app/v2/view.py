"""The model as OData 2.0 can say it: no inheritance, no collections of values, enumerations as strings.

`View.model` is a model of flat types, made from `csdl.safe`; names and keys are those of the model itself. Bound
operations become function imports named `Type_operation` that take the key of the entity as parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

from app import csdl
from app.edm import Model
from app.edm.model import Action, ComplexType, EntitySet, EntityType, Function, NavigationProperty, TypeRef

Operation: TypeAlias = Action | Function

TYPES = {name: name for name in (
    "Edm.Binary", "Edm.Boolean", "Edm.Byte", "Edm.DateTimeOffset", "Edm.Decimal", "Edm.Double", "Edm.Guid", "Edm.Int16",
    "Edm.Int32", "Edm.Int64", "Edm.SByte", "Edm.Single", "Edm.String")} | {
    "Edm.Date": "Edm.DateTime", "Edm.TimeOfDay": "Edm.Time", "Edm.Duration": "Edm.String"}


@dataclass(frozen=True, slots=True)
class Import:
    """A function import: of an import of the model (`path` its name) or of an operation bound to entities of `source`."""

    name: str
    operation: Operation
    path: str
    source: EntitySet | None = None
    keys: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        return "POST" if isinstance(self.operation, Action) else "GET"


@dataclass(frozen=True)
class View:
    """`model`: the flat types and the sets. Made by `view`."""

    model: Model

    @cached_property
    def imports(self) -> dict[str, Import]:
        """Name → function import; overloads and parameters that OData 2.0 cannot say are left out."""
        return {each.name: each for each in reversed(list(self._imports())) if all(
            self.named(one.type) is not None for one in each.operation.parameters[each.operation.bound:])}

    def _imports(self) -> Iterator[Import]:
        model = self.model
        for action in model.action_imports.values():
            yield from (Import(action.name, each, action.name) for each in model.overloads(action.action))
        for function in model.function_imports.values():
            yield from (Import(function.name, each, function.name) for each in model.overloads(function.function)
                        if not each.bound)
        for overloads in model.operations.values():
            for each in overloads:
                if not each.bound:
                    continue
                binding = each.parameters[0].type
                source = self.set_of(binding.name)
                if source is not None:
                    name = f"{binding.name.rpartition('.')[2]}_{each.name.rpartition('.')[2]}"
                    keys = () if binding.collection else tuple(ref.path for ref in model.key(binding.name))
                    yield Import(name, each, each.name, source, keys)

    def named(self, ref: TypeRef) -> str | None:
        """The name of a type in OData 2.0; None where there is no such type."""
        if ref.collection:
            return None
        if self.model.kind(ref.name) == "complex":
            return ref.name if self.model.properties(ref.name) else None
        return TYPES.get(ref.name)

    def set_of(self, type: str) -> EntitySet | None:
        """The first set of exactly this type."""
        return next((each for each in self.model.sets.values() if each.type == type), None)

    def target(self, source: EntitySet, navigation: NavigationProperty) -> EntitySet | None:
        """The set where a navigation property of a set leads."""
        for binding in source.bindings:
            if binding.path.rpartition("/")[2] == navigation.name:
                return self.model.sets.get(binding.target)
        return self.set_of(navigation.type)


def _addressable(model: Model) -> Model:
    """The model with those sets only whose keys are values of the entities themselves."""
    def kept(source: EntitySet) -> bool:
        members = [model.properties(source.type).get(ref.path) for ref in model.key(source.type)]
        return bool(members) and all(each is not None and each.type.name in TYPES for each in members)

    return replace(model, schemas=tuple(replace(schema, container=schema.container and replace(
        schema.container, sets=tuple(filter(kept, schema.container.sets)))) for schema in model.schemas))


def view(model: Model) -> View:
    """The view of a model. Sets whose key OData 2.0 cannot say are left out."""
    safe = _addressable(csdl.safe(model))
    whole = View(safe)

    def flat(kind: Any) -> Any:
        properties = tuple(each for each in safe.properties(kind.name).values() if whole.named(each.type) is not None)
        if isinstance(kind, ComplexType):
            return replace(kind, base=None, open=False, properties=properties)
        navigation = tuple(each for each in safe.navigations(kind.name).values() if not each.contains_target and any(
            whole.target(source, each) for source in safe.sets.values() if source.type == kind.name))
        return replace(kind, base=None, open=False, abstract=False, key=safe.key(kind.name), properties=properties,
                       has_stream=safe.has_stream(kind.name), navigation=navigation)

    used = {each.type for each in safe.sets.values()}
    return View(replace(safe, schemas=tuple(replace(schema, types=tuple(
        flat(kind) for kind in schema.types if isinstance(kind, ComplexType)
        or isinstance(kind, EntityType) and kind.name in used)) for schema in safe.schemas)))

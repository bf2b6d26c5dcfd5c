"""Views of a model for `$metadata`: `safe` shows what clients read that know little of OData.

Names, keys and JSON values stay what they are in the model itself, so that requests made from a view are answered by
the service of the whole model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeAlias

from app.csdl.form import shaped
from app.edm.index import Model
from app.edm.model import (ComplexType, EntityContainer, EntitySet, EntityType, Schema, Singleton, StructuredType,
                           TypeRef)

Narrowed: TypeAlias = dict[tuple[str, str], str]      # (declaring type, navigation property) → the type that is there


def safe(model: Model) -> Model:
    """The model as Power Query, ADF, SSIS and OpenUI5 read it without trouble: OData 4.0, no annotations, no
    references, no navigation in complex types, no type definitions, enumerations as strings, decimals with facets, and
    no base type but those that something is declared to be: the members of others stand in the types below them. A
    property whose type declares nothing is a dynamic one of an open type: generated readers stumble over such types.
    """
    old = _gathered(shaped(model, "4.0", reference_uri=lambda namespace: None))
    return replace(old, schemas=tuple(_safe_schema(model, schema) for schema in old.schemas))


def _safe_schema(model: Model, schema: Schema) -> Schema:
    kinds = tuple(_safe_type(model, kind) for kind in schema.types if isinstance(kind, EntityType | ComplexType))
    actions = tuple(replace(each, annotations=(), parameters=tuple(_retyped(model, one) for one in each.parameters),
                            returns=_retyped(model, each.returns)) for each in schema.actions)
    functions = tuple(replace(each, annotations=(), parameters=tuple(_retyped(model, one) for one in each.parameters),
                              returns=_retyped(model, each.returns)) for each in schema.functions)
    container = _safe_container(model, schema.container) if schema.container else None
    return replace(schema, types=kinds, actions=actions, functions=functions, terms=(), container=container,
                   external=(),
                   annotations=())


def _safe_type(model: Model, kind: Any) -> Any:
    properties = tuple(_retyped(model, each) for each in kind.properties if not _empty(model, each.type.name))
    navigation = tuple(replace(each, annotations=(), on_delete_annotations=(), constraints=tuple(
        replace(constraint, annotations=()) for constraint in each.constraints)) for each in kind.navigation)
    opened = kind.open or any(_empty(model, each.type.name) for each in model.properties(kind.name).values())
    return replace(kind, properties=properties, annotations=(), open=opened,
                   navigation=() if isinstance(kind, ComplexType) else navigation)


def _empty(model: Model, name: str) -> bool:
    """Whether a complex type and those below it declare nothing."""
    return model.kind(name) == "complex" and not any(map(model.properties, (name, *model.derived(name))))


def _retyped(model: Model, element: Any) -> Any:
    return None if element is None else replace(element, type=_safe_ref(model, element.type), annotations=())


def _safe_ref(model: Model, ref: TypeRef) -> TypeRef:
    ref = model.underlying(ref)
    if model.kind(ref.name) == "enum":
        return TypeRef("Edm.String", ref.collection, ref.nullable, spelling=ref.spelling)
    if ref.name == "Edm.Decimal":
        scale = ref.scale if isinstance(ref.scale, int) else 10 if ref.precision is None else min(10, ref.precision)
        return replace(ref, precision=28 if ref.precision is None else ref.precision, scale=scale, spelling=())
    return ref


def _safe_container(model: Model, box: EntityContainer) -> EntityContainer:
    def bare(source: Any) -> Any:
        kept = tuple(binding for binding in source.bindings if not _through_complex(model, source, binding.path))
        return replace(source, bindings=kept, annotations=())
    return replace(box, sets=tuple(map(bare, box.sets)), singletons=tuple(map(bare, box.singletons)), annotations=(),
                   action_imports=tuple(replace(each, annotations=()) for each in box.action_imports),
                   function_imports=tuple(replace(each, annotations=()) for each in box.function_imports))


def _through_complex(model: Model, source: EntitySet | Singleton, path: str) -> bool:
    """Whether a binding path passes a structural property."""
    current = source.type
    for step in path.split("/"):
        if "." in step:
            current = step
        elif step in model.properties(current):
            return True
        elif step in model.navigations(current):
            current = model.navigations(current)[step].type
    return False


# --- base types ------------------------------------------------------------------------------------------

def _gathered(model: Model) -> Model:
    """The model without base types that only hold what others share."""
    narrowed = _narrowed(model)
    kept = _declared(model, narrowed)
    return replace(model, schemas=tuple(replace(
        schema, types=tuple(_gathered_type(model, kind, kept, narrowed) for kind in schema.types
                            if not isinstance(kind, EntityType | ComplexType) or kind.name in kept),
        actions=tuple(each for one in schema.actions for each in _bound(model, one, kept)),
        functions=tuple(each for one in schema.functions for each in _bound(model, one, kept)),
        container=schema.container and _gathered_container(model, schema.container, kept))
        for schema in model.schemas))


def _narrowed(model: Model) -> Narrowed:
    """The navigation properties whose bindings all lead to one type that derives from the declared one."""
    found: dict[tuple[str, str], set[str]] = {}
    sources: list[EntitySet | Singleton] = [*model.sets.values(), *model.singletons.values()]
    for source in sources:
        for binding in source.bindings:
            current, step = source.type, ""
            for step in binding.path.split("/"):
                owner = current
                current = _below(model, current, step)
            target = model.source_of(binding.target)
            declaring = model.declaring(owner, step)
            if declaring is not None and step in model.navigations(declaring):
                found.setdefault((declaring, step), set()).add(
                    target.type if target is not None else model.navigations(declaring)[step].type)
    return {place: next(iter(names)) for place, names in found.items()
            if len(names) == 1 and model.is_a(next(iter(names)), model.navigations(place[0])[place[1]].type)}


def _below(model: Model, name: str, step: str) -> str:
    """The type where a step of a binding path leads: a cast, a navigation property or a complex property."""
    if step in model.navigations(name):
        return model.navigations(name)[step].type
    member = model.properties(name).get(step)
    return model.full(step) if member is None else member.type.name


def _declared(model: Model, narrowed: Narrowed) -> frozenset[str]:
    """The structured types that a set, a member, a parameter or a result is declared to be, and those below them."""
    def uses(name: str) -> Iterator[str]:
        yield from (each.type.name for each in model.properties(name).values())
        yield from (narrowed.get((model.declaring(name, each.name) or "", each.name), each.type)
                    for each in model.navigations(name).values())
        yield from model.derived(name)

    queue = [each.type for each in model.sets.values()] + [each.type for each in model.singletons.values()]
    for overloads in model.operations.values():
        for operation in overloads:
            queue += [each.type.name for each in operation.parameters[operation.bound:]]
            queue += [operation.returns.type.name] if operation.returns else []
    found: set[str] = set()
    while queue:
        name = model.full(queue.pop())
        if name not in found and model.structured(name) is not None:
            found.add(name)
            queue.extend(uses(name))
    return frozenset(found)


def _gathered_type(model: Model, kind: Any, kept: frozenset[str], narrowed: Narrowed) -> Any:
    if not isinstance(kind, EntityType | ComplexType):
        return kind
    lineage = model.lineage(kind.name)
    base = next((name for name in lineage[1:] if name in kept), None)
    own = reversed(lineage[:lineage.index(base)] if base else lineage)
    levels: list[StructuredType] = [level for name in own if (level := model.structured(name)) is not None]
    navigation = tuple(replace(each, partner=None, type=narrowed.get((level.name, each.name), each.type))
                       for level in levels for each in level.navigation)
    found = replace(kind, base=base, open=model.is_open(kind.name), navigation=navigation,
                    properties=tuple(each for level in levels for each in level.properties))
    if isinstance(found, EntityType):
        entities = [level for level in levels if isinstance(level, EntityType)]
        key = next((level.key for level in entities if level.key), ())
        return replace(found, key=key, has_stream=any(level.has_stream for level in entities))
    return found


def _bound(model: Model, operation: Any, kept: frozenset[str]) -> Iterator[Any]:
    """The operation, for each of the types that stand in for the one that it is bound to."""
    name = model.full(operation.parameters[0].type.name) if operation.bound and operation.parameters else ""
    if model.structured(name) is None or name in kept:
        yield operation
        return
    below = [each for each in model.derived(name) if each in kept]
    first, *others = operation.parameters
    for each in below:
        if not any(base in below for base in model.lineage(each)[1:]):
            yield replace(operation, parameters=(replace(first, type=replace(first.type, name=each)), *others))


def _gathered_container(model: Model, box: EntityContainer, kept: frozenset[str]) -> EntityContainer:
    def reached(source: Any) -> Any:
        return replace(source, bindings=tuple(each for each in source.bindings if all(
            "." not in step or model.full(step) in kept for step in each.path.split("/"))))
    return replace(box, sets=tuple(map(reached, box.sets)), singletons=tuple(map(reached, box.singletons)))

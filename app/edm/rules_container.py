"""Rules of the entity container: sets, singletons, bindings, imports (CSDL §13)."""

from __future__ import annotations

from collections.abc import Iterator

from app.edm.check import Check, Hit, hit
from app.edm.findings import declare
from app.edm.model import (Action, ActionImport, Binding, EntityContainer, EntitySet, Function, FunctionImport,
                           NavigationProperty, Property, Singleton)
from app.errors import closest

declare(
    ("container-empty", "error", "§13", "The container '{name}' exposes nothing",
     "Declare an entity set, singleton or import."),
    ("container-child-twice", "error", "§13", "The container has two children '{name}'", "Rename one of them."),
    ("container-extends", "error", "§13.1", "There is no container '{name}' to extend",
     "Include its schema or correct the name."),
    ("container-cycle", "error", "§13.1", "The container '{name}' extends itself", "Break the cycle."),
    ("container-override", "error", "§13.1", "'{name}' is declared in the extended container already, as {kind}",
     "Only sets and singletons can be declared again, with a derived type."),
    ("set-type", "error", "§13.2, §13.3", "'{name}' is of '{type}', which is not an entity type{known}",
     "Name an entity type."),
    ("set-key", "error", "§13.2", "The entity set '{name}' is of '{type}', which has no key", "Declare a key."),
    ("singleton-nullable", "error", "§13.3", "Nullable on the singleton '{name}' is possible in OData 4.01 only",
     "Remove it or write Version=\"4.01\"."),
    ("binding-path", "error", "§13.4.1", "'{segment}' of the binding path '{path}' does not exist",
     "Correct the path."),
    ("binding-twice", "error", "§13.4.1", "The path '{path}' is bound twice", "Remove one of them."),
    ("binding-end", "error", "§13.4.1", "The binding path '{path}' ends at no navigation property",
     "End with a navigation property; in OData 4.01 a cast may follow."),
    ("binding-cast", "error", "§13.4.1", "The binding path '{path}' ends with a cast, as only OData 4.01 allows",
     "Write Version=\"4.01\" or remove the cast."),
    ("binding-contained", "error", "§13.4.1", "The binding path '{path}' ends with a containment navigation property",
     "Contained entities need no binding."),
    ("binding-passes", "error", "§13.4.1", "The binding path '{path}' passes '{segment}', which contains nothing",
     "Bind it at the set it leads to."),
    ("binding-target", "error", "§13.4.2", "The binding target '{target}' does not exist{known}",
     "Name an entity set or singleton of the container."),
    ("binding-type", "error", "§13.4.2", "'{path}' leads to '{type}', the binding target '{target}' is of '{other}'",
     "Bind to a set of that type."),
    ("binding-qualified", "warning", "§13.4.2", "The binding target '{target}' names its own container",
     "Write '{name}' alone."),
    ("import-operation", "error", "§13.5, §13.6", "'{name}' imports '{operation}', which does not exist{known}",
     "Correct the name."),
    ("import-kind", "error", "§13.5, §13.6", "'{name}' imports '{operation}', which is {kind}",
     "Action imports take actions, function imports functions."),
    ("import-bound", "error", "§13.5, §13.6", "'{name}' imports '{operation}', which has no unbound overload",
     "Import unbound operations; bound ones are called on their resource."),
    ("import-set", "error", "§13.5, §13.6", "The entity set '{target}' of '{name}' does not exist",
     "Name a set of the container."),
    ("import-set-needless", "error", "§13.5, §13.6", "'{name}' returns no entity and names an entity set",
     "Remove EntitySet."),
    ("import-set-type", "error", "§13.5, §13.6", "'{name}' returns {type}, its entity set '{target}' holds {other}",
     "Name a set of that type."),
    ("import-listed", "warning", "§13.6", "'{name}' takes parameters and is included in the service document",
     "Only functions without parameters can be called from there."),
)


def check(context: Check) -> Iterator[Hit]:
    """Every hit in the containers of the document."""
    for schema in context.model.schemas:
        if schema.container is not None:
            box = schema.container
            yield from container(context, box)
            for source in box.sources:
                yield from exposed(context, source)
                yield from bindings(context, box, source)
            for each in box.imports:
                yield from imported(context, each)


def container(context: Check, box: EntityContainer) -> Iterator[Hit]:
    children = box.children
    if not children and box.extends is None:
        yield hit("container-empty", box, name=box.name)
    seen: set[str] = set()
    for child in children:
        if child.name in seen:
            yield hit("container-child-twice", child, name=child.name)
        seen.add(child.name)
    if box.extends is None:
        return
    boxes = {each.container.name: each.container for each in context.model.all_schemas if each.container}
    base = boxes.get(box.extends)
    if base is None:
        if not context.is_open_question(box.extends):
            yield hit("container-extends", box, name=box.extends)
        return
    current, passed = base, {box.name}
    while current.name not in passed and current.extends in boxes:
        passed.add(current.name)
        current = boxes[current.extends]
    if current.name == box.name:
        yield hit("container-cycle", box, name=box.name)
        return
    inherited = {each.name: each for each in base.children}
    for child in children:
        other = inherited.get(child.name)
        if other is not None and not _narrows(context, child, other):
            yield hit("container-override", child, name=child.name, kind=type(other).__name__)


def _narrows(context: Check, child: object, other: object) -> bool:
    """Whether a set or singleton declares one of the extended container again, with a derived type."""
    return (type(other) is type(child) and isinstance(child, EntitySet | Singleton)
            and isinstance(other, EntitySet | Singleton)
            and child.type in context.model.derived(other.type))


def exposed(context: Check, source: EntitySet | Singleton) -> Iterator[Hit]:
    model, name = context.model, source.name
    if model.entity_type(source.type) is None:
        if not context.is_open_question(source.type):
            entities = [each.name for schema in model.all_schemas for each in schema.types
                        if model.entity_type(each.name)]
            known = closest(source.type, entities)
            yield hit("set-type", source, name=name, type=source.type,
                      known=f"; did you mean '{known}'" if known else "")
    elif isinstance(source, EntitySet) and not model.key(source.type) and not context.unresolved_lineage(source.type):
        yield hit("set-key", source, name=name, type=source.type)
    if isinstance(source, Singleton) and source.nullable and context.old:
        yield hit("singleton-nullable", source, name=name)


# --- bindings --------------------------------------------------------------------------------------------

def bindings(context: Check, box: EntityContainer, source: EntitySet | Singleton) -> Iterator[Hit]:
    seen: set[str] = set()
    for binding in source.bindings:
        if binding.path in seen:
            yield hit("binding-twice", binding, path=binding.path)
        seen.add(binding.path)
        reached: str | None = None
        if context.model.entity_type(source.type) is not None and not context.unresolved_lineage(source.type):
            for each in binding_path(context, source, binding):
                if isinstance(each, Hit):
                    yield each
                else:
                    reached = each
        yield from binding_target(context, box, binding, reached)


def binding_path(context: Check, source: EntitySet | Singleton, binding: Binding) -> Iterator[Hit | str]:
    """Hits of a binding path; the type it reaches, where it does."""
    path = binding.path
    steps = list(context.walk(source.type, path))
    if steps[-1][1] is None:
        yield hit("binding-path", binding, path=path, segment=steps[-1][0])
        return
    links = [(segment, found) for segment, found in steps if isinstance(found, NavigationProperty)]
    cast = steps[-1][1] if isinstance(steps[-1][1], str) else None
    if not links or isinstance(steps[-1][1], Property) or (cast and not isinstance(steps[-2][1], NavigationProperty)):
        yield hit("binding-end", binding, path=path)
        return
    if cast and context.old:
        yield hit("binding-cast", binding, path=path)
    for segment, link in links[:-1]:
        if not link.contains_target:
            yield hit("binding-passes", binding, path=path, segment=segment)
            return
    if links[-1][1].contains_target:
        yield hit("binding-contained", binding, path=path)
    yield cast or links[-1][1].type


def binding_target(context: Check, box: EntityContainer, binding: Binding, reached: str | None) -> Iterator[Hit]:
    model, target = context.model, binding.target
    head, slash, rest = target.partition("/")
    if "." in head:
        if head == box.name and slash and "/" not in rest:
            yield hit("binding-qualified", binding, target=target, name=rest)
        owner = next((each.container for each in model.all_schemas if each.container and each.container.name == head),
                     None)
        if owner is None:
            if not context.is_open_question(head):
                yield hit("binding-target", binding, target=target, known="")
            return
    else:
        owner, rest = box, target
    name, _, inner = rest.partition("/")
    known = {each.name: each for each in owner.sources}
    if owner.name == (model.container.name if model.container else ""):
        known = {**model.sets, **model.singletons, **known}
    found = known.get(name)
    if found is None:
        near = closest(name, known)
        if owner.extends is None or not context.is_open_question(owner.extends):
            yield hit("binding-target", binding, target=target, known=f"; did you mean '{near}'" if near else "")
        return
    other = found.type
    if inner:
        last = list(context.walk(found.type, inner))[-1][1]
        if last is None and not context.unresolved_lineage(found.type):
            yield hit("binding-target", binding, target=target, known="")
        if not isinstance(last, NavigationProperty):
            return
        other = last.type
    if reached and model.entity_type(other) and model.entity_type(reached) and not (
            model.is_a(other, reached) or model.is_a(reached, other)):
        yield hit("binding-type", binding, path=binding.path, type=reached, target=target, other=other)


# --- imports ---------------------------------------------------------------------------------------------

def imported(context: Check, each: ActionImport | FunctionImport) -> Iterator[Hit]:
    model, name = context.model, each.name
    action = isinstance(each, ActionImport)
    operation = each.action if isinstance(each, ActionImport) else each.function
    overloads = model.overloads(operation)
    if not overloads:
        if not context.is_open_question(operation):
            near = closest(operation, model.operations)
            yield hit("import-operation", each, name=name, operation=operation,
                      known=f"; did you mean '{near}'" if near else "")
        return
    fitting = [found for found in overloads if isinstance(found, Action if action else Function)]
    if not fitting:
        yield hit("import-kind", each, name=name, operation=operation, kind="a function" if action else "an action")
        return
    unbound = [found for found in fitting if not found.bound]
    if not unbound:
        yield hit("import-bound", each, name=name, operation=operation)
        return
    if isinstance(each, FunctionImport) and each.in_service_document and all(found.parameters for found in unbound):
        yield hit("import-listed", each, name=name)
    if each.entity_set is not None:
        yield from import_set(context, each, unbound[0])


def import_set(context: Check, each: ActionImport | FunctionImport, operation: Action | Function) -> Iterator[Hit]:
    model, name, target = context.model, each.name, each.entity_set or ""
    returned = operation.returns.type.name if operation.returns is not None else ""
    if context.kind(returned) not in ("entity", "unknown") or not returned:
        yield hit("import-set-needless", each, name=name)
        return
    head, _, rest = target.partition("/")
    if "." in head:
        owner = next((box.container for box in model.all_schemas if box.container and box.container.name == head), None)
        known = {found.name: found for found in owner.sets} if owner else {}
        if owner is None and context.is_open_question(head):
            return
        head = rest
    else:
        known = model.sets
    found = known.get(head)
    if found is None:
        yield hit("import-set", each, name=name, target=target)
    elif model.entity_type(returned) and model.entity_type(found.type) and not (
            model.is_a(returned, found.type) or model.is_a(found.type, returned)):
        yield hit("import-set-type", each, name=name, type=returned, target=target, other=found.type)

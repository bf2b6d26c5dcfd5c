"""Hosts: the elements that carry annotations, by containment and by target path (CSDL §14.2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.edm.check import Check
from app.edm.model import (Action, ActionImport, Annotation, EntityContainer, EntitySet, EnumType, Function,
                           NavigationProperty, Property, Schema, Term, TypeDefinition, TypeRef)


@dataclass(frozen=True, slots=True)
class Host:
    """An annotated element: what AppliesTo calls it, its annotations, the type that paths start from, its own type."""

    element: object
    symbols: frozenset[str]
    annotations: tuple[Annotation, ...]
    base: str | None = None
    type: TypeRef | None = None


def hosts(context: Check) -> Iterator[Host]:
    """Every annotated element of the document; externally annotated ones once more for each block."""
    for reference in context.model.references:
        yield Host(reference, frozenset({"Reference"}), reference.annotations)
        for include in reference.includes:
            yield Host(include, frozenset({"Include"}), include.annotations)
    for schema in context.model.schemas:
        yield Host(schema, frozenset({"Schema"}), schema.annotations)
        yield from _children(schema)
        for block in schema.external:
            found = resolve(context, block.target)
            if found is None:
                yield Host(block, frozenset(), block.annotations)
            else:
                element, symbols, base, ref = found
                yield Host(element, symbols, block.annotations, base, ref)


def _children(schema: Schema) -> Iterator[Host]:
    for kind in schema.types:
        if isinstance(kind, EnumType):
            yield Host(kind, frozenset({"EnumType"}), kind.annotations)
            for value in kind.members:
                yield Host(value, frozenset({"Member"}), value.annotations)
        elif isinstance(kind, TypeDefinition):
            yield Host(kind, frozenset({"TypeDefinition"}), kind.annotations, None, kind.type)
        else:
            yield Host(kind, symbols_of(kind), kind.annotations, kind.name)
            for member in kind.members:
                yield Host(member, symbols_of(member), member.annotations, kind.name, type_of(member))
            for link in kind.navigation:
                yield Host(link, frozenset({"OnDelete"}), link.on_delete_annotations, kind.name)
                for constraint in link.constraints:
                    yield Host(constraint, frozenset({"ReferentialConstraint"}), constraint.annotations, kind.name)
    for operation in schema.operations:
        yield Host(operation, symbols_of(operation), operation.annotations)
        for parameter in operation.parameters:
            yield Host(parameter, frozenset({"Parameter"}), parameter.annotations, None, parameter.type)
        if operation.returns is not None:
            yield Host(operation.returns, frozenset({"ReturnType"}), operation.returns.annotations, None,
                       operation.returns.type)
    for term in schema.terms:
        yield Host(term, frozenset({"Term"}), term.annotations, None, term.type)
    if schema.container is not None:
        yield from _container(schema.container)


def _container(box: EntityContainer) -> Iterator[Host]:
    yield Host(box, frozenset({"EntityContainer"}), box.annotations)
    for source in box.sources:
        yield Host(source, symbols_of(source), source.annotations, source.type)
    for each in box.action_imports:
        yield Host(each, frozenset({"ActionImport"}), each.annotations)
    for other in box.function_imports:
        yield Host(other, frozenset({"FunctionImport"}), other.annotations)


def symbols_of(element: Any) -> frozenset[str]:
    """What AppliesTo calls an element (§14.1.2)."""
    name = type(element).__name__
    if isinstance(element, Property | NavigationProperty):
        return frozenset({name, "Collection" if type_of(element).collection else "Singleton"})
    return frozenset({name, "Collection"}) if isinstance(element, EntitySet) else frozenset({name})


def type_of(member: Property | NavigationProperty) -> TypeRef:
    """The type of a member, navigation properties included."""
    return member.type if isinstance(member, Property) else TypeRef(member.type, member.collection)


# --- targets ---------------------------------------------------------------------------------------------

Target = tuple[object, frozenset[str], "str | None", "TypeRef | None"]


def resolve(context: Check, path: str) -> Target | None:
    """The element at a target path: itself, its symbols, where paths start, its type. None where there is none."""
    path, at, term = path.partition("/@")
    if at:
        found = resolve(context, path)
        return (context.stand_in(f"{path}/@{term}"), frozenset({"Annotation"}), found[2], None) if found else None
    head, _, rest = _split(path)
    name, overload, _ = head.partition("(")
    model = context.model
    kind = model.types.get(name)
    if kind is not None and not overload:
        if not rest:
            base = kind.name if model.structured(kind.name) else None
            return kind, symbols_of(kind), base, kind.type if isinstance(kind, TypeDefinition) else None
        if isinstance(kind, EnumType):
            member = next((each for each in kind.members if each.name == rest), None)
            return (member, frozenset({"Member"}), None, None) if member else None
        return _member(context, kind.name, rest, kind.name)
    box = next((each.container for each in model.all_schemas if each.container and each.container.name == name), None)
    if box is not None and not overload:
        return _child(context, box, rest)
    if name in model.operations:
        return _operation(context, name, head, rest)
    found_term: Term | None = model.terms.get(name)
    return (found_term, frozenset({"Term"}), None, found_term.type) if found_term and not rest else None


def _split(path: str) -> tuple[str, str, str]:
    close = path.find(")")
    cut = path.find("/", max(close, 0))
    return (path, "", "") if cut < 0 else (path[:cut], "/", path[cut + 1:])


def _member(context: Check, kind: str, rest: str, base: str | None) -> Target | None:
    found: Any = None
    for _, found in context.walk(kind, rest):
        if found is None:
            return (context.stand_in(f"{kind}/{rest}"), frozenset(), None,
                    None) if context.unresolved_lineage(kind) else None
    if isinstance(found, str):
        element = context.model.structured(found)
        return (element, symbols_of(element), found, None) if element is not None else None
    return found, symbols_of(found), base or _structured(found), type_of(found)


def _structured(member: Any) -> str:
    return type_of(member).name


def _child(context: Check, box: EntityContainer, rest: str) -> Target | None:
    if not rest:
        return box, frozenset({"EntityContainer"}), None, None
    name, _, inner = rest.partition("/")
    merged = context.model.container
    owner = merged if merged is not None and merged.name == box.name else box
    source = next((each for each in owner.sources if each.name == name), None)
    if source is not None:
        return _member(context, source.type, inner, None) if inner else (source, symbols_of(source), source.type, None)
    for each in owner.imports:
        if each.name == name:
            if not inner:
                return each, symbols_of(each), None, None
            operation = each.action if isinstance(each, ActionImport) else each.function
            return _operation(context, operation, operation, inner)
    return None


def _operation(context: Check, name: str, head: str, rest: str) -> Target | None:
    for operation in context.model.operations.get(name, ()):
        if "(" in head and not _matches(operation, head):
            continue
        if not rest:
            return operation, symbols_of(operation), None, None
        if rest == "$ReturnType" and operation.returns is not None:
            return operation.returns, frozenset({"ReturnType"}), None, operation.returns.type
        parameter = next((each for each in operation.parameters if each.name == rest), None)
        if parameter is not None:
            return parameter, frozenset({"Parameter"}), None, parameter.type
    return None


def _matches(operation: Action | Function, head: str) -> bool:
    given = [each.strip() for each in head.partition("(")[2].removesuffix(")").split(",") if each.strip()]
    types = [str(each.type) for each in operation.parameters]
    if isinstance(operation, Action):
        return given == (types[:1] if operation.bound else [])
    return given == types

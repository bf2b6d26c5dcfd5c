"""Rules of types: inheritance, keys, enumerations, type definitions (CSDL §6, §9 to §11)."""

from __future__ import annotations

from collections.abc import Iterator

from app.edm import types
from app.edm.check import Check, Hit, hit
from app.edm.findings import declare
from app.edm.model import ComplexType, EntityType, EnumType, NavigationProperty, Property, PropertyRef, TypeDefinition

declare(
    ("type-unknown", "error", "§4.1", "There is no type '{name}'{known}", "Correct the name or declare the type."),
    ("type-scope", "error", "§4", "The type '{name}' is not in scope: no schema '{namespace}' is declared or included",
     "Include the schema, or correct the namespace."),
    ("type-old", "error", "§4.4", "{name} is a type of OData 2 and 3; OData 4 has {other}", "Use the type of OData 4."),
    ("base-kind", "error", "§6.1, §9.1", "{kind} '{name}' cannot derive from {other} '{base}'",
     "Entity types derive from entity types, complex types from complex types."),
    ("base-unknown", "error", "§6.1, §9.1", "The base type '{base}' of '{name}' is not declared",
     "Declare it or correct the name."),
    ("base-cycle", "error", "§6.1, §9.1", "'{name}' derives from itself", "Break the cycle."),
    ("base-abstract", "error", "§6.2", "The abstract type '{name}' derives from '{base}', which is not abstract",
     "Make the base abstract, or the type concrete."),
    ("base-open", "error", "§6.3, §9.3",
     "'{name}' derives from the open type '{base}' and does not say that it is open",
     "Write OpenType=\"true\"."),
    ("base-stream", "error", "§6.4",
     "'{name}' derives from the media entity type '{base}' and does not say that it is one",
     "Write HasStream=\"true\"."),
    ("stream-derived", "warning", "§6.4", "'{name}' becomes a media entity type below '{base}', which is none",
     "Declare HasStream at the root of the hierarchy."),
    ("key-inherited", "error", "§6.5", "'{name}' declares a key and inherits one from '{base}'", "Keep one of them."),
    ("key-missing", "error", "§6.5", "The entity type '{name}' is not abstract and has no key",
     "Declare a key; only OData 4.01 allows none, for singletons and single-valued navigation."),
    ("key-property-unknown", "error", "§6.5", "The key property '{path}' of '{name}' does not exist",
     "Name a property of the type itself, or a path to one."),
    ("key-property-nullable", "error", "§6.5", "The key property '{path}' of '{name}' is nullable",
     "Write Nullable=\"false\"."),
    ("key-property-type", "error", "§6.5", "The key property '{path}' of '{name}' is of type {type}",
     "Keys are of primitive types other than Binary, Double, Single, Stream and Geo types, or of enumeration types."),
    ("key-property-collection", "error", "§6.5", "The key property '{path}' of '{name}' is a collection",
     "Use a single value."),
    ("key-property-twice", "error", "§6.5", "'{path}' occurs twice in the key of '{name}'", "Remove one of them."),
    ("key-path-nullable", "error", "§6.5",
     "The key path '{path}' of '{name}' passes '{step}', which is nullable or a collection",
     "Make it single and not nullable."),
    ("key-path-type", "error", "§6.5", "The key path '{path}' of '{name}' passes '{step}', which has no members",
     "A key path passes complex properties, in OData 4.01 navigation properties too."),
    ("key-alias-missing", "error", "§6.5", "The key path '{path}' of '{name}' needs an alias", "Write Alias=\"…\"."),
    ("key-alias-needless", "error", "§6.5", "The key property '{path}' of '{name}' must not have an alias",
     "Remove the alias."),
    ("key-alias-clash", "error", "§6.5", "The key alias '{alias}' of '{name}' is also the name of a property or alias",
     "Choose another alias."),
    ("key-navigation", "error", "§6.5",
     "The key path '{path}' of '{name}' passes a navigation property, as only OData 4.01 allows",
     "Write Version=\"4.01\" or use an own property."),
    ("key-navigation-part", "error", "§6.5",
     "The key of '{name}' takes '{path}' of a related entity and leaves out '{missing}'",
     "Take all key properties of the related entity."),
    ("enum-empty", "error", "§10", "The enumeration '{name}' has no members", "Declare at least one member."),
    ("enum-underlying", "error", "§10.1", "{type} cannot be the underlying type of the enumeration '{name}'",
     "Edm.Byte, Edm.SByte, Edm.Int16, Edm.Int32 or Edm.Int64."),
    ("enum-member-twice", "error", "§10.3", "The enumeration '{name}' has two members '{member}'",
     "Rename one of them."),
    ("enum-value-range", "error", "§10.3", "The value {value} of '{member}' does not fit into {type}",
     "Change the value or the underlying type."),
    ("enum-values-mixed", "error", "§10.3", "Some members of '{name}' have values and some do not",
     "Give all a value, or none."),
    ("enum-flags-value", "error", "§10.3", "The flag '{member}' of '{name}' has no value",
     "Flags need explicit values."),
    ("enum-flags-negative", "error", "§10.3", "The flag '{member}' of '{name}' is negative",
     "Flags are zero or positive."),
    ("enum-flags-combined", "note", "§10.2", "The flag '{member}' of '{name}' combines bits that no other member names",
     "Declare a member for each bit."),
    ("definition-underlying", "error", "§11.1",
     "The type definition '{name}' stands for {type}, which is not a primitive type",
     "Name a built-in primitive type."),
    ("definition-abstract", "error", "§4.5", "'{name}' stands for Edm.PrimitiveType, as only OData 4.01 allows",
     "Write Version=\"4.01\" or name a concrete type."),
    ("complex-endless", "warning", "§9", "'{name}' contains itself through '{path}', which cannot be null",
     "Make one of the properties nullable."),
)


def check(context: Check) -> Iterator[Hit]:
    """Every hit among the types of the document."""
    for kind in context.structured():
        yield from inheritance(context, kind)
        if isinstance(kind, EntityType):
            yield from key(context, kind)
        else:
            yield from endless(context, kind)
    for schema in context.model.schemas:
        for each in schema.types:
            if isinstance(each, EnumType):
                yield from enumeration(each)
            elif isinstance(each, TypeDefinition):
                yield from definition(context, each)


def inheritance(context: Check, kind: EntityType | ComplexType) -> Iterator[Hit]:
    model, name, base = context.model, kind.name, kind.base
    if base is None:
        return
    found = context.type(base)
    if found is None:
        if base in ("Edm.EntityType", "Edm.ComplexType"):
            yield hit("base-kind", kind, kind=_noun(kind), name=name, other="the abstract type", base=base)
        elif not context.is_open_question(base):
            yield hit("base-unknown", kind, name=name, base=base)
        return
    if type(found) is not type(kind):
        yield hit("base-kind", kind, kind=_noun(kind), name=name, other=type(found).__name__, base=base)
        return
    assert isinstance(found, EntityType | ComplexType)
    if name in model.lineage(base):
        yield hit("base-cycle", kind, name=name)
        return
    if kind.abstract and not found.abstract and isinstance(kind, EntityType):
        yield hit("base-abstract", kind, name=name, base=base)
    if found.open and not kind.open:
        yield hit("base-open", kind, name=name, base=base)
    if isinstance(kind, EntityType) and isinstance(found, EntityType):
        if found.has_stream and not kind.has_stream:
            yield hit("base-stream", kind, name=name, base=base)
        elif kind.has_stream and not found.has_stream:
            yield hit("stream-derived", kind, name=name, base=base)


def _noun(kind: EntityType | ComplexType) -> str:
    return "Entity type" if isinstance(kind, EntityType) else "Complex type"


# --- keys ------------------------------------------------------------------------------------------------

def key(context: Check, kind: EntityType) -> Iterator[Hit]:
    model, name = context.model, kind.name
    if kind.key:
        for base in model.lineage(name)[1:]:
            found = model.entity_type(base)
            if found and found.key:
                yield hit("key-inherited", kind, name=name, base=base)
                break
    elif context.old and not kind.abstract and not model.key(name) and not context.unresolved_lineage(name):
        yield hit("key-missing", kind, name=name)
    seen: set[str] = set()
    names = {*model.properties(name), *model.navigations(name)}
    for ref in kind.key:
        if ref.path in seen:
            yield hit("key-property-twice", ref, path=ref.path, name=name)
        seen.add(ref.path)
        yield from key_alias(ref, name, names)
        yield from key_path(context, kind, ref)


def key_alias(ref: PropertyRef, name: str, names: set[str]) -> Iterator[Hit]:
    if "/" in ref.path:
        if ref.alias is None:
            yield hit("key-alias-missing", ref, path=ref.path, name=name)
        elif ref.alias in names:
            yield hit("key-alias-clash", ref, alias=ref.alias, name=name)
        else:
            names.add(ref.alias)
    elif ref.alias is not None:
        yield hit("key-alias-needless", ref, path=ref.path, name=name)


def key_path(context: Check, kind: EntityType, ref: PropertyRef) -> Iterator[Hit]:
    steps = list(context.walk(kind.name, ref.path))
    name, path = kind.name, ref.path
    for index, (segment, member) in enumerate(steps):
        last = index == len(steps) - 1
        if member is None or isinstance(member, str):
            if not context.unresolved_lineage(name):
                yield hit("key-property-unknown", ref, path=path, name=name)
            return
        if isinstance(member, NavigationProperty):
            yield from key_navigation(context, kind, ref, member, last)
        elif last:
            yield from key_property(context, kind, ref, member)
        elif context.kind(member.type.name) not in ("complex", "unknown"):
            yield hit("key-path-type", ref, path=path, name=name, step=segment)
            return
        elif member.type.collection or member.type.nullable:
            yield hit("key-path-nullable", ref, path=path, name=name, step=segment)
    if len(steps) < len(path.split("/")) and not context.unresolved_lineage(name):
        yield hit("key-property-unknown", ref, path=path, name=name)


def key_property(context: Check, kind: EntityType, ref: PropertyRef, member: Property) -> Iterator[Hit]:
    name, path = kind.name, ref.path
    if member.type.collection:
        yield hit("key-property-collection", ref, path=path, name=name)
    elif member.type.nullable:
        yield hit("key-property-nullable", ref, path=path, name=name)
    found = context.kind(member.type.name)
    primitive = context.primitive(member.type)
    if (primitive and primitive not in types.KEYS) or found in ("complex", "entity", "untyped"):
        yield hit("key-property-type", ref, path=path, name=name, type=member.type)


def key_navigation(context: Check, kind: EntityType, ref: PropertyRef, member: NavigationProperty,
                   last: bool) -> Iterator[Hit]:
    name, path = kind.name, ref.path
    if last:
        yield hit("key-property-type", ref, path=path, name=name, type=member.type)
        return
    if context.old:
        yield hit("key-navigation", ref, path=path, name=name)
    if member.collection or member.nullable:
        yield hit("key-path-nullable", ref, path=path, name=name, step=member.name)
    prefix = path[:path.index(member.name) + len(member.name)]
    taken = {each.path for each in kind.key}
    for part in context.model.key(member.type):
        if f"{prefix}/{part.path}" not in taken:
            yield hit("key-navigation-part", ref, path=path, name=name, missing=f"{prefix}/{part.path}")


# --- other types -----------------------------------------------------------------------------------------

def endless(context: Check, kind: ComplexType) -> Iterator[Hit]:
    """A complex type whose instances would never end."""
    trail: list[tuple[str, str]] = [(kind.name, "")]
    seen: set[str] = set()
    while trail:
        current, path = trail.pop()
        for member in context.model.properties(current).values():
            if member.type.collection or member.type.nullable or context.model.complex_type(member.type.name) is None:
                continue
            here = f"{path}/{member.name}".lstrip("/")
            if member.type.name == kind.name:
                yield hit("complex-endless", kind, name=kind.name, path=here)
                return
            if member.type.name not in seen:
                seen.add(member.type.name)
                trail.append((member.type.name, here))


def enumeration(kind: EnumType) -> Iterator[Hit]:
    name = kind.name
    if not kind.members:
        yield hit("enum-empty", kind, name=name)
    if kind.underlying not in types.INTEGERS:
        yield hit("enum-underlying", kind, type=kind.underlying, name=name)
    low, high = types.INTEGER_RANGES.get(kind.underlying, (-(2**63), 2**63 - 1))
    explicit = {member.explicit for member in kind.members}
    if not kind.flags and len(explicit) > 1:
        yield hit("enum-values-mixed", kind, name=name)
    seen: set[str] = set()
    single = 0
    for member in kind.members:
        if member.value > 0 and member.value & (member.value - 1) == 0:
            single |= member.value
    for member in kind.members:
        if member.name in seen:
            yield hit("enum-member-twice", member, name=name, member=member.name)
        seen.add(member.name)
        if not low <= member.value <= high:
            yield hit("enum-value-range", member, value=member.value, member=member.name, type=kind.underlying)
        if kind.flags and not member.explicit:
            yield hit("enum-flags-value", member, member=member.name, name=name)
        elif kind.flags and member.value < 0:
            yield hit("enum-flags-negative", member, member=member.name, name=name)
        elif kind.flags and member.value & ~single:
            yield hit("enum-flags-combined", member, member=member.name, name=name)


def definition(context: Check, kind: TypeDefinition) -> Iterator[Hit]:
    name = kind.type.name
    if name == "Edm.PrimitiveType" and context.old:
        yield hit("definition-abstract", kind, name=kind.name)
    elif name not in types.PRIMITIVES and name != "Edm.PrimitiveType":
        found = list(context.unknown_type(kind, name))
        yield from found
        if not found:
            yield hit("definition-underlying", kind, name=kind.name, type=name)

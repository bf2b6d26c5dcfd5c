"""Rules of structural properties, facets and default values, wherever a type is referenced (CSDL §7)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Any

from app.edm import types
from app.edm.check import Check, Hit, hit
from app.edm.findings import declare
from app.edm.literals import is_literal
from app.edm.model import ComplexType, EntityType, EnumType, Property, Term, TypeDefinition, TypeRef
from app.errors import closest

declare(
    ("property-twice", "error", "§7, §8", "'{type}' has two members '{name}'", "Rename one of them."),
    ("property-type-name", "error", "§6, §9", "The member '{name}' has the name of its type",
     "Rename the member or the type."),
    ("property-inherited", "error", "§7", "'{name}' of '{type}' is declared in its base type '{base}' already",
     "Remove it; only OData 4.01 lets a derived type narrow a property."),
    ("property-narrowed", "error", "§7",
     "'{name}' of '{type}' has a type that does not derive from the one in '{base}'",
     "Narrow to a derived type, or rename."),
    ("property-kind", "error", "§7, §8",
     "'{name}' of '{type}' is a structural property in one type and a navigation in another",
     "Rename one of them."),
    ("property-entity", "error", "§7.1", "'{name}' is of the entity type '{type}'",
     "Use a navigation property, or a complex type."),
    ("property-path-type", "error", "§4.6", "{type} is for terms and their types only, not for '{name}'",
     "Use another type."),
    ("property-abstract", "error", "§4.5", "'{name}' is a collection of Edm.PrimitiveType", "Name a concrete type."),
    ("term-type", "error", "§14.1", "The type '{type}' of the term '{name}' is not in scope",
     "Include its schema or correct the name."),
    ("property-untyped", "error", "§4.5", "Edm.Untyped is a type of OData 4.01, the document is one of 4.0",
     "Write Version=\"4.01\" or use another type."),
    ("property-open-collection", "error", "§4.5", "A collection of {type} is possible in OData 4.01 only",
     "Write Version=\"4.01\" or use another type."),
    ("property-stream-collection", "error", "§4.4", "'{name}' is a collection of streams",
     "Edm.Stream cannot be an item."),
    ("property-contained-collection", "error", "§8.4",
     "'{name}' is a collection of '{type}', which contains entities: possible in OData 4.01 only",
     "Write Version=\"4.01\"."),
    ("collection-nullable", "warning", "§7.2.1", "'{name}' does not say whether its items may be null",
     "OData 4.01 wants Nullable on collections; this service reads false."),
    ("default-structured", "error", "§7.3", "'{name}' of type {type} cannot have a default value",
     "Only single primitive and enumeration values can."),
    ("default-value", "error", "§7.3", "The default value '{value}' of '{name}' is not a value of {type}: {reason}",
     "Write it as in a URL, without quotes."),
    ("default-enum", "error", "§7.3", "The default value '{value}' of '{name}' names no member of {type}{known}",
     "Correct the name."),
    ("default-length", "error", "§7.3", "The default value of '{name}' is longer than {length}", "Shorten it."),
    ("facet-applies", "error", "§7.2", "{facet} does not apply to {type}", "Remove the facet."),
    ("facet-length", "error", "§7.2.2", "MaxLength is {value}", "A positive number."),
    ("facet-max", "warning", "§7.2.2", "MaxLength=\"max\" is for documents of OData 4.0", "Leave it out."),
    ("facet-precision-decimal", "error", "§7.2.3", "The precision of a decimal is {value}", "A positive number."),
    ("facet-precision-temporal", "error", "§7.2.3", "The precision of {type} is {value}", "A number from 0 to 12."),
    ("facet-scale", "error", "§7.2.4", "The scale {scale} is greater than the precision {precision}",
     "Reduce the scale."),
    ("facet-scale-floating", "error", "§7.2.4", "Scale=\"floating\" is possible in OData 4.01 only", "Use 'variable'."),
    ("facet-unicode", "warning", "§7.2.5", "The Unicode facet of {element} is possible in OData 4.01 only",
     "Leave it out."),
    ("facet-repeated", "error", "§11.1", "{facet} is set by the type definition '{type}' already", "Leave it out."),
)

_LENGTH = frozenset({"Edm.String", "Edm.Binary", "Edm.Stream"})
_FACETS = (("MaxLength", "max_length", _LENGTH), ("Precision", "precision", types.TEMPORAL | {"Edm.Decimal"}),
           ("Scale", "scale", frozenset({"Edm.Decimal"})), ("Unicode", "unicode", frozenset({"Edm.String"})),
           ("SRID", "srid", types.GEO))


def check(context: Check) -> Iterator[Hit]:
    """Every hit among properties and other users of types."""
    for kind in context.structured():
        yield from members(context, kind)
        for member in kind.properties:
            yield from structural(context, member, isinstance(kind, ComplexType) and _in_vocabulary(context))
    for schema in context.model.schemas:
        for operation in schema.operations:
            for parameter in operation.parameters:
                yield from reference(context, parameter, parameter.type, parameter.name)
                yield from unicode(context, parameter, "a parameter")
            if operation.returns is not None:
                yield from reference(context, operation.returns, operation.returns.type, "the return type")
                yield from unicode(context, operation.returns, "a return type")
        for term in schema.terms:
            yield from reference(context, term, term.type, term.name, paths=True)
            yield from default(context, term, term.type, term.default, term.name)
            yield from unicode(context, term, "a term")
            if "nullable" in term.type.spelling and not context.old:
                yield hit("collection-nullable", term, name=term.name)
        for each in schema.types:
            if isinstance(each, TypeDefinition):
                yield from facets(context, each, each.type)


def members(context: Check, kind: EntityType | ComplexType) -> Iterator[Hit]:
    """Names of members: unique, not that of the type, not inherited."""
    model, seen = context.model, set()
    bases = model.lineage(kind.name)[1:]
    for member in kind.members:
        if member.name in seen:
            yield hit("property-twice", member, type=kind.name, name=member.name)
        seen.add(member.name)
        if member.name == kind.name.rpartition(".")[2]:
            yield hit("property-type-name", member, name=member.name)
        base = next((each for each in bases if model.declaring(each, member.name) == each), None)
        if base is not None:
            yield from inherited(context, kind, member, base)


def inherited(context: Check, kind: EntityType | ComplexType, member: Any, base: str) -> Iterator[Hit]:
    other = context.member(base, member.name)
    if other is None or type(other) is not type(member):
        yield hit("property-kind", member, name=member.name, type=kind.name)
        return
    if context.old:
        yield hit("property-inherited", member, name=member.name, type=kind.name, base=base)
        return
    narrow, wide = _ref(member), _ref(other)
    if narrow.collection != wide.collection or not context.model.is_a(narrow.name, wide.name):
        yield hit("property-narrowed", member, name=member.name, type=kind.name, base=base)


def _ref(member: Any) -> TypeRef:
    return member.type if isinstance(member.type, TypeRef) else TypeRef(member.type, member.collection)


def structural(context: Check, member: Property, for_terms: bool) -> Iterator[Hit]:
    """A structural property; `for_terms`: its type may be the type of a term, and so hold paths (§4.6)."""
    ref, name = member.type, member.name
    yield from reference(context, member, ref, name, for_terms)
    kind = context.kind(ref.name)
    if kind == "entity":
        yield hit("property-entity", member, name=name, type=ref.name)
    elif kind == "untyped" and context.old:
        yield hit("property-untyped", member)
    elif ref.collection and ref.name == "Edm.ComplexType" and context.old:
        yield hit("property-open-collection", member, type=ref.name)
    elif ref.collection and context.old and any(link.contains_target
                                                for link in context.model.navigations(ref.name).values()):
        yield hit("property-contained-collection", member, name=name, type=ref.name)
    if "nullable" in ref.spelling and not context.old:
        yield hit("collection-nullable", member, name=name)
    yield from default(context, member, ref, member.default, name)


def reference(context: Check, element: object, ref: TypeRef, name: str, paths: bool = False) -> Iterator[Hit]:
    """A type named by an element, with its facets; `paths`: path types are possible."""
    unknown = list(context.unknown_type(element, ref.name))
    if unknown and isinstance(element, Term):
        yield hit("term-type", element, type=ref.name, name=name)
    else:
        yield from unknown
    if ref.collection and ref.name == "Edm.PrimitiveType":
        yield hit("property-abstract", element, name=name)
    if context.kind(ref.name) == "path" and not paths:
        yield hit("property-path-type", element, type=ref.name, name=name)
    if ref.collection and context.primitive(ref) == "Edm.Stream":
        yield hit("property-stream-collection", element, name=name)
    yield from facets(context, element, ref)


def _in_vocabulary(context: Check) -> bool:
    """Whether the document declares terms: their complex types may use path types."""
    return any(schema.terms for schema in context.model.schemas)


# --- facets ----------------------------------------------------------------------------------------------

def facets(context: Check, element: object, ref: TypeRef) -> Iterator[Hit]:
    if context.kind(ref.name) == "unknown":
        return
    primitive = context.primitive(ref)
    said = "max" in ref.spelling
    defaulted = "scale" in ref.spelling or (ref.name == "Edm.Decimal" and ref.scale == "variable")
    definition = context.model.types.get(ref.name)
    for facet, attribute, fitting in _FACETS:
        value = getattr(ref, attribute)
        if value is None and not (facet == "MaxLength" and said) or (facet == "Scale" and defaulted):
            continue
        if primitive not in fitting:
            yield hit("facet-applies", element, facet=facet, type=ref.name)
        elif isinstance(definition, TypeDefinition) and getattr(definition.type, attribute) is not None and (
                "scale" not in definition.type.spelling or facet != "Scale"):
            yield hit("facet-repeated", element, facet=facet, type=ref.name)
    if said and not context.old:
        yield hit("facet-max", element)
    yield from facet_values(context, element, ref, primitive)


def facet_values(context: Check, element: object, ref: TypeRef, primitive: str) -> Iterator[Hit]:
    if ref.max_length == 0:
        yield hit("facet-length", element, value=0)
    precision, scale = ref.precision, ref.scale
    if primitive == "Edm.Decimal":
        if precision == 0:
            yield hit("facet-precision-decimal", element, value=precision)
        elif isinstance(scale, int) and precision is not None and scale > precision:
            yield hit("facet-scale", element, scale=scale, precision=precision)
        if scale == "floating" and context.old:
            yield hit("facet-scale-floating", element)
    elif primitive in types.TEMPORAL and precision is not None and precision > 12:
        yield hit("facet-precision-temporal", element, type=primitive, value=precision)


def unicode(context: Check, element: Any, noun: str) -> Iterator[Hit]:
    if context.old and element.type.unicode is not None and context.primitive(element.type) == "Edm.String":
        yield hit("facet-unicode", element, element=noun)


# --- default values --------------------------------------------------------------------------------------

def default(context: Check, element: object, ref: TypeRef, text: str | None, name: str) -> Iterator[Hit]:
    if text is None:
        return
    kind = context.kind(ref.name)
    if ref.collection or kind in ("complex", "entity", "path"):
        yield hit("default-structured", element, name=name, type=ref)
        return
    enum = context.type(ref.name) if kind == "enum" else None
    if isinstance(enum, EnumType):
        values = {member.name: member.value for member in enum.members}
        names = {*values, *map(str, values.values())}
        bits = reduce(or_, values.values(), 0)
        parts = [part.strip() for part in text.split(",")]
        combined = enum.flags and all(part in names or part.isdecimal() and not int(part[:20]) & ~bits for part in parts)
        if not combined and (any(part not in names for part in parts) or len(parts) > 1):
            known = closest(parts[0], names)
            yield hit("default-enum", element, value=text, name=name, type=ref.name,
                      known=f", perhaps '{known}'" if known else "")
        return
    found = context.type(ref.name)
    primitive = found.type.name if isinstance(found, TypeDefinition) else ref.name
    if primitive not in types.PRIMITIVES or primitive == "Edm.Stream" or primitive in types.GEO:
        return
    try:
        types.parse(primitive, text)
    except ValueError as error:
        far = not re.match(r"(?!0000)\d{4}-", text)
        if is_literal(primitive[4:], text) and (primitive == "Edm.Duration" or far and "Date" in primitive):
            return    # valid, and more than this service keeps
        yield hit("default-value", element, value=text, name=name, type=primitive, reason=error)
        return
    length = context.model.underlying(ref).max_length
    if primitive == "Edm.String" and isinstance(length, int) and len(text) > length:
        yield hit("default-length", element, name=name, length=length)

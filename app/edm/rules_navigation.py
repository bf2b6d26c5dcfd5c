"""Rules of navigation properties: partners, containment, constraints, deletion (CSDL §8)."""

from __future__ import annotations

from collections.abc import Iterator

from app.edm.check import Check, Hit, hit
from app.edm.findings import declare
from app.edm.model import ComplexType, EntityType, NavigationProperty, Property, ReferentialConstraint

declare(
    ("navigation-type", "error", "§8.1", "'{name}' leads to '{type}', which is not an entity type",
     "Navigation properties lead to entity types."),
    ("navigation-nullable", "error", "§8.2", "The collection '{name}' says Nullable",
     "Remove it: a collection may be empty."),
    ("partner-complex", "error", "§8.3", "'{name}' belongs to a complex type and names a partner",
     "Only navigation properties of entity types have one."),
    ("partner-unknown", "error", "§8.3", "'{type}' has no navigation property '{partner}', the partner of '{name}'",
     "Correct the path."),
    ("partner-path", "error", "§8.3", "The partner path '{partner}' of '{name}' passes a navigation property",
     "It may pass complex properties and casts only."),
    ("partner-type", "error", "§8.3", "The partner '{partner}' of '{name}' leads to '{type}', not back to '{owner}'",
     "Partners lead to each other's types."),
    ("partner-mutual", "error", "§8.3", "'{partner}' is the partner of '{name}', and says that its own is '{other}'",
     "Let both name each other."),
    ("partner-one-sided", "warning", "§8.3", "'{name}' names the partner '{partner}', which does not name it back",
     "Let both name each other."),
    ("containment-key", "error", "§8.4", "The contained collection '{name}' is of '{type}', which has no key",
     "Declare a key."),
    ("containment-partner-collection", "error", "§8.4",
     "The partner '{partner}' of the recursive containment '{name}' is a collection",
     "An entity has one parent."),
    ("containment-partner-required", "error", "§8.4",
     "The partner '{partner}' of the recursive containment '{name}' is not nullable", "The root has no parent."),
    ("containment-partner-nullable", "error", "§8.4", "The partner '{partner}' of the containment '{name}' is nullable",
     "A contained entity has its container."),
    ("containment-parents", "error", "§8.4", "'{type}' has more than one navigation property to a container: {names}",
     "Keep one."),
    ("constraint-collection", "error", "§8.5", "The collection '{name}' has a referential constraint",
     "Only single-valued navigation properties have one."),
    ("constraint-dependent", "error", "§8.5", "'{type}' has no property '{path}'",
     "Property names one of the type that declares the navigation."),
    ("constraint-principal", "error", "§8.5", "'{type}' has no property '{path}'",
     "ReferencedProperty names one of the target type."),
    ("constraint-type", "error", "§8.5", "'{path}' is of type {type}, '{other}' of type {referenced}",
     "Both have the same type."),
    ("constraint-required", "warning", "§8.5", "'{path}' must be nullable: the navigation or what it refers to is",
     "Write Nullable=\"true\"."),
    ("constraint-optional", "warning", "§8.5",
     "'{path}' must not be nullable: neither the navigation nor what it refers to is",
     "Write Nullable=\"false\"."),
    ("constraint-twice", "error", "§8.5", "'{path}' is constrained twice", "Remove one of them."),
    ("constraint-new", "error", "§8.5", "'{path}' is of a complex type, as only OData 4.01 allows",
     "Write Version=\"4.01\"."),
    ("delete-action", "error", "§8.6", "There is no action '{action}'", "Cascade, None, SetNull or SetDefault."),
    ("delete-null", "warning", "§8.6", "SetNull cannot work: '{path}' of '{type}' is not nullable",
     "Choose another action."),
    ("delete-default", "warning", "§8.6", "SetDefault cannot work: '{path}' of '{type}' has no default value",
     "Choose another action."),
    ("delete-dependent", "warning", "§8.6",
     "OnDelete of '{name}' is about the related entity, and the constraint says that this one depends on that",
     "It is often meant for the navigation property in the other direction."),
)

ACTIONS = ("Cascade", "None", "SetNull", "SetDefault")


def check(context: Check) -> Iterator[Hit]:
    """Every hit among navigation properties."""
    for kind in context.structured():
        for member in kind.navigation:
            yield from navigation(context, kind, member)
            if member.partner is not None:
                yield from partner(context, kind, member)
            for constraint in member.constraints:
                yield from constrained(context, kind, member, constraint)
            yield from deletion(context, kind, member)
        if isinstance(kind, EntityType):
            yield from containers(context, kind)


def navigation(context: Check, kind: EntityType | ComplexType, member: NavigationProperty) -> Iterator[Hit]:
    unknown = list(context.unknown_type(member, member.type))
    yield from unknown
    if not unknown and context.kind(member.type) not in ("entity", "unknown"):
        yield hit("navigation-type", member, name=member.name, type=member.type)
    if member.collection and member.nullable is not None:
        yield hit("navigation-nullable", member, name=member.name)
    if member.contains_target and member.collection and member.type in context.model.types:
        if not context.model.key(member.type) and not context.unresolved_lineage(member.type):
            yield hit("containment-key", member, name=member.name, type=member.type)
    seen: set[str] = set()
    for constraint in member.constraints:
        if constraint.property in seen:
            yield hit("constraint-twice", constraint, path=constraint.property)
        seen.add(constraint.property)
    if member.constraints and member.collection:
        yield hit("constraint-collection", member, name=member.name)


# --- partners --------------------------------------------------------------------------------------------

def partner(context: Check, kind: EntityType | ComplexType, member: NavigationProperty) -> Iterator[Hit]:
    assert member.partner is not None
    if isinstance(kind, ComplexType):
        yield hit("partner-complex", member, name=member.name)
        return
    if context.model.entity_type(member.type) is None or context.unresolved_lineage(member.type):
        return
    steps = list(context.walk(member.type, member.partner))
    if any(isinstance(found, NavigationProperty) for _, found in steps[:-1]):
        yield hit("partner-path", member, name=member.name, partner=member.partner)
        return
    other = steps[-1][1]
    if not isinstance(other, NavigationProperty):
        yield hit("partner-unknown", member, type=member.type, partner=member.partner, name=member.name)
        return
    model = context.model
    if not (model.is_a(kind.name, other.type) or model.is_a(other.type, kind.name)):
        yield hit("partner-type", member, name=member.name, partner=member.partner, type=other.type, owner=kind.name)
    elif other.partner is not None and other.partner.rpartition("/")[2] != member.name:
        yield hit("partner-mutual", member, name=member.name, partner=member.partner, other=other.partner)
    elif other.partner is None and "/" not in member.partner and kind.name == other.type:
        yield hit("partner-one-sided", member, name=member.name, partner=member.partner)
    if member.contains_target:
        yield from container(context, kind, member, other)


def container(context: Check, kind: EntityType, member: NavigationProperty, other: NavigationProperty) -> Iterator[Hit]:
    model = context.model
    recursive = bool(set(model.lineage(kind.name)) & set(model.lineage(member.type)))
    if not recursive:
        if other.nullable and not other.collection:
            yield hit("containment-partner-nullable", member, name=member.name, partner=member.partner)
        return
    if other.collection:
        yield hit("containment-partner-collection", member, name=member.name, partner=member.partner)
    elif not other.nullable:
        yield hit("containment-partner-required", member, name=member.name, partner=member.partner)


def containers(context: Check, kind: EntityType) -> Iterator[Hit]:
    """Not more than one navigation property of a lineage may lead to a container."""
    found = []
    for name, member in context.model.navigations(kind.name).items():
        if member.partner is None or context.model.entity_type(member.type) is None:
            continue
        steps = list(context.walk(member.type, member.partner))
        if isinstance(steps[-1][1], NavigationProperty) and steps[-1][1].contains_target:
            found.append(name)
    if len(found) > 1 and any(member.name in found for member in kind.navigation):
        yield hit("containment-parents", kind, type=kind.name, names=", ".join(found))


# --- constraints and deletion ----------------------------------------------------------------------------

def constrained(context: Check, kind: EntityType | ComplexType, member: NavigationProperty,
                constraint: ReferentialConstraint) -> Iterator[Hit]:
    model = context.model
    dependent = _end(context, kind.name, constraint.property)
    if dependent is None and not context.unresolved_lineage(kind.name):
        yield hit("constraint-dependent", constraint, type=kind.name, path=constraint.property)
    principal = None
    if model.entity_type(member.type) is not None and not context.unresolved_lineage(member.type):
        principal = _end(context, member.type, constraint.referenced)
        if principal is None:
            yield hit("constraint-principal", constraint, type=member.type, path=constraint.referenced)
    if isinstance(dependent, Property) and context.kind(dependent.type.name) == "complex" and context.old:
        yield hit("constraint-new", constraint, path=constraint.property)
    if not isinstance(dependent, Property) or not isinstance(principal, Property):
        return
    one, other = dependent.type, principal.type
    complexes = context.kind(one.name) == context.kind(other.name) == "complex"
    same = model.underlying(one).name == model.underlying(other).name and one.collection == other.collection
    if not same and not complexes:
        yield hit("constraint-type", constraint, path=constraint.property, type=one, other=constraint.referenced,
                  referenced=other)
    loose = bool(member.nullable) or bool(other.nullable)
    if loose and not one.nullable:
        yield hit("constraint-required", constraint, path=constraint.property)
    elif not loose and one.nullable:
        yield hit("constraint-optional", constraint, path=constraint.property)


def _end(context: Check, kind: str, path: str) -> Property | NavigationProperty | None:
    found = list(context.walk(kind, path))[-1][1]
    return found if isinstance(found, Property | NavigationProperty) else None


def deletion(context: Check, kind: EntityType | ComplexType, member: NavigationProperty) -> Iterator[Hit]:
    action = member.on_delete
    if action is None:
        return
    if action not in ACTIONS:
        yield hit("delete-action", member, action=action)
        return
    if member.constraints:
        yield hit("delete-dependent", member, name=member.name)
    back = context.model.navigations(member.type).get(member.partner or "")
    for constraint in back.constraints if back is not None else ():
        dependent = _end(context, member.type, constraint.property)
        if isinstance(dependent, Property):
            if action == "SetNull" and not dependent.type.nullable:
                yield hit("delete-null", member, path=constraint.property, type=member.type)
            elif action == "SetDefault" and dependent.default is None:
                yield hit("delete-default", member, path=constraint.property, type=member.type)

"""View: an ordinary model without what a policy hides, so that binding, metadata and hints cannot reach it (DESIGN §9).

In: a model, its mapping, what is hidden. Out: `Model`. What cannot be without a hidden element goes as well: derived types,
sets of a hidden type, navigation to a hidden set, operations whose signature names a hidden type, imports, bindings,
constraints, and every item of an annotation that names a hidden member. Keys cannot be hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from app.edm import Model, aggregation, vocabularies
from app.edm import model as edm
from app.edm.expressions import Collection, Constant, PathExpression, PropertyValue, Record
from app.edm.places import CAPABILITIES
from app.errors import ConfigurationError
from app.store.mapping import Mapping as Tables

# What a set does not let anybody do is said by these terms.
DENIALS = {"read": ("ReadRestrictions", "Readable"), "insert": ("InsertRestrictions", "Insertable"),
           "update": ("UpdateRestrictions", "Updatable"), "delete": ("DeleteRestrictions", "Deletable"),
           "search": ("SearchRestrictions", "Searchable")}
CUSTOM_AGGREGATE = aggregation.VOCABULARY + "CustomAggregate"
Annotated = TypeVar("Annotated", edm.EntitySet, edm.Singleton)
Kind = TypeVar("Kind", edm.EntityType, edm.ComplexType)


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a policy hides: names of sets and singletons, qualified names of types and operations, and per type the names of
    properties and navigation properties."""

    sets: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    operations: frozenset[str] = frozenset()
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.sets or self.types or self.operations or self.members)

    def merged(self, other: Hidden) -> Hidden:
        """What either hides."""
        members = {name: self.members.get(name, frozenset()) | other.members.get(name, frozenset())
                   for name in {*self.members, *other.members}}
        return Hidden(self.sets | other.sets, self.types | other.types, self.operations | other.operations, members)


def closed(model: Model, tables: Tables, hidden: Hidden) -> Hidden:
    """`hidden` with everything that cannot be without it, every member under the type that declares it.

    Raises ConfigurationError for a key, and for members of open types, where any name may be asked for.
    """
    types = {each for name in hidden.types for each in (model.full(name), *model.derived(name))}
    sets = set(hidden.sets) | {each.name for each in _sources(model) if each.type in types}
    members: dict[str, set[str]] = {}
    for name, wanted in hidden.members.items():
        for member in wanted:
            declaring = model.declaring(name, member) or model.full(name)
            _check(model, declaring, member)
            members.setdefault(declaring, set()).add(member)
    leads: set[tuple[str, str]] = set()
    for id in tables.sources() if sets else ():
        for owner, navigation in tables.navigations(id):
            if tables.target(id, owner, navigation.name) in sets:
                leads.add((owner, navigation.name))
        inner = {link.path.rpartition("/")[2] for link in tables.document_links(id) if link.target in sets}
        leads |= {(name, each.name) for name, kind in model.types.items() if isinstance(kind, edm.ComplexType)
                  for each in kind.navigation if each.name in inner}
    for name, kind in model.types.items():
        if isinstance(kind, edm.EntityType | edm.ComplexType):
            gone = {each.name for each in kind.properties if each.type.name in types}
            gone |= {each.name for each in kind.navigation if each.type in types or (name, each.name) in leads}
            if gone:
                members.setdefault(name, set()).update(gone)
    operations = {model.full(name) for name in hidden.operations}
    for name, overloads in model.operations.items():
        if all(_signature(each) & types for each in overloads):
            operations.add(name)
    return Hidden(frozenset(sets), frozenset(types), frozenset(operations),
                  {name: frozenset(found) for name, found in members.items()})


def _sources(model: Model) -> Iterable[edm.EntitySet | edm.Singleton]:
    return (*model.sets.values(), *model.singletons.values())


def _check(model: Model, declaring: str, member: str) -> None:
    for each in (declaring, *model.derived(declaring)):
        if member in {part.path.partition("/")[0] for part in model.key(each)}:
            raise ConfigurationError(f"'{member}' is part of the key of {each} and cannot be hidden")
        if model.is_open(each):
            raise ConfigurationError(f"'{member}' of {each} cannot be hidden: the type is open, any name may be asked for")


def _signature(operation: edm.Action | edm.Function) -> set[str]:
    found = {each.type.name for each in operation.parameters}
    return found | {operation.returns.type.name} if operation.returns is not None else found


def view(model: Model, hidden: Hidden, denied: Mapping[str, frozenset[str]] | None = None) -> Model:
    """The model without what is hidden (as `closed` gives it); `denied`: per set the rights that its restrictions are to
    refuse, of read, insert, update, delete, search."""
    if not hidden and not denied:
        return model
    trim = _Trim(model, hidden, denied or {})
    narrowed = {each for name in hidden.members for each in (name, *model.derived(name))}
    return Model(tuple(map(trim.schema, model.schemas)), model.references, model.version,
                 tuple(map(trim.schema, model.included)), model.source, model.narrowed | narrowed)


class _Trim:
    """Rebuilds schemas without the hidden elements."""

    def __init__(self, model: Model, hidden: Hidden, denied: Mapping[str, frozenset[str]]) -> None:
        self.model, self.hidden, self.denied = model, hidden, denied
        self.names = {name for members in hidden.members.values() for name in members}
        self.words = {*self.names, *(each.rpartition(".")[2] for each in hidden.types)}

    def schema(self, schema: edm.Schema) -> edm.Schema:
        hidden = self.hidden
        return replace(
            schema, types=tuple(self.type(each) for each in schema.types if each.name not in hidden.types),
            actions=tuple(each for each in schema.actions if self.kept(each)),
            functions=tuple(each for each in schema.functions if self.kept(each)),
            container=None if schema.container is None else self.container(schema.container),
            external=tuple(replace(each, annotations=self.annotations(each.annotations))
                           for each in schema.external if not self.target_hidden(each.target)))

    def kept(self, operation: edm.Action | edm.Function) -> bool:
        return operation.name not in self.hidden.operations and not _signature(operation) & self.hidden.types

    def target_hidden(self, target: str) -> bool:
        head, *rest = self.model.full_target(target).split("/")
        return (head in self.hidden.types or head.partition("(")[0] in self.hidden.operations
                or bool(rest) and (rest[0] in self.hidden.sets
                                   or rest[0] in self.hidden.members.get(head, ()) or rest[-1] in self.names))

    # --- types -------------------------------------------------------------------------------------------

    def type(self, kind: edm.SchemaType) -> edm.SchemaType:
        match kind:
            case edm.EntityType():
                return self.structured(kind)
            case edm.ComplexType():
                return self.structured(kind)
        return kind

    def structured(self, kind: Kind) -> Kind:
        gone = self.hidden.members.get(kind.name, frozenset())
        return replace(kind, annotations=self.annotations(kind.annotations),
                       properties=tuple(replace(each, annotations=self.annotations(each.annotations))
                                        for each in kind.properties if each.name not in gone),
                       navigation=tuple(self.navigation(kind.name, each) for each in kind.navigation if each.name not in gone))

    def navigation(self, owner: str, navigation: edm.NavigationProperty) -> edm.NavigationProperty:
        """The property without a hidden partner, and without constraints over hidden properties."""
        partner = navigation.partner
        if partner is not None and self.gone(navigation.type, partner):
            partner = None
        constraints = tuple(each for each in navigation.constraints
                            if not self.gone(owner, each.property) and not self.gone(navigation.type, each.referenced))
        return replace(navigation, partner=partner, constraints=constraints,
                       annotations=self.annotations(navigation.annotations))

    def gone(self, type: str, path: str) -> bool:
        """Whether the first step of a path is a hidden member of a type."""
        first = path.partition("/")[0]
        return any(first in self.hidden.members.get(each, ()) for each in self.model.lineage(type))

    # --- container ---------------------------------------------------------------------------------------

    def container(self, container: edm.EntityContainer) -> edm.EntityContainer:
        hidden = self.hidden
        return replace(
            container, annotations=self.annotations(container.annotations),
            sets=tuple(self.source(each) for each in container.sets if each.name not in hidden.sets),
            singletons=tuple(self.source(each) for each in container.singletons if each.name not in hidden.sets),
            action_imports=tuple(each for each in container.action_imports if self.imported(each.action, each.entity_set)),
            function_imports=tuple(each for each in container.function_imports
                                   if self.imported(each.function, each.entity_set)))

    def imported(self, operation: str, entity_set: str | None) -> bool:
        name = self.model.full(operation)
        return (name not in self.hidden.operations and (entity_set or "").split("/")[-1] not in self.hidden.sets
                and any(map(self.kept, self.model.overloads(name))))

    def source(self, source: Annotated) -> Annotated:
        bindings = tuple(each for each in source.bindings
                         if not set(each.target.split("/")) & self.hidden.sets and not self.led(source.type, each.path))
        annotations = self.annotations(source.annotations)
        for right in sorted(self.denied.get(source.name, ())):
            annotations = denied(self.model, annotations, *DENIALS[right])
        return replace(source, bindings=bindings, annotations=annotations)

    def led(self, type: str, path: str) -> bool:
        """Whether a path from a type runs through a hidden member or type."""
        for step in path.split("/"):
            if "." in step:
                type = self.model.full(step)
                if type in self.hidden.types:
                    return True
                continue
            if self.gone(type, step):
                return True
            navigation, member = self.model.navigations(type).get(step), self.model.properties(type).get(step)
            if navigation is None and member is None:
                return step in self.names
            type = navigation.type if navigation is not None else member.type.name if member is not None else ""
        return False

    # --- annotations -------------------------------------------------------------------------------------

    def annotations(self, annotations: tuple[edm.Annotation, ...]) -> tuple[edm.Annotation, ...]:
        """Annotations without the items that name a hidden member, and without the aggregates that are made of one."""
        if not self.words:
            return annotations
        found = []
        for each in annotations:
            if self.model.full(each.term) == CUSTOM_AGGREGATE and self.aggregates(each):
                continue
            value = each.value if each.value is None else self.expression(each.value)
            if value is not None or each.value is None:
                found.append(replace(each, value=value))
        return tuple(found)

    def aggregates(self, custom: edm.Annotation) -> bool:
        """Whether a custom aggregate is that of a hidden property, or its sequence of transformations names something hidden."""
        made = (each.value.text for each in custom.annotations if isinstance(each.value, Constant))
        return custom.qualifier in self.names or any(self.words & set(re.findall(r"\w+", text)) for text in made)

    def expression(self, value: Any) -> Any:
        """An expression without what names a hidden member: the item of a collection, the member of a record, else all of
        it (None)."""
        match value:
            case Collection(items):
                return Collection(tuple(each for each in items if not self.mentions(each)))
            case Record(properties):
                kept = [(each, None if each.value is None else self.expression(each.value)) for each in properties]
                return replace(value, properties=tuple(replace(each, value=inner) for each, inner in kept
                                                       if inner is not None or each.value is None))
            case _:
                return None if self.mentions(value) else value

    def mentions(self, value: Any) -> bool:
        if isinstance(value, PathExpression):
            return bool(self.names & set(value.path.split("/")))
        if isinstance(value, tuple):
            return any(map(self.mentions, value))
        return is_dataclass(value) and any(self.mentions(getattr(value, each.name)) for each in fields(value))


def reading(model: Model) -> Model:
    """The model without the members that are not read (Core.Permissions): no answer, and no expression, has them."""
    members = {}
    for name, kind in model.types.items():
        if isinstance(kind, edm.EntityType | edm.ComplexType):
            found = frozenset(each.name for each in kind.members if vocabularies.unreadable(model, name, each))
            if found:
                members[name] = found
    return view(model, Hidden(members=members))


def denied(model: Model, annotations: tuple[edm.Annotation, ...], term: str, member: str) -> tuple[edm.Annotation, ...]:
    """The annotations with one more restriction: `term` with `member` false."""
    name = CAPABILITIES + term
    found = next((each for each in annotations if model.full(each.term) == name and each.qualifier is None), None)
    rest = tuple(each for each in annotations if each is not found)
    record = found.value if found is not None and isinstance(found.value, Record) else Record()
    kept = tuple(each for each in record.properties if each.name != member)
    value = replace(record, properties=(*kept, PropertyValue(member, Constant("Bool", "false"))))
    return (*rest, edm.Annotation(name, None, value) if found is None else replace(found, value=value))

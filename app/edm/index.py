"""`Model`: the elements of a document under their names, and the questions one asks of them.

A Model is a value: equal when its documents are equal. Its look-up tables are made on first use and are
not part of comparison. Names given to its methods may use an alias of the document; names that come out
are full. The methods return None where nothing has that name; they never guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from app.edm import types
from app.edm.model import (Action, ActionImport, Annotation, ComplexType, EntityContainer, EntitySet, EntityType,
                           EnumType,
                           Function, FunctionImport, NavigationProperty, Property, PropertyRef, Reference, Schema,
                           SchemaType, Singleton, StructuredType, Term, TypeDefinition, TypeRef)

Operation: TypeAlias = Action | Function
Import: TypeAlias = ActionImport | FunctionImport

KINDS: Mapping[type, str] = {EntityType: "entity", ComplexType: "complex", EnumType: "enum", TypeDefinition: "definition"}


@dataclass(frozen=True)
class Model:
    """A whole Entity Data Model: `schemas` of the document itself, `included` those that its references brought in.
    `narrowed`: the types of which this view of a model leaves properties out."""

    schemas: tuple[Schema, ...] = ()
    references: tuple[Reference, ...] = ()
    version: str = "4.0"
    included: tuple[Schema, ...] = ()
    source: str | None = field(default=None, compare=False)
    narrowed: frozenset[str] = field(default=frozenset(), compare=False)

    def prepare(self) -> None:
        """Make the look-up tables of the whole model, which else the first question makes."""
        for name, each in vars(Model).items():
            if isinstance(each, cached_property):
                getattr(self, name)

    # --- names -------------------------------------------------------------------------------------------

    @cached_property
    def all_schemas(self) -> tuple[Schema, ...]:
        """The schemas of the document, then those of the documents that it includes."""
        return self.schemas + self.included

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Alias → namespace, from the schemas and includes of this document (an included one has its own)."""
        found = {schema.alias: schema.namespace for schema in self.schemas if schema.alias}
        for reference in self.references:
            for include in reference.includes:
                if include.alias:
                    found.setdefault(include.alias, include.namespace)
        return found

    @cached_property
    def namespaces(self) -> frozenset[str]:
        """The namespaces of all schemas."""
        return frozenset(schema.namespace for schema in self.all_schemas)

    def full(self, name: str) -> str:
        """A qualified name with its namespace in place of an alias."""
        head, dot, last = name.rpartition(".")
        return f"{self.aliases[head]}.{last}" if dot and head in self.aliases else name

    # --- types -------------------------------------------------------------------------------------------

    @cached_property
    def types(self) -> dict[str, SchemaType]:
        """Qualified name → type, in document order."""
        return {kind.name: kind for schema in self.all_schemas for kind in schema.types}

    def type(self, name: str) -> SchemaType | None:
        """The type of a name, qualified by namespace or alias; None where there is none."""
        return self.types.get(name) or self.types.get(self.full(name))

    def entity_type(self, name: str) -> EntityType | None:
        """The entity type of a qualified name; None where there is none."""
        found = self.type(name)
        return found if isinstance(found, EntityType) else None

    def complex_type(self, name: str) -> ComplexType | None:
        """The complex type of a qualified name; None where there is none."""
        found = self.type(name)
        return found if isinstance(found, ComplexType) else None

    def enum_type(self, name: str) -> EnumType | None:
        """The enumeration of a qualified name; None where there is none."""
        found = self.type(name)
        return found if isinstance(found, EnumType) else None

    def structured(self, name: str) -> StructuredType | None:
        """The entity or complex type of a qualified name; None where there is none."""
        found = self.type(name)
        return found if isinstance(found, EntityType | ComplexType) else None

    def kind(self, name: str) -> str:
        """'primitive', 'enum', 'definition', 'complex', 'entity', 'untyped' or 'unknown' (abstract Edm types count by
        what they stand for)."""
        if name in types.PRIMITIVES or name == "Edm.PrimitiveType":
            return "primitive"
        if name in ("Edm.ComplexType", "Edm.EntityType", "Edm.Untyped"):
            return name[4:].removesuffix("Type").lower()
        return KINDS.get(self.type(name).__class__, "unknown")

    def underlying(self, ref: TypeRef) -> TypeRef:
        """The type reference behind a type definition, facets merged (CSDL §11); others as they are."""
        definition = self.types.get(ref.name)
        if not isinstance(definition, TypeDefinition):
            return ref
        base = definition.type
        return TypeRef(base.name, ref.collection, ref.nullable,
                       base.max_length if ref.max_length is None else ref.max_length,
                       base.precision if ref.precision is None else ref.precision,
                       base.scale if ref.scale is None else ref.scale,
                       base.unicode if ref.unicode is None else ref.unicode,
                       base.srid if ref.srid is None else ref.srid)

    # --- inheritance -------------------------------------------------------------------------------------

    @cached_property
    def _lineages(self) -> dict[str, tuple[str, ...]]:
        return {}

    def lineage(self, name: str) -> tuple[str, ...]:
        """The type and its bases, nearest first; ends at a base that is missing or repeats."""
        known = self._lineages.get(name)
        if known is None:
            known = self._lineages[name] = self._line(self.full(name))
        return known

    def _line(self, name: str) -> tuple[str, ...]:
        chain: list[str] = []
        current: str | None = name
        while current and current not in chain:
            found = self.structured(current)
            if found is None:
                break
            chain.append(found.name)
            current = found.base
        return tuple(chain)

    def is_a(self, name: str, base: str) -> bool:
        """Whether `name` is `base` or derives from it (primitive types: equal names; Edm abstract types included)."""
        if name == base or base == "Edm.Untyped":
            return True
        if base in ("Edm.PrimitiveType", "Edm.ComplexType", "Edm.EntityType"):
            kind = self.kind(name)
            return kind == base[4:].removesuffix("Type").lower() or (base == "Edm.PrimitiveType"
                                                                     and kind in ("enum", "definition"))
        return self.full(base) in self.lineage(name)

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = {}
        for kind in self.types.values():
            if isinstance(kind, EntityType | ComplexType) and kind.base:
                children.setdefault(kind.base, []).append(kind.name)
        return children

    @cached_property
    def _families(self) -> dict[str, tuple[str, ...]]:
        return {}

    def derived(self, name: str) -> tuple[str, ...]:
        """Every type below `name`, nearest first, in document order; without `name` itself."""
        known = self._families.get(name)
        if known is None:
            known = self._families[name] = self._below(name)
        return known

    def _below(self, name: str) -> tuple[str, ...]:
        found: list[str] = []
        queue = list(self._children.get(self.full(name), ()))
        while queue:
            current = queue.pop(0)
            if current not in found:
                found.append(current)
                queue.extend(self._children.get(current, ()))
        return tuple(found)

    def concrete(self, name: str) -> tuple[str, ...]:
        """The type and its derived types that are not abstract."""
        family = (self.full(name), *self.derived(name))
        return tuple(each for each in family if (found := self.structured(each)) is not None and not found.abstract)

    # --- members -----------------------------------------------------------------------------------------

    @cached_property
    def _properties(self) -> dict[str, dict[str, Property]]:
        return {}

    def properties(self, name: str) -> dict[str, Property]:
        """Structural properties by name, inherited first. Do not change the answer."""
        known = self._properties.get(name)
        if known is None:
            known = self._properties[name] = self._merged(name, self.properties, "properties")
        return known

    @cached_property
    def _navigations(self) -> dict[str, dict[str, NavigationProperty]]:
        return {}

    def navigations(self, name: str) -> dict[str, NavigationProperty]:
        """Navigation properties by name, inherited first. Do not change the answer."""
        known = self._navigations.get(name)
        if known is None:
            known = self._navigations[name] = self._merged(name, self.navigations, "navigation")
        return known

    def _merged(self, name: str, of_base: Callable[[str], dict[str, Any]], members: str) -> dict[str, Any]:
        """The members of a type by name, those of its base first."""
        line = self.lineage(name)
        merged: dict[str, Any] = {}
        if len(line) > 1 and len(self.lineage(line[1])) < len(line):        # else bases in a circle
            merged, line = dict(of_base(line[1])), line[:1]
        for each in reversed(line):
            merged.update((member.name, member) for member in getattr(self.structured(each), members))
        return merged

    @cached_property
    def _declaring(self) -> dict[str, dict[str, str]]:
        return {}

    def declaring(self, name: str, member: str) -> str | None:
        """The type of the lineage of `name` that declares the property or navigation property `member`."""
        found = self._declaring.get(name)
        if found is None:
            found = self._declaring[name] = {own.name: each for each in reversed(self.lineage(name))
                                             if (kind := self.structured(each)) is not None for own in kind.members}
        return found.get(member)

    @cached_property
    def _contents(self) -> dict[str, frozenset[str]]:
        return {}

    def contents(self, name: str) -> frozenset[str]:
        """The types of all that a value of a primitive or complex type can be or hold, `name` among them."""
        known = self._contents.get(name)
        if known is None:
            found, queue = {name}, [name]
            for current in queue:
                if self.kind(current) == "complex":
                    below = self.derived(current)
                    members = [*self.properties(current).values(),
                               *(member for each in below for member in self.types[each].properties)]  # type: ignore[union-attr]
                    new = {*below, *(self.underlying(member.type).name for member in members)} - found
                    found |= new
                    queue += new
            known = self._contents[name] = frozenset(found)
        return known

    def is_open(self, name: str) -> bool:
        """Whether the type or one of its bases is open."""
        return any(found.open for each in self.lineage(name) if (found := self.structured(each)))

    def has_stream(self, name: str) -> bool:
        """Whether the entity type or one of its bases is a media entity type."""
        return any(found.has_stream for each in self.lineage(name) if (found := self.entity_type(each)))

    def key(self, name: str) -> tuple[PropertyRef, ...]:
        """The key of an entity type, its own or inherited; () where none is declared."""
        for each in self.lineage(name):
            found = self.entity_type(each)
            if found and found.key:
                return found.key
        return ()

    def property_at(self, name: str, path: str) -> Property | None:
        """The property at a path of property names and cast segments, starting at the type `name`."""
        current, found = self.full(name), None
        for step in path.split("/"):
            if "." in step:
                current, found = self.full(step), None
                continue
            found = self.properties(current).get(step)
            if found is None:
                return None
            current = found.type.name
        return found

    # --- container ---------------------------------------------------------------------------------------

    @cached_property
    def container(self) -> EntityContainer | None:
        """The container of the document, with what it extends merged in (CSDL §13.1)."""
        own = next((schema.container for schema in self.schemas if schema.container), None)
        if own is None or own.extends is None:
            return own
        known = {each.container.name: each.container for each in self.all_schemas if each.container}
        merged, seen = own, {own.name}
        base: str | None = own.extends
        while base and self.full(base) in known and self.full(base) not in seen:
            seen.add(self.full(base))
            parent = known[self.full(base)]
            merged = EntityContainer(own.name, own.extends, parent.sets + merged.sets,
                                     parent.singletons + merged.singletons,
                                     parent.action_imports + merged.action_imports,
                                     parent.function_imports + merged.function_imports, own.annotations, own.line)
            base = parent.extends
        return merged

    @cached_property
    def sets(self) -> dict[str, EntitySet]:
        """Simple name → entity set of the container."""
        return {each.name: each for each in self.container.sets} if self.container else {}

    @cached_property
    def singletons(self) -> dict[str, Singleton]:
        """Simple name → singleton of the container."""
        return {each.name: each for each in self.container.singletons} if self.container else {}

    @cached_property
    def action_imports(self) -> dict[str, ActionImport]:
        """Simple name → action import of the container."""
        return {each.name: each for each in self.container.action_imports} if self.container else {}

    @cached_property
    def function_imports(self) -> dict[str, FunctionImport]:
        """Simple name → function import of the container."""
        return {each.name: each for each in self.container.function_imports} if self.container else {}

    def source_of(self, name: str) -> EntitySet | Singleton | None:
        """The entity set or singleton with this simple name."""
        return self.sets.get(name) or self.singletons.get(name)

    def only_set(self, type_name: str) -> str | None:
        """Where a navigation property to the type leads without a binding: to the only set of the type, else to the only one
        of its base or a derived type (DESIGN §4)."""
        exact = [name for name, each in self.sets.items() if each.type == type_name]
        if len(exact) == 1:
            return exact[0]
        near = [name for name, each in self.sets.items() if self.is_a(each.type, type_name) or self.is_a(type_name, each.type)]
        return near[0] if len(near) == 1 else None

    @cached_property
    def bound_names(self) -> frozenset[str]:
        """The names of the navigation properties that bindings end at."""
        sources: list[EntitySet | Singleton] = [*self.sets.values(), *self.singletons.values()]
        return frozenset(binding.path.rpartition("/")[2] for source in sources for binding in source.bindings)

    # --- operations --------------------------------------------------------------------------------------

    @cached_property
    def operations(self) -> dict[str, tuple[Operation, ...]]:
        """Qualified name → its overloads, in document order."""
        found: dict[str, list[Operation]] = {}
        for schema in self.all_schemas:
            for operation in schema.operations:
                found.setdefault(operation.name, []).append(operation)
        return {name: tuple(overloads) for name, overloads in found.items()}

    def overloads(self, name: str) -> tuple[Operation, ...]:
        """The overloads of a qualified name; () where there is none."""
        return self.operations.get(name) or self.operations.get(self.full(name), ())

    def bound_to(self, type_name: str, collection: bool) -> Iterator[Operation]:
        """The operations whose binding parameter takes this type (or a base of it) in this cardinality."""
        for overloads in self.operations.values():
            for operation in overloads:
                if operation.bound and operation.parameters:
                    binding = self.underlying(operation.parameters[0].type)
                    if binding.collection == collection and self.is_a(type_name, binding.name):
                        yield operation

    @cached_property
    def default_namespaces(self) -> tuple[str, ...]:
        """Namespaces of the schemas annotated Core.DefaultNamespace (Protocol §4.4)."""
        from app.edm.expressions import Constant
        found = []
        for schema in self.all_schemas:
            for annotation in schema.annotations:
                if self.full(annotation.term) == "Org.OData.Core.V1.DefaultNamespace":
                    if not (isinstance(annotation.value, Constant) and annotation.value.text == "false"):
                        found.append(schema.namespace)
        return tuple(found)

    # --- annotations -------------------------------------------------------------------------------------

    @cached_property
    def terms(self) -> dict[str, Term]:
        """Qualified name → term."""
        return {term.name: term for schema in self.all_schemas for term in schema.terms}

    @cached_property
    def external(self) -> dict[str, tuple[Annotation, ...]]:
        """Target path with full names → annotations applied from outside (CSDL §14.2)."""
        found: dict[str, list[Annotation]] = {}
        for schema in self.all_schemas:
            for block in schema.external:
                applied = found.setdefault(self.full_target(block.target), [])
                for annotation in block.annotations:
                    if block.qualifier and not annotation.qualifier:
                        annotation = Annotation(annotation.term, block.qualifier, annotation.value,
                                                annotation.annotations, annotation.line)
                    applied.append(annotation)
        return {target: tuple(annotations) for target, annotations in found.items()}

    @cached_property
    def below_container(self) -> dict[str, tuple[Annotation, ...]]:
        """Path below the container, without casts → annotations applied there from outside ('Set/Nav', 'Set/Complex/Nav')."""
        found: dict[str, tuple[Annotation, ...]] = {}
        head = f"{self.container.name}/" if self.container is not None else "/"
        for target, annotations in self.external.items():
            first, slash, rest = target.removeprefix(head).partition("/")
            if target.startswith(head) and slash:
                name = "/".join((first, *(step for step in rest.split("/") if "." not in step)))
                found[name] = found.get(name, ()) + annotations
        return found

    @cached_property
    def capabilities(self) -> dict[tuple[str, tuple[str, ...]], Any]:
        """What is known of Capabilities terms at places (`places.said`)."""
        return {}

    @cached_property
    def applied(self) -> dict[str, set[str]]:
        """Term → the structured types and members that it is applied to, and anything that it is applied to from outside."""
        found: dict[str, set[str]] = {}
        for target, annotations in self.external.items():
            for each in annotations:
                found.setdefault(each.term, set()).add(target)
        for kind in self.types.values():
            if isinstance(kind, EntityType | ComplexType):
                for each in kind.annotations:
                    found.setdefault(each.term, set()).add(kind.name)
                for element in kind.members:
                    for each in element.annotations:
                        found.setdefault(each.term, set()).add(f"{kind.name}/{element.name}")
        whole: dict[str, set[str]] = {}
        for term, targets in found.items():
            whole.setdefault(self.full(term), set()).update(targets)
        return whole

    def applies(self, term: str, target: str) -> bool:
        """Whether a term (full name) is applied to a structured type or a member of one."""
        found = self.applied.get(term)
        return found is not None and target in found

    def full_target(self, target: str) -> str:
        """A target path with namespaces in place of aliases."""
        head, slash, rest = target.partition("/")
        return self.full(head) + slash + "/".join(self.full(step) if "." in step and not step.startswith("@") else step
                                                  for step in rest.split("/")) if slash else self.full(head)

    def annotations(self, target: str, own: tuple[Annotation, ...] = ()) -> tuple[Annotation, ...]:
        """`own` (written inside the element) plus those applied to the target path from outside."""
        return own + self.external.get(target, ())

    def annotation(self, term: str, target: str, own: tuple[Annotation, ...] = (),
                   qualifier: str | None = None) -> Annotation | None:
        """The annotation of this term (full name) on an element, or None."""
        for annotation in self.annotations(target, own):
            if annotation.qualifier == qualifier and (annotation.term == term or self.full(annotation.term) == term):
                return annotation
        return None

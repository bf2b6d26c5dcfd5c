"""The elements of a model, as CSDL names them: frozen data with names, no links between objects.

Every qualified name is stored with its full namespace, never with an alias; `Schema.alias` keeps the
alias for writers. `line` and `column` say where an element stood in its document and take no part in
comparison, so `read(write(model)) == model`. Questions about a model (inheritance, bindings, overloads)
are answered by `app.edm.index.Model`.

CSDL 4.01 (XML and JSON), sections 3 to 14.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from app.edm.expressions import Expression


@dataclass(frozen=True, slots=True)
class Annotation:
    """A term applied to an element; `value` None means the default of the term (CSDL §14.3).

    Readers put that default in place of None (true for a term nobody declares) and leave `explicit` False,
    so that a CSDL XML document that leaves it out and a CSDL JSON document, which cannot, are equal.
    """

    term: str
    qualifier: str | None = None
    value: Expression | None = None
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)
    explicit: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class TypeRef:
    """Type and facets of a property, parameter, return value, term or type definition (CSDL §7.2).

    `nullable` None: not said (only a collection may leave it open). `max_length`: a number or 'max'.
    `scale`: a number, 'variable' or 'floating'; None: not said. `srid`: a number or 'variable'.

    `spelling` remembers for writers what the two formats say differently and is no part of comparison:
    'nullable' (a collection that left Nullable out, read as False), 'scale' (an Edm.Decimal that left Scale
    out, read as 0), 'max' (MaxLength="max", read as None), 'type' (Type left out, Edm.String).
    """

    name: str
    collection: bool = False
    nullable: bool | None = True
    max_length: int | str | None = None
    precision: int | None = None
    scale: int | str | None = None
    unicode: bool | None = None
    srid: int | str | None = None
    spelling: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"Collection({self.name})" if self.collection else self.name


@dataclass(frozen=True, slots=True)
class Property:
    """A structural property (CSDL §7)."""

    name: str
    type: TypeRef
    default: str | None = None
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ReferentialConstraint:
    """`property` (dependent) equals `referenced` (principal) (CSDL §8.5)."""

    property: str
    referenced: str
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class NavigationProperty:
    """A navigation property (CSDL §8); `type` is the target's qualified name."""

    name: str
    type: str
    collection: bool = False
    nullable: bool | None = True
    partner: str | None = None
    contains_target: bool = False
    constraints: tuple[ReferentialConstraint, ...] = ()
    on_delete: str | None = None
    on_delete_annotations: tuple[Annotation, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class PropertyRef:
    """One part of a key: a path to a primitive property, with an alias when it has more than one step (CSDL §6.5)."""

    path: str
    alias: str | None = None

    @property
    def name(self) -> str:
        """The name that a key predicate uses."""
        return self.alias or self.path


@dataclass(frozen=True, slots=True)
class EntityType:
    """An entity type with its own members only; inherited ones: `Model.properties` (CSDL §6)."""

    name: str
    base: str | None = None
    abstract: bool = False
    open: bool = False
    has_stream: bool = False
    key: tuple[PropertyRef, ...] = ()
    properties: tuple[Property, ...] = ()
    navigation: tuple[NavigationProperty, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)

    @property
    def members(self) -> tuple[Property | NavigationProperty, ...]:
        """Properties, then navigation properties."""
        return self.properties + self.navigation


@dataclass(frozen=True, slots=True)
class ComplexType:
    """A complex type with its own members only (CSDL §9)."""

    name: str
    base: str | None = None
    abstract: bool = False
    open: bool = False
    properties: tuple[Property, ...] = ()
    navigation: tuple[NavigationProperty, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)

    @property
    def members(self) -> tuple[Property | NavigationProperty, ...]:
        """Properties, then navigation properties."""
        return self.properties + self.navigation


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an enumeration with its numeric value (CSDL §10.3); `explicit`: the document wrote it."""

    name: str
    value: int
    annotations: tuple[Annotation, ...] = ()
    explicit: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class EnumType:
    """An enumeration (CSDL §10)."""

    name: str
    underlying: str = "Edm.Int32"
    flags: bool = False
    members: tuple[Member, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TypeDefinition:
    """A primitive type under another name, with facets (CSDL §11)."""

    name: str
    type: TypeRef
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an action or function (CSDL §12.9)."""

    name: str
    type: TypeRef
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class ReturnType:
    """What an operation returns (CSDL §12.8)."""

    type: TypeRef
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """One overload of an action; when bound, the first parameter is the binding parameter (CSDL §12)."""

    name: str
    bound: bool = False
    parameters: tuple[Parameter, ...] = ()
    returns: ReturnType | None = None
    entity_set_path: str | None = None
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Function:
    """One overload of a function (CSDL §12)."""

    name: str
    bound: bool = False
    composable: bool = False
    parameters: tuple[Parameter, ...] = ()
    returns: ReturnType | None = None
    entity_set_path: str | None = None
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)


def binding_type(operation: Action | Function) -> str | None:
    """The type that an overload is bound to, as written: `T` or `Collection(T)`; None of an unbound one (CSDL §12.5)."""
    return str(operation.parameters[0].type) if operation.bound and operation.parameters else None


@dataclass(frozen=True, slots=True)
class Term:
    """A vocabulary term (CSDL §14.1)."""

    name: str
    type: TypeRef
    base: str | None = None
    default: str | None = None
    applies_to: tuple[str, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Binding:
    """NavigationPropertyBinding (CSDL §13.4): `path` may run through complex properties, casts and containment;
    `target` is a set or singleton name of the same container, or a target path."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class EntitySet:
    """An entity set; `name` is simple (CSDL §13.2)."""

    name: str
    type: str
    in_service_document: bool = True
    bindings: tuple[Binding, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Singleton:
    """A singleton; `name` is simple (CSDL §13.3)."""

    name: str
    type: str
    nullable: bool = False
    bindings: tuple[Binding, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ActionImport:
    """An unbound action under a simple name (CSDL §13.5)."""

    name: str
    action: str
    entity_set: str | None = None
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class FunctionImport:
    """All unbound overloads of a function under a simple name (CSDL §13.6)."""

    name: str
    function: str
    entity_set: str | None = None
    in_service_document: bool = False
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class EntityContainer:
    """The container with its children in document order (CSDL §13); `name` is qualified."""

    name: str
    extends: str | None = None
    sets: tuple[EntitySet, ...] = ()
    singletons: tuple[Singleton, ...] = ()
    action_imports: tuple[ActionImport, ...] = ()
    function_imports: tuple[FunctionImport, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)

    @property
    def sources(self) -> tuple[EntitySet | Singleton, ...]:
        """Entity sets, then singletons."""
        return self.sets + self.singletons

    @property
    def imports(self) -> tuple[ActionImport | FunctionImport, ...]:
        """Action imports, then function imports."""
        return self.action_imports + self.function_imports

    @property
    def children(self) -> tuple[EntitySet | Singleton | ActionImport | FunctionImport, ...]:
        """All of them, by kind."""
        return self.sources + self.imports


@dataclass(frozen=True, slots=True)
class Annotations:
    """External targeting: annotations for a target path in another place (CSDL §14.2.1)."""

    target: str
    qualifier: str | None = None
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)


SchemaType: TypeAlias = EntityType | ComplexType | EnumType | TypeDefinition
StructuredType: TypeAlias = EntityType | ComplexType


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema of a document (CSDL §5); actions and functions are sorted by name, their overloads as written."""

    namespace: str
    alias: str | None = None
    types: tuple[SchemaType, ...] = ()
    actions: tuple[Action, ...] = ()
    functions: tuple[Function, ...] = ()
    terms: tuple[Term, ...] = ()
    container: EntityContainer | None = None
    external: tuple[Annotations, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)

    @property
    def operations(self) -> tuple[Action | Function, ...]:
        """Actions, then functions."""
        return self.actions + self.functions


@dataclass(frozen=True, slots=True)
class Include:
    """edmx:Include (CSDL §3.4)."""

    namespace: str
    alias: str | None = None
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class IncludeAnnotations:
    """edmx:IncludeAnnotations (CSDL §3.5)."""

    term_namespace: str
    qualifier: str | None = None
    target_namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """edmx:Reference (CSDL §3.3)."""

    uri: str
    includes: tuple[Include, ...] = ()
    include_annotations: tuple[IncludeAnnotations, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    line: int = field(default=0, compare=False)

"""The form of a model that a document may show: its OData version, its references, the vocabularies left out.

What only 4.01 allows leaves a 4.0 document (CSDL §18.2 Conformance, items 1 to 9, and the constructs that
sections 4 to 14 reserve to 4.01). Elements that need no change are the same objects as in the model given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

from app.csdl.implied import vocabulary_file
from app.edm import expressions as ex
from app.edm import model as edm
from app.edm.index import Model

ReferenceUri: TypeAlias = Callable[[str], str | None]

_NEW_OPERATORS = frozenset({"Has", "In", "Add", "Sub", "Neg", "Mul", "Div", "DivBy", "Mod"})
_NEW_TYPES = frozenset({"Edm.Untyped", "Edm.ModelElementPath", "Edm.AnyPropertyPath"})


def shaped(model: Model, version: str, *, omit_namespaces: frozenset[str] = frozenset(),
           reference_uri: ReferenceUri | None = None) -> Model:
    """The model as a document of that version shows it.

    `omit_namespaces`: no annotation of their terms, no reference to them, no schema of theirs. `reference_uri` gives
    the address where a namespace is served; None leaves the reference out, unless it names a document on the web that
    is not at hand, and what an included schema of that name declares becomes part of the document, standard vocabularies aside.
    """
    if reference_uri is not None:
        model = _readdressed(model, reference_uri)
    form = _Form(model, version, omit_namespaces)
    references = tuple(kept for each in model.references if (kept := form.reference(each)) is not None)
    schemas = tuple(form.schema(schema) for schema in model.schemas if schema.namespace not in omit_namespaces)
    return Model(schemas, references, version, model.included, model.source)


def _readdressed(model: Model, address: ReferenceUri) -> Model:
    """One reference an address; schemas without address move into the document."""
    found: dict[str, edm.Reference] = {}
    served: set[str] = set()
    for reference in model.references:
        for include in reference.includes:
            uri = address(include.namespace)
            if uri is not None:
                served.add(include.namespace)
            elif ("://" in reference.uri and include.namespace not in model.namespaces
                  and vocabulary_file(include.namespace) is None and (include.alias or "_").isidentifier()):
                uri = reference.uri
            if uri is not None:
                known = found.get(uri) or replace(reference, uri=uri, includes=(), include_annotations=())
                found[uri] = replace(known, includes=(*known.includes, include))
    moved = tuple(schema for schema in model.included if schema.namespace not in served
                  and vocabulary_file(schema.namespace) is None)
    schemas = model.schemas
    if any(schema.container for schema in moved):
        whole = model.container    # with what it extends
        schemas = tuple(replace(each, container=replace(whole, extends=None)) if each.container and whole else each
                        for each in schemas)
        moved = tuple(replace(each, container=None) for each in moved)
    aliases = {include.namespace: include.alias for each in model.references for include in each.includes}
    moved = tuple(replace(each, alias=aliases.get(each.namespace)) for each in moved)
    kept = tuple(each for each in model.included if each.namespace in served)
    return replace(model, schemas=schemas + moved, references=tuple(found.values()), included=kept)


@lru_cache(maxsize=None)
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if each.compare)


class _Form:
    def __init__(self, model: Model, version: str, omit: frozenset[str]) -> None:
        self.model, self.old, self.omit = model, version == "4.0", omit

    def reference(self, reference: edm.Reference) -> edm.Reference | None:
        includes = tuple(self.include(each) for each in reference.includes if each.namespace not in self.omit)
        notes = tuple(each for each in reference.include_annotations if each.term_namespace not in self.omit)
        if not includes and not notes and (reference.includes or reference.include_annotations):
            return None
        return replace(reference, includes=includes, include_annotations=notes,
                       annotations=self.walk(reference.annotations))

    def include(self, include: edm.Include) -> edm.Include:
        annotations = self.walk(include.annotations)
        if self.old:
            annotations = tuple(each for each in annotations if each.term != "Org.OData.Core.V1.DefaultNamespace")
        return replace(include, annotations=annotations)

    def schema(self, schema: edm.Schema) -> edm.Schema:
        kept: edm.Schema = self.walk(schema)
        if not self.old or kept is schema or kept.container is None:
            return kept
        names = {each.name for each in kept.operations}
        gone = {each.name for each in schema.operations} - names
        container = kept.container
        return replace(kept, container=replace(
            container, action_imports=tuple(each for each in container.action_imports if each.action not in gone),
            function_imports=tuple(each for each in container.function_imports if each.function not in gone)))

    # --- the walk: None leaves an element out, the same object means no change -----------------------------

    def walk(self, value: Any) -> Any:
        if isinstance(value, tuple):
            kept = tuple(made for each in value if (made := self.walk(each)) is not None)
            return value if len(kept) == len(value) and all(map(_same, kept, value)) else kept
        if not is_dataclass(value):
            return value
        own: Any = self.element(value)
        if own is None:
            return None
        changes = {}
        for name in _names(own.__class__):
            old = getattr(own, name)
            if old.__class__ is tuple or is_dataclass(old):
                new = self.walk(old)
                if new is not old:
                    changes[name] = new
        own = replace(own, **changes) if changes else own
        return None if isinstance(own, edm.Annotations) and not own.annotations else own

    def element(self, value: Any) -> Any:
        """The element with its own changes, its children untouched."""
        if isinstance(value, edm.Annotation):
            if value.term.rpartition(".")[0] in self.omit:
                return None
            return None if self.old and value.value is not None and self.is_new(value.value) else value
        return self.element40(value) if self.old else value

    def element40(self, value: Any) -> Any:
        match value:
            case edm.TypeRef() if value.scale == "floating":
                return replace(value, scale="variable")
            case edm.Term() | edm.Parameter() | edm.ReturnType() if value.type.unicode is not None:
                return replace(value, type=replace(value.type, unicode=None))
            case edm.EntityType() | edm.ComplexType():
                return self.structured40(value)
            case edm.Action() | edm.Function():
                refs = [each.type for each in value.parameters] + ([value.returns.type] if value.returns else [])
                return None if any(_new_type(ref) for ref in refs) else value
            case edm.Singleton() if value.nullable:
                return replace(value, nullable=False)
            case edm.Binding() if "." in value.path.rpartition("/")[2]:
                return None
            case edm.Annotations() if "(" in value.target:
                return None
            case edm.Term() if value.type.name in _NEW_TYPES:
                return None
        return value

    def structured40(self, kind: edm.StructuredType) -> edm.StructuredType:
        bases = self.model.lineage(kind.name)[1:]
        inherited = {member.name for base in bases if (found := self.model.structured(base)) is not None
                     for member in found.members}
        properties = tuple(each for each in kind.properties if each.name not in inherited and not _new_type(each.type))
        navigation = tuple(self.navigation40(kind, each) for each in kind.navigation if each.name not in inherited)
        if len(properties) == len(kind.properties) and len(navigation) == len(kind.navigation) and all(
                map(_same, navigation, kind.navigation)):
            return kind
        return replace(kind, properties=properties, navigation=navigation)

    def navigation40(self, kind: edm.StructuredType, member: edm.NavigationProperty) -> edm.NavigationProperty:
        kept = tuple(each for each in member.constraints if self._primitive(kind.name, each.property))
        return member if len(kept) == len(member.constraints) else replace(member, constraints=kept)

    def _primitive(self, kind: str, path: str) -> bool:
        found = self.model.property_at(kind, path)
        return found is not None and self.model.kind(found.type.name) in ("primitive", "enum", "definition")

    def is_new(self, value: ex.Expression) -> bool:
        """Whether an expression uses what 4.01 added."""
        match value:
            case ex.PathExpression():
                return value.kind in ("ModelElementPath", "AnyPropertyPath") or value.path.startswith("/")
            case ex.Operator() if value.name in _NEW_OPERATORS:
                return True
            case ex.Operator():
                return any(map(self.is_new, value.operands))
            case ex.Collection():
                return any(map(self.is_new, value.items))
            case ex.Record():
                return any(member.value is not None and self.is_new(member.value) for member in value.properties)
            case ex.Apply():
                return value.function == "odata.matchesPattern" or any(map(self.is_new, value.arguments))
            case ex.If():
                return any(each is not None and self.is_new(each)
                           for each in (value.condition, value.then, value.otherwise))
            case ex.Cast() | ex.IsOf() | ex.LabeledElement() | ex.UrlRef():
                return value.value is not None and self.is_new(value.value)
        return False


def _same(one: object, other: object) -> bool:
    return one is other


def _new_type(ref: edm.TypeRef) -> bool:
    return ref.name in _NEW_TYPES or (ref.collection and ref.name == "Edm.ComplexType")

"""Declared: a model with what this service does with it, as Capabilities annotations, where the file says nothing.

What `$metadata` says and what is enforced is one and the same model: a capability that the file denies is refused, one that it
does not speak of is offered, and declared here. Conformance V-Cap-01, V-Cap-02, V-Cap-22.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from app.edm import Model, vocabularies
from app.edm.aggregation import VOCABULARY
from app.edm.expressions import Collection, Constant, EnumMember, Expression, PropertyValue, Record
from app.edm.model import (Annotation, EntityContainer, EntitySet, EntityType, Include, Property, Reference, Schema, SchemaType,
                           TypeRef)
from app.edm.places import CAPABILITIES, NOWHERE, place, said
from app.service.settings import Settings

ADDRESS = "https://oasis-tcs.github.io/odata-vocabularies/vocabularies/"
FORMATS = tuple(f"application/json;odata.metadata={level};IEEE754Compatible={numbers}"
                for level in ("minimal", "full", "none") for numbers in ("false", "true"))
TAGS = ("AsynchronousRequestsSupported", "KeyAsSegmentSupported", "QuerySegmentSupported", "CrossJoinSupported",
        "AnnotationValuesInQuerySupported")
CONTAINER: dict[str, Any] = {
    "SupportedFormats": FORMATS, "SupportedMetadataFormats": ("application/xml", "application/json"),
    "AcceptableEncodings": ("gzip", "deflate"), **dict.fromkeys(TAGS, True),
    "BatchSupport": {**dict.fromkeys((
        "Supported", "ContinueOnErrorSupported", "ReferencesInRequestBodiesSupported", "ReferencesAcrossChangeSetsSupported",
        "EtagReferencesSupported", "RequestDependencyConditionsSupported"), True),
        "SupportedFormats": ("multipart/mixed", "application/json")},
    "SelectSupport": dict.fromkeys((
        "Supported", "InstanceAnnotationsSupported", "Expandable", "Filterable", "Searchable", "TopSupported", "SkipSupported",
        "ComputeSupported", "Countable", "Sortable"), True)}
ADVANCED = ("BatchSupported", "BatchSupport", "AsynchronousRequestsSupported", "CrossJoinSupported")


TRANSFORMATIONS = (
    "aggregate", "groupby", "concat", "identity", "filter", "search", "nest", "addnested", "join", "outerjoin", "compute",
    "bottomcount", "bottomsum", "bottompercent", "topcount", "topsum", "toppercent", "orderby", "top", "skip", "ancestors",
    "descendants", "traverse")


def declared(model: Model, settings: Settings) -> Model:
    """The model with these annotations; as it is where it has no container."""
    if model.container is None:
        return model
    maker = _Maker(model, settings)
    schemas = tuple(map(maker.schema, model.schemas))
    known = {include.namespace for reference in model.references for include in reference.includes}
    more = tuple(Reference(f"{ADDRESS}{each[:-1]}.xml", (Include(each[:-1]),)) for each in (CAPABILITIES, VOCABULARY)
                 if each[:-1] not in known)
    return replace(model, schemas=schemas, references=(*model.references, *more))


class _Maker:
    """Annotates the elements of one model."""

    def __init__(self, model: Model, settings: Settings) -> None:
        self.model, self.settings = model, settings

    def schema(self, schema: Schema) -> Schema:
        container = schema.container
        return replace(schema, types=tuple(map(self.type, schema.types)),
                       container=None if container is None else self.container(container))

    # --- the container -----------------------------------------------------------------------------------

    def container(self, container: EntityContainer) -> EntityContainer:
        wanted = dict(CONTAINER)
        if self.settings.callback_hosts:
            wanted["CallbackSupported"] = {"CallbackProtocols": ()}
        new = [annotation(name, value) for name, value in wanted.items() if said(self.model, name, NOWHERE) is None]
        if said(self.model, "ConformanceLevel", NOWHERE) is None and all(
                vocabularies.supported(self.model, each) for each in ADVANCED):
            level = EnumMember((CAPABILITIES + "ConformanceLevelType/Advanced",))
            new.insert(0, Annotation(CAPABILITIES + "ConformanceLevel", None, level))
        if said(self.model, "IsolationSupported", NOWHERE) is None:
            snapshot = EnumMember((CAPABILITIES + "IsolationLevel/Snapshot",))
            new.append(Annotation(CAPABILITIES + "IsolationSupported", None, snapshot))
        applied = VOCABULARY + "ApplySupportedDefaults"
        if self.model.annotation(applied, container.name, container.annotations) is None:
            new.append(Annotation(applied, None, expression(self.aggregation())))
        return replace(container, annotations=(*container.annotations, *new), sets=tuple(map(self.set, container.sets)))

    def aggregation(self) -> dict[str, Any]:
        """What `$apply` does: everything, and the functions that make one collection of entities of another."""
        functions = (each for schema in self.model.schemas for each in schema.functions if each.bound)
        own = {each.name for each in functions if each.returns is not None and self.entities(each.returns.type)
               and self.entities(each.parameters[0].type)}
        every = EnumMember((VOCABULARY + "RollupType/MultipleHierarchies",))
        return {"Transformations": (*TRANSFORMATIONS, *sorted(own)), "Rollup": every, "From": True}

    def entities(self, ref: TypeRef) -> bool:
        return ref.collection and self.model.entity_type(ref.name) is not None

    def set(self, set: EntitySet) -> EntitySet:
        model, where = self.model, place(set.name)
        new: dict[str, Any] = {}
        if said(model, "ChangeTracking", where) is None:
            new["ChangeTracking"] = {"Supported": True}
        if said(model, "UpdateRestrictions", where) is None and not model.has_stream(set.type):
            keys = [member for part in model.key(set.type) if (member := model.property_at(set.type, part.path))]
            made = any(vocabularies.computed(model, set.type, each) for each in keys)
            new["UpdateRestrictions"] = {"Upsertable": not made, "DeltaUpdateSupported": True}
        if said(model, "ExpandRestrictions", where) is None and any(self.streams(set.type)):
            new["ExpandRestrictions"] = {"StreamsExpandable": True}
        return replace(set, annotations=(*set.annotations, *(annotation(name, value) for name, value in new.items())))

    def streams(self, type: str) -> Iterator[bool]:
        """Whether there is a stream, for each type of a set."""
        for each in (self.model.full(type), *self.model.derived(type)):
            yield self.model.has_stream(each) or any(
                self.model.underlying(member.type).name == "Edm.Stream" for member in self.model.properties(each).values())

    # --- types -------------------------------------------------------------------------------------------

    def type(self, kind: SchemaType) -> SchemaType:
        """The address of a stream is the service's own: clients do not change it."""
        if not isinstance(kind, EntityType):
            return kind
        properties = tuple(self.stream(kind.name, each) for each in kind.properties)
        own = self.fixed(kind.name, kind.annotations) if kind.has_stream else ()
        if not own and properties == kind.properties:
            return kind
        return replace(kind, properties=properties, annotations=(*kind.annotations, *own))

    def stream(self, owner: str, member: Property) -> Property:
        if self.model.underlying(member.type).name != "Edm.Stream":
            return member
        return replace(member, annotations=(*member.annotations, *self.fixed(f"{owner}/{member.name}", member.annotations)))

    def fixed(self, target: str, own: tuple[Annotation, ...]) -> tuple[Annotation, ...]:
        term = CAPABILITIES + "MediaLocationUpdateSupported"
        known = self.model.annotation(term, target, own)
        return () if known is not None else (Annotation(term, None, expression(False)),)


def annotation(name: str, value: Any) -> Annotation:
    """A Capabilities annotation with a value of Python."""
    return Annotation(CAPABILITIES + name, None, expression(value))


def expression(value: Any) -> Expression:
    """Python data as an annotation expression: dicts as records, tuples as collections."""
    if isinstance(value, EnumMember):
        return value
    if isinstance(value, bool):
        return Constant("Bool", str(value).lower())
    if isinstance(value, Mapping):
        return Record(tuple(PropertyValue(name, expression(each)) for name, each in value.items()))
    if isinstance(value, Iterable) and not isinstance(value, str):
        return Collection(tuple(map(expression, value)))
    return Constant("String", str(value))

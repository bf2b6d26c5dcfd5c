"""Profiles: what in a model breaks or weakens widespread clients.

Rows are findings like those of validity, with ids that begin with the profile; the sources are requests
of those clients. `csdl/views.py` has the view that spares them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from app.edm import types
from app.edm.check import Hit, hit
from app.edm.findings import Finding, declare, finding
from app.edm.index import Model
from app.edm.model import ComplexType, EntityType, Property, StructuredType
from app.errors import closest

declare(
    ("bi-complex-navigation", "error", "Power Query, ADF",
     "'{name}' is a navigation property of the complex type '{type}'",
     "The older reader fails on it (\"UnexpectedXmlElement\"); offer the safe view or name Implementation=\"2.0\"."),
    ("bi-decimal-facets", "warning", "Power Query, SSIS", "The decimal '{name}' says no precision or scale",
     "Write Precision and Scale: SSIS cuts the values without them."),
    ("bi-precision", "warning", "Power Query",
     "'{name}' has precision {precision}, more than the {allowed} that clients keep",
     "Reduce the precision."),
    ("bi-enum", "note", "ADF, Power Query", "'{name}' is of the enumeration '{type}'",
     "ADF drops such columns; the safe view shows them as text."),
    ("bi-collection", "note", "Power Query, Qlik", "'{name}' is a collection and shows as a list",
     "Offer the items as entities as well."),
    ("bi-open", "note", "Power Query", "Dynamic properties of '{type}' show with MoreColumns=true only",
     "Declare what reports need."),
    ("bi-reference", "warning", "Power Query, Olingo",
     "The reference '{uri}' cannot be followed from the model file alone",
     "Print only references that the service answers."),
    ("bi-untyped", "warning", "Power Query", "'{name}' is of Edm.Untyped", "Give it a type: OData 4.0 knows no other."),
    ("excel-long-integer", "warning", "Excel", "'{name}' is Edm.Int64: Excel keeps 15 digits of a number",
     "Offer a text, or values below 10^15."),
    ("excel-stream", "note", "Excel, Power Query", "The stream '{name}' cannot be loaded into a table",
     "Leave it to other clients."),
    ("excel-name", "warning", "Excel", "'{name}' is longer than the 255 characters of a column name",
     "Shorten the name."),
    ("ui5-enum-filter", "warning", "OpenUI5", "'{name}' is of the enumeration '{type}', which OpenUI5 cannot filter by",
     "Offer the value as text as well."),
    ("ui5-version", "note", "OpenUI5", "The document is one of OData 4.01",
     "OpenUI5 reads 4.0; let the service answer 4.0."),
    ("ui5-no-key", "error", "OpenUI5", "The entity type '{name}' has no key",
     "OpenUI5 addresses every entity by its key."),
    ("v2-collection", "warning", "OData 2", "'{name}' is a collection, which OData 2 has not",
     "It is left out on the V2 face."),
    ("v2-type", "warning", "OData 2", "'{name}' is of {type}, which OData 2 has not",
     "It becomes {other} on the V2 face."),
    ("v2-enum", "note", "OData 2", "'{name}' is of an enumeration, which OData 2 has not",
     "It becomes Edm.String on the V2 face."),
    ("v2-complex-navigation", "warning", "OData 2", "'{name}' is a navigation property of the complex type '{type}'",
     "It is left out on the V2 face."),
    ("v2-singleton", "note", "OData 2", "'{name}' is a singleton, which OData 2 has not",
     "It becomes a set of one on the V2 face."),
    ("v2-containment", "warning", "OData 2", "'{name}' contains its entities, which OData 2 cannot say",
     "It is left out on the V2 face."),
    ("v2-inheritance", "note", "OData 2", "'{name}' derives from '{base}'; some clients know no inheritance",
     "The V2 face repeats inherited members."),
    ("v2-open", "note", "OData 2", "Dynamic properties of '{type}' do not show on the V2 face",
     "Declare what clients need."),
    ("v2-bound", "note", "OData 2", "The operation '{name}' is bound, which OData 2 has not",
     "It becomes a function import with the keys as parameters."),
    ("dataverse-key", "error", "Dataverse", "The key of the entity set '{name}' is not one property of Edm.Guid",
     "Dataverse mounts no set with another key."),
    ("dataverse-type", "error", "Dataverse", "'{name}' is of {type}, which Dataverse cannot map",
     "Leave it out or use another type."),
    ("dataverse-nullable", "note", "Dataverse", "'{name}' says that it is never null; Dataverse takes that at its word",
     "Keep the promise."),
)

Rules: TypeAlias = Callable[[Model], Iterator[Hit]]

_V2_TYPES = {"Edm.Date": "Edm.DateTime", "Edm.TimeOfDay": "Edm.Time", "Edm.Duration": "Edm.String"}
_DATAVERSE = frozenset({"Edm.Boolean", "Edm.DateTimeOffset", "Edm.Date", "Edm.Decimal", "Edm.Double", "Edm.Guid",
                        "Edm.Int32",
                        "Edm.Int64", "Edm.String"})


def check(model: Model, profile: str, places: Mapping[int, tuple[int, int]] | None = None) -> list[Finding]:
    """What breaks the clients of a profile. Raises KeyError for a profile that is not there (see `PROFILES`)."""
    known, found = places or {}, set()
    for rules in PROFILES[profile]:
        for each in rules(model):
            line, column = known.get(id(each.element), (getattr(each.element, "line", 0), 0))
            found.add(finding(each.rule, model.source or "", line, column, **each.values))
    return sorted(found)


def unknown(profile: str) -> str:
    """The sentence for a profile that is not there."""
    near = closest(profile, PROFILES)
    return f"There is no profile '{profile}'" + (f"; did you mean '{near}'?" if near else f": {', '.join(PROFILES)}.")


def _structured(model: Model) -> Iterator[StructuredType]:
    for schema in model.schemas:
        for kind in schema.types:
            if isinstance(kind, EntityType | ComplexType):
                yield kind


def _properties(model: Model) -> Iterator[tuple[StructuredType, Property]]:
    for kind in _structured(model):
        for member in kind.properties:
            yield kind, member


def _bi(model: Model) -> Iterator[Hit]:
    for kind in _structured(model):
        if isinstance(kind, ComplexType):
            for link in kind.navigation:
                yield hit("bi-complex-navigation", link, name=link.name, type=kind.name)
        if kind.open:
            yield hit("bi-open", kind, type=kind.name)
    for _, member in _properties(model):
        ref = model.underlying(member.type)
        if ref.collection:
            yield hit("bi-collection", member, name=member.name)
        if ref.name == "Edm.Decimal" and (ref.precision is None or not isinstance(ref.scale, int)):
            yield hit("bi-decimal-facets", member, name=member.name)
        allowed = 28 if ref.name == "Edm.Decimal" else 7
        if ref.precision is not None and ref.precision > allowed:
            yield hit("bi-precision", member, name=member.name, precision=ref.precision, allowed=allowed)
        if model.kind(ref.name) == "enum":
            yield hit("bi-enum", member, name=member.name, type=ref.name)
        if ref.name == "Edm.Untyped":
            yield hit("bi-untyped", member, name=member.name)
    loaded = {schema.namespace for schema in model.included}
    for reference in model.references:
        if any(include.namespace not in loaded for include in reference.includes):
            yield hit("bi-reference", reference, uri=reference.uri)


def _excel(model: Model) -> Iterator[Hit]:
    for _, member in _properties(model):
        name = model.underlying(member.type).name
        if name == "Edm.Int64":
            yield hit("excel-long-integer", member, name=member.name)
        elif name == "Edm.Stream":
            yield hit("excel-stream", member, name=member.name)
        if len(member.name) > 255:
            yield hit("excel-name", member, name=member.name)


def _ui5(model: Model) -> Iterator[Hit]:
    if model.version != "4.0" and model.schemas:
        yield hit("ui5-version", model.schemas[0])
    for kind, member in _properties(model):
        if model.kind(member.type.name) == "enum":
            yield hit("ui5-enum-filter", member, name=member.name, type=member.type.name)
    for kind in _structured(model):
        if isinstance(kind, EntityType) and not kind.abstract and not model.key(kind.name):
            yield hit("ui5-no-key", kind, name=kind.name)


def _v2(model: Model) -> Iterator[Hit]:
    for kind in _structured(model):
        if kind.base is not None:
            yield hit("v2-inheritance", kind, name=kind.name, base=kind.base)
        if kind.open:
            yield hit("v2-open", kind, type=kind.name)
        for link in kind.navigation:
            if isinstance(kind, ComplexType):
                yield hit("v2-complex-navigation", link, name=link.name, type=kind.name)
            elif link.contains_target:
                yield hit("v2-containment", link, name=link.name)
    for _, member in _properties(model):
        name = model.underlying(member.type).name
        if member.type.collection:
            yield hit("v2-collection", member, name=member.name)
        elif model.kind(name) == "enum":
            yield hit("v2-enum", member, name=member.name)
        elif name in _V2_TYPES:
            yield hit("v2-type", member, name=member.name, type=name, other=_V2_TYPES[name])
        elif name in types.GEO or name in ("Edm.Untyped", "Edm.Stream"):
            yield hit("v2-type", member, name=member.name, type=name, other="nothing")
    for each in model.singletons.values():
        yield hit("v2-singleton", each, name=each.name)
    for schema in model.schemas:
        for operation in schema.operations:
            if operation.bound:
                yield hit("v2-bound", operation, name=operation.name)


def _dataverse(model: Model) -> Iterator[Hit]:
    exposed = {each.type for each in model.sets.values()}
    for each in model.sets.values():
        key = model.key(each.type)
        found = model.property_at(each.type, key[0].path) if len(key) == 1 else None
        if found is None or found.type.name != "Edm.Guid":
            yield hit("dataverse-key", each, name=each.name)
    for name in sorted(exposed):
        for member in model.properties(name).values():
            primitive = model.underlying(member.type).name
            if primitive in types.PRIMITIVES and primitive not in _DATAVERSE:
                yield hit("dataverse-type", member, name=member.name, type=primitive)
            elif member.type.nullable is False and not member.type.collection and member.name not in {
                    ref.path for ref in model.key(name)}:
                yield hit("dataverse-nullable", member, name=member.name)


PROFILES: dict[str, tuple[Rules, ...]] = {
    "powerbi": (_bi,), "excel": (_bi, _excel), "ui5": (_ui5,), "v2": (_v2,), "dataverse": (_dataverse,)}

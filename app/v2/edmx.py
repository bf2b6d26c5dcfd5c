"""`$metadata` of the V2 face: an EDMX 1.0 document of a view (MC-CSDL 2.0)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from app.edm.model import EntitySet, EntityType, NavigationProperty, Property, StructuredType, TypeRef
from app.v2.view import View

EDMX = "http://schemas.microsoft.com/ado/2007/06/edmx"
METADATA = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
EDM = "http://schemas.microsoft.com/ado/2008/09/edm"
SAP = "http://www.sap.com/Protocols/SAPData"


def document(view: View) -> bytes:
    """The bytes of the document."""
    names: Any = {"edmx": EDMX, "m": METADATA, "sap": SAP, None: EDM}
    root = etree.Element(f"{{{EDMX}}}Edmx", {"Version": "1.0"}, names)
    services = etree.SubElement(root, f"{{{EDMX}}}DataServices", {f"{{{METADATA}}}DataServiceVersion": "2.0"})
    for schema in view.model.schemas:
        home = schema.container is not None
        kinds = [kind for kind in schema.types if isinstance(kind, StructuredType)]
        if not kinds and not home:
            continue
        element = etree.SubElement(services, _edm("Schema"), {"Namespace": schema.namespace})
        for kind in kinds:
            _type(element, view, kind)
        for kind in kinds:
            if isinstance(kind, EntityType):
                for each in kind.navigation:
                    _association(element, kind, each)
        if home:
            _container(element, view)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _edm(name: str) -> str:
    return f"{{{EDM}}}{name}"


def _type(schema: etree._Element, view: View, kind: StructuredType) -> None:
    entity = isinstance(kind, EntityType)
    element = etree.SubElement(schema, _edm("EntityType" if entity else "ComplexType"), {"Name": _short(kind.name)})
    if isinstance(kind, EntityType):
        if kind.has_stream:
            element.set(f"{{{METADATA}}}HasStream", "true")
        key = etree.SubElement(element, _edm("Key"))
        for ref in kind.key:
            etree.SubElement(key, _edm("PropertyRef"), {"Name": ref.path})
    for each in kind.properties:
        _property(element, view, each)
    for link in kind.navigation if isinstance(kind, EntityType) else ():
        etree.SubElement(element, _edm("NavigationProperty"), {
            "Name": link.name, "Relationship": f"{kind.name}_{link.name}", "FromRole": "from", "ToRole": "to"})


def _property(element: etree._Element, view: View, each: Property) -> None:
    shown = etree.SubElement(element, _edm("Property"), {"Name": each.name, **_facets(view, each.type)})
    if each.type.name == "Edm.Date":
        shown.set(f"{{{SAP}}}display-format", "Date")


def _facets(view: View, ref: TypeRef) -> dict[str, str]:
    name = view.named(ref) or "Edm.String"
    facets = {"Type": name, "Nullable": "false" if ref.nullable is False else "true"}
    if name in ("Edm.String", "Edm.Binary") and ref.name != "Edm.Duration" and ref.max_length is not None:
        facets["MaxLength"] = "Max" if ref.max_length == "max" else str(ref.max_length)
    if name == "Edm.Decimal":
        facets |= {"Precision": str(ref.precision), "Scale": str(ref.scale)}
    return facets


def _association(schema: etree._Element, kind: EntityType, link: NavigationProperty) -> None:
    element = etree.SubElement(schema, _edm("Association"), {"Name": f"{_short(kind.name)}_{link.name}"})
    many = "*" if link.collection else "1" if link.nullable is False else "0..1"
    for role, type, multiplicity in (("from", kind.name, "*"), ("to", link.type, many)):
        etree.SubElement(element, _edm("End"), {"Type": type, "Role": role, "Multiplicity": multiplicity})


def _container(schema: etree._Element, view: View) -> None:
    box = view.model.container
    assert box is not None
    element = etree.SubElement(schema, _edm("EntityContainer"), {"Name": _short(box.name)})
    element.set(f"{{{METADATA}}}IsDefaultEntityContainer", "true")
    for source in view.model.sets.values():
        etree.SubElement(element, _edm("EntitySet"), {"Name": source.name, "EntityType": source.type})
    for source, link, target in _links(view):
        between = etree.SubElement(element, _edm("AssociationSet"), {
            "Name": f"{source.name}_{link.name}", "Association": f"{source.type}_{link.name}"})
        for role, end in (("from", source), ("to", target)):
            etree.SubElement(between, _edm("End"), {"Role": role, "EntitySet": end.name})
    for each in view.imports.values():
        _import(element, view, each.name)


def _links(view: View) -> Iterator[tuple[EntitySet, NavigationProperty, EntitySet]]:
    for source in view.model.sets.values():
        for link in view.model.navigations(source.type).values():
            target = view.target(source, link)
            if target is not None:
                yield source, link, target


def _import(container: etree._Element, view: View, name: str) -> None:
    found = view.imports[name]
    element = etree.SubElement(container, _edm("FunctionImport"), {"Name": name})
    element.set(f"{{{METADATA}}}HttpMethod", found.method)
    returns = found.operation.returns
    if returns is not None:
        ref, source = returns.type, view.set_of(returns.type.name)
        single = source.type if source is not None else view.named(TypeRef(ref.name))
        if single is not None:
            element.set("ReturnType", f"Collection({single})" if ref.collection else single)
        if source is not None:
            element.set("EntitySet", source.name)
    if found.source is not None:
        for key in found.keys:
            member = view.model.property_at(found.source.type, key)
            assert member is not None
            etree.SubElement(element, _edm("Parameter"), {"Name": key, **_facets(view, member.type), "Mode": "In"})
    for each in found.operation.parameters[found.operation.bound:]:
        etree.SubElement(element, _edm("Parameter"), {"Name": each.name, **_facets(view, each.type), "Mode": "In"})


def _short(name: str) -> str:
    return name.rpartition(".")[2]

"""CSDL XML 4.0 and 4.01 → `Model`.

`read_document` reads on over faults and reports them as findings; names come out with full namespaces,
constants with their literal text. The parser expands no entity, opens no file and no connection, and
refuses a document type declaration. The writer is `app.csdl.xml_writer`.

CSDL XML 4.01, sections by element; annotations and their expressions are read by `app.csdl.xml_expressions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from lxml import etree

from app.csdl.implied import Declarations, aliases
from app.csdl.source import Document, Source, by_name
from app.csdl.xml_expressions import ExpressionReader
from app.csdl.xml_nodes import EDM, EDMX, parser
from app.edm import model as edm
from app.edm.index import Model


OLD = {
    "http://schemas.microsoft.com/ado/2006/04/edm": "1.0", "http://schemas.microsoft.com/ado/2007/05/edm": "1.1",
    "http://schemas.microsoft.com/ado/2008/09/edm": "2.0", "http://schemas.microsoft.com/ado/2008/01/edm": "2.0",
    "http://schemas.microsoft.com/ado/2009/08/edm": "3.0", "http://schemas.microsoft.com/ado/2009/11/edm": "3.0",
}
OLD_EDMX = "http://schemas.microsoft.com/ado/2007/06/edmx"

_PROLOG = re.compile(r"\A(?:\s|<\?.*?\?>|<!--.*?-->)*(<!DOCTYPE)", re.DOTALL)

Members: TypeAlias = tuple[tuple[edm.PropertyRef, ...], tuple[edm.Property, ...], tuple[edm.NavigationProperty, ...],
                           tuple[edm.Annotation, ...]]


def parse(source: Source) -> etree._Element:
    """The root element. Raises Broken: DOCTYPE, encoding, syntax, depth."""
    text = source.decode()
    doctype = _PROLOG.match(text)
    if doctype:
        raise source.broken("doc-doctype", doctype.start(1))
    try:
        root = etree.fromstring(source.data, parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        place = getattr(error, "position", None) or (1, 1)
        broken = source.broken("doc-syntax", reason=str(error).partition(", line ")[0])
        if "xcessive depth" in str(error):
            broken = source.broken("doc-depth", allowed=256)
        broken.found = replace(broken.found, line=max(place[0], 1), column=max(place[1], 1))
        raise broken from None
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise source.broken("doc-doctype")
    return root


def read_document(source: Source, trace: bool = False) -> Document:
    """The document of a source; `trace` notes the place of every object of the model.

    Raises Broken where nothing can be read at all; other faults are findings.
    """
    return Reader(source, parse(source), trace).document()


class Reader(ExpressionReader):
    """One reading of one document."""

    # --- document ----------------------------------------------------------------------------------------

    def document(self) -> Document:
        root = self.root
        self._require_odata4(root)
        version = self.required(root, "Version") or "4.0"
        if version not in ("4.0", "4.01", "4.02"):
            self.report("doc-version", root, value=version)
        services = [child for child in root if child.tag == EDMX + "DataServices"]
        self.names = aliases(root)
        self.declared = Declarations(root)
        references: list[edm.Reference] = []
        schemas: list[edm.Schema] = []
        nodes: list[etree._Element] = []
        for child in self.children(root, "Edmx", {EDMX + "Reference", EDMX + "DataServices"}):
            if child.tag == EDMX + "Reference":
                references.append(self.reference(child))
                nodes.append(child)
        if not services:
            self.report("doc-no-services", root)
        for extra in services[1:]:
            self.report("doc-repeated-element", extra, parent="Edmx", name="DataServices")
        for service in services[:1]:
            for child in self.children(service, "DataServices", {EDM + "Schema"}):
                schemas.append(self.schema(child))
            if not len(service):
                self.report("doc-no-schema", service)
        model = Model(tuple(schemas), self.one_a_uri(references, nodes), "4.0" if version == "4.0" else "4.01",
                      source=self.source.name)
        return Document(model, tuple(self.finish()), self.places())

    def _require_odata4(self, root: etree._Element) -> None:
        if root.tag == EDMX + "Edmx":
            for schema in root.iterfind(f"{EDMX}DataServices/{{*}}Schema"):
                namespace = etree.QName(schema).namespace
                if namespace in OLD:
                    raise self.source.broken("doc-old-version", self.offset(schema), version=OLD[namespace])
            return
        name = etree.QName(root)
        if name.namespace == OLD_EDMX or name.namespace in OLD:
            version = OLD.get(name.namespace or "") or next(
                (OLD[found] for each in root.iter("{*}Schema") if (found := etree.QName(each).namespace) in OLD),
                "1.0 to 3.0")
            raise self.source.broken("doc-old-version", self.offset(root), version=version)
        raise self.source.broken("doc-root", self.offset(root), name=root.tag)

    def reference(self, node: etree._Element) -> edm.Reference:
        includes: list[edm.Include] = []
        include_annotations: list[edm.IncludeAnnotations] = []
        annotations: list[edm.Annotation] = []
        for child in self.children(node, "Reference", {EDMX + "Include", EDMX + "IncludeAnnotations"}, annotations):
            if child.tag == EDMX + "Include":
                own: list[edm.Annotation] = []
                for _ in self.children(child, "Include", set(), own):
                    pass
                includes.append(self.at(child, edm.Include(self.required(child, "Namespace"), child.get("Alias"),
                                                           tuple(own))))
            else:
                for _ in self.children(child, "IncludeAnnotations", set()):
                    pass
                include_annotations.append(self.at(child, edm.IncludeAnnotations(
                    self.required(child, "TermNamespace"), child.get("Qualifier"), child.get("TargetNamespace"))))
        uri = self.required(node, "Uri")
        if not includes and not include_annotations:
            self.report("doc-reference-empty", node, uri=uri)
        return self.at(node, edm.Reference(uri, tuple(includes), tuple(include_annotations), tuple(annotations),
                                           self.line(node)))

    def one_a_uri(self, references: list[edm.Reference], nodes: list[etree._Element]) -> tuple[edm.Reference, ...]:
        """References of the same URI as one (§3.2: there must not be two, and CSDL JSON cannot have them)."""
        found: dict[str, edm.Reference] = {}
        for each, node in zip(references, nodes):
            known = found.get(each.uri)
            if known is None:
                found[each.uri] = each
                continue
            self.report("doc-reference-twice", node, uri=each.uri)
            fresh = tuple(include for include in each.includes if include not in known.includes)
            found[each.uri] = replace(known, includes=known.includes + fresh,
                                      include_annotations=known.include_annotations + each.include_annotations,
                                      annotations=known.annotations + each.annotations)
        return tuple(found.values())

    # --- schema ------------------------------------------------------------------------------------------

    def schema(self, node: etree._Element) -> edm.Schema:
        self.namespace = self.required(node, "Namespace")
        found: dict[str, list[Any]] = {}
        annotations: list[edm.Annotation] = []
        for child in self.children(node, "Schema", _SCHEMA_CHILDREN, annotations):
            group, read = _SCHEMA_READERS[child.tag]
            found.setdefault(group, []).append(read(self, child))
        containers = found.get("container", [])
        for extra in list(node.iterchildren(EDM + "EntityContainer"))[1:]:
            self.report("doc-repeated-element", extra, parent="Schema", name="EntityContainer")
        return self.at(node, edm.Schema(
            self.namespace, node.get("Alias"), tuple(found.get("types", ())), by_name(found.get("actions", ())),
            by_name(found.get("functions", ())), tuple(found.get("terms", ())), containers[0] if containers else None,
            merged(found.get("external", [])), tuple(annotations), self.line(node)))

    def qualified(self, node: etree._Element) -> str:
        return f"{self.namespace}.{self.required(node, 'Name')}"

    def optional_name(self, node: etree._Element, attribute: str) -> str | None:
        value = node.get(attribute)
        return None if value is None else self.names.name(value.strip())

    def optional_path(self, node: etree._Element, attribute: str) -> str | None:
        value = node.get(attribute)
        return None if value is None else self.names.path(value.strip())

    def entity_type(self, node: etree._Element) -> edm.EntityType:
        key, properties, navigation, annotations = self._members(node, "EntityType")
        return self.at(node, edm.EntityType(
            self.qualified(node), self.optional_name(node, "BaseType"), self.boolean(node, "Abstract", False),
            self.boolean(node, "OpenType", False), self.boolean(node, "HasStream", False), key, properties, navigation,
            annotations, self.line(node)))

    def complex_type(self, node: etree._Element) -> edm.ComplexType:
        _, properties, navigation, annotations = self._members(node, "ComplexType")
        return self.at(node, edm.ComplexType(
            self.qualified(node), self.optional_name(node, "BaseType"), self.boolean(node, "Abstract", False),
            self.boolean(node, "OpenType", False), properties, navigation, annotations, self.line(node)))

    def _members(self, node: etree._Element, tag: str) -> Members:
        keys: list[edm.PropertyRef] = []
        properties: list[edm.Property] = []
        navigation: list[edm.NavigationProperty] = []
        annotations: list[edm.Annotation] = []
        seen_key = False
        for child in self.children(node, tag, _ENTITY_CHILDREN if tag == "EntityType" else _COMPLEX_CHILDREN,
                                   annotations):
            if child.tag == EDM + "Property":
                properties.append(self.property(child))
            elif child.tag == EDM + "NavigationProperty":
                navigation.append(self.navigation_property(child))
            elif seen_key:
                self.report("doc-repeated-element", child, parent=tag, name="Key")
            else:
                seen_key = True
                keys = [self._property_ref(ref) for ref in self.children(child, "Key", {EDM + "PropertyRef"})]
                if not keys:
                    self.report("doc-key-empty", child)
        return tuple(keys), tuple(properties), tuple(navigation), tuple(annotations)

    def _property_ref(self, node: etree._Element) -> edm.PropertyRef:
        self.childless(node, "PropertyRef")
        return self.at(node, edm.PropertyRef(self.names.path(self.required(node, "Name")), node.get("Alias")))

    def property(self, node: etree._Element) -> edm.Property:
        return self.at(node, edm.Property(self.required(node, "Name"), self.type_ref(node), node.get("DefaultValue"),
                                          self.only_annotations(node, "Property"), self.line(node)))

    def navigation_property(self, node: etree._Element) -> edm.NavigationProperty:
        annotations: list[edm.Annotation] = []
        constraints: list[edm.ReferentialConstraint] = []
        on_delete: str | None = None
        on_delete_annotations: tuple[edm.Annotation, ...] = ()
        for child in self.children(node, "NavigationProperty", {EDM + "ReferentialConstraint", EDM + "OnDelete"},
                                   annotations):
            if child.tag == EDM + "ReferentialConstraint":
                constraints.append(self.at(child, edm.ReferentialConstraint(
                    self.names.path(self.required(child, "Property")),
                    self.names.path(self.required(child, "ReferencedProperty")),
                    self.only_annotations(child, "ReferentialConstraint"))))
            elif on_delete is not None:
                self.report("doc-repeated-element", child, parent="NavigationProperty", name="OnDelete")
            else:
                on_delete = self.required(child, "Action")
                on_delete_annotations = self.only_annotations(child, "OnDelete")
        name, collection = self.names.type(self.required(node, "Type").strip())
        nullable = self.boolean(node, "Nullable", True) if not collection or "Nullable" in node.attrib else None
        return self.at(node, edm.NavigationProperty(
            self.required(node, "Name"), name, collection, nullable, self.optional_path(node, "Partner"),
            self.boolean(node, "ContainsTarget", False), tuple(constraints), on_delete, on_delete_annotations,
            tuple(annotations), self.line(node)))

    def enum_type(self, node: etree._Element) -> edm.EnumType:
        annotations: list[edm.Annotation] = []
        members: list[edm.Member] = []
        following = 0
        for child in self.children(node, "EnumType", {EDM + "Member"}, annotations):
            text = child.get("Value")
            value = following if text is None else self.integer(child, "Value", following)
            members.append(self.at(child, edm.Member(self.required(child, "Name"), value,
                                                     self.only_annotations(child, "Member"),
                                                     text is not None)))
            following = value + 1
        return self.at(node, edm.EnumType(
            self.qualified(node), self.optional_name(node, "UnderlyingType") or "Edm.Int32",
            self.boolean(node, "IsFlags", False),
            tuple(members), tuple(annotations), self.line(node)))

    def type_definition(self, node: etree._Element) -> edm.TypeDefinition:
        return self.at(node, edm.TypeDefinition(self.qualified(node), self.type_ref(node, "UnderlyingType"),
                                                self.only_annotations(node, "TypeDefinition"), self.line(node)))

    def action(self, node: etree._Element) -> edm.Action:
        parameters, returns, annotations = self._signature(node, "Action")
        return self.at(node, edm.Action(self.qualified(node), self.boolean(node, "IsBound", False), parameters, returns,
                                        self.optional_path(node, "EntitySetPath"), annotations, self.line(node)))

    def function(self, node: etree._Element) -> edm.Function:
        parameters, returns, annotations = self._signature(node, "Function")
        return self.at(node, edm.Function(
            self.qualified(node), self.boolean(node, "IsBound", False), self.boolean(node, "IsComposable", False),
            parameters,
            returns, self.optional_path(node, "EntitySetPath"), annotations, self.line(node)))

    def _signature(self, node: etree._Element, tag: str) -> tuple[
            tuple[edm.Parameter, ...], edm.ReturnType | None, tuple[edm.Annotation, ...]]:
        annotations: list[edm.Annotation] = []
        parameters: list[edm.Parameter] = []
        returns: edm.ReturnType | None = None
        for child in self.children(node, tag, {EDM + "Parameter", EDM + "ReturnType"}, annotations):
            if child.tag == EDM + "Parameter":
                parameters.append(self.at(child, edm.Parameter(self.required(child, "Name"), self.type_ref(child),
                                                               self.only_annotations(child, "Parameter"))))
            elif returns is not None:
                self.report("doc-repeated-element", child, parent=tag, name="ReturnType")
            else:
                returns = self.at(child, edm.ReturnType(self.type_ref(child),
                                                        self.only_annotations(child, "ReturnType")))
        return tuple(parameters), returns, tuple(annotations)

    def term(self, node: etree._Element) -> edm.Term:
        return self.at(node, edm.Term(
            self.qualified(node), self.type_ref(node), self.optional_name(node, "BaseTerm"), node.get("DefaultValue"),
            tuple((node.get("AppliesTo") or "").split()), self.only_annotations(node, "Term"), self.line(node)))

    def external(self, node: etree._Element) -> edm.Annotations:
        qualifier = node.get("Qualifier")
        annotations: list[edm.Annotation] = []
        for _ in self.children(node, "Annotations", set(), annotations, qualifier):
            pass
        return self.at(node, edm.Annotations(self.names.path(self.required(node, "Target")), None, tuple(annotations),
                                             self.line(node)))

    # --- container ---------------------------------------------------------------------------------------

    def container(self, node: etree._Element) -> edm.EntityContainer:
        found: dict[str, list[Any]] = {}
        annotations: list[edm.Annotation] = []
        for child in self.children(node, "EntityContainer", _CONTAINER_CHILDREN, annotations):
            found.setdefault(child.tag, []).append(_CONTAINER_READERS[child.tag](self, child))
        return self.at(node, edm.EntityContainer(
            self.qualified(node), self.optional_name(node, "Extends"), tuple(found.get(EDM + "EntitySet", ())),
            tuple(found.get(EDM + "Singleton", ())), tuple(found.get(EDM + "ActionImport", ())),
            tuple(found.get(EDM + "FunctionImport", ())), tuple(annotations), self.line(node)))

    def _bindings(self, node: etree._Element, tag: str) -> tuple[tuple[edm.Binding, ...], tuple[edm.Annotation, ...]]:
        annotations: list[edm.Annotation] = []
        bindings: list[edm.Binding] = []
        for child in self.children(node, tag, {EDM + "NavigationPropertyBinding"}, annotations):
            self.childless(child, "NavigationPropertyBinding")
            bindings.append(self.at(child, edm.Binding(self.names.path(self.required(child, "Path")),
                                                       self.names.path(self.required(child, "Target")))))
        return tuple(bindings), tuple(annotations)

    def entity_set(self, node: etree._Element) -> edm.EntitySet:
        bindings, annotations = self._bindings(node, "EntitySet")
        return self.at(node, edm.EntitySet(
            self.required(node, "Name"), self.names.name(self.required(node, "EntityType")),
            self.boolean(node, "IncludeInServiceDocument", True), bindings, annotations, self.line(node)))

    def singleton(self, node: etree._Element) -> edm.Singleton:
        bindings, annotations = self._bindings(node, "Singleton")
        return self.at(node, edm.Singleton(self.required(node, "Name"), self.names.name(self.required(node, "Type")),
                                           self.boolean(node, "Nullable", False), bindings, annotations,
                                           self.line(node)))

    def action_import(self, node: etree._Element) -> edm.ActionImport:
        return self.at(node, edm.ActionImport(
            self.required(node, "Name"), self.names.name(self.required(node, "Action")),
            self.optional_path(node, "EntitySet"),
            self.only_annotations(node, "ActionImport"), self.line(node)))

    def function_import(self, node: etree._Element) -> edm.FunctionImport:
        return self.at(node, edm.FunctionImport(
            self.required(node, "Name"), self.names.name(self.required(node, "Function")),
            self.optional_path(node, "EntitySet"), self.boolean(node, "IncludeInServiceDocument", False),
            self.only_annotations(node, "FunctionImport"), self.line(node)))


def merged(blocks: list[edm.Annotations]) -> tuple[edm.Annotations, ...]:
    """External annotations, one block a target (CSDL JSON has no other form)."""
    found: dict[str, edm.Annotations] = {}
    for block in blocks:
        known = found.get(block.target)
        found[block.target] = block if known is None else edm.Annotations(
            known.target, None, known.annotations + block.annotations, known.line)
    return tuple(found.values())


_SCHEMA_READERS: dict[str, tuple[str, Callable[[Reader, etree._Element], Any]]] = {
    EDM + "EntityType": ("types", Reader.entity_type), EDM + "ComplexType": ("types", Reader.complex_type),
    EDM + "EnumType": ("types", Reader.enum_type), EDM + "TypeDefinition": ("types", Reader.type_definition),
    EDM + "Action": ("actions", Reader.action), EDM + "Function": ("functions", Reader.function),
    EDM + "Term": ("terms", Reader.term), EDM + "Annotations": ("external", Reader.external),
    EDM + "EntityContainer": ("container", Reader.container),
}
_SCHEMA_CHILDREN = set(_SCHEMA_READERS)
_ENTITY_CHILDREN = {EDM + "Key", EDM + "Property", EDM + "NavigationProperty"}
_COMPLEX_CHILDREN = {EDM + "Property", EDM + "NavigationProperty"}
_CONTAINER_READERS: dict[str, Callable[[Reader, etree._Element], Any]] = {
    EDM + "EntitySet": Reader.entity_set, EDM + "Singleton": Reader.singleton,
    EDM + "ActionImport": Reader.action_import, EDM + "FunctionImport": Reader.function_import,
}
_CONTAINER_CHILDREN = set(_CONTAINER_READERS)

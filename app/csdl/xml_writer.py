"""`Model` → CSDL XML 4.0 and 4.01.

Names are written with the alias of their schema or include where there is one; defaults are left out.
What stood in a document keeps its order by line. The reader is `app.csdl.xml`.
"""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from app.csdl.names import Names
from app.csdl.xml_expressions import FACETS
from app.csdl.xml_nodes import EDM, EDM_NS, EDMX, EDMX_NS
from app.edm import expressions as ex
from app.edm import model as edm
from app.edm.index import Model
from app.errors import ModelError


_MUST_SAY = {EDM + "Property", EDM + "Term"}


def write_xml(model: Model, version: str = "4.01", full_names: bool = False) -> bytes:
    """The document of a model, UTF-8, indented; `full_names`: no aliases for what its own schemas declare.

    Raises ModelError for text that XML cannot hold.
    """
    writer = _Writer(model, version, full_names)
    try:
        root = writer.document(model, version)
    except ValueError as error:
        raise ModelError(f"The model cannot be written as XML: {error}") from None
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _text(value: bool) -> str:
    return "true" if value else "false"


class _Writer:
    def __init__(self, model: Model, version: str, full_names: bool) -> None:
        own = {schema.namespace for schema in model.schemas} if full_names else set()
        names = Names({namespace: alias for alias, namespace in reversed(model.aliases.items())
                       if namespace not in own})
        self.old = version == "4.0"
        self.name, self.path = names.name, names.path

    def add(self, parent: etree._Element, tag: str, *attributes: tuple[str, str | None]) -> etree._Element:
        """A child with the attributes that are not None."""
        node = etree.SubElement(parent, EDM + tag)
        for name, value in attributes:
            if value is not None:
                node.set(name, value)
        return node

    # --- document ----------------------------------------------------------------------------------------

    def document(self, model: Model, version: str) -> etree._Element:
        root = etree.Element(EDMX + "Edmx", {"Version": version},
                             nsmap={"edmx": EDMX_NS, None: EDM_NS})    # type: ignore[dict-item]
        for reference in model.references:
            self.reference(root, reference)
        services = etree.SubElement(root, EDMX + "DataServices")
        for schema in model.schemas:
            self.schema(services, schema)
        return root

    def reference(self, root: etree._Element, reference: edm.Reference) -> None:
        node = etree.SubElement(root, EDMX + "Reference", {"Uri": reference.uri})
        for include in reference.includes:
            child = etree.SubElement(node, EDMX + "Include", {"Namespace": include.namespace})
            if include.alias:
                child.set("Alias", include.alias)
            self.annotations(child, include.annotations)
        for note in reference.include_annotations:
            child = etree.SubElement(node, EDMX + "IncludeAnnotations", {"TermNamespace": note.term_namespace})
            if note.qualifier:
                child.set("Qualifier", note.qualifier)
            if note.target_namespace:
                child.set("TargetNamespace", note.target_namespace)
        self.annotations(node, reference.annotations)

    def schema(self, parent: etree._Element, schema: edm.Schema) -> None:
        node = self.add(parent, "Schema", ("Namespace", schema.namespace), ("Alias", schema.alias))
        self.annotations(node, schema.annotations)
        container = (schema.container,) if schema.container else ()
        children = schema.types + schema.operations + schema.terms + container + schema.external
        for child in sorted(children, key=lambda each: each.line):
            match child:
                case edm.EntityType() | edm.ComplexType():
                    self.structured(node, child)
                case edm.EnumType():
                    self.enum(node, child)
                case edm.TypeDefinition():
                    own = self.add(node, "TypeDefinition", ("Name", _last(child.name)),
                                   ("UnderlyingType", self.name(child.type.name)))
                    self.facets(own, child.type)
                    self.annotations(own, child.annotations)
                case edm.Action() | edm.Function():
                    self.operation(node, child)
                case edm.Term():
                    self.term(node, child)
                case edm.EntityContainer():
                    self.container(node, child)
                case edm.Annotations():
                    own = self.add(node, "Annotations", ("Target", self.path(child.target)),
                                   ("Qualifier", child.qualifier))
                    self.annotations(own, child.annotations)

    # --- types -------------------------------------------------------------------------------------------

    def structured(self, parent: etree._Element, kind: edm.EntityType | edm.ComplexType) -> None:
        node = self.add(parent, type(kind).__name__, ("Name", _last(kind.name)),
                        ("BaseType", kind.base and self.name(kind.base)),
                        ("Abstract", "true" if kind.abstract else None),
                        ("OpenType", "true" if kind.open else None))
        if isinstance(kind, edm.EntityType):
            if kind.has_stream:
                node.set("HasStream", "true")
            if kind.key:
                key = self.add(node, "Key")
                for ref in kind.key:
                    self.add(key, "PropertyRef", ("Name", self.path(ref.path)), ("Alias", ref.alias))
        for member in sorted(kind.members, key=lambda each: each.line):
            if isinstance(member, edm.Property):
                own = self.add(node, "Property", ("Name", member.name))
                self.typed(own, member.type)
                if member.default is not None:
                    own.set("DefaultValue", member.default)
                self.annotations(own, member.annotations)
            else:
                self.navigation(node, member)
        self.annotations(node, kind.annotations)

    def navigation(self, parent: etree._Element, member: edm.NavigationProperty) -> None:
        kind = self.name(member.type)
        nullable = None
        if member.nullable is False or (member.collection and member.nullable is not None):
            nullable = _text(member.nullable)
        node = self.add(parent, "NavigationProperty", ("Name", member.name),
                        ("Type", f"Collection({kind})" if member.collection else kind), ("Nullable", nullable),
                        ("Partner", member.partner and self.path(member.partner)),
                        ("ContainsTarget", "true" if member.contains_target else None))
        for constraint in member.constraints:
            own = self.add(node, "ReferentialConstraint", ("Property", self.path(constraint.property)),
                           ("ReferencedProperty", self.path(constraint.referenced)))
            self.annotations(own, constraint.annotations)
        if member.on_delete is not None:
            self.annotations(self.add(node, "OnDelete", ("Action", member.on_delete)), member.on_delete_annotations)
        self.annotations(node, member.annotations)

    def enum(self, parent: etree._Element, kind: edm.EnumType) -> None:
        underlying = None if kind.underlying == "Edm.Int32" else self.name(kind.underlying)
        node = self.add(parent, "EnumType", ("Name", _last(kind.name)), ("UnderlyingType", underlying),
                        ("IsFlags", "true" if kind.flags else None))
        counted = all(not member.explicit and member.value == index for index, member in enumerate(kind.members))
        for member in kind.members:
            own = self.add(node, "Member", ("Name", member.name), ("Value", None if counted else str(member.value)))
            self.annotations(own, member.annotations)
        self.annotations(node, kind.annotations)

    def typed(self, node: etree._Element, ref: edm.TypeRef) -> None:
        """Type, Nullable and facets of a property, parameter, return type or term."""
        kind = self.name(ref.name)
        node.set("Type", f"Collection({kind})" if ref.collection else kind)
        said = "nullable" not in ref.spelling or (not self.old and node.tag in _MUST_SAY)    # 4.01, §7.2 and §14.1
        if ref.nullable is not None and (said if ref.collection else not ref.nullable):
            node.set("Nullable", _text(ref.nullable))
        self.facets(node, ref)

    def facets(self, node: etree._Element, ref: edm.TypeRef) -> None:
        values = (ref.max_length, ref.precision, ref.scale, ref.unicode, ref.srid)
        for name, value in zip(FACETS, values):
            if name == "MaxLength" and value is None and "max" in ref.spelling and self.old:
                value = "max"
            if value is None or (name == "Scale" and value == 0 and "scale" in ref.spelling):
                continue
            node.set(name, _text(value) if isinstance(value, bool) else str(value))

    # --- operations and terms ----------------------------------------------------------------------------

    def operation(self, parent: etree._Element, operation: edm.Action | edm.Function) -> None:
        composable = isinstance(operation, edm.Function) and operation.composable
        node = self.add(parent, type(operation).__name__, ("Name", _last(operation.name)),
                        ("IsBound", "true" if operation.bound else None),
                        ("IsComposable", "true" if composable else None),
                        ("EntitySetPath", operation.entity_set_path and self.path(operation.entity_set_path)))
        for parameter in operation.parameters:
            own = self.add(node, "Parameter", ("Name", parameter.name))
            self.typed(own, parameter.type)
            self.annotations(own, parameter.annotations)
        if operation.returns is not None:
            own = self.add(node, "ReturnType")
            self.typed(own, operation.returns.type)
            self.annotations(own, operation.returns.annotations)
        self.annotations(node, operation.annotations)

    def term(self, parent: etree._Element, term: edm.Term) -> None:
        node = self.add(parent, "Term", ("Name", _last(term.name)))
        self.typed(node, term.type)
        for name, value in (("BaseTerm", term.base and self.name(term.base)), ("DefaultValue", term.default),
                            ("AppliesTo", " ".join(term.applies_to) or None)):
            if value is not None:
                node.set(name, value)
        self.annotations(node, term.annotations)

    # --- container ---------------------------------------------------------------------------------------

    def container(self, parent: etree._Element, container: edm.EntityContainer) -> None:
        node = self.add(parent, "EntityContainer", ("Name", _last(container.name)),
                        ("Extends", container.extends and self.name(container.extends)))
        self.annotations(node, container.annotations)
        for child in sorted(container.children, key=lambda each: each.line):
            match child:
                case edm.EntitySet():
                    own = self.add(node, "EntitySet", ("Name", child.name), ("EntityType", self.name(child.type)),
                                   ("IncludeInServiceDocument", None if child.in_service_document else "false"))
                    self.bindings(own, child.bindings)
                case edm.Singleton():
                    own = self.add(node, "Singleton", ("Name", child.name), ("Type", self.name(child.type)),
                                   ("Nullable", "true" if child.nullable else None))
                    self.bindings(own, child.bindings)
                case edm.ActionImport():
                    own = self.add(node, "ActionImport", ("Name", child.name), ("Action", self.name(child.action)),
                                   ("EntitySet", child.entity_set and self.path(child.entity_set)))
                case edm.FunctionImport():
                    own = self.add(node, "FunctionImport", ("Name", child.name),
                                   ("Function", self.name(child.function)),
                                   ("EntitySet", child.entity_set and self.path(child.entity_set)),
                                   ("IncludeInServiceDocument", "true" if child.in_service_document else None))
            self.annotations(own, child.annotations)

    def bindings(self, node: etree._Element, bindings: Iterable[edm.Binding]) -> None:
        for binding in bindings:
            self.add(node, "NavigationPropertyBinding", ("Path", self.path(binding.path)),
                     ("Target", self.path(binding.target)))

    # --- annotations -------------------------------------------------------------------------------------

    def annotations(self, node: etree._Element, annotations: Iterable[edm.Annotation]) -> None:
        for annotation in annotations:
            own = self.add(node, "Annotation", ("Term", self.name(annotation.term)),
                           ("Qualifier", annotation.qualifier))
            if annotation.value is not None and annotation.explicit:
                self.value(own, annotation.value)
            self.annotations(own, annotation.annotations)

    def value(self, node: etree._Element, value: ex.Expression) -> None:
        """The value of an annotation, member or labelled element: an attribute where one can hold it."""
        match value:
            case ex.Constant(kind, text):
                node.set(kind, text)
            case ex.EnumMember(members):
                node.set("EnumMember", " ".join(self.path(member) for member in members))
            case ex.PathExpression(kind, path):
                node.set(kind, self.path(path))
            case ex.UrlRef(ex.Constant("String", text), ()):
                node.set("UrlRef", text)
            case _:
                self.expression(node, value)

    def expression(self, parent: etree._Element, value: ex.Expression) -> None:
        """An expression as a child element."""
        match value:
            case ex.Constant(kind, text):
                self.add(parent, kind).text = text
            case ex.EnumMember(members):
                self.add(parent, "EnumMember").text = " ".join(self.path(member) for member in members)
            case ex.PathExpression(kind, path):
                self.add(parent, kind).text = self.path(path)
            case ex.Collection(items):
                self.operands(self.add(parent, "Collection"), items)
            case ex.LabeledElementReference(name):
                self.add(parent, "LabeledElementReference").text = self.name(name)
            case ex.Record():
                node = self.add(parent, "Record", ("Type", value.type and self.name(value.type)))
                for member in value.properties:
                    own = self.add(node, "PropertyValue", ("Property", member.name))
                    if member.value is not None and member.explicit:
                        self.value(own, member.value)
                    self.annotations(own, member.annotations)
                self.annotations(node, value.annotations)
            case ex.LabeledElement():
                node = self.add(parent, "LabeledElement", ("Name", _last(value.name)))
                if value.value is not None:
                    self.value(node, value.value)
                self.annotations(node, value.annotations)
            case _:
                self.composed(parent, value)

    def composed(self, parent: etree._Element, value: ex.Expression) -> None:
        match value:
            case ex.Null():
                node = self.add(parent, "Null")
            case ex.Apply():
                node = self.add(parent, "Apply", ("Function", value.function))
                self.operands(node, value.arguments)
            case ex.Cast() | ex.IsOf():
                kind = self.name(value.type)
                node = self.add(parent, type(value).__name__,
                                ("Type", f"Collection({kind})" if value.collection else kind),
                                *value.facets)
                self.operands(node, (value.value,) if value.value is not None else ())
            case ex.If():
                node = self.add(parent, "If")
                self.operands(node, (value.condition, value.then))
                self.operands(node, (value.otherwise,) if value.otherwise is not None else ())
            case ex.UrlRef():
                node = self.add(parent, "UrlRef")
                self.operands(node, (value.value,))
            case ex.Operator():
                node = self.add(parent, value.name)
                self.operands(node, value.operands)
            case _:
                raise TypeError(type(value).__name__)
        self.annotations(node, value.annotations)

    def operands(self, node: etree._Element, values: Iterable[ex.Expression]) -> None:
        for value in values:
            self.expression(node, value)


def _last(name: str) -> str:
    return name.rpartition(".")[2]

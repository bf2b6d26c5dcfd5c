"""Annotations and their expressions in CSDL XML (§14.2 to §14.4)."""

from __future__ import annotations

from lxml import etree

from app.csdl.implied import NOTHING, TRUE, Declarations
from app.csdl.source import MAX_DEPTH
from app.csdl.xml_nodes import EDM, NodeReader
from app.edm import expressions as ex
from app.edm import model as edm

CONSTANTS = frozenset({"Binary", "Bool", "Date", "DateTimeOffset", "Decimal", "Duration", "Float", "Guid", "Int",
                       "String",
                       "TimeOfDay"})
PATHS = frozenset({"Path", "PropertyPath", "NavigationPropertyPath", "AnnotationPath", "ModelElementPath",
                   "AnyPropertyPath"})
INLINE = CONSTANTS | PATHS | {"EnumMember", "UrlRef"}
OPERATORS = {"And": 2, "Or": 2, "Not": 1, "Eq": 2, "Ne": 2, "Gt": 2, "Ge": 2, "Lt": 2, "Le": 2, "Has": 2, "In": 2,
             "Add": 2,
             "Sub": 2, "Neg": 1, "Mul": 2, "Div": 2, "DivBy": 2, "Mod": 2}
OTHERS = frozenset({"Apply", "Cast", "Collection", "If", "IsOf", "LabeledElement", "LabeledElementReference", "Null",
                    "Record",
                    "UrlRef", "EnumMember"})
ELEMENTS = CONSTANTS | PATHS | frozenset(OPERATORS) | OTHERS
FACETS = ("MaxLength", "Precision", "Scale", "Unicode", "SRID")

_EXPRESSIONS = {EDM + name for name in ELEMENTS}
_ANNOTATION = EDM + "Annotation"
_NO_ATTRIBUTES: frozenset[str] = frozenset()
_ATTRIBUTES = {
    "Annotation": INLINE | {"Term", "Qualifier"}, "PropertyValue": INLINE | {"Property"},
    "LabeledElement": INLINE | {"Name"},
    "Record": frozenset({"Type"}), "Apply": frozenset({"Function"}), "Cast": frozenset({"Type", *FACETS}),
    "IsOf": frozenset({"Type", *FACETS}), "LabeledElementReference": frozenset({"Name"}),
}


class ExpressionReader(NodeReader):
    """Reads `Annotation` and what stands in it."""

    depth = 0
    declared = Declarations(None)

    def annotation(self, node: etree._Element, qualifier: str | None = None) -> edm.Annotation:
        attributes = node.attrib
        term = self.names.name(self.required(node, "Term").strip())
        value, annotations, _ = self._valued(node, "Annotation")
        explicit = value is not None
        if value is None:
            value = self.declared.implied(term)
        return self.at(node, edm.Annotation(term, attributes.get("Qualifier") or qualifier, value, annotations,
                                            self.line(node),
                                            explicit))

    def _valued(self, node: etree._Element, tag: str) -> tuple[ex.Expression | None, tuple[edm.Annotation, ...], int]:
        """Value (inline or child), annotations and number of values of Annotation, PropertyValue, LabeledElement."""
        values: list[ex.Expression] = []
        for name in node.attrib:
            if name in INLINE:
                values.append(self.inline(node, str(name)))
        annotations: list[edm.Annotation] = []
        values += self.operands(node, tag, annotations)
        if len(values) > 1:
            self.report("doc-two-expressions", node, parent=tag)
        return values[0] if values else None, tuple(annotations), len(values)

    def operands(self, node: etree._Element, tag: str, annotations: list[edm.Annotation] | None) -> list[ex.Expression]:
        """The child expressions."""
        if node.attrib:
            self.attributes(node, tag, _ATTRIBUTES.get(tag, _NO_ATTRIBUTES))
        if node.text and node.text.strip():
            self.report("doc-text", node, parent=tag, text=node.text.strip())
        found: list[ex.Expression] = []
        for child in node:
            if child.tail and child.tail.strip():
                self.report("doc-text", node, parent=tag, text=child.tail.strip())
            if child.tag in _EXPRESSIONS:
                found.append(self.expression(child))
            elif child.tag == _ANNOTATION and annotations is not None:
                annotations.append(self.annotation(child))
            else:
                self.stranger(child, tag)
        return found

    def inline(self, node: etree._Element, name: str) -> ex.Expression:
        text = str(node.attrib[name])
        if name == "UrlRef":
            return self.at(node, ex.UrlRef(ex.Constant("String", text)))
        return self.at(node, self._simple(name, text))

    def _simple(self, name: str, text: str) -> ex.Expression:
        if name == "String":
            return ex.Constant(name, text)
        if name in CONSTANTS:
            return ex.Constant(name, text.strip())
        if name == "EnumMember":
            return ex.EnumMember(self.names.members(text))
        return ex.PathExpression(name, self.names.path(text.strip()))

    def expression(self, node: etree._Element) -> ex.Expression:
        """Any expression element."""
        self.depth += 1
        try:
            if self.depth > MAX_DEPTH:
                raise self.source.broken("doc-depth", self.offset(node), allowed=MAX_DEPTH)
            return self.at(node, self._expression(node, etree.QName(node).localname))
        finally:
            self.depth -= 1

    def _expression(self, node: etree._Element, name: str) -> ex.Expression:
        if name in CONSTANTS or name in PATHS or name == "EnumMember":
            self._leaf(node, name, _NO_ATTRIBUTES)
            return self._simple(name, node.text or "")
        if name == "Record":
            return self._record(node)
        if name == "Collection":
            return ex.Collection(tuple(self.operands(node, name, None)))
        if name == "LabeledElementReference":
            self._leaf(node, name, _ATTRIBUTES[name])
            return ex.LabeledElementReference(self.names.name(node.get("Name") or (node.text or "").strip()))
        if name == "LabeledElement":
            value, annotations, _ = self._valued(node, name)
            return ex.LabeledElement(f"{self.namespace}.{self.required(node, 'Name')}", value, annotations)
        return self._composed(node, name)

    def _leaf(self, node: etree._Element, name: str, known: frozenset[str]) -> None:
        """Report what cannot stand in an expression that is only text."""
        if node.attrib:
            self.attributes(node, name, known)
        for child in node:
            self.stranger(child, name)

    def _composed(self, node: etree._Element, name: str) -> ex.Expression:
        notes: list[edm.Annotation] = []
        operands = tuple(self.operands(node, name, notes))
        annotations = tuple(notes)
        if name == "Null":
            self._expect(node, name, operands, 0, 0)
            return ex.Null(annotations)
        if name == "Apply":
            return ex.Apply(self.required(node, "Function"), operands, annotations)
        if name in ("Cast", "IsOf"):
            self._expect(node, name, operands, 1, 1)
            kind, collection = self.names.type(self.required(node, "Type").strip())
            facets = tuple((facet, text) for facet in FACETS if (text := node.get(facet)) is not None)
            make = ex.Cast if name == "Cast" else ex.IsOf
            return make(kind, operands[0] if operands else None, collection, facets, annotations)
        if name == "If":
            self._expect(node, name, operands, 2, 3)
            if len(operands) < 2:
                return ex.If(NOTHING, NOTHING, NOTHING, annotations)
            return ex.If(operands[0], operands[1], operands[2] if len(operands) > 2 else None, annotations)
        if name == "UrlRef":
            self._expect(node, name, operands, 1, 1)
            return ex.UrlRef(operands[0] if operands else NOTHING, annotations)
        self._expect(node, name, operands, OPERATORS[name], OPERATORS[name])
        return ex.Operator(name, operands, annotations)

    def _expect(self, node: etree._Element, name: str, operands: tuple[ex.Expression, ...], low: int,
                high: int) -> None:
        if not low <= len(operands) <= high:
            expected = str(low) if low == high else f"{low} or {high}"
            self.report("doc-operands", node, name=name, count=len(operands), expected=expected)

    def _record(self, node: etree._Element) -> ex.Record:
        members: list[ex.PropertyValue] = []
        annotations: list[edm.Annotation] = []
        if node.attrib:
            self.attributes(node, "Record", _ATTRIBUTES["Record"])
        if node.text and node.text.strip():
            self.report("doc-text", node, parent="Record", text=node.text.strip())
        for child in node:
            if child.tail and child.tail.strip():
                self.report("doc-text", node, parent="Record", text=child.tail.strip())
            if child.tag == EDM + "PropertyValue":
                value, own, count = self._valued(child, "PropertyValue")
                if not count:
                    self.report("doc-no-value", child, name=child.get("Property"))
                members.append(self.at(child, ex.PropertyValue(self.required(child, "Property"), value or TRUE, own,
                                                               count > 0)))
            elif child.tag == _ANNOTATION:
                annotations.append(self.annotation(child))
            else:
                self.stranger(child, "Record")
        kind = node.get("Type")
        return ex.Record(tuple(members), None if kind is None else self.names.name(kind.strip()), tuple(annotations))

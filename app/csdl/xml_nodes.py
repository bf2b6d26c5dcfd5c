"""Elements of a CSDL XML document: attributes by type, allowed children, faults and places."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TypeVar

from lxml import etree

from app.csdl.names import Names
from app.csdl.source import Source
from app.edm import model as edm
from app.edm.findings import Finding, finding

EDMX_NS = "http://docs.oasis-open.org/odata/ns/edmx"
EDM_NS = "http://docs.oasis-open.org/odata/ns/edm"
EDMX, EDM = f"{{{EDMX_NS}}}", f"{{{EDM_NS}}}"

_MARKUP = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<(?=[^/!?])", re.DOTALL)
_FACETS = frozenset({"MaxLength", "Precision", "Scale", "Unicode", "SRID"})
_TYPED = frozenset({"Type", "Nullable"}) | _FACETS

ATTRIBUTES: dict[str, frozenset[str]] = {
    "Schema": frozenset({"Namespace", "Alias"}),
    "EntityType": frozenset({"Name", "BaseType", "Abstract", "OpenType", "HasStream"}),
    "ComplexType": frozenset({"Name", "BaseType", "Abstract", "OpenType"}),
    "Key": frozenset(), "PropertyRef": frozenset({"Name", "Alias"}),
    "Property": _TYPED | {"Name", "DefaultValue"},
    "NavigationProperty": frozenset({"Name", "Type", "Nullable", "Partner", "ContainsTarget"}),
    "ReferentialConstraint": frozenset({"Property", "ReferencedProperty"}),
    "OnDelete": frozenset({"Action"}),
    "EnumType": frozenset({"Name", "UnderlyingType", "IsFlags"}), "Member": frozenset({"Name", "Value"}),
    "TypeDefinition": _FACETS | {"Name", "UnderlyingType"},
    "Action": frozenset({"Name", "IsBound", "EntitySetPath"}),
    "Function": frozenset({"Name", "IsBound", "IsComposable", "EntitySetPath"}),
    "Parameter": _TYPED | {"Name"}, "ReturnType": _TYPED,
    "Term": _TYPED | {"Name", "BaseTerm", "DefaultValue", "AppliesTo"},
    "Annotations": frozenset({"Target", "Qualifier"}),
    "EntityContainer": frozenset({"Name", "Extends"}),
    "EntitySet": frozenset({"Name", "EntityType", "IncludeInServiceDocument"}),
    "Singleton": frozenset({"Name", "Type", "Nullable"}),
    "ActionImport": frozenset({"Name", "Action", "EntitySet"}),
    "FunctionImport": frozenset({"Name", "Function", "EntitySet", "IncludeInServiceDocument"}),
    "NavigationPropertyBinding": frozenset({"Path", "Target"}),
    "Edmx": frozenset({"Version"}), "DataServices": frozenset(), "Reference": frozenset({"Uri"}),
    "Include": frozenset({"Namespace", "Alias"}),
    "IncludeAnnotations": frozenset({"TermNamespace", "Qualifier", "TargetNamespace"}),
}
_BOOLEAN = {"true": True, "1": True, "false": False, "0": False}
_WHOLE = re.compile(r"[0-9]{1,9}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")

T = TypeVar("T")


def parser() -> etree.XMLParser:
    """A parser that expands nothing, fetches nothing and keeps libxml2's own limits."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
                           remove_comments=True, remove_pis=True, huge_tree=False)


class NodeReader:
    """What every element needs; collects findings instead of raising."""

    def __init__(self, source: Source, root: etree._Element, trace: bool) -> None:
        self.source = source
        self.root = root
        self.namespace = ""
        self.names = Names({})
        self._reports: list[tuple[str, etree._Element, dict[str, object]]] = []
        self._trace: list[tuple[object, etree._Element]] | None = [] if trace else None

    # --- places and faults -------------------------------------------------------------------------------

    def at(self, node: etree._Element, made: T) -> T:
        """The object made of a node; remembers the pair when places are asked for."""
        if self._trace is not None:
            self._trace.append((made, node))
        return made

    def line(self, node: etree._Element) -> int:
        line = node.sourceline
        return line if isinstance(line, int) else 0

    def report(self, rule: str, node: etree._Element, **values: object) -> None:
        """Note a fault of a node."""
        self._reports.append((rule, node, values))

    def _starts(self) -> dict[etree._Element, tuple[int, int]]:
        """Line and column of every element: the n-th start tag of the text is the n-th element of the tree."""
        tags = (match.start() for match in _MARKUP.finditer(self.source.text) if match[0] == "<")
        return {node: self.source.place(offset) for node, offset in zip(self.root.iter(), tags)}

    def offset(self, node: etree._Element) -> int:
        """Offset of the start tag of a node."""
        tags = (match.start() for match in _MARKUP.finditer(self.source.text) if match[0] == "<")
        return next((offset for each, offset in zip(self.root.iter(), tags) if each is node), 0)

    def finish(self) -> Iterator[Finding]:
        """The findings with their places, in document order."""
        if self._reports:
            starts = self._starts()
            found = [finding(rule, self.source.name, *starts.get(node, (self.line(node), 1)), **values)
                     for rule, node, values in self._reports]
            yield from sorted(found)

    def places(self) -> dict[int, tuple[int, int]]:
        """id of each object made → line and column."""
        if not self._trace:
            return {}
        starts = self._starts()
        return {id(made): starts[node] for made, node in self._trace if node in starts}

    # --- attributes --------------------------------------------------------------------------------------

    def required(self, node: etree._Element, name: str) -> str:
        value = node.get(name)
        if value is None:
            self.report("doc-missing-attribute", node, parent=etree.QName(node).localname, name=name)
            return ""
        if not value.strip():
            self.report("doc-attribute-value", node, name=name, value=value, expected="a name, a path or an address")
            return ""
        return value

    def boolean(self, node: etree._Element, name: str, default: bool) -> bool:
        text = node.get(name)
        if text is None:
            return default
        value = _BOOLEAN.get(text.strip())
        if value is None:
            self.report("doc-attribute-value", node, name=name, value=text, expected="true or false")
            return default
        return value

    def integer(self, node: etree._Element, name: str, default: int) -> int:
        text = node.get(name, "").strip()
        if not _INTEGER.fullmatch(text):
            self.report("doc-attribute-value", node, name=name, value=text, expected="an integer")
            return default
        return int(text)

    def type_ref(self, node: etree._Element, attribute: str = "Type") -> edm.TypeRef:
        """Type and facets of an element; what XML leaves out and JSON must say is filled in (see TypeRef.spelling)."""
        text = node.get(attribute)
        if text is None:
            self.report("doc-missing-attribute", node, parent=etree.QName(node).localname, name=attribute)
            text = "Edm.String"
        elif not text.strip():
            self.report("doc-attribute-value", node, name=attribute, value=text, expected="the name of a type")
        name, collection = self.names.type(text.strip())
        spelling: tuple[str, ...] = ()
        nullable: bool | None = self.boolean(node, "Nullable", not collection)
        if collection and "Nullable" not in node.attrib:
            spelling += ("nullable",)
        if attribute == "UnderlyingType":
            nullable, spelling = True, ()
        length, precision, scale, unicode, srid = self.facets(node) if len(node.attrib) > 1 else (None,) * 5
        if length == "max":
            length = None
            spelling += ("max",)
        if name == "Edm.Decimal" and scale is None:
            scale = 0
            spelling += ("scale",)
        return edm.TypeRef(name, collection, nullable, length, precision, scale, unicode, srid, spelling)

    def facets(self, node: etree._Element) -> tuple[int | str | None, int | None, int | str | None, bool | None,
                                                    int | str | None]:
        precision = self._whole(node, "Precision", ())
        assert precision is None or isinstance(precision, int)
        unicode = self.boolean(node, "Unicode", True) if "Unicode" in node.attrib else None
        return (self._whole(node, "MaxLength", ("max",)), precision,
                self._whole(node, "Scale", ("variable", "floating")),
                unicode, self._whole(node, "SRID", ("variable",)))

    def _whole(self, node: etree._Element, name: str, words: tuple[str, ...]) -> int | str | None:
        text = node.get(name)
        if text is None:
            return None
        bare = text.strip()
        if _WHOLE.fullmatch(bare):
            return int(bare)
        if bare.lower() in words:
            if bare not in words:
                self.report("doc-scale-case", node, name=name, value=text, read=bare.lower())
            return bare.lower()
        expected = "a non-negative integer" + "".join(f" or '{word}'" for word in words)
        self.report("doc-attribute-value", node, name=name, value=text, expected=expected)
        return None

    # --- children ----------------------------------------------------------------------------------------

    def attributes(self, node: etree._Element, tag: str, known: frozenset[str]) -> None:
        """Report attributes that are not known."""
        for name in node.attrib:
            if name not in known:
                text = str(name)
                if text.startswith("{"):
                    if not text.startswith(("{http://www.w3.org/XML/1998/namespace}",
                                            "{http://www.w3.org/2001/XMLSchema-instance}")):
                        self.report("doc-foreign", node, name=text)
                else:
                    self.report("doc-unknown-attribute", node, parent=tag, name=text)

    def children(self, node: etree._Element, tag: str, allowed: Collection[str],
                 annotations: list[edm.Annotation] | None = None,
                 qualifier: str | None = None) -> Iterator[etree._Element]:
        """The children with an allowed tag; annotations go to the list, everything else is a finding."""
        if node.attrib:
            self.attributes(node, tag, ATTRIBUTES[tag])
        if node.text and node.text.strip():
            self.report("doc-text", node, parent=tag, text=node.text.strip())
        for child in node:
            if child.tail and child.tail.strip():
                self.report("doc-text", node, parent=tag, text=child.tail.strip())
            if child.tag in allowed:
                yield child
            elif child.tag == _ANNOTATION and annotations is not None:
                annotations.append(self.annotation(child, qualifier))
            else:
                self.stranger(child, tag)

    def stranger(self, child: etree._Element, parent: str) -> None:
        """Report a child that cannot stand here."""
        if not isinstance(child.tag, str):
            self.report("doc-text", child.getparent(), parent=parent, text=str(child))
            return
        name = etree.QName(child)
        if name.namespace in (EDM_NS, EDMX_NS, None):
            self.report("doc-unknown-element", child, name=name.localname, parent=parent)
        else:
            self.report("doc-foreign", child, name=child.tag)

    def only_annotations(self, node: etree._Element, tag: str) -> tuple[edm.Annotation, ...]:
        """The annotations of an element that has no other children."""
        if not len(node) and not node.text:
            self.attributes(node, tag, ATTRIBUTES[tag])
            return ()
        annotations: list[edm.Annotation] = []
        for _ in self.children(node, tag, (), annotations):
            pass
        return tuple(annotations)

    def childless(self, node: etree._Element, tag: str) -> None:
        """Report whatever stands inside an element that holds nothing."""
        for _ in self.children(node, tag, ()):
            pass

    def annotation(self, node: etree._Element, qualifier: str | None = None) -> edm.Annotation:
        raise NotImplementedError    # the expression reader knows


_ANNOTATION = EDM + "Annotation"

"""What an annotation without a value means (CSDL XML §14.2): read off the declarations of terms and types.

A light scan of element trees, so that reading one vocabulary needs no other one read in full.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from lxml import etree

from app.csdl.names import Names
from app.csdl.xml_nodes import EDM, EDMX, parser
from app.edm import expressions as ex

VOCABULARIES = Path(__file__).parent / "vocabularies"
NOTHING = ex.PathExpression("Path", "")    # stands where a broken expression lacks an operand
TRUE = ex.Constant("Bool", "true")
KINDS = {"Edm.Boolean": "Bool", "Edm.Decimal": "Decimal", "Edm.Double": "Float", "Edm.Single": "Float",
         "Edm.Date": "Date",
         "Edm.DateTimeOffset": "DateTimeOffset", "Edm.Duration": "Duration", "Edm.Guid": "Guid", "Edm.Binary": "Binary",
         "Edm.TimeOfDay": "TimeOfDay", "Edm.Byte": "Int", "Edm.SByte": "Int", "Edm.Int16": "Int", "Edm.Int32": "Int",
         "Edm.Int64": "Int", "Edm.String": "String"}
PATH_KINDS = {f"Edm.{kind}": kind for kind in ("PropertyPath", "NavigationPropertyPath", "AnnotationPath",
                                               "ModelElementPath",
                                               "AnyPropertyPath")}


def vocabulary_file(namespace: str) -> Path | None:
    """The document of a vocabulary of our own, by namespace."""
    return _vocabulary_files().get(namespace)


@lru_cache(maxsize=1)
def _vocabulary_files() -> dict[str, Path]:
    return {place.stem: place for place in sorted(VOCABULARIES.glob("*.xml"))}


class Declarations:
    """Terms and kinds of types declared in an element tree."""

    def __init__(self, root: etree._Element | None) -> None:
        self.terms: dict[str, tuple[str, bool, str | None]] = {}
        self.types: dict[str, tuple[str, str]] = {}
        if root is None:
            return
        names = aliases(root)
        for schema in root.iter(EDM + "Schema"):
            namespace = schema.get("Namespace", "")
            for node in schema.iterchildren(EDM + "Term", EDM + "EnumType", EDM + "TypeDefinition", EDM + "ComplexType",
                                            EDM + "EntityType"):
                tag, name = etree.QName(node).localname, f"{namespace}.{node.get('Name')}"
                if tag == "Term":
                    self.terms[name] = (*names.type(node.get("Type", "Edm.String").strip()), node.get("DefaultValue"))
                else:
                    self.types[name] = (tag, names.name(node.get("UnderlyingType", "Edm.Int32").strip()))

    def implied(self, term: str) -> ex.Expression:
        """The value of a term applied without one; true where the term is unknown (what CSDL JSON has to say)."""
        found = self.terms.get(term) or declared(term.rpartition(".")[0]).terms.get(term)
        if found is None:
            return TRUE
        kind, collection, default = found
        if collection:
            return ex.Collection()
        tag, underlying = self.types.get(kind) or declared(kind.rpartition(".")[0]).types.get(kind) or ("", kind)
        if tag in ("ComplexType", "EntityType"):
            return ex.Record()
        if default is None:
            return ex.Null()
        if tag == "EnumType":
            return ex.EnumMember(tuple(f"{kind}/{member.strip()}" for member in default.split(",")))
        return constant(underlying, default)


@lru_cache(maxsize=128)
def declared(namespace: str) -> Declarations:
    """The declarations of a vocabulary of our own; empty where there is none."""
    place = vocabulary_file(namespace)
    return Declarations(etree.fromstring(place.read_bytes(), parser()) if place else None)


def aliases(root: etree._Element) -> Names:
    """The aliases of a document."""
    found: dict[str, str] = {}
    for node in (*root.iter(EDM + "Schema"), *root.iter(EDMX + "Include")):
        alias, namespace = node.get("Alias"), node.get("Namespace")
        if alias and namespace:
            found.setdefault(alias, namespace)
    return Names(found)


def constant(kind: str, text: str) -> ex.Constant | ex.PathExpression:
    """A text as an expression of a primitive or path type."""
    if kind in PATH_KINDS:
        return ex.PathExpression(PATH_KINDS[kind], text)
    return ex.Constant(KINDS.get(kind, "String"), text)

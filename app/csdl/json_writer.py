"""`Model` → CSDL JSON 4.0 and 4.01; the twin of `app.csdl.xml_writer`, the reader is `app.csdl.json`.

Names are written with the alias of their schema or include where there is one, as CSDL JSON demands (§5.1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.csdl.implied import KINDS
from app.csdl.json_expressions import leaf
from app.csdl.json_source import Number
from app.csdl.known import Known
from app.csdl.names import Names
from app.edm import expressions as ex
from app.edm import model as edm
from app.edm.index import Model, Operation

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NUMERIC = ("Int", "Decimal", "Float")
_TYPES = {kind: name[4:] for name, kind in KINDS.items()} | {"Int": "Int64", "Float": "Double", "Bool": ""}
_LEXICAL = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?((?:[eE][+-]?[0-9]+)?)")
_QUOTED = ("Edm.Int64", "Edm.Decimal")
_TOLD = ("Edm.Boolean", "Edm.String", "Edm.Double")
_ABSTRACT = ("Edm.PrimitiveType", "Edm.ComplexType", "Edm.Untyped")
_SAME = Names({})
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Notation:
    """What the parameters of the media type ask for (CSDL JSON §2.1). `ieee754`: Int64 and Decimal values are strings; False:
    every number is a JSON number; None: as the model has them. `types`: type annotations, 'none', 'minimal' or 'full'."""

    ieee754: bool | None = None
    types: str = "minimal"


AS_WRITTEN = Notation()


def write_json(model: Model, version: str = "4.01", notation: Notation = AS_WRITTEN) -> bytes:
    """The document of a model, UTF-8, one line."""
    return dump(Writer(model, version, notation).document()).encode("utf-8")


def dump(value: Any) -> str:
    """JSON text of a value; numbers as their document wrote them."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{dump(item)}" for key,
                              item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return str(value) if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


class Writer:
    """Builds the objects of one document."""

    def __init__(self, model: Model, version: str, notation: Notation) -> None:
        self.model, self.version, self.notation = model, version, notation
        names = Names({namespace: alias for alias, namespace in reversed(model.aliases.items())})
        self.name, self.path = names.name, names.path
        self.type_key = "@odata.type" if version == "4.0" else "@type"
        self.namespace = ""
        self.known = Known(Model(model.schemas))

    def document(self) -> dict[str, Any]:
        root: dict[str, Any] = {"$Version": self.version}
        container = next((schema.container for schema in self.model.schemas if schema.container), None)
        if container is not None:
            root["$EntityContainer"] = container.name
        if self.model.references:
            root["$Reference"] = {each.uri: self.reference(each) for each in self.model.references}
        for schema in self.model.schemas:
            root[schema.namespace] = self.schema(schema)
        return root

    def reference(self, reference: edm.Reference) -> dict[str, Any]:
        value: dict[str, Any] = {}
        if reference.includes:
            value["$Include"] = [_said(("$Namespace", include.namespace), ("$Alias", include.alias))
                                 | self.annotations(include.annotations) for include in reference.includes]
        if reference.include_annotations:
            value["$IncludeAnnotations"] = [_said(("$TermNamespace", note.term_namespace),
                                                  ("$Qualifier", note.qualifier),
                                                  ("$TargetNamespace", note.target_namespace))
                                            for note in reference.include_annotations]
        return value | self.annotations(reference.annotations)

    def schema(self, schema: edm.Schema) -> dict[str, Any]:
        self.namespace = schema.namespace
        value: dict[str, Any] = _said(("$Alias", schema.alias)) | self.annotations(schema.annotations)
        container = (schema.container,) if schema.container else ()
        children = schema.types + schema.operations + schema.terms + container
        for child in sorted(children, key=lambda each: each.line):
            name, own = child.name.rpartition(".")[2], self.child(child)
            if isinstance(child, edm.Action | edm.Function) or name in value:
                known = value.get(name, [])    # names that clash share an array: not valid CSDL, and nothing is lost
                value[name] = [*(known if isinstance(known, list) else [known]), own]
            else:
                value[name] = own
        if schema.external:
            value["$Annotations"] = {self.path(block.target): self.annotations(block.annotations)
                                     for block in schema.external}
        return value

    def child(self, child: edm.SchemaType | Operation | edm.Term | edm.EntityContainer) -> dict[str, Any]:
        match child:
            case edm.EntityType() | edm.ComplexType():
                return self.structured(child)
            case edm.EnumType():
                return self.enum(child)
            case edm.TypeDefinition():
                return {"$Kind": "TypeDefinition", "$UnderlyingType": self.name(child.type.name)} | self.facets(
                    child.type) | self.annotations(child.annotations)
            case edm.Action() | edm.Function():
                return self.operation(child)
            case edm.Term():
                return {"$Kind": "Term"} | self.typed(child.type) | _said(
                    ("$BaseTerm", child.base and self.name(child.base)),
                    ("$DefaultValue", self.default(child.type, child.default)),
                    ("$AppliesTo", list(child.applies_to) or None)) | self.annotations(child.annotations)
            case edm.EntityContainer():
                return self.container(child)

    # --- types -------------------------------------------------------------------------------------------

    def structured(self, kind: edm.EntityType | edm.ComplexType) -> dict[str, Any]:
        value = _said(("$Kind", type(kind).__name__), ("$BaseType", kind.base and self.name(kind.base)),
                      ("$Abstract", kind.abstract or None), ("$OpenType", kind.open or None))
        if isinstance(kind, edm.EntityType):
            if kind.has_stream:
                value["$HasStream"] = True
            if kind.key:
                value["$Key"] = [{ref.alias: self.path(ref.path)} if ref.alias else self.path(ref.path)
                                 for ref in kind.key]
        for member in sorted(kind.members, key=lambda each: each.line):
            if isinstance(member, edm.Property):
                value[member.name] = self.typed(member.type) | _said(
                    ("$DefaultValue", self.default(member.type, member.default))) | self.annotations(member.annotations)
            else:
                value[member.name] = self.navigation(member)
        return value | self.annotations(kind.annotations)

    def navigation(self, member: edm.NavigationProperty) -> dict[str, Any]:
        value = _said(("$Kind", "NavigationProperty"), ("$Collection", member.collection or None),
                      ("$Type", self.name(member.type)),
                      ("$Nullable", member.nullable if member.collection else member.nullable or None),
                      ("$Partner", member.partner and self.path(member.partner)),
                      ("$ContainsTarget", member.contains_target or None))
        if member.constraints:
            pairs: dict[str, Any] = {}
            for constraint in member.constraints:
                path = self.path(constraint.property)
                pairs |= {path: self.path(constraint.referenced)} | self.annotations(constraint.annotations, path)
            value["$ReferentialConstraint"] = pairs
        if member.on_delete is not None:
            value |= {"$OnDelete": member.on_delete} | self.annotations(member.on_delete_annotations, "$OnDelete")
        return value | self.annotations(member.annotations)

    def enum(self, kind: edm.EnumType) -> dict[str, Any]:
        value = _said(("$Kind", "EnumType"), ("$UnderlyingType",
                                              None if kind.underlying == "Edm.Int32" else self.name(kind.underlying)),
                      ("$IsFlags", kind.flags or None))
        for member in kind.members:
            value |= {member.name: member.value} | self.annotations(member.annotations, member.name)
        return value | self.annotations(kind.annotations)

    def typed(self, ref: edm.TypeRef) -> dict[str, Any]:
        """Type, nullability and facets; a string type is not said."""
        return _said(("$Collection", ref.collection or None),
                     ("$Type", None if ref.name == "Edm.String" else self.name(ref.name)),
                     ("$Nullable", ref.nullable or None)) | self.facets(ref)

    def facets(self, ref: edm.TypeRef) -> dict[str, Any]:
        scale = None if ref.name == "Edm.Decimal" and ref.scale == "variable" else ref.scale
        return _said(("$MaxLength", ref.max_length), ("$Precision", ref.precision), ("$Scale", scale),
                     ("$Unicode", ref.unicode),
                     ("$SRID", None if ref.srid is None else str(ref.srid)))

    def default(self, ref: edm.TypeRef, text: str | None) -> Any:
        return None if text is None else self.literal(KINDS.get(self.known.primitive(ref.name), "String"), text, ref)

    # --- operations and container ------------------------------------------------------------------------

    def operation(self, operation: edm.Action | edm.Function) -> dict[str, Any]:
        composable = isinstance(operation, edm.Function) and operation.composable
        value = _said(("$Kind", type(operation).__name__), ("$IsBound", operation.bound or None),
                      ("$IsComposable", composable or None),
                      ("$EntitySetPath", operation.entity_set_path and self.path(operation.entity_set_path)))
        if operation.parameters:
            value["$Parameter"] = [{"$Name": each.name} | self.typed(each.type) | self.annotations(each.annotations)
                                   for each in operation.parameters]
        if operation.returns is not None:
            value["$ReturnType"] = self.typed(operation.returns.type) | self.annotations(operation.returns.annotations)
        return value | self.annotations(operation.annotations)

    def container(self, container: edm.EntityContainer) -> dict[str, Any]:
        value = _said(("$Kind", "EntityContainer"), ("$Extends", container.extends and self.name(container.extends)))
        for child in sorted(container.children, key=lambda each: each.line):
            match child:
                case edm.EntitySet():
                    own = _said(("$Collection", True), ("$Type", self.name(child.type)),
                                ("$IncludeInServiceDocument", None if child.in_service_document else False))
                    own |= self.bindings(child.bindings)
                case edm.Singleton():
                    own = _said(("$Type", self.name(child.type)),
                                ("$Nullable", child.nullable or None)) | self.bindings(child.bindings)
                case edm.ActionImport():
                    own = _said(("$Action", self.name(child.action)),
                                ("$EntitySet", child.entity_set and self.path(child.entity_set)))
                case edm.FunctionImport():
                    own = _said(("$Function", self.name(child.function)),
                                ("$EntitySet", child.entity_set and self.path(child.entity_set)),
                                ("$IncludeInServiceDocument", child.in_service_document or None))
            value[child.name] = own | self.annotations(child.annotations)
        return value | self.annotations(container.annotations)

    def bindings(self, bindings: Iterable[edm.Binding]) -> dict[str, Any]:
        pairs = {self.path(binding.path): self.path(binding.target) for binding in bindings}
        return {"$NavigationPropertyBinding": pairs} if pairs else {}

    # --- annotations -------------------------------------------------------------------------------------

    def annotations(self, annotations: Iterable[edm.Annotation], prefix: str = "") -> dict[str, Any]:
        value: dict[str, Any] = {}
        for annotation in annotations:
            key = f"{prefix}@{self.name(annotation.term)}" + (f"#{annotation.qualifier}" if annotation.qualifier
                                                              else "")
            self.member(value, key, annotation.value, self.known.term(annotation.term))
            value |= self.annotations(annotation.annotations, key)
        return value

    def member(self, holder: dict[str, Any], key: str, value: ex.Expression | None,
               expected: edm.TypeRef | None) -> None:
        """A member with its value, and control information where a reader could not tell its type."""
        if expected is not None and expected.name in _ABSTRACT:
            expected = None
        shown = expected or (_natural(value) if self.notation.ieee754 else None)
        holder[key] = True if value is None else self.expression(value, shown)
        name = self.said(value, expected, shown)
        if name:
            text = f"Collection({name})" if isinstance(value, ex.Collection) else name
            holder[key + self.type_key] = text if self.version != "4.0" and "." not in name else f"#{text}"

    def said(self, value: ex.Expression | None, expected: edm.TypeRef | None, shown: edm.TypeRef | None) -> str:
        """The type that control information names beside a value; '' where there is none."""
        if self.notation.types == "none":
            return ""
        leaves = value.items if isinstance(value, ex.Collection) else (value,)
        plain = [each for each in leaves if isinstance(each, ex.Constant | ex.EnumMember | ex.PathExpression) and _hint(each)]
        if self.notation.types == "full" and expected is not None:
            if value in leaves and (not plain or expected.name in _TOLD):
                return ""
            return self.name(expected.name).removeprefix("Edm.")
        kind = expected.name if expected is not None else ""
        item = edm.TypeRef(shown.name) if shown is not None else None
        hints = {_hint(each) for each in plain if self.notation.types == "full" and _hint(each) != "Double"
                 or _sort(leaf(self.raw(each, item), kind, self.known, _SAME)) != _sort(each)}
        return self.name(hints.pop()) if len(hints) == 1 else ""

    def raw(self, value: ex.Constant | ex.EnumMember | ex.PathExpression, shown: edm.TypeRef | None) -> Any:
        """A leaf as JSON writes it, names in full."""
        if isinstance(value, ex.Constant):
            return self.literal(value.kind, value.text, shown)
        return value.path if isinstance(value, ex.PathExpression) else _simple(value.members)

    def literal(self, kind: str, text: str, shown: edm.TypeRef | None) -> Any:
        """A constant of a type as a JSON value; numbers that JSON cannot write stay strings."""
        if kind == "Bool":
            return _BOOLEANS.get(text, text)
        if kind not in _NUMERIC:
            return text
        if self.notation.ieee754 is not None:
            text = _plain(text)
            if self.notation.ieee754 and shown is not None and self.known.primitive(shown.name) in _QUOTED:
                return text
        return Number(text) if _NUMBER.fullmatch(text) else text

    def expression(self, value: ex.Expression, expected: edm.TypeRef | None = None) -> Any:
        match value:
            case ex.Constant(kind, text):
                return self.literal(kind, text, expected)
            case ex.EnumMember(members):
                return _simple(members)
            case ex.PathExpression("Path", path):
                return {"$Path": self.path(path)}
            case ex.PathExpression(_, path):
                return self.path(path)
            case ex.Collection(items):
                item = edm.TypeRef(expected.name) if expected is not None and expected.collection else None
                return [self.expression(each, item) for each in items]
            case ex.Record():
                holder = value.type or (expected.name if expected is not None else None)
                named = value.type or (holder if self.notation.types == "full" and holder not in _ABSTRACT else None)
                record: dict[str, Any] = ({self.type_key: f"#{self.name(named)}"}
                                          if named and self.notation.types != "none" else {})
                for member in value.properties:
                    declared = self.known.member(holder, member.name) if holder else None
                    self.member(record, member.name, member.value, declared)
                    record |= self.annotations(member.annotations, member.name)
                return record | self.annotations(value.annotations)
            case ex.LabeledElementReference(name):
                return {"$LabeledElementReference": self.name(name)}
            case ex.Null(annotations):
                return {"$Null": None} | self.annotations(annotations) if annotations else None
            case _:
                return self.composed(value, expected) | self.annotations(value.annotations)

    def composed(self, value: ex.Expression, expected: edm.TypeRef | None) -> dict[str, Any]:
        match value:
            case ex.Apply():
                return {"$Apply": [self.expression(each) for each in value.arguments], "$Function": value.function}
            case ex.Cast() | ex.IsOf():
                inner = None if value.value is None else self.expression(value.value)
                return {f"${type(value).__name__}": inner, "$Type": self.name(value.type)} | _said(
                    ("$Collection", value.collection or None),
                    *((f"${name}", _facet(name, text)) for name, text in value.facets))
            case ex.If():
                branches = [value.then] + ([value.otherwise] if value.otherwise is not None else [])
                return {"$If": [self.expression(value.condition),
                                *(self.expression(each, expected) for each in branches)]}
            case ex.LabeledElement():
                inner = None if value.value is None else self.expression(value.value, expected)
                here = value.name.rpartition(".")[0] == self.namespace
                return {"$LabeledElement": inner, "$Name": value.name.rpartition(".")[2] if here
                        else self.name(value.name)}
            case ex.UrlRef():
                return {"$UrlRef": self.expression(value.value)}
            case ex.Operator():
                operands = [self.expression(each) for each in value.operands]
                return {f"${value.name}": operands[0] if value.name in ("Not", "Neg") and operands else operands}
            case _:
                raise TypeError(type(value).__name__)


def _plain(text: str) -> str:
    """A number as JSON writes it; what is none as it is (INF, NaN)."""
    found = _LEXICAL.fullmatch(text)
    if found is None or not (found[2] or found[3] or "0" in text) or _NUMBER.fullmatch(text):
        return text
    sign, whole, fraction, exponent = found.groups()
    return ("-" if sign == "-" else "") + (whole or "0") + (f".{fraction}" if fraction else "") + exponent


def _sort(value: ex.Expression) -> object:
    """What JSON tells apart of a constant; any other expression itself."""
    return value if not isinstance(value, ex.Constant) else "Number" if value.kind in _NUMERIC else value.kind


def _natural(value: ex.Expression | None) -> edm.TypeRef | None:
    """The type of constants that no declaration gives one."""
    many = isinstance(value, ex.Collection)
    leaves = value.items if isinstance(value, ex.Collection) else (value,)
    kinds = {each.kind if isinstance(each, ex.Constant) else "" for each in leaves}
    name = _TYPES.get(kinds.pop()) if len(kinds) == 1 else None
    return edm.TypeRef(f"Edm.{name}", many) if name else None


def _simple(members: Iterable[str]) -> str:
    return ",".join(member.rpartition("/")[2] for member in members)


def _hint(value: ex.Expression) -> str:
    """The type of a leaf as control information names it; '' where JSON shows it."""
    if isinstance(value, ex.EnumMember):
        return value.members[0].rpartition("/")[0] if value.members else ""
    if isinstance(value, ex.PathExpression):
        return "" if value.kind == "Path" else value.kind
    return _TYPES.get(value.kind, "") if isinstance(value, ex.Constant) else ""


def _facet(name: str, text: str) -> Any:
    return _BOOLEANS.get(text,
                         text) if name == "Unicode" else Number(text) if text.isdecimal() and name != "SRID" else text


def _said(*members: tuple[str, Any]) -> dict[str, Any]:
    """The members that are not None."""
    return {name: value for name, value in members if value is not None}

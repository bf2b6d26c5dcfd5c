"""CSDL JSON 4.0 and 4.01 → `Model`; the twin of `app.csdl.xml`, the writer is `app.csdl.json_writer`.

CSDL JSON 4.01, sections by object. What a document leaves out is read as that form says: no `$Nullable` is
false, no `$Type` is Edm.String, no `$Scale` of a decimal is variable.
"""

from __future__ import annotations

import re
from typing import Any

from app.csdl.json_expressions import ValueReader
from app.csdl.json_source import Number, Positions, parse
from app.csdl.known import Known
from app.csdl.names import Names
from app.csdl.source import Document, Source, by_name
from app.edm import model as edm
from app.edm.index import Model

_INTEGER = re.compile(r"-?[0-9]{1,30}")
_FACETS = frozenset({"$MaxLength", "$Precision", "$Scale", "$Unicode", "$SRID"})
_TYPED = frozenset({"$Type", "$Collection", "$Nullable"}) | _FACETS
_WORDS = {True: "true", False: "false"}
_KINDS = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}

MEMBERS: dict[str, frozenset[str]] = {
    "Document": frozenset({"$Version", "$EntityContainer", "$Reference"}),
    "Reference": frozenset({"$Include", "$IncludeAnnotations"}),
    "Include": frozenset({"$Namespace", "$Alias"}),
    "IncludeAnnotations": frozenset({"$TermNamespace", "$Qualifier", "$TargetNamespace"}),
    "Schema": frozenset({"$Alias", "$Annotations"}),
    "EntityType": frozenset({"$Kind", "$BaseType", "$Abstract", "$OpenType", "$HasStream", "$Key"}),
    "ComplexType": frozenset({"$Kind", "$BaseType", "$Abstract", "$OpenType"}),
    "Property": _TYPED | {"$Kind", "$DefaultValue"},
    "NavigationProperty": frozenset({"$Kind", "$Type", "$Collection", "$Nullable", "$Partner", "$ContainsTarget",
                                     "$ReferentialConstraint", "$OnDelete"}),
    "EnumType": frozenset({"$Kind", "$UnderlyingType", "$IsFlags"}),
    "TypeDefinition": _FACETS | {"$Kind", "$UnderlyingType"},
    "Action": frozenset({"$Kind", "$IsBound", "$EntitySetPath", "$Parameter", "$ReturnType"}),
    "Function": frozenset({"$Kind", "$IsBound", "$IsComposable", "$EntitySetPath", "$Parameter", "$ReturnType"}),
    "Parameter": _TYPED | {"$Name"}, "ReturnType": _TYPED,
    "Term": _TYPED | {"$Kind", "$BaseTerm", "$DefaultValue", "$AppliesTo"},
    "EntityContainer": frozenset({"$Kind", "$Extends"}),
    "EntitySet": frozenset({"$Kind", "$Collection", "$Type", "$IncludeInServiceDocument",
                            "$NavigationPropertyBinding"}),
    "Singleton": frozenset({"$Kind", "$Type", "$Nullable", "$NavigationPropertyBinding"}),
    "ActionImport": frozenset({"$Kind", "$Action", "$EntitySet"}),
    "FunctionImport": frozenset({"$Kind", "$Function", "$EntitySet", "$IncludeInServiceDocument"}),
}


def read_document(source: Source, trace: bool = False) -> Document:
    """The document of a source; `trace` notes the place of every object of the model. Raises Broken.

    A document with faults is read a second time, more slowly, to find their places.
    """
    if not trace:
        document = _read(source, parse(source), None)
        if not document.findings:
            return document
    else:
        parse(source)
    positions = Positions(source)
    return _read(source, positions.parse(), positions)


def _read(source: Source, value: Any, positions: Positions | None) -> Document:
    if not isinstance(value, dict):
        raise source.broken("doc-object", 0, name=_KINDS.get(value.__class__, "a number"))
    return Reader(source, positions).document(value)


class Reader(ValueReader):
    """One reading of one document."""

    def document(self, root: dict[str, Any]) -> Document:
        version = self.text(root, "$Version")
        if "$Version" not in root:
            self.report("doc-missing-member", root, name="$Version", parent="Document")
        elif version not in (None, "4.0", "4.01", "4.02"):
            rule = "doc-old-version" if version in ("1.0", "2.0", "3.0") else "doc-version"
            self.report(rule, root, "$Version", value=version, version=version)
        container = self.text(root, "$EntityContainer")
        namespaces = [name for name in root if not name.startswith(("$", "@"))]
        self.names = Names(self._aliases(root, namespaces))
        for name in root:
            if name not in MEMBERS["Document"] and name not in namespaces:
                self.report("doc-unknown-member", root, name, name=name, parent="Document")
        found, self.findings = self.findings, []
        skeleton = Model(tuple(self.schema(root, name) for name in namespaces))    # for its types; read again below
        self.findings = found
        self.places.clear()
        self.known = Known(skeleton)
        schemas = tuple(self.schema(root, name) for name in namespaces)
        if not schemas:
            self.report("doc-no-schema", root)
        if container is not None and container not in {each.container.name for each in schemas if each.container}:
            self.report("doc-container-name", root, "$EntityContainer", name=container)
        references = tuple(self.reference(root, uri) for uri in self.object(root, "$Reference"))
        model = Model(schemas, references, "4.0" if version == "4.0" else "4.01", source=self.source.name)
        return Document(model, tuple(sorted(set(self.findings))), self.places)

    def _aliases(self, root: dict[str, Any], namespaces: list[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in namespaces:
            alias = root[name].get("$Alias") if isinstance(root[name], dict) else None
            if isinstance(alias, str):
                found.setdefault(alias, name)
        references = root.get("$Reference")
        for reference in references.values() if isinstance(references, dict) else ():
            includes = reference.get("$Include") if isinstance(reference, dict) else None
            for include in includes if isinstance(includes, list) else ():
                holder = include if isinstance(include, dict) else {}
                alias, namespace = holder.get("$Alias"), holder.get("$Namespace")
                if isinstance(alias, str) and isinstance(namespace, str):
                    found.setdefault(alias, namespace)
        return found

    def reference(self, root: dict[str, Any], uri: str) -> edm.Reference:
        holder = self.object(root, "$Reference")
        value = self.object(holder, uri)
        self.only(value, "Reference", MEMBERS["Reference"])
        includes, notes = [], []
        listed = self.items(value, "$Include")
        for index in range(len(listed)):
            item = self.object(listed, index)
            self.only(item, "Include", MEMBERS["Include"])
            includes.append(self.at(edm.Include(self.required(item, "$Namespace", "Include"), self.text(item, "$Alias"),
                                                self.annotations(item)), item))
        listed = self.items(value, "$IncludeAnnotations")
        for index in range(len(listed)):
            item = self.object(listed, index)
            self.only(item, "IncludeAnnotations", MEMBERS["IncludeAnnotations"])
            notes.append(self.at(edm.IncludeAnnotations(self.required(item, "$TermNamespace", "IncludeAnnotations"),
                                                        self.text(item, "$Qualifier"),
                                                        self.text(item, "$TargetNamespace")), item))
        if not includes and not notes:
            self.report("doc-reference-empty", holder, uri, uri=uri)
        return self.at(edm.Reference(uri, tuple(includes), tuple(notes), self.annotations(value),
                                     self.line(holder, uri)),
                       holder, uri)

    # --- schema ------------------------------------------------------------------------------------------

    def schema(self, root: dict[str, Any], namespace: str) -> edm.Schema:
        self.namespace = namespace
        value = self.object(root, namespace)
        found: dict[str, list[Any]] = {}
        for name, child in value.items():
            if name.startswith("$") or "@" in name:
                if name not in MEMBERS["Schema"] and not name.startswith("@"):
                    self.report("doc-unknown-member", value, name, name=name, parent="Schema")
            elif not isinstance(child, list):
                self.child(value, name, name, found)
            else:
                if not child:
                    self.wrong(value, name, "an array with at least one overload")
                for index in range(len(child)):
                    self.child(child, index, name, found)
        containers = found.get("container", [])
        return self.at(edm.Schema(
            namespace, self.text(value, "$Alias"), tuple(found.get("types", ())), by_name(found.get("actions", ())),
            by_name(found.get("functions", ())), tuple(found.get("terms", ())), containers[0] if containers else None,
            self.external(value), self.annotations(value), self.line(root, namespace)), root, namespace)

    def child(self, holder: Any, member: str | int, name: str, found: dict[str, list[Any]]) -> None:
        """Read a schema child, or one overload of an array of them, into its group."""
        if not isinstance(holder[member], dict):
            self.wrong(holder, member, "an object or an array of overloads")
            return
        value, line = self.object(holder, member), self.line(holder, member)
        made: Any
        match self.required(value, "$Kind", name):
            case "EntityType" | "ComplexType" as kind:
                group, made = "types", self.structured(value, self.full(name), kind, line)
            case "EnumType":
                group, made = "types", self.enum(value, self.full(name), line)
            case "TypeDefinition":
                self.only(value, "TypeDefinition", MEMBERS["TypeDefinition"])
                group, made = "types", edm.TypeDefinition(self.full(name), self.type_ref(value, "$UnderlyingType"),
                                                          self.annotations(value), line)
            case "Action" | "Function" as kind:
                if isinstance(member, str):
                    self.wrong(holder, member, "an array of overloads")
                group, made = f"{kind.lower()}s", self.operation(value, self.full(name), kind, line)
            case "Term":
                group, made = "terms", self.term(value, self.full(name), line)
            case "EntityContainer":
                group, made = "container", self.container(value, self.full(name), line)
                if "container" in found:
                    self.report("doc-repeated-element", holder, member, parent="Schema", name="EntityContainer")
            case kind:
                if kind:
                    self.wrong(value, "$Kind", "the kind of a schema child")
                return
        found.setdefault(group, []).append(self.at(made, holder, member))

    def full(self, name: str) -> str:
        return f"{self.namespace}.{name}"

    def name_at(self, holder: dict[str, Any], member: str) -> str | None:
        text = self.text(holder, member)
        return None if text is None else self.names.name(text)

    def path_at(self, holder: dict[str, Any], member: str) -> str | None:
        text = self.text(holder, member)
        return None if text is None else self.names.path(text)

    def structured(self, value: dict[str, Any], name: str, kind: str, line: int) -> edm.SchemaType:
        properties: list[edm.Property] = []
        navigation: list[edm.NavigationProperty] = []
        for member in value:
            if member.startswith("$"):
                if member not in MEMBERS[kind]:
                    self.report("doc-unknown-member", value, member, name=member, parent=kind)
            elif "@" not in member:
                own = self.object(value, member)
                if own.get("$Kind") == "NavigationProperty":
                    navigation.append(self.navigation(value, member))
                else:
                    properties.append(self.property(value, member))
        base, abstract = self.name_at(value, "$BaseType"), self.flag(value, "$Abstract")
        is_open = self.flag(value, "$OpenType")
        annotations = self.annotations(value)
        if kind == "ComplexType":
            return edm.ComplexType(name, base, abstract, is_open, tuple(properties), tuple(navigation), annotations,
                                   line)
        return edm.EntityType(name, base, abstract, is_open, self.flag(value, "$HasStream"), self.key(value),
                              tuple(properties),
                              tuple(navigation), annotations, line)

    def key(self, value: dict[str, Any]) -> tuple[edm.PropertyRef, ...]:
        found: list[edm.PropertyRef] = []
        listed = self.items(value, "$Key")
        if "$Key" in value and not listed:
            self.report("doc-key-empty", value, "$Key")
        for index, item in enumerate(listed):
            if isinstance(item, str) and not isinstance(item, Number):
                found.append(self.at(edm.PropertyRef(self.names.path(item)), listed, index))
            elif isinstance(item, dict) and len(item) == 1 and isinstance(path := next(iter(item.values())), str):
                found.append(self.at(edm.PropertyRef(self.names.path(path), next(iter(item))), listed, index))
            else:
                self.wrong(listed, index, "a property name or an object of alias and path")
        return tuple(found)

    def property(self, holder: dict[str, Any], name: str) -> edm.Property:
        value = self.object(holder, name)
        self.only(value, "Property", MEMBERS["Property"])
        if value.get("$Kind", "Property") != "Property":
            self.wrong(value, "$Kind", "'Property' or 'NavigationProperty'")
        return self.at(edm.Property(name, self.type_ref(value), self.default(value), self.annotations(value),
                                    self.line(holder, name)), holder, name)

    def navigation(self, holder: dict[str, Any], name: str) -> edm.NavigationProperty:
        value = self.object(holder, name)
        self.only(value, "NavigationProperty", MEMBERS["NavigationProperty"])
        constraints: list[edm.ReferentialConstraint] = []
        pairs = self.object(value, "$ReferentialConstraint")
        for path in pairs:
            if "@" not in path:
                constraints.append(self.at(edm.ReferentialConstraint(
                    self.names.path(path), self.names.path(self.text(pairs, path) or ""),
                    self.annotations(pairs, path)), pairs, path))
        collection = self.flag(value, "$Collection")
        nullable = self.flag(value, "$Nullable") if not collection or "$Nullable" in value else None
        return self.at(edm.NavigationProperty(
            name, self.names.name(self.required(value, "$Type", "NavigationProperty")), collection, nullable,
            self.path_at(value, "$Partner"), self.flag(value, "$ContainsTarget"), tuple(constraints),
            self.text(value, "$OnDelete"), self.annotations(value, "$OnDelete"), self.annotations(value, owners=("$OnDelete",)),
            self.line(holder, name)), holder, name)

    def enum(self, value: dict[str, Any], name: str, line: int) -> edm.EnumType:
        members: list[edm.Member] = []
        for member, number in value.items():
            if member.startswith("$"):
                if member not in MEMBERS["EnumType"]:
                    self.report("doc-unknown-member", value, member, name=member, parent="EnumType")
            elif "@" not in member:
                if not isinstance(number, Number) or not _INTEGER.fullmatch(number):
                    self.wrong(value, member, "an integer")
                    number = "0"
                members.append(self.at(edm.Member(member, int(number), self.annotations(value, member)), value, member))
        return edm.EnumType(name, self.name_at(value, "$UnderlyingType") or "Edm.Int32", self.flag(value, "$IsFlags"),
                            tuple(members), self.annotations(value, owners=value), line)

    def operation(self, value: dict[str, Any], name: str, kind: str, line: int) -> edm.Action | edm.Function:
        self.only(value, kind, MEMBERS[kind])
        parameters = self.parameters(value)
        returns: edm.ReturnType | None = None
        if "$ReturnType" in value:
            own = self.object(value, "$ReturnType")
            self.only(own, "ReturnType", MEMBERS["ReturnType"])
            returns = self.at(edm.ReturnType(self.type_ref(own), self.annotations(own)), value, "$ReturnType")
        bound, path = self.flag(value, "$IsBound"), self.path_at(value, "$EntitySetPath")
        annotations = self.annotations(value)
        if kind == "Action":
            return edm.Action(name, bound, parameters, returns, path, annotations, line)
        return edm.Function(name, bound, self.flag(value, "$IsComposable"), parameters, returns, path, annotations,
                            line)

    def parameters(self, value: dict[str, Any]) -> tuple[edm.Parameter, ...]:
        found: list[edm.Parameter] = []
        listed = self.items(value, "$Parameter")
        for index in range(len(listed)):
            own = self.object(listed, index)
            self.only(own, "Parameter", MEMBERS["Parameter"])
            found.append(self.at(edm.Parameter(self.required(own, "$Name", "Parameter"), self.type_ref(own),
                                               self.annotations(own)), listed, index))
        return tuple(found)

    def term(self, value: dict[str, Any], name: str, line: int) -> edm.Term:
        self.only(value, "Term", MEMBERS["Term"])
        applies = self.items(value, "$AppliesTo")
        for index, item in enumerate(applies):
            if not isinstance(item, str):
                self.wrong(applies, index, "a string")
        return edm.Term(name, self.type_ref(value), self.name_at(value, "$BaseTerm"), self.default(value),
                        tuple(item for item in applies if isinstance(item, str)), self.annotations(value), line)

    def external(self, value: dict[str, Any]) -> tuple[edm.Annotations, ...]:
        if self.known is None:
            return ()
        blocks = self.object(value, "$Annotations")
        found: list[edm.Annotations] = []
        for target in blocks:
            own = self.object(blocks, target)
            self.only(own, "Annotations", frozenset())
            found.append(self.at(edm.Annotations(self.names.path(target), None, self.annotations(own),
                                                 self.line(blocks, target)), blocks, target))
        return tuple(found)

    # --- types -------------------------------------------------------------------------------------------

    def type_ref(self, value: dict[str, Any], member: str = "$Type") -> edm.TypeRef:
        name = self.name_at(value, member) or "Edm.String"
        if member == "$UnderlyingType" and member not in value:
            self.report("doc-missing-member", value, name=member, parent="TypeDefinition")
        nullable = True if member == "$UnderlyingType" else self.flag(value, "$Nullable")
        precision = self.whole(value, "$Precision", ())
        scale = self.whole(value, "$Scale", ("variable", "floating"))
        if scale is None and name == "Edm.Decimal":
            scale = "variable"
        length = self.whole(value, "$MaxLength", ())
        unicode = self.flag(value, "$Unicode") if "$Unicode" in value else None
        return edm.TypeRef(name, self.flag(value, "$Collection"), nullable, length,
                           precision if isinstance(precision, int) else None, scale, unicode,
                           self.whole(value, "$SRID", ("variable",)))

    def whole(self, value: dict[str, Any], name: str, words: tuple[str, ...]) -> int | str | None:
        found = value.get(name)
        if found is None and name not in value:
            return None
        if isinstance(found, Number) and _INTEGER.fullmatch(found) and len(found) < 10 and not found.startswith("-"):
            return int(found)
        if name == "$SRID" and isinstance(found, str) and found.isdecimal() and len(found) < 10:
            return int(found)
        if isinstance(found, str) and found.lower() in words:
            if found not in words:
                self.report("doc-scale-case", value, name, name=name, value=found, read=found.lower())
            return found.lower()
        self.wrong(value, name, "a non-negative integer" + "".join(f" or '{word}'" for word in words))
        return None

    def default(self, value: dict[str, Any]) -> str | None:
        found = value.get("$DefaultValue")
        if isinstance(found, bool):
            return _WORDS[found]
        if isinstance(found, dict | list):
            self.wrong(value, "$DefaultValue", "a primitive value")
            return None
        return None if found is None else str(found)

    # --- container ---------------------------------------------------------------------------------------

    def container(self, value: dict[str, Any], name: str, line: int) -> edm.EntityContainer:
        found: dict[type, list[Any]] = {}
        for member in value:
            if member.startswith("$") or "@" in member:
                if member not in MEMBERS["EntityContainer"] and not member.startswith("@"):
                    self.report("doc-unknown-member", value, member, name=member, parent="EntityContainer")
            else:
                made = self.container_child(self.object(value, member), member, self.line(value, member))
                found.setdefault(type(made), []).append(self.at(made, value, member))
        return edm.EntityContainer(
            name, self.name_at(value, "$Extends"), tuple(found.get(edm.EntitySet, ())),
            tuple(found.get(edm.Singleton, ())),
            tuple(found.get(edm.ActionImport, ())), tuple(found.get(edm.FunctionImport, ())), self.annotations(value),
            line)

    def container_child(self, own: dict[str, Any], name: str, line: int) -> (
            edm.EntitySet | edm.Singleton | edm.ActionImport | edm.FunctionImport):
        """Which kind it is, its members tell: $Action, $Function, $Collection."""
        annotations = self.annotations(own)
        if "$Action" in own:
            self.only(own, "ActionImport", MEMBERS["ActionImport"])
            return edm.ActionImport(name, self.name_at(own, "$Action") or "", self.path_at(own, "$EntitySet"),
                                    annotations, line)
        if "$Function" in own:
            self.only(own, "FunctionImport", MEMBERS["FunctionImport"])
            return edm.FunctionImport(name, self.name_at(own, "$Function") or "", self.path_at(own, "$EntitySet"),
                                      self.flag(own, "$IncludeInServiceDocument"), annotations, line)
        if self.flag(own, "$Collection"):
            self.only(own, "EntitySet", MEMBERS["EntitySet"])
            return edm.EntitySet(name, self.names.name(self.required(own, "$Type", "EntitySet")),
                                 self.flag(own, "$IncludeInServiceDocument", True), self.bindings(own), annotations,
                                 line)
        self.only(own, "Singleton", MEMBERS["Singleton"] | {"$Collection"})
        return edm.Singleton(name, self.names.name(self.required(own, "$Type", "Singleton")),
                             self.flag(own, "$Nullable"),
                             self.bindings(own), annotations, line)

    def bindings(self, value: dict[str, Any]) -> tuple[edm.Binding, ...]:
        pairs = self.object(value, "$NavigationPropertyBinding")
        return tuple(self.at(edm.Binding(self.names.path(path), self.names.path(self.text(pairs, path) or "")), pairs,
                             path)
                     for path in pairs)

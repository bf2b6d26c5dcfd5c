"""Rules of annotation values: constants, enumeration members, paths, records, functions (CSDL §14.3, §14.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.edm import expressions as ex
from app.edm import types
from app.edm.check import Check, Hit, hit
from app.edm.findings import declare
from app.edm.hosts import Host, hosts
from app.edm.literals import is_literal
from app.edm.model import (Annotation, ComplexType, EntityType, EnumType, NavigationProperty, Property, TypeDefinition,
                           TypeRef)
from app.errors import closest

declare(
    ("value-syntax", "error", "§14.3", "'{text}' is not a value of {kind}", "Correct the literal."),
    ("value-type", "error", "§14.3", "{what} is given where {type} is expected",
     "Use an expression of the declared type."),
    ("value-range", "error", "§14.3", "{text} is outside the range of {type}", "Correct the number."),
    ("value-missing", "warning", "§14.2", "'{name}' has neither a value nor a default value", "Give a value."),
    ("value-null", "warning", "§14.3", "Null is given where {type} cannot be null", "Give a value."),
    ("value-collection", "error", "§14.4.6", "A single value is given where a collection of {type} is expected",
     "Wrap it in a Collection."),
    ("value-single", "error", "§14.4.6", "A collection is given where a single {type} is expected", "Give one value."),
    ("value-enum-type", "error", "§14.3.7", "'{name}' is not an enumeration", "Name a member as Enumeration/Member."),
    ("value-enum-member", "error", "§14.3.7", "'{type}' has no member '{name}'{known}", "Correct the name."),
    ("value-enum-other", "error", "§14.3.7", "A member of '{type}' is given where one of '{expected}' is expected",
     "Use the declared enumeration."),
    ("value-enum-several", "error", "§14.3.7", "Several members of '{type}', which has no flags", "Name one member."),
    ("value-path", "warning", "§14.4.1", "'{segment}' of the path '{path}' does not exist on '{type}'",
     "Correct the path."),
    ("value-path-kind", "warning", "§14.4.1", "The path '{path}' ends at {found}, not at {expected}",
     "PropertyPath leads to structural, NavigationPropertyPath to navigation properties."),
    ("record-type", "error", "§14.4.12", "'{name}' is not a structured type{known}", "Correct the name."),
    ("record-other", "error", "§14.4.12", "A record of '{name}' is given where '{expected}' is expected",
     "Use the declared type or one derived from it."),
    ("record-abstract", "error", "§14.4.12", "The record is of the abstract type '{name}'",
     "Name one of its derived types."),
    ("record-member", "error", "§14.4.12", "'{type}' has no member '{name}'{known}", "Correct the name."),
    ("record-unlisted", "warning", "§14.4.12", "'{type}', as known here, has no member '{name}'{known}",
     "Check the name; newer members are ignored."),
    ("record-twice", "error", "§14.4.12", "The record gives '{name}' twice", "Remove one of them."),
    ("record-required", "error", "§14.4.12", "The record of '{type}' lacks '{name}', which has no default value",
     "Add it."),
    ("record-incomplete", "warning", "§14.4.12", "The record of '{type}', as known here, lacks '{name}'", "Add it."),
    ("function-unknown", "error", "§14.4.4", "There is no client-side function '{name}'{known}",
     "Names with 'odata.' are those of the canonical functions, fillUriTemplate and uriEncode."),
    ("function-operands", "error", "§14.4.4", "'{name}' takes {expected} arguments, {count} are given",
     "Correct the arguments."),
    ("if-else", "error", "§14.4.7", "If has no third operand outside a collection",
     "Add the value for the other case."),
    ("cast-type", "error", "§14.4.5", "'{name}' is not a type in scope", "Correct the name."),
    ("label-twice", "error", "§14.4.9", "The label '{name}' is given twice", "Labels are unique in a schema."),
    ("label-unknown", "error", "§14.4.10", "There is no labeled element '{name}'", "Correct the name."),
    ("value-new", "warning", "§18.2", "The expression is one of OData 4.01, the document one of 4.0",
     "Write Version=\"4.01\"."),
    ("validation-limits", "error", "Validation.Minimum", "The minimum {minimum} is greater than the maximum {maximum}",
     "Swap them."),
    ("validation-pattern", "error", "Validation.Pattern", "'{pattern}' is not a regular expression: {reason}",
     "Correct it."),
)

_KINDS = {
    "Edm.String": {"String"}, "Edm.Boolean": {"Bool"}, "Edm.Decimal": {"Decimal", "Int"},
    "Edm.Double": {"Float", "Decimal", "Int"},
    "Edm.Single": {"Float", "Decimal", "Int"}, "Edm.Date": {"Date"}, "Edm.DateTimeOffset": {"DateTimeOffset"},
    "Edm.Duration": {"Duration"}, "Edm.Guid": {"Guid"}, "Edm.Binary": {"Binary"}, "Edm.TimeOfDay": {"TimeOfDay"},
    "Edm.Stream": {"String", "Binary"}, **{name: {"Int"} for name in types.INTEGERS},
    **{name: {"String"} for name in types.GEO},
}
_PATHS = {
    "Edm.PropertyPath": {"PropertyPath"}, "Edm.NavigationPropertyPath": {"NavigationPropertyPath"},
    "Edm.AnnotationPath": {"AnnotationPath"}, "Edm.AnyPropertyPath": {"PropertyPath", "NavigationPropertyPath"},
    "Edm.ModelElementPath": {"ModelElementPath", "AnnotationPath", "PropertyPath", "NavigationPropertyPath"},
}
_CANONICAL = {
    "cast": (1, 2), "ceiling": (1, 1), "concat": (2, 99), "contains": (2, 2), "date": (1, 1), "day": (1, 1),
    "endswith": (2, 2),
    "floor": (1, 1), "fractionalseconds": (1, 1), "geo.distance": (2, 2), "geo.intersects": (2, 2),
    "geo.length": (1, 1),
    "hassubsequence": (2, 2), "hassubset": (2, 2), "hour": (1, 1), "indexof": (2, 2), "isof": (1, 2), "length": (1, 1),
    "matchesPattern": (2, 2), "maxdatetime": (0, 0), "mindatetime": (0, 0), "minute": (1, 1), "month": (1, 1),
    "now": (0, 0),
    "round": (1, 1), "second": (1, 1), "startswith": (2, 2), "substring": (2, 3), "time": (1, 1), "tolower": (1, 1),
    "totaloffsetminutes": (1, 1), "totalseconds": (1, 1), "toupper": (1, 1), "trim": (1, 1), "year": (1, 1),
    "fillUriTemplate": (1, 99), "uriEncode": (1, 1),
}
_FOREIGN = re.compile(r"\\[pPuckK]|\(\?<|\[\[")    # what ECMAScript has and this check cannot judge
_NEW = frozenset({"Has", "In", "Add", "Sub", "Neg", "Mul", "Div", "DivBy", "Mod"})


def check(context: Check) -> Iterator[Hit]:
    """Every hit among the values of annotations."""
    labels: set[str] = set()
    references: list[tuple[ex.LabeledElementReference, Annotation]] = []
    for host in hosts(context):
        yield from limits(host)
        for annotation in host.annotations:
            yield from _annotation(context, host, annotation, labels, references)
    for reference, annotation in references:
        if reference.name not in labels and not context.is_open_question(reference.name):
            yield hit("label-unknown", annotation, name=reference.name)


def _annotation(context: Check, host: Host, annotation: Annotation, labels: set[str],
                references: list[tuple[ex.LabeledElementReference, Annotation]]) -> Iterator[Hit]:
    term = context.term(annotation.term)
    walker = _Values(context, host.base, annotation, labels, references)
    if annotation.value is not None and annotation.explicit:
        yield from walker.value(annotation.value, term.type if term is not None else None)
    elif term is not None and term.default is None and isinstance(annotation.value, ex.Null) and not term.type.nullable:
        yield hit("value-missing", annotation, name=annotation.term)
    for nested in annotation.annotations:
        yield from _annotation(context, host, nested, labels, references)


def limits(host: Host) -> Iterator[Hit]:
    """Validation.Minimum against Validation.Maximum; Validation.Pattern against its syntax."""
    found = {each.term: each for each in host.annotations if each.qualifier is None}
    low, high = (found.get(f"Org.OData.Validation.V1.{name}") for name in ("Minimum", "Maximum"))
    if low and high and isinstance(low.value, ex.Constant) and isinstance(high.value, ex.Constant):
        try:
            if types.parse("Edm.Decimal", low.value.text) > types.parse("Edm.Decimal", high.value.text):
                yield hit("validation-limits", low, minimum=low.value.text, maximum=high.value.text)
        except ValueError:
            pass
    pattern = found.get("Org.OData.Validation.V1.Pattern")
    if pattern and isinstance(pattern.value, ex.Constant) and not _FOREIGN.search(pattern.value.text):
        try:
            re.compile(pattern.value.text)
        except (re.error, OverflowError, RecursionError) as error:
            yield hit("validation-pattern", pattern, pattern=pattern.value.text, reason=error)


class _Values:
    """Walks the value of one annotation."""

    def __init__(self, context: Check, base: str | None, annotation: Annotation, labels: set[str],
                 references: list[tuple[ex.LabeledElementReference, Annotation]]) -> None:
        self.context, self.base, self.annotation = context, base, annotation
        self.labels, self.references = labels, references

    def value(self, value: ex.Expression, ref: TypeRef | None, item: bool = False) -> Iterator[Hit]:
        """An expression where a type is expected; `item`: directly inside a collection."""
        if ref is not None and ref.name == "Edm.Untyped":
            ref = None
        if ref is not None and isinstance(value, ex.Constant | ex.EnumMember | ex.Record) and ref.collection:
            yield hit("value-collection", value, type=ref.name)
            return
        match value:
            case ex.Constant():
                yield from self.constant(value, ref)
            case ex.EnumMember():
                yield from self.enum(value, ref)
            case ex.PathExpression():
                yield from self.path(value, ref)
            case ex.Record():
                yield from self.record(value, ref)
            case ex.Collection():
                if ref is not None and not ref.collection:
                    yield hit("value-single", value, type=ref.name)
                    ref = None
                for each in value.items:
                    yield from self.value(each, TypeRef(ref.name, nullable=ref.nullable) if ref is not None else None,
                                          True)
            case ex.Null():
                if ref is not None and ref.nullable is False and not ref.collection:
                    yield hit("value-null", value, type=ref.name)
            case _:
                yield from self.composed(value, ref, item)

    def constant(self, value: ex.Constant, ref: TypeRef | None) -> Iterator[Hit]:
        if not is_literal(value.kind, value.text):
            yield hit("value-syntax", value, text=value.text, kind=value.kind)
            return
        if ref is None:
            return
        kind = self.context.kind(ref.name)
        found = self.context.type(ref.name)
        name = found.type.name if isinstance(found, TypeDefinition) else ref.name
        if name in ("Edm.PrimitiveType", "Edm.Untyped") or kind == "unknown":
            return
        if kind in ("enum", "complex", "entity", "path") or value.kind not in _KINDS.get(name, {value.kind}):
            yield hit("value-type", value, what=f"{value.kind} '{value.text}'", type=ref.name)
        elif name in types.INTEGER_RANGES:
            low, high = types.INTEGER_RANGES[name]
            if not low <= int(value.text) <= high:
                yield hit("value-range", value, text=value.text, type=name)

    def enum(self, value: ex.EnumMember, ref: TypeRef | None) -> Iterator[Hit]:
        context = self.context
        names = {member.rpartition("/")[0] for member in value.members}
        for name in sorted(names):
            found = context.type(name)
            if not isinstance(found, EnumType):
                if not context.is_open_question(name) and (name.rpartition(".")[0] in context.scope
                                                           or context.vocabulary(
                        name.rpartition(".")[0]) is not None or not name):
                    yield hit("value-enum-type", value, name=name)
                return
            known = [member.name for member in found.members]
            given = [member.rpartition("/")[2] for member in value.members if member.rpartition("/")[0] == name]
            for each in given:
                if each not in known and not (each.lstrip("-").isdigit()):
                    near = closest(each, known)
                    yield hit("value-enum-member", value, type=name, name=each,
                              known=f"; did you mean '{near}'" if near else "")
            if len(given) > 1 and not found.flags:
                yield hit("value-enum-several", value, type=name)
            if ref is not None and ref.name not in (name, "Edm.PrimitiveType") and context.kind(ref.name) != "unknown":
                yield hit("value-enum-other", value, type=name, expected=ref.name)

    # --- paths -------------------------------------------------------------------------------------------

    def path(self, value: ex.PathExpression, ref: TypeRef | None) -> Iterator[Hit]:
        kind = value.kind
        if ref is not None and kind != "Path" and not ref.collection:
            expected = _PATHS.get(ref.name)
            if expected is not None and kind not in expected:
                yield hit("value-type", value, what=f"{kind} '{value.path}'", type=ref.name)
            elif expected is None and self.context.kind(ref.name) != "unknown":
                yield hit("value-type", value, what=f"{kind} '{value.path}'", type=ref.name)
        if self.context.old and (kind == "ModelElementPath" or value.path.startswith("/")):
            yield hit("value-new", value)
        if kind in ("Path", "PropertyPath", "NavigationPropertyPath") and self.base is not None:
            yield from self.resolved(value)

    def resolved(self, value: ex.PathExpression) -> Iterator[Hit]:
        """Whether a relative path of plain segments leads somewhere."""
        context, base, path = self.context, self.base, value.path
        assert base is not None
        if not path or path.startswith("/") or any(char in path for char in "@$(") or re.search(r"(^|/)-?\d", path):
            return
        if context.model.structured(base) is None or context.unresolved_lineage(base) or context.model.is_open(base):
            return
        owner, found, plain = base, None, False
        for segment, found in context.walk(base, path):
            if found is None:
                model = context.model
                closed = model.structured(owner) and not model.is_open(owner) and not context.unresolved_lineage(owner)
                if closed or plain:
                    yield hit("value-path", value, path=path, segment=segment, type=owner)
                return
            owner = found if isinstance(found, str) else (
                found.type if isinstance(found, NavigationProperty) else found.type.name)
            plain = context.kind(owner) in ("primitive", "enum", "definition")
        if value.kind == "PropertyPath" and isinstance(found, NavigationProperty):
            yield hit("value-path-kind", value, path=path, found="a navigation property",
                      expected="a structural property")
        elif value.kind == "NavigationPropertyPath" and isinstance(found, Property):
            yield hit("value-path-kind", value, path=path, found="a structural property",
                      expected="a navigation property")

    # --- records -----------------------------------------------------------------------------------------

    def record(self, value: ex.Record, ref: TypeRef | None) -> Iterator[Hit]:
        context = self.context
        expected = ref.name if ref is not None else None
        name = value.type or expected
        plain = expected is not None and context.kind(expected) in ("primitive", "enum", "definition", "path")
        if plain and value.type is None:
            yield hit("value-type", value, what="A record", type=expected)
            return
        found = context.type(name) if name is not None else None
        if value.type is not None:
            yield from self.record_type(value, expected)
        kind = found if isinstance(found, EntityType | ComplexType) else None
        if kind is not None and kind.abstract:
            yield hit("record-abstract", value, name=kind.name)
        members = self.members(kind.name) if kind is not None else {}
        seen: set[str] = set()
        for member in value.properties:
            if member.name in seen:
                yield hit("record-twice", member, name=member.name)
            seen.add(member.name)
            declared = members.get(member.name)
            if declared is None and kind is not None and not self.open(kind):
                near = closest(member.name, members)
                yield hit("record-member" if self.own(kind.name) else "record-unlisted", member, type=kind.name,
                          name=member.name,
                          known=f"; did you mean '{near}'" if near else "")
            if member.value is not None and member.explicit:
                yield from self.value(member.value, declared)
        if kind is not None:
            yield from self.required(value, kind, members, seen)

    def record_type(self, value: ex.Record, expected: str | None) -> Iterator[Hit]:
        context, name = self.context, value.type or ""
        found = context.type(name)
        if not isinstance(found, EntityType | ComplexType):
            if not context.is_open_question(name) and (found is not None or name.rpartition(".")[0] in context.scope):
                near = closest(name, context.model.types)
                yield hit("record-type", value, name=name, known=f"; did you mean '{near}'" if near else "")
        elif expected is not None and context.kind(expected) != "unknown" and not self.derives(name, expected):
            yield hit("record-other", value, name=name, expected=expected)

    def own(self, name: str) -> bool:
        """Whether a type is declared by the document itself."""
        return any(schema.namespace == name.rpartition(".")[0] for schema in self.context.model.schemas)

    def derives(self, name: str, base: str) -> bool:
        """Like Model.is_a, across the model and the vocabularies."""
        if base in ("Edm.ComplexType", "Edm.EntityType", "Edm.Untyped"):
            return True
        current: str | None = name
        for _ in range(100):
            if current is None or current == base:
                return current == base
            found = self.context.type(current)
            current = found.base if isinstance(found, EntityType | ComplexType) else None
        return False

    def members(self, name: str) -> dict[str, TypeRef]:
        """Members of a structured type of the model or a vocabulary, inherited ones included."""
        merged: dict[str, TypeRef] = {}
        current: str | None = name
        for _ in range(100):
            found = self.context.type(current) if current else None
            if not isinstance(found, EntityType | ComplexType):
                break
            for member in found.properties:
                merged.setdefault(member.name, member.type)
            for link in found.navigation:
                merged.setdefault(link.name, TypeRef(link.type, link.collection, link.nullable))
            current = found.base
        return merged

    def open(self, kind: EntityType | ComplexType) -> bool:
        """Whether undeclared members are possible, or the type is only partly known."""
        current: EntityType | ComplexType = kind
        for _ in range(100):
            if current.open or current.base is None:
                return current.open
            found = self.context.type(current.base)
            if not isinstance(found, EntityType | ComplexType):
                return True
            current = found
        return True

    def required(self, value: ex.Record, kind: EntityType | ComplexType, members: dict[str, TypeRef],
                 seen: set[str]) -> Iterator[Hit]:
        term = self.context.term(self.annotation.term)
        if term is not None and term.base is not None:
            return
        defaults: set[str] = set()
        current: str | None = kind.name
        for _ in range(100):
            found = self.context.type(current) if current else None
            if not isinstance(found, EntityType | ComplexType):
                break
            defaults |= {member.name for member in found.properties if member.default is not None}
            current = found.base
        for name, ref in members.items():
            if name not in seen and name not in defaults and ref.nullable is False and not ref.collection:
                yield hit("record-required" if self.own(kind.name) else "record-incomplete", value, type=kind.name,
                          name=name)

    # --- the others --------------------------------------------------------------------------------------

    def composed(self, value: ex.Expression, ref: TypeRef | None, item: bool) -> Iterator[Hit]:
        match value:
            case ex.If():
                if value.otherwise is None and not item:
                    yield hit("if-else", value)
                yield from self.value(value.condition, TypeRef("Edm.Boolean"))
                for branch in (value.then, value.otherwise):
                    if branch is not None:
                        yield from self.value(branch, ref)
            case ex.Apply():
                yield from self.function(value)
            case ex.Cast() | ex.IsOf():
                if self.context.kind(value.type) == "unknown" and not self.context.is_open_question(value.type):
                    yield hit("cast-type", value, name=value.type)
                if value.value is not None:
                    yield from self.value(value.value, None)
            case ex.LabeledElement():
                if value.name in self.labels:
                    yield hit("label-twice", value, name=value.name)
                self.labels.add(value.name)
                if value.value is not None:
                    yield from self.value(value.value, ref)
            case ex.LabeledElementReference():
                self.references.append((value, self.annotation))
            case ex.UrlRef():
                yield from self.value(value.value, TypeRef("Edm.String"))
            case ex.Operator():
                if self.context.old and value.name in _NEW:
                    yield hit("value-new", value)
                for operand in value.operands:
                    yield from self.value(operand, TypeRef("Edm.Boolean") if value.name in ("And", "Or", "Not")
                                          else None)

    def function(self, value: ex.Apply) -> Iterator[Hit]:
        namespace, _, name = value.function.partition(".")
        if namespace == "odata":
            limits = _CANONICAL.get(name)
            if limits is None:
                near = closest(name, _CANONICAL)
                yield hit("function-unknown", value, name=value.function,
                          known=f"; did you mean 'odata.{near}'" if near else "")
            elif not limits[0] <= len(value.arguments) <= limits[1]:
                expected = str(limits[0]) if limits[0] == limits[1] else f"at least {limits[0]}"
                yield hit("function-operands", value, name=value.function, expected=expected,
                          count=len(value.arguments))
        for argument in value.arguments:
            yield from self.value(argument, None)

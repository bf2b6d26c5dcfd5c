"""Rules of terms, annotations and their targets (CSDL §14.1, §14.2); their values: `rules_values`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from app.edm.check import Check, Hit, hit
from app.edm.expressions import Constant, Null
from app.edm.findings import declare
from app.edm.hosts import Host, hosts, resolve
from app.edm.model import Annotation, Term
from app.errors import closest

ELEMENTS = frozenset({
    "Action", "ActionImport", "Annotation", "Apply", "Cast", "Collection", "ComplexType", "EntityContainer",
    "EntitySet",
    "EntityType", "EnumType", "Function", "FunctionImport", "If", "Include", "IsOf", "LabeledElement", "Member",
    "NavigationProperty", "Null", "OnDelete", "Parameter", "Property", "PropertyValue", "Record", "Reference",
    "ReferentialConstraint", "ReturnType", "Schema", "Singleton", "Term", "TypeDefinition", "UrlRef"})

declare(
    ("term-base-unknown", "error", "§14.1.1", "The base term '{base}' of '{name}' does not exist", "Correct the name."),
    ("term-base-cycle", "error", "§14.1.1", "The term '{name}' specializes itself", "Break the cycle."),
    ("term-base-missing", "warning", "§14.1.1", "'{name}' is applied without its base term '{base}'",
     "Apply the base term with the same qualifier."),
    ("term-applies-to", "warning", "§14.1.2", "'{value}' in AppliesTo of '{name}' is no model element{known}",
     "Correct the name."),
    ("term-unknown", "error", "§14.2", "There is no term '{name}'{known}", "Correct the name."),
    ("term-unlisted", "warning", "§14.2", "The vocabulary '{namespace}', as known here, has no term '{name}'{known}",
     "Check the name; newer terms are ignored."),
    ("term-scope", "warning", "§14.2", "Terms of '{namespace}' are used, and the vocabulary is not included",
     "Add a reference with an include."),
    ("annotation-twice", "error", "§14.2.1", "'{name}' is applied twice to the same element",
     "Remove one, or give a qualifier."),
    ("annotation-qualifier", "error", "§14.2.1", "The qualifier '{value}' is not a simple identifier", "Correct it."),
    ("annotation-applies-to", "warning", "§14.1.2", "'{name}' is for {elements}, not for {element}",
     "Move or remove it."),
    ("annotation-requires-type", "warning", "Core.RequiresType",
     "'{name}' is for elements of type {type}, this is of {other}",
     "Remove it."),
    ("annotation-target", "error", "§14.2.2", "The target '{target}' does not exist{known}", "Correct the path."),
    ("annotation-target-empty", "error", "§5.2", "The target '{target}' gets no annotation",
     "Add one or remove the element."),
    ("annotation-target-scope", "warning", "§14.2.2", "The target '{target}' is in no schema declared or included",
     "Include its schema."),
)

Identity: TypeAlias = tuple[int, frozenset[str], str, "str | None"]

_REQUIRES = "Org.OData.Core.V1.RequiresType"


def check(context: Check) -> Iterator[Hit]:
    """Every hit among terms and annotations of the document."""
    for schema in context.model.schemas:
        for term in schema.terms:
            yield from declared(context, term)
    reported: set[str] = set()
    seen: set[Identity] = set()
    for host in hosts(context):
        yield from applied(context, host, reported, seen)
    for schema in context.model.schemas:
        for block in schema.external:
            if not block.annotations:
                yield hit("annotation-target-empty", block, target=block.target)
            yield from target(context, block, block.target)


def declared(context: Check, term: Term) -> Iterator[Hit]:
    """Rules of a term's declaration."""
    if term.base is not None:
        if context.term(term.base) is None and not context.is_open_question(term.base):
            yield hit("term-base-unknown", term, base=term.base, name=term.name)
        passed = {term.name}
        current: str | None = term.base
        while current is not None and (found := context.term(current)) is not None:
            if found.name in passed:
                yield hit("term-base-cycle", term, name=term.name)
                break
            passed.add(found.name)
            current = found.base
    for value in term.applies_to:
        if value not in ELEMENTS:
            known = closest(value, ELEMENTS)
            yield hit("term-applies-to", term, value=value, name=term.name,
                      known=f"; did you mean '{known}'" if known else "")


# --- annotations -----------------------------------------------------------------------------------------

def applied(context: Check, host: Host, reported: set[str], seen: set[Identity]) -> Iterator[Hit]:
    """Rules of the annotations of one element, and of the annotations on them."""
    from app.edm.rules import is_simple    # the table of names stands there
    given = {(each.term, each.qualifier) for each in host.annotations}
    for annotation in host.annotations:
        identity = (id(host.element), host.symbols, annotation.term, annotation.qualifier)
        if identity in seen:
            name = annotation.term + (f"#{annotation.qualifier}" if annotation.qualifier else "")
            yield hit("annotation-twice", annotation, name=name)
        seen.add(identity)
        if annotation.qualifier is not None and not is_simple(annotation.qualifier):
            yield hit("annotation-qualifier", annotation, value=annotation.qualifier)
        term = context.term(annotation.term)
        yield from known(context, annotation, term, reported)
        if term is not None:
            yield from suits(context, host, annotation, term)
            if term.base is not None and (term.base, annotation.qualifier) not in given:
                yield hit("term-base-missing", annotation, name=annotation.term, base=term.base)
        if annotation.annotations:
            yield from applied(context, Host(annotation, frozenset({"Annotation"}), annotation.annotations, host.base),
                               reported, seen)


def known(context: Check, annotation: Annotation, term: Term | None, reported: set[str]) -> Iterator[Hit]:
    namespace, _, name = annotation.term.rpartition(".")
    if namespace not in context.scope and namespace not in reported:
        reported.add(namespace)
        yield hit("term-scope", annotation, namespace=namespace)
    if term is not None or context.is_open_question(annotation.term):
        return
    standard = context.vocabulary(namespace)
    holder = standard or (context.model if namespace in context.model.namespaces else None)
    if holder is None:
        return
    near = closest(name, [each.rpartition(".")[2] for each in holder.terms if each.rpartition(".")[0] == namespace])
    text = f"; did you mean '{near}'" if near else ""
    if standard is not None and namespace not in {schema.namespace for schema in context.model.schemas}:
        yield hit("term-unlisted", annotation, namespace=namespace, name=name, known=text)
    else:
        yield hit("term-unknown", annotation, name=annotation.term, known=text)


def suits(context: Check, host: Host, annotation: Annotation, term: Term) -> Iterator[Hit]:
    """Whether the term may stand on this element."""
    if term.applies_to and host.symbols and not host.symbols & set(term.applies_to):
        yield hit("annotation-applies-to", annotation, name=annotation.term, elements=", ".join(term.applies_to),
                  element=sorted(host.symbols)[0])
    required = next((each.value for each in term.annotations if each.term == _REQUIRES), None)
    if host.type is not None and isinstance(required, Constant) and not isinstance(annotation.value, Null):
        primitive = context.primitive(host.type)
        if primitive and primitive != required.text:
            yield hit("annotation-requires-type", annotation, name=annotation.term, type=required.text, other=primitive)


def target(context: Check, element: object, path: str) -> Iterator[Hit]:
    """Whether an external target leads anywhere."""
    head = path.partition("/")[0].partition("(")[0]
    namespace = head.rpartition(".")[0]
    if namespace not in context.scope and namespace not in context.model.namespaces:
        yield hit("annotation-target-scope", element, target=path)
        return
    if context.is_open_question(head) or resolve(context, path) is not None:
        return
    names: list[Any] = [*context.model.types, *context.model.operations, *context.model.terms]
    near = closest(head, names) if not context.model.types.get(head) else None
    yield hit("annotation-target", element, target=path, known=f"; did you mean '{near}'" if near and near != head
              else "")

"""CSDL validity as a table of rules: `check` gives every finding of a model, in document order.

The rows of the table stand beside the functions that apply them: schemas and names here, the other elements in
`rules_types`, `rules_properties`, `rules_navigation`, `rules_operations`, `rules_container`, `rules_annotations`,
`rules_values`; what the reader of a document notices itself is in `rules_document`. CSDL 4.01, section by rule.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from app.edm import (rules_annotations, rules_container, rules_navigation, rules_operations, rules_properties,
                     rules_types,
                     rules_values)
from app.edm.check import Check, Hit, hit
from app.edm.findings import Finding, declare, finding
from app.edm.index import Model
from app.edm.model import Schema

RESERVED = frozenset({"Edm", "odata", "System", "Transient"})

declare(
    ("schema-namespace-syntax", "error", "§15.1", "'{name}' is not a namespace",
     "Simple identifiers joined by dots, at most 511 characters."),
    ("schema-namespace-reserved", "error", "§5", "The namespace '{name}' is reserved", "Choose another namespace."),
    ("schema-namespace-twice", "error", "§5", "The namespace '{name}' is declared twice",
     "Put everything into one schema."),
    ("schema-namespace-included", "error", "§3.3", "The namespace '{name}' is declared here and included as well",
     "Drop one of them: a schema cannot span documents."),
    ("schema-alias-syntax", "error", "§15.2", "The alias '{name}' is not a simple identifier",
     "Letters, digits and underscores."),
    ("schema-alias-reserved", "error", "§5.1", "The alias '{name}' is reserved", "Choose another alias."),
    ("schema-alias-twice", "error", "§5.1", "The alias '{name}' is given twice", "Aliases are unique in a document."),
    ("schema-alias-namespace", "error", "§5.1", "The alias '{name}' is also a namespace", "Choose another alias."),
    ("include-twice", "error", "§3.3", "The namespace '{name}' is included twice", "Include it once."),
    ("include-unresolved", "note", "§3.3", "The schema '{name}' was not found; names in it are not checked",
     "Put the document beside this one; the network is never asked."),
    ("name-syntax", "error", "§15.2", "'{name}' is not a simple identifier",
     "A letter or underscore, then letters, digits and underscores, 128 characters at most."),
    ("name-twice", "error", "§5", "The schema has two elements named '{name}'", "Rename one of them."),
    ("name-operation", "error", "§12", "'{name}' names an operation and another element", "Rename one of them."),
    ("name-case", "warning", "§5", "'{name}' and '{other}' differ only in case",
     "Some clients and stores ignore case."),
    ("schema-containers", "error", "§13", "The document has more than one entity container",
     "A service has exactly one."),
)


# Findings with which a service cannot start: names that lead nowhere, or to two things.
FATAL = frozenset({
    "schema-namespace-twice", "name-twice", "type-unknown", "type-scope", "type-old", "base-kind", "base-unknown",
    "base-cycle",
    "key-property-unknown", "key-property-collection", "property-twice", "property-entity", "navigation-type",
    "set-type",
    "set-key", "container-child-twice", "container-extends", "container-cycle", "import-operation", "import-kind",
    "enum-underlying",
    "definition-underlying", "action-unbound-twice", "action-bound-twice", "function-overload-names"})


def check(model: Model, places: Mapping[int, tuple[int, int]] | None = None,
          vocabulary: Callable[[str], Model | None] = lambda namespace: None) -> list[Finding]:
    """Every finding of the schemas of a document, in document order.

    `places`: id of an element → line and column, as readers note them; `vocabulary` knows the standard
    vocabularies by namespace, included or not.
    """
    context = Check(model, vocabulary)
    found: set[Finding] = set()
    known = places or {}
    for each in _hits(context):
        line, column = known.get(id(each.element), (getattr(each.element, "line", 0), 0))
        found.add(finding(each.rule, model.source or "", line, column, **each.values))
    return sorted(found)


def _hits(context: Check) -> Iterator[Hit]:
    yield from documents(context)
    for schema in context.model.schemas:
        yield from names(schema)
    for rules in (rules_types, rules_properties, rules_navigation, rules_operations, rules_container, rules_annotations,
                  rules_values):
        yield from rules.check(context)


# --- documents and names ---------------------------------------------------------------------------------

def documents(context: Check) -> Iterator[Hit]:
    """Namespaces, aliases and includes of the document."""
    model = context.model
    namespaces: set[str] = set()
    for schema in model.schemas:
        if not is_namespace(schema.namespace):
            yield hit("schema-namespace-syntax", schema, name=schema.namespace)
        if schema.namespace in RESERVED:
            yield hit("schema-namespace-reserved", schema, name=schema.namespace)
        if schema.namespace in namespaces:
            yield hit("schema-namespace-twice", schema, name=schema.namespace)
        namespaces.add(schema.namespace)
    included: set[str] = set()
    found = {schema.namespace for schema in model.included}
    for include in (each for reference in model.references for each in reference.includes):
        if include.namespace in included:
            yield hit("include-twice", include, name=include.namespace)
        if include.namespace in namespaces:
            yield hit("schema-namespace-included", include, name=include.namespace)
        elif include.namespace not in found and include.namespace not in included:
            yield hit("include-unresolved", include, name=include.namespace)
        included.add(include.namespace)
    yield from aliases(model, namespaces | included)
    containers = [schema.container for schema in model.schemas if schema.container]
    for extra in containers[1:]:
        yield hit("schema-containers", extra)


def aliases(model: Model, namespaces: set[str]) -> Iterator[Hit]:
    seen: set[str] = set()
    elements: list[Any] = [*model.schemas, *(each for reference in model.references for each in reference.includes)]
    for element in elements:
        alias = element.alias
        if alias is None:
            continue
        if not is_simple(alias):
            yield hit("schema-alias-syntax", element, name=alias)
        if alias in RESERVED:
            yield hit("schema-alias-reserved", element, name=alias)
        if alias in seen:
            yield hit("schema-alias-twice", element, name=alias)
        if alias in namespaces and alias != element.namespace:
            yield hit("schema-alias-namespace", element, name=alias)
        seen.add(alias)


def names(schema: Schema) -> Iterator[Hit]:
    """Names of schema children and of everything below them."""
    single: list[Any] = [*schema.types, *schema.terms, *([schema.container] if schema.container else [])]
    operations = {each.name for each in schema.operations}
    seen: set[str] = set()
    for element in single:
        if element.name in seen:
            yield hit("name-twice", element, name=_last(element.name))
        seen.add(element.name)
        if element.name in operations:
            yield hit("name-operation", element, name=_last(element.name))
    for group in _scopes(schema, single):
        yield from _spelling(group, f"{schema.namespace}.")


def _scopes(schema: Schema, single: list[Any]) -> Iterator[list[Any]]:
    """Groups of elements whose names must differ, and should differ in more than case."""
    yield [*single, *schema.operations]
    for kind in schema.types:
        yield list(getattr(kind, "members", ()))
    for operation in schema.operations:
        yield list(operation.parameters)
    if schema.container:
        yield list(schema.container.children)


def _spelling(elements: Iterable[Any], prefix: str) -> Iterator[Hit]:
    folded: dict[str, str] = {}
    for element in elements:
        name = element.name.removeprefix(prefix)
        if not is_simple(name):
            yield hit("name-syntax", element, name=name)
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            yield hit("name-case", element, name=name, other=other)


def _last(name: str) -> str:
    return name.rpartition(".")[2]


_FIRST = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl"})
_REST = _FIRST | {"Nd", "Mn", "Mc", "Pc", "Cf"}


@lru_cache(maxsize=4096)
def is_simple(name: str) -> bool:
    """Whether the name is a simple identifier (§15.2)."""
    if not 0 < len(name) <= 128 or not (name[0] == "_" or unicodedata.category(name[0]) in _FIRST):
        return False
    return all(char == "_" or unicodedata.category(char) in _REST for char in name)


def is_namespace(name: str) -> bool:
    """Whether the name is a namespace (§15.1)."""
    return len(name) <= 511 and all(map(is_simple, name.split(".")))

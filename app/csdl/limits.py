"""What an annotation takes away from clients, and what it gives them, as sets of sentences that can be compared."""

from __future__ import annotations

from collections.abc import Iterator

from app.edm import expressions as ex
from app.edm.model import Annotation

_CAPABILITIES = "Org.OData.Capabilities.V1."
_CORE = "Org.OData.Core.V1."
_TAGS = {_CORE + name for name in ("Computed", "Immutable", "RequiresExplicitBinding", "OptimisticConcurrency")}
_VALUES = {_CORE + "Permissions", _CORE + "AcceptableMediaTypes", "Org.OData.Validation.V1.Pattern",
           "Org.OData.Validation.V1.Minimum", "Org.OData.Validation.V1.Maximum",
           "Org.OData.Validation.V1.AllowedValues",
           "Org.OData.Validation.V1.MultipleOf", "Org.OData.Validation.V1.MaxItems", "Org.OData.Validation.V1.MinItems",
           "Org.OData.Validation.V1.DerivedTypeConstraint", "Org.OData.Validation.V1.Constraint",
           "Org.OData.Validation.V1.OpenPropertyTypeConstraint"}
_FALSE, _TRUE = ex.Constant("Bool", "false"), ex.Constant("Bool", "true")


def limits(annotation: Annotation) -> set[str]:
    """The limits that an annotation sets; () where it only describes."""
    term, value = annotation.term, annotation.value
    if term in _TAGS:
        return set() if value == _FALSE else {term.rpartition(".")[2]}
    if term in _VALUES:
        return {f"{term.rpartition('.')[2]} {_show(value)}"}
    if term.startswith(_CAPABILITIES):
        return set(_capabilities(term.removeprefix(_CAPABILITIES), value))
    return set()


def grants(annotation: Annotation) -> set[str]:
    """What an annotation lets clients write."""
    name, value = annotation.term.removeprefix(_CORE), annotation.value
    if name == "AlternateKeys" and isinstance(value, ex.Collection):
        return {f"alternate key {_show(each)}" for each in value.items}
    return {name} if name in ("DefaultNamespace", "OptionalParameter") and value != _FALSE else set()


def _capabilities(name: str, value: ex.Expression | None) -> Iterator[str]:
    match value:
        case ex.Constant() if value == _FALSE:
            yield f"{name} is false"
        case ex.Constant() if value == _TRUE and "Requires" in name.rpartition("/")[2]:
            yield f"{name} is true"
        case ex.Constant() if name.endswith("MaxLevels"):
            yield f"{name} is {value.text}"
        case ex.Record():
            subject = next((_show(each.value) for each in value.properties
                            if each.name in ("NavigationProperty", "CollectionProperty", "Property")), "")
            for member in value.properties:
                yield from _capabilities(f"{name}{f'[{subject}]' if subject else ''}/{member.name}", member.value)
        case ex.Collection():
            last = name.rpartition("/")[2]
            for item in value.items:
                if isinstance(item, ex.Record):
                    yield from _capabilities(name, item)
                elif last.startswith(("Non", "Required", "Unsupported", "Ascending",
                                      "Descending")) or last.endswith("Only"):
                    yield f"{name} has {_show(item)}"


def _show(value: ex.Expression | None) -> str:
    match value:
        case ex.Constant():
            return value.text
        case ex.PathExpression():
            return value.path
        case ex.EnumMember():
            return " ".join(value.members)
        case ex.Collection():
            return ", ".join(map(_show, value.items))
        case ex.Record():
            return "{" + ", ".join(f"{each.name}: {_show(each.value)}" for each in value.properties) + "}"
    return "" if value is None else type(value).__name__

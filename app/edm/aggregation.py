"""What annotations say of aggregation: what `$apply` may do with a set or type, and custom aggregates (Aggregation §5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.edm.index import Model
from app.edm.model import Annotation
from app.edm.values import plain

VOCABULARY = "Org.OData.Aggregation.V1."
TRANSFORMATIONS = "odata.store.v1.Transformations"


@dataclass(frozen=True, slots=True)
class CustomAggregate:
    """`type` of the value; `transformations`: the sequence that makes it, '' where the model does not say."""

    name: str
    type: str
    transformations: str


def apply_supported(model: Model, source: str | None, type: str) -> dict[str, Any]:
    """What is said of `$apply` on a set, else on its type, with the defaults of the container below it; {} for nothing."""
    found: dict[str, Any] = {}
    container = model.container
    if container is not None:
        found.update(_record(model.annotation(VOCABULARY + "ApplySupportedDefaults", container.name, container.annotations)))
    for target, own in _elements(model, source, type):
        said = model.annotation(VOCABULARY + "ApplySupported", target, own)
        if said is not None:
            return {**found, **_record(said)}
    return found


def custom_aggregate(model: Model, type: str, name: str) -> CustomAggregate | None:
    """The custom aggregate of this name on a type, its sets or the container."""
    sets: list[str | None] = [each for each, element in model.sets.items() if model.is_a(type, element.type)]
    elements = [pair for each in sets or [None] for pair in _elements(model, each, type)]
    if model.container is not None:
        elements.append((model.container.name, model.container.annotations))
    for target, own in elements:
        said = model.annotation(VOCABULARY + "CustomAggregate", target, own, name)
        if said is not None:
            how = next((plain(each.value) for each in said.annotations if model.full(each.term) == TRANSFORMATIONS), None)
            return CustomAggregate(name, model.full(str(plain(said.value))), how if isinstance(how, str) else "")
    return None


def _elements(model: Model, source: str | None, type: str) -> Iterator[tuple[str, tuple[Annotation, ...]]]:
    """A set, then a type and its bases: target paths and annotations of their own."""
    element = model.source_of(source) if source is not None else None
    if element is not None and model.container is not None:
        yield f"{model.container.name}/{source}", element.annotations
    for each in model.lineage(type):
        kind = model.structured(each)
        yield each, kind.annotations if kind is not None else ()


def _record(annotation: Annotation | None) -> dict[str, Any]:
    value = None if annotation is None else plain(annotation.value)
    return value if isinstance(value, dict) else {}

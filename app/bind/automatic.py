"""What is expanded without being asked for: Core.AutoExpand and Core.AutoExpandReferences (Core vocabulary).

The annotations stand on navigation properties, stream properties and media entity types; what a request expands itself
stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.bind import nodes
from app.bind.bindings import Place
from app.edm import vocabularies
from app.edm.index import Model

NONE = nodes.Options()
Above = frozenset[tuple[str | None, str]]       # the navigation properties on the way, each by its declaring type and name


def completed(options: nodes.Options, type_name: str, place: Place, model: Model, above: Above = frozenset()) -> nodes.Options:
    """The options of entities of a type with everything that is expanded anyway, at every level; no navigation property
    is expanded by itself below itself."""
    if model.entity_type(type_name) is None or not vocabularies.expanding_themselves(model):
        return options
    kept = tuple(_below(item, type_name, place, model, above) for item in options.expand)
    taken = {item.path for item in kept}
    added = tuple(item for item in _items(type_name, place, model, above) if item.path not in taken)
    return replace(options, expand=(*kept, *added)) if kept or added else options


def _below(item: nodes.ExpandItem, type_name: str, place: Place, model: Model, above: Above) -> nodes.ExpandItem:
    """An expanded property whose own properties are completed; references and counts stay as they are."""
    if item.navigation is None or item.suffix:
        return item
    for step in item.path[:-1]:
        place = place.below(step)
    below, _ = place.follow(item.navigation, model)
    way = above | {(model.declaring(type_name, item.path[-1]), item.path[-1])}
    return replace(item, options=completed(item.options, item.type, below, model, way))


def _items(type_name: str, place: Place, model: Model, above: Above) -> Iterator[nodes.ExpandItem]:
    """The automatic items of a type and the types derived from it."""
    named = vocabularies.expanding_themselves(model)
    for each in (type_name, *model.derived(type_name)):
        prefix = () if each == type_name else (each,)
        kind = model.entity_type(each)
        if kind is not None and kind.has_stream and not prefix and vocabularies.auto_expanded(model, "", kind):
            yield nodes.ExpandItem(("$value",), None, "Edm.Stream", None, "", NONE, explicit=False)
        for name, navigation in model.navigations(each).items():
            how = vocabularies.auto_expanded(model, each, navigation) if name in named else ""
            inherited = prefix and name in model.navigations(type_name)
            if how and not inherited and (model.declaring(each, name), name) not in above:
                _, source = (place.below(each) if prefix else place).follow(navigation, model)
                item = nodes.ExpandItem((*prefix, name), navigation, navigation.type, None, how if how == "$ref" else "", NONE,
                                        explicit=False, source=source)
                yield _below(item, each, place, model, above)
        for name, member in model.properties(each).items():
            if name in named and member.type.name == "Edm.Stream" and vocabularies.auto_expanded(model, each, member) \
                    and not (prefix and name in model.properties(type_name)):
                yield nodes.ExpandItem((*prefix, name), None, "Edm.Stream", None, "", NONE, 1, member, False)

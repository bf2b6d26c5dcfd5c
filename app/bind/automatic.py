"""What is expanded without being asked for: Core.AutoExpand and Core.AutoExpandReferences (Core vocabulary), and what
`$apply` groups instances by.

The annotations stand on navigation properties, stream properties and media entity types; what a request expands itself
stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from app.bind import nodes
from app.bind.bindings import Place
from app.edm import vocabularies
from app.edm.index import Model
from app.edm.model import NavigationProperty, Property
from app.url import nodes as url

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
    """The automatic items of a type, and of what each type derived from it adds."""
    named = vocabularies.expanding_themselves(model)
    kind = model.entity_type(type_name)
    if kind is not None and kind.has_stream and vocabularies.auto_expanded(model, "", kind):
        yield nodes.ExpandItem(("$value",), None, "Edm.Stream", None, "", NONE, explicit=False)
    members: list[Property | NavigationProperty] = [*model.navigations(type_name).values(), *model.properties(type_name).values()]
    for member in members:
        if member.name in named:
            yield from _item(type_name, (), member, place, model, above)
    for each in model.derived(type_name):
        below = model.entity_type(each)
        for member in below.members if below is not None else ():
            if member.name in named:
                yield from _item(each, (each,), member, place, model, above)


def _item(owner: str, cast: tuple[str, ...], member: Property | NavigationProperty, place: Place, model: Model, above: Above
          ) -> Iterator[nodes.ExpandItem]:
    """The automatic item of a member of a type, if it is one. `cast`: what stands in front of it."""
    how, name = vocabularies.auto_expanded(model, owner, member), member.name
    if isinstance(member, Property):
        if how and member.type.name == "Edm.Stream":
            yield nodes.ExpandItem((*cast, name), None, "Edm.Stream", None, "", NONE, 1, member, False)
    elif how and (model.declaring(owner, name), name) not in above:
        _, source = (place.below(owner) if cast else place).follow(member, model)
        item = nodes.ExpandItem((*cast, name), member, member.type, None, how if how == "$ref" else "", NONE,
                                explicit=False, source=source)
        yield _below(item, owner, place, model, above)


def of_groups(apply: nodes.Apply) -> tuple[url.ExpandItem, ...]:
    """The navigation properties that instances are grouped by, which are expanded unless others are (Aggregation §3.2.3.1)."""
    tree: dict[tuple[str, ...], Any] = {}

    def add(each: nodes.RowProperty) -> None:
        steps: list[nodes.Expression] = []
        node = each.expression
        while isinstance(node, nodes.PropertyPath | nodes.NavigationPath | nodes.CastPath):
            steps.insert(0, node)
            node = node.base
        level, start = tree, 0
        for end, step in enumerate(steps if isinstance(node, nodes.This) else (), 1):
            if isinstance(step, nodes.NavigationPath):
                level, start = level.setdefault(each.path[start:end], {}), end

    def visit(sequence: nodes.Apply) -> None:
        for each in sequence.transformations:
            if isinstance(each, nodes.GroupBy) and each.then is not None:
                for item in each.items:
                    for level in item.levels if isinstance(item, nodes.Rollup) else (item,):
                        if isinstance(level, nodes.RowProperty):
                            add(level)
                visit(each.then)

    def items(level: dict[tuple[str, ...], Any]) -> tuple[url.ExpandItem, ...]:
        return tuple(url.ExpandItem(path, options=url.Options(expand=items(below)) if below else None)
                     for path, below in level.items())
    visit(apply)
    return items(tree)

"""Where a navigation property leads: the entity set or singleton that the container binds it to.

CSDL §13.4: a binding path may run through complex properties, casts and containment; a cast in it may be left out in a
request where it is implied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.bind import nodes
from app.edm.index import Model
from app.edm.model import EntitySet, NavigationProperty, Singleton


def binding(model: Model, source: EntitySet | Singleton, path: Sequence[str]) -> str | None:
    """The name of the set or singleton bound to the navigation property at `path` below `source`: the binding with the
    same path, else the one with most casts among those equal without casts. None where there is none, or where it
    leads into a containment."""
    wanted = [model.full(step) if "." in step else step for step in path]
    plain = [step for step in wanted if "." not in step]
    best: tuple[int, str] | None = None
    for each in source.bindings:
        steps = [model.full(step) if "." in step else step for step in each.path.split("/")]
        if steps == wanted:
            best = (len(steps) + 1, each.target)
            break
        if [step for step in steps if "." not in step] == plain and (best is None or len(steps) > best[0]):
            best = (len(steps), each.target)
    if best is None:
        return None
    steps = best[1].split("/")
    if len(steps) == 2 and model.container is not None and model.full(steps[0]) == model.container.name:
        steps = steps[1:]
    return steps[0] if len(steps) == 1 and model.source_of(steps[0]) is not None else None


def only_set(model: Model, type_name: str) -> str | None:
    """Without a binding: the only set whose type is `type_name`, else the only one whose type is a base or derived."""
    exact = [name for name, each in model.sets.items() if each.type == type_name]
    if exact:
        return exact[0] if len(exact) == 1 else None
    near = [name for name, each in model.sets.items()
            if model.is_a(each.type, type_name) or model.is_a(type_name, each.type)]
    return near[0] if len(near) == 1 else None


@dataclass(frozen=True, slots=True)
class Place:
    """Whose bindings hold somewhere on a path: those of `anchor`, for paths that begin with `trail`."""

    anchor: EntitySet | Singleton | None = None
    trail: tuple[str, ...] = ()

    def below(self, step: str) -> Place:
        """The place behind a complex property or a cast."""
        return Place(self.anchor, (*self.trail, step))

    def follow(self, navigation: NavigationProperty, model: Model) -> tuple[Place, str | None]:
        """The place behind a navigation property, and the set or singleton it leads to: None for a containment, or
        where nothing is bound and more or less than one set would do (DESIGN §4)."""
        path = (*self.trail, navigation.name)
        if navigation.contains_target:
            return Place(self.anchor, path), None
        bound = binding(model, self.anchor, path) if self.anchor is not None else None
        name = bound or only_set(model, navigation.type)
        return Place(model.source_of(name) if name else None), name


def place_of(resource: nodes.Resource, model: Model) -> Place:
    """The place that a resource path leads to."""
    place = Place()
    for step in resource.steps:
        match step:
            case nodes.SetStep(source) | nodes.SingletonStep(source):
                place = Place(source)
            case nodes.NavigationStep(navigation):
                place, _ = place.follow(navigation, model)
            case nodes.PropertyStep(declared):
                place = place.below(declared.name)
            case nodes.CastStep(type_name):
                place = place.below(type_name)
            case nodes.OperationStep():
                place = Place(model.source_of(resource.source) if resource.source else None)
    return place

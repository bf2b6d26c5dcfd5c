"""Places: where in a service a resource is, and what Capabilities annotations say of it there.

A place is a tuple of names, the most specific first: the path below the container ('Customers/Orders'), the navigation
property that leads there ('Sales.Customer/Orders'), the set that it is bound to ('Orders'). What a more specific one says
goes before, member by member. The container's own term holds where none of them says anything; Capabilities.DefaultCapabilities
are below all of that.
Complex properties are steps of a path, casts and keys are not. Capabilities vocabulary, NavigationRestrictions; CSDL §14.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from app.edm.index import Model
from app.edm.model import Annotation, EntityType, NavigationProperty
from app.edm.values import plain

CAPABILITIES = "Org.OData.Capabilities.V1."
Place: TypeAlias = tuple[str, ...]
NOWHERE: Place = ()
MOST_WAYS = 32          # to one containment that are looked at one by one


def place(name: str | Place | None) -> Place:
    """The place of a set or singleton; a place as it is."""
    return name if isinstance(name, tuple) else NOWHERE if name is None else (name,)


def below(model: Model, where: Place, type: str, trail: tuple[str, ...], navigation: NavigationProperty,
          target: str | None) -> Place:
    """The place behind a navigation property of a type. `trail`: the complex properties in front of it; `target`: the set or
    singleton that it is bound to, None for a containment."""
    owner = model.declaring(type, navigation.name) or type
    path = "/".join((*trail, navigation.name))
    found = [f"{each}/{path}" for each in where if "." not in each]
    found.append(f"{owner}/{navigation.name}")
    if target is not None and not navigation.contains_target:
        found.append(target)
    return tuple(found)


def said(model: Model, term: str, where: Place) -> Any:
    """What a Capabilities term says at a place: a record as a dict, a Boolean as {'Supported': …}, a list; None for nothing."""
    known: dict[tuple[str, Place], Any] = model.capabilities
    key = term, where
    if key not in known:
        known[key] = _said(model, term, where)
    return known[key]


def _said(model: Model, term: str, where: Place) -> Any:
    container = model.container
    if container is None:
        return None
    found: Any = None
    defaults = _one(model, "DefaultCapabilities", container.name, container.annotations)
    if isinstance(defaults, dict):
        found = _record(defaults.get(term))
    specific: Any = None
    for name in reversed(where):
        steps = name.split("/")
        for at in range(1, len(steps)):         # what a set says of the navigation properties below it
            restrictions = _exactly(model, "NavigationRestrictions", "/".join(steps[:at]))
            for each in restrictions.get("RestrictedProperties") or () if isinstance(restrictions, dict) else ():
                if plainly(each.get("NavigationProperty")) == "/".join(steps[at:]):
                    specific = merged(specific, _record(each.get(term)))
        specific = merged(specific, _exactly(model, term, name))
    return merged(found, _one(model, term, container.name, container.annotations) if specific is None else specific)


def _exactly(model: Model, term: str, name: str) -> Any:
    """What a term says at one name of a place."""
    head, _, rest = name.partition("/")
    container = model.container
    assert container is not None
    if "." in head:
        navigation = model.navigations(head).get(rest)
        return _one(model, term, name, navigation.annotations) if navigation is not None else None
    if not rest:
        element = model.source_of(head)
        return _one(model, term, f"{container.name}/{head}", element.annotations) if element is not None else None
    return _one(model, term, "", model.below_container.get(name, ()))


def _one(model: Model, term: str, target: str, own: tuple[Annotation, ...]) -> Any:
    found = model.annotation(CAPABILITIES + term, target, own)
    return None if found is None else _record(True if found.value is None else plain(found.value))


def _record(value: Any) -> Any:
    return {"Supported": value} if isinstance(value, bool) else value


def plainly(path: Any) -> Any:
    """A path of an annotation without casts."""
    return "/".join(step for step in path.split("/") if "." not in step) if isinstance(path, str) else path


def merged(before: Any, after: Any) -> Any:
    """A value with another one over it, records member by member."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return {**before, **{name: merged(before.get(name), value) for name, value in after.items()}}
    return before if after is None else after


def trail_of(before: Place, after: Place) -> tuple[str, ...]:
    """The steps from one place to the one behind a navigation property: complex properties and the navigation property."""
    return tuple(after[0].removeprefix(before[0]).strip("/").split("/")) if before else (after[0].rpartition("/")[2],)


def ways(model: Model, owners: Callable[[str], Sequence[str]], id: str, seen: frozenset[str] = frozenset()) -> list[Place]:
    """The places of a set, a singleton, or a containment ('Sales.Customer/Notes'), which is below each of its `owners`. Where
    containments contain each other, and where there are too many, it is the containment as such."""
    owner, slash, name = id.rpartition("/")
    if not slash:
        return [place(id)]
    found = []
    for above in owners(id):
        if above in seen:
            return [place(id)]
        for each in ways(model, owners, above, seen | {id}):
            found.append((*(f"{step}/{name}" for step in each if "." not in step), id))
            if len(found) > MOST_WAYS:
                return [place(id)]
    return found


def everywhere(model: Model) -> Iterator[Place]:
    """Every place that an annotation speaks of."""
    for name in (*model.sets, *model.singletons):
        yield place(name)
        restrictions = said(model, "NavigationRestrictions", place(name))
        for each in restrictions.get("RestrictedProperties") or () if isinstance(restrictions, dict) else ():
            yield place(f"{name}/{plainly(each.get('NavigationProperty'))}")
    for name in model.below_container:
        yield place(name)
    for kind in model.types.values():
        for navigation in kind.navigation if isinstance(kind, EntityType) else ():
            if model.annotations(f"{kind.name}/{navigation.name}", navigation.annotations):
                yield place(f"{kind.name}/{navigation.name}")

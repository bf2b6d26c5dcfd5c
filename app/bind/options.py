"""Query options: which apply where, and each bound against the type (after `$apply`: the row) that it works on.

Order: `$apply`, `$compute`, `$search`, `$filter`, `$count`, `$orderby`, `$skip`, `$top`, `$expand`, `$select`
(Protocol §11.2.1). Errors name the option as target. URL Conventions §5.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app import errors
from app.bind import bindings, nodes
from app.bind.apply import bind_apply, bind_compute, bind_order, number, result_scope
from app.bind.automatic import completed, of_groups
from app.bind.bindings import Place
from app.bind.expression import bind_boolean
from app.bind.member import cast_name, unknown_member
from app.bind.scope import DEFAULT_LIMITS, Limits, Scope
from app.bind.selection import LIST as SELECTED_LIST
from app.bind.selection import SHAPE as SELECTED_SHAPE
from app.bind.selection import Selection
from app.edm.index import Model
from app.edm.model import NavigationProperty
from app.url import nodes as url
from app.url.nodes import NO_OPTIONS

SHAPE = SELECTED_SHAPE | {"expand"}
LIST = SELECTED_LIST | {"skiptoken"}
NAMES = {name: "$" + name for name in sorted(SHAPE | LIST | {"apply", "deltatoken", "levels", "index", "id", "format"})}
TEMPORAL = {"at": "$at", "from_": "$from", "to": "$to", "to_inclusive": "$toInclusive"}
NOTHING = frozenset[str]()

# Resource kind → what it is called, and the options of GET (§5.1).
ALLOWED: dict[str, tuple[str, frozenset[str]]] = {
    "collection": ("a collection of entities", LIST | SHAPE | {"apply", "deltatoken"}),
    "complexCollection": ("a collection of complex values", LIST | SHAPE | {"apply"}),
    "primitiveCollection": ("a collection of primitive values", LIST),
    "entity": ("a single entity", SHAPE | {"deltatoken"}),
    "complex": ("a single complex value", SHAPE),
    "primitive": ("a primitive value", NOTHING),
    "dynamic": ("a dynamic property", LIST),
    "stream": ("a stream", NOTHING),
    "all": ("$all", LIST | SHAPE | {"apply"}),
    "crossjoin": ("$crossjoin", LIST | SHAPE | {"apply"}),
    "entityReference": ("$entity without a type", frozenset({"id"})),
    "service": ("the service document", NOTHING),
    "metadata": ("$metadata", NOTHING),
    "batch": ("$batch", NOTHING),
    "action": ("an action without a result", NOTHING),
}
COUNT = frozenset({"filter", "search", "apply", "compute", "skip", "top", "orderby", "expand", "count"})
CHANGES = COUNT | {"select", "deltatoken"}      # the number of changes since a token


def bind_options(options: url.Options, resource: nodes.Resource, model: Model, method: str = "GET",
                 limits: Limits = DEFAULT_LIMITS) -> nodes.Options:
    """The options of a request on `resource`. Raises OptionNotAllowed (400) for one that does not apply there."""
    place = bindings.place_of(resource, model)
    shown = method == "GET" and resource.kind in ("collection", "entity") and not resource.suffix
    if options is NO_OPTIONS or not options.texts and options.top is None and options == NO_OPTIONS:
        return completed(NONE, resource.type, place, model) if shown else NONE
    what, allowed = applicable(resource, model, method, options.deltatoken is not None)
    _check(options, what, allowed)
    if options.index is not None and resource.kind == "collection":
        raise errors.NotImplementedByService(feature="Inserting an entity at a position", target="$index")
    if resource.suffix == "$count":
        if options.filter is not None and any(isinstance(step, nodes.FilterStep) for step in resource.steps):
            raise errors.BindError("$filter cannot be combined with /$filter and /$count", target="$filter")
        if options.deltatoken is None:
            options = replace(options, expand=None)
        options = replace(options, skip=None, top=None, orderby=None, count=None)
    scope = Scope(model, resource.type, nodes.This(resource.type), limits=limits)
    if resource.kind == "crossjoin":
        scope = scope.with_names({name: nodes.AliasPath(name, model.sets[name].type) for name in resource.sets}, True)
    scope = scope.with_aliases(options.aliases)
    bound = _Binder(limits).bind(options, scope, place)
    return completed(bound, resource.type, place, model) if shown and bound.apply is None else bound


def applicable(resource: nodes.Resource, model: Model, method: str, delta: bool = False) -> tuple[str, frozenset[str]]:
    """What the resource is called in a message, and the options that apply to it under this method (§5.1). `delta`: its
    changes are asked for."""
    kind, suffix = resource.kind, resource.suffix
    if kind == "action" and resource.type:
        kind = model.kind(resource.type)
        kind = kind if kind in ("entity", "complex") else "primitive"
        if resource.collection:
            kind = "collection" if kind == "entity" else kind + "Collection"
    what, allowed = ALLOWED[kind]
    always = frozenset({"format"}) if kind != "batch" else NOTHING
    if suffix == "$count":
        return f"the $count of {what}", (CHANGES if delta else COUNT) & allowed
    if suffix == "$value":
        return f"the $value of {what}", NOTHING | always
    if suffix == "$ref":
        if method == "GET":
            return f"references of {what}", (LIST | {"deltatoken"} if resource.collection else NOTHING) | always
        return "a reference", (frozenset({"id"}) if method == "DELETE" else NOTHING) | always
    if kind == "entityReference" and any(isinstance(step, nodes.CastStep) for step in resource.steps):
        return what, SHAPE | {"id", "format"}
    if method == "DELETE":
        return "DELETE", always
    if method == "POST" and suffix != "$query" and resource.kind != "action":
        if kind == "collection":
            return "a new entity", SHAPE | {"index"} | always
        if kind in ("complexCollection", "primitiveCollection"):
            return "a new item", frozenset({"index"}) | always
    return what, allowed | always


def _check(options: url.Options, what: str, allowed: frozenset[str]) -> None:
    for field, name in NAMES.items():
        if getattr(options, field) is not None and field not in allowed:
            raise errors.OptionNotAllowed(name=name, resource=what, target=name)
    for field, name in TEMPORAL.items():
        if getattr(options, field) is not None:
            raise errors.NotImplementedByService(feature=f"The option {name} of the Temporal extension", target=name)


class _Binder:
    """The options of one request, with those nested in them; counts the expanded paths."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.expands = 0

    def bind(self, options: url.Options, scope: Scope, place: Place, depth: int = 0) -> nodes.Options:
        """The options of one resource, expanded or selected property."""
        option = ""
        try:
            apply = None
            if options.apply is not None:
                option = "$apply"
                apply, scope = bind_apply(options.apply, scope)
            computed: tuple[nodes.ComputedProperty, ...] = ()
            if options.compute is not None:
                option = "$compute"
                computed, scope = bind_compute(options.compute, scope)
            option = "$filter"
            predicate = None if options.filter is None else bind_boolean(options.filter, scope)
            option = "$orderby"
            orderby = () if options.orderby is None else bind_order(options.orderby, scope)
            option = "$expand"
            items = options.expand
            if items is None and apply is not None and apply.row is None:
                items = of_groups(apply)
            expand = self.expand(items, scope, place, depth) if items else ()
            if options.expand is None:
                expand += tuple(self.transformed(each, scope, place, depth) for each in scope.names.values()
                                if isinstance(each, nodes.Transformed))
            option = "$select"
            select = None if options.select is None else Selection(self.nested, scope).bind(options.select)
        except errors.ODataError as error:
            raise error.with_target(option)
        if select and expand:
            _check_overlap(select, expand)
        token = options.skiptoken
        return nodes.Options(select, expand, predicate, options.search, orderby, computed, apply,
                             None if options.top is None else number(options.top),
                             None if options.skip is None else number(options.skip), bool(options.count),
                             nodes.Parameter(token.index, "Edm.String") if isinstance(token, url.Parameter) else token,
                             options.deltatoken, options.index)

    def nested(self, options: url.Options, scope: Scope, type_name: str, what: str,
               allowed: frozenset[str]) -> nodes.Options:
        """The options in the parentheses of a selected property."""
        _check(options, what, allowed)
        inner = scope.inside(type_name).with_aliases(options.aliases)
        return self.bind(options, inner, Place())

    # --- $expand -----------------------------------------------------------------------------------------

    def expand(self, items: tuple[url.ExpandItem, ...], scope: Scope, place: Place,
               depth: int) -> tuple[nodes.ExpandItem, ...]:
        """The items of `$expand`; what is named wins over `*` (§5.1.3)."""
        if depth >= self.limits.expand_depth:
            raise errors.LimitExceeded(limit="depth of $expand", allowed=self.limits.expand_depth)
        bound: list[nodes.ExpandItem] = []
        seen: set[tuple[str, ...]] = set()
        stars: list[url.ExpandItem] = []
        for item in items:
            if item.path[-1] == "*":
                stars.append(item)
                continue
            found = self.item(item, scope, place, depth)
            if found is None:
                continue
            path = (*found.path, found.cast or "", "$count" if found.suffix == "$count" else "")
            if path in seen:
                raise errors.BindError(f"'{'/'.join(item.path)}' is expanded twice", position=item.position)
            seen.add(path)
            bound.append(found)
        named = {each.path for each in bound}
        for item in stars:
            bound.extend(each for each in self.star(item, scope, place, depth) if each.path not in named)
        return tuple(bound)

    def count(self) -> None:
        self.expands += 1
        if self.expands > self.limits.expands:
            raise errors.LimitExceeded(limit="number of expanded paths", allowed=self.limits.expands)

    def item(self, item: url.ExpandItem, scope: Scope, place: Place, depth: int) -> nodes.ExpandItem | None:
        """One named item; None for a dynamic navigation property, of which there are none."""
        model, type_name, position = scope.model, scope.type, item.position
        path: list[str] = []
        if item.path == ("$value",):
            if not any(model.has_stream(each) for each in (type_name, *model.derived(type_name))):
                raise errors.BindError(f"{type_name} is not a media entity type and has no $value", position=position)
            return nodes.ExpandItem(item.path, None, "Edm.Stream", None, "", _no_options(item, "a stream"))
        if item.path[0] in scope.names:
            added = scope.names[item.path[0]]
            if isinstance(added, nodes.Transformed):
                return self.transformed(added, scope, place, depth, item)
            if model.entity_type(added.type) is not None:
                many = bool(getattr(added, "collection", False))
                navigation = NavigationProperty(item.path[0], added.type, many)
                return self.navigation(item, scope, (item.path[0],), navigation, item.path[1:], place, depth)
        for index, name in enumerate(item.path):
            if name.startswith("@"):
                raise errors.NotImplementedByService(feature=f"Expanding the annotation {name}", position=position)
            cast = cast_name(name, type_name, model) if "." in name or model.default_namespaces else None
            if cast is not None:
                if not model.is_a(cast, type_name):
                    raise errors.TypeMismatch(reason=f"{cast} does not derive from {type_name}", position=position)
                type_name, place = cast, place.below(cast)
                path.append(cast)
                continue
            if "." in name:
                raise errors.UnknownType(name=name, hint=errors.closest(name, model.types), position=position)
            path.append(name)
            found = model.navigations(type_name).get(name)
            if found is not None:
                if scope.closed and not _has_row(scope, path):
                    return None
                return self.navigation(item, replace(scope, this=nodes.This(type_name)), tuple(path), found,
                                       item.path[index + 1:], place, depth)
            declared = model.properties(type_name).get(name)
            if declared is None:
                if model.is_open(type_name):
                    return None
                raise unknown_member(type_name, name, model, position)
            if declared.type.name == "Edm.Stream" and index == len(item.path) - 1:
                self.count()
                options = _no_options(item, "a stream")
                return nodes.ExpandItem(tuple(path), None, "Edm.Stream", None, "", options, 1, declared)
            if model.complex_type(declared.type.name) is None:
                raise errors.BindError(f"'{name}' is no navigation property", position=position)
            type_name, place = declared.type.name, place.below(name)
        raise errors.BindError(f"'{'/'.join(item.path)}' does not end in a navigation property", position=position)

    def navigation(self, item: url.ExpandItem, scope: Scope, path: tuple[str, ...], found: NavigationProperty,
                   rest: tuple[str, ...], place: Place, depth: int, explicit: bool = True) -> nodes.ExpandItem:
        """An expanded navigation property with its options; `rest`: what follows it in the item, one cast at most."""
        model, cast = scope.model, None
        self.count()
        if rest:
            kind = model.entity_type(rest[0])
            if len(rest) > 1 or kind is None or not model.is_a(kind.name, found.type):
                raise errors.BindError(f"'{'/'.join(rest)}' cannot follow the navigation property '{found.name}'; nest "
                                       f"it: {found.name}($expand={rest[-1]})", position=item.position)
            cast = kind.name
        if item.suffix == "$count" and not found.collection:
            raise errors.BindError(f"'{found.name}' is no collection and has no $count", position=item.position)
        below, source = place.follow(found, model)
        target = cast or found.type
        if item.options is None:
            return nodes.ExpandItem(path, found, target, cast, item.suffix, NONE, 1, None, explicit, source)
        options = item.options
        _check(options, *_expand_options(found, item.suffix))
        levels = _levels(options.levels, found, scope, item.position)
        inner = scope.inside(target).with_aliases(options.aliases)
        bound = self.bind(options, inner, below.below(cast) if cast else below, depth + 1)
        return nodes.ExpandItem(path, found, target, cast, item.suffix, bound, levels, None, explicit, source)

    def transformed(self, added: nodes.Transformed, scope: Scope, place: Place, depth: int,
                    item: url.ExpandItem | None = None) -> nodes.ExpandItem:
        """What `addnested` added: expanded unless others are (Aggregation §3.4.3), or with the options of an item."""
        self.count()
        cast = added.path.type if isinstance(added.path, nodes.CastPath) else None
        node = added.path.base if isinstance(added.path, nodes.CastPath) else added.path
        assert isinstance(node, nodes.NavigationPath)
        navigation, at = node.navigation, [node.navigation.name]
        base: nodes.Expression = node.base
        while isinstance(base, nodes.PropertyPath | nodes.CastPath):
            at.insert(0, base.type if isinstance(base, nodes.CastPath) else base.property.name)
            base = base.base
        for step in at[:-1]:
            place = place.below(step)
        below, source = place.follow(navigation, scope.model)
        options, suffix = nodes.Options(), ""
        if item is not None:
            suffix = item.suffix
            if suffix == "$count" or len(item.path) > 1:
                raise errors.NotImplementedByService(feature=f"'{item.path[-1]}{suffix}' of a transformed collection")
            if item.options is not None:
                what, allowed = _expand_options(navigation, suffix)
                _check(item.options, what, allowed - {"levels", "apply"})
                inner = result_scope(added.apply, scope.inside(added.apply.type)).with_aliases(item.options.aliases)
                options = self.bind(item.options, inner, below, depth + 1)
        elif added.apply.row is None:
            inner = scope.inside(added.apply.type)
            options = nodes.Options(expand=tuple(
                self.transformed(each.expression, inner, below, depth + 1) for each in added.apply.aliases
                if isinstance(each.expression, nodes.Transformed)))
        return nodes.ExpandItem((added.name,), navigation, added.type, cast, suffix, replace(options, apply=added.apply),
                                source=source, at=tuple(at))

    def star(self, item: url.ExpandItem, scope: Scope, place: Place, depth: int) -> Iterator[nodes.ExpandItem]:
        """`*`, `*/$ref`, `*($levels=n)`: every navigation property of the type."""
        model, type_name = scope.model, scope.type
        prefix = item.path[:-1]
        for name in prefix:
            declared = model.properties(type_name).get(name)
            inner = name if "." in name else declared.type.name if declared is not None else ""
            kind = model.structured(inner)
            if kind is None:
                raise errors.UnknownProperty(type=type_name, name=name, position=item.position)
            type_name, place = kind.name, place.below(name)
        levels = item.options.levels if item.options is not None else None
        if item.options is not None and replace(item.options, levels=None, texts=()) != NO_OPTIONS:
            raise errors.BindError("'*' takes no option but $levels", position=item.position)
        wanted = 2 if levels == "max" else levels or 1
        nested = None
        if isinstance(wanted, int) and wanted > 1:
            again = url.ExpandItem(("*",), item.suffix, url.Options(levels=wanted - 1), item.position)
            nested = url.Options(expand=(again,))
        if depth >= self.limits.expand_depth:
            raise errors.LimitExceeded(limit="depth of $expand", allowed=self.limits.expand_depth)
        for name, found in model.navigations(type_name).items():
            if scope.closed and not _has_row(scope, [*prefix, name]):
                continue
            single = url.ExpandItem((name,), item.suffix, nested, item.position)
            yield self.navigation(single, scope, (*prefix, name), found, (), place, depth, False)


NONE = nodes.Options()


def _has_row(scope: Scope, path: list[str]) -> bool:
    """Whether a row after an aggregation still holds a navigation property or a part of what it leads to."""
    name = "/".join(path)
    return any(each == name or each.startswith(name + "/") for each in scope.names)


def _no_options(item: url.ExpandItem, what: str) -> nodes.Options:
    if item.options is not None:
        _check(item.options, what, NOTHING)
    return NONE


def _expand_options(found: NavigationProperty, suffix: str) -> tuple[str, frozenset[str]]:
    """The options in the parentheses of an expanded navigation property (§5.1.3)."""
    if suffix == "$count":
        return "the $count of an expanded collection", frozenset({"filter", "search"})
    if suffix == "$ref":
        return f"references of '{found.name}'", (SELECTED_LIST if found.collection else NOTHING) | {"levels"}
    if found.collection:
        return "an expanded collection", SELECTED_LIST | SHAPE | {"levels", "apply"}
    return "an expanded single entity", SHAPE | {"levels"}


def _levels(value: int | str | None, found: NavigationProperty, scope: Scope, position: int) -> int:
    """1 for no recursion, a number, 0 for `max`; only where the target can be the source again."""
    if value is None or value == 1:
        return 1
    if not (scope.model.is_a(found.type, scope.type) or scope.model.is_a(scope.type, found.type)):
        raise errors.BindError(f"$levels needs a navigation property that leads back to {scope.type}", target="$levels",
                               position=position)
    return 0 if value == "max" else int(value)


def _check_overlap(select: tuple[nodes.SelectItem, ...], expand: tuple[nodes.ExpandItem, ...]) -> None:
    """A property may have options in one place only (§5.1.4)."""
    expanded = {each.path for each in expand}
    for item in select:
        if item.options is not None and item.path in expanded:
            raise errors.BindError(f"'{'/'.join(item.path)}' has options in $select and in $expand", target="$select")

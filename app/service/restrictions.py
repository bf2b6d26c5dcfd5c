"""Restrictions: what the Capabilities annotations of a set forbid a read to ask, checked when the request is compiled.

In: the set that a resource belongs to, the bound options, expanded paths included. Raises BindError (400) naming the
option, MethodNotAllowed for a set that is not read at all. Capabilities vocabulary; conformance V-Cap-03 to V-Cap-15.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from app.bind import nodes as bound
from app.edm import Model, vocabularies
from app.edm.model import NavigationProperty, Property
from app.errors import BindError, MethodNotAllowed


def check(model: Model, source: str | None, options: bound.Options, *, by_key: bool, counted: bool = False) -> None:
    """Raises for what the annotations of `source` refuse. `by_key`: one entity is read; `counted`: `/$count`."""
    if source is None:
        return
    _readable(model, source, by_key)
    if options.filter is not None or not by_key:
        _filter(model, source, options.filter, by_key)
    _sort(model, source, options.orderby)
    if (options.count or counted) and not vocabularies.allowed(model, "CountRestrictions", "Countable", source):
        raise BindError(f"'{source}' cannot be counted", code="notCountable", target="$count")
    for name, given in (("top", options.top), ("skip", options.skip)):
        if given is not None and not vocabularies.allowed(model, f"{name.capitalize()}Supported", "Supported", source):
            raise BindError(f"'{source}' does not take ${name}", code="optionNotSupported", target="$" + name)
    if options.search is not None and not vocabularies.allowed(model, "SearchRestrictions", "Searchable", source):
        raise BindError(f"'{source}' cannot be searched", code="notSearchable", target="$search")
    _expand(model, source, options.expand)


def _readable(model: Model, source: str, by_key: bool) -> None:
    value = vocabularies.restriction(model, "ReadRestrictions", source)
    keyed = value.get("ReadByKeyRestrictions") or {}
    if not value.get("Readable", True) and not (by_key and keyed.get("Readable")):
        raise MethodNotAllowed(method="GET", resource=f"'{source}'", allow=())
    if by_key and keyed.get("Readable") is False:
        raise MethodNotAllowed(method="GET", resource=f"a single entity of '{source}'", allow=())


def _filter(model: Model, source: str, filter: bound.Expression | None, by_key: bool) -> None:
    value = vocabularies.restriction(model, "FilterRestrictions", source)
    used = set(paths(filter)) if filter is not None else set()
    if filter is None:
        if value.get("RequiresFilter") and not by_key:
            raise BindError(f"'{source}' is read with $filter only", code="filterRequired", target="$filter")
        return
    if not value.get("Filterable", True):
        raise BindError(f"'{source}' cannot be filtered", code="notFilterable", target="$filter")
    _refuse(used, value.get("NonFilterableProperties"), "filtered by", "notFilterable", "$filter")
    missing = [name for name in value.get("RequiredProperties") or () if name not in used]
    if missing:
        raise BindError(f"$filter has to use {', '.join(missing)}", code="filterRequired", target="$filter")


def _sort(model: Model, source: str, items: tuple[bound.OrderItem, ...]) -> None:
    if not items:
        return
    value = vocabularies.restriction(model, "SortRestrictions", source)
    if not value.get("Sortable", True):
        raise BindError(f"'{source}' cannot be sorted", code="notSortable", target="$orderby")
    for item in items:
        used = set(paths(item.expression))
        _refuse(used, value.get("NonSortableProperties"), "sorted by", "notSortable", "$orderby")
        other = value.get("AscendingOnlyProperties" if item.descending else "DescendingOnlyProperties")
        _refuse(used, other, "sorted in this direction by", "notSortable", "$orderby")


def _expand(model: Model, source: str, items: tuple[bound.ExpandItem, ...]) -> None:
    if not items:
        return
    value = vocabularies.restriction(model, "ExpandRestrictions", source)
    deepest = value.get("MaxLevels", -1)
    for item in items:
        path = "/".join(item.path)
        if not value.get("Expandable", True) or path in (value.get("NonExpandableProperties") or ()):
            if not item.explicit:
                continue
            raise BindError(f"'{path}' cannot be expanded", code="notExpandable", target="$expand")
        if isinstance(deepest, int) and 0 <= deepest < depth(item):
            raise BindError(f"$expand is limited to {deepest} levels here", code="limitExceeded", target="$expand")
        check(model, item.source, item.options, by_key=item.navigation is None or not item.navigation.collection)


def depth(item: bound.ExpandItem) -> int:
    """How many levels an expand item goes down, `$levels` included."""
    own = abs(item.levels) or 1
    return own + max((depth(each) for each in item.options.expand), default=0)


def _refuse(used: Iterable[str], names: Any, what: str, code: str, target: str) -> None:
    for name in sorted(set(used) & set(names or ())):
        raise BindError(f"'{name}' cannot be {what}", code=code, target=target)


def paths(node: Any) -> Iterator[str]:
    """The property paths of an expression that start at the current instance, and their beginnings."""
    if isinstance(node, bound.PropertyPath | bound.NavigationPath | bound.DynamicPath):
        found = _path(node)
        if found is not None:
            yield found
    if isinstance(node, tuple):
        for each in node:
            yield from paths(each)
    elif is_dataclass(node) and not isinstance(node, Property | NavigationProperty):
        for field in fields(node):
            yield from paths(getattr(node, field.name))


def _path(node: Any) -> str | None:
    match node:
        case bound.PropertyPath(base, declared):
            name = declared.name
        case bound.NavigationPath(base, navigation):
            name = navigation.name
        case bound.DynamicPath(base, name):
            pass
        case bound.CastPath(base, name):
            pass
        case _:
            return None
    if isinstance(base, bound.This):
        return name
    above = _path(base)
    return None if above is None else f"{above}/{name}"

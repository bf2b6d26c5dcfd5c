"""Restrictions: what the Capabilities annotations of a set forbid a request to ask, checked when it is compiled.

In: the set that a resource belongs to, the path, the bound options with expanded paths, the body. Raises BindError (400)
naming the option, BodyError (400) naming the member, MethodNotAllowed for a set that is not read at all, and
NotImplementedByService for functions that are not offered. Capabilities vocabulary; conformance V-Cap-03 to V-Cap-19.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from app.bind import nodes as bound
from app.edm import Model, vocabularies
from app.edm.model import NavigationProperty, Property
from app.errors import BindError, BodyError, MethodNotAllowed, NotImplementedByService
from app.plan import NO_GRANTS, Grants
from app.store.mapping import Mapping as Tables
from app.url import nodes as url


def check(model: Model, source: str | None, options: bound.Options, *, by_key: bool, counted: bool = False,
          grants: Grants = NO_GRANTS) -> None:
    """Raises for what the annotations of `source` refuse. `by_key`: one entity is read; `counted`: `/$count`; `grants`: what
    the policy lets be read, which goes before (Forbidden)."""
    if source is None:
        return
    if by_key:
        grants.one(source)
    else:
        grants.get(source)
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
    if options.search is not None:
        _search(model, source, options.search)
    if options.select is not None and not vocabularies.supported(model, "SelectSupport", source):
        raise BindError(f"'{source}' does not take $select", code="optionNotSupported", target="$select")
    if options.compute and not vocabularies.supported(model, "ComputeSupported", source):
        raise BindError(f"'{source}' does not take $compute", code="optionNotSupported", target="$compute")
    _expand(model, source, options.expand, grants)


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
    offered = vocabularies.filter_functions(model, source)
    for name in sorted(set(functions(filter)) - offered) if offered else ():
        raise NotImplementedByService(feature=f"The function {name} in filters of '{source}'", target="$filter")
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


def _expand(model: Model, source: str, items: tuple[bound.ExpandItem, ...], grants: Grants) -> None:
    if not items:
        return
    value = vocabularies.restriction(model, "ExpandRestrictions", source)
    deepest = value.get("MaxLevels", -1)
    for item in items:
        path = "/".join(step for step in item.path if "." not in step)
        if item.explicit and not vocabularies.navigable(model, source, path):
            raise BindError(f"'{path}' cannot be followed from '{source}'", code="notNavigable", target="$expand")
        if (item.suffix == "$count" or item.options.count) and path in (
                vocabularies.restriction(model, "CountRestrictions", source).get("NonCountableNavigationProperties") or ()):
            raise BindError(f"'{path}' cannot be counted", code="notCountable", target="$count")
        if not value.get("Expandable", True) or path in (value.get("NonExpandableProperties") or ()):
            if not item.explicit:
                continue
            raise BindError(f"'{path}' cannot be expanded", code="notExpandable", target="$expand")
        if isinstance(deepest, int) and 0 <= deepest < depth(item):
            raise BindError(f"$expand is limited to {deepest} levels here", code="limitExceeded", target="$expand")
        single = item.navigation is None or not item.navigation.collection
        check(model, item.source, item.options, by_key=single, grants=grants)


def _search(model: Model, source: str, search: url.Search) -> None:
    """The parts of search expressions that `UnsupportedExpressions` names."""
    refused = set(vocabularies.restriction(model, "SearchRestrictions", source).get("UnsupportedExpressions") or ())
    for name in sorted(refused & set(_parts(search))):
        raise BindError(f"A search in '{source}' takes no {name}", code="notSearchable", target="$search")


def _parts(search: url.Search) -> Iterator[str]:
    match search:
        case url.SearchAnd(operands):
            yield "AND"
            for each in operands:
                yield from _parts(each)
        case url.SearchOr(operands):
            yield "OR"
            for each in operands:
                yield from _parts(each)
        case url.SearchNot(operand):
            yield "NOT"
            yield from _parts(operand)
        case url.SearchTerm(text) if " " in text.strip():
            yield "phrase"


def functions(node: Any) -> Iterator[str]:
    """The canonical functions that an expression calls."""
    if isinstance(node, bound.Call):
        yield node.name
    if isinstance(node, tuple):
        for each in node:
            yield from functions(each)
    elif is_dataclass(node) and not isinstance(node, Property | NavigationProperty):
        for field in fields(node):
            yield from functions(getattr(node, field.name))


# --- paths and bodies ------------------------------------------------------------------------------------

OFFERED = {"batch": ("BatchSupported", "BatchSupport"), "crossjoin": ("CrossJoinSupported",)}


def offered(model: Model, kind: str) -> None:
    """Raises NotImplementedByService for a kind of resource that the container says it does not have."""
    for term in OFFERED.get(kind, ()):
        if not vocabularies.supported(model, term):
            raise NotImplementedByService(feature=f"${kind}")


SEGMENTS = {bound.FilterStep: ("FilterSegmentSupported", "/$filter"), bound.CastStep: ("TypecastSegmentSupported", "a type")}


def segments(model: Model, id: str, steps: tuple[bound.PathStep, ...], term: str) -> None:
    """Raises for a segment that a change of a set is not taken with; `term`: of the kind of change."""
    for step in steps:
        member, what = SEGMENTS.get(type(step), ("", ""))
        if member and model.source_of(id) is not None and not vocabularies.allowed(model, term, member, id):
            raise BindError(f"'{id}' is not changed with {what} in the URL", code="segmentNotSupported")


def addressed(model: Model, steps: tuple[bound.PathStep, ...]) -> None:
    """Raises for a key where a set is not indexed by it, and for navigation that the set in front does not allow."""
    source, trail = "", tuple[str, ...]()
    for step in steps:
        match step:
            case bound.SetStep(element) | bound.SingletonStep(element):
                source, trail = element.name, ()
            case bound.KeyStep() if source and not trail and not vocabularies.supported(model, "IndexableByKey", source):
                raise BindError(f"'{source}' has no addresses of single entities", code="notIndexable", target=source)
            case bound.NavigationStep(navigation):
                path = "/".join((*trail, navigation.name))
                if source and not vocabularies.navigable(model, source, path):
                    raise BindError(f"'{path}' cannot be followed from '{source}'", code="notNavigable", target=navigation.name)
                trail = (*trail, navigation.name) if navigation.contains_target else ()
                source = source if navigation.contains_target else ""
            case bound.PropertyStep(declared):
                trail = (*trail, declared.name)


WRITES = {"insert": ("InsertRestrictions", "NonInsertable", "DeepInsertSupport"),
          "update": ("UpdateRestrictions", "NonUpdatable", "DeepUpdateSupport")}


def written(model: Model, tables: Tables, id: str, tree: Any, right: str, at: str = "",
            left: int | None = None) -> None:
    """Raises for a member of a body that the set does not let be written, for one that is missing, and for nested entities
    where they are not taken. `tree`: the parsed body; `id`: the table that it is for; `left`: how deep it may go on."""
    if not isinstance(tree, Mapping):
        return
    term, prefix, deep = WRITES[right]
    known = model.source_of(id) is not None
    value = vocabularies.restriction(model, term, id) if known else {}
    kinds = [each for each in tables.family(id)]
    navigations = {name: (kind, each) for kind in kinds for name, each in model.navigations(kind).items()}
    given = {name.partition("@")[0] for name in tree} - {""}
    for name in sorted(given):
        which = prefix + ("NavigationProperties" if name in navigations else "Properties")
        if name in (value.get(which) or ()):
            raise BodyError(f"'{name}' cannot be written here.", code="notWritable", target=f"{at}{name}")
    if right == "insert" or not at:
        for name in value.get("RequiredProperties") or ():
            if name.partition("/")[0] not in given:
                raise BodyError(f"'{name}' is required.", code="missingValue", target=f"{at}{name}")
    deepest = value.get("MaxLevels")
    if isinstance(deepest, int) and deepest >= 0:
        left = deepest if left is None else min(left, deepest)
    for name in sorted(given & navigations.keys()):
        nested = [each for each in _nested(tree.get(name)) if not _refers(each)]
        if not nested:
            continue
        if known and not vocabularies.supported(model, deep, id):
            raise NotImplementedByService(feature=f"Nested entities in a body for '{id}'", target=f"{at}{name}")
        if left == 0:
            raise BodyError("Entities cannot be nested so deep here.", code="limitExceeded", target=f"{at}{name}")
        target = tables.target(id, navigations[name][0], name)
        if target is None:
            continue
        for each in nested:
            keyed = any(part.name in each for part in model.key(navigations[name][1].type))
            below = "update" if keyed and right == "update" else "insert"
            if below == "insert" and model.source_of(target) is not None and not vocabularies.allowed(
                    model, "InsertRestrictions", "Insertable", target):
                raise BodyError(f"Entities cannot be created in '{target}'.", code="notInsertable", target=f"{at}{name}")
            written(model, tables, target, each, below, f"{at}{name}/", None if left is None else left - 1)


def _nested(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, Mapping)]


def _refers(value: Mapping[str, Any]) -> bool:
    return "@id" in value or "@odata.id" in value or "@removed" in value or "@odata.removed" in value


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

"""Capabilities enforced on reads: what the annotations of a place forbid, a request for it is refused.

One question per term in `edm.vocabularies`, one caller each, here and, for changes, in `alterations`. In: the model view, a
place, bound options with expanded paths. Raises BindError (400) naming the option, MethodNotAllowed for what is not read at
all, Forbidden where a scope is missing, NotImplementedByService for functions and resources that are not offered.
Capabilities vocabulary; conformance V-Cap-03 to V-Cap-22.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.bind import bindings
from app.bind import nodes as bound
from app.edm import Model, places, vocabularies
from app.edm.places import Place
from app.errors import BindError, MethodNotAllowed, NotImplementedByService
from app.service import aggregations, predicates
from app.service.access import Policy
from app.service.predicates import Spot, Uses
from app.url import nodes as url

SELECTED = {"expand": "Expandable", "filter": "Filterable", "search": "Searchable", "top": "TopSupported",
            "skip": "SkipSupported", "compute": "ComputeSupported", "count": "Countable", "orderby": "Sortable"}


def check(policy: Policy, where: Place, type: str, options: bound.Options, *, by_key: bool, counted: bool = False,
          filtered: bool = False) -> None:
    """Raises for what the annotations of a place refuse. `by_key`: one entity is read; `counted`: `/$count`; `filtered`: the
    URL filters already. What the policy lets be read goes before."""
    if not where:
        return
    readable(policy, where, by_key)
    rules = _Rules(policy, where, type)
    computed = {each.name: each.expression for each in options.compute}
    if options.apply is not None:
        computed |= rules.transform(options.apply)
    if options.filter is not None or not by_key:
        rules.filter(predicates.inlined(options.filter, computed), by_key or filtered)
    rules.sort(predicates.inlined(options.orderby, computed))
    rules.limits(options)
    if (options.count or counted) and not vocabularies.allowed(policy.model, "CountRestrictions", "Countable", where):
        raise BindError(f"'{rules.name}' cannot be counted", code="notCountable", target="$count")
    rules.search(options.search)
    rules.select(options)
    rules.expand(options.expand, by_key)
    if options.apply is not None:
        source = next((each for each in where if each in policy.model.sets), None)
        aggregations.check(policy.model, source, type, options.apply)


def joined(policy: Policy, name: str, type: str, options: bound.Options) -> None:
    """The same of one of the sets of a `$crossjoin`, of whose entities the options speak by its name."""
    about = {name: bound.This(type)}
    check(policy, (name,), type, bound.Options(
        filter=predicates.inlined(options.filter, about), orderby=predicates.inlined(options.orderby, about),
        search=options.search, compute=predicates.inlined(options.compute, about)), by_key=False)
    if options.apply is not None:
        _Rules(policy, (name,), type).transform(predicates.inlined(options.apply, about))


def readable(policy: Policy, where: Place, by_key: bool) -> None:
    """Raises where what is at a place may not be read."""
    source = next((each for each in where if "/" not in each), None)
    if source is not None:
        policy.grants.one(source) if by_key else policy.grants.get(source)
    value = vocabularies.read_restrictions(policy.model, where, by_key)
    if value.get("Readable") is False:
        what = f"a single entity of '{named(where)}'" if by_key else f"'{named(where)}'"
        raise MethodNotAllowed(method="GET", resource=what, allow=())
    policy.permit("key" if by_key else "read", where, value)


def named(where: Place) -> str:
    """A place as messages name it."""
    return where[-1].rpartition("/")[2] if where else "this resource"


@dataclass(frozen=True, slots=True)
class _Rules:
    """What is said of one place, or (`record`) of a collection of values there."""

    policy: Policy
    where: Place
    type: str
    record: Mapping[str, Any] | None = None

    @property
    def model(self) -> Model:
        return self.policy.model

    @property
    def name(self) -> str:
        return named(self.where)

    @property
    def uses(self) -> Uses:
        return Uses(self.model, predicates.start(self.model, self.where))

    def of(self, term: str) -> Mapping[str, Any]:
        if self.record is None:
            return vocabularies.restriction(self.model, term, self.where)
        found = self.record.get(term)
        return {"Supported": found} if isinstance(found, bool) else found or {}

    # --- $filter, $orderby, $search ----------------------------------------------------------------------

    def filter(self, filter: bound.Expression | None, by_key: bool) -> None:
        value = self.of("FilterRestrictions")
        if filter is None:
            if value.get("RequiresFilter") and not by_key:
                raise BindError(f"'{self.name}' is read with $filter only", code="filterRequired", target="$filter")
            return
        if value.get("Filterable") is False:
            raise BindError(f"'{self.name}' cannot be filtered", code="notFilterable", target="$filter")
        uses = self.uses
        spots = list(uses.of(filter))
        used = {each.path for each in spots}
        self.follow(spots, "$filter")
        refuse(used, vocabularies.names(value, "NonFilterableProperties"), "filtered by", "notFilterable", "$filter")
        offered = vocabularies.filter_functions(self.model, self.where) if self.record is None else frozenset(
            self.record.get("FilterFunctions") or ())
        for name in sorted(set(predicates.functions(filter)) - offered) if offered else ():
            raise NotImplementedByService(feature=f"The function {name} in filters of '{self.name}'", target="$filter")
        missing = sorted(vocabularies.names(value, "RequiredProperties") - used)
        if missing:
            raise BindError(f"$filter has to use {', '.join(missing)}", code="filterRequired", target="$filter")
        for path, kind in vocabularies.filter_expressions(value).items():
            if path in used and not predicates.fits(uses, filter, path, kind):
                raise BindError(f"A filter of '{self.name}' says of '{path}' only what is a {kind}", code="notFilterable",
                                target="$filter")
        deepest = vocabularies.level_limit(value)
        if deepest is not None and any(each.levels > deepest for each in spots):
            raise BindError(f"A filter follows {deepest} navigation properties here", code="limitExceeded", target="$filter")

    def follow(self, spots: Iterable[Spot], option: str) -> None:
        """Raises for navigation in expressions that is not offered, or that asks for a scope, and for what is not read."""
        for spot in spots:
            if spot.names == ("$root", *spot.where):
                self.policy.grants.one(spot.where[0])
                found = [vocabularies.read_restrictions(self.model, spot.where, by_key) for by_key in (False, True)]
                if all(each.get("Readable") is False for each in found):
                    raise MethodNotAllowed(method="GET", resource=f"'{named(spot.where)}'", allow=())
                self.policy.permit("read", spot.where, found[0])
            if spot.navigates:
                path = "/".join(places.trail_of(spot.before, spot.where))
                if vocabularies.navigability(self.model, spot.before, path) == "None":
                    raise BindError(f"'{spot.path}' cannot be followed from '{self.name}'", code="notNavigable", target=option)
                self.policy.permit("read", spot.where, vocabularies.read_restrictions(self.model, spot.where))

    def sort(self, items: tuple[bound.OrderItem, ...]) -> None:
        if not items:
            return
        value = self.of("SortRestrictions")
        if value.get("Sortable") is False:
            raise BindError(f"'{self.name}' cannot be sorted", code="notSortable", target="$orderby")
        for item in items:
            spots = list(self.uses.of(item.expression))
            used = {each.path for each in spots}
            self.follow(spots, "$orderby")
            refuse(used, vocabularies.names(value, "NonSortableProperties"), "sorted by", "notSortable", "$orderby")
            other = vocabularies.names(value, "AscendingOnlyProperties" if item.descending else "DescendingOnlyProperties")
            refuse(used, other, "sorted in this direction by", "notSortable", "$orderby")

    def transform(self, apply: bound.Apply) -> dict[str, Any]:
        """The transformations of `$apply`: what is refused as an option is refused in them. The names that the result has
        besides those of the entities, with what they stand for."""
        known: dict[str, Any] = {}
        for raw in apply.transformations:
            each = predicates.inlined(raw, known)
            match each:
                case bound.Filter(predicate):
                    self.filter(predicate, True)
                case bound.OrderBy(items):
                    self.sort(items)
                case bound.Search(search):
                    self.search(search)
                case bound.TopSkip(kind):
                    self.limit(kind)
                case bound.Compute(items):
                    known |= {one.name: one.expression for one in items}
                    self.follow(self.uses.of(each), "$apply")
                case bound.Concat(sequences):
                    for inner in sequences:
                        known |= self.transform(inner)
                case bound.GroupBy(items, then):
                    self.follow(self.uses.of(items), "$apply")
                    known |= {"/".join(one.path): one.expression for one in items
                              if isinstance(one, bound.RowProperty) and one.expression is not None}
                    known |= self.transform(then) if then is not None else {}
                case _:
                    self.follow(self.uses.of(each), "$apply")
        return known

    def search(self, search: url.Search | None) -> None:
        if search is None:
            return
        value = self.of("SearchRestrictions")
        if value.get("Searchable") is False:
            raise BindError(f"'{self.name}' cannot be searched", code="notSearchable", target="$search")
        for name in sorted(vocabularies.names(value, "UnsupportedExpressions") & set(searched(search))):
            raise BindError(f"A search in '{self.name}' takes no {name}", code="notSearchable", target="$search")

    # --- $top, $skip, $select, $compute ------------------------------------------------------------------

    def limits(self, options: bound.Options) -> None:
        for name, given in (("top", options.top), ("skip", options.skip)):
            if given is not None:
                self.limit(name)

    def limit(self, name: str) -> None:
        if self.of(f"{name.capitalize()}Supported").get("Supported") is False:
            raise BindError(f"'{self.name}' does not take ${name}", code="optionNotSupported", target="$" + name)

    def select(self, options: bound.Options) -> None:
        if options.compute:
            if self.of("ComputeSupported").get("Supported") is False:
                raise BindError(f"'{self.name}' does not take $compute", code="optionNotSupported", target="$compute")
            for computed in options.compute:
                self.follow(self.uses.of(computed.expression), "$compute")
        if options.select is None:
            return
        value = self.of("SelectSupport") if self.record is not None else vocabularies.select_support(self.model, self.where)
        if value and value.get("Supported") is False:
            raise BindError(f"'{self.name}' does not take $select", code="optionNotSupported", target="$select")
        for item in options.select:
            if item.kind == "annotation" and value and not value.get("InstanceAnnotationsSupported"):
                raise BindError(f"'{self.name}' takes no annotations in $select", code="optionNotSupported", target="$select")
            if item.options is None:
                continue
            for name, flag in SELECTED.items():
                if getattr(item.options, name) not in (None, (), False) and value and not value.get(flag):
                    raise BindError(f"'{self.name}' does not take ${name} inside $select", code="optionNotSupported",
                                    target="$select")
            check_values(self.policy, self.where, tuple(each for each in item.path if "." not in each), item.options)

    # --- $expand -----------------------------------------------------------------------------------------

    def expand(self, items: tuple[bound.ExpandItem, ...], by_key: bool) -> None:
        if not items:
            return
        model, where = self.model, self.where
        value = vocabularies.expand_restrictions(model, where, by_key)
        deepest = vocabularies.level_limit(value)
        for item in items:
            path = path_of(item)
            if item.navigation is None:
                if item.explicit:
                    self.stream(value, path)
                continue
            if vocabularies.navigability(model, where, path) == "None":
                raise BindError(f"'{path}' cannot be followed from '{self.name}'", code="notNavigable", target="$expand")
            if (item.suffix == "$count" or item.options.count) and path in vocabularies.names(
                    vocabularies.restriction(model, "CountRestrictions", where), "NonCountableNavigationProperties"):
                raise BindError(f"'{path}' cannot be counted", code="notCountable", target="$count")
            if item.explicit and not expandable(value, path):
                raise BindError(f"'{path}' cannot be expanded", code="notExpandable", target="$expand")
            if deepest is not None and deepest < depth(item):
                raise BindError(f"$expand is limited to {deepest} levels here", code="limitExceeded", target="$expand")
            single = not item.navigation.collection
            next = behind(model, where, self.type, item)
            check(self.policy, next, item.cast or item.type, item.options, by_key=single, counted=item.suffix == "$count")
            if vocabularies.navigability(model, where, path) == "Single":
                for inner in item.options.expand:
                    if inner.navigation is not None and inner.explicit:
                        raise BindError(f"'{path}' is followed for one level only", code="notNavigable", target="$expand")

    def stream(self, value: Mapping[str, Any], path: str) -> None:
        if value and not value.get("StreamsExpandable") or path in vocabularies.names(value, "NonExpandableStreamProperties"):
            raise BindError(f"'{'the media stream' if path == '$value' else path}' cannot be expanded", code="notExpandable",
                            target="$expand")


def check_values(policy: Policy, where: Place, path: tuple[str, ...], options: bound.Options, counted: bool = False) -> None:
    """Raises for what is refused of a collection of values: CollectionPropertyRestrictions, NonCountableProperties."""
    name = "/".join(path)
    if (options.count or counted) and name in vocabularies.names(
            vocabularies.restriction(policy.model, "CountRestrictions", where), "NonCountableProperties"):
        raise BindError(f"'{name}' cannot be counted", code="notCountable", target="$count")
    record = vocabularies.collection_property(policy.model, where, name)
    if record:
        rules = _Rules(policy, (f"{where[0]}/{name}",), "", record)
        rules.filter(options.filter, False)
        rules.sort(options.orderby)
        rules.limits(options)
        rules.search(options.search)
        rules.select(options)


def expandable(value: Mapping[str, Any], path: str) -> bool:
    """Whether a navigation property may be expanded at all."""
    return value.get("Expandable") is not False and path not in vocabularies.names(value, "NonExpandableProperties")


def path_of(item: bound.ExpandItem) -> str:
    """The path of an expanded property, without casts."""
    return "/".join(step for step in item.path if "." not in step)


def behind(model: Model, where: Place, type: str, item: bound.ExpandItem) -> Place:
    """The place that an expanded navigation property of a type leads to."""
    assert item.navigation is not None
    trail = tuple(step for step in item.path[:-1] if "." not in step)
    for step in item.path[:-1]:
        declared = model.properties(type).get(step)
        type = model.full(step) if "." in step else declared.type.name if declared is not None else type
    return places.below(model, where, type, trail, item.navigation, item.source)


def narrowed(model: Model, where: Place, type: str, options: bound.Options, by_key: bool) -> bound.Options:
    """The options, `$expand=*` without what cannot be expanded or followed."""
    if not where or not options.expand:
        return options
    value = vocabularies.expand_restrictions(model, where, by_key)
    kept = []
    for item in options.expand:
        if item.navigation is None:
            kept.append(item)
            continue
        path = path_of(item)
        if not item.explicit and (not expandable(value, path) or vocabularies.navigability(model, where, path) == "None"):
            continue
        inner = narrowed(model, behind(model, where, type, item), item.cast or item.type, item.options,
                         not item.navigation.collection)
        kept.append(item if inner is item.options else replace(item, options=inner))
    found = tuple(kept)
    return options if found == options.expand else replace(options, expand=found)


def starred(model: Model, request: bound.Request) -> bound.Request:
    """The request, `$expand=*` without what cannot be expanded."""
    if not request.options.expand or not request.resource.steps:
        return request
    resource = request.resource
    options = narrowed(model, place_of(model, resource), resource.type, request.options, resource.kind != "collection")
    return request if options is request.options else replace(request, options=options)


def searched(search: url.Search) -> Iterator[str]:
    """The kinds of expressions in a search, as SearchExpressions names them."""
    match search:
        case url.SearchAnd(operands) | url.SearchOr(operands):
            yield "AND" if isinstance(search, url.SearchAnd) else "OR"
            for each in operands:
                if isinstance(search, url.SearchAnd) and isinstance(each, url.SearchOr):
                    yield "group"
                yield from searched(each)
        case url.SearchNot(operand):
            yield "NOT"
            if isinstance(operand, url.SearchAnd | url.SearchOr):
                yield "group"
            yield from searched(operand)
        case url.SearchTerm(_, phrase) if phrase:
            yield "phrase"


def depth(item: bound.ExpandItem) -> int:
    """How many levels an expand item goes down, `$levels` included."""
    own = abs(item.levels) or 1
    return own + max((depth(each) for each in item.options.expand), default=0)


def refuse(used: Iterable[str], names: Iterable[str], what: str, code: str, target: str) -> None:
    """Raises BindError for the first of the paths that is among the names."""
    for name in sorted(set(used) & set(names)):
        raise BindError(f"'{name}' cannot be {what}", code=code, target=target)


# --- resource paths --------------------------------------------------------------------------------------

OFFERED = {"batch": ("BatchSupported", "BatchSupport"), "crossjoin": ("CrossJoinSupported",)}


def offered(model: Model, kind: str) -> None:
    """Raises NotImplementedByService for a kind of resource that the container says it does not have."""
    for term in OFFERED.get(kind, ()):
        if not vocabularies.supported(model, term):
            raise NotImplementedByService(feature=f"${kind}")


def walk(model: Model, steps: tuple[bound.PathStep, ...], source: str | None = None) -> Iterator[tuple[bound.PathStep, Spot]]:
    """Each step of a path with what it leads to; behind an operation that is the set `source` of its results."""
    spot = Spot()
    for step in steps:
        match step:
            case bound.SetStep(element) | bound.SingletonStep(element):
                spot = Spot((element.name,), (element.name,), bindings.Place(element))
            case bound.NavigationStep(navigation, owner):
                anchor, target = spot.anchor.follow(navigation, model)
                where = places.below(model, spot.where, owner, spot.trail, navigation, target)
                spot = Spot((*spot.names, navigation.name), where, anchor, (), spot.levels + 1, spot.where, True)
            case bound.PropertyStep(declared):
                spot = replace(spot, names=(*spot.names, declared.name), anchor=spot.anchor.below(declared.name),
                               trail=(*spot.trail, declared.name), navigates=False)
            case bound.CastStep(type):
                spot = replace(spot, anchor=spot.anchor.below(type), navigates=False)
            case bound.OperationStep():
                spot = Spot((), (source,), bindings.Place(model.source_of(source))) if source else Spot()
            case _:
                spot = replace(spot, navigates=False)
        yield step, spot


def place_of(model: Model, resource: bound.Resource) -> Place:
    """The place of the entities that a path addresses."""
    where: Place = ()
    for _, spot in walk(model, resource.steps, resource.source):
        where = spot.where
    return where


def place_before(model: Model, resource: bound.Resource) -> Place:
    """The place of the entity in front of the last navigation property of a path."""
    before: Place = ()
    for _, spot in walk(model, resource.steps, resource.source):
        before = spot.before if spot.navigates else before
    return before


def addressed(policy: Policy, resource: bound.Resource) -> None:
    """Raises for a key where a set is not indexed by it, for navigation that is not offered, and for a filter in the URL that
    is not taken. Of entities on the way the plan asks the grants."""
    model, single = policy.model, ""
    for step, spot in walk(model, resource.steps, resource.source):
        match step:
            case bound.KeyStep() if not spot.trail and not vocabularies.supported(model, "IndexableByKey", spot.where):
                raise BindError(f"'{named(spot.where)}' has no addresses of single entities", code="notIndexable",
                                target=named(spot.where))
            case bound.NavigationStep(navigation) if spot.before:
                path = "/".join(places.trail_of(spot.before, spot.where))
                how = vocabularies.navigability(model, spot.before, path)
                if how == "None":
                    raise BindError(f"'{path}' cannot be followed from '{named(spot.before)}'", code="notNavigable",
                                    target=navigation.name)
                if single:
                    raise BindError(f"'{single}' is followed for one level only", code="notNavigable", target=navigation.name)
                single = path if how == "Single" else ""
            case bound.FilterStep(predicate) if not spot.trail:
                _Rules(policy, spot.where, "").filter(predicate, True)
            case bound.FilterStep(predicate):
                check_values(policy, spot.where, spot.trail, bound.Options(filter=predicate))

"""Capabilities enforced on changes: what the annotations of a place forbid, a request to change it is refused.

Raises MethodNotAllowed (405) for a change that a place does not have, BindError and BodyError (400) for a part of the URL or
a member of the body that it does not take, NotImplementedByService for nested entities where they are not taken. Capabilities
vocabulary; conformance V-Cap-11 to V-Cap-14, V-Cap-19, V-Cap-20.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from app.bind import bindings
from app.bind import nodes as bound
from app.edm import Model, places, vocabularies
from app.edm.model import Action, NavigationProperty, Property
from app.edm.places import Place
from app.errors import BindError, BodyError, MethodNotAllowed, NotImplementedByService
from app.service.access import Policy
from app.service.call import Call
from app.service.predicates import Spot
from app.service.restrictions import named, place_of, walk
from app.store.mapping import Mapping as Tables

TERMS = {"insert": "InsertRestrictions", "update": "UpdateRestrictions", "delete": "DeleteRestrictions"}
MEMBERS = {"insert": "Insertable", "update": "Updatable", "delete": "Deletable"}
METHODS = {"insert": ("POST",), "update": ("PATCH", "PUT"), "delete": ("DELETE",)}
PREFIXES = {"insert": "NonInsertable", "update": "NonUpdatable"}
NESTED = {"insert": "DeepInsertSupport", "update": "DeepUpdateSupport"}
OPTIONS = {"expand": "ExpandSupported", "select": "SelectSupported", "compute": "ComputeSupported", "filter": "FilterSupported",
           "search": "SearchSupported", "orderby": "SortSupported"}
SEGMENTS = {bound.FilterStep: ("FilterSegmentSupported", "/$filter"), bound.CastStep: ("TypecastSegmentSupported", "a type")}
REFUSALS = {"insert": "Entities cannot be created in '{}'.", "update": "Entities of '{}' cannot be changed.",
            "delete": "Entities of '{}' cannot be deleted."}
# name → position among a table's types of the first that has the member, name, declaration
Leading: TypeAlias = dict[str, tuple[int, str, NavigationProperty | Property]]
CONTENT_ID = ("@Org.OData.Core.V1.ContentID", "@Core.ContentID")


# --- whole requests --------------------------------------------------------------------------------------

def permitted(policy: Policy, where: Place, right: str, method: str) -> None:
    """Raises MethodNotAllowed where a place does not have a kind of change, Forbidden where a scope for it is missing."""
    model = policy.model
    policy.permit(right, where, vocabularies.restriction(model, TERMS[right], where))
    if not has(model, right, where):
        raise MethodNotAllowed(method=method, resource=f"'{named(where)}'", allow=("GET", "HEAD", *left(model, where)))


def has(model: Model, right: str, where: Place) -> bool:
    """Whether a place has a kind of change."""
    return vocabularies.allowed(model, TERMS[right], MEMBERS[right], where)


def left(model: Model, where: Place) -> Iterator[str]:
    """The methods of changes that a place has."""
    for right, methods in METHODS.items():
        if has(model, right, where):
            yield from sorted(vocabularies.update_methods(model, where) & set(methods)) if right == "update" else methods


def check(call: Call, right: str) -> None:
    """What is said of a kind of change at the place of a request: the segments, levels and options of its URL."""
    model, resource, term = call.model, call.resource, TERMS[right]
    where = place_of(model, resource)
    record = vocabularies.restriction(model, term, where)
    for step in resource.steps:
        member, what = SEGMENTS.get(type(step), ("", ""))
        if member and record.get(member) is False:
            raise BindError(f"'{named(where)}' is not changed with {what} in the URL", code="segmentNotSupported")
    spots = [spot for _, spot in walk(model, resource.steps)]
    for each in (vocabularies.restriction(model, term, spots[0].where), record) if spots else ():
        deepest = vocabularies.level_limit(each)
        if deepest is not None and max(spot.levels for spot in spots) > deepest:
            raise BindError(f"Changes here follow {deepest} navigation properties", code="limitExceeded")
    options(call, vocabularies.change_options(model, term, where))


def options(call: Call, offered: Mapping[str, Any] | None) -> None:
    """Raises for a query option that does not go with this change."""
    for name, flag in OPTIONS.items() if offered is not None else ():
        if getattr(call.syntax.options, name) is not None and offered is not None and not offered.get(flag):
            raise BindError(f"${name} does not go with this change", code="optionNotSupported", target=f"${name}")


def updated_by(policy: Policy, where: Place, method: str) -> None:
    """Raises MethodNotAllowed where an entity is not updated by this method."""
    methods = vocabularies.update_methods(policy.model, where)
    if method not in methods:
        raise MethodNotAllowed(method=method, resource=f"an entity of '{named(where)}'",
                               allow=("GET", "HEAD", *left(policy.model, where)))


def delta_taken(policy: Policy, where: Place) -> None:
    """Raises MethodNotAllowed where a collection is not changed by a delta."""
    if not vocabularies.delta_updates(policy.model, where):
        raise MethodNotAllowed(method="PATCH", resource=f"the collection '{named(where)}'",
                               allow=("GET", "HEAD", *(each for each in left(policy.model, where) if each == "POST")))


def invoked(call: Call, step: bound.OperationStep) -> None:
    """What is said of an operation: a filter in front of it, the options that go with an action."""
    record = vocabularies.operation_restrictions(call.model, step.operation)
    if record.get("FilterSegmentSupported") is False and any(isinstance(each, bound.FilterStep) for each in call.resource.steps):
        raise BindError(f"'{step.operation.name}' is not invoked behind /$filter", code="segmentNotSupported")
    if isinstance(step.operation, Action):
        options(call, vocabularies.action_options(call.model, step.operation))


def tied(model: Model, where: Place, path: str, there: bool) -> bool:
    """Whether the links of a navigation property at a place are not made (`there`), or not ended."""
    term, member = (("UpdateRestrictions", "NonUpdatableNavigationProperties") if there else
                    ("DeleteRestrictions", "NonDeletableNavigationProperties"))
    return path in vocabularies.names(vocabularies.restriction(model, term, where), member)


def linked(call: Call) -> None:
    """Raises MethodNotAllowed for a `$ref` request about links that are not made, or not ended."""
    model, last = call.model, Spot()
    for _, spot in walk(model, call.resource.steps):
        last = spot if spot.navigates else last
    if not last.before:
        return
    path = "/".join(places.trail_of(last.before, last.where))
    if tied(model, last.before, path, call.request.method != "DELETE"):
        raise MethodNotAllowed(method=call.request.method, resource=f"the links of '{path}'", allow=("GET", "HEAD"))


def part(call: Call) -> None:
    """Raises for a request to a single property that is not updated, or to the items of a collection."""
    model, method = call.model, call.request.method
    where, trail, item = Place(), tuple[str, ...](), False
    for step, spot in walk(model, call.resource.steps):
        where, trail, item = spot.where, spot.trail, isinstance(step, bound.OrdinalStep)
    path = "/".join(trail)
    kept = vocabularies.names(vocabularies.restriction(model, "UpdateRestrictions", where), "NonUpdatableProperties")
    if any(path == each or path.startswith(each + "/") for each in kept):
        raise MethodNotAllowed(method=method, resource=f"'{path}'", allow=("GET", "HEAD"))
    record = vocabularies.collection_property(model, where, path)
    member = "Insertable" if method == "POST" else "Deletable" if method == "DELETE" and item else "Updatable" if item else ""
    if record.get(member) is False:
        raise MethodNotAllowed(method=method, resource=f"the items of '{path}'", allow=("GET", "HEAD"))


# --- bodies ----------------------------------------------------------------------------------------------

class Body:
    """What a body wants of one entity, and of those nested in it: whether each of those may be created, changed or deleted is
    asked when it turns out what becomes of it (`become`)."""

    def __init__(self, policy: Policy, tables: Tables) -> None:
        self.policy, self.model, self.tables = policy, policy.model, tables
        self._nested: dict[tuple[str, str], list[tuple[Place, Any]]] = {}

    def read(self, id: str, tree: Any, right: str, where: Place, at: str = "", inner: bool = False) -> None:
        """Raises for a member that its place does not let be written, for one that is missing, and for nested entities where
        they are not taken. `id`: the table that the body is for; `at`: where in the request it stands."""
        if not isinstance(tree, Mapping):
            return
        value = vocabularies.restriction(self.model, TERMS[right], where)
        if value:
            self._members(tree, value, right, at and at + "/", right == "insert" or not inner)
        for path, kind, navigation, target, members in self._navigations(id, tree):
            self._navigation(path, navigation, members, value, right, where, at)
            below = behind(self.model, where, kind, path)
            if target is not None:
                # entities inside complex values are named from there
                self._enter(target, members, below, navigation, at if "/" not in path else "")

    @staticmethod
    def _members(tree: Mapping[str, Any], value: Mapping[str, Any], right: str, prefix: str, whole: bool) -> None:
        """Raises where members are written that are not to be, or required ones are not there (`whole`: they have to be)."""
        for path in sorted(vocabularies.names(value, PREFIXES[right] + "Properties")):
            if mentioned(tree, path):
                raise BodyError(f"'{path}' cannot be written here.", code="notWritable", target=prefix + path)
        for path in sorted(vocabularies.names(value, "RequiredProperties")) if whole else ():
            if not mentioned(tree, path):
                raise BodyError(f"'{path}' is required.", code="missingValue", target=prefix + path)

    def _navigation(self, path: str, navigation: NavigationProperty, members: Mapping[str, Any], value: Mapping[str, Any],
                    right: str, where: Place, at: str) -> None:
        """Raises where links are not written, or nested entities not taken."""
        here = f"{at}/{path}" if at else path
        nested = [each for form in forms(navigation.name) for each in objects(members.get(form)) if not refers(each)]
        if path in vocabularies.names(value, PREFIXES[right] + "NavigationProperties") and (nested or right == "update"):
            raise BodyError(f"'{path}' cannot be written here.", code="notWritable", target=here)
        support = vocabularies.restriction(self.model, NESTED[right], where) if nested else {}
        if support.get("Supported") is False:
            raise NotImplementedByService(feature=f"Nested entities in a body for '{named(where)}'", target=here)
        if support.get("ContentIDSupported") is False and any(each in item for item in nested for each in CONTENT_ID):
            raise NotImplementedByService(feature="Core.ContentID of nested entities", target=here)

    def _enter(self, id: str, members: Mapping[str, Any], where: Place, navigation: NavigationProperty, at: str) -> None:
        """Remembers the entities of a navigation property, each by its place in the body."""
        for form in forms(navigation.name):
            here = "/".join(filter(None, (at, form.replace("@odata.", "@"))))
            self._nested.setdefault((id, here), []).append((where, None))
            for index, each in enumerate(objects(members.get(form)) if form in members else ()):
                key = (id, f"{here}/{index}") if navigation.collection else (id, here)
                self._nested.setdefault(key, []).append((where, each))

    def _navigations(self, id: str, tree: Mapping[str, Any]
                     ) -> Iterator[tuple[str, str, NavigationProperty, str | None, Mapping[str, Any]]]:
        """The navigation properties that a body says something of: path, type in front of the path, declaration, table that it
        leads to, the object that has it. Those of complex values are among them."""
        leading = self.policy.leading.get(id)
        if leading is None:
            leading = self.policy.leading[id] = self._leading(id)
        if not leading:
            return
        said = [leading[name] for name in {name.partition("@")[0] for name in tree} & leading.keys()]
        for position, name, member in sorted(said, key=lambda each: each[:2]):
            kind = self.tables.family(id)[position]
            if isinstance(member, NavigationProperty):
                yield name, kind, member, self.tables.target(id, kind, name), tree
                continue
            for path, navigation, value in self._in_values(member.type.name, name, tree.get(name)):
                links = (each.target for each in self.tables.document_links(id) if each.path == path)
                yield path, kind, navigation, next(links, None), value

    def _leading(self, id: str) -> Leading:
        """The members of a table's types that lead elsewhere, or may do so inside."""
        found: Leading = {}
        passed: set[str] = set()
        for position, kind in enumerate(self.tables.family(id)):
            members, navigations = self.model.properties(kind), self.model.navigations(kind)
            for name in (members.keys() | navigations.keys()) - passed:
                passed.add(name)
                if name in navigations or self.model.kind(members[name].type.name) == "complex":
                    found[name] = position, name, navigations[name] if name in navigations else members[name]
        return found

    def _in_values(self, type: str, path: str, value: Any) -> Iterator[tuple[str, NavigationProperty, Mapping[str, Any]]]:
        """The same of a complex value, or a collection of them."""
        if self.model.kind(type) != "complex":
            return
        for each in objects(value):
            given = each.get("@odata.type", each.get("@type"))
            actual = self.model.full(given.rpartition("#")[2]) if isinstance(given, str) else type
            actual = actual if self.model.structured(actual) is not None else type
            members, navigations = self.model.properties(actual), self.model.navigations(actual)
            for name in sorted({name.partition("@")[0] for name in each}):
                if name in navigations:
                    yield f"{path}/{name}", navigations[name], each
                elif name in members:
                    yield from self._in_values(members[name].type.name, f"{path}/{name}", each.get(name))

    def become(self, kind: str, id: str, at: str) -> None:
        """The entity at `at` of the body is created, changed or deleted in a table ('insert', 'update', 'delete'); at a
        navigation property: one that it leaves out. Raises BodyError and Forbidden."""
        for where, tree in self._nested.get((id, at), ()):
            self.policy.permit(kind, where, vocabularies.restriction(self.model, TERMS[kind], where))
            if not vocabularies.allowed(self.model, TERMS[kind], MEMBERS[kind], where):
                raise BodyError(REFUSALS[kind].format(named(where)), code="not" + MEMBERS[kind], target=at)
            if kind != "delete":
                self.read(id, tree, kind, where, at, inner=True)


def written(policy: Policy, tables: Tables, id: str, tree: Any, right: str, where: Place = (), at: str = "") -> Body:
    """The body of a change. `tree`: as parsed; `id`: the table that it is for; `where`: its place, else that of `id`. Raises
    as `Body.read` does."""
    body = Body(policy, tables)
    body.read(id, tree, right, where or (id,), at)
    return body


def behind(model: Model, where: Place, type: str, path: str) -> Place:
    """The place behind a navigation property of a body: of the entity, or at a path of complex properties."""
    *trail, name = path.split("/")
    spot = bindings.Place(model.source_of(where[-1]))
    for step in trail:
        spot, type = spot.below(step), model.properties(type)[step].type.name
    owner = next(each for each in (type, *model.derived(type)) if name in model.navigations(each))
    navigation = model.navigations(owner)[name]
    return places.below(model, where, owner, tuple(trail), navigation, spot.follow(navigation, model)[1])


def forms(name: str) -> tuple[str, ...]:
    """How a body names the entities of a navigation property."""
    return name, name + "@delta", name + "@odata.delta"


def objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, Mapping)]


def refers(value: Mapping[str, Any]) -> bool:
    return any(name in value for name in ("@id", "@odata.id", "@removed", "@odata.removed"))


def mentioned(tree: Mapping[str, Any], path: str) -> bool:
    """Whether a body says something of a property path."""
    head, _, rest = path.partition("/")
    if rest and isinstance(tree.get(head), Mapping):
        return mentioned(tree[head], rest)
    return any(name.partition("@")[0] == head for name in tree)


# --- custom headers and query options --------------------------------------------------------------------

def parameters(call: Call) -> bool:
    """Raises BindError for a custom header or query option that has to be sent and was not; whether any has to be."""
    headers, names = vocabularies.demanded_everywhere(call.model)
    for more in map(vocabularies.demanded, records(call)):
        headers, names = (*headers, *more[0]), (*names, *more[1])
    given = {name for name, _ in call.syntax.options.custom}
    for name in headers:
        if call.request.header(name.lower()) is None:
            raise BindError(f"The header '{name}' has to be sent", code="missingHeader", target=name)
    for name in names:
        if name not in given:
            raise BindError(f"The query option '{name}' has to be sent", code="missingOption", target=name)
    return bool(headers or names)


def records(call: Call) -> Iterator[Mapping[str, Any]]:
    """What speaks of the parameters of a request."""
    operation, method = call.resource.operation(), call.request.method
    if operation is not None:
        yield vocabularies.operation_restrictions(call.model, operation.operation)
    elif call.resource.steps:
        where = place_of(call.model, call.resource)
        if method in ("GET", "HEAD"):
            yield vocabularies.read_restrictions(call.model, where, call.resource.kind != "collection")
        else:
            right = {"POST": "insert", "DELETE": "delete"}.get(method, "update")
            yield vocabularies.restriction(call.model, TERMS[right], where)

"""The terms that this service honours, each as one typed question.

Every function takes the model and an element with its target path, and answers what the annotations say,
or the default of the term. Term names: Org.OData.Core.V1, Capabilities.V1, Validation.V1, Authorization.V1 and
our own odata.store.v1 (documented in csdl/vocabularies/). A question has one meaning here and its callers elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from app.edm.expressions import Constant, Expression, Null, PathExpression, Record
from app.edm.index import Model, Operation
from app.edm.model import Action, Annotation, EntityType, Function
from app.edm.places import CAPABILITIES, NOWHERE, Place, place, plainly, said
from app.edm.values import plain

CORE = "Org.OData.Core.V1."
VALIDATION = "Org.OData.Validation.V1."
STORE_NAMESPACE = "odata.store.v1"
STORE = STORE_NAMESPACE + "."


class Annotated(Protocol):
    """Whatever carries annotations of its own."""

    @property
    def annotations(self) -> tuple[Annotation, ...]: ...


def ask(model: Model, term: str, target: str, element: Annotated, default: Any = None, implied: Any = True) -> Any:
    """The plain value of a term on an element; `implied` when it is applied without a value, `default` when absent."""
    found = model.annotation(term, target, element.annotations)
    if found is None:
        return default
    return implied if found.value is None else plain(found.value)


def member_target(owner: str, name: str) -> str:
    """The target path of a property or navigation property of a structured type."""
    return f"{owner}/{name}"


def _member(model: Model, term: str, owner: str, element: Any, default: Any = None) -> Any:
    if term not in model.applied:
        return default
    declaring = model.declaring(owner, element.name) or owner
    return _of_type(model, term, member_target(declaring, element.name), element, default)


def _of_type(model: Model, term: str, target: str, element: Annotated, default: Any = None) -> Any:
    """`ask` about a structured type or a member of one."""
    return ask(model, term, target, element, default) if model.applies(term, target) else default


# --- properties ------------------------------------------------------------------------------------------

def computed(model: Model, owner: str, element: Any) -> bool:
    """Core.Computed: the service makes the value and ignores the client's."""
    return bool(_member(model, CORE + "Computed", owner, element, False))


def immutable(model: Model, owner: str, element: Any) -> bool:
    """Core.Immutable: set on create, never changed."""
    return bool(_member(model, CORE + "Immutable", owner, element, False))


def computed_default(model: Model, owner: str, element: Any) -> bool:
    """Core.ComputedDefaultValue: the service chooses when the client sends nothing."""
    return bool(_member(model, CORE + "ComputedDefaultValue", owner, element, False))


def permissions(model: Model, owner: str, element: Any) -> frozenset[str] | None:
    """Core.Permissions: {'None'}, {'Read'}, {'Write'}, {'ReadWrite'} …; None when not said."""
    value = _member(model, CORE + "Permissions", owner, element)
    return frozenset(value) if isinstance(value, list) else None


def read_only(model: Model, owner: str, element: Any) -> bool:
    """Whether clients cannot write the member: computed, or permissions without writing. A key that is not computed has to
    come from somewhere: its permissions speak of changes, which no key has."""
    if computed(model, owner, element):
        return True
    if any(part.path == element.name for part in model.key(owner)):
        return False
    allowed = permissions(model, owner, element)
    return allowed is not None and not allowed & {"Write", "ReadWrite"}


def unreadable(model: Model, owner: str, element: Any) -> bool:
    """Whether the permissions of a member leave reading out: it is written only, or nothing at all. Keys are always read."""
    allowed = permissions(model, owner, element)
    return allowed is not None and not allowed & {"Read", "ReadWrite"} and not any(
        part.path.partition("/")[0] == element.name for part in model.key(owner))


def media_type(model: Model, owner: str, element: Any) -> str | None:
    """Core.MediaType of a stream, binary or string property."""
    value = _member(model, CORE + "MediaType", owner, element)
    return value if isinstance(value, str) else None


def acceptable_media_types(model: Model, target: str, element: Annotated) -> tuple[str, ...]:
    """Core.AcceptableMediaTypes; () when anything goes."""
    value = ask(model, CORE + "AcceptableMediaTypes", target, element)
    return tuple(value) if isinstance(value, list) else ()


def content_disposition(model: Model, owner: str, element: Any) -> tuple[str, str | None, str | None] | None:
    """Core.ContentDisposition of a stream property, or of a media entity type (`element` None): (type, file name, path of
    the property that holds the file name)."""
    found = None
    if element is not None:
        declaring = model.declaring(owner, element.name) or owner
        found = model.annotation(CORE + "ContentDisposition", member_target(declaring, element.name), element.annotations)
    else:
        for name in model.lineage(owner):
            kind = model.entity_type(name)
            found = found or (model.annotation(CORE + "ContentDisposition", name, kind.annotations) if kind else None)
    if found is None or not isinstance(found.value, Record):
        return None
    values = {each.name: each.value for each in found.value.properties}
    kind, named = plain(values.get("Type")), values.get("Filename")
    path = named.path if isinstance(named, PathExpression) else None
    text = plain(named) if path is None else None
    return kind if isinstance(kind, str) else "attachment", text if isinstance(text, str) else None, path


def auto_expanded(model: Model, owner: str, element: Any) -> str:
    """Core.AutoExpand: 'entities' (or content of a stream); Core.AutoExpandReferences: '$ref'; '' for neither."""
    for term, found in (("AutoExpand", "entities"), ("AutoExpandReferences", "$ref")):
        value = _member(model, CORE + term, owner, element, False) if owner else _of_type(
            model, CORE + term, element.name, element, False)
        if value:
            return found
    return ""


def expanding_themselves(model: Model) -> frozenset[str]:
    """The names of all types ('Sales.Photo') and members ('Photo') that are expanded without being asked for."""
    targets = model.applied.get(CORE + "AutoExpand", set()) | model.applied.get(CORE + "AutoExpandReferences", set())
    return frozenset(target.rpartition("/")[2] for target in targets)


def shows_etag(model: Model, owner: str, element: Any) -> bool:
    """Store.ETag: a string property that always shows the entity's ETag."""
    return bool(_member(model, STORE + "ETag", owner, element, False))


def below_root(model: Model, owner: str, element: Any) -> bool:
    """Store.BelowRoot: a URL of this service, stored relative to its root and shown absolute."""
    return bool(_member(model, STORE + "BelowRoot", owner, element, False))


def computed_text(model: Model, owner: str, element: Any) -> bool:
    """Whether a string property shows something else than what its column holds."""
    return shows_etag(model, owner, element) or below_root(model, owner, element)


def sentinel(model: Model, enum: str, member: Any) -> bool:
    """Store.Sentinel on an enumeration member: emitted to old clients only, never stored."""
    return bool(ask(model, STORE + "Sentinel", f"{enum}/{member.name}", member, False))


def whole_set(model: Model, owner: str, element: Any) -> bool:
    """Store.WholeSet: the navigation property relates to every entity of its bound set."""
    return bool(_member(model, STORE + "WholeSet", owner, element, False))


def column_name(model: Model, owner: str, element: Any) -> str | None:
    """Store.Column: the column that an existing table has for the property."""
    value = _member(model, STORE + "Column", owner, element)
    return value if isinstance(value, str) else None


def former_names(model: Model, type: str) -> tuple[str, ...]:
    """Store.RenamedFrom on a type: the qualified name that it had before."""
    element = model.structured(type)
    value = ask(model, STORE + "RenamedFrom", type, element) if element else None
    return (value, f"{type.rpartition('.')[0]}.{value}") if isinstance(value, str) else ()


def set_renamed_from(model: Model, name: str) -> str | None:
    """Store.RenamedFrom on an entity set or singleton: the name that it had before."""
    source = model.source_of(name)
    value = ask(model, STORE + "RenamedFrom", container_target(model, name), source) if source else None
    return value if isinstance(value, str) else None


def renamed_from(model: Model, owner: str, element: Any) -> str | None:
    """Store.RenamedFrom: the name that the property had before."""
    value = _member(model, STORE + "RenamedFrom", owner, element)
    return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Validation:
    """What Validation terms demand of a property; None and () demand nothing."""

    pattern: str | None = None
    minimum: Any = None
    maximum: Any = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    allowed: tuple[Any, ...] = ()
    multiple_of: Any = None
    min_items: int | None = None
    max_items: int | None = None


def validation(model: Model, owner: str, element: Any) -> Validation:
    """The Validation terms on a property."""
    def term(name: str) -> Any:
        return _member(model, VALIDATION + name, owner, element)

    def exclusive(name: str) -> bool:
        declaring = model.declaring(owner, element.name) or owner
        found = model.annotation(VALIDATION + name, member_target(declaring, element.name), element.annotations)
        return found is not None and any(each.term == VALIDATION + "Exclusive" for each in found.annotations)

    allowed = term("AllowedValues")
    values = tuple(each.get("Value") if isinstance(each, dict) else each for each in allowed) if isinstance(allowed, list) else ()
    return Validation(term("Pattern"), term("Minimum"), term("Maximum"), exclusive("Minimum"), exclusive("Maximum"),
                      values, term("MultipleOf"), term("MinItems"), term("MaxItems"))


# --- types -----------------------------------------------------------------------------------------------

def alternate_keys(model: Model, name: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Core.AlternateKeys of an entity type and its bases: per key its (name in the predicate, property path) pairs."""
    found: list[tuple[tuple[str, str], ...]] = []
    for each in model.lineage(name):
        kind = model.entity_type(each)
        value = _of_type(model, CORE + "AlternateKeys", each, kind) if isinstance(kind, EntityType) else None
        for record in value if isinstance(value, list) else ():
            parts = [(part.get("Alias") or part["Name"], part["Name"]) for part in record.get("Key", ())]
            if parts:
                found.append(tuple(parts))
    return tuple(found)


def searchable_properties(model: Model, name: str) -> tuple[str, ...] | None:
    """Store.Searchable on an entity type: the properties that `$search` reads; None: every string."""
    for each in model.lineage(name):
        kind = model.structured(each)
        value = _of_type(model, STORE + "Searchable", each, kind) if kind else None
        if isinstance(value, list):
            return tuple(value)
    return None


@dataclass(frozen=True, slots=True)
class Index:
    """Store.Indexes: one index over property paths (a leading '-' sorts descending)."""

    properties: tuple[str, ...]
    unique: bool = False


def indexes(model: Model, name: str) -> tuple[Index, ...]:
    """Store.Indexes of an entity type and of its bases."""
    found = []
    for each in model.lineage(name):
        kind = model.structured(each)
        value = _of_type(model, STORE + "Indexes", each, kind) if kind else None
        for record in value if isinstance(value, list) else ():
            found.append(Index(tuple(record["Properties"]), bool(record.get("Unique", False))))
    return tuple(found)


# --- sets and the container ------------------------------------------------------------------------------

def container_target(model: Model, child: str | None = None) -> str:
    """The target path of the container or of one of its children."""
    assert model.container is not None
    return model.container.name + (f"/{child}" if child else "")


def table_name(model: Model, source: str) -> str | None:
    """Store.Table: the table that an existing database has for a set or singleton."""
    element = model.source_of(source)
    value = ask(model, STORE + "Table", container_target(model, source), element) if element else None
    return value if isinstance(value, str) else None


def optimistic_concurrency(model: Model, source: str) -> bool:
    """Core.OptimisticConcurrency on the set: changes demand If-Match (Protocol §11.4.1.1)."""
    element = model.source_of(source)
    if element is None:
        return False
    found = model.annotation(CORE + "OptimisticConcurrency", container_target(model, source), element.annotations)
    return found is not None


def restriction(model: Model, term: str, where: str | Place) -> dict[str, Any]:
    """A Capabilities record at a place (`InsertRestrictions` …); {} where nothing is said."""
    value = said(model, term, place(where))
    return value if isinstance(value, dict) else {}


def allowed(model: Model, term: str, member: str, where: str | Place, default: bool = True) -> bool:
    """One Boolean member of a Capabilities record, e.g. ('InsertRestrictions', 'Insertable')."""
    value = restriction(model, term, where).get(member)
    return default if value is None else bool(value)


def supported(model: Model, term: str, where: str | Place | None = None) -> bool:
    """A tagging Capabilities term (`IndexableByKey`, `BatchSupported` …) at a place, else on the container; true where nothing
    is said. A record says it by its member Supported."""
    return restriction(model, term, place(where)).get("Supported") is not False


def names(value: Mapping[str, Any], member: str) -> frozenset[str]:
    """The paths or members that a record lists, paths without casts."""
    found = value.get(member)
    return frozenset(map(str, map(plainly, found))) if isinstance(found, list) else frozenset()


def level_limit(value: Mapping[str, Any]) -> int | None:
    """MaxLevels of a record; None where there is no limit."""
    found = value.get("MaxLevels")
    return found if isinstance(found, int) and found >= 0 else None


def read_restrictions(model: Model, where: str | Place, by_key: bool = False) -> dict[str, Any]:
    """Capabilities.ReadRestrictions; what `ReadByKeyRestrictions` says of single entities goes before."""
    value = restriction(model, "ReadRestrictions", where)
    keyed = value.get("ReadByKeyRestrictions")
    return {**value, **keyed} if by_key and isinstance(keyed, dict) else value


def expand_restrictions(model: Model, where: Place, by_key: bool) -> dict[str, Any]:
    """Capabilities.ExpandRestrictions. Those of single entities inherit only the lists that they do not have."""
    value = restriction(model, "ExpandRestrictions", where)
    keyed = value.get("ExpandByKeyRestrictions")
    if not by_key or not isinstance(keyed, dict):
        return value
    lists = ("NonExpandableProperties", "NonExpandableStreamProperties")
    return {**{name: value[name] for name in lists if name in value}, **keyed}


def navigability(model: Model, where: Place, path: str) -> str:
    """Capabilities.NavigationRestrictions of a navigation property at a place: 'Recursive', 'Single' or 'None'.

    'None' for all does not hold for containments, whose entities have no other address: TripPin says it of its People, and
    means the rest.
    """
    value = restriction(model, "NavigationRestrictions", where)
    found = value.get("Navigability")
    if found == ["None"] and _contains(model, where, path):
        found = None
    for each in value.get("RestrictedProperties") or ():
        if plainly(each.get("NavigationProperty")) == path and each.get("Navigability") is not None:
            found = each["Navigability"]
    return str(found[0]) if isinstance(found, list) and found else "Recursive"


def _contains(model: Model, where: Place, path: str) -> bool:
    """Whether the navigation property at a path below a place is a containment."""
    head, *steps = f"{where[0]}/{path}".split("/") if where else ("",)
    source = model.source_of(head)
    type, found = source.type if source is not None else head, False
    for step in steps:
        link, member = model.navigations(type).get(step), model.properties(type).get(step)
        found = link is not None and link.contains_target
        type = link.type if link is not None else member.type.name if member is not None else type
    return found


def etag_demanded(model: Model, where: Place) -> bool:
    """OptimisticConcurrencyControl of the navigation property that leads to a place: changes there demand If-Match."""
    for name in where:
        head, _, path = name.partition("/")
        restrictions = {} if "." in head else restriction(model, "NavigationRestrictions", head)
        for each in restrictions.get("RestrictedProperties") or ():
            if plainly(each.get("NavigationProperty")) == path and "OptimisticConcurrencyControl" in each:
                return bool(each["OptimisticConcurrencyControl"])
    return False


def upsertable(model: Model, where: Place) -> bool:
    """UpdateRestrictions/Upsertable: false in a record that does not say it, true where there is none."""
    return said(model, "UpdateRestrictions", where) is None or allowed(model, "UpdateRestrictions", "Upsertable", where, False)


def delta_updates(model: Model, where: Place) -> bool:
    """UpdateRestrictions/DeltaUpdateSupported: false in a record that does not say it, true where there is none."""
    return said(model, "UpdateRestrictions", where) is None or allowed(
        model, "UpdateRestrictions", "DeltaUpdateSupported", where, False)


def update_methods(model: Model, where: Place) -> frozenset[str]:
    """UpdateRestrictions/UpdateMethod: of PATCH and PUT; both where nothing is said."""
    return names(restriction(model, "UpdateRestrictions", where), "UpdateMethod") or frozenset({"PATCH", "PUT"})


def change_options(model: Model, term: str, where: Place) -> Mapping[str, Any] | None:
    """QueryOptions of a kind of change at a place, else ModificationQueryOptions; None where any option may be sent."""
    found = restriction(model, term, where).get("QueryOptions")
    found = said(model, "ModificationQueryOptions", NOWHERE) if found is None else found
    return found if isinstance(found, dict) else None


def action_options(model: Model, action: Action) -> Mapping[str, Any] | None:
    """ModificationQueryOptions of an action, of its import, or of the container; None where any option may be sent."""
    found = ask(model, CAPABILITIES + "ModificationQueryOptions", action.name, action)
    for name, each in model.action_imports.items():
        if found is None and model.full(each.action) == action.name:
            found = ask(model, CAPABILITIES + "ModificationQueryOptions", container_target(model, name), each)
    found = said(model, "ModificationQueryOptions", NOWHERE) if found is None else found
    return found if isinstance(found, dict) else None


def demanded(record: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The custom headers and the custom query options that a record says are required."""
    headers, options = (tuple(each["Name"] for each in record.get(name) or () if each.get("Required"))
                        for name in ("CustomHeaders", "CustomQueryOptions"))
    return headers, options


def demanded_everywhere(model: Model) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The same of the container: CustomHeaders and CustomQueryOptions."""
    return demanded({name: said(model, name, NOWHERE) for name in ("CustomHeaders", "CustomQueryOptions")})


def filter_functions(model: Model, where: str | Place) -> frozenset[str]:
    """Capabilities.FilterFunctions: the only functions of filters; none where any may be tried."""
    found = said(model, "FilterFunctions", place(where))
    return frozenset(found) if isinstance(found, list) else frozenset()


def filter_expressions(value: Mapping[str, Any]) -> dict[str, str]:
    """FilterExpressionRestrictions of FilterRestrictions: property path → the kind of expression that is allowed."""
    listed = value.get("FilterExpressionRestrictions") or ()
    return {str(plainly(each["Property"])): each["AllowedExpressions"] for each in listed
            if each.get("Property") and each.get("AllowedExpressions")}


def select_support(model: Model, where: Place) -> Mapping[str, Any] | None:
    """Capabilities.SelectSupport; a flag that the record does not say is false. None: everything."""
    value = said(model, "SelectSupport", where)
    return value if isinstance(value, dict) else None


def collection_property(model: Model, where: Place, path: str) -> Mapping[str, Any]:
    """Capabilities.CollectionPropertyRestrictions of a collection of values."""
    for each in said(model, "CollectionPropertyRestrictions", where) or ():
        if plainly(each.get("CollectionProperty")) == path:
            return dict(each)
    return {}


def batch_support(model: Model) -> Mapping[str, Any] | None:
    """Capabilities.BatchSupport; a flag that the record does not say is false. None: everything."""
    value = said(model, "BatchSupport", NOWHERE)
    return value if isinstance(value, dict) else None


def media_types(model: Model, term: str) -> tuple[str, ...]:
    """A Capabilities term of the container that lists media types; () where nothing is said."""
    found = said(model, term, NOWHERE)
    return tuple(map(str, found)) if isinstance(found, list) else ()


def tracked(model: Model, where: Place) -> Mapping[str, Any]:
    """Capabilities.ChangeTracking."""
    return restriction(model, "ChangeTracking", where)


def update_returns(model: Model) -> str:
    """Store.UpdateReturns on the container: 'representation' or 'minimal' (the default)."""
    container = model.container
    value = ask(model, STORE + "UpdateReturns", container.name, container) if container else None
    return value if value == "representation" else "minimal"


def inner_error_name(model: Model) -> str | None:
    """Store.InnerErrorName on the container: a second name under which errors carry their inner error."""
    container = model.container
    value = ask(model, STORE + "InnerErrorName", container.name, container) if container else None
    return value if isinstance(value, str) else None


def type_synonyms(model: Model) -> dict[str, str]:
    """Store.TypeSynonyms on schemas: other spellings of type names, accepted on input; spelling → real name.

    The term is a collection of namespaces; every type of the schema is known under each of them.
    """
    found: dict[str, str] = {}
    for schema in model.schemas:
        value = ask(model, STORE + "TypeSynonyms", schema.namespace, schema)
        for namespace in value if isinstance(value, list) else ():
            for kind in schema.types:
                found.setdefault(f"{namespace}.{kind.name.rpartition('.')[2]}", kind.name)
    return {name: real for name, real in found.items() if name not in model.types}


def optional_parameter(model: Model, parameter: Any) -> bool:
    """Core.OptionalParameter on a parameter."""
    return any(model.full(each.term) == CORE + "OptionalParameter" for each in parameter.annotations)


def optional_default(model: Model, parameter: Any) -> str | None:
    """Core.OptionalParameter/DefaultValue: the literal text taken when the parameter is not given."""
    for each in parameter.annotations:
        if model.full(each.term) == CORE + "OptionalParameter":
            value = plain(each.value)
            return value.get("DefaultValue") if isinstance(value, dict) else None
    return None


ScopeSets: TypeAlias = tuple[Mapping[str, str | None], ...]     # of each: scope → its RestrictedProperties


def scope_sets(record: Mapping[str, Any]) -> ScopeSets:
    """The `Permissions` of a restriction: sets of scopes of which any one suffices; () asks for none (V-Cap-23)."""
    value = record.get("Permissions")
    found = []
    for permission in value if isinstance(value, list) else ():
        names = {scope["Scope"]: scope.get("RestrictedProperties") for scope in permission.get("Scopes") or ()
                 if isinstance(scope.get("Scope"), str)}
        if names:
            found.append(names)
    return tuple(found)


def operation_restrictions(model: Model, operation: Operation) -> Mapping[str, Any]:
    """Capabilities.OperationRestrictions of one overload, over those of DefaultCapabilities."""
    found = of_operation(model, CAPABILITIES + "OperationRestrictions", operation)
    value = None if found is None else plain(found.value)
    if isinstance(value, dict):
        return {**restriction(model, "OperationRestrictions", NOWHERE), **value}
    return restriction(model, "OperationRestrictions", NOWHERE)


def of_operation(model: Model, term: str, operation: Operation) -> Annotation | None:
    """An annotation of one overload, else of all of its name."""
    signature = ",".join(str(each.type) for each in operation.parameters[:None if isinstance(operation, Function) else 1]
                         if isinstance(operation, Function) or operation.bound)
    return model.annotation(term, f"{operation.name}({signature})", operation.annotations) or model.annotation(
        term, operation.name)


def bound_explicitly(model: Model, operation: Operation) -> bool:
    """Core.RequiresExplicitBinding: bound only to what ExplicitOperationBindings names it for."""
    found = of_operation(model, CORE + "RequiresExplicitBinding", operation)
    return found is not None and (found.value is None or plain(found.value) is not False)


def explicit_bindings(model: Model, type: str, source: str | None = None, link: tuple[str, str] | None = None) -> frozenset[str]:
    """Core.ExplicitOperationBindings: the operations bound to a type, or to what a set (`source`) or a member of a type
    (`link`: type and name) leads to."""
    found: set[str] = set()
    term = CORE + "ExplicitOperationBindings"
    for name in model.lineage(type):
        kind = model.structured(name)
        found |= set(ask(model, term, name, kind) or ()) if kind is not None else set()
    element = model.source_of(source) if source else None
    if source and element is not None:
        found |= set(ask(model, term, container_target(model, source), element) or ())
    if link is not None:
        owner, name = link
        member = model.navigations(owner).get(name) or model.properties(owner).get(name)
        if member is not None:
            target = member_target(model.declaring(owner, name) or owner, name)
            found |= set(ask(model, term, target, member) or ())
    return frozenset(model.full(each.partition("(")[0]) for each in found if isinstance(each, str))


def availability(model: Model, operation: Operation) -> Expression | None:
    """Core.OperationAvailable of an overload: an expression that is to be true; None where nothing is said, or null, which
    means that nobody can tell."""
    found = of_operation(model, CORE + "OperationAvailable", operation)
    return None if found is None or isinstance(found.value, Null) else found.value or Constant("Bool", "true")


def positional(model: Model, owner: str, element: Any) -> bool:
    """Core.PositionalInsert: every collection of values keeps its order here, so that only one that denies it takes no index."""
    return bool(_member(model, CORE + "PositionalInsert", owner, element, True))


def operation_scopes(model: Model, operation: Operation) -> ScopeSets:
    """Capabilities.OperationRestrictions/Permissions of one overload."""
    return scope_sets(operation_restrictions(model, operation))

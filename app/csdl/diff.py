"""`odata diff`: what changed between two models, and whether clients survive it (Protocol §5.2).

additive: what §5.2 lists as safe additions · compatible: what no client can trip over · breaking: everything else, members of
enumerations that are there among it: §5.2 knows new enumerations only.
Members are compared with inheritance applied, so moving a property to a base type is no change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from app.csdl.limits import grants, limits
from app.csdl.load import load
from app.edm import types
from app.edm.expressions import Constant
from app.edm.index import Model
from app.edm.model import (Action, Annotation, ComplexType, EntityType, EnumType, Function, NavigationProperty,
                           Parameter, Property,
                           StructuredType, Term, TypeDefinition, TypeRef, binding_type)
from app.errors import ConfigurationError

Class: TypeAlias = Literal["breaking", "additive", "compatible"]
FORMATS = ("text", "json")

_CORE = "Org.OData.Core.V1."
_MADE = {_CORE + "Computed", _CORE + "ComputedDefaultValue"}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: its class, the element as a target path, what happened to it."""

    kind: Class
    element: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.element}: {self.text}"


def diff(old: Model, new: Model) -> list[Change]:
    """Every difference from `old` to `new`, breaking ones first."""
    rank = {"breaking": 0, "additive": 1, "compatible": 2}
    found = dict.fromkeys(_Diff(old, new).changes())
    return sorted(found, key=lambda change: (rank[change.kind], change.element, change.text))


def diff_command(old: str | Path, new: str | Path, format: str = "text") -> tuple[str, int]:
    """The report on two files and the exit code: 1 when a change breaks clients. Raises ModelError for a file that
    cannot be read, ConfigurationError for a bad option."""
    if format not in FORMATS:
        raise ConfigurationError(reason=f"There is no format '{format}': {', '.join(FORMATS)}")
    found = diff(load(old), load(new))
    breaking = sum(change.kind == "breaking" for change in found)
    if format == "json":
        return json.dumps({"changes": [asdict(each) for each in found], "breaking": breaking}, ensure_ascii=False,
                          indent=2), 1 if breaking else 0
    counts = ", ".join(f"{sum(each.kind == kind for each in found)} {kind}"
                       for kind in ("breaking", "additive", "compatible"))
    return "\n".join([*map(str, found), counts if found else "no difference"]), 1 if breaking else 0


class _Diff:
    def __init__(self, old: Model, new: Model) -> None:
        self.old, self.new = old, new

    def changes(self) -> Iterator[Change]:
        yield from self.types()
        yield from self.operations()
        yield from self.terms()
        yield from self.container()
        yield from self.documents()

    def documents(self) -> Iterator[Change]:
        old, new = self.old, self.new
        if old.version != new.version:
            yield Change("compatible", "document", f"version {old.version} → {new.version}")
        if {each.namespace: each.alias for each in old.schemas} != {each.namespace: each.alias for each in new.schemas}:
            for each in new.schemas:
                other = next((one for one in old.schemas if one.namespace == each.namespace), None)
                if other is not None and other.alias != each.alias:
                    yield Change("breaking" if other.alias else "compatible", each.namespace,
                                 f"alias {other.alias} → {each.alias}")
        for each in old.schemas:
            other = next((one for one in new.schemas if one.namespace == each.namespace), None)
            if other is not None:
                yield from noted(each.namespace, each.annotations, other.annotations)
        for target in {**old.external, **new.external}:
            yield from noted(target, old.external.get(target, ()), new.external.get(target, ()))

    # --- types -------------------------------------------------------------------------------------------

    def types(self) -> Iterator[Change]:
        old = {kind.name: kind for schema in self.old.schemas for kind in schema.types}
        new = {kind.name: kind for schema in self.new.schemas for kind in schema.types}
        for name, kind in old.items():
            other = new.get(name)
            if other is None:
                yield Change("breaking", name, f"{_noun(kind)} removed")
            elif type(other) is not type(kind):
                yield Change("breaking", name, f"{_noun(kind)} became {_noun(other)}")
            else:
                yield from self.type(kind, other)
        for name, kind in new.items():
            if name not in old:
                yield Change("additive", name, f"{_noun(kind)} added")

    def type(self, old: Any, new: Any) -> Iterator[Change]:
        name = old.name
        if isinstance(old, EntityType | ComplexType):
            yield from self.structured(old, new)
        elif isinstance(old, EnumType):
            yield from enumeration(old, new)
        elif isinstance(old, TypeDefinition):
            yield from _reference(name, old.type, new.type)
        yield from noted(name, old.annotations, new.annotations)

    def structured(self, old: StructuredType, new: StructuredType) -> Iterator[Change]:
        name = old.name
        if old.base != new.base and old.base is not None:
            kept = old.base in self.new.lineage(name)
            yield Change("compatible" if kept else "breaking", name, f"base type {old.base} → {new.base}")
        elif old.base != new.base:
            yield Change("additive", name, f"base type {new.base} added")
        yield from _flag(name, "abstract", old.abstract, new.abstract, "breaking", "compatible")
        yield from _flag(name, "open", self.old.is_open(name), self.new.is_open(name), "additive", "breaking")
        if isinstance(old, EntityType):
            yield from _flag(name, "media entity type", self.old.has_stream(name), self.new.has_stream(name),
                             "breaking", "breaking")
            if self.old.key(name) != self.new.key(name):
                yield Change("breaking", name, f"key {_key(self.old, name)} → {_key(self.new, name)}")
        yield from self.members(name, self.old.properties(name), self.new.properties(name), self.property,
                                _safe_property)
        yield from self.members(name, self.old.navigations(name), self.new.navigations(name), self.navigation,
                                _safe_navigation)

    def members(self, name: str, old: dict[str, Any], new: dict[str, Any],
                compare: Callable[[str, Any, Any], Iterator[Change]],
                is_safe: Callable[[Any], bool]) -> Iterator[Change]:
        """Members of a type; an inherited one counts at the type that declares it, and where a new base brings it."""
        known = self.old.lineage(name)
        for member in old:
            path = f"{name}/{member}"
            if member not in new:
                if self.old.declaring(name, member) == name:
                    yield Change("breaking", path, "removed")
            elif self.old.declaring(name, member) == name:
                yield from compare(path, old[member], new[member])
        for member, found in new.items():
            if member not in old and ((owner := self.new.declaring(name, member)) == name or owner not in known):
                safe = is_safe(found)
                said = f"added; dynamic properties called {member} have to be of its type" if self.old.is_open(name) else "added"
                yield Change("additive" if safe else "breaking", f"{name}/{member}",
                             said if safe else "added, not nullable and without a default value")

    def property(self, path: str, old: Property, new: Property) -> Iterator[Change]:
        yield from _reference(path, old.type, new.type)
        if old.default != new.default:
            required = new.default is None and new.type.nullable is False
            yield Change("breaking" if required else "compatible", path, f"default value {old.default} → {new.default}")
        yield from noted(path, old.annotations, new.annotations)

    def navigation(self, path: str, old: NavigationProperty, new: NavigationProperty) -> Iterator[Change]:
        if (old.type, old.collection) != (new.type, new.collection):
            yield Change("breaking", path, f"type {_shown(old)} → {_shown(new)}")
        elif bool(old.nullable) != bool(new.nullable) and not old.collection:
            yield Change("breaking", path, "became nullable" if new.nullable else "became required")
        yield from _flag(path, "containment", old.contains_target, new.contains_target, "breaking", "breaking")
        if old.partner != new.partner:
            yield Change("compatible", path, f"partner {old.partner} → {new.partner}")
        if old.on_delete != new.on_delete:
            yield Change("compatible", path, f"on delete {old.on_delete} → {new.on_delete}")
        if set(old.constraints) != set(new.constraints):
            yield Change("compatible", path, "referential constraints changed")
        yield from noted(path, old.annotations, new.annotations)

    # --- operations, terms -------------------------------------------------------------------------------

    def operations(self) -> Iterator[Change]:
        old, new = _overloads(self.old), _overloads(self.new)
        for name in old:
            rest = list(new.get(name, ()))
            for overload in old[name]:
                other = _counterpart(overload, rest, len(old[name]) == len(new.get(name, ())) == 1)
                if other is None:
                    yield Change("breaking", _signature(overload), "removed")
                else:
                    rest.remove(other)
                    yield from self.operation(overload, other)
            for overload in rest:
                yield Change("additive", _signature(overload), "added")
        for name in new:
            if name not in old:
                for overload in new[name]:
                    yield Change("additive", _signature(overload), "added")

    def operation(self, old: Action | Function, new: Action | Function) -> Iterator[Change]:
        name = _signature(old)
        if isinstance(old, Function) and isinstance(new, Function):
            yield from _flag(name, "composable", old.composable, new.composable, "additive", "breaking")
        if old.entity_set_path != new.entity_set_path:
            yield Change("compatible", name, f"entity set path {old.entity_set_path} → {new.entity_set_path}")
        yield from self.parameters(name, old, new)
        if old.returns is None or new.returns is None:
            if old.returns is not new.returns:
                yield Change("breaking", name, "return type removed" if new.returns is None else "return type added")
        else:
            yield from _reference(f"{name}/$ReturnType", old.returns.type, new.returns.type, output=True)
        yield from noted(name, old.annotations, new.annotations)

    def parameters(self, name: str, old: Action | Function, new: Action | Function) -> Iterator[Change]:
        before, after = [each.name for each in old.parameters], [each.name for each in new.parameters]
        kept = [each for each in after if each in before]
        if kept != [each for each in before if each in after]:
            yield Change("breaking", name, "parameters reordered")
        for parameter in old.parameters:
            if parameter.name not in after:
                yield Change("breaking", f"{name}/{parameter.name}", "parameter removed")
        known = {each.name: each for each in old.parameters}
        for index, parameter in enumerate(new.parameters):
            path = f"{name}/{parameter.name}"
            if parameter.name in known:
                yield from _reference(path, known[parameter.name].type, parameter.type, input=True)
                yield from noted(path, known[parameter.name].annotations, parameter.annotations)
            else:
                last = not any(each in before for each in after[index:])
                safe = last and (_optional(parameter) or (isinstance(new, Action) and bool(parameter.type.nullable)))
                yield Change("additive" if safe else "breaking", path,
                             "parameter added" if safe else "parameter added that callers must give")

    def terms(self) -> Iterator[Change]:
        old = {term.name: term for schema in self.old.schemas for term in schema.terms}
        new = {term.name: term for schema in self.new.schemas for term in schema.terms}
        yield from _presence(old, new, "term")
        for name in old.keys() & new.keys():
            one, other = old[name], new[name]
            yield from _reference(name, one.type, other.type)
            if (one.base, one.default) != (other.base, other.default):
                yield Change("breaking", name, "base term or default value changed")
            if set(one.applies_to) != set(other.applies_to):
                wider = not other.applies_to or (one.applies_to and set(one.applies_to) < set(other.applies_to))
                yield Change("compatible" if wider else "breaking", name, "applicability changed")

    # --- container ---------------------------------------------------------------------------------------

    def container(self) -> Iterator[Change]:
        old, new = self.old.container, self.new.container
        if old is None or new is None:
            if old is not None:
                yield Change("breaking", old.name, "entity container removed")
            if new is not None:
                yield Change("additive", new.name, "entity container added")
            return
        if old.name != new.name:
            yield Change("breaking", old.name, f"entity container became {new.name}")
        for noun, one, other in (("entity set", self.old.sets, self.new.sets),
                                 ("singleton", self.old.singletons, self.new.singletons),
                                 ("action import", self.old.action_imports, self.new.action_imports),
                                 ("function import", self.old.function_imports, self.new.function_imports)):
            yield from _presence({f"{old.name}/{name}": 0 for name in one},
                                 {f"{old.name}/{name}": 0 for name in other}, noun)
            for name in one.keys() & other.keys():
                yield from self.child(f"{old.name}/{name}", one[name], other[name])
        yield from noted(old.name, old.annotations, new.annotations)

    def child(self, path: str, old: Any, new: Any) -> Iterator[Change]:
        for attribute in ("type", "action", "function"):
            if getattr(old, attribute, None) != getattr(new, attribute, None):
                yield Change("breaking", path, f"{attribute} {getattr(old, attribute)} → {getattr(new, attribute)}")
        if getattr(old, "nullable", False) != getattr(new, "nullable", False):
            yield Change("breaking" if new.nullable else "compatible", path,
                         "became nullable" if new.nullable else "became required")
        if getattr(old, "in_service_document", None) != getattr(new, "in_service_document", None):
            yield Change("compatible", path, "listed in the service document" if new.in_service_document else
                         "no longer listed in the service document")
        if getattr(old, "entity_set", None) != getattr(new, "entity_set", None):
            yield Change("compatible", path, f"entity set {old.entity_set} → {new.entity_set}")
        before = {each.path: each.target for each in getattr(old, "bindings", ())}
        after = {each.path: each.target for each in getattr(new, "bindings", ())}
        for each in before:
            if each not in after:
                yield Change("breaking", f"{path}/{each}", "binding removed")
            elif before[each] != after[each]:
                yield Change("breaking", f"{path}/{each}", f"binding {before[each]} → {after[each]}")
        for each in after.keys() - before.keys():
            yield Change("additive", f"{path}/{each}", "binding added")
        yield from noted(path, old.annotations, new.annotations)


# --- parts -----------------------------------------------------------------------------------------------

def _reference(path: str, old: TypeRef, new: TypeRef, input: bool = False, output: bool = False) -> Iterator[Change]:
    """A type with nullability and facets; parameters only go in, return types only come out."""
    if (old.name, old.collection) != (new.name, new.collection):
        yield Change("breaking", path, f"type {old} → {new}")
        return
    if bool(old.nullable) != bool(new.nullable):
        loosened = bool(new.nullable)
        fine = (input and loosened) or (output and not loosened)
        yield Change("compatible" if fine else "breaking", path,
                     "became nullable" if loosened else "became not nullable")
    for facet, one, other in (("MaxLength", old.max_length, new.max_length),
                              ("Precision", old.precision, new.precision),
                              ("Scale", _scale(old), _scale(new))):
        if one != other:
            fine = _wider(one, other) and (facet != "Scale" or _wider(_whole(old), _whole(new)))
            yield Change("compatible" if fine else "breaking", path, f"{facet} {_said(one)} → {_said(other)}")
    if (old.unicode is not False) != (new.unicode is not False):
        yield Change("breaking" if new.unicode is False else "compatible", path, "Unicode changed")
    if old.srid != new.srid:
        yield Change("breaking", path, f"SRID {_said(old.srid)} → {_said(new.srid)}")


def _scale(ref: TypeRef) -> int | str | None:
    """The scale of a type, zero where a decimal does not say it (CSDL §7.2.4)."""
    return 0 if ref.scale is None and ref.name == "Edm.Decimal" else ref.scale


def _whole(ref: TypeRef) -> int | None:
    """The most digits before the decimal point, where there is a limit."""
    scale = _scale(ref)
    return ref.precision - scale if isinstance(ref.precision, int) and isinstance(scale, int) else None


def _wider(old: int | str | None, new: int | str | None) -> bool:
    """Whether a facet allows what it allowed: nothing said, and 'variable', allow everything."""
    if new is None or new in ("variable", "floating", "max"):
        return True
    return isinstance(old, int) and isinstance(new, int) and new >= old


def _said(value: int | str | None) -> str:
    return "unspecified" if value is None else str(value)


def enumeration(old: EnumType, new: EnumType) -> Iterator[Change]:
    """Members by name; flags and underlying type."""
    name = old.name
    before, after = ({each.name: each for each in kind.members} for kind in (old, new))
    for each in before:
        if each not in after:
            yield Change("breaking", f"{name}/{each}", "removed")
        elif before[each].value != after[each].value:
            yield Change("breaking", f"{name}/{each}", f"value {before[each].value} → {after[each].value}")
        else:
            yield from noted(f"{name}/{each}", before[each].annotations, after[each].annotations)
    for each in after:
        if each not in before:
            yield Change("breaking", f"{name}/{each}", "added, and clients have no name for what values hold now")
    if old.flags != new.flags:
        yield Change("breaking", name, "flags changed")
    if old.underlying != new.underlying:
        low, high = types.INTEGER_RANGES.get(old.underlying, (0, 0))
        least, most = types.INTEGER_RANGES.get(new.underlying, (0, 0))
        yield Change("compatible" if least <= low and most >= high else "breaking", name,
                     f"underlying type {old.underlying} → {new.underlying}")


def noted(path: str, old: Iterable[Annotation], new: Iterable[Annotation]) -> Iterator[Change]:
    """Annotations break clients when they take something away, otherwise they do no harm."""
    before = {(each.term, each.qualifier): each for each in old}
    after = {(each.term, each.qualifier): each for each in new}
    for identity in {**before, **after}:
        one, other = before.get(identity), after.get(identity)
        if one == other:
            continue
        what = "added" if one is None else "removed" if other is None else "changed"
        taken = (limits(other) if other else set()) - (limits(one) if one else set())
        taken |= {f"no {each}" for each in (grants(one) if one else set()) - (grants(other) if other else set())}
        name = identity[0] + (f"#{identity[1]}" if identity[1] else "")
        if taken:
            yield Change("breaking", path, f"@{name} {what}: {', '.join(sorted(taken))}")
        else:
            yield Change("additive" if one is None else "compatible", path, f"@{name} {what}")


def _presence(old: Iterable[str], new: Iterable[str], noun: str) -> Iterator[Change]:
    before, after = list(old), list(new)
    yield from (Change("breaking", each, f"{noun} removed") for each in before if each not in after)
    yield from (Change("additive", each, f"{noun} added") for each in after if each not in before)


def _flag(path: str, noun: str, old: bool, new: bool, gained: Class, lost: Class) -> Iterator[Change]:
    if old != new:
        yield Change(gained if new else lost, path, f"became {noun}" if new else f"no longer {noun}")


def _safe_property(member: Property) -> bool:
    made = any(each.term in _MADE and each.value != Constant("Bool", "false") for each in member.annotations)
    return bool(member.type.nullable) or member.type.collection or member.default is not None or made


def _safe_navigation(member: NavigationProperty) -> bool:
    return member.collection or bool(member.nullable)


def _optional(parameter: Parameter) -> bool:
    return any(each.term == _CORE + "OptionalParameter" for each in parameter.annotations)


def _overloads(model: Model) -> dict[str, list[Action | Function]]:
    found: dict[str, list[Action | Function]] = {}
    for schema in model.schemas:
        for operation in schema.operations:
            found.setdefault(operation.name, []).append(operation)
    return found


def _counterpart(old: Action | Function, candidates: list[Action | Function], only: bool) -> Action | Function | None:
    """The overload that an overload became: the same binding, and for functions the same names first."""
    fitting = [each for each in candidates if type(each) is type(old) and binding_type(each) == binding_type(old)]
    names = {each.name for each in old.parameters}
    exact = [each for each in fitting if {one.name for one in each.parameters} == names]
    if exact:
        return exact[0]
    return fitting[0] if fitting and (only or isinstance(old, Action)) else None


def _signature(operation: Action | Function) -> str:
    inner = [str(each.type) for each in operation.parameters]
    if isinstance(operation, Action):
        inner = inner[:1] if operation.bound else []
    return f"{operation.name}({','.join(inner)})"


def _shown(member: NavigationProperty) -> str:
    return f"Collection({member.type})" if member.collection else member.type


def _key(model: Model, name: str) -> str:
    return "(" + ", ".join(ref.path for ref in model.key(name)) + ")"


def _noun(kind: Any) -> str:
    nouns = {EntityType: "entity type", ComplexType: "complex type", EnumType: "enumeration",
             TypeDefinition: "type definition",
             Term: "term"}
    return nouns.get(type(kind), "element")

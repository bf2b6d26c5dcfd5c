"""Reader: parsed entities → changes; complex values, dynamic properties and links among them.

All faults of a body come in one BodyError (400), each with its target path. Control information is read in both forms
(`@odata.type`, `@type`), annotations nobody knows are passed over. The bodies of other requests are read by `bodies`.
Protocol 4.01 §11.4; JSON Format 4.01 §4.5, §8.5; DESIGN §6, §7.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from marshmallow import ValidationError

from app.edm import vocabularies
from app.edm.index import Model
from app.edm.model import NavigationProperty
from app.errors import closest
from app.payload.dynamic import DynamicReader
from app.payload.faults import Fault, details, raise_faults, refuse
from app.payload.schemas import (IGNORED, IGNORED_KEY, KEY, NAVIGATION, STREAM, VALUE, Annotated, Read, Reading, Schemas,
                                 Structure)
from app.payload.syntax import Number, read_json
from app.plan.changes import BIND, TYPE, Change, Links, Reference, Stream, Target
from app.plan.changes import VALUE as WRITTEN

__all__ = ["EntityReader", "control", "read_json"]

Faults = list[tuple[str, Fault]]
TRUSTED = Reading(trusted=True)
NO_ENTITY = ({"@id": None}, {"@odata.id": None})        # as Data Aggregation §7.7 takes a parent away
CONTENT_ID = frozenset({"@Org.OData.Core.V1.ContentID", "@Core.ContentID"})


@lru_cache(4096)
def control(name: str) -> tuple[str, str]:
    """('runs', 'bind') of 'runs@odata.bind' or 'runs@bind'; an annotation of a vocabulary gives ('runs', '')."""
    owner, _, term = name.partition("@")
    term = term.removeprefix("odata.")
    return owner, "" if "." in term else term


@dataclass(slots=True)
class Parts:
    """The members of one object, sorted by what they are."""

    values: dict[str, Any] = field(default_factory=dict)
    dynamic: dict[str, Any] = field(default_factory=dict)
    streams: dict[str, Any] = field(default_factory=dict)
    related: dict[str, Any] = field(default_factory=dict)
    binds: dict[str, Any] = field(default_factory=dict)
    deltas: dict[str, Any] = field(default_factory=dict)
    types: dict[str, Any] = field(default_factory=dict)
    media: dict[str, Any] = field(default_factory=dict)
    controls: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    content_id: str | None = None
    ignored: int = 0

    def annotation(self, name: str, value: Any) -> None:
        """Sorts in a member whose name has an '@'."""
        owner, term = control(name)
        if term == "bind" and owner:
            self.binds[owner] = value
        elif term == "delta" and owner:
            self.deltas[owner] = value
        elif term == "type" and owner:
            self.types[owner] = value
        elif term == "mediaContentType":
            self.media[owner or "$value"] = value
        elif term and not owner:
            self.controls[term] = value
        elif name in CONTENT_ID and isinstance(value, str):
            self.content_id = value


class EntityReader:
    """Reads the entities in the bodies of one model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.schemas = Schemas(model, self.complex, lambda value, reading: self.dynamic.value(value, reading))
        self.dynamic = DynamicReader(self.schemas, self.complex)
        self._keys: dict[str, tuple[tuple[str, str, Read], ...]] = {}
        self._needed: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {}

    # --- entities ----------------------------------------------------------------------------------------

    def read_entity(self, data: Any, type: str, reading: Reading, *, supplied: Collection[str] = (),
                    bound: Collection[str] = ()) -> Change:
        """The change that a body asks of one entity of the type (or a derived type that the body names).

        `supplied`: properties that get their value elsewhere (key of the URL, link implied by the URL), `bound`: such
        navigation properties; neither is missed when the body leaves them out.
        """
        faults: Faults = []
        change = self.entity(data, type, reading, "", faults, frozenset(supplied), frozenset(bound), None)
        raise_faults(faults)
        assert change is not None
        return change

    def entity(self, data: Any, declared: str, reading: Reading, at: str, faults: Faults, supplied: frozenset[str],
               bound: frozenset[str], base: str | None) -> Change | None:
        if not isinstance(data, Mapping):
            faults.append((at, Fault("invalidBody", "An entity is written as an object.")))
            return None
        try:
            actual = self._type(data, declared, reading)
        except ValidationError as error:
            faults += details(error.messages, join(at, TYPE))
            return None
        structure = self.schemas.of(actual, reading)
        again = bool(at) and reading.operation != "create" and not reading.trusted
        late = again and TYPE not in data and "@type" not in data and bool(self.model.derived(actual))
        for_sure, faults = faults, [] if late else faults       # it may be of a derived type, which has more members
        parts = self._parts(data, structure, reading, at, faults)
        context = parts.controls.get("context")
        base = context if isinstance(context, str) else base
        links = self._links(parts, actual, reading, at, faults, base) if parts.binds or parts.related or parts.deltas else {}
        covered = supplied | {name for navigation in (*links, *bound)
                              for name in self.schemas.dependents(actual, navigation)} if links or bound else supplied
        key, removed = self._key(parts, actual), _removed(parts.controls)
        only_key = bool(at) and not reading.trusted and self._only_key(parts, structure) and not any(
            part.name not in key and parts.keys.get(part.path) not in (None, "") for part in self.model.key(actual))
        if removed is not None and _text(parts.controls, "id") is None and (reason := self._unnamed(actual, data, supplied)):
            for_sure.append((at, reason))
        values: dict[str, Any] = {}     # of one that has a key only: checked when it turns out to be a new entity
        if removed is None and not (only_key and reading.operation == "create"):
            values = self._values(parts.values, structure, at, faults, covered)
            if reading.operation == "create" and self._references(actual):
                self._required_links(actual, links, {*supplied, *_given(values)}, bound, at, faults)
        return Change(
            actual, reading.operation, values,
            self.dynamic_members(parts, at, faults, reading) if parts.dynamic else {}, links,
            self._streams(parts, actual, reading, at, faults) if parts.streams else {},
            key, url=_text(parts.controls, "id"), base=base,
            etag=_text(parts.controls, "etag") if reading.etags else None, removed=removed,
            typed="type" in parts.controls, only_key=only_key, supplied=supplied, bound=bound, at=at,
            body=data if again else None, reading=reading if again else None, faults=tuple(faults) if late else (),
            content_id=parts.content_id)

    def read_again(self, change: Change, type: str, operation: str) -> Change:
        """A member of a body (`change.body`), read as what it turned out to be. Raises BodyError."""
        faults: Faults = []
        reading = replace(change.reading, operation=operation)
        found = self.entity(change.body, type, reading, change.at, faults, change.supplied, change.bound, change.base)
        raise_faults((*faults, *(found.faults if found is not None else ())))
        assert found is not None
        return found

    def complete_entity(self, change: Change) -> dict[str, Any]:
        """The values of a change meant as an update, as those of a creation: defaults for what is missing. Raises
        BodyError."""
        structure = self.schemas.of(change.type, Reading("create"))
        keys = {part.path: change.key[part.name] for part in self.model.key(change.type)
                if part.name in change.key and part.path in structure.values}
        values = keys | dict(change.values)
        faults: Faults = []
        tied = {name for navigation in (*change.links, *change.bound)
                for name in self.schemas.dependents(change.type, navigation)}
        covered = change.supplied | tied
        for name in structure.values - set(values):
            value, fault = self.schemas.left_out(change.type, self.model.properties(change.type)[name])
            if fault is None:
                values[name] = value
            elif name not in covered:
                faults.append((join(change.at, name), fault))
        given = {*change.supplied, *_given(values)}
        self._required_links(change.type, change.links, given, change.bound, change.at, faults)
        raise_faults(faults)
        return values

    def _type(self, data: Mapping[str, Any], declared: str, reading: Reading) -> str:
        """The concrete type of an object: the one it names, else the declared one."""
        given = data.get(TYPE, data.get("@type"))
        model = self.model
        actual = declared
        if given is not None:
            found = self.schemas.resolve(given)
            if found is None:
                refuse("unknownType", f"There is no type '{str(given)[:200]}' here{self.schemas.advice(str(given))}")
            if not model.is_a(found, declared):
                if model.is_a(declared, found):     # a base type says nothing new
                    found = declared
                else:
                    refuse("typeMismatch", f"{found} is not derived from {declared}.")
            actual = found
        kind = model.structured(actual)
        if kind is not None and kind.abstract and reading.operation == "create":
            simple = actual.rpartition(".")[2]
            refuse("abstractType", f"{simple} is abstract; @odata.type must name a concrete type.")
        return actual

    def _parts(self, data: Mapping[str, Any], structure: Structure, reading: Reading, at: str, faults: Faults) -> Parts:
        parts = Parts()
        kinds, values, types = structure.kinds, parts.values, parts.types
        for name, value in data.items():
            kind = kinds.get(name)
            if kind is VALUE:
                values[name] = value
            elif kind is KEY:
                values[name] = parts.keys[name] = value
            elif kind is NAVIGATION:
                parts.related[name] = value
            elif kind is STREAM:
                parts.streams[name] = value
            elif kind is IGNORED:
                parts.ignored += 1
            elif kind is IGNORED_KEY:
                parts.keys[name] = value
            elif name.endswith(TYPE) and name != TYPE:
                types[name[:-len(TYPE)]] = value
            elif "@" in name:
                parts.annotation(name, value)
            elif name.startswith("#"):
                continue            # an operation advertised in what the service sent (JSON Format §16)
            elif structure.open:
                parts.dynamic[name] = value
            elif value is not None or not reading.unknown_nulls:
                hint = closest(name, structure.names)
                faults.append((join(at, name), Fault(
                    "unknownProperty", f"{structure.type} has no property '{name}'."
                    + (f" Did you mean '{hint}'?" if hint else ""))))
        for name in structure.abstract and structure.abstract & set(parts.types) & set(values):
            self._annotate(name, parts, reading, at, faults)
        return parts

    def _annotate(self, name: str, parts: Parts, reading: Reading, at: str, faults: Faults) -> None:
        """The value of a property of an abstract type, read as the type that stands beside it."""
        try:
            made = self.dynamic.member(name, parts.values[name], parts.types[name], reading)
        except ValidationError as error:
            del parts.values[name]
            faults += details(error.messages, join(at, name))
        except ValueError as error:
            del parts.values[name]
            faults.append((join(at, name), Fault("invalidValue", f"The value of '{name}' is not valid: {error}.")))
        else:
            if name + TYPE in made and made[name] is not None:
                parts.values[name] = Annotated({TYPE: made[name + TYPE], WRITTEN: made[name]})
            elif isinstance(made[name], dict) and TYPE in made[name]:
                parts.values[name] = {TYPE: made[name][TYPE], **parts.values[name]}

    def _only_key(self, parts: Parts, structure: Structure) -> bool:
        others = parts.dynamic or parts.related or parts.binds or parts.deltas or parts.streams or parts.ignored
        return (bool(structure.keys) and not others and set(parts.keys) == structure.keys
                and set(parts.values) <= structure.keys)

    def _values(self, given: Mapping[str, Any], structure: Structure, at: str, faults: Faults, covered: frozenset[str]
                ) -> dict[str, Any]:
        found: dict[str, Any]
        for name in structure.keys:
            if given.get(name) == "":       # an empty key is an absent one
                given = {key: value for key, value in given.items() if key != name}
        try:
            found = structure.load(given)
        except ValidationError as error:
            listed = [(path, fault) for path, fault in details(error.messages)
                      if not (fault.required and path in covered)]
            faults += [(join(at, path), fault) for path, fault in listed]
            valid = error.valid_data
            found = dict(valid) if isinstance(valid, Mapping) else {}
        return found

    def _key(self, parts: Parts, type: str) -> dict[str, Any]:
        """The key members given, as values; those of no valid form are left to the schema to complain about."""
        if not parts.keys:
            return {}
        readers = self._keys.get(type)
        if readers is None:
            members = self.model.properties(type)
            readers = self._keys[type] = tuple(
                (part.name, part.path, self.schemas.reader(type, members[part.path], TRUSTED, True))
                for part in self.model.key(type) if part.path in members)
        found = {}
        for name, path, read in readers:
            if parts.keys.get(path) in (None, ""):
                continue
            try:
                found[name] = read(parts.keys[path])
            except (ValidationError, ValueError):
                continue
        return found

    def _unnamed(self, type: str, data: Mapping[str, Any], supplied: frozenset[str]) -> Fault | None:
        """What is wrong where neither an id nor a whole key says which entity was removed (JSON Format §15.3)."""
        missing = [part.path for part in self.model.key(type)
                   if part.path not in supplied and data.get(part.path.partition("/")[0]) in (None, "")]
        return Fault("missingValue", f"A removed entity is named by its id, or by {', '.join(missing)}.") if missing else None

    def _required_links(self, type: str, links: Mapping[str, Links], given: Collection[str], bound: frozenset[str],
                        at: str, faults: Faults) -> None:
        """A required reference is bound, or the properties that it is tied to have values (`given`)."""
        for name, tied in self._references(type):
            if name in bound or name in links and links[name].targets or tied and all(each in given for each in tied):
                continue
            faults.append((join(at, name), Fault(
                "missingValue", f"'{name}' is required: bind it to an entity or insert one.", required=True)))

    def _references(self, type: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The required references of a type with the properties that each is tied to. Left out is one whose partner is
        required and single too, as it may be the other side that holds the key, and one that leads to no set of this service:
        no entity could ever be bound to it."""
        found = self._needed.get(type)
        if found is None:
            found = self._needed[type] = tuple(
                (each.name, tuple(constraint.property for constraint in each.constraints))
                for each in self.model.navigations(type).values()
                if each.nullable is False and not each.collection and not each.contains_target
                and not self._other_side(each)
                and (each.name in self.model.bound_names or self.model.only_set(each.type) is not None))
        return found

    def _other_side(self, navigation: NavigationProperty) -> bool:
        partner = self.model.navigations(navigation.type).get(navigation.partner or "")
        return partner is not None and not partner.collection and partner.nullable is False

    # --- links -------------------------------------------------------------------------------------------

    def _links(self, parts: Parts, type: str, reading: Reading, at: str, faults: Faults, base: str | None
               ) -> dict[str, Links]:
        """What is said of each navigation property: in one way, but for collections of new entities, whose members may be
        bound and inserted (JSON Format §8.5)."""
        found: dict[str, Links] = {}
        navigations = self.model.navigations(type)
        for name in dict.fromkeys((*parts.binds, *parts.related, *parts.deltas)):
            navigation = navigations.get(name)
            here = join(at, name)
            if navigation is None:
                faults.append((here + BIND, Fault("unknownProperty", f"{type} has no navigation property '{name}'.")))
            elif sum(name in given for given in (parts.binds, parts.related, parts.deltas)) > 1 and not (
                    navigation.collection and reading.operation == "create" and name not in parts.deltas):
                faults.append((here, Fault("conflictingLinks", f"'{name}' is given in two ways; give it in one.")))
            elif not reading.trusted and vocabularies.read_only(self.model, type, navigation):
                if name in parts.binds:
                    faults.append((here, Fault("readOnly", f"'{name}' cannot be written.")))
            elif name in parts.deltas:
                found[name] = self._delta(type, navigation, parts.deltas[name], reading, here, faults, base)
            else:
                bound = nested = None
                if name in parts.binds:
                    bound = self._bind(navigation, parts.binds[name], reading, here, faults, base)
                if name in parts.related:
                    nested = self._nested(type, navigation, parts.related[name], reading, here, faults, base)
                links = bound or nested
                if links is not None:
                    found[name] = Links(bound.targets + nested.targets) if bound and nested else links
        return found

    def _bind(self, navigation: NavigationProperty, value: Any, reading: Reading, at: str, faults: Faults,
              base: str | None) -> Links | None:
        """`Nav@odata.bind` (JSON Format 4.0 §8.5): replaces a to-one link, adds to a to-many link."""
        urls = value if isinstance(value, list) else [] if value is None else [value]
        if value is None and navigation.collection or isinstance(value, list) and not navigation.collection:
            expected = "an array of ids" if navigation.collection else "one id or null"
            faults.append((at + BIND, Fault("invalidValue", f"'{navigation.name}' is bound to {expected}.")))
            return None
        targets = []
        for url in urls:
            if getattr(url, "handle", None) is not None:
                targets.append(Reference(at=at, row=url.handle))
            elif isinstance(url, str) and not isinstance(url, Number) and url:
                targets.append(Reference(url, at + BIND, base))
            else:
                faults.append((at + BIND, Fault("invalidValue", "An entity is bound by its id, a string.")))
        if not targets and navigation.nullable is False and not navigation.collection:
            faults.append((at + BIND, Fault("nullNotAllowed", f"'{navigation.name}' cannot be null.")))
        return Links(tuple(targets), "add" if navigation.collection and reading.operation != "create" else "set")

    def _nested(self, owner: str, navigation: NavigationProperty, value: Any, reading: Reading, at: str, faults: Faults,
                base: str | None) -> Links | None:
        """`Nav: {…}`: references and nested entities (Protocol §11.4.2.1, §11.4.2.2, §11.4.3.1)."""
        if value is None or not navigation.collection and value in NO_ENTITY:
            if navigation.collection:
                faults.append((at, Fault("nullNotAllowed", f"'{navigation.name}' is a collection.")))
                return None
            if reading.operation == "create":
                return None
            if navigation.nullable is False:
                faults.append((at, Fault("nullNotAllowed", f"'{navigation.name}' cannot be null.")))
            return Links(())
        if isinstance(value, list | tuple) != navigation.collection:
            written = "an array" if navigation.collection else "an object or null"
            faults.append((at, Fault("invalidValue", f"'{navigation.name}' is written as {written}.")))
            return None
        items = value if navigation.collection else [value]
        for index, item in enumerate(items):
            if isinstance(item, Mapping) and ("@removed" in item or "@odata.removed" in item):
                faults.append((join(at, str(index)) if navigation.collection else at, Fault(
                    "invalidValue", f"'{navigation.name}' is all there is to be; what goes is told in its @delta.")))
                return None
        found = [self._target(owner, navigation, item, reading, join(at, str(index)) if navigation.collection else at,
                              faults, base) for index, item in enumerate(items)]
        targets = tuple(target for target in found if target is not None)
        if (reading.operation != "create" and reading.version == "4.0" and not reading.trusted
                and any(isinstance(target, Change) and not target.only_key for target in targets)):
            faults.append((at, Fault("nestedEntity", "An update in OData 4.0 holds no entities; bind them by id.")))
            return None
        return Links(targets)

    def _target(self, owner: str, navigation: NavigationProperty, value: Any, reading: Reading, at: str, faults: Faults,
                base: str | None) -> Target | None:
        """A reference where an object holds nothing but an id, else the nested entity."""
        if getattr(value, "handle", None) is not None:
            return Reference(at=at, row=value.handle)
        if isinstance(value, Mapping):
            id = value.get("@odata.id", value.get("@id"))
            removed = "@removed" in value or "@odata.removed" in value
            if isinstance(id, str) and not removed and all("@" in name for name in value):
                context = value.get("@odata.context", value.get("@context"))
                return Reference(id, at, context if isinstance(context, str) else base)
            if isinstance(id, str) and reading.operation == "create" and not reading.trusted:
                faults.append((at, Fault("invalidValue", "A reference holds an id and no other members on create.")))
                return None
        supplied, bound = self.implied(owner, navigation)
        return self.member(value, navigation.type, reading, at, faults, supplied, bound, base)

    def member(self, value: Any, type: str, reading: Reading, at: str, faults: Faults, supplied: frozenset[str],
               bound: frozenset[str], base: str | None) -> Change | None:
        """A member of a deep update: an update where it names an entity by id or key, else an insert (§11.4.3.1)."""
        key = self.model.key(type)
        named = isinstance(value, Mapping) and (
            "@odata.id" in value or "@id" in value or "@odata.removed" in value or "@removed" in value
            or bool(key) and all(part.path in value or part.path in supplied for part in key))
        inner = reading if named else replace(reading, operation="create")
        return self.entity(value, type, inner, at, faults, supplied, bound, base)

    def _delta(self, owner: str, navigation: NavigationProperty, value: Any, reading: Reading, at: str, faults: Faults,
               base: str | None) -> Links:
        """`Nav@delta`: members related, changed and removed (Protocol §11.4.3.1); only in a 4.01 PATCH."""
        if not navigation.collection or not isinstance(value, list):
            faults.append(
                (at, Fault("invalidValue", f"'{navigation.name}@delta' is an array of a collection's changes.")))
            return Links((), "delta")
        if reading.operation != "patch" or reading.version == "4.0":
            faults.append((at, Fault("invalidValue", f"'{navigation.name}@delta' belongs in a PATCH in OData 4.01.")))
            return Links((), "delta")
        targets = [self._target(owner, navigation, item, reading, join(at + "@delta", str(index)), faults, base)
                   for index, item in enumerate(value)]
        return Links(tuple(target for target in targets if target is not None), "delta")

    def implied(self, owner: str, navigation: NavigationProperty) -> tuple[frozenset[str], frozenset[str]]:
        """(properties, navigation properties) of a member of `navigation` that the link to its parent gives a value."""
        target = navigation.type
        partner = self.model.navigations(target).get(navigation.partner or "")
        back = [partner] if partner is not None else [
            each for each in self.model.navigations(target).values()
            if each.partner == navigation.name and self.model.is_a(owner, each.type)]
        properties = frozenset(constraint.property for each in back for constraint in each.constraints)
        return properties, frozenset(each.name for each in back if not each.collection)

    # --- complex values ----------------------------------------------------------------------------------

    def complex(self, data: Any, declared: str, reading: Reading) -> dict[str, Any]:
        """A complex value: the members given (all of them on create and put), dynamic ones and links with their
        types."""
        if not isinstance(data, Mapping):
            refuse("invalidValue", f"A value of {declared} is written as an object.")
        named = data.keys() & {TYPE, "@type"}
        try:        # a PATCH that names no type is of the one that the value has
            actual = self._type(data, declared, reading if reading.operation == "patch" and not named else replace(
                reading, operation="create"))
        except ValidationError as error:
            raise ValidationError({TYPE: error.messages}) from None
        faults: Faults = []
        structure = self.schemas.of(actual, reading)
        parts = self._parts(data, structure, reading, "", faults)
        told = reading.operation == "patch" and named       # the declared type, told, is a change of type
        made: dict[str, Any] = {TYPE: "#" + actual} if actual != declared or told else {}
        made.update(self._values(parts.values, structure, "", faults, frozenset()))
        if parts.dynamic:
            made.update(self.dynamic_members(parts, "", faults, reading))
        if parts.binds or parts.related or parts.deltas:
            for name, links in self._links(parts, actual, reading, "", faults, None).items():
                made[name + BIND] = links
        if faults:
            raise ValidationError(_tree(faults))
        return made

    # --- dynamic properties ------------------------------------------------------------------------------

    def dynamic_members(self, parts: Parts, at: str, faults: Faults, reading: Reading) -> dict[str, Any]:
        """The members that the type does not declare."""
        made: dict[str, Any] = {}
        types, put = parts.types, self.dynamic.put
        for name, value in parts.dynamic.items():
            try:
                if not name.isidentifier() or len(name) > 128:
                    refuse("invalidName", f"'{name[:60]}' is no name of a property.")
                put(made, name, value, types.get(name), reading)
            except ValidationError as error:
                faults += details(error.messages, join(at, name))
            except ValueError as error:
                faults.append((join(at, name), Fault("invalidValue", f"The value of '{name}' is not valid: {error}.")))
        return made

    # --- streams -----------------------------------------------------------------------------------------

    def _streams(self, parts: Parts, type: str, reading: Reading, at: str, faults: Faults) -> dict[str, Stream]:
        """Stream content given inline as base64url; null removes what is there (Protocol §11.4.2, §11.4.8.2; DESIGN §2)."""
        found = {}
        for name, value in parts.streams.items():
            if value is None:
                declared = self.model.properties(type).get(name)
                if reading.operation != "create" and (declared is None or not self.schemas.nullable(declared)):
                    faults.append((join(at, name), Fault("nullNotAllowed", f"'{name}' cannot be null.")))
                elif reading.operation != "create":
                    found[name] = Stream(None)
                continue
            media = parts.media.get(name)
            try:
                padding = "=" * (-len(value) % 4)
                content = value if isinstance(value, bytes) else base64.urlsafe_b64decode(str(value) + padding)
            except (binascii.Error, TypeError, ValueError):
                faults.append((join(at, name), Fault("invalidValue", f"The content of '{name}' is not base64url.")))
                continue
            found[name] = Stream(content, media if isinstance(media, str) else None)
        return found


def join(at: str, name: str) -> str:
    """A target path with one more step."""
    return f"{at}/{name}" if at else name


def _given(values: Mapping[str, Any]) -> set[str]:
    return {name for name, value in values.items() if value is not None}


def as_list(value: Any) -> list[Any]:
    """A collection as written; a fault otherwise."""
    if not isinstance(value, list | tuple):
        refuse("invalidValue", "A collection is written as an array.")
    return list(value)


def _text(controls: Mapping[str, Any], name: str) -> str | None:
    value = controls.get(name)
    return value if isinstance(value, str) and not isinstance(value, Number) else None


def _removed(controls: Mapping[str, Any]) -> str | None:
    value = controls.get("removed")
    if value is None:
        return None
    return "deleted" if isinstance(value, Mapping) and value.get("reason") == "deleted" else "changed"


def _tree(faults: Faults) -> dict[str, Any]:
    """Faults by path as a tree of messages."""
    tree: dict[str, Any] = {}
    for path, fault in faults:
        node = tree
        *steps, last = path.split("/") if path else ["_schema"]
        for step in steps:
            inner = node.setdefault(step, {})
            if isinstance(inner, list):
                inner = node[step] = {"_schema": inner}
            node = inner
        held = node.setdefault(last, [])
        (held.setdefault("_schema", []) if isinstance(held, dict) else held).append(fault)
    return tree

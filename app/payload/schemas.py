"""Schemas: what a body may say of a type, generated from the model as marshmallow schemas, one per (type, reading).

A field turns JSON into the canonical Python value or collects a `Fault`: wrong types, facets (MaxLength, Precision,
Scale, Nullable), enumeration members and sentinels, Validation terms. Computed and read-only members of clients have
no field: what is sent for them is ignored. Protocol 4.01 §11.4; CSDL §7.2; DESIGN §6.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, missing

from app.edm import types, vocabularies
from app.edm.index import Model
from app.edm.model import EnumType, Property, TypeRef
from app.errors import BodyError, closest
from app.payload.facets import checks_of, facets
from app.payload.faults import Fault, raise_faults, refuse
from app.payload.primitives import mismatch, primitive_reader
from app.payload.syntax import Number
from app.plan.changes import TYPE
from app.store.mapping import KEY_LENGTH

Read = Callable[[Any], Any]
VALUE, KEY, NAVIGATION, STREAM, IGNORED, IGNORED_KEY = "value", "key", "navigation", "stream", "ignored", "ignored key"


@dataclass(frozen=True, slots=True)
class Reading:
    """How bodies are read.

    `operation`: 'create', 'patch' or 'put'. `trusted`: computed and read-only members count, as in a data file.
    `quoted`: Int64 and Decimal may be strings; `short_quoted`: so may shorter integers. `version`: '4.0' bodies hold no
    nested entities on update. `etags`: those in the body are compared. `unknown_nulls`, `enum_numbers`, `zoneless`:
    leniencies of those names. `cut`: instants lose fraction digits that their property has no room for, since what an
    operation takes from the clock has six.
    """

    operation: str = "create"
    trusted: bool = False
    quoted: bool = False
    short_quoted: bool = False
    version: str = "4.01"
    etags: bool = False
    unknown_nulls: bool = False
    enum_numbers: bool = False
    zoneless: bool = False
    cut: bool = False


def _cut(read: Read, digits: int) -> Read:
    return lambda value: types.cut_fraction(read(value), digits)


class Value(fields.Field[Any]):
    """A member read by one function."""

    def __init__(self, name: str, read: Read, **facts: Any) -> None:
        super().__init__(data_key=name, attribute=name, **facts)
        self.name_, self.read = name, read

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **rest: Any) -> Any:
        try:
            return self.read(value)
        except ValueError as error:
            if isinstance(error, ValidationError):
                raise
            refuse("invalidValue", f"The value of '{self.name_}' is not valid: {error}.")

    def make_error(self, key: str, **rest: object) -> ValidationError:
        if key == "required":
            return ValidationError([Fault("missingValue", f"'{self.name_}' is required.", required=True)])
        return ValidationError([Fault("nullNotAllowed", f"'{self.name_}' cannot be null.")])


@dataclass(frozen=True)
class Structure:
    """What a body may say of one type: `schema` reads `values`; `ignored` are known and passed over; `streams` and
    `navigations` are read elsewhere; `abstract` are the values whose type may stand beside them."""

    type: str
    schema: Schema
    values: frozenset[str]
    ignored: frozenset[str]
    streams: frozenset[str]
    navigations: frozenset[str]
    keys: frozenset[str]
    abstract: frozenset[str]
    open: bool
    kinds: Mapping[str, str]        # member → VALUE, KEY (a value of the key), NAVIGATION, STREAM, IGNORED, IGNORED_KEY
    names: tuple[str, ...] = field(default=())
    rows: tuple[tuple[str, Read, bool, Any, bool], ...] = ()    # of `schema`: name, read, nullable, default, required

    def load(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The values in canonical form, in model order. Raises ValidationError with all faults, which the schema finds."""
        found: dict[str, Any] = {}
        try:
            for name, read, nullable, default, required in self.rows:
                value = given.get(name, missing)
                if value is missing:
                    if required:
                        break
                    if default is not missing:
                        found[name] = default() if callable(default) else default
                elif value is not None:
                    found[name] = read(value)
                elif nullable:
                    found[name] = None
                else:
                    break
            else:
                return found
        except (ValidationError, ValueError):
            pass
        return dict(self.schema.load(given))


class Annotated(dict[str, Any]):
    """The value of a property of an abstract type with the type that the body names: {TYPE: …, VALUE: …}."""


class Schemas:
    """The schemas of a model. `complex` reads complex values: (value, type, reading) → dict, or raises ValidationError;
    `untyped` reads values of no declared type."""

    def __init__(self, model: Model, complex: Callable[[Any, str, Reading], Any],
                 untyped: Callable[[Any, Reading], Any]) -> None:
        self.model, self.complex, self.untyped = model, complex, untyped
        self._structures: dict[tuple[str, Reading], Structure] = {}
        self._dependents: dict[str, frozenset[str]] = {}
        self.synonyms = vocabularies.type_synonyms(model)
        self.elsewhere = {include.namespace: reference.uri if "://" in reference.uri else ""
                          for reference in model.references for include in reference.includes
                          if include.namespace not in model.namespaces}

    # --- types -------------------------------------------------------------------------------------------

    def resolve(self, text: Any) -> str | None:
        """The full name that a type annotation names: with or without '#', by alias, as absolute URL, or a synonym."""
        if not isinstance(text, str) or not text:
            return None
        name = text.rpartition("#")[2]
        if "." not in name:
            primitive = "Edm." + name
            return primitive if primitive in types.PRIMITIVES or primitive == "Edm.Untyped" else None
        name = self.model.full(name)
        if name in self.model.types or name in types.PRIMITIVES or name in types.ABSTRACT:
            return name
        return self.synonyms.get(name)

    def external(self, name: str, many: bool = False) -> str | None:
        """The annotation of a type that only a document declares which the model refers to, by the URL of that document; None
        where the model refers to none of that namespace (JSON Format §4.5.3)."""
        full = self.model.full(name)
        namespace, _, last = full.rpartition(".")
        if namespace not in self.elsewhere or not last.isidentifier():
            return None
        return f"{self.elsewhere[namespace]}#{f'Collection({full})' if many else full}"

    def advice(self, name: str) -> str:
        """The end of a sentence about a type that nobody declares."""
        name = name.rpartition("#")[2]
        if self.external(name) is not None:
            return ": it is declared by a document that the model refers to, which is not at hand."
        hint = closest(name, [*self.model.types])
        return (": neither this service nor a document that its model refers to declares it."
                + (f" Did you mean '{hint}'?" if hint else ""))

    # --- structures --------------------------------------------------------------------------------------

    def of(self, name: str, reading: Reading) -> Structure:
        """The structure of an entity or complex type for one reading."""
        found = self._structures.get((name, reading))
        if found is None:
            found = self._structures[name, reading] = self._build(name, reading)
        return found

    def _build(self, name: str, reading: Reading) -> Structure:
        model = self.model
        keys = frozenset(part.path for part in model.key(name)) if model.entity_type(name) else frozenset()
        made: dict[str, Value] = {}
        values, ignored, streams = set(), set(), set()
        for index, member in enumerate(model.properties(name).values()):
            key = member.name in keys
            if not self.writable(name, member, reading, key):
                ignored.add(member.name)
            elif model.underlying(member.type).name == "Edm.Stream":
                streams.add(member.name)
            else:
                values.add(member.name)
                made[f"m{index}"] = self._field(name, member, reading, key)
        if model.has_stream(name):
            streams.add("$value")
        abstract = frozenset(each.name for each in model.properties(name).values() if not each.type.collection
                             and model.underlying(each.type).name in ("Edm.Untyped", "Edm.PrimitiveType"))
        schema = Schema.from_dict(dict(made), name=f"{name} {reading.operation}")
        kinds = {**{each: IGNORED_KEY if each in keys else IGNORED for each in ignored}, **dict.fromkeys(streams, STREAM),
                 **dict.fromkeys(model.navigations(name), NAVIGATION),
                 **{each: KEY if each in keys else VALUE for each in values}}
        return Structure(name, schema(unknown=RAISE), frozenset(values), frozenset(ignored), frozenset(streams),
                         frozenset(model.navigations(name)), keys, abstract, model.is_open(name), kinds,
                         (*model.properties(name), *model.navigations(name)),
                         tuple((each.name_, each.read, bool(each.allow_none), each.load_default, each.required)
                               for each in made.values()))

    def writable(self, owner: str, member: Property, reading: Reading, key: bool) -> bool:
        """Whether a value in the body counts (Protocol §11.4.2, §11.4.3)."""
        if vocabularies.shows_etag(self.model, owner, member):
            return False
        if key and reading.operation != "create":
            return False
        if reading.trusted:
            return True
        if vocabularies.read_only(self.model, owner, member):
            return False
        return reading.operation == "create" or not vocabularies.immutable(self.model, owner, member)

    def _field(self, owner: str, member: Property, reading: Reading, key: bool) -> Value:
        # On create null asks for the default that the service computes: clients send every member they know.
        chosen = reading.operation == "create" and vocabularies.computed_default(self.model, owner, member)
        facts: dict[str, Any] = {"allow_none": not key and (self.nullable(member) or chosen)}
        if reading.operation == "patch" or reading.operation == "put" and member.name in self.tied(owner):
            facts["load_default"] = missing
        elif (default := self.default(member)) is not None:
            facts["load_default"] = default
        elif (facts["allow_none"] or vocabularies.computed(self.model, owner, member)
              or vocabularies.computed_default(self.model, owner, member)):
            facts["load_default"] = missing if not facts["allow_none"] else None
        else:
            facts["required"] = True
        return Value(member.name, self.reader(owner, member, reading, key), **facts)

    def nullable(self, member: Property) -> bool:
        """Whether the property itself may be null; a collection never is (JSON Format §7)."""
        return not member.type.collection and self.model.underlying(member.type).nullable is not False

    def default(self, member: Property) -> Callable[[], Any] | None:
        """Makes the value of a member that was left out, where the model has one (CSDL §7.2.7)."""
        if member.type.collection:
            return list
        ref = self.model.underlying(member.type)
        text = member.default
        definition = self.model.types.get(member.type.name)
        if text is None and definition is not None and self.model.kind(member.type.name) == "definition":
            text = getattr(definition, "default", None)
        if text is None or ref.name in types.GEO:
            return None
        kind = self.model.enum_type(ref.name)
        value = _enum(kind, text) if kind else types.parse(ref.name, text)
        return lambda: value

    def complete(self, name: str, value: Mapping[str, Any], old: Mapping[str, Any] | None = None, path: str = "",
                 ) -> dict[str, Any]:
        """A complex value with every declared member, in model order, dynamic members last: what is missing comes from
        `old`, else from defaults. Raises BodyError where a required member has no value."""
        actual = self.resolve(value.get(TYPE)) or name
        made: dict[str, Any] = {TYPE: value[TYPE]} if TYPE in value and actual != self.model.full(name) else {}
        kind = self.model.structured(actual)
        if kind is not None and kind.abstract:
            simple = actual.rpartition(".")[2]
            raise BodyError(f"{simple} is abstract; @odata.type must name a concrete type.", code="abstractType",
                            target=f"{path}/@odata.type" if path else "@odata.type")
        declared = self.model.properties(actual)
        faults = []
        for member in declared.values():
            at = f"{path}/{member.name}" if path else member.name
            if self.model.underlying(member.type).name == "Edm.Stream":
                continue
            if member.name in value:
                made[member.name] = self._complete_member(member, value[member.name], (old or {}).get(member.name), at)
            elif old is not None and member.name in old:
                made[member.name] = old[member.name]
            else:
                made[member.name], fault = self.left_out(actual, member)
                faults += [(at, fault)] if fault else []
        raise_faults(faults)
        made.update({key: item for key, item in value.items() if key not in declared and key != TYPE})
        return made

    def _complete_member(self, member: Property, value: Any, old: Any, path: str) -> Any:
        if self.model.kind(member.type.name) != "complex":
            return value
        if isinstance(value, list):
            name = member.type.name
            return [self.complete(name, item, None, f"{path}/{index}") if isinstance(item, Mapping) else item
                    for index, item in enumerate(value)]
        if not isinstance(value, Mapping):
            return value
        return self.complete(member.type.name, value, old if isinstance(old, Mapping) else None, path)

    def left_out(self, owner: str, member: Property) -> tuple[Any, Fault | None]:
        """The value of a member that a creation left out, or the fault of leaving it out."""
        default = self.default(member)
        if default is not None:
            return default(), None
        if self.nullable(member):
            return None, None
        if self.found_by_service(owner, member):
            return self.made_up(member), None
        return None, Fault("missingValue", f"'{member.name}' is required.", required=True)

    def made_up(self, member: Property, now: str = "0001-01-01T00:00:00Z") -> Any:
        """The value of a member that the service has to find a value for and no rule gave one."""
        ref = self.model.underlying(member.type)
        if ref.collection:
            return []
        kind = self.model.enum_type(ref.name)
        if kind is not None:
            return min((each.value for each in kind.members), key=abs, default=0)
        if self.model.kind(ref.name) == "complex":
            return self.complete(ref.name, {})
        zeros: dict[str, Any] = {"Edm.String": "", "Edm.Boolean": False, "Edm.Binary": b"", "Edm.Double": 0.0,
                                 "Edm.Single": 0.0, "Edm.DateTimeOffset": now, "Edm.Date": now[: 10],
                                 "Edm.TimeOfDay": now[11: 19],
                                 "Edm.Decimal": types.parse("Edm.Decimal", "0"),
                                 "Edm.Duration": 0, "Edm.Guid": "00000000-0000-0000-0000-000000000000"}
        return zeros.get(ref.name, 0)

    # --- values ------------------------------------------------------------------------------------------

    def reader(self, owner: str, member: Property, reading: Reading, key: bool = False) -> Read:
        """JSON value of a property → canonical value, its facets and Validation terms checked."""
        checks = vocabularies.validation(self.model, owner, member)
        ref = self.model.underlying(member.type)
        if key and ref.name == "Edm.String" and not isinstance(ref.max_length, int):
            ref = TypeRef(ref.name, ref.collection, ref.nullable, KEY_LENGTH)
        return self.typed(ref, reading, checks_of(checks), (checks.min_items, checks.max_items))

    def typed(self, ref: TypeRef, reading: Reading, checks: tuple[Callable[[Any], None], ...] = (),
              items: tuple[int | None, int | None] = (None, None)) -> Read:
        """JSON value of a type reference → canonical value; for collections each item is checked."""
        ref = self.model.underlying(ref)
        if not ref.collection:
            return self._single(ref, reading, checks)
        inner = replace(reading, operation="create") if reading.operation == "patch" else reading
        single = self._single(ref, inner, checks)
        return lambda value: _collection(value, single, ref.nullable is not False, *items)

    def _single(self, ref: TypeRef, reading: Reading, checks: tuple[Callable[[Any], None], ...]) -> Read:
        kind = self.model.enum_type(ref.name)
        if kind is not None:
            return self.enum_reader(kind, reading)
        if self.model.kind(ref.name) in ("complex", "entity"):
            name = ref.name
            return lambda value: self.complex(value, name, reading)
        if ref.name in ("Edm.Untyped", "Edm.PrimitiveType"):
            return self._abstract(ref.name, reading)
        read = primitive_reader(ref.name, reading.quoted or reading.trusted, reading.short_quoted,
                                reading.zoneless or reading.trusted)
        if reading.cut and ref.name == "Edm.DateTimeOffset":
            read = _cut(read, 7 if ref.precision is None else ref.precision)
        checks = (*facets(ref, reading.version), *checks)
        if not checks:
            return read
        if len(checks) == 1:
            only = checks[0]

            def once(value: Any) -> Any:
                found = read(value)
                only(found)
                return found
            return once

        def checked(value: Any) -> Any:
            found = read(value)
            for check in checks:
                check(found)
            return found
        return checked

    def _abstract(self, name: str, reading: Reading) -> Read:
        def read(value: Any) -> Any:
            if value.__class__ is Annotated:
                return dict(value)
            if name == "Edm.PrimitiveType" and isinstance(value, dict | list):
                raise mismatch(value, name)
            return self.untyped(value, reading)
        return read

    def enum_reader(self, kind: EnumType, reading: Reading) -> Read:
        """JSON value of an enumeration → number; sentinels are refused."""
        sentinels = {member.value: member.name for member in kind.members
                     if vocabularies.sentinel(self.model, kind.name, member)}
        numbers = reading.enum_numbers or reading.trusted

        def read(value: Any) -> int:
            text = str(value) if numbers and value.__class__ in (Number, int) else value
            if text.__class__ is not str:
                refuse("invalidEnumValue", f"A member of {kind.name} is written as a string.")
            found = _enum(kind, text)
            for number, name in sentinels.items():
                if found == number or kind.flags and number and found & number == number:
                    refuse("invalidEnumValue", f"{name} cannot be stored.")
            return found
        return read

    def found_by_service(self, owner: str, member: Property) -> bool:
        """Whether the service finds a value for a member that nobody gave one."""
        return vocabularies.read_only(
            self.model, owner, member) or vocabularies.computed_default(
            self.model, owner, member)

    def tied(self, name: str) -> frozenset[str]:
        """The properties of a type that referential constraints tie to another entity; a PUT leaves them alone
        (§11.4.3)."""
        found = self._dependents.get(name)
        if found is None:
            found = self._dependents[name] = frozenset(
                each for navigation in self.model.navigations(name) for each in self.dependents(name, navigation))
        return found

    def dependents(self, name: str, navigation: str) -> frozenset[str]:
        """The properties that a navigation property's referential constraints tie to its target."""
        found = self.model.navigations(name).get(navigation)
        return frozenset(constraint.property for constraint in found.constraints) if found else frozenset()


def _enum(kind: EnumType, text: str) -> int:
    """The value of member names (joined by ',' for flags) or of a number that fits (ABNF enumValue)."""
    values = {member.name: member.value for member in kind.members}
    total = 0
    parts = [part.strip() for part in text.split(",")] if kind.flags else [text]
    for part in parts:
        if part in values:
            total |= values[part]
        elif re.fullmatch(r"-?[0-9]{1,19}", part):
            number = int(part)
            if number not in values.values() and not (kind.flags and number >= 0 and not number & ~_all(kind)):
                refuse("invalidEnumValue", f"{kind.name} has no member with the value {part}.")
            total |= number
        else:
            hint = closest(part, values)
            refuse("invalidEnumValue", f"'{part[:60]}' is not a member of {kind.name}."
                   + (f" Did you mean '{hint}'?" if hint else ""))
    return total


def _all(kind: EnumType) -> int:
    bits = 0
    for member in kind.members:
        bits |= member.value
    return bits


def _collection(value: Any, read: Read, nullable: bool, least: int | None, most: int | None) -> list[Any]:
    if value.__class__ not in (list, tuple):
        refuse("invalidValue", "A collection is written as an array.")
    if least is not None and len(value) < least:
        refuse("tooFewItems", f"At least {least} items are needed.")
    if most is not None and len(value) > most:
        refuse("tooManyItems", f"At most {most} items are allowed.")
    found: list[Any] = []
    faults: dict[int, Any] = {}
    for index, item in enumerate(value):
        try:
            if item is None:
                if not nullable:
                    refuse("nullNotAllowed", "The collection cannot hold null.")
                found.append(None)
            else:
                found.append(read(item))
        except ValidationError as error:
            faults[index] = error.messages
        except ValueError as error:
            faults[index] = [Fault("invalidValue", f"The item is not valid: {error}.")]
    if faults:
        raise ValidationError(faults)
    return found

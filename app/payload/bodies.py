"""Bodies: `BodyReader(model)` reads every kind of request body of a model: entities, parameters of actions, single
properties, items of collections, references. It keeps the generated schemas. Protocol 4.01 §11.4, §11.5; JSON Format
4.01 §11, §14, §18.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from marshmallow import ValidationError

from app.edm import types, vocabularies
from app.edm.index import Operation
from app.edm.model import Parameter, Property
from app.errors import BodyError, closest
from app.payload.faults import Fault, details, raise_faults, refuse
from app.payload.reader import EntityReader, Faults, Parts, as_list, join
from app.payload.schemas import Reading
from app.payload.syntax import Number
from app.plan.changes import TYPE, Change, LinkChange, Reference, Target


class BodyReader(EntityReader):
    """Reads the bodies of one model."""

    def read_parameters(self, data: Any, action: Operation, reading: Reading) -> dict[str, Any]:
        """The parameters of an action by name; an omitted one is null where it may be, or has its default
        (§11.5.5.1)."""
        if data is None:
            data = {}
        if not isinstance(data, Mapping):
            raise BodyError(reason="the parameters of an action are members of one object")
        parameters = {each.name: each for each in action.parameters[1 if action.bound else 0:]}
        faults: Faults = []
        values: dict[str, Any] = {}
        for name, value in data.items():
            if "@" in name:
                continue
            if name not in parameters:
                hint = closest(name, parameters)
                faults.append((name, Fault("unknownParameter", f"{action.name} has no parameter '{name}'."
                                           + (f" Did you mean '{hint}'?" if hint else ""))))
                continue
            parameter = parameters[name]
            if value is None and not parameter.type.collection and parameter.type.nullable is not False:
                values[name] = None
                continue
            try:
                if value is None:
                    refuse("nullNotAllowed", f"'{name}' cannot be null.")
                values[name] = self._parameter(value, parameter.type.name,
                                               parameter.type.collection, name, parameter, reading)
            except ValidationError as error:
                faults += details(error.messages, name)
            except ValueError as error:
                faults.append((name, Fault("invalidValue", f"The value of '{name}' is not valid: {error}.")))
        for name, parameter in parameters.items():
            if name not in data:
                if vocabularies.optional_parameter(self.model, parameter):
                    continue
                if parameter.type.collection or parameter.type.nullable is not False:
                    values[name] = [] if parameter.type.collection else None
                else:
                    faults.append((name, Fault("missingValue", f"'{name}' is required.", required=True)))
        raise_faults(faults)
        return values

    def _parameter(self, value: Any, type: str, many: bool, name: str, parameter: Any, reading: Reading) -> Any:
        if type == "Edm.Stream":
            return self._contents(as_list(value) if many else [value], many)
        if self.model.kind(type) != "entity":
            return self.schemas.typed(parameter.type, replace(reading, operation="create"))(value)
        items = as_list(value) if many else [value]
        faults: Faults = []
        found: list[Target | None] = []
        for index, item in enumerate(items):
            at = join(name, str(index)) if many else name
            id = item.get("@odata.id", item.get("@id")) if isinstance(item, Mapping) else item
            found.append(Reference(id, at) if isinstance(id, str) else self.entity(
                item, type, replace(reading, operation="create"), at, faults, frozenset(), frozenset(), None))
        raise_faults(faults)
        return found if many else found[0]

    @staticmethod
    def _contents(items: list[Any], many: bool) -> Any:
        """Streams as parameters: base64url (JSON Format §18)."""
        if not all(isinstance(item, str) and not isinstance(item, Number) for item in items):
            raise ValueError("a stream is written as base64url")
        found = [types.parse("Edm.Binary", item) for item in items]
        return found if many else found[0]

    def read_argument(self, value: Any, parameter: Parameter, reading: Reading) -> Any:
        """The value of a parameter in a URL, as JSON. Raises BodyError."""
        faults: Faults = []
        try:
            return self._parameter(value, parameter.type.name, parameter.type.collection, parameter.name, parameter, reading)
        except ValidationError as error:
            faults = details(error.messages, parameter.name)
        except ValueError as error:
            faults = [(parameter.name, Fault("invalidValue", f"The value of '{parameter.name}' is not valid: {error}."))]
        raise_faults(faults)
        return None

    def default_argument(self, parameter: Parameter, text: str) -> Any:
        """The DefaultValue of a parameter that may be left out."""
        ref = self.model.underlying(parameter.type)
        kind = self.model.enum_type(ref.name)
        return self.schemas.enum_reader(kind, Reading())(text) if kind is not None else types.parse(ref.name, text)

    def read_value(self, data: Any, owner: str, member: Property, reading: Reading) -> Any:
        """The value of a single property: `{"value": …}`, or the complex object itself (JSON Format §11)."""
        ref = self.model.underlying(member.type)
        if self.model.kind(ref.name) == "complex" and not ref.collection:
            if data is None:
                raise BodyError(reason="a complex value is written as an object")
            members = [name for name in data if "@" not in name] if isinstance(data, Mapping) else []
            null = members == ["value"] and data["value"] is None and "value" not in self.model.properties(ref.name)
            value = None if null else data
        else:
            if not isinstance(data, Mapping) or "value" not in data:
                raise BodyError(reason='the value of a property is written as {"value": …}')
            value = data["value"]
            given = next((data[name] for name in ("value" + TYPE, "value@type", TYPE, "@type") if name in data), None)
            if given is not None and ref.name in types.ABSTRACT and not ref.collection:
                value = self._of_type(value, given, member.name, reading)
        return self.checked(value, owner, member, reading)

    def _of_type(self, value: Any, given: Any, name: str, reading: Reading) -> Any:
        """The value of a property of an abstract type, read as the type that stands beside it."""
        faults: Faults = []
        parts = Parts(values={name: value}, types={name: given})
        self._annotate(name, parts, reading, "", faults)
        raise_faults(faults)
        return parts.values[name]

    def checked(self, value: Any, owner: str, member: Property, reading: Reading) -> Any:
        """A parsed value of a property, checked like a member of a body."""
        key = member.name in {part.path for part in self.model.key(owner)} if self.model.entity_type(owner) else False
        faults: Faults = []
        found = None
        try:
            if value is None:
                if not self.schemas.nullable(member):
                    refuse("nullNotAllowed", f"'{member.name}' cannot be null.")
            else:
                found = self.schemas.reader(owner, member, reading, key)(value)
        except ValidationError as error:
            faults = details(error.messages, member.name)
        except ValueError as error:
            faults = [(member.name, Fault("invalidValue", f"The value of '{member.name}' is not valid: {error}."))]
        raise_faults(faults)
        return found

    def read_item(self, data: Any, owner: str, member: Property, reading: Reading) -> Any:
        """One item for a collection property: `{"value": item}`, or the complex object itself (Protocol §11.4.9.4)."""
        single = replace(member, type=replace(member.type, collection=False))
        return self.read_value(data, owner, single, reading)

    def read_dynamic(self, data: Any, name: str, reading: Reading) -> dict[str, Any]:
        """The value of an undeclared property: `{"value": …, "value@odata.type": …}` → its members."""
        if not isinstance(data, Mapping):
            raise BodyError(reason='the value of a property is written as {"value": …}')
        faults: Faults = []
        parts = Parts(dynamic={name: data["value"] if "value" in data else data}, types={
                      name: data.get("value@odata.type", data.get("value@type", data.get(TYPE, data.get("@type"))))})
        if "value" not in data:
            parts.types = {}
        made = self.dynamic_members(parts, "", faults, reading)
        raise_faults(faults)
        return made

    def read_members(self, data: Any, *, removals: bool) -> list[Mapping[str, Any]]:
        """The members in the body of a change of a whole collection, not read yet. `removals`: it is a delta, which may
        hold deleted entities and links (Protocol §11.4.12)."""
        items = data.get("value") if isinstance(data, Mapping) else None
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            raise BodyError('The members of a collection are written as {"value": […]}, one object each.', target="value")
        for index, item in enumerate(items if not removals else ()):
            if "@removed" in item or "@odata.removed" in item or _kind(item):
                raise BodyError("The full set of entities holds no deleted entities and no links.", target=f"value/{index}")
        return items

    def read_member(self, data: Mapping[str, Any], type: str, reading: Reading, at: str,
                    implied: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())) -> Change | LinkChange:
        """One member: an entity to update or insert, a deleted one, an added or deleted link, in the form of either version
        (JSON Format §15; 4.0 §14). Raises BodyError."""
        kind = _kind(data)
        if kind in ("$link", "$deletedLink"):
            named = [data.get(name) for name in ("source", "relationship", "target")]
            if not all(isinstance(each, str) and each for each in named):
                raise BodyError("A link has a source, a relationship and a target.", code="missingValue", target=at)
            source, relationship, target = map(str, named)
            return LinkChange(Reference(source, f"{at}/source"), relationship, Reference(target, f"{at}/target"),
                              kind == "$link")
        if kind == "$deletedEntity":
            if not isinstance(data.get("id"), str):
                raise BodyError("A deleted entity is named by its id.", code="missingValue", target=f"{at}/id")
            reason = {"reason": data.get("reason", "deleted")}
            data = {"@odata.removed": reason, "@odata.id": data["id"]}
        faults: Faults = []
        found = self.member(data, type, reading, at, faults, *implied, None)
        raise_faults(faults)
        assert found is not None
        return found

    def read_references(self, data: Any, type: str) -> tuple[Reference, ...]:
        """The entities of `type` named in the body of a `$ref` request, by id or by all key members: one object, or
        `{"value": […]}` (JSON Format §14)."""
        many = isinstance(data, Mapping) and isinstance(data.get("value"), list)
        base = data.get("@odata.context", data.get("@context")) if isinstance(data, Mapping) else None
        found = []
        for index, item in enumerate(data["value"] if many else [data]):
            id = item.get("@odata.id", item.get("@id")) if isinstance(item, Mapping) else None
            at = f"value/{index}/@odata.id" if many else "@odata.id"
            key = self._reference_key(item, type) if id is None and isinstance(item, Mapping) else None
            if key is not None:
                found.append(Reference(at=at, key=key))
                continue
            if not isinstance(id, str) or not id:
                raise BodyError("An entity is referred to by its id, a string", code="missingValue", target=at)
            found.append(Reference(id, at, base if isinstance(base, str) else None))
        return tuple(found)

    def _reference_key(self, item: Mapping[str, Any], type: str) -> dict[str, Any] | None:
        """The key that an object consists of; None where it is no key of the type."""
        names = {part.path: part.name for part in self.model.key(type)}
        given = {name: value for name, value in item.items() if "@" not in name}
        if not names or given.keys() != names.keys():
            return None
        key = self._key(Parts(keys=given), type)
        return key if len(key) == len(names) else None


def _kind(item: Mapping[str, Any]) -> str:
    """What the context of a delta's member says that it is: '$link', '$deletedLink', '$deletedEntity', or '' an entity."""
    context = item.get("@odata.context", item.get("@context"))
    last = context.partition("#")[2].rpartition("/")[2] if isinstance(context, str) else ""
    return last if last in ("$link", "$deletedLink", "$deletedEntity") else ""

"""Policies: the operator's file that says which role or scope may do what (`ODATA_POLICY`), as rules.

In: JSON text and a model. Out: `Rules`, every name resolved, every row predicate bound. A name that the model does not
have, and a predicate that does not fit it, raise ConfigurationError naming the place. docs/security.md describes the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from app import url
from app.bind import Scope
from app.bind import nodes as bound
from app.bind.expression import bind_boolean
from app.edm import Model
from app.edm.model import NavigationProperty, Property
from app.errors import ConfigurationError, ODataError, closest
from app.plan import Slot
from app.service.view import Hidden
from app.store.mapping import Mapping as Tables
from app.url import nodes as syntax

RIGHTS = ("read", "insert", "update", "delete")
EVERY = "*"
TARGET = "ODATA_POLICY"
LIST = re.compile(r"Collection\((.+)\)")
VALUE = re.compile(r"@principal\.([A-Za-z_][A-Za-z0-9_]*)")
TEXT = re.compile(r"('(?:[^']|'')*')")
KINDS = {"Edm.String": ("string", ""), "Edm.Guid": ("guid", ""), "Edm.Date": ("date", ""), "Edm.Int16": ("number", "int32"),
         "Edm.Int32": ("number", "int32"), "Edm.Int64": ("number", "int64"), "Edm.Decimal": ("number", "decimal"),
         "Edm.DateTimeOffset": ("dateTimeOffset", "")}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a rule allows on one set: the rights, and for each the rows it is limited to, where it is."""

    rights: frozenset[str]
    rows: Mapping[str, bound.Expression] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """What the principals with one of these roles or scopes may do; with neither of both: everybody. `sets`: by mapping id;
    '*' for the sets not named. `operations`: qualified names; None for all."""

    roles: frozenset[str]
    scopes: frozenset[str]
    sets: Mapping[str, Grant]
    hidden: Hidden
    operations: frozenset[str] | None

    def concerns(self, roles: frozenset[str], scopes: frozenset[str]) -> bool:
        """Whether it is about a principal."""
        return not (self.roles or self.scopes) or bool(self.roles & roles or self.scopes & scopes)


@dataclass(frozen=True, slots=True)
class Rules:
    """A policy file. `values`: name and type of the values of a principal that predicates ask for, by their index."""

    rules: tuple[Rule, ...]
    values: tuple[tuple[str, str], ...]


def load(path: Path, model: Model, tables: Tables) -> Rules:
    """The rules of a policy file. Raises ConfigurationError for one that cannot be read, or does not fit the model."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"The policy file {path} cannot be read: {error.strerror}", target=TARGET) from None
    return read(text, model, tables)


def read(text: str, model: Model, tables: Tables) -> Rules:
    """The rules that the text of a policy file says."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"The policy file is no JSON: {error}", target=TARGET) from None
    return _Reader(model, tables).rules(found)


class _Reader:
    """Reads one policy file; `place` is where it is, for messages."""

    def __init__(self, model: Model, tables: Tables) -> None:
        self.model, self.tables = model, tables
        self.types: dict[str, str] = {}
        self.place = "the policy file"

    def rules(self, found: Any) -> Rules:
        document = self.members(found, "values", "rules")
        self.types = {"id": "Edm.String", "tenant": "Edm.String"} | self.members(document.get("values", {}))
        for name, kind in self.types.items():
            if not isinstance(kind, str) or (element(kind) or kind) not in KINDS:
                self.refuse(f"'{kind}' is no type for the value '{name}': one of {', '.join(KINDS)}, or Collection of one")
        rules = []
        for index, each in enumerate(self.items(document.get("rules", []))):
            self.place = f"rule {index + 1} of the policy file"
            rules.append(self.rule(self.members(each, "roles", "scopes", "sets", "operations", "hide")))
        return Rules(tuple(rules), tuple(self.types.items()))

    def rule(self, found: dict[str, Any]) -> Rule:
        sets: dict[str, Grant] = {}
        hidden = self.hidden(self.members(found.get("hide", {}), "sets", "types", "operations", "properties"))
        for path, entry in self.members(found.get("sets", {})).items():
            entry = self.members(entry, "allow", "rows", "hide")
            id = EVERY if path == EVERY else self.table(path)
            sets[id] = self.grant(id, entry)
            names = self.names(entry.get("hide", []))
            if names and id == EVERY:
                self.refuse("'*' hides nothing: name the sets")
            if names:
                hidden = hidden.merged(Hidden(members=self.owners(id, names)))
        allowed = found.get("operations", EVERY)
        operations = None if allowed == EVERY else frozenset(map(self.operation, self.names(allowed)))
        return Rule(self.names(found.get("roles", [])), self.names(found.get("scopes", [])), sets, hidden, operations)

    def grant(self, id: str, entry: dict[str, Any]) -> Grant:
        allow = entry.get("allow", EVERY)
        rights = frozenset(RIGHTS) if allow == EVERY else self.names(allow)
        for right in rights - set(RIGHTS):
            self.refuse(f"'{right}' is no right: one of {', '.join(RIGHTS)}")
        rows = entry.get("rows")
        if rows is None:
            return Grant(rights)
        if id == EVERY:
            self.refuse("'*' has no rows: a predicate is about the properties of one set")
        texts = {right: rows for right in RIGHTS} if isinstance(rows, str) else self.members(rows, *RIGHTS)
        type = self.tables.declared_type(id)
        return Grant(rights, {right: self.predicate(text, type) for right, text in texts.items()})

    # --- names -------------------------------------------------------------------------------------------

    def hidden(self, found: dict[str, Any]) -> Hidden:
        sets = frozenset(map(self.set, self.names(found.get("sets", []))))
        types = frozenset(map(self.type, self.names(found.get("types", []))))
        operations = frozenset(map(self.operation, self.names(found.get("operations", []))))
        members: dict[str, frozenset[str]] = {}
        for name, names in self.members(found.get("properties", {})).items():
            type = self.type(name)
            if self.model.structured(type) is None:
                self.refuse(f"{type} has no properties")
            known = {**self.model.properties(type), **self.model.navigations(type)}
            members[type] = frozenset(self.known(each, known, f"property of {type}") for each in self.names(names))
        return Hidden(sets, types, operations, members)

    def owners(self, id: str, names: frozenset[str]) -> dict[str, frozenset[str]]:
        """The types of a table that declare the members hidden of it."""
        found: dict[str, set[str]] = {}
        for name in names:
            declaring = {owner for each in self.tables.family(id) if (owner := self.model.declaring(each, name))}
            if not declaring:
                known = [each for type in self.tables.family(id) for each in self.model.properties(type)]
                self.known(name, known, f"property of {self.tables.declared_type(id)}")
            for owner in declaring:
                found.setdefault(owner, set()).add(name)
        return {owner: frozenset(each) for owner, each in found.items()}

    def table(self, path: str) -> str:
        """The mapping id of a set, a singleton, or a containment below one ('Set/Navigation')."""
        head, *rest = path.split("/")
        id = self.set(head)
        for step in rest:
            below = {navigation.name: owner for owner, navigation in self.tables.navigations(id) if navigation.contains_target}
            owner = below[self.known(step, below, f"containment of '{id}'")]
            id = f"{owner}/{step}"
        return id

    def set(self, name: str) -> str:
        return self.known(name, {**self.model.sets, **self.model.singletons}, "entity set")

    def type(self, name: str) -> str:
        return self.known(self.model.full(name), self.model.types, "type")

    def operation(self, name: str) -> str:
        return self.known(self.model.full(name), self.model.operations, "operation")

    def known(self, name: str, names: Iterable[str], what: str) -> str:
        if name not in names:
            hint = closest(name, names)
            self.refuse(f"there is no {what} '{name}'" + (f"; did you mean '{hint}'" if hint else ""))
        return name

    # --- JSON --------------------------------------------------------------------------------------------

    def members(self, found: Any, *names: str) -> dict[str, Any]:
        """An object; with `names`: one that has no other members."""
        if not isinstance(found, dict):
            self.refuse(f"an object is expected, not {json.dumps(found)[:60]}")
        for name in found if names else ():
            if name not in names:
                self.refuse(f"'{name}' means nothing here: {', '.join(names)}")
        return dict(found)

    def items(self, found: Any) -> list[Any]:
        if not isinstance(found, list):
            self.refuse(f"a list is expected, not {json.dumps(found)[:60]}")
        return list(found)

    def names(self, found: Any) -> frozenset[str]:
        names = self.items(found)
        if not all(isinstance(each, str) for each in names):
            self.refuse("a list of names is expected")
        return frozenset(names)

    def refuse(self, reason: str) -> None:
        raise ConfigurationError(f"In {self.place}: {reason}", target=TARGET)

    # --- predicates --------------------------------------------------------------------------------------

    def predicate(self, text: Any, type: str) -> bound.Expression:
        """A row predicate over instances of `type`, the values of the principal as slots."""
        if not isinstance(text, str):
            self.refuse("rows are said by the text of a $filter")
        parts = TEXT.split(text)
        asked = {name for part in parts[::2] for name in VALUE.findall(part)}
        for name in asked:
            self.known(name, self.types, "value of a principal, in 'values'")
        text = "".join(part if index % 2 else VALUE.sub(r"@principal_\1", part) for index, part in enumerate(parts))
        order = list(self.types)
        aliases = tuple(syntax.AliasDefinition(f"principal_{name}", parameter(order.index(name), self.types[name]), "")
                        for name in sorted(asked))
        scope = Scope(self.model, type, bound.This(type)).with_aliases(aliases)
        try:
            found = bind_boolean(url.parse_expression(text), scope)
        except ODataError as error:
            raise ConfigurationError(f"In {self.place}: the rows '{text}' cannot be understood: {error.text}",
                                     target=TARGET) from None
        return principal_slots(found)


def element(kind: str) -> str | None:
    """The type of the items of a collection type; None for others."""
    match = LIST.fullmatch(kind)
    return match[1] if match else None


def parameter(index: int, kind: str) -> Any:
    """The syntax of a value of the principal: as of a literal that was lifted out."""
    item = element(kind)
    name, reach = KINDS[item or kind]
    if item is not None:
        return syntax.ParameterList(index, ((name, None, reach),))
    return syntax.Parameter(index, name, None, reach)


def principal_slots(node: T) -> T:
    """A bound predicate whose parameters are values of the principal."""
    match node:
        case bound.Parameter(index, kind):
            return Slot("principal", index, kind)  # type: ignore[return-value]
        case bound.ParameterList():
            return replace(node, kind="principal")
        case tuple():
            return tuple(map(principal_slots, node))  # type: ignore[return-value]
        case Property() | NavigationProperty():
            return node
    if not is_dataclass(node) or isinstance(node, type):
        return node
    made = {each.name: principal_slots(getattr(node, each.name)) for each in fields(node)}
    return replace(node, **made)


def asked(node: Any) -> frozenset[int]:
    """The indexes of the principal's values that a predicate asks for."""
    match node:
        case Slot("principal", index):
            return frozenset({index})
        case bound.ParameterList(index, kind="principal"):
            return frozenset({index})
        case tuple():
            return frozenset().union(*map(asked, node))
        case Property() | NavigationProperty():
            return frozenset()
    if not is_dataclass(node) or isinstance(node, type):
        return frozenset()
    return frozenset().union(*(asked(getattr(node, each.name)) for each in fields(node)))

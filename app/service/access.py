"""Who asks, and what that one may see and change: principals, policies, and the rights behind them (DESIGN §9).

A policy is part of every plan's key, never a principal's own values. Its `model` is an ordinary `Model` without what it
hides, so that binding cannot reach it; its `grants` are row predicates that the planner puts wherever a set is reached, and
refuse the sets that may not be read. Scopes come from the `Permissions` of Capabilities annotations, everything else from
the operator's policy file. Capabilities vocabulary; conformance V-Cap-23.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.bind import nodes as bound
from app.edm import Model, places, types, vocabularies
from app.edm.model import NavigationProperty
from app.edm.places import Place
from app.edm.vocabularies import ScopeSets
from app.errors import ConfigurationError, Forbidden, MissingScope
from app.plan import NO_GRANTS, Grants
from app.service import policies, view
from app.service.cache import Bounded
from app.service.policies import EVERY, RIGHTS, Rule, Rules
from app.service.view import Hidden
from app.sql import Statement
from app.store.mapping import Mapping as Tables

TERMS = {"read": "ReadRestrictions", "insert": "InsertRestrictions", "update": "UpdateRestrictions",
         "delete": "DeleteRestrictions"}
VERBS = {"read": "read", "key": "read single entities of", "insert": "create entities in", "update": "change entities of",
         "delete": "delete entities of"}
NOTHING: bound.Expression = bound.Literal(False, "Edm.Boolean")
RightAt = tuple[str, str]       # right, mapping id


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. `id` '' is nobody in particular; `scopes` and `roles` decide the policy, `claims` are values that row
    predicates may ask for."""

    id: str = ""
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    tenant: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def value(self, name: str, type: str) -> Any:
        """A value as predicates compare it, canonical; None where there is none of this type."""
        own = {"id": self.id or None, "tenant": self.tenant}
        found = own[name] if own.get(name) is not None else self.claims.get(name)
        item = policies.element(type)
        if item is None:
            return canonical(found, type)
        listed = found if isinstance(found, list | tuple) else [] if found is None else [found]
        made = [canonical(each, item) for each in listed]
        return None if found is None or None in made else made


ANONYMOUS = Principal()


def canonical(value: Any, type: str) -> Any:
    """A claim as a value of an Edm type; None where it is none."""
    if value is None or isinstance(value, bool | dict | list):
        return None
    try:
        return types.parse(type, str(value))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """What a class of principals may do. `id` is in the key of every cached plan. `open`: every right.

    `grants`: row predicates, and the sets that may not be read; `rows`: the predicates alone, for what the service does for
    the principal. `refused`: (right, mapping id) → why not; `limits`: the rows that a right to change is limited to;
    `writable`: the only members that a right to change is about; `operations`: qualified name → why not; `trusted`: the
    operations that bring their own rights. `values`: names and types of the principal's values, by the index of their slots.
    """

    id: str
    model: Model
    grants: Grants = field(default_factory=lambda: NO_GRANTS)
    open: bool = True
    rows: Grants = field(default_factory=lambda: NO_GRANTS)
    refused: Mapping[RightAt, str] = field(default_factory=dict)
    limits: Mapping[RightAt, bound.Expression] = field(default_factory=dict)
    writable: Mapping[RightAt, frozenset[str]] = field(default_factory=dict)
    operations: Mapping[str, str] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset()
    values: tuple[tuple[str, str], ...] = ()
    own: frozenset[str] = frozenset()           # containments with rules of their own
    scopes: frozenset[str] | None = None        # those of the principal that the model names; None: they do not count
    hidden: Hidden = field(default_factory=Hidden)
    reading: Model = field(init=False)          # the model as answers and expressions have it
    statements: dict[RightAt, Statement] = field(default_factory=dict)
    leading: dict[str, Any] = field(default_factory=dict)       # what `alterations` found out about tables

    def __post_init__(self) -> None:
        object.__setattr__(self, "reading", view.reading(self.model))
        if self.reading.narrowed:
            object.__setattr__(self, "grants", self.grants.seeing(self.reading))

    def of(self, principal: Principal) -> tuple[Any, ...]:
        """The values of a principal that its row predicates are bound to."""
        return tuple(principal.value(name, type) for name, type in self.values)

    def require(self, right: str, id: str) -> None:
        """Raises Forbidden where a right is missing; contained entities are changed by who may update their owner."""
        reason = self.refused.get((right, id))
        if reason is not None:
            raise Forbidden(reason)

    def permit(self, right: str, where: Place, record: Mapping[str, Any]) -> None:
        """Raises Forbidden where a place asks for scopes that the principal does not have. `record`: what its restrictions
        for the right are."""
        needed = vocabularies.scope_sets(record) if self.scopes is not None else ()
        if needed and not any(set(each) <= (self.scopes or frozenset()) for each in needed):
            raise Forbidden(lacking(f"To {VERBS[right]} '{named(where[0])}'", needed))

    def invoke(self, name: str) -> None:
        """Raises Forbidden where an operation may not be invoked."""
        if name in self.operations:
            raise Forbidden(self.operations[name])

    def readable(self, id: str) -> bool:
        """Whether single entities of a table may be read at all."""
        return ("key", id) not in self.refused


class Access:
    """The policies of one service. `scoped`: principals are known, so that scopes count."""

    def __init__(self, model: Model, tables: Tables, rules: Rules | None = None, scoped: bool = False) -> None:
        self.model, self.tables, self.rules, self.scoped = model, tables, rules, scoped
        self.everything = Policy("", model)
        self._known: Bounded[Any, Policy] = Bounded()
        self.scope_names = scope_names(model) if scoped else frozenset()
        self.placed = tuple(needed for where in places.everywhere(model) if "/" in where[0]
                            for needed in scopes_at(model, where) if needed) if scoped else ()
        for rule in rules.rules if rules is not None else ():
            view.view(model, view.closed(model, tables, rule.hidden))       # says at start what cannot be hidden

    def policy(self, principal: Principal) -> Policy:
        """The policy of a principal: of its roles and scopes, and of which of its values are there."""
        if self.rules is None and not self.scope_names:
            return self.everything
        rules = self.rules.rules if self.rules is not None else ()
        matching = tuple(index for index, each in enumerate(rules) if each.concerns(principal.roles, principal.scopes))
        values = self.rules.values if self.rules is not None else ()
        missing = frozenset(index for index, (name, type) in enumerate(values) if principal.value(name, type) is None)
        scopes = principal.scopes & self.scope_names
        key = (matching, missing, scopes)
        found = self._known.get(key)
        if found is None:
            text = f"{matching} {sorted(missing)} {sorted(scopes)}"
            made = _Maker(self, [rules[index] for index in matching], missing, scopes)
            found = made.policy(hashlib.sha256(text.encode()).hexdigest()[:16], values)
            self._known.put(key, found)
        return found


class _Maker:
    """Makes one policy."""

    def __init__(self, access: Access, rules: Sequence[Rule], missing: frozenset[int], scopes: frozenset[str]) -> None:
        self.access, self.model, self.tables = access, access.model, access.tables
        self.rules, self.missing, self.scopes = rules, missing, scopes
        self.hidden = Hidden()
        self.refused: dict[RightAt, str] = {}
        self.rows: dict[str, bound.Expression] = {}
        self.limits: dict[RightAt, bound.Expression] = {}
        self.writable: dict[RightAt, frozenset[str]] = {}
        self.denied: dict[str, set[str]] = {}
        self.own: set[str] = set()
        self.operations: dict[str, str] = {}
        self.trusted: set[str] = set()

    def policy(self, id: str, values: tuple[tuple[str, str], ...]) -> Policy:
        """The policy under its id."""
        if self.access.rules is not None:
            self.by_rules()
        if self.access.scoped:
            self.by_scopes()
        self.hidden = view.closed(self.model, self.tables, self.hidden)
        self.hide()
        unsearchable = self.unsearchable()
        for name in unsearchable & {*self.model.sets, *self.model.singletons}:
            self.denied.setdefault(name, set()).add("search")
        model = view.view(self.model, self.hidden, {name: frozenset(each) for name, each in self.denied.items()})
        scopes = self.scopes if self.access.scoped else None
        everywhere = all(any(set(each) <= self.scopes for each in needed) for needed in self.access.placed)
        if model is self.model and everywhere and not (
                self.refused or self.rows or self.limits or self.writable or self.operations):
            return self.access.everything
        lists = {id: reason for (right, id), reason in self.refused.items() if right == "read"}
        single = {id: reason for (right, id), reason in self.refused.items() if right == "key"}
        return Policy(id, model, Grants(self.rows, lists, single, unsearchable), False, Grants(self.rows), self.refused,
                      self.limits, self.writable, self.operations, frozenset(self.trusted), values, frozenset(self.own), scopes,
                      self.hidden)

    # --- the policy file ---------------------------------------------------------------------------------

    def by_rules(self) -> None:
        """What the rules that concern the principal allow together; what one of them hides is hidden."""
        for rule in self.rules:
            self.hidden = self.hidden.merged(rule.hidden)
        for id in self.tables.sources():
            if "/" not in id or any(id in rule.sets for rule in self.rules):
                self.own |= {id} if "/" in id else set()
                for right in RIGHTS:
                    self.allow(right, id)
        if not any(rule.operations is None for rule in self.rules):
            named = frozenset[str]().union(*(rule.operations or () for rule in self.rules))
            self.trusted |= named
            for name in self.model.operations:
                if name not in named:
                    self.operations[name] = f"You may not invoke '{name}'"

    def allow(self, right: str, id: str) -> None:
        grants = [rule.sets.get(id, rule.sets.get(EVERY)) for rule in self.rules]
        allowing = [each for each in grants if each is not None and right in each.rights]
        if not allowing:
            self.refuse(right, id, f"You may not {VERBS[right]} '{named(id)}'")
            self.denied.setdefault(id, set()).add(right)
            return
        if any(right not in each.rows for each in allowing):
            return
        found = [each.rows[right] for each in allowing if not policies.asked(each.rows[right]) & self.missing]
        predicate = NOTHING if not found else found[0] if len(found) == 1 else bound.Logic("or", tuple(found))
        if right == "read":
            self.rows[id] = predicate
        else:
            self.limits[right, id] = predicate

    def refuse(self, right: str, id: str, reason: str) -> None:
        self.refused.setdefault((right, id), reason)
        if right == "read":
            self.refused.setdefault(("key", id), reason)

    # --- scopes ------------------------------------------------------------------------------------------

    def by_scopes(self) -> None:
        """What the scopes of the principal leave of each set, containment and operation."""
        for id in self.tables.sources():
            ways = places.ways(self.model, self.tables.owners, id)
            sets = [list(scopes_at(self.model, each)) for each in ways]
            passed = "/" in id and not self.navigation(id).collection       # reading it is looked at where it is read
            for index, right in enumerate(("read", "key", *RIGHTS[1:])):
                if not passed or index > 1:
                    self.scoped(right, id, [each[index] for each in sets])
            if "/" in id and any(any(each) for each in sets):
                self.contained(id)
        for name in self.model.operations:
            needed = [each for overload in self.model.overloads(name)
                      for each in vocabularies.operation_scopes(self.model, overload)]
            if not needed:
                continue
            if any(set(each) <= self.scopes for each in needed):
                self.trusted.add(name)
            else:
                self.operations.setdefault(name, lacking(f"To invoke '{name}'", needed))

    def navigation(self, id: str) -> NavigationProperty:
        """The navigation property that contains the entities of a table."""
        owner, _, name = id.rpartition("/")
        return self.model.navigations(owner)[name]

    def contained(self, id: str) -> None:
        """A containment with scopes of its own: a change that asks for none of them is still a change of its owner."""
        self.own.add(id)
        for right in RIGHTS[1:]:
            reasons = [self.refused[at] for owner in self.tables.owners(id) if (at := ("update", owner)) in self.refused]
            if reasons:
                self.refused.setdefault((right, id), reasons[0])

    def scoped(self, right: str, id: str, ways: list[ScopeSets]) -> None:
        """The scopes that a right asks for on each of the ways that lead to a table; one that asks for none leaves it."""
        if not ways or not all(ways):
            return
        needed = tuple(each for way in ways for each in way)
        having = [each for each in needed if set(each) <= self.scopes]
        if not having:
            self.refused.setdefault((right, id), lacking(f"To {VERBS[right]} '{named(id)}'", needed))
            return
        known = {name for each in self.tables.family(id)
                 for name in (*self.model.properties(each), *self.model.navigations(each))}
        left = set().union(*(properties(text, known) for each in having for text in each.values()))
        if left >= known:
            return
        keys = {part.path.partition("/")[0] for each in self.tables.family(id) for part in self.model.key(each)}
        if right not in ("read", "key"):
            self.writable[right, id] = frozenset(left | keys)
            return
        members: dict[str, set[str]] = {}
        for each in self.tables.family(id):
            for name in (*self.model.properties(each), *self.model.navigations(each)):
                if name in known - left - keys:
                    members.setdefault(self.model.declaring(each, name) or each, set()).add(name)
        try:
            hidden = Hidden(members={name: frozenset(found) for name, found in members.items()})
            view.closed(self.model, self.tables, hidden)
        except ConfigurationError:              # of an open type nothing can be hidden
            reason = f"To {VERBS[right]} '{named(id)}' you need a scope without restricted properties"
            self.refused.setdefault((right, id), reason)
        else:
            self.hidden = self.hidden.merged(hidden)

    # --- what is hidden ----------------------------------------------------------------------------------

    def hide(self) -> None:
        """Rows of hidden types are hidden, tables of hidden sets refused."""
        for name in self.hidden.sets:
            self.refuse("read", name, "You may not read this")
            for right in RIGHTS[1:]:
                self.refuse(right, name, "You may not change this")
        if not self.hidden.types:
            return
        for id in self.tables.sources():
            concrete = self.tables.table(id).concrete
            left = [each for each in concrete if each not in self.hidden.types]
            if len(left) < len(concrete):
                gone = tuple(bound.Not(bound.IsOf(bound.This(self.tables.declared_type(id)), each))
                             for each in concrete if each in self.hidden.types)
                test = bound.Logic("and", gone) if len(gone) > 1 else gone[0]
                before = self.rows.get(id)
                self.rows[id] = NOTHING if not left else test if before is None else bound.Logic("and", (before, test))

    def unsearchable(self) -> frozenset[str]:
        """The tables whose search index has words of hidden properties."""
        if not self.hidden.members:
            return frozenset()
        found = set()
        for id in self.tables.sources():
            for each in self.tables.family(id):
                wanted = vocabularies.searchable_properties(self.model, each)
                paths = self.model.properties(each) if wanted is None else wanted
                if any(self.worded(each, tuple(path.split("/"))) for path in paths):
                    found.add(id)
        return frozenset(found)

    def worded(self, type: str, path: tuple[str, ...], above: tuple[str, ...] = ()) -> bool:
        """Whether a search of the property at a path reads anything hidden."""
        member = self.model.properties(type).get(path[0])
        if member is None or type in above:
            return False
        inner = self.model.underlying(member.type).name
        if path[0] in self.hidden.members.get(self.model.declaring(type, path[0]) or type, ()):
            return inner == "Edm.String" or self.model.structured(inner) is not None
        below = [path[1:]] if len(path) > 1 else [(name,) for name in self.model.properties(inner)]
        return self.model.structured(inner) is not None and any(self.worded(inner, each, (*above, type)) for each in below)


def named(id: str) -> str:
    """A mapping id as messages name it."""
    return id.rpartition("/")[2]


def lacking(what: str, needed: Sequence[Mapping[str, str | None]]) -> MissingScope:
    """Why something is refused that asks for scopes."""
    return MissingScope(f"{what} you need the scope {listed(needed)}", " ".join(needed[0]))


def listed(needed: Sequence[Mapping[str, str | None]]) -> str:
    """Sets of scopes of which one suffices, in words."""
    return " or ".join(dict.fromkeys(" and ".join(each) for each in needed))


def properties(text: str | None, known: set[str]) -> set[str]:
    """Which members a scope's RestrictedProperties leave: all where it says nothing; `*`, `Name`, `-Name` (V-Cap-23)."""
    if text is None or not text.strip():
        return known
    parts = [each.strip() for each in text.split(",") if each.strip()]
    found = {each.split("/")[0] for each in parts if not each.startswith("-") and each != "*"}
    taken = {each[1:] for each in parts if each.startswith("-")}
    return (known if "*" in parts or not found else found & known) - taken


def scopes_at(model: Model, where: Place) -> Iterator[ScopeSets]:
    """The scopes that each right asks for at a place."""
    for right, term in TERMS.items():
        yield vocabularies.scope_sets(vocabularies.restriction(model, term, where))
        if right == "read":
            yield vocabularies.scope_sets(vocabularies.read_restrictions(model, where, True))


def scope_names(model: Model) -> frozenset[str]:
    """Every scope that the annotations of a model name."""
    found = {name for where in places.everywhere(model) for needed in scopes_at(model, where)
             for scopes in needed for name in scopes}
    for overloads in model.operations.values():
        for overload in overloads:
            found.update(name for scopes in vocabularies.operation_scopes(model, overload) for name in scopes)
    return frozenset(found)

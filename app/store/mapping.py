"""Mapping: the model as tables, columns and relations (DESIGN §4).

A `Table` holds one entity set, one singleton, or all entities of one containment navigation property. `Table.member`
tells how a structural property is stored, `Mapping.relation` how a navigation property is followed from a table.
Tables are made on first use and are plain data: no SQL, no database, no Peewee.

Every table has an integer row id (`Table.row_id`), a version for ETags, and, where several types share it, a
discriminator with the qualified type name. Nothing here fails on a model that cannot be stored in full: a navigation
property without a place is `Unbound`, and a request over it answers 501.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from app.edm import types, vocabularies
from app.edm.index import Model
from app.edm.model import NavigationProperty, Property, StructuredType, TypeRef
from app.store.tables import (Column, Contained, Document, DocumentLink, Flat, IDENTIFIER_BYTES, Index, Inverse,
                              KEY_LENGTH, Link, Owner, Reference, Relation, Scalar, Storage, StreamSlot, TYPE_LENGTH,
                              Table, Unbound, Whole, column_at, containment, folded, hashed, identifier, simple)

__all__ = ["Column", "Contained", "Document", "DocumentLink", "Flat", "IDENTIFIER_BYTES", "Index", "Inverse",
           "KEY_LENGTH", "Link", "Owner", "Reference", "Relation", "Scalar", "Storage", "StreamSlot", "TYPE_LENGTH",
           "Table", "Unbound", "Whole", "hashed", "identifier", "Mapping", "containment", "map_model"]

ROW = ("Edm.Int64", "Edm.Int64")
RESERVED = ("odata_", "sqlite_", "pg_")         # beginnings of table names that are not for models
SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid",
                            "oid"})     # every PostgreSQL table has them


class Mapping:
    """The tables and relations of a model. Answers are cached; the model never changes."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._tables: dict[str, Table] = {}
        self._names: dict[str, str] | None = None
        self._owners: dict[str, list[str]] | None = None
        self._flat: dict[str, bool] = {}
        self._relations: dict[tuple[str, str, str], Relation] = {}
        self._navigations: dict[str, tuple[tuple[str, NavigationProperty], ...]] = {}
        self._begun: Counter[str] = Counter()
        self._steps: dict[str, Counter[str]] = {}

    # --- tables ------------------------------------------------------------------------------------------

    def table(self, id: str) -> Table:
        """The table with this mapping id; raises KeyError where the model has no such set, singleton or containment."""
        found = self._tables.get(id)
        if found is None:
            found = self._tables[id] = _TableBuilder(self, id).build()
        return found

    def sources(self) -> Iterator[str]:
        """The mapping ids of all sets and singletons, then of every containment below them."""
        yield from self._owned()

    def _owned(self) -> dict[str, list[str]]:
        """Every mapping id in order of `sources`, with the ids whose entities can own its rows."""
        if self._owners is None:
            found: dict[str, list[str]] = {id: [] for id in (*self.model.sets, *self.model.singletons)}
            queue = list(found)
            for id in queue:
                for owner, navigation in self.navigations(id):
                    if navigation.contains_target:
                        inner = containment(owner, navigation.name)
                        if inner not in found:
                            found[inner] = []
                            queue.append(inner)
                        found[inner].append(id)
            self._owners = found
        return self._owners

    def table_name(self, id: str) -> str:
        """The name of a table in the database: no two alike whatever the case of letters, none that the service itself,
        the database or a link table may have."""
        if self._names is None:
            self._names = self._distinct_names()
        return self._names[id]

    def _distinct_names(self) -> dict[str, str]:
        wished = {id: vocabularies.table_name(self.model, id) or identifier(simple(id)) for id in self._owned()}
        count = Counter(name.casefold() for name in wished.values())
        return {id: hashed(("t_" if name.casefold().startswith(RESERVED) else "") + name, id)
                if count[name.casefold()] > 1 or name.casefold().startswith(RESERVED) or name.casefold().endswith("_link")
                else name for id, name in wished.items()}

    def declared_type(self, id: str) -> str:
        """The declared entity type behind a mapping id."""
        source = self.model.source_of(id)
        if source is not None:
            return source.type
        owner, _, name = id.rpartition("/")
        return self.model.full(self.model.navigations(owner)[name].type)

    def family(self, id: str) -> tuple[str, ...]:
        """The declared type and all derived types of a table."""
        declared = self.declared_type(id)
        return (declared, *self.model.derived(declared))

    def structured(self, name: str) -> StructuredType:
        """A type that the model is known to have."""
        found = self.model.structured(name)
        assert found is not None
        return found

    def navigations(self, id: str) -> tuple[tuple[str, NavigationProperty], ...]:
        """(declaring type, navigation property) of every type that the table can hold, each once."""
        known = self._navigations.get(id)
        if known is None:
            declared, *derived = self.family(id)
            known = self._navigations[id] = (
                *((self.model.declaring(declared, name) or declared, navigation)
                  for name, navigation in self.model.navigations(declared).items()),
                *((each, navigation) for each in derived for navigation in self.structured(each).navigation))
        return known

    def flattens(self, name: str) -> bool:
        """Whether a complex type is closed, has no derived types, no navigation, no collections, all the way down."""
        known = self._flat.get(name)
        if known is None:
            known = self._flat[name] = self._flattens(name, ())
        return known

    def _flattens(self, name: str, above: tuple[str, ...]) -> bool:
        if name in above:
            return False
        kind = self.model.complex_type(name)
        if kind is None or kind.abstract or self.model.is_open(name) or self.model.derived(name) or self.model.navigations(name):
            return False
        for member in self.model.properties(name).values():
            ref = self.model.underlying(member.type)
            if ref.collection or ref.name == "Edm.Stream":
                return False
            if self.model.kind(ref.name) == "complex" and not self._flattens(ref.name, (*above, name)):
                return False
        return True

    def owners(self, id: str) -> tuple[str, ...]:
        """The mapping ids whose entities can own rows of a contained table."""
        return tuple(self._owned()[id])

    def fixed_path(self, id: str) -> str | None:
        """The path of a containment that exists once: below a singleton by single-valued containments. None for any
        other table."""
        declaring, _, name = id.rpartition("/")
        owners = self.owners(id) if declaring else ()
        if len(owners) != 1 or not self.model.is_a(self.declared_type(owners[0]), declaring):
            return None
        owner = owners[0]
        if owner in self.model.singletons:
            return f"{owner}/{name}"
        above, _, single = owner.rpartition("/")
        if not above or self.model.navigations(above)[single].collection:
            return None
        path = self.fixed_path(owner)
        return None if path is None else f"{path}/{name}"

    # --- relations ---------------------------------------------------------------------------------------

    def relation(self, id: str, owner: str, name: str) -> Relation:
        """How the navigation property `name`, declared by (or inherited in) `owner`, is followed from table `id`."""
        owner = self.model.declaring(owner, name) or owner
        found = self._relations.get((id, owner, name))
        if found is None:
            found = self._relations[id, owner, name] = self._relate(id, owner, self.model.navigations(owner)[name])
        return found

    def target(self, id: str, owner: str, name: str) -> str | None:
        """The mapping id where related entities live; None when the navigation property is bound nowhere."""
        navigation = self.model.navigations(owner)[name]
        owner = self.model.declaring(owner, name) or owner
        if navigation.contains_target:
            return containment(owner, name)
        return self.binding(id, owner, name) or self.model.only_set(navigation.type)

    def binding(self, id: str, owner: str, name: str, prefix: str = "") -> str | None:
        """The set or singleton that the container binds the navigation property to, for entities of table `id`.

        `prefix`: complex path in front of the property ('a/b'). Casts in binding paths are honoured: the path with the
        cast to the nearest base of `owner` wins. Contained tables are found under their owners' bindings.
        """
        tail = f"{prefix}/{name}" if prefix else name
        source = self.model.source_of(id)
        if source is not None:
            return self._bound(source.bindings, "", owner, tail)
        for parent, path in self._ways(id, ()):
            element = self.model.source_of(parent)
            found = None if element is None else self._bound(element.bindings, path, owner, tail)
            if found:
                return found
        return None

    def _ways(self, id: str, below: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """(set or singleton, path) of every way to a containment by names alone; entities inside their like are passed
        over."""
        name = id.rpartition("/")[2]
        for owner in self.owners(id):
            if "/" not in owner:
                yield owner, name
            elif owner not in below and owner != id:
                yield from ((source, f"{path}/{name}") for source, path in self._ways(owner, (*below, id)))

    def _bound(self, bindings: tuple, start: str, owner: str, tail: str) -> str | None:  # type: ignore[type-arg]
        best: tuple[int, str] | None = None
        for binding in bindings:
            steps = binding.path.split("/")
            if start:
                if "/".join(step for step in steps if "." not in step) == f"{start}/{tail}":
                    best = max(best or (0, ""), (1, binding.target))
                continue
            casts = [step for step in steps if "." in step]
            if "/".join(step for step in steps if "." not in step) != tail:
                continue
            if casts and "." in steps[0] and not self.model.is_a(owner, self.model.full(steps[0])) \
                    and not self.model.is_a(self.model.full(steps[0]), owner):
                continue
            score = 1 + len(self.model.lineage(steps[0])) if casts else 1
            if best is None or score > best[0]:
                best = (score, binding.target)
        return None if best is None else self._target_path(best[1])

    def _target_path(self, path: str) -> str | None:
        """The mapping id at a target path: a set or singleton, after it containment navigation properties (CSDL §13.4)."""
        head, *rest = path.split("/")
        if "." in head and rest:                        # the container by its name
            head, *rest = rest
        id = head if self.model.source_of(head) is not None else None
        for step in rest:
            if id is None or "." in step:
                continue
            id = next((containment(owner, step) for owner, navigation in self.navigations(id)
                       if navigation.name == step and navigation.contains_target), None)
        return id

    def _relate(self, id: str, owner: str, navigation: NavigationProperty) -> Relation:
        target = self.target(id, owner, navigation.name)
        if target is None:
            return Unbound(f"Navigation property '{navigation.name}' of {owner} is bound to no entity set")
        if navigation.contains_target:
            return Contained(target, id)
        if vocabularies.whole_set(self.model, owner, navigation):
            return Whole(target)
        if not navigation.collection:
            return self._to_one(id, owner, navigation, target)
        partner = self._partner(id, owner, navigation, target)
        if partner is not None and not partner[1].collection:
            back = self.relation(target, partner[0], partner[1].name)
            if isinstance(back, Reference) and back.target == id:
                return Inverse(target, back.other, back.own, (partner[0], partner[1].name))
        return self._link(id, owner, navigation, target, partner)

    def _to_one(self, id: str, owner: str, navigation: NavigationProperty, target: str) -> Relation:
        own = self.table(id)
        generated = own.references.get((owner, navigation.name))
        if generated is not None:
            return Reference(target, (generated,), (self.table(target).row_id,), bool(navigation.nullable))
        constrained = self.constraint_columns(id, owner, navigation, target)
        if constrained is not None:
            return Reference(target, *constrained, bool(navigation.nullable))
        partner = self._partner(id, owner, navigation, target)
        if partner is not None and self._is_owner(id, target, partner):
            assert own.owner is not None
            return Reference(target, (own.owner.column,), (self.table(target).row_id,), nullable=False)
        back = self.relation(target, partner[0], partner[1].name) if partner is not None else None
        if partner is not None and isinstance(back, Reference):
            return Inverse(target, back.other, back.own, (partner[0], partner[1].name))
        return Unbound(f"Navigation property '{navigation.name}' of {owner} has a partner that leads elsewhere")

    def _is_owner(self, id: str, target: str, partner: tuple[str, NavigationProperty]) -> bool:
        """Whether a navigation property leads from a contained entity back to its only possible kind of owner."""
        return partner[1].contains_target and containment(partner[0],
                                                          partner[1].name) == id and self.owners(id) == (target,)

    def constraint_columns(self, id: str, owner: str, navigation: NavigationProperty,
                           target: str) -> tuple[tuple[Column, ...], tuple[Column, ...]] | None:
        """(own, target's) columns of the referential constraints when they cover the target's key, else None."""
        if not navigation.constraints:
            return None
        target_table, declared = self.table(target), self.declared_type(target)
        own, other = [], []
        for constraint in navigation.constraints:
            mine = self.column(id, owner, constraint.property, copied=False)
            theirs = self.column(target, declared, constraint.referenced)
            if mine is None or theirs is None:
                return None
            own.append(mine)
            other.append(theirs)
        keys = ([column for _, column in target_table.key],
                *([column for _, column in key] for key in target_table.alternate_keys))
        return (tuple(own), tuple(other)) if any(set(key) == set(other) for key in keys) else None

    def column(self, id: str, owner: str, path: str, copied: bool = True) -> Column | None:
        """The column of the primitive value at a path from a type of a table; `copied`: also one that is only a copy of it."""
        name, _, below = path.partition("/")
        storage = self.table(id).members.get((self.model.declaring(owner, name) or owner, name))
        return None if isinstance(storage, Document) and not copied else column_at(storage, below)

    def _partner(self, id: str, owner: str, navigation: NavigationProperty,
                 target: str) -> tuple[str, NavigationProperty] | None:
        """The partner (its declaring type, itself), declared on either side, that leads back to this table."""
        name = navigation.partner
        if name and "/" not in name:
            for each in self.family(target):
                found = self.model.navigations(each).get(name)
                if found is not None:
                    return (self.model.declaring(each, name) or each), found
        for other, found in self.navigations(target):
            if found.partner == navigation.name and self.model.is_a(owner, found.type) and self.target(
                    target, other, found.name) == id:
                return other, found
        return None

    def way_back(self, id: str) -> frozenset[str]:
        """The navigation properties that lead from contained entities to the one that contains them."""
        owner, _, name = id.rpartition("/")
        if not owner:
            return frozenset()
        navigation = self.model.navigations(owner)[name]
        return frozenset(back.name for _, back in self.navigations(id) if not back.collection and not back.contains_target
                         and name in (back.partner, name if navigation.partner == back.name else None)
                         and (self.model.is_a(owner, back.type) or self.model.is_a(back.type, owner)))

    def holds_key(self, id: str, owner: str, navigation: NavigationProperty) -> bool:
        """Whether a generated foreign key of this table is to hold a single-valued navigation property."""
        if navigation.collection or navigation.contains_target or vocabularies.whole_set(self.model, owner, navigation):
            return False
        target = self.target(id, owner, navigation.name)
        if target is None:
            return False
        if navigation.constraints and self._constraint_holds(target, navigation):
            return False
        partner = self._partner(id, owner, navigation, target)
        if partner is not None and self._is_owner(id, target, partner):
            return False
        if partner is None or partner[1].collection or self.target(target, partner[0], partner[1].name) != id:
            return True
        if partner[1].contains_target:      # one of several kinds of owners
            return True
        if partner[1].constraints:
            return False
        if bool(navigation.nullable) != bool(partner[1].nullable):
            return not navigation.nullable
        return (id, owner, navigation.name) <= (target, partner[0], partner[1].name)

    def _constraint_holds(self, target: str, navigation: NavigationProperty) -> bool:
        declared = self.declared_type(target)
        referenced = {constraint.referenced for constraint in navigation.constraints}
        keys = [{part.path for part in self.model.key(declared)},
                *({path for _, path in key} for key in vocabularies.alternate_keys(self.model, declared))]
        return referenced in keys

    def _link(self, id: str, owner: str, navigation: NavigationProperty, target: str,
              partner: tuple[str, NavigationProperty] | None) -> Link:
        """The link table of a navigation property and its partner; named after the one that comes first by name."""
        first = (id, owner, navigation.name)
        swapped = False
        if partner is not None and partner[1].collection and self.target(target, partner[0], partner[1].name) == id:
            other = (target, partner[0], partner[1].name)
            swapped = other < first
            first = min(first, other)
        table, declaring, last = first
        step = self._step(table, declaring, last)
        name = identifier(simple(table), step, "link")
        if "_" in table + step or self._alike(table, step) > 1:     # the parts of the name might be those of another
            name = hashed(name, *first)
        left = Column("source", *ROW, nullable=False)
        right = Column("target", *ROW, nullable=False)
        ends = (target, id) if swapped else (id, target)
        own, far = (right, left) if swapped else (left, right)
        return Link(target, name, own, far, ends[0], ends[1], (left, right))

    def _step(self, id: str, declaring: str, name: str) -> str:
        """A navigation property of a table as a part of the name of its link table."""
        inherited = declaring in self.model.lineage(self.declared_type(id))
        return name if inherited else f"{declaring.rpartition('.')[2]}${name}"

    def _alike(self, id: str, step: str) -> int:
        """How many link tables of navigation properties would have the name of this step, but for the case of letters."""
        if not self._begun:
            self._begun.update(simple(each).casefold() for each in self._owned())
        if id not in self._steps:
            self._steps[id] = Counter(self._step(id, owner, navigation.name).casefold()
                                      for owner, navigation in self.navigations(id) if navigation.collection)
        return self._steps[id][step.casefold()] + self._begun[simple(id).casefold()] - 1

    def document_links(self, id: str) -> tuple[DocumentLink, ...]:
        """The link tables of navigation properties inside complex values kept as JSON in table `id`."""
        found: dict[str, str] = {}
        for (declaring, name), storage in self.table(id).members.items():
            if isinstance(storage, Document) and self.model.kind(storage.type) == "complex":
                for path, navigation in self._document_navigations(storage.type, name, ()):
                    prefix, _, last = path.rpartition("/")
                    target = self.binding(id, declaring, last, prefix) or self.model.only_set(navigation.type)
                    if target is not None:
                        found[path] = target
        steps = {path: path.replace("/", "$") for path in found}
        count = Counter(step.casefold() for step in steps.values())
        columns = tuple(Column(name, *ROW, nullable=False) for name in ("owner", "ordinal", "target"))
        return tuple(DocumentLink(
            identifier(simple(id), steps[path], "link") if "_" not in id + path and count[steps[path].casefold()] == 1
            and not self._alike(id, steps[path]) else hashed(f"{simple(id)}_{steps[path]}_link", id, path),
            id, path, target, columns) for path, target in found.items())

    def _document_navigations(self, name: str, path: str, above: tuple[str, ...]) -> Iterator[tuple[str, NavigationProperty]]:
        if name in above:
            return
        for each in (name, *self.model.derived(name)):
            for navigation in self.model.navigations(each).values():
                if not navigation.contains_target:
                    yield f"{path}/{navigation.name}", navigation
            for member in self.model.properties(each).values():
                if self.model.kind(member.type.name) == "complex":
                    yield from self._document_navigations(member.type.name, f"{path}/{member.name}", (*above, name))


class _TableBuilder:
    """Builds one Table: names columns, flattens complex properties, adds keys and indexes."""

    def __init__(self, mapping: Mapping, id: str) -> None:
        self.mapping, self.model, self.id = mapping, mapping.model, id
        self.type = mapping.declared_type(id)
        self.family = mapping.family(id)
        self.taken: dict[str, Column] = {}
        self.members: dict[tuple[str, str], Storage] = {}
        self.references: dict[tuple[str, str], Column] = {}
        self.names = {folded(member.name) for _, member in self.properties()}
        self.inherited = frozenset(self.model.lineage(self.type))
        self.own_key = {part.path for part in self.model.key(self.type)}
        self.identifying = {part.path for each in self.family for part in self.model.key(each)} | {
            path for each in self.family for key in vocabularies.alternate_keys(self.model, each) for _, path in key}
        self.key_paths = self.identifying | {
            constraint.property for _, navigation in mapping.navigations(id) for constraint in navigation.constraints}

    def build(self) -> Table:
        concrete = self.model.concrete(self.type)
        row_id = self.system("_id", "Edm.Int64", nullable=False)
        version = self.system("_version", "Edm.Int64", nullable=False)
        discriminator = None
        if len(self.family) > 1:
            discriminator = self.system("_type", "Edm.String", nullable=False, max_length=TYPE_LENGTH)
        owner = self.owner()
        for declaring, member in self.properties():
            forced = vocabularies.column_name(self.model, declaring, member)
            self.members[declaring, member.name] = self.store((member.name,), member.type, declaring, forced)
        dynamic = None
        if any(self.model.is_open(each) for each in self.family):
            dynamic = self.system("_dynamic", "json")
        table = Table(self.id, self.mapping.table_name(self.id), self.type, row_id, version, discriminator, dynamic,
                      owner, self.members,
                      self.references, (), singleton=self.id in self.model.singletons)
        self.mapping._tables[self.id] = table       # relations of this table may lead back to it while it is built
        for declaring, navigation in self.mapping.navigations(self.id):
            if self.mapping.holds_key(self.id, declaring, navigation):
                self.references[declaring, navigation.name] = self.named(
                    identifier(navigation.name, "id"), declaring, *ROW)
        key = tuple((part.name, column) for part in self.model.key(self.type)
                    if (column := self.at(self.type, part.path)) is not None)
        alternates = tuple(pairs for alternate in vocabularies.alternate_keys(self.model, self.type)
                           if len(pairs := tuple((name, column) for name, path in alternate
                                                 if (column := self.at(self.type,
                                                                       path)) is not None)) == len(alternate))
        built = Table(self.id, table.name, self.type, row_id, version, discriminator, dynamic, owner, self.members,
                      self.references, key, alternates, tuple(self.taken.values()),
                      tuple(self.indexes(key, alternates, owner)), concrete, table.singleton)
        return built

    def properties(self) -> Iterator[tuple[str, Property]]:
        """(declaring type, property) of every type that the table can hold, each once."""
        for name, member in self.model.properties(self.type).items():
            yield self.model.declaring(self.type, name) or self.type, member
        for each in self.family[1:]:
            for member in self.mapping.structured(each).properties:
                yield each, member

    def owner(self) -> Owner | None:
        if "/" not in self.id:
            return None
        tables = self.mapping.owners(self.id)
        source = self.system("_owner_table", "Edm.String", nullable=False,
                             max_length=TYPE_LENGTH) if len(tables) > 1 else None
        return Owner(tables, self.system("_owner", "Edm.Int64", nullable=False), source)

    def system(self, name: str, type: str, nullable: bool = True, max_length: int | None = None) -> Column:
        """A column of our own; an underscore more for each property that has its name."""
        while name in self.names or name in self.taken:
            name = "_" + name
        column = Column(name, type, type, nullable, max_length)
        self.taken[folded(name)] = column
        return column

    def named(self, name: str, declaring: str, *facets: Any) -> Column:
        """The column under its name, `facets` behind it: shared with an equal one, else `Type$name` on a clash (DESIGN §4)."""
        made = self.taking(name, declaring, facets)
        if made is None:
            made = self.taking(identifier(f"{declaring.rpartition('.')[2]}${name}"), declaring, facets) \
                or self.taking(identifier(f"{declaring}${name}".replace(".", "_")), declaring, facets)
        return made or self.named(hashed(name, declaring, str(len(self.taken))), declaring, *facets)

    def taking(self, name: str, declaring: str, facets: tuple[Any, ...]) -> Column | None:
        """The column of exactly this name; None where that is of another."""
        key, made = folded(name), Column(name, *facets)
        if key in SYSTEM_COLUMNS:
            return None
        found = self.taken.setdefault(key, made)
        return found if found is made or found == made and declaring not in self.inherited else None

    def store(self, path: tuple[str, ...], ref: TypeRef, declaring: str, forced: str | None = None) -> Storage:
        ref = self.model.underlying(ref)
        name, kind = ref.name, "" if ref.collection else self.model.kind(ref.name)
        wanted = forced or identifier(*path)
        if kind == "primitive" and name in types.PRIMITIVES and name not in types.GEO:
            if name == "Edm.Stream":
                return StreamSlot("/".join(path))
            length = ref.max_length if isinstance(ref.max_length, int) else None
            if name == "Edm.String" and "/".join(path) in self.key_paths:
                length = min(length or KEY_LENGTH, KEY_LENGTH)
            nullable = self.nullable(path, ref, declaring)
            return Scalar(self.named(wanted, declaring, name, name, nullable, length, ref.precision, ref.scale))
        if kind == "enum":
            return Scalar(self.named(wanted, declaring, "Edm.Int64", name, self.nullable(path, ref, declaring)))
        if kind == "complex" and self.mapping.flattens(name):
            present = None
            if ref.nullable is not False:
                present = self.named(identifier(*path, "present"), declaring, "Edm.Boolean", "Edm.Boolean")
            members = {member.name: self.store((*path, member.name), member.type, declaring)
                       for member in self.model.properties(name).values()}
            return Flat(name, members, present)
        copies = tuple(self.copies(path, name, declaring)) if kind == "complex" else ()
        return Document(self.named(wanted, declaring, "json", "json"), name, ref.collection, copies)

    def copies(self, path: tuple[str, ...], type: str, declaring: str) -> Iterator[tuple[str, Scalar]]:
        """What keys need of a complex value that is kept as JSON text."""
        above = "/".join(path) + "/"
        for each in sorted(self.identifying):
            below = each.removeprefix(above)
            member = self.model.property_at(type, below) if below != each else None
            storage = None if member is None else self.store((*path, *below.split("/")), member.type, declaring)
            if isinstance(storage, Scalar):
                yield below, storage

    def nullable(self, path: tuple[str, ...], ref: TypeRef, declaring: str) -> bool:
        """Whether the column of a property can be null: where it is of a derived type, or in a complex value, in any case."""
        return len(path) > 1 or declaring not in self.inherited or ref.nullable is not False and path[0] not in self.own_key

    def at(self, owner: str, path: str) -> Column | None:
        """The column of the primitive property at a path, or None."""
        name, _, below = path.partition("/")
        return column_at(self.members.get((self.model.declaring(owner, name) or owner, name)), below)

    def indexes(self, key: tuple[tuple[str, Column], ...], alternates: tuple[tuple[tuple[str, Column], ...], ...],
                owner: Owner | None) -> Iterator[Index]:
        prefix: tuple[tuple[str, bool], ...] = ()
        if owner is not None:
            prefix = ((owner.column.name, False),)
            if owner.source is not None:
                prefix = ((owner.source.name, False), *prefix)
        seen = set()

        def once(index: Index) -> Iterator[Index]:
            if index.columns and index.columns not in seen:
                seen.add(index.columns)
                yield index

        if key:
            yield from once(Index((*prefix, *((column.name, False) for _, column in key)), unique=True))
        elif prefix:
            yield from once(Index(prefix))
        for alternate in alternates:
            yield from once(Index((*prefix, *((column.name, False) for _, column in alternate)), unique=True))
        for column in self.references.values():
            yield from once(Index(((column.name, False),)))
        for declaring, navigation in self.mapping.navigations(self.id):
            columns = [self.at(declaring, constraint.property) for constraint in navigation.constraints]
            if columns and all(columns):
                yield from once(Index(tuple((column.name, False) for column in columns if column)))
        for each in self.family:
            for index in vocabularies.indexes(self.model, each):
                found = [(self.at(each, path.lstrip("-")), path.startswith("-")) for path in index.properties]
                if all(column for column, _ in found):
                    yield from once(Index(tuple((column.name, down) for column, down in found if column), index.unique))


def map_model(model: Model) -> Mapping:
    """The mapping of a model; tables are made when first asked for."""
    return Mapping(model)

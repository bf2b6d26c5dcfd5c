"""Mapping: the model as tables, columns and relations (DESIGN §4).

A `Table` holds one entity set, one singleton, or all entities of one containment navigation property. `Table.member`
tells how a structural property is stored, `Mapping.relation` how a navigation property is followed from a table.
Tables are made on first use and are plain data: no SQL, no database, no Peewee.

Every table has an integer row id (`Table.row_id`), a version for ETags, and, where several types share it, a
discriminator with the qualified type name. Nothing here fails on a model that cannot be stored in full: a navigation
property without a place is `Unbound`, and a request over it answers 501.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping as MappingType
from dataclasses import dataclass, field
from typing import TypeAlias

from app.edm import types, vocabularies
from app.edm.index import Model
from app.edm.model import NavigationProperty, TypeRef

KEY_LENGTH = 255
IDENTIFIER_BYTES = 60
TYPE_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    `type`: how values are stored: an Edm primitive type, or 'json'. `edm`: the Edm type of the values (an enumeration's
    qualified name where `type` is its integer; like `type` otherwise). Facets are those that DDL and conversion need.
    """

    name: str
    type: str
    edm: str
    nullable: bool = True
    max_length: int | None = None
    precision: int | None = None
    scale: int | str | None = None


@dataclass(frozen=True, slots=True)
class Scalar:
    """A primitive or enumeration property in a column of its own."""

    column: Column


@dataclass(frozen=True, slots=True)
class Flat:
    """A complex property flattened into columns; `present` (Boolean) tells null from an instance of nulls, and is None
    where the property is not nullable."""

    type: str
    members: MappingType[str, Storage]
    present: Column | None


@dataclass(frozen=True, slots=True)
class Document:
    """A value kept as JSON text: `type` is the Edm type of the value or of the items of the collection."""

    column: Column
    type: str
    collection: bool


@dataclass(frozen=True, slots=True)
class StreamSlot:
    """A stream property or the media stream of an entity (`name` '$value'): chunks in the stream table."""

    name: str


Storage: TypeAlias = Scalar | Flat | Document | StreamSlot


@dataclass(frozen=True, slots=True)
class Owner:
    """How rows of a contained table name their owner: `column` holds the owner's row id; `source` (a column) the
    owner's table where several tables can own, else None."""

    tables: tuple[str, ...]
    column: Column
    source: Column | None


@dataclass(frozen=True, slots=True)
class Index:
    """An index over columns; each with its descending flag."""

    columns: tuple[tuple[str, bool], ...]
    unique: bool = False


@dataclass(frozen=True)
class Table:
    """Where entities live. `id`: the mapping's name for it (a set or singleton name, or 'ns.Type/Nav' of a containment
    navigation property); `name`: the table's name in the database; `type`: the declared entity type."""

    id: str
    name: str
    type: str
    row_id: Column
    version: Column
    discriminator: Column | None
    dynamic: Column | None
    owner: Owner | None
    members: MappingType[tuple[str, str], Storage]          # (declaring type, property) → storage
    references: MappingType[tuple[str, str], Column]        # (declaring type, navigation) → generated foreign key
    key: tuple[tuple[str, Column], ...]                     # (name in key predicates, column), in model order
    alternate_keys: tuple[tuple[tuple[str, Column], ...], ...] = ()
    columns: tuple[Column, ...] = ()                        # all, in DDL order
    indexes: tuple[Index, ...] = ()
    concrete: tuple[str, ...] = ()                          # the types whose instances the table can hold
    singleton: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """To-one by a foreign key of this table: own columns = columns of the target's table."""

    target: str
    own: tuple[Column, ...]
    other: tuple[Column, ...]
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Inverse:
    """Related rows hold the foreign key: their columns = columns of this table. `navigation`: the partner's owner and name."""

    target: str
    own: tuple[Column, ...]
    other: tuple[Column, ...]
    partner: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Link:
    """Related through a link table of row ids; `own` and `other` are its columns for this side and the target."""

    target: str
    table: str
    own: Column
    other: Column
    first: str          # mapping id of the table behind the first column, for DDL
    second: str
    columns: tuple[Column, Column] = field(default=())      # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Contained:
    """Entities owned by this one: rows of `target` whose owner column is this row id; `owner`: this table's mapping id."""

    target: str
    owner: str


@dataclass(frozen=True, slots=True)
class Whole:
    """Every entity of the target's table that is of the navigation property's type (Store.WholeSet)."""

    target: str


@dataclass(frozen=True, slots=True)
class Unbound:
    """Nowhere to go: `reason` is the sentence of the 501."""

    reason: str


Relation: TypeAlias = Reference | Inverse | Link | Contained | Whole | Unbound


@dataclass(frozen=True, slots=True)
class DocumentLink:
    """Links from complex values kept as JSON: one row per link of (owner row id, path, ordinals) to a target row id.

    `path`: the complex property and the steps below it, joined by '/'; `ordinal`: the position in the outermost
    collection, -1 where the path runs through none.
    """

    table: str
    owner: str
    path: str
    target: str
    columns: tuple[Column, ...]     # owner row id, ordinal, target row id


def identifier(*parts: str) -> str:
    """A name for the database out of its parts: at most 60 bytes, the rest as a hash."""
    name = "_".join(part for part in parts if part)
    data = name.encode()
    if len(data) <= IDENTIFIER_BYTES:
        return name
    return data[:51].decode("utf-8", "ignore") + "_" + hashlib.sha256(data).hexdigest()[:8]


ROW = ("Edm.Int64", "Edm.Int64")


class Mapping:
    """The tables and relations of a model. Answers are cached; the model never changes."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._tables: dict[str, Table] = {}
        self._relations: dict[tuple[str, str, str], Relation] = {}

    # --- tables ------------------------------------------------------------------------------------------

    def table(self, id: str) -> Table:
        """The table with this mapping id; raises KeyError where the model has no such set, singleton or containment."""
        found = self._tables.get(id)
        if found is None:
            found = self._tables[id] = _TableBuilder(self, id).build()
        return found

    def sources(self) -> Iterator[str]:
        """The mapping ids of all sets and singletons, then of every containment below them."""
        seen: list[str] = []
        queue = [*self.model.sets, *self.model.singletons]
        while queue:
            id = queue.pop(0)
            if id in seen:
                continue
            seen.append(id)
            yield id
            for owner, navigation in self.navigations(id):
                if navigation.contains_target:
                    queue.append(containment(owner, navigation.name))

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

    def navigations(self, id: str) -> Iterator[tuple[str, NavigationProperty]]:
        """(declaring type, navigation property) of every type that the table can hold, each once."""
        seen = set()
        for each in self.family(id):
            for name, navigation in self.model.navigations(each).items():
                owner = self.model.declaring(each, name) or each
                if (owner, name) not in seen:
                    seen.add((owner, name))
                    yield owner, navigation

    def owners(self, id: str) -> tuple[str, ...]:
        """The mapping ids whose entities can own rows of a contained table."""
        declaring, _, name = id.rpartition("/")
        return tuple(each for each in self.sources() if any(
            owner == declaring and navigation.name == name for owner, navigation in self.navigations(each)))

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
        return self.binding(id, owner, name) or self._only_set(navigation.type)

    def binding(self, id: str, owner: str, name: str, prefix: str = "") -> str | None:
        """The set or singleton that the container binds the navigation property to, for entities of table `id`.

        `prefix`: complex path in front of the property ('a/b'). Casts in binding paths are honoured: the path with the
        cast to the nearest base of `owner` wins. Contained tables are found under their owners' bindings.
        """
        tail = f"{prefix}/{name}" if prefix else name
        source = self.model.source_of(id)
        if source is not None:
            return self._bound(source.bindings, "", owner, tail)
        declaring, _, containing = id.rpartition("/")
        for parent in self._owner_sources(id):
            element = self.model.source_of(parent)
            if element is None:
                continue
            found = self._bound(element.bindings, containing, owner, tail)
            if found:
                return found
        return None

    def _owner_sources(self, id: str) -> tuple[str, ...]:
        declaring = id.rpartition("/")[0]
        return tuple(each for each in (*self.model.sets, *self.model.singletons)
                     if any(self.model.is_a(member, declaring) for member in self.family(each)))

    def _bound(self, bindings: tuple, start: str, owner: str, tail: str) -> str | None:  # type: ignore[type-arg]
        best: tuple[int, str] | None = None
        for binding in bindings:
            steps = binding.path.split("/")
            if start:
                rest = [step for step in steps if "." not in step]
                if start not in rest or "/".join(rest[rest.index(start) + 1:]) != tail:
                    continue
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
        if best is None:
            return None
        head, slash, rest_path = best[1].partition("/")
        if slash and "." in head:                       # a target path that starts with the container
            return rest_path
        return best[1]

    def _only_set(self, type_name: str) -> str | None:
        """Without a binding: the only set whose type is the target's, its base or a derived type (DESIGN §4)."""
        exact = [name for name, each in self.model.sets.items() if each.type == type_name]
        if len(exact) == 1:
            return exact[0]
        near = [name for name, each in self.model.sets.items()
                if self.model.is_a(each.type, type_name) or self.model.is_a(type_name, each.type)]
        return near[0] if len(near) == 1 else None

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
        assert partner is not None
        back = self.relation(target, partner[0], partner[1].name)
        if isinstance(back, Reference):
            return Inverse(target, back.other, back.own, (partner[0], partner[1].name))
        return Unbound(f"Navigation property '{navigation.name}' of {owner} has a partner that leads elsewhere")

    def constraint_columns(self, id: str, owner: str, navigation: NavigationProperty,
                           target: str) -> tuple[tuple[Column, ...], tuple[Column, ...]] | None:
        """(own, target's) columns of the referential constraints when they cover the target's key, else None."""
        if not navigation.constraints:
            return None
        target_table, declared = self.table(target), self.declared_type(target)
        own, other = [], []
        for constraint in navigation.constraints:
            mine = self._scalar(id, owner, constraint.property)
            theirs = self._scalar(target, declared, constraint.referenced)
            if mine is None or theirs is None:
                return None
            own.append(mine)
            other.append(theirs)
        keys = ([column for _, column in target_table.key],
                *([column for _, column in key] for key in target_table.alternate_keys))
        return (tuple(own), tuple(other)) if any(set(key) == set(other) for key in keys) else None

    def _scalar(self, id: str, owner: str, path: str) -> Column | None:
        table, storage = self.table(id), None
        for index, step in enumerate(path.split("/")):
            if index == 0:
                declaring = self.model.declaring(owner, step)
                storage = table.members.get((declaring or owner, step))
            else:
                storage = storage.members.get(step) if isinstance(storage, Flat) else None
        return storage.column if isinstance(storage, Scalar) else None

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
        if partner is None or partner[1].collection or self.target(target, partner[0], partner[1].name) != id:
            return True
        if partner[1].contains_target:
            return False
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
        first = (id, owner, navigation.name)
        swapped = False
        if partner is not None and partner[1].collection and self.target(target, partner[0], partner[1].name) == id:
            other = (target, partner[0], partner[1].name)
            swapped = other < first
            first = min(first, other)
        name = identifier(_simple(first[0]), first[2], "link")
        left = Column("source", *ROW, nullable=False)
        right = Column("target", *ROW, nullable=False)
        ends = (target, id) if swapped else (id, target)
        own, far = (right, left) if swapped else (left, right)
        return Link(target, name, own, far, ends[0], ends[1], (left, right))

    def document_links(self, id: str) -> tuple[DocumentLink, ...]:
        """The link tables of navigation properties inside complex values kept as JSON in table `id`."""
        found: dict[str, DocumentLink] = {}
        table = self.table(id)
        for (declaring, name), storage in table.members.items():
            if isinstance(storage, Document) and self.model.kind(storage.type) == "complex":
                for path, owner, navigation in self._document_navigations(storage.type, name, ()):
                    prefix, _, last = path.rpartition("/")
                    target = self.binding(id, declaring, last, prefix) or self._only_set(navigation.type)
                    if target is not None:
                        columns = (Column("owner", *ROW, nullable=False), Column("ordinal", *ROW, nullable=False),
                                   Column("target", *ROW, nullable=False))
                        found[path] = DocumentLink(identifier(_simple(id), *path.split("/"), "link"), id, path, target, columns)
        return tuple(found.values())

    def _document_navigations(self, type_name: str, path: str, above: tuple[str, ...]
                              ) -> Iterator[tuple[str, str, NavigationProperty]]:
        if type_name in above:
            return
        for each in (type_name, *self.model.derived(type_name)):
            for navigation in self.model.navigations(each).values():
                if not navigation.contains_target:
                    yield f"{path}/{navigation.name}", each, navigation
            for member in self.model.properties(each).values():
                if self.model.kind(member.type.name) == "complex":
                    yield from self._document_navigations(member.type.name, f"{path}/{member.name}", (*above, type_name))


def containment(owner: str, name: str) -> str:
    """The mapping id of the entities of a containment navigation property."""
    return f"{owner}/{name}"


def _simple(id: str) -> str:
    """A mapping id as the beginning of a table name."""
    owner, _, name = id.rpartition("/")
    return f"{owner.rpartition('.')[2]}_{name}" if owner else name


class _TableBuilder:
    """Builds one Table: names columns, flattens complex properties, adds keys and indexes."""

    def __init__(self, mapping: Mapping, id: str) -> None:
        self.mapping, self.model, self.id = mapping, mapping.model, id
        self.type = mapping.declared_type(id)
        self.family = mapping.family(id)
        self.taken: dict[str, Column] = {}
        self.members: dict[tuple[str, str], Storage] = {}
        self.references: dict[tuple[str, str], Column] = {}
        self.key_paths = {part.path for each in self.family for part in self.model.key(each)} | {
            path for each in self.family for key in vocabularies.alternate_keys(self.model, each) for _, path in key}

    def build(self) -> Table:
        concrete = self.model.concrete(self.type)
        row_id = self.system("_id", "Edm.Int64", nullable=False)
        version = self.system("_version", "Edm.Int64", nullable=False)
        discriminator = None
        if len(self.family) > 1:
            discriminator = self.system("_type", "Edm.String", nullable=False, max_length=TYPE_LENGTH)
        owner = self.owner()
        for each in self.family:
            for name, member in self.model.properties(each).items():
                declaring = self.model.declaring(each, name) or each
                if (declaring, name) not in self.members:
                    forced = vocabularies.column_name(self.model, declaring, member)
                    self.members[declaring, name] = self.store((name,), member.type, declaring, forced)
        dynamic = None
        if any(self.model.is_open(each) for each in self.family):
            dynamic = self.system("_dynamic", "json")
        table = Table(self.id, self.table_name(), self.type, row_id, version, discriminator, dynamic, owner, self.members,
                      self.references, (), singleton=self.id in self.model.singletons)
        self.mapping._tables[self.id] = table       # relations of this table may lead back to it while it is built
        for declaring, navigation in self.mapping.navigations(self.id):
            if self.mapping.holds_key(self.id, declaring, navigation):
                self.references[declaring, navigation.name] = self.named(
                    identifier(navigation.name, "id"), Column("", *ROW), declaring)
        key = tuple((part.name, column) for part in self.model.key(self.type)
                    if (column := self.at(self.type, part.path)) is not None)
        alternates = tuple(pairs for alternate in vocabularies.alternate_keys(self.model, self.type)
                           if len(pairs := tuple((name, column) for name, path in alternate
                                                 if (column := self.at(self.type, path)) is not None)) == len(alternate))
        built = Table(self.id, table.name, self.type, row_id, version, discriminator, dynamic, owner, self.members,
                      self.references, key, alternates, tuple(self.taken.values()),
                      tuple(self.indexes(key, alternates, owner)), concrete, table.singleton)
        return built

    def table_name(self) -> str:
        return vocabularies.table_name(self.model, self.id) or identifier(_simple(self.id))

    def owner(self) -> Owner | None:
        if "/" not in self.id:
            return None
        tables = self.mapping.owners(self.id)
        source = self.system("_owner_table", "Edm.String", nullable=False, max_length=TYPE_LENGTH) if len(tables) > 1 else None
        return Owner(tables, self.system("_owner", "Edm.Int64", nullable=False), source)

    def system(self, name: str, type: str, nullable: bool = True, max_length: int | None = None) -> Column:
        """A column of our own; an underscore more for each property that has its name."""
        names = {member.casefold() for each in self.family for member in self.model.properties(each)}
        while name in names or name in self.taken:
            name = "_" + name
        column = Column(name, type, type, nullable, max_length)
        self.taken[name.casefold()] = column
        return column

    def named(self, name: str, column: Column, declaring: str) -> Column:
        """The column under its name: shared with an equal one, else `Type$name` on a clash (DESIGN §4)."""
        for candidate in (name, identifier(f"{declaring.rpartition('.')[2]}${name}"), identifier(f"{declaring}${name}".replace(".", "_"))):
            found = self.taken.get(candidate.casefold())
            made = Column(candidate, column.type, column.edm, column.nullable, column.max_length, column.precision, column.scale)
            if found is None:
                self.taken[candidate.casefold()] = made
                return made
            if found == made and declaring not in self.model.lineage(self.type):
                return found
        raise AssertionError(f"no free column name for {name} of {declaring}")

    def store(self, path: tuple[str, ...], ref: TypeRef, declaring: str, forced: str | None = None) -> Storage:
        ref = self.model.underlying(ref)
        kind = self.model.kind(ref.name)
        if ref.name == "Edm.Stream" and not ref.collection:
            return StreamSlot("/".join(path))
        name = forced or identifier(*path)
        inherited = declaring in self.model.lineage(self.type)
        nullable = ref.nullable is not False or not inherited or len(path) > 1
        if not ref.collection and kind == "enum":
            return Scalar(self.named(name, Column("", "Edm.Int64", ref.name, nullable), declaring))
        if not ref.collection and ref.name in types.PRIMITIVES and ref.name not in types.GEO:
            return Scalar(self.named(name, self.primitive(path, ref, nullable), declaring))
        if not ref.collection and kind == "complex" and self.flattens(ref.name, ()):
            present = None
            if ref.nullable is not False:
                present = self.named(identifier(*path, "present"), Column("", "Edm.Boolean", "Edm.Boolean"), declaring)
            members = {member.name: self.store((*path, member.name), member.type, declaring)
                       for member in self.model.properties(ref.name).values()}
            return Flat(ref.name, members, present)
        return Document(self.named(name, Column("", "json", "json"), declaring), ref.name, ref.collection)

    def primitive(self, path: tuple[str, ...], ref: TypeRef, nullable: bool) -> Column:
        length = ref.max_length if isinstance(ref.max_length, int) else None
        if ref.name == "Edm.String" and "/".join(path) in self.key_paths:
            length = min(length or KEY_LENGTH, KEY_LENGTH)
        return Column("", ref.name, ref.name, nullable, length, ref.precision, ref.scale)

    def flattens(self, name: str, above: tuple[str, ...]) -> bool:
        """Whether a complex type is closed, has no derived types, no navigation, no collections, all the way down."""
        if name in above:
            return False
        kind = self.model.complex_type(name)
        if kind is None or kind.abstract or self.model.is_open(name) or self.model.derived(name) or self.model.navigations(name):
            return False
        for member in self.model.properties(name).values():
            ref = self.model.underlying(member.type)
            if ref.collection or ref.name == "Edm.Stream":
                return False
            if self.model.kind(ref.name) == "complex" and not self.flattens(ref.name, (*above, name)):
                return False
        return True

    def at(self, owner: str, path: str) -> Column | None:
        """The column of the primitive property at a path, or None."""
        steps = path.split("/")
        storage = self.members.get((self.model.declaring(owner, steps[0]) or owner, steps[0]))
        for step in steps[1:]:
            storage = storage.members.get(step) if isinstance(storage, Flat) else None
        return storage.column if isinstance(storage, Scalar) else None

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

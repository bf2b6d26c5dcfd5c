"""Write session: one open transaction, the rows it has seen, and the steps it carries out.

Everything that changes data goes through here: bodies (`Gathering`), operations and rules (`Entity`), the data file.
The caller opens the transaction (`store.write()`) before the session reads anything and calls `finish` before it
ends, which writes the change log. Rules run inside, once per entity and change, before that entity's SQL. DESIGN §6.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from app.edm import types
from app.edm.model import NavigationProperty
from app.errors import BodyError, Conflict, Forbidden, NotImplementedByService, ODataError
from app.payload.schemas import Reading
from app.plan import Planner
from app.plan import changes as plan
from app.plan.write import order
from app.service import finding, lost
from app.service.catalogue import Catalogue
from app.service.entities import Change, Entity, missing_value
from app.service.guard import Guard
from app.service.layout import Layout, new_key
from app.service.numbers import Numbers
from app.service.waiting import Waiting
from app.store import Retry, changelog, streams
from app.store.mapping import Column, Contained, DocumentLink, Inverse, Link, Reference, Table, Unbound

if TYPE_CHECKING:
    from app.service.access import Policy
    from app.service.gathering import Asked, Gathering
    from app.service.selections import Selection

T = TypeVar("T")
TRUSTED = Reading(operation="patch", trusted=True, quoted=True, cut=True)
AT = Column("at", "Edm.DateTimeOffset", "Edm.DateTimeOffset", False)
INDEXED = ("create", "update", "delete")
LOG = ("source", "row", "key", "kind", "columns", "at", "principal")


class Rules(Protocol):
    """What the session asks of the registered rules."""

    def has_rules(self, type: str, kind: str) -> bool: ...

    def apply(self, change: Change, session: WriteSession) -> None: ...


class WriteSession:
    """One transaction's worth of changes."""

    def __init__(self, catalogue: Catalogue, *, now: str, root: str = "http://localhost/",
                 request_url: str | None = None, principal: str = "", rules: Rules | None = None,
                 languages: tuple[str, ...] = (), writable: bool = True,
                 references: Callable[[str], str | None] | None = None, policy: Policy | None = None,
                 values: tuple[Any, ...] = ()) -> None:
        self.catalogue, self.store, self.mapping, self.model = (
            catalogue, catalogue.store, catalogue.mapping, catalogue.model)
        self.writer, self.reader, self.planner = catalogue.writer, catalogue.reader, catalogue.planner
        self.now, self.root, self.request_url = now, root, request_url or root
        self.principal, self.rules, self.languages = principal, rules, languages
        self.numbers = Numbers(self.writer)
        self.writable = writable                    # functions have no side effects
        self.guard: Guard | None = None             # where not every right is given
        self.seen, self.principal_values = self.model, values
        if policy is not None and not policy.open:
            self.guard, self.seen = Guard(self, policy, values), policy.model
            self.planner = Planner(self.mapping, policy.rows)
        self.ids: dict[str, Entity] = {}            # ids given elsewhere in the same body
        self.references = references                # ids of earlier requests of a batch → paths below the root
        self._rows: dict[tuple[str, int], dict[str, Any]] = {}
        self._log: list[tuple[Any, ...]] = []
        self._at: Any = None                        # the present instant as the change log holds it
        self._waiting: list[tuple[Entity, DocumentLink, list[tuple[int, Entity]], bool]] = []
        self.created: set[tuple[str, int]] = set()
        self.deleted: set[tuple[str, int]] = set()

    # --- rows --------------------------------------------------------------------------------------------

    def entity(self, id: str, row: dict[str, Any]) -> Entity:
        """The entity of a row as read (column name → canonical value)."""
        table = self.mapping.table(id)
        key = (id, row[table.row_id.name])
        known = self._rows.get(key)
        if known is None:
            self._rows[key] = row
        elif known is not row:
            known.update(row)
            row = known
        type = row[table.discriminator.name] if table.discriminator is not None else None
        type = type or (table.concrete[0] if table.concrete else table.type)
        return Entity(self, self.catalogue.layout(id, type), row)

    def by_columns(self, id: str, where: Sequence[tuple[Column, Any]], *, lock: bool = False) -> Entity | None:
        """The first entity of a table whose columns have these values."""
        if any(value is None for _, value in where) or not self.catalogue.made(id):
            return None
        rows = self.writer.find(self.mapping.table(id), where, lock=lock)
        return self.entity(id, rows[0]) if rows else None

    def all_by_columns(self, id: str, where: Sequence[tuple[Column, Any]]) -> list[Entity]:
        """Every entity of a table whose columns have these values."""
        if any(value is None for _, value in where) or not self.catalogue.made(id):
            return []
        return [self.entity(id, row) for row in self.writer.find(self.mapping.table(id), where)]

    def by_row(self, id: str, row_id: int, *, lock: bool = False) -> Entity | None:
        """The entity with a row id."""
        return self.by_columns(id, [(self.mapping.table(id).row_id, row_id)], lock=lock)

    def by_key(self, id: str, key: Mapping[str, Any], owner: Entity | None = None) -> Entity | None:
        """The entity with a key (names as in key predicates); of a contained table the one below `owner`."""
        table = self.mapping.table(id)
        if not table.key or any(name not in key for name, _ in table.key):
            return None
        if table.owner is not None and owner is not None and owner.row_id is None:
            return None         # who is new owns nothing yet
        return self.visible(self.by_columns(
            id, [*self.owned(table, owner), *((column, key[name]) for name, column in table.key)]))

    def following(self, follows: bool = True) -> contextlib.AbstractContextManager[None]:
        """What happens inside follows from another change, and needs no right of its own."""
        return contextlib.nullcontext() if self.guard is None or not follows else self.guard.following()

    def visible(self, entity: Entity | None) -> Entity | None:
        """The entity, where whoever asks may see it."""
        return entity if entity is None or self.guard is None or self.guard.sees(entity) else None

    @staticmethod
    def owned(table: Table, owner: Entity | None) -> list[tuple[Column, Any]]:
        """The conditions that rows of a contained table belong to an owner."""
        if table.owner is None or owner is None or owner.row_id is None:
            return []
        found: list[tuple[Column, Any]] = [(table.owner.column, owner.row_id)]
        return found if table.owner.source is None else [*found, (table.owner.source, owner.layout.id)]

    def reload(self, entity: Entity) -> Entity | None:
        """The entity as it is stored now, locked against others."""
        assert entity.row_id is not None
        return self.by_row(entity.layout.id, entity.row_id, lock=True)

    def known_id(self, text: str) -> Entity | None:
        """The entity that has this id elsewhere in the body, or that `$1` of a batch stands for."""
        found = self.ids.get(text)
        return finding.referenced(self, text) if found is None and text.startswith("$") else found

    def resolve(self, reference: plan.Reference, table: str | None, type: str) -> Entity:
        """The entity that a body refers to; BodyError where it refers to none that fits."""
        return finding.resolve(self, reference, table, type)

    # --- relations ---------------------------------------------------------------------------------------

    def column_value(self, entity: Entity, column: Column) -> Any:
        """The value of a column of an entity, as it is about to be."""
        name = entity.layout.of_column.get(column.name)
        if name is not None and name in entity.values:
            return entity.layout.columns(name, entity.values[name]).get(column.name)
        return None if entity.row is None else entity.row.get(column.name)

    def related(self, entity: Entity, name: str) -> Entity | Selection | None:
        """What a navigation property of an entity leads to: an entity, None, or a selection."""
        navigation = entity.layout.navigations[name]
        if navigation.collection:
            from app.service.selections import Selection
            return Selection.over(self, entity, navigation)
        relation = entity.layout.relation(name)
        match relation:
            case Reference(target, own, other) | Inverse(target, own, other):
                pairs = [(there, self.column_value(entity, here)) for here, there in zip(own, other, strict=True)]
                return self.by_columns(target, pairs)
            case Contained(target):
                return self.by_columns(target, self.owned(self.mapping.table(target), entity)) if entity.row else None
            case Unbound(reason):
                raise NotImplementedByService(reason, target=name)
        return None

    def members(self, entity: Entity, name: str) -> list[Entity]:
        """The stored entities that a collection navigation property leads to."""
        relation = entity.layout.relation(name)
        match relation:
            case Inverse(target, own, other):
                return self.all_by_columns(target, [
                    (there, self.column_value(entity, here)) for here, there in zip(own, other, strict=True)])
            case Contained(target):
                return self.all_by_columns(target, self.owned(self.mapping.table(target), entity))
            case Link(target, table, own, other):
                found = self.writer.pairs(table, (other.name,), {own.name: entity.row_id})
                return [each for (row_id,) in found if (each := self.by_row(target, row_id)) is not None]
        return []

    def inner_members(self, entity: Entity, link: DocumentLink, ordinal: int = -1) -> list[Entity]:
        """The stored entities that a navigation property of a complex value leads to; `ordinal`: of an item of a collection."""
        if entity.row is None:
            return []
        owner, position, target = (column.name for column in link.columns)
        pairs = self.writer.pairs(link.table, (position, target), {owner: entity.row_id})
        rows = sorted(row for at, row in pairs if at == ordinal)
        return [each for row in rows if (each := self.by_row(link.target, row)) is not None]

    # --- values ------------------------------------------------------------------------------------------

    def canonical(self, layout: Layout, name: str, value: Any) -> Any:
        """A Python value checked against the type of a property, enumerations as names."""
        place = layout.places[name]
        found = self.reader.checked(value, layout.type, place.property, TRUSTED)
        complete = self.reader.schemas.complete
        if isinstance(found, dict) and place.kind == "complex":
            found = complete(place.type, found, path=name)
        elif isinstance(found, list) and place.kind == "complex":
            found = [complete(place.type, item) if item is not None else None for item in found]
        return self.catalogue.enums.named(found, place.type)

    def dynamic(self, name: str, value: Any) -> dict[str, Any]:
        """A dynamic member and, where JSON does not tell it, its type."""
        return self.reader.dynamic.member(name, value, None, TRUSTED)

    # --- what operations do ------------------------------------------------------------------------------

    def _refuse_functions(self) -> None:
        if not self.writable:
            raise RuntimeError("A function cannot change data; only actions can")

    def change(self, entity: Entity, values: Mapping[str, Any]) -> None:
        """Change an entity as a PATCH would, trusted."""
        self._refuse_functions()
        current = self.reload(entity) if entity.row_id is not None else None
        if current is None:
            raise Conflict("The entity to change is no longer there", code="entityGone")
        self.update(current, self.reader.read_entity(values, entity.type, TRUSTED))

    def insert(self, id: str, values: Mapping[str, Any], owner: Entity | None = None) -> Entity:
        """Create an entity as a POST would, trusted."""
        reading = Reading("create", trusted=True, quoted=True, cut=True)
        return self.create(id, self.reader.read_entity(values, self.mapping.table(id).type, reading), owner=owner)

    # --- changes -----------------------------------------------------------------------------------------

    def create(self, id: str, change: plan.Change, *, owner: Entity | None = None,
               parent: tuple[Entity, NavigationProperty] | None = None, asked: Asked | None = None) -> Entity:
        """Create what a body asks for in a table, related to `parent` where it was posted to a navigation property."""
        from app.service.gathering import Gathering
        gathering = Gathering(self, asked)
        entity = gathering.create(id, change, owner)
        if parent is not None:
            gathering.relate(parent[0], parent[1].name, entity)
        self.carry_out(gathering)
        return entity

    def update(self, entity: Entity, change: plan.Change, asked: Asked | None = None) -> Entity:
        """Change an entity (its row read under this transaction) as a body asks."""
        from app.service.gathering import Gathering
        gathering = Gathering(self, asked)
        gathering.update(entity, change)
        self.carry_out(gathering)
        return entity

    def delete(self, entity: Entity) -> None:
        """Delete an entity with what goes with it; Conflict where something has to stay."""
        from app.service.gathering import Gathering
        self._refuse_functions()
        gathering = Gathering(self)
        gathering.delete(entity)
        self.carry_out(gathering)

    def carry_out(self, gathering: Gathering) -> None:
        """Do the steps that were gathered."""
        self._refuse_functions()
        entities = gathering.entities
        steps = order(gathering.steps)
        waiting = {(step.entity, step.navigation[1]) for step in steps if isinstance(step, plan.Connect)}
        held = Waiting(self, [entities[step.entity] for step in steps if isinstance(step, plan.Insert)])
        for step in steps:
            entity = entities[step.entity]
            match step:
                case plan.Insert():
                    self._insert(entity, {name for each, name in waiting if each == step.entity}, held)
                case plan.Update():
                    self.store_update(entity)
                case plan.Delete():
                    gathering.departures.remove(entity)
                case plan.Connect(target=target):
                    entity.linked[step.navigation[1]] = None if target is None else entities[target]
                    self.store_update(entity)
                case plan.AddLink(target=target):
                    self._link(entity, step.navigation[1], entities[target], True)
                case plan.DropLink(target=target):
                    self._link(entity, step.navigation[1], entities[target], False)
        for entity, columns in held.held:
            assert entity.row is not None
            self._rewrite(entity, columns)
            entity.row.update(columns)
        waiting_links, self._waiting = self._waiting, []
        for entity, link, found, new in waiting_links:
            self._keep_links(entity, link, found, new)
        for entity, name, stream in gathering.streams:
            self.set_stream(entity, name, stream.content, stream.media_type or "application/octet-stream")

    def attempt(self, work: Callable[[], T]) -> T:
        """The result of `work`; when it fails, what it did is undone alone (continue-on-error, Protocol §8.2.8.3)."""
        logged, created, deleted = len(self._log), set(self.created), set(self.deleted)
        try:
            with self.store.savepoint():
                result = work()
                if self.guard is not None:
                    self.guard.check()
                return result
        except ODataError:
            del self._log[logged:]
            self.created, self.deleted = created, deleted
            if self.guard is not None:
                self.guard.forget()
            self._rows.clear()      # rows read or changed meanwhile are not what is stored
            raise

    # --- rules -------------------------------------------------------------------------------------------

    def run_rules(self, kind: str, old: Entity | None, new: Entity | None, changed: frozenset[str] = frozenset()
                  ) -> None:
        """The rules of a type, those of its base types first."""
        about = new or old
        assert about is not None
        if self.rules is not None and self.rules.has_rules(about.type, kind):
            self.rules.apply(Change(kind, old, new, changed), self)

    # --- steps -------------------------------------------------------------------------------------------

    def settle(self, entity: Entity) -> dict[str, Any]:
        """The key columns of links about to be stored; properties tied to them take their values (§11.4.3)."""
        found: dict[str, Any] = {}
        for name, target in entity.linked.items():
            relation = entity.layout.relation(name)
            if not isinstance(relation, Reference):
                raise NotImplementedByService(feature=f"Setting '{name}' from this side")
            if target is not None and target.row is None:
                continue        # inserted later in the same request, which connects it then
            if target is None and not relation.nullable:
                raise BodyError(f"'{name}' is required.", code="missingValue", target=name)
            for own, other in zip(relation.own, relation.other, strict=True):
                value = None if target is None or target.row is None else target.row[other.name]
                tied = entity.layout.of_column.get(own.name)
                if tied is None:
                    found[own.name] = value
                elif target is not None or own.nullable:
                    entity.values[tied] = value
            if target is not None and target.row is not None:
                entity.values |= {path: target.row[column] for path, column in entity.layout.tied(name)}
        return found

    def _insert(self, entity: Entity, later: set[str], held: Waiting) -> None:
        layout, table = entity.layout, entity.layout.table
        self.settle(entity)
        changed = frozenset((*entity.values, *entity.linked))
        if self.guard is not None:
            self.guard.insert(entity, changed)
        self._make_key(entity)
        self.run_rules("create", None, entity, changed)
        settled = self.settle(entity)           # a rule may have linked it anew
        self._fill_in(entity)
        columns = layout.store_all(entity.values) | settled
        if table.owner is not None:
            columns.update(self._owner_columns(table, entity))
        for name, relation in layout.required_links:
            if name not in later and name not in layout.way_back and any(columns.get(own.name) is None for own in relation.own):
                raise self.missing(entity, name)
        columns[table.version.name] = secrets.randbits(61) + 1
        if table.discriminator is not None:
            columns[table.discriminator.name] = layout.type
        if table.dynamic is not None:
            columns[table.dynamic.name] = layout.documents.encode_dynamic(entity.dynamic)
        if self.guard is not None:
            self.guard.stored(entity, columns)
        held.hold(entity, columns)
        row_id = self.writer.insert(table, columns)
        row = dict.fromkeys(layout.column_names) | columns
        row[table.row_id.name] = row_id
        entity.row, entity.row_id = row, row_id
        self._rows[layout.id, row_id] = row
        self.created.add((layout.id, row_id))
        if self.guard is not None:
            self.guard.inserted(entity)
        self.log(entity, "create", None)
        self._store_document_links(entity, new=True)
        self._settled(entity)

    def _owner_columns(self, table: Table, entity: Entity) -> dict[str, Any]:
        assert table.owner is not None
        if entity.owner is None or entity.owner.row_id is None:
            raise NotImplementedByService(feature=f"Creating an entity of '{table.id}' without its owner")
        found: dict[str, Any] = {table.owner.column.name: entity.owner.row_id}
        if table.owner.source is not None:
            found[table.owner.source.name] = entity.owner.layout.id
        for name in entity.layout.way_back:
            relation = entity.layout.relation(name)
            if isinstance(relation, Reference) and relation.target == entity.owner.layout.id and entity.owner.row is not None:
                found |= {own.name: entity.owner.row[other.name] for own, other in zip(relation.own, relation.other, strict=True)}
        return found

    def _make_key(self, entity: Entity) -> None:
        """The key of an entity whose key the service makes (DESIGN §4): random text, or the next number."""
        for name, path in entity.layout.key_paths:
            place = entity.layout.places.get(path)
            if place is None or entity.values.get(path) is not None:
                continue
            if place.type in ("Edm.String", "Edm.Guid"):
                entity.values[path] = new_key(place.property.type.max_length)
            elif entity.layout.computed(path) and place.type in types.INTEGERS:
                (column,) = entity.layout.columns(path, None)
                entity.values[path] = self.numbers.next(entity.layout.table, column)

    def _fill_in(self, entity: Entity) -> None:
        """Values for the members that neither the body nor a rule gave one."""
        values, schemas, named = entity.values, self.reader.schemas, self.catalogue.enums.named
        for gap in entity.layout.gaps:
            name, place = gap.name, gap.place
            if values.get(name) is not None:
                continue
            if name not in values and gap.default is not None:
                values[name] = named(gap.default(), place.type)
            elif gap.required:
                if place.property.type.collection:
                    values[name] = []
                elif schemas.found_by_service(place.owner, place.property):
                    values[name] = named(schemas.made_up(place.property, self.now), place.type)
                else:
                    raise self.missing(entity, name)

    def missing(self, entity: Entity, name: str) -> ODataError:
        """The error of a member without a value; one that whoever asks cannot see is not named."""
        if name in self.seen.properties(entity.type) or name in self.seen.navigations(entity.type):
            return missing_value(name)
        return Forbidden("Creating this needs values of members that you cannot see")

    def store_update(self, entity: Entity) -> None:
        """Run the rules of an entity's new values and links, then store what is different, where the row is as it
        was read."""
        assert entity.row is not None and entity.row_id is not None
        layout, table, row = entity.layout, entity.layout.table, entity.row
        self.settle(entity)
        changed = frozenset((*entity.assigned, *entity.linked))
        if self.guard is not None:
            self.guard.change("update", entity, changed)
        if self.rules is not None and self.rules.has_rules(entity.type, "update"):
            self.run_rules("update", Entity(self, layout, dict(row)), entity, changed)
        wanted = self.settle(entity)
        for name, value in entity.values.items():
            layout.store(name, value, wanted)
        if table.dynamic is not None:
            wanted[table.dynamic.name] = layout.documents.encode_dynamic(entity.dynamic)
        columns = {name: value for name, value in wanted.items() if row[name] != value}
        if any(column.name in columns for _, column in table.key):
            raise BodyError("The key of an entity cannot change.", code="keyChange")
        if self.guard is not None:
            self.guard.stored(entity, columns)
        relinked = self._store_document_links(entity)
        if columns or relinked:
            if any(column.name in columns for key in table.alternate_keys for _, column in key):
                with self.store.deferred_references():
                    self._rewrite(entity, columns)
                    self._follow(entity, {name: row[name] for name in columns}, columns)
            else:
                self._rewrite(entity, columns)
            was = {name: row[name] for tie in layout.ties if any(name in columns for name in tie) for name in tie}
            gone = lost.marks(layout, row, columns)
            row.update(columns)
            names = sorted({layout.of_column.get(name, name) for name in columns})
            self.log(entity, "update", names + gone, was)
        self._settled(entity)

    def _rewrite(self, entity: Entity, columns: Mapping[str, Any]) -> None:
        assert entity.row is not None and entity.row_id is not None
        version = entity.version
        if not self.writer.update(entity.layout.table, entity.row_id, version, columns):
            raise Retry("The entity changed at the same time")
        entity.row[entity.layout.table.version.name] = version + 1

    def _follow(self, entity: Entity, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """Properties tied to a principal's property take its new value (Protocol §11.4.3)."""
        assert entity.row is not None
        for referrer in self.catalogue.departure(entity.layout.id).referrers:
            pairs = list(zip(referrer.own, referrer.other, strict=True))
            if any(other.name in new for _, other in pairs):
                where = [(own, old.get(other.name, entity.row[other.name])) for own, other in pairs]
                for each in self.all_by_columns(referrer.table, where):
                    values = {own.name: new.get(other.name, entity.row[other.name]) for own, other in pairs}
                    self._rewrite(each, values)
                    assert each.row is not None
                    each.row.update(values)
                    self.log(each, "update", sorted(values))

    @staticmethod
    def _settled(entity: Entity) -> None:
        entity.values, entity.linked, entity.assigned = {}, {}, set()
        entity.expanded = {}

    def _link(self, entity: Entity, name: str, target: Entity, there: bool) -> None:
        relation = entity.layout.relation(name)
        assert isinstance(relation, Link)
        if self.guard is not None:
            self.guard.change("update", entity, (name,))
        pair = {relation.own.name: entity.row_id, relation.other.name: target.row_id}
        present = bool(self.writer.pairs(relation.table, (relation.own.name,), pair))
        if there and not present:
            self.writer.add(relation.table, pair)
        elif present and not there:
            self.writer.remove(relation.table, pair)
        if there != present:
            self.log(entity, "link" if there else "unlink", [name, target.layout.id, target.row_id])
            if entity.handle not in self.created:       # its ETag tells of its links as well (Protocol §11.4.1.1)
                self._rewrite(entity, {})

    def _store_document_links(self, entity: Entity, new: bool = False) -> bool:
        """The link rows of navigation properties inside complex values; whether any changed."""
        changed = False
        for link in entity.layout.links:
            top, *steps = link.path.split("/")
            if top not in entity.values:
                continue
            found: list[tuple[int, Entity]] = []
            said = _linked(entity.values[top], steps, -1, found)
            if not said and not new and (entity.values[top] is not None and not isinstance(entity.values[top], list)
                                         or top not in entity.assigned):
                continue
            if any(target.row_id is None for _, target in found):      # inserted later in the same request
                self._waiting.append((entity, link, found, new))
                changed = True
            else:
                changed = self._keep_links(entity, link, found, new) or changed
        return changed

    def _keep_links(self, entity: Entity, link: DocumentLink, found: list[tuple[int, Entity]], new: bool) -> bool:
        """Make the link rows of one navigation property those found; whether any changed."""
        wanted = {(position, target.row_id or 0) for position, target in found}
        owner, ordinal, target = (column.name for column in link.columns)
        stored = set() if new else set(self.writer.pairs(link.table, (ordinal, target), {owner: entity.row_id}))
        for pair in sorted(stored - wanted):
            self.writer.remove(link.table, {owner: entity.row_id, ordinal: pair[0], target: pair[1]})
        self.writer.add_rows(link.table, (owner, ordinal, target),
                             [(entity.row_id, *pair) for pair in sorted(wanted - stored)])
        return stored != wanted

    # --- streams and log ---------------------------------------------------------------------------------

    def set_stream(self, entity: Entity, name: str, content: bytes | None, media_type: str = "") -> None:
        """Store, replace or (None) remove the content of a stream property."""
        assert entity.handle is not None
        self._refuse_functions()
        if self.guard is not None:
            self.guard.change("update", entity, (name.partition("/")[0],))
        if content is not None:
            streams.put(self.store, *entity.handle, name, [content], media_type)
        elif not streams.delete(self.store, *entity.handle, name):
            return
        self.log(entity, "stream", [name])

    def stream(self, entity: Entity, name: str) -> tuple[bytes, str] | None:
        """Content and media type of a stream property."""
        if entity.handle is None:
            return None
        found = streams.info(self.store, *entity.handle, name)
        return None if found is None else (b"".join(streams.read(self.store, found)), found.content_type)

    def log(self, entity: Entity, kind: str, columns: list[Any] | None, was: Mapping[str, Any] | None = None) -> None:
        """A line of the change log, written by `finish`. `was`: columns by which the entity was tied to others so far →
        their old values."""
        encode = self.catalogue.documents.encode
        columns = [*(columns or ()), dict(was)] if was else columns
        if not self._at:
            self._at = self.writer.bind(AT, self.now)
        self._log.append((entity.layout.id, entity.row_id, encode(dict(entity.key), "Edm.Untyped"), kind,
                          encode(columns, "Edm.Untyped"), self._at, self.principal))

    def finish(self) -> None:
        """Write the change log and keep the search index; the last thing before the transaction ends. Raises Forbidden
        where something written lies outside of what whoever asks may change."""
        if self.guard is not None:
            self.guard.check()
        self.numbers.keep()
        if self._log:
            self.catalogue.search.keep((entry[0], entry[1]) for entry in self._log if entry[3] in INDEXED)
            changelog.take_turn(self.store)
            self.writer.add_rows("odata_changes", LOG, self._log)
            self._log = []


def _linked(value: Any, steps: Sequence[str], ordinal: int, found: list[tuple[int, Entity]]) -> bool:
    """Collects (ordinal, target) below a complex value; whether it says anything of the links at all."""
    if isinstance(value, list):
        said = [_linked(item, steps, index if ordinal < 0 else ordinal, found) for index, item in enumerate(value)]
        return any(said)
    if not isinstance(value, dict) or steps[0] not in value:
        return False
    inner = value[steps[0]]
    if len(steps) > 1:
        return _linked(inner, steps[1:], ordinal, found)
    for target in inner if isinstance(inner, list) else [] if inner is None else [inner]:
        found.append((ordinal, target))
    return True

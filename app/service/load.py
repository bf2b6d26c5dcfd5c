"""Load: the data file into an empty store, all or nothing, and the first start of a store.

The file is one JSON object: set or singleton → entities (DESIGN §2). It is trusted: computed and read-only members
count, rules do not run, references may point forward, the change log starts after it. Row ids are given here, so
every reference is known before the first INSERT and each table takes one `executemany`.
"""

from __future__ import annotations

import gc
import logging
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from app import url
from app.bind import bind
from app.bind import nodes as bound
from app.errors import BodyError, ConfigurationError, ODataError, closest
from app.payload.schemas import Reading
from app.payload.stored import Documents
from app.payload.syntax import read_json
from app.plan.changes import BIND, TYPE, Change, Links, Reference
from app.plan.changes import Stream as Content
from app.service.catalogue import Catalogue
from app.service.finding import below_root, value_of
from app.service.layout import Layout, Write, new_key
from app.store import Store, migrate, schema, streams
from app.store.mapping import Contained, Document, Inverse, Link
from app.store.mapping import Mapping as TableMapping
from app.store.mapping import Reference as Key

Progress = Callable[[str, int, int], None]
LOG = logging.getLogger("odata")
READING = Reading("create", trusted=True, quoted=True)
EPOCH = "0001-01-01T00:00:00Z"
CHUNK = 1000
_ID = re.compile(r"/?([^/()?]+)(?:\('((?:[^'%]|'')*)'\)|/([^/()?'%$.]+))")


def prepare_store(store: Store, mapping: TableMapping, data: Path | None, *, now: str | None = None,
                  progress: Progress | None = None) -> None:
    """Make the tables that are missing and load the data file into a store that nothing was loaded into yet.

    Raises ConfigurationError where the file cannot be read or does not fit the model; then nothing is stored.
    """
    for sentence in migrate.migrate(store, mapping, Documents(mapping.model)):
        LOG.warning("%s", sentence)
    schema.create(store, mapping)
    if schema.setting(store, "data") is not None:
        return
    if data is None:
        return
    with uncollected():
        _load(store, mapping, data, now, progress)


def _load(store: Store, mapping: TableMapping, data: Path, now: str | None, progress: Progress | None) -> None:
    try:
        tree = read_json(data.read_bytes())
    except (OSError, ODataError) as error:
        reason = error.strerror or error if isinstance(error, OSError) else error
        raise ConfigurationError(f"The data file {data} cannot be read: {reason}") from None
    loader = Loader(Catalogue(store, mapping), now)
    loader.gather(tree, progress)
    schema.create(store, mapping, [*loader.items])
    with store.lock():
        if schema.setting(store, "data") is None:
            with store.write():
                loader.store(progress)
                schema.set_setting(store, "data", data.name)


def stored_secret(store: Store) -> bytes:
    """The key that signs tokens, made with the store."""
    found = schema.setting(store, "secret") if store.has_table("odata_meta") else None
    if found is None:
        raise ConfigurationError("The database has not been set up for this model")
    return bytes.fromhex(found)


@dataclass(slots=True)
class Item:
    """One entity of the file with its row to be."""

    layout: Layout
    row_id: int
    columns: dict[str, Any]
    at: str


@dataclass(frozen=True, slots=True)
class Pending:
    """A link of an item, to be resolved when every item has its row id; `ordinal` for those inside complex values."""

    item: Item
    name: str
    target: str
    reference: Reference
    path: str = ""
    ordinal: int = -1


class Loader:
    """Loads one file."""

    def __init__(self, catalogue: Catalogue, now: str | None = None) -> None:
        self.catalogue, self.store_, self.mapping, self.model = (
            catalogue, catalogue.store, catalogue.mapping, catalogue.model)
        self.now = now or EPOCH
        self.items: dict[str, list[Item]] = {}
        self.pending: list[Pending] = []
        self.keys: dict[tuple[Any, ...], Item] = {}
        self.links: dict[tuple[str, str, str], dict[tuple[int, int], None]] = {}
        self.documents: dict[str, tuple[tuple[str, ...], list[tuple[int, int, int]]]] = {}
        self.contents: list[tuple[Item, str, Content]] = []
        self._ids: dict[str, Item] = {}
        self._fitting: set[tuple[str, str]] = set()
        self._leading: dict[str, bool] = {}
        self._places: dict[Layout, list[tuple[str, Write, str | None, Callable[[], Any] | None]]] = {}

    # --- the file as items -------------------------------------------------------------------------------

    def gather(self, tree: Any, progress: Progress | None = None) -> None:
        """Read every entity of the file. Raises ConfigurationError naming the first that is wrong."""
        if not isinstance(tree, Mapping):
            raise ConfigurationError("The data file is not a JSON object of entity sets")
        for name, value in tree.items():
            if self.model.source_of(name) is None:
                raise ConfigurationError(f"The data file names '{name}', and the model has no such set",
                                         hint=closest(name, (*self.model.sets, *self.model.singletons)))
            entities = [value] if name in self.model.singletons else value
            if not isinstance(entities, list):
                raise ConfigurationError(f"'{name}' in the data file is not an array of entities")
            type = self.mapping.table(name).type
            for index, entity in enumerate(entities):
                at = f"{name}[{index}]"
                try:
                    self._place(name, self.catalogue.reader.read_entity(entity, type, READING), at)
                except BodyError as error:
                    raise _misfit(at, error) from None
                if progress is not None and (index + 1) % CHUNK == 0:
                    progress(name, index + 1, len(entities))
            if progress is not None:
                progress(name, len(entities), len(entities))
        for pending in self.pending:
            self._connect(pending)

    def _place(self, id: str, change: Change, at: str, owner: Item | None = None) -> Item:
        """An item for an entity, and for those nested in it."""
        layout = self.catalogue.layout(id, change.type)
        if change.only_key:     # the reader leaves the values of such an object to who knows that it is a new entity
            change = replace(change, values={part.path: change.key[part.name] for part in self.model.key(change.type)
                                             if part.name in change.key})
        table, placed = layout.table, self.items.setdefault(id, [])
        if table.singleton and placed:
            raise ConfigurationError(f"{at}: there is one '{id}'")
        item = Item(layout, len(placed) + 1, {}, at)
        placed.append(item)
        columns = item.columns
        columns[table.row_id.name], columns[table.version.name] = item.row_id, secrets.randbits(61) + 1
        if table.discriminator is not None:
            columns[table.discriminator.name] = layout.type
        if table.dynamic is not None:
            columns[table.dynamic.name] = layout.documents.encode_dynamic(change.dynamic)
        if table.owner is not None and owner is not None:
            columns[table.owner.column.name] = owner.row_id
            if table.owner.source is not None:
                columns[table.owner.source.name] = owner.layout.id
            for name in layout.way_back:
                relation = layout.relation(name)
                if isinstance(relation, Key) and relation.target == owner.layout.id:
                    columns |= {own.name: owner.columns[other.name]
                                for own, other in zip(relation.own, relation.other, strict=True)}
        self._values(item, change)
        self._index(item, owner)
        for name, links in change.links.items():
            self._links(item, name, links, at)
        self.contents += [(item, name, stream) for name, stream in change.streams.items()]
        return item

    def _values(self, item: Item, change: Change) -> None:
        layout, values, columns = item.layout, change.values, item.columns
        places = self._places.get(layout)
        if places is None:
            places = self._places[layout] = self._prepared(layout)
        for name, write, document, make in places:
            value = values.get(name)
            if value is None:
                value = None if make is None else make()
            elif document is not None:
                value = self._document(item, document, name, value)
            write(value, columns)

    def _prepared(self, layout: Layout) -> list[tuple[str, Write, str | None, Callable[[], Any] | None]]:
        """Of each member: name, what puts it into columns, its type where it is a document, what makes a missing value."""
        schemas, keys = self.catalogue.reader.schemas, dict(layout.key_paths).values()
        found: list[tuple[str, Write, str | None, Callable[[], Any] | None]] = []
        for name, place in layout.places.items():
            make: Callable[[], Any] | None = None
            if not schemas.nullable(place.property):
                own = place.property
                make = partial(new_key, own.type.max_length) if name in keys else partial(schemas.made_up, own, self.now)
            document = place.storage.type if isinstance(place.storage, Document) else None
            found.append((name, layout.writer(name), document, make))
        return found

    def _document(self, item: Item, type: str, name: str, value: Any) -> Any:
        if self.model.kind(type) != "complex":
            return self.catalogue.enums.named(value, type)
        schemas = self.catalogue.reader.schemas
        many = isinstance(value, list)
        items = [schemas.complete(type, each) if each is not None else None for each in (value if many else [value])]
        for ordinal, each in enumerate(items if self._leads(type) else ()):
            self._document_links(item, each, type, name, ordinal if many else -1)
        named = [self.catalogue.enums.named(each, type) for each in items]
        return named if many else named[0]

    def _leads(self, type: str, above: frozenset[str] = frozenset()) -> bool:
        """Whether values of a complex type can hold links."""
        found = self._leading.get(type)
        if found is None:
            model = self.model
            found = type not in above and model.structured(type) is not None and any(
                bool(model.navigations(each)) or any(
                    self._leads(model.underlying(member.type).name, above | {type})
                    for member in model.properties(each).values()) for each in (type, *model.derived(type)))
            if not above:
                self._leading[type] = found
        return found

    def _document_links(self, item: Item, value: Any, type: str, path: str, ordinal: int) -> None:
        if not isinstance(value, Mapping):
            return
        given = value.get(TYPE)
        actual = self.model.full(given.removeprefix("#")) if isinstance(given, str) else type
        members = self.model.properties(actual) if self.model.structured(actual) else {}
        for name, inner in value.items():
            bare = name.removesuffix(BIND)
            if name.endswith(BIND) and isinstance(inner, Links):
                for target in inner.targets:
                    if not isinstance(target, Reference):
                        raise ConfigurationError(f"{item.at}: an entity inside a complex value cannot be loaded")
                    here = f"{path}/{bare}"
                    link = next((each for each in item.layout.links if each.path == here), None)
                    if link is None:
                        raise ConfigurationError(f"{item.at}: '{here}' is bound to no entity set")
                    self.pending.append(Pending(item, bare, link.target, target, here, ordinal))
            elif name in members and isinstance(inner, Mapping | list):
                below = self.model.underlying(members[name].type).name
                for index, each in enumerate(inner if isinstance(inner, list) else [inner]):
                    self._document_links(item, each, below, f"{path}/{name}", index if ordinal < 0 and isinstance(
                        inner, list) else ordinal)

    def _links(self, item: Item, name: str, links: Links, at: str) -> None:
        relation = item.layout.relation(name)
        target = getattr(relation, "target", None)
        if not isinstance(relation, Key | Inverse | Link | Contained):
            raise ConfigurationError(f"{at}: '{name}' stores no links")
        for index, each in enumerate(links.targets):
            here = f"{at}/{name}[{index}]" if item.layout.navigations[name].collection else f"{at}/{name}"
            if isinstance(each, Change):
                placed = self._place(relation.target, each, here, item if isinstance(relation, Contained) else None)
                if not isinstance(relation, Contained):
                    self._join(item, name, placed)
            elif isinstance(relation, Contained):
                raise ConfigurationError(f"{here}: contained entities are written inside their owner")
            else:
                self.pending.append(Pending(item, name, str(target), each))

    # --- references --------------------------------------------------------------------------------------

    def _index(self, item: Item, owner: Item | None) -> None:
        table = item.layout.table
        key = tuple(item.columns[column.name] for _, column in table.key)
        if not key:
            return
        where = (table.id, owner.row_id if owner else 0, owner.layout.id if owner else "", key)
        if where in self.keys:
            raise ConfigurationError(f"{item.at}: there is already an entity with the key {', '.join(map(str, key))}")
        self.keys[where] = item

    def _connect(self, pending: Pending) -> None:
        target = self._named(pending.reference.url)
        if target is None:
            raise ConfigurationError(f"{pending.item.at}: '{pending.reference.url}' names no entity of the file")
        if target.layout.id != pending.target:
            raise ConfigurationError(f"{pending.item.at}: '{pending.name}' leads to '{pending.target}', and "
                                     f"'{pending.reference.url}' is one of '{target.layout.id}'")
        if not pending.path:
            self._join(pending.item, pending.name, target)
            return
        link = next(each for each in pending.item.layout.links if each.path == pending.path)
        names = tuple(column.name for column in link.columns)
        self.documents.setdefault(link.table, (names, []))[1].append(
            (pending.item.row_id, pending.ordinal, target.row_id))

    def _join(self, item: Item, name: str, target: Item) -> None:
        relation = item.layout.relation(name)
        navigation = item.layout.navigations[name]
        types = target.layout.type, navigation.type
        if types not in self._fitting and self.model.is_a(*types):
            self._fitting.add(types)
        if types not in self._fitting:
            raise ConfigurationError(f"{item.at}: '{name}' leads to {navigation.type}, not to {target.layout.type}")
        match relation:
            case Key(_, own, other):
                for here, there in zip(own, other, strict=True):
                    item.columns[here.name] = target.columns[there.name]
            case Inverse(_, own, other):
                for here, there in zip(own, other, strict=True):
                    target.columns[there.name] = item.columns[here.name]
            case Link(_, table, own, other):
                first = own == relation.columns[0]
                pair = (item.row_id, target.row_id) if first else (target.row_id, item.row_id)
                names = (relation.columns[0].name, relation.columns[1].name)
                self.links.setdefault((table, *names), {})[pair] = None

    def _named(self, text: str) -> Item | None:
        """The item that an id names: `Set('k')`, `Set/k`, or any path of keys and containments."""
        found = self._ids.get(text)
        if found is None:
            simple = _ID.fullmatch(text)
            table = self.mapping.table(simple[1]) if simple and simple[1] in self.model.sets else None
            if simple and table is not None and len(table.key) == 1 and table.key[0][1].type == "Edm.String":
                key = simple[2].replace("''", "'") if simple[2] is not None else unquote(simple[3])
                found = self.keys.get((table.id, 0, "", (key,)))
            if found is None:
                found = self._walk(text)
            if found is not None:
                self._ids[text] = found
        return found

    def _walk(self, text: str) -> Item | None:
        relative = below_root(text, "http://localhost/") if "://" in text else text.lstrip("/")
        try:
            steps = bind(url.parse(relative or "", ""), self.model).resource.steps
        except ODataError:
            return None
        item: Item | None = None
        id, owner = "", None
        for step in steps:
            match step:
                case bound.SetStep(element):
                    id, owner, item = element.name, None, None
                case bound.SingletonStep(singleton):
                    placed = self.items.get(singleton.name)
                    id, item = singleton.name, placed[0] if placed else None
                case bound.NavigationStep(navigation, declaring) if item is not None:
                    relation = self.mapping.relation(id, declaring, navigation.name)
                    owner = item if isinstance(relation, Contained) else None
                    id, item = getattr(relation, "target", ""), None
                    if owner is not None and not navigation.collection:
                        item = self._contained(id, owner)
                case bound.KeyStep(pairs):
                    values = {name: value_of(value, (), self.model) for name, value in pairs}
                    table = self.mapping.table(id)
                    key = tuple(values.get(name) for name, _ in table.key)
                    item = self.keys.get((id, owner.row_id if owner else 0, owner.layout.id if owner else "", key))
        return item

    def _contained(self, id: str, owner: Item) -> Item | None:
        """The one entity of a single-valued containment."""
        place = self.mapping.table(id).owner
        assert place is not None
        for item in self.items.get(id, ()):
            source = owner.layout.id if place.source is None else item.columns[place.source.name]
            if item.columns[place.column.name] == owner.row_id and source == owner.layout.id:
                return item
        return None

    # --- the items as rows -------------------------------------------------------------------------------

    def store(self, progress: Progress | None = None) -> None:
        """Insert everything, inside a transaction."""
        writer = self.catalogue.writer
        tables = [each for id in self.items for each in schema.definitions(self.mapping, id)]
        with schema.filling(self.store_, dict.fromkeys(tables)), self.store_.deferred_references():
            for id, items in self.items.items():
                table = self.mapping.table(id)
                for start in range(0, len(items), CHUNK):
                    writer.insert_rows(table, [item.columns for item in items[start:start + CHUNK]])
                    if progress is not None:
                        progress(f"{id} (storing)", min(start + CHUNK, len(items)), len(items))
                writer.advance(table)
            for (name, first, second), pairs in self.links.items():
                writer.add_rows(name, (first, second), list(pairs))
            for name, (names, triples) in self.documents.items():
                writer.add_rows(name, names, triples)
        for item, slot, content in self.contents:
            streams.put(self.store_, item.layout.id, item.row_id, slot, [content.content or b""],
                        content.media_type or "application/octet-stream")


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for garbage inside: millions of live objects are made there, and each search would visit them all."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _misfit(at: str, error: BodyError) -> ConfigurationError:
    faults = [f"{detail.target or ''}: {detail.message}" for detail in error.details[:5]] or [
        f"{error.target}: {error.text}" if error.target else error.text]
    return ConfigurationError(f"{at} in the data file does not fit the model: {' '.join(faults)}")

"""Schema: the mapping as tables, keys, references and indexes in the database; the tables of the service itself.

`create` makes what is missing, `ensure` the tables of one mapping id when a large model first needs them. `odata_tables`
remembers the fingerprint of every table that was made. Raises ConfigurationError where the database holds another form of
a table.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import peewee as pw

from app.errors import ConfigurationError
from app.store import content
from app.store.database import Retry, Store, connect
from app.store.clauses import infix, words
from app.store.mapping import (Column, DocumentLink, Index, Inverse, Link, Mapping, Reference, Table, hashed, identifier)

FORMS = "odata_forms"
BEGUN = ""      # the fingerprint of tables that are being made
EAGER = 200     # as many tables are made at the start: all, or those of sets and singletons; others when first used


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Own columns = columns of another table; `on_delete`: CASCADE, SET NULL or NO ACTION."""

    columns: tuple[str, ...]
    table: str
    other: tuple[str, ...]
    on_delete: str


@dataclass(frozen=True, slots=True)
class Definition:
    """One table of the database. `identity`: the column that numbers rows, the primary key when there is one; `clustered`:
    rows that are little more than their key are kept in its order on SQLite too."""

    name: str
    columns: tuple[Column, ...]
    identity: str | None = None
    key: tuple[str, ...] = ()
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    defaults: tuple[tuple[str, str], ...] = ()      # extra columns: name, type and default in SQL
    clustered: bool = False


# --- the tables of the service itself --------------------------------------------------------------------

def _text(name: str, length: int | None = 255, nullable: bool = False) -> Column:
    return Column(name, "Edm.String", "Edm.String", nullable, length)


def _number(name: str) -> Column:
    return Column(name, "Edm.Int64", "Edm.Int64", False)


def _json(name: str) -> Column:
    return Column(name, "json", "json")


def system_tables(dialect_name: str) -> tuple[Definition, ...]:
    """The tables every store has: settings, tables made and their forms, change log, streams and their chunks, jobs,
    search index."""
    boundary = (("xid", "xid8 NOT NULL DEFAULT pg_current_xact_id()"),) if dialect_name == "postgresql" else ()
    by_boundary = (Index((("xid", False), ("sequence", False))),) if boundary else ()
    return (
        Definition("odata_meta", (_text("name", 191), _text("value", None)), key=("name",)),
        Definition("odata_tables", (_text("id"), _text("fingerprint", 64), _text("names", None)), key=("id",)),
        Definition(FORMS, (_text("id"), _text("wanted", None), _text("present", None)), key=("id",)),
        Definition("odata_changes", (
            _number("sequence"), _text("source"), _number("row"), _json("key"), _text("kind", 20), _json("columns"),
            Column("at", "Edm.DateTimeOffset", "Edm.DateTimeOffset", False), _text("principal", 255, True)),
            "sequence", indexes=by_boundary, defaults=boundary),
        Definition("odata_streams", (
            _number("id"), _text("source"), _number("row"), _text("name"), _text("content_type"), _number("length"),
            _number("version")),
            "id", indexes=(Index((("source", False), ("row", False), ("name", False)), True),)),
        Definition("odata_chunks", (
            _number("stream"), _number("ordinal"), Column("data", "Edm.Binary", "Edm.Binary", False)),
            key=("stream", "ordinal"),
            foreign_keys=(ForeignKey(("stream",), "odata_streams", ("id",), "CASCADE"),)),
        Definition("odata_jobs", (
            _number("number"), _text("id", 64), _text("state", 20), _number("made"), _text("principal", None),
            _text("method", 20), _text("target", None), _text("root", None), _text("headers", None),
            _text("callback", None, True), _text("holder", 255, True), _number("lease"), _number("attempts"),
            _number("status"), _text("answer", None, True)),
            "number", indexes=(Index((("id", False),), True), Index((("state", False), ("lease", False))))),
        Definition("odata_search", (_text("source"), _number("row"), _text("term"), _number("position")),
                   key=("term", "source", "row", "position"), indexes=(Index((("source", False), ("row", False))),),
                   clustered=True))


# --- the tables of a model -------------------------------------------------------------------------------

def definitions(mapping: Mapping, id: str) -> tuple[Definition, ...]:
    """The table of a mapping id, then the link tables of its navigation properties."""
    table = mapping.table(id)
    links = [link_table(mapping, each) for each in _links(mapping, id)]
    documents = [document_link_table(mapping, each) for each in mapping.document_links(id)]
    return (Definition(table.name, table.columns, table.row_id.name, (), tuple(_indexes(table)),
                       tuple(_foreign_keys(mapping, table))), *links, *documents)


def _links(mapping: Mapping, id: str) -> Iterator[Link]:
    seen = set()
    for owner, navigation in mapping.navigations(id):
        relation = mapping.relation(id, owner, navigation.name)
        if isinstance(relation, Link) and relation.table not in seen:
            seen.add(relation.table)
            yield relation


def link_table(mapping: Mapping, link: Link) -> Definition:
    """The rows of a many-to-many relation: pairs of row ids."""
    first, second = mapping.table(link.first), mapping.table(link.second)
    left, right = (column.name for column in link.columns)
    return Definition(link.table, link.columns, None, (left, right), (Index(((right, False), (left, False))),), (
        ForeignKey((left,), first.name, (first.row_id.name,), "CASCADE"),
        ForeignKey((right,), second.name, (second.row_id.name,), "CASCADE")))


def document_link_table(mapping: Mapping, link: DocumentLink) -> Definition:
    """The links of navigation properties inside complex values."""
    owner, target = mapping.table(link.owner), mapping.table(link.target)
    names = tuple(column.name for column in link.columns)
    return Definition(link.table, link.columns, None, names, (Index(((names[2], False), (names[0], False))),), (
        ForeignKey((names[0],), owner.name, (owner.row_id.name,), "CASCADE"),
        ForeignKey((names[2],), target.name, (target.row_id.name,), "CASCADE")))


def _indexes(table: Table) -> Iterator[Index]:
    """The indexes of a table; those that are not unique end in the row id, in the direction of the column before,
    because every order that a client asks for ends so."""
    for index in table.indexes:
        yield index if index.unique else Index((*index.columns, (table.row_id.name, index.columns[-1][1])))


def _foreign_keys(mapping: Mapping, table: Table) -> Iterator[ForeignKey]:
    seen: set[tuple[str, ...]] = set()
    if table.owner is not None and table.owner.source is None:
        owner = mapping.table(table.owner.tables[0])
        seen.add((table.owner.column.name,))
        yield ForeignKey((table.owner.column.name,), owner.name, (owner.row_id.name,), "CASCADE")
    for declaring, navigation in mapping.navigations(table.id):
        relation = mapping.relation(table.id, declaring, navigation.name)
        if not isinstance(relation, Reference):
            continue
        columns = tuple(column.name for column in relation.own)
        if columns not in seen and enforceable(mapping, relation):
            seen.add(columns)
            yield ForeignKey(columns, mapping.table(relation.target).name,
                             tuple(column.name for column in relation.other),
                             _on_delete(mapping, table, declaring, navigation.name, relation))


def enforceable(mapping: Mapping, reference: Reference) -> bool:
    """Whether the database can check a reference: its columns are unique in the target and of the same types."""
    target = mapping.table(reference.target)
    wanted = {column.name for column in reference.other}
    unique = wanted == {target.row_id.name} or any(
        index.unique and {name for name, _ in index.columns} == wanted for index in target.indexes)
    return unique and all((own.type, own.precision) == (other.type, other.precision)
                          for own, other in zip(reference.own, reference.other, strict=True))


def _on_delete(mapping: Mapping, table: Table, declaring: str, name: str, reference: Reference) -> str:
    """What happens to rows of this table when the row they refer to goes: OnDelete of the partner says it (DESIGN
    §4)."""
    said = None
    for owner, navigation in mapping.navigations(reference.target):
        if navigation.on_delete is None:
            continue
        back = mapping.relation(reference.target, owner, navigation.name)
        if isinstance(back, Inverse) and back.target == table.id and back.partner == (declaring, name):
            said = navigation.on_delete or said
    if said == "Cascade":
        return "CASCADE"
    keys = {column.name for _, column in table.key}
    optional = reference.nullable and all(column.nullable and column.name not in keys for column in reference.own)
    return "SET NULL" if optional and said in (None, "SetNull") else "NO ACTION"


# --- SQL -------------------------------------------------------------------------------------------------

def quoted(*path: str) -> pw.Entity:
    """An identifier. Raises ConfigurationError for a name with '%', which drivers would read as a placeholder."""
    for name in path:
        if "%" in name or "\0" in name:
            raise ConfigurationError(f"The name '{name}' cannot be used in the database")
    return pw.Entity(*path)


def _listed(items: Iterable[Any]) -> pw.NodeList:
    return pw.NodeList(list(items), ", ", True)


IDENTITY = {"sqlite": "INTEGER PRIMARY KEY", "postgresql": "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
            "cockroachdb": "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
            "mariadb": "BIGINT AUTO_INCREMENT PRIMARY KEY"}
TABLE_OPTIONS = {"mariadb": "ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin"}


def create_table(store: Store, definition: Definition) -> list[str]:
    """CREATE TABLE and CREATE INDEX; on SQLite with the references, which elsewhere follow (`references`)."""
    dialect = store.dialect
    parts: list[Any] = []
    for column in definition.columns:
        if column.name == definition.identity:
            parts.append(words(quoted(column.name), IDENTITY[dialect.name]))
            continue
        kind = dialect.ddl_type(column)
        parts.append(words(quoted(column.name), kind if column.nullable else not_null(kind)))
    parts += [words(quoted(name), kind) for name, kind in definition.defaults]
    if definition.key:
        parts.append(words("PRIMARY KEY", _listed(quoted(name) for name in definition.key)))
    if dialect.name == "sqlite":
        parts += [words("FOREIGN KEY", *_reference(key)) for key in definition.foreign_keys]
    table = words("CREATE TABLE", quoted(definition.name), _listed(parts))
    if definition.clustered and dialect.name == "sqlite":
        table.nodes.append(pw.SQL("WITHOUT ROWID"))
    if options := TABLE_OPTIONS.get(dialect.name):
        table.nodes.append(pw.SQL(options))
    return [store.compile(statement)[0] for statement in (table, *_create_indexes(store, definition))]


def not_null(kind: str) -> str:
    """The type of a column that is never null: NOT NULL stands before a CHECK."""
    head, check, rest = kind.partition(" CHECK ")
    return f"{head} NOT NULL{check}{rest}"


def _reference(key: ForeignKey) -> list[Any]:
    return [_listed(quoted(name) for name in key.columns), "REFERENCES", quoted(key.table),
            _listed(quoted(name) for name in key.other), f"ON DELETE {key.on_delete}"]


def index_name(table: str, index: Index) -> str:
    """The name of an index in the database."""
    return _name_for(table, *(name for name, _ in index.columns), "key" if index.unique else "index")


def reference_name(table: str, key: ForeignKey) -> str:
    """The name of a reference in the database."""
    return _name_for(table, *key.columns, "reference")


def _name_for(table: str, *parts: str) -> str:
    """A name of a table's own: names are for the whole database, and `A` and `B_C` are joined to what `A_B` and `C` are."""
    name = identifier(table, *parts)
    ours = table.startswith("odata_") or table.endswith("_link")
    return hashed(name, table, *parts) if "_" in table and not ours else name


def _create_indexes(store: Store, definition: Definition) -> Iterator[pw.Node]:
    postgresql = store.dialect.name in ("postgresql", "cockroachdb")
    columns = {column.name: column for column in definition.columns}
    implied = (definition.identity, False) if store.dialect.name == "sqlite" else None      # named, SQLite would keep it twice
    for index in definition.indexes:
        parts = []
        for name, descending in index.columns[:-1] if index.columns[-1] == implied else index.columns:
            column = columns.get(name)
            order = ["DESC"] if descending else []
            if postgresql and (column is None or column.nullable):      # ORDER BY says it for nullable columns only
                order.append("NULLS LAST" if descending else "NULLS FIRST")
            long = store.dialect.name == "mariadb" and not index.unique and column is not None and column.type in (
                "Edm.String", "json", "Edm.Binary") and (column.max_length is None or column.max_length > 255)
            parts.append(words(quoted(name), *(["(191)"] if long else []), *order))
        yield words("CREATE UNIQUE INDEX" if index.unique else "CREATE INDEX",
                    quoted(index_name(definition.name, index)), "ON", quoted(definition.name), _listed(parts))


@contextlib.contextmanager
def filling(store: Store, definitions: Iterable[Definition]) -> Iterator[None]:
    """Inside a transaction: tables that hold nothing get many rows, and the indexes that no check needs are made of all of
    them at the end; that takes less time, and leaves them denser. Where a transaction cannot do that all stay."""
    loose: list[Definition] = []
    for each in definitions if store.dialect.name in ("sqlite", "postgresql") else ():
        checked = {key.columns for key in each.foreign_keys}
        found = tuple(index for index in each.indexes if not index.unique and not any(
            columns == tuple(name for name, _ in index.columns[:len(columns)]) for columns in checked))
        if found:
            loose.append(replace(each, indexes=found))
    for each in loose:
        for index in each.indexes:
            store.execute(*store.compile(words("DROP INDEX IF EXISTS", quoted(index_name(each.name, index)))))
    yield
    for each in loose:
        for text in create_table(store, each)[1:]:
            store.execute(text)


def references(store: Store, definition: Definition) -> list[tuple[str, str]]:
    """(table referred to, ALTER TABLE … ADD CONSTRAINT) for databases where references follow the tables."""
    if store.dialect.name == "sqlite":
        return []
    deferrable = ["DEFERRABLE INITIALLY IMMEDIATE"] if store.dialect.name == "postgresql" else []
    return [(key.table, store.compile(words(
        "ALTER TABLE", quoted(definition.name), "ADD CONSTRAINT",
        quoted(reference_name(definition.name, key)),
        "FOREIGN KEY", *_reference(key), *deferrable))[0]) for key in definition.foreign_keys]


def fingerprint(store: Store, parts: Iterable[Definition]) -> str:
    """What changes when the form of a table changes: what its DDL is made of."""
    kind = store.dialect.ddl_type
    forms = [(each.name, [(column.name, kind(column), column.nullable) for column in each.columns], each.identity, each.key,
              [(index.columns, index.unique) for index in each.indexes],
              [(key.columns, key.table, key.other, key.on_delete) for key in each.foreign_keys], each.defaults)
             for each in parts]
    return hashlib.sha256(repr(forms).encode()).hexdigest()


def form(parts: Iterable[Definition]) -> str:
    """Definitions as text, to be compared and read again."""
    return json.dumps([[
        each.name, [[column.name, column.type, column.edm, column.nullable, column.max_length, column.precision, column.scale]
                    for column in each.columns],
        each.identity, each.key, [[index.columns, index.unique] for index in each.indexes],
        [[key.columns, key.table, key.other, key.on_delete] for key in each.foreign_keys]] for each in parts])


def wanted(mapping: Mapping, id: str) -> str:
    """What the model wants of the tables of a mapping id: their form, what their columns mean, and the types that rows can be
    of."""
    return "\n".join((form(definitions(mapping, id)), content.describe(mapping, id), *mapping.family(id)))


# --- doing it --------------------------------------------------------------------------------------------

def create(store: Store, mapping: Mapping, sources: Iterable[str] | None = None) -> None:
    """Make the tables that are missing: of the service, and of `sources` (those of the start when None); and check those
    that are there."""
    with store.lock(), together(store):
        _create_system(store)
        _make(store, mapping, _wanted(mapping, _known(store)) if sources is None else list(sources))


def _wanted(mapping: Mapping, known: Iterable[str]) -> list[str]:
    """What there is to be from the start, as far as it is not too much, and what of the rest is there already."""
    ids = list(mapping.sources())
    sources = [id for id in ids if "/" not in id]
    first = next((each for each in (ids, sources) if len(each) <= EAGER), [])
    there = set(known)
    return list(dict.fromkeys((*first, *(id for id in ids if id in there))))


def grows(mapping: Mapping) -> bool:
    """Whether the model is so large that its tables are made when they are first used (DESIGN §4)."""
    return sum(1 for _ in mapping.sources()) > EAGER


def present(store: Store, id: str) -> bool:
    """Whether the table of a mapping id is there."""
    return id in (store.tables or ()) or id in _known(store)


def ensure(store: Store, mapping: Mapping, id: str) -> None:
    """Make the table of a mapping id if it is not there; as part of the transaction that is open, if one is. Where the
    making of a table would end that one (MariaDB) it is done before the transaction is run again (Retry)."""
    if not present(store, id):
        if store.in_transaction and store.dialect.name == "mariadb":
            lost = Retry(f"The store has no table for '{id}' yet")
            lost.remedy = lambda: ensure(store, mapping, id)
            raise lost
        with contextlib.nullcontext() if store.in_transaction else store.lock(), together(store):
            _make(store, mapping, [id])


def _undoes(store: Store) -> bool:
    """Whether the database can undo the making of tables."""
    return store.dialect.name != "mariadb"


def together(store: Store) -> contextlib.AbstractContextManager[None]:
    """All or nothing, where the database can undo the making of tables; else `_sweep` clears away what was begun."""
    return store.write() if _undoes(store) else contextlib.nullcontext()


def erase(url: str) -> None:
    """Drop every table that the service made in a database; tables of others stay."""
    store = connect(url)
    try:
        if not store.has_table("odata_tables"):
            return
        rows = store.run(*store.compile(pw.Table("odata_tables").alias("t1").select(pw.Entity("t1", "names"))))
        names = {name for names, in rows for name in names.split("\n")}
        names |= {each.name for each in system_tables(store.dialect.name)}
        with store.unchecked_references():
            for name in sorted(names,
                               key=lambda name: (name == "odata_tables", name)):     # what is left is known to the last
                store.execute(store.compile(words("DROP TABLE IF EXISTS", quoted(name),
                                                  *CASCADE.get(store.dialect.name, [])))[0])
    finally:
        store.close()


CASCADE = {"postgresql": ["CASCADE"], "cockroachdb": ["CASCADE"]}


def _known(store: Store) -> dict[str, str]:
    store.tables = dict(store.run(*store.compile(pw.Table("odata_tables").alias("t1").select(
        pw.Entity("t1", "id"), pw.Entity("t1", "fingerprint")).where(
            infix(pw.Entity("t1", "fingerprint"), "<>", pw.Value(BEGUN))))))
    return store.tables


def _check(store: Store, mapping: Mapping, id: str, known: dict[str, str]) -> None:
    if known[id] != fingerprint(store, definitions(mapping, id)):
        raise ConfigurationError(f"The database holds another form of '{id}' than the model asks for")


def _drop(store: Store, names: Iterable[str]) -> None:
    """Drop tables that are there, and (on MariaDB) what refers to them."""
    with store.unchecked_references():
        for name in names:
            for table, key in store.run(
                    "SELECT table_name, constraint_name FROM information_schema.referential_constraints "
                    "WHERE constraint_schema = DATABASE() AND referenced_table_name = %s", (name,)):
                store.execute(store.compile(words("ALTER TABLE", quoted(table), "DROP FOREIGN KEY", quoted(key)))[0])
            store.execute(store.compile(words("DROP TABLE IF EXISTS", quoted(name)))[0])


def _sweep(store: Store) -> None:
    """Clear away the tables that were begun and never finished, where the database did not (MariaDB)."""
    rows = store.run(*store.compile(pw.Table("odata_tables").alias("t1").select(pw.Entity("t1", "names")).where(
        infix(pw.Entity("t1", "fingerprint"), "=", pw.Value(BEGUN)))))
    if rows:
        _drop(store, [name for names, in rows for name in names.split("\n")])
        store.execute(*store.compile(pw.Table("odata_tables").delete().where(
            infix(pw.Entity("fingerprint"), "=", pw.Value(BEGUN)))))


def _note(store: Store, id: str, fingerprint: str, names: str) -> None:
    """Note the tables of a mapping id."""
    store.execute(*store.compile(pw.Table("odata_tables").insert(
        [(id, fingerprint, names)], columns=[pw.Entity("id"), pw.Entity("fingerprint"), pw.Entity("names")])))


def _finish(store: Store, id: str, fingerprint: str) -> None:
    """Note that tables which were begun are there."""
    store.execute(*store.compile(pw.Table("odata_tables").update({pw.Entity("fingerprint"): pw.Value(fingerprint)}).where(
        infix(pw.Entity("id"), "=", pw.Value(id)))))


def _create_system(store: Store) -> None:
    known = store.has_table("odata_meta")
    if known and not _undoes(store) and setting(store, "secret") is None:       # a start that ended half way
        _drop(store, [each.name for each in system_tables(store.dialect.name) if each.name != "odata_meta"] + ["odata_meta"])
        known = False
    for definition in system_tables(store.dialect.name):
        if known and store.has_table(definition.name):
            continue                # a store made before there was this table
        for text in (*create_table(store, definition), *(reference for _, reference in references(store, definition))):
            store.execute(text)
    if not known:
        set_setting(store, "secret", secrets.token_hex(32))


def _make(store: Store, mapping: Mapping, ids: list[str]) -> None:
    """Tables first, then the references between those that exist by now: from the new ones, and to them."""
    if not _undoes(store):
        _sweep(store)
    known = _known(store)
    made: set[str] = set()
    later = bool(known)
    for id in ids:
        if id in known:
            _check(store, mapping, id, known)
    new = {id: definitions(mapping, id) for id in ids if id not in known}
    rows = [(id, fingerprint(store, parts), "\n".join(each.name for each in parts)) for id, parts in new.items()]
    for id, form, names in rows:
        _note(store, id, form if _undoes(store) else BEGUN, names)
    for parts in new.values():
        for definition in parts:
            if definition.name in made or later and store.has_table(definition.name):
                if definition is parts[0]:
                    raise ConfigurationError(f"The database has a table '{definition.name}' already: give the new one "
                                             "another name (Store.Table)")
                continue        # a link table, made with the table at its other end
            for text in create_table(store, definition):
                store.execute(text)
            made.add(definition.name)
    known |= {id: form for id, form, _ in rows}
    _refer(store, mapping, known, made)
    if not _undoes(store):
        for id, form, _ in rows:
            _finish(store, id, form)
    _remember(store, mapping, ids)


def _remember(store: Store, mapping: Mapping, ids: list[str]) -> None:
    """Remember the forms of tables that are as the model wants them, for the day when it wants another one."""
    there = {id for id, in store.run(*store.compile(pw.Table(FORMS).alias("t1").select(pw.Entity("t1", "id"))))}
    for id in ids:
        if id not in there:
            rows = [(id, wanted(mapping, id), form(definitions(mapping, id)))]
            store.execute(*store.compile(pw.Table(FORMS).insert(
                rows, columns=[pw.Entity(name) for name in ("id", "wanted", "present")])))


def adapted(store: Store, mapping: Mapping, id: str, present: tuple[Definition, ...], more: Iterable[str]) -> None:
    """Note that the tables of a mapping id are in the form of the model now; `more`: tables of it that were kept."""
    parts = definitions(mapping, id)
    names = "\n".join(dict.fromkeys((*(each.name for each in parts), *more)))
    for table, values in (("odata_tables", {"fingerprint": fingerprint(store, parts), "names": names}),
                          (FORMS, {"wanted": wanted(mapping, id), "present": form(present)})):
        store.execute(*store.compile(pw.Table(table).update(
            {pw.Entity(name): pw.Value(value) for name, value in values.items()}).where(
                infix(pw.Entity("id"), "=", pw.Value(id)))))


def _refer(store: Store, mapping: Mapping, known: dict[str, str], fresh: set[str]) -> None:
    if store.dialect.name == "sqlite":
        return
    ids = [id for id in mapping.sources() if id in known] if fresh else []      # others are of sets that the model had once
    present = {each.name for id in ids for each in definitions(mapping, id)}
    seen = set()
    for id in ids:
        for definition in definitions(mapping, id):
            for target, text in references(store, definition):
                if target in present and (target in fresh or definition.name in fresh) and text not in seen:
                    seen.add(text)
                    store.execute(text)


# --- settings and numbers --------------------------------------------------------------------------------

_META = pw.Table("odata_meta").alias("t1")


def setting(store: Store, name: str) -> str | None:
    """A value that the store keeps under a name, or None."""
    rows = store.run(*store.compile(_META.select(pw.Entity("t1", "value")).where(
        pw.Expression(pw.Entity("t1", "name"), "=", pw.Value(name)))))
    return rows[0][0] if rows else None


def set_setting(store: Store, name: str, value: str) -> None:
    """Keep a value under a name."""
    table = pw.Table("odata_meta")
    with store.write():
        store.execute(*store.compile(table.delete().where(pw.Expression(pw.Entity("name"), "=", pw.Value(name)))))
        store.execute(*store.compile(table.insert([(name, value)], columns=[pw.Entity("name"), pw.Entity("value")])))

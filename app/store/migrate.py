"""Migrate: tables that an earlier form of the model made, brought into the form of this one; nothing stored is lost.

`odata_forms` remembers of every table what the model wanted and what the database got. A property that is new gets a
column, with its default in the rows there are; one that is wider gets a wider column; one that is gone or narrower keeps
its column and its values, which show again when it comes back; one that says `Store.RenamedFrom` takes its column along.
What cannot be done without inventing or changing values raises ConfigurationError, before anything is touched.

Every statement can be run again: where the database ends a transaction at each of them (MariaDB), a migration that was
cut off begins anew at the next start. SQLite copies the table, as its manual advises.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import peewee as pw

from app.edm import types, vocabularies
from app.edm.model import Property
from app.errors import ConfigurationError, ODataError
from app.store import numbers, schema
from app.store.clauses import NULL, infix, words
from app.store.database import Store
from app.store.mapping import Column, Flat, Index, Mapping, Scalar, Storage
from app.store.schema import FORMS, Definition, ForeignKey, quoted

COPY = "odata_copy"
OWNERS = "_owner_table"
INSTANTS = ("Edm.DateTimeOffset", "Edm.TimeOfDay")


def migrate(store: Store, mapping: Mapping) -> list[str]:
    """Bring the tables that are there into the form of the model, all or nothing where the database can undo the making
    of tables; tables that are missing are none of its business. What it did, in sentences."""
    if not store.has_table(FORMS) or not _changed(store, mapping):
        return []
    with store.unchecked_references(), store.lock(), schema.together(store):
        done: list[str] = []
        for id, (old, wanted) in _changed(store, mapping).items():
            try:
                done += _Migration(store, mapping, id, old, frozenset(each.name for each in wanted[0].columns)).run()
            except ODataError as error:
                if isinstance(error, ConfigurationError):
                    raise
                raise ConfigurationError(f"The data in '{id}' does not fit the model: {error}") from error
        return done


def _changed(store: Store, mapping: Mapping) -> dict[str, tuple[tuple[Definition, ...], tuple[Definition, ...]]]:
    """Mapping id → (what the database has, what the model wanted) where the model wants something else now."""
    rows = store.run(*store.compile(pw.Table(FORMS).alias("t1").select(
        *(pw.Entity("t1", name) for name in ("id", "wanted", "present")))))
    there = set(mapping.sources())
    return {id: (_parsed(present), _parsed(wanted)) for id, wanted, present in rows
            if id in there and wanted != schema.wanted(mapping, id)}


def _parsed(text: str) -> tuple[Definition, ...]:
    """The definitions that `schema.form` wrote."""
    return tuple(Definition(
        name, tuple(Column(*column) for column in columns), identity, tuple(key),
        tuple(Index(tuple((name, down) for name, down in pairs), unique) for pairs, unique in indexes),
        tuple(ForeignKey(tuple(own), table, tuple(other), rule) for own, table, other, rule in keys))
        for name, columns, identity, key, indexes, keys in json.loads(text.partition("\n")[0]))


@dataclass(slots=True)
class _Move:
    """A column of the new table: as it will be, and the old one that it was."""

    column: Column
    old: Column | None
    respell: Column | None = None       # instants kept as text of another length: how they were kept


@dataclass(slots=True)
class _Migration:
    """The way of one mapping id from `old` to the definitions of today."""

    store: Store
    mapping: Mapping
    id: str
    old: tuple[Definition, ...]
    wanted: frozenset[str]          # the columns that the model had before; others were kept of older ones
    done: list[str] = field(default_factory=list)

    def run(self) -> list[str]:
        new = schema.definitions(self.mapping, self.id)
        main, was = new[0], self.old[0]
        if was.name != main.name and not self.store.has_table(was.name):
            was = replace(was, name=main.name)      # cut off after the table got its new name
        moves = self.moves(was, main)
        kept = self.kept(was, moves)
        present = replace(main, columns=(*(move.column for move in moves), *kept))
        self.refuse_dangling(was, present, moves)
        types = self.types(was)
        self.refuse_strangers(was)
        if was.name != main.name:
            self.execute("ALTER TABLE", quoted(was.name), "RENAME TO", quoted(main.name))
        if self.store.dialect.name == "sqlite":
            self.copy(present, moves, kept)
        else:
            self.alter(was, present, moves, kept)
        for old, new_type in types.items():
            column = quoted(str(self.discriminator))
            self.execute("UPDATE", quoted(main.name), "SET", column, "=", pw.Value(new_type), "WHERE", column, "=", pw.Value(old))
        self.fill(present, moves)
        for move in moves:
            if move.old is not None:
                numbers.rename(self.store, (self.old[0].name, move.old.name), (main.name, move.column.name))
        self.links(new[1:])
        schema.adapted(self.store, self.mapping, self.id, (present, *new[1:]),
                       [each.name for each in self.old[1:] if each.name not in {part.name for part in new}])
        return self.done

    # --- what becomes of each column ---------------------------------------------------------------------

    def moves(self, was: Definition, main: Definition) -> list[_Move]:
        old = {column.name: column for column in was.columns}
        folded = {name.casefold(): name for name in old}
        wanted = {column.name for column in main.columns}
        renamed = {new: name for new, name in self.renamed() if name in old and name not in wanted and new not in old}
        defaults = {name for name, _, _ in self.defaults()}
        found = []
        for column in main.columns:
            name = renamed.get(column.name) or folded.get(column.name.casefold())
            before = old.get(name) if name else None
            move = self.judged(was, column, before) if before is not None else _Move(replace(column, nullable=True), None)
            if not column.nullable and move.column.nullable and column.name not in defaults and self.lacks(was, move.old):
                raise ConfigurationError(f"'{column.name}' of '{self.id}' is required now and entities that are stored have no "
                                         "value for it: give it a DefaultValue, or let it be null")
            if before is None or move.old is None:
                self.done.append(f"{self.id}: '{column.name}' is new")
            elif before.name != column.name:
                self.done.append(f"{self.id}: '{before.name}' is '{column.name}' now")
            found.append(move)
        return found

    def judged(self, was: Definition, column: Column, old: Column) -> _Move:
        """What an old column is to a new one: the same, widened, left as wide as it is, or (without values) replaced."""
        nullable = column.nullable or old.nullable
        kind = self.store.dialect.ddl_type
        if column.type == old.type and column.type in INSTANTS and column.precision != old.precision:
            same = self.store.dialect.native(column) == self.store.dialect.native(old)
            if same and _at_least(column.precision, old.precision):
                respell = None if self.store.dialect.native(old) else old
                return _Move(replace(column, nullable=nullable), old, respell)
        elif column.type == old.type or kind(column) == kind(old) and column.type in types.INTEGERS:
            if _wider(column, old) or kind(column) == kind(replace(old, name=column.name)):
                return _Move(replace(column, nullable=nullable), old)
            return _Move(replace(old, name=column.name, edm=column.edm, nullable=nullable), old)
        elif _wider(column, old):
            return _Move(replace(column, nullable=nullable), old)
        elif column.type in types.INTEGERS and old.type in types.INTEGERS:
            return _Move(replace(old, name=column.name, edm=column.edm, nullable=nullable), old)
        if self.any_row(was, infix(quoted(old.name), "IS NOT", NULL)):
            raise ConfigurationError(f"'{old.name}' of '{self.id}' holds {_spelt(old)} and the model wants {_spelt(column)}: "
                                     "give the property another name, or take its values out first")
        return _Move(replace(column, nullable=True), None)

    def kept(self, was: Definition, moves: list[_Move]) -> list[Column]:
        """The columns that the model has no more, as long as their names are free."""
        taken = {move.old.name for move in moves if move.old is not None} | {move.column.name for move in moves}
        found = [replace(column, nullable=True) for column in was.columns if column.name not in taken]
        self.done += [f"{self.id}: '{column.name}' is gone from the model and keeps its values"
                      for column in found if column.name in self.wanted]
        return found

    def lacks(self, was: Definition, old: Column | None) -> bool:
        """Whether a row has no value in the old column."""
        return self.any_row(was, None if old is None else infix(quoted(old.name), "IS", NULL))

    def any_row(self, was: Definition, condition: pw.Node | None) -> bool:
        where: list[Any] = [] if condition is None else ["WHERE", condition]
        return bool(self.store.run(*self.store.compile(words("SELECT 1 FROM", quoted(was.name), *where, "LIMIT 1"))))

    def refuse_dangling(self, was: Definition, present: Definition, moves: list[_Move]) -> None:
        """References that are new have to lead somewhere."""
        names = {move.column.name: move.old.name for move in moves if move.old is not None}
        for key in present.foreign_keys:
            if key in was.foreign_keys or not all(name in names for name in key.columns):
                continue
            own = [pw.Entity("t1", names[name]) for name in key.columns]
            conditions: list[Any] = [infix(each, "IS NOT", NULL) for each in own]
            if self.store.has_table(key.table):
                pairs = [infix(pw.Entity("t2", name), "=", each) for name, each in zip(key.other, own, strict=True)]
                conditions.append(words("NOT EXISTS (SELECT 1 FROM", quoted(key.table), "AS t2 WHERE",
                                        pw.NodeList(pairs, " AND "), ")"))
            query = words("SELECT 1 FROM", quoted(was.name), "AS t1 WHERE", pw.NodeList(conditions, " AND "), "LIMIT 1")
            if self.store.run(*self.store.compile(query)):
                raise ConfigurationError(f"Entities of '{self.id}' name by {', '.join(key.columns)} what '{key.table}' does not "
                                         "have: the model makes a reference of it now")

    @property
    def discriminator(self) -> str | None:
        column = self.mapping.table(self.id).discriminator
        return None if column is None else column.name

    def types(self, was: Definition) -> dict[str, str]:
        """The types of rows that are called otherwise now: by Store.RenamedFrom, or in another schema."""
        name, family = self.discriminator, self.mapping.family(self.id)
        if name is None or name not in {column.name for column in was.columns}:
            return {}
        column, found = quoted(name), {}
        for old, in self.store.run(*self.store.compile(words("SELECT DISTINCT", column, "FROM", quoted(was.name)))):
            if old is not None and old not in family:
                alike = [each for each in family if old in vocabularies.former_names(self.mapping.model, each)]
                alike = alike or [each for each in family if each.rpartition(".")[2] == old.rpartition(".")[2]]
                if len(alike) != 1:
                    raise ConfigurationError(f"Entities of '{self.id}' are of the type {old}, which the model does not have")
                found[old] = alike[0]
        return found

    def refuse_strangers(self, was: Definition) -> None:
        """Contained entities of owners that can have none any more would be taken for those of others."""
        owner, names = self.mapping.table(self.id).owner, {column.name for column in was.columns}
        if owner is not None and owner.source is None and OWNERS in names and self.any_row(
                was, infix(quoted(OWNERS), "<>", pw.Value(owner.tables[0]))):
            raise ConfigurationError(f"Entities of '{self.id}' belong to others than to '{owner.tables[0]}', which alone can "
                                     "have them now")

    # --- statements --------------------------------------------------------------------------------------

    def execute(self, *parts: Any) -> None:
        self.store.execute(*self.store.compile(words(*parts)))

    def copy(self, present: Definition, moves: list[_Move], kept: list[Column]) -> None:
        """SQLite: a new table, the rows, the new one in place of the old one."""
        made, *_ = schema.create_table(self.store, replace(present, name=COPY, indexes=()))
        self.store.execute(made)
        pairs = [(move.column.name, move.old.name) for move in moves if move.old is not None]
        pairs += [(column.name, column.name) for column in kept]
        into, out = (pw.NodeList([quoted(pair[side]) for pair in pairs], ", ") for side in (0, 1))
        self.execute("INSERT INTO", quoted(COPY), "(", into, ") SELECT", out, "FROM", quoted(present.name))
        self.execute("DROP TABLE", quoted(present.name))
        self.execute("ALTER TABLE", quoted(COPY), "RENAME TO", quoted(present.name))
        for text in schema.create_table(self.store, present)[1:]:
            self.store.execute(text)

    def alter(self, was: Definition, present: Definition, moves: list[_Move], kept: list[Column]) -> None:
        """Servers: references go, columns change, indexes change, references come; what a migration that was cut off had
        begun begins anew."""
        moved = was.name != present.name
        for named, keys, others in ((was.name, was.foreign_keys, present), (present.name, present.foreign_keys, was)):
            for key in keys:
                if moved or key not in others.foreign_keys:
                    self.drop_reference(present.name, named, key)
        fresh = [index for index in present.indexes if moved or index not in was.indexes]
        for index in fresh:
            self.drop_index(present.name, present.name, index)
        for move in moves:
            self.column(present.name, move)
        for column in kept:
            if not next(each.nullable for each in was.columns if each.name == column.name):
                self.nullable(present.name, column)
        for text in schema.create_table(self.store, replace(present, indexes=tuple(fresh)))[1:]:
            self.store.execute(text)
        for index in was.indexes:
            if moved or index not in present.indexes:
                self.drop_index(present.name, was.name, index)
        for key, (target, text) in zip(present.foreign_keys, schema.references(self.store, present), strict=True):
            if (moved or key not in was.foreign_keys) and self.store.has_table(target):
                self.store.execute(text)

    def drop_index(self, table: str, named: str, index: Index) -> None:
        where = ["ON", quoted(table)] if self.store.dialect.name == "mariadb" else []
        self.execute("DROP INDEX IF EXISTS", quoted(schema.index_name(named, index)), *where)

    def drop_reference(self, table: str, named: str, key: ForeignKey) -> None:
        word = "FOREIGN KEY" if self.store.dialect.name == "mariadb" else "CONSTRAINT"
        self.execute("ALTER TABLE", quoted(table), f"DROP {word} IF EXISTS",
                     quoted(schema.reference_name(named, key)))

    def column(self, name: str, move: _Move) -> None:
        """One column on a server."""
        kind, table, maria = self.store.dialect.ddl_type, quoted(name), self.store.dialect.name == "mariadb"
        new, old = move.column, move.old
        column = quoted(new.name)
        if old is None:
            self.execute("ALTER TABLE", table, "DROP COLUMN IF EXISTS", column)
            self.execute("ALTER TABLE", table, "ADD COLUMN", column, kind(new))
            return
        changes = kind(new) != kind(replace(old, name=new.name)) or new.nullable != old.nullable
        if maria and old.name != new.name:
            self.execute("ALTER TABLE", table, "CHANGE COLUMN IF EXISTS", quoted(old.name), column, self.whole(new))
        elif maria and changes:
            self.execute("ALTER TABLE", table, "MODIFY COLUMN", column, self.whole(new))
        elif not maria:
            if old.name != new.name:
                self.execute("ALTER TABLE", table, "RENAME COLUMN", quoted(old.name), "TO", column)
            if kind(new) != kind(old):
                self.execute("ALTER TABLE", table, "ALTER COLUMN", column, "TYPE", kind(new))
            if new.nullable and not old.nullable:
                self.nullable(name, new)

    def whole(self, column: Column) -> str:
        kind = self.store.dialect.ddl_type(column)
        return kind if column.nullable else schema.not_null(kind)

    def nullable(self, table: str, column: Column) -> None:
        """A column of a server may be null from now on."""
        if self.store.dialect.name == "mariadb":
            self.execute("ALTER TABLE", quoted(table), "MODIFY COLUMN", quoted(column.name), self.whole(column))
        else:
            self.execute("ALTER TABLE", quoted(table), "ALTER COLUMN", quoted(column.name), "DROP NOT NULL")

    def links(self, parts: tuple[Definition, ...]) -> None:
        """Link tables that are missing."""
        for part in parts:
            if not self.store.has_table(part.name):
                for text in schema.create_table(self.store, part):
                    self.store.execute(text)
                for target, text in schema.references(self.store, part):
                    if self.store.has_table(target):
                        self.store.execute(text)

    # --- values ------------------------------------------------------------------------------------------

    def fill(self, present: Definition, moves: list[_Move]) -> None:
        """Defaults where a value is new or missing; instants in their new length; every entity another version."""
        table = self.mapping.table(self.id)
        wanted = {column.name: column.nullable for column in table.columns}
        fresh = {move.column.name for move in moves if move.old is None}
        for column, value, kinds in self.defaults():
            if column in fresh or not wanted[column]:
                made = next(move.column for move in moves if move.column.name == column)
                where: list[Any] = [infix(quoted(column), "IS", NULL)]
                if kinds and table.discriminator is not None:
                    where.append(infix(quoted(table.discriminator.name), "IN", pw.Value(list(kinds))))
                write = self.store.dialect.writer(made.edm, made)
                self.execute("UPDATE", quoted(present.name), "SET", quoted(column), "=",
                             pw.Value(write(value) if write else value), "WHERE", pw.NodeList(where, " AND "))
        for move in moves:
            if move.respell is not None:
                self.respell(present.name, table.row_id.name, move.column, move.respell)
        version = quoted(table.version.name)
        self.execute("UPDATE", quoted(present.name), "SET", version, "=", version, "+ 1")

    def respell(self, table: str, row: str, column: Column, old: Column) -> None:
        """Instants as text of another length."""
        read, write = self.store.dialect.reader(old), self.store.dialect.writer(column.edm, column)
        name = quoted(column.name)
        query = words("SELECT", quoted(row), ",", name, "FROM", quoted(table), "WHERE", name, "IS NOT NULL")
        rows = self.store.run(*self.store.compile(query))
        values = [(value if read is None else read(value), id) for id, value in rows]
        text, _ = self.store.compile(words("UPDATE", quoted(table), "SET", name, "=", pw.Value(""), "WHERE", quoted(row), "=",
                                           pw.Value(0)))
        self.store.executemany(text, [(write(value) if write else value, id) for value, id in values])

    def defaults(self) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
        """(column, canonical value, types whose entities have it; () for all) of what has a default."""
        table, model = self.mapping.table(self.id), self.mapping.model
        if table.discriminator is not None:
            yield table.discriminator.name, table.type, ()
        if table.owner is not None and table.owner.source is not None:
            for key in self.old[0].foreign_keys:
                if key.columns == (table.owner.column.name,):       # so far they all belonged there
                    yield from ((table.owner.source.name, id, ()) for id in table.owner.tables
                                if self.mapping.table_name(id) == key.table)
        for (declaring, name), storage in table.members.items():
            inherited = declaring in model.lineage(table.type)
            kinds = () if inherited else (declaring, *model.derived(declaring))
            for column, value in self.valued(storage, model.properties(declaring)[name]):
                yield column, value, kinds

    def valued(self, storage: Storage, member: Property) -> Iterator[tuple[str, Any]]:
        if isinstance(storage, Scalar):
            value = self.default(member)
            if value is not None:
                yield storage.column.name, value
        elif isinstance(storage, Flat) and storage.present is None:
            for inner in self.mapping.model.properties(storage.type).values():
                yield from self.valued(storage.members[inner.name], inner)

    def default(self, member: Property) -> Any:
        """The canonical value that DefaultValue writes (CSDL §7.2.7)."""
        model = self.mapping.model
        text = member.default
        if text is None and (definition := model.types.get(member.type.name)) is not None:
            text = getattr(definition, "default", None)
        name = model.underlying(member.type).name
        if text is None or (kind := model.enum_type(name)) is None:
            return None if text is None else types.parse(name, text)
        values = {each.name: each.value for each in kind.members}
        return sum(values[part] if part in values else int(part) for part in map(str.strip, text.split(",")))

    def renamed(self) -> Iterator[tuple[str, str]]:
        """(column, the one it was) of properties that were called otherwise (Store.RenamedFrom)."""
        for (declaring, name), storage in self.mapping.table(self.id).members.items():
            before = vocabularies.renamed_from(self.mapping.model, declaring, self.mapping.model.properties(declaring)[name])
            if before and not isinstance(storage, Flat) and (column := getattr(storage, "column", None)) is not None:
                yield column.name, before


def _at_least(new: int | None, old: int | None) -> bool:
    return (7 if new is None else new) >= (7 if old is None else old)


def _wider(new: Column, old: Column) -> bool:
    """Whether every value of the old column fits the new one."""
    if new.type in types.INTEGERS and old.type in types.INTEGERS:
        (low, high), (least, most) = types.INTEGER_RANGES[new.type], types.INTEGER_RANGES[old.type]
        return low <= least and most <= high
    if (old.type, new.type) == ("Edm.Single", "Edm.Double"):
        return True
    if new.type != old.type:
        return False
    if new.type != "Edm.Decimal":
        return new.max_length is None or old.max_length is not None and new.max_length >= old.max_length
    if not isinstance(new.scale, int) or not isinstance(old.scale, int):
        return not isinstance(new.scale, int) and new.precision is None
    return new.scale >= old.scale and (new.precision is None or old.precision is not None
                                       and new.precision - new.scale >= old.precision - old.scale)


def _spelt(column: Column) -> str:
    return column.edm if column.precision is None else f"{column.edm} of Precision {column.precision}"

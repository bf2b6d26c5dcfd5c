"""Migrate: tables that an earlier form of the model made, brought into the form of this one; nothing stored is lost.

`odata_forms` remembers of every table what the model wanted and what the database got. A property that is new gets a
column, with its default in the rows there are; one that is wider gets a wider column; one that is gone or narrower keeps
its column and its values, which show again when it comes back; one that says `Store.RenamedFrom` takes its column along.
What is kept elsewhere or means something else is carried there (`carry`, `relinked`). What cannot be done without inventing,
changing or hiding values raises ConfigurationError, before anything is touched.

Every statement can be run again: where the database ends a transaction at each of them (MariaDB), a migration that was
cut off begins anew at the next start. SQLite copies the table, as its manual advises.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import peewee as pw

from app.edm import types, vocabularies
from app.edm.model import Property
from app.errors import ConfigurationError, ODataError, ServiceUnavailable
from app.store import numbers, schema
from app.store.carry import Documents, Values
from app.store.clauses import NULL, infix, words
from app.store.content import simple
from app.store.database import Store
from app.store.forms import digits
from app.store.mapping import Column, Document, Flat, Index, Mapping, Scalar, Storage
from app.store.remembered import Former, remembered
from app.store.relinked import Links, Names
from app.store.schema import FORMS, Definition, ForeignKey, quoted

COPY = "odata_copy"
OWNERS = "_owner_table"
INSTANTS = ("Edm.DateTimeOffset", "Edm.TimeOfDay")


def migrate(store: Store, mapping: Mapping, documents: Documents) -> list[str]:
    """Bring the tables that are there into the form of the model, all or nothing where the database can undo the making
    of tables; tables that are missing are none of its business. What it did, in sentences."""
    if not store.has_table(FORMS) or not remembered(store, mapping)[0]:
        return []
    with store.unchecked_references(), store.lock(), schema.together(store):
        changed, tables = remembered(store, mapping)
        plans = [_Migration(store, mapping, each, documents) for each in changed]
        for plan in plans:
            with _fitting(plan.id):
                plan.plan()
        _refuse_taken(mapping, tables)
        names = _names(tables, plans)
        for step in (_Migration.judge, _Migration.change, _Migration.carry, _Migration.note):
            for plan in plans:
                with _fitting(plan.id):
                    step(plan, names)
        return [sentence for plan in plans for sentence in plan.done]


def _refuse_taken(mapping: Mapping, tables: list[Former]) -> None:
    """What is new cannot have the table of what is gone."""
    known, there = {each.id for each in tables}, set(mapping.sources())
    gone = {each.present[0].name: each.id for each in tables if each.id not in there}
    for id in there - known:
        if old := gone.get(mapping.table_name(id)):
            raise ConfigurationError(f"The table of '{id}' would be that of '{old}', which the model has no more and whose "
                                     "entities are kept: give it another one (Store.Table)")


@contextlib.contextmanager
def _fitting(id: str) -> Iterator[None]:
    """What the database refuses is what the model cannot have."""
    try:
        yield
    except ODataError as error:
        if isinstance(error, ConfigurationError | ServiceUnavailable):
            raise
        raise ConfigurationError(f"The data in '{id}' does not fit the model: {error}") from error


def _names(tables: list[Former], plans: list[_Migration]) -> Names:
    """How tables and columns are called today, and what the model had of them."""
    by_id = {plan.id: plan for plan in plans}
    names: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = {}
    had: dict[str, frozenset[str]] = {}
    for each in tables:
        plan = by_id.get(each.id)
        for part in each.present:
            names[part.name] = part.name
        for part in each.wanted:
            had[part.name] = frozenset(column.name for column in part.columns)
        if plan is not None:
            old, new = each.present[0].name, plan.main.name
            names[old] = new
            columns[old] = plan.named
            had[new] = frozenset(plan.named.get(column.name, column.name) for column in each.wanted[0].columns)
    return Names({each.before: each.id for each in tables if each.before != each.id}, names, columns, had)


@dataclass(slots=True)
class _Move:
    """A column of the new table: as it will be, and the old one that it was."""

    column: Column
    old: Column | None
    respell: Column | None = None       # instants kept as text of another length: how they were kept


class _Migration:
    """The way of one mapping id from what it was to the definitions of today."""

    def __init__(self, store: Store, mapping: Mapping, former: Former, documents: Documents) -> None:
        self.store, self.mapping, self.former, self.documents = store, mapping, former, documents
        self.id, self.old = former.id, former.present
        self.wanted = frozenset(each.name for each in former.wanted[0].columns)     # others were kept of older models
        self.done: list[str] = []
        self.names = Names({}, {}, {}, {})
        self.new_types: dict[str, str] = {}

    def plan(self) -> None:
        """What becomes of each column."""
        self.main, *self.parts = schema.definitions(self.mapping, self.id)
        was = self.old[0]
        if was.name != self.main.name and not self.store.has_table(was.name):
            was = replace(was, name=self.main.name)      # cut off after the table got its new name
        self.was, self.moves = was, self.moved(was, self.main)
        self.kept = self.left(was, self.moves)
        self.present = replace(self.main, columns=(*(move.column for move in self.moves), *self.kept))
        self.named = {column.name: column.name for column in self.kept} | {
            move.old.name: move.column.name for move in self.moves if move.old is not None}

    def judge(self, names: Names) -> None:
        """Refuse what cannot be done, before anything is."""
        self.names = names
        self.refuse_dangling(self.was, self.present, self.moves)
        self.refuse_duplicates()
        self.new_types = self.types(self.was)
        self.refuse_strangers(self.was)
        for each in self.contents():
            each.judge()

    def contents(self) -> list[Values | Links]:
        """Values and links that are kept elsewhere."""
        former = self.former.content
        if former is None:
            return []
        old = {column.name: column for column in self.was.columns}
        there = {today: old[name] for name, today in self.named.items()}
        return [Values(self.store, self.mapping, self.documents, self.id, self.was.name, there, self.named, former,
                       self.renamed_from, self.default),
                Links(self.store, self.mapping, self.id, self.was.name, former, self.names)]

    def change(self, names: Names) -> None:
        """The columns, and what is in them in another form."""
        was, present = self.was, self.present
        if self.former.before != self.id:
            self.call_otherwise()
        if was.name != present.name:
            self.execute("ALTER TABLE", quoted(was.name), "RENAME TO", quoted(present.name))
        if self.store.dialect.name == "sqlite":
            self.copy(present, self.moves, self.kept)
        else:
            self.alter(was, present, self.moves, self.kept)
        self.links(tuple(self.parts))

    def carry(self, names: Names) -> None:
        """What new columns hold."""
        for each in self.contents():
            each.carry()
        owner = self.mapping.table(self.id).owner
        if owner is not None and owner.source is not None:
            for before, id in names.ids.items():
                self.execute("UPDATE", quoted(self.main.name), "SET", quoted(owner.source.name), "=", pw.Value(id), "WHERE",
                             quoted(owner.source.name), "=", pw.Value(before))
        for old, new_type in self.new_types.items() if self.discriminator else ():
            column = quoted(str(self.discriminator))
            self.execute("UPDATE", quoted(self.main.name), "SET", column, "=", pw.Value(new_type), "WHERE", column, "=",
                         pw.Value(old))
        self.fill(self.present, self.moves)
        for move in self.moves:
            if move.old is not None:
                numbers.rename(self.store, (self.old[0].name, move.old.name), (self.main.name, move.column.name))
        self.bound()

    def note(self, names: Names) -> None:
        """Remember what was done."""
        schema.adapted(self.store, self.mapping, self.id, (self.present, *self.parts),
                       [each.name for each in self.old[1:] if each.name not in {part.name for part in self.parts}])

    def call_otherwise(self) -> None:
        """The mapping id wherever it is kept."""
        for table, column in (("odata_tables", "id"), (FORMS, "id"), ("odata_streams", "source"), ("odata_changes", "source"),
                              ("odata_search", "source")):
            self.execute("UPDATE", quoted(table), "SET", quoted(column), "=", pw.Value(self.id), "WHERE", quoted(column), "=",
                         pw.Value(self.former.before))
        self.done.append(f"'{self.former.before}' is '{self.id}' now")

    # --- what becomes of each column ---------------------------------------------------------------------

    def moved(self, was: Definition, main: Definition) -> list[_Move]:
        old = {column.name: column for column in was.columns}
        folded = {name.casefold(): name for name in old}
        wanted = {column.name for column in main.columns}
        renamed = {new: name for new, name in self.renamed() if name in old and name not in wanted and new not in old}
        defaults = {name for name, *_ in self.defaults()}
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
            if same and (_at_least(column.precision, old.precision) or self.rounds(was, old, column)):
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

    def rounds(self, was: Definition, old: Column, column: Column) -> bool:
        """Whether all instants of a column have no more digits than another one takes."""
        read = self.store.dialect.reader(old) or str
        rows = self.store.run(*self.store.compile(words("SELECT DISTINCT", quoted(old.name), "FROM", quoted(was.name), "WHERE",
                                                        infix(quoted(old.name), "IS NOT", NULL))))
        return all(len(read(value).partition(".")[2].rstrip("Z").rstrip("0")) <= digits(column) for value, in rows)

    def left(self, was: Definition, moves: list[_Move]) -> list[Column]:
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

    def refuse_duplicates(self) -> None:
        """Keys that are new have to tell entities apart."""
        names = {move.column.name: move.old.name for move in self.moves if move.old is not None}
        defaults = {name for name, *_ in self.defaults()}
        for index in self.main.indexes:
            columns = [name for name, _ in index.columns]
            if not index.unique or index in self.was.indexes or not all(name in names or name in defaults for name in columns):
                continue
            old = [quoted(names[name]) for name in columns if name in names]
            where: list[Any] = ["WHERE", pw.NodeList([infix(name, "IS NOT", NULL) for name in old], " AND "), "GROUP BY",
                                pw.NodeList(old, ", ")] if old else []
            if self.store.run(*self.store.compile(words("SELECT COUNT(*) FROM", quoted(self.was.name), *where,
                                                        "HAVING COUNT(*) > 1 LIMIT 1"))):
                raise ConfigurationError(f"Entities of '{self.id}' have the same {', '.join(columns)}, which are a key now")

    @property
    def discriminator(self) -> str | None:
        column = self.mapping.table(self.id).discriminator
        return None if column is None else column.name

    def types(self, was: Definition) -> dict[str, str]:
        """The types of rows that are called otherwise now: by Store.RenamedFrom, or in another schema."""
        family, former, model = self.mapping.family(self.id), self.former.content, self.mapping.model
        name = former.discriminator if former is not None else self.discriminator
        if name is not None and name in {column.name for column in was.columns}:
            rows = self.store.run(*self.store.compile(words("SELECT DISTINCT", quoted(name), "FROM", quoted(was.name))))
        else:
            rows = [(former.type,)] if former is not None and self.any_row(was, None) else []
        found = {}
        for old, in rows:
            alike = [each for each in family if each == old] or [
                each for each in family if old in vocabularies.former_names(model, each)] or [
                each for each in family if simple(each) == simple(old or "")]
            kind = model.structured(alike[0]) if len(alike) == 1 else None
            if old is not None and (kind is None or kind.abstract):
                raise ConfigurationError(f"Entities of '{self.id}' are of the type {old}, which "
                                         + ("is abstract now" if kind else "the model does not have there"))
            if old is not None and (name is None or alike[0] != old):
                found[old] = alike[0]
        return found

    def refuse_strangers(self, was: Definition) -> None:
        """Contained entities of owners that can have none any more would be taken for those of others."""
        table, names = self.mapping.table(self.id), {column.name for column in was.columns}
        owner = table.owner
        if table.singleton and len(self.store.run(*self.store.compile(words("SELECT 1 FROM", quoted(was.name), "LIMIT 2")))) > 1:
            raise ConfigurationError(f"'{self.id}' holds several entities and the model wants one")
        known = [id for id, new in {**self.names.ids, **{each: each for each in owner.tables}}.items() if new == owner.tables[0]
                 ] if owner is not None else []
        if owner is not None and owner.source is None and OWNERS in names and self.any_row(
                was, infix(quoted(OWNERS), "NOT IN", pw.Value(known))):
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
        self.release({move.old.name for move in moves if move.old is not None and self.differs(move)})
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

    def differs(self, move: _Move) -> bool:
        """Whether a column of a server gets another type."""
        kind = self.store.dialect.ddl_type
        return move.old is not None and kind(move.column) != kind(replace(move.old, name=move.column.name))

    def release(self, columns: set[str]) -> None:
        """MariaDB changes no column that a reference is made of, on either side: `bound` makes them again."""
        if columns and self.store.dialect.name == "mariadb":
            for table, name, own, other in self.store.run(
                    "SELECT table_name, constraint_name, column_name, referenced_column_name FROM "
                    "information_schema.key_column_usage WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL "
                    "AND (table_name = %s OR referenced_table_name = %s)", (self.present.name, self.present.name)):
                if columns & {own, other}:
                    self.execute("ALTER TABLE", quoted(table), "DROP FOREIGN KEY IF EXISTS", quoted(name))

    def bound(self) -> None:
        """The references that MariaDB misses, of this table and to it."""
        if self.store.dialect.name != "mariadb" or not any(self.differs(move) for move in self.moves):
            return
        there = {name for name, in self.store.run("SELECT constraint_name FROM information_schema.referential_constraints "
                                                  "WHERE constraint_schema = DATABASE()")}
        for id in self.mapping.sources():
            for part in schema.definitions(self.mapping, id):
                if part.name != self.present.name and not self.store.has_table(part.name):
                    continue
                for key, (target, text) in zip(part.foreign_keys, schema.references(self.store, part), strict=True):
                    name = schema.reference_name(part.name, key)
                    if self.present.name in (part.name, target) and name not in there and self.store.has_table(target):
                        there.add(name)
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
        true = pw.SQL("true" if self.store.dialect.name == "postgresql" else "1")
        for column, value, kinds, there, required in self.defaults():
            if column in fresh or required or not wanted[column]:
                made = next(move.column for move in moves if move.column.name == column)
                where: list[Any] = [infix(quoted(column), "IS", NULL), *(infix(quoted(each), "=", true) for each in there)]
                if kinds and table.discriminator is not None:
                    where.append(infix(quoted(table.discriminator.name), "IN", pw.Value(list(kinds))))
                write = self.store.dialect.writer(made.edm, made)
                self.execute("UPDATE", quoted(self.present.name), "SET", quoted(column), "=",
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

    def defaults(self) -> Iterator[tuple[str, Any, tuple[str, ...], tuple[str, ...], bool]]:
        """(column, canonical value, types whose entities have it; () for all, columns that tell whether the complex value around
        it is there, whether it is required) of what has a default."""
        table, model = self.mapping.table(self.id), self.mapping.model
        if table.discriminator is not None:
            former = self.former.content
            same = former is not None and former.discriminator is None
            yield table.discriminator.name, next(iter(self.new_types.values()), table.type) if same else table.type, (), (), True
        if table.owner is not None and table.owner.source is not None:
            for key in self.old[0].foreign_keys:
                if key.columns == (table.owner.column.name,):       # so far they all belonged there
                    yield from ((table.owner.source.name, id, (), (), True) for id in table.owner.tables
                                if self.mapping.table_name(id) == self.names.tables.get(key.table, key.table))
        for (declaring, name), storage in table.members.items():
            inherited = declaring in model.lineage(table.type)
            kinds = () if inherited else (declaring, *model.derived(declaring))
            for column, value, present, required in self.valued(storage, model.properties(declaring)[name], ()):
                yield column, value, kinds, present, required

    def valued(self, storage: Storage, member: Property, present: tuple[str, ...]
               ) -> Iterator[tuple[str, Any, tuple[str, ...], bool]]:
        if isinstance(storage, Scalar):
            value = self.default(member)
            if value is not None:
                yield storage.column.name, value, present, self.mapping.model.underlying(member.type).nullable is False
        elif isinstance(storage, Flat):
            if storage.present is not None:
                present = (*present, storage.present.name)
            for inner in self.mapping.model.properties(storage.type).values():
                yield from self.valued(storage.members[inner.name], inner, present)

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
        former, model = self.former.content, self.mapping.model
        for (declaring, name), storage in self.mapping.table(self.id).members.items():
            member = model.properties(declaring)[name]
            before = self.renamed_from(declaring, member)
            old = former.member(declaring, before or name) if former is not None else None
            if old is not None:
                yield from self.respelt(storage, old.storage)
            elif before and (column := getattr(storage, "column", None)) is not None:
                yield column.name, before

    def respelt(self, storage: Storage, old: list[Any]) -> Iterator[tuple[str, str]]:
        """(column, the one it was) of a member that is stored as it was, under another name."""
        if isinstance(storage, Flat) and old[0] == "flat":
            if storage.present is not None and old[1] is not None:
                yield storage.present.name, old[1]
            for name, each in storage.members.items():
                before = self.renamed_from(storage.type, self.mapping.model.properties(storage.type)[name])
                if (inner := old[2].get(name) or old[2].get(before)) is not None:
                    yield from self.respelt(each, inner)
        elif isinstance(storage, Scalar | Document) and old[0] in ("scalar", "document"):
            yield storage.column.name, old[1]

    def renamed_from(self, declaring: str, member: Property) -> str | None:
        """The name that a property had before."""
        return vocabularies.renamed_from(self.mapping.model, declaring, member)


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

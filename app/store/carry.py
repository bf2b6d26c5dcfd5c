"""Carry: the values of a table whose members are kept elsewhere or mean something else in the model of today.

`judge` refuses, before anything is touched, what would invent, change or lose a value (ConfigurationError, with the place);
`carry` writes what the new columns hold, from the old ones, which stay. Both can be run again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping as MappingType
from dataclasses import dataclass
from typing import Any, Protocol

import peewee as pw

from app.edm import types
from app.edm.model import Property
from app.errors import ConfigurationError
from app.store.clauses import NULL, all_of, infix, words
from app.store.content import Content, Member, Members, Shapes, scalars
from app.store.database import Store
from app.store.mapping import Column, Document, Flat, Mapping, Scalar, Storage, StreamSlot
from app.store.schema import quoted

Default = Callable[[Property], Any]


class Documents(Protocol):
    """Canonical values ⇄ the text of documents."""

    def encode(self, value: Any, type: str) -> str | None: ...

    def decode(self, text: str | None, type: str, collection: bool) -> Any: ...

    def plain(self, value: Any, type: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Values:
    """The members of one table. `there`: today's name of a column → the column that the table has for it before;
    `former`: what the table held."""

    store: Store
    mapping: Mapping
    documents: Documents
    id: str
    table: str                                  # as it is called before
    there: MappingType[str, Column]
    named: MappingType[str, str]                # a column before → its name today
    former: Content
    renames: Callable[[str, Property], str | None]
    default: Default

    # --- before ------------------------------------------------------------------------------------------

    def judge(self) -> None:
        for declaring, member, storage, old in self.pairs():
            kinds = self.kinds(declaring)
            if old is not None:
                self.judge_kind(storage, old, kinds)
            self.judge_required(storage, member, old.storage if old else None, kinds, member.name)
            if isinstance(storage, Flat | Document) and old is not None and self.documented(storage, old):
                for _ in self.adapted(storage, member, old, before=True):
                    pass
        self.declared(before=True)

    def judge_kind(self, storage: Storage, old: Member, kinds: list[pw.Node]) -> None:
        """What cannot be carried from one kind of storage to the other; members of enumerations."""
        new = {Scalar: "scalar", Flat: "flat", Document: "document", StreamSlot: "stream"}[type(storage)]
        if new != old.storage[0] and {new, old.storage[0]} != {"flat", "document"} and self.holds(old, kinds):
            raise ConfigurationError(f"'{old.name}' of '{self.id}' holds {old.type} and the model wants something else: give the "
                                     "property another name, or take its values out first")
        self.judge_enums(storage, old.storage, old.name)

    def judge_enums(self, storage: Storage, old: list[Any], path: str) -> None:
        if isinstance(storage, Flat) and old[0] == "flat":
            for name, each in storage.members.items():
                if name in old[2]:
                    self.judge_enums(each, old[2][name], f"{path}/{name}")
        if not isinstance(storage, Scalar) or old[0] != "scalar":
            return
        before, now = Members.before(old[2], self.former.types), Members.now(self.mapping.model, storage.column.edm)
        column = self.there.get(storage.column.name)
        if column is None or before == now:
            return
        some = infix(quoted(column.name), "IS NOT", NULL)
        if before is None or now is None:
            if self.rows(["1"], [some], limit=True):
                raise ConfigurationError(f"'{path}' of '{self.id}' holds {old[2]} and the model wants {storage.column.edm}: give "
                                         "the property another name, or take its values out first")
            return
        for number, in self.rows(["DISTINCT", quoted(column.name)], [some]):
            if lost := before.lost(number, now):
                raise ConfigurationError(f"'{path}' of '{self.id}' holds the member '{lost}' of {old[2]}, which {now.type} does "
                                         "not have with this value: keep the member, or take its values out first")

    def judge_required(self, storage: Storage, member: Property, old: list[Any] | None, when: list[pw.Node], path: str) -> None:
        """Members that have to have a value, in rows that have none and get no default."""
        model = self.mapping.model
        ref = model.underlying(member.type)
        required = ref.nullable is False and not ref.collection
        if isinstance(storage, Flat):
            present = old[1] if old is not None and old[0] == "flat" else None
            if old is not None and old[0] != "flat":
                return                                              # `adapted` sees to it
            if storage.present is None and present is not None:
                self.refuse([*when, words("COALESCE(", quoted(present), ",", self.false, ")", "=", self.false)], path)
            if storage.present is not None and old is None:
                return                                              # new, and null
            inside = [*when, words(quoted(present), "=", self.true)] if present is not None else when
            for name, each in storage.members.items():
                self.judge_required(each, model.properties(storage.type)[name], old[2].get(name) if old else None, inside,
                                    f"{path}/{name}")
        elif required and isinstance(storage, Scalar | Document) and self.default(member) is None:
            if old is not None and old[0] != ("scalar" if isinstance(storage, Scalar) else "document"):
                return
            column = self.there.get(storage.column.name)
            self.refuse([*when, *([] if column is None else [infix(quoted(column.name), "IS", NULL)])], path)

    def refuse(self, conditions: list[pw.Node], path: str) -> None:
        if self.rows(["1"], conditions, limit=True):
            raise ConfigurationError(f"'{path}' of '{self.id}' is required now and entities that are stored have no value for "
                                     "it: give it a DefaultValue, or let it be null")

    def holds(self, old: Member, kinds: list[pw.Node]) -> bool:
        """Whether a member that was has a value anywhere."""
        if old.storage[0] == "stream":
            return bool(self.store.run(*self.store.compile(words(
                "SELECT 1 FROM odata_streams WHERE", infix(quoted("source"), "=", pw.Value(self.id)), "AND",
                infix(quoted("name"), "=", pw.Value(old.storage[1])), "LIMIT 1"))))
        return any(self.rows(["1"], [*kinds, infix(quoted(name), "IS NOT", NULL)], limit=True) for name in scalars(old.storage))

    # --- after -------------------------------------------------------------------------------------------

    def carry(self) -> None:
        """Where the columns are in their new form."""
        name = self.mapping.table(self.id).name
        for declaring, member, storage, old in self.pairs():
            if old is None:
                continue
            if isinstance(storage, StreamSlot) and old.storage[0] == "stream" and old.storage[1] != storage.name:
                self.store.execute(*self.store.compile(words(
                    "UPDATE odata_streams SET", quoted("name"), "=", pw.Value(storage.name), "WHERE", quoted("source"), "=",
                    pw.Value(self.id), "AND", quoted("name"), "=", pw.Value(old.storage[1]))))
            if isinstance(storage, Flat) and old.storage[0] == "flat":
                self.presence(name, storage, old.storage, self.kinds(declaring))
            elif isinstance(storage, Flat | Document) and self.documented(storage, old):
                self.write(name, list(self.adapted(storage, member, old, before=False)))
        self.declared(before=False)

    def presence(self, table: str, storage: Flat, old: list[Any], when: list[pw.Node]) -> None:
        """A complex value that could not be null and can be now is there."""
        if storage.present is not None and old[1] is None:
            where: list[Any] = ["WHERE", all_of(*when)] if when else []
            self.store.execute(*self.store.compile(words("UPDATE", quoted(table), "SET", quoted(storage.present.name), "=",
                                                         self.true, *where)))
        for name, each in storage.members.items():
            if isinstance(each, Flat) and (inner := old[2].get(name)) is not None and inner[0] == "flat":
                own = storage.present.name if storage.present is not None else self.named.get(old[1], old[1])
                self.presence(table, each, inner, when if own is None else [*when, words(quoted(own), "=", self.true)])

    def write(self, table: str, rows: list[tuple[int, dict[str, Any]]]) -> None:
        """Columns of rows by their numbers; every row has the same columns."""
        if not rows:
            return
        names = list(rows[0][1])
        sets = pw.NodeList([words(quoted(name), "=", pw.Value("")) for name in names], ", ")
        text, _ = self.store.compile(words("UPDATE", quoted(table), "SET", sets, "WHERE",
                                           quoted(self.mapping.table(self.id).row_id.name), "=", pw.Value(0)))
        self.store.executemany(text, [(*(values[name] for name in names), row) for row, values in rows])

    # --- complex values and collections ------------------------------------------------------------------

    @staticmethod
    def documented(storage: Flat | Document, old: Member) -> bool:
        """Whether the values of a member are documents, or were."""
        return old.storage[0] == "document" or isinstance(storage, Document) and old.storage[0] == "flat"

    def adapted(self, storage: Flat | Document, member: Property, old: Member, before: bool
                ) -> Iterator[tuple[int, dict[str, Any]]]:
        """(row, columns) of a member whose values are documents, or were."""
        ref = self.mapping.model.underlying(member.type)
        shapes = Shapes(self.former.types, self.mapping.model, self.plain_default, self.renames)
        if isinstance(storage, Document) and old.storage[0] == "document" and shapes.same(old.type, ref.name) and (
                old.collection, old.nullable) == (ref.collection, ref.nullable is not False):
            return
        row, columns = quoted(self.former.row), [*scalars(old.storage)]
        spelled = columns if before else [self.named[name] for name in columns]
        names = [pw.NodeList([row, *map(quoted, spelled)], ", ")]
        for number, *values in self.rows(names, self.kinds(old.declaring), table=before):
            was = dict(zip(columns, values, strict=True))
            value = json.loads(was[columns[0]]) if old.storage[0] == "document" and was[columns[0]] is not None else None
            if old.storage[0] == "flat":
                value = self.tree(old.storage, was)
            made = shapes.adapted(value, (old.type, old.collection, old.nullable), ref, f"{member.name} of {self.id}")
            found: dict[str, Any] = {}
            if isinstance(storage, Document):
                text = None if made is None else json.dumps(made, ensure_ascii=False, separators=(",", ":"))
                found[storage.column.name] = text
            else:
                self.spread(storage, None if made is None else self.documents.decode(json.dumps(made), ref.name, False), found)
            yield number, found

    def tree(self, storage: list[Any], row: MappingType[str, Any]) -> Any:
        """The plain JSON of a member that was in columns."""
        match storage:
            case ["flat", present, members]:
                if present is not None and not row[present]:
                    return None
                return {name: self.tree(each, row) for name, each in members.items()}
            case ["scalar", name, edm]:
                column = self.column(name)
                read = self.store.dialect.reader(column)
                value = row[name] if read is None or row[name] is None else read(row[name])
                members = Members.before(edm, self.former.types)
                if members is None or value is None:
                    return self.documents.plain(value, edm)
                return ",".join(members.spelt(value) or [str(value)])
        return json.loads(row[storage[1]]) if row[storage[1]] is not None else None

    def column(self, name: str) -> Column:
        """The old column of this name."""
        return next(each for each in self.there.values() if each.name == name)

    def spread(self, storage: Storage, value: Any, found: dict[str, Any]) -> None:
        """A canonical value into columns."""
        if isinstance(storage, Flat):
            if storage.present is not None:
                write = self.store.dialect.writer("Edm.Boolean", storage.present)
                found[storage.present.name] = write(value is not None) if write else value is not None
            for name, each in storage.members.items():
                self.spread(each, None if value is None else value.get(name), found)
        elif isinstance(storage, Scalar):
            kind = self.mapping.model.enum_type(storage.column.edm)
            if kind is not None and value is not None:
                values = {each.name: each.value for each in kind.members}
                value = sum(values[part] if part in values else int(part) for part in value.split(","))
            write = self.store.dialect.writer(storage.column.edm, storage.column)
            found[storage.column.name] = value if write is None or value is None else write(value)

    def plain_default(self, member: Property) -> Any:
        """What DefaultValue writes into a document."""
        ref = self.mapping.model.underlying(member.type)
        value = self.default(member)
        return member.default if self.mapping.model.enum_type(ref.name) else self.documents.plain(value, ref.name)

    # --- dynamic properties that are declared now --------------------------------------------------------

    def declared(self, before: bool) -> None:
        """Dynamic properties that became declared ones: judged (`before`), or moved into their columns."""
        table = self.mapping.table(self.id)
        if table.dynamic is None or (held := self.there.get(table.dynamic.name)) is None:
            return
        fresh = {member.name: (member, storage) for _, member, storage, old in self.pairs() if old is None}
        if not fresh:
            return
        row, dynamic = quoted(self.former.row), quoted(held.name if before else table.dynamic.name)
        for number, text in self.rows([pw.NodeList([row, dynamic], ", ")], [infix(dynamic, "IS NOT", NULL)], table=before):
            values = json.loads(text)
            for name in [name for name in fresh if name in values]:
                member, storage = fresh[name]
                value, said = values.pop(name), values.pop(name + "@odata.type", None)
                found: dict[str, Any] = {}
                self.spread(storage, self.typed(value, said, storage, member), found)
                rest = json.dumps(values, ensure_ascii=False, separators=(",", ":")) if values else None
                if not before:
                    self.write(table.name, [(number, {**found, table.dynamic.name: rest})])

    def typed(self, value: Any, said: str | None, storage: Storage, member: Property) -> Any:
        """The canonical value of what was dynamic, where it is of the type that is declared."""
        name = self.mapping.model.underlying(member.type).name
        kind = "Edm." + said.removeprefix("#").removeprefix("Edm.") if said else {
            str: "Edm.String", bool: "Edm.Boolean", float: "Edm.Double", int: "Edm.Int64"}.get(type(value), "")
        fits = kind == name or said is None and kind == "Edm.Int64" and (
            name in ("Edm.Double", "Edm.Decimal") or name in types.INTEGERS and not Shapes.differs(value, kind, name))
        if value is not None and (not fits or not isinstance(storage, Scalar)):
            raise ConfigurationError(f"'{member.name}' of '{self.id}' is a dynamic property of entities that are stored, and not "
                                     f"of the type {name} that the model declares now: give the property another name")
        return None if value is None else self.documents.decode(json.dumps(value), name, False)

    # --- what both need ----------------------------------------------------------------------------------

    def pairs(self) -> Iterator[tuple[str, Property, Storage, Member | None]]:
        """(declaring type, property, where it is, what it was) of every property."""
        for (declaring, name), storage in self.mapping.table(self.id).members.items():
            member = self.mapping.model.properties(declaring)[name]
            yield declaring, member, storage, self.former.member(declaring, name) or self.former.member(
                declaring, self.renames(declaring, member))

    def kinds(self, declaring: str) -> list[pw.Node]:
        """The condition that a row is of a type that has the member; none where every row is."""
        model, table = self.mapping.model, self.mapping.table(self.id)
        if declaring in model.lineage(table.type) or table.discriminator is None:
            return []
        if table.discriminator.name not in self.there:
            return [pw.SQL("1 = 0")]
        names = {each.rpartition(".")[2] for each in (declaring, *model.derived(declaring))}
        found = [old for old, in self.rows(["DISTINCT", quoted(self.there[table.discriminator.name].name)], [], None)
                 if old and old.rpartition(".")[2] in names]
        return [infix(quoted(table.discriminator.name), "IN", pw.Value(found))] if found else [pw.SQL("1 = 0")]

    def rows(self, what: list[Any], conditions: list[pw.Node], table: bool | None = True, limit: bool = False) -> list[Any]:
        """Rows of the table as it is called before (`table`), after, or whichever there is (None)."""
        name = self.table if table else self.mapping.table(self.id).name
        if table is None:
            name = self.table if self.store.has_table(self.table) else name
        where: list[Any] = ["WHERE", all_of(*conditions)] if conditions else []
        return self.store.run(*self.store.compile(words("SELECT", *what, "FROM", quoted(name), *where,
                                                        *(["LIMIT 1"] if limit else []))))

    @property
    def true(self) -> pw.Node:
        return pw.SQL("true" if self.store.dialect.name == "postgresql" else "1")

    @property
    def false(self) -> pw.Node:
        return pw.SQL("false" if self.store.dialect.name == "postgresql" else "0")

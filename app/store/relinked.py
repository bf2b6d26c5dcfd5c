"""Relinked: links that the model of today keeps elsewhere: in a table of their own, in the column of the one side or the
other, in other properties.

`judge` refuses, before anything is touched, what has no place there (ConfigurationError); `carry` writes them from where
they were, which stays. Both can be run again.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from typing import Any

import peewee as pw

from app.edm import vocabularies
from app.edm.model import NavigationProperty
from app.errors import ConfigurationError
from app.store.clauses import infix, words
from app.store.content import Content, Place, Relation, place
from app.store.database import Store
from app.store.mapping import Mapping
from app.store.schema import quoted


def table(where: Place) -> str:
    """The table that a place names first."""
    return str(where[2] if where[0] in ("reference", "inverse") else where[1])


def target(where: Place) -> str:
    """The table of the related entities."""
    return str(where[4] if where[0] == "link" else table(where))


@dataclass(frozen=True, slots=True)
class Names:
    """Mapping ids and tables before → their names today, with those of their columns; and the columns of each table that the
    model had, by the names of today."""

    ids: MappingType[str, str]          # mapping ids too
    tables: MappingType[str, str]
    columns: MappingType[str, MappingType[str, str]]
    had: MappingType[str, frozenset[str]]

    def today(self, where: Place, own: str) -> Place:
        """A place before by the names of today; `own`: the table before that it is seen from."""
        match where:
            case [("reference" | "inverse") as kind, mine, target, theirs, row]:
                return [kind, [self.column(own, each) for each in mine], self.tables.get(target, target),
                        [self.column(target, each) for each in theirs], row]
            case ["contained", target, *rest]:
                return ["contained", self.tables.get(target, target), *rest]
            case ["link", *rest, target]:
                return ["link", *rest, self.tables.get(target, target)]
        return where

    def column(self, table: str, name: str) -> str:
        return self.columns.get(table, {}).get(name, name)


@dataclass(frozen=True, slots=True)
class Links:
    """The relations of one table, called `table` before."""

    store: Store
    mapping: Mapping
    id: str
    table: str
    former: Content
    names: Names

    def judge(self) -> None:
        for owner, navigation, old, new in self.changed():
            where = f"'{navigation.name}' of '{self.id}'"
            if old is None:
                self.judge_new(owner, navigation, new, where)
                continue
            if not old.place or not {target(old.place), table(old.place)} <= self.names.tables.keys():
                continue
            if old.place[:1] == ["contained"] and new[:1] == ["contained"] and old.place[1] == new[1]:
                if old.collection and not navigation.collection and self.several(old.place):
                    raise ConfigurationError(f"{where} holds several entities and the model wants one")
                continue
            today, pairs = self.names.today(old.place, self.table), self.pairs(old.place, self.table)
            if navigation.nullable is False and old.nullable and new[:1] == ["reference"] and self.rows(words(
                    "SELECT 1 FROM", quoted(self.table), "AS t9 WHERE NOT EXISTS (SELECT 1 FROM",
                    pairs, "AS p WHERE p.a =", pw.Entity("t9", self.former.row), ")")):
                raise ConfigurationError(f"{where} is required now and entities that are stored have none")
            if today == new or not new or not self.rows(words("SELECT 1 FROM", pairs, "AS p")):
                continue
            if "contained" in (old.place[0], new[0]) or target(today) != target(new):
                raise ConfigurationError(f"{where} leads to entities that are stored elsewhere than the model wants them now: "
                                         "give the property another name, or take its links out first")
            self.judge_place(old, new, where)

    def judge_new(self, owner: str, navigation: NavigationProperty, new: Place, where: str) -> None:
        if navigation.nullable is False and new[:1] == ["reference"] and not self.stored(new):
            model, table = self.mapping.model, self.mapping.table(self.id)
            inherited = owner in model.lineage(table.type)
            if inherited and self.rows(words("SELECT 1 FROM", quoted(self.table))):
                raise ConfigurationError(f"{where} is required now and entities that are stored have none: let it be null")

    def judge_place(self, old: Relation, new: Place, where: str) -> None:
        """Whether every link has a place: one for each entity where there is one column, the same in other properties."""
        pairs = self.pairs(old.place, self.table)
        if new[0] == "link":
            return
        if self.stored(new):
            before = self.before(new)
            if self.rows(words("SELECT 1 FROM", pairs, "AS p WHERE NOT EXISTS (SELECT 1 FROM",
                               self.pairs(before, self.table), "AS q WHERE q.a = p.a AND q.b = p.b)")):
                columns = ", ".join(new[1] if new[0] == "reference" else new[3])
                raise ConfigurationError(f"{where} has links that its new place, {columns}, does not tell: give the property "
                                         "another name, or take its links out first")
            return
        side = "p.a" if new[0] == "reference" else "p.b"
        if not self.generated(new) or self.rows(words("SELECT", side, "FROM", pairs, "AS p GROUP BY", side,
                                                      "HAVING COUNT(*) > 1")):
            raise ConfigurationError(f"{where} has more links than the model has room for now: give the property another name, "
                                     "or take links out first")

    def carry(self) -> None:
        """Where all tables are in their new form."""
        own = self.mapping.table(self.id)
        for _, _, old, new in self.changed():
            if old is None or not old.place or not new or "contained" in (old.place[0], new[0]) or not (
                    {target(old.place), table(old.place)} <= self.names.tables.keys()):
                continue
            today = self.names.today(old.place, self.table)
            if today == new:
                continue
            pairs = self.pairs(today, own.name)
            if new[0] == "link":
                _, link, left, right, _ = new
                if link not in self.names.had:         # kept of an older model
                    self.execute("DELETE FROM", quoted(link))
                equal = [infix(pw.Entity("q", left), "=", pw.SQL("p.a")), infix(pw.Entity("q", right), "=", pw.SQL("p.b"))]
                self.execute("INSERT INTO", quoted(link), "(", quoted(left), ",", quoted(right), ") SELECT DISTINCT p.a, p.b",
                             "FROM", pairs, "AS p WHERE NOT EXISTS (SELECT 1 FROM", quoted(link), "AS q WHERE", equal[0], "AND",
                             equal[1], ")")
            elif not self.stored(new) and self.generated(new):
                here = new[0] == "reference"
                holder, column, row = (own.name, new[1][0], own.row_id.name) if here else (new[2], new[3][0], new[4])
                one, other = ("p.b", "p.a") if here else ("p.a", "p.b")
                self.execute("UPDATE", quoted(holder), "SET", quoted(column), f"= (SELECT MIN({one}) FROM", pairs,
                             f"AS p WHERE {other} =", quoted(holder, row), ")")

    # --- places ------------------------------------------------------------------------------------------

    def changed(self) -> list[tuple[str, NavigationProperty, Relation | None, Place]]:
        """(owner, navigation property, what it was, where its links are to be)."""
        own, model = self.mapping.table(self.id), self.mapping.model
        return [(owner, each, self.former.relation(owner, each.name)
                 or self.former.relation(owner, vocabularies.renamed_from(model, owner, each)),
                 place(self.mapping, own, owner, each.name)) for owner, each in self.mapping.navigations(self.id)]

    def stored(self, new: Place) -> bool:
        """Whether the columns of a place were columns of the former model too."""
        own = self.mapping.table(self.id).name
        return set(new[1]) <= self.names.had.get(own, frozenset()) and set(new[3]) <= self.names.had.get(new[2], frozenset())

    def before(self, new: Place) -> Place:
        """A place that was there before, by the names of then."""
        kind, mine, target, theirs, row = new
        tables = {today: old for old, today in self.names.tables.items()}
        target = tables.get(str(target), str(target))

        def then(table: str, names: list[str]) -> list[str]:
            back = {today: old for old, today in self.names.columns.get(table, {}).items()}
            return [back.get(name, name) for name in names]
        return [kind, then(self.table, mine), target, then(target, theirs), row]

    def generated(self, new: Place) -> bool:
        """Whether a place is a column that holds nothing but the number of a row."""
        if new[0] == "reference":
            return new[1][0] in {each.name for each in self.mapping.table(self.id).references.values()} and new[3] == [new[4]]
        return new[1] == [self.mapping.table(self.id).row_id.name] and any(
            new[3][0] == each.name for id in self.mapping.sources() if self.mapping.table_name(id) == new[2]
            for each in self.mapping.table(id).references.values())

    def pairs(self, where: Place, own: str) -> pw.Node:
        """SELECT a, b: rows of this table and what they are related to, from a place."""
        match where:
            case ["link", table, left, right, _]:
                return words("(SELECT", quoted(left), "AS a,", quoted(right), "AS b FROM", quoted(table), ")")
            case ["contained", target, row, column, source]:
                only: list[Any] = ["WHERE", quoted(source), "=", pw.Value(self.id)] if source else []
                return words("(SELECT", quoted(column), "AS a,", quoted(row), "AS b FROM", quoted(target), *only, ")")
        _, mine, target, theirs, row = where
        equal = [infix(pw.Entity("t1", one), "=", pw.Entity("t2", other)) for one, other in zip(mine, theirs, strict=True)]
        return words("(SELECT", pw.Entity("t1", self.former.row), "AS a,", pw.Entity("t2", row), "AS b FROM", quoted(own),
                     "AS t1 JOIN", quoted(target), "AS t2 ON", pw.NodeList(equal, " AND "), ")")

    def several(self, where: Place) -> bool:
        return self.rows(words("SELECT p.a FROM", self.pairs(where, self.table), "AS p GROUP BY p.a HAVING COUNT(*) > 1"))

    def rows(self, query: pw.Node) -> bool:
        return bool(self.store.run(*self.store.compile(words(query, "LIMIT 1"))))

    def execute(self, *parts: pw.Node | str) -> None:
        self.store.execute(*self.store.compile(words(*parts)))

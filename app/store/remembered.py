"""Remembered: what a store knows of the model that made its tables, laid beside the model of today (`odata_forms`)."""

from __future__ import annotations

import json
from collections.abc import Mapping as MappingType
from collections.abc import Set
from dataclasses import dataclass

import peewee as pw

from app.edm import vocabularies
from app.store import schema
from app.store.content import Content, simple
from app.store.database import Store
from app.store.mapping import Column, Index, Mapping
from app.store.schema import FORMS, Definition, ForeignKey


@dataclass(frozen=True, slots=True)
class Former:
    """What is remembered of a mapping id: as it was called, as the database has it, as the model wanted it."""

    id: str
    before: str
    present: tuple[Definition, ...]
    wanted: tuple[Definition, ...]
    content: Content | None


def remembered(store: Store, mapping: Mapping) -> tuple[list[Former], list[Former]]:
    """What the model wants in another form now; and all that there is."""
    rows = {id: (wanted, present) for id, wanted, present in store.run(*store.compile(pw.Table(FORMS).alias("t1").select(
        *(pw.Entity("t1", name) for name in ("id", "wanted", "present")))))}
    there = set(mapping.sources())
    gone = {id: _parsed(present) for id, (_, present) in rows.items() if id not in there}
    moved = _moved(mapping, gone, there - rows.keys())
    found = []
    for id, (wanted, present) in rows.items():
        _, _, rest = wanted.partition("\n")
        found.append(Former(moved.get(id, id), id, _parsed(present), _parsed(wanted), Content.read(rest.partition("\n")[0])))
    return [each for each in found if each.id in there
            and (each.id != each.before or rows[each.before][0] != schema.wanted(mapping, each.id))], found


def _moved(mapping: Mapping, gone: MappingType[str, tuple[Definition, ...]], fresh: Set[str]) -> dict[str, str]:
    """Former mapping id → that of today: sets by Store.RenamedFrom; containments of a type that is called otherwise, whose
    property is, or that inherits it now or did."""
    model, found = mapping.model, {}

    def of_these(id: str, old: str) -> bool:
        """Whether a type that is gone declared the property of the same owners."""
        was, now = ({key.table for key in part.foreign_keys if key.columns[0].endswith("_owner")}
                    for part in (gone[old][0], schema.definitions(mapping, id)[0]))
        return old.rpartition("/")[0] not in model.types and bool(was) and was == now
    for id in fresh if gone else ():
        owner, _, name = id.rpartition("/")
        if not owner:
            former = vocabularies.set_renamed_from(model, id)
            alike = [each for each in gone if each == former]
        else:
            names = {name, vocabularies.renamed_from(model, owner, model.navigations(owner)[name])}
            owners = {simple(each) for each in (owner, *model.derived(owner), *vocabularies.former_names(model, owner))}
            alike = [each for each in gone if each.rpartition("/")[2] in names and (
                simple(each.rpartition("/")[0]) in owners or of_these(id, each))]
        if len(alike) == 1:
            found[alike[0]] = id
    return found


def _parsed(text: str) -> tuple[Definition, ...]:
    """The definitions that `schema.form` wrote."""
    return tuple(Definition(
        name, tuple(Column(*column) for column in columns), identity, tuple(key),
        tuple(Index(tuple((name, down) for name, down in pairs), unique) for pairs, unique in indexes),
        tuple(ForeignKey(tuple(own), table, tuple(other), rule) for own, table, other, rule in keys))
        for name, columns, identity, key, indexes, keys in json.loads(text.partition("\n")[0]))

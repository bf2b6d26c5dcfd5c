"""A small loader for the tests of `app.sql`: tables by hand, sample data straight into columns, no service needed."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from app.bind.literal import enum_value
from app.csdl import load
from app.edm import types
from app.edm.index import Model
from app.edm.model import EnumType
from app.store.database import Store, connect
from app.store.mapping import (Contained, Document, Flat, Inverse, Link, Mapping, Reference, Scalar, Storage, Table,
                               map_model)
from app.store.schema import create

MODELS = Path(__file__).parent.parent / "models"


def model(name: str = "northwind") -> Mapping:
    return map_model(load(MODELS / f"{name}.xml"))


def open_store(mapping: Mapping, url: str = "sqlite:///:memory:") -> Store:
    store = connect(url)
    create(store, mapping)
    return store


class Loader:
    """Rows first, then what refers to them."""

    def __init__(self, mapping: Mapping, store: Store) -> None:
        self.mapping, self.model, self.store = mapping, mapping.model, store
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.links: dict[str, list[dict[str, int]]] = {}
        self.later: list[tuple[Table, dict[str, Any], str, Any, Any]] = []

    def load(self, data: dict[str, Any]) -> None:
        for name, content in data.items():
            for entity in content if isinstance(content, list) else [content]:
                self.entity(self.mapping.table(name), entity)
        for table, row, declaring, navigation, bind in self.later:
            self.bind(table, row, declaring, navigation, bind)
        with self.store.write(), self.store.deferred_references():
            for id, rows in self.rows.items():
                self.insert(self.mapping.table(id).name, self.mapping.table(id).columns, rows)
            for name, pairs in self.links.items():
                self.insert(name, None, pairs)

    def insert(self, name: str, columns: Any, rows: list[dict[str, Any]]) -> None:
        quote = "`" if self.store.dialect.name == "mariadb" else '"'
        mark = self.store.dialect.placeholder
        for row in rows:
            names = ", ".join(f"{quote}{key}{quote}" for key in row)
            known = {column.name: column for column in columns or ()}
            values = []
            for key, value in row.items():
                write = self.store.dialect.writer(known[key].edm, known[key]) if key in known else None
                values.append(value if write is None else write(value))
            marks = ", ".join([mark] * len(row))
            self.store.execute(f"INSERT INTO {quote}{name}{quote} ({names}) VALUES ({marks})", values)

    def entity(self, table: Table, content: dict[str, Any]) -> dict[str, Any]:
        rows = self.rows.setdefault(table.id, [])
        kind = content.get("@odata.type", "#" + table.type)[1:]
        row: dict[str, Any] = {table.row_id.name: len(rows) + 1, table.version.name: 1}
        rows.append(row)
        if table.discriminator is not None:
            row[table.discriminator.name] = kind
        dynamic = {}
        for name, value in content.items():
            if name.startswith("@"):
                continue
            head = name.partition("@")[0]
            if head in self.model.properties(kind):
                if "@" not in name:
                    declaring = self.model.declaring(kind, name) or kind
                    self.store_value(row, table.members[declaring, name], value, self.model.properties(kind)[name].type)
            elif head in self.model.navigations(kind):
                declaring = self.model.declaring(kind, head) or kind
                self.later.append((table, row, declaring, self.model.navigations(kind)[head], value))
            else:
                dynamic[name] = value
        if table.dynamic is not None:
            row[table.dynamic.name] = json.dumps(dynamic, ensure_ascii=False, default=float) if dynamic else None
        return row

    def store_value(self, row: dict[str, Any], storage: Storage, value: Any, ref: Any) -> None:
        match storage:
            case Scalar(column):
                row[column.name] = canonical(value, column.edm, self.model)
            case Flat(type, members, present):
                if present is not None:
                    row[present.name] = value is not None
                for name, inner in members.items():
                    given = (value or {}).get(name)
                    self.store_value(row, inner, given, self.model.properties(type)[name].type)
            case Document(column):
                row[column.name] = None if value is None else json.dumps(value, ensure_ascii=False, default=float)

    def bind(self, table: Table, row: dict[str, Any], declaring: str, navigation: Any, value: Any) -> None:
        relation = self.mapping.relation(table.id, declaring, navigation.name)
        for each in value if isinstance(value, list) else [value]:
            if each is None:
                continue
            if isinstance(relation, Contained):
                target = self.mapping.table(relation.target)
                assert target.owner is not None
                made = self.entity(target, each)
                made[target.owner.column.name] = row[table.row_id.name]
                if target.owner.source is not None:
                    made[target.owner.source.name] = table.id
                continue
            related = self.find(each)
            match relation:
                case Reference(_, own, other):
                    row.update({mine.name: related.get(theirs.name) for mine, theirs in zip(own, other)})
                case Inverse(_, own, other):
                    related.update({theirs.name: row[mine.name] for mine, theirs in zip(own, other)})
                case Link():
                    pair = {relation.own.name: row[table.row_id.name],
                            relation.other.name: related[self.mapping.table(relation.target).row_id.name]}
                    if pair not in self.links.setdefault(relation.table, []):
                        self.links[relation.table].append(pair)

    def find(self, url: str) -> dict[str, Any]:
        name, _, inner = url.rstrip(")").partition("(")
        table = self.mapping.table(name)
        parts = dict(re.findall(r"(\w+)=('[^']*'|[^,]*)", inner)) if "=" in inner else {table.key[0][0]: inner}
        wanted = {}
        for key, column in table.key:
            text = parts[key]
            if text.startswith("'"):
                text = unquote(text[1:-1]).replace("''", "'")
            wanted[column.name] = types.parse(column.edm, text)
        return next(row for row in self.rows[name] if all(row[key] == value for key, value in wanted.items()))


def canonical(value: Any, edm: str, model: Model) -> Any:
    """A value of the data file in its canonical form."""
    if value is None or isinstance(value, bool):
        return value
    enum = model.types.get(edm)
    if isinstance(enum, EnumType):
        return enum_value(str(value), enum)
    return types.parse(edm, str(value))


def loaded(name: str = "northwind", url: str = "sqlite:///:memory:") -> tuple[Mapping, Store]:
    mapping = model(name)
    store = open_store(mapping, url)
    Loader(mapping, store).load(json.loads((MODELS / f"{name}.data.json").read_text(), parse_float=Decimal))
    return mapping, store

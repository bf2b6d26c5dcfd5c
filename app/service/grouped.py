"""Rows of groups and aggregates as objects: values by path, the entities that they are grouped by, collections they hold.

Rows are transient: they have no ETag, and in 4.0 a null id. A property that a row does not have is left out. Entities and
held collections are read by one statement each, for all rows at once. Data Aggregation §3.1, §3.2.3.1, §3.5.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app import sql
from app.edm import types
from app.payload import context
from app.payload.documents import DocumentWriter, decode_document
from app.payload.format import Format
from app.payload.values import json_converter
from app.plan.nodes import Cell, Held, Read, Rows

if TYPE_CHECKING:
    from app.service.rows import Environment, Node, Run

Row = Sequence[Any]
Object = dict[str, Any]
Convert = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class Entities:
    """What reads the entities of one cell, and how they are shown."""

    cell: Cell
    node: Node

    def by_row(self, found: Sequence[Row], run: Run) -> dict[Any, tuple[Object, str]]:
        """Row id → object and canonical path."""
        node, at = self.node, self.cell.index
        wanted = [(id,) for id in dict.fromkeys(row[at] for row in found if row[at] is not None)]
        if not wanted:
            return {}
        rows = sql.fetch(run.view or node.environment.store, node.statement, replace(run.values, parents=wanted))
        paths = node.paths(rows, "")
        if self.cell.suffix:
            made = [{node.format.control("id"): node.root + path} for path in paths]
        else:
            made = node.objects(rows, run)
        return {row[0]: (each, path) for row, each, path in zip(rows, made, paths, strict=True)}


class RowNode:
    """One compiled query of rows. `trail`: the navigation properties expanded on the way here."""

    def __init__(self, environment: Environment, rows: Rows, format: Format, root: str, trail: tuple[str, ...] = ()) -> None:
        from app.service.rows import Node
        self.environment, self.rows, self.format, self.root = environment, rows, format, root
        dialect = environment.store.dialect
        self.statement = environment.ready(sql.compile_query(rows.query, environment.mapping, dialect))
        self.links = self.statement.link_count
        self.reads = sql.readers(self.statement, dialect)
        self.writes = {cell.index: json_converter(environment.model, cell.type, format) for cell in rows.cells}
        self.documents = DocumentWriter(environment.model, format)
        self.entities = tuple(Entities(cell, Node(environment, cell.read, format, root, (*trail, *cell.path)))
                              for cell in rows.cells if cell.read is not None)
        self.held = tuple(HeldNode(self, each, trail) for each in rows.held)
        self.casts = {cell.index: [] if format.metadata == "none" else [
            (steps, step) for steps, step in enumerate(cell.path, 1) if "." in step] for cell in rows.cells}
        self.cells = tuple((cell, self.plain(cell)) for cell in rows.cells)
        self.transient = format.version == "4.0" and format.metadata != "none"
        self.several = bool(self.entities or self.held)

    def plain(self, cell: Cell) -> tuple[str, Convert, Convert] | None:
        """Name and converters of a value that goes into the object of its row as it is; None for any other."""
        if cell.read is not None or cell.exists or self.casts[cell.index] or len(cell.path) > 1 or (
                cell.annotated and self.format.metadata != "none") or not cell.collection and (
                    cell.type in types.ABSTRACT or self.environment.model.kind(cell.type) == "complex"):
            return None
        return cell.path[0], self.reads[cell.index], self.writes[cell.index]

    def objects(self, found: Sequence[Row], run: Run) -> list[Object]:
        """One object a row."""
        control = self.format.control("id")
        entities = {each.cell.index: each.by_row(found, run) for each in self.entities}
        made = []
        for row in found:
            item: Object = {control: None} if self.transient else {}
            for cell, plain in self.cells:
                if row[cell.absent]:
                    continue
                if plain is not None:
                    name, read, write = plain
                    value = row[cell.index]
                    if value is not None:
                        value = value if read is None else read(value)
                        value = value if write is None else write(value)
                    item[name] = value
                    continue
                missing = next((steps for steps, at in cell.exists if not row[at]), None)
                if missing is not None:
                    self.missing(item, cell.path[:missing])
                elif cell.read is None:
                    self.value(item, cell, row[cell.index])
                elif cell.path:
                    entity = entities[cell.index].get(row[cell.index])
                    _put(item, cell.path, None if entity is None else dict(entity[0]))
                elif row[cell.index] is not None:
                    item = dict(entities[cell.index][row[cell.index]][0])       # it has an id of its own
                for steps, type in self.casts[cell.index]:
                    if missing is None or steps < missing:
                        self.typed(item, cell.path[:steps - 1], type)
            made.append(item)
        for each in self.held:
            each.attach(found, made, run)
        return made

    @staticmethod
    def missing(item: Object, path: tuple[str, ...]) -> None:
        """What a row shows of a path that ends on the way: null, or an object of another type than a cast asks for."""
        if "." not in path[-1]:
            _put(item, path, None)
        elif len(path) > 1:
            _put(item, path[:-1], {})

    def typed(self, item: Object, path: tuple[str, ...], type: str) -> None:
        """Says of what type the object at a path is, unless a more special one is known."""
        for step in path:
            item = item if "." in step else item[step]
        control = self.format.control("type")
        known = item.get(control)
        if known is None or self.environment.model.is_a(type, known.removeprefix("#")):
            rest = {name: each for name, each in item.items() if name != control}
            item.clear()
            item.update({control: self.format.type_name(type)} | rest)

    def value(self, item: Object, cell: Cell, value: Any) -> None:
        """Puts one value, its type before it where nothing tells it; what is kept as JSON as the value that it is."""
        if value is not None and not cell.collection and cell.type in types.ABSTRACT:
            for name, part in self.documents.annotated(cell.path[-1], None)(value).items():
                _put(item, (*cell.path[:-1], name), part)
            return
        if value is not None and not cell.collection and self.environment.model.kind(cell.type) == "complex":
            value = self.documents.value(decode_document(value), cell.type)
        elif value is not None:
            read, write = self.reads[cell.index], self.writes[cell.index]
            value = value if read is None else read(value)
            value = value if write is None else write(value)
            if cell.annotated and self.format.metadata != "none":
                item[self.format.control("type", cell.path[-1])] = self.format.type_name(cell.type, cell.collection)
        _put(item, cell.path, value)


class HeldNode:
    """A collection that rows hold: read for all rows, handed out by the values of their groups."""

    def __init__(self, owner: RowNode, held: Held, trail: tuple[str, ...]) -> None:
        self.owner, self.held = owner, held
        self.node = node_of(owner.environment, held.read, owner.format, owner.root, (*trail, held.name))
        self.context = owner.format.control("context", held.name)
        self.url = context_url(owner.environment, owner.root, owner.format, held.read, held.options)

    def attach(self, found: Sequence[Row], made: list[Object], run: Run) -> None:
        """Puts the collections into the objects made of rows."""
        node, held = self.node, self.held
        rows = sql.fetch(run.view or self.owner.environment.store, node.statement, run.values)
        items: dict[tuple[Any, ...], list[Object]] = {}
        for row, each in zip(rows, node.objects(rows, run), strict=True):
            items.setdefault(tuple(row[at] for at in held.groups), []).append(each)
        for source, target in zip(found, made, strict=True):
            if self.url:
                target[self.context] = self.url
            target[held.name] = items.get(tuple(source[at] for at in held.own), [])


def node_of(environment: Environment, read: Read | Rows, format: Format, root: str, trail: tuple[str, ...]) -> Node | RowNode:
    """A plan made ready, of entities or of rows."""
    from app.service.rows import Node
    if isinstance(read, Rows):
        return RowNode(environment, read, format, root, trail)
    return Node(environment, read, format, root, trail)


def context_url(environment: Environment, root: str, format: Format, read: Read | Rows, options: Any,
                single: bool = False) -> str:
    """The context of a collection (or a `single` entity) that has its own; '' where there is none."""
    if format.metadata == "none":
        return ""
    source, model = read.query.source, environment.model
    known = source.table in model.sets
    declared = environment.mapping.declared_type(source.table) if known else source.type
    return root + "$metadata#" + context.entities(source.table, source.type, declared, options, format.version, single=single,
                                                  cast=source.type != declared, source=known)


def _put(item: Object, path: tuple[str, ...], value: Any) -> None:
    """Sets the value at a path of an object, making the objects in between."""
    *steps, name = (step for step in path if "." not in step or "@" in step)
    for step in steps:
        if item.get(step) is None:
            item[step] = {}
        item = item[step]
    known = item.get(name)
    item[name] = {**value, **known} if isinstance(value, dict) and isinstance(known, dict) else value

"""Stages: the rows between two transformations of `$apply`.

A stage is a SELECT under construction over instances (a row of a table, with added names) or over rows of groups and
aggregates. Where a transformation needs the result of what came before (a limit, a rank, a group), the stage is sealed:
it becomes a derived table, joined to the table of its instances by their row id. peewee-recipes §16.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import peewee as pw

from app import errors
from app.bind import nodes as bound
from app.sql import order as sorting
from app.sql import expression, paths, relations, terms
from app.sql.order import Ordered
from app.sql.scope import Build, Frame, One, Operand, Row, Scope, Staged
from app.store.mapping import Table

ABSENT = "@absent"      # a column of rows of unlike shape: bit n is set where the n-th property of the row is not there


@dataclass(slots=True, eq=False)
class Stage:
    """`this`: the current instance or row; `names`: added properties, as expressions or places; `order`: what was asked
    for so far; `groups`: the grouping properties that the transformations to come keep apart."""

    build: Build
    frame: Frame
    this: Row | Staged
    where: list[pw.Node] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    order: Ordered = field(default_factory=list)
    groups: dict[str, Operand] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        return Scope(self.build, self.this, self.this, {}, self.names)

    def select(self, columns: Sequence[pw.Node]) -> pw.Select:
        query = pw.Select([self.frame.source], columns)
        return query.where(terms.all_of(self.where)) if self.where else query

    def columns(self) -> dict[str, Operand]:
        """The values that a row has beside those of its instance, by path: added scalars, or all of the row."""
        if isinstance(self.this, Staged):
            return dict(self.this.columns)
        found = {}
        for name, added in self.names.items():
            operand = scalar(added, self.scope)
            if operand is not None:
                found[name] = operand
        return found

    def total_order(self) -> Ordered:
        """The order so far, made complete."""
        if isinstance(self.this, Row):
            return [*self.order, (Operand(self.this.column(self.this.table.row_id), "Edm.Int64", nullable=False), False)]
        return [*self.order, *((operand, False) for operand in self.this.columns.values())]


Make: TypeAlias = Callable[[], Stage]


def scalar(added: Any, scope: Scope) -> Operand | None:
    """The value of an added name; the row id of an entity, None for what is neither."""
    if isinstance(added, Operand):
        return added
    if isinstance(added, Row | One):
        row = relations.row_of(added) if isinstance(added, One) else added
        return Operand(row.column(row.table.row_id), "@" + row.table.id)
    place = added if isinstance(added, paths.PLACES) else paths.place(added, scope)
    if isinstance(place, Row | One):
        return scalar(place, scope)
    if place is not None and not isinstance(place, Operand):
        return paths.operand(place, scope.build) if paths.is_scalar(place, scope.build) else None
    return place if place is not None else expression.value(added, scope)


def derived(query: pw.Select, build: Build) -> pw.Select:
    return query.alias(build.alias())


def column(source: pw.Source, name: str, operand: Operand) -> Operand:
    """The same value as a column of a derived table that selected it."""
    return Operand(pw.Column(source, name), operand.type, operand.column, operand.nullable)


def sealed(stage: Stage, finish: Callable[[pw.Select], pw.Select] = lambda query: query,
           extra: Mapping[str, pw.Node] | None = None) -> tuple[Stage, pw.Select]:
    """The stage as a derived table, and that table; `finish` adds limits, `extra` further columns under their names."""
    build, values = stage.build, stage.columns()
    entity = stage.this if isinstance(stage.this, Row) else None
    selected: list[pw.Node] = [] if entity is None else [terms.aliased(entity.column(entity.table.row_id), "id")]
    selected += [terms.aliased(operand.node, f"a{index}") for index, operand in enumerate(values.values())]
    selected += [terms.aliased(operand.node, f"o{index}") for index, (operand, _) in enumerate(stage.order)]
    selected += [terms.aliased(operand.node, f"g{index}") for index, operand in enumerate(stage.groups.values())]
    selected += [terms.aliased(node, name) for name, node in (extra or {}).items()]
    inner = derived(finish(stage.select(selected)), build)
    kept = {name: column(inner, f"a{index}", operand) for index, (name, operand) in enumerate(values.items())}
    order = [(column(inner, f"o{index}", operand), down) for index, (operand, down) in enumerate(stage.order)]
    groups = {path: column(inner, f"g{index}", operand) for index, (path, operand) in enumerate(stage.groups.items())}
    if entity is None:
        return of_rows(build, Frame(build, inner), kept, order, groups), inner
    return over_instances(build, inner, entity.table, kept, order, groups), inner


def over_instances(build: Build, inner: pw.Source, table: Table, kept: Mapping[str, Operand], order: Ordered,
                   groups: dict[str, Operand]) -> Stage:
    """The instances whose row ids a derived table holds, with the values that it holds beside."""
    alias = build.table(table.name)
    frame = Frame(build, inner)
    row = Row(frame, alias, table, ("instance",))
    frame.join(alias, terms.compare(row.column(table.row_id), "=", pw.Column(inner, "id")), pw.JOIN.INNER)
    names = {name: relations.entity(frame, operand, name) if operand.type.startswith("@") else operand
             for name, operand in kept.items()}
    return Stage(build, frame, row, [], names, order, groups)


def of_rows(build: Build, frame: Frame, columns: Mapping[str, Operand], order: Ordered | None = None,
            groups: dict[str, Operand] | None = None) -> Stage:
    """The rows of a derived table."""
    return Stage(build, frame, Staged(frame, columns), [], {}, order or [], groups or {})


def sort(stage: Stage) -> list[pw.Node]:
    return sorting.sort(stage.total_order(), stage.build)


def union(stages: Sequence[Stage]) -> Stage:
    """One result after the other. Instances of one table stay instances; rows of unlike shape are padded with null, and
    a column tells which of their properties are not there (Aggregation §3.2.2)."""
    build = stages[0].build
    entities = [stage.this for stage in stages if isinstance(stage.this, Row)]
    if entities and len(entities) < len(stages):
        raise errors.NotImplementedByService(feature="concat of instances and aggregated rows")
    shapes = [stage.columns() for stage in stages]
    paths_: dict[str, Operand] = {}
    for shape in shapes:
        for path, operand in shape.items():
            paths_.setdefault(path, operand)
    if not entities:
        paths_.pop(ABSENT, None)
    members = [_member(stage, shape, paths_, index) for index, (stage, shape) in enumerate(zip(stages, shapes))]
    whole: Any = members[0]
    for each in members[1:]:
        whole = whole.union_all(each)
    inner = derived(whole, build)
    kept = {path: Operand(pw.Column(inner, f"a{index}"), operand.type) for index, (path, operand) in enumerate(paths_.items())}
    order: Ordered = [(Operand(pw.Column(inner, "part"), "Edm.Int32", nullable=False), False)]
    if entities:
        return over_instances(build, inner, entities[0].table, kept, order, {})
    kept[ABSENT] = Operand(pw.Column(inner, "absent"), "Edm.Int64", nullable=False)
    return of_rows(build, Frame(build, inner), kept, order)


def _member(stage: Stage, shape: Mapping[str, Operand], whole: Mapping[str, Operand], part: int) -> pw.Select:
    selected: list[pw.Node] = []
    if isinstance(stage.this, Row):
        selected.append(terms.aliased(stage.this.column(stage.this.table.row_id), "id"))
    missing = 0
    for index, (path, wanted) in enumerate(whole.items()):
        found = shape.get(path)
        if found is None:
            missing |= 1 << index
            node = expression.null(wanted.type, stage.build).node
        else:
            node = expression.promoted(found, wanted.type if not wanted.type.startswith("@") else "", stage.build)
        selected.append(terms.aliased(node, f"a{index}"))
    selected.append(terms.aliased(pw.SQL(str(part)), "part"))
    absent: pw.Node = pw.SQL(str(missing))
    if ABSENT in shape:
        absent = shape[ABSENT].node
        if missing:
            raise errors.NotImplementedByService(feature="concat of rows that were rolled up differently")
    if not isinstance(stage.this, Row):
        selected.append(terms.aliased(absent, "absent"))
    return stage.select(selected)


def named(properties: Sequence[bound.RowProperty], stage: Stage) -> dict[str, Operand]:
    """The values of grouping properties by path, with a mark whether the entity that a path runs through is there."""
    found: dict[str, Operand] = {}
    for each in properties:
        path = "/".join(each.path)
        if path not in found:
            found[path] = group_value(each, stage)
    return found


def group_value(each: bound.RowProperty, stage: Stage) -> Operand:
    """The value that instances are grouped by; the row id for an entity."""
    node = each.expression if each.expression is not None else bound.AliasPath("/".join(each.path), each.type)
    place = paths.place(node, stage.scope)
    if isinstance(place, Row | One):
        operand = scalar(place, stage.scope)
        assert operand is not None
        return operand
    return paths.operand(place, stage.build) if place is not None else expression.value(node, stage.scope)

"""Stages: the rows between two transformations of `$apply`.

A stage is a SELECT under construction over instances (a row of a table, with added names) or over rows of groups and
aggregates. Where a transformation needs the result of what came before (a limit, a rank, a group), the stage is sealed:
it becomes a derived table, joined to the table of its instances by their row id. peewee-recipes §16.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import peewee as pw

from app import errors
from app.bind import nodes as bound
from app.edm import types
from app.sql import order as sorting
from app.sql import expression, paths, relations, structures, terms
from app.sql.order import Ordered
from app.sql.scope import Build, Frame, Json, One, Operand, Place, Row, Scope, Staged
from app.store.mapping import Table

# Marks beside the properties of a row, under their path and one of these: a property that this row does not have; an entity
# on the way to a grouping property that is there.
ABSENT, EXISTS = "@absent", "@exists"
MARKS = (ABSENT, EXISTS)
PLACE = "@place"            # the position of an item in the collection of values that it is from


@dataclass(slots=True, eq=False)
class Stage:
    """`this`: the current instance or row; `names`: added properties, as expressions or places; `order`: what was asked
    for so far; `groups`: the grouping properties that the transformations to come keep apart; `again` makes the collection
    of the transformation under way once more (`$these`)."""

    build: Build
    frame: Frame
    this: Row | Staged | Json
    where: list[pw.Node] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    order: Ordered = field(default_factory=list)
    groups: dict[str, Operand] = field(default_factory=dict)
    again: Make | None = None

    @property
    def scope(self) -> Scope:
        return Scope(self.build, self.this, self.this, {}, self.names, self.these if self.again is not None else None)

    def these(self) -> tuple[Frame, list[pw.Node], Place]:
        """The current collection once more, of the same group."""
        assert self.again is not None
        other = self.again()
        same = [self.build.dialect.same(other.groups[path].node, operand.node) for path, operand in self.groups.items()]
        return other.frame, [*other.where, *same], other.this

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
            joined = [paths.row_id(added) for added in self.names.values() if isinstance(added, Row)]
            return [*self.order, (paths.row_id(self.this), False), *((each, False) for each in joined)]
        if isinstance(self.this, Json):
            return [*self.order, (self.names[PLACE], False)]
        return [*self.order, *((operand, False) for operand in self.this.columns.values())]


Make: TypeAlias = Callable[[], Stage]


def scalar(added: Any, scope: Scope) -> Operand | None:
    """The value of an added name; the row id of an entity, None for what is neither."""
    if isinstance(added, Operand):
        return added
    if isinstance(added, Row | One):
        return paths.row_id(added)
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
    selected = instance(stage.this)
    selected += [terms.aliased(operand.node, f"a{index}") for index, operand in enumerate(values.values())]
    selected += [terms.aliased(operand.node, f"o{index}") for index, (operand, _) in enumerate(stage.order)]
    selected += [terms.aliased(operand.node, f"g{index}") for index, operand in enumerate(stage.groups.values())]
    selected += [terms.aliased(node, name) for name, node in (extra or {}).items()]
    inner = derived(finish(stage.select(selected)), build)
    kept = {name: column(inner, f"a{index}", operand) for index, (name, operand) in enumerate(values.items())}
    order = [(column(inner, f"o{index}", operand), down) for index, (operand, down) in enumerate(stage.order)]
    groups = {path: column(inner, f"g{index}", operand) for index, (path, operand) in enumerate(stage.groups.items())}
    return reopened(stage.this, build, inner, kept, order, groups), inner


def instance(this: Row | Staged | Json) -> list[pw.Node]:
    """What a derived table keeps of an instance besides the values of a stage."""
    if isinstance(this, Row):
        return [terms.aliased(this.column(this.table.row_id), "id")]
    return [terms.aliased(this.node, "item")] if isinstance(this, Json) else []


def reopened(this: Row | Staged | Json, build: Build, inner: pw.Source, kept: Mapping[str, Operand], order: Ordered,
             groups: dict[str, Operand]) -> Stage:
    """The stage over a derived table, which holds instances like this one."""
    if isinstance(this, Row):
        return over_instances(build, inner, this.table, kept, order, groups)
    if isinstance(this, Json):
        frame = Frame(build, inner)
        return Stage(build, frame, Json(pw.Column(inner, "item"), (), this.type), [], dict(kept), order, groups)
    return of_rows(build, Frame(build, inner), kept, order, groups)


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


def over_related(stage: Stage, place: Row) -> Stage:
    """The entities that a path leads to from the instances of a stage, each once in each group."""
    stage.where.extend(relations.cast_condition(stage.build, place))
    columns = [terms.aliased(place.column(place.table.row_id), "id")]
    columns += [terms.aliased(operand.node, f"g{index}") for index, operand in enumerate(stage.groups.values())]
    inner = derived(stage.select(columns).distinct(), stage.build)
    groups = {path: column(inner, f"g{index}", operand) for index, (path, operand) in enumerate(stage.groups.items())}
    return over_instances(stage.build, inner, place.table, {}, [], groups)


def of_rows(build: Build, frame: Frame, columns: Mapping[str, Operand], order: Ordered | None = None,
            groups: dict[str, Operand] | None = None) -> Stage:
    """The rows of a derived table."""
    return Stage(build, frame, Staged(frame, columns), [], {}, order or [], groups or {})


def sort(stage: Stage) -> list[pw.Node]:
    return sorting.sort(stage.total_order(), stage.build)


def union(stages: Sequence[Stage]) -> Stage:
    """One result after the other, each in its order. Instances of one table stay instances; rows of unlike shape are padded
    with null, and a property that only some rows have gets a mark where it is not there (Aggregation §3.2.2)."""
    build = stages[0].build
    entities = [stage.this for stage in stages if isinstance(stage.this, Row)]
    shapes = [stage.columns() for stage in stages]
    values = [stage for stage in stages if isinstance(stage.this, Json)]
    if values and len(values) < len(stages):
        raise errors.NotImplementedByService(feature="Values beside rows in concat")
    if entities and len(entities) < len(stages):
        return union(beside_rows(stages, shapes))
    whole: dict[str, Operand] = {}
    for path, operand in (item for shape in shapes for item in shape.items()):
        whole[path] = common(whole.get(path, operand), operand, path)
    if not entities and not values:
        marks = {path + ABSENT: Operand(terms.FALSE, "Edm.Boolean") for path in whole
                 if not path.endswith(MARKS) and any(path not in shape for shape in shapes)}
        whole = {**marks, **whole}
    built: Any = _member(stages[0], shapes[0], whole, 0)
    for part, (stage, shape) in enumerate(zip(stages[1:], shapes[1:]), 1):
        built = built.union_all(_member(stage, shape, whole, part))
    inner = derived(built, build)
    kept = {path: Operand(pw.Column(inner, f"a{index}"), operand.type) for index, (path, operand) in enumerate(whole.items())}
    order: Ordered = [(Operand(pw.Column(inner, name), "Edm.Int64", nullable=False), False) for name in ("part", "place")]
    groups = {path: column(inner, f"g{index}", operand) for index, (path, operand) in enumerate(stages[0].groups.items())}
    return reopened(stages[0].this, build, inner, kept, order, groups)


def beside_rows(stages: Sequence[Stage], shapes: Sequence[Mapping[str, Operand]]) -> list[Stage]:
    """The stages with instances as rows: their row id, what was added to them, and their values of the properties that the
    other rows have. Those of related entities are for further transformations only, they are not shown with the instance."""
    found = []
    for stage, shape in zip(stages, shapes):
        if isinstance(stage.this, Row):
            columns = {paths.INSTANCE: paths.row_id(stage.this), **shape}
            for path, wanted in (item for other in shapes for item in other.items()):
                node = None if path in columns or path.endswith(MARKS) else declared(path, stage.this.table.type, stage.build)
                if node is not None:
                    steps = tuple(path.split("/"))
                    columns[path] = group_value(bound.RowProperty(steps, wanted.type, node), stage)
                    columns[path + ABSENT] = Operand(terms.TRUE if len(steps) > 1 or wanted.type.startswith("@") else
                                                     terms.FALSE, "Edm.Boolean", nullable=False)
            stage = replace(stage, this=Staged(stage.frame, columns))
        found.append(stage)
    return found


def declared(path: str, type: str, build: Build) -> bound.Expression | None:
    """The node of a path of declared properties; None for names that were added."""
    node: bound.Expression = bound.This(type)
    model = build.model
    for step in path.split("/"):
        if "." in step:
            node = bound.CastPath(node, step)
        elif step in model.properties(node.type):
            found = model.properties(node.type)[step]
            ref = model.underlying(found.type)
            node = bound.PropertyPath(node, found, node.type, ref.name, ref.collection)
        elif step in model.navigations(node.type):
            navigation = model.navigations(node.type)[step]
            node = bound.NavigationPath(node, navigation, node.type, navigation.type, navigation.collection)
        else:
            return None
    return node


def common(first: Operand, second: Operand, path: str) -> Operand:
    """The operand whose type holds the values of both."""
    if first.type == second.type:
        return first
    wider = types.promote(first.type, second.type)
    if wider is None:
        raise errors.NotImplementedByService(feature=f"'{path}' of more than one type in concat")
    return replace(first, type=wider)


def _member(stage: Stage, shape: Mapping[str, Operand], whole: Mapping[str, Operand], part: int) -> pw.Select:
    """One of the results, in the columns of all."""
    build = stage.build
    selected = instance(stage.this)
    for index, (path, wanted) in enumerate(whole.items()):
        found = shape.get(path)
        if found is not None:
            node = expression.promoted(found, "" if wanted.type.startswith("@") else wanted.type, build)
        elif path.endswith(ABSENT):
            missing = bound.Literal(path.removesuffix(ABSENT) not in shape, "Edm.Boolean")
            node = expression.constant(missing, build).node
        else:
            node = expression.null("Edm.Int64" if wanted.type.startswith("@") else wanted.type, build).node
        selected.append(terms.aliased(node, f"a{index}"))
    selected += [terms.aliased(operand.node, f"g{index}") for index, operand in enumerate(stage.groups.values())]
    place = terms.over(pw.fn.ROW_NUMBER(), [], sorting.sort(stage.total_order(), build)) if stage.order else pw.SQL("0")
    selected += [terms.aliased(pw.SQL(str(part)), "part"), terms.aliased(place, "place")]
    return stage.select(selected)


def named(properties: Sequence[bound.RowProperty], stage: Stage) -> dict[str, Operand]:
    """The values of grouping properties by path. What a path runs through gets a mark whether it is there: no entity (or
    complex value), one of another type than a cast asks for and one without the value are three groups (Aggregation
    §3.2.3.1)."""
    found: dict[str, Operand] = {}
    for each in properties:
        found.setdefault("/".join(each.path), group_value(each, stage))
        node: Any = each.expression
        for steps in range(len(each.path) - 1, 0, -1):
            node = getattr(node, "base", None)
            mark_name = "/".join(each.path[:steps]) + EXISTS
            if isinstance(stage.this, Staged) and mark_name in stage.this.columns:
                found.setdefault(mark_name, stage.this.columns[mark_name])
            if isinstance(node, bound.CastPath) and mark_name not in found:
                fits = structures.is_of(node.base, node.type, False, stage.scope)
                found[mark_name] = Operand(fits, "Edm.Boolean", nullable=False)
            if isinstance(node, bound.PropertyPath | bound.NavigationPath | bound.AliasPath) and mark_name not in found:
                missing = paths.absent(paths.within(node, stage.scope), stage.build)
                mark = Operand(terms.no(missing), "Edm.Boolean", nullable=False)
                found.setdefault(mark_name, mark)
    return found


def group_value(each: bound.RowProperty, stage: Stage) -> Operand:
    """The value that instances are grouped by; the row id for an entity."""
    stage.build.whole(each.type, "Grouping by")
    node = each.expression if each.expression is not None else bound.AliasPath("/".join(each.path), each.type)
    place = paths.place(node, stage.scope)
    if isinstance(place, Row | One):
        return paths.row_id(place)
    return paths.operand(place, stage.build) if place is not None else expression.value(node, stage.scope)

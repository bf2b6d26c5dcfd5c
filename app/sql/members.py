"""Members: collections inside expressions, as correlated subselects.

`any`, `all`, `$count`, `in` over a navigation property, a collection of values kept as JSON, or either of them filtered or
cast. `all` is NOT EXISTS of a member whose predicate is not true, so neither yields null. URL Conventions §5.1.1.13, §4.8.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import peewee as pw

from app import errors
from app.bind import nodes as bound
from app.bind.scope import is_collection
from app.sql import aggregates, expression, lists, paths, relations, search, structures, terms
from app.sql.scope import Build, Frame, Json, Members, One, Operand, Place, Row, Scope, Staged
from app.store import mapping


ONCE_IS_ENOUGH = ("min", "max", "countdistinct")       # values that count once however often they are reached


def members(node: bound.Expression, scope: Scope) -> Members:
    """The members of a collection-valued path. Raises NotImplementedByService for other collections."""
    match node:
        case bound.NavigationPath(base) if is_collection(base):
            return onwards(members(base, scope), node, scope)
        case bound.NavigationPath(base):
            return related(paths.within(base, scope), node, scope)
        case bound.PropertyPath(base, declared, owner) if is_collection(base):
            found = members(base, scope)
            return items(paths.member(found.member, owner, declared.name, scope.build), scope.build, found)
        case bound.PropertyPath() | bound.DynamicPath() | bound.Stored():
            return items(paths.within(node, scope), scope.build)
        case bound.Filtered(collection, predicate):
            found = members(collection, scope)
            found.where.append(expression.condition(predicate, scope.of(found.member)))
            return found
        case bound.CastPath(base, type_name):
            found = members(base, scope)
            found.member = paths.cast(found.member, type_name, scope.build)
            if isinstance(found.member, Row):
                found.where.extend(relations.cast_condition(scope.build, found.member))
            elif isinstance(found.member, Json):
                found.where.extend(found.member.guards)
            return found
        case bound.Root(source, (), type_name):
            return whole(source, type_name, scope.build)
        case bound.These() if scope.these is not None:
            return Members(*scope.these())
        case bound.Transformed():
            return transformed(node, scope)
        case bound.AliasPath(name) if name in scope.names:
            return members(scope.names[name], scope)
        case _:
            raise errors.NotImplementedByService(feature=f"{type(node).__name__} as a collection")


NARROWING = (bound.Filter, bound.Search, bound.Compute, bound.Identity, bound.OrderBy, bound.AddNested)


def narrows(node: bound.Transformed) -> bool:
    """Whether what `addnested` made are related entities, some of them left out by conditions."""
    return all(isinstance(each, NARROWING) for each in node.apply.transformations)


def transformed(node: bound.Transformed, scope: Scope) -> Members:
    """The members of what `addnested` made."""
    if narrows(node):
        found = members(node.path, scope)
        found.where.extend(narrowed(node, found.member, scope))
        return found
    from app.sql import apply
    parent = scope.this
    if not isinstance(parent, Row):
        raise errors.NotImplementedByService(feature=f"'{node.name}', which addnested made, in this place")
    made, _ = apply.of_each(node.path, node.apply, parent.table.id, scope.build)
    tie = terms.compare(made.groups[apply.PARENT].node, "=", paths.row_id(parent).node)
    return Members(made.frame, [*made.where, tie], made.this)


def narrowed(node: bound.Transformed, member: Place, scope: Scope) -> list[pw.Node]:
    """The conditions on the members of what `addnested` made by leaving some out."""
    found = []
    inner = replace(scope.of(member), these=None)
    for each in node.apply.transformations:
        match each:
            case bound.Filter(predicate):
                found.append(expression.condition(predicate, inner))
            case bound.Search(wanted):
                found.append(search.matches(wanted, [member], scope.build))
            case bound.Compute(items):
                inner = inner.with_names({one.name: one.expression for one in items})
    return found


def whole(source: str, type_name: str, build: Build) -> Members:
    """All entities of a set."""
    row = open_row(build, source)
    return Members(row.frame, [*relations.narrowed(build, row, type_name), *relations.granted(row)], row)


def open_row(build: Build, id: str, link: pw.Source | None = None) -> Row:
    """A row of a table in a frame of its own."""
    table = build.mapping.table(id)
    alias = build.table(table.name)
    return Row(Frame(build, link or alias), alias, table, (id,))


def related(base: Place, node: bound.NavigationPath, scope: Scope) -> Members:
    """The entities that a collection-valued navigation property leads to from one place."""
    build = scope.build
    ordinal: pw.Node | None = None
    base = paths.instance(base, node.navigation.name)
    if isinstance(base, One):
        base = relations.row_of(base)
    if isinstance(base, Json):
        relation: mapping.Relation | mapping.DocumentLink = paths.link_of(base, node, build)
        ordinal, own = base.ordinal, base.row
        assert own is not None
    elif isinstance(base, Row):
        relation, own = relations.relation_of(build, base, node), base
    else:
        raise errors.NotImplementedByService(feature=f"Navigation property '{node.navigation.name}' of this value")
    assert not isinstance(relation, mapping.Unbound)
    row = open_row(build, relation.target)
    tied = relations.ties(build, relation, own, row, ordinal)
    if tied.link is not None:
        row.frame.source = pw.Join(tied.link, row.alias, pw.JOIN.INNER, terms.all_of(tied.on))
    where = list(tied.link_on or tied.on)
    if isinstance(relation, mapping.Whole):
        where.extend(relations.narrowed(build, row, node.type))
    return Members(row.frame, [*where, *relations.granted(row)], row)


def onwards(found: Members, node: bound.NavigationPath, scope: Scope) -> Members:
    """What a navigation property leads to from every member of a collection."""
    row = attached(found.member, node, scope, found.frame, pw.JOIN.INNER)
    return Members(found.frame, found.where, row)


def attached(base: Place, node: bound.NavigationPath, scope: Scope, frame: Frame, kind: str) -> Row:
    """The rows that a navigation property leads to, joined to the frame of the place that it starts from."""
    build = scope.build
    base = paths.instance(base, node.navigation.name)
    if isinstance(base, One):
        base = relations.row_of(base)
    if not isinstance(base, Row):
        raise errors.NotImplementedByService(feature=f"Navigation property '{node.navigation.name}' of these values")
    relation = relations.relation_of(build, base, node)
    assert not isinstance(relation, mapping.Unbound)
    table = build.mapping.table(relation.target)
    alias = build.table(table.name)
    row = Row(frame, alias, table, optional=kind != pw.JOIN.INNER)
    tied = relations.ties(build, relation, base, row)
    if isinstance(relation, mapping.Link) and tied.link is not None:
        grant = build.grants.get(table.id) if row.optional else None        # a link to what is hidden is none: no row for it
        shown = [] if grant is None else [
            terms.among(pw.Column(tied.link, relation.other.name), relations.seen(build, table, grant))]
        frame.join(tied.link, terms.all_of([*tied.link_on, *shown]), kind)
    extra = relations.narrowed(build, row, node.type) if isinstance(relation, mapping.Whole) else ()
    frame.join(row.alias, terms.all_of([*tied.on, *extra, *relations.granted(row)]), kind)
    return row


def onto(node: bound.Expression, scope: Scope, frame: Frame, kind: str = pw.JOIN.INNER) -> Place:
    """What a path leads to, joined to the frame of the current instance: a row per instance and member."""
    match node:
        case bound.NavigationPath(base) if node.collection and not node.key:
            start = onto(base, scope, frame, kind) if is_collection(base) else paths.within(base, scope)
            return attached(start, node, scope, frame, kind)
        case bound.CastPath(base, type_name) if is_collection(base):
            return paths.cast(onto(base, scope, frame, kind), type_name, scope.build)
        case bound.PropertyPath(base, declared, owner) if is_collection(base):
            place = paths.member(onto(base, scope, frame, kind), owner, declared.name, scope.build)
            return unfolded(place, scope.build, frame, kind) if declared.type.collection else place
        case bound.PropertyPath(collection=True):
            return unfolded(paths.within(node, scope), scope.build, frame, kind)
        case _:
            found = paths.within(node, scope)
            return relations.row_of(found) if isinstance(found, One) else found


def unfolded(place: Place, build: Build, frame: Frame, kind: str) -> Place:
    """The items of a collection kept as JSON, joined to a frame: a row for each."""
    if not isinstance(place, Json):
        raise errors.NotImplementedByService(feature="A collection of this kind")
    opened = items(place, build)
    frame.join(opened.frame.source, terms.all_of(opened.where), kind)
    return opened.member


def items(place: Place, build: Build, outer: Members | None = None) -> Members:
    """The items of a collection kept as JSON; joined to the members that hold them, where it is one collection for each."""
    if not isinstance(place, Json):
        raise errors.NotImplementedByService(feature="A collection of this kind")
    opened: Any = build.dialect.json_items(place.node, place.steps, build.alias())
    frame = Frame(build, opened.table)
    where = list(place.guards)
    if outer is not None:
        frame, where = outer.frame, [*outer.where, *place.guards]
        frame.join(opened.table, terms.TRUE, pw.JOIN.INNER)
    kind = build.model.kind(place.type)
    if kind in ("complex", "untyped"):
        row = None if place.row is None else replace(place.row, frame=frame)       # links of an item are joined to the items
        value = opened.json if kind == "untyped" and opened.json is not None else opened.value
        ordinal = place.ordinal if place.ordinal is not None else opened.ordinal
        member = Json(value, (), place.type, False, kind == "untyped", (), row, place.path, ordinal, kind == "untyped")
        return Members(frame, where, member, opened.ordinal)
    return Members(frame, where, paths.operand(Json(opened.value, (), place.type), build), opened.ordinal)


# --- what is asked of a collection -----------------------------------------------------------------------

def any_or_all(node: bound.Lambda, scope: Scope) -> pw.Node:
    """`any` and `all`: never unknown."""
    found = members(node.collection, scope)
    inner = scope.with_variable(node.variable, found.member)
    if node.predicate is not None:
        predicate = expression.condition(node.predicate, inner)
        found.where.append(predicate if node.operator == "any" else terms.not_true(predicate))
    test = terms.exists(found.frame.source, found.where)
    return terms.no(test) if node.operator == "all" else test


def count(node: bound.Count, scope: Scope) -> pw.Node:
    """`$count` of a collection: the number of its members that satisfy filter and search; 0 of none."""
    if node.filter is None and node.search is None and isinstance(node.collection, bound.PropertyPath | bound.DynamicPath) \
            and not is_collection(node.collection.base):
        return length(paths.within(node.collection, scope), scope.build)
    found = members(node.collection, scope)
    if node.filter is not None:
        found.where.append(expression.condition(node.filter, scope.of(found.member)))
    if node.search is not None:
        found.where.append(search.matches(node.search, [found.member], scope.build))
    return terms.scalar(found.select(pw.fn.COUNT(terms.STAR)))


def aggregate(node: bound.AggregateValue, scope: Scope) -> Operand:
    """An aggregate of a collection as a value (Aggregation §3.5)."""
    wanted, build = node.expression, scope.build
    if wanted.from_ or wanted.custom is not None or wanted.over is not None and wanted.method not in ONCE_IS_ENOUGH \
            or aggregates.unfolds(wanted):
        return transforming(node, scope)
    found = members(node.collection, scope)
    inner = scope.of(found.member)
    operand = None
    if wanted.over is not None:
        reached = onto(wanted.over, inner, found.frame)
        inner = scope.of(reached)
        if wanted.expression is None and isinstance(reached, Row):
            operand = Operand(reached.column(reached.table.row_id), "Edm.Int64")
    if wanted.expression is not None:
        build.whole(wanted.expression.type, "Counting")
        operand = expression.value(wanted.expression, inner)
    column = terms.ONE if operand is None else expression.promoted(operand, "", build)
    total = aggregates.applied(wanted.method, operand, column, node.type, build)
    return replace(total, node=terms.scalar(found.select(total.node)))


def transforming(node: bound.AggregateValue, scope: Scope) -> Operand:
    """An aggregate that takes more than one step: made as the transformation does, for every entity that has the collection."""
    from app.sql import apply
    parent, start = scope.this, node.collection
    while isinstance(start, bound.NavigationPath | bound.CastPath | bound.PropertyPath):
        start = start.base
    if not isinstance(start, bound.This) or not isinstance(parent, Row):
        raise errors.NotImplementedByService(feature="This aggregate inside an expression")
    then = bound.Apply((bound.Aggregate((replace(node.expression, alias="value"),)),), None)
    made, _ = apply.of_each(node.collection, then, parent.table.id, scope.build)
    assert isinstance(made.this, Staged)
    value = made.this.columns["value"]
    tie = terms.compare(made.groups[apply.PARENT].node, "=", paths.row_id(parent).node)
    query = pw.Select([made.frame.source], [value.node]).where(terms.all_of([*made.where, tie]))
    return replace(value, node=terms.scalar(query), nullable=True)


def length(place: Place, build: Build) -> pw.Node:
    """How many items a collection kept as JSON has."""
    if not isinstance(place, Json):
        raise errors.NotImplementedByService(feature="The length of this collection")
    found = pw.fn.COALESCE(build.dialect.json_length(place.node, place.steps), pw.SQL("0"))
    return pw.Case(None, [(terms.all_of(place.guards), found)], 0) if place.guards else found


def contains(collection: bound.Expression, operand: bound.Expression, kind: str, scope: Scope) -> pw.Node:
    """Whether one of the members equals the operand."""
    found = members(collection, scope)
    if kind in ("entity", "complex"):
        wanted = paths.within(operand, scope)
        found.where.append(structures.same(found.member, wanted, kind, scope.build))
    else:
        first = paths.operand(found.member, scope.build, kind)
        second = expression.value(operand, scope, kind)
        form = expression.plain_form
        build = scope.build
        found.where.append(expression.equality(form(first, kind, build), form(second, kind, build), build, False))
    return terms.exists(found.frame.source, found.where)


def call(node: bound.Call, scope: Scope) -> Operand:
    """A canonical function of collections."""
    if node.name == "length":
        if isinstance(node.arguments[0], bound.Call):
            return Operand(lists.listed(node.arguments[0], node.arguments[0].type, scope).count(), node.type, nullable=False)
        return Operand(count(bound.Count(node.arguments[0]), scope), node.type, nullable=False)
    if node.collection or len(node.arguments) != 2:
        raise errors.NotImplementedByService(feature=f"{node.name} of collections")
    return Operand(lists.call(node.name, *node.arguments, scope), node.type, nullable=False)

"""Structures: equality and type tests of entities and complex values.

Entities are equal when they are the same row; complex values when all their members are. Never unknown.
URL Conventions §5.1.1.1.1, §5.1.1.10.2.
"""

from __future__ import annotations

import peewee as pw

from app import errors
from app.bind import nodes as bound
from app.edm import types
from app.sql import expression, lists, paths, relations, terms
from app.sql.scope import Build, Complex, Json, One, Operand, Place, Row, Scope
from app.store import mapping


def equal(left: bound.Expression, right: bound.Expression, kind: str, scope: Scope) -> pw.Node:
    """Whether two structured values, or two ordered collections, are equal."""
    if kind == "collection":
        return lists.equal(left, right, scope)
    if isinstance(left, bound.ObjectValue):
        left, right = right, left
    first = paths.within(left, scope)
    if isinstance(right, bound.ObjectValue):
        return equals_literal(first, right, scope)
    return same(first, paths.within(right, scope), kind, scope.build)


def same(first: Place, second: Place, kind: str, build: Build) -> pw.Node:
    """Whether the entities or complex values at two places are the same."""
    if kind == "entity":
        return same_entity(first, second, build)
    both = terms.all_of([paths.absent(first, build), paths.absent(second, build)])
    neither = [terms.no(paths.absent(first, build)), terms.no(paths.absent(second, build))]
    return terms.any_of([both, terms.all_of([*neither, *same_members(first, second, build)])])


def same_entity(first: Place, second: Place, build: Build) -> pw.Node:
    one, two = identity(first, build), identity(second, build)
    if one[0] != two[0]:
        return terms.all_of([paths.absent(first, build), paths.absent(second, build)])
    return build.dialect.same(one[1], two[1])


def identity(place: Place, build: Build) -> tuple[str, pw.Node]:
    """The table and the row id of an entity: its own foreign key where that is one."""
    if isinstance(place, One):
        table = build.mapping.table(place.id)
        if isinstance(place.relation, mapping.Reference) and place.relation.other == (table.row_id,) \
                and place.id not in build.grants:
            return place.id, paths.guarded(place.base, mapping.Scalar(place.relation.own[0])).node
        place = relations.row_of(place)
    if not isinstance(place, Row):
        raise errors.NotImplementedByService(feature="Comparing these entities")
    return place.table.id, paths.guarded(place, mapping.Scalar(place.table.row_id)).node


def same_members(first: Place, second: Place, build: Build) -> list[pw.Node]:
    """One condition for every member of two complex values that is not hidden."""
    type_name, seen = complex_type(first), build.seen
    family = (type_name, *seen.derived(type_name))
    found: list[pw.Node] = []
    if isinstance(first, Json) and isinstance(second, Json) and len(family) > 1:
        kinds = [build.dialect.json_get(each.node, (*each.steps, paths.TYPE), "Edm.String") for each in (first, second)]
        found.append(build.dialect.same(kinds[0], kinds[1]))
    for owner, name, ref in {(build.model.declaring(each, name) or each, name): (each, name, build.model.underlying(member.type))
                             for each in reversed(family) for name, member in seen.properties(each).items()}.values():
        one, two = paths.member(first, owner, name, build), paths.member(second, owner, name, build)
        if build.model.is_open(owner):
            raise errors.NotImplementedByService(feature=f"Comparing values of {type_name}")
        if ref.collection:
            found.append(same_items(one, two, ref.name, build))
        elif build.model.kind(ref.name) == "complex":
            found.append(same(one, two, "complex", build))
        else:
            found.append(same_value(paths.operand(one, build), paths.operand(two, build), build))
    return found


def same_items(first: Place, second: Place, type_name: str, build: Build) -> pw.Node:
    """Whether two collections are equal: item by item, those of complex values as they are kept."""
    if build.model.kind(type_name) != "complex":
        return lists.alike(lists.stored(first, build), lists.stored(second, build), type_name)
    build.whole(type_name, "Comparing collections of")
    return build.dialect.same(paths.operand(first, build).node, paths.operand(second, build).node)


def same_value(first: Operand, second: Operand, build: Build) -> pw.Node:
    left, right = expression.promoted(first, "", build), expression.promoted(second, first.type, build)
    return expression.equality(Operand(left, first.type), Operand(right, first.type), build, True)


def complex_type(place: Place) -> str:
    match place:
        case Complex():
            return place.flat.type
        case Json():
            return place.type
        case _:
            raise errors.NotImplementedByService(feature="Comparing these values")


def equals_literal(place: Place, literal: bound.ObjectValue, scope: Scope) -> pw.Node:
    """Whether a complex value equals a structured literal; members that the literal leaves out must be null."""
    build, type_name = scope.build, complex_type(place)
    given = dict(literal.members)
    found: list[pw.Node] = [terms.no(paths.absent(place, build))]
    for name, member in build.seen.properties(type_name).items():
        ref = build.model.underlying(member.type)
        inner = paths.member(place, type_name, name, build)
        wanted = given.get(name)
        if wanted is None or expression.is_null(wanted):
            found.append(paths.absent(inner, build))
        elif isinstance(wanted, bound.ObjectValue):
            found.append(equals_literal(inner, wanted, scope))
        elif ref.collection:
            found.append(lists.alike(lists.stored(inner, build), lists.listed(wanted, ref.name, scope), ref.name))
        else:
            found.append(same_value(paths.operand(inner, build), expression.value(wanted, scope), build))
    return terms.all_of(found)


def is_of(operand: bound.Expression, type_name: str, collection: bool, scope: Scope) -> pw.Node:
    """`isof`: whether a value is of a type or of one derived from it; false for null."""
    build = scope.build
    if collection:
        raise errors.NotImplementedByService(feature="isof of a collection")
    place = paths.place(operand, scope)
    if isinstance(place, One):
        place = relations.row_of(place)
    match place:
        case Row():
            wanted = [each for each in place.table.concrete if build.model.is_a(each, type_name)
                      and (place.cast is None or each in place.cast)]
            test = relations.type_test(build, place, wanted)
            return terms.known(test) if place.optional else test
        case Json() if place.dynamic and type_name in types.PRIMITIVES:
            found = terms.any_of([build.dialect.json_is(place.node, steps, type_name) for steps in paths.kept_at(place)])
            return terms.known(terms.all_of([*place.guards, found])) if place.guards else found
        case Json() if not place.dynamic and build.model.kind(place.type) == "complex":
            present = terms.no(paths.absent(place, build))
            return terms.known(terms.all_of([present, paths.json_type_test(place, type_name, build)]))
        case Complex():
            return terms.no(paths.absent(place, build)) if build.model.is_a(place.flat.type, type_name) else terms.FALSE
    value = expression.value(operand, scope)
    fits = build.model.is_a(value.type, type_name)
    return terms.not_null(value.node) if fits else terms.FALSE

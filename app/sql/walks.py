"""Walks: collections of values opened, item by item: those at the end of a path from an entity, or of a document."""

from __future__ import annotations

from collections.abc import Sequence

import peewee as pw

from app import errors
from app.bind import nodes as bound
from app.sql import members, paths
from app.sql.scope import Build, Json, Members, Place


def walked(steps: Sequence[bound.PathStep], found: Members, build: Build) -> tuple[Members, list[pw.Node]]:
    """The items at the end of a path, joined to the entity, and their positions in the collections on the way."""
    place: Place = found.member
    positions: list[pw.Node] = []

    def entered() -> Place:
        nonlocal found
        found = members.items(place, build, found)
        assert found.position is not None
        positions.append(found.position)
        return found.member

    for step in steps:
        if isinstance(place, Json) and place.collection:
            place = entered()
        match step:
            case bound.PropertyStep(declared, owner):
                place = paths.member(place, owner, declared.name, build)
            case bound.DynamicStep(name):
                place = paths.dynamic(place, name, build)
            case bound.CastStep(type_name):
                place = paths.cast(place, type_name, build)
            case _:
                raise errors.NotImplementedByService(feature="This path to a collection")
    entered()
    return found, positions


def listed(document: str, type: str, build: Build) -> Members:
    """The items of a JSON array in the stored form."""
    value = pw.Value(document, unpack=False)
    given = pw.Cast(value, "json") if build.dialect.name == "postgresql" else value
    return members.items(Json(given, (), type, True), build)

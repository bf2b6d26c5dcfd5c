"""Canonical URLs of entities, relative to the service root (URL Conventions §4.3; JSON Format §4.5.8)."""

from __future__ import annotations

from app.payload.writer import key_predicate, uri
from app.service.entities import Entity


def path_of(entity: Entity) -> str:
    """The canonical URL of an entity, relative to the service root."""
    return uri(collection_of(entity) + key_of(entity))


def key_of(entity: Entity) -> str:
    """The key predicate of an entity; '' for singletons and single contained entities."""
    table = entity.layout.table
    if table.singleton or not table.key or not is_member(entity):
        return ""
    assert entity.row is not None
    return key_predicate(entity.session.model,
                         [(name, column.edm, entity.row[column.name]) for name, column in table.key])


def is_member(entity: Entity) -> bool:
    """Whether an entity is one of a collection: not the target of a single-valued containment."""
    owner, _, name = entity.layout.id.rpartition("/")
    return not owner or entity.session.model.navigations(owner)[name].collection


def collection_of(entity: Entity) -> str:
    """The URL of the set or containment that an entity is in."""
    table, session = entity.layout.table, entity.session
    if table.owner is None:
        return table.id
    fixed = session.mapping.fixed_path(table.id)
    if fixed is not None:
        return fixed
    assert entity.row is not None
    declaring, _, name = table.id.rpartition("/")
    source = table.owner.tables[0] if table.owner.source is None else str(entity.row[table.owner.source.name])
    owner = session.by_row(source, int(entity.row[table.owner.column.name]))
    assert owner is not None
    cast = "" if session.model.is_a(owner.layout.table.type, declaring) else f"/{owner.type}"
    return f"{collection_of(owner)}{key_of(owner)}{cast}/{name}"

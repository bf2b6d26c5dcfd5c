"""Entities as rules, operations and handlers see them: typed members, navigation, selections, and what a change is.

An `Entity` belongs to a `WriteSession` and knows its row. Members are read and set by name: canonical Python values,
enumerations as member names, complex values as dicts that may be changed in place. What is set is stored when the
session carries out the change (inside a rule) or at once (`update`). DESIGN §6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from app.errors import BodyError, closest
from app.payload.writer import write_etag
from app.plan.changes import TYPE
from app.service.layout import Layout
from app.store.mapping import StreamSlot

if TYPE_CHECKING:
    from app.service.session import WriteSession


class Entity:
    """One entity: stored (`row_id`), or about to be."""

    __slots__ = ("_dynamic", "assigned", "expanded", "layout", "linked", "owner", "row", "row_id", "session", "values")

    def __init__(self, session: WriteSession, layout: Layout, row: dict[str, Any] | None = None) -> None:
        self.session, self.layout, self.row = session, layout, row
        self.row_id: int | None = None if row is None else row[layout.table.row_id.name]
        self.values: dict[str, Any] = {}            # members read or set so far
        self.linked: dict[str, Entity | None] = {}  # to-one links about to be stored
        self.expanded: dict[str, Any] = {}          # navigation properties read along
        self.assigned: set[str] = set()             # members set since the row was read
        self.owner: Entity | None = None            # of a new contained entity
        self._dynamic: dict[str, Any] | None = None if row is not None else {}

    def __repr__(self) -> str:
        return f"<{self.type} {self.key}>"

    # --- what it is --------------------------------------------------------------------------------------

    @property
    def type(self) -> str:
        """The qualified name of the entity's type."""
        return self.layout.type

    @property
    def handle(self) -> tuple[str, int] | None:
        """(mapping id, row id) of a stored entity: how links name it."""
        return None if self.row_id is None else (self.layout.id, self.row_id)

    @property
    def version(self) -> int:
        """How often the stored row was changed; its ETag comes of it."""
        assert self.row is not None
        return int(self.row[self.layout.table.version.name])

    @property
    def etag(self) -> str | None:
        """The ETag of a stored entity."""
        return None if self.row is None else write_etag(self.version)

    @property
    def key(self) -> tuple[tuple[str, Any], ...]:
        """(name in key predicates, value) pairs."""
        return tuple([(name, self._at(path) if "/" in path else self[path]) for name, path in self.layout.key_paths])

    def _at(self, path: str) -> Any:
        value: Any = self
        for step in path.split("/"):
            value = None if value is None else value[step]
        return value

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Entity) and self.handle is not None and self.handle == other.handle)

    def __hash__(self) -> int:
        return id(self) if self.handle is None else hash(self.handle)

    # --- members -----------------------------------------------------------------------------------------

    @property
    def dynamic(self) -> dict[str, Any]:
        """The dynamic properties with their 'name@odata.type'."""
        if self._dynamic is None:
            column = self.layout.table.dynamic
            text = self.row[column.name] if column is not None and self.row is not None else None
            self._dynamic = self.layout.documents.decode_dynamic(text)
        return self._dynamic

    def __getitem__(self, name: str) -> Any:
        if name in self.values:
            return self.values[name]
        layout = self.layout
        if name in layout.places:
            if self.row is None or isinstance(layout.places[name].storage, StreamSlot):
                return None
            value = self.values[name] = layout.value(name, self.row)
            return value
        if name in layout.navigations:
            if name in self.expanded:
                return self.expanded[name]
            found = self.navigate(name)
            return found if found is None or isinstance(found, Entity) else list(found)
        if name in layout.etag_names:
            return self.etag
        if layout.open:
            return self.dynamic.get(name)
        raise KeyError(self._unknown(name))

    def get(self, name: str, default: Any = None) -> Any:
        """A member, or `default` where the type has none of this name."""
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        layout = self.layout
        return name in layout.places or name in layout.navigations or layout.open and name in self.dynamic

    def __iter__(self) -> Iterator[str]:
        dynamic = self.dynamic if self.layout.open else ()
        return iter((*self.layout.places, *(name for name in dynamic if "@" not in name)))

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a member; stored when the change at hand is carried out. Raises BodyError for a value of the wrong
        type."""
        layout = self.layout
        if name in layout.places:
            self.values[name] = self.session.canonical(layout, name, value)
            self.assigned.add(name)
        elif name in layout.navigations and not layout.navigations[name].collection:
            if value is not None and not isinstance(value, Entity):
                raise TypeError(f"'{name}' is set to an Entity or None")
            self.linked[name] = value
        elif layout.open:
            self.dynamic.pop(name + TYPE, None)
            self.dynamic.update(self.session.dynamic(name, value))
        else:
            raise KeyError(self._unknown(name))

    def _unknown(self, name: str) -> str:
        hint = closest(name, (*self.layout.places, *self.layout.navigations))
        return f"{self.type} has no property '{name}'" + (f"; did you mean '{hint}'?" if hint else "")

    # --- relations and changes ---------------------------------------------------------------------------

    def navigate(self, name: str) -> Any:
        """What a navigation property leads to, as the model says: an `Entity` or None, or a `Selection`; KeyError where the type
        has no such property."""
        if name in self.linked:
            return self.linked[name]
        if name not in self.layout.navigations:
            raise KeyError(self._unknown(name))
        return self.session.related(self, name)

    def update(self, values: Mapping[str, Any] = MappingProxyType({}), /, **members: Any) -> None:
        """Change members now, as a PATCH would, computed and read-only ones included; rules run."""
        self.session.change(self, {**values, **members})

    def delete(self) -> None:
        """Delete the entity now, with all that goes with it; rules run."""
        self.session.delete(self)

    def set_stream(self, name: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Replace the content of a stream property ('$value': of a media entity)."""
        self.session.set_stream(self, name, content, content_type)

    def stream(self, name: str) -> tuple[bytes, str] | None:
        """Content and media type of a stream property; None where there is none."""
        return self.session.stream(self, name)


@dataclass(slots=True)
class Change:
    """What is about to happen to an entity: `kind` 'create', 'update' or 'delete'; `old` as stored (None on
    create), `new` as it will be (None on delete); `changed`: names of the properties set, with those of navigation
    properties."""

    kind: str
    old: Any
    new: Any
    changed: frozenset[str] = field(default_factory=frozenset)


def missing_value(name: str) -> BodyError:
    """The error of a required member that has no value."""
    return BodyError(f"'{name}' is required.", code="missingValue", target=name)

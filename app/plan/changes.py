"""Changes: what a body asks of entities, and the steps that carry it out.

A `Change` is one entity of a body; links to others are `Reference`s (existing) or further `Change`s (nested), so a body
is a tree. Values are canonical Python values; complex values are dicts that may be incomplete on PATCH and hold three
kinds of members beside properties: '@odata.type' (a derived type), 'name@odata.type' (the type of a dynamic member) and
'name@odata.bind' (a `Links`: navigation properties of complex values). Protocol 4.01 §11.4; JSON Format 4.01 §8.5.

`Step`s name entities by handles: numbers that the session gives to the rows of one request, new ones included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

TYPE = "@odata.type"
BIND = "@odata.bind"
VALUE = "@value"

# --- what a body says ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reference:
    """An entity that exists already: named by URL (`base`: what a relative one counts from), by its key in the set the
    navigation property leads to, or by table and row. `at`: where in the body it stands."""

    url: str = ""
    at: str = ""
    base: str | None = None
    row: tuple[str, int] | None = None
    key: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """Content of a stream property, or of a media entity (name '$value'), given inline; None: it goes."""

    content: bytes | None
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Links:
    """What a body says of one navigation property.

    `mode`: 'set' (the whole truth: `targets` and nothing else), 'add' (besides what is there) or 'delta' (each target
    by itself: related, changed, or removed).
    """

    targets: tuple[Target, ...]
    mode: str = "set"


@dataclass(frozen=True, slots=True)
class Change:
    """What a body says of one entity.

    `type`: the concrete type; `typed`: the body named it. `operation`: 'create', 'patch', 'put' or 'set' (the values given
    replace, all else stays). `values`:
    structural properties given (all writable ones for create and put); `dynamic`: undeclared ones with their
    'name@odata.type'. `key`: key members as the body gave them, by name in key predicates, also where the service
    makes them. `url`: the entity-id given. `etag`: the one in the body, when it is to be compared. `removed`: None,
    'changed' or 'deleted' (a member of a delta). `only_key`: nothing but key and control information was given.
    `supplied`, `bound`: properties and navigation properties that have their value from elsewhere. `at`: where in the
    body it stands. `body`, `reading`: of a member that names an entity, to be read once more where that entity turns out to
    be new or of a derived type; `faults`: what keeps it from being one of the declared type. `content_id`: how the
    client calls it (Core.ContentID).
    """

    type: str
    operation: str
    values: Mapping[str, Any] = field(default_factory=dict)
    dynamic: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, Links] = field(default_factory=dict)
    streams: Mapping[str, Stream] = field(default_factory=dict)
    key: Mapping[str, Any] = field(default_factory=dict)
    url: str | None = None
    base: str | None = None
    etag: str | None = None
    removed: str | None = None
    typed: bool = False
    only_key: bool = False
    supplied: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()
    at: str = ""
    body: Mapping[str, Any] | None = None
    reading: Any = None
    faults: tuple[Any, ...] = ()
    content_id: str | None = None


Target: TypeAlias = Reference | Change


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A link that a delta body adds (`there`) or deletes, between two entities named by their ids (JSON Format §15.4)."""

    source: Reference
    relationship: str
    target: Reference
    there: bool

# --- what is done ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Need:
    """`entity` must be there first; `navigation` names the key that points to it; optional ones can be set later."""

    entity: int
    navigation: tuple[str, str]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Insert:
    """A new row. `table`: mapping id; `name`: how the entity is called where two could go first."""

    entity: int
    table: str
    name: str = ""
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """New values for an existing row (or keys to entities inserted meanwhile)."""

    entity: int
    table: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Delete:
    """A row goes, with all that goes with it. `after`: entities (its children) that go first."""

    entity: int
    table: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Connect:
    """The key of `entity` for `navigation` is set to `target` (None: to null) after the inserts."""

    entity: int
    table: str
    navigation: tuple[str, str]
    target: int | None


@dataclass(frozen=True, slots=True)
class AddLink:
    """A row of a link table."""

    entity: int
    table: str
    navigation: tuple[str, str]
    target: int


@dataclass(frozen=True, slots=True)
class DropLink:
    """A row of a link table goes."""

    entity: int
    table: str
    navigation: tuple[str, str]
    target: int


Step: TypeAlias = Insert | Update | Delete | Connect | AddLink | DropLink

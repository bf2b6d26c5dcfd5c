"""Tables, columns and relations as data: what a mapping is made of (DESIGN §4). No model, no SQL, no database."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from typing import TypeAlias

KEY_LENGTH = 255
IDENTIFIER_BYTES = 60
TYPE_LENGTH = 255
_BEYOND = re.compile("[\U00010000-\U0010FFFF]")


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    `type`: how values are stored: an Edm primitive type, or 'json'. `edm`: the Edm type of the values (an enumeration's
    qualified name where `type` is its integer; like `type` otherwise). Facets are those that DDL and conversion need.
    """

    name: str
    type: str
    edm: str
    nullable: bool = True
    max_length: int | None = None
    precision: int | None = None
    scale: int | str | None = None


@dataclass(frozen=True, slots=True)
class Scalar:
    """A primitive or enumeration property in a column of its own."""

    column: Column


@dataclass(frozen=True, slots=True)
class Flat:
    """A complex property flattened into columns; `present` (Boolean) tells null from an instance of nulls, and is None
    where the property is not nullable."""

    type: str
    members: MappingType[str, Storage]
    present: Column | None


@dataclass(frozen=True, slots=True)
class Document:
    """A value kept as JSON text: `type` is the Edm type of the value or of the items of the collection. `copies`: what of it
    keys need, by path below it, each in a column besides."""

    column: Column
    type: str
    collection: bool
    copies: tuple[tuple[str, Scalar], ...] = ()


@dataclass(frozen=True, slots=True)
class StreamSlot:
    """A stream property or the media stream of an entity (`name` '$value'): chunks in the stream table."""

    name: str


Storage: TypeAlias = Scalar | Flat | Document | StreamSlot


def column_at(storage: Storage | None, path: str) -> Column | None:
    """The column of the primitive value at a path below what is stored ('' for itself), a copy of it included; None where
    there is none."""
    while path and isinstance(storage, Flat):
        name, _, path = path.partition("/")
        storage = storage.members.get(name)
    if path and isinstance(storage, Document):
        storage = dict(storage.copies).get(path)
        path = ""
    return storage.column if isinstance(storage, Scalar) and not path else None


@dataclass(frozen=True, slots=True)
class Owner:
    """How rows of a contained table name their owner: `column` holds the owner's row id; `source` (a column) the
    owner's table where several tables can own, else None."""

    tables: tuple[str, ...]
    column: Column
    source: Column | None


@dataclass(frozen=True, slots=True)
class Index:
    """An index over columns; each with its descending flag."""

    columns: tuple[tuple[str, bool], ...]
    unique: bool = False


@dataclass(frozen=True)
class Table:
    """Where entities live. `id`: the mapping's name for it (a set or singleton name, or 'ns.Type/Nav' of a containment
    navigation property); `name`: the table's name in the database; `type`: the declared entity type."""

    id: str
    name: str
    type: str
    row_id: Column
    version: Column
    discriminator: Column | None
    dynamic: Column | None
    owner: Owner | None
    members: MappingType[tuple[str, str], Storage]          # (declaring type, property) → storage
    references: MappingType[tuple[str, str], Column]        # (declaring type, navigation) → generated foreign key
    key: tuple[tuple[str, Column], ...]                     # (name in key predicates, column), in model order
    alternate_keys: tuple[tuple[tuple[str, Column], ...], ...] = ()
    columns: tuple[Column, ...] = ()                        # all, in DDL order
    indexes: tuple[Index, ...] = ()
    concrete: tuple[str, ...] = ()                          # the types whose instances the table can hold
    singleton: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """To-one by a foreign key of this table: own columns = columns of the target's table."""

    target: str
    own: tuple[Column, ...]
    other: tuple[Column, ...]
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Inverse:
    """Related rows hold the foreign key: their columns = columns of this table. `navigation`: the partner's owner and
    name."""

    target: str
    own: tuple[Column, ...]
    other: tuple[Column, ...]
    partner: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Link:
    """Related through a link table of row ids; `own` and `other` are its columns for this side and the target."""

    target: str
    table: str
    own: Column
    other: Column
    first: str          # mapping id of the table behind the first column, for DDL
    second: str
    columns: tuple[Column, Column] = field(default=())      # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Contained:
    """Entities owned by this one: rows of `target` whose owner column is this row id; `owner`: this table's mapping
    id."""

    target: str
    owner: str


@dataclass(frozen=True, slots=True)
class Whole:
    """Every entity of the target's table that is of the navigation property's type (Store.WholeSet)."""

    target: str


@dataclass(frozen=True, slots=True)
class Unbound:
    """Nowhere to go: `reason` is the sentence of the 501."""

    reason: str


Relation: TypeAlias = Reference | Inverse | Link | Contained | Whole | Unbound


@dataclass(frozen=True, slots=True)
class DocumentLink:
    """Links from complex values kept as JSON: one row per link of (owner row id, path, ordinals) to a target row id.

    `path`: the complex property and the steps below it, joined by '/'; `ordinal`: the position in the outermost
    collection, -1 where the path runs through none.
    """

    table: str
    owner: str
    path: str
    target: str
    columns: tuple[Column, ...]     # owner row id, ordinal, target row id


def containment(owner: str, name: str) -> str:
    """The mapping id of the entities of a containment navigation property."""
    return f"{owner}/{name}"


def simple(id: str) -> str:
    """A mapping id as the beginning of a table name."""
    owner, _, name = id.rpartition("/")
    return f"{owner.rpartition('.')[2]}_{name}" if owner else name


def folded(name: str) -> str:
    """What names of columns that no database may take for one another differ in: MariaDB knows neither case nor accents."""
    if name.isascii():
        return name.lower()
    plain = unicodedata.normalize("NFKD", name.replace("ß", "s").replace("ı", "i").casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))


def hashed(name: str, *distinct: str) -> str:
    """The name with a hash of what tells it from others alike, at most 60 bytes."""
    data = _BEYOND.sub("_", name).encode()[:51].decode("utf-8", "ignore")
    return data + "_" + hashlib.sha256("\0".join(distinct).encode()).hexdigest()[:8]


def identifier(*parts: str) -> str:
    """A name for the database out of its parts: at most 60 bytes, the rest as a hash, which also stands for letters that
    MariaDB has not in names."""
    name = parts[0] if len(parts) == 1 else "_".join(filter(None, parts))
    if len(name) <= IDENTIFIER_BYTES and name.isascii():
        return name
    if len(name.encode()) <= IDENTIFIER_BYTES and not _BEYOND.search(name):
        return name
    return hashed(name, name)

"""Rows → objects: a `Shape` and a `Format` become one function per concrete type, row tuple → dict for orjson.

The functions are made once per plan as dict displays, so that a row costs one call: names enter the source as literals
(`repr`), values by position, converters as names bound in the function's globals. Nothing of a request is in it.
JSON Format §4.5, §6, §7, §8.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias
from urllib.parse import quote

from app.edm import types, vocabularies
from app.edm.index import Model
from app.payload.documents import DocumentWriter
from app.payload.format import Format
from app.payload.values import DEDUCIBLE, json_converter
from app.plan.nodes import Member, Shape
from app.store.mapping import Column, Document, Flat, Mapping

Row: TypeAlias = Sequence[Any]
Convert: TypeAlias = Callable[[Any], Any]
ReaderOf: TypeAlias = Callable[[Column], Convert | None]

# Characters that a key literal may show in a URL path as they are (RFC 3986 pchar, without those OData splits at).
PATH_SAFE = "!$'()*,;=-._~@"
SHOWN_AS_THEY_ARE = frozenset({"Edm.Guid", *types.INTEGERS})
PRINTABLE = string.ascii_letters + string.digits + string.punctuation


def write_etag(version: int) -> str:
    """The ETag of a version: weak, since it depends on state and not on representation (Protocol §8.3.2)."""
    return f'W/"{version:x}"'


def etag_source(place: str) -> str:
    """`write_etag` as source text, which costs a row less than a call."""
    return f"""'W/"%x"' % {place}"""


def key_text(model: Model, name: str, value: Any) -> str:
    """A key value as a percent-encoded URL literal."""
    if name in SHOWN_AS_THEY_ARE:
        return str(value)
    kind = model.enum_type(name)
    if kind is not None:
        from app.payload.values import EnumNames
        text = f"{kind.name}'{EnumNames(kind)[value]}'"
    else:
        text = types.literal(name, value)
    return quote(text, safe=PATH_SAFE)


def uri(path: str) -> str:
    """A path as a URI writes it: letters beyond ASCII percent-encoded, what is encoded already as it is."""
    return path if path.isascii() else quote(path, safe=PRINTABLE)


def key_predicate(model: Model, key: Iterable[tuple[str, str, Any]]) -> str:
    """`(1)` or `(a=1,b='x')` out of (name, Edm type, canonical value) (URL Conventions §4.3.1)."""
    parts = list(key)
    if len(parts) == 1:
        return f"({key_text(model, parts[0][1], parts[0][2])})"
    return "(" + ",".join(f"{name}={key_text(model, type, value)}" for name, type, value in parts) + ")"


class ObjectWriter:
    """Turns the rows of one query into objects.

    `reader`: column → what turns a database value into a canonical one; `readers`: the same by position in the row, for
    values that are no columns. `root`: absolute service root, for ids. `base`: where entities without a set of their own
    are addressed (see `objects`).
    """

    def __init__(self, shape: Shape, format: Format, model: Model, mapping: Mapping, reader: ReaderOf, root: str,
                 operations: Callable[[str], list[tuple[str, str, int | None]]] | None = None,
                 readers: Sequence[Convert | None] = (), opened: frozenset[str] = frozenset()) -> None:
        self.shape, self.format, self.model, self.mapping = shape, format, model, mapping
        self.reader, self.root, self.readers = reader, root, readers
        paths = [each.path for each in shape.expansions] + [each.path for each in shape.choices]
        paths += [each.path for each in shape.parts] + [each.path for each in shape.inlined]
        self.opened = opened | {path[0] for path in paths if path}
        self.documents = DocumentWriter(model, format)
        self.operations = operations
        self.table = mapping.table(shape.table)
        self._key = [(name, column.edm, index, reader(column)) for name, index, column in shape.key]
        self.key_selected = shape.everything or self._selects_key()
        self.fixed = mapping.fixed_path(self.table.id)
        self.needs_base = self.table.owner is not None and self.fixed is None
        self.keyed = bool(self._key) and not (self.table.owner is not None and not _is_collection(model, self.table.id))
        self._functions: dict[str, Callable[[Row, str], dict[str, Any]]] = {}
        self._many: Callable[[Sequence[Row], str], list[dict[str, Any]]] | None = None
        if shape.discriminator is None and len(shape.variants) == 1:
            self._many = self._make(next(iter(shape.variants)), "lambda rows, b: [{%s} for r in rows]")

    def _selects_key(self) -> bool:
        written = {member.index for members in self.shape.variants.values() for member in _inside(members)}
        return all(index in written for _, index, _ in self.shape.key)

    # --- identity ----------------------------------------------------------------------------------------

    def path(self, row: Row, base: str = "") -> str:
        """The canonical URL of the entity, relative to the service root; `base`: that of its containment collection."""
        if self.table.singleton:
            return uri(self.table.id)
        start = self.fixed or (base if self.table.owner is not None else self.table.id)
        if not self.keyed:
            return uri(start)
        return uri(start + key_predicate(self.model, self.key(row)))

    def key(self, row: Row) -> list[tuple[str, str, Any]]:
        """The key of a row: (name, Edm type, canonical value)."""
        return [(name, type, row[index] if convert is None else convert(row[index]))
                for name, type, index, convert in self._key]

    def type_of(self, row: Row) -> str:
        """The qualified name of the row's type."""
        if self.shape.discriminator is not None:
            return str(row[self.shape.discriminator])
        return next(iter(self.shape.variants))

    def etag(self, row: Row) -> str | None:
        return None if self.shape.version is None else write_etag(row[self.shape.version])

    # --- objects -----------------------------------------------------------------------------------------

    def objects(self, rows: Sequence[Row], base: str | Sequence[str] = "") -> list[dict[str, Any]]:
        """One object per row; `base`: the containment collection's URL, one for all or one per row."""
        many = self._many
        if many is not None:
            if isinstance(base, str):
                return many(rows, base)
            return [many((row,), each)[0] for row, each in zip(rows, base, strict=True)]
        position = self.shape.discriminator
        functions = self._functions
        out = []
        for index, row in enumerate(rows):
            name = row[position]  # type: ignore[index]
            function = functions.get(name)
            if function is None:
                function = functions[name] = self._make(name)
            out.append(function(row, base if isinstance(base, str) else base[index]))
        return out

    # --- making functions --------------------------------------------------------------------------------

    def _make(self, variant: str, form: str = "lambda r, b: {%s}") -> Callable[..., Any]:
        scope: dict[str, Any] = {}
        items = [*self._controls(variant, scope)]
        for member in self.shape.variants.get(variant, ()):
            items.extend(self._member(member, scope))
        if self.shape.dynamic is not None and self.model.is_open(variant):
            names = self.shape.dynamic_names and self.shape.dynamic_names - self.model.properties(variant).keys()
            items.append(f"**{_bind(scope, self.documents.dynamic(names))}(r[{self.shape.dynamic}])")
        if self.format.metadata == "full":
            items.extend(self._links(variant, scope))
        source = form.replace("%s", ", ".join(items))
        made: Callable[..., Any] = eval(source, scope)  # noqa: S307 - built above from literals only
        return made

    def _controls(self, variant: str, scope: dict[str, Any]) -> Iterable[str]:
        format, shape = self.format, self.shape
        if format.metadata == "none":
            return
        if variant != shape.declared or format.metadata == "full":
            yield f"{format.control('type')!r}: {format.type_name(variant)!r}"
        if format.metadata == "full" or not self.key_selected:
            scope["root"] = self.root
            yield f"{format.control('id')!r}: root + {_bind(scope, self.path)}(r, b)"
        if shape.version is not None:
            yield f"{format.control('etag')!r}: {etag_source(f'r[{shape.version}]')}"
        if format.metadata == "full":
            cast = uri(f"/{variant}") if variant != self.table.type else ""
            name = format.control("editLink" if self.editable() else "readLink")
            yield f"{name!r}: {_bind(scope, self.path)}(r, b) + {cast!r}"

    def editable(self) -> bool:
        """Whether entities of this table can be changed or deleted at all."""
        return self.table.owner is not None or any(vocabularies.allowed(self.model, *question, self.table.id) for question in (
            ("UpdateRestrictions", "Updatable"), ("DeleteRestrictions", "Deletable")))

    def _member(self, member: Member, scope: dict[str, Any]) -> Iterable[str]:
        format = self.format
        if member.typed_by >= 0:
            write = _bind(scope, self.documents.typed(member.name))
            yield f"**{write}(r[{member.index}], r[{member.typed_by}])"
            return
        if member.type in ("Edm.Untyped", "Edm.PrimitiveType") and not member.collection and isinstance(member.storage, Document):
            yield f"**{_bind(scope, self.documents.annotated(member.name, member.selected))}(r[{member.index}])"
            return
        if member.computed and member.type in ("Edm.Int32", "Edm.Decimal", "Edm.Double"):
            yield f"**{_bind(scope, self._number(member))}(r[{member.index}])"
            return
        value = self._value(member, scope)
        told = not member.collection and (member.type in DEDUCIBLE or self.model.kind(member.type) == "complex")
        if member.computed and format.metadata != "none" and not told and member.type != "Edm.Untyped":
            annotated = {format.control("type", member.name): format.type_name(member.type, member.collection)}
            yield f"**({_bind(scope, annotated)} if r[{member.index}] is not None else {_bind(scope, {})})"
        elif format.metadata == "full" and not member.computed and (member.collection or member.type not in DEDUCIBLE) \
                and self.model.kind(member.type) in ("primitive", "enum") and not isinstance(member.storage, Flat):
            yield f"{format.control('type', member.name)!r}: {format.type_name(member.type, member.collection)!r}"
        yield f"{member.name!r}: {value}"

    def _value(self, member: Member, scope: dict[str, Any]) -> str:
        place = f"r[{member.index}]"
        if member.tag:
            return etag_source(place)
        match member.storage:
            case Flat(type):
                inner = [item for each in member.members for item in self._member(each, scope)]
                if self.format.metadata == "full":
                    inner.insert(0, f"{self.format.control('type')!r}: {self.format.type_name(type)!r}")
                display = "{" + ", ".join(inner) + "}"
                return display if member.index < 0 else f"({display} if {place} else None)"
            case Document(_, type, collection):
                told = member.computed and not collection and self.model.kind(type) == "complex"
                write = self.documents.writer(type, collection, member.selected, told or member.name in self.opened)
                if told and self.format.metadata != "none":
                    write = _compose(write, self._typed(type)) or write
                return f"{_bind(scope, write)}({place})"
            case None:
                convert = _compose(self.readers[member.index] if self.readers else None,
                                   json_converter(self.model, member.type, self.format))
            case storage:
                column: Column = storage.column  # type: ignore[union-attr]
                convert = _compose(self.reader(column), json_converter(self.model, column.edm, self.format))
        if member.below_root:
            convert = _compose(convert, self.root.__add__)
        if convert is None:
            return place
        if self.model.kind(member.type) == "enum" and member.storage is not None:
            return f"{_bind(scope, convert)}({place})" if self.reader(column) is None else _guarded(scope, convert, place)
        return _guarded(scope, convert, place)

    def _number(self, member: Member) -> Callable[[Any], dict[str, Any]]:
        """What writes a computed number with its type. One that left the range of Int32 while it was computed is an Int64;
        INF and NaN, which JSON does not tell from strings, are Doubles where they cannot be Decimals (in 4.0)."""
        format, name, type = self.format, member.name, member.type
        read = self.readers[member.index] if self.readers else None
        control, silent, modern = format.control("type", name), format.metadata == "none", format.version != "4.0"
        usual = None if silent or type in DEDUCIBLE else format.type_name(type)
        wide = "Edm.Int64" if type == "Edm.Int32" else "Edm.Double"
        write, write_wide = json_converter(self.model, type, format), json_converter(self.model, wide, format)
        unusual = None if silent else format.type_name(wide)

        def fits(value: Any) -> bool:
            if type == "Edm.Int32":
                return bool(-2 ** 31 <= value < 2 ** 31)
            return bool(modern or value.is_finite()) if type == "Edm.Decimal" else bool(value - value == 0)

        def put(raw: Any) -> dict[str, Any]:
            if raw is None:
                return {name: None}
            value = raw if read is None else read(raw)
            if fits(value):
                told, shown = usual, value if write is None else write(value)
            else:
                value = value if type == "Edm.Int32" else float(value)
                told, shown = unusual, value if write_wide is None else write_wide(value)
            return {name: shown} if told is None else {control: told, name: shown}
        return put

    def _typed(self, type: str) -> Convert:
        """What puts its type first into a complex value, where it is not there."""
        first = {self.format.control("type"): self.format.type_name(type)}
        return lambda value: None if value is None else {**first, **value}

    def _links(self, variant: str, scope: dict[str, Any]) -> Iterable[str]:
        format, shape = self.format, self.shape
        path = _bind(scope, self.path)
        cast = uri(f"/{variant}") if variant != self.table.type else ""
        scope["root"] = self.root
        for name in self.model.navigations(variant):
            if shape.navigations is not None and name not in shape.navigations and not shape.everything:
                continue
            yield f"{format.control('associationLink', name)!r}: root + {path}(r, b) + {uri(cast + '/' + name + '/$ref')!r}"
            yield f"{format.control('navigationLink', name)!r}: root + {path}(r, b) + {uri(cast + '/' + name)!r}"
        for name, title, at in self.operations(variant) if self.operations else ():
            plain = name.partition("(")[0]
            schema = plain.rpartition(".")[0]
            if shape.operations is not None and not {plain, f"{schema}.*"} & shape.operations:
                continue
            there = f"{{'title': {title!r}, 'target': root + {path}(r, b) + {uri(cast + '/' + plain)!r}}}"
            if format.version != "4.0":
                yield f"{'#' + name!r}: " + (there if at is None else f"{there} if {_holds(at)} else None")
            elif at is None:
                yield f"{'#' + name!r}: {there}"
            else:
                yield f"**({{{'#' + name!r}: {there}}} if {_holds(at)} else {{}})"


def _inside(members: Iterable[Member]) -> Iterable[Member]:
    """Members, and those of flattened complex values."""
    for member in members:
        yield member
        yield from _inside(member.members)


def _is_collection(model: Model, containment: str) -> bool:
    """Whether the containment navigation property behind a mapping id is collection-valued."""
    owner, _, name = containment.rpartition("/")
    return model.navigations(owner)[name].collection


def _bind(scope: dict[str, Any], value: Any) -> str:
    """A name in the function's globals for a value."""
    for name, known in scope.items():
        if known is value:
            return name
    name = f"v{len(scope)}"
    scope[name] = value
    return name


def _holds(at: int) -> str:
    """Whether the column at a position of a row is true; at none of them it never is."""
    return f"r[{at}]" if at >= 0 else "False"


def _guarded(scope: dict[str, Any], convert: Convert, place: str) -> str:
    return f"(None if (v := {place}) is None else {_bind(scope, convert)}(v))"


def _compose(first: Convert | None, then: Convert | None) -> Convert | None:
    if first is None or then is None:
        return first or then
    one, two = first, then
    return lambda value: two(one(value))

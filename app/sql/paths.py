"""Paths: from a path of the typed tree to the place it leads to.

Null anywhere makes a path null: rows are LEFT JOINed, values behind a cast are taken only where the instance is of the
type. A path into a JSON document becomes a JSON path with literal names, so that expression indexes serve it.
URL Conventions §5.1.1.15; DESIGN §4.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import peewee as pw

from app import errors
from app.bind import nodes as bound
from app.edm import types, vocabularies
from app.plan.nodes import Slot
from app.sql import expression, relations, terms
from app.sql.scope import Build, Complex, Json, One, Operand, Place, Row, Scope, Staged, Stream
from app.store import clauses, mapping

TYPE, VALUE = "@odata.type", "@value"
UNTYPED = ("Edm.Untyped", "Edm.PrimitiveType")
NOTHING = Operand(terms.FALSE, "null")
GONE = Operand(terms.NULL, "null")          # what an entity of another type has of something structured
INSTANCE = ""               # the column of a row of `$apply` that holds the row id of an instance
PLACES = (Row, One, Complex, Json, Staged, Operand)


def place(node: bound.Expression, scope: Scope) -> Place | None:
    """The place of a single-valued path; None where the node is no path.

    Raises NotImplementedByService for a path over data that this service does not keep.
    """
    match node:
        case bound.This():
            return scope.this
        case bound.It():
            if scope.it is None:
                raise errors.NotImplementedByService(feature="$it in this place")
            return scope.it
        case bound.Variable(name):
            return scope.variables[name]
        case bound.Root():
            return root(node, scope)
        case bound.PropertyPath(base, declared, owner):
            return member(within(base, scope), owner, declared.name, scope.build)
        case bound.DynamicPath(base, name):
            return dynamic(within(base, scope), name, scope.build)
        case bound.NavigationPath():
            return navigate(node, scope)
        case bound.CastPath(base, type_name):
            return cast(within(base, scope), type_name, scope.build)
        case bound.AliasPath(name):
            return named(name, scope)
        case bound.Stored():
            return document(node, scope)
        case _:
            return None


def document(node: bound.Stored, scope: Scope) -> Json:
    """The value that a function gave."""
    pairs = [(terms.TRUE if condition is None else expression.condition(condition, scope), pw.Value(text, unpack=False))
             for condition, text in node.branches]
    value = pw.Case(None, pairs) if pairs else terms.NULL
    return Json(pw.Cast(value, "json") if scope.build.dialect.name == "postgresql" else value, (), node.type, node.collection)


def named(name: str, scope: Scope) -> Place | None:
    """The place of an added name."""
    if name not in scope.names:
        return staged(scope.this, name) if isinstance(scope.this, Staged) else None
    added = scope.names[name]
    return added if isinstance(added, PLACES) else place(added, scope)


def within(base: bound.Expression, scope: Scope) -> Place:
    """The place of the base of a path."""
    found = place(base, scope)
    if found is None:
        raise errors.NotImplementedByService(feature=f"A path behind {type(base).__name__.lower()}")
    return found


def staged(row: Staged, name: str) -> Place:
    """A column of a row of `$apply`, or the part of the row that a path leads to."""
    path = f"{row.prefix}/{name}" if row.prefix else name
    column = row.columns.get(path)
    if column is None and "@" in name:
        return Operand(terms.FALSE if name.endswith("@absent") else terms.TRUE, "Edm.Boolean", nullable=False)
    if column is None:
        return Staged(row.frame, row.columns, path)
    return column if not column.type.startswith("@") else relations.entity(row.frame, column, path)


def instance(place: Place, name: str) -> Place:
    """The entity that a row of `$apply` has the members of, where it is asked for one that is no column of the row."""
    if not isinstance(place, Staged) or place.prefix or INSTANCE not in place.columns:
        return place
    if any(path == name or path.startswith(name + "/") for path in place.columns):
        return place
    return relations.entity(place.frame, place.columns[INSTANCE], INSTANCE)


def root(node: bound.Root, scope: Scope) -> Place:
    """`$root/Set(key)` and `$root/Singleton`: one row at most, joined like a to-one path."""
    start, build = frame_of(scope.this), scope.build
    frame = start.frame if start is not None else scope.frame
    if frame is None:
        raise errors.NotImplementedByService(feature="$root in this place")
    key = ("$root", node.source, node.key)
    if key in frame.joined:
        return frame.joined[key]
    table = build.mapping.table(node.source)
    row = Row(frame, build.table(table.name), table, key, optional=True)
    on = key_test(row, node.key, scope)
    frame.join(row.alias, terms.all_of([*on, *relations.narrowed(build, row, node.type), *relations.granted(row)]))
    frame.joined[key] = row
    return row


def frame_of(place: Place | None) -> Row | None:
    """The row whose frame takes the joins of paths that start at a place."""
    match place:
        case Row():
            return place
        case One():
            return relations.row_of(place)
        case Complex():
            return place.row
        case Json():
            return place.row
        case _:
            return None


def key_test(row: Row, key: bound.Key, scope: Scope) -> Sequence[pw.Node]:
    """The conditions of a key predicate on a row."""
    columns = dict(row.table.key)
    for alternate in row.table.alternate_keys:
        columns = {**dict(alternate), **columns}
    return [terms.compare(row.column(columns[name]), "=", expression.beside(value, Operand(
        row.column(columns[name]), columns[name].edm, columns[name]), scope)) for name, value in key]


def navigate(node: bound.NavigationPath, scope: Scope) -> Place:
    """The place of a to-one navigation property, or of one member of a collection addressed by its key."""
    base, build = instance(within(node.base, scope), node.navigation.name), scope.build
    if isinstance(base, Staged):
        return staged(base, node.navigation.name)
    if isinstance(base, Json):
        return document_link(base, node, scope)
    if isinstance(base, One):
        base = relations.row_of(base)
    if base is GONE or isinstance(base, Row) and base.cast == ():
        return GONE
    if not isinstance(base, Row):
        raise errors.NotImplementedByService(feature=f"Navigation property '{node.navigation.name}' of a complex value")
    relation = relations.relation_of(build, base, node)
    assert not isinstance(relation, mapping.Unbound)
    name = build.model.declaring(node.owner, node.navigation.name)
    key = (base.name, base.cast, name, node.navigation.name, node.key)
    one = One(base, relation, relation.target, key, (), node.type)
    return member_by_key(base, relation, node, key, None, scope) if node.key else one


def member_by_key(base: Row, relation: mapping.Relation | mapping.DocumentLink, node: bound.NavigationPath, key: Hashable,
                  ordinal: pw.Node | None, scope: Scope) -> Row:
    """The one member of a collection that has a key. A link table is only asked whether it ties them: joined, it would give
    the base once for each of its rows."""
    frame, build = base.frame, scope.build
    if key in frame.joined:
        return frame.joined[key]
    assert not isinstance(relation, mapping.Unbound)
    table = build.mapping.table(relation.target)
    row = Row(frame, build.table(table.name), table, key, optional=True)
    tied = relations.ties(build, relation, base, row, ordinal)
    tests = tied.on if tied.link is None else (terms.exists(tied.link, [*tied.link_on, *tied.on]),)
    whole = relations.narrowed(build, row, node.type) if isinstance(relation, mapping.Whole) else ()
    frame.join(row.alias, terms.all_of([*key_test(row, node.key, scope), *tests, *whole, *relations.granted(row)]))
    frame.joined[key] = row
    return row


def document_link(base: Json, node: bound.NavigationPath, scope: Scope) -> Place:
    """The entity linked from inside a complex value that is kept as JSON."""
    link = link_of(base, node, scope.build)
    assert base.row is not None
    if node.key:
        return member_by_key(base.row, link, node, (base.row.name, "link", link.path, node.key), base.ordinal, scope)
    key = (base.row.name, "link", link.path)
    return relations.follow(base.row, link, link.target, key, node.type, ordinal=base.ordinal)


def link_of(base: Json, node: bound.NavigationPath, build: Build) -> mapping.DocumentLink:
    """The link table behind a navigation property of a complex value kept as JSON; NotImplementedByService without one."""
    path = "/".join((*base.path, node.navigation.name))
    if base.row is not None:
        for link in build.mapping.document_links(base.row.table.id):
            if link.path == path:
                return link
    raise errors.NotImplementedByService(
        f"Navigation property '{node.navigation.name}' of {node.owner} is bound to no entity set")


def member(base: Place, owner: str, name: str, build: Build) -> Place:
    """The place of a declared structural property."""
    base = instance(base, name)
    match base:
        case One():
            return of_one(base, owner, name, build)
        case Operand() if base is GONE:
            return gone(owner, name, build)
        case Row(cast=()):
            return gone(owner, name, build)
        case Row():
            declaring = build.model.declaring(owner, name) or owner
            declared = build.model.properties(declaring).get(name)
            if declared is not None and vocabularies.shows_etag(build.model, declaring, declared):
                return etag(base, build)
            place = stored(base, base.table.members[declaring, name], name, build)
            if isinstance(place, Operand) and declared is not None and vocabularies.below_root(build.model, declaring, declared):
                root = expression.constant(Slot("root", 0, "Edm.String"), build)
                return Operand(build.dialect.join_text(root.node, place.node), "Edm.String")
            return place
        case Complex():
            return stored(base.row, base.flat.members[name], name, build, base)
        case Json():
            found = build.model.underlying(build.model.properties(owner)[name].type)
            return Json(base.node, (*base.steps, name), found.name, found.collection, found.name in UNTYPED, base.guards,
                        base.row, (*base.path, name), base.ordinal, found.name in UNTYPED)
        case Staged():
            return staged(base, name)
        case _:
            raise errors.NotImplementedByService(feature=f"'{name}' of this value")


def gone(owner: str, name: str, build: Build) -> Operand:
    """A property of an entity that a cast has ruled out: null, of its type."""
    kind = build.model.underlying(build.model.properties(owner)[name].type).name
    return expression.null(kind, build) if build.model.kind(kind) in ("primitive", "enum") else GONE


def of_one(one: One, owner: str, name: str, build: Build) -> Place:
    """A property of the entity at the end of a to-one path: of this row itself where it is the foreign key."""
    if isinstance(one.relation, mapping.Reference) and one.id not in build.grants and not one.on:
        table = build.mapping.table(one.id)
        storage = table.members[build.model.declaring(owner, name) or owner, name]
        if isinstance(storage, mapping.Scalar) and storage.column in one.relation.other:
            own = one.relation.own[one.relation.other.index(storage.column)]
            if len(one.relation.own) == 1 and own.type == storage.column.type:
                return guarded(one.base, mapping.Scalar(own))
    return member(relations.row_of(one), owner, name, build)


def stored(row: Row, storage: mapping.Storage, name: str, build: Build, above: Complex | None = None) -> Place:
    """The place of a stored value of a row."""
    match storage:
        case mapping.Scalar():
            return guarded(row, storage)
        case mapping.Flat():
            return Complex(row, storage, above)
        case mapping.Document(column, type_name, collection):
            guards = relations.cast_condition(build, row) if shared(row, storage) else ()
            return Json(row.column(column), (), type_name, collection, type_name in UNTYPED, guards, row, (name,),
                        declared=type_name in UNTYPED)
        case mapping.StreamSlot(slot):
            return Stream(row, slot)


def etag(row: Row, build: Build) -> Operand:
    """The ETag of a row as text, as answers show it."""
    version = guarded(row, mapping.Scalar(row.table.version)).node
    digits = build.dialect.hexadecimal(version)
    return Operand(build.dialect.join_text(clauses.text('W/"'), digits, clauses.text('"')), "Edm.String")


def guarded(row: Row, storage: mapping.Scalar) -> Operand:
    """The column of a row, null where the row is not of the types it was cast to."""
    column = storage.column
    node: pw.Node = row.column(column)
    special = column.type == "Edm.Decimal" and column.scale == "floating"
    if not shared(row, storage):
        return Operand(node, column.edm, column, column.nullable or row.optional or row.cast is not None, special=special)
    return Operand(pw.Case(None, [(relations.cast_condition(row.frame.build, row)[0], node)]), column.edm, column,
                   special=special)


def shared(row: Row, storage: mapping.Storage) -> bool:
    """Whether a row outside the types of its cast may hold a value there, so that the cast must be tested."""
    if row.cast is None:
        return False
    model = row.frame.build.model
    holders = {owner for (owner, _), each in row.table.members.items() if each == storage}
    if not holders:
        return True                                     # a foreign key, a member of a complex value
    return any(holder in model.lineage(each) for each in row.table.concrete if each not in row.cast for holder in holders)


def dynamic(base: Place, name: str, build: Build) -> Place:
    """The place of a dynamic property."""
    if isinstance(base, One):
        base = relations.row_of(base)
    match base:
        case Row() if base.table.dynamic is not None:
            return Json(base.column(base.table.dynamic), (name,), "Edm.Untyped", False, True,
                        relations.cast_condition(build, base), base, (name,))
        case Json():
            return Json(base.node, (*base.steps, name), "Edm.Untyped", False, True, base.guards, base.row,
                        (*base.path, name), base.ordinal)
        case Staged():
            return staged(base, name)
        case _:
            raise errors.NotImplementedByService(feature=f"Dynamic property '{name}' of this value")


def cast(base: Place, type_name: str, build: Build) -> Place:
    """The same place, for instances of a type only."""
    if isinstance(base, One):
        base = relations.row_of(base)
    match base:
        case Row():
            wanted = tuple(each for each in base.table.concrete if build.model.is_a(each, type_name))
            if base.cast is not None:
                wanted = tuple(each for each in wanted if each in base.cast)
            if set(wanted) == set(base.table.concrete):
                return base
            return Row(base.frame, base.alias, base.table, base.key, wanted, base.optional)
        case Json():
            return Json(base.node, base.steps, type_name, base.collection, base.dynamic,
                        (*base.guards, json_type_test(base, type_name, build)), base.row, base.path, base.ordinal)
        case _:
            return base                                 # flattened values have no derived types


def json_type_test(base: Json, type_name: str, build: Build) -> pw.Node:
    """Whether a complex value kept as JSON is of a type: its type is written beside it where it is not the declared one."""
    written = build.dialect.json_get(base.node, (*base.steps, TYPE), "Edm.String")
    wanted = [terms.compare(written, "=", pw.Value("#" + each)) for each in build.model.concrete(type_name)]
    if build.model.is_a(base.type, type_name):
        wanted.append(terms.is_null(written))
    return terms.any_of(wanted)


def operand(found: Place, build: Build, wanted: str = "") -> Operand:
    """The value at a place: a scalar, or JSON text; `wanted`: the type that a dynamic value is to have."""
    match found:
        case Operand(type=type) if type in UNTYPED and wanted not in ("", *UNTYPED):
            raise errors.NotImplementedByService(feature="A value of no declared type in an expression behind a grouping")
        case Operand():
            return found
        case Json() if not wanted and (found.dynamic or not is_scalar(found, build)):
            node = build.dialect.json_part(found.node, found.steps)
            return Operand(pw.Case(None, [(terms.all_of(found.guards), node)]) if found.guards else node, "Edm.Untyped")
        case Json():
            node = json_scalar(found, wanted, build)
            if found.guards:
                node = pw.Case(None, [(terms.all_of(found.guards), node)])
            if not found.dynamic:
                return Operand(node, found.type)
            kind = wanted if wanted not in ("", "Edm.PrimitiveType") else "Edm.String"
            return Operand(node, kind, special=kind in types.NUMBERS, missing=absent(found, build))
        case _:
            raise errors.NotImplementedByService(feature="A structured value in this place")


def absent(found: Place, build: Build) -> pw.Node:
    """Whether there is no value at a place: the meaning of `… eq null`. Never unknown."""
    match found:
        case Operand():
            return terms.is_null(found.node) if found.nullable else terms.FALSE
        case One():
            relation = found.relation
            if isinstance(relation, mapping.Reference) and found.id not in build.grants and not found.on:
                tests = [terms.is_null(guarded(found.base, mapping.Scalar(column)).node) for column in relation.own]
                return terms.any_of(tests)
            return absent(relations.row_of(found), build)
        case Row():
            if found.cast is not None:
                return terms.not_true(relations.type_test(build, found, found.cast))
            return terms.is_null(found.column(found.table.row_id)) if found.optional else terms.FALSE
        case Complex():
            if found.flat.present is None:
                return absent(found.above or found.row, build)
            return terms.not_true(guarded(found.row, mapping.Scalar(found.flat.present)).node)
        case Json():
            test = terms.is_null(build.dialect.json_get(found.node, found.steps, "Edm.Untyped"))
            return terms.any_of([test, *map(terms.not_true, found.guards)])
        case Stream():
            streams = build.table("odata_streams")
            where = {"source": pw.Value(found.row.table.id), "row": found.row.column(found.row.table.row_id),
                     "name": pw.Value(found.name)}
            return terms.no(terms.exists(streams, [terms.compare(pw.Column(streams, name), "=", value)
                                                   for name, value in where.items()]))
        case Staged():
            below = [each.node for path, each in found.columns.items() if path.startswith(found.prefix + "/")]
            return terms.all_of([terms.is_null(node) for node in below])


def kept_at(found: Json) -> tuple[tuple[str, ...], ...]:
    """Where in the document a dynamic value may be."""
    return (found.steps, (*found.steps, VALUE)) if found.declared else (found.steps,)


def json_scalar(found: Json, wanted: str, build: Build) -> pw.Node:
    """A primitive value inside a document in expression form; a dynamic one only where it is of the type wanted."""
    dialect = build.dialect
    if found.dynamic:
        ways = [dialect.json_dynamic(found.node, steps, wanted) for steps in kept_at(found)]
        return enumerated(ways[0] if len(ways) == 1 else pw.fn.COALESCE(*ways), wanted, build)
    if not found.steps:
        return enumerated(dialect.json_item(found.node, found.type), found.type, build)
    return enumerated(dialect.json_get(found.node, found.steps, found.type), found.type, build)


def enumerated(node: pw.Node, type_name: str, build: Build) -> pw.Node:
    """The integer of an enumeration whose members are kept as text; other types as they are."""
    enum = build.model.enum_type(type_name)
    if enum is None:
        return node
    return build.dialect.enum_value(node, {member.name: member.value for member in enum.members}, enum.flags)


def row_id(found: Place) -> Operand:
    """The row id of the entity at a place, its type '@' and the mapping id of its table."""
    row = relations.row_of(found) if isinstance(found, One) else found
    if not isinstance(row, Row):
        raise errors.NotImplementedByService(feature="This value in the place of an entity")
    return Operand(row.column(row.table.row_id), "@" + row.table.id, row.table.row_id, row.optional)


def is_scalar(found: Place, build: Build) -> bool:
    """Whether a place holds one primitive value."""
    match found:
        case Operand():
            return True
        case Json():
            return not found.collection and (found.dynamic or build.model.kind(found.type) in ("primitive", "enum"))
        case _:
            return False

"""Search: `$search` over the one index table of all stores.

AND, OR, NOT are set operations on the rows, a phrase is consecutive positions, a string in single quotes the beginning of
a word. What has no words (`"!!"`) matches nothing. URL Conventions §5.1.8; DESIGN §5.
"""

from __future__ import annotations

from collections.abc import Sequence

import peewee as pw

from app import errors
from app.edm import vocabularies
from app.sql import terms
from app.sql.scope import Build, Place, Row
from app.store.search import words
from app.url import nodes as url

AFTER_ALL = "\U0010ffff"


Found = list[tuple[str, pw.Node]]       # table and row id of the entities that are searched as one


def matches(search: url.Search, places: Sequence[Place], build: Build) -> pw.Node:
    """Whether the entities at some places, taken together, match a search expression."""
    return _test(search, [_searched(place, build) for place in places], build)


def towards(search: url.Search, row: Row, way: str) -> list[pw.Node]:
    """The same for a page of rows, in the form that lets a store reach them with the least work.

    'array' (PostgreSQL, sorted): the hits as an array, whose rows are fetched in their order; its planner would read the
    whole table instead. 'walk' (MariaDB, in the order of the rows): joins with the index, so that it ends with the page;
    it would collect every hit first. 'late' (MariaDB, sorted): the hits in front of the rows, instead of the reverse.
    """
    build = row.frame.build
    found = [_searched(row, build)]
    where: list[pw.Node] = []
    for each in _operands(search):
        texts = words(each.text) if isinstance(each, url.SearchTerm | url.SearchPrefix) else []
        prefix = isinstance(each, url.SearchPrefix)
        if way == "array" and texts:
            hits = _hits(texts, found[0][0], build, prefix)
            where.append(pw.NodeList((found[0][1], pw.SQL("= ANY (ARRAY"), hits, pw.SQL(")"))))
        elif way == "walk" and len(texts) == 1 and not prefix:
            where.append(_joined(texts[0], found[0], row))
        elif way == "late" and texts:
            hits = _hits(texts, found[0][0], build, prefix).distinct().alias(build.alias())
            row.frame.join(hits, terms.compare(pw.Column(hits, "row"), "=", found[0][1]), pw.JOIN.INNER)
            way = ""
        else:
            where.append(_test(each, found, build))
    return where


def _operands(search: url.Search) -> list[url.Search]:
    """What has to match all together."""
    if isinstance(search, url.SearchAnd):
        return [inner for each in search.operands for inner in _operands(each)]
    return [search]


def _joined(word: str, found: tuple[str, pw.Node], row: Row) -> pw.Node:
    """Joins the entries of a word, and leaves the first of each row."""
    table, id = found
    build = row.frame.build
    entry, before = build.table("odata_search"), build.table("odata_search")
    row.frame.join(entry, terms.all_of([
        terms.compare(pw.Column(entry, "row"), "=", id), terms.compare(pw.Column(entry, "source"), "=", pw.Value(table)),
        terms.compare(pw.Column(entry, "term"), "=", pw.Value(word))]), pw.JOIN.INNER)
    earlier = [terms.compare(pw.Column(before, name), "=", pw.Column(entry, name)) for name in ("term", "source", "row")]
    earlier.append(terms.compare(pw.Column(before, "position"), "<", pw.Column(entry, "position")))
    return terms.no(terms.exists(before, earlier))


def _searched(place: Place, build: Build) -> tuple[str, pw.Node]:
    if not isinstance(place, Row):
        raise errors.NotImplementedByService(feature="$search over anything but entities")
    table = place.table.id
    if not vocabularies.allowed(build.model, "SearchRestrictions", "Searchable", table):
        raise errors.NotImplementedByService(feature=f"$search on '{table.rpartition('/')[2]}'")
    if table in build.grants.unsearchable:
        raise errors.BindError(f"'{table.rpartition('/')[2]}' cannot be searched", code="notSearchable", target="$search")
    build.searched.add(table)
    return table, place.column(place.table.row_id)


def _test(search: url.Search, found: Found, build: Build) -> pw.Node:
    match search:
        case url.SearchAnd(operands):
            return terms.all_of([_test(each, found, build) for each in operands])
        case url.SearchOr(operands):
            return terms.any_of([_test(each, found, build) for each in operands])
        case url.SearchNot(operand):
            return terms.no(_test(operand, found, build))
        case url.SearchPrefix(text):
            return terms.any_of([_phrase(words(text), table, row, build, prefix=True) for table, row in found])
        case url.SearchTerm(text):
            return terms.any_of([_phrase(words(text), table, row, build) for table, row in found])


def _phrase(found: list[str], table: str, row: pw.Node, build: Build, prefix: bool = False) -> pw.Node:
    """The rows that have these words one behind the other; of the last only its beginning where `prefix`."""
    if not found:
        return terms.FALSE
    return terms.among(row, _hits(found, table, build, prefix))


def _hits(found: list[str], table: str, build: Build, prefix: bool) -> pw.Select:
    """The row ids of the entries, some of them more than once."""
    index = [build.table("odata_search") for _ in found]
    where: list[pw.Node] = []
    for number, (word, source) in enumerate(zip(found, index, strict=True)):
        column = pw.Column(source, "term")
        where.append(terms.compare(pw.Column(source, "source"), "=", pw.Value(table)))
        if prefix and number == len(found) - 1:
            where.append(terms.compare(column, ">=", pw.Value(word)))
            where.append(terms.compare(column, "<", pw.Value(word + AFTER_ALL)))
        else:
            where.append(terms.compare(column, "=", pw.Value(word)))
        if number:
            where.append(terms.compare(pw.Column(source, "row"), "=", pw.Column(index[0], "row")))
            position = terms.compare(pw.Column(index[0], "position"), "+", pw.SQL(str(number)))
            where.append(terms.compare(pw.Column(source, "position"), "=", position))
    return pw.Select(index, [pw.Column(index[0], "row")]).where(terms.all_of(where))

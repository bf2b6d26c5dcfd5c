"""Order: ORDER BY by the rules of OData, and the condition that rows follow those already sent.

Null comes first ascending and last descending; it is said only where there can be one, so that the index of a key serves.
Which sort values of a token are null is part of the shape; a bound on the first sort key lets an index seek; the last key
is unique. Protocol §11.2.6.2; peewee-recipes §10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import peewee as pw

from app.plan.nodes import Slot
from app.sql import expression, terms
from app.sql.scope import Build, Operand

Ordered: TypeAlias = list[tuple[Operand, bool]]     # sort keys, each with whether it descends


def sort(order: Sequence[tuple[Operand, bool]], build: Build) -> list[pw.Node]:
    """The items of ORDER BY."""
    found = []
    for operand, descending in order:
        if operand.literal or isinstance(operand.node, pw.Value):
            # orders nothing, and MariaDB would take a number for a column
            continue
        if operand.nullable:
            found.append((build.dialect.descending if descending else build.dialect.ascending)(operand.node))
        else:
            found.append(pw.Ordering(operand.node, "DESC" if descending else "ASC"))
    return found


def after(order: Sequence[tuple[Operand, bool]], nulls: Sequence[bool], build: Build) -> pw.Node:
    """Rows that come after the sort values of the token, `nulls` of which are null."""
    return terms.any_of(branches(order, nulls, build))


def branches(order: Sequence[tuple[Operand, bool]], nulls: Sequence[bool], build: Build) -> list[pw.Node]:
    """The same rows as one condition, or as two of which the first holds before the second and each fits an index: null in
    the first sort key, which comes last where that descends, is apart from the values."""
    keys = [(_form(operand, build), descending) for operand, descending in order]
    values = [None if null else expression.constant(Slot("keyset", index, operand.type, operand.column), build,
                                                    operand.column).node
              for index, ((operand, _), null) in enumerate(zip(keys, nulls, strict=True))]
    return _parts(keys, values, build)


def _parts(keys: Ordered, values: Sequence[pw.Node | None], build: Build) -> list[pw.Node]:
    (first, down), value = keys[0], values[0]
    if value is None:
        empty = terms.is_null(first.node)
        if len(keys) > 1:
            empty = terms.all_of([empty, terms.any_of(_parts(keys[1:], values[1:], build))])
        return [empty] if down else [empty, terms.not_null(first.node)]
    if down and first.nullable:
        return [_beyond([(replace(first, nullable=False), down), *keys[1:]], values, build), terms.is_null(first.node)]
    return [_beyond(keys, values, build)]


def _beyond(keys: Ordered, values: Sequence[pw.Node | None], build: Build) -> pw.Node:
    """Rows behind the sort values, the first of which is not null: as far as the keys run in one direction they are
    compared as one row value, which an index can seek. MariaDB seeks only by its first value, and takes every part of it for
    one that is not null, whereby outer joins become inner ones."""
    down = keys[0][1]
    parts = down or build.dialect.name == "mariadb"
    run = 1
    while run < len(keys) and keys[run][1] == down and values[run] is not None and not (parts and keys[run][0].nullable):
        run += 1
    left = [operand.node for operand, _ in keys[:run]]
    right = [value for value in values[:run] if value is not None]
    whole = run == len(keys)
    symbol = ("<" if down else ">") + ("" if whole else "=")
    bounds = [terms.compare(terms.row(left), symbol, terms.row(right))]
    if run > 1 and build.dialect.name == "mariadb":
        bounds.append(terms.compare(left[0], symbol[0] + "=", right[0]))
    return terms.all_of(bounds if whole else [*bounds, terms.any_of(_rows(keys, values))])


def _rows(keys: Ordered, values: Sequence[pw.Node | None]) -> list[pw.Node]:
    """For each sort key the rows that equal the token before it and lie behind it there."""
    equal = [terms.is_null(operand.node) if value is None else terms.compare(operand.node, "=", value)
             for (operand, _), value in zip(keys, values)]
    later = [_later(operand, descending, value) for (operand, descending), value in zip(keys, values)]
    return [terms.all_of([*equal[:index], test]) for index, test in enumerate(later) if test is not terms.FALSE]


def _form(operand: Operand, build: Build) -> Operand:
    return operand if operand.column is not None else expression.plain_form(operand, operand.type, build)


def _later(operand: Operand, descending: bool, value: pw.Node | None) -> pw.Node:
    """One sort key lies after a value: null comes before everything ascending, after everything descending."""
    if value is None:
        return terms.FALSE if descending else terms.not_null(operand.node)
    if not descending:
        return terms.compare(operand.node, ">", value)
    test = terms.compare(operand.node, "<", value)
    return terms.any_of([test, terms.is_null(operand.node)]) if operand.nullable else test

"""Order: ORDER BY by the rules of OData, and the condition that rows follow those already sent.

Null comes first ascending and last descending; it is said only where there can be one, so that the index of a key serves.
Which sort values of a token are null is part of the shape; a bound on the first sort key lets an index seek; the last key
is unique. Protocol §11.2.6.2; peewee-recipes §10.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        if operand.literal:                 # orders nothing, and MariaDB would take a number for a column
            continue
        if operand.nullable:
            found.append((build.dialect.descending if descending else build.dialect.ascending)(operand.node))
        else:
            found.append(pw.Ordering(operand.node, "DESC" if descending else "ASC"))
    return found


def after(order: Sequence[tuple[Operand, bool]], nulls: Sequence[bool], build: Build) -> pw.Node:
    """Rows that come after the sort values of the token, `nulls` of which are null."""
    keys = [(_form(operand, build), descending) for operand, descending in order]
    values = [None if null else expression.constant(Slot("keyset", index, operand.type, operand.column), build,
                                                    operand.column).node
              for index, ((operand, _), null) in enumerate(zip(keys, nulls, strict=True))]
    equal = [terms.is_null(operand.node) if value is None else terms.compare(operand.node, "=", value)
             for (operand, _), value in zip(keys, values)]
    later = [_later(operand, descending, value) for (operand, descending), value in zip(keys, values)]
    rows = [terms.all_of([*equal[:index], test]) for index, test in enumerate(later) if test is not terms.FALSE]
    (first, down), value = keys[0], values[0]
    if value is None or len(keys) == 1:
        return terms.any_of(rows)
    bound = terms.compare(first.node, "<=" if down else ">=", value)
    if down and first.nullable:
        bound = terms.any_of([bound, terms.is_null(first.node)])
    return terms.all_of([bound, terms.any_of(rows)])


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

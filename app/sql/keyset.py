"""Keyset: the condition that rows follow those already sent.

Which of the sort values are null is part of the shape. A bound on the first sort key lets an index seek; the last key is
unique. peewee-recipes §10.
"""

from __future__ import annotations

from collections.abc import Sequence

import peewee as pw

from app.plan.nodes import Slot
from app.sql import expression, terms
from app.sql.scope import Build, Operand


def after(operands: Sequence[Operand], descending: Sequence[bool], nulls: Sequence[bool], build: Build) -> pw.Node:
    """`operands` in their order come after the values of the token, `nulls` of which are null."""
    operands = [_form(operand, build) for operand in operands]
    values = [None if null else expression.constant(Slot("keyset", index, operand.type, operand.column), build,
                                                    operand.column).node
              for index, (operand, null) in enumerate(zip(operands, nulls, strict=True))]
    equal = [terms.is_null(operand.node) if value is None else terms.compare(operand.node, "=", value)
             for operand, value in zip(operands, values)]
    later = [_later(operand, down, value) for operand, down, value in zip(operands, descending, values)]
    rows = [terms.all_of([*equal[:index], test]) for index, test in enumerate(later) if test is not terms.FALSE]
    first, value = operands[0], values[0]
    if value is None or len(operands) == 1:
        return terms.any_of(rows)
    bound = terms.compare(first.node, "<=" if descending[0] else ">=", value)
    if descending[0] and first.nullable:
        bound = terms.any_of([bound, terms.is_null(first.node)])
    return terms.all_of([bound, terms.any_of(rows)])


def _form(operand: Operand, build: Build) -> Operand:
    if operand.column is not None:
        return operand
    return Operand(expression.promoted(operand, "", build), operand.type, None, operand.nullable)


def _later(operand: Operand, descending: bool, value: pw.Node | None) -> pw.Node:
    """One sort key lies after a value: null comes before everything ascending, after everything descending."""
    if value is None:
        return terms.FALSE if descending else terms.not_null(operand.node)
    if not descending:
        return terms.compare(operand.node, ">", value)
    test = terms.compare(operand.node, "<", value)
    return terms.any_of([test, terms.is_null(operand.node)]) if operand.nullable else test

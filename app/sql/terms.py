"""Terms: the few SQL forms that mean the same on every store, as Peewee nodes.

Flat lists instead of chained `&` and `|`: a chain is a deep tree, and parsers of SQL have stacks (peewee-recipes §1).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import peewee as pw
from peewee import SCOPE_NORMAL

TRUE = pw.SQL("(1 = 1)")
FALSE = pw.SQL("(1 = 0)")
ONE = pw.SQL("1")
STAR = pw.SQL("*")
NULL = pw.SQL("NULL")


class Named(pw.Entity):
    """A column of an aliased source: a Peewee entity of two names, in half the time."""

    def __init__(self, source: str, name: str) -> None:
        self._path = [source, name]

    def __sql__(self, context: Any) -> Any:
        mark = (context.state.quote or '"')[0]
        source, name = self._path
        if mark in name:
            name = name.replace(mark, mark + mark)
        return context.literal(f"{mark}{source}{mark}.{mark}{name}{mark}")


class Run(pw.Node):
    """Columns of one source that follow each other, some under names of ours, as one piece of text."""

    def __init__(self, source: str, columns: Sequence[tuple[str, str]]) -> None:
        self.source, self.columns = source, columns

    def __sql__(self, context: Any) -> Any:
        mark = (context.state.quote or '"')[0]
        lead = f"{mark}{self.source}{mark}.{mark}"
        return context.literal(", ".join([
            lead + name.replace(mark, mark + mark) + (f"{mark} AS {mark}{alias}{mark}" if alias else mark)
            for name, alias in self.columns]))


def select(source: pw.Node, columns: Sequence[pw.Node]) -> pw.Select:
    """SELECT columns FROM source; Peewee would ask for each of many columns again how it is written."""
    found: list[pw.Node] = []
    for name, group in groupby(columns, _source):
        found += group if name is None else [Run(name, [_parts(node) for node in group])]
    return pw.Select([source], found)


def _source(node: Any) -> str | None:
    """The source of a column, under its own name or one of ours; None for anything else."""
    node = node.node if node.__class__ is pw.Alias else node
    return node._path[0] if node.__class__ is Named else None


def _parts(node: Any) -> tuple[str, str]:
    return (node._path[1], "") if node.__class__ is Named else (node.node._path[1], node._alias)


def all_of(conditions: Sequence[pw.Node]) -> pw.Node:
    """AND over any number of conditions; none of them is true."""
    if len(conditions) == 1:
        return conditions[0]
    return pw.NodeList(tuple(conditions), " AND ", True) if conditions else TRUE


def any_of(conditions: Sequence[pw.Node]) -> pw.Node:
    """OR over any number of conditions; none of them is false."""
    if len(conditions) == 1:
        return conditions[0]
    return pw.NodeList(tuple(conditions), " OR ", True) if conditions else FALSE


def no(condition: pw.Node) -> pw.Node:
    """NOT, in parentheses: Peewee's own `~` renders none, and NOT binds less tightly than a comparison."""
    if isinstance(condition, pw.Expression) and condition.rhs is NULL:
        return not_null(condition.lhs) if condition.op == "IS" else is_null(condition.lhs)
    return pw.NodeList((pw.SQL("NOT"), condition), parens=True)


def not_true(condition: pw.Node) -> pw.Node:
    """True where the condition is false or unknown."""
    return pw.Expression(condition, "IS NOT", pw.SQL("TRUE"))


def known(condition: pw.Node) -> pw.Node:
    """The condition with unknown turned to false."""
    return pw.Expression(condition, "IS", pw.SQL("TRUE"))


def is_null(node: pw.Node) -> pw.Node:
    return pw.Expression(node, "IS", NULL)


def not_null(node: pw.Node) -> pw.Node:
    return pw.Expression(node, "IS NOT", NULL)


def compare(left: pw.Node, operator: str, right: pw.Node) -> pw.Node:
    """`left operator right` with the operator's text as written."""
    return pw.Expression(left, operator, right)


def aliased(node: pw.Node, name: str) -> pw.Node:
    """A selected node under a name of ours."""
    return pw.Alias(node, name)


def over(function: pw.Node, partition: Sequence[pw.Node], order: Sequence[pw.Node], running: bool = False) -> pw.Node:
    """A window function; `running`: from the first row of the window to the current one."""
    frame = {"frame_type": pw.Window.ROWS, "start": pw.Window.preceding(), "end": pw.Window.CURRENT_ROW} if running else {}
    window = pw.Window(partition_by=list(partition) or None, order_by=list(order) or None, _inline=True, **frame)
    return pw.NodeList((function, pw.SQL("OVER"), window))


def among(node: pw.Node, query: pw.Select) -> pw.Node:
    """`node IN (SELECT …)`; Peewee's own form renders the query twice."""
    return pw.NodeList((node, pw.SQL("IN"), query), parens=True)


def row(nodes: Sequence[pw.Node]) -> pw.Node:
    """A row value; of one node that itself."""
    return nodes[0] if len(nodes) == 1 else pw.NodeList(tuple(nodes), ", ", True)


def scalar(query: pw.Select) -> pw.Node:
    """A SELECT as an operand; a bare Select would take `+` and `|` as set operations."""
    return pw.NodeList((query,))


def operand(node: pw.Node) -> pw.Node:
    """A condition of ON: Peewee renders it like a source, where a SELECT inside it would get a name."""
    return pw.QualifiedNames(node, SCOPE_NORMAL)


def exists(source: pw.Node, where: Sequence[pw.Node]) -> pw.Node:
    """EXISTS(SELECT 1 FROM source WHERE …)."""
    query = pw.Select([source], [ONE])
    return pw.fn.EXISTS(query.where(all_of(where)) if where else query)

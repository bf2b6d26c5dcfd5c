"""Clauses: the few SQL forms that dialects are written in, as Peewee nodes; and what a list or an array is as a
table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import peewee as pw
from peewee import fn

from app.errors import NotImplementedByService

Node: TypeAlias = pw.Node
Operation: TypeAlias = Callable[..., Node]
Part: TypeAlias = pw.Node | str        # a string is a SQL keyword or operator

NULL, ZERO, ONE = pw.SQL("NULL"), pw.SQL("0"), pw.SQL("1")


def words(*parts: Part) -> pw.NodeList:
    """Parts one after the other, strings being SQL keywords."""
    return pw.NodeList([pw.SQL(part) if isinstance(part, str) else part for part in parts])


def enclosed(*parts: Part) -> pw.NodeList:
    """`words` in parentheses."""
    return pw.NodeList([pw.SQL(part) if isinstance(part, str) else part for part in parts], parens=True)


def infix(left: Part, operator: str, right: Part) -> pw.NodeList:
    """`(left operator right)`, the operator as it is written."""
    return enclosed(left, operator, right)


def all_of(*conditions: Node) -> pw.NodeList:
    """AND of conditions, flat."""
    return pw.NodeList(conditions, " AND ", True)


def when(condition: Node, then: Part, otherwise: Part | None = None) -> pw.NodeList:
    """CASE WHEN condition THEN … ELSE … END, with NULL where nothing is said."""
    return enclosed("CASE WHEN", condition, "THEN", then, "ELSE", NULL if otherwise is None else otherwise, "END")


def text(value: str) -> pw.SQL:
    """A constant text of ours, or a name of the model, as a SQL literal."""
    if "%" in value or "\\" in value:
        raise NotImplementedByService(feature=f"The name '{value}' in an expression")
    return pw.SQL("'" + value.replace("'", "''") + "'")


def substr(node: Node, start: int, count: int) -> Node:
    """`count` characters from the one-based position `start`."""
    return fn.SUBSTR(node, pw.SQL(str(start)), pw.SQL(str(count)))


def constant(node: Node) -> str:
    """The text of a literal that is part of the statement's shape. Raises NotImplementedByService for anything else."""
    while isinstance(node, pw.WrappedNode | pw.NodeList):       # its cast and collation
        node = node.node if isinstance(node, pw.WrappedNode) else node.nodes[0]
    if isinstance(node, pw.Value) and isinstance(node.value, str):
        return node.value
    raise NotImplementedByService(feature="matchesPattern with a pattern that is not a literal")


def whole_number(node: Node) -> int | None:
    """The integer of a literal that is part of the statement's shape; None for anything else."""
    while isinstance(node, pw.WrappedNode):
        node = node.node
    return node.value if isinstance(node, pw.Value) and type(node.value) is int else None


@dataclass(frozen=True, slots=True, eq=False)
class ListSource:
    """A list parameter of tuples as a table: `table` for FROM (already aliased), `columns` in the order of the
    tuples."""

    table: Node
    columns: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class JsonItems:
    """The items of a JSON array as a table: `table` for FROM (already aliased), the item, its zero-based position."""

    table: Node
    value: Node
    ordinal: Node
    json: Node | None = None        # the item as JSON, where `value` is not


def missing(feature: str) -> Operation:
    """A function that this database does not have."""
    def refuse(*arguments: object) -> Node:
        raise NotImplementedByService(feature=feature)
    return refuse

"""Kinship: where a node is in its hierarchy, as one test against rows that do not depend on the current instance.

No node: null. Data Aggregation §5.5.2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peewee as pw

from app.bind import nodes as bound
from app.sql import expression, terms
from app.sql.hierarchies import Tree, next_to, recursive, row_id
from app.sql.scope import Row, Scope
from app.sql.stages import Stage


def test(node: bound.Kinship, scope: Scope) -> pw.Node:
    """The truth of a hierarchy function."""
    tree = Tree(node.hierarchy, scope)
    own = identifier(node.node, tree, scope)
    given = [own] if node.other is None else [own, identifier(node.other, tree, scope)]
    match node.name:
        case "isnode":
            found = terms.among(own, chosen(tree, tree.nodes()))
        case "isroot":
            found = terms.among(own, chosen(tree, roots(tree)))
        case "isleaf":
            found = terms.among(own, chosen(tree, leaves(tree)))
        case "issibling":
            both = terms.all_of([terms.among(each, chosen(tree, roots(tree))) for each in given])
            others = terms.compare(given[0], "<>", given[1])
            found = terms.any_of([terms.among(terms.row(given), siblings(tree)), terms.all_of([both, others])])
        case _:
            found = terms.among(terms.row(given), descendants(node, tree, scope))
    asked = [each for each in (node.node, node.other) if each is not None]
    if any(isinstance(each, bound.Literal) and each.value is None for each in asked):
        return expression.null("Edm.Boolean", scope.build).node
    missing = [terms.is_null(each) for each, one in zip(given, asked) if not isinstance(one, expression.CONSTANTS)]
    return pw.Case(None, [(terms.any_of(missing), terms.NULL)], found) if missing else found


def identifier(node: bound.Expression, tree: Tree, scope: Scope) -> pw.Node:
    """An identifier in the form of the column that identifies nodes."""
    if isinstance(node, expression.CONSTANTS):
        found = tree.nodes()
        assert isinstance(found.this, Row)
        return expression.beside(node, tree.identifier(found.this), scope)
    return expression.value(node, scope).node


def chosen(tree: Tree, stage: Stage) -> pw.Select:
    """The identifiers of nodes."""
    assert isinstance(stage.this, Row)
    return stage.select([tree.identifier(stage.this).node])


def roots(tree: Tree) -> Stage:
    """The nodes without parents."""
    found = tree.nodes()
    found.where.append(terms.is_null(row_id(tree.parents(found, pw.JOIN.LEFT_OUTER))))
    return found


def leaves(tree: Tree) -> Stage:
    """The nodes without children."""
    found, child = tree.nodes(), tree.nodes()
    assert isinstance(found.this, Row)
    parents = child.select([row_id(tree.parents(child))])
    found.where.append(terms.no(terms.among(row_id(found.this), parents)))
    return found


def siblings(tree: Tree) -> pw.Select:
    """Pairs of different nodes with a parent in common."""
    found = tree.nodes()
    first = found.this
    assert isinstance(first, Row)
    parent = tree.parents(found)
    above = Stage(tree.build, found.frame, parent, found.where)
    pairs: list[pw.Node] = []

    def columns(second: Row) -> list[pw.Node]:
        above.where.append(terms.compare(row_id(first), "<>", row_id(second)))
        pairs[:] = [tree.identifier(first).node, tree.identifier(second).node]
        return pairs
    return next_to(tree, "descendants", above, columns)


def descendants(node: bound.Kinship, tree: Tree, scope: Scope) -> pw.Select:
    """Pairs of a node and one above it, at most so far away; each with itself where that counts."""
    build = scope.build
    first = tree.nodes()
    assert isinstance(first.this, Row)
    if isinstance(node.other, expression.CONSTANTS):        # below one node only
        wanted = identifier(node.other, tree, scope)
        first.where.append(terms.compare(tree.identifier(first.this).node, "=", wanted))
    root, far = row_id(first.this), node.distance is not None
    if node.itself:
        seed = first.select([root, root, *([pw.SQL("0")] if far else [])])
    else:
        seed = next_to(tree, "descendants", first, lambda row: [root, row_id(row), *([pw.SQL("1")] if far else [])])

    def step(walk: Any) -> pw.Select:
        current = tree.nodes()
        assert isinstance(current.this, Row)
        current.frame.join(walk, terms.compare(pw.Column(walk, "id"), "=", row_id(current.this)), pw.JOIN.INNER)
        further: Sequence[pw.Node] = ()
        if node.distance is not None:
            level = pw.Column(walk, "level")
            further = [terms.compare(level, "+", pw.SQL("1"))]
            current.where.append(terms.compare(level, "<", expression.value(node.distance, scope).node))
        return next_to(tree, "descendants", current, lambda row: [pw.Column(walk, "root"), row_id(row), *further])
    walk = recursive(seed, build.alias(), ("root", "id", "level") if far else ("root", "id"), step, True)
    below, above = tree.nodes(), tree.nodes()
    assert isinstance(below.this, Row) and isinstance(above.this, Row)
    below.frame.join(walk, terms.compare(pw.Column(walk, "id"), "=", row_id(below.this)), pw.JOIN.INNER)
    below.frame.join(above.frame.source, terms.compare(pw.Column(walk, "root"), "=", row_id(above.this)), pw.JOIN.INNER)
    if node.distance is not None:       # where it is below the least there can be
        below.where.append(terms.compare(pw.Column(walk, "level"), "<=", expression.value(node.distance, scope).node))
    return below.select([tree.identifier(below.this).node, tree.identifier(above.this).node]).with_cte(walk)

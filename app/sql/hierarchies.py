"""Hierarchies: ancestors, descendants, tree order and subtotals of nodes, by recursive table expressions.

A walk holds row ids of nodes; it ends on cycles because a node joins it once, or at its greatest distance. Data Aggregation
§6; peewee-recipes §7.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import peewee as pw

from app import errors
from app.bind import nodes as bound
from app.sql import expression, members, relations, stages, terms
from app.sql import order as sorting
from app.sql.scope import Build, Operand, Row, Scope
from app.sql.stages import Make, Stage
from app.store import mapping

DEPTH = 300         # levels of a tree that is put in order; the path of a node has eleven digits for each
RANKS = 10_000_000_000

Sequence = Callable[[bound.Apply, Make], Make]


class Tree:
    """The nodes of a hierarchy; every look at them is a row of its own."""

    def __init__(self, hierarchy: bound.RecursiveHierarchy, scope: Scope) -> None:
        self.hierarchy, self.scope, self.build = hierarchy, scope, scope.build

    def nodes(self) -> Stage:
        """All nodes, as the input of a sequence."""
        found = members.members(self.hierarchy.nodes, self.scope)
        if not isinstance(found.member, Row):
            raise errors.NotImplementedByService(feature="A hierarchy of this kind")
        return Stage(self.build, found.frame, found.member, found.where)

    def identifier(self, node: Row) -> Operand:
        """What identifies a node in other data."""
        found = expression.value(self.hierarchy.node, Scope(self.build, node))
        return Operand(found.node, found.type, found.column)

    def parents(self, child: Stage, kind: str = pw.JOIN.INNER) -> Row:
        """The parents of nodes, joined to them."""
        assert isinstance(child.this, Row)
        parent = self.nodes()
        assert isinstance(parent.this, Row)
        tied = self.tied(child.this, parent.this)
        if tied.link is not None:
            child.frame.join(tied.link, terms.all_of(tied.link_on), kind)
        child.frame.join(parent.frame.source, terms.all_of([*tied.on, *parent.where]), kind)
        return parent.this

    def tied(self, child: Row, parent: Row) -> relations.Ties:
        relation = relations.relation_of(self.build, child, self.hierarchy.parent)
        if isinstance(relation, mapping.Unbound) or relation.target != parent.table.id:
            raise errors.NotImplementedByService(feature="A hierarchy whose parents are of another set")
        return relations.ties(self.build, relation, child, parent)

    def among(self, ids: pw.Node) -> Stage:
        """The nodes whose identifiers a query gives."""
        found = self.nodes()
        assert isinstance(found.this, Row)
        found.where.append(pw.NodeList((self.identifier(found.this).node, pw.SQL("IN"), ids), parens=True))
        return found


def row_id(row: Row) -> pw.Node:
    return row.column(row.table.row_id)


def recursive(seed: pw.Select, name: str, columns: tuple[str, ...], step: Callable[[Any], pw.Select], once: bool) -> Any:
    """WITH RECURSIVE: the seed, and what the step adds to it; `once`: equal rows join once."""
    start = seed.cte(name, recursive=True, columns=columns)
    return start.union(step(start)) if once else start.union_all(step(start))


# --- ancestors and descendants ---------------------------------------------------------------------------

def relatives(node: bound.Relatives, make: Make, sequence: Sequence, number: Callable[[Any], pw.Node]) -> Stage:
    """The instances whose nodes are above or below those of the start set (§6.2.1)."""
    stage = make()
    start = sequence(node.start, make)()
    tree, build = Tree(node.hierarchy, stage.scope), stage.build
    given = start.select([stages.group_value(node.property, start).node])
    seeds = tree.among(given)
    assert isinstance(seeds.this, Row)
    level: list[pw.Node] = [] if node.distance is None else [pw.SQL("0")]
    query = seeds.select([row_id(seeds.this), *level])
    if not node.keep_start:
        level = [pw.SQL("1")] if level else []
        query = next_to(tree, node.kind, seeds, lambda row: [row_id(row), *level])
    columns = ("id", "level") if level else ("id",)

    def step(walk: Any) -> pw.Select:
        current = tree.nodes()
        assert isinstance(current.this, Row)
        current.frame.join(walk, terms.compare(pw.Column(walk, "id"), "=", row_id(current.this)), pw.JOIN.INNER)
        further = [terms.compare(pw.Column(walk, "level"), "+", pw.SQL("1"))] if level else []
        if node.distance is not None:
            current.where.append(terms.compare(pw.Column(walk, "level"), "<", number(node.distance)))
        return next_to(tree, node.kind, current, lambda row: [row_id(row), *further])
    walk = recursive(query, build.alias(), columns, step, True)
    found = tree.nodes()
    assert isinstance(found.this, Row)
    found.frame.join(walk, terms.compare(pw.Column(walk, "id"), "=", row_id(found.this)), pw.JOIN.INNER)
    reached = found.select([tree.identifier(found.this).node]).with_cte(walk)
    stage.where.append(terms.among(stages.group_value(node.property, stage).node, reached))
    return stage


def next_to(tree: Tree, kind: str, nodes: Stage, columns: Callable[[Row], list[pw.Node]]) -> pw.Select:
    """The nodes one step above or below."""
    assert isinstance(nodes.this, Row)
    if kind == "ancestors":
        other = tree.parents(nodes)
        return nodes.select(columns(other))
    child = tree.nodes()
    assert isinstance(child.this, Row)
    tied = tree.tied(child.this, nodes.this)
    if tied.link is not None:
        nodes.frame.join(tied.link, terms.all_of(tied.on), pw.JOIN.INNER)
    nodes.frame.join(child.frame.source, terms.all_of([*(tied.link_on or tied.on), *child.where]), pw.JOIN.INNER)
    return nodes.select(columns(child.this))


# --- tree order ------------------------------------------------------------------------------------------

def traverse(node: bound.Traverse, make: Make, sequence: Sequence) -> Stage:
    """The instances in the order of their nodes: parents before or after their children, siblings by `orderby` (§6.2.2)."""
    stage = make()
    tree, build = Tree(node.hierarchy, stage.scope), stage.build
    ranks = ranked(tree, node)

    def digits(rank: pw.Node) -> pw.Node:
        return wide(terms.compare(rank, "+", pw.SQL(str(RANKS))), build)

    first = tree.nodes() if node.start is None else sequence(node.start, tree.nodes)()
    assert isinstance(first.this, Row)
    if node.start is None:                          # the roots
        parent = tree.parents(first, pw.JOIN.LEFT_OUTER)
        first.where.append(terms.is_null(row_id(parent)))
    first.frame.join(ranks, terms.compare(pw.Column(ranks, "id"), "=", row_id(first.this)), pw.JOIN.INNER)
    seed = first.select([row_id(first.this), digits(pw.Column(ranks, "place")), pw.SQL("1")])

    def step(walk: Any) -> pw.Select:
        current = tree.nodes()
        assert isinstance(current.this, Row)
        current.frame.join(walk, terms.compare(pw.Column(walk, "id"), "=", row_id(current.this)), pw.JOIN.INNER)
        current.where.append(terms.compare(pw.Column(walk, "level"), "<", pw.SQL(str(DEPTH))))
        again = ranked(tree, node)

        def columns(child: Row) -> list[pw.Node]:
            current.frame.join(again, terms.compare(pw.Column(again, "id"), "=", row_id(child)), pw.JOIN.INNER)
            path = build.dialect.join_text(pw.Column(walk, "path"), digits(pw.Column(again, "place")))
            return [row_id(child), wide(path, build), terms.compare(pw.Column(walk, "level"), "+", pw.SQL("1"))]
        return next_to(tree, "descendants", current, columns)
    walk = recursive(seed, build.alias(), ("id", "path", "level"), step, False)
    found = tree.nodes()
    assert isinstance(found.this, Row)
    found.frame.join(walk, terms.compare(pw.Column(walk, "id"), "=", row_id(found.this)), pw.JOIN.INNER)
    identifier = tree.identifier(found.this)
    path = pw.Column(walk, "path")
    place = path if node.order == "preorder" else build.dialect.join_text(path, pw.SQL("'9'"))
    ordered = found.select([terms.aliased(identifier.node, "node"), terms.aliased(place, "place")]).with_cte(walk)
    source = stages.derived(ordered, build)
    own = stages.group_value(node.property, stage)
    stage.frame.join(source, terms.compare(pw.Column(source, "node"), "=", own.node), pw.JOIN.INNER)
    stage.order = [(Operand(pw.Column(source, "place"), "Edm.String", nullable=False), False), *stage.order]
    return stage


def ranked(tree: Tree, node: bound.Traverse) -> pw.Select:
    """Every node with its place in the order of siblings."""
    found = tree.nodes()
    assert isinstance(found.this, Row)
    found.order = [(expression.value(each.expression, found.scope), each.descending) for each in node.orderby]
    rank = terms.over(pw.fn.ROW_NUMBER(), [], sorting.sort(found.total_order(), tree.build))
    columns = [terms.aliased(row_id(found.this), "id"), terms.aliased(rank, "place")]
    return stages.derived(found.select(columns), tree.build)


def wide(node: pw.Node, build: Build) -> pw.Node:
    """Text as long as the path of the deepest node: the first row of a recursive expression decides its columns."""
    return pw.Cast(node, f"CHAR({DEPTH * 11})" if build.dialect.name == "mariadb" else "TEXT")


# --- subtotals -------------------------------------------------------------------------------------------

def rolled_up(node: bound.RollupRecursive, stage: Stage, sequence: Sequence, name: str) -> Operand:
    """The node that each instance counts for: its own and all above it, a row each; under `name` for `rollupnode` (§6.3)."""
    tree, build = Tree(node.hierarchy, stage.scope), stage.build
    first = tree.nodes() if node.start is None else sequence(node.start, tree.nodes)()
    assert isinstance(first.this, Row)
    seed = first.select([row_id(first.this), row_id(first.this)])

    def step(walk: Any) -> pw.Select:
        current = tree.nodes()
        assert isinstance(current.this, Row)
        current.frame.join(walk, terms.compare(pw.Column(walk, "id"), "=", row_id(current.this)), pw.JOIN.INNER)
        return next_to(tree, "descendants", current, lambda row: [pw.Column(walk, "root"), row_id(row)])
    walk = recursive(seed, build.alias(), ("root", "id"), step, True)
    below, above = tree.nodes(), tree.nodes()
    assert isinstance(below.this, Row) and isinstance(above.this, Row)
    below.frame.join(walk, terms.compare(pw.Column(walk, "id"), "=", row_id(below.this)), pw.JOIN.INNER)
    below.frame.join(above.frame.source, terms.compare(pw.Column(walk, "root"), "=", row_id(above.this)), pw.JOIN.INNER)
    node_id, own_id = tree.identifier(above.this), tree.identifier(below.this)
    columns = {"node": node_id.node, "below": own_id.node, "row": row_id(above.this)}
    pairs = below.select([terms.aliased(each, alias) for alias, each in columns.items()]).with_cte(walk)
    source = stages.derived(pairs, build)
    own = stages.group_value(node.property, stage)
    stage.frame.join(source, terms.compare(pw.Column(source, "below"), "=", own.node), pw.JOIN.INNER)
    entity = Operand(pw.Column(source, "row"), "@" + above.this.table.id)
    stage.names[name] = relations.entity(stage.frame, entity, name)
    return entity if node.shown.navigation else Operand(pw.Column(source, "node"), own.type, own.column)


def every_node(node: bound.RollupRecursive, stage: Stage, sequence: Sequence) -> Stage:
    """Every node that `rolluprecursive` has a subtotal for, as the groups of a stage: some have no instances (§6.3)."""
    tree = Tree(node.hierarchy, stage.scope)
    found = tree.nodes() if node.start is None else sequence(node.start, tree.nodes)()
    assert isinstance(found.this, Row)
    shown = tree.identifier(found.this)
    if node.shown.navigation:
        shown = Operand(row_id(found.this), "@" + found.this.table.id, nullable=False)
    return Stage(tree.build, found.frame, found.this, found.where, groups={"/".join(node.shown.path): shown})

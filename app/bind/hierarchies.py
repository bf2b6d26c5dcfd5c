"""Recursive hierarchies: what declares them, and the functions of the Aggregation vocabulary about their nodes.

Data Aggregation §5.5.2, §5.5.2.1, §6.3. Raises BindError for a hierarchy that nothing declares and for wrong parameters.
"""

from __future__ import annotations

from collections.abc import Mapping

from app import errors
from app.bind import aggregate, expression, member, nodes
from app.bind.scope import Scope, describe, is_collection
from app.edm import types
from app.edm.index import Model
from app.edm.values import plain
from app.url import nodes as url

VOCABULARY = "Org.OData.Aggregation.V1."
HIERARCHY = VOCABULARY + "RecursiveHierarchy"
ROLLUP_NODE = "@rollupnode"
PAIR = ("HierarchyNodes", "HierarchyQualifier", "Node")
# Function → its parameters beside the hierarchy and the node; the first two of each are needed only of an other node.
FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    "isnode": (), "isroot": (), "isleaf": (), "issibling": ("Other",),
    "isdescendant": ("Ancestor", "MaxDistance", "IncludeSelf"), "isancestor": ("Descendant", "MaxDistance", "IncludeSelf"),
}


def function_name(name: str, model: Model) -> str | None:
    """The name of a function of the vocabulary, by namespace or alias; None for any other name."""
    prefix, _, last = model.full(name).rpartition(".")
    known = prefix + "." == VOCABULARY or prefix == "Aggregation" and prefix not in model.namespaces
    return last if known and (last in FUNCTIONS or last == "rollupnode") else None


def hierarchy(path: url.Path, qualifier: str, scope: Scope) -> nodes.RecursiveHierarchy:
    """The recursive hierarchy that the entity type of the nodes declares under `qualifier` (§5.5.2)."""
    model = scope.model
    found = member.bind_path(path, scope)
    if path.root != "$root" or not is_collection(found):
        raise errors.BindError("A hierarchy is a collection that begins with $root")
    for each in model.lineage(found.type):
        kind = model.structured(each)
        annotation = model.annotation(HIERARCHY, each, kind.annotations if kind else (), qualifier)
        value = plain(annotation.value) if annotation is not None else None
        if isinstance(value, dict):
            inner = scope.inside(found.type)
            node = aggregate.grouping_path(value["NodeProperty"].split("/"), inner)
            parent = aggregate.grouping_path(value["ParentNavigationProperty"].split("/"), inner)
            if isinstance(node, nodes.PropertyPath) and isinstance(parent, nodes.NavigationPath):
                return nodes.RecursiveHierarchy(found, qualifier, node, parent)
    raise errors.BindError(f"{found.type} declares no recursive hierarchy '{qualifier}'")


def call(step: url.NameStep, name: str, scope: Scope) -> nodes.Expression:
    """A call of one of the functions."""
    given = {each.name or "": each.value for each in step.arguments or ()}
    if name == "rollupnode":
        return _rollup_node(given, scope, step.position)
    known = (*PAIR, *FUNCTIONS[name])
    for each in given:
        if each not in known:
            raise errors.BindError(f"{name} has no parameter '{each}'", hint=errors.closest(each, known), position=step.position)
    for each in (*PAIR, *FUNCTIONS[name][:1]):
        if each not in given:
            raise errors.BindError(f"{name} needs the parameter '{each}'", position=step.position)
    of = given["HierarchyNodes"]
    if not isinstance(of, url.Path):
        raise errors.BindError("HierarchyNodes is a collection that begins with $root", position=step.position)
    found = hierarchy(of, _text(given["HierarchyQualifier"], step), scope)
    other = None if not FUNCTIONS[name] else _identifier(given[FUNCTIONS[name][0]], found, scope)
    node = _identifier(given["Node"], found, scope)
    distance = expression.bind_expression(given["MaxDistance"], scope) if "MaxDistance" in given else None
    if distance is not None and distance.type not in types.INTEGERS:
        raise errors.TypeMismatch(reason=f"MaxDistance is an integer, not {describe(distance)}", position=step.position)
    itself = given.get("IncludeSelf")
    if itself is not None and not (isinstance(itself, url.Literal) and itself.kind == "boolean"):
        raise errors.BindError("IncludeSelf is true or false", position=step.position)
    with_self = isinstance(itself, url.Literal) and itself.text == "true"
    if name == "isancestor":            # of a node that descends from it
        assert other is not None
        name, node, other = "isdescendant", other, node
    return nodes.Kinship(name, found, node, other, distance, with_self)


def _text(value: url.Expression, step: url.NameStep) -> str:
    if isinstance(value, url.Literal) and value.kind == "string":
        return value.text
    raise errors.BindError("HierarchyQualifier is a string", position=step.position)


def _identifier(value: url.Expression, of: nodes.RecursiveHierarchy, scope: Scope) -> nodes.Expression:
    """An expression for the identifier of a node."""
    return expression.bind_beside(value, of.node, scope)


def _rollup_node(given: Mapping[str, url.Expression], scope: Scope, position: int) -> nodes.Expression:
    """`rollupnode(Position=n)`: the node that a row of `rolluprecursive` is about (§6.3)."""
    value = given.get("Position")
    text = value.text if isinstance(value, url.Literal) else "1"
    found = scope.names.get(f"{ROLLUP_NODE}{text}")
    if found is None or set(given) - {"Position"}:
        raise errors.BindError("rollupnode stands inside a groupby with rolluprecursive only, its Position is that of one",
                               position=position)
    return found

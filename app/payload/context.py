"""Context URLs: the part behind `#`, out of a bound resource and its options (Protocol §10).

`select_list` is the parenthesised list; its 4.0 and 4.01 forms differ for expanded properties (§10.9).
"""

from __future__ import annotations

from typing import Any

from app.bind import nodes as bound
from app.plan.nested import shown_of_rows

ANY = "@Core.AnyStructure"          # rows that have no property in common (Aggregation §3.1.1)


def select_list(options: bound.Options, version: str) -> str:
    """`(id,process(id))`, or '' when the list says nothing: every property, nothing expanded worth naming."""
    if options.apply is not None and options.apply.row is not None:
        return row_list(options, version)
    names: list[str] = []
    if options.select is None:
        added = () if options.apply is None else options.apply.aliases
        computed = [*(each.name for each in added if each.type.startswith("Edm.")), *(each.name for each in options.compute)]
        names = ["*", *computed] if computed else []
    for item in options.select or ():
        text = "/".join(item.path) if item.kind != "star" else "*"
        nested = select_list(item.options, version) if item.options else ""
        if nested and item.options and item.options.select is not None:
            names.extend(f"{text}/{inner}" for inner in nested[1:-1].split(","))
        else:
            names.append(text)
    for expand in options.expand:
        if expand.suffix or expand.navigation is None:
            continue
        text = "/".join(expand.path) + (f"/{expand.cast}" if expand.cast else "")
        nested = "" if expand.at else select_list(expand.options, version)
        recursive = "+" if expand.levels != 1 else ""
        if nested or version != "4.0":
            names.append(f"{text}{recursive}{nested or '()'}")
    unique = list(dict.fromkeys(names))
    return f"({','.join(unique)})" if unique else ""


def row_list(options: bound.Options, version: str) -> str:
    """`(Customer(Country),Total)`: the properties that every row has, nested as their objects are (Aggregation §3.1.1)."""
    tree: dict[str, Any] = {}
    whole = ""
    for each in shown_of_rows(options):
        if not each.partial and each.path:
            inner = tree
            *above, last = _joined(each.path)
            for step in above:
                below = inner.get(step)
                inner[step] = below if isinstance(below, dict) else {}
                inner = inner[step]
            inner.setdefault(last, "()" if each.navigation and version != "4.0" else "")
        elif not each.path and not each.partial:
            select = options.select and tuple(item for item in options.select if item.kind != "computed")
            whole = select_list(bound.Options(select, options.expand), version)[1:-1] or "*"
    listed = _listed(tree)
    if whole:
        return f"({whole},{listed[1:-1]})" if listed else f"({whole})"
    return listed or f"({ANY})"


def _joined(path: tuple[str, ...]) -> list[str]:
    """The steps of a path, each cast before the property behind it."""
    found: list[str] = []
    for step in path:
        if found and "." in found[-1]:
            found[-1] += "/" + step
        else:
            found.append(step)
    return found


def _listed(tree: dict[str, Any]) -> str:
    names = [name + (_listed(inner) if isinstance(inner, dict) else inner) for name, inner in tree.items()]
    return f"({','.join(names)})" if names else ""


def entities(base: str, type: str, declared: str, options: bound.Options, version: str, *, single: bool,
             cast: bool, source: bool, singleton: bool = False) -> str:
    """The fragment for entities. `base`: set name, singleton name or containment path; `source`: whether the entities
    belong to it (else the type form is used); `cast`: the request path restricted them to `type`."""
    listed = select_list(options, version)
    if not source:
        return f"{type}{listed}" if single else f"Collection({type}){listed}"
    text = base + (f"/{type}" if cast and type != declared else "") + listed
    return text if not single or singleton else text + "/$entity"


def values(type: str, collection: bool, options: bound.Options, version: str) -> str:
    """The fragment for a complex or primitive value that belongs to no entity."""
    name = f"Collection({type})" if collection else type
    return name + select_list(options, version)

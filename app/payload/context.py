"""Context URLs: the part behind `#`, out of a bound resource and its options (Protocol §10).

`select_list` is the parenthesised list; its 4.0 and 4.01 forms differ for expanded properties (§10.9).
"""

from __future__ import annotations

from app.bind import nodes as bound


def select_list(options: bound.Options, version: str) -> str:
    """`(id,process(id))`, or '' when the list says nothing: every property, nothing expanded worth naming."""
    names: list[str] = []
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
        nested = select_list(expand.options, version)
        recursive = "+" if expand.levels != 1 else ""
        if nested or version != "4.0":
            names.append(f"{text}{recursive}{nested or '()'}")
    unique = list(dict.fromkeys(names))
    return f"({','.join(unique)})" if unique else ""


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

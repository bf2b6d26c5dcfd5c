"""Addresses of OData 2.0 → 4.0, and links of 4.0 → 2.0.

Paths keep their segments; keys, `$links`, function imports and query options are rewritten. Raises BindError (400) for
options that OData 2.0 does not know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, unquote_plus

from app.edm import Model
from app.edm.model import EntitySet
from app.errors import BindError, UnknownResource, closest
from app.v2.literals import expression, key_literal, literal, split
from app.v2.view import Import, View

OPTIONS = ("$filter", "$orderby", "$top", "$skip", "$skiptoken", "$select", "$expand", "$inlinecount", "$format")
PAGING = ("$top", "$skip", "$skiptoken")
SEGMENT = re.compile(r"([^(]+)\((.*)\)", re.DOTALL)
SAFE = "/$=()',:*!@-._~"


@dataclass(frozen=True, slots=True)
class Address:
    """A request address as 4.0: `path` and `query` below the root, encoded.

    `last`: the last property or function import name, which wraps a single value. `type`: the entity type that query
    options speak of. `operation`, `arguments`: of a function import that is an action, and the body it gets.
    """

    path: str
    query: str = ""
    last: str = ""
    type: str | None = None
    links: bool = False
    operation: Import | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


def address(view: View, path: str, query: str) -> Address:
    """The 4.0 address that a 2.0 path and query mean."""
    options = dict(_options(query))
    segments = [unquote(each) for each in path.split("/") if each]
    found = view.imports.get(segments[0].partition("(")[0]) if segments else None
    if found is not None and found.name not in view.model.sets:
        return _invocation(view, found, segments[1:], options)
    steps, type, last, links = _path(view.model, segments)
    return Address("/".join(map(_quoted, steps)), _query(view.model, type, options), last, type, links)


def _options(query: str) -> Iterator[tuple[str, str]]:
    for piece in query.split("&"):
        if piece:
            name, _, value = piece.partition("=")
            yield unquote_plus(name), unquote_plus(value)


def _path(model: Model, segments: list[str]) -> tuple[list[str], str | None, str, bool]:
    """(segments of 4.0, type behind them, last name, whether links are meant)."""
    steps: list[str] = []
    current: str | None = None
    last, links = "", False
    for index, segment in enumerate(segments):
        if segment == "$links":
            links = True
            continue
        if segment.startswith("$"):
            steps.append(segment)
            continue
        match = SEGMENT.fullmatch(segment)
        name = match[1] if match is not None else segment
        if index == 0:
            if name not in model.sets:      # 2.0 knows no singletons
                raise UnknownResource(name=name, hint=closest(name, model.sets), target=segment)
            current = model.sets[name].type
        elif current is not None:
            current = _follow(model, current, name)
        last = name
        steps.append(f"{name}({_key(model, current, match[2])})" if match is not None else name)
    if links:
        steps.append("$ref")
    return steps, current, last, links


def _follow(model: Model, type: str, name: str) -> str | None:
    link = model.navigations(type).get(name)
    if link is not None:
        return link.type
    member = model.properties(type).get(name)
    return member.type.name if member is not None else None


def _key(model: Model, type: str | None, text: str) -> str:
    parts = []
    for name, value in split(text):
        wanted = _key_type(model, type, name)
        shown = literal(value, wanted)
        parts.append(shown if name is None else f"{name}={shown}")
    return ",".join(parts)


def _key_type(model: Model, type: str | None, name: str | None) -> str | None:
    if type is None or model.entity_type(type) is None:
        return None
    key = model.key(type)
    path = name if name is not None else key[0].path if len(key) == 1 else None
    member = model.property_at(type, path) if path is not None else None
    return member.type.name if member is not None else None


# --- query options ---------------------------------------------------------------------------------------

def _query(model: Model, type: str | None, options: Mapping[str, str]) -> str:
    found: dict[str, str] = {}
    expanded = _tree(options.get("$expand", ""))
    selected = _tree(options["$select"]) if options.get("$select", "").strip() else None
    for name, value in options.items():
        match name:
            case "$filter" | "$orderby":
                found[name] = expression(value, lambda path: _type_at(model, type, path))
            case "$inlinecount":
                if value not in ("allpages", "none"):
                    raise BindError("$inlinecount is allpages or none", code="invalidOption", target=name)
                if value == "allpages":
                    found["$count"] = "true"
            case "$top" | "$skip" | "$skiptoken":
                found[name] = value
            case "$select" | "$expand" | "$format":
                pass
            case _ if name.startswith("$"):
                near = closest(name, OPTIONS)
                raise BindError(f"OData 2.0 has no option '{name[:60]}'" + (f"; did you mean '{near}'?" if near else ""),
                                code="unknownOption", target=name)
            case _:
                found[name] = value
    found |= dict(_projection(model, type, selected, expanded))
    return "&".join(f"{quote(name, safe='$')}={quote(value, safe=SAFE + ';' if name == '$expand' else SAFE)}"
                    for name, value in found.items())


def _type_at(model: Model, type: str | None, path: str) -> str | None:
    for step in path.split("/"):
        if type is None or model.structured(type) is None:
            return None
        type = _follow(model, type, step)
    return type


Tree = dict[str, "Tree"]


def _tree(text: str) -> Tree:
    """Comma-separated paths as a tree of their steps."""
    root: Tree = {}
    for path in text.split(","):
        level = root
        for step in filter(None, path.strip().split("/")):
            level = level.setdefault(step, {})
    return root


def _projection(model: Model, type: str | None, selected: Tree | None, expanded: Tree) -> Iterator[tuple[str, str]]:
    """The $select and $expand of 4.0 for the paths of 2.0."""
    links = model.navigations(type) if type is not None and model.entity_type(type) is not None else {}
    if selected is not None and "*" not in selected:
        names = [path for name, below in selected.items() if name not in expanded
                 for path in (_paths(name, below) if name not in links else [name])]
        if not names and type is not None:
            names = [ref.path for ref in model.key(type)]
        if names:
            yield "$select", ",".join(names)
    items = []
    for name, below in expanded.items():
        inner = (selected or {}).get(name) or None
        target = links[name].type if name in links else None
        nested = ";".join(f"{option}={value}" for option, value in _projection(model, target, inner, below))
        items.append(f"{name}({nested})" if nested else name)
    if items:
        yield "$expand", ",".join(items)


def _paths(name: str, below: Tree) -> list[str]:
    return [f"{name}/{path}" for step, more in below.items() if step != "*" for path in _paths(step, more)] or [name]


# --- function imports ------------------------------------------------------------------------------------

def _invocation(view: View, found: Import, behind: list[str], options: Mapping[str, str]) -> Address:
    """Arguments come as query options; the key of a bound one too."""
    operation, model = found.operation, view.model
    own = {each.name: each.type.name for each in operation.parameters[operation.bound:]}
    given = {name: value for name, value in options.items() if name in own}
    missing = [name for name in found.keys if name not in options]
    if missing:
        raise BindError(f"'{found.name}' needs the parameter '{missing[0]}'", code="missingParameter", target=missing[0])
    path = found.path
    if found.source is not None:
        key = ",".join(f"{name}={literal(options[name], _key_type(model, found.source.type, name))}" for name in found.keys)
        path = f"{found.source.name}({key})/{found.path}" if found.keys else f"{found.source.name}/{found.path}"
    values = {name: literal(value, own[name]) for name, value in given.items()}
    returns = operation.returns.type.name if operation.returns is not None else None
    rest = {name: value for name, value in options.items() if name not in own and name not in found.keys}
    query = _query(model, returns, rest)
    if found.method == "POST":
        return Address(_quoted(path), "", found.name, returns, False, found,
                       {name: _value(text, own[name]) for name, text in values.items()})
    aliases = [f"@{name}={quote(value, safe=SAFE)}" for name, value in values.items()]
    path += f"({','.join(f'{name}=@{name}' for name in values)})"
    path = "/".join([path, *behind])
    return Address(_quoted(path), "&".join(filter(None, [*aliases, query])), found.name, returns, False, found)


def _value(text: str, type: str) -> Any:
    """A 4.0 literal as JSON."""
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if text in ("true", "false", "null"):
        return json.loads(text)
    if type in ("Edm.Guid", "Edm.DateTimeOffset", "Edm.Date", "Edm.TimeOfDay", "Edm.Int64", "Edm.Decimal"):
        return text
    if text.startswith("binary'"):
        return text[7:-1]
    try:
        return json.loads(text)
    except ValueError:
        return text


def _quoted(text: str) -> str:
    return quote(text, safe="$()',=@:;!*-._~/")


# --- links back ------------------------------------------------------------------------------------------

def entity_uri(model: Model, link: str, root: str, face: str) -> str:
    """An entity-id of 4.0 as the address of the face: `root` of the one, `face` of the other."""
    path = unquote(link.removeprefix(root))
    match = SEGMENT.fullmatch(path)
    source = model.sets.get(match[1]) if match is not None else None
    if match is None or source is None:
        return face + link.removeprefix(root)
    parts = []
    for name, value in split(match[2]):
        shown = key_literal(value, _key_type(model, source.type, name) or "")
        parts.append(shown if name is None else f"{name}={shown}")
    return face + quote(f"{match[1]}({','.join(parts)})", safe="()',=:")


def entity_id(view: View, uri: str, root: str, face: str) -> str:
    """The entity-id of 4.0 that an address of the face means."""
    path = uri.removeprefix(face).lstrip("/") if uri.startswith(face) else uri.removeprefix(root).lstrip("/")
    return root + address(view, path.partition("?")[0], "").path


def next_link(face: str, path: str, query: str, link: str) -> str:
    """The address of the next page: the one that was asked for, with the place where 4.0 goes on."""
    on = {name: value for name, value in parse_qsl(link.partition("?")[2], keep_blank_values=True) if name in PAGING}
    kept = [(name, value) for name, value in _options(query) if name not in PAGING]
    return f"{face}{path}?" + "&".join(f"{quote(name, safe='$')}={quote(value, safe=SAFE)}"
                                       for name, value in (*kept, *on.items()))


def source_of(view: View, path: str) -> EntitySet | None:
    """The set at the start of a 4.0 path."""
    return view.model.sets.get(unquote(path).partition("/")[0].partition("(")[0])

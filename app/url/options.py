"""Query options: their names, values, nesting in parentheses, aliases; and `parse` for a whole request target.

Names in any case, with or without `$`. What an option means and whether it may stand where it stands is the
binder's business; inside parentheses the grammar itself says which options there are.
URL Conventions 4.01 §5; ABNF section 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from app import errors
from app.url.apply import ApplyReader, bounded
from app.url.lexer import DEFAULT_LIMITS, IDENTIFIER, QUALIFIED, Limits, bad_name, decode, reason
from app.url.nodes import (NO_OPTIONS, Alias, AliasDefinition, ComputeItem, ExpandItem, Expression, Literal, Options,
                           OrderItem, Search, SelectItem, Target, Transformation)
from app.url.path import parse_path
from app.url.search import literal_semicolon

_match_digits = re.compile(r"[0-9]++").match
_match_levels = re.compile(r"[1-9][0-9]*+|max", re.IGNORECASE | re.ASCII).match
_match_boolean = re.compile(r"true|false", re.IGNORECASE | re.ASCII).match
_match_index = re.compile(r"-?[0-9]++").match
_match_version = re.compile(r"\*|[-.~0-9A-Za-z_]++").match
_match_rest = re.compile(r".++", re.DOTALL).match
_match_option = re.compile(rf"(?:(?P<dollar>\$)?(?P<name>[A-Za-z_]++)|@(?P<alias>{IDENTIFIER}))=").match
_match_item_step = re.compile(rf"@{QUALIFIED}(?:#{IDENTIFIER})?|{QUALIFIED}(?:\.\*)?|\*|\$(?:value|ref|count)").match
_match_parameters = re.compile(rf"\(({IDENTIFIER}(?:,{IDENTIFIER})*+)\)").match
_identifier = re.compile(IDENTIFIER).fullmatch
_plus_in_media_type = re.compile(r"(?<=[0-9A-Za-z]) (?=[0-9A-Za-z])")

_COUNT = frozenset({"filter", "search"})
_REFERENCE = _COUNT | {"orderby", "skip", "top", "count"}
_SELECT = _REFERENCE | {"compute", "select"}
_EXPAND = _SELECT | {"expand", "levels", "apply", "at", "from", "to", "toinclusive"}


class OptionReader(ApplyReader):
    """The rules of the option values, and of options nested in parentheses."""

    __slots__ = ()

    # --- $select (Part 2 §5.1.4) ---------------------------------------------------------------------

    def select_items(self) -> tuple[SelectItem, ...]:
        """`item,item,…`."""
        items = [self._select_item()]
        while self.separator(","):
            items.append(self._select_item())
        return tuple(items)

    def _select_item(self) -> SelectItem:
        start = self.position
        self.count("items of $select and $expand")
        path = self._item_path("a property, '*' or a qualified name")
        if any(part == "*" or part.endswith(".*") for part in path) and len(path) > 1 or path[-1][0] == "$":
            self.fail("a property path, '*' or a qualified name", start)
        if self.peek() != "(" or path[-1][-1] == "*":
            return SelectItem(path, None, None, start)
        parameters = _match_parameters(self.text, self.position)
        if parameters is not None:
            names = tuple(self.checked(name, parameters.start(1)) for name in parameters[1].split(","))
            self.position = parameters.end()
            return SelectItem(path, names, None, start)
        return SelectItem(path, None, self._nested(_SELECT, "$select", aliases=True), start)

    def _item_path(self, what: str) -> tuple[str, ...]:
        parts: list[str] = []
        while True:
            found = _match_item_step(self.text, self.position)
            if found is None:
                self.fail(what)
            self.position = found.end()
            if not found[0].isascii() or len(found[0]) > 100:
                for name in re.finditer(QUALIFIED, found[0]):
                    self.checked(name[0], found.start() + name.start())
            parts.append(found[0])
            if not self.take("/"):
                return tuple(parts)

    # --- $expand (Part 2 §5.1.3) ---------------------------------------------------------------------

    def expand_items(self) -> tuple[ExpandItem, ...]:
        """`item,item,…`."""
        self.expanding += 1
        if self.expanding > self.limits.expand_depth:
            self.exceed("depth of $expand", self.limits.expand_depth)
        items = [self._expand_item()]
        while self.separator(","):
            items.append(self._expand_item())
        self.expanding -= 1
        return tuple(items)

    def _expand_item(self) -> ExpandItem:
        start = self.position
        self.count("items of $select and $expand")
        path = self._item_path("a navigation property, '*' or '$value'")
        suffix = ""
        if path[-1] in ("$ref", "$count"):
            path, suffix = path[:-1], path[-1]
        if not path or any(part[0] == "$" for part in path) and path != ("$value",) or any(
                part[-1] == "*" and (len(part) > 1 or index < len(path) - 1) for index, part in enumerate(path)):
            self.fail("a navigation property, '*' or '$value'", start)
        if path[-1] == "*" and suffix == "$count":
            self.fail("$ref or ($levels=…) after '*'", start)
        if self.peek() != "(" or path == ("$value",) or path[-1] == "*" and suffix:
            return ExpandItem(path, suffix, None, start)
        if path[-1] == "*":
            options = self._nested(frozenset({"levels"}), "*")
        elif suffix:
            options = self._nested(_REFERENCE if suffix == "$ref" else _COUNT, suffix)
        else:
            options = self._nested(_EXPAND, "$expand", aliases=True)
        return ExpandItem(path, suffix, options, start)

    # --- options in parentheses ----------------------------------------------------------------------

    def _nested(self, allowed: frozenset[str], place: str, *, aliases: bool = False) -> Options:
        """`(name=value;name=value)`, the names out of `allowed`, and aliases where they may be."""
        self.expect("(")
        self.nest()
        values: dict[str, Any] = {}
        texts: list[tuple[str, str]] = []
        definitions: list[AliasDefinition] = []
        if not self.limits.strict:
            self.blanks()
        while True:
            start = self.position
            found = _match_option(self.text, start)
            if found is None:
                self.fail("an option and '='")
            self.position = found.end()
            if found["alias"] is not None:
                name = "@" + self.checked(found["alias"], start + 1)
                if not aliases:
                    raise errors.OptionNotAllowed(name=name, resource=place, position=start)
                value = self.value()
                definitions.append(AliasDefinition(found["alias"], value, self.text[found.end():self.position]))
            else:
                name = self._nested_value(found["name"], found["dollar"] is not None, allowed, place, values)
            texts.append((name, self.text[found.end():self.position]))
            if self.separator(";"):
                continue
            if not self.limits.strict:
                self.blanks()
            if not self.take(")"):
                self.fail("';' or ')'")
            break
        self.level -= 1
        _check_aliases(definitions)
        return Options(aliases=tuple(definitions), texts=tuple(texts), **values)

    def _nested_value(self, written: str, dollar: bool, allowed: frozenset[str], place: str,
                      values: dict[str, Any]) -> str:
        """Read the value of one nested option into `values`; the canonical name of the option."""
        name = written.lower()
        start = self.position - len(written) - 1 - dollar
        option = OPTIONS.get(name)
        if option is None or (name in _DOLLAR_ONLY and not dollar):
            raise errors.UnknownOption(name=written, hint=errors.closest("$" + name, _known(allowed)), position=start)
        if name not in allowed:
            raise errors.OptionNotAllowed(name="$" + name, resource=place, position=start)
        field, read = option
        if field in values:
            self.twice("$" + name, start)
        values[field] = read(self)
        return _canonical(name)

    # --- simple values -------------------------------------------------------------------------------

    def digits(self) -> int:
        """`$top` and `$skip`: digits only."""
        return bounded(self._matched(_match_digits, "a number without sign"))

    def level_count(self) -> int | str:
        """`$levels`: a positive number or `max`."""
        text = self._matched(_match_levels, "a positive number or max")
        return "max" if text[0] in "mM" else bounded(text)

    def boolean(self) -> bool:
        """`$count`: true or false."""
        return self._matched(_match_boolean, "true or false").lower() == "true"

    def index(self) -> int:
        """`$index`: an integer."""
        text = self._matched(_match_index, "an integer")
        return -bounded(text[1:]) if text[0] == "-" else bounded(text)

    def version(self) -> str:
        """`$schemaversion`: `*` or unreserved characters."""
        return self._matched(_match_version, "'*' or a version")

    def rest(self) -> str:
        """`$id`, `$skiptoken`, `$deltatoken`: any text but none."""
        return self._matched(_match_rest, "a value")

    def format(self) -> str:
        """`$format`: `json`, `xml`, `atom` or a media type; a blank inside a name was a plus."""
        return _plus_in_media_type.sub("+", self._matched(_match_rest, "a media type"))

    def _matched(self, match: Callable[[str, int], re.Match[str] | None], what: str) -> str:
        found = match(self.text, self.position)
        if found is None:
            self.fail(what)
        self.position = found.end()
        return found[0]


# Option name without $ -> field of Options, how to read the value.
OPTIONS: dict[str, tuple[str, Callable[[OptionReader], Any]]] = {
    "select": ("select", OptionReader.select_items), "expand": ("expand", OptionReader.expand_items),
    "filter": ("filter", OptionReader.expression), "search": ("search", OptionReader.search),
    "orderby": ("orderby", OptionReader.order_items), "compute": ("compute", OptionReader.compute_items),
    "apply": ("apply", OptionReader.transformations), "top": ("top", OptionReader.digits),
    "skip": ("skip", OptionReader.digits), "count": ("count", OptionReader.boolean),
    "levels": ("levels", OptionReader.level_count), "index": ("index", OptionReader.index),
    "format": ("format", OptionReader.format), "id": ("id", OptionReader.rest),
    "schemaversion": ("schemaversion", OptionReader.version), "skiptoken": ("skiptoken", OptionReader.rest),
    "deltatoken": ("deltatoken", OptionReader.rest), "at": ("at", OptionReader.expression),
    "from": ("from_", OptionReader.expression), "to": ("to", OptionReader.expression),
    "toinclusive": ("to_inclusive", OptionReader.expression),
}
# Spelled with the $ only (ABNF deltatoken, skiptoken; Temporal ABNF).
_DOLLAR_ONLY = frozenset({"skiptoken", "deltatoken", "at", "from", "to", "toinclusive"})
# Known only inside parentheses; without $ a custom option elsewhere.
_NESTED_ONLY = frozenset({"levels"})
_TEMPORAL = frozenset({"at", "from", "to", "toinclusive"})
_OPERATOR_OR_END = "an operator or the end"
_COMMA_OR_END = "',' or the end"
# What could have followed, where the end of a value is not the only thing.
_AFTER = dict.fromkeys(("filter", *_TEMPORAL), _OPERATOR_OR_END) | dict.fromkeys(
    ("select", "expand", "orderby", "compute"), _COMMA_OR_END) | {"apply": "'/' or the end"}


def _canonical(name: str) -> str:
    return "$toInclusive" if name == "toinclusive" else "$" + name


def _known(names: frozenset[str] | dict[str, Any]) -> list[str]:
    return [_canonical(name) for name in names if name not in _TEMPORAL]


def _check_aliases(definitions: list[AliasDefinition]) -> None:
    names: set[str] = set()
    for definition in definitions:
        if definition.name in names:
            raise errors.UrlError(reason=f"the alias @{definition.name} is given twice")
        names.add(definition.name)


def parse(path: str, query: str, limits: Limits = DEFAULT_LIMITS) -> Target:
    """The tree of a request target.

    `path`: raw (still percent-encoded), below the service root; `query`: raw, without `?`. Raises UrlError and its
    like (400) with `target` naming the query option at fault and `position` the offset into its decoded value.
    """
    if len(path) + len(query) > limits.url_length:
        raise errors.LimitExceeded(limit="length of the URL", allowed=limits.url_length, status=414)
    return Target(parse_path(path, limits), parse_options(query, limits))


def parse_options(query: str, limits: Limits = DEFAULT_LIMITS) -> Options:
    """The options of a raw query string (also the body of a `$query` request, Part 2 §4.17)."""
    if not query:
        return NO_OPTIONS
    if "#" in query:
        raise errors.UrlError(reason="'#' in the query must be written %23", position=query.index("#"))
    values: dict[str, Any] = {}
    texts: list[tuple[str, str]] = []
    custom: list[tuple[str, str]] = []
    aliases: list[AliasDefinition] = []
    for part in query.split("&"):
        if not part:
            continue
        raw_name, equals, raw_value = part.partition("=")
        name = decode(raw_name, plus=True)
        key = _system_option(name, bool(equals))
        try:
            text = decode(raw_value, plus=True)
            if key is not None:
                _read_option(key, text, raw_value, values, limits)
                texts.append((_canonical(key), text))
            elif name[:1] == "@":
                aliases.append(_alias(name[1:], text if equals else None, limits))
                texts.append((name, text))
            else:
                custom.append((name, text))
                texts.append((name, text))
        except errors.ODataError as error:
            raise error.with_target(name if key is None else _canonical(key))
    _check_aliases(aliases)
    return Options(aliases=tuple(aliases), custom=tuple(custom), texts=tuple(texts), **values)


def _system_option(name: str, valued: bool) -> str | None:
    """The name without $ in lower case, None for a custom option or an alias."""
    key = name.lower()
    if key[:1] == "$":
        key = key[1:]
        if key not in OPTIONS:
            raise errors.UnknownOption(name=name, hint=errors.closest("$" + key, _known(OPTIONS)), target=name)
    elif key not in OPTIONS or key in _DOLLAR_ONLY or key in _NESTED_ONLY:
        if not key:
            raise errors.UrlError(reason="an option has no name")
        return None
    if not valued:
        raise errors.UrlError(reason=f"the option {name} needs '=' and a value", target=_canonical(key))
    return key


def _read_option(key: str, text: str, raw: str, values: dict[str, Any], limits: Limits) -> None:
    field, read = OPTIONS[key]
    if field in values:
        raise errors.UrlError(reason=f"the option ${key} is given twice")
    reader = OptionReader(text, limits)
    if key == "search":
        if literal_semicolon(raw):
            at = text.index(";")
            raise errors.UrlError(reason=f"';' at position {at} of a search is written %3B", position=at)
        values[field] = reader.search(semicolon=True)
    else:
        values[field] = read(reader)
    reader.finish(_AFTER.get(key, "the end"))


def _alias(name: str, text: str | None, limits: Limits) -> AliasDefinition:
    """An alias; one whose value cannot be read is a fault only where it is used (Part 2 §5.3)."""
    if text is None or _identifier(name) is None or bad_name(name) is not None:
        raise errors.UrlError(reason=f"'@{name}' is not an alias with a value")
    reader = OptionReader(text, limits)
    try:
        value: Expression = reader.value()
        reader.finish(_OPERATOR_OR_END)
    except errors.UrlError as error:
        return AliasDefinition(name, None, text, reason(error))
    return AliasDefinition(name, value, text)


def _whole(text: str, read: Callable[[OptionReader], Any], limits: Limits, after: str = _COMMA_OR_END) -> Any:
    reader = OptionReader(text, limits)
    result = read(reader)
    reader.finish(after)
    return result


def parse_expression(text: str, limits: Limits = DEFAULT_LIMITS) -> Expression:
    """The tree of a decoded expression, as in `$filter` or an alias value."""
    tree: Expression = _whole(text, OptionReader.value, limits, _OPERATOR_OR_END)
    return tree


def parse_orderby(text: str, limits: Limits = DEFAULT_LIMITS) -> tuple[OrderItem, ...]:
    """The items of a decoded `$orderby` value."""
    items: tuple[OrderItem, ...] = _whole(text, OptionReader.order_items, limits)
    return items


def parse_select(text: str, limits: Limits = DEFAULT_LIMITS) -> tuple[SelectItem, ...]:
    """The items of a decoded `$select` value."""
    items: tuple[SelectItem, ...] = _whole(text, OptionReader.select_items, limits)
    return items


def parse_expand(text: str, limits: Limits = DEFAULT_LIMITS) -> tuple[ExpandItem, ...]:
    """The items of a decoded `$expand` value."""
    items: tuple[ExpandItem, ...] = _whole(text, OptionReader.expand_items, limits)
    return items


def parse_compute(text: str, limits: Limits = DEFAULT_LIMITS) -> tuple[ComputeItem, ...]:
    """The items of a decoded `$compute` value."""
    items: tuple[ComputeItem, ...] = _whole(text, OptionReader.compute_items, limits)
    return items


def parse_apply(text: str, limits: Limits = DEFAULT_LIMITS) -> tuple[Transformation, ...]:
    """The sequence of a decoded `$apply` value."""
    items: tuple[Transformation, ...] = _whole(text, OptionReader.transformations, limits, _AFTER["apply"])
    return items


def parse_search(text: str, limits: Limits = DEFAULT_LIMITS) -> Search:
    """The tree of a decoded `$search` value; a semicolon in it counts as one that was escaped."""
    tree: Search = _whole(text, lambda reader: reader.search(semicolon=True), limits, "the end")
    return tree


def parse_key_literal(text: str, limits: Limits = DEFAULT_LIMITS) -> Literal | Alias:
    """The literal (or alias) that a decoded key value is: `1`, `'a'`, a Guid …"""
    tree = _whole(text, OptionReader.operand, limits, "the end")
    if not isinstance(tree, (Literal, Alias)):
        raise errors.UrlError(reason="expected a literal or an @alias at position 0", position=0)
    return tree

"""Context URLs: what the fragment behind `$metadata#` says about a payload.

Bodies carry them (a delta update must, `@odata.context` of a body may); the fragment is read as written, not
percent-decoded. Protocol 4.01 §10; ABNF section 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.url.lexer import (DATE, DATE_TIME_OFFSET, DEFAULT_LIMITS, GUID, IDENTIFIER, NUMBER, QUALIFIED, STRING,
                           TIME_OF_DAY, Limits, Reader)
from app.url.nodes import Argument, Literal, NameStep

_match_name = re.compile(QUALIFIED).match
_match_value = re.compile(rf"(?P<string>{STRING})|(?P<guid>{GUID})|(?P<dateTimeOffset>{DATE_TIME_OFFSET})"
                          rf"|(?P<date>{DATE})|(?P<timeOfDay>{TIME_OF_DAY})"
                          rf"|(?P<number>{NUMBER}|-?INF(?=[,)])|NaN(?=[,)]))"
                          r"|(?P<boolean>true|false)(?=[,)])").match
_match_named = re.compile(rf"({IDENTIFIER})=").match
_match_key_start = re.compile(rf"\((?:['0-9+-]|{GUID}|{IDENTIFIER}=|(?:true|false|INF|NaN)\)/)").match
_match_type = re.compile(rf"Collection\((\$ref|{QUALIFIED})\)").match
_match_item = re.compile(rf"\*|{QUALIFIED}\.\*|(?:@{QUALIFIED}(?:#{IDENTIFIER})?|{QUALIFIED})"
                         rf"(?:/(?:@{QUALIFIED}(?:#{IDENTIFIER})?|{QUALIFIED}))*+").match
_match_suffix = re.compile(r"/\$(entity|delta|deletedEntity|link|deletedLink)\Z").match


@dataclass(frozen=True, slots=True)
class SelectListItem:
    """One item of a select list: a path, `+` of a recursive expand, the nested list (None without)."""

    path: tuple[str, ...]
    recursive: bool = False
    items: tuple[SelectListItem, ...] | None = None


@dataclass(frozen=True, slots=True)
class ContextUrl:
    """A context URL fragment.

    `path`: from the entity set, singleton or type on, key predicates as arguments; empty for references and for
    `$delta` alone. `collection`: `Collection(…)` around a type or reference. `suffix`: '', '$ref', '$entity', '$delta',
    '$deletedEntity', '$link' or '$deletedLink'. `items`: the select list, None without.
    """

    path: tuple[NameStep, ...] = ()
    collection: bool = False
    suffix: str = ""
    items: tuple[SelectListItem, ...] | None = None


def parse_context(text: str, limits: Limits = DEFAULT_LIMITS) -> ContextUrl:
    """The content of a context URL fragment, with or without its `#`; raises UrlError when it is none."""
    text = text.removeprefix("#")
    if text in ("$ref", "$delta"):
        return ContextUrl(suffix=text)
    reader = _ContextReader(text, limits)
    context = reader.context()
    if reader.position < len(text):
        reader.fail("'/', '(' or the end")
    return context


class _ContextReader(Reader):
    """The rules of context URL fragments."""

    __slots__ = ()

    def context(self) -> ContextUrl:
        found = _match_type(self.text, 0)
        if found is not None:
            self.position = found.end()
            if found[1] == "$ref":
                return ContextUrl(collection=True, suffix="$ref")
            return ContextUrl((NameStep(self.checked(found[1], 11)),), True, items=self._items())
        path = self._path()
        items = self._items()
        suffix = _match_suffix(self.text, self.position)
        if suffix is None:
            return ContextUrl(path, items=items)
        if items is not None and suffix[1] not in ("entity", "delta"):
            self.fail("the end")
        self.position = suffix.end()
        return ContextUrl(path, False, "$" + suffix[1], items)

    def _path(self) -> tuple[NameStep, ...]:
        steps: list[NameStep] = []
        while True:
            start = self.position
            found = _match_name(self.text, start)
            if found is None:
                self.fail("a name")
            name = self.checked(found[0], start)
            self.position = found.end()
            keyed = _match_key_start(self.text, self.position) is not None
            steps.append(NameStep(name, self._key() if keyed else None, start))
            if _match_suffix(self.text, self.position) is not None or not self.take("/"):
                return tuple(steps)

    def _key(self) -> tuple[Argument, ...]:
        arguments: list[Argument] = []
        self.position += 1
        while True:
            start = self.position
            named = _match_named(self.text, start)
            if arguments and (named is None or arguments[0].name is None):
                self.fail("name=value for every key property")
            if named is not None:
                self.position = named.end()
            arguments.append(Argument(named[1] if named else None, self._value(), start))
            if self.take(")"):
                return tuple(arguments)
            if not self.take(","):
                self.fail("',' or ')'")

    def _value(self) -> Literal:
        start = self.position
        found = _match_value(self.text, start)
        if found is None or found.lastgroup is None:
            self.fail("a key value")
        self.position = found.end()
        text = found[0][1:-1].replace("''", "'") if found.lastgroup == "string" else found[0]
        return Literal(found.lastgroup, text, None, start)

    def _items(self) -> tuple[SelectListItem, ...] | None:
        """`(item,item,…)`, possibly empty, possibly none."""
        if not self.take("("):
            return None
        self.nest()
        items: list[SelectListItem] = []
        while not self.take(")"):
            if items:
                self.expect(",")
            found = _match_item(self.text, self.position)
            if found is None:
                self.fail("an item of a select list")
            self.position = found.end()
            items.append(SelectListItem(tuple(found[0].split("/")), self.take("+"), self._items()))
        self.level -= 1
        return tuple(items)

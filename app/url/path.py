"""Resource paths: segments between slashes, each with its name and what stands in its parentheses.

The raw path is split before it is decoded, so that `%2F` in a key stays data. A segment whose parentheses cannot be
read may still be a key written as segment: the fault is kept in it and raised by the binder.
URL Conventions 4.01 §4; ABNF section 1.
"""

from __future__ import annotations

import re

from app import errors
from app.url.apply import ApplyReader
from app.url.expression import is_bare_name
from app.url.lexer import DEFAULT_LIMITS, QUALIFIED, Limits, bad_name, decode, reason
from app.url.nodes import Alias, Argument, Expression, Literal, Segment

_match_name = re.compile(rf"{QUALIFIED}|\$[-.~0-9A-Za-z_]++").match
_STRINGS = re.compile(r"'[^']*'")
_match_set = re.compile(QUALIFIED).match
# Neither can be (part of) a key: Part 2 §4.3, ABNF keyPropertyValue.
_NO_KEY = frozenset({"null", "binary", "geography", "geometry"})


def parse_path(raw: str, limits: Limits = DEFAULT_LIMITS) -> tuple[Segment, ...]:
    """The segments of a raw path below the service root; slashes around it are tolerated.

    Raises UrlError for malformed escapes and for a malformed `$filter(…)` or `$crossjoin(…)`.
    """
    raw = raw.strip("/")
    if not raw:
        return ()
    segments = []
    for part in _whole(raw.split("/")):
        try:
            segments.append(_segment(decode(part), limits))
        except errors.ODataError as error:
            raise error.with_target(part)
    return tuple(segments)


def _whole(parts: list[str]) -> list[str]:
    """The parts of a path, the slashes inside `$filter(…)` undone: they can only be those of paths in its expression."""
    if not any(part.startswith("$filter(") for part in parts):
        return parts
    found: list[str] = []
    for part in parts:
        if found and found[-1].startswith("$filter(") and _opened(decode(found[-1])):
            found[-1] += "/" + part
        else:
            found.append(part)
    return found


def _opened(text: str) -> bool:
    """Whether parentheses outside strings, or a string, are not closed."""
    outside = _STRINGS.sub("", text)
    return "'" in outside or outside.count("(") > outside.count(")")


def parse_entity_reference(raw: str, limits: Limits = DEFAULT_LIMITS) -> tuple[Segment, ...]:
    """The segments of an entity-id below the service root, as `@odata.id`, `@odata.bind` and `$id` carry it."""
    segments = parse_path(raw.partition("?")[0], limits)
    for segment in segments:
        if segment.problem is not None:
            raise errors.UrlError(reason=segment.problem, target=segment.text)
    return segments


def _segment(text: str, limits: Limits) -> Segment:
    found = _match_name(text)
    if found is None or bad_name(found[0]) is not None:
        return Segment(text)
    name = found[0]
    if found.end() == len(text):
        return Segment(text, name)
    if text[found.end()] != "(":
        return Segment(text)
    reader = ApplyReader(text, limits)
    reader.position = found.end()
    if name == "$filter":
        predicate = _predicate(reader)
        key = _arguments(reader) if reader.peek() == "(" else None
        if reader.position < len(text):
            reader.fail("'/' or the end")
        return Segment(text, name, key=key, predicate=predicate)
    if name == "$crossjoin":
        return Segment(text, name, _sets(reader))
    try:
        arguments = _arguments(reader)
        key = _arguments(reader) if reader.peek() == "(" else None
        if reader.position < len(text):
            reader.fail("'/' or the end")
    except errors.UrlError as error:
        return Segment(text, name, problem=reason(error))
    return Segment(text, name, arguments, key)


def _predicate(reader: ApplyReader) -> Expression:
    """The expression of `$filter(…)` (Part 2 §4.12)."""
    reader.expect("(")
    reader.blanks()
    predicate = reader.expression()
    reader.blanks()
    reader.expect(")")
    return predicate


def _sets(reader: ApplyReader) -> tuple[Argument, ...]:
    """The entity sets of `$crossjoin(…)` (Part 2 §4.15), as paths of one name."""
    reader.expect("(")
    items: list[Argument] = []
    while True:
        start = reader.position
        item = reader.operand()
        if not is_bare_name(item):
            reader.fail("the name of an entity set", start)
        items.append(Argument(None, item, start))
        if not reader.separator(","):
            break
    reader.expect(")")
    if reader.position < len(reader.text):
        reader.fail("the end")
    return tuple(items)


def _arguments(reader: ApplyReader) -> tuple[Argument, ...]:
    """A key predicate or the parameters of a function: values are literals or aliases (or an enumeration member)."""
    start = reader.position
    arguments = reader.arguments()
    for item in arguments:
        value = item.value
        if not isinstance(value, (Literal, Alias)) and not is_bare_name(value):
            reader.fail("a literal or an @alias", item.position)
        if item.name is None and isinstance(value, Literal) and value.kind in _NO_KEY:
            reader.fail("a literal that can be a key", item.position)
    if len(arguments) == 1 and arguments[0].name is None and reader.limits.strict and (
            arguments[0].position != start + 1 or reader.text[reader.position - 2] in " \t"):
        reader.fail("a key without blanks", start)
    return arguments

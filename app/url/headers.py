"""Header values as the grammar has them: media ranges, preferences, entity tags, and the OData headers.

Readers are forgiving where HTTP asks for it: an item of a list that cannot be read is left out, an unknown
preference stays for the caller to ignore.
Protocol 4.01 §8; ABNF section 8; RFC 9110 §8.8.3 and §12.5.1; RFC 7240.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from app.url.lexer import IDENTIFIER, QUALIFIED

_TOKEN = r"[-!#$%&'*+.^_`|~0-9A-Za-z]++"
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
# A quote that is never closed reaches to the end: one pass, whatever the text.
_ITEM = re.compile(rf"(?:[^,\"]|{_QUOTED}?)++")
_PART = re.compile(rf"(?:[^;\"]|{_QUOTED}?)++")
_MEDIA_RANGE = re.compile(rf"({_TOKEN})/({_TOKEN})")
_PARAMETER = re.compile(rf"({_TOKEN})(?:[ \t]*+=[ \t]*+({_TOKEN}|{_QUOTED}|))?")
_QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?|\.[0-9]{1,3}")
_ETAG = re.compile(r'(?:\A|,)[ \t]*+(W/)?"([^\x00-\x20\x22\x7f]*+)"[ \t]*+(?=,|\Z)')
_ANNOTATIONS = re.compile(rf"-?(?:\*|{QUALIFIED}\.\*|{IDENTIFIER}\.{QUALIFIED})(?:#{IDENTIFIER})?")
PREFIXED = frozenset("odata." + name for name in (
    "allow-entityreferences", "callback", "continue-on-error", "include-annotations", "maxpagesize", "track-changes"))
_ESCAPED = re.compile(r"\\(.)")
MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One range of Accept, or a media type: `type` and `subtype` in lower case ('*' for any), parameter names in
    lower case in the order given, values without quotes, `q` apart from them."""

    type: str
    subtype: str
    parameters: tuple[tuple[str, str], ...] = ()
    q: float = 1.0

    def get(self, name: str) -> str | None:
        """The value of a format parameter, `odata.` before its name or not (Protocol §8.2.1)."""
        for written, value in self.parameters:
            if written.removeprefix("odata.") == name:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Preference:
    """One preference: its name as written in lower case, its value without quotes (None without), its parameters."""

    name: str
    value: str | None = None
    parameters: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class EntityTag:
    """An entity tag: the opaque text between the quotes, and whether it is weak."""

    text: str
    weak: bool = False


def parse_media_ranges(text: str) -> tuple[MediaRange, ...]:
    """The ranges of an Accept value, best first: by quality, then by how specific they are, then as written."""
    ranges = [found for found in map(_media_range, _split(_ITEM, text)) if found is not None]
    return tuple(sorted(ranges, key=_rank))


@lru_cache(256)
def parse_media_type(text: str) -> MediaRange | None:
    """A Content-Type value; None when it is not a media type."""
    found = _media_range(text)
    return None if found is None or "*" in (found.type, found.subtype) else found


def parse_preferences(text: str) -> tuple[Preference, ...]:
    """The preferences of Prefer values joined by commas, in order, whatever their name (RFC 7240 §2)."""
    found: list[Preference] = []
    for item in _split(_ITEM, text):
        parameters = _parameters(_split(_PART, item))
        if parameters:
            (name, value), *rest = parameters
            found.append(Preference(name, value, tuple(rest)))
    return tuple(found)


def names_annotations(text: str) -> bool:
    """Whether a text is a value of `include-annotations`: a list of `*`, `NS.*` and `NS.Term`, each with a qualifier behind it
    or a minus in front where that is meant (Protocol §8.2.8.4)."""
    return all(_ANNOTATIONS.fullmatch(item) for item in text.split(","))


def parse_etags(text: str) -> tuple[EntityTag, ...] | None:
    """The tags of an If-Match or If-None-Match value; None for `*`. What is no tag is left out."""
    if text.strip() == "*":
        return None
    return tuple(EntityTag(found[2], found[1] is not None) for found in _ETAG.finditer(text))


def parse_version(text: str) -> tuple[int, int] | None:
    """An OData-Version or OData-MaxVersion value, `4.01` as (4, 1); None when it is none. `4` is taken for `4.0`, and what
    clients of old write behind a `;` for nothing (ABNF header-odata-version has two numbers)."""
    found = re.fullmatch(r"[ \t]*+0*+([0-9]{1,9})(?:\.([0-9]++))?[ \t]*+(?:;.*+)?", text)
    return None if found is None else (int(found[1]), int((found[2] or "").ljust(2, "0")[:2]))


def parse_number(text: str) -> int | None:
    """A whole number; what Int64 cannot hold is its maximum. None when it is none: other digits than 0 to 9 are no number."""
    if not (text.isascii() and text.isdigit()):
        return None
    return min(int(text), MOST) if len(text) < 20 else MOST


def is_request_id(text: str) -> bool:
    """Whether `text` can be a Content-ID or the id of a request in a batch (ABNF request-id)."""
    return re.fullmatch(r"[-.~0-9A-Za-z_]++", text) is not None


def is_snapshot(text: str) -> bool:
    """Whether an OData-Isolation value asks for snapshot isolation, the only one there is (Protocol §8.2.6)."""
    return text.strip().lower() == "snapshot"


def _split(pattern: re.Pattern[str], text: str) -> list[str]:
    """The items between separators that stand outside quotes, trimmed, empty ones left out."""
    return [item for item in (found.strip() for found in pattern.findall(text)) if item]


def _media_range(text: str) -> MediaRange | None:
    essence, *rest = _split(_PART, text) or [""]
    found = _MEDIA_RANGE.fullmatch(essence)
    if found is None:
        return None
    quality = 1.0
    parameters: list[tuple[str, str]] = []
    for name, value in _parameters(rest):
        if name == "q":
            quality = float(value) if value and _QUALITY.fullmatch(value) else 0.0
        else:
            parameters.append((name, value or ""))
    return MediaRange(found[1].lower(), found[2].lower(), tuple(parameters), quality)


def _parameters(parts: list[str]) -> list[tuple[str, str | None]]:
    """`name=value` or `name`, names in lower case, quotes taken off; what is neither is left out."""
    found = [_PARAMETER.fullmatch(part) for part in parts]
    return [(each[1].lower(), _unquoted(each[2])) for each in found if each is not None]


def _unquoted(text: str | None) -> str | None:
    return _ESCAPED.sub(r"\1", text[1:-1]) if text is not None and text[:1] == '"' else text


def _rank(found: MediaRange) -> tuple[float, int, int]:
    specific = (found.type != "*") + (found.subtype != "*")
    return -found.q, -specific, -len(found.parameters)

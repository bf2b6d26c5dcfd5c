"""Conditional requests: If-Match and If-None-Match against an ETag (Protocol §8.2.4, §8.2.5)."""

from __future__ import annotations

from app.url.headers import parse_etags


def matches(header: str, tag: str | None) -> bool:
    """Whether a header value names the tag; `*` names any that exists. Compared weakly: our tags depend on state alone,
    where OData compares them for If-Match too."""
    if tag is None:
        return False
    wanted = parse_etags(header)
    bare = tag.removeprefix("W/").strip('"')
    return wanted is None or any(each.text == bare for each in wanted)

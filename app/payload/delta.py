"""Deltas: the objects of a delta payload that are not entities, in the forms of both versions.

4.01 says `@removed`, 4.0 a deleted entity with plain `id` and `reason`; links of expanded properties are objects of their
own. JSON Format §15.3, §15.4, §15.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.payload.format import Format


def removed(format: Format, base: str, id: str, key: Mapping[str, Any] | None, reason: str) -> dict[str, Any]:
    """An entity that is no longer there. `base`: what the context names its set; `id`: its absolute URL; `key`: its key
    as JSON, None where its members do not tell the id."""
    context = {format.control("context"): f"#{base}/$deletedEntity"}
    if format.version == "4.0":
        return {**context, "id": id, "reason": reason}
    said = {format.control("id"): id} if key is None or format.metadata == "full" else {}
    return {**(context if format.metadata == "full" else {}), format.control("removed"): {"reason": reason}, **said,
            **(key or {})}


def link(format: Format, base: str, source: str, relationship: str, target: str, there: bool) -> dict[str, Any]:
    """A link that was made or (not `there`) has ended; `source`, `target`: ids relative to the service root."""
    kind = "link" if there else "deletedLink"
    return {format.control("context"): f"#{base}/${kind}", "source": source, "relationship": relationship, "target": target}


def member(format: Format, base: str, made: Mapping[str, Any]) -> dict[str, Any]:
    """An entity of another set than that of the payload."""
    return {format.control("context"): f"#{base}/$entity", **made}

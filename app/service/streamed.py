"""Streams of entities in an answer: their links and types, and the content of those that are expanded.

Two statements for up to 1,000 entities: what is known of their streams, and the content. JSON Format §4.5.12, §9, §10.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.edm import types, vocabularies
from app.errors import LimitExceeded
from app.payload.streams import inline
from app.payload.writer import uri, write_etag
from app.store import streams
from app.store.database import Stream
from app.store.streams import StreamInfo

if TYPE_CHECKING:
    from app.service.rows import Node

BYTES = 16 << 20        # of content in one answer
MEDIA = "$value"


class Streamed:
    """The streams of the entities of one query. Links are written at full metadata, and of streams selected by name."""

    def __init__(self, node: Node) -> None:
        self.node, self.shape, self.model = node, node.shape, node.environment.model
        self.format, self.store = node.format, node.environment.store
        self.inlined = {each.path: each.slot for each in self.shape.inlined}
        self.links = self.format.metadata == "full" or self.format.metadata == "minimal" and bool(self.shape.streams)
        self.needed = self.shape.row is not None and (self.links or bool(self.inlined))

    def attach(self, rows: Sequence[Sequence[Any]], made: Sequence[dict[str, Any]], base: str | Sequence[str],
               view: Stream | None) -> None:
        """Adds to the objects made of `rows` what is to be told of their streams."""
        at = self.shape.row
        assert at is not None
        known = streams.known(self.store, view or self.store, self.shape.table, [row[at] for row in rows])
        wanted = [info for (_, name), info in known.items() if name in self.inlined.values()]
        if sum(each.length for each in wanted) > BYTES:
            raise LimitExceeded(limit="content of expanded streams", allowed=f"{BYTES} bytes", target="$expand")
        content = streams.contents(self.store, view or self.store, wanted) if wanted else {}
        paths = self.node.paths(rows, base) if self.links else [""] * len(rows)
        for row, target, path in zip(rows, made, paths, strict=True):
            type = self.node.writer.type_of(row)
            for names in self._streams(type):
                info = known.get((row[at], "/".join(names)))
                holder = self._holder(target, names)
                if holder is not None:
                    self._tell(holder, names, info, path, type)
                    if names in self.inlined:
                        self._put(holder, names[-1], info, content)
            if self.inlined and self.format.version == "4.0":       # navigation properties come last (JSON Format §4.4)
                links = self.model.navigations(type)
                for name in [each for each in target if each.partition("@")[0] in links]:
                    target[name] = target.pop(name)

    def _streams(self, type: str) -> list[tuple[str, ...]]:
        """The streams of a type that are to be told of: the media stream, stream properties, those expanded."""
        found: list[tuple[str, ...]] = []
        if self.links and self.format.metadata == "full" and self.model.has_stream(type):
            found.append((MEDIA,))
        for name, member in self.model.properties(type).items():
            if self.links and member.type.name == "Edm.Stream" and not member.type.collection and (
                    self.shape.streams is None or name in self.shape.streams):
                found.append((name,))
        has = {**self.model.properties(type), **({MEDIA: None} if self.model.has_stream(type) else {})}
        return found + [path for path in self.inlined if path not in found and path[0] in has]

    @staticmethod
    def _holder(target: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any] | None:
        found: Any = target
        for name in names[:-1]:
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else None

    def _tell(self, holder: dict[str, Any], names: tuple[str, ...], info: StreamInfo | None, path: str, type: str) -> None:
        """Links, content type and ETag of one stream."""
        owner = "" if names == (MEDIA,) else names[-1]
        if self.links:
            root = self.node.root
            declared = self.model.properties(self.node.writer.table.type)
            cast = f"/{type}" if owner and names[0] not in declared else ""
            url = f"{root}{path}{uri(cast + '/' + '/'.join(names))}"
            if owner == "" or not vocabularies.read_only(self.model, type, self.model.properties(type).get(names[0])):
                holder[self.format.control("mediaEditLink", owner)] = url
            holder[self.format.control("mediaReadLink", owner)] = url
        if info is not None and self.format.metadata != "none":
            holder[self.format.control("mediaContentType", owner)] = info.content_type
            holder[self.format.control("mediaEtag", owner)] = write_etag(info.version)

    @staticmethod
    def _put(holder: dict[str, Any], name: str, info: StreamInfo | None, content: dict[int, bytes]) -> None:
        if info is None:
            holder[name] = None
        elif name == MEDIA:
            holder[name] = types.write_binary(content[info.id])
        else:
            holder[name] = inline(info.content_type, content[info.id])

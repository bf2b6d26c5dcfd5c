"""Responses as values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Response:
    """One answer: `body` is bytes, or an iterator of bytes that owns a connection; `close` is called once when the body
    was sent or the client went away. Header names are written as they go out."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Iterator[bytes] = b""
    close: Callable[[], None] | None = None

    @property
    def streamed(self) -> bool:
        """Whether the body comes in pieces, of which no length is known before."""
        return not isinstance(self.body, bytes)

    def read(self) -> bytes:
        """The whole body; closes a streamed one."""
        if isinstance(self.body, bytes):
            return self.body
        try:
            return b"".join(self.body)
        finally:
            self.discard()

    def discard(self) -> None:
        """Give back what a streamed body holds, however much of it was read."""
        end = getattr(self.body, "close", None)
        if end is not None:
            end()
        if self.close:
            self.close()

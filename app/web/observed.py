"""What was asked and how it went: one `Observation` for each request, told to observers when its answer has ended.

An observer is a function of one observation; `create_app(observers=…)` takes them, `ODATA_LOG` has one that writes a line.
It runs in the request's thread, after the last byte: what it raises goes to the log and changes nothing.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from app.service.response import Response

LOG = logging.getLogger("odata")


@dataclass(frozen=True, slots=True)
class Observation:
    """One request. `target`: path and query as they were sent. `peer`: the address it came from. `seconds`: from the first
    look at it to the end of the answer. `size`: bytes of the body as it went out. `complete`: False where the answer broke
    off or the client went away. `request_id`: that of an error answer, as in its body."""

    method: str
    target: str
    peer: str
    status: int
    seconds: float
    size: int
    complete: bool
    request_id: str | None


Observer = Callable[[Observation], None]


class Watch:
    """A request under observation."""

    __slots__ = ("_began", "_method", "_observers", "_peer", "_target")

    def __init__(self, observers: Sequence[Observer], method: str, target: str, peer: str) -> None:
        self._observers, self._method, self._target, self._peer = observers, method, target, peer
        self._began = time.perf_counter()

    def follow(self, response: Response) -> None:
        """Tell the observers now, or of a streamed answer at its end."""
        if isinstance(response.body, bytes):
            self.tell(response, len(response.body), True)
            return
        chunks, closing = _Counted(response.body), response.close

        def close() -> None:
            try:
                if closing:
                    closing()
            finally:
                self.tell(response, chunks.size, chunks.complete)
        response.body, response.close = chunks, close

    def tell(self, response: Response, size: int, complete: bool) -> None:
        """Hand the observation to every observer."""
        seen = Observation(self._method, self._target, self._peer, response.status, time.perf_counter() - self._began, size,
                           complete, response.headers.get("request-id"))
        for observer in self._observers:
            try:
                observer(seen)
            except Exception:
                LOG.exception("an observer failed")


class _Counted:
    """Chunks, counted as they pass."""

    __slots__ = ("_chunks", "complete", "size")

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.size, self.complete = 0, False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            chunk = next(self._chunks)
        except StopIteration:
            self.complete = True
            raise
        self.size += len(chunk)
        return chunk

    def close(self) -> None:
        end = cast("Callable[[], None] | None", getattr(self._chunks, "close", None))
        if end is not None:
            end()


# --- the observers that settings name ------------------------------------------------------------

def text_line(seen: Observation) -> str:
    """An observation for reading."""
    broken = "" if seen.complete else " (broken off)"
    id = f" {seen.request_id}" if seen.request_id else ""
    return f"{seen.peer or '-'} {seen.method} {seen.target} {seen.status} {seen.size} B {seen.seconds * 1000:.1f} ms{id}{broken}"


def json_line(seen: Observation) -> str:
    """An observation for programs, with the instant of the answer's end."""
    return json.dumps({
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"), "peer": seen.peer,
        "method": seen.method, "target": seen.target, "status": seen.status, "size": seen.size,
        "milliseconds": round(seen.seconds * 1000, 3), "complete": seen.complete, "request-id": seen.request_id})


LINES = {"text": text_line, "json": json_line}


def logged(form: str) -> tuple[Observer, ...]:
    """The observer that writes a line of `form` to standard error; none for an empty form."""
    if not form:
        return ()
    line = LINES[form]

    def write(seen: Observation) -> None:
        text = line(seen)
        sys.stderr.write(text if text.isprintable() else ascii(text)[1:-1])
        sys.stderr.write("\n")
        sys.stderr.flush()
    return (write,)

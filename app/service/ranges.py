"""Ranges of bytes: what a `Range` header asks of a stream, and the parts that answer several (RFC 9110 §14)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

MOST = 20       # more ranges than this are answered with the whole
_SPAN = re.compile(r"(\d*)-(\d*)")

Span = tuple[int, int]


def spans(text: str, length: int) -> list[Span] | None:
    """The ranges asked for that the stream has, ends excluded; [] where it has none of them; None for the whole: of a header in
    another unit, of no valid form, with too many ranges, or with ranges that overlap."""
    unit, equals, listed = text.strip().partition("=")
    if unit.strip().lower() != "bytes" or not equals:
        return None
    found = []
    parts = [part.strip() for part in listed.split(",") if part.strip()]
    for part in parts:
        match = _SPAN.fullmatch(part)
        if match is None or not (match[1] or match[2]) or len(part) > 40:
            return None
        if not match[1]:
            start, end = max(0, length - int(match[2])), length
        else:
            start, end = int(match[1]), min(length, int(match[2]) + 1) if match[2] else length
            if match[2] and int(match[2]) < start:
                return None
        if start < end:
            found.append((start, end))
    ordered = sorted(found)
    if not parts or len(parts) > MOST or any(after[0] < before[1] for before, after in zip(ordered, ordered[1:])):
        return None
    return found


def heads(found: Sequence[Span], kind: str, length: int, boundary: str) -> list[bytes]:
    """What stands in front of each part of a multipart/byteranges body, and behind the last."""
    lines = [f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: bytes {start}-{end - 1}/{length}\r\n\r\n".encode()
             for start, end in found]
    return [lines[0], *(b"\r\n" + line for line in lines[1:]), f"\r\n--{boundary}--\r\n".encode()]


def body(found: Sequence[Span], between: Sequence[bytes], read: Callable[[int, int], Iterator[bytes]]) -> Iterator[bytes]:
    """The body of several ranges."""
    for head, (start, end) in zip(between, found):
        yield head
        yield from read(start, end)
    yield between[-1]

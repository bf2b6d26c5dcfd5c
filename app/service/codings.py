"""Codings of bodies: gzip and deflate undone while a body is read (RFC 9110 §8.4)."""

from __future__ import annotations

import io
import zlib
from typing import Any, BinaryIO, cast

from app.errors import BodyError, PayloadTooLarge, UnsupportedMediaType

WINDOW = {"gzip": 31, "deflate": 15}


def decoded(body: BinaryIO, encoding: str, limit: int) -> BinaryIO:
    """A body as what it stands for under its Content-Encoding. Reading it raises BodyError where it is not in that coding,
    PayloadTooLarge where it grows beyond `limit`, UnsupportedMediaType for a coding that is not understood."""
    for name in reversed([part.strip().lower() for part in encoding.split(",")]):
        window = WINDOW.get(name.removeprefix("x-"))
        if window is not None:
            body = cast("BinaryIO", io.BufferedReader(Inflated(body, window, limit)))
        elif name not in ("", "identity"):
            body = cast("BinaryIO", io.BufferedReader(Uncodable(name)))
    return body


class Inflated(io.RawIOBase):
    """A gzip or deflate body as the bytes it stands for; it may grow up to `limit` (RFC 9110 §8.4.1)."""

    def __init__(self, coded: BinaryIO, window: int, limit: int) -> None:
        self._coded = coded
        self._coder = zlib.decompressobj(window)
        self._limit = self._room = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = b""
        while not data and not self._coder.eof:
            coded = self._coder.unconsumed_tail or self._coded.read(65536)
            try:
                data = self._coder.decompress(coded, len(buffer))
            except zlib.error:
                raise BodyError(reason="it is not in the coding that Content-Encoding names") from None
            if not coded and not data:
                raise BodyError(reason="it ends before its Content-Encoding does")
        self._room -= len(data)
        if self._room < 0:
            raise PayloadTooLarge(allowed=self._limit)
        buffer[:len(data)] = data
        return len(data)


class Uncodable(io.RawIOBase):
    """A body in a coding that is not understood: reading it is 415 (RFC 9110 §8.4)."""

    def __init__(self, name: str) -> None:
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        raise UnsupportedMediaType(f"A body with Content-Encoding '{self._name}' cannot be read here", target="Content-Encoding",
                                   headers={"Accept-Encoding": ", ".join(WINDOW)})

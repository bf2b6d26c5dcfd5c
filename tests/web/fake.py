"""A service of canned answers, to look at the web floor alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.service.request import Request
from app.service.response import Response
from app.service.settings import Settings

JSON = {"Content-Type": "application/json;odata.metadata=minimal", "OData-Version": "4.0"}


def settings(**values: Any) -> Settings:
    return Settings(model=Path("model.xml"), database="sqlite:///:memory:", **values)


class FakeService:
    """Answers by path; keeps the requests it got and counts the streams it opened and closed."""

    namespace = "fake"

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.opened = self.closed = 0

    def handle(self, request: Request) -> Response:
        self.requests.append(request)
        match request.path:
            case "large":
                return Response(200, dict(JSON), b"[" + b'"row",' * 2000 + b"0]")
            case "empty":
                return Response(204, {"OData-Version": "4.0"})
            case "strong":
                return Response(200, {**JSON, "ETag": '"a"'}, b"x" * 2000)
            case "binary":
                return Response(200, {"Content-Type": "image/png"}, b"x" * 2000)
            case "stream":
                return self.stream(self.chunks(5))
            case "broken":
                return self.stream(self.chunks(2, fail=True))
            case "endless":
                return self.stream(self.chunks(10**9))
            case "body":
                return Response(200, dict(JSON), request.body.read() if request.body else b"none")
            case _:
                return Response(200, dict(JSON), b'{"value":[]}')

    def stream(self, chunks: Iterator[bytes]) -> Response:
        self.opened += 1
        return Response(200, dict(JSON), chunks, self.count_closed)

    def count_closed(self) -> None:
        self.closed += 1

    @staticmethod
    def chunks(number: int, fail: bool = False) -> Iterator[bytes]:
        for at in range(number):
            yield b"%04d" % (at % 10000) * 25_000
        if fail:
            raise RuntimeError("the database went away")

"""Stories: rows of requests that change data, sent one after the other to one service.

A row is (section, request line, body, status, what comes back, headers to send, headers that come back); a body of bytes is
sent as it is. The answer is compared as `exchange.differences` says.
"""

from __future__ import annotations

import json
from typing import Any

from tests.protocol.exchange import Client, Exchange

ANY = {"If-Match": "*"}
SHOWN = {"Prefer": "return=representation"}
MINIMAL = {"Prefer": "return=minimal"}
V401 = {"OData-MaxVersion": "4.01"}
GOING_ON = {"Prefer": "continue-on-error", **V401}
JSON = "application/json"


def tell(client: Client, story: list[tuple[Any, ...]]) -> None:
    """Sends every row of a story; fails at the first that is answered otherwise."""
    for section, request, body, status, *rest in story:
        answer, sent, headers = (*rest, *(..., {}, {})[len(rest):])
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = {"Content-Type": JSON, **sent} if content else dict(sent)
        Exchange(section, request, status, answer, headers, given, content).check(client)


def error(code: str, target: Any = ...) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"code": code} if target is ... else {"code": code, "target": target}}

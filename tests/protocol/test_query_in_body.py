"""`POST path/$query`: the query part travels in the body (URL Conventions §4.17)."""

from __future__ import annotations

import re

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ROOT, Exchange, rows

TEXT = {"Content-Type": "text/plain"}


def query(request: str, content: bytes, status: int | tuple[int, ...] = 200, body: object = ..., sent: dict[str, str] | None = None,
          headers: dict[str, object] | None = None) -> Exchange:
    return Exchange("U 4.17", f"POST {request}", status, body, headers or {}, TEXT if sent is None else sent, content)


QUERIES = [
    query("Products/$query", b"$filter=ID%20eq%201&$select=ID", 200, {"value": [{"ID": 1}]}),
    query("Products/$query", b"$filter=ID%20eq%202&$select=ID", 200, {"value": [{"ID": 2}]}),                # not the answer of before
    query("Products/$query?$select=ID", b"$filter=ID%20eq%203", 200, {"value": [{"ID": 3}]}),
    query("Products/$query?$select=ID", b"$filter=Name%20eq%20%27Ch%2561i%27", 200, {"value": []}),          # decoded once
    query("Products/$query", b"select=ID&top=1", 200, {"value": [{"ID": 1}]}),
    query("Products/$query?$top=1&$select=ID", b"", 200, {"value": [{"ID": 1}]}),
    query("Products/$query", b"$filter=Name eq 'Chai'&$select=ID", 200, {"value": [{"ID": 1}]}),
    query("Products/$query", b"$filter=Name%20in%20@n&@n=%5B%22Chai%22%5D&$select=ID", 200, {"value": [{"ID": 1}]}),
    query("Products(1)/$query", b"$select=ID", 200, {"@odata.context": ROOT + "$metadata#Products(ID)/$entity"}),
    query("Products(1)/Tags/$query", b"$orderby=Name&$select=Name", 200, {"value": [{"Name": "new"}, {"Name": "vegan"}]}),
    query("Products/$count/$query", b"$filter=Discontinued", 200, "3"),
    query("Products/$query", b"$select=ID&$top=1&$format=application/json;odata.metadata=none", 200, {"value": [{"ID": 1}]}),
    query("Products/$query", b"$select=ID&$top=1", 200, {"value": [{"ID": 1}]}, {"Content-Type": "text/plain;charset=utf-8"}),
    query("Products/$query", b"$select=ID", 200, {"@odata.nextLink": re.compile(r"/Products\?\$select=ID&\$skiptoken=")}, TEXT | {"Prefer": "maxpagesize=1"}),
    query("Products/$query?$filter=ID eq 2", b"$filter=ID%20eq%202", 400),
    query("Products/$query", b"$filter=", 400),
    query("Products/$query", b"$filter=Nix%20eq%201", 400, {"error": {"code": "unknownProperty", "target": "$filter"}}),
    query("Products/$query", "$filter=Name eq 'é'".encode(), 400),
    query("Products/$query", b'{"$top":1}', 415, sent={"Content-Type": "application/json"}),
    Exchange("U 4.17", "GET Products/$query", 405, headers={"Allow": "POST"}),
    Exchange("U 4.17", "PATCH Products(1)/$query", 405, headers={"Allow": "POST"}, sent=TEXT, content=b"{}"),
]


@rows(QUERIES)
def test_queries(exchange: Exchange, clients: Clients) -> None:
    """Twice: the same URL with another body is another request."""
    exchange.check(clients[exchange.model])
    query("Products/$query", b"$top=0", 200, {"value": []}).check(clients["northwind"])
    exchange.check(clients[exchange.model])

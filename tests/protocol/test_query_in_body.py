"""`POST path/$query`: the query part travels in the body (URL Conventions §4.17)."""

from __future__ import annotations

import re

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ROOT, Exchange, rows

TEXT = {"Content-Type": "text/plain"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


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
    query("Products/$query", b"$filter=Name+eq+%27Chai%27&$select=ID", 200, {"value": [{"ID": 1}]}, FORM),
    query("Products/$query?$top=1", b"%24select=ID", 200, {"value": [{"ID": 1}]}, FORM),
    query("Products/$query", '{"$filter":"Name ne \'é&+%\' and ID lt 3","$select":"ID","$top":1,"$count":true}'.encode(), 200, {"@odata.count": 2, "value": [{"ID": 1}]}, JSON),
    query("Products/$query", b'{"$filter":"Name in @n","$select":"ID","@n":"[\\"Chai\\"]"}', 200, {"value": [{"ID": 1}]}, JSON),
    query("Products/$query?$top=1&$select=ID", b"", 200, {"value": [{"ID": 1}]}, JSON),
    query("Products/$query", b'{"$filter":{"ID":1}}', 400, {"error": {"message": re.compile("JSON object of query options")}}, JSON),
    query("Products/$query", b'["$top=1"]', 400, sent=JSON),
    query("Products/$query", b'{"$top":1,"$top":1}', 400, {"error": {"code": "duplicateMember"}}, JSON),
    query("Products/$query", b"<top>1</top>", 415, sent={"Content-Type": "application/xml"}),
    Exchange("U 4.17", "GET Products/$query", 405, headers={"Allow": "POST"}),
    Exchange("U 4.17", "PATCH Products(1)/$query", 405, headers={"Allow": "POST"}, sent=TEXT, content=b"{}"),
]


@rows(QUERIES)
def test_queries(exchange: Exchange, clients: Clients) -> None:
    """Twice: the same URL with another body is another request."""
    exchange.check(clients[exchange.model])
    query("Products/$query", b"$top=0", 200, {"value": []}).check(clients["northwind"])
    exchange.check(clients[exchange.model])

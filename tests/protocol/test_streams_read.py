"""Streams that are read: media entities, stream properties, their links, and their content inside JSON.

JSON Format §4.5.12, §9, §10; Protocol §11.2.3, §11.2.5.2; URL Conventions §4.14, §5.1.3.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.service import streamed
from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Exchange, Only, rows

META = ROOT + "$metadata#"
CONTEXT, ETAG, ID = "@odata.context", "@odata.etag", "@odata.id"
FULL = {"Accept": "application/json;odata.metadata=full"}
NONE = {"Accept": "application/json;odata.metadata=none"}
MODERN = {"OData-MaxVersion": "4.01", "Accept": "application/json;metadata=minimal"}
TAG = re.compile('^W/"')


def at(spec: str, target: str, status: int | tuple[int, ...] = 200, body: Any = ..., headers: dict[str, Any] | None = None,
       **more: Any) -> Exchange:
    return Exchange(spec, target, status, body, headers or {}, model="workshop", **more)


CONTENT = [
    at("U 4.14", "Drawings(1)/$value", 200, b"<svg>", {"Content-Type": "image/svg+xml", "ETag": TAG}),
    at("U 4.14", "Drawings(3)/$value", 204, None),
    at("U 4.14", "Drawings(9)/$value", 404),
    at("U 4.14", "Tools('saw')/$value", 400),
    at("P 11.2.3", "Drawings(1)/Tool/$value", 400),
    at("P 11.2.3", "Orders(1)/Follows/$value", 404),
    at("J 9", "Tools('saw')/Manual", 200, b"<html>", {"Content-Type": "text/html"}),
    at("J 9", "Tools('file')/Manual", 204, None),
    at("U 4.7", "Tools('saw')/Manual/$value", 400),
    at("P 11.2.3", "Drawings(2)/Tool/Manual", 404),
]

LINKS = [
    at("J 9", "Tools('saw')", 200, {"Manual": ABSENT, "Manual@odata.mediaReadLink": ABSENT}),
    at("J 4.5.12", "Tools('saw')?$select=Code,Manual", 200, {
        "Manual": ABSENT, "Manual@odata.mediaReadLink": f"{ROOT}Tools('saw')/Manual", "Manual@odata.mediaEditLink": f"{ROOT}Tools('saw')/Manual",
        "Manual@odata.mediaContentType": "text/html", "Manual@odata.mediaEtag": TAG, "Sketch@odata.mediaReadLink": ABSENT}),
    at("J 4.5.12", "Tools('saw')?$select=Manual", 200, {"Manual@mediaReadLink": str, "Manual@mediaContentType": "text/html", "Manual@mediaEtag": TAG}, sent=MODERN),
    at("J 4.5.12", "Tools('file')", 200, {"Sketch@odata.mediaReadLink": f"{ROOT}Tools('file')/Sketch", "Sketch@odata.mediaContentType": "image/png",
                                          "Manual@odata.mediaReadLink": str, "Manual@odata.mediaContentType": ABSENT}, sent=FULL),
    at("J 10", "Drawings(1)", 200, {"@odata.mediaReadLink": ABSENT, "@odata.mediaContentType": ABSENT, "$value": ABSENT}),
    at("J 10", "Drawings", 200, {"value": [
        {"@odata.mediaReadLink": f"{ROOT}Drawings(1)/$value", "@odata.mediaEditLink": f"{ROOT}Drawings(1)/$value", "@odata.mediaContentType": "image/svg+xml", "@odata.mediaEtag": TAG},
        {"@odata.mediaContentType": "text/csv"}, {"@odata.mediaReadLink": str, "@odata.mediaContentType": ABSENT}]}, sent=FULL),
    at("J 3.1.3", "Drawings(1)", 200, {"@odata.mediaReadLink": ABSENT, "ID": 1}, sent=NONE),
    at("J 10", "Drawings?$expand=Tool($select=Manual)&$filter=ID eq 1", 200, {"value": [{"Tool": {"Manual@odata.mediaContentType": "text/html", "Manual": ABSENT}}]}),
    Exchange("J 4.5.12", "incomingFlowRuns?$top=1", 200, {"value": [{"extractedData@odata.mediaReadLink": str, "extractedData@odata.mediaEditLink": ABSENT}]}, sent=FULL, model="industryData"),
]

INLINE = [
    at("J 9", "Tools('saw')?$expand=Manual&$select=Code", 200, Only({
        CONTEXT: META + "Tools(Code)/$entity", ETAG: str, "Code": "saw", "Manual@odata.mediaContentType": "text/html", "Manual@odata.mediaEtag": TAG, "Manual": "<html>"})),
    at("J 9", "Tools('saw')?$expand=Sketch,Manual", 200, {"Sketch": {"lines": [1, 2]}, "Sketch@odata.mediaContentType": "application/json", "Manual": "<html>", "Names": list}),
    at("J 9", "Tools?$expand=Sketch&$select=Code", 200, {"value": [{"Sketch": {"lines": [1, 2]}}, {"Sketch": "iVBORw==", "Sketch@odata.mediaContentType": "image/png"},
                                                                   {"Code": "drill", "Sketch": None, "Sketch@odata.mediaContentType": ABSENT}, {"Sketch": None}]}),
    at("J 9", "Tools('saw')?$expand=Manual", 200, {"Manual": "<html>", "Manual@mediaContentType": "text/html"}, sent=MODERN),
    at("J 9", "Tools('saw')?$expand=Manual&$select=Code", 200, Only(Code="saw", Manual="<html>"), sent=NONE),
    at("J 9", "Tools('saw')?$expand=Manual", 200, {"Manual": "<html>", "Manual@odata.mediaReadLink": str, "Sketch@odata.mediaReadLink": str, "Sketch": ABSENT}, sent=FULL),
    at("J 9", "Makers?$expand=Tools($expand=Manual;$select=Code;$orderby=Code)", 200, {"value": [{"Tools": [{"Code": "file", "Manual": None}, {"Manual": "<html>"}]}, {}]}),
    at("J 10", "Drawings?$expand=$value&$select=ID", 200, {"value": [
        {"$value": "PHN2Zz4=", "@odata.mediaContentType": "image/svg+xml", "@odata.mediaEtag": TAG}, {"$value": "YSxiCg=="}, {"ID": 3, "$value": None}]}),
    at("J 10", "Drawings(2)?$expand=$value,Tool", 200, {"$value": "YSxiCg==", "@odata.mediaContentType": "text/csv", "Tool": None}),
    at("J 10", "Tools('vice')?$expand=*", 200, {"Manual": ABSENT, "Maker": None}),
    at("U 5.1.3", "Tools?$expand=$value", 400),
    at("U 5.1.3", "Tools('saw')?$expand=Manual($select=x)", 400),
    at("U 5.1.3", "Tools('saw')?$expand=Manual,Manual", 400),
    at("U 5.1.3", "Tools('saw')?$expand=Code", 400),
]


SAW, FILE = (Only({ID: f"{ROOT}Tools('{code}')"}) for code in ("saw", "file"))
AUTOMATIC = [
    at("V Core.AutoExpand", "Orders(1)", 200, {CONTEXT: META + "Orders/$entity", "Maker": {"Founded": 1902}, "Tools": [SAW, FILE], "Follows": None, "Note": "hurry", "$value": ABSENT}),
    at("V Core.AutoExpand", "Orders(1)?$select=No", 200, {CONTEXT: META + "Orders(No)/$entity", "Maker": {"Founded": 1902}, "Note": "hurry"}),
    at("V Core.AutoExpand", "Orders?$orderby=No desc", 200, {"value": [{"No": 2, "Follows": {"No": 1, "Maker": {}, "Tools": [SAW, FILE], "Follows": ABSENT, "Note": "hurry"}, "Note": None}, {}]}),
    at("V Core.AutoExpand", "Orders(1)?$expand=Maker/$ref,Tools($select=Code)", 200, {"Maker": Only({ID: f"{ROOT}Makers('acme')"}), "Tools": [{"Code": "saw"}, {"Code": "file"}]}),
    at("V Core.AutoExpand", "Orders(2)?$expand=Follows($select=No;$expand=Follows)", 200, {"Follows": {"No": 1, "Maker": {}, "Follows": None}}),
    at("V Core.AutoExpand", "Orders(1)", 200, {"@context": META + "Orders(Maker(),Follows(Maker()))/$entity"}, sent=MODERN),
    at("V Core.AutoExpand", "Orders(1)?$expand=$value", 200, {"$value": "JVBERg==", "Note": "hurry"}),
    at("V Core.AutoExpand", "Orders(2)/Follows", 200, {"No": 1, "Maker": {}, "Note": "hurry"}),
    at("V Core.AutoExpand", "Orders/$count", 200, "2"),
    at("V Core.AutoExpand", "Orders/$ref", 200, {"value": [Only({ID: f"{ROOT}Orders(1)"}), {}]}),
]


@rows(AUTOMATIC)
def test_what_expands_itself(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(CONTENT)
def test_content(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(LINKS)
def test_links(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(INLINE)
def test_inline(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


def test_statements(clients: Clients) -> None:
    """However many entities: what is known of their streams, and the content (DESIGN §3)."""
    client = clients["workshop"]
    client.send("GET Tools?$expand=Manual,Sketch")
    with client.statements() as seen:
        client.handled("GET", "Tools?$expand=Manual,Sketch", {})
    assert len(seen) == 3


def test_what_one_answer_may_hold(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content is inlined up to a limit that the error names (DESIGN §9)."""
    monkeypatch.setattr(streamed, "BYTES", 8)
    answer = clients["workshop"].send("GET Tools?$expand=Sketch&$select=Code")
    assert answer.status == 400 and answer.json["error"]["code"] == "limitExceeded"

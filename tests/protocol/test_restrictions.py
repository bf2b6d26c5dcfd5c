"""What the Capabilities annotations of a set refuse, a read is refused (Capabilities vocabulary; conformance V-Cap)."""

from __future__ import annotations

import re
from typing import Any

from tests.protocol.conftest import Clients
from tests.protocol.exchange import Exchange, rows


def read(spec: str, target: str, status: int = 200, code: str | None = None, option: str | None = None, says: str | None = None) -> Exchange:
    wanted: dict[str, Any] = {}
    if code is not None:
        wanted["code"] = code
    if option is not None:
        wanted["target"] = option
    if says is not None:
        wanted["message"] = re.compile(says)
    return Exchange(spec, target, status, {"error": wanted} if status != 200 else ..., model="restricted")


RULES = [
    read("V-Cap", "Free?$filter=Name eq 'a'&$orderby=Size desc,Name&$top=1&$skip=0&$count=true&$expand=Next"),
    read("V-Cap-15", "Unread", 405, "methodNotAllowed", says="Unread"), read("V-Cap-15", "Unread(1)"), read("V-Cap-15", "Unread/$count", 405), read("V-Cap-15", "Unread(1)/Name"),
    read("V-Cap-03", "Unfiltered"), read("V-Cap-03", "Unfiltered?$filter=ID eq 1", 400, "notFilterable", "$filter"), read("V-Cap-03", "Unfiltered/$count?$filter=ID eq 1", 400, "notFilterable", "$filter"),
    read("V-Cap-03", "Filtered", 400, "filterRequired", "$filter"), read("V-Cap-03", "Filtered(1)"), read("V-Cap-03", "Filtered?$filter=ID eq 1", 400, "filterRequired", "$filter", "Size"),
    read("V-Cap-03", "Filtered?$filter=Size gt 1"), read("V-Cap-03", "Filtered?$filter=Size gt 1 and contains(Name,'b')", 400, "notFilterable", "$filter", "Name"),
    read("V-Cap-03", "Filtered?$filter=Size gt 1 and Next/Name eq 'b'"), read("V-Cap-05", "Unsorted?$orderby=ID", 400, "notSortable", "$orderby"), read("V-Cap-05", "Unsorted"),
    read("V-Cap-05", "Sorted?$orderby=ID"), read("V-Cap-05", "Sorted?$orderby=ID desc", 400, "notSortable", "$orderby", "ID"), read("V-Cap-05", "Sorted?$orderby=Size desc"),
    read("V-Cap-05", "Sorted?$orderby=ID,Size", 400, "notSortable", "$orderby", "Size"), read("V-Cap-05", "Sorted?$orderby=length(Name)", 400, "notSortable", "$orderby", "Name"),
    read("V-Cap-06", "Sorted?$expand=Next", 400, "notExpandable", "$expand", "Next"), read("V-Cap-06", "Sorted?$expand=*"), read("V-Cap-06", "Uncounted?$expand=Next", 400, "notExpandable", "$expand"),
    read("V-Cap-06", "Unsorted?$expand=Next"), read("V-Cap-06", "Unsorted?$expand=Next($expand=Next)", 400, "limitExceeded", "$expand"), read("V-Cap-06", "Unsorted?$expand=Next($levels=3)", 400, "limitExceeded", "$expand"),
    read("V-Cap-06", "Free?$expand=Next($expand=Next)"), read("V-Cap-09", "Uncounted?$count=true", 400, "notCountable", "$count"), read("V-Cap-09", "Uncounted/$count", 400, "notCountable"), read("V-Cap-09", "Uncounted?$count=false"),
    read("V-Cap-10", "Uncounted?$top=1", 400, "optionNotSupported", "$top"), read("V-Cap-10", "Uncounted?$skip=1", 400, "optionNotSupported", "$skip"), read("V-Cap-07", "Uncounted?$search=a", 400, "notSearchable", "$search"),
    Exchange("V-Cap-05", "Categories?$orderby=Picture", 400, {"error": {"code": "notSortable"}}), Exchange("V-Cap-03", "Categories?$filter=Picture ne null", 400, {"error": {"code": "notFilterable"}}),
]


@rows(RULES)
def test_restrictions(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])

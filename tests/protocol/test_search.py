"""`$search`: over the one index table, the same hits on every store, kept by every write (URL Conventions §5.1.8)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from app.store.search import words
from tests.protocol.conftest import Clients
from tests.protocol.exchange import Client

WORDS = [
    # text                                words
    ("", []),
    ("  !! ", []),
    ("Soft drinks, coffees", ["soft", "drinks", "coffees"]),
    ("O'Fallon/Évora «north» 100 %", ["o", "fallon", "évora", "north", "100"]),
    ("snake_case-kebab", ["snake", "case", "kebab"]),
    ("ﬁne Ⅸ ½", ["fine", "ix", "1", "2"]),
    ("ΑΣ İ ß", ["ασ", "i", "ß"]),
    ("日本 go", ["日本", "go"]),
]


@pytest.mark.parametrize(("text", "found"), WORDS, ids=[row[0] or "nothing" for row in WORDS])
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


CATEGORIES = [
    # spec         $search                                  keys
    ("P 11.2.6.6", "coffees", [1]),
    ("P 11.2.6.6", "COFFEES", [1]),
    ("P 11.2.6.6", "coffee", []),
    ("P 11.2.6.6", "and", [1, 3, 5]),
    ("P 11.2.6.6", "sweet sauces", [2]),
    ("P 11.2.6.6", "sweet AND sauces", [2]),
    ("P 11.2.6.6", "beers OR relishes", [1, 2]),
    ("P 11.2.6.6", "beers OR relishes AND nothing", [1]),
    ("P 11.2.6.6", "(beers OR relishes) AND nothing", []),
    ("P 11.2.6.6", "NOT beers AND beverages", []),
    ("U 5.1.8", '"soft drinks"', [1]),
    ("U 5.1.8", '"drinks soft"', []),
    ("U 5.1.8", '"beverages soft"', []),       # a phrase does not run from one property into the next
    ("U 5.1.8", '"ales" NOT "soft teas"', [1]),
    ("U 5.1.8.1", "'sav'", [2]),
    ("U 5.1.8.1", "'savouries'", []),
    ("P 11.2.6.6", '"!!"', []),
]


@pytest.mark.parametrize(("spec", "search", "keys"), CATEGORIES, ids=[row[1] for row in CATEGORIES])
def test_hits(spec: str, search: str, keys: list[int], clients: Clients) -> None:
    client = clients["northwind"]
    target = f"Categories?$search={quote(search)}&$select=ID&$count=true"
    answer = client.get(target)
    found = [each["ID"] for each in answer["value"]]
    assert (found, answer["@odata.count"]) == (keys, len(keys)), spec
    assert client.send(f"Categories/$count?$search={quote(search)}").text == str(len(keys))


def whole(client: Client, target: str, size: int) -> list[Any]:
    """What all pages of a size hold."""
    pages = client.pages(target, {"Prefer": f"odata.maxpagesize={size}"})
    return [each for page in pages for each in page["value"]]


SORTED = ["Name desc", "length(Description) desc,ID", "ID desc", "Products/$count desc,Name"]


@pytest.mark.parametrize("order", SORTED)
@pytest.mark.parametrize(("spec", "search", "keys"), CATEGORIES, ids=[row[1] for row in CATEGORIES])
def test_hits_in_another_order(spec: str, search: str, keys: list[int], order: str, clients: Clients) -> None:
    """P 11.2.6.6: pages of the hits, in whatever order: each hit once, as `$filter` by their keys finds them."""
    client, wanted = clients["northwind"], ",".join(map(str, keys))
    shape = f"$orderby={quote(order)}&$select=ID,Name&$expand=Products($select=ID;$orderby=ID;$top=1)"
    same = client.get(f"Categories?$filter=ID in ({wanted or 0})&{shape}".replace(" ", "%20"))["value"]
    assert whole(client, f"Categories?$search={quote(search)}&{shape}", 1) == same, spec
    assert client.get(f"Categories?$search={quote(search)}&{shape}&$skip=1&$top=2")["value"] == same[1:3]
    both = client.get(f"Categories?$search={quote(search)}&$filter=ID%20lt%203&{shape}&$top=5")["value"]
    assert both == [each for each in same if each["ID"] < 3]


def test_a_word_that_a_row_has_often_finds_it_once(private: Callable[..., Client]) -> None:
    """P 11.2.6.6: in every order, in pages, and with further words."""
    client, keys = private("northwind"), []
    for at in range(5):
        body = {"Name": f"Echo echo {at % 3}", "Description": "echo and again echo" if at % 2 else "an echo"}
        made = client.send("POST Categories", {"Content-Type": "application/json"}, json.dumps(body).encode())
        keys.append(made.json["ID"])
    for search in ("echo", "echo OR echo", "echo echo", "NOT zebra echo", "'ech'", '"echo echo"', "echo an OR echo again"):
        assert client.send(f"Categories/$count?$search={quote(search)}").text == "5"
        for order in ("ID", "ID desc", "Name", "Name desc,ID desc", "Description,ID"):
            for size in (1, 2, 5):
                found = whole(client, f"Categories?$search={quote(search)}&$select=ID&$orderby={quote(order)}", size)
                assert sorted(each["ID"] for each in found) == keys, (search, order, size)


def test_search_meets_filter_expand_and_count(clients: Clients) -> None:
    """P 11.2.6.6: an intersection with `$filter`; U 4.8: inside a count; U 5.1.3: of an expanded collection."""
    client = clients["industryData"]
    assert client.get("incomingFlowRuns?$search=cobalt&$filter=status%20eq%20'failed'&$count=true&$top=0")["@odata.count"] <= 8
    flows = client.get("incomingFlows?$filter=runs/$count($search=cobalt)%20gt%200&$select=displayName"
                       "&$expand=runs($search=cobalt%20NOT%2014;$top=2;$select=displayName)")["value"]
    assert len(flows) == 1 and len(flows[0]["runs"]) == 2
    assert all("14:00" not in run["displayName"] for run in flows[0]["runs"])


def test_paths_of_searchable_documents(clients: Clients) -> None:
    """Store.Searchable names members of complex values too."""
    found = clients["industryData"].get("incomingFlowRuns?$search=%22did%20not%20answer%22&$select=status&$top=1")["value"]
    assert found and found[0]["status"] == "failed"


def test_writes_keep_the_index(private: Callable[..., Client]) -> None:
    """What was searched once is found, or no longer, right after every write; a refused write changes nothing."""
    client = private("industryData")
    run = "incomingFlowRuns/7dc5465f-29d6-5a79-b375-6b65b8cec57e"
    json_type = {"Content-Type": "application/json"}

    def hits(word: str) -> int:
        return int(client.send(f"incomingFlowRuns/$count?$search={word}").text)

    def send(line: str, body: Any = None) -> int:
        return client.send(line, json_type, b"" if body is None else json.dumps(body).encode()).status

    assert hits("zebra") == 0 and hits("sis") > 0
    before = hits("sis")
    assert send(f"PATCH {run}", {"displayName": "Zebra crossing", "status": "completed"}) == 200
    assert (hits("zebra"), hits("sis")) == (1, before - 1)
    assert send(f"PATCH {run}", {"displayName": "Quagga", "status": "running"}) == 409
    assert (hits("zebra"), hits("quagga")) == (1, 0)
    assert send(f"DELETE {run}") == 204
    assert hits("zebra") == 0

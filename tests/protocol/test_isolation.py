"""Isolation: snapshot, one point in time for requests, batches and their pages (P 8.2.6)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.protocol.batches import answers, send_multipart
from tests.protocol.exchange import ROOT, Answer, Client, split

SNAPSHOT = {"odata-isolation": "snapshot"}
JSON = {"Content-Type": "application/json"}


def once(client: Client, query: str, headers: dict[str, str]) -> Answer:
    """The answer to a GET that is sent once: what it says of the present changes."""
    answer = client.handled("GET", split(query)[1], headers)
    assert answer.status == 200, answer.text
    return answer


def patch(client: Client, path: str, **values: Any) -> None:
    answer = client.send(f"PATCH {path}", {**JSON, "If-Match": "*"}, json.dumps(values).encode())
    assert answer.status < 300, answer.text


def meanwhile(client: Client, word: str, work: Callable[[], None]) -> None:
    """`work` is done by somebody else as soon as a statement with this word is about to run for the second time."""
    left = [2]

    def seen(text: str) -> None:
        if word in text and threading.current_thread() is main:
            left[0] -= 1
            if left[0] == 0:
                other = threading.Thread(target=work)
                other.start()
                other.join(20)
    main = threading.current_thread()
    client.service.store.on_statement = seen


PAGED = [
    ("Products?$select=ID&$orderby=Category/Name,ID", "Categories(6)"), ("Products/$ref", "Products(9)"),
    ("Products?$select=ID&$expand=Tags($select=Name)&$filter=Category/ID lt 3", "Products(1)"),
    ("Products?$apply=groupby((CategoryID))", "Products(1)"), ("Categories(1)/Products?$select=ID", "Products(2)")]


@pytest.mark.parametrize(("query", "changed"), PAGED)
@pytest.mark.parametrize("name", ["isolation", "odata-isolation"])
def test_pages(private: Callable[..., Client], query: str, changed: str, name: str) -> None:
    """Pages are of one point in time, or gone; what they are not read from may change."""
    client = private("northwind", page_size=2)
    whole = [page["value"] for page in client.pages(query)]
    first = once(client, query, {name: "snapshot"})
    link = first.json["@odata.nextLink"].removeprefix(ROOT)
    second = once(client, link, {})
    assert [first.json["value"], second.json["value"]] == whole[:2]
    if "$apply" not in query:
        patch(client, "Employees(1)", FirstName="North")
        assert once(client, link, {}).json["value"] == second.json["value"]
    patch(client, changed, Name="Other")
    gone = client.send(link)
    assert (gone.status, gone.json["error"]["code"]) == (410, "snapshotGone")
    assert client.send(client.get(query)["@odata.nextLink"].removeprefix(ROOT)).status == 200


def test_pages_of_related_entities(private: Callable[..., Client]) -> None:
    """The next link of an expanded collection is in the snapshot too."""
    client = private("northwind", page_size=1)
    body = once(client, "Products(1)?$expand=Tags", SNAPSHOT).json
    link = body["Tags@odata.nextLink"].removeprefix(ROOT)
    once(client, link, {})
    patch(client, "Tags('gift')", Color="#000000")
    assert client.send(link).status == 410


def test_one_request(private: Callable[..., Client]) -> None:
    """What a long answer is read from while others write; in chunks of 1,000 it is one view just the same."""
    client = private("northwind", page_size=0)
    expected = client.get("Products?$expand=Reviews,Tags")
    meanwhile(client, "FROM", lambda: patch(client, "Tags('new')", Color="#000000"))
    assert once(client, "Products?$expand=Reviews,Tags", SNAPSHOT).json["value"] == expected["value"]


@pytest.mark.parametrize("headers", [SNAPSHOT, {}])
def test_reads_of_a_batch(private: Callable[..., Client], headers: dict[str, str]) -> None:
    """All parts see what the first one saw; without the header they see what there is."""
    client = private("northwind")
    meanwhile(client, '"Tags"' if client.service.store.dialect.name != "mariadb" else "`Tags`",
              lambda: patch(client, "Tags('new')", Color="#000000"))
    got = answers(send_multipart(client, ["GET Tags('new')?$select=Color", "GET Tags('new')?$select=Name,Color"], headers))
    colors = [one.json["Color"] for one in got]
    assert colors == ["#00ff00", "#00ff00" if headers else "#000000"]


def test_changes_of_a_batch(private: Callable[..., Client]) -> None:
    """Parts see what the batch itself changed; what fails is undone alone; others' changes are not seen."""
    client = private("northwind")
    if client.service.store.dialect.name != "sqlite":       # which lets one write at a time
        meanwhile(client, "Categories", lambda: patch(client, "Categories(6)", Name="Late"))
    items = ["GET Categories(6)?$select=Name", 'PATCH Tags(\'new\') {"Color":"#111111"}', 'PATCH Tags(\'sale\') {"Colour":"x"}',
             ['PATCH Tags(\'gift\') {"Color":"#222222"}', 'PATCH Tags(\'vegan\') {"Colour":"x"}'],
             "GET Tags?$select=Name,Color&$filter=Name in ('new','gift')", "GET Categories(6)?$select=Name,ID"]
    got = answers(send_multipart(client, items, {**SNAPSHOT, "Prefer": "continue-on-error"}))
    assert [one.status for one in got] == [200, 204, 400, 400, 200, 200]
    gift = next(each for each in client.get("Tags")["value"] if each["Name"] == "gift")
    assert {each["Name"]: each["Color"] for each in got[4].json["value"]} == {"new": "#111111", "gift": gift["Color"]}
    assert got[0].json["Name"] == got[5].json["Name"] == "Empty"
    assert client.get("Tags('new')")["Color"] == "#111111"


def test_a_change(private: Callable[..., Client]) -> None:
    """A single change under isolation, and what it answers."""
    client = private("northwind")
    answer = client.send("PATCH Tags('new')", {**SNAPSHOT, **JSON, "If-Match": "*", "Prefer": "return=representation"},
                         b'{"Color":"#111111"}')
    assert (answer.status, answer.json["Color"]) == (200, "#111111")


def test_it_is_announced(clients: Any) -> None:
    """Capabilities.IsolationSupported."""
    assert 'IsolationSupported" EnumMember="Capabilities.IsolationLevel/Snapshot"' in clients["northwind"].send("$metadata").text

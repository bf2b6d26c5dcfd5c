"""Asynchronous requests: jobs, their monitors, their results, cancelling, and workers that die (P 11.6, 8.2.8.8, 13.1.1)."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.service import jobs
from app.service.access import Principal
from app.service.request import Request
from app.store import jobs as stored
from app.store import schema
from tests.protocol.exchange import ROOT, Answer, Client, split

JSON = {"content-type": "application/json"}
LATER = {"prefer": "respond-async"}
MODERN = {"odata-maxversion": "4.01"}
TAG = b'{"Name":"async"}'
COUNT = 'SELECT COUNT(*) FROM odata_jobs'


def send(client: Client, line: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
    """One request, sent once: a job is not to be made twice."""
    return client.handled(*split(line), headers or {}, body)


def submitted(client: Client, line: str, headers: dict[str, str] | None = None, body: bytes = b"") -> str:
    """The monitor of a request that is to be answered later, below the root."""
    answer = send(client, line, {**LATER, **(headers or {})}, body)
    assert answer.status == 202, answer.text
    assert answer.body == b"" and answer.headers["preference-applied"].split(", ")[0] == "respond-async"
    assert answer.headers["retry-after"].isdigit()
    assert answer.headers["location"].startswith(ROOT + "-/async/")
    return answer.headers["location"].removeprefix(ROOT)


def work(client: Client) -> int:
    return jobs.work(client.service, jobs.me())


# --- results ---------------------------------------------------------------------------------------------

RESULTS = [
    ("P 11.6 a read", "GET Tags('new')", {}, b"", 200, '"Name":"new"'),
    ("P 11.6 an error", "GET Tags('nobody')", {}, b"", 404, '"error"'),
    ("P 11.6 a URL that is none", "GET Tags?$filter=(((", {}, b"", 400, '"error"'),
    ("P 11.6 create", "POST Tags", JSON, TAG, 201, '"Name":"async"'),
    ("P 11.6 create, minimal", "POST Tags", {**JSON, "prefer": "respond-async, return=minimal"}, TAG, 204, ""),
    ("P 11.6 change", "PATCH Tags('new')", JSON, b'{"Color":"#000000"}', 204, ""),
    ("P 11.6 delete", "DELETE Tags('new')", {}, b"", 204, ""),
    ("P 11.6 a body that is none", "POST Tags", JSON, b"{", 400, '"error"'),
    ("P 8.2.8.8 a batch", "POST $batch", JSON, json.dumps({"requests": [
        {"id": "1", "method": "post", "url": "Tags", "headers": JSON, "body": {"Name": "async"}},
        {"id": "2", "method": "post", "url": "Tags", "headers": JSON, "body": {"Name": "new"}},
        {"id": "3", "method": "get", "url": "Tags/$count"}]}).encode(), 200, '"status":409'),
]


@pytest.mark.parametrize(("line", "headers", "body", "status", "text"), [row[1:] for row in RESULTS], ids=[row[0] for row in RESULTS])
def test_results(private: Callable[..., Client], line: str, headers: dict[str, str], body: bytes, status: int, text: str) -> None:
    """P 11.6-03 to -05: 202 until it is done; then the result, unwrapped or as an HTTP message."""
    client = private("northwind")
    monitor = submitted(client, line, headers, body)
    waiting = client.send(monitor)
    assert waiting.status == 202 and waiting.headers["location"] == ROOT + monitor
    assert work(client) == 1
    for sent in (MODERN, {"accept": "application/json"}, {**MODERN, "accept": "*/*"}):
        answer = client.send(monitor, sent)
        assert (answer.status, answer.headers["asyncresult"]) == (200, str(status)), answer.text
        assert text in answer.text and bool(text) == bool(answer.body)
    for sent in ({}, {"accept": "application/http"}, {**MODERN, "accept": "application/http"}):
        answer = client.send(monitor, sent)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/http")
        assert "asyncresult" not in answer.headers
        head, _, content = answer.text.partition("\r\n\r\n")
        assert head.startswith(f"HTTP/1.1 {status} ") and "OData-Version: 4.0" in head and text in content
    if status == 201:
        assert client.send(monitor, MODERN).headers["location"] == ROOT + "Tags('async')"
        assert client.get("Tags('async')")["Name"] == "async"
    if status == 200 and body:
        assert client.get("Tags('async')")["Name"] == "async"


def test_a_batch_undoes_what_fails(private: Callable[..., Client]) -> None:
    """P 11.7.5: inside an asynchronous batch too each request is a transaction of its own."""
    client = private("northwind")
    requests = [{"id": "1", "method": "post", "url": "Products", "headers": JSON,
                 "body": {"ID": 70, "Tags": [{"Name": "fresh", "Color": "#111111"}, {"Name": "new", "Color": "#222222"}]}},
                {"id": "2", "method": "post", "url": "Tags", "headers": JSON, "body": {"Name": "kept"}},
                {"id": "3", "atomicityGroup": "g", "method": "post", "url": "Tags", "headers": JSON, "body": {"Name": "undone"}},
                {"id": "4", "atomicityGroup": "g", "method": "post", "url": "Tags", "headers": JSON, "body": {"Name": "new"}}]
    monitor = submitted(client, "POST $batch", JSON, json.dumps({"requests": requests}).encode())
    assert work(client) == 1
    answers = client.send(monitor, MODERN).json["responses"]
    assert [each["status"] for each in answers] == [409, 201, 424, 409]
    names = [each["Name"] for each in client.get("Tags?$select=Name")["value"]]
    assert "kept" in names and not {"fresh", "undone"} & set(names)


def test_a_long_result(private: Callable[..., Client]) -> None:
    """A result of many chunks comes back whole; a body of many chunks goes in whole."""
    client = private("northwind")
    text = "ä" * 700_000
    monitor = submitted(client, "PATCH Categories(1)", JSON, json.dumps({"Description": text}).encode())
    assert work(client) == 1 and client.send(monitor, MODERN).headers["asyncresult"] == "204"
    monitor = submitted(client, "GET Categories?$select=Description")
    assert work(client) == 1
    assert client.send(monitor, MODERN).json["value"][0]["Description"] == text
    assert text in client.send(monitor).text


# --- monitors --------------------------------------------------------------------------------------------

def test_only_when_asked(private: Callable[..., Client]) -> None:
    """P 11.6-01, 8.2.8-02: no 202 without the preference, which has no prefix."""
    client = private("northwind")
    for prefer in ("odata.respond-async", "respond-sync", "wait=5", 'x="respond-async"'):
        assert send(client, "GET Tags", {"prefer": prefer}).status == 200
    assert client.service.store.run(COUNT) == [(0,)]


def test_cancelling(private: Callable[..., Client]) -> None:
    """P 11.6-06: a cancelled request has no effect; its monitor is gone."""
    client = private("northwind")
    monitor = submitted(client, "POST Tags", JSON, TAG)
    assert send(client, "DELETE " + monitor).status == 204
    assert work(client) == 0
    assert client.send(monitor).status == 404 and client.send("Tags('async')").status == 404
    monitor = submitted(client, "POST Tags", JSON, TAG)
    claimed = stored.claim(client.service.store, "slow", jobs.now(), jobs.LEASE)
    assert claimed is not None and client.send(monitor).status == 202
    assert send(client, "DELETE " + monitor).status == 204
    jobs.carry_out(client.service, claimed, "slow")         # the worker is at it already, and cannot finish
    assert client.send("Tags('async')").status == 404
    assert client.service.store.run(COUNT) == [(0,)]


def test_other_methods_and_other_ids(private: Callable[..., Client]) -> None:
    client = private("northwind")
    monitor = submitted(client, "GET Tags")
    answer = send(client, "POST " + monitor, JSON, b"{}")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, DELETE")
    assert client.send("HEAD " + monitor).status == 202
    assert client.send("-/async/nothing").status == 404


def test_who_may_look(private: Callable[..., Client]) -> None:
    """Only the principal that sent the request sees its monitor; the request runs as that one."""
    client = private("northwind")
    service = client.service
    anna, bob = Principal("anna", roles=frozenset({"r"})), Principal("bob")
    headers = {**LATER, "authorization": "Bearer secret", "cookie": "c=1", **JSON}
    from io import BytesIO
    response = jobs.submit(service, Request("POST", "Tags", "", headers, BytesIO(TAG), ROOT), anna)
    monitor = response.headers["Location"].removeprefix(ROOT)
    assert work(client) == 1
    assert jobs.monitor(service, Request("GET", monitor, root=ROOT), anna).status == 200
    assert client.send(monitor).status == 404
    with pytest.raises(Exception, match="no such asynchronous request"):
        jobs.monitor(service, Request("GET", monitor, root=ROOT), bob)
    assert service.store.run("SELECT principal FROM odata_changes") == [("anna",)]
    assert "secret" not in str(service.store.run("SELECT * FROM odata_jobs"))


def test_retention(private: Callable[..., Client]) -> None:
    """P 11.6-07: what was kept long enough is 404."""
    client = private("northwind")
    monitor = submitted(client, "GET Tags")
    work(client)
    assert jobs.purge(client.service) == 0 and client.send(monitor, MODERN).status == 200
    assert stored.purge(client.service.store, jobs.now() + 1) == 1
    assert client.send(monitor, MODERN).status == 404
    assert client.service.store.run("SELECT COUNT(*) FROM odata_streams WHERE source = 'odata_jobs'") == [(0,)]


def test_wait(private: Callable[..., Client]) -> None:
    """P 8.2.8.10: what is done within that time is answered at once."""
    client = private("northwind")
    answer = send(client, "POST Tags", {**JSON, "prefer": "respond-async, wait=50"}, TAG)
    assert (answer.status, answer.json["Name"]) == (201, "async")
    assert "asyncresult" not in answer.headers and client.service.store.run(COUNT) == [(0,)]
    assert send(client, "GET Tags('nobody')", {"prefer": "wait=50, respond-async"}).status == 404
    assert send(client, "GET Tags('nobody')", {"prefer": f"respond-async, wait={'9' * 5000}"}).status == 404
    assert send(client, "GET Tags('nobody')", {"prefer": 'respond-async, wait="²"'}).status == 202


def test_without_a_worker(private: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    """A monitor that is asked while nobody works on the job has it done."""
    client = private("northwind")
    monkeypatch.setattr(jobs, "PATIENCE", -1)
    monitor = submitted(client, "POST Tags", JSON, TAG)
    assert send(client, monitor).status == 202
    assert client.service.helping.acquire(timeout=30) and not client.service.helping.release()     # type: ignore[func-returns-value]
    assert send(client, monitor, MODERN).headers["asyncresult"] == "201"


# --- workers ---------------------------------------------------------------------------------------------

def test_a_dead_worker(private: Callable[..., Client]) -> None:
    """The job of a worker whose lease ended is done by another, once; the first can no longer finish it."""
    client = private("northwind")
    store = client.service.store
    monitor = submitted(client, "POST Tags", JSON, TAG)
    first = stored.claim(store, "dead", jobs.now() - 2 * jobs.LEASE, jobs.LEASE)
    assert first is not None
    second = stored.claim(store, "alive", jobs.now(), jobs.LEASE)
    assert second is not None and second.number == first.number and second.attempts == 2
    assert stored.claim(store, "third", jobs.now(), jobs.LEASE) is None
    assert not stored.renew(store, first, "dead", jobs.now() + jobs.LEASE)
    jobs.carry_out(client.service, first, "dead")           # nothing of it stays
    assert client.send("Tags('async')").status == 404
    jobs.carry_out(client.service, second, "alive")
    assert client.send(monitor, MODERN).headers["asyncresult"] == "201"
    assert store.run("SELECT kind FROM odata_changes") == [("create",)]


def test_a_job_that_kills_its_workers(private: Callable[..., Client]) -> None:
    """P 11.6-07: cancelled by the service: 200 with a 5xx inside."""
    client = private("northwind")
    monitor = submitted(client, "POST Tags", JSON, TAG)
    for number in range(jobs.ATTEMPTS):
        assert stored.claim(client.service.store, f"w{number}", jobs.now(), -1000) is not None
    assert work(client) == 1
    assert client.send(monitor, MODERN).headers["asyncresult"] == "503"
    assert client.send(monitor).text.startswith("HTTP/1.1 503 ")


def test_a_store_made_before(private: Callable[..., Client]) -> None:
    """The table is made where a store does not have it."""
    client = private("northwind")
    store = client.service.store
    store.execute("DROP TABLE odata_jobs")
    schema.create(store, client.service.mapping)
    submitted(client, "GET Tags")


# --- callbacks -------------------------------------------------------------------------------------------

@pytest.fixture
def called() -> Iterator[tuple[int, list[str]]]:
    """A server on this machine: its port, and the paths that were asked for."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(302 if self.path == "/away" else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, seen
    server.shutdown()
    thread.join()
    server.server_close()


CALLBACKS = [("/done?job=1", "127.0.0.1", ["/done?job=1"]), ("/away", "127.0.0.1", ["/away"]), ("/done", "example.org", [])]


@pytest.mark.parametrize(("path", "host", "expected"), CALLBACKS)
def test_callback(private: Callable[..., Client], called: tuple[int, list[str]], path: str, host: str, expected: list[str]) -> None:
    """P 8.2.8.2: a GET when the result is there, to hosts of the settings only; no redirect is followed."""
    port, seen = called
    client = private("northwind", callback_hosts=(host,))
    prefer = f'respond-async, callback; url="http://127.0.0.1:{port}{path}"'
    answer = send(client, "GET Tags", {"prefer": prefer})
    assert answer.status == 202
    assert answer.headers["preference-applied"] == (prefer if expected else "respond-async")
    assert work(client) == 1 and seen == expected


WATCHED = [("Tags?$select=Name", "Tags('new')"), ("Tags('new')", "Tags('new')"), ("Products?$select=ID&$expand=Tags&$filter=ID eq 1", "Tags('new')")]


@pytest.mark.parametrize(("query", "changed"), WATCHED)
def test_callback_of_a_delta_link(private: Callable[..., Client], called: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch,
                                  query: str, changed: str) -> None:
    """P 8.2.8.2: 202 with the link to ask next where there is nothing to tell, a GET once there is."""
    from app.service import watches
    from tests.protocol.test_delta import delta_link
    monkeypatch.setattr(watches, "PAUSE", -1)
    port, seen = called
    client = private("northwind", callback_hosts=("127.0.0.1",))
    link = delta_link(client, query)
    prefer = f'track-changes, callback; url="http://127.0.0.1:{port}/there"'
    answer = send(client, link, {"prefer": prefer})
    assert (answer.status, answer.body, answer.headers["preference-applied"]) == (202, b"", prefer)
    following = answer.headers["location"].removeprefix(ROOT)
    elsewhere = prefer.replace("127.0.0.1", "localhost")
    assert send(client, link, {"prefer": elsewhere}).status == 200          # whom the settings do not name
    look(client)
    assert seen == []
    assert send(client, f"DELETE {changed}").status == 204
    look(client)
    look(client)
    assert seen == ["/there"]
    assert "deleted" in send(client, following, {"prefer": prefer}).text


def look(client: Client) -> None:
    """One look at what there is to do."""
    job = stored.claim(client.service.store, "worker", jobs.now(), 1000)
    if job is not None:
        jobs.carry_out(client.service, job, "worker")


def test_a_request_of_a_batch(private: Callable[..., Client]) -> None:
    """J 19.6: 202 inside a JSON answer, for a request that nothing depends on; elsewhere the preference counts for nothing."""
    client = private("northwind")
    later, get = {"prefer": "respond-async"}, {"method": "get", "url": "Tags('new')", "headers": LATER}
    requests = [{"id": "1", "method": "post", "url": "Tags", "headers": {**JSON, **later}, "body": {"Name": "async"}},
                {"id": "2", **get}, {"id": "3", **get, "dependsOn": ["2"]}, {"id": "4", "atomicityGroup": "g", **get},
                {"id": "5", "method": "get", "url": "$1"}]
    body = json.dumps({"requests": requests}).encode()
    answers = {each["id"]: each for each in send(client, "POST $batch", JSON, body).json["responses"]}
    assert {id: each["status"] for id, each in answers.items()} == {"1": 202, "2": 200, "3": 200, "4": 200, "5": 400}
    assert client.send("GET Tags('async')").status == 404
    assert work(client) == 1
    result = send(client, answers["1"]["headers"]["location"].removeprefix(ROOT), MODERN)
    assert (result.headers["asyncresult"], result.json["Name"]) == ("201", "async")
    mixed = send(client, "POST $batch", {**JSON, "accept": "multipart/mixed"}, json.dumps({"requests": [{"id": "1", **get}]}).encode())
    assert "HTTP/1.1 200 OK" in mixed.text

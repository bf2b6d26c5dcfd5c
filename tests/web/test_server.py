"""`odata serve`, the real process: ready line, stops, raw targets, slow readers, exports that break."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import MODELS
from tests.csdl.documents import document
from tests.web.serving import PATIENCE, ROOT, Serving, serving

PLAIN = MODELS / "plain.xml"
ITEMS = 4000                # of 4 kB each: more than sockets and the server buffer, in four chunks
TEXT = "x" * 4000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with a data file of many items."""
    made = tmp_path_factory.mktemp("serving")
    items = [{"id": f"i{number:05d}", "number": number, "text": TEXT} for number in range(ITEMS)]
    items += [{"id": key, "text": "odd"} for key in ("a/b", "ü", "100 %")]
    (made / "data.json").write_text(json.dumps({"items": items}))
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Serving]:
    with serving(PLAIN, folder, "--data", "data.json", "--page-size", "0") as running:
        yield running


def test_the_ready_line_names_the_namespace_and_the_real_port(server: Serving, folder: Path) -> None:
    assert server.ready == f"Serving plain at http://127.0.0.1:{server.port}/"
    assert (folder / "instance" / "plain.db").exists()


def test_health_answers(server: Serving) -> None:
    status, headers, body = server.send("GET", "/-/health")
    assert (status, json.loads(body)["namespace"]) == (200, "plain")


RAW = [("/items/a%2Fb", "a/b"), ("/items('a%2Fb')", "a/b"), ("/items/%61%2fb", "a/b"), ("/items/%C3%BC", "ü"),
       ("/items(%27100%20%25%27)", "100 %")]


@pytest.mark.parametrize(("target", "key"), RAW)
def test_the_raw_target_is_seen(server: Serving, target: str, key: str) -> None:
    status, _, body = server.send("GET", target)
    assert status == 200 and json.loads(body)["id"] == key


@pytest.mark.parametrize("target", ["/", "/items?$top=3", "/items/$count", "/$metadata", "/items", "/nothing"])
def test_head_is_get_without_a_body(server: Serving, target: str) -> None:
    connection = server.connection()
    seen = []
    for method in ("GET", "HEAD"):          # on one connection: a body after HEAD would be read as the next answer
        connection.request(method, target)
        response = connection.getresponse()
        body = response.read()
        seen.append((response.status, response.getheader("Content-Type"), response.getheader("OData-Version")))
        assert (body == b"") == (method == "HEAD")
    connection.close()
    assert seen[0] == seen[1]


def test_an_export_is_streamed_whole(server: Serving) -> None:
    status, headers, body = server.send("GET", "/items")
    assert status == 200 and len(json.loads(body)["value"]) == ITEMS + 3
    assert headers["transfer-encoding"] == "chunked" and "content-length" not in headers


def test_a_slow_reader_stalls_nobody(server: Serving) -> None:
    slow = [server.socket("GET /items HTTP/1.1\nHost: x\n\n") for _ in range(4)]
    for reader in slow:
        assert reader.recv(100).startswith(b"HTTP/1.1 200")
    for _ in range(20):
        assert server.send("GET", "/items?$top=1")[0] == 200
    for reader in slow:
        reader.close()
    assert len(json.loads(server.send("GET", "/items")[2])["value"]) == ITEMS + 3


def test_clients_that_leave_give_their_connection_back(server: Serving) -> None:
    for _ in range(20):                     # more than streams may be open at once
        reader = server.socket("GET /items HTTP/1.1\nHost: x\n\n")
        assert reader.recv(100).startswith(b"HTTP/1.1 200")
        reader.close()
        assert server.send("GET", "/items?$top=1")[0] == 200
    assert server.send("GET", "/items")[0] == 200


def test_a_broken_export_is_never_a_complete_message(tmp_path: Path, folder: Path) -> None:
    with serving(PLAIN, tmp_path, "--data", str(folder / "data.json"), "--page-size", "0") as running:
        store = sqlite3.connect(tmp_path / "instance" / "plain.db")
        with store:                         # no text any more: reading this row fails
            store.execute("UPDATE items SET text = CAST(x'ff' AS TEXT) WHERE id = 'i03500'")
        store.close()
        connection = running.connection()
        connection.request("GET", "/items")
        response = connection.getresponse()
        assert response.status == 200
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
        assert len(caught.value.partial) > 1_000_000 and not caught.value.partial.endswith(b"]}")
        connection.close()
        assert running.send("GET", "/items?$top=1")[0] == 200


def test_a_stop_lets_running_answers_end(folder: Path, tmp_path: Path) -> None:
    running = Serving(PLAIN, tmp_path, "--port", "0", "--workers", "1", "--data", str(folder / "data.json"),
                      "--page-size", "0")
    connection = running.connection()
    connection.request("GET", "/items")
    response = connection.getresponse()
    running.process.send_signal(signal.SIGTERM)
    assert len(json.loads(response.read())["value"]) == ITEMS + 3
    connection.close()
    assert running.stop() == 0
    assert not [line for line in running.errors if "Traceback" in line]


def test_a_restart_on_the_same_port_finds_everything(tmp_path: Path) -> None:
    with serving(PLAIN, tmp_path) as first:
        assert first.send("POST", "/items", {"id": "new"})[0] == 201
        port = first.port
    with serving(PLAIN, tmp_path, port=port) as second:
        assert second.send("GET", "/items/new")[0] == 200
    with serving(PLAIN, tmp_path, "--reset", "--yes", port=port) as third:
        assert third.send("GET", "/items/new")[0] == 404


def test_a_killed_parent_takes_its_workers_along(tmp_path: Path) -> None:
    running = Serving(PLAIN, tmp_path, "--port", "0", "--workers", "2")
    running.process.kill()                  # the parent alone
    running.process.wait(PATIENCE)
    with serving(PLAIN, tmp_path, port=running.port) as second:
        assert second.send("GET", "/items")[0] == 200
    running.stop()


def test_the_root_path_moves_the_service(tmp_path: Path) -> None:
    with serving(PLAIN, tmp_path, "--root-path", "/x/y") as running:
        assert running.ready.endswith(f":{running.port}/x/y/")
        assert json.loads(running.send("GET", "/x/y/items")[2])["@odata.context"] == (
            f"http://127.0.0.1:{running.port}/x/y/$metadata#items")
        assert running.send("GET", "/items")[0] == 404


def test_an_interrupt_at_once_ends_in_silence(tmp_path: Path) -> None:
    running = Serving(PLAIN, tmp_path, "--port", "0", "--workers", "2")
    os.killpg(running.process.pid, signal.SIGINT)       # what Ctrl-C does: every process of the terminal gets it
    assert running.stop() == 0 and not running.errors


REFUSED = [
    (["nothing.xml"], "nothing.xml"),
    ([str(PLAIN), "--data", "no.json"], "no.json cannot be read: No such file or directory"),
    ([str(PLAIN), "--lenient", "frobnicate"], "but quoted-numbers, quoted-types"),
    ([str(PLAIN), "--lenient", "enum-number"], "did you mean 'enum-numbers'?"),
    ([str(PLAIN), "--page-size", "many"], "ODATA_PAGE_SIZE"),
    ([str(PLAIN), "--host", "0.0.0.0"], "--insecure"),
    ([str(PLAIN), "--workers", "0"], "--workers"),
    ([str(PLAIN), "--reset"], "--yes"),
    ([str(PLAIN), "--port", "99999"], "65535"),
    (["."], "folder"),
    ([str(PLAIN), "--database", "oracle://x"], "oracle"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[" ".join(row[0][1:]) or row[0][0] for row in REFUSED])
def test_what_cannot_be_served_is_refused_at_once(options: list[str], message: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "app", "serve", "--port", "0", *options], cwd=tmp_path, text=True,
                          capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL,
                          env={"PYTHONPATH": str(ROOT), "PATH": ""})
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr


def test_a_model_with_faults_is_refused_with_its_places(tmp_path: Path) -> None:
    (tmp_path / "m.xml").write_text(document('<EntityType Name="X"><Key><PropertyRef Name="L"/></Key>\n'
                                             '<Property Name="K" Type="Edm.Strin"/></EntityType>'))
    done = subprocess.run([sys.executable, "-m", "app", "serve", "--port", "0", "m.xml"], cwd=tmp_path, text=True,
                          capture_output=True, timeout=PATIENCE, env={"PYTHONPATH": str(ROOT), "PATH": ""})
    first, second = done.stderr.splitlines()
    assert done.returncode == 2
    assert re.match(r"odata: m\.xml:\d+:\d+: The key property 'L' of '\w+\.X' does not exist \(and 1 more\)", first)
    assert re.match(r"  m\.xml:\d+:\d+: There is no type 'Edm.Strin'; did you mean 'Edm.String'", second)
    assert ":0" not in done.stderr


def test_a_port_in_use_is_refused(server: Serving, tmp_path: Path) -> None:
    second = Serving(PLAIN, tmp_path, "--port", str(server.port))
    assert second.stop() == 2 and not second.ready
    assert f"Port {server.port}" in "".join(second.errors) and "--port" in "".join(second.errors)

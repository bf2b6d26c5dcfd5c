"""`odata work`, the real process: it does what was asked for, beside a server or alone, and may be killed at any time."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import MODELS
from tests.web.serving import PATIENCE, ROOT, Serving, serving

PLAIN = MODELS / "plain.xml"
LATER = {"Prefer": "respond-async", "OData_MaxVersion": "4.01"}
SLOW = '''
import os, time
from pathlib import Path
from app import Operations

operations = Operations()


@operations.rule("plain.item", on=("create",))
def slow(change, *, context):
    """Waits until the file `go` is there, once it has said that it is here."""
    if change.new["text"] == "slow":
        Path("begun").write_text(str(os.getpid()))
        while not Path("go").exists():
            time.sleep(0.02)
'''


def until(test: Callable[[], Any]) -> Any:
    """What `test` answers as soon as that is something."""
    import time
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = test()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it took too long")


def monitored(server: Serving, location: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of the result of a job, once it is done."""
    path = location.partition(f":{server.port}")[2]

    def done() -> Any:
        status, headers, body = server.send("GET", path, OData_MaxVersion="4.01")
        return None if status == 202 else (headers, body)
    found: tuple[dict[str, str], bytes] = until(done)
    return found


def submit(server: Serving, text: str, **headers: str) -> str:
    status, answer, body = server.send("POST", "/items", {"id": text, "text": text}, **{**LATER, **headers})
    assert status == 202, body
    return answer["location"]


def workers(server: Serving) -> list[psutil.Process]:
    """The worker processes beside a server."""
    family = psutil.Process(server.process.pid).children(recursive=True)
    return [each for each in family if "spawn_main" in " ".join(each.cmdline())]


def rows(folder: Path, statement: str) -> list[Any]:
    connection = sqlite3.connect(folder / "instance" / "plain.db", timeout=30)
    try:
        found = connection.execute(statement).fetchall()
        connection.commit()
        return found
    finally:
        connection.close()


@contextmanager
def worker(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`odata work` as a process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ODATA_")}
    process = subprocess.Popen([sys.executable, "-m", "app", "work", str(PLAIN), *options], cwd=folder, text=True,
                               stderr=subprocess.PIPE, env={**kept, "PYTHONPATH": str(ROOT)})
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "slow.py").write_text(SLOW)
    return tmp_path


def test_beside_the_server(folder: Path) -> None:
    """The server's own worker does the job; its process is started again when it ends, and ends with the server."""
    with serving(PLAIN, folder) as server:
        headers, body = monitored(server, submit(server, "one"))
        assert headers["asyncresult"] == "201" and json.loads(body)["id"] == "one"
        (process,) = until(lambda: workers(server))
        process.kill()
        headers, _ = monitored(server, submit(server, "two"))
        assert headers["asyncresult"] == "201"
        again = until(lambda: [each for each in workers(server) if each.pid != process.pid])
        server.kill()
        until(lambda: not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in again))


def test_killed_at_work(folder: Path) -> None:
    """A worker killed inside a job leaves nothing; when its lease is over another does the job, once."""
    with serving(PLAIN, folder, "--operations", "slow.py") as server:
        location = submit(server, "slow")
        begun = folder / "begun"
        first = int(until(lambda: begun.exists() and begun.read_text()))
        os.kill(first, signal.SIGKILL)
        until(lambda: not psutil.pid_exists(first) or psutil.Process(first).status() == psutil.STATUS_ZOMBIE)
        begun.unlink()
        assert rows(folder, "SELECT COUNT(*) FROM items") == [(0,)]
        assert rows(folder, "SELECT state, attempts FROM odata_jobs") == [("running", 1)]
        rows(folder, "UPDATE odata_jobs SET lease = 0")
        second = int(until(lambda: begun.exists() and begun.read_text()))
        assert second != first
        (folder / "go").touch()
        headers, _ = monitored(server, location)
        assert headers["asyncresult"] == "201"
        assert rows(folder, "SELECT attempts FROM odata_jobs") == [(2,)]
        assert rows(folder, "SELECT kind FROM odata_changes") == [("create",)]


def test_a_restart(folder: Path) -> None:
    """What was asked for before a restart is done after it, by a worker alone too."""
    with serving(PLAIN, folder, "--operations", "slow.py") as server:
        location = submit(server, "slow")
        until((folder / "begun").exists)
        server.kill()
    rows(folder, "UPDATE odata_jobs SET lease = 0")
    (folder / "go").touch()
    with worker(folder, "--operations", "slow.py", "--once") as process:
        assert process.wait(PATIENCE) == 0
    assert rows(folder, "SELECT state FROM odata_jobs") == [("done",)]
    with serving(PLAIN, folder) as server:
        path = re.sub(r"^http://[^/]*", "", location)
        assert server.send("GET", path, OData_MaxVersion="4.01")[1]["asyncresult"] == "201"


def test_stopping(folder: Path) -> None:
    """SIGTERM ends an idle worker well; a store that is not there is said."""
    with worker(folder) as process:
        assert process.wait(PATIENCE) == 2
        assert "has not been set up" in process.communicate()[1]
    with serving(PLAIN, folder):
        pass
    with worker(folder) as process:
        rows(folder, "INSERT INTO odata_jobs (id, state, made, principal, method, target, root, headers, lease, attempts, status) "
                     "VALUES ('x', 'waiting', 0, '{}', 'GET', 'items', 'http://x/', '{}', 0, 9, 0)")
        until(lambda: rows(folder, "SELECT COUNT(*) FROM odata_jobs") == [(0,)])        # too old to be kept
        process.terminate()
        assert process.wait(PATIENCE) == 0

"""Many clients at once against `odata serve` with two workers: no 5xx, no lost update, nothing half-written."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MODELS
from tests.web.serving import Serving, serving

PLAIN = MODELS / "plain.xml"
READERS, WRITERS, PARTS = 300, 8, 20


class Connection:
    """A keep-alive connection under asyncio: just enough HTTP for answers with a length or in chunks."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def send(self, method: str, target: str, body: Any = None,
                   **headers: str) -> tuple[int, dict[str, str], bytes]:
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        assert self.reader is not None
        data = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {target} HTTP/1.1", "Host: x", "Accept: application/json", f"Content-Length: {len(data)}"]
        lines += ["Content-Type: application/json"] if data else []
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + data)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        named = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        return int(head[0].split()[1]), named, await self.body(named)

    async def body(self, named: dict[str, str]) -> bytes:
        assert self.reader is not None
        if "content-length" in named:
            return await self.reader.readexactly(int(named["content-length"]))
        data = b""
        while "transfer-encoding" in named:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            data += (await self.reader.readexactly(size + 2))[:-2]
            if not size:
                break
        return data

    async def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
            await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)


READS = ["/items?$top=5", "/items/i0", "/items?$filter=number gt 5&$count=true&$top=3", "/items/$count", "/$metadata",
         "/items?$select=id&$orderby=number desc", "/items?$expand=parts&$top=3", "/items('i3')?$select=number", "/"]


async def load(port: int, until: float) -> tuple[dict[int, int], int]:
    """Readers read, writers count up the same few counters; statuses seen, and increments that were acknowledged."""
    statuses: dict[int, int] = {}
    counted = itertools.count()
    done = 0

    async def reader(number: int) -> None:
        connection = Connection(port)
        for at in itertools.count(number):
            if time.monotonic() > until:
                break
            status, _, _ = await connection.send("GET", READS[at % len(READS)].replace(" ", "%20"))
            statuses[status] = statuses.get(status, 0) + 1
        await connection.close()

    async def writer(number: int) -> None:
        nonlocal done
        connection, chance = Connection(port), random.Random(number)
        while time.monotonic() < until:
            key = f"/items/i{chance.randrange(4)}"
            _, headers, body = await connection.send("GET", key)
            status, _, _ = await connection.send("PATCH", key, {"number": json.loads(body)["number"] + 1},
                                                 If_Match=headers["etag"])
            statuses[status] = statuses.get(status, 0) + 1
            if status in (200, 204):
                done = next(counted) + 1
        await connection.close()

    await asyncio.gather(*(reader(number) for number in range(READERS)), *(writer(number) for number in range(WRITERS)))
    return statuses, done


def consistency(url: str, folder: Path, seconds: int) -> None:
    (folder / "data.json").write_text(json.dumps({"items": [
        {"id": f"i{number}", "number": 0, "text": "x" * 200} for number in range(200)]}))
    with serving(PLAIN, folder, "--data", "data.json", "--database", url, workers=2) as running:
        statuses, done = asyncio.run(load(running.port, time.monotonic() + seconds))
        assert {status for status in statuses if status not in (200, 204, 412)} == set(), statuses
        counters = [json.loads(running.send("GET", f"/items/i{number}")[2])["number"] for number in range(4)]
        assert done > 0 and sum(counters) == done, "an acknowledged update was lost"


def test_readers_and_writers_see_one_truth(database_url: str, tmp_path: Path) -> None:
    consistency(database_url, tmp_path, 10)


@pytest.mark.soak
def test_readers_and_writers_for_a_minute(database_url: str, tmp_path: Path) -> None:
    consistency(database_url, tmp_path, 60)


# --- kill -9 -------------------------------------------------------------------------------------

def write_until_killed(running: Serving, number: int, stop: threading.Event, acknowledged: list[str]) -> None:
    """Create items with their parts, one after the other, until the server is gone."""
    for at in itertools.count():
        if stop.is_set():
            return
        key = f"w{number}-{at}"
        try:
            status, _, _ = running.send("POST", "/items", {"id": key, "parts": [{"no": no} for no in range(PARTS)]})
        except OSError:
            return
        except Exception:       # half an answer: the write may be there or not, but not half of it
            return
        if status == 201:
            acknowledged.append(key)


def test_a_server_killed_amid_writes_leaves_whole_changes(database_url: str, tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for attempt in range(2):
        running = Serving(PLAIN, tmp_path, "--port", "0", "--workers", "2", "--database", database_url)
        stop = threading.Event()
        writers = [threading.Thread(target=write_until_killed, args=(running, number, stop, acknowledged))
                   for number in range(attempt * 10, attempt * 10 + 4)]
        before = len(acknowledged)
        for writer in writers:
            writer.start()
        while len(acknowledged) < before + 20 and any(writer.is_alive() for writer in writers):
            stop.wait(0.01)
        running.kill()
        stop.set()
        for writer in writers:
            writer.join()
        running.stop(signal.SIGKILL)
    with serving(PLAIN, tmp_path, "--database", database_url, "--page-size", "0") as again:
        found = json.loads(again.send("GET", "/items?$expand=parts")[2])["value"]
    assert {len(item["parts"]) for item in found} == {PARTS}
    assert set(acknowledged) <= {item["id"] for item in found} and len(acknowledged) >= 40

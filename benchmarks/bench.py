"""`make bench`: in-process times, request to bytes, against the bare statement + orjson.

Both sides take turns in short rounds and the best round of each counts: what else runs on the machine only ever adds. On
SQLite that is processor time, without waiting for the disk or a processor; on servers it is time by the clock. Only figures
of one run are to be compared. `--save` keeps the table as
`benchmarks/baseline.json`; later runs show the change against it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from app.service.request import Request
from app.service.service import Service
from app.service.settings import Settings
from app.store import connect
from benchmarks.bare import Bare
from benchmarks.dataset import HERE, MODEL, DataSet, mariadb, postgresql, prepare, restore

BASELINE = HERE / "baseline.json"
ROOT = "http://localhost/"
FILTERED = "$filter=status%20eq%20'failed'&$orderby=startDateTime%20desc&$top=50&$select=id,displayName,status"
GROUPED = "$apply=groupby((status),aggregate($count%20as%20n))"
SEARCHED = {"one hit": "$search=012345&$top=20", "8,000 hits": "$search=failed&$top=20",
            "8,000 hits, sorted": "$search=failed&$top=20&$orderby=startDateTime%20desc",
            "two words, 3,000 hits": "$search=failed%20b&$top=20", "100,000 hits": "$search=nightly&$top=20"}
MILLISECOND = 1000.0

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table: what both sides do, how often a round repeats it, and the gate on ours: the most, in µs, by
    what the other side takes."""

    name: str
    ours: Callable[[], int]
    bare: Callable[[], int]
    repeat: int
    gate: str
    most: Callable[[float], float]


# --- the cases -----------------------------------------------------------------------------------

class Ours:
    """The service in process, without HTTP."""

    def __init__(self, found: DataSet, database: str | None = None, page_size: int = 0) -> None:
        settings = Settings(model=MODEL, database=database or found.database, page_size=page_size)
        self.service = Service.open(settings, prepare=False)
        self.process = found.first_process()

    def get(self, path: str, query: str = "") -> int:
        response = self.service.handle(Request("GET", path, query, {"accept": "application/json"}, None, ROOT))
        return self.size(response)

    def post(self, path: str, body: Any) -> int:
        data = orjson.dumps(body)        # the work of the client: as little as can be
        return self.size(self.service.handle(Request(
            "POST", path, "", {"content-type": "application/json", "content-length": str(len(data))},
            io.BytesIO(data), ROOT)))

    @staticmethod
    def size(response: Any) -> int:
        if response.status >= 300:
            raise SystemExit(f"{response.status}: {response.read()[:300]!r}")
        if isinstance(response.body, bytes):
            return len(response.body)
        total = sum(map(len, response.body))
        if response.close:
            response.close()
        return total

    def create(self) -> int:
        return self.post("runs", {
            "id": str(uuid.uuid4()), "displayName": "posted run", "startDateTime": "2024-01-01T00:00:00Z",
            "endDateTime": "2024-01-01T01:00:00Z", "status": "posted", "processId": self.process, "statistics": "{}"})

    def batch(self, keys: list[str]) -> int:
        return self.post("$batch", {"requests": [{"id": str(at), "method": "GET", "url": f"runs({key})"}
                                                 for at, key in enumerate(keys, 1)]})


def over(microseconds: float) -> tuple[str, Callable[[float], float]]:
    return f"+ {microseconds:g} µs", lambda bare: bare + microseconds


def times(factor: float) -> tuple[str, Callable[[float], float]]:
    return f"{factor:g} ×", lambda bare: bare * factor


def cases(ours: Ours, bare: Bare, keys: list[str]) -> Iterator[Case]:
    """The cases a to k."""
    mine, theirs, new = itertools.cycle(keys[:100]), itertools.cycle(keys[:100]), itertools.cycle(keys[100:])

    def twenty(source: Iterator[str]) -> list[str]:
        return [next(source) for _ in range(20)]

    yield Case("a by key", lambda: ours.get(f"runs({next(mine)})"), lambda: len(bare.key(next(theirs))), 100, *over(25))
    yield Case("a by key, not asked yet", lambda: ours.get(f"runs({next(new)})"), lambda: len(bare.key(next(theirs))),
               40, *over(40))
    yield Case("b $top=20", lambda: ours.get("runs", "$top=20"), lambda: len(bare.top(20)), 50, *over(30))
    yield Case("c filter, orderby, select", lambda: ours.get("runs", FILTERED), lambda: len(bare.filtered()), 25,
               *over(40))
    yield Case("d $top=1000", lambda: ours.get("runs", "$top=1000"), lambda: len(bare.top(1000)), 2, *times(1.15))
    yield Case("e $expand to one, 1000", lambda: ours.get("runs", "$top=1000&$expand=process"),
               lambda: len(bare.expand_one()), 1, *times(1.3))
    yield Case("f $expand to many, 50 × 5", lambda: ours.get("processes", "$expand=runs($top=5)&$top=50"),
               lambda: len(bare.expand_many()), 4, *times(1.3))
    yield Case("g $count, filter", lambda: ours.get("runs", "$count=true&$top=1&$filter=status%20eq%20'failed'"),
               lambda: len(bare.count()), 10, *over(40))
    yield Case("h export of 100,000", lambda: ours.get("runs"), lambda: sum(map(len, bare.export())), 1, *times(1.2))
    yield Case("i create", ours.create, lambda: len(bare.create()), 10, *over(200))
    yield Case("j $apply groupby", lambda: ours.get("runs", GROUPED), lambda: len(bare.group()), 1, *times(1.1))
    yield Case("k $batch of 20", lambda: ours.batch(twenty(mine)), lambda: sum(
        ours.get(f"runs({key})") for key in twenty(theirs)), 5, "0.5 of 20 GETs", lambda separate: separate * 0.5)


def clock(function: Callable[[], int], repeat: int, now: Clock = time.process_time) -> float:
    """Microseconds a call."""
    start = now()
    for _ in range(repeat):
        function()
    return (now() - start) / repeat * 1e6


def pair(ours: Callable[[], int], other: Callable[[], int], repeat: int, rounds: int, now: Clock = time.process_time
         ) -> tuple[float, float]:
    """Microseconds of both, the best of rounds in turn, the first of which does not count."""
    clock(ours, repeat, now)
    clock(other, repeat, now)
    both = [(clock(ours, repeat, now), clock(other, repeat, now)) for _ in range(rounds)]
    return min(one for one, _ in both), min(two for _, two in both)


class Table:
    """Prints the lines of the tables, and remembers which gates were missed."""

    def __init__(self) -> None:
        self.results: dict[str, dict[str, float]] = {}
        self.missed: list[str] = []

    def judged(self, name: str, kept: bool) -> str:
        if not kept:
            self.missed.append(name)
        return "kept" if kept else "MISSED"

    def line(self, name: str, ours: float, bare: float, gate: str, most: float) -> None:
        """A case on both sides, in µs."""
        self.results[name] = {"ours": round(ours, 1), "bare": round(bare, 1), "ratio": round(ours / bare, 3)}
        print(f"{name:28} {ours:10.1f} {bare:10.1f} {ours - bare:+9.1f} {ours / bare:6.2f}  {gate} "
              f"{self.judged(name, ours <= most)}", flush=True)

    def single(self, name: str, figure: str, gate: str, kept: bool) -> None:
        """A figure on its own."""
        print(f"{name:40} {figure:>12}  {gate} {self.judged(name, kept)}", flush=True)


def measure(found: DataSet, rounds: int, only: str, table: Table) -> None:
    """The cases a to k on SQLite, against the bare statements on the same rows."""
    ours, bare = Ours(found), Bare(found.plain, found.first_process())
    print(f"{'case':28} {'ours µs':>10} {'bare µs':>10} {'over':>9} {'ratio':>6}  gate")
    try:
        for case in cases(ours, bare, found.key_list()):
            if not only or case.name[0] in only:
                mine, theirs = pair(case.ours, case.bare, case.repeat, max(3, rounds // 4) if case.name[0] == "h" else rounds)
                table.line(case.name, mine, theirs, case.gate, case.most(theirs))
    finally:
        bare.close()
        ours.service.close()
        restore(found)


# --- stages, memory, depth, start-up -------------------------------------------------------------

def stages(found: DataSet, rounds: int, table: Table) -> None:
    """Where a plan-cache miss of case c goes."""
    from app import bind, url
    ours = Ours(found)
    service, model = ours.service, ours.service.model
    target = url.parse("runs", FILTERED)
    lifted, _ = url.lift(target)

    def cold() -> int:
        service._texts.clear()
        service._plans.clear()
        return ours.get("runs", FILTERED)

    def count(result: object) -> int:
        return 1 if result is not None else 0

    parts = {
        "url.parse": lambda: count(url.parse("runs", FILTERED)),
        "url.lift": lambda: count(url.lift(target)),
        "bind.bind": lambda: count(bind.bind(lifted, model, "GET")),
        "hit, whole": lambda: ours.get("runs", FILTERED),
    }
    print(f"\n{'stage of case c':40} {'µs':>12}")
    for name, part in parts.items():
        print(f"{name:40} {pair(part, part, 10, rounds)[0]:12.1f}", flush=True)
    miss = pair(cold, cold, 2, rounds)[0]
    table.single("miss, whole", f"{miss:.1f}", "1,500 µs", miss <= 1.5 * MILLISECOND)
    service.close()


MEMORY = """
import resource, sys
from pathlib import Path
from benchmarks.bench import Ours
from benchmarks.dataset import prepare
ours = Ours(prepare())
ours.get("runs", "$top=1000")
def peak():                     # Linux hands ru_maxrss on to child processes
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1024)
before = peak()
ours.get("runs", f"$top={sys.argv[1]}") if sys.argv[1] != "all" else ours.get("runs")
print(peak() - before)
"""

START = """
import sys, time
from app.service.service import Service
from app.service.settings import Settings
from app.store import connect
Service.open(Settings(model=sys.argv[1], database=sys.argv[2])).close()
print(time.process_time())
"""


def run_python(code: str, *arguments: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True,
                          cwd=HERE.parent, env=environment | {"PYTHONPATH": str(HERE.parent)})
    return float(done.stdout)


def processes(table: Table) -> None:
    """What needs a process of its own: peak memory of an export, start-up (imports included, byte code compiled)."""
    print(f"\n{'process':40} {'':>12}")
    few, all = run_python(MEMORY, "10000"), run_python(MEMORY, "all")
    table.single("export of 10,000, growth of memory", f"{few:.1f} MB", "50 MB", few <= 50)
    table.single("export of 100,000, growth of memory", f"{all:.1f} MB", "50 MB", all <= 50)
    with tempfile.TemporaryDirectory() as folder:
        model, database = str(HERE.parent / "edmx" / "industryData.xml"), f"sqlite:///{folder}/start.db"
        run_python(START, model, database)
        start = min(run_python(START, model, database) for _ in range(3))
    table.single("start-up of industryData", f"{start:.2f} s", "1 s", start <= 1)


# --- on every store ------------------------------------------------------------------------------

def store(found: DataSet, name: str, database: str, bare: Callable[[], int], rounds: int, table: Table, now: Clock) -> None:
    """A page far behind, an aggregation, searches: what has to hold on every store."""
    print(f"\n{name:40} {'':>12}")
    ours = Ours(found, database, 1000)

    def page(query: str) -> str:
        response = ours.service.handle(Request("GET", "runs", query, {}, None, ROOT))
        return str(json.loads(response.read())["@odata.nextLink"].partition("?")[2])

    query = ""
    for _ in range(90):
        query = page(query)
    deep, first = pair(lambda: ours.get("runs", query), lambda: ours.get("runs"), 1, rounds, now)
    table.single("page at depth 90,000 by nextLink", f"{deep / first:.2f} ×", "1.3 × page 1", deep <= 1.3 * first)
    grouped, floor = pair(lambda: ours.get("runs", GROUPED), bare, 1, rounds, now)
    table.single("$apply groupby", f"{grouped / floor:.2f} ×", "1.15 × the bare SQL", grouped <= 1.15 * floor)
    begin = time.perf_counter()
    ours.get("runs", "$search=failed&$top=1")
    print(f"{'$search, the first (builds the index)':40} {time.perf_counter() - begin:10.1f} s")
    for what, text in SEARCHED.items():
        best = pair(lambda: ours.get("runs", text), lambda: 0, 1, max(3, rounds // 2), now)[0] / MILLISECOND
        table.single(f"$search, {what}", f"{best:.2f} ms", "20 ms", best <= 20)
    ours.service.close()


def stores(found: DataSet, rounds: int, table: Table) -> None:
    """SQLite, PostgreSQL and MariaDB, where the wheel and the server are installed."""
    bare = Bare(found.plain, "")
    store(found, "sqlite", found.searched, lambda: len(bare.group()), rounds, table, time.process_time)
    bare.close()
    for name, server in (("postgresql", postgresql), ("mariadb", mariadb)):
        with server() as url:
            if url is None:
                print(f"\n{name}: not installed")
                continue
            connection = connect(url).connection()
            with contextlib.closing(connection), connection.cursor() as cursor:
                store(found, name, url, partial(grouped, cursor), rounds, table, time.perf_counter)


def grouped(cursor: Any) -> int:
    """The bare statement of a server."""
    cursor.execute("SELECT status, COUNT(*) FROM runs GROUP BY status")
    return len(orjson.dumps({"value": [dict(zip(("status", "n"), row)) for row in cursor.fetchall()]}))


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--only", default="", help="letters of cases, as in --only acd")
    arguments.add_argument("--save", action="store_true", help="keep the figures as the baseline")
    arguments.add_argument("--stores", action="store_true", help="only what has to hold on every store")
    options = arguments.parse_args()
    found, table = prepare(), Table()
    if not options.stores:
        measure(found, options.rounds, options.only, table)
    if options.stores:
        stores(found, options.rounds, table)
    elif not options.only:
        stages(found, options.rounds, table)
        processes(table)
        stores(found, options.rounds, table)
    print(f"\n{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}; gates missed: "
          f"{', '.join(table.missed) or 'none'}")
    if options.save:
        BASELINE.write_text(json.dumps(table.results, indent=1) + "\n")
    elif BASELINE.exists():
        kept = json.loads(BASELINE.read_text())
        print("against the baseline: " + ", ".join(
            f"{name.split()[0]} {row['ratio'] / kept[name]['ratio']:.2f}" for name, row in table.results.items() if name in kept))
    return 0


if __name__ == "__main__":
    sys.exit(main())

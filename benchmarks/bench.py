"""`make bench`: in-process times, request to bytes, against the bare statement + orjson; medians of paired ratios.

Each round runs every case on both sides, so only figures of one run are compared. `--save` keeps the table as
`benchmarks/baseline.json`; later runs show the change against it.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from app.service.request import Request
from app.service.service import Service
from app.service.settings import Settings
from benchmarks.bare import Bare
from benchmarks.dataset import HERE, MODEL, DataSet, prepare

BASELINE = HERE / "baseline.json"
ROOT = "http://localhost/"
FILTERED = "$filter=status%20eq%20'failed'&$orderby=startDateTime%20desc&$top=50&$select=id,displayName,status"
GROUPED = "$apply=groupby((status),aggregate($count%20as%20n))"


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table: what both sides do, how often a round repeats it, and the gate on ours."""

    name: str
    ours: Callable[[], int]
    bare: Callable[[], int]
    repeat: int
    gate: str
    most: Callable[[float, float], bool]        # (ours, bare) in µs -> within the gate


# --- the cases -----------------------------------------------------------------------------------

class Ours:
    """The service in process, without HTTP."""

    def __init__(self, found: DataSet) -> None:
        self.service = Service.open(Settings(model=MODEL, database=found.database, page_size=0), prepare=False)
        self.process = found.first_process()

    def get(self, path: str, query: str = "") -> int:
        response = self.service.handle(Request("GET", path, query, {"accept": "application/json"}, None, ROOT))
        return self.size(response)

    def post(self, path: str, body: Any) -> int:
        data = json.dumps(body).encode()
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


def over(microseconds: float) -> tuple[str, Callable[[float, float], bool]]:
    return f"+ {microseconds:g} µs", lambda ours, bare: ours <= bare + microseconds


def times(factor: float) -> tuple[str, Callable[[float, float], bool]]:
    return f"{factor:g} ×", lambda ours, bare: ours <= bare * factor


def cases(ours: Ours, bare: Bare, keys: list[str]) -> Iterator[Case]:
    """The cases a to k."""
    mine, theirs, new = itertools.cycle(keys[:100]), itertools.cycle(keys[:100]), itertools.cycle(keys[100:])

    def twenty(source: Iterator[str]) -> list[str]:
        return [next(source) for _ in range(20)]

    yield Case("a by key", lambda: ours.get(f"runs({next(mine)})"), lambda: len(bare.key(next(theirs))), 200, *over(25))
    yield Case("a by key, not asked yet", lambda: ours.get(f"runs({next(new)})"), lambda: len(bare.key(next(theirs))),
               50, *over(40))
    yield Case("b $top=20", lambda: ours.get("runs", "$top=20"), lambda: len(bare.top(20)), 100, *over(30))
    yield Case("c filter, orderby, select", lambda: ours.get("runs", FILTERED), lambda: len(bare.filtered()), 50,
               *over(40))
    yield Case("d $top=1000", lambda: ours.get("runs", "$top=1000"), lambda: len(bare.top(1000)), 10, *times(1.15))
    yield Case("e $expand to one, 1000", lambda: ours.get("runs", "$top=1000&$expand=process"),
               lambda: len(bare.expand_one()), 5, *times(1.3))
    yield Case("f $expand to many, 50 × 5", lambda: ours.get("processes", "$expand=runs($top=5)&$top=50"),
               lambda: len(bare.expand_many()), 20, *times(1.3))
    yield Case("g $count, filter", lambda: ours.get("runs", "$count=true&$top=1&$filter=status%20eq%20'failed'"),
               lambda: len(bare.count()), 20, *over(40))
    yield Case("h export of 100,000", lambda: ours.get("runs"), lambda: sum(map(len, bare.export())), 1, *times(1.2))
    yield Case("j $apply groupby", lambda: ours.get("runs", GROUPED), lambda: len(bare.group()), 3, *times(1.1))
    yield Case("k $batch of 20", lambda: ours.batch(twenty(mine)), lambda: len(bare.batch(twenty(theirs))), 10,
               "0.5 of 20 GETs", lambda ours, bare: True)
    yield Case("i create", ours.create, lambda: len(bare.create()), 20, *over(200))


def clock(function: Callable[[], int], repeat: int) -> float:
    """Microseconds a call."""
    start = time.perf_counter()
    for _ in range(repeat):
        function()
    return (time.perf_counter() - start) / repeat * 1e6


def measure(rounds: int, only: str) -> dict[str, dict[str, float]]:
    """Print the table; the figures by case."""
    found = prepare()
    ours, bare = Ours(found), Bare(found.plain, found.first_process())
    print(f"{'case':28} {'ours µs':>10} {'bare µs':>10} {'over':>9} {'ratio':>6}  gate")
    results: dict[str, dict[str, float]] = {}
    for case in cases(ours, bare, found.key_list()):
        if only and case.name[0] not in only:
            continue
        clock(case.ours, case.repeat)
        clock(case.bare, case.repeat)
        pairs = [(clock(case.ours, case.repeat), clock(case.bare, case.repeat)) for _ in range(rounds)]
        mine, theirs = (statistics.median(column) for column in zip(*pairs))
        ratio = statistics.median(one / other for one, other in pairs)
        extra = statistics.median(one - other for one, other in pairs)
        results[case.name] = {"ours": round(mine, 1), "bare": round(theirs, 1), "ratio": round(ratio, 3)}
        held = "kept" if case.most(theirs + extra, theirs) or case.most(theirs * ratio, theirs) else "missed"
        print(f"{case.name:28} {mine:10.1f} {theirs:10.1f} {extra:+9.1f} {ratio:6.2f}  {case.gate} {held}", flush=True)
    if not only or "k" in only:
        separate = statistics.median(clock(lambda: sum(ours.get(f"runs({key})") for key in found.key_list()[:20]), 10)
                                     for _ in range(rounds))
        print(f"{'  20 separate GETs':28} {separate:10.1f}")
    bare.close()
    ours.service.close()
    return results


# --- stages, memory, depth, start-up -------------------------------------------------------------

def stages(rounds: int) -> dict[str, dict[str, float]]:
    """Where a plan-cache miss of case c goes."""
    from app import bind, url
    found = prepare()
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
        "miss, whole": cold,
        "hit, whole": lambda: ours.get("runs", FILTERED),
    }
    print(f"\n{'stage of case c':28} {'µs':>10}")
    results = {}
    for name, part in parts.items():
        clock(part, 1)
        value = statistics.median(clock(part, 20) for _ in range(rounds))
        results[name] = {"ours": round(value, 1)}
        print(f"{name:28} {value:10.1f}", flush=True)
    service.close()
    return results


MEMORY = """
import resource, sys
from benchmarks.bench import Ours
from benchmarks.dataset import prepare
ours = Ours(prepare())
ours.get("runs", "$top=1000")
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
ours.get("runs", f"$top={sys.argv[1]}") if sys.argv[1] != "all" else ours.get("runs")
print(peak() - before)
"""

START = """
import time
begin = time.perf_counter()
from benchmarks.bench import Ours
from benchmarks.dataset import prepare
Ours(prepare())
print(time.perf_counter() - begin)
"""


def run_python(code: str, *arguments: str) -> float:
    done = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True,
                          cwd=HERE.parent, env={**os.environ, "PYTHONPATH": str(HERE.parent)})
    return float(done.stdout)


def others(rounds: int) -> None:
    """Peak memory of an export, time of a page far behind, start-up."""
    print(f"\nexport, growth of peak memory: 10,000 rows {run_python(MEMORY, '10000'):.1f} MB, "
          f"100,000 rows {run_python(MEMORY, 'all'):.1f} MB")
    found = prepare()
    service = Service.open(Settings(model=MODEL, database=found.database, page_size=1000), prepare=False)

    def page(query: str) -> tuple[float, str]:
        begin = time.perf_counter()
        body = service.handle(Request("GET", "runs", query, {}, None, ROOT)).read()
        spent = time.perf_counter() - begin
        return spent, json.loads(body)["@odata.nextLink"].partition("?")[2]

    query = ""
    for _ in range(90):
        _, query = page(query)
    pairs = [(page(query)[0], page("")[0]) for _ in range(max(rounds, 5))]
    print(f"page at depth 90,000: {statistics.median(deep / first for deep, first in pairs):.2f} × page 1")
    service.close()
    print(f"start-up: {statistics.median(run_python(START) for _ in range(3)):.2f} s")


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--only", default="", help="letters of cases, as in --only acd")
    arguments.add_argument("--save", action="store_true", help="keep the figures as the baseline")
    options = arguments.parse_args()
    results = measure(options.rounds, options.only)
    if not options.only:
        results |= stages(options.rounds)
        others(options.rounds)
    if options.save:
        BASELINE.write_text(json.dumps(results, indent=1) + "\n")
    elif BASELINE.exists():
        kept = json.loads(BASELINE.read_text())
        print("\nagainst the baseline: " + ", ".join(
            f"{name.split()[0]} {row['ratio'] / kept[name]['ratio']:.2f}" for name, row in results.items()
            if "ratio" in row and name in kept))
    return 0


if __name__ == "__main__":
    sys.exit(main())

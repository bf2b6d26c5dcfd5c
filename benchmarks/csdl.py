"""What a model costs to read, write, judge, cache and serve: `python -m benchmarks.csdl [FILE …]`, two tables.

Seconds of processor time, the best of three; reading and serving each in processes of their own. The first request is
the first GET on each set and singleton of a service over an empty SQLite store. CSDL_REFERENCE names a folder with
`models/graph-v1.0.xml` (microsoftgraph/msgraph-metadata), which is measured too.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.csdl import load, load_cached, read
from app.csdl.check import check
from app.csdl.json_writer import write_json
from app.csdl.xml_writer import write_xml

ROOT = Path(__file__).parents[1]
GRAPH = Path(os.environ.get("CSDL_REFERENCE", ".")) / "models" / "graph-v1.0.xml"
LIMITS = "Limits for Microsoft Graph v1.0: read 3 s, 250 MB; cached 0.5 s; first request on any set 5 ms"


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the best of three runs, and the result."""
    best, result = float("inf"), None
    for _ in range(3):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return best, result


def apart(part: str, *arguments: str) -> Any:
    """What a part of this module prints in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.csdl", part, *arguments]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def resident() -> int:
    """The largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


# --- in processes of their own -----------------------------------------------------------------------------

def reading(file: str) -> dict[str, Any]:
    """Seconds and memory of one reading of a file."""
    start = time.process_time()
    load(file)
    return {"seconds": time.process_time() - start, "memory": resident()}


def serving(file: str, folder: str) -> dict[str, Any]:
    """Seconds of the start, and milliseconds of the first GET on each set and singleton."""
    from app.service.request import Request
    from app.service.service import Service
    from app.service.settings import Settings
    start = time.process_time()
    service = Service.open(Settings(model=Path(file), database=f"sqlite:///{folder}/store.db"))
    opened, found = time.process_time() - start, {}
    for name in (*service.model.sets, *service.model.singletons):
        start = time.process_time()
        response = service.handle(Request("GET", name, "", {"accept": "application/json"}, None, "http://localhost/"))
        if not isinstance(response.body, bytes):
            b"".join(response.body)
        found[name] = (time.process_time() - start) * 1000
        if response.status >= 500:
            raise SystemExit(f"{name}: {response.status}")
    service.close()
    return {"seconds": opened, "memory": resident(), "first": found}


# --- the tables --------------------------------------------------------------------------------------------

def documents(file: Path) -> None:
    """Print the row of one file as a document."""
    once = min((apart("--read", str(file)) for _ in range(3)), key=lambda each: float(each["seconds"]))
    model = load(file)
    with tempfile.TemporaryDirectory() as folder:
        load_cached(file, folder)
        cached, again = timed(lambda: load_cached(file, folder))
    xml, document = timed(lambda: write_xml(model, model.version))
    text, other = timed(lambda: write_json(model, model.version))
    judging, found = timed(lambda: check(file))
    same = again == model and read(document).schemas == model.schemas == read(other).schemas
    print(f"{file.name:24} {file.stat().st_size:>9,} {once['seconds']:8.3f} {once['memory']:>7} {cached:8.3f} {xml:8.3f} "
          f"{text:8.3f} {judging:8.3f} {len(found):>8} {'equal' if same else 'changed':>10}")


def services(file: Path) -> None:
    """Print the row of one file as a service: the first start, the next one, the first requests."""
    with tempfile.TemporaryDirectory() as folder:
        first = apart("--serve", str(file), folder)
        runs = [apart("--serve", str(file), folder) for _ in range(3)]
    times = {name: min(run["first"][name] for run in runs) for name in first["first"]}
    slowest = sorted(times.items(), key=lambda each: -each[1])[:3]
    told = ", ".join(f"{name} {spent:.1f}" for name, spent in slowest)
    again = min(run["seconds"] for run in runs)
    print(f"{file.name:24} {len(times):>5} {first['seconds']:11.3f} {again:10.3f} {max(run['memory'] for run in runs):>7} "
          f"{statistics.median(times.values()):9.2f} {slowest[0][1]:9.2f}  {told}")


def main() -> None:
    files = [Path(name) for name in sys.argv[1:]] or [
        file for file in (ROOT / "edmx" / "industryData.xml", GRAPH) if file.exists()]
    print(f"{'file':24} {'bytes':>9} {'read':>8} {'MB':>7} {'cached':>8} {'to xml':>8} {'to json':>8} {'check':>8} "
          f"{'findings':>8} {'round trip':>10}")
    for file in files:
        documents(file)
    print(f"\n{'file':24} {'sets':>5} {'first start':>11} {'next start':>10} {'MB':>7} {'median ms':>9} {'worst ms':>9}"
          "  slowest")
    for file in files:
        services(file)
    print(f"\n{LIMITS}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--read", file]:
            print(json.dumps(reading(file)))
        case ["--serve", file, folder]:
            print(json.dumps(serving(file, folder)))
        case _:
            main()

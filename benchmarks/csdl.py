"""What reading, writing, judging and caching a model cost: `python -m benchmarks.csdl [FILE …]`, one table."""

from __future__ import annotations

import resource
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
GRAPH = ROOT.parent / "shared" / "reference" / "csdl" / "models" / "graph-v1.0.xml"


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the best of three runs, and the result."""
    best, result = float("inf"), None
    for _ in range(3):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return best, result


def measure(file: Path) -> None:
    """Print the row of one file."""
    reading, model = timed(lambda: load(file))
    with tempfile.TemporaryDirectory() as folder:
        load_cached(file, folder)
        cached, again = timed(lambda: load_cached(file, folder))
    xml, document = timed(lambda: write_xml(model, model.version))
    text, other = timed(lambda: write_json(model, model.version))
    judging, found = timed(lambda: check(file))
    same = again == model and read(document).schemas == model.schemas == read(other).schemas
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{file.name:24} {file.stat().st_size:>9,} {reading:8.3f} {cached:8.3f} {xml:8.3f} {text:8.3f} {judging:8.3f} "
          f"{len(found):>8} {memory:>7} {'equal' if same else 'changed':>10}")


def main() -> None:
    files = [Path(name) for name in sys.argv[1:]] or [
        file for file in (ROOT / "edmx" / "industryData.xml", GRAPH) if file.exists()]
    print(f"{'file':24} {'bytes':>9} {'load':>8} {'cached':>8} {'to xml':>8} {'to json':>8} {'check':>8} {'findings':>8} "
          f"{'MB':>7} {'round trip':>10}")
    for file in files:
        measure(file)


if __name__ == "__main__":
    main()

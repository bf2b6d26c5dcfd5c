"""`make bench-peers`: the cases over HTTP beside another OData server; medians of paired ratios.

Builds the peer of `benchmarks/peer` (needs Go and the module go-odata; `--peer COMMAND` names another one, with {port}
and {database} in it), starts it beside `odata serve` with one worker, and drives both with wrk. All servers run at once
and each round visits each once, so a round yields one ratio. Only ratios of one run are compared; a case with failed
requests is void. For case h a ratio below one is better, elsewhere one above. Creating (i) comes last: it changes data.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.dataset import HERE, MODEL, WORK, DataSet, prepare

FILTERED = "status%20eq%20'failed'"
TARGETS = {
    "b": "/runs?$top=20",
    "c": f"/runs?$filter={FILTERED}&$orderby=startDateTime%20desc&$top=50&$select=id,displayName,status",
    "d": "/runs?$top=1000",
    "e": "/runs?$top=1000&$expand=process",
    "f": "/processes?$expand=runs($top=5)&$top=50",
    "g": f"/runs?$count=true&$top=1&$filter={FILTERED}",
    "j": "/runs?$apply=groupby((status),aggregate($count%20as%20n))",
}
SCRIPTED = {"a": "keys.lua", "k": "batch.lua", "i": "create.lua"}
EXPECTED = {"a": 1.4, "b": 2.2, "c": 1.5, "d": 3.3, "e": 2.4, "f": 45, "g": 1, "h": 0.3, "i": 1.3, "j": 1.1, "k": 5}
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True, slots=True)
class Server:
    """One contender, running."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    def memory(self) -> float:
        parent = psutil.Process(self.process.pid)
        return float(sum(each.memory_info().rss for each in [parent, *parent.children(recursive=True)]) / 1e6)


# --- starting ------------------------------------------------------------------------------------

def build_peer() -> str | None:
    """The command of the built peer, or None with the reason printed."""
    folder = WORK / "peer"
    if not (folder / "peer").exists():
        if shutil.which("go") is None:
            print("no peer: there is no Go toolchain")
            return None
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "peer" / "main.go", folder)
        (folder / "go.mod").unlink(missing_ok=True)
        for step in ("go mod init peer", "go mod tidy", "go build -o peer ."):
            done = subprocess.run(shlex.split(step), cwd=folder, capture_output=True, text=True,
                                  env={**os.environ, "CGO_ENABLED": "1"})
            if done.returncode:
                print(f"no peer: {step}:", *done.stderr.strip().splitlines()[-2:], sep="\n  ")
                return None
    return f"{folder / 'peer'} {{database}} {{port}}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(name: str, command: str, source: Path) -> Server:
    """A contender over a copy of its own of the data."""
    database = WORK / f"run-{name}.db"
    for stale in WORK.glob(f"run-{name}.db*"):
        stale.unlink()
    shutil.copy(source, database)
    port = free_port()
    arguments = shlex.split(command.format(port=port, database=database))
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return Server(name, port, process)
        except OSError:
            if time.monotonic() > until or process.poll() is not None:
                raise SystemExit(f"{name} does not listen: {shlex.join(arguments)}") from None
            time.sleep(0.1)


# --- measuring -----------------------------------------------------------------------------------

def wrk(server: Server, case: str, found: DataSet, seconds: int, connections: int) -> dict[str, float]:
    """Requests a second, 50th and 99th percentile in ms, failed requests."""
    command = ["wrk", f"-t{min(2, connections)}", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "30s"]
    url, arguments = f"http://127.0.0.1:{server.port}{TARGETS.get(case, '/')}", []
    if case in SCRIPTED:
        command += ["-s", str(HERE / "load" / SCRIPTED[case])]
        arguments = ["--", found.first_process() if case == "i" else str(found.keys)]
    shown = subprocess.run([*command, url, *arguments], capture_output=True, text=True, check=True).stdout
    result = {"per s": float(found_number(r"Requests/sec:\s+([\d.]+)", shown)[0])}
    for percentile in ("50", "99"):
        value, unit = found_number(rf"^\s+{percentile}%\s+([\d.]+)(us|ms|s|m)", shown)
        result[f"p{percentile}"] = float(value) * UNITS[unit]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", shown)
    result["failed"] = float(bad[1]) if bad else 0.0
    return result


def found_number(pattern: str, text: str) -> tuple[str, ...]:
    match = re.search(pattern, text, re.M)
    if match is None:
        raise SystemExit(f"wrk said:\n{text}")
    return match.groups()


def export(server: Server) -> dict[str, float]:
    """The whole set by one client: first byte and all of it in ms, bytes, growth of memory in MB."""
    before = peak = server.memory()
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    begin = time.perf_counter()
    connection.request("GET", "/runs")
    response = connection.getresponse()
    size = len(response.read(1))
    first = time.perf_counter() - begin
    while data := response.read(1 << 20):
        size += len(data)
        if size // (1 << 20) % 8 == 0:
            peak = max(peak, server.memory())
    total = time.perf_counter() - begin
    connection.close()
    return {"total": total * 1e3, "first": first * 1e3, "bytes": float(size), "growth": peak - before}


def compare(servers: list[Server], found: DataSet, letters: str, rounds: int, seconds: int) -> None:
    """Print one line a server and case; ratios are against the last server, the peer."""
    peer = servers[-1]
    for case in sorted(letters, key=lambda letter: (letter == "i", letters.index(letter))):
        def once(server: Server, length: int = seconds) -> dict[str, float]:
            return export(server) if case == "h" else wrk(server, case, found, length, 16)

        figure = "total" if case == "h" else "per s"
        for server in servers:
            once(server, 1)
        runs = [{server.name: once(server) for server in servers} for _ in range(rounds)]
        for server in servers:
            ratio = statistics.median(run[server.name][figure] / run[peer.name][figure] for run in runs)
            medians = {key: statistics.median(run[server.name][key] for run in runs) for key in runs[0][server.name]}
            lone = "" if case == "h" else f"  lone p50 {wrk(server, case, found, 1, 1)['p50']:.2f} ms"
            goal = ""
            if server is not peer:
                held = ratio <= EXPECTED[case] if case == "h" else ratio >= EXPECTED[case]
                goal = f" ({'kept' if held else 'missed'}: {EXPECTED[case]:g})"
            void = "  VOID: failed requests" if any(run[server.name].get("failed") for run in runs) else ""
            shown = f"{ratio:7.2f} ×{goal}" if len(servers) > 1 else ""
            print(f"{case} {server.name:8} {shown}  "
                  + ", ".join(f"{key} {value:,.1f}" for key, value in medians.items()) + lone + void, flush=True)


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make bench-peers", description=__doc__)
    arguments.add_argument("--peer", metavar="COMMAND", help="another peer: a command with {port} and {database}")
    arguments.add_argument("--cases", default="abcdefghjki")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=2)
    arguments.add_argument("--workers", type=int, default=1)
    options = arguments.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is needed: apt-get install wrk")
        return 2
    found = prepare()
    command = options.peer or build_peer()
    ours = (f"{sys.executable} -m app serve {MODEL} --database sqlite:///{{database}} --port {{port}} "
            f"--workers {options.workers} --page-size 0")
    launches: list[Callable[[], Server]] = [lambda: start("project", ours, found.bench)]
    if command is not None:
        launches.append(lambda: start("peer", command, found.plain))
    servers: list[Server] = []
    try:
        for launch in launches:
            servers.append(launch())
        compare(servers, found, options.cases, options.rounds, options.seconds)
    finally:
        for server in servers:
            server.process.terminate()
        for server in servers:
            server.process.wait(30)
    return 0 if command is not None else 1


if __name__ == "__main__":
    sys.exit(main())

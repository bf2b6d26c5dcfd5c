"""Drivers: how each database is connected, begins its transactions, streams, locks, and what its errors mean.

Peewee parses the URL and opens connections; statements run on the driver's own connection. Translation: a driver's
error becomes an error of `app.errors`, or `Retry` where the same transaction may succeed when tried again.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import peewee as pw
from playhouse import db_url

from app.errors import (BindError, BodyError, ConfigurationError, Conflict, DuplicateKey, LimitExceeded, ODataError,
                        ServiceUnavailable)
from app.store.dialects import Dialect, out_of_range
from app.store.mariadb import MariaDB
from app.store.postgresql import CockroachDB, PostgreSQL
from app.store.sqlite import SQLite

LOCK_WAIT = 600     # seconds that a start waits for the start of another process
STEPS = 10_000      # of SQLite between two looks at the clock: well below a tenth of a second, also where they call functions
INSERT = re.compile(r"INSERT INTO (.*) VALUES \((?:%s, )*%s\)")


class Retry(ServiceUnavailable):
    """The transaction lost against another one and is to be run again; 503 where nobody does. `remedy`: what has to be
    done before, outside the transaction."""

    message = "The data changed at the same time; try again"
    remedy: Callable[[], None] | None = None


class Lost(Exception):
    """The connection is gone."""


class Driver:
    """One database server or file. `limit` is the time that a statement may take, in seconds; of a stream, each chunk."""

    dialect: ClassVar[Dialect]
    begin_read: ClassVar[str]
    begin_write: ClassVar[str] = "BEGIN"
    begin_isolated: ClassVar[str]       # a transaction that changes data and sees it as of its beginning
    defer: ClassVar[str]                # from here on references are not checked at each statement
    undefer: ClassVar[str]              # from here on they are again
    unchecked: ClassVar[tuple[str, ...]] = ()       # switches the checking of references off for this connection
    checked: ClassVar[tuple[str, ...]] = ()         # and on
    streaming: ClassVar[tuple[str, ...]] = ()       # prepares a connection for streams
    shared = False      # one connection for all threads

    limit: float | None = None

    def __init__(self, url: str, busy_timeout: float) -> None:
        self.busy_timeout = busy_timeout
        try:
            self.database: Any = db_url.connect(url, **self.settings())
        except (ValueError, RuntimeError, TypeError, pw.ImproperlyConfigured) as error:
            raise ConfigurationError(f"The database URL cannot be used: {error}") from None

    def settings(self) -> dict[str, Any]:
        """Connection parameters beside those of the URL."""
        return {}

    def limited(self, seconds: float | None) -> None:
        """New connections give statements this long."""
        self.limit = seconds
        given, known = self.settings(), self.database.connect_params
        known.update({name: given[name] for name in known.keys() & given.keys()})

    def open(self) -> Any:
        """A new connection."""
        try:
            return self.database._connect()     # Peewee's own way to a connection that it does not keep per thread
        except Exception as error:
            raise self.unreachable(error) from error

    def unreachable(self, error: Exception) -> ODataError:
        if isinstance(error, ODataError):
            return error
        if isinstance(error, pw.ImproperlyConfigured):
            return ConfigurationError(str(error))
        return ServiceUnavailable(f"The database cannot be reached: {str(error).strip().splitlines()[0]}",
                                  retry_after=5)

    def execute(self, connection: Any, text: str, parameters: Sequence[Any]) -> Any:
        """A cursor that has run the statement."""
        cursor = connection.cursor()
        cursor.execute(text, parameters)
        return cursor

    def fetch(self, cursor: Any) -> list[tuple[Any, ...]]:
        """All rows of a cursor."""
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def executemany(self, connection: Any, text: str, rows: Sequence[Sequence[Any]]) -> int:
        cursor = connection.cursor()
        cursor.executemany(text, rows)
        return int(cursor.rowcount)

    def chunks(self, connection: Any, text: str, parameters: Sequence[Any],
               size: int) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a statement in lists of at most `size`, never all in memory."""
        raise NotImplementedError

    def find_table(self, name: str) -> tuple[str, tuple[str, ...]]:
        """A statement that gives a row where the table exists."""
        schema = "DATABASE()" if self.dialect.name == "mariadb" else "current_schema()"
        return f"SELECT 1 FROM information_schema.tables WHERE table_schema = {schema} AND table_name = %s", (name,)

    def translate(self, error: Exception) -> Exception:
        """What an error of the driver means."""
        return error

    def lock(self, connection: Any) -> contextlib.AbstractContextManager[None]:
        """The lock that one starting process holds."""
        raise NotImplementedError

    def unhurried(self, connection: Any) -> contextlib.AbstractContextManager[None]:
        """Inside, a transaction's statements may take as long as they need."""
        return contextlib.nullcontext()

    def too_slow(self) -> LimitExceeded:
        allowed = f"{self.limit:g} seconds" if self.limit else "what the database gives it"
        return LimitExceeded(limit="time of a query", allowed=allowed)


def duplicate(columns: str = "") -> DuplicateKey:
    found = [each.rpartition(".")[2].strip(' "`') for each in columns.split(",")]
    return DuplicateKey(name for name in found if name and name[0] != "_")


def dangling() -> Conflict:
    return Conflict("A reference leads to no entity, or an entity is still referred to", code="referenceConflict")


def required(column: str) -> BodyError:
    return BodyError(f"A value for '{column}' is required", code="valueRequired")


def too_deep() -> LimitExceeded:
    return LimitExceeded(limit="nesting of an expression", allowed="what the database can read")


def too_large() -> LimitExceeded:
    return LimitExceeded(limit="size of a query", allowed="what the database takes")


def full() -> ServiceUnavailable:
    return ServiceUnavailable("The store is full", retry_after=60)


def read_only() -> ServiceUnavailable:
    return ServiceUnavailable("The store can only be read at the moment", retry_after=60)


def failing() -> ServiceUnavailable:
    return ServiceUnavailable("The store cannot be read or written at the moment", retry_after=60)


TROUBLE: dict[str, Callable[[], ServiceUnavailable]] = {        # of a SQLite file
    "SQLITE_FULL": full, "SQLITE_READONLY": read_only, "SQLITE_PERM": read_only, "SQLITE_IOERR": failing,
    "SQLITE_CANTOPEN": failing, "SQLITE_CORRUPT": failing, "SQLITE_NOTADB": failing}


def division_by_zero() -> BindError:
    return BindError("The expression divides by zero", code="divisionByZero")


class SQLiteDriver(Driver):
    """A file in WAL mode, or one shared connection in memory."""

    dialect = SQLite()
    begin_read = "BEGIN"
    begin_write = begin_isolated = "BEGIN IMMEDIATE"
    unchecked, checked = ("PRAGMA foreign_keys = 0",), ("PRAGMA foreign_keys = 1",)
    defer, undefer = "PRAGMA defer_foreign_keys = 1", "SELECT 1"     # they are checked at the end of the transaction
    streaming = ("PRAGMA mmap_size = 0",)   # a stream reads everything once: mapped, the whole file would count as memory

    def __init__(self, url: str, busy_timeout: float) -> None:
        super().__init__(url, busy_timeout)
        self.path = str(self.database.database)
        self.shared = ":memory:" in self.path
        self.journal_set = self.shared
        self.local = threading.local()      # when the statement `began`; `why` a function of ours failed
        self._register()
        if not self.shared:
            try:
                Path(self.path).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigurationError(f"The folder of the database {self.path} cannot be made: {error.strerror}") from None

    def settings(self) -> dict[str, Any]:
        return {"pragmas": {"foreign_keys": 1, "mmap_size": 2**28, "cache_size": -16000, "synchronous": "FULL",
                            "temp_store": 2},
                "timeout": self.busy_timeout, "cached_statements": 512, "check_same_thread": False}

    def _register(self) -> None:
        from app.store import sqlite_functions
        for name, arity, function in sqlite_functions.FUNCTIONS:
            self.database.register_function(self._reporting(function), name, arity, True)
        for name, arity, aggregate in sqlite_functions.AGGREGATES:
            self.database.register_window_function(aggregate, name, arity)

    def _reporting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, remembering why it failed: SQLite itself only says that it did."""
        def run(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except Exception as error:
                self.local.why = error
                raise
        return run

    def open(self) -> Any:
        connection = super().open()
        if not self.journal_set:
            self._write_ahead(connection)
        connection.set_progress_handler(self._late, STEPS)
        return connection

    @contextlib.contextmanager
    def unhurried(self, connection: Any) -> Iterator[None]:
        connection.set_progress_handler(None, 0)
        try:
            yield
        finally:
            connection.set_progress_handler(self._late, STEPS)

    def _late(self) -> bool:
        """Whether the statement of this thread has had its time."""
        return self.limit is not None and time.monotonic() - self.local.began > self.limit

    def _write_ahead(self, connection: Any) -> None:
        """WAL is a property of the file; changing it does not wait for others by itself."""
        end = time.monotonic() + self.busy_timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = wal").fetchall()
                break
            except Exception as error:
                if time.monotonic() > end:
                    raise self.translate(error) from error
                time.sleep(0.02)
        self.journal_set = True

    def execute(self, connection: Any, text: str, parameters: Sequence[Any]) -> Any:
        self.local.began = time.monotonic()
        return connection.execute(text, parameters)

    def executemany(self, connection: Any, text: str, rows: Sequence[Sequence[Any]]) -> int:
        self.local.began = time.monotonic()
        return super().executemany(connection, text, rows)

    def chunks(self, connection: Any, text: str, parameters: Sequence[Any],
               size: int) -> Iterator[list[tuple[Any, ...]]]:
        cursor = self.execute(connection, text, parameters)
        try:
            while True:
                self.local.began = time.monotonic()     # of the thread that reads on
                rows = cursor.fetchmany(size)
                if not rows:
                    return
                yield rows
        finally:
            cursor.close()

    def find_table(self, name: str) -> tuple[str, tuple[str, ...]]:
        return "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)

    @contextlib.contextmanager
    def lock(self, connection: Any) -> Iterator[None]:
        connection.execute(f"PRAGMA busy_timeout = {LOCK_WAIT * 1000}")
        try:
            connection.execute("BEGIN EXCLUSIVE")
        finally:
            connection.execute(f"PRAGMA busy_timeout = {int(self.busy_timeout * 1000)}")
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def translate(self, error: Exception) -> Exception:
        import sqlite3
        if isinstance(error, OverflowError):
            return out_of_range()
        if not isinstance(error, sqlite3.Error):
            return error
        name, message = str(getattr(error, "sqlite_errorname", "")), str(error)
        if name.startswith("SQLITE_CONSTRAINT"):
            return self._constraint(name, message, error)
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return ServiceUnavailable(f"The store was busy for {self.busy_timeout} seconds")
        if name == "SQLITE_INTERRUPT":
            return self.too_slow()
        if trouble := TROUBLE.get("_".join(name.split("_")[:2])):
            return trouble()
        why = self.local.__dict__.pop("why", None)
        if isinstance(why, ODataError):
            return why
        if isinstance(why, ZeroDivisionError):
            return division_by_zero()
        if "parser stack overflow" in message or "Expression tree is too large" in message:
            return too_deep()
        if message.startswith(("too many ", "at most ")):       # columns, terms, variables; tables in a join
            return too_large()
        return out_of_range() if isinstance(why, ArithmeticError) or "integer overflow" in message else error

    def _constraint(self, name: str, message: str, error: Exception) -> Exception:
        columns = message.partition(": ")[2]
        if name in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID"):
            return duplicate(columns)
        if name in ("SQLITE_CONSTRAINT_FOREIGNKEY", "SQLITE_CONSTRAINT_TRIGGER"):
            return dangling()
        if name == "SQLITE_CONSTRAINT_NOTNULL":
            return required(columns.rpartition(".")[2])
        return error


class PostgreSQLDriver(Driver):
    """PostgreSQL through psycopg 3, in UTC, with instants, uuid and json as the server's text."""

    dialect = PostgreSQL()
    begin_read, begin_isolated = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "BEGIN ISOLATION LEVEL REPEATABLE READ"
    defer, undefer = "SET CONSTRAINTS ALL DEFERRED", "SET CONSTRAINTS ALL IMMEDIATE"
    unread = ("date", "time", "timestamp", "timestamptz", "interval", "uuid", "json", "jsonb")
    meanings: ClassVar[dict[str, Callable[[], ODataError]]] = {
        "22012": division_by_zero, "22003": out_of_range, "23503": dangling, "23001": dangling, "23505": duplicate,
        "40001": Retry, "40P01": Retry, "54001": too_deep, "54011": too_large, "54023": too_large,
        "22008": out_of_range, "54000": lambda: BodyError("A text is too long for an index of its property"),
        "55P03": lambda: ServiceUnavailable("The store was busy"),
        "25006": read_only, "53100": full, "53200": failing, "58030": failing,
        "53300": lambda: ServiceUnavailable("The database has no connection left")}

    def settings(self) -> dict[str, Any]:
        import psycopg
        from psycopg.adapt import AdaptersMap
        from psycopg.types.string import TextLoader
        adapters = AdaptersMap(psycopg.adapters)
        for name in self.unread:
            adapters.register_loader(name, TextLoader)
        limits = {"TimeZone": "UTC", "DateStyle": "ISO", "lock_timeout": f"{int(self.busy_timeout * 1000)}",
                  "idle_in_transaction_session_timeout": "600000",
                  "statement_timeout": f"{int((self.limit or 0) * 1000)}"}
        return {"prefer_psycopg3": True, "context": adapters, "client_encoding": "utf8",
                "options": " ".join(f"-c {name}={value}" for name, value in limits.items())}

    def execute(self, connection: Any, text: str, parameters: Sequence[Any]) -> Any:
        return connection.execute(text, parameters)

    def executemany(self, connection: Any, text: str, rows: Sequence[Sequence[Any]]) -> int:
        """Rows of an INSERT are copied: a statement for each costs more than the row."""
        insert = INSERT.fullmatch(text)
        if insert is None or len(rows) == 1:
            return super().executemany(connection, text, rows)
        with connection.cursor() as cursor:
            with cursor.copy(f"COPY {insert[1]} FROM STDIN".replace("%%", "%")) as copy:
                for row in rows:
                    copy.write_row(row)
            return int(cursor.rowcount)

    def chunks(self, connection: Any, text: str, parameters: Sequence[Any],
               size: int) -> Iterator[list[tuple[Any, ...]]]:
        with connection.cursor(name="odata_stream") as cursor:
            cursor.execute(text, parameters)
            while rows := cursor.fetchmany(size):
                yield rows

    @contextlib.contextmanager
    def unhurried(self, connection: Any) -> Iterator[None]:
        connection.execute("SET LOCAL statement_timeout = 0")       # a transaction that fails takes it back
        yield
        connection.execute("RESET statement_timeout")

    @contextlib.contextmanager
    def lock(self, connection: Any) -> Iterator[None]:
        connection.execute(f"SET lock_timeout = {LOCK_WAIT * 1000}")
        connection.execute("SELECT pg_advisory_lock(hashtext('odata'), hashtext(current_schema()))")
        connection.execute(f"SET lock_timeout = {int(self.busy_timeout * 1000)}")
        try:
            yield
        finally:
            with contextlib.suppress(Exception):     # a lost connection has lost its locks too
                connection.execute("SELECT pg_advisory_unlock(hashtext('odata'), hashtext(current_schema()))")

    def translate(self, error: Exception) -> Exception:
        import psycopg
        if isinstance(error, OverflowError):
            return out_of_range()
        if not isinstance(error, psycopg.Error):
            return error
        state = error.sqlstate
        if state is None or state[:2] == "08" or state in ("57P01", "57P02", "57P03", "25P03"):
            return Lost() if isinstance(error, psycopg.OperationalError) else error
        if state == "0A000" and "cannot convert" in str(error):     # NaN or infinity to an integer
            return out_of_range()
        if state == "57014":
            return self.too_slow()
        if state == "23505":
            found = re.search(r"Key \((.*?)\)=", error.diag.message_detail or "")
            return duplicate(found[1] if found else "")
        if state == "23502":
            return required(error.diag.column_name or "")
        meaning = self.meanings.get(state)
        return meaning() if meaning else error


class CockroachDBDriver(PostgreSQLDriver):
    """CockroachDB: SQL text only; nothing here was run against a server."""

    dialect = CockroachDB()


SORT_BUFFER = 32 << 20          # of MariaDB, which wants room for fifteen rows of sort keys of `max_sort_length`


class MariaDBDriver(Driver):
    """MariaDB through PyMySQL, in UTC, with binary collation and instants as text."""

    dialect = MariaDB()
    begin_read = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
    begin_write, begin_isolated = "START TRANSACTION", "START TRANSACTION WITH CONSISTENT SNAPSHOT"
    defer, undefer = "SET SESSION foreign_key_checks = 0", "SET SESSION foreign_key_checks = 1"
    unchecked, checked = (defer,), (undefer,)
    streaming = ("SET SESSION max_statement_time = 0",)     # it would count the time that the reader takes
    meanings: ClassVar[dict[int, Callable[[], Exception]]] = {
        1062: duplicate, 1022: duplicate, 1451: dangling, 1452: dangling, 1216: dangling, 1217: dangling,
        1205: Retry, 1213: Retry, 1020: Retry, 1690: out_of_range, 1264: out_of_range, 1365: division_by_zero,
        4025: lambda: LimitExceeded(limit="nesting of a value", allowed="31 levels on this database"),      # `json_valid`
        1116: too_large, 1117: too_large, 1390: too_large, 1153: too_large, 1436: too_deep,
        1242: division_by_zero,     # the dialect provokes this one where a divisor is zero
        1040: lambda: ServiceUnavailable("The database has no connection left"),
        1290: read_only, 1792: read_only, 1836: read_only, 1021: full, 1114: full, 1030: failing, 1041: failing,
        1038: lambda: ServiceUnavailable("The database has too little memory to sort this"),
        2006: Lost, 2013: Lost, 2003: Lost, 2002: Lost, 1927: Lost, 4031: Lost}

    def settings(self) -> dict[str, Any]:
        try:
            from pymysql.constants import CLIENT, FIELD_TYPE
            from pymysql.converters import conversions
        except ImportError:
            raise ConfigurationError("mysql:// needs PyMySQL") from None
        temporal = (FIELD_TYPE.DATE, FIELD_TYPE.DATETIME, FIELD_TYPE.TIME, FIELD_TYPE.TIMESTAMP)
        session = {"time_zone": "'+00:00'", "max_sort_length": "65536",
                   "sort_buffer_size": str(SORT_BUFFER), "div_precision_increment": "30",
                   "sql_mode": "'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION'",
                   "innodb_lock_wait_timeout": str(max(1, int(self.busy_timeout))),
                   "max_statement_time": str(self.limit or 0)}
        return {"mariadb": True, "collation": "utf8mb4_nopad_bin", "client_flag": CLIENT.FOUND_ROWS,
                "conv": {kind: convert for kind, convert in conversions.items() if kind not in temporal},
                "init_command": "SET SESSION " + ", ".join(f"{name} = {value}" for name, value in session.items())}

    def __init__(self, url: str, busy_timeout: float) -> None:
        super().__init__(url, busy_timeout)
        # Peewee asks the server whether compound queries may have parentheses; texts are compiled without one.
        self.database.compound_select_parentheses = pw.CSQ_PARENTHESES_GROUPED

    def fetch(self, cursor: Any) -> list[tuple[Any, ...]]:
        return list(cursor.fetchall())

    def chunks(self, connection: Any, text: str, parameters: Sequence[Any],
               size: int) -> Iterator[list[tuple[Any, ...]]]:
        from pymysql.cursors import SSCursor
        with connection.cursor(SSCursor) as cursor:
            with self._watched(connection):
                cursor.execute(text, parameters)
                rows = list(itertools.islice(cursor, size))
            while rows:
                yield rows
                with self._watched(connection):
                    rows = list(itertools.islice(cursor, size))

    @contextlib.contextmanager
    def _watched(self, connection: Any) -> Iterator[None]:
        """What is read inside ends in time: the server's own limit would count the time that the client takes."""
        if self.limit is None:
            yield
            return
        watch = threading.Timer(self.limit, self._end, (connection.thread_id(),))
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def _end(self, number: int) -> None:
        with contextlib.suppress(Exception), contextlib.closing(self.open()) as other:
            other.cursor().execute(f"KILL QUERY {int(number)}")

    @contextlib.contextmanager
    def lock(self, connection: Any) -> Iterator[None]:
        cursor = connection.cursor()
        cursor.execute("SELECT GET_LOCK(CONCAT('odata.', DATABASE()), %s)", (LOCK_WAIT,))
        if cursor.fetchone()[0] != 1:
            raise ServiceUnavailable("Another process has been starting for too long", retry_after=60)
        try:
            yield
        finally:
            with contextlib.suppress(Exception):     # a lost connection has lost its locks too
                cursor.execute("SELECT RELEASE_LOCK(CONCAT('odata.', DATABASE()))")

    def translate(self, error: Exception) -> Exception:
        import pymysql
        if not isinstance(error, pymysql.Error):
            return error
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        message = str(error.args[1]) if len(error.args) > 1 else ""
        if number in (1969, 3024, 1317):
            return self.too_slow()
        if number in (1048, 1364):
            found = re.search(r"'([^']*)'", message)
            return required(found[1] if found else "")
        if number == 0 and isinstance(error, pymysql.err.InterfaceError):
            return Lost()
        meaning = self.meanings.get(number)
        return meaning() if meaning else error


DRIVERS: dict[str, type[Driver]] = {
    "sqlite": SQLiteDriver, "postgresql": PostgreSQLDriver, "postgres": PostgreSQLDriver, "mysql": MariaDBDriver,
    "cockroachdb": CockroachDBDriver}


def driver(url: str, busy_timeout: float) -> Driver:
    """The driver for a database URL. Raises ConfigurationError where there is none."""
    scheme = urlsplit(url).scheme
    if scheme not in DRIVERS:
        known = ", ".join(f"{name}://" for name in DRIVERS)
        raise ConfigurationError(f"A database URL begins with one of {known}; not with '{scheme}://'")
    return DRIVERS[scheme](url, busy_timeout)

"""Database: a URL becomes a `Store`, which runs SQL text.

One connection per thread, kept open, opened again when it was lost; streams own one each, at most eight per process.
Outside `read()` and `write()` a statement is its own transaction. Texts are those of the dialect's placeholder style;
for servers a literal `%` is written `%%`.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

import peewee as pw

from app.errors import ServiceUnavailable
from app.store import drivers
from app.store.drivers import Lost, Retry

__all__ = ["Result", "Retry", "Store", "Stream", "connect"]

STREAMS = 8
ATTEMPTS = 8
PAUSE = 0.02         # seconds, at most, after the first of them that lost; twice as long after each other
Rows = list[tuple[Any, ...]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Result:
    """What a changing statement did: the rows it returned (RETURNING) and how many it touched."""

    rows: Rows
    count: int


class Store:
    """One database. `on_statement` is called with the text of every statement that runs, transaction control
    excluded."""

    def __init__(self, driver: drivers.Driver) -> None:
        self.driver = driver
        self.dialect = driver.dialect
        self.database: pw.Database = driver.database
        self.on_statement: Callable[[str], None] | None = None
        self._thread = threading.local()
        self._opened: dict[int, Any] = {}
        self._guard = threading.RLock()
        self._lost = threading.RLock()
        self._turn: contextlib.AbstractContextManager[Any] = self._guard if driver.shared else contextlib.nullcontext()
        self.tables: dict[str, str] | None = None       # what `schema` knows to exist: mapping id → fingerprint
        self._streams = threading.BoundedSemaphore(STREAMS)
        self._idle: list[Any] = []

    # --- connections -------------------------------------------------------------------------------------

    def connection(self) -> Any:
        """The driver's connection of this thread."""
        found = getattr(self._thread, "connection", None)
        return self._open() if found is None else found

    def _open(self) -> Any:
        with self._guard:
            if self.driver.shared and self._opened:
                self._thread.connection = next(iter(self._opened.values()))
            else:
                alive = {thread.ident for thread in threading.enumerate()}
                for ident in [each for each in self._opened if each not in alive]:
                    if not self.driver.shared:
                        self._discard(self._opened.pop(ident))
                if threading.get_ident() in self._opened:      # the number of an ended thread, given again
                    self._discard(self._opened.pop(threading.get_ident()))
                self._thread.connection = self._opened[threading.get_ident()] = self.driver.open()
            self._thread.depth = getattr(self._thread, "depth", 0)
        return self._thread.connection

    def _discard(self, connection: Any) -> None:
        with contextlib.suppress(Exception):     # it is of no use any more, whatever it says
            connection.close()

    def _forget(self) -> None:
        with self._guard:
            self._opened.pop(threading.get_ident(), None)
            self._discard(self._thread.connection)
        self._thread.connection = None

    def close(self) -> None:
        """Close every connection; the next statement of a thread opens one again."""
        with self._guard:
            for connection in (*self._opened.values(), *self._idle):
                self._discard(connection)
            self._opened.clear()
            self._idle.clear()
            self._thread = threading.local()

    def limit(self, seconds: float | None) -> None:
        """From here on a statement, and each chunk of a stream, may take this long: LimitExceeded beyond it."""
        self.driver.limited(seconds)
        if not self.driver.shared:
            self.close()

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is inside `read()` or `write()`."""
        return getattr(self._thread, "depth", 0) > 0

    @property
    def writing(self) -> bool:
        """Whether this thread is inside `write()`."""
        return getattr(self._thread, "writing", False)

    # --- statements --------------------------------------------------------------------------------------

    def compile(self, query: pw.Node) -> tuple[str, tuple[Any, ...]]:
        """The text of a Peewee query and what it binds, in order."""
        context: Any = self.database.get_sql_context()
        text, parameters = context.sql(query).query()
        return text, tuple(parameters)

    def has_table(self, name: str) -> bool:
        """Whether the database has a table of this name."""
        return bool(self.run(*self.driver.find_table(name)))

    def run(self, text: str, parameters: Sequence[Any] = ()) -> Rows:
        """The rows of a statement. Raises errors of `app.errors`."""
        if self.on_statement is not None:
            self.on_statement(text)
        driver = self.driver
        if not driver.shared:           # every read comes by here: nothing between it and the driver
            try:
                return driver.fetch(driver.execute(self.connection(), text, parameters))
            except Exception as error:
                failure = error
            return self._recover(lambda connection: driver.fetch(driver.execute(connection, text, parameters)), failure)
        return self._perform(lambda connection: driver.fetch(driver.execute(connection, text, parameters)))

    def execute(self, text: str, parameters: Sequence[Any] = ()) -> Result:
        """Run a changing statement: the rows of its RETURNING clause and the number of rows it touched."""
        def work(connection: Any) -> Result:
            cursor = self.driver.execute(connection, text, parameters)
            rows = self.driver.fetch(cursor) if cursor.description else []
            return Result(rows, len(rows) if rows else cursor.rowcount)
        return self._perform(work, text)

    def executemany(self, text: str, rows: Sequence[Sequence[Any]]) -> int:
        """Run a changing statement once for each row of parameters; how many rows it touched."""
        return self._perform(lambda connection: self.driver.executemany(connection, text, rows), text) if rows else 0

    def _perform(self, work: Callable[[Any], T], text: str | None = None) -> T:
        if text is not None and self.on_statement is not None:
            self.on_statement(text)
        with self._turn:
            try:
                return work(self.connection())
            except Exception as error:
                failure = error
            return self._recover(work, failure)

    def _recover(self, work: Callable[[Any], T], error: Exception) -> T:
        """After a failed statement: once more where only the connection was lost, else what the error means."""
        meaning = self.driver.translate(error)
        if isinstance(meaning, Lost):
            return self._again(work, error)
        if meaning is error:
            raise error
        raise meaning from error

    def _again(self, work: Callable[[Any], T], error: Exception) -> T:
        """After a lost connection: a statement of its own runs once more; a transaction is over."""
        self._forget()
        if self.in_transaction:
            raise Retry("The connection to the database was lost") from error
        try:
            return work(self.connection())
        except Exception as second:
            meaning = self.driver.translate(second)
            gone = isinstance(meaning, Lost)
            raise (ServiceUnavailable("The database cannot be reached") if gone else meaning) from second

    # --- transactions ------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def read(self) -> Iterator[None]:
        """One view of the data for the statements inside; within another transaction that one's view."""
        if self.in_transaction:
            yield
            return
        with self._transaction(self.driver.begin_read):
            yield

    @contextlib.contextmanager
    def write(self) -> Iterator[None]:
        """All or nothing: committed at the end, rolled back on an error; inside another transaction a savepoint.

        Raises ServiceUnavailable where the store stays busy, and Retry (see `transact`).
        """
        with self.savepoint() if self.in_transaction else self._transaction(self._begin_write):
            yield

    @property
    def _begin_write(self) -> str:
        return self.driver.begin_isolated if getattr(self._thread, "isolated", False) else self.driver.begin_write

    def transact(self, work: Callable[[], T]) -> T:
        """The result of `work`, run inside `write()`, again where it lost against another transaction.

        Inside a transaction `work` is part of that one, whose owner undoes all of it and tries again; inside `apart()` it
        is undone alone where it fails.
        """
        if self.in_transaction:
            if not getattr(self._thread, "apart", False):
                return work()
            with self.savepoint():
                return work()
        left = ATTEMPTS
        with contextlib.ExitStack() as queue:
            while True:
                try:
                    return self._attempt(work)
                except Retry as lost:
                    if lost.remedy is not None:
                        lost.remedy()
                        continue
                    left -= 1
                    if not left:
                        raise
                if left == ATTEMPTS - 1:        # those that lost come one after the other: they would meet again
                    queue.enter_context(self._lost)
                time.sleep(random.uniform(0, PAUSE * 2 ** (ATTEMPTS - left - 1)))

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """Inside `write()`: every `transact` in this block is undone by itself where it fails."""
        self._thread.apart = True
        try:
            yield
        finally:
            self._thread.apart = False

    @contextlib.contextmanager
    def isolated(self) -> Iterator[None]:
        """In this block `write()` sees the data as of its beginning, and its own changes."""
        before, self._thread.isolated = getattr(self._thread, "isolated", False), True
        try:
            yield
        finally:
            self._thread.isolated = before

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        with self._turn:
            self._begin(begin)
            try:
                yield
                self._commit()
            except BaseException:
                self._undo()
                raise
            self._end()

    def _attempt(self, work: Callable[[], T]) -> T:
        """The result of `work` in a write transaction: `_transaction` without its generator, which every change would pay for."""
        with self._turn:
            self._begin(self._begin_write)
            try:
                result = work()
                self._commit()
            except BaseException:
                self._undo()
                raise
            self._end()
            return result

    def _commit(self) -> None:
        """The end of a transaction. Where the connection is lost over it nobody knows whether it was carried out: it must
        not run again."""
        try:
            self._control("COMMIT")
        except Retry as error:
            if isinstance(error.__cause__, Exception) and isinstance(self.driver.translate(error.__cause__), Lost):
                raise ServiceUnavailable("The connection to the database was lost while the change was made final; whether it "
                                         "was made can be seen when the database is back") from error
            raise

    def _begin(self, begin: str) -> None:
        self._perform(lambda connection: self.driver.execute(connection, begin, ()))
        self._thread.depth, self._thread.writing = 1, begin != self.driver.begin_read

    def _undo(self) -> None:
        self._rollback()
        self.tables = None      # those made in the transaction are gone
        self._end()

    def _end(self) -> None:
        self._thread.depth, self._thread.writing = 0, False

    @contextlib.contextmanager
    def savepoint(self) -> Iterator[None]:
        """Inside a transaction: what is undone alone when it fails."""
        name = f"s{self._thread.depth}"
        self._control(f"SAVEPOINT {name}")
        self._thread.depth += 1
        try:
            yield
            self._control(f"RELEASE SAVEPOINT {name}")
        except BaseException:
            with contextlib.suppress(Exception):     # the error that led here is the one to tell
                self._control(f"ROLLBACK TO SAVEPOINT {name}")
                self._control(f"RELEASE SAVEPOINT {name}")
            raise
        finally:
            self._thread.depth -= 1

    @contextlib.contextmanager
    def deferred_references(self) -> Iterator[None]:
        """Inside `write()`: references are checked at the end of this block (SQLite: of the transaction; MariaDB: not
        at all, so the caller sees to them)."""
        self._control(self.driver.defer)
        try:
            yield
        except BaseException:
            with contextlib.suppress(Exception):     # the error that led here is the one to tell
                self._control(self.driver.undefer)
            raise
        self._control(self.driver.undefer)

    @contextlib.contextmanager
    def unchecked_references(self) -> Iterator[None]:
        """Outside transactions: no reference is checked inside this block (on PostgreSQL they still are)."""
        for text in self.driver.unchecked:
            self._control(text)
        try:
            yield
        finally:
            for text in self.driver.checked:
                self._control(text)

    def _control(self, text: str) -> None:
        try:
            self.driver.execute(self.connection(), text, ())
        except Exception as error:
            meaning = self.driver.translate(error)
            gone = isinstance(meaning, Lost)
            raise (Retry("The connection to the database was lost") if gone else meaning) from error

    def _rollback(self) -> None:
        try:
            if self._thread.connection is not None:
                self.driver.execute(self._thread.connection, "ROLLBACK", ())
        except Exception:
            self._forget()      # a connection in an unknown state is not used again

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """The start-up lock: one process at a time makes tables and loads data. On SQLite it is a write transaction."""
        if self.in_transaction:
            yield
            return
        with self._turn:
            connection = self.connection()
            held = self.driver.lock(connection)
            try:
                held.__enter__()
            except Exception as error:
                raise self.driver.translate(error) from error
            self._thread.depth = 1 if self.dialect.name == "sqlite" else 0
            try:
                yield
            except BaseException as error:
                self._thread.depth = 0
                held.__exit__(type(error), error, error.__traceback__)
                raise
            self._thread.depth = 0
            held.__exit__(None, None, None)

    # --- streams -----------------------------------------------------------------------------------------

    def stream(self, text: str, parameters: Sequence[Any] = (), size: int = 1000) -> Stream:
        """The rows of a statement in chunks, over a connection and a view of the data of their own.

        Raises ServiceUnavailable when eight streams are open. To be closed, best by `with`.
        """
        if not self._streams.acquire(blocking=False):
            raise ServiceUnavailable(f"{STREAMS} responses are being streamed already")
        return Stream(self, text, parameters, size)

    def _borrow(self) -> Any:
        if self.driver.shared:
            return self.connection()
        with self._guard:
            if self._idle:
                return self._idle.pop()
        connection = self.driver.open()
        for text in self.driver.streaming:
            self.driver.execute(connection, text, ())
        return connection

    def _give_back(self, connection: Any) -> None:
        if self.driver.shared:
            return
        try:
            self.driver.execute(connection, "ROLLBACK", ())
        except Exception:
            self._discard(connection)
            return
        with self._guard:
            self._idle.append(connection)


class Stream:
    """An open stream of rows: iterate over its chunks, `run` further statements in the same view, `close` it.

    Chunks and statements may come from different threads, one at a time. The store in memory has one connection for
    all: there the rows are read at once. So they are inside a transaction, whose view of the data is theirs.
    """

    def __init__(self, store: Store, text: str, parameters: Sequence[Any], size: int) -> None:
        self.store, self.driver = store, store.driver
        self._open = True
        self._connections: list[Any] = []
        try:
            if store.driver.shared or store.in_transaction:
                rows = store.run(text, parameters)
                self._chunks: Iterator[Rows] = iter([rows[at:at + size] for at in range(0, len(rows), size)])
                return
            if store.on_statement is not None:
                store.on_statement(text)
            # MariaDB cannot run a second statement while rows of the first are on their way
            for _ in range(2 if store.dialect.name == "mariadb" else 1):
                connection = store._borrow()
                self._connections.append(connection)
                self.driver.execute(connection, self.driver.begin_read, ())
            self._chunks = self.driver.chunks(self._connections[0], text, parameters, size)
        except BaseException as error:
            self.close()
            raise self._meaning(error) from error

    def _meaning(self, error: BaseException) -> BaseException:
        meaning = self.driver.translate(error) if isinstance(error, Exception) else error
        return ServiceUnavailable("The connection to the database was lost") if isinstance(meaning, Lost) else meaning

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Rows:
        try:
            return next(self._chunks)
        except StopIteration:
            raise
        except Exception as error:
            raise self._meaning(error) from error

    def run(self, text: str, parameters: Sequence[Any] = ()) -> Rows:
        """The rows of another statement in the same view of the data."""
        if not self._connections:
            return self.store.run(text, parameters)
        if self.store.on_statement is not None:
            self.store.on_statement(text)
        try:
            return self.driver.fetch(self.driver.execute(self._connections[-1], text, parameters))
        except Exception as error:
            raise self._meaning(error) from error

    def close(self) -> None:
        """End the view and give the connection back."""
        if not self._open:
            return
        self._open = False
        close = getattr(getattr(self, "_chunks", None), "close", None)
        if close is not None:
            with contextlib.suppress(Exception):     # what remains unread does not matter
                close()
        for connection in self._connections:
            self.store._give_back(connection)
        self._connections = []
        self.store._streams.release()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def connect(url: str, *, busy_timeout: float = 5.0) -> Store:
    """The store behind a database URL; nothing is opened yet. Raises ConfigurationError where the URL is of no use."""
    return Store(drivers.driver(url, busy_timeout))

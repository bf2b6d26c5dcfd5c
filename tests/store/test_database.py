"""Store: transactions, savepoints, threads, streams, lost connections, and what the errors of a database mean."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import peewee as pw
import pytest

from app.errors import (BindError, BodyError, ConfigurationError, Conflict, LimitExceeded, ODataError,
                        ServiceUnavailable)
from app.store import Retry, Store, connect

TABLE = ("CREATE TABLE parent (id INTEGER PRIMARY KEY, name VARCHAR(20) {} NOT NULL UNIQUE)",
         "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER, FOREIGN KEY (parent) REFERENCES parent (id) {})")
MORE = {"postgresql": ("", "DEFERRABLE"), "mariadb": ("CHARACTER SET utf8mb4", "")}


@pytest.fixture
def made(empty: Store) -> Store:
    for text, more in zip(TABLE, MORE.get(empty.dialect.name, ("", "")), strict=True):
        empty.execute(text.format(more))
    return empty


def mark(store: Store) -> str:
    return store.dialect.placeholder


def add(store: Store, number: int, name: str) -> int:
    text = f"INSERT INTO parent (id, name) VALUES ({mark(store)}, {mark(store)})"
    return store.execute(text, (number, name)).count


def names(store: Store) -> list[str]:
    return [name for name, in store.run("SELECT name FROM parent ORDER BY id")]


def in_thread(work: Callable[[], Any]) -> list[Any]:
    """What `work` gave or raised in a thread of its own."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as error:
            found.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    return found


def test_write_is_all_or_nothing(made: Store) -> None:
    with made.write():
        assert add(made, 1, "a") == 1
        assert made.in_transaction
    with pytest.raises(ZeroDivisionError), made.write():
        add(made, 2, "b")
        raise ZeroDivisionError
    assert names(made) == ["a"] and not made.in_transaction


def test_a_write_inside_a_write_is_undone_alone(made: Store) -> None:
    with made.write():
        add(made, 1, "a")
        with pytest.raises(Conflict), made.write():
            add(made, 2, "b")
            add(made, 1, "again")
        with made.savepoint():
            add(made, 3, "c")
    assert names(made) == ["a", "c"]


def test_read_is_one_view(made: Store) -> None:
    if made.driver.shared:
        return
    add(made, 1, "a")
    with made.read():
        assert names(made) == ["a"]
        assert in_thread(lambda: add(made, 2, "b")) == [1]
        assert names(made) == ["a"]
    assert names(made) == ["a", "b"]


def test_changes_tell_rows_and_returned_values(made: Store) -> None:
    text = f"INSERT INTO parent (id, name) VALUES ({mark(made)}, {mark(made)}) RETURNING id"
    assert made.execute(text, (7, "x")).rows == [(7,)]
    assert made.executemany(f"INSERT INTO parent (id, name) VALUES ({mark(made)}, {mark(made)})", [(1, "a"), (2, "b")]) == 2
    assert made.executemany("never run", []) == 0
    assert made.execute("UPDATE parent SET name = name").count == 3
    assert made.execute("DELETE FROM parent WHERE id = 99").count == 0


def test_many_rows_arrive_as_they_are(made: Store) -> None:
    texts = ["a\tb", "c\nd", "e\\f", "\\N", "", "50 %%s", "ж'\""]
    text = f"INSERT INTO parent (id, name) VALUES ({mark(made)}, {mark(made)})"
    assert made.executemany(text, list(enumerate(texts))) == len(texts)
    assert names(made) == texts
    for rows in ([(10, "x"), (11, "x")], [(12, "y"), (12, "z")]):
        with pytest.raises(Conflict), made.write():
            made.executemany(text, rows)
    with pytest.raises(BodyError), made.write():
        made.executemany(text, [(20, "x"), (21, None)])
    assert names(made) == texts


def test_statements_are_observed(made: Store) -> None:
    seen: list[str] = []
    made.on_statement = seen.append
    with made.read():
        names(made)
    with made.write(), made.savepoint():
        add(made, 1, "a")
    assert [text.split()[0] for text in seen] == ["SELECT", "INSERT"]


def test_every_thread_has_a_connection(made: Store) -> None:
    found = in_thread(made.connection)[0]
    assert (found is made.connection()) is made.driver.shared
    in_thread(made.connection)
    assert len(made._opened) <= 2       # those of ended threads are closed when a new one comes


MEANINGS: list[tuple[str, type[ODataError], int, str]] = [
    ("INSERT INTO parent (id, name) VALUES (1, 'b')", Conflict, 409, "duplicateKey"),
    ("INSERT INTO parent (id, name) VALUES (9, 'a')", Conflict, 409, "duplicateKey"),
    ("INSERT INTO child (id, parent) VALUES (9, 99)", Conflict, 409, "referenceConflict"),
    ("DELETE FROM parent", Conflict, 409, "referenceConflict"),
    ("INSERT INTO parent (id, name) VALUES (9, NULL)", BodyError, 400, "valueRequired"),
]


@pytest.mark.parametrize(("text", "kind", "status", "code"), MEANINGS)
def test_errors_of_the_database(made: Store, text: str, kind: type[ODataError], status: int, code: str) -> None:
    add(made, 1, "a")
    made.execute("INSERT INTO child (id, parent) VALUES (1, 1)")
    with pytest.raises(kind) as caught:
        made.execute(text)
    assert (caught.value.status, caught.value.code) == (status, code)


def test_integers_beyond_64_bits_are_an_error_of_the_request(made: Store) -> None:
    texts = {"postgresql": "SELECT CAST(%s AS bigint)", "sqlite": "SELECT ?", "mariadb": "SELECT 9223372036854775807 + %s"}
    with pytest.raises(BindError):
        made.run(texts[made.dialect.name], (2**70 if made.dialect.name != "mariadb" else 1,))


def test_references_can_be_checked_later(made: Store) -> None:
    with made.write(), made.deferred_references():
        made.execute("INSERT INTO child (id, parent) VALUES (1, 5)")
        add(made, 5, "later")
    if made.dialect.name != "mariadb":
        with pytest.raises(Conflict), made.write(), made.deferred_references():
            made.execute("INSERT INTO child (id, parent) VALUES (2, 77)")
    with pytest.raises(Conflict):
        made.execute("INSERT INTO child (id, parent) VALUES (3, 77)")


def test_a_store_that_stays_busy(made: Store) -> None:
    """503 with Retry-After (DESIGN §6); on servers only the same row is busy."""
    add(made, 1, "a")

    def contend() -> None:
        with made.write():
            made.execute("UPDATE parent SET name = 'c' WHERE id = 1")

    with made.write():
        made.execute("UPDATE parent SET name = 'b' WHERE id = 1")
        error, = in_thread(contend)
    assert isinstance(error, ServiceUnavailable) and error.headers["Retry-After"]
    assert names(made) == ["b"]


def test_transactions_that_lose_are_run_again(made: Store) -> None:
    runs: list[int] = []

    def work() -> str:
        runs.append(len(runs))
        add(made, len(runs), f"n{len(runs)}")
        if len(runs) < 3:
            raise Retry
        return "done"

    assert made.transact(work) == "done"
    assert names(made) == ["n3"]
    with pytest.raises(Retry) as caught:
        made.transact(lambda: (_ for _ in ()).throw(Retry()))
    assert caught.value.status == 503


def test_those_that_lost_come_one_after_the_other(made: Store) -> None:
    """Where they began again at once, they would meet again, until one has no attempt left."""
    if made.dialect.name == "sqlite":       # one writer at a time anyway
        return
    runs = {"first": 0, "second": 0}
    ends: list[str] = []
    second_lost = threading.Event()

    def second() -> None:
        runs["second"] += 1
        if runs["second"] == 1:
            second_lost.set()
            raise Retry
        ends.append("second")

    other = threading.Thread(target=lambda: made.transact(second))

    def first() -> None:
        runs["first"] += 1
        if runs["first"] == 1:
            raise Retry
        other.start()
        assert second_lost.wait(20)
        for _ in range(1000):
            names(made)
        ends.append("first")

    made.transact(first)
    other.join(20)
    assert ends == ["first", "second"]


def test_a_lost_connection_is_opened_again(made: Store) -> None:
    if made.dialect.name == "sqlite":
        return
    which, kill = {"postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"),
                   "mariadb": ("SELECT CONNECTION_ID()", "KILL {}")}[made.dialect.name]

    def end() -> None:
        number = made.run(which)[0][0]
        in_thread(lambda: made.execute(kill.format(number)))

    end()
    assert made.run("SELECT 1") == [(1,)]
    with pytest.raises(Retry), made.write():
        end()
        add(made, 1, "a")
    assert made.run("SELECT 1") == [(1,)] and names(made) == []
    runs: list[int] = []

    def last() -> None:         # lost over the COMMIT: it may have been carried out
        runs.append(add(made, 2, "b"))
        end()

    with pytest.raises(ServiceUnavailable, match="made final"):
        made.transact(last)
    assert runs == [1] and made.run("SELECT 1") == [(1,)]


READ_ONLY = {"sqlite": "PRAGMA query_only = 1", "postgresql": "SET default_transaction_read_only = on",
             "mariadb": "SET SESSION TRANSACTION READ ONLY"}


def test_a_store_that_can_only_be_read(made: Store) -> None:
    made.execute(READ_ONLY[made.dialect.name])
    with pytest.raises(ServiceUnavailable, match="only be read") as caught:
        made.transact(lambda: add(made, 1, "a"))
    assert caught.value.headers["Retry-After"] == "60"
    assert names(made) == []


def test_a_statement_that_takes_too_long(database_url: str) -> None:
    """Whether its rows are wanted at once or as a stream; the connection is of use afterwards."""
    store = connect(database_url)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT COUNT(*) FROM n"
    waiting = {"postgresql": "SELECT pg_sleep(5)", "mariadb": "SELECT COUNT(*) FROM seq_1_to_99999 a, seq_1_to_99999 b WHERE a.seq %% b.seq = 7"}
    text = waiting.get(store.dialect.name, endless)
    assert store.run("SELECT 1") == [(1,)]
    store.limit(0.2)
    with pytest.raises(LimitExceeded, match="time of a query is limited to 0.2 seconds"):
        store.run(text)
    with pytest.raises(LimitExceeded, match="time of a query"), store.stream(text) as stream:
        next(stream)
    assert store.run("SELECT 1") == [(1,)]
    with store.stream("SELECT 1") as stream:
        assert list(stream) == [[(1,)]]
    store.close()


def test_streams(made: Store) -> None:
    for number in range(1, 26):
        add(made, number, f"n{number}")
    text = f"SELECT id FROM parent WHERE id > {mark(made)} ORDER BY id"
    with made.stream(text, (5,), 8) as stream:
        first = next(stream)
        if not made.driver.shared:
            assert in_thread(lambda: add(made, 99, "new")) == [1]
        assert stream.run("SELECT COUNT(*) FROM parent") == [(25,)]
        assert [len(first), *map(len, stream)] == [8, 8, 4]
    assert names(made)[-1] == "new"


def test_streams_are_few(made: Store) -> None:
    """Eight per process, then 503 (DESIGN §3); a closed one makes room, from whatever thread."""
    open_ones = [made.stream("SELECT 1") for _ in range(8)]
    with pytest.raises(ServiceUnavailable):
        made.stream("SELECT 1")
    in_thread(open_ones[0].close)
    open_ones[0].close()
    with made.stream("SELECT 2") as stream:
        assert list(stream) == [[(2,)]]
    for stream in open_ones:
        stream.close()


def test_the_start_lock(made: Store) -> None:
    order: list[str] = []

    def second() -> None:
        with made.lock():
            order.append("second")

    thread = threading.Thread(target=second)
    with made.lock(), made.write():
        thread.start()
        add(made, 1, "a")
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"] and names(made) == ["a"]


def test_a_store_in_memory_is_one_for_all_threads() -> None:
    store = connect("sqlite:///:memory:")
    store.execute("CREATE TABLE t (a)")

    def fill() -> Iterator[int]:
        for number in range(50):
            with store.write():
                store.execute("INSERT INTO t VALUES (?)", (number,))
            yield number

    threads = [threading.Thread(target=lambda: list(fill())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert store.run("SELECT COUNT(*) FROM t") == [(200,)]
    with store.stream("SELECT a FROM t", (), 150) as stream:
        assert [len(rows) for rows in stream] == [150, 50]
    store.close()


@pytest.mark.parametrize("url", ["oracle://x/y", "nonsense", "postgresql://user@host", "sqlite:////dev/null/folder/x.db"])
def test_urls_of_no_use(url: str) -> None:
    with pytest.raises(ConfigurationError):
        connect(url)


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/x", "mysql://nobody@127.0.0.1:1/x"])
def test_a_server_that_is_not_there(url: str) -> None:
    with pytest.raises(ServiceUnavailable):
        connect(url).run("SELECT 1")


def test_compound_queries_keep_their_meaning_without_a_connection() -> None:
    """Peewee asks a MariaDB server for its version before it writes parentheses."""
    one = [pw.Select(None, [pw.SQL(str(number))]) for number in range(3)]
    text, _ = connect("mysql://nobody@127.0.0.1:1/x").compile((one[0] | one[1]) & one[2])
    assert text == "((SELECT 0) UNION (SELECT 1)) INTERSECT (SELECT 2)"

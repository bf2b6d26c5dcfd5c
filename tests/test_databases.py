"""The test databases themselves: fresh ones are empty, clones hold what was prepared, on every store."""

from __future__ import annotations

from app.store.database import connect
from tests.databases import Databases


def test_clones_are_prepared_once_and_apart(databases: Databases) -> None:
    made = []

    def prepare(url: str) -> None:
        made.append(url)
        database = connect(url)
        database.execute("CREATE TABLE t (a INTEGER)")
        database.execute("INSERT INTO t VALUES (1)")
        database.close()

    urls = [databases.prepared("clone test", prepare) for _ in range(2)]
    assert len(made) == 1
    for url in urls:
        database = connect(url)
        database.execute("INSERT INTO t VALUES (2)")
        assert list(database.run("SELECT a FROM t ORDER BY a")) == [(1,), (2,)]
        database.close()
        databases.drop(url)


def test_a_fresh_database_is_empty(database_url: str) -> None:
    database = connect(database_url)
    database.execute("CREATE TABLE t (a INTEGER)")
    assert list(database.run("SELECT a FROM t")) == []
    database.close()

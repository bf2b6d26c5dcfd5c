"""Stores for tests of `app.store`: one empty database of each kind for the session, and the models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import peewee as pw
import pytest

from app.csdl import load
from app.store import Mapping, Store, connect, map_model
from tests.conftest import MODELS, ROOT
from tests.databases import Databases


@pytest.fixture(scope="session")
def shared(databases: Databases) -> Iterator[Store]:
    """A store for tests that leave nothing behind."""
    url = databases.empty()
    store = connect(url)
    yield store
    store.close()
    databases.drop(url)


@pytest.fixture
def empty(database_url: str) -> Iterator[Store]:
    """A store of its own, without tables."""
    store = connect(database_url, busy_timeout=0.5)
    yield store
    store.close()


@pytest.fixture(scope="session")
def northwind() -> Mapping:
    return map_model(load(MODELS / "northwind.xml"))


@pytest.fixture(scope="session")
def all_types() -> Mapping:
    return map_model(load(MODELS / "types.xml"))


@pytest.fixture(scope="session")
def industry() -> Mapping:
    return map_model(load(ROOT / "edmx" / "industryData.xml"))


def operand(store: Store, value: Any, edm_type: str) -> Any:
    """A value as a parameter in expression form."""
    if value is None:
        return store.dialect.typed(pw.SQL("NULL"), edm_type)
    write = store.dialect.writer(edm_type)
    return store.dialect.typed(pw.Value(write(value) if write else value, unpack=False), edm_type)


def evaluate(store: Store, node: Any, edm_type: str) -> Any:
    """The canonical value of an expression."""
    found = store.run(*store.compile(pw.NodeList((pw.SQL("SELECT"), node))))[0][0]
    read = store.dialect.expression_reader(edm_type)
    return found if read is None else read(found)

"""Stores with the sample data of the models, one per session, for tests that only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.store.database import Store
from app.store.mapping import Mapping
from tests.databases import Databases
from tests.sql.loading import loaded


def opened(databases: Databases, name: str) -> Iterator[tuple[Mapping, Store]]:
    url = databases.empty()
    mapping, store = loaded(name, url)
    yield mapping, store
    store.close()
    databases.drop(url)


@pytest.fixture(scope="session")
def northwind(databases: Databases) -> Iterator[tuple[Mapping, Store]]:
    yield from opened(databases, "northwind")


@pytest.fixture(scope="session")
def types(databases: Databases) -> Iterator[tuple[Mapping, Store]]:
    yield from opened(databases, "types")

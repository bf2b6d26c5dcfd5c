"""Clients of the models under test, one service for each model and store, read by all tests of the folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.service.service import Service
from app.service.settings import Settings
from tests.protocol.exchange import Client

TESTS = Path(__file__).parent.parent
FOLDERS = {"northwind": TESTS / "models", "types": TESTS / "models", "workshop": TESTS / "models", "restricted": TESTS / "models", "capabilities": TESTS / "models",
           "doors": TESTS / "models", "sales": TESTS / "models", "calls": TESTS / "models",
           "industryData": TESTS.parent / "edmx", "industryData-beta": TESTS.parent / "edmx"}


def files(name: str) -> tuple[Path, Path, Path | None]:
    """Model, data and operations of a model under test."""
    folder = FOLDERS[name]
    operations = folder / f"{name}.py"
    return folder / f"{name}.xml", folder / f"{name}.data.json", operations if operations.exists() else None


class Clients(dict[str, Client]):
    """Model name → client of its service, opened when it is first asked for."""

    def __init__(self, service_of: Callable[..., Any]) -> None:
        super().__init__()
        self.service_of = service_of

    def __missing__(self, name: str) -> Client:
        self[name] = client = Client(self.service_of(*files(name)))
        return client

    def of(self, name: str, **settings: Any) -> Client:
        """A client of a service with these settings."""
        key = f"{name} {sorted(settings.items())}"
        if key not in self:
            self[key] = Client(self.service_of(*files(name), **settings))
        return self[key]


@pytest.fixture(scope="session")
def clients(shared_service_of: Callable[..., Any]) -> Clients:
    """Clients of services that no test changes."""
    return Clients(shared_service_of)


@pytest.fixture
def private(service_of: Callable[..., Any]) -> Callable[..., Client]:
    """`private(name, **settings)`: a client of a service of its own, freshly loaded."""
    def make(name: str, **settings: Any) -> Client:
        return Client(service_of(*files(name), **settings))
    return make


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> Callable[[str], Service]:
    """`opened(text)`: a service of the model that is written there, always over the same store."""
    def open(text: str) -> Service:
        (tmp_path / "model.xml").write_text(text, encoding="utf-8")
        return Service.open(Settings(database=database_url, model=str(tmp_path / "model.xml")))
    return open

"""What all tests share: stores, services over them, and the options of the test run.

`--store sqlite,postgresql,mariadb` names the stores that every test with a service runs on; `--update-golden` rewrites
generated documents and golden files; `--soak` runs the long forms.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import SERVERS, STORES, Databases

NOW = "2025-11-29T15:10:00Z"
ROOT = Path(__file__).parent.parent
MODELS = Path(__file__).parent / "models"

ServiceOf = Callable[..., Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--store", default="sqlite,postgresql", help=f"stores to test on, of {', '.join(STORES)}")
    parser.addoption("--update-golden", action="store_true", help="rewrite generated documents and golden files")
    parser.addoption("--soak", action="store_true", help="run bounded tests in their long form")


def pytest_configure() -> None:
    """SIGTERM (of `timeout`) ends the run as Ctrl-C does, which leaves no server and no folder behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def stores(config: pytest.Config) -> list[str]:
    names = [name for name in config.getoption("--store").split(",") if name]
    unknown = set(names) - set(STORES)
    if unknown:
        raise pytest.UsageError(f"--store: there is no store {', '.join(sorted(unknown))}")
    return names


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "store" in metafunc.fixturenames:
        metafunc.parametrize("store", stores(metafunc.config), scope="session", indirect=False)


# --- one server of each kind per session, started by whoever is first ----------------------------

SERVER_KEY = pytest.StashKey[dict[str, Any]]()


def server_url(config: pytest.Config, store: str) -> str:
    """The URL of the session's server, with `{name}` in the place of the database."""
    if store == "sqlite":
        return ""
    given: dict[str, str] = getattr(config, "workerinput", {}).get("servers", {})
    if store in given:
        return given[store]
    running = config.stash.setdefault(SERVER_KEY, {})
    if store not in running:
        running[store] = SERVERS[store]()
    return str(running[store].url)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Under xdist the first process starts the servers and tells the others where they are."""
    node.workerinput["servers"] = {name: server_url(node.config, name) for name in stores(node.config)
                                   if name != "sqlite"}


def pytest_unconfigure(config: pytest.Config) -> None:
    for server in config.stash.get(SERVER_KEY, {}).values():
        server.stop()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What tests counted with `record_property("count", text)`, and the sums of `("oracle", (store, counts))` by store."""
    totals: dict[str, Counter[str]] = {}
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, found in report.user_properties:
            if name == "count":
                terminalreporter.write_line(found)
            elif name == "oracle":
                store, counts = found
                totals.setdefault(store, Counter()).update(counts)
    for store, sums in totals.items():
        told = ", ".join(f"{sums[name]:,} {name}" for name in ("agree", "refused", "differ"))
        terminalreporter.write_line(f"oracle, all of {store}: {told}")


# --- fixtures ------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def databases(store: str, request: pytest.FixtureRequest) -> Iterator[Databases]:
    """The databases of the store under test."""
    process = getattr(request.config, "workerinput", {}).get("workerid", "main")
    found = Databases(store, server_url(request.config, store), process)
    yield found
    found.close()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """The URL of an empty database."""
    url = databases.empty()
    yield url
    databases.drop(url)


def open_service(databases: Databases, model: str | Path, data: str | Path | None, operations: str | Path | None,
                 settings: dict[str, Any]) -> tuple[Any, str]:
    from app.service.service import Service
    from app.service.settings import Settings
    values = {"model": Path(model), "data": Path(data) if data else None,
              "operations": Path(operations) if operations else None, "now": NOW, **settings}

    def prepare(url: str) -> None:
        Service.open(Settings(database=url, **values)).close()

    url = databases.prepared((str(model), str(data), str(operations), values["now"]), prepare)
    return Service.open(Settings(database=url, **values), prepare=False), url


@pytest.fixture
def service_of(databases: Databases) -> Iterator[ServiceOf]:
    """`service_of(model, data=None, operations=None, **settings)`: a service over a store of its own."""
    opened: list[tuple[Any, str]] = []

    def make(model: str | Path, data: str | Path | None = None, operations: str | Path | None = None,
             **settings: Any) -> Any:
        opened.append(open_service(databases, model, data, operations, settings))
        return opened[-1][0]

    yield make
    for service, url in opened:
        service.close()
        databases.drop(url)


@pytest.fixture(scope="session")
def shared_service_of(databases: Databases) -> Iterator[ServiceOf]:
    """As `service_of`, one service for all tests with the same arguments: for tests that only read."""
    opened: dict[str, tuple[Any, str]] = {}

    def make(model: str | Path, data: str | Path | None = None, operations: str | Path | None = None,
             **settings: Any) -> Any:
        key = repr((str(model), str(data), str(operations), sorted(settings.items())))
        if key not in opened:
            opened[key] = open_service(databases, model, data, operations, settings)
        return opened[key][0]

    yield make
    for service, url in opened.values():
        service.close()
        databases.drop(url)

"""Observers: told of every request once, when its answer has ended, and of what became of it."""

from __future__ import annotations

import json

import pytest

from app import Observation
from app.errors import ConfigurationError
from app.service.settings import Settings
from app.web import application
from app.web.observed import json_line, text_line
from tests.web.fake import FakeService, settings


def observed(hooked: bool = False, **values: object) -> tuple[list[Observation], object]:
    seen: list[Observation] = []
    app = application(FakeService(), settings(**values), [seen.append])
    if hooked:
        app.before_request(lambda: None)
    return seen, app.test_client()


@pytest.mark.parametrize("hooked", [False, True])
@pytest.mark.parametrize(("method", "target", "status", "size"), [
    ("GET", "/small?$top=1", 200, 12), ("GET", "/empty", 204, 0), ("HEAD", "/small", 200, 0), ("GET", "/stream", 200, 500_000),
    ("HEAD", "/stream", 200, 0), ("POST", "/body", 200, 4), ("OPTIONS", "/small", 200, 12),
])
def test_every_request_is_told_once(hooked: bool, method: str, target: str, status: int, size: int) -> None:
    seen, client = observed(hooked)
    answer = client.open("/", method=method, environ_overrides={"PATH_INFO": target.partition("?")[0], "RAW_URI": target})
    _ = answer.data
    answer.close()
    one, = seen
    assert (one.method, one.target, one.status, one.size, one.complete, one.peer) == (method, target, status, size, True, "127.0.0.1")
    assert one.seconds > 0 and one.request_id is None


def test_the_size_is_that_of_the_coded_body() -> None:
    seen, client = observed()
    answer = client.get("/large", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip" and seen[0].size == len(answer.data) < 2000


@pytest.mark.parametrize("target", ["/broken", "/endless"])
def test_what_breaks_off_is_not_complete(target: str) -> None:
    seen, client = observed()
    answer = client.get(target, buffered=False)
    chunks = iter(answer.response)
    assert next(chunks) and not seen                # still on its way
    if target == "/broken":
        with pytest.raises(RuntimeError, match="went away"):
            list(chunks)
    answer.close()
    assert [(one.complete, one.size > 0) for one in seen] == [(False, True)]


def test_an_observer_that_fails_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Observation] = []
    client = application(FakeService(), settings(), [lambda one: 1 / 0, seen.append]).test_client()
    assert client.get("/small").status_code == 200 and len(seen) == 1
    assert "an observer failed" in caplog.text


ONE = Observation("GET", "/runs?$top=1", "127.0.0.1", 404, 0.0123456, 80, False, "r-1")


def test_lines() -> None:
    assert text_line(ONE) == "127.0.0.1 GET /runs?$top=1 404 80 B 12.3 ms r-1 (broken off)"
    found = json.loads(json_line(ONE))
    assert found.pop("time").endswith("Z")
    assert found == {"peer": "127.0.0.1", "method": "GET", "target": "/runs?$top=1", "status": 404, "size": 80,
                     "milliseconds": 12.346, "complete": False, "request-id": "r-1"}


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_log_is_one_line_for_each_request(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    client = application(FakeService(), settings(log=form)).test_client()
    client.open("/", method="GET", environ_overrides={"PATH_INFO": "/a", "RAW_URI": "/a\nGET /forged"})
    client.get("/-/health")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and "/a" in lines[0]


def test_the_form_of_the_log_is_known() -> None:
    assert Settings.from_environment({"ODATA_MODEL": "m.xml", "ODATA_LOG": "json"}).log == "json"
    with pytest.raises(ConfigurationError, match="ODATA_LOG: expected text, json, or nothing"):
        Settings.from_environment({"ODATA_MODEL": "m.xml", "ODATA_LOG": "xml"})

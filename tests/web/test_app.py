"""The Flask application: what is OData's, what is below `/-/`, and that Flask adds nothing of its own."""

from __future__ import annotations

from urllib.parse import unquote

import flask
import pytest
from flask.testing import FlaskClient

from app.service.settings import Settings
from app.web import application
from tests.web.fake import FakeService, settings


def make(hooked: bool, configured: Settings | None = None) -> tuple[FakeService, flask.Flask]:
    service = FakeService()
    app = application(service, configured or settings())
    if hooked:
        app.before_request(lambda: None)
    return service, app


@pytest.fixture(params=[False, True], ids=["direct", "through Flask"])
def parts(request: pytest.FixtureRequest) -> tuple[FakeService, FlaskClient]:
    service, app = make(request.param)
    return service, app.test_client()


Parts = tuple[FakeService, FlaskClient]

TARGETS = [
    ("GET", "/"), ("GET", "//a"), ("GET", "/a/b/c"), ("GET", "/static/x"), ("GET", "/a%2Fb"), ("GET", "/-a"),
    ("GET", "/-"), ("GET", "/a//b/../c"), ("POST", "/a"), ("PUT", "/a"), ("PATCH", "/a"), ("DELETE", "/a"),
    ("HEAD", "/a"), ("OPTIONS", "/a"), ("MERGE", "/a"),
]


@pytest.mark.parametrize(("method", "target"), TARGETS)
def test_everything_outside_the_system_paths_is_odata(parts: Parts, method: str, target: str) -> None:
    service, client = parts
    raw = {"PATH_INFO": unquote(target), "RAW_URI": target}
    answer = client.open("/", method=method, environ_overrides=raw)
    assert answer.status_code == 200 and answer.content_type == "application/json;odata.metadata=minimal"
    assert (service.requests[0].method, service.requests[0].path) == (method, target[1:])


def test_answers_are_the_same_with_and_without_flask() -> None:
    for path in ("/small", "/large", "/empty", "/stream", "/binary", "/strong"):
        for method in ("GET", "HEAD"):
            seen = []
            for hooked in (False, True):
                answer = make(hooked)[1].test_client().open(path, method=method)
                seen.append((answer.status_code, sorted(answer.headers.items()), answer.data))
            assert seen[0] == seen[1]


def test_a_broken_stream_stays_broken(parts: Parts) -> None:
    service, client = parts
    with pytest.raises(RuntimeError, match="went away"):
        _ = client.get("/broken").data


def test_a_body_reaches_the_service(parts: Parts) -> None:
    assert parts[1].post("/body", data=b"hello").data == b"hello"


def test_health(parts: Parts) -> None:
    answer = parts[1].get("/-/health")
    assert answer.status_code == 200 and answer.json == {"status": "ok", "namespace": "fake"}


REFUSED = [
    ("GET", "/-/nothing", 404), ("GET", "/-//health", 404), ("POST", "/-/health", 405),
    ("GET", "/-/vocabularies/../xml.py", 404), ("GET", "/-/vocabularies/none.xml", 404),
    ("GET", "/-/vocabularies/__init__.py", 404),
]


@pytest.mark.parametrize(("method", "target", "status"), REFUSED)
def test_refusals_below_the_system_path_are_json(parts: Parts, method: str, target: str, status: int) -> None:
    service, client = parts
    answer = client.open(target, method=method)
    assert answer.status_code == status and not service.requests
    assert answer.content_type == "application/json" and set(answer.json["error"]) == {"code", "message"}
    assert ("Allow" in answer.headers) == (status == 405)


def test_vocabularies_are_served_as_they_are_kept(parts: Parts) -> None:
    from importlib import resources
    kept = [each for each in (resources.files("app.csdl") / "vocabularies").iterdir() if each.name.endswith(".xml")]
    assert kept
    for document in kept:
        answer = parts[1].get(f"/-/vocabularies/{document.name}")
        assert answer.status_code == 200 and answer.mimetype == "application/xml"
        assert answer.data == document.read_bytes()


def test_the_system_path_moves_with_the_root_path() -> None:
    service, app = make(False, settings(root_path="/x"))
    client = app.test_client()
    assert client.get("/x/-/health").status_code == 200
    assert client.get("/x/runs").status_code == 200 and service.requests[0].path == "runs"
    assert client.get("/-/health").status_code == 404 and len(service.requests) == 1


def test_routes_and_hooks_of_the_user_are_honoured() -> None:
    service, app = make(False)

    @app.get("/mine")
    def mine() -> str:
        return "mine"

    @app.after_request
    def mark(response: flask.Response) -> flask.Response:
        response.headers["X-Mark"] = "1"
        return response

    client = app.test_client()
    assert client.get("/mine").data == b"mine"
    assert client.get("/runs").headers["X-Mark"] == "1" and service.requests[0].path == "runs"

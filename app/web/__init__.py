"""Web: the service as a Flask application.

In: `Settings` (or the environment). Out: a WSGI application. Everything outside `/-/` is OData and goes to
`Service.handle`; below `/-/`, which no OData name can collide with, are health, the vocabularies and the files
that open the service in Excel and Power BI.
Flask calls the OData face from one `before_request` hook; where the application has no hooks or routes of its own
beyond ours, the face is called without Flask (which costs five times the request itself).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, cast

import flask
from werkzeug.exceptions import HTTPException

from app import csdl, v2
from app.service.authenticate import Authenticate
from app.service.response import Response
from app.service.settings import Settings
from app.web import files
from app.web.observed import Observer, logged
from app.web.odata import Body, Face, StartResponse, refusal

SYSTEM = "/-/"
MONITORS = "/-/async/"      # of asynchronous requests: the service answers them


class OpenService(v2.Service, Protocol):
    """What the application needs of a service."""

    @property
    def namespace(self) -> str: ...


def create_app(settings: Settings | None = None, authenticate: Authenticate | None = None,
               observers: Sequence[Observer] = ()) -> flask.Flask:
    """The WSGI application for `settings` (default: the environment): opens the service, makes its store ready.

    `authenticate`: says who asks, in the place of what the settings name; it gets the `Request`, gives a `Principal`, and
    raises Unauthorized. `observers`: are told of every request when its answer has ended, besides what `ODATA_LOG` asks for.
    Raises ConfigurationError and ModelError when it cannot be served.
    """
    from app.service.service import Service
    settings = settings or Settings.from_environment()
    return application(Service.open(settings, authenticate=authenticate), settings, observers)


def application(service: OpenService, settings: Settings, observers: Sequence[Observer] = ()) -> flask.Flask:
    """The Flask application over an open service."""
    app = flask.Flask("app.web", static_folder=None)
    app.url_map.merge_slashes = False       # else `/-//health` is answered by a redirection in HTML
    app.extensions["odata"] = service
    face = Face(v2.Face(service, settings.v2_path) if settings.v2_path else service, settings,
                (*logged(settings.log), *observers))
    system = settings.root_path + SYSTEM
    monitors = settings.root_path + MONITORS

    @app.before_request
    def odata() -> flask.Response | None:
        """Everything outside `/-/` that no route of the user's own takes."""
        request = flask.request
        if request.url_rule is not None or request.path.startswith(system) and not request.path.startswith(monitors):
            return None
        return Answer.of(face.answer(request.environ))

    app.register_blueprint(system_routes(service), url_prefix=system.rstrip("/"))
    app.register_blueprint(file_routes(service, face, settings.bi_path), url_prefix=system.rstrip("/"))
    app.register_error_handler(HTTPException, refused)
    app.wsgi_app = Front(app, face, system, monitors)     # type: ignore[method-assign]
    return app


class Answer(flask.Response):
    """The face's response as Flask's: no header is added, nothing is buffered."""

    default_mimetype = None
    automatically_set_content_length = False

    @classmethod
    def of(cls, response: Response) -> Answer:
        body = response.body if isinstance(response.body, bytes) else Body(response)
        return cls(body, response.status, response.headers)


class Front:
    """In the place of `flask_app.wsgi_app`: calls the OData face directly unless Flask has something to add."""

    def __init__(self, app: flask.Flask, face: Face, system: str, monitors: str) -> None:
        self.flask = app.wsgi_app
        self.face = face
        self.system, self.monitors = system, monitors
        self.app = app
        self.ours = additions(app)
        self.direct: bool | None = None

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if self.direct is None:     # as in Flask itself, set-up ends with the first request
            self.direct = additions(self.app) == self.ours
        path = environ["PATH_INFO"]
        if self.direct and (not path.startswith(self.system) or path.startswith(self.monitors)):
            return self.face(environ, start_response)
        return self.flask(environ, start_response)


def additions(app: flask.Flask) -> tuple[int, ...]:
    """How many routes and hooks of each kind the application has."""
    hooks = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs,
             app.url_value_preprocessors)
    return (len(app.view_functions), len(app.teardown_appcontext_funcs),
            *(sum(len(functions) for functions in kind.values()) for kind in hooks))


# --- below /-/ -----------------------------------------------------------------------------------

def system_routes(service: OpenService) -> flask.Blueprint:
    """Health and vocabulary documents."""
    routes = flask.Blueprint("system", __name__)

    @routes.get("/health")
    def health() -> flask.Response:
        return flask.jsonify(status="ok", namespace=service.namespace)

    @routes.get("/vocabularies/<name>")
    def vocabulary(name: str) -> flask.Response:
        namespace, _, form = name.rpartition(".")
        found = csdl.vocabulary_document(namespace, form) if form in ("xml", "json") else None
        if found is None:
            flask.abort(404)
        return flask.Response(found, content_type=f"application/{form}")

    return routes


def file_routes(service: OpenService, face: Face, bi_path: str) -> flask.Blueprint:
    """The page at `/-/` and the files it offers, for who may read the service document and with what it shows them."""
    routes = flask.Blueprint("files", __name__)

    def published() -> tuple[str, list[dict[str, str]]]:
        """The service root and the service document's items; ends the request where that document is refused."""
        root, document = face.service_document(flask.request.environ)
        if document.status != 200:
            flask.abort(Answer.of(document))
        return root, json.loads(cast("bytes", document.body))["value"]

    def plain(root: str) -> str:
        """Where Excel and Power BI read best."""
        return f"{root}{bi_path}/" if bi_path else root

    def answer(text: str, content_type: str, name: str | None = None) -> flask.Response:
        response = flask.Response(text, content_type=content_type)
        response.headers["Vary"] = "Authorization"
        response.headers["Cache-Control"] = "private"
        if name is not None:
            response.headers.set("Content-Disposition", "attachment", filename=name)
        return response

    @routes.get("/")
    def page() -> flask.Response:
        return answer(files.page(service.namespace, *published()), "text/html; charset=utf-8")

    @routes.get("/service.pbids")
    def pbids() -> flask.Response:
        root, _ = published()
        return answer(files.pbids(plain(root)), files.PBIDS_TYPE, f"{service.namespace}.pbids")

    @routes.get("/sets/<name>.odc")
    def odc(name: str) -> flask.Response:
        root, document = published()
        if name not in files.entity_sets(document):
            flask.abort(404)
        return answer(files.odc(plain(root), name), files.ODC_TYPE, f"{name}.odc")

    return routes


def refused(error: HTTPException) -> flask.Response:
    """Flask's own refusals in the form of all others: JSON, not HTML."""
    words = error.name.split()
    answer = refusal(error.code or 500, "".join([words[0].lower(), *words[1:]]), error.description or error.name)
    response = Answer.of(answer)
    for name, value in error.get_headers(flask.request.environ):
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response

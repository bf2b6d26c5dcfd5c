"""`Service`: one model over one store; `handle` turns a Request into a Response.

Order of a request (DESIGN §3): authenticate → model view of the policy → text map → parse → shape → plan cache → bind →
plan → answer. Everything that goes wrong becomes an OData error here and nowhere else.
"""

from __future__ import annotations

import datetime
import gc
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from app import bind, csdl, url
from app.bind import nodes as bound
from app.edm import Model, rules, vocabularies
from app.errors import ConfigurationError, Forbidden, MethodNotAllowed, NotFound, ODataError, UnknownOption
from app.plan import Planner
from app.service import (access, alterations, called, declared, failures, isolation, jobs, metadata, policies, read, restrictions,
                         rewrites, wishes)
from app.service.authenticate import Authenticate, anonymous, authenticator, identified
from app.service.cache import Bounded
from app.service.call import Call
from app.service.catalogue import Catalogue
from app.service.explain import MEDIA_TYPE, explain
from app.service.operations import Operations, load_operations
from app.service.published import published
from app.service.request import Request
from app.service.response import Response
from app.service.rows import QUERY_SAFE, Node
from app.service.settings import Settings
from app.service.sight import Sight
from app.service.tokens import Tokens
from app.sql.statement import Moment, Statement, Values
from app.store import changelog
from app.store import mapping as store_mapping
from app.store import schema, streams
from app.store.database import Store, connect
from app.url import nodes as syntax

READS = ("GET", "HEAD")
COMPILED_BYTES = 250_000    # models from this size on are kept compiled
METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE")
CACHED_HEADERS = ("accept", "odata-maxversion", "odata-version", "prefer", "accept-language", "x-http-method",
                  "x-http-method-override")
VARY = "OData-MaxVersion, Accept, Accept-Language, Prefer"
NOT_PAGED_ON = frozenset({"$skiptoken", "$skip"})

Progress = Callable[[str, int, int], None]
Result = TypeVar("Result")


class Service:
    """A running service. Make it with `Service.open`; it may be used from many threads."""

    def __init__(self, settings: Settings, model: Model, store: Store, operations: Operations, secret: bytes,
                 authenticate: Authenticate | None = None) -> None:
        self.settings, self.model, self.store, self.operations = settings, model, store, operations
        self.mapping = store_mapping.map_model(model)
        self.tokens = Tokens(secret)
        self.limits = replace(url.DEFAULT_LIMITS, strict=settings.strict, zoneless="zoneless-times" in settings.lenient)
        self.authenticate: Authenticate = authenticate or authenticator(settings)
        rules = policies.load(settings.policy, model, self.mapping) if settings.policy else None
        self.access = access.Access(model, self.mapping, rules, scoped=self.authenticate is not anonymous)
        self._sights: Bounded[str, Sight] = Bounded()
        self._wishes: Bounded[Any, wishes.Wishes] = Bounded(256)
        self._texts: Bounded[tuple[str | None, ...], tuple[read.Handler, Call]] = Bounded()
        self._plans: Bounded[Any, tuple[read.Handler, bound.Request]] = Bounded()
        self.by_row: Bounded[Any, Node] = Bounded()
        self._asked: Bounded[tuple[str | None, ...], Bounded[str, Any]] = Bounded(64)
        self.delta_scopes: dict[str, str] = {}
        self.helping = threading.Lock()
        self._documents: Bounded[tuple[Any, ...], metadata.Document] = Bounded(32)      # one of Graph has 3.5 MB
        self._view = settings.bi_path
        self._inner_name = vocabularies.inner_error_name(model)

    @cached_property
    def grows(self) -> bool:
        """Whether tables are made when they are first used."""
        return schema.grows(self.mapping)

    @cached_property
    def catalogue(self) -> Catalogue:
        """What changes of data share."""
        return Catalogue(self.store, self.mapping)

    # --- life --------------------------------------------------------------------------------------------

    @classmethod
    def open(cls, settings: Settings, *, prepare: bool = True, progress: Progress | None = None,
             model: Model | None = None, operations: Operations | None = None,
             authenticate: Callable[[Request], access.Principal] | None = None) -> Service:
        """Loads the model, connects the store, and (when `prepare`) creates the schema and loads the data file into an
        empty store. Raises ModelError, ConfigurationError."""
        from app.service.load import prepare_store, stored_secret
        model = declared.declared(model if model is not None else load_model(settings), settings)
        operations = operations if operations is not None else load_operations(settings.operations)
        operations.check(model)
        for name in filter(None, (settings.v2_path, settings.bi_path)):
            if model.source_of(name) is not None:
                raise ConfigurationError(f"The model has a set '{name}', the path of a face: ODATA_V2_PATH and ODATA_BI_PATH "
                                         "give the faces other names")
        store = connect(settings.database, busy_timeout=settings.busy_timeout)
        mapping = store_mapping.map_model(model)
        try:
            if prepare:
                prepare_store(store, mapping, Path(settings.data) if settings.data else None,
                              now=settings.now, progress=progress)
                changelog.purge(store, before(settings))
                streams.sweep(store)
            secret = settings.secret.encode() if settings.secret else stored_secret(store)
            store.limit(settings.query_time or None)
        except BaseException:
            store.close()
            raise
        service = cls(settings, model, store, operations, secret, authenticate)
        service.mapping = mapping
        if service.grows:
            for each in (model, service.access.everything.reading):
                each.prepare()          # else the first request pays for it
            gc.freeze()                 # else the collector goes through all of the model, now and then, during a request
        return service

    def close(self) -> None:
        """Gives the store's connections back."""
        self.store.close()

    @property
    def namespace(self) -> str:
        """The namespace of the schema that holds the container."""
        container = self.model.container
        return container.name.rpartition(".")[0] if container else ""

    @property
    def root_path(self) -> str:
        """The path in front of every URL of the service, as the settings have it."""
        return self.settings.root_path

    def now(self) -> str:
        """The present instant, or the one that the settings put in its place."""
        if self.settings.now is not None:
            return self.settings.now
        text = datetime.datetime.now(datetime.UTC).isoformat()[:-6]     # without +00:00; whole seconds have no fraction
        return (text.rstrip("0") if "." in text else text) + "Z"

    # --- requests ----------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        """The answer to one request; never raises."""
        try:
            if self._view and request.path.startswith(self._view):
                request = rewrites.viewed(request, self._view)
            principal = request.principal or identified(self.authenticate(request))
            if request.path.startswith(jobs.PATH):
                return jobs.monitor(self, request, principal)
            policy = self.access.policy(principal)
            if "prefer" in request.headers and jobs.asked(request) and vocabularies.supported(
                    policy.model, "AsynchronousRequestsSupported"):
                return jobs.submit(self, request, principal)
            return self.respond(request, principal, policy)
        except Exception as error:
            return self.failed(error, request)

    def respond(self, request: Request, principal: access.Principal, policy: access.Policy) -> Response:
        """The answer to a request of somebody known; raises what `failed` makes an answer of."""
        key = (request.method, request.path, request.query, *self.surroundings(request.root, request.headers, policy))
        hit = self._texts.get(key)
        if hit is not None:
            handler, call = hit
            version = call.wishes.version
            response = self._carried(handler, call.again(request, principal))
        else:
            version = wishes.versions(request)[0]
            response = self._miss(request, principal, policy, key)
        headers = response.headers
        headers["OData-Version"] = version
        if "Vary" not in headers:
            headers["Vary"] = VARY
        return response

    @staticmethod
    def surroundings(root: str, headers: Mapping[str, str], policy: access.Policy) -> tuple[str | None, ...]:
        """Everything of a request that its answer depends on, besides method, URL, store, conditions and body."""
        get = headers.get
        return root, policy.id, *[get(name) for name in CACHED_HEADERS]

    def known(self, path: str, query: str, around: tuple[str | None, ...]) -> tuple[read.Handler, Call] | None:
        """The handler of a GET that was asked before in these `surroundings`, and its call then; None where the text is
        new."""
        return self._texts.get(("GET", path, query, *around))

    def asked_by_key(self, around: tuple[str | None, ...]) -> Bounded[str, Any]:
        """URL → what `together.asked` made of it, of requests in these `surroundings`."""
        found = self._asked.get(around)
        if found is None:
            found = Bounded()
            self._asked.put(around, found)
        return found

    def failed(self, error: Exception, request: Request) -> Response:
        """The answer of whatever went wrong with a request."""
        request_id = str(uuid.uuid4())
        try:
            version = wishes.versions(request)[0]
        except ODataError:
            version = "4.0"
        challenge = getattr(self.authenticate, "challenge", None)
        if challenge is not None and isinstance(error, Forbidden) and error.wanted:
            error.headers["WWW-Authenticate"] = challenge(error.wanted)
        response = failures.failure(failures.as_odata(error, request_id), version, request_id, self.now(),
                                    self._inner_name, request.header("client-request-id"))
        response.headers |= {"request-id": request_id, "OData-Version": version, "Vary": VARY}
        return response

    def _miss(self, request: Request, principal: access.Principal, policy: access.Policy, key: Any) -> Response:
        given, request = request, rewrites.query_in_body(rewrites.tunnelled(request), policy.model)
        told = request is given                 # by method and URL alone, not by a body or a header: what the text map knows
        method = request.method
        if method not in METHODS:
            return self._told(request, policy)
        target = rewrites.dereferenced(url.parse(request.path, request.query, self.limits), request.root)
        wanted = self._wished(request, target.options.format, key[3:])
        if target.options.deltatoken is not None and wanted.format.omit:    # what became null has to be told (§8.2.8.6)
            wanted = replace(wanted, format=replace(wanted.format, omit=""))
        self._check_options(target.options)
        lifted, values = url.lift(target)
        shape = (lifted, wanted.format, wanted.page_size, request.root, policy.id, "GET" if method in READS else method,
                 wanted.ranges if wanted.ranges else None)
        if self.settings.explain and method in READS and MEDIA_TYPE in (request.header("accept") or ""):
            if not policy.open:
                raise Forbidden("Plans are shown to those who have every right")
            bound_request, _ = bind.bind_lifted(lifted, target, policy.reading, method)
            call = self._call(request, wishes.wish(request, "json"), bound_request, values, principal, policy, target)
            return explain(call, lifted, self._plans.get(shape) is not None, self._explained)
        if not target.options.custom:
            known = self._plans.get(shape)
            if known is not None:
                handler, bound_request = known
                rewrites.check_dereferenced(request.path, bound_request.resource)
                call = self._call(request, wanted, bound_request, values, principal, policy, target)
                if told and method in READS:
                    self._texts.put(key, (handler, call))
                return self._carried(handler, call)
        asks = method in READS or any(each.name == "$filter" for each in target.segments)
        bound_request, shared = bind.bind_lifted(lifted, target, policy.reading if asks else policy.model, method)
        rewrites.check_dereferenced(request.path, bound_request.resource)
        restrictions.offered(policy.model, bound_request.resource.kind)
        bound_request = restrictions.starred(policy.model, bound_request)
        call = self._call(request, wanted, bound_request, values, principal, policy, target)
        demanding = alterations.parameters(call)
        if method in READS:
            handler, cacheable = self._answer(self._reader, call)
            cacheable = cacheable and not demanding
            if cacheable and shared:
                self._plans.put(shape, (handler, bound_request))
            if cacheable and told:
                self._texts.put(key, (handler, call))
            return self._carried(handler, call)
        if bound_request.resource.kind == "batch":
            from app.service.batch import batch
            self._texts.put(key, (batch, call.again(replace(request, body=None), principal)))
            return self._carried(batch, call)
        from app.service.write import admitted
        writing = self._answer(admitted, call)
        if shared and not (target.options.custom or demanding) and bound_request.resource.operation() is None:
            self._plans.put(shape, (writing, bound_request))
            if told and method == "POST" and not (values or request.query) and bound_request.resource.kind == "collection":
                self._texts.put(key, (writing, call.again(replace(request, body=None), principal)))
        return self._carried(writing, call)

    def _wished(self, request: Request, format: str | None, around: tuple[str | None, ...]) -> wishes.Wishes:
        """What a request wishes for in these `surroundings`."""
        key = request.method, format, around
        found = self._wishes.get(key)
        if found is None:
            found = wishes.wish(request, format, self.settings.strict)
            self._wishes.put(key, found)
        return found

    def _told(self, request: Request, policy: access.Policy) -> Response:
        """The answer to OPTIONS: the methods of a resource (RFC 9110 §9.3.7); any other method is refused with them."""
        from app.service.write import describe, methods
        target = rewrites.dereferenced(url.parse(request.path, request.query, self.limits), request.root)
        resource = bind.bind_lifted(url.lift(target)[0], target, policy.model, "GET")[0].resource
        if request.method == "OPTIONS":
            return Response(204, {"Allow": ", ".join(methods(resource, policy.model))})
        raise MethodNotAllowed(method=request.method, resource=describe(resource), allow=methods(resource, policy.model))

    def _carried(self, handler: Callable[[Call], Response], call: Call) -> Response:
        """What the handler answers, over one snapshot where that is asked for."""
        headers = call.request.headers
        if "isolation" in headers or "odata-isolation" in headers or call.syntax.options.skiptoken is not None:
            return isolation.isolated(call, handler, self._answer)
        return self._answer(handler, call)

    def _answer(self, handler: Callable[[Call], Result], call: Call) -> Result:
        """What the handler answers; an error of a value or of the store gets the query option that it came from."""
        try:
            found = handler(call)
        except MethodNotAllowed as error:
            from app.service.write import narrowed
            narrowed(call, error)
            raise
        except ODataError as error:
            if error.status in (400, 501) and error.target is None:
                error.target = failures.option_at(call.syntax.options, error.position)
            raise
        if call.wishes.preferences and isinstance(found, Response) and call.resource.steps:
            wishes.report(call.wishes, found)
        return found

    def _call(self, request: Request, wanted: wishes.Wishes, bound_request: bound.Request, values: tuple[Any, ...],
              principal: access.Principal, policy: access.Policy, target: syntax.Target) -> Call:
        return Call(self, request, wanted, bound_request, values, principal, policy, target)

    def _check_options(self, options: syntax.Options) -> None:
        """Options that this service does not offer, and custom ones that no system option may look like."""
        if options.schemaversion is not None and options.schemaversion != "*":
            raise NotFound(reason=f"There is no schema version '{options.schemaversion[:60]}'; only '*' is offered",
                           target="$schemaversion")
        for name, _ in options.custom:
            if name.startswith("$"):
                raise UnknownOption(name=name, target=name)

    @staticmethod
    def _explained(call: Call) -> read.Handler:
        """The handler of a GET whose plan is asked for."""
        return read.compile_read(called.without_calls(call) if called.mentioned((call.resource.steps, call.options)) else call)

    def _reader(self, call: Call) -> tuple[read.Handler, bool]:
        """The handler of a GET, and whether requests of the same shape may use it."""
        if called.mentioned((call.resource.steps, call.options)):
            return lambda call: self._reader(called.without_calls(call))[0](call), False
        resource = call.resource
        match resource.kind:
            case "service":
                return metadata.service_document, True
            case "metadata":
                return self._metadata, True
            case "stream" | "entity" if resource.kind == "stream" or resource.suffix == "$value":
                from app.service.write import read_stream
                return read_stream, False
            case "action":
                raise MethodNotAllowed(method="GET", resource="an action", allow=("POST",))
            case _ if resource.each() and resource.operation() is None:
                raise MethodNotAllowed(method="GET", resource="/$each", allow=("PATCH", "DELETE"))
            case "batch":
                from app.service.batch import probe
                return probe, True
            case "all":
                from app.service.gathered import all_answer
                return all_answer(call), True
            case "crossjoin":
                from app.service.gathered import crossjoin_answer
                return crossjoin_answer(call), True
        if any(isinstance(step, bound.OperationStep) for step in resource.steps):
            from app.service.operations import answer_function
            return answer_function, False
        return read.compile_read(call), True

    def _metadata(self, call: Call) -> Response:
        return metadata.metadata(call, partial(self._document, call))

    def _document(self, call: Call, form: str, notation: csdl.Notation | None = None) -> metadata.Document:
        """A metadata document as the caller may see it; those asked for last are kept."""
        version, root, plain = call.wishes.version, call.request.root, metadata.plain(call.request, self.settings.strict)
        key = call.policy.id, form, version, root, plain, notation
        known = self._documents.get(key)
        if known is None:
            known = metadata.document(published(call.model, call.policy.hidden), form, version, root, plain, notation)
            self._documents.put(key, known)
        return known

    def metadata_tag(self, call: Call) -> str:
        """The entity tag of the XML form of `$metadata` in the version of the answer."""
        return self._document(call, "xml")[1]

    def identified(self, request: Request) -> Request:
        """The request with who sent it, found out once for all that is made of it. Raises Unauthorized."""
        return replace(request, principal=request.principal or identified(self.authenticate(request)))

    def seen_by(self, request: Request) -> tuple[str, Model]:
        """(id, model) of what the one who sent an identified request may see."""
        assert request.principal is not None
        policy = self.access.policy(request.principal)
        return policy.id, policy.model

    # --- what answers ask of the service -----------------------------------------------------------------

    def planner(self, policy: access.Policy, page_size: int | None = None) -> Planner:
        """A planner under a policy; `page_size`: what the client asked for, else the service's own."""
        most = self.settings.max_page_size
        size = min(page_size, most) if page_size and most else page_size
        return Planner(self.mapping, policy.grants, size or self.settings.page_size, policy.reading)

    def sight(self, policy: access.Policy) -> Sight:
        """What reading and writing bodies needs, as a policy leaves it."""
        found = self._sights.get(policy.id)
        if found is None:
            found = Sight(self, policy)
            self._sights.put(policy.id, found)
        return found

    def ready(self, statement: Statement) -> Statement:
        """The statement, once the tables and the search indexes that it reads are there."""
        if self.grows:
            for id in statement.tables:
                schema.ensure(self.store, self.mapping, id)
        if statement.searched:
            self.catalogue.search.ensure(statement.searched)
        return statement

    def values(self, call: Call, *, keyset: tuple[Any, ...] = (), limit: int | None = None, skip: int = 0,
               parents: Sequence[tuple[Any, ...]] = (), key: tuple[Any, ...] = ()) -> Values:
        """The values that the statements of a call are bound to."""
        return Values(literals=call.values, parents=parents, keyset=keyset, key=key, limit=limit, skip=skip, now=Moment(self.now),
                      principal=call.policy.of(call.principal), snapshot=call.request.snapshot, root=call.request.root)

    def next_link(self, call: Call, values: list[Any]) -> str:
        """The URL of the page behind the sort values of the last row."""
        options = self._page_options(call)
        query = "".join(f"{quote(name, safe=QUERY_SAFE)}={quote(text, safe=QUERY_SAFE)}&" for name, text in options)
        token = self.next_token(call.request.path.rstrip("/"), options, values, call.policy.id, call.request.snapshot)
        return f"{call.request.root}{call.request.path.rstrip('/')}?{query}$skiptoken={token}"

    def next_token(self, path: str, texts: tuple[tuple[str, str], ...], values: list[Any], policy: str,
                   snapshot: str | None = None) -> str:
        """A token for the page of `path` with these options, under a policy, in a snapshot."""
        marked = values if snapshot is None else [{isolation.MARK: snapshot}, *values]
        return self.tokens.write(scope_of(path, texts, policy), marked)

    def read_token(self, call: Call, token: str) -> list[Any]:
        """The values of a skiptoken of this very request; InvalidToken otherwise."""
        values = self.tokens.read(scope_of(call.request.path.rstrip("/"), self._page_options(call), call.policy.id), token)
        return values[1:] if values and isinstance(values[0], dict) else values

    def marked(self, call: Call, token: str) -> str | None:
        """The snapshot that a skiptoken of this very request goes on in; InvalidToken where it is of another."""
        values = self.tokens.read(scope_of(call.request.path.rstrip("/"), self._page_options(call), call.policy.id), token)
        return str(values[0][isolation.MARK]) if values and isinstance(values[0], dict) else None

    @staticmethod
    def _page_options(call: Call) -> tuple[tuple[str, str], ...]:
        return tuple((name, text) for name, text in call.syntax.options.texts if name not in NOT_PAGED_ON)


def load_model(settings: Settings) -> Model:
    """The model of the settings' file; a big one from its compilation, kept beside an embedded store (or in `instance/`).

    Raises ModelError, also for what no service can be made of (`rules.FATAL`).
    """
    path = Path(settings.model)
    if path.exists() and path.stat().st_size > COMPILED_BYTES:
        parts = urlsplit(settings.database)
        beside = Path(parts.path[1:]).parent if parts.scheme == "sqlite" and ":" not in parts.path else Path("instance")
        return csdl.load_cached(path, beside, usable)
    model = csdl.load(path)
    usable(model)
    return model


def usable(model: Model) -> None:
    """Raise ModelError for what no service can be made of, with its places."""
    broken = [each for each in rules.check(model) if each.rule in rules.FATAL]
    if broken:
        from app.csdl.check import check
        from app.csdl.source import refuse
        placed = [each for each in check(model.source or "") if each.rule in rules.FATAL]
        raise refuse(placed or broken)


def before(settings: Settings) -> str:
    """The instant before which the change log and the results of jobs are not kept."""
    now = datetime.datetime.fromisoformat(settings.now) if settings.now is not None else datetime.datetime.now(datetime.UTC)
    return (now - datetime.timedelta(days=settings.change_retention)).strftime("%Y-%m-%dT%H:%M:%SZ")


def scope_of(path: str, texts: tuple[tuple[str, str], ...], policy: str = "") -> str:
    """What a skiptoken is bound to: the resource and every option but the paging ones, whatever their order."""
    from urllib.parse import unquote
    return "\n".join((policy, unquote(path), *(f"{name}={text}" for name, text in sorted(texts) if name != "$format")))

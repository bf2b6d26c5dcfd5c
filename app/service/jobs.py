"""Asynchronous requests: `Prefer: respond-async` makes a job, whose monitor tells how it stands and hands out the result.

A worker (`odata work`; a thread here for `wait`, and for a monitor that is asked while no worker is there) claims a job,
carries the request out as if it had just come, for the principal that sent it under the policy of now, and keeps the result
in the transaction of its effects: a worker that dies or loses its lease leaves nothing behind. Protocol §11.6, §8.2.8.8.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app.errors import MethodNotAllowed, NotFound, PayloadTooLarge, ServiceUnavailable
from app.service import isolation, wishes
from app.service.access import Principal
from app.service.request import Request
from app.service.response import Response
from app.store import jobs, streams
from app.store.database import Retry
from app.store.jobs import Job
from app.url.headers import Preference, parse_media_ranges, parse_number, parse_preferences

if TYPE_CHECKING:
    from app.service.service import Service

PATH = "-/async/"
LEASE = 30_000                  # milliseconds
RENEWAL = 10.0                  # seconds
ATTEMPTS = 5                    # of a job whose workers die
PATIENCE = 1_000                # milliseconds that a job waits for a worker before its monitor helps
MAX_WAIT = 60                   # seconds of a `wait` preference
RETRY_AFTER = "1"
SPOOL = 1 << 20
CHUNK = 1 << 17
CALLBACK_TIMEOUT = 5.0
OWN = ("respond-async", "wait", "callback")
NOT_KEPT = frozenset({"authorization", "proxy-authorization", "cookie", "content-length", "transfer-encoding", "connection",
                      "expect", "host"})
READS = ("GET", "HEAD")
WATCH = "WATCH"                 # the method of a job that looks at a delta link (`watches`)
VARY = "OData-MaxVersion, Accept"


class Abandoned(Exception):
    """The job was cancelled, or another worker holds it."""


def now() -> int:
    """Milliseconds of the epoch."""
    return int(time.time() * 1000)


def me() -> str:
    """A name for whoever works on jobs here."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


# --- taking a request on ---------------------------------------------------------------------------------

def asked(request: Request) -> bool:
    """Whether a request may be answered later."""
    text = request.header("prefer")
    return text is not None and "respond-async" in text.lower() and wanted(text)


def wanted(text: str) -> bool:
    """Whether respond-async is among preferences."""
    return any(each.name == "respond-async" for each in parse_preferences(text))


def submit(service: Service, request: Request, principal: Principal) -> Response:
    """202 with the monitor of a new job, or the answer itself where it came within `wait` seconds."""
    version = wishes.versions(request)[0]
    preferences = parse_preferences(request.header("prefer") or "")
    waits = (parse_number(each.value or "") for each in preferences if each.name == "wait")
    wait = next((each for each in waits if each is not None), 0)
    holder = me() if wait else None
    called, callback = callback_of(preferences, service.settings.callback_hosts)
    kept = {name: value for name, value in request.headers.items()
            if name not in NOT_KEPT and name != getattr(service.authenticate, "header", None)}
    kept["prefer"] = ", ".join(_text(each) for each in preferences if each.name.removeprefix("odata.") not in OWN)
    made = now()
    values = {
        "id": secrets.token_urlsafe(24), "state": jobs.RUNNING if wait else jobs.WAITING, "made": made,
        "principal": written(principal), "method": request.method, "root": request.root,
        "target": request.path + (f"?{request.query}" if request.query else ""),
        "headers": json.dumps({name: value for name, value in kept.items() if value}), "callback": callback,
        "holder": holder, "lease": made + LEASE if wait else 0, "attempts": 1 if wait else 0, "status": 0}
    with _body(request, service.settings.max_body) as body:
        def insert() -> Job:
            body.seek(0)
            return jobs.add(service.store, values, _chunks(body))
        job = service.store.transact(insert)
    if holder is not None:
        response = _waited(service, job, holder, min(wait, MAX_WAIT))
        if response is not None:
            return response
    applied = "respond-async" + (f", {called}" if called else "")
    return Response(202, {**_pending(job, version), "Preference-Applied": applied})


def _waited(service: Service, job: Job, holder: str, seconds: int) -> Response | None:
    """The answer of a job that is done here and now; None where it takes longer."""
    thread = threading.Thread(target=carry_out, args=(service, job, holder), daemon=True)
    thread.start()
    thread.join(seconds)
    found = jobs.find(service.store, job.id)
    if found is None or found.state != jobs.DONE:
        return None
    with tempfile.SpooledTemporaryFile(SPOOL) as file:
        for chunk in _kept(service, found):
            file.write(chunk)
        file.seek(0)
        body = file.read()
    jobs.remove(service.store, found)
    return Response(found.status, json.loads(found.answer or "{}"), body)


def callback_of(preferences: tuple[Preference, ...], hosts: tuple[str, ...]) -> tuple[str, str | None]:
    """(the preference as written, the URL to call) where the host may be called back; else ('', None)."""
    for each in preferences:
        if each.name.removeprefix("odata.") == "callback":
            url = dict(each.parameters).get("url") or ""
            place = urlsplit(url)
            if place.scheme in ("http", "https") and place.hostname and {place.hostname, place.netloc} & set(hosts):
                return _text(each), url
    return "", None


def _text(preference: Preference) -> str:
    """A preference as a header writes it."""
    parts = [(preference.name, preference.value), *preference.parameters]
    return "; ".join(name if value is None else f"{name}={value}" if value.replace("-", "").isalnum()
                     else f'{name}="{value}"' for name, value in parts)


@contextlib.contextmanager
def _body(request: Request, allowed: int) -> Iterator[IO[bytes]]:
    """The request's body in a file. Raises PayloadTooLarge."""
    with tempfile.SpooledTemporaryFile(SPOOL) as file:
        while request.body is not None and (chunk := request.body.read(CHUNK)):
            file.write(chunk)
            if file.tell() > allowed:
                raise PayloadTooLarge(allowed=allowed)
        yield file


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def written(principal: Principal) -> str:
    return json.dumps({"id": principal.id, "scopes": sorted(principal.scopes), "roles": sorted(principal.roles),
                       "tenant": principal.tenant, "claims": dict(principal.claims)}, sort_keys=True)


def principal_of(text: str) -> Principal:
    said = json.loads(text)
    return Principal(said["id"], frozenset(said["scopes"]), frozenset(said["roles"]), said["tenant"], said["claims"])


# --- the monitor -----------------------------------------------------------------------------------------

def monitor(service: Service, request: Request, principal: Principal) -> Response:
    """How a job stands: 202 while it is not done, then its result. DELETE cancels it. Raises NotFound for a job that is
    not there, or is somebody else's."""
    job = jobs.find(service.store, request.path.removeprefix(PATH).rstrip("/"))
    if job is None or (principal_of(job.principal).id, principal_of(job.principal).tenant) != (principal.id, principal.tenant):
        raise NotFound(reason="There is no such asynchronous request, or its result is no longer kept")
    version = wishes.versions(request)[0]
    if request.method == "DELETE":
        jobs.remove(service.store, job)
        return Response(204, {"OData-Version": version})
    if request.method not in READS:
        raise MethodNotAllowed(method=request.method, resource="a status monitor", allow=("GET", "HEAD", "DELETE"))
    if job.state != jobs.DONE:
        if job.state == jobs.WAITING and now() - job.made > PATIENCE:
            help_out(service)
        return Response(202, _pending(job, version))
    return _result(service, job, request, version)


def _pending(job: Job, version: str) -> dict[str, str]:
    return {"Location": f"{job.root}{PATH}{job.id}", "Retry-After": RETRY_AFTER, "OData-Version": version}


def _kept(service: Service, job: Job) -> Iterator[bytes]:
    info = streams.info(service.store, jobs.TABLE, job.number, jobs.ANSWER)
    return iter(()) if info is None else streams.read(service.store, info)


def _result(service: Service, job: Job, request: Request, version: str) -> Response:
    """The result: as a whole HTTP message for `application/http` and for clients of 4.0 that do not say what they take;
    else as if it were the answer to this request, its status in AsyncResult (Protocol §11.6, §13.1.1(16))."""
    headers: dict[str, str] = json.loads(job.answer or "{}")
    accept = request.header("accept")
    wrapped = version == "4.0" if accept is None else any(
        (each.type, each.subtype) == ("application", "http") and each.q > 0 for each in parse_media_ranges(accept))
    if not wrapped:
        return Response(200, {**headers, "AsyncResult": f"{job.status:03}", "Vary": VARY}, _bytes(_kept(service, job)))
    phrase = http.client.responses.get(job.status, "Unknown")
    info = streams.info(service.store, jobs.TABLE, job.number, jobs.ANSWER)
    length = {"Content-Length": str(info.length)} if info is not None and job.status != 204 else {}
    head = f"HTTP/1.1 {job.status} {phrase}\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in {**headers, **length}.items()) + "\r\n"

    def message() -> Iterator[bytes]:
        yield head.encode("latin-1", "replace")
        yield from _kept(service, job)
    told = {"Content-Type": "application/http", "OData-Version": version, "Vary": VARY}
    return Response(200, told, _bytes(message()))


def _bytes(chunks: Iterator[bytes]) -> bytes | Iterator[bytes]:
    """A short body as one piece; a long one chunk by chunk."""
    started: list[bytes] = []
    for chunk in chunks:
        started.append(chunk)
        if sum(map(len, started)) > SPOOL:
            return _rest(started, chunks)
    return b"".join(started)


def _rest(started: list[bytes], chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield b"".join(started)
    yield from chunks


# --- carrying it out -------------------------------------------------------------------------------------

def help_out(service: Service) -> None:
    """Work on what is waiting, in the background, unless that is going on already."""
    if service.helping.acquire(blocking=False):
        def helping() -> None:
            try:
                work(service, me())
            finally:
                service.helping.release()
        threading.Thread(target=helping, daemon=True).start()


def work(service: Service, holder: str, stopping: threading.Event | None = None) -> int:
    """Do the jobs that wait, one after the other, until there is none; how many they were."""
    done = 0
    while stopping is None or not stopping.is_set():
        job = jobs.claim(service.store, holder, now(), LEASE)
        if job is None:
            return done
        carry_out(service, job, holder)
        done += 1
    return done


def carry_out(service: Service, job: Job, holder: str) -> None:
    """One job that `holder` has claimed. What it did and its result are stored together, or nothing of both."""
    if job.method == WATCH:
        from app.service.watches import look
        look(service, job, holder)
        return
    if job.attempts > ATTEMPTS:
        error = ServiceUnavailable("The request could not be carried out; its workers ended again and again", retry_after=60)
        _keep(service, job, holder, lambda: service.failed(error, request_of(job)))
        return
    with _held(service, job, holder), tempfile.SpooledTemporaryFile(SPOOL) as body:
        info = streams.info(service.store, jobs.TABLE, job.number, jobs.REQUEST)
        for chunk in streams.read(service.store, info) if info is not None else ():
            body.write(chunk)
        given = body.tell() > 0
        principal = principal_of(job.principal)

        def answer() -> Response:
            body.seek(0)
            request = replace(request_of(job), body=body if given else None)      # type: ignore[arg-type]
            try:
                policy = service.access.policy(principal)
                with service.store.write() if service.store.in_transaction else contextlib.nullcontext():
                    return service.respond(request, principal, policy)
            except Retry:
                raise
            except Exception as error:
                return service.failed(error, request)
        _keep(service, job, holder, answer)
    if job.callback:
        call_back(job.callback)


def _keep(service: Service, job: Job, holder: str, answer: Callable[[], Response]) -> None:
    """Store the answer, of a request that changes data in the transaction of its changes."""
    store = service.store

    def finish(response: Response, file: IO[bytes]) -> None:
        file.seek(0)
        headers = {name: value for name, value in response.headers.items() if name != "Vary"}
        if not jobs.finish(store, job, holder, response.status, json.dumps(headers), _chunks(file)):
            raise Abandoned

    def attempt() -> None:
        with store.apart():
            response = answer()
        with _spooled(response) as file:
            finish(response, file)
    with contextlib.suppress(Abandoned):
        if job.method in READS:
            response = answer()
            with _spooled(response) as file:
                store.transact(lambda: finish(response, file))
        else:
            with store.isolated() if isolation.asked(request_of(job)) else contextlib.nullcontext():
                store.transact(attempt)


@contextlib.contextmanager
def _spooled(response: Response) -> Iterator[Any]:
    """The body of a response in a file, so that it is never in memory as a whole."""
    with tempfile.SpooledTemporaryFile(SPOOL) as file:
        try:
            for chunk in [response.body] if isinstance(response.body, bytes) else response.body:
                file.write(chunk)
        finally:
            response.discard()
        yield file


def request_of(job: Job, method: str | None = None) -> Request:
    """The request of a job, without its body."""
    path, _, query = job.target.partition("?")
    return Request(method or job.method, path, query, json.loads(job.headers), None, job.root)


@contextlib.contextmanager
def _held(service: Service, job: Job, holder: str) -> Iterator[None]:
    """Renews the lease of a job meanwhile."""
    ended = threading.Event()

    def renewing() -> None:
        while not ended.wait(RENEWAL):
            with contextlib.suppress(ServiceUnavailable):       # the next time, then
                jobs.renew(service.store, job, holder, now() + LEASE)
    thread = threading.Thread(target=renewing, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


def call_back(url: str) -> None:
    """Tell a client that its result is there: GET, without credentials, following nothing (Protocol §8.2.8.2)."""
    place = urlsplit(url)
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    connection = kind(place.hostname or "", place.port, timeout=CALLBACK_TIMEOUT)
    with contextlib.suppress(OSError, http.client.HTTPException):       # it can still ask the monitor
        try:
            connection.request("GET", (place.path or "/") + (f"?{place.query}" if place.query else ""))
            connection.getresponse().read(CHUNK)
        finally:
            connection.close()


def purge(service: Service) -> int:
    """Forget results that are older than the settings keep; how many they were."""
    return jobs.purge(service.store, now() - service.settings.change_retention * 86_400_000)

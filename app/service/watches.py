"""Watches: a delta link with nothing to tell, and a client that wants to be called once there is something.

`Prefer: callback` on a delta link without changes answers 202 with the link to ask next, and leaves a job behind that a
worker looks at again and again: when the link has something to tell, or can no longer be answered, the client is called
and the watch is over. Protocol §8.2.8.2.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from app.errors import ServiceUnavailable
from app.service import jobs
from app.service.response import Response
from app.store import jobs as stored
from app.url.headers import parse_preferences

if TYPE_CHECKING:
    from app.service.call import Call
    from app.service.service import Service

PAUSE = 2_000       # milliseconds between two looks


def watched(call: Call, link: str) -> Response | None:
    """202 for a client that is to be called when a delta link has something to tell; None where it did not ask for that, or
    may not be called."""
    request, service = call.request, call.service
    preferences = parse_preferences(request.header("prefer") or "")
    applied, callback = jobs.callback_of(preferences, service.settings.callback_hosts)
    if callback is None:
        return None
    made = jobs.now()
    values = {
        "id": secrets.token_urlsafe(24), "state": stored.WAITING, "made": made, "principal": jobs.written(call.principal),
        "method": jobs.WATCH, "root": request.root, "target": link.removeprefix(request.root),
        "headers": json.dumps({name: request.headers[name] for name in ("odata-maxversion",) if name in request.headers}),
        "callback": callback, "holder": None, "lease": 0, "attempts": 0, "status": 0}
    service.store.transact(lambda: stored.add(service.store, values))
    spelled = call.wishes.spelled.get("track-changes")
    return Response(202, {"Location": link, "Preference-Applied": ", ".join(filter(None, (spelled, applied)))})


def look(service: Service, job: stored.Job, holder: str) -> None:
    """Whether there is something to tell: then the client is called, else the next look is later."""
    request = jobs.request_of(job, "GET")
    try:
        principal = jobs.principal_of(job.principal)
        response = service.respond(request, principal, service.access.policy(principal))
    except ServiceUnavailable:
        response = None
    except Exception as error:      # what is wrong with it, the client sees when it asks
        response = service.failed(error, request)
    if response is None or response.status == 200 and not _tells(json.loads(response.read())):
        stored.postpone(service.store, job, holder, jobs.now() + PAUSE)
        return
    stored.remove(service.store, job)
    assert job.callback is not None
    jobs.call_back(job.callback)


def _tells(body: dict[str, Any]) -> bool:
    """Whether the answer to a delta link tells of a change: one of a collection has items, that of an entity members."""
    if isinstance(body.get("value"), list):
        return bool(body["value"])
    return any(not name.startswith("@") or name.endswith("removed") for name in body)

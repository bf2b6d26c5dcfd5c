"""Jobs: requests that are answered later, their leases and their results.

A job waits, is claimed by a worker for the time of a lease that the worker renews, and is done. Whoever finishes a job has
to hold it still: with the effects of the job in the same transaction, none is done twice (DESIGN §6). Bodies are kept as
streams of the source `odata_jobs`. Times are milliseconds of the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import peewee as pw

from app.store import streams
from app.store.clauses import infix
from app.store.database import Store

TABLE = "odata_jobs"
REQUEST, ANSWER = "request", "answer"
WAITING, RUNNING, DONE = "waiting", "running", "done"


@dataclass(frozen=True, slots=True)
class Job:
    """One job. `principal`, `headers`, `answer` (headers of the result): JSON text; `holder`: who works on it until
    `lease`; `status`: of the result."""

    number: int
    id: str
    state: str
    made: int
    principal: str
    method: str
    target: str
    root: str
    headers: str
    callback: str | None
    holder: str | None
    lease: int
    attempts: int
    status: int
    answer: str | None


COLUMNS = tuple(each.name for each in fields(Job))


def _is(name: str, value: Any) -> pw.Node:
    return infix(pw.Entity(name), "=", pw.Value(value))


def _select(store: Store, *where: pw.Node, limit: int | None = None) -> list[Job]:
    query = pw.Select([pw.Entity(TABLE)], [pw.Entity(name) for name in COLUMNS]).where(pw.NodeList(where, " AND ", True))
    query = query.order_by(pw.Entity("number"))
    return [Job(*row) for row in store.run(*store.compile(query if limit is None else query.limit(limit)))]


def _update(store: Store, values: Mapping[str, Any], *where: pw.Node) -> bool:
    changes = {pw.Entity(name): pw.Value(value) for name, value in values.items()}
    query = pw.Table(TABLE).update(changes).where(pw.NodeList(where, " AND ", True))
    return store.execute(*store.compile(query)).count > 0


def add(store: Store, values: Mapping[str, Any], body: Sequence[bytes] | Any = ()) -> Job:
    """A new job with the body of its request. Inside `write()`."""
    rows = [tuple(values.values())]
    store.execute(*store.compile(pw.Table(TABLE).insert(rows, columns=[pw.Entity(name) for name in values])))
    job = find(store, values["id"])
    assert job is not None
    streams.put(store, TABLE, job.number, REQUEST, body, "application/octet-stream")
    return job


def find(store: Store, id: str) -> Job | None:
    """The job with an id."""
    found = _select(store, _is("id", id))
    return found[0] if found else None


def claim(store: Store, holder: str, now: int, lease: int) -> Job | None:
    """The oldest job that nobody works on, held by `holder` from now on; None where there is none."""
    free = pw.NodeList([_is("state", WAITING), pw.NodeList([_is("state", RUNNING), infix(pw.Entity("lease"), "<", pw.Value(now))],
                                                           " AND ", True)], " OR ", True)
    while found := _select(store, free, limit=1):
        job = found[0]
        taken = {"state": RUNNING, "holder": holder, "lease": now + lease, "attempts": job.attempts + 1}
        if _update(store, taken, _is("number", job.number), _is("state", job.state), _is("attempts", job.attempts)):
            return find(store, job.id)
    return None


def renew(store: Store, job: Job, holder: str, lease: int) -> bool:
    """Hold a job until `lease`; whether it is still held."""
    return _update(store, {"lease": lease}, _is("number", job.number), _is("holder", holder), _is("state", RUNNING))


def postpone(store: Store, job: Job, holder: str, until: int) -> bool:
    """Let a job rest until a time, as if nobody had been at it; whether it was still held."""
    rest = {"lease": until, "attempts": 0}
    return _update(store, rest, _is("number", job.number), _is("holder", holder), _is("state", RUNNING))


def finish(store: Store, job: Job, holder: str, status: int, answer: str, body: Any) -> bool:
    """Keep the result of a job that is still held; whether it is. Inside `write()`, with the effects of the job."""
    done = {"state": DONE, "status": status, "answer": answer}
    if not _update(store, done, _is("number", job.number), _is("holder", holder), _is("state", RUNNING)):
        return False
    streams.put(store, TABLE, job.number, ANSWER, body, "application/octet-stream")
    streams.delete(store, TABLE, job.number, REQUEST)
    return True


def remove(store: Store, job: Job) -> None:
    """Forget a job, whatever its state: a worker that is at it cannot finish it any more."""
    with store.write():
        store.execute(*store.compile(pw.Table(TABLE).delete().where(_is("number", job.number))))
        streams.delete(store, TABLE, job.number)


def purge(store: Store, before: int) -> int:
    """Forget the jobs made before an instant; how many they were."""
    found = _select(store, infix(pw.Entity("made"), "<", pw.Value(before)))
    for job in found:
        remove(store, job)
    return len(found)

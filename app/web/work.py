"""The worker under `odata work`: carries out asynchronous requests, and forgets what is kept no longer.

`odata serve` runs one beside its web workers, in a process of its own that is started again when it ends. Any number of
workers, on any number of hosts, may share a store: each job is held by one of them at a time.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing import resource_tracker

from app.errors import ServiceUnavailable
from app.service import jobs
from app.service.service import Service, before
from app.service.settings import Settings
from app.store import changelog

PAUSE = 0.2                     # seconds between looks for jobs
UPKEEP = 3600.0                 # seconds between looks for what is kept no longer
GRACE = 20.0                    # seconds that a job gets at a stop


def work(settings: Settings, once: bool = False) -> int:
    """Work until SIGINT or SIGTERM, or (`once`) until nothing waits; how many jobs were done. The store has to be there.

    Raises ConfigurationError where it is not."""
    stopping = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
    service = Service.open(settings, prepare=False)
    try:
        return _work(service, once, stopping)
    finally:
        service.close()


def _work(service: Service, once: bool, stopping: threading.Event) -> int:
    done, cleaned = 0, 0.0
    while not stopping.is_set():
        with contextlib.suppress(ServiceUnavailable):       # a store that is busy or away: the next time
            if time.monotonic() >= cleaned:
                changelog.purge(service.store, before(service.settings))
                jobs.purge(service)
                cleaned = time.monotonic() + UPKEEP
            done += jobs.work(service, jobs.me(), stopping)
            if once:
                return done
        stopping.wait(PAUSE)
    return done


@contextlib.contextmanager
def working(settings: Settings) -> Iterator[None]:
    """A worker process beside the block, started again when it ends before the block does."""
    context, stopping = multiprocessing.get_context("spawn"), threading.Event()
    running: list[multiprocessing.process.BaseProcess] = []

    def keep() -> None:
        resource_tracker.ensure_running()           # its start would lift the mask
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})   # Ctrl-C is for the parent, who ends the process
        while not stopping.is_set():
            process = context.Process(target=_beside, args=(settings, os.getpid()), daemon=True, name="odata-work")
            process.start()
            running[:] = [process]
            while process.is_alive() and not stopping.wait(PAUSE):
                pass
            if not stopping.is_set():
                stopping.wait(1.0)
    keeper = threading.Thread(target=keep, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):      # the end has begun
                signal.signal(number, signal.SIG_IGN)
        stopping.set()
        keeper.join(GRACE)
        for process in running:
            process.terminate()
            process.join(GRACE)
            process.kill()


def _beside(settings: Settings, parent: int) -> None:
    threading.Thread(target=follow, args=(parent, GRACE), daemon=True).start()
    work(settings)


def follow(parent: int, grace: float) -> None:
    """End this process after its parent, however that ended."""
    while os.getppid() == parent:
        time.sleep(0.25)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os._exit(1)

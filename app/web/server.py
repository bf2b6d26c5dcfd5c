"""The server under `odata serve`: granian with its ASGI interface, worker processes over one port.

The parent has made the store ready; workers only open it. A worker whose parent is gone ends itself, so that a killed
server leaves no listener behind.
"""

from __future__ import annotations

import errno
import http.client
import os
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from app.errors import ConfigurationError
from app.service.settings import Settings
from app.web.asgi import Bridge
from app.web.work import follow, working

GRACE = 20                      # seconds that running requests get at a stop
PORT_PATIENCE = 5.0             # seconds to wait for a port that a stopping server still holds
ATTEMPTS = 10                   # free ports to try for `--port 0`
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def serve(settings: Settings, host: str, port: int, workers: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` gets the root URL once the service answers. Port 0: any free port.

    Raises ConfigurationError when the port cannot be had.
    """
    for attempt in range(ATTEMPTS):
        number = free_port(host) if port == 0 else port
        claim(host, number, 0.0 if port == 0 else PORT_PATIENCE)
        try:
            server = Server(settings, host, number, workers, ready)
            with working(settings):
                server.serve(target_loader=partial(worker, settings, os.getpid()), wrap_loader=False)
            return
        except OSError:     # taken between the probe and the start
            if port or attempt == ATTEMPTS - 1:
                raise ConfigurationError(f"Port {number} of {host} cannot be opened") from None


class Server(Granian):      # type: ignore[valid-type,misc]
    """granian, telling when its first worker answers."""

    def __init__(self, settings: Settings, host: str, port: int, workers: int, ready: Callable[[str], None]) -> None:
        super().__init__(
            "app.web.server:worker", address=host, port=port, interface=Interfaces.ASGI, workers=workers,
            websockets=False, log_level=LogLevels.warning, respawn_failed_workers=True,
            workers_kill_timeout=GRACE)
        self._announce = partial(announce, settings, host, port, ready)

    def startup(self, *arguments: Any) -> None:
        super().startup(*arguments)
        threading.Thread(target=self._announce, args=(self.main_loop_interrupt,), daemon=True).start()


def announce(settings: Settings, host: str, port: int, ready: Callable[[str], None],
             stopping: threading.Event) -> None:
    """Call `ready` when the service's own health answers 200."""
    name = WILDCARDS.get(host, host)
    while not stopping.is_set():
        connection = http.client.HTTPConnection(name, port, timeout=5)
        try:
            connection.request("GET", settings.root_path + "/-/health")
            if connection.getresponse().status == 200:
                ready(f"http://{f'[{name}]' if ':' in name else name}:{port}{settings.root_path}/")
                return
        except OSError:
            pass
        finally:
            connection.close()
        stopping.wait(0.02)


def worker(settings: Settings, parent: int) -> Bridge:
    """The ASGI application of one worker process."""
    from app.service.service import Service
    from app.web import application
    threading.Thread(target=follow, args=(parent, GRACE), daemon=True).start()
    service = Service.open(settings, prepare=False)
    app = application(service, settings)
    return Bridge(app.wsgi_app, threads=0 if settings.embedded else settings.threads, max_body=settings.max_body,
                  max_stream=settings.max_stream, closing=service.close)


# --- ports ---------------------------------------------------------------------------------------

def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM,
                                                            flags=socket.AI_PASSIVE)[0]
    probe = socket.socket(family, kind, protocol)
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(address)
    except OSError:
        probe.close()
        raise
    return probe


def free_port(host: str) -> int:
    """The number of a port that is free now."""
    with _bound(host, 0) as probe:
        return int(probe.getsockname()[1])


def claim(host: str, port: int, patience: float) -> None:
    """Make sure nobody listens on the port: workers share it by SO_REUSEPORT, so a second server would not fail.

    Raises ConfigurationError after `patience` seconds.
    """
    until = time.monotonic() + patience
    while True:
        try:
            _bound(host, port).close()
            return
        except socket.gaierror as error:
            raise ConfigurationError(f"There is no address '{host}' on this machine: {error.strerror}") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= until:
                hint = "; --port names another one" if error.errno == errno.EADDRINUSE else ""
                raise ConfigurationError(f"Port {port} of {host} cannot be opened: {error.strerror}{hint}") from None
        time.sleep(0.05)

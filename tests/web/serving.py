"""`odata serve` as a process of its own, and plain sockets to talk to it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60       # seconds until a start or a stop counts as failed


class Serving:
    """A running server: its process, what it printed, and requests to it."""

    def __init__(self, model: Path, folder: Path, *options: str, environ: dict[str, str] | None = None) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ODATA_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", str(model), *options], cwd=folder, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            env={**kept, "PYTHONPATH": str(ROOT), **(environ or {})})
        self.errors: list[str] = []
        self._drain = threading.Thread(target=self._collect, daemon=True)
        self._drain.start()
        self.ready = self._ready_line()
        self.port = int(re.search(r":(\d+)/", self.ready)[1]) if self.ready else 0      # type: ignore[index]

    def _collect(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)

    def _ready_line(self) -> str:
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        try:
            assert self.process.stdout is not None
            return self.process.stdout.readline().rstrip("\n")
        finally:
            timer.cancel()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the server; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.kill()
            self._drain.join(PATIENCE)
            assert self.process.stdout is not None and self.process.stderr is not None
            self.process.stdout.close()
            self.process.stderr.close()

    def kill(self) -> None:
        """End the server and all its workers at once."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(PATIENCE)

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def send(self, method: str, target: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by lower-case name, body."""
        connection = self.connection()
        try:
            data = None if body is None else json.dumps(body).encode()
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            if data is not None:
                named.setdefault("Content-Type", "application/json")
            connection.request(method, target, data, named)
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()

    def socket(self, request: str) -> socket.socket:
        """An open connection with `request` (lines with a final blank one) on its way."""
        opened = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        opened.sendall(request.replace("\n", "\r\n").encode("latin-1"))
        return opened


@contextmanager
def serving(model: Path, folder: Path, *options: str, port: int = 0, workers: int = 1,
            environ: dict[str, str] | None = None) -> Iterator[Serving]:
    """A server over a store in `folder`, stopped at the end."""
    server = Serving(model, folder, "--port", str(port), "--workers", str(workers), *options, environ=environ)
    try:
        if not server.ready:
            server.process.wait(PATIENCE)
            server._drain.join(PATIENCE)
            raise AssertionError("odata serve did not start:\n" + "".join(server.errors))
        yield server
    finally:
        server.stop()

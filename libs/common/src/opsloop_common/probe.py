"""Health and metrics over HTTP, read-only: `/healthz`, `/readyz`, `/metrics`.

The server lives in its own thread, so it can tell when the event loop is stuck. A service that already serves HTTP
answers these paths there, through `answer`.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

STUCK_AFTER_SECONDS = 10.0

Checks = Mapping[str, Callable[[], str]]


class Answer(msgspec.Struct, frozen=True):
    status: int
    content_type: str
    body: bytes


class Health:
    """What is known about this process. `checks` return "" when well, else what is wrong."""

    def __init__(self, registry: CollectorRegistry, checks: Checks) -> None:
        self._registry = registry
        self._checks = checks
        self._beat_at = time.monotonic()
        self._is_stopping = False

    def beat(self) -> None:
        """The event loop says it is alive."""
        self._beat_at = time.monotonic()

    def leave(self) -> None:
        """This process is to stop: from now on it is not ready, whatever it still finishes."""
        self._is_stopping = True

    def answer(self, path: str) -> Answer | None:
        """The answer to a path of the probe; None for any other path."""
        match path:
            case "/healthz":
                return self._healthz()
            case "/readyz":
                return self._readyz()
            case "/metrics":
                return Answer(200, CONTENT_TYPE_LATEST, generate_latest(self._registry))
        return None

    def _healthz(self) -> Answer:
        stuck_seconds = time.monotonic() - self._beat_at
        if stuck_seconds > STUCK_AFTER_SECONDS:
            return _json(503, {"status": "stuck", "seconds": round(stuck_seconds)})
        return _json(200, {"status": "ok"})

    def _readyz(self) -> Answer:
        problems = {name: text for name, check in self._checks.items() if (text := check())}
        if self._is_stopping:
            problems = {"process": "stopping"}
        if problems:
            return _json(503, {"status": "not ready", "problems": problems})
        return _json(200, {"status": "ready"})


def _json(status: int, body: object) -> Answer:
    return Answer(status, "application/json", json.dumps(body).encode())


class ProbeServer:
    """Serves a Health on a port of its own. Raises OSError when the port is taken."""

    def __init__(self, health: Health, host: str, port: int) -> None:
        self._server = ThreadingHTTPServer((host, port), _handler(health))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            answer = health.answer(self.path.partition("?")[0])
            found = answer or Answer(404, "text/plain", b"not found\n")
            self.send_response(found.status)
            self.send_header("Content-Type", found.content_type)
            self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body)

        def log_message(self, format: str, *args: object) -> None:
            """Probes are not worth a log line."""

    return Handler

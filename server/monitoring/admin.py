"""The admin port: /healthz and /metrics over HTTP, on a socket and a thread of its own.

A parent that forks has no threads; there the admin port is served by a process of its own.

Strategy: one request at a time, answered and closed. The callers are a health check, a scraper and the lab, a few times
a second. One at a time bounds the descriptors (select has few) and leaves the interpreter to the serving thread. Rules:

- /healthz is 200 while the server serves, even at its cap, and 503 while it drains or, with several processes, while
  none of them runs. It does not ask the serving thread, so it does not notice a stuck loop:
  holdfast_server_loop_lag_seconds does.
- A client has `TIMEOUT_SECONDS` for its whole request, and as long again to read the answer.
"""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from time import monotonic

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from server.system.errnos import OUT_OF_RESOURCES

TIMEOUT_SECONDS = 2.0

#: Pause after an accept that ran out of descriptors; an immediate retry would spin.
RETRY_SECONDS = 0.5

#: Of a request, line and headers. No request here has a body.
MAX_REQUEST_BYTES = 8192

PLAIN = "text/plain; charset=utf-8"


class Admin:
    """Answers on `listener`: in a daemon thread from `start()` to `close()`, or in the caller of `serve()`.

    `metrics` returns the text of /metrics; `health_problem` returns why the server is not healthy, "" if it is.
    """

    def __init__(
        self, listener: socket.socket, metrics: Callable[[], bytes], health_problem: Callable[[], str]
    ) -> None:
        listener.setblocking(True)
        self._listener = listener
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self.serve, name="admin", daemon=True)
        self._handler = _handler_class(metrics, health_problem)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering; wait briefly for the request in progress."""
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # Wakes accept(); closing the socket would not.
        self._thread.join(TIMEOUT_SECONDS)

    def fileno(self) -> int:
        """Return the descriptor of the listener."""
        return self._listener.fileno()

    def serve(self) -> None:
        """Answer requests until closed."""
        while not self._closing.is_set():
            try:
                sock, peer = self._listener.accept()
            except OSError as error:
                if error.errno in OUT_OF_RESOURCES:
                    self._closing.wait(RETRY_SECONDS)
                continue
            with sock:
                self._answer(sock, peer)

    def _answer(self, sock: socket.socket, peer: object) -> None:
        try:
            self._handler(sock, peer, None)  # type: ignore[arg-type]  # This class replaces HTTPServer.
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # The client left before it had its answer.


def _read_request(sock: socket.socket) -> bytes:
    """Return a request up to the end of its headers. Raise OSError if it takes too long or is too long."""
    deadline = monotonic() + TIMEOUT_SECONDS
    request = b""
    while not (b"\n\r\n" in request or b"\n\n" in request):
        sock.settimeout(max(0.001, deadline - monotonic()))
        if not (data := sock.recv(MAX_REQUEST_BYTES)) or len(request) > MAX_REQUEST_BYTES:
            raise ConnectionAbortedError
        request += data
    return request


def _handler_class(metrics: Callable[[], bytes], health_problem: Callable[[], str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = TIMEOUT_SECONDS
        server_version = "holdfast"

        def setup(self) -> None:
            request = io.BytesIO(_read_request(self.request))
            super().setup()
            self.rfile.close()
            self.rfile = request

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/healthz":
                problem = health_problem()
                self._reply(503 if problem else 200, f"{problem or 'ok'}\n".encode(), PLAIN)
            elif path == "/metrics":
                self._reply(200, metrics(), CONTENT_TYPE_PLAIN_0_0_4)
            else:
                self._reply(404, b"here are /healthz and /metrics\n", PLAIN)

        do_HEAD = do_GET

        def _reply(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: a line for every health check is noise."""

    return Handler

"""The admin port: /healthz and /metrics over HTTP, on a socket and a thread of their own,
or, where the server forks and so has no threads, in a process of their own.

Strategy: one request at a time, answered and closed. What asks here is a health check, a scraper and the lab, a few
times a second; one at a time bounds the descriptors (select has few) and leaves the interpreter to the serving
thread. Rules:

- /healthz is 200 while the server serves, at its cap too, and 503 while it drains, or while of several processes none
  is there. It does not ask the serving thread, so it does not notice a loop that is stuck:
  holdfast_server_loop_lag_seconds does.
- A client has `PATIENCE_SECONDS` for its whole request, and as long for taking the answer.
"""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from time import monotonic

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from server.system.errnos import CAPACITY

PATIENCE_SECONDS = 2.0

#: Pause after an accept that failed for want of descriptors; at once would spin.
REST_SECONDS = 0.5

#: Of a request, line and headers. A body is not asked for.
LONGEST_REQUEST = 8192

PLAIN = "text/plain; charset=utf-8"


class Admin:
    """Answers on `listener` from a daemon thread, from `start()` to `close()`; or from whoever calls `serve()`.

    `metrics` gives the text of /metrics, `trouble` why the server is not healthy, "" if it is.
    """

    def __init__(self, listener: socket.socket, metrics: Callable[[], bytes], trouble: Callable[[], str]) -> None:
        listener.setblocking(True)
        self._listener = listener
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self.serve, name="admin", daemon=True)
        self._handler = _handler_class(metrics, trouble)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more; wait for a request that is being answered, but not for long."""
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # Wakes accept(); closing the socket would not.
        self._thread.join(PATIENCE_SECONDS)

    def fileno(self) -> int:
        """Return the descriptor of the listener."""
        return self._listener.fileno()

    def serve(self) -> None:
        """Answer until closed."""
        while not self._closing.is_set():
            try:
                sock, peer = self._listener.accept()
            except OSError as problem:
                if problem.errno in CAPACITY:
                    self._closing.wait(REST_SECONDS)
                continue
            with sock:
                self._answer(sock, peer)

    def _answer(self, sock: socket.socket, peer: object) -> None:
        try:
            self._handler(sock, peer, None)  # type: ignore[arg-type]  # No HTTPServer: this class takes its place.
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # It left before it had its answer.


def _request(sock: socket.socket) -> bytes:
    """Return a request up to the end of its headers. Raise OSError where that takes too long, or has no end."""
    deadline = monotonic() + PATIENCE_SECONDS
    request = b""
    while not (b"\n\r\n" in request or b"\n\n" in request):
        sock.settimeout(max(0.001, deadline - monotonic()))
        if not (data := sock.recv(LONGEST_REQUEST)) or len(request) > LONGEST_REQUEST:
            raise ConnectionAbortedError
        request += data
    return request


def _handler_class(metrics: Callable[[], bytes], trouble: Callable[[], str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE_SECONDS
        server_version = "holdfast"

        def setup(self) -> None:
            request = io.BytesIO(_request(self.request))
            super().setup()
            self.rfile.close()
            self.rfile = request

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/healthz":
                problem = trouble()
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
            """Say nothing: a line for every health check is noise."""

    return Handler

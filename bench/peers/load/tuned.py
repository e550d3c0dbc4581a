"""The typical Locust user with two simple improvements: an address that needs no look-up, and `send`.

`socket.create_connection` goes through gevent's thread pool even for 127.0.0.1, and gevent's `sendall` asks for the
size of the send buffer each time. Used like typical.py.
"""

import os
import socket
import time

from locust import User, constant_pacing, task

HOST, _, PORT = os.environ["BENCH_TARGET"].rpartition(":")
LINE = b"hello from the bench\n"


class Tuned(User):
    """One greenlet, one connection."""

    wait_time = constant_pacing(float(os.environ["BENCH_EVERY"]))

    def on_start(self) -> None:
        """Connect."""
        self.sock = socket.socket()
        self.sock.connect((HOST, int(PORT)))

    @task
    def talk(self) -> None:
        """Send a line and receive the reply."""
        started = time.perf_counter()
        self.sock.send(LINE)
        reply = self.sock.recv(1024)
        self.environment.events.request.fire(
            request_type="TCP",
            name="hello",
            response_time=(time.perf_counter() - started) * 1000,
            response_length=len(reply),
            exception=None,
            context={},
        )

"""The typical Locust user for raw TCP: a greenlet, a connection, sendall, recv, an event.

    BENCH_TARGET=host:port BENCH_EVERY=seconds locust -f typical.py --master|--worker

BENCH_EVERY=0 sends the next message at once. Any data received count as the reply.
"""

import os
import socket
import time

from locust import User, constant_pacing, task

HOST, _, PORT = os.environ["BENCH_TARGET"].rpartition(":")
LINE = b"hello from the bench\n"


class Typical(User):
    """One greenlet, one connection."""

    wait_time = constant_pacing(float(os.environ["BENCH_EVERY"]))

    def on_start(self) -> None:
        """Connect."""
        self.sock = socket.create_connection((HOST, int(PORT)))

    @task
    def talk(self) -> None:
        """Send a line and receive the reply."""
        started = time.perf_counter()
        self.sock.sendall(LINE)
        reply = self.sock.recv(1024)
        self.environment.events.request.fire(
            request_type="TCP",
            name="hello",
            response_time=(time.perf_counter() - started) * 1000,
            response_length=len(reply),
            exception=None,
            context={},
        )

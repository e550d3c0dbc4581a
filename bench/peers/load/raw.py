"""The library's greenlet user, `RawSocketUser`, with all it does: framing, unique payloads, checks, its own table.

Used like everyone.py, with TARGET=tcp://host:port beside BENCH_EVERY.
"""

import os
import random

from locust import constant_pacing, task

from rawsocket import LabUser

EVERY = float(os.environ["BENCH_EVERY"])


class Raw(LabUser):
    """Holds a connection and talks on it, from a random moment on."""

    wait_time = constant_pacing(EVERY)

    def on_start(self) -> None:
        """Connect, and wait for this user's own moment to begin."""
        super().on_start()
        self.pause(random.uniform(0, EVERY))

    @task
    def talk(self) -> None:
        """One message and its reply."""
        self.exchange()

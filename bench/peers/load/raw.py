"""The library's greenlet user, `RawSocketUser`, with all its features: framing, unique payloads, checks, statistics.

Used like typical.py, with TARGET=tcp://host:port beside BENCH_EVERY.
"""

import os
import random

from locust import constant_pacing, task

from rawsocket import LabUser

EVERY = float(os.environ["BENCH_EVERY"])


class Raw(LabUser):
    """Holds a connection and sends on it, beginning at a random time."""

    wait_time = constant_pacing(EVERY)

    def on_start(self) -> None:
        """Connect, and wait for a random part of the interval."""
        super().on_start()
        self.pause(random.uniform(0, EVERY))

    @task
    def talk(self) -> None:
        """Send one message and receive its reply."""
        self.exchange()

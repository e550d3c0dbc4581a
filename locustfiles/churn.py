"""Each user connects, exchanges one message and closes, again and again, every EVERY seconds.

It shows what accepting costs, as opposed to holding. The first connection comes after a random part of EVERY; each
wait is EVERY give or take a tenth, from the close on: 800 users with EVERY=10 make about 80 connections a second. The
client closes first, so each connection occupies a source port of the worker for another minute (TIME_WAIT): more than
some 450 connections a second per worker and target run out of ports, with EVERY=0 soonest of all. A connect that
failed is not repeated with back-off, but at the next turn.
"""

import random

from locust import task

from rawsocket import LabUser


class Churn(LabUser):
    """Comes, says one thing, and goes."""

    holds = False
    reconnects = False

    def on_start(self) -> None:
        """Wait for this user's own moment to begin."""
        self.pause(random.uniform(0, self.every))

    def wait_time(self) -> float:
        """Seconds until the next connection."""
        return self.every

    @task
    def visit(self) -> None:
        """Connect, one message and its reply, close."""
        self.client.connect()
        try:
            self.exchange()
        finally:
            self.client.close()

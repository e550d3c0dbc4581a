"""Each user holds one connection for its whole life and says something on it every EVERY seconds.

The first message comes after a random part of EVERY, the later ones after EVERY give or take a tenth, so
that users don't march in step. Each message of SIZE bytes is unique to its connection and number, and exactly
it must come back (with APP=hello: the greeting). EVERY=0 holds in silence: no message is ever sent, and what is
judged is what was held.
"""

import random

from locust import task

from rawsocket import LabUser

SILENCE = 3600.0  # seconds of one silent wait; the next follows at once


class Hold(LabUser):
    """Holds a connection; talks now and then."""

    holds = True

    def on_start(self) -> None:
        """Connect, and wait for this user's own moment to begin."""
        super().on_start()
        self.pause(random.uniform(0, self.every))

    def wait_time(self) -> float:
        """Seconds until the next message."""
        return self.every or SILENCE

    @task
    def talk(self) -> None:
        """One message and its reply; nothing in a silent hold."""
        if self.every:
            self.exchange()

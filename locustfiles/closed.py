"""Each user holds one connection and sends the next message as soon as the reply to the last one is there.

A closed loop: it shows how many messages a second a number of connections can get through, and hides every
stall, since a user that waits for a late reply sends nothing meanwhile. EVERY is not used.
"""

from locust import constant, task

from rawsocket import LabUser


class Closed(LabUser):
    """Talks all the time on one connection."""

    holds = True
    wait_time = constant(0)

    @task
    def talk(self) -> None:
        """One message and its reply."""
        self.exchange()

"""Users with a greenlet, for tests: one that talks without a pause, and one that waits. Imports Locust."""

from locust import constant, task

from rawsocket import LabUser, RawSocketUser


class Talker(LabUser):
    """Sends the lab's message and waits for its reply, again and again."""

    wait_time = constant(0.01)

    @task
    def talk(self) -> None:
        """Send one message."""
        self.exchange()


class Waiter(RawSocketUser):
    """Connects and is silent."""

    wait_time = constant(1000)

    @task
    def nothing(self) -> None:
        """Do nothing."""

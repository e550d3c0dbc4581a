"""The C load client as a process: what it can be told. See peers/load.c."""

from collections.abc import Sequence
from typing import Any

from bench.harness.json_process import Teller
from lab.errors import LabError


class Load(Teller):
    """Connections to one port of 127.0.0.1, until the block ends. LabError for the first reply that is not right."""

    name = "the load"

    def __init__(self, program: str, port: int, first: int = 0) -> None:
        super().__init__([program, str(port), str(first)])

    def hold(self, connections: int) -> None:
        """Open connections until so many are held, and have each get a reply: who only queues is not held."""
        self.ask(f"hold {connections}")
        self.closed(connections)
        self.stop()

    def rush(self, connections: int) -> float:
        """Open connections as fast as the server accepts them, until so many are held; gives the seconds it took.

        LabError if the server does not come to an end with them.
        """
        found = self.ask(f"rush {connections}")
        if found["queued"]:
            raise LabError(f"{self.name}: {found['queued']} of {found['held']} connections were never accepted")
        return float(found["seconds"])

    def closed(self, active: int) -> None:
        """From now on one message in flight on so many of them."""
        self.ask(f"closed {active}")

    def counts(self, pids: Sequence[int] = ()) -> dict[str, Any]:
        """Give {now, messages, cpu_s}: the monotonic clock, replies so far, CPU seconds of all threads of `pids`."""
        return self.ask(" ".join(map(str, ["counts", *pids])))

    def stop(self) -> None:
        """Send nothing any more; LabError if a message stays unanswered."""
        if unanswered := self.ask("stop")["unanswered"]:
            raise LabError(f"{self.name}: {unanswered} messages were never answered")

    def open(self, active: int, rate: float, seconds: float) -> dict[str, Any]:
        """Send at `rate` a second, all together, each when it is due; gives {due, answered, due_us, sent_us, late_us}.

        Each is {p50, p90, p99, p99_9, max} of microseconds: to the reply from when the message was due, and from when
        it was sent; and from due to sent, which is what the client itself was late.
        """
        self.begin_open(active, rate, seconds)
        return self.end_open()

    def begin_open(self, active: int, rate: float, seconds: float) -> None:
        """Begin what `open` does; `end_open` gives what it gives."""
        self.tell(f"open {active} {rate:g} {seconds:g}")

    def end_open(self) -> dict[str, Any]:
        """Wait for the end of it."""
        found = self.answer()
        if found["answered"] < found["due"]:
            raise LabError(f"{self.name}: {found['due'] - found['answered']} of {found['due']} were never answered")
        return found

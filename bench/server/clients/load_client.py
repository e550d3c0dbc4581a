"""The load client in C as a process, and its commands. See peers/server/load.c."""

from collections.abc import Sequence
from typing import Any

from bench.harness.json_process import JsonProcess
from lab.errors import LabError


class LoadClient(JsonProcess):
    """Connections to one port of 127.0.0.1, until the block ends. LabError for the first wrong reply."""

    name = "the load client"

    def __init__(self, program: str, port: int, first: int = 0) -> None:
        super().__init__([program, str(port), str(first)])

    def hold(self, connections: int) -> None:
        """Open connections until so many are held, and wait for a reply on each: a queued connection is not held."""
        self.call(f"hold {connections}")
        self.closed(connections)
        self.stop()

    def rush(self, connections: int) -> float:
        """Open connections as fast as the server accepts them, until so many are held; return the seconds it took.

        LabError if some are never accepted.
        """
        found = self.call(f"rush {connections}")
        if found["queued"]:
            raise LabError(f"{self.name}: {found['queued']} of {found['held']} connections were never accepted")
        return float(found["seconds"])

    def closed(self, active: int) -> None:
        """Keep one message in flight on so many connections from now on."""
        self.call(f"closed {active}")

    def counts(self, pids: Sequence[int] = ()) -> dict[str, Any]:
        """Return {now, messages, cpu_s}: the monotonic clock, replies so far, CPU seconds of all threads of `pids`."""
        return self.call(" ".join(map(str, ["counts", *pids])))

    def stop(self) -> None:
        """Send no more messages; LabError if one stays unanswered."""
        if unanswered := self.call("stop")["unanswered"]:
            raise LabError(f"{self.name}: {unanswered} messages were never answered")

    def open(self, active: int, rate: float, seconds: float) -> dict[str, Any]:
        """Send `rate` messages a second in total, each when due; return {due, answered, due_us, sent_us, late_us}.

        The latter three are {p50, p90, p99, p99_9, max} in microseconds: from due to the reply, from sent to the reply,
        and from due to sent, which is the lateness of the client itself.
        """
        self.begin_open(active, rate, seconds)
        return self.end_open()

    def begin_open(self, active: int, rate: float, seconds: float) -> None:
        """Start what `open` does; `end_open` returns the result."""
        self.send(f"open {active} {rate:g} {seconds:g}")

    def end_open(self) -> dict[str, Any]:
        """Wait until the open loop has ended."""
        found = self.receive()
        if found["answered"] < found["due"]:
            raise LabError(f"{self.name}: {found['due'] - found['answered']} of {found['due']} were never answered")
        return found

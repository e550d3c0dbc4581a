"""A measured window: CPU time of the generator, messages at the server, steal time of the host."""

import time
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from bench.harness import procfs
from bench.load.contenders import RunningGenerator
from lab.errors import LabError
from lab.waiting import wait_for


class Counting(Protocol):
    """A server that counts."""

    def counts(self) -> dict[str, Any]:
        """Return at least {now, accepted, closed, messages}; `now` is of the monotonic clock."""


@dataclass(frozen=True)
class Reading:
    """All counters at one moment; times in seconds."""

    at: float
    cpu_s: float
    messages: int
    closed: int
    stolen_s: float
    busy_s: float


def read(server: Counting, pid: int) -> Reading:
    """Take a reading."""
    counts = server.counts()
    cpu_s, stolen_s, busy_s = procfs.cpu_s(pid), procfs.stolen_s(), procfs.busy_s()
    return Reading(counts["now"], cpu_s, counts["messages"], counts["closed"], stolen_s, busy_s)


@dataclass(frozen=True)
class Window:
    """The difference of two readings. Shares are of one core."""

    seconds: float
    messages: int
    cpu_s: float
    stolen: float
    busy: float

    @property
    def us(self) -> float:
        """CPU time that the generator used for a message, in microseconds."""
        return self.cpu_s * 1e6 / self.messages

    def values(self) -> dict[str, Any]:
        """Return its figures for the record."""
        shown = {name: round(value, 6) for name, value in asdict(self).items()}
        return {**shown, "us": round(self.us, 3), "per_s": round(self.messages / self.seconds, 1)}


def between(first: Reading, last: Reading) -> Window:
    """Return the window; LabError if nothing was sent in it, or connections were closed."""
    seconds = last.at - first.at
    if closed := last.closed - first.closed:
        raise LabError(f"{closed} connections were closed while it was measured")
    if last.messages == first.messages:
        raise LabError("no message came to the server")
    return Window(
        seconds=seconds,
        messages=last.messages - first.messages,
        cpu_s=last.cpu_s - first.cpu_s,
        stolen=(last.stolen_s - first.stolen_s) / seconds,
        busy=(last.busy_s - first.busy_s) / seconds,
    )


def over(server: Counting, run: RunningGenerator, seconds: float) -> Window:
    """Measure for so many seconds."""
    first = read(server, run.pid)
    time.sleep(seconds)
    if reason := run.died():
        raise LabError(f"{run.name}: {reason} while it was measured", run.evidence())
    return between(first, read(server, run.pid))


def all_held(server: Counting, run: RunningGenerator, connections: int, within: float) -> None:
    """Wait until the server holds all connections; reads the idle memory of a generator that had no time to be idle."""
    unknown = run.base_kb is None

    def held() -> bool:
        counts = server.counts()
        if unknown and not counts["accepted"]:
            run.base_kb = procfs.rss_kb(run.pid)
        return int(counts["accepted"]) - int(counts["closed"]) >= connections

    try:
        wait_for(f"{run.name}: {connections} connections", held, within, run.died, run.evidence, 0.05)
    except LabError as error:
        counts = server.counts()
        raise LabError(
            f"{error}; {counts['accepted']} were accepted, {counts['closed']} closed", error.evidence
        ) from None

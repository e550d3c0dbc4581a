"""One sample a second of a run, from its start to the next: the chart, timeline.csv, the lowest steady second.

Beside each sample there may be values of the target's own metrics (TARGET_METRICS), and CPU and memory of a server that
runs in the place of the lab's own: they are the last columns of timeline.csv, which has none of them otherwise.
"""

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any, TypeVar

POINTS = 600  # points of a chart; longer runs are thinned for the page, never in the CSV
#: Columns of a server that runs in the place of the lab's own: its share of one core, its memory in bytes.
SERVER_CPU, SERVER_MEMORY = "server_cpu_share", "server_memory_bytes"
USAGE = (SERVER_CPU, SERVER_MEMORY)
AFTERMATH_S = 30.0  # how long sampling continues after a run, so that the chart shows the fall


@dataclass(frozen=True)
class Sample:
    """One second; rates per second, times in ms and from due. None if unknown: `server_held`, `p50_ms`, `p99_ms`.

    `event`: what was asked for in this second, such as the users of a load shape's next step.
    """

    time_utc: str
    elapsed_s: float
    users: int
    held: int
    server_held: int | None
    connects_s: float
    messages_s: float
    failures_s: float
    p50_ms: float | None
    p99_ms: float | None
    event: str = ""


Second = TypeVar("Second")
COLUMNS = tuple(field.name for field in fields(Sample))


class Timeline:
    """The samples of one run."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._target: list[Mapping[str, float]] = []  # as many as there are samples
        self._names: dict[str, None] = {}  # of the target's series, in the order in which they came

    def add(self, sample: Sample, target: Mapping[str, float] | None = None) -> None:
        """Append the sample of this second; `target` has values of the target's own metrics, and its CPU and memory."""
        self.samples.append(sample)
        self._target.append(target or {})
        self._names.update(dict.fromkeys(target or ()))

    def peak(self) -> int:
        """Return the highest number held in any second."""
        return max((sample.held for sample in self.samples), default=0)

    def thinned(self) -> list[Sample]:
        """Return at most some `POINTS` samples, evenly picked, the latest always among them."""
        return _thinned(self.samples)

    def columns(self) -> dict[str, list[Any]]:
        """Return the thinned samples column by column, as /lab/timeline.json carries them."""
        rows = [asdict(sample) for sample in self.thinned()]
        return {name: [row[name] for row in rows] for name in COLUMNS}

    def target_columns(self) -> dict[str, list[float | None]]:
        """Return the target's own series, thinned in the same way; None: unknown in that second."""
        return self._further([name for name in self._names if name not in USAGE])

    def usage_columns(self) -> dict[str, list[float | None]]:
        """Return CPU and memory of a server without counters in the same way, {} if they are unknown."""
        return self._further([name for name in self._names if name in USAGE])

    def _further(self, names: list[str]) -> dict[str, list[float | None]]:
        seconds = _thinned(self._target)
        return {name: [second.get(name) for second in seconds] for name in names}

    def header(self) -> tuple[str, ...]:
        """Return the columns of timeline.csv."""
        return (*COLUMNS, *self._names)

    def rows(self) -> list[tuple[Any, ...]]:
        """Return every sample as a row of timeline.csv."""
        return [
            (*astuple(sample), *(target.get(name) for name in self._names))
            for sample, target in zip(self.samples, self._target, strict=True)
        ]


def _thinned(seconds: list[Second]) -> list[Second]:
    step = -(-len(seconds) // POINTS) or 1
    return seconds[::-1][::step][::-1]


class FailureTimes:
    """When each kind of failure happened: {kind: {second of the run: count}}."""

    def __init__(self) -> None:
        self.seconds: dict[str, dict[int, int]] = {}
        self._before: dict[str, int] = {}

    def note(self, elapsed_s: float, counts: Mapping[str, int]) -> None:
        """Take the counts of the whole run so far; what has grown since the last call happened in this second."""
        for kind, count in counts.items():
            if grown := count - self._before.get(kind, 0):
                of_kind = self.seconds.setdefault(kind, {})
                of_kind[int(elapsed_s)] = of_kind.get(int(elapsed_s), 0) + grown
            self._before[kind] = count

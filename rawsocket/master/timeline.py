"""One sample a second of a run, from its start to the next: the chart, timeline.csv, the lowest steady second."""

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

POINTS = 600  # points of a chart; longer runs are thinned for the page, never in the CSV
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


COLUMNS = tuple(field.name for field in fields(Sample))


class Timeline:
    """The samples of one run."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []

    def add(self, sample: Sample) -> None:
        """Append the sample of this second."""
        self.samples.append(sample)

    def peak(self) -> int:
        """Return the highest number held in any second."""
        return max((sample.held for sample in self.samples), default=0)

    def thinned(self) -> list[Sample]:
        """Return at most some `POINTS` samples, evenly picked, the latest always among them."""
        step = -(-len(self.samples) // POINTS) or 1
        return self.samples[::-1][::step][::-1]

    def columns(self) -> dict[str, list[Any]]:
        """Return the thinned samples column by column, as /lab/timeline.json carries them."""
        rows = [asdict(sample) for sample in self.thinned()]
        return {name: [row[name] for row in rows] for name in COLUMNS}

    def rows(self) -> list[tuple[Any, ...]]:
        """Return every sample as a row of timeline.csv."""
        return [astuple(sample) for sample in self.samples]


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

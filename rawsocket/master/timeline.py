"""One sample a second of a run, from its start to the next: the curve, timeline.csv, the judge's 'lowest second'."""

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

POINTS = 600  # what a curve can show; longer runs are thinned for the page, never in the CSV
AFTERMATH_S = 30.0  # samples go on for so long after the end of a run, so that the curve shows it falling


@dataclass(frozen=True)
class Sample:
    """One second; rates per second, times in ms and from due. None where unknown: `server_held`, `p50_ms`, `p99_ms`."""

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


COLUMNS = tuple(field.name for field in fields(Sample))


class Timeline:
    """The samples of the current run, and which of them are steady."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._steady_from: int | None = None
        self._steady_to: int | None = None

    def add(self, sample: Sample) -> None:
        """Append the sample of this second."""
        self.samples.append(sample)

    def open_window(self) -> None:
        """Make the next sample the first steady one."""
        self._steady_from, self._steady_to = len(self.samples), None

    def void_window(self) -> None:
        """Forget the window: a new ramp has begun."""
        self._steady_from = self._steady_to = None

    def close_window(self) -> None:
        """Make the sample before this call the last steady one."""
        if self._steady_from is not None and self._steady_to is None:
            self._steady_to = len(self.samples)

    @property
    def steady(self) -> Sequence[Sample]:
        """The samples of the steady window."""
        return [] if self._steady_from is None else self.samples[self._steady_from : self._steady_to]

    def lowest(self, column: str) -> int | None:
        """Give the lowest value of a column over the steady window; None where it has none."""
        values = [value for sample in self.steady if (value := getattr(sample, column)) is not None]
        return min(values, default=None)

    def peak(self) -> int:
        """Give the highest number held in any second."""
        return max((sample.held for sample in self.samples), default=0)

    def thinned(self) -> list[Sample]:
        """Give at most some `POINTS` samples, evenly picked, the latest always among them."""
        step = -(-len(self.samples) // POINTS) or 1
        return self.samples[::-1][::step][::-1]

    def columns(self) -> dict[str, list[Any]]:
        """Give the thinned samples column by column, as /lab/timeline.json carries them."""
        rows = [asdict(sample) for sample in self.thinned()]
        return {name: [row[name] for row in rows] for name in COLUMNS}

    def rows(self) -> list[tuple[Any, ...]]:
        """Give every sample as a row of timeline.csv."""
        return [astuple(sample) for sample in self.samples]

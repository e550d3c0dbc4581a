"""The steady window of a run: from STEADY_AFTER_S after the end of the ramp until stop is asked.

Rules:

- A run has one window. A new ramp drops it, and the end of that ramp starts a new one. Under a load shape, a new ramp
  only pauses it: the window has the steady seconds of all steps, but rates and shares go from its first to its last.
- A worker's shares and rates are differences between its report when the window opened and its last one inside, by that
  worker's own clock.
- A sample shows what the workers reported last, up to a second ago. So the first ones count only once each worker has
  reported from inside the window: what they say before that is of the ramp. A worker that is silent is waited for
  OVERDUE_S, and a window that is too short for such a sample has the last one that there was.
- Lag is added up like latencies. The report that a worker sends when it is asked to stop is left out, because handling
  that message takes 25 to 50 ms of CPU by itself. It counts only if it is long overdue: a worker that was frozen until
  then shows its lag only there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rawsocket.master import worker_lag
from rawsocket.master.timeline import Sample
from rawsocket.master.worker_lag import Figure
from rawsocket.measurement import histogram
from rawsocket.measurement.latencies import Latencies
from rawsocket.measurement.report import Report

OVERDUE_S = 3.0  # three report intervals


class WorkerWindow:
    """What one worker reported in the window."""

    def __init__(self, first: Report | None = None) -> None:
        self.first = self.last = first
        self._lags: dict[int, int] = {}
        self._worst_us = 0
        self._ended = False

    def add(self, report: Report) -> None:
        """Take a report inside the window."""
        self.first = self.first or report
        self.last = report

    def add_lag(self, report: Report, before_s: float, ending: bool) -> None:
        """Add a report's lag; the previous report is of `before_s`. The first one that is `ending` is the last."""
        if self._ended or report.lag is None:
            return
        self._ended = ending
        if not ending or report.wall_s - before_s > OVERDUE_S:
            histogram.add(self._lags, report.lag.lags)
            self._worst_us = max(self._worst_us, report.lag.worst_us)

    def lag(self) -> dict[str, float | None]:
        """Return the lag: 99 % of the time it was at most `lag_p99_ms`."""
        return {
            "lag_p99_ms": histogram.quantile(self._lags, 0.99),
            "lag_max_ms": self._worst_us / 1000 if self._lags else None,
        }

    def figures(self) -> dict[str, Any]:
        """Return lag, shares and rates over the window, as the verdict has them."""
        return {**self.lag(), **worker_lag.rates(self.first, self.last)}

    def rate(self, figure: Figure) -> float | None:
        """Return by how much a figure grew per second."""
        return worker_lag.growth(self.first, self.last, figure)


class SteadyWindow:
    """Opens at `opens_at` (monotonic clock) or a moment later, and closes when stop is asked."""

    def __init__(self, opens_at: float, latencies: Latencies | None = None) -> None:
        self.opens_at = opens_at
        self.opened = False
        self.paused = False
        self.closed_at: float | None = None
        self._since = opens_at  # when it was opened, or resumed
        self._before_s = 0.0  # seconds before the last pause
        self._samples: list[Sample] = []
        self._of_the_ramp: list[Sample] = []  # seconds of this opening for which a worker's report was older
        self._to_report: set[str] = set()  # workers whose last report is from before
        self.latencies = latencies or Latencies()
        self.workers: dict[str, WorkerWindow] = {}

    @property
    def is_open(self) -> bool:
        """Whether the window is open."""
        return self.opened and self.closed_at is None and not self.paused

    @property
    def seconds(self) -> float:
        """Its length without pauses, 0 unless it was opened and closed."""
        if not self.opened or self.closed_at is None:
            return 0.0
        return self._before_s if self.paused else self._before_s + self.closed_at - self._since

    @property
    def samples(self) -> list[Sample]:
        """Its seconds."""
        return self._samples or self._of_the_ramp[-1:]

    def open(self, latest: Mapping[str, Report | None]) -> None:
        """Open; each worker's differences start from its latest report."""
        self.opened = True
        self.workers = {worker: WorkerWindow(report) for worker, report in latest.items()}
        self._to_report = self._known()

    def _known(self) -> set[str]:
        """Return the workers that have reported: what their last report says is of the time before."""
        return {name for name, worker in self.workers.items() if worker.last}

    def pause(self, now: float, until: float) -> None:
        """Leave out what comes from now on, up to a moment that a further pause moves."""
        if not self.opened:
            self.opens_at = self._since = until
            return
        if self.is_open:
            self._before_s += now - self._since
        self.paused, self._since = True, until

    def resume(self, now: float) -> None:
        """End the pause if it is time."""
        if self.paused and now >= self._since:
            self.paused = False
            self._to_report, self._of_the_ramp = self._known(), []

    def close(self, now: float) -> None:
        """Close, once: later figures aren't steady."""
        if self.closed_at is None:
            self.closed_at = now

    def add_sample(self, sample: Sample) -> None:
        """Add a second of the timeline."""
        if not self.is_open:
            return
        if self._to_report and len(self._of_the_ramp) < OVERDUE_S:
            self._of_the_ramp.append(sample)
        else:
            self._samples.append(sample)

    def add(self, worker: str, report: Report, before_s: float, at_stop: bool) -> None:
        """Add a report; `before_s`: time of the worker's previous one; `at_stop`: sent when it was asked to stop."""
        if self.is_open:
            self.workers.setdefault(worker, WorkerWindow())
        own = self.workers.get(worker)
        if own is None or (self.paused and self.closed_at is None):
            return
        own.add_lag(report, before_s, at_stop or report.final)
        if self.is_open and not at_stop:
            self._to_report.discard(worker)
            own.add(report)
            self.latencies.add(report.rows)

    def rate(self, figure: Figure) -> float | None:
        """Return the sum over workers of a figure's growth per second; None if no worker has one."""
        rates = [rate for worker in self.workers.values() if (rate := worker.rate(figure)) is not None]
        return sum(rates) if rates else None


def lowest(samples: Sequence[Sample], column: str) -> int | None:
    """Return the lowest value of a column; None if it has none."""
    values = [value for sample in samples if (value := getattr(sample, column)) is not None]
    return min(values, default=None)

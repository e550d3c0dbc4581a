"""Pure: a worker's lag, its hub's turns and the CPU time that it did not get, from its reports.

Shares and rates are differences between two reports, per second of the worker's own clock. A share is of one core
(`stolen_share`: cores, of all CPUs together) or of the time. None if a report doesn't have it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from rawsocket.measurement import histogram
from rawsocket.measurement.report import Report
from rawsocket.measurement.stats_rows import TYPE
from rawsocket.verdict.run_errors import GENERATOR_LIMIT

Figure = Callable[[Report], float]
SHORTEST_S = 0.2  # between two reports; a rate over less says nothing
STALE = 3  # seconds without a report, after which a worker's rates are 0


def growth(first: Report | None, last: Report | None, figure: Figure) -> float | None:
    """Return by how much a figure grew per second of the worker's own clock; None if no time passed."""
    if first is None or last is None or last.wall_s <= first.wall_s:
        return None
    return (figure(last) - figure(first)) / (last.wall_s - first.wall_s)


def delivered(report: Report) -> float:
    """Return the number of messages that were answered or need no reply, for their rate."""
    return report.counts.messages.delivered


def cpu_s(report: Report) -> float:
    """Return the CPU time that the worker used, for its share of a core."""
    return report.cpu_s


def lag_p99_ms(report: Report | None) -> float | None:
    """Return the p99 of the lag in one report."""
    lags: dict[int, int] = {}
    histogram.add(lags, report.lag.lags if report and report.lag else [])
    return histogram.quantile(lags, 0.99)


def rates(first: Report | None, last: Report | None) -> dict[str, Any]:
    """Return what grew per second between two reports, and the limits that the last one names."""
    late, used = _lag_growth(first, last, "late_s"), _lag_growth(first, last, "late_cpu_s")
    known = last.lag if last else None
    return {
        "turns_s": _lag_growth(first, last, "turns"),
        "stolen_share": _lag_growth(first, last, "steal_s"),
        "throttled_share": _lag_growth(first, last, "throttled_s"),
        "late_cpu_share": round(used / late, 3) if late and used is not None else None,
        "cpu_limit": known.cpu_limit if known else None,
        "cpus": known.cpus if known else None,
    }


def _lag_growth(first: Report | None, last: Report | None, name: str) -> float | None:
    before, after = (getattr(report.lag, name, None) if report else None for report in (first, last))
    if before is None or after is None:
        return None
    grown = growth(first, last, lambda report: float(getattr(report.lag, name)))
    return None if grown is None else round(grown, 6)


class Rates:
    """Connects, messages and failures a second of all workers, each over the time between its own reports.

    A report may come just before or just after the second ends, so a second may have two reports or none: without a new
    one a worker's rates go on.
    """

    def __init__(self) -> None:
        self._before: dict[str, Report] = {}
        self._rates: dict[str, tuple[float, ...]] = {}
        self._unchanged: dict[str, int] = {}

    def update(self, latest: Mapping[str, Report], elapsed_s: float) -> tuple[float, ...]:
        """Return the three rates. `elapsed_s`: since the start; a worker's first report is of the last second of it."""
        for worker, report in latest.items():
            before = self._before.get(worker)
            seconds = report.wall_s - before.wall_s if before else max(SHORTEST_S, min(1.0, elapsed_s))
            self._unchanged[worker] = self._unchanged.get(worker, 0) + 1
            if seconds >= SHORTEST_S:
                grown = zip(_counted(report), _counted(before) if before else (0, 0, 0), strict=True)
                self._rates[worker] = tuple((now - then) / seconds for now, then in grown)
                self._before[worker], self._unchanged[worker] = report, 0
        current = [rates for worker, rates in self._rates.items() if self._unchanged[worker] < STALE]
        return tuple(round(sum(rates), 3) for rates in zip(*current, strict=True)) or (0.0, 0.0, 0.0)


def _counted(report: Report) -> tuple[int, int, int]:
    counts = report.counts
    return counts.connections.connected, counts.messages.delivered, failures(report)


def limited(report: Report) -> int:
    """Return how often the generator's own machine ran short."""
    return sum(row.failures.get(GENERATOR_LIMIT, 0) for row in report.rows if row.type == TYPE)


def failures(report: Report) -> int:
    """Return the failures of a worker; shortages of its own machine are none."""
    return kinds(report).total()


def kinds(report: Report) -> Counter[str]:
    """Return how often each of these failures happened, by name; figures of the scenario's own have none."""
    found: Counter[str] = Counter()
    for row in report.rows:
        if row.type == TYPE:
            found.update({name: count for name, count in row.failures.items() if name != GENERATOR_LIMIT})
    return found

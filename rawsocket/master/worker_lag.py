"""Pure: what the reports of one worker say of its health: its lag, its hub's turns, the CPU that was kept from it.

Rules:

- Lag is added up over the steady window, like latencies. The report that a worker sends when it is told to stop
  is not part of it: being told takes 25 to 50 ms of CPU by itself. Unless it is long overdue: a worker that was
  frozen until then says so only there.
- Shares and rates are differences between two reports, per second of the worker's own clock. A share is of one core
  (`stolen_share`: cores, of all CPUs together) or of the time. None where a report doesn't know it.
"""

from collections.abc import Mapping
from typing import Any

from rawsocket.measurement import histogram

Report = Mapping[str, Any]
OVERDUE_S = 3.0  # three report intervals
GROWING = {"turns_s": "turns", "stolen_share": "steal_s", "throttled_share": "throttled_s", "late_share": "late_s"}


class Health:
    """One worker's lag in the current run: the worst of all of it, and what was measured in the steady window."""

    def __init__(self) -> None:
        self.worst_us: int | None = None
        self._steady: dict[int, int] = {}
        self._steady_worst_us = 0
        self._open = False
        self._at = 0.0

    def open_window(self) -> None:
        """Begin the steady window anew."""
        self._steady, self._steady_worst_us, self._open = {}, 0, True

    def take(self, report: Report, steady: bool, at_stop: bool) -> None:
        """Take a report; `steady`: the window is open (also for who joins in it); `at_stop`: sent when told to stop."""
        health = report.get("health")
        if not health:
            return
        worst, before, self._at = health["lag_max_us"], self._at, report["wall_s"]
        self.worst_us = max(self.worst_us or 0, worst)
        ending = at_stop or report["final"]
        self._open = self._open or steady
        if self._open and (not ending or self._at - before > OVERDUE_S):
            histogram.add(self._steady, health["lag"])
            self._steady_worst_us = max(self._steady_worst_us, worst)
        self._open = self._open and not ending

    def steady(self) -> dict[str, Any]:
        """Give the lag of the steady window: 99 % of its time were not later than `lag_p99_ms`."""
        return {
            "lag_p99_ms": histogram.quantile(self._steady, 0.99),
            "lag_max_ms": self._steady_worst_us / 1000 if self._steady else None,
        }


def lag_ms(report: Report | None) -> float | None:
    """Give the p99 of the lag in one report."""
    lag: dict[int, int] = {}
    histogram.add(lag, _health(report).get("lag", []))
    return histogram.quantile(lag, 0.99)


def rates(first: Report | None, last: Report | None) -> dict[str, Any]:
    """Give what grew per second between two reports, and the limits that the last one names."""
    rates: dict[str, Any] = {name: _growth(first, last, key) for name, key in GROWING.items()}
    late, used = rates.pop("late_share"), _growth(first, last, "late_cpu_s")
    rates["late_cpu_share"] = round(used / late, 3) if late and used is not None else None
    return {**rates, "cpu_limit": _health(last).get("cpu_limit"), "cpus": _health(last).get("cpus")}


def _growth(first: Report | None, last: Report | None, key: str) -> float | None:
    before, after = _health(first).get(key), _health(last).get(key)
    if first is None or last is None or before is None or after is None:
        return None
    seconds = last["wall_s"] - first["wall_s"]
    return round((after - before) / seconds, 6) if seconds > 0 else None


def _health(report: Report | None) -> Mapping[str, Any]:
    return (report or {}).get("health") or {}

"""The figures and thresholds of a run so far, and those of its verdict once it has ended.

Each is computed in one place and at one time, so that page and console never show two values of it. Percentiles over
the whole window take milliseconds, so they are computed less often than once a second.
"""

from collections.abc import Mapping
from typing import Any

from rawsocket.master import figures
from rawsocket.master.levels.window_figures import threshold
from rawsocket.master.run import Run
from rawsocket.master.steady_window import lowest
from rawsocket.master.worker_lag import delivered
from rawsocket.verdict.judge import Check

PERCENTILES_S = 5  # between two computations of percentiles, once there are so many seconds in the window
NOTHING: dict[str, Any] = {
    **dict.fromkeys(("held_min", "server_held_min", "p99_ms", "messages_s")),
    "failures": 0,
    "failure_kinds": {},
}


class RunningFigures:
    """What is known of one run. Times are seconds since its start."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.checks: list[Check] = []
        self._figures: dict[str, Any] = NOTHING
        self._late: list[Check] = []  # the thresholds of percentiles
        self._p99_ms: float | None = None
        self._late_at_s = 0.0  # when these are computed again

    def look(self, at_s: float) -> None:
        """Compute what is to be computed in this second."""
        run = self._run
        if at_s >= self._late_at_s:
            self._late = figures.checks_so_far(run, percentiles=True)
            self._p99_ms = figures.p99_so_far(run, self._late)
            self._late_at_s = at_s + (PERCENTILES_S if len(run.steady_samples) >= PERCENTILES_S else 1)
        self.checks = [*figures.checks_so_far(run, percentiles=False), *self._late]
        kinds = run.failure_kinds()
        self._figures = {
            "held_min": run.held_floor()[0],
            "server_held_min": lowest(run.steady_samples, "server_held"),
            "p99_ms": self._p99_ms,
            "messages_s": run.window.rate(delivered) if run.window else None,
            "failures": kinds.total(),
            "failure_kinds": dict(kinds),
        }

    def figures(self) -> Mapping[str, Any]:
        """Return what thresholds are compared with: figures of the steady window, failures of the whole run."""
        document = self._run.document
        return self._figures if document is None else _final(document)

    def thresholds(self) -> list[Mapping[str, Any]]:
        """Return the thresholds as verdict.json has them."""
        document = self._run.document
        return document["thresholds"] if document is not None else list(map(threshold, self.checks))


def _final(document: Mapping[str, Any]) -> Mapping[str, Any]:
    times = document["latency_ms"]["from_due"] or {}
    kinds = {**document["failure_kinds"], "missing": document["messages"]["missing"]}
    judged = [check["actual"] for check in document["thresholds"] if check["name"] == "max_p99_ms"]
    return {
        "held_min": document["held"]["steady_min"],
        "server_held_min": document["held"]["server_steady_min"],
        "p99_ms": judged[0] if judged else times.get("p99"),
        "messages_s": document["messages"]["per_s"],
        "failures": sum(kinds.values()),
        "failure_kinds": kinds,
    }

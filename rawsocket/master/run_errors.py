"""What went wrong with a run itself: exceptions of the scenario on workers and master, tasks that died."""

import logging
from collections.abc import Iterable

from rawsocket.measurement.report import Report, ScenarioError
from rawsocket.measurement.scenario_errors import ScenarioErrors
from rawsocket.verdict import run_errors

logger = logging.getLogger(__name__)


class RunErrors:
    """The errors of one run."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self._own = ScenarioErrors()
        self._told: set[tuple[str, str]] = set()

    def add(self, reason: str) -> None:
        """Note why the run failed, and say so."""
        logger.error(reason)
        self.reasons.append(reason)

    def add_error(self, error: BaseException) -> None:
        """Count an exception of the scenario in this process; say so if it is the first of its kind."""
        if self._own.add(error):
            self._tell(self._own.report()[-1], "this process")

    def take(self, worker: str, report: Report) -> None:
        """Say which kinds of exceptions are new in a worker's report."""
        for one in report.scenario_errors:
            self._tell(one, f"worker {worker}, whose log has the traceback")

    def of_scenario(self, reports: Iterable[Report]) -> list[ScenarioError]:
        """Return the exceptions of all workers and of this process."""
        return run_errors.merged([*self._own.report(), *(one for report in reports for one in report.scenario_errors)])

    def _tell(self, one: ScenarioError, by: str) -> None:
        if (one.type, one.where) not in self._told:
            self._told.add((one.type, one.where))
            what = "the load library" if one.library else "the scenario"
            logger.error("%s raised %s at %s: %s (first on %s)", what, one.type, one.where, one.message, by)

"""Figures of a scenario's own: `measure()` and `transaction()` of both user classes.

Each name has a row of the type MEASURED in Locust's table, in the statistics, in thresholds and in latency.hlog. Rules:

- A figure has one time, which counts from due and is judged like that of a request.
- It is no message and no event of the run: it counts neither in messages a second nor in the failures of the run, nor
  in a sum over all rows. What fails inside a transaction has failed in a row of its own already.
- A transaction that ends by a named failure is a failure of its row by that name, one that ends by another exception by
  the name of its class. If its user was stopped meanwhile, or the task was given up, it counts as neither.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from locust.env import Environment
from locust.exception import InterruptTaskSet, RescheduleTask, StopTest, StopUser

from rawsocket.errors import RawSocketError
from rawsocket.measurement.locust_stats import Batch, BatchRow
from rawsocket.measurement.recorder import RECORDER, count
from rawsocket.measurement.stats_rows import CONNECTION_ROWS, MEASURED

GIVEN_UP = (StopUser, StopTest, RescheduleTask, InterruptTaskSet)


class MeasuredRow(BatchRow):
    """A row of figures with one time each."""

    __slots__ = ()
    type = MEASURED

    def take(self) -> dict[str, list[list[int]]]:
        """Return the histograms' [us, count] pairs since the last call; only those from due."""
        return {**super().take(), "sent": [], "first": []}


class MeasuredRows(Batch):
    """The rows of a process by name. Listeners on `events.request` don't get them: they are no requests."""

    def __missing__(self, name: str) -> MeasuredRow:
        row = self[name] = MeasuredRow()
        return row

    def look(self, environment: Environment) -> None:
        """Do nothing: there is no event for a listener."""

    def measure(self, name: str, seconds: float) -> None:
        """Add a figure in seconds. Raises TypeError or ValueError for one that can't be used."""
        self.check(name)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise TypeError(f"measure({name!r}, ...): expected a number of seconds, not {seconds!r}")
        if not math.isfinite(seconds):
            raise ValueError(f"measure({name!r}, ...): expected a number of seconds, not {seconds}")
        self[name].add((seconds, seconds, seconds), 0)

    def fail(self, name: str, failure: str) -> None:
        """Add a figure that failed."""
        count(self[name].failures, failure)

    def check(self, name: str) -> None:
        """Raise TypeError or ValueError if a row can't have this name."""
        if not isinstance(name, str):
            raise TypeError(f"expected the name of a row as text, not {name!r}")
        if not name or name in CONNECTION_ROWS:
            raise ValueError(f"{name!r} can't be the name of a figure of your own: choose another one")


class CustomFigures:
    """What user classes have to measure by themselves; see the module's rules."""

    __slots__ = ()

    #: Rows that are reported, but not judged by thresholds of latency unless one names them.
    not_judged: ClassVar[tuple[str, ...]] = ()

    def measure(self, name: str, seconds: float) -> None:
        """Add a figure of your own, in seconds, to the row `name`. Raises TypeError or ValueError for a wrong one."""
        MEASURED_ROWS.measure(name, seconds)

    @contextmanager
    def transaction(self, name: str) -> Iterator[None]:
        """Measure what the `with` block takes, in the row `name`.

        In a session the time runs from the slot that the next message is due at, if it begins just after `Due`.
        """
        MEASURED_ROWS.check(name)
        now = time.perf_counter()
        since = min(now, _due(self) or now)
        try:
            yield
        except GIVEN_UP:
            raise
        except RawSocketError as failure:
            MEASURED_ROWS.fail(name, failure.name)
            raise
        except Exception as error:
            MEASURED_ROWS.fail(name, type(error).__name__)
            raise
        MEASURED_ROWS.measure(name, time.perf_counter() - since)


def mark_not_judged(names: object) -> None:
    """Note the `not_judged` of a user class for this run. Raises TypeError if it is no tuple of names."""
    if not isinstance(names, tuple | list | set | frozenset) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"not_judged must be a tuple of names of rows, such as ('login',), not {names!r}")
    RECORDER.not_judged.update(names)


def _due(user: Any) -> float:
    """Return when the session's current slot was due, 0 without one."""
    return float(getattr(getattr(user, "runner", None), "due", 0.0))


# The process's own, as RECORDER is.
MEASURED_ROWS = MeasuredRows(RECORDER)

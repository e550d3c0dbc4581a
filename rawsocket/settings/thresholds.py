"""Pure: the thresholds, one table. A new threshold is one row here, and its line in the documentation.

From a row come the flag, the variable and the field in the page's form (options.py), the setting of the lab, the
comparison and its reason (verdict/judge.py), and the lines in verdict.json, junit.xml, summary.md, the report and the
console.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from rawsocket.settings.row import Setting, number, whole


class Comparison(Enum):
    """How a figure is compared with its limit; the value is the word for it in a reason."""

    AT_LEAST = "at least"
    AT_MOST = "at most"

    def met(self, actual: float, limit: float) -> bool:
        """Return whether the figure is on the right side of its limit."""
        compare: Callable[[float, float], bool] = operator.ge if self is Comparison.AT_LEAST else operator.le
        return compare(actual, limit)


@dataclass(frozen=True, kw_only=True)
class Threshold(Setting):
    """A setting that is a limit for a figure.

    `figure` names a field of verdict.judge.Figures; dots lead into tables: "latency_ms.connect.p95". A limit that is
    not above `off` is not judged. `of_messages`: not judged in a silent hold, which sends none.
    """

    figure: str
    comparison: Comparison
    unit: str
    off: float = 0
    of_messages: bool = False

    def limit(self, value: float | None) -> float | None:
        """Return the limit for a value, or None if the value means that the figure is not judged."""
        return None if value is None or value <= self.off else value


AT_LEAST, AT_MOST = Comparison.AT_LEAST, Comparison.AT_MOST
#: An unset threshold is not judged, but a headless run with MIN_HELD unset expects a connection for every user.
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("min_held", whole(0), None,
              "threshold: connections held in every second of the steady window; 0: not judged",
              "unset: as many as the users that hold one",
              figure="held_min", comparison=AT_LEAST, unit="connections"),
    Threshold("max_failures", whole(-1), "0", "threshold: failures of the whole run; -1: not judged",
              "a failure is a failure",
              figure="failures", comparison=AT_MOST, unit="failures", off=-1),
    Threshold("max_p99_ms", number(0), "1000",
              "threshold: p99 of the latency from due in milliseconds; 0: not judged", "a caller notices a second",
              figure="p99_ms", comparison=AT_MOST, unit="ms", of_messages=True),
    Threshold("min_messages_s", number(0), None, "threshold: messages delivered a second; 0: not judged",
              "what is enough depends on USERS and EVERY",
              figure="messages_s", comparison=AT_LEAST, unit="messages/s", of_messages=True),
)  # fmt: skip


def limits(settings: object, overrides: Mapping[str, float | None] | None = None) -> dict[str, float]:
    """Return {name: limit} of all thresholds that are judged, from Locust's parsed options.

    `overrides` replace options. An option that is missing counts as 0.
    """
    values = {row.name: getattr(settings, row.name, 0) for row in THRESHOLDS} | dict(overrides or {})
    return {row.name: limit for row in THRESHOLDS if (limit := row.limit(values[row.name])) is not None}

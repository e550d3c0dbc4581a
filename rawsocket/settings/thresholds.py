"""Pure: the thresholds, one table. A new threshold is one row here, and its line in the documentation.

From a row come the flag, the variable and the field in the page's form (options.py), the comparison and its reason
(verdict/judge.py), and the lines in verdict.json, junit.xml, summary.md, the report and the console.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum


class Comparison(Enum):
    """How a figure must stand to its limit; the value is the word for it in a reason."""

    AT_LEAST = "at least"
    AT_MOST = "at most"

    def met(self, actual: float, limit: float) -> bool:
        """Whether the figure is on the right side of its limit."""
        compare: Callable[[float, float], bool] = operator.ge if self is Comparison.AT_LEAST else operator.le
        return compare(actual, limit)


@dataclass(frozen=True)
class Threshold:
    """One threshold: the flag --max-p99-ms and the variable MAX_P99_MS have the name `max_p99_ms`.

    `figure` names a field of verdict.judge.Figures; dots lead into tables: "latency_ms.connect.p95". A limit that is
    not above `off` is not judged. `of_messages`: not judged in a silent hold, which sends none.
    """

    name: str
    figure: str
    comparison: Comparison
    unit: str
    help: str
    default: float
    type: type = float
    off: float = 0
    of_messages: bool = False

    def limit(self, value: float | None) -> float | None:
        """Give the limit that a setting means, or None where it means that the figure is not judged."""
        limit = None if value is None else self.type(value)
        return None if limit is None or limit <= self.off else limit


AT_LEAST, AT_MOST = Comparison.AT_LEAST, Comparison.AT_MOST
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold(
        "min_held",
        figure="held_min",
        comparison=AT_LEAST,
        unit="connections",
        help="least connections held in any steady second",
        default=0,
        type=int,
    ),
    Threshold(
        "max_failures",
        figure="failures",
        comparison=AT_MOST,
        unit="failures",
        help="most failures of a run",
        default=0,
        type=int,
        off=-1,
    ),
    Threshold(
        "max_p99_ms",
        figure="p99_ms",
        comparison=AT_MOST,
        unit="ms",
        help="highest p99 from due in ms",
        default=1000.0,
        of_messages=True,
    ),
    Threshold(
        "min_messages_s",
        figure="messages_s",
        comparison=AT_LEAST,
        unit="messages/s",
        help="least messages a second",
        default=0.0,
        of_messages=True,
    ),
)


def limits(settings: object, overrides: Mapping[str, float | None] | None = None) -> dict[str, float]:
    """Give {name: limit} of all thresholds that are judged, from Locust's parsed options.

    `overrides` stand in place of the options. An option that is missing counts as 0.
    """
    values = {row.name: getattr(settings, row.name, 0) for row in THRESHOLDS} | dict(overrides or {})
    return {row.name: limit for row in THRESHOLDS if (limit := row.limit(values[row.name])) is not None}

"""Pure: series of a Prometheus text endpoint: which there are, and which eight of them are shown.

Strategy: one regular expression for each line, because the answer of a large server (8,000 series) must not hold up the
master: 10 ms, where the parser of prometheus-client takes 150 ms.

Rules:

- A series is written as the endpoint writes it, labels included: `queue_length{name="jobs"}`.
- A counter (by its TYPE, or a name in _total, _count, _sum or _bucket) is shown as its growth a second, and its name
  is `rate(...)`. All others are shown as they are.
- Without names the first eight that change are shown, in the order of the endpoint. Buckets and `_created` are left
  out, and what a language's runtime says about itself comes after what the program says.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rawsocket.settings.endpoints import MOST

LOOKS = 5  # answers of a run, one a second, before series are chosen: a series of one first second may be the wrong one
_LINE = re.compile(r'([A-Za-z_:][\w:]*(?:\{(?:[^"}]|"(?:\\.|[^"\\])*")*\})?)[ \t]+(\S+)')
_GROWING = ("_total", "_count", "_sum", "_bucket")
_LEFT_OUT = ("_created", "_bucket", "_info")
_OF_THE_RUNTIME = re.compile(r"(go|python|process|jvm|nodejs|ruby|promhttp|scrape|dotnet|beam)_")

Values = dict[str, float]  # by series


@dataclass(frozen=True)
class Answer:
    """What an endpoint said: the value of each series, and the names of the metrics that it calls counters."""

    values: Values = field(default_factory=dict)
    counters: frozenset[str] = frozenset()

    def grows(self, series: str) -> bool:
        """Return whether the series is a counter."""
        name = metric(series)
        return name in self.counters or name.endswith(_GROWING)


def parse(text: str) -> Answer:
    """Return the series of a text in the Prometheus format; lines that are none, and values like NaN, are left out."""
    values, counters = {}, set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = [*line.split(None, 3), ""][:4]
            counters |= {name, f"{name}_total"} if kind.strip() == "counter" else set()
        elif not line.startswith("#") and (found := _LINE.match(line)):
            value = _number(found[2])
            if math.isfinite(value):
                values[found[1]] = value
    return Answer(values, frozenset(counters))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def metric(series: str) -> str:
    """Return the name of a series without its labels."""
    return series.partition("{")[0]


def named(answer: Answer, names: Iterable[str]) -> list[str]:
    """Return the series that the names mean: a whole series, or all of a metric; at most MOST."""
    found = [series for name in names for series in answer.values if name in (series, metric(series))]
    return list(dict.fromkeys(found))[:MOST]


def changing(first: Answer, latest: Answer) -> list[str]:
    """Return the series that have changed between two answers, those of the program first."""
    changed = [
        series
        for series, value in latest.values.items()
        if first.values.get(series, value) != value and not metric(series).endswith(_LEFT_OUT)
    ]
    return sorted(changed, key=lambda series: bool(_OF_THE_RUNTIME.match(series)))


def shown(series: Iterable[str], before: Answer, latest: Answer, seconds: float) -> Values:
    """Return what is shown of two answers, `seconds` apart: values, and for counters their growth a second."""
    found = {}
    for one in series:
        value = latest.values.get(one)
        if value is None:
            continue
        if not latest.grows(one):
            found[one] = value
        elif one in before.values and seconds > 0 and value >= before.values[one]:
            found[f"rate({one})"] = round((value - before.values[one]) / seconds, 3)
    return found


def summary(columns: Mapping[str, Iterable[float | None]]) -> list[dict[str, float | str | None]]:
    """Return name, latest value, lowest, mean and highest of each series of a run; None without any value."""
    return [_summary(name, [value for value in values if value is not None]) for name, values in columns.items()]


def _summary(name: str, values: list[float]) -> dict[str, float | str | None]:
    if not values:
        return {"name": name, "now": None, "min": None, "mean": None, "max": None}
    mean = math.fsum(values) / len(values)
    return {"name": name, "now": values[-1], "min": min(values), "mean": mean, "max": max(values)}

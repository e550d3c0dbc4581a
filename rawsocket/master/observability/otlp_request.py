"""Pure: the figures of a run as a request of OTLP, in its JSON encoding.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: names are in camelCase, and whole numbers of 64 bits
are texts. Sums and histograms are cumulative since the start of the run.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rawsocket.master.observability.exponential import exponential
from rawsocket.measurement.histogram import Histogram

PATH = "/v1/metrics"
CUMULATIVE = 2
Json = dict[str, Any]


@dataclass(frozen=True)
class RunFigures:
    """What goes out. Times are by the wall clock, in seconds. `server_held` None: unknown."""

    started_s: float
    now_s: float
    held: int
    users: int
    server_held: int | None = None
    failures: int = 0
    messages: Mapping[str, int] = field(default_factory=dict)  # by what became of them
    latency: Mapping[str, Histogram] = field(default_factory=dict)  # by what was timed
    attributes: Mapping[str, str] = field(default_factory=dict)  # of the run


def request(figures: RunFigures) -> Json:
    """Return the document that a collector takes."""
    attributes = _attributes({"service.name": "holdfast", **figures.attributes})
    scope = {"scope": {"name": "holdfast"}, "metrics": list(_metrics(figures))}
    return {"resourceMetrics": [{"resource": {"attributes": attributes}, "scopeMetrics": [scope]}]}


def _metrics(figures: RunFigures) -> Iterable[Json]:
    yield _gauge(figures, "holdfast.held", "{connection}", "connections held now", figures.held)
    if figures.server_held is not None:
        text = "connections by the server's own count"
        yield _gauge(figures, "holdfast.server_held", "{connection}", text, figures.server_held)
    yield _gauge(figures, "holdfast.users", "{user}", "users running now", figures.users)
    messages = [_number(figures, count, {"outcome": name}) for name, count in figures.messages.items()]
    yield _sum("holdfast.messages", "{message}", "messages by what became of them", messages)
    failed = [_number(figures, figures.failures, {})]
    yield _sum("holdfast.failures", "{failure}", "failed events of all kinds", failed)
    points = [_times(figures, kind, times) for kind, times in figures.latency.items() if times]
    if points:
        yield {
            "name": "holdfast.latency",
            "unit": "s",
            "description": "times in this run so far, by what was timed",
            "exponentialHistogram": {"aggregationTemporality": CUMULATIVE, "dataPoints": points},
        }


def _gauge(figures: RunFigures, name: str, unit: str, text: str, value: int) -> Json:
    point = {"timeUnixNano": _nano(figures.now_s), "asInt": str(value)}
    return {"name": name, "unit": unit, "description": text, "gauge": {"dataPoints": [point]}}


def _sum(name: str, unit: str, text: str, points: list[Json]) -> Json:
    total = {"aggregationTemporality": CUMULATIVE, "isMonotonic": True, "dataPoints": points}
    return {"name": name, "unit": unit, "description": text, "sum": total}


def _number(figures: RunFigures, count: int, attributes: Mapping[str, str]) -> Json:
    return {**_point(figures, attributes), "asInt": str(count)}


def _times(figures: RunFigures, kind: str, times: Histogram) -> Json:
    found = exponential(times)
    return {
        **_point(figures, {"kind": kind}),
        "count": str(found.count),
        "sum": found.total,
        "scale": found.scale,
        "zeroCount": str(found.zero),
        "positive": {"offset": found.offset, "bucketCounts": [str(count) for count in found.counts]},
        "min": found.lowest,
        "max": found.highest,
    }


def _point(figures: RunFigures, attributes: Mapping[str, str]) -> Json:
    return {
        "attributes": _attributes(attributes),
        "startTimeUnixNano": _nano(figures.started_s),
        "timeUnixNano": _nano(figures.now_s),
    }


def _attributes(found: Mapping[str, str]) -> list[Json]:
    return [{"key": name, "value": {"stringValue": text}} for name, text in found.items() if text]


def _nano(seconds: float) -> str:
    return str(round(seconds * 1e9))

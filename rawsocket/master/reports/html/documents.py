"""Pure: what a report is made from: the documents of a run, as the files of its folder have them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rawsocket.measurement.histogram import Histogram


@dataclass(frozen=True)
class RowDocument:
    """One row of the statistics, of the whole run; times in milliseconds by percentile, empty if it has none."""

    type: str
    name: str
    requests: int
    failures: int
    bytes: int
    due_ms: Mapping[str, float] = field(default_factory=dict)
    sent_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class FailureDocument:
    """One kind of failure, until stop was asked: how often, in which rows, when ({second: count}), and an example."""

    kind: str
    count: int
    rows: Sequence[str] = ()
    seconds: Mapping[int, int] = field(default_factory=dict)
    example: str = ""


@dataclass(frozen=True)
class RunDocuments:
    """`verdict` is verdict.json, `environment` env.json, `timeline` the columns of timeline.csv.

    `due` and `sent` are the histograms of latency (microseconds) of the steady window. `files`: names of files beside
    the report that it links to. `target_metrics`: the last columns of timeline.csv, series of the target's own metrics.
    `server_usage`: those of CPU and memory of a server in the place of the lab's own.
    """

    verdict: Mapping[str, Any]
    timeline: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    rows: Sequence[RowDocument] = ()
    failures: Sequence[FailureDocument] = ()
    due: Histogram = field(default_factory=dict)
    sent: Histogram = field(default_factory=dict)
    files: Sequence[str] = ()
    target_metrics: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    server_usage: Mapping[str, Sequence[float | None]] = field(default_factory=dict)

"""The report of a run as HTML, from the run on the master; it takes the place of Locust's report on the page."""

from collections.abc import Mapping, Sequence
from typing import Any

from rawsocket import locust_patches
from rawsocket.master import figures
from rawsocket.master.controller import RunController
from rawsocket.master.reports.html import render
from rawsocket.master.reports.html.documents import FailureDocument, RowDocument, RunDocuments
from rawsocket.master.run import RowTotals, Run
from rawsocket.measurement import histogram
from rawsocket.measurement.latencies import RowKey

RUNNING = {"verdict": "running", "exit_code": None, "reasons": ["The run has not ended: there is no verdict yet"]}


def install(controller: RunController) -> None:
    """Let Locust's page show and download this report instead of Locust's own."""
    locust_patches.replace_report(lambda: page(controller.run))


def page(run: Run, environment: Mapping[str, Any] | None = None, files: Sequence[str] = ()) -> str:
    """Return the report of a run, whether it has ended or not; `environment` is env.json."""
    return render.report(documents(run, environment or {}, files))


def documents(run: Run, environment: Mapping[str, Any], files: Sequence[str] = ()) -> RunDocuments:
    """Return what a report is made from; while the run goes on its verdict is `running`."""
    times = figures.latency_histograms(run)
    return RunDocuments(
        verdict=run.document or {**figures.document(run), **RUNNING},
        timeline=run.timeline.columns(),
        environment=environment,
        rows=[_row(key, totals) for key, totals in run.rows().items()],
        failures=failures(run),
        due=times["from_due"],
        sent=times["from_sent"],
        files=files,
        target_metrics=run.timeline.target_columns(),
        server_usage=run.timeline.usage_columns(),
    )


def _row(key: RowKey, totals: RowTotals) -> RowDocument:
    sent = totals.times.get("sent", {})
    return RowDocument(
        *key,
        requests=totals.requests,
        failures=sum(totals.failures.values()),
        bytes=totals.bytes,
        due_ms=histogram.summary(totals.times.get("due") or sent) or {},
        sent_ms=histogram.summary(sent) or {},
    )


def failures(run: Run) -> list[FailureDocument]:
    """Return each kind of failure until stop was asked for, with an example where there is one."""
    rows: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    for name, totals in run.rows_until_stop().items():
        for kind, count in totals.failures.items():
            rows.setdefault(kind, []).append(name)
            counts[kind] = counts.get(kind, 0) + count
    examples, seconds = run.examples(), run.failure_times.seconds
    return [
        FailureDocument(kind, count, sorted(rows[kind]), seconds.get(kind, {}), examples.get(kind, ""))
        for kind, count in sorted(counts.items())
        if count
    ]

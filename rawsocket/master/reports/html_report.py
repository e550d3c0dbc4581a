"""Adds a section to Locust's HTML report: held connections, latencies and the verdict, as static text and SVG."""

from collections.abc import Iterable
from html import escape
from typing import Any

from rawsocket import locust_patches
from rawsocket.master import figures
from rawsocket.master.controller import RunController
from rawsocket.master.reports import console, held_chart, latency_chart, ledger_table
from rawsocket.master.run import Run

_STYLE = "font-family:sans-serif;margin:24px auto;padding:0 24px;max-width:1200px;box-sizing:border-box"


def install(controller: RunController) -> None:
    """Add the section for the current run to the end of Locust's report."""
    locust_patches.add_report_section(lambda theme: section(controller.run, theme))


def section(run: Run, theme: str = "") -> str:
    """Return the section for a run."""
    colors = "background:#121212;color:#eee" if theme == "dark" else "color:#222"
    return (
        f'<section id="holdfast-report" style="{_STYLE};{colors}"><h2>Held connections</h2>'
        f"{held_chart.svg(run.timeline.thinned())}<h2>Latency by percentile</h2>{_latency(run)}"
        f"{_verdict(run.document)}{_ledger(run.document)}</section>"
    )


def _latency(run: Run) -> str:
    times = figures.latency_histograms(run)
    due, sent = times["from_due"], times["from_sent"]
    picture = latency_chart.svg(due, sent) if due else ""
    table = _table(console.latencies(figures.latencies(run)))
    return f"{picture}<p>{escape(latency_chart.caption(due, sent, run.overdue().count))}</p>{table}"


def _table(rows: Iterable[Iterable[str]]) -> str:
    style = "padding:2px 0 2px 32px;text-align:right"
    lines = ("".join(f'<td style="{style}">{escape(cell)}</td>' for cell in row) for row in rows)
    return f'<table style="border-collapse:collapse">{"".join(f"<tr>{line}</tr>" for line in lines)}</table>'


def _verdict(document: dict[str, Any] | None) -> str:
    if document is None:
        return "<p>The run has not ended: there is no verdict yet.</p>"
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in document["reasons"])
    rows = [*console.figures(document), *console.thresholds(document)]
    cells = "".join(
        f'<tr><td style="padding:2px 24px 2px 0">{escape(name)}</td><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<h3>{escape(console.verdict(document))}</h3><ul>{reasons}</ul><table>{cells}</table>"


def _ledger(document: dict[str, Any] | None) -> str:
    return "" if document is None else ledger_table.html(document["ledger"], document["reasons"])

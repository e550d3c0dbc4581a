"""Adds a section to Locust's HTML report: held connections, latencies and the verdict, as static text and SVG.

Locust renders a fixed set of sections and has no hook, and it imports `get_html_report` by name into three
modules; so all three names are replaced, and the section is put before `</body>`. It serves the page's
report, its download and `--html`.
"""

from collections.abc import Callable, Iterable
from html import escape
from typing import Any

import locust.html
import locust.main
import locust.web

from rawsocket.master import figures
from rawsocket.master.controller import RunController
from rawsocket.master.reports import console, held_chart, latency_chart, ledger_table

_STYLE = "font-family:sans-serif;margin:24px auto;padding:0 24px;max-width:1200px;box-sizing:border-box"
Render = Callable[..., str]


def install(controller: RunController) -> None:
    """Wrap Locust's renderer, once per process; a second controller replaces the first."""
    original: Render = getattr(locust.html.get_html_report, "__wrapped__", locust.html.get_html_report)

    def get_html_report(*args: Any, **kwargs: Any) -> str:
        return insert(original(*args, **kwargs), section(controller, kwargs.get("theme", "")))

    get_html_report.__wrapped__ = original  # type: ignore[attr-defined]
    for module in (locust.html, locust.main, locust.web):
        module.get_html_report = get_html_report  # type: ignore[attr-defined]


def insert(page: str, part: str) -> str:
    """Put `part` before the end of the page's body."""
    at = page.rfind("</body>")
    return page + part if at < 0 else page[:at] + part + page[at:]


def section(controller: RunController, theme: str = "") -> str:
    """Give the section for the current run."""
    colors = "background:#121212;color:#eee" if theme == "dark" else "color:#222"
    return (
        f'<section id="holdfast-report" style="{_STYLE};{colors}"><h2>Held connections</h2>'
        f"{held_chart.svg(controller.timeline.thinned())}<h2>Latency by percentile</h2>{_latency(controller)}"
        f"{_verdict(controller.document)}{_ledger(controller.document)}</section>"
    )


def _latency(controller: RunController) -> str:
    evidence = controller.evidence()
    times = figures.latency_histograms(evidence)
    due, sent = times["from_due"], times["from_sent"]
    picture = latency_chart.svg(due, sent) if due else ""
    table = _table(console.latencies(figures.latencies(evidence)))
    waiting = evidence.fleet.waiting()["count"]
    return f"{picture}<p>{escape(latency_chart.caption(due, sent, waiting))}</p>{table}"


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

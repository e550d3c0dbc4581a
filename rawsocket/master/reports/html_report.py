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

from rawsocket.master import figures as judge
from rawsocket.master.controller import Desk
from rawsocket.master.reports import console as progress
from rawsocket.master.reports import held_chart as curve
from rawsocket.master.reports import latency_chart as spectrum
from rawsocket.master.reports import ledger_table

_STYLE = "font-family:sans-serif;margin:24px auto;padding:0 24px;max-width:1200px;box-sizing:border-box"
Render = Callable[..., str]


def install(desk: Desk) -> None:
    """Wrap Locust's renderer, once per process; a second desk replaces the first."""
    original: Render = getattr(locust.html.get_html_report, "__wrapped__", locust.html.get_html_report)

    def get_html_report(*args: Any, **kwargs: Any) -> str:
        return insert(original(*args, **kwargs), section(desk, kwargs.get("theme", "")))

    get_html_report.__wrapped__ = original  # type: ignore[attr-defined]
    for module in (locust.html, locust.main, locust.web):
        module.get_html_report = get_html_report  # type: ignore[attr-defined]


def insert(page: str, part: str) -> str:
    """Put `part` before the end of the page's body."""
    at = page.rfind("</body>")
    return page + part if at < 0 else page[:at] + part + page[at:]


def section(desk: Desk, theme: str = "") -> str:
    """Give the section for the current run."""
    colors = "background:#121212;color:#eee" if theme == "dark" else "color:#222"
    return (
        f'<section id="holdfast-report" style="{_STYLE};{colors}"><h2>Held connections</h2>'
        f"{curve.svg(desk.timeline.thinned())}<h2>Latency by percentile</h2>{_latency(desk)}"
        f"{_verdict(desk.document)}{_ledger(desk.document)}</section>"
    )


def _latency(desk: Desk) -> str:
    evidence = desk.evidence()
    times = judge.latency_histograms(evidence)
    due, sent = times["from_due"], times["from_sent"]
    picture = spectrum.svg(due, sent) if due else ""
    table = _table(progress.latencies(judge.latencies(evidence)))
    waiting = evidence.fleet.waiting()["count"]
    return f"{picture}<p>{escape(spectrum.caption(due, sent, waiting))}</p>{table}"


def _table(rows: Iterable[Iterable[str]]) -> str:
    style = "padding:2px 0 2px 32px;text-align:right"
    lines = ("".join(f'<td style="{style}">{escape(cell)}</td>' for cell in row) for row in rows)
    return f'<table style="border-collapse:collapse">{"".join(f"<tr>{line}</tr>" for line in lines)}</table>'


def _verdict(document: dict[str, Any] | None) -> str:
    if document is None:
        return "<p>The run has not ended: there is no verdict yet.</p>"
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in document["reasons"])
    rows = [*progress.figures(document), *progress.thresholds(document)]
    cells = "".join(
        f'<tr><td style="padding:2px 24px 2px 0">{escape(name)}</td><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<h3>{escape(progress.verdict(document))}</h3><ul>{reasons}</ul><table>{cells}</table>"


def _ledger(document: dict[str, Any] | None) -> str:
    return "" if document is None else ledger_table.html(document["ledger"], document["reasons"])

"""Pure: renders the pages from their templates. Everything is escaped; nothing is loaded from elsewhere."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rawsocket.master.reports import drill_table, ledger_table, levels_table
from rawsocket.master.reports.html import compare, drill, first_screen, latency_chart, sections, target_series, words
from rawsocket.master.reports.html.chart_data import chart_data
from rawsocket.master.reports.html.documents import RunDocuments

TEMPLATES = Path(__file__).with_name("templates")
#: The charts' files, which the page serves as well.
STATIC = Path(__file__).parents[2] / "page" / "static"
# What the host adds when the run has ended stands between these.
HOST, HOST_END = "<!--holdfast:host-->", "<!--/holdfast:host-->"


def report(run: RunDocuments) -> str:
    """Return the report of a run."""
    document, timeline = run.verdict, run.timeline
    elapsed = max([at for at in timeline.get("elapsed_s", ()) if at is not None], default=0.0)
    return _render(
        "report.html",
        document=document,
        run=run,
        drill_span=drill_table.span,
        charts=chart_data(document, timeline),
        latency_picture=Markup(latency_chart.svg(run.due, run.sent)) if run.due else "",  # nosec: made from numbers
        latency_caption=latency_chart.caption(run.due, run.sent, document["messages"]["waiting"]),
        failures=sections.failures(run.failures, elapsed),
        level_reasons=levels_table.reasons(document),
        target_series=target_series.lines(run.target_metrics),
        server_usage=target_series.usage_lines(run.server_usage),
        ledger=ledger_table,
        states={row["what"]: row["status"] for row in document["ledger"]["rows"]},
        host=host_part(run.environment.get("host", {})),
    )


def host_part(found: Mapping[str, Any]) -> Markup:
    """Return the part of a report that has what only the host knows: `repeat` is the command that repeats the run."""
    return Markup(_render("host.html", found=found)) if found else Markup("")


def with_host(page: str, found: Mapping[str, Any]) -> str:
    """Return a report with what the host knows of its run; as it is if it has no place for it."""
    before, mark, rest = page.partition(HOST)
    _, end, after = rest.partition(HOST_END)
    return f"{before}{mark}{host_part(found)}{end}{after}" if mark and end else page


def comparison(runs: Sequence[tuple[str, RunDocuments]]) -> str:
    """Return a page that shows several runs, each with the name of its folder, side by side."""
    charts = [chart_data(run.verdict, run.timeline) for _, run in runs]
    return _render("comparison.html", runs=runs, charts=charts, table=compare.table(runs))


def index(runs: Sequence[tuple[str, Mapping[str, Any], bool]]) -> str:
    """Return a page that lists runs: the name of the folder, its verdict.json, whether it has a report."""
    return _render("index.html", runs=runs)


def drills(
    names: Sequence[tuple[str, str]],
    found: Sequence[tuple[str, Mapping[str, Any]]],
    refused: Mapping[str, Mapping[str, str]],
) -> str:
    """Return a page of all drills; see drill.matrix()."""
    servers, lines = drill.matrix(names, found, refused)
    return _render("drills.html", servers=servers, lines=lines)


def _render(template: str, **values: Any) -> str:
    return _templates().get_template(template).render(values)


@cache
def _templates() -> Environment:
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    found.globals |= {
        "drill": drill,
        "first": first_screen,
        "summary": compare.summary,
        "sections": sections,
        "words": words,
        "static": _static,
        "HOST": Markup(HOST),
        "HOST_END": Markup(HOST_END),
    }
    return found


def _static(name: str) -> Markup:
    """Return a file of this project to be put into a page as it is: our own script or style."""
    path = TEMPLATES / name
    return Markup((path if path.exists() else STATIC / name).read_text(encoding="utf-8"))

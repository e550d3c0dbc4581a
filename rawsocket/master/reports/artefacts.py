"""Writes the artefacts of a run into its folder: verdict, JUnit, summary, timeline, statistics, report, log, env.

Each file is written completely under another name and then renamed, readable by all (mode 644), because another user
collects them. Totals of stats.csv and verdict.json come from the same reports of the workers, so
they agree. env.json names versions, limits and the lab's settings; it never has the whole environment,
which may contain secrets.
"""

import csv
import importlib.metadata
import io
import json
import logging
import os
import platform
import re
import resource
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rawsocket import locust_patches
from rawsocket.master.controller import RunController
from rawsocket.master.reports import console, drill_table, html_report, ledger_table, levels_table, result
from rawsocket.master.run import Run
from rawsocket.master.timeline import Timeline
from rawsocket.measurement import histogram, latency_log
from rawsocket.measurement.histogram import Histogram
from rawsocket.measurement.report import ScenarioError
from rawsocket.measurement.stats_rows import TYPE
from rawsocket.settings import options
from rawsocket.settings.plan import Plan
from rawsocket.verdict import run_errors, threshold_words
from rawsocket.verdict.judge import EXPLANATIONS

# Times are from due; those from sent and to the first byte, and the waits of rows that have some, are at the end.
DUE, SENT, FIRST = ("p50", "p95", "p99", "p99_9", "max"), ("p50", "p99", "max"), ("p50", "p99")
WAIT = ("p50", "p99", "max")
STATS = (
    *("type", "name", "requests", "failures", "bytes"),
    *(f"{name}_ms" for name in DUE),
    *(f"sent_{name}_ms" for name in SENT),
    *(f"first_{name}_ms" for name in FIRST),
    *(f"wait_{name}_ms" for name in WAIT),
)
FAILURES = ("type", "name", "failure", "count", "example")
KINDS = {"unknown": "error", "fail": "failure"}  # of the case of the run; none if it passed
OF_A_THRESHOLD = re.compile(r"(max|min)_\w+(\[.*?\])?: ")  # how its reason begins
# What the report links to.
LINKED = ("summary.md", "verdict.json", "timeline.csv", "stats.csv", "failures.csv", "latency.hlog", "locust.html")
CsvRow = tuple[Any, ...]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Written:
    """The files of a run: their names, and why some are missing. `folder` is where they are."""

    folder: str = ""
    files: tuple[str, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def trouble(self) -> str:
        """What the disk said about the missing files, "" if none is missing."""
        return "; ".join(sorted(set(self.missing.values())))

    def line(self, code: int | None = None) -> str:
        """Return the line that names the missing files, "" if none is missing."""
        if not self.missing:
            return ""
        said = f"could not write {', '.join(self.missing)} in {self.folder}: {self.trouble}"
        return said if code is None else f"{said} (exit code {code})"


def write(controller: RunController) -> Written:
    """Write all of them for the current run. One that fails doesn't prevent the others."""
    if not controller.plan.runs:
        return Written()
    folder = controller.run.log.folder or Path(controller.plan.runs)
    document = controller.conclude()
    makers: dict[str, Callable[[], str]] = {
        "verdict.json": lambda: json.dumps(document, indent=2) + "\n",
        "junit.xml": lambda: junit(document),
        "summary.md": lambda: summary(document),
        "timeline.csv": lambda: timeline(controller.run.timeline),
        "stats.csv": lambda: stats(controller.run),
        "failures.csv": lambda: failures(controller.run),
        "env.json": lambda: json.dumps(_environment(controller, document), indent=2) + "\n",
        "report.html": lambda: html_report.page(controller.run, _environment(controller, document), LINKED),
        # The last, because it is a megabyte: a disk that is nearly full has taken all others before.
        "locust.html": lambda: locust_patches.locusts_report(controller.environment),
    }
    unwritten: dict[str, str] = {}
    for name, make in makers.items():
        with _noting_trouble(name, unwritten):
            put(folder / name, make())
    with _noting_trouble(latency_log.NAME, unwritten):  # written during the run; only its last second is missing
        second = controller.run.take_second()
        controller.run.log.finish(controller.elapsed_s, second.by_kind(), second.apart())
    if controller.plan.run_folders:
        _point_latest(folder, Path(controller.plan.runs))
    return Written(str(folder), (*makers, latency_log.NAME), unwritten)


def _point_latest(folder: Path, runs: Path) -> None:
    """Point the link `latest` at the folder of the run, if it has one of its own."""
    with suppress(OSError):
        if folder.parent == runs:
            link = runs / f".latest.{os.getpid()}"
            link.unlink(missing_ok=True)
            link.symlink_to(folder.name)
            link.replace(runs / "latest")


@contextmanager
def _noting_trouble(name: str, unwritten: dict[str, str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        unwritten[name] = str(error.strerror or error)
    except Exception:  # the other artefacts and the exit code matter more than any error here
        logger.exception("could not write %s", name)


def put(path: Path, text: str) -> None:
    """Write a complete file, or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.chmod(0o644)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)  # it would take the rest of a full disk
        raise


def junit(document: Mapping[str, Any]) -> str:
    """Return a JUnit suite: a case for the run itself, one for the scenario if it raised, one for each threshold.

    Under a load shape, each level has a case, which stands for its thresholds. Each failure counts once: the case of
    the run fails only by what no other case says.
    """
    verdict, seconds = document["verdict"], _run_seconds(document)
    outcome = KINDS.get(verdict) if _beyond_the_cases(document) else None
    cause = (document.get("cause") or {}).get("text", "")
    cases = [("run", outcome, f"{verdict}: {'; '.join(filter(None, [cause, *document['reasons']]))}")]
    if errors := document.get("scenario_errors"):
        cases.append(("scenario", "error", "; ".join(map(console.scenario_error, errors))))
    for check in document["thresholds"]:
        if check.get("where"):
            continue
        missed = {True: None, False: "failure", None: "error"}[check["ok"]]
        said = check.get("text") or f"limit {check['limit']:g}, actual {console.number(check['actual'])}"
        cases.append((check["name"], missed, said))
    for level in document.get("levels", ()):
        kind = None if levels_table.result(level) == levels_table.STOPPED else KINDS.get(level["verdict"])
        cases.append((f"level {level['number']}: {levels_table.name(level)}", kind, level["reason"] or "passed"))
    kinds = [kind for _, kind, _ in cases]
    counts = {"failures": str(kinds.count("failure")), "errors": str(kinds.count("error"))}
    when = {"time": f"{seconds:.0f}", "timestamp": (document.get("run") or {}).get("started_utc", "").rstrip("Z")}
    suite = ElementTree.Element("testsuite", {"name": "holdfast", "tests": str(len(cases)), **counts, **when})
    for name, kind, text in cases:
        took = when["time"] if name == "run" else "0"
        case = ElementTree.SubElement(suite, "testcase", classname="holdfast", name=name, time=took)
        if kind:
            ElementTree.SubElement(case, kind, message=text, type=kind).text = text
        else:
            ElementTree.SubElement(case, "system-out").text = text
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _beyond_the_cases(document: Mapping[str, Any]) -> list[str]:
    """Return the reasons that neither a threshold, nor a level, nor the case of the scenario says."""
    of_levels = [level["reason"] for level in document.get("levels", ()) if level["reason"]]
    found = [one for one in document["reasons"] if not one.endswith(tuple(of_levels))]
    shape = document.get("shape") or {}
    said = {shape.get("line")} | set(
        run_errors.scenario([ScenarioError(**error) for error in document.get("scenario_errors") or ()])
    )
    return [
        reason
        for reason in found
        if reason not in said
        and not OF_A_THRESHOLD.match(reason)
        and not any(explanation in reason for explanation in EXPLANATIONS)
    ]


def _run_seconds(document: Mapping[str, Any]) -> float:
    """Return the length of the run, 0 if it is unknown."""
    run = document.get("run") or {}
    with suppress(KeyError, ValueError):
        begun, ended = (datetime.fromisoformat(run[name]) for name in ("started_utc", "ended_utc"))
        return max(0.0, (ended - begun).total_seconds())
    return 0.0


def summary(document: Mapping[str, Any]) -> str:
    """Return the summary in GitHub's Markdown."""
    run = document["run"]
    title = f"## Holdfast: {document['verdict']} (exit code {document['exit_code']})"
    what = (
        f"`{_cell(run['scenario'])}` with {run['users']} users at {run['rate']:g}/s on {run['workers']} workers "
        f"against `{_cell(run['target'])}`, {_cell(run['started_utc'])}"
    )
    checks = [
        (check["name"], f"{check['limit']:g}", console.number(check["actual"]), _outcome(check["ok"], document))
        for check in document["thresholds"]
    ]
    parts = [title, *_why(document), what]
    if drill := document.get("drill"):
        said = f"Drill `{drill['name']}`, {drill_table.span(drill)}: {_cell(drill['text'])}"
        parts += [said, _markdown(drill_table.HEAD, drill_table.rows(drill)), *drill["findings"]]
    if levels := levels_table.rows(document):
        parts += [f"Load shape: {_cell(document['shape']['text'])}", _markdown(levels_table.HEADER, levels)]
    if checks:
        parts.append(_markdown(("threshold", "limit", "actual", ""), checks))
    header, *times = console.latencies(document["latency_ms"])
    parts += [_markdown(header, times), _markdown(("figure", ""), console.figures(document))]
    parts += _ledger(document["ledger"], document["reasons"])
    return "\n\n".join(parts) + "\n"


def _outcome(ok: bool | None, document: Mapping[str, Any]) -> str:
    said = threshold_words.outcome(ok, decided=document["verdict"] != "unknown")
    return f"**{said}**" if ok is False else said


def _why(document: Mapping[str, Any]) -> list[str]:
    """Return what decided the verdict, what to try, and the other reasons, as the console has them."""
    first, remedy, others = result.headline(document)
    parts = [f"**{_cell(first)}**" if first else "", f"Try: {_cell(remedy)}" if remedy else ""]
    return [part for part in (*parts, "\n".join(f"- {_cell(reason)}" for reason in others)) if part]


def _ledger(ledger: Mapping[str, Any], said: Collection[str]) -> list[str]:
    unknown = "\n".join(f"- {_cell(reason)}" for reason in ledger_table.unknown(ledger, said))
    parts = [f"### {ledger_table.title(ledger)}", unknown]
    parts.append(_markdown(ledger_table.HEADER, ledger_table.both(ledger)))
    return [part for part in (*parts, _markdown(ledger_table.OUTCOMES, ledger_table.alone(ledger))) if part]


def timeline(samples: Timeline) -> str:
    """Return timeline.csv: a row a second; unknown values are empty."""
    return _csv(samples.header(), samples.rows())


def stats(run: Run) -> str:
    """Return stats.csv: a row for each name, and their sum."""
    rows = run.rows()
    lines = [
        _stats_row(*key, row.requests, sum(row.failures.values()), row.bytes, _times(row.times))
        for key, row in rows.items()
    ]
    # A figure of the scenario's own is no event of the run, and a push counts once.
    events = [row for (kind, _), row in rows.items() if kind == TYPE]
    requests = sum(row.requests - row.again for row in events)
    failed = sum(sum(row.failures.values()) for row in events)
    size = sum(row.bytes - row.again_bytes for row in events)
    times = [_times(row.times) for row in events]
    whole = [histogram.merged(row[at] for row in times) for at in range(4)]
    return _csv(STATS, [*lines, _stats_row("", "Aggregated", requests, failed, size, whole)])


def failures(run: Run) -> str:
    """Return failures.csv: a line for each failure in each row; for wrong replies with an example.

    Exceptions of the scenario are at the end, with the type `scenario` and their place as the name.
    """
    seen = run.examples()
    lines = [
        (*key, failure, count, seen.get(failure))
        for key, row in run.rows().items()
        for failure, count in sorted(row.failures.items())
    ]
    errors = [("scenario", one.where, one.type, one.count, one.message) for one in run.scenario_errors()]
    return _csv(FAILURES, [*lines, *errors])


def _environment(controller: RunController, document: Mapping[str, Any]) -> dict[str, Any]:
    parsed = controller.environment.parsed_options
    of_run = {name: options.value(parsed, name) for name in controller.plan.options}  # the start form changes them
    return environment(controller.plan, document, {**of_run, **options.of_scenario(parsed)})


def environment(plan: Plan, document: Mapping[str, Any], of_run: Mapping[str, Any]) -> dict[str, Any]:
    """Return env.json: what the figures depend on, apart from the server. `of_run`: the options of this run."""
    versions = {name: importlib.metadata.version(name) for name in ("locust", "gevent", "pyzmq", "prometheus-client")}
    return {
        "versions": {"python": platform.python_version(), **versions},
        "machine": {
            "system": platform.system(),
            "kernel": platform.release(),
            "architecture": platform.machine(),
            "cpus": os.cpu_count(),
            "cpus_allowed": len(os.sched_getaffinity(0)),
            "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            "load_average": os.getloadavg(),
        },
        "settings": {**document["run"], "headless": plan.headless, **plan.options, **of_run},
    }


def _times(times: Mapping[str, Histogram]) -> list[Histogram]:
    """Return the times from due, from sent, to the first byte, and the waits; a connect is due when it starts."""
    sent = times.get("sent", {})
    return [times.get("due") or sent, sent, times.get("first", {}), times.get("wait", {})]


def _stats_row(kind: str, name: str, requests: int, failed: int, size: int, times: Iterable[Histogram]) -> CsvRow:
    quantiles: list[str] = []
    for measured, names in zip(times, (DUE, SENT, FIRST, WAIT), strict=True):
        found = histogram.summary(measured)
        quantiles += [f"{found[name]:.3f}" if found else "" for name in names]
    return (kind, name, requests, failed, size, *quantiles)


def _csv(header: Iterable[str], rows: Iterable[CsvRow]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return text.getvalue()


def _markdown(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = list(header)
    lines = [header, ["---"] * len(header), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ").replace("`", "'")

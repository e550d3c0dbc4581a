"""The report: a sentence for each trial, the table and the sections, bench.json, bench.md, pictures."""

import importlib.metadata
import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.charts import summary
from bench.results import section
from bench.results.line import Line, Roster, number
from bench.results.record import Record
from bench.results.section import Section

SCHEMA = 1
_SENTENCE = (
    ("summary", "{}"),
    ("us", "{:.2f} µs of CPU a message"),
    ("times", "{:.2f} times as much as without"),
    ("per_s", "{:,.0f} messages/s"),
    ("kb", "{:.2f} KB a connection"),
    ("bytes", "{:.0f} B a connection"),
    ("idle_pct", "{:.3f} % of a core"),
    ("p50_us", "p50 {:,.0f} µs"),
    ("p99_us", "p99 {:,.0f} µs"),
    ("late_us", "the client itself was late by {:,.0f} µs (p99)"),
    ("moved_pct", "changed by {:+.0f} %"),
    ("apart_pct", "identical runs {:.0f} % apart"),
    ("lag_ramp_ms", "lag {:.1f} ms"),
    ("silent_held_ms", "longest silence {:.0f} ms"),
    ("worst_pct", "worst 100 ms off by {:.1f} %"),
    ("accepted", "{:,} accepted"),
    ("p99_ms", "p99 {:,.1f} ms"),
    ("p99_implied_ms", "implied {:,.1f} ms"),
    ("p99_implied_off_pct", "off by {:+.2f} %"),
    ("p99_9_implied_off_pct", "p99.9 off by {:+.2f} %"),
    ("reconciled", "ledger reconciled: {}"),
    ("growth_pct", "memory {:+.2f} %"),
    ("busy", "{:.2f} cores busy"),
    ("stolen", "{:.1%} stolen"),
)


def sentence(record: Record) -> str:
    """Return one line about a trial."""
    if record.problem:
        return f"not measured: {record.problem}"
    return ", ".join(form.format(v) for key, form in _SENTENCE if (v := record.values.get(key)) is not None)


def heads(roster: Roster, lines: Sequence[Line]) -> list[str]:
    """Return the names of the contenders that have a figure in any line, ours first."""
    return [name for name in roster.labels if any(line.values.get(name) is not None for line in lines)]


def cells(roster: Roster, lines: Sequence[Line]) -> list[list[str]]:
    """Return the table: a head and a row for each figure."""
    names = heads(roster, lines)
    head = ["figure", *names, "must reach", "aim", "", "stolen"]
    rows = [
        [
            line.figure,
            *(line.shown.get(name, "-") for name in names),
            number(line.must, line.unit),
            number(line.aim, line.unit),
            line.outcome,
            "-" if line.stolen is None else f"{line.stolen:.1%}",
        ]
        for line in lines
    ]
    return [head, *rows]


def text(roster: Roster, lines: Sequence[Line], sections: Sequence[Section] = ()) -> str:
    """Return the table for a terminal, with its notes, and the sections."""
    main = (
        ["\n".join([section.columns(cells(roster, lines)), *roster.notes, *_notes(lines)])]
        if lines or not sections
        else []
    )
    return "\n\n".join([*main, *(part.text() for part in sections)])


def markdown(roster: Roster, lines: Sequence[Line], sections: Sequence[Section] = ()) -> str:
    """Return bench.md."""
    table = section.piped(cells(roster, lines))
    about = machine(roster)
    programs = ", ".join(f"{name.capitalize()} {about[name]}" for name in ("python", *roster.libraries))
    where = f"{about['cpus']} cores ({about['processor']}), Linux {about['kernel']}, {programs}, over loopback."
    names = ", ".join(f"{name}: {roster.labels[name]}" for name in heads(roster, lines))
    stolen = "stolen: CPU time that the host stole in the worst trial of the figure, as a share of one core"
    notes = "\n".join(f"- {note}" for note in [names, stolen, *roster.notes, *_notes(lines)])
    main = [table, notes] if lines or not sections else []
    return "\n\n".join([f"## {roster.title}", where, *main, *(part.markdown() for part in sections)]) + "\n"


def _notes(lines: Sequence[Line]) -> list[str]:
    return [f"{line.figure}: {note}" for line in lines for note in line.notes]


def write(
    folder: Path,
    roster: Roster,
    options: Any,
    records: Sequence[Record],
    lines: Sequence[Line],
    even: float = 100.0,
    sections: Sequence[Section] = (),
) -> None:
    """Write bench.json, bench.md and bench.svg into the folder of the run, and the picture of each section as KEY.svg.

    `even`: see charts.summary.
    """
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "ended_utc": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "options": asdict(options),
        "machine": machine(roster),
        "lines": [asdict(line) for line in lines],
        "sections": [asdict(part) for part in sections],
        "records": [asdict(record) for record in records],
    }
    (folder / "bench.json").write_text(json.dumps(document, indent=1) + "\n")
    (folder / "bench.md").write_text(markdown(roster, lines, sections))
    pictures = {part.key: part.picture for part in sections if part.picture}
    if lines or not sections:
        pictures["bench"] = summary.draw(roster, lines, even)
    for key, drawn in pictures.items():
        (folder / f"{key}.svg").write_text(drawn)


def machine(roster: Roster) -> dict[str, Any]:
    """Return what the figures depend on beside the programs: the processor, the kernel, versions, the environment."""
    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"^model name\s*: (.+)$", cpuinfo.read_text() if cpuinfo.exists() else "", re.M)
    return {
        "processor": model[1] if model else platform.machine(),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in roster.libraries},
    }

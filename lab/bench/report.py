"""What is said and written: a sentence for each turn, the table, bench.json, bench.md, bench.svg."""

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

from lab.bench import picture
from lab.bench.contenders import CONTENDERS, SESSION
from lab.bench.options import Options
from lab.bench.record import Record
from lab.bench.table import PEERS, Line, number

SCHEMA = 1
_SENTENCE = (
    ("us", "{:.2f} us of CPU a message"),
    ("per_s", "{:,.0f} messages/s"),
    ("kb", "{:.2f} KB a connection"),
    ("lag_ramp_ms", "lag {:.1f} ms"),
    ("silent_held_ms", "silent for {:.0f} ms at most"),
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
    """Give one line about a turn."""
    if record.problem:
        return f"not measured: {record.problem}"
    return ", ".join(form.format(v) for key, form in _SENTENCE if (v := record.values.get(key)) is not None)


def heads(lines: Sequence[Line]) -> list[str]:
    """Give the names of the contenders that any line has a figure of, ours first."""
    return [name for name in (SESSION, *PEERS) if any(line.values.get(name) is not None for line in lines)]


def cells(lines: Sequence[Line]) -> list[list[str]]:
    """Give the table: a head and a row for each figure."""
    names = heads(lines)
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


def text(lines: Sequence[Line]) -> str:
    """Give the table for a terminal, and the notes below it."""
    table = cells(lines)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join([shown[0], "-" * len(shown[0]), *shown[1:], *_notes(lines)])


def markdown(lines: Sequence[Line]) -> str:
    """Give bench.md."""
    head, *rows = [[cell.replace("|", "\\|") for cell in row] for row in cells(lines)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])
    about = machine()
    host = f"{about['cpus']} cores ({about['processor']}), Linux {about['kernel']}"
    where = f"{host}, Python {about['python']}, Locust {about['locust']}, over loopback."
    names = ", ".join(f"{name}: {CONTENDERS[name].label}" for name in heads(lines))
    stolen = "stolen: the most of one core that the host took in any turn behind the figure"
    notes = "\n".join(f"- {note}" for note in [names, stolen, *_notes(lines)])
    return "\n\n".join(["## The load generator against its peers", where, table, notes]) + "\n"


def _notes(lines: Sequence[Line]) -> list[str]:
    return [f"{line.figure}: {note}" for line in lines for note in line.notes]


def write(folder: Path, options: Options, records: Sequence[Record], lines: Sequence[Line]) -> None:
    """Write bench.json, bench.md and bench.svg into the folder of the run."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "ended_utc": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "options": asdict(options),
        "machine": machine(),
        "lines": [asdict(line) for line in lines],
        "records": [asdict(record) for record in records],
    }
    (folder / "bench.json").write_text(json.dumps(document, indent=1) + "\n")
    (folder / "bench.md").write_text(markdown(lines))
    (folder / "bench.svg").write_text(picture.draw(lines, options.rate / 10))


def machine() -> dict[str, Any]:
    """Say what the figures depend on beside the programs."""
    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"^model name\s*: (.+)$", cpuinfo.read_text() if cpuinfo.exists() else "", re.M)
    return {
        "processor": model[1] if model else platform.machine(),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "locust": importlib.metadata.version("locust"),
        "gevent": importlib.metadata.version("gevent"),
    }

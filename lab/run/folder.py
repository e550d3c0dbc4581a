"""The folder of a run: runs/<UTC time>-<verb>/, the link runs/latest, and what the host adds to it."""

import contextlib
import itertools
import json
import os
import platform
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab import folders, latest_link
from lab.errors import writing
from lab.reports.origin import environment, git_state
from lab.settings import from_environment
from rawsocket.master.reports.html.render import with_host


def name(verb: str) -> str:
    """Return the name of a new run's folder; it sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{verb}"


def create(run: str, runs: Path | None = None) -> Path:
    """Make the folder of a run and point runs/latest at it; a second run of the same second becomes RUN-2."""
    runs = runs or folders.work() / "runs"
    for number in itertools.count(1):
        folder = runs / (run if number == 1 else f"{run}-{number}")
        with writing(folder), contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
            latest_link.point(folder)
            return folder
    raise AssertionError("there is always a next number")


def discard(folder: Path) -> None:
    """Remove the folder of a run that did not start, and point runs/latest at the run before it."""
    link = folder.parent / "latest"
    was_latest = link.is_symlink() and os.readlink(link) == folder.name
    shutil.rmtree(folder, ignore_errors=True)
    if was_latest:
        link.unlink(missing_ok=True)
        if others := [other for other in folder.parent.iterdir() if other.is_dir()]:
            latest_link.point(max(others, key=lambda other: other.name))


def finish(folder: Path, engine: str, verb: str, repeat: str = "", about: Mapping[str, Any] | None = None) -> None:
    """Add the host's part to env.json and the report, and the summary to $GITHUB_STEP_SUMMARY where that is set.

    `repeat` is the command that repeats the run, `about` what the engine knows of its parts.
    """
    file = folder / "env.json"
    found = environment(folder)
    found["host"] = {
        "engine": engine,
        **(about or {}),
        "verb": verb,
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "git": git_state(),
        "repeat": repeat,
    }
    with writing(file):
        file.write_text(json.dumps(found, indent=2) + "\n")
    report = folder / "report.html"
    if report.exists():
        with writing(report):
            report.write_text(with_host(report.read_text(encoding="utf-8"), found["host"]), encoding="utf-8")
    summary = folder / "summary.md"
    step_summary = from_environment("GITHUB_STEP_SUMMARY")
    if step_summary and summary.exists():
        with writing(Path(step_summary)), Path(step_summary).open("a") as out:
            out.write(summary.read_text() + "\n")

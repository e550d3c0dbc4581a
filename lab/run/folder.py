"""The folder of a run: runs/<UTC time>-<verb>/, the link runs/latest, and what the host adds to it."""

import contextlib
import itertools
import json
import os
import platform
import shutil
from datetime import UTC, datetime
from pathlib import Path

from lab import latest
from lab.errors import writing
from lab.settings import ROOT, from_environment

RUNS = ROOT / "runs"


def name(verb: str) -> str:
    """Return the name of a new run's folder; it sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{verb}"


def create(run: str, runs: Path = RUNS) -> Path:
    """Make the folder of a run and point runs/latest at it; a second run of the same second becomes RUN-2."""
    for number in itertools.count(1):
        folder = runs / (run if number == 1 else f"{run}-{number}")
        with writing(folder), contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
            latest.point(folder)
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
            latest.point(max(others, key=lambda other: other.name))


def finish(folder: Path, engine: str, verb: str) -> None:
    """Add the host's part to env.json, and the summary to $GITHUB_STEP_SUMMARY where that is set."""
    file = folder / "env.json"
    environment = json.loads(file.read_text()) if file.exists() else {}
    environment["host"] = {
        "engine": engine,
        "verb": verb,
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }
    with writing(file):
        file.write_text(json.dumps(environment, indent=2) + "\n")
    summary = folder / "summary.md"
    step_summary = from_environment("GITHUB_STEP_SUMMARY")
    if step_summary and summary.exists():
        with writing(Path(step_summary)), Path(step_summary).open("a") as out:
            out.write(summary.read_text() + "\n")

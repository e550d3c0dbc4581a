"""runs/index.html: the list of all runs; and KEEP, which bounds how many there are.

Rules for what is removed:

- Only folders of runs: their name is a time and a command, and they have a file that only a run writes.
- Never the folder of the current run, nor a link. A run that goes on has no such file yet.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from lab.progress import say
from rawsocket.master.reports.html import render
from rawsocket.master.reports.html.compare import summary

NAME = "index.html"
OF_A_RUN = re.compile(r"\d{8}T\d{6}Z-(load|ci|up|page|drill)(-\d+)?")
WRITTEN = ("verdict.json", "env.json")


def update(current: Path, keep: int) -> None:
    """Remove the oldest runs beyond `keep` (0: none), then write the list of those beside the current one.

    The run has its verdict by now, so a list that can't be written is said and changes nothing else.
    """
    try:
        _update(current, keep)
    except OSError as error:
        say(f"could not write {current.parent / NAME}: {error.strerror}")


def _update(current: Path, keep: int) -> None:
    runs = current.parent
    remove_oldest(runs, current, keep)
    page = render.index([(folder.name, _verdict(folder), _has_report(folder)) for folder in folders(runs)[::-1]])
    file = runs / NAME
    part = file.with_name(f".{NAME}.part")
    part.write_text(page, encoding="utf-8")
    part.replace(file)


def folders(runs: Path) -> list[Path]:
    """Return the folders of runs that have ended, the oldest first."""
    return sorted(folder for folder in runs.iterdir() if _is_run(folder))


def _is_run(folder: Path) -> bool:
    return (
        OF_A_RUN.fullmatch(folder.name) is not None
        and folder.is_dir()
        and not folder.is_symlink()
        and any((folder / name).is_file() for name in WRITTEN)
    )


def remove_oldest(runs: Path, current: Path, keep: int) -> None:
    """Remove the folders of the oldest runs, so that `keep` are left, the current one among them; 0: keep all."""
    others = [folder for folder in folders(runs) if folder.name != current.name]
    for folder in others[: max(0, len(others) + 1 - keep)] if keep else ():
        shutil.rmtree(folder, ignore_errors=True)


def _verdict(folder: Path) -> dict[str, Any]:
    """Return verdict.json, empty if there is none that can be shown."""
    try:
        found: dict[str, Any] = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
        summary(found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return found


def _has_report(folder: Path) -> bool:
    return (folder / "report.html").is_file()

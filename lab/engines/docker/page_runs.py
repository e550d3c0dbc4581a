"""Brings the artefacts of runs from the page home: the master writes them in its container, a folder for each run."""

import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from lab import latest_link
from lab.errors import writing

# The last sign of a run that has ended: while it runs there is no such file.
VERDICT = "verdict.json"


def bring_home(files: Iterable[tuple[Path, bytes]], runs: Path, known: Collection[str] = ()) -> list[str]:
    """Write each run's files to `runs`/NAME where there is none yet; return the names. `files`: path and content.

    Runs of `known` are left out: they were there and have been removed since.

    Raises LabError if they can't be written. A folder appears complete or not at all.
    """
    of_run: dict[str, dict[Path, bytes]] = {}
    for path, content in files:
        if len(path.parts) > 1 and path.parts[0] not in known:
            of_run.setdefault(path.parts[0], {})[Path(*path.parts[1:])] = content
    names = sorted(name for name, found in of_run.items() if Path(VERDICT) in found and not (runs / name).exists())
    for name in names:
        with writing(runs / name):
            _write(runs / name, of_run[name])
            latest_link.point_if_newer(runs / name)
    return names


def _write(folder: Path, files: dict[Path, bytes]) -> None:
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for path, content in files.items():
        (part / path).parent.mkdir(parents=True, exist_ok=True)
        (part / path).write_bytes(content)
    part.rename(folder)

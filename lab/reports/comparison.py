"""`report`: one page that compares several runs, written to runs/comparison.html."""

from collections.abc import Sequence
from pathlib import Path

from lab import folders
from lab.errors import EXIT_OK, UsageError, writing
from lab.progress import result
from lab.reports import run_files
from rawsocket.master.reports.html import render

NAME = "comparison.html"


def run(of_runs: Sequence[str], runs: Path | None = None) -> int:
    """Compare the runs of these folders, print the path of the page, and give the exit code."""
    found = [(Path(folder).resolve().name, run_files.read(Path(folder))) for folder in of_runs]
    try:
        page = render.comparison(found)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"a verdict.json of these runs is incomplete: {error}") from None
    file = (runs or folders.work() / "runs") / NAME
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, encoding="utf-8")
    result(str(file))
    return EXIT_OK

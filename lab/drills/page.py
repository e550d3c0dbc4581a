"""runs/drills.html: which drill which server has survived, from the verdicts of the runs that are kept."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.errors import writing
from rawsocket.master.reports.html import render

NAME = "drills.html"


def write(runs: Path, drills: Sequence[tuple[str, str]], refused: Mapping[str, str]) -> Path:
    """Write the page and return its path. `drills`: name and meaning; `refused`: why one did not run this time."""
    file = runs / NAME
    with writing(file):
        file.write_text(render.drills(drills, found(runs), refused), encoding="utf-8")
    return file


def found(runs: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the name of the folder and the field `drill` of each run with a drill, the oldest first."""
    documents: list[tuple[str, Mapping[str, Any]]] = []
    for file in sorted(runs.glob("*-drill*/verdict.json")):
        try:
            drill = json.loads(file.read_text(encoding="utf-8")).get("drill")
        except (OSError, ValueError, AttributeError):
            continue
        if isinstance(drill, dict) and {"name", "server", "outcome", "measured"} <= drill.keys():
            documents.append((file.parent.name, drill))
    return documents

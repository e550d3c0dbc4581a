"""runs/drills.html: which drill which server has survived; runs/drills.md: the same as a table of Markdown.

runs/drills.json keeps it when old runs are removed.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.errors import writing
from rawsocket.master.reports.html import drill as cells
from rawsocket.master.reports.html import render

NAME, TEXT, KEPT = "drills.html", "drills.md", "drills.json"
REPORT = "report.html"  # a run whose master was killed has none
NEEDED = {"name", "server", "outcome", "measured"}  # fields of a drill
Found = tuple[str, Mapping[str, Any]]


def write(runs: Path, drills: Sequence[tuple[str, str]], server: str, refused: Mapping[str, str]) -> Path:
    """Write the page and return its path. `drills`: name and meaning; `refused`: why one does not run on `server`."""
    kept = _kept(runs)
    known = {**kept["refused"], server: dict(refused)}
    latest = {(drill["name"], drill["server"]): (folder, drill) for folder, drill in (*kept["found"], *found(runs))}
    shown = [(folder if (runs / folder / REPORT).is_file() else "", drill) for folder, drill in latest.values()]
    file = runs / NAME
    with writing(file):
        content = {"found": list(latest.values()), "refused": known}
        (runs / KEPT).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        file.write_text(render.drills(drills, shown, known), encoding="utf-8")
        (runs / TEXT).write_text(cells.markdown(drills, shown, known), encoding="utf-8")
    return file


def found(runs: Path) -> list[Found]:
    """Return the name of the folder and the field `drill` of each run with a drill, the oldest first."""
    documents: list[Found] = []
    for file in sorted(runs.glob("*-drill*/verdict.json")):
        try:
            drill = json.loads(file.read_text(encoding="utf-8")).get("drill")
        except (OSError, ValueError, AttributeError):
            continue
        if _is_drill(drill):
            documents.append((file.parent.name, drill))
    return documents


def _kept(runs: Path) -> dict[str, Any]:
    """Return what earlier commands have found and refused; nothing if the file is none of ours."""
    try:
        content = json.loads((runs / KEPT).read_text(encoding="utf-8"))
        return {
            "found": [(str(folder), drill) for folder, drill in content["found"] if _is_drill(drill)],
            "refused": {str(server): dict(each) for server, each in content["refused"].items()},
        }
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return {"found": [], "refused": {}}


def _is_drill(drill: object) -> bool:
    return isinstance(drill, dict) and drill.keys() >= NEEDED

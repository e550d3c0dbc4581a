"""Reads what the lab on the host has told of its parts: lab/engines/lab_facts.py writes it into the run's folder."""

import json
from pathlib import Path

from rawsocket.verdict.observed import LabFact

NAME = "lab-facts.jsonl"


def read(folder: str) -> list[LabFact]:
    """Return the facts in a run's folder, none if there is no file; a line that can't be read is left out."""
    if not folder:
        return []
    try:
        lines = (Path(folder) / NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [fact for line in lines if (fact := _parsed(line))]


def _parsed(line: str) -> LabFact | None:
    try:
        return LabFact(**{name: str(value) for name, value in json.loads(line).items()})
    except (AttributeError, TypeError, ValueError):
        return None

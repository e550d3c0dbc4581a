"""Reads the documents of a run from the files of its folder."""

import csv
import json
from pathlib import Path
from typing import Any

from lab.errors import UsageError
from rawsocket.master.reports.html.documents import RunDocuments

#: Columns of timeline.csv that are texts.
TEXTS = {"time_utc", "event"}


def read(folder: Path) -> RunDocuments:
    """Return what the folder says about its run. Raises UsageError, one line, if it is not the folder of a run."""
    if not folder.is_dir():
        what = "this is a file" if folder.exists() else "there is no such folder"
        raise UsageError(f"{folder}: {what}; expected folders of runs, such as runs/latest")
    return RunDocuments(
        verdict=_verdict(folder), timeline=_timeline(folder / "timeline.csv"), environment=_json(folder / "env.json")
    )


def _verdict(folder: Path) -> dict[str, Any]:
    found = _json(folder / "verdict.json")
    if not {"verdict", "run", "thresholds", "held", "latency_ms"} <= found.keys():
        raise UsageError(f"{folder}: not the folder of a run with a verdict: verdict.json is missing or incomplete")
    return found


def _json(file: Path) -> dict[str, Any]:
    """Return the object of a file, empty if there is no such file."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except ValueError:
        raise UsageError(f"{file}: not JSON") from None
    if not isinstance(found, dict):
        raise UsageError(f"{file}: not a JSON object")
    return found


def _timeline(file: Path) -> dict[str, list[Any]]:
    """Return the columns of timeline.csv, none if there is no such file."""
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        return {name: [_value(name, row[name]) for row in rows] for name in (rows[0] if rows else ())}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except (ValueError, TypeError):
        raise UsageError(f"{file}: not a timeline") from None


def _value(column: str, text: str) -> str | float | None:
    if column in TEXTS:
        return text
    return float(text) if text else None

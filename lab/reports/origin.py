"""What the host knows of a run: how to repeat it, and the state of this checkout."""

import contextlib
import json
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab import folders
from lab.inputs import scenario_settings
from lab.settings import SETTINGS, Settings
from rawsocket.master.reports.html.sections import variable
from rawsocket.settings.row import Setting
from server.settings import TABLE as SERVER_TABLE

NOT_OF_THE_RUN = {"KEEP"}
OF_THE_LAB = {"PAGE_HOST", "PAGE_PORT", "SERVER_PORT", "REPLACE"}


def repeat(verb: str, chosen: Settings, environ: Mapping[str, str]) -> str:
    """Return the command that repeats a run: every setting that was given, wherever it was given, but no secret."""
    return _command(verb, given(chosen, environ))


def given(chosen: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Return every setting that was given and is no secret: of the lab, of the scenario, of the server."""
    of_lab = {row.variable: chosen[row.variable] for row in SETTINGS if row.variable in chosen.given - NOT_OF_THE_RUN}
    declared = (row for row in scenario_settings.rows(chosen["SCENARIO"]) if not row.secret)
    of_scenario = {row.variable: chosen.values.get(row.variable, "") for row in declared}
    of_server = {row.variable: environ.get(row.variable, "").strip() for row in SERVER_TABLE}
    more = {name: text for name, text in {**of_scenario, **of_server}.items() if text and name not in of_lab}
    return {**of_lab, **more}


def repeat_from_page(at_up: Mapping[str, str], of_run: Mapping[str, Any]) -> str:
    """Return the command that repeats a run from the page without it.

    `at_up` is what `up` was given; `of_run` are the settings of env.json, which the start form may have changed.
    """
    found = {name: text for name, text in at_up.items() if name not in OF_THE_LAB}
    rows = {row.variable: row for row in SETTINGS if row.variable != "TARGET"}
    for name, value in of_run.items():
        row, text = rows.get(variable(name)), f"{value:g}" if isinstance(value, float) else str(value)
        if row and value is not None and (changed := _differs(row, text)) is not None:
            found = {**found, row.variable: text} if changed else {k: v for k, v in found.items() if k != row.variable}
    return _command("load", found)


def _differs(row: Setting, text: str) -> bool | None:
    """Return whether a text is not the default of its setting, None if it is no value of it: -1 stands for unset."""
    with contextlib.suppress(ValueError):
        return bool(row.parse(text) != (row.parse(row.default) if row.default else None))
    return None


def _command(verb: str, found: Mapping[str, str]) -> str:
    return folders.command(verb, *(f"{name}={shlex.quote(text)}" for name, text in found.items()))


def environment(folder: Path) -> dict[str, Any]:
    """Return env.json of a run as it is so far, nothing if it is missing or was cut off by a full disk."""
    try:
        found: dict[str, Any] = json.loads((folder / "env.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def git_state(root: Path | None = None) -> str:
    """Return the commit of the user's folder and whether files were changed, "" without git."""
    root = root or folders.work()
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=, with changes", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

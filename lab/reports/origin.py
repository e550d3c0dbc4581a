"""What the host knows of a run: how to repeat it, and the state of this checkout."""

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lab.given import scenario_settings
from lab.settings import ROOT, SETTINGS, Settings
from server.settings import TABLE as SERVER_TABLE

NOT_OF_THE_RUN = {"KEEP"}


def repeat(verb: str, chosen: Settings, environ: Mapping[str, str]) -> str:
    """Return the command that repeats a run: every setting that was given, wherever it was given, but no secret."""
    given = {row.variable: chosen[row.variable] for row in SETTINGS if row.variable in chosen.given - NOT_OF_THE_RUN}
    declared = (row for row in scenario_settings.rows(chosen["SCENARIO"]) if not row.secret)
    of_scenario = {row.variable: chosen.values.get(row.variable, "") for row in declared}
    of_server = {row.variable: environ.get(row.variable, "").strip() for row in SERVER_TABLE}
    more = {name: text for name, text in {**of_scenario, **of_server}.items() if text and name not in given}
    return " ".join((f"make {verb}", *(f"{name}={shlex.quote(text)}" for name, text in {**given, **more}.items())))


def git_state(root: Path = ROOT) -> str:
    """Return the commit of the checkout and whether files were changed, "" without git."""
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=, with changes", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

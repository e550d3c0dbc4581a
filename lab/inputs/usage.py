"""What `--help` and `--version` say: commands and settings in groups, at most 79 columns wide."""

import argparse
import os
import shutil
import sys
import textwrap
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata

from lab import folders, settings
from lab.user_server import settings as user_server
from rawsocket.settings.row import Setting
from rawsocket.settings.table import THRESHOLDS

_PROJECT = folders.ASSETS / "pyproject.toml"
WIDTH = 79
_INDENT = 16
COMMANDS = {
    "The lab with its page": ("up", "down", "status", "logs"),
    "A run without the page": ("check", "load", "ci", "drill", "report"),
    "A conversation from real traffic": ("record", "import"),
    "Benchmarks": ("bench-load", "bench-server"),
    "Upkeep": ("new", "eject", "setup", "clean"),
}
# The settings of the overview: those that most calls need.
COMMON = ("USERS", "RATE", "TIME", "SCENARIO", "EVERY", "MODEL", "MAX_CONNECTIONS", "TARGET", "MAX_P99_MS", "VERBOSE")
GROUPS = {
    "The run": ("USERS", "RATE", "TIME", "WORKERS", "SCENARIO", "CHECK", "VERBOSE", "KEEP"),
    "What users do": ("EVERY", "SIZE", "TIMEOUT", "PACE", "ARRIVALS", "SOURCES", "SPREAD", "RECONNECT_JITTER"),
    "Your own server": ("TARGET", "WAIT", "NETWORK", "TLS_CA", "TLS_NAME", "TLS_CERT", "TLS_KEY", "TLS_VERIFY"),
    "Your own server in the lab": tuple(row.variable for row in user_server.TABLE),
    "Other tools": ("TARGET_METRICS", "OTEL_EXPORTER_OTLP_ENDPOINT", "WATCH", "WATCH_PORT"),
    "Drills": ("DRILL", "AT", "FOR", "RECOVER"),
    "The lab's server": ("MODEL", "APP", "FRAMING", "MAX_CONNECTIONS", "PROCESSES", "TLS"),
    "Thresholds": tuple(row.variable for row in THRESHOLDS),
    "Where it runs": (
        *("ENGINE", "BASE_IMAGE", "PAGE_HOST", "PAGE_PORT", "SERVER_PORT", "REPLACE"),
        *("SERVER_CPUS", "SERVER_MEM", "WORKER_CPUS", "WORKER_MEM"),
    ),
}
OTHERS = "More settings"
OF_SCENARIO = "Settings of the scenario"
CODES = "Exit codes of load, ci and drill: 0 pass, 1 the lab failed, 2 usage, 3 fail, 4 unknown, 130 interrupted."


def version() -> str:
    """Return name and version: of this clone, or of the installed package."""
    if not _PROJECT.is_file():
        return f"Holdfast {metadata.version('holdfast')}"
    project = tomllib.loads(_PROJECT.read_text())["project"]
    return f"{project['name'].capitalize()} {project['version']}"


def overview(commands: Mapping[str, str]) -> str:
    """Return what `python -m lab --help` prints; `commands` has the meaning of each command that is there."""
    lines = [f"usage: {folders.program()} COMMAND [--SETTING VALUE ...]", "", version(), ""]
    for title, names in COMMANDS.items():
        if entries := [line for name in names if name in commands for line in _entry(name, commands[name])]:
            lines += [f"{title}:", *entries, ""]
    lines += ["Common settings, as variables (USERS=5) or flags (--users 5), with defaults:"]
    rows = {row.variable: row for row in settings.SETTINGS}
    for row in (rows[name] for name in COMMON):
        lines += _entry(f"{row.variable:<{_INDENT}}{row.shown_default}", row.help.removeprefix("threshold: "), 9)
    lines += ["", f"All settings: {folders.program()} load --help, and docs/settings.md.", *textwrap.wrap(CODES, WIDTH)]
    return "\n".join(lines) + "\n"


def _entry(name: str, text: str, more: int = 0) -> list[str]:
    """Return a name and its meaning, which begins `more` columns further to the right."""
    first = f"  {name:<{_INDENT + more}}"
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first))


def add_flags(parser: argparse.ArgumentParser, of_scenario: Sequence[Setting]) -> None:
    """Add the flags of the lab's settings to the parser of a command, in groups."""
    for title, rows in _grouped(of_scenario):
        settings.add_flags(parser.add_argument_group(title), rows)


def _grouped(of_scenario: Sequence[Setting]) -> Iterator[tuple[str, list[Setting]]]:
    rows = {row.variable: row for row in settings.SETTINGS}
    for title, names in GROUPS.items():
        yield title, [rows.pop(name) for name in names]
    if rows:
        yield OTHERS, list(rows.values())
    if of_scenario:
        yield OF_SCENARIO, list(of_scenario)


def differing(verb: str) -> str:
    """Return a sentence on the defaults that a command has of its own, "" if it has none."""
    own = settings.VERB_DEFAULTS.get(verb, {})
    return f"The defaults of `{verb}` that differ: {', '.join(map('='.join, own.items()))}." if own else ""


class Version(argparse.Action):
    """Prints the version, and ends the command."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print it."""
        sys.stdout.write(f"{version()}\n")
        parser.exit()


class Formatter(argparse.HelpFormatter):
    """Help of at most 79 columns; COLUMNS, where it is set, decides."""

    def __init__(self, prog: str) -> None:
        width = shutil.get_terminal_size().columns
        super().__init__(prog, max_help_position=30, width=width if os.environ.get("COLUMNS") else min(WIDTH, width))

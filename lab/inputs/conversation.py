"""The conversation that SCENARIO names: found, compiled before anything starts, and written for master and workers.

What its file says about settings (target, limits, TLS) are defaults: what is given has priority. The plan is a JSON
file below .lab/, whose name comes from its content; HOLDFAST_CONVERSATION is its path.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from lab import folders, settings
from lab.conversation.compile import Compiled, compiled
from lab.errors import UsageError, writing
from lab.inputs import scenario_drill
from lab.progress import say
from lab.settings import CONVERSATION, CONVERSATION_SUFFIXES, Settings
from rawsocket.settings.table import BY_NAME

#: So many plans are kept: a lab that is up reads its own again when a worker is started again.
KEPT = 50


def read(flags: Mapping[str, str | None], verb: str, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of a call, with the plan's path and the defaults of the conversation if SCENARIO names one.

    Raises UsageError, one line, for what is wrong in the file or in the settings.
    """
    environ = os.environ if environ is None else environ
    row = BY_NAME["SCENARIO"]
    scenario = settings.given(row, flags, environ) or row.default or ""
    found = named(scenario)
    implied = found.settings if found else scenario_drill.implied(scenario)
    chosen = settings.read(flags, environ, verb=verb, implied=implied)
    if found and verb in ("check", "load", "ci", "up"):
        _note_unused_tls(found, chosen)
    path = str(write(found)) if found else ""
    return Settings({**chosen.values, CONVERSATION: path}, chosen.given)


def _note_unused_tls(found: Compiled, chosen: Settings) -> None:
    """Say so if the file has `tls` and the connections are plain: nobody should take them for encrypted ones."""
    plan, target = found.plan, chosen["TARGET"]
    starts = any(step.kind == "start-tls" for step in (*plan.connect, *plan.steps))
    if target.startswith("tcp://") and not starts and any(name.startswith("TLS_") for name in found.settings):
        address = target.removeprefix("tcp://")
        say(f"{plan.file}: `tls` is not used, since the target is {target}; for TLS write tls://{address}")


def named(scenario: str) -> Compiled | None:
    """Return the compiled conversation that a value of SCENARIO names, None if it is a Python scenario or unknown.

    Raises UsageError if there is a scenario of the same name in Python, and for what is wrong in the file.
    """
    path = file(scenario)
    if path is None:
        return None
    name = path.stem if scenario.endswith(CONVERSATION_SUFFIXES) else scenario
    return compiled(path, folders.shown(path.absolute()), name)


def file(scenario: str) -> Path | None:
    """Return the file of a conversation, None if SCENARIO names none; what the user has comes before what is built in.

    Raises UsageError if it names two things of one folder.
    """
    if scenario.endswith(CONVERSATION_SUFFIXES):
        return _given_path(scenario)
    if scenario not in settings.conversations():
        return None
    for of_yaml, of_python in zip(folders.both("conversations"), folders.both("locustfiles"), strict=True):
        paths = (of_yaml / f"{scenario}{suffix}" for suffix in CONVERSATION_SUFFIXES)
        path, in_python = next(filter(Path.is_file, paths), None), (of_python / f"{scenario}.py").is_file()
        if path and in_python:
            raise UsageError(
                f"SCENARIO={scenario} is {folders.shown(path)} and locustfiles/{scenario}.py; expected one of that "
                f"name; rename one, or name the file: SCENARIO={folders.shown(path)}"
            )
        if path or in_python:
            return path
    return None


def _given_path(scenario: str) -> Path:
    """Return the file that a path means: from the current folder, or from the user's."""
    path = Path(scenario).expanduser()
    return next((each for each in (path, folders.work() / path) if each.is_file()), path)


def write(found: Compiled) -> Path:
    """Write the plan below .lab/, and return its path. Raises LabError if that fails.

    The folder is the user's alone, since the data may have passwords. The file can be read by all: it is mounted into
    containers that run as another user.
    """
    text = found.plan.to_json()
    folder = folders.work() / ".lab/conversations"
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            part = path.with_suffix(f".{os.getpid()}")
            part.write_text(text)
            part.chmod(0o644)
            part.replace(path)
        path.touch()
        for old in sorted(folder.glob("*.json"), key=lambda each: each.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)
    return path.absolute()

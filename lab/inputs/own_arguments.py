"""The verbs that take something else than the settings: a row each. What a verb needs is imported when it runs.

`add_flags(verb, parser)` declares its arguments, `run(verb, arguments)` does what it says and returns the exit code.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from lab import settings
from lab.inputs import usage


@dataclass(frozen=True)
class OwnArguments:
    """One verb. `about`: its arguments, in the line of the usage."""

    about: str
    add_flags: Callable[[str, ArgumentParser], None]
    run: Callable[[str, Mapping[str, Any]], int]


def _report_flags(verb: str, parser: ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="the folder of a run, such as runs/latest")


def _report(verb: str, arguments: Mapping[str, Any]) -> int:
    return int(import_module("lab.reports.comparison").run(arguments["folders"]))


def _new_flags(verb: str, parser: ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="the folder, made if it is not there")


def _new(verb: str, arguments: Mapping[str, Any]) -> int:
    return int(import_module("lab.project.new").run(arguments["folder"], usage.version().split()[-1]))


def _eject_flags(verb: str, parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a conversation, as in SCENARIO, or the path of its file")
    parser.add_argument("file", metavar="FILE", nargs="?", default="", help="default: locustfiles/NAME.py")


def _eject(verb: str, arguments: Mapping[str, Any]) -> int:
    return int(import_module("lab.eject.command").run(arguments["name"], arguments["file"]))


def _recording_flags(verb: str, parser: ArgumentParser) -> None:
    import_module("lab.recording.command").add_flags(verb, parser)


def _recording(verb: str, arguments: Mapping[str, Any]) -> int:
    return int(import_module("lab.recording.command").run(verb, arguments))


def _drill_flags(verb: str, parser: ArgumentParser) -> None:
    import_module("lab.drills.command").add_flags(parser)


def _drill(verb: str, arguments: Mapping[str, Any]) -> int:
    return int(import_module("lab.drills.command").run(arguments))


def _benchmark_flags(verb: str, parser: ArgumentParser) -> None:
    settings.add_flags(parser, import_module("bench.settings").TABLES[verb])


def _benchmark(verb: str, arguments: Mapping[str, Any]) -> int:
    return int(import_module(BENCHMARKS[verb]).run(arguments))


BENCHMARKS = {"bench-load": "bench.load.command", "bench-server": "bench.server.command"}
SETTINGS = "[--SETTING VALUE ...]"
CHECK = f"SCENARIO {SETTINGS}"
TABLE = {
    "report": OwnArguments("FOLDER ...", _report_flags, _report),
    "record": OwnArguments("NAME --target tcp://HOST:PORT [...]", _recording_flags, _recording),
    "import": OwnArguments("CAPTURE ... NAME [...]", _recording_flags, _recording),
    "drill": OwnArguments(f"NAME|list|all {SETTINGS}", _drill_flags, _drill),
    "new": OwnArguments("DIR", _new_flags, _new),
    "eject": OwnArguments("NAME [FILE]", _eject_flags, _eject),
    "bench-load": OwnArguments(SETTINGS, _benchmark_flags, _benchmark),
    "bench-server": OwnArguments(SETTINGS, _benchmark_flags, _benchmark),
}


def about(verb: str) -> str:
    """Return the arguments of a verb, in the line of its usage."""
    if verb in TABLE:
        return TABLE[verb].about
    return CHECK if verb == "check" else SETTINGS

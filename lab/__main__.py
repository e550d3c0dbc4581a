"""`python -m lab VERB`: the command behind every make target. The only place that ends the process."""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType, ModuleType
from typing import NoReturn

from lab import capacity, engine, runs, settings
from lab.console import Console
from lab.docker_lab import DockerLab
from lab.errors import (
    EXIT_INTERRUPTED,
    EXIT_LAB_FAILED,
    EXIT_OK,
    EXIT_USAGE,
    Interrupted,
    LabError,
    UsageError,
)
from lab.native_lab import NativeLab
from lab.progress import result, say
from lab.settings import Settings

Lab = DockerLab | NativeLab

VERBS = {
    "setup": "prepare the images (done by `up` and the runs as well)",
    "up": "start the lab and say where its page is",
    "down": "end the lab that `up` started",
    "load": "run a load without the page, in a lab of its own",
    "ci": "the CI run: a load whose verdict is the exit code",
    "status": "say what runs",
    "logs": "print the logs of the lab that `up` started",
    "clean": "remove all containers, networks, volumes and images of the lab",
    "bench-load": "measure the load generator against its peers, as local processes",
    "bench-server": "measure the select server against its peers, as local processes",
}
# A benchmark has settings of its own. It is imported only when it runs.
BENCHMARKS = {"bench-load": "bench.load.command", "bench-server": "bench.server.command"}


def main(argv: list[str] | None = None) -> int:
    """Run one verb and give its exit code: 0 pass, 1 lab failed, 2 usage, 3 missed, 4 unknown, 130 interrupted."""
    found, unknown = _parser(sys.argv[1:] if argv is None else argv).parse_known_args(argv)
    arguments = vars(found)
    verb, parser = arguments.pop("verb"), arguments.pop("parser")
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        if verb in BENCHMARKS:
            return int(_benchmark(verb).run(arguments))
        return _do(verb, settings.read(arguments, verb=verb))
    except LabError as error:
        if error.evidence:
            say(error.evidence)
        say(f"lab {verb}: {error}")
        return error.exit_code
    except engine.FAILURES as error:
        say(f"lab {verb}: the Docker engine failed: {error}")
        return EXIT_LAB_FAILED
    except Interrupted:
        say(f"lab {verb}: interrupted; all of the run's own is removed")
        return EXIT_INTERRUPTED


def _interrupt(number: int, frame: FrameType | None) -> None:
    # One is enough: the clean-up that follows must not be cut short by an impatient second one.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted


class _Parser(argparse.ArgumentParser):
    """Tells a mistake in one line: the usage of 25 flags would hide it."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m lab", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, text in VERBS.items():
        flags = verbs.add_parser(verb, help=text, description=text, allow_abbrev=False)
        flags.set_defaults(parser=flags)
        if verb not in BENCHMARKS:
            settings.add_flags(flags, settings.SETTINGS)
        elif verb in argv:
            settings.add_flags(flags, importlib.import_module("bench.settings").TABLES[verb])
    return parser


def _benchmark(verb: str) -> ModuleType:
    """Import the command of a benchmark."""
    return importlib.import_module(BENCHMARKS[verb])


def _do(verb: str, chosen: Settings) -> int:
    lab = _lab(verb, chosen)
    if verb in ("load", "ci"):
        return _run(verb, lab, chosen)
    if verb == "up":
        _announce_target(lab, chosen)
        result(f"The lab is up ({lab.name}): {lab.up()}")
        _introduce_server(chosen)
    elif verb == "down":
        result("The lab is down." if lab.down() else "No lab was up.")
    elif verb == "setup":
        lab.setup()
    elif verb == "clean":
        for line in [*NativeLab(chosen).clean(), *(lab.clean() if lab.name == "docker" else [])]:
            result(f"removed {line}")
    else:
        _tell(verb, lab)
    return EXIT_OK


def _lab(verb: str, chosen: Settings) -> Lab:
    native = NativeLab(chosen)
    if verb in ("down", "logs", "status") and native.running():
        return native
    kind = engine.choose(chosen, run=verb in ("up", "load", "ci"))
    return DockerLab(chosen) if kind == "docker" else native


def _tell(verb: str, lab: Lab) -> None:
    if verb == "status":
        for line in lab.status() or ["Nothing runs."]:
            result(line)
        return
    logs = lab.logs()
    for name, text in logs:
        for line in text.splitlines():
            result(f"{name} | {line}")
    if not logs:
        say(f"No lab is up. {_where_logs_are()}")


def _where_logs_are() -> str:
    latest = settings.ROOT / "runs/latest/logs"
    return "The logs of the last run are in runs/latest/logs/." if latest.is_dir() else "No run has left logs."


def _announce_target(lab: Lab, chosen: Settings) -> None:
    if chosen["TARGET"]:
        say(f"Target: {chosen['TARGET']} (the lab's own server is not started)")
        lab.check()


def _introduce_server(chosen: Settings) -> None:
    if not chosen["TARGET"]:
        port = chosen["SERVER_PORT"]
        say(f"Its server is at 127.0.0.1:{port}; try: nc 127.0.0.1 {port}, and type a line")


def _run(verb: str, lab: Lab, chosen: Settings) -> int:
    _announce_target(lab, chosen)
    if lab.running():
        say("A lab is up (`make up`): it is left alone; this run has a server and workers of its own.")
    if above := capacity.warning(chosen):
        say(above)
    run = runs.name(verb)
    folder = runs.create(run)
    project = f"holdfast-{verb}-{run.split('-')[0].lower()}-{os.getpid()}"
    console = Console()
    try:
        code = lab.run(project, console.relay, folder)
        if code == EXIT_USAGE and (reason := console.last()):
            raise UsageError(reason)
    except UsageError:
        runs.withdraw(folder)  # it has not begun
        raise
    finally:
        console.flush()
        if folder.exists():
            runs.finish(folder, lab.name, verb)
            say(f"Artefacts: {folder.relative_to(settings.ROOT)}/ (also runs/latest)")
    return code


if __name__ == "__main__":
    sys.exit(main())

"""`python -m lab VERB`, which is `holdfast VERB` where it is installed: the command behind every make target.

The only place that ends the process.
"""

import argparse
import errno
import importlib
import os
import signal
import sys
from collections.abc import Collection, Sequence
from types import FrameType
from typing import NoReturn

from lab import folders, settings
from lab.engines.docker.client import FAILURES
from lab.errors import EXIT_INTERRUPTED, EXIT_LAB_FAILED, EXIT_USAGE, Interrupted, LabError, UsageError, one_line
from lab.inputs import conversation, env_file, make_variables, own_arguments, scenario_settings, usage
from lab.inputs.own_arguments import BENCHMARKS
from lab.progress import say
from lab.run import check
from lab.verbs import VERBS, do
from rawsocket.settings.row import Setting
from rawsocket.settings.suggestion import suggestion

RUNS = ("load", "ci", "drill")
# Errors of a disk that is full or may not be written to.
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)


def main(argv: list[str] | None = None) -> int:
    """Run one verb and give its exit code: 0 pass, 1 lab failed, 2 usage, 3 missed, 4 unknown, 130 interrupted."""
    argv, variables = make_variables.split(sys.argv[1:] if argv is None else argv)
    os.environ.update(variables)
    argv = list(check.words(argv))
    name = folders.prefix()
    try:
        if not BENCHMARKS.keys() & set(argv[:1]):
            # Before the flags: a SCENARIO in it has settings of its own.
            _read_env_file(settings.NAMES, settings.SECRET)
        of_scenario = scenario_settings.flags(argv)
        _read_env_file([row.variable for row in of_scenario], {row.variable for row in of_scenario if row.secret})
        found, unknown = _parser(argv, of_scenario).parse_known_args(argv)
        known = _known(found.verb, of_scenario)
        make_variables.check(settings.from_environment("HOLDFAST_MAKE"), known)
        make_variables.check(" ".join(f"{variable}=" for variable in variables), known)
    except UsageError as error:
        say(f"{name}: {error}")
        return EXIT_USAGE
    arguments = vars(found)
    verb, parser = arguments.pop("verb"), arguments.pop("parser")
    if unknown:
        hint = suggestion(_as_flag(unknown[0]), parser._option_string_actions)
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        if verb in own_arguments.TABLE:
            return own_arguments.TABLE[verb].run(verb, arguments)
        if verb not in scenario_settings.VERBS:
            return do(verb, settings.read(arguments, verb=verb))
        return do(verb, scenario_settings.added(conversation.read(arguments, verb), arguments))
    except LabError as error:
        if error.evidence:
            say(error.evidence)
        say(f"{name} {verb}: {error}" if error.prefixed else str(error))
        return error.exit_code
    except FAILURES as error:
        say(f"{name} {verb}: the Docker engine failed: {error}")
        return EXIT_LAB_FAILED
    except OSError as error:
        if error.errno not in DISK:
            raise
        say(f"{name} {verb}: could not write {error.filename or 'a file'}: {error.strerror}")
        return EXIT_LAB_FAILED
    except Interrupted:
        started = verb in ("up", *RUNS)
        say(f"{name} {verb}: interrupted{'; everything that it started is removed' if started else ''}")
        return EXIT_INTERRUPTED


def _known(verb: str, of_scenario: Sequence[Setting]) -> set[str]:
    """Return the names of all variables that a verb reads."""
    if verb in BENCHMARKS:
        return {row.variable for row in importlib.import_module("bench.settings").TABLES[verb]}
    return {*settings.NAMES, *(row.variable for row in of_scenario)}


def _as_flag(word: str) -> str:
    """Return the flag that a word stands for: users=5 is --users."""
    return word if word.startswith("-") else f"--{word.partition('=')[0].lower().replace('_', '-')}"


def _read_env_file(names: Collection[str], secret: Collection[str] = ()) -> None:
    """Add those settings of `.env` to the environment, for this process and those that it starts."""
    found = env_file.read(folders.work() / ".env", names, os.environ)
    if found:
        shown = (f"{name}={'(secret)' if name in secret else value}" for name, value in found.items())
        say(f"From .env: {' '.join(shown)}")
    os.environ.update(found)


def _interrupt(number: int, frame: FrameType | None) -> None:
    # Further signals are ignored: a second Ctrl-C must not cut the clean-up short.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted


class _Parser(argparse.ArgumentParser):
    """Reports an error in one line: the usage of 25 flags would hide it."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {one_line(message)} (see {self.prog} --help)\n")


class _Overview(_Parser):
    """The parser of the whole command."""

    def format_help(self) -> str:
        return usage.overview(_offered())


def _parser(argv: Sequence[str], of_scenario: Sequence[Setting] = ()) -> argparse.ArgumentParser:
    program = folders.program()
    parser = _Overview(prog=program)
    parser.add_argument("--version", action=usage.Version, nargs=0, default=argparse.SUPPRESS)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    for verb, text in _offered().items():
        flags = verbs.add_parser(
            verb,
            help=text,
            description=text,
            epilog=usage.differing(verb),
            usage=f"{program} {verb} {own_arguments.about(verb)}",
            allow_abbrev=False,
            formatter_class=usage.Formatter,
        )
        flags.set_defaults(parser=flags)
        if verb not in own_arguments.TABLE:
            usage.add_flags(flags, of_scenario)
        elif verb in argv:
            own_arguments.TABLE[verb].add_flags(verb, flags)
    return parser


def _offered() -> dict[str, str]:
    """Return the verbs and their meaning, without the benchmarks where they are not installed."""
    return {verb: text for verb, text in VERBS.items() if verb not in BENCHMARKS or (folders.ASSETS / "bench").is_dir()}


if __name__ == "__main__":
    sys.exit(main())

"""Every setting of the server, in one table: flag, variable, type, default, help, and why that default.

Strategy: a value comes from its flag, else from its `SERVER_*` variable, else from the table. All three go through the
same parser, so that a bad value is told in the same words wherever it was written. Rules:

- An empty variable counts as unset: compose passes `${VAR:-}` for what nobody set.
- A setting that can't be used raises `UsageError`, one line: what is wrong, what was expected, what to do.
- What depends on the machine (does the cap fit, is the port free) is not known here; see `limits` and `listener`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from server.models import MODELS

FRAMINGS = ("line", "chunk")
APPS = ("hello", "echo", "work")
AT_CAP = ("refuse", "wait")
LOG_LEVELS = ("debug", "info", "warning", "error")

LARGEST_COUNT = 2**31 - 1
MOST_PROCESSES = 1000

#: Of seconds, and of milliseconds. A wait is for no more than 24 days: poll(2) takes milliseconds as an int.
LARGEST_AMOUNT = 1_000_000


class UsageError(Exception):
    """A setting that can't be used. Its text is one line for the person who set it; the process ends with 2."""


@dataclass(frozen=True)
class Settings:
    """The settings of one server, parsed. Times are seconds unless the name says otherwise; None: the model's own,
    or as many as needed.
    """

    host: str
    port: int
    admin_host: str
    admin_port: int
    model: str
    processes: int | None
    framing: str
    app: str
    work_ms: float
    block_ms: float
    log_sync: bool | None
    max_connections: int | None
    at_cap: str
    max_message: int
    idle_timeout: float
    message_timeout: float
    drain_timeout: float
    backlog: int | None
    log_level: str


@dataclass(frozen=True)
class Kind:
    """What a value can be: `parse` raises ValueError with what was expected, `shown` is what the help says."""

    parse: Callable[[str], object]
    shown: str


@dataclass(frozen=True)
class Setting:
    """One row of the table. `default` is written as a user would write it; None: decided by the model."""

    name: str
    kind: Kind
    default: str | None
    help: str
    why: str
    shown: str = ""

    @property
    def flag(self) -> str:
        """The flag on the command line, such as `--max-connections`."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable, such as `SERVER_MAX_CONNECTIONS`."""
        return "SERVER_" + self.name.upper()

    @property
    def shown_default(self) -> str:
        """The default in words, for the help and the README."""
        return self.shown or self.default or ""


def _one_of(*choices: str) -> Kind:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return text

    return Kind(parse, "|".join(choices))


def _whole(low: int, high: int = LARGEST_COUNT) -> Callable[[str], int]:
    expected = f"expected a whole number from {low} to {high}"

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError(expected) from None
        if not low <= value <= high:
            raise ValueError(expected)
        return value

    return parse


def _count(low: int, high: int = LARGEST_COUNT) -> Kind:
    return Kind(_whole(low, high), "NUMBER")


def _amount(unit: str) -> Kind:
    expected = f"expected a number of {unit} from 0 to {LARGEST_AMOUNT}"

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError(expected) from None
        if not 0 <= value <= LARGEST_AMOUNT:  # nan is neither
            raise ValueError(expected)
        return value

    return Kind(parse, unit.upper())


def _yes_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("expected yes or no")
    return text == "yes"


def _processes(text: str) -> int | None:
    if text == "auto":
        return None
    try:
        return _whole(1, MOST_PROCESSES)(text)
    except ValueError as problem:
        raise ValueError(f"{problem}, or auto") from None


def _host(text: str) -> str:
    bare = text.strip().removeprefix("[").removesuffix("]")
    if not bare:
        raise ValueError("expected a host name or an address, such as 127.0.0.1 or ::1")
    return bare


TABLE: tuple[Setting, ...] = (
    Setting("host", Kind(_host, "ADDRESS"), "127.0.0.1", "address to serve on",
            "nothing is public unless someone says so"),
    Setting("port", _count(0, 65535), "8686", "port to serve on; 0: any free one", "the tutorial's port"),
    Setting("admin_host", Kind(_host, "ADDRESS"), "127.0.0.1", "address of /healthz and /metrics", "as for --host"),
    Setting("admin_port", _count(0, 65535), "8687", "port of /healthz and /metrics; 0: any free one", "next to --port"),
    Setting("model", _one_of(*MODELS), "select", "concurrency model", "select is what the lab is about"),
    Setting("processes", Kind(_processes, "NUMBER|auto"), "1",
            "processes that share the connections; auto: as many as they need",
            "one is what select is about; more is how it gets past its wall"),
    Setting("framing", _one_of(*FRAMINGS), "line", "line: up to a newline; chunk: what one recv brings",
            "TCP keeps no message boundaries, a newline does"),
    Setting("app", _one_of(*APPS), "hello", "hello: greet; echo: send back; work: burn CPU, then send back",
            "the tutorial's answer"),
    Setting("work_ms", _amount("milliseconds"), "10", "CPU time that the work app burns for each message",
            "enough to be felt, not enough to hang"),
    Setting("block_ms", _amount("milliseconds"), "0", "a call that blocks so long before each reply",
            "it spoils a loop for everyone; a thread or a process of one's own is not a loop"),
    Setting("log_sync", Kind(_yes_no, "yes|no"), None,
            "yes: write a line for each message and wait until it is written",
            "the tutorial prints; who prints in a loop waits for whoever reads the log", shown="no; tutorial: yes"),
    Setting("max_connections", _count(1), None, "connections held at once",
            "select watches no descriptor from 1,024 on, and 24 are needed for the rest",
            shown="as descriptors allow; select: 1000; threaded: 4000; prefork: 8; sync: 1"),
    Setting("at_cap", _one_of(*AT_CAP), "refuse", "refuse newcomers with a line, or let them wait in the backlog",
            "a refused client knows, a waiting one guesses"),
    Setting("max_message", _count(1), "65536", "longest message in bytes, without its newline",
            "one connection must not be able to fill the memory"),
    Setting("idle_timeout", _amount("seconds"), "0", "close a connection that was silent so long; 0: never",
            "holding silent connections is the purpose"),
    Setting("message_timeout", _amount("seconds"), "30", "time for a whole message from its first byte; 0: no limit",
            "an idle time alone never ends a byte-a-second sender"),
    Setting("drain_timeout", _amount("seconds"), "5", "time that SIGTERM leaves for unsent replies",
            "half of the 10 s after which Docker kills"),
    Setting("backlog", _count(1), None, "connections the kernel queues before they are accepted",
            "1,000 may arrive while one turn of the loop runs", shown="1024; sync, tutorial: 10"),
    Setting("log_level", _one_of(*LOG_LEVELS), "info", "debug adds the tutorial's line for each connection and message",
            "a line for each message costs as much as the message"),
)  # fmt: skip


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see python -m server --help)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m server", description="Hold many TCP connections.", allow_abbrev=False)
    for row in TABLE:
        text = f"{row.help}. Default {row.shown_default}: {row.why}. Variable {row.variable}."
        parser.add_argument(row.flag, dest=row.name, metavar=row.kind.shown, help=text.replace("%", "%%"))
    return parser


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Return the settings that `argv` and `environ` ask for; raise `UsageError` for one that can't be used."""
    given = vars(_parser().parse_args(argv))
    values: dict[str, Any] = {row.name: _value(row, given[row.name], environ.get(row.variable, "")) for row in TABLE}
    return Settings(**values)


def _value(row: Setting, flag_text: str | None, variable_text: str) -> object:
    if flag_text is not None:
        return _parsed(row, flag_text, f"{row.flag} {flag_text}")
    if variable_text:
        return _parsed(row, variable_text, f"{row.variable}={variable_text}")
    return None if row.default is None else row.kind.parse(row.default)


def _parsed(row: Setting, text: str, written: str) -> object:
    try:
        return row.kind.parse(text)
    except ValueError as problem:
        raise UsageError(f"{written!r}: {problem} (see python -m server --help)") from None

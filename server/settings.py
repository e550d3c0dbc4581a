"""Every setting of the server, in one table: flag, variable, type, default, help, and the reason for that default.

Strategy: a value comes from its flag, else from its `SERVER_*` variable, else from the table. All three go through the
same parser, so a bad value gets the same message wherever it was written. Rules:

- An empty variable counts as unset: compose passes `${VAR:-}` for variables that nobody set.
- A setting that can't be used raises `UsageError`, one line: what is wrong, what was expected, what to do.
- What depends on the machine (does the cap fit, is the port free) is checked elsewhere: `system/limits.py`,
  `system/listener.py`.
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

MAX_COUNT = 2**31 - 1
MAX_PROCESSES = 1000

#: Of seconds, and of milliseconds. A wait takes 24 days at most: poll(2) takes milliseconds as an int.
MAX_AMOUNT = 1_000_000


class UsageError(Exception):
    """A setting that can't be used. Its text is one line for the person who set it; the process exits with 2."""


@dataclass(frozen=True)
class Settings:
    """The settings of one server, parsed. Times are seconds unless the name says otherwise; None: the model's default,
    or as many processes as needed.
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
    tls_cert: str | None
    tls_key: str | None
    log_level: str


@dataclass(frozen=True)
class Kind:
    """What a value can be: `parse` raises ValueError with what was expected, `metavar` is what the help shows."""

    parse: Callable[[str], object]
    metavar: str


@dataclass(frozen=True)
class Setting:
    """One row of the table. `default` is written as a user would write it; None: the model decides."""

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
        """The default as text, for the help and docs/settings.md."""
        return self.shown or self.default or ""


def _one_of(*choices: str) -> Kind:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return text

    return Kind(parse, "|".join(choices))


def _whole(low: int, high: int = MAX_COUNT) -> Callable[[str], int]:
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


def _count(low: int, high: int = MAX_COUNT) -> Kind:
    return Kind(_whole(low, high), "NUMBER")


def _amount(unit: str) -> Kind:
    expected = f"expected a number of {unit} from 0 to {MAX_AMOUNT}"

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError(expected) from None
        if not 0 <= value <= MAX_AMOUNT:  # This excludes nan as well.
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
        return _whole(1, MAX_PROCESSES)(text)
    except ValueError as error:
        raise ValueError(f"{error}, or auto") from None


def _host(text: str) -> str:
    bare = text.strip().removeprefix("[").removesuffix("]")
    if not bare:
        raise ValueError("expected a host name or an address, such as 127.0.0.1 or ::1")
    return bare


TABLE: tuple[Setting, ...] = (
    Setting("host", Kind(_host, "ADDRESS"), "127.0.0.1", "address to serve on",
            "nothing is public by default"),
    Setting("port", _count(0, 65535), "8686", "port to serve on; 0: any free port", "the tutorial's port"),
    Setting("admin_host", Kind(_host, "ADDRESS"), "127.0.0.1", "address of /healthz and /metrics", "as for --host"),
    Setting("admin_port", _count(0, 65535), "8687", "port of /healthz and /metrics; 0: any free port",
            "next to --port"),
    Setting("model", _one_of(*MODELS), "select", "concurrency model", "select is what the lab is about"),
    Setting("processes", Kind(_processes, "NUMBER|auto"), "1",
            "processes that share the connections; auto: as many as they need",
            "one process is the lesson of select; more get past its limit of 1,024 descriptors"),
    Setting("framing", _one_of(*FRAMINGS), "line",
            "line: a message ends with a newline; chunk: a message is what one recv brings",
            "TCP keeps no message boundaries, newlines do"),
    Setting("app", _one_of(*APPS), "hello", "hello: greet; echo: send back; work: burn CPU, then send back",
            "the tutorial's answer"),
    Setting("work_ms", _amount("milliseconds"), "10", "CPU time that the work app burns for each message",
            "enough to notice, too short to look like a hang"),
    Setting("block_ms", _amount("milliseconds"), "0", "duration of a blocking call before each reply",
            "in a loop it delays every connection; with a thread or process each, only its own"),
    Setting("log_sync", Kind(_yes_no, "yes|no"), None,
            "yes: write a log line for each message and wait until it is written",
            "the tutorial prints; a loop that prints waits for the reader of its log", shown="no; tutorial: yes"),
    Setting("max_connections", _count(1), None, "connections held at once",
            "select watches only descriptors below 1,024, and the server needs 24 of them itself",
            shown="as descriptors allow; select: 1000; threaded: 4000; prefork: 8; sync: 1"),
    Setting("at_cap", _one_of(*AT_CAP), "refuse",
            "refuse: new connections get an error line; wait: they wait in the backlog",
            "a refused client knows why, a waiting one does not"),
    Setting("max_message", _count(1), "65536", "longest message in bytes, without its newline",
            "one connection must not be able to fill the memory"),
    Setting("idle_timeout", _amount("seconds"), "0", "close a connection that was silent for so long; 0: never",
            "holding silent connections is the purpose"),
    Setting("message_timeout", _amount("seconds"), "30", "time for a whole message from its first byte; 0: no limit",
            "an idle timeout never ends a client that sends one byte a second"),
    Setting("drain_timeout", _amount("seconds"), "5", "time for sending pending replies after SIGTERM",
            "half of the 10 s after which Docker kills"),
    Setting("backlog", _count(1), None, "connections that the kernel queues until they are accepted",
            "1,000 may arrive while one turn of the loop runs", shown="1024; sync, tutorial: 10"),
    Setting("tls_cert", Kind(str, "FILE"), None, "certificate in PEM format, with its chain: connections are encrypted",
            "plain TCP is the lesson; select, poll and epoll speak TLS as well", shown="unset"),
    Setting("tls_key", Kind(str, "FILE"), None, "key of --tls-cert in PEM format, without a password",
            "a certificate needs its key", shown="unset"),
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
        parser.add_argument(row.flag, dest=row.name, metavar=row.kind.metavar, help=text.replace("%", "%%"))
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
    except ValueError as error:
        raise UsageError(f"{written!r}: {error} (see python -m server --help)") from None

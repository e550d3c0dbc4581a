"""The lab's settings: one table, one name each, everywhere.

`make load USERS=5`, `USERS=5 make load`, `python -m lab load --users 5` and `${USERS}` in compose.yaml all
mean the row `USERS` below. A flag beats the environment; an empty value counts as unset. The server's other
settings (SERVER_IDLE_TIMEOUT and its like) pass through compose.yaml under their own names.
"""

import argparse
import ast
import ipaddress
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import UsageError

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = re.compile(r"^(localhost|127(\.\d+){3}|::1|0\.0\.0\.0|::)$")
_DAY = 86_400.0
_TIME = re.compile(r"^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$")
_SIZE = re.compile(r"^\d+(?:\.\d+)?[kmgt]?b?$", re.I)
# The steady window begins so long after the ramp is complete; rawsocket/master/controller.py has the reason.
_SETTLE_S = 2.0
_TARGET = re.compile(r"^tcp://(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:/\[\]]+)):(?P<port>\d{1,5})$")


def seconds(text: str) -> float:
    """Turn `90`, `90s`, `2m` or `1h30m` into seconds."""
    match = _TIME.match(text.strip())
    if not match or not any(match.groups()):
        raise ValueError("a time like 60s, 2m or 1h30m")
    hours, minutes, secs = (int(part or 0) for part in match.groups())
    if not (total := hours * 3600 + minutes * 60 + secs):
        raise ValueError("a time above zero, like 60s")
    return float(total)


def target_host(text: str) -> str:
    """Give the host part of `tcp://host:port` or `tcp://[v6]:port`."""
    match = _TARGET.match(text)
    if not match or not 0 < int(match["port"]) < 65536:
        raise ValueError("tcp://host:port with a port from 1 to 65535, or tcp://[address]:port for IPv6")
    return match["v6"] or match["host"]


def _whole(low: int, high: float = math.inf) -> Callable[[str], object]:
    def check(text: str) -> int:
        value = int(text) if re.fullmatch(r"-?\d+", text) else None
        if value is None or not low <= value <= high:
            upper = "" if high == math.inf else f" and at most {high:.0f}"
            raise ValueError(f"a whole number of at least {low}{upper}")
        return value

    return check


def _number(low: float, high: float = math.inf, exclusive: bool = False) -> Callable[[str], object]:
    def check(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or not low <= value <= high or (exclusive and value == low):
            upper = "" if high == math.inf else f" and at most {high:g}"
            raise ValueError(f"a number {'above' if exclusive else 'of at least'} {low:g}{upper}")
        return value

    return check


def _processes(text: str) -> object:
    try:
        return text if text == "auto" else _whole(1, 1000)(text)
    except ValueError as error:
        raise ValueError(f"auto, or {error}") from None


def _memory(text: str) -> object:
    if not _SIZE.match(text):
        raise ValueError("a size like 512m or 1g; 0: no limit")
    return text


def _addresses(text: str) -> object:
    try:
        return [ipaddress.ip_address(part.strip()) for part in text.split(",")]
    except ValueError:
        raise ValueError("IP addresses with commas between them") from None


def scenarios() -> list[str]:
    """Name the scenarios: every file of locustfiles/ whose name has no leading underscore."""
    return sorted(p.stem for p in (ROOT / "locustfiles").glob("*.py") if not p.stem.startswith("_"))


def models() -> list[str]:
    """Name the server's models, read from its own table: the host side imports nothing of the server."""
    for node in ast.parse((ROOT / "server/models/__init__.py").read_text()).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "MODELS" and node.value:
            return list(ast.literal_eval(node.value))
    raise LookupError("server/models/__init__.py has no MODELS")


@dataclass(frozen=True)
class Setting:
    """One variable: its name, default ("" is unset), check (a ValueError says what was expected) and help.

    `choices` gives the values that there are, where those can be told one by one.
    """

    name: str
    default: str
    check: Callable[[str], object]
    help: str
    choices: Callable[[], Sequence[str]] = tuple

    @property
    def flag(self) -> str:
        """The same name as a flag: PAGE_PORT is --page-port."""
        return "--" + self.name.lower().replace("_", "-")

    @property
    def meaning(self) -> str:
        """Give the help, and the values that can be chosen where it does not name them all."""
        choices = self.choices()
        named = set(re.findall(r"[\w-]+", self.help)).issuperset(choices)
        return self.help if named else f"{self.help} ({', '.join(choices)})"

    def given(self, flags: Mapping[str, str | None], environ: Mapping[str, str]) -> str:
        """Give the text that the caller has set it to, "" for unset: a flag beats the environment."""
        return flags.get(self.name) or environ.get(self.name, "").strip()

    def value(self, text: str) -> object:
        """Give what the check makes of the text, None for unset; UsageError, one line, where it does not fit."""
        try:
            return self.check(text) if text else None
        except ValueError as error:
            raise UsageError(
                f"{self.name}={text!r} is not valid: expected {error}. Set {self.name} or {self.flag}."
            ) from None


def _one_of(name: str, default: str, choices: Callable[[], Sequence[str]], help: str) -> Setting:
    def check(text: str) -> str:
        if text not in choices():
            raise ValueError(f"one of {', '.join(choices())}")
        return text

    return Setting(name, default, check, help, choices)


SETTINGS = (
    Setting("USERS", "800", _whole(1), "users of a run; one user holds one connection"),
    Setting("RATE", "200", _number(0, exclusive=True), "users begun a second"),
    Setting("TIME", "60s", seconds, "length of a run, its ramp included (60s, 2m, 1h30m)"),
    Setting("WORKERS", "2", _whole(0, 1000), "worker containers (or processes)"),
    # By way of a lambda: what is there is looked up when it is asked for.
    _one_of("SCENARIO", "hold", lambda: scenarios(), "what the users do: a file of locustfiles/, without .py"),
    Setting("EVERY", "10", _number(0, _DAY), "seconds between two messages of a connection; 0: silent"),
    Setting("SIZE", "20", _whole(1, 1 << 24), "bytes of a message's payload"),
    Setting(
        "TIMEOUT",
        "10",
        _number(0, _DAY, exclusive=True),
        "seconds until a connect, a send or a reply counts as failed",
    ),
    _one_of("PACE", "open", lambda: ("open", "closed"), "open: messages due on a fixed grid; closed: after the reply"),
    _one_of("ARRIVALS", "even", lambda: ("even", "poisson"), "how the connects of a second are spread"),
    Setting("SOURCES", "", _addresses, "addresses that a worker connects from, in turn (a,b); unset: as routed"),
    Setting("TARGET", "", target_host, "tcp://host:port to load instead of the lab's own server"),
    _one_of("MODEL", "select", lambda: models(), "the server's concurrency model"),
    _one_of("APP", "echo", lambda: ("hello", "echo", "work"), "what the server answers"),
    _one_of("FRAMING", "line", lambda: ("line", "chunk"), "how messages are told apart, on both sides"),
    Setting("MAX_CONNECTIONS", "", _whole(1), "the server's cap; unset: the model's own default"),
    Setting("PROCESSES", "1", _processes, "processes that serve; auto: as many as MAX_CONNECTIONS needs"),
    Setting("PAGE_PORT", "8089", _whole(1, 65535), "port of the page on 127.0.0.1"),
    Setting("SERVER_PORT", "8686", _whole(1, 65535), "port of the server on 127.0.0.1"),
    _one_of(
        "ENGINE",
        "auto",
        lambda: ("auto", "docker", "native"),
        "docker: containers; native: local processes; auto: containers where an engine answers",
    ),
    Setting("BASE_IMAGE", "", str, "base image; unset: python:3.13-slim, or one built here from Debian's packages"),
    Setting("SERVER_CPUS", "0", _number(0), "CPUs that the server may use; 0: all"),
    Setting("SERVER_MEM", "1g", _memory, "memory that the server may use (512m, 1g); 0: all"),
    Setting("WORKER_CPUS", "0", _number(0), "CPUs that a worker may use; 0: all"),
    Setting("WORKER_MEM", "1g", _memory, "memory that a worker may use (512m, 1g); 0: all"),
    Setting(
        "MIN_HELD",
        "",
        _whole(0),
        "threshold: connections held in every second of the steady window; 0: not judged",
    ),
    Setting("MAX_FAILURES", "0", _whole(-1), "threshold: failures of the whole run; -1: not judged"),
    Setting("MAX_P99_MS", "1000", _number(0), "threshold: p99 of the latency from due in milliseconds; 0: not judged"),
    Setting("MIN_MESSAGES_S", "", _number(0), "threshold: messages answered a second; 0: not judged"),
)
# `ci` is shorter. It leaves MIN_HELD unset, and the master then demands that every user's connection is held
# where the scenario holds one; `load` judges it only where it is given.
VERB_DEFAULTS = {"ci": {"TIME": "30s"}, "load": {"MIN_HELD": "0"}}


class Settings:
    """The checked values of one call, as the text that compose.yaml and the processes read."""

    def __init__(self, values: Mapping[str, str], given: frozenset[str]) -> None:
        self.values = dict(values)
        self.given = given

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    @property
    def workers(self) -> int:
        """Number of workers."""
        return int(self["WORKERS"])

    @property
    def run_seconds(self) -> float:
        """Length of a run in seconds, its ramp included."""
        return seconds(self["TIME"])

    @property
    def ramp_seconds(self) -> float:
        """Length of the ramp in seconds."""
        return int(self["USERS"]) / float(self["RATE"])

    @property
    def parts(self) -> str:
        """What is started, in words."""
        return "master and workers" if self["TARGET"] else "server, master and workers"

    @property
    def loopback_target(self) -> bool:
        """Whether TARGET is on this machine's loopback, which no container can reach."""
        return bool(self["TARGET"]) and bool(LOOPBACK.match(target_host(self["TARGET"])))


def add_flags(parser: argparse.ArgumentParser, table: Iterable[Setting] = SETTINGS) -> None:
    """Give `parser` one flag for each setting of a table; a flag left out is None."""
    for setting in table:
        shown = f" (default {setting.default})" if setting.default else ""
        parser.add_argument(setting.flag, dest=setting.name, metavar="X", help=setting.meaning + shown)


def read(flags: Mapping[str, str | None], environ: Mapping[str, str] | None = None, verb: str = "") -> Settings:
    """Combine flags, environment and defaults.

    Raises UsageError, one line, for the first value that does not fit.
    """
    environ = os.environ if environ is None else environ
    values, given = {}, set()
    for setting in SETTINGS:
        chosen = setting.given(flags, environ)
        if chosen:
            given.add(setting.name)
        default = VERB_DEFAULTS.get(verb, {}).get(setting.name, setting.default)
        values[setting.name] = chosen or default
        setting.value(values[setting.name])
    settings = Settings(values, frozenset(given))
    _check_together(settings)
    if verb in ("load", "ci"):
        _check_window(settings)
    return settings


def _check_together(settings: Settings) -> None:
    if settings["MIN_HELD"] and int(settings["MIN_HELD"]) > int(settings["USERS"]):
        raise UsageError(
            f"MIN_HELD={settings['MIN_HELD']} is above USERS={settings['USERS']}: one user holds one connection, "
            "so it can never be reached. Lower MIN_HELD or raise USERS."
        )


def _check_window(settings: Settings) -> None:
    """Refuse a run that can't have a steady window: the last of its users come too late.

    Locust begins a second's users at its start, or one user at the start of several: so much of the ramp is spared.
    """
    users, rate, time = int(settings["USERS"]), float(settings["RATE"]), settings.run_seconds
    ramp = settings.ramp_seconds
    if time > max(0.0, ramp - max(1.0, 1 / rate)) + _SETTLE_S:
        return
    remedy = f"give TIME above {math.ceil(ramp + _SETTLE_S)}s"
    if time > _SETTLE_S:
        remedy += f", or RATE above {math.ceil(users / (time - _SETTLE_S))}"
    raise UsageError(
        f"USERS={users} at RATE={settings['RATE']}: a ramp of {ramp:.3g} s leaves no steady window in "
        f"TIME={settings['TIME']}: {remedy}"
    )

"""Pure: the settings of a process, read from the environment and checked before Locust is imported.

One `Plan` for master and worker. A value that is out of range, unknown, or can't be reconciled with another
raises `UsageError` with one line: what is wrong, what was expected, what to do. An empty value counts as
unset.
"""

import ipaddress
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rawsocket import target as targets
from rawsocket.settings.options import OPTIONS

DEFAULT_SERVER = "tcp://server:8686"
DEFAULT_ADMIN = "http://server:8687"
PAGE_NAMES = "localhost,127.0.0.1,[::1],master"
_TIME = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")
Value = TypeVar("Value")


class UsageError(ValueError):
    """A setting that can't be used; the message is the one line that the user gets."""


@dataclass(frozen=True)
class Plan:
    """What this process was asked to do. `min_held` None: unset; `time_s` None: no end (the page decides)."""

    scenario: str = ""
    users: int = 1
    rate: float = 1.0
    time_s: float | None = None
    workers: int = 1
    headless: bool = False
    ours: bool = False  # started by `python -m rawsocket`: signals, console and exit code are ours to decide
    linger: bool = True
    target: str = ""
    min_held: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    server_admin: str = ""
    page_host: str = "127.0.0.1"
    page_port: int = 8089
    page_names: tuple[str, ...] = tuple(PAGE_NAMES.split(","))
    master_host: str = "127.0.0.1"
    master_port: int = 5557
    master_bind: str = "127.0.0.1"
    sources: tuple[str, ...] = ()
    runs: str = ""


def without_empty(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the environment without the variables that are set to nothing (compose sets them so)."""
    return {name: value for name, value in environ.items() if value.strip()}


def from_environ(environ: Mapping[str, str], scenarios: Sequence[str]) -> Plan:
    """Read and check all settings; `scenarios` are the names that SCENARIO may have."""
    given = without_empty(environ)
    plan = Plan(
        scenario=_setting(given, "SCENARIO", "hold", lambda text: _one_of(text, scenarios)),
        users=_setting(given, "USERS", "800", lambda text: _whole(text, 1)),
        rate=_setting(given, "RATE", "200", _above_zero),
        time_s=_setting(given, "TIME", "60s", seconds),
        workers=_setting(given, "WORKERS", "2", lambda text: _whole(text, 0)),
        headless=_setting(given, "HEADLESS", "false", _boolean),
        ours=True,
        linger=_setting(given, "HOLDFAST_LINGER", "true", _boolean),
        target=_target(given),
        min_held=_setting(given, "MIN_HELD", None, lambda text: _whole(text, 0)),
        options=_options(given),
        server_admin=admin(environ),
        sources=_setting(given, "SOURCES", "", _sources),
        runs=given.get("HOLDFAST_RUNS", ""),
        **_addresses(given),
    )
    _reconcile(plan)
    return plan


def from_options(options: Any, environ: Mapping[str, str], master: bool) -> Plan:
    """Give the plan of a `locust` that somebody else started, from Locust's own parsed options."""
    workers = int(options.expect_workers) if master and options.headless else 1
    return Plan(
        scenario=str(options.locustfile or ""),
        users=int(options.num_users or 1),
        rate=float(options.spawn_rate or 1),
        time_s=options.run_time,
        workers=workers,
        headless=bool(options.headless),
        target=environ.get("HOLDFAST_TARGET", ""),
        server_admin=environ.get("HOLDFAST_SERVER_ADMIN", ""),
        page_names=page_names(environ),
        runs=environ.get("HOLDFAST_RUNS", ""),
    )


def page_names(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Give the host names under which the page may be asked to change something."""
    names = environ.get("HOLDFAST_PAGE_NAMES", "").strip() or PAGE_NAMES
    return tuple(name.strip().lower() for name in names.split(",") if name.strip())


def admin(environ: Mapping[str, str]) -> str:
    """Give the admin address of the server, "" for none: a TARGET has none unless one is named."""
    default = "" if environ.get("TARGET", "").strip() else DEFAULT_ADMIN
    return environ.get("HOLDFAST_SERVER_ADMIN", default).strip()


def seconds(text: str) -> float:
    """Turn `90`, `90s`, `2m` or `1h30m` into seconds."""
    match = _TIME.fullmatch(text)
    if not text or not match:
        raise ValueError("a time like 60s, 2m or 1h30m")
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    if not (total := hours * 3600 + minutes * 60 + rest):
        raise ValueError("a time above zero, like 60s")
    return float(total)


def _addresses(given: Mapping[str, str]) -> dict[str, Any]:
    def port(name: str, default: str) -> int:
        return int(_setting(given, name, default, lambda text: _whole(text, 0, 65535)))

    return {
        "page_host": given.get("HOLDFAST_PAGE_HOST", "127.0.0.1"),
        "page_port": port("HOLDFAST_PAGE_PORT", "8089"),
        "page_names": page_names(given),
        "master_host": given.get("HOLDFAST_MASTER", "127.0.0.1"),
        "master_port": port("HOLDFAST_MASTER_PORT", "5557"),
        "master_bind": given.get("HOLDFAST_MASTER_BIND", "127.0.0.1"),
    }


def _reconcile(plan: Plan) -> None:
    if plan.min_held is not None and plan.min_held > plan.users:
        raise UsageError(
            f"MIN_HELD={plan.min_held} is above USERS={plan.users}: one user holds one connection; "
            "lower MIN_HELD or raise USERS"
        )


def _setting(given: Mapping[str, str], name: str, default: str | None, read: Callable[[str], Value]) -> Any:
    text = given.get(name, default)
    if text is None:
        return None
    try:
        return read(text.strip())
    except ValueError as error:
        raise UsageError(f"{name}={text} can't be used: expected {error}; set {name} to one, or leave it out") from None


def _target(given: Mapping[str, str]) -> str:
    name = "TARGET" if "TARGET" in given else "HOLDFAST_SERVER"
    text = given.get(name, DEFAULT_SERVER).strip()
    try:
        return str(targets.parse(text).url)
    except ValueError as error:
        raise UsageError(f"{name}={text} can't be used: {error}") from None


def _options(given: Mapping[str, str]) -> dict[str, Any]:
    """Check the lab's flags by their own table; gives those that the environment sets."""
    found = {}
    for option in OPTIONS:
        if option.env not in given:
            continue
        try:
            found[option.name] = option.parse(given[option.env].strip())
        except ValueError as error:
            raise UsageError(str(error)) from None
    return found


def _sources(text: str) -> tuple[str, ...]:
    try:
        return tuple(str(ipaddress.ip_address(part.strip())) for part in text.split(",")) if text else ()
    except ValueError:
        raise ValueError("IP addresses with commas between them") from None


def _one_of(text: str, choices: Sequence[str]) -> str:
    if text not in choices:
        raise ValueError(f"one of {', '.join(choices)}")
    return text


def _whole(text: str, low: int, high: int | None = None) -> int:
    expected = f"a whole number of at least {low}" + (f" and at most {high}" if high is not None else "")
    if not re.fullmatch(r"\d+", text) or int(text) < low or (high is not None and int(text) > high):
        raise ValueError(expected)
    return int(text)


def _above_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise ValueError("a number above zero")
    return value


def _boolean(text: str) -> bool:
    if text.lower() not in (*_TRUE, *_FALSE):
        raise ValueError("true or false")
    return text.lower() in _TRUE

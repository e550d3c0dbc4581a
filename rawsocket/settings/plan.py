"""Pure: the settings of a process, read from the environment and checked before Locust is imported.

One `Plan` for master and worker. A value that is out of range or unknown raises `UsageError` with one line: what is
wrong, what was expected, what to do. An empty value counts as unset.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rawsocket.settings.options import OPTIONS
from rawsocket.settings.row import Setting, one_of
from rawsocket.settings.table import BY_NAME, TABLE


class UsageError(ValueError):
    """A setting that can't be used; the message is the one line that the user sees."""


@dataclass(frozen=True)
class Plan:
    """The settings of this process. `min_held` None: unset; `time_s` None: no end (the page decides)."""

    scenario: str = ""
    conversation: str = ""  # the JSON file of its plan, if the scenario is a conversation
    users: int = 1
    rate: float = 1.0
    time_s: float | None = None
    workers: int = 1
    headless: bool = False
    ours: bool = False  # started by `python -m rawsocket`: this library handles signals, console and exit code
    linger: bool = True
    target: str = ""
    foreign: bool = False  # `target` is what TARGET names, not the lab's own server
    wait_s: float = 0.0
    check: str = "no"
    check_target: bool = True
    way_out: bool = True
    min_held: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    server_admin: str = ""
    server_name: str = ""
    server_wait_s: float = 0.0
    server_usage: str = ""
    page_host: str = "127.0.0.1"
    page_port: int = 8089
    page_user: str = ""
    page_password: str = field(default="", repr=False)
    page_names: tuple[str, ...] = field(default_factory=lambda: tuple(read_setting({}, "HOLDFAST_PAGE_NAMES")))
    master_host: str = "127.0.0.1"
    master_port: int = 5557
    master_bind: str = "127.0.0.1"
    master_published: str = ""
    cluster_key: str = field(default="", repr=False)
    sources: tuple[str, ...] = ()
    runs: str = ""
    run_folders: bool = False
    progress: str = "text"
    verbose: bool = False
    target_metrics: str = ""
    collector: str = ""


def without_empty(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without empty variables (compose sets them)."""
    return {name: value for name, value in environ.items() if value.strip()}


def read_setting(environ: Mapping[str, str], variable: str) -> Any:
    """Return the value of one variable, its default if it is unset, None if it has none."""
    return _value(BY_NAME[variable], without_empty(environ))


def from_environ(environ: Mapping[str, str], scenarios: Sequence[str]) -> Plan:
    """Read and check all settings; `scenarios` are the names that SCENARIO may have, unless it is a conversation."""
    given = without_empty(environ)
    known = () if given.get("HOLDFAST_CONVERSATION") else scenarios
    found = {row.variable: _value(_known(row, known), given) for row in TABLE}
    check_published(found["HOLDFAST_PAGE_PUBLISHED"], found["HOLDFAST_PAGE_PASSWORD"])
    return Plan(
        scenario=found["SCENARIO"],
        conversation=found["HOLDFAST_CONVERSATION"] or "",
        users=found["USERS"],
        rate=found["RATE"],
        time_s=found["TIME"],
        workers=found["WORKERS"],
        headless=found["HEADLESS"],
        ours=True,
        linger=found["HOLDFAST_LINGER"],
        target=found["TARGET"] or found["HOLDFAST_SERVER"],
        foreign=bool(found["TARGET"]),
        wait_s=found["WAIT"] or 0.0,
        check=found["CHECK"],
        check_target=found["HOLDFAST_CHECK_TARGET"],
        way_out=found["HOLDFAST_WAY_OUT"],
        min_held=found["MIN_HELD"],
        options={option.name: found[option.variable] for option in OPTIONS if option.variable in given},
        server_admin=admin(environ),
        server_name=found["HOLDFAST_SERVER_NAME"] or "",
        server_wait_s=found["HOLDFAST_SERVER_WAIT"],
        server_usage=found["HOLDFAST_SERVER_USAGE"] or "",
        page_host=found["HOLDFAST_PAGE_HOST"],
        page_port=found["HOLDFAST_PAGE_PORT"],
        page_user=found["HOLDFAST_PAGE_USER"],
        page_password=found["HOLDFAST_PAGE_PASSWORD"] or "",
        page_names=found["HOLDFAST_PAGE_NAMES"],
        master_host=found["HOLDFAST_MASTER"],
        master_port=found["HOLDFAST_MASTER_PORT"],
        master_bind=found["HOLDFAST_MASTER_BIND"],
        master_published=found["HOLDFAST_MASTER_PUBLISHED"] or "",
        cluster_key=found["HOLDFAST_CLUSTER_KEY"] or "",
        sources=found["SOURCES"] or (),
        runs=found["HOLDFAST_RUNS"] or "",
        run_folders=found["HOLDFAST_RUN_FOLDERS"],
        progress=found["HOLDFAST_PROGRESS"],
        verbose=found["VERBOSE"],
        target_metrics=found["TARGET_METRICS"] or "",
        collector=found["OTEL_EXPORTER_OTLP_ENDPOINT"] or "",
    )


def check_published(address: str, password: str | None) -> None:
    """Raise UsageError if the page would be published beyond this machine without a login."""
    if not password and not ipaddress.ip_address(address).is_loopback:
        raise UsageError(
            f"PAGE_HOST={address} lets others reach the page, and whoever reaches it can start a load: "
            "set PAGE_PASSWORD as well (and PAGE_USER, unset: holdfast)"
        )


def from_options(options: Any, environ: Mapping[str, str], master: bool) -> Plan:
    """Return the plan of a `locust` that this library did not start, from Locust's own parsed options."""
    workers = int(options.expect_workers) if master and options.headless else 1
    return Plan(
        scenario=str(options.locustfile or ""),
        users=int(options.num_users or 1),
        rate=float(options.spawn_rate or 1),
        time_s=options.run_time,
        workers=workers,
        headless=bool(options.headless),
        target=read_setting(environ, "HOLDFAST_TARGET") or "",
        server_admin=environ.get("HOLDFAST_SERVER_ADMIN", "").strip(),
        page_names=read_setting(environ, "HOLDFAST_PAGE_NAMES"),
        runs=read_setting(environ, "HOLDFAST_RUNS") or "",
        target_metrics=read_setting(environ, "TARGET_METRICS") or "",
        collector=read_setting(environ, "OTEL_EXPORTER_OTLP_ENDPOINT") or "",
    )


def admin(environ: Mapping[str, str]) -> str:
    """Return the admin address of the server, "" for none: a TARGET has none unless it is set."""
    default = "" if environ.get("TARGET", "").strip() else str(BY_NAME["HOLDFAST_SERVER_ADMIN"].default)
    return environ.get("HOLDFAST_SERVER_ADMIN", default).strip()


def tls_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of TLS by the names of Tls's attributes; None: unset."""
    return {name: read_setting(environ, f"TLS_{name.upper()}") for name in ("ca", "name", "cert", "key", "verify")}


def _known(row: Setting, scenarios: Sequence[str]) -> Setting:
    return replace(row, kind=one_of(*scenarios)) if scenarios and row.name == "scenario" else row


def _value(row: Setting, given: Mapping[str, str]) -> Any:
    text = given.get(row.variable, row.default)
    if text is None:
        return None
    try:
        return row.parse(text)
    except ValueError as error:
        raise UsageError(str(error)) from None

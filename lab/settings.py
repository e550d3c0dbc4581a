"""The lab's settings: one table, one name each, everywhere.

`make load USERS=5`, `USERS=5 make load`, `python -m lab load --users 5` and `${USERS}` in compose.yaml all
mean the row `users` below. A flag beats the environment; an empty value counts as unset. What the load and the server
have as well is declared in their own tables, and only named here. The server's other settings (SERVER_IDLE_TIMEOUT and
its like) pass through to it under their own names.
"""

import argparse
import ipaddress
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from lab import folders
from lab.errors import UsageError
from lab.user_server import check
from lab.user_server import settings as user_server
from rawsocket.settings.find_scenario import names
from rawsocket.settings.row import (
    ADDRESS,
    BOOLEAN,
    DURATION,
    MEMORY,
    PASSWORD,
    TEXT,
    Kind,
    Setting,
    number,
    one_of,
    seconds,
    whole,
)
from rawsocket.settings.table import BY_NAME, THRESHOLDS
from rawsocket.settings.table import TABLE as LOAD_TABLE
from rawsocket.target import parse as parse_target
from server.models import MODELS
from server.settings import TABLE as SERVER_TABLE

# In a clone. What may run elsewhere uses lab/folders.py.
ROOT = folders.ASSETS
# The plan of a conversation, which master and workers read: a path on this machine.
CONVERSATION = "HOLDFAST_CONVERSATION"
CONVERSATION_SUFFIXES = (".yaml", ".yml")
PAGE_PASSWORD = "PAGE_PASSWORD"
SECRET = frozenset((PAGE_PASSWORD,))


def _project(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", text):
        raise ValueError("expected lower-case letters, digits, - and _, as compose does")
    return text


CPUS = number(0)


def scenarios() -> list[str]:
    """Name the scenarios: the files below the user's locustfiles/, then the built-in ones."""
    return names(*folders.both("locustfiles"))


def conversations() -> list[str]:
    """Name the conversations: the YAML files below the user's conversations/, then the built-in ones."""
    return names(*folders.both("conversations"), suffixes=CONVERSATION_SUFFIXES)


def _scenario(text: str) -> str:
    # Asked for at run time: the user's folder is not known when this table is made.
    if text.endswith(CONVERSATION_SUFFIXES):
        return text  # a path; who reads it says what is wrong with it
    found: list[str] = []  # the user's come first
    for of_python, of_yaml in zip(folders.both("locustfiles"), folders.both("conversations"), strict=True):
        found += [*names(of_python), *names(of_yaml, suffixes=CONVERSATION_SUFFIXES)]
    return str(one_of(*dict.fromkeys(found)).parse(text))


def models() -> list[str]:
    """Name the server's models."""
    return list(MODELS)


def _of_server(name: str, help: str, choices: Iterable[str] = (), why: str = "") -> Setting:
    """Return a row of the server's under its name in the lab (MODEL is SERVER_MODEL)."""
    (row,) = [row for row in SERVER_TABLE if row.name == name]
    return Setting(name, Kind(row.kind.parse, row.kind.metavar, tuple(choices)), row.default, help, why or row.why)


SETTINGS = (
    *(BY_NAME[name] for name in ("USERS", "RATE", "TIME")),
    replace(BY_NAME["WORKERS"], kind=whole(1, 1000)),  # without any, nothing is loaded
    replace(BY_NAME["SCENARIO"], kind=Kind(_scenario, "NAME")),
    *(BY_NAME[name] for name in ("EVERY", "SIZE", "TIMEOUT", "PACE", "ARRIVALS", "MAX_LAG_MS", "SOURCES", "SPREAD")),
    *(BY_NAME[name] for name in ("RECONNECT_JITTER", "TARGET", "WAIT", "CHECK", "VERBOSE")),
    *(BY_NAME[name] for name in ("TARGET_METRICS", "OTEL_EXPORTER_OTLP_ENDPOINT")),
    *(BY_NAME[f"TLS_{name}"] for name in ("CA", "NAME", "CERT", "KEY", "VERIFY")),
    _of_server("model", "the server's concurrency model", MODELS),
    *(BY_NAME[name] for name in ("APP", "FRAMING")),
    _of_server("max_connections", "the server's cap; unset: the model's own default"),
    _of_server("processes", "processes that serve; auto: as many as MAX_CONNECTIONS needs"),
    Setting("tls", BOOLEAN, "no", "yes: the lab's server and its load speak TLS, with a certificate made for the lab",
            "plain TCP is the lesson"),
    *user_server.TABLE,
    Setting("network", TEXT, None, "network of the Docker engine that master and workers join, to reach a TARGET on it",
            "a server in containers has a name on its own network only"),
    Setting("page_host", ADDRESS, "127.0.0.1", "address of this machine that the page is on; others need PAGE_PASSWORD",
            "whoever reaches the page can start a load"),
    Setting("page_port", whole(1, 65535), "8089", "port of the page", "Locust's own"),
    Setting("server_port", whole(1, 65535), "8686", "port of the server on 127.0.0.1", "the tutorial's port"),
    Setting("engine", one_of("auto", "docker", "native"), "auto",
            "docker: containers; native: local processes; auto: containers where an engine answers",
            "both run the same programs"),
    Setting("watch", BOOLEAN, "no", "yes: up starts Prometheus and Grafana as well, where their images can be had",
            "a run has its own page and report"),
    Setting("watch_port", whole(1, 65535), "3000", "port of Grafana on 127.0.0.1", "Grafana's own"),
    Setting("replace", BOOLEAN, "no", "yes: up ends a run that is under way in the lab that it replaces",
            "a run must not be lost by accident"),
    Setting("base_image", TEXT, None,
            "base image; unset: python:3.13-slim, or one built here from Debian's packages",
            "the lab has to work where no registry can be reached"),
    Setting("server_cpus", CPUS, "0", "CPUs that the server may use; 0: all", "a limit is an experiment of its own"),
    Setting("server_mem", MEMORY, "1g", "memory that the server may use (512m, 1g); 0: all",
            "enough for 15,000 connections"),
    Setting("worker_cpus", CPUS, "0", "CPUs that a worker may use; 0: all", "a slow worker measures itself"),
    Setting("worker_mem", MEMORY, "1g", "memory that a worker may use (512m, 1g); 0: all",
            "enough for 20,000 sessions"),
    Setting("drill", TEXT, None, "drill that a load or ci run has as well (server-frozen); none: not that of its file",
            "without it a run has no fault"),
    Setting("at", DURATION, "10s", "when the fault of DRILL comes, counted from the end of the ramp",
            "the load holds steadily by then"),
    Setting("for", DURATION, None, "how long the fault of a drill lasts (5s); unset: the drill's own time",
            "a drill knows how long its effect takes to be seen"),
    Setting("recover", DURATION, "60s", "how long a drill waits for the recovery at most",
            "the back-off of users that reconnect goes up to 30 s"),
    Setting("keep", whole(0), "50", "how many runs are kept below runs/: the oldest are removed; 0: all",
            "a run takes a megabyte or more"),
    *THRESHOLDS,
)  # fmt: skip
# Read from the environment alone: they have no flag.
ENVIRONMENT = (
    BY_NAME["SCENARIO_SETTINGS"],
    Setting("page_user", TEXT, "holdfast", "name for the login of a page with PAGE_PASSWORD", "one team uses a lab"),
    Setting(PAGE_PASSWORD.lower(), PASSWORD, None, "password for the page's login; unset: no login",
            "a flag would show it to every user of this machine"),
    Setting("project", Kind(_project, "NAME"), None,
            "name of the compose project that `up` starts; unset: made from the folder",
            "two labs of one folder need two", prefix="HOLDFAST_"),
    Setting("make", TEXT, None, "variables of make's command line; the Makefile sets it",
            "an unused variable is an error", prefix="HOLDFAST_"),
    Setting("build_image", TEXT, None, "image of the build stages; unset: the base image",
            "it may trust certificates that the images that run need not trust"),
    Setting("pip_index_url", TEXT, None, "index that packages of the images come from; unset: pip's own",
            "a machine may reach no other"),
    Setting("pip_extra_index_url", TEXT, None, "a second index for the packages of the images", "as pip has it"),
    Setting("pip_trusted_host", TEXT, None, "host of an index without a valid certificate", "as pip has it"),
    Setting("compose_project_name", TEXT, "local", "with compose alone: its project and images' tag",
            "compose sets it; only 1.29 has to be told"),
    Setting("xdg_runtime_dir", TEXT, None, "folder of the sockets of rootless Docker and Podman",
            "a message names a socket that is there"),
    Setting("pythonpath", TEXT, None, "more folders that local processes import from", "as Python has it"),
    Setting("docker_host", TEXT, None, "address of the Docker engine; unset: that of the docker command's context",
            "the docker command reads it as well"),
    Setting("no_color", TEXT, None, "anything: no colours, and lines that are never drawn again", "no-color.org"),
    Setting("term", TEXT, None, "kind of the terminal; dumb: as with NO_COLOR", "the terminal sets it"),
    Setting("columns", TEXT, None, "width of --help; unset: that of the terminal, 79 at most", "shells set it"),
    Setting("github_step_summary", TEXT, None, "file that a run's summary is appended to; GitHub Actions sets it",
            "the summary is shown on the page of the workflow"),
)  # fmt: skip
# Every name that the lab, its server or compose.yaml reads: these may stand in `.env`.
NAMES = frozenset(row.variable for table in (SETTINGS, ENVIRONMENT, SERVER_TABLE, LOAD_TABLE) for row in table)
# The files of TLS that each part reads: paths on this machine. {number} stands for the user's number.
_OF_CLIENT = ("TLS_CA", "TLS_CERT", "TLS_KEY")  # the master checks the scenario before a run
TLS_FILES = {"server": ("SERVER_TLS_CERT", "SERVER_TLS_KEY"), "master": _OF_CLIENT, "worker": _OF_CLIENT}
# All files that each part reads.
FILES = {part: (*names, *([CONVERSATION] if part != "server" else [])) for part, names in TLS_FILES.items()}
FILE_PER_USER = "{number}"
_NAMED = {setting.variable: setting for setting in ENVIRONMENT}
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
    def wait_seconds(self) -> float:
        """How long a run waits for TARGET at most, in seconds."""
        return seconds(self["WAIT"]) if self["WAIT"] else 0.0

    @property
    def user_server(self) -> str:
        """What replaces the lab's own server, as it was given: SERVER_IMAGE=redis:7; "" for nothing."""
        return user_server.description(self.values)

    @property
    def own_server(self) -> bool:
        """Whether the lab's own server is started and loaded."""
        return user_server.is_ours(self.values)

    @property
    def ramp_seconds(self) -> float:
        """Length of the ramp in seconds."""
        return int(self["USERS"]) / float(self["RATE"])

    @property
    def encrypted(self) -> bool:
        """Whether the lab's own server and its load speak TLS."""
        return yes(self["TLS"])

    @property
    def watched(self) -> bool:
        """Whether `up` starts Prometheus and Grafana as well."""
        return yes(self["WATCH"])

    @property
    def scrape(self) -> str:
        """How to see the lab's metrics with a Prometheus of one's own, in one line."""
        dashboard = "lab/watch/dashboard.json"
        dashboard = dashboard if folders.is_clone() else str(folders.ASSETS / dashboard)
        return f"scrape {self.page}/metrics; the dashboard is {dashboard}"

    @property
    def page(self) -> str:
        """The page's address for this machine itself."""
        address = ipaddress.ip_address(self["PAGE_HOST"])
        if address.is_unspecified:
            address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
        return f"http://{f'[{address}]' if address.version == 6 else address}:{self['PAGE_PORT']}"

    @property
    def verbose(self) -> bool:
        """Whether a run prints all figures and the ledger before its result."""
        return yes(self["VERBOSE"])

    @property
    def parts(self) -> str:
        """What is started, in words."""
        return "master and workers" if self["TARGET"] else "server, master and workers"

    @property
    def asked_by_master(self) -> list[str]:
        """The settings that name an endpoint which the master asks or tells."""
        return [name for name in ("TARGET_METRICS", "OTEL_EXPORTER_OTLP_ENDPOINT") if self.values.get(name)]

    @property
    def loopback_target(self) -> bool:
        """Whether TARGET is on this machine's loopback, which no container can reach."""
        return bool(self["TARGET"]) and is_loopback(parse_target(self["TARGET"]).host)


def yes(text: str) -> bool:
    """Whether the text of a setting means yes."""
    return bool(text) and bool(BOOLEAN.parse(text))


def is_loopback(host: str, *, all_of_them: bool = True) -> bool:
    """Whether a name or an address is this machine's loopback; `all_of_them`: 0.0.0.0 counts as well."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or (all_of_them and address.is_unspecified)


def from_environment(name: str, environ: Mapping[str, str] | None = None) -> str:
    """Return a setting of `ENVIRONMENT`, its default where it is unset, "" where it has none."""
    environ = os.environ if environ is None else environ
    text = environ.get(name, "").strip() or _NAMED[name].default or ""
    value(_NAMED[name], text)
    return text


def given(setting: Setting, flags: Mapping[str, str | None], environ: Mapping[str, str]) -> str:
    """Return the text that the caller has set it to, "" for unset: a flag beats the environment."""
    return flags.get(setting.variable) or environ.get(setting.variable, "").strip()


def value(setting: Setting, text: str) -> Any:
    """Return the value of the text, None for unset; UsageError, one line, where it does not fit."""
    try:
        return setting.parse(text) if text else None
    except ValueError as error:
        raise UsageError(str(error)) from None


def add_flags(parser: argparse._ActionsContainer, table: Iterable[Setting] = SETTINGS) -> None:
    """Add one flag for each setting of a table to a parser, or to a group of it; a flag left out is None."""
    for setting in table:
        shown = f" (default {setting.default})" if setting.default else ""
        parser.add_argument(setting.flag, dest=setting.variable, metavar="X", help=setting.meaning + shown)
        if setting.variable == "VERBOSE":  # the only one with a short form
            parser.add_argument(
                "-v", dest="VERBOSE", action="store_const", const="yes", help="the same as --verbose yes"
            )


def read(
    flags: Mapping[str, str | None],
    environ: Mapping[str, str] | None = None,
    verb: str = "",
    implied: Mapping[str, str] = MappingProxyType({}),
) -> Settings:
    """Combine flags, environment and defaults. `implied`: defaults that a conversation has.

    Raises UsageError, one line, for the first value that does not fit.
    """
    environ = os.environ if environ is None else environ
    values, chosen = {}, set()
    for setting in SETTINGS:
        text = given(setting, flags, environ)
        if text:
            chosen.add(setting.variable)
        default = {**VERB_DEFAULTS.get(verb, {}), **implied}.get(setting.variable, setting.default or "")
        values[setting.variable] = text or default
        value(setting, values[setting.variable])
    values["PAGE_HOST"] = values["PAGE_HOST"].strip("[]")
    if not is_loopback(values["PAGE_HOST"], all_of_them=False) and not from_environment(PAGE_PASSWORD, environ):
        raise UsageError(
            f"PAGE_HOST={values['PAGE_HOST']} lets others reach the page, and whoever reaches it can start a load: "
            "set PAGE_PASSWORD as well (and PAGE_USER, unset: holdfast)"
        )
    values |= user_server.instead_of_target(values, chosen)
    settings = Settings(values, frozenset(chosen))
    if verb in ("setup", "up", "load", "ci"):
        check.server(settings.values, settings.given, environ)
    if verb in ("up", "load", "ci"):
        check.network(values)
        check.size(values, environ)
    return settings

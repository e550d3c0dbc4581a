"""The settings of both benchmarks: one table each, a flag and a variable of the same name, as for the other verbs.

Pure: the names of rows and peers are repeated here, so that reading a setting imports no benchmark. Tests compare them.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.settings import Setting, seconds

LOAD_ROWS = ("memory", "cpu", "lag", "closed", "arrivals", "stall", "soak")
LOAD_PEERS = ("raw", "typical", "tuned", "tsung")
SERVER_ROWS = (
    *("all-100", "all-900", "few", "tutorial", "latency", "memory", "idle", "slow"),
    *("story", "curve", "accepts"),
)
SERVER_PEERS = ("asyncio", "uvloop", "tutorial", "gevent", "c-select", "c-epoll")
SERVER_CONNECTIONS = 15_000  # what one container is to hold


def names(of: tuple[str, ...], none: bool = False) -> Callable[[str], object]:
    """Give a check for names with commas between them; `none`: the word none stands for no name."""

    def check(text: str) -> tuple[str, ...]:
        found = tuple(filter(None, (part.strip() for part in text.split(","))))
        if none and found == ("none",):
            return ()
        if not found or not set(found) <= set(of):
            raise ValueError(f"names out of {', '.join(of)}, with commas between them" + (", or none" if none else ""))
        return found

    return check


def whole(low: int, high: int) -> Callable[[str], object]:
    """Give a check for whole numbers in a range."""

    def check(text: str) -> int:
        if not re.fullmatch(r"\d+", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return check


def _only(rows: tuple[str, ...]) -> Setting:
    return Setting("ONLY", ",".join(rows), names(rows), "the rows to measure")


def _peers(peers: tuple[str, ...], help: str) -> Setting:
    return Setting("PEERS", ",".join(peers), names(peers, none=True), help)


_REPEAT = Setting("REPEAT", "", whole(1, 99), "repetitions; unset: as many as each row needs")
_WINDOW = Setting("WINDOW", "", seconds, "length of a measured window; unset: as long as each row needs")

LOAD = (
    _only(LOAD_ROWS),
    _peers(LOAD_PEERS, "the peers to measure beside the bare client; none"),
    _REPEAT,
    Setting("CONNECTIONS", "10000", whole(1, 60_000), "connections held; half as many more in the row of arrivals"),
    Setting("RATE", "1000", whole(1, 100_000), "connections opened a second"),
    _WINDOW,
    Setting("SOAK", "5m", seconds, "length of the soak (5m, 1h)"),
)
SERVER = (
    _only(SERVER_ROWS),
    _peers(SERVER_PEERS, "the peers to measure; none"),
    _REPEAT,
    Setting(
        "CONNECTIONS",
        str(SERVER_CONNECTIONS),
        whole(1000, 100_000),
        "the most connections that the curve, the story and accepts hold",
    ),
    _WINDOW,
)
TABLES = {"bench-load": LOAD, "bench-server": SERVER}


@dataclass(frozen=True)
class LoadOptions:
    """The checked values of one call of bench-load; None: unset."""

    rows: tuple[str, ...]
    peers: tuple[str, ...]
    repeat: int | None
    connections: int
    rate: int
    window_s: float | None
    soak_s: float


@dataclass(frozen=True)
class ServerOptions:
    """The checked values of one call of bench-server; None: unset."""

    rows: tuple[str, ...]
    peers: tuple[str, ...]
    repeat: int | None
    connections: int
    window_s: float | None


def read_load(flags: Mapping[str, str | None], environ: Mapping[str, str] | None = None) -> LoadOptions:
    """Combine flags, environment and defaults; UsageError, one line, for the first value that is not valid."""
    return LoadOptions(*_values(LOAD, flags, environ))


def read_server(flags: Mapping[str, str | None], environ: Mapping[str, str] | None = None) -> ServerOptions:
    """As `read_load`, for bench-server."""
    return ServerOptions(*_values(SERVER, flags, environ))


def _values(table: Sequence[Setting], flags: Mapping[str, str | None], environ: Mapping[str, str] | None) -> list[Any]:
    environ = os.environ if environ is None else environ
    return [setting.value(setting.given(flags, environ) or setting.default) for setting in table]

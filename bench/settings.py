"""The settings of both benchmarks: one table each, a flag and a variable of the same name, as for the other verbs.

Pure: the names of rows and peers are repeated here, so that reading a setting imports no benchmark. Tests compare them.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.settings import given, value
from rawsocket.settings.row import DURATION, Kind, Setting, whole

LOAD_ROWS = ("memory", "cpu", "lag", "closed", "arrivals", "stall", "tls", "ids", "heartbeats", "conversation", "soak")
LOAD_PEERS = ("raw", "typical", "tuned", "tsung")
SERVER_ROWS = (
    *("all-100", "all-900", "few", "tutorial", "latency", "memory", "idle", "slow"),
    *("story", "curve", "accepts"),
)
SERVER_PEERS = ("asyncio", "uvloop", "tutorial", "gevent", "c-select", "c-epoll")
SERVER_CONNECTIONS = 15_000  # what one container is to hold


def names(of: tuple[str, ...], none: bool = False) -> Kind:
    """Return the parser of a list of names with commas between them; `none`: the word none stands for no name."""

    def parse(text: str) -> tuple[str, ...]:
        found = tuple(filter(None, (part.strip() for part in text.split(","))))
        if none and found == ("none",):
            return ()
        if not found or not set(found) <= set(of):
            expected = f"expected names out of {', '.join(of)}, with commas between them"
            raise ValueError(expected + (", or none" if none else ""))
        return found

    return Kind(parse, "A,B")


def _only(rows: tuple[str, ...]) -> Setting:
    return Setting("only", names(rows), ",".join(rows), "the rows to measure", "all of them")


def _peers(peers: tuple[str, ...], help: str) -> Setting:
    return Setting("peers", names(peers, none=True), ",".join(peers), help, "all of them")


_REPEAT = Setting("repeat", whole(1, 99), None, "repetitions; unset: as many as each row needs", "rows differ")
_WINDOW = Setting(
    "window", DURATION, None, "length of a measured window; unset: as long as each row needs", "rows differ"
)

LOAD = (
    _only(LOAD_ROWS),
    _peers(LOAD_PEERS, "the peers to measure, beside the floor; none"),
    _REPEAT,
    Setting("connections", whole(1, 60_000), "10000", "connections held; half as many more in the row of arrivals",
            "the number that one worker is meant to hold"),
    Setting("rate", whole(1, 100_000), "1000", "connections opened a second", "10,000 are open after 10 s"),
    _WINDOW,
    Setting("soak", DURATION, "5m", "length of the soak (5m, 1h)", "long enough to see a leak of 1 KB a second"),
)  # fmt: skip
SERVER = (
    _only(SERVER_ROWS),
    _peers(SERVER_PEERS, "the peers to measure; none"),
    _REPEAT,
    Setting("connections", whole(1000, 100_000), str(SERVER_CONNECTIONS),
            "the most connections that the curve, the story and accepts hold", "far beyond select's 1,024 descriptors"),
    _WINDOW,
)  # fmt: skip
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
    return [value(setting, given(setting, flags, environ) or setting.default or "") for setting in table]

"""What `bench-load` can be told: one table, a flag and a variable of the same name each, as for the other verbs."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.errors import UsageError
from lab.settings import given, value
from rawsocket.settings.row import DURATION, Kind, Setting, whole

ROWS = ("memory", "cpu", "lag", "closed", "arrivals", "stall", "soak")
PEERS = ("raw", "everyone", "tuned", "tsung")


def some(of: tuple[str, ...], none: bool = False) -> Kind:
    """Give the kind of names with commas between them; `none`: the word none stands for no name."""

    def parse(text: str) -> tuple[str, ...]:
        names = tuple(filter(None, (part.strip() for part in text.split(","))))
        if none and names == ("none",):
            return ()
        if not names or not set(names) <= set(of):
            expected = f"expected names out of {', '.join(of)}, with commas between them"
            raise ValueError(expected + (", or none" if none else ""))
        return names

    return Kind(parse, "A,B")


SETTINGS = (
    Setting("only", some(ROWS), ",".join(ROWS), "the rows to measure", "all of them"),
    Setting("peers", some(PEERS, none=True), ",".join(PEERS), "whom to measure against, beside the floor; none",
            "all of them"),
    Setting("repeat", whole(1, 99), None, "repetitions; unset: 3 of the closed loop, 2 of the others",
            "what the rows vary by"),
    Setting("connections", whole(1, 60_000), "10000", "connections held; half as many more in the row of arrivals",
            "what one worker is meant to hold"),
    Setting("rate", whole(1, 100_000), "1000", "connections opened a second", "10,000 are there after 10 s"),
    Setting("window", DURATION, None, "length of a measured window; unset: 4s of the closed loop, 10s of the others",
            "what the rows vary by"),
    Setting("soak", DURATION, "5m", "length of the soak (5m, 1h)", "long enough to see a leak of 1 KB a second"),
)  # fmt: skip


@dataclass(frozen=True)
class Options:
    """The checked values of one call; None: unset."""

    rows: tuple[str, ...]
    peers: tuple[str, ...]
    repeat: int | None
    connections: int
    rate: int
    window_s: float | None
    soak_s: float


def read(flags: Mapping[str, str | None], environ: Mapping[str, str] | None = None) -> Options:
    """Combine flags, environment and defaults; UsageError, one line, for the first value that does not fit."""
    return Options(*values(SETTINGS, flags, environ))


def values(table: Sequence[Setting], flags: Mapping[str, str | None], environ: Mapping[str, str] | None) -> list[Any]:
    """Give what the checks of a table make of flags, environment and defaults; UsageError as `read`."""
    environ = os.environ if environ is None else environ
    return [value(setting, given(setting, flags, environ) or setting.default or "") for setting in table]


def demand_descriptors(options: Options, limit: int) -> None:
    """UsageError if a process may not have as many descriptors as the largest row needs."""
    most = options.connections * 3 // 2 if "arrivals" in options.rows else options.connections
    if most + 100 > limit:
        raise UsageError(
            f"{most} connections need {most + 100} descriptors per process, and the hard limit is {limit}: "
            f"raise it (ulimit -Hn), or lower CONNECTIONS (--connections)"
        )

"""What `bench-load` can be told: one table, a flag and a variable of the same name each, as for the other verbs."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.errors import UsageError
from lab.settings import Setting, seconds

ROWS = ("memory", "cpu", "lag", "closed", "arrivals", "stall", "soak")
PEERS = ("raw", "everyone", "tuned", "tsung")


def some(of: tuple[str, ...], none: bool = False) -> Callable[[str], object]:
    """Give a check for names with commas between them; `none`: the word none stands for no name."""

    def check(text: str) -> tuple[str, ...]:
        names = tuple(filter(None, (part.strip() for part in text.split(","))))
        if none and names == ("none",):
            return ()
        if not names or not set(names) <= set(of):
            raise ValueError(f"names out of {', '.join(of)}, with commas between them" + (", or none" if none else ""))
        return names

    return check


def whole(low: int, high: int) -> Callable[[str], object]:
    """Give a check for whole numbers in a range."""

    def check(text: str) -> int:
        if not re.fullmatch(r"\d+", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return check


SETTINGS = (
    Setting("ONLY", ",".join(ROWS), some(ROWS), "the rows to measure"),
    Setting("PEERS", ",".join(PEERS), some(PEERS, none=True), "whom to measure against, beside the floor; none"),
    Setting("REPEAT", "", whole(1, 99), "repetitions; unset: 3 of the closed loop, 2 of the others"),
    Setting("CONNECTIONS", "10000", whole(1, 60_000), "connections held; half as many more in the row of arrivals"),
    Setting("RATE", "1000", whole(1, 100_000), "connections opened a second"),
    Setting("WINDOW", "", seconds, "length of a measured window; unset: 4s of the closed loop, 10s of the others"),
    Setting("SOAK", "5m", seconds, "length of the soak (5m, 1h)"),
)


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
    return [setting.value(setting.given(flags, environ) or setting.default) for setting in table]


def demand_descriptors(options: Options, limit: int) -> None:
    """UsageError if a process may not have as many descriptors as the largest row needs."""
    most = options.connections * 3 // 2 if "arrivals" in options.rows else options.connections
    if most + 100 > limit:
        raise UsageError(
            f"{most} connections need {most + 100} descriptors per process, and the hard limit is {limit}: "
            f"raise it (ulimit -Hn), or lower CONNECTIONS (--connections)"
        )

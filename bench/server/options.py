"""What `bench-server` can be told: one table, a flag and a variable of the same name each, as for the other verbs."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.load.options import some, values, whole
from bench.server.contenders import PEER_NAMES
from bench.server.row import CONNECTIONS
from bench.server.table import ROWS
from lab.settings import Setting, seconds

SETTINGS = (
    Setting("ONLY", ",".join(ROWS), some(tuple(ROWS)), "the rows to measure"),
    Setting("PEERS", ",".join(PEER_NAMES), some(PEER_NAMES, none=True), "whom to measure against; none"),
    Setting("REPEAT", "", whole(1, 99), "repetitions; unset: what each row needs"),
    Setting(
        "CONNECTIONS",
        str(CONNECTIONS),
        whole(1000, 100_000),
        "the most connections that the curve, the story and accepts hold",
    ),
    Setting("WINDOW", "", seconds, "length of a measured window; unset: what each row needs"),
)


@dataclass(frozen=True)
class Options:
    """The checked values of one call; None: unset."""

    rows: tuple[str, ...]
    peers: tuple[str, ...]
    repeat: int | None
    connections: int
    window_s: float | None


def read(flags: Mapping[str, str | None], environ: Mapping[str, str] | None = None) -> Options:
    """Combine flags, environment and defaults; UsageError, one line, for the first value that does not fit."""
    return Options(*values(SETTINGS, flags, environ))

"""What `bench-server` can be told: one table, a flag and a variable of the same name each, as for the other verbs."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.load.options import some, values
from bench.server.contenders import PEER_NAMES
from bench.server.row import CONNECTIONS
from bench.server.table import ROWS
from rawsocket.settings.row import DURATION, Setting, whole

SETTINGS = (
    Setting("only", some(tuple(ROWS)), ",".join(ROWS), "the rows to measure", "all of them"),
    Setting("peers", some(PEER_NAMES, none=True), ",".join(PEER_NAMES), "whom to measure against; none", "all of them"),
    Setting("repeat", whole(1, 99), None, "repetitions; unset: what each row needs", "what the rows vary by"),
    Setting("connections", whole(1000, 100_000), str(CONNECTIONS),
            "the most connections that the curve, the story and accepts hold", "past the wall of select"),
    Setting("window", DURATION, None, "length of a measured window; unset: what each row needs",
            "what the rows vary by"),
)  # fmt: skip


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

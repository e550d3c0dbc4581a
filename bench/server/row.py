"""What a row of bench-server is: the experiments that it rests on, and what becomes of their records.

That is lines of the table, which all rows share, or a section of its own.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.harness.line import Line
from bench.harness.record import Record
from bench.harness.section import Section
from bench.load.experiments import Values
from bench.server.contenders import SERVERS, Server

CONNECTIONS = 15_000  # what one container is to hold


@dataclass(frozen=True)
class Bench:
    """What all experiments share: the program of the load, the length of a window in seconds (None: their own), and the
    most connections that any of them holds.
    """

    load: str
    window_s: float | None
    connections: int = CONNECTIONS


@dataclass(frozen=True)
class Experiment:
    """One experiment: whom it measures in this order, how often, and how. Rows may share one; its name tells."""

    name: str
    repeat: int
    once: Callable[[Bench, Server, Path], Values]
    contenders: tuple[str, ...] = tuple(SERVERS)
    servers: Mapping[str, Server] = field(default_factory=lambda: SERVERS)

    def present(self, there: Collection[str]) -> list[str]:
        """Give its contenders, of the peers only those that are there."""
        return [name for name in self.contenders if self.servers[name] is not SERVERS.get(name) or name in there]


def _none(records: Sequence[Record]) -> list[Any]:
    return []


@dataclass(frozen=True)
class Row:
    """One name that ONLY takes."""

    key: str
    experiments: tuple[Experiment, ...]
    lines: Callable[[Sequence[Record]], list[Line]] = _none
    sections: Callable[[Sequence[Record]], list[Section]] = _none

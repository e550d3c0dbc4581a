"""A row of bench-server: its experiments, and what is made of their records: lines of the table, or a section."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.results.line import Line
from bench.results.record import Record, Values
from bench.results.section import Section
from bench.server.contenders import SERVERS, ServerSpec
from bench.settings import SERVER_CONNECTIONS


@dataclass(frozen=True)
class ServerBench:
    """What all experiments share: the program of the load client, the length of a window in seconds (None: that of
    the experiment), and the most connections that any of them holds.
    """

    client: str
    window_s: float | None
    connections: int = SERVER_CONNECTIONS


@dataclass(frozen=True)
class ServerExperiment:
    """One experiment: the repetitions, how it measures a server, and the servers in order. Rows may share one."""

    name: str
    repeat: int
    measure: Callable[[ServerBench, ServerSpec, Path], Values]
    contenders: tuple[str, ...] = tuple(SERVERS)
    servers: Mapping[str, ServerSpec] = field(default_factory=lambda: SERVERS)

    def present(self, available: Collection[str]) -> list[str]:
        """Return its contenders; of the peers only the available ones."""
        return [name for name in self.contenders if self.servers[name] is not SERVERS.get(name) or name in available]


def _none(records: Sequence[Record]) -> list[Any]:
    return []


@dataclass(frozen=True)
class Row:
    """One row, by the name that ONLY takes."""

    key: str
    experiments: tuple[ServerExperiment, ...]
    lines: Callable[[Sequence[Record]], list[Line]] = _none
    sections: Callable[[Sequence[Record]], list[Section]] = _none

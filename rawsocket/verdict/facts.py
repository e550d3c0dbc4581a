"""Pure: all that is known of a run when its cause is looked for, see causes.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rawsocket.measurement.report import Counts
from rawsocket.verdict.judge import Check, Figures
from rawsocket.verdict.observed import Observed


@dataclass(frozen=True)
class LabFact:
    """What only the lab on the host knows of one of its parts: how it ended, the last line of its log."""

    part: str
    text: str
    name: str = "ended"
    log: str = ""


@dataclass(frozen=True)
class Facts:
    """All that is known of a run. `server` are its counters of this run, {} if unknown; `ledger` are its doubts.

    `held_at_stop`: connections when stop was asked. `wanted`: the connections of all users. `model`: the server's, ""
    if unknown. `at_stop_s`: when stop was asked. `lab`: what the lab told.
    """

    figures: Figures
    counts: Counts = field(default_factory=Counts)
    checks: Sequence[Check] = ()
    ledger: Sequence[str] = ()
    unexplained: Sequence[str] = ()
    server: Mapping[str, Any] = field(default_factory=dict)
    observed: Observed = field(default_factory=Observed)
    examples: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    model: str = ""
    wanted: int = 0
    peak: int = 0
    held_at_stop: int = 0
    at_stop_s: float = 0.0
    notes: Sequence[str] = ()
    lab: Sequence[LabFact] = ()

    def failed(self, name: str) -> int:
        """Return the connects that failed, or connections that were dropped, with this name."""
        tcp = self.counts.connections
        return tcp.failed.get(name, 0) + tcp.dropped.get(name, 0)

    def told(self, part: str) -> str:
        """Return what the lab knows of a part, as the end of a sentence, or ""."""
        said = [f": {one.log}" if one.log else f" ({one.text})" for one in self.lab if one.part.startswith(part)]
        return said[0] if said else ""

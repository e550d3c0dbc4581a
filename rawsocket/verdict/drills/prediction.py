"""Pure: what a drill predicts, and what the lab tells the master of it. Both sides import this file.

The lab writes the marks of a drill into the run's folder as JSON, complete each time. The master reads them once a
second.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

NAME = "drill-marks.json"
#: The figures of a drill, each with its unit; `dropped` and `failed` are followed by a failure's name
#: (dropped.reset), `own` by the name of what the drill itself has measured.
FIGURES = {
    "lost": "connections",
    "held_min": "connections",
    "notice_p50_s": "s",
    "notice_p99_s": "s",
    "recover_s": "s",
    "peak_connects_s": "/s",
    "attempts_per_user": "",
    "peak_p99_ms": "ms",
    "typical_p99_ms": "ms",
    "messages_s": "/s",
    "dropped": "connections",
    "failed": "connects",
    "own": "",
}


@dataclass(frozen=True)
class Expected:
    """A figure with its bounds (None: no bound), and the arithmetic behind them in a few words."""

    figure: str
    least: float | None = None
    most: float | None = None
    why: str = ""

    def met(self, actual: float | None) -> bool:
        """Whether a measured figure is within the bounds; one that is missing is not."""
        if actual is None:
            return False
        return (self.least is None or actual >= self.least) and (self.most is None or actual <= self.most)


@dataclass(frozen=True)
class Marks:
    """A drill of a run as the lab tells it. Times are seconds of the wall clock, None until they have come.

    `asked`: when the lab asked the engine for the fault; `injected`: when the fault was in effect, which may be later
    on a busy machine. `server`: what was drilled, in words. `unknown`: how many workers' figures are unknown
    afterwards. `p99_ms`: the objective that p99 has to meet again. `wanted`: connections that must be held again.
    `end`: the run is to end now. `unsteady`, `impossible`, `trouble`: why there is no result: no steady state
    beforehand, a fault that could not be brought about, or a drill that failed. `findings`: lines to be read. `own`:
    what the drill itself has measured. `beside`: the run is judged as well, and the worse verdict stands. `extra`: by
    row of the ledger, how much the drill's own clients add at most to what the server counts. `disturbed`: how many
    workers the drill itself makes late.
    """

    name: str
    text: str
    for_s: float
    server: str = ""
    predicted: tuple[Expected, ...] = ()
    unknown: int = 0
    p99_ms: float | None = None
    wanted: int = 0
    injected: float | None = None
    healed: float | None = None
    end: bool = False
    unsteady: str = ""
    impossible: str = ""
    trouble: str = ""
    findings: tuple[str, ...] = ()
    own: Mapping[str, float] = field(default_factory=dict)
    beside: bool = False
    extra: Mapping[str, int] = field(default_factory=dict)
    disturbed: int = 0
    asked: float | None = None

    def text_of_file(self) -> str:
        """Return the content of the file."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def read(cls, content: str) -> "Marks | None":
        """Return what a file says; None where it is not whole."""
        try:
            found: Mapping[str, Any] = json.loads(content)
            known = {name: found[name] for name in (each.name for each in fields(cls)) if name in found}
            known["predicted"] = tuple(Expected(**one) for one in known.get("predicted", ()))
            known["findings"] = tuple(known.get("findings", ()))
            return cls(**known)
        except (ValueError, TypeError, AttributeError):
            return None

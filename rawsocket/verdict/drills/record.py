"""Pure: what the master has noted of the drill of a run, and the run's document with it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rawsocket.verdict import run_errors
from rawsocket.verdict.drills.prediction import Marks
from rawsocket.verdict.drills.recovery import RECOVERED, VERDICTS, Second, document

INTERRUPTED = 130
BROKEN = 1  # the scenario raised an exception, see ../run_errors.py


class Record:
    """The drill of one run; `marks` is None in a run without one. `started`: when the run began, by the wall clock."""

    def __init__(self, started: float = 0.0) -> None:
        self.marks: Marks | None = None
        self.seconds: list[Second] = []
        self._started = started

    @property
    def times(self) -> tuple[float | None, float | None]:
        """When the fault came and when it was healed, in seconds of the run."""
        marks = self.marks
        return (self._in_run(marks.injected), self._in_run(marks.healed)) if marks else (None, None)

    def _in_run(self, wall_s: float | None) -> float | None:
        """Return a time of the wall clock in seconds of the run."""
        return None if wall_s is None else round(wall_s - self._started, 3)

    @property
    def extra(self) -> Mapping[str, int]:
        """What the drill's own clients add to the server's counts at most, by row of the ledger."""
        return self.marks.extra if self.marks else {}

    @property
    def ends(self) -> bool:
        """Whether the lab asks for the end of the run."""
        return self.marks is not None and self.marks.end

    def applied(
        self,
        found: dict[str, Any],
        lost_workers: Collection[str],
        unexplained: Sequence[str],
        doubts: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Return verdict.json with the drill, which then decides, alone or with the run; as it is without one.

        `doubts`: for each worker that was late by itself between the fault and the recovery, why.
        A run that was interrupted, or whose scenario raised an exception, keeps its exit code.
        """
        if self.marks is None:
            return found
        asked_s = self._in_run(self.marks.asked)
        drill = document(self.marks, self.seconds, self.times, lost_workers, unexplained, doubts, asked_s)
        found["drill"] = drill
        if found["exit_code"] in (INTERRUPTED, BROKEN):
            return found
        verdict, code = VERDICTS[drill["outcome"]]
        said = f"drill {drill['name']}: {drill['outcome']}"
        reasons = [f"{said}{' as predicted' if drill['outcome'] == RECOVERED else ''}", *drill["reasons"]]
        if not self.marks.beside:
            return {**found, "verdict": verdict, "exit_code": code, "cause": None, "reasons": reasons, "thresholds": []}
        if run_errors.worse(found["exit_code"], code) == found["exit_code"]:
            cause = _with_fault(found["cause"], drill)
            return {**found, "cause": cause, "reasons": [*found["reasons"], *reasons]}
        reasons += found["reasons"]
        return {**found, "verdict": verdict, "exit_code": code, "cause": None, "reasons": reasons}


def _with_fault(cause: dict[str, Any] | None, drill: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the cause of a run, with a fault of ours: what it explains is not the server's alone."""
    began, over = drill["injected_s"], drill["healed_s"]
    if not cause or began is None:
        return cause
    until = "its end" if over is None else f"{over:.1f} s"
    said = f"the drill {drill['name']} caused a fault from {began:.1f} s to {until}, and the thresholds cover it"
    return {**cause, "text": f"{cause['text']} ({said})"}


def news(before: Marks | None, now: Marks) -> list[tuple[float, str, str]]:
    """Return what has happened between two readings of the marks: when (wall clock), in words, what charts call it."""
    said = []
    if now.injected is not None and (before is None or before.injected is None):
        said.append((now.injected, f"drill: {now.text}", "fault"))
    if now.healed is not None and (before is None or before.healed is None):
        said.append((now.healed, "drill: healed", "healed"))
    return said

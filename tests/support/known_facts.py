"""What is known of runs, for tests of the causes of a verdict."""

import dataclasses
from typing import Any

from rawsocket.measurement.report import Connections, Counts, ScenarioError
from rawsocket.verdict.causes.cause import cause
from rawsocket.verdict.judge import Check, Figures
from rawsocket.verdict.observed import Facts, LabFact
from rawsocket.verdict.saturation import WorkerFigures

#: The name of a cause, what is known, the text.
Case = tuple[str, Facts, str]
WORKERS = (WorkerFigures("x", cpu_share=0.3, name="worker 1"), WorkerFigures("y", cpu_share=0.3, name="worker 2"))
GOOD = Figures(attempted=60, steady_s=20.0, held_min=60, workers_wanted=2, workers=WORKERS)
FAILED = Check("max_failures", 0, 9, False)
LATE = Check("max_p99_ms", 1000, 1534.2, False)


def measured(**changes: Any) -> Figures:
    return dataclasses.replace(GOOD, **changes)


def counted(connected: int = 60, failed: dict[str, int] | None = None, dropped: dict[str, int] | None = None) -> Counts:
    return Counts(connections=Connections(connected=connected, failed=failed or {}, dropped=dropped or {}))


def known(figures: Figures = GOOD, **more: Any) -> Facts:
    return Facts(figures, **{"counts": counted(), "target": "tcp://db:7", "wanted": 60, "at_stop_s": 30.0, **more})


FULL = {"server-full": 3591}
GONE = {"counts": counted(60, {"refused": 132}, {"reset": 60}), "held_at_stop": 0}
KILLED = LabFact("worker-2", "a worker was killed for lack of memory", "out-of-memory")
SIGKILLED = LabFact("worker-2", "it was killed (SIGKILL), by hand or for lack of memory")
SERVER = LabFact("server", "it exited with 1", log="MemoryError")
RAISED = ScenarioError("KeyError", "mine.py:9", "'token'", 586)
SATURATED = (WORKERS[0], dataclasses.replace(WORKERS[1], cpu_share=0.97))
LOST = (WORKERS[0], dataclasses.replace(WORKERS[1], lost="it went missing"))


def check(case: Case) -> None:
    """Check that this is the cause of a run that failed, and that it has its text."""
    name, facts, text = case
    found = cause("fail", facts)
    assert found is not None
    assert (found.name, found.text) == (name, text)
    assert not found.remedy.endswith(".")

"""Conducts the drill of a run, beside it: waits for a steady state, injects, heals, watches the recovery, ends the run.

It has a thread of its own, which lives until the run has ended: the kernel stops processes that a thread has started
when that thread ends. What it sees of the run are the seconds that the master says; what the master has to know it is
told by the marks (rawsocket/verdict/drills/prediction.py). The master measures and judges.

A run is there for its drill alone (`drill NAME`), which then ends it; or it has a drill as well (drill_of_run.py), at a
moment of its own, and goes on to its end.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from lab.drills import lease, steady
from lab.drills.drill import DOCKER, NATIVE, Drill, Ended, Stage
from lab.drills.namespace.helper import NotHealed
from lab.engines.deployment import Deployment
from lab.engines.part import Part
from lab.errors import LabError
from lab.progress import message, note
from lab.run.command import Beside
from lab.settings import Settings
from rawsocket.settings.row import seconds as seconds_of
from rawsocket.verdict.drills.prediction import NAME, Expected, Marks
from rawsocket.verdict.drills.recovery import HELD_S, Second, recovered_at

STEADY_MOST_S = 30.0  # after the ramp: how long a steady state is waited for
LEASE_S = 30.0  # beyond the length of the fault
LAST_S = HELD_S + 5.0  # from healing to the end of a run that has a drill as well: to come back, and to be seen
JOIN_S = 90.0
POLL_S = 0.2
WHERE = {DOCKER: "containers", NATIVE: "local processes"}
SEEN_S = 2.0  # until the master has seen the recovery, too


def length_s(drill: Drill, settings: Settings) -> float:
    """Return how long a fault lasts: FOR, or the drill's own."""
    return seconds_of(settings["FOR"]) if settings["FOR"] else drill.seconds(settings)


def run_s(drill: Drill, settings: Settings) -> float:
    """Return the most seconds of a run with a drill, after its ramp: the drill ends it."""
    return STEADY_MOST_S + 2 * length_s(drill, settings) + seconds_of(settings["RECOVER"]) + 2 * HELD_S + LEASE_S


def least_time_s(drill: Drill, settings: Settings, after_s: float) -> float:
    """Return the least seconds of a run that has a drill as well, its ramp included."""
    return settings.ramp_seconds + max(after_s, steady.STEADY_S) + length_s(drill, settings) + LAST_S


def server_name(settings: Settings, engine: str) -> str:
    """Return what is drilled, for the page of all drills: a model, with its number of processes, or another server.

    The engine is part of it: what a server survives in containers is another matter than as local processes.
    """
    found = settings.user_server or settings["TARGET"] or settings["MODEL"]
    if found == settings["MODEL"] and settings["PROCESSES"] != "1":
        found += f", {settings['PROCESSES']} processes"
    return f"{found}, {WHERE.get(engine, engine)}"


class DrillRunner(Beside):
    """The drill of one run. `after_s`: seconds after the ramp at which it comes; None: the run is for it alone.

    `predicted` and `parts`: what was predicted, and what ran, when the fault came.
    """

    def __init__(self, drill: Drill, engine: str, settings: Settings, after_s: float | None = None) -> None:
        self._drill = drill
        self._engine = engine
        self._settings = settings
        self._seconds: list[Mapping[str, Any]] = []
        self.predicted: tuple[Expected, ...] = ()
        self.parts: Sequence[Part] = ()
        self._ended = threading.Event()
        self._over = threading.Event()
        self._objective = float(settings["MAX_P99_MS"] or 0) or None  # 0: no limit
        self._alone = after_s is None
        # When the fault may come, in seconds of the run.
        self._from_s, self._until_s = 0.0, settings.ramp_seconds + STEADY_MOST_S
        if after_s is not None:
            self._from_s = settings.ramp_seconds + after_s
            self._until_s = settings.run_seconds - length_s(drill, settings) - LAST_S
        self._marks = Marks(
            drill.name,
            drill.text,
            length_s(drill, settings),
            server=server_name(settings, engine),
            p99_ms=self._objective,
            beside=not self._alone,
        )

    def relaying(self, relay: Callable[[str], None]) -> Callable[[str], None]:
        """Return a relay that also takes the seconds of the run from the master's lines."""

        def both(line: str) -> None:
            if second := message(line).get("progress"):
                self._seconds.append(second)
            relay(line)

        return both

    @contextlib.contextmanager
    def beside(self, lab: Deployment) -> Iterator[None]:
        """Conduct it while the block goes on; what is left of the fault is healed before the block's end."""
        thread = threading.Thread(target=self._run, args=(lab,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._over.wait(JOIN_S)

    def _run(self, lab: Deployment) -> None:
        try:
            self._conduct(lab)
        except Ended:
            pass
        except Exception as error:  # whatever it is: the run says that its drill failed
            with contextlib.suppress(Exception):
                self._tell(lab, trouble=f"the drill failed: {type(error).__name__}: {error}", end=self._alone)
        finally:
            self._over.set()
        self._ended.wait()

    def _conduct(self, lab: Deployment) -> None:
        self._tell(lab)  # from now on the master notes each second
        if unsteady := self._steady():
            self._tell(lab, unsteady=unsteady, end=self._alone)
            return
        before = steady.before(self._seconds)
        stage, self.parts = self._stage(lab), lab.parts()
        self.predicted = predicted = tuple(self._drill.expects(stage, before))
        keeps, unknown = self._drill.keeps(stage, before), self._drill.unknown(stage)
        disturbed = self._drill.disturbed(stage)
        self._tell(lab, predicted=predicted, unknown=unknown, wanted=keeps, disturbed=disturbed)
        note(f"Drill {self._drill.name}: {self._drill.text} ({before.held} connections are held steadily)")
        self._tell(lab, asked=time.time())
        with contextlib.ExitStack() as fault:
            try:
                fault.enter_context(self._drill.injected(stage))
            except (LabError, OSError) as error:
                if not self._drill.lasts or isinstance(error, NotHealed):
                    raise
                self._tell(lab, impossible=str(error), injected=None, end=self._alone)
                return
            stage.began()
            if self._drill.lasts:
                self._wait(stage.for_s)
        if self._drill.ends_run:
            return
        self._tell(lab, healed=time.time())
        if left := self._still_frozen(lab):
            self._tell(lab, trouble=f"it did not heal: {', '.join(left)} was still frozen", end=self._alone)
            return
        note(f"Drill {self._drill.name}: healed")
        if self._alone:
            self._watch(len(self._seconds), keeps)
            self._tell(lab, end=True)

    def _steady(self) -> str:
        """Wait until the fault may come and the load holds steadily; return why it does not, "" if it does."""
        while True:
            found = list(self._seconds)
            at_s, why = found[-1]["elapsed_s"] if found else 0.0, steady.why_not(found, self._objective)
            if at_s >= self._from_s and not why:
                return ""
            if at_s > self._until_s:
                return why
            self._wait(POLL_S)

    def _watch(self, since: int, wanted: int) -> None:
        """Wait until the run has recovered, or RECOVER is over; the master's own figures decide."""
        deadline = time.monotonic() + seconds_of(self._settings["RECOVER"])
        while time.monotonic() < deadline:
            found = [Second(one["elapsed_s"], one["held"], one["p99_ms"]) for one in self._seconds[since:]]
            if recovered_at(found, 0.0, wanted, self._objective) is not None:
                self._wait(SEEN_S)
                return
            self._wait(POLL_S)

    def _still_frozen(self, lab: Deployment) -> list[str]:
        """Return the parts that are frozen although the drill has healed; they are thawed in another way."""
        frozen = [part for part in lab.parts() if part.is_frozen()]
        for part in frozen:
            lease.heal(part.thaw_by_others())
        return [part.name for part in frozen]

    def _stage(self, lab: Deployment) -> Stage:
        def leased(undo: Sequence[lease.Undo]) -> AbstractContextManager[None]:
            return lease.lease(undo, self._marks.for_s + LEASE_S)

        def measured(name: str, value: float) -> None:
            self._marks = replace(self._marks, own={**self._marks.own, name: value})

        def find(text: str) -> None:
            self._marks = replace(self._marks, findings=(*self._marks.findings, text))

        def account(rows: Mapping[str, int]) -> None:
            self._marks = replace(self._marks, extra=rows)

        def began() -> None:
            if self._marks.injected is None:
                self._tell(lab, injected=time.time())

        return Stage(
            self._engine, self._settings, lab, self._marks.for_s, leased, self._wait, measured, find, account, began
        )

    def _tell(self, lab: Deployment, **more: Any) -> None:
        self._marks = replace(self._marks, **more)
        lab.tell(NAME, self._marks.text_of_file())

    def _wait(self, seconds: float) -> None:
        if self._ended.wait(seconds):
            raise Ended

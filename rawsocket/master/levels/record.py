"""The levels of one run under a load shape: when each was held, its own steady window, what was counted in it.

Rules:

- A level begins with its ramp. Failures in its ramp are its own: they are what it costs to get there.
- Its time starts when it is held. Its steady window opens `settle_s` later and closes when its time is over.
- A level with as many users as the one before it has no ramp: it is held from its beginning on.
- Counts come with the workers' reports, once a second. So those of a level's last second may count for the next one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from rawsocket.master.steady_window import SteadyWindow
from rawsocket.master.timeline import Sample
from rawsocket.measurement.latencies import Latencies
from rawsocket.measurement.report import Report
from rawsocket.measurement.stats_rows import CONNECTS
from rawsocket.shapes.shape import Level, Shape
from rawsocket.verdict import words
from rawsocket.verdict.levels.outcome import JudgedLevel


@dataclass(frozen=True)
class Counted:
    """What a run has counted up to a moment; `rows` has (events, failures) by name."""

    failures: int = 0
    events: int = 0
    rows: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def since(self, before: "Counted") -> "Counted":
        """Return what was counted since an earlier moment."""
        rows = {
            name: (events - before.rows.get(name, (0, 0))[0], failures - before.rows.get(name, (0, 0))[1])
            for name, (events, failures) in self.rows.items()
        }
        return Counted(self.failures - before.failures, self.events - before.events, rows)


@dataclass
class LevelRecord:
    """One level that has begun; times are of the monotonic clock, None: that moment has not come.

    `not_held`: why it could not be held. `cut`: the stop came before its time was over. `connects`: times of connects.
    `kept`: how it was judged and its document, once it has ended with all its counts.
    """

    number: int
    level: Level
    begun_at: float
    before: Counted
    connects: Latencies
    held_at: float | None = None
    ended_at: float | None = None
    window: SteadyWindow | None = None
    not_held: str = ""
    held_at_most: int | None = None  # of a level that could not be held
    cut: bool = False
    after: Counted | None = None  # None: until stop was asked
    server_cpu: list[float] = field(default_factory=list)  # cores, of each second in which it was held
    kept: tuple[JudgedLevel, Mapping[str, Any]] | None = None

    @property
    def server_cpu_share(self) -> float | None:
        """The share of a core that the server used while the level was held, None if that is unknown."""
        return fmean(self.server_cpu) if self.server_cpu else None


class Levels:
    """The levels of a run that have begun, in their order; none, and false, without a shape.

    `unjudged`: see Latencies.
    """

    def __init__(self, shape: Shape | None, unjudged: set[str]) -> None:
        self.shape = shape
        self.planned = len(shape.levels()) if shape else 0
        self.records: list[LevelRecord] = []
        self._unjudged = unjudged

    def __bool__(self) -> bool:
        return self.shape is not None

    @property
    def current(self) -> LevelRecord | None:
        """The level that is held now, or that the run is on its way to; None between two, and after the last."""
        last = self.records[-1] if self.records else None
        return last if last is not None and last.ended_at is None else None

    @property
    def text(self) -> str:
        """Where the run is: 'level 2 of 10, 200 users'; "" before the first level, and without a shape."""
        if not self.records:
            return ""
        last = self.records[-1]
        return f"level {last.number} of {self.planned}, {words.count(last.level.users, 'user')}"

    def begin(self, level: Level, now: float, counted: Counted) -> LevelRecord:
        """Begin a level, with its ramp."""
        record = LevelRecord(len(self.records) + 1, level, now, counted, Latencies(self._unjudged))
        self.records.append(record)
        self.planned = max(self.planned, record.number)
        return record

    def hold(self, now: float) -> None:
        """Note that the current level is held: its time starts."""
        if record := self.current:
            record.held_at = now
            record.window = SteadyWindow(now + record.level.settle_s, Latencies(self._unjudged))

    def give_up(self, why: str, held: int) -> None:
        """Note why the current level could not be held, and the connections that were."""
        if record := self.current:
            record.not_held, record.held_at_most = why, held

    def end(self, now: float, counted: Counted | None, cut: bool = False) -> None:
        """End the current level; `counted` None: its counts are those until stop was asked."""
        if record := self.current:
            record.ended_at, record.after, record.cut = now, counted, cut
            if record.window and record.window.opened:
                record.window.close(now)

    def stopping(self, now: float) -> None:
        """End the current level because stop was asked for: short of its time, or at the end of it."""
        if record := self.current:
            held_s = 0.0 if record.held_at is None else now - record.held_at
            over = held_s >= record.level.hold_s - 0.5 or (record.level.hold_s == math.inf and held_s > 0)
            self.end(now, None, cut=not over and not record.not_held)

    # -- what comes from the workers --------------------------------------------------------------------------------

    def open_window(self, now: float, latest: Mapping[str, Report | None]) -> None:
        """Open the window of the current level if it is time."""
        window = self.current.window if self.current else None
        if window and not window.opened and now >= window.opens_at:
            window.open(latest)

    def add(self, worker: str, report: Report, before_s: float, at_stop: bool) -> None:
        """Add a report; see SteadyWindow.add()."""
        if record := self._with_all_counts():
            record.connects.add(row for row in report.rows if row.name in CONNECTS)
            if record.window:
                record.window.add(worker, report, before_s, at_stop)

    def add_sample(self, sample: Sample) -> None:
        """Add a second of the timeline."""
        if (record := self.current) and record.window:
            record.window.add_sample(sample)

    def latencies_at_stop(self) -> list[Latencies]:
        """Return where the times of messages belong that waited when stop was asked."""
        window = record.window if (record := self._with_all_counts()) else None
        return [window.latencies] if window and window.opened else []

    def _with_all_counts(self) -> LevelRecord | None:
        """Return the current level, or the one in which stop was asked."""
        last = self.records[-1] if self.records else None
        return last if last and (last.ended_at is None or last.after is None) else None

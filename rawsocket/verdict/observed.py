"""Pure: what was seen while a run went on, such as events and silences, and all that is known of it at the end.

Times are seconds since the start of the run. The reports of the workers say in the end what became of each message;
when something happened is only seen while it happens.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rawsocket.measurement.report import Counts, Report
from rawsocket.verdict import words
from rawsocket.verdict.judge import Check, Figures
from rawsocket.verdict.silent_feeds import FeedSilence

RAMP, STEP, STORM, STOP, ALERT = "ramp-complete", "step", "storm", "stop", "alert"
PROCESS_LOST, WORKER_LOST, DRILL = "process-lost", "worker-lost", "drill"
KINDS = (RAMP, STEP, STORM, PROCESS_LOST, WORKER_LOST, STOP, ALERT, DRILL)
#: What charts call an event, where that is not its kind. RAMP: users have started; their connections may come later.
LABELS = {RAMP: "all users started"}
REPORT_S = 1.5  # between two reports of a worker, at most
MOST_EVENTS = 200  # of a run; a chart with more can't be read


@dataclass(frozen=True)
class Event:
    """Something that happened `at_s` seconds after the start; `kind` is one of KINDS, `label` what charts call it."""

    at_s: float
    kind: str
    text: str
    label: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as verdict.json has it."""
        return {**asdict(self), "label": self.label or LABELS.get(self.kind, self.kind.replace("-", " "))}


@dataclass(frozen=True)
class Silence:
    """The server sent nothing for `seconds` from `from_s` on, while `overdue` messages waited for their reply."""

    from_s: float
    seconds: float
    overdue: int


@dataclass(frozen=True)
class Overdue:
    """`replies` were overdue from `from_s` on, the oldest for `seconds`, while others came.

    `stuck` of `processes` of the server stood still; 0: it is not known that one did.
    """

    from_s: float
    seconds: float
    replies: int
    stuck: int = 0
    processes: int = 1

    def now(self) -> str:
        """Return it as a sentence while it lasts."""
        said = f"{words.count(self.replies, 'reply')} {'is' if self.replies == 1 else 'are'} overdue"
        nothing = "answers nothing" if self.stuck == 1 else "answer nothing"
        return f"{said} for up to {words.seconds(self.seconds)}{self._processes(nothing)}"

    def afterwards(self) -> str:
        """Return it as a sentence about a run that has ended."""
        said = f"{words.count(self.replies, 'reply')} {'was' if self.replies == 1 else 'were'} overdue"
        when = f"for up to {words.seconds(self.seconds)}, from {words.seconds(self.from_s)} on, while others came"
        return f"{said} {when}{self._processes('answered nothing')}"

    def _processes(self, did: str) -> str:
        known = 0 < self.stuck < self.processes
        return f": {self.stuck} of {self.processes} processes of the server {did}" if known else ""


@dataclass
class Observed:
    """What was seen of one run. `restarted_at_s`: when the server was restarted; None: it was not.

    `server_lost_at_s`: since when it has not answered on its admin port. `longest` is the longest silence; `silences`
    has the times of all, from and to.
    `loop_lag_s`: the longest turn of its loop. `processes_lost` were replaced, with `connections_lost`.
    """

    events: list[Event] = field(default_factory=list)
    restarted_at_s: float | None = None
    server_lost_at_s: float | None = None
    longest: Silence | None = None
    silences: list[list[float]] = field(default_factory=list)
    overdue: Overdue | None = None
    feed: FeedSilence | None = None
    loop_lag_s: float = 0.0
    processes_lost: int = 0
    connections_lost: int = 0
    _lasting: list[float] | None = None

    def note(self, at_s: float, kind: str, text: str, label: str = "") -> None:
        """Add an event, unless there are too many already."""
        if len(self.events) < MOST_EVENTS:
            self.events.append(Event(round(at_s, 1), kind, text, label))

    def note_silence(self, silence: Silence | None, at_s: float) -> None:
        """Take the silence as of now, None if there is none: keep the longest, and when each was until bytes came."""
        if self._lasting is not None:
            self._lasting[1] = max(self._lasting[1], round(at_s, 1))
        elif silence:
            self._lasting = [silence.from_s, round(at_s, 1)]
            self.silences = [*self.silences, self._lasting][:MOST_EVENTS]
        if silence is None:
            self._lasting = None
        elif self.longest is None or silence.seconds > self.longest.seconds:
            self.longest = silence

    def note_overdue(self, found: Overdue | None) -> None:
        """Keep the longest one."""
        if found and (self.overdue is None or found.seconds > self.overdue.seconds):
            self.overdue = found

    def note_feed(self, silence: FeedSilence | None) -> None:
        """Keep the longest one of the feed."""
        if silence and (self.feed is None or silence.seconds > self.feed.seconds):
            self.feed = silence

    def all_events(self, storms: Iterable[Event] = ()) -> list[dict[str, Any]]:
        """Return the events and those of the storms as verdict.json has them, in order of time."""
        return [event.document() for event in sorted([*self.events, *storms], key=lambda event: event.at_s)]


def storm_events(reports: Iterable[Report], started_s: float) -> list[Event]:
    """Return an event for each storm; `started_s`: when the run began, of the wall clock, as the storms' own times."""
    dropped: dict[int, int] = {}
    for report in reports:
        for storm in report.storms:
            dropped[storm.moment] = dropped.get(storm.moment, 0) + storm.dropped
    return [
        Event(round(max(0.0, moment - started_s), 1), STORM, f"storm: {words.count(number, 'connection')} dropped")
        for moment, number in dropped.items()
    ]


class Silences:
    """Watches the workers' reports for a server that sends nothing though it should.

    Each worker is judged by its own clock: one that is frozen reports nothing, and says nothing about the server. The
    server is silent if all workers with messages in flight have received nothing.
    """

    def __init__(self) -> None:
        self._since: dict[str, tuple[float, int]] = {}  # when bytes last came, and how many had come by then

    def look(
        self, latest: Mapping[str, Report], at_s: float, age: Callable[[str], float] = lambda worker: 0.0
    ) -> Silence | None:
        """Return the silence as of the latest report of each worker, None if there is none; `age`: of a report.

        Bytes came last between two reports. Where the oldest reply that is awaited was asked for then, it began there.
        """
        silent = {worker: self._silent_s(worker, report) for worker, report in latest.items()}
        waiting = {worker: in_flight(latest[worker]) for worker in silent}
        waiting = {worker: number for worker, number in waiting.items() if number}
        if not waiting or not min(silent[worker] for worker in waiting):
            return None
        last = min(waiting, key=lambda worker: silent[worker])
        told_s = at_s - age(last)
        since_s = told_s - silent[last]
        asked_s = min(at_s - age(worker) - latest[worker].outstanding_s for worker in waiting)
        from_s = max(0.0, min(since_s, max(asked_s, since_s - REPORT_S)))
        return Silence(round(from_s, 1), told_s - from_s, sum(waiting.values()))

    def _silent_s(self, worker: str, report: Report) -> float:
        came = report.counts.bytes.received
        since, before = self._since.get(worker, (report.wall_s, -1))
        if came != before or not in_flight(report):
            since = report.wall_s
        self._since[worker] = since, came
        return report.wall_s - since


def in_flight(report: Report) -> int:
    """Return the messages of a worker that were sent and have no reply yet."""
    messages = report.counts.messages
    return max(0, messages.sent - messages.delivered - messages.wrong - messages.unanswered)


@dataclass(frozen=True)
class LabFact:
    """What only the lab on the host knows of one of its parts: how it ended, the last line of its log."""

    part: str
    text: str
    name: str = "ended"
    log: str = ""

    @property
    def killed(self) -> bool:
        """Whether it was killed, and nobody knows by whom."""
        return "SIGKILL" in self.text

    def said(self, subject: str, when: str = "") -> str:
        """Return it as a sentence: 'The server was killed (SIGKILL) 8 s after the start, by hand or ...'."""
        how, comma, rest = self.text.removeprefix("it ").partition(", ")
        return f"{subject} {how}{when}{comma}{rest}{f' ({self.log})' if self.log else ''}"


@dataclass(frozen=True)
class Facts:
    """All that is known of a run. `server` are its counters of this run, {} if unknown; `ledger` are its doubts.

    `held_at_stop`: connections when stop was asked. `wanted`: the connections of all `users`. `model`: the server's, ""
    if unknown. `at_stop_s`: when stop was asked. `time_s`: the length that was asked for. `lab`: what the lab told.
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
    users: int = 0
    every_s: float | None = None
    time_s: float | None = None
    peak: int = 0
    held_at_stop: int = 0
    at_stop_s: float = 0.0
    notes: Sequence[str] = ()
    lab: Sequence[LabFact] = ()

    def failed(self, name: str) -> int:
        """Return the connects that failed, or connections that were dropped, with this name."""
        tcp = self.counts.connections
        return tcp.failed.get(name, 0) + tcp.dropped.get(name, 0)

    def fact(self, part: str) -> LabFact | None:
        """Return what the lab knows of a part, or of a worker if `part` is "worker"."""
        return next((one for one in self.lab if one.part.startswith(part)), None)

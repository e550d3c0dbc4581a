"""Pure: what is wrong while a run goes on. One function for each alert, in a table; a new alert is one row of ALERTS.

Each function gets what is known now and yields an alert for each worker that it concerns, or one for the whole run. An
alert lasts as long as its function yields it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rawsocket.measurement.report import ScenarioError
from rawsocket.verdict import remedies, run_errors, words
from rawsocket.verdict.observed import REPORT_S, Overdue, Silence
from rawsocket.verdict.silent_feeds import FeedSilence

SILENT_S = 3.0  # reports come once a second, and the last one may be a second old
LATELY_S = 5.0  # what has not happened again for this long is over
NO_ANSWER_S = 3.0  # of the server's admin port
NO_REPORT_S = 3.0  # of a worker
PROCESSES, RESTARTED = "processes-lost", "restarted"  # names in Now.growing, beside those of failures
READY, STARTING, ON_TRACK, IN_TROUBLE = "ready", "starting", "on track", "in trouble"


@dataclass(frozen=True)
class Server:
    """The server as its own counters show it; `cap` None: unknown. `answers`: whether it has answered lately.

    `stuck`: processes that hold connections and whose loops don't turn.
    """

    held: int | None = None
    cap: int | None = None
    model: str = ""
    processes: int = 1
    processes_wanted: int = 1
    stuck: int = 0
    answers: bool = True
    silent_s: float = 0.0


@dataclass(frozen=True)
class Now:
    """A second of a run. `wanted` are the connections of all users that have started; counts are of the whole run.

    `growing`: names of what was counted again in the last LATELY_S seconds, failures, PROCESSES and RESTARTED. `lost`:
    (name, how it was lost) of each lost worker; `ages`: (name, seconds since its last report) of the others.
    `saturated`: (name, why) of each worker whose figures are in doubt. `outstanding`: on how many connections a reply
    is awaited for SILENT_S or more, and the longest of these times in seconds.
    """

    at_s: float = 0.0
    wanted: int = 0
    held: int = 0
    target: str = ""
    failures: dict[str, int] = field(default_factory=dict)
    growing: frozenset[str] = frozenset()
    silence: Silence | None = None
    slowest_s: float = 0.0
    outstanding: tuple[int, float] = (0, 0.0)
    feed: FeedSilence | None = None
    server: Server = field(default_factory=Server)
    lost: Sequence[tuple[str, str]] = ()
    ages: Sequence[tuple[str, float]] = ()
    saturated: Sequence[tuple[str, str]] = ()
    limit_example: str = ""
    scenario_errors: Sequence[ScenarioError] = ()


@dataclass(frozen=True)
class Found:
    """An alert: its text, the worker that it concerns ("": the whole run), since when if that is known."""

    text: str
    whom: str = ""
    since_s: float | None = None


def _server_full(now: Now) -> Iterator[Found]:
    refused = now.failures.get("server-full", 0)
    full = now.server.cap is not None and (now.server.held or 0) >= now.server.cap
    if refused and ("server-full" in now.growing or full):
        # At its cap it holds as many as that, though its count and the clients' may be a second old.
        holds = now.server.cap or max(now.server.held or 0, now.held)
        users = max(0, now.wanted - holds)
        kept_out = (
            f"{words.count(users, 'user')} {_are(users)} refused" if users else f"it refused {refused:,} connects"
        )
        remedy = remedies.cap(now.server.model, now.server.cap, now.wanted)
        yield Found(f"Server full: it holds {words.number(holds)}; {kept_out}. {remedy}")


def is_silent(now: Now) -> bool:
    """Return whether the server has been silent for longer than any reply of this run took."""
    return now.silence is not None and now.silence.seconds >= max(SILENT_S, now.slowest_s)


def _server_silent(now: Now) -> Iterator[Found]:
    if is_silent(now) and now.silence:
        replies = words.count(now.silence.overdue, "reply")
        text = f"Server silent for {words.seconds(now.silence.seconds)}, {replies} overdue"
        yield Found(text, since_s=now.silence.from_s)
    elif not now.server.answers and now.server.silent_s >= NO_ANSWER_S:
        text = f"No answer from the server's admin port for {words.seconds(now.server.silent_s)}"
        yield Found(text, since_s=max(0.0, now.at_s - now.server.silent_s))


def overdue(now: Now) -> Overdue | None:
    """Return the replies that are overdue while others come; a silence that is about to be told has its own alert."""
    number, longest_s = now.outstanding
    silent_s = now.silence.seconds if now.silence else 0.0
    if not number or longest_s < max(SILENT_S, now.slowest_s) or silent_s >= SILENT_S - REPORT_S:
        return None
    since_s = round(max(0.0, now.at_s - longest_s), 1)
    return Overdue(since_s, longest_s, number, now.server.stuck, now.server.processes)


def _replies_overdue(now: Now) -> Iterator[Found]:
    if found := overdue(now):
        yield Found(found.now(), since_s=found.from_s)


def _feed_silent(now: Now) -> Iterator[Found]:
    if now.feed and not is_silent(now):
        yield Found(now.feed.now(), since_s=now.feed.from_s)


def _refused(now: Now) -> Iterator[Found]:
    refused = now.failures.get("refused", 0)
    if refused and not now.held and "refused" in now.growing:
        yield Found(f"Nothing can be reached at {now.target}: {words.count(refused, 'connect')} refused")


def _process_lost(now: Now) -> Iterator[Found]:
    server = now.server
    if server.processes < server.processes_wanted:
        yield Found(f"Only {server.processes} of {server.processes_wanted} processes of the server serve")
    elif RESTARTED in now.growing:
        yield Found("The server was restarted: its connections were cut")
    elif PROCESSES in now.growing:
        yield Found("A process of the server was lost and replaced: its connections were cut")


def _worker_lost(now: Now) -> Iterator[Found]:
    for name, why in now.lost:
        yield Found(f"{words.sentence(name)} lost: {why}", name)


def _worker_silent(now: Now) -> Iterator[Found]:
    for name, age in now.ages:
        if age >= NO_REPORT_S:
            text = f"{words.sentence(name)} has sent no report for {words.seconds(age)}"
            yield Found(text, name, now.at_s - age)


def _saturated(now: Now) -> Iterator[Found]:
    for name, why in now.saturated:
        yield Found(words.sentence(why), name)


def _generator_limit(now: Now) -> Iterator[Found]:
    number = now.failures.get(run_errors.GENERATOR_LIMIT, 0)
    if number and run_errors.GENERATOR_LIMIT in now.growing:
        what, remedy = remedies.shortage(now.limit_example)
        yield Found(f"{words.sentence(what)} on the load generator's machine ({words.times(number)}). {remedy}")


def _scenario(now: Now) -> Iterator[Found]:
    for reason in run_errors.scenario(now.scenario_errors)[:1]:
        yield Found(words.sentence(reason))


#: The most important first. The name is the alert's own in /lab/state.json.
ALERTS: tuple[tuple[str, Callable[[Now], Iterator[Found]]], ...] = (
    ("scenario", _scenario),
    ("worker-lost", _worker_lost),
    ("worker-silent", _worker_silent),
    ("server-silent", _server_silent),
    ("replies-overdue", _replies_overdue),
    ("feed-silent", _feed_silent),
    ("process-lost", _process_lost),
    ("refused", _refused),
    ("server-full", _server_full),
    ("generator-limit", _generator_limit),
    ("saturated", _saturated),
)
#: What charts call an alert, where that is not its name.
LABELS = {
    "scenario": "exception",
    "refused": "connects refused",
    "generator-limit": "generator's limit",
    "saturated": "generator slow",
}
#: These have an event of their own.
NOTED_ELSEWHERE = ("worker-lost", "process-lost")


class Begun(NamedTuple):
    """An alert that is new: its name, its text, since when."""

    name: str
    text: str
    since_s: float

    @property
    def label(self) -> str:
        """What a chart calls it."""
        return LABELS.get(self.name, self.name.replace("-", " "))


class AlertBook:
    """The alerts of one run, and since when each has lasted."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], float] = {}
        self.lasting: list[dict[str, Any]] = []

    def update(self, now: Now) -> list[Begun]:
        """Evaluate the table; return each alert that is new."""
        found = [(name, alert) for name, function in ALERTS for alert in function(now)]
        before = self._since
        self._since = {(name, alert.whom): self._began(name, alert, now) for name, alert in found}
        self.lasting = [
            {"name": name, "text": alert.text, "since_s": round(self._since[name, alert.whom], 1)}
            for name, alert in found
        ]
        return [
            Begun(name, alert.text, self._since[name, alert.whom])
            for name, alert in found
            if (name, alert.whom) not in before
        ]

    def _began(self, name: str, alert: Found, now: Now) -> float:
        first = now.at_s if alert.since_s is None else alert.since_s
        return self._since.get((name, alert.whom), first)


def status(*, started: bool, reporting: bool, troubled: bool, verdict: str = "") -> str:
    """Return the word for a run: `reporting`: workers have reported; `troubled`: an alert lasts, a threshold is missed.

    After the run it is the verdict in capitals.
    """
    if verdict:
        return verdict.upper()
    if not started:
        return READY
    return IN_TROUBLE if troubled else ON_TRACK if reporting else STARTING


def _are(number: int) -> str:
    return "is" if number == 1 else "are"

"""The master's questions for the ledger: what the server had counted when a run began, when stop was asked, at its end.

Rules:

- The counters at the start are fresh: asked for before any user is started, which waits for the answer.
- At the end the server is asked until it has seen the last connection closed, bounded: `SETTLE_S`, or
  `HURRY_S` in a run that was interrupted, since whoever did that may not wait.
- A server that is said to have counters and doesn't give them leaves a doubt. One that has none does not.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from rawsocket import options
from rawsocket.master.server_probe import Counters, ServerProbe, restarted, since
from rawsocket.master.timeline import Sample
from rawsocket.master.workers import Fleet, Member
from rawsocket.verdict.ledger import Moment, Server, Wire
from rawsocket.wire.framing import Delimiter, Framing

SETTLE_S = 6.0  # an epoll server has seen the last of 10,000 connections closed after 0.14 s; this is for a busy one
HURRY_S = 1.0
STILL = 3  # samples, a second each: as old as the older of two counts beside each other may be

AT_START = "the server's counters could not be read when the run began"
AT_END = "the server's counters could not be read when the run had ended (is it down, or stalled?)"
NEVER_ENDED = "the server's counters were not read when the run had ended"
RESTARTED = "the server was restarted during the run: what it had counted before that is unknown"


class Audit:
    """The server's side of one run after the other."""

    def __init__(self, probe: ServerProbe) -> None:
        self._probe = probe
        self._start: Counters | None = None
        self._end: Counters | None = None
        self._trouble = ""
        self._at_stop: Moment | None = None

    def begin(self) -> None:
        """Ask at the start of a run; blocks for some milliseconds, or where no answer comes for 1.6 s."""
        self._end = self._at_stop = None
        self._trouble = NEVER_ENDED if self._probe.present else ""
        self._start = self._probe.poll() or self._probe.counters

    def stopping(self, samples: Sequence[Sample]) -> None:
        """Note who held how many when stop was asked, if that has stood still: the two counts are a second apart."""
        last = samples[-STILL:]
        if len(last) < STILL or any(sample.connects_s or sample.server_held is None for sample in last):
            return
        held, server = {sample.held for sample in last}, last[-1].server_held
        if len(held) == 1 and server is not None:
            self._at_stop = Moment(held.pop(), server, (self._probe.counters or {}).get("backlog"))

    def end(self, hurry: bool = False) -> None:
        """Ask at the end of a run; blocks until the server has caught up, bounded."""
        if not self._probe.present:
            return
        held = (self._start or {}).get("connections", 0)
        self._end = self._probe.settle(held, HURRY_S if hurry else SETTLE_S)
        if self._start is None:
            self._trouble = AT_START
        elif self._end is None:
            self._trouble = AT_END
        else:
            self._trouble = RESTARTED if restarted(self._start, self._end) else ""

    @property
    def grown(self) -> Counters | None:
        """What the server has counted in this run: up to its end, or up to now."""
        latest = self._end or self._probe.counters
        return since(self._start or {}, latest) if latest else None

    def server(self) -> Server:
        """Give the server's side of the ledger."""
        start = self._start or {}
        return Server(
            grown=self.grown if self._end and not self._trouble else None,
            held_before=start.get("connections", 0),
            waiting_before=start.get("backlog", 0),
            trouble=self._trouble,
            at_stop=self._at_stop,
        )


def clients(fleet: Fleet) -> tuple[dict[str, Any], list[str], list[dict[str, Any]]]:
    """Give the clients' side: the sums, what is unknown of workers that were lost, and each worker's own counts."""
    members = fleet.participants
    lost = [_lost(member) for member in members if member.lost or not member.final]
    return fleet.totals(), lost, [_counts(member) for member in members]


def wire(users: Iterable[type], parsed: Any) -> Wire:
    """Give how the users of a run speak, from their classes and the lab's flags."""
    option = options.value(parsed, "framing")
    framings = {_framing(getattr(user, "framing", None), option) for user in users}
    framing = framings.pop() if len(framings) == 1 else "mixed" if framings else option
    return Wire(framing, options.value(parsed, "size"), options.value(parsed, "app"))


def _framing(framing: Framing | None, option: str) -> str:
    if framing is None:
        return option
    if isinstance(framing, Delimiter) and framing.mark == b"\n":
        return "line"
    return type(framing).__name__.lower()


def _lost(member: Member) -> str:
    why = f"was lost ({member.lost})" if member.lost else "has not given its final numbers"
    if member.counts is None:
        return f"worker {member.id} {why} and never reported: what it did is unknown"
    said = member.counts["messages"]
    open_ones = said["sent"] - said["answered"] - said["wrong"] - said["unanswered"]
    return (
        f"worker {member.id} {why}: what became of the {member.counts['held']} connections that it held and its "
        f"{open_ones} messages in flight at its last report, and what it did after that, is unknown"
    )


def _counts(member: Member) -> dict[str, Any]:
    kept = ("held", "sessions", "connections", "messages", "bytes")
    counts = member.counts or {}
    return {"id": member.id, "lost": bool(member.lost), **{name: counts.get(name) for name in kept}}

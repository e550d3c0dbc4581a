"""What the server counted in a run, for the ledger: asked when the run starts, when stop is asked and at its end.

Rules:

- The counters at the start are fresh: they are asked for before any user is started, which waits for the answer.
- At the end the server is asked until it has seen the last connection closed, bounded: QUIET_WITHIN_S, or
  QUIET_WITHIN_S_HURRIED in a run that was interrupted, since the person who did that may not wait.
- A server that is said to have counters and doesn't give them leaves a doubt. One that has none does not.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Self

from rawsocket.master.server_probe import Counters, ServerProbe, restarted, since
from rawsocket.master.timeline import Sample
from rawsocket.settings import options
from rawsocket.verdict.ledger import Moment, ServerSide, WireFormat
from rawsocket.wire.framing import Delimiter, Framing

# An epoll server has seen the last of 10,000 connections closed after 0.14 s; this is for a busy one.
QUIET_WITHIN_S = 6.0
QUIET_WITHIN_S_HURRIED = 1.0
STILL = 3  # samples, a second each: as old as the older of two counts beside each other may be

AT_START = "the server's counters could not be read when the run began"
AT_END = "the server's counters could not be read when the run had ended (is it down, or stalled?)"
NEVER_ENDED = "the server's counters were not read when the run had ended"
RESTARTED = "the server was restarted during the run: what it had counted before that is unknown"


class ServerCounts:
    """The server's side of one run; `start` is what it had counted when the run started, None where that is unknown."""

    def __init__(self, probe: ServerProbe, start: Counters | None, trouble: str = "") -> None:
        self._probe = probe
        self._start = start
        self._end: Counters | None = None
        self._trouble = trouble
        self._at_stop: Moment | None = None

    @classmethod
    def at_start(cls, probe: ServerProbe) -> Self:
        """Ask at the start of a run; blocks for some milliseconds, or for 1.6 s where no answer comes."""
        return cls(probe, probe.poll() or probe.counters, NEVER_ENDED if probe.present else "")

    @classmethod
    def before_first_run(cls, probe: ServerProbe) -> Self:
        """Give the counts while no run has started: all that the server has counted so far."""
        return cls(probe, None)

    @classmethod
    def none(cls) -> Self:
        """Give the counts of a server that has none."""
        return cls(ServerProbe(""), None)

    def stopping(self, samples: Sequence[Sample]) -> None:
        """Note how many connections each side held when stop was asked, if that has stood still.

        The two counts are up to a second apart.
        """
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
        self._end = self._probe.poll_until_quiet(held, QUIET_WITHIN_S_HURRIED if hurry else QUIET_WITHIN_S)
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

    def for_ledger(self) -> ServerSide:
        """Give the server's side of the ledger."""
        start = self._start or {}
        return ServerSide(
            grown=self.grown if self._end and not self._trouble else None,
            held_before=start.get("connections", 0),
            waiting_before=start.get("backlog", 0),
            trouble=self._trouble,
            at_stop=self._at_stop,
        )


def wire_format(users: Iterable[type], parsed: Any) -> WireFormat:
    """Give how the users of a run speak, from their classes and the lab's flags."""
    option = options.value(parsed, "framing")
    framings = {_framing(getattr(user, "framing", None), option) for user in users}
    framing = framings.pop() if len(framings) == 1 else "mixed" if framings else option
    return WireFormat(framing, options.value(parsed, "size"), options.value(parsed, "app"))


def _framing(framing: Framing | None, option: str) -> str:
    if framing is None:
        return option
    if isinstance(framing, Delimiter) and framing.mark == b"\n":
        return "line"
    return type(framing).__name__.lower()

"""The server's counts in a run, for the ledger: read when the run starts, when stop is asked and at its end.

Rules:

- The counters at the start are fresh: they are read before the first user starts.
- At the end the counters are polled until the server has seen the last connection closed, bounded: QUIET_WITHIN_S, or
  QUIET_WITHIN_S_HURRIED in a run that was interrupted, because the person who interrupted it may not wait.
- A server that should have counters and doesn't return them leaves a doubt. One without counters does not.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Self

from rawsocket.master.server_probe import Counters, ServerProbe, restarted, since
from rawsocket.master.timeline import Sample
from rawsocket.settings import options
from rawsocket.verdict.ledger import Moment, ServerSide, WireFormat
from rawsocket.wire.framing import Delimiter, Framing

# An epoll server has seen all of 10,000 connections closed after 0.14 s; a busy one needs longer.
QUIET_WITHIN_S = 6.0
QUIET_WITHIN_S_HURRIED = 1.0
STILL = 3  # samples, one a second: the older of the two compared counts may be this old

AT_START = "the server's counters could not be read when the run began"
AT_END = "the server's counters could not be read when the run had ended (is it down, or stalled?)"
NEVER_ENDED = "the server's counters were not read when the run had ended"
RESTARTED = "the server was restarted during the run: what it had counted before that is unknown"


class ServerCounts:
    """The server's side of one run; `start` has its counts when the run started, None if unknown."""

    def __init__(self, probe: ServerProbe, start: Counters | None, trouble: str = "") -> None:
        self._probe = probe
        self._start = start
        self._end: Counters | None = None
        self._trouble = trouble
        self._at_stop: Moment | None = None

    @classmethod
    def at_start(cls, probe: ServerProbe) -> Self:
        """Read the counters at the start of a run; blocks for some milliseconds, or for 1.6 s without an answer."""
        probe.usage.begin_run()
        return cls(probe, probe.poll() or probe.counters, NEVER_ENDED if probe.present else "")

    @classmethod
    def before_first_run(cls, probe: ServerProbe) -> Self:
        """Return the counts before the first run: all that the server has counted so far."""
        return cls(probe, None)

    @classmethod
    def none(cls) -> Self:
        """Return the counts of a server without counters."""
        return cls(ServerProbe(""), None)

    def stopping(self, samples: Sequence[Sample]) -> None:
        """Note how many connections each side held when stop was asked, if that number was stable.

        The two counts are up to a second apart.
        """
        last = samples[-STILL:]
        if len(last) < STILL or any(sample.connects_s or sample.server_held is None for sample in last):
            return
        held, server = {sample.held for sample in last}, last[-1].server_held
        if len(held) == 1 and server is not None:
            self._at_stop = Moment(held.pop(), server, (self._probe.counters or {}).get("backlog"))

    def end(self, hurry: bool = False) -> None:
        """Read the counters at the end of a run; blocks until the server has caught up, bounded."""
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
        """The server's counts in this run: up to its end, or up to now."""
        latest = self._end or self._probe.counters
        return since(self._start or {}, latest) if latest else None

    @property
    def document(self) -> dict[str, Any] | None:
        """The server's part of verdict.json: its counts in this run, or else its CPU and memory."""
        return self.grown or self._probe.usage.in_run()

    @property
    def model(self) -> str:
        """The server's model, as it said at the start; "" if it is unknown."""
        return str((self._start or {}).get("info", {}).get("model", ""))

    def for_ledger(self) -> ServerSide:
        """Return the server's side of the ledger."""
        start = self._start or {}
        return ServerSide(
            grown=self.grown if self._end and not self._trouble else None,
            held_before=start.get("connections", 0),
            waiting_before=start.get("backlog", 0),
            trouble=self._trouble,
            at_stop=self._at_stop,
        )


def wire_format(users: Iterable[type], parsed: Any) -> WireFormat:
    """Return the wire format of a run's users, from their classes and the lab's flags."""
    option = options.value(parsed, "framing")
    framings = {_framing(getattr(user, "framing", None), option) for user in users}
    framing = framings.pop() if len(framings) == 1 else "mixed" if framings else option
    return WireFormat(framing, options.value(parsed, "size"), options.value(parsed, "app"))


def _framing(framing: Framing | None, option: str) -> str:
    if framing is None:
        return option
    if isinstance(framing, Delimiter) and framing.mark == b"\n":
        return "several lines in a payload" if framing.many else "line"
    return type(framing).__name__.lower()

"""Who is let in: the cap, the refusals, and what happens when the process is out of descriptors.

Strategy: the listener is in the loop's set while a newcomer can be dealt with, and out of it otherwise; newcomers then
wait in the kernel's backlog and cost nothing. Rules:

- At most `ACCEPTS_PER_TURN` newcomers a turn: a flood must not starve those who are connected. They come at its end,
  when the places of those who left in the same turn are free.
- At the cap a newcomer is refused with a line (`--at-cap refuse`) or left in the backlog (`wait`). One log line when
  the cap is reached, one when the number is clearly below it again (hysteresis). Admission itself has none: a free
  place is given away at once.
- A refusal lingers until its peer closes, so that the line arrives as that line and not as a reset, but not for
  longer than `REFUSAL_SECONDS`; with all slots taken and others waiting, not for longer than `CROWDED_SECONDS`. (Linux
  keeps what has arrived readable after a reset, so even then only one who sends twice before reading would miss it.)
- Out of descriptors: the spare one is given up to refuse one newcomer, and regained when that has gone; meanwhile the
  listener is out of the set. An accept that fails even so is tried again after `REST_SECONDS`, or it would spin.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable
from typing import Protocol

from server.monitoring.counters import Counters
from server.monitoring.log import LogRing
from server.readiness.pollers import Watcher
from server.readiness.refusal import Refusal, say_full
from server.system.errnos import CAPACITY, NEWCOMER_LOST

#: libuv and waitress settle near this, too: accepts are cheap, but each wakes a client that will want service.
ACCEPTS_PER_TURN = 64

REFUSAL_SECONDS = 1.0
CROWDED_SECONDS = 0.05

#: How long the listener rests after an accept for which even the spare descriptor was of no use.
REST_SECONDS = 1.0

#: The log says that descriptors suffice again when they have done so for this long; at the limit they come and go.
CALM_SECONDS = 5.0

NEVER = float("inf")


class Host(Protocol):
    """What the acceptor needs of the loop. Times are monotonic seconds."""

    counters: Counters
    log: LogRing
    handlers: dict[int, Handler]
    receive_size: int

    @property
    def now(self) -> float:
        """When the turn began."""
        ...

    @property
    def poller(self) -> Watcher:
        """Who calls the handlers."""
        ...

    def admit(self, sock: socket.socket, peer: object) -> None:
        """Hold this newcomer as a connection."""
        ...

    def held(self) -> int:
        """Return how many connections are held."""
        ...

    def wake_by(self, when: float) -> None:
        """Call `tick` of the acceptor at `when`, or soon after."""
        ...

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call this when all that the kernel reported in this turn has been seen to."""
        ...


class Handler(Protocol):
    """What the loop calls when the kernel reports a descriptor."""

    def on_readable(self) -> None:
        """Input, a newcomer or an end has come."""
        ...

    def on_writable(self) -> None:
        """Output can be sent."""
        ...


class Entrance(Protocol):
    """Where a loop's newcomers come from. It hands each to `admit` of its host."""

    def tick(self) -> None:
        """See to what may have become possible. Called once a second, and when asked for by `wake_by`."""
        ...

    def released(self) -> None:
        """A connection has ended: there may be room again."""
        ...

    def close(self) -> None:
        """Let nobody in any more; a second call does nothing."""
        ...


class Acceptor:
    """The listener's handler. `close()` ends it.

    `counts`: whether those that it admits are counted here; a host that passes them on has them counted where they go.
    """

    def __init__(
        self, host: Host, listener: socket.socket, cap: int, refusals: int, waits: bool, counts: bool = True
    ) -> None:
        self.at_cap = False
        self._host = host
        self._listener = listener
        self._cap = cap
        self._cap_cleared = cap - max(1, cap // 20)
        self._slots = refusals
        self._waits = waits
        self._refusals: dict[int, Refusal] = {}  # in the order in which they came
        self._spare = _open_spare()
        self._listening = False
        self._closed = False
        self._counts = counts
        self._paused = False
        self._exhausted_at = NEVER
        self._rests_until = 0.0
        host.handlers[listener.fileno()] = self
        self.review()

    # What the loop calls

    def on_readable(self) -> None:
        """Accept those who wait, when the turn is over."""
        self._host.afterwards(self._let_in)

    def _let_in(self) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            if self._closed or self._blocked():
                self.review()
                return
            try:
                sock, peer = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as problem:
                self._accept_failed(problem)
                if problem.errno in CAPACITY:
                    return
            else:
                self._decide(sock, peer)

    def on_writable(self) -> None:
        """Never asked for."""

    def tick(self) -> None:
        """See to refusals that have lingered long enough, and to what may have become possible."""
        if self._closed:
            return
        now = self._host.now
        patience = CROWDED_SECONDS if self._crowded() and self._newcomers_wait() else REFUSAL_SECONDS
        for refusal in list(self._refusals.values()):
            if now < refusal.since + patience:
                break
            refusal.close()
        if now - self._exhausted_at >= CALM_SECONDS:
            self._exhausted_at = NEVER
            self._host.log.info("descriptors suffice again")
        self.review()

    def released(self) -> None:
        """A connection has ended: there may be room again."""
        if self._closed:
            return
        if self.at_cap and self._host.held() <= self._cap_cleared:
            self.at_cap = False
            self._host.log.info("below the cap again: %d connections of %d", self._host.held(), self._cap)
        if not self._listening:
            self.review()

    def pause(self, paused: bool) -> None:
        """Leave newcomers in the backlog for now, or no longer."""
        if paused != self._paused:
            self._paused = paused
            self.review()

    def review(self) -> None:
        """Put the listener into the loop's set, or take it out, as things stand now."""
        if self._closed:
            return
        wanted = not self._blocked()
        if wanted != self._listening:
            self._listening = wanted
            self._host.poller.watch(self._listener.fileno(), wanted, False)
        if not wanted:
            self._schedule()

    def close(self) -> None:
        """Accept nobody any more. Those in the backlog are reset by the kernel, and find no server there next time."""
        if self._closed:
            return
        self._closed = True
        self._host.poller.forget(self._listener.fileno())
        del self._host.handlers[self._listener.fileno()]
        self._listener.close()
        for refusal in list(self._refusals.values()):
            refusal.close()
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None

    # How it is done

    def _full(self) -> bool:
        return self._host.held() >= self._cap

    def _crowded(self) -> bool:
        return len(self._refusals) >= self._slots or self._spare is None

    def _blocked(self) -> bool:
        """Whether a newcomer could neither be held nor be refused now."""
        if self._paused or self._host.now < self._rests_until or not self._has_spare():
            return True
        return self._full() and (self._waits or len(self._refusals) >= self._slots)

    def _has_spare(self) -> bool:
        if self._spare is None and not self._closed:
            self._spare = _open_spare()
        return self._spare is not None

    def _schedule(self) -> None:
        """Have `tick` called when the oldest refusal may have to make room, or the rest is over."""
        if self._crowded() and self._refusals:
            oldest = next(iter(self._refusals.values())).since
            self._host.wake_by(max(oldest, self._host.now - CROWDED_SECONDS / 2) + CROWDED_SECONDS)
        if self._host.now < self._rests_until:
            self._host.wake_by(self._rests_until)

    def _newcomers_wait(self) -> bool:
        question = select.poll()
        question.register(self._listener, select.POLLIN)
        return bool(question.poll(0))

    def _decide(self, sock: socket.socket, peer: object) -> None:
        sock.setblocking(False)
        wall = self._host.poller.wall
        if wall is not None and sock.fileno() >= wall:
            self._beyond_wall(sock)
            return
        if self._full():
            self._refuse(sock, peer)
            return
        if self._counts:
            self._host.counters.accepted += 1
        self._host.log.debug("new connection from %s", peer)
        self._host.admit(sock, peer)
        if self._full():
            self._reached_cap()

    def _reached_cap(self) -> None:
        if not self.at_cap:
            self.at_cap = True
            fate = "wait in the backlog" if self._waits else "are refused"
            self._host.log.warning("at the cap of %d connections: newcomers %s", self._cap, fate)
        if self._waits:
            self.review()

    def _refuse(self, sock: socket.socket, peer: object) -> None:
        self._host.counters.refused += 1
        self._host.log.debug("refused %s", peer)
        Refusal(self._host, sock, self._refusals, self._refusal_ended).begin()

    def _accept_failed(self, problem: OSError) -> None:
        if problem.errno in CAPACITY:
            self._out_of_descriptors(str(problem))
        elif problem.errno in NEWCOMER_LOST:
            self._host.counters.accept_errors += 1
        else:
            raise problem

    def _out_of_descriptors(self, why: str) -> None:
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
        try:
            sock, peer = self._listener.accept()
        except BlockingIOError:
            pass  # Nobody is there: the kernel takes a descriptor before it looks.
        except OSError as problem:
            self._exhausted(why)
            if problem.errno in CAPACITY:  # Else the newcomer has left; that is no reason to rest.
                self._rests_until = self._host.now + REST_SECONDS
        else:
            self._exhausted(why)
            sock.setblocking(False)
            self._refuse(sock, peer)
        self.review()

    def _exhausted(self, why: str) -> None:
        self._host.counters.accept_errors += 1
        self._note_exhaustion(f"{why}: newcomers are refused one at a time until there is room")

    def _beyond_wall(self, sock: socket.socket) -> None:
        """Close a newcomer whose descriptor can't be watched; only a process that leaks descriptors comes here."""
        self._host.counters.accept_errors += 1
        self._host.counters.refused += 1
        self._note_exhaustion(f"descriptor {sock.fileno()} can't be watched: newcomers are refused")
        say_full(sock)
        sock.close()

    def _note_exhaustion(self, line: str) -> None:
        if self._exhausted_at == NEVER:
            self._host.log.warning("%s", line)
        self._exhausted_at = self._host.now

    def _refusal_ended(self) -> None:
        if not self._listening:
            self.review()


def _open_spare() -> int | None:
    try:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None

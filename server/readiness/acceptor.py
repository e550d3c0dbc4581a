"""Accepting: the connection cap, refusals, and running out of descriptors.

Strategy: the listener is watched while a new connection can be dealt with, and not otherwise; new connections then wait
in the kernel's backlog at no cost. Rules:

- At most `ACCEPTS_PER_TURN` accepts a turn: a flood must not starve open connections. Accepts come at the end of the
  turn, when connections that ended in the same turn have made room.
- At the cap a new connection is refused with a line (`--at-cap refuse`) or left in the backlog (`wait`). Before it is
  refused, it waits a moment for ends that the server has not noticed yet (see `newcomers.py`).
- One log line when the cap is reached, and one when the number is clearly below it again (hysteresis). Admission has no
  hysteresis: as soon as there is room, the next connection is admitted.
- A refusal lingers until its peer closes, so that the line arrives and not a reset, for `REFUSAL_SECONDS` at most; with
  all refusal slots in use and more connections waiting, for `CROWDED_SECONDS`. (Linux keeps arrived data readable after
  a reset, so even then only a client that sends twice before it reads would miss the line.)
- Out of descriptors: the spare one is closed to refuse one connection, and reopened when that connection has ended;
  meanwhile the listener is not watched. If accept fails even so, the next attempt is `RETRY_SECONDS` later, or it would
  spin.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from server.interfaces import SourceHost
from server.monitoring.log import LogRing
from server.policy import NEVER
from server.readiness.newcomers import Newcomers
from server.readiness.refusal import Refusal, send_server_full
from server.system.errnos import ACCEPT_ABORTED, OUT_OF_RESOURCES

if TYPE_CHECKING:
    import ssl

#: libuv and waitress use about as many: accepts are cheap, but each wakes a client that will want service.
ACCEPTS_PER_TURN = 64

REFUSAL_SECONDS = 1.0
CROWDED_SECONDS = 0.05

#: How long the listener pauses after an accept for which even the spare descriptor did not help.
RETRY_SECONDS = 1.0

#: The log says that descriptors are available again after so long without a failure; at the limit they come and go.
CALM_SECONDS = 5.0


class Acceptor:
    """The listener's handler. `close()` ends it. With `tls`, refused connections get their line after a handshake.

    `counts`: whether admitted connections are counted here; a host that passes them on has them counted elsewhere.
    """

    def __init__(
        self,
        host: SourceHost,
        listener: socket.socket,
        cap: int,
        refusals: int,
        waits: bool,
        counts: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._listener = listener
        self._cap = _Cap(cap, waits, host.log)
        self._waits = waits
        self._max_refusals = refusals
        self._refusals: dict[int, Refusal] = {}  # In the order in which they came.
        self._newcomers = Newcomers(host.notice_seconds)
        self._spare = _open_spare()
        self._listening = False
        self._closed = False
        self._counts = counts
        self._new_refusal = _refusals(tls)
        self._paused = False
        self._exhausted_at = NEVER
        self._retry_at = 0.0
        host.handlers[listener.fileno()] = self
        self.update_interest()

    @property
    def at_cap(self) -> bool:
        """Whether the cap was reached, and the number of connections has not been clearly below it since."""
        return self._cap.reached

    # What the loop calls

    def on_readable(self) -> None:
        """Accept the waiting connections at the end of the turn."""
        self._host.call_at_end_of_turn(self._accept_waiting)

    def _accept_waiting(self) -> None:
        self._admit_newcomers()
        for _ in range(ACCEPTS_PER_TURN):
            if self._closed or self._blocked():
                self.update_interest()
                return
            try:
                sock, peer = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self._accept_failed(error)
                if error.errno in OUT_OF_RESOURCES:
                    return
            else:
                self._admit_or_refuse(sock, peer)

    def on_writable(self) -> None:
        """Do nothing: writability is never watched."""

    def tick(self) -> None:
        """End refusals that have lingered long enough, and do what has become possible."""
        if self._closed:
            return
        now = self._host.now
        crowded = self._refusals_crowded() and self._connections_wait()
        linger_seconds = CROWDED_SECONDS if crowded else REFUSAL_SECONDS
        for refusal in list(self._refusals.values()):
            if now < refusal.since + linger_seconds:
                break
            refusal.close()
        if now - self._exhausted_at >= CALM_SECONDS:
            self._exhausted_at = NEVER
            self._host.log.info("descriptors are available again")
        self._place_newcomers(now)
        self.update_interest()

    def connection_closed(self) -> None:
        """Note that a connection has ended: there may be room again."""
        if self._closed:
            return
        self._cap.note_closed(self._host.connection_count())
        if self._newcomers:
            self._host.call_at_end_of_turn(self._admit_newcomers)
        if not self._listening:
            self.update_interest()

    def pause(self, paused: bool) -> None:
        """Leave new connections in the backlog for now, or no longer."""
        if paused != self._paused:
            self._paused = paused
            self.update_interest()

    def update_interest(self) -> None:
        """Watch the listener, or stop watching it, as the current state demands."""
        if self._closed:
            return
        wanted = not self._blocked()
        if wanted != self._listening:
            self._listening = wanted
            self._host.poller.watch(self._listener.fileno(), wanted, False)
        if not wanted:
            self._schedule()

    def close(self) -> None:
        """Stop accepting. The kernel resets the connections in the backlog."""
        if self._closed:
            return
        self._closed = True
        self._host.poller.forget(self._listener.fileno())
        del self._host.handlers[self._listener.fileno()]
        self._listener.close()
        self._newcomers.close()
        for refusal in list(self._refusals.values()):
            refusal.close()
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None

    # How it is done

    def _full(self) -> bool:
        return self._host.connection_count() >= self._cap.connections

    def _slots_in_use(self) -> bool:
        return len(self._refusals) + len(self._newcomers) >= self._max_refusals

    def _refusals_crowded(self) -> bool:
        return self._slots_in_use() or self._spare is None

    def _blocked(self) -> bool:
        """Whether a new connection could be neither admitted nor refused now."""
        if self._paused or self._host.now < self._retry_at or not self._has_spare():
            return True
        return self._full() and (self._waits or self._slots_in_use())

    def _has_spare(self) -> bool:
        if self._spare is None and not self._closed:
            self._spare = _open_spare()
        return self._spare is not None

    def _schedule(self) -> None:
        """Have `tick` called when the oldest refusal may have to make room, or the pause is over."""
        if self._refusals_crowded() and self._refusals:
            oldest = next(iter(self._refusals.values())).since
            self._host.wake_by(max(oldest, self._host.now - CROWDED_SECONDS / 2) + CROWDED_SECONDS)
        if self._host.now < self._retry_at:
            self._host.wake_by(self._retry_at)

    def _connections_wait(self) -> bool:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        return bool(poll.poll(0))

    def _admit_or_refuse(self, sock: socket.socket, peer: object) -> None:
        sock.setblocking(False)
        fd_setsize = self._host.poller.fd_setsize
        if fd_setsize is not None and sock.fileno() >= fd_setsize:
            self._refuse_unwatchable(sock)
            return
        if self._full() or self._newcomers:
            self._newcomers.add(sock, peer, self._host.now)
            self._host.wake_by(self._newcomers.next_look())
            return
        self._admit(sock, peer)

    def _admit_newcomers(self) -> None:
        while self._newcomers and not self._closed and not self._full():
            newcomer = self._newcomers.next()
            self._admit(newcomer.sock, newcomer.peer)

    def _place_newcomers(self, now: float) -> None:
        """Admit those for which there is room now; refuse those that have waited for it long enough."""
        self._admit_newcomers()
        for newcomer in self._newcomers.expired(now):
            self._refuse(newcomer.sock, newcomer.peer)
        if self._newcomers:
            self._host.wake_by(self._newcomers.next_look())

    def _admit(self, sock: socket.socket, peer: object) -> None:
        if self._counts:
            self._host.counters.accepted += 1
        self._host.log.debug("new connection from %s", peer)
        self._host.admit(sock, peer)
        if self._full():
            self._cap.note_reached()
            if self._waits:
                self.update_interest()

    def _refuse(self, sock: socket.socket, peer: object) -> None:
        self._host.counters.refused += 1
        self._host.log.debug("refused %s", peer)
        self._new_refusal(self._host, sock, self._refusals, self._refusal_closed).start()

    def _accept_failed(self, error: OSError) -> None:
        if error.errno in OUT_OF_RESOURCES:
            self._refuse_with_spare(str(error))
        elif error.errno in ACCEPT_ABORTED:
            self._host.counters.accept_errors += 1
        else:
            raise error

    def _refuse_with_spare(self, why: str) -> None:
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
        try:
            sock, peer = self._listener.accept()
        except BlockingIOError:
            pass  # No connection waits: the kernel allocates a descriptor before it looks.
        except OSError as error:
            self._note_exhausted(why)
            if error.errno in OUT_OF_RESOURCES:  # Otherwise the client has left, which is no reason to pause.
                self._retry_at = self._host.now + RETRY_SECONDS
        else:
            self._note_exhausted(why)
            sock.setblocking(False)
            self._refuse(sock, peer)
        self.update_interest()

    def _note_exhausted(self, why: str) -> None:
        self._host.counters.accept_errors += 1
        self._log_once(f"{why}: new connections are refused one at a time until descriptors are available")

    def _refuse_unwatchable(self, sock: socket.socket) -> None:
        """Refuse a connection whose descriptor can't be watched; happens only if the process leaks descriptors."""
        self._host.counters.accept_errors += 1
        self._host.counters.refused += 1
        self._log_once(f"descriptor {sock.fileno()} can't be watched: new connections are refused")
        send_server_full(sock)
        sock.close()

    def _log_once(self, line: str) -> None:
        if self._exhausted_at == NEVER:
            self._host.log.warning("%s", line)
        self._exhausted_at = self._host.now

    def _refusal_closed(self) -> None:
        if not self._listening:
            self.update_interest()


class _Cap:
    """The cap and its log lines: one when it is reached, one when the connections are clearly below it again."""

    def __init__(self, connections: int, waits: bool, log: LogRing) -> None:
        self.connections = connections
        self.reached = False
        self._clear_at = connections - max(1, connections // 20)
        self._effect = "wait in the backlog" if waits else "are refused"
        self._log = log

    def note_reached(self) -> None:
        if not self.reached:
            self.reached = True
            self._log.warning("at the cap of %d connections: new connections %s", self.connections, self._effect)

    def note_closed(self, count: int) -> None:
        if self.reached and count <= self._clear_at:
            self.reached = False
            self._log.info("below the cap again: %d connections of %d", count, self.connections)


def _refusals(tls: ssl.SSLContext | None) -> Callable[..., Refusal]:
    if tls is None:
        return Refusal
    from server.readiness.tls_refusal import TlsRefusal  # Imported late: see `server/system/tls.py`.

    return partial(TlsRefusal, tls)


def _open_spare() -> int | None:
    try:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None

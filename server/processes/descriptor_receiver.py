"""Where one of several processes gets its connections from: the supervisor, which accepts for all of them.

Strategy: a handler of the child's end of the channel takes the place of the acceptor. The supervisor never sends more
connections than there is room for, so none is refused here. Rules:

- A connection is counted as accepted before it is served, and one that can't be served is counted as closed at once:
  the connections that the supervisor has sent and those counted here always add up.
- While the supervisor asks for it, it gets a report of each connection that is received or ends.
- When the process is asked to stop, connections in the channel are still served, and drained with the rest.
- The channel ends when the supervisor is gone, perhaps killed. Then this process ends as well, after a short drain: it
  can't get connections any more, and the port must be free for another server.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import replace

from server.interfaces import SourceHost
from server.monitoring.counters import Board
from server.processes import channel
from server.readiness.acceptor import ACCEPTS_PER_TURN
from server.readiness.refusal import send_server_full
from server.service import Service

#: The longest drain timeout of a process whose supervisor is gone.
ORPHAN_DRAIN_SECONDS = 1.0


class DescriptorReceiver:
    """The handler of `end`, the child's end of a channel. `service` is that of this process, `board` that of all.

    `family` is the address family of the sockets that come.
    """

    def __init__(self, host: SourceHost, end: socket.socket, service: Service, board: Board, family: int) -> None:
        self._host = host
        self._end = end
        self._service = service
        self._board = board
        self._family = family
        self._closed = False
        host.handlers[end.fileno()] = self
        host.poller.watch(end.fileno(), True, False)

    # What the loop calls

    def on_readable(self) -> None:
        """Receive connections, up to about the number that one turn may accept."""
        count = 0
        while count < ACCEPTS_PER_TURN and (received := channel.receive(self._end)) is not None:
            if received == channel.END:
                self._supervisor_gone()
                return
            count += self._admit_all(*received)
        if self._board.reports_wanted:
            self._report()

    def on_writable(self) -> None:
        """Do nothing: writability is never watched."""

    def tick(self) -> None:
        """Do nothing: there are no timers here."""

    def connection_closed(self) -> None:
        """Report that a connection has ended."""
        if self._board.reports_wanted and not self._closed:
            self._report()

    def close(self) -> None:
        """Receive what is in the channel, and nothing more."""
        if self._closed:
            return
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        while (received := channel.receive(self._end)) not in (None, channel.END):
            self._admit_all(*received)
        self._close_end()

    # How it is done

    def _admit_all(self, sent: int, descriptors: list[int]) -> int:
        counters = self._host.counters
        counters.accepted += sent
        if lost := sent - len(descriptors):
            counters.accept_errors += lost
            counters.closed["failed"] += lost
            self._host.log.error("out of descriptors: %d new connections lost", lost)
        for fd in descriptors:
            # Family, type and protocol are given, or Python would ask the kernel for each.
            self._admit(socket.socket(self._family, socket.SOCK_STREAM, 0, fd))
        return sent

    def _admit(self, sock: socket.socket) -> None:
        fd_setsize = self._host.poller.fd_setsize
        if fd_setsize is None or sock.fileno() < fd_setsize:
            self._host.admit(sock, None)
            return
        # Only a process that leaks descriptors comes here.
        self._host.counters.accept_errors += 1
        self._host.counters.closed["failed"] += 1
        self._host.log.error("descriptor %d can't be watched: a new connection is refused", sock.fileno())
        send_server_full(sock)
        sock.close()

    def _report(self) -> None:
        with suppress(OSError):  # The supervisor has enough reports to read already, or is gone.
            self._end.send(b"\1")

    def _supervisor_gone(self) -> None:
        self._close_end()
        settings = self._service.settings
        self._service.settings = replace(settings, drain_timeout=min(ORPHAN_DRAIN_SECONDS, settings.drain_timeout))
        self._host.log.warning("the supervisor is gone")
        self._service.stops.request()

    def _close_end(self) -> None:
        self._closed = True
        self._host.poller.forget(self._end.fileno())
        del self._host.handlers[self._end.fileno()]
        self._end.close()

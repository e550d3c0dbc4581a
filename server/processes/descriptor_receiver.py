"""Where the newcomers of one of several processes come from: the supervisor, which accepts for all of them.

Strategy: the place of the Acceptor is taken by the near end of a channel. The supervisor never hands over more than
there is room for, so nobody is refused here. Rules:

- Who comes is counted before it is held, and what can't be held is counted as ended at once: what the supervisor has
  handed over and what is counted here always come to the same.
- While the supervisor says that it waits for it, it is told of each newcomer taken and each connection ended.
- Asked to stop, the process takes nothing more, but what is in the channel already is held, and drained with the rest.
- The channel ends when the supervisor is gone, killed perhaps: then this process ends, too, after a short drain. Nobody
  could be handed to it any more, and the port has to be free for another server.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import replace

from server.monitoring.counters import Board
from server.processes import channel
from server.readiness.acceptor import ACCEPTS_PER_TURN, Host
from server.readiness.refusal import say_full
from server.service import Service

#: How long unsent replies are given when the supervisor is gone.
ORPHANS_DRAIN_SECONDS = 1.0


class Intake:
    """The handler of the end of a channel, `source`. `service` is that of this process, `board` that of all.

    `family` is that of the sockets that come.
    """

    def __init__(self, host: Host, source: socket.socket, service: Service, board: Board, family: int) -> None:
        self._host = host
        self._source = source
        self._service = service
        self._board = board
        self._family = family
        self._closed = False
        host.handlers[source.fileno()] = self
        host.poller.watch(source.fileno(), True, False)

    # What the loop calls

    def on_readable(self) -> None:
        """Hold those who were handed over, up to about the bound for one turn."""
        taken = 0
        while taken < ACCEPTS_PER_TURN and (received := channel.receive(self._source)) is not None:
            if received == channel.END:
                self._supervisor_gone()
                return
            taken += self._take(*received)
        if self._board.telling:
            self._tell()

    def on_writable(self) -> None:
        """Never asked for."""

    def tick(self) -> None:
        """Nothing becomes possible by itself."""

    def released(self) -> None:
        """A connection has ended."""
        if self._board.telling and not self._closed:
            self._tell()

    def close(self) -> None:
        """Take what is in the channel, and nothing more."""
        if self._closed:
            return
        with suppress(OSError):
            self._source.shutdown(socket.SHUT_RDWR)
        while (received := channel.receive(self._source)) not in (None, channel.END):
            self._take(*received)
        self._let_go()

    # How it is done

    def _take(self, handed: int, came: list[int]) -> int:
        counters = self._host.counters
        counters.accepted += handed
        if lost := handed - len(came):
            counters.accept_errors += lost
            counters.closed["failed"] += lost
            self._host.log.error("out of descriptors: %d newcomers lost", lost)
        for fd in came:
            # Family, type and protocol are told, or the kernel would be asked for each.
            self._admit(socket.socket(self._family, socket.SOCK_STREAM, 0, fd))
        return handed

    def _admit(self, sock: socket.socket) -> None:
        wall = self._host.poller.wall
        if wall is None or sock.fileno() < wall:
            self._host.admit(sock, None)
            return
        # Only a process that leaks descriptors comes here.
        self._host.counters.accept_errors += 1
        self._host.counters.closed["failed"] += 1
        self._host.log.error("descriptor %d can't be watched: a newcomer is refused", sock.fileno())
        say_full(sock)
        sock.close()

    def _tell(self) -> None:
        with suppress(OSError):  # It has much to read already, or is gone.
            self._source.send(b"\1")

    def _supervisor_gone(self) -> None:
        self._let_go()
        settings = self._service.settings
        self._service.settings = replace(settings, drain_timeout=min(ORPHANS_DRAIN_SECONDS, settings.drain_timeout))
        self._host.log.warning("the supervisor is gone")
        self._service.stops.request()

    def _let_go(self) -> None:
        self._closed = True
        self._host.poller.forget(self._source.fileno())
        del self._host.handlers[self._source.fileno()]
        self._source.close()

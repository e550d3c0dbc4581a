"""The tutorial's own select server: one thread waits for any of its sockets, and four faults spoil it.

- A socket that has sent something is put into the write list and stays there. It is nearly always writable, so from
  then on select never waits, and each turn sends the last reply once more: a flood that nobody asked for.
- What send() does not take is dropped.
- At descriptor 1,024 select raises an error, and the server crashes with all its connections.
- It prints for each message, and waits for whoever reads the log (`--log-sync no` turns that one off).

The lab added only counters, an end when a signal comes, and a bound to the flood: the kernel's send buffers are made
small, or a hundred clients that don't read would cost the machine hundreds of megabytes.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Mapping
from time import monotonic
from typing import ClassVar

from server.models.base import PLAIN, Model, ModelCrashed, Promise, reply_to_chunk
from server.monitoring.counters import Counters
from server.monitoring.log import log_failure
from server.readiness.pollers import FD_SETSIZE
from server.service import Service
from server.system.errnos import OUT_OF_RESOURCES, close_reason
from server.system.signals import StopRequests

#: The tutorial's recv(1024) and listen(10).
RECEIVE_SIZE = 1024
BACKLOG = 10

#: Bytes of a send buffer (the kernel doubles it). By default it grows to 4 MB for a client that does not read.
SEND_BUFFER = 16_384

_NO_CLOCK = "it has no timeouts"


class TutorialModel(Model):
    """Select as in the tutorial. `holdfast_server_loop_lag_seconds` is the length of its turns, as for select."""

    exceptions: ClassVar[Mapping[Promise, str]] = {
        Promise.ONCE: "it sends the last reply again and again, as long as the client reads it",
        Promise.HOLDS: "a connection stays open, but its second reply is lost in the flood of the first",
        Promise.QUIET: "with one socket in the write list, select never waits again",
        Promise.FRAMES: "it takes what one recv brings as one message in either framing",
        Promise.HALF_CLOSE: "at the end of input it closes, whatever is pending",
        Promise.CAP: "it accepts every connection, until it crashes",
        Promise.BOUNDS: f"what one recv brings is a message, so none is too long, and {_NO_CLOCK}",
        Promise.IDLE: _NO_CLOCK,
        Promise.MEMORY: "it keeps nothing for a client that does not read: what does not fit is dropped",
        Promise.DESCRIPTORS: "it crashes when accept fails",
        Promise.DRAINS: "it closes all connections at once",
        Promise.BEYOND_1024: "select refuses descriptor 1,024, and nothing handles that",
        Promise.TLS: PLAIN,
    }
    backlog: ClassVar[int] = BACKLOG
    fd_setsize: ClassVar[int | None] = FD_SETSIZE
    prints: ClassVar[bool] = True

    def serve(self, service: Service) -> None:
        """Serve until a signal comes, or until it crashes: `ModelCrashed` says why."""
        service.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # Accepted sockets inherit it.
        _Tutorial(service).run()


class _Tutorial:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._counters: Counters = service.counters
        self._inputs: list[socket.socket] = [service.listener]
        self._outputs: list[socket.socket] = []
        self._replies: dict[socket.socket, bytes] = {}

    def run(self) -> None:
        while not self._service.stops.read_requests():
            self._turn()
        self._service.draining = True
        self._service.log.info("stopping")
        for sock in self._inputs[1:]:
            self._close(sock, "cut")

    def _turn(self) -> None:
        lag = self._counters.lag
        lag.turn_ended(monotonic())
        inputs: list[socket.socket | StopRequests] = [*self._inputs, self._service.stops]
        try:
            readable, writable, _ = select.select(inputs, self._outputs, [])
        except ValueError as error:
            raise ModelCrashed(f"the tutorial server crashed at descriptor {FD_SETSIZE}: {error}") from None
        lag.turn_started(monotonic())
        self._counters.turns += 1
        for sock in readable:
            if sock is self._service.listener:
                self._accept()
            elif isinstance(sock, socket.socket):
                self._attempt(self._read, sock)
        for sock in writable:
            if sock in self._replies:
                self._attempt(self._write, sock)

    def _attempt(self, action: Callable[[socket.socket], None], sock: socket.socket) -> None:
        try:
            action(sock)
        except BlockingIOError:
            pass
        except OSError as error:
            reason = close_reason(error)
            log_failure(self._service.log, sock, reason, error)
            self._close(sock, reason)

    def _accept(self) -> None:
        try:
            sock, peer = self._service.listener.accept()
        except OSError as error:
            if error.errno in OUT_OF_RESOURCES:
                raise ModelCrashed(f"the tutorial server crashed in accept(): {error}") from None
            return  # The client has left.
        sock.setblocking(False)
        self._counters.accepted += 1
        self._service.log.debug("new connection from %s", peer)
        self._inputs.append(sock)

    def _read(self, sock: socket.socket) -> None:
        data = sock.recv(RECEIVE_SIZE)
        if not data:
            self._close(sock, "client")
            return
        self._counters.bytes_in += len(data)
        self._counters.messages += 1
        self._replies[sock] = reply_to_chunk(self._service, data)
        if sock not in self._outputs:
            self._outputs.append(sock)

    def _write(self, sock: socket.socket) -> None:
        self._counters.bytes_out += sock.send(self._replies[sock])  # What it did not take is dropped.
        self._counters.replies += 1

    def _close(self, sock: socket.socket, reason: str) -> None:
        self._inputs.remove(sock)
        if self._replies.pop(sock, None) is not None:
            self._outputs.remove(sock)
        self._counters.closed[reason] += 1
        sock.close()

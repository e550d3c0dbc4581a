"""The tutorial's own select server, faithfully: one thread waits for any of its sockets, and four faults spoil it.

- A socket that has sent something is put into the write list and stays there. It is nearly always writable, so from
  then on select never waits, and each turn sends the last reply once more: a flood that nobody asked for.
- What send() could not take is dropped.
- At descriptor 1,024 select refuses the whole list, and the server dies, with all that it held.
- It prints for each message, and waits for whoever reads the log (`--log-sync no` heals that one).

Only what the lab needs was added: counters, an end when a signal says so, and a bound to the flood: the kernel's
buffers for it are made small, or a hundred clients that don't read would cost the machine hundreds of megabytes.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Mapping
from time import monotonic
from typing import ClassVar

from server.blocking.connection import ended_by, log_failure, reply_to_what_came
from server.models.base import Died, Model, Promise
from server.monitoring.counters import Counters
from server.readiness.pollers import SELECT_WALL
from server.service import Service
from server.system.errnos import CAPACITY
from server.system.signals import StopRequests

#: The tutorial's recv(1024) and listen(10).
RECEIVE_SIZE = 1024
BACKLOG = 10

#: Bytes of a send buffer (the kernel doubles it). Left alone it grows to 4 MB for a client that does not read.
SEND_BUFFER = 16_384

_NO_CLOCK = "it looks at no clock"


class TutorialModel(Model):
    """Select as the tutorial has it. `holdfast_server_loop_lag_seconds` is of its turns, as for select."""

    exceptions: ClassVar[Mapping[Promise, str]] = {
        Promise.ONCE: "it sends the last reply again and again, as long as the client takes it",
        Promise.HOLDS: "a connection stays open, but its second reply is lost in the flood of the first",
        Promise.QUIET: "with one socket in the write list, select never waits again",
        Promise.FRAMES: "it takes what one recv brings for a message in either framing",
        Promise.HALF_CLOSE: "at the end of input it closes, whatever is owed",
        Promise.CAP: "it lets everyone in, until it dies of it",
        Promise.BOUNDS: f"what one recv brings is a message, so none is overlong, and {_NO_CLOCK}",
        Promise.IDLE: _NO_CLOCK,
        Promise.MEMORY: "it keeps nothing for a client that does not read: what does not fit is dropped",
        Promise.DESCRIPTORS: "it dies of the accept that fails",
        Promise.DRAINS: "it closes everyone at once",
        Promise.BEYOND_1024: "select refuses descriptor 1,024, and nothing catches that",
    }
    backlog: ClassVar[int] = BACKLOG
    wall: ClassVar[int | None] = SELECT_WALL
    prints: ClassVar[bool] = True

    def serve(self, service: Service) -> None:
        """Serve until a signal comes, or until it dies: `Died` says of what."""
        service.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # accepted ones inherit it
        _Tutorial(service).run()


class _Tutorial:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._counters: Counters = service.counters
        self._inputs: list[socket.socket] = [service.listener]
        self._outputs: list[socket.socket] = []
        self._replies: dict[socket.socket, bytes] = {}

    def run(self) -> None:
        while not self._service.stops.take():
            self._turn()
        self._service.draining = True
        self._service.log.info("stopping")
        for sock in self._inputs[1:]:
            self._close(sock, "cut")

    def _turn(self) -> None:
        lag = self._counters.lag
        lag.away(monotonic())
        inputs: list[socket.socket | StopRequests] = [*self._inputs, self._service.stops]
        try:
            readable, writable, _ = select.select(inputs, self._outputs, [])
        except ValueError as problem:
            raise Died(f"the tutorial's server died of descriptor {SELECT_WALL}: {problem}") from None
        lag.back(monotonic())
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
        except OSError as problem:
            reason = ended_by(problem)
            log_failure(self._service.log, sock, reason, problem)
            self._close(sock, reason)

    def _accept(self) -> None:
        try:
            sock, peer = self._service.listener.accept()
        except OSError as problem:
            if problem.errno in CAPACITY:
                raise Died(f"the tutorial's server died in accept(): {problem}") from None
            return  # The newcomer has left.
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
        self._replies[sock] = reply_to_what_came(self._service, data)
        if sock not in self._outputs:
            self._outputs.append(sock)

    def _write(self, sock: socket.socket) -> None:
        self._counters.bytes_out += sock.send(self._replies[sock])  # What it did not take is forgotten.
        self._counters.replies += 1

    def _close(self, sock: socket.socket, reason: str) -> None:
        self._inputs.remove(sock)
        if self._replies.pop(sock, None) is not None:
            self._outputs.remove(sock)
        self._counters.closed[reason] += 1
        sock.close()

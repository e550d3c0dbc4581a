"""The other first way out: several processes on one listener, each of which serves one connection at a time.

Each process accepts for itself: all wait for connections, and the kernel wakes one process for each. That process
serves its connection until it ends, so there are as many connections as processes, and the next one waits in the
backlog. The model shows the price: a connection costs a process.
"""

from __future__ import annotations

import select
import signal
from collections.abc import Mapping
from time import sleep
from types import FrameType
from typing import ClassVar

from server.blocking.accept import next_client
from server.blocking.connection import BlockingConnection
from server.models.base import PLAIN, Model, Promise
from server.service import Service
from server.system.signals import Stopped

_ONE_EACH = "a process serves one connection until it ends; the next waits until a process is free"


class PreforkModel(Model):
    """What each child process does; the parent only supervises them.

    `holdfast_server_loop_lag_seconds` is the time between two accepts of one process: as long as its connection lasts.
    """

    exceptions: ClassVar[Mapping[Promise, str]] = {
        Promise.MANY: _ONE_EACH,
        Promise.CAP: f"{_ONE_EACH}, whatever --at-cap says",
        Promise.DESCRIPTORS: "a process needs one at a time and has no spare",
        Promise.BEYOND_1024: "no process ever has that many",
        Promise.TLS: PLAIN,
    }
    #: Enough to see the behaviour; each process is a whole interpreter.
    default_cap: ClassVar[int | None] = 8
    preforks: ClassVar[bool] = True

    def serve(self, service: Service) -> None:
        """Serve one connection after the other until a stop request has been carried out. Main thread only."""
        _Server(service).run()


class _Server:
    """One of the processes. A signal may interrupt it anywhere.

    A signal during the wait for a connection breaks the wait off. Any other is noted, and applied to the current
    connection, or to the one that is just being accepted: no accepted connection is lost.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._connection: BlockingConnection | None = None
        self._waiting = False
        self._stop_requests = 0
        self._ready = select.epoll()
        self._ready.register(service.listener, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        # A signal just before the wait makes this descriptor readable, so the wait ends at once.
        self._ready.register(service.stops.fileno(), select.EPOLLIN)
        for number in (signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, self._on_signal)
        self._on_signal(signal.SIGTERM, None)  # A signal may have come before the handler.

    def run(self) -> None:
        try:
            while not self._stop_requests:
                self._connection = BlockingConnection(self._service, *next_client(self._service, self._wait))
                self._apply_stop_requests()
                self._connection.run()
                self._connection = None
        except Stopped:
            pass

    def _wait(self, pause: float) -> None:
        self._waiting = True
        try:
            if self._stop_requests:
                raise Stopped
            sleep(pause)
            self._ready.poll()
        finally:
            self._waiting = False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        new = self._service.stops.read_requests() + (number == signal.SIGALRM)
        if not new:
            return  # The same request was handled already.
        self._stop_requests += new
        if self._waiting:
            self._waiting = False  # A second signal must not interrupt the cleanup.
            raise Stopped
        self._apply_stop_requests()

    def _apply_stop_requests(self) -> None:
        """Drain the connection on the first stop request; cut it on the second, or when the drain timeout is over."""
        if self._connection is None or not self._stop_requests:
            return
        if self._stop_requests > 1:
            self._connection.cut()
        else:
            self._connection.drain()
            timeout = self._service.settings.drain_timeout or 0.001  # 0 would mean: never.
            signal.setitimer(signal.ITIMER_REAL, timeout)

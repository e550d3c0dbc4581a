"""The other first way out: processes, each of which serves one connection at a time, all on one listener.

Every process accepts for itself: all wait for newcomers, and the kernel wakes one for each. It serves that one for as
long as it stays, so as many are held as there are processes, and the next waits in the backlog. What it shows is the
price: a connection costs a process.
"""

from __future__ import annotations

import select
import signal
from collections.abc import Mapping
from time import sleep
from types import FrameType
from typing import ClassVar

from server.blocking.connection import Conversation, next_client
from server.models.base import Model, Promise
from server.service import Service
from server.system.signals import Stopped

_ONE_EACH = "a process serves one connection until it ends; the next waits until a process is free"


class PreforkModel(Model):
    """What each of the processes does; the one that began keeps them, and accepts nobody itself.

    `holdfast_server_loop_lag_seconds` is how long one of them is away from accept(): as long as it has its connection.
    """

    exceptions: ClassVar[Mapping[Promise, str]] = {
        Promise.MANY: _ONE_EACH,
        Promise.CAP: f"{_ONE_EACH}, whatever --at-cap says",
        Promise.DESCRIPTORS: "a process needs one at a time and has no spare",
        Promise.BEYOND_1024: "no process ever has so many",
    }
    #: Enough to see what it does; each is a whole interpreter.
    default_cap: ClassVar[int | None] = 8
    preforks: ClassVar[bool] = True

    def serve(self, service: Service) -> None:
        """Serve one connection after the other until a request to stop has been carried out. Main thread only."""
        _Server(service).run()


class _Server:
    """One of the processes. Signals come to it in the middle of whatever it does.

    One that finds it waiting breaks that off. Any other is only taken note of, and heeded by the conversation that is
    there, or is just about to be: nobody who has been accepted is lost.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._conversation: Conversation | None = None
        self._waiting = False
        self._asked = 0
        self._ready = select.epoll()
        self._ready.register(service.listener, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        # A signal that comes just before the process waits is seen by this one's being readable.
        self._ready.register(service.stops.fileno(), select.EPOLLIN)
        for number in (signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, self._on_signal)
        self._on_signal(signal.SIGTERM, None)  # It may have come before.

    def run(self) -> None:
        try:
            while not self._asked:
                self._conversation = Conversation(self._service, *next_client(self._service, self._wait))
                self._heed()
                self._conversation.run()
                self._conversation = None
        except Stopped:
            pass

    def _wait(self, rest: float) -> None:
        self._waiting = True
        try:
            if self._asked:
                raise Stopped
            sleep(rest)
            self._ready.poll()
        finally:
            self._waiting = False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        new = self._service.stops.take() + (number == signal.SIGALRM)
        if not new:
            return  # What has been asked for already.
        self._asked += new
        if self._waiting:
            self._waiting = False  # A second signal must not interrupt the clearing up.
            raise Stopped
        self._heed()

    def _heed(self) -> None:
        """Have the conversation stop when nothing is owed; if that is asked for twice or takes too long, at once."""
        if self._conversation is None or not self._asked:
            return
        if self._asked > 1:
            self._conversation.cut()
        else:
            self._conversation.drain()
            signal.setitimer(signal.ITIMER_REAL, self._service.settings.drain_timeout or 0.001)  # 0 would mean: never

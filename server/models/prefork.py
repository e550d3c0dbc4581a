"""The other first way out: processes, each of which serves one connection at a time, all on one listener.

Every process accepts for itself: all wait in accept(), and the kernel wakes one for each newcomer. It serves that one
for as long as it stays, so as many are held as there are processes, and the next waits in the backlog. What it shows is
the price: a connection costs a process.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from types import FrameType
from typing import ClassVar

from server.blocking import Conversation, next_client
from server.models.base import Model, Promise
from server.service import Service
from server.signals import Stopped

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
        service.listener.setblocking(True)
        _Server(service).run()


class _Server:
    """One of the processes. Signals come to it in the middle of whatever it waits for."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._conversation: Conversation | None = None
        self._accepting = False
        self._draining = False
        for number in (signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, self._on_signal)

    def run(self) -> None:
        try:
            while not self._draining:
                self._accepting = True
                sock, peer = next_client(self._service)
                self._accepting = False
                self._conversation = Conversation(self._service, sock, peer)
                if self._draining:  # The signal came when it was neither here nor there.
                    self._conversation.drain()
                self._conversation.run()
                self._conversation = None
        except Stopped:
            pass

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Stop when nothing is owed; if that is asked for a second time or takes too long, at once."""
        requests = self._service.stops.take()
        if number != signal.SIGALRM and not requests:
            return  # What has been asked for already.
        if self._accepting:
            self._accepting = False
            raise Stopped
        cutting = self._draining or requests > 1
        self._draining = True
        if cutting and self._conversation is not None:
            self._conversation.cut()
        elif self._conversation is not None:
            self._conversation.drain()
            signal.setitimer(signal.ITIMER_REAL, self._service.settings.drain_timeout or 0.001)  # 0 would mean: never

"""What a concurrency model is, and what one can promise.

Strategy: the difference between the models is the lesson of the lab, so each says in data what it does not promise,
with a reason; everything else it promises. The contract suite reads both: it tests every promise that is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import Enum
from typing import ClassVar

from server.readiness.loop import Loop
from server.readiness.pollers import Poller
from server.service import Service


class Promise(Enum):
    """What a model can promise; the value is the promise in words. The contract suite has a test for each."""

    ANSWERS = "a message gets its reply"
    ONCE = "it gets one reply, and nothing comes unasked"
    STOPS = "SIGTERM ends the process with 0"
    REPORTS = "/healthz answers and /metrics adds up"
    HOLDS = "a connection stays open after its reply, and carries any number of messages"
    MANY = "a silent connection keeps nobody waiting"
    QUIET = "who is silent costs no processor time"
    FRAMES = "messages are found in the stream, however it is cut into packets"
    HALF_CLOSE = "a client that has ended its input still gets its replies"
    CAP = "no more than --max-connections are held; the others are told so, or wait"
    BOUNDS = "an overlong message and an overlong wait for one each end with their line"
    IDLE = "a connection silent for --idle-timeout is closed"
    MEMORY = "a client that does not read its replies costs a bounded amount of memory"
    DESCRIPTORS = "running out of descriptors is survived without spinning"
    DRAINS = "replies that are owed when SIGTERM comes are delivered"
    BEYOND_1024 = "descriptors from 1,024 on are served"


def all_but(*kept: Promise, why: str) -> dict[Promise, str]:
    """Return the exceptions of a model that makes only the promises `kept`, all for one reason."""
    return {promise: why for promise in Promise if promise not in kept}


class Died(Exception):
    """A model came to the end that it is there to show. Its text is one line; the process ends with 3."""


class Model(ABC):
    """A way to serve. Made before the room for connections is reckoned, so that its descriptors count."""

    #: The promises that it does not make, and why.
    exceptions: ClassVar[Mapping[Promise, str]] = {}
    #: All others.
    promises: ClassVar[frozenset[Promise]]
    #: What listen() is given where --backlog is not.
    backlog: ClassVar[int] = 1024
    #: Connections held at once where --max-connections is not given; None: all that fit.
    default_cap: ClassVar[int | None] = None
    #: The first descriptor number that it can't serve; None: there is none.
    wall: ClassVar[int | None] = None
    #: Whether `--processes` can have several of it share the connections.
    scales: ClassVar[bool] = False
    #: Whether it is run by as many processes as connections are allowed, each of which accepts for itself.
    preforks: ClassVar[bool] = False
    #: Whether it writes a line for each message and waits until it is written, where --log-sync is not given.
    prints: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        cls.promises = frozenset(Promise) - cls.exceptions.keys()

    @abstractmethod
    def serve(self, service: Service) -> None:
        """Serve until a request to stop has been carried out. May raise `Died`."""


class LoopModel(Model):
    """The readiness loop on one poller: models of this kind differ in nothing else."""

    poller: ClassVar[type[Poller]]
    scales: ClassVar[bool] = True

    def __init__(self) -> None:
        self._poller = self.poller()

    def serve(self, service: Service) -> None:
        """Serve until a request to stop has been carried out."""
        Loop(service, self._poller).run()

"""What a concurrency model is, and what one can promise.

Strategy: the difference between the models is the lesson of the lab, so each says in data what it promises and, with a
reason, what it does not. The contract suite reads both: it tests every promise, and that nothing is left unsaid.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar, Protocol

from server.service import Service


class Promise(Enum):
    """What a model can promise; the value is the promise in words. The contract suite has a test for each."""

    ANSWERS = "a message gets its reply"
    STOPS = "SIGTERM ends the process with 0"
    REPORTS = "/healthz answers and /metrics adds up"
    HOLDS = "a connection stays open after its reply, and carries any number of messages"
    MANY = "a silent connection keeps nobody waiting"
    FRAMES = "messages are found in the stream, however it is cut into packets"
    HALF_CLOSE = "a client that has ended its input still gets its replies"
    CAP = "no more than --max-connections are held; the others are told so, or wait"
    BOUNDS = "an overlong message and an overlong wait for one each end with their line"
    IDLE = "a connection silent for --idle-timeout is closed"
    MEMORY = "a client that does not read its replies costs a bounded amount of memory"
    DESCRIPTORS = "running out of descriptors is survived without spinning"
    DRAINS = "replies that are owed when SIGTERM comes are delivered"
    BEYOND_1024 = "descriptors from 1,024 on are served"


class Model(Protocol):
    """A way to serve. Made before the room for connections is reckoned, so that its descriptors count."""

    name: ClassVar[str]
    promises: ClassVar[frozenset[Promise]]
    #: Why each other promise is not made.
    exceptions: ClassVar[Mapping[Promise, str]]
    #: What listen() is given where --backlog is not.
    backlog: ClassVar[int]
    #: Connections held at once where --max-connections is not given; None: all that fit.
    default_cap: ClassVar[int | None]
    #: The first descriptor number that it can't serve; None: there is none.
    wall: ClassVar[int | None]
    #: Whether `--processes` can have several of it share the connections.
    scales: ClassVar[bool]

    def __init__(self) -> None: ...

    def serve(self, service: Service) -> None:
        """Serve until a request to stop has been carried out."""
        ...

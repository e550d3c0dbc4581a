"""What a concurrency model is, and what it can promise.

Strategy: the difference between the models is the lesson of the lab, so each says in data what it does not promise,
with a reason; it promises everything else. The contract suite reads both: it tests every promise that is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import Enum
from importlib import import_module
from typing import ClassVar

from server.models import MODELS
from server.readiness.loop import Loop
from server.readiness.pollers import Poller
from server.service import Service


class Promise(Enum):
    """What a model can promise; the value is the promise in words. The contract suite has a test for each."""

    ANSWERS = "a message gets its reply"
    ONCE = "it gets exactly one reply, and the server sends nothing else"
    STOPS = "SIGTERM ends the process with 0"
    REPORTS = "/healthz answers and /metrics adds up"
    HOLDS = "a connection stays open after its reply, and carries any number of messages"
    MANY = "a silent connection delays no other"
    QUIET = "silent connections use no CPU time"
    FRAMES = "messages are found in the stream, however it is cut into packets"
    HALF_CLOSE = "a client that has ended its input still gets its replies"
    CAP = "no more than --max-connections are held; further ones are refused with a line, or wait"
    BOUNDS = "a message that is too long or takes too long is answered with its error line"
    IDLE = "a connection silent for --idle-timeout is closed"
    MEMORY = "a client that does not read its replies costs a bounded amount of memory"
    DESCRIPTORS = "the server survives running out of descriptors without spinning"
    DRAINS = "replies that are pending when SIGTERM comes are delivered"
    BEYOND_1024 = "descriptors from 1,024 on are served"
    TLS = "with a certificate, connections are encrypted; a slow handshake delays no other"


#: Why a model makes no promise of TLS.
PLAIN = "only select, poll and epoll speak TLS here"


def all_but(*kept: Promise, why: str) -> dict[Promise, str]:
    """Return the exceptions of a model that makes only the promises `kept`, all for one reason."""
    return {promise: why for promise in Promise if promise not in kept}


class ModelCrashed(Exception):
    """A model crashed in the way that it is there to show. Its text is one line; the process exits with 3."""


class Model(ABC):
    """A way to serve. It is created before the capacity is computed, so that its descriptors count."""

    #: The promises that it does not make, and why.
    exceptions: ClassVar[Mapping[Promise, str]] = {}
    #: All others.
    promises: ClassVar[frozenset[Promise]]
    #: The backlog for listen() where --backlog is not set.
    backlog: ClassVar[int] = 1024
    #: Connections held at once where --max-connections is not set; None: all that fit.
    default_cap: ClassVar[int | None] = None
    #: The first descriptor number that it can't watch; None: no limit.
    fd_setsize: ClassVar[int | None] = None
    #: Whether `--processes` can make several processes share the connections.
    multi_process: ClassVar[bool] = False
    #: Whether it has one process for each connection, and each process accepts for itself.
    preforks: ClassVar[bool] = False
    #: Whether it writes a log line for each message and waits for the write, where --log-sync is not set.
    prints: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        cls.promises = frozenset(Promise) - cls.exceptions.keys()

    @abstractmethod
    def serve(self, service: Service) -> None:
        """Serve until a stop request has been carried out. May raise `ModelCrashed`."""


class LoopModel(Model):
    """The readiness loop on one poller. Models of this kind differ only in the poller."""

    poller: ClassVar[type[Poller]]
    multi_process: ClassVar[bool] = True

    def __init__(self) -> None:
        self._poller = self.poller()

    def serve(self, service: Service) -> None:
        """Serve until a stop request has been carried out."""
        Loop(service, self._poller).run()


def load(name: str) -> type[Model]:
    """Return the class of the model called `name`, one of `MODELS`. Only now is its file imported."""
    model: type[Model] = getattr(import_module(f"server.models.{name}"), MODELS[name])
    return model


def reply_to_chunk(service: Service, data: bytes) -> bytes:
    """Return the reply to what one recv brought, taken as one message in either framing: the tutorial's way."""
    # The app gets the message as in line framing, without its newline; the tutorial's greeting ignores it.
    return service.wire.reply(data.removesuffix(b"\n") if service.settings.framing == "line" else data)

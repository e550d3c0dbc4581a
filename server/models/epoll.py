"""What came after select: the same loop, on the poller that is told of interest once instead of in every call."""

from collections.abc import Mapping
from typing import ClassVar

from server.loop import Loop
from server.models.base import Promise
from server.pollers import EpollPoller
from server.service import Service


class EpollModel:
    """The readiness loop on epoll. Who is silent costs nothing, and only the descriptor limit bounds their number."""

    name: ClassVar[str] = "epoll"
    exceptions: ClassVar[Mapping[Promise, str]] = {}
    promises: ClassVar[frozenset[Promise]] = frozenset(Promise)
    backlog: ClassVar[int] = 1024
    default_cap: ClassVar[int | None] = None
    wall: ClassVar[int | None] = None
    scales: ClassVar[bool] = True

    def __init__(self) -> None:
        self._poller = EpollPoller()

    def serve(self, service: Service) -> None:
        """Serve until a request to stop has been carried out."""
        Loop(service, self._poller).run()

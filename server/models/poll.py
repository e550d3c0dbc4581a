"""Select without its wall: the same loop, on the call that takes a list instead of bit fields."""

from collections.abc import Mapping
from typing import ClassVar

from server.loop import Loop
from server.models.base import Promise
from server.pollers import PollPoller
from server.service import Service


class PollModel:
    """The readiness loop on poll. No wall at 1,024, but the kernel still looks at every connection in every call."""

    name: ClassVar[str] = "poll"
    exceptions: ClassVar[Mapping[Promise, str]] = {}
    promises: ClassVar[frozenset[Promise]] = frozenset(Promise)
    backlog: ClassVar[int] = 1024
    default_cap: ClassVar[int | None] = None
    wall: ClassVar[int | None] = None
    scales: ClassVar[bool] = True

    def __init__(self) -> None:
        self._poller = PollPoller()

    def serve(self, service: Service) -> None:
        """Serve until a request to stop has been carried out."""
        Loop(service, self._poller).run()

"""The server of the lab: one thread, `select.select`, many open connections."""

from collections.abc import Mapping
from typing import ClassVar

from server.loop import Loop
from server.models.base import Promise
from server.pollers import SELECT_WALL, SelectPoller
from server.service import Service


class SelectModel:
    """The readiness loop on select. Every call has the kernel look at every connection, so held ones cost, too."""

    name: ClassVar[str] = "select"
    exceptions: ClassVar[Mapping[Promise, str]] = {
        Promise.BEYOND_1024: "select's sets are bit fields of 1,024 bits; that is why there is a cap",
    }
    promises: ClassVar[frozenset[Promise]] = frozenset(Promise) - exceptions.keys()
    backlog: ClassVar[int] = 1024
    default_cap: ClassVar[int | None] = 1000
    wall: ClassVar[int | None] = SELECT_WALL
    scales: ClassVar[bool] = True

    def __init__(self) -> None:
        self._poller = SelectPoller()

    def serve(self, service: Service) -> None:
        """Serve until a request to stop has been carried out."""
        Loop(service, self._poller).run()

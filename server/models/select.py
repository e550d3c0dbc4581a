"""The server of the lab: one thread, `select.select`, many open connections."""

from collections.abc import Mapping
from typing import ClassVar

from server.models.base import LoopModel, Promise
from server.readiness.pollers import SELECT_WALL, Poller, SelectPoller


class SelectModel(LoopModel):
    """The readiness loop on select. Every call has the kernel look at every connection, so held ones cost, too."""

    exceptions: ClassVar[Mapping[Promise, str]] = {
        Promise.BEYOND_1024: "select's sets are bit fields of 1,024 bits; that is why there is a cap",
    }
    default_cap: ClassVar[int | None] = 1000
    wall: ClassVar[int | None] = SELECT_WALL
    poller: ClassVar[type[Poller]] = SelectPoller

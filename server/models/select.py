"""The server of the lab: one thread, `select.select`, many open connections."""

from collections.abc import Mapping
from typing import ClassVar

from server.models.base import LoopModel, Promise
from server.readiness.pollers import FD_SETSIZE, Poller, SelectPoller


class SelectModel(LoopModel):
    """The readiness loop on select. In every call the kernel checks every connection, so silent ones cost as well."""

    exceptions: ClassVar[Mapping[Promise, str]] = {
        Promise.BEYOND_1024: "select's sets are bit fields of 1,024 bits; that is why there is a cap",
    }
    default_cap: ClassVar[int | None] = 1000
    fd_setsize: ClassVar[int | None] = FD_SETSIZE
    poller: ClassVar[type[Poller]] = SelectPoller

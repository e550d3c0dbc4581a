"""What every model is given: one `Service`, assembled once (see `assembly.py`)."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.interfaces import ConnectionSource, SourceHost
from server.monitoring.admin import Admin
from server.monitoring.counters import DRAINING, SERVING, Board, Counters
from server.monitoring.log import LogRing
from server.protocol import Wire
from server.settings import Settings
from server.system.limits import Capacity
from server.system.signals import StopRequests

if TYPE_CHECKING:
    import ssl


@dataclass
class Service:
    """One server: all that a model needs in order to serve.

    `open_source` starts to bring new connections to a host: from the listener, or from a parent process. A model sets
    `draining`; /healthz shows it. `admin` is for a parent of several processes, which runs it in one of them. With
    `tls`, connections are encrypted with this context.
    """

    settings: Settings
    wire: Wire
    listener: socket.socket
    board: Board
    counters: Counters
    log: LogRing
    stops: StopRequests
    capacity: Capacity
    open_source: Callable[[SourceHost], ConnectionSource]
    admin: Admin
    tls: ssl.SSLContext | None = None

    @property
    def draining(self) -> bool:
        """Whether a stop request is being carried out."""
        return self.board.stage >= DRAINING

    @draining.setter
    def draining(self, draining: bool) -> None:
        self.board.stage = DRAINING if draining else SERVING

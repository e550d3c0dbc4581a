"""The engine of a process: one reactor, its deadlines and its connector, shared by all connections."""

import functools
import random

from rawsocket.engine.connect.connector import Connector
from rawsocket.engine.deadlines import Deadlines
from rawsocket.engine.reactor import Reactor
from rawsocket.engine.schedule import Random


class Engine:
    """What all connections of a process share. The reactor opens its descriptors when it is first used.

    `reconnect_random`: draws the waits before reconnects; `no_jitter` of users/reconnect.py with RECONNECT_JITTER=no.
    """

    def __init__(self) -> None:
        self.connector = Connector()
        self.reconnect_random: Random = random.random

    @functools.cached_property
    def reactor(self) -> Reactor:
        """The reactor, in the hub of the first thread that uses it."""
        return Reactor()

    @functools.cached_property
    def deadlines(self) -> Deadlines:
        """The deadlines of the reactor's connections."""
        return Deadlines(self.reactor)


@functools.cache
def engine() -> Engine:
    """Return the process's own engine."""
    return Engine()

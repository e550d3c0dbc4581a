"""The engine of a process: one reactor, its deadlines and its connector, shared by all connections."""

import functools

from rawsocket.engine.connect.connector import Connector
from rawsocket.engine.deadlines import Deadlines
from rawsocket.engine.reactor import Reactor


class Engine:
    """What all connections of a process share. The reactor opens its descriptors when it is first needed."""

    def __init__(self) -> None:
        self.connector = Connector()

    @functools.cached_property
    def reactor(self) -> Reactor:
        """The reactor, in the hub of the thread that asks first."""
        return Reactor()

    @functools.cached_property
    def deadlines(self) -> Deadlines:
        """The deadlines of the reactor's connections."""
        return Deadlines(self.reactor)


@functools.cache
def engine() -> Engine:
    """The process's own engine."""
    return Engine()

"""Which messages are pushes, and which frames make one push. Pure but for the functions of the scenario that it calls.

Usually each push is one message. If the user class has `push_until`, a push is a list of frames: it begins with a
message that is a push, and all that follow belong to it until `push_until(frames)` is true, whatever is in flight.
"""

from collections.abc import Callable

from rawsocket.engine.callbacks import Handlers
from rawsocket.engine.exchange.in_flight import Reply, begun, call


class Pushes:
    """The pushes of one connection that have arrived and were not handled.

    Its methods raise a ScenarioFault if a function of the scenario raises.
    """

    __slots__ = ("_arrived", "_frames", "_gathers", "_handlers", "_names", "_until")

    def __init__(self, handlers: Handlers, *, names: bool, gathers: bool) -> None:
        self._handlers = handlers
        self._names = names  # whether the user class has `is_push`
        self._gathers = gathers  # whether the user class has `push_until`
        self._until: Callable[[list[bytes]], bool] | None = None  # of that push
        self._frames: list[bytes] = []  # of a push that is not complete
        self._arrived: list[tuple[Reply, float]] = []

    def __bool__(self) -> bool:
        return bool(self._frames or self._arrived)

    @property
    def is_begun(self) -> bool:
        """Whether the next message belongs to the last push."""
        return bool(self._frames)

    def take(self, message: bytes, at: float) -> bool:
        """Take a message that arrived at that time, if it belongs to a push; return whether it does."""
        if not (self._frames or (self._names and call(self._handlers.is_push, message))):
            return False
        self.add(message, at)
        return True

    def add(self, message: bytes, at: float) -> None:
        """Take a message that belongs to a push, or begins one."""
        if not self._gathers:
            self._arrived.append((message, at))
            return
        if not self._frames:
            self._until = begun(self._handlers.push_until)
        self._frames.append(message)
        assert self._until is not None
        if call(self._until, self._frames):
            self._arrived.append((self._frames, at))
            self._frames = []

    def take_all(self) -> list[tuple[Reply, float]]:
        """Remove and return the complete pushes, and when their last byte arrived."""
        arrived, self._arrived = self._arrived, []
        return arrived

"""Messages in flight, and how a complete reply is assembled and checked. Pure."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from rawsocket.errors import RawSocketError, fault
from rawsocket.wire.framing import MAX_SIZE, Framing
from rawsocket.wire.payload import Expected, judge, whole

Result = TypeVar("Result")


def at_receive(reply: bytes) -> bool:
    """Placeholder: the check is given later, by receive(); the reply stays in the receive buffer until then."""
    raise NotImplementedError


class InFlight(NamedTuple):
    """A message without its reply. Times of `time.perf_counter()`; `frame` is the reply with its framing, if known."""

    name: str
    due: float
    sent: float
    frame: bytes | None
    expect: Expected
    kept: bool = False  # whether the reply is for a receive()


class Receiving(NamedTuple):
    """A receive() that waits; `since` and `until` are of `time.perf_counter()`; `expect` is for a push."""

    name: str
    expect: Expected
    since: float
    until: float


class ReplyAssembly:
    """A reply that is gathered from several reads, because the framing has no frames."""

    __slots__ = ("_begun", "partial")

    def __init__(self) -> None:
        self.partial = b""
        self._begun = 0.0  # when its first byte arrived

    def add(self, framing: Framing, expect: Expected, message: bytes, first: float) -> tuple[bytes, float] | None:
        """Return the complete reply and when its first byte arrived; None while it is incomplete.

        Raises a RawSocketError if the reply is wrong. An exception of the caller's own `expect` becomes the cause of a
        ScenarioFault.
        """
        if framing.delimits or expect is None:
            check(expect, message)
            return message, first
        self._begun = self._begun or first
        self.partial += message
        if not _call(lambda: whole(expect, self.partial, MAX_SIZE)):
            return None
        reply, first = self.partial, self._begun
        self.partial, self._begun = b"", 0.0
        return reply, first


def check(expect: Expected, message: bytes) -> None:
    """Raise the failure if a complete message is wrong, as ReplyAssembly does."""
    failure = _call(lambda: judge(expect, message))
    if failure is not None:
        raise failure


def _call(function: Callable[[], Result]) -> Result:
    """Call `function`, which may call the caller's own `expect`; its exceptions become a ScenarioFault."""
    try:
        return function()
    except RawSocketError:
        raise
    except Exception as error:
        raise fault(error, "expect") from error

"""Messages in flight: which one a reply belongs to, and how a complete reply is assembled and checked. Pure."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Protocol, TypeVar

from rawsocket.errors import RawSocketError, ScenarioFault, fault
from rawsocket.wire.framing import MAX_SIZE, Framing
from rawsocket.wire.payload import Expected, judge, whole

Result = TypeVar("Result")
# A complete reply: its bytes, or its frames if the request has an `until`.
Reply = bytes | list[bytes]
# Whether its frames are all of it. A class: it is created for each reply, so it can keep what it has counted.
Until = Callable[[list[bytes]], bool] | type[Callable[[list[bytes]], bool]]
# Who gets a reply: the request() that waits for it, the owner of pipelined messages, a later receive(), or nobody.
CALLER, PIPELINE, KEPT, NOBODY = range(4)


def at_receive(reply: bytes) -> bool:
    """Placeholder: the check is given later, by receive(); the reply stays in the receive buffer until then."""
    raise NotImplementedError


class InFlight:
    """A message without its reply. Times of `time.perf_counter()`; `key`: of its reply, None: matched by order.

    `size`: bytes of a one-way message.
    """

    __slots__ = ("_begun", "_gathered", "due", "expect", "frames", "key", "name", "sent", "size", "to", "until")

    def __init__(
        self,
        name: str,
        due: float,
        sent: float,
        expect: Expected,
        to: int = CALLER,
        until: Until | None = None,
        key: Hashable | None = None,
        size: int = 0,
    ) -> None:
        self.name = name
        self.due = due
        self.sent = sent
        self.expect = expect
        self.to = to
        self.until = None if until is None else begun(until)
        self.key = key
        self.size = size
        self.frames: list[bytes] = []  # of a reply in several frames
        self._gathered = b""  # of a reply without frames
        self._begun = 0.0  # when the first byte of the reply arrived

    def times(self, now: float, first: float) -> tuple[float, float, float]:
        """Return the seconds until `now` (from due, from sent) and until the first byte."""
        return now - self.due, now - self.sent, first - self.sent

    @property
    def partial(self) -> int:
        """Bytes of the reply that have arrived, while it is incomplete."""
        return len(self._gathered) + sum(map(len, self.frames))

    def add(self, framing: Framing, message: bytes, first: float) -> tuple[Reply, float] | None:
        """Return the complete reply and when its first byte arrived; None while it is incomplete.

        Raises a RawSocketError if the reply is wrong, and ScenarioFault if a function of the scenario raised.
        """
        try:
            return self._add(framing, message, first)
        except RawSocketError as failure:
            raise in_row(failure, self.name) from failure.__cause__

    def _add(self, framing: Framing, message: bytes, first: float) -> tuple[Reply, float] | None:
        self._begun = self._begun or first
        if self.until is not None:
            self.frames.append(message)
            if not call(self.until, self.frames):
                return None
            check(self.expect, self.frames)
            return self.frames, self._begun
        if framing.delimits or self.expect is None:
            check(self.expect, message)
            return message, first
        self._gathered += message
        if not call(whole, self.expect, self._gathered, MAX_SIZE):
            return None
        return self._gathered, self._begun


class Receiving:
    """A receive() that waits; times of `time.perf_counter()`.

    `name`: a row for its wait, if given. `start`: when the time of an unsolicited message begins, or a callable on the
    message that returns that; `only`: which unsolicited messages it takes.
    """

    __slots__ = ("expect", "name", "only", "since", "start", "until")

    def __init__(
        self,
        name: str | None,
        expect: Expected,
        since: float,
        until: float,
        start: float | Callable[[Any], float] | None = None,
        only: Callable[[Any], bool] | None = None,
    ) -> None:
        self.name = name
        self.expect = expect
        self.since = since
        self.until = until
        self.start = start
        self.only = only

    def takes(self, push: Reply) -> bool:
        """Return whether it takes this unsolicited message."""
        return self.only is None or bool(call(self.only, push))

    def started(self, push: Reply) -> float | None:
        """Return when the latency of this message began; None if it has none."""
        return call(self.start, push) if callable(self.start) else self.start


class Matcher(Protocol):
    """The messages in flight, oldest first."""

    def add(self, message: InFlight) -> None:
        """Add the youngest."""

    def find(self, reply: bytes) -> InFlight | None:
        """Return the message that a frame belongs to; None if there is none."""

    def remove(self, message: InFlight) -> None:
        """Remove a message whose reply is complete."""

    @property
    def oldest(self) -> InFlight | None:
        """The oldest message; None if there is none."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[InFlight]: ...


class InOrder(list[InFlight]):
    """Replies come in the order of the messages."""

    __slots__ = ()
    add = list.append

    def find(self, reply: bytes) -> InFlight | None:
        """Return the oldest message."""
        return self[0] if self else None

    oldest = property(lambda self: self[0] if self else None)

    def remove(self, message: InFlight) -> None:
        """Remove the oldest message."""
        del self[0]


class ByKey:
    """Replies come in any order; `reply_key` says which message one belongs to. None: the oldest without a key."""

    __slots__ = ("_messages", "_reply_key")

    def __init__(self, reply_key: Callable[[bytes], Hashable | None]) -> None:
        self._reply_key = reply_key
        self._messages: OrderedDict[Any, InFlight] = OrderedDict()

    def add(self, message: InFlight) -> None:
        """Add the youngest. Raises ValueError if another message with its key is in flight."""
        key = self._key(message)
        if key in self._messages:
            raise ValueError(f"the key {message.key!r} of this request is that of another request in flight")
        self._messages[key] = message

    def find(self, reply: bytes) -> InFlight | None:
        """Return the message that a frame belongs to; None if there is none."""
        key = call(self._reply_key, reply)
        if key is not None:
            return self._messages.get(key)
        return next((one for one in self._messages.values() if one.key is None), None)

    def remove(self, message: InFlight) -> None:
        """Remove a message whose reply is complete."""
        del self._messages[self._key(message)]

    @property
    def oldest(self) -> InFlight | None:
        """The oldest message; None if there is none."""
        for message in self._messages.values():
            return message
        return None

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[InFlight]:
        return iter(self._messages.values())

    @staticmethod
    def _key(message: InFlight) -> Any:
        return message if message.key is None else message.key


def begun(until: Until) -> Callable[[list[bytes]], bool]:
    """Return the function that says whether the frames of one reply are complete, each time one has arrived."""
    return call(until) if isinstance(until, type) else until


def size(message: Reply) -> int:
    """Return the bytes of a message, or of all its frames."""
    return len(message) if isinstance(message, bytes) else sum(map(len, message))


def check(expect: Expected, reply: Reply) -> None:
    """Raise the failure if a complete reply is wrong, as InFlight.add() does."""
    failure = call(judge, expect, reply)
    if failure is not None:
        raise failure


def in_row(failure: RawSocketError, row: str) -> RawSocketError:
    """Return a failure of a reply, whose detail now says which row the message is in."""
    if not isinstance(failure, ScenarioFault):
        failure.detail = f"{row}: {failure.detail}"
    return failure


def call(function: Callable[..., Result], *args: Any) -> Result:
    """Call a function of the scenario, or one that calls such a function; its exceptions become a ScenarioFault."""
    try:
        return function(*args)
    except RawSocketError:
        raise
    except Exception as error:
        raise fault(error, getattr(function, "__name__", "a function")) from error

"""What a session can do: it yields steps, and the yield returns the step's result. Pure.

    yield Connect()                     opens the connection
    reply = yield Request(b"hello")     sends a message, returns its whole, checked reply
    yield Send(b"hello")                sends a message; its reply is matched in order and kept for Receive
    reply = yield Receive()             the oldest kept reply, else the next one, else an unsolicited message
    yield Due(10)                       waits for the session's next slot; the message after it carries that due time
    yield Wait(2.5)                     waits
    yield Close()                       ends the connection

Any failure, also during a Wait, is raised at the yield as its named exception (see errors.py) after it was recorded.
All times are seconds. A step can be yielded many times: create one that never changes outside the loop.
"""

import math

from rawsocket.wire.payload import Expected


class Connect:
    """Open the connection, within the connect timeout. Raises Refused, ConnectTimeout or Reset."""

    __slots__ = ()


class Close:
    """Close the connection, if any. Messages in flight count as unanswered, not as failures."""

    __slots__ = ()


class Send:
    """Send one message; the session goes on as soon as the kernel has it.

    `expect` is the only correct reply, or a callable that says whether a reply is correct; None accepts any. `name` is
    the row of the statistics. Raises Closed, Reset, ServerFull or SendTimeout; ValueError if the framing can't
    carry it.
    """

    __slots__ = ("expect", "name", "payload")

    def __init__(self, payload: bytes, name: str = "request", expect: Expected = None) -> None:
        self.payload = payload
        self.name = name
        self.expect = expect


class Request:
    """Send one message and return its whole reply, without frame, within the reply timeout. Arguments as in Send.

    With `inflight` above 1 messages are pipelined: the session goes on (the yield returns None) as soon as fewer than
    `inflight` messages have no reply, and the replies are checked, in order, as they come.
    Raises Closed, Reset, ServerFull, SendTimeout, ReplyTimeout, Short, TooLong or Wrong.
    """

    __slots__ = ("expect", "inflight", "name", "payload")

    def __init__(self, payload: bytes, name: str = "request", expect: Expected = None, inflight: int = 1) -> None:
        if inflight < 1:
            raise ValueError(f"Request(inflight={inflight}): must be at least 1")
        self.payload = payload
        self.name = name
        self.expect = expect
        self.inflight = inflight


class Receive:
    """Return the reply to the oldest message of Send, or if none is outstanding, an unsolicited message.

    `timeout` seconds (default: the reply timeout; math.inf waits for ever). `name` and `expect` are for unsolicited
    messages. Raises the same as Request; a timeout ends the connection.
    """

    __slots__ = ("expect", "name", "timeout")

    def __init__(self, timeout: float | None = None, name: str = "receive", expect: Expected = None) -> None:
        if timeout is not None and not timeout > 0:
            raise ValueError(f"Receive(timeout={timeout!r}): must be a number of seconds above 0")
        self.timeout = timeout
        self.name = name
        self.expect = expect


class Wait:
    """Wait for `seconds`; the connection, if any, is watched meanwhile."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        if not seconds >= 0:
            raise ValueError(f"Wait(seconds={seconds!r}): must be at least 0")
        self.seconds = seconds


class Due:
    """Wait for the session's next slot, one every `period` seconds from a random start. At once if it has passed.

    The message after it counts as due at that slot. Slots that pass while there is no connection are skipped, and
    counted as due and unsent.
    """

    __slots__ = ("period",)

    def __init__(self, period: float) -> None:
        if not 0 < period < math.inf:
            raise ValueError(f"Due(period={period!r}): must be a number of seconds above 0")
        self.period = period


Step = Connect | Close | Send | Request | Receive | Wait | Due

"""What a session can do, one step at a time: each is yielded, and the yield gives what came of it. Pure.

    yield Connect()                     opens the connection
    reply = yield Request(b"hello")     sends a message, gives its whole, checked reply
    yield Send(b"hello")                sends a message; its reply is matched in order and kept for Receive
    reply = yield Receive()             the oldest kept reply, else the next, else what the server sends by itself
    yield Due(10)                       waits for the session's next slot; the message after it carries that due time
    yield Wait(2.5)                     waits
    yield Close()                       ends the connection

Whatever goes wrong meanwhile, be it in a Wait, is raised at the yield as its named exception (see errors.py), after
it was recorded. Seconds everywhere. A step can be yielded again and again: hoist those that never change.
"""

import math

from rawsocket.wire.payload import Expected


class Connect:
    """Open the connection, within the connect timeout. Raises Refused, ConnectTimeout or Reset."""

    __slots__ = ()


class Close:
    """End the connection, if there is one. Messages in flight count as unanswered, not as failures."""

    __slots__ = ()


class Send:
    """Send one message; the session goes on as soon as the kernel has it.

    `expect` is the only right reply, or a callable that says whether a reply is right; None takes any. `name` is the
    row of the statistics. Raises Closed, Reset, ServerFull or SendTimeout; ValueError if the framing can't carry it.
    """

    __slots__ = ("expect", "name", "payload")

    def __init__(self, payload: bytes, name: str = "request", expect: Expected = None) -> None:
        self.payload = payload
        self.name = name
        self.expect = expect


class Request:
    """Send one message and give its whole reply, without frame, within the reply timeout. Arguments as of Send.

    With `inflight` above 1 messages are pipelined: the session goes on (the yield gives None) as soon as fewer than
    `inflight` messages have no reply, and the replies are checked, in order, as they come.
    Raises Closed, Reset, ServerFull, SendTimeout, ReplyTimeout, Short, TooLong or Wrong.
    """

    __slots__ = ("expect", "inflight", "name", "payload")

    def __init__(self, payload: bytes, name: str = "request", expect: Expected = None, inflight: int = 1) -> None:
        if inflight < 1:
            raise ValueError(f"inflight={inflight}, where at least 1 message must be in flight")
        self.payload = payload
        self.name = name
        self.expect = expect
        self.inflight = inflight


class Receive:
    """Give the next reply: to the oldest message sent by Send, or with none, what the server sends by itself.

    `timeout` seconds (default: the reply timeout; math.inf waits for ever). `name` and `expect` are for what comes
    without being asked. Raises as Request; a timeout ends the connection.
    """

    __slots__ = ("expect", "name", "timeout")

    def __init__(self, timeout: float | None = None, name: str = "receive", expect: Expected = None) -> None:
        if timeout is not None and not timeout > 0:
            raise ValueError(f"a timeout of {timeout!r}, where a number of seconds above 0 is needed")
        self.timeout = timeout
        self.name = name
        self.expect = expect


class Wait:
    """Wait so many seconds; the connection, if there is one, is watched meanwhile."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        if not seconds >= 0:
            raise ValueError(f"a wait of {seconds!r} seconds, where at least 0 are needed")
        self.seconds = seconds


class Due:
    """Wait for the session's next slot: every `period` seconds from a random start on. At once, if it has passed.

    The message after it counts as due at that slot. Slots that pass while the connection is lost are counted as due
    and unsent, and left out.
    """

    __slots__ = ("period",)

    def __init__(self, period: float) -> None:
        if not 0 < period < math.inf:
            raise ValueError(f"a period of {period!r} seconds, where a number above 0 is needed")
        self.period = period


Step = Connect | Close | Send | Request | Receive | Wait | Due

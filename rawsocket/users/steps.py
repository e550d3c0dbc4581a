"""What a session can do: it yields steps, and the yield returns the step's result. Pure.

    yield Connect()                     opens the connection
    reply = yield Request(b"hello")     sends a message, returns its whole, checked reply
    yield Send(b"hello", reply=False)   sends a one-way message: no reply comes
    yield Send(b"hello")                sends a message; its reply is kept for Receive
    message = yield Receive()           the oldest kept message, else the next one that arrives
    yield Due(10)                       waits for the session's next slot; the message after it carries that due time
    yield Wait(2.5)                     waits
    yield Close()                       ends the connection

Any failure, also during a Wait, is raised at the yield as its named exception (see errors.py) after it was recorded.
All times are seconds. A step can be yielded many times: create one that never changes outside the loop. Arguments that
make no sense raise ValueError when the step is created.
"""

import math
from collections.abc import Callable
from typing import Any

from rawsocket.engine.exchange.in_flight import Until
from rawsocket.engine.tls.configuration import Tls
from rawsocket.users.step_arguments import (
    check_bytes,
    check_function,
    check_instance,
    check_message,
    check_name,
    is_above_0,
)
from rawsocket.wire.framing import Framing
from rawsocket.wire.payload import Expected


class Connect:
    """Open the connection, within the connect timeout. Raises Refused, ConnectTimeout, Reset or TlsFailed."""

    __slots__ = ()


class Close:
    """Close the connection, if any. Messages in flight count as unanswered, not as failures.

    With `reset`, the server gets a reset instead of the end of the stream.
    """

    __slots__ = ("reset",)

    def __init__(self, reset: bool = False) -> None:
        self.reset = reset


class Send:
    """Send one message; the session goes on as soon as the kernel has it.

    `name` is the row of the statistics. `expect` is the only correct reply, or a callable that says whether a reply is
    correct; None accepts any. `reply=False`: the message is one-way; it counts in its row, without a time, when the
    kernel has taken all of it. `until`: as in Request. Raises Closed, Reset, ServerFull or SendTimeout; ValueError if
    the framing can't carry it.
    """

    __slots__ = ("expect", "name", "payload", "reply", "until")

    def __init__(
        self,
        payload: bytes,
        name: str = "request",
        expect: Any = None,
        reply: bool = True,
        until: Until | None = None,
    ) -> None:
        if not reply and not (expect is None and until is None):
            raise ValueError("Send(reply=False): a one-way message has no `expect` and no `until`")
        if payload.__class__ is not bytes or name.__class__ is not str:
            check_message(payload, name)
        if until is not None or expect.__class__ is list:
            _check_expectation(until, expect)
        self.payload = payload
        self.name = name
        self.expect = expect
        self.reply = reply
        self.until = until


class Request:
    """Send one message and return its whole reply, without frame, within the reply timeout. Arguments as in Send.

    With `until`, the reply is a list of frames: it is complete when `until(frames)` is true; `expect` is then the only
    correct list, or a callable on it. The latency ends with the last frame, the time to the first byte with the first.

    With `inflight` above 1 messages are pipelined: the session goes on (the yield returns None) as soon as fewer than
    `inflight` messages have no reply, and the replies are checked as they come.
    Raises Closed, Reset, ServerFull, SendTimeout, ReplyTimeout, Short, TooLong or Wrong.
    """

    __slots__ = ("expect", "inflight", "name", "payload", "until")

    def __init__(
        self,
        payload: bytes,
        name: str = "request",
        expect: Any = None,
        inflight: int = 1,
        until: Until | None = None,
    ) -> None:
        if inflight.__class__ is not int or inflight < 1:
            raise _mistake("Request", "inflight", inflight, "must be a whole number, at least 1")
        if payload.__class__ is not bytes or name.__class__ is not str:
            check_message(payload, name)
        if until is not None or expect.__class__ is list:
            _check_expectation(until, expect)
        self.payload = payload
        self.name = name
        self.expect = expect
        self.inflight = inflight
        self.until = until


class Answered:
    """Wait until each message that was sent has its reply, each in its time. Raises the same as Request."""

    __slots__ = ()


class Wait:
    """Wait for `seconds`; the connection, if any, is watched meanwhile."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        if not (isinstance(seconds, int | float) and seconds >= 0):
            raise _mistake("Wait", "seconds", seconds, "must be a number of seconds, at least 0")
        self.seconds = seconds


class Due:
    """Wait for the session's next slot, one every `period` seconds from a random start. At once if it has passed.

    The message after it counts as due at that slot. Slots that pass while there is no connection are skipped, and
    counted as due and unsent.
    """

    __slots__ = ("period",)

    def __init__(self, period: float) -> None:
        if not is_above_0(period, math.inf):
            hint = "; it is 0 with EVERY=0: use Due only if self.option('every') is not 0" if period == 0 else ""
            raise _mistake("Due", "period", period, f"must be a number of seconds above 0{hint}")
        self.period = period


class Receive:
    """Return the oldest kept message, else the next one: a reply to a message of Send, or an unsolicited one (a push).

    `timeout` seconds (default: the reply timeout; math.inf waits for ever); a timeout ends the connection. With
    `required=False` it returns None instead, and the connection stays; so does `until=Due(5)`, which waits for a
    message or the session's next slot, whichever comes first. Raises the same as Request.

    For pushes only: `expect` says which is correct, `only` (a callable) which it takes; others are counted and dropped.
    Each push counts in the row `push`. With a `name` there is a row of that name, too, for how long the session waited:
    that is no latency and is not judged. With `since` (seconds of time.perf_counter(), or a callable on the message
    that returns them) the row has the latency from then to the arrival, which is judged.
    """

    __slots__ = ("expect", "name", "only", "required", "since", "timeout", "until")

    def __init__(
        self,
        timeout: float | None = None,
        name: str | None = None,
        expect: Expected = None,
        required: bool = True,
        until: Due | None = None,
        since: float | Callable[[bytes], float] | None = None,
        only: Callable[[bytes], bool] | None = None,
    ) -> None:
        if timeout is not None and not is_above_0(timeout):
            raise _mistake("Receive", "timeout", timeout, "must be a number of seconds above 0")
        if until is not None and (timeout is not None or until.__class__ is not Due):
            raise ValueError("Receive(until=...): must be a Due(...), without a timeout beside it")
        if name is not None:
            check_name(name)
        if only is not None:
            check_function("only", only)
        self.timeout = timeout
        self.name = name
        self.expect = expect
        self.required = required
        self.until = until
        self.since = since
        self.only = only


class SendRaw:
    """Send bytes as they are, outside the framing: a PROXY header, magic bytes. They are no message."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        check_bytes("data", data)
        self.data = data


class SendPart:
    """Send only the first `size` bytes of a message with its frame, as a client does that stops in the middle."""

    __slots__ = ("payload", "size")

    def __init__(self, payload: bytes, size: int) -> None:
        if size.__class__ is not int or size < 1:
            raise _mistake("SendPart", "size", size, "must be a whole number, at least 1")
        check_bytes("payload", payload)
        self.payload = payload
        self.size = size


class SetFraming:
    """Use another framing on this connection from here on, after an upgrade for example. Unread bytes belong to it."""

    __slots__ = ("framing",)

    def __init__(self, framing: Framing) -> None:
        check_instance("framing", framing, Framing)
        self.framing = framing


class ShutdownWrite:
    """Send no more on this connection: the server sees the end of the stream, and its replies still arrive.

    When the server then closes the connection while no reply is outstanding, that is no failure.
    """

    __slots__ = ()


class Throttle:
    """Be a slow client from here on: send and read at most so many bytes a second; None: no limit."""

    __slots__ = ("receive", "send")

    def __init__(self, send: float | None = None, receive: float | None = None) -> None:
        for name, rate in (("send", send), ("receive", receive)):
            if rate is not None and not is_above_0(rate, math.inf):
                raise _mistake("Throttle", name, rate, "must be a number of bytes a second above 0, or None")
        self.send = send
        self.receive = receive


class Heartbeat:
    """From here on, send a message every `every` seconds, beside what the session does, until the connection ends.

    `payload`: the message, or a function that makes each of them. `idle`: only that long after the last message that
    was sent. `expect` and `name` as in Send; `reply=False`: it gets no reply. Each heartbeat is due on a grid of its
    own and has a row of its own. A failure is raised in the session.
    """

    __slots__ = ("every", "expect", "idle", "name", "payload", "reply")

    def __init__(
        self,
        every: float,
        payload: bytes | Callable[[], bytes],
        expect: Expected = None,
        name: str = "heartbeat",
        reply: bool = True,
        idle: bool = False,
    ) -> None:
        if not is_above_0(every, math.inf):
            raise _mistake("Heartbeat", "every", every, "must be a number of seconds above 0")
        if callable(payload):
            check_name(name)
        else:
            check_message(payload, name)
        self.every = every
        self.payload = payload
        self.expect = expect
        self.name = name
        self.reply = reply
        self.idle = idle


class StopHeartbeats:
    """Send no more heartbeats on this connection: before a QUIT, for example. A goodbye() does so by itself."""

    __slots__ = ()


class Call:
    """Call a function that blocks, in a greenlet of its own, and return its result; its exception is raised here.

    A function that waits for sockets or sleeps lets all others run. One that computes for long (a password hash) needs
    `thread=True`: it then runs in a thread. `args` are its arguments.
    """

    __slots__ = ("args", "function", "thread")

    def __init__(self, function: Callable[..., Any], *args: Any, thread: bool = False) -> None:
        check_function("function", function)
        self.function = function
        self.args = args
        self.thread = thread


class StartTls:
    """Encrypt the connection from here on (STARTTLS), within the connect timeout. Raises TlsFailed, Reset or so.

    `tls`: a rawsocket.Tls; None: as the user class and the settings say. The handshake has a row of its own, `tls`.
    """

    __slots__ = ("tls",)

    def __init__(self, tls: Tls | None = None) -> None:
        if tls is not None:
            check_instance("tls", tls, Tls)
        self.tls = tls


Step = (
    Connect | Close | Send | Request | Receive | Answered | Wait | Due | SendRaw | SendPart | SetFraming | ShutdownWrite
    | Throttle | Heartbeat | StopHeartbeats | Call | StartTls
)  # fmt: skip


def _mistake(step: str, argument: str, value: Any, rule: str) -> Exception:
    """Return the exception for an argument that makes no sense: TypeError for a wrong type, else ValueError."""
    kind = ValueError if isinstance(value, int | float) else TypeError
    return kind(f"{step}({argument}={value!r:.60}): {rule}")


def _check_expectation(until: Until | None, expect: Any) -> None:
    if until is None:
        raise ValueError("without `until` the reply is bytes: `expect` must be bytes, a callable on them, or None")
    check_function("until", until)
    if not (expect is None or isinstance(expect, list) or callable(expect)):
        raise ValueError(
            "with `until` the reply is a list of frames: `expect` must be such a list, a callable on it, or None"
        )

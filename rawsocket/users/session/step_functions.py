"""What the runner of a session does when the session yields a step.

Each function does its step at once and returns the step's value, or it returns NOT_YET and notes in `want` what the
session waits for. Its exceptions are raised at the yield.
"""

import math
import time
from collections.abc import Callable
from typing import Any, Protocol

from rawsocket.engine import heartbeat
from rawsocket.engine.callbacks import Owner
from rawsocket.engine.connection import Connection
from rawsocket.engine.exchange.in_flight import CALLER, KEPT, PIPELINE, Receiving
from rawsocket.engine.exchange.inbox import MAX_KEPT
from rawsocket.engine.tls.start_tls import start_tls
from rawsocket.errors import Closed, NotConnected
from rawsocket.users import steps
from rawsocket.users.config import SessionConfig
from rawsocket.users.session import grid
from rawsocket.users.session.background_calls import PendingCall
from rawsocket.users.steps import Close, Connect, Due, Receive, Request, Send, Wait

SCENARIO = "scenario"  # why there is no connection after a session has raised
NO_LIMIT = 1 << 62  # of messages in flight: only the kernel has to take all of them
NOT_YET: Any = object()  # the value of a step that can't be done at once
# What a session waits for: a timer, its slot, the connect, its last reply, a message, a message or a time, a message or
# its slot. A Room: fewer messages in flight. A PendingCall: the result of a function.
TIMER, SLOT, CONNECT, REPLY, RECEIVE, RECEIVE_OR_TIME, RECEIVE_OR_SLOT = range(7)


class Room:
    """The session waits until fewer than `limit` messages are in flight and the kernel has taken all of them."""

    __slots__ = ("limit",)

    def __init__(self, limit: int) -> None:
        self.limit = limit


class Pause:
    """Resumes a session a little later, unless its state has changed meanwhile."""

    __slots__ = ("_failure", "_runner", "_value", "key")

    def __init__(self, runner: "Runner", value: Any, failure: BaseException | None) -> None:
        self.key = 0  # the reactor's
        self._runner, self._value, self._failure = runner, value, failure
        runner.config.reactor.at(time.perf_counter(), self)

    def on_time(self) -> None:
        """Resume the session."""
        if self._runner.want is self:
            self._runner.resume(self._value, self._failure)


class Runner(Owner, grid.Grid, Protocol):
    """The runner of a session, as far as steps use it."""

    config: SessionConfig
    connection: Connection | None
    key: int
    lost_by: str | None
    want: Any

    def on_time(self) -> None:
        """Called when the timer fires."""

    def resume(self, value: Any, failure: BaseException | None = None) -> None:
        """Run the session until it waits."""

    def on_called(self, call: PendingCall, value: Any, error: BaseException | None) -> None:
        """Called when a function that was called in a greenlet has ended."""

    def leave_out(self, until: float) -> None:
        """Count the slots up to `until` as unsent."""


def connect(runner: Runner, step: Connect) -> Any:
    """Start to connect."""
    if runner.connection is not None:
        raise RuntimeError("Connect() while connected: Close() first")
    runner.want = CONNECT
    runner.connection = connection = Connection(runner.config, runner, reconnect=runner.lost_by is not None)
    connection.connect()
    return NOT_YET


def close(runner: Runner, step: Close | None = None) -> None:
    """Close the connection, if there is one."""
    connection, runner.connection = runner.connection, None
    if connection is not None:
        connection.close(reset=step is not None and step.reset)
    runner.lost_by = None


def request(runner: Runner, step: Request) -> Any:
    """Send a message; wait for its reply, or for room for the next one."""
    connection = _connected(runner)
    due = _take_due(runner)
    if step.inflight > 1:
        connection.send(step.payload, step.name, step.expect, due, PIPELINE, step.until)
        return _await_room(runner, connection, step.inflight)
    if step.until is None:
        connection.request(step.payload, step.name, step.expect, due)
    else:
        connection.send(step.payload, step.name, step.expect, due, CALLER, step.until)
    runner.want = REPLY
    return NOT_YET


def send(runner: Runner, step: Send) -> Any:
    """Send a message."""
    connection = _connected(runner)
    if not step.reply:
        connection.send_one_way(step.payload, step.name, _take_due(runner))
        return _await_room(runner, connection, NO_LIMIT)
    if connection.replies_to_receive >= MAX_KEPT:
        raise RuntimeError(
            f"{MAX_KEPT:,} messages wait for a Receive(): receive the replies, or use Send(reply=False) if none comes"
        )
    connection.send(step.payload, step.name, step.expect, _take_due(runner), KEPT, step.until)
    return _await_room(runner, connection, NO_LIMIT)


def receive(runner: Runner, step: Receive) -> Any:
    """Return the oldest kept message, or wait for the next one, or for a time or a slot."""
    connection, now = _connected(runner), time.perf_counter()
    if step.until is not None and _slot_has_passed(runner, step.until.period, now):
        return None
    seconds = runner.config.reply_timeout if step.timeout is None else step.timeout
    bounded = step.required and step.until is None
    until = now + seconds if bounded else math.inf
    message = connection.receive(Receiving(step.name, step.expect, now, until, step.since, step.only))
    if message is not None:
        return message
    if step.until is not None:
        runner.want = RECEIVE_OR_SLOT
        runner.config.reactor.at(runner.slot, runner)
    elif bounded or seconds == math.inf:
        runner.want = RECEIVE
    else:
        runner.want = RECEIVE_OR_TIME
        runner.config.reactor.at(now + seconds, runner)
    return NOT_YET


def await_replies(runner: Runner, step: steps.Answered) -> Any:
    """Wait until no message is in flight."""
    return _await_room(runner, _connected(runner), 1)


def wait(runner: Runner, step: Wait) -> Any:
    """Wait."""
    runner.want = TIMER
    runner.config.reactor.at(time.perf_counter() + step.seconds, runner)
    return NOT_YET


def next_slot(runner: Runner, step: Due) -> Any:
    """Wait for the next slot, or use one that has passed."""
    if _slot_has_passed(runner, step.period, time.perf_counter()):
        return None
    runner.want = SLOT
    runner.config.reactor.at(runner.slot, runner)
    return NOT_YET


def _slot_has_passed(runner: Runner, period: float, now: float) -> bool:
    """Find the next slot; return True, and use it, if it has passed."""
    if not runner.period:
        grid.start(runner, now, period, runner.config.random)
    elif runner.lost_by is not None:
        connection = runner.connection
        runner.leave_out(runner.slot - runner.period if connection is None else connection.connected_at)
    runner.period = period
    if runner.slot > now:
        return False
    grid.advance(runner, period)
    return True


def send_raw(runner: Runner, step: steps.SendRaw) -> Any:
    """Send bytes outside the framing."""
    connection = _connected(runner)
    connection.with_exchange().send_raw(step.data)
    return _await_room(runner, connection, NO_LIMIT)


def send_part(runner: Runner, step: steps.SendPart) -> Any:
    """Send the first bytes of a message."""
    connection = _connected(runner)
    connection.with_exchange().send_part(step.payload, step.size)
    return _await_room(runner, connection, NO_LIMIT)


def set_framing(runner: Runner, step: steps.SetFraming) -> None:
    """Use another framing."""
    _connected(runner).with_exchange().set_framing(step.framing)


def shut_down(runner: Runner, step: steps.ShutdownWrite) -> None:
    """Close the sending direction."""
    _connected(runner).with_exchange().shut_down()


def throttle(runner: Runner, step: steps.Throttle) -> None:
    """Send and read slowly."""
    _connected(runner).with_exchange().throttle(step.send, step.receive)


def start_heartbeat(runner: Runner, step: steps.Heartbeat) -> None:
    """Start the heartbeat of the connection."""
    heartbeat.Heartbeat(_connected(runner), step, runner.config.random)


def stop_heartbeats(runner: Runner, step: steps.StopHeartbeats) -> None:
    """End the heartbeats of the connection."""
    _connected(runner).with_exchange().stop_heartbeats()


def encrypt(runner: Runner, step: steps.StartTls) -> Any:
    """Start TLS on the connection."""
    start_tls(_connected(runner), step.tls, lambda: runner.resume(None))
    runner.want = CONNECT
    return NOT_YET


def call(runner: Runner, step: steps.Call) -> Any:
    """Call a function in a greenlet or a thread."""
    runner.want = PendingCall(runner, step)
    return NOT_YET


def not_a_step(runner: Runner, step: object) -> Any:
    """Raise TypeError: the session yielded something that is not a step."""
    raise TypeError(f"a session yields steps, like Connect() or Wait(1), not {step!r}")


def has_room(connection: Connection, limit: int) -> bool:
    """Return whether fewer messages are in flight, and the kernel has taken all of them."""
    return connection.in_flight < limit and not connection.is_sending


def _await_room(runner: Runner, connection: Connection, limit: int) -> Any:
    if has_room(connection, limit):
        return None
    runner.want = Room(limit)
    return NOT_YET


def _connected(runner: Runner) -> Connection:
    if runner.connection is None:
        if runner.lost_by in (None, SCENARIO):
            raise NotConnected("this step needs a connection: yield Connect() before it")
        raise Closed("not connected")  # not recorded again: the loss was recorded when it happened
    return runner.connection


def _take_due(runner: Runner) -> float:
    """Return when the message that is about to be sent was due; 0: now."""
    due, runner.due = runner.due, 0.0
    return due


START: dict[type, Callable[[Any, Any], Any]] = {
    Connect: connect,
    Close: close,
    Send: send,
    Request: request,
    Receive: receive,
    steps.Answered: await_replies,
    Wait: wait,
    Due: next_slot,
    steps.SendRaw: send_raw,
    steps.SendPart: send_part,
    steps.SetFraming: set_framing,
    steps.ShutdownWrite: shut_down,
    steps.Throttle: throttle,
    steps.Heartbeat: start_heartbeat,
    steps.StopHeartbeats: stop_heartbeats,
    steps.Call: call,
    steps.StartTls: encrypt,
}

"""What the runner of a session does when the session yields a step.

Each function does its step at once and returns the step's value, or it returns NOT_YET and notes in `want` what the
session waits for. Its exceptions are raised at the yield.
"""

import time
from collections.abc import Callable
from typing import Any, Protocol

from rawsocket.engine.connection import Connection
from rawsocket.engine.exchange import MAX_KEPT
from rawsocket.engine.owner import Owner
from rawsocket.errors import Closed, NotConnected
from rawsocket.users import grid
from rawsocket.users.config import SessionConfig
from rawsocket.users.steps import Close, Connect, Due, Receive, Request, Send, Wait

SCENARIO = "scenario"  # why there is no connection after a session has raised
NOT_YET: Any = object()  # the value of a step that can't be done at once
# What a session waits for: a timer, its slot, the connect, its last reply, a receive. A Room: fewer messages in flight.
TIMER, SLOT, CONNECT, REPLY, RECEIVE = range(5)


class Room:
    """The session waits until fewer than `limit` messages are in flight and the kernel has taken all of them."""

    __slots__ = ("limit",)

    def __init__(self, limit: int) -> None:
        self.limit = limit


class Runner(Owner, grid.Grid, Protocol):
    """The runner of a session, as far as steps use it."""

    config: SessionConfig
    connection: Connection | None
    key: int
    lost_by: str | None
    want: Any

    def on_time(self) -> None:
        """Called when the timer fires."""

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
        connection.close()
    runner.lost_by = None


def request(runner: Runner, step: Request) -> Any:
    """Send a message; wait for its reply, or for room for the next one."""
    connection = _connected(runner)
    due = _take_due(runner)
    if step.inflight > 1:
        connection.send(step.payload, step.name, step.expect, due, kept=False)
        return _await_room(runner, connection, step.inflight)
    connection.request(step.payload, step.name, step.expect, due)
    runner.want = REPLY
    return NOT_YET


def send(runner: Runner, step: Send) -> Any:
    """Send a message."""
    connection = _connected(runner)
    connection.send(step.payload, step.name, step.expect, _take_due(runner))
    return _await_room(runner, connection, MAX_KEPT)


def receive(runner: Runner, step: Receive) -> Any:
    """Return the oldest kept message, or wait for the next one."""
    message = _connected(runner).receive(step.timeout, step.name, step.expect)
    if message is not None:
        return message
    runner.want = RECEIVE
    return NOT_YET


def wait(runner: Runner, step: Wait) -> Any:
    """Wait."""
    runner.want = TIMER
    runner.config.reactor.at(time.perf_counter() + step.seconds, runner)
    return NOT_YET


def next_slot(runner: Runner, step: Due) -> Any:
    """Wait for the next slot, or use one that has passed."""
    period, now = step.period, time.perf_counter()
    if not runner.period:
        grid.start(runner, now, period, runner.config.random)
    elif runner.lost_by is not None:
        connection = runner.connection
        runner.leave_out(runner.slot - runner.period if connection is None else connection.connected_at)
    runner.period = period
    if runner.slot <= now:
        grid.advance(runner, period)
        return None
    runner.want = SLOT
    runner.config.reactor.at(runner.slot, runner)
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
    Wait: wait,
    Due: next_slot,
}

"""Runs a user's sessions on the reactor, one after another; each is a generator that yields steps (see steps.py).

Strategy: the generator runs until it yields a step that has to wait; the callbacks of its connection and its timer
resume it. It uses no greenlet and no stack apart from the generator's.

Rules:

- After a session that returns, the next one starts at once; after one that ends by a named failure, the next one starts
  after a back-off with jitter. Either way the connection is closed. Any other exception is counted as an error of the
  scenario, and the slots that pass until the next session are unsent by that name.
- A session that never waits (it sends and sends, or connects and fails at once) runs at most MAX_STEPS steps before
  other sessions run.
- Slots that pass while there is no connection are due and unsent, by the name of the failure. Slots that have passed
  when the user is stopped are unsent as `stopped`.
- `end()` ends it at any time; messages still in flight are unanswered. If the user class has a goodbye(), its steps
  are run first, for at most `goodbye_timeout` seconds.
"""

import time
from collections.abc import Generator
from typing import Any, Protocol

from rawsocket.engine.callbacks import Handlers
from rawsocket.engine.connection import Connection
from rawsocket.errors import RawSocketError, is_mistake
from rawsocket.measurement.overdue import Waiting
from rawsocket.users.config import SessionConfig
from rawsocket.users.reconnect import STAYED, backoff
from rawsocket.users.session import goodbye, grid, slots
from rawsocket.users.session.background_calls import PendingCall
from rawsocket.users.session.generator_end import close_generator
from rawsocket.users.session.generator_start import steps_of
from rawsocket.users.session.step_functions import (
    NOT_YET,
    RECEIVE,
    RECEIVE_OR_SLOT,
    RECEIVE_OR_TIME,
    SCENARIO,
    SLOT,
    START,
    TIMER,
    Pause,
    Room,
    close,
    has_room,
    not_a_step,
)
from rawsocket.users.steps import Step

MAX_STEPS = 64
# How far a user is with stopping: not at all; it ends after the last reply in flight; it runs its goodbye().
NOT_STOPPING, WHEN_ANSWERED, GOODBYE = range(3)

Session = Generator[Step, Any, None]


class User(goodbye.User, Handlers, Protocol):
    """The user that owns the sessions."""

    def session(self) -> Session:
        """One session, from its first step to its end."""

    def on_end(self) -> None:
        """The user has ended; called once."""

    def context(self) -> dict[str, Any]:
        """Return what listeners on `events.request` get as the context."""


class SessionRunner:
    """See the module's rules. It is the owner of its connection."""

    __slots__ = ("_failures", "_generator", "_stopping", "config", "connection", "due", "key", "lost_by", "period",
                 "slot", "user", "want")  # fmt: skip

    reads_later = False

    def __init__(self, config: SessionConfig, user: User) -> None:
        self.config = config
        self.user = user
        self.connection: Connection | None = None
        self.key = 0  # the reactor's
        self._generator: Session | None = None
        self.want: Any = TIMER
        self._stopping = NOT_STOPPING
        self._failures = 0  # in a row, since a connection was good
        self.lost_by: str | None = None  # the failure that ended the last connection, or prevented it
        self.period = self.slot = self.due = 0.0  # see grid.py

    # -- its life -----------------------------------------------------------------------------------------------

    def start(self, when: float) -> None:
        """Start the first session at that time."""
        self.config.reactor.at(when, self)

    def end(self) -> None:
        """End the sessions: with the user's goodbye, if it has one and is connected, else at once."""
        if self.config.says_goodbye and self._stopping != GOODBYE and self.is_connected:
            self._say_goodbye()
        else:
            self.finish()

    def finish(self) -> None:
        """End the sessions and the connection at once."""
        self._end_session()
        self._close_connection()
        self.user.on_end()

    def end_when_answered(self) -> None:
        """End as soon as no message is in flight."""
        self._stopping = WHEN_ANSWERED

    def _end_session(self) -> None:
        slots.count_unsent(self)
        self._cancel_call()
        generator, self._generator = self._generator, None
        if generator is not None:
            self.config.recorder.sessions_ended += 1
            close_generator(self.user, generator)
        self.config.reactor.forget(self)

    def _say_goodbye(self) -> None:
        self._stopping = GOODBYE
        self._end_session()
        connection = self.connection
        if connection is None or not connection.is_open:
            self.finish()  # its `finally` block has closed the connection
            return
        self._generator = goodbye.begin(self, connection)
        self.config.recorder.sessions_begun += 1
        self.resume(None)

    @property
    def is_stopping(self) -> bool:
        """Whether it ends after the last reply in flight, or is saying goodbye."""
        return self._stopping != NOT_STOPPING

    @property
    def is_connected(self) -> bool:
        """Whether its connection is open, as far as is known."""
        return self.connection is not None and self.connection.is_open

    @property
    def has_ended(self) -> bool:
        """Whether no session or goodbye is running."""
        return self._generator is None

    @property
    def is_busy(self) -> bool:
        """Whether replies are outstanding."""
        return self.connection is not None and self.connection.in_flight > 0

    @property
    def handlers(self) -> Handlers:
        """What the user says of messages."""
        return self.user

    def context(self) -> dict[str, Any]:
        """Return the user's context."""
        return self.user.context()

    def on_time(self) -> None:
        """Handle the timer: a wait is over, or the next session starts."""
        if self._generator is None:
            if self.lost_by == SCENARIO and self.period:
                self.leave_out(time.perf_counter())  # the back-off of a session that raised is not the server's delay
            self.config.recorder.sessions_begun += 1
            self._generator = steps_of(self.user.session)
        elif self.want is not TIMER:
            self._stop_waiting(self.want)
        self.resume(None)

    def _stop_waiting(self, want: int) -> None:
        """Handle that the time or the slot has come that the session waits for."""
        if want in (SLOT, RECEIVE_OR_SLOT):
            grid.advance(self, self.period)
        if want in (RECEIVE_OR_TIME, RECEIVE_OR_SLOT) and self.connection is not None:
            self.connection.stop_receiving()

    def resume(self, value: Any, failure: BaseException | None = None) -> None:
        """Run the session until it waits; the yield returns `value` or raises `failure`."""
        generator = self._generator
        if generator is None:
            return
        for _ in range(MAX_STEPS):
            try:
                step = generator.send(value) if failure is None else generator.throw(failure)
            except StopIteration:
                self._session_ended(None)
                return
            except KeyboardInterrupt:
                raise  # Ctrl-C happened to interrupt session code; it is meant for the process
            except BaseException as error:
                self._session_ended(error)
                return
            if self._generator is not generator:
                close_generator(self.user, generator)  # it has ended its own user
                return
            failure = None
            try:
                value = START.get(step.__class__, not_a_step)(self, step)
            except Exception as error:  # a failure, or a mistake in the session's code
                value, failure = None, error
                self._note_if_lost(error)
            if value is NOT_YET:
                return
        self.want = Pause(self, value, failure)

    def _session_ended(self, error: BaseException | None) -> None:
        self._generator = None
        self.config.recorder.sessions_ended += 1
        if self._stopping == GOODBYE:
            self._goodbye_ended(error)
            return
        if error is not None and self.user.is_end(error):
            self.end()
            return
        if self.connection is not None:
            close(self)
        delay = 0.0
        if error is not None:
            if is_mistake(error):
                self.user.report_error(error)
                self.lost_by = SCENARIO
            delay = backoff(self._failures, self.config.reconnect_random)
            self._failures += 1
        self.want = TIMER
        self.config.reactor.at(time.perf_counter() + delay, self)

    def _goodbye_ended(self, error: BaseException | None) -> None:
        goodbye.ended(self, error)
        self.finish()

    # -- callbacks of the connection ----------------------------------------------------------------------------

    def on_open(self) -> None:
        """The connection is open."""
        self.resume(None)

    def on_not_opened(self, failure: RawSocketError) -> None:
        """The connection could not be opened."""
        self._note_not_opened(failure)
        self.resume(None, failure)

    def on_reply(self, reply: Any) -> None:
        """The reply to a request has arrived."""
        if self._stopping == WHEN_ANSWERED:
            self._end_if_answered()
        else:
            self.resume(reply)

    def on_answered(self) -> None:
        """A reply has arrived that the session does not wait for, or the kernel has taken all that was sent."""
        if self._stopping == WHEN_ANSWERED:
            self._end_if_answered()
        else:
            self._resume_if_room()

    on_kept = on_writable = on_answered

    def on_received(self, message: Any) -> None:
        """The message that Receive waits for has arrived."""
        if self._stopping == WHEN_ANSWERED:
            self._end_if_answered()
            return
        if self.want != RECEIVE:
            self.config.reactor.forget(self)
        self.resume(message)

    def on_lost(self, failure: RawSocketError) -> None:
        """The connection has failed. An exception of the scenario's own code is raised as it is."""
        self._note_lost(failure)
        self._cancel_call()
        self.resume(None, failure.__cause__ or failure)

    def on_ended(self) -> None:
        """The server has ended the connection as expected."""
        self.connection = self.lost_by = None

    def on_called(self, call: PendingCall, value: Any, error: BaseException | None) -> None:
        """A function that the session called has ended."""
        if self.want is call:
            self.resume(value, error)

    def _cancel_call(self) -> None:
        if self.want.__class__ is PendingCall:
            self.want.cancel()
            self.want = TIMER

    def _end_if_answered(self) -> None:
        if not self.is_busy:
            self.end()

    def _resume_if_room(self) -> None:
        want, connection = self.want, self.connection
        if want.__class__ is Room and connection is not None and has_room(connection, want.limit):
            self.resume(None)

    # -- the end of a connection --------------------------------------------------------------------------------

    def _close_connection(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    def _note_if_lost(self, error: BaseException) -> None:
        """Note an error of a step if it ended the connection or prevented it."""
        if self.connection is None or not self.connection.is_closed or not isinstance(error, RawSocketError):
            return
        if self.connection.connection_id:
            self._note_lost(error)
        else:
            self._note_not_opened(error)

    def _note_not_opened(self, failure: RawSocketError) -> None:
        self.connection = None
        self.lost_by = failure.name

    def _note_lost(self, failure: RawSocketError) -> None:
        connection, self.connection = self.connection, None
        assert connection is not None
        if connection.answered or time.perf_counter() - connection.connected_at >= STAYED:
            self._failures = 0
        self.lost_by = failure.name
        self.config.reactor.forget(self)

    def waiting(self, now: float) -> Waiting | None:
        """Return the messages that are due and wait for the server; None if there are none."""
        return slots.waiting(self, now)

    def leave_out(self, until: float) -> None:
        """Count the slots up to `until` as unsent: there was no connection."""
        slots.leave_out(self, until)

"""A user's life on the reactor: one session after another, each a generator that yields steps (see steps.py).

Strategy: the generator runs until it yields a step that has to wait; the reactor's callbacks go on with it. There is no
greenlet, and no frame but the generator's own.

Rules:

- A session that returns is followed by the next one, one that ends by a named failure after a back-off with jitter;
  either way its connection is closed. Any other exception is told as Locust tells a user's, and then the same.
- A session that never waits (it sends and sends, or connects and fails at once) has at most STRAIGHT steps before
  others have their turn.
- Slots that pass while the connection is lost are due and unsent, by the name of the failure that took it. Those
  that the session was too late for when its user was stopped are unsent as `stopped`.
- `end()` ends it at any time; what was still in flight is unanswered.
"""

import time
from collections.abc import Callable, Generator
from typing import Any

from rawsocket.engine.config import Setup
from rawsocket.engine.connect_attempt import Attempt
from rawsocket.engine.connection import Talk
from rawsocket.engine.dial import readable
from rawsocket.engine.in_flight import CONNECT, DUE, WAIT, WAITING
from rawsocket.engine.reactor import READABLE
from rawsocket.engine.schedule import STAYED, backoff, first_slot, missed, on_grid, overdue
from rawsocket.errors import RawSocketError
from rawsocket.measurement.overdue import OWED_AFTER, Waiting
from rawsocket.measurement.recorder import count
from rawsocket.measurement.rows import Times
from rawsocket.users.steps import Close, Connect, Due, Receive, Request, Send, Step, Wait

STRAIGHT = 64
STOPPED = "stopped"
# What a step may raise into its session: its failure, or what the session did wrong.
INTO_SESSION = (RawSocketError, ValueError, RuntimeError, TypeError)

Session = Generator[Step, Any, None]


class Life(Talk):
    """See the module's rules. A subclass says what a session is, and what to do at its end."""

    __slots__ = ("_attempt", "_failures", "_generator", "_lost_by", "_period", "_slot", "key")

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.key = 0
        self._generator: Session | None = None
        self._attempt: Attempt | None = None
        self._failures = 0  # in a row, since a connection was good
        self._lost_by: str | None = None  # the failure for which there is no connection, or was none before this one
        self._slot = 0.0  # the next one
        self._period = 0.0  # 0: no grid was begun

    # -- for a subclass -----------------------------------------------------------------------------------------

    def session(self) -> Session:
        """One session, from its first step to its end."""
        raise NotImplementedError

    def _is_end(self, error: BaseException) -> bool:
        """Whether this exception means that the life is over."""
        return False

    def _crashed(self, error: BaseException) -> None:
        """Tell of an exception that is neither a named failure nor an end."""
        raise error

    def _over(self) -> None:
        """The life is over; called once."""

    # -- the life -----------------------------------------------------------------------------------------------

    def begin(self, when: float) -> None:
        """Begin the first session at that time."""
        self.setup.reactor.at(when, self)

    def end(self) -> None:
        """End it, with whatever is going on."""
        self._count_unsent()
        if self._attempt is not None:
            self.recorder.abandoned += 1
            self._attempt.give_up()
            self._attempt = None
        generator, self._generator = self._generator, None
        if generator is not None:
            self.recorder.sessions_ended += 1
            self._drop_session(generator)
        self._close()
        self.setup.reactor.forget(self)
        self._over()

    def _drop_session(self, generator: Session) -> None:
        """Have the session's `finally` blocks run; of one that has called for its own end, `_resume` does it."""
        if getattr(generator, "gi_running", False):
            return
        try:
            generator.close()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._crashed(error)

    def waiting(self, now: float) -> Waiting | None:
        """What is due and waits for the server; None if nothing does."""
        wanted = self._wanted()
        if wanted:
            name, since = wanted[0].name, wanted[0].sent
        elif self._attempt is not None:
            name, since = "", self._attempt.started
        else:
            return None
        if now - since <= OWED_AFTER or (self._sock is not None and readable(self._sock)):
            return None
        ages = [(now - flight.due, 1) for flight in wanted] + self._overdue_slots(now)
        return Waiting(name, now - since, ages) if ages else None

    def _overdue_slots(self, now: float) -> list[tuple[float, int]]:
        """For how long how many slots have passed whose message was not sent."""
        slot, due = self._slot, self._due
        if not self._period or (self._lost_by is not None and self._sock is None):
            return []
        if self._lost_by is not None:  # as in _leave_out
            slot, due = slot + missed(slot, self._period, self.connected_at) * self._period, 0.0
        passed = overdue(slot, self._period, now)
        return [(now - due, 1), *passed] if due else passed

    def busy(self) -> bool:
        """Whether replies are owed to it."""
        return self._oldest() is not None

    def end_when_answered(self) -> None:
        """End as soon as no message is in flight."""
        self._with_extra().stopping = True

    def _last_reply_came(self) -> None:
        self.end()

    def on_time(self) -> None:
        """The timer: a wait is over, or the next session begins."""
        if self._generator is None:
            self.recorder.sessions_begun += 1
            self._generator = self.session()
        elif self._want == DUE:
            self._due = on_grid(self._slot)
            self._slot += self._period
        self._resume(None)

    def _resume(self, value: Any, failure: BaseException | None = None) -> None:
        """Run the session until it waits."""
        generator = self._generator
        if generator is None:
            return
        straight = 0
        while straight < STRAIGHT:
            try:
                step = generator.send(value) if failure is None else generator.throw(failure)
            except StopIteration:
                self._session_ended(None)
                return
            except KeyboardInterrupt:
                raise  # Ctrl-C fell into the session's code by chance; it is meant for the process
            except BaseException as error:
                self._session_ended(error)
                return
            if self._generator is not generator:
                self._drop_session(generator)  # it has called for its own end
                return
            failure = None
            begin = BEGIN.get(step.__class__, _not_a_step)
            try:
                value = begin(self, step)
            except INTO_SESSION as error:
                value, failure = None, error
            if value is WAITING:
                return
            straight += 1
        self._want = Pause(self, value, failure)

    def _session_ended(self, error: BaseException | None) -> None:
        self._generator = None
        self.recorder.sessions_ended += 1
        if error is not None and self._is_end(error):
            self.end()
            return
        if self._sock is not None:
            self._close_step()
        delay = 0.0
        if error is not None:
            if not isinstance(error, RawSocketError):
                self._crashed(error)
            delay = backoff(self._failures, self.setup.random)
            self._failures += 1
        self._want = WAIT
        self.setup.reactor.at(time.perf_counter() + delay, self)

    # -- steps --------------------------------------------------------------------------------------------------

    def _connect(self, step: Connect) -> Any:
        if self._sock is not None:
            raise RuntimeError("Connect() while connected: Close() first")
        setup = self.setup
        self.reconnect = self._lost_by is not None
        self._want = CONNECT
        attempt = Attempt(setup.reactor, setup.target, setup.connect_timeout, self._opened, self._not_opened)
        try:
            attempt.begin()
        except RawSocketError as failure:
            self._note_not_opened(attempt, failure)
            raise
        self._attempt = attempt
        return WAITING

    def _opened(self, sock: Any) -> None:
        attempt, self._attempt = self._attempt, None
        assert attempt is not None
        self._sock = sock
        self.setup.reactor.take_over(sock.fileno(), self, READABLE)
        self.opened(attempt.started, time.perf_counter())
        self.setup.sweeper.opened(self)
        self._resume(None)

    def _not_opened(self, failure: RawSocketError) -> None:
        attempt, self._attempt = self._attempt, None
        assert attempt is not None
        self._note_not_opened(attempt, failure)
        self._resume(None, failure)

    def _note_not_opened(self, attempt: Attempt, failure: RawSocketError) -> None:
        self.never_opened(attempt.started, time.perf_counter(), failure)
        self._lost_by = failure.name

    def _give_up(self, failure: RawSocketError) -> RawSocketError:
        if self.answered or time.perf_counter() - self.connected_at >= STAYED:
            self._failures = 0
        self._lost_by = failure.name
        self.setup.reactor.forget(self)
        return super()._give_up(failure)

    def _close_step(self, step: Close | None = None) -> None:
        self._close()
        self._lost_by = None

    def _wait(self, step: Wait) -> Any:
        self._want = WAIT
        self.setup.reactor.at(time.perf_counter() + step.seconds, self)
        return WAITING

    def _next_slot(self, step: Due) -> Any:
        period, now = step.period, time.perf_counter()
        if not self._period:
            self._slot = first_slot(now, period, self.setup.random)
        elif self._lost_by is not None:
            self._leave_out(self.connected_at if self._sock is not None else self._slot - period)
        self._period = period
        slot = self._slot
        if slot <= now:
            self._due = on_grid(slot)
            self._slot = slot + period
            return None
        self._want = DUE
        self.setup.reactor.at(slot, self)
        return WAITING

    def _leave_out(self, until: float) -> None:
        """Count the slots that passed up to then as unsent: there was no connection."""
        assert self._lost_by is not None
        passed = missed(self._slot, self._period, until)
        self._slot += passed * self._period
        passed += self._due != 0
        self._due = 0.0
        if passed:
            count(self.recorder.unsent, self._lost_by, passed)
        if self._sock is not None:
            self._lost_by = None

    def _count_unsent(self) -> None:
        """Count the slots that have passed when the life ends."""
        if not self._period:
            return
        now = time.perf_counter()
        if self._lost_by is not None:
            self._leave_out(self.connected_at if self._sock is not None else now)
        passed = missed(self._slot, self._period, now) + (self._due != 0)
        self._period = self._due = 0.0
        if passed:
            count(self.recorder.unsent, STOPPED, passed)

    def tell(self, row: str, times: Times | None, length: int, failure: RawSocketError | None) -> None:
        """Record an event, and tell whoever listens."""
        rows = self.setup.rows
        entry = rows[row]
        if failure is not None:
            self.recorder.fail(entry, failure.name)
        elif times is not None:
            entry.bytes += length
            entry.full.append(times)
        if rows.teller is not None:
            rows.teller.tell(self, row, None if times is None else times[0], length, failure)


class Pause:
    """Goes on with a session a little later, unless something has happened to it meanwhile."""

    def __init__(self, life: Life, value: Any, failure: BaseException | None) -> None:
        self.key = 0
        self._life, self._value, self._failure = life, value, failure
        life.setup.reactor.at(time.perf_counter(), self)

    def on_time(self) -> None:
        """Go on."""
        if self._life._want is self:
            self._life._resume(self._value, self._failure)


def _not_a_step(life: Life, step: object) -> Any:
    raise TypeError(f"a session yields steps, like Connect() or Wait(1), not {step!r}")


BEGIN: dict[type, Callable[[Any, Any], Any]] = {
    Connect: Life._connect,
    Close: Life._close_step,
    Send: Life._send,
    Request: Life._request,
    Receive: Life._receive,
    Wait: Life._wait,
    Due: Life._next_slot,
}

"""`RawSocketUser`: a Locust user that holds one connection for its whole life.

Strategy: Locust as people know it (`@task`, `wait_time`, TaskSets), with `self.client` on one connection. The
user connects when it starts; while it waits, the socket is watched; a connection that is lost is
replaced, in the wait or before the next task, with exponential back-off and full jitter (Marc Brooker,
"Exponential Backoff And Jitter", AWS Architecture Blog, 2015). Each attempt after the first is an event `reconnect`.

Rules:

- A named failure is recorded when it happens and ends the task, not the user; the log has no traceback of it. Other
  exceptions are errors of the scenario: counted, and logged if they are the first of their kind.
- Everything outside a task can be interrupted: it is *waiting* in Locust's sense, so stop is instant.
- After a reconnect the next task waits until the connection has settled: by then a full server has refused it.
- The back-off restarts only after a connection was good: it had a correct reply, or lasted STAYED seconds.
- The user starts a moment after Locust has started it: see arrivals.py.
- The connection ends with the user, however the user ends.

Locust's TaskSets wait and run tasks through two methods that a user can't override; locust_patches.py lets them call
`pause` and `run_task`.
"""

import random
import time
from collections.abc import Callable
from typing import Any, ClassVar

import gevent
from gevent.pool import Group
from locust import User
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from locust.user.task import LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING

from rawsocket import locust_patches
from rawsocket.engine.accounting import SETTLES_AFTER
from rawsocket.engine.connection import Connection
from rawsocket.engine.engine import engine
from rawsocket.errors import NotConnected, RawSocketError, is_mistake
from rawsocket.identity.user_numbers import NUMBERS
from rawsocket.measurement.recorder import RECORDER
from rawsocket.users.arrivals import arrivals
from rawsocket.users.client import RawSocketClient
from rawsocket.users.config import ConfiguredUser
from rawsocket.users.reconnect import STAYED, backoff
from rawsocket.users.session.generator_start import refuse_steps
from rawsocket.wire.payload import reply_to

CONTROL = (InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopUser, StopTest)


class RawSocketUser(ConfiguredUser, User):
    """A user with one connection, `self.client`; see the module's rules.

    Class attributes (or, if None, the lab's flags) set it up: `framing` (FRAMING), and the seconds
    `connect_timeout`, `send_timeout`, `reply_timeout` (TIMEOUT).
    """

    abstract = True
    # Whether the user connects and reconnects by itself. If false, tasks call connect() and close().
    reconnects: ClassVar[bool] = True

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._number = None
        self.client = self.another_client()
        self._connects = 0
        self._failures = 0  # in a row, since a connection was good
        self._judged: Connection | None = None  # the last connection that was judged good or not

    def another_client(self) -> RawSocketClient:
        """Return a client set up as the user's own, unconnected. The caller must close it."""
        return RawSocketClient.of(self.make_config(), self.context, self)

    def on_start(self) -> None:
        """Connect, however long it takes. A subclass need not call it: then the first task connects."""
        self.hold_on()

    def on_stop(self) -> None:
        """Say goodbye, if the class has a goodbye(), and close the connection."""
        if self.client.connected and self._defines("goodbye"):
            self._say_goodbye()
        self.client.close()

    def _say_goodbye(self) -> None:
        recorder = self.client.recorder
        recorder.goodbyes_begun += 1
        self.client.forget_replies()
        try:
            with gevent.Timeout(self.goodbye_timeout, False):
                refuse_steps(self.goodbye, self.goodbye())
                recorder.goodbyes_said += 1
        except CONTROL:
            raise
        except Exception as error:
            if is_mistake(error):
                self.report_error(error)

    def start(self, group: Group) -> Any:
        """Put the user's greenlet into Locust's group, and start it when the user's number has come.

        When it ends, the connection is closed.
        """
        self._greenlet, self._group = gevent.Greenlet(_run, self), group
        self._greenlet.rawlink(self._ended)
        group.add(self._greenlet)
        NUMBERS.add(self)
        return self._greenlet

    def start_as(self, number: int) -> None:
        """Start in a moment, with this number: Locust starts users in batches, and connects are spread evenly."""
        self._number = number
        arrivals().poisson = self.option("arrivals") == "poisson"
        arrivals().add(_Arrival(self._greenlet))

    def pause(self, seconds: float) -> None:
        """Wait for `seconds`, watching the socket; a connection that is lost meanwhile is replaced.

        A wait that ends while the user reconnects goes on until it is connected. Stop is instant here.
        """
        if self._state == LOCUST_STATE_STOPPING:
            raise StopUser()
        deadline = time.perf_counter() + seconds
        before, self._state = self._state, LOCUST_STATE_WAITING
        try:
            self._pause(deadline)
        finally:
            self._state = before

    def run_task(self, execute: Callable[[], None]) -> None:
        """Connect if necessary and run a task; a named failure, or an exception of its own, ends it, not the user."""
        try:
            if self.reconnects:
                self.hold_on()
            execute()
        except CONTROL:
            raise
        except Exception as error:
            if isinstance(error, RawSocketError) and not isinstance(error, NotConnected):
                raise RescheduleTask() from None
            if not self.environment.catch_exceptions:
                raise  # Locust ends the user
            self.report_error(error)
        else:
            return
        raise RescheduleTask()  # Locust goes on to the wait, as after any task

    def hold_on(self) -> None:
        """Make sure that the user is connected, backing off between attempts. Stop is instant here."""
        if not self.client.connected:
            self.pause(0)

    def _pause(self, deadline: float) -> None:
        while True:
            if self.reconnects and self._connect():
                deadline = max(deadline, self.client.connected_at + SETTLES_AFTER)
            seconds = deadline - time.perf_counter()
            if seconds <= 0:
                gevent.sleep(0)
                return
            try:
                self.client.watch(seconds)
            except RawSocketError:
                continue  # recorded by the client; replaced here
            return

    def _connect(self) -> bool:
        """Connect if necessary; return True if that was a reconnect."""
        client = self.client
        if client.connected:
            return False
        while not client.connected:
            if self._connects:
                self._back_off()
            self._connects += 1
            try:
                client.connect(reconnect=self._connects > 1)
            except RawSocketError:
                continue  # recorded by the client
        return self._connects > 1

    def _back_off(self) -> None:
        connection = self.client.connection
        if connection is not None and connection is not self._judged:
            self._judged = connection
            if connection.answered or (
                connection.connected_at and time.perf_counter() - connection.connected_at >= STAYED
            ):
                self._failures = 0
        seconds = backoff(self._failures, engine().reconnect_random)
        self._failures += 1
        gevent.sleep(seconds)

    def _ended(self, greenlet: Any) -> None:
        """Close the connection; an exception that has ended the user, of `on_start` or `on_stop`, is the scenario's."""
        error = greenlet.exception
        named = isinstance(error, RawSocketError | StopUser | StopTest) and not isinstance(error, NotConnected)
        if error is not None and not named:
            RECORDER.scenario_errors.add(error)
        self.client.close()
        NUMBERS.leave(self, self._number)


class _Arrival:
    """The start of a user's greenlet; if the user was stopped meanwhile, nothing happens."""

    def __init__(self, greenlet: Any) -> None:
        self._greenlet = greenlet

    def start(self, when: float) -> None:
        """Start at that time (of `time.perf_counter()`)."""
        if not self._greenlet.ready():
            self._greenlet.start_later(max(0.0, when - time.perf_counter()))


def _run(user: RawSocketUser) -> None:
    user.run()


class LabUser(RawSocketUser):
    """A user for the lab's server, set up by the lab's flags EVERY, SIZE, APP and FRAMING."""

    abstract = True

    @property
    def every(self) -> float:
        """Seconds between this user's messages: EVERY ±10 %, so that users don't send in step."""
        return float(self.option("every")) * random.uniform(0.9, 1.1)

    def exchange(self, name: str = "message") -> bytes:
        """Send a message that is unique to its connection and number; accept only the reply to this message."""
        client = self.client
        message = client.unique_payload(self.option("size"))
        reply: bytes = client.request(message, name=name, expect=reply_to(message, self.option("app")))
        return reply


locust_patches.run_tasks_through(RawSocketUser)

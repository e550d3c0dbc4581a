"""`SessionUser`: a Locust user whose life is a generator, run by the process's reactor without a greenlet.

    class Hold(SessionUser):
        framing = Line()

        def session(self):
            yield Connect()
            while True:
                yield Due(10)
                reply = yield Request(b"hello", expect=b"hello")

One Locust user is still one connection: it is in Locust's group of users and is counted, stopped and rebalanced like
any other. Rules:

- There is no greenlet: the user object implements the greenlet interface that Locust needs. `on_start`, `on_stop`,
  `@task` and `wait_time` would not be used, so a class that has them is refused (class_checks.py).
- A session must not block: it runs inside gevent's hub. Start long work in a greenlet (`gevent.spawn`).
- The user starts a moment after Locust has started it: see arrivals.py.
- Killing is instant. A stop is instant, too, but for a goodbye(), which has `goodbye_timeout` seconds. With a stop
  timeout, a user without outstanding replies ends at once, others after the last reply.
- Raising StopUser in the session ends the user; other exceptions are errors of the scenario.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from gevent import GreenletExit
from gevent.event import Event
from gevent.pool import Group
from locust import User
from locust.exception import StopTest, StopUser
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING

from rawsocket.engine.connection import Connection
from rawsocket.identity.user_numbers import NUMBERS
from rawsocket.measurement.recorder import Recorder
from rawsocket.users.arrivals import arrivals
from rawsocket.users.class_checks import check_session_class
from rawsocket.users.config import ConfiguredUser, SessionConfig
from rawsocket.users.session.runner import Session, SessionRunner
from rawsocket.users.steps import Due, Request, Wait
from rawsocket.wire.payload import payload, reply_to

Link = Callable[[Any], object]


class SessionUser(ConfiguredUser, User):
    """A user that lives in `session()`; see the module's rules.

    Class attributes (or, if None, the lab's flags) set it up: `framing` (FRAMING), and the seconds
    `connect_timeout`, `send_timeout`, `reply_timeout` (TIMEOUT). `accepts_pushes`: the server may send unsolicited
    messages; they are kept for `Receive`.
    """

    __slots__ = ("_group", "_links", "_number", "dead", "environment", "runner")

    abstract = True
    # In a worker: 1 KB in the process, 4 KB for the kernel's socket, the rest for a session's own objects.
    kb_per_user: ClassVar[int] = 8
    value = None
    exception = None
    name = "session"

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        check_session_class(cls, SessionUser)

    def __init__(self, environment: Any) -> None:
        # Locust's own __init__ is left out: it sets attributes for greenlets, which take 48 bytes a user.
        self.environment = environment
        self._group: Group = None
        self._number = None
        self._links: list[Link] | None = None
        self.dead = False
        self.runner = SessionRunner(self.connection_config(), self)

    def make_config(self) -> SessionConfig:
        """Return the configuration of this class in this run."""
        arrivals().poisson = self.option("arrivals") == "poisson"
        return super().make_config()

    def session(self) -> Session:
        """One session, from its first step to its end."""
        raise NotImplementedError(f"{type(self).__name__} has no session()")

    @property
    def connection(self) -> Connection | None:
        """The connection that is open or being opened; None if there is none."""
        return self.runner.connection

    @property
    def recorder(self) -> Recorder:
        """Where everything is counted."""
        return self.runner.config.recorder

    @property
    def connection_id(self) -> int:
        """A number that only this connection has, over all workers; 0 without a connection."""
        connection = self.runner.connection
        return 0 if connection is None else connection.connection_id

    @property
    def message_no(self) -> int:
        """How many messages were sent on this connection; 0 without a connection."""
        connection = self.runner.connection
        return 0 if connection is None else connection.message_no

    tasks = [session]  # noqa: RUF012 - what Locust lists as the user's tasks; it warns of a user without any

    # -- what Locust calls of a user ----------------------------------------------------------------------------

    def start(self, group: Group) -> Any:
        """Join the group, and start in a moment, when its number has come."""
        self._group = group
        group.add(self)
        NUMBERS.add(self)
        return self

    def start_as(self, number: int) -> None:
        """Start in a moment, with this number."""
        self._number = number
        arrivals().add(self.runner)

    def stop(self, force: bool = False) -> bool:
        """End; without `force`, only after the last reply. Return True if it has ended, False if that takes a moment.

        A user that has a goodbye() says it first.
        """
        if self.dead:
            return True
        if force or not self.runner.is_busy:
            self.runner.end()
        else:
            self.runner.end_when_answered()
        return self.dead

    @property
    def _state(self) -> str:  # type: ignore[override]
        if self.runner.is_stopping:
            return LOCUST_STATE_STOPPING
        return LOCUST_STATE_RUNNING if self.runner.is_busy else LOCUST_STATE_WAITING

    @property
    def greenlet(self) -> Any:
        """The user itself, in place of a greenlet."""
        return self

    _greenlet = greenlet

    # -- what Locust and gevent call of a greenlet --------------------------------------------------------------

    @property
    def args(self) -> tuple[Any]:
        """The arguments of a greenlet: the user itself."""
        return (self,)

    def ready(self) -> bool:
        """Return whether it has ended."""
        return self.dead

    def rawlink(self, link: Link) -> None:
        """Call `link` with this user when it ends. on_end() already notifies its group, so that link is ignored."""
        if link == getattr(self._group, "_discard", None):
            return
        if self._links is None:
            self._links = []
        self._links.append(link)

    def unlink(self, link: Link) -> None:
        """Remove a link."""
        if self._links and link in self._links:
            self._links.remove(link)

    def kill(self, exception: type[BaseException] = GreenletExit, block: bool = True, timeout: Any = None) -> None:
        """End at once, without a goodbye."""
        if not self.dead:
            self.runner.finish()

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended."""
        if not self.dead:
            over = Event()
            self.rawlink(lambda _: over.set())
            over.wait(timeout)

    # -- what its runner calls ----------------------------------------------------------------------------------

    def is_end(self, error: BaseException) -> bool:
        """Return whether this exception of a session ends the user."""
        return isinstance(error, StopUser | StopTest | GreenletExit)

    def on_end(self) -> None:
        """Leave the group, and call the links."""
        if self.dead:
            return
        self.dead = True
        NUMBERS.leave(self, self._number)
        self._group._discard(self)
        for link in self._links or ():
            link(self)


class LabOptions:
    """The lab's flags that say what a session does; read once a run, since each message uses them."""

    __slots__ = ("every", "hello", "open", "size")

    def __init__(self, user: SessionUser) -> None:
        self.every = float(user.option("every"))
        self.size = int(user.option("size"))
        self.hello = reply_to(b"", "hello") if user.option("app") == "hello" else None
        self.open = user.option("pace") == "open"


class LabSession(SessionUser):
    """A session for the lab's server, set up by the lab's flags EVERY, SIZE, APP, FRAMING and PACE."""

    abstract = True

    @property
    def every(self) -> float:
        """Seconds between this user's messages: EVERY."""
        return self.lab_options.every

    @property
    def lab_options(self) -> LabOptions:
        """The flags of this run."""
        config = self.runner.config
        if config.lab_options is None:
            config.lab_options = LabOptions(self)
        found: LabOptions = config.lab_options
        return found

    def all_there(self) -> float | None:
        """Return when (seconds of the wall clock) the run's ramp was complete on all workers; None: it isn't yet."""
        return self.recorder.all_there

    def message(self, name: str = "message") -> Request:
        """Return a message that is unique to its connection and number; only the reply to this message is accepted."""
        runner = self.runner
        wanted, connection = runner.config.lab_options or self.lab_options, runner.connection
        if connection is None:
            message = payload(wanted.size, 0, 0)
        else:
            message = payload(wanted.size, connection.connection_id, connection.message_no)
        return Request(message, name, wanted.hello or message)

    def pause(self) -> Due | Wait:
        """Return the step before a message: with PACE=open the next slot, else EVERY seconds ±10 %.

        Before a connection's first message it is a random part of EVERY, so that users don't send in step.
        """
        wanted = self.lab_options
        if wanted.open:
            return Due(wanted.every)
        chance = self.runner.config.random()
        return Wait(wanted.every * (0.9 + 0.2 * chance if self.message_no else chance))

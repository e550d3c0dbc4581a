"""`SessionUser`: a Locust user whose life is a generator, run by the process's reactor without a greenlet.

    class Hold(SessionUser):
        framing = Line()

        def session(self):
            yield Connect()
            while True:
                yield Due(10)
                reply = yield Request(b"hello", expect=b"hello")

Still one Locust user is one connection: it stands in Locust's group of users and is counted, stopped and rebalanced
like any other. Rules:

- What Locust wants of a user's greenlet, the user is itself; there is none. `on_start`, `on_stop`, `@task` and
  `wait_time` are not used.
- A session must not block: it runs inside gevent's hub. What takes long belongs into a greenlet (`gevent.spawn`).
- The user begins a moment after Locust has started it: see arrivals.py.
- Killing is instant. With a stop timeout, a user that owes no reply ends at once and any other with its last reply.
- Raising StopUser in the session ends the user; other exceptions are told as Locust tells a task's.
"""

import functools
import logging
import traceback
from collections.abc import Callable
from typing import Any, ClassVar

from gevent import GreenletExit
from gevent.event import Event
from gevent.pool import Group
from locust import User
from locust.exception import StopTest, StopUser
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING

from rawsocket.engine.connection import Connection
from rawsocket.measurement.recorder import Recorder
from rawsocket.users.arrivals import Arrivals
from rawsocket.users.config import ConfiguredUser, SessionConfig
from rawsocket.users.session_runner import Session, SessionRunner
from rawsocket.users.steps import Due, Request, Wait
from rawsocket.wire.payload import payload, reply_to

logger = logging.getLogger(__name__)
Link = Callable[[Any], object]


@functools.cache
def arrivals() -> Arrivals:
    """The process's own spread of arrivals."""
    return Arrivals()


class SessionUser(ConfiguredUser, User):
    """A user that lives in `session()`; see the module's rules.

    Class attributes (or, where None, the lab's flags) set it up: `framing` (FRAMING), and the seconds
    `connect_timeout`, `send_timeout`, `reply_timeout` (TIMEOUT). `accepts_pushes`: the server may send messages that
    nobody has asked for; they are kept for `Receive`.
    """

    __slots__ = ("_group", "_links", "dead", "environment", "runner")

    abstract = True
    # Of a worker's memory; 1 KB is the process's, 4 the kernel's socket, the rest for a session's own objects.
    kb_per_user: ClassVar[int] = 8
    value = None
    exception = None
    name = "session"

    def __init__(self, environment: Any) -> None:
        # Locust's own __init__ is left out: what it sets is for greenlets, and takes 48 bytes a user.
        self.environment = environment
        self._group: Group = None
        self._links: list[Link] | None = None
        self.dead = False
        self.runner = SessionRunner(self.connection_config(), self)

    def make_config(self) -> SessionConfig:
        """The configuration of this class in this run."""
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
        """A number that only this connection has; 0 without a connection."""
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
        """Take a place in the group, and begin in a moment."""
        self._group = group
        group.add(self)
        arrivals().add(self.runner)
        return self

    def stop(self, force: bool = False) -> bool:
        """End; without `force`, not before its last reply. True if it has ended."""
        if self.dead:
            return True
        if force or not self.runner.is_busy:
            self.runner.end()
            return True
        self.runner.end_when_answered()
        return False

    @property
    def _state(self) -> str:  # type: ignore[override]
        if self.runner.is_stopping:
            return LOCUST_STATE_STOPPING
        return LOCUST_STATE_RUNNING if self.runner.is_busy else LOCUST_STATE_WAITING

    @property
    def greenlet(self) -> Any:
        """The user itself: it stands in for its greenlet."""
        return self

    _greenlet = greenlet

    # -- what Locust and gevent call of a greenlet --------------------------------------------------------------

    @property
    def args(self) -> tuple[Any]:
        """As if it had been spawned with itself."""
        return (self,)

    def ready(self) -> bool:
        """Whether it has ended."""
        return self.dead

    def rawlink(self, link: Link) -> None:
        """Call `link` with this user when it ends. Its own group is told anyway."""
        if link == getattr(self._group, "_discard", None):
            return
        if self._links is None:
            self._links = []
        self._links.append(link)

    def unlink(self, link: Link) -> None:
        """Take a link away."""
        if self._links and link in self._links:
            self._links.remove(link)

    def kill(self, exception: type[BaseException] = GreenletExit, block: bool = True, timeout: Any = None) -> None:
        """End at once."""
        self.stop(force=True)

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended."""
        if not self.dead:
            over = Event()
            self.rawlink(lambda _: over.set())
            over.wait(timeout)

    # -- what its runner calls ----------------------------------------------------------------------------------

    def is_end(self, error: BaseException) -> bool:
        """Whether this exception of a session ends the user."""
        return isinstance(error, StopUser | StopTest | GreenletExit)

    def report_error(self, error: BaseException) -> None:
        """Report an exception as Locust reports a task's."""
        logger.error("%s\n%s", error, "".join(traceback.format_exception(error)))
        self.environment.events.user_error.fire(user_instance=self, exception=error, tb=error.__traceback__)

    def on_end(self) -> None:
        """Leave the group, and call the links."""
        if self.dead:
            return
        self.dead = True
        self._group._discard(self)
        for link in self._links or ():
            link(self)


class LabOptions:
    """The lab's flags that say what a session does; read once a run, since each message asks for them."""

    __slots__ = ("every", "hello", "open", "size")

    def __init__(self, user: SessionUser) -> None:
        self.every = float(user.option("every"))
        self.size = int(user.option("size"))
        self.hello = reply_to(b"", "hello") if user.option("app") == "hello" else None
        self.open = user.option("pace") == "open"


class LabSession(SessionUser):
    """A session that talks to the lab's server as the lab's flags EVERY, SIZE, APP, FRAMING and PACE say."""

    abstract = True

    @property
    def every(self) -> float:
        """Seconds between this user's messages: EVERY."""
        return self.lab_options.every

    @property
    def lab_options(self) -> LabOptions:
        """What the flags of this run ask for."""
        config = self.runner.config
        if config.lab_options is None:
            config.lab_options = LabOptions(self)
        found: LabOptions = config.lab_options
        return found

    def all_there(self) -> float | None:
        """Since when (seconds of the wall clock) the run's ramp is complete, on all workers; None: it isn't."""
        return self.recorder.all_there

    def message(self, name: str = "message") -> Request:
        """A message that is unique to connection and message, and demands the right reply to exactly it."""
        runner = self.runner
        wanted, connection = runner.config.lab_options or self.lab_options, runner.connection
        if connection is None:
            message = payload(wanted.size, 0, 0)
        else:
            message = payload(wanted.size, connection.connection_id, connection.message_no)
        return Request(message, name, wanted.hello or message)

    def pause(self) -> Due | Wait:
        """What stands before a message: with PACE=open the next slot, else EVERY seconds, give or take a tenth.

        Before a connection's first message it is a random part of EVERY, so that users don't march in step.
        """
        wanted = self.lab_options
        if wanted.open:
            return Due(wanted.every)
        chance = self.runner.config.random()
        return Wait(wanted.every * (0.9 + 0.2 * chance if self.message_no else chance))

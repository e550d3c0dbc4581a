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

from rawsocket.attach import attach
from rawsocket.engine import dial
from rawsocket.engine.config import Setup
from rawsocket.engine.deadlines import Sweeper
from rawsocket.engine.reactor import Reactor
from rawsocket.measurement.locust_stats import BATCH
from rawsocket.measurement.recorder import RECORDER
from rawsocket.users.arrivals import Arrivals
from rawsocket.users.config import Wired
from rawsocket.users.runner import Life, Session
from rawsocket.users.steps import Due, Request, Wait
from rawsocket.wire.payload import payload, reply_to

logger = logging.getLogger(__name__)
Link = Callable[[Any], object]


class House:
    """What all sessions of this process share; made when the first one needs it."""

    def __init__(self) -> None:
        self.reactor = Reactor()
        self.sweeper = Sweeper(self.reactor, RECORDER)
        self.arrivals = Arrivals()
        self._setups: dict[type, tuple[int, Setup]] = {}

    def setup(self, user: "SessionUser") -> Setup:
        """The setup of the user's class in this run; resolves the target's name, so it may wait."""
        run, known = self._setups.get(type(user), (0, None))
        if known is None or run != RECORDER.run:
            known = self._set_up(user)
            self._setups[type(user)] = RECORDER.run, known
        return known

    def _set_up(self, user: "SessionUser") -> Setup:
        timeouts, target = user.chosen_timeouts(), user.chosen_target()
        dial.resolve(target, timeouts["connect_timeout"])
        BATCH.look(user.environment)
        self.arrivals.poisson = user.option("arrivals") == "poisson"
        pushes = user.accepts_pushes
        return Setup(self.sweeper, BATCH, target, user.chosen_framing(), **timeouts, accepts_pushes=pushes)


_house: House | None = None


def house() -> House:
    """The process's own."""
    global _house
    if _house is None:
        _house = House()
    return _house


class SessionUser(Wired, Life, User):
    """A user that lives in `session()`; see the module's rules.

    Class attributes (or, where None, the lab's flags) set it up: `framing` (FRAMING), and the seconds
    `connect_timeout`, `send_timeout`, `reply_timeout` (TIMEOUT). `accepts_pushes`: the server may send messages that
    nobody has asked for; they are kept for `Receive`.
    """

    __slots__ = ("_group", "_links", "dead", "environment", "exception")

    abstract = True
    accepts_pushes: ClassVar[bool] = False
    # Of a worker's memory; 1 KB is the process's, 4 the kernel's socket, the rest for a session's own objects.
    kb_per_user: ClassVar[int] = 8
    value = None
    name = "session"

    def __init__(self, environment: Any) -> None:
        # Locust's own __init__ is left out: what it sets is for greenlets, and takes 48 bytes a user.
        self.environment = environment
        self._group: Group = None
        self._links: list[Link] | None = None
        self.dead = False
        self.exception: BaseException | None = None
        Life.__init__(self, house().setup(self))

    def session(self) -> Session:
        """One session, from its first step to its end."""
        raise NotImplementedError(f"{type(self).__name__} has no session()")

    tasks = [session]  # noqa: RUF012 - what Locust lists as the user's tasks; it warns of a user without any

    # -- what Locust calls of a user ----------------------------------------------------------------------------

    def start(self, group: Group) -> Any:
        """Take a place in the group, and begin in a moment."""
        self._group = group
        group.add(self)
        house().arrivals.add(self)
        return self

    def stop(self, force: bool = False) -> bool:
        """End; without `force`, not before its last reply. True if it has ended."""
        if self.dead:
            return True
        if force or not self.busy():
            self.end()
            return True
        self.end_when_answered()
        return False

    @property
    def _state(self) -> str:  # type: ignore[override]
        if self._extra is not None and self._extra.stopping:
            return LOCUST_STATE_STOPPING
        return LOCUST_STATE_RUNNING if self.busy() else LOCUST_STATE_WAITING

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

    # -- what a life tells --------------------------------------------------------------------------------------

    def _is_end(self, error: BaseException) -> bool:
        return isinstance(error, StopUser | StopTest | GreenletExit)

    def _crashed(self, error: BaseException) -> None:
        logger.error("%s\n%s", error, "".join(traceback.format_exception(error)))
        self.environment.events.user_error.fire(user_instance=self, exception=error, tb=error.__traceback__)

    def _over(self) -> None:
        if self.dead:
            return
        self.dead = True
        self._group._discard(self)
        for link in self._links or ():
            link(self)


class Wish:
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
        return self.wish.every

    @property
    def wish(self) -> Wish:
        """What the flags of this run ask for."""
        setup = self.setup
        if setup.wish is None:
            setup.wish = Wish(self)
        wish: Wish = setup.wish
        return wish

    def all_there(self) -> float | None:
        """Since when (seconds of the wall clock) the run's ramp is complete, on all workers; None: it isn't."""
        return self.recorder.all_there

    def message(self, name: str = "message") -> Request:
        """A message that is unique to connection and message, and demands the right reply to exactly it."""
        wish = self.setup.wish or self.wish
        message = payload(wish.size, self.connection_id, self.message_no)
        return Request(message, name, wish.hello or message)

    def pause(self) -> Due | Wait:
        """What stands before a message: with PACE=open the next slot, else EVERY seconds, give or take a tenth.

        Before a connection's first message it is a random part of EVERY, so that users don't march in step.
        """
        wish = self.wish
        if wish.open:
            return Due(wish.every)
        chance = self.setup.random()
        return Wait(wish.every * (0.9 + 0.2 * chance if self.message_no else chance))


attach()

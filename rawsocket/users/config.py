"""How a user class is set up: class attributes first, and if those are None, the lab's flags."""

import logging
import os
import random
import traceback
from collections.abc import Hashable
from typing import Any, ClassVar, TypedDict

from rawsocket import target
from rawsocket.engine.accounting import Events
from rawsocket.engine.config import ConnectionConfig, check_timeout
from rawsocket.engine.engine import Engine, engine
from rawsocket.engine.tls.configuration import Tls
from rawsocket.engine.tls.context import context_for
from rawsocket.measurement.custom_figures import CustomFigures, mark_not_judged
from rawsocket.measurement.locust_stats import BATCH
from rawsocket.measurement.recorder import RECORDER, Recorder
from rawsocket.measurement.stats_rows import Rows
from rawsocket.settings import options
from rawsocket.settings.plan import tls_settings
from rawsocket.wire.framing import MAX_SIZE, Chunk, Framing, Line

logger = logging.getLogger(__name__)


class SessionConfig(ConnectionConfig):
    """What all users of one class share in a run. `lab_options`: what a LabSession or a conversation reads once."""

    __slots__ = ("goodbye_timeout", "lab_options", "random", "reconnect_random", "says_goodbye")

    def __init__(
        self, engine: Engine, *args: Any, says_goodbye: bool = False, goodbye_timeout: float = 2.0, **kwargs: Any
    ) -> None:
        super().__init__(engine, *args, **kwargs)
        check_timeout(goodbye_timeout)
        self.says_goodbye = says_goodbye
        self.goodbye_timeout = goodbye_timeout
        self.random = random.random
        self.reconnect_random = engine.reconnect_random
        self.lab_options: Any = None


class ConfiguredUser(CustomFigures):
    """A user that knows its target, its framing and its timeouts (seconds)."""

    __slots__ = ()

    environment: Any
    _number: int | None

    host: str | None = (target.allowed(os.environ) or target.DEFAULT).url

    # Whether each user holds a connection all the time. If so, MIN_HELD can be set to USERS.
    holds: ClassVar[bool] = True

    # How many connections a user holds: `self.client` and those of `another_client()`. MIN_HELD and limits count them.
    connections_per_user: ClassVar[int] = 1

    # Whether what arrives while no message waits for its reply is a push: a message that the server sends by itself.
    accepts_pushes: ClassVar[bool] = False

    # How TLS is used, if the target is a tls://host:port, or in StartTls. What is None: the settings TLS_CA and so on.
    tls: ClassVar[Tls | None] = None

    framing: ClassVar[Framing | None] = None
    connect_timeout: ClassVar[float | None] = None
    send_timeout: ClassVar[float | None] = None
    reply_timeout: ClassVar[float | None] = None
    # The most seconds that goodbye() may take.
    goodbye_timeout: ClassVar[float] = 2.0

    def is_push(self, message: bytes) -> bool:
        """Return whether this message is a push, never a reply, even while messages wait for their replies."""
        return False

    def push_until(self, frames: list[bytes]) -> bool:
        """Return whether these frames are a whole push. A class that has this method gets each push as such a list."""
        return True

    def on_push(self, message: Any) -> bytes | None:
        """Return what to answer a push at once (PONG, an acknowledgement); None: nothing. Must not block."""
        return None

    def request_key(self, payload: bytes) -> Hashable | None:
        """Return the key by which the reply to this message is found; None: the reply comes in order."""
        return None

    def reply_key(self, message: bytes) -> Hashable | None:
        """Return the key of the request that this reply belongs to; None: it has none."""
        return None

    def goodbye(self) -> Any:
        """Say goodbye to the server when the user is stopped: QUIT, DISCONNECT, a logout.

        A session's is a generator of steps; that of a RawSocketUser uses `self.client`. It is called only while
        connected, and ended after `goodbye_timeout` seconds.
        """
        return None

    @property
    def number(self) -> int:
        """The number of this user: 0 to USERS - 1, unique over all workers, the same as long as the user lives.

        RuntimeError if it isn't known yet: a user gets its number just before it starts.
        """
        if self._number is None:
            raise RuntimeError("self.number is known from the user's start on, not in __init__: use it in the session")
        return self._number

    def option(self, name: str) -> Any:
        """Return the value of one of the lab's flags in this run, for example `self.option("every")` in seconds."""
        return options.value(self.environment.parsed_options, name)

    def report_error(self, error: BaseException, place: tuple[str, bool] | None = None) -> None:
        """Count an exception of the scenario (see ScenarioErrors.add) and tell Locust; log the first of its kind."""
        if RECORDER.scenario_errors.add(error, place):
            logger.error("%s\n%s", error, "".join(traceback.format_exception(error)))
        self.environment.events.user_error.fire(user_instance=self, exception=error, tb=error.__traceback__)

    def connection_config(self) -> SessionConfig:
        """Return the configuration of this class in this run; the first call resolves the name, so it may wait."""
        run, config = _configs.get(type(self), (0, None))
        if config is None or run != RECORDER.run:
            self._prepare()
            config = self.make_config()
            _configs[type(self)] = RECORDER.run, config
        return config

    def make_config(self) -> SessionConfig:
        """Create a configuration."""
        BATCH.look(self.environment)
        mark_not_judged(self.not_judged)
        return self.config_on(engine(), RECORDER, BATCH, BATCH)

    def config_on(self, engine: Engine, recorder: Recorder, rows: Rows, events: Events) -> SessionConfig:
        """Create a configuration for an engine, counted there."""
        target, tls = self.chosen_target(), self.chosen_tls()
        if target.tls and not tls.is_per_user:
            context_for(tls)  # here an error is raised before the first connect
        return SessionConfig(
            engine,
            recorder,
            rows,
            events,
            target,
            self.chosen_framing(),
            **self.chosen_timeouts(),
            accepts_pushes=self.accepts_pushes,
            sorts_pushes=self._defines("is_push"),
            answers_pushes=self._defines("on_push"),
            gathers_pushes=self._defines("push_until"),
            matches_by_key=self._defines("reply_key"),
            says_goodbye=self._defines("goodbye"),
            goodbye_timeout=self.goodbye_timeout,
            tls=tls,
        )

    def _defines(self, method: str) -> bool:
        """Return whether this class has a method of its own, instead of the default above."""
        return getattr(type(self), method) is not getattr(ConfiguredUser, method)

    def _prepare(self) -> None:
        engine().connector.resolver.prepare(self.chosen_target(), self.chosen_timeouts()["connect_timeout"])

    def chosen_target(self) -> target.Target:
        """Return where this user connects to."""
        return target.parse(self.environment.host or self.host or target.DEFAULT.url)

    def chosen_tls(self) -> Tls:
        """Return how this user uses TLS."""
        return (self.tls or Tls()).with_defaults(**tls_settings(os.environ))

    def chosen_framing(self) -> Framing:
        """Return the rule for where a message ends."""
        if self.framing is not None:
            return self.framing
        if self.option("framing") == "chunk":
            return Chunk()
        return Line(max(MAX_SIZE, self.option("size")))

    def chosen_timeouts(self) -> "Timeouts":
        """Return the timeouts of a connect, a send and a reply in seconds."""
        timeout = self.option("timeout")
        return {
            "connect_timeout": self.connect_timeout or timeout,
            "send_timeout": self.send_timeout or timeout,
            "reply_timeout": self.reply_timeout or timeout,
        }


class Timeouts(TypedDict):
    """Timeouts in seconds, by the names that clients and sessions use."""

    connect_timeout: float
    send_timeout: float
    reply_timeout: float


# By user class: the run, and the configuration in that run.
_configs: dict[type, tuple[int, SessionConfig]] = {}

"""How a user class is set up: class attributes first, and if those are None, the lab's flags."""

import logging
import os
import random
import traceback
from typing import Any, ClassVar, TypedDict

from rawsocket import target
from rawsocket.engine.config import ConnectionConfig
from rawsocket.engine.process import engine
from rawsocket.measurement.locust_stats import BATCH
from rawsocket.measurement.recorder import RECORDER
from rawsocket.settings import options
from rawsocket.wire.framing import MAX_SIZE, Chunk, Framing, Line

logger = logging.getLogger(__name__)


class SessionConfig(ConnectionConfig):
    """What all users of one class share in a run. `lab_options`: those of a LabSession, read once."""

    __slots__ = ("lab_options", "random")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.random = random.random
        self.lab_options: Any = None


class ConfiguredUser:
    """A user that knows its target, its framing and its timeouts (seconds)."""

    __slots__ = ()

    environment: Any

    host: str | None = (target.allowed(os.environ) or target.DEFAULT).url

    # Whether each user holds a connection all the time. If so, MIN_HELD can be set to USERS.
    holds: ClassVar[bool] = True

    # How many connections a user holds: `self.client` and those of `another_client()`. MIN_HELD and limits count them.
    connections_per_user: ClassVar[int] = 1

    # Whether the server may send unsolicited messages: a session keeps them for Receive.
    accepts_pushes: ClassVar[bool] = False

    framing: ClassVar[Framing | None] = None
    connect_timeout: ClassVar[float | None] = None
    send_timeout: ClassVar[float | None] = None
    reply_timeout: ClassVar[float | None] = None

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
        timeouts, framing, pushes = self.chosen_timeouts(), self.chosen_framing(), self.accepts_pushes
        target = self.chosen_target()
        return SessionConfig(engine(), RECORDER, BATCH, BATCH, target, framing, **timeouts, accepts_pushes=pushes)

    def _prepare(self) -> None:
        engine().connector.resolver.prepare(self.chosen_target(), self.chosen_timeouts()["connect_timeout"])

    def chosen_target(self) -> target.Target:
        """Return where this user connects to."""
        return target.parse(self.environment.host or self.host or target.DEFAULT.url)

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

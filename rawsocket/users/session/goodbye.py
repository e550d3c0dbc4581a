"""The goodbye of a user that is stopped: a few last steps, bounded in time."""

import time
from typing import Any, Protocol

from rawsocket.engine.connection import Connection
from rawsocket.errors import is_mistake
from rawsocket.users.config import SessionConfig
from rawsocket.users.session.generator_start import steps_of


class User(Protocol):
    """The user, as far as its goodbye needs it."""

    def goodbye(self) -> Any:
        """The steps of its end, a generator, if the config says that there are any."""

    def is_end(self, error: BaseException) -> bool:
        """Return whether this exception of a session ends the user."""

    def report_error(self, error: BaseException, place: tuple[str, bool] | None = None) -> None:
        """Report an exception that is neither a named failure nor an end, of that place of the scenario."""


class Runner(Protocol):
    """The runner of the user's sessions."""

    config: SessionConfig

    @property
    def user(self) -> User:
        """Its user."""

    @property
    def has_ended(self) -> bool:
        """Whether no session or goodbye is running."""

    def finish(self) -> None:
        """End the user at once."""


def begin(runner: Runner, connection: Connection) -> Any:
    """Return the generator of the goodbye. Nobody waits any more for replies to earlier messages; heartbeats end."""
    connection.with_exchange().disown()
    runner.config.recorder.goodbyes_begun += 1
    Limit(runner)
    return steps_of(runner.user.goodbye)


def ended(runner: Runner, error: BaseException | None) -> None:
    """Count a goodbye that has ended, by that exception if any."""
    if error is None:
        runner.config.recorder.goodbyes_said += 1
    elif is_mistake(error) and not runner.user.is_end(error):
        runner.user.report_error(error)


class Limit:
    """Ends a user whose goodbye takes too long."""

    __slots__ = ("_runner", "key")

    def __init__(self, runner: Runner) -> None:
        self.key = 0  # the reactor's
        self._runner = runner
        runner.config.reactor.at(time.perf_counter() + runner.config.goodbye_timeout, self)

    def on_time(self) -> None:
        """End the user, unless it has ended."""
        if not self._runner.has_ended:
            self._runner.finish()

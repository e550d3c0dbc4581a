"""Plays one round of a user class on the real engine, with a tap on its connection.

Everything is its own: engine, counters, connection. So a check inside a master leaves no trace in the counts of a run.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

from gevent.event import Event

from rawsocket.check import words
from rawsocket.check.diagnosis import hints, not_asked_for, not_taken
from rawsocket.check.dialogue import MISTAKE, PROGRAM, SERVER, UNREACHABLE, Dialogue, Failure
from rawsocket.check.listener import DialogueListener
from rawsocket.check.round import Round, RoundOver, is_server_fault
from rawsocket.conversation.plan import Plan
from rawsocket.engine.connect.tap import TappingConnector, tap_again, untapped
from rawsocket.engine.connection import Connection
from rawsocket.engine.engine import Engine
from rawsocket.errors import ConnectTimeout, GeneratorLimit, RawSocketError, Refused, Wrong
from rawsocket.measurement.recorder import Recorder
from rawsocket.measurement.scenario_errors import located
from rawsocket.users.config import SessionConfig
from rawsocket.users.session.runner import SessionRunner
from rawsocket.wire.framing_words import written

LIMIT_S = 60.0  # of a whole check, beside its timeouts
NO_CONNECTION = (Refused, ConnectTimeout, GeneratorLimit)


class NoEvents:
    """Nobody listens to the events of a check."""

    listener = None


class QuietRecorder(Recorder):
    """The counters of a check; nothing of it goes into a log."""

    __slots__ = ()

    def example(self, name: str, detail: str) -> bool:
        """Keep none: the dialogue has it."""
        return False


class Checked:
    """The owner of the session's runner: the user, whose session ends after one round."""

    def __init__(self, user: Any, play: Round, on_end: Callable[[], None], on_error: Callable[..., None]) -> None:
        self._user = user
        self._play = play
        self.on_end = on_end
        self.report_error = on_error

    def session(self) -> Any:
        """One round."""
        return self._play.session(self._user.session)

    def goodbye(self) -> Any:
        """The user's goodbye."""
        return self._play.goodbye(self._user.goodbye)

    def is_end(self, error: BaseException) -> bool:
        """Return whether this exception ends the session."""
        return isinstance(error, RoundOver) or bool(self._user.is_end(error))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._user, name)  # what it says of messages, and its number


class Player:
    """One check of one user class."""

    def __init__(self, user_class: type[Any], environment: Any, scenario: str, limit_s: float = LIMIT_S) -> None:
        self.plan: Plan | None = getattr(user_class, "plan", None)
        self._limit_s = limit_s
        self._engine = Engine()
        self._ended = Event()
        self._user = _made(user_class, environment)
        self.dialogue = Dialogue(scenario, str(self._user.chosen_target()))
        self.listener = DialogueListener(self.dialogue, self._user.chosen_framing())
        self._engine.connector = TappingConnector(self.listener)
        self._runner: SessionRunner | None = None

    def play(self) -> Dialogue:
        """Play it, and return what was said. Blocks the greenlet."""
        self.dialogue.framing = written(self._user.chosen_framing())
        try:
            config = self._config()
            owner = Checked(self._user, Round(self), self._ended.set, self._report)
            self._user.runner = self._runner = SessionRunner(config, owner)
            self._runner.start(time.perf_counter())
            if not self._ended.wait(self._limit_s + config.connect_timeout + config.reply_timeout):
                self._give_up(self._runner)
        finally:
            self.listener.finish()
            self._engine.reactor.close()
        return self.dialogue

    def _config(self) -> SessionConfig:
        target, timeouts = self._user.chosen_target(), self._user.chosen_timeouts()
        self._engine.connector.resolver.prepare(target, timeouts["connect_timeout"])
        recorder = QuietRecorder()
        config: SessionConfig = self._user.config_on(self._engine, recorder, recorder.rows, NoEvents())
        return config

    def _give_up(self, runner: SessionRunner) -> None:
        detail = f"the round did not end within {self._limit_s:g} s"
        self.dialogue.failure = self.dialogue.failure or Failure(MISTAKE, "endless", detail)
        runner.finish()

    # -- what the round asks and tells --------------------------------------------------------------------------

    @property
    def connection(self) -> Connection | None:
        """The connection that is open or being opened."""
        return None if self._runner is None else self._runner.connection

    def securing(self) -> None:
        """Take the tap off: what follows is a TLS handshake."""
        if self.connection is not None and self.connection.is_open:
            untapped(self.connection)

    def secured(self) -> None:
        """Tap the bytes inside TLS from here on."""
        if self.connection is not None:
            self.listener.note("encrypted from here on; shown are the bytes inside TLS")
            tap_again(self.connection, self.listener)

    def is_end(self, error: BaseException) -> bool:
        """Return whether this exception of a session ends its user, as StopUser does."""
        return bool(self._user.is_end(error))

    def failed(self, error: BaseException, what: str, place: str, expected: Any) -> None:
        """Note the failure of a step."""
        if self.dialogue.failure is not None:
            return
        if not is_server_fault(error):
            where = located(error)[0] if not place or self.plan is None else place
            self.dialogue.failure = Failure(MISTAKE, type(error).__name__, str(error), what, where)
            return
        assert isinstance(error, RawSocketError)
        if not self.listener.is_open and isinstance(error, NO_CONNECTION):
            self.dialogue.failure = Failure(UNREACHABLE, error.name, error.detail, what, place)
            return
        arrived = self.listener.arrived()
        self.dialogue.failure = Failure(
            SERVER,
            error.name,
            error.detail.removeprefix(words.name_in(what) + ": "),
            what,
            place,
            words.expected(expected),
            words.frames(arrived),
            (*hints(self.listener.seen(error.name)), *([] if arrived else self._of_earlier(error, what))),
        )

    def _of_earlier(self, error: RawSocketError, what: str) -> Iterator[str]:
        """Yield what to know about frames that arrived before a step that none has arrived in."""
        if what.startswith("receive"):
            yield from map(not_taken, self.listener.earlier())
        elif isinstance(error, Wrong):
            yield from map(not_asked_for, self.listener.earlier()[-1:])

    def _report(self, error: BaseException, place: tuple[str, bool] | None = None) -> None:
        """Note an exception that ended the session."""
        if self.dialogue.failure is None:
            where, of_library = place or located(error)
            why = PROGRAM if of_library else MISTAKE
            self.dialogue.failure = Failure(why, type(error).__name__, str(error), place=where)


def _made(user_class: type[Any], environment: Any) -> Any:
    """Return a user of the class whose configuration is made later, on an engine of its own."""

    class ToCheck(user_class):
        """The class with a configuration of its own."""

        abstract = True

        def connection_config(self) -> Any:
            """Return none: the check makes it."""
            return None

    ToCheck.__name__ = user_class.__name__
    ToCheck.__qualname__ = user_class.__qualname__
    user = ToCheck(environment)
    user._number = 0
    return user


def check(user_class: type[Any], environment: Any, scenario: str, limit_s: float = LIMIT_S) -> Dialogue:
    """Play one round of a user class; return what was said. Blocks the greenlet."""
    return Player(user_class, environment, scenario, limit_s).play()

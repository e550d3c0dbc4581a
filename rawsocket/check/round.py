"""One round of a session: which of its steps are played, where it ends, and what comes after it.

Strategy: the session's own generator is run inside another one, which passes its steps on to the engine and sees each
result. Rules:

- A slot (Due) is not waited for, and of a Wait at most WAIT_S seconds are played. If something was said, the round of
  a Python session ends at the pause (Due, Wait, or a Receive until a slot) that comes at the same line a second time.
  Waits of a conversation are steps like any other.
- A conversation's round ends when the next one would begin.
- A session without a pause ends after EXCHANGES messages.
- A second Connect ends a Python session's round: it is one connection that is checked.
- A heartbeat is not started: it is sent once, at the end of the round. Then comes the goodbye.
- A Receive that waits for ever waits for RECEIVE_S seconds; nothing need have come by then.
"""

import math
from collections.abc import Callable, Generator
from typing import Any, Protocol

from rawsocket.check import steps, words
from rawsocket.check.listener import DialogueListener
from rawsocket.conversation.plan import Plan, Step
from rawsocket.engine.connection import Connection
from rawsocket.errors import RawSocketError, is_mistake
from rawsocket.users.session.generator_start import steps_of
from rawsocket.users.steps import (
    Connect,
    Due,
    Heartbeat,
    Receive,
    Request,
    Send,
    SetFraming,
    StartTls,
    Wait,
)

WAIT_S = 1.0
LONGEST_WAIT_S = 5.0  # of a wait in a conversation
RECEIVE_S = 2.0
EXCHANGES = 20
STEPS = 1000
SILENCE = 3600.0  # a conversation without steps waits that long, again and again
POLL_S = 0.01  # while replies to pipelined messages are awaited
#: What _adapted returns for a step that is left out, and for one that ends the round.
LEFT_OUT, ENDS = object(), object()


class RoundOver(Exception):
    """Ends the session of a check: its round is over, or it has failed. Never an error."""


class Player(Protocol):
    """What a round tells, and asks."""

    listener: DialogueListener
    plan: Plan | None

    @property
    def connection(self) -> Connection | None:
        """The connection that is open or being opened."""

    def secured(self) -> None:
        """The connection is encrypted from here on."""

    def securing(self) -> None:
        """A TLS handshake on the connection begins."""

    def is_end(self, error: BaseException) -> bool:
        """Return whether this exception of a session ends its user, as StopUser does."""

    def failed(self, error: BaseException, what: str, place: str, expected: Any) -> None:
        """The step has failed."""


class Round:
    """See the module's rules."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._listener = player.listener
        self._heartbeat: Heartbeat | None = None
        self._exchanges = 0
        self._pauses: set[str] = set()  # the places of those that have come
        self._turn = 0
        self._said_goodbye = False
        self._planned: Step | None = None  # the step of a conversation
        self._now: tuple[str, str, Any] = ("", "", None)  # the step in words, its place, what it expects

    # -- the generators -----------------------------------------------------------------------------------------

    def session(self, method: Callable[[], Any]) -> Generator[Any, Any, None]:
        """Play the session to the end of its round; raises RoundOver."""
        yield from self._play(steps_of(method))
        yield from self._settle()
        yield from self._beat()
        raise RoundOver

    def goodbye(self, method: Callable[[], Any]) -> Generator[Any, Any, None]:
        """Play the goodbye to its end."""
        self._listener.begin("goodbye", "")
        yield from self._play(steps_of(method), in_goodbye=True)

    def _play(self, inner: Any, in_goodbye: bool = False) -> Generator[Any, Any, None]:
        value: Any = None
        failure: BaseException | None = None
        for _ in range(STEPS):
            try:
                step = inner.send(value) if failure is None else inner.throw(failure)
            except StopIteration:
                return
            except Exception as error:
                self._fail(error)
            value, failure = None, None
            passed = self._adapted(step, inner, in_goodbye)
            if passed is ENDS:
                inner.close()
                return
            if passed is LEFT_OUT:
                continue
            try:
                value = yield passed
            except GeneratorExit:
                inner.close()
                raise
            except Exception as error:
                failure = error
            else:
                self._done(passed, value)
        inner.close()
        self._listener.note(f"the round did not end within {STEPS} steps")

    def _fail(self, error: BaseException) -> None:
        """Report the failure of the session; raises RoundOver."""
        if isinstance(error, RoundOver):
            raise error
        if self._player.is_end(error):
            raise RoundOver  # the session has ended its user
        self._player.failed(error, *self._now)
        raise RoundOver

    # -- steps --------------------------------------------------------------------------------------------------

    def _adapted(self, step: Any, inner: Any, in_goodbye: bool) -> Any:
        """Return the step to play; LEFT_OUT for none, ENDS if the round is over."""
        plan = self._player.plan
        over = self._is_over if plan is None else self._conversation_is_over
        if not in_goodbye and over(step, inner):
            return ENDS
        if isinstance(step, Due):
            return LEFT_OUT
        if isinstance(step, Heartbeat):
            self._heartbeat = step
            return LEFT_OUT
        planned = None if plan is None else steps.step_of_plan(plan, inner, getattr(step, "name", None) or "")
        self._begin(step, planned, inner)
        if isinstance(step, StartTls):
            self._player.securing()
        return self._shortened(step, planned)

    def _is_over(self, step: Any, inner: Any) -> bool:
        """Return whether a Python session's round is over."""
        paused = False
        if isinstance(step, Due | Wait) or (isinstance(step, Receive) and step.until is not None):
            place = steps.place_of_yield(inner)
            paused = place in self._pauses
            self._pauses.add(place)
        if not self._exchanges:
            return False
        return paused or isinstance(step, Connect) or self._exchanges >= EXCHANGES

    def _conversation_is_over(self, step: Any, inner: Any) -> bool:
        """Return whether a conversation's second round would begin, or it would only wait for ever."""
        turn = steps.turn(inner)
        again = turn > 1 or (turn == 1 and self._said_goodbye)
        # With `rounds` it says goodbye by itself: the number of the round is 0 then.
        self._said_goodbye = self._said_goodbye or (turn == 0 and self._turn == 1)
        self._turn = turn
        return again or (isinstance(step, Wait) and step.seconds >= SILENCE)

    def _begin(self, step: Any, planned: Step | None, inner: Any) -> None:
        """Note the step that begins, with its place."""
        plan = self._player.plan
        self._planned = planned
        if plan is not None and planned is not None:
            what, place = words.step_of_plan(planned), steps.place_of_step(plan, planned)
            wanted: Any = [*planned.expect, *([planned.until] if planned.until else [])] or None
        else:
            what, place = words.step_of_session(step), steps.place_of_yield(inner)
            wanted = getattr(step, "expect", None)
        self._now = what, place, wanted
        self._listener.begin(what, place)

    def _shortened(self, step: Any, planned: Any) -> Any:
        """Return the step, or one that waits less."""
        longest = LONGEST_WAIT_S if planned is not None else WAIT_S
        if isinstance(step, Wait) and step.seconds > longest:
            self._listener.note(f"waits {longest:g} s instead of {step.seconds:g} s")
            return Wait(longest)
        if isinstance(step, Receive) and (step.until is not None or step.timeout == math.inf):
            return Receive(RECEIVE_S, step.name, step.expect, required=False, since=step.since, only=step.only)
        return step

    def _done(self, step: Any, value: Any) -> None:
        self._exchanges += isinstance(step, Request | Send | Receive)
        if isinstance(step, SetFraming):
            self._listener.framing_changes(step.framing)
        elif isinstance(step, StartTls):
            self._player.secured()
        if self._planned is not None:
            for name, found in steps.captured(self._planned, value, self._listener.framing).items():
                self._listener.captured(name, found)

    # -- the end of the round -----------------------------------------------------------------------------------

    def _settle(self) -> Generator[Any, Any, None]:
        """Wait for the replies to messages that were sent ahead; the engine's timeout bounds it."""
        while self._in_flight():
            try:
                yield Wait(POLL_S)
            except Exception as error:
                self._fail(error)

    def _in_flight(self) -> bool:
        connection = self._player.connection
        return connection is not None and connection.is_open and connection.in_flight > 0

    def _beat(self) -> Generator[Any, Any, None]:
        """Send the heartbeat once, as a request that waits for its reply."""
        beat, connection = self._heartbeat, self._player.connection
        if beat is None or connection is None or not connection.is_open:
            return
        name = beat.name if beat.name != "heartbeat" else ""
        plan = self._player.plan
        wanted = plan.heartbeat.expect if plan is not None and plan.heartbeat is not None else beat.expect
        self._now = f"heartbeat `{name}`" if name else "heartbeat", "", wanted
        self._listener.begin(*self._now[:2])
        payload = beat.payload() if callable(beat.payload) else beat.payload
        try:
            if beat.reply:
                yield Request(payload, beat.name, beat.expect)
            else:
                yield Send(payload, beat.name, reply=False)
        except Exception as error:
            self._fail(error)


def is_server_fault(error: BaseException) -> bool:
    """Return whether a failure is one of the connection, as opposed to a mistake in the scenario."""
    return isinstance(error, RawSocketError) and not is_mistake(error)

"""A function that a session calls in a greenlet or a thread, so that it does not block the reactor."""

from typing import Any, Protocol

import gevent

from rawsocket.users.steps import Call


class Caller(Protocol):
    """The runner of the session."""

    def on_called(self, call: "PendingCall", value: Any, error: BaseException | None) -> None:
        """Called, in the hub, when the function has ended: its value, or its exception."""


class PendingCall:
    """A call in progress."""

    def __init__(self, caller: Caller, step: Call) -> None:
        self._caller = caller
        self._step = step
        self._greenlet = gevent.spawn(self._run)
        self._greenlet.rawlink(self._ended)

    def cancel(self) -> None:
        """Give it up; its result is not wanted any more. A thread goes on to its end."""
        self._greenlet.unlink(self._ended)
        self._greenlet.kill(block=False)

    def _run(self) -> tuple[Any, BaseException | None]:
        if self._step.thread:
            result: tuple[Any, BaseException | None] = gevent.get_hub().threadpool.apply(_result, (self._step,))
            return result
        return _result(self._step)

    def _ended(self, greenlet: Any) -> None:
        self._caller.on_called(self, *greenlet.value)


def _result(step: Call) -> tuple[Any, BaseException | None]:
    """Return the value of the function, or its exception."""
    try:
        return step.function(*step.args), None
    except Exception as error:
        return None, error

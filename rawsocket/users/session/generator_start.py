"""Begins the steps of a session or a goodbye, also if the method that the scenario wrote is no generator."""

from collections.abc import Callable
from typing import Any

from rawsocket.measurement.scenario_errors import place


class NotAGenerator(TypeError):
    """A method that must yield steps has no `yield`, or one that must not yield has one; `place`: where it is."""

    def __init__(self, method: Callable[[], Any], must: str) -> None:
        super().__init__(f"{method.__name__}() {must}")
        code = method.__func__.__code__  # type: ignore[attr-defined] # it is a method of the scenario
        self.place = place(code.co_filename, code.co_firstlineno, code.co_name)


def steps_of(method: Callable[[], Any]) -> Any:
    """Return the generator of session() or goodbye().

    If the method raises, or returns something else, the generator raises that when it runs: like any other mistake.
    """
    try:
        made = method()
        if not is_generator(made):
            raise NotAGenerator(method, "must yield steps, like `yield Connect()`")
    except Exception as error:
        return _raising(error)
    return made


def refuse_steps(method: Callable[[], Any], returned: Any) -> None:
    """Raise NotAGenerator if a method that was to do something itself has returned a generator of steps."""
    if is_generator(returned):
        raise NotAGenerator(method, "of a RawSocketUser must not yield: it calls methods of self.client")


def is_generator(value: Any) -> bool:
    """Return whether it can be run as a session."""
    return hasattr(value, "send") and hasattr(value, "throw")


def _raising(error: Exception) -> Any:
    raise error
    yield

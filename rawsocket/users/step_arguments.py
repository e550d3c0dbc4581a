"""Checks of what a scenario passes to steps and to the client. Pure.

A wrong type is found where the scenario passes it, not later in the engine, where nobody could say whose mistake it is.
"""

from typing import Any


def check_message(payload: Any, name: Any) -> None:
    """Raise TypeError if a message can't have this payload, or no row this name."""
    check_bytes("payload", payload)
    check_name(name)


def check_bytes(what: str, data: Any) -> None:
    """Raise TypeError if it isn't bytes."""
    if not isinstance(data, bytes | bytearray):
        hint = ': use b"..." or .encode()' if isinstance(data, str) else ""
        raise TypeError(f"{what}={data!r:.60}: must be bytes, not {_kind(data)}{hint}")


def check_name(name: Any) -> None:
    """Raise TypeError if no row can have this name."""
    if not isinstance(name, str):
        raise TypeError(f"name={name!r:.60}: the name of a row must be a text, not {_kind(name)}")


def check_function(what: str, function: Any) -> None:
    """Raise TypeError if it isn't a function."""
    if not callable(function):
        raise TypeError(f"{what}={function!r:.60}: must be a function, not {_kind(function)}")


def check_instance(what: str, value: Any, kind: type) -> None:
    """Raise TypeError if it isn't an instance of `kind`, for example Line() of Framing."""
    if not isinstance(value, kind):
        raise TypeError(f"{what}={value!r:.60}: must be a {kind.__name__}, not {_kind(value)}")


def is_above_0(value: Any, below: float | None = None) -> bool:
    """Return whether it is a number above 0, and below that if it is given."""
    return isinstance(value, int | float) and value > 0 and (below is None or value < below)


def _kind(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__

"""Mistakes in a user class that are known when the class is made. Each is one line: what is wrong and what to do."""

from typing import Any

LOCUSTS = ("on_start", "on_stop", "wait_time")
INSTEAD = {
    "on_start": "put it at the beginning of session()",
    "on_stop": "put what a user sends when it is stopped into goodbye()",
    "wait_time": "yield Wait(seconds) or Due(period) in session()",
    "@task": "put it into session()",
}


class ScenarioMistake(TypeError):
    """A user class that can't work as it is written."""


def check_session_class(kind: type[Any], base: type[Any]) -> None:
    """Raise ScenarioMistake if a class on `base` (SessionUser) uses what sessions don't have, or has no session()."""
    for name in LOCUSTS:
        if getattr(kind, name, None) is not getattr(base, name, None):
            raise _unused(kind, name)
    if tasks := [name for one in kind.__mro__ for name, value in vars(one).items() if _is_task(value)]:
        raise _unused(kind, "@task", f" ({tasks[0]})")
    if kind.session is base.session and not kind.abstract:
        raise ScenarioMistake(
            f"{kind.__name__} is a SessionUser without session(): write `def session(self)` that yields steps, "
            "or make it a RawSocketUser with tasks (`abstract = True` marks a base class)"
        )


def _unused(kind: type[Any], name: str, what: str = "") -> ScenarioMistake:
    return ScenarioMistake(
        f"{kind.__name__} is a SessionUser, which never uses {name}{what}: {INSTEAD[name]}, or make it a RawSocketUser"
    )


def _is_task(value: object) -> bool:
    return "locust_task_weight" in getattr(value, "__dict__", {})

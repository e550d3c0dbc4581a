"""Ends the generator of a session: its `finally` blocks run, and may not yield."""

from collections.abc import Generator
from typing import Any

from rawsocket.measurement.scenario_errors import is_suspended, suspended
from rawsocket.users.session.goodbye import User

IN_FINALLY = "session() yields in a `finally` block while it is being stopped: put that step in goodbye()"
CLOSES = 8  # a session may yield in several nested `finally` blocks


def close_generator(user: User, generator: Generator[Any, Any, Any]) -> None:
    """Run the session's `finally` blocks; if the session itself ended its user, its runner does that."""
    if getattr(generator, "gi_running", False):
        return
    for _ in range(CLOSES):
        try:
            generator.close()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if is_suspended(generator):
                user.report_error(RuntimeError(IN_FINALLY), suspended(generator))
            else:
                user.report_error(error)
        if not is_suspended(generator):
            return

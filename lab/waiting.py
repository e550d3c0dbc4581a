"""One way to wait: with a deadline, with an early failure if the subject of the wait has died, and with evidence."""

import time
from collections.abc import Callable

from lab.errors import LabError

Evidence = Callable[[], str]


def wait_for(
    what: str,
    ready: Callable[[], bool],
    timeout: float,
    died: Callable[[], str] = lambda: "",
    evidence: Evidence = lambda: "",
    interval: float = 0.2,
) -> None:
    """Return once `ready()` is true, asked every `interval` seconds.

    `died()` gives the reason why it will never be ready, or "". Raises LabError at once then, or after `timeout`
    seconds, with the last lines of `evidence()`.
    """
    deadline = time.monotonic() + timeout
    while not ready():
        reason = died()
        if reason:
            raise LabError(f"{what}: {reason}", evidence())
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not ready within {timeout:.0f} s", evidence())
        time.sleep(interval)

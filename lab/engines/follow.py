"""Follows the master of a run: passes on what it says, and gives its exit code.

Two kinds of failure end a run early: a worker that refuses a setting before the run has started, and a master that does
not end within the time limit. The log is read in a thread of its own, so that a signal is noticed at once.
"""

import threading
import time
from collections.abc import Callable, Sequence

from lab.engines.part import Part
from lab.errors import EXIT_LAB_FAILED, VERDICT_CODES, LabError
from lab.progress import PROGRESS_LINE, SHAPED_LINE, readable, say
from lab.settings import Settings

# Beyond WAIT, TIME and the ramp: for the workers to join (60 s), and for the end of a run with its reports.
MARGIN_S = 150.0
REST_S = 10.0  # for the rest of the log, once the master has ended


def follow(
    parts: Sequence[Part],
    relay: Callable[[str], None],
    check_start: Callable[[], None],
    settings: Settings,
    poll_s: float,
    look: Callable[[], None] = lambda: None,
) -> int:
    """Relay the master's lines until it has ended; gives the exit code of the run.

    `check_start` raises an error if the run can't start, such as a worker that refused a setting; it is asked until
    the run has started.
    `look` is called at each poll.
    """
    started = threading.Event()
    shaped_at = [0.0]  # when the master last said that a load shape decides on the run's length

    def seen(line: str) -> None:
        if PROGRESS_LINE.match(line):
            started.set()
            if SHAPED_LINE.search(line):
                shaped_at[0] = time.monotonic()
        relay(line)

    master = next(part for part in parts if part.role == "master")
    lines = _Lines(master, seen)
    limit_s = settings.run_seconds + settings.ramp_seconds + settings.wait_seconds + MARGIN_S
    deadline = time.monotonic() + limit_s
    try:
        while (code := master.exit_code()) is None:
            if time.monotonic() > max(deadline, shaped_at[0] + MARGIN_S):
                raise LabError(f"the run did not end within {limit_s:.0f} s", readable(master.log()))
            if not started.is_set():
                check_start()
            look()
            time.sleep(poll_s)
            master.refresh()
        lines.finish()
        return exit_code(code)
    finally:
        lines.close()


def exit_code(code: int) -> int:
    """Return the exit code of a run whose master ended with `code`: the same if a verdict has it, else 1."""
    if code in VERDICT_CODES:
        return code
    say(f"the master exited with unexpected code {code}: the verdict is unknown")
    return EXIT_LAB_FAILED


class _Lines:
    """The lines of a part, relayed by a thread until it is closed."""

    def __init__(self, part: Part, relay: Callable[[str], None]) -> None:
        self._relay = relay
        self._closed = False
        self._thread = threading.Thread(target=self._read, args=(part,), daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for the rest of the log."""
        self._thread.join(REST_S)

    def close(self) -> None:
        """Relay nothing more."""
        self._closed = True

    def _read(self, part: Part) -> None:
        rest = b""
        for piece in part.output():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                self._pass_on(line)
        if rest:
            self._pass_on(rest)

    def _pass_on(self, line: bytes) -> None:
        if not self._closed:
            self._relay(line.decode(errors="replace").rstrip("\r"))

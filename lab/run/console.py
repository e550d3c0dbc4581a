"""What the master of a run writes, on the caller's console.

Rules:

- Lines are passed on as they come, without Locust's own log lines: those are in logs/, and here they would hide the
  figures. On a terminal the progress line overwrites itself.
- Lines from before the start of the run are held back until it starts, except those about the wait for TARGET. If it
  ends there with a usage error, the last of them says why, and becomes the error line of the command.
"""

import re
import sys

from lab.progress import PROGRESS_LINE, WAIT_LINE

# Locust's log lines, by their format (locust/log.py). Its warnings are passed on.
_LOCUST_LOG = re.compile(r"^\[\d{4}-\d\d-\d\d [\d:,]+\] \S+/(INFO|DEBUG)/locust\.")


class Console:
    """Passes on the lines of one run."""

    def __init__(self) -> None:
        self.started = False
        self._held_back: list[str] = []

    def relay(self, line: str) -> None:
        """Pass on one line."""
        if not line or _LOCUST_LOG.match(line):
            return
        if WAIT_LINE.match(line):
            _write(line)
            return
        self._held_back.append(line)
        if self.started or PROGRESS_LINE.match(line):
            self.started = True
            self.flush()

    def flush(self) -> None:
        """Write the lines that were held back."""
        lines, self._held_back = self._held_back, []
        for line in lines:
            _write(line)

    def forget(self, said: str) -> None:
        """Drop the lines that were held back and are part of an error that is printed elsewhere."""
        self._held_back = [line for line in self._held_back if line not in said]

    def take_last(self) -> str:
        """Take back the last line that was held back, "" if there is none."""
        return self._held_back.pop() if self._held_back else ""


def _write(line: str) -> None:
    terminal = sys.stdout.isatty()
    end = "" if terminal and PROGRESS_LINE.match(line) else "\n"
    sys.stdout.write(("\r\x1b[K" if terminal else "") + line + end)
    sys.stdout.flush()

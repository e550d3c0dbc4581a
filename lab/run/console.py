"""What a run's master says, on the caller's console.

Rules:

- Passed on as it comes, less Locust's own account of what it does: that is in logs/ for whoever wants it, and in the
  way of the figures here. On a terminal the progress line overwrites itself.
- What comes before the run has begun is kept back until it does. A run that ends there with a usage error ends with
  the line that says so, as every other usage error.
"""

import re
import sys

from lab.progress import SECOND

_CHATTER = re.compile(r"^\[\d{4}-\d\d-\d\d [\d:,]+\] \S+/(INFO|DEBUG)/locust\.")


class Console:
    """Passes the lines of one run on."""

    def __init__(self) -> None:
        self.begun = False
        self._kept: list[str] = []

    def relay(self, line: str) -> None:
        """Take one line."""
        if not line or _CHATTER.match(line):
            return
        self._kept.append(line)
        if self.begun or SECOND.match(line):
            self.begun = True
            self.flush()

    def flush(self) -> None:
        """Write what was kept back."""
        lines, self._kept = self._kept, []
        for line in lines:
            _write(line)

    def last(self) -> str:
        """Take back the last line that was kept, "" if there is none."""
        return self._kept.pop() if self._kept else ""


def _write(line: str) -> None:
    terminal = sys.stdout.isatty()
    end = "" if terminal and SECOND.match(line) else "\n"
    sys.stdout.write(("\r\x1b[K" if terminal else "") + line + end)
    sys.stdout.flush()

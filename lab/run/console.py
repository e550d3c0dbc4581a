"""What the master of a run writes, on the caller's console.

The master writes a JSON object each second, and one with the result (rawsocket/headless.py). Rules:

- Progress and all other lines go to stderr, the result to stdout, its verdict last.
- On a terminal one block shows the run and overwrites itself. Elsewhere there is a line every 5 s.
- Lines of the master's log are passed on, without Locust's own: those are in logs/, and here they would hide the
  figures.
- Lines from before the start of the run are held back until it starts, except those about the wait for TARGET. If it
  ends there with a usage error, the last of them says why, and becomes the error line of the command.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.progress import PROGRESS_LINE, SCREEN, WAIT_LINE, message, result, say
from lab.run import terminal
from lab.run.progress_block import Block
from rawsocket.check import text
from rawsocket.check.dialogue import Dialogue
from rawsocket.master.reports.console import table
from rawsocket.master.reports.progress import Lines
from rawsocket.master.reports.result import lines as lines_of

# Locust's log lines, by their format (locust/log.py). Its warnings are passed on.
_LOCUST_LOG = re.compile(r"^\[\d{4}-\d\d-\d\d [\d:,]+\] \S+/(INFO|DEBUG)/locust\.")


class Console:
    """Passes on the lines of one run. `title` says what is run."""

    def __init__(self, title: str = "") -> None:
        self.started = False
        self.refused: Dialogue | None = None  # the check that has failed: no run was made
        self._held_back: list[str] = []
        self._result: Mapping[str, Any] = {}
        self._lines = Lines()
        self._block: Block | None = None
        if terminal.is_rich(sys.stderr):
            self._block = Block(sys.stderr, title)
            SCREEN.erase = self._block.erase

    def relay(self, line: str) -> None:
        """Pass on one line of the master."""
        if not line or _LOCUST_LOG.match(line):
            return
        if found := message(line):
            self._receive(found)
        elif WAIT_LINE.match(line):
            self._write(line)
        else:
            self._held_back.append(line)
            if self.started or PROGRESS_LINE.match(line):
                self.started = True
                self.flush()

    def _receive(self, found: Mapping[str, Any]) -> None:
        if "check" in found:
            self._checked(Dialogue.read(found["check"]))
            return
        self.started = True
        self.flush()
        if "result" in found:
            self._result = found
            SCREEN.erase()
        elif self._block is not None:
            self._block.show(found["progress"])
        else:
            for line in self._lines.of(found["progress"]):
                say(line)

    def _checked(self, dialogue: Dialogue) -> None:
        """Take the check before the run: one line if all is right, else the whole dialogue."""
        SCREEN.erase()
        if dialogue.exit_code:
            self.refused = dialogue
            terminal.write(text.lines(dialogue, terminal.width(sys.stdout)), sys.stdout)
        else:
            terminal.write(text.result(dialogue, terminal.width(sys.stderr)), sys.stderr)

    def flush(self) -> None:
        """Write the lines that were held back."""
        lines, self._held_back = self._held_back, []
        for line in lines:
            self._write(line)

    def _write(self, line: str) -> None:
        if self._block is not None:
            self._block.write(line)
        else:
            say(line)

    def close(self) -> None:
        """Leave a clean terminal: nothing is drawn any more."""
        SCREEN.erase()
        SCREEN.erase = lambda: None
        self.flush()

    def missing(self, folder: Path) -> list[str]:
        """Return the files that the master meant to write and that are not in `folder`."""
        return [name for name in self._result.get("files", ()) if not (folder / name).is_file()]

    @property
    def has_result(self) -> bool:
        """Whether the master has said the result of the run."""
        return bool(self._result)

    def take_result(self, document: Mapping[str, Any]) -> None:
        """Take the result from the run's files: the master of an interrupted run may have said none."""
        self._result = self._result or {"result": document}

    @property
    def trouble(self) -> str:
        """Why the master could not write files, "" if it could."""
        return str(self._result.get("trouble") or "")

    def conclude(self, report: str, trouble: str, code: int, verbose: bool) -> None:
        """Write the result, if there is one: see rawsocket/master/reports/result.py for the arguments."""
        if not self._result:
            return
        document = self._result["result"]
        if sys.stdout.isatty():
            result("")
        if verbose:
            result(f"{table(document)}\n")
        terminal.write(lines_of(document, report, trouble, code, terminal.width(sys.stdout)), sys.stdout)

    def forget(self, said: str) -> None:
        """Drop the lines that were held back and are part of an error that is printed elsewhere."""
        self._held_back = [line for line in self._held_back if line not in said]

    def take_last(self) -> str:
        """Take back the last line that was held back, "" if there is none."""
        return self._held_back.pop() if self._held_back else ""

"""A program that is told what to do by lines on its standard input, and answers each with one line of JSON."""

import json
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from lab.errors import LabError


class Teller:
    """One such process; it is killed with the block."""

    name: str

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def tell(self, command: str) -> None:
        """Tell it something; `answer` gives what it says to that, however long it takes."""
        assert self._process.stdin
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # the missing answer tells what became of it

    def answer(self) -> dict[str, Any]:
        """Wait for its answer; LabError if it says that something went wrong, or has ended."""
        found: dict[str, Any] = json.loads(self.line())
        if problem := found.get("error"):
            raise LabError(f"{self.name}: {problem}")
        return found

    def ask(self, command: str) -> dict[str, Any]:
        """Tell it something and wait for the answer."""
        self.tell(command)
        return self.answer()

    def line(self) -> str:
        """Wait for a line of it; LabError if it has ended."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise LabError(f"{self.name} ended with {self._process.wait()}")
        return line

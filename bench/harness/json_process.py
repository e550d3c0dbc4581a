"""A program that reads commands, one a line, from its standard input and answers each with one line of JSON."""

import json
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from lab.errors import LabError


class JsonProcess:
    """One such process; it is killed at the end of the block."""

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

    def send(self, command: str) -> None:
        """Send a command; `receive` returns the answer to it, however long that takes."""
        assert self._process.stdin
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it has ended: `receive` finds no answer and says so

    def receive(self) -> dict[str, Any]:
        """Wait for the answer; LabError if it is an error, or the process has ended."""
        found: dict[str, Any] = json.loads(self.read_line())
        if problem := found.get("error"):
            raise LabError(f"{self.name}: {problem}")
        return found

    def call(self, command: str) -> dict[str, Any]:
        """Send a command and wait for the answer."""
        self.send(command)
        return self.receive()

    def read_line(self) -> str:
        """Wait for a line of its output; LabError if it has ended."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise LabError(f"{self.name} ended with {self._process.wait()}")
        return line

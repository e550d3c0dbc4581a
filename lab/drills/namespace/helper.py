"""A helper: a short-lived process in the network namespace of one part of the lab, which alone may change it.

It heals when it is told to, and by itself when this process has ended or hangs (lab/drills/namespace/agent.py). If it
was killed, a second helper removes what it has left. What can't be removed is an error, never a silent success.
"""

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from lab import folders
from lab.errors import LabError, interrupts_wait

LEASE_S = 5.0
RENEW_S = 1.0
# From the start of a container to the first line of its program.
START_S = 60.0
ANSWER_S = 40.0


class NotHealed(LabError):
    """Rules of a drill are still there after its end."""


class Helper:
    """Runs commands in the network namespace of `where`, the name of a part. `command` starts the agent there."""

    def __init__(self, where: str, command: Sequence[str]) -> None:
        self.where = where
        self._command = command
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._writing = threading.Lock()
        self._closing = threading.Event()
        self._said = ""
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        """Start it. Raises LabError if it does not start."""
        with interrupts_wait():
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C must not end it before it has healed
            )
        self._reader.start()
        threading.Thread(target=self._renew, daemon=True).start()
        if self._answer(START_S) is None:
            raise LabError(f"no helper could be started in the network of {self.where}", self._end())
        return self

    def run(self, *command: str, text: str = "") -> str:
        """Return the output of a command. Raises LabError if it fails, or if the helper has ended."""
        self._send({"run": list(command), "input": text})
        answer = self._answer(ANSWER_S)
        if answer is None or "left" in answer:
            raise LabError(f"the helper in the network of {self.where} has ended before its drill", self._end())
        if answer["code"]:
            raise LabError(f"{self.where}: `{' '.join(command[:3])}` failed with {answer['code']}", answer["output"])
        return str(answer["output"])

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Heal and end. Raises NotHealed if rules are left, by another helper if this one was killed."""
        with interrupts_wait():
            left = self._close()
            if left is None:
                left = _repair(self.where, self._command)
        if left:
            raise NotHealed(
                f"{self.where}: rules of the drill are still there: {'; '.join(left)}; "
                f"`{folders.command('down')}` removes the lab, and them with it"
            )

    def _close(self) -> list[str] | None:
        """Ask it to heal and end; gives what is left, None if it has ended without a word."""
        self._send({"end": True})
        answer = self._answer(ANSWER_S)
        while answer is not None and "left" not in answer:
            answer = self._answer(ANSWER_S)
        self._end()
        return None if answer is None else list(answer["left"])

    def _end(self) -> str:
        """Let it end; gives what it has written on stderr."""
        self._closing.set()
        with contextlib.suppress(OSError, ValueError), self._writing:
            self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reader.join(ANSWER_S)
        if self._process.stderr and not self._process.stderr.closed:
            with self._process.stderr as stream:
                self._said = stream.read()
        return self._said

    def _send(self, document: dict[str, Any]) -> None:
        # One that has ended says so by its missing answer.
        with contextlib.suppress(OSError, ValueError), self._writing:
            self._process.stdin.write(json.dumps(document) + "\n")  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]

    def _answer(self, timeout: float) -> dict[str, Any] | None:
        try:
            answer = self._answers.get(timeout=timeout)
        except queue.Empty:
            return None
        if answer is None:
            self._answers.put(None)  # for whoever asks next
        return answer

    def _read(self) -> None:
        with self._process.stdout as stream:  # type: ignore[union-attr]
            for line in stream:
                with contextlib.suppress(ValueError):
                    self._answers.put(json.loads(line))
        self._answers.put(None)

    def _renew(self) -> None:
        while not self._closing.wait(RENEW_S):
            self._send({"renew": True})


def _repair(where: str, command: Sequence[str]) -> list[str]:
    """Heal with another helper; gives what is left."""
    again = Helper(where, command)
    try:
        again.__enter__()
    except LabError as error:
        # Its container has ended, and its network with it.
        if "non running container" in error.evidence or "No such container" in error.evidence:
            return []
        return [f"no second helper could be started: {error.evidence or error}"]
    left = again._close()
    return ["the second helper has ended without a word"] if left is None else left

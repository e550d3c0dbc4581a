"""Extra clients: program.py as a process beside the workers, or in a worker's container, until the fault is healed.

The program ends, and its connections with it, when its input ends: also if the lab was killed. If the lab hangs it ends
by itself.
"""

import base64
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from lab.drills.clients.program import ARRIVE
from lab.drills.drill import DOCKER, Stage
from lab.engines.docker.container import ContainerPart
from lab.errors import LabError, interrupts_wait
from rawsocket.target import Target, parse

PROGRAM = Path(__file__).with_name("program.py")
LEASE_S = 30.0  # beyond the length of the fault
END_S = 10.0
BETWEEN_S = 0.01  # between two newcomers: each handshake is over before the next


def address(stage: Stage) -> Target:
    """Return the server's address as workers know it."""
    return parse(stage.settings["TARGET"] or stage.parts("worker")[0].environment("HOLDFAST_SERVER"))


class ExtraClients:
    """So many clients that do `what`; they are there inside the block. `message`: what they send that is answered.

    `wait`: whether the block begins once each has connected or failed; if not, `arrived()` waits for that.
    """

    def __init__(self, stage: Stage, what: str, count: int, message: bytes = b"", *, wait: bool = True) -> None:
        target = address(stage)
        self._wait = wait
        self._asked = {
            "what": what,
            "host": target.host,
            "port": target.port,
            "tls": target.tls,
            "count": count,
            "message": base64.b64encode(message).decode(),
            "between": BETWEEN_S if what == ARRIVE else 0.0,
            "timeout": stage.timeout_s,
            "lasts": stage.for_s + LEASE_S,
        }
        self._end_s = END_S + 2 * stage.timeout_s
        self._command = [sys.executable, "-I"]
        if stage.engine == DOCKER:
            worker = cast(ContainerPart, stage.parts("worker")[0])
            self._command = ["docker", "exec", "--interactive", worker.id, "python3", "-I"]
        self.figures: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Start them, and wait until each has connected or failed. Raises LabError if the program does not start."""
        with interrupts_wait():
            self._process = subprocess.Popen(
                [*self._command, "-c", PROGRAM.read_text(encoding="utf-8"), json.dumps(self._asked)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,  # a line that is read is one line: `communicate` gets what follows
                start_new_session=True,  # Ctrl-C must not end it before the drill does
            )
        if self._wait:
            self.arrived()
        return self

    def arrived(self) -> None:
        """Wait until each has connected or failed. Raises LabError if the program did not start."""
        assert self._process.stdout
        if not self._process.stdout.readline():
            raise LabError(
                "the extra clients of the drill did not start", self._process.communicate()[1].decode(errors="replace")
            )

    def end(self) -> None:
        """Let them close their connections, and take their figures."""
        with interrupts_wait():
            try:
                out, err = self._process.communicate(timeout=self._end_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                out, err = self._process.communicate()
        lines = [json.loads(line) for line in out.splitlines()]
        if not lines or "opened" not in lines[-1]:
            raise LabError(
                "the extra clients of the drill have ended without their figures", err.decode(errors="replace")
            )
        self.figures = lines[-1]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End them."""
        self.end()

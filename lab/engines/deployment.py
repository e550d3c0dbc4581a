"""A deployment: one server, one master and any number of workers, from their start to their end."""

import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from lab.engines.part import Part
from lab.errors import LabError, usage_error
from lab.settings import Settings
from lab.user_server import words
from lab.waiting import wait_for

PAGE_S = 90.0
# The setting of a part's memory. The master's is fixed.
_MEMORY = {"server": "SERVER_MEM", "worker": "WORKER_MEM"}
CLUSTER_KEY = "HOLDFAST_CLUSTER_KEY"


def cluster_key() -> dict[str, str]:
    """Return a new key for master and workers, or the user's own.

    It costs a process 50 ms, and keeps other users of the machine, and other containers of a network, out of a run.
    """
    return {CLUSTER_KEY: os.environ.get(CLUSTER_KEY, "").strip() or secrets.token_hex(16)}


class Deployment(ABC):
    """One server, one master and any number of workers, from their start to their end."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @abstractmethod
    def parts(self) -> Sequence[Part]:
        """Return the parts that are there."""

    def prepare(self) -> None:
        """Make ready what a start needs, such as images."""
        return

    def published_ports(self) -> set[int]:
        """Return the ports of 127.0.0.1 that its parts use."""
        return set()

    @abstractmethod
    def start(self) -> None:
        """Start all parts. Raises UsageError if one refused a setting, LabError if one failed."""

    @abstractmethod
    def stop(self) -> None:
        """Stop and remove all parts; without any, do nothing."""

    def ended(self) -> list[str]:
        """Return the names of parts that have ended and are none of `parts` any more."""
        return []

    def make_way(self) -> None:
        """Stop what an earlier start has left, where a new start does not replace it."""
        return

    def abandon(self) -> None:
        """Remove the parts of a start that failed, where nobody looks at them any more."""
        return

    def collect(self, folder: Path) -> None:
        """Put logs and artefacts into `folder`, where they are not written there in the first place."""
        return

    def bring_home(self, runs: Path, known: Collection[str], *, end: bool = False) -> list[str]:
        """Copy the artefacts of runs from the page to `runs`, except those of `known`; return the folders' names.

        `end`: end a run that is under way first, so that it has some.
        """
        return []

    def about(self) -> dict[str, Any]:
        """Return what only the engine knows of its parts while they are there: its version, their images."""
        return {}

    def look(self) -> None:
        """Tell the master of parts that have ended, see lab_facts.py; called again and again while a run goes on."""
        return

    def tell(self, name: str, content: str) -> None:
        """Put a file into the folder that the master of a run writes to, in the place of one of that name."""
        raise NotImplementedError

    def kill_server(self, killed: Callable[[], None] = lambda: None) -> None:
        """Kill the server (SIGKILL), with all of its processes, call `killed`, and wait until it has ended."""
        raise NotImplementedError

    def restart_server(self) -> None:
        """Start the server again that was killed, on the same ports, and wait until it listens."""
        raise NotImplementedError

    def server_metrics(self) -> str:
        """Return what the lab's own server says of itself now, in the Prometheus format."""
        raise NotImplementedError

    def signal_server(self, pid: int, number: int) -> None:
        """Send a signal to one of the server's processes, by the pid that its metrics name."""
        raise NotImplementedError

    def keep_logs(self) -> None:
        """After the stop, write logs that were not on the disk so far. Raises LabError if that fails."""
        return

    def logs(self) -> list[tuple[str, str]]:
        """Return name and log of each part."""
        return [(part.name, part.log()) for part in self.parts()]

    def check_settings(self, *roles: str) -> None:
        """Raise UsageError, with its own line, if a part (of these roles) refused a setting.

        A server of the user's own knows no settings of ours: whatever it ends with means that it ended.
        """
        for part in self.parts():
            if self.settings.user_server and part.role == "server":
                continue
            if (not roles or part.role in roles) and part.refused_a_setting():
                raise usage_error(part.role, part.log(), self.server_log())

    def check_start(self) -> None:
        """Raise an error if the run can't start: a worker refused a setting, or the user's own server has ended."""
        self.check_settings("worker")
        self._check_user_server()

    def check_ended(self) -> None:
        """Raise LabError if the user's own server has ended, or if a part was killed because it lacked memory."""
        self._check_user_server()
        for part in self.parts():
            if part.role in _MEMORY and part.lacked_memory():
                limit = _MEMORY[part.role]
                raise LabError(
                    f"the {part.role} was killed for lack of memory before the run began: "
                    f"raise {limit}={self.settings[limit]}"
                )

    def _check_user_server(self) -> None:
        for part in self.parts() if self.settings.user_server else ():
            if part.role == "server" and (code := part.exit_code()) is not None:
                log = part.log()
                lacked = part.lacked_memory()
                raise LabError(words.ended(self.settings.values, code, log, out_of_memory=lacked), log)

    def server_log(self) -> str:
        """Return the log of the user's own server, "" if there is none."""
        found = (part.log() for part in self.parts() if self.settings.user_server and part.role == "server")
        return next(found, "")

    def failure(self) -> str:
        """Say what is wrong with the first part that failed, ""; UsageError if one refused a setting."""
        self.check_ended()
        self.check_settings()
        return next(filter(None, (part.problem() for part in self.parts())), "")

    def evidence(self) -> str:
        """Return the log of the first part that failed and said something."""
        return next(filter(None, (part.log() for part in self.parts() if part.has_failed())), "")

    def wait(self, what: str, ready: Callable[[], bool], timeout: float = PAGE_S) -> None:
        """Wait until `ready()`; LabError if a part fails before, or time runs out."""
        wait_for(what, ready, timeout, self.failure, self.evidence)

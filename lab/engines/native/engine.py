"""The lab as local processes: the same server, master and workers, without containers (Linux).

`up` leaves its processes running and remembers them below .lab/; a run starts its own on free ports and ends
them all before it returns.
"""

import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lab import page
from lab.engines.native import processes
from lab.engines.native.processes import Process
from lab.errors import EXIT_USAGE, LabError, UsageError, mistake, to_its_end
from lab.progress import SECOND, step
from lab.run import folder as runs
from lab.settings import ROOT, Settings
from lab.waiting import wait_for
from rawsocket.target import parse as parse_target

_LISTENING = re.compile(r"holdfast server listening on (\S+) admin (\S+)")
_SERVER_SETTINGS = ("MODEL", "APP", "FRAMING", "MAX_CONNECTIONS", "PROCESSES")


class NativeLab:
    """Everything that the verbs do where no engine is at hand."""

    name = "native"

    def __init__(self, settings: Settings, folder: Path = ROOT / ".lab") -> None:
        self._settings = settings
        self._folder = folder / "native"
        self._state = self._folder / "processes.json"

    def setup(self) -> None:
        """Nothing to prepare beyond .venv."""

    def check(self) -> None:
        """Raise UsageError if TARGET has a name that can't be resolved here, where the workers will be."""
        if target := self._settings["TARGET"]:
            try:
                socket.getaddrinfo(parse_target(target).host, None, type=socket.SOCK_STREAM)
            except OSError:
                raise UsageError(f"TARGET={target}: the name can't be resolved; check it") from None

    def up(self) -> str:
        """Start the lab and give the page's address; a lab that runs already is ended first."""
        self.down()
        for name in ("PAGE_PORT", "SERVER_PORT"):
            if not (name == "SERVER_PORT" and self._settings["TARGET"]):
                page.demand_free(name, self._settings[name])
        started: list[Process] = []
        logs = self._folder / "logs"
        shutil.rmtree(logs, ignore_errors=True)
        try:
            ports = int(self._settings["PAGE_PORT"]), int(self._settings["SERVER_PORT"])
            address = self._start(started, logs, *ports, {})
        except BaseException:
            to_its_end(lambda: processes.stop(started))
            raise
        processes.save(started, self._state)
        return address

    def down(self) -> bool:
        """End the lab that `up` started. False if there was none."""
        there = processes.load(self._state)
        processes.stop(there)
        self._state.unlink(missing_ok=True)
        return bool(there)

    def running(self) -> bool:
        """Whether a lab that `up` started is there."""
        return bool(processes.load(self._state))

    def run(self, name: str, relay: Callable[[str], None], folder: Path) -> int:
        """Run headless with processes of its own, artefacts into `folder`; gives the master's exit code."""
        folder.mkdir(parents=True, exist_ok=True)
        started: list[Process] = []
        try:
            self._start(started, folder / "logs", page.free_port(), 0, self._headless(folder))
            return self._followed(started, relay)
        finally:
            to_its_end(lambda: processes.stop(started))

    def status(self) -> list[str]:
        """One line for each process that `up` started."""
        return [f"{p.name:12} running    pid {p.pid}" for p in processes.load(self._state)]

    def logs(self) -> list[tuple[str, str]]:
        """Name and log of each process that `up` started."""
        return [(log.stem, log.read_text(errors="replace")) for log in sorted((self._folder / "logs").glob("*.log"))]

    def clean(self) -> list[str]:
        """End what runs and forget it."""
        return ["processes"] if self.down() else []

    def _headless(self, folder: Path) -> dict[str, str]:
        return {"HEADLESS": "true", "HOLDFAST_RUNS": str(folder), "HOLDFAST_LINGER": "false"}

    def _start(self, started: list[Process], logs: Path, page_port: int, server_port: int, more: dict[str, str]) -> str:
        """Start server, master and workers; each is ready before the next is started. Gives the page's address."""
        # `up` has a page to start from: a HEADLESS of the caller's own is not for it, as with containers.
        environ = {**self._settings.values, "HEADLESS": "", **more}
        with step(f"Starting {self._settings.parts}"):
            if not self._settings["TARGET"]:
                environ |= self._server(started, logs, server_port)
            environ |= {
                "HOLDFAST_PAGE_HOST": "127.0.0.1",
                "HOLDFAST_PAGE_PORT": str(page_port),
                "HOLDFAST_MASTER": "127.0.0.1",
                "HOLDFAST_MASTER_PORT": str(page.free_port()),
                "HOLDFAST_MASTER_BIND": "127.0.0.1",
            }
            address = f"http://127.0.0.1:{page_port}"
            command = [sys.executable, "-m", "rawsocket"]
            master = processes.start("master", [*command, "master"], environ, logs, signal.SIGINT)
            started.append(master)
            self._wait(f"the page at {address}", lambda: page.state(address) is not None, master)
            for number in range(1, self._settings.workers + 1):
                started.append(processes.start(f"worker-{number}", [*command, "worker"], environ, logs, signal.SIGTERM))
            if not more:
                self._wait("the workers", lambda: page.workers(address) >= self._settings.workers, *started)
        return address

    def _server(self, started: list[Process], logs: Path, port: int) -> dict[str, str]:
        settings = {f"SERVER_{name}": self._settings[name] for name in _SERVER_SETTINGS}
        settings |= {"SERVER_HOST": "127.0.0.1", "SERVER_PORT": str(port)}
        settings |= {"SERVER_ADMIN_HOST": "127.0.0.1", "SERVER_ADMIN_PORT": "0"}
        server = processes.start("server", [sys.executable, "-m", "server"], settings, logs, signal.SIGTERM)
        started.append(server)
        self._wait("the server", lambda: bool(_LISTENING.search(server.text())), server)
        match = _LISTENING.search(server.text())
        assert match
        return {"HOLDFAST_SERVER": f"tcp://{match[1]}", "HOLDFAST_SERVER_ADMIN": f"http://{match[2]}"}

    def _wait(self, what: str, ready: Callable[[], bool], *of: Process) -> None:
        def dead() -> list[Process]:
            return [process for process in of if not process.alive()]

        def died() -> str:
            _demand_no_mistake(of)
            return "".join(f"{p.name} ended with {processes.exit_code(p)}" for p in dead()[:1])

        wait_for(what, ready, 60, died, lambda: (dead() or [of[-1]])[0].text())

    def _followed(self, started: list[Process], relay: Callable[[str], None]) -> int:
        master = next(process for process in started if process.name == "master")
        workers = [process for process in started if process.name.startswith("worker-")]
        bound = runs.bound_s(self._settings)
        deadline = time.monotonic() + bound
        with Path(master.log).open(errors="replace") as log:
            code, rest, begun = None, "", False
            while code is None:
                code = processes.exit_code(master)  # before the log is read, so that its end is not missed
                *lines, rest = (rest + log.read()).split("\n")
                for line in lines:
                    begun = begun or bool(SECOND.match(line))
                    relay(line)
                if not begun:
                    _demand_no_mistake(workers)
                if time.monotonic() > deadline:
                    raise LabError(f"the run did not end within {bound:.0f} s", master.text())
                time.sleep(0.2)
            relay(rest)
        return runs.exit_code(code)


def _demand_no_mistake(of: Sequence[Process]) -> None:
    """Raise UsageError if one of the processes has ended because of a setting that it can't use."""
    for process in of:
        if not process.alive() and processes.exit_code(process) == EXIT_USAGE:
            raise mistake(process.name, process.text())

"""A server, a master and workers as local processes; each is ready before the next one is started."""

import contextlib
import itertools
import os
import re
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab import page_client, procfs
from lab.engines import lab_facts
from lab.engines.deployment import Deployment, cluster_key
from lab.engines.native import processes
from lab.engines.native.processes import Process
from lab.engines.part import Part
from lab.errors import LabError, finish_despite_interrupt, interrupts_wait
from lab.reports import origin
from lab.settings import PAGE_PASSWORD, TLS_FILES, Settings, from_environment
from lab.user_server import settings as user_server
from lab.user_server import words
from lab.waiting import wait_for

# The server's first line (server/__main__.py): where port 0 is asked for, it alone knows its ports.
LISTENING = re.compile(r"holdfast server listening on (\S+) admin (\S+)")
# -P: a folder of the user that is called `server` is not ours.
PYTHON = (sys.executable, "-P", "-m")
READY_S = 60.0
READ_S = 0.1
_SERVER_SETTINGS = ("MODEL", "APP", "FRAMING", "MAX_CONNECTIONS", "PROCESSES")


def raise_descriptors() -> None:
    """Let programs that are started from here open as many files as they may: most don't raise the limit themselves."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class ProcessPart(Part):
    """A process of a lab."""

    def __init__(self, process: Process) -> None:
        self.name = process.name
        self.role = process.name.split("-")[0]
        self._process = process

    def exit_code(self) -> int | None:
        """Return its exit code, None while it runs."""
        return processes.exit_code(self._process)

    @property
    def pid(self) -> int:
        """Its pid."""
        return self._process.pid

    def environment(self, name: str) -> str:
        """Return a variable that it was started with, "" if it was not, or has ended."""
        return procfs.environment(self.pid).get(name, "")

    def log(self) -> str:
        """Return its log so far."""
        return self._process.text()

    def output(self) -> Iterator[bytes]:
        """Yield its log as it is written, until it has ended."""
        with Path(self._process.log).open("rb") as log:
            while True:
                ended = self.exit_code() is not None  # before the log is read: nothing is missed
                if piece := log.read():
                    yield piece
                elif ended:
                    return
                else:
                    time.sleep(READ_S)

    def state(self) -> str:
        """Say how it is, with its pid."""
        return self.problem() or f"running    pid {self._process.pid}"

    def problem(self) -> str:
        """Say with which code it has ended, "" while it runs."""
        code = self.exit_code()
        return "" if code is None else f"{self.name} ended with {code}"

    def freeze(self) -> None:
        """Stop it and its children."""
        processes.signal_all([self._process], signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it and its children go on."""
        processes.signal_all([self._process], signal.SIGCONT)

    def is_frozen(self) -> bool:
        """Whether it or one of its children is stopped."""
        whole = [self._process, *processes.members([self._process])]
        return any(procfs.stat(one.pid)[:1] == ["T"] for one in whole)

    def gone(self) -> bool:
        """Whether it and its children have ended."""
        return not any(one.alive() for one in [self._process, *processes.members([self._process])])

    def kill(self) -> None:
        """Kill it and its children."""
        processes.signal_all([self._process], signal.SIGKILL)

    def thaw_by_others(self) -> list[dict[str, object]]:
        """Return the pids with their start times: they tell a process from a later one."""
        whole = [self._process, *processes.members([self._process])]
        return [{"kind": "resume", "pid": one.pid, "started": one.started} for one in whole]


class NativeDeployment(Deployment):
    """Processes that were started here, or that the file `state` remembers from an earlier call.

    `outlive`: they go on when the lab that started them has ended. If not, they end with it, and the master's log is
    kept in memory meanwhile: a run has its verdict on the console even if the disk is full.
    """

    def __init__(
        self,
        settings: Settings,
        logs: Path,
        page_port: int,
        server_port: int,
        more: Mapping[str, str],
        state: Path,
        *,
        outlive: bool = True,
    ) -> None:
        super().__init__(settings)
        self._logs = logs
        self._page_port = page_port
        self._server_port = server_port
        self._more = more
        self._state = state
        self._outlive = outlive
        self._processes = processes.load(state)
        self._stopped: list[Process] = []
        self._told: set[str] = set()
        self._killed: Process | None = None  # a server that was killed on purpose
        self._restarts = itertools.count(2)

    def parts(self) -> list[ProcessPart]:
        """Return the processes that are there."""
        return [ProcessPart(process) for process in self._processes]

    def ended(self) -> list[str]:
        """Return the names of the processes that were started and have ended."""
        there = {process.pid for process in self._processes}
        return [process.name for process in processes.load_all(self._state) if process.pid not in there]

    def make_way(self) -> None:
        """Stop the processes of an earlier `up`, which hold the ports."""
        self.stop()
        shutil.rmtree(self._logs, ignore_errors=True)

    def start(self) -> None:
        """Start server, master and workers."""
        environ = {**self.settings.values, **self._more}
        if self.settings.user_server:
            environ |= self._start_user_server()
        elif self.settings.own_server:
            environ |= self._start_server()
        environ |= {
            **self._page(),
            **cluster_key(),
            "HOLDFAST_PAGE_PORT": str(self._page_port),
            "HOLDFAST_MASTER": "127.0.0.1",
            "HOLDFAST_MASTER_PORT": str(next(port for port in page_client.free_ports(2) if port != self._page_port)),
            "HOLDFAST_MASTER_BIND": "127.0.0.1",
        }
        address = self.settings.page if self._outlive else f"http://127.0.0.1:{self._page_port}"
        command = [*PYTHON, "rawsocket"]
        self._start("master", [*command, "master"], environ, signal.SIGINT)
        self.wait(f"the page at {address}", lambda: page_client.state(address) is not None, READY_S)
        for number in range(1, self.settings.workers + 1):
            self._start(f"worker-{number}", [*command, "worker"], environ, signal.SIGTERM)

    def _page(self) -> dict[str, str]:
        """Return where the page is, and its login; that of a run without the page is for the lab alone."""
        host = self.settings["PAGE_HOST"] if self._outlive else "127.0.0.1"
        login = {f"HOLDFAST_{name}": from_environment(name) for name in ("PAGE_USER", PAGE_PASSWORD)}
        return {"HOLDFAST_PAGE_HOST": host, "HOLDFAST_PAGE_PUBLISHED": host, **login}

    def stop(self) -> None:
        """Stop all processes and forget them."""
        processes.stop(self._processes)
        self._stopped += self._processes
        self._processes = []
        self._state.unlink(missing_ok=True)

    def look(self) -> None:
        """Tell the master which of the others have ended, unless they were asked to: that is 0."""
        folder = self._more.get("HOLDFAST_RUNS")
        for part in self.parts() if folder else ():
            if part.role == "master" or part.name in self._told or (code := part.exit_code()) is None:
                continue
            # Its own server may end with 0 by itself.
            if code or (self.settings.user_server and part.role == "server"):
                self._told.add(part.name)
                lab_facts.tell(Path(folder or ""), lab_facts.fact(part.name, code, part.log()))

    def tell(self, name: str, content: str) -> None:
        """Write a file into the folder of the run, complete or not at all."""
        folder = Path(self._more["HOLDFAST_RUNS"])
        part = folder / f".{name}.part"
        part.write_text(content)
        part.replace(folder / name)

    def kill_server(self, killed: Callable[[], None] = lambda: None) -> None:
        """Kill the server's processes; from then on it is none of the parts, and has not failed."""
        server = self._server()
        self._processes = [process for process in self._processes if process is not server]
        self._killed = server
        processes.signal_all([server], signal.SIGKILL)
        killed()
        wait_for("the end of the server", lambda: not server.alive(), READY_S, interval=0.02)

    def restart_server(self) -> None:
        """Start it on the ports that it had: its clients and its master know no others."""
        if self.settings.user_server:
            self._start_user_server()
            return
        match = LISTENING.search(self._killed.text()) if self._killed else None
        assert match, "kill_server() comes first"
        self._server_port, admin = int(match[1].rpartition(":")[2]), match[2].rpartition(":")[2]
        self._start_server(admin, f"server-{next(self._restarts)}")

    def server_metrics(self) -> str:
        """Ask its admin port."""
        match = LISTENING.search(self._server().text())
        assert match
        return page_client.text(f"http://{match[2]}/metrics")

    def signal_server(self, pid: int, number: int) -> None:
        """Send the signal; a process that has ended meanwhile is no error."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    def _server(self) -> Process:
        return next(process for process in self._processes if process.name.startswith("server"))

    def keep_logs(self) -> None:
        """Write the logs that were kept in memory."""
        while self._stopped:
            processes.keep_log(self._stopped.pop(), self._logs)

    def bring_home(self, runs: Path, known: Collection[str], *, end: bool = False) -> list[str]:
        """Return the runs from the page that nobody has finished yet; their files are in `runs` already."""
        if end:
            self.collect(runs)
        found = sorted(file.parent for file in runs.glob("*-page/verdict.json"))
        return [
            folder.name for folder in found if folder.name not in known and "host" not in origin.environment(folder)
        ]

    def collect(self, folder: Path) -> None:
        """Stop a master that is still there, because its run was interrupted, before the others: a worker that ended
        first would be lost to it.
        """
        processes.stop([process for process in self._processes if process.name == "master"])

    def abandon(self) -> None:
        """Stop the processes of a start that failed; their logs stay."""
        finish_despite_interrupt(self.stop)

    def logs(self) -> list[tuple[str, str]]:
        """Return name and log of each process, also if it has ended."""
        return [(log.stem, log.read_text(errors="replace")) for log in sorted(self._logs.glob("*.log"))]

    def _start(
        self, name: str, command: Sequence[str], environ: Mapping[str, str], stop_signal: int, **more: Any
    ) -> Process:
        if not self._outlive:
            more |= {"ends_with_lab": True, "log_in_memory": name == "master"}
        with interrupts_wait():
            process = processes.start(name, command, environ, self._logs, stop_signal, **more)
            self._processes.append(process)
        # On a full disk a run goes on without: its processes end with the lab anyway.
        with contextlib.nullcontext() if self._outlive else contextlib.suppress(OSError):
            processes.save(self._processes, self._state)
        return process

    def _start_user_server(self) -> dict[str, str]:
        """Start SERVER_COMMAND in the folder that the lab was called in, and wait until it listens."""
        values, wait_s = self.settings.values, user_server.wait_s(self.settings.values)
        port = user_server.listen(values)[0] or self._server_port or page_client.free_port()
        if user_server.listen(values)[0] and page_client.taken(port):
            raise LabError(f"port {port} on 127.0.0.1 is taken by another program: SERVER_LISTEN=... takes another one")
        raise_descriptors()
        command = user_server.words(values[user_server.COMMAND], port)
        server = self._start("server", command, {"PORT": str(port)}, signal.SIGTERM, folder=Path.cwd())
        try:
            self.wait("the server", lambda: page_client.listens(port), wait_s)
        except LabError as error:
            if self.failure():
                raise
            raise LabError(words.not_listening(values, port, wait_s), error.evidence or server.text()) from None
        return {
            "HOLDFAST_SERVER": user_server.url("127.0.0.1", port, values),
            "HOLDFAST_SERVER_ADMIN": "",
            "HOLDFAST_SERVER_USAGE": str(server.pid),
            "HOLDFAST_SERVER_NAME": self.settings.user_server,
        }

    def _start_server(self, admin_port: str = "0", name: str = "server") -> dict[str, str]:
        environ = {f"SERVER_{name}": self.settings[name] for name in _SERVER_SETTINGS}
        environ |= {name: self.settings.values.get(name, "") for name in TLS_FILES["server"]}
        environ |= {"SERVER_HOST": "127.0.0.1", "SERVER_PORT": str(self._server_port)}
        environ |= {"SERVER_ADMIN_HOST": "127.0.0.1", "SERVER_ADMIN_PORT": admin_port}
        server = self._start(name, [*PYTHON, "server"], environ, signal.SIGTERM)
        # A worker that a drill has killed is no reason to give up a server that starts again.
        died = self.failure if name == "server" else lambda: ""
        wait_for("the server", lambda: bool(LISTENING.search(server.text())), READY_S, died, self.evidence, 0.05)
        match = LISTENING.search(server.text())
        assert match
        scheme = "tls" if self.settings.encrypted else "tcp"
        return {"HOLDFAST_SERVER": f"{scheme}://{match[1]}", "HOLDFAST_SERVER_ADMIN": f"http://{match[2]}"}

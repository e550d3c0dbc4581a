"""The load generators that are compared: how each is started, which of its processes generates the load.

Rules:

- Every peer runs as its users run it: Locust's as a master and one worker, Tsung as its own program. Only the worker
  is measured; the master is idle beside it, as in a real run.
- A worker is started before its master: its idle memory is read while it waits, with all modules imported.
- Ports are chosen outside the range of ephemeral ports: a worker that tries its master's port before the master
  listens would sooner or later connect to itself, and then the master can't listen on it.
- Every process started here is ended with the block, by its pid; no other process is.
"""

import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.harness import procfs
from bench.harness.compiled import PEERS
from bench.load import tsung
from lab import page_client, settings
from lab.engines.native import processes
from lab.engines.native.processes import Process
from lab.errors import LabError, finish_despite_interrupt
from lab.waiting import wait_for

IDLE_S = 0.4  # a process that has used no CPU for this long has started up
START_S = 60.0
LOWEST_PORT = 10_000


@dataclass(frozen=True)
class Workload:
    """The load that a generator is to make. `every` 0 is a closed loop; `seconds` is its length, ramp included."""

    port: int
    connections: int
    rate: float  # connects a second
    every: float  # seconds between two messages of a connection
    seconds: int
    admin: str = ""  # address of the server's own counters, "" where it has none
    ca: str = ""  # file of the authority that signed the server's certificate; "": without TLS
    scenario: str = ""  # of the lab; "": hold, or closed for a closed loop

    @property
    def target(self) -> str:
        """The address of the target, as the lab writes it."""
        return f"{'tls' if self.ca else 'tcp'}://127.0.0.1:{self.port}"


@dataclass
class RunningGenerator:
    """A generator that runs. `base_kb` is the memory of the generating process before its first connection."""

    name: str
    folder: Path
    started: list[Process] = field(default_factory=list)
    pid: int = 0  # of the process that generates the load
    base_kb: int | None = None
    page: str = ""  # the address of its page, "" if it has none
    main: Process | None = None  # ends by itself when the load is over; None: the load goes on until it is stopped

    def start(self, name: str, command: list[str], environ: Mapping[str, str], stop: int = signal.SIGKILL) -> Process:
        """Start one of its processes; its output goes to the folder."""
        process = processes.start(name, command, environ, self.folder, stop)
        self.started.append(process)
        return process

    def measure_idle(self, process: Process) -> None:
        """Take this process as the one that generates the load; wait until it has started up and read its memory."""
        self.pid = process.pid
        wait_for(f"{self.name}: {process.name} to be idle", idle(process.pid), START_S, self.died, self.evidence, 0.1)
        self.base_kb = procfs.rss_kb(process.pid)

    def died(self) -> str:
        """Return which of its processes have ended, or ""."""
        return "".join(f"{p.name} ended with {processes.exit_code(p)}" for p in self.started if not p.alive())

    def evidence(self) -> str:
        """Return the output of a process that has ended, or of the last one started."""
        dead = [process for process in self.started if not process.alive()]
        return (dead or self.started)[-1].text() if self.started else ""

    def finish(self, within: float, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Wait until it has ended by itself and written its files; returns at once if it never ends by itself."""
        main = self.main
        if main is None:
            return

        def ended() -> bool:
            meanwhile()
            return processes.exit_code(main) is not None  # a process whose main thread has ended may not be gone yet

        wait_for(f"{self.name}: its end", ended, within, evidence=self.evidence)
        if (code := processes.exit_code(main)) not in (0, 3, 4):  # the exit codes of a verdict
            raise LabError(f"{self.name}: {main.name} ended with {code}", self.evidence())


@dataclass(frozen=True)
class Generator:
    """One load generator. `unavailable` is the reason why it can't be measured here, or ""."""

    name: str
    label: str
    start: Callable[[RunningGenerator, Workload], None]
    unavailable: Callable[[], str] = lambda: ""


@contextmanager
def running(generator: Generator, workload: Workload, folder: Path) -> Iterator[RunningGenerator]:
    """Start it; all of its processes are ended with the block."""
    run = RunningGenerator(generator.name, folder)
    with ExitStack() as stack:
        stack.callback(lambda: finish_despite_interrupt(lambda: processes.stop(run.started)))
        generator.start(run, workload)
        yield run


def idle(pid: int) -> Callable[[], bool]:
    """Return a predicate, to be called often: whether the process has run and has now slept for IDLE_S."""
    last = [0.0, time.monotonic()]

    def is_idle() -> bool:
        used, now = procfs.cpu_s(pid), time.monotonic()
        if used != last[0] or not procfs.sleeps(pid):
            last[:] = used, now
        return used > 0 and now - last[1] >= IDLE_S

    return is_idle


def fixed_port(proc: Path = procfs.PROC) -> int:
    """Return a port of 127.0.0.1 that is free and below the range of ephemeral ports."""
    low = int((proc / "sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(100):
        port = random.randrange(LOWEST_PORT, max(low, LOWEST_PORT + 1000))
        if not page_client.taken(port):
            return port
    raise LabError(f"no free port from {LOWEST_PORT} to {low}")


def _floor(run: RunningGenerator, workload: Workload) -> None:
    arguments = ["127.0.0.1", str(workload.port), str(workload.connections), str(workload.every)]
    process = run.start("floor", [sys.executable, str(PEERS / "load/floor.py"), *arguments], {})
    run.pid = process.pid
    time.sleep(0.4)  # it waits before it connects: see peers/load/floor.py
    run.base_kb = procfs.rss_kb(process.pid)


def locust(file: str, session: str = "") -> Callable[[RunningGenerator, Workload], None]:
    """Return a way to start a Locust user of peers/load/ on a headless master and one worker.

    `session`: which of the sessions of sessions.py.
    """

    def start(run: RunningGenerator, workload: Workload) -> None:
        port = str(fixed_port())
        environ = default_settings() | {
            "BENCH_TARGET": f"127.0.0.1:{workload.port}",
            "BENCH_EVERY": f"{workload.every:g}",
            "BENCH_SESSION": session,
            "TARGET": workload.target,
            "HOLDFAST_RUNS": str(run.folder),
        }
        command = [sys.executable, "-m", "locust", f"--locustfile={PEERS / 'load' / file}"]
        worker = [*command, "--worker", "--master-host=127.0.0.1", f"--master-port={port}"]
        run.measure_idle(run.start("worker", worker, environ))
        master = [*command, "--master", "--headless", "--expect-workers=1", "--master-bind-host=127.0.0.1"]
        master += [f"--master-bind-port={port}", f"--users={workload.connections}", f"--spawn-rate={workload.rate:g}"]
        master += [f"--host={workload.target}", f"--run-time={workload.seconds}s", f"--csv={run.folder / 'locust'}"]
        run.main = run.start("master", master, environ)

    return start


def _product(run: RunningGenerator, workload: Workload) -> None:
    """Start the library as its users do: `python -m rawsocket` with a scenario of the lab."""
    address = fixed_port()
    environ = default_settings() | {
        "SCENARIO": workload.scenario or ("hold" if workload.every else "closed"),
        "USERS": str(workload.connections),
        "RATE": f"{workload.rate:g}",
        "TIME": f"{workload.seconds}s",
        "EVERY": f"{workload.every:g}",
        "WORKERS": "1",
        "HEADLESS": "true",
        "TARGET": "",
        "HOLDFAST_SERVER": workload.target,  # as the lab's own, which is ready: no connect before the run to check it
        "TLS_CA": workload.ca,
        "HOLDFAST_SERVER_ADMIN": workload.admin,
        "HOLDFAST_RUNS": str(run.folder),
        "HOLDFAST_LINGER": "false",
        "HOLDFAST_PAGE_HOST": "127.0.0.1",
        "HOLDFAST_PAGE_PORT": str(address),
        "HOLDFAST_MASTER": "127.0.0.1",
        "HOLDFAST_MASTER_BIND": "127.0.0.1",
        "HOLDFAST_MASTER_PORT": str(fixed_port()),
    }
    command = [sys.executable, "-m", "rawsocket"]
    run.measure_idle(run.start("worker", [*command, "worker"], environ, signal.SIGTERM))
    run.page = f"http://127.0.0.1:{address}"
    run.main = run.start("master", [*command, "master"], environ, signal.SIGINT)


def default_settings() -> dict[str, str]:
    """Return the lab's settings at their defaults, without the caller's environment and without thresholds."""
    chosen = dict(settings.read({}, {}, "load").values)
    return chosen | {"MIN_HELD": "0", "MAX_FAILURES": "-1", "MAX_P99_MS": "0", "MIN_MESSAGES_S": ""}


def _tsung(run: RunningGenerator, workload: Workload) -> None:
    """Start Tsung, with one virtual machine for controller and load."""
    epmd = str(fixed_port())
    environ = {"HOME": str(run.folder), "ERL_EPMD_PORT": epmd}
    run.folder.mkdir(parents=True, exist_ok=True)
    run.start("epmd", ["epmd", "-address", "127.0.0.1", "-port", epmd], environ)
    file = run.folder / "tsung.xml"
    file.write_text(
        tsung.configuration(workload.port, workload.connections, workload.rate, workload.every, workload.seconds)
    )
    shell = run.start("tsung", ["tsung", "-n", "-f", str(file), "-l", str(run.folder / "log"), "start"], environ)

    def started() -> bool:
        run.pid = procfs.child(shell.pid, "beam.smp")
        return bool(run.pid)

    wait_for("tsung: its virtual machine", started, START_S, run.died, run.evidence, 0.02)


SESSION = "session"
FLOOR = "floor"
CONTENDERS = {
    contender.name: contender
    for contender in (
        Generator(SESSION, "SessionUser", _product),
        Generator("raw", "RawSocketUser", locust("raw.py")),
        Generator("typical", "typical Locust user", locust("typical.py")),
        Generator("tuned", "the same, tuned", locust("tuned.py")),
        Generator("tsung", "Tsung", _tsung, tsung.unavailable),
        Generator(FLOOR, "bare Python epoll", _floor),
    )
}

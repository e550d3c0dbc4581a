"""Who is measured: each starts its processes, says which of them generates the load, and ends them.

Rules:

- Every peer is what its people would run: Locust's as a master and one worker, Tsung as its own program. The worker
  alone is weighed; the master idles beside it, as it does in life.
- A worker is started before its master: what it weighs idle is taken while it waits, with all of it imported.
- No port is chosen out of those that connections take their source ports from: a worker that knocks at its master's
  port before that listens would sooner or later connect to itself, and the master could not listen any more.
- Everything that is started is ended with the block, and nothing else is: by its own pid.
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
from lab import page, settings
from lab.engines.native import processes
from lab.engines.native.processes import Process
from lab.errors import LabError, finish_despite_interrupt
from lab.waiting import wait_for

QUIET_S = 0.4  # a process that used no CPU for so long has started up
START_S = 60.0
LOWEST_PORT = 10_000


@dataclass(frozen=True)
class Load:
    """What is asked of a contender: every 0 is a closed loop; `seconds` is how long it goes on, ramp included."""

    port: int
    connections: int
    rate: float  # connects a second
    every: float  # seconds between two messages of a connection
    seconds: int
    admin: str = ""  # address of the server's own counters, "" where it has none

    @property
    def target(self) -> str:
        """The address, as the lab writes it."""
        return f"tcp://127.0.0.1:{self.port}"


@dataclass
class Run:
    """A contender at work. `base_kb` is what the generating process weighed before it had a connection."""

    name: str
    folder: Path
    started: list[Process] = field(default_factory=list)
    generator: int = 0
    base_kb: int | None = None
    page: str = ""  # the address of its page, "" for none
    leader: Process | None = None  # ends by itself when the load is over; None: it goes on until it is ended

    def start(self, name: str, command: list[str], environ: Mapping[str, str], stop: int = signal.SIGKILL) -> Process:
        """Start one of its processes, with its output in the folder."""
        process = processes.start(name, command, environ, self.folder, stop)
        self.started.append(process)
        return process

    def weigh(self, process: Process) -> None:
        """Make it the generator, once it has started up, and weigh it."""
        self.generator = process.pid
        wait_for(f"{self.name}: {process.name} to be idle", quiet(process.pid), START_S, self.died, self.evidence, 0.1)
        self.base_kb = procfs.rss_kb(process.pid)

    def died(self) -> str:
        """Say which of its processes has ended, or ""."""
        return "".join(f"{p.name} ended with {processes.exit_code(p)}" for p in self.started if not p.alive())

    def evidence(self) -> str:
        """Give the last lines of the process that ended, or of the last one started."""
        dead = [process for process in self.started if not process.alive()]
        return (dead or self.started)[-1].text() if self.started else ""

    def finish(self, within: float, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Wait until it has ended by itself and written what it leaves behind; at once if it never ends by itself."""
        leader = self.leader
        if leader is None:
            return

        def ended() -> bool:
            meanwhile()
            return processes.exit_code(leader) is not None  # a process whose main thread is gone may still be ending

        wait_for(f"{self.name}: its end", ended, within, evidence=self.evidence)
        if (code := processes.exit_code(leader)) not in (0, 3, 4):  # a verdict
            raise LabError(f"{self.name}: {leader.name} ended with {code}", self.evidence())


@dataclass(frozen=True)
class Contender:
    """One row of the comparison. `there` says why it can't be measured here, or ""."""

    name: str
    label: str
    start: Callable[[Run, Load], None]
    there: Callable[[], str] = lambda: ""


@contextmanager
def running(contender: Contender, load: Load, folder: Path) -> Iterator[Run]:
    """Start it; end all of its processes with the block."""
    run = Run(contender.name, folder)
    with ExitStack() as stack:
        stack.callback(lambda: finish_despite_interrupt(lambda: processes.stop(run.started)))
        contender.start(run, load)
        yield run


def quiet(pid: int) -> Callable[[], bool]:
    """Give a predicate, to be asked often: whether the process has run, and for QUIET_S now has slept."""
    last = [0.0, time.monotonic()]

    def is_quiet() -> bool:
        used, now = procfs.cpu_s(pid), time.monotonic()
        if used != last[0] or not procfs.sleeps(pid):
            last[:] = used, now
        return used > 0 and now - last[1] >= QUIET_S

    return is_quiet


def fixed_port(proc: Path = procfs.PROC) -> int:
    """Give a port of 127.0.0.1 that is free and below those that connections take their source ports from."""
    low = int((proc / "sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(100):
        port = random.randrange(LOWEST_PORT, max(low, LOWEST_PORT + 1000))
        if not page.taken(port):
            return port
    raise LabError(f"no free port from {LOWEST_PORT} to {low}")


def _floor(run: Run, load: Load) -> None:
    arguments = ["127.0.0.1", str(load.port), str(load.connections), str(load.every)]
    process = run.start("floor", [sys.executable, str(PEERS / "load/floor.py"), *arguments], {})
    run.generator = process.pid
    time.sleep(0.4)  # it pauses before it connects: see peers/load/floor.py
    run.base_kb = procfs.rss_kb(process.pid)


def _locust(file: str) -> Callable[[Run, Load], None]:
    """A Locust user in a file of peers/load/, on a headless master and one worker."""

    def start(run: Run, load: Load) -> None:
        port = str(fixed_port())
        environ = neutral() | {
            "BENCH_TARGET": f"127.0.0.1:{load.port}",
            "BENCH_EVERY": f"{load.every:g}",
            "TARGET": load.target,
            "HOLDFAST_RUNS": str(run.folder),
        }
        locust = [sys.executable, "-m", "locust", f"--locustfile={PEERS / 'load' / file}"]
        worker = [*locust, "--worker", "--master-host=127.0.0.1", f"--master-port={port}"]
        run.weigh(run.start("worker", worker, environ))
        master = [*locust, "--master", "--headless", "--expect-workers=1", "--master-bind-host=127.0.0.1"]
        master += [f"--master-bind-port={port}", f"--users={load.connections}", f"--spawn-rate={load.rate:g}"]
        master += [f"--host={load.target}", f"--run-time={load.seconds}s", f"--csv={run.folder / 'locust'}"]
        run.leader = run.start("master", master, environ)

    return start


def _product(run: Run, load: Load) -> None:
    """The library as it is used: `python -m rawsocket`, the scenario hold, or closed for a closed loop."""
    address = fixed_port()
    environ = neutral() | {
        "SCENARIO": "hold" if load.every else "closed",
        "USERS": str(load.connections),
        "RATE": f"{load.rate:g}",
        "TIME": f"{load.seconds}s",
        "EVERY": f"{load.every:g}",
        "WORKERS": "1",
        "HEADLESS": "true",
        "TARGET": load.target,
        "HOLDFAST_SERVER_ADMIN": load.admin,
        "HOLDFAST_RUNS": str(run.folder),
        "HOLDFAST_LINGER": "false",
        "HOLDFAST_PAGE_HOST": "127.0.0.1",
        "HOLDFAST_PAGE_PORT": str(address),
        "HOLDFAST_MASTER": "127.0.0.1",
        "HOLDFAST_MASTER_BIND": "127.0.0.1",
        "HOLDFAST_MASTER_PORT": str(fixed_port()),
    }
    command = [sys.executable, "-m", "rawsocket"]
    run.weigh(run.start("worker", [*command, "worker"], environ, signal.SIGTERM))
    run.page = f"http://127.0.0.1:{address}"
    run.leader = run.start("master", [*command, "master"], environ, signal.SIGINT)


def neutral() -> dict[str, str]:
    """Give the lab's settings at their defaults, whatever the caller's environment says; nothing is judged."""
    chosen = dict(settings.read({}, {}, "load").values)
    return chosen | {"MIN_HELD": "0", "MAX_FAILURES": "-1", "MAX_P99_MS": "0", "MIN_MESSAGES_S": ""}


def _tsung(run: Run, load: Load) -> None:
    """Tsung with one virtual machine for controller and load."""
    epmd = str(fixed_port())
    environ = {"HOME": str(run.folder), "ERL_EPMD_PORT": epmd}
    run.folder.mkdir(parents=True, exist_ok=True)
    run.start("epmd", ["epmd", "-address", "127.0.0.1", "-port", epmd], environ)
    file = run.folder / "tsung.xml"
    file.write_text(tsung.configuration(load.port, load.connections, load.rate, load.every, load.seconds))
    shell = run.start("tsung", ["tsung", "-n", "-f", str(file), "-l", str(run.folder / "log"), "start"], environ)

    def there() -> bool:
        run.generator = procfs.child(shell.pid, "beam.smp")
        return bool(run.generator)

    wait_for("tsung: its virtual machine", there, START_S, run.died, run.evidence, 0.02)


SESSION = "session"
FLOOR = "floor"
CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender(SESSION, "SessionUser", _product),
        Contender("raw", "RawSocketUser", _locust("raw.py")),
        Contender("everyone", "everyone's Locust user", _locust("everyone.py")),
        Contender("tuned", "the same, tuned", _locust("tuned.py")),
        Contender("tsung", "Tsung", _tsung, tsung.absent),
        Contender(FLOOR, "bare Python epoll", _floor),
    )
}

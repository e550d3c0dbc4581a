"""A real master and real workers as separate processes, on loopback and free ports; all end with the test."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.page_client import free_port, free_ports
from tests.support import measured, prestarted
from tests.support.busy_machine import TOLERANT, demand
from tests.support.lab import Page
from tests.support.prestarted import Process
from tests.support.server_process import ServerProcess

ROOT = Path(__file__).resolve().parents[2]
#: Seconds after which a wait has failed. Generous: no test may fail because a machine is slow.
DEADLINE = 90.0
#: Locust's own time after which a worker is lost is 3 s: on a busy machine a healthy one may be silent for longer.
SOON = 5
#: A short run without the page.
HEADLESS = {"HEADLESS": "true", "USERS": 60, "RATE": 60, "TIME": "7s", "MAX_P99_MS": 60_000}
LIVENESS = "import locust.runners\nlocust.runners.HEARTBEAT_LIVENESS = {}"


def environment(**settings: object) -> dict[str, str]:
    """Return a small environment: the variables that Python needs, and `settings`."""
    names = ("PATH", "HOME", "LANG", "TMPDIR", *measured.VARIABLES)
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | {k: str(v) for k, v in settings.items()}


def run_module(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run `python -m rawsocket` when it should end by itself at once. The usual ports may be those of a lab."""
    command = [sys.executable, "-m", "rawsocket", *arguments]
    page, master = free_ports(2)
    env = environment(**{"HOLDFAST_PAGE_PORT": page, "HOLDFAST_MASTER_PORT": master, **settings})
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=DEADLINE, check=False)


class LocustFleet:
    """A master and its workers. Artefacts are in `runs`, logs in `folder`."""

    def __init__(self, folder: Path, settings: dict[str, object], cwd: Path, lost_after_s: int) -> None:
        self.folder = folder
        self.runs = folder / "runs"
        self.cwd = cwd
        self.page = Page(f"http://127.0.0.1:{settings['HOLDFAST_PAGE_PORT']}")
        self.environment = environment(**settings, HOLDFAST_RUNS=self.runs)
        self.workers: list[Process] = []
        self.master = self._start("master", "master", before=LIVENESS.format(lost_after_s))

    def _start(self, name: str, role: str, descriptors: int = 0, before: str = "") -> Process:
        out, err = (str(self.folder / f"{name}.{stream}") for stream in ("out", "err"))
        starter = prestarted.starter("rawsocket", tuple(environment().items()))
        return starter.start(
            arguments=[role], environment=self.environment, cwd=str(self.cwd), out=out, err=err,
            descriptors=descriptors, before=before,
        )  # fmt: skip

    def add_worker(self, descriptors: int = 0, **settings: object) -> Process:
        """Start one more worker, with a hard limit on its descriptors and other settings if any are given."""
        name = f"worker-{len(self.workers)}"
        self.environment |= {k: str(v) for k, v in settings.items()}
        self.workers.append(self._start(name, "worker", descriptors))
        return self.workers[-1]

    def out(self, name: str = "master") -> str:
        """Return the stdout of a process."""
        return (self.folder / f"{name}.out").read_text(errors="replace")

    def said(self) -> str:
        """Return the stdout of the master as one line: the result of a run is wrapped."""
        return " ".join(self.out().split())

    def err(self, name: str = "master") -> str:
        """Return the stderr of a process."""
        return (self.folder / f"{name}.err").read_text(errors="replace")

    def exit_code(self) -> int:
        """Wait for the end of the master; return its exit code."""
        try:
            return self.master.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the master did not end: {self.out()[-2000:]}{self.err()[-4000:]}") from None

    def ends_with(self, code: int, or_doubted: bool = False) -> None:
        """Demand the master's exit code, in a test with `retry_on_busy_machine` or with `or_doubted`."""
        found = self.exit_code()
        verdict = self.verdict() if (self.runs / "verdict.json").exists() else None
        demand(code, found, self.out(), self.err()[-4000:], or_doubted, verdict)

    def wait(self, what: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Wait until `what(/lab/state.json)` is true; the page may still be starting."""
        deadline = time.monotonic() + DEADLINE
        state: dict[str, Any] = {}
        while True:
            try:
                state = self.page.state()
                if what(state):
                    return state
            except OSError:
                pass
            assert self.master.poll() is None, f"the master ended: {self.err()[-4000:]}"
            assert time.monotonic() < deadline, f"still {state}: {self.err()[-4000:]}"
            time.sleep(0.1)

    def verdict(self) -> dict[str, Any]:
        """Return verdict.json."""
        return json.loads((self.runs / "verdict.json").read_text())

    def table(self, name: str) -> list[dict[str, str]]:
        """Return the rows of an artefact in CSV."""
        return list(csv.DictReader((self.runs / name).read_text().splitlines()))

    def stop(self) -> None:
        """End all processes."""
        for process in [self.master, *self.workers]:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()


@contextmanager
def locust_fleet(
    folder: Path,
    server: ServerProcess | None,
    workers: int = 2,
    cwd: Path = ROOT,
    descriptors: int = 0,
    lost_after_s: int = 60,
    **more: object,
) -> Iterator[LocustFleet]:
    """Run a master and `workers` against `server`; `more` are settings, WORKERS is the number of started ones.

    A worker that says nothing for `lost_after_s` is lost: SOON in tests that kill one.
    """
    ports = free_ports(2)
    settings: dict[str, object] = {
        "HOLDFAST_SERVER": f"tcp://127.0.0.1:{server.port if server else free_port()}",
        "HOLDFAST_SERVER_ADMIN": f"http://{server.admin}" if server else "",
        "HOLDFAST_PAGE_PORT": ports[0],
        "HOLDFAST_MASTER_PORT": ports[1],
        "HOLDFAST_LINGER": "false",
        "WORKERS": workers,
        "EVERY": 1,
        **TOLERANT,
        **more,
    }
    fleet = LocustFleet(folder, settings, cwd, lost_after_s)
    try:
        for _ in range(workers):
            fleet.add_worker(descriptors)
        yield fleet
    finally:
        fleet.stop()

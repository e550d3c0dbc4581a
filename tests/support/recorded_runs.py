"""Records short runs with different outcomes, as local processes, for people to look at their reports.

    python -m tests.support.recorded_runs FOLDER [NAME ...]

Each is a run of `make load` whose server or workers meet with something. FOLDER/NAME/ gets its files and what the
console showed (console.txt); pictures show the first screen of its report, on a desk and on a phone. Needs Chromium.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab import procfs
from tests.support.lab import ROOT, SETTINGS
from tests.support.report_pictures import DESK, PHONE, browser, first_screen

SERVER, WORKER, LOAD = "-m server", "rawsocket worker", ("held", "users")
RAISES = ROOT / "locustfiles/raises.py"
SCENARIO = '''"""A session that raises an exception."""

from rawsocket import Connect, Request, SessionUser


class Raises(SessionUser):
    def session(self):
        yield Connect()
        reply = yield Request(b"hello")
        return {}["reply"]
'''
Act = Callable[["Running"], None]


@dataclass(frozen=True)
class Recorded:
    """A run: its settings beyond COMMON, and what happens to it `after_s` seconds after its start."""

    settings: Mapping[str, str] = field(default_factory=dict)
    act: Act | None = None
    after_s: float = 6.0


@dataclass(frozen=True)
class Running:
    """A run that is under way."""

    lab: int

    def pids(self, words: str) -> list[int]:
        """Return the processes of the lab whose command has these words."""
        return [pid for pid in _children(self.lab) if words in _command(pid)]

    def pause(self, words: str, seconds: float) -> None:
        """Stop the first of these processes for a while."""
        pid = self.pids(words)[0]
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)


def _children(parent: int) -> Iterator[int]:
    for pid in (int(folder.name) for folder in Path("/proc").glob("[0-9]*")):
        stat = procfs.stat(pid)
        if stat and int(stat[1]) == parent:
            yield pid


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _freeze(run: Running) -> None:
    run.pause(SERVER, 5)


def _kill_server(run: Running) -> None:
    os.kill(run.pids(SERVER)[0], signal.SIGKILL)


def _kill_worker(run: Running) -> None:
    os.kill(run.pids(WORKER)[0], signal.SIGKILL)


def _interrupt(run: Running) -> None:
    os.kill(run.lab, signal.SIGINT)


def _starve(run: Running) -> None:
    for _ in range(4):
        run.pause(WORKER, 0.7)
        time.sleep(0.5)


COMMON = {"ENGINE": "native", "USERS": "60", "RATE": "60", "TIME": "14s", "EVERY": "1", "MAX_LAG_MS": "500"}
#: The outcomes that a new user should tell apart at a glance.
RUNS = {
    "pass": Recorded(),
    "full-server": Recorded({"MAX_CONNECTIONS": "40"}),
    "frozen-server": Recorded(act=_freeze),
    "server-killed": Recorded(act=_kill_server),
    "worker-killed": Recorded(act=_kill_worker),
    "tutorial": Recorded({"MODEL": "tutorial", "USERS": "1100", "RATE": "400", "EVERY": "10"}),
    "slow": Recorded({"APP": "work", "SERVER_WORK_MS": "30", "MAX_P99_MS": "100"}),
    "too-few-messages": Recorded({"MIN_MESSAGES_S": "500"}),
    "scenario-raises": Recorded({"SCENARIO": "raises"}),
    "interrupted": Recorded(act=_interrupt),
    "starved": Recorded({"MAX_LAG_MS": "50"}, act=_starve),
}


def record(name: str, folder: Path) -> None:
    """Make the run `name`, with its files and the console's text in `folder`."""
    run = RUNS[name]
    environ = {key: value for key, value in os.environ.items() if key not in SETTINGS} | COMMON | dict(run.settings)
    command = [sys.executable, "-m", "lab", "load"]
    lab = subprocess.Popen(
        command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip
    said = []
    for line in lab.stdout or ():
        said.append(line)
        if run.act and any(word in line for word in LOAD):
            time.sleep(run.after_s)
            run.act(Running(lab.pid))
            break
    said.append(lab.communicate()[0])
    text = "".join(said)
    found = re.search(r"Artefacts: (runs/\S+)/", text)
    assert found, text
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / found[1], folder)
    (folder / "console.txt").write_text(text)


def main() -> None:
    """Record the named runs, or all of them."""
    folder, names = Path(sys.argv[1]), sys.argv[2:] or list(RUNS)
    RAISES.write_text(SCENARIO)
    try:
        for name in names:
            record(name, folder / name)
    finally:
        RAISES.unlink()
    with browser() as chromium:
        for name in names:
            for size, theme in ((DESK, "light"), (PHONE, "dark")):
                picture = folder / f"{name}-{size.width}.png"
                first_screen(chromium, folder / name / "report.html", size, theme, picture)


if __name__ == "__main__":
    main()

"""`make drill-kills`: starts `lab drill NAME`, kills the lab (SIGKILL) at a random moment of the fault, waits 10 s.

`make drill-kills NAME=server-frozen,worker-cut TIMES=10 SEED=1 ENGINE=docker`; without NAME all drills that the engine
can do. A line for each drill. Exit code 0: nothing was left; 1: something was, it is named with its moment; 2: usage.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab import folders
from lab.drills.drill import DOCKER, NATIVE
from lab.drills.runner import length_s
from lab.drills.table import DRILLS, by_name
from lab.engines.identity import FOLDER_LABEL
from lab.errors import UsageError
from lab.settings import Settings, read
from tests.drill_kills import left

WAIT_S = 10.0
#: Small, because the load is none of the question; a drill whose load is too small for it says so.
LOAD = {
    "USERS": "20",
    "RATE": "100",
    "EVERY": "1",
    "TIMEOUT": "3",
    "WORKERS": "2",
    "PROCESSES": "2",
    "MAX_P99_MS": "5000",
}
AFTER_S = 1.0  # moments may be so long after the fault's usual end: it is healed then


@dataclass
class Found:
    """What became of the tries of one drill."""

    tries: int = 0
    unsteady: int = 0
    moments: list[float] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)

    def line(self, name: str) -> str:
        """Return it as one line."""
        span = f"{min(self.moments):.1f} to {max(self.moments):.1f} s into the fault" if self.moments else "never"
        said = f"{name:20} killed {len(self.moments)} times, {span}: {len(self.behind) or 'nothing'} left"
        return said + (f"; {self.unsteady} had no steady state" if self.unsteady else "")


def killed(name: str, settings: Settings, folder: Path, moment: float) -> list[str] | None:
    """Run one drill, kill its lab; return what is left of the fault, None if the fault never came."""
    environ = {**os.environ, **LOAD, "ENGINE": settings["ENGINE"], "PYTHONPATH": folders.python_path()}
    words = [sys.executable, "-m", "lab", "drill", name]
    with subprocess.Popen(
        words, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as lab:
        assert lab.stderr
        before: Mapping[str, left.Limits] = {}
        for line in lab.stderr:
            if line.startswith("held "):
                before = left.limits(folder)
            if line.startswith(f"Drill {name}: "):
                break
        else:
            return None
        time.sleep(moment)
        os.kill(lab.pid, signal.SIGKILL)
    time.sleep(WAIT_S)
    return left.behind(folder, before)


def tried(name: str, engine: str, folder: Path, times: int, seed: int) -> Found:
    """Kill the labs of a drill at `times` moments."""
    settings = read({**LOAD, "ENGINE": engine}, {}, verb="drill")
    longest = length_s(by_name()[name], settings) + AFTER_S
    chance, found = random.Random(f"{seed} {name}"), Found()
    for _ in range(times):
        moment = chance.uniform(0.0, longest)
        found.tries += 1
        behind = killed(name, settings, folder, moment)
        if behind is None:
            found.unsteady += 1
            continue
        found.moments.append(moment)
        found.behind += [f"{name}, killed {moment:.2f} s into the fault: {line}" for line in behind]
        if engine == DOCKER:
            _remove(folder)
    return found


def _remove(folder: Path) -> None:
    """Remove the containers and networks that a killed lab has left; its processes have ended by themselves."""
    for kind, listing in (("container", "ps"), ("network", "network ls")):
        words = ["docker", *listing.split(), "--quiet", f"--filter=label={FOLDER_LABEL}={folder}"]
        ids = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60).stdout.split()
        if ids:
            removing = ["docker", kind, "rm", *(["--force"] if kind == "container" else []), *ids]
            subprocess.run(removing, capture_output=True, check=False, timeout=60)


def main() -> int:
    """Read the settings from the environment, as make gives them."""
    given = {name: os.environ.pop(name, "").strip() for name in ("NAME", "TIMES", "SEED", "ENGINE")}
    engine = given["ENGINE"] or NATIVE
    names = [one.strip() for one in given["NAME"].split(",") if one.strip()]
    if unknown := [name for name in names if name not in by_name()]:
        sys.stderr.write(f"NAME={','.join(unknown)}: expected some of {', '.join(by_name())}\n")
        return 2
    try:
        times, seed = int(given["TIMES"] or "10"), int(given["SEED"] or "1")
        settings = read({**LOAD, "ENGINE": engine}, {}, verb="drill")
    except (ValueError, UsageError) as error:
        sys.stderr.write(f"TIMES, SEED or ENGINE can't be used: {error}\n")
        return 2
    folder = folders.work() if engine == DOCKER else Path(tempfile.mkdtemp(prefix="drill-kills-"))
    behind: list[str] = []
    for name in names or [drill.name for drill in DRILLS]:
        if why := by_name()[name].refusal(engine, settings):
            print(f"{name:20} left out: {why}", flush=True)
            continue
        found = tried(name, engine, folder, times, seed)
        behind += found.behind
        print("\n".join([found.line(name), *(f"  {line}" for line in found.behind)]), flush=True)
    if engine != DOCKER:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if behind else 0


if __name__ == "__main__":
    sys.exit(main())

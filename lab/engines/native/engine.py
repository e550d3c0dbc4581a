"""The lab as local processes: the same server, master and workers, without containers (Linux).

`up` leaves its processes running and remembers them below .lab/; a run starts its own on free ports and stops
them all before it returns.
"""

from pathlib import Path

from lab import page
from lab.engines.base import Engine
from lab.engines.native import processes
from lab.engines.native.deployment import NativeDeployment
from lab.settings import ROOT, Settings


class NativeEngine(Engine):
    """Runs labs where there is no Docker engine."""

    name = "native"

    def __init__(self, settings: Settings, folder: Path = ROOT / ".lab") -> None:
        super().__init__(settings, folder)
        self._folder = folder / "native"
        self._state = self._folder / "processes.json"

    def lab(self) -> NativeDeployment:
        """Return the lab that `up` starts: on the ports of the settings, remembered below .lab/."""
        ports = int(self.settings["PAGE_PORT"]), int(self.settings["SERVER_PORT"])
        # It has a page to start from: a HEADLESS of the caller's environment is for runs.
        return NativeDeployment(self.settings, self._folder / "logs", *ports, {"HEADLESS": ""}, self._state)

    def lab_of_run(self, name: str, folder: Path) -> NativeDeployment:
        """Return a lab on free ports that writes into `folder`."""
        headless = {"HEADLESS": "true", "HOLDFAST_RUNS": str(folder), "HOLDFAST_LINGER": "false"}
        headless["HOLDFAST_PROGRESS"] = "json"  # lab/run/console.py reads it
        state = self._folder / f"{name}.json"
        return NativeDeployment(self.settings, folder / "logs", page.free_port(), 0, headless, state, outlive=False)

    def status(self) -> list[str]:
        """Return one line for each process that `up` started."""
        return [f"{p.name:12} running    pid {p.pid}" for p in processes.load(self._state)]

    def clean(self) -> list[str]:
        """Stop what runs and forget it."""
        return ["processes"] if self.down() else []

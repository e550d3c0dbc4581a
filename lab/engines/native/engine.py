"""The lab as local processes: the same server, master and workers, without containers (Linux).

`up` leaves its processes running and remembers them below .lab/; a run starts its own on free ports and stops
them all before it returns.
"""

from pathlib import Path

from lab import page_client
from lab.engines import identity
from lab.engines.base import Engine
from lab.engines.native import processes
from lab.engines.native.deployment import NativeDeployment
from lab.errors import UsageError
from lab.settings import Settings
from lab.user_server import settings as user_server

PROCESSES = "processes.json"


class NativeEngine(Engine):
    """Runs labs where there is no Docker engine."""

    name = "native"

    def __init__(self, settings: Settings, folder: Path | None = None) -> None:
        super().__init__(settings, folder)
        self._all = self.folder / "native"
        self._folder = self._all / identity.project()
        self._state = self._folder / PROCESSES

    def lab(self) -> NativeDeployment:
        """Return the lab that `up` starts: on the ports of the settings, remembered below .lab/."""
        ports = int(self.settings["PAGE_PORT"]), int(self.settings["SERVER_PORT"])
        # It has a page to start from: a HEADLESS of the caller's environment is for runs.
        more = {"HEADLESS": "", "HOLDFAST_RUNS": str(self.runs), "HOLDFAST_RUN_FOLDERS": "true"}
        return NativeDeployment(self.settings, self._folder / "logs", *ports, more, self._state)

    def lab_of_run(self, name: str, folder: Path) -> NativeDeployment:
        """Return a lab on free ports that writes into `folder`."""
        headless = {"HEADLESS": "true", "HOLDFAST_RUNS": str(folder), "HOLDFAST_LINGER": "false"}
        headless["HOLDFAST_PROGRESS"] = "json"  # lab/run/console.py reads it
        state = self._folder / f"{name}.json"
        return NativeDeployment(
            self.settings, folder / "logs", page_client.free_port(), 0, headless, state, outlive=False
        )

    def check(self) -> None:
        """Raise UsageError for what local processes can't be: a server in an image."""
        super().check()
        if user_server.in_container(self.settings.values):
            raise UsageError(
                f"{self.settings.user_server} runs in a container, and these are local processes: "
                "start a Docker engine, or give SERVER_COMMAND alone"
            )

    def clean(self) -> list[str]:
        """Stop what runs and forget it."""
        there = self.down()
        for state in self._all.glob(f"*/{PROCESSES}"):  # of other projects of this folder
            there = bool(found := processes.load(state)) or there
            processes.stop(found)
            state.unlink()
        return ["processes"] if there else []

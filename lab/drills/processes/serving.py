"""The processes of the lab's own server: their pids and what each holds, as its metrics say."""

import re

from lab.drills.drill import Stage
from lab.settings import Settings
from lab.waiting import wait_for

_ROW = r'^holdfast_server_process_{}\{{process="(\d+)"\}} (\S+)$'
OWN_SERVER = "only the lab's own server has processes that the lab knows"
BACK_S = 30.0  # for a process to be replaced


def unfit(settings: Settings) -> str:
    """Return why these settings have no processes to lose, "" if they have."""
    if not settings["PROCESSES"].isdigit() or int(settings["PROCESSES"]) < 2:
        return "it needs a server of several processes: PROCESSES=4"
    return ""


def pids(stage: Stage) -> dict[int, int]:
    """Return the pid of each process that serves, by its number."""
    return _rows(stage.lab.server_metrics(), "pid")


def held(stage: Stage) -> dict[int, int]:
    """Return how many connections each process holds, by its number."""
    return _rows(stage.lab.server_metrics(), "connections")


def wait_for_replacement(stage: Stage, number: int, pid: int) -> None:
    """Wait until another process has taken the place of one that was ended."""
    wait_for(f"the successor of process {number}", lambda: pids(stage).get(number, pid) != pid, BACK_S)


def _rows(metrics: str, name: str) -> dict[int, int]:
    found = re.findall(_ROW.format(name), metrics, re.M)
    return {int(number): int(float(value)) for number, value in found}

"""CPU and memory of the user's own server, from the engine to the master.

The engine sends a record each second. It is put into the master's folder of runs, where rawsocket/master/live/ reads
it: a container can't ask the engine. In a run a thread of the lab does that. `up` ends long before a run from the page,
so it leaves a process behind: `python -m lab.engines.docker.user_server.usage PROJECT`. It ends with the containers.
"""

import contextlib
import json
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker

from lab.engines.docker.client import FAILURES, connect
from lab.engines.docker.container import ContainerPart
from lab.engines.docker.ended_containers import RUNS
from lab.engines.docker.user_server.service import LABEL
from lab.engines.native import processes
from lab.engines.native.deployment import PYTHON

NAME = "server-usage.json"
PROJECT_LABEL = "com.docker.compose.project"
AGAIN_S = 1.0
GIVE_UP = 30  # times in a row without an answer of the engine
# Pages of files, which the kernel takes back when it needs them, are not counted: version 2 of cgroups, and 1.
_CACHE = ("inactive_file", "total_inactive_file")


def usage(record: Mapping[str, Any], started: str) -> dict[str, Any] | None:
    """Return what the master is told of a record of the engine's statistics; None of a container that does not run.

    `cpu_s`: seconds of CPU since it started; `memory`: bytes; `started`: a text that differs after a restart.
    """
    cpu = record.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage", 0)
    memory = record.get("memory_stats", {})
    if not cpu or "usage" not in memory:
        return None
    details = memory.get("stats") or {}
    cache = next((details[name] for name in _CACHE if name in details), 0)
    return {
        "at": record.get("read", ""),
        "started": started,
        "cpu_s": cpu / 1e9,
        "memory": max(0, memory["usage"] - cache),
        "memory_limit": memory.get("limit", 0),
    }


def relay(client: docker.DockerClient, project: str, end: threading.Event) -> None:
    """Tell the master of a project, until `end` is set or the containers are gone."""
    failed = 0
    while not end.is_set() and failed < GIVE_UP:
        failed += 1
        with contextlib.suppress(*FAILURES):
            found = _parts(client, project)
            if "master" not in found or LABEL not in getattr(found.get("server"), "labels", {}):
                return
            failed = 0
            _relay_records(client, found["server"], found["master"], end)
        end.wait(AGAIN_S)


def _parts(client: docker.DockerClient, project: str) -> dict[str, Any]:
    filters: dict[str, Any] = {"label": f"{PROJECT_LABEL}={project}"}
    found = client.containers.list(all=True, filters=filters, ignore_removed=True)
    return {ContainerPart(each).role: each for each in found}


def _relay_records(client: docker.DockerClient, server: Any, master: Any, end: threading.Event) -> None:
    """Relay the records of a server until it ends."""
    if server.status != "running" or master.status != "running":
        return
    started = str(server.attrs["State"].get("StartedAt", ""))
    for record in client.api.stats(server.id, stream=True, decode=True):
        told = usage(record, started)
        if end.is_set() or told is None:
            return
        ContainerPart(master).put_file(RUNS, NAME, json.dumps(told).encode())


class Relay:
    """Relays in a thread, with a client of its own, until it is stopped."""

    def __init__(self, project: str) -> None:
        self._end = threading.Event()
        threading.Thread(target=self._run, args=(project,), daemon=True).start()

    def _run(self, project: str) -> None:
        with contextlib.suppress(*FAILURES):
            relay(connect(), project, self._end)

    def stop(self) -> None:
        """Relay nothing more; a record that is on its way is lost."""
        self._end.set()


def leave_behind(project: str, folder: Path) -> None:
    """Start a process that relays until the containers of the project are gone, in the place of an earlier one."""
    state = folder / "server-usage.processes.json"
    processes.stop(processes.load(state))
    command = [*PYTHON, __spec__.name, project]
    processes.save([processes.start("server-usage", command, {}, folder, signal.SIGTERM)], state)


if __name__ == "__main__":
    relay(connect(), sys.argv[1], threading.Event())

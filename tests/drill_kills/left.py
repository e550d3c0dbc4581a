"""What there is of a fault: frozen processes, lowered limits, rules of the network, helpers; of one folder's labs.

It only looks. The rules of a container are read from this machine (nsenter), so reading needs root.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.drills.namespace.agent import QUEUE, TABLE
from lab.engines.identity import FOLDER_LABEL

#: Of a container, as the engine has them.
LIMITS = ("Memory", "MemorySwap", "NanoCpus", "CpuQuota", "CpuPeriod", "PidsLimit")
HELPERS = "holdfast-tools:"
Limits = Mapping[str, object]


def processes(folder: Path) -> dict[str, str]:
    """Return the state of each process whose working directory is the folder, by its pid."""
    found = {}
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if (each / "cwd").readlink() == folder:
                found[each.name] = (each / "stat").read_text().rpartition(") ")[2][0]
        except (OSError, IndexError):
            continue
    return found


def containers(folder: Path) -> list[dict[str, Any]]:
    """Return what the engine says of the folder's containers that run or are paused; none without an engine."""
    ids = _said("docker", "ps", "--quiet", f"--filter=label={FOLDER_LABEL}={folder}").split()
    return list(json.loads(_said("docker", "inspect", *ids) or "[]")) if ids else []


def limits(folder: Path) -> dict[str, Limits]:
    """Return the limits of the folder's processes and containers, by pid or id."""
    found: dict[str, Limits] = {pid: _descriptors(pid) for pid in processes(folder)}
    for each in containers(folder):
        found[each["Id"]] = {name: each["HostConfig"].get(name) for name in LIMITS}
        for pid in _said("docker", "top", each["Id"], "-eo", "pid").split()[1:]:
            found[pid] = _descriptors(pid)
    return found


def behind(folder: Path, before: Mapping[str, Limits]) -> list[str]:
    """Return what is left of a fault, a line each; `before`: the limits before it."""
    found = [f"process {pid} is stopped" for pid, state in processes(folder).items() if state == "T"]
    for each in containers(folder):
        name = each["Name"].lstrip("/")
        if each["State"]["Paused"]:
            found.append(f"{name} is paused")
        if each["Config"]["Image"].startswith(HELPERS):
            found.append(f"{name} is a helper")
        found += [f"{name}: {rule}" for rule in rules(each["State"]["Pid"])]
    now = limits(folder)
    return found + [f"{who}: {now[who]} was {was}" for who, was in before.items() if now.get(who, was) != was]


def rules(pid: int) -> list[str]:
    """Return the rules of drills in the network of a process."""
    inside = ("nsenter", f"--net=/proc/{pid}/ns/net")
    listed = _said(*inside, "nft", "list", "tables") + _said(*inside, "tc", "qdisc", "show")
    return [line.strip() for line in listed.splitlines() if TABLE in line.split() or QUEUE in line.split()]


def _descriptors(pid: str) -> Limits:
    try:
        lines = Path(f"/proc/{pid}/limits").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    return {"descriptors": [line for line in lines if line.startswith("Max open files")]}


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""

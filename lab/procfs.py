"""What /proc says about a process: its state, start time and environment. Without /proc, only whether it is there."""

import os
from pathlib import Path


def stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on (state, parent, group, session, ...), [] if it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def start_time(pid: int) -> int | None:
    """Return the start time in clock ticks since boot, None if the process has ended (a zombie has)."""
    found = stat(pid)
    return None if not found or found[0] == "Z" else int(found[19])


def environment(pid: int) -> dict[str, str]:
    """Return the variables that a process was started with, {} if it has ended."""
    try:
        pairs = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return {}
    return {name: value for name, mark, value in (pair.partition("=") for pair in pairs) if mark}


def mark() -> str:
    """Return text by which a later process recognises this one: pid, start time, and the space of its pid."""
    return f"{os.getpid()} {_sign_of_life(os.getpid())} {_namespace()}"


def gone(marked: str) -> bool:
    """Whether the process of a `mark` has ended. False for one of another pid namespace, which can't be seen here."""
    pid, sign, namespace = marked.split()
    return namespace == _namespace() and _sign_of_life(int(pid)) != sign


def _sign_of_life(pid: int) -> str:
    if Path("/proc/self").exists():
        return str(start_time(pid))
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        pass
    return "there"


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return "-"

"""Where the control groups of this process are: versions 1 and 2, seen from inside a container or from the host.

/proc/self/cgroup names the group's path as the host sees it. Below the mount that a container has, that path
either exists (its own namespace, or the host), or the mount itself is the group (version 1 without a namespace). Both
are read, and so are the groups between, since any of them may have a limit.
"""

from collections.abc import Iterator
from pathlib import Path


def folders(controller: str, proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> Iterator[Path]:
    """Yield the folders of this process's groups for a controller, the innermost of each mount first."""
    for line in text(proc / "self/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        if names and controller not in names.split(","):
            continue
        for mount in (cgroup / names, cgroup / controller):
            if mount.is_dir():
                yield from _upwards(mount / path.strip("/"), mount)
                break


def _upwards(group: Path, mount: Path) -> Iterator[Path]:
    while group != mount:
        if group.is_dir() and ".." not in group.parts:  # `..`: a group that this namespace can't see
            yield group
        group = group.parent
    yield mount


def text(path: Path) -> str:
    """Return the text of a file, "" if it can't be read: a missing file is no limit."""
    try:
        return path.read_text()
    except OSError:
        return ""

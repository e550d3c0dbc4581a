"""Mounts files of this machine into the containers that read them: those of TLS, and the plan of a conversation.

A file that does not exist would become a folder there: the caller has checked that they exist.
"""

import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from lab.settings import FILE_PER_USER, FILES

INSIDE = PurePosixPath("/given")


def mount(services: dict[str, Any], files: Mapping[str, str]) -> None:
    """Mount each of `files` (variable -> absolute path on this machine), and set its variable to the path inside."""
    for service, names in FILES.items():
        for name in names:
            if service in services and files.get(name):
                _mount(services[service], name, PurePosixPath(files[name]))


def unreadable(files: Mapping[str, str]) -> str:
    """Return the first variable whose file only its owner may read, "" if there is none.

    On Linux a file has the same owner inside, and the containers run as another user.
    """
    given = [(name, Path(files[name])) for names in FILES.values() for name in names if files.get(name)]
    return next((name for name, path in given if path.is_file() and not path.stat().st_mode & stat.S_IROTH), "")


def _mount(service: dict[str, Any], name: str, file: PurePosixPath) -> None:
    inside = INSIDE / name.lower()
    # Where each user has a file of its own, the folder with all of them is mounted.
    source, value = (file.parent, inside / file.name) if FILE_PER_USER in file.name else (file, inside)
    # compose would take a dollar for a variable.
    bind = {"type": "bind", "source": str(source).replace("$", "$$"), "target": str(inside), "read_only": True}
    service.setdefault("volumes", []).append(bind)
    service["environment"][name] = str(value).replace("$", "$$")

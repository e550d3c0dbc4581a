"""Mounts the files of TLS, which are on this machine, into the containers that read them. Pure.

A file that does not exist would become a folder there: the caller has checked that they exist.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from lab.settings import FILE_PER_USER, TLS_FILES

INSIDE = PurePosixPath("/tls")


def mount(services: dict[str, Any], files: Mapping[str, str]) -> None:
    """Mount each of `files` (variable -> absolute path on this machine), and set its variable to the path inside."""
    for service, names in TLS_FILES.items():
        for name in names:
            if service in services and files.get(name):
                _mount(services[service], name, PurePosixPath(files[name]))


def _mount(service: dict[str, Any], name: str, file: PurePosixPath) -> None:
    inside = INSIDE / name.lower()
    # Where each user has a file of its own, the folder with all of them is mounted.
    source, value = (file.parent, inside / file.name) if FILE_PER_USER in file.name else (file, inside)
    # compose would take a dollar for a variable.
    bind = {"type": "bind", "source": str(source).replace("$", "$$"), "target": str(inside), "read_only": True}
    service.setdefault("volumes", []).append(bind)
    service["environment"][name] = str(value).replace("$", "$$")

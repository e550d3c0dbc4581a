"""The link runs/latest, which names the newest run."""

import os
from pathlib import Path


def point(folder: Path) -> None:
    """Point the link `latest` beside a run's folder at it."""
    link = folder.parent / f".latest.{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.replace(folder.parent / "latest")


def point_if_newer(folder: Path) -> None:
    """Do the same unless the link names a run with a later name; names begin with the time."""
    link = folder.parent / "latest"
    if not link.is_symlink() or os.readlink(link) < folder.name:
        point(folder)

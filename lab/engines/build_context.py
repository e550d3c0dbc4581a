"""The folder that the images are built from: the clone, or a copy of Holdfast's own files with the user's scenarios.

The copy is below .lab/, made anew for each build, and removed with the lab that it is for. The user's files replace
built-in ones of the same name, as they do for local processes.
"""

import shutil
from pathlib import Path

from lab import folders
from lab.errors import LabError

FILES = ("Dockerfile", "requirements-server.txt", "requirements-load.txt")
OURS = ("server", "lab/watch")
BOTH = ("locustfiles", "conversations")
_IGNORED = shutil.ignore_patterns("__pycache__", ".git")


def folder(of_lab: Path) -> Path:
    """Return the folder for a lab whose own files are in `of_lab`: the clone itself, where the user works in one."""
    return folders.ASSETS if folders.is_clone() else of_lab / "context"


def fill(context: Path) -> None:
    """Copy what the images are built from into the folder, unless it is the clone. Raises LabError if that fails."""
    if context == folders.ASSETS:
        return
    shutil.rmtree(context, ignore_errors=True)
    try:
        context.mkdir(parents=True)
        for name in FILES:
            shutil.copy(folders.ASSETS / name, context)
        for name in OURS:
            _add(folders.ASSETS / name, context / name)
        _add(folders.library() / "rawsocket", context / "rawsocket")
        for name in BOTH:
            for source in reversed(folders.both(name)):
                _add(source, context / name)
    except shutil.Error as error:
        source, _, reason = error.args[0][0]
        raise LabError(f"could not copy {folders.shown(Path(source))} for the images: {reason}") from None
    except OSError as error:
        raise LabError(f"could not copy {error.filename} for the images: {error.strerror}") from None


def _add(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=_IGNORED, dirs_exist_ok=True, ignore_dangling_symlinks=True)

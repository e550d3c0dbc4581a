"""Pure: the scenarios, which are files of folders. `protocols/redis_commands` is in a folder below one of them.

There may be several folders, such as the user's and the one of the installed package: the first that has a name wins.
"""

import os
from pathlib import Path


def folders(text: str) -> list[Path]:
    """Return the folders of a text with `:` between them, as in PATH."""
    return [Path(part) for part in text.split(os.pathsep) if part]


def names(*folders: Path, suffixes: tuple[str, ...] = (".py",)) -> list[str]:
    """Return what SCENARIO may be: the Python files below the folders, without .py, the first folder first.

    Files beside each other come before those in folders below them. One whose name begins with `_` or `.`, or that is
    in such a folder, is none.
    """
    return list(dict.fromkeys(name for folder in folders for name in _names(folder, suffixes)))


def find(scenario: str, folders: list[Path]) -> Path:
    """Return the file of a scenario: in the first folder that has it; in the first of all if none has."""
    paths = [folder / f"{scenario}.py" for folder in folders]
    return next((path for path in paths if path.is_file()), paths[0])


def _names(folder: Path, suffixes: tuple[str, ...]) -> list[str]:
    files = [path for suffix in suffixes for path in folder.rglob(f"*{suffix}")]
    paths = [path.relative_to(folder).with_suffix("") for path in files]
    public = [path for path in paths if not any(part.startswith(("_", ".")) for part in path.parts)]
    return [path.as_posix() for path in sorted(public, key=lambda path: (len(path.parts), path.parts))]

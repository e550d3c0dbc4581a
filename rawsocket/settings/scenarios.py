"""Pure: the names of the scenarios, which are files of a folder. `protocols/redis_commands` is in a folder below it."""

from pathlib import Path


def names(folder: Path) -> list[str]:
    """Return what SCENARIO may be: the Python files below a folder, without .py; those beside it come first.

    A file or a folder whose name begins with `_` or `.` is none.
    """
    paths = [path.relative_to(folder).with_suffix("") for path in folder.rglob("*.py")]
    public = [path for path in paths if not any(part.startswith(("_", ".")) for part in path.parts)]
    return [path.as_posix() for path in sorted(public, key=lambda path: (len(path.parts), path.parts))]
